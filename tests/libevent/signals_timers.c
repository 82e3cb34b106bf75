/*
 * tests/libevent/signals_timers.c - signals as events, timers, wake-ups from another thread, and buffers over pairs.
 *
 *   signals_timers BACKEND       a line of TAP for each case
 */
#include "tests/libevent/base.h"
#include <event2/buffer.h>
#include <event2/bufferevent.h>
#include <event2/thread.h>
#include <pthread.h>
#include <signal.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

static struct event_base *base;
static int number, failures;

static void result(int ok, const char *name)
{
	printf("%sok %d - %s\n", ok ? "" : "not ", ++number, name);
	fflush(stdout);
	failures += !ok;
}
static double now(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (double)t.tv_sec + (double)t.tv_nsec / 1e9;
}
static void run_for(int seconds)
{
	struct timeval tv = { seconds, 0 };

	event_base_loopexit(base, &tv);
	event_base_dispatch(base);
}

/* --- signals: a child sends one, waits for the answer, sends the next --- */

enum { ROUNDS = 50 };
static int usr1, usr2, chld, answer[2];

static void on_signal(evutil_socket_t sig, short what, void *arg)
{
	(void)what;
	(void)arg;
	usr1 += sig == SIGUSR1;
	usr2 += sig == SIGUSR2;
	if (sig == SIGCHLD) {
		chld++;
		event_base_loopbreak(base);
	} else if (write(answer[1], "", 1) != 1) {
		abort();
	}
}

static void signals(void)
{
	static const int signos[] = { SIGUSR1, SIGUSR2, SIGCHLD };
	struct event *ev[3];
	int status = -1;
	char c;

	if (pipe(answer) < 0)
		abort();
	for (int i = 0; i < 3; i++) {
		ev[i] = evsignal_new(base, signos[i], on_signal, NULL);
		event_add(ev[i], NULL);
	}
	pid_t child = fork();

	if (child == 0) {
		for (int i = 0; i < ROUNDS; i++) {
			kill(getppid(), i % 2 ? SIGUSR1 : SIGUSR2);
			if (read(answer[0], &c, 1) != 1)
				_exit(1);
		}
		_exit(7);
	}
	run_for(60);
	result(usr1 == ROUNDS / 2 && usr2 == ROUNDS / 2, "each_signal_is_an_event");
	result(chld == 1 && waitpid(child, &status, 0) == child && WEXITSTATUS(status) == 7,
	       "end_of_a_child_is_an_event");
	for (int i = 0; i < 3; i++)
		event_free(ev[i]);
}

/* --- timers --- */

/* When a timer is due: between the two, as a busy machine may pause while it is being set. */
static double started, due[20], due_at_last[20], came[20];
static int order[20], fired, ticks;

static void on_timer(evutil_socket_t fd, short what, void *arg)
{
	int i = (int)(long)arg;

	(void)fd;
	(void)what;
	came[i] = now() - started;
	order[fired++] = i;
	if (fired == 20)
		event_base_loopbreak(base);
}

static void timers(void)
{
	int early = 0, sorted = 1;

	started = now();
	for (int i = 0; i < 20; i++) {
		/* 20 different times in no order: 7 i mod 20, five ms apart. */
		int ms = 10 + i * 7 % 20 * 5;
		struct timeval tv = { 0, ms * 1000 };

		due[i] = now() - started + ms / 1000.0;
		event_base_once(base, -1, EV_TIMEOUT, on_timer, (void *)(long)i, &tv);
		due_at_last[i] = now() - started + ms / 1000.0;
	}
	run_for(60);
	for (int i = 0; i < 20; i++) {
		/* libevent counts whole milliseconds with poll() and select(). */
		early += came[i] < due[i] - 0.002;
		sorted &= i == 0 || due[order[i - 1]] < due_at_last[order[i]];
	}
	result(fired == 20 && sorted, "timers_fire_in_their_order");
	result(!early, "timers_fire_no_earlier_than_due");
}

static void on_tick(evutil_socket_t fd, short what, void *arg)
{
	(void)fd;
	(void)what;
	(void)arg;
	if (++ticks == 10)
		event_base_loopbreak(base);
}

static void periodic(void)
{
	struct timeval tv = { 0, 10000 };
	struct event *ev = event_new(base, -1, EV_PERSIST, on_tick, NULL);

	started = now();
	event_add(ev, &tv);
	run_for(60);
	result(ticks == 10 && now() - started >= 0.095, "periodic_timer_comes_again");
	event_free(ev);
}

/* --- from another thread: libevent wakes its loop through an eventfd --- */

static struct event *poked;
static int pokes;

static void on_poke(evutil_socket_t fd, short what, void *arg)
{
	(void)fd;
	(void)what;
	(void)arg;
	if (++pokes == 20)
		event_base_loopbreak(base);
}
static void *poke(void *arg)
{
	struct timespec pause = { 0, 2000000 };

	/* Each is waited for: two at once would be one event. */
	for (int i = 0; i < 20; i++) {
		event_active(poked, EV_READ, 1);
		while (*(volatile int *)&pokes <= i)
			nanosleep(&pause, NULL);
	}
	return arg;
}
static void threads(void)
{
	pthread_t t;

	poked = event_new(base, -1, EV_PERSIST | EV_READ, on_poke, NULL);
	event_add(poked, NULL);
	pthread_create(&t, NULL, poke, NULL);
	run_for(60);
	pthread_join(t, NULL);
	result(pokes == 20, "another_thread_wakes_the_loop");
	event_free(poked);
}

/* --- bufferevents over a socket pair --- */

enum { AMOUNT = 1 << 20 };
static size_t arrived;
static unsigned int sum;

static void on_bytes(struct bufferevent *bev, void *arg)
{
	unsigned char buf[8192];
	size_t n;

	(void)arg;
	while ((n = bufferevent_read(bev, buf, sizeof(buf))) > 0)
		for (size_t i = 0; i < n; i++)
			sum = sum * 31 + buf[i], arrived++;
}
static void on_end(struct bufferevent *bev, short what, void *arg)
{
	(void)bev;
	*(int *)arg = what;
	event_base_loopbreak(base);
}
static void all_written(struct bufferevent *bev, void *arg)
{
	(void)arg;
	if (evbuffer_get_length(bufferevent_get_output(bev)) == 0)
		shutdown(bufferevent_getfd(bev), SHUT_WR);
}

static void pairs(void)
{
	static unsigned char data[AMOUNT];
	evutil_socket_t s[2];
	unsigned int want = 0;
	int end = 0;

	for (int i = 0; i < AMOUNT; i++) {
		data[i] = (unsigned char)(i * 7 + (i >> 9));
		want = want * 31 + data[i];
	}
	if (evutil_socketpair(AF_UNIX, SOCK_STREAM, 0, s) < 0)
		abort();
	evutil_make_socket_nonblocking(s[0]);
	evutil_make_socket_nonblocking(s[1]);
	struct bufferevent *a = bufferevent_socket_new(base, s[0], BEV_OPT_CLOSE_ON_FREE),
			   *b = bufferevent_socket_new(base, s[1], BEV_OPT_CLOSE_ON_FREE);

	bufferevent_setcb(a, NULL, all_written, NULL, NULL);
	bufferevent_setcb(b, on_bytes, NULL, on_end, &end);
	bufferevent_enable(b, EV_READ);
	bufferevent_write(a, data, sizeof(data));
	run_for(60);
	result(arrived == AMOUNT && sum == want, "a_megabyte_crosses_a_pair");
	result(end == (BEV_EVENT_EOF | BEV_EVENT_READING), "shutdown_is_the_end_of_the_file");
	bufferevent_free(a);
	bufferevent_free(b);
}

int main(int argc, char **argv)
{
	if (argc != 2) {
		fprintf(stderr, "usage: signals_timers BACKEND\n");
		return 2;
	}
	evthread_use_pthreads();
	base = base_on(argv[1]);
	signals();
	timers();
	periodic();
	threads();
	pairs();
	event_base_free(base);
	printf("1..%d\n", number);
	return failures != 0;
}

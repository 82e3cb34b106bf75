/*
 * Small races around wait queues and epoll, each played once for every seed: whatever the order of the steps, no event
 * is lost, an edge notifies again, every count arrives, nothing hangs.
 *
 *   epoll_races [--hash] [--first] [--scenario NAME] FROM COUNT     seeds FROM .. FROM + COUNT - 1
 *   epoll_races --list
 *
 * Each seed runs in a process of its own, which writes it to /proc/pollux/races first; the kernel then orders the
 * steps of its threads by the seed (kernel/race.h). Without that file, as on Linux, the scenarios run as they come.
 * A line "# seed N NAME: what" for each that fails, with --hash also "seed N NAME HASH" (the order of all steps) for
 * all; --first ends with the first that fails; the last line is "N seeds, M failed". The exit status says whether all
 * passed.
 */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <sys/select.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#define RACES "/proc/pollux/races"
/* What takes longer is lost. With virtual time an idle machine gets there at once. */
#define LOST_MS 20000
#define STUCK_SECONDS 40
#define MAX_THREADS 8
enum { STOP = 1000, NOISE, ITEM };	/* data of events */

static unsigned long seed;
static const char *scenario_name;
static uint64_t variant;		/* bits of the seed that choose a scenario's details */
static bool show_hash, only_first;

#define FAIL(...) do {										\
	printf("# seed %lu %s: ", seed, scenario_name);						\
	printf(__VA_ARGS__);									\
	printf("\n");										\
	fflush(stdout);										\
	_exit(1);										\
} while (0)
#define CHECK(cond) do { if (!(cond)) FAIL("%s, line %d, errno %d", #cond, __LINE__, errno); } while (0)

/* --- help ------------------------------------------------------------------------------------------------- */

static pthread_t threads[MAX_THREADS];
static int nr_threads;
static void spawn(void *(*fn)(void *), long arg)
{
	CHECK(nr_threads < MAX_THREADS);
	CHECK(pthread_create(&threads[nr_threads++], NULL, fn, (void *)arg) == 0);
}
static void join_all(void)
{
	while (nr_threads)
		CHECK(pthread_join(threads[--nr_threads], NULL) == 0);
}

/* True for one seed in two, or in more; each call uses up bits. */
static bool maybe(unsigned int one_in)
{
	bool yes = variant % one_in == 0;

	variant /= one_in;
	return yes;
}

static int ctl(int ep, int op, int fd, uint32_t events, uint64_t data)
{
	struct epoll_event e = { .events = events, .data.u64 = data };

	return epoll_ctl(ep, op, fd, &e);
}
static void add(int ep, int fd, uint32_t events, uint64_t data)
{
	CHECK(ctl(ep, EPOLL_CTL_ADD, fd, events, data) == 0);
}
static int new_epoll(void)
{
	int ep = epoll_create1(0);

	CHECK(ep >= 0);
	return ep;
}
static int new_event(int flags)
{
	int fd = eventfd(0, EFD_NONBLOCK | flags);

	CHECK(fd >= 0);
	return fd;
}
static void give(int fd, uint64_t n) { CHECK(write(fd, &n, 8) == 8); }
/* What @fd's count was, 0 if nothing. */
static uint64_t take(int fd)
{
	uint64_t v = 0;

	if (read(fd, &v, 8) != 8)
		CHECK(errno == EAGAIN);
	return v;
}
/* Up to @max events; none in all that time means one was lost. A signal is passed on as none. */
static int wait_events(int ep, struct epoll_event *e, int max)
{
	int n = epoll_wait(ep, e, max, LOST_MS);

	if (n < 0 && errno == EINTR)
		return 0;
	CHECK(n >= 0);
	if (n == 0)
		FAIL("an event was lost");
	return n;
}
static void wait_readable(int fd, const char *what)
{
	struct pollfd p = { .fd = fd, .events = POLLIN };

	if (poll(&p, 1, LOST_MS) != 1)
		FAIL("%s was lost", what);
}

/* --- tokens: given by some, taken by others, none may be left over ------------------------------------------- */

static int tokens, stop, given, taken, owners;
static uint32_t token_events;

static void *giver(void *n)
{
	for (long i = 0; i < (long)n; i++)
		give(tokens, 1);
	return NULL;
}

static bool take_token(void)
{
	if (!take(tokens))
		return false;
	if (__atomic_add_fetch(&taken, 1, __ATOMIC_SEQ_CST) == given)
		give(stop, 1);
	return true;
}

/* An event said there are tokens: one at level, all at an edge. */
static void take_tokens(int ep)
{
	if (token_events & EPOLLONESHOT && __atomic_fetch_add(&owners, 1, __ATOMIC_SEQ_CST))
		FAIL("a one-shot item was reported to two at once");
	while (take_token() && token_events & EPOLLET)
		;
	if (token_events & EPOLLONESHOT) {
		__atomic_fetch_sub(&owners, 1, __ATOMIC_SEQ_CST);
		CHECK(ctl(ep, EPOLL_CTL_MOD, tokens, token_events, ITEM) == 0);
	}
}

static void *taker(void *arg)
{
	int ep = (int)(long)arg, max = 1 + seed % 2;
	struct epoll_event e[2];

	for (;;) {
		bool stopped = false;
		int n = wait_events(ep, e, max);

		for (int i = 0; i < n; i++) {
			if (e[i].data.u64 == STOP)
				stopped = true;
			else
				take_tokens(ep);
		}
		if (stopped)
			return NULL;
	}
}

static void token_setup(int n)
{
	tokens = new_event(EFD_SEMAPHORE);
	stop = new_event(0);
	given = n;
	token_events = EPOLLIN;
}

static void tokens_level_edge_oneshot(void)
{
	int ep = new_epoll();

	token_setup(6);
	if (maybe(2))
		token_events |= EPOLLET;
	if (maybe(2))
		token_events |= EPOLLONESHOT;
	add(ep, stop, EPOLLIN, STOP);
	add(ep, tokens, token_events, ITEM);
	spawn(taker, ep);
	spawn(taker, ep);
	spawn(giver, 3);
	spawn(giver, 3);
	join_all();
	CHECK(taken == given && take(tokens) == 0);
}

static void tokens_exclusive(void)
{
	token_setup(6);
	for (int i = 0; i < 3; i++) {
		int ep = new_epoll();

		add(ep, stop, EPOLLIN, STOP);
		add(ep, tokens, EPOLLIN | EPOLLEXCLUSIVE, ITEM);
		spawn(taker, ep);
	}
	spawn(giver, 3);
	spawn(giver, 3);
	join_all();
	CHECK(taken == given);
}

/* Waits on the outer epoll, or polls the inner one, and empties the inner one. */
static int inner, outer;
static void drain_inner(void)
{
	struct epoll_event e;

	while (epoll_wait(inner, &e, 1, 0) == 1)
		if (e.data.u64 == ITEM)
			take_token();
		else
			return;
}
static void *outer_taker(__attribute__((unused)) void *arg)
{
	struct epoll_event e;

	while (__atomic_load_n(&taken, __ATOMIC_SEQ_CST) < given) {
		if (outer >= 0)
			wait_events(outer, &e, 1);
		else
			wait_readable(inner, "an event of an epoll that is polled");
		drain_inner();
	}
	return NULL;
}

static void tokens_nested(void)
{
	token_setup(6);
	inner = new_epoll();
	outer = maybe(3) ? -1 : new_epoll();
	add(inner, stop, EPOLLIN, STOP);
	if (outer >= 0)
		add(outer, inner, EPOLLIN | (maybe(2) ? EPOLLET : 0), ITEM);
	add(inner, tokens, EPOLLIN, ITEM);
	spawn(outer_taker, 0);
	if (maybe(2))
		spawn(taker, inner);
	spawn(giver, 3);
	spawn(giver, 3);
	join_all();
	CHECK(taken == given);
}

/* --- acknowledged events: each step must be reported before the next is made ------------------------------ */

static int acks, item, noise;
static void handler(__attribute__((unused)) int sig) { }

/* Reports each event of the item on acks; takes its count if @arg's bit 16 says so. */
#define TAKES 0x10000
static void *acker(void *arg)
{
	int ep = (long)arg & 0xffff;
	struct epoll_event e[3];

	for (;;) {
		int n = wait_events(ep, e, 1 + (int)(seed % 3));
		bool stopped = false;

		for (int i = 0; i < n; i++) {
			if (e[i].data.u64 == STOP)
				stopped = true;
			else if (e[i].data.u64 == NOISE)
				take(noise);
			else if (!((long)arg & TAKES) || take(item))
				give(acks, 1);
		}
		if (stopped)
			return NULL;
	}
}

/* Makes scans happen all the time. */
static void *noise_maker(void *n)
{
	for (long i = 0; i < (long)n; i++)
		give(noise, 1);
	return NULL;
}

static void await_ack(const char *what)
{
	wait_readable(acks, what);
	take(acks);
}

static int acked_setup(void)
{
	int ep = new_epoll();

	acks = new_event(0);
	noise = new_event(0);
	stop = new_event(0);
	item = new_event(0);
	add(ep, stop, EPOLLIN, STOP);
	add(ep, noise, EPOLLIN, NOISE);
	return ep;
}

static void edge_notifies_again(void)
{
	int ep = acked_setup();
	bool takes = maybe(2);

	add(ep, item, EPOLLIN | EPOLLET, ITEM);
	spawn(acker, ep | (takes ? TAKES : 0));
	if (maybe(2))
		spawn(acker, ep | (takes ? TAKES : 0));
	spawn(noise_maker, 6);
	for (int i = 0; i < 4; i++) {
		give(item, 1);
		await_ack("an edge");
	}
	give(stop, 1);
	join_all();
}

static void mod_arms_again(void)
{
	uint32_t how = EPOLLIN | (maybe(2) ? EPOLLET : EPOLLONESHOT);
	int ep = acked_setup();

	give(item, 1);
	add(ep, item, how, ITEM);
	spawn(acker, ep);
	spawn(noise_maker, 6);
	await_ack("what was ready when it was added");
	for (int i = 0; i < 3; i++) {
		CHECK(ctl(ep, EPOLL_CTL_MOD, item, how, ITEM) == 0);
		await_ack("what was ready when it was modified");
	}
	give(stop, 1);
	join_all();
}

/* Asks for nothing, then for input again, while the input comes. */
static void *write_item(__attribute__((unused)) void *arg)
{
	give(item, 1);
	return NULL;
}
static void mod_meets_write(void)
{
	int ep = acked_setup();

	add(ep, item, EPOLLET, ITEM);
	spawn(acker, ep);
	for (int i = 0; i < 3; i++) {
		CHECK(ctl(ep, EPOLL_CTL_MOD, item, EPOLLET, ITEM) == 0);
		take(item);
		take(acks);
		spawn(write_item, 0);
		CHECK(ctl(ep, EPOLL_CTL_MOD, item, EPOLLIN | EPOLLET, ITEM) == 0);
		await_ack("a write that met a MOD");
	}
	give(stop, 1);
	join_all();
}

static void add_meets_write(void)
{
	int ep = acked_setup();
	struct epoll_event e[4];

	spawn(acker, ep);
	spawn(noise_maker, 4);
	for (int i = 0; i < 3; i++) {
		spawn(write_item, 0);
		add(ep, item, EPOLLIN | EPOLLET, ITEM);
		await_ack("a write that met an ADD");
		CHECK(ctl(ep, EPOLL_CTL_DEL, item, 0, 0) == 0);
		int n = epoll_wait(ep, e, 4, 0);

		for (int k = 0; k < n; k++)
			if (e[k].data.u64 == ITEM)
				FAIL("an item was reported after its DEL");
		pthread_join(threads[--nr_threads], NULL);
		take(item);
		take(acks);
	}
	give(stop, 1);
	join_all();
}

/* Noise that only its first reader notices: at level, each scan would wake the next task in the queue. */
static void quiet_noise(int ep) { CHECK(ctl(ep, EPOLL_CTL_MOD, noise, EPOLLIN | EPOLLET, NOISE) == 0); }

/* So long that every thread that can go on has; unless @skip. */
static void let_all_sleep(bool skip)
{
	if (!skip)
		usleep(1000);
}

/* One wait and no more: who leaves without an event must not have been the one it was for. */
static void *leaver(void *arg)
{
	struct epoll_event e;

	if (epoll_wait((int)(long)arg & 0xffff, &e, 1, (int)((long)arg >> 16)) == 1 && e.data.u64 == ITEM)
		give(acks, 1);
	return NULL;
}

/* Two waiters; the one that is interrupted may have been chosen just before. */
static void signal_meets_write(void)
{
	int ep = acked_setup();
	struct sigaction sa = { .sa_handler = handler };

	sigaction(SIGUSR1, &sa, NULL);
	add(ep, item, EPOLLIN | EPOLLET, ITEM);
	quiet_noise(ep);
	spawn(acker, ep);
	for (int i = 0; i < 3; i++) {
		spawn(leaver, ep | LOST_MS << 16);
		pthread_t t = threads[nr_threads - 1];

		let_all_sleep(maybe(3));
		/* Noise makes the other one go behind it in the queue. */
		give(noise, 1);
		let_all_sleep(maybe(3));
		if (maybe(2)) {
			pthread_kill(t, SIGUSR1);
			give(item, 1);
		} else {
			give(item, 1);
			pthread_kill(t, SIGUSR1);
		}
		await_ack("an event whose waiter was interrupted");
	}
	give(stop, 1);
	join_all();
}

/* The same with one whose time runs out; the CPU is busy meanwhile, so it does not get to run in time. */
static void timeout_meets_write(void)
{
	int ep = acked_setup();

	add(ep, item, EPOLLIN | EPOLLET, ITEM);
	quiet_noise(ep);
	spawn(acker, ep);
	for (int i = 0; i < 3; i++) {
		spawn(leaver, ep | 4 << 16);
		let_all_sleep(false);
		give(noise, 1);
		let_all_sleep(false);
		usleep((useconds_t)(1600 + seed * 37 % 500));
		give(item, 1);
		/* About half a millisecond. No system call: at one another task might run. */
		for (volatile int n = 0; n < 120000; n++)
			;
		await_ack("an event whose waiter's time ran out");
	}
	give(stop, 1);
	join_all();
}

/* --- the life of files ------------------------------------------------------------------------------------- */

static void *closer(void *fd)
{
	CHECK(close((int)(long)fd) == 0);
	return NULL;
}
static void *writer(void *fd)
{
	uint64_t one = 1;

	/* It may be closed, or another file, by now. */
	if (write((int)(long)fd, &one, 8) != 8)
		CHECK(errno == EBADF || errno == EAGAIN || errno == EINVAL);
	return NULL;
}

static void dup_keeps_the_item(void)
{
	int ep = acked_setup(), d = dup(item);
	struct epoll_event e[4];

	add(ep, item, EPOLLIN | EPOLLET, ITEM);
	spawn(acker, ep);
	spawn(noise_maker, 4);
	spawn(closer, item);
	spawn(writer, d);
	await_ack("an event of a file that is open under another number");
	for (int i = 0; i < 2; i++)
		pthread_join(threads[--nr_threads], NULL);
	give(d, 1);
	await_ack("an event after the first close");
	spawn(closer, d);
	int n = epoll_wait(ep, e, 1, 0);

	(void)n;
	pthread_join(threads[--nr_threads], NULL);
	n = epoll_wait(ep, e, 4, 0);
	for (int k = 0; k < n; k++)
		if (e[k].data.u64 == ITEM)
			FAIL("an item was reported after the last close");
	/* The numbers are free, for the set as well. */
	for (int i = 0; i < 2; i++) {
		int fresh = new_event(0);

		CHECK(fresh == item || fresh == d);
		add(ep, fresh, EPOLLIN, NOISE + 10);
	}
	give(stop, 1);
	join_all();
}

static void close_meets_close(void)
{
	int ep = new_epoll(), above = new_epoll(), fd = new_event(0), d = dup(fd);

	add(ep, fd, EPOLLIN | EPOLLET, ITEM);
	add(ep, d, EPOLLIN, ITEM);
	add(above, ep, EPOLLIN, ITEM);
	spawn(writer, d);
	spawn(closer, ep);
	spawn(closer, fd);
	spawn(closer, d);
	if (maybe(2))
		spawn(closer, above);
	join_all();
	CHECK(fcntl(fd, F_GETFD) < 0 && fcntl(ep, F_GETFD) < 0);
}

static int storm_ep;
static void *stormer(void *arg)
{
	unsigned int r = (unsigned int)seed * 31 + (unsigned int)(long)arg;

	for (int i = 0; i < 5; i++) {
		r = r * 1664525 + 1013904223;
		static const uint32_t kinds[] = { EPOLLIN, EPOLLIN | EPOLLET, EPOLLIN | EPOLLONESHOT, EPOLLOUT };

		if (ctl(storm_ep, 1 + (int)(r >> 16) % 3, item, kinds[r >> 24 & 3], NOISE))
			CHECK(errno == EEXIST || errno == ENOENT);
	}
	return NULL;
}
static void *scanner(__attribute__((unused)) void *arg)
{
	struct epoll_event e;

	for (int i = 0; i < 5; i++)
		if (epoll_wait(storm_ep, &e, 1, 0) == 1)
			take(item);
	return NULL;
}
static void storm_leaves_order(void)
{
	struct epoll_event e;

	storm_ep = new_epoll();
	item = new_event(0);
	tokens = item;
	spawn(stormer, 1);
	spawn(stormer, 2);
	spawn(scanner, 0);
	spawn(giver, 3);
	join_all();
	take(item);
	if (ctl(storm_ep, EPOLL_CTL_DEL, item, 0, 0))
		CHECK(errno == ENOENT);
	add(storm_ep, item, EPOLLIN, ITEM);
	CHECK(epoll_wait(storm_ep, &e, 1, 0) == 0);
	give(item, 1);
	CHECK(epoll_wait(storm_ep, &e, 1, 0) == 1 && e.data.u64 == ITEM);
}

/* --- pipes, poll, select, blocking calls ---------------------------------------------------------------------- */

#define PIECE 3000
static void *pipe_writer(void *arg)
{
	static const char bytes[PIECE];
	int fd = (int)(long)arg;

	for (int i = 0; i < 3; i++)
		CHECK(write(fd, bytes, PIECE) == PIECE);
	CHECK(close(fd) == 0);
	return NULL;
}
static void pipe_ends_with_hangup(void)
{
	static char buf[2 * PIECE];
	struct epoll_event e;
	int p[2], ep = new_epoll();
	long got = 0;

	CHECK(pipe(p) == 0 && fcntl(p[1], F_SETPIPE_SZ, 4096) == 4096);
	CHECK(fcntl(p[0], F_SETFL, O_NONBLOCK) == 0);
	add(ep, p[0], EPOLLIN | (maybe(2) ? EPOLLET : 0), ITEM);
	spawn(pipe_writer, dup(p[1]));
	spawn(pipe_writer, p[1]);
	for (;;) {
		wait_events(ep, &e, 1);
		ssize_t n;

		while ((n = read(p[0], buf, sizeof(buf))) > 0)
			got += n;
		if (n == 0)
			break;
		CHECK(errno == EAGAIN);
	}
	join_all();
	CHECK(got == 6 * PIECE);
	CHECK(epoll_wait(ep, &e, 1, 0) <= 1);
}

/* Bytes through a socket pair with little room: both ends wait by edges, each for what the other does. */
#define STREAM_BYTES 20000
static int ends[2];
static void *stream_writer(__attribute__((unused)) void *arg)
{
	static const char bytes[STREAM_BYTES];
	struct epoll_event e;
	int ep = new_epoll();

	add(ep, ends[1], EPOLLOUT | EPOLLET, ITEM);
	for (ssize_t sent = 0, n; sent < STREAM_BYTES; sent += n) {
		n = send(ends[1], bytes + sent, (size_t)(STREAM_BYTES - sent), MSG_NOSIGNAL);
		if (n < 0) {
			CHECK(errno == EAGAIN);
			n = 0;
			wait_events(ep, &e, 1);
		}
	}
	CHECK(close(ends[1]) == 0);
	return NULL;
}
static void socket_pair_carries_every_byte(void)
{
	int little = 4608, ep = new_epoll();
	struct epoll_event e;
	static char buf[3000];
	ssize_t n, got = 0;

	CHECK(socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK, 0, ends) == 0);
	CHECK(setsockopt(ends[1], SOL_SOCKET, SO_SNDBUF, &little, sizeof(little)) == 0);
	add(ep, ends[0], EPOLLIN | EPOLLRDHUP | EPOLLET, ITEM);
	spawn(stream_writer, 0);
	do {
		wait_events(ep, &e, 1);
		while ((n = read(ends[0], buf, sizeof(buf))) > 0)
			got += n;
		CHECK(n == 0 || errno == EAGAIN);
	} while (n != 0);
	join_all();
	CHECK(got == STREAM_BYTES);
}

static int blocking;
static void *blocking_reader(void *n)
{
	uint64_t v;

	for (long sum = 0; sum < (long)n; sum += (long)v)
		CHECK(read(blocking, &v, 8) == 8);
	return NULL;
}
static void *poller(void *n)
{
	for (long sum = 0; sum < (long)n; sum += (long)take(item))
		wait_readable(item, "an event of poll()");
	return NULL;
}
static void *selecter(void *n)
{
	long sum = 0;

	while (sum < (long)n) {
		struct timeval t = { LOST_MS / 1000, 0 };
		fd_set r;

		FD_ZERO(&r);
		FD_SET(noise, &r);
		if (select(noise + 1, &r, NULL, NULL, &t) != 1)
			FAIL("an event of select() was lost");
		sum += (long)take(noise);
	}
	return NULL;
}
static void *write_three(void *n)
{
	for (long i = 0; i < (long)n; i++) {
		give(blocking, 1);
		give(item, 1);
		give(noise, 1);
	}
	return NULL;
}
static void poll_select_and_blocking_read(void)
{
	blocking = eventfd(0, maybe(2) ? EFD_SEMAPHORE : 0);
	CHECK(blocking >= 0);
	item = new_event(0);
	noise = new_event(0);
	spawn(blocking_reader, 4);
	spawn(poller, 4);
	spawn(selecter, 4);
	spawn(write_three, 2);
	spawn(write_three, 2);
	join_all();
}

/* --- running them ------------------------------------------------------------------------------------------- */

static const struct scenario { const char *name; void (*run)(void); } scenarios[] = {
#define SCENARIO(f) { #f, f }
	SCENARIO(tokens_level_edge_oneshot), SCENARIO(edge_notifies_again), SCENARIO(tokens_nested),
	SCENARIO(mod_arms_again), SCENARIO(mod_meets_write), SCENARIO(add_meets_write), SCENARIO(tokens_exclusive),
	SCENARIO(dup_keeps_the_item), SCENARIO(signal_meets_write), SCENARIO(timeout_meets_write),
	SCENARIO(close_meets_close), SCENARIO(storm_leaves_order), SCENARIO(pipe_ends_with_hangup),
	SCENARIO(poll_select_and_blocking_read), SCENARIO(socket_pair_carries_every_byte),
};
#define NR_SCENARIOS (sizeof(scenarios) / sizeof(scenarios[0]))

static void races_file(char *text, size_t size, bool set)
{
	int fd = open(RACES, set ? O_WRONLY : O_RDONLY);

	if (fd < 0)
		return;
	ssize_t n = set ? write(fd, text, strlen(text)) : read(fd, text, size - 1);

	CHECK(n > 0);
	if (!set)
		text[n] = '\0';
	close(fd);
}

static void child(const struct scenario *s)
{
	char text[256];

	alarm(STUCK_SECONDS);
	snprintf(text, sizeof(text), "%lu", seed);
	races_file(text, sizeof(text), true);
	s->run();
	if (show_hash) {
		strcpy(text, "- - -");
		races_file(text, sizeof(text), false);
		strtok(text, " ");
		strtok(NULL, " ");
		strtok(NULL, " ");
		printf("seed %lu %s %s\n", seed, s->name, strtok(NULL, " "));
		fflush(stdout);
	}
	_exit(0);
}

static bool run_seed(const struct scenario *s)
{
	int status;

	scenario_name = s->name;
	variant = seed / NR_SCENARIOS;
	fflush(stdout);
	pid_t pid = fork();

	if (pid == 0)
		child(s);
	if (pid < 0 || waitpid(pid, &status, 0) != pid) {
		perror("epoll_races");
		exit(2);
	}
	if (WIFSIGNALED(status))
		printf("# seed %lu %s: %s\n", seed, s->name,
		       WTERMSIG(status) == SIGALRM ? "stuck" : strsignal(WTERMSIG(status)));
	return status == 0;
}

int main(int argc, char **argv)
{
	const char *only = NULL;
	unsigned long numbers[2] = { 1, 1 }, failed = 0;
	int n = 0;

	for (int i = 1; i < argc; i++) {
		if (!strcmp(argv[i], "--hash"))
			show_hash = true;
		else if (!strcmp(argv[i], "--first"))
			only_first = true;
		else if (!strcmp(argv[i], "--scenario") && i + 1 < argc)
			only = argv[++i];
		else if (!strcmp(argv[i], "--list"))
			for (size_t k = 0; k < NR_SCENARIOS; k++)
				puts(scenarios[k].name);
		else if (n < 2)
			numbers[n++] = strtoul(argv[i], NULL, 0);
	}
	if (n < 2)
		return 0;
	for (seed = numbers[0]; seed < numbers[0] + numbers[1] && !(failed && only_first); seed++) {
		const struct scenario *s = &scenarios[seed % NR_SCENARIOS];

		for (size_t k = 0; only && k < NR_SCENARIOS; k++)
			if (!strcmp(scenarios[k].name, only))
				s = &scenarios[k];
		failed += !run_seed(s);
	}
	printf("%lu seeds, %lu failed\n", numbers[1], failed);
	return failed != 0;
}

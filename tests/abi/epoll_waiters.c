/* Those who sleep in epoll_wait: who is woken, how long they sleep, and what others do to the set meanwhile. */
#include "tests/abi/tap.h"
#include <limits.h>
#include <stdatomic.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>

static int ctl(int ep, int op, int fd, uint32_t events)
{
	struct epoll_event e = { .events = events, .data.fd = fd };

	return epoll_ctl(ep, op, fd, &e);
}
static int add(int ep, int fd, uint32_t events) { return ctl(ep, EPOLL_CTL_ADD, fd, events); }

/* --- several waiters on one epoll --- */

enum { WAITERS = 4, ROUNDS = 50 };
static int ep, fd;
static atomic_int holding;
static pthread_barrier_t round_begins, round_ends;

/* Takes one event and keeps busy with it until all the others have one, too. */
static void *hold_one(void *arg)
{
	struct epoll_event e;
	uint64_t v;

	for (int i = 0; i < ROUNDS; i++) {
		pthread_barrier_wait(&round_begins);
		if (epoll_wait(ep, &e, 1, 20000) != 1)
			break;
		holding++;
		pthread_barrier_wait(&round_ends);
		if (read(e.data.fd, &v, 8) != 8)
			break;
	}
	return arg;
}

/* As many events as waiters, each waiter with room for one: none is left sleeping while there is work. */
static void work_for_all(uint32_t how)
{
	int files[WAITERS];
	pthread_t t;

	ep = epoll_create1(0);
	for (int i = 0; i < WAITERS; i++) {
		files[i] = eventfd(0, EFD_NONBLOCK);
		CHECK_EQ(add(ep, files[i], EPOLLIN | how), 0);
	}
	pthread_barrier_init(&round_begins, NULL, WAITERS + 1);
	pthread_barrier_init(&round_ends, NULL, WAITERS + 1);
	for (int i = 0; i < WAITERS; i++)
		CHECK_EQ(pthread_create(&t, NULL, hold_one, NULL), 0);
	for (int i = 0; i < ROUNDS; i++) {
		int64_t limit = now_ns() + 10000000000LL;

		holding = 0;
		pthread_barrier_wait(&round_begins);
		/* Asleep, all of them, every other time. */
		if (i % 2)
			sleep_ms(5);
		for (int k = 0; k < WAITERS; k++)
			eventfd_write(files[k], 1);
		while (holding < WAITERS && now_ns() < limit)
			sched_yield();
		CHECK_EQ(holding, WAITERS);
		pthread_barrier_wait(&round_ends);
	}
}

TEST(epoll_no_waiter_sleeps_while_an_edge_is_there_for_it) { work_for_all(EPOLLET); }
TEST(epoll_no_waiter_sleeps_while_a_oneshot_is_there_for_it)
{
	/* Each event is for one of them, once. */
	struct epoll_event e;
	int files[WAITERS];
	pid_t child[WAITERS];

	ep = epoll_create1(0);
	for (int i = 0; i < WAITERS; i++) {
		files[i] = eventfd(0, EFD_NONBLOCK);
		CHECK_EQ(add(ep, files[i], EPOLLIN | EPOLLONESHOT), 0);
		child[i] = fork();
		if (child[i] == 0)
			_exit(epoll_wait(ep, &e, 1, 20000) != 1);
	}
	sleep_ms(100);
	for (int i = 0; i < WAITERS; i++)
		eventfd_write(files[i], 1);
	for (int i = 0; i < WAITERS; i++) {
		int status;

		CHECK_EQ(waitpid(child[i], &status, 0), child[i]);
		CHECK_EQ(status, 0);
	}
	CHECK_EQ(epoll_wait(ep, &e, 1, 0), 0);
}

static void *wait_once(void *arg)
{
	struct epoll_event e;
	int r = epoll_wait(*(int *)arg, &e, 1, 300);

	return (void *)(long)r;
}
static int joined(pthread_t t)
{
	void *r;

	CHECK_EQ(pthread_join(t, &r), 0);
	return (int)(long)r;
}

/* --- the set changes under a sleeper --- */

/* A thread in epoll_wait() on ep, which watches fd: an eventfd that is not ready. */
static pthread_t sleeper(void)
{
	pthread_t t;

	ep = epoll_create1(0);
	fd = eventfd(0, 0);
	CHECK_EQ(add(ep, fd, EPOLLIN), 0);
	CHECK_EQ(pthread_create(&t, NULL, wait_once, &ep), 0);
	sleep_ms(50);
	return t;
}

TEST(epoll_number_closed_under_a_waiter_does_not_end_the_wait)
{
	pthread_t t = sleeper();

	close(ep);
	/* The call holds the epoll: it still hears. */
	eventfd_write(fd, 1);
	CHECK_EQ(joined(t), 1);
}

TEST(epoll_watched_file_closed_under_a_waiter_is_no_event)
{
	pthread_t t = sleeper();

	close(fd);
	CHECK_EQ(joined(t), 0);
}

TEST(epoll_deleted_under_a_waiter_is_no_event)
{
	pthread_t t = sleeper();

	CHECK_EQ(ctl(ep, EPOLL_CTL_DEL, fd, 0), 0);
	eventfd_write(fd, 1);
	CHECK_EQ(joined(t), 0);
}

TEST(epoll_oneshot_rearmed_under_a_waiter_wakes_it)
{
	struct epoll_event e;
	pthread_t t;

	ep = epoll_create1(0);
	fd = eventfd(1, 0);
	CHECK_EQ(add(ep, fd, EPOLLIN | EPOLLONESHOT), 0);
	CHECK_EQ(epoll_wait(ep, &e, 1, 0), 1);
	CHECK_EQ(pthread_create(&t, NULL, wait_once, &ep), 0);
	sleep_ms(50);
	CHECK_EQ(ctl(ep, EPOLL_CTL_MOD, fd, EPOLLIN | EPOLLONESHOT), 0);
	CHECK_EQ(joined(t), 1);
}

/* --- how long --- */

static volatile sig_atomic_t alarms;
static void on_alarm(int sig)
{
	(void)sig;
	alarms++;
}
/* A wait that must not end by itself is ended by a signal. */
static void alarm_in(int ms)
{
	struct sigaction sa = { .sa_handler = on_alarm };
	struct itimerval it = { .it_value = { 0, ms * 1000 } };

	sigaction(SIGALRM, &sa, NULL);
	setitimer(ITIMER_REAL, &it, NULL);
}

TEST(epoll_negative_timeouts_wait_for_ever)
{
	struct epoll_event e;

	ep = epoll_create1(0);
	alarm_in(50);
	CHECK_ERRNO(epoll_wait(ep, &e, 1, -1), EINTR);
	alarm_in(50);
	CHECK_ERRNO(epoll_wait(ep, &e, 1, INT_MIN), EINTR);
}

TEST(epoll_huge_timeouts_do_not_wrap)
{
	struct timespec huge = { LONG_MAX, 999999999 }, large = { 10000000000, 0 };
	struct epoll_event e;

	ep = epoll_create1(0);
	alarm_in(50);
	CHECK_ERRNO(epoll_wait(ep, &e, 1, INT_MAX), EINTR);
	alarm_in(50);
	CHECK_ERRNO(syscall(441 /* epoll_pwait2 */, ep, &e, 1, &huge, NULL, 8), EINTR);
	alarm_in(50);
	CHECK_ERRNO(syscall(441, ep, &e, 1, &large, NULL, 8), EINTR);
}

TEST(epoll_timeouts_from_microseconds_up_are_never_early)
{
	struct epoll_event e;

	ep = epoll_create1(0);
	for (long ns = 1; ns < 30000000; ns = ns * 3 + 1) {
		struct timespec ts = { 0, ns };
		int64_t start = now_ns();

		CHECK_EQ(syscall(441, ep, &e, 1, &ts, NULL, 8), 0);
		CHECK(now_ns() - start >= ns);
	}
	for (int ms = 1; ms < 20; ms += 3) {
		int64_t start = now_ns();

		CHECK_EQ(epoll_wait(ep, &e, 1, ms), 0);
		CHECK(now_ns() - start >= ms * 1000000LL);
	}
}

TEST(epoll_pwait2_does_not_write_the_timeout)
{
	struct timespec ts = { 0, 5000000 };
	struct epoll_event e;

	CHECK_EQ(syscall(441, epoll_create1(0), &e, 1, &ts, NULL, 8), 0);
	CHECK(ts.tv_sec == 0 && ts.tv_nsec == 5000000);
}

/* --- many at once --- */

TEST(epoll_nine_hundred_ready_in_one_call)
{
	enum { MANY = 900 };
	static struct epoll_event e[MANY + 1];
	static bool seen[MANY];

	ep = epoll_create1(0);
	for (int i = 0; i < MANY; i++) {
		struct epoll_event ev = { .events = EPOLLIN | EPOLLET, .data.u64 = (uint64_t)i << 32 | 0x5a5a5a5a };

		CHECK_EQ(epoll_ctl(ep, EPOLL_CTL_ADD, eventfd(1, 0), &ev), 0);
	}
	CHECK_EQ(epoll_wait(ep, e, MANY + 1, 0), MANY);
	for (int i = 0; i < MANY; i++) {
		CHECK_EQ(e[i].data.u64 & 0xffffffff, 0x5a5a5a5a);
		CHECK(!seen[e[i].data.u64 >> 32]);
		seen[e[i].data.u64 >> 32] = true;
	}
	CHECK_EQ(epoll_wait(ep, e, MANY, 0), 0);
}

TEST(epoll_each_ready_file_has_its_turn)
{
	enum { FILES = 10 };
	int count[FILES] = { 0 };

	ep = epoll_create1(0);
	for (int i = 0; i < FILES; i++) {
		struct epoll_event ev = { .events = EPOLLIN, .data.u32 = (uint32_t)i };

		CHECK_EQ(epoll_ctl(ep, EPOLL_CTL_ADD, eventfd(1, 0), &ev), 0);
	}
	/* Level-triggered, none is read, three places: thirty calls are nine turns for each. */
	for (int i = 0; i < 30; i++) {
		struct epoll_event e[3];

		CHECK_EQ(epoll_wait(ep, e, 3, 0), 3);
		for (int k = 0; k < 3; k++)
			count[e[k].data.u32]++;
	}
	for (int i = 0; i < FILES; i++)
		CHECK_EQ(count[i], 9);
}

TEST(epoll_level_and_edge_of_one_file_under_two_numbers)
{
	struct epoll_event e[4];
	int other;
	uint64_t v;

	ep = epoll_create1(0);
	fd = eventfd(0, 0);
	other = dup(fd);
	CHECK_EQ(add(ep, fd, EPOLLIN), 0);
	CHECK_EQ(add(ep, other, EPOLLIN | EPOLLET), 0);
	eventfd_write(fd, 1);
	CHECK_EQ(epoll_wait(ep, e, 4, 0), 2);
	CHECK_EQ(epoll_wait(ep, e, 4, 0), 1);
	CHECK_EQ(e[0].data.fd, fd);
	eventfd_write(other, 1);
	CHECK_EQ(epoll_wait(ep, e, 4, 0), 2);
	CHECK_EQ(read(fd, &v, 8), 8);
	CHECK_EQ(epoll_wait(ep, e, 4, 0), 0);
}

TEST(epoll_wakeup_flag_is_not_kept_without_suspend_or_privilege)
{
	char name[64], text[1024] = "", *line;
	unsigned int events = 0;

	if (geteuid() == 0)
		CHECK_EQ(setuid(54321), 0);
	prctl(PR_SET_DUMPABLE, 1);
	ep = epoll_create1(0);
	fd = eventfd(0, 0);
	CHECK_EQ(add(ep, fd, EPOLLIN | EPOLLWAKEUP), 0);
	snprintf(name, sizeof(name), "/proc/self/fdinfo/%d", ep);
	int f = open(name, O_RDONLY);

	CHECK(f >= 0);
	CHECK(read(f, text, sizeof(text) - 1) > 0);
	line = strstr(text, "tfd:");
	CHECK(line != NULL);
	CHECK_EQ(sscanf(line, "tfd: %*d events: %x", &events), 1);
	CHECK_EQ(events, EPOLLIN | EPOLLERR | EPOLLHUP);
}

TEST(epoll_max_user_watches_takes_no_nonsense)
{
	int f = open("/proc/sys/fs/epoll/max_user_watches", O_RDWR);

	if (f < 0)
		SKIP("needs root");
	CHECK_ERRNO(write(f, "-1\n", 3), EINVAL);
	CHECK_ERRNO(pwrite(f, "text\n", 5, 0), EINVAL);
}

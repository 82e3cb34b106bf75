/* Timers that send signals: alarm, setitimer, timer_create; the limit on CPU time. */
#include "tests/abi/tap.h"
#include <sys/resource.h>

#define MS 1000000LL
#define S 1000000000LL

static volatile sig_atomic_t hits, last_value, last_overrun, last_code;
static void on_signal(int sig, siginfo_t *info, void *context)
{
	(void)sig;
	(void)context;
	hits++;
	last_code = info->si_code;
	last_value = info->si_value.sival_int;
	last_overrun = info->si_overrun;
}
static void handle(int sig)
{
	struct sigaction sa = { .sa_sigaction = on_signal, .sa_flags = SA_SIGINFO | SA_RESTART };

	CHECK_EQ(sigaction(sig, &sa, NULL), 0);
}
/* Until @n signals came. */
static void wait_hits(int n)
{
	for (int64_t end = now_ns() + 20 * S; hits < n; usleep(1000))
		CHECK(now_ns() < end);
}
static struct itimerval every_us(long value, long interval)
{
	return (struct itimerval){ { interval / 1000000, interval % 1000000 },
				   { value / 1000000, value % 1000000 } };
}
static struct itimerspec spec(int64_t value, int64_t interval)
{
	return (struct itimerspec){ { interval / S, interval % S }, { value / S, value % S } };
}
static int64_t ns(struct timespec t) { return t.tv_sec * S + t.tv_nsec; }

/* What the kernel's interface offers, without the library's own ideas of a timer. */
static int timer_new(clockid_t clock, int notify, int sig, int value, int *id)
{
	struct sigevent ev = { .sigev_notify = notify, .sigev_signo = sig, .sigev_value.sival_int = value };

	return (int)syscall(SYS_timer_create, clock, &ev, id);
}
static void timer_set(int id, int flags, int64_t value, int64_t interval)
{
	struct itimerspec s = spec(value, interval);

	CHECK_EQ(syscall(SYS_timer_settime, id, flags, &s, NULL), 0);
}
static struct itimerspec timer_left(int id)
{
	struct itimerspec s;

	CHECK_EQ(syscall(SYS_timer_gettime, id, &s), 0);
	return s;
}

TEST(alarm_returns_what_was_left)
{
	CHECK_EQ(alarm(100), 0);
	CHECK_EQ(alarm(50), 100);
	CHECK_EQ(alarm(0), 50);
	CHECK_EQ(alarm(0), 0);
}

TEST(alarm_kills_by_default)
{
	pid_t child = fork();
	int status;

	if (child == 0) {
		struct itimerval v = every_us(20000, 0);

		signal(SIGALRM, SIG_DFL);
		setitimer(ITIMER_REAL, &v, NULL);
		for (;;)
			;
	}
	CHECK_EQ(waitpid(child, &status, 0), child);
	CHECK(WIFSIGNALED(status) && WTERMSIG(status) == SIGALRM);
}

TEST(alarm_is_not_inherited)
{
	struct itimerval v = every_us(100 * 1000000L, 0);
	int status;

	CHECK_EQ(setitimer(ITIMER_REAL, &v, NULL), 0);
	pid_t child = fork();

	if (child == 0)
		_exit(getitimer(ITIMER_REAL, &v) || v.it_value.tv_sec || v.it_value.tv_usec);
	CHECK_EQ(waitpid(child, &status, 0), child);
	CHECK_EQ(status, 0);
	CHECK_EQ(alarm(0), 100);
}

TEST(itimer_real_interval)
{
	struct itimerval v = every_us(10000, 10000), old;
	int64_t start = now_ns();

	handle(SIGALRM);
	CHECK_EQ(setitimer(ITIMER_REAL, &v, NULL), 0);
	wait_hits(5);
	CHECK(now_ns() - start >= 50 * MS);
	CHECK_EQ(last_code, SI_KERNEL);
	v = every_us(0, 0);
	CHECK_EQ(setitimer(ITIMER_REAL, &v, &old), 0);
	CHECK_EQ(old.it_interval.tv_usec, 10000);
	CHECK_EQ(getitimer(ITIMER_REAL, &old), 0);
	CHECK_EQ(old.it_value.tv_sec + old.it_value.tv_usec, 0);
	int n = hits;

	sleep_ms(50);
	CHECK_EQ(hits, n);
}

TEST(itimer_real_short_interval_leaves_time_to_run)
{
	struct itimerval v = every_us(300, 300);
	volatile unsigned int n = 0;

	handle(SIGALRM);
	CHECK_EQ(setitimer(ITIMER_REAL, &v, NULL), 0);
	for (int64_t end = now_ns() + 20 * S; n < 1000000 || hits < 10; n++)
		CHECK(n % 1024 || now_ns() < end);
	v = every_us(0, 0);
	CHECK_EQ(setitimer(ITIMER_REAL, &v, NULL), 0);
}

TEST(itimer_errors)
{
	struct itimerval v = every_us(0, 0), old;

	CHECK_ERRNO(syscall(SYS_getitimer, 3, &v), EINVAL);
	CHECK_ERRNO(syscall(SYS_setitimer, 3, &v, &old), EINVAL);
	CHECK_ERRNO(syscall(SYS_getitimer, 0, 8), EFAULT);
	CHECK_ERRNO(syscall(SYS_setitimer, 0, 8, NULL), EFAULT);
	v.it_value.tv_usec = 1000000;
	CHECK_ERRNO(syscall(SYS_setitimer, 0, &v, NULL), EINVAL);
	v.it_value.tv_usec = -1;
	CHECK_ERRNO(syscall(SYS_setitimer, 0, &v, NULL), EINVAL);
}

static void itimer_counts_cpu_time(int which, int sig, bool in_user_mode)
{
	struct itimerval v = every_us(30000, 30000);
	struct timespec start, now;

	handle(sig);
	clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &start);
	CHECK_EQ(setitimer(which, &v, NULL), 0);
	sleep_ms(100);
	CHECK_EQ(hits, 0);	/* asleep */
	do {
		if (!in_user_mode)
			getppid();
		clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &now);
		CHECK(ns(now) - ns(start) < 5 * S);
	} while (hits < 2);
	clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &now);
	CHECK(ns(now) - ns(start) >= 50 * MS);
}
TEST(itimer_prof_counts_all_cpu_time) { itimer_counts_cpu_time(ITIMER_PROF, SIGPROF, false); }
TEST(itimer_virtual_counts_user_time)
{
	struct itimerval v = every_us(30000, 0);
	int64_t start = now_ns();

	handle(SIGVTALRM);
	CHECK_EQ(setitimer(ITIMER_VIRTUAL, &v, NULL), 0);
	sleep_ms(100);
	CHECK_EQ(hits, 0);
	while (!hits)
		CHECK(now_ns() - start < 20 * S);
}

TEST(rlimit_cpu_warns_and_kills)
{
	pid_t child = fork();
	int status;

	if (child == 0) {
		struct rlimit r = { 1, 2 };

		signal(SIGXCPU, SIG_IGN);
		setrlimit(RLIMIT_CPU, &r);
		for (;;)
			;
	}
	CHECK_EQ(waitpid(child, &status, 0), child);
	CHECK(WIFSIGNALED(status) && WTERMSIG(status) == SIGKILL);
}

TEST(posix_timer_sends_its_signal_with_its_value)
{
	int id;

	handle(SIGRTMIN + 1);
	CHECK_EQ(timer_new(CLOCK_MONOTONIC, SIGEV_SIGNAL, SIGRTMIN + 1, 4711, &id), 0);
	timer_set(id, 0, 10 * MS, 0);
	wait_hits(1);
	CHECK_EQ(last_code, SI_TIMER);
	CHECK_EQ(last_value, 4711);
	sleep_ms(30);
	CHECK_EQ(hits, 1);
	CHECK_EQ(ns(timer_left(id).it_value), 0);
	CHECK_EQ(syscall(SYS_timer_delete, id), 0);
	CHECK_ERRNO(syscall(SYS_timer_delete, id), EINVAL);
}

TEST(posix_timer_interval_and_time_left)
{
	int id;

	handle(SIGUSR1);
	CHECK_EQ(timer_new(CLOCK_REALTIME, SIGEV_SIGNAL, SIGUSR1, 0, &id), 0);
	CHECK_EQ(ns(timer_left(id).it_value), 0);
	timer_set(id, 0, 10 * MS, 10 * MS);
	wait_hits(5);
	struct itimerspec s = timer_left(id);

	CHECK_EQ(ns(s.it_interval), 10 * MS);
	CHECK(ns(s.it_value) > 0 && ns(s.it_value) <= 10 * MS);
	timer_set(id, 0, 0, 0);
	int n = hits;

	sleep_ms(50);
	CHECK(hits <= n + 1);	/* one may have been under way */
}

TEST(posix_timer_until_a_time)
{
	int64_t end = now_ns() + 30 * MS;
	int id;

	handle(SIGUSR1);
	CHECK_EQ(timer_new(CLOCK_MONOTONIC, SIGEV_SIGNAL, SIGUSR1, 0, &id), 0);
	timer_set(id, TIMER_ABSTIME, end, 0);
	wait_hits(1);
	CHECK(now_ns() >= end);
}

TEST(posix_timer_counts_what_it_missed)
{
	sigset_t set, old;
	int id;

	handle(SIGUSR1);
	sigemptyset(&set);
	sigaddset(&set, SIGUSR1);
	CHECK_EQ(sigprocmask(SIG_BLOCK, &set, &old), 0);
	CHECK_EQ(timer_new(CLOCK_MONOTONIC, SIGEV_SIGNAL, SIGUSR1, 0, &id), 0);
	timer_set(id, 0, 5 * MS, 5 * MS);
	sleep_ms(100);
	CHECK_EQ(hits, 0);
	CHECK_EQ(sigprocmask(SIG_SETMASK, &old, NULL), 0);
	CHECK(last_overrun >= 15);
	wait_hits(3);	/* and it goes on */
	CHECK(syscall(SYS_timer_getoverrun, id) >= 0);
}

TEST(posix_timer_whose_signal_is_ignored_goes_on)
{
	int id;

	signal(SIGUSR1, SIG_IGN);
	CHECK_EQ(timer_new(CLOCK_MONOTONIC, SIGEV_SIGNAL, SIGUSR1, 0, &id), 0);
	timer_set(id, 0, 5 * MS, 5 * MS);
	sleep_ms(50);
	handle(SIGUSR1);
	wait_hits(2);
}

TEST(posix_timer_without_a_signal_shows_its_time)
{
	int id;

	CHECK_EQ(timer_new(CLOCK_MONOTONIC, SIGEV_NONE, 0, 0, &id), 0);
	timer_set(id, 0, 10 * MS, 0);
	CHECK(ns(timer_left(id).it_value) > 0);
	sleep_ms(30);
	CHECK_EQ(ns(timer_left(id).it_value), 0);
	timer_set(id, 0, 10 * MS, 20 * MS);
	sleep_ms(50);
	CHECK(ns(timer_left(id).it_value) > 0 && ns(timer_left(id).it_value) <= 20 * MS);
}

static pid_t got_tid;
static void note_tid(int sig)
{
	(void)sig;
	got_tid = (pid_t)syscall(SYS_gettid);
}
static void *sleeper(void *arg)
{
	__atomic_store_n((pid_t *)arg, (pid_t)syscall(SYS_gettid), __ATOMIC_SEQ_CST);
	for (int i = 0; i < 100 && !got_tid; i++)
		sleep_ms(10);
	return NULL;
}
TEST(posix_timer_for_one_thread)
{
	static pid_t tid;
	struct {
		union sigval v;
		int sig, notify, tid, pad[11];
	} ev = { .sig = SIGUSR1, .notify = 4 /* SIGEV_THREAD_ID */ };
	pthread_t t;
	int id;

	signal(SIGUSR1, note_tid);
	CHECK_EQ(pthread_create(&t, NULL, sleeper, &tid), 0);
	while (!__atomic_load_n(&tid, __ATOMIC_SEQ_CST))
		sched_yield();
	ev.tid = 1;
	CHECK_ERRNO(syscall(SYS_timer_create, CLOCK_MONOTONIC, &ev, &id), EINVAL);
	ev.tid = tid;
	CHECK_EQ(syscall(SYS_timer_create, CLOCK_MONOTONIC, &ev, &id), 0);
	timer_set(id, 0, 5 * MS, 0);
	pthread_join(t, NULL);
	CHECK_EQ(got_tid, tid);
}

TEST(posix_timer_errors)
{
	struct itimerspec s = spec(0, 0);
	int id;

	CHECK_ERRNO(timer_new(99, SIGEV_SIGNAL, SIGUSR1, 0, &id), EINVAL);
	CHECK_ERRNO(timer_new(CLOCK_MONOTONIC_RAW, SIGEV_SIGNAL, SIGUSR1, 0, &id), EOPNOTSUPP);
	CHECK_ERRNO(timer_new(CLOCK_MONOTONIC, SIGEV_SIGNAL, 0, 0, &id), EINVAL);
	CHECK_ERRNO(timer_new(CLOCK_MONOTONIC, SIGEV_SIGNAL, 65, 0, &id), EINVAL);
	CHECK_ERRNO(timer_new(CLOCK_MONOTONIC, 77, SIGUSR1, 0, &id), EINVAL);
	CHECK_ERRNO(syscall(SYS_timer_create, CLOCK_MONOTONIC, 8, &id), EFAULT);
	CHECK_ERRNO(syscall(SYS_timer_create, CLOCK_MONOTONIC, NULL, 8), EFAULT);
	CHECK_ERRNO(syscall(SYS_timer_settime, 12345, 0, &s, NULL), EINVAL);
	CHECK_ERRNO(syscall(SYS_timer_gettime, 12345, &s), EINVAL);
	CHECK_ERRNO(syscall(SYS_timer_getoverrun, 12345), EINVAL);
	CHECK_EQ(timer_new(CLOCK_MONOTONIC, SIGEV_SIGNAL, SIGUSR1, 0, &id), 0);
	CHECK_ERRNO(syscall(SYS_timer_settime, id, 0, NULL, NULL), EINVAL);
	CHECK_ERRNO(syscall(SYS_timer_settime, id, 0, 8, NULL), EFAULT);
	s = spec(0, 0);
	s.it_value.tv_nsec = S;
	CHECK_ERRNO(syscall(SYS_timer_settime, id, 0, &s, NULL), EINVAL);
}

TEST(posix_timers_are_not_inherited)
{
	int id, status;

	CHECK_EQ(timer_new(CLOCK_MONOTONIC, SIGEV_SIGNAL, SIGUSR1, 0, &id), 0);
	pid_t child = fork();

	if (child == 0) {
		struct itimerspec s;

		_exit(syscall(SYS_timer_gettime, id, &s) == -1 && errno == EINVAL ? 0 : 1);
	}
	CHECK_EQ(waitpid(child, &status, 0), child);
	CHECK_EQ(status, 0);
}

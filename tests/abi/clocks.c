/* Clocks: reading, setting, sleeping until a time. */
#include "tests/abi/tap.h"

#define MS 1000000LL
#define S 1000000000LL

static int64_t clock_ns(clockid_t c)
{
	struct timespec t;

	CHECK_EQ(clock_gettime(c, &t), 0);
	CHECK(t.tv_nsec >= 0 && t.tv_nsec < S);
	return t.tv_sec * S + t.tv_nsec;
}
static struct timespec spec(int64_t ns) { return (struct timespec){ ns / S, ns % S }; }
static int sys_nanosleep(clockid_t c, int flags, const struct timespec *req, struct timespec *rem)
{
	return (int)syscall(SYS_clock_nanosleep, c, flags, req, rem);
}
static void burn_ms(int ms)
{
	int64_t end = clock_ns(CLOCK_THREAD_CPUTIME_ID) + ms * MS;

	while (clock_ns(CLOCK_THREAD_CPUTIME_ID) < end)
		;
}
static void on_signal(int sig) { (void)sig; }
static void handle(int sig, int flags)
{
	struct sigaction sa = { .sa_handler = on_signal, .sa_flags = flags };

	CHECK_EQ(sigaction(sig, &sa, NULL), 0);
}

TEST(clock_monotonic_never_goes_back)
{
	int64_t last = clock_ns(CLOCK_MONOTONIC);

	for (int i = 0; i < 100000; i++) {
		int64_t t = clock_ns(CLOCK_MONOTONIC);

		CHECK(t >= last);
		last = t;
	}
}

static int64_t shared_last;
static void *read_clock(void *arg)
{
	(void)arg;
	for (int i = 0; i < 20000; i++) {
		int64_t before = __atomic_load_n(&shared_last, __ATOMIC_SEQ_CST);
		int64_t t = clock_ns(CLOCK_MONOTONIC);

		CHECK(t >= before);
		while (before < t && !__atomic_compare_exchange_n(&shared_last, &before, t, false,
								  __ATOMIC_SEQ_CST, __ATOMIC_SEQ_CST))
			;
	}
	return NULL;
}
TEST(clock_monotonic_is_one_for_all_threads)
{
	pthread_t t[4];

	for (int i = 0; i < 4; i++)
		CHECK_EQ(pthread_create(&t[i], NULL, read_clock, NULL), 0);
	for (int i = 0; i < 4; i++)
		pthread_join(t[i], NULL);
}

TEST(clock_ids)
{
	static const clockid_t good[] = { 0, 1, 2, 3, 4, 5, 6, 7, 11 };
	struct timespec t;

	for (size_t i = 0; i < sizeof(good) / sizeof(good[0]); i++) {
		CHECK_EQ(syscall(SYS_clock_gettime, good[i], &t), 0);
		CHECK_EQ(syscall(SYS_clock_getres, good[i], &t), 0);
		CHECK_EQ(syscall(SYS_clock_getres, good[i], NULL), 0);
	}
	CHECK_ERRNO(syscall(SYS_clock_gettime, 10, &t), EINVAL);
	CHECK_ERRNO(syscall(SYS_clock_gettime, 99, &t), EINVAL);
	CHECK_ERRNO(syscall(SYS_clock_getres, 99, &t), EINVAL);
	CHECK_ERRNO(syscall(SYS_clock_gettime, 1, 8), EFAULT);
}

TEST(clock_realtime_gettimeofday_and_time_agree)
{
	struct timeval tv;
	int64_t a = clock_ns(CLOCK_REALTIME);

	CHECK_EQ(syscall(SYS_gettimeofday, &tv, NULL), 0);
	int64_t b = tv.tv_sec * S + tv.tv_usec * 1000;
	long t = syscall(SYS_time, NULL);

	CHECK(b >= a - 1000 && b - a < 10 * S);
	CHECK(t >= a / S && t - a / S < 10);
	CHECK_ERRNO(syscall(SYS_gettimeofday, 8, NULL), EFAULT);
	CHECK_ERRNO(syscall(SYS_time, 8), EFAULT);
	CHECK_EQ(syscall(SYS_gettimeofday, NULL, NULL), 0);
}

TEST(clock_cputime_counts_running_not_sleeping)
{
	int64_t thread = clock_ns(CLOCK_THREAD_CPUTIME_ID), process = clock_ns(CLOCK_PROCESS_CPUTIME_ID);

	burn_ms(20);
	CHECK(clock_ns(CLOCK_THREAD_CPUTIME_ID) - thread >= 20 * MS);
	CHECK(clock_ns(CLOCK_PROCESS_CPUTIME_ID) - process >= 20 * MS);
	process = clock_ns(CLOCK_PROCESS_CPUTIME_ID);
	sleep_ms(100);
	CHECK(clock_ns(CLOCK_PROCESS_CPUTIME_ID) - process < 50 * MS);
}

static void *burner(void *arg)
{
	(void)arg;
	burn_ms(30);
	return NULL;
}
TEST(clock_process_cputime_adds_up_threads_ended_ones_too)
{
	int64_t process = clock_ns(CLOCK_PROCESS_CPUTIME_ID), thread = clock_ns(CLOCK_THREAD_CPUTIME_ID);
	pthread_t t[4];

	for (int i = 0; i < 4; i++)
		CHECK_EQ(pthread_create(&t[i], NULL, burner, NULL), 0);
	for (int i = 0; i < 4; i++)
		pthread_join(t[i], NULL);
	process = clock_ns(CLOCK_PROCESS_CPUTIME_ID) - process;
	thread = clock_ns(CLOCK_THREAD_CPUTIME_ID) - thread;
	CHECK(process >= 120 * MS);
	/* Its own share is next to nothing; a host that takes the CPU away in the middle counts as running, though. */
	CHECK(thread < process / 2);
}

TEST(clock_of_another_process)
{
	clockid_t c;
	pid_t child = fork();

	if (child == 0) {
		burn_ms(30);
		pause();
	}
	CHECK_EQ(clock_getcpuclockid(child, &c), 0);
	for (int i = 0; i < 1000 && clock_ns(c) < 30 * MS; i++)
		sleep_ms(10);
	CHECK(clock_ns(c) >= 30 * MS);
	kill(child, SIGKILL);
	waitpid(child, NULL, 0);
	struct timespec t;

	CHECK_ERRNO(syscall(SYS_clock_gettime, c, &t), EINVAL);
}

TEST(clock_settime_errors)
{
	struct timespec t = { 1, S };

	CHECK_ERRNO(syscall(SYS_clock_settime, CLOCK_MONOTONIC, &t), EINVAL);
	CHECK_ERRNO(syscall(SYS_clock_settime, 99, &t), EINVAL);
	CHECK_ERRNO(syscall(SYS_clock_settime, CLOCK_REALTIME, &t), EINVAL);
	CHECK_ERRNO(syscall(SYS_clock_settime, CLOCK_REALTIME, 8), EFAULT);
	if (geteuid() != 0)
		SKIP("not root");
	CHECK_EQ(setuid(65534), 0);
	t = spec(clock_ns(CLOCK_REALTIME));
	CHECK_ERRNO(syscall(SYS_clock_settime, CLOCK_REALTIME, &t), EPERM);
	struct timeval tv = { t.tv_sec, 0 };

	CHECK_ERRNO(syscall(SYS_settimeofday, &tv, NULL), EPERM);
	tv.tv_usec = -1;
	CHECK_ERRNO(syscall(SYS_settimeofday, &tv, NULL), EINVAL);
}

TEST(nanosleep_sleeps_at_least_so_long)
{
	static const int64_t lengths[] = { 1, 1000, 100000, 1 * MS, 5 * MS, 77 * MS };

	for (size_t i = 0; i < sizeof(lengths) / sizeof(lengths[0]); i++) {
		struct timespec t = spec(lengths[i]);
		int64_t start = now_ns();

		CHECK_EQ(nanosleep(&t, NULL), 0);
		CHECK(now_ns() - start >= lengths[i]);
	}
}

TEST(nanosleep_errors)
{
	struct timespec t = { 0, S };

	CHECK_ERRNO(nanosleep(&t, NULL), EINVAL);
	t = (struct timespec){ -1, 0 };
	CHECK_ERRNO(nanosleep(&t, NULL), EINVAL);
	t = (struct timespec){ 0, -1 };
	CHECK_ERRNO(nanosleep(&t, NULL), EINVAL);
	CHECK_ERRNO(syscall(SYS_nanosleep, 8, NULL), EFAULT);
	t = (struct timespec){ 0, 1 };
	CHECK_ERRNO(sys_nanosleep(99, 0, &t, NULL), EINVAL);
	CHECK_ERRNO(sys_nanosleep(CLOCK_MONOTONIC_RAW, 0, &t, NULL), EOPNOTSUPP);
	CHECK_ERRNO(sys_nanosleep(CLOCK_MONOTONIC_COARSE, 0, &t, NULL), EOPNOTSUPP);
	CHECK_ERRNO(sys_nanosleep(CLOCK_MONOTONIC, 0, (void *)8, NULL), EFAULT);
}

TEST(nanosleep_until_a_time)
{
	static const clockid_t clocks[] = { CLOCK_MONOTONIC, CLOCK_REALTIME, CLOCK_BOOTTIME };

	for (int i = 0; i < 3; i++) {
		int64_t end = clock_ns(clocks[i]) + 20 * MS;
		struct timespec t = spec(end);

		CHECK_EQ(sys_nanosleep(clocks[i], TIMER_ABSTIME, &t, NULL), 0);
		CHECK(clock_ns(clocks[i]) >= end);
		CHECK_EQ(sys_nanosleep(clocks[i], TIMER_ABSTIME, &t, NULL), 0);	/* past: at once */
	}
}

static void *signal_main(void *arg)
{
	sleep_ms(50);
	pthread_kill(*(pthread_t *)arg, SIGUSR1);
	return NULL;
}
TEST(nanosleep_reports_what_is_left)
{
	struct timespec t = spec(2 * S), rem = { 99, 99 };
	pthread_t self = pthread_self(), other;

	handle(SIGUSR1, SA_RESTART);
	CHECK_EQ(pthread_create(&other, NULL, signal_main, &self), 0);
	int64_t start = now_ns();

	CHECK_ERRNO(nanosleep(&t, &rem), EINTR);
	int64_t slept = now_ns() - start, left = rem.tv_sec * S + rem.tv_nsec;

	CHECK(slept >= 50 * MS);
	CHECK(left > 0 && left + slept >= 2 * S && left < 2 * S - 40 * MS);
	pthread_join(other, NULL);
}

TEST(nanosleep_until_a_time_restarts_only_without_a_handler)
{
	pthread_t self = pthread_self(), other;
	struct timespec t = spec(now_ns() + 2 * S), rem = { 7, 7 };

	handle(SIGUSR1, SA_RESTART);
	CHECK_EQ(pthread_create(&other, NULL, signal_main, &self), 0);
	CHECK_ERRNO(sys_nanosleep(CLOCK_MONOTONIC, TIMER_ABSTIME, &t, &rem), EINTR);
	CHECK_EQ(rem.tv_sec, 7);
	pthread_join(other, NULL);
}

TEST(nanosleep_goes_on_after_a_stop)
{
	pid_t child = fork();
	int status;

	if (child == 0) {
		int64_t start = now_ns();
		struct timespec t = spec(300 * MS);

		_exit(nanosleep(&t, NULL) == 0 && now_ns() - start >= 300 * MS ? 0 : 1);
	}
	sleep_ms(50);
	kill(child, SIGSTOP);
	CHECK_EQ(waitpid(child, &status, WUNTRACED), child);
	CHECK(WIFSTOPPED(status));
	sleep_ms(50);
	kill(child, SIGCONT);
	CHECK_EQ(waitpid(child, &status, 0), child);
	CHECK_EQ(status, 0);
}

TEST(nanosleep_ignored_signals_do_not_end_it)
{
	pthread_t self = pthread_self(), other;
	struct timespec t = spec(200 * MS);
	int64_t start = now_ns();

	signal(SIGUSR1, SIG_IGN);
	CHECK_EQ(pthread_create(&other, NULL, signal_main, &self), 0);
	CHECK_EQ(nanosleep(&t, NULL), 0);
	CHECK(now_ns() - start >= 200 * MS);
	pthread_join(other, NULL);
}

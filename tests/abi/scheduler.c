/* Policies, priorities, affinity, yielding; and that tasks share the CPUs as they should. */
#include "tests/abi/tap.h"
#include <sys/resource.h>

#define MS 1000000LL

static uint64_t online;		/* CPUs */
static uint64_t affinity(pid_t pid)
{
	uint64_t mask = 0;

	CHECK_EQ(syscall(SYS_sched_getaffinity, pid, 8, &mask), 8);
	return mask;
}
static int set_affinity(pid_t pid, uint64_t mask) { return (int)syscall(SYS_sched_setaffinity, pid, 8, &mask); }
static unsigned int this_cpu(void)
{
	unsigned int cpu;

	CHECK_EQ(syscall(SYS_getcpu, &cpu, NULL, NULL), 0);
	return cpu;
}
static int64_t cpu_ns(void)
{
	struct timespec t;

	clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &t);
	return t.tv_sec * 1000000000LL + t.tv_nsec;
}
static void need_root(void)
{
	if (geteuid() != 0)
		SKIP("not root");
}

TEST(affinity_moves_the_caller_at_once)
{
	online = affinity(0);
	for (int round = 0; round < 20; round++)
		for (int cpu = 0; cpu < 64; cpu++) {
			if (!(online >> cpu & 1))
				continue;
			CHECK_EQ(set_affinity(0, 1ULL << cpu), 0);
			CHECK_EQ(this_cpu(), cpu);
			CHECK_EQ(affinity(0), 1ULL << cpu);
		}
	CHECK_EQ(set_affinity(0, ~0ULL), 0);
	CHECK_EQ(affinity(0), online);
}

TEST(affinity_moves_a_running_child)
{
	volatile unsigned int *cpu = mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	pid_t child = fork();

	if (child == 0)
		for (;;)
			*cpu = this_cpu();
	online = affinity(0);
	for (int round = 0; round < 10; round++)
		for (unsigned int c = 0; c < 64; c++) {
			if (!(online >> c & 1))
				continue;
			CHECK_EQ(set_affinity(child, 1ULL << c), 0);
			for (int64_t end = now_ns() + 5000 * MS; *cpu != c; sched_yield())
				CHECK(now_ns() < end);
			for (int i = 0; i < 3; i++) {
				sched_yield();
				CHECK_EQ(*cpu, c);
			}
		}
	kill(child, SIGKILL);
	waitpid(child, NULL, 0);
}

TEST(affinity_is_inherited)
{
	int status;

	online = affinity(0);
	uint64_t one = online & -online;

	CHECK_EQ(set_affinity(0, one), 0);
	pid_t child = fork();

	if (child == 0)
		_exit(affinity(0) == one ? 0 : 1);
	CHECK_EQ(waitpid(child, &status, 0), child);
	CHECK_EQ(status, 0);
}

TEST(affinity_errors)
{
	uint64_t mask;

	CHECK_ERRNO(set_affinity(0, 0), EINVAL);
	CHECK_ERRNO(set_affinity(0, 1ULL << 63), EINVAL);
	CHECK_ERRNO(set_affinity(0x7ffffff, 1), ESRCH);
	CHECK_ERRNO(syscall(SYS_sched_setaffinity, 0, 8, 8), EFAULT);
	CHECK_ERRNO(syscall(SYS_sched_getaffinity, 0, 0, &mask), EINVAL);
	CHECK_ERRNO(syscall(SYS_sched_getaffinity, 0, 9, &mask), EINVAL);
	CHECK_ERRNO(syscall(SYS_sched_getaffinity, 0x7ffffff, 8, &mask), ESRCH);
	CHECK_ERRNO(syscall(SYS_sched_getaffinity, 0, 8, 8), EFAULT);
	need_root();
	CHECK_EQ(setuid(65534), 0);
	CHECK_ERRNO(set_affinity(1, affinity(0)), EPERM);
}

TEST(policy_set_and_get)
{
	struct sched_param p = { 0 };

	need_root();
	CHECK_EQ(syscall(SYS_sched_getscheduler, 0), SCHED_OTHER);
	p.sched_priority = 10;
	CHECK_EQ(syscall(SYS_sched_setscheduler, 0, SCHED_FIFO, &p), 0);
	CHECK_EQ(syscall(SYS_sched_getscheduler, 0), SCHED_FIFO);
	p.sched_priority = 20;
	CHECK_EQ(syscall(SYS_sched_setparam, 0, &p), 0);
	p.sched_priority = 0;
	CHECK_EQ(syscall(SYS_sched_getparam, 0, &p), 0);
	CHECK_EQ(p.sched_priority, 20);
	CHECK_EQ(syscall(SYS_sched_setscheduler, 0, SCHED_RR | SCHED_RESET_ON_FORK, &p), 0);
	CHECK_EQ(syscall(SYS_sched_getscheduler, 0), SCHED_RR | SCHED_RESET_ON_FORK);
	int status;
	pid_t child = fork();

	if (child == 0)
		_exit(syscall(SYS_sched_getscheduler, 0) == SCHED_OTHER ? 0 : 1);
	CHECK_EQ(waitpid(child, &status, 0), child);
	CHECK_EQ(status, 0);
	p.sched_priority = 0;
	CHECK_EQ(syscall(SYS_sched_setscheduler, 0, SCHED_BATCH, &p), 0);
	CHECK_EQ(syscall(SYS_sched_setscheduler, 0, SCHED_IDLE, &p), 0);
	CHECK_EQ(syscall(SYS_sched_setscheduler, 0, SCHED_OTHER, &p), 0);
}

TEST(policy_errors)
{
	struct sched_param p = { 0 };

	CHECK_ERRNO(syscall(SYS_sched_setscheduler, 0, -1, &p), EINVAL);
	CHECK_ERRNO(syscall(SYS_sched_setscheduler, 0, 77, &p), EINVAL);
	CHECK_ERRNO(syscall(SYS_sched_setscheduler, 0, SCHED_FIFO, &p), EINVAL);
	CHECK_ERRNO(syscall(SYS_sched_setscheduler, 0, SCHED_OTHER, NULL), EINVAL);
	CHECK_ERRNO(syscall(SYS_sched_setscheduler, -1, SCHED_OTHER, &p), EINVAL);
	CHECK_ERRNO(syscall(SYS_sched_setscheduler, 0x7ffffff, SCHED_OTHER, &p), ESRCH);
	CHECK_ERRNO(syscall(SYS_sched_setscheduler, 0, SCHED_OTHER, 8), EFAULT);
	CHECK_ERRNO(syscall(SYS_sched_getscheduler, -1), EINVAL);
	CHECK_ERRNO(syscall(SYS_sched_getscheduler, 0x7ffffff), ESRCH);
	CHECK_ERRNO(syscall(SYS_sched_getparam, 0, NULL), EINVAL);
	p.sched_priority = 1;
	CHECK_ERRNO(syscall(SYS_sched_setscheduler, 0, SCHED_OTHER, &p), EINVAL);
	CHECK_EQ(syscall(SYS_sched_get_priority_max, SCHED_FIFO), 99);
	CHECK_EQ(syscall(SYS_sched_get_priority_min, SCHED_RR), 1);
	CHECK_EQ(syscall(SYS_sched_get_priority_max, SCHED_OTHER), 0);
	CHECK_ERRNO(syscall(SYS_sched_get_priority_max, 77), EINVAL);
	need_root();
	CHECK_EQ(setuid(65534), 0);
	CHECK_ERRNO(syscall(SYS_sched_setscheduler, 0, SCHED_FIFO, &p), EPERM);
}

TEST(rr_interval)
{
	struct timespec t = { 9, 9 };
	struct sched_param p = { .sched_priority = 1 };

	CHECK_EQ(syscall(SYS_sched_rr_get_interval, 0, &t), 0);
	CHECK(t.tv_sec == 0);
	CHECK_ERRNO(syscall(SYS_sched_rr_get_interval, -1, &t), EINVAL);
	CHECK_ERRNO(syscall(SYS_sched_rr_get_interval, 0x7ffffff, &t), ESRCH);
	need_root();
	CHECK_EQ(syscall(SYS_sched_setscheduler, 0, SCHED_RR, &p), 0);
	CHECK_EQ(syscall(SYS_sched_rr_get_interval, 0, &t), 0);
	CHECK_EQ(t.tv_nsec, 100 * MS);
	CHECK_EQ(syscall(SYS_sched_setscheduler, 0, SCHED_FIFO, &p), 0);
	CHECK_EQ(syscall(SYS_sched_rr_get_interval, 0, &t), 0);
	CHECK_EQ(t.tv_nsec, 0);
}

TEST(priority_get_and_set)
{
	CHECK_EQ(syscall(SYS_getpriority, PRIO_PROCESS, 0), 20);
	CHECK_EQ(setpriority(PRIO_PROCESS, 0, 5), 0);
	CHECK_EQ(syscall(SYS_getpriority, PRIO_PROCESS, 0), 15);
	CHECK_EQ(syscall(SYS_getpriority, PRIO_PGRP, 0), 15);
	CHECK_EQ(setpriority(PRIO_PROCESS, 0, 99), 0);
	CHECK_EQ(syscall(SYS_getpriority, PRIO_PROCESS, 0), 1);
	CHECK_ERRNO(setpriority(3, 0, 0), EINVAL);
	CHECK_ERRNO(syscall(SYS_getpriority, -1, 0), EINVAL);
	CHECK_ERRNO(setpriority(PRIO_PROCESS, 0x7ffffff, 0), ESRCH);
	CHECK_ERRNO(syscall(SYS_getpriority, PRIO_PGRP, 0x7ffffff), ESRCH);
	need_root();
	CHECK_EQ(setpriority(PRIO_PROCESS, 0, -5), 0);
	CHECK_EQ(syscall(SYS_getpriority, PRIO_PROCESS, 0), 25);
	CHECK_EQ(setuid(65534), 0);
	CHECK_ERRNO(setpriority(PRIO_PROCESS, 0, -10), EACCES);
	CHECK_ERRNO(setpriority(PRIO_PROCESS, 1, 0), EPERM);
	CHECK_EQ(setpriority(PRIO_PROCESS, 0, 3), 0);
	CHECK_ERRNO(setpriority(PRIO_PROCESS, 0, 2), EACCES);
}

/* Children that burn one CPU for a while; how much each got goes through shared memory. */
static void compete(int n, const int *nice_values, int64_t *got, int ms)
{
	int64_t *shared = mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	volatile int64_t *start = shared + 100;
	pid_t pids[16];

	CHECK(n <= 16);
	online = affinity(0);
	CHECK_EQ(set_affinity(0, online & -online), 0);
	for (int i = 0; i < n; i++) {
		pids[i] = fork();
		if (pids[i])
			continue;
		if (nice_values)
			setpriority(PRIO_PROCESS, 0, nice_values[i]);
		while (!*start)
			sched_yield();
		int64_t before = cpu_ns();

		while (now_ns() < *start + ms * MS)
			;
		shared[i] = cpu_ns() - before;
		_exit(0);
	}
	*start = now_ns();
	for (int i = 0; i < n; i++)
		CHECK_EQ(waitpid(pids[i], NULL, 0), pids[i]);
	for (int i = 0; i < n; i++)
		got[i] = shared[i];
}

static bool shared_evenly(const int64_t *got, int n)
{
	for (int i = 0; i < n; i++)
		for (int j = 0; j < n; j++)
			if (got[i] >= got[j] * 2)
				return false;
	return true;
}

/* A virtual CPU that its host stops now and then shares fairly only in the long run: so the run may get longer. */
TEST(equal_tasks_get_equal_time)
{
	int64_t got[4];
	int ms = 400;

	do {
		ms *= 2;
		compete(4, NULL, got, ms);
	} while (!shared_evenly(got, 4) && ms < 6400);
	CHECK(shared_evenly(got, 4));
}

TEST(nicer_tasks_get_less)
{
	static const int nice_values[2] = { 0, 5 };	/* about three times */
	int64_t got[2];
	int ms = 400;

	do {
		ms *= 2;
		compete(2, nice_values, got, ms);
	} while ((got[0] < got[1] * 2 || got[0] > got[1] * 6) && ms < 6400);
	CHECK(got[0] > got[1] * 2);
	CHECK(got[1] > 0 && got[0] < got[1] * 6);
}

TEST(a_sleeper_is_not_starved_by_burners)
{
	pid_t pids[3];

	online = affinity(0);
	CHECK_EQ(set_affinity(0, online & -online), 0);
	for (int i = 0; i < 3; i++) {
		pids[i] = fork();
		if (!pids[i])
			for (;;)
				;
	}
	int64_t worst = 0;

	for (int i = 0; i < 50; i++) {
		int64_t t = now_ns();

		sleep_ms(2);
		t = now_ns() - t - 2 * MS;
		worst = t > worst ? t : worst;
	}
	for (int i = 0; i < 3; i++) {
		kill(pids[i], SIGKILL);
		waitpid(pids[i], NULL, 0);
	}
	CHECK(worst < 500 * MS);
}

TEST(a_real_time_task_runs_before_others)
{
	struct sched_param p = { .sched_priority = 5 };
	volatile int *ran = mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);

	need_root();
	online = affinity(0);
	CHECK_EQ(set_affinity(0, online & -online), 0);
	CHECK_EQ(syscall(SYS_sched_setscheduler, 0, SCHED_FIFO | SCHED_RESET_ON_FORK, &p), 0);
	pid_t child = fork();

	if (child == 0)
		for (;;)
			(*ran)++;
	int64_t end = now_ns() + 20 * MS;

	while (now_ns() < end)
		;
	int before = *ran;

	CHECK_EQ(before, 0);	/* an ordinary task waits while we run */
	sleep_ms(20);
	CHECK(*ran > 0);	/* and runs when we sleep */
	kill(child, SIGKILL);
	waitpid(child, NULL, 0);
}

TEST(yield_lets_the_others_run)
{
	volatile int *turn = mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);

	online = affinity(0);
	CHECK_EQ(set_affinity(0, online & -online), 0);
	pid_t child = fork();

	if (child == 0) {
		for (;;)
			if (*turn == 1)
				*turn = 0;
			else
				sched_yield();
	}
	for (int i = 0; i < 2000; i++) {
		*turn = 1;
		for (int64_t end = now_ns() + 10000 * MS; *turn; sched_yield())
			CHECK(now_ns() < end);
	}
	kill(child, SIGKILL);
	waitpid(child, NULL, 0);
}

TEST(usage_splits_user_and_system_time)
{
	struct rusage r;
	int64_t end = cpu_ns() + 200 * MS;

	while (cpu_ns() < end)
		for (volatile int i = 0; i < 100000; i++)
			;
	CHECK_EQ(getrusage(RUSAGE_SELF, &r), 0);
	CHECK(r.ru_utime.tv_sec * 1000000 + r.ru_utime.tv_usec >= 100000);
	int64_t user = r.ru_utime.tv_sec * 1000000 + r.ru_utime.tv_usec;

	end = cpu_ns() + 5000 * MS;
	do {
		int fd = open("/", O_RDONLY);
		char buf[4096];

		while (syscall(SYS_getdents64, fd, buf, sizeof(buf)) > 0)
			;
		close(fd);
		CHECK_EQ(getrusage(RUSAGE_SELF, &r), 0);
		CHECK(cpu_ns() < end);
	} while (r.ru_stime.tv_sec * 1000000 + r.ru_stime.tv_usec < 50000);
	CHECK(r.ru_utime.tv_sec * 1000000 + r.ru_utime.tv_usec >= user);
}

/* Threads that sleep, wake each other, move, and end, on all CPUs at once: nobody is lost. */
enum { NR_STORM = 12, STORM_ROUNDS = 400 };
static int storm_word[NR_STORM];
static void *storm(void *arg)
{
	int me = (int)(intptr_t)arg, next = (me + 1) % NR_STORM;

	for (int i = 0; i < STORM_ROUNDS; i++) {
		__atomic_fetch_add(&storm_word[next], 1, __ATOMIC_SEQ_CST);
		syscall(SYS_futex, &storm_word[next], 1 /* FUTEX_WAKE */, 1, NULL, NULL, 0);
		/* Everybody has to be woken as often as he wakes. */
		for (int seen; (seen = __atomic_load_n(&storm_word[me], __ATOMIC_SEQ_CST)) < i + 1; )
			syscall(SYS_futex, &storm_word[me], 0 /* FUTEX_WAIT */, seen, NULL, NULL, 0);
		if (i % 7 == me % 7)
			set_affinity(0, online >> (i % 5) & online ? online >> (i % 5) & online : online);
		if (i % 11 == 0)
			sched_yield();
		if (i % 50 == 0)
			usleep(100);
	}
	return NULL;
}
TEST(storm_of_wake_ups_and_moves)
{
	pthread_t t[NR_STORM];

	online = affinity(0);
	for (int i = 0; i < NR_STORM; i++)
		CHECK_EQ(pthread_create(&t[i], NULL, storm, (void *)(intptr_t)i), 0);
	for (int i = 0; i < NR_STORM; i++)
		CHECK_EQ(pthread_join(t[i], NULL), 0);
	for (int i = 0; i < NR_STORM; i++)
		CHECK_EQ(storm_word[i], STORM_ROUNDS);
}

TEST(storm_of_forks_and_exits)
{
	for (int round = 0; round < 40; round++) {
		int n = 0;

		for (int i = 0; i < 8; i++) {
			pid_t child = fork();

			CHECK(child >= 0);
			if (child == 0) {
				if (i % 2)
					sched_yield();
				_exit(i);
			}
		}
		for (int status; wait(&status) > 0; n++)
			CHECK(WIFEXITED(status));
		CHECK_EQ(n, 8);
	}
}

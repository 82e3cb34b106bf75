/* futex(2): compare and sleep, wake, requeue, operate, priority inheritance, robust lists. */
#include "tests/abi/tap.h"
#include <limits.h>
#include <stdatomic.h>
#include <stddef.h>

enum { F_WAIT, F_WAKE, F_FD, F_REQUEUE, F_CMP_REQUEUE, F_WAKE_OP, F_LOCK_PI, F_UNLOCK_PI, F_TRYLOCK_PI, F_WAIT_BITSET,
       F_WAKE_BITSET, F_PRIVATE = 128, F_REALTIME = 256 };

static long futex(void *addr, int op, unsigned val, const void *timeout, void *addr2, unsigned val3)
{
	return syscall(SYS_futex, addr, op, val, timeout, addr2, val3);
}

static atomic_int word, word2, woken, asleep;

static void *waiter(void *arg)
{
	int op = (int)(long)arg;

	asleep++;
	if (futex(&word, op, 0, NULL, NULL, ~0U) == 0)
		woken++;
	return NULL;
}
static void start_waiters(pthread_t *t, int n, int op)
{
	for (int i = 0; i < n; i++)
		CHECK_EQ(pthread_create(&t[i], NULL, waiter, (void *)(long)op), 0);
	while (asleep < n)
		sleep_ms(1);
	sleep_ms(20);
}
static void join_all(pthread_t *t, int n)
{
	for (int i = 0; i < n; i++)
		pthread_join(t[i], NULL);
}

TEST(wait_compares_first)
{
	word = 5;
	CHECK_ERRNO(futex(&word, F_WAIT | F_PRIVATE, 4, NULL, NULL, 0), EAGAIN);
	CHECK_ERRNO(futex(&word, F_WAIT, 4, NULL, NULL, 0), EAGAIN);
}

TEST(errors)
{
	struct timespec bad = { 0, 1000000000 };

	CHECK_ERRNO(futex((char *)&word + 1, F_WAIT, 0, NULL, NULL, 0), EINVAL);
	CHECK_ERRNO(futex((void *)8, F_WAIT, 0, NULL, NULL, 0), EFAULT);
	CHECK_ERRNO(futex((void *)8, F_WAKE, 1, NULL, NULL, 0), EFAULT);
	CHECK_ERRNO(futex((void *)-8L, F_WAIT | F_PRIVATE, 0, NULL, NULL, 0), EFAULT);
	CHECK_ERRNO(futex(&word, 100, 0, NULL, NULL, 0), ENOSYS);
	CHECK_ERRNO(futex(&word, F_WAIT, 0, &bad, NULL, 0), EINVAL);
	CHECK_ERRNO(futex(&word, F_WAIT, 0, (void *)8, NULL, 0), EFAULT);
	CHECK_ERRNO(futex(&word, F_WAIT_BITSET, 0, NULL, NULL, 0), EINVAL);
	CHECK_ERRNO(futex(&word, F_WAKE_BITSET, 1, NULL, NULL, 0), EINVAL);
	CHECK_ERRNO(futex(&word, F_WAKE | F_REALTIME, 1, NULL, NULL, 0), ENOSYS);
	CHECK_EQ(futex(&word, F_WAKE, 1, NULL, NULL, 0), 0);
}

TEST(wait_times_out)
{
	struct timespec t = { 0, 30000000 };
	int64_t begin = now_ns();

	CHECK_ERRNO(futex(&word, F_WAIT | F_PRIVATE, 0, &t, NULL, 0), ETIMEDOUT);
	CHECK(now_ns() - begin >= 30000000);
}

TEST(wait_bitset_timeout_is_absolute)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	CHECK_ERRNO(futex(&word, F_WAIT_BITSET | F_PRIVATE, 0, &t, NULL, ~0U), ETIMEDOUT);
	t.tv_nsec += 30000000;
	if (t.tv_nsec >= 1000000000) {
		t.tv_sec++;
		t.tv_nsec -= 1000000000;
	}
	CHECK_ERRNO(futex(&word, F_WAIT_BITSET | F_PRIVATE, 0, &t, NULL, ~0U), ETIMEDOUT);
	CHECK(now_ns() >= t.tv_sec * 1000000000LL + t.tv_nsec);
	clock_gettime(CLOCK_REALTIME, &t);
	CHECK_ERRNO(futex(&word, F_WAIT_BITSET | F_PRIVATE | F_REALTIME, 0, &t, NULL, ~0U), ETIMEDOUT);
}

TEST(wake_counts)
{
	pthread_t t[4];

	start_waiters(t, 4, F_WAIT | F_PRIVATE);
	CHECK_EQ(futex(&word, F_WAKE | F_PRIVATE, 1, NULL, NULL, 0), 1);
	CHECK_EQ(futex(&word, F_WAKE | F_PRIVATE, 2, NULL, NULL, 0), 2);
	CHECK_EQ(futex(&word, F_WAKE | F_PRIVATE, INT_MAX, NULL, NULL, 0), 1);
	CHECK_EQ(futex(&word, F_WAKE | F_PRIVATE, 1, NULL, NULL, 0), 0);
	join_all(t, 4);
	CHECK_EQ(woken, 4);
}

static void *bitset_waiter(void *arg)
{
	asleep++;
	futex(&word, F_WAIT_BITSET | F_PRIVATE, 0, NULL, NULL, (unsigned)(long)arg);
	woken |= (int)(long)arg;
	return NULL;
}

TEST(wake_bitset_selects)
{
	pthread_t a, b;

	pthread_create(&a, NULL, bitset_waiter, (void *)1);
	pthread_create(&b, NULL, bitset_waiter, (void *)2);
	while (asleep < 2)
		sleep_ms(1);
	sleep_ms(20);
	CHECK_EQ(futex(&word, F_WAKE_BITSET | F_PRIVATE, 10, NULL, NULL, 4), 0);
	CHECK_EQ(futex(&word, F_WAKE_BITSET | F_PRIVATE, 10, NULL, NULL, 2), 1);
	pthread_join(b, NULL);
	CHECK_EQ(woken, 2);
	CHECK_EQ(futex(&word, F_WAKE | F_PRIVATE, 10, NULL, NULL, 0), 1);
	pthread_join(a, NULL);
}

TEST(requeue_moves_waiters)
{
	pthread_t t[4];

	start_waiters(t, 4, F_WAIT | F_PRIVATE);
	word = 3;
	CHECK_ERRNO(futex(&word, F_CMP_REQUEUE | F_PRIVATE, 1, (void *)10L, &word2, 4), EAGAIN);
	CHECK_EQ(futex(&word, F_CMP_REQUEUE | F_PRIVATE, 1, (void *)2L, &word2, 3), 3);
	CHECK_EQ(futex(&word2, F_WAKE | F_PRIVATE, 10, NULL, NULL, 0), 2);
	CHECK_EQ(futex(&word, F_REQUEUE | F_PRIVATE, 0, (void *)10L, &word2, 0), 1);
	CHECK_EQ(futex(&word, F_WAKE | F_PRIVATE, 10, NULL, NULL, 0), 0);
	CHECK_EQ(futex(&word2, F_WAKE | F_PRIVATE, 10, NULL, NULL, 0), 1);
	join_all(t, 4);
	CHECK_ERRNO(futex(&word, F_REQUEUE | F_PRIVATE, -1, (void *)10L, &word2, 0), EINVAL);
}

#define OP(op, oparg, cmp, cmparg) ((unsigned)(op) << 28 | (cmp) << 24 | ((oparg) & 0xfff) << 12 | ((cmparg) & 0xfff))

TEST(wake_op_changes_and_compares)
{
	pthread_t t[2];

	start_waiters(t, 2, F_WAIT | F_PRIVATE);
	word2 = 7;
	/* word2 += 5; wake one of word; the old 7 is not < 3: none of word2 */
	CHECK_EQ(futex(&word, F_WAKE_OP | F_PRIVATE, 1, (void *)10L, &word2, OP(1, 5, 2, 3)), 1);
	CHECK_EQ(word2, 12);
	/* word2 = -1, and nobody waits there; old 12 == 12: wake all of word as the second */
	CHECK_EQ(futex(&word2, F_WAKE_OP | F_PRIVATE, 1, (void *)10L, &word2, OP(0, -1, 0, 12)), 0);
	CHECK_EQ(word2, -1);
	word = 0;
	CHECK_EQ(futex(&word2, F_WAKE_OP | F_PRIVATE, 1, (void *)10L, &word, OP(2, 6, 0, 0)), 1);
	CHECK_EQ(word, 6);
	join_all(t, 2);
	word2 = 0xf;
	CHECK_EQ(futex(&word, F_WAKE_OP | F_PRIVATE, 1, (void *)1L, &word2, OP(3, 2, 0, 0)), 0);
	CHECK_EQ(word2, 0xd);
	CHECK_EQ(futex(&word, F_WAKE_OP | F_PRIVATE, 1, (void *)1L, &word2, OP(4 | 8, 4, 0, 0)), 0);
	CHECK_EQ(word2, 0x1d);
}

TEST(shared_memory_between_processes)
{
	atomic_int *w = mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	pid_t pid = fork();
	int status;

	if (pid == 0) {
		w[1] = 1;
		while (w[0] == 0)
			futex(&w[0], F_WAIT, 0, NULL, NULL, 0);
		_exit(0);
	}
	while (!w[1])
		sleep_ms(1);
	sleep_ms(20);
	w[0] = 1;
	CHECK_EQ(futex(&w[0], F_WAKE, 1, NULL, NULL, 0), 1);
	CHECK_EQ(waitpid(pid, &status, 0), pid);
	CHECK_EQ(status, 0);
}

TEST(shared_file_at_two_addresses)
{
	char name[] = "/tmp/futex-XXXXXX";
	int fd = mkstemp(name);
	atomic_int *a, *b;
	pthread_t t;

	CHECK(fd >= 0);
	unlink(name);
	CHECK_EQ(ftruncate(fd, 4096), 0);
	a = mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
	b = mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
	CHECK(a != MAP_FAILED && b != MAP_FAILED && a != b);
	a[0] = 0;
	void *wait_on(void *p)
	{
		asleep++;
		woken = futex(p, F_WAIT, 0, NULL, NULL, 0) == 0;
		return NULL;
	}
	pthread_create(&t, NULL, wait_on, &a[0]);
	while (!asleep)
		sleep_ms(1);
	sleep_ms(20);
	CHECK_EQ(futex(&b[0], F_WAKE, 1, NULL, NULL, 0), 1);
	pthread_join(t, NULL);
	CHECK_EQ(woken, 1);
}

static void nothing(int sig) { (void)sig; }

TEST(wait_is_interrupted)
{
	struct sigaction sa = { .sa_handler = nothing };
	pid_t me = getpid();

	sigaction(SIGUSR1, &sa, NULL);
	if (fork() == 0) {
		sleep_ms(20);
		kill(me, SIGUSR1);
		_exit(0);
	}
	CHECK_ERRNO(futex(&word, F_WAIT | F_PRIVATE, 0, NULL, NULL, 0), EINTR);
}

TEST(timed_wait_goes_on_after_stop)
{
	pid_t pid = fork();
	int status;

	if (pid == 0) {
		struct timespec t = { 0, 100000000 };
		int64_t begin = now_ns();

		if (futex(&word, F_WAIT | F_PRIVATE, 0, &t, NULL, 0) != -1 || errno != ETIMEDOUT)
			_exit(1);
		begin = now_ns() - begin;
		_exit(begin >= 100000000 ? 0 : 2);
	}
	sleep_ms(20);
	kill(pid, SIGSTOP);
	waitpid(pid, &status, WUNTRACED);
	kill(pid, SIGCONT);
	CHECK_EQ(waitpid(pid, &status, 0), pid);
	CHECK_EQ(status, 0);
}

static atomic_int turn;
static void *ping(void *arg)
{
	int me = (int)(long)arg;

	for (int i = 0; i < 1000; i++) {
		while (turn != me)
			futex(&turn, F_WAIT | F_PRIVATE, (unsigned)!me, NULL, NULL, 0);
		turn = !me;
		futex(&turn, F_WAKE | F_PRIVATE, 1, NULL, NULL, 0);
	}
	return NULL;
}

TEST(ping_pong_loses_no_wakeup)
{
	pthread_t t;

	pthread_create(&t, NULL, ping, (void *)1L);
	ping((void *)0L);
	pthread_join(t, NULL);
}

static pthread_mutex_t mutex = PTHREAD_MUTEX_INITIALIZER;
static pthread_cond_t cond = PTHREAD_COND_INITIALIZER;
static int seen, generation;
static void *cond_waiter(void *arg)
{
	pthread_mutex_lock(&mutex);
	int g = generation;

	seen++;
	while (g == generation)
		pthread_cond_wait(&cond, &mutex);
	seen--;
	pthread_mutex_unlock(&mutex);
	return arg;
}

TEST(condition_variables_broadcast)
{
	pthread_t t[6];

	for (int round = 0; round < 10; round++) {
		for (int i = 0; i < 6; i++)
			pthread_create(&t[i], NULL, cond_waiter, NULL);
		for (;;) {
			pthread_mutex_lock(&mutex);
			if (seen == 6)
				break;
			pthread_mutex_unlock(&mutex);
			sleep_ms(1);
		}
		generation++;
		pthread_cond_broadcast(&cond);
		pthread_mutex_unlock(&mutex);
		join_all(t, 6);
		CHECK_EQ(seen, 0);
	}
}

/* --- priority inheritance -------------------------------------------------------------------------------------- */

#define TID ((int)syscall(SYS_gettid))
static atomic_int pi_stage;
static void *pi_locker(void *arg)
{
	(void)arg;
	pi_stage = 1;
	if (futex(&word, F_LOCK_PI | F_PRIVATE, 0, NULL, NULL, 0) == 0 && (word & 0x3fffffff) == TID)
		pi_stage = 2;
	if (futex(&word, F_UNLOCK_PI | F_PRIVATE, 0, NULL, NULL, 0))
		pi_stage = 3;
	return NULL;
}

TEST(lock_pi_takes_and_hands_over)
{
	pthread_t t;

	word = 0;
	CHECK_EQ(futex(&word, F_LOCK_PI | F_PRIVATE, 0, NULL, NULL, 0), 0);
	CHECK_EQ(word & 0x3fffffff, TID);
	CHECK_ERRNO(futex(&word, F_LOCK_PI | F_PRIVATE, 0, NULL, NULL, 0), EDEADLK);
	pthread_create(&t, NULL, pi_locker, NULL);
	while (pi_stage < 1)
		sleep_ms(1);
	sleep_ms(20);
	CHECK_EQ(pi_stage, 1);
	CHECK(word & INT_MIN);
	CHECK_EQ(futex(&word, F_UNLOCK_PI | F_PRIVATE, 0, NULL, NULL, 0), 0);
	pthread_join(t, NULL);
	CHECK_EQ(pi_stage, 2);
	CHECK_EQ(word & 0x3fffffff, 0);
	CHECK_ERRNO(futex(&word, F_UNLOCK_PI | F_PRIVATE, 0, NULL, NULL, 0), EPERM);
}

TEST(trylock_pi_and_timeout)
{
	struct timespec t;
	pid_t pid;
	atomic_int *w = mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);

	CHECK_EQ(futex(w, F_TRYLOCK_PI, 0, NULL, NULL, 0), 0);
	CHECK_EQ(*w & 0x3fffffff, TID);
	pid = fork();
	if (pid == 0) {
		CHECK_ERRNO(futex(w, F_TRYLOCK_PI, 0, NULL, NULL, 0), EAGAIN);
		clock_gettime(CLOCK_REALTIME, &t);
		CHECK_ERRNO(futex(w, F_LOCK_PI, 0, &t, NULL, 0), ETIMEDOUT);
		_exit(0);
	}
	int status;

	CHECK_EQ(waitpid(pid, &status, 0), pid);
	CHECK_EQ(status, 0);
	*w = 0x3fffff00; /* no such thread */
	CHECK_ERRNO(futex(w, F_LOCK_PI, 0, NULL, NULL, 0), ESRCH);
}

TEST(pthread_mutex_with_priority_inheritance)
{
	pthread_mutexattr_t a;
	static pthread_mutex_t m;
	static volatile long n;
	pthread_t t[4];

	pthread_mutexattr_init(&a);
	CHECK_EQ(pthread_mutexattr_setprotocol(&a, PTHREAD_PRIO_INHERIT), 0);
	CHECK_EQ(pthread_mutex_init(&m, &a), 0);
	void *work(void *arg)
	{
		for (int i = 0; i < 300; i++) {
			pthread_mutex_lock(&m);
			n++;
			if (i % 50 == 0)
				sched_yield();
			pthread_mutex_unlock(&m);
		}
		return arg;
	}
	for (int i = 0; i < 4; i++)
		pthread_create(&t[i], NULL, work, NULL);
	join_all(t, 4);
	CHECK_EQ(n, 1200);
}

/* --- robust lists ---------------------------------------------------------------------------------------------- */

TEST(robust_list_calls)
{
	void *head = NULL;
	size_t len = 0;

	CHECK_ERRNO(syscall(SYS_set_robust_list, &head, 23), EINVAL);
	CHECK_EQ(syscall(SYS_get_robust_list, 0, &head, &len), 0);
	CHECK_EQ(len, 24);
	CHECK_ERRNO(syscall(SYS_get_robust_list, 999999, &head, &len), ESRCH);
}

struct robust_lock { void *next; atomic_int word; };
struct robust_head { void *next; long offset; void *pending; };

TEST(robust_lock_of_a_dead_owner)
{
	struct robust_lock *l = mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	pid_t pid = fork();
	int status;

	if (pid == 0) {
		struct robust_head h = { &l[0], offsetof(struct robust_lock, word), NULL };

		l[0].next = &l[1];
		l[1].next = &h;
		l[0].word = TID;
		l[1].word = TID | INT_MIN;
		syscall(SYS_set_robust_list, &h, sizeof(h));
		_exit(0);
	}
	CHECK_EQ(waitpid(pid, &status, 0), pid);
	CHECK_EQ(l[0].word, 0x40000000);
	CHECK_EQ(l[1].word, 0x40000000 | INT_MIN);
}

TEST(robust_list_that_is_nonsense)
{
	pid_t pid = fork();
	int status;

	if (pid == 0) {
		struct robust_head h = { (void *)16, 3, (void *)-16L };

		syscall(SYS_set_robust_list, &h, sizeof(h));
		_exit(0);
	}
	CHECK_EQ(waitpid(pid, &status, 0), pid);
	CHECK_EQ(status, 0);
	pid = fork();
	if (pid == 0) {
		struct robust_head h, *other = &h;

		h = (struct robust_head){ &other, 0, NULL };
		other = (void *)&other; /* a loop that does not pass the head */
		syscall(SYS_set_robust_list, &h, sizeof(h));
		_exit(0);
	}
	CHECK_EQ(waitpid(pid, &status, 0), pid);
	CHECK_EQ(status, 0);
}

TEST(robust_pthread_mutex)
{
	pthread_mutexattr_t a;
	pthread_mutex_t *m = mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	pid_t pid;

	pthread_mutexattr_init(&a);
	pthread_mutexattr_setrobust(&a, PTHREAD_MUTEX_ROBUST);
	pthread_mutexattr_setpshared(&a, PTHREAD_PROCESS_SHARED);
	CHECK_EQ(pthread_mutex_init(m, &a), 0);
	pid = fork();
	if (pid == 0) {
		pthread_mutex_lock(m);
		sleep_ms(30);
		_exit(0);
	}
	sleep_ms(10);
	CHECK_EQ(pthread_mutex_lock(m), EOWNERDEAD);
	CHECK_EQ(pthread_mutex_consistent(m), 0);
	CHECK_EQ(pthread_mutex_unlock(m), 0);
	CHECK_EQ(waitpid(pid, NULL, 0), pid);
}

/* What a child gets from its parent, and what it does not: fork, vfork, clone, clone3. */
#include "tests/abi/tap.h"
#include <sys/resource.h>

static int wait_exit(pid_t pid)
{
	int status;

	CHECK_EQ(waitpid(pid, &status, __WALL), pid);
	return status;
}
#define CHILD_EXITS(pid, code) do { int __s = wait_exit(pid);					\
	if (!WIFEXITED(__s) || WEXITSTATUS(__s) != (code))						\
		TAP_FAIL("child status %#x, wanted exit %d", __s, code); } while (0)

static long raw_clone(unsigned long flags, void *stack, int *ptid, int *ctid, unsigned long tls)
{
	return syscall(SYS_clone, flags, stack, ptid, ctid, tls);
}

TEST(fork_returns_twice)
{
	pid_t parent = getpid(), pid = fork();

	if (pid == 0)
		_exit(getppid() == parent && getpid() != parent ? 7 : 1);
	CHECK(pid > 0);
	CHILD_EXITS(pid, 7);
}

TEST(fork_memory_is_private)
{
	static int word = 1;
	int *shared = mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	pid_t pid = fork();

	if (pid == 0) {
		word = 2;
		*shared = 3;
		_exit(0);
	}
	CHILD_EXITS(pid, 0);
	CHECK_EQ(word, 1);
	CHECK_EQ(*shared, 3);
}

TEST(fork_clears_pending_keeps_mask)
{
	sigset_t set, old;
	pid_t pid;

	sigemptyset(&set);
	sigaddset(&set, SIGUSR1);
	sigprocmask(SIG_BLOCK, &set, NULL);
	raise(SIGUSR1);
	pid = fork();
	if (pid == 0) {
		sigset_t pending;

		sigpending(&pending);
		sigprocmask(SIG_BLOCK, NULL, &old);
		_exit(sigismember(&pending, SIGUSR1) ? 1 : sigismember(&old, SIGUSR1) ? 0 : 2);
	}
	CHILD_EXITS(pid, 0);
	sigpending(&set);
	CHECK(sigismember(&set, SIGUSR1));
}

TEST(fork_resets_times)
{
	pid_t pid;
	struct rusage ru;
	int64_t end = now_ns() + 50000000;

	while (now_ns() < end)
		;
	pid = fork();
	if (pid == 0) {
		getrusage(RUSAGE_SELF, &ru);
		if (ru.ru_utime.tv_sec + ru.ru_stime.tv_sec)
			_exit(1);
		_exit(ru.ru_utime.tv_usec + ru.ru_stime.tv_usec < 40000 ? 0 : 1);
	}
	CHILD_EXITS(pid, 0);
}

TEST(vfork_parent_waits_for_exit)
{
	static volatile int step;
	pid_t pid = vfork();

	if (pid == 0) {
		struct timespec t = { 0, 30000000 };

		nanosleep(&t, NULL);
		step = 1;
		_exit(3);
	}
	CHECK_EQ(step, 1);
	CHILD_EXITS(pid, 3);
}

TEST(vfork_parent_goes_on_at_exec)
{
	int fds[2];
	char c;
	pid_t pid;

	CHECK_EQ(pipe(fds), 0);
	pid = vfork();
	if (pid == 0) {
		/* This program again: run without arguments for main() below it would run all cases. */
		char *const args[] = { "self", "--list", NULL };

		dup2(fds[1], 1);
		execv("/proc/self/exe", args);
		_exit(1);
	}
	CHECK(pid > 0);
	CHECK_EQ(read(fds[0], &c, 1), 1);
	CHILD_EXITS(pid, 0);
}

TEST(clone_flag_combinations)
{
	CHECK_ERRNO(raw_clone(CLONE_THREAD, NULL, NULL, NULL, 0), EINVAL);
	CHECK_ERRNO(raw_clone(CLONE_SIGHAND, NULL, NULL, NULL, 0), EINVAL);
	CHECK_ERRNO(raw_clone(CLONE_THREAD | CLONE_SIGHAND, NULL, NULL, NULL, 0), EINVAL);
	CHECK_ERRNO(raw_clone(CLONE_NEWNS | CLONE_FS | SIGCHLD, NULL, NULL, NULL, 0), EINVAL);
}

TEST(clone_parent_settid_child_cleartid)
{
	int *word = mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	long pid;

	word[0] = word[1] = -1;
	pid = raw_clone(CLONE_PARENT_SETTID | CLONE_CHILD_SETTID | CLONE_CHILD_CLEARTID | SIGCHLD, NULL,
			&word[0], &word[1], 0);
	if (pid == 0)
		_exit(word[1] == getpid() ? 0 : 1);
	CHECK_EQ(word[0], pid);
	CHILD_EXITS(pid, 0);
	/* Not cleared: the child was the only user of its address space. */
	CHECK_EQ(word[1], pid);
}

TEST(clone_exit_signal_is_sent)
{
	sigset_t set;
	siginfo_t info;
	long pid;
	int status;

	sigemptyset(&set);
	sigaddset(&set, SIGUSR2);
	sigprocmask(SIG_BLOCK, &set, NULL);
	pid = raw_clone(SIGUSR2, NULL, NULL, NULL, 0);
	if (pid == 0)
		_exit(5);
	CHECK_EQ(sigwaitinfo(&set, &info), SIGUSR2);
	CHECK_EQ(info.si_pid, pid);
	CHECK_EQ(info.si_code, CLD_EXITED);
	CHECK_EQ(info.si_status, 5);
	/* Not a "normal" child: only __WCLONE or __WALL finds it. */
	CHECK_ERRNO(waitpid(pid, &status, 0), ECHILD);
	CHECK_EQ(waitpid(pid, &status, __WCLONE), pid);
}

TEST(clone_parent_makes_a_sibling)
{
	pid_t child = fork();
	int status;

	if (child == 0) {
		long pid = raw_clone(CLONE_PARENT | SIGCHLD, NULL, NULL, NULL, 0);

		_exit(pid == 0 ? 20 : pid > 0 ? 10 : 1);
	}
	CHECK_EQ(waitpid(child, &status, 0), child);
	CHECK_EQ(WEXITSTATUS(status), 10);
	CHECK(waitpid(-1, &status, 0) > 0);
	CHECK_EQ(WEXITSTATUS(status), 20);
}

TEST(clone_files_shares_descriptors)
{
	long pid = raw_clone(CLONE_FILES | SIGCHLD, NULL, NULL, NULL, 0);

	if (pid == 0)
		_exit(dup2(1, 77) == 77 ? 0 : 1);
	CHILD_EXITS(pid, 0);
	CHECK_EQ(fcntl(77, F_GETFD), 0);
	pid = fork();
	if (pid == 0)
		_exit(close(77));
	CHILD_EXITS(pid, 0);
	CHECK_EQ(fcntl(77, F_GETFD), 0);
}

TEST(clone_fs_shares_directory)
{
	char buf[256];
	long pid = raw_clone(CLONE_FS | SIGCHLD, NULL, NULL, NULL, 0);

	CHECK(chdir("/") == 0 || pid == 0);
	if (pid == 0) {
		sleep_ms(20);
		umask(0123);
		_exit(chdir("/tmp"));
	}
	CHILD_EXITS(pid, 0);
	CHECK(getcwd(buf, sizeof(buf)));
	CHECK(strcmp(buf, "/tmp") == 0);
	CHECK_EQ(umask(022), 0123);
}

struct clone3_args {
	uint64_t flags, pidfd, child_tid, parent_tid, exit_signal, stack, stack_size, tls, set_tid;
	uint64_t set_tid_size, cgroup;
};

TEST(clone3_forks)
{
	struct clone3_args a = { .exit_signal = SIGCHLD };
	long pid = syscall(SYS_clone3, &a, sizeof(a));

	if (pid == 0)
		_exit(9);
	CHECK(pid > 0);
	CHILD_EXITS(pid, 9);
}

TEST(clone3_arguments_are_checked)
{
	struct clone3_args a = { .exit_signal = SIGCHLD };
	char big[256] = { 0 };

	CHECK_ERRNO(syscall(SYS_clone3, &a, 63), EINVAL);
	CHECK_ERRNO(syscall(SYS_clone3, &a, 5000), E2BIG);
	big[200] = 1;
	CHECK_ERRNO(syscall(SYS_clone3, big, sizeof(big)), E2BIG);
	CHECK_ERRNO(syscall(SYS_clone3, (void *)8, sizeof(a)), EFAULT);
	a.exit_signal = 65;
	CHECK_ERRNO(syscall(SYS_clone3, &a, sizeof(a)), EINVAL);
	a.exit_signal = 0x100 | SIGCHLD;
	CHECK_ERRNO(syscall(SYS_clone3, &a, sizeof(a)), EINVAL);
	a = (struct clone3_args){ .exit_signal = SIGCHLD, .stack_size = 4096 };
	CHECK_ERRNO(syscall(SYS_clone3, &a, sizeof(a)), EINVAL);
	a = (struct clone3_args){ .exit_signal = SIGCHLD, .stack = 4096 };
	CHECK_ERRNO(syscall(SYS_clone3, &a, sizeof(a)), EINVAL);
	a = (struct clone3_args){ .flags = SIGCHLD };
	CHECK_ERRNO(syscall(SYS_clone3, &a, sizeof(a)), EINVAL);
	a = (struct clone3_args){ .flags = 1ULL << 40, .exit_signal = SIGCHLD };
	CHECK_ERRNO(syscall(SYS_clone3, &a, sizeof(a)), EINVAL);
	a = (struct clone3_args){ .flags = CLONE_PARENT, .exit_signal = SIGCHLD };
	CHECK_ERRNO(syscall(SYS_clone3, &a, sizeof(a)), EINVAL);
}

TEST(clone3_clear_sighand)
{
	struct clone3_args a = { .flags = 1ULL << 32, .exit_signal = SIGCHLD };
	struct sigaction sa = { .sa_handler = SIG_IGN }, got;
	long pid;

	sigaction(SIGUSR1, &sa, NULL);
	sa.sa_handler = (void (*)(int))_exit;
	sigaction(SIGUSR2, &sa, NULL);
	pid = syscall(SYS_clone3, &a, sizeof(a));
	if (pid == 0) {
		sigaction(SIGUSR1, NULL, &got);
		if (got.sa_handler != SIG_IGN)
			_exit(1);
		sigaction(SIGUSR2, NULL, &got);
		_exit(got.sa_handler == SIG_DFL ? 0 : 2);
	}
	CHILD_EXITS(pid, 0);
}

/* --- threads ------------------------------------------------------------------------------------------------- */

static void *thread_ids(void *arg)
{
	pid_t *ids = arg;

	ids[0] = getpid();
	ids[1] = (pid_t)syscall(SYS_gettid);
	ids[2] = getppid();
	return (void *)42;
}

TEST(thread_ids_and_join)
{
	pthread_t t;
	pid_t ids[3];
	void *ret;

	CHECK_EQ(pthread_create(&t, NULL, thread_ids, ids), 0);
	CHECK_EQ(pthread_join(t, &ret), 0);
	CHECK_EQ((long)ret, 42);
	CHECK_EQ(ids[0], getpid());
	CHECK(ids[1] != getpid());
	CHECK_EQ(ids[2], getppid());
}

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static long counter;
static void *count_up(void *arg)
{
	for (int i = 0; i < 20000; i++) {
		pthread_mutex_lock(&lock);
		counter++;
		pthread_mutex_unlock(&lock);
	}
	return arg;
}

TEST(threads_share_memory_under_a_mutex)
{
	pthread_t t[8];

	for (int i = 0; i < 8; i++)
		CHECK_EQ(pthread_create(&t[i], NULL, count_up, NULL), 0);
	for (int i = 0; i < 8; i++)
		pthread_join(t[i], NULL);
	CHECK_EQ(counter, 160000);
}

static void *exit_group_7(void *arg)
{
	(void)arg;
	sleep_ms(20);
	exit(7);
}

TEST(exit_group_ends_all_threads)
{
	pid_t pid = fork();

	if (pid == 0) {
		pthread_t t;

		pthread_create(&t, NULL, exit_group_7, NULL);
		for (;;)
			pause();
	}
	CHILD_EXITS(pid, 7);
}

static void *sleep_then_exit(void *arg)
{
	(void)arg;
	sleep_ms(60);
	syscall(SYS_exit, 6);
	return NULL;
}

TEST(leader_that_exits_first_is_not_waited_for_yet)
{
	pid_t pid = fork();
	int status;

	if (pid == 0) {
		pthread_t t;

		pthread_create(&t, NULL, sleep_then_exit, NULL);
		syscall(SYS_exit, 5);
	}
	sleep_ms(20);
	CHECK_EQ(waitpid(pid, &status, WNOHANG), 0);
	CHECK_EQ(waitpid(pid, &status, 0), pid);
	CHECK(WIFEXITED(status));
	/* The last thread's, not the leader's. */
	CHECK_EQ(WEXITSTATUS(status), 6);
}

TEST(many_threads_come_and_go)
{
	for (int round = 0; round < 20; round++) {
		pthread_t t[16];
		pid_t ids[16][3];

		for (int i = 0; i < 16; i++)
			CHECK_EQ(pthread_create(&t[i], NULL, thread_ids, ids[i]), 0);
		for (int i = 0; i < 16; i++)
			CHECK_EQ(pthread_join(t[i], NULL), 0);
	}
}

TEST(many_forks_no_id_is_given_twice)
{
	pid_t pids[64];
	int status;

	for (int i = 0; i < 64; i++) {
		pids[i] = fork();
		if (pids[i] == 0) {
			pause();
			_exit(0);
		}
		CHECK(pids[i] > 0);
		for (int j = 0; j < i; j++)
			CHECK(pids[i] != pids[j]);
	}
	for (int i = 0; i < 64; i++) {
		kill(pids[i], SIGKILL);
		CHECK_EQ(waitpid(pids[i], &status, 0), pids[i]);
	}
	CHECK_ERRNO(waitpid(-1, &status, 0), ECHILD);
}

static void *fork_and_wait(void *arg)
{
	(void)arg;
	for (int i = 0; i < 40; i++) {
		pid_t pid = fork();
		int status;

		if (pid == 0)
			_exit(i);
		if (pid < 0 || waitpid(pid, &status, 0) != pid || WEXITSTATUS(status) != i)
			return (void *)1;
	}
	return NULL;
}

TEST(threads_fork_at_the_same_time)
{
	pthread_t t[4];
	void *ret;

	for (int i = 0; i < 4; i++)
		CHECK_EQ(pthread_create(&t[i], NULL, fork_and_wait, NULL), 0);
	for (int i = 0; i < 4; i++) {
		pthread_join(t[i], &ret);
		CHECK(ret == NULL);
	}
}

TEST(unshare_files)
{
	long pid = raw_clone(CLONE_FILES | SIGCHLD, NULL, NULL, NULL, 0);

	if (pid == 0) {
		if (unshare(CLONE_FILES))
			_exit(1);
		_exit(dup2(1, 78) == 78 ? 0 : 2);
	}
	CHILD_EXITS(pid, 0);
	CHECK_ERRNO(fcntl(78, F_GETFD), EBADF);
}

TEST(rlimit_inherited_and_bounded)
{
	struct rlimit r = { 100, 200 }, got;
	pid_t pid;

	CHECK_EQ(setrlimit(RLIMIT_NOFILE, &r), 0);
	pid = fork();
	if (pid == 0) {
		getrlimit(RLIMIT_NOFILE, &got);
		_exit(got.rlim_cur == 100 && got.rlim_max == 200 ? 0 : 1);
	}
	CHILD_EXITS(pid, 0);
	r = (struct rlimit){ 300, 200 };
	CHECK_ERRNO(syscall(SYS_prlimit64, 0, RLIMIT_NOFILE, &r, NULL), EINVAL);
	CHECK_ERRNO(syscall(SYS_prlimit64, 0, 99, NULL, &got), EINVAL);
	CHECK_ERRNO(syscall(SYS_prlimit64, 999999, RLIMIT_NOFILE, NULL, &got), ESRCH);
}

/* Sending, queueing, blocking and waiting for signals. */
#include "tests/abi/tap.h"

static volatile sig_atomic_t count, last_sig;
static volatile pid_t ran_in;
static void on_sig(int sig) { count++; last_sig = sig; ran_in = (pid_t)syscall(SYS_gettid); }
static void catch(int sig)
{
	struct sigaction sa = { .sa_handler = on_sig };

	CHECK_EQ(sigaction(sig, &sa, NULL), 0);
}
static void block(int sig)
{
	sigset_t set;

	sigemptyset(&set);
	sigaddset(&set, sig);
	CHECK_EQ(sigprocmask(SIG_BLOCK, &set, NULL), 0);
}
static void unblock(int sig)
{
	sigset_t set;

	sigemptyset(&set);
	sigaddset(&set, sig);
	CHECK_EQ(sigprocmask(SIG_UNBLOCK, &set, NULL), 0);
}
static bool pending(int sig)
{
	sigset_t set;

	CHECK_EQ(sigpending(&set), 0);
	return sigismember(&set, sig) == 1;
}

TEST(kill_errors)
{
	CHECK_ERRNO(kill(getpid(), 65), EINVAL);
	CHECK_ERRNO(kill(getpid(), -1), EINVAL);
	CHECK_EQ(kill(getpid(), 0), 0);
	CHECK_ERRNO(kill(999999, 0), ESRCH);
	CHECK_ERRNO(kill(-999999, SIGTERM), ESRCH);
	CHECK_ERRNO(kill(-2147483647 - 1, SIGTERM), ESRCH);
	CHECK_ERRNO(syscall(SYS_tgkill, 0, getpid(), 0), EINVAL);
	CHECK_ERRNO(syscall(SYS_tgkill, getpid(), -1, 0), EINVAL);
	CHECK_ERRNO(syscall(SYS_tgkill, getppid(), getpid(), 0), ESRCH);
	CHECK_ERRNO(syscall(SYS_tkill, 0, 0), EINVAL);
	CHECK_ERRNO(syscall(SYS_tkill, 999999, 0), ESRCH);
	CHECK_EQ(syscall(SYS_tgkill, getpid(), getpid(), 0), 0);
}

TEST(standard_signals_are_kept_once)
{
	catch(SIGUSR1);
	block(SIGUSR1);
	for (int i = 0; i < 5; i++)
		kill(getpid(), SIGUSR1);
	CHECK(pending(SIGUSR1));
	CHECK_EQ(count, 0);
	unblock(SIGUSR1);
	CHECK_EQ(count, 1);
	CHECK(!pending(SIGUSR1));
}

static int values[16], nr_values;
static void on_rt(int sig, siginfo_t *info, void *ctx)
{
	(void)sig;
	(void)ctx;
	values[nr_values++ & 15] = info->si_value.sival_int;
}

TEST(realtime_signals_are_queued_in_order)
{
	struct sigaction sa = { .sa_sigaction = on_rt, .sa_flags = SA_SIGINFO };
	int sig = SIGRTMIN + 1;

	sigfillset(&sa.sa_mask);
	sigaction(sig, &sa, NULL);
	block(sig);
	for (int i = 0; i < 5; i++)
		CHECK_EQ(sigqueue(getpid(), sig, (union sigval){ .sival_int = i }), 0);
	unblock(sig);
	CHECK_EQ(nr_values, 5);
	for (int i = 0; i < 5; i++)
		CHECK_EQ(values[i], i);
}

TEST(rt_sigqueueinfo_cannot_fake_kill)
{
	siginfo_t info = { .si_code = SI_USER };
	pid_t pid = fork();

	if (pid == 0)
		for (;;)
			pause();
	CHECK_ERRNO(syscall(SYS_rt_sigqueueinfo, pid, SIGUSR1, &info), EPERM);
	info.si_code = SI_TKILL;
	CHECK_ERRNO(syscall(SYS_rt_sigqueueinfo, pid, SIGUSR1, &info), EPERM);
	info.si_code = SI_QUEUE;
	CHECK_EQ(syscall(SYS_rt_sigqueueinfo, pid, SIGTERM, &info), 0);
	CHECK_ERRNO(syscall(SYS_rt_sigqueueinfo, pid, 70, &info), EINVAL);
	CHECK_ERRNO(syscall(SYS_rt_tgsigqueueinfo, 0, pid, SIGTERM, &info), EINVAL);
	CHECK_EQ(waitpid(pid, NULL, 0), pid);
}

TEST(sigprocmask_how_and_errors)
{
	sigset_t set, old;
	unsigned long raw = 1UL << (SIGUSR1 - 1), got = 0;

	sigemptyset(&set);
	CHECK_ERRNO(syscall(SYS_rt_sigprocmask, 3, &raw, &got, 8), EINVAL);
	CHECK_ERRNO(syscall(SYS_rt_sigprocmask, SIG_BLOCK, &raw, &got, 16), EINVAL);
	CHECK_ERRNO(syscall(SYS_rt_sigprocmask, SIG_BLOCK, 8, &got, 8), EFAULT);
	CHECK_EQ(syscall(SYS_rt_sigprocmask, 77, NULL, &got, 8), 0);
	CHECK_EQ(syscall(SYS_rt_sigprocmask, SIG_SETMASK, &raw, NULL, 8), 0);
	CHECK_EQ(syscall(SYS_rt_sigprocmask, SIG_UNBLOCK, &raw, &got, 8), 0);
	CHECK_EQ(got, raw);
	/* These two cannot be blocked, silently. */
	raw = ~0UL;
	CHECK_EQ(syscall(SYS_rt_sigprocmask, SIG_SETMASK, &raw, NULL, 8), 0);
	CHECK_EQ(syscall(SYS_rt_sigprocmask, SIG_SETMASK, NULL, &got, 8), 0);
	CHECK_EQ(got, ~0UL & ~(1UL << (SIGKILL - 1) | 1UL << (SIGSTOP - 1)));
	(void)old;
}

TEST(ignoring_forgets_what_is_pending)
{
	block(SIGUSR1);
	raise(SIGUSR1);
	CHECK(pending(SIGUSR1));
	signal(SIGUSR1, SIG_IGN);
	CHECK(!pending(SIGUSR1));
}

TEST(blocked_and_ignored_is_kept)
{
	signal(SIGUSR1, SIG_IGN);
	block(SIGUSR1);
	raise(SIGUSR1);
	CHECK(pending(SIGUSR1));
	unblock(SIGUSR1);
	CHECK(!pending(SIGUSR1));
}

TEST(default_actions)
{
	const struct { int sig; bool kills; } sigs[] = {
		{ SIGHUP, true }, { SIGTERM, true }, { SIGUSR1, true }, { SIGALRM, true }, { SIGPIPE, true },
		{ SIGABRT, true },
		{ SIGRTMIN, true }, { SIGCHLD, false }, { SIGURG, false }, { SIGWINCH, false }, { SIGCONT, false },
	};

	for (size_t i = 0; i < sizeof(sigs) / sizeof(sigs[0]); i++) {
		int status;
		pid_t pid = fork();

		if (pid == 0) {
			kill(getpid(), sigs[i].sig);
			_exit(0);
		}
		CHECK_EQ(waitpid(pid, &status, 0), pid);
		if (sigs[i].kills ? !WIFSIGNALED(status) || WTERMSIG(status) != sigs[i].sig : status != 0)
			TAP_FAIL("signal %d: status %#x", sigs[i].sig, status);
	}
}

TEST(sigsuspend_swaps_the_mask_and_waits)
{
	sigset_t none, now;

	catch(SIGUSR1);
	block(SIGUSR1);
	raise(SIGUSR1);
	sigemptyset(&none);
	CHECK_ERRNO(sigsuspend(&none), EINTR);
	CHECK_EQ(count, 1);
	sigprocmask(SIG_BLOCK, NULL, &now);
	CHECK(sigismember(&now, SIGUSR1));
	CHECK_ERRNO(syscall(SYS_rt_sigsuspend, &none, 4), EINVAL);
}

TEST(sigtimedwait_takes_and_times_out)
{
	sigset_t set;
	siginfo_t info;
	struct timespec zero = { 0, 0 }, soon = { 0, 30000000 }, bad = { 0, 1000000000 };
	int64_t begin;

	sigemptyset(&set);
	sigaddset(&set, SIGUSR1);
	sigprocmask(SIG_BLOCK, &set, NULL);
	CHECK_ERRNO(sigtimedwait(&set, &info, &zero), EAGAIN);
	begin = now_ns();
	CHECK_ERRNO(sigtimedwait(&set, &info, &soon), EAGAIN);
	CHECK(now_ns() - begin >= 30000000);
	CHECK_ERRNO(sigtimedwait(&set, &info, &bad), EINVAL);
	kill(getpid(), SIGUSR1);
	CHECK_EQ(sigtimedwait(&set, &info, &zero), SIGUSR1);
	CHECK_EQ(info.si_code, SI_USER);
	CHECK(!pending(SIGUSR1));
}

TEST(sigtimedwait_wakes_when_it_comes)
{
	sigset_t set;
	siginfo_t info;
	pid_t me = getpid(), pid;

	sigemptyset(&set);
	sigaddset(&set, SIGUSR1);
	sigaddset(&set, SIGCHLD); /* ignored by default: blocked, it still comes */
	sigprocmask(SIG_BLOCK, &set, NULL);
	pid = fork();
	if (pid == 0) {
		sleep_ms(20);
		kill(me, SIGUSR1);
		sleep_ms(20);
		_exit(0);
	}
	CHECK_EQ(sigwaitinfo(&set, &info), SIGUSR1);
	CHECK_EQ(info.si_pid, pid);
	CHECK_EQ(sigwaitinfo(&set, &info), SIGCHLD);
	CHECK_EQ(info.si_pid, pid);
}

TEST(sigtimedwait_is_interrupted_by_others)
{
	sigset_t set;
	pid_t me = getpid();

	catch(SIGUSR2);
	sigemptyset(&set);
	sigaddset(&set, SIGUSR1);
	sigprocmask(SIG_BLOCK, &set, NULL);
	if (fork() == 0) {
		sleep_ms(20);
		kill(me, SIGUSR2);
		_exit(0);
	}
	/* musl's sigwaitinfo() would begin again. */
	CHECK_ERRNO(syscall(SYS_rt_sigtimedwait, &set, NULL, NULL, 8), EINTR);
	CHECK_EQ(count, 1);
}

TEST(sigpending_size)
{
	unsigned long set;

	CHECK_ERRNO(syscall(SYS_rt_sigpending, &set, 9), EINVAL);
	CHECK_EQ(syscall(SYS_rt_sigpending, &set, 8), 0);
	CHECK_ERRNO(syscall(SYS_rt_sigpending, 8, 8), EFAULT);
}

/* --- threads ------------------------------------------------------------------------------------------------- */

static pid_t thread_tid;
static volatile int stop_thread;
static void *idle_thread(void *arg)
{
	thread_tid = (pid_t)syscall(SYS_gettid);
	*(volatile int *)arg = 1;
	while (!stop_thread)
		sleep_ms(2);
	return NULL;
}
static pthread_t start_thread(void)
{
	static volatile int ready;
	pthread_t t;

	ready = 0;
	CHECK_EQ(pthread_create(&t, NULL, idle_thread, (void *)&ready), 0);
	while (!ready)
		sleep_ms(1);
	return t;
}

TEST(tgkill_runs_in_that_thread)
{
	pthread_t t;

	catch(SIGUSR1);
	t = start_thread();
	CHECK_EQ(syscall(SYS_tgkill, getpid(), thread_tid, SIGUSR1), 0);
	while (!count)
		sleep_ms(1);
	CHECK_EQ(ran_in, thread_tid);
	stop_thread = 1;
	pthread_join(t, NULL);
}

TEST(process_signal_goes_to_a_thread_that_does_not_block_it)
{
	pthread_t t;

	catch(SIGUSR1);
	t = start_thread();
	block(SIGUSR1);
	kill(getpid(), SIGUSR1);
	while (!count)
		sleep_ms(1);
	CHECK_EQ(ran_in, thread_tid);
	stop_thread = 1;
	pthread_join(t, NULL);
}

TEST(thread_signal_stays_pending_for_that_thread)
{
	pthread_t t;

	catch(SIGUSR1);
	block(SIGUSR1);
	t = start_thread(); /* inherits the mask */
	syscall(SYS_tgkill, getpid(), thread_tid, SIGUSR1);
	sleep_ms(20);
	CHECK_EQ(count, 0);
	CHECK(!pending(SIGUSR1));
	stop_thread = 1;
	pthread_join(t, NULL);
}

TEST(fatal_signal_ends_all_threads)
{
	pid_t pid = fork();
	int status;

	if (pid == 0) {
		start_thread();
		start_thread();
		syscall(SYS_tgkill, getpid(), thread_tid, SIGTERM);
		for (;;)
			pause();
	}
	CHECK_EQ(waitpid(pid, &status, 0), pid);
	CHECK(WIFSIGNALED(status));
	CHECK_EQ(WTERMSIG(status), SIGTERM);
}

TEST(sigkill_ends_a_process_that_blocks_everything)
{
	pid_t pid = fork();
	int status;

	if (pid == 0) {
		sigset_t all;

		sigfillset(&all);
		sigprocmask(SIG_SETMASK, &all, NULL);
		for (;;)
			;
	}
	sleep_ms(20);
	kill(pid, SIGKILL);
	CHECK_EQ(waitpid(pid, &status, 0), pid);
	CHECK_EQ(WTERMSIG(status), SIGKILL);
}

TEST(signals_between_processes_ping_pong)
{
	sigset_t set;
	pid_t me = getpid(), pid;
	siginfo_t info;
	struct timespec limit = { 10, 0 };

	sigemptyset(&set);
	sigaddset(&set, SIGUSR1);
	sigprocmask(SIG_BLOCK, &set, NULL);
	pid = fork();
	for (int i = 0; i < 500; i++) {
		if (pid == 0) {
			if (sigtimedwait(&set, &info, &limit) != SIGUSR1)
				_exit(1);
			kill(me, SIGUSR1);
		} else {
			kill(pid, SIGUSR1);
			CHECK_EQ(sigtimedwait(&set, &info, &limit), SIGUSR1);
		}
	}
	if (pid == 0)
		_exit(0);
	int status;

	CHECK_EQ(waitpid(pid, &status, 0), pid);
	CHECK_EQ(status, 0);
}

TEST(sigpending_limit_for_realtime)
{
	struct { unsigned long cur, max; } r = { 4, 4 };
	int sig = SIGRTMIN, sent = 0;

	block(sig);
	CHECK_EQ(syscall(SYS_prlimit64, 0, 11 /* RLIMIT_SIGPENDING */, &r, NULL), 0);
	while (sent < 100 && sigqueue(getpid(), sig, (union sigval){ .sival_int = sent }) == 0)
		sent++;
	CHECK_EQ(errno, EAGAIN);
	CHECK(sent <= 4);
}

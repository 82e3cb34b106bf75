/* What a parent learns of its children: wait4, waitid, SIGCHLD, zombies, orphans. */
#include "tests/abi/tap.h"
#include <sys/resource.h>

static pid_t child_exiting(int code)
{
	pid_t pid = fork();

	if (pid == 0)
		_exit(code);
	CHECK(pid > 0);
	return pid;
}
static pid_t child_pausing(void)
{
	pid_t pid = fork();

	if (pid == 0)
		for (;;)
			pause();
	CHECK(pid > 0);
	return pid;
}

TEST(wait_status_of_exit)
{
	int status;
	pid_t pid = child_exiting(0x1ff);

	CHECK_EQ(waitpid(pid, &status, 0), pid);
	CHECK_EQ(status, 0xff00);
}

TEST(wait_status_of_signal)
{
	int status;
	pid_t pid = child_pausing();

	kill(pid, SIGTERM);
	CHECK_EQ(waitpid(pid, &status, 0), pid);
	CHECK_EQ(status, SIGTERM);
}

TEST(wait_nohang)
{
	int status = 77;
	pid_t pid = child_pausing();

	CHECK_EQ(waitpid(pid, &status, WNOHANG), 0);
	CHECK_EQ(status, 77);
	kill(pid, SIGKILL);
	CHECK_EQ(waitpid(pid, &status, 0), pid);
	CHECK_ERRNO(waitpid(pid, &status, WNOHANG), ECHILD);
}

TEST(wait_errors)
{
	int status;
	pid_t pid;

	CHECK_ERRNO(waitpid(-1, &status, 0), ECHILD);
	CHECK_ERRNO(waitpid(1, &status, 0), ECHILD);
	CHECK_ERRNO(waitpid(-1, &status, 0x1000), EINVAL);
	CHECK_ERRNO(waitpid(-1, &status, WEXITED), EINVAL);
	CHECK_ERRNO(waitpid(-2147483647 - 1, &status, 0), ESRCH);
	pid = child_exiting(0);
	sleep_ms(20);
	/* The child is gone all the same. */
	CHECK_ERRNO(syscall(SYS_wait4, pid, (int *)8, 0, NULL), EFAULT);
	CHECK_ERRNO(waitpid(pid, &status, 0), ECHILD);
}

TEST(wait_by_group)
{
	int status;
	pid_t a = fork(), b;

	if (a == 0) {
		setpgid(0, 0);
		_exit(1);
	}
	setpgid(a, a);
	b = child_exiting(2);
	CHECK_EQ(waitpid(-a, &status, 0), a);
	CHECK_EQ(WEXITSTATUS(status), 1);
	CHECK_ERRNO(waitpid(-a, &status, 0), ECHILD);
	CHECK_EQ(waitpid(0, &status, 0), b);
}

TEST(wait_rusage_and_children_times)
{
	struct rusage ru, all;
	int status;
	pid_t pid = fork();

	if (pid == 0) {
		int64_t end = now_ns() + 100000000;

		while (now_ns() < end)
			;
		_exit(0);
	}
	getrusage(RUSAGE_CHILDREN, &all);
	CHECK_EQ(all.ru_utime.tv_sec * 1000000 + all.ru_utime.tv_usec, 0);
	CHECK_EQ(wait4(pid, &status, 0, &ru), pid);
	long used = (ru.ru_utime.tv_sec + ru.ru_stime.tv_sec) * 1000000 + ru.ru_utime.tv_usec + ru.ru_stime.tv_usec;

	CHECK(used > 10000);
	getrusage(RUSAGE_CHILDREN, &all);
	CHECK((all.ru_utime.tv_sec + all.ru_stime.tv_sec) * 1000000 + all.ru_utime.tv_usec + all.ru_stime.tv_usec >=
	      used);
}

TEST(waitid_nowait_leaves_the_zombie)
{
	siginfo_t info;
	pid_t pid = child_exiting(3);

	memset(&info, 0, sizeof(info));
	CHECK_EQ(waitid(P_PID, pid, &info, WEXITED | WNOWAIT), 0);
	CHECK_EQ(info.si_pid, pid);
	CHECK_EQ(info.si_signo, SIGCHLD);
	CHECK_EQ(info.si_code, CLD_EXITED);
	CHECK_EQ(info.si_status, 3);
	CHECK_EQ(info.si_uid, getuid());
	CHECK_EQ(waitid(P_ALL, 0, &info, WEXITED), 0);
	CHECK_EQ(info.si_pid, pid);
	CHECK_ERRNO(waitid(P_ALL, 0, &info, WEXITED), ECHILD);
}

TEST(waitid_nohang_clears_pid)
{
	siginfo_t info;
	pid_t pid = child_pausing();

	info.si_pid = 99;
	info.si_signo = 99;
	CHECK_EQ(waitid(P_PID, pid, &info, WEXITED | WNOHANG), 0);
	CHECK_EQ(info.si_pid, 0);
	CHECK_EQ(info.si_signo, 0);
	kill(pid, SIGKILL);
	CHECK_EQ(waitid(P_PID, pid, &info, WEXITED), 0);
	CHECK_EQ(info.si_code, CLD_KILLED);
	CHECK_EQ(info.si_status, SIGKILL);
}

TEST(waitid_errors)
{
	siginfo_t info;

	CHECK_ERRNO(waitid(P_ALL, 0, &info, 0), EINVAL);
	CHECK_ERRNO(waitid(P_ALL, 0, &info, WNOHANG), EINVAL);
	CHECK_ERRNO(waitid(P_ALL, 0, &info, WEXITED | 0x100), EINVAL);
	CHECK_ERRNO(waitid(17, 0, &info, WEXITED), EINVAL);
	CHECK_ERRNO(waitid(P_PID, 0, &info, WEXITED), EINVAL);
	CHECK_ERRNO(waitid(P_PGID, -1, &info, WEXITED), EINVAL);
	CHECK_ERRNO(waitid(P_ALL, 0, &info, WEXITED), ECHILD);
}

TEST(waitid_exited_is_not_asked_for)
{
	siginfo_t info;
	pid_t pid = child_exiting(0);

	sleep_ms(20);
	CHECK_ERRNO(waitid(P_PID, pid, &info, WSTOPPED | WNOHANG), ECHILD);
	CHECK_EQ(waitid(P_PID, pid, &info, WEXITED), 0);
}

static volatile sig_atomic_t chld_count;
static siginfo_t chld_info;
static void on_chld(int sig, siginfo_t *info, void *ctx)
{
	(void)sig;
	(void)ctx;
	chld_count++;
	chld_info = *info;
}
static void catch_chld(int flags)
{
	struct sigaction sa = { .sa_sigaction = on_chld, .sa_flags = SA_SIGINFO | flags };

	CHECK_EQ(sigaction(SIGCHLD, &sa, NULL), 0);
}

TEST(sigchld_tells_who_and_how)
{
	pid_t pid;

	catch_chld(SA_RESTART);
	pid = child_exiting(4);
	while (!chld_count)
		sleep_ms(5);
	CHECK_EQ(chld_info.si_signo, SIGCHLD);
	CHECK_EQ(chld_info.si_code, CLD_EXITED);
	CHECK_EQ(chld_info.si_pid, pid);
	CHECK_EQ(chld_info.si_status, 4);
	CHECK_EQ(waitpid(pid, NULL, 0), pid);
}

TEST(sigchld_ignored_leaves_no_zombie)
{
	int status;
	pid_t pid;

	signal(SIGCHLD, SIG_IGN);
	pid = child_exiting(0);
	/* Blocks until all children are gone, then says that there are none. */
	CHECK_ERRNO(waitpid(pid, &status, 0), ECHILD);
	/* The number itself may be taken back a moment later, by the child on its own CPU. */
	for (int i = 0; i < 1000 && kill(pid, 0) == 0; i++)
		sleep_ms(1);
	CHECK_ERRNO(kill(pid, 0), ESRCH);
}

TEST(sigchld_nocldwait_signals_but_leaves_no_zombie)
{
	int status;

	catch_chld(SA_NOCLDWAIT | SA_RESTART);
	child_exiting(0);
	CHECK_ERRNO(waitpid(-1, &status, 0), ECHILD);
	CHECK_EQ(chld_count, 1);
}

TEST(sigchld_default_keeps_the_zombie)
{
	int status;
	pid_t pid = child_exiting(0);

	sleep_ms(20);
	CHECK_EQ(kill(pid, 0), 0);
	CHECK_EQ(waitpid(pid, &status, 0), pid);
	CHECK_ERRNO(kill(pid, 0), ESRCH);
}

TEST(orphan_gets_a_new_parent)
{
	int fds[2];
	pid_t pid, ppid;
	char c;

	CHECK_EQ(pipe(fds), 0);
	pid = fork();
	if (pid == 0) {
		if (fork() == 0) {
			pid_t old = getppid();

			while (getppid() == old)
				sleep_ms(2);
			ppid = getppid();
			CHECK_EQ(write(fds[1], &ppid, sizeof(ppid)), sizeof(ppid));
			_exit(0);
		}
		sleep_ms(20);
		_exit(0);
	}
	CHECK_EQ(waitpid(pid, NULL, 0), pid);
	CHECK_EQ(read(fds[0], &ppid, sizeof(ppid)), sizeof(ppid));
	CHECK(ppid != pid && ppid != getpid());
	(void)c;
}

TEST(subreaper_adopts)
{
	int status, found = 0;
	pid_t pid;

	CHECK_EQ(prctl(PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0), 0);
	CHECK_EQ(prctl(PR_GET_CHILD_SUBREAPER, &found, 0, 0, 0), 0);
	CHECK_EQ(found, 1);
	pid = fork();
	if (pid == 0) {
		if (fork() == 0) {
			sleep_ms(40);
			_exit(33);
		}
		_exit(0);
	}
	CHECK_EQ(waitpid(pid, &status, 0), pid);
	CHECK(waitpid(-1, &status, 0) > 0);
	CHECK_EQ(WEXITSTATUS(status), 33);
}

TEST(pdeathsig_when_the_parent_ends)
{
	int fds[2];
	pid_t pid;
	char c = 0;

	CHECK_EQ(pipe(fds), 0);
	pid = fork();
	if (pid == 0) {
		if (fork() == 0) {
			sigset_t set;
			int sig = 0;

			sigemptyset(&set);
			sigaddset(&set, SIGUSR1);
			sigprocmask(SIG_BLOCK, &set, NULL);
			prctl(PR_SET_PDEATHSIG, SIGUSR1, 0, 0, 0);
			CHECK_EQ(write(fds[1], "r", 1), 1);
			sigwait(&set, &sig);
			c = (char)sig;
			CHECK_EQ(write(fds[1], &c, 1), 1);
			_exit(0);
		}
		/* Until the grandchild is ready. */
		struct pollfd p = { .fd = fds[0], .events = POLLIN };

		poll(&p, 1, -1);
		_exit(0);
	}
	CHECK_EQ(waitpid(pid, NULL, 0), pid);
	CHECK_EQ(read(fds[0], &c, 1), 1);
	CHECK_EQ(read(fds[0], &c, 1), 1);
	CHECK_EQ(c, SIGUSR1);
}

static void *reap(void *arg)
{
	int status;

	return (void *)(long)(waitpid(*(pid_t *)arg, &status, 0) == *(pid_t *)arg);
}

TEST(any_thread_may_wait)
{
	pid_t pid = child_exiting(0);
	pthread_t t;
	void *ret;

	CHECK_EQ(pthread_create(&t, NULL, reap, &pid), 0);
	pthread_join(t, &ret);
	CHECK_EQ((long)ret, 1);
}

static void *wait_forever(void *arg)
{
	int status;

	waitpid(*(pid_t *)arg, &status, 0);
	return NULL;
}

TEST(wait_is_interrupted_by_a_handler)
{
	pid_t pid;
	int status;
	struct itimerval it = { .it_value = { 0, 20000 } };

	catch_chld(0);
	struct sigaction sa = { .sa_sigaction = on_chld };

	sigaction(SIGALRM, &sa, NULL);
	pid = child_pausing();
	setitimer(ITIMER_REAL, &it, NULL);
	CHECK_ERRNO(waitpid(pid, &status, 0), EINTR);
	kill(pid, SIGKILL);
	(void)wait_forever;
}

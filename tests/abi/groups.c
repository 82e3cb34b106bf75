/* Process groups, sessions, job control: setpgid, setsid, stopping and continuing. */
#include "tests/abi/tap.h"

static pid_t child_pausing(void)
{
	pid_t pid = fork();

	if (pid == 0)
		for (;;)
			pause();
	CHECK(pid > 0);
	return pid;
}
static void end(pid_t pid)
{
	kill(pid, SIGKILL);
	CHECK_EQ(waitpid(pid, NULL, 0), pid);
}

TEST(setpgid_makes_and_joins_groups)
{
	pid_t a = child_pausing(), b = child_pausing();

	CHECK_EQ(getpgid(a), getpgrp());
	CHECK_EQ(setpgid(a, 0), 0);
	CHECK_EQ(getpgid(a), a);
	CHECK_EQ(setpgid(b, a), 0);
	CHECK_EQ(getpgid(b), a);
	CHECK_EQ(setpgid(b, b), 0);
	CHECK_EQ(getsid(a), getsid(0));
	end(a);
	end(b);
}

TEST(setpgid_errors)
{
	pid_t a = child_pausing();

	CHECK_ERRNO(setpgid(a, -1), EINVAL);
	CHECK_ERRNO(setpgid(999999, 0), ESRCH);
	CHECK_ERRNO(setpgid(getppid(), 0), ESRCH);
	CHECK_ERRNO(setpgid(a, 1999999), EPERM);
	CHECK_ERRNO(getpgid(999999), ESRCH);
	CHECK_ERRNO(getsid(999999), ESRCH);
	end(a);
}

TEST(setpgid_after_exec_is_refused)
{
	int fds[2];
	char c;
	pid_t pid;

	CHECK_EQ(pipe(fds), 0);
	pid = fork();
	if (pid == 0) {
		char *const args[] = { "self", "--list", NULL };

		dup2(fds[1], 1);
		execv("/proc/self/exe", args);
		_exit(1);
	}
	CHECK_EQ(read(fds[0], &c, 1), 1);
	CHECK_ERRNO(setpgid(pid, pid), EACCES);
	CHECK_EQ(waitpid(pid, NULL, 0), pid);
}

TEST(setsid_makes_a_session)
{
	pid_t pid = fork();
	int status;

	if (pid == 0) {
		CHECK_EQ(setsid(), getpid());
		CHECK_EQ(getsid(0), getpid());
		CHECK_EQ(getpgrp(), getpid());
		CHECK_ERRNO(setsid(), EPERM);
		CHECK_ERRNO(setpgid(0, 0), EPERM);
		_exit(0);
	}
	CHECK_EQ(waitpid(pid, &status, 0), pid);
	CHECK_EQ(status, 0);
}

TEST(setsid_of_a_group_leader_is_refused)
{
	/* The case itself leads its group. */
	CHECK_EQ(getpgrp(), getpid());
	CHECK_ERRNO(setsid(), EPERM);
}

TEST(setpgid_child_in_another_session)
{
	int fds[2];
	char c;
	pid_t pid;

	CHECK_EQ(pipe(fds), 0);
	pid = fork();
	if (pid == 0) {
		setsid();
		CHECK_EQ(write(fds[1], "x", 1), 1);
		pause();
	}
	CHECK_EQ(read(fds[0], &c, 1), 1);
	CHECK_ERRNO(setpgid(pid, pid), EPERM);
	end(pid);
}

TEST(kill_reaches_the_whole_group)
{
	pid_t a = child_pausing(), b = child_pausing();
	int status;

	CHECK_EQ(setpgid(a, a), 0);
	CHECK_EQ(setpgid(b, a), 0);
	CHECK_EQ(kill(-a, SIGUSR1), 0);
	CHECK_EQ(waitpid(a, &status, 0), a);
	CHECK_EQ(status, SIGUSR1);
	CHECK_EQ(waitpid(b, &status, 0), b);
	CHECK_EQ(status, SIGUSR1);
	CHECK_ERRNO(kill(-a, SIGUSR1), ESRCH);
}

TEST(stop_and_continue_are_reported)
{
	pid_t pid = child_pausing();
	int status;

	CHECK_EQ(kill(pid, SIGSTOP), 0);
	CHECK_EQ(waitpid(pid, &status, WUNTRACED), pid);
	CHECK(WIFSTOPPED(status));
	CHECK_EQ(WSTOPSIG(status), SIGSTOP);
	/* Once. */
	CHECK_EQ(waitpid(pid, &status, WUNTRACED | WNOHANG), 0);
	CHECK_EQ(kill(pid, SIGCONT), 0);
	CHECK_EQ(waitpid(pid, &status, WCONTINUED), pid);
	CHECK(WIFCONTINUED(status));
	CHECK_EQ(waitpid(pid, &status, WCONTINUED | WNOHANG), 0);
	end(pid);
}

TEST(stop_is_reported_by_waitid)
{
	pid_t pid = child_pausing();
	siginfo_t info;

	kill(pid, SIGSTOP);
	CHECK_EQ(waitid(P_PID, pid, &info, WSTOPPED | WNOWAIT), 0);
	CHECK_EQ(info.si_code, CLD_STOPPED);
	CHECK_EQ(info.si_status, SIGSTOP);
	CHECK_EQ(waitid(P_PID, pid, &info, WSTOPPED), 0);
	kill(pid, SIGCONT);
	CHECK_EQ(waitid(P_PID, pid, &info, WCONTINUED), 0);
	CHECK_EQ(info.si_code, CLD_CONTINUED);
	CHECK_EQ(info.si_status, SIGCONT);
	end(pid);
}

TEST(stopped_process_does_not_run)
{
	volatile int *word = mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	pid_t pid = fork();
	int status, seen;

	if (pid == 0)
		for (;;)
			(*word)++;
	sleep_ms(20);
	kill(pid, SIGSTOP);
	CHECK_EQ(waitpid(pid, &status, WUNTRACED), pid);
	seen = *word;
	sleep_ms(30);
	CHECK_EQ(*word, seen);
	kill(pid, SIGCONT);
	while (*word == seen)
		sleep_ms(1);
	end(pid);
}

TEST(stopped_process_can_be_killed)
{
	pid_t pid = child_pausing();
	int status;

	kill(pid, SIGSTOP);
	CHECK_EQ(waitpid(pid, &status, WUNTRACED), pid);
	kill(pid, SIGTERM); /* waits until it goes on */
	CHECK_EQ(waitpid(pid, &status, WNOHANG), 0);
	kill(pid, SIGKILL);
	CHECK_EQ(waitpid(pid, &status, 0), pid);
	CHECK_EQ(WTERMSIG(status), SIGKILL);
}

TEST(sigcont_delivers_what_waited)
{
	pid_t pid = child_pausing();
	int status;

	kill(pid, SIGSTOP);
	CHECK_EQ(waitpid(pid, &status, WUNTRACED), pid);
	kill(pid, SIGTERM);
	kill(pid, SIGCONT);
	CHECK_EQ(waitpid(pid, &status, 0), pid);
	CHECK_EQ(WTERMSIG(status), SIGTERM);
}

TEST(sigcont_cancels_a_pending_stop)
{
	sigset_t set, pending;

	sigemptyset(&set);
	sigaddset(&set, SIGTSTP);
	sigaddset(&set, SIGCONT);
	sigprocmask(SIG_BLOCK, &set, NULL);
	raise(SIGTSTP);
	sigpending(&pending);
	CHECK(sigismember(&pending, SIGTSTP));
	raise(SIGCONT);
	sigpending(&pending);
	CHECK(!sigismember(&pending, SIGTSTP));
	CHECK(sigismember(&pending, SIGCONT));
	raise(SIGTSTP);
	sigpending(&pending);
	CHECK(!sigismember(&pending, SIGCONT));
}

static void *spin(void *arg)
{
	for (;;)
		(*(volatile int *)arg)++;
	return NULL;
}

TEST(stop_stops_every_thread)
{
	volatile int *word = mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	pid_t pid = fork();
	int status, a, b;

	if (pid == 0) {
		pthread_t t;

		pthread_create(&t, NULL, spin, (void *)&word[0]);
		pthread_create(&t, NULL, spin, (void *)&word[1]);
		for (;;)
			pause();
	}
	while (!word[0] || !word[1])
		sleep_ms(1);
	kill(pid, SIGSTOP);
	CHECK_EQ(waitpid(pid, &status, WUNTRACED), pid);
	a = word[0];
	b = word[1];
	sleep_ms(30);
	CHECK(a == word[0] && b == word[1]);
	kill(pid, SIGCONT);
	while (a == word[0] || b == word[1])
		sleep_ms(1);
	end(pid);
}

static volatile sig_atomic_t got_chld, got_code;
static void on_chld(int sig, siginfo_t *info, void *ctx)
{
	(void)sig;
	(void)ctx;
	got_chld++;
	got_code = info->si_code;
}

TEST(sigchld_for_stop_unless_nocldstop)
{
	struct sigaction sa = { .sa_sigaction = on_chld, .sa_flags = SA_SIGINFO | SA_RESTART };
	pid_t pid;
	int status;

	sigaction(SIGCHLD, &sa, NULL);
	pid = child_pausing();
	kill(pid, SIGSTOP);
	CHECK_EQ(waitpid(pid, &status, WUNTRACED), pid);
	while (!got_chld)
		sleep_ms(1);
	CHECK_EQ(got_code, CLD_STOPPED);
	kill(pid, SIGCONT);
	while (got_chld < 2)
		sleep_ms(1);
	CHECK_EQ(got_code, CLD_CONTINUED);
	sa.sa_flags |= SA_NOCLDSTOP;
	sigaction(SIGCHLD, &sa, NULL);
	kill(pid, SIGSTOP);
	CHECK_EQ(waitpid(pid, &status, WUNTRACED), pid);
	sleep_ms(10);
	CHECK_EQ(got_chld, 2);
	end(pid);
	CHECK_EQ(got_chld, 3);
}

static volatile sig_atomic_t hups, conts;
static void on_hup(int sig) { (void)sig; hups++; }
static void on_cont(int sig) { (void)sig; conts++; }

/* POSIX: when the last tie of a group to its session goes and it has a stopped member, it gets SIGHUP and SIGCONT. */
TEST(orphaned_group_with_stopped_member_is_hung_up)
{
	int fds[2];
	char c = 0;
	pid_t leader;

	CHECK_EQ(pipe(fds), 0);
	leader = fork();
	if (leader == 0) {
		pid_t job = fork();

		if (job == 0) {
			setpgid(0, 0);
			signal(SIGHUP, on_hup);
			signal(SIGCONT, on_cont);
			CHECK_EQ(write(fds[1], "r", 1), 1);
			raise(SIGSTOP);
			while (!hups || !conts)
				sleep_ms(1);
			CHECK_EQ(write(fds[1], "h", 1), 1);
			_exit(0);
		}
		setpgid(job, job);
		CHECK_EQ(waitpid(job, NULL, WUNTRACED), job);
		_exit(0);
	}
	CHECK_EQ(waitpid(leader, NULL, 0), leader);
	CHECK_EQ(read(fds[0], &c, 1), 1);
	CHECK_EQ(read(fds[0], &c, 1), 1);
	CHECK_EQ(c, 'h');
}

TEST(tty_stop_does_nothing_in_an_orphaned_group)
{
	pid_t pid = fork();
	int status;

	if (pid == 0) {
		setsid(); /* its group has no tie to anybody */
		raise(SIGTSTP);
		_exit(6);
	}
	CHECK_EQ(waitpid(pid, &status, WUNTRACED), pid);
	CHECK(WIFEXITED(status));
	CHECK_EQ(WEXITSTATUS(status), 6);
}

/* Descriptors that stand for processes: pidfd_open, CLONE_PIDFD, polling, signalling, waiting. */
#include "tests/abi/tap.h"
#include <sys/epoll.h>

enum { NR_pidfd_send_signal = 424, NR_pidfd_open = 434, NR_pidfd_getfd = 438 };
#ifndef CLONE_PIDFD
#define CLONE_PIDFD 0x1000
#endif

static int pidfd_open(pid_t pid, unsigned flags) { return (int)syscall(NR_pidfd_open, pid, flags); }
static long send_signal(int fd, int sig, siginfo_t *info, unsigned flags)
{
	return syscall(NR_pidfd_send_signal, fd, sig, info, flags);
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
static bool readable(int fd, int timeout_ms)
{
	struct pollfd p = { .fd = fd, .events = POLLIN };

	return poll(&p, 1, timeout_ms) == 1 && p.revents & POLLIN;
}

TEST(open_errors)
{
	CHECK_ERRNO(pidfd_open(0, 0), EINVAL);
	CHECK_ERRNO(pidfd_open(-1, 0), EINVAL);
	CHECK_ERRNO(pidfd_open(getpid(), 1 << 20), EINVAL);
	CHECK_ERRNO(pidfd_open(999999, 0), ESRCH);
}

TEST(is_close_on_exec)
{
	int fd = pidfd_open(getpid(), 0);

	CHECK(fd >= 0);
	CHECK_EQ(fcntl(fd, F_GETFD), FD_CLOEXEC);
	CHECK_ERRNO(read(fd, &fd, 4), EINVAL);
}

TEST(becomes_readable_when_the_process_ends)
{
	pid_t pid = child_pausing();
	int fd = pidfd_open(pid, 0), ep = epoll_create1(0);
	struct epoll_event e = { .events = EPOLLIN };

	CHECK(fd >= 0);
	CHECK(!readable(fd, 0));
	CHECK_EQ(epoll_ctl(ep, EPOLL_CTL_ADD, fd, &e), 0);
	CHECK_EQ(epoll_wait(ep, &e, 1, 0), 0);
	CHECK_EQ(send_signal(fd, SIGTERM, NULL, 0), 0);
	CHECK_EQ(epoll_wait(ep, &e, 1, 5000), 1);
	CHECK(e.events & EPOLLIN);
	CHECK(readable(fd, 0));
	CHECK_EQ(waitpid(pid, NULL, 0), pid);
	CHECK(readable(fd, 0));
	CHECK_ERRNO(send_signal(fd, 0, NULL, 0), ESRCH);
}

static void *sleep_forever(void *arg) { for (;;) pause(); return arg; }
static void *exec_self(void *arg)
{
	char *const argv[] = { "self", "no-such-case", NULL };

	sleep_ms(20);
	execv("/proc/self/exe", argv);
	return arg;
}

TEST(stays_with_the_process_over_exec_by_a_thread)
{
	pid_t pid = fork();
	int fd;

	if (pid == 0) {
		pthread_t t;

		close(1);
		open("/dev/null", O_WRONLY);
		pthread_create(&t, NULL, sleep_forever, NULL);
		pthread_create(&t, NULL, exec_self, NULL);
		for (;;)
			pause();
	}
	fd = pidfd_open(pid, 0);
	CHECK(fd >= 0);
	/* Ready only when the new program has ended, too. */
	CHECK(readable(fd, 10000));
	CHECK_EQ(waitpid(pid, NULL, WNOHANG), pid);
}

TEST(send_signal_checks)
{
	pid_t pid = child_pausing();
	int fd = pidfd_open(pid, 0);
	siginfo_t info = { .si_signo = SIGUSR1, .si_code = SI_USER };

	CHECK_ERRNO(send_signal(0, 0, NULL, 0), EBADF);
	CHECK_ERRNO(send_signal(999, 0, NULL, 0), EBADF);
	CHECK_ERRNO(send_signal(fd, 0, NULL, 1 << 20), EINVAL);
	CHECK_ERRNO(send_signal(fd, 65, NULL, 0), EINVAL);
	CHECK_ERRNO(send_signal(fd, SIGUSR1, &info, 0), EPERM);
	CHECK_EQ(send_signal(fd, 0, NULL, 0), 0);
	info.si_code = SI_QUEUE;
	CHECK_EQ(send_signal(fd, SIGUSR1, &info, 0), 0);
	CHECK_EQ(waitpid(pid, NULL, 0), pid);
}

TEST(waitid_by_descriptor)
{
	siginfo_t info;
	pid_t pid = fork();
	int fd;

	if (pid == 0)
		_exit(17);
	fd = pidfd_open(pid, 0);
	CHECK_EQ(waitid(P_PIDFD, (id_t)fd, &info, WEXITED), 0);
	CHECK_EQ(info.si_pid, pid);
	CHECK_EQ(info.si_status, 17);
	CHECK_ERRNO(waitid(P_PIDFD, (id_t)fd, &info, WEXITED), ECHILD);
	CHECK_ERRNO(waitid(P_PIDFD, 999, &info, WEXITED), EBADF);
	pid = child_pausing();
	fd = pidfd_open(pid, O_NONBLOCK);
	CHECK_ERRNO(waitid(P_PIDFD, (id_t)fd, &info, WEXITED), EAGAIN);
	CHECK_EQ(waitid(P_PIDFD, (id_t)fd, &info, WEXITED | WNOHANG), 0);
	kill(pid, SIGKILL);
	CHECK(readable(fd, 5000));
	CHECK_EQ(waitid(P_PIDFD, (id_t)fd, &info, WEXITED), 0);
}

TEST(clone_with_pidfd)
{
	int fd = -1;
	long pid = syscall(SYS_clone, CLONE_PIDFD | SIGCHLD, NULL, &fd, NULL, 0);

	if (pid == 0)
		_exit(0);
	CHECK(pid > 0);
	CHECK(fd > 2);
	CHECK(readable(fd, 5000));
	CHECK_EQ(waitpid((pid_t)pid, NULL, 0), pid);
	CHECK_ERRNO(syscall(SYS_clone, CLONE_PIDFD | CLONE_PARENT_SETTID | SIGCHLD, NULL, &fd, NULL, 0), EINVAL);
	CHECK_ERRNO(syscall(SYS_clone, CLONE_PIDFD | SIGCHLD, NULL, 8, NULL, 0), EFAULT);
	CHECK_ERRNO(waitpid(-1, NULL, 0), ECHILD);
}

TEST(getfd_takes_a_descriptor)
{
	int fds[2], fd, mine;
	pid_t pid;
	char c = 0;

	CHECK_EQ(pipe(fds), 0);
	pid = child_pausing();
	close(fds[1]);
	fd = pidfd_open(pid, 0);
	mine = (int)syscall(NR_pidfd_getfd, fd, fds[1], 0);
	CHECK(mine >= 0);
	CHECK_EQ(fcntl(mine, F_GETFD), FD_CLOEXEC);
	CHECK_EQ(write(mine, "y", 1), 1);
	CHECK_EQ(read(fds[0], &c, 1), 1);
	CHECK_EQ(c, 'y');
	CHECK_ERRNO(syscall(NR_pidfd_getfd, fd, 900, 0), EBADF);
	CHECK_ERRNO(syscall(NR_pidfd_getfd, fd, 0, 1), EINVAL);
	CHECK_ERRNO(syscall(NR_pidfd_getfd, 0, 0, 0), EBADF);
	kill(pid, SIGKILL);
	CHECK_EQ(waitpid(pid, NULL, 0), pid);
	CHECK_ERRNO(syscall(NR_pidfd_getfd, fd, 0, 0), ESRCH);
}

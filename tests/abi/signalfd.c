/* signalfd: signals that are read. */
#include "tests/abi/tap.h"
#include <sys/epoll.h>
#include <sys/signalfd.h>

static int blocked_fd(int sig, int flags)
{
	sigset_t set;

	sigemptyset(&set);
	sigaddset(&set, sig);
	sigprocmask(SIG_BLOCK, &set, NULL);
	return signalfd(-1, &set, flags);
}

TEST(signalfd_reads_a_pending_signal)
{
	struct signalfd_siginfo i;
	int fd = blocked_fd(SIGUSR1, 0);

	CHECK(fd >= 0);
	kill(getpid(), SIGUSR1);
	CHECK_EQ(sizeof(i), 128);
	CHECK_EQ(read(fd, &i, sizeof(i)), sizeof(i));
	CHECK_EQ(i.ssi_signo, SIGUSR1);
	CHECK_EQ(i.ssi_code, SI_USER);
	CHECK_EQ(i.ssi_pid, getpid());
	CHECK_EQ(i.ssi_uid, getuid());
}

TEST(signalfd_takes_the_signal_off_the_pending_set)
{
	struct signalfd_siginfo i;
	int fd = blocked_fd(SIGUSR1, SFD_NONBLOCK);
	sigset_t pending;

	kill(getpid(), SIGUSR1);
	CHECK_EQ(read(fd, &i, sizeof(i)), sizeof(i));
	sigpending(&pending);
	CHECK(!sigismember(&pending, SIGUSR1));
	CHECK_ERRNO(read(fd, &i, sizeof(i)), EAGAIN);
}

TEST(signalfd_ignores_other_signals)
{
	struct signalfd_siginfo i;
	int fd = blocked_fd(SIGUSR1, SFD_NONBLOCK);
	sigset_t set;

	sigemptyset(&set);
	sigaddset(&set, SIGUSR2);
	sigprocmask(SIG_BLOCK, &set, NULL);
	kill(getpid(), SIGUSR2);
	CHECK_ERRNO(read(fd, &i, sizeof(i)), EAGAIN);
}

TEST(signalfd_read_sleeps_until_a_signal_comes)
{
	struct signalfd_siginfo i;
	int fd = blocked_fd(SIGUSR1, 0);
	pid_t parent = getpid();

	if (fork() == 0) {
		sleep_ms(50);
		_exit(kill(parent, SIGUSR1));
	}
	CHECK_EQ(read(fd, &i, sizeof(i)), sizeof(i));
	CHECK_EQ(i.ssi_signo, SIGUSR1);
	CHECK(i.ssi_pid != (uint32_t)parent);
}

TEST(signalfd_reads_several_at_once)
{
	struct signalfd_siginfo i[4];
	sigset_t set;
	int fd;

	sigemptyset(&set);
	sigaddset(&set, SIGUSR1);
	sigaddset(&set, SIGUSR2);
	sigprocmask(SIG_BLOCK, &set, NULL);
	fd = signalfd(-1, &set, 0);
	kill(getpid(), SIGUSR2);
	kill(getpid(), SIGUSR1);
	CHECK_EQ(read(fd, i, sizeof(i)), 2 * sizeof(i[0]));
	CHECK_EQ(i[0].ssi_signo, SIGUSR1);
	CHECK_EQ(i[1].ssi_signo, SIGUSR2);
}

TEST(signalfd_realtime_signals_queue_with_their_values)
{
	struct signalfd_siginfo i;
	int fd = blocked_fd(SIGRTMIN, 0);

	for (int n = 1; n <= 3; n++)
		CHECK_EQ(sigqueue(getpid(), SIGRTMIN, (union sigval){ .sival_int = n }), 0);
	for (int n = 1; n <= 3; n++) {
		CHECK_EQ(read(fd, &i, sizeof(i)), sizeof(i));
		CHECK_EQ(i.ssi_code, SI_QUEUE);
		CHECK_EQ(i.ssi_int, n);
	}
}

TEST(signalfd_child_status)
{
	struct signalfd_siginfo i;
	int fd = blocked_fd(SIGCHLD, 0);
	pid_t pid = fork();

	if (pid == 0)
		_exit(42);
	CHECK_EQ(read(fd, &i, sizeof(i)), sizeof(i));
	CHECK_EQ(i.ssi_signo, SIGCHLD);
	CHECK_EQ(i.ssi_code, CLD_EXITED);
	CHECK_EQ(i.ssi_status, 42);
	CHECK_EQ(i.ssi_pid, pid);
}

TEST(signalfd_short_buffer_is_einval)
{
	char c[127];

	CHECK_ERRNO(read(blocked_fd(SIGUSR1, 0), c, sizeof(c)), EINVAL);
}

TEST(signalfd_poll)
{
	int fd = blocked_fd(SIGUSR1, 0);
	struct pollfd p = { .fd = fd, .events = POLLIN };

	CHECK_EQ(poll(&p, 1, 0), 0);
	kill(getpid(), SIGUSR1);
	CHECK_EQ(poll(&p, 1, 0), 1);
	CHECK_EQ(p.revents, POLLIN);
}

TEST(signalfd_poll_is_woken)
{
	int fd = blocked_fd(SIGUSR1, 0);
	struct pollfd p = { .fd = fd, .events = POLLIN };
	pid_t parent = getpid();

	if (fork() == 0) {
		sleep_ms(50);
		_exit(kill(parent, SIGUSR1));
	}
	CHECK_EQ(poll(&p, 1, 10000), 1);
}

TEST(signalfd_epoll)
{
	struct epoll_event e = { .events = EPOLLIN };
	int fd = blocked_fd(SIGUSR1, 0), ep = epoll_create1(0);
	pid_t parent = getpid();

	CHECK_EQ(epoll_ctl(ep, EPOLL_CTL_ADD, fd, &e), 0);
	CHECK_EQ(epoll_wait(ep, &e, 1, 0), 0);
	if (fork() == 0) {
		sleep_ms(50);
		_exit(kill(parent, SIGUSR1));
	}
	CHECK_EQ(epoll_wait(ep, &e, 1, 10000), 1);
}

TEST(signalfd_in_an_epoll_outlives_the_process_that_added_it)
{
	int fd = blocked_fd(SIGUSR1, 0), ep = epoll_create1(0), status;
	struct epoll_event e = { .events = EPOLLIN };

	if (fork() == 0)
		_exit(epoll_ctl(ep, EPOLL_CTL_ADD, fd, &e) != 0);
	CHECK(wait(&status) > 0 && status == 0);
	CHECK_EQ(epoll_wait(ep, &e, 1, 0), 0);
	close(fd);
	CHECK_EQ(epoll_wait(ep, &e, 1, 0), 0);
	close(ep);
}

TEST(signalfd_mask_can_be_changed)
{
	struct signalfd_siginfo i;
	int fd = blocked_fd(SIGUSR1, SFD_NONBLOCK);
	sigset_t set;

	sigemptyset(&set);
	sigaddset(&set, SIGUSR2);
	sigprocmask(SIG_BLOCK, &set, NULL);
	kill(getpid(), SIGUSR1);
	kill(getpid(), SIGUSR2);
	CHECK_EQ(signalfd(fd, &set, 0), fd);
	CHECK_EQ(read(fd, &i, sizeof(i)), sizeof(i));
	CHECK_EQ(i.ssi_signo, SIGUSR2);
	CHECK_ERRNO(read(fd, &i, sizeof(i)), EAGAIN);
}

TEST(signalfd_kill_and_stop_are_silently_left_out)
{
	sigset_t set;

	sigfillset(&set);
	CHECK(signalfd(-1, &set, 0) >= 0);
}

TEST(signalfd_errors)
{
	sigset_t set;

	sigemptyset(&set);
	CHECK_ERRNO(syscall(SYS_signalfd4, -1, &set, 4, 0), EINVAL);
	CHECK_ERRNO(syscall(SYS_signalfd4, -1, 8, 8, 0), EFAULT);
	CHECK_ERRNO(syscall(SYS_signalfd4, -1, &set, 8, 1), EINVAL);
	CHECK_ERRNO(syscall(SYS_signalfd4, 999, &set, 8, 0), EBADF);
	CHECK_ERRNO(syscall(SYS_signalfd4, 0, &set, 8, 0), EINVAL);
}

TEST(signalfd_flags)
{
	int fd = blocked_fd(SIGUSR1, SFD_CLOEXEC | SFD_NONBLOCK);

	CHECK_EQ(fcntl(fd, F_GETFD), FD_CLOEXEC);
	CHECK_EQ(fcntl(fd, F_GETFL), O_RDWR | O_NONBLOCK);
}

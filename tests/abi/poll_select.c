/* poll, ppoll, select, pselect6. */
#include "tests/abi/tap.h"
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <sys/resource.h>
#include <sys/select.h>

static void handler(int sig) { (void)sig; }
static void on_alarm(int ms, int flags)
{
	struct sigaction sa = { .sa_handler = handler, .sa_flags = flags };
	struct itimerval it = { .it_value = { ms / 1000, ms % 1000 * 1000 } };

	sigaction(SIGALRM, &sa, NULL);
	setitimer(ITIMER_REAL, &it, NULL);
}

TEST(poll_counts_ready_descriptors)
{
	struct pollfd p[3] = { { eventfd(1, 0), POLLIN, 0 }, { eventfd(0, 0), POLLIN, -1 },
			       { eventfd(0, 0), POLLOUT, 0 } };

	CHECK_EQ(poll(p, 3, 0), 2);
	CHECK_EQ(p[0].revents, POLLIN);
	CHECK_EQ(p[1].revents, 0);
	CHECK_EQ(p[2].revents, POLLOUT);
}

TEST(poll_negative_fd_is_ignored)
{
	struct pollfd p = { -5, POLLIN, 77 };

	CHECK_EQ(poll(&p, 1, 0), 0);
	CHECK_EQ(p.revents, 0);
}

TEST(poll_closed_fd_is_pollnval)
{
	struct pollfd p = { 99, POLLIN, 0 };

	CHECK_EQ(poll(&p, 1, -1), 1);
	CHECK_EQ(p.revents, POLLNVAL);
}

TEST(poll_hangup_is_unasked)
{
	int pip[2];

	CHECK_EQ(pipe(pip), 0);
	struct pollfd p = { pip[0], 0, 0 };

	CHECK_EQ(poll(&p, 1, 0), 0);
	close(pip[1]);
	CHECK_EQ(poll(&p, 1, 0), 1);
	CHECK_EQ(p.revents, POLLHUP);
}

TEST(poll_regular_file_is_always_ready)
{
	struct pollfd p = { open("/tmp", O_RDONLY), POLLIN | POLLOUT, 0 };

	CHECK_EQ(poll(&p, 1, -1), 1);
	CHECK_EQ(p.revents, POLLIN | POLLOUT);
}

TEST(poll_is_woken)
{
	int fd = eventfd(0, 0);
	struct pollfd p = { fd, POLLIN, 0 };

	if (fork() == 0) {
		sleep_ms(50);
		_exit(eventfd_write(fd, 1));
	}
	CHECK_EQ(poll(&p, 1, 10000), 1);
}

TEST(poll_many_descriptors_last_one_wakes)
{
	struct pollfd p[150];
	int fd = -1;

	for (int i = 0; i < 150; i++)
		p[i] = (struct pollfd){ fd = eventfd(0, 0), POLLIN, 0 };
	if (fork() == 0) {
		sleep_ms(50);
		_exit(eventfd_write(fd, 1));
	}
	CHECK_EQ(poll(p, 150, 10000), 1);
	CHECK_EQ(p[149].revents, POLLIN);
}

TEST(poll_timeout_is_never_early)
{
	for (int ms = 1; ms < 20; ms++) {
		int64_t t = now_ns();

		CHECK_EQ(poll(NULL, 0, ms), 0);
		CHECK(now_ns() - t >= ms * 1000000LL);
	}
}

TEST(poll_more_than_rlimit_nofile_is_einval)
{
	struct rlimit lim = { 4, 4 };
	struct pollfd p[5] = { 0 };

	CHECK_EQ(setrlimit(RLIMIT_NOFILE, &lim), 0);
	CHECK_ERRNO(poll(p, 5, 0), EINVAL);
	CHECK(poll(p, 4, 0) >= 0);
}

TEST(poll_bad_pointer_is_efault)
{
	CHECK_ERRNO(syscall(SYS_poll, 8, 1, 0), EFAULT);
}

TEST(poll_handler_interrupts_even_with_sa_restart)
{
	on_alarm(50, SA_RESTART);
	CHECK_ERRNO(poll(NULL, 0, -1), EINTR);
}

TEST(poll_is_restarted_after_stop_and_continue)
{
	int64_t t = now_ns();
	int status;
	pid_t pid = fork();

	if (pid == 0)
		_exit(poll(NULL, 0, 300) != 0);
	sleep_ms(50);
	kill(pid, SIGSTOP);
	sleep_ms(50);
	kill(pid, SIGCONT);
	CHECK(waitpid(pid, &status, 0) == pid && status == 0);
	CHECK(now_ns() - t >= 300000000LL);
}

TEST(poll_same_fd_twice)
{
	int fd = eventfd(1, 0);
	struct pollfd p[2] = { { fd, POLLIN, 0 }, { fd, POLLOUT, 0 } };

	CHECK_EQ(poll(p, 2, 0), 2);
	CHECK_EQ(p[0].revents, POLLIN);
	CHECK_EQ(p[1].revents, POLLOUT);
}

TEST(ppoll_writes_back_the_time_left)
{
	struct pollfd p = { eventfd(1, 0), POLLIN, 0 };
	struct timespec ts = { 100, 0 };

	CHECK_EQ(syscall(SYS_ppoll, &p, 1, &ts, NULL, 8), 1);
	CHECK(ts.tv_sec < 100 && ts.tv_sec > 50);
	ts = (struct timespec){ 0, 1000 };
	p.fd = -1;
	CHECK_EQ(syscall(SYS_ppoll, &p, 1, &ts, NULL, 8), 0);
	CHECK_EQ(ts.tv_sec, 0);
	CHECK_EQ(ts.tv_nsec, 0);
}

TEST(ppoll_readonly_timeout_is_no_error)
{
	struct timespec *ts = mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	struct pollfd p = { eventfd(1, 0), POLLIN, 0 };

	ts->tv_sec = 5;
	CHECK_EQ(mprotect(ts, 4096, PROT_READ), 0);
	CHECK_EQ(syscall(SYS_ppoll, &p, 1, ts, NULL, 8), 1);
}

TEST(ppoll_swaps_the_mask)
{
	sigset_t block, none, now;
	struct sigaction sa = { .sa_handler = handler };

	sigaction(SIGUSR1, &sa, NULL);
	sigemptyset(&none);
	sigemptyset(&block);
	sigaddset(&block, SIGUSR1);
	sigprocmask(SIG_BLOCK, &block, NULL);
	raise(SIGUSR1);
	CHECK_EQ(poll(NULL, 0, 10), 0);
	CHECK_ERRNO(ppoll(NULL, 0, NULL, &none), EINTR);
	sigprocmask(SIG_BLOCK, NULL, &now);
	CHECK(sigismember(&now, SIGUSR1));
}

TEST(ppoll_checks_its_arguments)
{
	struct timespec bad = { 0, -1 };
	sigset_t none;

	sigemptyset(&none);
	CHECK_ERRNO(syscall(SYS_ppoll, NULL, 0, &bad, NULL, 8), EINVAL);
	CHECK_ERRNO(syscall(SYS_ppoll, NULL, 0, 8, NULL, 8), EFAULT);
	CHECK_ERRNO(syscall(SYS_ppoll, NULL, 0, NULL, &none, 4), EINVAL);
}

TEST(select_reports_each_set)
{
	int in = eventfd(1, 0), idle = eventfd(0, 0), n = idle + 1;
	struct timeval tv = { 0, 0 };
	fd_set r, w;

	FD_ZERO(&r);
	FD_ZERO(&w);
	FD_SET(in, &r);
	FD_SET(idle, &r);
	FD_SET(idle, &w);
	CHECK_EQ(select(n, &r, &w, NULL, &tv), 2);
	CHECK(FD_ISSET(in, &r) && !FD_ISSET(idle, &r) && FD_ISSET(idle, &w));
}

TEST(select_one_fd_in_two_sets_counts_twice)
{
	int fd = eventfd(1, 0);
	struct timeval tv = { 0, 0 };
	fd_set r, w;

	FD_ZERO(&r);
	FD_ZERO(&w);
	FD_SET(fd, &r);
	FD_SET(fd, &w);
	CHECK_EQ(select(fd + 1, &r, &w, NULL, &tv), 2);
}

TEST(select_closed_fd_is_ebadf)
{
	struct timeval tv = { 0, 0 };
	fd_set r;

	FD_ZERO(&r);
	FD_SET(50, &r);
	CHECK_ERRNO(select(51, &r, NULL, NULL, &tv), EBADF);
	/* The set is as it was. */
	CHECK(FD_ISSET(50, &r));
}

TEST(select_bits_beyond_n_do_not_count)
{
	struct timeval tv = { 0, 0 };
	fd_set r;

	FD_ZERO(&r);
	FD_SET(50, &r);
	CHECK_EQ(select(50, &r, NULL, NULL, &tv), 0);
}

TEST(select_negative_n_is_einval)
{
	CHECK_ERRNO(syscall(SYS_select, -1, NULL, NULL, NULL, NULL), EINVAL);
}

TEST(select_bad_timeouts)
{
	struct timeval negative = { -1, 0 }, carried = { 0, 1500 }, bad = { 0, -1 };

	CHECK_ERRNO(syscall(SYS_select, 0, NULL, NULL, NULL, &negative), EINVAL);
	CHECK_ERRNO(syscall(SYS_select, 0, NULL, NULL, NULL, &bad), EINVAL);
	CHECK_ERRNO(syscall(SYS_select, 0, NULL, NULL, NULL, 8), EFAULT);
	CHECK_EQ(syscall(SYS_select, 0, NULL, NULL, NULL, &carried), 0);
}

TEST(select_bad_set_is_efault)
{
	struct timeval tv = { 0, 0 };

	CHECK_ERRNO(syscall(SYS_select, 1, 8, NULL, NULL, &tv), EFAULT);
}

TEST(select_writes_back_the_time_left)
{
	int fd = eventfd(1, 0);
	struct timeval tv = { 100, 0 };
	fd_set r;

	FD_ZERO(&r);
	FD_SET(fd, &r);
	CHECK_EQ(syscall(SYS_select, fd + 1, &r, NULL, NULL, &tv), 1);
	CHECK(tv.tv_sec < 100 && tv.tv_sec > 50 && tv.tv_usec > 0 && tv.tv_usec < 1000000);
	tv = (struct timeval){ 0, 2000 };
	CHECK_EQ(syscall(SYS_select, 0, NULL, NULL, NULL, &tv), 0);
	CHECK_EQ(tv.tv_sec, 0);
	CHECK_EQ(tv.tv_usec, 0);
}

TEST(select_is_interrupted)
{
	int fd = eventfd(0, 0);
	fd_set r;

	FD_ZERO(&r);
	FD_SET(fd, &r);
	on_alarm(50, 0);
	CHECK_ERRNO(syscall(SYS_select, fd + 1, &r, NULL, NULL, NULL), EINTR);
	CHECK(FD_ISSET(fd, &r));
}

TEST(select_is_woken)
{
	int fd = eventfd(0, 0);
	fd_set r;

	FD_ZERO(&r);
	FD_SET(fd, &r);
	if (fork() == 0) {
		sleep_ms(50);
		_exit(eventfd_write(fd, 1));
	}
	CHECK_EQ(select(fd + 1, &r, NULL, NULL, NULL), 1);
}

TEST(select_high_descriptor)
{
	int fd = eventfd(1, 0), high = 300;
	struct timeval tv = { 0, 0 };
	fd_set r;

	if (dup2(fd, high) < 0)
		SKIP("descriptor limit");
	FD_ZERO(&r);
	FD_SET(high, &r);
	CHECK_EQ(select(high + 1, &r, NULL, NULL, &tv), 1);
	CHECK(FD_ISSET(high, &r) && !FD_ISSET(fd, &r));
}

TEST(select_end_of_pipe_is_readable)
{
	int p[2];
	struct timeval tv = { 0, 0 };
	fd_set r;

	CHECK_EQ(pipe(p), 0);
	close(p[1]);
	FD_ZERO(&r);
	FD_SET(p[0], &r);
	CHECK_EQ(select(p[0] + 1, &r, NULL, NULL, &tv), 1);
}

TEST(pselect_swaps_the_mask)
{
	sigset_t block, none, now;
	struct sigaction sa = { .sa_handler = handler };
	struct timespec ts = { 10, 0 };

	sigaction(SIGUSR1, &sa, NULL);
	sigemptyset(&none);
	sigemptyset(&block);
	sigaddset(&block, SIGUSR1);
	sigprocmask(SIG_BLOCK, &block, NULL);
	raise(SIGUSR1);
	CHECK_ERRNO(pselect(0, NULL, NULL, NULL, &ts, &none), EINTR);
	sigprocmask(SIG_BLOCK, NULL, &now);
	CHECK(sigismember(&now, SIGUSR1));
}

TEST(pselect_checks_its_arguments)
{
	struct timespec bad = { 0, 1000000000 };
	sigset_t none;
	struct { void *p; size_t size; } arg = { &none, 4 };

	sigemptyset(&none);
	CHECK_ERRNO(syscall(SYS_pselect6, 0, NULL, NULL, NULL, &bad, NULL), EINVAL);
	CHECK_ERRNO(syscall(SYS_pselect6, 0, NULL, NULL, NULL, NULL, &arg), EINVAL);
	CHECK_ERRNO(syscall(SYS_pselect6, 0, NULL, NULL, NULL, NULL, 8), EFAULT);
}

/* --- masks: the signal can come nowhere but inside the call ----------------------------------------------------- */

static volatile sig_atomic_t inside, outside, waiting;
static void count_signal(int sig)
{
	(void)sig;
	if (waiting)
		inside++;
	else
		outside++;
}

enum { MASK_ROUNDS = 200 };
static const char *const mask_calls[] = { "epoll_pwait", "epoll_pwait2", "ppoll", "pselect6" };

static int wait_with_mask(int call, int ep, const sigset_t *mask)
{
	struct { const sigset_t *mask; size_t size; } arg = { mask, 8 };
	struct timespec limit = { 20, 0 };
	struct epoll_event e;

	switch (call) {
	case 0:
		return (int)syscall(SYS_epoll_pwait, ep, &e, 1, 20000, mask, 8);
	case 1:
		return (int)syscall(441 /* epoll_pwait2 */, ep, &e, 1, &limit, mask, 8);
	case 2:
		return (int)syscall(SYS_ppoll, NULL, 0, &limit, mask, 8);
	default:
		return (int)syscall(SYS_pselect6, 0, NULL, NULL, NULL, &limit, &arg);
	}
}

TEST(waits_swap_the_mask_and_sleep_in_one_step)
{
	struct sigaction sa = { .sa_handler = count_signal };
	sigset_t block, none;
	int ep = epoll_create1(0), answer[2];

	sigaction(SIGUSR1, &sa, NULL);
	sigemptyset(&none);
	sigemptyset(&block);
	sigaddset(&block, SIGUSR1);
	sigprocmask(SIG_BLOCK, &block, NULL);
	for (int call = 0; call < 4; call++) {
		CHECK_EQ(pipe(answer), 0);
		inside = outside = 0;
		pid_t child = fork();

		if (child == 0) {
			char c;

			/* Now and then before the call, in it, and while the last one ends. */
			for (int i = 0; i < MASK_ROUNDS; i++) {
				for (volatile int spin = 0; spin < i * 37 % 5000; spin++)
					;
				kill(getppid(), SIGUSR1);
				if (read(answer[0], &c, 1) != 1)
					break;
			}
			_exit(0);
		}
		for (int i = 0; i < MASK_ROUNDS; i++) {
			for (volatile int spin = 0; spin < i * 53 % 5000; spin++)
				;
			waiting = 1;
			int r = wait_with_mask(call, ep, &none);

			waiting = 0;
			if (r != -1 || errno != EINTR)
				TAP_FAIL("%s: round %d: %d, errno %d", mask_calls[call], i, r, errno);
			CHECK_EQ(inside, i + 1);
			CHECK_EQ(write(answer[1], "", 1), 1);
		}
		CHECK_EQ(outside, 0);
		CHECK_EQ(waitpid(child, NULL, 0), child);
	}
}

/* epoll: which error, and which of several. Signals and bad memory too. */
#include "tests/abi/tap.h"
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <sys/resource.h>

static int add(int ep, int fd, uint32_t events)
{
	struct epoll_event e = { .events = events, .data.fd = fd };

	return epoll_ctl(ep, EPOLL_CTL_ADD, fd, &e);
}

TEST(epoll_create_size_must_be_positive)
{
	CHECK_ERRNO(syscall(SYS_epoll_create, 0), EINVAL);
	CHECK_ERRNO(syscall(SYS_epoll_create, -1), EINVAL);
	CHECK(syscall(SYS_epoll_create, 1) >= 0);
}

TEST(epoll_create1_unknown_flag_is_einval)
{
	CHECK_ERRNO(syscall(SYS_epoll_create1, 1), EINVAL);
	CHECK_ERRNO(syscall(SYS_epoll_create1, O_NONBLOCK), EINVAL);
}

TEST(epoll_create_without_free_fd_is_emfile)
{
	struct rlimit lim = { 3, 3 };

	CHECK_EQ(setrlimit(RLIMIT_NOFILE, &lim), 0);
	CHECK_ERRNO(epoll_create1(0), EMFILE);
}

TEST(epoll_ctl_bad_event_pointer_is_efault_first)
{
	CHECK_ERRNO(syscall(SYS_epoll_ctl, -1, EPOLL_CTL_ADD, -1, 8), EFAULT);
	CHECK_ERRNO(syscall(SYS_epoll_ctl, -1, 77, -1, NULL), EFAULT);
}

TEST(epoll_ctl_bad_epfd_is_ebadf)
{
	CHECK_ERRNO(add(-1, 0, EPOLLIN), EBADF);
	CHECK_ERRNO(add(999, 0, EPOLLIN), EBADF);
}

TEST(epoll_ctl_bad_fd_is_ebadf)
{
	CHECK_ERRNO(add(epoll_create1(0), 999, EPOLLIN), EBADF);
	/* Even if the first is no epoll. */
	CHECK_ERRNO(add(eventfd(0, 0), 999, EPOLLIN), EBADF);
}

TEST(epoll_ctl_regular_file_is_eperm)
{
	int fd = open("/tmp", O_RDONLY);

	CHECK(fd >= 0);
	CHECK_ERRNO(add(epoll_create1(0), fd, EPOLLIN), EPERM);
	/* EPERM comes before EINVAL. */
	CHECK_ERRNO(add(eventfd(0, 0), fd, EPOLLIN), EPERM);
}

TEST(epoll_ctl_on_no_epoll_is_einval)
{
	CHECK_ERRNO(add(eventfd(0, 0), eventfd(0, 0), EPOLLIN), EINVAL);
}

TEST(epoll_ctl_itself_is_einval)
{
	int ep = epoll_create1(0);

	CHECK_ERRNO(add(ep, ep, EPOLLIN), EINVAL);
}

TEST(epoll_ctl_unknown_op_is_einval)
{
	struct epoll_event e = { 0 };

	CHECK_ERRNO(epoll_ctl(epoll_create1(0), 99, eventfd(0, 0), &e), EINVAL);
	CHECK_ERRNO(epoll_ctl(epoll_create1(0), 0, eventfd(0, 0), &e), EINVAL);
}

TEST(epoll_ctl_add_twice_is_eexist)
{
	int ep = epoll_create1(0), fd = eventfd(0, 0);

	CHECK_EQ(add(ep, fd, EPOLLIN), 0);
	CHECK_ERRNO(add(ep, fd, EPOLLOUT), EEXIST);
}

TEST(epoll_ctl_mod_or_del_of_absent_is_enoent)
{
	struct epoll_event e = { 0 };
	int ep = epoll_create1(0), fd = eventfd(0, 0);

	CHECK_ERRNO(epoll_ctl(ep, EPOLL_CTL_MOD, fd, &e), ENOENT);
	CHECK_ERRNO(epoll_ctl(ep, EPOLL_CTL_DEL, fd, &e), ENOENT);
}

TEST(epoll_ctl_del_ignores_the_event_pointer)
{
	int ep = epoll_create1(0), fd = eventfd(0, 0);

	CHECK_EQ(add(ep, fd, EPOLLIN), 0);
	CHECK_EQ(syscall(SYS_epoll_ctl, ep, EPOLL_CTL_DEL, fd, 8), 0);
}

TEST(epoll_ctl_wakeup_flag_is_accepted)
{
	struct epoll_event e;
	int ep = epoll_create1(0);

	CHECK_EQ(add(ep, eventfd(1, 0), EPOLLIN | EPOLLWAKEUP), 0);
	CHECK_EQ(epoll_wait(ep, &e, 1, 0), 1);
	CHECK_EQ(e.events, EPOLLIN);
}

TEST(epoll_wait_maxevents_must_be_positive)
{
	struct epoll_event e;
	int ep = epoll_create1(0);

	CHECK_ERRNO(epoll_wait(ep, &e, 0, 0), EINVAL);
	CHECK_ERRNO(epoll_wait(ep, &e, -1, 0), EINVAL);
	CHECK_ERRNO(epoll_wait(ep, &e, 0x7fffffff, 0), EINVAL);
}

TEST(epoll_wait_kernel_address_is_efault_though_nothing_is_ready)
{
	CHECK_ERRNO(syscall(SYS_epoll_wait, epoll_create1(0), 0xffff800000000000UL, 1, 0), EFAULT);
}

TEST(epoll_wait_bad_fd_is_ebadf)
{
	struct epoll_event e;

	CHECK_ERRNO(epoll_wait(-1, &e, 1, 0), EBADF);
}

TEST(epoll_wait_on_no_epoll_is_einval)
{
	struct epoll_event e;

	CHECK_ERRNO(epoll_wait(eventfd(0, 0), &e, 1, 0), EINVAL);
}

TEST(epoll_wait_unmapped_buffer_is_efault_only_with_events)
{
	int ep = epoll_create1(0), fd = eventfd(0, 0);
	char *page = mmap(NULL, 4096, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

	CHECK_EQ(add(ep, fd, EPOLLIN), 0);
	CHECK_EQ(syscall(SYS_epoll_wait, ep, page, 1, 0), 0);
	eventfd_write(fd, 1);
	CHECK_ERRNO(syscall(SYS_epoll_wait, ep, page, 1, 0), EFAULT);
}

TEST(epoll_wait_efault_loses_no_event)
{
	struct epoll_event e;
	int ep = epoll_create1(0), fd = eventfd(1, 0);
	char *page = mmap(NULL, 4096, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

	CHECK_EQ(add(ep, fd, EPOLLIN | EPOLLET), 0);
	CHECK_ERRNO(syscall(SYS_epoll_wait, ep, page, 1, 0), EFAULT);
	CHECK_EQ(epoll_wait(ep, &e, 1, 0), 1);
	CHECK_EQ(e.data.fd, fd);
	CHECK_EQ(epoll_wait(ep, &e, 1, 0), 0);
}

TEST(epoll_wait_partial_copy_returns_what_was_copied)
{
	int ep = epoll_create1(0);
	struct epoll_event e[3];
	char *pages = mmap(NULL, 8192, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

	CHECK_EQ(munmap(pages + 4096, 4096), 0);
	for (int i = 0; i < 3; i++)
		CHECK_EQ(add(ep, eventfd(1, 0), EPOLLIN | EPOLLET), 0);
	/* Room for one event and a half. */
	CHECK_EQ(syscall(SYS_epoll_wait, ep, pages + 4096 - 18, 3, 0), 1);
	CHECK_EQ(epoll_wait(ep, e, 3, 0), 2);
}

static void handler(int sig) { (void)sig; }
static void on_alarm(int flags, int ms)
{
	struct sigaction sa = { .sa_handler = handler, .sa_flags = flags };
	struct itimerval it = { .it_value = { ms / 1000, ms % 1000 * 1000 } };

	sigaction(SIGALRM, &sa, NULL);
	setitimer(ITIMER_REAL, &it, NULL);
}

TEST(epoll_wait_is_interrupted_by_a_signal)
{
	struct epoll_event e;
	int ep = epoll_create1(0);

	on_alarm(0, 50);
	CHECK_ERRNO(epoll_wait(ep, &e, 1, -1), EINTR);
}

TEST(epoll_wait_is_not_restarted_by_sa_restart)
{
	struct epoll_event e;
	int ep = epoll_create1(0);

	on_alarm(SA_RESTART, 50);
	CHECK_ERRNO(epoll_wait(ep, &e, 1, -1), EINTR);
}

TEST(epoll_wait_reports_a_ready_event_though_a_signal_is_pending)
{
	struct epoll_event e;
	int ep = epoll_create1(0), fd = eventfd(1, 0);
	struct sigaction sa = { .sa_handler = handler };
	sigset_t all, none;

	CHECK_EQ(add(ep, fd, EPOLLIN), 0);
	sigaction(SIGUSR1, &sa, NULL);
	sigfillset(&all);
	sigemptyset(&none);
	sigprocmask(SIG_BLOCK, &all, NULL);
	raise(SIGUSR1);
	CHECK_EQ(epoll_pwait(ep, &e, 1, -1, &none), 1);
}

TEST(epoll_pwait_swaps_the_mask)
{
	struct epoll_event e;
	int ep = epoll_create1(0);
	struct sigaction sa = { .sa_handler = handler };
	sigset_t block, none, now;

	sigaction(SIGUSR1, &sa, NULL);
	sigemptyset(&none);
	sigemptyset(&block);
	sigaddset(&block, SIGUSR1);
	sigprocmask(SIG_BLOCK, &block, NULL);
	raise(SIGUSR1);
	CHECK_EQ(epoll_wait(ep, &e, 1, 10), 0);
	CHECK_ERRNO(epoll_pwait(ep, &e, 1, 10000, &none), EINTR);
	sigprocmask(SIG_BLOCK, NULL, &now);
	CHECK(sigismember(&now, SIGUSR1));
}

TEST(epoll_pwait_blocks_what_the_mask_says)
{
	struct epoll_event e;
	int ep = epoll_create1(0);
	sigset_t block;

	sigemptyset(&block);
	sigaddset(&block, SIGALRM);
	on_alarm(0, 20);
	CHECK_EQ(epoll_pwait(ep, &e, 1, 100, &block), 0);
}

TEST(epoll_pwait_sigsetsize_must_be_eight)
{
	struct epoll_event e;
	int ep = epoll_create1(0);
	sigset_t none;

	sigemptyset(&none);
	CHECK_ERRNO(syscall(SYS_epoll_pwait, ep, &e, 1, 0, &none, 4), EINVAL);
	CHECK_EQ(syscall(SYS_epoll_pwait, ep, &e, 1, 0, NULL, 4), 0);
	CHECK_ERRNO(syscall(SYS_epoll_pwait, ep, &e, 1, 0, 8, 8), EFAULT);
}

TEST(epoll_pwait2_checks_the_timeout)
{
	struct epoll_event e;
	int ep = epoll_create1(0);
	struct timespec bad = { 0, 1000000000 }, negative = { -1, 0 };

	CHECK_ERRNO(syscall(SYS_epoll_pwait2, ep, &e, 1, &bad, NULL, 8), EINVAL);
	CHECK_ERRNO(syscall(SYS_epoll_pwait2, ep, &e, 1, &negative, NULL, 8), EINVAL);
	CHECK_ERRNO(syscall(SYS_epoll_pwait2, ep, &e, 1, 8, NULL, 8), EFAULT);
}

TEST(epoll_cannot_be_read_or_written)
{
	char c = 0;
	int ep = epoll_create1(0);

	CHECK_ERRNO(read(ep, &c, 1), EINVAL);
	CHECK_ERRNO(write(ep, &c, 1), EINVAL);
}

static long max_watches(long set)
{
	long old = -1;
	FILE *f = fopen("/proc/sys/fs/epoll/max_user_watches", set >= 0 ? "r+" : "r");

	if (!f)
		return -1;
	if (fscanf(f, "%ld", &old) != 1)
		old = -1;
	if (set >= 0) {
		rewind(f);
		fprintf(f, "%ld\n", set);
	}
	fclose(f);
	return old;
}

TEST(epoll_max_user_watches_is_enospc)
{
	long old = max_watches(-1);
	int ep = epoll_create1(0), fd = eventfd(0, 0), err, res;

	CHECK(old > 0);
	if (max_watches(0) < 0 || max_watches(-1) != 0)
		SKIP("needs root");
	res = add(ep, fd, EPOLLIN);
	err = errno;
	max_watches(old);
	CHECK_EQ(res, -1);
	CHECK_EQ(err, ENOSPC);
	CHECK_EQ(add(ep, fd, EPOLLIN), 0);
}

/* What ends a watch: DEL, the end of the file, the end of the epoll. */
static bool watch_and_end(int how)
{
	int ep = epoll_create1(0), fd = eventfd(0, 0);
	bool ok = add(ep, fd, EPOLLIN) == 0;

	if (how == 0)
		epoll_ctl(ep, EPOLL_CTL_DEL, fd, NULL);
	if (how == 1)
		close(fd);
	close(ep);
	if (how != 1)
		close(fd);
	return ok;
}

TEST(epoll_max_user_watches_counts_what_is_watched_now)
{
	/* The first one is for the whole time: it stands for the user. */
	int keep = epoll_create1(0);
	long old = max_watches(-1);
	bool ok = keep >= 0;

	CHECK(old > 0);
	if (max_watches(64) < 0 || max_watches(-1) != 64)
		SKIP("needs root");
	for (int i = 0; ok && i < 300; i++)
		ok = watch_and_end(i % 3);
	max_watches(old);
	CHECK(ok);
}

TEST(epoll_fdinfo_lists_the_items)
{
	char path[64], line[256];
	int ep = epoll_create1(0), fd = eventfd(0, 0), tfd = -1;
	unsigned int events = 0;
	unsigned long long data = 0;
	struct epoll_event e = { .events = EPOLLIN | EPOLLET, .data.u64 = 0xabc };
	FILE *f;

	CHECK_EQ(epoll_ctl(ep, EPOLL_CTL_ADD, fd, &e), 0);
	snprintf(path, sizeof(path), "/proc/self/fdinfo/%d", ep);
	f = fopen(path, "r");
	CHECK(f != NULL);
	while (fgets(line, sizeof(line), f))
		if (sscanf(line, "tfd: %d events: %x data: %llx", &tfd, &events, &data) == 3)
			break;
	CHECK_EQ(tfd, fd);
	CHECK_EQ(events, EPOLLIN | EPOLLET | EPOLLERR | EPOLLHUP);
	CHECK_EQ(data, 0xabc);
}

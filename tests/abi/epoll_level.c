/* epoll, level-triggered: what is ready is reported, again and again, until it is not ready any more. */
#include "tests/abi/tap.h"
#include <sys/epoll.h>
#include <sys/eventfd.h>

static int add(int ep, int fd, uint32_t events, uint64_t data)
{
	struct epoll_event e = { .events = events, .data.u64 = data };

	return epoll_ctl(ep, EPOLL_CTL_ADD, fd, &e);
}

TEST(epoll_reports_ready_fd_with_its_data)
{
	struct epoll_event e = { 0 };
	int ep = epoll_create1(0), fd = eventfd(1, 0);

	CHECK_EQ(add(ep, fd, EPOLLIN, 0x123456789abcdefULL), 0);
	CHECK_EQ(epoll_wait(ep, &e, 1, 0), 1);
	CHECK_EQ(e.events, EPOLLIN);
	CHECK(e.data.u64 == 0x123456789abcdefULL);
}

TEST(epoll_does_not_report_what_is_not_ready)
{
	struct epoll_event e;
	int ep = epoll_create1(0), fd = eventfd(0, 0);

	CHECK_EQ(add(ep, fd, EPOLLIN, 0), 0);
	CHECK_EQ(epoll_wait(ep, &e, 1, 0), 0);
}

TEST(epoll_level_reports_again_until_read)
{
	struct epoll_event e;
	uint64_t v;
	int ep = epoll_create1(0), fd = eventfd(1, 0);

	CHECK_EQ(add(ep, fd, EPOLLIN, 0), 0);
	for (int i = 0; i < 3; i++)
		CHECK_EQ(epoll_wait(ep, &e, 1, 0), 1);
	CHECK_EQ(read(fd, &v, 8), 8);
	CHECK_EQ(epoll_wait(ep, &e, 1, 0), 0);
}

TEST(epoll_reports_only_wanted_events)
{
	struct epoll_event e;
	int ep = epoll_create1(0), fd = eventfd(1, 0);

	CHECK_EQ(add(ep, fd, EPOLLOUT, 0), 0);
	CHECK_EQ(epoll_wait(ep, &e, 1, 0), 1);
	CHECK_EQ(e.events, EPOLLOUT);
}

TEST(epoll_reports_all_wanted_events_at_once)
{
	struct epoll_event e;
	int ep = epoll_create1(0), fd = eventfd(1, 0);

	CHECK_EQ(add(ep, fd, EPOLLIN | EPOLLOUT, 0), 0);
	CHECK_EQ(epoll_wait(ep, &e, 1, 0), 1);
	CHECK_EQ(e.events, EPOLLIN | EPOLLOUT);
}

TEST(epoll_event_is_packed_and_may_be_unaligned)
{
	char buf[3 * 12 + 1];
	int ep = epoll_create1(0), fd[2] = { eventfd(1, 0), eventfd(1, 0) };
	uint64_t data;

	CHECK_EQ(sizeof(struct epoll_event), 12);
	CHECK_EQ(add(ep, fd[0], EPOLLIN, 0x1111222233334444ULL), 0);
	CHECK_EQ(add(ep, fd[1], EPOLLIN, 0x5555666677778888ULL), 0);
	CHECK_EQ(syscall(SYS_epoll_wait, ep, buf + 1, 2, 0), 2);
	memcpy(&data, buf + 1 + 4, 8);
	CHECK(data == 0x1111222233334444ULL);
	memcpy(&data, buf + 1 + 16, 8);
	CHECK(data == 0x5555666677778888ULL);
}

TEST(epoll_hangup_is_reported_unasked)
{
	struct epoll_event e;
	int ep = epoll_create1(0), p[2];

	CHECK_EQ(pipe(p), 0);
	CHECK_EQ(add(ep, p[0], 0, 0), 0);
	CHECK_EQ(epoll_wait(ep, &e, 1, 0), 0);
	close(p[1]);
	CHECK_EQ(epoll_wait(ep, &e, 1, 0), 1);
	CHECK_EQ(e.events, EPOLLHUP);
}

TEST(epoll_error_is_reported_unasked)
{
	struct epoll_event e;
	int ep = epoll_create1(0), p[2];

	CHECK_EQ(pipe(p), 0);
	CHECK_EQ(add(ep, p[1], 0, 0), 0);
	close(p[0]);
	CHECK_EQ(epoll_wait(ep, &e, 1, 0), 1);
	CHECK_EQ(e.events, EPOLLERR);
}

TEST(epoll_maxevents_leaves_the_rest)
{
	struct epoll_event e[4];
	int ep = epoll_create1(0);

	for (int i = 0; i < 4; i++)
		CHECK_EQ(add(ep, eventfd(1, 0), EPOLLIN | EPOLLET, i), 0);
	CHECK_EQ(epoll_wait(ep, e, 3, 0), 3);
	CHECK_EQ(epoll_wait(ep, e, 3, 0), 1);
	CHECK_EQ(e[0].data.u64, 3);
}

TEST(epoll_reports_in_order_of_becoming_ready)
{
	struct epoll_event e[4];
	int ep = epoll_create1(0), fd[4];

	for (int i = 0; i < 4; i++) {
		fd[i] = eventfd(0, 0);
		CHECK_EQ(add(ep, fd[i], EPOLLIN, i), 0);
	}
	for (int i = 3; i >= 0; i--)
		eventfd_write(fd[i], 1);
	CHECK_EQ(epoll_wait(ep, e, 4, 0), 4);
	for (int i = 0; i < 4; i++)
		CHECK_EQ(e[i].data.u64, 3 - i);
}

TEST(epoll_level_rotates_when_maxevents_is_small)
{
	struct epoll_event e;
	int ep = epoll_create1(0), seen = 0;

	for (int i = 0; i < 5; i++)
		CHECK_EQ(add(ep, eventfd(1, 0), EPOLLIN, i), 0);
	for (int i = 0; i < 5; i++) {
		CHECK_EQ(epoll_wait(ep, &e, 1, 0), 1);
		seen |= 1 << e.data.u64;
	}
	CHECK_EQ(seen, 31);
}

TEST(epoll_mod_changes_events)
{
	struct epoll_event e = { .events = EPOLLOUT, .data.u64 = 7 };
	int ep = epoll_create1(0), fd = eventfd(0, 0);

	CHECK_EQ(add(ep, fd, EPOLLIN, 1), 0);
	CHECK_EQ(epoll_wait(ep, &e, 1, 0), 0);
	e.events = EPOLLOUT;
	e.data.u64 = 7;
	CHECK_EQ(epoll_ctl(ep, EPOLL_CTL_MOD, fd, &e), 0);
	memset(&e, 0, sizeof(e));
	CHECK_EQ(epoll_wait(ep, &e, 1, 0), 1);
	CHECK_EQ(e.events, EPOLLOUT);
	CHECK_EQ(e.data.u64, 7);
}

TEST(epoll_mod_to_nothing_silences)
{
	struct epoll_event e = { 0 };
	int ep = epoll_create1(0), fd = eventfd(1, 0);

	CHECK_EQ(add(ep, fd, EPOLLIN, 0), 0);
	CHECK_EQ(epoll_ctl(ep, EPOLL_CTL_MOD, fd, &e), 0);
	CHECK_EQ(epoll_wait(ep, &e, 1, 0), 0);
}

TEST(epoll_del_silences)
{
	struct epoll_event e;
	int ep = epoll_create1(0), fd = eventfd(1, 0);

	CHECK_EQ(add(ep, fd, EPOLLIN, 0), 0);
	CHECK_EQ(epoll_ctl(ep, EPOLL_CTL_DEL, fd, NULL), 0);
	CHECK_EQ(epoll_wait(ep, &e, 1, 0), 0);
	CHECK_EQ(add(ep, fd, EPOLLIN, 0), 0);
	CHECK_EQ(epoll_wait(ep, &e, 1, 0), 1);
}

TEST(epoll_close_of_last_fd_removes)
{
	struct epoll_event e;
	int ep = epoll_create1(0), fd = eventfd(1, 0);

	CHECK_EQ(add(ep, fd, EPOLLIN, 0), 0);
	close(fd);
	CHECK_EQ(epoll_wait(ep, &e, 1, 0), 0);
	CHECK_EQ(eventfd(0, 0), fd);
	CHECK_EQ(add(ep, fd, EPOLLIN, 0), 0);
}

TEST(epoll_stays_while_a_dup_is_open)
{
	struct epoll_event e;
	int ep = epoll_create1(0), fd = eventfd(1, 0), copy = dup(fd);

	CHECK_EQ(add(ep, fd, EPOLLIN, 42), 0);
	close(fd);
	CHECK_EQ(epoll_wait(ep, &e, 1, 0), 1);
	CHECK_EQ(e.data.u64, 42);
	/* The key was (file, fd): by neither number can it be taken out now. */
	CHECK_ERRNO(epoll_ctl(ep, EPOLL_CTL_DEL, fd, NULL), EBADF);
	CHECK_ERRNO(epoll_ctl(ep, EPOLL_CTL_DEL, copy, NULL), ENOENT);
	close(copy);
	CHECK_EQ(epoll_wait(ep, &e, 1, 0), 0);
}

TEST(epoll_same_file_under_two_fds_is_two_items)
{
	struct epoll_event e[2];
	int ep = epoll_create1(0), fd = eventfd(1, 0), copy = dup(fd);

	CHECK_EQ(add(ep, fd, EPOLLIN, 1), 0);
	CHECK_EQ(add(ep, copy, EPOLLIN, 2), 0);
	CHECK_EQ(epoll_wait(ep, e, 2, 0), 2);
	CHECK_EQ(e[0].data.u64 + e[1].data.u64, 3);
}

TEST(epoll_one_file_in_two_epolls)
{
	struct epoll_event e;
	int a = epoll_create1(0), b = epoll_create1(0), fd = eventfd(0, 0);

	CHECK_EQ(add(a, fd, EPOLLIN, 1), 0);
	CHECK_EQ(add(b, fd, EPOLLIN, 2), 0);
	eventfd_write(fd, 1);
	CHECK_EQ(epoll_wait(a, &e, 1, 0), 1);
	CHECK_EQ(e.data.u64, 1);
	CHECK_EQ(epoll_wait(b, &e, 1, 0), 1);
	CHECK_EQ(e.data.u64, 2);
}

TEST(epoll_add_while_another_waits_wakes_it)
{
	struct epoll_event e;
	int ep = epoll_create1(0), fd = eventfd(1, 0);

	if (fork() == 0) {
		sleep_ms(50);
		_exit(add(ep, fd, EPOLLIN, 9));
	}
	CHECK_EQ(epoll_wait(ep, &e, 1, 10000), 1);
	CHECK_EQ(e.data.u64, 9);
}

TEST(epoll_mod_while_another_waits_wakes_it)
{
	struct epoll_event e = { .events = EPOLLIN, .data.u64 = 9 };
	int ep = epoll_create1(0), fd = eventfd(1, 0);

	CHECK_EQ(add(ep, fd, 0, 0), 0);
	if (fork() == 0) {
		sleep_ms(50);
		_exit(epoll_ctl(ep, EPOLL_CTL_MOD, fd, &e));
	}
	CHECK_EQ(epoll_wait(ep, &e, 1, 10000), 1);
}

TEST(epoll_write_in_another_process_wakes_the_waiter)
{
	struct epoll_event e;
	int ep = epoll_create1(0), p[2];

	CHECK_EQ(pipe(p), 0);
	CHECK_EQ(add(ep, p[0], EPOLLIN, 5), 0);
	if (fork() == 0) {
		sleep_ms(50);
		_exit(write(p[1], "x", 1) != 1);
	}
	CHECK_EQ(epoll_wait(ep, &e, 1, 10000), 1);
	CHECK_EQ(e.events, EPOLLIN);
	CHECK_EQ(e.data.u64, 5);
}

TEST(epoll_zero_timeout_returns_at_once)
{
	struct epoll_event e;
	int ep = epoll_create1(0);
	int64_t t = now_ns();

	CHECK_EQ(epoll_wait(ep, &e, 1, 0), 0);
	CHECK(now_ns() - t < 5000000000LL);
}

TEST(epoll_timeout_is_never_early)
{
	struct epoll_event e;
	int ep = epoll_create1(0);

	for (int i = 1; i <= 20; i++) {
		int64_t t = now_ns();

		CHECK_EQ(epoll_wait(ep, &e, 1, i), 0);
		CHECK(now_ns() - t >= i * 1000000LL);
	}
}

TEST(epoll_pwait2_timeout_in_nanoseconds)
{
	struct epoll_event e;
	int ep = epoll_create1(0);
	struct timespec ts = { 0, 1500000 };
	int64_t t = now_ns();

	CHECK_EQ(syscall(SYS_epoll_pwait2, ep, &e, 1, &ts, NULL, 8), 0);
	CHECK(now_ns() - t >= 1500000);
	ts = (struct timespec){ 0, 0 };
	CHECK_EQ(syscall(SYS_epoll_pwait2, ep, &e, 1, &ts, NULL, 8), 0);
}

TEST(epoll_pwait2_null_timeout_waits_for_the_event)
{
	struct epoll_event e;
	int ep = epoll_create1(0), fd = eventfd(0, 0);

	CHECK_EQ(add(ep, fd, EPOLLIN, 0), 0);
	if (fork() == 0) {
		sleep_ms(50);
		_exit(eventfd_write(fd, 1));
	}
	CHECK_EQ(syscall(SYS_epoll_pwait2, ep, &e, 1, NULL, NULL, 8), 1);
}

TEST(epoll_survives_fork_and_is_shared)
{
	struct epoll_event e;
	int ep = epoll_create1(0), fd = eventfd(1, 0), status;

	if (fork() == 0)
		_exit(add(ep, fd, EPOLLIN, 77));
	CHECK(wait(&status) > 0 && status == 0);
	CHECK_EQ(epoll_wait(ep, &e, 1, 0), 1);
	CHECK_EQ(e.data.u64, 77);
}

TEST(epoll_create1_cloexec)
{
	int a = epoll_create1(0), b = epoll_create1(EPOLL_CLOEXEC), c = epoll_create(1);

	CHECK_EQ(fcntl(a, F_GETFD), 0);
	CHECK_EQ(fcntl(b, F_GETFD), FD_CLOEXEC);
	CHECK_EQ(fcntl(c, F_GETFD), 0);
	CHECK_EQ(fcntl(a, F_GETFL) & O_ACCMODE, O_RDWR);
}

TEST(epoll_many_idle_one_ready)
{
	struct epoll_event e[16];
	struct rlimit { unsigned long cur, max; } lim;
	int ep = epoll_create1(0), last = -1, n = 0;

	syscall(SYS_getrlimit, 7, &lim);
	lim.cur = lim.max;
	syscall(SYS_setrlimit, 7, &lim);
	for (; n < 900; n++) {
		int fd = eventfd(0, 0);

		if (fd < 0)
			break;
		last = fd;
		CHECK_EQ(add(ep, fd, EPOLLIN, n), 0);
	}
	CHECK(n > 100);
	CHECK_EQ(epoll_wait(ep, e, 16, 0), 0);
	eventfd_write(last, 1);
	CHECK_EQ(epoll_wait(ep, e, 16, 0), 1);
	CHECK_EQ(e[0].data.u64, n - 1);
}

static void *writer(void *arg)
{
	int *fds = arg;

	for (int i = 0; i < 2000; i++)
		eventfd_write(fds[i % 8], 1);
	return NULL;
}

TEST(epoll_loses_no_event_between_writer_and_scanner)
{
	struct epoll_event e[3];
	int ep = epoll_create1(0), fds[8];
	uint64_t v, sum = 0;
	pthread_t t;

	for (int i = 0; i < 8; i++) {
		fds[i] = eventfd(0, EFD_NONBLOCK);
		CHECK_EQ(add(ep, fds[i], EPOLLIN | EPOLLET, fds[i]), 0);
	}
	CHECK_EQ(pthread_create(&t, NULL, writer, fds), 0);
	while (sum < 2000) {
		int n = epoll_wait(ep, e, 3, 10000);

		CHECK(n > 0);
		for (int i = 0; i < n; i++)
			if (read(e[i].data.u64, &v, 8) == 8)
				sum += v;
	}
	CHECK_EQ(sum, 2000);
}

/* epolls that watch epolls, and poll and select on epolls. */
#include "tests/abi/tap.h"
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <sys/select.h>

static int add(int ep, int fd, uint32_t events)
{
	struct epoll_event e = { .events = events, .data.fd = fd };

	return epoll_ctl(ep, EPOLL_CTL_ADD, fd, &e);
}

static int ready(int ep)
{
	struct epoll_event e[8];

	return epoll_wait(ep, e, 8, 0);
}

TEST(epoll_can_be_polled)
{
	int ep = epoll_create1(0), fd = eventfd(0, 0);
	struct pollfd p = { .fd = ep, .events = POLLIN | POLLOUT };

	CHECK_EQ(add(ep, fd, EPOLLIN), 0);
	CHECK_EQ(poll(&p, 1, 0), 0);
	eventfd_write(fd, 1);
	CHECK_EQ(poll(&p, 1, 0), 1);
	CHECK_EQ(p.revents, POLLIN);
}

TEST(epoll_poll_does_not_consume_the_event)
{
	int ep = epoll_create1(0), fd = eventfd(1, 0);
	struct pollfd p = { .fd = ep, .events = POLLIN };

	CHECK_EQ(add(ep, fd, EPOLLIN | EPOLLET), 0);
	CHECK_EQ(poll(&p, 1, 0), 1);
	CHECK_EQ(poll(&p, 1, 0), 1);
	CHECK_EQ(ready(ep), 1);
	CHECK_EQ(poll(&p, 1, 0), 0);
}

TEST(epoll_poll_of_taken_event_is_not_ready)
{
	int ep = epoll_create1(0), fd = eventfd(1, 0);
	struct pollfd p = { .fd = ep, .events = POLLIN };
	uint64_t v;

	CHECK_EQ(add(ep, fd, EPOLLIN), 0);
	CHECK_EQ(read(fd, &v, 8), 8);
	CHECK_EQ(poll(&p, 1, 0), 0);
}

TEST(epoll_select_on_epoll)
{
	int ep = epoll_create1(0), fd = eventfd(1, 0);
	struct timeval tv = { 0, 0 };
	fd_set set;

	CHECK_EQ(add(ep, fd, EPOLLIN), 0);
	FD_ZERO(&set);
	FD_SET(ep, &set);
	CHECK_EQ(select(ep + 1, &set, NULL, NULL, &tv), 1);
	CHECK(FD_ISSET(ep, &set));
}

TEST(epoll_poll_on_epoll_is_woken)
{
	int ep = epoll_create1(0), fd = eventfd(0, 0);
	struct pollfd p = { .fd = ep, .events = POLLIN };

	CHECK_EQ(add(ep, fd, EPOLLIN), 0);
	if (fork() == 0) {
		sleep_ms(50);
		_exit(eventfd_write(fd, 1));
	}
	CHECK_EQ(poll(&p, 1, 10000), 1);
}

TEST(epoll_nested_reports_the_inner)
{
	struct epoll_event e;
	int outer = epoll_create1(0), inner = epoll_create1(0), fd = eventfd(0, 0);

	CHECK_EQ(add(inner, fd, EPOLLIN), 0);
	CHECK_EQ(add(outer, inner, EPOLLIN), 0);
	CHECK_EQ(ready(outer), 0);
	eventfd_write(fd, 1);
	CHECK_EQ(epoll_wait(outer, &e, 1, 0), 1);
	CHECK_EQ(e.events, EPOLLIN);
	CHECK_EQ(e.data.fd, inner);
	CHECK_EQ(ready(inner), 1);
}

TEST(epoll_nested_ready_at_add)
{
	int outer = epoll_create1(0), inner = epoll_create1(0), fd = eventfd(1, 0);

	CHECK_EQ(add(inner, fd, EPOLLIN), 0);
	CHECK_EQ(add(outer, inner, EPOLLIN), 0);
	CHECK_EQ(ready(outer), 1);
}

TEST(epoll_nested_ready_when_a_ready_file_joins_the_inner)
{
	int outer = epoll_create1(0), inner = epoll_create1(0), fd = eventfd(1, 0);

	CHECK_EQ(add(outer, inner, EPOLLIN), 0);
	CHECK_EQ(ready(outer), 0);
	CHECK_EQ(add(inner, fd, EPOLLIN), 0);
	CHECK_EQ(ready(outer), 1);
}

TEST(epoll_nested_not_ready_once_the_file_is_read)
{
	int outer = epoll_create1(0), inner = epoll_create1(0), fd = eventfd(1, 0);
	uint64_t v;

	CHECK_EQ(add(inner, fd, EPOLLIN), 0);
	CHECK_EQ(add(outer, inner, EPOLLIN), 0);
	CHECK_EQ(read(fd, &v, 8), 8);
	CHECK_EQ(ready(outer), 0);
}

TEST(epoll_nested_edge_reports_once)
{
	int outer = epoll_create1(0), inner = epoll_create1(0), fd = eventfd(0, 0);

	CHECK_EQ(add(inner, fd, EPOLLIN), 0);
	CHECK_EQ(add(outer, inner, EPOLLIN | EPOLLET), 0);
	eventfd_write(fd, 1);
	CHECK_EQ(ready(outer), 1);
	CHECK_EQ(ready(outer), 0);
	eventfd_write(fd, 1);
	CHECK_EQ(ready(outer), 1);
	CHECK_EQ(ready(outer), 0);
}

TEST(epoll_nested_wakes_the_outer_waiter)
{
	struct epoll_event e;
	int ep[4], fd = eventfd(0, 0);

	for (int i = 0; i < 4; i++)
		ep[i] = epoll_create1(0);
	CHECK_EQ(add(ep[0], fd, EPOLLIN), 0);
	for (int i = 1; i < 4; i++)
		CHECK_EQ(add(ep[i], ep[i - 1], EPOLLIN), 0);
	if (fork() == 0) {
		sleep_ms(50);
		_exit(eventfd_write(fd, 1));
	}
	CHECK_EQ(epoll_wait(ep[3], &e, 1, 10000), 1);
	CHECK_EQ(e.data.fd, ep[2]);
}

TEST(epoll_nested_two_waiters_on_both_levels_are_woken)
{
	struct epoll_event e;
	int outer = epoll_create1(0), inner = epoll_create1(0), fd = eventfd(0, 0), status;

	CHECK_EQ(add(inner, fd, EPOLLIN), 0);
	CHECK_EQ(add(outer, inner, EPOLLIN), 0);
	if (fork() == 0)
		_exit(epoll_wait(inner, &e, 1, 10000) != 1);
	if (fork() == 0)
		_exit(epoll_wait(outer, &e, 1, 10000) != 1);
	sleep_ms(60);
	eventfd_write(fd, 1);
	CHECK(wait(&status) > 0 && status == 0);
	CHECK(wait(&status) > 0 && status == 0);
}

TEST(epoll_loop_of_two_is_eloop)
{
	int a = epoll_create1(0), b = epoll_create1(0);

	CHECK_EQ(add(a, b, EPOLLIN), 0);
	CHECK_ERRNO(add(b, a, EPOLLIN), ELOOP);
}

TEST(epoll_loop_of_four_is_eloop)
{
	int ep[4];

	for (int i = 0; i < 4; i++)
		ep[i] = epoll_create1(0);
	for (int i = 0; i < 3; i++)
		CHECK_EQ(add(ep[i], ep[i + 1], EPOLLIN), 0);
	CHECK_ERRNO(add(ep[3], ep[0], EPOLLIN), ELOOP);
	CHECK_EQ(epoll_ctl(ep[1], EPOLL_CTL_DEL, ep[2], NULL), 0);
	CHECK_EQ(add(ep[3], ep[0], EPOLLIN), 0);
}

TEST(epoll_five_levels_are_allowed)
{
	struct epoll_event e;
	int ep[5], fd = eventfd(0, 0);

	for (int i = 0; i < 5; i++)
		ep[i] = epoll_create1(0);
	CHECK_EQ(add(ep[0], fd, EPOLLIN), 0);
	for (int i = 1; i < 5; i++)
		CHECK_EQ(add(ep[i], ep[i - 1], EPOLLIN), 0);
	eventfd_write(fd, 1);
	CHECK_EQ(epoll_wait(ep[4], &e, 1, 0), 1);
	CHECK_EQ(e.data.fd, ep[3]);
}

TEST(epoll_nine_levels_are_too_many)
{
	int ep[9], i;

	ep[0] = epoll_create1(0);
	for (i = 1; i < 9; i++) {
		ep[i] = epoll_create1(0);
		if (add(ep[i], ep[i - 1], EPOLLIN))
			break;
	}
	CHECK(i < 9);
	CHECK_EQ(errno, ELOOP);
}

TEST(epoll_diamond_is_no_loop)
{
	struct epoll_event e[2];
	int top = epoll_create1(0), l = epoll_create1(0), r = epoll_create1(0), bottom = epoll_create1(0);
	int fd = eventfd(0, 0);

	CHECK_EQ(add(top, l, EPOLLIN), 0);
	CHECK_EQ(add(top, r, EPOLLIN), 0);
	CHECK_EQ(add(l, bottom, EPOLLIN), 0);
	CHECK_EQ(add(r, bottom, EPOLLIN), 0);
	CHECK_EQ(add(bottom, fd, EPOLLIN), 0);
	eventfd_write(fd, 1);
	CHECK_EQ(epoll_wait(top, e, 2, 0), 2);
}

TEST(epoll_too_many_paths_is_einval)
{
	int fd = eventfd(0, 0), mid = epoll_create1(0), i, err = 0;

	/* Any number of direct watchers, but 500 paths of length two. */
	CHECK_EQ(add(mid, fd, EPOLLIN), 0);
	for (i = 0; i < 600; i++) {
		int top = epoll_create1(0);

		if (top < 0)
			SKIP("not enough descriptors");
		if (add(top, mid, EPOLLIN)) {
			err = errno;
			break;
		}
	}
	CHECK_EQ(err, EINVAL);
	CHECK_EQ(i, 500);
}

TEST(epoll_close_of_inner_leaves_the_outer_usable)
{
	int outer = epoll_create1(0), inner = epoll_create1(0), fd = eventfd(1, 0);

	CHECK_EQ(add(inner, fd, EPOLLIN), 0);
	CHECK_EQ(add(outer, inner, EPOLLIN), 0);
	close(inner);
	CHECK_EQ(ready(outer), 0);
	CHECK_EQ(add(outer, fd, EPOLLIN), 0);
	CHECK_EQ(ready(outer), 1);
}

TEST(epoll_close_of_outer_leaves_the_inner_usable)
{
	int outer = epoll_create1(0), inner = epoll_create1(0), fd = eventfd(0, 0);

	CHECK_EQ(add(inner, fd, EPOLLIN), 0);
	CHECK_EQ(add(outer, inner, EPOLLIN), 0);
	close(outer);
	eventfd_write(fd, 1);
	CHECK_EQ(ready(inner), 1);
}

static void *closer(void *arg)
{
	int *fds = arg;

	for (int i = 0; i < 100; i++)
		close(fds[i]);
	return NULL;
}

TEST(epoll_files_and_epolls_closed_at_once)
{
	for (int round = 0; round < 10; round++) {
		int files[100], eps[100];
		pthread_t t;

		for (int i = 0; i < 100; i++) {
			files[i] = eventfd(1, 0);
			eps[i] = epoll_create1(0);
		}
		for (int i = 0; i < 100; i++)
			for (int j = 0; j < 4; j++)
				CHECK_EQ(add(eps[i], files[(i + j) % 100], EPOLLIN), 0);
		CHECK_EQ(pthread_create(&t, NULL, closer, files), 0);
		closer(eps);
		pthread_join(t, NULL);
	}
}

/* EPOLLEXCLUSIVE: one event, several epolls, few wake-ups. */
#include "tests/abi/tap.h"
#include <sys/epoll.h>
#include <sys/eventfd.h>

static int ctl(int ep, int op, int fd, uint32_t events)
{
	struct epoll_event e = { .events = events, .data.fd = fd };

	return epoll_ctl(ep, op, fd, &e);
}

TEST(epoll_exclusive_delivers)
{
	struct epoll_event e;
	int ep = epoll_create1(0), fd = eventfd(0, 0);

	CHECK_EQ(ctl(ep, EPOLL_CTL_ADD, fd, EPOLLIN | EPOLLEXCLUSIVE), 0);
	eventfd_write(fd, 1);
	CHECK_EQ(epoll_wait(ep, &e, 1, 0), 1);
	CHECK_EQ(e.events, EPOLLIN);
}

TEST(epoll_exclusive_cannot_be_modified)
{
	int ep = epoll_create1(0), fd = eventfd(0, 0);

	CHECK_EQ(ctl(ep, EPOLL_CTL_ADD, fd, EPOLLIN | EPOLLEXCLUSIVE), 0);
	CHECK_ERRNO(ctl(ep, EPOLL_CTL_MOD, fd, EPOLLIN), EINVAL);
	CHECK_ERRNO(ctl(ep, EPOLL_CTL_MOD, fd, EPOLLIN | EPOLLEXCLUSIVE), EINVAL);
	CHECK_EQ(ctl(ep, EPOLL_CTL_DEL, fd, 0), 0);
}

TEST(epoll_exclusive_cannot_be_set_by_mod)
{
	int ep = epoll_create1(0), fd = eventfd(0, 0);

	CHECK_EQ(ctl(ep, EPOLL_CTL_ADD, fd, EPOLLIN), 0);
	CHECK_ERRNO(ctl(ep, EPOLL_CTL_MOD, fd, EPOLLIN | EPOLLEXCLUSIVE), EINVAL);
}

TEST(epoll_exclusive_with_oneshot_is_einval)
{
	int ep = epoll_create1(0), fd = eventfd(0, 0);

	CHECK_ERRNO(ctl(ep, EPOLL_CTL_ADD, fd, EPOLLIN | EPOLLEXCLUSIVE | EPOLLONESHOT), EINVAL);
}

TEST(epoll_exclusive_with_other_events_is_einval)
{
	int ep = epoll_create1(0), fd = eventfd(0, 0);

	CHECK_ERRNO(ctl(ep, EPOLL_CTL_ADD, fd, EPOLLPRI | EPOLLEXCLUSIVE), EINVAL);
	CHECK_ERRNO(ctl(ep, EPOLL_CTL_ADD, fd, EPOLLRDHUP | EPOLLEXCLUSIVE), EINVAL);
	CHECK_EQ(ctl(ep, EPOLL_CTL_ADD, fd, EPOLLIN | EPOLLOUT | EPOLLERR | EPOLLHUP | EPOLLET | EPOLLWAKEUP |
					    EPOLLEXCLUSIVE), 0);
}

TEST(epoll_exclusive_on_an_epoll_is_einval)
{
	CHECK_ERRNO(ctl(epoll_create1(0), EPOLL_CTL_ADD, epoll_create1(0), EPOLLIN | EPOLLEXCLUSIVE), EINVAL);
}

/* @n processes wait, each in an epoll of its own, for one eventfd. Return: how many woke for one write. */
static int count_woken(int n, uint32_t events, uint32_t first_events)
{
	int fd = eventfd(0, 0), count = 0, status;

	for (int i = 0; i < n; i++)
		if (fork() == 0) {
			struct epoll_event e;
			int ep = epoll_create1(0);

			if (ctl(ep, EPOLL_CTL_ADD, fd, i == 0 ? first_events : events))
				_exit(2);
			_exit(epoll_wait(ep, &e, 1, 600) == 1);
		}
	sleep_ms(150);
	eventfd_write(fd, 1);
	for (int i = 0; i < n; i++) {
		CHECK(wait(&status) > 0);
		CHECK(WEXITSTATUS(status) < 2);
		count += WEXITSTATUS(status);
	}
	return count;
}

TEST(epoll_without_exclusive_all_are_woken)
{
	CHECK_EQ(count_woken(4, EPOLLIN, EPOLLIN), 4);
}

TEST(epoll_exclusive_wakes_one)
{
	CHECK_EQ(count_woken(4, EPOLLIN | EPOLLEXCLUSIVE, EPOLLIN | EPOLLEXCLUSIVE), 1);
}

TEST(epoll_exclusive_and_shared_wakes_one_and_all_shared)
{
	CHECK_EQ(count_woken(4, EPOLLIN | EPOLLEXCLUSIVE, EPOLLIN), 2);
}

TEST(epoll_exclusive_passes_over_one_with_nobody_waiting)
{
	struct epoll_event e;
	int fd = eventfd(0, 0), idle = epoll_create1(0), ep = epoll_create1(0), status;

	/* It is first in line, but nobody waits there. */
	CHECK_EQ(ctl(idle, EPOLL_CTL_ADD, fd, EPOLLIN | EPOLLEXCLUSIVE), 0);
	CHECK_EQ(ctl(ep, EPOLL_CTL_ADD, fd, EPOLLIN | EPOLLEXCLUSIVE), 0);
	if (fork() == 0)
		_exit(epoll_wait(ep, &e, 1, 10000) != 1);
	sleep_ms(100);
	eventfd_write(fd, 1);
	CHECK(wait(&status) > 0 && status == 0);
	CHECK_EQ(epoll_wait(idle, &e, 1, 0), 1);
}

TEST(epoll_exclusive_ignores_what_it_does_not_want)
{
	struct epoll_event e;
	int fd = eventfd(0, 0), out = epoll_create1(0), in = epoll_create1(0), status;

	/* Both ends are waited for; the one for output is first in line, and full, so it waits as well. */
	eventfd_write(fd, 0xfffffffffffffffeULL);
	CHECK_EQ(ctl(in, EPOLL_CTL_ADD, fd, EPOLLOUT | EPOLLEXCLUSIVE), 0);
	CHECK_EQ(ctl(out, EPOLL_CTL_ADD, fd, EPOLLOUT | EPOLLEXCLUSIVE), 0);
	if (fork() == 0)
		_exit(epoll_wait(in, &e, 1, 400) + 10 * epoll_wait(out, &e, 1, 0));
	sleep_ms(100);
	uint64_t v;

	CHECK_EQ(read(fd, &v, 8), 8);
	CHECK(wait(&status) > 0);
	/* The waiter got it; the other was not even told, or was told and has it on its list: both are allowed. */
	CHECK_EQ(WEXITSTATUS(status) % 10, 1);
}

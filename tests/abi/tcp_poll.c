/* TCP: what poll() and epoll say in each state. */
#include "tests/abi/tcp_pair.h"
#include <sys/epoll.h>

TEST(tcp_poll_of_a_new_socket_is_out_and_hup)
{
	CHECK_EQ(events_now(tcp_socket(0)), POLLOUT | POLLHUP);
}

TEST(tcp_poll_of_a_listener)
{
	int l = listener(1), c = tcp_socket(0);

	CHECK_EQ(events_now(l), 0);
	CHECK_EQ(connect_to(c, port_of(l)), 0);
	CHECK_EQ(wait_events(l, POLLIN), POLLIN);
	CHECK_EQ(events_now(l), POLLIN);
	CHECK(accept(l, NULL, NULL) >= 0);
	CHECK_EQ(events_now(l), 0);
}

TEST(tcp_poll_of_a_connection)
{
	struct pair p = tcp_pair();
	char c;

	CHECK_EQ(events_now(p.c), POLLOUT);
	CHECK_EQ(events_now(p.s), POLLOUT);
	CHECK_EQ(write(p.c, "x", 1), 1);
	CHECK_EQ(wait_events(p.s, POLLIN), POLLIN);
	CHECK_EQ(events_now(p.s), POLLIN | POLLOUT);
	CHECK_EQ(read(p.s, &c, 1), 1);
	CHECK_EQ(events_now(p.s), POLLOUT);
}

TEST(tcp_poll_after_the_peer_shut_its_side)
{
	struct pair p = tcp_pair();

	CHECK_EQ(shutdown(p.c, SHUT_WR), 0);
	CHECK_EQ(wait_events(p.s, POLLRDHUP), POLLRDHUP);
	CHECK_EQ(events_now(p.s), POLLIN | POLLOUT | POLLRDHUP);
	CHECK_EQ(events_now(p.c), POLLOUT);
}

TEST(tcp_poll_after_both_sides_shut)
{
	struct pair p = tcp_pair();

	CHECK_EQ(shutdown(p.c, SHUT_WR), 0);
	CHECK_EQ(shutdown(p.s, SHUT_WR), 0);
	wait_state(p.s, TCPS_CLOSE);
	CHECK_EQ(wait_events(p.c, POLLRDHUP) & (POLLRDHUP | POLLHUP), POLLRDHUP | POLLHUP);
	CHECK_EQ(events_now(p.c), POLLIN | POLLOUT | POLLRDHUP | POLLHUP);
	CHECK_EQ(events_now(p.s), POLLIN | POLLOUT | POLLRDHUP | POLLHUP);
}

TEST(tcp_poll_after_own_shut_rd)
{
	struct pair p = tcp_pair();

	CHECK_EQ(shutdown(p.c, SHUT_RD), 0);
	CHECK_EQ(events_now(p.c), POLLIN | POLLOUT | POLLRDHUP);
}

TEST(tcp_poll_after_own_shut_rdwr)
{
	struct pair p = tcp_pair();

	CHECK_EQ(shutdown(p.c, SHUT_RDWR), 0);
	CHECK_EQ(events_now(p.c), POLLIN | POLLOUT | POLLRDHUP | POLLHUP);
}

TEST(tcp_poll_after_a_reset)
{
	struct linger l = { 1, 0 };
	struct pair p = tcp_pair();

	CHECK_EQ(setsockopt(p.c, SOL_SOCKET, SO_LINGER, &l, sizeof(l)), 0);
	close(p.c);
	CHECK_EQ(wait_events(p.s, 0), POLLERR | POLLHUP);
	CHECK_EQ(events_now(p.s), POLLIN | POLLOUT | POLLRDHUP | POLLHUP | POLLERR);
	CHECK_EQ(get_int(p.s, SOL_SOCKET, SO_ERROR), ECONNRESET);
	CHECK_EQ(events_now(p.s), POLLIN | POLLOUT | POLLRDHUP | POLLHUP);
}

/* Write until it would block; return the bytes. */
static size_t fill(int fd)
{
	static char buf[65536];
	size_t total = 0;
	ssize_t n;

	while ((n = send(fd, buf, sizeof(buf), MSG_DONTWAIT)) > 0)
		total += n;
	CHECK_EQ(errno, EAGAIN);
	return total;
}

TEST(tcp_pollout_ends_when_the_buffers_are_full_and_comes_back)
{
	struct pair p = tcp_pair();
	static char buf[65536];
	size_t total = fill(p.c);

	sleep_ms(20);
	total += fill(p.c);
	CHECK_EQ(events_now(p.c) & POLLOUT, 0);
	while (total) {
		ssize_t n = recv(p.s, buf, sizeof(buf), 0);

		CHECK(n > 0);
		total -= n;
	}
	CHECK_EQ(wait_events(p.c, POLLOUT), POLLOUT);
}

TEST(tcp_rcvlowat_delays_pollin)
{
	struct pair p = tcp_pair();

	CHECK_EQ(set_int(p.s, SOL_SOCKET, SO_RCVLOWAT, 10), 0);
	CHECK_EQ(write(p.c, "12345", 5), 5);
	sleep_ms(50);
	CHECK_EQ(events_now(p.s), POLLOUT);
	CHECK_EQ(write(p.c, "67890", 5), 5);
	CHECK_EQ(wait_events(p.s, POLLIN), POLLIN);
}

TEST(tcp_epoll_edge_triggered_tells_of_each_arrival)
{
	struct epoll_event ev = { .events = EPOLLIN | EPOLLET }, out;
	struct pair p = tcp_pair();
	int ep = epoll_create1(0);

	CHECK_EQ(epoll_ctl(ep, EPOLL_CTL_ADD, p.s, &ev), 0);
	CHECK_EQ(epoll_wait(ep, &out, 1, 0), 0);
	for (int i = 0; i < 3; i++) {
		CHECK_EQ(write(p.c, "x", 1), 1);
		CHECK_EQ(epoll_wait(ep, &out, 1, 2000), 1);
		CHECK_EQ(out.events, EPOLLIN);
		CHECK_EQ(epoll_wait(ep, &out, 1, 0), 0);
	}
}

TEST(tcp_epoll_edge_triggered_out_comes_after_eagain)
{
	struct epoll_event ev = { .events = EPOLLOUT | EPOLLET }, out;
	static char buf[65536];
	struct pair p = tcp_pair();
	int ep = epoll_create1(0);
	size_t total;

	nonblocking(p.s);
	CHECK_EQ(epoll_ctl(ep, EPOLL_CTL_ADD, p.c, &ev), 0);
	CHECK_EQ(epoll_wait(ep, &out, 1, 0), 1);
	total = fill(p.c);
	sleep_ms(20);
	total += fill(p.c);
	while (epoll_wait(ep, &out, 1, 0) > 0)
		total += fill(p.c);
	for (size_t got = 0; got < total; ) {
		ssize_t n = recv(p.s, buf, sizeof(buf), 0);

		if (n < 0)
			CHECK_EQ(wait_events(p.s, POLLIN), POLLIN);
		else
			got += n;
	}
	CHECK_EQ(epoll_wait(ep, &out, 1, 2000), 1);
	CHECK_EQ(out.events, EPOLLOUT);
}

TEST(tcp_epoll_connect_completion)
{
	struct epoll_event ev = { .events = EPOLLIN | EPOLLOUT | EPOLLET }, out;
	int l = listener(1), c = tcp_socket(SOCK_NONBLOCK), ep = epoll_create1(0), port = port_of(l);

	connect_to(c, port);
	CHECK_EQ(epoll_ctl(ep, EPOLL_CTL_ADD, c, &ev), 0);
	CHECK_EQ(epoll_wait(ep, &out, 1, 2000), 1);
	CHECK_EQ(out.events, EPOLLOUT);
}

TEST(tcp_epoll_sees_accepts_hangups_and_resets)
{
	struct epoll_event ev = { .events = EPOLLIN | EPOLLRDHUP }, out;
	int l = listener(4), ep = epoll_create1(0);
	struct linger lg = { 1, 0 };
	struct pair p;

	CHECK_EQ(epoll_ctl(ep, EPOLL_CTL_ADD, l, &ev), 0);
	p.c = tcp_socket(0);
	CHECK_EQ(connect_to(p.c, port_of(l)), 0);
	CHECK_EQ(epoll_wait(ep, &out, 1, 2000), 1);
	CHECK_EQ(out.events, EPOLLIN);
	p.s = accept(l, NULL, NULL);
	CHECK_EQ(epoll_ctl(ep, EPOLL_CTL_ADD, p.s, &ev), 0);
	CHECK_EQ(epoll_wait(ep, &out, 1, 0), 0);
	CHECK_EQ(shutdown(p.c, SHUT_WR), 0);
	CHECK_EQ(epoll_wait(ep, &out, 1, 2000), 1);
	CHECK_EQ(out.events, EPOLLIN | EPOLLRDHUP);
	CHECK_EQ(setsockopt(p.c, SOL_SOCKET, SO_LINGER, &lg, sizeof(lg)), 0);
	close(p.c);
	for (int i = 0; i < 200 && !(out.events & EPOLLERR); i++) {
		sleep_ms(5);
		CHECK_EQ(epoll_wait(ep, &out, 1, 2000), 1);
	}
	CHECK_EQ(out.events, EPOLLIN | EPOLLRDHUP | EPOLLHUP | EPOLLERR);
}

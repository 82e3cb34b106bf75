/* TCP: connect(), accept() and listen(): what they return, when, and what the sockets are afterwards. */
#include "tests/abi/tcp_pair.h"

TEST(tcp_connect_accept_names_both_ends)
{
	int l = listener(1);
	struct pair p;
	struct sockaddr_in a, b;
	socklen_t la = sizeof(a), lb = sizeof(b);

	p.c = tcp_socket(0);
	CHECK_EQ(connect_to(p.c, port_of(l)), 0);
	p.s = accept(l, (struct sockaddr *)&a, &la);
	CHECK(p.s >= 0);
	CHECK_EQ(la, sizeof(a));
	CHECK_EQ(ntohs(a.sin_port), port_of(p.c));
	CHECK_EQ(getpeername(p.c, (struct sockaddr *)&b, &lb), 0);
	CHECK_EQ(ntohs(b.sin_port), port_of(l));
	CHECK_EQ(b.sin_addr.s_addr, htonl(INADDR_LOOPBACK));
	CHECK_EQ(port_of(p.s), port_of(l));
}

TEST(tcp_connect_refused)
{
	int fd = tcp_socket(0);

	CHECK_ERRNO(connect_to(fd, unused_port()), ECONNREFUSED);
	CHECK_EQ(get_int(fd, SOL_SOCKET, SO_ERROR), 0);
}

TEST(tcp_connect_can_be_tried_again_after_a_refusal)
{
	int fd = tcp_socket(0), l;

	CHECK_ERRNO(connect_to(fd, unused_port()), ECONNREFUSED);
	l = listener(1);
	CHECK_EQ(connect_to(fd, port_of(l)), 0);
}

TEST(tcp_connect_nonblocking_gives_einprogress_then_ealready_then_eisconn)
{
	int l = listener(1), fd = tcp_socket(SOCK_NONBLOCK);
	int port = port_of(l);
	int r = connect_to(fd, port);

	CHECK(r == 0 || errno == EINPROGRESS);
	CHECK_EQ(wait_events(fd, POLLOUT), POLLOUT);
	CHECK_EQ(get_int(fd, SOL_SOCKET, SO_ERROR), 0);
	r = connect_to(fd, port);
	CHECK(r == 0 || errno == EISCONN);
	CHECK_ERRNO(connect_to(fd, port), EISCONN);
}

TEST(tcp_connect_nonblocking_refused_is_told_by_poll_and_so_error)
{
	int fd = tcp_socket(SOCK_NONBLOCK);
	int r = connect_to(fd, unused_port());

	if (r < 0 && errno == ECONNREFUSED)
		return;
	CHECK_EQ(errno, EINPROGRESS);
	CHECK_EQ(wait_events(fd, POLLOUT), POLLOUT | POLLERR | POLLHUP);
	CHECK_EQ(get_int(fd, SOL_SOCKET, SO_ERROR), ECONNREFUSED);
	CHECK_EQ(get_int(fd, SOL_SOCKET, SO_ERROR), 0);
}

TEST(tcp_connect_on_a_connected_socket_is_eisconn)
{
	struct pair p = tcp_pair();

	CHECK_ERRNO(connect_to(p.c, 1), EISCONN);
	CHECK_ERRNO(connect_to(p.s, 1), EISCONN);
}

TEST(tcp_connect_on_a_listener_is_eisconn)
{
	int l = listener(1);

	CHECK_ERRNO(connect_to(l, port_of(l)), EISCONN);
}

TEST(tcp_connect_wrong_family_or_length)
{
	struct sockaddr_in a = loopback(9);
	int fd = tcp_socket(0);

	a.sin_family = AF_UNIX;
	CHECK_ERRNO(connect(fd, (struct sockaddr *)&a, sizeof(a)), EAFNOSUPPORT);
	a.sin_family = AF_INET;
	CHECK_ERRNO(connect(fd, (struct sockaddr *)&a, 8), EINVAL);
	CHECK_ERRNO(connect(fd, (struct sockaddr *)&a, 1), EINVAL);
}

TEST(tcp_connect_af_unspec_disconnects)
{
	struct sockaddr_in a = { .sin_family = AF_UNSPEC };
	struct pair p = tcp_pair();
	char c;

	CHECK_EQ(connect(p.c, (struct sockaddr *)&a, sizeof(a)), 0);
	CHECK_EQ(state_of(p.c), TCPS_CLOSE);
	CHECK_ERRNO(read(p.s, &c, 1), ECONNRESET);
}

TEST(tcp_connect_to_any_address_is_the_loopback)
{
	int l = listener(1), fd = tcp_socket(0);
	struct sockaddr_in a = loopback(port_of(l)), peer;
	socklen_t len = sizeof(peer);

	a.sin_addr.s_addr = htonl(INADDR_ANY);
	CHECK_EQ(connect(fd, (struct sockaddr *)&a, sizeof(a)), 0);
	CHECK_EQ(getpeername(fd, (struct sockaddr *)&peer, &len), 0);
	CHECK_EQ(peer.sin_addr.s_addr, htonl(INADDR_LOOPBACK));
}

TEST(tcp_connect_bound_port_is_kept)
{
	int l = listener(1), fd = tcp_socket(0), port;

	CHECK_EQ(bind_to(fd, 0), 0);
	port = port_of(fd);
	CHECK_EQ(connect_to(fd, port_of(l)), 0);
	CHECK_EQ(port_of(fd), port);
}

TEST(tcp_connect_to_itself_simultaneous_open)
{
	int fd = tcp_socket(0);
	char buf[8];

	CHECK_EQ(bind_to(fd, 0), 0);
	CHECK_EQ(connect_to(fd, port_of(fd)), 0);
	CHECK_EQ(state_of(fd), TCPS_ESTABLISHED);
	CHECK_EQ(write(fd, "hello", 5), 5);
	read_all(fd, buf, 5);
	CHECK_EQ(memcmp(buf, "hello", 5), 0);
	CHECK_EQ(shutdown(fd, SHUT_WR), 0);
	CHECK_EQ(read(fd, buf, 1), 0);
}

TEST(tcp_getpeername_of_unconnected_is_enotconn)
{
	struct sockaddr_in a;
	socklen_t len = sizeof(a);
	int fd = tcp_socket(0);

	CHECK_ERRNO(getpeername(fd, (struct sockaddr *)&a, &len), ENOTCONN);
	CHECK_EQ(getsockname(fd, (struct sockaddr *)&a, &len), 0);
	CHECK_EQ(a.sin_port, 0);
}

TEST(tcp_accept_errors)
{
	int fd = tcp_socket(0), l = listener(1);
	struct pair p = tcp_pair();

	CHECK_ERRNO(accept(fd, NULL, NULL), EINVAL);
	CHECK_ERRNO(accept(p.c, NULL, NULL), EINVAL);
	CHECK_ERRNO(syscall(SYS_accept4, l, NULL, NULL, 0x40000000), EINVAL);
	CHECK_ERRNO(accept(0x7fffffff, NULL, NULL), EBADF);
	nonblocking(l);
	CHECK_ERRNO(accept(l, NULL, NULL), EAGAIN);
}

TEST(tcp_accept4_flags_and_no_inheritance)
{
	int l = listener(4), s;
	int c = tcp_socket(0), d = tcp_socket(0);

	CHECK_EQ(connect_to(c, port_of(l)), 0);
	CHECK_EQ(connect_to(d, port_of(l)), 0);
	nonblocking(l);
	s = accept4(l, NULL, NULL, SOCK_NONBLOCK | SOCK_CLOEXEC);
	CHECK(s >= 0);
	CHECK_EQ(fcntl(s, F_GETFL) & O_NONBLOCK, O_NONBLOCK);
	CHECK_EQ(fcntl(s, F_GETFD), FD_CLOEXEC);
	s = accept(l, NULL, NULL);
	CHECK(s >= 0);
	CHECK_EQ(fcntl(s, F_GETFL) & O_NONBLOCK, 0);
}

TEST(tcp_accept_blocks_until_a_connection_comes)
{
	int l = listener(1);

	if (fork() == 0) {
		int c = tcp_socket(0);

		sleep_ms(50);
		_exit(connect_to(c, port_of(l)) != 0);
	}
	CHECK(accept(l, NULL, NULL) >= 0);
}

TEST(tcp_accept_timeout_by_so_rcvtimeo)
{
	struct timeval tv = { 0, 50000 };
	int l = listener(1);
	int64_t t0 = now_ns();

	CHECK_EQ(setsockopt(l, SOL_SOCKET, SO_RCVTIMEO, &tv, sizeof(tv)), 0);
	CHECK_ERRNO(accept(l, NULL, NULL), EAGAIN);
	CHECK(now_ns() - t0 >= 45000000);
}

static void on_alarm(int sig) { (void)sig; }

TEST(tcp_accept_is_interrupted_by_a_signal)
{
	struct sigaction sa = { .sa_handler = on_alarm };
	struct itimerval it = { .it_value = { 0, 50000 } };
	int l = listener(1);

	sigaction(SIGALRM, &sa, NULL);
	setitimer(ITIMER_REAL, &it, NULL);
	CHECK_ERRNO(accept(l, NULL, NULL), EINTR);
}

TEST(tcp_accept_of_a_connection_that_was_closed_already)
{
	int l = listener(4), c = tcp_socket(0), s;
	char buf[4];

	CHECK_EQ(connect_to(c, port_of(l)), 0);
	CHECK_EQ(write(c, "bye", 3), 3);
	close(c);
	s = accept(l, NULL, NULL);
	CHECK(s >= 0);
	read_all(s, buf, 3);
	CHECK_EQ(read(s, buf, 1), 0);
}

TEST(tcp_accept_of_a_connection_that_was_reset_already)
{
	struct linger lg = { 1, 0 };
	int l = listener(4), c = tcp_socket(0), s;
	char b;

	CHECK_EQ(connect_to(c, port_of(l)), 0);
	CHECK_EQ(setsockopt(c, SOL_SOCKET, SO_LINGER, &lg, sizeof(lg)), 0);
	close(c);
	s = accept(l, NULL, NULL);
	CHECK(s >= 0);
	CHECK_ERRNO(read(s, &b, 1), ECONNRESET);
}

TEST(tcp_many_accepts_in_order)
{
	int l = listener(16), c[8];

	for (int i = 0; i < 8; i++) {
		c[i] = tcp_socket(0);
		CHECK_EQ(connect_to(c[i], port_of(l)), 0);
	}
	for (int i = 0; i < 8; i++) {
		struct sockaddr_in a;
		socklen_t len = sizeof(a);
		int s = accept(l, (struct sockaddr *)&a, &len);

		CHECK(s >= 0);
		CHECK_EQ(ntohs(a.sin_port), port_of(c[i]));
	}
}

TEST(tcp_accept_queue_limit_is_backlog_plus_one)
{
	int l = listener(2), c[3], extra;

	for (int i = 0; i < 3; i++) {
		c[i] = tcp_socket(0);
		CHECK_EQ(connect_to(c[i], port_of(l)), 0);
	}
	/* The queue is full: the next SYN is dropped and connect() does not come back. */
	extra = tcp_socket(SOCK_NONBLOCK);
	CHECK_ERRNO(connect_to(extra, port_of(l)), EINPROGRESS);
	sleep_ms(100);
	CHECK_EQ(events_now(extra), 0);
	/* Room again: the SYN sent again after a second is taken. */
	CHECK(accept(l, NULL, NULL) >= 0);
	CHECK_EQ(wait_events(extra, POLLOUT), POLLOUT);
	CHECK_EQ(get_int(extra, SOL_SOCKET, SO_ERROR), 0);
}

TEST(tcp_listen_on_unbound_socket_chooses_a_port)
{
	int fd = tcp_socket(0), c = tcp_socket(0);

	CHECK_EQ(listen(fd, 1), 0);
	CHECK(port_of(fd) > 0);
	CHECK_EQ(connect_to(c, port_of(fd)), 0);
}

TEST(tcp_listen_errors)
{
	struct pair p = tcp_pair();
	int u = socket(AF_INET, SOCK_DGRAM, 0), l = listener(1);

	CHECK_ERRNO(listen(p.c, 1), EINVAL);
	CHECK_ERRNO(listen(u, 1), EOPNOTSUPP);
	CHECK_EQ(listen(l, 5), 0);
}

TEST(tcp_listener_states_and_io_errors)
{
	int l = listener(1), v = get_int(l, SOL_SOCKET, SO_ACCEPTCONN);
	char c;

	CHECK_EQ(v, 1);
	CHECK_EQ(state_of(l), TCPS_LISTEN);
	CHECK_ERRNO(recv(l, &c, 1, 0), ENOTCONN);
	CHECK_ERRNO(send(l, &c, 1, MSG_NOSIGNAL), EPIPE);
	CHECK_ERRNO(ioctl(l, FIONREAD, &v), EINVAL);
}

TEST(tcp_shutdown_of_a_listener_ends_it)
{
	int l = listener(1), port = port_of(l), c = tcp_socket(0);

	CHECK_EQ(shutdown(l, SHUT_RDWR), 0);
	CHECK_ERRNO(accept(l, NULL, NULL), EINVAL);
	CHECK_ERRNO(connect_to(c, port), ECONNREFUSED);
	/* Its port was chosen by bind(), so it was given back, too. */
	CHECK_EQ(listen(l, 1), 0);
	CHECK(port_of(l) > 0);
}

TEST(tcp_closing_a_listener_resets_what_waits_in_its_queue)
{
	int l = listener(4), c = tcp_socket(0);
	char b;

	CHECK_EQ(connect_to(c, port_of(l)), 0);
	close(l);
	CHECK_ERRNO(read(c, &b, 1), ECONNRESET);
}

TEST(tcp_deferred_accept_waits_for_data)
{
	int l = listener(4), c = tcp_socket(0);

	CHECK_EQ(set_int(l, IPPROTO_TCP, TCP_DEFER_ACCEPT, 5), 0);
	CHECK_EQ(connect_to(c, port_of(l)), 0);
	sleep_ms(100);
	CHECK_EQ(events_now(l), 0);
	CHECK_EQ(write(c, "x", 1), 1);
	CHECK_EQ(wait_events(l, POLLIN), POLLIN);
	CHECK(accept(l, NULL, NULL) >= 0);
}

/* TCP: the ways a connection ends, and what each end sees of it. */
#include "tests/abi/tcp_pair.h"

TEST(tcp_half_close_lets_the_other_direction_go_on)
{
	struct pair p = tcp_pair();
	char buf[16];

	CHECK_EQ(write(p.c, "request", 7), 7);
	CHECK_EQ(shutdown(p.c, SHUT_WR), 0);
	read_all(p.s, buf, 7);
	CHECK_EQ(read(p.s, buf, 1), 0);
	CHECK_EQ(write(p.s, "answer", 6), 6);
	close(p.s);
	read_all(p.c, buf, 6);
	CHECK_EQ(memcmp(buf, "answer", 6), 0);
	CHECK_EQ(read(p.c, buf, 1), 0);
}

TEST(tcp_states_of_a_half_close)
{
	struct pair p = tcp_pair();

	CHECK_EQ(shutdown(p.c, SHUT_WR), 0);
	wait_state(p.c, TCPS_FIN_WAIT2);
	wait_state(p.s, TCPS_CLOSE_WAIT);
	close(p.s);
	wait_state(p.c, TCPS_CLOSE);
}

TEST(tcp_write_after_shutdown_is_epipe_with_sigpipe)
{
	struct pair p = tcp_pair();
	int status;
	pid_t pid;

	CHECK_EQ(shutdown(p.c, SHUT_WR), 0);
	CHECK_ERRNO(send(p.c, "x", 1, MSG_NOSIGNAL), EPIPE);
	pid = fork();
	if (pid == 0) {
		signal(SIGPIPE, SIG_DFL);
		write(p.c, "x", 1);
		_exit(0);
	}
	CHECK_EQ(waitpid(pid, &status, 0), pid);
	CHECK(WIFSIGNALED(status) && WTERMSIG(status) == SIGPIPE);
}

TEST(tcp_shut_rd_reads_end_of_file_but_keeps_queued_data)
{
	struct pair p = tcp_pair();
	char buf[8];

	CHECK_EQ(write(p.c, "abc", 3), 3);
	CHECK_EQ(wait_events(p.s, POLLIN), POLLIN);
	CHECK_EQ(shutdown(p.s, SHUT_RD), 0);
	CHECK_EQ(read(p.s, buf, 8), 3);
	CHECK_EQ(read(p.s, buf, 8), 0);
	/* Linux takes data after SHUT_RD all the same. */
	CHECK_EQ(write(p.c, "de", 2), 2);
}

TEST(tcp_shutdown_errors)
{
	struct pair p = tcp_pair();
	int fd = tcp_socket(0);

	CHECK_ERRNO(shutdown(fd, SHUT_WR), ENOTCONN);
	CHECK_ERRNO(shutdown(p.c, 3), EINVAL);
	CHECK_ERRNO(shutdown(p.c, -1), EINVAL);
	CHECK_EQ(shutdown(p.c, SHUT_WR), 0);
	CHECK_EQ(shutdown(p.c, SHUT_WR), 0);
	CHECK_EQ(shutdown(p.c, SHUT_RDWR), 0);
}

TEST(tcp_linger_zero_sends_a_reset)
{
	struct linger l = { 1, 0 };
	struct pair p = tcp_pair();
	char c;

	CHECK_EQ(setsockopt(p.c, SOL_SOCKET, SO_LINGER, &l, sizeof(l)), 0);
	close(p.c);
	CHECK_EQ(wait_events(p.s, POLLIN) & (POLLERR | POLLHUP), POLLERR | POLLHUP);
	CHECK_ERRNO(read(p.s, &c, 1), ECONNRESET);
	/* The error is told once. */
	CHECK_EQ(read(p.s, &c, 1), 0);
	CHECK_ERRNO(send(p.s, &c, 1, MSG_NOSIGNAL), EPIPE);
}

TEST(tcp_close_with_unread_data_sends_a_reset)
{
	struct pair p = tcp_pair();
	char c;

	CHECK_EQ(write(p.c, "unread", 6), 6);
	CHECK_EQ(wait_events(p.s, POLLIN), POLLIN);
	close(p.s);
	CHECK_EQ(wait_events(p.c, POLLIN) & POLLHUP, POLLHUP);
	CHECK_ERRNO(read(p.c, &c, 1), ECONNRESET);
}

TEST(tcp_data_before_a_reset_is_lost_but_data_before_a_fin_is_not)
{
	struct pair p = tcp_pair();
	char buf[8];

	CHECK_EQ(write(p.c, "last", 4), 4);
	close(p.c);
	read_all(p.s, buf, 4);
	CHECK_EQ(read(p.s, buf, 1), 0);
}

TEST(tcp_write_to_a_closed_peer_gives_a_reset_then_epipe)
{
	struct pair p = tcp_pair();

	close(p.s);
	CHECK_EQ(wait_events(p.c, POLLIN), POLLIN);
	CHECK_EQ(send(p.c, "x", 1, MSG_NOSIGNAL), 1);
	CHECK_EQ(wait_events(p.c, POLLPRI) & (POLLERR | POLLHUP), POLLERR | POLLHUP);
	CHECK_ERRNO(send(p.c, "x", 1, MSG_NOSIGNAL), EPIPE);
}

TEST(tcp_linger_waits_for_the_data_to_be_acknowledged)
{
	struct linger l = { 1, 5 };
	struct pair p = tcp_pair();
	int64_t t0 = now_ns();

	CHECK_EQ(setsockopt(p.c, SOL_SOCKET, SO_LINGER, &l, sizeof(l)), 0);
	CHECK_EQ(write(p.c, "x", 1), 1);
	close(p.c);
	CHECK(now_ns() - t0 < 3000000000LL);
}

TEST(tcp_linger_option_comes_back)
{
	struct linger l = { 1, 7 };
	socklen_t len = sizeof(l);
	int fd = tcp_socket(0);

	CHECK_EQ(setsockopt(fd, SOL_SOCKET, SO_LINGER, &l, sizeof(l)), 0);
	memset(&l, 0, sizeof(l));
	CHECK_EQ(getsockopt(fd, SOL_SOCKET, SO_LINGER, &l, &len), 0);
	CHECK_EQ(l.l_onoff, 1);
	CHECK_EQ(l.l_linger, 7);
}

TEST(tcp_both_ends_close_at_once)
{
	for (int i = 0; i < 20; i++) {
		struct pair p = tcp_pair();

		CHECK_EQ(shutdown(p.c, SHUT_WR), 0);
		CHECK_EQ(shutdown(p.s, SHUT_WR), 0);
		CHECK_EQ(read(p.c, &i, 0), 0);
		close(p.c);
		close(p.s);
	}
}

TEST(tcp_the_port_of_a_time_wait_needs_reuseaddr)
{
	int l = listener(1), port = port_of(l), on = 1, again;
	struct pair p = pair_of(l);
	char c;

	/* The accepting side closes first: its port has the TIME_WAIT. */
	close(p.s);
	CHECK_EQ(read(p.c, &c, 1), 0);
	close(p.c);
	close(l);
	sleep_ms(50);
	again = tcp_socket(0);
	CHECK_ERRNO(bind_to(again, port), EADDRINUSE);
	CHECK_EQ(setsockopt(again, SOL_SOCKET, SO_REUSEADDR, &on, sizeof(on)), 0);
	/* Linux looks at the first socket's setting too: it had none. */
	CHECK_ERRNO(bind_to(again, port), EADDRINUSE);
}

TEST(tcp_reuseaddr_binds_over_time_wait)
{
	int l = tcp_socket(0), on = 1, port, again;
	struct pair p;
	char c;

	CHECK_EQ(setsockopt(l, SOL_SOCKET, SO_REUSEADDR, &on, sizeof(on)), 0);
	CHECK_EQ(bind_to(l, 0), 0);
	CHECK_EQ(listen(l, 1), 0);
	port = port_of(l);
	p = pair_of(l);
	close(p.s);
	CHECK_EQ(read(p.c, &c, 1), 0);
	close(p.c);
	close(l);
	again = tcp_socket(0);
	CHECK_EQ(setsockopt(again, SOL_SOCKET, SO_REUSEADDR, &on, sizeof(on)), 0);
	CHECK_EQ(bind_to(again, port), 0);
	CHECK_EQ(listen(again, 1), 0);
}

TEST(tcp_reset_while_a_reader_sleeps)
{
	struct linger l = { 1, 0 };
	struct pair p = tcp_pair();
	char c;

	if (fork() == 0) {
		close(p.s);
		sleep_ms(50);
		setsockopt(p.c, SOL_SOCKET, SO_LINGER, &l, sizeof(l));
		close(p.c);
		_exit(0);
	}
	close(p.c);
	CHECK_ERRNO(read(p.s, &c, 1), ECONNRESET);
}

TEST(tcp_close_by_the_peer_wakes_a_sleeping_reader)
{
	struct pair p = tcp_pair();
	char c;

	if (fork() == 0) {
		close(p.s);
		sleep_ms(50);
		close(p.c);
		_exit(0);
	}
	close(p.c);
	CHECK_EQ(read(p.s, &c, 1), 0);
}

TEST(tcp_shutdown_wakes_a_reader_of_the_same_socket)
{
	struct pair p = tcp_pair();
	char c;

	if (fork() == 0) {
		sleep_ms(50);
		shutdown(p.c, SHUT_RD);
		_exit(0);
	}
	CHECK_EQ(read(p.c, &c, 1), 0);
}

TEST(tcp_hundred_connections_leave_nothing_behind)
{
	int l = listener(8);

	for (int i = 0; i < 100; i++) {
		struct pair p = pair_of(l);
		char c;

		CHECK_EQ(write(p.c, "x", 1), 1);
		CHECK_EQ(read(p.s, &c, 1), 1);
		close(p.c);
		CHECK_EQ(read(p.s, &c, 1), 0);
		close(p.s);
	}
}

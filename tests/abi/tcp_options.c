/* TCP: socket options, their ranges and their errors; bind conflicts. */
#include "tests/abi/tcp_pair.h"
#include <stddef.h>

static void check_range(int name, int lo, int hi)
{
	int fd = tcp_socket(0);

	CHECK_EQ(set_int(fd, IPPROTO_TCP, name, lo), 0);
	CHECK_EQ(get_int(fd, IPPROTO_TCP, name), lo);
	CHECK_EQ(set_int(fd, IPPROTO_TCP, name, hi), 0);
	CHECK_EQ(get_int(fd, IPPROTO_TCP, name), hi);
	CHECK_ERRNO(set_int(fd, IPPROTO_TCP, name, lo - 1), EINVAL);
	CHECK_ERRNO(set_int(fd, IPPROTO_TCP, name, hi + 1), EINVAL);
}

TEST(tcp_keepalive_options)
{
	int fd = tcp_socket(0);

	CHECK_EQ(get_int(fd, IPPROTO_TCP, TCP_KEEPIDLE), 7200);
	CHECK_EQ(get_int(fd, IPPROTO_TCP, TCP_KEEPINTVL), 75);
	CHECK_EQ(get_int(fd, IPPROTO_TCP, TCP_KEEPCNT), 9);
	check_range(TCP_KEEPIDLE, 1, 32767);
	check_range(TCP_KEEPINTVL, 1, 32767);
	check_range(TCP_KEEPCNT, 1, 127);
	check_range(TCP_SYNCNT, 1, 127);
}

TEST(tcp_nodelay_and_cork_are_flags)
{
	int fd = tcp_socket(0);

	CHECK_EQ(get_int(fd, IPPROTO_TCP, TCP_NODELAY), 0);
	CHECK_EQ(set_int(fd, IPPROTO_TCP, TCP_NODELAY, 5), 0);
	CHECK_EQ(get_int(fd, IPPROTO_TCP, TCP_NODELAY), 1);
	CHECK_EQ(set_int(fd, IPPROTO_TCP, TCP_CORK, 1), 0);
	CHECK_EQ(get_int(fd, IPPROTO_TCP, TCP_CORK), 1);
	CHECK_EQ(get_int(fd, IPPROTO_TCP, TCP_NODELAY), 1);
}

TEST(tcp_maxseg)
{
	int fd = tcp_socket(0);

	CHECK_EQ(get_int(fd, IPPROTO_TCP, TCP_MAXSEG), 536);
	CHECK_ERRNO(set_int(fd, IPPROTO_TCP, TCP_MAXSEG, 87), EINVAL);
	CHECK_ERRNO(set_int(fd, IPPROTO_TCP, TCP_MAXSEG, 32768), EINVAL);
	CHECK_EQ(set_int(fd, IPPROTO_TCP, TCP_MAXSEG, 1000), 0);
	CHECK_EQ(get_int(fd, IPPROTO_TCP, TCP_MAXSEG), 1000);
}

TEST(tcp_maxseg_limits_a_connection)
{
	int l = tcp_socket(0);
	struct pair p;

	CHECK_EQ(set_int(l, IPPROTO_TCP, TCP_MAXSEG, 500), 0);
	CHECK_EQ(bind_to(l, 0), 0);
	CHECK_EQ(listen(l, 1), 0);
	p = pair_of(l);
	/* 12 bytes of each segment are the timestamp option. */
	CHECK_EQ(get_int(p.c, IPPROTO_TCP, TCP_MAXSEG), 488);
	CHECK_EQ(get_int(p.s, IPPROTO_TCP, TCP_MAXSEG), 488);
}

TEST(tcp_linger2)
{
	int fd = tcp_socket(0);

	CHECK_EQ(get_int(fd, IPPROTO_TCP, TCP_LINGER2), 60);
	CHECK_EQ(set_int(fd, IPPROTO_TCP, TCP_LINGER2, 30), 0);
	CHECK_EQ(get_int(fd, IPPROTO_TCP, TCP_LINGER2), 30);
	CHECK_EQ(set_int(fd, IPPROTO_TCP, TCP_LINGER2, -5), 0);
	CHECK_EQ(get_int(fd, IPPROTO_TCP, TCP_LINGER2), -1);
}

TEST(tcp_defer_accept_counts_in_retransmissions)
{
	int fd = tcp_socket(0);

	CHECK_EQ(get_int(fd, IPPROTO_TCP, TCP_DEFER_ACCEPT), 0);
	CHECK_EQ(set_int(fd, IPPROTO_TCP, TCP_DEFER_ACCEPT, 1), 0);
	CHECK_EQ(get_int(fd, IPPROTO_TCP, TCP_DEFER_ACCEPT), 1);
	CHECK_EQ(set_int(fd, IPPROTO_TCP, TCP_DEFER_ACCEPT, 4), 0);
	CHECK_EQ(get_int(fd, IPPROTO_TCP, TCP_DEFER_ACCEPT), 7);
}

TEST(tcp_user_timeout)
{
	int fd = tcp_socket(0);

	CHECK_EQ(get_int(fd, IPPROTO_TCP, TCP_USER_TIMEOUT), 0);
	CHECK_EQ(set_int(fd, IPPROTO_TCP, TCP_USER_TIMEOUT, 12345), 0);
	CHECK_EQ(get_int(fd, IPPROTO_TCP, TCP_USER_TIMEOUT), 12345);
	CHECK_ERRNO(set_int(fd, IPPROTO_TCP, TCP_USER_TIMEOUT, -1), EINVAL);
}

TEST(tcp_window_clamp)
{
	struct pair p = tcp_pair();
	int fd = tcp_socket(0);

	CHECK_EQ(set_int(fd, IPPROTO_TCP, TCP_WINDOW_CLAMP, 5000), 0);
	CHECK_EQ(get_int(fd, IPPROTO_TCP, TCP_WINDOW_CLAMP), 5000);
	CHECK_EQ(set_int(fd, IPPROTO_TCP, TCP_WINDOW_CLAMP, 0), 0);
	CHECK_ERRNO(set_int(p.c, IPPROTO_TCP, TCP_WINDOW_CLAMP, 0), EINVAL);
}

TEST(tcp_congestion_by_name)
{
	char name[16] = "";
	socklen_t len = sizeof(name);
	int fd = tcp_socket(0);

	CHECK_EQ(getsockopt(fd, IPPROTO_TCP, TCP_CONGESTION, name, &len), 0);
	CHECK_EQ(len, 16);
	CHECK_EQ(setsockopt(fd, IPPROTO_TCP, TCP_CONGESTION, "reno", 4), 0);
	CHECK_EQ(getsockopt(fd, IPPROTO_TCP, TCP_CONGESTION, name, &len), 0);
	CHECK(!strcmp(name, "reno"));
	CHECK_ERRNO(setsockopt(fd, IPPROTO_TCP, TCP_CONGESTION, "nonesuch", 8), ENOENT);
	CHECK_ERRNO(setsockopt(fd, IPPROTO_TCP, TCP_CONGESTION, "", 0), EINVAL);
}

TEST(tcp_option_errors)
{
	int fd = tcp_socket(0), v = 1;
	socklen_t len = sizeof(v);

	CHECK_ERRNO(setsockopt(fd, IPPROTO_TCP, 9999, &v, sizeof(v)), ENOPROTOOPT);
	CHECK_ERRNO(getsockopt(fd, IPPROTO_TCP, 9999, &v, &len), ENOPROTOOPT);
	CHECK_ERRNO(setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &v, 3), EINVAL);
	CHECK_ERRNO(setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, (void *)8, sizeof(v)), EFAULT);
	CHECK_ERRNO(getsockopt(fd, IPPROTO_TCP, TCP_NODELAY, (void *)8, &len), EFAULT);
	len = -1;
	CHECK_ERRNO(getsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &v, &len), EINVAL);
}

TEST(tcp_short_option_buffers_get_what_fits)
{
	unsigned char v[4] = { 0xee, 0xee, 0xee, 0xee };
	socklen_t len = 1;
	int fd = tcp_socket(0);

	CHECK_EQ(getsockopt(fd, IPPROTO_TCP, TCP_KEEPCNT, v, &len), 0);
	CHECK_EQ(len, 1);
	CHECK_EQ(v[0], 9);
	CHECK_EQ(v[1], 0xee);
}

TEST(tcp_info_of_a_connection)
{
	struct pair p = tcp_pair();
	struct tcp_info ti;
	socklen_t len = sizeof(ti);
	char buf[100];

	CHECK_EQ(write(p.c, buf, 100), 100);
	read_all(p.s, buf, 100);
	CHECK_EQ(write(p.s, buf, 10), 10);
	read_all(p.c, buf, 10);
	memset(&ti, 0xff, sizeof(ti));
	CHECK_EQ(getsockopt(p.c, IPPROTO_TCP, TCP_INFO, &ti, &len), 0);
	CHECK(len >= offsetof(struct tcp_info, tcpi_total_retrans) + 4);
	CHECK_EQ(ti.tcpi_state, TCPS_ESTABLISHED);
	CHECK_EQ(ti.tcpi_options & 7, TCPI_OPT_TIMESTAMPS | TCPI_OPT_SACK | TCPI_OPT_WSCALE);
	CHECK(ti.tcpi_snd_wscale > 0 && ti.tcpi_snd_wscale <= 14);
	CHECK_EQ(ti.tcpi_unacked, 0);
	CHECK_EQ(ti.tcpi_bytes_acked, 101);
	CHECK_EQ(ti.tcpi_bytes_received, 10);
	CHECK(ti.tcpi_rto >= 200000);
	CHECK(ti.tcpi_rtt > 0 && ti.tcpi_rtt < 5000000);
	CHECK(ti.tcpi_snd_cwnd >= 10);
	CHECK(ti.tcpi_snd_mss > 500);
	CHECK(ti.tcpi_segs_out >= 3);
	CHECK(ti.tcpi_segs_in >= 2);
	CHECK_EQ(ti.tcpi_data_segs_out, 1);
	CHECK_EQ(ti.tcpi_data_segs_in, 1);
	CHECK_EQ(ti.tcpi_total_retrans, 0);
	CHECK_EQ(ti.tcpi_notsent_bytes, 0);
}

TEST(tcp_info_of_a_listener_counts_its_queue)
{
	int l = listener(7), c = tcp_socket(0);
	struct tcp_info ti;
	socklen_t len = sizeof(ti);

	CHECK_EQ(connect_to(c, port_of(l)), 0);
	CHECK_EQ(wait_events(l, POLLIN), POLLIN);
	CHECK_EQ(getsockopt(l, IPPROTO_TCP, TCP_INFO, &ti, &len), 0);
	CHECK_EQ(ti.tcpi_unacked, 1);
	CHECK_EQ(ti.tcpi_sacked, 7);
}

TEST(tcp_options_are_inherited_by_accepted_sockets)
{
	int l = tcp_socket(0);
	struct pair p;

	CHECK_EQ(set_int(l, IPPROTO_TCP, TCP_NODELAY, 1), 0);
	CHECK_EQ(set_int(l, IPPROTO_TCP, TCP_KEEPIDLE, 11), 0);
	CHECK_EQ(set_int(l, SOL_SOCKET, SO_KEEPALIVE, 1), 0);
	CHECK_EQ(set_int(l, IPPROTO_TCP, TCP_USER_TIMEOUT, 777), 0);
	CHECK_EQ(setsockopt(l, IPPROTO_TCP, TCP_CONGESTION, "reno", 4), 0);
	CHECK_EQ(bind_to(l, 0), 0);
	CHECK_EQ(listen(l, 1), 0);
	p = pair_of(l);
	CHECK_EQ(get_int(p.s, IPPROTO_TCP, TCP_NODELAY), 1);
	CHECK_EQ(get_int(p.s, IPPROTO_TCP, TCP_KEEPIDLE), 11);
	CHECK_EQ(get_int(p.s, SOL_SOCKET, SO_KEEPALIVE), 1);
	CHECK_EQ(get_int(p.s, IPPROTO_TCP, TCP_USER_TIMEOUT), 777);
}

TEST(tcp_sndbuf_and_rcvbuf_are_doubled)
{
	int fd = tcp_socket(0);

	CHECK_EQ(set_int(fd, SOL_SOCKET, SO_SNDBUF, 20000), 0);
	CHECK_EQ(get_int(fd, SOL_SOCKET, SO_SNDBUF), 40000);
	CHECK_EQ(set_int(fd, SOL_SOCKET, SO_RCVBUF, 20000), 0);
	CHECK_EQ(get_int(fd, SOL_SOCKET, SO_RCVBUF), 40000);
	CHECK_EQ(set_int(fd, SOL_SOCKET, SO_SNDBUF, 1), 0);
	CHECK_EQ(get_int(fd, SOL_SOCKET, SO_SNDBUF), 4608);
	CHECK_EQ(set_int(fd, SOL_SOCKET, SO_RCVBUF, 1), 0);
	CHECK_EQ(get_int(fd, SOL_SOCKET, SO_RCVBUF), 2304);
}

TEST(tcp_type_protocol_domain)
{
	int fd = tcp_socket(0);

	CHECK_EQ(get_int(fd, SOL_SOCKET, SO_TYPE), SOCK_STREAM);
	CHECK_EQ(get_int(fd, SOL_SOCKET, SO_PROTOCOL), IPPROTO_TCP);
	CHECK_EQ(get_int(fd, SOL_SOCKET, SO_DOMAIN), AF_INET);
	CHECK_EQ(get_int(fd, SOL_SOCKET, SO_ACCEPTCONN), 0);
}

TEST(tcp_notsent_lowat_limits_pollout)
{
	static char buf[65536];
	struct pair p = tcp_pair();
	int unsent;

	CHECK_EQ(set_int(p.c, IPPROTO_TCP, TCP_NOTSENT_LOWAT, 4096), 0);
	CHECK_EQ(set_int(p.s, SOL_SOCKET, SO_RCVBUF, 4096), 0);
	nonblocking(p.c);
	while (write(p.c, buf, sizeof(buf)) > 0)
		;
	CHECK_EQ(errno, EAGAIN);
	sleep_ms(20);
	CHECK_EQ(ioctl(p.c, 0x894b /* SIOCOUTQNSD */, &unsent), 0);
	if (unsent >= 4096)
		CHECK_EQ(events_now(p.c) & POLLOUT, 0);
}

TEST(tcp_keepalive_probes_keep_a_silent_connection)
{
	struct pair p = tcp_pair();
	struct tcp_info ti;
	socklen_t len = sizeof(ti);

	CHECK_EQ(set_int(p.c, IPPROTO_TCP, TCP_KEEPIDLE, 1), 0);
	CHECK_EQ(set_int(p.c, IPPROTO_TCP, TCP_KEEPINTVL, 1), 0);
	CHECK_EQ(set_int(p.c, IPPROTO_TCP, TCP_KEEPCNT, 2), 0);
	CHECK_EQ(set_int(p.c, SOL_SOCKET, SO_KEEPALIVE, 1), 0);
	sleep_ms(2600);
	CHECK_EQ(state_of(p.c), TCPS_ESTABLISHED);
	CHECK_EQ(getsockopt(p.s, IPPROTO_TCP, TCP_INFO, &ti, &len), 0);
	CHECK(ti.tcpi_segs_in >= 3);
}

/* --- bind */

TEST(tcp_bind_in_use)
{
	int a = tcp_socket(0), b = tcp_socket(0);

	CHECK_EQ(bind_to(a, 0), 0);
	CHECK_ERRNO(bind_to(b, port_of(a)), EADDRINUSE);
}

TEST(tcp_bind_twice_is_einval)
{
	int a = tcp_socket(0);

	CHECK_EQ(bind_to(a, 0), 0);
	CHECK_ERRNO(bind_to(a, 0), EINVAL);
}

TEST(tcp_bind_wildcard_conflicts_with_specific)
{
	struct sockaddr_in any = { .sin_family = AF_INET };
	int a = tcp_socket(0), b = tcp_socket(0);

	CHECK_EQ(bind_to(a, 0), 0);
	any.sin_port = htons(port_of(a));
	CHECK_ERRNO(bind(b, (struct sockaddr *)&any, sizeof(any)), EADDRINUSE);
}

TEST(tcp_bind_different_loopback_addresses_do_not_conflict)
{
	struct sockaddr_in other = loopback(0);
	int a = tcp_socket(0), b = tcp_socket(0);

	CHECK_EQ(bind_to(a, 0), 0);
	other.sin_addr.s_addr = htonl(0x7f000002);
	other.sin_port = htons(port_of(a));
	CHECK_EQ(bind(b, (struct sockaddr *)&other, sizeof(other)), 0);
}

TEST(tcp_bind_errors)
{
	struct sockaddr_in a = loopback(0);
	int fd = tcp_socket(0);

	a.sin_addr.s_addr = htonl(0x01020304);
	CHECK_ERRNO(bind(fd, (struct sockaddr *)&a, sizeof(a)), EADDRNOTAVAIL);
	a = loopback(0);
	CHECK_ERRNO(bind(fd, (struct sockaddr *)&a, 7), EINVAL);
	a.sin_family = AF_UNIX;
	CHECK_ERRNO(bind(fd, (struct sockaddr *)&a, sizeof(a)), EAFNOSUPPORT);
}

TEST(tcp_reuseaddr_lets_two_bind_but_one_listen)
{
	int a = tcp_socket(0), b = tcp_socket(0);

	CHECK_EQ(set_int(a, SOL_SOCKET, SO_REUSEADDR, 1), 0);
	CHECK_EQ(set_int(b, SOL_SOCKET, SO_REUSEADDR, 1), 0);
	CHECK_EQ(bind_to(a, 0), 0);
	CHECK_EQ(bind_to(b, port_of(a)), 0);
	CHECK_EQ(listen(a, 1), 0);
	CHECK_ERRNO(listen(b, 1), EADDRINUSE);
}

TEST(tcp_reuseaddr_does_not_bind_over_a_listener)
{
	int a = tcp_socket(0), b = tcp_socket(0);

	CHECK_EQ(set_int(a, SOL_SOCKET, SO_REUSEADDR, 1), 0);
	CHECK_EQ(set_int(b, SOL_SOCKET, SO_REUSEADDR, 1), 0);
	CHECK_EQ(bind_to(a, 0), 0);
	CHECK_EQ(listen(a, 1), 0);
	CHECK_ERRNO(bind_to(b, port_of(a)), EADDRINUSE);
}

TEST(tcp_reuseport_lets_two_listen_and_both_get_connections)
{
	int a = tcp_socket(0), b = tcp_socket(0), got_a = 0, got_b = 0, port;

	CHECK_EQ(set_int(a, SOL_SOCKET, SO_REUSEPORT, 1), 0);
	CHECK_EQ(set_int(b, SOL_SOCKET, SO_REUSEPORT, 1), 0);
	CHECK_EQ(bind_to(a, 0), 0);
	port = port_of(a);
	CHECK_EQ(bind_to(b, port), 0);
	CHECK_EQ(listen(a, 64), 0);
	CHECK_EQ(listen(b, 64), 0);
	for (int i = 0; i < 40; i++)
		CHECK_EQ(connect_to(tcp_socket(0), port), 0);
	nonblocking(a);
	nonblocking(b);
	while (accept(a, NULL, NULL) >= 0)
		got_a++;
	while (accept(b, NULL, NULL) >= 0)
		got_b++;
	CHECK_EQ(got_a + got_b, 40);
	CHECK(got_a > 0 && got_b > 0);
}

TEST(tcp_reuseport_on_one_only_conflicts)
{
	int a = tcp_socket(0), b = tcp_socket(0);

	CHECK_EQ(bind_to(a, 0), 0);
	CHECK_EQ(set_int(b, SOL_SOCKET, SO_REUSEPORT, 1), 0);
	CHECK_ERRNO(bind_to(b, port_of(a)), EADDRINUSE);
}

TEST(tcp_a_freed_port_can_be_bound_again)
{
	int a = tcp_socket(0), port, b = tcp_socket(0);

	CHECK_EQ(bind_to(a, 0), 0);
	port = port_of(a);
	close(a);
	CHECK_EQ(bind_to(b, port), 0);
}

TEST(tcp_ephemeral_ports_lie_in_the_range_and_differ)
{
	int l = listener(64), last = 0;

	for (int i = 0; i < 30; i++) {
		int c = tcp_socket(0);

		CHECK_EQ(connect_to(c, port_of(l)), 0);
		CHECK(port_of(c) >= 1024 && port_of(c) != last);
		last = port_of(c);
	}
}

TEST(tcp_proc_net_tcp_lists_listeners_and_connections)
{
	int l = listener(1), found_listen = 0, found_est = 0;
	struct pair p = pair_of(l);
	char line[512], want_l[64], want_c[64];
	FILE *f = fopen("/proc/net/tcp", "r");

	CHECK(f);
	snprintf(want_l, sizeof(want_l), "0100007F:%04X 00000000:0000 0A", port_of(l));
	snprintf(want_c, sizeof(want_c), "0100007F:%04X 0100007F:%04X 01", port_of(p.c), port_of(l));
	CHECK(fgets(line, sizeof(line), f));
	CHECK(strstr(line, "local_address rem_address   st tx_queue rx_queue"));
	while (fgets(line, sizeof(line), f)) {
		found_listen += strstr(line, want_l) != NULL;
		found_est += strstr(line, want_c) != NULL;
	}
	CHECK_EQ(found_listen, 1);
	CHECK_EQ(found_est, 1);
}

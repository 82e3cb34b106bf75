/* tests/abi/udp.c - UDP over the loopback: boundaries, names, errors, options, waiting. */
#include "tests/abi/tap.h"
#include <arpa/inet.h>
#include <netinet/in.h>
#include <netinet/udp.h>
#include <sys/epoll.h>
#include <sys/ioctl.h>
#include <sys/uio.h>

static struct sockaddr_in loopback(int port)
{
	return (struct sockaddr_in){ .sin_family = AF_INET, .sin_port = htons(port),
				     .sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
}

/* A socket bound to a free port of 127.0.0.1, whose address is *@a. */
static int bound(struct sockaddr_in *a)
{
	socklen_t len = sizeof(*a);
	int fd = socket(AF_INET, SOCK_DGRAM, 0);

	*a = loopback(0);
	CHECK(fd >= 0);
	CHECK(bind(fd, (struct sockaddr *)a, sizeof(*a)) == 0);
	CHECK(getsockname(fd, (struct sockaddr *)a, &len) == 0);
	CHECK_EQ(len, sizeof(*a));
	CHECK(a->sin_port != 0);
	return fd;
}

static void pair(int fd[2])
{
	struct sockaddr_in a, b;

	fd[0] = bound(&a);
	fd[1] = bound(&b);
	CHECK(connect(fd[0], (struct sockaddr *)&b, sizeof(b)) == 0);
	CHECK(connect(fd[1], (struct sockaddr *)&a, sizeof(a)) == 0);
}

static void wait_readable(int fd)
{
	struct pollfd p = { .fd = fd, .events = POLLIN };

	CHECK_EQ(poll(&p, 1, 5000), 1);
}

TEST(udp_datagrams_keep_their_boundaries)
{
	char buf[100];
	int fd[2];

	pair(fd);
	CHECK_EQ(send(fd[0], "one", 3, 0), 3);
	CHECK_EQ(send(fd[0], "", 0, 0), 0);
	CHECK_EQ(send(fd[0], "three", 5, 0), 5);
	CHECK_EQ(recv(fd[1], buf, sizeof(buf), 0), 3);
	CHECK_EQ(recv(fd[1], buf, sizeof(buf), 0), 0);
	CHECK_EQ(recv(fd[1], buf, sizeof(buf), 0), 5);
	CHECK(memcmp(buf, "three", 5) == 0);
	CHECK_ERRNO(recv(fd[1], buf, sizeof(buf), MSG_DONTWAIT), EAGAIN);
}

TEST(udp_recvfrom_names_the_sender)
{
	struct sockaddr_in a, b, from;
	socklen_t len = sizeof(from);
	int fa = bound(&a), fb = bound(&b);
	char buf[10];

	CHECK_EQ(sendto(fa, "hi", 2, 0, (struct sockaddr *)&b, sizeof(b)), 2);
	CHECK_EQ(recvfrom(fb, buf, sizeof(buf), 0, (struct sockaddr *)&from, &len), 2);
	CHECK_EQ(len, sizeof(from));
	CHECK(from.sin_family == AF_INET && from.sin_port == a.sin_port &&
	      from.sin_addr.s_addr == htonl(INADDR_LOOPBACK));
}

TEST(udp_recvfrom_cuts_the_name_but_tells_its_length)
{
	struct sockaddr_in a, b;
	struct { unsigned short family; char rest[30]; } from;
	socklen_t len = 2;
	int fa = bound(&a), fb = bound(&b);
	char buf[10];

	memset(&from, 0x55, sizeof(from));
	CHECK_EQ(sendto(fa, "hi", 2, 0, (struct sockaddr *)&b, sizeof(b)), 2);
	CHECK_EQ(recvfrom(fb, buf, sizeof(buf), 0, (struct sockaddr *)&from, &len), 2);
	CHECK_EQ(len, sizeof(struct sockaddr_in));
	CHECK_EQ(from.family, AF_INET);
	CHECK_EQ(from.rest[0], 0x55);
}

TEST(udp_truncation_is_told)
{
	char buf[4];
	struct iovec iov = { buf, sizeof(buf) };
	struct msghdr m = { .msg_iov = &iov, .msg_iovlen = 1 };
	int fd[2];

	pair(fd);
	for (int i = 0; i < 3; i++)
		CHECK_EQ(send(fd[0], "0123456789", 10, 0), 10);
	CHECK_EQ(recv(fd[1], buf, sizeof(buf), 0), 4);
	CHECK_EQ(recv(fd[1], buf, sizeof(buf), MSG_TRUNC), 10);
	CHECK_EQ(recvmsg(fd[1], &m, 0), 4);
	CHECK_EQ(m.msg_flags & MSG_TRUNC, MSG_TRUNC);
}

TEST(udp_peek_leaves_the_datagram)
{
	char buf[10];
	int fd[2];

	pair(fd);
	CHECK_EQ(send(fd[0], "abc", 3, 0), 3);
	CHECK_EQ(recv(fd[1], buf, sizeof(buf), MSG_PEEK), 3);
	CHECK_EQ(recv(fd[1], buf, 1, MSG_PEEK | MSG_TRUNC), 3);
	CHECK_EQ(recv(fd[1], buf, sizeof(buf), 0), 3);
	CHECK_ERRNO(recv(fd[1], buf, sizeof(buf), MSG_PEEK | MSG_DONTWAIT), EAGAIN);
}

TEST(udp_unconnected_send_wants_an_address)
{
	struct sockaddr_in a, bad = loopback(0);
	int fd = bound(&a);

	CHECK_ERRNO(send(fd, "x", 1, 0), EDESTADDRREQ);
	/* port 0 */
	CHECK_ERRNO(sendto(fd, "x", 1, 0, (struct sockaddr *)&bad, sizeof(bad)), EINVAL);
	bad = loopback(9);
	CHECK_ERRNO(sendto(fd, "x", 1, 0, (struct sockaddr *)&bad, 8), EINVAL);
	bad.sin_family = AF_UNIX;
	CHECK_ERRNO(sendto(fd, "x", 1, 0, (struct sockaddr *)&bad, sizeof(bad)), EAFNOSUPPORT);
}

TEST(udp_connected_hears_only_its_peer)
{
	struct sockaddr_in a, b, c;
	int fa = bound(&a), fb = bound(&b), fc = bound(&c);
	char buf[10];

	CHECK(connect(fa, (struct sockaddr *)&b, sizeof(b)) == 0);
	CHECK_EQ(sendto(fc, "no", 2, 0, (struct sockaddr *)&a, sizeof(a)), 2);
	CHECK_EQ(sendto(fb, "yes", 3, 0, (struct sockaddr *)&a, sizeof(a)), 3);
	CHECK_EQ(recv(fa, buf, sizeof(buf), 0), 3);
	CHECK_ERRNO(recv(fa, buf, sizeof(buf), MSG_DONTWAIT), EAGAIN);
}

TEST(udp_connect_can_be_undone)
{
	struct sockaddr_in a, b, peer;
	struct sockaddr none = { .sa_family = AF_UNSPEC };
	socklen_t len = sizeof(peer);
	int fd = bound(&a);

	bound(&b);
	CHECK_ERRNO(getpeername(fd, (struct sockaddr *)&peer, &len), ENOTCONN);
	CHECK(connect(fd, (struct sockaddr *)&b, sizeof(b)) == 0);
	CHECK(getpeername(fd, (struct sockaddr *)&peer, &len) == 0);
	CHECK(peer.sin_port == b.sin_port);
	CHECK(connect(fd, &none, sizeof(none)) == 0);
	CHECK_ERRNO(getpeername(fd, (struct sockaddr *)&peer, &len), ENOTCONN);
	len = sizeof(peer);
	CHECK(getsockname(fd, (struct sockaddr *)&peer, &len) == 0);
	CHECK(peer.sin_port == 0); /* the kernel chose the port: it is not kept */
	CHECK(peer.sin_addr.s_addr == a.sin_addr.s_addr); /* the address was bound: it is */
}

TEST(udp_connect_chooses_a_source)
{
	struct sockaddr_in b, me;
	socklen_t len = sizeof(me);
	int fd = socket(AF_INET, SOCK_DGRAM, 0);

	bound(&b);
	CHECK(getsockname(fd, (struct sockaddr *)&me, &len) == 0);
	CHECK(me.sin_port == 0 && me.sin_addr.s_addr == 0);
	CHECK(connect(fd, (struct sockaddr *)&b, sizeof(b)) == 0);
	CHECK(getsockname(fd, (struct sockaddr *)&me, &len) == 0);
	CHECK(me.sin_port != 0 && me.sin_addr.s_addr == htonl(INADDR_LOOPBACK));
}

TEST(udp_refused_is_an_error_of_the_connected_sender)
{
	struct sockaddr_in a, gone;
	int fd = bound(&a), other = bound(&gone), err = 0;
	socklen_t len = sizeof(err);
	struct pollfd p = { .fd = fd, .events = POLLIN };
	char buf[10];

	close(other);
	CHECK(connect(fd, (struct sockaddr *)&gone, sizeof(gone)) == 0);
	CHECK_EQ(send(fd, "x", 1, 0), 1);
	CHECK_EQ(poll(&p, 1, 5000), 1);
	CHECK(p.revents & POLLERR);
	CHECK_ERRNO(recv(fd, buf, sizeof(buf), 0), ECONNREFUSED);
	CHECK_EQ(send(fd, "x", 1, 0), 1);
	CHECK_EQ(poll(&p, 1, 5000), 1);
	CHECK(getsockopt(fd, SOL_SOCKET, SO_ERROR, &err, &len) == 0);
	CHECK_EQ(err, ECONNREFUSED);
	CHECK(getsockopt(fd, SOL_SOCKET, SO_ERROR, &err, &len) == 0);
	CHECK_EQ(err, 0);
}

TEST(udp_refused_does_not_reach_the_unconnected)
{
	struct sockaddr_in a, gone;
	int fd = bound(&a), other = bound(&gone);
	struct pollfd p = { .fd = fd, .events = POLLIN };

	close(other);
	CHECK_EQ(sendto(fd, "x", 1, 0, (struct sockaddr *)&gone, sizeof(gone)), 1);
	CHECK_EQ(poll(&p, 1, 200), 0);
}

TEST(udp_recverr_tells_what_and_about_what)
{
	struct sockaddr_in a, gone, about;
	int fd = bound(&a), other = bound(&gone), on = 1;
	char buf[20], control[200];
	struct iovec iov = { buf, sizeof(buf) };
	struct msghdr m = { .msg_iov = &iov, .msg_iovlen = 1, .msg_control = control,
			    .msg_controllen = sizeof(control), .msg_name = &about,
			    .msg_namelen = sizeof(about) };
	struct pollfd p = { .fd = fd, .events = POLLIN };

	close(other);
	CHECK(setsockopt(fd, IPPROTO_IP, IP_RECVERR, &on, sizeof(on)) == 0);
	CHECK_EQ(sendto(fd, "lost", 4, 0, (struct sockaddr *)&gone, sizeof(gone)), 4);
	CHECK_EQ(poll(&p, 1, 5000), 1);
	CHECK(p.revents & POLLERR);
	CHECK_EQ(recvmsg(fd, &m, MSG_ERRQUEUE), 4);
	CHECK(memcmp(buf, "lost", 4) == 0);
	CHECK(m.msg_flags & MSG_ERRQUEUE);
	CHECK(about.sin_port == gone.sin_port);
	struct cmsghdr *c = CMSG_FIRSTHDR(&m);

	CHECK(c && c->cmsg_level == IPPROTO_IP && c->cmsg_type == IP_RECVERR);
	CHECK_EQ(*(unsigned int *)CMSG_DATA(c), ECONNREFUSED);	/* ee_errno */
	CHECK_EQ(CMSG_DATA(c)[4], 2);				/* ee_origin: ICMP */
	CHECK_EQ(CMSG_DATA(c)[5], 3);				/* ee_type: unreachable */
	CHECK_EQ(CMSG_DATA(c)[6], 3);				/* ee_code: port */
	CHECK_ERRNO(recvmsg(fd, &m, MSG_ERRQUEUE), EAGAIN);
}

TEST(udp_large_datagrams)
{
	static char out[65507], in[65536];
	int fd[2], big = 300000;

	pair(fd);
	setsockopt(fd[1], SOL_SOCKET, SO_RCVBUF, &big, sizeof(big));
	for (size_t i = 0; i < sizeof(out); i++)
		out[i] = (char)(i * 7 + (i >> 9));
	for (size_t n = 1; n <= sizeof(out); n = n < 60000 ? n * 3 + 1 : sizeof(out)) {
		CHECK_EQ(send(fd[0], out, n, 0), n);
		memset(in, 0, n);
		CHECK_EQ(recv(fd[1], in, sizeof(in), 0), n);
		CHECK(memcmp(in, out, n) == 0);
		if (n == sizeof(out))
			break;
	}
	CHECK_ERRNO(send(fd[0], in, 65508, 0), EMSGSIZE);
	CHECK_ERRNO(send(fd[0], in, 65536, 0), EMSGSIZE);
}

TEST(udp_full_receive_buffer_drops)
{
	int fd[2], small = 4096, sent = 0, got = 0;
	char buf[1000];

	pair(fd);
	CHECK(setsockopt(fd[1], SOL_SOCKET, SO_RCVBUF, &small, sizeof(small)) == 0);
	for (; sent < 100; sent++)
		CHECK_EQ(send(fd[0], buf, sizeof(buf), 0), sizeof(buf));
	wait_readable(fd[1]);
	while (recv(fd[1], buf, sizeof(buf), MSG_DONTWAIT) > 0)
		got++;
	CHECK(got > 0 && got < sent);
}

TEST(udp_bind_conflicts)
{
	struct sockaddr_in a, any;
	int fd = bound(&a), other = socket(AF_INET, SOCK_DGRAM, 0), on = 1;

	CHECK_ERRNO(bind(other, (struct sockaddr *)&a, sizeof(a)), EADDRINUSE);
	any = a;
	any.sin_addr.s_addr = 0;
	CHECK_ERRNO(bind(other, (struct sockaddr *)&any, sizeof(any)), EADDRINUSE);
	any.sin_addr.s_addr = inet_addr("127.0.0.2");
	CHECK(bind(other, (struct sockaddr *)&any, sizeof(any)) == 0); /* all of 127/8 is ours */
	CHECK_ERRNO(bind(other, (struct sockaddr *)&any, sizeof(any)), EINVAL);
	int third = socket(AF_INET, SOCK_DGRAM, 0);

	CHECK(setsockopt(third, SOL_SOCKET, SO_REUSEADDR, &on, sizeof(on)) == 0);
	CHECK_ERRNO(bind(third, (struct sockaddr *)&a, sizeof(a)), EADDRINUSE); /* both must ask */
	CHECK(setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof(on)) == 0);
	CHECK(bind(third, (struct sockaddr *)&a, sizeof(a)) == 0);
}

TEST(udp_bind_errors)
{
	struct sockaddr_in a = loopback(0);
	int fd = socket(AF_INET, SOCK_DGRAM, 0);

	CHECK_ERRNO(bind(fd, (struct sockaddr *)&a, 15), EINVAL);
	a.sin_family = AF_UNIX;
	CHECK_ERRNO(bind(fd, (struct sockaddr *)&a, sizeof(a)), EAFNOSUPPORT);
	a = loopback(0);
	a.sin_addr.s_addr = inet_addr("192.0.2.77"); /* RFC 5737: nobody's */
	CHECK_ERRNO(bind(fd, (struct sockaddr *)&a, sizeof(a)), EADDRNOTAVAIL);
}

TEST(udp_reuseport_spreads_and_each_datagram_arrives_once)
{
	struct sockaddr_in a = loopback(0);
	socklen_t len = sizeof(a);
	int fd[3], on = 1, total = 0, used = 0;
	char buf[10];

	for (int i = 0; i < 3; i++) {
		fd[i] = socket(AF_INET, SOCK_DGRAM, 0);
		CHECK(setsockopt(fd[i], SOL_SOCKET, SO_REUSEPORT, &on, sizeof(on)) == 0);
		CHECK(bind(fd[i], (struct sockaddr *)&a, sizeof(a)) == 0);
		CHECK(getsockname(fd[i], (struct sockaddr *)&a, &len) == 0);
	}
	for (int i = 0; i < 60; i++) {
		int s = socket(AF_INET, SOCK_DGRAM, 0);

		CHECK_EQ(sendto(s, "x", 1, 0, (struct sockaddr *)&a, sizeof(a)), 1);
		close(s);
	}
	for (int i = 0; i < 3; i++) {
		int n = 0;

		while (recv(fd[i], buf, sizeof(buf), MSG_DONTWAIT) == 1)
			n++;
		total += n;
		used += n > 0;
	}
	CHECK_EQ(total, 60);
	CHECK(used >= 2);
}

TEST(udp_ephemeral_ports_are_in_range)
{
	for (int i = 0; i < 50; i++) {
		struct sockaddr_in a;
		int low, high;
		FILE *f = fopen("/proc/sys/net/ipv4/ip_local_port_range", "r");

		CHECK(f && fscanf(f, "%d %d", &low, &high) == 2);
		fclose(f);
		bound(&a);
		CHECK(ntohs(a.sin_port) >= low && ntohs(a.sin_port) <= high);
	}
}

TEST(udp_broadcast_needs_permission)
{
	struct sockaddr_in to = loopback(9);
	int fd = socket(AF_INET, SOCK_DGRAM, 0);

	to.sin_addr.s_addr = inet_addr("127.255.255.255");
	CHECK_ERRNO(sendto(fd, "x", 1, 0, (struct sockaddr *)&to, sizeof(to)), EACCES);
	CHECK_ERRNO(connect(fd, (struct sockaddr *)&to, sizeof(to)), EACCES);
}

TEST(udp_flags_that_make_no_sense)
{
	char buf[10];
	int fd[2];

	pair(fd);
	CHECK_ERRNO(send(fd[0], "x", 1, MSG_OOB), EOPNOTSUPP);
	CHECK_ERRNO(listen(fd[0], 5), EOPNOTSUPP);
	CHECK_ERRNO(accept(fd[0], NULL, NULL), EOPNOTSUPP);
	CHECK_ERRNO(recv(fd[0], buf, sizeof(buf), MSG_DONTWAIT), EAGAIN);
}

TEST(udp_shutdown)
{
	struct pollfd p;
	char buf[10];
	int fd[2];

	pair(fd);
	CHECK(shutdown(fd[0], SHUT_WR) == 0);
	CHECK_ERRNO(send(fd[0], "x", 1, MSG_NOSIGNAL), EPIPE);
	CHECK(shutdown(fd[1], SHUT_RD) == 0);
	CHECK_EQ(recv(fd[1], buf, sizeof(buf), 0), 0);
	p = (struct pollfd){ .fd = fd[1], .events = POLLIN | POLLRDHUP };
	CHECK_EQ(poll(&p, 1, 0), 1);
	CHECK_EQ(p.revents, POLLIN | POLLRDHUP);
	int alone = socket(AF_INET, SOCK_DGRAM, 0);

	CHECK_ERRNO(shutdown(alone, SHUT_RDWR), ENOTCONN);
	CHECK_ERRNO(shutdown(fd[0], 7), EINVAL);
}

TEST(udp_receive_timeout)
{
	struct timeval tv = { 0, 100000 };
	struct sockaddr_in a;
	int fd = bound(&a);
	char buf[10];
	int64_t begin = now_ns();

	CHECK(setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &tv, sizeof(tv)) == 0);
	CHECK_ERRNO(recv(fd, buf, sizeof(buf), 0), EAGAIN);
	CHECK(now_ns() - begin >= 95000000);
}

static void nothing(int sig) { (void)sig; }

TEST(udp_receive_is_interrupted)
{
	struct sigaction sa = { .sa_handler = nothing };
	struct itimerval it = { .it_value = { 0, 50000 } };
	struct sockaddr_in a;
	int fd = bound(&a);
	char buf[10];

	sigaction(SIGALRM, &sa, NULL);
	setitimer(ITIMER_REAL, &it, NULL);
	CHECK_ERRNO(recv(fd, buf, sizeof(buf), 0), EINTR);
}

TEST(udp_fionread_is_the_first_datagram)
{
	int fd[2], n = -1;
	char buf[10];

	pair(fd);
	CHECK(ioctl(fd[1], FIONREAD, &n) == 0);
	CHECK_EQ(n, 0);
	CHECK_EQ(send(fd[0], "12345", 5, 0), 5);
	CHECK_EQ(send(fd[0], "678", 3, 0), 3);
	wait_readable(fd[1]);
	CHECK(ioctl(fd[1], FIONREAD, &n) == 0);
	CHECK_EQ(n, 5);
	CHECK_EQ(read(fd[1], buf, sizeof(buf)), 5);
	CHECK(ioctl(fd[1], FIONREAD, &n) == 0);
	CHECK_EQ(n, 3);
}

TEST(udp_gather_and_scatter)
{
	char a[3], b[20];
	struct iovec out[3] = { { "ab", 2 }, { "", 0 }, { "cdef", 4 } };
	struct iovec in[2] = { { a, sizeof(a) }, { b, sizeof(b) } };
	int fd[2];

	pair(fd);
	CHECK_EQ(writev(fd[0], out, 3), 6);
	CHECK_EQ(readv(fd[1], in, 2), 6);
	CHECK(memcmp(a, "abc", 3) == 0 && memcmp(b, "def", 3) == 0);
}

TEST(udp_msg_more_makes_one_datagram)
{
	char buf[20];
	int fd[2];

	pair(fd);
	CHECK_EQ(send(fd[0], "ab", 2, MSG_MORE), 2);
	CHECK_EQ(send(fd[0], "cd", 2, MSG_MORE), 2);
	CHECK_ERRNO(recv(fd[1], buf, sizeof(buf), MSG_DONTWAIT), EAGAIN);
	CHECK_EQ(send(fd[0], "e", 1, 0), 1);
	CHECK_EQ(recv(fd[1], buf, sizeof(buf), 0), 5);
	CHECK(memcmp(buf, "abcde", 5) == 0);
}

TEST(udp_sendmmsg_and_recvmmsg)
{
	char in[4][10];
	struct iovec oi[3] = { { "a", 1 }, { "bb", 2 }, { "ccc", 3 } }, ii[4];
	struct mmsghdr out[3] = { 0 }, msgs[4] = { 0 };
	struct timespec none = { 0, 0 };
	int fd[2];

	pair(fd);
	for (int i = 0; i < 3; i++)
		out[i].msg_hdr = (struct msghdr){ .msg_iov = &oi[i], .msg_iovlen = 1 };
	for (int i = 0; i < 4; i++) {
		ii[i] = (struct iovec){ in[i], sizeof(in[i]) };
		msgs[i].msg_hdr = (struct msghdr){ .msg_iov = &ii[i], .msg_iovlen = 1 };
	}
	CHECK_EQ(sendmmsg(fd[0], out, 3, 0), 3);
	CHECK_EQ(out[2].msg_len, 3);
	wait_readable(fd[1]);
	CHECK_EQ(recvmmsg(fd[1], msgs, 4, MSG_WAITFORONE, NULL), 3);
	CHECK(msgs[0].msg_len == 1 && msgs[1].msg_len == 2 && msgs[2].msg_len == 3);
	CHECK(memcmp(in[2], "ccc", 3) == 0);
	CHECK_ERRNO(recvmmsg(fd[1], msgs, 4, MSG_DONTWAIT, &none), EAGAIN);
}

TEST(udp_pktinfo_ttl_and_tos)
{
	char buf[10], control[200];
	struct iovec iov = { buf, sizeof(buf) };
	struct msghdr m = { .msg_iov = &iov, .msg_iovlen = 1, .msg_control = control,
			    .msg_controllen = sizeof(control) };
	int fd[2], on = 1, ttl = 42, tos = 0x10, seen = 0;

	pair(fd);
	CHECK(setsockopt(fd[1], IPPROTO_IP, IP_PKTINFO, &on, sizeof(on)) == 0);
	CHECK(setsockopt(fd[1], IPPROTO_IP, IP_RECVTTL, &on, sizeof(on)) == 0);
	CHECK(setsockopt(fd[1], IPPROTO_IP, IP_RECVTOS, &on, sizeof(on)) == 0);
	CHECK(setsockopt(fd[0], IPPROTO_IP, IP_TTL, &ttl, sizeof(ttl)) == 0);
	CHECK(setsockopt(fd[0], IPPROTO_IP, IP_TOS, &tos, sizeof(tos)) == 0);
	CHECK_EQ(send(fd[0], "x", 1, 0), 1);
	CHECK_EQ(recvmsg(fd[1], &m, 0), 1);
	for (struct cmsghdr *c = CMSG_FIRSTHDR(&m); c; c = CMSG_NXTHDR(&m, c)) {
		CHECK_EQ(c->cmsg_level, IPPROTO_IP);
		if (c->cmsg_type == IP_PKTINFO) {
			struct in_pktinfo *info = (struct in_pktinfo *)CMSG_DATA(c);

			CHECK(info->ipi_addr.s_addr == htonl(INADDR_LOOPBACK) &&
			      info->ipi_ifindex == 1);
			seen |= 1;
		} else if (c->cmsg_type == IP_TTL) {
			CHECK_EQ(*(int *)CMSG_DATA(c), 42);
			seen |= 2;
		} else if (c->cmsg_type == IP_TOS) {
			CHECK_EQ(*CMSG_DATA(c), 0x10);
			seen |= 4;
		}
	}
	CHECK_EQ(seen, 7);
}

TEST(udp_timestamp_is_about_now)
{
	char buf[10], control[100];
	struct iovec iov = { buf, sizeof(buf) };
	struct msghdr m = { .msg_iov = &iov, .msg_iovlen = 1, .msg_control = control,
			    .msg_controllen = sizeof(control) };
	struct timespec now;
	int fd[2], on = 1;

	pair(fd);
	CHECK(setsockopt(fd[1], SOL_SOCKET, SO_TIMESTAMP, &on, sizeof(on)) == 0);
	CHECK_EQ(send(fd[0], "x", 1, 0), 1);
	CHECK_EQ(recvmsg(fd[1], &m, 0), 1);
	clock_gettime(CLOCK_REALTIME, &now);
	struct cmsghdr *c = CMSG_FIRSTHDR(&m);

	CHECK(c && c->cmsg_level == SOL_SOCKET && c->cmsg_type == SO_TIMESTAMP);
	struct timeval *tv = (struct timeval *)CMSG_DATA(c);

	CHECK(tv->tv_sec <= now.tv_sec && tv->tv_sec >= now.tv_sec - 5);
}

TEST(udp_control_buffer_too_small)
{
	char buf[10], control[20];
	struct iovec iov = { buf, sizeof(buf) };
	struct msghdr m = { .msg_iov = &iov, .msg_iovlen = 1, .msg_control = control,
			    .msg_controllen = sizeof(control) };
	int fd[2], on = 1;

	pair(fd);
	CHECK(setsockopt(fd[1], IPPROTO_IP, IP_PKTINFO, &on, sizeof(on)) == 0);
	CHECK_EQ(send(fd[0], "x", 1, 0), 1);
	CHECK_EQ(recvmsg(fd[1], &m, 0), 1);
	CHECK(m.msg_flags & MSG_CTRUNC);
	CHECK_EQ(m.msg_controllen, 20);
}

TEST(udp_epoll_edge_for_each_datagram)
{
	struct epoll_event ev = { .events = EPOLLIN | EPOLLET };
	int fd[2], ep = epoll_create1(0);

	pair(fd);
	CHECK(epoll_ctl(ep, EPOLL_CTL_ADD, fd[1], &ev) == 0);
	CHECK_EQ(epoll_wait(ep, &ev, 1, 0), 0);
	for (int i = 0; i < 3; i++) {
		CHECK_EQ(send(fd[0], "x", 1, 0), 1);
		CHECK_EQ(epoll_wait(ep, &ev, 1, 5000), 1);
		CHECK_EQ(epoll_wait(ep, &ev, 1, 0), 0);
	}
}

TEST(udp_bad_pointers)
{
	int fd[2];
	void *bad = (void *)8;
	socklen_t len = 16;

	pair(fd);
	CHECK_ERRNO(send(fd[0], bad, 10, 0), EFAULT);
	CHECK_EQ(send(fd[0], "abc", 3, 0), 3);
	CHECK_ERRNO(recv(fd[1], bad, 10, 0), EFAULT);
	CHECK_ERRNO(getsockname(fd[0], bad, &len), EFAULT);
	CHECK_ERRNO(getsockname(fd[0], (void *)&len, bad), EFAULT);
	CHECK_ERRNO(bind(fd[0], bad, 16), EFAULT);
	CHECK_ERRNO(syscall(SYS_sendmsg, fd[0], bad, 0), EFAULT);
	CHECK_ERRNO(syscall(SYS_recvmsg, fd[0], bad, 0), EFAULT);
	CHECK_ERRNO(setsockopt(fd[0], SOL_SOCKET, SO_RCVBUF, bad, 4), EFAULT);
}

static void *echo(void *arg)
{
	int fd = *(int *)arg;
	char buf[100];

	for (;;) {
		ssize_t n = recv(fd, buf, sizeof(buf), 0);

		if (n == 0)
			return NULL;
		send(fd, buf, (size_t)n, 0);
	}
}

TEST(udp_many_round_trips_between_threads)
{
	pthread_t t;
	char buf[100];
	int fd[2];

	pair(fd);
	pthread_create(&t, NULL, echo, &fd[1]);
	for (int i = 1; i < 2000; i++) {
		CHECK_EQ(send(fd[0], &i, sizeof(i), 0), sizeof(i));
		CHECK_EQ(recv(fd[0], buf, sizeof(buf), 0), sizeof(i));
		CHECK(memcmp(buf, &i, sizeof(i)) == 0);
	}
	CHECK_EQ(send(fd[0], "", 0, 0), 0);
	pthread_join(t, NULL);
}

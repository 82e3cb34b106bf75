/* tests/abi/sockopt.c - options of SOL_SOCKET and SOL_IP: what may be set, what reads back. */
#include "tests/abi/tap.h"
#include <netinet/in.h>

static int get(int fd, int level, int opt)
{
	int v = -12345;
	socklen_t len = sizeof(v);

	CHECK(getsockopt(fd, level, opt, &v, &len) == 0);
	return v;
}
static int set(int fd, int level, int opt, int v)
{
	return setsockopt(fd, level, opt, &v, sizeof(v));
}
static int udp(void) { return socket(AF_INET, SOCK_DGRAM, 0); }

TEST(sockopt_what_a_socket_is)
{
	int fd = udp(), raw;

	CHECK_EQ(get(fd, SOL_SOCKET, SO_TYPE), SOCK_DGRAM);
	CHECK_EQ(get(fd, SOL_SOCKET, SO_PROTOCOL), IPPROTO_UDP);
	CHECK_EQ(get(fd, SOL_SOCKET, SO_DOMAIN), AF_INET);
	CHECK_EQ(get(fd, SOL_SOCKET, SO_ACCEPTCONN), 0);
	CHECK_EQ(get(fd, SOL_SOCKET, SO_ERROR), 0);
	CHECK_ERRNO(set(fd, SOL_SOCKET, SO_TYPE, 1), ENOPROTOOPT);
	CHECK_ERRNO(set(fd, SOL_SOCKET, SO_ERROR, 1), ENOPROTOOPT);
	CHECK_ERRNO(set(fd, SOL_SOCKET, SO_ACCEPTCONN, 1), ENOPROTOOPT);
	raw = socket(AF_UNIX, SOCK_SEQPACKET, 0);
	CHECK_EQ(get(raw, SOL_SOCKET, SO_DOMAIN), AF_UNIX);
	CHECK_EQ(get(raw, SOL_SOCKET, SO_PROTOCOL), 0);
}

TEST(sockopt_buffers_are_doubled_and_bounded)
{
	int fd = udp();

	CHECK(set(fd, SOL_SOCKET, SO_RCVBUF, 10000) == 0);
	CHECK_EQ(get(fd, SOL_SOCKET, SO_RCVBUF), 20000);
	CHECK(set(fd, SOL_SOCKET, SO_SNDBUF, 10000) == 0);
	CHECK_EQ(get(fd, SOL_SOCKET, SO_SNDBUF), 20000);
	CHECK(set(fd, SOL_SOCKET, SO_RCVBUF, 1) == 0);
	CHECK_EQ(get(fd, SOL_SOCKET, SO_RCVBUF), 2304);
	CHECK(set(fd, SOL_SOCKET, SO_SNDBUF, 1) == 0);
	CHECK_EQ(get(fd, SOL_SOCKET, SO_SNDBUF), 4608);
	CHECK(set(fd, SOL_SOCKET, SO_RCVBUF, 0) == 0);
	CHECK_EQ(get(fd, SOL_SOCKET, SO_RCVBUF), 2304);
	CHECK(set(fd, SOL_SOCKET, SO_RCVBUF, 0x7fffffff) == 0);
	int most = get(fd, SOL_SOCKET, SO_RCVBUF);

	CHECK(most >= 2 * 212992);
	CHECK(set(fd, SOL_SOCKET, SO_RCVBUF, -1) == 0);
	CHECK_EQ(get(fd, SOL_SOCKET, SO_RCVBUF), most);
}

TEST(sockopt_booleans_read_back_as_one)
{
	static const int opts[] = { SO_REUSEADDR, SO_REUSEPORT, SO_KEEPALIVE,
				    SO_BROADCAST, SO_OOBINLINE, SO_DONTROUTE,
				    SO_TIMESTAMP, SO_NO_CHECK,	SO_RXQ_OVFL };
	int fd = udp();

	for (size_t i = 0; i < sizeof(opts) / sizeof(opts[0]); i++) {
		CHECK_EQ(get(fd, SOL_SOCKET, opts[i]), 0);
		CHECK(set(fd, SOL_SOCKET, opts[i], 77) == 0);
		CHECK_EQ(get(fd, SOL_SOCKET, opts[i]), 1);
		CHECK(set(fd, SOL_SOCKET, opts[i], 0) == 0);
		CHECK_EQ(get(fd, SOL_SOCKET, opts[i]), 0);
	}
}

TEST(sockopt_passcred_on_unix)
{
	int fd = socket(AF_UNIX, SOCK_DGRAM, 0);

	CHECK_EQ(get(fd, SOL_SOCKET, SO_PASSCRED), 0);
	CHECK(set(fd, SOL_SOCKET, SO_PASSCRED, 5) == 0);
	CHECK_EQ(get(fd, SOL_SOCKET, SO_PASSCRED), 1);
}

TEST(sockopt_timeouts)
{
	struct timeval tv = { 1, 500000 }, out;
	socklen_t len = sizeof(out);
	int fd = udp();

	CHECK(getsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &out, &len) == 0);
	CHECK(len == sizeof(out) && out.tv_sec == 0 && out.tv_usec == 0);
	CHECK(setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &tv, sizeof(tv)) == 0);
	CHECK(getsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &out, &len) == 0);
	CHECK(out.tv_sec == 1 && out.tv_usec == 500000);
	tv.tv_usec = 1000000;
	CHECK_ERRNO(setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &tv, sizeof(tv)), EDOM);
	CHECK_ERRNO(setsockopt(fd, SOL_SOCKET, SO_SNDTIMEO, &tv, 8), EINVAL);
	tv = (struct timeval){ 0, 0 };
	CHECK(setsockopt(fd, SOL_SOCKET, SO_SNDTIMEO, &tv, sizeof(tv)) == 0);
	CHECK(getsockopt(fd, SOL_SOCKET, SO_SNDTIMEO, &out, &len) == 0);
	CHECK(out.tv_sec == 0 && out.tv_usec == 0);
}

TEST(sockopt_linger)
{
	struct linger l = { 1, 7 }, out;
	socklen_t len = sizeof(out);
	int fd = socket(AF_INET, SOCK_STREAM, 0);

	CHECK(setsockopt(fd, SOL_SOCKET, SO_LINGER, &l, sizeof(l)) == 0);
	CHECK(getsockopt(fd, SOL_SOCKET, SO_LINGER, &out, &len) == 0);
	CHECK(out.l_onoff == 1 && out.l_linger == 7 && len == sizeof(out));
	CHECK_ERRNO(setsockopt(fd, SOL_SOCKET, SO_LINGER, &l, 4), EINVAL);
	l.l_onoff = 0;
	CHECK(setsockopt(fd, SOL_SOCKET, SO_LINGER, &l, sizeof(l)) == 0);
	CHECK(getsockopt(fd, SOL_SOCKET, SO_LINGER, &out, &len) == 0);
	CHECK_EQ(out.l_onoff, 0);
}

TEST(sockopt_rcvlowat)
{
	int fd = socket(AF_UNIX, SOCK_STREAM, 0);

	CHECK_EQ(get(fd, SOL_SOCKET, SO_RCVLOWAT), 1);
	CHECK(set(fd, SOL_SOCKET, SO_RCVLOWAT, 10) == 0);
	CHECK_EQ(get(fd, SOL_SOCKET, SO_RCVLOWAT), 10);
	CHECK(set(fd, SOL_SOCKET, SO_RCVLOWAT, 0) == 0);
	CHECK_EQ(get(fd, SOL_SOCKET, SO_RCVLOWAT), 1);
	CHECK_EQ(get(fd, SOL_SOCKET, SO_SNDLOWAT), 1);
	CHECK_ERRNO(set(fd, SOL_SOCKET, SO_SNDLOWAT, 2), ENOPROTOOPT);
}

TEST(sockopt_priority)
{
	int fd = udp();

	CHECK(set(fd, SOL_SOCKET, SO_PRIORITY, 6) == 0);
	CHECK_EQ(get(fd, SOL_SOCKET, SO_PRIORITY), 6);
}

TEST(sockopt_bindtodevice)
{
	char out[32] = { 0 };
	socklen_t len = sizeof(out);
	int fd = udp();

	CHECK_ERRNO(setsockopt(fd, SOL_SOCKET, SO_BINDTODEVICE, "nosuch0", 8), ENODEV);
	CHECK(getsockopt(fd, SOL_SOCKET, SO_BINDTODEVICE, out, &len) == 0);
	CHECK_EQ(len, 0);
	CHECK(setsockopt(fd, SOL_SOCKET, SO_BINDTODEVICE, "lo", 3) == 0);
	len = sizeof(out);
	CHECK(getsockopt(fd, SOL_SOCKET, SO_BINDTODEVICE, out, &len) == 0);
	CHECK(len == 3 && strcmp(out, "lo") == 0);
	len = 4;
	CHECK_ERRNO(getsockopt(fd, SOL_SOCKET, SO_BINDTODEVICE, out, &len), EINVAL);
}

TEST(sockopt_unknown_and_short)
{
	int fd = udp(), v = 1;
	socklen_t len = sizeof(v);

	CHECK_ERRNO(set(fd, SOL_SOCKET, 9999, 1), ENOPROTOOPT);
	CHECK_ERRNO(getsockopt(fd, SOL_SOCKET, 9999, &v, &len), ENOPROTOOPT);
	CHECK_ERRNO(setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &v, 3), EINVAL);
	CHECK_ERRNO(setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &v, -1), EINVAL);
	len = (socklen_t)-1;
	CHECK_ERRNO(getsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &v, &len), EINVAL);
	CHECK_ERRNO(getsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &v, NULL), EFAULT);
	CHECK_ERRNO(setsockopt(fd, 77, 1, &v, sizeof(v)), ENOPROTOOPT);
	len = sizeof(v);
	/* not the same errno, in Linux too */
	CHECK_ERRNO(getsockopt(fd, 77, 1, &v, &len), EOPNOTSUPP);
}

TEST(sockopt_short_answers_are_cut)
{
	int fd = udp();
	unsigned char out[8] = { 0xee, 0xee, 0xee, 0xee, 0xee, 0xee, 0xee, 0xee };
	socklen_t len = 2;

	CHECK(getsockopt(fd, SOL_SOCKET, SO_TYPE, out, &len) == 0);
	CHECK(len == 2 && out[0] == SOCK_DGRAM && out[1] == 0 && out[2] == 0xee);
	len = 8;
	CHECK(getsockopt(fd, SOL_SOCKET, SO_TYPE, out, &len) == 0);
	CHECK(len == 4 && out[4] == 0xee);
}

TEST(sockopt_privileged)
{
	int fd = udp();

	if (getuid() == 0)
		CHECK(setresuid(1000, 1000, 1000) == 0);
	CHECK_ERRNO(set(fd, SOL_SOCKET, SO_MARK, 1), EPERM);
	CHECK_ERRNO(set(fd, SOL_SOCKET, SO_PRIORITY, 7), EPERM);
	CHECK_ERRNO(set(fd, SOL_SOCKET, SO_RCVBUFFORCE, 1), EPERM);
	CHECK_ERRNO(set(fd, SOL_SOCKET, SO_DEBUG, 1), EACCES);
	CHECK_ERRNO(socket(AF_INET, SOCK_RAW, IPPROTO_ICMP), EPERM);
}

TEST(sockopt_ip_values)
{
	int fd = udp();
	unsigned char byte = 33;

	CHECK_EQ(get(fd, IPPROTO_IP, IP_TTL), 64);
	CHECK(set(fd, IPPROTO_IP, IP_TTL, 10) == 0);
	CHECK_EQ(get(fd, IPPROTO_IP, IP_TTL), 10);
	CHECK_ERRNO(set(fd, IPPROTO_IP, IP_TTL, 0), EINVAL);
	CHECK_ERRNO(set(fd, IPPROTO_IP, IP_TTL, 256), EINVAL);
	CHECK(set(fd, IPPROTO_IP, IP_TTL, -1) == 0);
	CHECK_EQ(get(fd, IPPROTO_IP, IP_TTL), 64);
	CHECK(setsockopt(fd, IPPROTO_IP, IP_TTL, &byte, 1) == 0); /* a byte is as good as an int */
	CHECK_EQ(get(fd, IPPROTO_IP, IP_TTL), 33);
	CHECK(set(fd, IPPROTO_IP, IP_TOS, 0x28) == 0);
	CHECK_EQ(get(fd, IPPROTO_IP, IP_TOS), 0x28);
	CHECK_EQ(get(fd, IPPROTO_IP, IP_MTU_DISCOVER), IP_PMTUDISC_WANT);
	CHECK_ERRNO(set(fd, IPPROTO_IP, IP_MTU_DISCOVER, 9), EINVAL);
	CHECK_ERRNO(set(fd, IPPROTO_IP, IP_HDRINCL, 1), ENOPROTOOPT);
	CHECK_EQ(get(fd, IPPROTO_IP, IP_MULTICAST_TTL), 1);
	CHECK_EQ(get(fd, IPPROTO_IP, IP_MULTICAST_LOOP), 1);
	int v;
	socklen_t len = sizeof(v);

	CHECK_ERRNO(getsockopt(fd, IPPROTO_IP, IP_MTU, &v, &len), ENOTCONN);
}

TEST(sockopt_inet_socket_arguments)
{
	CHECK_ERRNO(socket(AF_INET, SOCK_STREAM, IPPROTO_UDP), EPROTONOSUPPORT);
	CHECK_ERRNO(socket(AF_INET, SOCK_DGRAM, IPPROTO_TCP), EPROTONOSUPPORT);
	CHECK_ERRNO(socket(AF_INET, SOCK_SEQPACKET, 0), ESOCKTNOSUPPORT);
	CHECK_ERRNO(socket(AF_INET, SOCK_STREAM, 1000), EINVAL);
	CHECK_ERRNO(socket(AF_INET, SOCK_STREAM, -1), EINVAL);
	CHECK_ERRNO(socket(AF_INET, SOCK_RAW, 0), EPROTONOSUPPORT);
	CHECK_ERRNO(socket(-1, SOCK_STREAM, 0), EAFNOSUPPORT);
}

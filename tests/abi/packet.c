/* tests/abi/packet.c - packet sockets and their filters, over a tap device whose other end is the test. */
#include "tests/abi/tap.h"
#include "tests/abi/tun_pair.h"
#include <net/ethernet.h>
#include <net/if_arp.h>
#include <netinet/ip.h>
#include <netpacket/packet.h>
#include <sys/uio.h>

#define PACKET_AUXDATA_ 8
struct auxdata { uint32_t status, len, snaplen; uint16_t mac, net, vlan_tci, vlan_tpid; };
struct insn { uint16_t code; uint8_t jt, jf; uint32_t k; };
struct prog { uint16_t len; struct insn *insns; };
enum { ATTACH = 26, DETACH = 27, LOCK = 44 };
enum { LDH_ABS = 0x28, LDB_ABS = 0x30, LD_LEN = 0x80, JEQ = 0x15, RET = 0x06, RET_A = 0x16, LDX_MSH = 0xb1,
       LDB_IND = 0x50, DIV = 0x34, ST = 0x02, JA = 0x05, LDX_IMM = 0x01, ADD_X = 0x0c, LSH = 0x64 };

static int make_tap(const char *name, const char *address)
{
	int fd = open("/dev/net/tun", O_RDWR | O_NONBLOCK);
	struct ifreq r = request(name, IFF_TAP | IFF_NO_PI);

	if (fd < 0)
		SKIP("no /dev/net/tun");
	if (ioctl(fd, TUNSETIFF, &r) || bring_up(name, address, "255.255.255.0"))
		TAP_FAIL("%s: %s", name, strerror(errno));
	return fd;
}

static int packet_socket(int type, int protocol)
{
	int fd = socket(AF_PACKET, type, htons(protocol));

	if (fd < 0)
		TAP_FAIL("socket: %s", strerror(errno));
	return fd;
}

static struct sockaddr_ll on_device(const char *name, int protocol)
{
	return (struct sockaddr_ll){ .sll_family = AF_PACKET, .sll_protocol = htons(protocol),
				     .sll_ifindex = (int)if_nametoindex(name) };
}

static void bind_to(int fd, const char *name, int protocol)
{
	struct sockaddr_ll ll = on_device(name, protocol);

	CHECK(bind(fd, (struct sockaddr *)&ll, sizeof(ll)) == 0);
}

/* A frame of a protocol that nobody else takes, from a station 2:..:9 to @last of ff or 1. */
static size_t frame(unsigned char *f, unsigned char to, size_t payload)
{
	memset(f, to, 6);
	memcpy(f + 6, "\2\0\0\0\0\x9", 6);
	f[12] = 0x88;
	f[13] = 0xb5;		/* for local experiments (IEEE 802) */
	for (size_t i = 0; i < payload; i++)
		f[14 + i] = (unsigned char)i;
	return 14 + payload;
}
enum { EXPERIMENT = 0x88b5 };

static void inject(int tap, unsigned char to, size_t payload)
{
	unsigned char f[2000];
	size_t n = frame(f, to, payload);

	CHECK_EQ(write(tap, f, n), n);
}

static ssize_t receive(int fd, void *buf, size_t len, struct sockaddr_ll *from)
{
	struct pollfd p = { .fd = fd, .events = POLLIN };
	socklen_t namelen = sizeof(*from);

	if (poll(&p, 1, 1000) != 1)
		return -1;
	return recvfrom(fd, buf, len, MSG_TRUNC, (struct sockaddr *)from, &namelen);
}

TEST(packet_wants_root)
{
	CHECK(setresuid(1000, 1000, 1000) == 0);
	CHECK_ERRNO(socket(AF_PACKET, SOCK_RAW, 0), EPERM);
}

TEST(packet_socket_types)
{
	CHECK_ERRNO(socket(AF_PACKET, SOCK_STREAM, 0), ESOCKTNOSUPPORT);
	int fd = packet_socket(SOCK_DGRAM, 0);
	struct sockaddr_in in = { .sin_family = AF_INET };

	CHECK_ERRNO(connect(fd, (struct sockaddr *)&in, sizeof(in)), EOPNOTSUPP);
	CHECK_ERRNO(listen(fd, 1), EOPNOTSUPP);
	CHECK_ERRNO(bind(fd, (struct sockaddr *)&in, sizeof(in)), EINVAL);
}

TEST(packet_raw_sees_the_whole_frame)
{
	int tap = make_tap("pk0", "10.79.0.1"), fd = packet_socket(SOCK_RAW, EXPERIMENT);
	unsigned char got[2000], sent[2000];
	struct sockaddr_ll from;

	bind_to(fd, "pk0", EXPERIMENT);
	inject(tap, 0xff, 50);
	CHECK_EQ(receive(fd, got, sizeof(got), &from), 64);
	frame(sent, 0xff, 50);
	CHECK(memcmp(got, sent, 64) == 0);
	CHECK_EQ(from.sll_family, AF_PACKET);
	CHECK_EQ(from.sll_protocol, htons(EXPERIMENT));
	CHECK_EQ(from.sll_ifindex, if_nametoindex("pk0"));
	CHECK_EQ(from.sll_pkttype, PACKET_BROADCAST);
	CHECK_EQ(from.sll_hatype, ARPHRD_ETHER);
	CHECK_EQ(from.sll_halen, 6);
	CHECK(memcmp(from.sll_addr, sent + 6, 6) == 0);
}

TEST(packet_dgram_sees_what_follows_the_header)
{
	int tap = make_tap("pk1", "10.79.0.1"), fd = packet_socket(SOCK_DGRAM, EXPERIMENT);
	unsigned char got[2000];
	struct sockaddr_ll from;

	inject(tap, 1, 50);
	CHECK_EQ(receive(fd, got, sizeof(got), &from), 50);
	CHECK(got[0] == 0 && got[49] == 49);
	CHECK_EQ(from.sll_pkttype, PACKET_MULTICAST);	/* the first bit of ...01 */
}

TEST(packet_short_buffer_truncates)
{
	int tap = make_tap("pk2", "10.79.0.1"), fd = packet_socket(SOCK_RAW, EXPERIMENT);
	unsigned char got[20];
	struct iovec iov = { got, sizeof(got) };
	struct msghdr msg = { .msg_iov = &iov, .msg_iovlen = 1 };

	inject(tap, 0xff, 50);
	struct pollfd p = { .fd = fd, .events = POLLIN };

	CHECK(poll(&p, 1, 1000) == 1);
	CHECK_EQ(recvmsg(fd, &msg, 0), 20);
	CHECK(msg.msg_flags & MSG_TRUNC);
	CHECK_ERRNO(recv(fd, got, sizeof(got), MSG_DONTWAIT), EAGAIN);
	CHECK_ERRNO(recv(fd, got, sizeof(got), MSG_OOB), EINVAL);
}

TEST(packet_bound_device_only)
{
	int a = make_tap("pk3", "10.79.0.1"), b = make_tap("pk4", "10.80.0.1");
	int fd = packet_socket(SOCK_RAW, EXPERIMENT);
	unsigned char got[100];
	struct sockaddr_ll from, ll = on_device("pk3", EXPERIMENT), name;
	socklen_t len = sizeof(name);

	bind_to(fd, "pk3", EXPERIMENT);
	CHECK(getsockname(fd, (struct sockaddr *)&name, &len) == 0);
	CHECK_EQ(len, 18);
	CHECK_EQ(name.sll_ifindex, ll.sll_ifindex);
	CHECK_EQ(name.sll_halen, 6);
	inject(b, 0xff, 10);
	inject(a, 0xff, 20);
	CHECK_EQ(receive(fd, got, sizeof(got), &from), 34);
	CHECK_ERRNO(recv(fd, got, sizeof(got), MSG_DONTWAIT), EAGAIN);
	ll.sll_ifindex = 99999;
	CHECK_ERRNO(bind(fd, (struct sockaddr *)&ll, sizeof(ll)), ENODEV);
}

TEST(packet_protocol_0_receives_nothing)
{
	int tap = make_tap("pk5", "10.79.0.1"), fd = packet_socket(SOCK_RAW, 0);
	unsigned char got[100];

	inject(tap, 0xff, 10);
	CHECK_ERRNO(recv(fd, got, sizeof(got), MSG_DONTWAIT), EAGAIN);
}

TEST(packet_all_protocols_show_what_is_sent_too)
{
	int tap = make_tap("pk6", "10.79.0.1"), fd = packet_socket(SOCK_RAW, 3 /* ETH_P_ALL */);
	int out = packet_socket(SOCK_RAW, 0);
	unsigned char f[100], got[2000];
	size_t n = frame(f, 0xff, 40);
	struct sockaddr_ll to = on_device("pk6", EXPERIMENT), from;
	ssize_t r;

	bind_to(fd, "pk6", 3);
	CHECK_EQ(sendto(out, f, n, 0, (struct sockaddr *)&to, sizeof(to)), n);
	do {
		r = receive(fd, got, sizeof(got), &from);
		CHECK(r > 0);
	} while (got[12] != 0x88);
	CHECK_EQ(r, n);
	CHECK_EQ(from.sll_pkttype, PACKET_OUTGOING);
	do
		r = read(tap, got, sizeof(got));
	while (r > 0 && got[12] != 0x88);
	CHECK(r == (ssize_t)n && memcmp(got, f, n) == 0);
}

TEST(packet_dgram_builds_the_header)
{
	int tap = make_tap("pk7", "10.79.0.1"), fd = packet_socket(SOCK_DGRAM, 0);
	struct sockaddr_ll to = on_device("pk7", EXPERIMENT);
	unsigned char got[2000];
	ssize_t r;

	to.sll_halen = 6;
	memcpy(to.sll_addr, "\2\0\0\0\0\7", 6);
	CHECK_EQ(sendto(fd, "payload", 7, 0, (struct sockaddr *)&to, sizeof(to)), 7);
	do
		r = read(tap, got, sizeof(got));
	while (r > 0 && got[12] != 0x88);
	CHECK_EQ(r, 21);
	CHECK(memcmp(got, "\2\0\0\0\0\7", 6) == 0 && memcmp(got + 14, "payload", 7) == 0);
}

TEST(packet_send_errors)
{
	int tap = make_tap("pk8", "10.79.0.1"), fd = packet_socket(SOCK_RAW, 0);
	struct sockaddr_ll to = on_device("pk8", EXPERIMENT);
	static unsigned char big[2000];

	CHECK_ERRNO(sendto(fd, big, 1600, 0, (struct sockaddr *)&to, sizeof(to)), EMSGSIZE);
	CHECK_ERRNO(sendto(fd, big, 60, 0, (struct sockaddr *)&to, 10), EINVAL);
	CHECK_ERRNO(send(fd, big, 60, 0), ENXIO);
	to.sll_ifindex = 99999;
	CHECK_ERRNO(sendto(fd, big, 60, 0, (struct sockaddr *)&to, sizeof(to)), ENXIO);
	close(tap);
}

TEST(packet_statistics_begin_anew)
{
	int tap = make_tap("pk9", "10.79.0.1"), fd = packet_socket(SOCK_RAW, EXPERIMENT), small = 0;
	unsigned int st[2];
	socklen_t len = sizeof(st);

	CHECK(setsockopt(fd, SOL_SOCKET, SO_RCVBUF, &small, sizeof(small)) == 0);
	for (int i = 0; i < 50; i++)
		inject(tap, 0xff, 1000);
	CHECK(getsockopt(fd, SOL_PACKET, PACKET_STATISTICS, st, &len) == 0);
	CHECK_EQ(st[0], 50);
	CHECK(st[1] > 30 && st[1] < 50);
	CHECK(getsockopt(fd, SOL_PACKET, PACKET_STATISTICS, st, &len) == 0);
	CHECK_EQ(st[0] + st[1], 0);
}

TEST(packet_memberships)
{
	int tap = make_tap("pka", "10.79.0.1"), fd = packet_socket(SOCK_RAW, EXPERIMENT);
	struct packet_mreq m = { .mr_ifindex = (int)if_nametoindex("pka"), .mr_type = PACKET_MR_PROMISC };

	CHECK(setsockopt(fd, SOL_PACKET, PACKET_ADD_MEMBERSHIP, &m, sizeof(m)) == 0);
	CHECK(setsockopt(fd, SOL_PACKET, PACKET_DROP_MEMBERSHIP, &m, sizeof(m)) == 0);
	CHECK_ERRNO(setsockopt(fd, SOL_PACKET, PACKET_ADD_MEMBERSHIP, &m, 4), EINVAL);
	m.mr_ifindex = 99999;
	close(tap);
	CHECK_ERRNO(setsockopt(fd, SOL_PACKET, PACKET_ADD_MEMBERSHIP, &m, sizeof(m)), ENODEV);
	CHECK_ERRNO(setsockopt(fd, SOL_PACKET, 999, &m, sizeof(m)), ENOPROTOOPT);
}

static int attach(int fd, struct insn *insns, int n)
{
	struct prog p = { (uint16_t)n, insns };

	return setsockopt(fd, SOL_SOCKET, ATTACH, &p, sizeof(p));
}
#define ATTACH_THESE(fd, ...) \
	({ struct insn __i[] = { __VA_ARGS__ }; attach(fd, __i, (int)(sizeof(__i) / sizeof(__i[0]))); })

TEST(packet_filter_chooses_and_cuts)
{
	int tap = make_tap("pkb", "10.79.0.1"), fd = packet_socket(SOCK_RAW, EXPERIMENT), on = 1;
	unsigned char got[2000];
	struct sockaddr_ll from;
	struct iovec iov = { got, sizeof(got) };
	char control[128];
	struct msghdr msg = { .msg_iov = &iov, .msg_iovlen = 1, .msg_control = control,
			      .msg_controllen = sizeof(control) };
	struct auxdata aux;

	/* payload byte 5 in a frame that says so: 24 bytes of it; others not at all */
	CHECK(ATTACH_THESE(fd, { LDB_ABS, 0, 0, 0 }, { JEQ, 0, 1, 0xff }, { RET, 0, 0, 24 }, { RET, 0, 0, 0 }) == 0);
	inject(tap, 1, 50);
	inject(tap, 0xff, 50);
	CHECK_EQ(receive(fd, got, sizeof(got), &from), 24);
	CHECK_EQ(got[0], 0xff);
	CHECK_ERRNO(recv(fd, got, sizeof(got), MSG_DONTWAIT), EAGAIN);
	CHECK(setsockopt(fd, SOL_PACKET, PACKET_AUXDATA_, &on, sizeof(on)) == 0);
	inject(tap, 0xff, 50);
	CHECK_EQ(recvmsg(fd, &msg, 0), 24);
	struct cmsghdr *c = CMSG_FIRSTHDR(&msg);

	CHECK(c && c->cmsg_level == SOL_PACKET && c->cmsg_type == PACKET_AUXDATA_);
	memcpy(&aux, CMSG_DATA(c), sizeof(aux));
	CHECK_EQ(aux.len, 64);
	CHECK_EQ(aux.snaplen, 24);
	CHECK_EQ(aux.mac, 0);
	CHECK_EQ(aux.net, 14);
}

TEST(packet_filter_arithmetic)
{
	int tap = make_tap("pkc", "10.79.0.1"), fd = packet_socket(SOCK_DGRAM, EXPERIMENT);
	unsigned char got[2000];
	struct sockaddr_ll from;

	/* x = 4 * (payload[3] & 15) = 12; a = payload[12 + 2] + x = 26 */
	CHECK(ATTACH_THESE(fd, { LDX_MSH, 0, 0, 3 }, { LDB_IND, 0, 0, 2 }, { ADD_X, 0, 0, 0 },
			   { RET_A, 0, 0, 0 }) == 0);
	inject(tap, 0xff, 50);
	CHECK_EQ(receive(fd, got, sizeof(got), &from), 26);
	/* a load beyond the packet: nothing is kept */
	CHECK(ATTACH_THESE(fd, { LDB_ABS, 0, 0, 50 }, { RET, 0, 0, 100 }) == 0);
	inject(tap, 0xff, 50);
	CHECK_ERRNO(recv(fd, got, sizeof(got), MSG_DONTWAIT), EAGAIN);
	/* the protocol, and the link header in front */
	CHECK(ATTACH_THESE(fd, { LDH_ABS, 0, 0, (uint32_t)-0x1000 }, { JEQ, 0, 2, EXPERIMENT },
			   { LDH_ABS, 0, 0, (uint32_t)-0x200000 + 12 }, { JEQ, 1, 0, EXPERIMENT }, { RET, 0, 0, 0 },
			   { RET, 0, 0, 7 }) == 0);
	inject(tap, 0xff, 50);
	CHECK_EQ(receive(fd, got, sizeof(got), &from), 7);
}

TEST(packet_filter_refuses_bad_programs)
{
	int fd = packet_socket(SOCK_RAW, 0);
	struct prog none = { 0, NULL }, wild = { 1, (struct insn *)8 };

	CHECK_ERRNO(ATTACH_THESE(fd, { LDB_ABS, 0, 0, 0 }), EINVAL);				/* does not end */
	CHECK_ERRNO(ATTACH_THESE(fd, { JEQ, 1, 0, 0 }, { RET, 0, 0, 0 }), EINVAL);		/* jumps out */
	CHECK_ERRNO(ATTACH_THESE(fd, { JA, 0, 0, 5 }, { RET, 0, 0, 0 }), EINVAL);
	CHECK_ERRNO(ATTACH_THESE(fd, { DIV, 0, 0, 0 }, { RET, 0, 0, 0 }), EINVAL);
	CHECK_ERRNO(ATTACH_THESE(fd, { LSH, 0, 0, 32 }, { RET, 0, 0, 0 }), EINVAL);
	CHECK_ERRNO(ATTACH_THESE(fd, { ST, 0, 0, 16 }, { RET, 0, 0, 0 }), EINVAL);
	CHECK_ERRNO(ATTACH_THESE(fd, { 0xff, 0, 0, 0 }, { RET, 0, 0, 0 }), EINVAL);
	CHECK_ERRNO(setsockopt(fd, SOL_SOCKET, ATTACH, &none, sizeof(none)), EINVAL);
	CHECK_ERRNO(setsockopt(fd, SOL_SOCKET, ATTACH, &wild, sizeof(wild)), EFAULT);
}

TEST(packet_filter_detach_and_lock)
{
	int fd = packet_socket(SOCK_RAW, 0), on = 1, off = 0;

	CHECK_ERRNO(setsockopt(fd, SOL_SOCKET, DETACH, &on, sizeof(on)), ENOENT);
	CHECK(ATTACH_THESE(fd, { RET, 0, 0, 0 }) == 0);
	CHECK(setsockopt(fd, SOL_SOCKET, DETACH, &on, sizeof(on)) == 0);
	CHECK(setsockopt(fd, SOL_SOCKET, LOCK, &on, sizeof(on)) == 0);
	CHECK_ERRNO(setsockopt(fd, SOL_SOCKET, LOCK, &off, sizeof(off)), EPERM);
	CHECK_ERRNO(ATTACH_THESE(fd, { RET, 0, 0, 0 }), EPERM);
	CHECK_ERRNO(setsockopt(fd, SOL_SOCKET, DETACH, &on, sizeof(on)), EPERM);
}

static void *rebind(void *arg)
{
	int fd = *(int *)arg;

	for (int i = 0; i < 200; i++)
		bind_to(fd, i & 1 ? "pkd" : "lo", EXPERIMENT);
	return NULL;
}

TEST(packet_sockets_come_and_go_under_traffic)
{
	int tap = make_tap("pkd", "10.79.0.1"), fd = packet_socket(SOCK_RAW, EXPERIMENT);
	pthread_t t;

	pthread_create(&t, NULL, rebind, &fd);
	for (int i = 0; i < 200; i++) {
		int other = packet_socket(SOCK_RAW, i & 1 ? EXPERIMENT : 3);

		ATTACH_THESE(other, { LD_LEN, 0, 0, 0 }, { RET_A, 0, 0, 0 });
		inject(tap, 0xff, 50);
		close(other);
	}
	pthread_join(t, NULL);
}

/* tests/abi/forward.c - forwarding between two tun devices; the test is the networks behind both. */
#include "tests/abi/tap.h"
#include "tests/abi/tun_pair.h"
#include <netinet/ip.h>

enum { PACKET = 2048 };

static int make_tun(const char *name, const char *address)
{
	int fd = open("/dev/net/tun", O_RDWR | O_NONBLOCK);
	struct ifreq r = request(name, IFF_TUN | IFF_NO_PI);

	if (fd < 0)
		SKIP("no /dev/net/tun");
	if (ioctl(fd, TUNSETIFF, &r) || bring_up(name, address, "255.255.255.0"))
		TAP_FAIL("%s: %s", name, strerror(errno));
	return fd;
}

static void set_forwarding(bool on)
{
	int fd = open("/proc/sys/net/ipv4/ip_forward", O_WRONLY);

	CHECK(fd >= 0 && write(fd, on ? "1" : "0", 1) == 1);
	close(fd);
}

static uint32_t sum16(const unsigned char *p, size_t len)
{
	uint32_t sum = 0;

	for (size_t i = 0; i < len; i++)
		sum += i & 1 ? p[i] : (uint32_t)p[i] << 8;
	while (sum >> 16)
		sum = (sum & 0xffff) + (sum >> 16);
	return sum;
}

/* A UDP packet without a checksum, of @len bytes in all. */
static void make_packet(unsigned char *ip, const char *from, const char *to, int ttl, bool df, size_t len)
{
	in_addr_t s = inet_addr(from), d = inet_addr(to);

	memset(ip, 0, len);
	ip[0] = 0x45;
	ip[2] = (unsigned char)(len >> 8);
	ip[3] = (unsigned char)len;
	ip[5] = 7;
	ip[6] = df ? 0x40 : 0;
	ip[8] = (unsigned char)ttl;
	ip[9] = 17;
	memcpy(ip + 12, &s, 4);
	memcpy(ip + 16, &d, 4);
	uint32_t check = ~sum16(ip, 20) & 0xffff;

	ip[10] = (unsigned char)(check >> 8);
	ip[11] = (unsigned char)check;
	ip[21] = 9;
	ip[23] = 9;
	ip[24] = (unsigned char)((len - 20) >> 8);
	ip[25] = (unsigned char)(len - 20);
	for (size_t i = 28; i < len; i++)
		ip[i] = (unsigned char)i;
}

/* The next IPv4 packet of protocol @protocol, or 0 after a while. */
static ssize_t next_packet(int fd, unsigned char *ip, int protocol)
{
	struct pollfd p = { .fd = fd, .events = POLLIN };

	while (poll(&p, 1, 300) == 1) {
		ssize_t n = read(fd, ip, PACKET);

		if (n > 0 && ip[0] >> 4 == 4 && ip[9] == protocol)
			return n;
	}
	return 0;
}

struct two { int a, b; };
static struct two two_networks(bool forwarding)
{
	struct two t = { make_tun("fa0", "10.81.0.1"), make_tun("fb0", "10.82.0.1") };

	set_forwarding(forwarding);
	return t;
}

TEST(forward_not_unless_told_to)
{
	struct two t = two_networks(false);
	unsigned char p[PACKET];

	make_packet(p, "10.81.0.2", "10.82.0.2", 5, false, 100);
	CHECK_EQ(write(t.a, p, 100), 100);
	CHECK_EQ(next_packet(t.b, p, 17), 0);
}

TEST(forward_takes_one_hop_off)
{
	struct two t = two_networks(true);
	unsigned char p[PACKET], sent[100];

	for (int ttl = 255; ttl > 1; ttl -= 84) {
		make_packet(sent, "10.81.0.2", "10.82.0.2", ttl, false, 100);
		CHECK_EQ(write(t.a, sent, 100), 100);
		CHECK_EQ(next_packet(t.b, p, 17), 100);
		CHECK_EQ(p[8], ttl - 1);
		CHECK_EQ(sum16(p, 20), 0xffff);
		CHECK(memcmp(p + 12, sent + 12, 88) == 0);
	}
	/* and back */
	make_packet(sent, "10.82.0.2", "10.81.0.2", 64, false, 100);
	CHECK_EQ(write(t.b, sent, 100), 100);
	CHECK_EQ(next_packet(t.a, p, 17), 100);
	set_forwarding(false);
}

TEST(forward_last_hop_is_told)
{
	struct two t = two_networks(true);
	unsigned char p[PACKET];
	in_addr_t router = inet_addr("10.81.0.1");

	make_packet(p, "10.81.0.2", "10.82.0.2", 1, false, 100);
	CHECK_EQ(write(t.a, p, 100), 100);
	CHECK(next_packet(t.a, p, 1) >= 56);
	CHECK_EQ(p[20], 11);		/* time exceeded */
	CHECK_EQ(p[21], 0);
	CHECK(memcmp(p + 12, &router, 4) == 0);
	CHECK_EQ(p[28 + 9], 17);	/* quotes the packet */
	CHECK_EQ(p[28 + 8], 1);
	CHECK_EQ(next_packet(t.b, p, 17), 0);
	set_forwarding(false);
}

static void set_mtu(const char *name, int mtu)
{
	struct ifreq r = request(name, 0);
	int s = socket(AF_INET, SOCK_DGRAM, 0);

	r.ifr_mtu = mtu;
	CHECK(ioctl(s, SIOCSIFMTU, &r) == 0);
	close(s);
}

TEST(forward_too_big_is_told_or_cut)
{
	struct two t = two_networks(true);
	unsigned char p[PACKET];
	int got = 0, pieces = 0;

	set_mtu("fb0", 600);
	make_packet(p, "10.81.0.2", "10.82.0.2", 9, true, 1000);
	CHECK_EQ(write(t.a, p, 1000), 1000);
	CHECK(next_packet(t.a, p, 1) >= 56);
	CHECK_EQ(p[20], 3);
	CHECK_EQ(p[21], 4);
	CHECK_EQ(p[26] << 8 | p[27], 600);
	make_packet(p, "10.81.0.2", "10.82.0.2", 9, false, 1000);
	CHECK_EQ(write(t.a, p, 1000), 1000);
	for (ssize_t n; (n = next_packet(t.b, p, 17)) > 0; pieces++) {
		CHECK(n <= 600);
		CHECK_EQ(p[8], 8);
		CHECK_EQ((p[6] & 0x1f) << 8 | p[7], got / 8);
		CHECK_EQ(!!(p[6] & 0x20), got + n - 20 < 980);
		CHECK_EQ(sum16(p, 20), 0xffff);
		got += (int)n - 20;
	}
	CHECK_EQ(pieces, 2);
	CHECK_EQ(got, 980);
	set_forwarding(false);
}

TEST(forward_refuses_impossible_addresses)
{
	static const char *const pairs[][2] = {
		{ "127.0.0.1", "10.82.0.2" }, { "10.81.0.2", "127.0.0.5" }, { "10.81.0.2", "10.82.0.255" },
		{ "10.81.0.2", "224.0.0.9" }, { "255.255.255.255", "10.82.0.2" }, { "10.82.0.1", "10.82.0.2" },
	};
	struct two t = two_networks(true);
	unsigned char p[PACKET];

	for (size_t i = 0; i < sizeof(pairs) / sizeof(pairs[0]); i++) {
		make_packet(p, pairs[i][0], pairs[i][1], 5, false, 100);
		CHECK_EQ(write(t.a, p, 100), 100);
	}
	CHECK_EQ(next_packet(t.b, p, 17), 0);
	set_forwarding(false);
}

TEST(forward_counts)
{
	struct two t = two_networks(true);
	unsigned char p[PACKET];
	char line[1024];
	int forwarding = 0, defttl, n = 0;
	unsigned long in, hdr, addr, forwarded = 0;
	FILE *f = fopen("/proc/net/snmp", "r");

	make_packet(p, "10.81.0.2", "10.82.0.2", 5, false, 100);
	CHECK_EQ(write(t.a, p, 100), 100);
	CHECK_EQ(next_packet(t.b, p, 17), 100);
	while (f && fgets(line, sizeof(line), f))
		if (sscanf(line, "Ip: %d %d %lu %lu %lu %lu", &forwarding, &defttl, &in, &hdr, &addr, &forwarded) == 6)
			n++;
	CHECK_EQ(n, 1);
	CHECK_EQ(forwarding, 1);
	CHECK(forwarded >= 1);
	set_forwarding(false);
}

TEST(forward_sysctls_have_their_places)
{
	static const char *const paths[] = {
		"/proc/sys/net/ipv4/ip_forward", "/proc/sys/net/ipv4/ip_default_ttl", "/proc/sys/net/core/somaxconn",
		"/proc/sys/net/core/rmem_max", "/proc/sys/net/core/wmem_default",
	};
	char text[32];

	for (size_t i = 0; i < sizeof(paths) / sizeof(paths[0]); i++) {
		int fd = open(paths[i], O_RDWR);

		if (fd < 0)
			TAP_FAIL("%s: %s", paths[i], strerror(errno));
		ssize_t n = read(fd, text, sizeof(text));

		CHECK(n > 0 && n < (ssize_t)sizeof(text));
		CHECK_EQ(pwrite(fd, text, (size_t)n, 0), n);
		close(fd);
	}
}

/* tests/abi/tun.c - /dev/net/tun: the test is the network, and plays a peer by turning packets around. */
#include "tests/abi/tap.h"
#include "tests/abi/tun_pair.h"
#include <net/if_arp.h>
#include <netinet/ip.h>
#include <sys/epoll.h>

enum { PACKET = 2048 };

static int open_tun(void)
{
	int fd = open("/dev/net/tun", O_RDWR | O_NONBLOCK);

	if (fd < 0 && (errno == ENOENT || errno == ENODEV))
		SKIP("no /dev/net/tun");
	if (fd < 0)
		TAP_FAIL("open: %s", strerror(errno));
	return fd;
}

static int make_tun(const char *name, int flags)
{
	int fd = open_tun();
	struct ifreq r = request(name, flags);

	if (ioctl(fd, TUNSETIFF, &r))
		TAP_FAIL("TUNSETIFF: %s", strerror(errno));
	return fd;
}

static struct sockaddr_in peer_port(unsigned short port)
{
	return (struct sockaddr_in){ .sin_family = AF_INET, .sin_port = htons(port),
				     .sin_addr.s_addr = inet_addr("10.77.0.2") };
}

static bool exists(const char *name) { return if_nametoindex(name) != 0; }

/* The next IPv4 packet that the stack sends through @fd (IFF_NO_PI), within a second. Linux sends IPv6 unasked. */
static ssize_t next_packet(int fd, unsigned char *buf)
{
	struct pollfd p = { .fd = fd, .events = POLLIN };

	while (poll(&p, 1, 1000) == 1) {
		ssize_t n = read(fd, buf, PACKET);

		if (n > 0 && buf[0] >> 4 == 4 && buf[9] != IPPROTO_IGMP)
			return n;
	}
	TAP_FAIL("no packet");
}

TEST(tun_without_a_device)
{
	int fd = open_tun();
	char c[64] = "";
	struct ifreq r = request("", 0);
	struct pollfd p = { .fd = fd, .events = POLLIN | POLLOUT };

	CHECK_ERRNO(read(fd, c, sizeof(c)), EBADFD);
	CHECK_ERRNO(write(fd, c, sizeof(c)), EBADFD);
	CHECK_ERRNO(ioctl(fd, TUNGETIFF, &r), EBADFD);
	CHECK_ERRNO(ioctl(fd, TUNSETPERSIST, 1), EBADFD);
	CHECK(poll(&p, 1, 0) == 1);
	CHECK_EQ(p.revents, POLLERR);
}

TEST(tun_features)
{
	int fd = open_tun();
	unsigned int features = 0;

	CHECK(ioctl(fd, TUNGETFEATURES, &features) == 0);
	CHECK((features & (IFF_TUN | IFF_TAP | IFF_NO_PI)) == (IFF_TUN | IFF_TAP | IFF_NO_PI));
	CHECK_ERRNO(ioctl(fd, TUNGETFEATURES, (void *)8), EFAULT);
}

TEST(tun_setiff_errors)
{
	int fd = open_tun();
	struct ifreq r = request("t0", 0);

	CHECK_ERRNO(ioctl(fd, TUNSETIFF, &r), EINVAL);		/* neither tun nor tap */
	CHECK_ERRNO(ioctl(fd, TUNSETIFF, (void *)8), EFAULT);
	r = request("lo", IFF_TUN);
	CHECK_ERRNO(ioctl(fd, TUNSETIFF, &r), EINVAL);		/* not one of ours */
	r = request("a/b", IFF_TUN);
	CHECK_ERRNO(ioctl(fd, TUNSETIFF, &r), EINVAL);
	r = request("t0", IFF_TUN);
	CHECK(ioctl(fd, TUNSETIFF, &r) == 0);
	CHECK_ERRNO(ioctl(fd, TUNSETIFF, &r), EEXIST);		/* it has one */
	int second = open_tun();

	CHECK_ERRNO(ioctl(second, TUNSETIFF, &r), EBUSY);	/* somebody else has it */
	r = request("t0", IFF_TAP);
	CHECK_ERRNO(ioctl(second, TUNSETIFF, &r), EINVAL);	/* the other kind */
	r = request("t0", IFF_TUN | IFF_TUN_EXCL);
	CHECK_ERRNO(ioctl(second, TUNSETIFF, &r), EBUSY);
}

TEST(tun_wants_root)
{
	int fd = open_tun();
	struct ifreq r = request("t0", IFF_TUN);

	CHECK(setresuid(1000, 1000, 1000) == 0);
	CHECK_ERRNO(ioctl(fd, TUNSETIFF, &r), EPERM);
}

TEST(tun_names)
{
	int a = open_tun(), b = open_tun();
	struct ifreq r = request("", IFF_TUN | IFF_NO_PI), s = request("vpn%d", IFF_TAP);

	CHECK(ioctl(a, TUNSETIFF, &r) == 0);
	CHECK(strcmp(r.ifr_name, "tun0") == 0);
	CHECK(ioctl(b, TUNSETIFF, &s) == 0);
	CHECK(strcmp(s.ifr_name, "vpn0") == 0);
	memset(&r, 0, sizeof(r));
	CHECK(ioctl(a, TUNGETIFF, &r) == 0);
	CHECK(strcmp(r.ifr_name, "tun0") == 0);
	CHECK_EQ(r.ifr_flags & (IFF_TUN | IFF_TAP | IFF_NO_PI), IFF_TUN | IFF_NO_PI);
}

TEST(tun_device_goes_with_its_file)
{
	int fd = make_tun("t0", IFF_TUN | IFF_NO_PI), copy = dup(fd);

	CHECK(bring_up("t0", "10.77.0.1", "255.255.255.0") == 0);
	CHECK(exists("t0"));
	close(fd);
	CHECK(exists("t0"));
	close(copy);
	CHECK(!exists("t0"));
	int s = socket(AF_INET, SOCK_DGRAM, 0);
	struct sockaddr_in a = { .sin_family = AF_INET, .sin_addr.s_addr = inet_addr("10.77.0.1") };

	CHECK_ERRNO(bind(s, (struct sockaddr *)&a, sizeof(a)), EADDRNOTAVAIL);
}

/* Linux shows a change of the carrier within a second. */
static bool wait_for_carrier(int s, const char *name, bool on)
{
	for (int i = 0; i < 300; i++) {
		struct ifreq r = request(name, 0);

		CHECK(ioctl(s, SIOCGIFFLAGS, &r) == 0);
		CHECK(r.ifr_flags & IFF_UP);
		if (!!(r.ifr_flags & IFF_RUNNING) == on)
			return true;
		sleep_ms(10);
	}
	return false;
}

TEST(tun_persists_when_told_to)
{
	int fd = make_tun("keep0", IFF_TUN | IFF_NO_PI);

	CHECK(ioctl(fd, TUNSETPERSIST, 1) == 0);
	CHECK(bring_up("keep0", "10.77.0.1", "255.255.255.0") == 0);
	close(fd);
	CHECK(exists("keep0"));
	int s = socket(AF_INET, SOCK_DGRAM, 0);

	CHECK(wait_for_carrier(s, "keep0", false));	/* nobody at the other end */
	fd = make_tun("keep0", IFF_TUN | IFF_NO_PI);
	CHECK(wait_for_carrier(s, "keep0", true));
	CHECK(ioctl(fd, TUNSETPERSIST, 0) == 0);
	close(fd);
	CHECK(!exists("keep0"));
}

TEST(tun_kinds_of_device)
{
	int fd = make_tun("t0", IFF_TUN), tap = make_tun("t1", IFF_TAP), s = socket(AF_INET, SOCK_DGRAM, 0);
	struct ifreq r = request("t0", 0);

	CHECK(ioctl(s, SIOCGIFFLAGS, &r) == 0);
	CHECK_EQ(r.ifr_flags & (IFF_POINTOPOINT | IFF_NOARP | IFF_MULTICAST | IFF_BROADCAST | IFF_UP),
		 IFF_POINTOPOINT | IFF_NOARP | IFF_MULTICAST);
	CHECK(ioctl(s, SIOCGIFHWADDR, &r) == 0);
	CHECK_EQ(r.ifr_hwaddr.sa_family, 0xfffe);
	CHECK(ioctl(s, SIOCGIFMTU, &r) == 0);
	CHECK_EQ(r.ifr_mtu, 1500);
	r = request("t1", 0);
	CHECK(ioctl(s, SIOCGIFFLAGS, &r) == 0);
	CHECK_EQ(r.ifr_flags & (IFF_POINTOPOINT | IFF_NOARP | IFF_MULTICAST | IFF_BROADCAST),
		 IFF_MULTICAST | IFF_BROADCAST);
	CHECK(ioctl(tap, SIOCGIFHWADDR, &r) == 0);
	CHECK_EQ(r.ifr_hwaddr.sa_family, ARPHRD_ETHER);
	CHECK((r.ifr_hwaddr.sa_data[0] & 3) == 2);
	close(fd);
}

TEST(tun_address_is_of_one_host_until_a_mask_says_more)
{
	int fd = make_tun("t0", IFF_TUN), s = socket(AF_INET, SOCK_DGRAM, 0);
	struct ifreq r = with_address("t0", "10.77.0.1");

	CHECK(ioctl(s, SIOCSIFADDR, &r) == 0);
	CHECK(ioctl(s, SIOCGIFNETMASK, &r) == 0);
	CHECK_EQ(((struct sockaddr_in *)&r.ifr_addr)->sin_addr.s_addr, 0xffffffff);
	close(fd);
}

TEST(tun_is_down_at_first)
{
	int fd = make_tun("t0", IFF_TUN | IFF_NO_PI);
	unsigned char packet[PACKET] = { 0x45 };
	struct pollfd p = { .fd = fd, .events = POLLIN | POLLOUT };

	CHECK_ERRNO(write(fd, packet, 20), EIO);
	CHECK_ERRNO(read(fd, packet, sizeof(packet)), EAGAIN);
	CHECK_EQ(poll(&p, 1, 0), 0);
	CHECK(bring_up("t0", "10.77.0.1", "255.255.255.0") == 0);
	CHECK(poll(&p, 1, 0) == 1 && p.revents & POLLOUT);
}

TEST(tun_passes_what_is_sent)
{
	int fd = make_tun("t0", IFF_TUN | IFF_NO_PI), s = socket(AF_INET, SOCK_DGRAM, 0);
	struct sockaddr_in to = peer_port(9);
	unsigned char ip[PACKET];

	CHECK(bring_up("t0", "10.77.0.1", "255.255.255.0") == 0);
	CHECK_EQ(sendto(s, "hello", 5, 0, (struct sockaddr *)&to, sizeof(to)), 5);
	ssize_t n = next_packet(fd, ip);

	CHECK_EQ(n, 20 + 8 + 5);
	CHECK_EQ(ip[9], IPPROTO_UDP);
	CHECK(memcmp(ip + 16, &to.sin_addr, 4) == 0 && memcmp(ip + 28, "hello", 5) == 0);
	/* The peer says it back. */
	struct sockaddr_in from;
	socklen_t len = sizeof(from);
	char text[16];

	turn_around(ip);
	memcpy(text, ip + 20, 2);
	memcpy(ip + 20, ip + 22, 2);
	memcpy(ip + 22, text, 2);
	CHECK_EQ(write(fd, ip, (size_t)n), n);
	CHECK_EQ(recvfrom(s, text, sizeof(text), 0, (struct sockaddr *)&from, &len), 5);
	CHECK(from.sin_addr.s_addr == to.sin_addr.s_addr && from.sin_port == to.sin_port);
}

TEST(tun_header_in_front)
{
	int fd = make_tun("t0", IFF_TUN), s = socket(AF_INET, SOCK_DGRAM, 0);
	struct sockaddr_in to = peer_port(9);
	unsigned char b[PACKET];
	struct tun_pi pi;
	ssize_t n;

	CHECK(bring_up("t0", "10.77.0.1", "255.255.255.0") == 0);
	for (int room = PACKET; room > 0; room = room == PACKET ? 30 : 0) {
		CHECK_EQ(sendto(s, "hello", 5, 0, (struct sockaddr *)&to, sizeof(to)), 5);
		do {
			struct pollfd p = { .fd = fd, .events = POLLIN };

			CHECK(poll(&p, 1, 1000) == 1);
			n = read(fd, b, (size_t)room);
			CHECK(n >= 4);
			memcpy(&pi, b, 4);
		} while (pi.proto != htons(0x0800));
		CHECK_EQ(n, room == PACKET ? 4 + 33 : 30);
		CHECK_EQ(pi.flags, room == PACKET ? 0 : TUN_PKT_STRIP);
	}
	CHECK_ERRNO(write(fd, b, 3), EINVAL);
}

TEST(tun_says_what_it_will_not_take)
{
	int fd = make_tun("t0", IFF_TUN | IFF_NO_PI), tap = make_tun("t1", IFF_TAP | IFF_NO_PI);
	unsigned char b[64] = { 0 };

	CHECK(bring_up("t0", "10.77.0.1", "255.255.255.0") == 0);
	CHECK(bring_up("t1", "10.78.0.1", "255.255.255.0") == 0);
	CHECK_ERRNO(write(fd, b, sizeof(b)), EINVAL);	/* neither IPv4 nor IPv6 */
	CHECK_ERRNO(write(tap, b, 13), EINVAL);		/* no Ethernet header */
	CHECK_EQ(write(tap, b, 14), 14);
	CHECK_ERRNO(write(tap, (void *)8, 64), EFAULT);
}

TEST(tun_queue_is_bounded)
{
	int fd = make_tun("t0", IFF_TUN | IFF_NO_PI), s = socket(AF_INET, SOCK_DGRAM, 0), got = 0;
	struct sockaddr_in to = peer_port(9);
	unsigned char b[PACKET];

	CHECK(bring_up("t0", "10.77.0.1", "255.255.255.0") == 0);
	struct ifreq r = request("t0", 0);

	CHECK(ioctl(s, SIOCGIFTXQLEN, &r) == 0);
	CHECK_EQ(r.ifr_qlen, 500);
	for (int i = 0; i < 700; i++)
		sendto(s, "x", 1, 0, (struct sockaddr *)&to, sizeof(to));
	while (read(fd, b, sizeof(b)) > 0)
		got += b[9] == IPPROTO_UDP;
	CHECK(got >= 490 && got <= 500);	/* Linux's own packets take a few places */
}

static void *send_later(void *arg)
{
	struct sockaddr_in to = peer_port(9);
	int s = socket(AF_INET, SOCK_DGRAM, 0);

	usleep(50000);
	sendto(s, "late", 4, 0, (struct sockaddr *)&to, sizeof(to));
	close(s);
	return arg;
}

TEST(tun_read_waits_and_epoll_wakes)
{
	int fd = make_tun("t0", IFF_TUN | IFF_NO_PI), ep = epoll_create1(0);
	struct epoll_event ev = { .events = EPOLLIN | EPOLLET }, got;
	unsigned char b[PACKET];
	pthread_t t;

	CHECK(bring_up("t0", "10.77.0.1", "255.255.255.0") == 0);
	while (read(fd, b, sizeof(b)) > 0)
		;
	CHECK(epoll_ctl(ep, EPOLL_CTL_ADD, fd, &ev) == 0);
	for (int round = 0; round < 2; round++) {
		pthread_create(&t, NULL, send_later, NULL);
		if (round) {
			CHECK(fcntl(fd, F_SETFL, O_RDWR) == 0);
			do
				CHECK(read(fd, b, sizeof(b)) > 0);
			while (b[9] != IPPROTO_UDP);
		} else {
			CHECK(epoll_wait(ep, &got, 1, 2000) == 1);
			next_packet(fd, b);
		}
		pthread_join(t, NULL);
	}
}

/* Turns every packet of @arg's tun around until the device is gone. */
static void *mirror(void *arg)
{
	int fd = *(int *)arg;
	unsigned char b[PACKET];
	struct pollfd p = { .fd = fd, .events = POLLIN };

	while (poll(&p, 1, 500) == 1) {
		ssize_t n = read(fd, b, sizeof(b));

		if (n < 20 || b[0] >> 4 != 4)
			continue;
		turn_around(b);
		if (write(fd, b, (size_t)n) != n)
			break;
	}
	return NULL;
}

TEST(tun_carries_tcp_to_ourselves)
{
	enum { TOTAL = 1 << 20 };
	int fd = make_tun("t0", IFF_TUN | IFF_NO_PI);
	int l = socket(AF_INET, SOCK_STREAM, 0), c = socket(AF_INET, SOCK_STREAM, 0);
	struct sockaddr_in here = peer_port(7000), there = here;
	static char out[65536], in[65536];
	pthread_t t;

	here.sin_addr.s_addr = inet_addr("10.77.0.1");
	CHECK(bring_up("t0", "10.77.0.1", "255.255.255.0") == 0);
	pthread_create(&t, NULL, mirror, &fd);
	CHECK(bind(l, (struct sockaddr *)&here, sizeof(here)) == 0 && listen(l, 5) == 0);
	CHECK(connect(c, (struct sockaddr *)&there, sizeof(there)) == 0);
	int s = accept(l, NULL, NULL);

	CHECK(s >= 0);
	for (size_t i = 0; i < sizeof(out); i++)
		out[i] = (char)(i * 7 + i / 251);
	for (size_t sent = 0, got = 0; got < TOTAL;) {
		size_t at = sent % sizeof(out);
		ssize_t n = sent < TOTAL ? send(c, out + at, sizeof(out) - at, MSG_DONTWAIT) : -1;

		if (n > 0)
			sent += (size_t)n;
		n = recv(s, in, sizeof(in), sent < TOTAL ? MSG_DONTWAIT : 0);
		if (n < 0 && errno == EAGAIN) {
			struct pollfd p[2] = { { s, POLLIN, 0 }, { c, POLLOUT, 0 } };

			CHECK(poll(p, 2, 5000) > 0);
			continue;
		}
		CHECK(n > 0);
		for (ssize_t i = 0; i < n; i++)
			CHECK(in[i] == out[(got + (size_t)i) % sizeof(out)]);
		got += (size_t)n;
	}
	close(s);
	close(c);
	close(l);
	pthread_join(t, NULL);
}

TEST(tun_removed_under_a_connection)
{
	int fd = make_tun("t0", IFF_TUN | IFF_NO_PI), c = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK, 0);
	struct sockaddr_in there = peer_port(7);
	int u = socket(AF_INET, SOCK_DGRAM, 0);

	CHECK(bring_up("t0", "10.77.0.1", "255.255.255.0") == 0);
	CHECK_ERRNO(connect(c, (struct sockaddr *)&there, sizeof(there)), EINPROGRESS);
	CHECK(connect(u, (struct sockaddr *)&there, sizeof(there)) == 0);
	CHECK_EQ(send(u, "x", 1, 0), 1);
	close(fd);
	CHECK(!exists("t0"));
	/* Wherever the default route leads it now, the device that was is not used any more. */
	send(u, "x", 1, 0);
	fd = make_tun("t0", IFF_TUN | IFF_NO_PI);
	CHECK(bring_up("t0", "10.77.0.1", "255.255.255.0") == 0);
	CHECK_EQ(send(u, "again", 5, 0), 5);
	unsigned char b[PACKET];

	while (next_packet(fd, b) > 0 && b[9] != IPPROTO_UDP)
		;
	CHECK(memcmp(b + 28, "again", 5) == 0);
}

static void *open_and_close(void *arg)
{
	for (int i = 0; i < 50; i++)
		close(make_tun(arg, IFF_TUN | IFF_NO_PI));
	return NULL;
}

TEST(tun_comes_and_goes_while_others_send)
{
	struct sockaddr_in to = peer_port(9);
	int s = socket(AF_INET, SOCK_DGRAM, 0);
	pthread_t t;

	pthread_create(&t, NULL, open_and_close, (void *)"t1");
	for (int i = 0; i < 50; i++) {
		int fd = make_tun("t0", IFF_TUN | IFF_NO_PI);

		CHECK(bring_up("t0", "10.77.0.1", "255.255.255.0") == 0);
		for (int k = 0; k < 20; k++)
			sendto(s, "x", 1, 0, (struct sockaddr *)&to, sizeof(to));
		close(fd);
	}
	pthread_join(t, NULL);
}

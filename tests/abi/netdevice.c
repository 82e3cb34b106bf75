/* tests/abi/netdevice.c - devices, raw sockets and ping over the loopback. */
#include "tests/abi/tap.h"
#include <arpa/inet.h>
#include <net/if.h>
#include <net/if_arp.h>
#include <netinet/in.h>
#include <netinet/ip.h>
#include <netinet/ip_icmp.h>
#include <sys/ioctl.h>

static struct ifreq request(const char *name)
{
	struct ifreq r;

	memset(&r, 0, sizeof(r));
	strcpy(r.ifr_name, name);
	return r;
}

TEST(netdevice_loopback_by_ioctl)
{
	int fd = socket(AF_INET, SOCK_DGRAM, 0);
	struct ifreq r = request("lo");

	CHECK(ioctl(fd, SIOCGIFFLAGS, &r) == 0);
	CHECK((r.ifr_flags & (IFF_UP | IFF_LOOPBACK | IFF_RUNNING)) ==
	      (IFF_UP | IFF_LOOPBACK | IFF_RUNNING));
	CHECK(ioctl(fd, SIOCGIFINDEX, &r) == 0);
	CHECK_EQ(r.ifr_ifindex, 1);
	r = request("lo");
	CHECK(ioctl(fd, SIOCGIFMTU, &r) == 0);
	CHECK_EQ(r.ifr_mtu, 65536);
	r = request("lo");
	CHECK(ioctl(fd, SIOCGIFADDR, &r) == 0);
	CHECK_EQ(((struct sockaddr_in *)&r.ifr_addr)->sin_addr.s_addr, htonl(INADDR_LOOPBACK));
	r = request("lo");
	CHECK(ioctl(fd, SIOCGIFNETMASK, &r) == 0);
	CHECK_EQ(((struct sockaddr_in *)&r.ifr_addr)->sin_addr.s_addr, htonl(0xff000000));
	r = request("lo");
	CHECK(ioctl(fd, SIOCGIFHWADDR, &r) == 0);
	CHECK_EQ(r.ifr_hwaddr.sa_family, ARPHRD_LOOPBACK);
	r = request("");
	r.ifr_ifindex = 1;
	CHECK(ioctl(fd, SIOCGIFNAME, &r) == 0);
	CHECK(strcmp(r.ifr_name, "lo") == 0);
}

TEST(netdevice_errors)
{
	int fd = socket(AF_INET, SOCK_DGRAM, 0), ufd = socket(AF_UNIX, SOCK_STREAM, 0);
	struct ifreq r = request("nosuch0");

	CHECK_ERRNO(ioctl(fd, SIOCGIFFLAGS, &r), ENODEV);
	CHECK_ERRNO(ioctl(fd, SIOCGIFADDR, &r), ENODEV);
	r.ifr_ifindex = 9999;
	CHECK_ERRNO(ioctl(fd, SIOCGIFNAME, &r), ENODEV);
	CHECK_ERRNO(ioctl(fd, SIOCGIFFLAGS, (void *)8), EFAULT);
	CHECK_ERRNO(ioctl(fd, 0x1234, &r), ENOTTY);
	r = request("lo");
	CHECK(ioctl(ufd, SIOCGIFFLAGS, &r) == 0); /* any socket will do */
	if (getuid() == 0)
		CHECK(setresuid(1000, 1000, 1000) == 0);
	CHECK_ERRNO(ioctl(fd, SIOCSIFFLAGS, &r), EPERM);
}

TEST(netdevice_list_has_the_loopback)
{
	struct ifreq list[20];
	struct ifconf c = { .ifc_len = 0, .ifc_req = NULL };
	int fd = socket(AF_INET, SOCK_DGRAM, 0), found = 0;

	CHECK(ioctl(fd, SIOCGIFCONF, &c) == 0);
	CHECK(c.ifc_len >= (int)sizeof(struct ifreq) && c.ifc_len % (int)sizeof(struct ifreq) == 0);
	c.ifc_len = sizeof(list);
	c.ifc_req = list;
	CHECK(ioctl(fd, SIOCGIFCONF, &c) == 0);
	for (int i = 0; i < c.ifc_len / (int)sizeof(struct ifreq); i++)
		found += strcmp(list[i].ifr_name, "lo") == 0;
	CHECK_EQ(found, 1);
	c.ifc_len = sizeof(struct ifreq) - 1;
	CHECK(ioctl(fd, SIOCGIFCONF, &c) == 0);
	CHECK_EQ(c.ifc_len, 0);
}

TEST(netdevice_proc_files)
{
	static const char *const files[] = { "/proc/net/dev",	  "/proc/net/route",
					     "/proc/net/arp",	  "/proc/net/snmp",
					     "/proc/net/netstat", "/proc/net/sockstat",
					     "/proc/net/udp",	  "/proc/net/raw",
					     "/proc/net/unix" };
	char line[512];

	for (size_t i = 0; i < sizeof(files) / sizeof(files[0]); i++) {
		FILE *f = fopen(files[i], "r");

		if (!f)
			TAP_FAIL("%s cannot be opened", files[i]);
		CHECK(fgets(line, sizeof(line), f) != NULL);
		fclose(f);
	}
	FILE *f = fopen("/proc/net/dev", "r");
	bool lo = false;

	while (fgets(line, sizeof(line), f))
		lo |= strstr(line, "lo:") != NULL;
	CHECK(lo);
}

static unsigned short checksum(const void *data, size_t len)
{
	const unsigned short *p = data;
	unsigned long sum = 0;

	for (; len > 1; len -= 2)
		sum += *p++;
	while (sum >> 16)
		sum = (sum & 0xffff) + (sum >> 16);
	return (unsigned short)~sum;
}

static struct sockaddr_in to_loopback(void)
{
	return (struct sockaddr_in){ .sin_family = AF_INET,
				     .sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
}

TEST(raw_ping)
{
	struct sockaddr_in to = to_loopback();
	struct { struct icmphdr h; char data[56]; } p = { .h = { .type = ICMP_ECHO } };
	unsigned char in[200];
	int fd = socket(AF_INET, SOCK_RAW, IPPROTO_ICMP);

	if (fd < 0 && errno == EPERM)
		SKIP("not root");
	CHECK(fd >= 0);
	p.h.un.echo.id = htons(getpid() & 0xffff);
	p.h.checksum = checksum(&p, sizeof(p));
	CHECK_EQ(sendto(fd, &p, sizeof(p), 0, (struct sockaddr *)&to, sizeof(to)), sizeof(p));
	for (;;) { /* our own request comes by first */
		struct iphdr *ip = (struct iphdr *)in;
		ssize_t n = recv(fd, in, sizeof(in), 0);

		CHECK_EQ(n, 20 + sizeof(p));
		CHECK(ip->version == 4 && ip->ihl == 5 && ip->protocol == IPPROTO_ICMP);
		struct icmphdr *h = (struct icmphdr *)(in + 20);

		if (h->type == ICMP_ECHOREPLY && h->un.echo.id == p.h.un.echo.id)
			break;
	}
}

TEST(raw_header_included)
{
	struct { struct iphdr ip; struct icmphdr h;
	} p = {
		.ip = { .version = 4,
			.ihl = 5,
			.ttl = 9,
			.protocol = 253,
			.daddr = htonl(INADDR_LOOPBACK) },
	};
	struct sockaddr_in to = to_loopback(), from;
	socklen_t len = sizeof(from);
	unsigned char in[200];
	int out = socket(AF_INET, SOCK_RAW, IPPROTO_RAW), fd = socket(AF_INET, SOCK_RAW, 253);

	if (fd < 0 && errno == EPERM)
		SKIP("not root");
	CHECK_EQ(sendto(out, &p, sizeof(p), 0, (struct sockaddr *)&to, sizeof(to)), sizeof(p));
	CHECK_EQ(recvfrom(fd, in, sizeof(in), 0, (struct sockaddr *)&from, &len), sizeof(p));
	struct iphdr *ip = (struct iphdr *)in;

	CHECK_EQ(ip->ttl, 9);
	CHECK_EQ(ntohs(ip->tot_len), sizeof(p));
	CHECK_EQ(ip->saddr, htonl(INADDR_LOOPBACK));
	CHECK_EQ(checksum(ip, 20), 0);
	CHECK(from.sin_port == 0 && from.sin_addr.s_addr == htonl(INADDR_LOOPBACK));
}

TEST(raw_icmp_filter)
{
	struct sockaddr_in to = to_loopback();
	struct icmphdr p = { .type = ICMP_ECHO }, *h;
	unsigned char in[200];
	unsigned int only_replies = ~(1U << ICMP_ECHOREPLY);
	int fd = socket(AF_INET, SOCK_RAW, IPPROTO_ICMP);

	if (fd < 0 && errno == EPERM)
		SKIP("not root");
	CHECK(setsockopt(fd, SOL_RAW, 1 /* ICMP_FILTER */, &only_replies, sizeof(only_replies)) ==
	      0);
	p.checksum = checksum(&p, sizeof(p));
	CHECK_EQ(sendto(fd, &p, sizeof(p), 0, (struct sockaddr *)&to, sizeof(to)), sizeof(p));
	CHECK_EQ(recv(fd, in, sizeof(in), 0), 28);
	h = (struct icmphdr *)(in + 20);
	CHECK_EQ(h->type, ICMP_ECHOREPLY);
}

TEST(ping_socket)
{
	struct sockaddr_in to = to_loopback(), me;
	struct {
		struct icmphdr h;
		char data[8];
	} p = { .h = { .type = ICMP_ECHO }, .data = "payload" }, in;
	socklen_t len = sizeof(me);
	int fd = socket(AF_INET, SOCK_DGRAM, IPPROTO_ICMP);

	if (fd < 0 && errno == EACCES)
		SKIP("net.ipv4.ping_group_range does not allow it");
	CHECK(fd >= 0);
	p.h.un.echo.sequence = htons(5);
	CHECK_EQ(sendto(fd, &p, sizeof(p), 0, (struct sockaddr *)&to, sizeof(to)), sizeof(p));
	CHECK_EQ(recv(fd, &in, sizeof(in), 0), sizeof(in));
	CHECK(in.h.type == ICMP_ECHOREPLY && in.h.un.echo.sequence == htons(5));
	CHECK(memcmp(in.data, p.data, sizeof(p.data)) == 0);
	CHECK(getsockname(fd, (struct sockaddr *)&me, &len) == 0);
	CHECK_EQ(in.h.un.echo.id, me.sin_port);
	CHECK_ERRNO(sendto(fd, &p, 7, 0, (struct sockaddr *)&to, sizeof(to)), EINVAL);
	p.h.type = ICMP_ECHOREPLY;
	CHECK_ERRNO(sendto(fd, &p, sizeof(p), 0, (struct sockaddr *)&to, sizeof(to)), EINVAL);
}

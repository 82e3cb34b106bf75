/* tests/abi/tun_pair.h - /dev/net/tun for programs built with musl, which has no kernel headers. */
#pragma once
#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <net/if.h>
#include <netinet/in.h>
#include <stdbool.h>
#include <stdint.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <unistd.h>

#define TUNSETIFF	0x400454ca
#define TUNSETPERSIST	0x400454cb
#define TUNGETFEATURES	0x800454cf
#define TUNGETIFF	0x800454d2
enum { IFF_TUN = 1, IFF_TAP = 2, IFF_NO_PI = 0x1000, IFF_TUN_EXCL = 0x8000, TUN_PKT_STRIP = 1 };
struct tun_pi { uint16_t flags, proto; };

static inline struct ifreq request(const char *name, int flags)
{
	struct ifreq r;

	memset(&r, 0, sizeof(r));
	strcpy(r.ifr_name, name);
	r.ifr_flags = (short)flags;
	return r;
}

static inline struct ifreq with_address(const char *name, const char *address)
{
	struct ifreq r = request(name, 0);
	struct sockaddr_in *in = (struct sockaddr_in *)&r.ifr_addr;

	in->sin_family = AF_INET;
	in->sin_addr.s_addr = inet_addr(address);
	return r;
}

/* Give @name an address, and bring it up. Return: 0, or -1 with errno. */
static inline int bring_up(const char *name, const char *address, const char *mask)
{
	int s = socket(AF_INET, SOCK_DGRAM, 0), err;
	struct ifreq r = with_address(name, address), m = with_address(name, mask), f = request(name, 0);

	err = ioctl(s, SIOCSIFADDR, &r) || ioctl(s, SIOCSIFNETMASK, &m) || ioctl(s, SIOCGIFFLAGS, &f);
	f.ifr_flags |= IFF_UP;
	err = err || ioctl(s, SIOCSIFFLAGS, &f);
	close(s);
	return err ? -1 : 0;
}

/* Source and destination of an IP packet change places: no checksum changes. */
static inline void turn_around(unsigned char *ip)
{
	unsigned char source[4];

	memcpy(source, ip + 12, 4);
	memcpy(ip + 12, ip + 16, 4);
	memcpy(ip + 16, source, 4);
}

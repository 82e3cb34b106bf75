/*
 * net/sockios.h - ioctls of sockets and the structures they pass.
 *
 * Linux:   uapi/linux/sockios.h, if.h, route.h, if_arp.h (6.1)
 * Same:    numbers and layouts.
 * Differs: none.
 * Locks:   none.
 * Walk:    sock_ioctl() -> inet_sock_ioctl(), dev_ioctl().
 */
#pragma once
#include "net/netdevice.h"
#include "net/socket.h"

enum {
	SIOCADDRT = 0x890b,
	SIOCDELRT = 0x890c,
	SIOCGIFNAME = 0x8910,
	SIOCGIFCONF = 0x8912,
	SIOCGIFFLAGS = 0x8913,
	SIOCSIFFLAGS = 0x8914,
	SIOCGIFADDR = 0x8915,
	SIOCSIFADDR = 0x8916,
	SIOCGIFDSTADDR = 0x8917,
	SIOCSIFDSTADDR = 0x8918,
	SIOCGIFBRDADDR = 0x8919,
	SIOCSIFBRDADDR = 0x891a,
	SIOCGIFNETMASK = 0x891b,
	SIOCSIFNETMASK = 0x891c,
	SIOCGIFMETRIC = 0x891d,
	SIOCGIFMTU = 0x8921,
	SIOCSIFMTU = 0x8922,
	SIOCSIFHWADDR = 0x8924,
	SIOCGIFHWADDR = 0x8927,
	SIOCGIFINDEX = 0x8933,
	SIOCGIFTXQLEN = 0x8942,
	SIOCSIFTXQLEN = 0x8943,
	SIOCDARP = 0x8953,
	SIOCGARP = 0x8954,
	SIOCSARP = 0x8955,
	SIOCGIFMAP = 0x8970,
	SIOCGSTAMP_OLD = 0x8906,
	SIOCGSTAMPNS_OLD = 0x8907,
	FIOSETOWN = 0x8901,
	SIOCSPGRP = 0x8902,
	FIOGETOWN = 0x8903,
	SIOCGPGRP = 0x8904,
	SIOCATMARK = 0x8905,
	SIOCINQ = 0x541b /* FIONREAD */,
	SIOCOUTQ = 0x5411 /* TIOCOUTQ */,
};

struct sockaddr { u16 sa_family; u8 sa_data[14]; };
struct ifmap { u64 mem_start, mem_end; u16 base_addr; u8 irq, dma, port; };
struct ifreq {
	char ifr_name[IFNAMSIZ];
	union {
		struct sockaddr ifr_addr;
		struct sockaddr_in ifr_in;
		s16 ifr_flags;
		s32 ifr_ivalue;
		char ifr_newname[IFNAMSIZ];
		struct ifmap ifr_map;
	};
};
static_assert(sizeof(struct ifreq) == 40, "ABI");
struct ifconf { s32 ifc_len; u32 __pad; uptr ifc_buf; };
static_assert(sizeof(struct ifconf) == 16, "ABI");

struct rtentry {
	u64 rt_pad1;
	struct sockaddr_in rt_dst, rt_gateway, rt_genmask;
	u16 rt_flags;
	s16 rt_pad2;
	u64 rt_pad3;
	u64 rt_pad4;
	s16 rt_metric;	/* plus one */
	uptr rt_dev;
	u64 rt_mtu, rt_window;
	u16 rt_irtt;
};
static_assert(sizeof(struct rtentry) == 120, "ABI");
enum { RTF_UP = 1, RTF_GATEWAY = 2, RTF_HOST = 4, RTF_REJECT = 0x200 };

struct arpreq {
	struct sockaddr_in arp_pa;
	struct sockaddr arp_ha;
	s32 arp_flags;
	struct sockaddr arp_netmask;
	char arp_dev[IFNAMSIZ];
};
static_assert(sizeof(struct arpreq) == 68, "ABI");
enum { ATF_COM = 2, ATF_PERM = 4, ATF_PUBL = 8 };

/*
 * net/wire/arp.h - an ARP packet for IPv4 over Ethernet as it travels (RFC 826).
 *
 * Linux:   uapi/linux/if_arp.h (6.1)
 * Same:    field names.
 * Differs: 1. the addresses are fields: only Ethernet and IPv4 are spoken here.
 * Locks:   none.
 * Walk:    arp_rcv(), arp_send().
 */
#pragma once
#include "kernel/types.h"

struct arphdr {
	be16 ar_hrd, ar_pro;
	u8 ar_hln, ar_pln;
	be16 ar_op;
	u8 ar_sha[6];
	u8 ar_sip[4];	/* not aligned */
	u8 ar_tha[6];
	u8 ar_tip[4];
};
static_assert(sizeof(struct arphdr) == 28, "RFC 826");
enum { ARPOP_REQUEST = 1, ARPOP_REPLY = 2 };
static inline be32 arp_ip(const u8 *p)
{
	be32 a;

	__builtin_memcpy(&a, p, 4);
	return a;
}

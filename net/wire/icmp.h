/*
 * net/wire/icmp.h - the ICMP header as it travels (RFC 792).
 *
 * Linux:   uapi/linux/icmp.h (6.1)
 * Same:    struct icmphdr, types and codes.
 * Differs: none.
 * Locks:   none.
 * Walk:    icmp_rcv(), icmp_send().
 */
#pragma once
#include "kernel/types.h"

struct icmphdr {
	u8 type, code;
	u16 checksum;
	union {
		struct { be16 id, sequence; } echo;
		be32 gateway;
		struct { be16 __unused_, mtu; } frag;	/* RFC 1191 */
		u8 pointer;
	} un;
};
static_assert(sizeof(struct icmphdr) == 8, "RFC 792");
enum {
	ICMP_ECHOREPLY = 0,
	ICMP_DEST_UNREACH = 3,
	ICMP_SOURCE_QUENCH = 4,
	ICMP_REDIRECT = 5,
	ICMP_ECHO = 8,
	ICMP_TIME_EXCEEDED = 11,
	ICMP_PARAMETERPROB = 12,
	ICMP_TIMESTAMP = 13,
	ICMP_TIMESTAMPREPLY = 14,
	NR_ICMP_TYPES = 18,
};
enum {
	ICMP_NET_UNREACH,
	ICMP_HOST_UNREACH,
	ICMP_PROT_UNREACH,
	ICMP_PORT_UNREACH,
	ICMP_FRAG_NEEDED,
	ICMP_SR_FAILED,
	ICMP_NET_UNKNOWN,
	ICMP_HOST_UNKNOWN,
	ICMP_HOST_ISOLATED,
	ICMP_NET_ANO,
	ICMP_HOST_ANO,
	ICMP_NET_UNR_TOS,
	ICMP_HOST_UNR_TOS,
	ICMP_PKT_FILTERED,
	ICMP_PREC_VIOLATION,
	ICMP_PREC_CUTOFF,
	NR_ICMP_UNREACH,
};
enum { ICMP_EXC_TTL = 0, ICMP_EXC_FRAGTIME = 1 };

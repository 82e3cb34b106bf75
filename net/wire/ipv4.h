/*
 * net/wire/ipv4.h - the IPv4 header as it travels (RFC 791).
 *
 * Linux:   uapi/linux/ip.h (6.1)
 * Same:    struct iphdr's fields.
 * Differs: 1. version and length are read through accessors.
 * Locks:   none.
 * Walk:    ip_rcv(), ip_queue_xmit().
 */
#pragma once
#include "kernel/types.h"

struct iphdr {
	u8 ver_ihl;	/* version << 4 | header words */
	u8 tos;
	be16 tot_len, id, frag_off;
	u8 ttl, protocol;
	u16 check;
	be32 saddr, daddr;
};
static_assert(sizeof(struct iphdr) == 20, "RFC 791");
enum {
	IPPROTO_IP = 0,
	IPPROTO_ICMP = 1,
	IPPROTO_TCP = 6,
	IPPROTO_UDP = 17,
	IPPROTO_RAW = 255,
	IP_DF = 0x4000,
	IP_MF = 0x2000,
	IP_OFFSET = 0x1fff,
	IPDEFTTL = 64
};
static inline unsigned int iph_hdrlen(const struct iphdr *h) { return (h->ver_ihl & 15) * 4U; }
static inline unsigned int iph_version(const struct iphdr *h) { return h->ver_ihl >> 4; }

#define INADDR_ANY		((be32){ 0 })
#define INADDR_LOOPBACK		cpu_to_be32(0x7f000001)
#define INADDR_BROADCAST	cpu_to_be32(0xffffffff)
static inline bool ipv4_is_zeronet(be32 a) { return a.raw == 0; }
static inline bool ipv4_is_loopback(be32 a) { return (a.raw & 0xff) == 127; }
static inline bool ipv4_is_multicast(be32 a) { return (a.raw & 0xf0) == 0xe0; }
static inline bool ipv4_is_lbcast(be32 a) { return a.raw == 0xffffffff; }

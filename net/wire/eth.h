/*
 * net/wire/eth.h - the header of an Ethernet frame as it travels (IEEE 802.3).
 *
 * Linux:   uapi/linux/if_ether.h, include/linux/etherdevice.h (6.1)
 * Same:    struct ethhdr.
 * Differs: none.
 * Locks:   none.
 * Walk:    eth_type_trans(), eth_header().
 */
#pragma once
#include "kernel/types.h"

struct ethhdr {
	u8 h_dest[6], h_source[6];
	be16 h_proto;	/* ETH_P_*; below ETH_P_802_3_MIN it is a length */
};
static_assert(sizeof(struct ethhdr) == 14, "IEEE 802.3");
enum { ETH_P_802_3_MIN = 0x600, ETH_P_802_2 = 0x0004 };

/* Six bytes as the low end of a word, for comparing. */
static inline u64 ether_addr_to_u64(const u8 *a)
{
	u32 lo;
	u16 hi;

	__builtin_memcpy(&lo, a, 4);
	__builtin_memcpy(&hi, a + 4, 2);
	return lo | (u64)hi << 32;
}
static inline bool ether_addr_equal(const u8 *a, const u8 *b)
{
	return ether_addr_to_u64(a) == ether_addr_to_u64(b);
}
static inline bool is_multicast_ether_addr(const u8 *a) { return a[0] & 1; }
static inline bool is_broadcast_ether_addr(const u8 *a)
{
	return ether_addr_to_u64(a) == 0xffffffffffffULL;
}
static inline bool is_zero_ether_addr(const u8 *a) { return ether_addr_to_u64(a) == 0; }
static inline void ether_addr_copy(u8 *to, const u8 *from) { __builtin_memcpy(to, from, 6); }

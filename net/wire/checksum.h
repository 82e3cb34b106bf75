/*
 * net/wire/checksum.h - the Internet checksum (RFC 1071).
 *
 * Linux:   include/net/checksum.h (6.1)
 * Same:    csum_partial() gives an unfolded 32-bit sum; csum_fold() complements; a stored checksum
 *          is a plain u16 in memory order (__sum16), neither big nor little endian.
 * Differs: 1. sums are u32 (Linux: __wsum).
 * Locks:   none.
 * Walk:    tcp_v4_rcv() when the device has not verified it.
 */
#pragma once
#include "kernel/types.h"

/*
 * csum_partial - add @len bytes to the sum @csum. Odd lengths as if padded with zero. Context: any.
 */
u32 csum_partial(const void *buf, size_t len, u32 csum);
/* csum_partial_copy - the same while copying. */
u32 csum_partial_copy(const void *src, void *dst, size_t len, u32 csum);
static inline u16 csum_fold(u32 csum)
{
	csum = (csum & 0xffff) + (csum >> 16);
	csum = (csum & 0xffff) + (csum >> 16);
	return (u16)~csum;
}
static inline u32 csum_add(u32 a, u32 b) { u32 r = a + b; return r + (r < b); }
static inline u32 csum_sub(u32 a, u32 b) { return csum_add(a, ~b); }
/* csum_block_add - add the sum @b of a block that begins at @offset of the whole. */
static inline u32 csum_block_add(u32 a, u32 b, size_t offset)
{
	return csum_add(a, offset & 1 ? (b >> 8 | b << 24) : b);
}
/*
 * csum_tcpudp_nofold - pseudo header of TCP and UDP (RFC 9293 3.1) added to @csum;
 * csum_tcpudp_magic folds it.
 */
static inline u32 csum_from64(u64 sum)
{
	u32 r = (u32)sum + (u32)(sum >> 32);

	return r + (r < (u32)sum);
}
static inline u32 csum_tcpudp_nofold(be32 saddr, be32 daddr, u32 len, u8 proto, u32 csum)
{
	/* Zero, protocol, length: as 16-bit words in memory order. */
	return csum_from64((u64)csum + saddr.raw + daddr.raw + cpu_to_be32(len + proto).raw);
}
static inline u16 csum_tcpudp_magic(be32 saddr, be32 daddr, u32 len, u8 proto, u32 csum)
{
	return csum_fold(csum_tcpudp_nofold(saddr, daddr, len, proto, csum));
}
/* ip_fast_csum - of an IP header of @ihl words, at least 5. 0: a received header is right. */
static inline u16 ip_fast_csum(const void *iph, unsigned int ihl)
{
	u32 w[5], more;

	__builtin_memcpy(w, iph, sizeof(w));
	u64 sum = (u64)w[0] + w[1] + w[2] + w[3] + w[4];

	for (unsigned int i = 5; i < ihl; i++) {
		__builtin_memcpy(&more, (const u8 *)iph + 4 * i, sizeof(more));
		sum += more;
	}
	return csum_fold(csum_from64(sum));
}

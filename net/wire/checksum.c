/*
 * net/wire/checksum.c - the Internet checksum: the one's complement sum of 16-bit words.
 *
 * Linux:   lib/checksum.c, arch/x86/lib/csum-partial_64.c (6.1)
 * Same:    the sum is kept in memory order, so it needs no byte swapping (RFC 1071, 2.B).
 * Differs: 1. eight bytes at a time with end-around carry, in C.
 * Locks:   none.
 * Walk:    ip_rcv() -> ip_fast_csum(); tcp_v4_rcv(), udp_rcv() -> skb_checksum() -> csum_partial().
 */
#include "net/wire/checksum.h"
#include "kernel/string.h"

/*
 * a + b with the carry added back in: addition modulo 2^64 - 1, which keeps the sum modulo 2^16 -
 * 1.
 */
static inline u64 add_carry(u64 a, u64 b)
{
	u64 r = a + b;

	return r + (r < b);
}

static inline u32 fold_to_32(u64 sum)
{
	sum = (sum & 0xffffffff) + (sum >> 32);
	sum = (sum & 0xffffffff) + (sum >> 32);
	return (u32)sum;
}

static inline u64 load64(const u8 *p)
{
	u64 v;

	__builtin_memcpy(&v, p, sizeof(v));
	return v;
}

/*
 * The last 1 to 7 bytes as the low end of a word, the rest zero: an odd byte is padded as the RFC
 * asks.
 */
static u64 load_tail(const u8 *p, size_t len)
{
	u64 v = 0;

	for (size_t i = 0; i < len; i++)
		v |= (u64)p[i] << (8 * i);
	return v;
}

u32 csum_partial(const void *buf, size_t len, u32 csum)
{
	const u8 *p = buf;
	u64 sum = csum;

	/* Two sums, so that neither waits for the other's carry. */
	u64 sum2 = 0;

	for (; len >= 32; len -= 32, p += 32) {
		sum = add_carry(sum, load64(p));
		sum2 = add_carry(sum2, load64(p + 8));
		sum = add_carry(sum, load64(p + 16));
		sum2 = add_carry(sum2, load64(p + 24));
	}
	sum = add_carry(sum, sum2);
	for (; len >= 8; len -= 8, p += 8)
		sum = add_carry(sum, load64(p));
	if (len)
		sum = add_carry(sum, load_tail(p, len));
	return fold_to_32(sum);
}

u32 csum_partial_copy(const void *src, void *dst, size_t len, u32 csum)
{
	const u8 *s = src;
	u8 *d = dst;
	u64 sum = csum;

	for (; len >= 8; len -= 8, s += 8, d += 8) {
		u64 v = load64(s);

		__builtin_memcpy(d, &v, sizeof(v));
		sum = add_carry(sum, v);
	}
	if (len) {
		sum = add_carry(sum, load_tail(s, len));
		memcpy(d, s, len);
	}
	return fold_to_32(sum);
}

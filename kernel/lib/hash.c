/*
 * kernel/lib/hash.c - SipHash: a hash whose collisions cannot be guessed without its key.
 *
 * Linux:   lib/siphash.c (6.1)
 * Same:    SipHash-2-4, little endian.
 * Differs: none.
 * Locks:   none.
 * Walk:    inet_ehashfn() for ports and addresses that a stranger chooses.
 */
#include "kernel/hash.h"
#include "kernel/string.h"

static inline u64 rotl(u64 x, int n) { return x << n | x >> (64 - n); }

static inline void sipround(u64 v[4])
{
	v[0] += v[1]; v[1] = rotl(v[1], 13); v[1] ^= v[0]; v[0] = rotl(v[0], 32);
	v[2] += v[3]; v[3] = rotl(v[3], 16); v[3] ^= v[2];
	v[0] += v[3]; v[3] = rotl(v[3], 21); v[3] ^= v[0];
	v[2] += v[1]; v[1] = rotl(v[1], 17); v[1] ^= v[2]; v[2] = rotl(v[2], 32);
}

static inline void compress(u64 v[4], u64 m)
{
	v[3] ^= m;
	sipround(v);
	sipround(v);
	v[0] ^= m;
}

u64 siphash(const void *data, size_t len, const siphash_key_t *key)
{
	/* "somepseudorandomlygeneratedbytes", from the paper's section 2 */
	u64 v[4] = {
		0x736f6d6570736575ULL ^ key->key[0], 0x646f72616e646f6dULL ^ key->key[1],
		0x6c7967656e657261ULL ^ key->key[0], 0x7465646279746573ULL ^ key->key[1],
	};
	const u8 *p = data;
	u64 m, last = (u64)len << 56;

	for (; len >= 8; len -= 8, p += 8) {
		memcpy(&m, p, 8);
		compress(v, m);
	}
	for (size_t i = 0; i < len; i++)
		last |= (u64)p[i] << (8 * i);
	compress(v, last);
	v[2] ^= 0xff;
	for (int i = 0; i < 4; i++)
		sipround(v);
	return v[0] ^ v[1] ^ v[2] ^ v[3];
}

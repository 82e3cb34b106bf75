/*
 * kernel/hash.h - hashing integers and short keys into table indexes.
 *
 * Linux:   include/linux/hash.h, jhash.h, siphash.h (6.1)
 * Same:    hash_64() multiplies by the golden ratio; siphash for what an attacker chooses.
 * Differs: none.
 * Locks:   none.
 * Walk:    inet_ehashfn(), futex buckets, the dentry cache.
 */
#pragma once
#include "kernel/types.h"

static inline u32 hash_64(u64 v, unsigned int bits)
{
	return (u32)(v * 0x61C8864680B583EBULL >> (64 - bits));
}
static inline u32 hash_32(u32 v, unsigned int bits) { return v * 0x61C88647U >> (32 - bits); }

typedef struct { u64 key[2]; } siphash_key_t;
/*
 * siphash - SipHash-2-4 of @len bytes under a secret @key (Aumasson and Bernstein, 2012). Context:
 * any.
 */
u64 siphash(const void *data, size_t len, const siphash_key_t *key);

/*
 * kernel/lib/random.c - random numbers: ChaCha20 whose key is replaced after each use.
 *
 * Linux:   drivers/char/random.c, lib/crypto/chacha.c (6.1)
 * Same:    fast key erasure: half of each first block becomes the next key, so that what was given
 *          out cannot be computed from what is in memory; getrandom(2).
 * Differs: 1. one generator. 2. it counts as seeded from boot on: the hardware's generator where
 *             there is one, else the jitter of memory accesses against the TSC; virtio-rng adds to
 *             it later.
 *          3. "crng_seed=N" makes all numbers repeatable: what devices add is then ignored.
 * Locks:   RANDOM.
 * Walk:    initial sequence numbers, port choice, sys_getrandom -> get_random_bytes().
 */
#include "kernel/arch.h"
#include "kernel/cmdline.h"
#include "kernel/errno.h"
#include "kernel/random.h"
#include "kernel/sched.h"
#include "kernel/signal.h"
#include "kernel/spinlock.h"
#include "kernel/string.h"
#include "kernel/syscall.h"
#include "kernel/uaccess.h"

enum {
	KEY_WORDS = 8,
	BLOCK_WORDS = 16,
	BLOCK_BYTES = 64,
	KEY_BYTES = 32,
	BATCH_BYTES = BLOCK_BYTES - KEY_BYTES,
	ROUNDS = 20,
	JITTER_SAMPLES = 256
};

static DEFINE_SPINLOCK(random_lock, LC_RANDOM);
/* random_lock */
static u32 key[KEY_WORDS];
static u8 batch[BATCH_BYTES]; /* numbers made in advance, for small requests; zeroed as they go */
static size_t batch_left;
static bool repeatable;

static inline u32 rotl(u32 x, int n) { return x << n | x >> (32 - n); }

static inline void quarter_round(u32 *s, int a, int b, int c, int d)
{
	s[a] += s[b]; s[d] = rotl(s[d] ^ s[a], 16);
	s[c] += s[d]; s[b] = rotl(s[b] ^ s[c], 12);
	s[a] += s[b]; s[d] = rotl(s[d] ^ s[a], 8);
	s[c] += s[d]; s[b] = rotl(s[b] ^ s[c], 7);
}

/* RFC 8439 2.3, with a zero nonce: each key is used once. */
static void chacha20_block(const u32 k[KEY_WORDS], u64 counter, u32 out[BLOCK_WORDS])
{
	u32 in[BLOCK_WORDS] = { 0x61707865, 0x3320646e, 0x79622d32,
				0x6b206574 }; /* "expand 32-byte k" */

	memcpy(&in[4], k, KEY_BYTES);
	in[12] = (u32)counter;
	in[13] = (u32)(counter >> 32);
	memcpy(out, in, BLOCK_BYTES);
	for (int i = 0; i < ROUNDS; i += 2) {
		quarter_round(out, 0, 4, 8, 12);
		quarter_round(out, 1, 5, 9, 13);
		quarter_round(out, 2, 6, 10, 14);
		quarter_round(out, 3, 7, 11, 15);
		quarter_round(out, 0, 5, 10, 15);
		quarter_round(out, 1, 6, 11, 12);
		quarter_round(out, 2, 7, 8, 13);
		quarter_round(out, 3, 4, 9, 14);
	}
	for (int i = 0; i < BLOCK_WORDS; i++)
		out[i] += in[i];
}

/* random_lock held. The next key; @rest: what the block holds beyond it. */
static void next_key(u8 rest[BATCH_BYTES])
{
	u32 block[BLOCK_WORDS];

	chacha20_block(key, 0, block);
	memcpy(key, block, KEY_BYTES);
	memcpy(rest, &block[KEY_WORDS], BATCH_BYTES);
	memset(block, 0, sizeof(block));
	barrier(); /* the erasure is not for the compiler to leave out */
}

static void small_request(void *buf, size_t len)
{
	unsigned long flags;

	spin_lock_irqsave(&random_lock, flags);
	if (batch_left < len) {
		next_key(batch);
		batch_left = BATCH_BYTES;
	}
	batch_left -= len;
	memcpy(buf, &batch[batch_left], len);
	memset(&batch[batch_left], 0, len);
	spin_unlock_irqrestore(&random_lock, flags);
}

/* A key of its own for the request: the lock is not held while the bytes are made. */
static void large_request(u8 *buf, size_t len)
{
	u32 own[KEY_WORDS], block[BLOCK_WORDS];
	unsigned long flags;

	static_assert(sizeof(own) == BATCH_BYTES, "the rest of a block is a key");
	spin_lock_irqsave(&random_lock, flags);
	next_key((u8 *)own);
	spin_unlock_irqrestore(&random_lock, flags);
	for (u64 i = 0; len; i++) {
		size_t n = min(len, (size_t)BLOCK_BYTES);

		chacha20_block(own, i, block);
		memcpy(buf, block, n);
		buf += n;
		len -= n;
	}
	memset(own, 0, sizeof(own));
	memset(block, 0, sizeof(block));
	barrier();
}

void get_random_bytes(void *buf, size_t len)
{
	if (len <= BATCH_BYTES)
		small_request(buf, len);
	else
		large_request(buf, len);
}

u32 get_random_u32(void)
{
	u32 v;

	small_request(&v, sizeof(v));
	return v;
}

u64 get_random_u64(void)
{
	u64 v;

	small_request(&v, sizeof(v));
	return v;
}

/* random_lock held. Each word is mixed into the key, and the key replaced. */
static void mix_in(u64 v)
{
	u8 unused[BATCH_BYTES];

	key[0] ^= (u32)v;
	key[1] ^= (u32)(v >> 32);
	next_key(unused);
	batch_left = 0;
}

void add_entropy(const void *buf, size_t len)
{
	const u8 *p = buf;
	unsigned long flags;

	spin_lock_irqsave(&random_lock, flags);
	while (len && !repeatable) {
		size_t n = min(len, sizeof(u64));
		u64 v = 0;

		memcpy(&v, p, n);
		mix_in(v);
		p += n;
		len -= n;
	}
	spin_unlock_irqrestore(&random_lock, flags);
}

/*
 * How long things take on this machine, now: no substitute for a generator, but no two boots are
 * alike.
 */
static void mix_in_jitter(void)
{
	u64 v = 0;

	for (int i = 0; i < JITTER_SAMPLES; i++) {
		v = (v << 7 | v >> 57) ^ __builtin_ia32_rdtsc();
		if (i % 8 == 7)
			mix_in(v);
	}
}

void random_init(void)
{
	u64 v;

	if (cmdline_has("crng_seed")) {
		mix_in(cmdline_get_u64("crng_seed", 0));
		repeatable = true;
		return;
	}
	for (int i = 0; i < KEY_BYTES / (int)sizeof(v) && arch_random(&v); i++)
		mix_in(v);
	mix_in_jitter();
}

enum { GRND_NONBLOCK = 1, GRND_RANDOM = 2, GRND_INSECURE = 4, GRND_CHUNK = 256 };
#define GRND_MAX 0x7fffffffUL	/* as a read() returns at most */

SYSCALL_DEFINE3(getrandom, uptr, ubuf, size_t, len, unsigned int, flags)
{
	u8 chunk[GRND_CHUNK];
	size_t done = 0;

	if (flags & ~(unsigned int)(GRND_NONBLOCK | GRND_RANDOM | GRND_INSECURE))
		return -EINVAL;
	if ((flags & (GRND_RANDOM | GRND_INSECURE)) == (GRND_RANDOM | GRND_INSECURE))
		return -EINVAL;
	len = min(len, GRND_MAX);
	while (done < len) {
		size_t n = min(len - done, sizeof(chunk)), left;

		get_random_bytes(chunk, n);
		left = copy_to_user(uptr_add(ubuf, done), chunk, n);
		done += n - left;
		if (left)
			break;
		if (signal_pending(current))
			break;
		cond_resched();
	}
	memset(chunk, 0, sizeof(chunk));
	if (!len)
		return 0;
	return done ? (long)done : -EFAULT;
}

/*
 * tests/unit/random.c - the random number generator: the cipher's vectors, key erasure, repeatable
 * seeds.
 */
#include "tests/unit/host.h"

void *memcpy(void *dst, const void *src, size_t n);
void *memset(void *dst, int c, size_t n);
int memcmp(const void *a, const void *b, size_t n);
#include "kernel/lib/random.c"
#include "kernel/task.h"

static bool seed_given;
bool cmdline_has(__unused const char *name) { return seed_given; }
u64 cmdline_get_u64(__unused const char *name, __unused u64 def) { return 7; }
bool arch_random(u64 *v)
{
	*v = host_random();
	return true;
}
size_t copy_to_user(__unused uptr dst, __unused const void *src, size_t n) { return n; }
void cond_resched(void) { }

/* RFC 8439, A.1, vectors 1 and 2: a key and a nonce of zeros, blocks 0 and 1. */
TEST(chacha20_gives_the_published_blocks)
{
	static const u8 first[16] = { 0x76, 0xb8, 0xe0, 0xad, 0xa0, 0xf1, 0x3d, 0x90,
				      0x40, 0x5d, 0x6a, 0xe5, 0x53, 0x86, 0xbd, 0x28 };
	static const u8 second[16] = { 0x9f, 0x07, 0xe7, 0xbe, 0x55, 0x51, 0x38, 0x7a,
				       0x98, 0xba, 0x97, 0x7c, 0x73, 0x2d, 0x08, 0x0d };
	u32 zero_key[8] = { 0 }, out[16];

	chacha20_block(zero_key, 0, out);
	CHECK_EQ(memcmp(out, first, 16), 0);
	chacha20_block(zero_key, 1, out);
	CHECK_EQ(memcmp(out, second, 16), 0);
}

TEST(what_was_given_out_is_not_in_memory)
{
	u8 zeros[BATCH_BYTES] = { 0 };
	u64 v;

	random_init();
	v = get_random_u64();
	CHECK_EQ(memcmp(&batch[batch_left], zeros, sizeof(v)), 0);
	for (size_t i = 0; i + 8 <= BATCH_BYTES; i++)
		CHECK(memcmp(&batch[i], &v, 8));
	CHECK(memcmp(key, &v, 8));
}

TEST(requests_of_all_sizes_are_filled)
{
	static u8 buf[400];

	random_init();
	for (size_t n = 0; n <= 300; n++) {
		int zeros = 0;

		memset(buf, 0, sizeof(buf));
		get_random_bytes(buf, n);
		for (size_t i = 0; i < n; i++)
			zeros += !buf[i];
		CHECK(zeros <= 10);
		for (size_t i = n; i < sizeof(buf); i++)
			CHECK_EQ(buf[i], 0);
	}
}

TEST(a_given_seed_makes_the_numbers_repeat)
{
	u64 a[3], b[3];

	seed_given = true;
	for (int round = 0; round < 2; round++) {
		memset(key, 0, sizeof(key));
		repeatable = false;
		batch_left = 0;
		random_init();
		add_entropy("noise", 5);
		for (int i = 0; i < 3; i++)
			(round ? b : a)[i] = get_random_u64();
	}
	CHECK_EQ(memcmp(a, b, sizeof(a)), 0);
	CHECK(a[0] != a[1] && a[1] != a[2]);
}

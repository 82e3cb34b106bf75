/* tests/unit/hash.c - SipHash-2-4 against the vectors of its reference implementation. */
#include "tests/unit/host.h"

void *memcpy(void *dst, const void *src, size_t n);
#include "kernel/lib/hash.c"

TEST(siphash_gives_the_published_values)
{
	static const struct { size_t len; u64 want;
	} vectors[] = {
		{ 0, 0x726fdb47dd0e0e31 },  { 1, 0x74f839c593dc67fd },	{ 7, 0xab0200f58b01d137 },
		{ 8, 0x93f5f5799a932462 },  { 15, 0xa129ca6149be45e5 }, { 16, 0x3f2acc7f57c29bdb },
		{ 63, 0x958a324ceb064572 },
	};
	siphash_key_t key = { { 0x0706050403020100, 0x0f0e0d0c0b0a0908 } };
	u8 data[64];

	for (int i = 0; i < 64; i++)
		data[i] = (u8)i;
	for (size_t i = 0; i < ARRAY_SIZE(vectors); i++)
		CHECK_EQ(siphash(data, vectors[i].len, &key), vectors[i].want);
}

TEST(multiplicative_hashes_stay_in_range)
{
	for (u64 i = 0; i < 1000; i++) {
		CHECK(hash_64(host_random(), 10) < 1024);
		CHECK(hash_32((u32)host_random(), 5) < 32);
	}
}

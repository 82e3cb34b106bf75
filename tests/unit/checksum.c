/* tests/unit/checksum.c - the Internet checksum against RFC 1071's example, a slow reference, and itself in pieces. */
#include "tests/unit/host.h"

void *memcpy(void *dst, const void *src, size_t n);
void *memset(void *dst, int c, size_t n);
int memcmp(const void *a, const void *b, size_t n);
#include "net/wire/checksum.c"

/*
 * As the RFC words it: 16-bit big-endian words, an odd byte padded with zero, carries added back.
 */
static u16 reference(const u8 *p, size_t len)
{
	u32 sum = 0;

	for (size_t i = 0; i < len; i++)
		sum += i & 1 ? p[i] : (u32)p[i] << 8;
	while (sum >> 16)
		sum = (sum & 0xffff) + (sum >> 16);
	return (u16)~sum;
}

static u16 as_big_endian(u16 folded) { return (u16)(folded << 8 | folded >> 8); }

TEST(checksum_rfc1071_example)
{
	static const u8 bytes[] = { 0x00, 0x01, 0xf2, 0x03, 0xf4, 0xf5, 0xf6, 0xf7 };

	CHECK_EQ(as_big_endian(csum_fold(csum_partial(bytes, sizeof(bytes), 0))), (u16)~0xddf2);
}

TEST(checksum_of_nothing_is_all_ones)
{
	CHECK_EQ(csum_fold(csum_partial("", 0, 0)), 0xffff);
}

TEST(checksum_every_length_and_alignment)
{
	u8 buf[300];

	for (size_t i = 0; i < sizeof(buf); i++)
		buf[i] = (u8)host_random();
	for (size_t start = 0; start < 9; start++)
		for (size_t len = 0; len + start <= sizeof(buf); len++)
			CHECK_EQ(as_big_endian(csum_fold(csum_partial(buf + start, len, 0))),
				 reference(buf + start, len));
}

TEST(checksum_carries_are_not_lost)
{
	u8 buf[70000];

	memset(buf, 0xff, sizeof(buf));
	for (size_t len = 65500; len < 65540; len++)
		CHECK_EQ(as_big_endian(csum_fold(csum_partial(buf, len, 0xffffffff))),
			 reference(buf, len) ^ 0);
}

TEST(checksum_in_blocks_at_odd_offsets)
{
	u8 buf[257];

	for (size_t i = 0; i < sizeof(buf); i++)
		buf[i] = (u8)host_random();
	for (size_t cut = 0; cut <= sizeof(buf); cut++) {
		u32 a = csum_partial(buf, cut, 0),
		    b = csum_partial(buf + cut, sizeof(buf) - cut, 0);

		CHECK_EQ(as_big_endian(csum_fold(csum_block_add(a, b, cut))),
			 reference(buf, sizeof(buf)));
	}
}

TEST(checksum_while_copying)
{
	u8 from[131], to[131];

	for (size_t len = 0; len <= sizeof(from); len++) {
		for (size_t i = 0; i < sizeof(from); i++)
			from[i] = (u8)host_random();
		u32 sum = csum_partial_copy(from, to, len, 0);

		CHECK(memcmp(from, to, len) == 0);
		CHECK_EQ(as_big_endian(csum_fold(sum)), reference(from, len));
	}
}

TEST(checksum_add_and_sub_are_inverse)
{
	for (int i = 0; i < 1000; i++) {
		u32 a = (u32)host_random(), b = (u32)host_random();

		CHECK_EQ(csum_fold(csum_sub(csum_add(a, b), b)), csum_fold(a));
	}
}

TEST(checksum_ip_header)
{
	/* A header with a right checksum sums up to zero. */
	static u8 h[20] = { 0x45, 0,	0,    0x73, 0, 0, 0x40, 0,    0x40, 0x11,
			    0xb8, 0x61, 0xc0, 0xa8, 0, 1, 0xc0, 0xa8, 0,    0xc7 };

	CHECK_EQ(ip_fast_csum(h, 5), 0);
	h[10] = h[11] = 0;
	CHECK_EQ(as_big_endian(ip_fast_csum(h, 5)), 0xb861);
	h[8]--;
	CHECK(as_big_endian(ip_fast_csum(h, 5)) != 0xb861);
}

TEST(checksum_pseudo_header)
{
	/* 192.168.0.31 to 192.168.0.30, UDP, 10 bytes: ports 20 and 10, length 10, "Hi". */
	static const u8 segment[] = { 0x00, 0x14, 0x00, 0x0a, 0x00, 0x0a, 0x00, 0x00, 0x48, 0x69 };
	be32 src = cpu_to_be32(0xc0a8001f), dst = cpu_to_be32(0xc0a8001e);
	u32 sum = csum_partial(segment, sizeof(segment), 0);

	CHECK_EQ(as_big_endian(csum_tcpudp_magic(src, dst, sizeof(segment), 17, sum)), 0x35c5);
}

/* tests/unit/tcp_seq.c - sequence numbers on both sides of the wrap. */
#include "tests/unit/host.h"
#include "net/wire/tcp.h"

static const u32 bases[] = { 0, 1, 0x7ffffff0U, 0x80000000U, 0xfffffff0U, 0xffffffffU };

TEST(seq_order_holds_across_the_wrap)
{
	for (size_t i = 0; i < ARRAY_SIZE(bases); i++) {
		seq32 a = SEQ(bases[i]);

		for (u32 d = 1; d < 0x7fffffffU; d = d * 5 + 3) {
			seq32 b = seq_add(a, d);

			CHECK(seq_before(a, b) && seq_after(b, a));
			CHECK(!seq_before(b, a) && !seq_after(a, b));
			CHECK(seq_before_eq(a, b) && seq_after_eq(b, a));
			CHECK_EQ(seq_diff(b, a), d);
			CHECK_EQ(seq_diff(a, b), -(s64)d);
			CHECK(seq_eq(seq_max(a, b), b) && seq_eq(seq_min(a, b), a));
			if (d > 0x20000000U)
				break;
		}
		CHECK(seq_before_eq(a, a) && seq_after_eq(a, a) && !seq_before(a, a) && !seq_after(a, a));
	}
}

TEST(seq_between_includes_its_ends)
{
	for (size_t i = 0; i < ARRAY_SIZE(bases); i++) {
		seq32 lo = SEQ(bases[i]), hi = seq_add(lo, 1000);

		CHECK(seq_between(lo, lo, hi) && seq_between(hi, lo, hi));
		CHECK(seq_between(seq_add(lo, 500), lo, hi));
		CHECK(!seq_between(seq_add(hi, 1), lo, hi));
		CHECK(!seq_between(SEQ(lo.v - 1), lo, hi));
		CHECK(seq_between(lo, lo, lo) && !seq_between(hi, lo, lo));
	}
}

TEST(seq_wire_order)
{
	be32 wire = seq_to_be32(SEQ(0x01020304));

	CHECK_EQ(wire.raw, 0x04030201);
	CHECK_EQ(be32_to_seq(wire).v, 0x01020304);
}

/* tests/unit/tcp_rtt.c - the estimator of RFC 6298 in scaled integers, and the window of the minimum. */
#include "tests/unit/host.h"

void *memcpy(void *dst, const void *src, size_t n);
void *memset(void *dst, int c, size_t n);
#include "net/ipv4/tcp_rtt.c"

struct tcp_sysctl tcp_sysctl;
u8 trace_enabled[TP_NR];

/* One sample, acknowledging everything: each is a round trip of its own. */
static void sample(struct tcp_sock *tp, u32 rtt_us)
{
	tp->snd_una = seq_add(tp->snd_nxt, 0);
	tp->snd_nxt = seq_add(tp->snd_nxt, 1000);
	tcp_rtt_estimator(tp, rtt_us);
	tcp_set_rto(tp);
}

static struct tcp_sock fresh(void)
{
	struct tcp_sock tp;

	memset(&tp, 0, sizeof(tp));
	tp.snd_nxt = SEQ(0xfffffc00U);
	tcp_rtt_init(&tp);
	return tp;
}

TEST(rtt_the_first_sample_is_taken_whole)
{
	struct tcp_sock tp = fresh();

	CHECK_EQ(tp.inet_conn.icsk_rto_ns, NSEC_PER_SEC);
	sample(&tp, 100000);
	CHECK_EQ(tp.srtt_us >> 3, 100000);
	CHECK_EQ(tp.mdev_us >> 2, 50000);
	CHECK_EQ(tp.inet_conn.icsk_rto_ns, 300 * NSEC_PER_MSEC);
}

TEST(rtt_the_rto_never_falls_below_the_round_trip_plus_200_ms)
{
	struct tcp_sock tp = fresh();

	for (int i = 0; i < 1000; i++)
		sample(&tp, 50);
	CHECK_EQ(tp.srtt_us >> 3, 50);
	CHECK(tp.inet_conn.icsk_rto_ns >= 200 * NSEC_PER_MSEC &&
	      tp.inet_conn.icsk_rto_ns < 201 * NSEC_PER_MSEC);
}

TEST(rtt_it_converges_to_a_constant)
{
	struct tcp_sock tp = fresh();

	sample(&tp, 1000000);
	for (int i = 0; i < 200; i++)
		sample(&tp, 20000);
	CHECK((tp.srtt_us >> 3) >= 19900 && (tp.srtt_us >> 3) <= 20200);
	CHECK(tp.inet_conn.icsk_rto_ns < 230 * NSEC_PER_MSEC);
}

TEST(rtt_a_jump_raises_the_rto_at_once)
{
	struct tcp_sock tp = fresh();

	for (int i = 0; i < 100; i++)
		sample(&tp, 10000);
	u64 before = tp.inet_conn.icsk_rto_ns;

	sample(&tp, 2000000);
	CHECK(tp.inet_conn.icsk_rto_ns > before + 400 * NSEC_PER_MSEC);
}

TEST(rtt_a_fall_does_not_raise_the_rto)
{
	struct tcp_sock tp = fresh();

	for (int i = 0; i < 100; i++)
		sample(&tp, 1000000);
	u64 before = tp.inet_conn.icsk_rto_ns;

	sample(&tp, 1000);
	CHECK(tp.inet_conn.icsk_rto_ns <= before);
}

TEST(rtt_the_rto_is_at_most_120_s)
{
	struct tcp_sock tp = fresh();

	sample(&tp, 100000000);
	CHECK_EQ(tp.inet_conn.icsk_rto_ns, TCP_RTO_MAX_NS);
}

TEST(rtt_no_sample_breaks_the_arithmetic)
{
	struct tcp_sock tp = fresh();

	for (int i = 0; i < 100000; i++) {
		sample(&tp, (u32)(host_random() % (host_random() & 1 ? 1000 : 60000000)));
		CHECK(tp.srtt_us > 0 && tp.rttvar_us >= 200000);
		CHECK(tp.inet_conn.icsk_rto_ns >= TCP_RTO_MIN_NS && tp.inet_conn.icsk_rto_ns <= TCP_RTO_MAX_NS);
	}
}

TEST(rtt_minimum_is_kept_for_its_window)
{
	struct tcp_sock tp = fresh();

	tcp_update_rtt_min(&tp, 500, 1 * NSEC_PER_SEC);
	tcp_update_rtt_min(&tp, 700, 2 * NSEC_PER_SEC);
	CHECK_EQ(tcp_min_rtt_us(&tp), 500);
	tcp_update_rtt_min(&tp, 300, 3 * NSEC_PER_SEC);
	CHECK_EQ(tcp_min_rtt_us(&tp), 300);
	tcp_update_rtt_min(&tp, 900, 304 * NSEC_PER_SEC);
	CHECK_EQ(tcp_min_rtt_us(&tp), 900);
}

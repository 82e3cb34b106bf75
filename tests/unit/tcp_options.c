/* tests/unit/tcp_options.c - TCP options: each one, every truncation, garbage, and that what is written is read
 * back. */
#include "tests/unit/host.h"

void *memcpy(void *dst, const void *src, size_t n);
void *memset(void *dst, int c, size_t n);
int memcmp(const void *a, const void *b, size_t n);
#include "net/ipv4/tcp_options.c"

struct tcp_sysctl tcp_sysctl;
u8 trace_enabled[TP_NR];

/* A header with @n bytes of options in memory that ends right behind it: ASan sees every byte too far. */
static struct tcphdr *header(u8 flags, const u8 *options, unsigned int n)
{
	unsigned int hlen = sizeof(struct tcphdr) + ALIGN(n, 4U);
	struct tcphdr *th = malloc(hlen);

	memset(th, 0, hlen);
	th->doff_res = (u8)(hlen << 2);
	th->flags = flags;
	memcpy(th + 1, options, n);
	return th;
}

static struct tcp_options_received parse(u8 flags, const u8 *options, unsigned int n, bool established)
{
	struct tcp_options_received rx = { .mss_clamp = TCP_MSS_DEFAULT };
	struct tcphdr *th = header(flags, options, n);

	tcp_parse_options(th, &rx, established);
	free(th);
	return rx;
}

static const u8 linux_syn[] = { 2, 4, 0x05, 0xb4, 4, 2, 8, 10, 0, 0, 0, 1, 0, 0, 0, 2, 1, 3, 3, 7 };

TEST(options_of_linux_syn)
{
	struct tcp_options_received rx = parse(TCPHDR_SYN, linux_syn, sizeof(linux_syn), false);

	CHECK_EQ(rx.mss_clamp, 1460);
	CHECK(rx.sack_ok && rx.saw_tstamp && rx.wscale_ok);
	CHECK_EQ(rx.rcv_tsval, 1);
	CHECK_EQ(rx.rcv_tsecr, 2);
	CHECK_EQ(rx.snd_wscale, 7);
}

TEST(options_of_a_syn_mean_nothing_later)
{
	struct tcp_options_received rx = parse(TCPHDR_ACK, linux_syn, sizeof(linux_syn), true);

	CHECK_EQ(rx.mss_clamp, TCP_MSS_DEFAULT);
	CHECK(!rx.sack_ok && !rx.wscale_ok && rx.saw_tstamp);
	rx = parse(TCPHDR_SYN, linux_syn, sizeof(linux_syn), true);
	CHECK(!rx.sack_ok && !rx.wscale_ok);
}

TEST(options_every_truncation)
{
	for (unsigned int n = 0; n <= sizeof(linux_syn); n++) {
		struct tcp_options_received rx = parse(TCPHDR_SYN, linux_syn, n, false);

		/* A header is a multiple of four: what is cut off inside a word is zeros. */
		if (n % 4)
			continue;
		CHECK_EQ(rx.mss_clamp, n >= 4 ? 1460 : TCP_MSS_DEFAULT);
		CHECK_EQ(rx.sack_ok, n >= 8);
		CHECK_EQ(rx.saw_tstamp, n >= 16);
		CHECK_EQ(rx.wscale_ok, n >= 20);
	}
}

TEST(options_wrong_lengths_are_ignored)
{
	static const u8 short_mss[] = { 2, 3, 5, 1 }, zero_mss[] = { 2, 4, 0, 0 },
			long_ts[] = { 8, 12, 0, 0, 0, 1, 0, 0, 0, 2, 0, 0 };
	static const u8 len_zero[] = { 2, 0, 5, 0xb4 }, len_one[] = { 2, 1, 5, 0xb4 },
			beyond[] = { 2, 40, 5, 0xb4 };

	CHECK_EQ(parse(TCPHDR_SYN, short_mss, 4, false).mss_clamp, TCP_MSS_DEFAULT);
	CHECK_EQ(parse(TCPHDR_SYN, zero_mss, 4, false).mss_clamp, TCP_MSS_DEFAULT);
	CHECK(!parse(TCPHDR_SYN, long_ts, 12, false).saw_tstamp);
	CHECK_EQ(parse(TCPHDR_SYN, len_zero, 4, false).mss_clamp, TCP_MSS_DEFAULT);
	CHECK_EQ(parse(TCPHDR_SYN, len_one, 4, false).mss_clamp, TCP_MSS_DEFAULT);
	CHECK_EQ(parse(TCPHDR_SYN, beyond, 4, false).mss_clamp, TCP_MSS_DEFAULT);
}

TEST(options_window_scale_is_at_most_14)
{
	static const u8 huge[] = { 3, 3, 200, 0 };

	CHECK_EQ(parse(TCPHDR_SYN, huge, 4, false).snd_wscale, 14);
}

TEST(options_unknown_ones_are_skipped)
{
	static const u8 o[] = { 254, 4, 9, 9, 1, 1, 2, 4, 0x02, 0x18, 0, 99 };

	CHECK_EQ(parse(TCPHDR_SYN, o, sizeof(o), false).mss_clamp, 536);
}

TEST(options_user_mss_limits_the_peers)
{
	struct tcp_options_received rx = { .user_mss = 1000 };
	struct tcphdr *th = header(TCPHDR_SYN, linux_syn, sizeof(linux_syn));

	tcp_parse_options(th, &rx, false);
	CHECK_EQ(rx.mss_clamp, 1000);
	free(th);
}

TEST(options_garbage_never_reads_past_the_header)
{
	for (int i = 0; i < 200000; i++) {
		unsigned int n = host_random() % 41;
		u8 o[40];

		for (unsigned int j = 0; j < n; j++)
			o[j] = host_random() & 1 ? (u8)(host_random() % 12) : (u8)host_random();
		struct tcp_options_received rx =
			parse(host_random() & 1 ? TCPHDR_SYN : TCPHDR_ACK, o, n, host_random() & 1);

		CHECK(rx.snd_wscale <= 14);
		CHECK(rx.nr_sacks <= 4);
		if (rx.nr_sacks)
			CHECK(rx.sack_off + rx.nr_sacks * 8U <= sizeof(struct tcphdr) + ALIGN(n, 4U));
	}
}

TEST(options_sack_blocks)
{
	static const u8 o[] = { 1, 1, 5, 18, 0, 0, 0, 10, 0, 0, 0, 20, 0xff, 0xff, 0xff, 0xf0, 0, 0, 0, 5 };
	struct tcphdr *th = header(TCPHDR_ACK, o, sizeof(o));
	struct tcp_options_received rx = { 0 };

	tcp_parse_options(th, &rx, true);
	CHECK_EQ(rx.nr_sacks, 2);
	CHECK_EQ(tcp_get_sack(th, rx.sack_off, 0).start.v, 10);
	CHECK_EQ(tcp_get_sack(th, rx.sack_off, 0).end.v, 20);
	CHECK_EQ(tcp_get_sack(th, rx.sack_off, 1).start.v, 0xfffffff0U);
	CHECK_EQ(tcp_get_sack(th, rx.sack_off, 1).end.v, 5);
	free(th);
}

TEST(options_fast_parse_of_the_aligned_timestamp)
{
	static const u8 o[] = { 1, 1, 8, 10, 0, 0, 1, 0, 0, 0, 0, 7 };
	struct tcphdr *th = header(TCPHDR_ACK, o, sizeof(o));
	struct tcp_options_received rx = { .tstamp_ok = true, .nr_sacks = 3 };

	CHECK(tcp_fast_parse_options(th, &rx, 32));
	CHECK_EQ(rx.rcv_tsval, 256);
	CHECK_EQ(rx.rcv_tsecr, 7);
	CHECK_EQ(rx.nr_sacks, 0);
	free(th);
	th = header(TCPHDR_ACK, o, 0);
	CHECK(!tcp_fast_parse_options(th, &rx, 32));
	CHECK(!rx.saw_tstamp);
	free(th);
}

TEST(options_written_are_read_back)
{
	static const struct tcp_sack_block blocks[3] = { { { 1 }, { 2 } },
							 { { 30 }, { 40 } },
							 { { 500 }, { 600 } } };

	for (int bits = 0; bits < 16; bits++) {
		for (u8 n = 0; n <= 3; n++) {
			bool syn = bits & (OPTION_MSS | OPTION_WSCALE | OPTION_SACK_ADVERTISE);
			struct tcp_out_options o = { .options = (u8)bits,
						     .ws = 9,
						     .num_sack_blocks = n,
						     .mss = 1234,
						     .tsval = 0xdeadbeef,
						     .tsecr = 42,
						     .sacks = blocks };
			unsigned int size = tcp_options_size(&o);
			u8 buf[64];

			if (size > 40)
				continue;
			CHECK_EQ(size % 4, 0);
			memset(buf, 0xcc, sizeof(buf));
			tcp_options_write(buf, &o);
			for (unsigned int i = size; i < sizeof(buf); i++)
				CHECK_EQ(buf[i], 0xcc);
			struct tcp_options_received rx = parse(syn ? TCPHDR_SYN : TCPHDR_ACK, buf, size, !syn);

			CHECK_EQ(rx.saw_tstamp, !!(bits & OPTION_TS));
			CHECK_EQ(rx.sack_ok, !!(bits & OPTION_SACK_ADVERTISE));
			CHECK_EQ(rx.wscale_ok, !!(bits & OPTION_WSCALE));
			CHECK_EQ(rx.mss_clamp, bits & OPTION_MSS ? 1234 : TCP_MSS_DEFAULT);
			CHECK_EQ(rx.nr_sacks, n);
			if (bits & OPTION_TS)
				CHECK(rx.rcv_tsval == 0xdeadbeef && rx.rcv_tsecr == 42);
		}
	}
}

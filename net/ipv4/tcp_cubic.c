/*
 * net/ipv4/tcp_cubic.c - CUBIC: after a loss the window grows back along a cubic curve that is flat where the
 * loss was.
 *
 * Linux:   net/ipv4/tcp_cubic.c (6.1)
 * Same:    RFC 9438 with Linux's constants: C = 0.4, beta = 717/1024, fast convergence, the Reno-friendly
 *          region.
 * Differs: 1. the cube root is found bit by bit. 2. when HyStart finds the path full
 *             slow start is over, as in Linux, without the slower growth that RFC 9406 4.2 (CSS) goes through first:
 *             that would fill a queue as long as the path.
 * Locks:   the sock's owner, or its slock in softirq.
 * Walk:    tcp_ack() -> cubictcp_cong_avoid().
 */
#include "net/ipv4/tcp.h"

enum {
	CUBIC_BETA = 717, CUBIC_SCALE = 1024,	/* RFC 9438 4.6: 0.7 */
	/* C = 0.4 = 410/1024; with t in 1024ths of a second C t^3 is 410 t^3 / 2^40 segments. */
	CUBIC_C = 410,
	/* RFC 9406 4.3: samples that make a round's smallest RTT believed; how much it must grow, in us. */
	HYSTART_SAMPLES = 8, HYSTART_DELAY_MIN_US = 4000, HYSTART_DELAY_MAX_US = 16000,
	HYSTART_LOW_WINDOW = 16,	/* below this the delay is that of our own bursts */
	HYSTART_ACK_DELTA_US = 2000,	/* ACKs at most so far apart are one train */
};

struct bictcp {
	u32 cnt;		/* one segment more for every cnt that arrive */
	u32 last_max_cwnd;	/* the window before the last loss */
	u32 last_cwnd;
	u32 origin_point;	/* where the curve is flat */
	u32 k;			/* 1024ths of a second until then */
	u32 delay_min_us;
	u32 ack_cnt, tcp_cwnd;	/* what Reno would have */
	u64 last_time_ns, epoch_start_ns;
	/* slow start: this round's smallest RTT, of so many samples; it ends when round_end is acknowledged */
	u32 round_rtt_us, round_samples;
	seq32 round_end;
	u64 round_start_ns, last_ack_ns;	/* the train of ACKs that began with the round */
};
static_assert(sizeof(struct bictcp) <= sizeof(((struct inet_connection_sock *)0)->icsk_ca_priv), "fits");

/* The largest integer whose cube is at most @a, by bits from the top. */
static u32 cubic_root(u64 a)
{
	u64 root = 0;

	for (int shift = 20; shift >= 0; shift--) {
		u64 trial = root | BIT(shift);

		if (trial * trial * trial <= a)
			root = trial;
	}
	return (u32)root;
}

static void cubictcp_cwnd_event(struct sock *sk, enum tcp_ca_event event)
{
	struct bictcp *ca = inet_csk_ca(sk);
	const struct tcp_sock *tp = tcp_sk(sk);
	u64 idle;

	if (event != CA_EVENT_TX_START || !ca->epoch_start_ns)
		return;
	/* The curve is a function of time spent sending: shift it by the pause. */
	idle = tp->tcp_mstamp_ns - tp->lsndtime_ns;
	ca->epoch_start_ns = min(ca->epoch_start_ns + idle, tp->tcp_mstamp_ns);
}

/* A new epoch begins with the first ACK after a loss. */
static void bictcp_begin_epoch(struct bictcp *ca, u32 cwnd, u64 now)
{
	ca->epoch_start_ns = now;
	ca->ack_cnt = 0;
	ca->tcp_cwnd = cwnd;
	if (ca->last_max_cwnd <= cwnd) {
		ca->k = 0;
		ca->origin_point = cwnd;
	} else {
		/* K^3 = (Wmax - cwnd) / C, in 1024ths of a second. */
		ca->k = cubic_root(((1ULL << 40) / CUBIC_C) * (ca->last_max_cwnd - cwnd));
		ca->origin_point = ca->last_max_cwnd;
	}
}

/* RFC 9438 4.3: at least as fast as Reno would be with the same loss rate. */
static void bictcp_reno_friendly(struct bictcp *ca, u32 cwnd)
{
	/* 3 (1 - beta) / (1 + beta), scaled by 8: Linux's beta_scale. */
	const u32 beta_scale = 8 * (CUBIC_SCALE + CUBIC_BETA) / 3 / (CUBIC_SCALE - CUBIC_BETA);
	u32 delta = cwnd * beta_scale >> 3;

	for (; delta && ca->ack_cnt > delta; ca->ack_cnt -= delta)
		ca->tcp_cwnd++;
	if (ca->tcp_cwnd > cwnd)
		ca->cnt = min(ca->cnt, cwnd / (ca->tcp_cwnd - cwnd));
}

static void bictcp_update(struct bictcp *ca, u32 cwnd, u32 acked, u64 now)
{
	u64 t, offs, delta;
	u32 target;

	ca->ack_cnt += acked;
	if (ca->last_cwnd == cwnd && now - ca->last_time_ns <= NSEC_PER_SEC / 32)
		return;
	/* The curve moves slowly: once a millisecond is enough. */
	if (!ca->epoch_start_ns || now - ca->last_time_ns >= NSEC_PER_MSEC) {
		if (!ca->epoch_start_ns)
			bictcp_begin_epoch(ca, cwnd, now);
		ca->last_cwnd = cwnd;
		ca->last_time_ns = now;
		t = (((now - ca->epoch_start_ns) / NSEC_PER_USEC + ca->delay_min_us) << 10) / USEC_PER_SEC;
		offs = t < ca->k ? ca->k - t : t - ca->k;
		offs = min_t(u64, offs, 1U << 18);
		delta = ((u64)CUBIC_C * offs * offs * offs) >> 40;
		if (t < ca->k)
			target = delta < ca->origin_point ? (u32)(ca->origin_point - delta) : 0;
		else
			target = (u32)min_t(u64, ca->origin_point + delta, U32_MAX / 2);
		ca->cnt = target > cwnd ? cwnd / (target - cwnd) : 100 * cwnd;
		/* The first epoch: no loss yet to aim for, so not slower than one in twenty. */
		if (!ca->last_max_cwnd && ca->cnt > 20)
			ca->cnt = 20;
	}
	bictcp_reno_friendly(ca, cwnd);
	ca->cnt = max(ca->cnt, 2U);
}

/*
 * --- HyStart: slow start ends when the path is full, before a queue overflows (Ha, Rhee: Taming the elephants, 2011).
 * It is when a round trip takes longer (also RFC 9406 4.2), or when the ACKs of one round come in a train as long
 * as the way there: then what is sent at their pace keeps the whole path busy.
 */

static void hystart_round_begins(struct bictcp *ca, const struct tcp_sock *tp)
{
	ca->round_end = tp->snd_nxt;
	ca->round_rtt_us = U32_MAX;
	ca->round_samples = 0;
	ca->round_start_ns = ca->last_ack_ns = tp->tcp_mstamp_ns;
}

/* Nothing is known of the path, or what was is no longer true. */
static void bictcp_reset(struct sock *sk)
{
	struct bictcp *ca = inet_csk_ca(sk);

	memset(ca, 0, sizeof(*ca));
	hystart_round_begins(ca, tcp_sk(sk));
}

static bool hystart_train_is_long(struct bictcp *ca, u64 now)
{
	if (now - ca->last_ack_ns > HYSTART_ACK_DELTA_US * NSEC_PER_USEC)
		return false;
	ca->last_ack_ns = now;
	return now - ca->round_start_ns > (ca->delay_min_us >> 1) * NSEC_PER_USEC;
}

static bool hystart_delay_grew(struct bictcp *ca, u32 rtt_us)
{
	u32 threshold = clamp(ca->delay_min_us >> 3, (u32)HYSTART_DELAY_MIN_US, (u32)HYSTART_DELAY_MAX_US);

	ca->round_rtt_us = min(ca->round_rtt_us, rtt_us);
	return ++ca->round_samples == HYSTART_SAMPLES && ca->round_rtt_us > ca->delay_min_us + threshold;
}

static void hystart_sample(struct sock *sk, struct bictcp *ca, u32 rtt_us)
{
	struct tcp_sock *tp = tcp_sk(sk);

	if (seq_after(tp->snd_una, ca->round_end))
		hystart_round_begins(ca, tp);
	if (hystart_train_is_long(ca, tp->tcp_mstamp_ns) || hystart_delay_grew(ca, rtt_us))
		tp->snd_ssthresh = tp->snd_cwnd;
}

static void cubictcp_cong_avoid(struct sock *sk, u32 ack, u32 acked)
{
	struct tcp_sock *tp = tcp_sk(sk);
	struct bictcp *ca = inet_csk_ca(sk);

	(void)ack;
	if (!tcp_is_cwnd_limited(tp))
		return;
	if (tcp_in_slow_start(tp)) {
		acked = tcp_slow_start(tp, acked);
		if (!acked)
			return;
	}
	bictcp_update(ca, tp->snd_cwnd, acked, tp->tcp_mstamp_ns);
	tcp_cong_avoid_ai(tp, ca->cnt, acked);
}

static u32 cubictcp_ssthresh(struct sock *sk)
{
	struct bictcp *ca = inet_csk_ca(sk);
	u32 cwnd = tcp_sk(sk)->snd_cwnd;

	ca->epoch_start_ns = 0;
	/* RFC 9438 4.7: less than last time: somebody else needs room. */
	if (cwnd < ca->last_max_cwnd)
		ca->last_max_cwnd = (u32)((u64)cwnd * (CUBIC_SCALE + CUBIC_BETA) / (2 * CUBIC_SCALE));
	else
		ca->last_max_cwnd = cwnd;
	return max((u32)((u64)cwnd * CUBIC_BETA / CUBIC_SCALE), 2U);
}

static void cubictcp_state(struct sock *sk, u8 new_state)
{
	if (new_state == TCP_CA_Loss)
		bictcp_reset(sk);
}

static void cubictcp_acked(struct sock *sk, const struct ack_sample *sample)
{
	struct bictcp *ca = inet_csk_ca(sk);

	if (sample->rtt_us < 0)
		return;
	if (!ca->delay_min_us || (u32)sample->rtt_us < ca->delay_min_us)
		ca->delay_min_us = (u32)max(sample->rtt_us, 1);
	if (tcp_in_slow_start(tcp_sk(sk)) && tcp_sk(sk)->snd_cwnd >= HYSTART_LOW_WINDOW)
		hystart_sample(sk, ca, (u32)sample->rtt_us);
}

const struct tcp_congestion_ops tcp_cubic = {
	.name		= "cubic",
	.init		= bictcp_reset,
	.ssthresh	= cubictcp_ssthresh,
	.cong_avoid	= cubictcp_cong_avoid,
	.undo_cwnd	= tcp_reno_undo_cwnd,
	.set_state	= cubictcp_state,
	.cwnd_event	= cubictcp_cwnd_event,
	.pkts_acked	= cubictcp_acked,
};

/*
 * net/ipv4/tcp_rtt.c - how long a round trip takes, and how long to wait before sending again.
 *
 * Linux:   tcp_rtt_estimator() and friends in net/ipv4/tcp_input.c, lib/win_minmax.c (6.1)
 * Same:    Van Jacobson's estimator in scaled integers, with Linux's two changes: the variance rises at once
 *          but falls only once per round trip, and a falling RTT does not raise it.
 * Differs: 1. the minimum over a window keeps one sample instead of three: a new window begins with its first
 *             sample.
 * Locks:   the sock's owner, or its slock.
 * Walk:    tcp_ack() -> tcp_rtt_estimator() -> tcp_set_rto().
 */
#include "net/ipv4/tcp.h"

/* A minimum is believed for this long (net.ipv4.tcp_min_rtt_wlen). */
#define TCP_MIN_RTT_WINDOW_NS (300 * NSEC_PER_SEC)

void tcp_rtt_init(struct tcp_sock *tp)
{
	tp->srtt_us = 0;
	tp->mdev_us = (u32)(TCP_TIMEOUT_INIT_NS / NSEC_PER_USEC);
	tp->rtt_min.v_us = U32_MAX;
	tp->rtt_min.t_ns = 0;
	tp->inet_conn.icsk_rto_ns = TCP_TIMEOUT_INIT_NS;
	tp->inet_conn.icsk_rto_min_ns = TCP_RTO_MIN_NS;
}

void tcp_update_rtt_min(struct tcp_sock *tp, u32 rtt_us, u64 now_ns)
{
	if (rtt_us > tp->rtt_min.v_us && now_ns - tp->rtt_min.t_ns < TCP_MIN_RTT_WINDOW_NS)
		return;
	tp->rtt_min.v_us = rtt_us ? rtt_us : 1;
	tp->rtt_min.t_ns = now_ns;
}

/* Once per round trip: take over the largest deviation seen in it. */
static void tcp_rttvar_per_rtt(struct tcp_sock *tp)
{
	if (!seq_after(tp->snd_una, tp->rtt_seq))
		return;
	if (tp->mdev_max_us < tp->rttvar_us)
		tp->rttvar_us -= (tp->rttvar_us - tp->mdev_max_us) >> 2;
	tp->rtt_seq = tp->snd_nxt;
	tp->mdev_max_us = (u32)(tcp_rto_min_ns(tp) / NSEC_PER_USEC);
}

/*
 * tcp_rtt_estimator - one more sample. RFC 6298 2.2 and 2.3 with srtt scaled by 8 and mdev by 4, so that
 * srtt += (m - srtt) / 8 and mdev += (|m - srtt| - mdev) / 4 are shifts.
 */
void tcp_rtt_estimator(struct tcp_sock *tp, u32 rtt_us)
{
	s64 m = max_t(s64, rtt_us, 1);
	s64 srtt = tp->srtt_us;

	if (!srtt) {
		tp->srtt_us = (u32)(m << 3);
		tp->mdev_us = (u32)(m << 1);
		tp->rttvar_us = max(tp->mdev_us, (u32)(tcp_rto_min_ns(tp) / NSEC_PER_USEC));
		tp->mdev_max_us = tp->rttvar_us;
		tp->rtt_seq = tp->snd_nxt;
		return;
	}
	m -= srtt >> 3;
	srtt += m;
	if (m < 0) {
		m = -m - (tp->mdev_us >> 2);
		/* A sudden fall of the RTT is no reason to wait longer. */
		if (m > 0)
			m >>= 3;
	} else {
		m -= tp->mdev_us >> 2;
	}
	tp->mdev_us = (u32)((s64)tp->mdev_us + m);
	if (tp->mdev_us > tp->mdev_max_us) {
		tp->mdev_max_us = tp->mdev_us;
		if (tp->mdev_max_us > tp->rttvar_us)
			tp->rttvar_us = tp->mdev_max_us;
	}
	tcp_rttvar_per_rtt(tp);
	tp->srtt_us = (u32)max_t(s64, srtt, 1);
}

/* tcp_set_rto - RFC 6298 2.3: RTO = srtt + 4 rttvar (rttvar_us is scaled by 4 already), at most 120 s. */
void tcp_set_rto(struct tcp_sock *tp)
{
	tp->inet_conn.icsk_rto_ns = min_t(u64, __tcp_set_rto(tp), TCP_RTO_MAX_NS);
}

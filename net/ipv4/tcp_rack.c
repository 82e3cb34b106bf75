/*
 * net/ipv4/tcp_rack.c - RACK: a segment is lost if one that was sent later has arrived, and it had time enough, too.
 *
 * Linux:   net/ipv4/tcp_recovery.c (6.1); RFC 8985 6
 * Same:    the decision by time of transmission, so that lost retransmissions and lost tails are found as soon as
 *          anything sent after them arrives; the window for reordering: none until reordering has been seen, then a
 *          quarter of the smallest round trip, more after each round with a DSACK; a timer for what is nearly due.
 * Differs: 1. the retransmit queue is walked in the order of sequence numbers and all of it is looked at; Linux keeps
 *             a list in the order of transmission.
 * Locks:   the sock's owner, or its slock in softirq.
 * Walk:    tcp_ack() -> tcp_rack_advance(); tcp_fastretrans_alert() -> tcp_rack_mark_lost() -> tcp_mark_skb_lost();
 *          tcp_write_timer_handler() -> tcp_rack_reo_timeout().
 */
#include "net/ipv4/tcp.h"

enum { REO_WND_PERSIST = 16, REO_WND_MULT_MAX = 255 };	/* RFC 8985 6.2, step 4 */

/* Was what has time @t1 and end @seq1 sent after the other? Segments of one burst have one time. */
static bool tcp_rack_sent_after(u64 t1, u64 t2, seq32 seq1, seq32 seq2)
{
	return t1 > t2 || (t1 == t2 && seq_after(seq1, seq2));
}

/* How long a segment may be missing though a later one has arrived, in us (RFC 8985 6.2, RACK_update_reo_wnd). */
static u32 tcp_rack_reo_wnd(const struct sock *sk)
{
	const struct tcp_sock *tp = tcp_sk(sk);

	if (!tp->reord_seen &&
	    (inet_csk(sk)->icsk_ca_state >= TCP_CA_Recovery || tp->sacked_out >= tp->reordering))
		return 0;
	return min((tcp_min_rtt_us(tp) >> 2) * tp->rack.reo_wnd_mult, tp->srtt_us >> 3);
}

/* What is left of the time of @skb, in us; zero or less: it is lost. */
static s64 tcp_rack_skb_timeout(const struct tcp_sock *tp, const struct sk_buff *skb, u32 reo_wnd_us)
{
	return (s64)tp->rack.rtt_us + reo_wnd_us - (s64)((tp->tcp_mstamp_ns - skb->tstamp_ns) / NSEC_PER_USEC);
}

bool tcp_rack_is_recent(const struct tcp_sock *tp, const struct sk_buff *skb)
{
	return tcp_rack_skb_timeout(tp, skb, 0) > 0;
}

/* Mark what is lost by now. Return: us until the next may be; 0: nothing is waited for. */
static u32 tcp_rack_detect_loss(struct sock *sk)
{
	struct tcp_sock *tp = tcp_sk(sk);
	u32 reo_wnd = tcp_rack_reo_wnd(sk);
	struct sk_buff *skb;
	s64 timeout = 0;

	skb_queue_walk(&tp->tcp_rtx_queue, skb) {
		u8 tags = TCP_SKB_CB(skb)->sacked & TCPCB_TAGBITS;

		/* Arrived, or known to be lost and not on its way again. */
		if (tags & TCPCB_SACKED_ACKED || tags == TCPCB_LOST)
			continue;
		if (!tcp_rack_sent_after(tp->rack.mstamp_ns, skb->tstamp_ns, tp->rack.end_seq,
					 TCP_SKB_CB(skb)->end_seq))
			continue;
		s64 remaining = tcp_rack_skb_timeout(tp, skb, reo_wnd);

		if (remaining <= 0)
			tcp_mark_skb_lost(tp, skb);
		else
			timeout = max(timeout, remaining);
	}
	return (u32)timeout;
}

bool tcp_rack_mark_lost(struct sock *sk)
{
	struct tcp_sock *tp = tcp_sk(sk);

	if (!tp->rack.advanced)
		return false;
	tp->rack.advanced = false;
	u32 timeout = tcp_rack_detect_loss(sk);

	if (timeout)
		tcp_reset_xmit_timer(sk, ICSK_TIME_REO_TIMEOUT, timeout * NSEC_PER_USEC + TCP_TIMEOUT_MIN_NS);
	return timeout;
}

void tcp_rack_advance(struct tcp_sock *tp, u8 sacked, seq32 end_seq, u64 sent_ns)
{
	u32 rtt_us = (u32)((tp->tcp_mstamp_ns - sent_ns) / NSEC_PER_USEC);

	/* The ACK may be for the first copy: then the second tells nothing (RFC 8985 6.2, step 2). */
	if (rtt_us < tcp_min_rtt_us(tp) && sacked & TCPCB_RETRANS)
		return;
	tp->rack.advanced = true;
	tp->rack.rtt_us = rtt_us;
	if (tcp_rack_sent_after(sent_ns, tp->rack.mstamp_ns, end_seq, tp->rack.end_seq)) {
		tp->rack.mstamp_ns = sent_ns;
		tp->rack.end_seq = end_seq;
	}
}

void tcp_rack_reo_timeout(struct sock *sk)
{
	struct tcp_sock *tp = tcp_sk(sk);
	u32 before = tcp_packets_in_flight(tp);

	tcp_rack_detect_loss(sk);
	if (before != tcp_packets_in_flight(tp)) {
		if (inet_csk(sk)->icsk_ca_state != TCP_CA_Recovery) {
			tcp_enter_recovery(sk);
			tcp_cwnd_reduction(sk, 1, 0, 0);
		}
		tcp_xmit_retransmit_queue(sk);
	}
	if (inet_csk(sk)->icsk_pending != ICSK_TIME_RETRANS)
		tcp_rearm_rto(sk);
}

void tcp_rack_update_reo_wnd(struct tcp_sock *tp, int flag)
{
	if (tp->rack.dsack_pending && !seq_before(tp->snd_una, tp->rack.dsack_round))
		tp->rack.dsack_pending = false;
	if (!(flag & FLAG_DSACKING_ACK) || tp->rack.dsack_pending)
		return;
	tp->rack.dsack_pending = true;
	tp->rack.dsack_round = tp->snd_nxt;
	tp->rack.reo_wnd_persist = REO_WND_PERSIST;
	if (tp->rack.reo_wnd_mult < REO_WND_MULT_MAX)
		tp->rack.reo_wnd_mult++;
}

void tcp_rack_recovery_ends(struct tcp_sock *tp)
{
	if (tp->rack.reo_wnd_persist && !--tp->rack.reo_wnd_persist)
		tp->rack.reo_wnd_mult = 1;
}

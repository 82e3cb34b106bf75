/*
 * net/ipv4/tcp_ack.c - an acknowledgment arrives: what it frees, what it measures, what it lets us send.
 *
 * Linux:   tcp_ack() and its helpers in net/ipv4/tcp_input.c (6.1)
 * Same:    RFC 9293 3.10.7.4, fifth check; window updates (SND.WL1/WL2), RTT samples by Karn's rule or
 *          timestamps, congestion control told of each ACK, the retransmit timer restarted by progress only.
 * Differs: 1. what one ACK has found out travels in a struct tcp_ack_state. 2. no delivery rate samples.
 * Locks:   the sock's owner, or its slock in softirq.
 * Walk:    tcp_rcv_established() -> tcp_ack() -> tcp_clean_rtx_queue(), tcp_fastretrans_alert().
 */
#include "net/ipv4/tcp.h"

/* --- windows */

static void tcp_snd_una_update(struct tcp_sock *tp, seq32 ack)
{
	tp->bytes_acked += (u32)seq_diff(ack, tp->snd_una);
	WRITE_ONCE(tp->snd_una.v, ack.v);
}

/* RFC 9293 3.10.7.4: a window counts if it is news. */
static bool tcp_may_update_window(const struct tcp_sock *tp, seq32 ack, seq32 ack_seq, u32 nwin)
{
	return seq_after(ack, tp->snd_una) || seq_after(ack_seq, tp->snd_wl1) ||
	       (seq_eq(ack_seq, tp->snd_wl1) && (nwin > tp->snd_wnd || !nwin));
}

static int tcp_ack_update_window(struct sock *sk, const struct sk_buff *skb, seq32 ack, seq32 ack_seq)
{
	struct tcp_sock *tp = tcp_sk(sk);
	u32 nwin = be16_to_cpu(tcp_hdr(skb)->window);
	int flag = 0;

	if (likely(!(tcp_hdr(skb)->flags & TCPHDR_SYN)))
		nwin <<= tp->rx_opt.snd_wscale;
	if (tcp_may_update_window(tp, ack, ack_seq, nwin)) {
		flag = FLAG_WIN_UPDATE;
		tcp_update_wl(tp, ack_seq);
		if (tp->snd_wnd != nwin) {
			tp->snd_wnd = nwin;
			tp->pred_flags = 0;
			tcp_fast_path_check(sk);
			if (nwin > tp->max_window) {
				tp->max_window = nwin;
				tcp_sync_mss(sk, inet_csk(sk)->icsk_pmtu_cookie);
			}
		}
	}
	tcp_snd_una_update(tp, ack);
	return flag;
}

/* Nothing was in flight: does the window let the head of the queue go, or must it be probed again? */
static void tcp_ack_probe(struct sock *sk)
{
	struct inet_connection_sock *icsk = inet_csk(sk);
	struct tcp_sock *tp = tcp_sk(sk);
	const struct sk_buff *head = tcp_send_head(sk);

	if (!head)
		return;
	if (!seq_after(TCP_SKB_CB(head)->end_seq, tcp_wnd_end(tp))) {
		icsk->icsk_backoff = 0;
		icsk->icsk_probes_tstamp_ns = 0;
		if (icsk->icsk_pending == ICSK_TIME_PROBE0)
			inet_csk_clear_retransmit(sk);
	} else {
		tcp_reset_xmit_timer(sk, ICSK_TIME_PROBE0, tcp_probe0_when_ns(sk, TCP_RTO_MAX_NS));
	}
}

/* --- timers */

/* tcp_rearm_rto - RFC 6298 5.2, 5.3: progress restarts the timer; nothing in flight stops it. */
void tcp_rearm_rto(struct sock *sk)
{
	struct inet_connection_sock *icsk = inet_csk(sk);
	struct tcp_sock *tp = tcp_sk(sk);
	u64 rto = icsk->icsk_rto_ns;

	if (!tp->packets_out) {
		inet_csk_clear_retransmit(sk);
		return;
	}
	/* Another timer was to come first: the RTO counts from the transmission of the head. */
	if (icsk->icsk_pending == ICSK_TIME_LOSS_PROBE || icsk->icsk_pending == ICSK_TIME_REO_TIMEOUT) {
		u64 due = tcp_rtx_queue_head(sk)->tstamp_ns + rto;

		rto = due > tp->tcp_mstamp_ns ? due - tp->tcp_mstamp_ns : TIMER_TICK_NS;
	}
	tcp_reset_xmit_timer(sk, ICSK_TIME_RETRANS, rto);
}

/* --- round trips */

/*
 * A sample, in us; negative: none. Karn's rule: what was sent twice gives one only with timestamps (RFC 7323
 * 4).
 * Return: true if the RTO was made anew.
 */
static bool tcp_ack_update_rtt(struct sock *sk, int flag, s64 seq_rtt_us, s64 sack_rtt_us, s64 ca_rtt_us)
{
	struct tcp_sock *tp = tcp_sk(sk);

	if (seq_rtt_us < 0)
		seq_rtt_us = sack_rtt_us;
	if (seq_rtt_us < 0 && tp->rx_opt.saw_tstamp && tp->rx_opt.rcv_tsecr && (flag & FLAG_ACKED)) {
		u32 delta = tcp_time_stamp(tp) - tp->rx_opt.rcv_tsecr;

		if (delta < (u32)S32_MAX / (u32)USEC_PER_SEC * 1000) {
			seq_rtt_us = (s64)max(delta, 1U) * 1000;
			ca_rtt_us = seq_rtt_us;
		}
	}
	if (seq_rtt_us < 0)
		return false;
	tcp_update_rtt_min(tp, (u32)max_t(s64, ca_rtt_us, 0), tp->tcp_mstamp_ns);
	tcp_rtt_estimator(tp, (u32)seq_rtt_us);
	tcp_set_rto(tp);
	inet_csk(sk)->icsk_backoff = 0;
	return true;
}

/*
 * tcp_synack_rtt_meas - the first sample of a passive open; @synack_ns 0: the SYN-ACK was sent more than once.
 */
void tcp_synack_rtt_meas(struct sock *sk, u64 synack_ns)
{
	s64 rtt_us = synack_ns ? (s64)((tcp_sk(sk)->tcp_mstamp_ns - synack_ns) / NSEC_PER_USEC) : -1;

	tcp_ack_update_rtt(sk, FLAG_SYN_ACKED, rtt_us, -1, rtt_us);
}

/* --- the retransmit queue */

/* Part of a super-packet is acknowledged. Return: packets that went. */
static u32 tcp_tso_acked(struct sock *sk, struct sk_buff *skb)
{
	struct tcp_sock *tp = tcp_sk(sk);
	u32 before = tp->packets_out;

	if (tcp_trim_head(sk, skb, (u32)seq_diff(tp->snd_una, TCP_SKB_CB(skb)->seq)))
		return 0;
	/* tcp_trim_head() has adjusted all counters; the caller takes what it returns off them again. */
	return before - tp->packets_out;
}

/* What the cleaned part of the queue has told. */
struct tcp_clean_state {
	u64 first_ackt_ns,
		last_ackt_ns; /* when the first and last segments that count for Karn were sent; 0: none */
	u32 pkts_acked;
};

/* Account for @n packets of @skb that are acknowledged, with the skb's tags. */
static void tcp_clean_one(struct tcp_sock *tp, const struct sk_buff *skb, u32 n, struct tcp_ack_state *st,
			  struct tcp_clean_state *cs)
{
	u8 sacked = TCP_SKB_CB(skb)->sacked;

	if (unlikely(sacked & TCPCB_RETRANS)) {
		st->flag |= FLAG_RETRANS_DATA_ACKED;
	} else if (!(sacked & TCPCB_SACKED_ACKED)) {
		cs->last_ackt_ns = skb->tstamp_ns;
		if (!cs->first_ackt_ns)
			cs->first_ackt_ns = cs->last_ackt_ns;
		if (seq_before(TCP_SKB_CB(skb)->seq, st->reord))
			st->reord = TCP_SKB_CB(skb)->seq;
		if (!seq_after(TCP_SKB_CB(skb)->end_seq, tp->high_seq))
			st->flag |= FLAG_ORIG_SACK_ACKED;
	}
	if (tcp_is_sack(tp) && !(sacked & TCPCB_SACKED_ACKED)) {
		tp->delivered += n;
		tcp_rack_advance(tp, sacked, TCP_SKB_CB(skb)->end_seq, skb->tstamp_ns);
	}
	cs->pkts_acked += n;
	if (likely(!(TCP_SKB_CB(skb)->tcp_flags & TCPHDR_SYN))) {
		st->flag |= FLAG_DATA_ACKED;
	} else {
		st->flag |= FLAG_SYN_ACKED;
		tp->retrans_stamp_ns = 0;
	}
}

/* Take from the queue what lies below snd_una. */
static void tcp_clean_walk(struct sock *sk, struct tcp_ack_state *st, struct tcp_clean_state *cs)
{
	struct tcp_sock *tp = tcp_sk(sk);
	struct sk_buff *skb;

	while ((skb = tcp_rtx_queue_head(sk)) != NULL) {
		u32 n = (u32)tcp_skb_pcount(skb);
		u8 sacked = TCP_SKB_CB(skb)->sacked;

		if (seq_after(TCP_SKB_CB(skb)->end_seq, tp->snd_una)) {
			if (n == 1 || !seq_after(tp->snd_una, TCP_SKB_CB(skb)->seq))
				break;
			n = tcp_tso_acked(sk, skb);
			if (n)
				tcp_clean_one(tp, skb, n, st, cs);
			break;
		}
		tcp_clean_one(tp, skb, n, st, cs);
		tp->packets_out -= n;
		if (unlikely(sacked & TCPCB_TAGBITS)) {
			tp->sacked_out -= sacked & TCPCB_SACKED_ACKED ? n : 0;
			tp->retrans_out -= sacked & TCPCB_SACKED_RETRANS ? n : 0;
			tp->lost_out -= sacked & TCPCB_LOST ? n : 0;
		}
		__skb_unlink(skb, &tp->tcp_rtx_queue);
		tcp_wmem_free_skb(sk, skb);
	}
	if (skb && (TCP_SKB_CB(skb)->sacked & TCPCB_SACKED_ACKED))
		st->flag |= FLAG_SACK_RENEGING;
	if (!skb)
		tcp_chrono_stop(sk, TCP_CHRONO_BUSY);
}

static s64 tcp_since_us(const struct tcp_sock *tp, u64 then_ns)
{
	return then_ns ? (s64)((tp->tcp_mstamp_ns - then_ns) / NSEC_PER_USEC) : -1;
}

static void tcp_clean_rtx_queue(struct sock *sk, struct tcp_ack_state *st)
{
	struct inet_connection_sock *icsk = inet_csk(sk);
	struct tcp_sock *tp = tcp_sk(sk);
	struct tcp_clean_state cs = { 0 };
	s64 seq_rtt = -1, ca_rtt = -1;
	struct ack_sample sample;

	tcp_clean_walk(sk, st, &cs);
	if (tp->snd_urg && !seq_after(tp->snd_up, tp->snd_una))
		tp->snd_urg = false;
	if (cs.first_ackt_ns && !(st->flag & FLAG_RETRANS_DATA_ACKED)) {
		seq_rtt = tcp_since_us(tp, cs.first_ackt_ns);
		ca_rtt = tcp_since_us(tp, cs.last_ackt_ns);
	}
	if (st->first_sackt_ns)
		ca_rtt = tcp_since_us(tp, st->last_sackt_ns);
	s64 sack_rtt = tcp_since_us(tp, st->first_sackt_ns);
	bool measured = tcp_ack_update_rtt(sk, st->flag, seq_rtt, sack_rtt, ca_rtt);
	const struct sk_buff *head = tcp_rtx_queue_head(sk);

	/* A SACK restarts the timer, too, but not for what was sent before the head was sent again. */
	if (head && measured && sack_rtt > tcp_since_us(tp, head->tstamp_ns))
		st->flag |= FLAG_SET_XMIT_TIMER;
	if (st->flag & FLAG_ACKED) {
		st->flag |= FLAG_SET_XMIT_TIMER;
		rt_confirm(sk->sk_dst, tp->tcp_mstamp_ns);
		if (tcp_is_reno(tp))
			tcp_remove_reno_sacks(sk, (int)cs.pkts_acked);
		/* A hole that was not sent again is filled: it had been late. What this ACK SACKs is no sign of it. */
		else if (seq_before(st->reord, st->prior_fack))
			tcp_check_sack_reordering(sk, st->reord);
	}
	if (icsk->icsk_ca_ops->pkts_acked) {
		sample = (struct ack_sample){ cs.pkts_acked, (s32)ca_rtt, st->prior_in_flight };
		icsk->icsk_ca_ops->pkts_acked(sk, &sample);
	}
}

/* --- congestion control */

static bool tcp_ack_is_dubious(const struct sock *sk, int flag)
{
	return !(flag & FLAG_NOT_DUP) || (flag & FLAG_DATA_SACKED) ||
	       inet_csk(sk)->icsk_ca_state != TCP_CA_Open;
}

static void tcp_cong_control(struct sock *sk, seq32 ack, struct tcp_ack_state *st)
{
	struct tcp_sock *tp = tcp_sk(sk);
	u32 acked_sacked = tp->delivered - st->prior_delivered;

	if (tcp_in_cwnd_reduction(sk)) {
		tcp_cwnd_reduction(sk, (int)acked_sacked, (int)(tp->lost - st->prior_lost), st->flag);
		return;
	}
	/* With much reordering SACKs move the window too, else only what advances snd_una. */
	if (st->flag &
	    (tp->reordering > tcp_sysctl.reordering ? FLAG_ACKED | FLAG_DATA_SACKED : FLAG_DATA_ACKED)) {
		inet_csk(sk)->icsk_ca_ops->cong_avoid(sk, ack.v, acked_sacked);
		tp->snd_cwnd_stamp_ns = tp->tcp_mstamp_ns;
	}
}

/* RFC 7323 4.3: the timestamp to echo is that of the segment that begins at or before the last ACK we sent. */
static void tcp_replace_ts_recent(struct tcp_sock *tp, seq32 seq)
{
	if (!tp->rx_opt.saw_tstamp || seq_after(seq, tp->rcv_wup))
		return;
	if (tcp_paws_check(&tp->rx_opt, 0, tp->tcp_mstamp_ns)) {
		tp->rx_opt.ts_recent = tp->rx_opt.rcv_tsval;
		tp->rx_opt.ts_recent_stamp_ns = tp->tcp_mstamp_ns;
	}
}

/*
 * How many duplicates is this ACK? A super-packet of pure ACKs cannot exist, so one, if it is a duplicate at
 * all.
 */
static void tcp_count_dupack(struct tcp_ack_state *st)
{
	st->num_dupack = !(st->flag & (FLAG_SND_UNA_ADVANCED | FLAG_NOT_DUP | FLAG_DSACKING_ACK));
}

/* An ACK below snd_una: late, but its SACK blocks may still be news. Return: 0 or the negative drop reason. */
static int tcp_old_ack(struct sock *sk, struct sk_buff *skb, struct tcp_ack_state *st)
{
	struct tcp_sock *tp = tcp_sk(sk);

	if (!TCP_SKB_CB(skb)->nr_sacks || !tcp_is_sack(tp))
		return 0;
	tcp_sacktag_write_queue(sk, skb, st);
	tcp_count_dupack(st);
	tcp_fastretrans_alert(sk, st);
	tcp_xmit_recovery(sk, st);
	return 0;
}

/* RFC 5961 5.2: an ACK far below the window is an attack or a ghost. */
static int tcp_too_old_ack(struct sock *sk, const struct sk_buff *skb, int flag)
{
	if (!(flag & FLAG_NO_CHALLENGE_ACK))
		tcp_send_challenge_ack(sk, skb);
	return -SKB_DROP_REASON_TCP_OLD_ACK;
}

/* The ACK may move snd_una: windows first, then the queue. */
static void tcp_ack_new(struct sock *sk, struct sk_buff *skb, seq32 ack, struct tcp_ack_state *st)
{
	struct tcp_sock *tp = tcp_sk(sk);
	seq32 ack_seq = TCP_SKB_CB(skb)->seq;

	if ((st->flag & (FLAG_SLOWPATH | FLAG_SND_UNA_ADVANCED)) == FLAG_SND_UNA_ADVANCED) {
		/* Fast path: the window is the one we know. */
		tcp_update_wl(tp, ack_seq);
		tcp_snd_una_update(tp, ack);
		st->flag |= FLAG_WIN_UPDATE;
	} else {
		if (!seq_eq(ack_seq, TCP_SKB_CB(skb)->end_seq))
			st->flag |= FLAG_DATA;
		st->flag |= tcp_ack_update_window(sk, skb, ack, ack_seq);
		if (TCP_SKB_CB(skb)->nr_sacks && tcp_is_sack(tp))
			tcp_sacktag_write_queue(sk, skb, st);
	}
	sk->sk_err_soft = 0;
	inet_csk(sk)->icsk_probes_out = 0;
	tp->rcv_tstamp_ns = tp->tcp_mstamp_ns;
}

/* Progress restarts the timer: that of a loss probe (RFC 8985 7.2), or, when SACK has told more, the RTO. */
static void tcp_ack_set_timer(struct sock *sk, int flag)
{
	if (!tcp_sk(sk)->packets_out)
		inet_csk_clear_retransmit(sk);
	else if ((flag & FLAG_SET_XMIT_TIMER) && !tcp_schedule_loss_probe(sk, true))
		tcp_rearm_rto(sk);
}

int tcp_ack(struct sock *sk, struct sk_buff *skb, int flag)
{
	struct tcp_sock *tp = tcp_sk(sk);
	seq32 ack = TCP_SKB_CB(skb)->ack_seq;
	struct tcp_ack_state st = { .flag = flag,
				    .prior_snd_una = tp->snd_una,
				    .prior_fack = tp->sacked_out ? tp->highest_sack : tp->snd_una,
				    .prior_packets = tp->packets_out,
				    .reord = tp->snd_nxt,
				    .prior_delivered = tp->delivered,
				    .prior_lost = tp->lost };

	if (seq_before(ack, tp->snd_una)) {
		if (seq_before(ack, SEQ(tp->snd_una.v - min_t(u64, tp->max_window, tp->bytes_acked))))
			return tcp_too_old_ack(sk, skb, flag);
		return tcp_old_ack(sk, skb, &st);
	}
	if (seq_after(ack, tp->snd_nxt))
		return -SKB_DROP_REASON_TCP_ACK_UNSENT;
	if (seq_after(ack, tp->snd_una)) {
		st.flag |= FLAG_SND_UNA_ADVANCED;
		inet_csk(sk)->icsk_retransmits = 0;
	}
	st.prior_in_flight = tcp_packets_in_flight(tp);
	if (flag & FLAG_UPDATE_TS_RECENT)
		tcp_replace_ts_recent(tp, TCP_SKB_CB(skb)->seq);
	tcp_ack_new(sk, skb, ack, &st);
	if (!st.prior_packets) {
		/* All was acknowledged before; a DSACK may still tell that the last recovery was for nothing. */
		if (st.flag & FLAG_DSACKING_ACK)
			tcp_fastretrans_alert(sk, &st);
		tcp_ack_probe(sk);
		tcp_process_tlp_ack(sk, ack, st.flag);
		return 1;
	}
	tcp_clean_rtx_queue(sk, &st);
	tcp_rack_update_reo_wnd(tp, st.flag);
	tcp_process_tlp_ack(sk, ack, st.flag);
	if (tcp_ack_is_dubious(sk, st.flag)) {
		tcp_count_dupack(&st);
		tcp_fastretrans_alert(sk, &st);
	}
	tcp_ack_set_timer(sk, st.flag);
	tcp_cong_control(sk, ack, &st);
	tcp_xmit_recovery(sk, &st);
	return 1;
}

/* tcp_init_metrics - a connection is about to open: nothing is known of the path but the SYN's round trip. */
void tcp_init_metrics(struct sock *sk)
{
	struct tcp_sock *tp = tcp_sk(sk);

	/* A SYN that was lost says little of how much the path holds. */
	tp->snd_ssthresh = TCP_INFINITE_SSTHRESH;
	/* RFC 6298 5.7: a SYN that was lost makes the first RTO 3 s. */
	if (!tp->srtt_us && inet_csk(sk)->icsk_rto_ns < 3 * NSEC_PER_SEC) {
		tp->rttvar_us = (u32)(3 * USEC_PER_SEC);
		tp->mdev_us = tp->rttvar_us;
		tp->mdev_max_us = tp->rttvar_us;
		inet_csk(sk)->icsk_rto_ns = 3 * NSEC_PER_SEC;
	}
}

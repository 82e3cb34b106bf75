/*
 * net/ipv4/tcp_recovery.c - loss: when to believe in it, how far to slow down, and when it was none after all.
 *
 * Linux:   tcp_fastretrans_alert() and its helpers in net/ipv4/tcp_input.c (6.1); its tcp_recovery.c is our
 *          tcp_rack.c
 * Same:    the five states Open, Disorder, CWR, Recovery, Loss; NewReno (RFC 6582), SACK-based recovery
 *          (RFC 8985), proportional rate reduction (RFC 6937), limited transmit (RFC 3042), undo by timestamps (RFC
 *          3522), DSACK and F-RTO (RFC 5682).
 * Differs: 1. no ECN.
 * Locks:   the sock's owner, or its slock in softirq.
 * Walk:    tcp_ack() -> tcp_fastretrans_alert() -> tcp_xmit_retransmit_queue(); tcp_retransmit_timer() ->
 *          tcp_enter_loss().
 */
#include "net/ipv4/tcp.h"

void tcp_clear_retrans(struct tcp_sock *tp)
{
	tp->retrans_out = 0;
	tp->lost_out = 0;
	tp->sacked_out = 0;
	tp->undo_valid = false;
	tp->undo_retrans = -1;
}

static void tcp_init_undo(struct tcp_sock *tp)
{
	tp->undo_marker = tp->snd_una;
	tp->undo_valid = true;
	tp->undo_retrans = tp->retrans_out ? (int)tp->retrans_out : -1;
}

static u32 tcp_current_ssthresh(const struct sock *sk)
{
	const struct tcp_sock *tp = tcp_sk(sk);

	return tcp_in_cwnd_reduction(sk) ? tp->snd_ssthresh
					 : max(tp->snd_ssthresh, (tp->snd_cwnd >> 1) + (tp->snd_cwnd >> 2));
}

static bool tcp_any_retrans_done(const struct sock *sk)
{
	const struct sk_buff *head = tcp_rtx_queue_head(sk);

	return tcp_sk(sk)->retrans_out || (head && (TCP_SKB_CB(head)->sacked & TCPCB_EVER_RETRANS));
}

/* --- the window while it falls: RFC 6937 */

static void tcp_init_cwnd_reduction(struct sock *sk)
{
	struct tcp_sock *tp = tcp_sk(sk);

	tp->high_seq = tp->snd_nxt;
	tp->tlp_pending = false;
	tp->snd_cwnd_cnt = 0;
	tp->prior_cwnd = tp->snd_cwnd;
	tp->prr_delivered = 0;
	tp->prr_out = 0;
	tp->snd_ssthresh = inet_csk(sk)->icsk_ca_ops->ssthresh(sk);
}

/* tcp_cwnd_reduction - on each ACK in CWR and Recovery: send in proportion to what arrives. */
void tcp_cwnd_reduction(struct sock *sk, int newly_acked_sacked, int newly_lost, int flag)
{
	struct tcp_sock *tp = tcp_sk(sk);
	int in_flight = (int)tcp_packets_in_flight(tp), delta = (int)tp->snd_ssthresh - in_flight, sndcnt;

	if (newly_acked_sacked <= 0 || !tp->prior_cwnd)
		return;
	tp->prr_delivered += (u32)newly_acked_sacked;
	if (delta < 0) {
		u64 dividend = (u64)tp->snd_ssthresh * tp->prr_delivered + tp->prior_cwnd - 1;

		sndcnt = (int)(dividend / tp->prior_cwnd) - (int)tp->prr_out;
	} else {
		sndcnt = max((int)tp->prr_delivered - (int)tp->prr_out, newly_acked_sacked);
		if ((flag & FLAG_SND_UNA_ADVANCED) && !newly_lost)
			sndcnt++;
		sndcnt = min(delta, sndcnt);
	}
	/* The first retransmission goes at once. */
	sndcnt = max(sndcnt, tp->prr_out ? 0 : 1);
	tp->snd_cwnd = (u32)max(in_flight + sndcnt, 1);
}

static void tcp_end_cwnd_reduction(struct sock *sk)
{
	struct tcp_sock *tp = tcp_sk(sk);

	if (tp->snd_ssthresh < TCP_INFINITE_SSTHRESH &&
	    (inet_csk(sk)->icsk_ca_state == TCP_CA_CWR || tp->undo_valid)) {
		tp->snd_cwnd = tp->snd_ssthresh;
		tp->snd_cwnd_stamp_ns = tp->tcp_mstamp_ns;
	}
	tcp_ca_event(sk, CA_EVENT_COMPLETE_CWR);
}

/* tcp_enter_cwr - slow down without a loss: our own device is full. */
void tcp_enter_cwr(struct sock *sk)
{
	struct tcp_sock *tp = tcp_sk(sk);

	tp->prior_ssthresh = 0;
	if (inet_csk(sk)->icsk_ca_state < TCP_CA_CWR) {
		tp->undo_valid = false;
		tcp_init_cwnd_reduction(sk);
		tcp_set_ca_state(sk, TCP_CA_CWR);
	}
}

void tcp_try_keep_open(struct sock *sk)
{
	struct tcp_sock *tp = tcp_sk(sk);
	u8 state = tcp_left_out(tp) || tcp_any_retrans_done(sk) ? TCP_CA_Disorder : TCP_CA_Open;

	if (inet_csk(sk)->icsk_ca_state == state)
		return;
	tcp_set_ca_state(sk, state);
	tp->high_seq = tp->snd_nxt;
}

static void tcp_try_to_open(struct sock *sk)
{
	if (!tcp_any_retrans_done(sk))
		tcp_sk(sk)->retrans_stamp_ns = 0;
	if (inet_csk(sk)->icsk_ca_state != TCP_CA_CWR)
		tcp_try_keep_open(sk);
}

/* --- undo: the segments had arrived, only their ACKs were late */

/* RFC 3522: the ACK echoes a timestamp from before our first retransmission. */
static bool tcp_packet_delayed(const struct tcp_sock *tp)
{
	return tp->retrans_stamp_ns && tp->rx_opt.saw_tstamp && tp->rx_opt.rcv_tsecr &&
	       (s32)(tp->rx_opt.rcv_tsecr - (tcp_ns_to_ts(tp->retrans_stamp_ns) + tp->tsoffset)) < 0;
}

static bool tcp_may_undo(const struct tcp_sock *tp)
{
	return tp->undo_valid && (!tp->undo_retrans || tcp_packet_delayed(tp));
}

static void tcp_undo_cwnd_reduction(struct sock *sk, bool unmark_loss)
{
	struct tcp_sock *tp = tcp_sk(sk);
	struct sk_buff *skb;

	if (unmark_loss) {
		skb_queue_walk(&tp->tcp_rtx_queue, skb)
			TCP_SKB_CB(skb)->sacked &= (u8)~TCPCB_LOST;
		tp->lost_out = 0;
	}
	if (tp->prior_ssthresh) {
		tp->snd_cwnd = inet_csk(sk)->icsk_ca_ops->undo_cwnd(sk);
		tp->snd_ssthresh = max(tp->snd_ssthresh, tp->prior_ssthresh);
	}
	tp->snd_cwnd_stamp_ns = tp->tcp_mstamp_ns;
	tp->undo_valid = false;
}

/*
 * Without SACK the state is kept until something above high_seq is acknowledged, so that duplicate ACKs of the
 * retransmissions do not start a second recovery (RFC 6582 4).
 */
static bool tcp_is_non_sack_preventing_reopen(struct sock *sk)
{
	struct tcp_sock *tp = tcp_sk(sk);

	if (!seq_eq(tp->snd_una, tp->high_seq) || tcp_is_sack(tp))
		return false;
	if (!tcp_any_retrans_done(sk))
		tp->retrans_stamp_ns = 0;
	return true;
}

static bool tcp_try_undo_recovery(struct sock *sk)
{
	if (tcp_may_undo(tcp_sk(sk)))
		tcp_undo_cwnd_reduction(sk, false);
	else
		tcp_rack_recovery_ends(tcp_sk(sk));
	if (tcp_is_non_sack_preventing_reopen(sk))
		return true;
	tcp_set_ca_state(sk, TCP_CA_Open);
	return false;
}

static bool tcp_try_undo_dsack(struct sock *sk)
{
	struct tcp_sock *tp = tcp_sk(sk);

	if (!tp->undo_valid || tp->undo_retrans)
		return false;
	tcp_undo_cwnd_reduction(sk, false);
	return true;
}

/* @frto: F-RTO has found out; else what else there is must say so. */
static bool tcp_try_undo_loss(struct sock *sk, bool frto)
{
	struct tcp_sock *tp = tcp_sk(sk);

	if (!frto && !tcp_may_undo(tp))
		return false;
	tcp_undo_cwnd_reduction(sk, true);
	inet_csk(sk)->icsk_retransmits = 0;
	if (!tcp_is_non_sack_preventing_reopen(sk) && (frto || tcp_is_sack(tp)))
		tcp_set_ca_state(sk, TCP_CA_Open);
	return true;
}

/*
 * A partial ACK in Recovery that shows the segment had been delayed. Return: true if nothing more is to be
 * done.
 */
static bool tcp_try_undo_partial(struct sock *sk, seq32 prior_snd_una)
{
	struct tcp_sock *tp = tcp_sk(sk);

	if (!tp->undo_valid || !tcp_packet_delayed(tp))
		return false;
	tcp_check_sack_reordering(sk, prior_snd_una);
	if (tp->retrans_out)
		return true;
	if (!tcp_any_retrans_done(sk))
		tp->retrans_stamp_ns = 0;
	tcp_undo_cwnd_reduction(sk, true);
	tcp_try_keep_open(sk);
	return false;
}

/* --- entering */

/* tcp_enter_loss - the RTO: start over from one segment (RFC 5681 3.1). */
void tcp_enter_loss(struct sock *sk)
{
	struct inet_connection_sock *icsk = inet_csk(sk);
	struct tcp_sock *tp = tcp_sk(sk);
	bool new_recovery = icsk->icsk_ca_state < TCP_CA_Recovery;

	tcp_timeout_mark_lost(sk);
	if (icsk->icsk_ca_state <= TCP_CA_Disorder || !seq_after(tp->high_seq, tp->snd_una) ||
	    (icsk->icsk_ca_state == TCP_CA_Loss && !icsk->icsk_retransmits)) {
		tp->prior_ssthresh = tcp_current_ssthresh(sk);
		tp->prior_cwnd = tp->snd_cwnd;
		tp->snd_ssthresh = icsk->icsk_ca_ops->ssthresh(sk);
		tcp_ca_event(sk, CA_EVENT_LOSS);
		tcp_init_undo(tp);
	}
	tp->snd_cwnd = tcp_packets_in_flight(tp) + 1;
	tp->snd_cwnd_cnt = 0;
	tp->snd_cwnd_stamp_ns = tp->tcp_mstamp_ns;
	if (icsk->icsk_ca_state <= TCP_CA_Disorder && tp->sacked_out >= tp->reordering)
		tp->reordering = (u8)min_t(int, tp->reordering, tcp_sysctl.reordering);
	tcp_set_ca_state(sk, TCP_CA_Loss);
	tp->high_seq = tp->snd_nxt;
	tp->tlp_pending = false;
	/* RFC 5682 3.1 step 1: not in the middle of a recovery, where segments are known to be lost. */
	tp->frto = new_recovery || icsk->icsk_retransmits;
}

void tcp_enter_recovery(struct sock *sk)
{
	struct tcp_sock *tp = tcp_sk(sk);

	SNMP_INC(TCP_FASTRETRANS);
	tp->prior_ssthresh = 0;
	tcp_init_undo(tp);
	if (!tcp_in_cwnd_reduction(sk)) {
		tp->prior_ssthresh = tcp_current_ssthresh(sk);
		tcp_init_cwnd_reduction(sk);
	}
	tcp_set_ca_state(sk, TCP_CA_Recovery);
}

/* NewReno: the head is lost after enough duplicate ACKs, and again at each partial ACK. */
static void tcp_newreno_mark_lost(struct sock *sk, bool snd_una_advanced)
{
	struct tcp_sock *tp = tcp_sk(sk);
	struct sk_buff *skb = tcp_rtx_queue_head(sk);
	u8 state = inet_csk(sk)->icsk_ca_state;

	if (!((state < TCP_CA_Recovery && tp->sacked_out >= tp->reordering) ||
	      (state == TCP_CA_Recovery && snd_una_advanced)))
		return;
	if (!skb || (TCP_SKB_CB(skb)->sacked & TCPCB_LOST))
		return;
	if (tcp_skb_pcount(skb) > 1 && skb->len > tp->mss_cache &&
	    tcp_fragment(sk, &tp->tcp_rtx_queue, skb, tp->mss_cache, tp->mss_cache))
		return;
	tcp_mark_skb_lost(tp, skb);
}

/* Which segments are lost, by what this ACK tells. */
static void tcp_identify_packet_loss(struct sock *sk, struct tcp_ack_state *st)
{
	struct tcp_sock *tp = tcp_sk(sk);
	u32 prior_retrans = tp->retrans_out;

	if (tcp_rtx_queue_empty(sk))
		return;
	if (tcp_is_reno(tp)) {
		tcp_newreno_mark_lost(sk, st->flag & FLAG_SND_UNA_ADVANCED);
		return;
	}
	if (tcp_rack_mark_lost(sk))
		st->flag &= ~FLAG_SET_XMIT_TIMER;	/* RACK's timer comes first */
	if (prior_retrans > tp->retrans_out)
		st->flag |= FLAG_LOST_RETRANS;
}

/*
 * tcp_simple_retransmit - the path MTU has shrunk: what is larger is lost, without being a sign of congestion.
 */
void tcp_simple_retransmit(struct sock *sk)
{
	struct tcp_sock *tp = tcp_sk(sk);
	unsigned int mss = tcp_current_mss(sk);
	struct sk_buff *skb;
	u32 prior_lost = tp->lost_out;

	skb_queue_walk(&tp->tcp_rtx_queue, skb) {
		u32 seg = TCP_SKB_CB(skb)->gso_size ? TCP_SKB_CB(skb)->gso_size : skb->len;

		if (seg > mss)
			tcp_mark_skb_lost(tp, skb);
	}
	if (prior_lost == tp->lost_out)
		return;
	if (inet_csk(sk)->icsk_ca_state != TCP_CA_Loss) {
		tp->high_seq = tp->snd_nxt;
		tp->snd_ssthresh = tcp_current_ssthresh(sk);
		tp->prior_ssthresh = 0;
		tp->undo_valid = false;
		tcp_set_ca_state(sk, TCP_CA_Loss);
	}
	tcp_xmit_retransmit_queue(sk);
}

/* --- each ACK that is not plain progress */

static bool tcp_check_sack_reneging(struct sock *sk, int flag)
{
	struct tcp_sock *tp = tcp_sk(sk);

	if (!(flag & FLAG_SACK_RENEGING) || !(flag & FLAG_SND_UNA_ADVANCED))
		return false;
	/* The receiver has dropped what it had SACKed: let the RTO sort it out, soon. */
	tcp_reset_xmit_timer(sk, ICSK_TIME_RETRANS,
			     max_t(u64, (u64)(tp->srtt_us >> 4) * NSEC_PER_USEC, 10 * NSEC_PER_MSEC));
	return true;
}

/*
 * Leave Recovery or CWR once all that was in flight when it began is acknowledged. Return: true if nothing more
 * is to be done.
 */
static bool tcp_fastretrans_exit(struct sock *sk)
{
	struct tcp_sock *tp = tcp_sk(sk);

	if (inet_csk(sk)->icsk_ca_state == TCP_CA_CWR) {
		if (!seq_eq(tp->snd_una, tp->high_seq)) {
			tcp_end_cwnd_reduction(sk);
			tcp_set_ca_state(sk, TCP_CA_Open);
		}
	} else if (inet_csk(sk)->icsk_ca_state == TCP_CA_Recovery) {
		if (tcp_is_reno(tp))
			tp->sacked_out = 0;
		if (tcp_try_undo_recovery(sk))
			return true;
		tcp_end_cwnd_reduction(sk);
	}
	return false;
}

/*
 * RFC 5682 3.1: was the time-out spurious? Return: true if the ACK is dealt with: the loss is undone, or new data shall
 * be sent to find out.
 */
static bool tcp_process_frto(struct sock *sk, struct tcp_ack_state *st, bool recovered)
{
	struct tcp_sock *tp = tcp_sk(sk);

	/* Step 3 b: something arrived that was not sent again. */
	if (st->flag & FLAG_ORIG_SACK_ACKED && tcp_try_undo_loss(sk, true))
		return true;
	if (seq_after(tp->snd_nxt, tp->high_seq)) {
		if (st->flag & FLAG_DATA_SACKED || st->num_dupack)
			tp->frto = false;	/* step 3 a: the loss was real */
	} else if (st->flag & FLAG_SND_UNA_ADVANCED && !recovered) {
		tp->high_seq = tp->snd_nxt;
		/* Step 2 b: what new data brings back will tell. */
		if (!tcp_write_queue_empty(sk) && seq_after(tcp_wnd_end(tp), tp->snd_nxt)) {
			st->send_new = true;
			return true;
		}
		tp->frto = false;
	}
	return false;
}

/* An ACK in Loss. */
static void tcp_process_loss(struct sock *sk, struct tcp_ack_state *st)
{
	struct tcp_sock *tp = tcp_sk(sk);
	bool recovered = !seq_before(tp->snd_una, tp->high_seq);

	if ((st->flag & FLAG_SND_UNA_ADVANCED) && tcp_try_undo_loss(sk, false))
		return;
	if (tp->frto && tcp_process_frto(sk, st, recovered))
		return;
	if (recovered) {
		tcp_try_undo_recovery(sk);
		return;
	}
	if (tcp_is_reno(tp)) {
		if (seq_after(tp->snd_nxt, tp->high_seq) && st->num_dupack)
			tcp_add_reno_sack(sk, st->num_dupack);
		else if (st->flag & FLAG_SND_UNA_ADVANCED)
			tp->sacked_out = 0;
	}
	st->rexmit = true;
}

/* Open, Disorder or CWR, or a later state that did not last: is anything lost? Return: true if Recovery was entered. */
static bool tcp_process_disorder(struct sock *sk, struct tcp_ack_state *st)
{
	struct tcp_sock *tp = tcp_sk(sk);

	if (tcp_is_reno(tp)) {
		if (st->flag & FLAG_SND_UNA_ADVANCED)
			tp->sacked_out = 0;
		tcp_add_reno_sack(sk, st->num_dupack);
	}
	if (inet_csk(sk)->icsk_ca_state <= TCP_CA_Disorder)
		tcp_try_undo_dsack(sk);
	tcp_identify_packet_loss(sk, st);
	if (!tp->lost_out) {
		tcp_try_to_open(sk);
		return false;
	}
	tcp_enter_recovery(sk);
	return true;
}

/* Recovery goes on. Return: false if nothing more is to be done. */
static bool tcp_process_recovery(struct sock *sk, struct tcp_ack_state *st)
{
	struct tcp_sock *tp = tcp_sk(sk);

	if (!(st->flag & FLAG_SND_UNA_ADVANCED)) {
		if (tcp_is_reno(tp))
			tcp_add_reno_sack(sk, st->num_dupack);
	} else if (tcp_try_undo_partial(sk, st->prior_snd_una)) {
		return false;
	}
	if (tcp_try_undo_dsack(sk))
		tcp_try_keep_open(sk);
	tcp_identify_packet_loss(sk, st);
	return inet_csk(sk)->icsk_ca_state == TCP_CA_Recovery || tcp_process_disorder(sk, st);
}

void tcp_fastretrans_alert(struct sock *sk, struct tcp_ack_state *st)
{
	struct tcp_sock *tp = tcp_sk(sk);
	u8 state = inet_csk(sk)->icsk_ca_state;

	if (!tp->packets_out && tp->sacked_out)
		tp->sacked_out = 0;
	if (tcp_check_sack_reneging(sk, st->flag))
		return;
	if (state == TCP_CA_Open)
		tp->retrans_stamp_ns = 0;
	else if (!seq_before(tp->snd_una, tp->high_seq) && tcp_fastretrans_exit(sk))
		return;
	state = inet_csk(sk)->icsk_ca_state;
	if (state == TCP_CA_Recovery) {
		if (!tcp_process_recovery(sk, st))
			return;
	} else if (state == TCP_CA_Loss) {
		tcp_process_loss(sk, st);
		tcp_identify_packet_loss(sk, st);
		/* What was sent again is lost again: that is congestion once more. */
		if (inet_csk(sk)->icsk_ca_state != TCP_CA_Open && !(st->flag & FLAG_LOST_RETRANS))
			return;
		if (!tcp_process_disorder(sk, st))
			return;
	} else if (!tcp_process_disorder(sk, st)) {
		return;
	}
	st->rexmit = true;
}

void tcp_xmit_recovery(struct sock *sk, const struct tcp_ack_state *st)
{
	struct tcp_sock *tp = tcp_sk(sk);

	if (!st->rexmit && !st->send_new)
		return;
	if (st->send_new && !st->rexmit) {
		__tcp_push_pending_frames(sk, tcp_current_mss(sk), TCP_NAGLE_OFF);
		if (seq_after(tp->snd_nxt, tp->high_seq))
			return;
		tp->frto = false;	/* there is none, or it must wait: recover as usual */
	}
	tcp_xmit_retransmit_queue(sk);
}

/* tcp_process_tlp_ack - an ACK of the tail loss probe or beyond (RFC 8985 7.4.2). */
void tcp_process_tlp_ack(struct sock *sk, seq32 ack, int flag)
{
	struct tcp_sock *tp = tcp_sk(sk);

	if (!tp->tlp_pending || seq_before(ack, tp->tlp_high_seq))
		return;
	if (!tp->tlp_retrans || (flag & FLAG_DSACKING_ACK)) {
		tp->tlp_pending = false;	/* new data, or the original had arrived */
	} else if (seq_after(ack, tp->tlp_high_seq)) {
		/* The probe repaired a loss that nobody else saw: slow down once. */
		tcp_init_cwnd_reduction(sk);
		tcp_set_ca_state(sk, TCP_CA_CWR);
		tcp_end_cwnd_reduction(sk);
		tcp_try_keep_open(sk);
	} else if (!(flag & (FLAG_SND_UNA_ADVANCED | FLAG_NOT_DUP | FLAG_DATA_SACKED))) {
		tp->tlp_pending = false;	/* a duplicate ACK: both copies arrived */
	}
}

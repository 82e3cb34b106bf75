/*
 * net/ipv4/tcp_retransmit.c - sending again: what was lost, what may have been, and probes of a closed window.
 *
 * Linux:   the same functions in net/ipv4/tcp_output.c (6.1)
 * Same:    segments marked lost go again as the window allows, oldest first; a tail loss probe (RFC 8985 7) two
 *          round trips after the last data; zero-window probes with backoff (RFC 9293 3.8.6.1).
 * Differs: 1. small neighbours are not merged when they are sent again. 2. the queue is walked from its head.
 * Locks:   the sock's owner, or its slock in softirq.
 * Walk:    tcp_retransmit_timer() -> tcp_retransmit_skb(); tcp_ack() -> tcp_xmit_retransmit_queue().
 */
#include "net/ipv4/tcp.h"

/* Cut @skb to what is not acknowledged and fits the windows. 0 or -errno. */
static int tcp_retransmit_prepare(struct sock *sk, struct sk_buff *skb, unsigned int cur_mss, u32 segs)
{
	struct tcp_sock *tp = tcp_sk(sk);
	u32 len = cur_mss * segs;
	s32 avail;

	if (seq_before(TCP_SKB_CB(skb)->seq, tp->snd_una)) {
		if (WARN_ON_ONCE(seq_before(TCP_SKB_CB(skb)->end_seq, tp->snd_una)))
			return -EINVAL;
		/* The SYN of a SYN-ACK in flight has no bytes to trim. */
		if (skb->len && tcp_trim_head(sk, skb, (u32)seq_diff(tp->snd_una, TCP_SKB_CB(skb)->seq)))
			return -ENOMEM;
	}
	avail = seq_diff(tcp_wnd_end(tp), TCP_SKB_CB(skb)->seq);
	if (avail <= 0) {
		/* The peer has shrunk its window: the first segment goes anyway, as a probe. */
		if (!seq_eq(TCP_SKB_CB(skb)->seq, tp->snd_una))
			return -EAGAIN;
		avail = (s32)cur_mss;
	}
	if (len > (u32)avail) {
		len = (u32)avail / cur_mss * cur_mss;
		if (!len)
			len = (u32)avail;
	}
	if (skb->len > len)
		return tcp_fragment(sk, &tp->tcp_rtx_queue, skb, len, cur_mss);
	if (tcp_skb_pcount(skb) > 1 || skb->len > cur_mss) {
		int old = tcp_skb_pcount(skb);

		tcp_set_skb_tso_segs(skb, cur_mss);
		if (old != tcp_skb_pcount(skb))
			tcp_adjust_pcount(tp, skb, old - tcp_skb_pcount(skb));
	}
	return 0;
}

/*
 * __tcp_retransmit_skb - send up to @segs packets of @skb again, without the bookkeeping of a loss. 0 or
 * -errno.
 */
int __tcp_retransmit_skb(struct sock *sk, struct sk_buff *skb, int segs)
{
	struct tcp_sock *tp = tcp_sk(sk);
	int err = tcp_retransmit_prepare(sk, skb, tcp_current_mss(sk), (u32)segs);

	if (err)
		return err;
	segs = tcp_skb_pcount(skb);
	this_cpu_add(snmp_counters[TCP_RETRANSSEGS], (u64)segs);
	tp->total_retrans += (u32)segs;
	tp->bytes_retrans += skb->len;
	if (TCP_SKB_CB(skb)->tcp_flags & TCPHDR_SYN)
		tp->syn_retrans_total++;
	trace(tcp_retransmit, TCP_SKB_CB(skb)->seq.v, skb->len);
	err = tcp_transmit_skb(sk, skb);
	TCP_SKB_CB(skb)->sacked |= TCPCB_EVER_RETRANS;
	return err;
}

/* tcp_retransmit_skb - and count it as in flight again. */
int tcp_retransmit_skb(struct sock *sk, struct sk_buff *skb, int segs)
{
	struct tcp_sock *tp = tcp_sk(sk);
	int err = __tcp_retransmit_skb(sk, skb, segs);

	if (err)
		return err;
	if (!(TCP_SKB_CB(skb)->sacked & TCPCB_SACKED_RETRANS)) {
		TCP_SKB_CB(skb)->sacked |= TCPCB_RETRANS;
		tp->retrans_out += (u32)tcp_skb_pcount(skb);
	}
	if (!tp->retrans_stamp_ns)
		tp->retrans_stamp_ns = skb->tstamp_ns;
	if (tp->undo_retrans < 0)
		tp->undo_retrans = 0;
	tp->undo_retrans += tcp_skb_pcount(skb);
	return 0;
}

/* tcp_xmit_retransmit_queue - send again what is marked lost, as far as the congestion window goes. */
void tcp_xmit_retransmit_queue(struct sock *sk)
{
	struct tcp_sock *tp = tcp_sk(sk);
	struct sk_buff *skb, *next;
	bool rearm_timer = false;

	if (!tp->packets_out)
		return;
	skb_queue_walk_safe(&tp->tcp_rtx_queue, skb, next) {
		int segs = (int)tp->snd_cwnd - (int)tcp_packets_in_flight(tp);
		u8 sacked = TCP_SKB_CB(skb)->sacked;

		if (segs <= 0 || tp->retrans_out >= tp->lost_out)
			break;
		if (!(sacked & TCPCB_LOST) || (sacked & (TCPCB_SACKED_ACKED | TCPCB_SACKED_RETRANS)))
			continue;
		if (tcp_retransmit_skb(sk, skb, segs))
			break;
		next = skb->next;	/* a cut may have put the rest behind it */
		if (tcp_in_cwnd_reduction(sk))
			tp->prr_out += (u32)tcp_skb_pcount(skb);
		if (skb == tcp_rtx_queue_head(sk))
			rearm_timer = true;
	}
	if (rearm_timer)
		tcp_reset_xmit_timer(sk, ICSK_TIME_RETRANS, inet_csk(sk)->icsk_rto_ns);
}

/* --- tail loss probe, RFC 8985 7 */

/*
 * tcp_schedule_loss_probe - after new data: if nothing comes back for two round trips, a probe finds out before
 * the RTO does. Return: true if the probe timer is armed. @advancing_rto: the caller has just restarted the
 * RTO.
 */
bool tcp_schedule_loss_probe(struct sock *sk, bool advancing_rto)
{
	struct inet_connection_sock *icsk = inet_csk(sk);
	struct tcp_sock *tp = tcp_sk(sk);
	u64 timeout, rto_at;

	if (!tp->packets_out || !tcp_is_sack(tp) || !tcp_sysctl.early_retrans ||
	    (icsk->icsk_ca_state != TCP_CA_Open && icsk->icsk_ca_state != TCP_CA_CWR))
		return false;
	if (tp->srtt_us) {
		timeout = (u64)(tp->srtt_us >> 2) * NSEC_PER_USEC;
		/* One packet out: its ACK may be delayed. */
		timeout += tp->packets_out == 1 ? TCP_RTO_MIN_NS : TCP_TIMEOUT_MIN_NS;
	} else {
		timeout = TCP_TIMEOUT_INIT_NS;
	}
	rto_at = (advancing_rto ? tp->tcp_mstamp_ns : tcp_rtx_queue_head(sk)->tstamp_ns) + icsk->icsk_rto_ns;
	if (rto_at > tp->tcp_mstamp_ns)
		timeout = min(timeout, rto_at - tp->tcp_mstamp_ns);
	tcp_reset_xmit_timer(sk, ICSK_TIME_LOSS_PROBE, timeout);
	return true;
}

/* tcp_send_loss_probe - new data if there is some, else the last segment again. */
void tcp_send_loss_probe(struct sock *sk)
{
	struct tcp_sock *tp = tcp_sk(sk);
	unsigned int mss = tcp_current_mss(sk);
	seq32 old_nxt = tp->snd_nxt;
	struct sk_buff *skb;

	if (tp->tlp_pending)
		goto rearm;
	tp->tlp_retrans = 0;
	if (tcp_send_head(sk) && tcp_snd_wnd_test(tp, tcp_send_head(sk), mss)) {
		tcp_write_xmit(sk, mss, TCP_NAGLE_OFF, 2);
		if (!seq_eq(old_nxt, tp->snd_nxt))
			goto probe_sent;
	}
	skb = tcp_rtx_queue_tail(sk);
	if (!skb)
		goto rearm;
	if (tcp_skb_pcount(skb) > 1 && skb->len > mss) {
		u32 last = (skb->len - 1) / mss * mss;

		if (tcp_fragment(sk, &tp->tcp_rtx_queue, skb, last, mss))
			goto rearm;
		skb = skb->next;
	}
	if (__tcp_retransmit_skb(sk, skb, 1))
		goto rearm;
	tp->tlp_retrans = 1;
probe_sent:
	tp->tlp_pending = true;
	tp->tlp_high_seq = tp->snd_nxt;
	inet_csk(sk)->icsk_pending = 0;	/* the RTO begins anew, for the probe */
rearm:
	tcp_rearm_rto(sk);
}

/* --- probes */

/*
 * An empty segment with a sequence number the peer has already acknowledged: it must answer with an ACK that
 * tells its window. @urgent: one byte ahead, so that the urgent pointer is seen. 0 or -errno.
 */
static int tcp_xmit_probe_skb(struct sock *sk, bool urgent)
{
	struct tcp_sock *tp = tcp_sk(sk);
	struct sk_buff *skb = alloc_skb(MAX_HEADER, GFP_ATOMIC);

	if (!skb)
		return -ENOMEM;
	skb_reserve(skb, MAX_HEADER);
	memset(skb->cb, 0, sizeof(struct tcp_skb_cb));
	TCP_SKB_CB(skb)->seq = SEQ(tp->snd_una.v - !urgent);
	TCP_SKB_CB(skb)->end_seq = TCP_SKB_CB(skb)->seq;
	TCP_SKB_CB(skb)->tcp_flags = TCPHDR_ACK;
	TCP_SKB_CB(skb)->gso_segs = 1;
	return tcp_transmit_once(sk, skb);
}

/*
 * tcp_write_wakeup - probe the window: with the first bytes it lets in, else with an empty segment. 0 or
 * -errno.
 */
int tcp_write_wakeup(struct sock *sk)
{
	struct tcp_sock *tp = tcp_sk(sk);
	struct sk_buff *skb = tcp_send_head(sk);
	unsigned int mss = tcp_current_mss(sk);

	if (sk->sk_state == TCP_CLOSE)
		return -EPIPE;
	tcp_mstamp_refresh(tp);
	if (skb && seq_before(TCP_SKB_CB(skb)->seq, tcp_wnd_end(tp))) {
		u32 room = (u32)seq_diff(tcp_wnd_end(tp), TCP_SKB_CB(skb)->seq);

		if (seq_before(tp->pushed_seq, TCP_SKB_CB(skb)->end_seq))
			tp->pushed_seq = TCP_SKB_CB(skb)->end_seq;
		room = min(room, mss);
		if (skb->len > room) {
			TCP_SKB_CB(skb)->tcp_flags |= TCPHDR_PSH;
			if (tcp_fragment(sk, &sk->sk_write_queue, skb, room, mss))
				return -ENOMEM;
		}
		TCP_SKB_CB(skb)->tcp_flags |= TCPHDR_PSH;
		return tcp_send_head_now(sk, skb, mss);
	}
	if (tcp_urg_mode(tp))
		tcp_xmit_probe_skb(sk, true);
	return tcp_xmit_probe_skb(sk, false);
}

/* tcp_send_probe0 - the persist timer: the window is closed and there is data. */
void tcp_send_probe0(struct sock *sk)
{
	struct inet_connection_sock *icsk = inet_csk(sk);
	struct tcp_sock *tp = tcp_sk(sk);
	u64 timeout;
	int err = tcp_write_wakeup(sk);

	if (tp->packets_out || !tcp_send_head(sk)) {
		icsk->icsk_probes_out = 0;
		icsk->icsk_backoff = 0;
		icsk->icsk_probes_tstamp_ns = 0;
		return;
	}
	if (err) {
		/*
		 * Our own queue is full: soon again, without backoff. What was not sent is not unanswered; only an
		 * orphan, for which nobody waits, has an end in this, too.
		 */
		timeout = TCP_RESOURCE_PROBE_NS;
		icsk->icsk_probes_out += sock_flag(sk, SOCK_DEAD);
	} else {
		icsk->icsk_probes_out++;
		if (icsk->icsk_backoff < tcp_sysctl.retries2)
			icsk->icsk_backoff++;
		timeout = tcp_probe0_when_ns(sk, TCP_RTO_MAX_NS);
	}
	tcp_reset_xmit_timer(sk, ICSK_TIME_PROBE0, timeout);
}

/*
 * net/ipv4/tcp_sack.c - the scoreboard: which of the segments in flight have arrived, and which must be lost.
 *
 * Linux:   tcp_sacktag_write_queue() and its helpers in net/ipv4/tcp_input.c (6.1)
 * Same:    tags SACKED_ACKED, LOST and SACKED_RETRANS on each skb and their sums in tcp_sock; DSACK (RFC 2883);
 *          a super-packet is cut where a block ends. Which segments are lost RACK decides.
 * Differs: 1. blocks are sorted and the queue walked once from the left, without hints or a cache of old
 *             blocks.
 * Locks:   the sock's owner, or its slock in softirq.
 * Walk:    tcp_ack() -> tcp_sacktag_write_queue(); tcp_rack_mark_lost() -> tcp_mark_skb_lost().
 */
#include "net/ipv4/tcp.h"

/* tcp_sysctl.reordering is where it starts; Linux's tcp_max_reordering (300) is more than a u8 holds. */
enum { TCP_MAX_REORDERING = 127 };

/*
 * tcp_check_sack_reordering - @low_seq arrived after segments above it, and was sent once: the network
 * reorders.
 */
void tcp_check_sack_reordering(struct sock *sk, seq32 low_seq)
{
	struct tcp_sock *tp = tcp_sk(sk);
	seq32 fack = tp->sacked_out ? tp->highest_sack : tp->snd_una;
	u32 distance;

	if (!seq_before(low_seq, fack))
		return;
	distance = (u32)seq_diff(fack, low_seq);
	if (distance > tp->reordering * tp->mss_cache)
		tp->reordering = (u8)min_t(u32, DIV_ROUND_UP(distance, tp->mss_cache), TCP_MAX_REORDERING);
	tp->reord_seen++;
}

/*
 * tcp_mark_skb_lost - @skb, if not SACKed, will have to be sent again; if it was already, that copy is lost
 * too.
 */
void tcp_mark_skb_lost(struct tcp_sock *tp, struct sk_buff *skb)
{
	struct tcp_skb_cb *cb = TCP_SKB_CB(skb);
	u32 n = (u32)tcp_skb_pcount(skb);

	if (cb->sacked & TCPCB_SACKED_ACKED)
		return;
	if (cb->sacked & TCPCB_SACKED_RETRANS) {
		cb->sacked &= (u8)~TCPCB_SACKED_RETRANS;
		tp->retrans_out -= n;
		tp->lost += n;
	}
	if (!(cb->sacked & TCPCB_LOST)) {
		cb->sacked |= TCPCB_LOST;
		tp->lost_out += n;
		tp->lost += n;
	}
}

/*
 * tcp_timeout_mark_lost - the RTO: everything not SACKed is lost that has had a round trip's time; SACKs the receiver
 * went back on count for nothing.
 */
void tcp_timeout_mark_lost(struct sock *sk)
{
	struct tcp_sock *tp = tcp_sk(sk);
	struct sk_buff *skb, *head = tcp_rtx_queue_head(sk);
	bool reneging = head && (TCP_SKB_CB(head)->sacked & TCPCB_SACKED_ACKED);

	if (tcp_is_reno(tp) || reneging)
		tp->sacked_out = 0;
	skb_queue_walk(&tp->tcp_rtx_queue, skb) {
		if (reneging)
			TCP_SKB_CB(skb)->sacked &= (u8)~TCPCB_SACKED_ACKED;
		/* What was sent lately may well be on its way (RFC 8985 6.3). */
		else if (tcp_is_sack(tp) && skb != head && tcp_rack_is_recent(tp, skb))
			continue;
		tcp_mark_skb_lost(tp, skb);
	}
}

/* --- without SACK: a duplicate ACK says that some segment has arrived */

static void tcp_limit_reno_sacked(struct sock *sk)
{
	struct tcp_sock *tp = tcp_sk(sk);
	u32 holes = min(max(tp->lost_out, 1U), tp->packets_out);

	if (tp->sacked_out + holes <= tp->packets_out)
		return;
	/* More duplicates than segments: they were reordered, not lost. */
	tp->reordering = (u8)min_t(u32, tp->packets_out, TCP_MAX_REORDERING);
	if (tp->reordering < TCP_FASTRETRANS_THRESH)
		tp->reordering = TCP_FASTRETRANS_THRESH;
	tp->sacked_out = tp->packets_out - holes;
}

void tcp_add_reno_sack(struct sock *sk, int num_dupack)
{
	struct tcp_sock *tp = tcp_sk(sk);
	u32 prior = tp->sacked_out;

	if (!num_dupack)
		return;
	tp->sacked_out += (u32)num_dupack;
	tcp_limit_reno_sacked(sk);
	if (tp->sacked_out > prior)
		tp->delivered += tp->sacked_out - prior;
}

/*
 * tcp_remove_reno_sacks - @acked packets left the queue: one of them was the hole, the others had been counted.
 */
void tcp_remove_reno_sacks(struct sock *sk, int acked)
{
	struct tcp_sock *tp = tcp_sk(sk);

	if (acked > 0) {
		tp->delivered += (u32)max_t(int, acked - (int)tp->sacked_out, 1);
		tp->sacked_out -= min_t(u32, (u32)acked - 1, tp->sacked_out);
	}
	tcp_limit_reno_sacked(sk);
}

/* --- with SACK */

/* One segment that a block covers wholly. */
static void tcp_sacktag_one(struct tcp_sock *tp, struct sk_buff *skb, struct tcp_ack_state *st)
{
	struct tcp_skb_cb *cb = TCP_SKB_CB(skb);
	u32 n = (u32)tcp_skb_pcount(skb);

	if (cb->sacked & TCPCB_SACKED_ACKED)
		return;
	tcp_rack_advance(tp, cb->sacked, cb->end_seq, skb->tstamp_ns);
	if (cb->sacked & TCPCB_SACKED_RETRANS) {
		/* Not marked lost: then the copy is thought to be on its way still. */
		if (cb->sacked & TCPCB_LOST) {
			cb->sacked &= (u8)~TCPCB_SACKED_RETRANS;
			tp->retrans_out -= n;
		}
	} else if (!(cb->sacked & TCPCB_RETRANS)) {
		if (seq_before(cb->seq, tp->highest_sack) && seq_before(cb->seq, st->reord))
			st->reord = cb->seq;
		if (!seq_after(cb->end_seq, tp->high_seq))
			st->flag |= FLAG_ORIG_SACK_ACKED;
		if (!st->first_sackt_ns)
			st->first_sackt_ns = skb->tstamp_ns;
		st->last_sackt_ns = skb->tstamp_ns;
	}
	if (cb->sacked & TCPCB_LOST) {
		cb->sacked &= (u8)~TCPCB_LOST;
		tp->lost_out -= n;
	}
	cb->sacked |= TCPCB_SACKED_ACKED;
	st->flag |= FLAG_DATA_SACKED;
	tp->sacked_out += n;
	tp->delivered += n;
	if (seq_after(cb->end_seq, tp->highest_sack))
		tp->highest_sack = cb->end_seq;
}

/*
 * Is @skb inside block @b? A super-packet that the block covers in part is cut at a segment boundary: the
 * answer is then for what is left of @skb. 1 yes, 0 no, negative: it cannot be cut.
 */
static int tcp_match_skb_to_sack(struct sock *sk, struct sk_buff *skb, const struct tcp_sack_block *b)
{
	const struct tcp_skb_cb *cb = TCP_SKB_CB(skb);
	u32 mss = cb->gso_size, pkt_len;
	bool from_start = !seq_after(b->start, cb->seq);
	int err;

	if (from_start && !seq_before(b->end, cb->end_seq))
		return 1;
	if (tcp_skb_pcount(skb) <= 1 || !mss)
		return 0;
	pkt_len = (u32)(from_start ? seq_diff(b->end, cb->seq) : seq_diff(b->start, cb->seq));
	if (from_start)
		pkt_len = pkt_len / mss * mss;			/* only whole segments have arrived */
	else
		pkt_len = DIV_ROUND_UP(pkt_len, mss) * mss;	/* the one in which the block begins has not */
	if (!pkt_len || pkt_len >= skb->len)
		return 0;
	err = tcp_fragment(sk, &tcp_sk(sk)->tcp_rtx_queue, skb, pkt_len, mss);
	return err ? err : from_start;
}

static struct sk_buff *tcp_sacktag_walk(struct sock *sk, struct sk_buff *skb, const struct tcp_sack_block *b,
					struct tcp_ack_state *st)
{
	struct sk_buff_head *q = &tcp_sk(sk)->tcp_rtx_queue;

	for (; skb != (struct sk_buff *)q; skb = skb->next) {
		int in_sack;

		if (!seq_before(TCP_SKB_CB(skb)->seq, b->end))
			break;
		if (!seq_after(TCP_SKB_CB(skb)->end_seq, b->start))
			continue;
		in_sack = tcp_match_skb_to_sack(sk, skb, b);
		if (in_sack < 0)
			break;
		if (in_sack)
			tcp_sacktag_one(tcp_sk(sk), skb, st);
	}
	return skb;
}

/* RFC 2883: does the first block report a segment that came twice? Then the retransmission was not needed. */
static bool tcp_check_dsack(struct tcp_sock *tp, const struct sk_buff *ack_skb, const struct tcp_sack_block *b,
			    int n)
{
	u32 segs;

	if (!seq_before(b[0].start, TCP_SKB_CB(ack_skb)->ack_seq) &&
	    !(n > 1 && !seq_after(b[0].end, b[1].end) && !seq_before(b[0].start, b[1].start)))
		return false;
	segs = max((u32)seq_diff(b[0].end, b[0].start) / max(tp->mss_cache, 1U), 1U);
	tp->dsack_dups += segs;
	if (tp->undo_valid && tp->undo_retrans > 0 && seq_after(b[0].end, tp->undo_marker))
		tp->undo_retrans = max(0, tp->undo_retrans - (int)segs);
	return true;
}

/* Blocks above snd_una and not beyond snd_nxt, sorted, into @out. Return: how many. */
static int tcp_sort_sacks(const struct tcp_sock *tp, const struct tcp_sack_block *in, int n,
			  struct tcp_sack_block *out)
{
	int used = 0;

	for (int i = 0; i < n; i++) {
		int j = used;

		if (!seq_before(in[i].start, in[i].end) || seq_after(in[i].end, tp->snd_nxt) ||
		    !seq_after(in[i].start, tp->snd_una))
			continue;
		for (; j > 0 && seq_before(in[i].start, out[j - 1].start); j--)
			out[j] = out[j - 1];
		out[j] = in[i];
		used++;
	}
	return used;
}

/* tcp_sacktag_write_queue - take the SACK blocks of @ack_skb into the scoreboard. */
void tcp_sacktag_write_queue(struct sock *sk, const struct sk_buff *ack_skb, struct tcp_ack_state *st)
{
	struct tcp_sock *tp = tcp_sk(sk);
	const struct tcp_skb_cb *cb = TCP_SKB_CB(ack_skb);
	struct tcp_sack_block wire[TCP_MAX_SACKS], sorted[TCP_MAX_SACKS];
	int n = min_t(int, cb->nr_sacks, TCP_MAX_SACKS);
	struct sk_buff *skb;
	bool dup;

	if (!tp->sacked_out)
		tp->highest_sack = tp->snd_una;
	for (int i = 0; i < n; i++)
		wire[i] = tcp_get_sack(tcp_hdr(ack_skb), cb->sack_off, i);
	dup = tcp_check_dsack(tp, ack_skb, wire, n);
	if (dup)
		st->flag |= FLAG_DSACKING_ACK;
	/* An ACK from far in the past tells nothing of the queue as it is now. */
	if (seq_before(cb->ack_seq, SEQ(st->prior_snd_una.v - tp->max_window)) || !tp->packets_out)
		return;
	n = tcp_sort_sacks(tp, wire + dup, n - dup, sorted);
	skb = tp->tcp_rtx_queue.next;
	for (int i = 0; i < n; i++)
		skb = tcp_sacktag_walk(sk, skb, &sorted[i], st);
	if (inet_csk(sk)->icsk_ca_state != TCP_CA_Loss || tp->undo_valid)
		tcp_check_sack_reordering(sk, st->reord);
}

/*
 * net/ipv4/tcp_output.c - from the queue of unsent data to segments: how much, when, and with what header.
 *
 * Linux:   net/ipv4/tcp_output.c (6.1)
 * Same:    tcp_write_xmit() asks, for each skb, the congestion window, the peer's window and Nagle; an skb is
 *          as large as the device can cut (GSO) and is sent as a clone, while the original moves to the
 *          retransmit queue.
 * Differs: 1. no small queues: a clone is not charged to the sock; the device's queue gives back -ENOBUFS.
 *          2. a clone's header is built in the original's headroom. 3. windows and MSS are in tcp_window.c,
 *             retransmission and probes in tcp_retransmit.c.
 * Locks:   the sock's owner, or its slock in softirq.
 * Walk:    tcp_sendmsg() -> tcp_push() -> tcp_write_xmit() -> tcp_transmit_skb() -> ip_queue_xmit().
 */
#include "net/ipv4/tcp.h"

/* --- what the sender spends its time on, for struct tcp_info */

static void tcp_chrono_set(struct tcp_sock *tp, u8 type)
{
	if (tp->chrono_type != TCP_CHRONO_NONE)
		tp->chrono_ns[tp->chrono_type - 1] += tp->tcp_mstamp_ns - tp->chrono_start_ns;
	tp->chrono_start_ns = tp->tcp_mstamp_ns;
	tp->chrono_type = type;
}

void tcp_chrono_start(struct tcp_sock *tp, u8 type)
{
	if (type > tp->chrono_type)
		tcp_chrono_set(tp, type);
}

void tcp_chrono_stop(struct sock *sk, u8 type)
{
	struct tcp_sock *tp = tcp_sk(sk);

	if (tp->chrono_type == TCP_CHRONO_NONE)
		return;
	if (tcp_rtx_queue_empty(sk) && !tcp_send_head(sk))
		tcp_chrono_set(tp, TCP_CHRONO_NONE);
	else if (type == tp->chrono_type)
		tcp_chrono_set(tp, TCP_CHRONO_BUSY);
}

/* --- skbs of the write queue */

/*
 * tcp_stream_alloc_skb - with room for headers and @linear bytes, charged to the sock. NULL: no memory, or too
 * much of it in use.
 */
struct sk_buff *tcp_stream_alloc_skb(struct sock *sk, u32 linear, gfp_t gfp)
{
	struct sk_buff *skb = alloc_skb(MAX_HEADER + linear, gfp);

	if (!skb)
		return NULL;
	/* What the protocol itself has to say, and the first of a writer's bytes, never wait for memory of others. */
	if (gfp == GFP_ATOMIC || (tcp_rtx_queue_empty(sk) && !tcp_send_head(sk))) {
		tcp_mem_force(sk, skb->truesize);
	} else if (tcp_wmem_schedule(sk, skb->truesize) < skb->truesize) {
		consume_skb(skb);
		return NULL;
	}
	skb_reserve(skb, MAX_HEADER);
	memset(skb->cb, 0, sizeof(struct tcp_skb_cb));
	TCP_SKB_CB(skb)->gso_segs = 1;
	return skb;
}

/* tcp_skb_entail - @skb becomes the tail of what is to be sent; tcp_stream_alloc_skb() has charged it. */
void tcp_skb_entail(struct sock *sk, struct sk_buff *skb)
{
	struct tcp_sock *tp = tcp_sk(sk);
	struct tcp_skb_cb *cb = TCP_SKB_CB(skb);

	cb->seq = tp->write_seq;
	cb->end_seq = tp->write_seq;
	cb->tcp_flags = TCPHDR_ACK;
	__skb_queue_tail(&sk->sk_write_queue, skb);
	sk->sk_wmem_queued += (int)skb->truesize;
	sk->sk_forward_alloc -= (int)skb->truesize;
	tp->nonagle &= (u8)~TCP_NAGLE_PUSH;
	if (tcp_sysctl.slow_start_after_idle && !tp->packets_out &&
	    tp->tcp_mstamp_ns - tp->lsndtime_ns > inet_csk(sk)->icsk_rto_ns)
		tcp_cwnd_restart(sk, tp->tcp_mstamp_ns - tp->lsndtime_ns);
}

/* tcp_wmem_free_skb - @skb has left its queue for good. */
void tcp_wmem_free_skb(struct sock *sk, struct sk_buff *skb)
{
	sk->sk_wmem_queued -= (int)skb->truesize;
	tcp_mem_uncharge(sk, skb->truesize);
	consume_skb(skb);
}

static void tcp_purge_queue(struct sock *sk, struct sk_buff_head *q)
{
	struct sk_buff *skb;

	while ((skb = __skb_dequeue(q)) != NULL)
		tcp_wmem_free_skb(sk, skb);
}

/* tcp_write_queue_purge - forget all that is sent and unsent. */
void tcp_write_queue_purge(struct sock *sk)
{
	struct tcp_sock *tp = tcp_sk(sk);

	tcp_purge_queue(sk, &sk->sk_write_queue);
	tcp_purge_queue(sk, &tp->tcp_rtx_queue);
	tcp_chrono_stop(sk, TCP_CHRONO_BUSY);
	tp->packets_out = 0;
	tp->sacked_out = 0;
	tp->lost_out = 0;
	tp->retrans_out = 0;
	inet_csk(sk)->icsk_backoff = 0;
}

/* tcp_set_skb_tso_segs - how many packets of @mss_now bytes @skb will be. */
void tcp_set_skb_tso_segs(struct sk_buff *skb, unsigned int mss_now)
{
	struct tcp_skb_cb *cb = TCP_SKB_CB(skb);

	if (skb->len <= mss_now) {
		cb->gso_segs = 1;
		cb->gso_size = 0;
	} else {
		cb->gso_segs = (u16)DIV_ROUND_UP(skb->len, mss_now);
		cb->gso_size = (u16)mss_now;
	}
}

static int tcp_init_tso_segs(struct sk_buff *skb, unsigned int mss_now)
{
	int segs = tcp_skb_pcount(skb);

	if (!segs || segs > 1 || skb->len > mss_now) {
		if (!segs || TCP_SKB_CB(skb)->gso_size != mss_now)
			tcp_set_skb_tso_segs(skb, mss_now);
		segs = tcp_skb_pcount(skb);
	}
	return segs;
}

/* tcp_adjust_pcount - @skb of the retransmit queue lost @decr packets (negative: gained). */
void tcp_adjust_pcount(struct tcp_sock *tp, const struct sk_buff *skb, int decr)
{
	u8 sacked = TCP_SKB_CB(skb)->sacked;

	tp->packets_out -= (u32)decr;
	if (sacked & TCPCB_SACKED_ACKED)
		tp->sacked_out -= (u32)decr;
	if (sacked & TCPCB_SACKED_RETRANS)
		tp->retrans_out -= (u32)decr;
	if (sacked & TCPCB_LOST)
		tp->lost_out -= (u32)decr;
}

/* The second half of tcp_fragment(): sequence numbers, flags and counters of the two parts. */
static void tcp_fragment_split_cb(struct tcp_sock *tp, struct sk_buff *skb, struct sk_buff *buff, u32 len,
				  unsigned int mss_now)
{
	struct tcp_skb_cb *a = TCP_SKB_CB(skb), *b = TCP_SKB_CB(buff);
	int old_factor = tcp_skb_pcount(skb);

	b->seq = seq_add(a->seq, len);
	b->end_seq = a->end_seq;
	a->end_seq = b->seq;
	b->tcp_flags = a->tcp_flags;
	a->tcp_flags &= (u8)~(TCPHDR_FIN | TCPHDR_PSH);
	b->sacked = a->sacked;
	b->eor = a->eor;
	a->eor = false;
	buff->tstamp_ns = skb->tstamp_ns;
	tcp_set_skb_tso_segs(skb, mss_now);
	tcp_set_skb_tso_segs(buff, mss_now);
	if (seq_before(a->seq, tp->snd_nxt)) {
		int diff = old_factor - tcp_skb_pcount(skb) - tcp_skb_pcount(buff);

		if (diff)
			tcp_adjust_pcount(tp, skb, diff);
		if (tcp_is_reno(tp) && diff > 0)
			tp->sacked_out -= min_t(u32, tp->sacked_out, (u32)diff);
	}
}

int tcp_fragment(struct sock *sk, struct sk_buff_head *q, struct sk_buff *skb, u32 len, unsigned int mss_now)
{
	u32 headlen = skb_headlen(skb), before = skb->truesize;
	struct sk_buff *buff;
	u32 moved = skb->len - len;

	buff = tcp_stream_alloc_skb(sk, headlen > len ? headlen - len : 0, GFP_ATOMIC);
	if (!buff)
		return -ENOMEM;
	/* skb_split() edits the fragments, which a clone on its way out may share. */
	if (skb_cow_head(skb, 0)) {
		consume_skb(buff);
		return -ENOMEM;
	}
	skb_split(skb, buff, len);
	if (headlen <= len || buff->data_len) {
		/* What the pages weigh goes with the bytes in them. */
		u32 weight = min(min_t(u32, moved, buff->data_len), skb->truesize - 1);

		skb->truesize -= weight;
		buff->truesize += weight;
	}
	sk->sk_wmem_queued += (int)(skb->truesize + buff->truesize - before);
	sk->sk_forward_alloc -= (int)(skb->truesize + buff->truesize - before);
	tcp_fragment_split_cb(tcp_sk(sk), skb, buff, len, mss_now);
	__skb_queue_after(q, skb, buff);
	return 0;
}

/* Drop @len bytes of the fragments of an skb nobody shares. Return: bytes of pages let go. */
static void tcp_eat_frags(struct sk_buff *skb, u32 len)
{
	struct skb_shared_info *si = skb_shinfo(skb);
	int gone = 0;

	skb->len -= len;
	skb->data_len -= len;
	while (len) {
		skb_frag_t *f = &si->frags[gone];
		u32 n = min(len, f->size);

		f->off += n;
		f->size -= n;
		len -= n;
		if (!f->size) {
			put_page(f->page);
			gone++;
		}
	}
	si->nr_frags = (u8)(si->nr_frags - gone);
	memmove(si->frags, si->frags + gone, si->nr_frags * sizeof(si->frags[0]));
}

/* tcp_trim_head - the first @len bytes are acknowledged. 0 or -ENOMEM. */
int tcp_trim_head(struct sock *sk, struct sk_buff *skb, u32 len)
{
	u32 head = min(len, skb_headlen(skb)), before = skb->truesize;

	if (skb_cow_head(skb, 0))
		return -ENOMEM;
	skb_pull(skb, head);
	if (len > head) {
		tcp_eat_frags(skb, len - head);
		skb->truesize -= min(len - head, skb->truesize - 1);
	}
	TCP_SKB_CB(skb)->seq = seq_add(TCP_SKB_CB(skb)->seq, len);
	sk->sk_wmem_queued += (int)(skb->truesize - before);
	tcp_mem_uncharge(sk, before - skb->truesize);
	if (tcp_skb_pcount(skb) > 1) {
		int old = tcp_skb_pcount(skb);

		tcp_set_skb_tso_segs(skb, TCP_SKB_CB(skb)->gso_size);
		if (old != tcp_skb_pcount(skb))
			tcp_adjust_pcount(tcp_sk(sk), skb, old - tcp_skb_pcount(skb));
	}
	return 0;
}

/* --- one segment */

static void tcp_syn_options(const struct sock *sk, struct tcp_out_options *o)
{
	const struct tcp_sock *tp = tcp_sk(sk);
	const struct tcp_options_received *rx = &tp->rx_opt;
	/* A SYN-ACK of a simultaneous open answers what the peer's SYN offered. */
	bool answer = sk->sk_state == TCP_SYN_RECV;

	memset(o, 0, sizeof(*o));
	o->options = OPTION_MSS;
	o->mss = (u16)tp->advmss;
	if (answer ? rx->tstamp_ok : tcp_sysctl.timestamps) {
		o->options |= OPTION_TS;
		o->tsval = tcp_time_stamp(tp);
		o->tsecr = rx->ts_recent;
	}
	if (answer ? rx->wscale_ok : tcp_sysctl.window_scaling) {
		o->options |= OPTION_WSCALE;
		o->ws = rx->rcv_wscale;
	}
	if (answer ? rx->sack_ok : tcp_sysctl.sack)
		o->options |= OPTION_SACK_ADVERTISE;
}

static void tcp_established_options(struct tcp_sock *tp, struct tcp_out_options *o)
{
	unsigned int blocks = tp->num_sacks + tp->have_dsack;

	o->options = 0;
	o->num_sack_blocks = 0;
	if (tp->rx_opt.tstamp_ok) {
		o->options = OPTION_TS;
		o->tsval = tcp_time_stamp(tp);
		o->tsecr = tp->rx_opt.ts_recent;
	}
	if (unlikely(blocks)) {
		unsigned int room = 40 - (tp->rx_opt.tstamp_ok ? TCPOLEN_TSTAMP_ALIGNED : 0) - 4;

		o->num_sack_blocks = (u8)min_t(unsigned int, blocks, room / TCPOLEN_SACK_PERBLOCK);
		/* duplicate_sack stands right before selective_acks: RFC 2883 4 wants it first. */
		o->sacks = tp->have_dsack ? tp->duplicate_sack : tp->selective_acks;
	}
}

static noinline void tcp_all_options(struct sock *sk, const struct tcp_skb_cb *cb, struct tcp_out_options *o)
{
	if (cb->tcp_flags & TCPHDR_SYN)
		tcp_syn_options(sk, o);
	else
		tcp_established_options(tcp_sk(sk), o);
}

static void tcp_event_data_sent(struct tcp_sock *tp, struct sock *sk)
{
	struct inet_connection_sock *icsk = inet_csk(sk);

	if (!tcp_packets_in_flight(tp))
		tcp_ca_event(sk, CA_EVENT_TX_START);
	tp->lsndtime_ns = tp->tcp_mstamp_ns;
	/* An answer soon after data came: the session is interactive. */
	if (tp->tcp_mstamp_ns - icsk->icsk_ack.lrcvtime_ns < icsk->icsk_ack.ato_ns)
		inet_csk_enter_pingpong_mode(sk);
}

static void tcp_event_ack_sent(struct sock *sk, unsigned int pkts)
{
	struct tcp_sock *tp = tcp_sk(sk);

	tcp_dec_quickack_mode(sk, pkts);
	inet_csk(sk)->icsk_ack.pending = 0;
	inet_csk(sk)->icsk_ack.retry = 0;
	tp->have_dsack = false;
}

static u16 tcp_urg_pointer(const struct tcp_sock *tp, seq32 seq)
{
	if (seq_before(tp->snd_up, seq_add(seq, 0x10000)))
		return (u16)seq_diff(tp->snd_up, seq);
	return seq_after(seq_add(seq, 0xffff), tp->snd_nxt) ? 0xffff : 0;
}

static void tcp_fill_header(struct sock *sk, struct sk_buff *skb, const struct tcp_skb_cb *cb,
			    unsigned int hlen)
{
	struct tcp_sock *tp = tcp_sk(sk);
	struct tcphdr *th = (struct tcphdr *)skb->data;

	th->source = inet_sk(sk)->inet_sport;
	th->dest = sk->sk_dport;
	th->seq = seq_to_be32(cb->seq);
	th->ack_seq = seq_to_be32(tp->rcv_nxt);
	th->doff_res = (u8)(hlen << 2);
	th->flags = cb->tcp_flags;
	th->urg_ptr = cpu_to_be16(0);
	if (unlikely(tcp_urg_mode(tp)) && seq_before(cb->seq, tp->snd_up)) {
		u16 urg = tcp_urg_pointer(tp, cb->seq);

		th->urg_ptr = cpu_to_be16(urg);
		th->flags |= urg ? TCPHDR_URG : 0;
	}
	if (unlikely(cb->tcp_flags & TCPHDR_SYN))
		th->window = cpu_to_be16((u16)min_t(u32, tp->rcv_wnd, 65535));	/* never scaled: RFC 7323 2.2 */
	else
		th->window = cpu_to_be16(tcp_select_window(sk));
	th->check = (u16)~csum_tcpudp_magic(inet_sk(sk)->inet_saddr, sk->sk_daddr, skb->len, IPPROTO_TCP, 0);
	skb->ip_summed = CHECKSUM_PARTIAL;
	skb->csum_start = skb->transport_header;
	skb->csum_offset = offsetof(struct tcphdr, check);
}

static void tcp_count_sent(struct sock *sk, const struct sk_buff *skb, unsigned int hlen, unsigned int segs)
{
	struct tcp_sock *tp = tcp_sk(sk);

	if (skb->len != hlen) {
		tcp_event_data_sent(tp, sk);
		tp->data_segs_out += segs;
		tp->bytes_sent += skb->len - hlen;
	}
	tp->segs_out += segs;
	this_cpu_add(snmp_counters[TCP_OUTSEGS], segs);
}

int tcp_transmit_once(struct sock *sk, struct sk_buff *skb)
{
	struct tcp_sock *tp = tcp_sk(sk);
	const struct tcp_skb_cb cb = *TCP_SKB_CB(skb);
	struct tcp_out_options opts;
	unsigned int hlen, segs = cb.gso_segs;
	/* Nearly every segment: a timestamp and nothing else. */
	bool plain = !(cb.tcp_flags & TCPHDR_SYN) && !tp->num_sacks && !tp->have_dsack;
	int err;

	if (unlikely(!plain))
		tcp_all_options(sk, &cb, &opts);
	if (likely(plain))
		hlen = (unsigned int)sizeof(struct tcphdr) +
		       (tp->rx_opt.tstamp_ok ? TCPOLEN_TSTAMP_ALIGNED : 0);
	else
		hlen = (unsigned int)sizeof(struct tcphdr) + tcp_options_size(&opts);
	skb_push(skb, hlen);
	skb_reset_transport_header(skb);
	tcp_fill_header(sk, skb, &cb, hlen);
	if (unlikely(!plain))
		tcp_options_write(skb->data + sizeof(struct tcphdr), &opts);
	else if (tp->rx_opt.tstamp_ok)
		tcp_timestamp_write(skb->data + sizeof(struct tcphdr), tcp_time_stamp(tp),
				    tp->rx_opt.ts_recent);
	skb_shinfo(skb)->gso_size = cb.gso_size;
	skb_shinfo(skb)->gso_segs = cb.gso_size ? cb.gso_segs : 0;
	skb_shinfo(skb)->gso_type = cb.gso_size ? SKB_GSO_TCPV4 : 0;
	trace(tcp_transmit_skb, skb->id, cb.seq.v, skb->len - hlen);
	if (likely(cb.tcp_flags & TCPHDR_ACK))
		tcp_event_ack_sent(sk, segs);
	tcp_count_sent(sk, skb, hlen, segs);
	err = ip_queue_xmit(sk, skb);
	if (unlikely(err == -ENOBUFS))
		tcp_enter_cwr(sk);	/* the device's queue is full: congestion at home */
	return err;
}

int tcp_transmit_skb(struct sock *sk, struct sk_buff *skb)
{
	struct sk_buff *clone;

	skb->tstamp_ns = tcp_sk(sk)->tcp_mstamp_ns;
	/* While an earlier clone is on its way its headers may not be written over. */
	clone = skb_cloned(skb) ? pskb_copy(skb, GFP_ATOMIC) : skb_clone(skb, GFP_ATOMIC);
	if (!clone)
		return -ENOBUFS;
	memcpy(clone->cb, skb->cb, sizeof(struct tcp_skb_cb));
	return tcp_transmit_once(sk, clone);
}

/* --- how much and when */

/* @skb of the write queue is in flight. Return: true if the retransmit timer must be started for it. */
static bool tcp_event_new_data_sent(struct sock *sk, struct sk_buff *skb)
{
	struct tcp_sock *tp = tcp_sk(sk);
	bool first = !tp->packets_out;

	WRITE_ONCE(tp->snd_nxt.v, TCP_SKB_CB(skb)->end_seq.v);
	__skb_unlink(skb, &sk->sk_write_queue);
	__skb_queue_tail(&tp->tcp_rtx_queue, skb);
	tp->packets_out += (u32)tcp_skb_pcount(skb);
	if (first)
		tcp_chrono_start(tp, TCP_CHRONO_BUSY);
	return first || inet_csk(sk)->icsk_pending == ICSK_TIME_LOSS_PROBE;
}

/* tcp_cwnd_validate - RFC 2861: a window that was not used says nothing about the path. */
void tcp_cwnd_validate(struct sock *sk, bool is_cwnd_limited)
{
	struct tcp_sock *tp = tcp_sk(sk);

	if (is_cwnd_limited || seq_after_eq(tp->snd_una, tp->max_packets_seq) ||
	    (!tp->is_cwnd_limited && tp->packets_out > tp->max_packets_out)) {
		tp->is_cwnd_limited = is_cwnd_limited;
		tp->max_packets_out = tp->packets_out;
		tp->max_packets_seq = tp->snd_nxt;
	}
	if (is_cwnd_limited) {
		tp->snd_cwnd_used = 0;
		tp->snd_cwnd_stamp_ns = tp->tcp_mstamp_ns;
		return;
	}
	if (tp->packets_out > tp->snd_cwnd_used)
		tp->snd_cwnd_used = tp->packets_out;
	/* Everything is out, the path would take more, and the writer waits for room in the buffer. */
	if (unlikely(sock_flag(sk, SOCK_NOSPACE)) && !tcp_send_head(sk) && sk->sk_socket)
		tcp_chrono_start(tp, TCP_CHRONO_SNDBUF_LIMITED);
	if (!tcp_sysctl.slow_start_after_idle ||
	    tp->tcp_mstamp_ns - tp->snd_cwnd_stamp_ns < inet_csk(sk)->icsk_rto_ns)
		return;
	/* One RTO of using less than allowed: meet in the middle. */
	if (inet_csk(sk)->icsk_ca_state == TCP_CA_Open && !sock_flag(sk, SOCK_NOSPACE)) {
		u32 win_used = max(tp->snd_cwnd_used, tcp_init_cwnd(tp));

		if (win_used < tp->snd_cwnd) {
			tp->snd_ssthresh = max(tp->snd_ssthresh, (tp->snd_cwnd >> 1) + (tp->snd_cwnd >> 2));
			tp->snd_cwnd = (tp->snd_cwnd + win_used) >> 1;
		}
		tp->snd_cwnd_used = 0;
	}
	tp->snd_cwnd_stamp_ns = tp->tcp_mstamp_ns;
}

/* tcp_cwnd_restart - after @idle_ns without sending: halve the window for each RTO of it (RFC 5681 4.1). */
void tcp_cwnd_restart(struct sock *sk, u64 idle_ns)
{
	struct tcp_sock *tp = tcp_sk(sk);
	u32 restart = min(tcp_init_cwnd(tp), tp->snd_cwnd), cwnd = tp->snd_cwnd;
	u64 rto = inet_csk(sk)->icsk_rto_ns;

	tcp_ca_event(sk, CA_EVENT_CWND_RESTART);
	tp->snd_ssthresh = max(tp->snd_ssthresh, (cwnd >> 1) + (cwnd >> 2));
	for (; idle_ns > rto && cwnd > restart; idle_ns -= rto)
		cwnd >>= 1;
	tp->snd_cwnd = max(cwnd, restart);
	tp->snd_cwnd_stamp_ns = tp->tcp_mstamp_ns;
	tp->snd_cwnd_used = 0;
}

/* How many packets of @skb the congestion window lets go now. */
static unsigned int tcp_cwnd_test(const struct tcp_sock *tp, const struct sk_buff *skb)
{
	u32 in_flight = tcp_packets_in_flight(tp), cwnd = tp->snd_cwnd;

	if ((TCP_SKB_CB(skb)->tcp_flags & TCPHDR_FIN) && tcp_skb_pcount(skb) == 1)
		return 1;
	if (in_flight >= cwnd)
		return 0;
	/* At most half the window in one skb: the ACK clock must tick at least twice a round trip. */
	return min(max(cwnd >> 1, 1U), cwnd - in_flight);
}

bool tcp_snd_wnd_test(const struct tcp_sock *tp, const struct sk_buff *skb, unsigned int cur_mss)
{
	seq32 end_seq = TCP_SKB_CB(skb)->end_seq;

	if (skb->len > cur_mss)
		end_seq = seq_add(TCP_SKB_CB(skb)->seq, cur_mss);
	return seq_before_eq(end_seq, tcp_wnd_end(tp));
}

/* Minshall: a small segment may go if the last small one has been acknowledged. */
static bool tcp_minshall_check(const struct tcp_sock *tp)
{
	return seq_after(tp->snd_sml, tp->snd_una) && !seq_after(tp->snd_sml, tp->snd_nxt);
}

/* RFC 896, 1122 4.2.3.4. Return: true if @skb may go now. */
static bool tcp_nagle_test(const struct tcp_sock *tp, const struct sk_buff *skb, unsigned int cur_mss,
			   int nonagle)
{
	if (nonagle & TCP_NAGLE_PUSH)
		return true;
	if (tcp_urg_mode(tp) || (TCP_SKB_CB(skb)->tcp_flags & TCPHDR_FIN))
		return true;
	if (skb->len >= cur_mss)
		return true;
	return !((nonagle & TCP_NAGLE_CORK) || (!nonagle && tp->packets_out && tcp_minshall_check(tp)));
}

/* How many bytes of @skb may go: whole segments, or all of it when it ends inside both windows. */
static unsigned int tcp_mss_split_point(const struct tcp_sock *tp, const struct sk_buff *skb,
					unsigned int mss_now, unsigned int max_segs, int nonagle)
{
	u32 window = (u32)seq_diff(tcp_wnd_end(tp), TCP_SKB_CB(skb)->seq);
	u32 max_len = mss_now * max_segs, needed, partial;

	if (max_len <= window && skb->len > max_len)
		return max_len;
	needed = min(skb->len, window);
	if (max_len <= needed)
		return max_len;
	partial = needed % mss_now;
	/* A remainder is a small segment: not when the window cuts it, nor when Nagle keeps it. */
	if (partial && partial < needed && (needed < skb->len || !tcp_nagle_test(tp, skb, S32_MAX, nonagle)))
		return needed - partial;
	return needed;
}

/*
 * Would a little patience give a larger skb? Only while ACKs are on their way that will open the window, and
 * never for the last bytes. Linux: tcp_tso_should_defer().
 */
static bool tcp_tso_should_defer(struct sock *sk, const struct sk_buff *skb, bool *is_cwnd_limited,
				 u32 max_segs)
{
	struct tcp_sock *tp = tcp_sk(sk);
	u32 send_win, cong_win, limit;
	const struct sk_buff *head = tcp_rtx_queue_head(sk);

	if (inet_csk(sk)->icsk_ca_state >= TCP_CA_Recovery || !head)
		return false;
	send_win = (u32)seq_diff(tcp_wnd_end(tp), TCP_SKB_CB(skb)->seq);
	cong_win = (tp->snd_cwnd - tcp_packets_in_flight(tp)) * tp->mss_cache;
	limit = min(send_win, cong_win);
	if (limit >= max_segs * tp->mss_cache)
		return false;
	if (skb != tcp_write_queue_tail(sk) && limit >= skb->len)
		return false;
	if (limit >= min(tp->snd_wnd, tp->snd_cwnd * tp->mss_cache) / 3)
		return false;
	/* The next ACK should come within half a round trip; otherwise send what we can. */
	if (tp->tcp_mstamp_ns - head->tstamp_ns < (u64)(tp->srtt_us >> 4) * NSEC_PER_USEC)
		return false;
	if (cong_win < send_win && cong_win <= skb->len)
		*is_cwnd_limited = true;
	return true;
}

/* May @skb, the head of the queue, go now, and how many bytes of it? 0: no. */
static unsigned int tcp_xmit_limit(struct sock *sk, struct sk_buff *skb, unsigned int mss_now, int nonagle,
				   int push_one, bool *is_cwnd_limited)
{
	struct tcp_sock *tp = tcp_sk(sk);
	unsigned int tso_segs = (unsigned int)tcp_init_tso_segs(skb, mss_now);
	unsigned int quota = tcp_cwnd_test(tp, skb),
		     max_segs = max(1U, (unsigned int)TCP_GSO_MAX_SIZE / mss_now);

	if (!quota) {
		if (push_one != 2)
			return 0;
		quota = 1;
	}
	if (!tcp_snd_wnd_test(tp, skb, mss_now))
		return 0;
	if (tso_segs == 1) {
		bool last = skb == tcp_write_queue_tail(sk);

		return tcp_nagle_test(tp, skb, mss_now, last ? nonagle : TCP_NAGLE_PUSH) ? mss_now : 0;
	}
	if (!push_one && tcp_tso_should_defer(sk, skb, is_cwnd_limited, max_segs))
		return 0;
	if (tcp_urg_mode(tp))
		return mss_now;
	return tcp_mss_split_point(tp, skb, mss_now, min(quota, max_segs), nonagle);
}

/* Is it the peer's window that keeps @head, if there is one? */
static void tcp_note_window_limit(struct sock *sk, const struct sk_buff *head, unsigned int mss_now)
{
	struct tcp_sock *tp = tcp_sk(sk);

	if (unlikely(head && tcp_cwnd_test(tp, head) && !tcp_snd_wnd_test(tp, head, mss_now)))
		tcp_chrono_start(tp, TCP_CHRONO_RWND_LIMITED);
	else if (unlikely(tp->chrono_type == TCP_CHRONO_RWND_LIMITED))
		tcp_chrono_stop(sk, TCP_CHRONO_RWND_LIMITED);
}

bool tcp_write_xmit(struct sock *sk, unsigned int mss_now, int nonagle, int push_one)
{
	struct tcp_sock *tp = tcp_sk(sk);
	struct sk_buff *skb;
	u32 sent = 0;
	bool is_cwnd_limited = false, start_timer = false;

	trace(tcp_write_xmit);
	tcp_mstamp_refresh(tp);
	while ((skb = tcp_send_head(sk)) != NULL) {
		unsigned int limit = tcp_xmit_limit(sk, skb, mss_now, nonagle, push_one, &is_cwnd_limited);

		if (!limit)
			break;
		if (skb->len > limit && tcp_fragment(sk, &sk->sk_write_queue, skb, limit, mss_now))
			break;
		if (tcp_transmit_skb(sk, skb))
			break;
		start_timer |= tcp_event_new_data_sent(sk, skb);
		if (skb->len < mss_now * (u32)tcp_skb_pcount(skb))
			tp->snd_sml = TCP_SKB_CB(skb)->end_seq;
		sent += (u32)tcp_skb_pcount(skb);
		if (push_one)
			break;
	}
	tcp_note_window_limit(sk, tcp_send_head(sk), mss_now);
	if (!sent)
		return !tp->packets_out && tcp_send_head(sk);
	if (tcp_in_cwnd_reduction(sk))
		tp->prr_out += sent;
	if ((push_one == 2 || !tcp_schedule_loss_probe(sk, false)) && start_timer)
		tcp_rearm_rto(sk);
	is_cwnd_limited |= tcp_packets_in_flight(tp) >= tp->snd_cwnd;
	tcp_cwnd_validate(sk, is_cwnd_limited);
	return false;
}

/* tcp_send_head_now - @skb, the head of the queue, goes whatever the congestion window says. 0 or -errno. */
int tcp_send_head_now(struct sock *sk, struct sk_buff *skb, unsigned int mss_now)
{
	int err;

	tcp_init_tso_segs(skb, mss_now);
	err = tcp_transmit_skb(sk, skb);
	if (!err && tcp_event_new_data_sent(sk, skb))
		tcp_rearm_rto(sk);
	return err;
}

void __tcp_push_pending_frames(struct sock *sk, unsigned int cur_mss, int nonagle)
{
	if (unlikely(sk->sk_state == TCP_CLOSE))
		return;
	/* Nothing in flight will make an ACK come: the probe timer must. */
	if (tcp_write_xmit(sk, cur_mss, nonagle, 0) && !inet_csk(sk)->icsk_pending)
		tcp_reset_xmit_timer(sk, ICSK_TIME_PROBE0,
				     max_t(u64, inet_csk(sk)->icsk_rto_ns, TCP_RTO_MIN_NS));
}

void tcp_push_one(struct sock *sk, unsigned int mss_now)
{
	tcp_write_xmit(sk, mss_now, TCP_NAGLE_PUSH, 1);
}

/* --- segments without data */

/* A segment of its own, not queued: no memory is charged. NULL: no memory. */
static struct sk_buff *tcp_control_skb(seq32 seq, u8 flags)
{
	struct sk_buff *skb = alloc_skb(MAX_HEADER, GFP_ATOMIC);

	if (!skb)
		return NULL;
	skb_reserve(skb, MAX_HEADER);
	memset(skb->cb, 0, sizeof(struct tcp_skb_cb));
	TCP_SKB_CB(skb)->seq = seq;
	TCP_SKB_CB(skb)->end_seq = seq;
	TCP_SKB_CB(skb)->tcp_flags = flags;
	TCP_SKB_CB(skb)->gso_segs = 1;
	return skb;
}

/* The highest sequence number the peer's window allows us to use (RFC 9293 3.10.4). */
static seq32 tcp_acceptable_seq(const struct tcp_sock *tp)
{
	return seq_before(tcp_wnd_end(tp), tp->snd_nxt) ? tcp_wnd_end(tp) : tp->snd_nxt;
}

void tcp_send_ack(struct sock *sk)
{
	struct tcp_sock *tp = tcp_sk(sk);
	struct sk_buff *skb;

	if (sk->sk_state == TCP_CLOSE)
		return;
	skb = tcp_control_skb(tcp_acceptable_seq(tp), TCPHDR_ACK);
	if (!skb) {
		struct inet_connection_sock *icsk = inet_csk(sk);

		inet_csk_schedule_ack(sk);
		icsk->icsk_ack.ato_ns = TCP_ATO_MIN_NS;
		icsk->icsk_ack.pending |= ICSK_ACK_TIMER;
		icsk->icsk_ack.timeout_ns = tp->tcp_mstamp_ns + TCP_DELACK_MAX_NS;
		icsk_arm(sk, &icsk->icsk_delack_timer, icsk->icsk_ack.timeout_ns);
		return;
	}
	tcp_mstamp_refresh(tp);
	tcp_transmit_once(sk, skb);
}

void tcp_send_delayed_ack(struct sock *sk)
{
	struct inet_connection_sock *icsk = inet_csk(sk);
	struct tcp_sock *tp = tcp_sk(sk);
	u64 ato = icsk->icsk_ack.ato_ns, now = tp->tcp_mstamp_ns, timeout;

	if (ato > TCP_DELACK_MIN_NS) {
		u64 max_ato = NSEC_PER_SEC / 2;

		if (inet_csk_in_pingpong_mode(sk) || (icsk->icsk_ack.pending & ICSK_ACK_PUSHED))
			max_ato = TCP_DELACK_MAX_NS;
		if (tp->srtt_us)
			max_ato = min(max_ato,
				      max_t(u64, (u64)(tp->srtt_us >> 3) * NSEC_PER_USEC, TCP_DELACK_MIN_NS));
		ato = min(ato, max_ato);
	}
	ato = min_t(u64, ato, TCP_DELACK_MAX_NS);
	timeout = now + ato;
	if (icsk->icsk_ack.pending & ICSK_ACK_TIMER) {
		if (icsk->icsk_ack.timeout_ns <= now + (ato >> 2)) {
			tcp_send_ack(sk);
			return;
		}
		timeout = min(timeout, icsk->icsk_ack.timeout_ns);
	}
	icsk->icsk_ack.pending |= ICSK_ACK_SCHED | ICSK_ACK_TIMER;
	icsk->icsk_ack.timeout_ns = timeout;
	icsk_arm(sk, &icsk->icsk_delack_timer, timeout);
}

/*
 * There is no memory for our FIN, and nothing in flight that could carry it. Its sequence number is taken all the same,
 * or the next ACK would pass for one of the FIN; tcp_probe_timer() tries again.
 */
static void tcp_defer_fin(struct sock *sk)
{
	struct tcp_sock *tp = tcp_sk(sk);

	tp->fin_deferred = true;
	WRITE_ONCE(tp->write_seq.v, tp->write_seq.v + 1);
	tcp_mstamp_refresh(tp);
	tcp_reset_xmit_timer(sk, ICSK_TIME_PROBE0, TCP_RESOURCE_PROBE_NS);
}

/* tcp_send_fin - our half is done: on the last unsent data if there is some, else on a segment of its own. */
void tcp_send_fin(struct sock *sk)
{
	struct tcp_sock *tp = tcp_sk(sk);
	struct sk_buff *tail = tcp_write_queue_tail(sk), *skb;

	if (unlikely(tp->fin_deferred)) {
		tp->fin_deferred = false;
		WRITE_ONCE(tp->write_seq.v, tp->write_seq.v - 1);
	}
	if (!tail) {
		skb = tcp_stream_alloc_skb(sk, 0, GFP_ATOMIC);
		if (skb) {
			tcp_skb_entail(sk, skb);
			tail = skb;
		} else {
			/* No memory: it goes out when the last data is sent again; or else it is tried again. */
			tail = tcp_rtx_queue_tail(sk);
			if (!tail) {
				tcp_defer_fin(sk);
				return;
			}
			WRITE_ONCE(tp->snd_nxt.v, tp->snd_nxt.v + 1);
		}
	}
	TCP_SKB_CB(tail)->tcp_flags |= TCPHDR_FIN;
	TCP_SKB_CB(tail)->end_seq = seq_add(TCP_SKB_CB(tail)->end_seq, 1);
	WRITE_ONCE(tp->write_seq.v, tp->write_seq.v + 1);
	if (tcp_send_head(sk))
		__tcp_push_pending_frames(sk, tcp_current_mss(sk), TCP_NAGLE_OFF);
}

/* tcp_send_active_reset - end the connection at once (RFC 9293 3.10.5 ABORT). */
void tcp_send_active_reset(struct sock *sk)
{
	struct sk_buff *skb = tcp_control_skb(tcp_acceptable_seq(tcp_sk(sk)), TCPHDR_ACK | TCPHDR_RST);

	SNMP_INC(TCP_OUTRSTS);
	if (!skb)
		return;
	tcp_mstamp_refresh(tcp_sk(sk));
	trace(tcp_send_reset, sk->sk_num, be16_to_cpu(sk->sk_dport), SKB_DROP_REASON_TCP_ABORT);
	tcp_transmit_once(sk, skb);
}

/* --- opening */

static void tcp_connect_init(struct sock *sk)
{
	struct tcp_sock *tp = tcp_sk(sk);
	struct tcp_initial_window w;

	tp->tcp_header_len =
		(u16)(sizeof(struct tcphdr) + (tcp_sysctl.timestamps ? TCPOLEN_TSTAMP_ALIGNED : 0));
	if (tp->rx_opt.user_mss)
		tp->rx_opt.mss_clamp = tp->rx_opt.user_mss;
	tp->max_window = 0;
	tcp_sync_mss(sk, tcp_mtu(sk));
	tp->advmss = tcp_advertise_mss(sk, sk->sk_dst);
	tcp_initialize_rcv_mss(sk);
	if ((sk->sk_userlocks & SOCK_RCVBUF_LOCK) &&
	    (!tp->window_clamp || tp->window_clamp > (u32)tcp_full_space(sk)))
		tp->window_clamp = (u32)tcp_full_space(sk);
	/* Whether the peer will have timestamps is not known, unless a record of TIME_WAIT has told. */
	w = tcp_select_initial_window(tcp_full_space(sk), tp->window_clamp,
				      tp->advmss - (tp->rx_opt.ts_recent_stamp_ns ? TCPOLEN_TSTAMP_ALIGNED : 0),
				      tcp_sysctl.window_scaling);
	tp->rcv_wnd = w.rcv_wnd;
	tp->window_clamp = w.window_clamp;
	tp->rx_opt.rcv_wscale = w.rcv_wscale;
	tp->rcv_ssthresh = tp->rcv_wnd;
	WRITE_ONCE(sk->sk_err, 0);
	sock_reset_flag(sk, SOCK_DONE);
	tp->snd_wnd = 0;
	tp->snd_wl1 = SEQ(0);
	tp->snd_una = tp->write_seq;
	tp->snd_sml = tp->write_seq;
	tp->snd_up = tp->write_seq;
	tp->snd_nxt = tp->write_seq;
	tp->copied_seq = tp->rcv_nxt;
	tp->rcv_wup = tp->rcv_nxt;
	tp->rcv_tstamp_ns = tp->tcp_mstamp_ns;
	inet_csk(sk)->icsk_rto_ns = TCP_TIMEOUT_INIT_NS;
	inet_csk(sk)->icsk_retransmits = 0;
	tcp_clear_retrans(tp);
}

/* tcp_connect - send the SYN. The state is SYN_SENT, the route known. 0, -ENOBUFS. */
int tcp_connect(struct sock *sk)
{
	struct tcp_sock *tp = tcp_sk(sk);
	struct sk_buff *skb;

	tcp_mstamp_refresh(tp);
	tcp_connect_init(sk);
	skb = tcp_stream_alloc_skb(sk, 0, GFP_ATOMIC);
	if (!skb)
		return -ENOBUFS;
	tcp_skb_entail(sk, skb);
	TCP_SKB_CB(skb)->tcp_flags = TCPHDR_SYN;
	WRITE_ONCE(tp->write_seq.v, tp->write_seq.v + 1);
	TCP_SKB_CB(skb)->end_seq = tp->write_seq;
	tp->retrans_stamp_ns = tp->tcp_mstamp_ns;
	__skb_unlink(skb, &sk->sk_write_queue);
	__skb_queue_tail(&tp->tcp_rtx_queue, skb);
	tp->packets_out += 1;
	tp->snd_nxt = tp->write_seq;
	tp->pushed_seq = tp->write_seq;
	SNMP_INC(TCP_ACTIVEOPENS);
	/* Armed before it is sent: over the loopback the answer may be here before we return. */
	tcp_reset_xmit_timer(sk, ICSK_TIME_RETRANS, inet_csk(sk)->icsk_rto_ns);
	tcp_transmit_skb(sk, skb);
	return 0;
}

/* tcp_send_synack - simultaneous open: our SYN goes again, as a SYN-ACK. 0 or -errno. */
int tcp_send_synack(struct sock *sk)
{
	struct sk_buff *skb = tcp_rtx_queue_head(sk);

	if (!skb || !(TCP_SKB_CB(skb)->tcp_flags & TCPHDR_SYN))
		return -EFAULT;
	TCP_SKB_CB(skb)->tcp_flags |= TCPHDR_ACK;
	return tcp_transmit_skb(sk, skb);
}

static void tcp_synack_options(const struct sock *sk, const struct rtable *rt, const struct request_sock *req,
			       struct tcp_out_options *o)
{
	memset(o, 0, sizeof(*o));
	o->options = OPTION_MSS;
	o->mss = (u16)tcp_advertise_mss(sk, rt);
	if (req->wscale_ok) {
		o->options |= OPTION_WSCALE;
		o->ws = req->rcv_wscale;
	}
	if (req->tstamp_ok) {
		o->options |= OPTION_TS;
		o->tsval = tcp_ns_to_ts(ktime_get_ns());
		if (req->cookie)
			o->tsval = cookie_timestamp(req, o->tsval);
		o->tsval += req->ts_off;
		o->tsecr = req->ts_recent;
	}
	if (req->sack_ok)
		o->options |= OPTION_SACK_ADVERTISE;
}

/* tcp_make_synack - the answer to the SYN of @req, ready for ip_send_skb(). NULL: no memory. */
struct sk_buff *tcp_make_synack(const struct sock *sk, struct rtable *rt, struct request_sock *req)
{
	struct sk_buff *skb = tcp_control_skb(req->snt_isn, TCPHDR_SYN | TCPHDR_ACK);
	struct tcp_out_options opts;
	unsigned int hlen;
	struct tcphdr *th;

	if (!skb)
		return NULL;
	tcp_synack_options(sk, rt, req, &opts);
	hlen = (unsigned int)sizeof(*th) + tcp_options_size(&opts);
	th = skb_push(skb, hlen);
	skb_reset_transport_header(skb);
	th->source = cpu_to_be16(req->common.skc_num);
	th->dest = req->common.skc_dport;
	th->seq = seq_to_be32(req->snt_isn);
	th->ack_seq = seq_to_be32(seq_add(req->rcv_isn, 1));
	th->doff_res = (u8)(hlen << 2);
	th->flags = TCPHDR_SYN | TCPHDR_ACK;
	th->window = cpu_to_be16((u16)min_t(u32, req->rsk_rcv_wnd, 65535));
	th->urg_ptr = cpu_to_be16(0);
	tcp_options_write((u8 *)(th + 1), &opts);
	th->check = (u16)~csum_tcpudp_magic(req->common.skc_rcv_saddr, req->common.skc_daddr, skb->len,
					    IPPROTO_TCP, 0);
	skb->ip_summed = CHECKSUM_PARTIAL;
	skb->csum_start = skb->transport_header;
	skb->csum_offset = offsetof(struct tcphdr, check);
	SNMP_INC(TCP_OUTSEGS);
	return skb;
}

/*
 * tcp_release_cb - the proto's release_cb(): what timers and ICMP found the sock owned for. Sock owned, slock
 * held.
 */
void tcp_release_cb(struct sock *sk)
{
	struct tcp_sock *tp = tcp_sk(sk);

	if (likely(!READ_ONCE(tp->tsq_flags)))
		return;
	if (test_and_clear_bit(TCP_WRITE_TIMER_DEFERRED, &tp->tsq_flags)) {
		tcp_write_timer_handler(sk);
		sock_put(sk);
	}
	if (test_and_clear_bit(TCP_DELACK_TIMER_DEFERRED, &tp->tsq_flags)) {
		tcp_delack_timer_handler(sk);
		sock_put(sk);
	}
	if (test_and_clear_bit(TCP_MTU_REDUCED_DEFERRED, &tp->tsq_flags)) {
		tcp_v4_mtu_reduced(sk);
		sock_put(sk);
	}
}

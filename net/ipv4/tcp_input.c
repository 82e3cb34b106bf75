/*
 * net/ipv4/tcp_input.c - a segment arrives: the steps of RFC 9293 3.10.7, in their order.
 *
 * Linux:   net/ipv4/tcp_input.c (6.1)
 * Same:    header prediction for the two common cases, a pure ACK and the next data; otherwise
 *          tcp_validate_incoming() (checks one to four), tcp_ack() (five), tcp_urg() (six), tcp_data_queue()
 *          (seven) and tcp_fin() (eight); PAWS (RFC 7323), blind attack protection (RFC 5961).
 * Differs: 1. the steps live in files of their own: tcp_options.c, tcp_ack.c, tcp_reassembly.c; the two big
 *             functions of Linux are cut into one function for each state. 2. no SIGURG. 3. no fast open, no
 *             ECN.
 * Locks:   the sock's owner, or its slock in softirq. A listener is not locked.
 * Walk:    tcp_v4_do_rcv() -> tcp_rcv_established() or tcp_rcv_state_process() -> tcp_data_queue().
 *
 * A step returns TCP_GO_ON, TCP_TAKEN or the reason why the segment is dropped (tcp.h).
 */
#include "net/ipv4/tcp.h"

/* --- acknowledging */

/* tcp_incr_quickack - at least so many ACKs at once, unless the session is interactive (or TCP_QUICKACK is off). */
void tcp_incr_quickack(struct sock *sk, unsigned int max_quickacks)
{
	struct inet_connection_sock *icsk = inet_csk(sk);
	unsigned int quickacks = tcp_sk(sk)->rcv_wnd / (2 * icsk->icsk_ack.rcv_mss);

	quickacks = min(max(quickacks, 2U), max_quickacks);
	if (quickacks > icsk->icsk_ack.quick)
		icsk->icsk_ack.quick = (u8)quickacks;
}

/*
 * tcp_enter_quickack_mode - acknowledge the next @max_quickacks segments at once: the sender's window is small.
 */
void tcp_enter_quickack_mode(struct sock *sk, unsigned int max_quickacks)
{
	tcp_incr_quickack(sk, max_quickacks);
	inet_csk_exit_pingpong_mode(sk);
	inet_csk(sk)->icsk_ack.ato_ns = TCP_ATO_MIN_NS;
}

static bool tcp_in_quickack_mode(const struct sock *sk)
{
	return inet_csk(sk)->icsk_ack.quick && !inet_csk_in_pingpong_mode(sk);
}

/* RFC 1122 4.2.3.2, 5681 4.2: at least every second full segment, and never late when there is a hole. */
static void __tcp_ack_snd_check(struct sock *sk, bool ofo_possible)
{
	struct tcp_sock *tp = tcp_sk(sk);
	struct inet_connection_sock *icsk = inet_csk(sk);
	u32 unacked = (u32)seq_diff(tp->rcv_nxt, tp->rcv_wup);
	bool now = tcp_in_quickack_mode(sk) || (icsk->icsk_ack.pending & ICSK_ACK_NOW);

	/* More than a segment: if the window would move, or the reader waits for more than there is. */
	if (!now && unacked > icsk->icsk_ack.rcv_mss)
		now = seq_diff(tp->rcv_nxt, tp->copied_seq) < sk->sk_rcvlowat ||
		      __tcp_select_window(sk) >= tp->rcv_wnd;
	if (now || (ofo_possible && tp->out_of_order_queue.rb_node))
		tcp_send_ack(sk);
	else
		tcp_send_delayed_ack(sk);
}

static void tcp_ack_snd_check(struct sock *sk)
{
	if (inet_csk_ack_scheduled(sk))
		__tcp_ack_snd_check(sk, true);
}

/* An ACK may have opened a window or freed buffer. */
static void tcp_data_snd_check(struct sock *sk)
{
	tcp_push_pending_frames(sk);
	tcp_check_space(sk);
}

/* --- attacks and accidents */

/*
 * tcp_oow_rate_limited - may we not answer @skb, because we did so less than half a second ago? *@last_ns
 * remembers.
 */
bool tcp_oow_rate_limited(u64 *last_ns, const struct sk_buff *skb)
{
	u64 now = ktime_get_ns();

	/* Data is answered always; SYNs and empty segments can make two ends answer each other for ever. */
	if (!seq_eq(TCP_SKB_CB(skb)->seq, TCP_SKB_CB(skb)->end_seq) &&
	    !(TCP_SKB_CB(skb)->tcp_flags & TCPHDR_SYN))
		return false;
	if (*last_ns && now - *last_ns < (u64)tcp_sysctl.invalid_ratelimit_ms * NSEC_PER_MSEC)
		return true;
	*last_ns = now;
	return false;
}

void tcp_send_challenge_ack(struct sock *sk, const struct sk_buff *skb)
{
	/* One second and its count; races between CPUs let a few more through. No lock. */
	static u64 challenge_second;
	static atomic_t challenge_count = ATOMIC_INIT(0);
	u64 second = ktime_get_ns() / NSEC_PER_SEC;

	if (tcp_oow_rate_limited(&tcp_sk(sk)->last_oow_ack_ns, skb))
		return;
	if (READ_ONCE(challenge_second) != second) {
		WRITE_ONCE(challenge_second, second);
		atomic_set(&challenge_count, 0);
	}
	if (atomic_add_return(1, &challenge_count) > tcp_sysctl.challenge_ack_limit)
		return;
	SNMP_INC(TCP_CHALLENGEACK);
	tcp_send_ack(sk);
}

/* tcp_reset - an acceptable RST: the connection is gone (RFC 9293 3.10.7.4, second check). */
void tcp_reset(struct sock *sk)
{
	switch (sk->sk_state) {
	case TCP_SYN_SENT:
		WRITE_ONCE(sk->sk_err, ECONNREFUSED);
		break;
	case TCP_CLOSE_WAIT:
		WRITE_ONCE(sk->sk_err, EPIPE);
		break;
	case TCP_CLOSE:
		return;
	default:
		WRITE_ONCE(sk->sk_err, ECONNRESET);
		break;
	}
	/*
	 * The error before the shutdown bits: tcp_poll() reads them in the other order. Pairs with smp_rmb()
	 * there.
	 */
	smp_wmb();
	tcp_write_queue_purge(sk);
	tcp_done(sk, TCP_EV_RESET);
	if (!sock_flag(sk, SOCK_DEAD))
		sk->sk_error_report(sk);
}

/* --- checks one to four */

/* A pure ACK that was overtaken is not an attack (Linux: tcp_disordered_ack()). */
static bool tcp_disordered_ack(const struct sock *sk, const struct sk_buff *skb)
{
	const struct tcp_sock *tp = tcp_sk(sk);
	const struct tcphdr *th = tcp_hdr(skb);
	const struct tcp_skb_cb *cb = TCP_SKB_CB(skb);
	u32 nwin = (u32)be16_to_cpu(th->window) << tp->rx_opt.snd_wscale;

	return (th->flags & TCPHDR_ACK) && seq_eq(cb->seq, cb->end_seq) && seq_eq(cb->seq, tp->rcv_nxt) &&
	       seq_eq(cb->ack_seq, tp->snd_una) && !seq_after(cb->seq, tp->snd_wl1) && nwin <= tp->snd_wnd &&
	       (s32)(tp->rx_opt.ts_recent - tp->rx_opt.rcv_tsval) <=
		       (s32)(inet_csk(sk)->icsk_rto_ns / NSEC_PER_MSEC);
}

static bool tcp_paws_discard(const struct sock *sk, const struct sk_buff *skb)
{
	const struct tcp_sock *tp = tcp_sk(sk);

	return !tcp_paws_check(&tp->rx_opt, TCP_PAWS_WINDOW, tp->tcp_mstamp_ns) && !tcp_disordered_ack(sk, skb);
}

static bool tcp_sequence(const struct tcp_sock *tp, seq32 seq, seq32 end_seq)
{
	return !seq_before(end_seq, tp->rcv_wup) &&
	       !seq_after(seq, seq_add(tp->rcv_nxt, tcp_receive_window(tp)));
}

/* Some stacks send a RST that counts the FIN before it as not sent. */
static bool tcp_reset_check(const struct sock *sk, const struct sk_buff *skb)
{
	return seq_eq(TCP_SKB_CB(skb)->seq, SEQ(tcp_sk(sk)->rcv_nxt.v - 1)) &&
	       (TCPF(sk->sk_state) & (TCPF_CLOSE_WAIT | TCPF_LAST_ACK | TCPF_CLOSING));
}

/* RFC 5961 3.2: a RST counts at exactly rcv_nxt, or at the right edge of what we have SACKed. */
static bool tcp_rst_is_exact(const struct sock *sk, const struct sk_buff *skb)
{
	const struct tcp_sock *tp = tcp_sk(sk);
	seq32 edge;

	if (seq_eq(TCP_SKB_CB(skb)->seq, tp->rcv_nxt) || tcp_reset_check(sk, skb))
		return true;
	if (!tp->num_sacks)
		return false;
	edge = tp->selective_acks[0].end;
	for (int i = 1; i < tp->num_sacks; i++)
		edge = seq_max(edge, tp->selective_acks[i].end);
	return seq_eq(TCP_SKB_CB(skb)->seq, edge);
}

/*
 * Simultaneous open: the peer had our SYN before it saw the SYN-ACK, so its own SYN-ACK repeats the SYN that we
 * know and acknowledges ours (RFC 9293 3.5, figure 7). A listener's child has no socket yet, and no such
 * business.
 */
static bool tcp_is_crossing_syn_ack(const struct sock *sk, const struct sk_buff *skb)
{
	const struct tcp_sock *tp = tcp_sk(sk);
	const struct tcp_skb_cb *cb = TCP_SKB_CB(skb);

	return sk->sk_state == TCP_SYN_RECV && sk->sk_socket &&
	       (cb->tcp_flags & (TCPHDR_SYN | TCPHDR_ACK)) == (TCPHDR_SYN | TCPHDR_ACK) &&
	       seq_eq(seq_add(cb->seq, 1), cb->end_seq) && seq_eq(cb->end_seq, tp->rcv_nxt) &&
	       seq_eq(cb->ack_seq, tp->snd_nxt);
}

static int tcp_bad_syn(struct sock *sk, const struct sk_buff *skb)
{
	SNMP_INC(TCP_INERRS);
	tcp_send_challenge_ack(sk, skb);
	return SKB_DROP_REASON_TCP_INVALID_SYN;
}

/* The segment lies outside the window, or its timestamp in the past: say where we are. */
static int tcp_invalid(struct sock *sk, const struct sk_buff *skb, enum skb_drop_reason reason)
{
	SNMP_INC(TCP_INERRS);
	if (!tcp_oow_rate_limited(&tcp_sk(sk)->last_oow_ack_ns, skb))
		tcp_send_dupack(sk, skb);
	return (int)reason;
}

/* tcp_validate_incoming - PAWS, sequence number, RST, SYN. */
static int tcp_validate_incoming(struct sock *sk, const struct sk_buff *skb)
{
	struct tcp_sock *tp = tcp_sk(sk);
	u8 flags = TCP_SKB_CB(skb)->tcp_flags;

	if (tp->rx_opt.saw_tstamp && tp->rx_opt.tstamp_ok && tcp_paws_discard(sk, skb) && !(flags & TCPHDR_RST))
		return tcp_invalid(sk, skb, SKB_DROP_REASON_TCP_RFC7323_PAWS);
	if (!tcp_sequence(tp, TCP_SKB_CB(skb)->seq, TCP_SKB_CB(skb)->end_seq)) {
		if (!(flags & TCPHDR_RST))
			return flags & TCPHDR_SYN ? tcp_bad_syn(sk, skb)
						  : tcp_invalid(sk, skb, SKB_DROP_REASON_TCP_INVALID_SEQUENCE);
		if (!tcp_reset_check(sk, skb))
			return SKB_DROP_REASON_TCP_INVALID_SEQUENCE;
	}
	if (flags & TCPHDR_RST) {
		if (tcp_rst_is_exact(sk, skb))
			tcp_reset(sk);
		else
			tcp_send_challenge_ack(sk, skb);
		return SKB_DROP_REASON_TCP_RESET;
	}
	if (tcp_is_crossing_syn_ack(sk, skb))
		return TCP_GO_ON;
	/* The third check, security and precedence, is for nobody (RFC 9293 keeps it for history). */
	if (flags & TCPHDR_SYN)
		return tcp_bad_syn(sk, skb);
	return TCP_GO_ON;
}

/* --- the sixth check: urgent data (RFC 6093) */

/* A new urgent pointer. */
static void tcp_check_urg(struct sock *sk, const struct tcphdr *th)
{
	struct tcp_sock *tp = tcp_sk(sk);
	u32 off = be16_to_cpu(th->urg_ptr);
	seq32 ptr;

	/* RFC 6093 3.1: everybody takes it as the byte after the urgent one. */
	if (off && !tcp_sysctl.stdurg)
		off--;
	ptr = seq_add(be32_to_seq(th->seq), off);
	if (seq_after(tp->copied_seq, ptr) || seq_before(ptr, tp->rcv_nxt))
		return;
	if (tp->urg_data && !seq_after(ptr, tp->urg_seq))
		return;
	/* The old urgent byte was next to be read and was not: it is skipped now. */
	if (seq_eq(tp->urg_seq, tp->copied_seq) && tp->urg_data && !sock_flag(sk, SOCK_URGINLINE) &&
	    !seq_eq(tp->copied_seq, tp->rcv_nxt)) {
		struct sk_buff *skb = skb_peek(&sk->sk_receive_queue);

		tp->copied_seq = seq_add(tp->copied_seq, 1);
		if (skb && !seq_before(tp->copied_seq, TCP_SKB_CB(skb)->end_seq)) {
			__skb_unlink(skb, &sk->sk_receive_queue);
			consume_skb(skb);
		}
	}
	WRITE_ONCE(tp->urg_data, TCP_URG_NOTYET);
	tp->urg_seq = ptr;
	tp->pred_flags = 0;
}

/* tcp_urg - note the pointer, and take the byte if this segment has it. Data still at the TCP header. */
static void tcp_urg(struct sock *sk, struct sk_buff *skb)
{
	struct tcp_sock *tp = tcp_sk(sk);
	const struct tcphdr *th = tcp_hdr(skb);
	u32 ptr;
	u8 byte;

	if (unlikely(th->flags & TCPHDR_URG))
		tcp_check_urg(sk, th);
	if (likely(tp->urg_data != TCP_URG_NOTYET))
		return;
	ptr = (u32)seq_diff(tp->urg_seq, be32_to_seq(th->seq)) + tcp_hdrlen(skb) - !!(th->flags & TCPHDR_SYN);
	if (ptr >= skb->len || skb_copy_bits(skb, ptr, &byte, 1))
		return;
	WRITE_ONCE(tp->urg_data, (u16)(TCP_URG_VALID | byte));
	if (!sock_flag(sk, SOCK_DEAD))
		sk->sk_data_ready(sk);
}

/* --- ESTABLISHED */

/* Steps five to eight of a segment that passed one to four. Takes @skb. */
static void tcp_established_steps(struct sock *sk, struct sk_buff *skb)
{
	int verdict = tcp_ack(sk, skb, FLAG_SLOWPATH | FLAG_UPDATE_TS_RECENT);

	if (verdict >= 0) {
		tcp_rcv_rtt_measure_ts(sk, skb);
		tcp_urg(sk, skb);
		verdict = tcp_data_queue(sk, skb);
		tcp_data_snd_check(sk);
		tcp_ack_snd_check(sk);
	} else {
		verdict = -verdict;
	}
	if (verdict > 0)
		kfree_skb(skb, (enum skb_drop_reason)verdict);
}

static void tcp_rcv_slow_path(struct sock *sk, struct sk_buff *skb)
{
	struct tcp_sock *tp = tcp_sk(sk);
	const struct tcphdr *th = tcp_hdr(skb);
	int verdict;

	if (!(th->flags & (TCPHDR_ACK | TCPHDR_RST | TCPHDR_SYN))) {
		kfree_skb(skb, SKB_DROP_REASON_TCP_FLAGS);
		return;
	}
	tcp_fast_parse_options(th, &tp->rx_opt, tp->tcp_header_len);
	TCP_SKB_CB(skb)->sack_off = tp->rx_opt.sack_off;
	TCP_SKB_CB(skb)->nr_sacks = tp->rx_opt.nr_sacks;
	verdict = tcp_validate_incoming(sk, skb);
	if (verdict != TCP_GO_ON) {
		kfree_skb(skb, (enum skb_drop_reason)verdict);
		return;
	}
	tcp_established_steps(sk, skb);
}

/* Header prediction, the second half: exactly the next data. Takes @skb, header still on. */
static void tcp_rcv_fast_data(struct sock *sk, struct sk_buff *skb, unsigned int header_len)
{
	struct tcp_sock *tp = tcp_sk(sk);
	bool eaten;

	tcp_rcv_rtt_measure_ts(sk, skb);
	skb_pull(skb, header_len);
	eaten = tcp_queue_rcv(sk, skb);
	tcp_event_data_recv(sk, skb);
	if (!seq_eq(TCP_SKB_CB(skb)->ack_seq, tp->snd_una)) {
		/* It acknowledges too: what that frees or opens may carry our ACK. */
		tcp_ack(sk, skb, FLAG_DATA);
		tcp_data_snd_check(sk);
	} else {
		tcp_update_wl(tp, TCP_SKB_CB(skb)->seq);
	}
	if (inet_csk_ack_scheduled(sk))
		__tcp_ack_snd_check(sk, false);
	if (eaten)
		consume_skb(skb);
	tcp_data_ready(sk);
}

/* RFC 7323 4.3, on the fast path: the segment begins at rcv_nxt. */
static void tcp_store_ts_recent(struct tcp_sock *tp)
{
	tp->rx_opt.ts_recent = tp->rx_opt.rcv_tsval;
	tp->rx_opt.ts_recent_stamp_ns = tp->tcp_mstamp_ns;
}

/*
 * Van Jacobson's header prediction: one comparison of a header word (length, flags, window) and two of sequence
 * numbers say that none of the checks can fail. Return: false if the slow path must look at it.
 */
static bool tcp_rcv_fast_path(struct sock *sk, struct sk_buff *skb)
{
	struct tcp_sock *tp = tcp_sk(sk);
	const struct tcphdr *th = tcp_hdr(skb);
	const u32 psh_mask = ~cpu_to_be32((u32)TCPHDR_PSH << 16).raw;
	unsigned int header_len = tp->tcp_header_len;

	if ((tcp_flag_word(th) & psh_mask) != tp->pred_flags || !seq_eq(TCP_SKB_CB(skb)->seq, tp->rcv_nxt) ||
	    (u32)seq_diff(TCP_SKB_CB(skb)->ack_seq, tp->snd_una) > (u32)seq_diff(tp->snd_nxt, tp->snd_una))
		return false;
	tp->rx_opt.saw_tstamp = false;
	if (header_len == sizeof(struct tcphdr) + TCPOLEN_TSTAMP_ALIGNED) {
		if (!tcp_parse_aligned_timestamp(th, &tp->rx_opt) ||
		    (s32)(tp->rx_opt.rcv_tsval - tp->rx_opt.ts_recent) < 0)
			return false;
	}
	if (skb->len <= header_len) {
		if (skb->len < header_len)
			return false;
		/* A pure ACK, the sender's fast path. */
		if (tp->rx_opt.saw_tstamp && seq_eq(tp->rcv_nxt, tp->rcv_wup))
			tcp_store_ts_recent(tp);
		tcp_ack(sk, skb, 0);
		consume_skb(skb);
		tcp_data_snd_check(sk);
		return true;
	}
	if ((int)skb->truesize > sk->sk_forward_alloc && !tcp_mem_charge(sk, skb->truesize))
		return false;
	if (sk_rmem_alloc_get(sk) > READ_ONCE(sk->sk_rcvbuf))
		return false;
	if (tp->rx_opt.saw_tstamp && seq_eq(tp->rcv_nxt, tp->rcv_wup))
		tcp_store_ts_recent(tp);
	tcp_rcv_fast_data(sk, skb, header_len);
	return true;
}

void tcp_rcv_established(struct sock *sk, struct sk_buff *skb)
{
	trace(tcp_rcv_established, skb->id, skb->len - tcp_hdrlen(skb));
	tcp_mstamp_refresh(tcp_sk(sk));
	if (!tcp_rcv_fast_path(sk, skb))
		tcp_rcv_slow_path(sk, skb);
	tcp_assert_invariants(sk);
}

/* --- opening */

/* tcp_parse_syn_options - what a SYN offers, as far as the sysctls allow. */
void tcp_parse_syn_options(const struct sk_buff *skb, struct tcp_options_received *rx)
{
	tcp_parse_options(tcp_hdr(skb), rx, false);
	rx->saw_tstamp = rx->saw_tstamp && tcp_sysctl.timestamps;
	rx->sack_ok = rx->sack_ok && tcp_sysctl.sack;
	rx->wscale_ok = rx->wscale_ok && tcp_sysctl.window_scaling;
	rx->tstamp_ok = rx->saw_tstamp;
	if (!rx->wscale_ok)
		rx->snd_wscale = 0;
}

/* tcp_init_transfer - the connection is open: buffers, congestion control, first window. */
void tcp_init_transfer(struct sock *sk)
{
	struct tcp_sock *tp = tcp_sk(sk);

	tcp_init_metrics(sk);
	/* RFC 5681 3.1: if the SYN was lost, begin with one segment. */
	tp->snd_cwnd = tp->syn_retrans_total > 1 && tp->undo_valid ? 1 : tcp_init_cwnd(tp);
	tp->snd_cwnd_stamp_ns = tp->tcp_mstamp_ns;
	tcp_init_congestion_control(sk);
	tcp_init_buffer_space(sk);
}

static void tcp_finish_connect(struct sock *sk)
{
	struct tcp_sock *tp = tcp_sk(sk);

	tcp_set_state(sk, TCP_ESTABLISHED, TCP_EV_SYN_ACK);
	inet_csk(sk)->icsk_ack.lrcvtime_ns = tp->tcp_mstamp_ns;
	tcp_init_transfer(sk);
	tp->lsndtime_ns = tp->tcp_mstamp_ns;
	if (sock_flag(sk, SOCK_KEEPOPEN))
		inet_csk_reset_keepalive_timer(sk, tp->tcp_mstamp_ns + keepalive_time_when_ns(tp));
	if (!tp->rx_opt.snd_wscale)
		__tcp_fast_path_on(tp, tp->snd_wnd);
	else
		tp->pred_flags = 0;
}

/* What both kinds of SYN tell: sequence number, window, timestamps. */
static void tcp_synsent_take_syn(struct sock *sk, const struct sk_buff *skb)
{
	struct tcp_sock *tp = tcp_sk(sk);

	tp->rcv_nxt = seq_add(TCP_SKB_CB(skb)->seq, 1);
	tp->copied_seq = tp->rcv_nxt;
	tp->rcv_wup = tp->rcv_nxt;
	tp->snd_wl1 = TCP_SKB_CB(skb)->seq;
	tp->snd_wnd = be16_to_cpu(tcp_hdr(skb)->window);	/* never scaled: RFC 7323 2.2 */
	tp->max_window = max(tp->max_window, tp->snd_wnd);
	if (!tp->rx_opt.wscale_ok) {
		tp->rx_opt.rcv_wscale = 0;
		tp->window_clamp = min(tp->window_clamp, 65535U);
	}
	tp->tcp_header_len = sizeof(struct tcphdr);
	if (tp->rx_opt.saw_tstamp) {
		tp->tcp_header_len += TCPOLEN_TSTAMP_ALIGNED;
		tp->advmss -= TCPOLEN_TSTAMP_ALIGNED;
		tcp_store_ts_recent(tp);
	}
	tcp_sync_mss(sk, tcp_mtu(sk));
	tcp_initialize_rcv_mss(sk);
}

/* SYN-ACK: RFC 9293 3.10.7.3, fourth check. */
static void tcp_synsent_syn_ack(struct sock *sk, struct sk_buff *skb)
{
	struct tcp_sock *tp = tcp_sk(sk);

	tp->snd_wl1 = TCP_SKB_CB(skb)->seq;
	tcp_ack(sk, skb, FLAG_SLOWPATH);
	tcp_synsent_take_syn(sk, skb);
	tcp_finish_connect(sk);
	if (!sock_flag(sk, SOCK_DEAD))
		sk->sk_state_change(sk);
	if (tp->write_pending || inet_csk(sk)->icsk_accept_queue.rskq_defer_accept ||
	    inet_csk_in_pingpong_mode(sk)) {
		/* It may ride on data that is sure to come (a waiting send(), TCP_DEFER_ACCEPT, TCP_QUICKACK 0). */
		inet_csk_schedule_ack(sk);
		tcp_enter_quickack_mode(sk, TCP_MAX_QUICKACKS);
		inet_csk(sk)->icsk_ack.pending |= ICSK_ACK_TIMER;
		inet_csk(sk)->icsk_ack.timeout_ns = tp->tcp_mstamp_ns + TCP_DELACK_MAX_NS;
		icsk_arm(sk, &inet_csk(sk)->icsk_delack_timer, inet_csk(sk)->icsk_ack.timeout_ns);
	} else {
		tcp_send_ack(sk);
	}
}

/* A SYN without ACK crosses ours: simultaneous open. */
static void tcp_synsent_simultaneous(struct sock *sk, const struct sk_buff *skb)
{
	tcp_set_state(sk, TCP_SYN_RECV, TCP_EV_SYN);
	tcp_sk(sk)->max_window = 0;
	tcp_synsent_take_syn(sk, skb);
	tcp_send_synack(sk);
}

/*
 * The ACK of a segment in SYN_SENT (first check) and its timestamp. Return: TCP_GO_ON, or why a RST must answer
 * it.
 */
static int tcp_synsent_check_ack(struct sock *sk, const struct sk_buff *skb,
				 const struct tcp_options_received *rx)
{
	struct tcp_sock *tp = tcp_sk(sk);
	seq32 ack = TCP_SKB_CB(skb)->ack_seq;

	if (!seq_after(ack, tp->snd_una) || seq_after(ack, tp->snd_nxt)) {
		/* Perhaps an old connection answers; our SYN follows right behind the RST. */
		if (!inet_csk(sk)->icsk_retransmits)
			tcp_reset_xmit_timer(sk, ICSK_TIME_RETRANS, TCP_TIMEOUT_MIN_NS);
		return SKB_DROP_REASON_TCP_ACK_UNSENT;
	}
	if (rx->saw_tstamp && rx->rcv_tsecr &&
	    ((s32)(rx->rcv_tsecr - (tcp_ns_to_ts(tp->retrans_stamp_ns) + tp->tsoffset)) < 0 ||
	     (s32)(tcp_time_stamp(tp) - rx->rcv_tsecr) < 0))
		return SKB_DROP_REASON_TCP_RFC7323_PAWS;
	return TCP_GO_ON;
}

/* RFC 9293 3.10.7.3. Return: TCP_GO_ON if the segment did its job, else the drop reason. */
static int tcp_rcv_synsent(struct sock *sk, struct sk_buff *skb)
{
	struct tcp_sock *tp = tcp_sk(sk);
	u8 flags = TCP_SKB_CB(skb)->tcp_flags;
	struct tcp_options_received rx = { .user_mss = tp->rx_opt.user_mss,
					   .mss_clamp = tp->rx_opt.mss_clamp,
					   .rcv_wscale = tp->rx_opt.rcv_wscale,
					   .ts_recent = tp->rx_opt.ts_recent,
					   .ts_recent_stamp_ns = tp->rx_opt.ts_recent_stamp_ns };
	int verdict;

	tcp_mstamp_refresh(tp);
	rx.mss_clamp = TCP_MSS_DEFAULT;
	tcp_parse_syn_options(skb, &rx);
	if (flags & TCPHDR_ACK) {
		verdict = tcp_synsent_check_ack(sk, skb, &rx);
		if (verdict != TCP_GO_ON) {
			tcp_v4_send_reset(sk, skb, (enum skb_drop_reason)verdict);
			return verdict;
		}
	}
	if (flags & TCPHDR_RST) {
		if (flags & TCPHDR_ACK)
			tcp_reset(sk);
		return SKB_DROP_REASON_TCP_RESET;
	}
	if (!(flags & TCPHDR_SYN))
		return SKB_DROP_REASON_TCP_FLAGS;
	if (!(flags & TCPHDR_ACK) && rx.saw_tstamp && rx.ts_recent_stamp_ns &&
	    !tcp_paws_check(&rx, 0, tp->tcp_mstamp_ns))
		return SKB_DROP_REASON_TCP_RFC7323_PAWS;
	tp->rx_opt = rx;
	if (flags & TCPHDR_ACK)
		tcp_synsent_syn_ack(sk, skb);
	else
		tcp_synsent_simultaneous(sk, skb);
	/*
	 * RFC 9293 has data of a SYN kept for later: like Linux without fast open, we let the peer send it
	 * again.
	 */
	return TCP_GO_ON;
}

/* The second check: an ACK for a listener answers a SYN cookie, or nothing at all. Return as below. */
static int tcp_listen_ack(struct sock *sk, struct sk_buff *skb)
{
	enum skb_drop_reason why;
	struct sock *child = cookie_v4_check(sk, skb, &why);

	if (child) {
		tcp_child_process(sk, child, skb);
		return TCP_TAKEN;
	}
	if (why == SKB_DROP_REASON_TCP_LISTEN_BAD)
		tcp_v4_send_reset(sk, skb, why);
	return (int)why;
}

/* RFC 9293 3.10.7.2. Return: TCP_GO_ON, TCP_TAKEN or the drop reason. The listener is not locked. */
static int tcp_rcv_listen(struct sock *sk, struct sk_buff *skb)
{
	u8 flags = TCP_SKB_CB(skb)->tcp_flags;

	if (flags & TCPHDR_ACK)
		return tcp_listen_ack(sk, skb);
	if (flags & TCPHDR_RST)
		return SKB_DROP_REASON_TCP_RESET;
	if (!(flags & TCPHDR_SYN) || (flags & TCPHDR_FIN))
		return SKB_DROP_REASON_TCP_FLAGS;
	return tcp_conn_request(sk, skb);
}

/* --- closing */

/* The fifth check in SYN_RECV: the handshake is complete. */
static void tcp_synrecv_established(struct sock *sk, const struct sk_buff *skb)
{
	struct tcp_sock *tp = tcp_sk(sk);

	tp->retrans_stamp_ns = 0;
	tcp_init_transfer(sk);
	tp->copied_seq = tp->rcv_nxt;
	tcp_set_state(sk, TCP_ESTABLISHED, TCP_EV_ACK_OF_SYN);
	sk->sk_state_change(sk);
	tp->delivered++;	/* the SYN-ACK, which was no skb of this sock's */
	tp->snd_una = TCP_SKB_CB(skb)->ack_seq;
	tp->snd_wnd = (u32)be16_to_cpu(tcp_hdr(skb)->window) << tp->rx_opt.snd_wscale;
	tp->snd_wl1 = TCP_SKB_CB(skb)->seq;
	tp->lsndtime_ns = tp->tcp_mstamp_ns;
	tcp_initialize_rcv_mss(sk);
	tcp_fast_path_on(tp);
}

/* Is there data in @skb that we have not seen? */
static bool tcp_has_new_data(const struct tcp_sock *tp, const struct sk_buff *skb)
{
	const struct tcp_skb_cb *cb = TCP_SKB_CB(skb);
	u32 fin = cb->tcp_flags & TCPHDR_FIN;

	return !seq_eq(cb->end_seq, cb->seq) && seq_after(SEQ(cb->end_seq.v - fin), tp->rcv_nxt);
}

/*
 * Our FIN is acknowledged in FIN_WAIT1. Return: TCP_GO_ON, TCP_TAKEN (skb consumed), or the drop reason of a
 * reset.
 */
static int tcp_fin_wait1_acked(struct sock *sk, struct sk_buff *skb)
{
	struct tcp_sock *tp = tcp_sk(sk);
	u64 tmo;

	tcp_set_state(sk, TCP_FIN_WAIT2, TCP_EV_ACK_OF_FIN);
	WRITE_ONCE(sk->sk_shutdown, sk->sk_shutdown | SEND_SHUTDOWN);
	if (!sock_flag(sk, SOCK_DEAD)) {
		sk->sk_state_change(sk);	/* a close() may linger for this */
		return TCP_GO_ON;
	}
	if (tp->linger2_ns < 0 || tcp_has_new_data(tp, skb)) {
		/* Nobody is there to read it: RFC 1122 4.2.2.13. */
		tcp_v4_send_reset(sk, skb, SKB_DROP_REASON_TCP_ABORT);
		tcp_done(sk, TCP_EV_ABORT);
		return SKB_DROP_REASON_TCP_ABORT;
	}
	tmo = tcp_fin_time_ns(sk);
	if (tmo > TCP_TIMEWAIT_LEN_NS) {
		inet_csk_reset_keepalive_timer(sk, tp->tcp_mstamp_ns + tmo - TCP_TIMEWAIT_LEN_NS);
	} else if ((TCP_SKB_CB(skb)->tcp_flags & TCPHDR_FIN) || sock_owned_by_user(sk)) {
		/* The FIN in this segment would be lost with the sock. */
		inet_csk_reset_keepalive_timer(sk, tp->tcp_mstamp_ns + tmo);
	} else {
		tcp_time_wait(sk, TCP_FIN_WAIT2, tmo);
		consume_skb(skb);
		return TCP_TAKEN;
	}
	return TCP_GO_ON;
}

/* The fifth check: what an acceptable ACK means in each state. Return as above. */
static int tcp_ack_in_state(struct sock *sk, struct sk_buff *skb)
{
	struct tcp_sock *tp = tcp_sk(sk);
	bool fin_acked = seq_eq(tp->snd_una, tp->write_seq);

	switch (sk->sk_state) {
	case TCP_SYN_RECV:
		tcp_synrecv_established(sk, skb);
		return TCP_GO_ON;
	case TCP_FIN_WAIT1:
		return fin_acked ? tcp_fin_wait1_acked(sk, skb) : TCP_GO_ON;
	case TCP_CLOSING:
		if (!fin_acked)
			return TCP_GO_ON;
		tcp_time_wait(sk, TCP_TIME_WAIT, 0);
		break;
	case TCP_LAST_ACK:
		if (!fin_acked)
			return TCP_GO_ON;
		tcp_done(sk, TCP_EV_ACK_OF_FIN);
		break;
	default:
		return TCP_GO_ON;
	}
	consume_skb(skb);
	return TCP_TAKEN;
}

/* The seventh check: which states take text. Return: TCP_TAKEN or the drop reason. */
static int tcp_text_in_state(struct sock *sk, struct sk_buff *skb)
{
	struct tcp_sock *tp = tcp_sk(sk);
	u32 state = TCPF(sk->sk_state);

	if (seq_eq(TCP_SKB_CB(skb)->seq, TCP_SKB_CB(skb)->end_seq)) {
		consume_skb(skb);	/* a pure ACK has done its job */
		return TCP_TAKEN;
	}
	/* The peer has sent its FIN: nothing new can come; old data is acknowledged again. */
	if ((state & (TCPF_CLOSE_WAIT | TCPF_CLOSING | TCPF_LAST_ACK)) &&
	    !seq_before(TCP_SKB_CB(skb)->seq, tp->rcv_nxt))
		return SKB_DROP_REASON_TCP_OLD_DATA;
	if ((state & (TCPF_FIN_WAIT1 | TCPF_FIN_WAIT2)) && (sk->sk_shutdown & RCV_SHUTDOWN) &&
	    tcp_has_new_data(tp, skb)) {
		/* RFC 1122 4.2.2.13: data after close() is answered with a RST. */
		tcp_v4_send_reset(sk, skb, SKB_DROP_REASON_TCP_CLOSE);
		tcp_reset(sk);
		return SKB_DROP_REASON_TCP_CLOSE;
	}
	if (state & TCPF_CLOSE)
		return SKB_DROP_REASON_TCP_CLOSE;
	return tcp_data_queue(sk, skb);
}

/* The ACK is not acceptable: a RST in SYN_RECV, else a challenge (RFC 5961 5.2). */
static int tcp_unacceptable_ack(struct sock *sk, const struct sk_buff *skb, int verdict)
{
	enum skb_drop_reason reason =
		verdict < 0 ? (enum skb_drop_reason) - verdict : SKB_DROP_REASON_TCP_OLD_ACK;

	if (sk->sk_state == TCP_SYN_RECV)
		tcp_v4_send_reset(sk, skb, reason);
	else
		tcp_send_challenge_ack(sk, skb);
	return (int)reason;
}

/* RFC 9293 3.10.7.4, all states but ESTABLISHED. Return: TCP_TAKEN, or the drop reason. */
static int tcp_rcv_synchronized(struct sock *sk, struct sk_buff *skb)
{
	struct tcp_sock *tp = tcp_sk(sk);
	int verdict;

	tcp_mstamp_refresh(tp);
	tcp_fast_parse_options(tcp_hdr(skb), &tp->rx_opt, tp->tcp_header_len);
	TCP_SKB_CB(skb)->sack_off = tp->rx_opt.sack_off;
	TCP_SKB_CB(skb)->nr_sacks = tp->rx_opt.nr_sacks;
	if (!(TCP_SKB_CB(skb)->tcp_flags & (TCPHDR_ACK | TCPHDR_RST | TCPHDR_SYN)))
		return SKB_DROP_REASON_TCP_FLAGS;
	verdict = tcp_validate_incoming(sk, skb);
	if (verdict != TCP_GO_ON)
		return verdict;
	verdict = tcp_ack(sk, skb, FLAG_SLOWPATH | FLAG_UPDATE_TS_RECENT | FLAG_NO_CHALLENGE_ACK);
	if (verdict <= 0)
		return tcp_unacceptable_ack(sk, skb, verdict);
	verdict = tcp_ack_in_state(sk, skb);
	if (verdict != TCP_GO_ON)
		return verdict;
	tcp_urg(sk, skb);
	verdict = tcp_text_in_state(sk, skb);
	if (sk->sk_state != TCP_CLOSE) {
		tcp_data_snd_check(sk);
		tcp_ack_snd_check(sk);
	}
	return verdict;
}

void tcp_rcv_state_process(struct sock *sk, struct sk_buff *skb)
{
	int verdict;

	trace(tcp_rcv_state_process, skb->id, sk->sk_state);
	switch (sk->sk_state) {
	case TCP_CLOSE:
		verdict = SKB_DROP_REASON_TCP_CLOSE;
		break;
	case TCP_LISTEN:
		verdict = tcp_rcv_listen(sk, skb);
		break;
	case TCP_SYN_SENT:
		verdict = tcp_rcv_synsent(sk, skb);
		if (verdict == TCP_GO_ON)
			tcp_data_snd_check(sk);
		break;
	default:
		verdict = tcp_rcv_synchronized(sk, skb);
		tcp_assert_invariants(sk);
		break;
	}
	if (verdict > 0)
		kfree_skb(skb, (enum skb_drop_reason)verdict);
	else if (verdict == TCP_GO_ON)
		consume_skb(skb);
}

/*
 * net/ipv4/tcp_minisocks.c - connections that are smaller than a sock: requests before, TIME_WAIT after.
 *
 * Linux:   net/ipv4/tcp_minisocks.c, tcp_conn_request() in net/ipv4/tcp_input.c (6.1)
 * Same:    a SYN costs a request sock in ehash; the ACK of its SYN-ACK makes the child, which takes its place;
 *          TIME_WAIT answers old segments and yields to a new SYN (RFC 6191, RFC 1122 4.2.2.13).
 * Differs: 1. no SYN cookies: a SYN over the backlog is dropped. 2. a verdict with its drop reason comes back
 *             from tcp_check_req() in a struct.
 * Locks:   none on the listener; the child's slock is held from its birth.
 * Walk:    tcp_v4_do_rcv() -> tcp_conn_request();  tcp_v4_rcv() -> tcp_check_req() -> tcp_v4_syn_recv_sock() ->
 *          inet_csk_complete_hashdance() -> tcp_child_process().
 */
#include "net/ipv4/tcp.h"

static bool tcp_in_window(seq32 seq, seq32 end_seq, seq32 s_win, seq32 e_win)
{
	if (seq_eq(seq, s_win))
		return true;
	if (seq_after(end_seq, s_win) && seq_before(seq, e_win))
		return true;
	return seq_eq(seq, e_win) && seq_eq(seq, end_seq);
}

/* PAWS for a small record: is the timestamp of a segment older than @ts_recent, set @stamp_ns? */
static bool tcp_paws_reject(const struct tcp_options_received *rx, u8 flags, u64 now_ns)
{
	if (!rx->saw_tstamp || tcp_paws_check(rx, 0, now_ns))
		return false;
	/* RFC 7323 5.2: a RST counts whatever its timestamp, unless ours is fresh. */
	return !((flags & TCPHDR_RST) && now_ns >= rx->ts_recent_stamp_ns + TCP_PAWS_MSL_NS);
}

/* --- TIME_WAIT */

/* tw's lock held. Return: true if @skb lies in the past by its timestamp. */
static bool tcp_tw_parse(const struct inet_timewait_sock *tw, const struct sk_buff *skb,
			 struct tcp_options_received *rx, u64 now)
{
	memset(rx, 0, sizeof(*rx));
	if (tcp_hdrlen(skb) == sizeof(struct tcphdr) || !tw->tw_ts_recent_stamp_ns)
		return false;
	tcp_parse_options(tcp_hdr(skb), rx, true);
	rx->ts_recent = tw->tw_ts_recent;
	rx->ts_recent_stamp_ns = tw->tw_ts_recent_stamp_ns;
	return tcp_paws_reject(rx, TCP_SKB_CB(skb)->tcp_flags, now);
}

static void tcp_tw_remember_ts(struct inet_timewait_sock *tw, const struct tcp_options_received *rx, u64 now)
{
	if (!rx->saw_tstamp)
		return;
	tw->tw_ts_recent = rx->rcv_tsval;
	tw->tw_ts_recent_stamp_ns = now;
}

static enum tcp_tw_status tcp_tw_oow(struct inet_timewait_sock *tw, const struct sk_buff *skb)
{
	return tcp_oow_rate_limited(&tw->tw_last_oow_ack_ns, skb) ? TCP_TW_SUCCESS : TCP_TW_ACK;
}

/* The peer's FIN is still to come. */
static enum tcp_tw_status tcp_tw_fin_wait2(struct inet_timewait_sock *tw, const struct sk_buff *skb,
					   bool paws_reject, const struct tcp_options_received *rx)
{
	const struct tcp_skb_cb *cb = TCP_SKB_CB(skb);
	seq32 rcv_nxt = SEQ(tw->tw_rcv_nxt);

	if (paws_reject || !tcp_in_window(cb->seq, cb->end_seq, rcv_nxt, seq_add(rcv_nxt, tw->tw_rcv_wnd)))
		return tcp_tw_oow(tw, skb);
	if (cb->tcp_flags & TCPHDR_RST)
		return TCP_TW_KILL;
	if ((cb->tcp_flags & TCPHDR_SYN) && !seq_before(cb->seq, rcv_nxt))
		return TCP_TW_RST;
	if (!(cb->tcp_flags & TCPHDR_ACK) || !seq_after(cb->end_seq, rcv_nxt) || seq_eq(cb->end_seq, cb->seq))
		return TCP_TW_SUCCESS;
	/* New data after our close(): nobody will read it. */
	if (!(cb->tcp_flags & TCPHDR_FIN) || !seq_eq(cb->end_seq, seq_add(rcv_nxt, 1)))
		return TCP_TW_RST;
	tw->tw_substate = TCP_TIME_WAIT;
	tw->tw_rcv_nxt = cb->end_seq.v;
	tcp_tw_remember_ts(tw, rx, ktime_get_ns());
	inet_twsk_schedule(tw, TCP_TIMEWAIT_LEN_NS);
	return TCP_TW_FIN;
}

/* Both FINs have been exchanged. */
static enum tcp_tw_status tcp_tw_true(struct inet_timewait_sock *tw, struct sk_buff *skb, bool paws_reject,
				      const struct tcp_options_received *rx)
{
	struct tcp_skb_cb *cb = TCP_SKB_CB(skb);
	seq32 rcv_nxt = SEQ(tw->tw_rcv_nxt);
	u8 flags = cb->tcp_flags;

	if (!paws_reject && seq_eq(cb->seq, rcv_nxt) &&
	    (seq_eq(cb->seq, cb->end_seq) || (flags & TCPHDR_RST))) {
		if (flags & TCPHDR_RST) {
			/* TIME_WAIT assassination (RFC 1337): Linux lets it happen unless told otherwise. */
			if (!tcp_sysctl.rfc1337)
				return TCP_TW_KILL;
		} else {
			inet_twsk_schedule(tw, TCP_TIMEWAIT_LEN_NS);
		}
		tcp_tw_remember_ts(tw, rx, ktime_get_ns());
		return TCP_TW_SUCCESS;
	}
	/* RFC 1122 4.2.2.13, RFC 6191: a SYN that is certainly new may reopen the connection. */
	if ((flags & (TCPHDR_SYN | TCPHDR_RST | TCPHDR_ACK)) == TCPHDR_SYN && !paws_reject &&
	    (seq_after(cb->seq, rcv_nxt) || (rx->saw_tstamp && (s32)(rx->ts_recent - rx->rcv_tsval) < 0))) {
		u32 isn = tw->tw_snd_nxt + 65535 + 2;

		cb->tw_isn = isn ? isn : 1;
		return TCP_TW_SYN;
	}
	if (flags & TCPHDR_RST)
		return TCP_TW_SUCCESS;
	/* A SYN with a random sequence number below rcv_nxt may be new: it does not prolong the wait. */
	if (paws_reject || (flags & TCPHDR_ACK))
		inet_twsk_schedule(tw, TCP_TIMEWAIT_LEN_NS);
	return tcp_tw_oow(tw, skb);
}

enum tcp_tw_status tcp_timewait_state_process(struct inet_timewait_sock *tw, struct sk_buff *skb)
{
	struct tcp_options_received rx;
	enum tcp_tw_status status;
	bool paws_reject;

	spin_lock(&tw->tw_lock);
	paws_reject = tcp_tw_parse(tw, skb, &rx, ktime_get_ns());
	if (tw->tw_substate == TCP_FIN_WAIT2)
		status = tcp_tw_fin_wait2(tw, skb, paws_reject, &rx);
	else
		status = tcp_tw_true(tw, skb, paws_reject, &rx);
	spin_unlock(&tw->tw_lock);
	return status;
}

void tcp_time_wait(struct sock *sk, u8 substate, u64 timeo_ns)
{
	const struct tcp_sock *tp = tcp_sk(sk);
	struct inet_timewait_sock *tw = inet_twsk_alloc(sk, substate);
	u64 rto = inet_csk(sk)->icsk_rto_ns;

	/*
	 * Without memory, or with too many of them, the connection ends at once: old segments will be answered
	 * by RSTs.
	 */
	if (tw) {
		tw->tw_rcv_wscale = tp->rx_opt.rcv_wscale;
		tw->tw_rcv_nxt = tp->rcv_nxt.v;
		tw->tw_snd_nxt = tp->snd_nxt.v;
		tw->tw_rcv_wnd = tcp_receive_window(tp);
		tw->tw_ts_recent = tp->rx_opt.ts_recent;
		tw->tw_ts_recent_stamp_ns = tp->rx_opt.tstamp_ok ? tp->rx_opt.ts_recent_stamp_ns : 0;
		tw->tw_ts_offset = tp->tsoffset;
		inet_twsk_schedule(tw, substate == TCP_TIME_WAIT
					       ? TCP_TIMEWAIT_LEN_NS
					       : max_t(u64, timeo_ns, (rto << 2) - (rto >> 1)));
		inet_twsk_hashdance(tw, sk);
		inet_twsk_put(tw);
		SNMP_INC(TCP_TIMEWAITED);
	}
	tcp_done(sk, TCP_EV_TIME_WAIT);
}

/* --- requests */

/* tcp_openreq_init - what @skb says, and its options @rx, into @req. */
void tcp_openreq_init(struct request_sock *req, const struct tcp_options_received *rx, const struct sk_buff *skb)
{
	const struct iphdr *iph = ip_hdr(skb);
	const struct tcphdr *th = tcp_hdr(skb);

	req->common.skc_daddr = iph->saddr;
	req->common.skc_rcv_saddr = iph->daddr;
	req->common.skc_dport = th->source;
	req->common.skc_num = be16_to_cpu(th->dest);
	req->rcv_isn = TCP_SKB_CB(skb)->seq;
	req->mss = rx->mss_clamp;
	req->tstamp_ok = rx->tstamp_ok;
	req->sack_ok = rx->sack_ok;
	req->wscale_ok = rx->wscale_ok;
	req->snd_wscale = rx->snd_wscale;
	req->ts_recent = rx->saw_tstamp ? rx->rcv_tsval : 0;
	req->skb_id = skb->id;
	req->tos = iph->tos;
}

/* tcp_openreq_init_rwin - the window that the SYN-ACK of @req offers. */
void tcp_openreq_init_rwin(struct request_sock *req, const struct sock *listener, const struct rtable *rt)
{
	u32 clamp = tcp_sk(listener)->window_clamp, full_space = (u32)tcp_full_space(listener);
	u32 mss = tcp_advertise_mss(listener, rt) - (req->tstamp_ok ? TCPOLEN_TSTAMP_ALIGNED : 0);
	struct tcp_initial_window w;

	if ((listener->sk_userlocks & SOCK_RCVBUF_LOCK) && (!clamp || clamp > full_space))
		clamp = full_space;
	w = tcp_select_initial_window((int)full_space, clamp, mss, req->wscale_ok);
	req->rsk_rcv_wnd = w.rcv_wnd;
	req->rsk_window_clamp = w.window_clamp;
	req->rcv_wscale = w.rcv_wscale;
}

/* Is there room for one more SYN? Return: TCP_GO_ON or the reason. */
static int tcp_conn_admit(const struct sock *sk, const struct sk_buff *skb)
{
	enum inet_addr_type type = inet_addr_type(ip_hdr(skb)->daddr);

	if (type == RTN_BROADCAST || type == RTN_MULTICAST)
		return SKB_DROP_REASON_IP_INADDRERRORS;
	/* One that reopens a TIME_WAIT has proved that it is not a flood; with cookies there is always room. */
	if (!TCP_SKB_CB(skb)->tw_isn && !tcp_sysctl.syncookies &&
	    (inet_csk_reqsk_queue_is_full(sk) || inet_csk_reqsk_queue_len(sk) >= tcp_sysctl.max_syn_backlog)) {
		SNMP_INC(TCP_LISTENDROPS);
		return SKB_DROP_REASON_TCP_REQQ_FULL;
	}
	if (sk_acceptq_is_full(sk)) {
		SNMP_INC(TCP_LISTENOVERFLOWS);
		SNMP_INC(TCP_LISTENDROPS);
		return SKB_DROP_REASON_TCP_LISTEN_OVERFLOW;
	}
	return TCP_GO_ON;
}

int tcp_conn_request(struct sock *sk, struct sk_buff *skb)
{
	struct tcp_options_received rx = { .user_mss = tcp_sk(sk)->rx_opt.user_mss,
					   .mss_clamp = TCP_MSS_DEFAULT };
	struct request_sock *req;
	struct rtable *rt;
	int verdict = tcp_conn_admit(sk, skb);

	trace(tcp_conn_request, skb->id);
	if (verdict != TCP_GO_ON)
		return verdict;
	req = inet_reqsk_alloc(sk);
	if (!req)
		return SKB_DROP_REASON_NOMEM;
	tcp_parse_syn_options(skb, &rx);
	tcp_openreq_init(req, &rx, skb);
	rt = ip_route_output(req->common.skc_daddr, req->common.skc_rcv_saddr, req->common.skc_bound_dev_if);
	if (IS_ERR(rt)) {
		reqsk_put(req);
		return SKB_DROP_REASON_IP_OUTNOROUTES;
	}
	tcp_openreq_init_rwin(req, sk, rt);
	req->ts_off = tcp_v4_init_ts_off(req->common.skc_rcv_saddr, req->common.skc_daddr);
	if (!TCP_SKB_CB(skb)->tw_isn && cookie_wanted(sk)) {
		cookie_init(sk, req, skb);
		(void)tcp_v4_send_synack(sk, req, rt);
		reqsk_put(req);
		return TCP_GO_ON;
	}
	req->snt_isn = TCP_SKB_CB(skb)->tw_isn
			       ? SEQ(TCP_SKB_CB(skb)->tw_isn)
			       : tcp_v4_init_seq(req->common.skc_rcv_saddr, req->common.skc_daddr,
						 tcp_hdr(skb)->dest, req->common.skc_dport);
	req->snt_synack_ns = ktime_get_ns();
	if (inet_csk_reqsk_queue_hash_add(sk, req, TCP_TIMEOUT_INIT_NS))
		(void)tcp_v4_send_synack(sk, req, rt);	/* lost here or on the way: the timer sends another */
	else
		rt_put(rt);	/* the same SYN on another CPU was faster */
	reqsk_put(req);
	return TCP_GO_ON;
}

static void tcp_child_options(struct tcp_sock *newtp, const struct request_sock *req, const struct sk_buff *skb)
{
	struct tcp_options_received *rx = &newtp->rx_opt;

	rx->tstamp_ok = req->tstamp_ok;
	rx->sack_ok = req->sack_ok;
	rx->wscale_ok = req->wscale_ok;
	rx->snd_wscale = req->wscale_ok ? req->snd_wscale : 0;
	rx->rcv_wscale = req->wscale_ok ? req->rcv_wscale : 0;
	rx->mss_clamp = req->mss;
	newtp->window_clamp = req->wscale_ok ? req->rsk_window_clamp : min(req->rsk_window_clamp, 65535U);
	newtp->rcv_ssthresh = req->rsk_rcv_wnd;
	newtp->rcv_wnd = req->rsk_rcv_wnd;
	newtp->snd_wnd = (u32)be16_to_cpu(tcp_hdr(skb)->window) << rx->snd_wscale;
	newtp->max_window = newtp->snd_wnd;
	newtp->tcp_header_len = sizeof(struct tcphdr);
	if (rx->tstamp_ok) {
		rx->ts_recent = req->ts_recent;
		rx->ts_recent_stamp_ns = newtp->tcp_mstamp_ns;
		newtp->tcp_header_len += TCPOLEN_TSTAMP_ALIGNED;
	}
	newtp->tsoffset = req->ts_off;
}

/*
 * tcp_create_openreq_child - a sock like the listener @sk, for the connection of @req; slock held, not hashed.
 * NULL: no memory.
 */
struct sock *tcp_create_openreq_child(const struct sock *sk, struct request_sock *req, struct sk_buff *skb)
{
	struct sock *newsk = sk_clone_lock(sk, GFP_ATOMIC);
	struct tcp_sock *newtp;
	seq32 snd, rcv;

	if (!newsk)
		return NULL;
	newtp = tcp_sk(newsk);
	newsk->sk_num = req->common.skc_num;
	inet_sk(newsk)->inet_sport = cpu_to_be16(req->common.skc_num);
	newsk->sk_dport = req->common.skc_dport;
	newsk->sk_bound_dev_if = req->common.skc_bound_dev_if;
	tcp_set_state(newsk, TCP_SYN_RECV, TCP_EV_CHILD);
	tcp_init_sock_queues(newsk);
	tcp_mstamp_refresh(newtp);
	rcv = seq_add(req->rcv_isn, 1);
	snd = seq_add(req->snt_isn, 1);
	newtp->rcv_nxt = rcv;
	newtp->rcv_wup = rcv;
	newtp->copied_seq = rcv;
	newtp->snd_wl1 = req->rcv_isn;
	newtp->snd_una = snd;
	newtp->snd_nxt = snd;
	newtp->snd_sml = snd;
	newtp->snd_up = snd;
	newtp->write_seq = snd;
	newtp->pushed_seq = snd;
	newtp->lsndtime_ns = newtp->tcp_mstamp_ns;
	newtp->rcv_tstamp_ns = newtp->tcp_mstamp_ns;
	newtp->segs_in = 1;	/* the SYN */
	newtp->total_retrans = req->num_retrans;
	tcp_child_options(newtp, req, skb);
	if (req->num_timeout) {
		newtp->syn_retrans_total = req->num_retrans;
		newtp->undo_marker = req->snt_isn;
		newtp->undo_valid = true;
	}
	if (sock_flag(newsk, SOCK_KEEPOPEN))
		inet_csk_reset_keepalive_timer(newsk, newtp->tcp_mstamp_ns + keepalive_time_when_ns(newtp));
	SNMP_INC(TCP_PASSIVEOPENS);
	return newsk;
}

/* A segment that belongs to the SYN we know: send the SYN-ACK again. */
static void tcp_req_syn_again(struct sock *sk, const struct sk_buff *skb, struct request_sock *req)
{
	if (tcp_oow_rate_limited(&req->last_oow_ack_ns, skb))
		return;
	tcp_rtx_synack(sk, req);
	if (timer_pending(&req->rsk_timer) && !mod_timer(&req->rsk_timer, ktime_get_ns() + req->timeout_ns))
		refcount_inc(&req->common.skc_refcnt);
}

/* The request comes to nothing: by a RST of the peer, or by one of ours. */
static void tcp_embryonic_reset(struct sock *sk, struct sk_buff *skb, struct request_sock *req,
				struct tcp_check_result *res)
{
	SNMP_INC(TCP_ATTEMPTFAILS);
	if (!(TCP_SKB_CB(skb)->tcp_flags & TCPHDR_RST))
		tcp_v4_send_reset(sk, skb, res->reason);
	res->req_stolen = !inet_csk_reqsk_queue_drop(sk, req);
}

/* The handshake is complete: make the child and queue it. */
static struct sock *tcp_req_complete(struct sock *sk, struct sk_buff *skb, struct request_sock *req,
				     struct tcp_check_result *res)
{
	bool own_req = false;
	struct sock *child = tcp_v4_syn_recv_sock(sk, skb, req, &own_req);

	if (!child) {
		res->reason = SKB_DROP_REASON_TCP_LISTEN_OVERFLOW;
		if (tcp_sysctl.abort_on_overflow)
			tcp_embryonic_reset(sk, skb, req, res);
		else
			req->acked = true;	/* the next SYN-ACK makes the peer's ACK come again */
		return NULL;
	}
	tcp_synack_rtt_meas(child, req->num_retrans ? 0 : req->snt_synack_ns);
	res->req_stolen = !own_req;
	res->reason = SKB_DROP_REASON_TCP_CLOSE;
	return inet_csk_complete_hashdance(sk, child, req, own_req);
}

/* The timestamp of a segment for @req. Return: true if it lies in the past. */
static bool tcp_req_parse(const struct request_sock *req, const struct sk_buff *skb,
			  struct tcp_options_received *rx)
{
	memset(rx, 0, sizeof(*rx));
	if (tcp_hdrlen(skb) == sizeof(struct tcphdr))
		return false;
	tcp_parse_options(tcp_hdr(skb), rx, false);
	rx->saw_tstamp = rx->saw_tstamp && req->tstamp_ok;
	rx->ts_recent = req->ts_recent;
	rx->ts_recent_stamp_ns = req->snt_synack_ns;
	return tcp_paws_reject(rx, TCP_SKB_CB(skb)->tcp_flags, ktime_get_ns());
}

struct sock *tcp_check_req(struct sock *sk, struct sk_buff *skb, struct request_sock *req,
			   struct tcp_check_result *res)
{
	const struct tcp_skb_cb *cb = TCP_SKB_CB(skb);
	u8 flg = cb->tcp_flags & (TCPHDR_RST | TCPHDR_SYN | TCPHDR_ACK);
	seq32 rcv_nxt = seq_add(req->rcv_isn, 1);
	struct tcp_options_received rx;
	bool paws_reject = tcp_req_parse(req, skb, &rx);

	trace(tcp_check_req, skb->id);
	*res = (struct tcp_check_result){ false, SKB_DROP_REASON_TCP_FLAGS };
	if (seq_eq(cb->seq, req->rcv_isn) && flg == TCPHDR_SYN && !paws_reject) {
		res->reason = SKB_DROP_REASON_TCP_OLD_DATA;
		tcp_req_syn_again(sk, skb, req);
		return NULL;
	}
	/* An ACK of something we never sent: the listener answers with a RST. */
	if ((flg & TCPHDR_ACK) && !seq_eq(cb->ack_seq, seq_add(req->snt_isn, 1)))
		return sk;
	if (paws_reject || !tcp_in_window(cb->seq, cb->end_seq, rcv_nxt, seq_add(rcv_nxt, req->rsk_rcv_wnd))) {
		res->reason =
			paws_reject ? SKB_DROP_REASON_TCP_RFC7323_PAWS : SKB_DROP_REASON_TCP_INVALID_SEQUENCE;
		if (!(flg & TCPHDR_RST) && !tcp_oow_rate_limited(&req->last_oow_ack_ns, skb))
			tcp_v4_reqsk_send_ack(skb, req);
		return NULL;
	}
	if (rx.saw_tstamp && !seq_after(cb->seq, rcv_nxt))
		req->ts_recent = rx.rcv_tsval;
	if (seq_eq(cb->seq, req->rcv_isn))
		flg &= (u8)~TCPHDR_SYN;		/* the SYN itself lies before the window */
	if (flg & (TCPHDR_RST | TCPHDR_SYN)) {
		res->reason = flg & TCPHDR_RST ? SKB_DROP_REASON_TCP_RESET : SKB_DROP_REASON_TCP_INVALID_SYN;
		tcp_embryonic_reset(sk, skb, req, res);
		return NULL;
	}
	if (!(flg & TCPHDR_ACK))
		return NULL;
	/* TCP_DEFER_ACCEPT: a bare ACK is not enough yet. */
	if (req->num_timeout < inet_csk(sk)->icsk_accept_queue.rskq_defer_accept &&
	    seq_eq(cb->end_seq, rcv_nxt)) {
		req->acked = true;
		return NULL;
	}
	return tcp_req_complete(sk, skb, req, res);
}

void tcp_child_process(struct sock *parent, struct sock *child, struct sk_buff *skb)
{
	u8 state = child->sk_state;

	tcp_segs_in(tcp_sk(child), skb);
	if (!sock_owned_by_user(child)) {
		tcp_rcv_state_process(child, skb);
		/* Now it can be used: the parent's pollers may accept it. */
		if (state == TCP_SYN_RECV && child->sk_state != state)
			parent->sk_data_ready(parent);
	} else if (!sk_add_backlog(child, skb, U32_MAX)) {
		kfree_skb(skb, SKB_DROP_REASON_SOCKET_BACKLOG);
	}
	bh_unlock_sock(child);
	sock_put(child);
}

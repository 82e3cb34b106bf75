/*
 * net/ipv4/tcp_ipv4.c - where TCP meets IPv4: whose segment is it, and how answers without a connection are
 * sent.
 *
 * Linux:   net/ipv4/tcp_ipv4.c (6.1)
 * Same:    tcp_v4_rcv(): check, look up, then process at once or, if a task owns the sock, put into its
 *          backlog; RST and ACK for those who have no connection; ISN by a secret and the clock (RFC 6528);
 *          ICMP errors (RFC 1122 4.2.3.9, RFC 5927).
 * Differs: 1. the checksum is verified before the look-up. 2. no socket filters, no early demultiplexing.
 * Locks:   SLOCK; EHASH inside look-ups.
 * Walk:    ip_local_deliver() -> tcp_v4_rcv() -> __inet_lookup_skb() -> tcp_v4_do_rcv() ->
 *          tcp_rcv_established().
 */
#include "kernel/random.h"
#include "net/ipv4/tcp.h"

static siphash_key_t tcp_seq_secret, tcp_ts_secret;	/* written once at boot */

/* --- numbers that nobody should guess */

seq32 tcp_v4_init_seq(be32 saddr, be32 daddr, be16 sport, be16 dport)
{
	struct { be32 s, d; be16 sp, dp; } key = { saddr, daddr, sport, dport };

	/* RFC 6528 3: a clock of 64 ns plus a hash that is different for each peer. */
	return SEQ((u32)siphash(&key, sizeof(key), &tcp_seq_secret) + (u32)(ktime_get_real_ns() >> 6));
}

u32 tcp_v4_init_ts_off(be32 saddr, be32 daddr)
{
	struct { be32 s, d; } key = { saddr, daddr };

	return (u32)siphash(&key, sizeof(key), &tcp_ts_secret);
}

/* --- segments without a sock */

struct tcp_bare {
	be32 saddr, daddr;
	be16 sport, dport;
	u32 seq, ack;
	u16 window;
	u8 flags, tos;
	bool timestamp;
	u32 tsval, tsecr;
	int oif;
};

static void tcp_v4_send_bare(const struct tcp_bare *b)
{
	struct tcp_out_options opts = { .options = b->timestamp ? OPTION_TS : 0,
					.tsval = b->tsval,
					.tsecr = b->tsecr };
	unsigned int hlen = (unsigned int)sizeof(struct tcphdr) + tcp_options_size(&opts);
	struct ip_params params = { b->saddr, b->daddr, IPPROTO_TCP, b->tos, (u8)sysctl_ip_default_ttl, true };
	struct rtable *rt = ip_route_output(b->daddr, b->saddr, b->oif);
	struct sk_buff *skb;
	struct tcphdr *th;

	if (IS_ERR(rt))
		return;
	skb = alloc_skb(MAX_HEADER, GFP_ATOMIC);
	if (!skb) {
		rt_put(rt);
		return;
	}
	skb_reserve(skb, MAX_HEADER);
	th = skb_push(skb, hlen);
	skb_reset_transport_header(skb);
	*th = (struct tcphdr){ .source = b->sport,
			       .dest = b->dport,
			       .seq = cpu_to_be32(b->seq),
			       .ack_seq = cpu_to_be32(b->ack),
			       .doff_res = (u8)(hlen << 2),
			       .flags = b->flags,
			       .window = cpu_to_be16(b->window) };
	tcp_options_write((u8 *)(th + 1), &opts);
	th->check = (u16)~csum_tcpudp_magic(b->saddr, b->daddr, skb->len, IPPROTO_TCP, 0);
	skb->ip_summed = CHECKSUM_PARTIAL;
	skb->csum_start = skb->transport_header;
	skb->csum_offset = offsetof(struct tcphdr, check);
	SNMP_INC(TCP_OUTSEGS);
	(void)ip_send_skb(skb, rt, &params);
}

/* RFC 9293 3.10.7.1: a RST that the sender of @skb will accept. */
void tcp_v4_send_reset(const struct sock *sk, const struct sk_buff *skb, enum skb_drop_reason why)
{
	const struct iphdr *iph = ip_hdr(skb);
	const struct tcphdr *th = tcp_hdr(skb);
	struct tcp_bare b = { .saddr = iph->daddr,
			      .daddr = iph->saddr,
			      .sport = th->dest,
			      .dport = th->source,
			      .flags = TCPHDR_RST };

	if (th->flags & TCPHDR_RST)
		return;
	if (!sk && inet_addr_type(iph->daddr) != RTN_LOCAL)
		return;
	if (th->flags & TCPHDR_ACK) {
		b.seq = be32_to_cpu(th->ack_seq);
	} else {
		b.flags |= TCPHDR_ACK;
		b.ack = TCP_SKB_CB(skb)->end_seq.v;
	}
	b.oif = sk ? sk->sk_bound_dev_if : 0;
	SNMP_INC(TCP_OUTRSTS);
	trace(tcp_send_reset, be16_to_cpu(b.sport), be16_to_cpu(b.dport), why);
	tcp_v4_send_bare(&b);
}

static void tcp_v4_timewait_ack(const struct inet_timewait_sock *tw)
{
	struct tcp_bare b = { .saddr = tw->common.skc_rcv_saddr,
			      .daddr = tw->common.skc_daddr,
			      .sport = tw->tw_sport,
			      .dport = tw->common.skc_dport,
			      .seq = tw->tw_snd_nxt,
			      .ack = tw->tw_rcv_nxt,
			      .window = (u16)(tw->tw_rcv_wnd >> tw->tw_rcv_wscale),
			      .flags = TCPHDR_ACK,
			      .tos = tw->tw_tos,
			      .timestamp = tw->tw_ts_recent_stamp_ns != 0,
			      .tsval = tcp_ns_to_ts(ktime_get_ns()) + tw->tw_ts_offset,
			      .tsecr = tw->tw_ts_recent,
			      .oif = tw->common.skc_bound_dev_if };

	tcp_v4_send_bare(&b);
}

/* tcp_v4_reqsk_send_ack - a segment outside the window of a request: say where we are. */
void tcp_v4_reqsk_send_ack(const struct sk_buff *skb, const struct request_sock *req)
{
	struct tcp_bare b = { .saddr = req->common.skc_rcv_saddr,
			      .daddr = req->common.skc_daddr,
			      .sport = tcp_hdr(skb)->dest,
			      .dport = req->common.skc_dport,
			      .seq = req->snt_isn.v + 1,
			      .ack = req->rcv_isn.v + 1,
			      .window = (u16)(req->rsk_rcv_wnd >> req->rcv_wscale),
			      .flags = TCPHDR_ACK,
			      .timestamp = req->tstamp_ok,
			      .tsval = tcp_ns_to_ts(ktime_get_ns()) + req->ts_off,
			      .tsecr = req->ts_recent,
			      .oif = req->common.skc_bound_dev_if };

	tcp_v4_send_bare(&b);
}

/* --- passive open */

int tcp_v4_send_synack(const struct sock *sk, struct request_sock *req, struct rtable *rt)
{
	struct ip_params params = { req->common.skc_rcv_saddr,
				    req->common.skc_daddr,
				    IPPROTO_TCP,
				    inet_sk(sk)->tos,
				    inet_sk(sk)->ttl ? inet_sk(sk)->ttl : (u8)sysctl_ip_default_ttl,
				    true };
	struct sk_buff *skb = tcp_make_synack(sk, rt, req);

	if (!skb) {
		rt_put(rt);
		return -ENOMEM;
	}
	return ip_send_skb(skb, rt, &params);
}

/* tcp_rtx_synack - once more. */
void tcp_rtx_synack(struct sock *sk, struct request_sock *req)
{
	struct rtable *rt =
		ip_route_output(req->common.skc_daddr, req->common.skc_rcv_saddr, req->common.skc_bound_dev_if);

	if (IS_ERR(rt) || tcp_v4_send_synack(sk, req, rt))
		return;
	SNMP_INC(TCP_RETRANSSEGS);
	req->num_retrans++;
}

/* Addresses, route and segment sizes of a child. 0 or -errno. */
static int tcp_v4_child_route(const struct sock *sk, struct sock *newsk, const struct request_sock *req)
{
	struct tcp_sock *newtp = tcp_sk(newsk);
	struct rtable *rt =
		ip_route_output(req->common.skc_daddr, req->common.skc_rcv_saddr, req->common.skc_bound_dev_if);

	if (IS_ERR(rt))
		return (int)PTR_ERR(rt);
	newsk->sk_daddr = req->common.skc_daddr;
	newsk->sk_rcv_saddr = req->common.skc_rcv_saddr;
	inet_sk(newsk)->inet_saddr = req->common.skc_rcv_saddr;
	inet_sk(newsk)->inet_id = (u16)(req->snt_isn.v ^ newtp->tcp_mstamp_ns);
	newtp->advmss = tcp_advertise_mss(sk, rt) - (newtp->rx_opt.tstamp_ok ? TCPOLEN_TSTAMP_ALIGNED : 0);
	sk_dst_set(newsk, rt);
	tcp_sync_mss(newsk, tcp_mtu(newsk));
	tcp_initialize_rcv_mss(newsk);
	return 0;
}

struct sock *tcp_v4_syn_recv_sock(struct sock *sk, struct sk_buff *skb, struct request_sock *req, bool *own_req)
{
	struct sock *newsk;

	trace(tcp_v4_syn_recv_sock, skb->id);
	if (sk_acceptq_is_full(sk)) {
		SNMP_INC(TCP_LISTENOVERFLOWS);
		goto out_drop;
	}
	newsk = tcp_create_openreq_child(sk, req, skb);
	if (!newsk)
		goto out_drop;
	if (tcp_v4_child_route(sk, newsk, req) || __inet_inherit_port(sk, newsk)) {
		inet_csk_prepare_forced_close(newsk);
		tcp_done(newsk, TCP_EV_ABORT);
		goto out_drop;
	}
	*own_req = inet_ehash_nolisten(newsk, req->cookie ? NULL : req_to_sk(req));
	return newsk;
out_drop:
	SNMP_INC(TCP_LISTENDROPS);
	return NULL;
}

/* --- active open */

/*
 * tcp_twsk_unique - may connect() take the place of the TIME_WAIT record @sktw (RFC 6191)? Then it goes on from
 * its numbers.
 */
int tcp_twsk_unique(struct sock *sk, struct sock *sktw)
{
	const struct inet_timewait_sock *tw = inet_twsk(sktw);
	struct tcp_sock *tp = tcp_sk(sk);
	int reuse = tcp_sysctl.tw_reuse;

	/* 2: over the loopback only, where nothing can be late. */
	if (reuse == 2 && !ipv4_is_loopback(sk->sk_daddr) && !ipv4_is_loopback(sk->sk_rcv_saddr))
		reuse = 0;
	if (!tw->tw_ts_recent_stamp_ns || !reuse || tw->tw_substate != TCP_TIME_WAIT ||
	    ktime_get_ns() < tw->tw_ts_recent_stamp_ns + NSEC_PER_SEC)
		return 0;
	tp->write_seq = SEQ(tw->tw_snd_nxt + 65535 + 2);
	if (!tp->write_seq.v)
		tp->write_seq = SEQ(1);
	tp->rx_opt.ts_recent = tw->tw_ts_recent;
	tp->rx_opt.ts_recent_stamp_ns = tw->tw_ts_recent_stamp_ns;
	return 1;
}

/* The route to *@daddr and our address on it. 0 or -errno. */
static int tcp_v4_connect_route(struct sock *sk, be32 *daddr)
{
	struct inet_sock *inet = inet_sk(sk);
	struct rtable *rt;

	if (!daddr->raw)
		*daddr = inet->inet_saddr.raw ? inet->inet_saddr : INADDR_LOOPBACK;
	rt = ip_route_output(*daddr, inet->inet_saddr, sk->sk_bound_dev_if);
	if (IS_ERR(rt))
		return (int)PTR_ERR(rt);
	if (rt->broadcast || ipv4_is_multicast(*daddr)) {
		rt_put(rt);
		return -ENETUNREACH;
	}
	if (!inet->inet_saddr.raw) {
		inet->inet_saddr = rt->src;
		sk->sk_rcv_saddr = rt->src;
	}
	sk_dst_set(sk, rt);
	return 0;
}

/* tcp_v4_connect - the proto's connect(): SYN_SENT and the SYN is on its way. Sock owned. */
int tcp_v4_connect(struct sock *sk, const struct sockaddr_in *addr, int addr_len)
{
	struct tcp_sock *tp = tcp_sk(sk);
	struct inet_sock *inet = inet_sk(sk);
	be32 daddr;
	int err;

	if (addr_len < (int)sizeof(*addr))
		return -EINVAL;
	if (addr->sin_family != AF_INET)
		return -EAFNOSUPPORT;
	daddr = addr->sin_addr;
	err = tcp_v4_connect_route(sk, &daddr);
	if (err)
		return err;
	if (tp->rx_opt.ts_recent_stamp_ns && !be32_eq(sk->sk_daddr, daddr)) {
		tp->rx_opt.ts_recent = 0;
		tp->rx_opt.ts_recent_stamp_ns = 0;
		tp->write_seq = SEQ(0);
	}
	sk->sk_dport = addr->sin_port;
	sk->sk_daddr = daddr;
	tp->rx_opt.mss_clamp = TCP_MSS_DEFAULT;
	/* The state before the hash: what is found there must be able to take a SYN-ACK. */
	tcp_set_state(sk, TCP_SYN_SENT, TCP_EV_CONNECT);
	err = inet_hash_connect(sk);
	if (!err) {
		if (!tp->write_seq.v)
			tp->write_seq =
				tcp_v4_init_seq(inet->inet_saddr, daddr, inet->inet_sport, sk->sk_dport);
		tp->tsoffset = tcp_v4_init_ts_off(inet->inet_saddr, daddr);
		inet->inet_id = (u16)get_random_u32();
		err = tcp_connect(sk);
	}
	if (!err)
		return 0;
	tcp_set_state(sk, TCP_CLOSE, TCP_EV_STOP);
	if (!(sk->sk_userlocks & SOCK_BINDADDR_LOCK)) {
		inet->inet_saddr = INADDR_ANY;
		sk->sk_rcv_saddr = INADDR_ANY;
	}
	sk_dst_set(sk, NULL);
	sk->sk_dport = cpu_to_be16(0);
	return err;
}

/* --- ICMP */

/*
 * tcp_v4_mtu_reduced - "fragmentation needed": segments of the old size will not arrive. Sock owned, or slock
 * held.
 */
void tcp_v4_mtu_reduced(struct sock *sk)
{
	u32 mtu = READ_ONCE(tcp_sk(sk)->mtu_info);

	if ((TCPF(sk->sk_state) & (TCPF_LISTEN | TCPF_CLOSE)) || mtu >= inet_csk(sk)->icsk_pmtu_cookie)
		return;
	/* RFC 1191 3: never below 68; Linux's min_pmtu is 552. */
	inet_csk(sk)->icsk_pmtu = max(mtu, 552U);
	if (inet_csk(sk)->icsk_pmtu_cookie <= inet_csk(sk)->icsk_pmtu)
		return;
	tcp_sync_mss(sk, inet_csk(sk)->icsk_pmtu);
	tcp_mstamp_refresh(tcp_sk(sk));
	tcp_simple_retransmit(sk);
}

/* Any error ends an attempt to connect; an open connection keeps it for the day it gives up. @sk's slock held. */
static void tcp_v4_report_error(struct sock *sk, int err)
{
	if (TCPF(sk->sk_state) & (TCPF_SYN_SENT | TCPF_SYN_RECV)) {
		if (!sock_owned_by_user(sk)) {
			WRITE_ONCE(sk->sk_err, err);
			sk->sk_error_report(sk);
			tcp_done(sk, TCP_EV_ERROR);
		} else {
			sk->sk_err_soft = err;
		}
		return;
	}
	/* RFC 1122 4.2.3.9, RFC 5927 5.2: an open connection is not ended by ICMP; IP_RECVERR wants to know. */
	if (!sock_owned_by_user(sk) && inet_sk(sk)->recverr) {
		WRITE_ONCE(sk->sk_err, err);
		sk->sk_error_report(sk);
	} else {
		sk->sk_err_soft = err;
	}
}

/* What an error about a segment of @sk means to it. @info: the path's MTU. @sk's slock held. */
static void tcp_v4_err_sock(struct sock *sk, const u8 *icmp, u32 info, seq32 seq)
{
	const struct tcp_sock *tp = tcp_sk(sk);
	bool fatal = false;
	int err = EPROTO;

	/* RFC 5927 4.1: an error about something we did not send is forged. */
	if (sk->sk_state == TCP_CLOSE ||
	    (sk->sk_state != TCP_LISTEN && !seq_between(seq, tp->snd_una, tp->snd_nxt)))
		return;
	switch (icmp[0]) {
	case 3:		/* destination unreachable */
		if (icmp[1] == 4) {	/* fragmentation needed */
			if (sk->sk_state == TCP_LISTEN)
				return;
			WRITE_ONCE(tcp_sk(sk)->mtu_info, info);
			if (!sock_owned_by_user(sk))
				tcp_v4_mtu_reduced(sk);
			else if (!test_and_set_bit(TCP_MTU_REDUCED_DEFERRED, &tcp_sk(sk)->tsq_flags))
				sock_hold(sk);
			return;
		}
		err = icmp_err_convert(icmp[1], &fatal);
		break;
	case 11:	/* time exceeded */
		err = EHOSTUNREACH;
		break;
	case 12:	/* parameter problem */
		break;
	default:
		return;
	}
	if (sk->sk_state != TCP_LISTEN)
		tcp_v4_report_error(sk, err);
}

/* A hard error about the SYN-ACK of a request ends it. */
static void tcp_v4_err_req(struct request_sock *req, const u8 *icmp, seq32 seq)
{
	bool fatal = false;

	if (seq_eq(seq, req->snt_isn) && icmp[0] == 3 && icmp[1] != 4) {
		icmp_err_convert(icmp[1], &fatal);
		inet_csk_reqsk_queue_drop(req->rsk_listener, req);
	}
	reqsk_put(req);
}

/* tcp_v4_err - net_protocol's err_handler: an ICMP error quotes a segment of ours. Keeps @skb. softirq. */
static void tcp_v4_err(struct sk_buff *skb, u32 info)
{
	const struct iphdr *iph = (const struct iphdr *)skb->data;
	const struct tcphdr *th;
	const u8 *icmp = skb_transport_header(skb);
	struct inet_tuple t;
	struct sock *sk;

	/* RFC 792 quotes eight bytes: ports and sequence number. */
	if (!pskb_may_pull(skb, iph_hdrlen(iph) + 8))
		return;
	iph = (const struct iphdr *)skb->data;
	icmp = skb_transport_header(skb);
	th = (const struct tcphdr *)(skb->data + iph_hdrlen(iph));
	t = (struct inet_tuple){ iph->daddr, iph->saddr, th->dest, be16_to_cpu(th->source), skb->dev->ifindex };
	sk = __inet_lookup_established(&t);
	if (!sk)
		return;
	if (sk->sk_state == TCP_TIME_WAIT) {
		inet_twsk_put(inet_twsk(sk));
		return;
	}
	if (sk->sk_state == TCP_NEW_SYN_RECV) {
		tcp_v4_err_req(inet_reqsk(sk), icmp, be32_to_seq(th->seq));
		return;
	}
	bh_lock_sock(sk);
	tcp_v4_err_sock(sk, icmp, info, be32_to_seq(th->seq));
	bh_unlock_sock(sk);
	sock_put(sk);
}

/* --- a segment arrives */

/*
 * tcp_v4_do_rcv - the proto's backlog_rcv(), too. Sock owned or slock held (a listener: neither). Takes @skb.
 */
void tcp_v4_do_rcv(struct sock *sk, struct sk_buff *skb)
{
	trace(tcp_v4_do_rcv, skb->id, sk->sk_state);
	if (likely(sk->sk_state == TCP_ESTABLISHED))
		tcp_rcv_established(sk, skb);
	else
		tcp_rcv_state_process(sk, skb);
}

/* The sock is owned: release_sock() will process it. slock held. Takes @skb. */
static void tcp_add_backlog(struct sock *sk, struct sk_buff *skb)
{
	u32 limit = (u32)READ_ONCE(sk->sk_rcvbuf) + ((u32)READ_ONCE(sk->sk_sndbuf) >> 1) + 64 * 1024;

	trace(tcp_add_backlog, skb->id);
	/* The route belongs to the device's queue, not to what waits here. */
	if (unlikely(!sk_add_backlog(sk, skb, limit)))
		kfree_skb(skb, SKB_DROP_REASON_SOCKET_BACKLOG);
}

/* Lengths, checksum, and the fields everybody reads into skb->cb. Return: TCP_GO_ON or the drop reason. */
static int tcp_v4_check(struct sk_buff *skb)
{
	const struct iphdr *iph = ip_hdr(skb);
	struct tcp_skb_cb *cb = TCP_SKB_CB(skb);
	const struct tcphdr *th;
	unsigned int hlen;

	if (!pskb_may_pull(skb, sizeof(struct tcphdr)))
		return SKB_DROP_REASON_PKT_TOO_SMALL;
	hlen = tcp_hdrlen_of((const struct tcphdr *)skb->data);
	if (hlen < sizeof(struct tcphdr) || !pskb_may_pull(skb, hlen))
		return SKB_DROP_REASON_TCP_HDR;
	iph = ip_hdr(skb);
	if (!skb_csum_unnecessary(skb) && csum_tcpudp_magic(iph->saddr, iph->daddr, skb->len, IPPROTO_TCP,
							    skb_checksum(skb, 0, skb->len, 0))) {
		SNMP_INC(TCP_INCSUMERRORS);
		return SKB_DROP_REASON_TCP_CSUM;
	}
	skb_reset_transport_header(skb);
	th = tcp_hdr(skb);
	cb->seq = be32_to_seq(th->seq);
	cb->end_seq =
		seq_add(cb->seq, skb->len - hlen + !!(th->flags & TCPHDR_SYN) + !!(th->flags & TCPHDR_FIN));
	cb->ack_seq = be32_to_seq(th->ack_seq);
	cb->tcp_flags = th->flags;
	cb->tw_isn = 0;
	cb->nr_sacks = 0;
	return TCP_GO_ON;
}

/*
 * Whatever is found belongs to TIME_WAIT. Return: a listener, with a reference, if @skb opens the connection
 * anew. Else takes @skb.
 */
static struct sock *tcp_v4_timewait_rcv(struct inet_timewait_sock *tw, struct sk_buff *skb)
{
	const struct tcphdr *th = tcp_hdr(skb);
	struct inet_tuple t = { ip_hdr(skb)->saddr, ip_hdr(skb)->daddr, th->source, be16_to_cpu(th->dest),
				skb->dev->ifindex };
	struct sock *sk = NULL;

	switch (tcp_timewait_state_process(tw, skb)) {
	case TCP_TW_SYN:
		sk = __inet_lookup_listener(&t);
		if (sk) {
			inet_twsk_deschedule_put(tw);
			return sk;
		}
		tcp_v4_timewait_ack(tw);
		break;
	case TCP_TW_ACK:
		tcp_v4_timewait_ack(tw);
		break;
	case TCP_TW_FIN:
		tcp_v4_timewait_ack(tw);
		inet_twsk_put(tw);
		consume_skb(skb);
		return NULL;
	case TCP_TW_RST:
		tcp_v4_send_reset(NULL, skb, SKB_DROP_REASON_TCP_TIME_WAIT);
		inet_twsk_deschedule_put(tw);
		kfree_skb(skb, SKB_DROP_REASON_TCP_TIME_WAIT);
		return NULL;
	case TCP_TW_KILL:
		inet_twsk_deschedule_put(tw);
		kfree_skb(skb, SKB_DROP_REASON_TCP_RESET);
		return NULL;
	default:
		break;
	}
	inet_twsk_put(tw);
	kfree_skb(skb, SKB_DROP_REASON_TCP_TIME_WAIT);
	return NULL;
}

/*
 * A segment for a request. Return: the listener, with a reference, if it is to process @skb; ERR_PTR(-EAGAIN):
 * look up again; NULL: done. Takes the look-up's reference to @req, and @skb if it returns NULL.
 */
static struct sock *tcp_v4_req_rcv(struct request_sock *req, struct sk_buff *skb)
{
	struct sock *sk = req->rsk_listener, *nsk;
	struct tcp_check_result res;

	if (unlikely(READ_ONCE(sk->skc_state) != TCP_LISTEN)) {
		inet_csk_reqsk_queue_drop(sk, req);
		reqsk_put(req);
		return ERR_PTR(-EAGAIN);
	}
	sock_hold(sk);
	nsk = tcp_check_req(sk, skb, req, &res);
	if (nsk == sk) {
		reqsk_put(req);
		return sk;
	}
	if (nsk) {
		tcp_child_process(sk, nsk, skb);
		sock_put(sk);
		return NULL;
	}
	reqsk_put(req);
	sock_put(sk);
	if (res.req_stolen)
		return ERR_PTR(-EAGAIN);
	kfree_skb(skb, res.reason);
	return NULL;
}

static void tcp_v4_no_socket(struct sk_buff *skb)
{
	tcp_v4_send_reset(NULL, skb, SKB_DROP_REASON_NO_SOCKET);
	kfree_skb(skb, SKB_DROP_REASON_NO_SOCKET);
}

/* The sock is a connection, or a listener. Takes @skb and the reference. */
static void tcp_v4_sock_rcv(struct sock *sk, struct sk_buff *skb)
{
	if (READ_ONCE(sk->skc_state) == TCP_LISTEN) {
		tcp_v4_do_rcv(sk, skb);
		sock_put(sk);
		return;
	}
	bh_lock_sock_nested(sk);
	tcp_segs_in(tcp_sk(sk), skb);
	if (!sock_owned_by_user(sk))
		tcp_v4_do_rcv(sk, skb);
	else
		tcp_add_backlog(sk, skb);
	bh_unlock_sock(sk);
	sock_put(sk);
}

/* tcp_v4_rcv - net_protocol's handler. softirq; data at the TCP header. Takes @skb. */
static void tcp_v4_rcv(struct sk_buff *skb)
{
	struct sock *sk;
	int verdict;

	SNMP_INC(TCP_INSEGS);
	verdict = skb->pkt_type == PACKET_HOST ? tcp_v4_check(skb) : SKB_DROP_REASON_OTHERHOST;
	if (unlikely(verdict != TCP_GO_ON)) {
		SNMP_INC(TCP_INERRS);
		kfree_skb(skb, (enum skb_drop_reason)verdict);
		return;
	}
	trace(tcp_v4_rcv, skb->id, be16_to_cpu(tcp_hdr(skb)->source), be16_to_cpu(tcp_hdr(skb)->dest),
	      TCP_SKB_CB(skb)->seq.v);
	/* A request that vanishes while we look at it makes us look again: now there is a child, or nothing. */
	do {
		sk = __inet_lookup_skb(skb, tcp_hdr(skb)->source, tcp_hdr(skb)->dest);
		if (!sk) {
			tcp_v4_no_socket(skb);
			return;
		}
		if (sk->sk_state == TCP_TIME_WAIT)
			sk = tcp_v4_timewait_rcv(inet_twsk(sk), skb);
		else if (sk->sk_state == TCP_NEW_SYN_RECV)
			sk = tcp_v4_req_rcv(inet_reqsk(sk), skb);
	} while (IS_ERR(sk));
	if (sk)
		tcp_v4_sock_rcv(sk, skb);
}

const struct net_protocol tcp_protocol = {
	.handler	= tcp_v4_rcv,
	.err_handler	= tcp_v4_err,
};

/* tcp_init - tables, secrets, views. Context: boot. */
void tcp_init(void)
{
	get_random_bytes(&tcp_seq_secret, sizeof(tcp_seq_secret));
	get_random_bytes(&tcp_ts_secret, sizeof(tcp_ts_secret));
	inet_csk_init();
	cookie_setup();
	tcp_sysctl_init();
	tcp_proc_init();
}

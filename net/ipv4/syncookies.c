/*
 * net/ipv4/syncookies.c - connections under a flood of SYNs: the SYN-ACK's own sequence number remembers the SYN.
 *
 * Linux:   net/ipv4/syncookies.c (6.1)
 * Same:    used when a listener's queue of requests is full (tcp_syncookies 1) or always (2); a cookie is good for
 *          one to two minutes; options survive only with timestamps, in the low bits of the SYN-ACK's (RFC 4987
 *          3.6); an ACK is looked at only while the listener has sent cookies lately.
 * Differs: 1. the number is minute (5 bits), index of the MSS (3 bits) and 24 bits of SipHash over everything,
 *             not a sum of two hashes: as hard to guess, and simpler to check.
 * Locks:   none: the secret is written once; a listener is not locked.
 * Walk:    tcp_conn_request() -> cookie_init();  tcp_rcv_listen() -> cookie_v4_check() -> tcp_child_process().
 */
#include "kernel/random.h"
#include "net/ipv4/tcp.h"

enum {
	COOKIE_MINUTE_BITS = 5,
	COOKIE_MSS_BITS = 3,
	COOKIE_HASH_BITS = 24,
	COOKIE_MAX_AGE = 2,		/* minutes begun since it was sent */
	/* The low bits of a timestamp: the peer's window scale (15: none) and whether it takes SACK. */
	COOKIE_TS_WSCALE = 0xf,
	COOKIE_TS_SACK = 0x10,
	COOKIE_TS_BITS = 5,
};
#define COOKIE_MINUTE_NS (60 * NSEC_PER_SEC)

static siphash_key_t cookie_secret;	/* written once at boot */

/* What a SYN said, rounded down; the common ones exactly. */
static const u16 cookie_mss[1 << COOKIE_MSS_BITS] = { 64, 536, 1024, 1220, 1300, 1440, 1460, 8960 };

void cookie_setup(void)
{
	get_random_bytes(&cookie_secret, sizeof(cookie_secret));
}

static u32 cookie_hash(const struct iphdr *iph, const struct tcphdr *th, u32 isn, u32 minute, u32 mss_index)
{
	struct { be32 s, d; be16 sp, dp; u32 isn, minute, mss; } key = {
		iph->saddr, iph->daddr, th->source, th->dest, isn, minute, mss_index
	};

	return (u32)siphash(&key, sizeof(key), &cookie_secret) & ((1U << COOKIE_HASH_BITS) - 1);
}

static u32 cookie_minute(void) { return (u32)(ktime_get_ns() / COOKIE_MINUTE_NS); }

static seq32 cookie_make(const struct sk_buff *skb, u16 mss)
{
	u32 minute = cookie_minute(), index = ARRAY_SIZE(cookie_mss) - 1;

	while (index && cookie_mss[index] > mss)
		index--;
	return SEQ(minute << (32 - COOKIE_MINUTE_BITS) | index << COOKIE_HASH_BITS |
		   cookie_hash(ip_hdr(skb), tcp_hdr(skb), TCP_SKB_CB(skb)->seq.v, minute, index));
}

/* The MSS that the cookie @cookie for a SYN numbered @isn tells; 0: it is none of ours, or old. */
static u16 cookie_verify(const struct sk_buff *skb, u32 cookie, u32 isn)
{
	u32 now = cookie_minute(), mask = (1U << COOKIE_MINUTE_BITS) - 1;
	u32 age = (now - (cookie >> (32 - COOKIE_MINUTE_BITS))) & mask;
	u32 index = cookie >> COOKIE_HASH_BITS & (ARRAY_SIZE(cookie_mss) - 1);

	if (age >= COOKIE_MAX_AGE || age > now)
		return 0;
	if (cookie_hash(ip_hdr(skb), tcp_hdr(skb), isn, now - age, index) != (cookie & ((1U << COOKIE_HASH_BITS) - 1)))
		return 0;
	return cookie_mss[index];
}

/*
 * cookie_wanted - shall the SYN for @sk be answered by a cookie? The queue is full, or cookies are all there is.
 */
bool cookie_wanted(const struct sock *sk)
{
	int mode = READ_ONCE(tcp_sysctl.syncookies);

	return mode == 2 || (mode && inet_csk_reqsk_queue_is_full(sk));
}

/* cookie_init - @req shall not be kept: its number and timestamp become the memory. @sk: the listener. */
void cookie_init(struct sock *sk, struct request_sock *req, const struct sk_buff *skb)
{
	req->cookie = true;
	req->snt_isn = cookie_make(skb, req->mss);
	/* Racy on purpose: a word, and the difference of a moment means nothing. */
	WRITE_ONCE(inet_csk(sk)->icsk_accept_queue.rskq_cookie_ns, ktime_get_ns());
	SNMP_INC(TCP_SYNCOOKIESSENT);
	if (!req->tstamp_ok) {
		req->sack_ok = false;
		req->wscale_ok = false;
	}
}

/* cookie_timestamp - the timestamp of a SYN-ACK, not later than @now, that remembers the options of @req. */
u32 cookie_timestamp(const struct request_sock *req, u32 now)
{
	u32 options = (req->wscale_ok ? req->snd_wscale : COOKIE_TS_WSCALE) | (req->sack_ok ? COOKIE_TS_SACK : 0);
	u32 ts = (now & ~((1U << COOKIE_TS_BITS) - 1)) | options;

	return ts > now ? ts - (1U << COOKIE_TS_BITS) : ts;
}

/* The options that the echoed timestamp tells. False: they cannot be: the sysctls have changed, or it is forged. */
static bool cookie_options(struct request_sock *req, const struct tcp_options_received *rx)
{
	u32 bits = rx->rcv_tsecr - req->ts_off;

	if (!rx->saw_tstamp)
		return true;
	if (!tcp_sysctl.timestamps)
		return false;
	req->tstamp_ok = true;
	req->ts_recent = rx->rcv_tsval;
	req->sack_ok = bits & COOKIE_TS_SACK;
	req->wscale_ok = (bits & COOKIE_TS_WSCALE) != COOKIE_TS_WSCALE;
	req->snd_wscale = req->wscale_ok ? (u8)(bits & COOKIE_TS_WSCALE) : 0;
	return (!req->sack_ok || tcp_sysctl.sack) && (!req->wscale_ok || tcp_sysctl.window_scaling);
}

/* The request that the ACK @skb completes, made anew. NULL: it cannot be. */
static struct request_sock *cookie_request(struct sock *sk, const struct sk_buff *skb, u16 mss)
{
	struct tcp_options_received rx = { 0 };
	struct request_sock *req = inet_reqsk_alloc(sk);
	struct rtable *rt;

	if (!req)
		return NULL;
	tcp_parse_options(tcp_hdr(skb), &rx, true);
	rx.mss_clamp = mss;
	tcp_openreq_init(req, &rx, skb);
	req->cookie = true;
	req->rcv_isn = SEQ(TCP_SKB_CB(skb)->seq.v - 1);
	req->snt_isn = SEQ(TCP_SKB_CB(skb)->ack_seq.v - 1);
	req->ts_off = tcp_v4_init_ts_off(req->common.skc_rcv_saddr, req->common.skc_daddr);
	rt = ip_route_output(req->common.skc_daddr, req->common.skc_rcv_saddr, req->common.skc_bound_dev_if);
	if (!cookie_options(req, &rx) || IS_ERR(rt)) {
		if (!IS_ERR(rt))
			rt_put(rt);
		reqsk_put(req);
		return NULL;
	}
	tcp_openreq_init_rwin(req, sk, rt);
	rt_put(rt);
	return req;
}

/* Into the accept queue. NULL: no room, or another CPU was faster. */
static struct sock *cookie_child(struct sock *sk, struct sk_buff *skb, struct request_sock *req)
{
	bool own_req = false;
	struct sock *child = tcp_v4_syn_recv_sock(sk, skb, req, &own_req);

	if (!child) {
		reqsk_put(req);
		return NULL;
	}
	if (own_req) {
		tcp_synack_rtt_meas(child, 0);
		if (inet_csk_reqsk_queue_add(sk, req, child))
			return child;
		bh_unlock_sock(child);
		sock_put(child);
	} else {
		inet_csk_prepare_forced_close(child);
		tcp_done(child, TCP_EV_ABORT);
	}
	reqsk_put(req);
	return NULL;
}

struct sock *cookie_v4_check(struct sock *sk, struct sk_buff *skb, enum skb_drop_reason *why)
{
	u64 last = READ_ONCE(inet_csk(sk)->icsk_accept_queue.rskq_cookie_ns);
	const struct tcp_skb_cb *cb = TCP_SKB_CB(skb);
	struct request_sock *req;
	u16 mss;

	*why = SKB_DROP_REASON_TCP_LISTEN_BAD;
	if ((cb->tcp_flags & (TCPHDR_ACK | TCPHDR_SYN | TCPHDR_RST)) != TCPHDR_ACK || !last ||
	    ktime_get_ns() - last > COOKIE_MAX_AGE * COOKIE_MINUTE_NS)
		return NULL;
	mss = cookie_verify(skb, cb->ack_seq.v - 1, cb->seq.v - 1);
	if (!mss) {
		SNMP_INC(TCP_SYNCOOKIESFAILED);
		return NULL;
	}
	SNMP_INC(TCP_SYNCOOKIESRECV);
	req = cookie_request(sk, skb, mss);
	/* The peer believes that it is connected: no RST for what a later segment can still bring about. */
	*why = SKB_DROP_REASON_TCP_LISTEN_OVERFLOW;
	return req ? cookie_child(sk, skb, req) : NULL;
}

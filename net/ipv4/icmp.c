/*
 * net/ipv4/icmp.c - errors sent and received, and echo.
 *
 * Linux:   net/ipv4/icmp.c (6.1)
 * Same:    when an error may be sent (RFC 1122 3.2.2), both rate limits (all errors together, and
 *          per destination), the table from codes to errno; an error received goes to the protocol
 *          whose packet it quotes.
 * Differs: 1. errors are built directly, not through a kernel socket. 2. the path MTU is lowered
 *             here, once for all protocols. 3. redirects are ignored.
 * Locks:   LEAF for the rate limits.
 * Walk:    udp_rcv() without a socket -> icmp_send(); icmp_rcv() -> icmp_unreach() ->
 *          tcp_protocol.err_handler.
 */
#include "kernel/hash.h"
#include "kernel/string.h"
#include "net/ipv4/ip.h"

enum {
	ICMP_QUOTE_MAX = 576 - 28,	/* RFC 1812 4.3.2.3: as much as fits 576 bytes */
	ICMP_MSGS_PER_SEC = 1000, ICMP_MSGS_BURST = 50,
	ICMP_DST_BITS = 6, ICMP_DST_BURST = 6,
};
#define ICMP_DST_INTERVAL_NS NSEC_PER_SEC

static const struct { u8 err; bool fatal;
} icmp_errs[NR_ICMP_UNREACH] = {
	[ICMP_NET_UNREACH] = { ENETUNREACH, false },
	[ICMP_HOST_UNREACH] = { EHOSTUNREACH, false },
	[ICMP_PROT_UNREACH] = { ENOPROTOOPT, true },
	[ICMP_PORT_UNREACH] = { ECONNREFUSED, true },
	[ICMP_FRAG_NEEDED] = { EMSGSIZE, false },
	[ICMP_SR_FAILED] = { EOPNOTSUPP, false },
	[ICMP_NET_UNKNOWN] = { ENETUNREACH, true },
	[ICMP_HOST_UNKNOWN] = { EHOSTDOWN, true },
	[ICMP_HOST_ISOLATED] = { ENONET, true },
	[ICMP_NET_ANO] = { ENETUNREACH, true },
	[ICMP_HOST_ANO] = { EHOSTUNREACH, true },
	[ICMP_NET_UNR_TOS] = { ENETUNREACH, false },
	[ICMP_HOST_UNR_TOS] = { EHOSTUNREACH, false },
	[ICMP_PKT_FILTERED] = { EHOSTUNREACH, true },
	[ICMP_PREC_VIOLATION] = { EHOSTUNREACH, true },
	[ICMP_PREC_CUTOFF] = { EHOSTUNREACH, true },
};

int icmp_err_convert(u8 code, bool *fatal)
{
	if (code >= NR_ICMP_UNREACH) {
		*fatal = false;
		return EHOSTUNREACH;
	}
	*fatal = icmp_errs[code].fatal;
	return icmp_errs[code].err;
}

/* --- rate limits --------------------------------------------------------------------------- */

struct icmp_bucket { be32 daddr; u64 stamp_ns; u32 tokens; };
static DEFINE_SPINLOCK(icmp_rate_lock, LC_LEAF);
/* icmp_rate_lock */
static struct icmp_bucket icmp_global = { .tokens = ICMP_MSGS_BURST };
static struct icmp_bucket icmp_dst[1 << ICMP_DST_BITS];

/* Fill up by time, then take one. */
static bool icmp_bucket_take(struct icmp_bucket *b, u64 now, u64 interval_ns, u32 burst)
{
	u64 fresh = (now - b->stamp_ns) / interval_ns;

	if (fresh >= burst) {
		b->tokens = burst;
		b->stamp_ns = now;
	} else if (fresh) {
		b->tokens = min_t(u32, b->tokens + (u32)fresh, burst);
		b->stamp_ns += fresh * interval_ns;
	}
	if (!b->tokens)
		return false;
	b->tokens--;
	return true;
}

/* Only errors are limited, and not those of path MTU discovery. */
static bool icmp_allow(const struct net_device *dev, be32 daddr, u8 type, u8 code)
{
	unsigned long flags;
	u64 now = ktime_get_ns();

	if (type == ICMP_DEST_UNREACH && code == ICMP_FRAG_NEEDED)
		return true;
	struct icmp_bucket *b = &icmp_dst[hash_32(daddr.raw, ICMP_DST_BITS)];

	spin_lock_irqsave(&icmp_rate_lock, flags);
	bool ok = icmp_bucket_take(&icmp_global, now, NSEC_PER_SEC / ICMP_MSGS_PER_SEC,
				   ICMP_MSGS_BURST);

	if (ok && !(dev->flags & IFF_LOOPBACK)) {
		if (!be32_eq(b->daddr, daddr))
			*b = (struct icmp_bucket){ daddr, now, ICMP_DST_BURST };
		ok = icmp_bucket_take(b, now, ICMP_DST_INTERVAL_NS, ICMP_DST_BURST);
	}
	spin_unlock_irqrestore(&icmp_rate_lock, flags);
	return ok;
}

/* --- sending ------------------------------------------------------------------------------- */

static void icmp_count_out(u8 type)
{
	SNMP_INC(ICMP_OUTMSGS);
	if (type == ICMP_DEST_UNREACH)
		SNMP_INC(ICMP_OUTDESTUNREACHS);
	else if (type == ICMP_TIME_EXCEEDED)
		SNMP_INC(ICMP_OUTTIMEEXCDS);
	else if (type == ICMP_ECHOREPLY)
		SNMP_INC(ICMP_OUTECHOREPS);
}

/* A message with header @h and @len bytes of @from from @offset on. Takes the route. */
static void icmp_xmit(struct rtable *rt, const struct ip_params *p, const struct icmphdr *h,
		      const struct sk_buff *from, u32 offset, u32 len)
{
	struct sk_buff *skb = alloc_skb_with_frags(MAX_HEADER, (u32)sizeof(*h) + len, GFP_ATOMIC);

	if (!skb) {
		rt_put(rt);
		return;
	}
	*(struct icmphdr *)skb->data = *h;
	for (u32 done = 0; done < len;) {
		u8 buf[256];
		u32 n = min_t(u32, len - done, sizeof(buf));

		if (skb_copy_bits(from, offset + done, buf, n) ||
		    skb_store_bits(skb, (u32)sizeof(*h) + done, buf, n))
			BUG();
		done += n;
	}
	skb_reset_transport_header(skb);
	struct icmphdr *icmph = (struct icmphdr *)skb->data;

	icmph->checksum = 0;
	icmph->checksum = csum_fold(skb_checksum(skb, 0, skb->len, 0));
	icmp_count_out(h->type);
	ip_send_skb(skb, rt, p);
}

static bool icmp_type_is_error(u8 type)
{
	return type == ICMP_DEST_UNREACH || type == ICMP_SOURCE_QUENCH || type == ICMP_REDIRECT ||
	       type == ICMP_TIME_EXCEEDED || type == ICMP_PARAMETERPROB;
}

/*
 * May an error be sent about this packet? (RFC 1122 3.2.2) @off: of its IP header from skb->data.
 */
static bool icmp_may_answer(const struct sk_buff *skb, u32 off)
{
	const struct iphdr *iph = ip_hdr(skb);
	u8 type;

	if (skb->pkt_type != PACKET_HOST || be16_to_cpu(iph->frag_off) & IP_OFFSET)
		return false;
	enum inet_addr_type to = inet_addr_type(iph->daddr), from = inet_addr_type(iph->saddr);

	if (to == RTN_BROADCAST || to == RTN_MULTICAST || from == RTN_BROADCAST ||
	    from == RTN_MULTICAST)
		return false;
	if (iph->protocol != IPPROTO_ICMP)
		return true;
	return !skb_copy_bits(skb, off + iph_hdrlen(iph), &type, 1) && !icmp_type_is_error(type);
}

void icmp_send(struct sk_buff *skb, u8 type, u8 code, u32 info)
{
	/* The receive path has pulled the IP header; the error quotes it. */
	u32 pulled = skb->data > skb_network_header(skb)
			     ? (u32)(skb->data - skb_network_header(skb))
			     : 0;

	if (pulled)
		skb_push(skb, pulled);
	u32 off = (u32)(skb_network_header(skb) - skb->data);
	const struct iphdr *iph = ip_hdr(skb);

	if (off + sizeof(*iph) > skb_headlen(skb) || !icmp_may_answer(skb, off))
		goto out;
	be32 saddr = inet_addr_type(iph->daddr) == RTN_LOCAL ? iph->daddr : INADDR_ANY;
	struct rtable *rt = ip_route_output(iph->saddr, saddr, 0);

	if (IS_ERR(rt))
		goto out;
	if (!icmp_allow(rt->dev, iph->saddr, type, code)) {
		SNMP_INC(ICMP_OUTRATELIMIT);
		rt_put(rt);
		goto out;
	}
	struct ip_params p = {
		.saddr = rt->src, .daddr = iph->saddr, .protocol = IPPROTO_ICMP,
		/* RFC 1812 4.3.2.5: precedence "internetwork control" */
		.tos = (u8)((iph->tos & 0x1e) | 0xc0),
		.ttl = (u8)sysctl_ip_default_ttl, .df = false,
	};
	struct icmphdr h = { .type = type, .code = code, .un.gateway = cpu_to_be32(info) };

	icmp_xmit(rt, &p, &h, skb, off, min_t(u32, skb->len - off, ICMP_QUOTE_MAX));
out:
	if (pulled)
		skb_pull(skb, pulled);
}

/* --- receiving ----------------------------------------------------------------------------- */

/* Answer @skb (data at its ICMP header) with @h and the rest of its bytes. */
static void icmp_reply(struct sk_buff *skb, const struct icmphdr *h)
{
	const struct iphdr *iph = ip_hdr(skb);
	struct rtable *rt = ip_route_output(iph->saddr, iph->daddr, 0);

	if (IS_ERR(rt))
		return;
	struct ip_params p = {
		.saddr = iph->daddr, .daddr = iph->saddr, .protocol = IPPROTO_ICMP, .tos = iph->tos,
		.ttl = (u8)sysctl_ip_default_ttl, .df = false,
	};

	icmp_xmit(rt, &p, h, skb, sizeof(*h), skb->len - (u32)sizeof(*h));
}

static void icmp_echo(struct sk_buff *skb)
{
	struct icmphdr h = *(const struct icmphdr *)skb->data;

	SNMP_INC(ICMP_INECHOS);
	/* RFC 1122 3.2.2.6 permits to ignore those to a broadcast address; Linux does. */
	if (skb->pkt_type != PACKET_HOST) {
		kfree_skb(skb, SKB_DROP_REASON_ICMP_IGNORED);
		return;
	}
	h.type = ICMP_ECHOREPLY;
	icmp_reply(skb, &h);
	consume_skb(skb);
}

/* RFC 792: milliseconds since midnight UT, when received and when sent back. */
static void icmp_timestamp(struct sk_buff *skb)
{
	struct icmphdr h = *(const struct icmphdr *)skb->data;
	be32 stamp = cpu_to_be32((u32)(ktime_get_real_ns() / NSEC_PER_MSEC % (86400 * 1000)));

	if (skb->pkt_type != PACKET_HOST || skb->len < sizeof(h) + 12 || skb_cow_head(skb, 0) ||
	    !pskb_may_pull(skb, sizeof(h) + 12)) {
		kfree_skb(skb, SKB_DROP_REASON_ICMP_IGNORED);
		return;
	}
	memcpy(skb->data + sizeof(h) + 4, &stamp, 4);
	memcpy(skb->data + sizeof(h) + 8, &stamp, 4);
	skb_trim(skb, sizeof(h) + 12);
	h.type = ICMP_TIMESTAMPREPLY;
	icmp_reply(skb, &h);
	consume_skb(skb);
}

/*
 * What the error says beyond type and code: the MTU of the next hop, or where the parameter problem
 * is.
 */
static u32 icmp_error_info(const struct icmphdr *h, const struct iphdr *quoted)
{
	if (h->type == ICMP_PARAMETERPROB)
		return h->un.pointer;
	if (h->type != ICMP_DEST_UNREACH || h->code != ICMP_FRAG_NEEDED)
		return 0;
	u32 mtu = be16_to_cpu(h->un.frag.mtu);

	/* Believed only about a packet that we may have sent, and that may not be fragmented. */
	if (inet_addr_type(quoted->saddr) == RTN_LOCAL && be16_to_cpu(quoted->frag_off) & IP_DF &&
	    mtu < be16_to_cpu(quoted->tot_len))
		ip_rt_update_pmtu(quoted->daddr, mtu);
	return mtu;
}

static void icmp_unreach(struct sk_buff *skb)
{
	if (!pskb_may_pull(skb, sizeof(struct icmphdr) + sizeof(struct iphdr)))
		goto out_bad;
	const struct iphdr *quoted = (const struct iphdr *)(skb->data + sizeof(struct icmphdr));
	u32 qlen = iph_hdrlen(quoted);

	/*
	 * RFC 792: at least eight bytes behind the quoted header; the protocols look at no more
	 * unasked.
	 */
	if (qlen < sizeof(*quoted) || !pskb_may_pull(skb, (u32)sizeof(struct icmphdr) + qlen + 8))
		goto out_bad;
	quoted = (const struct iphdr *)(skb->data + sizeof(struct icmphdr));
	u32 info = icmp_error_info((const struct icmphdr *)skb->data, quoted);
	int protocol = quoted->protocol;

	skb_pull(skb, sizeof(struct icmphdr));
	raw_icmp_error(skb, protocol, info);
	if (inet_protos[protocol] && inet_protos[protocol]->err_handler)
		inet_protos[protocol]->err_handler(skb, info);
	consume_skb(skb);
	return;
out_bad:
	SNMP_INC(ICMP_INERRORS);
	kfree_skb(skb, SKB_DROP_REASON_HDR_TRUNC);
}

static void icmp_dispatch(struct sk_buff *skb, u8 type)
{
	switch (type) {
	case ICMP_ECHO:
		icmp_echo(skb);
		return;
	case ICMP_ECHOREPLY:
		SNMP_INC(ICMP_INECHOREPS);
		ping_rcv(skb);
		return;
	case ICMP_DEST_UNREACH:
		SNMP_INC(ICMP_INDESTUNREACHS);
		icmp_unreach(skb);
		return;
	case ICMP_TIME_EXCEEDED:
		SNMP_INC(ICMP_INTIMEEXCDS);
		icmp_unreach(skb);
		return;
	case ICMP_PARAMETERPROB:
	case ICMP_SOURCE_QUENCH:
		icmp_unreach(skb);
		return;
	case ICMP_TIMESTAMP:
		icmp_timestamp(skb);
		return;
	default:
		kfree_skb(skb, SKB_DROP_REASON_ICMP_IGNORED);
	}
}

static void icmp_rcv(struct sk_buff *skb)
{
	SNMP_INC(ICMP_INMSGS);
	if (!pskb_may_pull(skb, sizeof(struct icmphdr))) {
		SNMP_INC(ICMP_INERRORS);
		kfree_skb(skb, SKB_DROP_REASON_PKT_TOO_SMALL);
		return;
	}
	if (!skb_csum_unnecessary(skb) && csum_fold(skb_checksum(skb, 0, skb->len, 0))) {
		SNMP_INC(ICMP_INCSUMERRORS);
		SNMP_INC(ICMP_INERRORS);
		kfree_skb(skb, SKB_DROP_REASON_ICMP_CSUM);
		return;
	}
	icmp_dispatch(skb, ((const struct icmphdr *)skb->data)->type);
}

/* An error about an ICMP message of ours: only echo requests have somebody who waits. */
static void icmp_err(struct sk_buff *skb, u32 info)
{
	const struct iphdr *iph = (const struct iphdr *)skb->data;
	const struct icmphdr *h = (const struct icmphdr *)(skb->data + iph_hdrlen(iph));

	if (h->type == ICMP_ECHO)
		ping_err(skb, info);
}

const struct net_protocol icmp_protocol = { .handler = icmp_rcv, .err_handler = icmp_err };

void icmp_init(void) { ping_init(); }

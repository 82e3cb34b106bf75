/*
 * net/ipv4/ip_output.c - the IP header written, and packets that are too large cut up.
 *
 * Linux:   net/ipv4/ip_output.c (6.1)
 * Same:    ip_queue_xmit() for connected socks with their cached route; DF as the path MTU setting
 *          asks; a datagram without DF is fragmented here.
 * Differs: 1. a datagram arrives here whole; nothing builds fragments
 *             piece by piece.
 *          2. fragments are copies. 3. no options are sent.
 * Locks:   none; SLOCK or the owner for the route of a sock.
 * Walk:    tcp_transmit_skb() -> ip_queue_xmit() -> neigh_output().
 */
#include "kernel/random.h"
#include "kernel/string.h"
#include "kernel/trace.h"
#include "net/ipv4/ip.h"

int sysctl_ip_default_ttl = IPDEFTTL;

static inline void ip_write_header(struct sk_buff *skb, be32 saddr, be32 daddr, u16 id,
				   u16 frag_off, u32 ttl_proto_tos)
{
	struct iphdr *iph = skb_push(skb, sizeof(*iph));

	skb_reset_network_header(skb);
	iph->ver_ihl = 0x45;
	iph->tos = (u8)ttl_proto_tos;
	iph->tot_len = cpu_to_be16((u16)skb->len);
	iph->id = cpu_to_be16(id);
	iph->frag_off = cpu_to_be16(frag_off);
	iph->ttl = (u8)(ttl_proto_tos >> 16);
	iph->protocol = (u8)(ttl_proto_tos >> 8);
	iph->check = 0;
	iph->saddr = saddr;
	iph->daddr = daddr;
	iph->check = ip_fast_csum(iph, 5);
}

/* --- fragmentation ------------------------------------------------------------------------- */

/* One fragment: @n bytes of payload from @pos on, with the header of the whole. */
static struct sk_buff *ip_make_fragment(const struct sk_buff *skb, u32 hlen, u32 pos, u32 n)
{
	struct sk_buff *f = alloc_skb(MAX_HEADER + hlen + n, GFP_ATOMIC);

	if (!f)
		return NULL;
	skb_reserve(f, MAX_HEADER);
	skb_reset_network_header(f);
	memcpy(skb_put(f, hlen), skb->data, hlen);
	if (skb_copy_bits(skb, hlen + pos, skb_put(f, n), n)) {
		consume_skb(f);
		return NULL;
	}
	bool last = hlen + pos + n == skb->len;
	struct iphdr *iph = ip_hdr(f);
	u16 old = be16_to_cpu(iph->frag_off);

	iph->tot_len = cpu_to_be16((u16)f->len);
	iph->frag_off = cpu_to_be16(
		(u16)((old & IP_MF) | ((old & IP_OFFSET) + (pos >> 3)) | (last ? 0 : IP_MF)));
	iph->check = 0;
	iph->check = ip_fast_csum(iph, hlen / 4);
	f->protocol = skb->protocol;
	f->id = skb->id;
	f->rt = skb->rt;
	rt_get(f->rt);
	return f;
}

/* Takes the skb. */
static noinline int ip_fragment(struct sk_buff *skb, u32 mtu)
{
	u32 hlen = iph_hdrlen(ip_hdr(skb));
	u32 step = (mtu - hlen) & ~7U; /* RFC 791: offsets count eights */
	u32 payload = skb->len - hlen;
	int err = 0;

	if (skb_checksum_help(skb))
		goto out_nomem;
	for (u32 pos = 0; pos < payload && !err; pos += step) {
		struct sk_buff *f = ip_make_fragment(skb, hlen, pos, min(step, payload - pos));

		if (!f)
			goto out_nomem;
		/*
		 * Each carries its share of what the socket is charged for, so a sender cannot
		 * outrun the device.
		 */
		if (skb->sk && skb->destructor == sock_wfree)
			skb_set_owner_w(f, skb->sk);
		SNMP_INC(IP_FRAGCREATES);
		err = neigh_output(f);
	}
	SNMP_INC(IP_FRAGOKS);
	consume_skb(skb);
	return err;
out_nomem:
	SNMP_INC(IP_FRAGFAILS);
	kfree_skb(skb, SKB_DROP_REASON_NOMEM);
	return -ENOMEM;
}

/* A whole packet with skb->rt set goes to the next hop, in pieces if need be. Takes the skb. */
int ip_finish_output(struct sk_buff *skb)
{
	u32 mtu = skb->rt->mtu;

	skb->protocol = cpu_to_be16(ETH_P_IP);
	if (likely(skb->len <= mtu || skb_is_gso(skb)))
		return neigh_output(skb);
	if (!(be16_to_cpu(ip_hdr(skb)->frag_off) & IP_DF))
		return ip_fragment(skb, mtu);
	SNMP_INC(IP_FRAGFAILS);
	icmp_send(skb, ICMP_DEST_UNREACH, ICMP_FRAG_NEEDED, mtu);
	kfree_skb(skb, SKB_DROP_REASON_PKT_TOO_BIG);
	return -EMSGSIZE;
}

/* --- entry points -------------------------------------------------------------------------- */

int ip_send_skb(struct sk_buff *skb, struct rtable *rt, const struct ip_params *p)
{
	/* An id matters only where fragments may have to be told apart (RFC 6864 4.1). */
	u16 id = p->df ? 0 : (u16)get_random_u32();

	skb->rt = rt;
	SNMP_INC(IP_OUTREQUESTS);
	ip_write_header(skb, p->saddr, p->daddr, id, p->df ? IP_DF : 0,
			(u32)p->ttl << 16 | (u32)p->protocol << 8 | p->tos);
	return ip_finish_output(skb);
}

int ip_queue_xmit(struct sock *sk, struct sk_buff *skb)
{
	struct inet_sock *inet = inet_sk(sk);
	struct rtable *rt = sk_dst_check(sk);

	trace(ip_queue_xmit, skb->id);
	if (unlikely(!rt)) {
		rt = ip_route_output(sk->sk_daddr, inet->inet_saddr, sk->sk_bound_dev_if);
		if (IS_ERR(rt)) {
			SNMP_INC(IP_OUTNOROUTES);
			kfree_skb(skb, SKB_DROP_REASON_IP_OUTNOROUTES);
			return -EHOSTUNREACH;
		}
		sk_dst_set(sk, rt);
	}
	rt_get(rt);
	skb->rt = rt;
	bool df = inet->pmtudisc == IP_PMTUDISC_DO || inet->pmtudisc == IP_PMTUDISC_WANT;
	u32 ttl = inet->ttl ? inet->ttl : (u32)sysctl_ip_default_ttl;

	SNMP_INC(IP_OUTREQUESTS);
	ip_write_header(skb, inet->inet_saddr, sk->sk_daddr, inet->inet_id, df ? IP_DF : 0,
			ttl << 16 | (u32)sk->sk_protocol << 8 | inet->tos);
	inet->inet_id = (u16)(inet->inet_id + (skb_is_gso(skb) ? skb_shinfo(skb)->gso_segs : 1));
	return ip_finish_output(skb);
}

/*
 * net/ipv4/ip_forward.c - packets for others: in by one device, out by another, one hop less to live.
 *
 * Linux:   net/ipv4/ip_forward.c (6.1); RFC 1812 5
 * Same:    off unless net.ipv4.ip_forward is 1; what is not forwarded and what its sender is told; the header's
 *          checksum is changed, not made anew (RFC 1624).
 * Differs: 1. no redirects, no reverse path filter; options that routers fill in are passed as they are.
 * Locks:   none.
 * Walk:    ip_rcv() -> ip_forward() -> ip_finish_output() -> neigh_output().
 */
#include "net/ipv4/ip.h"
#include "net/wire/tcp.h"
#include "net/wire/udp.h"

int sysctl_ip_forward;

/* RFC 1624: one less in the upper byte of a word is one more in that of the checksum, which is its complement. */
static void ip_decrease_ttl(struct iphdr *iph)
{
	u32 check = (u32)iph->check + cpu_to_be16(0x0100).raw;

	iph->check = (u16)(check + (check >= 0xffff));
	iph->ttl--;
}

/*
 * The device vouched for the checksum, but perhaps nobody has computed it: the packet may come from this very host. Who
 * sends it on must. Return: false: the packet is too short for its headers.
 */
static bool ip_forward_checksum(struct sk_buff *skb)
{
	u32 hlen = iph_hdrlen(ip_hdr(skb)), offset;

	if (skb->ip_summed != CHECKSUM_UNNECESSARY || ip_hdr(skb)->frag_off.raw & cpu_to_be16(IP_MF | IP_OFFSET).raw)
		return true;
	if (ip_hdr(skb)->protocol == IPPROTO_TCP)
		offset = offsetof(struct tcphdr, check);
	else if (ip_hdr(skb)->protocol == IPPROTO_UDP)
		offset = offsetof(struct udphdr, check);
	else
		return true;
	if (!pskb_may_pull(skb, hlen + offset + sizeof(u16)))
		return false;
	const struct iphdr *iph = ip_hdr(skb);
	u16 *check = (u16 *)((u8 *)iph + hlen + offset);

	if (iph->protocol == IPPROTO_UDP && !*check)
		return true;
	*check = (u16)~csum_tcpudp_magic(iph->saddr, iph->daddr, skb->len - hlen, iph->protocol, 0);
	skb->ip_summed = CHECKSUM_PARTIAL;
	skb->csum_start = (u16)(skb->network_header + hlen);
	skb->csum_offset = (u16)offset;
	return true;
}

static bool ip_is_too_big(const struct sk_buff *skb, u32 mtu)
{
	if (!(be16_to_cpu(ip_hdr(skb)->frag_off) & IP_DF))
		return false;
	return (skb_is_gso(skb) ? skb_shinfo(skb)->gso_size + 2U * sizeof(struct iphdr) : skb->len) > mtu;
}

/* Where to; or why not, after its sender has been told. */
static struct rtable *ip_forward_route(struct sk_buff *skb, enum skb_drop_reason *why)
{
	const struct iphdr *iph = ip_hdr(skb);

	if (iph->ttl <= 1) {
		SNMP_INC(IP_INHDRERRORS);
		icmp_send(skb, ICMP_TIME_EXCEEDED, ICMP_EXC_TTL, 0);
		*why = SKB_DROP_REASON_IP_TTL;
		return NULL;
	}
	struct rtable *rt = ip_route_output(iph->daddr, INADDR_ANY, 0);

	*why = SKB_DROP_REASON_IP_INNOROUTES;
	if (IS_ERR(rt)) {
		SNMP_INC(IP_INNOROUTES);
		icmp_send(skb, ICMP_DEST_UNREACH,
			  PTR_ERR(rt) == -ENETUNREACH ? ICMP_NET_UNREACH : ICMP_HOST_UNREACH, 0);
		return NULL;
	}
	if (!ip_is_too_big(skb, rt->mtu))
		return rt;
	SNMP_INC(IP_FRAGFAILS);
	icmp_send(skb, ICMP_DEST_UNREACH, ICMP_FRAG_NEEDED, rt->mtu);
	rt_put(rt);
	*why = SKB_DROP_REASON_PKT_TOO_BIG;
	return NULL;
}

void ip_forward(struct sk_buff *skb)
{
	enum skb_drop_reason why = SKB_DROP_REASON_IP_INADDRERRORS;
	be32 daddr = ip_hdr(skb)->daddr;
	struct rtable *rt = NULL;

	/* RFC 1812 5.3.7 */
	if (skb->pkt_type == PACKET_HOST && !ipv4_is_loopback(daddr) && !ipv4_is_zeronet(daddr))
		rt = ip_forward_route(skb, &why);
	if (!rt) {
		kfree_skb(skb, why);
		return;
	}
	if (skb_cow_head(skb, rt->dev->hard_header_len) || !ip_forward_checksum(skb)) {
		rt_put(rt);
		kfree_skb(skb, SKB_DROP_REASON_NOMEM);
		return;
	}
	SNMP_INC(IP_FORWDATAGRAMS);
	ip_decrease_ttl(ip_hdr(skb));
	skb->rt = rt;
	ip_finish_output(skb);
}

/*
 * net/ipv4/ip_input.c - an IP packet arrives: checked, found to be for us, handed to its protocol.
 *
 * Linux:   net/ipv4/ip_input.c (6.1)
 * Same:    the checks of ip_rcv_core() in their order (RFC 1122 3.2.1); packets that came over the
 *          loopback carry their route with them; fragments are collected before delivery.
 * Differs: 1. a host only: nothing is forwarded. 2. options are checked for form and otherwise
 *             ignored; source routes are refused.
 * Locks:   none.
 * Walk:    netif_receive_skb() -> ip_rcv() -> ip_local_deliver() -> tcp_v4_rcv().
 */
#include "kernel/trace.h"
#include "net/ipv4/ip.h"

enum { IPOPT_END = 0, IPOPT_NOOP = 1, IPOPT_LSRR = 131, IPOPT_SSRR = 137 };

static void ip_local_deliver_finish(struct sk_buff *skb)
{
	const struct iphdr *iph = ip_hdr(skb);
	int protocol = iph->protocol;

	trace(ip_local_deliver, skb->id, protocol);
	skb_pull(skb, iph_hdrlen(iph));
	skb_reset_transport_header(skb);
	bool raw = raw_local_deliver(skb, protocol);
	const struct net_protocol *proto = inet_protos[protocol];

	if (likely(proto)) {
		SNMP_INC(IP_INDELIVERS);
		proto->handler(skb);
		return;
	}
	if (raw) {
		SNMP_INC(IP_INDELIVERS);
		consume_skb(skb);
		return;
	}
	SNMP_INC(IP_INUNKNOWNPROTOS);
	icmp_send(skb, ICMP_DEST_UNREACH, ICMP_PROT_UNREACH, 0);
	kfree_skb(skb, SKB_DROP_REASON_UNHANDLED_PROTO);
}

static inline void ip_local_deliver(struct sk_buff *skb)
{
	if (unlikely(ip_hdr(skb)->frag_off.raw & cpu_to_be16(IP_MF | IP_OFFSET).raw)) {
		skb = ip_defrag(skb);
		if (!skb)
			return;
	}
	ip_local_deliver_finish(skb);
}

/* Are the options well formed, and none that asks for a route of its own? */
static noinline bool ip_options_ok(const u8 *opt, u32 len)
{
	while (len) {
		if (opt[0] == IPOPT_END)
			return true;
		if (opt[0] == IPOPT_NOOP) {
			opt++;
			len--;
			continue;
		}
		if (len < 2 || opt[1] < 2 || opt[1] > len || opt[0] == IPOPT_LSRR ||
		    opt[0] == IPOPT_SSRR)
			return false;
		len -= opt[1];
		opt += opt[1];
	}
	return true;
}

/* May a packet from outside have this source? (RFC 1122 3.2.1.3) */
static bool ip_source_ok(be32 saddr, be32 daddr)
{
	if (ipv4_is_zeronet(saddr))
		/* a host that asks for its address */
		return ipv4_is_lbcast(daddr) || ipv4_is_multicast(daddr);
	return !ipv4_is_multicast(saddr) && !ipv4_is_loopback(saddr) &&
	       inet_addr_type(saddr) == RTN_UNICAST;
}

/* Is it for us? Takes the skb if not. */
static bool ip_input_accept(struct sk_buff *skb, struct net_device *dev)
{
	const struct iphdr *iph = ip_hdr(skb);

	/* On the loopback everybody is ourselves. */
	if (unlikely(!(dev->flags & IFF_LOOPBACK) && !ip_source_ok(iph->saddr, iph->daddr))) {
		SNMP_INC(IP_INADDRERRORS);
		kfree_skb(skb, SKB_DROP_REASON_IP_INADDRERRORS);
		return false;
	}
	enum inet_addr_type type = inet_addr_type(iph->daddr);

	if (likely(type == RTN_LOCAL &&
		   !(ipv4_is_loopback(iph->daddr) && !(dev->flags & IFF_LOOPBACK))))
		return true;
	if (type == RTN_BROADCAST && !ipv4_is_zeronet(iph->daddr)) {
		skb->pkt_type = PACKET_BROADCAST;
		return true;
	}
	/* 224.0.0.1, all hosts on this link, is the one group everybody is in (RFC 1112 4). */
	if (type == RTN_MULTICAST && iph->daddr.raw == cpu_to_be32(0xe0000001).raw) {
		skb->pkt_type = PACKET_MULTICAST;
		return true;
	}
	if (type == RTN_UNICAST && READ_ONCE(sysctl_ip_forward)) {
		ip_forward(skb);
		return false;
	}
	SNMP_INC(IP_INADDRERRORS);
	kfree_skb(skb, SKB_DROP_REASON_IP_INADDRERRORS);
	return false;
}

/*
 * The header's own consistency. Return: SKB_NOT_DROPPED_YET if it holds; the packet is cut to its
 * length then.
 */
static inline enum skb_drop_reason ip_rcv_core(struct sk_buff *skb)
{
	if (!pskb_may_pull(skb, sizeof(struct iphdr)))
		return SKB_DROP_REASON_PKT_TOO_SMALL;
	const struct iphdr *iph = ip_hdr(skb);
	u32 hlen = iph_hdrlen(iph);

	if (unlikely(hlen < sizeof(*iph) || iph_version(iph) != 4))
		return SKB_DROP_REASON_IP_INHDR;
	if (unlikely(!pskb_may_pull(skb, hlen)))
		return SKB_DROP_REASON_HDR_TRUNC;
	iph = ip_hdr(skb);
	if (unlikely(ip_fast_csum(iph, hlen / 4)))
		return SKB_DROP_REASON_IP_CSUM;
	u32 len = be16_to_cpu(iph->tot_len);

	if (unlikely(len > skb->len))
		return SKB_DROP_REASON_PKT_TOO_SMALL;
	if (unlikely(len < hlen))
		return SKB_DROP_REASON_IP_INHDR;
	if (unlikely(hlen > sizeof(*iph)) &&
	    !ip_options_ok((const u8 *)(iph + 1), hlen - (u32)sizeof(*iph)))
		return SKB_DROP_REASON_IP_INHDR;
	/* Link padding goes. */
	skb_trim(skb, len);
	return SKB_NOT_DROPPED_YET;
}

void ip_rcv(struct sk_buff *skb, struct net_device *dev, __unused struct packet_type *pt)
{
	trace(ip_rcv, skb->id, skb->len);
	if (unlikely(skb->pkt_type == PACKET_OTHERHOST)) {
		kfree_skb(skb, SKB_DROP_REASON_OTHERHOST);
		return;
	}
	SNMP_INC(IP_INRECEIVES);
	enum skb_drop_reason why = ip_rcv_core(skb);

	if (unlikely(why != SKB_NOT_DROPPED_YET)) {
		SNMP_INC(IP_INHDRERRORS);
		kfree_skb(skb, why);
		return;
	}
	skb_orphan(skb);
	/* What we sent to ourselves was routed by ip_route_output(): it is for us. */
	if (!(skb->rt && skb->rt->local) && !ip_input_accept(skb, dev))
		return;
	IPCB(skb)->iif = dev->ifindex;
	ip_local_deliver(skb);
}

/*
 * net/core/gso.c - a super-packet of TCP cut into frames, for devices that cannot do it.
 *
 * Linux:   net/core/gso.c, net/ipv4/tcp_offload.c, net/ipv4/af_inet.c: inet_gso_segment (6.1)
 * Same:    each piece has the headers of the whole with its own length, IP id, sequence number and
 *          checksum; FIN and PSH stay with the last piece.
 * Differs: 1. TCP over IPv4 only. 2. the payload is copied: a device without TSO mostly lacks
 *             gathering too.
 * Locks:   none.
 * Walk:    dev_queue_xmit() -> skb_gso_segment().
 */
#include "kernel/string.h"
#include "net/netdevice.h"
#include "net/wire/checksum.h"
#include "net/wire/ipv4.h"
#include "net/wire/tcp.h"

/* Write what differs from piece to piece into the headers that were copied. */
static void segment_fix_headers(struct sk_buff *seg, u32 payload_pos, u16 index, bool last)
{
	struct iphdr *iph = (struct iphdr *)skb_network_header(seg);
	struct tcphdr *th = (struct tcphdr *)skb_transport_header(seg);
	u32 tcp_len = (u32)(seg->tail - (u8 *)th);

	iph->tot_len = cpu_to_be16((u16)(seg->tail - (u8 *)iph));
	iph->id = cpu_to_be16((u16)(be16_to_cpu(iph->id) + index));
	iph->check = 0;
	iph->check = ip_fast_csum(iph, iph->ver_ihl & 15);
	th->seq = seq_to_be32(seq_add(be32_to_seq(th->seq), payload_pos));
	if (!last)
		th->flags &= (u8)~(TCPHDR_FIN | TCPHDR_PSH);
	if (index)
		th->flags &= (u8)~TCPHDR_CWR;
	/*
	 * The pseudo header's sum, to be completed over the segment by whoever finishes
	 * CHECKSUM_PARTIAL.
	 */
	th->check = (u16)~csum_tcpudp_magic(iph->saddr, iph->daddr, tcp_len, IPPROTO_TCP, 0);
	seg->ip_summed = CHECKSUM_PARTIAL;
	seg->csum_start = seg->transport_header;
	seg->csum_offset = offsetof(struct tcphdr, check);
}

/* One piece: @hdr bytes of headers, and @n bytes of payload from @pos on. */
static struct sk_buff *segment_make(const struct sk_buff *skb, u32 hdr, u32 pos, u32 n)
{
	struct sk_buff *seg = alloc_skb(MAX_HEADER + hdr + n, GFP_ATOMIC);

	if (!seg)
		return NULL;
	skb_reserve(seg, MAX_HEADER);
	memcpy(skb_put(seg, hdr), skb->data, hdr);
	if (skb_copy_bits(skb, hdr + pos, skb_put(seg, n), n)) {
		consume_skb(seg);
		return NULL;
	}
	int moved = MAX_HEADER - (int)skb_headroom(skb);

	seg->dev = skb->dev;
	seg->protocol = skb->protocol;
	seg->id = skb->id;
	seg->mac_header = (u16)(skb->mac_header + moved);
	seg->network_header = (u16)(skb->network_header + moved);
	seg->transport_header = (u16)(skb->transport_header + moved);
	return seg;
}

struct sk_buff *skb_gso_segment(struct sk_buff *skb)
{
	u32 mss = skb_shinfo(skb)->gso_size;
	u32 th_off = (u32)skb_transport_offset(skb);

	if (!(skb_shinfo(skb)->gso_type & SKB_GSO_TCPV4) ||
	    !pskb_may_pull(skb, th_off + sizeof(struct tcphdr)))
		return ERR_PTR(-EINVAL);
	u32 hdr = th_off + tcp_hdrlen_of((struct tcphdr *)skb_transport_header(skb));

	if (hdr >= skb->len || !pskb_may_pull(skb, hdr))
		return ERR_PTR(-EINVAL);
	struct sk_buff *first = NULL, **tail = &first;
	u32 payload = skb->len - hdr;
	u16 index = 0;

	for (u32 pos = 0; pos < payload; pos += mss) {
		u32 n = min(mss, payload - pos);
		struct sk_buff *seg = segment_make(skb, hdr, pos, n);

		if (!seg)
			goto out_free;
		segment_fix_headers(seg, pos, index++, pos + n == payload);
		*tail = seg;
		tail = &seg->next;
	}
	return first;
out_free:
	while (first) {
		struct sk_buff *next = first->next;

		consume_skb(first);
		first = next;
	}
	return ERR_PTR(-ENOMEM);
}

/*
 * net/ethernet/eth.c - frames: the header read on the way in and written on the way out.
 *
 * Linux:   net/ethernet/eth.c (6.1)
 * Same:    eth_type_trans() classifies the packet by its destination; ether_setup()'s defaults.
 * Differs: none.
 * Locks:   none.
 * Walk:    virtnet_receive() -> eth_type_trans() -> netif_receive_skb(); neigh_output() ->
 *          eth_header().
 */
#include "net/wire/eth.h"
#include "kernel/string.h"
#include "net/netdevice.h"

be16 eth_type_trans(struct sk_buff *skb, struct net_device *dev)
{
	const struct ethhdr *eth = (const struct ethhdr *)skb->data;

	skb->dev = dev;
	skb_reset_mac_header(skb);
	skb->data += ETH_HLEN;
	skb->len -= ETH_HLEN;
	if (likely(ether_addr_equal(eth->h_dest, dev->dev_addr)))
		skb->pkt_type = PACKET_HOST;
	else if (!is_multicast_ether_addr(eth->h_dest))
		skb->pkt_type = PACKET_OTHERHOST;
	else if (ether_addr_equal(eth->h_dest, dev->broadcast))
		skb->pkt_type = PACKET_BROADCAST;
	else
		skb->pkt_type = PACKET_MULTICAST;
	if (likely(be16_to_cpu(eth->h_proto) >= ETH_P_802_3_MIN))
		return eth->h_proto;
	return cpu_to_be16(ETH_P_802_2);
}

void eth_header(struct sk_buff *skb, struct net_device *dev, u16 type, const u8 *dst, const u8 *src)
{
	struct ethhdr *eth = skb_push(skb, ETH_HLEN);

	ether_addr_copy(eth->h_dest, dst);
	ether_addr_copy(eth->h_source, src ? src : dev->dev_addr);
	eth->h_proto = cpu_to_be16(type);
	skb_reset_mac_header(skb);
}

void ether_setup(struct net_device *dev)
{
	dev->type = ARPHRD_ETHER;
	dev->hard_header_len = ETH_HLEN;
	dev->mtu = ETH_DATA_LEN;
	dev->tx_queue_len = 1000;
	dev->flags = IFF_BROADCAST | IFF_MULTICAST;
	memset(dev->broadcast, 0xff, ETH_ALEN);
}

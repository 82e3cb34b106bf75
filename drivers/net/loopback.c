/*
 * drivers/net/loopback.c - lo: what is sent comes back. Also the pattern for a network device in few lines.
 *
 * Linux:   drivers/net/loopback.c (6.1)
 * Same:    ndo_start_xmit() turns the packet around and queues it on this CPU's backlog; no checksums are made or
 *          checked and no super-packet is cut: both ends are this machine.
 * Differs: 1. one MTU, 65536, as Linux's default.
 * Locks:   none (NETIF_F_LLTX): the backlog is the CPU's own.
 * Walk:    dev_queue_xmit() -> loopback_xmit() -> netif_rx() -> process_backlog() -> netif_receive_skb().
 */
#include "drivers/drivers.h"
#include "net/netdevice.h"

enum { LOOPBACK_MTU = 65536 };

struct net_device *loopback_dev;

static netdev_tx_t loopback_xmit(struct sk_buff *skb, struct net_device *dev)
{
	u32 len = skb->len;

	/*
	 * The sender's accounting ends here; the receiver's begins when a socket takes it. The route stays: by it
	 * ip_rcv() knows that the packet is for us.
	 */
	skb_orphan(skb);
	skb->protocol = eth_type_trans(skb, dev);
	if (skb->ip_summed == CHECKSUM_PARTIAL)
		skb->ip_summed = CHECKSUM_UNNECESSARY;
	/* Without a lock every CPU may be here at once. */
	__atomic_fetch_add(&dev->stats.tx_packets, 1, __ATOMIC_RELAXED);
	__atomic_fetch_add(&dev->stats.tx_bytes, len, __ATOMIC_RELAXED);
	__atomic_fetch_add(&dev->stats.rx_packets, 1, __ATOMIC_RELAXED);
	__atomic_fetch_add(&dev->stats.rx_bytes, len, __ATOMIC_RELAXED);
	(void)netif_rx(skb);	/* a full backlog drops and counts it */
	return NETDEV_TX_OK;
}

static const struct net_device_ops loopback_ops = {
	.ndo_start_xmit = loopback_xmit,
};

void loopback_init(void)
{
	struct net_device *dev = alloc_netdev(0, "lo");

	if (!dev)
		panic("no memory for the loopback device");
	ether_setup(dev);
	dev->type = ARPHRD_LOOPBACK;
	dev->flags = IFF_LOOPBACK;
	dev->mtu = LOOPBACK_MTU;
	dev->features = NETIF_F_HW_CSUM | NETIF_F_SG | NETIF_F_TSO | NETIF_F_RXCSUM | NETIF_F_LLTX;
	dev->netdev_ops = &loopback_ops;
	if (register_netdev(dev))
		panic("the loopback device cannot be registered");
	loopback_dev = dev;
}

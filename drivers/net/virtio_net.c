/*
 * drivers/net/virtio_net.c - the network card of a virtual machine: a queue of buffers in, a queue of packets out.
 *
 * Linux:   drivers/net/virtio_net.c (6.1); VIRTIO 1.2, 5.1
 * Same:    NAPI: the interrupt only schedules the poll; mergeable receive buffers; small packets are copied so that
 *          their buffer can be used again at once; sent packets are freed by later calls, not by interrupts.
 * Differs: 1. one pair of queues.
 *          2. receive buffers are whole pages, so that a super-packet fits an skb; "small" is whatever fits an ordinary
 *             frame: left in its page it would hold three times its size, and a socket's buffer, which counts memory
 *             held, would be full after a third of the window.
 *          3. a sent skb is orphaned when it enters the ring (as Linux does without tx NAPI): it may lie there until
 *             the next packet goes or comes, and its socket must not wait for that.
 *          4. the header the device reads stands in skb->cb, which nobody else uses once the driver owns the packet:
 *             no headroom is needed, and shared heads are never written.
 *          5. packets the host says need a checksum are trusted: the host made them, no wire can have changed them.
 * Locks:   TXQ (the stack's xmit_lock) for the transmit queue; the receive queue belongs to the poll.
 * Walk:    virtnet_interrupt() -> napi_schedule() -> net_rx_action() -> virtnet_poll() -> virtnet_receive() ->
 *          netif_receive_skb();  dev_queue_xmit() -> virtnet_start_xmit().
 */
#include "drivers/drivers.h"
#include "drivers/virtio.h"
#include "kernel/printk.h"
#include "kernel/random.h"
#include "kernel/string.h"
#include "kernel/time.h"
#include "kernel/timer.h"
#include "kernel/trace.h"
#include "kernel/workqueue.h"
#include "net/netdevice.h"

enum {
	VIRTIO_NET_F_CSUM = 0, VIRTIO_NET_F_GUEST_CSUM = 1, VIRTIO_NET_F_MTU = 3, VIRTIO_NET_F_MAC = 5,
	VIRTIO_NET_F_GUEST_TSO4 = 7, VIRTIO_NET_F_HOST_TSO4 = 11, VIRTIO_NET_F_MRG_RXBUF = 15, VIRTIO_NET_F_STATUS = 16,
};
enum { VIRTIO_NET_S_LINK_UP = 1 };
struct virtio_net_config { u8 mac[ETH_ALEN]; u16 status, max_virtqueue_pairs, mtu; };
static_assert(offsetof(struct virtio_net_config, mtu) == 10, "VIRTIO 1.2, 5.1.4");
struct virtio_net_hdr {
	u8 flags, gso_type;
	u16 hdr_len, gso_size, csum_start, csum_offset, num_buffers;
};
static_assert(sizeof(struct virtio_net_hdr) == 12, "VIRTIO 1.2, 5.1.6");
enum { VIRTIO_NET_HDR_F_NEEDS_CSUM = 1, VIRTIO_NET_HDR_F_DATA_VALID = 2 };
enum { VIRTIO_NET_HDR_GSO_NONE = 0, VIRTIO_NET_HDR_GSO_TCPV4 = 1 };

enum {
	HDR_LEN = sizeof(struct virtio_net_hdr),
	RX_COPY_LEN = ETH_HLEN + ETH_DATA_LEN, /* up to here a packet is copied whole */
	RX_HEADER_LEN = 128,		/* of a larger one, this much becomes linear: all headers */
	RX_MIN_BUFFERS = 64,		/* several times the pages of the largest packet */
	TX_RESERVE = MAX_SKB_FRAGS + 2,	/* descriptors the largest packet takes */
	RX_MEMORY_SHARE = 64,		/* buffers take at most this part of the machine's memory */
};
#define RX_RETRY_NS (20 * NSEC_PER_MSEC)

enum { RXQ, TXQ, NR_QUEUES };

struct virtnet_info {
	/* immutable */
	struct virtio_device *vdev;
	struct net_device *dev;
	bool mergeable;
	u16 rx_max;			/* receive buffers the device has when all is well */
	/* the poll */
	struct napi_struct napi;
	u16 rx_posted;
	/* own locks */
	struct timer_list refill_timer;
	struct work_struct config_work;
	/* RXQ: the poll; TXQ: dev->xmit_lock */
	struct virtqueue vq[NR_QUEUES];
};

/* --- receive --------------------------------------------------------------------------------------------- */

static bool rx_add_page(struct virtnet_info *vi, struct page *page)
{
	if (unlikely(virtqueue_add_inbuf(&vi->vq[RXQ], page_to_phys(page), PAGE_SIZE, page))) {
		put_page(page);
		return false;
	}
	vi->rx_posted++;
	return true;
}

/* Offer pages until the device has rx_max, and tell it of all that was offered. Return: false if memory ran out. */
static bool virtnet_fill_rx(struct virtnet_info *vi)
{
	bool ok = true;

	while (vi->rx_posted < vi->rx_max) {
		struct page *page = alloc_page(GFP_ATOMIC);

		ok = page != NULL;
		if (!page || !rx_add_page(vi, page))
			break;
	}
	virtqueue_kick(&vi->vq[RXQ]);
	return ok;
}

/*
 * Memory was short: poll again in a while, which refills. Interrupts might never come: the device may have no
 * buffer.
 */
static void virtnet_refill_later(struct timer_list *timer)
{
	napi_schedule(&container_of(timer, struct virtnet_info, refill_timer)->napi);
}

static inline struct page *rx_get_page(struct virtnet_info *vi, u32 *len)
{
	struct page *page = virtqueue_get_buf(&vi->vq[RXQ], len);

	if (page)
		vi->rx_posted--;
	return page;
}

/* The packet cannot be taken: its first page goes back to the device, and so do those that follow. */
static noinline void rx_discard(struct virtnet_info *vi, struct page *page, unsigned int more)
{
	u32 len;

	vi->dev->stats.rx_dropped++;
	do {
		rx_add_page(vi, page);
	} while (more-- && (page = rx_get_page(vi, &len)) != NULL);
}

/* A packet of an ordinary frame's size: copied, so that it does not hold a page, and the page can be used again. */
static struct sk_buff *rx_copy_small(struct virtnet_info *vi, struct page *page, u32 len)
{
	struct sk_buff *skb = netdev_alloc_skb(vi->dev, len);

	if (unlikely(!skb)) {
		rx_discard(vi, page, 0);
		return NULL;
	}
	memcpy(skb_put(skb, len), (u8 *)page_address(page) + HDR_LEN, len);
	rx_add_page(vi, page);
	return skb;
}

static inline void skb_add_rx_page(struct sk_buff *skb, int i, struct page *page, u32 off, u32 len)
{
	skb_fill_page_desc(skb, i, page, off, len);
	skb->len += len;
	skb->data_len += len;
	skb->truesize += PAGE_SIZE;
}

/* The pages after the first of a packet that fills several. false: the device sent nonsense; what is there is skb's. */
static bool rx_merge_pages(struct virtnet_info *vi, struct sk_buff *skb, unsigned int more)
{
	while (more--) {
		int i = skb_shinfo(skb)->nr_frags;
		u32 len;
		struct page *page = rx_get_page(vi, &len);

		if (unlikely(!page)) {
			if (!vi->vq[RXQ].broken)
				virtqueue_break(&vi->vq[RXQ], "a packet lacks buffers that its header announced");
			return false;
		}
		if (unlikely(i >= MAX_SKB_FRAGS || len == 0)) {
			rx_discard(vi, page, more);
			return false;
		}
		skb_add_rx_page(skb, i, page, 0, len);
	}
	return true;
}

/* A packet whose bytes stay where the device put them, but for the headers. */
static struct sk_buff *rx_build_large(struct virtnet_info *vi, struct page *page, u32 len, unsigned int more)
{
	struct sk_buff *skb = netdev_alloc_skb(vi->dev, RX_HEADER_LEN);
	u32 header = min_t(u32, len, RX_HEADER_LEN);

	if (unlikely(!skb)) {
		rx_discard(vi, page, more);
		return NULL;
	}
	memcpy(skb_put(skb, header), (u8 *)page_address(page) + HDR_LEN, header);
	if (likely(len > header))
		skb_add_rx_page(skb, 0, page, HDR_LEN + header, len - header);
	else
		rx_add_page(vi, page);
	if (unlikely(more && !rx_merge_pages(vi, skb, more))) {
		vi->dev->stats.rx_errors++;
		kfree_skb(skb, SKB_DROP_REASON_RX_LENGTH);
		return NULL;
	}
	return skb;
}

/* What the header says beside the lengths. false: it makes no sense. */
static inline bool rx_apply_header(struct sk_buff *skb, const struct virtio_net_hdr *hdr)
{
	if (hdr->flags & (VIRTIO_NET_HDR_F_NEEDS_CSUM | VIRTIO_NET_HDR_F_DATA_VALID))
		skb->ip_summed = CHECKSUM_UNNECESSARY;
	if (likely(hdr->gso_type == VIRTIO_NET_HDR_GSO_NONE))
		return true;
	if (hdr->gso_type != VIRTIO_NET_HDR_GSO_TCPV4 || hdr->gso_size == 0)
		return false;
	struct skb_shared_info *si = skb_shinfo(skb);

	si->gso_type = SKB_GSO_TCPV4 | SKB_GSO_DODGY;
	si->gso_size = hdr->gso_size;
	si->gso_segs = (u16)((skb->len + hdr->gso_size - 1) / hdr->gso_size);
	return true;
}

/* One packet from its first page, which holds @len bytes with the header: to the stack, or discarded. */
static void virtnet_receive_buf(struct virtnet_info *vi, struct page *page, u32 len)
{
	struct net_device *dev = vi->dev;
	/* A copy: the page may go back to the device before we are done with it. */
	struct virtio_net_hdr hdr = *(const struct virtio_net_hdr *)page_address(page);
	unsigned int more = vi->mergeable ? (unsigned int)hdr.num_buffers - 1 : 0;
	struct sk_buff *skb;

	if (unlikely(len < HDR_LEN + ETH_HLEN || more >= VIRTQUEUE_MAX_NUM)) {
		dev->stats.rx_errors++;
		rx_discard(vi, page, 0);
		return;
	}
	len -= HDR_LEN;
	skb = len <= RX_COPY_LEN && !more ? rx_copy_small(vi, page, len) : rx_build_large(vi, page, len, more);
	if (unlikely(!skb))
		return;
	if (unlikely(!rx_apply_header(skb, &hdr))) {
		dev->stats.rx_errors++;
		kfree_skb(skb, SKB_DROP_REASON_DEV_HDR);
		return;
	}
	trace(virtnet_receive, skb->id, skb->len);
	dev->stats.rx_packets++;
	dev->stats.rx_bytes += skb->len;
	skb->protocol = eth_type_trans(skb, dev);
	netif_receive_skb(skb);
}

static int virtnet_receive(struct virtnet_info *vi, int budget)
{
	struct page *page;
	int work = 0;
	u32 len;

	while (work < budget && (page = rx_get_page(vi, &len)) != NULL) {
		virtnet_receive_buf(vi, page, len);
		work++;
	}
	if (unlikely(!virtnet_fill_rx(vi)))
		mod_timer(&vi->refill_timer, ktime_get_ns() + RX_RETRY_NS);
	return work;
}

/* --- transmit -------------------------------------------------------------------------------------------- */

/* Free what the device has sent. Locks: TXQ held. */
static void free_old_xmit(struct virtnet_info *vi)
{
	struct sk_buff *skb;
	u32 len;

	while ((skb = virtqueue_get_buf(&vi->vq[TXQ], &len)) != NULL)
		consume_skb(skb);
}

/* From the poll: a packet that comes is a good time to free those that went, and to let waiting ones go. */
static void virtnet_poll_cleantx(struct virtnet_info *vi)
{
	struct net_device *dev = vi->dev;

	if (!virtqueue_more_used(&vi->vq[TXQ]))
		return;
	/* Who holds it frees them itself; but if the queue is stopped, nobody may come again to wake it. */
	if (unlikely(netif_queue_stopped(dev)))
		spin_lock(&dev->xmit_lock);
	else if (!spin_trylock(&dev->xmit_lock))
		return;
	free_old_xmit(vi);
	if (unlikely(dev->queue_stopped) && vi->vq[TXQ].num_free >= TX_RESERVE)
		netif_wake_queue(dev);
	spin_unlock(&dev->xmit_lock);
}

static inline struct virtio_net_hdr *tx_header(struct sk_buff *skb)
{
	static_assert(sizeof(skb->cb) >= HDR_LEN, "the header fits");
	struct virtio_net_hdr *hdr = (struct virtio_net_hdr *)skb->cb;

	*hdr = (struct virtio_net_hdr){ 0 };
	if (skb->ip_summed == CHECKSUM_PARTIAL) {
		hdr->flags = VIRTIO_NET_HDR_F_NEEDS_CSUM;
		hdr->csum_start = (u16)(skb->csum_start - skb_headroom(skb));
		hdr->csum_offset = skb->csum_offset;
	}
	if (skb_is_gso(skb)) {
		hdr->gso_type = VIRTIO_NET_HDR_GSO_TCPV4;
		hdr->gso_size = skb_shinfo(skb)->gso_size;
		hdr->hdr_len = (u16)skb_headlen(skb);
	}
	return hdr;
}

/* Into the ring: the header, the linear part, the fragments. Return: 0 or what virtqueue_add() says. */
static int xmit_skb(struct virtnet_info *vi, struct sk_buff *skb)
{
	const struct skb_shared_info *si = skb_shinfo(skb);
	struct virtio_buf bufs[TX_RESERVE];
	unsigned int n = 2;

	bufs[0] = (struct virtio_buf){ virt_to_phys(tx_header(skb)), HDR_LEN };
	bufs[1] = (struct virtio_buf){ virt_to_phys(skb->data), skb_headlen(skb) };
	for (unsigned int i = 0; i < si->nr_frags; i++) {
		const skb_frag_t *f = &si->frags[i];

		bufs[n++] = (struct virtio_buf){ page_to_phys(f->page) + f->off, f->size };
	}
	return virtqueue_add(&vi->vq[TXQ], bufs, n, 0, skb);
}

/*
 * The ring may have no room for the next packet. Ask for an interrupt, look again:
 *
 *	here				device
 *	stop, enable_cb_delayed		sends, used->idx++
 *	look at used->idx		looks at used_event: interrupt
 *
 * Had we looked before asking, the device could send everything in between, and nobody would wake the queue.
 */
static noinline void virtnet_stop_tx(struct virtnet_info *vi)
{
	netif_stop_queue(vi->dev);
	if (unlikely(vi->vq[TXQ].broken))
		napi_schedule(&vi->napi);	/* virtnet_give_up() wakes it */
	if (virtqueue_enable_cb_delayed(&vi->vq[TXQ]))
		return;
	free_old_xmit(vi);
	if (vi->vq[TXQ].num_free >= TX_RESERVE) {
		WRITE_ONCE(vi->dev->queue_stopped, false);
		virtqueue_disable_cb(&vi->vq[TXQ]);
	}
}

static netdev_tx_t virtnet_start_xmit(struct sk_buff *skb, struct net_device *dev)
{
	struct virtnet_info *vi = dev->priv;
	u32 len = skb->len;

	trace(virtnet_start_xmit, skb->id, len);
	if (virtqueue_more_used(&vi->vq[TXQ]))
		free_old_xmit(vi);
	skb_orphan(skb);
	int err = xmit_skb(vi, skb);

	if (unlikely(err)) {
		/* -ENOSPC cannot be: TX_RESERVE is kept free. Broken: it will never be sent. */
		dev->tx_stats_.tx_dropped++;
		kfree_skb(skb, SKB_DROP_REASON_DEV_DOWN);
		napi_schedule(&vi->napi);	/* virtnet_give_up() */
		return NETDEV_TX_OK;
	}
	dev->tx_stats_.tx_packets++;
	dev->tx_stats_.tx_bytes += len;
	if (unlikely(vi->vq[TXQ].num_free < TX_RESERVE))
		virtnet_stop_tx(vi);
	virtqueue_kick(&vi->vq[TXQ]);
	return NETDEV_TX_OK;
}

/* --- interrupts and polling ------------------------------------------------------------------------------- */

static irqreturn_t virtnet_interrupt(__unused int irq, void *dev_id)
{
	struct virtqueue *vq = dev_id;
	struct virtnet_info *vi = vq->priv;

	trace(virtnet_interrupt, vq->index);
	virtqueue_disable_cb(vq);
	napi_schedule(&vi->napi);
	return IRQ_HANDLED;
}

/* The device broke the rules and has been reset: nothing of ours is in its hands any more, and the link is gone. */
static noinline void virtnet_give_up(struct virtnet_info *vi)
{
	struct net_device *dev = vi->dev;
	struct page *page;
	struct sk_buff *skb;

	netif_carrier_off(dev);
	while ((page = virtqueue_detach(&vi->vq[RXQ])) != NULL)
		put_page(page);
	spin_lock(&dev->xmit_lock);
	while ((skb = virtqueue_detach(&vi->vq[TXQ])) != NULL)
		kfree_skb(skb, SKB_DROP_REASON_DEV_DOWN);
	/* What still comes is dropped by virtnet_start_xmit(). */
	if (dev->queue_stopped)
		netif_wake_queue(dev);
	spin_unlock(&dev->xmit_lock);
}

/*
 * The end of a poll. The device may add a packet at any moment:
 *
 *	here				device
 *	used_event = what we have seen	used->idx++
 *	napi_complete_done		looks at used_event: interrupt
 *	look at used->idx again
 *
 * Whichever comes second sees the other. A packet that came before the last look is polled for at once. The wish
 * comes before napi_complete_done(): from there on another CPU may poll, and the queue is its own.
 */
static int virtnet_poll(struct napi_struct *napi, int budget)
{
	struct virtnet_info *vi = container_of(napi, struct virtnet_info, napi);

	trace(virtnet_poll, budget);
	virtnet_poll_cleantx(vi);
	int work = virtnet_receive(vi, budget);

	if (unlikely(READ_ONCE(vi->vq[RXQ].broken)))
		virtnet_give_up(vi);
	if (work < budget) {
		u16 seen = virtqueue_enable_cb_prepare(&vi->vq[RXQ]);

		if (napi_complete_done(napi, work) && virtqueue_poll(&vi->vq[RXQ], seen))
			napi_schedule(napi);
	}
	return work;
}

static int virtnet_open(struct net_device *dev)
{
	struct virtnet_info *vi = dev->priv;

	napi_enable(&vi->napi);
	/* Packets may lie in the ring from before; the poll also asks for the first interrupt. */
	local_bh_disable();
	napi_schedule(&vi->napi);
	local_bh_enable();
	return 0;
}

static int virtnet_stop(struct net_device *dev)
{
	struct virtnet_info *vi = dev->priv;

	napi_disable(&vi->napi);
	del_timer_sync(&vi->refill_timer);
	return 0;
}

static void virtnet_read_link(struct virtnet_info *vi)
{
	u16 status = VIRTIO_NET_S_LINK_UP;

	if (virtio_has_feature(vi->vdev, VIRTIO_NET_F_STATUS))
		vi->vdev->config->get_config(vi->vdev, offsetof(struct virtio_net_config, status), &status,
					     sizeof(status));
	if (status & VIRTIO_NET_S_LINK_UP)
		netif_carrier_on(vi->dev);
	else
		netif_carrier_off(vi->dev);
}

static void virtnet_config_work(struct work_struct *work)
{
	virtnet_read_link(container_of(work, struct virtnet_info, config_work));
}

static void virtnet_config_changed(struct virtio_device *vdev)
{
	struct virtnet_info *vi = vdev->priv;

	if (vi)
		schedule_work(&vi->config_work);
}

/* --- setup ----------------------------------------------------------------------------------------------- */

static u64 virtnet_choose_features(u64 offered)
{
	u64 f = BIT(VIRTIO_NET_F_CSUM) | BIT(VIRTIO_NET_F_GUEST_CSUM) | BIT(VIRTIO_NET_F_MTU) | BIT(VIRTIO_NET_F_MAC) |
		BIT(VIRTIO_NET_F_GUEST_TSO4) | BIT(VIRTIO_NET_F_HOST_TSO4) | BIT(VIRTIO_NET_F_MRG_RXBUF) |
		BIT(VIRTIO_NET_F_STATUS);

	f &= offered;
	/* Each depends on the one before (5.1.3.1); a super-packet fits only buffers that can be merged. */
	if (!(f & BIT(VIRTIO_NET_F_CSUM)))
		f &= ~BIT(VIRTIO_NET_F_HOST_TSO4);
	if (!(f & BIT(VIRTIO_NET_F_GUEST_CSUM)) || !(f & BIT(VIRTIO_NET_F_MRG_RXBUF)))
		f &= ~BIT(VIRTIO_NET_F_GUEST_TSO4);
	return f;
}

static const struct net_device_ops virtnet_netdev_ops = {
	.ndo_open = virtnet_open,
	.ndo_stop = virtnet_stop,
	.ndo_start_xmit = virtnet_start_xmit,
};

static void virtnet_setup_netdev(struct virtnet_info *vi)
{
	struct virtio_device *vdev = vi->vdev;
	struct net_device *dev = vi->dev;
	struct virtio_net_config cfg;

	ether_setup(dev);
	vdev->config->get_config(vdev, 0, &cfg, sizeof(cfg));
	if (virtio_has_feature(vdev, VIRTIO_NET_F_MAC)) {
		memcpy(dev->dev_addr, cfg.mac, ETH_ALEN);
	} else {
		get_random_bytes(dev->dev_addr, ETH_ALEN);
		dev->dev_addr[0] = (u8)((dev->dev_addr[0] & ~1) | 2);	/* not a group, locally administered */
	}
	if (virtio_has_feature(vdev, VIRTIO_NET_F_MTU) && cfg.mtu >= 68)	/* RFC 791: the least */
		dev->mtu = min_t(u32, cfg.mtu, vi->mergeable ? 65535 : PAGE_SIZE - HDR_LEN - ETH_HLEN);
	dev->features = NETIF_F_SG;
	if (virtio_has_feature(vdev, VIRTIO_NET_F_CSUM))
		dev->features |= NETIF_F_HW_CSUM;
	if (virtio_has_feature(vdev, VIRTIO_NET_F_HOST_TSO4))
		dev->features |= NETIF_F_TSO;
	if (virtio_has_feature(vdev, VIRTIO_NET_F_GUEST_CSUM))
		dev->features |= NETIF_F_RXCSUM;
	dev->netdev_ops = &virtnet_netdev_ops;
	netif_napi_add(dev, &vi->napi, virtnet_poll);
	virtnet_read_link(vi);
}

static int virtnet_probe(struct virtio_device *vdev)
{
	static const char *const names[NR_QUEUES] = { "rx", "tx" };
	static irq_handler_t const handlers[NR_QUEUES] = { virtnet_interrupt, virtnet_interrupt };
	struct net_device *dev = alloc_netdev(sizeof(struct virtnet_info), "eth%d");

	if (!dev)
		return -ENOMEM;
	struct virtnet_info *vi = dev->priv;

	vi->vdev = vdev;
	vi->dev = dev;
	vi->mergeable = virtio_has_feature(vdev, VIRTIO_NET_F_MRG_RXBUF);
	timer_setup(&vi->refill_timer, virtnet_refill_later);
	INIT_WORK(&vi->config_work, virtnet_config_work);
	int err = virtio_find_vqs(vdev, vi->vq, NR_QUEUES, names, handlers);

	if (err)
		return err;	/* the queues are the device's until its reset: this memory is not given back */
	for (int i = 0; i < NR_QUEUES; i++)
		vi->vq[i].priv = vi;
	if (vi->vq[TXQ].num < TX_RESERVE || vi->vq[RXQ].num < RX_MIN_BUFFERS)
		return -EINVAL;
	vi->rx_max = (u16)clamp(totalram_pages() / RX_MEMORY_SHARE, (u64)RX_MIN_BUFFERS, (u64)vi->vq[RXQ].num);
	virtnet_setup_netdev(vi);
	vdev->priv = vi;
	virtio_device_ready(vdev);
	virtnet_fill_rx(vi);	/* what cannot be had now the first poll tries again */
	err = register_netdev(dev);
	if (err)
		return err;
	pr_info("%s: virtio-net %pM, mtu %u, features %lx\n", dev->name, dev->dev_addr, dev->mtu,
		(unsigned long)vdev->features);
	return 0;
}

static const struct virtio_driver virtio_net_driver = {
	.name = "virtio_net",
	.id = VIRTIO_ID_NET,
	.choose_features = virtnet_choose_features,
	.probe = virtnet_probe,
	.config_changed = virtnet_config_changed,
};

void virtio_net_init(void)
{
	register_virtio_driver(&virtio_net_driver);
}

/*
 * drivers/char/virtio_console.c - a terminal whose line is a pair of virtqueues: /dev/hvc0.
 *
 * Linux:   drivers/char/virtio_console.c, drivers/tty/hvc/hvc_console.c (6.1); VIRTIO 1.2, 5.3
 * Same:    the name and number of the device; a queue each way.
 * Differs: 1. one port (no VIRTIO_CONSOLE_F_MULTIPORT). 2. no kernel messages: those go to the UART.
 * Locks:   VIRTQ, one for both queues.
 * Walk:    virtcons_interrupt() -> tty_receive(); n_tty_write() -> virtcons_write() -> virtqueue_add().
 */
#include "drivers/char/tty.h"
#include "drivers/drivers.h"
#include "drivers/virtio.h"
#include "kernel/mm.h"
#include "kernel/slab.h"
#include "kernel/spinlock.h"
#include "kernel/string.h"

enum { RXQ, TXQ, NR_QUEUES };
enum { TX_BUFS = 8, TX_BUF_SIZE = 512, HVC_MAJOR = 229 };

struct virtcons {
	/* immutable */
	struct tty_struct *tty;
	u8 *rx_buf;			/* a page */
	/* lock */
	spinlock_t lock;
	struct virtqueue vq[NR_QUEUES];
	u32 rx_at, rx_len;		/* what of rx_buf the terminal had no room for yet */
	int nr_free;
	u8 *free[TX_BUFS];		/* buffers the device does not have */
	u8 tx_buf[TX_BUFS][TX_BUF_SIZE];
};

/* Hand input on as the terminal has room, and ask for more once all is gone. Locks: lock held. */
static void virtcons_feed(struct virtcons *vc)
{
	for (;;) {
		vc->rx_at += (u32)tty_receive(vc->tty, vc->rx_buf + vc->rx_at, vc->rx_len - vc->rx_at);
		if (vc->rx_at < vc->rx_len)
			return;		/* virtcons_unthrottle() goes on */
		if (virtqueue_add_inbuf(&vc->vq[RXQ], virt_to_phys(vc->rx_buf), PAGE_SIZE, vc->rx_buf))
			return;
		virtqueue_kick(&vc->vq[RXQ]);
		vc->rx_at = vc->rx_len = 0;
		if (virtqueue_enable_cb(&vc->vq[RXQ]) || !virtqueue_get_buf(&vc->vq[RXQ], &vc->rx_len))
			return;
	}
}

static void virtcons_unthrottle(struct tty_struct *tty)
{
	struct virtcons *vc = tty->driver_data;
	unsigned long flags;

	spin_lock_irqsave(&vc->lock, flags);
	if (vc->rx_at < vc->rx_len)
		virtcons_feed(vc);
	spin_unlock_irqrestore(&vc->lock, flags);
}

/* Buffers that have been sent are free again. Locks: lock held. */
static void virtcons_reclaim(struct virtcons *vc)
{
	u8 *buf;
	u32 len;

	assert_held(&vc->lock);
	while ((buf = virtqueue_get_buf(&vc->vq[TXQ], &len)) != NULL)
		vc->free[vc->nr_free++] = buf;
}

static size_t virtcons_write(struct tty_struct *tty, const u8 *buf, size_t n)
{
	struct virtcons *vc = tty->driver_data;
	unsigned long flags;
	size_t done = 0;

	spin_lock_irqsave(&vc->lock, flags);
	virtcons_reclaim(vc);
	while (done < n && vc->nr_free) {
		u8 *to = vc->free[vc->nr_free - 1];
		u32 len = (u32)min_t(size_t, n - done, TX_BUF_SIZE);
		struct virtio_buf b = { virt_to_phys(to), len };

		memcpy(to, buf + done, len);
		if (virtqueue_add(&vc->vq[TXQ], &b, 1, 0, to))
			break;
		vc->nr_free--;
		done += len;
	}
	virtqueue_kick(&vc->vq[TXQ]);
	spin_unlock_irqrestore(&vc->lock, flags);
	return done;
}

/* Who asks may be about to wait for the answer to change: then the interrupt tells. */
static size_t virtcons_chars(struct tty_struct *tty)
{
	struct virtcons *vc = tty->driver_data;
	unsigned long flags;

	spin_lock_irqsave(&vc->lock, flags);
	do {
		virtcons_reclaim(vc);
	} while (vc->nr_free < TX_BUFS && !virtqueue_enable_cb(&vc->vq[TXQ]));
	size_t n = (size_t)(TX_BUFS - vc->nr_free) * TX_BUF_SIZE;

	spin_unlock_irqrestore(&vc->lock, flags);
	return n;
}

static size_t virtcons_room(struct tty_struct *tty)
{
	return (size_t)TX_BUFS * TX_BUF_SIZE - virtcons_chars(tty);
}

static irqreturn_t virtcons_interrupt(__unused int irq, void *dev_id)
{
	struct virtqueue *vq = dev_id;
	struct virtcons *vc = vq->priv;

	if (vq->index == TXQ) {
		tty_wakeup(vc->tty);
		return IRQ_HANDLED;
	}
	spin_lock(&vc->lock);
	/* While input waits for room the device has no buffer, so nothing new can be there. */
	if (vc->rx_at == vc->rx_len && virtqueue_get_buf(vq, &vc->rx_len))
		virtcons_feed(vc);
	spin_unlock(&vc->lock);
	return IRQ_HANDLED;
}

static const struct tty_operations virtcons_ops = {
	.write = virtcons_write,
	.write_room = virtcons_room,
	.chars_in_buffer = virtcons_chars,
	.unthrottle = virtcons_unthrottle,
};

static u64 virtcons_choose_features(__unused u64 offered)
{
	return 0;
}

static int virtcons_probe(struct virtio_device *vdev)
{
	static const char *const names[NR_QUEUES] = { "input", "output" };
	static irq_handler_t const handlers[NR_QUEUES] = { virtcons_interrupt, virtcons_interrupt };
	struct virtcons *vc = kzalloc(sizeof(*vc), GFP_KERNEL);
	struct tty_struct *tty = kmalloc(sizeof(*tty), GFP_KERNEL);
	u8 *page = get_free_page(GFP_KERNEL);

	if (!vc || !tty || !page) {
		kfree(vc);
		kfree(tty);
		if (page)
			free_page(page);
		return -ENOMEM;
	}
	vc->tty = tty;
	vc->rx_buf = page;
	spin_lock_init(&vc->lock, LC_VIRTQ);
	for (; vc->nr_free < TX_BUFS; vc->nr_free++)
		vc->free[vc->nr_free] = vc->tx_buf[vc->nr_free];
	tty_setup(tty, &virtcons_ops, vc, "hvc0", MKDEV(HVC_MAJOR, 0));
	int err = virtio_find_vqs(vdev, vc->vq, NR_QUEUES, names, handlers);

	if (err)
		return err;	/* the queues are the device's until its reset: this memory is not given back */
	for (int i = 0; i < NR_QUEUES; i++)
		vc->vq[i].priv = vc;
	virtio_device_ready(vdev);
	register_chrdev(HVC_MAJOR, 0, 1, "hvc", &tty_fops);
	tty_add_line(tty);
	spin_lock_irq(&vc->lock);
	virtcons_feed(vc);
	spin_unlock_irq(&vc->lock);
	return 0;
}

static const struct virtio_driver virtio_console_driver = {
	.name = "virtio_console",
	.id = VIRTIO_ID_CONSOLE,
	.choose_features = virtcons_choose_features,
	.probe = virtcons_probe,
};

void virtio_console_init(void)
{
	register_virtio_driver(&virtio_console_driver);
}

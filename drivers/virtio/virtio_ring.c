/*
 * drivers/virtio/virtio_ring.c - the split virtqueue: three arrays in memory through which buffers go to a device
 * and back.
 *
 * Linux:   drivers/virtio/virtio_ring.c (6.1)
 * Same:    the event index decides about interrupts and notifications; several buffers are offered under one kick;
 *          how descriptors are chained is kept in memory of our own, out of the device's reach.
 * Differs: 1. the length and id of every used entry are checked against what was offered.
 *          2. no indirect descriptors, no packed rings, no DMA mapping: physical addresses are bus addresses.
 * Locks:   none: one context at a time uses a queue (drivers/virtio.h).
 * Walk:    virtnet_receive() -> virtqueue_get_buf();  virtnet_start_xmit() -> virtqueue_add(), virtqueue_kick().
 *
 *	driver					device
 *	desc[...] = buffer			sees avail->idx move
 *	avail->ring[idx] = head			reads desc[head], works
 *	(write barrier) avail->idx++		used->ring[idx] = head, length
 *	(full barrier) notify it, unless	(barrier) used->idx++
 *	  avail_event says "not yet"		interrupt, unless used_event says "not yet"
 *
 * The full barriers matter: each side first publishes its index, then reads what the other wants to be told. Were the
 * load done first, both could decide at the same moment that the other is still awake.
 */
#include "drivers/virtio.h"
#include "kernel/arch.h"
#include "kernel/err.h"
#include "kernel/mm.h"
#include "kernel/printk.h"
#include "kernel/string.h"

/* Was @event passed on the way from @old to @new? Indexes wrap (VIRTIO 1.2, 2.7.10). */
static inline bool vring_need_event(u16 event, u16 new, u16 old)
{
	return (u16)(new - event - 1) < (u16)(new - old);
}

int virtqueue_init(struct virtqueue *vq, struct virtio_device *vdev, u16 index, u16 num, const char *name)
{
	/* Descriptors, avail and used one after the other; for 256 entries two pages. */
	size_t avail_off = sizeof(struct vring_desc) * num;
	size_t used_off = ALIGN(avail_off + 6 + 2UL * num, 4UL);
	size_t bytes = used_off + 6 + sizeof(struct vring_used_elem) * num;
	unsigned int order = 0;

	while (PAGE_SIZE << order < bytes)
		order++;
	struct page *page = alloc_pages(GFP_KERNEL, order);
	struct vq_chain *chain = kcalloc(num, sizeof(*chain), GFP_KERNEL);

	if (!page || !chain) {
		if (page)
			free_pages(page, order);
		kfree(chain);
		return -ENOMEM;
	}
	u8 *mem = page_address(page);

	memset(mem, 0, PAGE_SIZE << order);
	*vq = (struct virtqueue){
		.vdev = vdev, .name = name, .index = index, .num = num, .num_free = num, .chain = chain,
		.event_idx = virtio_has_feature(vdev, VIRTIO_F_EVENT_IDX),
		.desc = (struct vring_desc *)mem, .avail = (struct vring_avail *)(mem + avail_off),
		.used = (struct vring_used *)(mem + used_off),
	};
	for (u16 i = 0; i < num; i++)
		chain[i].next = i + 1;
	return 0;
}

/* A chain is complete: note whose it is and show it to the device. @next: what is free after it. */
static inline void vq_publish(struct virtqueue *vq, u16 head, u16 next, u16 nr, u32 in_len, void *token)
{
	struct vq_chain *c = &vq->chain[head];
	u16 idx = vq->avail_idx;

	c->token = token;
	c->in_len = in_len;
	c->nr = nr;
	vq->free_head = next;
	vq->num_free -= nr;
	vq->avail->ring[idx & (vq->num - 1)] = head;
	vq->avail_idx = ++idx;
	vq->num_added++;
	/* The device may look at the entry as soon as the index covers it: everything above comes first. */
	smp_store_release(&vq->avail->idx, idx);
}

int virtqueue_add(struct virtqueue *vq, const struct virtio_buf *bufs, unsigned int nr_out, unsigned int nr_in,
		  void *token)
{
	unsigned int nr = nr_out + nr_in;
	u16 head = vq->free_head, i = head, next;
	u32 in_len = 0;

	if (unlikely(vq->broken))
		return -EIO;
	if (unlikely(vq->num_free < nr))
		return -ENOSPC;
	for (unsigned int n = 0;; i = next) {
		struct vring_desc *d = &vq->desc[i];
		u16 flags = 0;

		next = vq->chain[i].next;
		d->addr = bufs[n].addr;
		d->len = bufs[n].len;
		d->next = next;
		if (n >= nr_out) {
			flags = VRING_DESC_F_WRITE;
			in_len += bufs[n].len;
		}
		if (++n == nr) {
			d->flags = flags;
			break;
		}
		d->flags = flags | VRING_DESC_F_NEXT;
	}
	vq_publish(vq, head, next, (u16)nr, in_len, token);
	return 0;
}

int virtqueue_add_inbuf(struct virtqueue *vq, u64 addr, u32 len, void *token)
{
	u16 head = vq->free_head;
	struct vring_desc *d = &vq->desc[head];

	if (unlikely(vq->broken))
		return -EIO;
	if (unlikely(!vq->num_free))
		return -ENOSPC;
	d->addr = addr;
	d->len = len;
	d->flags = VRING_DESC_F_WRITE;
	vq_publish(vq, head, vq->chain[head].next, 1, len, token);
	return 0;
}

void virtqueue_kick(struct virtqueue *vq)
{
	u16 new = vq->avail_idx, old = (u16)(new - vq->num_added);
	bool wanted;

	if (unlikely(vq->broken) || !vq->num_added)
		return;
	vq->num_added = 0;
	arch_device_mb(); /* our index before its wish; pairs with the device's barrier the other way round */
	if (vq->event_idx)
		wanted = vring_need_event(*virtqueue_avail_event(vq), new, old);
	else
		wanted = !(READ_ONCE(vq->used->flags) & VRING_USED_F_NO_NOTIFY);
	if (wanted)
		*vq->notify = vq->index;
}

void virtqueue_break(struct virtqueue *vq, const char *what)
{
	struct virtio_device *vdev = vq->vdev;

	pr_err("%s: %s queue: %s; the device is reset\n", vdev->driver->name, vq->name, what);
	for (unsigned int i = 0; i < vdev->nr_vqs; i++)
		WRITE_ONCE(vdev->vqs[i].broken, true);
	vdev->config->set_status(vdev, 0);
}

/* The chain's descriptors go back to the front of the free list. Return: its token. */
static inline void *vq_free_chain(struct virtqueue *vq, u16 head)
{
	struct vq_chain *c = &vq->chain[head];
	void *token = c->token;
	u16 last = head;

	for (unsigned int n = c->nr; n > 1; n--)
		last = vq->chain[last].next;
	vq->chain[last].next = vq->free_head;
	vq->free_head = head;
	vq->num_free += c->nr;
	c->token = NULL;
	return token;
}

void *virtqueue_get_buf(struct virtqueue *vq, u32 *len)
{
	if (unlikely(READ_ONCE(vq->broken)) || !virtqueue_more_used(vq))
		return NULL;
	smp_rmb(); /* the index before the entry it covers */

	const volatile struct vring_used_elem *e = &vq->used->ring[vq->last_used & (vq->num - 1)];
	u32 id = e->id, bytes = e->len;	/* read once: the device could change them after the check */

	if (unlikely(id >= vq->num || !vq->chain[id].token)) {
		virtqueue_break(vq, "the device returned a buffer it does not have");
		return NULL;
	}
	if (unlikely(bytes > vq->chain[id].in_len)) {
		virtqueue_break(vq, "the device claims to have written more than it was given");
		return NULL;
	}
	*len = bytes;
	vq->last_used++;
	return vq_free_chain(vq, (u16)id);
}

void virtqueue_disable_cb(struct virtqueue *vq)
{
	/* With the event index there is nothing to do: an interrupt comes once, when used_event is passed. */
	if (!vq->event_idx)
		WRITE_ONCE(vq->avail->flags, VRING_AVAIL_F_NO_INTERRUPT);
}

/* Ask for an interrupt when @n more chains than now are done. Return: what is done now. */
static inline u16 vq_ask_for_cb(struct virtqueue *vq, u16 n)
{
	if (vq->event_idx)
		WRITE_ONCE(*virtqueue_used_event(vq), (u16)(vq->last_used + n));
	else
		WRITE_ONCE(vq->avail->flags, 0);
	return vq->last_used;
}

/* Are at most @n chains done since @seen? If not, the interrupt that was asked for may have been missed. */
static inline bool vq_cb_will_come(struct virtqueue *vq, u16 seen, u16 n)
{
	arch_device_mb(); /* our wish before its index: it publishes the index first and reads the wish second */
	if (unlikely(READ_ONCE(vq->broken)))
		return true;	/* nothing will come, and what has come is not looked at */
	return (u16)(READ_ONCE(vq->used->idx) - seen) <= n;
}

bool virtqueue_enable_cb(struct virtqueue *vq)
{
	return vq_cb_will_come(vq, vq_ask_for_cb(vq, 0), 0);
}

bool virtqueue_enable_cb_delayed(struct virtqueue *vq)
{
	u16 n = (u16)((u16)(vq->avail_idx - vq->last_used) * 3U / 4U);

	return vq_cb_will_come(vq, vq_ask_for_cb(vq, n), n);
}

u16 virtqueue_enable_cb_prepare(struct virtqueue *vq)
{
	return vq_ask_for_cb(vq, 0);
}

bool virtqueue_poll(struct virtqueue *vq, u16 seen)
{
	return !vq_cb_will_come(vq, seen, 0);
}

void *virtqueue_detach(struct virtqueue *vq)
{
	ASSERT(vq->broken);
	for (u16 i = 0; i < vq->num; i++)
		if (vq->chain[i].token)
			return vq_free_chain(vq, i);
	return NULL;
}

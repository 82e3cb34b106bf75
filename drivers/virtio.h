/*
 * drivers/virtio.h - virtio devices and their queues: where a driver and the transport meet.
 *
 * Linux:   include/linux/virtio.h, virtio_config.h, virtio_ring.h (6.1); Virtual I/O Device (VIRTIO) 1.2
 * Same:    virtqueue_get_buf(), virtqueue_kick(), disable_cb and enable_cb; feature negotiation; status bits.
 * Differs: 1. buffers are (address, length) pairs, not scatterlists. 2. a queue's interrupt calls the driver's
 *             handler directly. 3. modern devices only (VIRTIO_F_VERSION_1), split rings, no indirect descriptors:
 *             the packets here need few, and a table of its own would cost an allocation each.
 *          4. what the device returns is checked; one lie and the device is reset and its queues are broken.
 * Locks:   none inside: the driver lets one context at a time use a queue (VIRTQ, TXQ or its NAPI poll).
 * Walk:    device interrupt -> handler -> virtqueue_get_buf();  virtqueue_add() -> virtqueue_kick().
 */
#pragma once
#include "kernel/barrier.h"
#include "kernel/irq.h"
#include "kernel/list.h"

enum { VIRTIO_ID_NET = 1, VIRTIO_ID_CONSOLE = 3, VIRTIO_ID_RNG = 4 };
enum { VIRTIO_F_EVENT_IDX = 29, VIRTIO_F_VERSION_1 = 32, VIRTIO_F_ACCESS_PLATFORM = 33 };
/* Device status (2.1). */
enum { VIRTIO_STATUS_ACKNOWLEDGE = 1, VIRTIO_STATUS_DRIVER = 2, VIRTIO_STATUS_DRIVER_OK = 4,
       VIRTIO_STATUS_FEATURES_OK = 8, VIRTIO_STATUS_NEEDS_RESET = 64, VIRTIO_STATUS_FAILED = 128 };

/* The split ring (2.7), shared with the device. All little endian, as is the CPU. */
struct vring_desc { u64 addr; u32 len; u16 flags, next; };
enum { VRING_DESC_F_NEXT = 1, VRING_DESC_F_WRITE = 2 };
struct vring_avail { u16 flags, idx; u16 ring[]; };	/* then used_event */
enum { VRING_AVAIL_F_NO_INTERRUPT = 1 };
struct vring_used_elem { u32 id, len; };
struct vring_used { u16 flags, idx; struct vring_used_elem ring[]; };	/* then avail_event */
enum { VRING_USED_F_NO_NOTIFY = 1 };
static_assert(sizeof(struct vring_desc) == 16 && sizeof(struct vring_used_elem) == 8, "VIRTIO 1.2, 2.7");

struct virtio_device;
struct virtio_buf { u64 addr; u32 len; };	/* physical */

/* Our own notes, one per descriptor. In the head of a chain: whose it is, bytes the device may write, descriptors. */
struct vq_chain { void *token; u32 in_len; u16 nr; u16 next; };
struct virtqueue {
	/* immutable once set up */
	struct virtio_device *vdev;
	const char *name;
	u16 index, num;			/* num: a power of two */
	bool event_idx;
	volatile u16 *notify;		/* where a kick is written */
	struct vring_desc *desc;
	struct vring_avail *avail;
	struct vring_used *used;
	struct vq_chain *chain;
	/* whoever may use the queue */
	u16 free_head, num_free;
	u16 avail_idx;			/* as in avail->idx */
	u16 num_added;			/* since the last kick */
	u16 last_used;			/* next entry of used to look at */
	bool broken;			/* also read by others */
	void *priv;			/* the driver's */
};
#define VIRTQUEUE_MAX_NUM 256
/* virtqueue_used_event, virtqueue_avail_event - the words behind the rings: "interrupt, notify when you pass this". */
static inline u16 *virtqueue_used_event(const struct virtqueue *vq) { return &vq->avail->ring[vq->num]; }
static inline volatile u16 *virtqueue_avail_event(const struct virtqueue *vq)
{
	return (volatile u16 *)&vq->used->ring[vq->num];
}

/* virtqueue_init - an empty queue of @num entries in newly allocated memory. Return: 0 or -ENOMEM. Context: task. */
int __must_check virtqueue_init(struct virtqueue *vq, struct virtio_device *vdev, u16 index, u16 num, const char *name);
/*
 * virtqueue_add - offer a chain: the first @nr_out buffers are read by the device, the next @nr_in written.
 * @token: not NULL, comes back from virtqueue_get_buf(). Return: 0, -ENOSPC (too few descriptors), -EIO (broken).
 */
int __must_check virtqueue_add(struct virtqueue *vq, const struct virtio_buf *bufs, unsigned int nr_out,
			       unsigned int nr_in, void *token);
/* virtqueue_add_inbuf - the same for one buffer that the device writes: the receive path. */
int __must_check virtqueue_add_inbuf(struct virtqueue *vq, u64 addr, u32 len, void *token);
/* virtqueue_kick - tell the device of what was added, unless it does not want to know. */
void virtqueue_kick(struct virtqueue *vq);
/*
 * virtqueue_get_buf - the token of a chain the device is done with, NULL: none. *@len = bytes it wrote, at most
 * what it was offered.
 */
void *virtqueue_get_buf(struct virtqueue *vq, u32 *len);
/* virtqueue_more_used - would virtqueue_get_buf() give something? Also without the queue's lock, as a hint. */
static inline bool virtqueue_more_used(const struct virtqueue *vq)
{
	return READ_ONCE(*(volatile u16 *)&vq->used->idx) != READ_ONCE(vq->last_used);
}
/* virtqueue_disable_cb - no interrupts are wanted (a hint). */
void virtqueue_disable_cb(struct virtqueue *vq);
/*
 * virtqueue_enable_cb - interrupt when the next chain is done; _delayed: when three quarters of those outstanding are.
 * Return: false if that has happened already, so no interrupt may come: look again.
 */
bool virtqueue_enable_cb(struct virtqueue *vq);
bool virtqueue_enable_cb_delayed(struct virtqueue *vq);
/*
 * virtqueue_enable_cb_prepare, virtqueue_poll - virtqueue_enable_cb() in two halves: the first asks, by who owns the
 * queue, and gives what is done now; the second tells, also when others may own it again, if more has been done
 * since. A poll gives up its queue in between: another CPU may take it at once, and would have its own wish
 * overwritten by an older one, after which no interrupt comes any more.
 */
u16 virtqueue_enable_cb_prepare(struct virtqueue *vq);
bool virtqueue_poll(struct virtqueue *vq, u16 seen);
/* virtqueue_break - the device broke the rules: log @what, reset it, use none of its queues any more. Context: any. */
void virtqueue_break(struct virtqueue *vq, const char *what);
/* virtqueue_detach - take back a token the device still has, after a reset. NULL: no more. */
void *virtqueue_detach(struct virtqueue *vq);

/* What a transport does. */
struct virtio_config_ops {
	u8 (*get_status)(struct virtio_device *vdev);
	void (*set_status)(struct virtio_device *vdev, u8 status);	/* 0: reset */
	u64 (*get_features)(struct virtio_device *vdev);
	void (*set_features)(struct virtio_device *vdev, u64 features);
	void (*get_config)(struct virtio_device *vdev, unsigned int off, void *buf, unsigned int len);
	/* queues 0 .. nr - 1, and the configuration interrupt if the driver wants it. 0 or -errno. Context: task. */
	int (*setup_queues)(struct virtio_device *vdev, struct virtqueue *vqs, unsigned int nr,
			    const char *const names[], irq_handler_t const handlers[]);
};
struct virtio_driver;
struct virtio_device {
	/* immutable */
	u32 id;			/* VIRTIO_ID_* */
	const struct virtio_config_ops *config;
	void *transport;
	/* since negotiation */
	u64 features;
	const struct virtio_driver *driver;
	struct virtqueue *vqs;
	unsigned int nr_vqs;
	void *priv;		/* the driver's */
	struct list_head list;
};
struct virtio_driver {
	const char *name;
	u32 id;
	u64 (*choose_features)(u64 offered);	/* a subset; the ring's own bits are added */
	int (*probe)(struct virtio_device *vdev);	/* task (boot). 0 or -errno: then the device is marked failed */
	void (*config_changed)(struct virtio_device *vdev);	/* hardirq; NULL: does not care */
};
static inline bool virtio_has_feature(const struct virtio_device *vdev, unsigned int bit)
{
	return vdev->features >> bit & 1;
}

/* register_virtio_device, register_virtio_driver - what fits together is probed. Context: boot. */
void register_virtio_device(struct virtio_device *vdev);
void register_virtio_driver(const struct virtio_driver *drv);
/*
 * virtio_find_vqs - queues @vqs[0..nr), each with a handler (NULL: no interrupts) that gets its struct
 * virtqueue. 0 or -errno.
 */
int __must_check virtio_find_vqs(struct virtio_device *vdev, struct virtqueue *vqs, unsigned int nr,
				 const char *const names[], irq_handler_t const handlers[]);
/* virtio_device_ready - the driver is set up: the device may use its queues. */
void virtio_device_ready(struct virtio_device *vdev);
/* virtio_pci_init - the transport's half of virtio_init(). */
void virtio_pci_init(void);

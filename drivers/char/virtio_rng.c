/*
 * drivers/char/virtio_rng.c - random bytes from the host, for the seed.
 *
 * Linux:   drivers/char/hw_random/virtio-rng.c (6.1); VIRTIO 1.2, 5.4
 * Same:    one queue; a buffer goes in empty and comes back with entropy.
 * Differs: 1. asked once, at boot: the generator needs one good seed. No /dev/hwrng.
 * Locks:   none: the one request is made before the interrupt can come.
 * Walk:    virtio_rng_init() -> request; interrupt -> add_entropy().
 */
#include "drivers/drivers.h"
#include "drivers/virtio.h"
#include "kernel/errno.h"
#include "kernel/mm.h"
#include "kernel/random.h"

enum { RNG_SEED_BYTES = 64 };
struct virtrng_info { struct virtqueue vq; u8 seed[RNG_SEED_BYTES]; };

static irqreturn_t virtrng_interrupt(__unused int irq, void *dev_id)
{
	struct virtqueue *vq = dev_id;
	u32 len;
	u8 *seed = virtqueue_get_buf(vq, &len);

	if (seed)
		add_entropy(seed, len);
	return IRQ_HANDLED;
}

static u64 virtrng_choose_features(__unused u64 offered)
{
	return 0;
}

static int virtrng_probe(struct virtio_device *vdev)
{
	static const char *const names[] = { "requests" };
	static irq_handler_t const handlers[] = { virtrng_interrupt };
	struct virtrng_info *vi = kzalloc(sizeof(*vi), GFP_KERNEL);

	if (!vi)
		return -ENOMEM;
	int err = virtio_find_vqs(vdev, &vi->vq, 1, names, handlers);

	if (err)
		return err;	/* the queue is the device's until its reset: this memory is not given back */
	err = virtqueue_add_inbuf(&vi->vq, virt_to_phys(vi->seed), RNG_SEED_BYTES, vi->seed);
	if (err)
		return err;
	virtio_device_ready(vdev);
	virtqueue_kick(&vi->vq);
	return 0;
}

static const struct virtio_driver virtio_rng_driver = {
	.name = "virtio_rng",
	.id = VIRTIO_ID_RNG,
	.choose_features = virtrng_choose_features,
	.probe = virtrng_probe,
};

void virtio_rng_init(void)
{
	register_virtio_driver(&virtio_rng_driver);
}

/*
 * drivers/virtio/virtio_pci.c - virtio devices that sit on the PCI bus.
 *
 * Linux:   drivers/virtio/{virtio_pci_modern,virtio_pci_common}.c (6.1); VIRTIO 1.2, 4.1
 * Same:    the four structures are found through vendor capabilities; one MSI-X vector per queue, one for
 *          configuration changes.
 * Differs: 1. no legacy register layout, no shared interrupt pin (drivers/pci.h).
 * Locks:   none: the registers that select (queue_select, feature_select) are used at boot only.
 * Walk:    pci_register_driver() -> virtio_pci_probe() -> register_virtio_device().
 */
#include "drivers/pci.h"
#include "drivers/virtio.h"
#include "kernel/bug.h"
#include "kernel/err.h"
#include "kernel/io.h"
#include "kernel/mm.h"
#include "kernel/slab.h"
#include "kernel/string.h"

enum { VIRTIO_PCI_VENDOR = 0x1af4, VIRTIO_PCI_FIRST = 0x1000, VIRTIO_PCI_MODERN_BASE = 0x1040, VIRTIO_PCI_LAST = 0x107f,
       VIRTIO_MSI_NO_VECTOR = 0xffff };
/* struct virtio_pci_cap (4.1.4). */
enum { CAP_CFG_TYPE = 3, CAP_BAR = 4, CAP_OFFSET = 8, CAP_LENGTH = 12, CAP_NOTIFY_MULTIPLIER = 16 };
enum { CFG_COMMON = 1, CFG_NOTIFY = 2, CFG_ISR = 3, CFG_DEVICE = 4 };

/* struct virtio_pci_common_cfg (4.1.4.3). */
struct virtio_pci_common_cfg {
	u32 device_feature_select, device_feature, driver_feature_select, driver_feature;
	u16 msix_config, num_queues;
	u8 device_status, config_generation;
	u16 queue_select, queue_size, queue_msix_vector, queue_enable, queue_notify_off;
	u32 queue_desc_lo, queue_desc_hi, queue_driver_lo, queue_driver_hi, queue_device_lo, queue_device_hi;
};
static_assert(sizeof(struct virtio_pci_common_cfg) == 56, "VIRTIO 1.2, 4.1.4.3");

struct virtio_pci_device {
	struct virtio_device vdev;
	struct pci_dev *pci;
	volatile struct virtio_pci_common_cfg *common;
	u8 *notify;
	u32 notify_len, notify_multiplier;
	u8 *device;		/* the device's own configuration; NULL: none */
	u32 device_len;
};
static struct virtio_pci_device *to_vp(struct virtio_device *vdev)
{
	return container_of(vdev, struct virtio_pci_device, vdev);
}

/* Map the structure of @type. *@cap: its capability. Return: NULL if it is not there or does not fit its BAR. */
static void *vp_map(struct pci_dev *pci, u8 type, u32 min_len, u8 *cap, u32 *len)
{
	u8 pos = pci_find_capability(pci, PCI_CAP_ID_VNDR);

	while (pos && pci_read_config(pci, pos + CAP_CFG_TYPE, 1) != type)
		pos = pci_find_next_capability(pci, pos, PCI_CAP_ID_VNDR);
	if (!pos)
		return NULL;
	*cap = pos;
	*len = pci_read_config(pci, pos + CAP_LENGTH, 4);
	if (*len < min_len)
		return NULL;
	return pci_iomap(pci, (int)pci_read_config(pci, pos + CAP_BAR, 1), pci_read_config(pci, pos + CAP_OFFSET, 4),
			 *len);
}

static u8 vp_get_status(struct virtio_device *vdev)
{
	return to_vp(vdev)->common->device_status;
}

static void vp_set_status(struct virtio_device *vdev, u8 status)
{
	volatile struct virtio_pci_common_cfg *c = to_vp(vdev)->common;

	c->device_status = status;
	/* A reset is complete when it reads back as zero (4.1.4.3.2); QEMU's is at once. */
	for (int i = 0; status == 0 && c->device_status != 0 && i < 1000000; i++)
		cpu_relax();
}

static u64 vp_get_features(struct virtio_device *vdev)
{
	volatile struct virtio_pci_common_cfg *c = to_vp(vdev)->common;
	u64 f;

	c->device_feature_select = 0;
	f = c->device_feature;
	c->device_feature_select = 1;
	return f | (u64)c->device_feature << 32;
}

static void vp_set_features(struct virtio_device *vdev, u64 features)
{
	volatile struct virtio_pci_common_cfg *c = to_vp(vdev)->common;

	c->driver_feature_select = 0;
	c->driver_feature = (u32)features;
	c->driver_feature_select = 1;
	c->driver_feature = (u32)(features >> 32);
}

/* Again, if the device changed it meanwhile. */
static void vp_get_config(struct virtio_device *vdev, unsigned int off, void *buf, unsigned int len)
{
	struct virtio_pci_device *vp = to_vp(vdev);
	u8 generation;

	memset(buf, 0, len);
	if (off + len > vp->device_len)
		return;
	do {
		generation = vp->common->config_generation;
		for (unsigned int i = 0; i < len; i++)
			((u8 *)buf)[i] = readb(vp->device + off + i);
	} while (generation != vp->common->config_generation);
}

static irqreturn_t vp_config_changed(__unused int irq, void *dev_id)
{
	struct virtio_device *vdev = dev_id;

	vdev->driver->config_changed(vdev);
	return IRQ_HANDLED;
}

static int vp_setup_queue(struct virtio_pci_device *vp, struct virtqueue *vq, u16 index, const char *name,
			  irq_handler_t handler)
{
	volatile struct virtio_pci_common_cfg *c = vp->common;
	u64 pa;

	c->queue_select = index;
	u16 num = min_t(u16, c->queue_size, VIRTQUEUE_MAX_NUM);

	if (num == 0 || num & (num - 1) || c->queue_enable)
		return -ENOENT;
	int err = virtqueue_init(vq, &vp->vdev, index, num, name);

	if (err)
		return err;
	u64 at = (u64)c->queue_notify_off * vp->notify_multiplier;

	if (at + 2 > vp->notify_len)
		return -EINVAL;
	vq->notify = (volatile u16 *)(vp->notify + at);
	c->queue_size = num;
	pa = virt_to_phys(vq->desc);
	c->queue_desc_lo = (u32)pa;
	c->queue_desc_hi = (u32)(pa >> 32);
	pa = virt_to_phys(vq->avail);
	c->queue_driver_lo = (u32)pa;
	c->queue_driver_hi = (u32)(pa >> 32);
	pa = virt_to_phys(vq->used);
	c->queue_device_lo = (u32)pa;
	c->queue_device_hi = (u32)(pa >> 32);
	if (handler) {
		int irq = pci_request_msix(vp->pci, index, 0, handler, name, vq);

		if (irq < 0)
			return irq;
		c->queue_msix_vector = index;
		if (c->queue_msix_vector != index)
			return -EBUSY;
	}
	return 0;
}

static int vp_setup_queues(struct virtio_device *vdev, struct virtqueue *vqs, unsigned int nr,
			   const char *const names[], irq_handler_t const handlers[])
{
	struct virtio_pci_device *vp = to_vp(vdev);
	volatile struct virtio_pci_common_cfg *c = vp->common;
	int vectors = pci_enable_msix(vp->pci);

	if (vectors < 0)
		return vectors;
	if (nr > c->num_queues)
		return -ENOENT;
	c->msix_config = VIRTIO_MSI_NO_VECTOR;
	for (unsigned int i = 0; i < nr; i++) {
		int err = vp_setup_queue(vp, &vqs[i], (u16)i, names[i], handlers[i]);

		if (err)
			return err;
	}
	/* Without a vector left for it, configuration changes go unseen: no loss but the link state. */
	if (vdev->driver->config_changed && vectors > (int)nr) {
		int irq = pci_request_msix(vp->pci, (int)nr, 0, vp_config_changed, vdev->driver->name, vdev);

		if (irq < 0)
			return irq;
		c->msix_config = (u16)nr;
	}
	for (unsigned int i = 0; i < nr; i++) {
		c->queue_select = (u16)i;
		c->queue_enable = 1;
	}
	return 0;
}

static const struct virtio_config_ops vp_config_ops = {
	.get_status = vp_get_status,
	.set_status = vp_set_status,
	.get_features = vp_get_features,
	.set_features = vp_set_features,
	.get_config = vp_get_config,
	.setup_queues = vp_setup_queues,
};

static int virtio_pci_probe(struct pci_dev *pci)
{
	u8 cap;
	u32 len;

	if (pci->device < VIRTIO_PCI_FIRST || pci->device > VIRTIO_PCI_LAST)
		return -ENODEV;
	struct virtio_pci_device *vp = kzalloc(sizeof(*vp), GFP_KERNEL);

	if (!vp)
		return -ENOMEM;
	pci_enable_device(pci);
	vp->pci = pci;
	vp->common = vp_map(pci, CFG_COMMON, sizeof(struct virtio_pci_common_cfg), &cap, &len);
	vp->notify = vp_map(pci, CFG_NOTIFY, 2, &cap, &vp->notify_len);
	if (!vp->common || !vp->notify) {
		kfree(vp);
		return -ENODEV;
	}
	vp->notify_multiplier = pci_read_config(pci, cap + CAP_NOTIFY_MULTIPLIER, 4);
	vp->device = vp_map(pci, CFG_DEVICE, 1, &cap, &vp->device_len);
	if (!vp->device)
		vp->device_len = 0;
	/* A transitional device says what it is in its subsystem id (4.1.2.1). */
	if (pci->device >= VIRTIO_PCI_MODERN_BASE)
		vp->vdev.id = pci->device - VIRTIO_PCI_MODERN_BASE;
	else
		vp->vdev.id = pci->subsystem_device;
	vp->vdev.config = &vp_config_ops;
	vp->vdev.transport = vp;
	register_virtio_device(&vp->vdev);
	return 0;
}

static const struct pci_device_id virtio_pci_ids[] = { { VIRTIO_PCI_VENDOR, PCI_ANY_ID }, { 0, 0 } };
static const struct pci_driver virtio_pci_driver = {
	.name = "virtio-pci",
	.id_table = virtio_pci_ids,
	.probe = virtio_pci_probe,
};

void virtio_pci_init(void)
{
	pci_register_driver(&virtio_pci_driver);
}

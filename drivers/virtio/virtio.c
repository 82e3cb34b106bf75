/*
 * drivers/virtio/virtio.c - brings a virtio device and its driver together: status, features, queues.
 *
 * Linux:   drivers/virtio/virtio.c (6.1)
 * Same:    the order of VIRTIO 1.2, 3.1.1: reset, ACKNOWLEDGE, DRIVER, features, FEATURES_OK, queues, DRIVER_OK.
 * Differs: 1. a device that does not offer VIRTIO_F_VERSION_1 is refused.
 * Locks:   none: devices and drivers are registered at boot.
 * Walk:    virtio_net_init() -> register_virtio_driver() -> probe().
 */
#include "drivers/virtio.h"
#include "drivers/drivers.h"
#include "kernel/errno.h"
#include "kernel/printk.h"

static LIST_HEAD(virtio_devices);

static void virtio_add_status(struct virtio_device *vdev, u8 status)
{
	vdev->config->set_status(vdev, vdev->config->get_status(vdev) | status);
}

static int virtio_negotiate(struct virtio_device *vdev, const struct virtio_driver *drv)
{
	u64 offered = vdev->config->get_features(vdev);
	u64 ring = BIT(VIRTIO_F_VERSION_1) | BIT(VIRTIO_F_EVENT_IDX) | BIT(VIRTIO_F_ACCESS_PLATFORM);

	if (!(offered & BIT(VIRTIO_F_VERSION_1)))
		return -ENODEV;
	/* ACCESS_PLATFORM: behind an IOMMU nobody programmed, bus addresses are physical addresses. */
	vdev->features = (drv->choose_features(offered) & offered) | (ring & offered);
	vdev->config->set_features(vdev, vdev->features);
	virtio_add_status(vdev, VIRTIO_STATUS_FEATURES_OK);
	if (!(vdev->config->get_status(vdev) & VIRTIO_STATUS_FEATURES_OK))
		return -EINVAL;
	return 0;
}

static void virtio_probe(struct virtio_device *vdev, const struct virtio_driver *drv)
{
	int err;

	vdev->driver = drv;
	vdev->config->set_status(vdev, 0);
	virtio_add_status(vdev, VIRTIO_STATUS_ACKNOWLEDGE);
	virtio_add_status(vdev, VIRTIO_STATUS_DRIVER);
	err = virtio_negotiate(vdev, drv);
	if (!err)
		err = drv->probe(vdev);
	if (!err)
		return;
	pr_err("%s: cannot use the device: error %d\n", drv->name, -err);
	vdev->config->set_status(vdev, 0);
	virtio_add_status(vdev, VIRTIO_STATUS_FAILED);
}

void register_virtio_device(struct virtio_device *vdev)
{
	list_add_tail(&vdev->list, &virtio_devices);
}

void register_virtio_driver(const struct virtio_driver *drv)
{
	struct virtio_device *vdev;

	list_for_each_entry(vdev, &virtio_devices, list)
		if (!vdev->driver && vdev->id == drv->id)
			virtio_probe(vdev, drv);
}

int virtio_find_vqs(struct virtio_device *vdev, struct virtqueue *vqs, unsigned int nr, const char *const names[],
		    irq_handler_t const handlers[])
{
	vdev->vqs = vqs;
	vdev->nr_vqs = nr;
	return vdev->config->setup_queues(vdev, vqs, nr, names, handlers);
}

void virtio_device_ready(struct virtio_device *vdev)
{
	virtio_add_status(vdev, VIRTIO_STATUS_DRIVER_OK);
}

void virtio_init(void)
{
	virtio_pci_init();
}

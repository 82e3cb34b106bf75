/*
 * drivers/pci.h - a PCI function, as its driver sees it.
 *
 * Linux:   include/linux/pci.h (6.1)
 * Same:    configuration access, capabilities, BARs, MSI-X; a driver is a table with a probe function.
 * Differs: 1. interrupts are MSI-X only: routing the four shared pins needs the firmware's AML.
 *          2. nothing is ever unplugged.
 * Locks:   PCI_CFG inside, where configuration space is behind the two ports.
 * Walk:    pci_init() -> pci_register_driver() -> probe(): virtio_pci_probe().
 *
 * Contract: pci_init() finds every function once at boot; a driver that registers is offered each function that no
 * other driver has taken. A function belongs to the driver whose probe() returned 0, for ever.
 */
#pragma once
#include "kernel/irq.h"
#include "kernel/list.h"

enum { PCI_NUM_BARS = 6, PCI_ANY_ID = 0xffff };
enum { PCI_CAP_ID_VNDR = 0x09, PCI_CAP_ID_MSIX = 0x11 };

struct pci_bar {
	phys_addr_t pa;		/* 0: none */
	u64 size;		/* 0: none */
	bool is_io;
	void *mapped;		/* by pci_iomap() */
};
struct pci_driver;
struct pci_dev {
	/* immutable after pci_init() */
	u8 bus, devfn;		/* devfn = device * 8 + function */
	u16 vendor, device, subsystem_vendor, subsystem_device;
	u32 class;		/* class, subclass, interface */
	u8 revision;
	struct pci_bar bar[PCI_NUM_BARS];
	struct list_head list;
	/* the driver's */
	const struct pci_driver *driver;
	void *priv;
	u8 msix_cap;		/* offset of the capability, 0: not enabled */
	int msix_count;		/* entries of the table */
	volatile u32 *msix_table;
};
struct pci_device_id { u16 vendor, device; };	/* PCI_ANY_ID matches all; a zero vendor ends the table */
struct pci_driver {
	const char *name;
	const struct pci_device_id *id_table;
	int (*probe)(struct pci_dev *dev);	/* task (boot). 0: taken; -errno: not mine after all, or broken */
};

/* pci_init - find all functions. Context: boot. pci_register_driver - offer them to @drv. Context: task (boot). */
void pci_init(void);
void pci_register_driver(const struct pci_driver *drv);

/*
 * pci_read_config, pci_write_config - @size 1, 2 or 4 bytes at @off (naturally aligned) of configuration space.
 * Context: any.
 */
u32 pci_read_config(const struct pci_dev *dev, unsigned int off, unsigned int size);
void pci_write_config(const struct pci_dev *dev, unsigned int off, unsigned int size, u32 v);
/*
 * pci_find_capability - offset of the first capability @id; pci_find_next_capability - of the next after @pos.
 * 0: none.
 */
u8 pci_find_capability(const struct pci_dev *dev, u8 id);
u8 pci_find_next_capability(const struct pci_dev *dev, u8 pos, u8 id);
/*
 * pci_enable_device - let it decode its memory and be a bus master (read and write memory, send MSIs). Context:
 * task.
 */
void pci_enable_device(struct pci_dev *dev);
/*
 * pci_iomap - @len bytes at @off of memory BAR @bar. Return: their address, or NULL: no such BAR, too short, no
 * memory.
 */
void *pci_iomap(struct pci_dev *dev, int bar, u64 off, u64 len);
/* pci_enable_msix - use MSI-X, every vector masked. Return: number of vectors, or -ENODEV, -ENOMEM. Context: task. */
int __must_check pci_enable_msix(struct pci_dev *dev);
/*
 * pci_request_msix - vector @nr of @dev interrupts @cpu and calls @handler. Return: irq or -ENOSPC, -EINVAL.
 * Context: task.
 */
int __must_check pci_request_msix(struct pci_dev *dev, int nr, int cpu, irq_handler_t handler, const char *name,
				  void *dev_id);

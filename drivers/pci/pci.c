/*
 * drivers/pci/pci.c - finds what is plugged into the PCI buses, and gives drivers access to it.
 *
 * Linux:   drivers/pci/{access,probe,pci,msi/msi,setup-res}.c (6.1)
 * Same:    the walk over buses, devices and functions; BAR sizing by writing ones; capabilities; MSI-X tables.
 * Differs: 1. bus numbers and bridge windows are the firmware's; a memory BAR that it left out is placed on bus 0 only.
 *          2. configuration space is memory (PCI Express, ACPI's MCFG), mapped bus by bus when first touched, or
 *             else the two ports 0xcf8 and 0xcfc.
 * Locks:   PCI_CFG around the two ports.
 * Walk:    pci_init() at boot; virtio_pci_probe() -> pci_iomap(), pci_request_msix().
 */
#include "drivers/pci.h"
#include "kernel/arch.h"
#include "kernel/errno.h"
#include "kernel/io.h"
#include "kernel/printk.h"
#include "kernel/slab.h"
#include "kernel/spinlock.h"

/* PCI Local Bus 3.0, chapter 6: the header. */
enum {
	PCI_VENDOR_ID = 0x00, PCI_DEVICE_ID = 0x02, PCI_COMMAND = 0x04, PCI_STATUS = 0x06, PCI_CLASS_REVISION = 0x08,
	PCI_HEADER_TYPE = 0x0e, PCI_BASE_ADDRESS_0 = 0x10, PCI_SECONDARY_BUS = 0x19, PCI_SUBSYSTEM_VENDOR_ID = 0x2c,
	PCI_SUBSYSTEM_ID = 0x2e, PCI_CAPABILITY_LIST = 0x34,
	PCI_COMMAND_IO = 1, PCI_COMMAND_MEMORY = 2, PCI_COMMAND_MASTER = 4, PCI_COMMAND_INTX_DISABLE = 0x400,
	PCI_STATUS_CAP_LIST = 0x10, PCI_HEADER_MULTI = 0x80, PCI_HEADER_BRIDGE = 1,
	PCI_BAR_IO = 1, PCI_BAR_TYPE_64 = 4, PCI_CLASS_BRIDGE_PCI = 0x0604,
	PCI_CFG_SIZE = 256, PCI_MIN_CAP = 0x40, PCI_MAX_CAPS = 48,	/* (256 - 64) / 4: a longer list is a loop */
};
/* PCI 3.0, 6.8.2: MSI-X. A table entry is four words: address low, address high, data, control. */
enum {
	MSIX_CONTROL = 2, MSIX_TABLE = 4,
	MSIX_ENABLE = 0x8000, MSIX_MASK_ALL = 0x4000, MSIX_SIZE_MASK = 0x7ff, MSIX_BIR_MASK = 7,
	MSIX_ENTRY_WORDS = 4, MSIX_ENTRY_MASKED = 1,
};
enum { CONFIG_ADDRESS = 0xcf8, CONFIG_DATA = 0xcfc, ECAM_BUS_SHIFT = 20, ECAM_DEVFN_SHIFT = 12 };

/* Where memory BARs without an address are put: below the IO-APIC, from the top down (the PC's hole for PCI). */
#define PCI_HOLE_TOP 0xfe000000UL
#define PCI_HOLE_BOTTOM 0xe0000000UL

static DEFINE_SPINLOCK(pci_cfg_lock, LC_PCI_CFG);
static LIST_HEAD(pci_devices);		/* written at boot only */
static phys_addr_t ecam_base;		/* of bus 0; 0: use the ports */
static u8 ecam_first_bus, ecam_last_bus;
static u8 *ecam_map[256];		/* per bus; NULL: not mapped yet */
static phys_addr_t hole_next = PCI_HOLE_TOP;

/* The mapped configuration space of @bus, or NULL: go through the ports. */
static u8 *ecam_of(u8 bus)
{
	if (!ecam_base || bus < ecam_first_bus || bus > ecam_last_bus)
		return NULL;
	if (!ecam_map[bus])
		ecam_map[bus] = ioremap(ecam_base + ((u64)bus << ECAM_BUS_SHIFT), 1UL << ECAM_BUS_SHIFT);
	return ecam_map[bus];
}

static u32 config_address(u8 bus, u8 devfn, unsigned int off)
{
	return 0x80000000U | (u32)bus << 16 | (u32)devfn << 8 | (off & 0xfc);
}

static u32 read_config(u8 bus, u8 devfn, unsigned int off, unsigned int size)
{
	u8 *ecam = ecam_of(bus);
	unsigned long flags;
	u32 v;

	if (ecam) {
		const u8 *p = ecam + ((u32)devfn << ECAM_DEVFN_SHIFT) + off;

		return size == 1 ? readb(p) : size == 2 ? readw(p) : readl(p);
	}
	spin_lock_irqsave(&pci_cfg_lock, flags);
	outl(config_address(bus, devfn, off), CONFIG_ADDRESS);
	v = inl(CONFIG_DATA) >> (off & 3) * 8;
	spin_unlock_irqrestore(&pci_cfg_lock, flags);
	return size == 1 ? (u8)v : size == 2 ? (u16)v : v;
}

static void write_config(u8 bus, u8 devfn, unsigned int off, unsigned int size, u32 v)
{
	u8 *ecam = ecam_of(bus);
	u16 port = (u16)(CONFIG_DATA + (off & 3));
	unsigned long flags;

	if (ecam) {
		u8 *p = ecam + ((u32)devfn << ECAM_DEVFN_SHIFT) + off;

		if (size == 1)
			writeb((u8)v, p);
		else if (size == 2)
			writew((u16)v, p);
		else
			writel(v, p);
		return;
	}
	spin_lock_irqsave(&pci_cfg_lock, flags);
	outl(config_address(bus, devfn, off), CONFIG_ADDRESS);
	if (size == 1)
		outb((u8)v, port);
	else if (size == 2)
		outw((u16)v, port);
	else
		outl(v, port);
	spin_unlock_irqrestore(&pci_cfg_lock, flags);
}

u32 pci_read_config(const struct pci_dev *dev, unsigned int off, unsigned int size)
{
	ASSERT(off + size <= PCI_CFG_SIZE && off % size == 0);
	return read_config(dev->bus, dev->devfn, off, size);
}

void pci_write_config(const struct pci_dev *dev, unsigned int off, unsigned int size, u32 v)
{
	ASSERT(off + size <= PCI_CFG_SIZE && off % size == 0);
	write_config(dev->bus, dev->devfn, off, size, v);
}

/* The first capability @id in the chain that begins with the pointer stored at @link. */
static u8 find_capability_from(const struct pci_dev *dev, unsigned int link, u8 id)
{
	for (int n = 0; n < PCI_MAX_CAPS; n++) {
		u8 pos = (u8)pci_read_config(dev, link, 1) & 0xfc;

		if (pos < PCI_MIN_CAP)
			return 0;
		if (pci_read_config(dev, pos, 1) == id)
			return pos;
		link = pos + 1;
	}
	return 0;
}

u8 pci_find_capability(const struct pci_dev *dev, u8 id)
{
	if (!(pci_read_config(dev, PCI_STATUS, 2) & PCI_STATUS_CAP_LIST))
		return 0;
	return find_capability_from(dev, PCI_CAPABILITY_LIST, id);
}

u8 pci_find_next_capability(const struct pci_dev *dev, u8 pos, u8 id)
{
	return find_capability_from(dev, pos + 1U, id);
}

/* What remains of the ones written to a BAR are its address bits: the lowest of them is its size. */
static u32 probe_bar_bits(const struct pci_dev *dev, unsigned int off, u32 *value)
{
	*value = pci_read_config(dev, off, 4);
	pci_write_config(dev, off, 4, U32_MAX);

	u32 bits = pci_read_config(dev, off, 4);

	pci_write_config(dev, off, 4, *value);
	return bits;
}

/* Read BAR @i. Return: how many of the six registers it takes. */
static int pci_read_bar(struct pci_dev *dev, int i)
{
	struct pci_bar *bar = &dev->bar[i];
	unsigned int off = PCI_BASE_ADDRESS_0 + 4U * (unsigned int)i;
	u32 low, high = 0, bits = probe_bar_bits(dev, off, &low);
	u64 mask;

	if (bits == 0 || bits == U32_MAX)
		return 1;
	if (low & PCI_BAR_IO) {
		*bar = (struct pci_bar){ .pa = low & ~3U, .size = -(bits & 0xfffcU) & 0xffff, .is_io = true };
		return 1;
	}
	mask = 0xffffffff00000000UL | (bits & ~0xfU);
	bar->pa = low & ~0xfU;
	if ((low & PCI_BAR_TYPE_64) && i < PCI_NUM_BARS - 1) {
		mask = (u64)probe_bar_bits(dev, off + 4, &high) << 32 | (bits & ~0xfU);
		bar->pa |= (u64)high << 32;
	}
	bar->size = -mask;
	return low & PCI_BAR_TYPE_64 ? 2 : 1;
}

/* The addresses must not be decoded while they are all ones. */
static void pci_read_bars(struct pci_dev *dev)
{
	u32 command = pci_read_config(dev, PCI_COMMAND, 2);

	pci_write_config(dev, PCI_COMMAND, 2, command & ~(u32)(PCI_COMMAND_IO | PCI_COMMAND_MEMORY));
	for (int i = 0; i < PCI_NUM_BARS;)
		i += pci_read_bar(dev, i);
	pci_write_config(dev, PCI_COMMAND, 2, command);
	for (int i = 0; i < PCI_NUM_BARS; i++) {
		struct pci_bar *bar = &dev->bar[i];

		if (bar->size && !bar->is_io && bar->pa >= PCI_HOLE_BOTTOM && bar->pa < hole_next)
			hole_next = bar->pa;
	}
}

static void pci_scan_bus(u8 bus);

enum { NO_FUNCTION = -1 };

/* Look at one function. Return: its header type, or NO_FUNCTION: nobody is there. */
static int pci_scan_function(u8 bus, u8 devfn)
{
	u32 id = read_config(bus, devfn, PCI_VENDOR_ID, 4);

	if (id == U32_MAX || id == 0)
		return NO_FUNCTION;

	u8 type = (u8)read_config(bus, devfn, PCI_HEADER_TYPE, 1);
	u32 class = read_config(bus, devfn, PCI_CLASS_REVISION, 4);

	if ((type & 0x7f) == PCI_HEADER_BRIDGE && class >> 16 == PCI_CLASS_BRIDGE_PCI) {
		u8 below = (u8)read_config(bus, devfn, PCI_SECONDARY_BUS, 1);

		if (below > bus)
			pci_scan_bus(below);
		return type;
	}
	if (type & 0x7f)
		return type;

	struct pci_dev *dev = kzalloc(sizeof(*dev), GFP_KERNEL);

	if (!dev)
		panic("no memory for a PCI device");
	dev->bus = bus;
	dev->devfn = devfn;
	dev->vendor = (u16)id;
	dev->device = (u16)(id >> 16);
	dev->class = class >> 8;
	dev->revision = (u8)class;
	dev->subsystem_vendor = (u16)pci_read_config(dev, PCI_SUBSYSTEM_VENDOR_ID, 2);
	dev->subsystem_device = (u16)pci_read_config(dev, PCI_SUBSYSTEM_ID, 2);
	pci_read_bars(dev);
	list_add_tail(&dev->list, &pci_devices);
	return type;
}

static void pci_scan_bus(u8 bus)
{
	for (unsigned int slot = 0; slot < 32; slot++) {
		int type = pci_scan_function(bus, (u8)(slot * 8));

		if (type < 0 || !(type & PCI_HEADER_MULTI))
			continue;
		for (unsigned int fn = 1; fn < 8; fn++)
			(void)pci_scan_function(bus, (u8)(slot * 8 + fn));
	}
}

/* Give a memory BAR that the firmware forgot an address. Behind a bridge it would also need a window: not done. */
static void pci_assign_bar(struct pci_dev *dev, int i)
{
	struct pci_bar *bar = &dev->bar[i];
	unsigned int off = PCI_BASE_ADDRESS_0 + 4U * (unsigned int)i;
	u64 size = max_t(u64, bar->size, PAGE_SIZE);
	phys_addr_t pa = (hole_next - size) & ~(size - 1);

	if (bar->size == 0 || bar->is_io || bar->pa || dev->bus != 0)
		return;
	if (size > hole_next - PCI_HOLE_BOTTOM || pa < PCI_HOLE_BOTTOM) {
		pr_warn("pci %02x:%02x.%d: no room for BAR %d\n", dev->bus, dev->devfn >> 3, dev->devfn & 7, i);
		return;
	}
	hole_next = bar->pa = pa;
	u32 type = pci_read_config(dev, off, 4) & 0xf;

	pci_write_config(dev, off, 4, (u32)pa | type);
	if (type & PCI_BAR_TYPE_64)
		pci_write_config(dev, off + 4, 4, 0);
}

void pci_enable_device(struct pci_dev *dev)
{
	u32 command = pci_read_config(dev, PCI_COMMAND, 2);

	for (int i = 0; i < PCI_NUM_BARS; i++)
		pci_assign_bar(dev, i);
	pci_write_config(dev, PCI_COMMAND, 2,
			 command | PCI_COMMAND_MEMORY | PCI_COMMAND_MASTER | PCI_COMMAND_INTX_DISABLE);
}

void *pci_iomap(struct pci_dev *dev, int i, u64 off, u64 len)
{
	if (i < 0 || i >= PCI_NUM_BARS)
		return NULL;

	struct pci_bar *bar = &dev->bar[i];

	if (bar->is_io || !bar->pa || off > bar->size || len > bar->size - off)
		return NULL;
	if (!bar->mapped)
		bar->mapped = ioremap(bar->pa, bar->size);
	return bar->mapped ? (u8 *)bar->mapped + off : NULL;
}

int pci_enable_msix(struct pci_dev *dev)
{
	u8 cap = pci_find_capability(dev, PCI_CAP_ID_MSIX);

	if (!cap)
		return -ENODEV;
	u32 control = pci_read_config(dev, cap + MSIX_CONTROL, 2);
	u32 table = pci_read_config(dev, cap + MSIX_TABLE, 4);
	int count = (int)(control & MSIX_SIZE_MASK) + 1;
	volatile u32 *entries = pci_iomap(dev, (int)(table & MSIX_BIR_MASK), table & ~(u32)MSIX_BIR_MASK,
					  (u64)count * MSIX_ENTRY_WORDS * 4);

	if (!entries)
		return -ENOMEM;
	/* Whole function masked while the entries hold nothing of ours. */
	pci_write_config(dev, cap + MSIX_CONTROL, 2, control | MSIX_ENABLE | MSIX_MASK_ALL);
	for (int i = 0; i < count; i++)
		entries[i * MSIX_ENTRY_WORDS + 3] = MSIX_ENTRY_MASKED;
	pci_write_config(dev, cap + MSIX_CONTROL, 2, (control | MSIX_ENABLE) & ~(u32)MSIX_MASK_ALL);
	dev->msix_cap = cap;
	dev->msix_count = count;
	dev->msix_table = entries;
	return count;
}

int pci_request_msix(struct pci_dev *dev, int nr, int cpu, irq_handler_t handler, const char *name, void *dev_id)
{
	if (nr < 0 || nr >= dev->msix_count)
		return -EINVAL;
	int irq = request_irq(handler, name, dev_id);

	if (irq < 0)
		return irq;
	volatile u32 *e = dev->msix_table + nr * MSIX_ENTRY_WORDS;
	u64 address = msi_address(cpu);

	e[0] = (u32)address;
	e[1] = (u32)(address >> 32);
	e[2] = msi_data(irq);
	e[3] = 0;
	return irq;
}

static bool pci_match(const struct pci_dev *dev, const struct pci_device_id *id)
{
	for (; id->vendor; id++)
		if (id->vendor == dev->vendor && (id->device == PCI_ANY_ID || id->device == dev->device))
			return true;
	return false;
}

void pci_register_driver(const struct pci_driver *drv)
{
	struct pci_dev *dev;

	list_for_each_entry(dev, &pci_devices, list) {
		if (dev->driver || !pci_match(dev, drv->id_table))
			continue;
		int err = drv->probe(dev);

		if (err == 0)
			dev->driver = drv;
		else if (err != -ENODEV)
			pr_warn("pci %02x:%02x.%d: %s: error %d\n", dev->bus, dev->devfn >> 3, dev->devfn & 7,
				drv->name, -err);
	}
}

void pci_init(void)
{
	phys_addr_t base;

	if (acpi_mcfg(&base, &ecam_first_bus, &ecam_last_bus))
		ecam_base = base;
	pci_scan_bus(0);
}

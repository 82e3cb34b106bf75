/*
 * kernel/x86/ioapic.c - interrupt lines of the old kind: which pin goes to which vector.
 *
 * Linux:   arch/x86/kernel/apic/io_apic.c, i8259.c (6.1)
 * Same:    the two old PICs are moved out of the exceptions' way and masked.
 * Differs: 1. all lines go to CPU 0: what matters for speed uses MSI-X.
 * Locks:   IRQ_DESC for the index register.
 * Walk:    serial_init() -> request_irq(), irq_route_gsi().
 */
#include "kernel/bug.h"
#include "kernel/errno.h"
#include "kernel/io.h"
#include "kernel/irq.h"
#include "kernel/spinlock.h"
#include "kernel/x86/x86.h"

/* Intel 82093AA data sheet, 3.1 and 3.2.4 */
enum {
	IOAPIC_INDEX = 0x00, IOAPIC_DATA = 0x10, IOAPIC_VERSION = 1, IOAPIC_REDIRECTION = 0x10,
	REDIRECTION_MASKED = 1 << 16, REDIRECTION_LEVEL = 1 << 15, REDIRECTION_ACTIVE_LOW = 1 << 13,
	PIC1_COMMAND = 0x20, PIC1_DATA = 0x21, PIC2_COMMAND = 0xa0, PIC2_DATA = 0xa1, PIC_VECTOR = 0x20,
};

static DEFINE_SPINLOCK(ioapic_lock, LC_IRQ_DESC);
static struct { u8 *base; u32 gsi_base, nr_pins; } ioapics[MAX_IOAPICS];
static int nr_ioapics;

static u32 ioapic_read(u8 *base, u32 reg)
{
	writel(reg, base + IOAPIC_INDEX);
	return readl(base + IOAPIC_DATA);
}

static void ioapic_write(u8 *base, u32 reg, u32 v)
{
	writel(reg, base + IOAPIC_INDEX);
	writel(v, base + IOAPIC_DATA);
}

/* Initialise both (8259A data sheet: ICW1 to ICW4), then mask every line. */
static void mask_pics(void)
{
	outb(0x11, PIC1_COMMAND);
	outb(0x11, PIC2_COMMAND);
	outb(PIC_VECTOR, PIC1_DATA);
	outb(PIC_VECTOR + 8, PIC2_DATA);
	outb(1 << 2, PIC1_DATA);
	outb(2, PIC2_DATA);
	outb(1, PIC1_DATA);
	outb(1, PIC2_DATA);
	outb(0xff, PIC1_DATA);
	outb(0xff, PIC2_DATA);
}

void ioapic_init(void)
{
	mask_pics();
	for (int i = 0; i < acpi.nr_ioapics; i++) {
		u8 *base = ioremap(acpi.ioapic[i].pa, PAGE_SIZE);

		if (!base)
			panic("no memory to map an IO-APIC");
		ioapics[i].base = base;
		ioapics[i].gsi_base = acpi.ioapic[i].gsi_base;
		ioapics[i].nr_pins = (ioapic_read(base, IOAPIC_VERSION) >> 16 & 0xff) + 1;
		for (u32 pin = 0; pin < ioapics[i].nr_pins; pin++)
			ioapic_write(base, IOAPIC_REDIRECTION + 2 * pin, REDIRECTION_MASKED);
		nr_ioapics++;
	}
}

int irq_route_gsi(unsigned int gsi, int irq)
{
	u32 low = (u32)irq | REDIRECTION_LEVEL | REDIRECTION_ACTIVE_LOW; /* PCI's way */
	unsigned long flags;

	if (gsi < NR_ISA_IRQS) {
		low = (u32)irq | (acpi.isa[gsi].level ? REDIRECTION_LEVEL : 0) |
		      (acpi.isa[gsi].active_low ? REDIRECTION_ACTIVE_LOW : 0);
		gsi = acpi.isa[gsi].gsi;
	}
	for (int i = 0; i < nr_ioapics; i++) {
		u32 pin = gsi - ioapics[i].gsi_base;

		if (gsi < ioapics[i].gsi_base || pin >= ioapics[i].nr_pins)
			continue;
		spin_lock_irqsave(&ioapic_lock, flags);
		ioapic_write(ioapics[i].base, IOAPIC_REDIRECTION + 2 * pin + 1, (u32)acpi.cpu_apic_id[0] << 24);
		ioapic_write(ioapics[i].base, IOAPIC_REDIRECTION + 2 * pin, low);
		spin_unlock_irqrestore(&ioapic_lock, flags);
		return 0;
	}
	return -ENODEV;
}

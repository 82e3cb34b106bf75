/*
 * kernel/x86/acpi.c - the firmware's description of the machine: CPUs, interrupt controllers, clock, PCI, power.
 *
 * Linux:   drivers/acpi/tables.c, arch/x86/kernel/acpi/boot.c, drivers/acpi/acpica (6.1)
 * Same:    tables are found from the RSDP, and believed only if their checksum is right.
 * Differs: 1. tables only, no interpreter: of the AML, the bytes of the \_S5 package are looked for, and nothing else.
 *          2. all is read once at boot, while the first page tables still show all memory below 4 GiB, and copied.
 * Locks:   none: written once at boot.
 * Walk:    x86_start() -> acpi_init().
 */
#include "kernel/string.h"
#include "kernel/x86/acpi.h"
#include "kernel/x86/x86.h"

#define MAPPED_END (4 * GIB)	/* kernel/boot/start.asm */

struct acpi_info acpi;

static bool checksum_ok(const void *p, size_t len)
{
	const u8 *b = p;
	u8 sum = 0;

	while (len--)
		sum += *b++;
	return sum == 0;
}

static const struct acpi_header *table_at(u64 pa)
{
	const struct acpi_header *h = phys_to_virt(pa);

	if (!pa || pa >= MAPPED_END - MIB || h->length < sizeof(*h) || h->length > MIB)
		return NULL;
	if (!checksum_ok(h, h->length))
		return NULL;
	return h;
}

/* Where a BIOS leaves it when the loader did not say: ACPI 6.4, 5.2.5.1. */
static const struct acpi_rsdp *scan_for_rsdp(void)
{
	for (phys_addr_t pa = 0xe0000; pa < 0x100000; pa += 16) {
		const struct acpi_rsdp *r = phys_to_virt(pa);

		if (!memcmp(r->signature, "RSD PTR ", sizeof(r->signature)) && checksum_ok(r, ACPI_RSDP_V1_SIZE))
			return r;
	}
	return NULL;
}

static void read_madt_override(const struct madt_override *o)
{
	enum { POLARITY_LOW = 3, TRIGGER_LEVEL = 3 };	/* ACPI 6.4, table 5.26 */

	if (o->source >= NR_ISA_IRQS)
		return;
	acpi.isa[o->source].gsi = o->gsi;
	acpi.isa[o->source].active_low = (o->flags & 3) == POLARITY_LOW;
	acpi.isa[o->source].level = (o->flags >> 2 & 3) == TRIGGER_LEVEL;
}

static void add_cpu(const struct madt_lapic *l)
{
	if (!(l->flags & MADT_LAPIC_ENABLED) || l->apic_id == acpi.cpu_apic_id[0] || nr_cpus_possible == NR_CPUS)
		return;
	acpi.cpu_apic_id[nr_cpus_possible++] = l->apic_id;
}

static void read_madt_entry(const struct madt_entry *e)
{
	const struct madt_ioapic *io = (const struct madt_ioapic *)e;

	switch (e->type) {
	case MADT_LAPIC:
		add_cpu((const struct madt_lapic *)e);
		break;
	case MADT_IOAPIC:
		if (acpi.nr_ioapics == MAX_IOAPICS)
			break;
		acpi.ioapic[acpi.nr_ioapics].pa = io->address;
		acpi.ioapic[acpi.nr_ioapics++].gsi_base = io->gsi_base;
		break;
	case MADT_OVERRIDE:
		read_madt_override((const struct madt_override *)e);
		break;
	}
}

static void read_madt(const struct acpi_madt *m)
{
	const u8 *p = m->entries, *end = (const u8 *)m + m->header.length;

	acpi.lapic_pa = m->lapic_address;
	while (p + sizeof(struct madt_entry) <= end) {
		const struct madt_entry *e = (const struct madt_entry *)p;

		if (e->length < sizeof(*e))
			break;
		read_madt_entry(e);
		p += e->length;
	}
}

/* One element of the \_S5 package: a byte with its prefix, or the constant zero or one (ACPI 6.4, 20.2.3). */
static u8 aml_small_integer(const u8 **p)
{
	enum { AML_BYTE_PREFIX = 0x0a };

	if (**p == AML_BYTE_PREFIX)
		(*p)++;
	return *(*p)++;
}

/* Name (\_S5, Package { a, b, ... }): a and b are what PM1a_CNT and PM1b_CNT want to hear to switch the power off. */
static void find_s5(const struct acpi_header *dsdt)
{
	enum { AML_PACKAGE = 0x12 };
	const u8 *p = (const u8 *)(dsdt + 1), *end = (const u8 *)dsdt + dsdt->length - 16;

	for (; p < end; p++) {
		if (memcmp(p, "_S5_", 4) || p[4] != AML_PACKAGE)
			continue;
		p += 5;
		p += (*p >> 6) + 2;	/* the package's length, and the number of its elements */
		acpi.s5_type_a = aml_small_integer(&p);
		acpi.s5_type_b = aml_small_integer(&p);
		acpi.has_s5 = true;
		return;
	}
}

static void read_fadt(const struct acpi_fadt *f)
{
	enum { FADT_RESET_REG_SUP = 1 << 10, SPACE_IO = 1 };
	const struct acpi_header *dsdt = table_at(f->dsdt);

	acpi.pm1a_cnt = (u16)f->pm1a_cnt_blk;
	acpi.pm1b_cnt = (u16)f->pm1b_cnt_blk;
	acpi.pm_timer = (u16)f->pm_tmr_blk;
	if (f->header.length >= sizeof(*f) && (f->flags & FADT_RESET_REG_SUP) && f->reset_reg.space == SPACE_IO) {
		acpi.reset_port = (u16)f->reset_reg.address;
		acpi.reset_value = f->reset_value;
	}
	if (dsdt)
		find_s5(dsdt);
}

static void read_table(const struct acpi_header *h)
{
	if (!h)
		return;
	if (!memcmp(h->signature, "APIC", 4)) {
		read_madt((const struct acpi_madt *)h);
	} else if (!memcmp(h->signature, "FACP", 4)) {
		read_fadt((const struct acpi_fadt *)h);
	} else if (!memcmp(h->signature, "HPET", 4)) {
		acpi.hpet_pa = ((const struct acpi_hpet *)h)->address.address;
	} else if (!memcmp(h->signature, "MCFG", 4) && h->length >= sizeof(struct acpi_mcfg)) {
		const struct acpi_mcfg *m = (const struct acpi_mcfg *)h;

		acpi.mcfg_pa = m->base;
		acpi.mcfg_first_bus = m->first_bus;
		acpi.mcfg_last_bus = m->last_bus;
	}
}

/* RSDT and XSDT differ in the width of their entries, which are not aligned. */
static void read_root(const struct acpi_header *root, size_t width)
{
	const u8 *p = (const u8 *)(root + 1), *end = (const u8 *)root + root->length;

	for (; p + width <= end; p += width) {
		u64 pa = 0;

		memcpy(&pa, p, width);
		read_table(table_at(pa));
	}
}

/* Without tables (qemu -no-acpi): what all PCs have had since there are IO-APICs. */
static void assume_pc(void)
{
	acpi.nr_ioapics = 1;
	acpi.ioapic[0].pa = 0xfec00000;
	acpi.isa[0].gsi = 2;
}

void acpi_init(void)
{
	const struct acpi_rsdp *rsdp = boot_info.rsdp ? phys_to_virt(boot_info.rsdp) : scan_for_rsdp();
	const struct acpi_header *root = NULL;

	for (u32 i = 0; i < NR_ISA_IRQS; i++)
		acpi.isa[i].gsi = i;
	acpi.cpu_apic_id[0] = (u8)(cpuid(1, 0).ebx >> 24);
	if (!rsdp) {
		assume_pc();
		return;
	}
	if (rsdp->revision >= 2)
		root = table_at(rsdp->xsdt);
	if (root)
		read_root(root, sizeof(u64));
	else if ((root = table_at(rsdp->rsdt)))
		read_root(root, sizeof(u32));
}

bool acpi_mcfg(phys_addr_t *base_pa, u8 *first_bus, u8 *last_bus)
{
	*base_pa = acpi.mcfg_pa;
	*first_bus = acpi.mcfg_first_bus;
	*last_bus = acpi.mcfg_last_bus;
	return acpi.mcfg_pa != 0;
}

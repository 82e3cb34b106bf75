/*
 * kernel/x86/acpi.h - the tables of ACPI 6.4, chapter 5.2, that this kernel reads.
 *
 * Linux:   include/acpi/actbl*.h (6.1)
 * Same:    layout.
 * Differs: 1. fields nobody reads are holes.
 * Locks:   none.
 * Walk:    acpi_init().
 */
#pragma once
#include "kernel/types.h"

enum { ACPI_RSDP_V1_SIZE = 20 };
struct __packed acpi_rsdp {
	char signature[8];
	u8 checksum;
	char oem[6];
	u8 revision;
	u32 rsdt;
	/* revision 2 */
	u32 length;
	u64 xsdt;
	u8 checksum2, reserved[3];
};
static_assert(sizeof(struct acpi_rsdp) == 36, "ACPI");
struct __packed acpi_header {
	char signature[4];
	u32 length;
	u8 revision, checksum;
	char oem[6], oem_table[8];
	u32 oem_revision, creator, creator_revision;
};
static_assert(sizeof(struct acpi_header) == 36, "ACPI");
struct __packed acpi_address { u8 space, bits, offset, access; u64 address; };

struct __packed acpi_madt { struct acpi_header header; u32 lapic_address, flags; u8 entries[]; };
enum { MADT_LAPIC = 0, MADT_IOAPIC = 1, MADT_OVERRIDE = 2, MADT_LAPIC_ENABLED = 1 };
struct __packed madt_entry { u8 type, length; };
struct __packed madt_lapic { struct madt_entry e; u8 processor, apic_id; u32 flags; };
struct __packed madt_ioapic { struct madt_entry e; u8 id, reserved; u32 address, gsi_base; };
struct __packed madt_override { struct madt_entry e; u8 bus, source; u32 gsi; u16 flags; };

struct __packed acpi_fadt {
	struct acpi_header header;
	u32 facs, dsdt;
	u8 hole1[20];
	u32 pm1a_cnt_blk, pm1b_cnt_blk, pm2_cnt_blk, pm_tmr_blk;
	u8 hole2[32];
	u32 flags;
	struct acpi_address reset_reg;
	u8 reset_value;
};
static_assert(offsetof(struct acpi_fadt, pm1a_cnt_blk) == 64, "ACPI");
static_assert(offsetof(struct acpi_fadt, flags) == 112, "ACPI");
static_assert(offsetof(struct acpi_fadt, reset_value) == 128, "ACPI");
struct __packed acpi_hpet { struct acpi_header header; u32 id; struct acpi_address address; };
struct __packed acpi_mcfg { struct acpi_header header; u64 reserved, base; u16 segment; u8 first_bus, last_bus; };

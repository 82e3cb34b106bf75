/*
 * kernel/boot/pvh.h - what QEMU (or Xen) leaves in memory for a kernel started by its PVH note.
 *
 * Linux:   include/xen/interface/hvm/start_info.h (6.1)
 * Same:    layout.
 * Differs: none.
 * Locks:   none.
 * Walk:    boot_info_init().
 */
#pragma once
#include "kernel/types.h"

#define PVH_START_MAGIC 0x336ec578U	/* xen/include/public/arch-x86/hvm/start_info.h */
enum { PVH_MEMMAP_TYPE_RAM = 1 };

struct pvh_start_info {
	u32 magic, version, flags, nr_modules;
	u64 modlist_pa, cmdline_pa, rsdp_pa;
	u64 memmap_pa;		/* from version 1 on */
	u32 memmap_entries, reserved;
};
static_assert(sizeof(struct pvh_start_info) == 56, "PVH");
struct pvh_module { u64 pa, size, cmdline_pa, reserved; };
struct pvh_memmap_entry { u64 addr, size; u32 type, reserved; };
static_assert(sizeof(struct pvh_memmap_entry) == 24, "PVH");

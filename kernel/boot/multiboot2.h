/*
 * kernel/boot/multiboot2.h - what GRUB leaves in memory: a list of tagged records.
 *
 * Linux:   none
 * Same:    nothing.
 * Differs: 1. Multiboot2 specification 2.0, section 3.6: the tags this kernel reads.
 * Locks:   none.
 * Walk:    boot_info_init().
 */
#pragma once
#include "kernel/types.h"

#define MB2_BOOT_MAGIC 0x36d76289U	/* in eax; section 3.3 */
enum { MB2_END = 0, MB2_CMDLINE = 1, MB2_MODULE = 3, MB2_MEMMAP = 6, MB2_RSDP_V1 = 14, MB2_RSDP_V2 = 15 };
enum { MB2_MEMMAP_TYPE_RAM = 1 };

struct mb2_info { u32 total_size, reserved; };
struct mb2_tag { u32 type, size; };	/* the next one follows at a multiple of 8 */
struct mb2_cmdline { struct mb2_tag tag; char text[]; };
struct mb2_module { struct mb2_tag tag; u32 start_pa, end_pa; char text[]; };
struct mb2_memmap_entry { u64 addr, size; u32 type, reserved; };
struct mb2_memmap { struct mb2_tag tag; u32 entry_size, entry_version; u8 entries[]; };
struct mb2_rsdp { struct mb2_tag tag; u8 rsdp[]; };

/*
 * kernel/boot.h - what the boot loader told, and memory for the first page tables.
 *
 * Linux:   arch/x86/include/asm/setup.h, include/linux/memblock.h (6.1)
 * Same:    nothing.
 * Differs: 1. boot_info is all that is kept of the loader's data: its memory is free for use afterwards.
 * Locks:   none: one CPU, before the scheduler.
 * Walk:    x86_start() -> boot_info_init().
 */
#pragma once
#include "kernel/arch.h"

/* As in kernel/boot/layout.inc. Below LOW_MEMORY_END: the firmware's, and the start of the other CPUs. */
enum { TRAMPOLINE_PA = 0x8000, LOW_MEMORY_END = 0x9000 };

/*
 * boot_info_init - read what the loader left at @info_pa (@magic: as it was in eax, 0 for PVH) into boot_info.
 * Context: boot; the first page tables are loaded, so nothing above 4 GiB can be read.
 */
void boot_info_init(u32 magic, phys_addr_t info_pa);
/*
 * boot_mem_take - @size bytes (whole pages, zeroed) below 4 GiB, taken out of boot_info.mem for ever.
 * Halts when there are none. Context: boot, before mem_init().
 */
phys_addr_t boot_mem_take(size_t size);

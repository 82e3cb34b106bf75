/*
 * kernel/sections.h - marks the linker sets: where the parts of the kernel begin and end.
 *
 * Linux:   include/asm-generic/sections.h (6.1)
 * Same:    the idea, and most names.
 * Differs: none of note.
 * Locks:   none.
 * Walk:    kernel/boot/kernel.ld defines them.
 */
#pragma once
#include "kernel/types.h"

extern char __kernel_start[], __kernel_end[];
/* Code ends; constants end; data that may be written ends; the symbol table ends. Each at a page border. */
extern char __text_end[], __rodata_end[], __data_end[], __kallsyms_end[];
/* The pattern of per-CPU data, and the boot CPU's copy. */
extern char __per_cpu_start[], __per_cpu_end[], __per_cpu_boot[];
/* kernel/x86/uaccess.asm: where a fault is expected, and where to go on then. */
struct ex_entry { u64 fault_ip, fixup_ip; };
extern const struct ex_entry __ex_table_start[], __ex_table_end[];
/* kernel/x86/entry.inc: places that become clac (0) or stac (1). */
struct smap_site { u64 ip, kind; };
extern const struct smap_site __smap_sites_start[], __smap_sites_end[];

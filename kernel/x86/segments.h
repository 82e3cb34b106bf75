/*
 * kernel/x86/segments.h - the task state segment: of it, the CPU reads only stack pointers.
 *
 * Linux:   arch/x86/include/asm/processor.h (6.1)
 * Same:    struct layout; sp0 is also the stack of the system call entry.
 * Differs: none.
 * Locks:   none: each CPU its own, interrupts off.
 * Walk:    arch_switch_to() sets sp0, the entries load it.
 */
#pragma once
#include "kernel/percpu.h"

struct __packed tss {
	u32 reserved0;
	u64 sp0;	/* the stack for entries from user mode */
	u64 sp1, sp2, reserved1;
	u64 ist[7];
	u64 reserved2;
	u16 reserved3, iomap_base;
};
static_assert(sizeof(struct tss) == 104, "SDM vol. 3, figure 7-11");
DECLARE_PER_CPU(struct tss, cpu_tss);
static inline void set_kernel_stack(void *top) { this_cpu_write(cpu_tss.sp0, (u64)top); }

/*
 * kernel/irqflags.h - whether this CPU takes interrupts.
 *
 * Linux:   include/linux/irqflags.h (6.1)
 * Same:    names.
 * Differs: none.
 * Locks:   none.
 * Walk:    under every spin_lock_irqsave().
 */
#pragma once
#include "kernel/types.h"

#define X86_EFLAGS_IF 0x200UL /* SDM vol. 1, 3.4.3.3 */

/* Unit tests run kernel sources in a program of the host, which may not turn interrupts off. */
#ifdef POLLUX_HOST
static inline unsigned long arch_local_save_flags(void) { return X86_EFLAGS_IF; }
static inline void local_irq_disable(void) { }
static inline void local_irq_enable(void) { }
#else
static inline unsigned long arch_local_save_flags(void)
{
	unsigned long f;

	__asm__ __volatile__("pushfq; popq %0" : "=rm"(f) :: "memory");
	return f;
}
static inline void local_irq_disable(void) { __asm__ __volatile__("cli" ::: "memory"); }
static inline void local_irq_enable(void) { __asm__ __volatile__("sti" ::: "memory"); }
#endif
static inline bool irqs_disabled_flags(unsigned long f) { return !(f & X86_EFLAGS_IF); }
static inline bool irqs_disabled(void) { return irqs_disabled_flags(arch_local_save_flags()); }
static inline void __local_irq_restore(unsigned long f)
{
	if (f & X86_EFLAGS_IF)
		local_irq_enable();
}
#define local_irq_save(f)	do { (f) = arch_local_save_flags(); local_irq_disable(); } while (0)
/* Back to how local_irq_save() found it. */
#define local_irq_restore(f)	__local_irq_restore(f)

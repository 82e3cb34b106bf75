/*
 * kernel/preempt.h - what kind of code runs on this CPU, and whether it may be interrupted by
 * another task.
 *
 * Linux:   include/linux/preempt.h, asm/preempt.h (6.1)
 * Same:    one per-CPU count: preemption depth, softirq depth and hardirq depth in bit fields.
 * Differs: 1. need_resched is a per-CPU byte of its own, not folded into the count.
 * Locks:   none.
 * Walk:    spin_lock() raises the count; irq_enter() and __do_softirq() mark their context in it.
 */
#pragma once
#include "kernel/irqflags.h"
#include "kernel/percpu.h"

enum {
	PREEMPT_OFFSET = 1,
	SOFTIRQ_OFFSET = 1 << 8,	/* serving softirqs */
	SOFTIRQ_DISABLE_OFFSET = 2 << 8, /* local_bh_disable() */
	HARDIRQ_OFFSET = 1 << 16,
	PREEMPT_MASK = 0xff,
	SOFTIRQ_MASK = 0xff00,
	HARDIRQ_MASK = 0xf0000,
};

DECLARE_PER_CPU(int, __preempt_count);
/* Set by anyone through the run queue; read with preemption off. */
DECLARE_PER_CPU(u8, __need_resched);

#define preempt_count()		this_cpu_read(__preempt_count)
#define in_hardirq()		((preempt_count() & HARDIRQ_MASK) != 0)
#define in_softirq()		((preempt_count() & SOFTIRQ_MASK) != 0)
#define in_serving_softirq()	((preempt_count() & SOFTIRQ_OFFSET) != 0)
#define in_interrupt()		((preempt_count() & (HARDIRQ_MASK | SOFTIRQ_OFFSET)) != 0)
#define in_task()		(!in_interrupt())
#define in_atomic()		(preempt_count() != 0)

/*
 * preempt_schedule - the count fell to zero and another task should run: give it the CPU, in the
 * kernel. Context: task, preemption on; returns at once when interrupts are off.
 */
void preempt_schedule(void);
/*
 * preempt_schedule_irq - the same on return from an interrupt that found the kernel preemptible.
 * Implemented by kernel/sched. Context: interrupts off on entry and return, on while others run;
 * preempt count zero.
 */
void preempt_schedule_irq(void);

static __always_inline void preempt_count_add(int n)
{
	this_cpu_add(__preempt_count, n);
	barrier();
}
static __always_inline void preempt_count_sub(int n)
{
	barrier();
	this_cpu_add(__preempt_count, -n);
}
static __always_inline void preempt_disable(void) { preempt_count_add(PREEMPT_OFFSET); }
/* For the scheduler, and where the caller knows that a schedule follows. */
static __always_inline void preempt_enable_no_resched(void) { preempt_count_sub(PREEMPT_OFFSET); }
static __always_inline void preempt_enable(void)
{
	preempt_count_sub(PREEMPT_OFFSET);
	if (unlikely(this_cpu_read(__need_resched)) && preempt_count() == 0)
		preempt_schedule();
}

/*
 * kernel/softirq.h - work that interrupts leave for "right after": with interrupts on, but not in a
 * task.
 *
 * Linux:   include/linux/interrupt.h, bottom_half.h (6.1)
 * Same:    vectors per CPU, run at the end of an interrupt or when softirqs are enabled again;
 *          ksoftirqd/N takes over when they do not end.
 * Differs: 1. three vectors.
 * Locks:   none; a softirq runs with softirqs off on its CPU, so it is never nested in itself.
 * Walk:    napi_schedule() -> raise_softirq_irqoff() -> __do_softirq() -> net_rx_action().
 */
#pragma once
#include "kernel/preempt.h"

enum softirq { TIMER_SOFTIRQ, NET_TX_SOFTIRQ, NET_RX_SOFTIRQ, NR_SOFTIRQS };

DECLARE_PER_CPU(u32, __softirq_pending);
/*
 * The softirqs that run now were started by the task they stopped (local_bh_enable()), not by an
 * interrupt.
 */
DECLARE_PER_CPU(bool, softirq_of_task);

/* spawn_ksoftirqd - one for each CPU that is online. Context: boot, after smp_init(). */
void spawn_ksoftirqd(void);
/*
 * open_softirq - install the handler of a vector. Context: boot. The handler runs in softirq,
 * interrupts on.
 */
void open_softirq(enum softirq nr, void (*action)(void));
/*
 * raise_softirq - mark @nr pending on this CPU; outside interrupts ksoftirqd or the next bh-enable
 * runs it. Context: any.
 */
void raise_softirq(enum softirq nr);
/* raise_softirq_irqoff - the same. Context: interrupts off. */
void raise_softirq_irqoff(enum softirq nr);
/*
 * __do_softirq - run what is pending on this CPU. Context: interrupts off on entry and return, on
 * while handlers run.
 */
void __do_softirq(void);
/*
 * do_softirq_slow - the tail of local_bh_enable() when something is pending. Context: task,
 * interrupts on.
 */
void do_softirq_slow(void);
/*
 * irq_enter, irq_exit - bracket every hardware interrupt; irq_exit runs pending softirqs. Context:
 * hardirq, irqs off.
 */
void irq_enter(void);
void irq_exit(void);

static __always_inline void local_bh_disable(void) { preempt_count_add(SOFTIRQ_DISABLE_OFFSET); }
/* Not where interrupts are off. */
static __always_inline void local_bh_enable(void)
{
	preempt_count_sub(SOFTIRQ_DISABLE_OFFSET - PREEMPT_OFFSET);
	if (unlikely(this_cpu_read(__softirq_pending)) &&
	    !(preempt_count() & (HARDIRQ_MASK | SOFTIRQ_MASK)))
		do_softirq_slow();
	preempt_enable();
}

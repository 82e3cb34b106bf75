/*
 * kernel/sched/idle.c - what a CPU does when no task wants it: it sleeps until an interrupt.
 *
 * Linux:   kernel/sched/idle.c (6.1)
 * Same:    need_resched is tested with interrupts off, and interrupts are enabled by the
 *          instruction before the halt.
 * Differs: 1. the idle task is preemptible: an interrupt that wakes a task switches to it at once.
 * Locks:   none.
 * Walk:    start_kernel(), ap_start() -> cpu_idle_loop() -> arch_idle().
 *
 * Why the order matters:
 *
 *   idle loop                              interrupt (a wake-up, here or on another CPU)
 *   need_resched? no
 *                                          need_resched = 1
 *   hlt: sleeps with work to do            must not happen
 *
 * With interrupts off between the test and the halt the interrupt waits, and hlt ends at once: x86
 * keeps interrupts off for one more instruction after sti, so sti; hlt has no gap.
 */
#include "kernel/arch.h"
#include "kernel/irqflags.h"
#include "kernel/preempt.h"
#include "kernel/sched.h"

void cpu_idle_loop(void)
{
	for (;;) {
		local_irq_disable();
		if (this_cpu_read(__need_resched))
			local_irq_enable();
		else
			arch_idle();
		if (this_cpu_read(__need_resched))
			schedule();
	}
}

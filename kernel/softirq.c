/*
 * kernel/softirq.c - what interrupts leave for right after.
 *
 * Linux:   kernel/softirq.c (6.1)
 * Same:    pending bits per CPU; run at the end of an interrupt or when softirqs are enabled again, at most ten rounds or
 *          2 ms; then ksoftirqd/N goes on, as a task among tasks.
 * Differs: 1. three vectors, no tasklets.
 * Locks:   none.
 * Walk:    irq_exit() -> __do_softirq() -> net_rx_action().
 */
#include "kernel/softirq.h"
#include "kernel/bug.h"
#include "kernel/err.h"
#include "kernel/sched.h"
#include "kernel/string.h"
#include "kernel/task.h"
#include "kernel/time.h"
#include "kernel/trace.h"

#define MAX_SOFTIRQ_RESTART 10
#define MAX_SOFTIRQ_NS (2 * NSEC_PER_MSEC)

DEFINE_PER_CPU(u32, __softirq_pending);
static DEFINE_PER_CPU(struct task_struct *, ksoftirqd);

/* boot only */
static void (*softirq_vec[NR_SOFTIRQS])(void);

void open_softirq(enum softirq nr, void (*action)(void)) { softirq_vec[nr] = action; }

static void wakeup_softirqd(void)
{
	struct task_struct *p = this_cpu_read(ksoftirqd);

	if (p)
		wake_up_process(p);
}

void raise_softirq_irqoff(enum softirq nr)
{
	this_cpu_write(__softirq_pending, this_cpu_read(__softirq_pending) | 1U << nr);
	/* Inside an interrupt, or with softirqs off, somebody will look at the bits; else nobody would. */
	if (!(preempt_count() & (HARDIRQ_MASK | SOFTIRQ_MASK)))
		wakeup_softirqd();
}

void raise_softirq(enum softirq nr)
{
	unsigned long flags;

	local_irq_save(flags);
	raise_softirq_irqoff(nr);
	local_irq_restore(flags);
}

void __do_softirq(void)
{
	u64 end = ktime_get_ns() + MAX_SOFTIRQ_NS;
	int restart = MAX_SOFTIRQ_RESTART;
	u32 pending;

	preempt_count_add(SOFTIRQ_OFFSET);
	while ((pending = this_cpu_read(__softirq_pending)) != 0) {
		if (restart-- == 0 || ktime_get_ns() > end) {
			wakeup_softirqd();
			break;
		}
		trace(__do_softirq, pending);
		this_cpu_write(__softirq_pending, 0);
		local_irq_enable();
		while (pending) {
			softirq_vec[__builtin_ctz(pending)]();
			pending &= pending - 1;
		}
		local_irq_disable();
	}
	preempt_count_sub(SOFTIRQ_OFFSET);
}

void do_softirq_slow(void)
{
	unsigned long flags;

	local_irq_save(flags);
	if (this_cpu_read(__softirq_pending))
		__do_softirq();
	local_irq_restore(flags);
}

void irq_enter(void) { preempt_count_add(HARDIRQ_OFFSET); }

void irq_exit(void)
{
	preempt_count_sub(HARDIRQ_OFFSET);
	if (unlikely(this_cpu_read(__softirq_pending)) && !(preempt_count() & (HARDIRQ_MASK | SOFTIRQ_MASK)))
		__do_softirq();
}

static __noreturn int run_ksoftirqd(__unused void *arg)
{
	for (;;) {
		set_current_state(TASK_INTERRUPTIBLE);
		local_irq_disable();
		if (this_cpu_read(__softirq_pending)) {
			__set_current_state(TASK_RUNNING);
			__do_softirq();
			local_irq_enable();
			cond_resched();
			continue;
		}
		local_irq_enable();
		schedule();
	}
}

void spawn_ksoftirqd(void)
{
	int cpu;

	for_each_online_cpu(cpu) {
		char name[TASK_COMM_LEN];

		snprintf(name, sizeof(name), "ksoftirqd/%d", cpu);
		struct task_struct *p = kthread_run(run_ksoftirqd, NULL, cpu, name);

		if (IS_ERR(p))
			panic("cannot start %s", name);
		per_cpu(ksoftirqd, cpu) = p;
	}
}

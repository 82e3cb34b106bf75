/*
 * kernel/softirq.c - the part of an interrupt's work that can wait until interrupts are on again.
 *
 * Linux:   kernel/softirq.c (6.1)
 * Same:    a bit per vector and CPU; run at the end of an interrupt, or when a task turns softirqs
 *          on again; limits on time and rounds, then ksoftirqd/N goes on as an ordinary task.
 * Differs: 1. three vectors. 2. no tasklets. 3. they run on the stack they find.
 * Locks:   none: pending bits belong to their CPU and change with interrupts off; a handler never
 * runs twice at once on a
 *          CPU, for while it runs the count says so.
 * Walk:    napi_schedule() -> raise_softirq_irqoff() ... irq_exit() -> __do_softirq() ->
 *          net_rx_action().
 *
 * Why the limits: a flood of packets raises NET_RX again and again while it is handled. Handled to
 * the end it would keep every task from the CPU for ever. After MAX_ROUNDS or MAX_TIME_NS, or as
 * soon as a task waits, the rest is left to ksoftirqd, which shares the CPU with the others by
 * their weights. While it has work, interrupts leave theirs to it too.
 */
#include "kernel/softirq.h"
#include "kernel/bug.h"
#include "kernel/err.h"
#include "kernel/printk.h"
#include "kernel/sched.h"
#include "kernel/string.h"
#include "kernel/task.h"
#include "kernel/time.h"
#include "kernel/trace.h"

enum { MAX_ROUNDS = 10 };
#define MAX_TIME_NS (2 * NSEC_PER_MSEC)

DEFINE_PER_CPU(u32, __softirq_pending);
DEFINE_PER_CPU(bool, softirq_of_task);
static DEFINE_PER_CPU(struct task_struct *, ksoftirqd);
static void (*softirq_vec[NR_SOFTIRQS])(void);
static_assert(NR_SOFTIRQS <= 32, "a bit each in __softirq_pending");

void open_softirq(enum softirq nr, void (*action)(void)) { softirq_vec[nr] = action; }

static void wakeup_softirqd(void)
{
	struct task_struct *p = this_cpu_read(ksoftirqd);

	if (p) /* before spawn_ksoftirqd() the next interrupt goes on */
		wake_up_process(p);
}

static bool ksoftirqd_is_running(void)
{
	const struct task_struct *p = this_cpu_read(ksoftirqd);

	return p && READ_ONCE(p->__state) == TASK_RUNNING;
}

void raise_softirq_irqoff(enum softirq nr)
{
	this_cpu_write(__softirq_pending, this_cpu_read(__softirq_pending) | (1U << nr));
	/* In an interrupt, in a softirq or with softirqs off, the end of that will see the bit. */
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

static void run_vectors(u32 pending)
{
	for (; pending; pending &= pending - 1) {
		int before = preempt_count();

		softirq_vec[__builtin_ctz(pending)]();
		if (CONFIG_DEBUG && WARN_ON(preempt_count() != before))
			this_cpu_write(__preempt_count, before);
	}
}

void __do_softirq(void)
{
	u32 pending = this_cpu_read(__softirq_pending);
	u64 end_ns = 0;
	int rounds = MAX_ROUNDS;

	preempt_count_add(SOFTIRQ_OFFSET);
	trace(__do_softirq, pending);
	while (pending) {
		this_cpu_write(__softirq_pending, 0);
		local_irq_enable();
		run_vectors(pending);
		local_irq_disable();
		pending = this_cpu_read(__softirq_pending);
		if (likely(!pending))
			break;
		/* The clock is read only for who needs a second round. */
		if (!end_ns)
			end_ns = ktime_get_ns() + MAX_TIME_NS;
		if (--rounds == 0 || this_cpu_read(__need_resched) || ktime_get_ns() > end_ns) {
			wakeup_softirqd();
			break;
		}
	}
	preempt_count_sub(SOFTIRQ_OFFSET);
}

void do_softirq_slow(void)
{
	unsigned long flags;

	local_irq_save(flags);
	if (this_cpu_read(__softirq_pending) && !ksoftirqd_is_running()) {
		this_cpu_write(softirq_of_task, true);
		__do_softirq();
		this_cpu_write(softirq_of_task, false);
	}
	local_irq_restore(flags);
}

void irq_enter(void) { preempt_count_add(HARDIRQ_OFFSET); }

void irq_exit(void)
{
	preempt_count_sub(HARDIRQ_OFFSET);
	if (this_cpu_read(__softirq_pending) && !(preempt_count() & (HARDIRQ_MASK | SOFTIRQ_MASK)) &&
	    !ksoftirqd_is_running())
		__do_softirq();
}

/*
 * Bound to its CPU. The state is set before the bits are tested, with interrupts off:
 * raise_softirq_irqoff() is never missed.
 */
static int ksoftirqd_fn(__unused void *arg)
{
	for (;;) {
		local_irq_disable();
		if (!this_cpu_read(__softirq_pending)) {
			set_current_state(TASK_INTERRUPTIBLE);
			local_irq_enable();
			schedule();
			continue;
		}
		__do_softirq();
		local_irq_enable();
		cond_resched();
	}
	return 0;
}

void spawn_ksoftirqd(void)
{
	char name[TASK_COMM_LEN];
	struct task_struct *p;
	int cpu;

	for_each_online_cpu(cpu) {
		snprintf(name, sizeof(name), "ksoftirqd/%d", cpu);
		p = kthread_run(ksoftirqd_fn, NULL, cpu, name);
		if (IS_ERR(p))
			panic("no memory for %s", name);
		per_cpu(ksoftirqd, cpu) = p;
	}
}

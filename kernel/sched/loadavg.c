/*
 * kernel/sched/loadavg.c - load averages: how many tasks ran or wanted to, over the last minutes.
 *
 * Linux:   kernel/sched/loadavg.c (6.1)
 * Same:    running and uninterruptible tasks, sampled every 5 seconds, averaged with exponential
 *          decay.
 * Differs: 1. whoever ticks first after 5 seconds takes the sample. If all CPUs were idle for
 * longer, nobody ticked: the
 *             periods missed count as empty.
 * Locks:   none: the one who moves next_sample_ns on takes the sample.
 * Walk:    scheduler_tick() -> calc_global_load();  /proc/loadavg -> get_avenrun().
 */
#include "kernel/atomic.h"
#include "kernel/sched/internal.h"
#include "kernel/softirq.h"

#define LOAD_PERIOD_NS (5 * NSEC_PER_SEC)
enum { FSHIFT = 11, FIXED_1 = 1 << FSHIFT, MAX_MISSED = 1000 };

/* exp(-5 s / 1, 5, 15 min), in units of FIXED_1 */
static const u64 decay[3] = { 1884, 2014, 2037 };
static u64 avenrun[3];
static u64 next_sample_ns = LOAD_PERIOD_NS;

static void add_sample(u64 active)
{
	for (int i = 0; i < 3; i++) {
		u64 sum = avenrun[i] * decay[i] + active * (FIXED_1 - decay[i]);

		/* Up when the load is higher: an even load is reached, not only approached. */
		if (active >= avenrun[i])
			sum += FIXED_1 - 1;
		WRITE_ONCE(avenrun[i], sum / FIXED_1);
	}
}

void calc_global_load(u64 now_ns)
{
	u64 due = READ_ONCE(next_sample_ns), missed;

	if (likely(now_ns < due))
		return;
	missed = (now_ns - due) / LOAD_PERIOD_NS;
	if (cmpxchg(&next_sample_ns, due, due + (missed + 1) * LOAD_PERIOD_NS) != due)
		return;
	for (u64 i = 0; i < min(missed, (u64)MAX_MISSED); i++)
		add_sample(0);
	add_sample((u64)(nr_running_tasks() + nr_uninterruptible_tasks()) * FIXED_1);
}

void get_avenrun(u64 loads[3])
{
	unsigned long flags;

	local_irq_save(flags);
	calc_global_load(arch_clock_ns());
	local_irq_restore(flags);
	for (int i = 0; i < 3; i++)
		loads[i] = READ_ONCE(avenrun[i]);
}

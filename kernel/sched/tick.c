/*
 * kernel/sched/tick.c - what happens every few milliseconds on a busy CPU: the end of slices; and
 * accounts of time.
 *
 * Linux:   kernel/sched/core.c (scheduler_tick), fair.c (check_preempt_tick), cputime.c (6.1)
 * Same:    run time is exact; it is split into user and system time by what ticks found, and neither
 *          goes back.
 * Differs: 1. the tick is aimed at the end of the slice, and stops when the CPU is idle.
 * Locks:   RUNQUEUE; TASK_PI to read another task's run time.
 * Walk:    timer_interrupt() -> scheduler_tick();  thread_cputime() -> task_cputime().
 */
#include "kernel/sched/internal.h"
#include "kernel/softirq.h"

/* A tick found @p in user or kernel mode: what it has run since the last tick counts as that. */
static void account_tick(struct task_struct *p, bool user)
{
	*(user ? &p->tick_user_ns : &p->tick_system_ns) += p->sum_exec_ns - p->acct_last_ns;
	p->acct_last_ns = p->sum_exec_ns;
}

/* @curr has used up its slice: does another one wait? */
static void end_slice(struct rq *rq, struct task_struct *curr, u64 now_ns)
{
	const struct task_struct *first = first_queued(rq);

	if (curr->policy == SCHED_RR)
		curr->vruntime_ns = rt_key(rq, curr);
	curr->slice_start_ns = now_ns;
	if (first && task_before(first, curr))
		resched_curr(rq);
	raise_min_vruntime(rq, first && task_before(first, curr) ? first : curr);
}

u64 scheduler_tick(u64 now_ns, bool user)
{
	struct rq *rq = this_rq();
	struct task_struct *curr;
	u64 slice_ns, next_ns = now_ns + SLICE_NS;

	calc_global_load(now_ns);
	rq_lock(rq);
	curr = rq->curr;
	if (curr == rq->idle) {
		rq_unlock(rq);
		return U64_MAX;
	}
	update_curr(rq, curr, now_ns);
	account_tick(curr, user);
	if (rq->nr_running > 1) {
		slice_ns = curr->policy == SCHED_RR ? RR_SLICE_NS : SLICE_NS;
		if (now_ns - curr->slice_start_ns >= slice_ns)
			end_slice(rq, curr, now_ns);
		next_ns = min(next_ns, curr->slice_start_ns + slice_ns);
		if (nr_cpus_online > 1)
			push_task(rq);
	} else {
		raise_min_vruntime(rq, curr);
	}
	rq_unlock(rq);
	return next_ns;
}

/* Locks: as task_rq_lock() leaves them. */
static u64 run_time_locked(const struct rq *rq, const struct task_struct *p)
{
	return p->sum_exec_ns + (rq->curr == p ? arch_clock_ns() - p->exec_start_ns : 0);
}

u64 task_cpu_time_ns(const struct task_struct *task)
{
	struct task_struct *p = (struct task_struct *)task;
	unsigned long flags;
	struct rq *rq = task_rq_lock(p, &flags);
	u64 ns = run_time_locked(rq, p);

	task_rq_unlock(rq, p, flags);
	return ns;
}

/*
 * @ns * @part / @whole, where @part <= @whole: without a product of more than 64 bits, to 31 bits.
 */
static u64 scale(u64 ns, u64 part, u64 whole)
{
	int excess = max(64 - __builtin_clzl(whole) - 31, 0);

	part >>= excess;
	whole >>= excess;
	return ns / whole * part + ns % whole * part / whole;
}

/*
 * The run time, in the proportion in which ticks found user and system time; too short for a tick,
 * it is all user time. A proportion changes: so that neither number goes back, one that would
 * stays, and the other takes the rest.
 */
void task_cputime(struct task_struct *p, u64 *utime_ns, u64 *stime_ns)
{
	unsigned long flags;
	struct rq *rq = task_rq_lock(p, &flags);
	u64 total = run_time_locked(rq, p), system = 0;

	if (total > p->utime_ns + p->stime_ns) {
		if (p->tick_system_ns)
			system = scale(total, p->tick_system_ns,
				       p->tick_user_ns + p->tick_system_ns);
		p->stime_ns = clamp(system, p->stime_ns, total - p->utime_ns);
		p->utime_ns = total - p->stime_ns;
	}
	*utime_ns = p->utime_ns;
	*stime_ns = p->stime_ns;
	task_rq_unlock(rq, p, flags);
}

u64 cpu_idle_time_ns(int cpu)
{
	struct rq *rq = cpu_rq(cpu);
	unsigned long flags;
	u64 ns;

	local_irq_save(flags);
	rq_lock(rq);
	ns = rq->idle->sum_exec_ns;
	if (rq->curr == rq->idle)
		ns += arch_clock_ns() - rq->idle->exec_start_ns;
	rq_unlock(rq);
	local_irq_restore(flags);
	return ns;
}

unsigned int nr_running_tasks(void)
{
	unsigned int n = 0;
	int cpu;

	for_each_online_cpu(cpu)
		n += READ_ONCE(cpu_rq(cpu)->nr_running);
	return n;
}

unsigned int nr_uninterruptible_tasks(void)
{
	long n = 0;
	int cpu;

	for_each_online_cpu(cpu)
		n += READ_ONCE(cpu_rq(cpu)->nr_uninterruptible);
	/* The CPUs are not read at one moment. */
	return n < 0 ? 0 : (unsigned int)n;
}

u64 nr_context_switches(void)
{
	u64 n = 0;
	int cpu;

	for_each_online_cpu(cpu)
		n += READ_ONCE(cpu_rq(cpu)->nr_switches);
	return n;
}

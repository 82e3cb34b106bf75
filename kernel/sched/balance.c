/*
 * kernel/sched/balance.c - which CPU a task runs on.
 *
 * Linux:   kernel/sched/fair.c (select_task_rq_fair, newidle_balance, load_balance), core.c
 *          (affinity) (6.1)
 * Same:    a wake-up prefers the waker's CPU if the waker is about to sleep, else the CPU the task
 *          ran on, else an idle one; a CPU that runs out of tasks takes one from another; the
 *          running task leaves a CPU it is no longer allowed on.
 * Differs: 1. CPUs are all alike: no domains. 2. queues are compared by their number of tasks, not
 *             by their weight.
 *          3. a CPU with two tasks more than another gives one away at the end of a slice; nothing
 *          is balanced otherwise.
 * Locks:   TASK_PI, RUNQUEUE. A second queue is only tried: two CPUs that balance at once want each
 *          other's.
 * Walk:    try_to_wake_up() -> select_cpu_slow();  __schedule() -> pull_task();  scheduler_tick()
 *          -> push_task().
 */
#include "kernel/errno.h"
#include "kernel/sched/internal.h"
#include "kernel/softirq.h"

static bool cpu_is_idle(int cpu) { return READ_ONCE(cpu_rq(cpu)->nr_running) == 0; }

/* Return: the CPU of @mask (not empty) with the fewest tasks, @first if it is one of them. */
static int emptiest_cpu(u64 mask, int first)
{
	unsigned int fewest = ~0U;
	int best = -1;

	for (u64 m = mask; m; m &= m - 1) {
		int cpu = __builtin_ctzl(m);
		unsigned int n = READ_ONCE(cpu_rq(cpu)->nr_running);

		if (n < fewest || (n == fewest && cpu == first)) {
			fewest = n;
			best = cpu;
		}
	}
	return best;
}

static u64 allowed_mask(const struct task_struct *p)
{
	u64 mask = p->cpus_mask & online_mask();

	/* Bound to a CPU that never came: better elsewhere than nowhere. */
	return mask ? mask : online_mask();
}

int select_cpu_slow(const struct task_struct *p, int wake_flags)
{
	int here = smp_processor_id(), prev = p->cpu;
	u64 mask = allowed_mask(p);

	if (waker_sleeps_soon(wake_flags) && (mask & BIT(here)) &&
	    READ_ONCE(cpu_rq(here)->nr_running) <= 1)
		return here;
	if (mask & BIT(prev) && cpu_is_idle(prev))
		return prev;
	if (mask & BIT(here) && cpu_is_idle(here))
		return here;
	for (u64 m = mask; m; m &= m - 1)
		if (cpu_is_idle(__builtin_ctzl(m)))
			return __builtin_ctzl(m);
	/* All are busy. Where it ran last, its data may still be near. */
	return mask & BIT(prev) ? prev : emptiest_cpu(mask, here);
}

int select_cpu_fork(const struct task_struct *p)
{
	return nr_cpus_online == 1 ? 0 : emptiest_cpu(allowed_mask(p), smp_processor_id());
}

/* The first task of @src that may run on @dst goes there. Locks: both queues. */
static struct task_struct *move_one(struct rq *src, struct rq *dst)
{
	struct rb_node *n = rb_first_cached(&src->tasks);
	struct task_struct *p;

	while (n && !cpu_allowed(rb_entry(n, struct task_struct, run_node), dst->cpu))
		n = rb_next(n);
	if (!n)
		return NULL;
	p = rb_entry(n, struct task_struct, run_node);
	tree_erase(src, p);
	src->nr_running--;
	if (is_rt(p))
		p->vruntime_ns = rt_key(dst, p);
	else
		p->vruntime_ns += dst->min_vruntime_ns - src->min_vruntime_ns;
	activate_task(dst, p);
	return p;
}

bool pull_task(struct rq *rq)
{
	struct rq *src = NULL;
	struct task_struct *p;
	unsigned int most = 1;
	int cpu;

	for_each_online_cpu(cpu) {
		unsigned int n = READ_ONCE(cpu_rq(cpu)->nr_running);

		if (n > most) {
			most = n;
			src = cpu_rq(cpu);
		}
	}
	/* If it is taken just now, its own CPU gives one away at the end of the slice. */
	if (!src || !rq_trylock(src))
		return false;
	p = move_one(src, rq);
	rq_unlock(src);
	return p != NULL;
}

void push_task(struct rq *rq)
{
	struct rq *dst = cpu_rq(emptiest_cpu(online_mask(), rq->cpu));
	struct task_struct *p;

	if (READ_ONCE(dst->nr_running) + 2 > rq->nr_running || !rq_trylock(dst))
		return;
	p = move_one(rq, dst);
	if (p)
		check_preempt(dst, p, 0);
	rq_unlock(dst);
}

/*
 * @p may run on the CPUs of p->cpus_mask now. If it runs on another one, tell that one:
 * __schedule() moves it. If it is queued there, move it. Return: false if it is still to be moved.
 */
static bool enforce_affinity(struct task_struct *p)
{
	unsigned long flags;
	struct rq *rq = task_rq_lock(p, &flags);

	if (!p->on_rq || cpu_allowed(p, rq->cpu)) {
		task_rq_unlock(rq, p, flags);
		return true;
	}
	if (rq->curr == p) {
		resched_curr(rq);
		task_rq_unlock(rq, p, flags);
		return false;
	}
	/* Off the tree it is on no queue for a moment; pi_lock keeps all others away. */
	tree_erase(rq, p);
	rq->nr_running--;
	WRITE_ONCE(p->on_rq, 0);
	rq_unlock(rq);
	requeue_elsewhere(p);
	spin_unlock_irqrestore(&p->pi_lock, flags);
	return true;
}

int sched_setaffinity_mask(struct task_struct *p, u64 mask)
{
	unsigned long flags;
	struct rq *rq;

	if (!(mask & online_mask()))
		return -EINVAL;
	rq = task_rq_lock(p, &flags);
	p->cpus_mask = mask;
	task_rq_unlock(rq, p, flags);
	while (!enforce_affinity(p))
		sched_yield_current();
	return 0;
}

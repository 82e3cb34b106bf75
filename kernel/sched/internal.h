/*
 * kernel/sched/internal.h - the run queue of a CPU, and what the files of this folder do with it.
 *
 * Linux:   kernel/sched/sched.h, fair.c (6.1)
 * Same:    a queue per CPU, ordered by virtual run time; the running task is counted but not in the
 *          tree.
 * Differs: 1. one order for all policies: the key of a real-time task is smaller than any virtual
 *             run time, and among them the one of higher priority, then the one that has waited
 *             longer, is the smaller.
 * Locks:   RUNQUEUE.
 * Walk:    schedule(), try_to_wake_up(), scheduler_tick().
 *
 * Virtual run time: nanoseconds run, counted slower for a task of greater weight. Who has the least
 * is next. A queue's min_vruntime_ns follows the least of its tasks and never goes back; a task
 * that slept joins at most SLEEPER_CREDIT_NS behind it, so that it runs soon but cannot save up;
 * one that changes queues keeps its distance to it.
 */
#pragma once
#include "kernel/arch.h"
#include "kernel/spinlock.h"
#include "kernel/task.h"
#include "kernel/time.h"

#define SLICE_NS (3 * NSEC_PER_MSEC) /* how long a task runs before another with less run time has its turn */
#define RR_SLICE_NS (100 * NSEC_PER_MSEC)	/* the same among SCHED_RR tasks of one priority: sched(7) */
#define WAKEUP_GRANULARITY_NS NSEC_PER_MSEC	/* a woken task must be so far behind to take the CPU at once */
#define SLEEPER_CREDIT_NS (3 * NSEC_PER_MSEC)
enum { NICE_0_WEIGHT = 1024, IDLE_WEIGHT = 3 };
#define FAIR_BASE BIT(56)			/* keys below are those of real-time tasks */

struct rq {
	spinlock_t lock;
	/* lock to change; nr_running, curr and min_vruntime_ns are also read without, as a hint */
	unsigned int nr_running;	/* queued or running; the idle task does not count */
	int cpu;
	struct task_struct *curr, *idle;
	struct rb_root_cached tasks;
	u64 min_vruntime_ns;
	u64 rt_arrivals;
	u64 nr_switches;
	/* fell asleep here less woken to here: only the sum over all CPUs means something */
	long nr_uninterruptible;
	struct task_struct *moving;	/* leaves this CPU for one it is allowed on, once it is switched out */
	/* test builds (race.c): the stream of choices; the seeded task chosen last, to be compared only; since when */
	u64 race_rng;
	const struct task_struct *race_last;
	u64 race_since_ns;
} __aligned(64);

DECLARE_PER_CPU(struct rq, runqueues);
static inline struct rq *cpu_rq(int cpu) { return per_cpu_ptr(&runqueues, cpu); }
static inline struct rq *this_rq(void) { return this_cpu_ptr(&runqueues); }

/*
 * Interrupts are off. The lock crosses arch_switch_to(), so the preemption count is not its
 * business.
 */
static __always_inline void rq_lock(struct rq *rq)
{
	lockdep_acquire(&rq->lock, LC_RUNQUEUE, 0, false);
	arch_spin_lock(&rq->lock);
}
/* A second queue, in no order to the first: only if it is free. */
static __always_inline bool rq_trylock(struct rq *rq)
{
	if (!arch_spin_trylock(&rq->lock))
		return false;
	lockdep_acquire_try(&rq->lock, LC_RUNQUEUE);
	return true;
}
static __always_inline void rq_unlock(struct rq *rq)
{
	lockdep_release(&rq->lock);
	arch_spin_unlock(&rq->lock);
}

static inline bool is_rt(const struct task_struct *p) { return p->rt_priority != 0; }
static inline bool task_before(const struct task_struct *a, const struct task_struct *b)
{
	return a->vruntime_ns < b->vruntime_ns;
}
static inline struct task_struct *first_queued(const struct rq *rq)
{
	return rb_entry_safe(rb_first_cached(&rq->tasks), struct task_struct, run_node);
}
static inline u64 weighted(u64 ns, u32 weight)
{
	return likely(weight == NICE_0_WEIGHT) ? ns : ns * NICE_0_WEIGHT / weight;
}
static inline bool cpu_allowed(const struct task_struct *p, int cpu)
{
	return p->cpus_mask >> cpu & 1;
}
static inline u64 online_mask(void) { return BIT(nr_cpus_online) - 1; }
/* The key of a real-time task that joins the others of its priority at the end. */
static inline u64 rt_key(struct rq *rq, const struct task_struct *p)
{
	return (u64)(MAX_RT_PRIO - 1 - p->rt_priority) << 48 | rq->rt_arrivals++;
}

/* In and out of the tree. Locks: rq->lock. */
static inline void tree_insert(struct rq *rq, struct task_struct *p)
{
	struct rb_node **link = &rq->tasks.rb_root.rb_node, *parent = NULL;
	bool leftmost = true;

	while (*link) {
		parent = *link;
		if (task_before(p, rb_entry(parent, struct task_struct, run_node))) {
			link = &parent->rb_left;
		} else {
			link = &parent->rb_right;
			leftmost = false;
		}
	}
	rb_link_node(&p->run_node, parent, link);
	rb_insert_color_cached(&p->run_node, &rq->tasks, leftmost);
}
static inline void tree_erase(struct rq *rq, struct task_struct *p)
{
	rb_erase_cached(&p->run_node, &rq->tasks);
}

/* update_curr - charge @curr for the time since it was charged last. Locks: rq->lock. */
static inline void update_curr(struct rq *rq, struct task_struct *curr, u64 now_ns)
{
	u64 ran = now_ns - curr->exec_start_ns;

	curr->exec_start_ns = now_ns;
	curr->sum_exec_ns += ran;
	if (curr != rq->idle && !is_rt(curr))
		curr->vruntime_ns += weighted(ran, curr->weight);
}
static inline void raise_min_vruntime(struct rq *rq, const struct task_struct *least)
{
	if (least->vruntime_ns > rq->min_vruntime_ns) /* never so for a real-time task */
		rq->min_vruntime_ns = least->vruntime_ns;
}

/*
 * activate_task - @p, whose key is set, joins @rq, which becomes its own. Locks: rq->lock; @p's
 * pi_lock, or its old queue's lock.
 */
static inline void activate_task(struct rq *rq, struct task_struct *p)
{
	p->cpu = rq->cpu;
	WRITE_ONCE(p->on_rq, 1);
	rq->nr_running++;
	tree_insert(rq, p);
}

/* resched_curr - the CPU of @rq shall look for a better task. Locks: rq->lock. */
static inline void resched_curr(struct rq *rq)
{
	u8 *flag = per_cpu_ptr(&__need_resched, rq->cpu);

	if (READ_ONCE(*flag))
		return;
	WRITE_ONCE(*flag, 1);
	if (rq->cpu != smp_processor_id())
		smp_send_reschedule(rq->cpu);
}

/*
 * core.c: task_rq_lock - @p's pi_lock and queue, so that nothing about it changes. task_rq_unlock -
 * both back.
 */
struct rq *task_rq_lock(struct task_struct *p, unsigned long *flags);
void task_rq_unlock(struct rq *rq, struct task_struct *p, unsigned long flags);
/* check_preempt - @p joined @rq: does it run at once? Locks: rq->lock. */
void check_preempt(struct rq *rq, struct task_struct *p, int wake_flags);
/*
 * requeue_elsewhere - @p, runnable but on no queue and on no CPU, joins that of a CPU it is allowed
 * on. Locks: its pi_lock; irqs off.
 */
void requeue_elsewhere(struct task_struct *p);

/* balance.c */
/*
 * select_cpu_slow - where @p, which wakes up, shall run, when there are several CPUs. Locks: @p's
 * pi_lock.
 */
int select_cpu_slow(const struct task_struct *p, int wake_flags);
/* select_cpu_fork - the same for one that has not run yet. */
int select_cpu_fork(const struct task_struct *p);
/*
 * pull_task - @rq runs out of tasks: take one from the fullest queue. Return: it took one. Locks:
 * rq->lock.
 */
bool pull_task(struct rq *rq);
/*
 * push_task - @rq has had several tasks for a slice: give one to a queue that has two fewer. Locks:
 * rq->lock.
 */
void push_task(struct rq *rq);
/*
 * waker_sleeps_soon - is WF_SYNC true: is the waker the running task, and not an interrupt that
 * stopped it?
 */
static inline bool waker_sleeps_soon(int wake_flags)
{
	return (wake_flags & WF_SYNC) && (!in_interrupt() || this_cpu_read(softirq_of_task));
}

/*
 * race.c, test builds: race_choose - @usual is to run next, @prev (may be NULL) wants to go on. If @usual has a seed,
 * the seed chooses among those that have one. Return: @prev, or one of the tree. Locks: rq->lock.
 */
struct task_struct *race_choose(struct rq *rq, struct task_struct *prev, struct task_struct *usual);

/* loadavg.c: once per tick. Context: hardirq. */
void calc_global_load(u64 now_ns);
/* syscalls.c: nice_to_weight - each step is 1.25 times. */
u32 nice_to_weight(int nice);

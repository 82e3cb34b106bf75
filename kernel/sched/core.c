/*
 * kernel/sched/core.c - who runs: wake-ups, the switch from task to task, preemption.
 *
 * Linux:   kernel/sched/core.c, fair.c (6.1)
 * Same:    try_to_wake_up() against schedule() by pi_lock, on_rq and on_cpu; __schedule(preempt);
 *          finish_task_switch() runs on the next task's stack and drops the last reference of a
 *          dead one; weights from nice values.
 * Differs: 1. one class with one order (kernel/sched/internal.h) instead of five. 2. no wake lists:
 *             the waker takes the other CPU's queue. 3. no groups, no bandwidth limits, no
 *             real-time throttling.
 * Locks:   TASK_PI, then RUNQUEUE.
 * Walk:    default_wake_function() -> try_to_wake_up() ... schedule() -> __schedule() ->
 *          arch_switch_to().
 *
 * A sleeper and its waker. p->__state says whether p wants to sleep; p->on_rq, whether it is queued
 * or runs; p->on_cpu, whether a CPU still uses its stack. Three meetings have to end well.
 *
 * 1. The waker comes before the sleeper has gone:
 *
 *      sleeper, on CPU 0                        waker, on CPU 1
 *      p->__state = TASK_INTERRUPTIBLE          condition = true
 *      full barrier (set_current_state())       full barrier (pi_lock, in try_to_wake_up())
 *      condition? no                            p->__state & state? yes
 *      schedule(): rq_lock(), full barrier      on_rq is 1: rq_lock()
 *      __state is not running: on_rq = 0        on_rq still 1? then __state = TASK_RUNNING, done
 *
 *    One of the two is first in rq->lock. If it is the waker, schedule() finds the state running
 *    and does not sleep. If it is the sleeper, the waker finds on_rq 0 and queues p again. That
 *    neither sees the other's store before the locks cannot be: both have a full barrier between
 *    their store and their load.
 *
 * 2. The sleeper is off the queue but not off its CPU:
 *
 *      CPU 0, __schedule()                      CPU 1, try_to_wake_up()
 *      p->on_rq = 0                             on_rq is 0: p is to be queued
 *      (still on p's stack)                     not yet! a third CPU would use the same stack
 *      arch_switch_to(next)
 *      finish_task_switch(): p->on_cpu = 0      waits for on_cpu to become 0, then queues p
 *      (release)                                (acquire: sees where p's registers are saved)
 *
 *    The wait is short: CPU 0 has interrupts off and waits for nobody on this way. It holds
 *    rq->lock, which the waker therefore must not need before the wait is over. on_rq is read
 *    before on_cpu, in the order in which a task that starts to run sets them: p->on_rq == 0 and
 *    p->on_cpu == 0 together mean asleep, not "about to run".
 *
 * 3. Two wakers: pi_lock lets one in, the other finds the state running.
 *
 * A task that wakes itself (from an interrupt on its own CPU) is none of these: it runs, nobody
 * else can put it to sleep, and one store is enough.
 */
#include "kernel/bug.h"
#include "kernel/mm.h"
#include "kernel/sched/internal.h"
#include "kernel/softirq.h"
#include "kernel/string.h"
#include "kernel/timer.h"
#include "kernel/trace.h"

DEFINE_PER_CPU(struct rq, runqueues);
DEFINE_PER_CPU(struct task_struct *, current_task);

/* --- waking ----------------------------------------------------------------------------------- */

/*
 * The queue that @p is on or was on last. Locks: pi_lock held: @p moves, if at all, from queue to
 * queue under both locks.
 */
static struct rq *__task_rq_lock(struct task_struct *p)
{
	for (;;) {
		struct rq *rq = cpu_rq(READ_ONCE(p->cpu));

		rq_lock(rq);
		if (likely(rq->cpu == READ_ONCE(p->cpu)))
			return rq;
		rq_unlock(rq);
	}
}

struct rq *task_rq_lock(struct task_struct *p, unsigned long *flags)
{
	spin_lock_irqsave(&p->pi_lock, *flags);
	return __task_rq_lock(p);
}

void task_rq_unlock(struct rq *rq, struct task_struct *p, unsigned long flags)
{
	rq_unlock(rq);
	spin_unlock_irqrestore(&p->pi_lock, flags);
}

/* Should @p, just queued, run before @rq's current task? */
static __always_inline bool preempts_curr(const struct rq *rq, const struct task_struct *p,
					  int wake_flags)
{
	const struct task_struct *curr = rq->curr;
	u64 vruntime;

	if (curr == rq->idle)
		return true;
	if (unlikely(is_rt(p) || is_rt(curr)))
		return p->rt_priority > curr->rt_priority;
	if (rq->cpu == smp_processor_id() && waker_sleeps_soon(wake_flags))
		return false;
	if (unlikely(p->policy != SCHED_NORMAL))
		return false;
	if (unlikely(curr->policy == SCHED_IDLE))
		return true;
	vruntime = curr->vruntime_ns +
		   weighted(arch_clock_ns() - curr->exec_start_ns, curr->weight);
	return (s64)(vruntime - p->vruntime_ns) > (s64)WAKEUP_GRANULARITY_NS;
}

void check_preempt(struct rq *rq, struct task_struct *p, int wake_flags)
{
	if (preempts_curr(rq, p, wake_flags))
		resched_curr(rq);
}

/* Where a task that comes from the queue of @src stands among those of @rq. */
static void place_task(struct rq *rq, const struct rq *src, struct task_struct *p)
{
	s64 lag;

	if (unlikely(is_rt(p))) {
		p->vruntime_ns = rt_key(rq, p);
		return;
	}
	lag = (s64)(p->vruntime_ns - READ_ONCE(src->min_vruntime_ns));
	p->vruntime_ns = rq->min_vruntime_ns + (u64)max(lag, -(s64)SLEEPER_CREDIT_NS);
}

static inline int select_cpu(const struct task_struct *p, int wake_flags)
{
	return nr_cpus_online == 1 ? 0 : select_cpu_slow(p, wake_flags);
}

/* Race 1: on a queue. Return: false if it has left it. */
static bool wake_queued(struct task_struct *p)
{
	struct rq *rq = __task_rq_lock(p);
	bool queued = p->on_rq;

	if (queued)
		WRITE_ONCE(p->__state, TASK_RUNNING);
	rq_unlock(rq);
	return queued;
}

static void wake_sleeping(struct task_struct *p, int wake_flags)
{
	const struct rq *src = cpu_rq(p->cpu);
	struct rq *rq = cpu_rq(select_cpu(p, wake_flags));

	rq_lock(rq);
	if (p->__state & TASK_UNINTERRUPTIBLE)
		rq->nr_uninterruptible--;
	place_task(rq, src, p);
	activate_task(rq, p);
	WRITE_ONCE(p->__state, TASK_RUNNING);
	if (preempts_curr(rq, p, wake_flags))
		resched_curr(rq);
	rq_unlock(rq);
}

static int wake_current(struct task_struct *p, unsigned int state)
{
	if (!(READ_ONCE(p->__state) & state))
		return 0;
	p->trace_wake_skb = this_cpu_read(trace_current_skb);
	WRITE_ONCE(p->__state, TASK_RUNNING);
	trace(try_to_wake_up, p->pid, p->cpu, 1);
	return 1;
}

int try_to_wake_up(struct task_struct *p, unsigned int state, int wake_flags)
{
	unsigned long flags;
	int success = 0;

	if (p == current)
		return wake_current(p, state);
	/* A full barrier: the waker's condition before the state (race 1). */
	spin_lock_irqsave(&p->pi_lock, flags);
	if (!(READ_ONCE(p->__state) & state))
		goto out;
	success = 1;
	p->trace_wake_skb = this_cpu_read(trace_current_skb);
	/* __state before on_rq: who has seen the sleep also sees that on_rq was set before. */
	smp_rmb();
	if (READ_ONCE(p->on_rq) && wake_queued(p))
		goto out;
	while (smp_load_acquire(&p->on_cpu)) /* race 2; pairs with finish_task_switch() */
		cpu_relax();
	wake_sleeping(p, wake_flags);
out:
	trace(try_to_wake_up, p->pid, p->cpu, success);
	spin_unlock_irqrestore(&p->pi_lock, flags);
	return success;
}

int wake_up_process(struct task_struct *p) { return try_to_wake_up(p, TASK_NORMAL, 0); }
int wake_up_state(struct task_struct *p, unsigned int state) { return try_to_wake_up(p, state, 0); }

void wake_up_new_task(struct task_struct *p)
{
	unsigned long flags;
	struct rq *rq;

	spin_lock_irqsave(&p->pi_lock, flags);
	rq = cpu_rq(select_cpu_fork(p));
	rq_lock(rq);
	/* Half a slice behind: who forks often shall not take the CPU from all others. */
	p->vruntime_ns = is_rt(p) ? rt_key(rq, p) :
				    rq->min_vruntime_ns + weighted(SLICE_NS / 2, p->weight);
	activate_task(rq, p);
	WRITE_ONCE(p->__state, TASK_RUNNING);
	check_preempt(rq, p, 0);
	rq_unlock(rq);
	spin_unlock_irqrestore(&p->pi_lock, flags);
}

void kick_process(struct task_struct *p)
{
	int cpu;

	preempt_disable();
	cpu = READ_ONCE(p->cpu);
	/* The interrupt alone is enough: on its way back to user mode @p looks at its flags. */
	if (cpu != smp_processor_id() && READ_ONCE(cpu_rq(cpu)->curr) == p)
		smp_send_reschedule(cpu);
	preempt_enable();
}

void requeue_elsewhere(struct task_struct *p)
{
	const struct rq *src = cpu_rq(p->cpu);
	struct rq *rq = cpu_rq(select_cpu(p, 0));

	rq_lock(rq);
	place_task(rq, src, p);
	activate_task(rq, p);
	check_preempt(rq, p, 0);
	rq_unlock(rq);
}

/* --- switching -------------------------------------------------------------------------------- */

static void requeue_moving(struct rq *rq)
{
	struct task_struct *p = rq->moving;
	unsigned long flags;

	rq->moving = NULL;
	spin_lock_irqsave(&p->pi_lock, flags);
	requeue_elsewhere(p);
	spin_unlock_irqrestore(&p->pi_lock, flags);
}

/*
 * On the stack of the task that runs now; @prev ran before on this CPU. Its queue is locked;
 * interrupts are off, and on after.
 */
static __always_inline void finish_task_switch(struct task_struct *prev)
{
	struct rq *rq = this_rq();
	/* Before on_cpu: afterwards it may be woken, and run. */
	unsigned int state = READ_ONCE(prev->__state);

	smp_store_release(&prev->on_cpu, 0); /* race 2; pairs with try_to_wake_up() */
	arch_spin_unlock(&rq->lock);
	if (unlikely(rq->moving))
		requeue_moving(rq);
	local_irq_enable();
	if (unlikely(state == TASK_DEAD))
		put_task_struct(prev);
}

static __always_inline void context_switch(struct rq *rq, struct task_struct *prev, struct task_struct *next,
					   u64 now_ns)
{
	rq->nr_switches++;
	rq->curr = next;
	WRITE_ONCE(next->on_cpu, 1);
	next->exec_start_ns = now_ns;
	next->slice_start_ns = now_ns;
	if (unlikely(this_cpu_read(tick_next_ns) == U64_MAX) && next != rq->idle)
		tick_start(now_ns + SLICE_NS);
	/* The lock goes over to the next task, which gives it back in finish_task_switch(). */
	lockdep_release(&rq->lock);
	/* A kernel thread borrows the address space that is loaded. */
	if (next->mm)
		switch_mm(next->mm);
	this_cpu_write(current_task, next);
	finish_task_switch(arch_switch_to(prev, next));
}

/* @prev wants to sleep. Return: true if it is off the queue now; a signal may forbid it. */
static bool deactivate_current(struct rq *rq, struct task_struct *prev, unsigned int state)
{
	if (unlikely(signal_pending_state(state, prev)) || unlikely(prev == rq->idle)) {
		/*
		 * The boot task becomes the idle task: when it waits for something, it tests again
		 * and again.
		 */
		WRITE_ONCE(prev->__state, TASK_RUNNING);
		return false;
	}
	if (state & TASK_UNINTERRUPTIBLE)
		rq->nr_uninterruptible++;
	rq->nr_running--;
	prev->nvcsw++;
	/* Last: a waker that sees it may change all the others as soon as on_cpu is 0. */
	WRITE_ONCE(prev->on_rq, 0);
	return true;
}

/*
 * @prev wants to go on, but not on this CPU. Its state is TASK_RUNNING: so nobody wakes it while it
 * is on no queue.
 */
static void move_current(struct rq *rq, struct task_struct *prev)
{
	rq->nr_running--;
	WRITE_ONCE(prev->on_rq, 0);
	rq->moving = prev;
}

/*
 * The task to run: @prev (NULL if it cannot), or the first in the tree, or one of another CPU's, or
 * none: idle.
 */
static struct task_struct *pick_next_task(struct rq *rq, struct task_struct *prev)
{
	struct task_struct *next = first_queued(rq);

	if (unlikely(!next)) {
		if (prev)
			return prev;
		if (nr_cpus_online == 1 || !pull_task(rq))
			return rq->idle;
		next = first_queued(rq);
	} else if (prev && !task_before(next, prev)) {
		next = prev;
	}
	if (CONFIG_DEBUG)
		next = race_choose(rq, prev, next);
	if (next == prev)
		return prev;
	tree_erase(rq, next);
	if (prev)
		tree_insert(rq, prev);
	return next;
}

/*
 * The one way to another task. @preempt: against the will of current, which may have set a sleeping
 * state already and not tested its condition yet: it stays on the queue. Preemption is off, once.
 */
static void __schedule(bool preempt)
{
	struct task_struct *prev = current, *next, *runnable = prev;
	unsigned int state;
	struct rq *rq;
	u64 now_ns;

	local_irq_disable();
	rq = this_rq();
	/*
	 * a full barrier: the state before what signal_pending_state() reads; pairs with
	 * signal_wake_up()
	 */
	rq_lock(rq);
	now_ns = arch_clock_ns();
	update_curr(rq, prev, now_ns);
	state = READ_ONCE(prev->__state);
	if (prev == rq->idle)
		runnable = NULL;
	if (state == TASK_RUNNING) {
		if (runnable && unlikely(!cpu_allowed(prev, rq->cpu))) {
			move_current(rq, prev);
			runnable = NULL;
		}
	} else if (!preempt && deactivate_current(rq, prev, state)) {
		runnable = NULL;
	}
	next = pick_next_task(rq, runnable);
	raise_min_vruntime(rq, next);
	this_cpu_write(__need_resched, 0);
	if (next == prev) {
		prev->slice_start_ns = now_ns;
		rq_unlock(rq);
		local_irq_enable();
		return;
	}
	if (runnable)
		prev->nivcsw++;
	trace(schedule, prev->pid, next->pid, state);
	context_switch(rq, prev, next, now_ns);
}

void schedule(void)
{
	if (CONFIG_DEBUG)
		might_sleep_slow(__FILE__, __LINE__);
	do {
		preempt_disable();
		__schedule(false);
		preempt_enable_no_resched();
	} while (unlikely(this_cpu_read(__need_resched)));
}

void preempt_schedule(void)
{
	if (irqs_disabled() || in_atomic())
		return;
	do {
		preempt_disable();
		__schedule(true);
		preempt_enable_no_resched();
	} while (unlikely(this_cpu_read(__need_resched)));
}

void preempt_schedule_irq(void)
{
	do {
		preempt_disable();
		__schedule(true);
		local_irq_disable();
		preempt_enable_no_resched();
	} while (unlikely(this_cpu_read(__need_resched)));
}

void schedule_tail(struct task_struct *prev)
{
	finish_task_switch(prev);
	preempt_enable();
}

void cond_resched(void)
{
	if (CONFIG_DEBUG)
		might_sleep_slow(__FILE__, __LINE__);
	if (this_cpu_read(__need_resched))
		preempt_schedule();
}

void sched_yield_current(void)
{
	struct task_struct *p = current, *first;
	struct rq *rq;

	local_irq_disable();
	rq = this_rq();
	rq_lock(rq);
	update_curr(rq, p, arch_clock_ns());
	first = first_queued(rq);
	/*
	 * Behind the next one, so that it has its turn; a real-time task behind all others of its
	 * priority.
	 */
	if (is_rt(p))
		p->vruntime_ns = rt_key(rq, p);
	else if (first && !is_rt(first) && !task_before(first, p))
		p->vruntime_ns = first->vruntime_ns + 1;
	if (CONFIG_DEBUG)
		p->race_yields = true;
	rq_unlock(rq);
	local_irq_enable();
	schedule();
}

void set_special_state(unsigned int state)
{
	unsigned long flags;

	/*
	 * A wake-up that has tested the old state holds pi_lock until it has written TASK_RUNNING.
	 */
	spin_lock_irqsave(&current->pi_lock, flags);
	WRITE_ONCE(current->__state, state);
	spin_unlock_irqrestore(&current->pi_lock, flags);
}

void do_task_dead(void)
{
	/* First: a dead task that was preempted would be freed while it is queued. */
	preempt_disable();
	set_special_state(TASK_DEAD);
	__schedule(false);
	panic("a dead task runs");
}

/* --- beginnings ------------------------------------------------------------------------------- */

void sched_fork(struct task_struct *p)
{
	p->__state = TASK_NEW;
	p->on_rq = 0;
	p->on_cpu = 0;
	p->cpu = current->cpu;
	p->sum_exec_ns = 0;
	p->utime_ns = p->stime_ns = 0;
	p->tick_user_ns = p->tick_system_ns = p->acct_last_ns = 0;
	p->nvcsw = 0;
	p->nivcsw = 0;
	spin_lock_init(&p->pi_lock, LC_TASK_PI);
	if (!p->sched_reset_on_fork)
		return;
	p->sched_reset_on_fork = false;
	if (is_rt(p)) {
		p->policy = SCHED_NORMAL;
		p->rt_priority = 0;
	}
	p->nice = (s8)max((int)p->nice, 0);
	p->weight = nice_to_weight(p->nice);
}

void sched_init_cpu(int cpu, struct task_struct *idle)
{
	struct rq *rq = cpu_rq(cpu);

	spin_lock_init(&rq->lock, LC_RUNQUEUE);
	rq->cpu = cpu;
	rq->tasks = RB_ROOT_CACHED;
	rq->min_vruntime_ns = FAIR_BASE + SLEEPER_CREDIT_NS;
	rq->curr = idle;
	rq->idle = idle;
	idle->__state = TASK_RUNNING;
	idle->on_rq = 1;
	idle->on_cpu = 1;
	idle->cpu = cpu;
	idle->weight = NICE_0_WEIGHT;
	idle->exec_start_ns = arch_clock_ns();
}

void sched_init(void) { sched_init_cpu(0, &init_task); }

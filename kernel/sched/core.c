/*
 * kernel/sched/core.c - who runs: run queues, schedule(), wake-ups, preemption.
 *
 * Linux:   kernel/sched/core.c, fair.c (6.1)
 * Same:    a tree by virtual run time per CPU; try_to_wake_up() with pi_lock, on_rq and on_cpu; sleepers start a little
 *          behind the least run time, so that they run soon but cannot save up.
 * Differs: 1. one class, fair. 2. balancing is by pulling: a CPU about to idle takes a task from the fullest queue, and a
 *             wake-up prefers an idle CPU.
 * Locks:   TASK_PI, then RUNQUEUE.
 * Walk:    default_wake_function() -> try_to_wake_up() -> the task runs: schedule().
 *
 * The race that on_cpu closes: a task that is going to sleep may be woken before its registers are saved.
 *
 *   CPU 0, schedule()                     CPU 1, try_to_wake_up()
 *   on_rq = 0, queue unlocked?  no:       on_rq == 0: it sleeps; but its stack is still in use, so
 *   switch_to(next)                       wait until on_cpu == 0
 *   finish_task_switch(): on_cpu = 0      now queue it, anywhere
 */
#include "kernel/sched/sched.h"
#include "kernel/bug.h"
#include "kernel/err.h"
#include "kernel/mm.h"
#include "kernel/process.h"
#include "kernel/string.h"
#include "kernel/trace.h"

#define SLICE_NS (3 * NSEC_PER_MSEC)
#define WAKEUP_GRANULARITY_NS NSEC_PER_MSEC
#define SLEEPER_CREDIT_NS (2 * NSEC_PER_MSEC)
#define NICE_0_WEIGHT 1024

DEFINE_PER_CPU(struct rq, runqueues);
DEFINE_PER_CPU(struct task_struct *, current_task) = &init_task;
DEFINE_PER_CPU(u8, __need_resched);

/* --- the queue of one CPU; its lock held -------------------------------------------------------------------- */

static void enqueue_locked(struct rq *rq, struct task_struct *p)
{
	struct rb_node **link = &rq->tasks.rb_root.rb_node, *parent = NULL;
	bool leftmost = true;

	while (*link) {
		parent = *link;
		if ((s64)(p->vruntime_ns - rb_entry(parent, struct task_struct, run_node)->vruntime_ns) < 0) {
			link = &parent->rb_left;
		} else {
			link = &parent->rb_right;
			leftmost = false;
		}
	}
	rb_link_node(&p->run_node, parent, link);
	rb_insert_color_cached(&p->run_node, &rq->tasks, leftmost);
}

static void update_curr_locked(struct rq *rq, u64 now)
{
	struct task_struct *p = rq->curr;
	u64 ran = now - p->exec_start_ns;

	p->exec_start_ns = now;
	p->sum_exec_ns += ran;
	if (p == rq->idle)
		return;
	p->vruntime_ns += likely(p->weight == NICE_0_WEIGHT) ? ran : ran * NICE_0_WEIGHT / p->weight;
	struct rb_node *left = rb_first_cached(&rq->tasks);
	u64 least = p->vruntime_ns;

	if (left && (s64)(rb_entry(left, struct task_struct, run_node)->vruntime_ns - least) < 0)
		least = rb_entry(left, struct task_struct, run_node)->vruntime_ns;
	if ((s64)(least - rq->min_vruntime_ns) > 0)
		rq->min_vruntime_ns = least;
}

static void resched_curr_locked(struct rq *rq)
{
	per_cpu(__need_resched, rq->cpu) = 1;
	if (rq->cpu != smp_processor_id())
		smp_send_reschedule(rq->cpu);
}

static void arm_slice_locked(struct rq *rq)
{
	if (rq->nr_running > 1 && rq->cpu == smp_processor_id())
		timers_arm_sched_tick(SLICE_NS);
}

static void activate_locked(struct rq *rq, struct task_struct *p)
{
	p->on_rq = 1;
	rq->nr_running++;
	enqueue_locked(rq, p);
}

/* Should @p, just queued, run instead of what runs? */
static void check_preempt_locked(struct rq *rq, struct task_struct *p, int wake_flags)
{
	struct task_struct *curr = rq->curr;

	if (curr == rq->idle) {
		resched_curr_locked(rq);
		return;
	}
	if (rq->cpu == smp_processor_id())
		update_curr_locked(rq, ktime_get_ns());
	if (!(wake_flags & WF_SYNC) && (s64)(curr->vruntime_ns - p->vruntime_ns) > (s64)WAKEUP_GRANULARITY_NS)
		resched_curr_locked(rq);
	else if (rq->cpu == smp_processor_id())
		timers_arm_sched_tick(SLICE_NS);
	else if (rq->nr_running == 2)
		smp_send_reschedule(rq->cpu);	/* so that it starts to count slices */
}

/* --- wake-ups -------------------------------------------------------------------------------------------------- */

static bool cpu_allowed(const struct task_struct *p, int cpu) { return p->cpus_mask >> cpu & 1; }
static bool cpu_is_idle(int cpu) { return READ_ONCE(cpu_rq(cpu)->nr_running) == 0; }

static int select_cpu(const struct task_struct *p, int wake_flags)
{
	int prev = p->cpu, here = smp_processor_id(), cpu;

	if (nr_cpus_online == 1)
		return 0;
	if ((wake_flags & WF_SYNC) && in_task() && cpu_allowed(p, here) && READ_ONCE(this_rq()->nr_running) == 1)
		return here;
	if (cpu_allowed(p, prev) && cpu_is_idle(prev))
		return prev;
	if (cpu_allowed(p, here) && cpu_is_idle(here))
		return here;
	for_each_online_cpu(cpu) {
		if (cpu_allowed(p, cpu) && cpu_is_idle(cpu))
			return cpu;
	}
	if (cpu_allowed(p, prev))
		return prev;
	for_each_online_cpu(cpu) {
		if (cpu_allowed(p, cpu))
			return cpu;
	}
	return prev;
}

static void place_locked(struct rq *rq, struct task_struct *p)
{
	u64 floor = rq->min_vruntime_ns - SLEEPER_CREDIT_NS;

	if ((s64)(p->vruntime_ns - floor) < 0)
		p->vruntime_ns = floor;
}

static void queue_woken(struct task_struct *p, int wake_flags)
{
	int cpu = select_cpu(p, wake_flags);
	struct rq *rq = cpu_rq(cpu);

	if (cpu != p->cpu)
		p->vruntime_ns += rq->min_vruntime_ns - READ_ONCE(cpu_rq(p->cpu)->min_vruntime_ns);
	spin_lock(&rq->lock);
	p->cpu = cpu;
	place_locked(rq, p);
	WRITE_ONCE(p->__state, TASK_RUNNING);
	activate_locked(rq, p);
	check_preempt_locked(rq, p, wake_flags);
	spin_unlock(&rq->lock);
}

/* It is queued or running: only its state has to change. Return: false if it left the queue meanwhile. */
static bool wake_queued(struct task_struct *p)
{
	struct rq *rq = cpu_rq(READ_ONCE(p->cpu));
	bool queued;

	spin_lock(&rq->lock);
	queued = p->on_rq && rq->cpu == p->cpu;
	if (queued)
		WRITE_ONCE(p->__state, TASK_RUNNING);
	spin_unlock(&rq->lock);
	return queued;
}

int try_to_wake_up(struct task_struct *p, unsigned int state, int wake_flags)
{
	unsigned long flags;
	int success = 0;

	if (p == current) {
		/* Not asleep yet: between setting its state and schedule(). */
		if (!(READ_ONCE(p->__state) & state))
			return 0;
		WRITE_ONCE(p->__state, TASK_RUNNING);
		return 1;
	}
	spin_lock_irqsave(&p->pi_lock, flags);
	smp_mb(); /* the waker's condition before the state; pairs with set_current_state() */
	if (READ_ONCE(p->__state) & state) {
		success = 1;
		p->trace_wake_skb = this_cpu_read(trace_current_skb);
		while (READ_ONCE(p->on_rq)) {
			if (wake_queued(p))
				goto out;
			cpu_relax();
		}
		while (smp_load_acquire(&p->on_cpu))
			cpu_relax();
		queue_woken(p, wake_flags);
	}
out:
	trace(try_to_wake_up, p->pid, p->cpu, success);
	spin_unlock_irqrestore(&p->pi_lock, flags);
	return success;
}

int wake_up_process(struct task_struct *p) { return try_to_wake_up(p, TASK_NORMAL, 0); }

void wake_up_new_task(struct task_struct *p)
{
	unsigned long flags;

	spin_lock_irqsave(&p->pi_lock, flags);
	p->vruntime_ns = READ_ONCE(cpu_rq(p->cpu)->min_vruntime_ns);
	queue_woken(p, 0);
	spin_unlock_irqrestore(&p->pi_lock, flags);
}

void kick_process(struct task_struct *p)
{
	preempt_disable();
	int cpu = READ_ONCE(p->cpu);

	if (cpu != smp_processor_id() && READ_ONCE(p->on_cpu))
		smp_send_reschedule(cpu);
	preempt_enable();
}

/* --- switching ------------------------------------------------------------------------------------------------- */

/* Take a task from the fullest other queue. Called and returns with rq->lock held; may drop it in between. */
static bool pull_locked(struct rq *rq)
{
	struct rq *busiest = NULL;
	int cpu;

	for_each_online_cpu(cpu) {
		unsigned int n = READ_ONCE(cpu_rq(cpu)->nr_running);

		if (cpu != rq->cpu && n > 1 && (!busiest || n > busiest->nr_running))
			busiest = cpu_rq(cpu);
	}
	/* A trylock, because two queues have no order between them; the next idle moment tries again. */
	if (!busiest || !arch_spin_trylock(&busiest->lock))
		return false;
	bool pulled = false;

	for (struct rb_node *n = rb_first_cached(&busiest->tasks); n && !pulled; n = rb_next(n)) {
		struct task_struct *p = rb_entry(n, struct task_struct, run_node);

		if (!cpu_allowed(p, rq->cpu))
			continue;
		rb_erase_cached(&p->run_node, &busiest->tasks);
		busiest->nr_running--;
		p->vruntime_ns += rq->min_vruntime_ns - busiest->min_vruntime_ns;
		p->cpu = rq->cpu;
		rq->nr_running++;
		enqueue_locked(rq, p);
		pulled = true;
	}
	arch_spin_unlock(&busiest->lock);
	return pulled;
}

static struct task_struct *pick_next_locked(struct rq *rq)
{
	struct rb_node *left = rb_first_cached(&rq->tasks);

	if (!left && nr_cpus_online > 1 && pull_locked(rq))
		left = rb_first_cached(&rq->tasks);
	if (!left)
		return rq->idle;
	rb_erase_cached(left, &rq->tasks);
	return rb_entry(left, struct task_struct, run_node);
}

/* On the new task's stack, interrupts off, the queue of this CPU locked by whoever switched to us. */
static void finish_task_switch(struct task_struct *prev)
{
	struct rq *rq = this_rq();
	unsigned int state = READ_ONCE(prev->__state);

	if (CONFIG_DEBUG)
		lockdep_release(&rq->lock);
	smp_store_release(&prev->on_cpu, 0); /* its stack is free; pairs with the wait in try_to_wake_up() */
	arch_spin_unlock(&rq->lock);
	if (unlikely(state == TASK_DEAD)) {
		local_irq_enable();
		put_task_struct(prev);
	}
}

static void switch_to_locked(struct rq *rq, struct task_struct *prev, struct task_struct *next)
{
	rq->nr_switches++;
	rq->curr = next;
	next->on_cpu = 1;
	if (next->mm)
		switch_mm(next->mm);
	else if (READ_ONCE(prev->__state) == TASK_DEAD)
		switch_mm(NULL);
	if (CONFIG_DEBUG) {
		/* The lock changes hands with the CPU. */
		lockdep_release(&rq->lock);
	}
	this_cpu_write(current_task, next);
	prev = arch_switch_to(prev, next);
	finish_task_switch(prev);
}

/* Context: preemption disabled once, interrupts on or off. */
static void __schedule(bool preempt)
{
	struct task_struct *prev = current, *next;
	struct rq *rq;
	unsigned long flags;

	local_irq_save(flags);
	rq = this_rq();
	arch_spin_lock(&rq->lock);
	u64 now = ktime_get_ns();
	unsigned int state = READ_ONCE(prev->__state);

	update_curr_locked(rq, now);
	if (!preempt && state != TASK_RUNNING) {
		if (signal_pending_state(state, prev)) {
			WRITE_ONCE(prev->__state, TASK_RUNNING);
		} else {
			prev->on_rq = 0;
			rq->nr_running--;
		}
		prev->nvcsw++;
	} else {
		prev->nivcsw++;
	}
	if (prev->on_rq && prev != rq->idle)
		enqueue_locked(rq, prev);
	next = pick_next_locked(rq);
	this_cpu_write(__need_resched, 0);
	next->exec_start_ns = now;
	next->slice_start_ns = now;
	arm_slice_locked(rq);
	if (next != prev) {
		trace(schedule, prev->pid, next->pid, state);
		switch_to_locked(rq, prev, next);
	} else {
		arch_spin_unlock(&rq->lock);
	}
	local_irq_restore(flags);
}

void schedule_tail(struct task_struct *prev)
{
	finish_task_switch(prev);
	local_irq_enable();
	preempt_enable();
}

void schedule(void)
{
	if (CONFIG_DEBUG)
		ASSERT(!in_atomic());
	do {
		preempt_disable();
		__schedule(false);
		preempt_enable_no_resched();
	} while (this_cpu_read(__need_resched));
}

void preempt_schedule(void)
{
	if (irqs_disabled())
		return;
	do {
		preempt_disable();
		__schedule(true);
		preempt_enable_no_resched();
	} while (this_cpu_read(__need_resched));
}

void preempt_schedule_irq(void)
{
	do {
		preempt_disable();
		__schedule(true);
		preempt_enable_no_resched();
	} while (this_cpu_read(__need_resched));
}

void cond_resched(void)
{
	if (this_cpu_read(__need_resched) && !in_atomic())
		preempt_schedule();
}

void sched_yield_current(void)
{
	preempt_disable();
	local_irq_disable();
	struct rq *rq = this_rq();

	spin_lock(&rq->lock);
	update_curr_locked(rq, ktime_get_ns());
	struct rb_node *left = rb_first_cached(&rq->tasks);

	/* Behind the next one, so that it really gets its turn. */
	if (left && (s64)(rb_entry(left, struct task_struct, run_node)->vruntime_ns - current->vruntime_ns) >= 0)
		current->vruntime_ns = rb_entry(left, struct task_struct, run_node)->vruntime_ns + 1;
	spin_unlock(&rq->lock);
	local_irq_enable();
	preempt_enable();
	schedule();
}

void scheduler_tick(void)
{
	struct rq *rq = this_rq();
	u64 now = ktime_get_ns();

	spin_lock(&rq->lock);
	update_curr_locked(rq, now);
	if (rq->nr_running > 1) {
		if (now - rq->curr->slice_start_ns >= SLICE_NS)
			this_cpu_write(__need_resched, 1);
		else
			timers_arm_sched_tick(SLICE_NS - (now - rq->curr->slice_start_ns));
	}
	spin_unlock(&rq->lock);
}

void do_task_dead(void)
{
	preempt_disable();
	WRITE_ONCE(current->__state, TASK_DEAD);
	__schedule(false);
	panic("a dead task runs");
}

/* --- setting up ------------------------------------------------------------------------------------------------ */

void sched_fork(struct task_struct *p)
{
	p->__state = TASK_NEW;
	p->on_rq = 0;
	p->on_cpu = 0;
	p->cpu = (int)current->cpu;
	p->sum_exec_ns = 0;
	p->nvcsw = p->nivcsw = 0;
	p->nr_held = 0;
	spin_lock_init(&p->pi_lock, LC_TASK_PI);
}

void sched_init_cpu(int cpu, struct task_struct *idle)
{
	struct rq *rq = cpu_rq(cpu);

	spin_lock_init(&rq->lock, LC_RUNQUEUE);
	rq->tasks = RB_ROOT_CACHED;
	rq->cpu = cpu;
	rq->curr = rq->idle = idle;
	idle->cpu = cpu;
	idle->on_cpu = 1;
	idle->on_rq = 1;
	idle->weight = NICE_0_WEIGHT;
	idle->cpus_mask = BIT(cpu);
	idle->__state = TASK_RUNNING;
	idle->exec_start_ns = ktime_get_ns();
	per_cpu(current_task, cpu) = idle;
}

void sched_init(void)
{
	int cpu;

	for_each_possible_cpu(cpu)
		spin_lock_init(&cpu_rq(cpu)->lock, LC_RUNQUEUE);
	sched_init_cpu(0, &init_task);
}

void cpu_idle_loop(void)
{
	for (;;) {
		local_irq_disable();
		/* With interrupts off nothing can set the flag between the test and the halt; arch_idle() enables and halts in one. */
		if (!this_cpu_read(__need_resched) && !this_cpu_read(__softirq_pending))
			arch_idle();
		else
			local_irq_enable();
		if (this_cpu_read(__need_resched))
			schedule();
	}
}

struct task_struct *kthread_create(int (*fn)(void *), void *arg, int cpu, const char *name)
{
	return copy_kernel_thread(fn, arg, cpu, name);
}

struct task_struct *kthread_run(int (*fn)(void *), void *arg, int cpu, const char *name)
{
	struct task_struct *p = kthread_create(fn, arg, cpu, name);

	if (!IS_ERR(p))
		wake_up_new_task(p);
	return p;
}

u64 task_cpu_time_ns(const struct task_struct *p) { return READ_ONCE(p->sum_exec_ns); }

unsigned int nr_running_tasks(void)
{
	unsigned int n = 0;
	int cpu;

	for_each_online_cpu(cpu)
		n += READ_ONCE(cpu_rq(cpu)->nr_running);
	return n;
}

u64 nr_context_switches(void)
{
	u64 n = 0;
	int cpu;

	for_each_online_cpu(cpu)
		n += READ_ONCE(cpu_rq(cpu)->nr_switches);
	return n;
}

/*
 * kernel/time/hrtimer.c - exact timers, and the interrupt that all timers of a CPU share.
 *
 * Linux:   kernel/time/hrtimer.c, tick-sched.c (6.1)
 * Same:    a tree per CPU ordered by time; functions run in the interrupt, and may ask to be armed
 *          again; a timer belongs to the CPU that armed it, unless its function runs elsewhere.
 * Differs: 1. all clocks are CLOCK_MONOTONIC: callers convert. 2. one interrupt serves tree, wheel
 * and scheduler tick, and
 *             is programmed for the first of them; no slack is added.
 * Locks:   TIMER of the base a timer belongs to; not held while its function runs.
 * Walk:    do_irq() -> timer_interrupt() -> (the timer's function, raise_softirq_irqoff(),
 *          scheduler_tick()).
 */
#include "kernel/arch.h"
#include "kernel/errno.h"
#include "kernel/sched.h"
#include "kernel/softirq.h"
#include "kernel/task.h"
#include "kernel/time/internal.h"

DEFINE_PER_CPU(struct timer_base, timer_bases);
DEFINE_PER_CPU(u64, tick_next_ns) = U64_MAX;

/* --- the tree; base->lock held ---------------------------------------------------------------- */

/* Return: is it the first now? */
static bool tree_add(struct timer_base *base, struct hrtimer *timer)
{
	struct rb_node **link = &base->hrtimers.rb_root.rb_node, *parent = NULL;
	bool leftmost = true;

	while (*link) {
		parent = *link;
		if (timer->expires_ns < rb_entry(parent, struct hrtimer, node)->expires_ns) {
			link = &parent->rb_left;
		} else {
			link = &parent->rb_right;
			leftmost = false;
		}
	}
	rb_link_node(&timer->node, parent, link);
	rb_insert_color_cached(&timer->node, &base->hrtimers, leftmost);
	WRITE_ONCE(timer->queued, true);
	return leftmost;
}

static void tree_remove(struct timer_base *base, struct hrtimer *timer)
{
	rb_erase_cached(&timer->node, &base->hrtimers);
	WRITE_ONCE(timer->queued, false);
}

static struct hrtimer *first_hrtimer(const struct timer_base *base)
{
	return rb_entry_safe(rb_first_cached(&base->hrtimers), struct hrtimer, node);
}

static void run_hrtimers(struct timer_base *base, u64 now_ns)
{
	struct hrtimer *timer;

	while ((timer = first_hrtimer(base)) && timer->expires_ns <= now_ns) {
		enum hrtimer_restart restart;

		tree_remove(base, timer);
		base->running_hrtimer = timer;
		base_unlock(base);
		restart = timer->function(timer);
		base_lock(base);
		/*
		 * It may be gone, unless it asks for more. Another CPU may have armed it meanwhile:
		 * here, for it was running.
		 */
		if (restart == HRTIMER_RESTART && !timer->queued)
			tree_add(base, timer);
		base->running_hrtimer = NULL;
	}
}

/* --- the clock event -------------------------------------------------------------------------- */

void program_event_slow(struct timer_base *base, u64 ns)
{
	if (base->in_interrupt)
		return;
	base->programmed_ns = ns;
	arch_timer_program(ns);
}

void tick_start(u64 deadline_ns)
{
	this_cpu_write(tick_next_ns, deadline_ns);
	program_event(this_cpu_ptr(&timer_bases), deadline_ns);
}

static u64 next_event_ns(const struct timer_base *base)
{
	const struct hrtimer *first = first_hrtimer(base);
	u64 next_ns = this_cpu_read(tick_next_ns);

	if (first)
		next_ns = min(next_ns, first->expires_ns);
	if (!base->softirq_raised)
		next_ns = min(next_ns, tick_to_ns(base->next_expiry));
	return next_ns;
}

void timer_interrupt(bool user)
{
	struct timer_base *base = this_cpu_ptr(&timer_bases);
	u64 now_ns = arch_clock_ns();

	base->in_interrupt = true;
	base_lock(base);
	run_hrtimers(base, now_ns);
	if (base->next_expiry <= ns_to_tick(now_ns) && !base->softirq_raised) {
		base->softirq_raised = true;
		raise_softirq_irqoff(TIMER_SOFTIRQ);
	}
	base_unlock(base);
	if (this_cpu_read(tick_next_ns) <= now_ns) {
		this_cpu_write(tick_next_ns, scheduler_tick(now_ns, user));
		posix_cpu_timers_tick();
	}
	base->in_interrupt = false;
	base_lock(base);
	/*
	 * The event is used up whatever it was for: the hardware may count less far than asked
	 * (arch_timer_program()).
	 */
	base->programmed_ns = next_event_ns(base);
	arch_timer_program(base->programmed_ns);
	base_unlock(base);
}

/* --- arming and disarming --------------------------------------------------------------------- */

void hrtimer_init(struct hrtimer *timer, enum hrtimer_restart (*function)(struct hrtimer *))
{
	timer->expires_ns = 0;
	timer->function = function;
	timer->cpu = smp_processor_id(); /* any will do: it is not armed */
	timer->queued = false;
}

/* As lock_base() of the wheel: the base it belongs to, locked; interrupts are off. */
static struct timer_base *lock_hrtimer_base(const struct hrtimer *timer)
{
	for (;;) {
		int cpu = READ_ONCE(timer->cpu);

		if (likely(cpu >= 0)) {
			struct timer_base *base = per_cpu_ptr(&timer_bases, cpu);

			base_lock(base);
			if (likely(READ_ONCE(timer->cpu) == cpu))
				return base;
			base_unlock(base);
		}
		cpu_relax();
	}
}

void hrtimer_start(struct hrtimer *timer, u64 expires_ns)
{
	struct timer_base *base, *this_base;
	unsigned long flags;

	local_irq_save(flags);
	this_base = this_cpu_ptr(&timer_bases);
	base = lock_hrtimer_base(timer);
	if (timer->queued)
		tree_remove(base, timer);
	if (base != this_base && base->running_hrtimer != timer) {
		WRITE_ONCE(timer->cpu, -1);
		base_unlock(base);
		base = this_base;
		base_lock(base);
		WRITE_ONCE(timer->cpu, smp_processor_id());
	}
	timer->expires_ns = expires_ns;
	/* Another CPU that is just running it will look at its tree when it is done. */
	if (tree_add(base, timer) && base == this_base)
		program_event(base, expires_ns);
	base_unlock(base);
	local_irq_restore(flags);
}

int hrtimer_try_to_cancel(struct hrtimer *timer)
{
	struct timer_base *base;
	unsigned long flags;
	int res = 0;

	local_irq_save(flags);
	base = lock_hrtimer_base(timer);
	if (base->running_hrtimer == timer) {
		/*
		 * Its function may still say restart: only once it has returned is "disarmed" a
		 * fact.
		 */
		res = -1;
	} else if (timer->queued) {
		tree_remove(base, timer);
		res = 1;
	}
	base_unlock(base);
	local_irq_restore(flags);
	return res;
}

bool hrtimer_cancel(struct hrtimer *timer)
{
	for (;;) {
		int res = hrtimer_try_to_cancel(timer);

		if (res >= 0)
			return res;
		cpu_relax();
	}
}

u64 hrtimer_forward(struct hrtimer *timer, u64 now_ns, u64 interval_ns)
{
	u64 steps;

	if (now_ns < timer->expires_ns)
		return 0;
	steps = (now_ns - timer->expires_ns) / interval_ns + 1;
	timer->expires_ns += steps * interval_ns;
	return steps;
}

void timers_init_cpu(int cpu)
{
	struct timer_base *base = per_cpu_ptr(&timer_bases, cpu);

	spin_lock_init(&base->lock, LC_TIMER);
	base->clk = ns_to_tick(arch_clock_ns());
	base->next_expiry = U64_MAX;
	base->hrtimers = RB_ROOT_CACHED;
	base->programmed_ns = U64_MAX;
	if (cpu == 0)
		open_softirq(TIMER_SOFTIRQ, run_timers);
}

/* --- sleeping --------------------------------------------------------------------------------- */

struct hrtimer_sleeper { struct hrtimer timer; struct task_struct *task; };

static enum hrtimer_restart hrtimer_wakeup(struct hrtimer *timer)
{
	struct hrtimer_sleeper *t = container_of(timer, struct hrtimer_sleeper, timer);
	struct task_struct *task = t->task;

	WRITE_ONCE(t->task, NULL);
	wake_up_process(task);
	return HRTIMER_NORESTART;
}

int schedule_hrtimeout(const u64 *expires_ns)
{
	struct hrtimer_sleeper t;

	if (!expires_ns) {
		schedule();
		return -EINTR;
	}
	if (*expires_ns <= ktime_get_ns()) {
		__set_current_state(TASK_RUNNING);
		return 0;
	}
	hrtimer_init(&t.timer, hrtimer_wakeup);
	t.task = current;
	hrtimer_start(&t.timer, *expires_ns);
	if (likely(t.task))
		schedule();
	hrtimer_cancel(&t.timer);
	__set_current_state(TASK_RUNNING);
	return t.task ? -EINTR : 0;
}

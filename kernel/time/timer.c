/*
 * kernel/time/timer.c - the timer wheel, the hrtimer tree, and the one hardware timer they share on each CPU.
 *
 * Linux:   kernel/time/timer.c, hrtimer.c, tick-sched.c (6.1)
 * Same:    a wheel for time-outs that mostly do not happen (arming and disarming are a list operation), a tree for those
 *          that must be exact; functions of the wheel run in TIMER_SOFTIRQ, those of the tree in hardirq.
 * Differs: 1. the wheel cascades, so a time-out is never later than its millisecond. 2. there is no tick: the earliest of
 *             wheel, tree and time slice is programmed.
 * Locks:   TIMER, one per CPU; not held while a function runs.
 * Walk:    timer_interrupt() -> TIMER_SOFTIRQ -> tcp_write_timer().
 */
#include "kernel/timer.h"
#include "kernel/arch.h"
#include "kernel/errno.h"
#include "kernel/sched.h"
#include "kernel/task.h"
#include "kernel/softirq.h"
#include "kernel/spinlock.h"

#define LEVEL_BITS 6
#define LEVEL_SIZE 64
#define NR_LEVELS 6	/* 64^6 ms: two years; later expiries wait in the last slot and go round again */

struct timer_base {
	spinlock_t lock;
	/* lock */
	u64 clk_ms;			/* next millisecond of the wheel to process */
	u64 next_ms;			/* no timer of the wheel is due before it; may be too early */
	u64 pending[NR_LEVELS];		/* bit per slot that holds timers */
	struct hlist_head slots[NR_LEVELS][LEVEL_SIZE];
	struct rb_root_cached tree;
	struct timer_list *running;
	struct hrtimer *hr_running;
	/* own CPU, irqs off */
	u64 programmed_ns;
	u64 sched_tick_ns;
	int cpu;
};
static DEFINE_PER_CPU(struct timer_base, timer_bases);

/* --- programming the hardware: own CPU, irqs off ------------------------------------------------------------- */

static u64 next_event_ns(struct timer_base *b)
{
	u64 next = b->next_ms == U64_MAX ? U64_MAX : b->next_ms * TIMER_TICK_NS;
	struct rb_node *first = rb_first_cached(&b->tree);

	if (first)
		next = min(next, rb_entry(first, struct hrtimer, node)->expires_ns);
	return min(next, b->sched_tick_ns);
}

static void program_if_earlier(struct timer_base *b, u64 when_ns)
{
	if (when_ns < b->programmed_ns) {
		b->programmed_ns = when_ns;
		arch_timer_program(when_ns);
	}
}

u64 timers_next_event_ns(void) { return next_event_ns(this_cpu_ptr(&timer_bases)); }

void timers_arm_sched_tick(u64 in_ns)
{
	struct timer_base *b = this_cpu_ptr(&timer_bases);

	if (b->sched_tick_ns != U64_MAX)
		return;
	b->sched_tick_ns = ktime_get_ns() + in_ns;
	program_if_earlier(b, b->sched_tick_ns);
}

/* --- the wheel ------------------------------------------------------------------------------------------------ */

static void wheel_insert_locked(struct timer_base *b, struct timer_list *t)
{
	u64 ms = max_t(u64, DIV_ROUND_UP(t->expires_ns, TIMER_TICK_NS), b->clk_ms);
	unsigned int level = 0;

	while (level < NR_LEVELS - 1 && (ms >> level * LEVEL_BITS) - (b->clk_ms >> level * LEVEL_BITS) >= LEVEL_SIZE)
		level++;
	u64 slot = ms >> level * LEVEL_BITS, farthest = (b->clk_ms >> level * LEVEL_BITS) + LEVEL_SIZE - 1;

	slot = min(slot, farthest);
	hlist_add_head(&t->entry, &b->slots[level][slot % LEVEL_SIZE]);
	b->pending[level] |= BIT(slot % LEVEL_SIZE);
	u64 due = max(slot << level * LEVEL_BITS, b->clk_ms);

	b->next_ms = min(b->next_ms, due);
}

/* When the next slot of any level has to be looked at. */
static u64 wheel_next_ms_locked(const struct timer_base *b)
{
	u64 next = U64_MAX;

	for (unsigned int level = 0; level < NR_LEVELS; level++) {
		u64 now = b->clk_ms >> level * LEVEL_BITS;

		if (!b->pending[level])
			continue;
		unsigned int turn = now % LEVEL_SIZE;
		u64 rotated = b->pending[level] >> turn | (turn ? b->pending[level] << (LEVEL_SIZE - turn) : 0);
		u64 slot = now + (u64)__builtin_ctzll(rotated);

		next = min(next, max(slot << level * LEVEL_BITS, b->clk_ms));
	}
	return next;
}

static void detach_locked(struct timer_base *b, struct timer_list *t)
{
	(void)b;	/* a slot that becomes empty keeps its bit: it is cleared when its turn comes */
	hlist_del_init(&t->entry);
}

static void cascade_locked(struct timer_base *b)
{
	for (unsigned int level = 1; level < NR_LEVELS && !(b->clk_ms & (BIT(level * LEVEL_BITS) - 1)); level++) {
		unsigned int slot = b->clk_ms >> level * LEVEL_BITS & (LEVEL_SIZE - 1);
		struct hlist_head list = b->slots[level][slot];
		struct timer_list *t;
		struct hlist_node *n;

		b->slots[level][slot].first = NULL;
		b->pending[level] &= ~BIT(slot);
		if (list.first)
			list.first->pprev = &list.first;
		hlist_for_each_entry_safe(t, n, &list, entry) {
			hlist_del_init(&t->entry);
			wheel_insert_locked(b, t);
		}
	}
}

static void expire_slot_locked(struct timer_base *b)
{
	unsigned int slot = b->clk_ms % LEVEL_SIZE;
	struct timer_list *t;

	b->pending[0] &= ~BIT(slot);
	b->clk_ms++;	/* what a function arms for "now" goes to the next slot */
	while ((t = hlist_entry_safe(b->slots[0][slot].first, struct timer_list, entry)) != NULL) {
		hlist_del_init(&t->entry);
		b->running = t;
		t->running = true;
		spin_unlock_irq(&b->lock);
		t->function(t);
		spin_lock_irq(&b->lock);
		/* The function may have freed its timer: only our own note of it may be touched. */
		b->running = NULL;
	}
}

static void run_timers(void)
{
	struct timer_base *b = this_cpu_ptr(&timer_bases);

	spin_lock_irq(&b->lock);
	for (;;) {
		u64 now_ms = ktime_get_ns() / TIMER_TICK_NS;
		u64 next = wheel_next_ms_locked(b);

		if (next > now_ms) {
			/* Nothing in between: skip it. */
			b->clk_ms = max(b->clk_ms, now_ms + 1);
			b->next_ms = wheel_next_ms_locked(b);
			break;
		}
		b->clk_ms = next;
		cascade_locked(b);
		expire_slot_locked(b);
	}
	if (b->next_ms != U64_MAX)
		program_if_earlier(b, b->next_ms * TIMER_TICK_NS);
	spin_unlock_irq(&b->lock);
}

/* The base of the CPU where @t is armed may change until its lock is held. */
static struct timer_base *lock_timer_base(const struct timer_list *t, unsigned long *flags)
{
	for (;;) {
		int cpu = READ_ONCE(t->cpu);
		struct timer_base *b = per_cpu_ptr(&timer_bases, cpu);

		spin_lock_irqsave(&b->lock, *flags);
		if (READ_ONCE(t->cpu) == cpu)
			return b;
		spin_unlock_irqrestore(&b->lock, *flags);
	}
}

void timer_setup(struct timer_list *timer, void (*function)(struct timer_list *))
{
	INIT_HLIST_NODE(&timer->entry);
	timer->function = function;
	timer->expires_ns = 0;
	timer->cpu = 0;
	timer->running = false;
}

bool mod_timer(struct timer_list *timer, u64 expires_ns)
{
	unsigned long flags;
	struct timer_base *b = lock_timer_base(timer, &flags);
	bool was = timer_pending(timer);

	if (was)
		detach_locked(b, timer);
	if (b->cpu != smp_processor_id() && b->running != timer) {
		/* Move it here; while it belongs to no list, its cpu field alone says whose lock guards it. */
		struct timer_base *here = this_cpu_ptr(&timer_bases);

		arch_spin_unlock(&b->lock);
		lockdep_release(&b->lock);
		lockdep_acquire(&here->lock, LC_TIMER, 0, false);
		arch_spin_lock(&here->lock);
		WRITE_ONCE(timer->cpu, here->cpu);
		b = here;
	}
	timer->expires_ns = expires_ns;
	wheel_insert_locked(b, timer);
	if (b->cpu == smp_processor_id())
		program_if_earlier(b, b->next_ms * TIMER_TICK_NS);
	spin_unlock_irqrestore(&b->lock, flags);
	return was;
}

bool del_timer(struct timer_list *timer)
{
	unsigned long flags;
	struct timer_base *b = lock_timer_base(timer, &flags);
	bool was = timer_pending(timer);

	if (was)
		detach_locked(b, timer);
	spin_unlock_irqrestore(&b->lock, flags);
	return was;
}

bool del_timer_sync(struct timer_list *timer)
{
	bool was = false;

	for (;;) {
		unsigned long flags;
		struct timer_base *b = lock_timer_base(timer, &flags);
		bool runs = b->running == timer;

		if (timer_pending(timer)) {
			detach_locked(b, timer);
			was = true;
		}
		spin_unlock_irqrestore(&b->lock, flags);
		if (!runs)
			return was;
		cpu_relax();
	}
}

/* --- the tree -------------------------------------------------------------------------------------------------- */

static struct timer_base *lock_hrtimer_base(const struct hrtimer *t, unsigned long *flags)
{
	for (;;) {
		int cpu = READ_ONCE(t->cpu);
		struct timer_base *b = per_cpu_ptr(&timer_bases, cpu);

		spin_lock_irqsave(&b->lock, *flags);
		if (READ_ONCE(t->cpu) == cpu)
			return b;
		spin_unlock_irqrestore(&b->lock, *flags);
	}
}

static void tree_insert_locked(struct timer_base *b, struct hrtimer *t)
{
	struct rb_node **link = &b->tree.rb_root.rb_node, *parent = NULL;
	bool leftmost = true;

	while (*link) {
		parent = *link;
		if (t->expires_ns < rb_entry(parent, struct hrtimer, node)->expires_ns) {
			link = &parent->rb_left;
		} else {
			link = &parent->rb_right;
			leftmost = false;
		}
	}
	rb_link_node(&t->node, parent, link);
	rb_insert_color_cached(&t->node, &b->tree, leftmost);
	t->queued = true;
	if (leftmost && b->cpu == smp_processor_id())
		program_if_earlier(b, t->expires_ns);
}

static void tree_remove_locked(struct timer_base *b, struct hrtimer *t)
{
	rb_erase_cached(&t->node, &b->tree);
	t->queued = false;
}

void hrtimer_init(struct hrtimer *timer, enum hrtimer_restart (*function)(struct hrtimer *))
{
	*timer = (struct hrtimer){ .function = function };
}

void hrtimer_start(struct hrtimer *timer, u64 expires_ns)
{
	unsigned long flags;
	struct timer_base *b = lock_hrtimer_base(timer, &flags);

	if (timer->queued)
		tree_remove_locked(b, timer);
	if (b->cpu != smp_processor_id() && b->hr_running != timer) {
		struct timer_base *here = this_cpu_ptr(&timer_bases);

		arch_spin_unlock(&b->lock);
		lockdep_release(&b->lock);
		lockdep_acquire(&here->lock, LC_TIMER, 0, false);
		arch_spin_lock(&here->lock);
		WRITE_ONCE(timer->cpu, here->cpu);
		b = here;
	}
	timer->expires_ns = expires_ns;
	tree_insert_locked(b, timer);
	spin_unlock_irqrestore(&b->lock, flags);
}

int hrtimer_try_to_cancel(struct hrtimer *timer)
{
	unsigned long flags;
	struct timer_base *b = lock_hrtimer_base(timer, &flags);
	int ret = timer->queued;

	if (timer->queued)
		tree_remove_locked(b, timer);
	else if (b->hr_running == timer)
		ret = -1;
	spin_unlock_irqrestore(&b->lock, flags);
	return ret;
}

bool hrtimer_cancel(struct hrtimer *timer)
{
	for (;;) {
		int ret = hrtimer_try_to_cancel(timer);

		if (ret >= 0)
			return ret;
		cpu_relax();
	}
}

u64 hrtimer_forward(struct hrtimer *timer, u64 now_ns, u64 interval_ns)
{
	if (now_ns < timer->expires_ns)
		return 0;
	u64 n = (now_ns - timer->expires_ns) / interval_ns + 1;

	timer->expires_ns += n * interval_ns;
	return n;
}

static void run_hrtimers_locked(struct timer_base *b)
{
	struct rb_node *first;

	while ((first = rb_first_cached(&b->tree)) != NULL) {
		struct hrtimer *t = rb_entry(first, struct hrtimer, node);

		if (t->expires_ns > ktime_get_ns())
			return;
		tree_remove_locked(b, t);
		b->hr_running = t;
		spin_unlock(&b->lock);
		enum hrtimer_restart again = t->function(t);

		spin_lock(&b->lock);
		/* It may have been armed anew, or be gone, unless it asks to be restarted. */
		if (again == HRTIMER_RESTART && !t->queued)
			tree_insert_locked(b, t);
		b->hr_running = NULL;
	}
}

void timer_interrupt(void)
{
	struct timer_base *b = this_cpu_ptr(&timer_bases);

	b->programmed_ns = U64_MAX;
	spin_lock(&b->lock);
	run_hrtimers_locked(b);
	if (b->next_ms != U64_MAX && b->next_ms * TIMER_TICK_NS <= ktime_get_ns()) {
		b->next_ms = U64_MAX;	/* run_timers() finds the new one */
		raise_softirq_irqoff(TIMER_SOFTIRQ);
	}
	spin_unlock(&b->lock);
	if (b->sched_tick_ns <= ktime_get_ns()) {
		b->sched_tick_ns = U64_MAX;
		scheduler_tick();
	}
	program_if_earlier(b, next_event_ns(b));
}

void timers_init_cpu(int cpu)
{
	struct timer_base *b = per_cpu_ptr(&timer_bases, cpu);

	spin_lock_init(&b->lock, LC_TIMER);
	b->clk_ms = ktime_get_ns() / TIMER_TICK_NS;
	b->next_ms = b->programmed_ns = b->sched_tick_ns = U64_MAX;
	b->tree = RB_ROOT_CACHED;
	b->cpu = cpu;
	open_softirq(TIMER_SOFTIRQ, run_timers);
}

/* --- sleeping with a limit -------------------------------------------------------------------------------------- */

struct sleeper { struct hrtimer timer; struct task_struct *task; bool fired; };

static enum hrtimer_restart sleeper_fires(struct hrtimer *timer)
{
	struct sleeper *s = container_of(timer, struct sleeper, timer);

	WRITE_ONCE(s->fired, true);
	wake_up_process(s->task);
	return HRTIMER_NORESTART;
}

int schedule_hrtimeout(const u64 *expires_ns)
{
	struct sleeper s = { .task = current };

	if (!expires_ns) {
		schedule();
		return -EINTR;
	}
	hrtimer_init(&s.timer, sleeper_fires);
	preempt_disable();
	hrtimer_start(&s.timer, *expires_ns);
	preempt_enable();
	if (!READ_ONCE(s.fired))
		schedule();
	hrtimer_cancel(&s.timer);
	__set_current_state(TASK_RUNNING);
	return s.fired ? 0 : -EINTR;
}

s64 schedule_timeout_ns(s64 timeout_ns)
{
	if (timeout_ns == MAX_SCHEDULE_TIMEOUT) {
		schedule();
		return timeout_ns;
	}
	u64 end = ktime_get_ns() + (u64)timeout_ns;

	if (timeout_ns <= 0) {
		__set_current_state(TASK_RUNNING);
		return 0;
	}
	schedule_hrtimeout(&end);
	u64 now = ktime_get_ns();

	return now >= end ? 0 : (s64)(end - now);
}

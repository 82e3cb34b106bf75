/*
 * kernel/time/timer.c - the timer wheel: many timers, most of which never run out.
 *
 * Linux:   kernel/time/timer.c (6.1)
 * Same:    a wheel of levels without cascading; timers run in TIMER_SOFTIRQ on the CPU that armed
 * them, at or after their
 *          time; re-arming within one bucket only writes the new time; del_timer_sync() waits for
 *          the function.
 * Differs: 1. the unit is 1 ms whatever the tick is. 2. no pinned, deferrable or irq-safe timers.
 *          3. a timer that is due later than the wheel can hold is put back when its bucket comes,
 *             not run early.
 * Locks:   TIMER of the base a timer belongs to; not held while its function runs.
 * Walk:    mod_timer() ... timer_interrupt() -> run_timers() -> tcp_write_timer().
 *
 * The wheel. Level 0 has 64 buckets of 1 ms, level 1 64 of 8 ms, level 2 64 of 64 ms, and so on. A
 * timer goes to the lowest level that reaches far enough, into the bucket of the first border at or
 * after its time. It stays there: when the bucket's time comes, all of it is due. So a timer is
 * never early, and late by less than an eighth of its delay, which nobody minds who waits for
 * something that will probably not happen; in exchange arming and disarming take the same few steps
 * however many timers there are. Who needs the exact time uses an hrtimer.
 *
 * A level has 64 buckets, and only 63 borders ahead are used: so a bucket never holds timers of two
 * turns of the wheel.
 *
 * Whose base: a timer moves to the CPU that arms it, unless its function is running; then it stays,
 * because del_timer_sync() finds a running timer by the base it belongs to. While it moves its cpu
 * is -1:
 *
 *   mod_timer() on CPU 1                    another CPU
 *   lock base 0, take it out, cpu = -1
 *   unlock base 0                           reads cpu: -1, tries again
 *   lock base 1, cpu = 1, put it in         reads cpu: 1, locks base 1, finds it still 1
 */
#include "kernel/arch.h"
#include "kernel/sched.h"
#include "kernel/softirq.h"
#include "kernel/task.h"
#include "kernel/time/internal.h"

/* Ticks a level reaches. */
static u64 level_reach(unsigned int level) { return (u64)(LEVEL_SIZE - 1) << (level * LEVEL_SHIFT); }

/* --- the wheel; base->lock held --------------------------------------------------------------- */

/*
 * The clock need not stop at ticks at which nothing is due. The finer the levels, the better later
 * timers fit.
 */
static inline void forward_clk(struct timer_base *base, u64 now_tick)
{
	if (now_tick > base->clk)
		base->clk = min(now_tick, base->next_expiry);
}

/* The bucket of a timer that is due at @tick. *@at: the tick at which that bucket is looked at. */
static inline unsigned int find_bucket(const struct timer_base *base, u64 tick, u64 *at)
{
	unsigned int level = 0;

	if (tick <= base->clk)
		tick = base->clk;
	else if (tick - base->clk >= level_reach(WHEEL_LEVELS - 1))
		tick = base->clk + level_reach(WHEEL_LEVELS - 1) - 1;
	while (tick - base->clk >= level_reach(level))
		level++;
	*at = ALIGN(tick, BIT(level * LEVEL_SHIFT));
	return level * LEVEL_SIZE + (unsigned int)(*at >> (level * LEVEL_SHIFT)) % LEVEL_SIZE;
}

static inline void put_in(struct timer_base *base, struct timer_list *timer, unsigned int bucket,
			  u64 at)
{
	hlist_add_head(&timer->entry, &base->buckets[bucket]);
	timer->bucket = (u16)bucket;
	base->pending[bucket / LEVEL_SIZE] |= BIT(bucket % LEVEL_SIZE);
	if (at < base->next_expiry)
		base->next_expiry = at;
}

/* next_expiry stays: at worst an interrupt finds nothing to do. */
static inline void take_out(struct timer_base *base, struct timer_list *timer)
{
	unsigned int bucket = timer->bucket;

	hlist_del_init(&timer->entry);
	if (hlist_empty(&base->buckets[bucket]))
		base->pending[bucket / LEVEL_SIZE] &= ~BIT(bucket % LEVEL_SIZE);
}

static u64 rotate_right(u64 v, unsigned int n) { return v >> (n % 64) | v << (-n % 64); }

/* The first tick at which a bucket is to be looked at. */
static u64 find_next_expiry(const struct timer_base *base)
{
	u64 next = U64_MAX, clk = base->clk;

	for (unsigned int level = 0; level < WHEEL_LEVELS; level++) {
		if (base->pending[level]) {
			u64 ahead = (u64)__builtin_ctzl(
				rotate_right(base->pending[level], (unsigned int)(clk % LEVEL_SIZE)));

			next = min(next, (clk + ahead) << (level * LEVEL_SHIFT));
		}
		clk = DIV_ROUND_UP(clk, 1U << LEVEL_SHIFT); /* the next border of the level above */
	}
	return next;
}

static void move_list(struct hlist_head *from, struct hlist_head *to)
{
	to->first = from->first;
	if (to->first)
		to->first->pprev = &to->first;
	from->first = NULL;
}

/*
 * The buckets to be looked at at base->clk, one of each level that has a border there. Return: how
 * many lists.
 */
static int collect_due(struct timer_base *base, struct hlist_head due[WHEEL_LEVELS])
{
	u64 clk = base->clk;
	int n = 0;

	for (unsigned int level = 0; level < WHEEL_LEVELS; level++) {
		unsigned int i = (unsigned int)(clk % LEVEL_SIZE);

		if (base->pending[level] & BIT(i)) {
			base->pending[level] &= ~BIT(i);
			move_list(&base->buckets[level * LEVEL_SIZE + i], &due[n++]);
		}
		if (clk % (1U << LEVEL_SHIFT))
			break;
		clk >>= LEVEL_SHIFT;
	}
	return n;
}

/*
 * Every timer on @due. The lock is given up for each; del_timer() may take others off the list
 * meanwhile.
 */
static void run_list(struct timer_base *base, struct hlist_head *due, u64 now_tick)
{
	while (due->first) {
		struct timer_list *timer = hlist_entry(due->first, struct timer_list, entry);
		u64 at;

		hlist_del_init(&timer->entry);
		if (unlikely(timer->expires_tick > now_tick)) {
			unsigned int bucket = find_bucket(base, timer->expires_tick, &at);

			put_in(base, timer, bucket, at);
			continue;
		}
		base->running_timer = timer;
		base_unlock(base);
		local_irq_enable();
		timer->function(timer); /* may arm it again, or free it */
		local_irq_disable();
		base_lock(base);
		base->running_timer = NULL;
	}
}

void run_timers(void)
{
	struct timer_base *base = this_cpu_ptr(&timer_bases);
	struct hlist_head due[WHEEL_LEVELS];
	u64 now_tick;

	local_irq_disable();
	base_lock(base);
	now_tick = ns_to_tick(arch_clock_ns());
	while (base->next_expiry <= now_tick) {
		int n;

		base->clk = max(base->clk, base->next_expiry);
		n = collect_due(base, due);
		base->clk++;
		base->next_expiry = find_next_expiry(base);
		while (n--)
			run_list(base, &due[n], now_tick);
	}
	base->softirq_raised = false;
	program_event(base, tick_to_ns(base->next_expiry));
	base_unlock(base);
	local_irq_enable();
}

/* --- arming and disarming --------------------------------------------------------------------- */

void timer_setup(struct timer_list *timer, void (*function)(struct timer_list *))
{
	INIT_HLIST_NODE(&timer->entry);
	timer->expires_ns = 0;
	timer->expires_tick = 0;
	timer->function = function;
	timer->cpu = (s16)smp_processor_id(); /* any will do: it is not armed */
	timer->bucket = 0;
}

/* The base @timer belongs to, locked. Interrupts are off. */
static inline struct timer_base *lock_base(const struct timer_list *timer)
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

/* @timer, in no bucket, goes from @base to this CPU's. Return: that one, locked. */
static struct timer_base *move_to_this_cpu(struct timer_base *base, struct timer_list *timer)
{
	WRITE_ONCE(timer->cpu, -1);
	base_unlock(base);
	base = this_cpu_ptr(&timer_bases);
	base_lock(base);
	WRITE_ONCE(timer->cpu, (s16)smp_processor_id());
	return base;
}

bool mod_timer(struct timer_list *timer, u64 expires_ns)
{
	u64 tick = ns_to_tick_up(expires_ns), now_tick, at;
	struct timer_base *base;
	unsigned long flags;
	unsigned int bucket;
	bool was_pending;

	/* A connection sets its timer for each segment: mostly to the millisecond it is set to. */
	if (timer_pending(timer) && READ_ONCE(timer->expires_tick) == tick) {
		WRITE_ONCE(timer->expires_ns, expires_ns);
		return true;
	}
	local_irq_save(flags);
	base = lock_base(timer);
	now_tick = ns_to_tick(arch_clock_ns());
	forward_clk(base, now_tick);
	bucket = find_bucket(base, tick, &at);
	was_pending = timer_pending(timer);
	if (was_pending && timer->bucket == bucket)
		goto out_set;
	if (was_pending)
		take_out(base, timer);
	if (base != this_cpu_ptr(&timer_bases) && base->running_timer != timer) {
		base = move_to_this_cpu(base, timer);
		forward_clk(base, now_tick);
		bucket = find_bucket(base, tick, &at);
	}
	put_in(base, timer, bucket, at);
	/* Another CPU that is just running it looks at its wheel once more when it is done. */
	if (base == this_cpu_ptr(&timer_bases))
		program_event(base, tick_to_ns(at));
out_set:
	timer->expires_ns = expires_ns;
	timer->expires_tick = tick;
	base_unlock(base);
	local_irq_restore(flags);
	return was_pending;
}

/* Return: was it armed? *@running: its function is being called. */
static bool disarm(struct timer_list *timer, bool *running)
{
	struct timer_base *base;
	unsigned long flags;
	bool was_pending;

	local_irq_save(flags);
	base = lock_base(timer);
	was_pending = timer_pending(timer);
	if (was_pending)
		take_out(base, timer);
	*running = base->running_timer == timer;
	base_unlock(base);
	local_irq_restore(flags);
	return was_pending;
}

bool del_timer(struct timer_list *timer)
{
	bool running;

	return timer_pending(timer) && disarm(timer, &running);
}

bool del_timer_sync(struct timer_list *timer)
{
	bool was_pending = false, running;

	/* The function may have armed it again: then it is disarmed once more. */
	for (;;) {
		was_pending |= disarm(timer, &running);
		if (!running)
			return was_pending;
		cpu_relax();
	}
}

/* --- sleeping --------------------------------------------------------------------------------- */

struct process_timer { struct timer_list timer; struct task_struct *task; };

static void process_timeout(struct timer_list *timer)
{
	wake_up_process(container_of(timer, struct process_timer, timer)->task);
}

s64 schedule_timeout_ns(s64 timeout_ns)
{
	struct process_timer t = { .task = current };
	u64 end_ns, now_ns;

	if (timeout_ns == MAX_SCHEDULE_TIMEOUT) {
		schedule();
		return timeout_ns;
	}
	if (timeout_ns <= 0) {
		__set_current_state(TASK_RUNNING);
		return 0;
	}
	end_ns = ktime_get_ns() + (u64)timeout_ns;
	timer_setup(&t.timer, process_timeout);
	mod_timer(&t.timer, end_ns);
	schedule();
	del_timer_sync(&t.timer);
	now_ns = ktime_get_ns();
	return now_ns < end_ns ? (s64)(end_ns - now_ns) : 0;
}

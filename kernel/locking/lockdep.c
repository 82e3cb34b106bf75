/*
 * kernel/locking/lockdep.c - does every lock follow kernel/lock_order.h?
 *
 * Linux:   kernel/locking/lockdep.c (6.1)
 * Same:    every acquire is checked against what is held, and against the context; a violation is
 *          reported before it becomes a deadlock.
 * Differs: 1. the order is the list in kernel/lock_order.h: nothing is learned, one wrong nesting
 *             is enough.
 *          2. in test builds only (kernel/lockdep.h).
 * Locks:   none: each list belongs to the task that runs, and is changed with interrupts off.
 * Walk:    spin_lock(), mutex_lock(), lock_sock() -> lockdep_acquire_slow().
 *
 * The rules:
 *   order     a lock may be taken if each one held stands before it in the list, or is of its
 *             class at a smaller depth.
 *             A trylock never waits, so it may come anywhere.
 *   TASK      not with interrupts or preemption off, nor in an interrupt: it sleeps.
 *   PREEMPT   not in an interrupt or softirq: the code that was stopped may hold the same lock.
 *   SOFTIRQ   not in an interrupt; elsewhere with softirqs or interrupts off.
 *   HARDIRQ   with interrupts off.
 *   user mode is entered with nothing held.
 *
 * An interrupt has no list of its own. What it takes goes on top of the list of the task it
 * stopped: it cannot end before it has given it back, and while it runs the task cannot give back
 * anything. So the order also covers "task holds A, interrupt takes B": if elsewhere A is taken
 * under B, two CPUs can wait for each other. That is why classes used in interrupts stand behind
 * those that are held with interrupts on.
 *
 * After the first report of a pair of classes the checker goes on, silent about that pair.
 */
#include "kernel/lockdep.h"
#include "kernel/atomic.h"
#include "kernel/bug.h"
#include "kernel/irqflags.h"
#include "kernel/preempt.h"
#include "kernel/printk.h"
#include "kernel/task.h"

enum context { CTX_TASK, CTX_PREEMPT, CTX_SOFTIRQ, CTX_HARDIRQ };
struct class_info { const char *name; u8 depths; u8 context; };

#define CLASS_INFO(name, depths, ctx, what) [LC_##name] = { #name, depths, CTX_##ctx },
static const struct class_info classes[LC_NR] = {
	[LC_NONE] = { "NONE", 1, CTX_TASK },
	LOCK_CLASSES(CLASS_INFO)
};
#undef CLASS_INFO

enum { WORD_BITS = 64, REPORT_WORDS = (LC_NR + WORD_BITS - 1) / WORD_BITS, MAX_SLEEP_REPORTS = 16 };
/* Pairs reported: held and taken; [c][c] also stands for everything that is wrong with c alone. */
static unsigned long reported[LC_NR][REPORT_WORDS];
static bool too_deep;
static DEFINE_PER_CPU(bool, in_report);

static bool first_time(unsigned int held, unsigned int taken)
{
	return !test_and_set_bit(taken, reported[held]);
}

static void print_lock(const char *what, const struct held_lock *h)
{
	unsigned long off = 0;
	const char *fn = kallsyms_lookup(h->ip, &off);

	printk(LOGLEVEL_WARNING, "  %s %s:%u at %p by %s+0x%lx\n", what, classes[h->class].name, h->depth,
	       h->lock, fn ? fn : "?", off);
}

static void print_held(const struct task_struct *p)
{
	int n = min(READ_ONCE(p->nr_held), (int)MAX_HELD_LOCKS);

	printk(LOGLEVEL_WARNING, "locks held by %s/%d, outermost first:%s\n", p->comm, p->pid,
	       n ? "" : " none");
	for (int i = 0; i < n; i++)
		print_lock("held ", &p->held[i]);
}

void lockdep_print_held(void)
{
	if (CONFIG_DEBUG && current)
		print_held(current);
}

/* The report takes locks too: they are not checked. */
static void report(const char *why, const struct held_lock *taken)
{
	this_cpu_write(in_report, true);
	printk(LOGLEVEL_WARNING, "lockdep: %s\n", why);
	print_held(current);
	if (taken)
		print_lock("taken", taken);
	warn_failed("lock order", __FILE__, __LINE__);
	this_cpu_write(in_report, false);
}

static bool is_sleepable(bool irqs_off) { return !irqs_off && preempt_count() == 0; }

/* Return: what is wrong with taking a lock of @class here, or NULL. */
static const char *wrong_context(const struct class_info *class, bool sleeps, bool irqs_off)
{
	if (sleeps && !is_sleepable(irqs_off) && (in_interrupt() || !(current->flags & PF_IDLE)))
		return "a lock that sleeps, where nobody may sleep";
	switch (class->context) {
	case CTX_PREEMPT:
		return in_interrupt() ? "a lock of tasks, taken in an interrupt" : NULL;
	case CTX_SOFTIRQ:
		if (in_hardirq())
			return "a lock of softirqs, taken in a hardware interrupt";
		if (!irqs_off && !in_softirq())
			return "a lock of softirqs, taken with softirqs on";
		return NULL;
	case CTX_HARDIRQ:
		return !irqs_off ? "a lock of interrupts, taken with interrupts on" : NULL;
	default:
		return NULL;
	}
}

/* Return: a lock held that must not be held when one of @class at @depth is taken, or NULL. */
static const struct held_lock *wrong_order(const struct task_struct *p, unsigned int class,
					   unsigned int depth)
{
	for (int i = p->nr_held - 1; i >= 0; i--) {
		const struct held_lock *h = &p->held[i];

		if (h->class > class || (h->class == class && h->depth >= depth))
			return h;
	}
	return NULL;
}

static void push(struct task_struct *p, const struct held_lock *taken)
{
	if (p->nr_held < MAX_HELD_LOCKS) {
		p->held[p->nr_held++] = *taken;
		return;
	}
	if (too_deep)
		return;
	too_deep = true;
	report("more locks held than the checker can count: it knows only some from now on", taken);
}

static void check(const struct task_struct *p, const struct held_lock *taken, bool sleeps, bool irqs_off)
{
	const struct held_lock *h;
	const char *why;

	if (taken->class == LC_NONE || taken->class >= LC_NR || taken->depth >= classes[taken->class].depths) {
		if (first_time(taken->class % LC_NR, taken->class % LC_NR))
			report("a lock without a class, or deeper than its class allows",
			       taken->class < LC_NR ? taken : NULL);
		return;
	}
	why = wrong_context(&classes[taken->class], sleeps, irqs_off);
	if (why && first_time(taken->class, taken->class))
		report(why, taken);
	h = wrong_order(p, taken->class, taken->depth);
	if (h && first_time(h->class, taken->class))
		report("taken under a lock that stands behind it in kernel/lock_order.h", taken);
}

void lockdep_acquire_slow(const void *lock, enum lock_class class, unsigned int depth, bool sleeps,
			  unsigned long ip)
{
	const struct held_lock taken = {
		.lock = lock, .class = (u16)class, .depth = (u16)depth, .ip = ip,
	};
	struct task_struct *p = current;
	unsigned long flags;

	if (unlikely(!p))
		return;
	/* Its word says "taken", too, and nobody would ever give it back. */
	if (unlikely(class >= LC_NR))
		panic("lock %p of class %u: never made, or in freed memory", lock, class);
	local_irq_save(flags);
	if (likely(!this_cpu_read(in_report))) {
		check(p, &taken, sleeps, irqs_disabled_flags(flags));
		push(p, &taken);
	}
	local_irq_restore(flags);
}

void lockdep_acquire_try_slow(const void *lock, enum lock_class class, unsigned long ip)
{
	const struct held_lock taken = { .lock = lock, .class = (u16)class, .ip = ip };
	struct task_struct *p = current;
	unsigned long flags;

	if (unlikely(!p))
		return;
	local_irq_save(flags);
	if (likely(!this_cpu_read(in_report)))
		push(p, &taken);
	local_irq_restore(flags);
}

/* Locks may be given back in any order. */
void lockdep_release_slow(const void *lock, unsigned long ip)
{
	struct task_struct *p = current;
	unsigned long flags;
	int i;

	if (unlikely(!p))
		return;
	local_irq_save(flags);
	if (unlikely(this_cpu_read(in_report)))
		goto out;
	for (i = p->nr_held - 1; i >= 0 && p->held[i].lock != lock; )
		i--;
	if (likely(i >= 0)) {
		for (p->nr_held--; i < p->nr_held; i++)
			p->held[i] = p->held[i + 1];
	} else if (!too_deep && first_time(LC_NONE, LC_NONE)) {
		const struct held_lock freed = { .lock = lock, .ip = ip };

		report("a lock is given back that is not held", &freed);
	}
out:
	local_irq_restore(flags);
}

bool lockdep_is_held_slow(const void *lock)
{
	const struct task_struct *p = current;

	if (!p || too_deep || this_cpu_read(in_report))
		return true;
	for (int i = p->nr_held - 1; i >= 0; i--)
		if (p->held[i].lock == lock)
			return true;
	return false;
}

void lockdep_assert_none_held(void)
{
	struct task_struct *p = current;

	if (likely(p->nr_held == 0))
		return;
	if (first_time(p->held[0].class % LC_NR, LC_NONE))
		report("held at the return to user mode", NULL);
}

/* One report per place: a place is remembered by its line and the address of its file's name. */
static bool is_new_place(const char *file, int line)
{
	static unsigned long places[MAX_SLEEP_REPORTS];
	unsigned long place = (unsigned long)file + (unsigned long)line;

	for (int i = 0; i < MAX_SLEEP_REPORTS; i++) {
		unsigned long seen = cmpxchg(&places[i], 0, place);

		if (seen == 0 || seen == place)
			return seen == 0;
	}
	return false;
}

void might_sleep_slow(const char *file, int line)
{
	if (likely(is_sleepable(irqs_disabled())))
		return;
	/*
	 * While the boot task is alone, nobody could run instead of it; later it is the idle task
	 * and calls nothing.
	 */
	if (!in_interrupt() && (!current || (current->flags & PF_IDLE)))
		return;
	if (this_cpu_read(in_report) || !is_new_place(file, line))
		return;
	printk(LOGLEVEL_WARNING, "might sleep, at %s:%d, with preemption count %#x and interrupts %s\n", file,
	       line, preempt_count(), irqs_disabled() ? "off" : "on");
	report("sleeping where nobody may sleep", NULL);
}

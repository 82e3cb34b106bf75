/*
 * kernel/locking/lockdep.c - checks every acquisition against the one list of lock classes.
 *
 * Linux:   kernel/locking/lockdep.c (6.1)
 * Same:    what it finds: wrong order, sleeping under a spinlock, a lock taken in a context that its class forbids, a lock
 *          kept on the way to user mode.
 * Differs: 1. the order is given (kernel/lock_order.h), so one wrong nesting is enough to see it.
 * Locks:   none: each context looks at its own task's list with interrupts off.
 * Walk:    spin_lock() -> lockdep_acquire_slow().
 *
 * An interrupt's locks are pushed on the list of the task it interrupted and are gone again before it returns, so one list
 * per task is enough. What an interrupt may take while the task holds something is a matter of ranks like any nesting:
 * a HARDIRQ class is only ever held with interrupts off.
 */
#include "kernel/lockdep.h"
#include "kernel/bug.h"
#include "kernel/irqflags.h"
#include "kernel/preempt.h"
#include "kernel/printk.h"
#include "kernel/task.h"

enum lock_context { TASK, PREEMPT, SOFTIRQ, HARDIRQ };

struct class_info { const char *name; unsigned int depths; enum lock_context context; };
#define CLASS_ROW(n, d, c, what) [LC_##n] = { #n, d, c },
static const struct class_info classes[LC_NR] = { LOCK_CLASSES(CLASS_ROW) };

/* One report per pair of classes; a race between CPUs only prints it twice. */
static u8 reported[LC_NR][LC_NR];
static bool lockdep_off;

static void report(const char *what, enum lock_class class, enum lock_class other, unsigned long ip)
{
	if (lockdep_off || reported[class][other])
		return;
	reported[class][other] = 1;
	lockdep_off = true; /* printing takes locks of its own */
	pr_err("lockdep: %s: %s at %pS\n", what, classes[class].name, (void *)ip);
	lockdep_print_held();
	warn_failed(what, __FILE__, __LINE__);
	lockdep_off = false;
}

static void check_context(enum lock_class class, bool sleeps, unsigned long ip)
{
	if (sleeps && (in_interrupt() || irqs_disabled()))
		report("sleeping lock in atomic context", class, LC_NONE, ip);
	if (classes[class].context == HARDIRQ && !irqs_disabled())
		report("needs interrupts off", class, LC_NONE, ip);
	if (classes[class].context == SOFTIRQ && !irqs_disabled() && !in_softirq() && !in_hardirq())
		report("needs softirqs off", class, LC_NONE, ip);
	if (classes[class].context == SOFTIRQ && in_hardirq())
		report("not in a hardware interrupt", class, LC_NONE, ip);
	if (classes[class].context == PREEMPT && in_interrupt())
		report("not in an interrupt", class, LC_NONE, ip);
}

void lockdep_acquire_slow(const void *lock, enum lock_class class, unsigned int depth, bool sleeps, unsigned long ip)
{
	struct task_struct *t = current;
	unsigned long flags;

	if (lockdep_off)
		return;
	if (class == LC_NONE || class >= LC_NR) {
		report("a lock without a class", LC_NONE, LC_NONE, ip);
		return;
	}
	check_context(class, sleeps, ip);
	local_irq_save(flags);
	for (int i = 0; i < t->nr_held; i++) {
		const struct held_lock *h = &t->held[i];

		if (h->class > class || (h->class == class && h->depth >= depth))
			report("wrong order", class, h->class, ip);
	}
	if (depth >= classes[class].depths)
		report("deeper than its class allows", class, class, ip);
	if (t->nr_held < MAX_HELD_LOCKS)
		t->held[t->nr_held++] = (struct held_lock){ lock, (u16)class, (u16)depth, ip };
	local_irq_restore(flags);
}

void lockdep_release_slow(const void *lock, unsigned long ip)
{
	struct task_struct *t = current;
	unsigned long flags;

	(void)ip;
	local_irq_save(flags);
	for (int i = t->nr_held - 1; i >= 0; i--) {
		if (t->held[i].lock != lock)
			continue;
		for (int j = i; j < t->nr_held - 1; j++)
			t->held[j] = t->held[j + 1];
		t->nr_held--;
		break;
	}
	local_irq_restore(flags);
}

bool lockdep_is_held_slow(const void *lock)
{
	const struct task_struct *t = current;
	unsigned long flags;
	bool held = lockdep_off;

	local_irq_save(flags);
	for (int i = 0; i < t->nr_held; i++)
		held |= t->held[i].lock == lock;
	local_irq_restore(flags);
	return held;
}

void lockdep_assert_none_held(void)
{
	if (unlikely(current->nr_held))
		report("held at return to user mode", (enum lock_class)current->held[0].class, LC_NONE, current->held[0].ip);
}

void lockdep_print_held(void)
{
	const struct task_struct *t = current;

	for (int i = 0; i < t->nr_held; i++)
		pr_err("  held: %s/%d %p at %pS\n", classes[t->held[i].class].name, t->held[i].depth, t->held[i].lock, (void *)t->held[i].ip);
}

void might_sleep_slow(const char *file, int line)
{
	if (unlikely((in_atomic() || irqs_disabled()) && !lockdep_off))
		warn_failed("sleeping function called where sleeping is not allowed", file, line);
}

/*
 * kernel/timer.h - timers: the coarse ones on a wheel, the exact ones in a tree.
 *
 * Linux:   include/linux/timer.h, hrtimer.h (6.1)
 * Same:    timer_list runs its function in softirq, at or after its time, on the CPU that armed it;
 *          hrtimer runs in hardirq at its nanosecond.
 * Differs: 1. both take nanoseconds of CLOCK_MONOTONIC; the wheel rounds up to 1 ms
 *             (TIMER_TICK_NS), and for times further away than 63 ms by up to an eighth, as Linux's
 *             does.
 *          2. no tick on an idle CPU; a busy one has one every few milliseconds for its scheduler.
 * Locks:   TIMER; not held while a function runs.
 * Walk:    tcp_write_timer(); schedule_hrtimeout(); timerfd.
 */
#pragma once
#include "kernel/list.h"
#include "kernel/percpu.h"
#include "kernel/rbtree.h"
#include "kernel/time.h"

#define TIMER_TICK_NS NSEC_PER_MSEC

struct timer_list {
	struct hlist_node entry;	/* TIMER lock of cpu */
	u64 expires_ns;
	u64 expires_tick;
	void (*function)(struct timer_list *timer);
	s16 cpu;			/* whose wheel; -1 for the moment in which it moves */
	u16 bucket;
};
/* timer_setup - not armed. */
void timer_setup(struct timer_list *timer, void (*function)(struct timer_list *));
/* mod_timer - arm or re-arm for @expires_ns. Return: true if it was armed. Context: any. */
bool mod_timer(struct timer_list *timer, u64 expires_ns);
/*
 * del_timer - disarm; the function may still be running elsewhere. Return: true if it was armed.
 * Context: any.
 */
bool del_timer(struct timer_list *timer);
/*
 * del_timer_sync - disarm, and wait until the function has returned. Context: task or bh; holds no
 * lock the function takes.
 */
bool del_timer_sync(struct timer_list *timer);
static inline bool timer_pending(const struct timer_list *t) { return !hlist_unhashed(&t->entry); }

enum hrtimer_restart { HRTIMER_NORESTART, HRTIMER_RESTART };
struct hrtimer {
	struct rb_node node;		/* TIMER lock of cpu */
	u64 expires_ns;
	/*
	 * hardirq, TIMER lock not held. HRTIMER_RESTART: arm again for expires_ns, which it has
	 * moved. HRTIMER_NORESTART:
	 * the timer is not touched after it returns.
	 */
	enum hrtimer_restart (*function)(struct hrtimer *timer);
	int cpu;			/* whose tree; -1 for the moment in which it moves */
	bool queued;
};
void hrtimer_init(struct hrtimer *timer, enum hrtimer_restart (*function)(struct hrtimer *));
/* hrtimer_start - arm or re-arm, on this CPU. Context: any. */
void hrtimer_start(struct hrtimer *timer, u64 expires_ns);
/*
 * hrtimer_try_to_cancel - Return: 1 was armed, 0 was not, -1 its function is running. Context: any.
 */
int hrtimer_try_to_cancel(struct hrtimer *timer);
/*
 * hrtimer_cancel - disarmed and not running once this returns. Return: true if it was armed.
 * Context: not its own function.
 */
bool hrtimer_cancel(struct hrtimer *timer);
/*
 * hrtimer_forward - move expires_ns past @now_ns in steps of @interval_ns. Return: the number of
 * steps.
 */
u64 hrtimer_forward(struct hrtimer *timer, u64 now_ns, u64 interval_ns);
static inline bool hrtimer_active(const struct hrtimer *t) { return READ_ONCE(t->queued); }

/* timers_init_cpu - wheel and tree of @cpu. Context: boot, on that CPU, interrupts off. */
void timers_init_cpu(int cpu);
/*
 * timer_interrupt - the programmed time has come. @user: user mode was interrupted. Context:
 * hardirq (kernel/x86/irq.c).
 */
void timer_interrupt(bool user);
/*
 * When scheduler_tick() is called next; U64_MAX while the CPU is idle. tick_start - no later than
 * at @deadline_ns. irqs off.
 */
DECLARE_PER_CPU(u64, tick_next_ns);
void tick_start(u64 deadline_ns);
/*
 * posix_cpu_timers_tick - current's process may have used up a CPU-time timer, or its RLIMIT_CPU.
 * Context: hardirq, the tick.
 */
void posix_cpu_timers_tick(void);

/*
 * kernel/timer.h - timers: the coarse ones on a wheel, the exact ones in a tree.
 *
 * Linux:   include/linux/timer.h, hrtimer.h (6.1)
 * Same:    timer_list runs its function in softirq, at or after its time, on the CPU that armed it; hrtimer
 *          runs in hardirq at its nanosecond.
 * Differs: 1. both take nanoseconds of CLOCK_MONOTONIC; the wheel rounds up to 1 ms (TIMER_TICK_NS).
 *          2. no periodic tick: the next event is programmed, an idle CPU sleeps until it.
 * Locks:   TIMER; not held while a function runs.
 * Walk:    tcp_write_timer(); schedule_hrtimeout(); timerfd.
 */
#pragma once
#include "kernel/list.h"
#include "kernel/rbtree.h"
#include "kernel/time.h"

#define TIMER_TICK_NS NSEC_PER_MSEC

struct timer_list {
	struct hlist_node entry;	/* TIMER lock of cpu */
	u64 expires_ns;
	void (*function)(struct timer_list *timer);
	int cpu;
	bool running;
};
/* timer_setup - not armed. */
void timer_setup(struct timer_list *timer, void (*function)(struct timer_list *));
/* mod_timer - arm or re-arm for @expires_ns. Return: true if it was armed. Context: any. */
bool mod_timer(struct timer_list *timer, u64 expires_ns);
/* del_timer - disarm; the function may still be running elsewhere. Return: true if it was armed. Context: any. */
bool del_timer(struct timer_list *timer);
/* del_timer_sync - disarm, and wait until the function has returned. Context: task or bh; holds no lock the function takes. */
bool del_timer_sync(struct timer_list *timer);
static inline bool timer_pending(const struct timer_list *t) { return !hlist_unhashed(&t->entry); }

enum hrtimer_restart { HRTIMER_NORESTART, HRTIMER_RESTART };
struct hrtimer {
	struct rb_node node;		/* TIMER lock of cpu */
	u64 expires_ns;
	/* hardirq, TIMER lock not held. HRTIMER_RESTART: arm again for expires_ns, which it has moved. */
	enum hrtimer_restart (*function)(struct hrtimer *timer);
	int cpu;
	bool queued;
	bool running;
};
void hrtimer_init(struct hrtimer *timer, enum hrtimer_restart (*function)(struct hrtimer *));
/* hrtimer_start - arm or re-arm, on this CPU. Context: any. */
void hrtimer_start(struct hrtimer *timer, u64 expires_ns);
/* hrtimer_try_to_cancel - Return: 1 was armed, 0 was not, -1 its function is running. Context: any. */
int hrtimer_try_to_cancel(struct hrtimer *timer);
/* hrtimer_cancel - disarmed and not running once this returns. Return: true if it was armed. Context: not its own function. */
bool hrtimer_cancel(struct hrtimer *timer);
/* hrtimer_forward - move expires_ns past @now_ns in steps of @interval_ns. Return: the number of steps. */
u64 hrtimer_forward(struct hrtimer *timer, u64 now_ns, u64 interval_ns);

/* timers_arm_sched_tick - scheduler_tick() in @in_ns, unless one is on its way already. Own CPU, irqs off. */
void timers_arm_sched_tick(u64 in_ns);
/* timers_init - this CPU's wheel and tree. Context: boot, on each CPU. */
void timers_init_cpu(int cpu);
/* timer_interrupt - the programmed time has come. Context: hardirq (kernel/x86/apic.c). */
void timer_interrupt(void);
/* timers_next_event_ns - the next time this CPU must be awake for (U64_MAX: none); the idle loop programs it. irqs off. */
u64 timers_next_event_ns(void);

/*
 * kernel/time/internal.h - what a CPU has to be woken for: its wheel, its tree, and the one event
 * that is programmed.
 *
 * Linux:   kernel/time/{timer,hrtimer,tick-sched}.c (6.1)
 * Same:    a base per CPU; a timer belongs to the base it was armed on.
 * Differs: 1. wheel and tree share a lock and a clock event.
 * Locks:   TIMER.
 * Walk:    timer_interrupt().
 */
#pragma once
#include "kernel/irqflags.h"
#include "kernel/percpu.h"
#include "kernel/spinlock.h"
#include "kernel/timer.h"

enum { WHEEL_LEVELS = 9, LEVEL_SIZE = 64, LEVEL_SHIFT = 3 };

struct timer_base {
	spinlock_t lock;
	/* lock: the wheel. Times in ticks of TIMER_TICK_NS */
	u64 clk;			/* the next tick whose buckets will be looked at */
	u64 next_expiry;		/* no timer is due before; U64_MAX: there is none */
	struct timer_list *running_timer;
	u64 pending[WHEEL_LEVELS];	/* which buckets are not empty */
	/* lock: the tree */
	struct rb_root_cached hrtimers;
	struct hrtimer *running_hrtimer;
	/* own CPU, interrupts off */
	u64 programmed_ns;		/* when the interrupt will come */
	bool in_interrupt;		/* timer_interrupt() programs when it is done */
	bool softirq_raised;		/* run_timers() is on its way, and programs when it is done */
	struct hlist_head buckets[WHEEL_LEVELS * LEVEL_SIZE];	/* lock */
};
DECLARE_PER_CPU(struct timer_base, timer_bases);

/* Interrupts are off, so preemption is too. */
static __always_inline void base_lock(struct timer_base *base)
{
	lockdep_acquire(&base->lock, LC_TIMER, 0, false);
	arch_spin_lock(&base->lock);
}
static __always_inline void base_unlock(struct timer_base *base)
{
	lockdep_release(&base->lock);
	arch_spin_unlock(&base->lock);
}

/* The last tick that has begun; the first that is not before. */
static inline u64 ns_to_tick(u64 ns) { return ns / TIMER_TICK_NS; }
static inline u64 ns_to_tick_up(u64 ns) { return ns / TIMER_TICK_NS + (ns % TIMER_TICK_NS != 0); }
static inline u64 tick_to_ns(u64 tick)
{
	return tick >= U64_MAX / TIMER_TICK_NS ? U64_MAX : tick * TIMER_TICK_NS;
}

/*
 * program_event - this CPU, whose base is @base, shall be interrupted at @ns or before. Only an
 * earlier event costs something: one that was called off stays programmed, and the interrupt that
 * finds nothing to do programs the next. Context: interrupts off.
 */
void program_event_slow(struct timer_base *base, u64 ns);
static inline void program_event(struct timer_base *base, u64 ns)
{
	if (unlikely(ns < base->programmed_ns))
		program_event_slow(base, ns);
}
/* timer.c: the softirq. hrtimer.c: run what is due. */
void run_timers(void);

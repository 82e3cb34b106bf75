/*
 * kernel/spinlock.h - locks for short holds, spun for by other CPUs.
 *
 * Linux:   include/linux/spinlock.h (6.1)
 * Same:    names; holding one turns preemption off; _bh turns softirqs off, _irq/_irqsave
 *          interrupts.
 * Differs: 1. each lock names its class in kernel/lock_order.h when it is made.
 *          2. one word, set by whoever finds it clear: no order among those who wait (kernel/locking/spinlock.c
 *             says why). Linux does the same when it runs on a hypervisor.
 * Locks:   it is one.
 * Walk:    everywhere.
 */
#pragma once
#include "kernel/atomic.h"
#include "kernel/bug.h"
#include "kernel/lockdep.h"
#include "kernel/preempt.h"
#include "kernel/softirq.h"

typedef struct {
	u32 locked;
	u16 class;	/* enum lock_class */
	u16 unused;
} spinlock_t;

#define __SPIN_LOCK_UNLOCKED(cls)	{ .class = (cls) }
#define DEFINE_SPINLOCK(name, cls)	spinlock_t name = __SPIN_LOCK_UNLOCKED(cls)

static inline void spin_lock_init(spinlock_t *l, enum lock_class class)
{
	*l = (spinlock_t)__SPIN_LOCK_UNLOCKED(class);
}

/* spin_lock_slow - wait until @l is free, and take it. Context: preemption off. */
void spin_lock_slow(spinlock_t *l);

/*
 * arch_spin_* - the lock alone, without preemption count and checker; for the scheduler and the
 * checker.
 */
static __always_inline void arch_spin_lock(spinlock_t *l)
{
	if (unlikely(__atomic_exchange_n(&l->locked, 1, __ATOMIC_ACQUIRE)))
		spin_lock_slow(l);
}
static __always_inline bool arch_spin_trylock(spinlock_t *l)
{
	return !READ_ONCE(l->locked) && !__atomic_exchange_n(&l->locked, 1, __ATOMIC_ACQUIRE);
}
static __always_inline void arch_spin_unlock(spinlock_t *l) { smp_store_release(&l->locked, 0); }
static __always_inline bool spin_is_locked(const spinlock_t *l) { return READ_ONCE(l->locked); }

static __always_inline void spin_lock_nested(spinlock_t *l, unsigned int depth)
{
	preempt_disable();
	lockdep_acquire_here(l, l->class, depth);
	arch_spin_lock(l);
}
static __always_inline void spin_lock(spinlock_t *l) { spin_lock_nested(l, 0); }
static __always_inline bool spin_trylock(spinlock_t *l)
{
	preempt_disable();
	if (arch_spin_trylock(l)) {
		lockdep_acquire_try(l, l->class);
		return true;
	}
	preempt_enable();
	return false;
}
static __always_inline void __spin_unlock_no_resched(spinlock_t *l)
{
	lockdep_release(l);
	arch_spin_unlock(l);
	preempt_enable_no_resched();
}
static __always_inline void spin_unlock(spinlock_t *l)
{
	lockdep_release(l);
	arch_spin_unlock(l);
	preempt_enable();
}

static __always_inline void spin_lock_irq_nested(spinlock_t *l, unsigned int depth)
{
	local_irq_disable();
	spin_lock_nested(l, depth);
}
static __always_inline void spin_lock_irq(spinlock_t *l) { spin_lock_irq_nested(l, 0); }
static __always_inline void spin_unlock_irq(spinlock_t *l)
{
	lockdep_release(l);
	arch_spin_unlock(l);
	local_irq_enable();
	preempt_enable();
}
#define spin_lock_irqsave_nested(l, flags, depth) do {						\
	local_irq_save(flags);									\
	spin_lock_nested(l, depth);								\
} while (0)
#define spin_lock_irqsave(l, flags) spin_lock_irqsave_nested(l, flags, 0)
static __always_inline void spin_unlock_irqrestore(spinlock_t *l, unsigned long flags)
{
	lockdep_release(l);
	arch_spin_unlock(l);
	local_irq_restore(flags);
	preempt_enable();
}
static __always_inline void spin_lock_bh_nested(spinlock_t *l, unsigned int depth)
{
	local_bh_disable();
	spin_lock_nested(l, depth);
}
static __always_inline void spin_lock_bh(spinlock_t *l) { spin_lock_bh_nested(l, 0); }
static __always_inline void spin_unlock_bh(spinlock_t *l)
{
	__spin_unlock_no_resched(l);
	local_bh_enable();
}

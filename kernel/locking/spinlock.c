/*
 * kernel/locking/spinlock.c - the wait for a spinlock that another CPU holds.
 *
 * Linux:   kernel/locking/spinlock.c, qspinlock.c (6.1)
 * Same:    first come, first served.
 * Differs: 1. tickets instead of a queue of nodes: eight CPUs can look at one word.
 *          2. test builds panic after LOCKUP_NS: a lock held so long will not come.
 * Locks:   it is one.
 * Walk:    spin_lock() -> spin_lock_slow().
 */
#include "kernel/spinlock.h"
#include "kernel/time.h"

#define LOCKUP_NS (60 * NSEC_PER_SEC)
enum { SPINS_PER_CHECK = 1 << 16 };

void spin_lock_slow(spinlock_t *l, u16 ticket)
{
	u64 start_ns = CONFIG_DEBUG ? ktime_get_ns() : 0;
	u32 spins = 0;

	while (smp_load_acquire(&l->owner) != ticket) {
		cpu_relax();
		if (!CONFIG_DEBUG || ++spins % SPINS_PER_CHECK)
			continue;
		if (ktime_get_ns() - start_ns > LOCKUP_NS)
			panic("spinlock %p, class %u: waited for a minute", (void *)l, l->class);
	}
}

/*
 * kernel/locking/spinlock.c - the waiting half of spinlocks.
 *
 * Linux:   kernel/locking/spinlock.c, qspinlock.c (6.1)
 * Same:    first come, first served.
 * Differs: 1. tickets instead of queue nodes: with eight CPUs the shared word is no bottleneck.
 * Locks:   it is one.
 * Walk:    spin_lock() -> spin_lock_slow() when another CPU holds it.
 */
#include "kernel/spinlock.h"

void spin_lock_slow(spinlock_t *l, u16 ticket)
{
	while (smp_load_acquire(&l->owner) != ticket)
		cpu_relax();
}

/*
 * kernel/locking/spinlock.c - the wait for a spinlock that another CPU holds.
 *
 * Linux:   kernel/locking/spinlock.c, arch/x86/include/asm/qspinlock.h (6.1)
 * Same:    on a hypervisor, whoever finds the word clear takes the lock.
 * Differs: 1. always so: Pollux runs in QEMU.
 *          2. test builds panic after LOCKUP_NS: a lock held so long will not come.
 * Locks:   it is one.
 * Walk:    spin_lock() -> spin_lock_slow().
 *
 * Why not first come, first served. A CPU of a guest is a thread of the host, which may take its processor away at any
 * time. With an order, a free lock waits for the one CPU whose turn it is, though others run and would take it; with
 * more CPUs than the host has, nearly every handing-over then costs a time slice of the host: eight busy tasks on four
 * CPUs, on a host of two, did a tenth to a hundredth of their work. Without an order only a holder that is taken away
 * is waited for. Nobody is starved in practice: holds are short, and who has just given a lock back has other work.
 */
#include "kernel/spinlock.h"
#include "kernel/time.h"

#define LOCKUP_NS (60 * NSEC_PER_SEC)
enum { SPINS_PER_CHECK = 1 << 16 };

void spin_lock_slow(spinlock_t *l)
{
	u64 start_ns = CONFIG_DEBUG ? ktime_get_ns() : 0;
	u32 spins = 0;

	do {
		/* Looking does not take the cache line away from the holder. */
		while (READ_ONCE(l->locked)) {
			cpu_relax();
			if (!CONFIG_DEBUG || ++spins % SPINS_PER_CHECK)
				continue;
			if (ktime_get_ns() - start_ns > LOCKUP_NS)
				panic("spinlock %p, class %u: waited for a minute", (void *)l, l->class);
		}
	} while (__atomic_exchange_n(&l->locked, 1, __ATOMIC_ACQUIRE));
}

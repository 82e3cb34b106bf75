/*
 * kernel/barrier.h - memory ordering between CPUs.
 *
 * Linux:   asm/barrier.h, include/linux/compiler.h (6.1)
 * Same:    the names and what they order.
 * Differs: 1. x86-64 only: loads and stores keep their order but for a store followed by a load, so only
 *             smp_mb() is an instruction.
 * Locks:   none.
 * Walk:    included by kernel/atomic.h.
 */
#pragma once
#include "kernel/types.h"

/* One access, neither torn nor repeated nor invented by the compiler. */
#define READ_ONCE(x)		(*(const volatile typeof(x) *)&(x))
#define WRITE_ONCE(x, v)	(*(volatile typeof(x) *)&(x) = (v))

#define smp_mb()	__asm__ __volatile__("lock; addl $0,-4(%%rsp)" ::: "memory", "cc")
#define smp_rmb()	barrier()
#define smp_wmb()	barrier()
#define smp_load_acquire(p)	({ typeof(*(p)) __v = READ_ONCE(*(p)); barrier(); __v; })
#define smp_store_release(p, v)	do { barrier(); WRITE_ONCE(*(p), (v)); } while (0)
/* Store, then order it before every later load: the waiter's half of "set state, then test". */
#define smp_store_mb(var, v)	((void)__atomic_exchange_n(&(var), (v), __ATOMIC_SEQ_CST))

static inline void cpu_relax(void) { __asm__ __volatile__("pause" ::: "memory"); }

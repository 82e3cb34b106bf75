/*
 * kernel/lockdep.h - the checker behind kernel/lock_order.h; calls vanish from ordinary builds.
 *
 * Linux:   include/linux/lockdep.h (6.1)
 * Same:    every acquire and release is reported; assertions say who must hold what.
 * Differs: 1. the order is declared, not learned: a wrong nesting is reported the first time it
 *             happens, not the first time both orders have been seen.
 *          2. the locks of an interrupted task count as held by the interrupt: the checker has one
 *             list per task.
 * Locks:   none.
 * Walk:    spin_lock(), mutex_lock(), lock_sock() -> lockdep_acquire().
 */
#pragma once
#include "kernel/config.h"
#include "kernel/lock_order.h"
#include "kernel/types.h"

/*
 * lockdep_acquire_slow, lockdep_release_slow - a lock of @class at @depth is taken, given back, by
 * the code at @ip. Context: any; reports by WARN. @sleeps: the lock may sleep (mutex), so the
 * caller may not be atomic.
 */
void lockdep_acquire_slow(const void *lock, enum lock_class class, unsigned int depth, bool sleeps,
			  unsigned long ip);
/*
 * lockdep_acquire_try_slow - the same for a lock that was taken without waiting: it may stand
 * anywhere in the order.
 */
void lockdep_acquire_try_slow(const void *lock, enum lock_class class, unsigned long ip);
void lockdep_release_slow(const void *lock, unsigned long ip);
/* lockdep_is_held_slow - does the current context hold @lock? Context: any. */
bool lockdep_is_held_slow(const void *lock);
/* lockdep_assert_none_held - called at return to user space: a lock still held there is a bug. */
void lockdep_assert_none_held(void);
/*
 * lockdep_print_held - the locks the current task and CPU hold, for panics. Context: any, takes no
 * lock.
 */
void lockdep_print_held(void);

static inline void lockdep_acquire(const void *lock, enum lock_class class, unsigned int depth,
				   bool sleeps)
{
	if (CONFIG_DEBUG)
		lockdep_acquire_slow(lock, class, depth, sleeps, _RET_IP_);
}
/* The same for locks that are taken inline: the report names the code around, not its caller. */
#define lockdep_acquire_here(lock, class, depth) do {						\
	if (CONFIG_DEBUG)									\
		lockdep_acquire_slow(lock, class, depth, false, _THIS_IP_);			\
} while (0)
static inline void lockdep_acquire_try(const void *lock, enum lock_class class)
{
	if (CONFIG_DEBUG)
		lockdep_acquire_try_slow(lock, class, _RET_IP_);
}
static inline void lockdep_release(const void *lock)
{
	if (CONFIG_DEBUG)
		lockdep_release_slow(lock, _RET_IP_);
}

/* might_sleep_slow - complain unless in a task, preemptible, with interrupts on. */
void might_sleep_slow(const char *file, int line);
#define might_sleep() do { if (CONFIG_DEBUG) might_sleep_slow(__FILE__, __LINE__); } while (0)
/* For spinlock_t and struct mutex alike. */
#define assert_held(l) do { if (CONFIG_DEBUG) ASSERT(lockdep_is_held_slow(l)); } while (0)
#define assert_softirq() do { if (CONFIG_DEBUG) ASSERT(in_softirq()); } while (0)
#define assert_irqs_disabled() do { if (CONFIG_DEBUG) ASSERT(irqs_disabled()); } while (0)

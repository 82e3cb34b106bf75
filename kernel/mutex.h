/*
 * kernel/mutex.h - locks that sleep.
 *
 * Linux:   include/linux/mutex.h (6.1)
 * Same:    names; one owner, who unlocks; not in interrupts; the owner's address and two flags
 *          share a word, so that taking and giving back a mutex nobody waits for is one instruction
 *          each; a waiter that was overtaken gets the mutex handed over.
 * Differs: 1. each mutex names its class in kernel/lock_order.h. 2. no optimistic spinning.
 * Locks:   MUTEX_WAIT.
 * Walk:    ep->mtx, mmap_lock, inode locks.
 */
#pragma once
#include "kernel/list.h"
#include "kernel/spinlock.h"

struct task_struct;

struct mutex {
	/* atomic: the owning task (0: free) and MUTEX_FLAGS; the flags change under wait_lock */
	unsigned long owner;
	u16 class;
	/* wait_lock */
	spinlock_t wait_lock;
	struct list_head wait_list;
};

#define __MUTEX_INIT(n, cls) { .class = (cls), .wait_lock = __SPIN_LOCK_UNLOCKED(LC_MUTEX_WAIT),	\
			       .wait_list = LIST_HEAD_INIT((n).wait_list) }
#define DEFINE_MUTEX(n, cls) struct mutex n = __MUTEX_INIT(n, cls)

/* mutex_init - a free mutex of @class. */
void mutex_init(struct mutex *m, enum lock_class class);
/*
 * mutex_lock - sleep until it is ours. Context: task. mutex_lock_nested: a second one of the class,
 * at @depth.
 */
void mutex_lock(struct mutex *m);
void mutex_lock_nested(struct mutex *m, unsigned int depth);
/* mutex_lock_interruptible - Return: 0, or -EINTR when a signal came first. Context: task. */
int __must_check mutex_lock_interruptible(struct mutex *m);
/* mutex_trylock - Return: true if it is ours now. Context: task. */
bool __must_check mutex_trylock(struct mutex *m);
/*
 * mutex_unlock - give it back and wake the longest waiter. The mutex is not touched once it can be
 * another's. Context: task, the owner.
 */
void mutex_unlock(struct mutex *m);
#define MUTEX_FLAGS 3UL
static inline bool mutex_is_locked(const struct mutex *m)
{
	return (READ_ONCE(m->owner) & ~MUTEX_FLAGS) != 0;
}

/*
 * kernel/locking/mutex.c - locks whose waiters sleep.
 *
 * Linux:   kernel/locking/mutex.c (6.1)
 * Same:    one word holds the owner and two flags; free or not waited for, a mutex is taken and
 *          given back by one compare-and-exchange. Normally the first waiter is woken and has to
 *          take the mutex, and a task that runs may be quicker: so nobody waits for a task that is
 *          still being switched in. A waiter this has happened to asks for a hand-off: the next
 *          owner gives the mutex to it by name.
 * Differs: 1. waiters do not spin while the owner runs.
 * Locks:   MUTEX_WAIT for the list of waiters; the owner word is atomic.
 * Walk:    mutex_lock() -> lock_slow() -> schedule();  mutex_unlock() -> unlock_slow() ->
 *          wake_up_process().
 *
 * Why no wake-up is lost: FLAG_WAITERS is set, and the task's state, before the waiter tests the
 * owner word the last time, all under wait_lock. An owner that gives the mutex back afterwards
 * finds the flag, its exchange fails, and it takes wait_lock to wake the first waiter. One that
 * gave it back before has left a word without an owner, and the waiter's test takes it.
 *
 * The owner's last access to the mutex is that exchange, or the release of wait_lock: whoever takes
 * the mutex next may free it, if he knows that nobody waits.
 */
#include "kernel/mutex.h"
#include "kernel/errno.h"
#include "kernel/race.h"
#include "kernel/task.h"

enum { FLAG_WAITERS = 1, FLAG_HANDOFF = 2 };
static_assert((FLAG_WAITERS | FLAG_HANDOFF) == MUTEX_FLAGS, "mutex_is_locked() masks them");

struct mutex_waiter { struct list_head entry; struct task_struct *task; };

void mutex_init(struct mutex *m, enum lock_class class)
{
	m->owner = 0;
	m->class = (u16)class;
	spin_lock_init(&m->wait_lock, LC_MUTEX_WAIT);
	INIT_LIST_HEAD(&m->wait_list);
}

static struct task_struct *owner_task(unsigned long owner)
{
	return (struct task_struct *)(owner & ~MUTEX_FLAGS);
}

static bool try_owner(struct mutex *m, unsigned long old, unsigned long new)
{
	return __atomic_compare_exchange_n(&m->owner, &old, new, false, __ATOMIC_ACQ_REL,
					   __ATOMIC_RELAXED);
}

/* Take it if it is free, or accept it if it was handed over. The flags stay. */
static bool try_acquire(struct mutex *m)
{
	for (;;) {
		unsigned long owner = READ_ONCE(m->owner);

		if (owner_task(owner))
			/* handed over: only mutex_unlock() writes another's name */
			return owner_task(owner) == current;
		if (try_owner(m, owner, owner | (unsigned long)current))
			return true;
	}
}

/* Locks: wait_lock. */
static void leave_wait_list(struct mutex *m, struct mutex_waiter *waiter)
{
	list_del(&waiter->entry);
	if (list_empty(&m->wait_list))
		__atomic_fetch_and(&m->owner, ~MUTEX_FLAGS, __ATOMIC_RELAXED);
}

static int lock_slow(struct mutex *m, unsigned int state)
{
	struct mutex_waiter waiter = { .task = current };
	unsigned long flags;
	int err = 0;

	spin_lock_irqsave(&m->wait_lock, flags);
	list_add_tail(&waiter.entry, &m->wait_list);
	__atomic_fetch_or(&m->owner, FLAG_WAITERS, __ATOMIC_SEQ_CST);
	for (bool was_woken = false; ; was_woken = true) {
		set_current_state(state);
		if (try_acquire(m))
			break;
		if (signal_pending_state(state, current)) {
			err = -EINTR;
			break;
		}
		if (was_woken && m->wait_list.next == &waiter.entry) {
			__atomic_fetch_or(&m->owner, FLAG_HANDOFF, __ATOMIC_SEQ_CST);
			/*
			 * The owner may have given it back since, without seeing the flag: then
			 * nobody would wake us.
			 */
			if (try_acquire(m))
				break;
		}
		spin_unlock_irqrestore(&m->wait_lock, flags);
		schedule();
		spin_lock_irqsave(&m->wait_lock, flags);
	}
	__set_current_state(TASK_RUNNING);
	/* The flag was this waiter's wish, or is nobody's. */
	__atomic_fetch_and(&m->owner, ~(unsigned long)FLAG_HANDOFF, __ATOMIC_RELAXED);
	leave_wait_list(m, &waiter);
	spin_unlock_irqrestore(&m->wait_lock, flags);
	return err;
}

static __always_inline int lock_common(struct mutex *m, unsigned int depth, unsigned int state)
{
	int err;

	race_point(mutex_lock);
	lockdep_acquire(m, m->class, depth, true);
	if (likely(try_owner(m, 0, (unsigned long)current)))
		return 0;
	err = lock_slow(m, state);
	if (err)
		lockdep_release(m);
	return err;
}

void mutex_lock_nested(struct mutex *m, unsigned int depth)
{
	(void)lock_common(m, depth, TASK_UNINTERRUPTIBLE);
}

void mutex_lock(struct mutex *m) { (void)lock_common(m, 0, TASK_UNINTERRUPTIBLE); }
int mutex_lock_interruptible(struct mutex *m) { return lock_common(m, 0, TASK_INTERRUPTIBLE); }

bool mutex_trylock(struct mutex *m)
{
	unsigned long owner = READ_ONCE(m->owner);

	/* Somebody else came in between, or waits: that is a no. */
	if (owner_task(owner) || !try_owner(m, owner, owner | (unsigned long)current))
		return false;
	lockdep_acquire_try(m, m->class);
	return true;
}

/* Somebody waits. His entry lies on his stack, which stays there until he gets wait_lock. */
static void unlock_slow(struct mutex *m)
{
	struct mutex_waiter *first;
	unsigned long flags;

	spin_lock_irqsave(&m->wait_lock, flags);
	first = list_first_entry_or_null(&m->wait_list, struct mutex_waiter, entry);
	/* Only the flags change under our hands, and only under wait_lock; so a store will do. */
	if (!first)
		smp_store_release(&m->owner, 0);
	else if (m->owner & FLAG_HANDOFF)
		smp_store_release(&m->owner, (unsigned long)first->task | FLAG_WAITERS);
	else
		smp_store_release(&m->owner, FLAG_WAITERS);
	if (first)
		wake_up_process(first->task);
	spin_unlock_irqrestore(&m->wait_lock, flags);
}

void mutex_unlock(struct mutex *m)
{
	lockdep_release(m);
	if (CONFIG_DEBUG)
		ASSERT(owner_task(READ_ONCE(m->owner)) == current);
	if (unlikely(!try_owner(m, (unsigned long)current, 0)))
		unlock_slow(m);
	race_point(mutex_unlock);
}

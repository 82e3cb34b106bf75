/*
 * kernel/locking/mutex.c - locks that sleep.
 *
 * Linux:   kernel/locking/mutex.c (6.1)
 * Same:    an uncontended lock is one cmpxchg.
 * Differs: 1. unlock hands the mutex to the longest waiter, so nobody starves; Linux lets newcomers steal it for a while.
 * Locks:   MUTEX_WAIT.
 * Walk:    ep_send_events() -> mutex_lock(&ep->mtx).
 */
#include "kernel/mutex.h"
#include "kernel/errno.h"
#include "kernel/task.h"

struct mutex_waiter {
	struct list_head entry;
	struct task_struct *task;
	bool granted;	/* wait_lock: the mutex is ours */
};

void mutex_init(struct mutex *m, enum lock_class class)
{
	m->owner = NULL;
	m->waiters = 0;
	m->class = (u16)class;
	spin_lock_init(&m->wait_lock, LC_MUTEX_WAIT);
	INIT_LIST_HEAD(&m->wait_list);
}

static bool mutex_take(struct mutex *m)
{
	return cmpxchg(&m->owner, NULL, current) == NULL;
}

/*
 * Queue, then try once more: mutex_unlock() looks at waiters after it has cleared owner.
 *
 *   waiter                          owner
 *   waiters++                       owner = NULL
 *   cmpxchg(owner) fails            waiters == 0?   one of the two must see the other's store
 */
static int mutex_wait(struct mutex *m, unsigned int state)
{
	struct mutex_waiter w = { .task = current };
	unsigned long flags;
	int ret = 0;

	spin_lock_irqsave(&m->wait_lock, flags);
	list_add_tail(&w.entry, &m->wait_list);
	__atomic_fetch_add(&m->waiters, 1, __ATOMIC_SEQ_CST);
	for (;;) {
		if (w.granted)
			break;
		if (m->wait_list.next == &w.entry && mutex_take(m)) {
			list_del(&w.entry);
			__atomic_fetch_sub(&m->waiters, 1, __ATOMIC_SEQ_CST);
			break;
		}
		if (signal_pending_state(state, current)) {
			list_del(&w.entry);
			__atomic_fetch_sub(&m->waiters, 1, __ATOMIC_SEQ_CST);
			ret = -EINTR;
			break;
		}
		set_current_state(state);
		spin_unlock_irqrestore(&m->wait_lock, flags);
		schedule();
		spin_lock_irqsave(&m->wait_lock, flags);
	}
	__set_current_state(TASK_RUNNING);
	spin_unlock_irqrestore(&m->wait_lock, flags);
	return ret;
}

static int mutex_lock_state(struct mutex *m, unsigned int depth, unsigned int state)
{
	int ret = 0;

	might_sleep();
	lockdep_acquire(m, m->class, depth, true);
	if (unlikely(!mutex_take(m)))
		ret = mutex_wait(m, state);
	if (unlikely(ret))
		lockdep_release(m);
	return ret;
}

void mutex_lock(struct mutex *m) { (void)mutex_lock_state(m, 0, TASK_UNINTERRUPTIBLE); }

void mutex_lock_nested(struct mutex *m, unsigned int depth) { (void)mutex_lock_state(m, depth, TASK_UNINTERRUPTIBLE); }

int mutex_lock_interruptible(struct mutex *m) { return mutex_lock_state(m, 0, TASK_INTERRUPTIBLE); }

bool mutex_trylock(struct mutex *m)
{
	if (!mutex_take(m))
		return false;
	lockdep_acquire(m, m->class, 0, true);
	return true;
}

static noinline void mutex_hand_over(struct mutex *m)
{
	struct task_struct *next = NULL;
	unsigned long flags;

	spin_lock_irqsave(&m->wait_lock, flags);
	struct mutex_waiter *w = list_first_entry_or_null(&m->wait_list, struct mutex_waiter, entry);

	if (w && cmpxchg(&m->owner, NULL, w->task) == NULL) {
		list_del(&w->entry);
		__atomic_fetch_sub(&m->waiters, 1, __ATOMIC_SEQ_CST);
		next = w->task;
		w->granted = true;
		get_task_struct(next);
	}
	spin_unlock_irqrestore(&m->wait_lock, flags);
	if (next) {
		wake_up_process(next);
		put_task_struct(next);
	}
}

void mutex_unlock(struct mutex *m)
{
	ASSERT(m->owner == current);
	lockdep_release(m);
	(void)xchg(&m->owner, NULL);
	if (unlikely(READ_ONCE(m->waiters)))
		mutex_hand_over(m);
}

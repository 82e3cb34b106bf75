/*
 * kernel/sched/wait.c - wait queues: the primitive under every sleep and every epoll event.
 *
 * Linux:   kernel/sched/wait.c (6.1)
 * Same:    entries are callbacks; non-exclusive ones stand in front, exclusive ones behind, and a wake-up calls all of the
 *          former and a given number of the latter; the autoremove and woken functions.
 * Differs: 1. no bookmarks: one hold of the lock for the whole walk.
 * Locks:   WAITQ, EP_WAITQ (the class of the head).
 * Walk:    sock_def_readable() -> __wake_up_sync_key() -> __wake_up_common() -> the entry's function.
 *
 * How a wake-up is never lost. The waiter queues itself, sets its state, and only then tests the condition; the waker
 * changes the condition and only then looks at the queue. Both orders are kept by full barriers, so in
 *
 *   waiter                                waker
 *   list_add(entry)                       condition = true
 *   state = TASK_INTERRUPTIBLE            smp_mb() or the queue's lock
 *   smp_mb() in set_current_state()       entry queued? call its function, which sets state = TASK_RUNNING
 *   condition? else schedule()
 *
 * either the waiter sees the condition, or the waker sees the entry; and schedule() does not sleep when the state has gone
 * back to running meanwhile.
 */
#include "kernel/wait.h"
#include "kernel/errno.h"
#include "kernel/task.h"
#include "kernel/trace.h"

void init_waitqueue_head_class(struct wait_queue_head *wq_head, enum lock_class class)
{
	spin_lock_init(&wq_head->lock, class);
	INIT_LIST_HEAD(&wq_head->head);
}

void init_waitqueue_head(struct wait_queue_head *wq_head) { init_waitqueue_head_class(wq_head, LC_WAITQ); }

void add_wait_queue(struct wait_queue_head *wq_head, struct wait_queue_entry *wq_entry)
{
	unsigned long flags;

	wq_entry->flags &= ~(unsigned int)WQ_FLAG_EXCLUSIVE;
	spin_lock_irqsave(&wq_head->lock, flags);
	__add_wait_queue(wq_head, wq_entry);
	spin_unlock_irqrestore(&wq_head->lock, flags);
}

void add_wait_queue_exclusive(struct wait_queue_head *wq_head, struct wait_queue_entry *wq_entry)
{
	unsigned long flags;

	spin_lock_irqsave(&wq_head->lock, flags);
	__add_wait_queue_exclusive(wq_head, wq_entry);
	spin_unlock_irqrestore(&wq_head->lock, flags);
}

void remove_wait_queue(struct wait_queue_head *wq_head, struct wait_queue_entry *wq_entry)
{
	unsigned long flags;

	spin_lock_irqsave(&wq_head->lock, flags);
	list_del_init(&wq_entry->entry);
	spin_unlock_irqrestore(&wq_head->lock, flags);
}

static void __wake_up_common(struct wait_queue_head *wq_head, unsigned int mode, int nr_exclusive, int wake_flags, void *key)
{
	struct wait_queue_entry *curr, *next;

	assert_held(&wq_head->lock);
	trace(__wake_up_common, wq_head, key);
	list_for_each_entry_safe(curr, next, &wq_head->head, entry) {
		unsigned int flags = curr->flags;
		int ret = curr->func(curr, mode, wake_flags, key);

		if (ret < 0)
			break;
		if (ret && (flags & WQ_FLAG_EXCLUSIVE) && --nr_exclusive == 0)
			break;
	}
}

void __wake_up(struct wait_queue_head *wq_head, unsigned int mode, int nr_exclusive, void *key)
{
	unsigned long flags;

	trace(__wake_up, wq_head, key);
	spin_lock_irqsave(&wq_head->lock, flags);
	__wake_up_common(wq_head, mode, nr_exclusive, 0, key);
	spin_unlock_irqrestore(&wq_head->lock, flags);
}

void __wake_up_sync_key(struct wait_queue_head *wq_head, unsigned int mode, void *key)
{
	unsigned long flags;

	trace(__wake_up, wq_head, key);
	spin_lock_irqsave(&wq_head->lock, flags);
	__wake_up_common(wq_head, mode, 1, WF_SYNC, key);
	spin_unlock_irqrestore(&wq_head->lock, flags);
}

void __wake_up_locked_key(struct wait_queue_head *wq_head, unsigned int mode, void *key)
{
	__wake_up_common(wq_head, mode, 1, 0, key);
}

int default_wake_function(wait_queue_entry_t *wq_entry, unsigned int mode, int wake_flags, void *key)
{
	struct task_struct *p = wq_entry->private;

	(void)key;
	trace(default_wake_function, p->pid);
	return try_to_wake_up(p, mode, wake_flags);
}

int autoremove_wake_function(wait_queue_entry_t *wq_entry, unsigned int mode, int wake_flags, void *key)
{
	trace(autoremove_wake_function, ((struct task_struct *)wq_entry->private)->pid);
	int ret = default_wake_function(wq_entry, mode, wake_flags, key);

	/* finish_wait() may look at the entry without the lock: once it reads "not queued", the entry may be gone. */
	if (ret)
		list_del_init_careful(&wq_entry->entry);
	return ret;
}

/* Remembers in the entry that it was called, for a task that is between its test and its sleep. */
int woken_wake_function(wait_queue_entry_t *wq_entry, unsigned int mode, int wake_flags, void *key)
{
	trace(woken_wake_function, ((struct task_struct *)wq_entry->private)->pid);
	smp_mb(); /* the waker's change before the flag; pairs with the smp_store_mb() in wait_woken() */
	wq_entry->flags |= WQ_FLAG_WOKEN;
	return default_wake_function(wq_entry, mode, wake_flags, key);
}

s64 wait_woken(struct wait_queue_entry *wq_entry, unsigned int mode, s64 timeout_ns)
{
	set_current_state(mode); /* pairs with the smp_mb() in woken_wake_function(): one of us sees the other */
	if (!(READ_ONCE(wq_entry->flags) & WQ_FLAG_WOKEN))
		timeout_ns = schedule_timeout_ns(timeout_ns);
	__set_current_state(TASK_RUNNING);
	/* From here on a new wake-up counts for the next round. */
	smp_store_mb(wq_entry->flags, wq_entry->flags & ~(unsigned int)WQ_FLAG_WOKEN);
	return timeout_ns;
}

void prepare_to_wait(struct wait_queue_head *wq_head, struct wait_queue_entry *wq_entry, int state)
{
	unsigned long flags;

	wq_entry->flags &= ~(unsigned int)WQ_FLAG_EXCLUSIVE;
	spin_lock_irqsave(&wq_head->lock, flags);
	if (list_empty(&wq_entry->entry))
		__add_wait_queue(wq_head, wq_entry);
	set_current_state(state);
	spin_unlock_irqrestore(&wq_head->lock, flags);
}

void prepare_to_wait_exclusive(struct wait_queue_head *wq_head, struct wait_queue_entry *wq_entry, int state)
{
	unsigned long flags;

	spin_lock_irqsave(&wq_head->lock, flags);
	if (list_empty(&wq_entry->entry))
		__add_wait_queue_exclusive(wq_head, wq_entry);
	set_current_state(state);
	spin_unlock_irqrestore(&wq_head->lock, flags);
}

long prepare_to_wait_event(struct wait_queue_head *wq_head, struct wait_queue_entry *wq_entry, int state)
{
	unsigned long flags;
	long ret = 0;

	spin_lock_irqsave(&wq_head->lock, flags);
	if (signal_pending_state((unsigned int)state, current)) {
		/* An exclusive waiter that leaves must not take a wake-up with it: it is off the queue before it says so. */
		list_del_init(&wq_entry->entry);
		ret = -ERESTARTSYS;
	} else {
		if (list_empty(&wq_entry->entry)) {
			if (wq_entry->flags & WQ_FLAG_EXCLUSIVE)
				__add_wait_queue_entry_tail(wq_head, wq_entry);
			else
				__add_wait_queue(wq_head, wq_entry);
		}
		set_current_state(state);
	}
	spin_unlock_irqrestore(&wq_head->lock, flags);
	return ret;
}

void finish_wait(struct wait_queue_head *wq_head, struct wait_queue_entry *wq_entry)
{
	unsigned long flags;

	__set_current_state(TASK_RUNNING);
	if (list_empty_careful(&wq_entry->entry))
		return;
	spin_lock_irqsave(&wq_head->lock, flags);
	list_del_init(&wq_entry->entry);
	spin_unlock_irqrestore(&wq_head->lock, flags);
}

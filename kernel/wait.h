/*
 * kernel/wait.h - wait queues: who is to be told when something happens, and how.
 *
 * Linux:   include/linux/wait.h (6.1)
 * Same:    an entry is a callback; exclusive entries stand at the tail and one of them ends a
 *          wake-up; the key carries the event bits; autoremove and woken wake functions;
 *          wait_event*() test after they queue.
 * Differs: 1. a head names its lock class (WAITQ unless said otherwise). 2. time-outs are
 *             nanoseconds of CLOCK_MONOTONIC. 3. a wake-up walks the queue in one hold of the lock:
 *             no bookmarks.
 * Locks:   WAITQ, EP_WAITQ.
 * Walk:    sock_def_readable() -> __wake_up() -> __wake_up_common() -> ep_poll_callback().
 *
 * Contract: the callback runs in the waker's context, under the queue's lock, interrupts off. It
 * may queue and wake; it may not sleep. It returns 0 if it woke nobody, 1 if it did, negative to
 * end the walk.
 */
#pragma once
#include "kernel/list.h"
#include "kernel/race.h"
#include "kernel/sched.h"
#include "kernel/spinlock.h"

struct wait_queue_entry;
typedef struct wait_queue_entry wait_queue_entry_t;
typedef int (*wait_queue_func_t)(wait_queue_entry_t *wq_entry, unsigned int mode, int wake_flags,
				 void *key);

enum {
	WQ_FLAG_EXCLUSIVE = 0x01,
	WQ_FLAG_WOKEN = 0x02,
};

struct wait_queue_entry {
	unsigned int flags;
	void *private;			/* the task, for the functions below; for others' what a trace shall say */
	wait_queue_func_t func;
	struct list_head entry;
};
struct wait_queue_head {
	spinlock_t lock;
	struct list_head head;
};
typedef struct wait_queue_head wait_queue_head_t;

#define __WAIT_QUEUE_HEAD_INIT(n)								\
	{ .lock = __SPIN_LOCK_UNLOCKED(LC_WAITQ), .head = LIST_HEAD_INIT((n).head) }
#define DECLARE_WAIT_QUEUE_HEAD(n) struct wait_queue_head n = __WAIT_QUEUE_HEAD_INIT(n)

/* init_waitqueue_head - an empty queue; the second form with its own lock class. */
void init_waitqueue_head(struct wait_queue_head *wq_head);
void init_waitqueue_head_class(struct wait_queue_head *wq_head, enum lock_class class);

/*
 * add_wait_queue* - queue an entry (exclusive: at the tail). remove_wait_queue - take it out,
 * queued or not autoremoved. Context: any.
 */
void add_wait_queue(struct wait_queue_head *wq_head, struct wait_queue_entry *wq_entry);
void add_wait_queue_exclusive(struct wait_queue_head *wq_head, struct wait_queue_entry *wq_entry);
void remove_wait_queue(struct wait_queue_head *wq_head, struct wait_queue_entry *wq_entry);
/* The same with wq_head->lock held. */
static inline void __add_wait_queue(struct wait_queue_head *h, struct wait_queue_entry *e)
{
	list_add(&e->entry, &h->head);
}
static inline void __add_wait_queue_entry_tail(struct wait_queue_head *h, struct wait_queue_entry *e)
{
	list_add_tail(&e->entry, &h->head);
}
static inline void __add_wait_queue_exclusive(struct wait_queue_head *h, struct wait_queue_entry *e)
{
	e->flags |= WQ_FLAG_EXCLUSIVE;
	list_add_tail(&e->entry, &h->head);
}
static inline void __remove_wait_queue(struct wait_queue_head *h, struct wait_queue_entry *e)
{
	(void)h;
	list_del(&e->entry);
}

/*
 * waitqueue_active - is anyone queued? Without the lock: the caller's state change must be ordered
 * before this read by a full barrier, paired with the one in set_current_state() or poll_wait().
 * wq_has_sleeper() has it.
 */
static inline bool waitqueue_active(struct wait_queue_head *h) { return !list_empty(&h->head); }
static inline bool wq_has_sleeper(struct wait_queue_head *h)
{
	smp_mb(); /* pairs with prepare_to_wait()'s state and with add_wait_queue()'s lock */
	return waitqueue_active(h);
}

/*
 * __wake_up - call the entries' functions: all that are not exclusive and @nr_exclusive that are
 * (0: all). @mode: task states to wake. @key: event bits as a pointer, or NULL for all. Context:
 * any.
 */
void __wake_up(struct wait_queue_head *wq_head, unsigned int mode, int nr_exclusive, void *key);
/* __wake_up_sync_key - the same with WF_SYNC: the waker is about to sleep. Context: any. */
void __wake_up_sync_key(struct wait_queue_head *wq_head, unsigned int mode, void *key);
/* __wake_up_locked_key - the same with wq_head->lock held by the caller. */
void __wake_up_locked_key(struct wait_queue_head *wq_head, unsigned int mode, void *key);

#define poll_to_key(m) ((void *)(unsigned long)(m))
#define key_to_poll(k) ((__poll_t)(unsigned long)(k))
#define wake_up(x)			__wake_up(x, TASK_NORMAL, 1, NULL)
#define wake_up_nr(x, nr)		__wake_up(x, TASK_NORMAL, nr, NULL)
#define wake_up_all(x)			__wake_up(x, TASK_NORMAL, 0, NULL)
#define wake_up_locked(x)		__wake_up_locked_key(x, TASK_NORMAL, NULL)
#define wake_up_interruptible(x)	__wake_up(x, TASK_INTERRUPTIBLE, 1, NULL)
#define wake_up_interruptible_all(x)	__wake_up(x, TASK_INTERRUPTIBLE, 0, NULL)
#define wake_up_poll(x, m)		__wake_up(x, TASK_NORMAL, 1, poll_to_key(m))
#define wake_up_locked_poll(x, m)	__wake_up_locked_key(x, TASK_NORMAL, poll_to_key(m))
#define wake_up_interruptible_poll(x, m) __wake_up(x, TASK_INTERRUPTIBLE, 1, poll_to_key(m))
#define wake_up_interruptible_sync_poll(x, m)							\
	__wake_up_sync_key(x, TASK_INTERRUPTIBLE, poll_to_key(m))

/* Wake functions for entries whose private is a task. Context: queue lock held, irqs off. */
int default_wake_function(wait_queue_entry_t *wq_entry, unsigned int mode, int wake_flags,
			  void *key);
int autoremove_wake_function(wait_queue_entry_t *wq_entry, unsigned int mode, int wake_flags,
			     void *key);
int woken_wake_function(wait_queue_entry_t *wq_entry, unsigned int mode, int wake_flags,
			void *key);

static inline void init_waitqueue_func_entry(struct wait_queue_entry *e, wait_queue_func_t func)
{
	e->flags = 0;
	e->private = NULL;
	e->func = func;
	INIT_LIST_HEAD(&e->entry);
}
static inline void init_waitqueue_entry(struct wait_queue_entry *e, struct task_struct *p)
{
	init_waitqueue_func_entry(e, default_wake_function);
	e->private = p;
}
#define DEFINE_WAIT_FUNC(name, function)							\
	struct wait_queue_entry name = { .private = current, .func = function,			\
					 .entry = LIST_HEAD_INIT((name).entry) }
#define DEFINE_WAIT(name) DEFINE_WAIT_FUNC(name, autoremove_wake_function)
#define init_wait(w) do {									\
	init_waitqueue_entry(w, current);							\
	(w)->func = autoremove_wake_function;							\
} while (0)

/*
 * prepare_to_wait - queue (once) and set the task's state; test the condition after it. Context:
 * task.
 */
void prepare_to_wait(struct wait_queue_head *wq_head, struct wait_queue_entry *wq_entry, int state);
void prepare_to_wait_exclusive(struct wait_queue_head *wq_head, struct wait_queue_entry *wq_entry,
			       int state);
/*
 * prepare_to_wait_event - the same. Return: 0, or -ERESTARTSYS with the entry taken out when a
 * signal is pending.
 */
long __must_check prepare_to_wait_event(struct wait_queue_head *wq_head,
					struct wait_queue_entry *wq_entry, int state);
/* finish_wait - running again, entry out. Context: task. */
void finish_wait(struct wait_queue_head *wq_head, struct wait_queue_entry *wq_entry);
/*
 * wait_woken - sleep until woken_wake_function() ran or @timeout_ns passed; for loops that change
 * locks between. Return: the nanoseconds left (0: none; MAX_SCHEDULE_TIMEOUT stays). Context: task.
 */
s64 wait_woken(struct wait_queue_entry *wq_entry, unsigned int mode, s64 timeout_ns);

#define ___wait_event(wq, cond, state, excl, ret0, cmd) ({					\
	struct wait_queue_entry __we;								\
	long __wret = (ret0);									\
	init_wait(&__we);									\
	__we.flags = (excl) ? WQ_FLAG_EXCLUSIVE : 0;						\
	for (;;) {										\
		long __int = prepare_to_wait_event(&(wq), &__we, state);			\
		if (cond)									\
			break;									\
		if (__int) {									\
			__wret = __int;								\
			break;									\
		}										\
		cmd;										\
		/* Mostly it is true now, and the entry off the queue: do not queue it again to see that. */ \
		if (cond)									\
			break;									\
	}											\
	finish_wait(&(wq), &__we);								\
	__wret; })

#define wait_event(wq, cond) do {								\
	might_sleep();										\
	if (!(cond))										\
		(void)___wait_event(wq, cond, TASK_UNINTERRUPTIBLE, 0, 0, schedule());		\
} while (0)
#define __wait_event_intr(wq, cond, excl) ({							\
	int __r = 0;										\
												\
	might_sleep();										\
	if (!(cond))										\
		__r = (int)___wait_event(wq, cond, TASK_INTERRUPTIBLE, excl, 0, schedule());	\
	__r; })
/* 0, or -ERESTARTSYS when a signal came. */
#define wait_event_interruptible(wq, cond) __wait_event_intr(wq, cond, 0)
#define wait_event_interruptible_exclusive(wq, cond) __wait_event_intr(wq, cond, 1)
/*
 * wait_event_interruptible_locked_irq - the same with wq.lock held by the caller, given back only
 * while it sleeps: the condition is tested under the lock that protects it.
 */
#define wait_event_interruptible_locked_irq(wq, cond) ({					\
	int __r = 0;										\
	DEFINE_WAIT(__w);									\
												\
	while (!(cond)) {									\
		if (list_empty(&__w.entry))							\
			__add_wait_queue_entry_tail(&(wq), &__w);				\
		set_current_state(TASK_INTERRUPTIBLE);						\
		if (signal_pending(current)) {							\
			__r = -ERESTARTSYS;							\
			break;									\
		}										\
		spin_unlock_irq(&(wq).lock);							\
		race_point(locked_wait);							\
		schedule();									\
		spin_lock_irq(&(wq).lock);							\
	}											\
	list_del_init(&__w.entry);								\
	__set_current_state(TASK_RUNNING);							\
	__r; })

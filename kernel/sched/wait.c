/*
 * kernel/sched/wait.c - wait queues: who is to be told when something happens, and how.
 *
 * Linux:   kernel/sched/wait.c (6.1)
 * Same:    entries are callbacks; those that are not exclusive stand in front and are all called,
 *          the exclusive ones behind, and a wake-up ends with the nr-th of them that woke somebody;
 *          prepare_to_wait(), finish_wait() and wait_woken() with their ordering.
 * Differs: 1. a wake-up walks the queue in one hold of the lock: no bookmarks. Queues here are
 *             short, and an entry that moves while the walk pauses needs code that few could check.
 *          2. wait_woken() counts nanoseconds.
 * Locks:   the head's own: WAITQ or EP_WAITQ, interrupts off.
 * Walk:    sock_def_readable() -> __wake_up_sync_key() -> __wake_up_common() -> ep_poll_callback()
 * -> __wake_up_common()
 *          -> autoremove_wake_function() -> default_wake_function() -> try_to_wake_up().
 *
 * The lost wake-up. A task wants to sleep until a condition holds, say "the socket has data".
 * Whoever makes it true wakes it. The obvious way is wrong:
 *
 *   waiter                                  waker
 *   if (!data)
 *                                           data = true
 *                                           wake up whoever sleeps: nobody does
 *           sleep                           must not happen: it sleeps, and nobody will wake it
 *
 * Testing and falling asleep would have to be one step. They can be without a lock around both, if
 * the waiter says that it is going to sleep before it tests, and the waker makes the condition true
 * before it looks for sleepers:
 *
 *   waiter                                  waker
 *   W1 entry onto the queue                 K1 data = true
 *   W2 state = TASK_INTERRUPTIBLE           K2 is there an entry? call its function:
 *   W3 if (!data)                           K3     state sleeping? TASK_RUNNING, queue the task
 *   W4         schedule()
 *
 * schedule() puts a task to sleep only if its state says so. If K3 comes before W4, W4 finds
 * TASK_RUNNING and returns. If K3 comes after W4, it finds a sleeping task and wakes it. If K2
 * finds no entry, then W1 has not happened yet; W3 comes after W1, K1 before K2, so W3 sees the
 * data. No order is left in which the waiter sleeps on.
 *
 * That needs the CPUs to keep the order of these steps, and a processor may let a load overtake an
 * earlier store to another address: W3 before W2, K2 before K1. Then both would see the old world.
 * So there is a full barrier between each store and the load behind it:
 *
 *   waiter   W2 set_current_state() is an exchange, a full barrier, before W3
 *   waker    the lock that __wake_up() takes is one between K1 and K2; try_to_wake_up() takes
 *            pi_lock before it reads the state (K3). Who asks waitqueue_active() first, to spare
 *            himself the lock, has to bring his own: wq_has_sleeper().
 *
 * What a waiter has to write is therefore always this, and wait_event() is this:
 *
 *   for (;;) {
 *           prepare_to_wait(&queue, &entry, TASK_INTERRUPTIBLE);    W1 W2
 *           if (condition)                                          W3
 *                   break;
 *           schedule();                                             W4
 *   }
 *   finish_wait(&queue, &entry);
 *
 * The loop is needed, for a wake-up says "look again", not "it is true": another task may have been
 * quicker, and a signal wakes too. A poller (poll, epoll) keeps the same order in two functions:
 * poll_wait() is W1, the mask its file_operations return is W3; that is why poll() must register
 * before it reads the state.
 *
 * Some waiters must give up a lock between W3 and W4, and sleep while doing so: the owner of a sock
 * runs its backlog then, which changes the state and may go through W2 of another queue. For them a
 * flag remembers the wake-up in place of the state: woken_wake_function() sets WQ_FLAG_WOKEN in the
 * entry, wait_woken() tests and clears it. The same two columns, with the flag for the state
 * (barriers A and B below).
 *
 * Exclusive waiters. Where one event serves one waiter (a connection to accept), waking all is
 * waste: all but one find nothing. Exclusive entries stand behind the others, and the walk ends
 * after the one that woke a task. An entry's function that returns 0 woke nobody (its task was
 * awake already), so the walk goes on to the next: an event is never spent on a task that did not
 * need it. A waiter that leaves for another reason (a signal) after it was chosen would lose the
 * event for all; so prepare_to_wait_event() takes it from the queue under the lock before it
 * reports the signal: then it was either chosen, and its caller tests the condition once more, or
 * it can no longer be chosen.
 */
#include "kernel/wait.h"
#include "kernel/errno.h"
#include "kernel/task.h"
#include "kernel/trace.h"
#include "kernel/wake_reason.h"

void init_waitqueue_head_class(struct wait_queue_head *wq_head, enum lock_class class)
{
	spin_lock_init(&wq_head->lock, class);
	INIT_LIST_HEAD(&wq_head->head);
}

void init_waitqueue_head(struct wait_queue_head *wq_head)
{
	init_waitqueue_head_class(wq_head, LC_WAITQ);
}

/* --- on and off the queue --------------------------------------------------------------------- */

void add_wait_queue(struct wait_queue_head *wq_head, struct wait_queue_entry *wq_entry)
{
	unsigned long flags;

	wq_entry->flags &= ~(unsigned int)WQ_FLAG_EXCLUSIVE;
	race_point(wait_adding);
	spin_lock_irqsave(&wq_head->lock, flags);
	__add_wait_queue(wq_head, wq_entry);
	spin_unlock_irqrestore(&wq_head->lock, flags);
	race_point(wait_add);
}

void add_wait_queue_exclusive(struct wait_queue_head *wq_head, struct wait_queue_entry *wq_entry)
{
	unsigned long flags;

	race_point(wait_adding);
	spin_lock_irqsave(&wq_head->lock, flags);
	__add_wait_queue_exclusive(wq_head, wq_entry);
	spin_unlock_irqrestore(&wq_head->lock, flags);
	race_point(wait_add);
}

void remove_wait_queue(struct wait_queue_head *wq_head, struct wait_queue_entry *wq_entry)
{
	unsigned long flags;

	race_point(wait_remove);
	spin_lock_irqsave(&wq_head->lock, flags);
	/* An entry that removed itself is a list of its own: nothing happens. */
	list_del_init(&wq_entry->entry);
	spin_unlock_irqrestore(&wq_head->lock, flags);
}

/* --- the waker's side ------------------------------------------------------------------------- */

/*
 * K2. The next entry is remembered before the function runs, for the function may take its own
 * entry out (and only its own). @nr_exclusive 0 counts down past zero: it never ends the walk.
 * Return: the first entry that was not told, or the head.
 */
static __always_inline struct list_head *walk(struct wait_queue_head *wq_head, unsigned int mode, int nr_exclusive,
					      int wake_flags, void *key)
{
	struct wait_queue_entry *curr, *next;

	list_for_each_entry_safe(curr, next, &wq_head->head, entry) {
		/* Afterwards the entry may be gone with its task's stack. */
		unsigned int flags = curr->flags;
		int woken = curr->func(curr, mode, wake_flags, key);

		if (woken < 0)
			break;
		if (woken && (flags & WQ_FLAG_EXCLUSIVE) && --nr_exclusive == 0)
			break;
	}
	return &curr->entry == &wq_head->head ? &wq_head->head : &next->entry;
}

/* The task of an entry that has one; else what its owner has put there, an fd for epoll. */
static u64 whose(const struct wait_queue_entry *e)
{
	if (e->func == default_wake_function || e->func == autoremove_wake_function || e->func == woken_wake_function)
		return (u64)((const struct task_struct *)e->private)->pid;
	return (u64)e->private;
}

static noinline void walk_traced(struct wait_queue_head *wq_head, unsigned int mode, int nr_exclusive,
				 int wake_flags, void *key)
{
	trace(__wake_up_common, wq_head, key_to_poll(key));
	struct list_head *rest = walk(wq_head, mode, nr_exclusive, wake_flags, key);

	for (; rest != &wq_head->head; rest = rest->next) {
		const struct wait_queue_entry *e = list_entry(rest, struct wait_queue_entry, entry);

		trace(wake_not_told, whose(e), e->func, WAKE_EXCLUSIVE);
	}
}

static void __wake_up_common(struct wait_queue_head *wq_head, unsigned int mode, int nr_exclusive,
			     int wake_flags, void *key)
{
	assert_held(&wq_head->lock);
	if (unlikely(trace_enabled[TP___wake_up_common]))
		walk_traced(wq_head, mode, nr_exclusive, wake_flags, key);
	else
		(void)walk(wq_head, mode, nr_exclusive, wake_flags, key);
}

void __wake_up(struct wait_queue_head *wq_head, unsigned int mode, int nr_exclusive, void *key)
{
	unsigned long flags;

	trace(__wake_up, wq_head, key_to_poll(key));
	race_point(wake_up);
	spin_lock_irqsave(&wq_head->lock, flags);
	__wake_up_common(wq_head, mode, nr_exclusive, 0, key);
	spin_unlock_irqrestore(&wq_head->lock, flags);
	race_point(woken);
}

void __wake_up_sync_key(struct wait_queue_head *wq_head, unsigned int mode, void *key)
{
	unsigned long flags;

	trace(__wake_up, wq_head, key_to_poll(key));
	race_point(wake_up);
	spin_lock_irqsave(&wq_head->lock, flags);
	__wake_up_common(wq_head, mode, 1, WF_SYNC, key);
	spin_unlock_irqrestore(&wq_head->lock, flags);
	race_point(woken);
}

void __wake_up_locked_key(struct wait_queue_head *wq_head, unsigned int mode, void *key)
{
	trace(__wake_up, wq_head, key_to_poll(key));
	__wake_up_common(wq_head, mode, 1, 0, key);
}

/* --- what entries do -------------------------------------------------------------------------- */

int default_wake_function(wait_queue_entry_t *wq_entry, unsigned int mode, int wake_flags,
			  __unused void *key)
{
	struct task_struct *p = wq_entry->private;

	trace(default_wake_function, p->pid);
	return try_to_wake_up(p, mode, wake_flags);
}

/*
 * Off the queue once it has woken its task, so that finish_wait() has nothing left to do and the
 * next event goes to the next exclusive waiter. From list_del_init_careful() on, the task may
 * return and reuse the stack the entry lies on.
 */
int autoremove_wake_function(wait_queue_entry_t *wq_entry, unsigned int mode, int wake_flags,
			     void *key)
{
	int woken;

	trace(autoremove_wake_function, ((struct task_struct *)wq_entry->private)->pid);
	woken = default_wake_function(wq_entry, mode, wake_flags, key);
	if (woken)
		list_del_init_careful(&wq_entry->entry); /* pairs with finish_wait() */
	return woken;
}

int woken_wake_function(wait_queue_entry_t *wq_entry, unsigned int mode, int wake_flags, void *key)
{
	trace(woken_wake_function, ((struct task_struct *)wq_entry->private)->pid);
	smp_mb(); /* the condition before the flag: pairs with B in wait_woken() */
	/* Before the state is read: pairs with A. */
	WRITE_ONCE(wq_entry->flags, wq_entry->flags | WQ_FLAG_WOKEN);
	return default_wake_function(wq_entry, mode, wake_flags, key);
}

/* --- the waiter's side ------------------------------------------------------------------------ */

/*
 * W1 and W2. The lock makes them one step for a waker, so the entry is never seen queued by a task
 * that is not about to sleep.
 */
void prepare_to_wait(struct wait_queue_head *wq_head, struct wait_queue_entry *wq_entry, int state)
{
	unsigned long flags;

	wq_entry->flags &= ~(unsigned int)WQ_FLAG_EXCLUSIVE;
	spin_lock_irqsave(&wq_head->lock, flags);
	if (list_empty(&wq_entry->entry))
		__add_wait_queue(wq_head, wq_entry);
	set_current_state(state);
	spin_unlock_irqrestore(&wq_head->lock, flags);
	race_point(prepare_to_wait);
}

void prepare_to_wait_exclusive(struct wait_queue_head *wq_head, struct wait_queue_entry *wq_entry,
			       int state)
{
	unsigned long flags;

	wq_entry->flags |= WQ_FLAG_EXCLUSIVE;
	spin_lock_irqsave(&wq_head->lock, flags);
	if (list_empty(&wq_entry->entry))
		__add_wait_queue_entry_tail(wq_head, wq_entry);
	set_current_state(state);
	spin_unlock_irqrestore(&wq_head->lock, flags);
	race_point(prepare_to_wait);
}

long prepare_to_wait_event(struct wait_queue_head *wq_head, struct wait_queue_entry *wq_entry,
			   int state)
{
	unsigned long flags;
	long ret = 0;

	spin_lock_irqsave(&wq_head->lock, flags);
	if (signal_pending_state((unsigned int)state, current)) {
		/*
		 * Exclusive waiters: see the top of this file. The caller tests the condition once
		 * more.
		 */
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
	race_point(prepare_to_wait);
	return ret;
}

void finish_wait(struct wait_queue_head *wq_head, struct wait_queue_entry *wq_entry)
{
	unsigned long flags;

	race_point(finish_wait);
	__set_current_state(TASK_RUNNING);
	/*
	 * If autoremove_wake_function() has taken the entry out, the lock can be spared.
	 * list_empty_careful() is true only
	 * when it has written both links: nobody will touch the entry after that.
	 */
	if (list_empty_careful(&wq_entry->entry))
		return;
	spin_lock_irqsave(&wq_head->lock, flags);
	list_del_init(&wq_entry->entry);
	spin_unlock_irqrestore(&wq_head->lock, flags);
}

/*
 *   wait_woken()                            woken_wake_function()
 *   state = mode                            condition = true (the waker)
 *   A full barrier                          full barrier
 *   flag set? else schedule                 flag = WOKEN
 *   flag = 0                                full barrier (pi_lock), state sleeping? wake
 *   B full barrier
 *   condition? (the caller's loop)
 *
 * A: either we see the flag, or the waker sees the state. B: if we clear a flag that was set a
 * moment before, we see the
 * condition that was set before the flag.
 */
s64 wait_woken(struct wait_queue_entry *wq_entry, unsigned int mode, s64 timeout_ns)
{
	set_current_state(mode); /* A */
	if (!(READ_ONCE(wq_entry->flags) & WQ_FLAG_WOKEN))
		timeout_ns = schedule_timeout_ns(timeout_ns);
	__set_current_state(TASK_RUNNING);
	smp_store_mb(wq_entry->flags, wq_entry->flags & ~(unsigned int)WQ_FLAG_WOKEN); /* B */
	return timeout_ns;
}

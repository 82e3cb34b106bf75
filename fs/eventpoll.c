/*
 * fs/eventpoll.c - epoll: a file that tells which of many other files are ready, without ever asking the idle ones.
 *
 * Linux:   fs/eventpoll.c (6.1; removal as in 6.6, synchronous wake-ups as in 6.9, nesting depth as in 6.17)
 * Same:    epitems in a red-black tree keyed by (file, fd); an eppoll_entry on the target's wait queue whose callback
 *          puts the item on the ready list; the overflow list while events are copied out; level-triggered items go
 *          back to the end; exclusive waiters; nested epolls with checks for loops and for too many paths.
 * Differs: 1. no RCU: a wait queue head lives until its file's release(), which comes after eventpoll_release(). So
 *             there is no POLLFREE (fs/poll.h; signalfd keeps its heads alive by a reference).
 *          2. the first eppoll_entry is part of the epitem: most files have one wait queue.
 *          3. the checks of nested epolls stand in fs/epoll_graph.c, whose watches count against whom in
 *             fs/epoll_user.c.
 *          4. EPOLLWAKEUP is accepted and means nothing, as in a Linux without suspend.
 * Locks:   EPNEST, EP_MTX, FILE_F, WAITQ (of targets; poll_wait), EP_LOCK, EP_WAITQ (wq).
 * Walk:    epoll_ctl() -> ep_insert() -> ep_item_poll() -> sock_poll() -> poll_wait() -> ep_ptable_queue_proc();
 *          sock_def_readable() -> __wake_up() -> ep_poll_callback() -> wake_up(&ep->wq);
 *          epoll_wait() -> ep_poll() -> ep_send_events() -> ep_item_poll().
 *
 * THE IDEA. Asking n files costs n. So epoll asks each file once, when it is added, and leaves a callback on its
 * wait queue. Whoever makes the file ready runs that callback, which puts the item on the ready list. epoll_wait()
 * looks at that list alone. The list is a hint, never the answer: before an event is reported the file is asked
 * (ep_item_poll()), so an item whose data somebody else took in between costs a question and is dropped.
 *
 * THREE LOCKS, since three kinds of work meet here:
 *
 *   ep->mtx      (EP_MTX, sleeps)  the interest set. Held while files are asked and while events are copied to user
 *                memory, both of which may sleep. It makes "one scan at a time" and keeps items alive during a scan.
 *   ep->lock     (EP_LOCK, irqs off)  the ready list and the overflow list. Taken by the callback, in whatever context
 *                the waker runs, so nothing under it may sleep.
 *   the target's wait queue lock (WAITQ), held by the waker around the callback; and, inside ep->lock, the lock of
 *                ep->wq (EP_WAITQ), on which the tasks in epoll_wait() sleep.
 *
 *   Order:  ep->mtx  ->  target's WAITQ  ->  ep->lock  ->  EP_WAITQ.
 *
 * ep_unregister_pollwait() takes the target's WAITQ under ep->mtx, the callback takes ep->lock under WAITQ: so
 * nobody who holds ep->lock may touch a target's queue, and no callback may touch ep->mtx. That is why there must be
 *
 * TWO LISTS. A scan takes the whole ready list away (ep_start_scan()) and works on it under mtx alone, for a long
 * time. Callbacks that come meanwhile may not touch that list, as it is not under ep->lock. They chain their items
 * on ovflist. When the scan ends (ep_done_scan()), what is on ovflist joins the ready list. ovflist ==
 * EP_UNACTIVE_PTR says "no scan".
 *
 *	scan (mtx held)				callback (WAITQ and ep->lock held)
 *	take rdllist, ovflist = NULL
 *	ask file A: not ready			A becomes ready: must not be lost
 *	drop A					  ovflist -> A
 *	ovflist -> rdllist: A is there
 *
 * NESTING. An epoll is a file that can be polled: ready when its ready list holds something that is ready. Those who
 * poll it wait on ep->poll_wait, and a callback that finds somebody there runs their callbacks in turn
 * (ep_poll_safewake()), each level holding the lock of the one below: WAITQ at depth 0, 1, 2... ep->lock is given
 * back first. The graph must have no loop (a wake-up would deadlock), at most four edges in a row, and few paths (a
 * wake-up walks all of them). That is checked under EPNEST, which whoever changes the graph of epolls must hold;
 * adding an ordinary file to an epoll that nobody watches, the usual case, does not need it.
 *
 * LIFETIMES. An item ends in one of three ways, always under mtx: EPOLL_CTL_DEL, the end of the epoll
 * (ep_clear_and_put()), the end of the watched file (eventpoll_release_file()). The last two can meet; f_lock decides:
 *
 *	last close of the watched file		last close of the epoll
 *	f_lock: epi->dying = true, get ep	f_lock: is epi->dying set? then leave the item to the other,
 *	mtx: remove it				else remove it
 *	put ep					put ep
 *
 * struct eventpoll has one reference by its file and one by each removal of the left kind under way, so the left side
 * can lock ep->mtx however late it comes. (Its get is safe: while an item that is not dying is on the file's list, the
 * right side has not been past f_lock, and still holds the first reference.) The watched file cannot go while an item
 * is in the tree: its release waits, in eventpoll_release(), for mtx. So under mtx every item's file may be polled,
 * though the item holds no reference to it (it must not: closing a file ends its membership). A callback may use epi
 * and ep without references: it holds the lock of the queue that the entry is on, and removal takes the entry off that
 * queue, under that lock, before anything is freed.
 */
#include "fs/eventpoll.h"
#include "fs/anon_inodes.h"
#include "fs/epoll_internal.h"
#include "fs/file.h"
#include "fs/procfs.h"
#include "kernel/mm.h"
#include "kernel/race.h"
#include "kernel/syscall.h"
#include "kernel/task.h"
#include "kernel/time.h"
#include "kernel/trace.h"
#include "kernel/uaccess.h"
#include "kernel/wake_reason.h"

/* How, not what, to report. */
#define EP_PRIVATE_BITS		(EPOLLWAKEUP | EPOLLONESHOT | EPOLLET | EPOLLEXCLUSIVE)
#define EPOLLINOUT_BITS		((u32)EPOLLIN | (u32)EPOLLOUT)
#define EPOLLEXCLUSIVE_OK_BITS	(EPOLLINOUT_BITS | EPOLLERR | EPOLLHUP | EPOLLWAKEUP | EPOLLET | EPOLLEXCLUSIVE)

enum { EP_MAX_EVENTS = S32_MAX / (int)sizeof(struct epoll_event) };
#define EP_UNACTIVE_PTR	((struct epitem *)-1L)
/* The end of an epoll_wait(): at once, or never. */
#define EP_POLL_ONLY	0ULL
#define EP_NO_DEADLINE	U64_MAX

/* What ep_ptable_queue_proc() finds around its poll_table. */
struct ep_pqueue {
	poll_table pt;
	struct epitem *epi;	/* NULL: out of memory */
};

static struct kmem_cache *epi_cache, *pwq_cache;

static inline bool ep_is_linked(const struct epitem *epi) { return !list_empty(&epi->rdllink); }
static inline bool ep_op_has_event(int op) { return op != EPOLL_CTL_DEL; }
/* Also without ep->lock: then it is a hint. */
static inline bool ep_events_available(struct eventpoll *ep)
{
	return !list_empty_careful(&ep->rdllist) || READ_ONCE(ep->ovflist) != EP_UNACTIVE_PTR;
}

/* --- waking ---------------------------------------------------------------------------------------------- */

/*
 * ep_poll_safewake - wake those who poll @ep. @epi: whose callback we are in, NULL: a task's own doing.
 * In a callback the lock of the queue below is held; @nests counts how many are.
 */
static void ep_poll_safewake(struct eventpoll *ep, const struct epitem *epi)
{
	unsigned long flags;
	u8 nests = 0;

	if (epi)
		nests = is_file_epoll(epi->file) ? ((struct eventpoll *)epi->file->private_data)->nests : 1;
	race_point(ep_safewake);
	spin_lock_irqsave_nested(&ep->poll_wait.lock, flags, nests);
	ep->nests = nests + 1;
	__wake_up_locked_key(&ep->poll_wait, TASK_NORMAL, poll_to_key(EPOLLIN));
	ep->nests = 0;
	spin_unlock_irqrestore(&ep->poll_wait.lock, flags);
}

/* Onto the list that is in use now, once. Locks: ep->lock held. */
static inline enum wake_reason ep_queue_item(struct eventpoll *ep, struct epitem *epi)
{
	if (unlikely(ep->ovflist != EP_UNACTIVE_PTR)) {
		if (epi->next != EP_UNACTIVE_PTR)
			return WAKE_ALREADY;
		epi->next = ep->ovflist;
		ep->ovflist = epi;
		return WAKE_OVERFLOW;
	}
	if (ep_is_linked(epi))
		return WAKE_ALREADY;
	list_add_tail(&epi->rdllink, &ep->rdllist);
	return WAKE_LISTED;
}

/* The trace also says whether a callback that lists its item finds somebody to tell. */
static noinline __cold void ep_trace_callback(struct eventpoll *ep, const struct epitem *epi, void *key,
					      enum wake_reason outcome)
{
	static_assert(WAKE_MASK < WAKE_LISTED && WAKE_DISARMED < WAKE_LISTED, "these two tell nobody");
	static_assert(WAKE_OVERFLOW_UNWAITED - WAKE_OVERFLOW == WAKE_LISTED_UNWAITED - WAKE_LISTED, "one order");
	if (outcome >= WAKE_LISTED && !waitqueue_active(&ep->wq) && !waitqueue_active(&ep->poll_wait))
		outcome += WAKE_LISTED_UNWAITED - WAKE_LISTED;
	trace(ep_poll_callback, this_cpu_read(trace_current_skb), epi->fd, key_to_poll(key), outcome);
}

/* Did the wake-up of an EPOLLEXCLUSIVE item reach somebody who wanted just this? Then no other is woken for it. */
static inline bool ep_exclusive_satisfied(u32 events, __poll_t pollflags)
{
	__poll_t inout = pollflags & EPOLLINOUT_BITS;

	return inout == 0 || (inout != EPOLLINOUT_BITS && events & inout);
}

/*
 * ep_poll_callback - the target has become ready, or something else changed: the bits are in @key.
 * Context: any, the waker's; the target's wait queue lock held, irqs off.
 * Return: 0 for an EPOLLEXCLUSIVE item that woke no one, so that the waker goes on to the next; else 1.
 */
static int ep_poll_callback(wait_queue_entry_t *wait, __unused unsigned int mode, int wake_flags, void *key)
{
	struct epitem *epi = container_of(wait, struct eppoll_entry, wait)->base;
	struct eventpoll *ep = epi->ep;
	__poll_t pollflags = key_to_poll(key);
	enum wake_reason outcome;
	bool pwake = false, ewake = false;

	race_point(ep_callback);
	spin_lock(&ep->lock);
	u32 events = READ_ONCE(epi->event.events);	/* ep_report() may disarm it, see there */

	if (unlikely(!(events & ~EP_PRIVATE_BITS)))
		outcome = WAKE_DISARMED;
	else if (pollflags && !(pollflags & events))
		outcome = WAKE_MASK;
	else
		outcome = ep_queue_item(ep, epi);
	if (unlikely(trace_enabled[TP_ep_poll_callback]))
		ep_trace_callback(ep, epi, key, outcome);
	if (outcome != WAKE_DISARMED && outcome != WAKE_MASK) {
		/* Also if it was queued already: whoever was woken for it then may have taken something else. */
		if (waitqueue_active(&ep->wq)) {
			ewake = ep_exclusive_satisfied(events, pollflags);
			/* A waker that is about to sleep says so; it is as true for those who wait behind us. */
			if (wake_flags & WF_SYNC)
				__wake_up_sync_key(&ep->wq, TASK_NORMAL, NULL);
			else
				wake_up(&ep->wq);
		}
		pwake = waitqueue_active(&ep->poll_wait);
	}
	spin_unlock(&ep->lock);
	if (pwake)
		ep_poll_safewake(ep, epi);
	return ewake || !(events & EPOLLEXCLUSIVE);
}

/* An item was found ready by the task that adds or changes it. Locks: mtx held, so there is no scan. */
static void ep_queue_ready(struct eventpoll *ep, struct epitem *epi)
{
	bool pwake = false;

	assert_held(&ep->mtx);
	race_point(ep_queue_ready);
	spin_lock_irq(&ep->lock);
	/* The callback may have been quicker; then it woke them, too. */
	if (!ep_is_linked(epi)) {
		list_add_tail(&epi->rdllink, &ep->rdllist);
		if (waitqueue_active(&ep->wq))
			wake_up(&ep->wq);
		pwake = waitqueue_active(&ep->poll_wait);
	}
	spin_unlock_irq(&ep->lock);
	if (pwake)
		ep_poll_safewake(ep, NULL);
}

/* --- scanning the ready list ----------------------------------------------------------------------------- */

/* Take the ready list; from now on callbacks use ovflist. Locks: mtx held. */
static inline void ep_start_scan(struct eventpoll *ep, struct list_head *txlist)
{
	assert_held(&ep->mtx);
	spin_lock_irq(&ep->lock);
	list_splice_init(&ep->rdllist, txlist);
	WRITE_ONCE(ep->ovflist, NULL);
	spin_unlock_irq(&ep->lock);
	race_point(ep_start_scan);
}

/* Give back what is left of it, in front; what came meanwhile follows. Locks: mtx held. */
static inline void ep_done_scan(struct eventpoll *ep, struct list_head *txlist)
{
	struct epitem *epi, *next;

	race_point(ep_done_scan);
	spin_lock_irq(&ep->lock);
	/* The chain is newest first; adding each at the head turns it round. */
	for (epi = ep->ovflist; epi; epi = next) {
		next = epi->next;
		epi->next = EP_UNACTIVE_PTR;
		/* Linked: the scan did not get to it, or it is level-triggered and back already. */
		if (!ep_is_linked(epi))
			list_add(&epi->rdllink, &ep->rdllist);
	}
	WRITE_ONCE(ep->ovflist, EP_UNACTIVE_PTR);
	list_splice(txlist, &ep->rdllist);
	/*
	 * Something is left for another task in epoll_wait(); callbacks to ovflist woke some who could not see
	 * it yet.
	 */
	if (!list_empty(&ep->rdllist) && waitqueue_active(&ep->wq))
		wake_up(&ep->wq);
	spin_unlock_irq(&ep->lock);
}

static __poll_t __ep_eventpoll_poll(struct file *file, poll_table *wait, unsigned int depth);

/*
 * ep_item_poll - what of the wanted events is true now. With pt->_qproc also registers (ep_insert()).
 * @depth: at which a nested epoll's mtx is taken. Locks: mtx held.
 */
static inline __poll_t ep_item_poll(const struct epitem *epi, poll_table *pt, unsigned int depth)
{
	struct file *file = epi->file;
	__poll_t res;

	trace(ep_item_poll, epi->fd, epi->event.events);
	pt->_key = epi->event.events;
	/* vfs_poll() would ask whether there is a poll(): EPOLL_CTL_ADD has. */
	if (likely(!is_file_epoll(file)))
		res = file->f_op->poll(file, pt);
	else
		res = __ep_eventpoll_poll(file, pt, depth);
	return res & epi->event.events;
}

/* Is anything on the list really ready? What is not leaves it. Locks: mtx held. */
static bool ep_read_events_proc(struct list_head *txlist, unsigned int depth)
{
	struct epitem *epi, *tmp;
	poll_table pt;

	init_poll_funcptr(&pt, NULL);
	list_for_each_entry_safe(epi, tmp, txlist, rdllink) {
		if (ep_item_poll(epi, &pt, depth))
			return true;
		list_del_init(&epi->rdllink);
	}
	return false;
}

static __poll_t __ep_eventpoll_poll(struct file *file, poll_table *wait, unsigned int depth)
{
	struct eventpoll *ep = file->private_data;
	LIST_HEAD(txlist);

	poll_wait(file, &ep->poll_wait, wait);
	/* Without mtx, but not when registering: then the question must be ordered after poll_wait(), by ep->lock. */
	if (poll_does_not_wait(wait) && !ep_events_available(ep))
		return 0;
	mutex_lock_nested(&ep->mtx, depth);
	ep_start_scan(ep, &txlist);
	bool ready = ep_read_events_proc(&txlist, depth + 1);

	ep_done_scan(ep, &txlist);
	mutex_unlock(&ep->mtx);
	return ready ? EPOLLIN | EPOLLRDNORM : 0;
}

static __poll_t ep_eventpoll_poll(struct file *file, poll_table *wait)
{
	return __ep_eventpoll_poll(file, wait, 0);
}

/*
 * Report the first item of @txlist, the list that is being scanned. Return: 1 reported, 0 not ready, -EFAULT (it
 * stays on the list).
 * Locks: mtx held; a scan is under way, so that ep->rdllist is ours though ep->lock is not held.
 */
static inline int ep_report(struct eventpoll *ep, struct epitem *epi, poll_table *pt, uptr to, struct list_head *txlist)
{
	/* A callback from now on goes to the overflow list, and so back onto the ready list, whatever the answer is. */
	list_del_init(&epi->rdllink);
	__poll_t revents = ep_item_poll(epi, pt, 1);

	race_point(ep_asked);
	if (!revents)
		return 0;
	if (put_user(revents, to) || put_user(epi->event.data, uptr_add(to, sizeof(revents)))) {
		list_add(&epi->rdllink, txlist);
		return -EFAULT;
	}
	if (epi->event.events & EPOLLONESHOT)
		/*
		 * Without ep->lock: a callback that reads the old word queues it in vain, and the next scan
		 * drops it.
		 */
		WRITE_ONCE(epi->event.events, epi->event.events & EP_PRIVATE_BITS);
	else if (!(epi->event.events & EPOLLET))
		/* Level-triggered: asked again next time, after all others that are ready. */
		list_add_tail(&epi->rdllink, &ep->rdllist);
	return 1;
}

/* Copy up to @maxevents events out. Return: how many; -EFAULT or -EINTR (dying) if none. */
static int ep_send_events(struct eventpoll *ep, uptr events, int maxevents)
{
	struct epitem *epi, *tmp;
	LIST_HEAD(txlist);
	poll_table pt;
	int res = 0;

	trace(ep_send_events);
	if (unlikely(fatal_signal_pending(current)))
		return -EINTR;
	init_poll_funcptr(&pt, NULL);
	mutex_lock(&ep->mtx);
	ep_start_scan(ep, &txlist);
	list_for_each_entry_safe(epi, tmp, &txlist, rdllink) {
		if (res >= maxevents)
			break;
		int one = ep_report(ep, epi, &pt, events, &txlist);

		if (unlikely(one < 0)) {
			if (res == 0)
				res = one;
			break;
		}
		res += one;
		events = uptr_add(events, (u64)one * sizeof(struct epoll_event));
	}
	ep_done_scan(ep, &txlist);
	mutex_unlock(&ep->mtx);
	return res;
}

/*
 * Sleep until there may be events. Return: is it worth a look? *@timed_out: the time is over, look once at most.
 *
 *	here, under ep->lock			callback, under ep->lock
 *	state = INTERRUPTIBLE			queue the item
 *	no events: onto wq			somebody on wq: wake
 *
 * Whichever is first, the other sees it. The entry is exclusive: one event wakes one task.
 */
static noinline bool ep_wait(struct eventpoll *ep, u64 deadline_ns, bool *timed_out)
{
	DEFINE_WAIT(wait);
	bool eavail;

	spin_lock_irq(&ep->lock);
	__set_current_state(TASK_INTERRUPTIBLE);
	eavail = ep_events_available(ep);
	if (!eavail)
		__add_wait_queue_exclusive(&ep->wq, &wait);
	spin_unlock_irq(&ep->lock);
	race_point(ep_wait);
	if (!eavail)
		*timed_out = schedule_hrtimeout(deadline_ns == EP_NO_DEADLINE ? NULL : &deadline_ns) == 0;
	__set_current_state(TASK_RUNNING);
	if (eavail || list_empty_careful(&wait.entry))
		return true;
	race_point(ep_woken);
	spin_lock_irq(&ep->lock);
	/*
	 * Off the queue by now: a wake-up chose us as the time ran out, and nobody else will come for its event.
	 * Still on it: woken by a signal, or by the time, and then there is nothing for us.
	 */
	eavail = !*timed_out || list_empty(&wait.entry);
	list_del_init(&wait.entry);
	spin_unlock_irq(&ep->lock);
	return eavail;
}

/* epoll_wait() proper. Return: number of events, 0 at @deadline_ns, -EINTR, -EFAULT. */
static int ep_poll(struct eventpoll *ep, uptr events, int maxevents, u64 deadline_ns)
{
	bool timed_out = deadline_ns == EP_POLL_ONLY;
	bool eavail = ep_events_available(ep);

	trace(ep_poll);
	for (;;) {
		if (eavail) {
			int res = ep_send_events(ep, events, maxevents);

			if (res)
				return res;
		}
		if (timed_out)
			return 0;
		if (signal_pending(current))
			return -EINTR;
		eavail = ep_wait(ep, deadline_ns, &timed_out);
	}
}

/* --- the interest set ------------------------------------------------------------------------------------ */

static inline int ep_cmp(const struct epitem *a, const struct file *file, int fd)
{
	if (a->file != file)
		return a->file < file ? -1 : 1;
	return a->fd - fd;
}

static struct epitem *ep_find(struct eventpoll *ep, const struct file *file, int fd)
{
	struct rb_node *n = ep->rbr.rb_node;

	while (n) {
		struct epitem *epi = rb_entry(n, struct epitem, rbn);
		int c = ep_cmp(epi, file, fd);

		if (c == 0)
			return epi;
		n = c < 0 ? n->rb_right : n->rb_left;
	}
	return NULL;
}

static void ep_rbtree_insert(struct eventpoll *ep, struct epitem *epi)
{
	struct rb_node **link = &ep->rbr.rb_node, *parent = NULL;

	while (*link) {
		parent = *link;
		if (ep_cmp(rb_entry(parent, struct epitem, rbn), epi->file, epi->fd) < 0)
			link = &parent->rb_right;
		else
			link = &parent->rb_left;
	}
	rb_link_node(&epi->rbn, parent, link);
	rb_insert_color(&epi->rbn, &ep->rbr);
}

/* poll_wait() of a file that is being added: leave the callback on @whead. Locks: mtx held. */
static void ep_ptable_queue_proc(__unused struct file *file, struct wait_queue_head *whead, poll_table *pt)
{
	struct ep_pqueue *epq = container_of(pt, struct ep_pqueue, pt);
	struct epitem *epi = epq->epi;
	struct eppoll_entry *pwq;

	if (unlikely(!epi))
		return;
	pwq = likely(!epi->pwqlist) ? &epi->pwq : kmem_cache_alloc(pwq_cache, GFP_KERNEL);
	if (unlikely(!pwq)) {
		epq->epi = NULL;
		return;
	}
	pwq->wait.flags = 0;
	pwq->wait.func = ep_poll_callback;
	pwq->wait.private = (void *)(long)epi->fd;	/* for the trace: whom an exclusive waiter passed over */
	pwq->whead = whead;
	pwq->base = epi;
	pwq->next = epi->pwqlist;
	epi->pwqlist = pwq;
	trace(ep_ptable_queue_proc, epi->fd, !!(epi->event.events & EPOLLEXCLUSIVE));
	if (unlikely(epi->event.events & EPOLLEXCLUSIVE))
		add_wait_queue_exclusive(whead, &pwq->wait);
	else
		add_wait_queue(whead, &pwq->wait);
	race_point(ep_registered);
}

/* No callback of @epi is running or will run when this returns. Locks: mtx held. */
static inline void ep_unregister_pollwait(struct epitem *epi)
{
	struct eppoll_entry *pwq;

	while ((pwq = epi->pwqlist) != NULL) {
		epi->pwqlist = pwq->next;
		remove_wait_queue(pwq->whead, &pwq->wait);
		if (unlikely(pwq != &epi->pwq))
			kmem_cache_free(pwq_cache, pwq);
	}
}

static void ep_put(struct eventpoll *ep)
{
	if (!refcount_dec_and_test(&ep->refs))
		return;
	epoll_user_put(ep->user);
	kfree(ep);
}

/* Take @epi out and free it. @by_file: its file is released, others leave a dying item to that. Locks: mtx held. */
static void ep_remove(struct eventpoll *ep, struct epitem *epi, bool by_file)
{
	assert_held(&ep->mtx);
	ep_unregister_pollwait(epi);
	race_point(ep_unregistered);
	spin_lock(&epi->file->f_lock);
	if (unlikely(epi->dying && !by_file)) {
		spin_unlock(&epi->file->f_lock);
		return;
	}
	hlist_del_init(&epi->fllink);
	spin_unlock(&epi->file->f_lock);
	rb_erase(&epi->rbn, &ep->rbr);
	/* No callback is left that could link it and no scan runs. If it is linked, callbacks change its neighbors. */
	if (ep_is_linked(epi)) {
		spin_lock_irq(&ep->lock);
		list_del(&epi->rdllink);
		spin_unlock_irq(&ep->lock);
	}
	atomic_long_dec(&ep->user->watches);
	kmem_cache_free(epi_cache, epi);
}

static struct epitem *ep_alloc_item(struct eventpoll *ep, const struct epoll_event *event, struct file *file, int fd)
{
	struct epitem *epi = kmem_cache_alloc(epi_cache, GFP_KERNEL);

	if (unlikely(!epi))
		return NULL;
	epi->ep = ep;
	epi->file = file;
	epi->fd = fd;
	INIT_LIST_HEAD(&epi->rdllink);
	epi->next = EP_UNACTIVE_PTR;
	epi->event = *event;
	epi->pwqlist = NULL;
	epi->dying = false;
	return epi;
}

/*
 * EPOLL_CTL_ADD. @full_check: the graph is involved, EPNEST is held. Return: 0, -ENOSPC, -ENOMEM, -EINVAL (too many
 * paths). Locks: mtx held.
 *
 * The paths are counted when the item is in place. Meanwhile another task may add a file to the epoll that @file is:
 *
 *	here (EPNEST)				there, adding sock to @file's epoll
 *	file->f_ep = { epi }			lock its mtx; is f_ep empty?
 *	lock its mtx, count what it holds	  yes: add sock, unlock: then we count sock
 *						  no: it takes EPNEST first, after us
 */
static int ep_insert(struct eventpoll *ep, const struct epoll_event *event, struct file *file, int fd, bool full_check)
{
	struct ep_pqueue epq;
	int err = -ENOMEM;

	trace(ep_insert, fd, event->events);
	if (unlikely(atomic_long_add_return(1, &ep->user->watches) > READ_ONCE(epoll_max_user_watches))) {
		atomic_long_dec(&ep->user->watches);
		return -ENOSPC;
	}
	struct epitem *epi = ep_alloc_item(ep, event, file, fd);

	if (unlikely(!epi)) {
		atomic_long_dec(&ep->user->watches);
		return -ENOMEM;
	}
	spin_lock(&file->f_lock);
	hlist_add_head(&epi->fllink, &file->f_ep);
	spin_unlock(&file->f_lock);
	ep_rbtree_insert(ep, epi);
	if (unlikely(full_check && ep_new_paths_exceeded(epi))) {
		err = -EINVAL;
		goto out_remove;
	}
	epq.epi = epi;
	init_poll_funcptr(&epq.pt, ep_ptable_queue_proc);
	/* Registers first, tells the state second: what happens from here on comes through the callback. */
	__poll_t revents = ep_item_poll(epi, &epq.pt, 1);

	if (unlikely(!epq.epi))
		goto out_remove;
	if (revents)
		ep_queue_ready(ep, epi);
	return 0;

out_remove:
	/* @file is ours for the length of the call, so the item cannot be dying. */
	ep_remove(ep, epi, false);
	return err;
}

/*
 * EPOLL_CTL_MOD. Locks: mtx held.
 *
 *	here					callback
 *	lock: new events, unlock		state changes, then lock: reads events
 *	ask the file
 *
 * A callback before our lock judged by the old events; but then the state had changed, and our question sees it.
 */
static void ep_modify(struct eventpoll *ep, struct epitem *epi, const struct epoll_event *event)
{
	poll_table pt;

	init_poll_funcptr(&pt, NULL);
	spin_lock_irq(&ep->lock);
	epi->event = *event;
	spin_unlock_irq(&ep->lock);
	race_point(ep_modified);
	if (ep_item_poll(epi, &pt, 1))
		ep_queue_ready(ep, epi);
}

/* --- the life of the file --------------------------------------------------------------------------------- */

void eventpoll_release_file(struct file *file)
{
	for (;;) {
		spin_lock(&file->f_lock);
		struct epitem *epi = hlist_entry_safe(file->f_ep.first, struct epitem, fllink);

		if (epi) {
			/* From now on it is ours to remove. */
			epi->dying = true;
			refcount_inc(&epi->ep->refs);
		}
		spin_unlock(&file->f_lock);
		if (!epi)
			return;
		struct eventpoll *ep = epi->ep;

		race_point(ep_release_file);
		mutex_lock(&ep->mtx);
		ep_remove(ep, epi, true);
		mutex_unlock(&ep->mtx);
		ep_put(ep);
	}
}

/* The epoll's own file is going: no item but dying ones stays, and those cause no callback. */
static void ep_clear_and_put(struct eventpoll *ep)
{
	struct rb_node *n, *next;

	mutex_lock(&ep->mtx);
	for (n = rb_first(&ep->rbr); n; n = next) {
		next = rb_next(n);
		ep_remove(ep, rb_entry(n, struct epitem, rbn), false);
		cond_resched();
	}
	mutex_unlock(&ep->mtx);
	ep_put(ep);
}

static int ep_eventpoll_release(__unused struct inode *inode, struct file *file)
{
	ep_clear_and_put(file->private_data);
	return 0;
}

static void ep_show_fdinfo(struct seq_file *m, struct file *f)
{
	struct eventpoll *ep = f->private_data;

	mutex_lock(&ep->mtx);
	for (struct rb_node *n = rb_first(&ep->rbr); n; n = rb_next(n)) {
		const struct epitem *epi = rb_entry(n, struct epitem, rbn);
		const struct inode *inode = epi->file->f_inode;

		seq_printf(m, "tfd: %8d events: %8x data: %16llx  pos:%lli ino:%llx sdev:%x\n",
			   epi->fd, epi->event.events, (unsigned long long)epi->event.data, (long long)epi->file->f_pos,
			   (unsigned long long)inode->i_ino, inode->i_sb->s_dev);
	}
	mutex_unlock(&ep->mtx);
}

const struct file_operations eventpoll_fops = {
	.llseek = noop_llseek,
	.poll = ep_eventpoll_poll,
	.release = ep_eventpoll_release,
	.show_fdinfo = ep_show_fdinfo,
};

static struct eventpoll *ep_alloc(void)
{
	struct eventpoll *ep = kzalloc(sizeof(*ep), GFP_KERNEL);

	if (!ep)
		return NULL;
	ep->user = epoll_user_get();
	if (!ep->user) {
		kfree(ep);
		return NULL;
	}
	mutex_init(&ep->mtx, LC_EP_MTX);
	spin_lock_init(&ep->lock, LC_EP_LOCK);
	init_waitqueue_head_class(&ep->wq, LC_EP_WAITQ);
	init_waitqueue_head(&ep->poll_wait);
	INIT_LIST_HEAD(&ep->rdllist);
	ep->rbr = RB_ROOT;
	ep->ovflist = EP_UNACTIVE_PTR;
	refcount_set(&ep->refs, 1);
	return ep;
}

/* --- system calls ---------------------------------------------------------------------------------------- */

static int do_epoll_create(unsigned int flags)
{
	if (flags & ~(unsigned int)O_CLOEXEC)
		return -EINVAL;
	struct eventpoll *ep = ep_alloc();

	if (!ep)
		return -ENOMEM;
	int fd = get_unused_fd_flags(O_RDWR | flags);

	if (fd < 0)
		goto out_put;
	ep->file = anon_inode_getfile("[eventpoll]", &eventpoll_fops, ep, O_RDWR);
	if (IS_ERR(ep->file)) {
		put_unused_fd((unsigned int)fd);
		fd = (int)PTR_ERR(ep->file);
		goto out_put;
	}
	fd_install((unsigned int)fd, ep->file);
	return fd;

out_put:
	ep_put(ep);
	return fd;
}

/*
 * Lock @ep for @op; when an ADD concerns the graph of epolls, take EPNEST first and check for loops.
 * Return: 0 with mtx held, and EPNEST if *@full_check; -ELOOP with neither.
 */
static int ep_lock_for_ctl(struct file *epfile, struct file *tfile, int op, bool *full_check)
{
	struct eventpoll *ep = epfile->private_data;

	*full_check = false;
	mutex_lock(&ep->mtx);
	if (op != EPOLL_CTL_ADD || likely(hlist_empty(&epfile->f_ep) && !is_file_epoll(tfile)))
		return 0;
	mutex_unlock(&ep->mtx);
	mutex_lock(&epnested_mutex);
	if (is_file_epoll(tfile)) {
		int err = ep_loop_check(ep, tfile->private_data);

		if (err) {
			mutex_unlock(&epnested_mutex);
			return err;
		}
	}
	*full_check = true;
	mutex_lock(&ep->mtx);
	return 0;
}

/* What can be said of @event and the two files before anything is locked. */
static int ep_ctl_check(const struct file *epfile, const struct file *tfile, int op, const struct epoll_event *event)
{
	if (!tfile->f_op->poll)
		return -EPERM;
	if (epfile == tfile || !is_file_epoll(epfile))
		return -EINVAL;
	if (!ep_op_has_event(op) || likely(!(event->events & EPOLLEXCLUSIVE)))
		return 0;
	/*
	 * Exclusive is how an item stands on the wait queue, so it cannot be changed; and a nested epoll does
	 * not pass it on.
	 */
	if (op == EPOLL_CTL_MOD)
		return -EINVAL;
	if (op == EPOLL_CTL_ADD && (is_file_epoll(tfile) || event->events & ~EPOLLEXCLUSIVE_OK_BITS))
		return -EINVAL;
	return 0;
}

static int do_epoll_ctl(struct file *epfile, struct file *tfile, int fd, int op, struct epoll_event *event)
{
	struct eventpoll *ep = epfile->private_data;
	bool full_check;
	int err = ep_ctl_check(epfile, tfile, op, event);

	if (!err)
		err = ep_lock_for_ctl(epfile, tfile, op, &full_check);
	if (err)
		return err;
	struct epitem *epi = ep_find(ep, tfile, fd);

	switch (op) {
	case EPOLL_CTL_ADD:
		event->events |= EPOLLERR | EPOLLHUP;	/* always reported */
		err = epi ? -EEXIST : ep_insert(ep, event, tfile, fd, full_check);
		break;
	case EPOLL_CTL_DEL:
		err = epi ? 0 : -ENOENT;
		if (epi)
			ep_remove(ep, epi, false);
		break;
	case EPOLL_CTL_MOD:
		event->events |= EPOLLERR | EPOLLHUP;
		err = !epi ? -ENOENT : epi->event.events & EPOLLEXCLUSIVE ? -EINVAL : 0;
		if (!err)
			ep_modify(ep, epi, event);
		break;
	default:
		err = -EINVAL;
	}
	mutex_unlock(&ep->mtx);
	if (full_check)
		mutex_unlock(&epnested_mutex);
	return err;
}

SYSCALL_DEFINE4(epoll_ctl, int, epfd, int, op, int, fd, uptr, uevent)
{
	int err = -EBADF;
	u32 events = 0;
	u64 data = 0;

	if (ep_op_has_event(op) && (get_user(events, uevent) || get_user(data, uptr_add(uevent, sizeof(events)))))
		return -EFAULT;
	struct epoll_event event = { events & ~EPOLLWAKEUP, data };
	struct fd f = fdget((unsigned int)epfd);

	if (!f.file)
		return -EBADF;
	struct fd tf = fdget((unsigned int)fd);

	if (tf.file) {
		err = do_epoll_ctl(f.file, tf.file, fd, op, &event);
		fdput(tf);
	}
	fdput(f);
	return err;
}

/* @deadline_ns: EP_POLL_ONLY, EP_NO_DEADLINE or a time of CLOCK_MONOTONIC. */
static int do_epoll_wait(int epfd, uptr events, int maxevents, u64 deadline_ns)
{
	if (maxevents <= 0 || maxevents > EP_MAX_EVENTS)
		return -EINVAL;
	if (!access_ok(events, (size_t)maxevents * sizeof(struct epoll_event)))
		return -EFAULT;
	struct fd f = fdget((unsigned int)epfd);

	if (!f.file)
		return -EBADF;
	int err = is_file_epoll(f.file) ? ep_poll(f.file->private_data, events, maxevents, deadline_ns) : -EINVAL;

	fdput(f);
	trace(epoll_wait_return, err, current->trace_wake_skb);
	return err;
}

static int do_epoll_pwait(int epfd, uptr events, int maxevents, u64 deadline_ns, uptr umask, size_t sigsetsize)
{
	int err = set_user_sigmask(umask, sigsetsize);

	if (err)
		return err;
	err = do_epoll_wait(epfd, events, maxevents, deadline_ns);
	restore_saved_sigmask_unless(err == -EINTR);
	return err;
}

/* Milliseconds of epoll_wait(): negative waits for ever. */
static u64 ep_deadline(int timeout_ms)
{
	if (timeout_ms < 0)
		return EP_NO_DEADLINE;
	return timeout_ms == 0 ? EP_POLL_ONLY : ktime_get_ns() + (u64)timeout_ms * NSEC_PER_MSEC;
}

SYSCALL_DEFINE1(epoll_create1, int, flags)
{
	return do_epoll_create((unsigned int)flags);
}

SYSCALL_DEFINE1(epoll_create, int, size)
{
	return size <= 0 ? -EINVAL : do_epoll_create(0);
}

SYSCALL_DEFINE4(epoll_wait, int, epfd, uptr, events, int, maxevents, int, timeout_ms)
{
	return do_epoll_wait(epfd, events, maxevents, ep_deadline(timeout_ms));
}

SYSCALL_DEFINE6(epoll_pwait, int, epfd, uptr, events, int, maxevents, int, timeout_ms, uptr, umask, size_t, sigsetsize)
{
	return do_epoll_pwait(epfd, events, maxevents, ep_deadline(timeout_ms), umask, sigsetsize);
}

SYSCALL_DEFINE6(epoll_pwait2, int, epfd, uptr, events, int, maxevents, uptr, timeout, uptr, umask, size_t, sigsetsize)
{
	u64 deadline_ns = EP_NO_DEADLINE;
	struct timespec64 ts;

	if (!uptr_is_null(timeout)) {
		if (copy_from_user(&ts, timeout, sizeof(ts)))
			return -EFAULT;
		if (!timespec64_valid(&ts))
			return -EINVAL;
		u64 ns = timespec64_to_ns(&ts);

		deadline_ns = ns ? ktime_get_ns() + ns : EP_POLL_ONLY;
	}
	return do_epoll_pwait(epfd, events, maxevents, deadline_ns, umask, sigsetsize);
}

void eventpoll_init(void)
{
	epi_cache = kmem_cache_create("eventpoll_epi", sizeof(struct epitem), 0);
	pwq_cache = kmem_cache_create("eventpoll_pwq", sizeof(struct eppoll_entry), 0);
	epoll_users_init();
}

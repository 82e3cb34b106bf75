/*
 * net/unix/garbage.c - sockets that only their own messages keep alive.
 *
 * Linux:   net/unix/garbage.c (6.1)
 * Same:    a socket is a candidate when every reference to its file is in flight; one that can be
 *          reached from outside the candidates lives, and so does what lies in its queue; the rest
 *          is garbage, whose queues are emptied.
 * Differs: 1. the collection runs in the worker whenever a socket is released while others are in
 *             flight. 2. reachability is found by repeating a pass until nothing changes: the sets
 *             are small.
 * Locks:   UNIX_GC; SKQUEUE of the candidates inside.
 * Walk:    unix_release_sock() -> unix_gc_schedule() -> unix_gc().
 *
 * A file passed over a socket is held by the message. If the message lies in the queue of a socket
 * whose own file is held by nothing but messages in such queues, nobody can ever read either:
 *
 *	a sends itself to b, b sends itself to a, both are closed
 *	file a <- message in b's queue,  file b <- message in a's queue
 */
#include "kernel/workqueue.h"
#include "net/unix/unix.h"

static DEFINE_SPINLOCK(unix_gc_lock, LC_UNIX_GC);
/* unix_gc_lock */
static LIST_HEAD(gc_inflight);		/* sockets whose files are in flight: u->gc_link */
static int nr_inflight;			/* read without it to see whether there is anything to do */

static void unix_gc(struct work_struct *work);
static struct work_struct unix_gc_work;

/* The AF_UNIX socket behind @file, or NULL. */
static struct unix_sock *unix_get_socket(struct file *file)
{
	struct socket *sock = sock_from_file(file);

	return sock && sock->sk && sock->ops->family == AF_UNIX ? unix_sk(sock->sk) : NULL;
}

void unix_inflight(struct scm_fp_list *fpl)
{
	spin_lock(&unix_gc_lock);
	for (int i = 0; i < fpl->count; i++) {
		struct unix_sock *u = unix_get_socket(fpl->fp[i]);

		if (!u)
			continue;
		if (u->inflight++ == 0)
			list_add_tail(&u->gc_link, &gc_inflight);
		nr_inflight++;
	}
	spin_unlock(&unix_gc_lock);
}

void unix_notinflight(struct scm_fp_list *fpl)
{
	spin_lock(&unix_gc_lock);
	for (int i = 0; i < fpl->count; i++) {
		struct unix_sock *u = unix_get_socket(fpl->fp[i]);

		if (!u)
			continue;
		if (--u->inflight == 0)
			list_del_init(&u->gc_link);
		nr_inflight--;
	}
	spin_unlock(&unix_gc_lock);
}

void unix_gc_barrier(void)
{
	/*
	 * A collection under way has counted the files; the caller's new references come after it.
	 */
	spin_lock(&unix_gc_lock);
	spin_unlock(&unix_gc_lock);
}

/* --- the collection: unix_gc_lock held throughout ------------------------------------------ */

/* Call @fn for every candidate among the files in @q's messages. */
static void scan_queue(struct sk_buff_head *q, unsigned int depth,
		       void (*fn)(struct unix_sock *child))
{
	struct sk_buff *skb;
	unsigned long flags;

	spin_lock_irqsave_nested(&q->lock, flags, depth);
	skb_queue_walk(q, skb) {
		struct scm_fp_list *fpl = UNIXCB(skb)->fp;

		for (int i = 0; fpl && i < fpl->count; i++) {
			struct unix_sock *child = unix_get_socket(fpl->fp[i]);

			if (child && child->gc_state == GC_CANDIDATE)
				fn(child);
		}
	}
	spin_unlock_irqrestore(&q->lock, flags);
}

/*
 * Call @fn for every queue of messages behind @u: its own or, if it listens, those of the sockets
 * that wait in it.
 */
static void for_each_queue(struct unix_sock *u,
			   void (*fn)(struct sk_buff_head *q, unsigned int depth, void *arg),
			   void *arg)
{
	struct sk_buff_head *q = &u->sk.sk_receive_queue;
	struct sk_buff *skb;
	unsigned long flags;

	if (u->sk.sk_state != TCP_LISTEN) {
		fn(q, 0, arg);
		return;
	}
	spin_lock_irqsave(&q->lock, flags);
	skb_queue_walk(q, skb)
		if (skb->sk)
			fn(&skb->sk->sk_receive_queue, 1, arg);
	spin_unlock_irqrestore(&q->lock, flags);
}

static void count_inner(struct unix_sock *child) { child->gc_outer--; }
static void mark_reached(struct unix_sock *child) { child->gc_state = GC_REACHED; }
static void count_inner_in(struct sk_buff_head *q, unsigned int depth, __unused void *arg)
{
	scan_queue(q, depth, count_inner);
}
static void mark_reached_in(struct sk_buff_head *q, unsigned int depth, __unused void *arg)
{
	scan_queue(q, depth, mark_reached);
}

/* Which sockets in flight have no reference but those in flight? */
static void find_candidates(void)
{
	struct unix_sock *u;

	list_for_each_entry(u, &gc_inflight, gc_link) {
		struct socket *sock = READ_ONCE(u->sk.sk_socket);
		bool held = !sock || !sock->file ||
			    atomic_long_read(&sock->file->f_count) != u->inflight;

		u->gc_outer = u->inflight;
		u->gc_state = held ? GC_ALIVE : GC_CANDIDATE;
	}
}

/*
 * A candidate whose messages do not all lie with candidates can be received; so can what lies with
 * it.
 */
static void spare_the_living(void)
{
	struct unix_sock *u;
	bool again;

	list_for_each_entry(u, &gc_inflight, gc_link)
		if (u->gc_state == GC_CANDIDATE)
			for_each_queue(u, count_inner_in, NULL);
	list_for_each_entry(u, &gc_inflight, gc_link)
		if (u->gc_state == GC_CANDIDATE && u->gc_outer > 0)
			u->gc_state = GC_REACHED;
	do {
		again = false;
		list_for_each_entry(u, &gc_inflight, gc_link) {
			if (u->gc_state != GC_REACHED)
				continue;
			u->gc_state = GC_ALIVE;
			for_each_queue(u, mark_reached_in, NULL);
			again = true;
		}
	} while (again);
}

/* The messages of @q move to the list @hit: they hold garbage, and are held by it. */
static void take_messages(struct sk_buff_head *q, unsigned int depth, void *hit)
{
	struct sk_buff *skb;
	unsigned long flags;

	spin_lock_irqsave_nested(&q->lock, flags, depth);
	while ((skb = __skb_dequeue(q)) != NULL)
		__skb_queue_tail(hit, skb);
	spin_unlock_irqrestore(&q->lock, flags);
}

static void unix_gc(__unused struct work_struct *work)
{
	struct sk_buff_head hit;
	struct unix_sock *u;
	struct sk_buff *skb;

	__skb_queue_head_init(&hit);
	spin_lock(&unix_gc_lock);
	find_candidates();
	spare_the_living();
	list_for_each_entry(u, &gc_inflight, gc_link)
		if (u->gc_state == GC_CANDIDATE)
			for_each_queue(u, take_messages, &hit);
	spin_unlock(&unix_gc_lock);
	/* The last references go with the messages. */
	while ((skb = __skb_dequeue(&hit)) != NULL)
		kfree_skb(skb, SKB_DROP_REASON_SOCKET_CLOSED);
}

void unix_gc_schedule(void)
{
	if (unlikely(READ_ONCE(nr_inflight)))
		schedule_work(&unix_gc_work);
}

void unix_gc_init(void) { INIT_WORK(&unix_gc_work, unix_gc); }

/*
 * net/core/sock.c - what all socks share: the owner lock, memory accounting, and telling who waits.
 *
 * Linux:   net/core/sock.c (6.1)
 * Same:    lock_sock() with its backlog; a packet in flight keeps its sock alive through
 *          sk_wmem_alloc; the default callbacks wake with the same event bits.
 * Differs: 1. the wait queue is part of the sock (Linux: of the socket, reached under RCU), so
 *             whoever has a sock can wake without a lock.
 *          2. the backlog is run with softirqs off, so that a protocol's input path always finds
 *             the context it knows from softirqs.
 *          3. no sk_forward_alloc quanta: what a queue holds is counted in bytes, per sock.
 * Locks:   SOCK_OWNER, SLOCK, WAITQ.
 * Walk:    tcp_data_ready() -> sock_def_readable() -> __wake_up_sync_key(); tcp_recvmsg() ->
 *          sk_wait_data().
 */
#include "net/sock.h"
#include "fs/poll.h"
#include "kernel/err.h"
#include "kernel/string.h"
#include "kernel/trace.h"

int sysctl_somaxconn = 4096;
int sysctl_wmem_max = 212992, sysctl_rmem_max = 212992;
int sysctl_wmem_default = 212992, sysctl_rmem_default = 212992;

static struct proto *protos[16];
static int nr_protos;

/* --- the owner ----------------------------------------------------------------------------- */

static void sock_lock_init(struct sock *sk)
{
	spin_lock_init(&sk->sk_lock.slock, LC_SLOCK);
	sk->sk_lock.owned = false;
	init_waitqueue_head(&sk->sk_lock.wq);
}

/* Wait until nobody owns it. slock held, given up while asleep. */
static noinline void lock_sock_wait(struct sock *sk)
{
	DEFINE_WAIT(wait);

	for (;;) {
		prepare_to_wait_exclusive(&sk->sk_lock.wq, &wait, TASK_UNINTERRUPTIBLE);
		spin_unlock_bh(&sk->sk_lock.slock);
		schedule();
		spin_lock_bh(&sk->sk_lock.slock);
		if (!sk->sk_lock.owned)
			break;
	}
	finish_wait(&sk->sk_lock.wq, &wait);
}

void lock_sock_nested(struct sock *sk, unsigned int depth)
{
	might_sleep();
	lockdep_acquire(&sk->sk_lock.owned, LC_SOCK_OWNER, depth, true);
	spin_lock_bh(&sk->sk_lock.slock);
	if (unlikely(sk->sk_lock.owned))
		lock_sock_wait(sk);
	sk->sk_lock.owned = true;
	spin_unlock_bh(&sk->sk_lock.slock);
}

/* Packets that came while the sock was owned. slock held, given up while they are handled. */
static noinline void release_sock_backlog(struct sock *sk)
{
	struct sk_buff *skb, *next;

	while ((skb = sk->sk_backlog.head) != NULL) {
		sk->sk_backlog.head = NULL;
		sk->sk_backlog.tail = NULL;
		__spin_unlock_no_resched(&sk->sk_lock.slock);
		for (; skb; skb = next) {
			next = skb->next;
			skb->next = NULL;
			this_cpu_write(trace_current_skb, skb->id);
			sk->sk_prot->backlog_rcv(sk, skb);
			this_cpu_write(trace_current_skb, 0);
		}
		spin_lock(&sk->sk_lock.slock);
	}
	sk->sk_backlog.len = 0;
}

void release_sock(struct sock *sk)
{
	spin_lock_bh(&sk->sk_lock.slock);
	if (sk->sk_backlog.tail)
		release_sock_backlog(sk);
	if (sk->sk_prot->release_cb)
		sk->sk_prot->release_cb(sk);
	sk->sk_lock.owned = false;
	if (unlikely(waitqueue_active(&sk->sk_lock.wq)))
		wake_up(&sk->sk_lock.wq);
	lockdep_release(&sk->sk_lock.owned);
	spin_unlock_bh(&sk->sk_lock.slock);
}

bool sk_add_backlog(struct sock *sk, struct sk_buff *skb, u32 limit)
{
	assert_held(&sk->sk_lock.slock);
	if ((u32)sk->sk_backlog.len + (u32)sk_rmem_alloc_get(sk) > limit) {
		atomic_inc(&sk->sk_drops);
		return false;
	}
	skb->next = NULL;
	if (sk->sk_backlog.tail)
		sk->sk_backlog.tail->next = skb;
	else
		sk->sk_backlog.head = skb;
	sk->sk_backlog.tail = skb;
	sk->sk_backlog.len += (int)skb->truesize;
	return true;
}

/* --- life and death ------------------------------------------------------------------------ */

struct sock *sk_alloc(int family, gfp_t gfp, struct proto *prot)
{
	struct sock *sk = kmem_cache_zalloc(prot->slab, gfp);

	if (!sk)
		return NULL;
	sk->skc_family = (u16)family;
	sk->skc_prot = prot;
	sock_lock_init(sk);
	refcount_set(&sk->sk_refcnt, 1);
	atomic_set(&sk->sk_wmem_alloc, 1);
	atomic_inc(&prot->sockets_allocated);
	return sk;
}

/* Nobody refers to it and no packet of it is in flight. */
static void sk_destroy(struct sock *sk)
{
	struct proto *prot = sk->sk_prot;

	if (sk->sk_destruct)
		sk->sk_destruct(sk);
	if (sk->sk_dst)
		rt_put(sk->sk_dst);
	WARN_ON_ONCE(atomic_read(&sk->sk_rmem_alloc));
	atomic_dec(&prot->sockets_allocated);
	kmem_cache_free(prot->slab, sk);
}

void sock_put(struct sock *sk)
{
	/*
	 * The 1 that sk_alloc() gave sk_wmem_alloc stands for all references: packets on their way
	 * out count for themselves.
	 */
	if (refcount_dec_and_test(&sk->sk_refcnt) && atomic_dec_and_test(&sk->sk_wmem_alloc))
		sk_destroy(sk);
}

static void sock_init_queues(struct sock *sk)
{
	skb_queue_head_init(&sk->sk_receive_queue);
	skb_queue_head_init(&sk->sk_write_queue);
	skb_queue_head_init(&sk->sk_error_queue);
}

void sock_init_data(struct socket *sock, struct sock *sk)
{
	sock_init_queues(sk);
	init_waitqueue_head(&sk->sk_wq);
	sk->sk_rcvbuf = sysctl_rmem_default;
	sk->sk_sndbuf = sysctl_wmem_default;
	sk->sk_state = TCP_CLOSE;
	sk->sk_rcvlowat = 1;
	sk->sk_rcvtimeo_ns = MAX_SCHEDULE_TIMEOUT;
	sk->sk_sndtimeo_ns = MAX_SCHEDULE_TIMEOUT;
	sk->sk_peer = (struct ucred){ 0, (uid_t)-1, (gid_t)-1 };
	sk->sk_state_change = sock_def_wakeup;
	sk->sk_data_ready = sock_def_readable;
	sk->sk_write_space = sock_def_write_space;
	sk->sk_error_report = sock_def_error_report;
	sk->sk_uid = current->cred.fsuid;
	if (sock) {
		sk->sk_type = (u8)sock->type;
		sk->sk_socket = sock;
		sk->sk_ino = sock->ino;
		sock->sk = sk;
	}
}

struct sock *sk_clone_lock(const struct sock *sk, gfp_t gfp)
{
	struct proto *prot = sk->sk_prot;
	struct sock *n = kmem_cache_alloc(prot->slab, gfp);

	if (!n)
		return NULL;
	memcpy(n, sk, prot->obj_size);
	INIT_HLIST_NODE(&n->skc_node);
	INIT_HLIST_NODE(&n->skc_bind_node);
	n->icsk_bind_hash = NULL;
	sock_lock_init(n);
	bh_lock_sock_nested(n);
	sock_init_queues(n);
	init_waitqueue_head(&n->sk_wq);
	memset(&n->sk_backlog, 0, sizeof(n->sk_backlog));
	memset(&n->sk_timer, 0, sizeof(n->sk_timer));
	n->sk_dst = NULL;
	n->sk_userlocks &= (u8)~SOCK_BINDPORT_LOCK;
	n->sk_err = n->sk_err_soft = 0;
	n->sk_shutdown = 0;
	n->sk_ack_backlog = 0;
	n->sk_wmem_queued = n->sk_forward_alloc = 0;
	atomic_set(&n->sk_rmem_alloc, 0);
	atomic_set(&n->sk_wmem_alloc, 1);
	atomic_set(&n->sk_drops, 0);
	n->sk_socket = NULL;
	n->sk_ino = 0;
	sock_reset_flag(n, SOCK_DONE);
	sock_reset_flag(n, SOCK_NOSPACE);
	refcount_set(&n->sk_refcnt, 2);
	atomic_inc(&prot->sockets_allocated);
	return n;
}

void sock_orphan(struct sock *sk)
{
	sock_set_flag(sk, SOCK_DEAD);
	WRITE_ONCE(sk->sk_socket, NULL);
	sk->sk_ino = 0;
}

void sock_graft(struct sock *sk, struct socket *parent)
{
	trace(sock_graft);
	sk->sk_ino = parent->ino;
	sk->sk_uid = current->cred.fsuid;
	WRITE_ONCE(sk->sk_socket, parent);
	parent->sk = sk;
}

int proto_register(struct proto *prot)
{
	if (nr_protos == ARRAY_SIZE(protos))
		return -ENOSPC;
	prot->slab = kmem_cache_create(prot->name, prot->obj_size, 64);
	protos[nr_protos++] = prot;
	return 0;
}

void for_each_proto(void (*fn)(struct proto *prot, void *arg), void *arg)
{
	for (int i = 0; i < nr_protos; i++)
		fn(protos[i], arg);
}

/* --- telling who waits --------------------------------------------------------------------- */

/*
 * In each: the change is made before the queue of waiters is looked at; pairs with
 * sock_poll_wait(), set_current_state().
 */

void sock_def_readable(struct sock *sk)
{
	trace(sock_def_readable, this_cpu_read(trace_current_skb));
	if (wq_has_sleeper(&sk->sk_wq))
		wake_up_interruptible_sync_poll(&sk->sk_wq,
						EPOLLIN | EPOLLPRI | EPOLLRDNORM | EPOLLRDBAND);
}

void sock_def_wakeup(struct sock *sk)
{
	if (wq_has_sleeper(&sk->sk_wq))
		wake_up_interruptible_all(&sk->sk_wq);
}

void sock_def_error_report(struct sock *sk)
{
	if (wq_has_sleeper(&sk->sk_wq))
		wake_up_interruptible_poll(&sk->sk_wq, EPOLLERR);
}

void sock_def_write_space(struct sock *sk)
{
	/* Not for every packet: when half of the buffer is free, as sock_writeable() asks. */
	if (atomic_read(&sk->sk_wmem_alloc) << 1 <= READ_ONCE(sk->sk_sndbuf) &&
	    wq_has_sleeper(&sk->sk_wq))
		wake_up_interruptible_sync_poll(&sk->sk_wq, EPOLLOUT | EPOLLWRNORM | EPOLLWRBAND);
}

void sk_stream_write_space(struct sock *sk)
{
	if (!sk_stream_is_writeable(sk))
		return;
	sock_reset_flag(sk, SOCK_NOSPACE);
	if (wq_has_sleeper(&sk->sk_wq))
		wake_up_interruptible_poll(&sk->sk_wq, EPOLLOUT | EPOLLWRNORM | EPOLLWRBAND);
}

bool sk_wait_data(struct sock *sk, s64 *timeo_ns, const struct sk_buff *skb)
{
	DEFINE_WAIT_FUNC(wait, woken_wake_function);

	trace(sk_wait_data);
	add_wait_queue(sk_sleep(sk), &wait);
	bool data = sk_wait_event(sk, timeo_ns, skb_peek_tail(&sk->sk_receive_queue) != skb, &wait);

	remove_wait_queue(sk_sleep(sk), &wait);
	return data;
}

void sk_reset_timer(struct sock *sk, struct timer_list *timer, u64 expires_ns)
{
	if (!mod_timer(timer, expires_ns))
		sock_hold(sk);
}

void sk_stop_timer(struct sock *sk, struct timer_list *timer)
{
	if (del_timer(timer))
		sock_put(sk);
}

/* --- accounting ---------------------------------------------------------------------------- */

void sock_rfree(struct sk_buff *skb) { atomic_sub((int)skb->truesize, &skb->sk->sk_rmem_alloc); }

void skb_set_owner_r(struct sk_buff *skb, struct sock *sk)
{
	skb_orphan(skb);
	skb->sk = sk;
	skb->destructor = sock_rfree;
	atomic_add((int)skb->truesize, &sk->sk_rmem_alloc);
}

void sock_wfree(struct sk_buff *skb)
{
	struct sock *sk = skb->sk;
	int len = (int)skb->truesize;

	/* All but one byte first: the last byte keeps the sock alive while its writers are told. */
	atomic_sub(len - 1, &sk->sk_wmem_alloc);
	sk->sk_write_space(sk);
	if (atomic_dec_and_test(&sk->sk_wmem_alloc))
		sk_destroy(sk);
}

void skb_set_owner_w(struct sk_buff *skb, struct sock *sk)
{
	skb_orphan(skb);
	skb->sk = sk;
	skb->destructor = sock_wfree;
	atomic_add((int)skb->truesize, &sk->sk_wmem_alloc);
}

/* Sleep until there is room below sk_sndbuf, an error, or the time is up. Return: ns left. */
static s64 sock_wait_for_wmem(struct sock *sk, s64 timeo)
{
	DEFINE_WAIT(wait);

	for (;;) {
		if (!timeo || signal_pending(current))
			break;
		sock_set_flag(sk, SOCK_NOSPACE);
		prepare_to_wait(sk_sleep(sk), &wait, TASK_INTERRUPTIBLE);
		if (atomic_read(&sk->sk_wmem_alloc) < READ_ONCE(sk->sk_sndbuf))
			break;
		if (READ_ONCE(sk->sk_shutdown) & SEND_SHUTDOWN || READ_ONCE(sk->sk_err))
			break;
		timeo = schedule_timeout_ns(timeo);
	}
	finish_wait(sk_sleep(sk), &wait);
	return timeo;
}

/* Return: 0 once the sock may charge another packet, or -errno. */
static noinline int sock_wait_send_room(struct sock *sk, bool noblock)
{
	s64 timeo = sock_sndtimeo(sk, noblock);

	for (;;) {
		int err = sock_error(sk);

		if (unlikely(err))
			return err;
		if (unlikely(READ_ONCE(sk->sk_shutdown) & SEND_SHUTDOWN))
			return -EPIPE;
		if (likely(atomic_read(&sk->sk_wmem_alloc) <= READ_ONCE(sk->sk_sndbuf)))
			return 0;
		if (!timeo)
			return -EAGAIN;
		if (signal_pending(current))
			return sock_intr_errno(timeo);
		timeo = sock_wait_for_wmem(sk, timeo);
	}
}

static inline int sock_send_room(struct sock *sk, bool noblock)
{
	if (likely(!READ_ONCE(sk->sk_err) && !(READ_ONCE(sk->sk_shutdown) & SEND_SHUTDOWN) &&
		   atomic_read(&sk->sk_wmem_alloc) <= READ_ONCE(sk->sk_sndbuf)))
		return 0;
	return sock_wait_send_room(sk, noblock);
}

struct sk_buff *sock_alloc_send_pskb(struct sock *sk, u32 headroom, u32 len, bool noblock, int *err)
{
	*err = sock_send_room(sk, noblock);
	if (unlikely(*err))
		return NULL;
	struct sk_buff *skb = alloc_skb_with_frags(headroom, len, GFP_KERNEL);

	if (unlikely(!skb)) {
		*err = -ENOBUFS;
		return NULL;
	}
	skb_set_owner_w(skb, sk);
	return skb;
}

struct sk_buff *sock_alloc_send_skb(struct sock *sk, u32 size, bool noblock, int *err)
{
	*err = sock_send_room(sk, noblock);
	if (unlikely(*err))
		return NULL;
	struct sk_buff *skb = alloc_skb(size, GFP_KERNEL);

	if (unlikely(!skb)) {
		*err = -ENOBUFS;
		return NULL;
	}
	skb_set_owner_w(skb, sk);
	return skb;
}

int sock_queue_rcv_skb(struct sock *sk, struct sk_buff *skb)
{
	unsigned long flags;

	if (unlikely(sk_rmem_alloc_get(sk) >= READ_ONCE(sk->sk_rcvbuf))) {
		atomic_inc(&sk->sk_drops);
		return -ENOMEM;
	}
	skb->dev = NULL;
	skb_set_owner_r(skb, sk);
	if (unlikely(sk->sk_flags & (BIT(SOCK_TIMESTAMP) | BIT(SOCK_TIMESTAMPNS))) &&
	    !skb->tstamp_ns)
		skb->tstamp_ns = ktime_get_real_ns();
	spin_lock_irqsave(&sk->sk_receive_queue.lock, flags);
	__skb_queue_tail(&sk->sk_receive_queue, skb);
	spin_unlock_irqrestore(&sk->sk_receive_queue.lock, flags);
	if (likely(!sock_flag(sk, SOCK_DEAD)))
		sk->sk_data_ready(sk);
	return 0;
}

/* --- proto_ops that hand on to the protocol ------------------------------------------------ */

ssize_t sock_common_recvmsg(struct socket *sock, struct msghdr *msg, size_t size, int flags)
{
	int addr_len = 0;
	ssize_t n = sock->sk->sk_prot->recvmsg(sock->sk, msg, size, flags, &addr_len);

	if (n >= 0)
		msg->msg_namelen = addr_len;
	return n;
}

int sock_common_setsockopt(struct socket *sock, int level, int optname, uptr optval,
			   unsigned int optlen)
{
	return sock->sk->sk_prot->setsockopt(sock->sk, level, optname, optval, optlen);
}

int sock_common_getsockopt(struct socket *sock, int level, int optname, uptr optval, uptr optlen)
{
	return sock->sk->sk_prot->getsockopt(sock->sk, level, optname, optval, optlen);
}

int sock_no_bind(__unused struct socket *sock, __unused const struct sockaddr_storage_k *addr,
		 __unused int addr_len)
{
	return -EOPNOTSUPP;
}

int sock_no_connect(__unused struct socket *sock, __unused const struct sockaddr_storage_k *addr,
		    __unused int addr_len, __unused int flags)
{
	return -EOPNOTSUPP;
}

int sock_no_socketpair(__unused struct socket *a, __unused struct socket *b) { return -EOPNOTSUPP; }
int sock_no_accept(__unused struct socket *sock, __unused struct socket *newsock,
		   __unused int flags)
{
	return -EOPNOTSUPP;
}
int sock_no_listen(__unused struct socket *sock, __unused int backlog) { return -EOPNOTSUPP; }
int sock_no_shutdown(__unused struct socket *sock, __unused int how) { return -EOPNOTSUPP; }

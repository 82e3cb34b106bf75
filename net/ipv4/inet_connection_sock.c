/*
 * net/ipv4/inet_connection_sock.c - what listeners and connections share: binding a port, the queues of a
 * listener, accept(), the timers' set-up and the end of a sock.
 *
 * Linux:   net/ipv4/inet_connection_sock.c, net/core/request_sock.c (6.1)
 * Same:    when two sockets may share a port; requests live in ehash with a timer each; the accept queue under
 *          its own lock, so that no segment needs the listener's.
 * Differs: 1. bind() walks the owners of a port every time: no fastreuse cache. 2. no fast open.
 * Locks:   SOCK_OWNER, LISTENQ, BHASH, SLOCK (of children).
 * Walk:    tcp_conn_request() -> inet_csk_reqsk_queue_hash_add(); tcp_check_req() ->
 *          inet_csk_complete_hashdance() -> inet_csk_reqsk_queue_add(); accept() -> inet_accept() ->
 *          inet_csk_accept().
 */
#include "kernel/random.h"
#include "kernel/signal.h"
#include "net/ipv4/tcp.h"

struct kmem_cache *request_sock_cachep;

void inet_csk_init(void)
{
	request_sock_cachep = kmem_cache_create("request_sock_TCP", sizeof(struct request_sock), 0);
	inet_twsk_init();
	inet_hashinfo_init();
}

void inet_csk_init_xmit_timers(struct sock *sk, void (*retransmit)(struct timer_list *),
			       void (*delack)(struct timer_list *), void (*keepalive)(struct timer_list *))
{
	struct inet_connection_sock *icsk = inet_csk(sk);

	timer_setup(&icsk->icsk_retransmit_timer, retransmit);
	timer_setup(&icsk->icsk_delack_timer, delack);
	timer_setup(&sk->sk_timer, keepalive);
	icsk->icsk_pending = 0;
	icsk->icsk_ack.pending = 0;
}

void inet_csk_clear_xmit_timers(struct sock *sk)
{
	struct inet_connection_sock *icsk = inet_csk(sk);

	icsk->icsk_pending = 0;
	icsk->icsk_ack.pending = 0;
	icsk->icsk_ack.retry = 0;
	sk_stop_timer(sk, &icsk->icsk_retransmit_timer);
	sk_stop_timer(sk, &icsk->icsk_delack_timer);
	sk_stop_timer(sk, &sk->sk_timer);
}

/* --- binding */

static bool inet_rcv_saddr_equal(const struct sock *a, const struct sock *b)
{
	return !a->sk_rcv_saddr.raw || !b->sk_rcv_saddr.raw || be32_eq(a->sk_rcv_saddr, b->sk_rcv_saddr);
}

/*
 * May @sk and @sk2 not use the same port at the same address? Two REUSEADDR sockets may, unless one listens;
 * two REUSEPORT sockets of one user may. @relax: the port was asked for by number, not chosen by us.
 */
static bool inet_bind_conflict(const struct sock *sk, const struct sock *sk2, bool relax)
{
	bool same_owner = sk2->sk_state == TCP_TIME_WAIT || sk->sk_uid == sk2->sk_uid;
	bool shared_port = sk->sk_reuseport && sk2->sk_reuseport && same_owner;

	if (sk == sk2)
		return false;
	if (sk->sk_bound_dev_if && sk2->sk_bound_dev_if && sk->sk_bound_dev_if != sk2->sk_bound_dev_if)
		return false;
	if (!inet_rcv_saddr_equal(sk, sk2))
		return false;
	if (sk->sk_reuse && sk2->sk_reuse && sk2->sk_state != TCP_LISTEN)
		return !relax;
	return !(relax && shared_port);
}

/* Try to bind @sk to @port. 0: done; 1: in use; -ENOMEM. */
static int inet_csk_try_port(struct sock *sk, u16 port, bool relax)
{
	struct inet_bind_hashbucket *head = inet_bhash_bucket(port);
	struct inet_bind_bucket *tb;
	struct sock *sk2;
	int ret = 1;

	spin_lock_bh(&head->lock);
	tb = inet_bind_bucket_find(head, port);
	if (!tb) {
		ret = -ENOMEM;
		tb = inet_bind_bucket_create(head, port);
		if (!tb)
			goto out_unlock;
	}
	ret = 1;
	hlist_for_each_entry(sk2, &tb->owners, skc_bind_node) {
		if (inet_bind_conflict(sk, sk2, relax))
			goto out_unlock;
	}
	tb->by_connect = false;
	if (!sk->icsk_bind_hash)
		inet_bind_hash(sk, tb, port);
	ret = 0;
out_unlock:
	spin_unlock_bh(&head->lock);
	return ret;
}

/* Odd ports first: connect() prefers even ones. A REUSEADDR socket tries the upper half of the range first. */
static int inet_csk_find_open_port(struct sock *sk)
{
	u32 low = (u32)sysctl_ip_local_port_range[0];
	u32 n = (u32)sysctl_ip_local_port_range[1] + 1 - low;
	u32 offset = get_random_u32() % n;

	for (u32 parity = 0; parity < 2; parity++) {
		u32 first = ((low + offset) | 1) ^ parity;

		for (u32 i = 0; i < n; i += 2) {
			u32 port = low + (first - low + i) % n;
			int ret = inet_csk_try_port(sk, (u16)port, false);

			if (ret <= 0)
				return ret ? 1 : 0;
			if ((i & 62) == 62)
				cond_resched();
		}
	}
	return 1;
}

/* inet_csk_get_port - the proto's get_port(). @snum 0: choose. Return: 0, or 1 if it cannot be had. */
int inet_csk_get_port(struct sock *sk, u16 snum)
{
	if (!snum)
		return inet_csk_find_open_port(sk);
	return inet_csk_try_port(sk, snum, true) ? 1 : 0;
}

/* --- request socks */

void reqsk_put(struct request_sock *req)
{
	if (!refcount_dec_and_test(&req->common.skc_refcnt))
		return;
	sock_put(req->rsk_listener);
	kmem_cache_free(request_sock_cachep, req);
}

static void reqsk_queue_removed(struct request_sock_queue *queue, const struct request_sock *req)
{
	if (!req->num_timeout)
		atomic_dec(&queue->young);
	atomic_dec(&queue->qlen);
}

static bool reqsk_unhash(struct request_sock *req)
{
	struct inet_ehash_bucket *head = inet_ehash_bucket(req->common.skc_hash);
	bool was_hashed;

	spin_lock_bh(&head->lock);
	was_hashed = !hlist_unhashed(&req->common.skc_node);
	hlist_del_init(&req->common.skc_node);
	spin_unlock_bh(&head->lock);
	if (del_timer(&req->rsk_timer))
		reqsk_put(req);
	return was_hashed;
}

bool inet_csk_reqsk_queue_drop(struct sock *sk, struct request_sock *req)
{
	bool unlinked = reqsk_unhash(req);

	if (unlinked) {
		reqsk_queue_removed(&inet_csk(sk)->icsk_accept_queue, req);
		reqsk_put(req);
	}
	return unlinked;
}

/*
 * How long to go on with SYN-ACKs: fewer times when the queue is more than half full of old requests, so that a
 * flood is forgotten sooner.
 */
static int reqsk_max_retries(const struct sock *sk)
{
	const struct inet_connection_sock *icsk = inet_csk(sk);
	int max_retries = icsk->icsk_syn_retries ? icsk->icsk_syn_retries : tcp_sysctl.synack_retries;
	u32 qlen = (u32)atomic_read(&icsk->icsk_accept_queue.qlen);
	u32 young = (u32)atomic_read(&icsk->icsk_accept_queue.young) << 1;

	if (qlen << 1 <= max(8U, READ_ONCE(sk->sk_max_ack_backlog)))
		return max_retries;
	for (; max_retries > 2 && qlen >= young; young <<= 1)
		max_retries--;
	return max_retries;
}

/* Decide what the timer of @req does; TCP_DEFER_ACCEPT waits for data before the ACK counts. */
static void syn_ack_recalc(const struct request_sock *req, int max_retries, u8 defer, bool *expire,
			   bool *resend)
{
	if (!defer) {
		*expire = req->num_timeout >= max_retries;
		*resend = true;
		return;
	}
	*expire = req->num_timeout >= max_retries && (!req->acked || req->num_timeout >= defer);
	/* Once acknowledged, ask again only in the last period: then the data, or the connection, must come. */
	*resend = !req->acked || req->num_timeout >= defer - 1;
}

/* The SYN-ACK was not answered in time. Owns the reference of the armed timer. */
static void reqsk_timer_handler(struct timer_list *t)
{
	struct request_sock *req = container_of(t, struct request_sock, rsk_timer);
	struct sock *sk = req->rsk_listener;
	bool expire = true, resend = false;

	if (READ_ONCE(sk->skc_state) == TCP_LISTEN && !hlist_unhashed(&req->common.skc_node))
		syn_ack_recalc(req, reqsk_max_retries(sk), inet_csk(sk)->icsk_accept_queue.rskq_defer_accept,
			       &expire, &resend);
	if (expire) {
		if (inet_csk_reqsk_queue_drop(sk, req))
			SNMP_INC(TCP_ATTEMPTFAILS);
		reqsk_put(req);
		return;
	}
	if (resend)
		tcp_rtx_synack(sk, req);
	if (!req->num_timeout++)
		atomic_dec(&inet_csk(sk)->icsk_accept_queue.young);
	req->timeout_ns = min_t(u64, req->timeout_ns << 1, TCP_RTO_MAX_NS);
	if (mod_timer(&req->rsk_timer, ktime_get_ns() + req->timeout_ns))
		reqsk_put(req);	/* armed already: that one has its own reference */
}

struct request_sock *inet_reqsk_alloc(struct sock *listener)
{
	struct request_sock *req = kmem_cache_zalloc(request_sock_cachep, GFP_ATOMIC);

	if (!req)
		return NULL;
	refcount_set(&req->common.skc_refcnt, 1);
	req->common.skc_state = TCP_NEW_SYN_RECV;
	req->common.skc_family = listener->sk_family;
	req->common.skc_prot = listener->sk_prot;
	req->common.skc_bound_dev_if = listener->sk_bound_dev_if;
	req->common.sk_uid = listener->sk_uid;
	sock_hold(listener);
	req->rsk_listener = listener;
	timer_setup(&req->rsk_timer, reqsk_timer_handler);
	return req;
}

bool inet_csk_reqsk_queue_hash_add(struct sock *sk, struct request_sock *req, u64 timeout_ns)
{
	struct request_sock_queue *queue = &inet_csk(sk)->icsk_accept_queue;

	if (!inet_ehash_nolisten(req_to_sk(req), NULL))
		return false;
	atomic_inc(&queue->young);
	atomic_inc(&queue->qlen);
	req->timeout_ns = timeout_ns;
	refcount_inc(&req->common.skc_refcnt);
	mod_timer(&req->rsk_timer, ktime_get_ns() + timeout_ns);
	return true;
}

/* --- the accept queue */

/*
 * A child that nobody will accept: reset the peer and let it go. Locks: child's slock; the caller has a
 * reference.
 */
static void inet_child_forget(struct sock *child)
{
	child->sk_prot->disconnect(child, SOCK_NONBLOCK);
	sock_orphan(child);
	atomic_inc(&child->sk_prot->orphan_count);
	inet_csk_destroy_sock(child);
}

struct sock *inet_csk_reqsk_queue_add(struct sock *sk, struct request_sock *req, struct sock *child)
{
	struct request_sock_queue *queue = &inet_csk(sk)->icsk_accept_queue;
	bool listening;

	trace(inet_csk_reqsk_queue_add, req->skb_id);
	spin_lock(&queue->rskq_lock);
	/* Checked under the lock: inet_csk_listen_stop() empties the queue after the state has changed. */
	listening = sk->sk_state == TCP_LISTEN;
	if (listening) {
		req->sk = child;
		req->dl_next = NULL;
		if (queue->rskq_accept_head)
			queue->rskq_accept_tail->dl_next = req;
		else
			WRITE_ONCE(queue->rskq_accept_head, req);
		queue->rskq_accept_tail = req;
		WRITE_ONCE(sk->sk_ack_backlog, sk->sk_ack_backlog + 1);
	}
	spin_unlock(&queue->rskq_lock);
	if (listening)
		return child;
	inet_child_forget(child);
	return NULL;
}

struct sock *inet_csk_complete_hashdance(struct sock *sk, struct sock *child, struct request_sock *req,
					 bool own_req)
{
	if (own_req) {
		/* It left ehash when the child entered: only the timer and the counters remain. */
		reqsk_unhash(req);
		reqsk_queue_removed(&inet_csk(sk)->icsk_accept_queue, req);
		if (inet_csk_reqsk_queue_add(sk, req, child))
			return child;
		bh_unlock_sock(child);
		sock_put(child);
		return NULL;
	}
	/* Another CPU took the request for a child of its own. */
	inet_csk_prepare_forced_close(child);
	tcp_done(child, TCP_EV_ABORT);
	return NULL;
}

static struct request_sock *reqsk_queue_remove(struct request_sock_queue *queue, struct sock *sk)
{
	struct request_sock *req;

	spin_lock_bh(&queue->rskq_lock);
	req = queue->rskq_accept_head;
	if (req) {
		WRITE_ONCE(sk->sk_ack_backlog, sk->sk_ack_backlog - 1);
		WRITE_ONCE(queue->rskq_accept_head, req->dl_next);
	}
	spin_unlock_bh(&queue->rskq_lock);
	return req;
}

/* Wait for a child. Exclusive: one connection wakes one task. Sock owned, given up meanwhile. */
static int inet_csk_wait_for_connect(struct sock *sk, s64 timeo)
{
	struct request_sock_queue *queue = &inet_csk(sk)->icsk_accept_queue;
	DEFINE_WAIT(wait);
	int err;

	for (;;) {
		prepare_to_wait_exclusive(sk_sleep(sk), &wait, TASK_INTERRUPTIBLE);
		release_sock(sk);
		if (reqsk_queue_empty(queue))
			timeo = schedule_timeout_ns(timeo);
		lock_sock(sk);
		err = 0;
		if (!reqsk_queue_empty(queue))
			break;
		err = -EINVAL;
		if (sk->sk_state != TCP_LISTEN)
			break;
		err = sock_intr_errno(timeo);
		if (signal_pending(current))
			break;
		err = -EAGAIN;
		if (!timeo)
			break;
	}
	finish_wait(sk_sleep(sk), &wait);
	return err;
}

struct sock *inet_csk_accept(struct sock *sk, int flags, int *err)
{
	struct request_sock_queue *queue = &inet_csk(sk)->icsk_accept_queue;
	struct request_sock *req;
	struct sock *newsk = NULL;

	trace(inet_csk_accept);
	lock_sock(sk);
	*err = sk->sk_state == TCP_LISTEN ? 0 : -EINVAL;
	if (!*err && reqsk_queue_empty(queue)) {
		s64 timeo = sock_rcvtimeo(sk, flags & SOCK_NONBLOCK);

		*err = timeo ? inet_csk_wait_for_connect(sk, timeo) : -EAGAIN;
	}
	if (!*err) {
		req = reqsk_queue_remove(queue, sk);
		newsk = req->sk;
		reqsk_put(req);
	}
	release_sock(sk);
	return newsk;
}

/* inet_csk_listen_start - CLOSE to LISTEN. Sock owned. 0 or -EADDRINUSE. */
int inet_csk_listen_start(struct sock *sk)
{
	struct request_sock_queue *queue = &inet_csk(sk)->icsk_accept_queue;

	spin_lock_init(&queue->rskq_lock, LC_LISTENQ);
	queue->rskq_accept_head = NULL;
	queue->rskq_accept_tail = NULL;
	queue->rskq_cookie_ns = 0;
	sk->sk_ack_backlog = 0;
	memset(&inet_csk(sk)->icsk_ack, 0, sizeof(inet_csk(sk)->icsk_ack));
	/*
	 * The state first, then the port: of two REUSEADDR sockets bound to one port that call listen() at
	 * once, the second to get here must find the first listening.
	 */
	tcp_set_state(sk, TCP_LISTEN, TCP_EV_LISTEN);
	if (!sk->sk_prot->get_port(sk, sk->sk_num)) {
		inet_sk(sk)->inet_sport = cpu_to_be16(sk->sk_num);
		sk_dst_set(sk, NULL);
		if (!sk->sk_prot->hash(sk))
			return 0;
	}
	tcp_set_state(sk, TCP_CLOSE, TCP_EV_STOP);
	return -EADDRINUSE;
}

/*
 * inet_csk_listen_stop - the state is CLOSE and the listener out of its table. Children that nobody accepted
 * are reset; requests find out at their next segment or timer.
 */
void inet_csk_listen_stop(struct sock *sk)
{
	struct request_sock_queue *queue = &inet_csk(sk)->icsk_accept_queue;
	struct request_sock *req;

	while ((req = reqsk_queue_remove(queue, sk)) != NULL) {
		struct sock *child = req->sk;

		local_bh_disable();
		/*
		 * Not nested: nobody can own a child that has no socket, and the listener is owned, not spun
		 * on.
		 */
		bh_lock_sock(child);
		sock_hold(child);
		inet_child_forget(child);
		bh_unlock_sock(child);
		local_bh_enable();
		sock_put(child);
		reqsk_put(req);
		cond_resched();
	}
}

/* --- the end */

void inet_csk_destroy_sock(struct sock *sk)
{
	WARN_ON_ONCE(sk->sk_state != TCP_CLOSE);
	WARN_ON_ONCE(!sock_flag(sk, SOCK_DEAD));
	WARN_ON_ONCE(sk->sk_num && !sk->icsk_bind_hash);
	sk->sk_prot->destroy(sk);
	atomic_dec(&sk->sk_prot->orphan_count);
	sock_put(sk);
}

void inet_csk_prepare_forced_close(struct sock *sk)
{
	bh_unlock_sock(sk);
	sock_put(sk);
	sock_set_flag(sk, SOCK_DEAD);
	atomic_inc(&sk->sk_prot->orphan_count);
	if (!sk->icsk_bind_hash)
		sk->sk_num = 0;
}

/*
 * net/unix/msg.c - data between AF_UNIX sockets: straight into the peer's receive queue.
 *
 * Linux:   net/unix/af_unix.c, the sendmsg and recvmsg of each type (6.1)
 * Same:    what is sent is charged to the sender until it is read; files and credentials separate
 *          messages of a stream; datagrams wait for room in the receiver's queue.
 * Differs: 1. a sender checks the peer under its queue's lock alone; release marks the socket dead
 *             before it empties the queue, so nothing is left behind. 2. no out-of-band byte. 3. a
 *             reader that waits is not woken by wake-ups that are only about writing.
 * Locks:   UNIX_IO, UNIX_STATE, SKQUEUE.
 * Walk:    unix_stream_sendmsg() -> sock_def_readable() -> unix_stream_recvmsg().
 */
#include "kernel/signal.h"
#include "kernel/string.h"
#include "kernel/task.h"
#include "net/unix/unix.h"

/* --- sending ------------------------------------------------------------------------------- */

/*
 * Onto the peer's queue. Return: false if it is dead or does not read any more (the skb stays the
 * caller's).
 */
static inline bool unix_queue_to(struct sock *other, struct sk_buff *skb)
{
	unsigned long flags;

	spin_lock_irqsave(&other->sk_receive_queue.lock, flags);
	bool ok = !sock_flag(other, SOCK_DEAD) && !(READ_ONCE(other->sk_shutdown) & RCV_SHUTDOWN);

	if (likely(ok))
		__skb_queue_tail(&other->sk_receive_queue, skb);
	spin_unlock_irqrestore(&other->sk_receive_queue.lock, flags);
	return ok;
}

static ssize_t unix_pipe_error(ssize_t sent, unsigned int flags)
{
	if (sent)
		return sent;
	if (!(flags & MSG_NOSIGNAL))
		send_sig(SIGPIPE, current);
	return -EPIPE;
}

/* The next piece of a stream, filled. NULL with *@err. */
static struct sk_buff *unix_stream_chunk(struct sock *sk, struct msghdr *msg, size_t left, int *err)
{
	/* Half of the buffer at most, so that reader and writer can take turns. */
	size_t size = min_t(size_t, left, (size_t)(READ_ONCE(sk->sk_sndbuf) >> 1) - 64);
	u32 n = (u32)min_t(size_t, size, UNIX_CHUNK_MAX);
	struct sk_buff *skb = sock_alloc_send_pskb(sk, 0, n, msg->msg_flags & MSG_DONTWAIT, err);

	if (unlikely(!skb))
		return NULL;
	*err = skb_copy_datagram_from_iter(skb, 0, &msg->msg_iter, n);
	if (likely(!*err))
		return skb;
	consume_skb(skb);
	return NULL;
}

ssize_t unix_stream_sendmsg(struct socket *sock, struct msghdr *msg, size_t len)
{
	struct sock *sk = sock->sk;
	struct sock *other = READ_ONCE(unix_sk(sk)->peer);
	struct scm_cookie scm;
	size_t sent = 0;

	if (unlikely(msg->msg_flags & MSG_OOB))
		return -EOPNOTSUPP;
	int err = scm_send(msg, &scm);

	if (unlikely(err))
		return err;
	if (unlikely(msg->msg_namelen)) {
		err = sk->sk_state == TCP_ESTABLISHED ? -EISCONN : -EOPNOTSUPP;
		goto out;
	}
	if (unlikely(!other)) {
		err = -ENOTCONN;
		goto out;
	}
	if (unlikely(READ_ONCE(sk->sk_shutdown) & SEND_SHUTDOWN))
		goto out_pipe;
	while (sent < len) {
		struct sk_buff *skb = unix_stream_chunk(sk, msg, len - sent, &err);

		if (unlikely(!skb)) {
			if (err == -EPIPE)
				goto out_pipe;
			goto out;
		}
		u32 n = skb->len;

		unix_attach(skb, &scm);
		if (unlikely(!unix_queue_to(other, skb))) {
			consume_skb(skb);
			goto out_pipe;
		}
		other->sk_data_ready(other);
		sent += n;
	}
out:
	scm_destroy(&scm);
	return sent ? (ssize_t)sent : err;
out_pipe:
	scm_destroy(&scm);
	return unix_pipe_error((ssize_t)sent, msg->msg_flags);
}

/* Whom a datagram goes to, with a reference. */
static struct sock *unix_dgram_dest(struct sock *sk, const struct msghdr *msg)
{
	if (msg->msg_namelen) {
		const struct sockaddr_un *name = (const struct sockaddr_un *)msg->msg_name;
		int err = unix_validate_addr(name, msg->msg_namelen);

		return err ? ERR_PTR(err) : unix_find_other(name, msg->msg_namelen, sk->sk_type);
	}
	struct sock *other = unix_peer_get(sk);

	return other ? other : ERR_PTR(-ENOTCONN);
}

/* A datagram socket has left @other: what @other had sent is not read any more, and if it was its peer, it is told. */
void unix_dgram_disconnected(struct sock *sk, struct sock *other)
{
	mutex_lock(&unix_sk(sk)->iolock);	/* readers look at messages in the queue */
	bool unread = !skb_queue_empty(&sk->sk_receive_queue);

	skb_queue_purge(&sk->sk_receive_queue, SKB_DROP_REASON_SOCKET_CLOSED);
	mutex_unlock(&unix_sk(sk)->iolock);
	if (!unread)
		return;
	wake_up_interruptible_all(&unix_sk(sk)->peer_wait);
	if (!sock_flag(other, SOCK_DEAD) && READ_ONCE(unix_sk(other)->peer) == sk) {
		WRITE_ONCE(other->sk_err, ECONNRESET);
		other->sk_error_report(other);
	}
}

/* The peer is gone: a connected datagram socket forgets it. */
static void unix_dgram_forget_peer(struct sock *sk, struct sock *other)
{
	unix_state_lock(sk);
	bool was_peer = unix_sk(sk)->peer == other;

	if (was_peer) {
		unix_sk(sk)->peer = NULL;
		sk->sk_state = TCP_CLOSE;
		unix_dgram_peer_wake_disconnect(sk, other);
	}
	unix_state_unlock(sk);
	if (was_peer) {
		unix_dgram_disconnected(sk, other);
		sock_put(other);
	}
}

/* Queue @skb to @other, waiting for room. Return: 0 or -errno (the skb stays the caller's). */
static int unix_dgram_deliver(struct sock *sk, struct sock *other, struct sk_buff *skb, s64 timeo)
{
	for (;;) {
		unix_state_lock(other);
		if (unix_sk(other)->peer && unix_sk(other)->peer != sk) {
			unix_state_unlock(other);
			return -EPERM;
		}
		if (sock_flag(other, SOCK_DEAD)) {
			unix_state_unlock(other);
			return -ECONNREFUSED;
		}
		if (READ_ONCE(other->sk_shutdown) & RCV_SHUTDOWN) {
			unix_state_unlock(other);
			return -EPIPE;
		}
		/* Two that are each other's peers need no limit: the sender's own buffer is one. */
		if (unix_sk(other)->peer == sk || !unix_recvq_full(other)) {
			bool ok = unix_queue_to(other, skb);

			unix_state_unlock(other);
			return ok ? 0 : -EPIPE;
		}
		if (!timeo) {
			unix_state_unlock(other);
			return -EAGAIN;
		}
		timeo = unix_wait_for_peer(other, timeo);
		if (signal_pending(current))
			return sock_intr_errno(timeo);
	}
}

ssize_t unix_dgram_sendmsg(struct socket *sock, struct msghdr *msg, size_t len)
{
	struct sock *sk = sock->sk;
	struct scm_cookie scm;

	if (msg->msg_flags & MSG_OOB)
		return -EOPNOTSUPP;
	int err = scm_send(msg, &scm);

	if (err)
		return err;
	struct sock *other = unix_dgram_dest(sk, msg);

	if (IS_ERR(other)) {
		scm_destroy(&scm);
		return PTR_ERR(other);
	}
	if (sock_flag(sk, SOCK_PASSCRED_F) && !unix_sk(sk)->addr)
		err = unix_autobind(sk);
	if (!err && (s64)len > READ_ONCE(sk->sk_sndbuf) - 32)
		err = -EMSGSIZE;
	struct sk_buff *skb = err ? NULL
				  : sock_alloc_send_pskb(sk, 0, (u32)len,
							 msg->msg_flags & MSG_DONTWAIT, &err);

	if (!skb)
		goto out;
	err = skb_copy_datagram_from_iter(skb, 0, &msg->msg_iter, (u32)len);
	if (!err) {
		unix_attach(skb, &scm);
		err = unix_dgram_deliver(sk, other, skb,
					 sock_sndtimeo(sk, msg->msg_flags & MSG_DONTWAIT));
	}
	if (err)
		consume_skb(skb);
	else
		other->sk_data_ready(other);
	if (err == -ECONNREFUSED)
		unix_dgram_forget_peer(sk, other);
out:
	sock_put(other);
	scm_destroy(&scm);
	/* EPIPE without SIGPIPE, for SOCK_SEQPACKET too: Linux 6.1 raises it for streams alone. */
	return err ? err : (ssize_t)len;
}

ssize_t unix_seqpacket_sendmsg(struct socket *sock, struct msghdr *msg, size_t len)
{
	struct sock *sk = sock->sk;
	int err = sock_error(sk);

	if (err)
		return err;
	if (sk->sk_state != TCP_ESTABLISHED)
		return -ENOTCONN;
	msg->msg_namelen = 0;
	return unix_dgram_sendmsg(sock, msg, len);
}

/* --- receiving datagrams ------------------------------------------------------------------- */

/*
 * The first datagram: taken out, or, for a peek, left where it is (readers hold iolock, so it
 * stays).
 */
static struct sk_buff *unix_dgram_try(struct sock *sk, bool peek)
{
	struct sk_buff_head *q = &sk->sk_receive_queue;
	unsigned long flags;

	spin_lock_irqsave(&q->lock, flags);
	struct sk_buff *skb = skb_peek(q);

	if (skb && !peek)
		__skb_unlink(skb, q);
	spin_unlock_irqrestore(&q->lock, flags);
	return skb;
}

/* The next datagram, with iolock held; NULL with *@err and iolock given up. */
static struct sk_buff *unix_dgram_next(struct sock *sk, int flags, int *err)
{
	struct unix_sock *u = unix_sk(sk);
	s64 timeo = sock_rcvtimeo(sk, flags & MSG_DONTWAIT);

	for (;;) {
		/* An error is told before what has come. */
		*err = sock_error(sk);
		if (*err)
			return NULL;
		mutex_lock(&u->iolock);
		struct sk_buff *skb = unix_dgram_try(sk, flags & MSG_PEEK);

		if (skb)
			return skb;
		mutex_unlock(&u->iolock);
		if (!timeo) {
			/* The end of file is told at once to seqpacket alone; a datagram socket sleeps to hear it. */
			bool eof = sk->sk_type == SOCK_SEQPACKET && (READ_ONCE(sk->sk_shutdown) & RCV_SHUTDOWN);

			*err = eof ? 0 : -EAGAIN;
			return NULL;
		}
		int stop = skb_wait_for_datagram(sk, &timeo);

		if (stop) {
			*err = stop > 0 ? 0 : stop;
			return NULL;
		}
	}
}

ssize_t unix_dgram_recvmsg(struct socket *sock, struct msghdr *msg, size_t size, int flags)
{
	struct sock *sk = sock->sk;
	struct unix_sock *u = unix_sk(sk);
	struct scm_cookie scm = { .fp = NULL };
	int err;

	if (flags & MSG_OOB)
		return -EOPNOTSUPP;
	struct sk_buff *skb = unix_dgram_next(sk, flags, &err);

	if (!skb)
		return err;
	if (waitqueue_active(&u->peer_wait))
		wake_up_interruptible_sync_poll(&u->peer_wait,
						EPOLLOUT | EPOLLWRNORM | EPOLLWRBAND);
	u32 there = skb->len, n = size < there ? (u32)size : there;

	if (msg->msg_name && skb->sk)
		unix_copy_addr(msg, skb->sk);
	if (n < there)
		msg->msg_flags |= MSG_TRUNC;
	err = skb_copy_datagram_iter(skb, 0, &msg->msg_iter, n);
	scm.creds = UNIXCB(skb)->creds;
	if (!err && flags & MSG_PEEK)
		err = unix_peek_fds(&scm, skb);
	else if (!err)
		unix_detach_fds(&scm, skb);
	if (!(flags & MSG_PEEK))
		consume_skb(skb);
	mutex_unlock(&u->iolock);
	if (err)
		return err;
	scm_recv(sk, msg, &scm, flags);
	return flags & MSG_TRUNC ? (ssize_t)there : (ssize_t)n;
}

ssize_t unix_seqpacket_recvmsg(struct socket *sock, struct msghdr *msg, size_t size, int flags)
{
	if (sock->sk->sk_state != TCP_ESTABLISHED)
		return -ENOTCONN;
	return unix_dgram_recvmsg(sock, msg, size, flags);
}

/* --- receiving from a stream --------------------------------------------------------------- */

/*
 * Sleep until something follows @last in the queue, or there is a reason not to. Return: ns left.
 */
static s64 unix_stream_data_wait(struct sock *sk, s64 timeo, const struct sk_buff *last)
{
	DEFINE_WAIT_FUNC(wait, receiver_wake_function);

	for (;;) {
		prepare_to_wait(sk_sleep(sk), &wait, TASK_INTERRUPTIBLE);
		if (skb_peek_tail(&sk->sk_receive_queue) != last || READ_ONCE(sk->sk_err) ||
		    READ_ONCE(sk->sk_shutdown) & RCV_SHUTDOWN || signal_pending(current) || !timeo)
			break;
		timeo = schedule_timeout_ns(timeo);
		if (skb_peek_tail(&sk->sk_receive_queue) != last)
			break;
	}
	finish_wait(sk_sleep(sk), &wait);
	return timeo;
}

/* One read under way. */
struct unix_read {
	struct sock *sk;
	struct msghdr *msg;
	int flags;
	s64 timeo;
	size_t copied, size, target;
	struct scm_cookie scm;
	bool have_creds;
	struct sk_buff *peeked;		/* the last that was looked at, still in the queue; iolock */
};

/*
 * The queue is empty and more is wanted. Return: 0: look again; 1: no more will come; -errno.
 * iolock held, given up while asleep.
 */
static noinline int unix_stream_wait(struct unix_read *r)
{
	struct sock *sk = r->sk;
	int err = sock_error(sk);

	if (err)
		return err;
	if (READ_ONCE(sk->sk_shutdown) & RCV_SHUTDOWN) {
		/* what was sent before the shutdown is read before the end is reported */
		smp_rmb();
		return skb_queue_empty(&sk->sk_receive_queue);
	}
	if (!r->timeo)
		return -EAGAIN;
	mutex_unlock(&unix_sk(sk)->iolock);
	r->timeo = unix_stream_data_wait(sk, r->timeo, NULL);
	bool intr = signal_pending(current);

	mutex_lock(&unix_sk(sk)->iolock);
	return intr && skb_queue_empty(&sk->sk_receive_queue) ? sock_intr_errno(r->timeo) : 0;
}

/* The skb is used up: out of the queue. */
static inline void unix_stream_unlink(struct sock *sk, struct sk_buff *skb)
{
	unsigned long flags;

	spin_lock_irqsave(&sk->sk_receive_queue.lock, flags);
	__skb_unlink(skb, &sk->sk_receive_queue);
	spin_unlock_irqrestore(&sk->sk_receive_queue.lock, flags);
	consume_skb(skb);
}

/* Take from @skb what is wanted. Return: 0: go on; 1: stop here; -errno. */
static inline int unix_stream_take(struct unix_read *r, struct sk_buff *skb)
{
	struct unix_skb_parms *cb = UNIXCB(skb);
	u32 n = (u32)min_t(size_t, skb->len - cb->consumed, r->size);

	if (!r->have_creds) {
		r->scm.creds = cb->creds;
		r->have_creds = true;
		if (r->msg->msg_name && skb->sk)
			unix_copy_addr(r->msg, skb->sk);
	} else if (sock_flag(r->sk, SOCK_PASSCRED_F) &&
		   memcmp(&r->scm.creds, &cb->creds, sizeof(cb->creds)) != 0) {
		return 1; /* never mix bytes of different writers in one read */
	}
	if (unlikely(skb_copy_datagram_iter(skb, cb->consumed, &r->msg->msg_iter, n)))
		return r->copied ? 1 : -EFAULT;
	r->copied += n;
	r->size -= n;
	if (unlikely(r->flags & MSG_PEEK)) {
		int err = unix_peek_fds(&r->scm, skb);

		r->peeked = skb;
		return err ? err : cb->fp != NULL;
	}
	cb->consumed += n;
	bool fds = cb->fp != NULL;

	if (unlikely(fds))
		unix_detach_fds(&r->scm, skb);
	if (cb->consumed < skb->len)
		return 1;
	unix_stream_unlink(r->sk, skb);
	return fds;
}

ssize_t unix_stream_recvmsg(struct socket *sock, struct msghdr *msg, size_t size, int flags)
{
	struct sock *sk = sock->sk;
	struct unix_read r;
	int stop = 0;

	if (unlikely(sk->sk_state != TCP_ESTABLISHED))
		return -EINVAL;
	if (unlikely(flags & MSG_OOB))
		return -EOPNOTSUPP;
	r.sk = sk;
	r.msg = msg;
	r.flags = flags;
	r.timeo = sock_rcvtimeo(sk, flags & MSG_DONTWAIT);
	r.copied = 0;
	r.size = size;
	r.target = (size_t)sock_rcvlowat(sk, flags & MSG_WAITALL,
					 (int)min_t(size_t, size, S32_MAX));
	r.scm.fp = NULL;
	r.have_creds = false;
	r.peeked = NULL;
	mutex_lock(&unix_sk(sk)->iolock);
	do {
		/* Only readers take from the queue, under iolock: what is there stays there. */
		struct sk_buff *skb = READ_ONCE(*(r.peeked ? &r.peeked->next : &sk->sk_receive_queue.next));

		if (skb != (struct sk_buff *)&sk->sk_receive_queue)
			stop = unix_stream_take(&r, skb);
		else
			stop = r.peeked || r.copied >= r.target ? 1 : unix_stream_wait(&r);
	} while (!stop && r.size);
	mutex_unlock(&unix_sk(sk)->iolock);
	if (r.copied || stop >= 0)
		scm_recv(sk, msg, &r.scm, flags);
	return r.copied ? (ssize_t)r.copied : stop < 0 ? stop : 0;
}

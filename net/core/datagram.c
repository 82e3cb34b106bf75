/*
 * net/core/datagram.c - taking whole datagrams off a receive queue, with waiting, peeking and
 * polling.
 *
 * Linux:   net/core/datagram.c (6.1)
 * Same:    readers queue up exclusively, so one datagram wakes one of them; an error comes before
 *          data.
 * Differs: 1. a peek returns a clone (Linux: a second reference), since an skb has one owner here.
 * Locks:   SKQUEUE, WAITQ.
 * Walk:    udp_recvmsg() -> skb_recv_datagram(); sock_poll() -> datagram_poll().
 */
#include "kernel/signal.h"
#include "net/sock.h"

static inline bool connection_based(const struct sock *sk)
{
	return sk->sk_type == SOCK_SEQPACKET || sk->sk_type == SOCK_STREAM;
}

int receiver_wake_function(wait_queue_entry_t *wait, unsigned int mode, int flags, void *key)
{
	if (key && !(key_to_poll(key) & (EPOLLIN | EPOLLERR)))
		return 0;
	return autoremove_wake_function(wait, mode, flags, key);
}

/*
 * Return: the first datagram, taken out of the queue; or a clone of it; or NULL. -ENOMEM in *@err
 * if it could not be cloned.
 */
static inline struct sk_buff *skb_try_recv_datagram(struct sock *sk, unsigned int flags, int *err)
{
	struct sk_buff_head *q = &sk->sk_receive_queue;
	unsigned long irq;

	if (skb_queue_empty(q))
		return NULL;
	spin_lock_irqsave(&q->lock, irq);
	struct sk_buff *skb = skb_peek(q);

	if (skb && flags & MSG_PEEK) {
		skb->peeked = 1;
		skb = skb_clone(skb, GFP_ATOMIC);
		if (!skb)
			*err = -ENOMEM;
	} else if (skb) {
		__skb_unlink(skb, q);
	}
	spin_unlock_irqrestore(&q->lock, irq);
	return skb;
}

/* Why a reader need not wait: -errno; 1: the other side has shut down; 0: it has to. */
static int datagram_stop_reason(struct sock *sk, s64 timeo)
{
	int err = sock_error(sk);

	if (err)
		return err;
	if (READ_ONCE(sk->sk_shutdown) & RCV_SHUTDOWN)
		return 1;
	if (connection_based(sk) && sk->sk_state != TCP_ESTABLISHED && sk->sk_state != TCP_LISTEN)
		return -ENOTCONN;
	if (signal_pending(current))
		return sock_intr_errno(timeo);
	return 0;
}

int skb_wait_for_datagram(struct sock *sk, s64 *timeo)
{
	DEFINE_WAIT_FUNC(wait, receiver_wake_function);

	prepare_to_wait_exclusive(sk_sleep(sk), &wait, TASK_INTERRUPTIBLE);
	int stop = 0;

	if (skb_queue_empty(&sk->sk_receive_queue)) {
		stop = datagram_stop_reason(sk, *timeo);
		smp_rmb(); /* what came before the shutdown is read before the end is reported */
		if (stop > 0 && !skb_queue_empty(&sk->sk_receive_queue))
			stop = 0;
		else if (!stop)
			*timeo = schedule_timeout_ns(*timeo);
	}
	finish_wait(sk_sleep(sk), &wait);
	return stop;
}

struct sk_buff *skb_recv_datagram(struct sock *sk, unsigned int flags, int *err)
{
	*err = sock_error(sk);
	if (unlikely(*err))
		return NULL;
	s64 timeo = sock_rcvtimeo(sk, flags & MSG_DONTWAIT);

	for (;;) {
		bool shut = READ_ONCE(sk->sk_shutdown) & RCV_SHUTDOWN;
		struct sk_buff *skb = skb_try_recv_datagram(sk, flags, err);

		if (skb || *err)
			return skb;
		if (!timeo) {
			*err = shut ? 0 : -EAGAIN;
			return NULL;
		}
		int stop = skb_wait_for_datagram(sk, &timeo);

		if (stop) {
			*err = stop > 0 ? 0 : stop;
			return NULL;
		}
	}
}

void skb_free_datagram(__unused struct sock *sk, struct sk_buff *skb) { consume_skb(skb); }

__poll_t datagram_poll(struct file *file, struct socket *sock, poll_table *wait)
{
	struct sock *sk = sock->sk;
	__poll_t mask = 0;

	sock_poll_wait(file, sock, wait);
	if (READ_ONCE(sk->sk_err) || !skb_queue_empty(&sk->sk_error_queue))
		mask |= EPOLLERR;
	if (READ_ONCE(sk->sk_shutdown) & RCV_SHUTDOWN)
		mask |= EPOLLRDHUP | EPOLLIN | EPOLLRDNORM;
	if (READ_ONCE(sk->sk_shutdown) == SHUTDOWN_MASK)
		mask |= EPOLLHUP;
	if (!skb_queue_empty(&sk->sk_receive_queue))
		mask |= EPOLLIN | EPOLLRDNORM;
	if (connection_based(sk)) {
		if (sk->sk_state == TCP_CLOSE)
			mask |= EPOLLHUP;
		if (sk->sk_state == TCP_SYN_SENT)
			return mask;
	}
	if (sock_writeable(sk))
		mask |= EPOLLOUT | EPOLLWRNORM | EPOLLWRBAND;
	else
		sock_set_flag(sk, SOCK_NOSPACE);
	return mask;
}

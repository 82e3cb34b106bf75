/*
 * net/ipv4/tcp_recvmsg.c - from the receive queue to the user's buffer: the one copy of every byte.
 *
 * Linux:   in net/ipv4/tcp.c (6.1)
 * Same:    low-water mark, MSG_WAITALL, MSG_PEEK, MSG_TRUNC, MSG_OOB, the place of urgent data, when the reader
 *          sends ACKs.
 * Differs: 1. the big loop is cut into "find", "copy" and "wait". 2. no timestamps, no zero copy.
 * Locks:   SOCK_OWNER, given up while waiting.
 * Walk:    inet_recvmsg() -> tcp_recvmsg() -> skb_copy_datagram_iter(), or -> sk_wait_data() -> schedule().
 */
#include "kernel/signal.h"
#include "net/ipv4/tcp.h"

enum { TCP_CM_INQ = TCP_INQ };

/* One call under way. */
struct tcp_recv {
	struct sock *sk;
	struct msghdr *msg;
	int flags;
	size_t len;		/* wanted still */
	size_t target;		/* do not return before this much */
	ssize_t copied;		/* or -errno */
	seq32 *seq;		/* next to read: the sock's, or peek_seq */
	seq32 peek_seq;
	u32 urg_hole;		/* urgent bytes skipped while peeking */
	s64 timeo;
	struct sk_buff *last;	/* the tail of the queue when we looked */
};
enum tcp_recv_step { TCP_RECV_AGAIN, TCP_RECV_END };

/*
 * tcp_cleanup_rbuf - the reader has taken @copied bytes: is an ACK due, or has the window opened enough to say
 * so?
 */
void tcp_cleanup_rbuf(struct sock *sk, int copied)
{
	struct inet_connection_sock *icsk = inet_csk(sk);
	struct tcp_sock *tp = tcp_sk(sk);
	bool time_to_ack = false;

	if (inet_csk_ack_scheduled(sk)) {
		u8 pending = icsk->icsk_ack.pending;
		bool pushed = (pending & ICSK_ACK_PUSHED2) ||
			      ((pending & ICSK_ACK_PUSHED) && !inet_csk_in_pingpong_mode(sk));

		/* More than a segment, or the end of a burst that the reader has emptied. */
		time_to_ack = seq_diff(tp->rcv_nxt, tp->rcv_wup) > (s32)icsk->icsk_ack.rcv_mss ||
			      (copied > 0 && pushed && !sk_rmem_alloc_get(sk));
	}
	if (copied > 0 && !time_to_ack && !(sk->sk_shutdown & RCV_SHUTDOWN)) {
		u32 now = tcp_receive_window(tp);

		if (2 * now <= tp->window_clamp) {
			u32 new_window = __tcp_select_window(sk);

			time_to_ack = new_window && new_window >= 2 * now;
		}
	}
	if (time_to_ack)
		tcp_send_ack(sk);
}

static void tcp_eat_recv_skb(struct sock *sk, struct sk_buff *skb)
{
	__skb_unlink(skb, &sk->sk_receive_queue);
	consume_skb(skb);
}

/* MSG_OOB: the urgent byte. */
static ssize_t tcp_recv_urg(struct sock *sk, struct msghdr *msg, size_t len, int flags)
{
	struct tcp_sock *tp = tcp_sk(sk);

	if (sock_flag(sk, SOCK_URGINLINE) || !tp->urg_data || tp->urg_data == TCP_URG_READ)
		return -EINVAL;
	if (sk->sk_state == TCP_CLOSE && !sock_flag(sk, SOCK_DONE))
		return -ENOTCONN;
	if (tp->urg_data & TCP_URG_VALID) {
		u8 byte = (u8)tp->urg_data;

		if (!(flags & MSG_PEEK))
			WRITE_ONCE(tp->urg_data, TCP_URG_READ);
		msg->msg_flags |= MSG_OOB;
		if (!len) {
			msg->msg_flags |= MSG_TRUNC;
			return 0;
		}
		if (!(flags & MSG_TRUNC) && copy_to_iter(&byte, 1, &msg->msg_iter) != 1)
			return -EFAULT;
		return 1;
	}
	if (sk->sk_state == TCP_CLOSE || (sk->sk_shutdown & RCV_SHUTDOWN))
		return 0;
	return -EAGAIN;
}

/* The skb that holds byte *r->seq, or its FIN; NULL: not there yet. */
static struct sk_buff *tcp_recv_find(struct tcp_recv *r, u32 *offset)
{
	struct sk_buff *skb;

	r->last = skb_peek_tail(&r->sk->sk_receive_queue);
	skb_queue_walk(&r->sk->sk_receive_queue, skb) {
		if (WARN_ON_ONCE(seq_before(*r->seq, TCP_SKB_CB(skb)->seq)))
			return NULL;
		*offset = (u32)seq_diff(*r->seq, TCP_SKB_CB(skb)->seq);
		if (*offset < skb->len || (TCP_SKB_CB(skb)->tcp_flags & TCPHDR_FIN))
			return skb;
	}
	return NULL;
}

/*
 * Up to the urgent byte, or past it. Return: how many of @used bytes may be copied; *@offset moves past the
 * urgent byte.
 */
static u32 tcp_recv_around_urg(struct tcp_recv *r, u32 used, u32 *offset)
{
	struct tcp_sock *tp = tcp_sk(r->sk);
	u32 urg_offset = (u32)seq_diff(tp->urg_seq, *r->seq);

	if (urg_offset >= used)
		return used;
	if (urg_offset)
		return urg_offset;
	if (sock_flag(r->sk, SOCK_URGINLINE))
		return used;
	*r->seq = seq_add(*r->seq, 1);
	r->urg_hole++;
	(*offset)++;
	return used - 1;
}

/* Copy from @skb, and drop it if that was all. */
static enum tcp_recv_step tcp_recv_copy(struct tcp_recv *r, struct sk_buff *skb, u32 offset)
{
	struct tcp_sock *tp = tcp_sk(r->sk);
	u32 used = (u32)min_t(size_t, skb->len - offset, r->len);

	if (unlikely(tp->urg_data))
		used = tcp_recv_around_urg(r, used, &offset);
	if (used) {
		if (!(r->flags & MSG_TRUNC) && skb_copy_datagram_iter(skb, offset, &r->msg->msg_iter, used)) {
			if (!r->copied)
				r->copied = -EFAULT;
			return TCP_RECV_END;
		}
		WRITE_ONCE(r->seq->v, r->seq->v + used);
		r->copied += used;
		r->len -= used;
		tcp_rcv_space_adjust(r->sk);
	}
	if (unlikely(tp->urg_data) && seq_after(*r->seq, tp->urg_seq)) {
		WRITE_ONCE(tp->urg_data, 0);
		tcp_fast_path_check(r->sk);
	}
	if (used + offset < skb->len)
		return TCP_RECV_AGAIN;
	if (TCP_SKB_CB(skb)->tcp_flags & TCPHDR_FIN) {
		/* The FIN has a sequence number of its own. */
		WRITE_ONCE(r->seq->v, r->seq->v + 1);
		if (!(r->flags & MSG_PEEK))
			tcp_eat_recv_skb(r->sk, skb);
		return TCP_RECV_END;
	}
	if (!(r->flags & MSG_PEEK))
		tcp_eat_recv_skb(r->sk, skb);
	return TCP_RECV_AGAIN;
}

/* Nothing more to copy: is there a reason not to wait? */
static enum tcp_recv_step tcp_recv_may_wait(struct tcp_recv *r)
{
	struct sock *sk = r->sk;

	if (r->copied) {
		if (!r->timeo || sk->sk_err || sk->sk_state == TCP_CLOSE || (sk->sk_shutdown & RCV_SHUTDOWN) ||
		    signal_pending(current))
			return TCP_RECV_END;
		return TCP_RECV_AGAIN;
	}
	if (sock_flag(sk, SOCK_DONE))
		return TCP_RECV_END;
	if (sk->sk_err)
		r->copied = sock_error(sk);
	else if (sk->sk_shutdown & RCV_SHUTDOWN)
		return TCP_RECV_END;
	else if (sk->sk_state == TCP_CLOSE)
		r->copied = -ENOTCONN;	/* never connected */
	else if (!r->timeo)
		r->copied = -EAGAIN;
	else if (signal_pending(current))
		r->copied = sock_intr_errno(r->timeo);
	else
		return TCP_RECV_AGAIN;
	return TCP_RECV_END;
}

/* Wait for more, or let the backlog in. */
static void tcp_recv_wait(struct tcp_recv *r)
{
	struct tcp_sock *tp = tcp_sk(r->sk);

	if (r->copied >= (ssize_t)r->target) {
		release_sock(r->sk);
		lock_sock(r->sk);
	} else {
		tcp_cleanup_rbuf(r->sk, (int)r->copied);
		sk_wait_data(r->sk, &r->timeo, r->last);
	}
	/* Another reader took what we are peeking at. */
	if ((r->flags & MSG_PEEK) && r->peek_seq.v - (u32)r->copied - r->urg_hole != tp->copied_seq.v)
		r->peek_seq = tp->copied_seq;
}

static void tcp_recv_loop(struct tcp_recv *r)
{
	struct tcp_sock *tp = tcp_sk(r->sk);

	do {
		struct sk_buff *skb;
		u32 offset;

		/* Stop before the urgent byte if there is something to return. */
		if (unlikely(tp->urg_data) && seq_eq(tp->urg_seq, *r->seq)) {
			if (r->copied)
				break;
			if (signal_pending(current)) {
				r->copied = r->timeo ? sock_intr_errno(r->timeo) : -EAGAIN;
				break;
			}
		}
		skb = tcp_recv_find(r, &offset);
		if (skb) {
			if (tcp_recv_copy(r, skb, offset) == TCP_RECV_END)
				break;
			continue;
		}
		if (r->copied >= (ssize_t)r->target && !READ_ONCE(r->sk->sk_backlog.tail))
			break;
		if (tcp_recv_may_wait(r) == TCP_RECV_END)
			break;
		tcp_recv_wait(r);
	} while (r->len);
}

static void tcp_recv_begin(struct tcp_recv *r)
{
	struct tcp_sock *tp = tcp_sk(r->sk);

	r->timeo = sock_rcvtimeo(r->sk, r->flags & MSG_DONTWAIT);
	r->target = (size_t)sock_rcvlowat(r->sk, r->flags & MSG_WAITALL, (int)min_t(size_t, r->len, S32_MAX));
	r->seq = &tp->copied_seq;
	if (r->flags & MSG_PEEK) {
		r->peek_seq = tp->copied_seq;
		r->seq = &r->peek_seq;
	}
}

/*
 * tcp_recvmsg - the proto's recvmsg(). Return: bytes, 0 at the end, or -errno. Context: task, sock not owned.
 */
ssize_t tcp_recvmsg(struct sock *sk, struct msghdr *msg, size_t len, int flags, int *addr_len)
{
	struct tcp_recv r = { .sk = sk, .msg = msg, .flags = flags, .len = len };
	int inq = -1;

	(void)addr_len;		/* TCP has one peer: no name comes with data */
	if (unlikely(flags & MSG_ERRQUEUE))
		return -EAGAIN;	/* TCP queues no errors */
	lock_sock(sk);
	trace(tcp_recvmsg, len);
	if (unlikely(sk->sk_state == TCP_LISTEN)) {
		r.copied = -ENOTCONN;
	} else if (unlikely(flags & MSG_OOB)) {
		r.copied = tcp_recv_urg(sk, msg, len, flags);
	} else {
		tcp_recv_begin(&r);
		tcp_recv_loop(&r);
		tcp_cleanup_rbuf(sk, r.copied > 0 ? (int)r.copied : 0);
	}
	if (tcp_sk(sk)->recvmsg_inq && r.copied >= 0)
		inq = tcp_inq(sk);
	release_sock(sk);
	if (inq >= 0 && put_cmsg(msg, SOL_TCP, TCP_CM_INQ, sizeof(inq), &inq))
		return -EFAULT;
	return r.copied;
}

/*
 * net/ipv4/tcp_sendmsg.c - from the user's bytes to the queue of unsent data.
 *
 * Linux:   in net/ipv4/tcp.c (6.1)
 * Same:    bytes go to the tail of the queue while it has room, then into a new skb; skbs are as large as one
 *          GSO packet; pushing when half the peer's window is written; waiting for room; MSG_MORE, MSG_EOR,
 *          MSG_OOB.
 * Differs: 1. a small write is copied behind the headers, a large one into pages of the sock (Linux: of the
 *             task).
 *          2. no zero copy, no fast open, no autocorking.
 * Locks:   SOCK_OWNER.
 * Walk:    inet_sendmsg() -> tcp_sendmsg() -> tcp_push() -> tcp_write_xmit().
 */
#include "kernel/signal.h"
#include "net/ipv4/tcp.h"

/* Up to here bytes are linear: one segment of an Ethernet, in the head that netdev_alloc_skb() uses too. */
enum { TCP_LINEAR_MAX = 1460 };

/*
 * A page with room for user bytes. Between calls it waits at its CPU for whoever writes next: a connection that is
 * idle holds none.
 */
struct tcp_page_frag { struct page *page; u32 off, size; };
static DEFINE_PER_CPU(struct tcp_page_frag, tcp_spare_frag);

/* One call under way. */
struct tcp_send {
	struct sock *sk;
	struct msghdr *msg;
	int flags;
	unsigned int mss_now;
	u32 size_goal;
	s64 timeo;
	size_t copied;
	struct tcp_page_frag frag;
};

static void tcp_send_mss(struct tcp_send *s)
{
	struct tcp_sock *tp = tcp_sk(s->sk);
	u32 goal = TCP_GSO_MAX_SIZE, half = max(tp->max_window >> 1, 1U);

	s->mss_now = tcp_current_mss(s->sk);
	if ((s->flags & MSG_OOB) || !tcp_can_gso(s->sk)) {
		s->size_goal = s->mss_now;
		return;
	}
	if (tp->max_window && goal > half)
		goal = half;
	s->size_goal = max(goal / s->mss_now * s->mss_now, s->mss_now);
}

static bool forced_push(const struct tcp_sock *tp)
{
	return seq_after(tp->write_seq, seq_add(tp->pushed_seq, tp->max_window >> 1));
}

static void tcp_mark_push(struct tcp_sock *tp, struct sk_buff *skb)
{
	TCP_SKB_CB(skb)->tcp_flags |= TCPHDR_PSH;
	tp->pushed_seq = tp->write_seq;
}

/* tcp_push - what is queued may go, as far as Nagle, MSG_MORE and the windows allow. */
static void tcp_push(struct tcp_send *s, int flags, int nonagle)
{
	struct tcp_sock *tp = tcp_sk(s->sk);
	struct sk_buff *skb = tcp_write_queue_tail(s->sk);

	trace(tcp_push);
	if (!skb)
		return;
	if (!(flags & MSG_MORE) || forced_push(tp))
		tcp_mark_push(tp, skb);
	if (flags & MSG_OOB) {
		tp->snd_up = tp->write_seq;
		tp->snd_urg = true;
	}
	if (flags & MSG_MORE)
		nonagle = TCP_NAGLE_CORK;
	__tcp_push_pending_frames(s->sk, s->mss_now, nonagle);
}

/* An skb that was queued and got no byte is taken back: it would be sent as an empty segment. */
static void tcp_remove_empty_skb(struct sock *sk)
{
	struct sk_buff *skb = tcp_write_queue_tail(sk);

	if (!skb || !seq_eq(TCP_SKB_CB(skb)->seq, TCP_SKB_CB(skb)->end_seq))
		return;
	__skb_unlink(skb, &sk->sk_write_queue);
	tcp_wmem_free_skb(sk, skb);
}

/* The CPU's spare becomes the call's. */
static void tcp_page_frag_take(struct tcp_page_frag *frag)
{
	struct tcp_page_frag *spare;

	preempt_disable();
	spare = this_cpu_ptr(&tcp_spare_frag);
	*frag = *spare;
	spare->page = NULL;
	preempt_enable();
}

/* The call ends: what is left of its page is the CPU's spare, if it has none. */
static void tcp_page_frag_give(struct tcp_page_frag *frag)
{
	struct tcp_page_frag *spare;

	preempt_disable();
	spare = this_cpu_ptr(&tcp_spare_frag);
	if (!spare->page) {
		*spare = *frag;
		frag->page = NULL;
	}
	preempt_enable();
	if (frag->page)
		put_page(frag->page);
}

/* A page with room in it; large writes get large blocks. False: no memory. */
static bool tcp_page_frag_refill(struct tcp_page_frag *frag, size_t left)
{
	unsigned int order = left >= 8 * PAGE_SIZE ? 3 : left >= 2 * PAGE_SIZE ? 1 : 0;

	if (!frag->page)
		tcp_page_frag_take(frag);
	if (frag->page && frag->off < frag->size)
		return true;
	if (frag->page)
		put_page(frag->page);
	frag->page = alloc_pages(GFP_KERNEL, order);
	if (!frag->page && order) {
		order = 0;
		frag->page = alloc_page(GFP_KERNEL);
	}
	frag->off = 0;
	frag->size = (u32)PAGE_SIZE << order;
	return frag->page;
}

/* Can the page be appended to @skb, as a longer last fragment or as a new one? */
static bool tcp_frag_fits(const struct tcp_page_frag *frag, const struct sk_buff *skb, bool *merge)
{
	const struct skb_shared_info *si = skb_shinfo(skb);
	const skb_frag_t *last = &si->frags[si->nr_frags - 1];

	*merge = si->nr_frags && last->page == frag->page && last->off + last->size == frag->off;
	return *merge || si->nr_frags < MAX_SKB_FRAGS;
}

/* Copy @copy bytes at most into pages of @skb. Return: bytes copied; 0: @skb is full; -ENOMEM, -EFAULT. */
static int tcp_copy_to_frags(struct tcp_send *s, struct sk_buff *skb, size_t copy)
{
	struct tcp_page_frag *frag = &s->frag;
	bool merge;

	if (!tcp_page_frag_refill(frag, iov_iter_count(&s->msg->msg_iter)))
		return -ENOMEM;
	if (!tcp_frag_fits(frag, skb, &merge))
		return 0;
	copy = min_t(size_t, copy, frag->size - frag->off);
	copy = tcp_wmem_schedule(s->sk, (u32)copy);
	if (!copy)
		return -ENOMEM;
	if (!copy_from_iter_full((char *)page_address(frag->page) + frag->off, copy, &s->msg->msg_iter))
		return -EFAULT;
	if (merge) {
		skb_shinfo(skb)->frags[skb_shinfo(skb)->nr_frags - 1].size += (u32)copy;
	} else {
		get_page(frag->page);
		skb_fill_page_desc(skb, skb_shinfo(skb)->nr_frags, frag->page, frag->off, (u32)copy);
	}
	frag->off += (u32)copy;
	skb->len += (u32)copy;
	skb->data_len += (u32)copy;
	skb->truesize += (u32)copy;
	s->sk->sk_wmem_queued += (int)copy;
	s->sk->sk_forward_alloc -= (int)copy;
	return (int)copy;
}

/* Copy into the tail @skb. Return as tcp_copy_to_frags(). */
static int tcp_copy_to_skb(struct tcp_send *s, struct sk_buff *skb, size_t copy)
{
	u32 room = skb_tailroom(skb);

	if (skb_is_nonlinear(skb) || !room)
		return tcp_copy_to_frags(s, skb, copy);
	/* A large write does not begin in the few bytes behind the headers. */
	if (!skb->len && copy > TCP_LINEAR_MAX)
		return tcp_copy_to_frags(s, skb, copy);
	copy = min_t(size_t, copy, room);
	if (!copy_from_iter_full(skb->tail, copy, &s->msg->msg_iter))
		return -EFAULT;
	skb_put(skb, (u32)copy);
	return (int)copy;
}

/* The tail, if it can take more, or a new skb. NULL: no room, or no memory. */
static struct sk_buff *tcp_send_tail(struct tcp_send *s)
{
	struct sk_buff *skb = tcp_write_queue_tail(s->sk);
	size_t left = iov_iter_count(&s->msg->msg_iter);

	if (skb && skb->len < s->size_goal && !TCP_SKB_CB(skb)->eor)
		return skb;
	if (!tcp_stream_memory_free(s->sk, 0))
		return NULL;
	skb = tcp_stream_alloc_skb(s->sk, left <= TCP_LINEAR_MAX ? (u32)left : 0, GFP_KERNEL);
	if (skb)
		tcp_skb_entail(s->sk, skb);
	return skb;
}

static int tcp_send_wait(struct tcp_send *s)
{
	int err;

	sock_set_flag(s->sk, SOCK_NOSPACE);
	tcp_remove_empty_skb(s->sk);
	if (s->copied)
		tcp_push(s, s->flags & ~MSG_MORE, TCP_NAGLE_PUSH);
	err = tcp_wait_memory(s->sk, &s->timeo);
	if (!err)
		tcp_send_mss(s);
	return err;
}

/* Bytes have been added to @skb: large enough to be sent while we go on copying? */
static void tcp_send_progress(struct tcp_send *s, struct sk_buff *skb, u32 n)
{
	struct tcp_sock *tp = tcp_sk(s->sk);

	if (!s->copied)
		TCP_SKB_CB(skb)->tcp_flags &= (u8)~TCPHDR_PSH;
	WRITE_ONCE(tp->write_seq.v, tp->write_seq.v + n);
	TCP_SKB_CB(skb)->end_seq = seq_add(TCP_SKB_CB(skb)->end_seq, n);
	TCP_SKB_CB(skb)->gso_segs = 0;
	s->copied += n;
	if (!iov_iter_count(&s->msg->msg_iter)) {
		TCP_SKB_CB(skb)->eor = s->flags & MSG_EOR;
		return;
	}
	if (skb->len < s->size_goal || (s->flags & MSG_OOB))
		return;
	if (forced_push(tp)) {
		tcp_mark_push(tp, skb);
		__tcp_push_pending_frames(s->sk, s->mss_now, TCP_NAGLE_PUSH);
	} else if (skb == tcp_send_head(s->sk)) {
		tcp_push_one(s->sk, s->mss_now);
	}
}

/* 0, or the error that ended it; what was copied before counts. */
static int tcp_send_loop(struct tcp_send *s)
{
	struct sock *sk = s->sk;

	if (sk->sk_err || (sk->sk_shutdown & SEND_SHUTDOWN))
		return -EPIPE;
	while (iov_iter_count(&s->msg->msg_iter)) {
		struct sk_buff *skb = tcp_send_tail(s);
		int n = -ENOMEM;

		if (skb) {
			n = tcp_copy_to_skb(
				s, skb,
				min_t(size_t, s->size_goal - skb->len, iov_iter_count(&s->msg->msg_iter)));
			if (n > 0) {
				tcp_send_progress(s, skb, (u32)n);
				continue;
			}
			if (!n) {
				/* All fragments are used: no more into this one. */
				TCP_SKB_CB(skb)->eor = true;
				tcp_mark_push(tcp_sk(sk), skb);
				continue;
			}
			if (n == -EFAULT)
				return n;
		}
		n = tcp_send_wait(s);
		if (n)
			return n;
	}
	return 0;
}

/* What a write that moved nothing returns. EPIPE comes with a signal unless told otherwise. */
static int tcp_send_error(struct sock *sk, int flags, int err)
{
	if (err == -EPIPE) {
		int e = sock_error(sk);

		err = e ? e : -EPIPE;
	}
	if (err == -EPIPE && !(flags & MSG_NOSIGNAL))
		(void)send_sig(SIGPIPE, current);
	/*
	 * Edge-triggered pollers that got -EAGAIN with nothing in flight would wait for an ACK that never
	 * comes.
	 */
	if (err == -EAGAIN && tcp_rtx_queue_empty(sk) && !tcp_send_head(sk))
		sk->sk_write_space(sk);
	return err;
}

/* tcp_sendmsg - the proto's sendmsg(). Return: bytes taken, or -errno. Context: task, sock not owned. */
ssize_t tcp_sendmsg(struct sock *sk, struct msghdr *msg, size_t len)
{
	struct tcp_send s = { .sk = sk, .msg = msg, .flags = (int)msg->msg_flags };
	ssize_t ret;
	int err = 0;

	if (unlikely(s.flags & MSG_FASTOPEN))
		return -EOPNOTSUPP;
	lock_sock(sk);
	trace(tcp_sendmsg, len);
	s.timeo = sock_sndtimeo(sk, s.flags & MSG_DONTWAIT);
	if (unlikely(!(TCPF(sk->sk_state) & (TCPF_ESTABLISHED | TCPF_CLOSE_WAIT))))
		err = tcp_wait_connect(sk, &s.timeo);
	if (!err) {
		tcp_mstamp_refresh(tcp_sk(sk));
		tcp_send_mss(&s);
		err = tcp_send_loop(&s);
	}
	if (err)
		tcp_remove_empty_skb(sk);
	if (s.copied)
		tcp_push(&s, s.flags, tcp_sk(sk)->nonagle);
	ret = s.copied ? (ssize_t)s.copied : err ? tcp_send_error(sk, s.flags, err) : 0;
	if (s.frag.page)
		tcp_page_frag_give(&s.frag);
	tcp_assert_invariants(sk);
	release_sock(sk);
	return ret;
}

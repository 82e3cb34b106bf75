/*
 * net/ipv4/tcp_reassembly.c - the text of segments: in order for the reader, out of order for later, within
 * bounds.
 *
 * Linux:   tcp_data_queue() and its helpers in net/ipv4/tcp_input.c (6.1)
 * Same:    RFC 9293 3.10.7.4, seventh and eighth check; out-of-order segments in a red-black tree; SACK blocks,
 *          the newest first (RFC 2018 4), DSACK (RFC 2883); when the buffer is full small skbs are copied
 *          together and, if that does not help, out-of-order data is given up, the highest first.
 * Differs: 1. only bytes that fit the tail's free room are merged on arrival: pages are never moved between
 *             skbs.
 *          2. the out-of-order tree is not copied together.
 * Locks:   the sock's owner, or its slock in softirq.
 * Walk:    tcp_rcv_established() -> tcp_data_queue() -> tcp_queue_rcv() -> tcp_data_ready() ->
 *          sock_def_readable().
 */
#include "net/ipv4/tcp.h"

/* --- SACK blocks */

static bool tcp_sack_extend(struct tcp_sack_block *sp, seq32 seq, seq32 end_seq)
{
	if (seq_after(seq, sp->end) || seq_after(sp->start, end_seq))
		return false;
	sp->start = seq_min(seq, sp->start);
	sp->end = seq_max(end_seq, sp->end);
	return true;
}

static void tcp_dsack_set(struct tcp_sock *tp, seq32 seq, seq32 end_seq)
{
	if (!tcp_is_sack(tp) || !tcp_sysctl.dsack)
		return;
	tp->have_dsack = true;
	tp->duplicate_sack[0] = (struct tcp_sack_block){ seq, end_seq };
}

static void tcp_dsack_extend(struct tcp_sock *tp, seq32 seq, seq32 end_seq)
{
	if (!tp->have_dsack)
		tcp_dsack_set(tp, seq, end_seq);
	else
		tcp_sack_extend(tp->duplicate_sack, seq, end_seq);
}

static void tcp_sack_drop(struct tcp_sock *tp, int i)
{
	tp->num_sacks--;
	memmove(&tp->selective_acks[i], &tp->selective_acks[i + 1],
		(size_t)(tp->num_sacks - i) * sizeof(tp->selective_acks[0]));
}

/* New out-of-order data: its block comes first, merged with the ones it touches. */
static void tcp_sack_new_ofo_skb(struct tcp_sock *tp, seq32 seq, seq32 end_seq)
{
	struct tcp_sack_block block = { seq, end_seq };

	for (int i = 0; i < tp->num_sacks; i++) {
		if (tcp_sack_extend(&block, tp->selective_acks[i].start, tp->selective_acks[i].end))
			tcp_sack_drop(tp, i--);
	}
	if (tp->num_sacks == TCP_MAX_SACKS)
		tp->num_sacks--;
	memmove(&tp->selective_acks[1], &tp->selective_acks[0], tp->num_sacks * sizeof(block));
	tp->selective_acks[0] = block;
	tp->num_sacks++;
}

/* rcv_nxt has moved: blocks below it are acknowledged. */
static void tcp_sack_remove(struct tcp_sock *tp)
{
	if (!tp->out_of_order_queue.rb_node) {
		tp->num_sacks = 0;
		return;
	}
	for (int i = 0; i < tp->num_sacks; i++) {
		if (!seq_before(tp->rcv_nxt, tp->selective_acks[i].start))
			tcp_sack_drop(tp, i--);
	}
}

void tcp_send_dupack(struct sock *sk, const struct sk_buff *skb)
{
	struct tcp_sock *tp = tcp_sk(sk);
	const struct tcp_skb_cb *cb = TCP_SKB_CB(skb);

	if (!seq_eq(cb->end_seq, cb->seq) && seq_before(cb->seq, tp->rcv_nxt)) {
		tcp_enter_quickack_mode(sk, TCP_MAX_QUICKACKS);
		tcp_dsack_set(tp, cb->seq, seq_min(cb->end_seq, tp->rcv_nxt));
	}
	tcp_send_ack(sk);
}

/* --- memory */

static void tcp_ofo_erase(struct tcp_sock *tp, struct sk_buff *skb)
{
	if (tp->ooo_last_skb == skb)
		tp->ooo_last_skb = rb_entry_safe(rb_prev(&skb->rbnode), struct sk_buff, rbnode);
	rb_erase(&skb->rbnode, &tp->out_of_order_queue);
}

/* tcp_ofo_purge - nothing after this can be in order. */
void tcp_ofo_purge(struct sock *sk)
{
	struct tcp_sock *tp = tcp_sk(sk);
	struct sk_buff *skb;

	while ((skb = tp->ooo_last_skb) != NULL) {
		tcp_ofo_erase(tp, skb);
		kfree_skb(skb, SKB_DROP_REASON_SOCKET_CLOSED);
	}
	tp->num_sacks = 0;
	tp->have_dsack = false;
}

/*
 * Give up out-of-order data, the highest first: it is the last that will be needed. Return: true if there was
 * some.
 */
static bool tcp_prune_ofo_queue(struct sock *sk)
{
	struct tcp_sock *tp = tcp_sk(sk);
	struct sk_buff *skb;

	if (!tp->ooo_last_skb)
		return false;
	do {
		skb = tp->ooo_last_skb;
		tcp_ofo_erase(tp, skb);
		kfree_skb(skb, SKB_DROP_REASON_TCP_OFO_QUEUE_PRUNE);
	} while (tp->ooo_last_skb && sk_rmem_alloc_get(sk) > READ_ONCE(sk->sk_rcvbuf));
	/* What was SACKed is not all here any more (RFC 2018 8 allows that). */
	tp->num_sacks = 0;
	return true;
}

/*
 * Copy from @skb on as many neighbours as fit @room bytes into @to; they are gone then. Return: the first left
 * alone.
 */
static struct sk_buff *tcp_collapse_into(struct sock *sk, struct sk_buff *to, struct sk_buff *skb, u32 room)
{
	struct sk_buff_head *q = &sk->sk_receive_queue;

	while (skb != (struct sk_buff *)q) {
		struct sk_buff *next = skb->next;
		struct tcp_skb_cb *cb = TCP_SKB_CB(skb);
		u32 skip = 0;

		if (to->len)
			skip = (u32)seq_diff(TCP_SKB_CB(to)->end_seq, cb->seq);
		if ((cb->tcp_flags & (TCPHDR_SYN | TCPHDR_FIN)) || skb->len - skip > room)
			break;
		if (skb_copy_bits(skb, skip, skb_put(to, skb->len - skip), skb->len - skip))
			BUG();
		room -= skb->len - skip;
		if (to->len == skb->len - skip)
			TCP_SKB_CB(to)->seq = cb->seq;
		TCP_SKB_CB(to)->end_seq = cb->end_seq;
		__skb_unlink(skb, q);
		consume_skb(skb);
		skb = next;
	}
	return skb;
}

/* Would copying @skb and its followers into one skb of @room bytes free memory? */
static bool tcp_collapse_pays(const struct sk_buff *skb, const struct sk_buff_head *q, u32 room)
{
	u32 len = 0, truesize = 0;

	for (; skb != (const struct sk_buff *)q && len + skb->len <= room; skb = skb->next) {
		if (TCP_SKB_CB(skb)->tcp_flags & (TCPHDR_SYN | TCPHDR_FIN))
			break;
		len += skb->len;
		truesize += skb->truesize;
	}
	return truesize > SKB_TRUESIZE(room) + SKB_TRUESIZE(room) / 4;
}

/* Small skbs in the receive queue are copied together: the bytes stay, the overhead goes. */
static void tcp_collapse(struct sock *sk)
{
	struct sk_buff_head *q = &sk->sk_receive_queue;
	struct sk_buff *skb = q->next;
	const u32 room = 3 * 1024;

	while (skb != (struct sk_buff *)q) {
		struct sk_buff *to;

		if (!tcp_collapse_pays(skb, q, room)) {
			skb = skb->next;
			continue;
		}
		to = alloc_skb(room, GFP_ATOMIC);
		if (!to)
			return;
		memcpy(to->cb, skb->cb, sizeof(struct tcp_skb_cb));
		TCP_SKB_CB(to)->end_seq = TCP_SKB_CB(to)->seq;
		to->id = skb->id;
		__skb_insert(to, skb->prev, skb, q);
		skb = tcp_collapse_into(sk, to, skb, room);
		tcp_mem_force(sk, to->truesize);
		tcp_skb_set_owner_r(to, sk);
	}
}

/* More is coming than the buffer was meant for: allow it to what the system allows, or close the window. */
static void tcp_clamp_window(struct sock *sk)
{
	struct tcp_sock *tp = tcp_sk(sk);
	int used = sk_rmem_alloc_get(sk);

	inet_csk(sk)->icsk_ack.quick = 0;
	if (READ_ONCE(sk->sk_rcvbuf) < tcp_sysctl.rmem[2] && !(sk->sk_userlocks & SOCK_RCVBUF_LOCK) &&
	    !tcp_under_memory_pressure())
		WRITE_ONCE(sk->sk_rcvbuf, min(used, tcp_sysctl.rmem[2]));
	if (used > READ_ONCE(sk->sk_rcvbuf))
		tp->rcv_ssthresh = min(tp->window_clamp, 2U * tp->advmss);
}

/* Return: 0 if the buffer is within its limit now, -ENOBUFS if nothing helps. */
static int tcp_prune_queue(struct sock *sk)
{
	struct tcp_sock *tp = tcp_sk(sk);

	if (sk_rmem_alloc_get(sk) >= READ_ONCE(sk->sk_rcvbuf))
		tcp_clamp_window(sk);
	else if (tcp_under_memory_pressure())
		tp->rcv_ssthresh = min(tp->rcv_ssthresh, 4U * tp->advmss);
	if (sk_rmem_alloc_get(sk) <= READ_ONCE(sk->sk_rcvbuf))
		return 0;
	tcp_collapse(sk);
	if (sk_rmem_alloc_get(sk) <= READ_ONCE(sk->sk_rcvbuf))
		return 0;
	tcp_prune_ofo_queue(sk);
	if (sk_rmem_alloc_get(sk) <= READ_ONCE(sk->sk_rcvbuf))
		return 0;
	tp->pred_flags = 0;
	return -ENOBUFS;
}

/* Room for @size bytes in the receive buffer, making it if need be. 0 or -ENOBUFS. */
static int tcp_try_rmem_schedule(struct sock *sk, u32 size)
{
	if (likely(sk_rmem_alloc_get(sk) <= READ_ONCE(sk->sk_rcvbuf) && tcp_mem_charge(sk, size)))
		return 0;
	if (tcp_prune_queue(sk))
		return -ENOBUFS;
	while (!tcp_mem_charge(sk, size)) {
		if (!tcp_prune_ofo_queue(sk))
			return -ENOBUFS;
	}
	return 0;
}

/* --- the receive queue */

/* tcp_data_ready - tell readers, if what is there is as much as they asked for. */
void tcp_data_ready(struct sock *sk)
{
	trace(tcp_data_ready, this_cpu_read(trace_current_skb));
	if (tcp_epollin_ready(sk, READ_ONCE(sk->sk_rcvlowat)) || sock_flag(sk, SOCK_DONE))
		sk->sk_data_ready(sk);
}

static void tcp_rcv_nxt_update(struct tcp_sock *tp, seq32 seq)
{
	tp->bytes_received += (u32)seq_diff(seq, tp->rcv_nxt);
	WRITE_ONCE(tp->rcv_nxt.v, seq.v);
}

/*
 * Do the bytes of @skb fit behind those of @tail? A small copy is cheaper than an skb of its own in the queue.
 */
static bool tcp_try_coalesce(struct sk_buff *tail, const struct sk_buff *skb)
{
	if (!tail || skb->len > skb_tailroom(tail) || skb->len > 512 || skb_cloned(tail) ||
	    !seq_eq(TCP_SKB_CB(tail)->end_seq, TCP_SKB_CB(skb)->seq) ||
	    (TCP_SKB_CB(skb)->tcp_flags & TCPHDR_FIN))
		return false;
	if (skb_copy_bits(skb, 0, skb_put(tail, skb->len), skb->len))
		BUG();
	TCP_SKB_CB(tail)->end_seq = TCP_SKB_CB(skb)->end_seq;
	return true;
}

bool tcp_queue_rcv(struct sock *sk, struct sk_buff *skb)
{
	bool eaten = tcp_try_coalesce(skb_peek_tail(&sk->sk_receive_queue), skb);

	trace(tcp_queue_rcv, skb->id, skb->len);
	tcp_rcv_nxt_update(tcp_sk(sk), TCP_SKB_CB(skb)->end_seq);
	if (!eaten) {
		tcp_skb_set_owner_r(skb, sk);
		__skb_queue_tail(&sk->sk_receive_queue, skb);
	}
	return eaten;
}

/* tcp_fin - the peer has no more to say: the eighth check, and the half of close that is not ours. */
void tcp_fin(struct sock *sk)
{
	inet_csk_schedule_ack(sk);
	WRITE_ONCE(sk->sk_shutdown, sk->sk_shutdown | RCV_SHUTDOWN);
	sock_set_flag(sk, SOCK_DONE);
	switch (sk->sk_state) {
	case TCP_SYN_RECV:
	case TCP_ESTABLISHED:
		tcp_set_state(sk, TCP_CLOSE_WAIT, TCP_EV_FIN);
		inet_csk_enter_pingpong_mode(sk);
		break;
	case TCP_FIN_WAIT1:
		/* Both closed at once: our FIN is not acknowledged yet. */
		tcp_send_ack(sk);
		tcp_set_state(sk, TCP_CLOSING, TCP_EV_FIN);
		break;
	case TCP_FIN_WAIT2:
		tcp_send_ack(sk);
		tcp_time_wait(sk, TCP_TIME_WAIT, 0);
		break;
	default:
		break;	/* CLOSE_WAIT, CLOSING, LAST_ACK: the FIN again */
	}
	/* Nothing can follow a FIN. */
	tcp_ofo_purge(sk);
	if (!sock_flag(sk, SOCK_DEAD))
		sk->sk_state_change(sk);
}

/* The hole before the first out-of-order segment may be closed: move what has become in order. */
static void tcp_ofo_queue(struct sock *sk)
{
	struct tcp_sock *tp = tcp_sk(sk);
	struct rb_node *p;

	while ((p = rb_first(&tp->out_of_order_queue)) != NULL) {
		struct sk_buff *skb = rb_entry(p, struct sk_buff, rbnode);
		struct tcp_skb_cb *cb = TCP_SKB_CB(skb);
		bool fin = cb->tcp_flags & TCPHDR_FIN;

		if (seq_after(cb->seq, tp->rcv_nxt))
			break;
		if (seq_before(cb->seq, tp->rcv_nxt))
			tcp_dsack_extend(tp, cb->seq, seq_min(cb->end_seq, tp->rcv_nxt));
		tcp_ofo_erase(tp, skb);
		if (!seq_after(cb->end_seq, tp->rcv_nxt)) {
			kfree_skb(skb, SKB_DROP_REASON_TCP_OFOMERGE);
			continue;
		}
		tcp_rcv_nxt_update(tp, cb->end_seq);
		/* Charged to the buffer already, in whichever queue it is. */
		__skb_queue_tail(&sk->sk_receive_queue, skb);
		if (fin) {
			tcp_fin(sk);
			break;
		}
	}
}

/* --- out of order */

/* Where in the tree [seq, end) belongs. Return: true if all of it is there already. */
static bool tcp_ofo_find(struct tcp_sock *tp, const struct tcp_skb_cb *cb, struct rb_node **parent,
			 struct rb_node ***link)
{
	struct rb_node **p = &tp->out_of_order_queue.rb_node;
	struct sk_buff *last = tp->ooo_last_skb;

	*parent = NULL;
	/* Most often it goes to the end. */
	if (last && seq_after(cb->seq, TCP_SKB_CB(last)->seq)) {
		*parent = &last->rbnode;
		*link = &last->rbnode.rb_right;
		return !seq_after(cb->end_seq, TCP_SKB_CB(last)->end_seq);
	}
	while (*p) {
		const struct tcp_skb_cb *cb1 = TCP_SKB_CB(rb_entry(*p, struct sk_buff, rbnode));

		if (!seq_before(cb->seq, cb1->seq) && !seq_after(cb->end_seq, cb1->end_seq))
			return true;
		*parent = *p;
		p = seq_after(cb->seq, cb1->seq) ? &(*p)->rb_right : &(*p)->rb_left;
	}
	*link = p;
	return false;
}

/* @skb is in the tree: what it covers goes, and what it shares with its neighbours is reported as duplicate. */
static void tcp_ofo_merge(struct sock *sk, struct sk_buff *skb)
{
	struct tcp_sock *tp = tcp_sk(sk);
	const struct tcp_skb_cb *cb = TCP_SKB_CB(skb);
	struct rb_node *n = rb_prev(&skb->rbnode);

	if (n) {
		const struct tcp_skb_cb *prev = TCP_SKB_CB(rb_entry(n, struct sk_buff, rbnode));

		if (seq_before(cb->seq, prev->end_seq))
			tcp_dsack_set(tp, cb->seq, prev->end_seq);
	}
	while ((n = rb_next(&skb->rbnode)) != NULL) {
		struct sk_buff *skb1 = rb_entry(n, struct sk_buff, rbnode);

		if (!seq_after(cb->end_seq, TCP_SKB_CB(skb1)->seq))
			break;
		if (seq_before(cb->end_seq, TCP_SKB_CB(skb1)->end_seq)) {
			tcp_dsack_extend(tp, TCP_SKB_CB(skb1)->seq, cb->end_seq);
			break;
		}
		tcp_dsack_extend(tp, TCP_SKB_CB(skb1)->seq, TCP_SKB_CB(skb1)->end_seq);
		tcp_ofo_erase(tp, skb1);
		kfree_skb(skb1, SKB_DROP_REASON_TCP_OFOMERGE);
	}
}

/* Data after a hole. Return: TCP_TAKEN or the drop reason. */
static int tcp_data_queue_ofo(struct sock *sk, struct sk_buff *skb)
{
	struct tcp_sock *tp = tcp_sk(sk);
	const struct tcp_skb_cb *cb = TCP_SKB_CB(skb);
	struct rb_node *parent, **link;
	bool present;

	if (tcp_try_rmem_schedule(sk, skb->truesize)) {
		sk->sk_data_ready(sk);
		return SKB_DROP_REASON_PROTO_MEM;
	}
	tp->pred_flags = 0;
	inet_csk_schedule_ack(sk);
	tp->rcv_ooopack += max_t(u32, 1, skb_shinfo(skb)->gso_segs);
	present = tcp_ofo_find(tp, cb, &parent, &link);
	if (present) {
		tcp_dsack_set(tp, cb->seq, cb->end_seq);
	} else {
		rb_link_node(&skb->rbnode, parent, link);
		rb_insert_color(&skb->rbnode, &tp->out_of_order_queue);
		if (!rb_next(&skb->rbnode))
			tp->ooo_last_skb = skb;
		tcp_ofo_merge(sk, skb);
	}
	if (tcp_is_sack(tp))
		tcp_sack_new_ofo_skb(tp, cb->seq, cb->end_seq);
	if (present)
		return SKB_DROP_REASON_TCP_OFOMERGE;
	tcp_grow_window(sk, skb);
	/* Segments that it covers have been freed, and may have taken the charged page with them. */
	tcp_mem_force(sk, skb->truesize);
	tcp_skb_set_owner_r(skb, sk);
	return TCP_TAKEN;
}

/* Nothing in it that we can take: the peer must learn where we are, at once. */
static int tcp_data_useless(struct sock *sk, enum skb_drop_reason reason)
{
	tcp_enter_quickack_mode(sk, TCP_MAX_QUICKACKS);
	inet_csk_schedule_ack(sk);
	return (int)reason;
}

/* The segment begins at or before rcv_nxt and ends after it. Return: TCP_TAKEN or the drop reason. */
static int tcp_data_queue_in_order(struct sock *sk, struct sk_buff *skb)
{
	struct tcp_sock *tp = tcp_sk(sk);
	bool eaten, fin = TCP_SKB_CB(skb)->tcp_flags & TCPHDR_FIN;

	/* With an empty queue one segment is always taken: a reader that waits for it can then free memory. */
	if (skb_queue_empty(&sk->sk_receive_queue)) {
		tcp_mem_force(sk, skb->truesize);
	} else if (tcp_try_rmem_schedule(sk, skb->truesize)) {
		sk->sk_data_ready(sk);
		return SKB_DROP_REASON_PROTO_MEM;
	}
	eaten = tcp_queue_rcv(sk, skb);
	if (skb->len)
		tcp_event_data_recv(sk, skb);
	if (fin)
		tcp_fin(sk);
	if (tp->out_of_order_queue.rb_node) {
		tcp_ofo_queue(sk);
		/* RFC 5681 4.2: a filled hole is acknowledged at once. */
		if (!tp->out_of_order_queue.rb_node)
			inet_csk(sk)->icsk_ack.pending |= ICSK_ACK_NOW;
	}
	if (tp->num_sacks)
		tcp_sack_remove(tp);
	tcp_fast_path_check(sk);
	if (!sock_flag(sk, SOCK_DEAD))
		tcp_data_ready(sk);
	if (eaten)
		consume_skb(skb);
	return TCP_TAKEN;
}

int tcp_data_queue(struct sock *sk, struct sk_buff *skb)
{
	struct tcp_sock *tp = tcp_sk(sk);
	struct tcp_skb_cb *cb = TCP_SKB_CB(skb);

	trace(tcp_data_queue, skb->id, cb->seq.v, (u32)seq_diff(cb->end_seq, cb->seq));
	if (seq_eq(cb->seq, cb->end_seq)) {
		consume_skb(skb);
		return TCP_TAKEN;
	}
	skb_pull(skb, tcp_hdrlen(skb));
	tp->have_dsack = false;
	if (!seq_after(cb->end_seq, tp->rcv_nxt)) {
		tcp_dsack_set(tp, cb->seq, cb->end_seq);
		return tcp_data_useless(sk, SKB_DROP_REASON_TCP_OLD_DATA);
	}
	if (!seq_before(cb->seq, seq_add(tp->rcv_nxt, tcp_receive_window(tp))))
		return tcp_data_useless(sk, seq_eq(cb->seq, tp->rcv_nxt) ? SKB_DROP_REASON_TCP_ZERO_WINDOW
									 : SKB_DROP_REASON_TCP_OVERWINDOW);
	if (seq_after(cb->seq, tp->rcv_nxt))
		return tcp_data_queue_ofo(sk, skb);
	if (seq_before(cb->seq, tp->rcv_nxt)) {
		tcp_dsack_set(tp, cb->seq, tp->rcv_nxt);
		if (!tcp_receive_window(tp))
			return tcp_data_useless(sk, SKB_DROP_REASON_TCP_ZERO_WINDOW);
	}
	return tcp_data_queue_in_order(sk, skb);
}

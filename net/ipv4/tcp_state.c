/*
 * net/ipv4/tcp_state.c - the states of a TCP connection: which exist, which may follow which, and why.
 *
 * Linux:   tcp_set_state() in net/ipv4/tcp.c (6.1)
 * Same:    what leaving and entering a state does to the tables and counters.
 * Differs: 1. every legal transition is a row of one table {from, to, event}; a test build panics on any other.
 *          2. TIME_WAIT is never the state of a sock: a small record takes over and the sock goes to CLOSE
 *             (tcp_minisocks.c), as in Linux, where the picture in RFC 9293 3.3.2 has one box.
 * Locks:   the sock is owned, or its slock held in softirq; takes BHASH and EHASH through the proto's unhash.
 * Walk:    everywhere a connection moves; emits the tracepoint tcp_set_state.
 *
 * docs/tcp-states.md is generated from TCP_TRANSITIONS.
 */
#include "net/ipv4/tcp.h"

struct tcp_transition {
	u8 from, to;
	u8 event;
};

#define T(f, t, e) { TCP_##f, TCP_##t, TCP_EV_##e }
static const struct tcp_transition tcp_transitions[] = {
	/* opening, RFC 9293 3.5 */
	T(CLOSE, SYN_SENT, CONNECT),
	T(CLOSE, LISTEN, LISTEN),
	T(LISTEN, SYN_RECV, CHILD),
	T(SYN_SENT, ESTABLISHED, SYN_ACK),
	T(SYN_SENT, SYN_RECV, SYN),
	T(SYN_RECV, ESTABLISHED, ACK_OF_SYN),
	/* closing, RFC 9293 3.6 */
	T(ESTABLISHED, FIN_WAIT1, CLOSE),
	T(SYN_RECV, FIN_WAIT1, CLOSE),
	T(CLOSE_WAIT, LAST_ACK, CLOSE),
	T(ESTABLISHED, CLOSE_WAIT, FIN),
	T(SYN_RECV, CLOSE_WAIT, FIN),
	T(FIN_WAIT1, CLOSING, FIN),
	T(FIN_WAIT1, FIN_WAIT2, ACK_OF_FIN),
	T(LAST_ACK, CLOSE, ACK_OF_FIN),
	T(FIN_WAIT1, CLOSE, TIME_WAIT),
	T(FIN_WAIT2, CLOSE, TIME_WAIT),
	T(CLOSING, CLOSE, TIME_WAIT),
	/* giving up */
	T(LISTEN, CLOSE, STOP),
	T(LISTEN, CLOSE, ABORT),
	T(SYN_SENT, CLOSE, STOP),
};
#undef T

static const char *const tcp_state_names[TCP_MAX_STATES] = {
	[TCP_ESTABLISHED] = "ESTABLISHED", [TCP_SYN_SENT] = "SYN_SENT", [TCP_SYN_RECV] = "SYN_RECV",
	[TCP_FIN_WAIT1] = "FIN_WAIT1", [TCP_FIN_WAIT2] = "FIN_WAIT2", [TCP_TIME_WAIT] = "TIME_WAIT",
	[TCP_CLOSE] = "CLOSE", [TCP_CLOSE_WAIT] = "CLOSE_WAIT", [TCP_LAST_ACK] = "LAST_ACK",
	[TCP_LISTEN] = "LISTEN", [TCP_CLOSING] = "CLOSING", [TCP_NEW_SYN_RECV] = "NEW_SYN_RECV",
};

const char *tcp_state_name(u8 state)
{
	return state < TCP_MAX_STATES && tcp_state_names[state] ? tcp_state_names[state] : "?";
}

/*
 * A connection in any synchronized or opening state can be ended at once, by either side, the network or time.
 */
static bool tcp_event_ends(u8 from, enum tcp_event why)
{
	const u32 connected = TCPF_ESTABLISHED | TCPF_SYN_SENT | TCPF_SYN_RECV | TCPF_FIN_WAIT1 |
			      TCPF_FIN_WAIT2 | TCPF_CLOSE_WAIT | TCPF_LAST_ACK | TCPF_CLOSING;

	return (why == TCP_EV_RESET || why == TCP_EV_TIMEOUT || why == TCP_EV_ABORT || why == TCP_EV_ERROR) &&
	       (TCPF(from) & connected);
}

bool tcp_transition_is_legal(u8 from, u8 to, enum tcp_event why)
{
	/* Ending twice is harmless: a RST may meet a close() that has just aborted. */
	if (to == TCP_CLOSE && (from == TCP_CLOSE || tcp_event_ends(from, why)))
		return true;
	for (size_t i = 0; i < ARRAY_SIZE(tcp_transitions); i++) {
		const struct tcp_transition *t = &tcp_transitions[i];

		if (t->from == from && t->to == to && t->event == why)
			return true;
	}
	return false;
}

/* tcp_set_state - the only place that writes a TCP sock's state. */
void tcp_set_state(struct sock *sk, u8 to, enum tcp_event why)
{
	u8 from = sk->sk_state;

	if (CONFIG_DEBUG && !tcp_transition_is_legal(from, to, why))
		panic("TCP: no transition from %s to %s by event %d", tcp_state_name(from), tcp_state_name(to),
		      (int)why);
	trace(tcp_set_state, from, to, why, sk->sk_num);
	if (to == TCP_CLOSE) {
		if (from == TCP_CLOSE_WAIT || from == TCP_ESTABLISHED)
			SNMP_INC(TCP_ESTABRESETS);
		sk->sk_prot->unhash(sk);
		if (sk->icsk_bind_hash && !(sk->sk_userlocks & SOCK_BINDPORT_LOCK))
			inet_put_port(sk);
	}
	/* After unhash: who looks the sock up and finds it open must find it in the table. */
	smp_store_release(&sk->skc_state, to);
}

static void tcp_assert_rtx_queue(const struct tcp_sock *tp)
{
	const struct sk_buff_head *q = &tp->tcp_rtx_queue;
	struct sk_buff *skb;
	seq32 next = tp->snd_una;
	u32 packets = 0, sacked = 0, lost = 0, retrans = 0;

	if (skb_queue_len(q) > 256)
		return;
	skb_queue_walk(q, skb) {
		const struct tcp_skb_cb *cb = TCP_SKB_CB(skb);
		u32 n = (u32)tcp_skb_pcount(skb);

		ASSERT(packets ? seq_eq(cb->seq, next)
			       : seq_before_eq(cb->seq, next) && seq_after(cb->end_seq, next));
		ASSERT(n > 0);
		next = cb->end_seq;
		packets += n;
		sacked += cb->sacked & TCPCB_SACKED_ACKED ? n : 0;
		lost += cb->sacked & TCPCB_LOST ? n : 0;
		retrans += cb->sacked & TCPCB_SACKED_RETRANS ? n : 0;
	}
	ASSERT(packets == tp->packets_out);
	ASSERT(lost == tp->lost_out);
	ASSERT(retrans == tp->retrans_out);
	ASSERT(tcp_is_reno(tp) || sacked == tp->sacked_out);
	ASSERT(seq_eq(next, tp->snd_nxt));
}

static void tcp_assert_ofo_queue(const struct tcp_sock *tp)
{
	seq32 seq = tp->rcv_nxt, end = tp->rcv_nxt;

	for (struct rb_node *n = rb_first(&tp->out_of_order_queue); n; n = rb_next(n)) {
		const struct sk_buff *skb = rb_entry(n, struct sk_buff, rbnode);

		/* Neighbours may overlap, but none contains another. */
		ASSERT(seq_after(TCP_SKB_CB(skb)->seq, seq));
		ASSERT(seq_after(TCP_SKB_CB(skb)->end_seq, end));
		seq = TCP_SKB_CB(skb)->seq;
		end = TCP_SKB_CB(skb)->end_seq;
		if (!rb_next(n))
			ASSERT(tp->ooo_last_skb == skb);
	}
}

void tcp_assert_invariants_slow(const struct sock *sk)
{
	const struct tcp_sock *tp = tcp_sk(sk);

	if (TCPF(sk->sk_state) & (TCPF_CLOSE | TCPF_LISTEN))
		return;
	ASSERT(seq_before_eq(tp->snd_una, tp->snd_nxt));
	ASSERT(seq_before_eq(tp->snd_nxt, tp->write_seq));
	ASSERT(tcp_left_out(tp) <= tp->packets_out);
	ASSERT(tp->snd_cwnd > 0);
	ASSERT(sk->sk_wmem_queued >= 0);
	ASSERT(sk->sk_forward_alloc >= 0);
	if (sk->sk_state != TCP_SYN_SENT)
		/* The FIN takes a sequence number that no reader ever copies. */
		ASSERT(seq_before_eq(tp->copied_seq, tp->rcv_nxt));
	tcp_assert_rtx_queue(tp);
	tcp_assert_ofo_queue(tp);
}

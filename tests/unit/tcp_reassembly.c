/*
 * tests/unit/tcp_reassembly.c - segments in every order: the bytes that come out are the stream, the SACK
 * blocks describe what waits, and memory stays bounded. Sequence numbers begin just below the wrap.
 */
#include "tests/unit/host.h"

void *memcpy(void *dst, const void *src, size_t n);
void *memmove(void *dst, const void *src, size_t n);
void *memset(void *dst, int c, size_t n);
int memcmp(const void *a, const void *b, size_t n);
#include "tests/unit/net_host.h"
#include "kernel/lib/rbtree.c"
#include "net/ipv4/tcp_reassembly.c"

struct tcp_sysctl tcp_sysctl = { .dsack = 1, .rmem = { 4096, 131072, 6291456 } };
static int acks, ready, states;
static enum tcp_event last_event;

/* What the rest of TCP does, as far as this file needs it. */
bool tcp_mem_charge(struct sock *sk, u32 size)
{
	if (sk->sk_forward_alloc < (int)size)
		sk->sk_forward_alloc += (int)size;
	return true;
}
bool tcp_under_memory_pressure(void) { return false; }
void tcp_mem_force(struct sock *sk, u32 size) { (void)tcp_mem_charge(sk, size); }
static void rfree(struct sk_buff *skb)
{
	struct sock *sk = skb->sk;

	atomic_set(&sk->sk_rmem_alloc, atomic_read(&sk->sk_rmem_alloc) - (int)skb->truesize);
	sk->sk_forward_alloc += (int)skb->truesize;
}
void tcp_skb_set_owner_r(struct sk_buff *skb, struct sock *sk)
{
	skb->sk = sk;
	skb->destructor = rfree;
	atomic_set(&sk->sk_rmem_alloc, atomic_read(&sk->sk_rmem_alloc) + (int)skb->truesize);
	sk->sk_forward_alloc -= (int)skb->truesize;
}
void tcp_enter_quickack_mode(__unused struct sock *sk, __unused unsigned int n) { }
void tcp_send_ack(__unused struct sock *sk) { acks++; }
void tcp_grow_window(__unused struct sock *sk, __unused const struct sk_buff *skb) { }
void tcp_event_data_recv(__unused struct sock *sk, __unused struct sk_buff *skb) { }
void tcp_time_wait(struct sock *sk, __unused u8 substate, __unused u64 t) { sk->sk_state = TCP_CLOSE; }
bool tcp_epollin_ready(__unused const struct sock *sk, __unused int target) { return true; }
void tcp_set_state(struct sock *sk, u8 to, enum tcp_event why) { sk->sk_state = to; last_event = why; }
static void data_ready(__unused struct sock *sk) { ready++; }
static void state_change(__unused struct sock *sk) { states++; }

#define START 0xfffff000U
static struct tcp_sock tp;
static struct sock *sk = (struct sock *)&tp;

static void begin(void)
{
	net_host_init();
	memset(&tp, 0, sizeof(tp));
	skb_queue_head_init(&sk->sk_receive_queue);
	sk->sk_state = TCP_ESTABLISHED;
	sk->sk_rcvbuf = 1 << 20;
	sk->sk_data_ready = data_ready;
	sk->sk_state_change = state_change;
	tp.rcv_nxt = tp.copied_seq = tp.rcv_wup = SEQ(START);
	tp.rcv_wnd = 1 << 19;
	tp.rx_opt.sack_ok = true;
	tp.tcp_header_len = 20;
	tp.advmss = 1460;
	acks = ready = states = 0;
}

static u8 pattern(u32 i) { return (u8)(i * 13 + (i >> 8)); }

/* Bytes @from to @to of the stream arrive. Return: what tcp_data_queue() said. */
static int arrive(u32 from, u32 to, bool fin)
{
	struct sk_buff *skb = alloc_skb(20 + to - from, GFP_KERNEL);
	struct tcphdr *th = skb_put(skb, 20);
	u8 *p = skb_put(skb, to - from);
	int verdict;

	memset(th, 0, 20);
	th->doff_res = 0x50;
	skb_reset_transport_header(skb);
	for (u32 i = from; i < to; i++)
		*p++ = pattern(i);
	memset(skb->cb, 0, sizeof(skb->cb));
	TCP_SKB_CB(skb)->seq = SEQ(START + from);
	TCP_SKB_CB(skb)->end_seq = SEQ(START + to + fin);
	TCP_SKB_CB(skb)->tcp_flags = TCPHDR_ACK | (fin ? TCPHDR_FIN : 0);
	verdict = tcp_data_queue(sk, skb);
	CHECK(verdict != TCP_GO_ON);
	if (verdict > 0)
		kfree_skb(skb, (enum skb_drop_reason)verdict);
	/* The invariants of tcp_assert_invariants(): order, no containment, the memory that is accounted for.
	 */
	seq32 seq = tp.rcv_nxt, end = tp.rcv_nxt;
	int weight = 0;

	for (struct rb_node *n = rb_first(&tp.out_of_order_queue); n; n = rb_next(n)) {
		struct sk_buff *s = rb_entry(n, struct sk_buff, rbnode);

		CHECK(seq_after(TCP_SKB_CB(s)->seq, seq) && seq_after(TCP_SKB_CB(s)->end_seq, end));
		seq = TCP_SKB_CB(s)->seq;
		end = TCP_SKB_CB(s)->end_seq;
		weight += (int)s->truesize;
		if (!rb_next(n))
			CHECK(tp.ooo_last_skb == s);
	}
	CHECK(tp.out_of_order_queue.rb_node || !tp.ooo_last_skb);
	struct sk_buff *s;

	skb_queue_walk(&sk->sk_receive_queue, s)
		weight += (int)s->truesize;
	CHECK_EQ(weight, sk_rmem_alloc_get(sk));
	return verdict;
}

/* Read all that is in order; it must be the stream from *pos on. */
static void drain(u32 *pos)
{
	struct sk_buff *skb;

	while ((skb = __skb_dequeue(&sk->sk_receive_queue)) != NULL) {
		u32 offset = (u32)seq_diff(tp.copied_seq, TCP_SKB_CB(skb)->seq);

		for (; offset < skb->len; offset++, (*pos)++) {
			u8 b;

			CHECK_EQ(skb_copy_bits(skb, offset, &b, 1), 0);
			CHECK_EQ(b, pattern(*pos));
			tp.copied_seq = seq_add(tp.copied_seq, 1);
		}
		if (TCP_SKB_CB(skb)->tcp_flags & TCPHDR_FIN)
			tp.copied_seq = seq_add(tp.copied_seq, 1);
		consume_skb(skb);
	}
	CHECK(seq_eq(tp.copied_seq, tp.rcv_nxt));
}

static void end(void)
{
	tcp_ofo_purge(sk);
	skb_queue_purge(&sk->sk_receive_queue, SKB_DROP_REASON_SOCKET_CLOSED);
	CHECK_EQ(sk_rmem_alloc_get(sk), 0);
	CHECK_EQ(host_objects, 0);
}

TEST(reassembly_in_order)
{
	u32 pos = 0;

	begin();
	CHECK_EQ(arrive(0, 3000, false), TCP_TAKEN);
	CHECK_EQ(arrive(3000, 6000, false), TCP_TAKEN);
	CHECK_EQ(ready, 2);
	drain(&pos);
	CHECK_EQ(pos, 6000);
	end();
}

TEST(reassembly_a_hole_is_filled)
{
	u32 pos = 0;

	begin();
	CHECK_EQ(arrive(1000, 2000, false), TCP_TAKEN);
	CHECK_EQ(tp.num_sacks, 1);
	CHECK(seq_eq(tp.selective_acks[0].start, SEQ(START + 1000)) &&
	      seq_eq(tp.selective_acks[0].end, SEQ(START + 2000)));
	CHECK_EQ(tp.rcv_nxt.v, START);
	CHECK_EQ(arrive(0, 1000, false), TCP_TAKEN);
	CHECK_EQ(tp.num_sacks, 0);
	CHECK(inet_csk(sk)->icsk_ack.pending & ICSK_ACK_NOW);
	drain(&pos);
	CHECK_EQ(pos, 2000);
	end();
}

TEST(reassembly_newest_sack_block_comes_first)
{
	begin();
	arrive(1000, 1100, false);
	arrive(3000, 3100, false);
	arrive(5000, 5100, false);
	CHECK_EQ(tp.num_sacks, 3);
	CHECK_EQ(tp.selective_acks[0].start.v, START + 5000);
	arrive(1100, 1200, false);
	CHECK_EQ(tp.num_sacks, 3);
	CHECK_EQ(tp.selective_acks[0].start.v, START + 1000);
	CHECK_EQ(tp.selective_acks[0].end.v, START + 1200);
	/* Joining two blocks. */
	arrive(1200, 3000, false);
	CHECK_EQ(tp.num_sacks, 2);
	CHECK_EQ(tp.selective_acks[0].start.v, START + 1000);
	CHECK_EQ(tp.selective_acks[0].end.v, START + 3100);
	end();
}

TEST(reassembly_duplicates_are_reported)
{
	begin();
	arrive(0, 1000, false);
	CHECK_EQ(arrive(0, 1000, false), SKB_DROP_REASON_TCP_OLD_DATA);
	CHECK(tp.have_dsack);
	CHECK_EQ(tp.duplicate_sack[0].start.v, START);
	CHECK_EQ(tp.duplicate_sack[0].end.v, START + 1000);
	arrive(2000, 3000, false);
	CHECK_EQ(arrive(2200, 2800, false), SKB_DROP_REASON_TCP_OFOMERGE);
	CHECK(tp.have_dsack);
	CHECK_EQ(tp.duplicate_sack[0].start.v, START + 2200);
	CHECK_EQ(arrive(500, 1500, false), TCP_TAKEN);
	CHECK(tp.have_dsack);
	CHECK_EQ(tp.duplicate_sack[0].end.v, START + 1000);
	end();
}

TEST(reassembly_beyond_the_window)
{
	begin();
	tp.rcv_wnd = 1000;
	CHECK_EQ(arrive(1000, 1100, false), SKB_DROP_REASON_TCP_OVERWINDOW);
	CHECK_EQ(arrive(999, 1100, false), TCP_TAKEN);
	tp.rcv_wnd = 0;
	CHECK_EQ(arrive(0, 10, false), SKB_DROP_REASON_TCP_ZERO_WINDOW);
	end();
}

TEST(reassembly_fin_after_a_hole)
{
	u32 pos = 0;

	begin();
	arrive(1000, 1500, true);
	CHECK_EQ(sk->sk_state, TCP_ESTABLISHED);
	arrive(0, 1000, false);
	CHECK_EQ(sk->sk_state, TCP_CLOSE_WAIT);
	CHECK_EQ(last_event, TCP_EV_FIN);
	CHECK(sk->sk_shutdown & RCV_SHUTDOWN);
	CHECK_EQ(tp.rcv_nxt.v, START + 1501);
	drain(&pos);
	CHECK_EQ(pos, 1500);
	end();
}

TEST(reassembly_fin_closes_each_state_its_way)
{
	begin();
	sk->sk_state = TCP_FIN_WAIT1;
	arrive(0, 0, true);
	CHECK_EQ(sk->sk_state, TCP_CLOSING);
	end();
	begin();
	sk->sk_state = TCP_FIN_WAIT2;
	arrive(0, 0, true);
	CHECK_EQ(sk->sk_state, TCP_CLOSE);
	end();
}

TEST(reassembly_nothing_out_of_order_survives_a_fin)
{
	begin();
	arrive(5000, 6000, false);
	arrive(0, 100, true);
	CHECK(!tp.out_of_order_queue.rb_node);
	CHECK_EQ(tp.num_sacks, 0);
	end();
}

TEST(reassembly_random_overlapping_segments_give_the_stream)
{
	for (int round = 0; round < 300; round++) {
		u32 pos = 0, total = 20000;

		begin();
		while (tp.rcv_nxt.v - START < total) {
			u32 front = tp.rcv_nxt.v - START;
			u32 from = (u32)(host_random() % 3000) + (front > 500 ? front - 500 : 0),
			    len = (u32)(host_random() % 700) + 1;

			if (from > total - 1)
				from = total - 1;
			if (host_random() % 4 == 0)
				from = front;
			arrive(from, min(from + len, total), false);
			if (host_random() % 8 == 0)
				drain(&pos);
		}
		drain(&pos);
		CHECK_EQ(pos, total);
		CHECK(!tp.out_of_order_queue.rb_node);
		end();
	}
}

TEST(reassembly_memory_is_bounded_and_small_segments_are_copied_together)
{
	u32 pos = 0;
	int taken = 0;

	begin();
	sk->sk_rcvbuf = 65536;
	tcp_sysctl.rmem[2] = 65536;
	for (u32 i = 0; i < 4000; i++) {
		/* A clone somewhere keeps the bytes from being merged on arrival, as on the loopback. */
		struct sk_buff *tail = skb_peek_tail(&sk->sk_receive_queue);
		struct sk_buff *hold = tail ? skb_clone(tail, GFP_KERNEL) : NULL;

		taken += arrive((u32)taken * 20, (u32)taken * 20 + 20, false) == TCP_TAKEN;
		consume_skb(hold);
		CHECK(sk_rmem_alloc_get(sk) <= 65536 + 8192);
	}
	CHECK(taken > 500);
	drain(&pos);
	CHECK_EQ(pos, (u32)taken * 20);
	tcp_sysctl.rmem[2] = 6291456;
	end();
}

TEST(reassembly_out_of_order_data_is_given_up_when_memory_ends)
{
	begin();
	sk->sk_rcvbuf = 65536;
	tcp_sysctl.rmem[2] = 65536;
	for (u32 i = 1; i < 400; i++) {
		arrive(i * 1000, i * 1000 + 400, false);
		CHECK(sk_rmem_alloc_get(sk) <= 65536 + 8192);
	}
	CHECK(skb_drop_count(SKB_DROP_REASON_TCP_OFO_QUEUE_PRUNE) > 0);
	tcp_sysctl.rmem[2] = 6291456;
	end();
}

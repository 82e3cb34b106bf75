/*
 * net/ipv4/tcp_rcvbuf.c - memory: what a connection may hold, and buffers that grow with what the path can
 * carry.
 *
 * Linux:   parts of net/ipv4/tcp_input.c, net/core/sock.c (sk_mem_*) (6.1)
 * Same:    truesize is charged, not length; the receive buffer follows the bytes the reader takes in a round
 *          trip (dynamic right-sizing), the send buffer twice the congestion window; windows grow as full
 *          segments arrive.
 * Same:    memory is taken from the protocol in pages and given back as soon as a page is free; each CPU
 *          reports to the common count in batches; tcp_mem has Linux's three levels.
 * Differs: none.
 * Locks:   the sock's owner, or its slock in softirq; so sk_rmem_alloc is written with plain stores.
 * Walk:    tcp_data_queue() -> tcp_try_rmem_schedule(); tcp_recvmsg() -> tcp_rcv_space_adjust().
 */
#include "kernel/percpu.h"
#include "kernel/preempt.h"
#include "net/ipv4/tcp.h"

/* A CPU's unreported share is at most this, and less on a small machine (tcp_mem_init()). */
enum { TCP_MEM_BATCH_MAX = 256 * 1024 };

static DEFINE_PER_CPU(long, tcp_mem_unreported);
static long tcp_mem_batch = TCP_MEM_BATCH_MAX;
static bool tcp_memory_pressure;

static long tcp_mem_limit(int level) { return (long)READ_ONCE(tcp_sysctl.mem[level]) << PAGE_SHIFT; }

/* Return: bytes of all socks; what the CPUs have not reported may make it a little wrong. */
long tcp_memory_allocated(void)
{
	return max(atomic_long_read(&tcp_prot.memory_allocated), 0L);
}

bool tcp_under_memory_pressure(void) { return READ_ONCE(tcp_memory_pressure); }

/* Where the protocol stands now, from tcp_mem: pressure begins above the second number and ends below the first. */
static void tcp_mem_judge(long allocated)
{
	if (allocated > tcp_mem_limit(1)) {
		if (!READ_ONCE(tcp_memory_pressure))
			WRITE_ONCE(tcp_memory_pressure, true);
	} else if (allocated <= tcp_mem_limit(0) && READ_ONCE(tcp_memory_pressure)) {
		WRITE_ONCE(tcp_memory_pressure, false);
	}
}

/* @amount bytes, whole pages, are taken, or given back if negative. */
static void tcp_mem_account(long amount)
{
	long unreported;

	preempt_disable();
	this_cpu_add(tcp_mem_unreported, amount);
	unreported = this_cpu_read(tcp_mem_unreported);
	if (unlikely(unreported >= tcp_mem_batch || unreported <= -tcp_mem_batch)) {
		/* A softirq may add its own between the two: so subtract, and do not set to zero. */
		this_cpu_add(tcp_mem_unreported, -unreported);
		tcp_mem_judge(atomic_long_add_return(unreported, &tcp_prot.memory_allocated));
	}
	preempt_enable();
}

/*
 * Between pressure and the limit each sock may hold its share. @queued: what it holds in this direction, of which
 * @least bytes are always allowed below the limit.
 */
static noinline bool tcp_mem_may_take(const struct sock *sk, long amount, int queued, int least)
{
	long allocated = tcp_memory_allocated() + amount, limit = tcp_mem_limit(2);
	long held = sk_rmem_alloc_get(sk) + sk->sk_wmem_queued + sk->sk_forward_alloc + amount;

	tcp_mem_judge(allocated);
	if (allocated > limit)
		return false;
	if (queued < least || !tcp_under_memory_pressure())
		return true;
	return limit / max(atomic_read(&tcp_prot.sockets_allocated), 1) > held;
}

/* Whole pages, beyond what is in hand, for @size bytes. */
static long tcp_mem_amount(const struct sock *sk, u32 size)
{
	return (long)ALIGN(size - (u32)max(sk->sk_forward_alloc, 0), (u32)PAGE_SIZE);
}

static bool tcp_mem_take(struct sock *sk, u32 size, int queued, int least)
{
	long amount = tcp_mem_amount(sk, size);

	if (unlikely(tcp_memory_allocated() + amount > tcp_mem_limit(0) || tcp_under_memory_pressure()) &&
	    !tcp_mem_may_take(sk, amount, queued, least))
		return false;
	tcp_mem_account(amount);
	sk->sk_forward_alloc += (int)amount;
	return true;
}

bool tcp_mem_charge(struct sock *sk, u32 size)
{
	return likely((int)size <= sk->sk_forward_alloc) ||
	       tcp_mem_take(sk, size, sk_rmem_alloc_get(sk), tcp_sysctl.rmem[0]);
}

void tcp_mem_force(struct sock *sk, u32 size)
{
	long amount;

	if (likely((int)size <= sk->sk_forward_alloc))
		return;
	amount = tcp_mem_amount(sk, size);
	tcp_mem_account(amount);
	sk->sk_forward_alloc += (int)amount;
}

u32 tcp_wmem_schedule(struct sock *sk, u32 size)
{
	int least = tcp_sysctl.wmem[0] - sk->sk_wmem_queued;

	if (likely((int)size <= sk->sk_forward_alloc) || tcp_mem_take(sk, size, sk->sk_wmem_queued, tcp_sysctl.wmem[0]))
		return size;
	if (least > 0)
		tcp_mem_force(sk, min(size, (u32)least));
	return min(size, (u32)max(sk->sk_forward_alloc, 0));
}

void tcp_mem_uncharge(struct sock *sk, u32 size)
{
	int pages;

	sk->sk_forward_alloc += (int)size;
	pages = sk->sk_forward_alloc & (int)PAGE_MASK;
	if (pages > 0) {
		tcp_mem_account(-(long)pages);
		sk->sk_forward_alloc -= pages;
	}
}

/* tcp_mem_reclaim - the sock ends: nothing is in hand any more. */
void tcp_mem_reclaim(struct sock *sk)
{
	if (sk->sk_forward_alloc <= 0)
		return;
	tcp_mem_account(-(long)sk->sk_forward_alloc);
	sk->sk_forward_alloc = 0;
}

static void tcp_rfree(struct sk_buff *skb)
{
	struct sock *sk = skb->sk;

	atomic_set(&sk->sk_rmem_alloc, atomic_read(&sk->sk_rmem_alloc) - (int)skb->truesize);
	tcp_mem_uncharge(sk, skb->truesize);
}

/* tcp_skb_set_owner_r - @skb waits for the reader; tcp_mem_charge() has found room. */
void tcp_skb_set_owner_r(struct sk_buff *skb, struct sock *sk)
{
	skb_orphan(skb);
	skb->sk = sk;
	skb->destructor = tcp_rfree;
	atomic_set(&sk->sk_rmem_alloc, atomic_read(&sk->sk_rmem_alloc) + (int)skb->truesize);
	sk->sk_forward_alloc -= (int)skb->truesize;
}

void tcp_mem_init(void)
{
	tcp_mem_batch = clamp(tcp_mem_limit(2) / 64, (long)PAGE_SIZE, (long)TCP_MEM_BATCH_MAX);
}

/* --- the send buffer */

/*
 * tcp_sndbuf_expand - room for twice what the congestion window allows (slow start doubles it within a round
 * trip).
 */
void tcp_sndbuf_expand(struct sock *sk)
{
	const struct tcp_sock *tp = tcp_sk(sk);
	u32 per_mss = max_t(u32, tp->rx_opt.mss_clamp, tp->mss_cache) + TCP_HEADER_MAX +
		      (u32)sizeof(struct skb_shared_info);
	u32 nr_segs = max(max_t(u32, TCP_INIT_CWND, tp->snd_cwnd), tp->reordering + 1U);
	u64 sndmem;

	/* What a segment's memory really takes: pages are cut in powers of two. */
	per_mss = (1U << (32 - __builtin_clz(per_mss - 1))) + (u32)sizeof(struct sk_buff);
	sndmem = 2ULL * nr_segs * per_mss;
	if (READ_ONCE(sk->sk_sndbuf) < (s64)sndmem)
		WRITE_ONCE(sk->sk_sndbuf, (int)min_t(u64, sndmem, (u64)tcp_sysctl.wmem[2]));
}

static bool tcp_should_expand_sndbuf(const struct sock *sk)
{
	const struct tcp_sock *tp = tcp_sk(sk);

	/* An SO_SNDBUF is a wish; a full path does not profit from more buffer. */
	return !(sk->sk_userlocks & SOCK_SNDBUF_LOCK) && !tcp_under_memory_pressure() &&
	       tcp_packets_in_flight(tp) < tp->snd_cwnd;
}

/*
 * tcp_check_space - an ACK has freed buffer: tell writers who found it full (SOCK_NOSPACE, set by tcp_poll()
 * and tcp_sendmsg()).
 */
void tcp_check_space(struct sock *sk)
{
	/* Pairs with the barrier after SOCK_NOSPACE is set in tcp_poll(). */
	smp_mb();
	if (!sock_flag(sk, SOCK_NOSPACE) || !sk->sk_socket)
		return;
	if (tcp_should_expand_sndbuf(sk)) {
		tcp_sndbuf_expand(sk);
		tcp_sk(sk)->snd_cwnd_stamp_ns = tcp_sk(sk)->tcp_mstamp_ns;
	}
	if (tcp_stream_memory_free(sk, 1))
		sk->sk_write_space(sk);
	if (!sock_flag(sk, SOCK_NOSPACE))
		tcp_chrono_stop(sk, TCP_CHRONO_SNDBUF_LIMITED);
}

/* --- the receive buffer */

/* tcp_initialize_rcv_mss - a first guess of the peer's segment size; a small one only delays fewer ACKs. */
void tcp_initialize_rcv_mss(struct sock *sk)
{
	const struct tcp_sock *tp = tcp_sk(sk);
	u32 hint = min_t(u32, tp->advmss, tp->mss_cache);

	hint = min(hint, tp->rcv_wnd / 2);
	inet_csk(sk)->icsk_ack.rcv_mss = max_t(u32, min_t(u32, hint, TCP_MSS_DEFAULT), TCP_MIN_MSS);
}

/* tcp_measure_rcv_mss - full segments show the peer's size; of short ones only repeated ones count. */
void tcp_measure_rcv_mss(struct sock *sk, const struct sk_buff *skb)
{
	struct inet_connection_sock *icsk = inet_csk(sk);
	u32 last = icsk->icsk_ack.last_seg_size;
	u32 len = skb_shinfo(skb)->gso_size ? skb_shinfo(skb)->gso_size : skb->len;

	icsk->icsk_ack.last_seg_size = 0;
	if (len >= icsk->icsk_ack.rcv_mss) {
		icsk->icsk_ack.rcv_mss = min(len, tcp_sk(sk)->advmss);
		return;
	}
	/* With its header: is it a full segment of a small MTU? Two alike in a row say yes. */
	len += (u32)(skb->data - skb_transport_header(skb));
	if (len >= TCP_MSS_DEFAULT + sizeof(struct tcphdr) ||
	    (len >= TCP_MIN_MSS + sizeof(struct tcphdr) && !(TCP_SKB_CB(skb)->tcp_flags & TCPHDR_PSH))) {
		len -= tcp_sk(sk)->tcp_header_len;
		icsk->icsk_ack.last_seg_size = len;
		if (len == last) {
			icsk->icsk_ack.rcv_mss = len;
			return;
		}
	}
	if (icsk->icsk_ack.pending & ICSK_ACK_PUSHED)
		icsk->icsk_ack.pending |= ICSK_ACK_PUSHED2;
	icsk->icsk_ack.pending |= ICSK_ACK_PUSHED;
}

/*
 * Let the window grow by as much as full segments of this shape could fill: a peer that sends tiny segments,
 * whose truesize is many times their length, does not get a large window.
 */
void tcp_grow_window(struct sock *sk, const struct sk_buff *skb)
{
	struct tcp_sock *tp = tcp_sk(sk);
	int room = (int)min(min_t(u32, tp->window_clamp, S32_MAX), (u32)max(tcp_space(sk), 0)) -
		   (int)tp->rcv_ssthresh;
	u32 incr = 0;

	if (room <= 0 || tcp_under_memory_pressure())
		return;
	if (tcp_win_from_space((int)skb->truesize) <= (int)skb->len) {
		incr = 2 * tp->advmss;
	} else {
		int truesize = tcp_win_from_space((int)skb->truesize) >> 1;
		int window = tcp_win_from_space(tcp_sysctl.rmem[2]) >> 1;

		for (; (int)tp->rcv_ssthresh <= window && !incr; window >>= 1, truesize >>= 1) {
			if (truesize <= (int)skb->len)
				incr = 2 * inet_csk(sk)->icsk_ack.rcv_mss;
		}
	}
	if (!incr)
		return;
	incr = max(incr, 2 * skb->len);
	tp->rcv_ssthresh += min((u32)room, incr);
	inet_csk(sk)->icsk_ack.quick |= 1;
}

/* tcp_init_buffer_space - the connection is open: start from what the SYNs agreed on. */
void tcp_init_buffer_space(struct sock *sk)
{
	struct tcp_sock *tp = tcp_sk(sk);
	u32 maxwin = (u32)tcp_full_space(sk);

	if (!(sk->sk_userlocks & SOCK_SNDBUF_LOCK))
		tcp_sndbuf_expand(sk);
	tcp_mstamp_refresh(tp);
	tp->rcvq_space.time_ns = tp->tcp_mstamp_ns;
	tp->rcvq_space.seq = tp->copied_seq;
	if (tp->window_clamp >= maxwin)
		tp->window_clamp = max(maxwin, 2U * tp->advmss);
	/* One segment's room is kept back, for one that comes although the window is full. */
	if (tp->window_clamp > 2 * tp->advmss && tp->window_clamp + tp->advmss > maxwin)
		tp->window_clamp = max(2 * tp->advmss, maxwin - tp->advmss);
	tp->rcv_ssthresh = min(tp->rcv_ssthresh, tp->window_clamp);
	tp->snd_cwnd_stamp_ns = tp->tcp_mstamp_ns;
	tp->rcvq_space.space = min(min(tp->rcv_ssthresh, tp->rcv_wnd), (u32)TCP_INIT_CWND * tp->advmss);
}

/* One sample of the receiver's idea of the round trip; the smallest wins, slowly. */
static void tcp_rcv_rtt_update(struct tcp_sock *tp, u32 sample_us, bool win_dep)
{
	u32 old = tp->rcv_rtt_est.rtt_us, m = max(sample_us, 1U);

	if (!old) {
		tp->rcv_rtt_est.rtt_us = m << 3;
		return;
	}
	if (win_dep) {
		/* Between two windows: an upper bound only. */
		tp->rcv_rtt_est.rtt_us = min(old, m << 3);
		return;
	}
	tp->rcv_rtt_est.rtt_us = (u32)((s64)old + ((s64)m - (s64)(old >> 3)));
}

/* tcp_rcv_rtt_measure - without timestamps: the time in which the offered window was filled. */
void tcp_rcv_rtt_measure(struct tcp_sock *tp)
{
	if (tp->rcv_rtt_est.time_ns) {
		if (seq_before(tp->rcv_nxt, tp->rcv_rtt_est.seq))
			return;
		tcp_rcv_rtt_update(tp, (u32)((tp->tcp_mstamp_ns - tp->rcv_rtt_est.time_ns) / NSEC_PER_USEC),
				   true);
	}
	tp->rcv_rtt_est.seq = seq_add(tp->rcv_nxt, tp->rcv_wnd);
	tp->rcv_rtt_est.time_ns = tp->tcp_mstamp_ns;
}

/* tcp_rcv_rtt_measure_ts - with timestamps: from our segment to the data that echoes it. */
void tcp_rcv_rtt_measure_ts(struct sock *sk, const struct sk_buff *skb)
{
	struct tcp_sock *tp = tcp_sk(sk);
	u32 delta;

	if (tp->rx_opt.rcv_tsecr == tp->rcv_rtt_last_tsecr)
		return;
	tp->rcv_rtt_last_tsecr = tp->rx_opt.rcv_tsecr;
	if ((u32)seq_diff(TCP_SKB_CB(skb)->end_seq, TCP_SKB_CB(skb)->seq) < inet_csk(sk)->icsk_ack.rcv_mss)
		return;
	delta = tcp_time_stamp(tp) - tp->rx_opt.rcv_tsecr;
	if (delta < (u32)(S32_MAX / USEC_PER_SEC) * 1000)
		tcp_rcv_rtt_update(tp, max(delta, 1U) * 1000, false);
}

/*
 * tcp_rcv_space_adjust - after each read: has the reader taken more in one round trip than ever? Then the
 * buffer grows.
 */
void tcp_rcv_space_adjust(struct sock *sk)
{
	struct tcp_sock *tp = tcp_sk(sk);
	u64 rcvwin, grow;
	u32 copied;
	int rcvmem, rcvbuf;

	tcp_mstamp_refresh(tp);
	if (!tp->rcv_rtt_est.rtt_us ||
	    tp->tcp_mstamp_ns - tp->rcvq_space.time_ns < (u64)(tp->rcv_rtt_est.rtt_us >> 3) * NSEC_PER_USEC)
		return;
	copied = (u32)seq_diff(tp->copied_seq, tp->rcvq_space.seq);
	if (copied > tp->rcvq_space.space) {
		if (tcp_sysctl.moderate_rcvbuf && !(sk->sk_userlocks & SOCK_RCVBUF_LOCK)) {
			/* Twice the bytes of a round trip, and more while the sender is still speeding up. */
			rcvwin = ((u64)copied << 1) + 16 * tp->advmss;
			grow = rcvwin * (copied - tp->rcvq_space.space) / max(tp->rcvq_space.space, 1U);
			rcvwin += grow << 1;
			rcvmem = (int)SKB_TRUESIZE(tp->advmss + MAX_HEADER);
			while (tcp_win_from_space(rcvmem) < (int)tp->advmss)
				rcvmem += 128;
			rcvbuf = (int)min_t(u64, rcvwin / tp->advmss * (u64)rcvmem, (u64)tcp_sysctl.rmem[2]);
			if (rcvbuf > READ_ONCE(sk->sk_rcvbuf)) {
				WRITE_ONCE(sk->sk_rcvbuf, rcvbuf);
				tp->window_clamp = (u32)tcp_win_from_space(rcvbuf);
			}
		}
		tp->rcvq_space.space = copied;
	}
	tp->rcvq_space.seq = tp->copied_seq;
	tp->rcvq_space.time_ns = tp->tcp_mstamp_ns;
}

/*
 * tcp_event_data_recv - in-order data has arrived: predict when the next will come (ato), and so whether an ACK
 * may wait.
 * Linux: tcp_event_data_recv().
 */
void tcp_event_data_recv(struct sock *sk, struct sk_buff *skb)
{
	struct tcp_sock *tp = tcp_sk(sk);
	struct inet_connection_sock *icsk = inet_csk(sk);
	u64 now = tp->tcp_mstamp_ns;

	inet_csk_schedule_ack(sk);
	tcp_measure_rcv_mss(sk, skb);
	tcp_rcv_rtt_measure(tp);
	if (!icsk->icsk_ack.ato_ns) {
		/* The first data: the peer is in slow start and wants ACKs. */
		tcp_incr_quickack(sk, TCP_MAX_QUICKACKS);
		icsk->icsk_ack.ato_ns = TCP_ATO_MIN_NS;
	} else {
		u64 m = now - icsk->icsk_ack.lrcvtime_ns;

		if (m <= TCP_ATO_MIN_NS / 2) {
			icsk->icsk_ack.ato_ns = (icsk->icsk_ack.ato_ns >> 1) + TCP_ATO_MIN_NS / 2;
		} else if (m < icsk->icsk_ack.ato_ns) {
			icsk->icsk_ack.ato_ns = min((icsk->icsk_ack.ato_ns >> 1) + m, icsk->icsk_rto_ns);
		} else if (m > icsk->icsk_rto_ns) {
			/* The peer was idle long enough to start over. */
			tcp_incr_quickack(sk, TCP_MAX_QUICKACKS);
		}
	}
	icsk->icsk_ack.lrcvtime_ns = now;
	if (skb->len >= 128)
		tcp_grow_window(sk, skb);
}

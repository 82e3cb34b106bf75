/*
 * net/ipv4/tcp_proc.c - /proc/net/tcp: every connection, request, TIME_WAIT record and listener as a line.
 *
 * Linux:   in net/ipv4/tcp_ipv4.c (6.1)
 * Same:    columns, widths and the meaning of each; listeners first.
 * Differs: 1. the text is made in one pass, a bucket at a time: a connection that moves meanwhile may be
 *             missed.
 * Locks:   EHASH, one bucket at a time.
 * Walk:    read of /proc/net/tcp -> tcp4_show().
 */
#include "fs/procfs.h"
#include "net/ipv4/tcp.h"

static u64 ns_to_ticks(u64 ns) { return ns / (NSEC_PER_SEC / USER_HZ); }
static u64 ticks_until(u64 when_ns, u64 now_ns) { return when_ns > now_ns ? ns_to_ticks(when_ns - now_ns) : 0; }

static void tcp4_show_addresses(struct seq_file *m, const struct sock *sk, u16 sport, u8 state, int num)
{
	seq_printf(m, "%4d: %08X:%04X %08X:%04X %02X ", num, sk->sk_rcv_saddr.raw, sport, sk->sk_daddr.raw,
		   be16_to_cpu(sk->sk_dport), state);
}

/* Which timer runs, as Linux numbers them, and when it ends. */
static int tcp4_timer(const struct sock *sk, u64 *expires_ns)
{
	const struct inet_connection_sock *icsk = inet_csk(sk);

	*expires_ns = icsk->icsk_timeout_ns;
	if (icsk->icsk_pending == ICSK_TIME_RETRANS || icsk->icsk_pending == ICSK_TIME_LOSS_PROBE ||
	    icsk->icsk_pending == ICSK_TIME_REO_TIMEOUT)
		return 1;
	if (icsk->icsk_pending == ICSK_TIME_PROBE0)
		return 4;
	*expires_ns = sk->sk_timer.expires_ns;
	return timer_pending(&sk->sk_timer) ? 2 : 0;
}

static void tcp4_show_sock(struct seq_file *m, const struct sock *sk, int num, u64 now)
{
	const struct inet_connection_sock *icsk = inet_csk(sk);
	const struct tcp_sock *tp = tcp_sk(sk);
	u64 expires;
	int timer = tcp4_timer(sk, &expires);
	bool listening = sk->sk_state == TCP_LISTEN;
	s32 rx = listening ? (s32)READ_ONCE(sk->sk_ack_backlog) : max(seq_diff(tp->rcv_nxt, tp->copied_seq), 0);

	tcp4_show_addresses(m, sk, be16_to_cpu(inet_sk(sk)->inet_sport), sk->sk_state, num);
	seq_printf(m, "%08X:%08X %02X:%08lX %08X %5u %8d %llu %d %p", tp->write_seq.v - tp->snd_una.v, (u32)rx,
		   timer, (unsigned long)(timer ? ticks_until(expires, now) : 0), icsk->icsk_retransmits,
		   sk->sk_uid, icsk->icsk_probes_out, (unsigned long long)sk->sk_ino,
		   refcount_read(&sk->sk_refcnt), (const void *)sk);
	seq_printf(m, " %llu %llu %u %u %d\n", (unsigned long long)ns_to_ticks(icsk->icsk_rto_ns),
		   (unsigned long long)ns_to_ticks(icsk->icsk_ack.ato_ns),
		   (u32)icsk->icsk_ack.quick << 1 | inet_csk_in_pingpong_mode(sk), tp->snd_cwnd,
		   listening                      ? 0
		   : tcp_in_initial_slowstart(tp) ? -1
						  : (int)tp->snd_ssthresh);
}

static void tcp4_show_req(struct seq_file *m, const struct request_sock *req, int num, u64 now)
{
	const struct sock *sk = (const struct sock *)req;

	tcp4_show_addresses(m, sk, req->common.skc_num, TCP_SYN_RECV, num);
	seq_printf(m, "%08X:%08X %02X:%08lX %08X %5u %8d %d %d %p\n", 0, 0, 1,
		   (unsigned long)ticks_until(req->rsk_timer.expires_ns, now), req->num_timeout,
		   req->common.sk_uid, 0, 0, 0, (const void *)req);
}

static void tcp4_show_tw(struct seq_file *m, const struct inet_timewait_sock *tw, int num, u64 now)
{
	tcp4_show_addresses(m, (const struct sock *)tw, be16_to_cpu(tw->tw_sport), tw->tw_substate, num);
	seq_printf(m, "%08X:%08X %02X:%08lX %08X %5d %8d %d %d %p\n", 0, 0, 3,
		   (unsigned long)ticks_until(tw->tw_timer.expires_ns, now), 0, 0, 0, 0,
		   refcount_read(&tw->common.skc_refcnt), (const void *)tw);
}

static void tcp4_show_bucket(struct seq_file *m, struct inet_ehash_bucket *head, int *num, u64 now)
{
	struct sock *sk;

	if (hlist_empty(&head->chain))
		return;
	spin_lock_bh(&head->lock);
	hlist_for_each_entry(sk, &head->chain, skc_node) {
		if (sk->sk_state == TCP_TIME_WAIT)
			tcp4_show_tw(m, inet_twsk(sk), (*num)++, now);
		else if (sk->sk_state == TCP_NEW_SYN_RECV)
			tcp4_show_req(m, inet_reqsk(sk), (*num)++, now);
		else
			tcp4_show_sock(m, sk, (*num)++, now);
	}
	spin_unlock_bh(&head->lock);
}

static void tcp4_show(struct seq_file *m, void *arg)
{
	u64 now = ktime_get_ns();
	int num = 0;

	(void)arg;
	seq_puts(m, "  sl  local_address rem_address   st tx_queue rx_queue tr tm->when retrnsmt   uid  "
		    "timeout inode\n");
	for (int i = 0; i < INET_LHTABLE_SIZE; i++)
		tcp4_show_bucket(m, &tcp_hashinfo.lhash[i], &num, now);
	for (u32 i = 0; i <= tcp_hashinfo.ehash_mask; i++)
		tcp4_show_bucket(m, &tcp_hashinfo.ehash[i], &num, now);
}

void tcp_proc_init(void)
{
	proc_create_single("net/tcp", tcp4_show, NULL);
}

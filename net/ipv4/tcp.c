/*
 * net/ipv4/tcp.c - the life of a TCP socket as its user sees it: made, polled, shut down, closed.
 *
 * Linux:   net/ipv4/tcp.c, net/core/stream.c (6.1)
 * Same:    what close() does with unread data, linger and each state; what poll() says; how an orphan lives on.
 * Differs: 1. sending, receiving and options are in tcp_sendmsg.c, tcp_recvmsg.c and tcp_sockopt.c. 2. close()
 *             gives the sock up once to drain its backlog, where Linux drains it without letting go.
 * Locks:   SOCK_OWNER, SLOCK.
 * Walk:    sock_poll() -> tcp_poll();  close() -> inet_release() -> tcp_close() -> tcp_send_fin().
 */
#include "kernel/signal.h"
#include "kernel/uaccess.h"
#include "net/ipv4/tcp.h"
#include "net/sockios.h"

enum { SIOCOUTQNSD = 0x894b };

/* --- made */

void tcp_init_sock_queues(struct sock *sk)
{
	struct inet_connection_sock *icsk = inet_csk(sk);
	struct tcp_sock *tp = tcp_sk(sk);
	const struct tcp_options_received keep = tp->rx_opt;
	u32 window_clamp = tp->window_clamp, notsent_lowat = tp->notsent_lowat;
	u64 ka_time = tp->keepalive_time_ns, ka_intvl = tp->keepalive_intvl_ns;
	s64 linger2 = tp->linger2_ns;
	u8 nonagle = tp->nonagle, ka_probes = tp->keepalive_probes;
	bool inq = tp->recvmsg_inq;

	/* Everything of a connection is zero when it begins, but what the user has set. */
	memset((char *)tp + sizeof(tp->inet_conn), 0, sizeof(*tp) - sizeof(tp->inet_conn));
	tp->rx_opt.user_mss = keep.user_mss;
	tp->window_clamp = window_clamp;
	tp->notsent_lowat = notsent_lowat;
	tp->keepalive_time_ns = ka_time;
	tp->keepalive_intvl_ns = ka_intvl;
	tp->keepalive_probes = ka_probes;
	tp->linger2_ns = linger2;
	tp->nonagle = nonagle;
	tp->recvmsg_inq = inq;
	skb_queue_head_init(&tp->tcp_rtx_queue);
	memset(&icsk->icsk_accept_queue, 0, sizeof(icsk->icsk_accept_queue));
	spin_lock_init(&icsk->icsk_accept_queue.rskq_lock, LC_LISTENQ);
	memset(&icsk->icsk_ack, 0, sizeof(icsk->icsk_ack));
	icsk->icsk_retransmits = 0;
	icsk->icsk_backoff = 0;
	icsk->icsk_probes_out = 0;
	icsk->icsk_probes_tstamp_ns = 0;
	icsk->icsk_ca_state = TCP_CA_Open;
	icsk->icsk_pmtu = 0;
	memset(icsk->icsk_ca_priv, 0, sizeof(icsk->icsk_ca_priv));
	tcp_init_xmit_timers(sk);
	tcp_rtt_init(tp);
	tp->snd_cwnd = TCP_INIT_CWND;
	tp->snd_ssthresh = TCP_INFINITE_SSTHRESH;
	tp->snd_cwnd_clamp = U32_MAX;
	tp->mss_cache = TCP_MSS_DEFAULT;
	tp->reordering = (u8)clamp(tcp_sysctl.reordering, 1, 127);
	tp->undo_retrans = -1;
	tp->rack.reo_wnd_mult = 1;
}

/* tcp_v4_init_sock - the proto's init(). Return: 0. */
static int tcp_v4_init_sock(struct sock *sk)
{
	tcp_init_sock_queues(sk);
	tcp_assign_congestion_control(sk);
	sk->sk_write_space = sk_stream_write_space;
	WRITE_ONCE(sk->sk_sndbuf, tcp_sysctl.wmem[1]);
	WRITE_ONCE(sk->sk_rcvbuf, tcp_sysctl.rmem[1]);
	return 0;
}

/* --- waiting */

/* Sleep once. Return: true if @sk is @ready. Sock owned, given up meanwhile. */
static bool tcp_sleep_until(struct sock *sk, s64 *timeo, bool (*ready)(const struct sock *sk))
{
	DEFINE_WAIT_FUNC(wait, woken_wake_function);
	bool done;

	add_wait_queue(sk_sleep(sk), &wait);
	done = sk_wait_event(sk, timeo, ready(sk), &wait);
	remove_wait_queue(sk_sleep(sk), &wait);
	return done;
}

static bool tcp_is_connected_or_failed(const struct sock *sk)
{
	return READ_ONCE(sk->sk_err) || (TCPF(READ_ONCE(sk->skc_state)) & (TCPF_ESTABLISHED | TCPF_CLOSE_WAIT));
}

int tcp_wait_connect(struct sock *sk, s64 *timeo)
{
	bool done;

	do {
		int err = sock_error(sk);

		if (err)
			return err;
		if (!(TCPF(sk->sk_state) & (TCPF_SYN_SENT | TCPF_SYN_RECV)))
			return -EPIPE;
		if (!*timeo)
			return -EAGAIN;
		if (signal_pending(current))
			return sock_intr_errno(*timeo);
		tcp_sk(sk)->write_pending++;
		done = tcp_sleep_until(sk, timeo, tcp_is_connected_or_failed);
		tcp_sk(sk)->write_pending--;
	} while (!done);
	return sock_error(sk);
}

bool tcp_stream_memory_free(const struct sock *sk, int wake)
{
	const struct tcp_sock *tp = tcp_sk(sk);
	u64 notsent = READ_ONCE(tp->write_seq.v) - READ_ONCE(tp->snd_nxt.v);

	return READ_ONCE(sk->sk_wmem_queued) < READ_ONCE(sk->sk_sndbuf) &&
	       notsent << wake < tcp_notsent_lowat(tp);
}

static bool tcp_may_write_or_never(const struct sock *sk)
{
	return READ_ONCE(sk->sk_err) || (READ_ONCE(sk->sk_shutdown) & SEND_SHUTDOWN) ||
	       tcp_stream_memory_free(sk, 0);
}

static bool tcp_never(const struct sock *sk)
{
	return READ_ONCE(sk->sk_err) || (READ_ONCE(sk->sk_shutdown) & SEND_SHUTDOWN);
}

int tcp_wait_memory(struct sock *sk, s64 *timeo)
{
	/* Room in the buffer, but no memory: nothing will wake us when there is some, so look again soon. */
	bool no_memory = tcp_stream_memory_free(sk, 0);

	for (;;) {
		if (sk->sk_err || (sk->sk_shutdown & SEND_SHUTDOWN))
			return -EPIPE;
		/* Whoever gets -EAGAIN may wait for EPOLLOUT: it must come. */
		sock_set_flag(sk, SOCK_NOSPACE);
		if (!*timeo)
			return -EAGAIN;
		if (signal_pending(current))
			return sock_intr_errno(*timeo);
		if (no_memory) {
			s64 nap = min(*timeo, (s64)(10 * NSEC_PER_MSEC)), left = nap;

			tcp_sleep_until(sk, &left, tcp_never);
			if (*timeo != MAX_SCHEDULE_TIMEOUT)
				*timeo -= nap - left;
			return tcp_never(sk) ? -EPIPE : 0;
		}
		if (tcp_stream_memory_free(sk, 0))
			return 0;
		tcp_sleep_until(sk, timeo, tcp_may_write_or_never);
	}
}

/* --- polled */

bool tcp_epollin_ready(const struct sock *sk, int target)
{
	const struct tcp_sock *tp = tcp_sk(sk);
	s32 avail = (s32)(READ_ONCE(tp->rcv_nxt.v) - READ_ONCE(tp->copied_seq.v));

	if (avail <= 0)
		return false;
	/* A full buffer or a closed window: more will not come before this is read. */
	return avail >= target || tcp_rmem_pressure(sk) ||
	       tcp_receive_window(tp) <= inet_csk(sk)->icsk_ack.rcv_mss;
}

static bool tcp_stream_is_writeable(const struct sock *sk)
{
	return sk_stream_is_writeable(sk) && tcp_stream_memory_free(sk, 1);
}

/* Data in both directions, for a sock whose handshake is over. */
static __poll_t tcp_poll_data(struct sock *sk, u8 shutdown)
{
	const struct tcp_sock *tp = tcp_sk(sk);
	u16 urg_data = READ_ONCE(tp->urg_data);
	int target = sock_rcvlowat(sk, false, S32_MAX);
	__poll_t mask = 0;

	/* The urgent byte is not read in line: it does not count. */
	if (urg_data && READ_ONCE(tp->urg_seq.v) == READ_ONCE(tp->copied_seq.v) &&
	    !sock_flag(sk, SOCK_URGINLINE))
		target++;
	if (tcp_epollin_ready(sk, target))
		mask |= EPOLLIN | EPOLLRDNORM;
	if ((shutdown & SEND_SHUTDOWN) || tcp_stream_is_writeable(sk)) {
		mask |= EPOLLOUT | EPOLLWRNORM;
	} else {
		/*
		 *	poller				ACK in softirq
		 *	not writable
		 *					frees buffer, SOCK_NOSPACE not set: no wake-up
		 *	sets SOCK_NOSPACE, sleeps for ever
		 *
		 * so look again once the flag is set. Pairs with smp_mb() in tcp_check_space().
		 */
		sock_set_flag(sk, SOCK_NOSPACE);
		smp_mb();
		if (tcp_stream_is_writeable(sk))
			mask |= EPOLLOUT | EPOLLWRNORM;
	}
	if (urg_data & TCP_URG_VALID)
		mask |= EPOLLPRI;
	return mask;
}

/*
 * tcp_poll - proto_ops.poll. The sock is not owned: each word is read once, and a wake-up follows each change.
 */
__poll_t tcp_poll(struct file *file, struct socket *sock, poll_table *wait)
{
	struct sock *sk = sock->sk;
	__poll_t mask = 0;
	u8 state, shutdown;

	sock_poll_wait(file, sock, wait);
	state = smp_load_acquire(&sk->skc_state);
	if (state == TCP_LISTEN) {
		mask = reqsk_queue_empty(&inet_csk(sk)->icsk_accept_queue) ? 0 : EPOLLIN | EPOLLRDNORM;
		trace(tcp_poll, mask, state);
		return mask;
	}
	shutdown = READ_ONCE(sk->sk_shutdown);
	if (shutdown == SHUTDOWN_MASK || state == TCP_CLOSE)
		mask |= EPOLLHUP;
	if (shutdown & RCV_SHUTDOWN)
		mask |= EPOLLIN | EPOLLRDNORM | EPOLLRDHUP;
	if (state != TCP_SYN_SENT && state != TCP_SYN_RECV)
		mask |= tcp_poll_data(sk, shutdown);
	/* The shutdown bits before the error; pairs with smp_wmb() in tcp_reset(). */
	smp_rmb();
	if (READ_ONCE(sk->sk_err) || !skb_queue_empty(&sk->sk_error_queue))
		mask |= EPOLLERR;
	trace(tcp_poll, mask, state);
	return mask;
}

/* --- ioctls */

/* tcp_inq - bytes that can be read before the urgent one. Sock owned. */
int tcp_inq(struct sock *sk)
{
	const struct tcp_sock *tp = tcp_sk(sk);
	int answ;

	if (TCPF(sk->sk_state) & (TCPF_SYN_SENT | TCPF_SYN_RECV))
		return 0;
	if (!sock_flag(sk, SOCK_URGINLINE) && tp->urg_data && !seq_before(tp->urg_seq, tp->copied_seq) &&
	    seq_before(tp->urg_seq, tp->rcv_nxt))
		return seq_diff(tp->urg_seq, tp->copied_seq);
	answ = seq_diff(tp->rcv_nxt, tp->copied_seq);
	/* The FIN has a number, but no byte. */
	return answ && sock_flag(sk, SOCK_DONE) ? answ - 1 : answ;
}

static int tcp_ioctl_value(struct sock *sk, unsigned int cmd)
{
	const struct tcp_sock *tp = tcp_sk(sk);
	bool opening = TCPF(sk->sk_state) & (TCPF_SYN_SENT | TCPF_SYN_RECV);

	if (cmd == SIOCATMARK)
		return tp->urg_data && seq_eq(tp->urg_seq, tp->copied_seq);
	if (sk->sk_state == TCP_LISTEN)
		return -EINVAL;
	if (cmd == SIOCINQ)
		return tcp_inq(sk);
	if (opening)
		return 0;
	return seq_diff(tp->write_seq, cmd == SIOCOUTQ ? tp->snd_una : tp->snd_nxt);
}

static int tcp_ioctl(struct sock *sk, unsigned int cmd, uptr arg)
{
	int answ;

	if (cmd != SIOCINQ && cmd != SIOCATMARK && cmd != SIOCOUTQ && cmd != SIOCOUTQNSD)
		return -ENOIOCTLCMD;
	lock_sock(sk);
	answ = tcp_ioctl_value(sk, cmd);
	release_sock(sk);
	return answ < 0 ? answ : put_user(answ, arg);
}

/* --- closed */

void tcp_done(struct sock *sk, enum tcp_event why)
{
	if (TCPF(sk->sk_state) & (TCPF_SYN_SENT | TCPF_SYN_RECV))
		SNMP_INC(TCP_ATTEMPTFAILS);
	tcp_set_state(sk, TCP_CLOSE, why);
	inet_csk_clear_xmit_timers(sk);
	WRITE_ONCE(sk->sk_shutdown, SHUTDOWN_MASK);
	if (!sock_flag(sk, SOCK_DEAD))
		sk->sk_state_change(sk);
	else
		inet_csk_destroy_sock(sk);
}

bool tcp_too_many_orphans(const struct sock *sk)
{
	return atomic_read(&sk->sk_prot->orphan_count) > tcp_sysctl.max_orphans ||
	       (sk->sk_wmem_queued > 2048 &&
		tcp_memory_allocated() > (long)tcp_sysctl.mem[2] << PAGE_SHIFT);
}

/* Move on because we have no more to say. Return: true if a FIN must be sent. */
static bool tcp_close_state(struct sock *sk)
{
	switch (sk->sk_state) {
	case TCP_ESTABLISHED:
	case TCP_SYN_RECV:
		tcp_set_state(sk, TCP_FIN_WAIT1, TCP_EV_CLOSE);
		return true;
	case TCP_CLOSE_WAIT:
		tcp_set_state(sk, TCP_LAST_ACK, TCP_EV_CLOSE);
		return true;
	case TCP_SYN_SENT:
		tcp_set_state(sk, TCP_CLOSE, TCP_EV_STOP);
		return false;
	default:
		return false;
	}
}

/* tcp_shutdown - the proto's shutdown(): our half. Sock owned. */
void tcp_shutdown(struct sock *sk, int how)
{
	if (!(how & SEND_SHUTDOWN))
		return;
	if ((TCPF(sk->sk_state) & (TCPF_ESTABLISHED | TCPF_SYN_SENT | TCPF_CLOSE_WAIT)) && tcp_close_state(sk))
		tcp_send_fin(sk);
}

/* Drop what nobody read. Return: bytes of data among it. */
static u32 tcp_purge_receive_queue(struct sock *sk)
{
	struct sk_buff *skb;
	u32 unread = 0;

	while ((skb = __skb_dequeue(&sk->sk_receive_queue)) != NULL) {
		u32 len = (u32)seq_diff(TCP_SKB_CB(skb)->end_seq, TCP_SKB_CB(skb)->seq);

		len -= !!(TCP_SKB_CB(skb)->tcp_flags & TCPHDR_FIN);
		unread += len;
		/* A FIN alone has done its job when it was queued: nothing is lost with it. */
		if (len)
			kfree_skb(skb, SKB_DROP_REASON_SOCKET_CLOSED);
		else
			consume_skb(skb);
	}
	return unread;
}

static bool tcp_not_closing(const struct sock *sk)
{
	return !(TCPF(READ_ONCE(sk->skc_state)) & (TCPF_FIN_WAIT1 | TCPF_CLOSING | TCPF_LAST_ACK));
}

/* SO_LINGER: wait until our data and FIN are acknowledged. */
static void tcp_wait_close(struct sock *sk, s64 timeo)
{
	while (timeo && !tcp_not_closing(sk) && !signal_pending(current))
		tcp_sleep_until(sk, &timeo, tcp_not_closing);
}

/* The peer's FIN is awaited, by nobody: for a while, in a TIME_WAIT record if it is short. */
static void tcp_orphan_fin_wait2(struct sock *sk)
{
	u64 tmo = tcp_fin_time_ns(sk);

	if (tcp_sk(sk)->linger2_ns < 0) {
		tcp_set_state(sk, TCP_CLOSE, TCP_EV_ABORT);
		tcp_send_active_reset(sk);
	} else if (tmo > TCP_TIMEWAIT_LEN_NS) {
		inet_csk_reset_keepalive_timer(sk, ktime_get_ns() + tmo - TCP_TIMEWAIT_LEN_NS);
	} else {
		tcp_time_wait(sk, TCP_FIN_WAIT2, tmo);
	}
}

/* The user lets go: what is left to do is done without a process, or not at all. Sock owned. */
static void tcp_orphan(struct sock *sk)
{
	/*
	 * Softirqs put segments into the backlog while we own the sock: they must count before its fate is
	 * decided.
	 */
	release_sock(sk);
	lock_sock(sk);
	tcp_mstamp_refresh(tcp_sk(sk));
	sock_orphan(sk);
	atomic_inc(&sk->sk_prot->orphan_count);
	if (sk->sk_state == TCP_FIN_WAIT2) {
		tcp_orphan_fin_wait2(sk);
		if (sk->sk_state == TCP_CLOSE && tcp_sk(sk)->linger2_ns >= 0)
			return;	/* tcp_time_wait() has destroyed it */
	}
	if (sk->sk_state != TCP_CLOSE && tcp_too_many_orphans(sk)) {
		tcp_set_state(sk, TCP_CLOSE, TCP_EV_ABORT);
		tcp_send_active_reset(sk);
	}
	if (sk->sk_state == TCP_CLOSE)
		inet_csk_destroy_sock(sk);
}

/* Say good-bye in the way that fits state and options. Sock owned. */
static void tcp_say_goodbye(struct sock *sk, s64 timeout_ns)
{
	u32 unread = tcp_purge_receive_queue(sk);

	if (sk->sk_state == TCP_CLOSE)
		return;
	if (unread) {
		/* RFC 2525 2.17: data was lost, and the peer must know. */
		tcp_set_state(sk, TCP_CLOSE, TCP_EV_ABORT);
		tcp_send_active_reset(sk);
	} else if (sock_flag(sk, SOCK_LINGER) && !sk->sk_lingertime_ns) {
		tcp_disconnect(sk, 0);
	} else if (tcp_close_state(sk)) {
		tcp_send_fin(sk);
	}
	tcp_wait_close(sk, timeout_ns);
}

/* tcp_close - the proto's close(): ends the socket's reference. Sock not owned. */
void tcp_close(struct sock *sk, s64 timeout_ns)
{
	sock_hold(sk);
	lock_sock(sk);
	WRITE_ONCE(sk->sk_shutdown, SHUTDOWN_MASK);
	if (sk->sk_state == TCP_LISTEN) {
		tcp_set_state(sk, TCP_CLOSE, TCP_EV_STOP);
		inet_csk_listen_stop(sk);
	} else {
		tcp_say_goodbye(sk, timeout_ns);
	}
	tcp_orphan(sk);
	release_sock(sk);
	sock_put(sk);
}

/* tcp_listen_stop - a listener becomes an unconnected socket again. Sock owned. */
void tcp_listen_stop(struct sock *sk)
{
	tcp_set_state(sk, TCP_CLOSE, TCP_EV_STOP);
	inet_csk_listen_stop(sk);
}

/* Does the peer have to be told that the connection is aborted in @state (RFC 9293 3.10.5)? */
static bool tcp_need_reset(const struct tcp_sock *tp, u8 state)
{
	if (TCPF(state) &
	    (TCPF_ESTABLISHED | TCPF_CLOSE_WAIT | TCPF_FIN_WAIT1 | TCPF_FIN_WAIT2 | TCPF_SYN_RECV))
		return true;
	/* The FIN is queued behind data that was not sent. */
	return (TCPF(state) & (TCPF_CLOSING | TCPF_LAST_ACK)) && !seq_eq(tp->snd_nxt, tp->write_seq);
}

static void tcp_free_queues(struct sock *sk)
{
	tcp_write_queue_purge(sk);
	tcp_ofo_purge(sk);
	tcp_purge_receive_queue(sk);
	tcp_mem_reclaim(sk);
}

/* tcp_disconnect - abort, and be as new. Sock owned, or a child's slock held. Return: 0. */
int tcp_disconnect(struct sock *sk, int flags)
{
	struct tcp_sock *tp = tcp_sk(sk);
	u8 old_state = sk->sk_state;
	seq32 next_seq = seq_add(tp->write_seq, tp->max_window + 2);

	(void)flags;
	if (old_state == TCP_LISTEN) {
		tcp_listen_stop(sk);
	} else if (old_state != TCP_CLOSE) {
		tcp_set_state(sk, TCP_CLOSE, TCP_EV_ABORT);
		if (tcp_need_reset(tp, old_state)) {
			tcp_send_active_reset(sk);
			WRITE_ONCE(sk->sk_err, ECONNRESET);
		} else if (old_state == TCP_SYN_SENT) {
			WRITE_ONCE(sk->sk_err, ECONNRESET);
		}
	}
	inet_csk_clear_xmit_timers(sk);
	tcp_free_queues(sk);
	sk->sk_dport = cpu_to_be16(0);
	if (!(sk->sk_userlocks & SOCK_BINDADDR_LOCK)) {
		sk->sk_rcv_saddr = INADDR_ANY;
		inet_sk(sk)->inet_saddr = INADDR_ANY;
	}
	WRITE_ONCE(sk->sk_shutdown, 0);
	sock_reset_flag(sk, SOCK_DONE);
	tp->window_clamp = 0;
	tp->rx_opt.user_mss = 0;
	tcp_init_sock_queues(sk);
	tp->write_seq = next_seq.v ? next_seq : SEQ(1);
	tp->snd_nxt = tp->write_seq;
	tp->snd_una = tp->write_seq;
	tp->fin_deferred = false;
	sk_dst_set(sk, NULL);
	sk->sk_error_report(sk);
	return 0;
}

/* tcp_v4_destroy_sock - the proto's destroy(): CLOSE and an orphan. Sock owned or slock held. */
static void tcp_v4_destroy_sock(struct sock *sk)
{
	inet_csk_clear_xmit_timers(sk);
	tcp_free_queues(sk);
	if (sk->icsk_bind_hash)
		inet_put_port(sk);
	sk_dst_set(sk, NULL);
}

struct proto tcp_prot = {
	.name		= "TCP",
	.obj_size	= sizeof(struct tcp_sock),
	.close		= tcp_close,
	.connect	= tcp_v4_connect,
	.disconnect	= tcp_disconnect,
	.accept		= inet_csk_accept,
	.ioctl		= tcp_ioctl,
	.init		= tcp_v4_init_sock,
	.destroy	= tcp_v4_destroy_sock,
	.shutdown	= tcp_shutdown,
	.keepalive	= tcp_set_keepalive,
	.setsockopt	= tcp_setsockopt,
	.getsockopt	= tcp_getsockopt,
	.sendmsg	= tcp_sendmsg,
	.recvmsg	= tcp_recvmsg,
	.backlog_rcv	= tcp_v4_do_rcv,
	.release_cb	= tcp_release_cb,
	.hash		= inet_hash,
	.unhash		= inet_unhash,
	.get_port	= inet_csk_get_port,
};

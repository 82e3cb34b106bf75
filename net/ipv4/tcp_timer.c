/*
 * net/ipv4/tcp_timer.c - time passes: retransmission, window probes, delayed acknowledgments, keepalive.
 *
 * Linux:   net/ipv4/tcp_timer.c (6.1)
 * Same:    one retransmit timer that is also the persist and the loss probe timer (icsk_pending says which); if
 *          the sock is owned when a timer runs, release_sock() does its work (tcp_release_cb()); user timeout,
 *          orphans.
 * Differs: 1. clearing a timer clears its meaning only; it runs once for nothing and is not armed again.
 * Locks:   SLOCK.
 * Walk:    timer softirq -> tcp_write_timer() -> tcp_write_timer_handler() -> tcp_retransmit_timer().
 */
#include "net/ipv4/tcp.h"

/* tcp_reset_xmit_timer - in @when_ns from this event the retransmit timer shall do @what (ICSK_TIME_*). */
void tcp_reset_xmit_timer(struct sock *sk, u8 what, u64 when_ns)
{
	struct inet_connection_sock *icsk = inet_csk(sk);

	icsk->icsk_pending = what;
	icsk->icsk_timeout_ns = tcp_sk(sk)->tcp_mstamp_ns + min_t(u64, when_ns, TCP_RTO_MAX_NS);
	icsk_arm(sk, &icsk->icsk_retransmit_timer, icsk->icsk_timeout_ns);
}

/* tcp_probe0_when_ns - when to probe a closed window next: with backoff, at most @max_ns from now. */
u64 tcp_probe0_when_ns(const struct sock *sk, u64 max_ns)
{
	u64 base = max_t(u64, inet_csk(sk)->icsk_rto_ns, TCP_RTO_MIN_NS);
	u64 when = base << min_t(u8, inet_csk(sk)->icsk_backoff, 16);

	return min(when, max_ns);
}

u64 keepalive_time_when_ns(const struct tcp_sock *tp)
{
	return tp->keepalive_time_ns ? tp->keepalive_time_ns : (u64)tcp_sysctl.keepalive_time * NSEC_PER_SEC;
}
u64 keepalive_intvl_when_ns(const struct tcp_sock *tp)
{
	return tp->keepalive_intvl_ns ? tp->keepalive_intvl_ns : (u64)tcp_sysctl.keepalive_intvl * NSEC_PER_SEC;
}
int keepalive_probes(const struct tcp_sock *tp)
{
	return tp->keepalive_probes ? tp->keepalive_probes : tcp_sysctl.keepalive_probes;
}

/* tcp_write_err - the peer does not answer: the connection is over. */
void tcp_write_err(struct sock *sk)
{
	WRITE_ONCE(sk->sk_err, sk->sk_err_soft ? sk->sk_err_soft : ETIMEDOUT);
	sk->sk_error_report(sk);
	tcp_write_queue_purge(sk);
	tcp_done(sk, TCP_EV_TIMEOUT);
}

/* Nobody waits for an orphan: under pressure of memory or numbers it ends at once. Return: true if it did. */
static bool tcp_out_of_resources(struct sock *sk, bool do_reset)
{
	if (!tcp_too_many_orphans(sk))
		return false;
	if (do_reset)
		tcp_send_active_reset(sk);
	tcp_done(sk, TCP_EV_ABORT);
	return true;
}

static int tcp_orphan_retries(const struct sock *sk, bool alive)
{
	int retries = tcp_sysctl.orphan_retries;

	/* The network has told us that it will not work. */
	if (sk->sk_err_soft && !alive)
		return 0;
	return !retries && alive ? 8 : retries;
}

/*
 * Has this been going on for as long as @boundary retransmissions with backoff take, or for the user's
 * time-out?
 */
static bool retransmits_timed_out(const struct sock *sk, int boundary, u64 timeout_ns)
{
	const struct tcp_sock *tp = tcp_sk(sk);

	if (!inet_csk(sk)->icsk_retransmits || !tp->retrans_stamp_ns)
		return false;
	if (!timeout_ns) {
		u64 rto_base = sk->sk_state == TCP_SYN_SENT ? TCP_TIMEOUT_INIT_NS : TCP_RTO_MIN_NS;
		int linear = 0;

		while (rto_base << linear < TCP_RTO_MAX_NS)
			linear++;
		if (boundary <= linear)
			timeout_ns = ((2ULL << boundary) - 1) * rto_base;
		else
			timeout_ns =
				((2ULL << linear) - 1) * rto_base + (u64)(boundary - linear) * TCP_RTO_MAX_NS;
	}
	return tp->tcp_mstamp_ns - tp->retrans_stamp_ns >= timeout_ns;
}

/* Time to give up? Return: true if the connection is over. Linux: tcp_write_timeout(). */
static bool tcp_write_timeout(struct sock *sk)
{
	struct inet_connection_sock *icsk = inet_csk(sk);
	int retry_until = tcp_sysctl.retries2;
	bool expired;

	if (TCPF(sk->sk_state) & (TCPF_SYN_SENT | TCPF_SYN_RECV)) {
		retry_until = icsk->icsk_syn_retries ? icsk->icsk_syn_retries : tcp_sysctl.syn_retries;
		expired = icsk->icsk_retransmits >= retry_until;
	} else {
		if (sock_flag(sk, SOCK_DEAD)) {
			bool alive = icsk->icsk_rto_ns < TCP_RTO_MAX_NS;

			retry_until = tcp_orphan_retries(sk, alive);
			if (tcp_out_of_resources(sk, alive || !retransmits_timed_out(sk, retry_until, 0)))
				return true;
		}
		expired = false;
	}
	if (!expired && !retransmits_timed_out(sk, retry_until, icsk->icsk_user_timeout_ns))
		return false;
	tcp_write_err(sk);
	return true;
}

/* TCP_USER_TIMEOUT ends a connection when it says so, not at the next retransmission after that. */
static u64 tcp_clamp_to_user_timeout(const struct sock *sk, u64 when_ns, u64 since_ns)
{
	u64 limit = inet_csk(sk)->icsk_user_timeout_ns, elapsed = tcp_sk(sk)->tcp_mstamp_ns - since_ns;

	if (!limit || !since_ns)
		return when_ns;
	return elapsed >= limit ? TIMER_TICK_NS : min(when_ns, limit - elapsed);
}

/* The peer has closed its window while data is in flight: probe with it, and never give up while it answers. */
static void tcp_retransmit_zero_window(struct sock *sk)
{
	struct tcp_sock *tp = tcp_sk(sk);

	if (tp->tcp_mstamp_ns - tp->rcv_tstamp_ns > TCP_RTO_MAX_NS ||
	    retransmits_timed_out(sk, 1000, inet_csk(sk)->icsk_user_timeout_ns)) {
		tcp_write_err(sk);
		return;
	}
	tcp_enter_loss(sk);
	tcp_retransmit_skb(sk, tcp_rtx_queue_head(sk), 1);
}

/* The RTO has passed without an ACK (RFC 6298 5.4 to 5.7). */
static void tcp_retransmit_timer(struct sock *sk)
{
	struct inet_connection_sock *icsk = inet_csk(sk);
	struct tcp_sock *tp = tcp_sk(sk);

	if (!tp->packets_out || WARN_ON_ONCE(tcp_rtx_queue_empty(sk)))
		return;
	tp->tlp_pending = false;
	if (!tp->snd_wnd && !sock_flag(sk, SOCK_DEAD) &&
	    !(TCPF(sk->sk_state) & (TCPF_SYN_SENT | TCPF_SYN_RECV))) {
		tcp_retransmit_zero_window(sk);
		if (sk->sk_state == TCP_CLOSE)
			return;
	} else {
		SNMP_INC(TCP_TIMEOUTS);
		if (tcp_write_timeout(sk))
			return;
		tcp_enter_loss(sk);
		icsk->icsk_retransmits++;
		if (tcp_retransmit_skb(sk, tcp_rtx_queue_head(sk), 1)) {
			/* Our own queue is full: not a sign of the path, so no backoff. */
			tcp_reset_xmit_timer(sk, ICSK_TIME_RETRANS, TCP_RESOURCE_PROBE_NS);
			return;
		}
	}
	if (icsk->icsk_backoff < 63)
		icsk->icsk_backoff++;
	icsk->icsk_rto_ns = min_t(u64, icsk->icsk_rto_ns << 1, TCP_RTO_MAX_NS);
	tcp_reset_xmit_timer(sk, ICSK_TIME_RETRANS,
			     tcp_clamp_to_user_timeout(sk, icsk->icsk_rto_ns, tp->retrans_stamp_ns));
	if (retransmits_timed_out(sk, tcp_sysctl.retries1 + 1, 0))
		sk_dst_set(sk, NULL);	/* perhaps there is a better route by now */
}

/* The window is closed and there is data: persist (RFC 9293 3.8.6.1). */
static void tcp_probe_timer(struct sock *sk)
{
	struct inet_connection_sock *icsk = inet_csk(sk);
	struct tcp_sock *tp = tcp_sk(sk);
	int max_probes = tcp_sysctl.retries2;

	if (unlikely(tp->fin_deferred)) {
		tcp_send_fin(sk);
		return;
	}
	if (tp->packets_out || !tcp_send_head(sk)) {
		icsk->icsk_probes_out = 0;
		icsk->icsk_probes_tstamp_ns = 0;
		return;
	}
	/*
	 * RFC 9293 3.8.6.1: as long as the peer answers, for ever; the user's time-out and orphans have an end.
	 */
	if (!icsk->icsk_probes_tstamp_ns) {
		icsk->icsk_probes_tstamp_ns = tp->tcp_mstamp_ns;
	} else if (icsk->icsk_user_timeout_ns &&
		   tp->tcp_mstamp_ns - icsk->icsk_probes_tstamp_ns >= icsk->icsk_user_timeout_ns) {
		tcp_write_err(sk);
		return;
	}
	if (sock_flag(sk, SOCK_DEAD)) {
		bool alive = tcp_probe0_when_ns(sk, TCP_RTO_MAX_NS) < TCP_RTO_MAX_NS;

		max_probes = tcp_orphan_retries(sk, alive);
		if (!alive && icsk->icsk_backoff >= max_probes) {
			tcp_write_err(sk);
			return;
		}
		if (tcp_out_of_resources(sk, true))
			return;
	}
	if (icsk->icsk_probes_out >= max_probes)
		tcp_write_err(sk);
	else
		tcp_send_probe0(sk);
}

/*
 * tcp_write_timer_handler - the time of icsk_pending has come, or the timer runs early. Sock owned, or slock
 * held.
 */
void tcp_write_timer_handler(struct sock *sk)
{
	struct inet_connection_sock *icsk = inet_csk(sk);
	u8 event = icsk->icsk_pending;

	if ((TCPF(sk->sk_state) & (TCPF_CLOSE | TCPF_LISTEN)) || !event)
		return;
	tcp_mstamp_refresh(tcp_sk(sk));
	if (icsk->icsk_timeout_ns > tcp_sk(sk)->tcp_mstamp_ns) {
		sk_reset_timer(sk, &icsk->icsk_retransmit_timer, icsk->icsk_timeout_ns);
		return;
	}
	/* These two leave by tcp_rearm_rto(), which sees by icsk_pending that the RTO has been counting all along. */
	if (event != ICSK_TIME_LOSS_PROBE && event != ICSK_TIME_REO_TIMEOUT)
		icsk->icsk_pending = 0;
	switch (event) {
	case ICSK_TIME_LOSS_PROBE:
		tcp_send_loss_probe(sk);
		break;
	case ICSK_TIME_REO_TIMEOUT:
		tcp_rack_reo_timeout(sk);
		break;
	case ICSK_TIME_RETRANS:
		tcp_retransmit_timer(sk);
		break;
	default:
		tcp_probe_timer(sk);
		break;
	}
}

/* Owns the reference of the armed timer. */
static void tcp_write_timer(struct timer_list *t)
{
	struct inet_connection_sock *icsk = container_of(t, struct inet_connection_sock, icsk_retransmit_timer);
	struct sock *sk = &icsk->icsk_inet.sk;

	bh_lock_sock(sk);
	if (!sock_owned_by_user(sk))
		tcp_write_timer_handler(sk);
	else if (!test_and_set_bit(TCP_WRITE_TIMER_DEFERRED, &tcp_sk(sk)->tsq_flags))
		sock_hold(sk);
	bh_unlock_sock(sk);
	sock_put(sk);
}

/* tcp_delack_timer_handler - the delayed ACK is due, or the timer runs early. Sock owned, or slock held. */
void tcp_delack_timer_handler(struct sock *sk)
{
	struct inet_connection_sock *icsk = inet_csk(sk);
	struct tcp_sock *tp = tcp_sk(sk);

	if ((TCPF(sk->sk_state) & (TCPF_CLOSE | TCPF_LISTEN)) || !(icsk->icsk_ack.pending & ICSK_ACK_TIMER))
		return;
	tcp_mstamp_refresh(tp);
	if (icsk->icsk_ack.timeout_ns > tp->tcp_mstamp_ns) {
		sk_reset_timer(sk, &icsk->icsk_delack_timer, icsk->icsk_ack.timeout_ns);
		return;
	}
	icsk->icsk_ack.pending &= (u8)~ICSK_ACK_TIMER;
	if (!inet_csk_ack_scheduled(sk))
		return;
	if (inet_csk_in_pingpong_mode(sk)) {
		/* No data came to carry it: not interactive after all. */
		inet_csk_exit_pingpong_mode(sk);
		icsk->icsk_ack.ato_ns = TCP_ATO_MIN_NS;
	} else {
		/* The prediction was too short. */
		icsk->icsk_ack.ato_ns = min(icsk->icsk_ack.ato_ns << 1, icsk->icsk_rto_ns);
	}
	tcp_send_ack(sk);
	SNMP_INC(TCP_DELAYEDACKS);
}

static void tcp_delack_timer(struct timer_list *t)
{
	struct inet_connection_sock *icsk = container_of(t, struct inet_connection_sock, icsk_delack_timer);
	struct sock *sk = &icsk->icsk_inet.sk;

	bh_lock_sock(sk);
	if (!sock_owned_by_user(sk))
		tcp_delack_timer_handler(sk);
	else if (!test_and_set_bit(TCP_DELACK_TIMER_DEFERRED, &tcp_sk(sk)->tsq_flags))
		sock_hold(sk);
	bh_unlock_sock(sk);
	sock_put(sk);
}

/* tcp_set_keepalive - the proto's keepalive(): SO_KEEPALIVE is about to become @on. Sock owned. */
void tcp_set_keepalive(struct sock *sk, bool on)
{
	if (TCPF(sk->sk_state) & (TCPF_CLOSE | TCPF_LISTEN))
		return;
	if (on && !sock_flag(sk, SOCK_KEEPOPEN))
		inet_csk_reset_keepalive_timer(sk, ktime_get_ns() + keepalive_time_when_ns(tcp_sk(sk)));
	else if (!on)
		inet_csk_delete_keepalive_timer(sk);
}

/*
 * The keepalive timer of an open connection. Return: ns until it should run again; 0: the connection is over.
 */
static u64 tcp_keepalive_probe(struct sock *sk)
{
	struct inet_connection_sock *icsk = inet_csk(sk);
	struct tcp_sock *tp = tcp_sk(sk);
	u64 last = max(icsk->icsk_ack.lrcvtime_ns, tp->rcv_tstamp_ns), elapsed;

	/* Data in flight, or waiting: its own timer finds out whether the peer is there. */
	if (tp->packets_out || tcp_send_head(sk))
		return keepalive_time_when_ns(tp);
	elapsed = tp->tcp_mstamp_ns - last;
	if (elapsed < keepalive_time_when_ns(tp))
		return keepalive_time_when_ns(tp) - elapsed;
	if ((icsk->icsk_user_timeout_ns && elapsed >= icsk->icsk_user_timeout_ns &&
	     icsk->icsk_probes_out > 0) ||
	    (!icsk->icsk_user_timeout_ns && icsk->icsk_probes_out >= keepalive_probes(tp))) {
		tcp_send_active_reset(sk);
		tcp_write_err(sk);
		return 0;
	}
	if (tcp_write_wakeup(sk))
		return TCP_RESOURCE_PROBE_NS;
	icsk->icsk_probes_out++;
	return keepalive_intvl_when_ns(tp);
}

/* FIN_WAIT2 without a process has waited long enough: the rest of it in a TIME_WAIT record. */
static void tcp_keepalive_fin_wait2(struct sock *sk)
{
	s64 tmo = (s64)tcp_fin_time_ns(sk) - (s64)TCP_TIMEWAIT_LEN_NS;

	if (tcp_sk(sk)->linger2_ns >= 0 && tmo > 0) {
		tcp_time_wait(sk, TCP_FIN_WAIT2, (u64)tmo);
		return;
	}
	tcp_send_active_reset(sk);
	tcp_done(sk, TCP_EV_ABORT);
}

/* Owns the reference of the armed timer. */
static void tcp_keepalive_timer(struct timer_list *t)
{
	struct sock *sk = container_of(t, struct sock, sk_timer);
	u64 again = 0;

	bh_lock_sock(sk);
	tcp_mstamp_refresh(tcp_sk(sk));
	if (sock_owned_by_user(sk))
		again = NSEC_PER_SEC / 20;
	else if (sk->sk_state == TCP_FIN_WAIT2 && sock_flag(sk, SOCK_DEAD))
		tcp_keepalive_fin_wait2(sk);
	else if (sock_flag(sk, SOCK_KEEPOPEN) &&
		 !(TCPF(sk->sk_state) & (TCPF_CLOSE | TCPF_SYN_SENT | TCPF_LISTEN)))
		again = tcp_keepalive_probe(sk);
	if (again)
		inet_csk_reset_keepalive_timer(sk, ktime_get_ns() + again);
	bh_unlock_sock(sk);
	sock_put(sk);
}

void tcp_init_xmit_timers(struct sock *sk)
{
	inet_csk_init_xmit_timers(sk, tcp_write_timer, tcp_delack_timer, tcp_keepalive_timer);
}

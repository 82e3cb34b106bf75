/*
 * net/ipv4/tcp_sockopt.c - the options of SOL_TCP, and struct tcp_info.
 *
 * Linux:   tcp_get_info() and the options in net/ipv4/tcp.c (6.1)
 * Same:    numbers, ranges, errors and their order; tcp_info's layout, every field measured or zero.
 * Differs: 1. options that do not exist here are -ENOPROTOOPT. 2. tcpi_delivery_rate is not
 *             measured (0); there is no pacing, so both pacing rates are "unlimited".
 * Locks:   SOCK_OWNER.
 * Walk:    sys_setsockopt -> sock_common_setsockopt() -> tcp_setsockopt().
 */
#include "kernel/uaccess.h"
#include "net/ipv4/tcp.h"

enum { TCP_LINGER2_NEVER = -1, TCP_CA_NAME_MAX = 16, TCP_LINGER2_MAX_S = 120 };

struct tcp_info {
	u8 tcpi_state, tcpi_ca_state, tcpi_retransmits, tcpi_probes, tcpi_backoff, tcpi_options;
	u8 tcpi_wscale;		/* snd_wscale, rcv_wscale << 4 */
	u8 tcpi_app_limited;
	u32 tcpi_rto, tcpi_ato, tcpi_snd_mss, tcpi_rcv_mss;
	u32 tcpi_unacked, tcpi_sacked, tcpi_lost, tcpi_retrans, tcpi_fackets;
	u32 tcpi_last_data_sent, tcpi_last_ack_sent, tcpi_last_data_recv, tcpi_last_ack_recv;
	u32 tcpi_pmtu, tcpi_rcv_ssthresh, tcpi_rtt, tcpi_rttvar, tcpi_snd_ssthresh, tcpi_snd_cwnd, tcpi_advmss,
		tcpi_reordering;
	u32 tcpi_rcv_rtt, tcpi_rcv_space, tcpi_total_retrans;
	u64 tcpi_pacing_rate, tcpi_max_pacing_rate, tcpi_bytes_acked, tcpi_bytes_received;
	u32 tcpi_segs_out, tcpi_segs_in, tcpi_notsent_bytes, tcpi_min_rtt, tcpi_data_segs_in,
		tcpi_data_segs_out;
	u64 tcpi_delivery_rate, tcpi_busy_time, tcpi_rwnd_limited, tcpi_sndbuf_limited;
	u32 tcpi_delivered, tcpi_delivered_ce;
	u64 tcpi_bytes_sent, tcpi_bytes_retrans;
	u32 tcpi_dsack_dups, tcpi_reord_seen, tcpi_rcv_ooopack, tcpi_snd_wnd;
};
static_assert(sizeof(struct tcp_info) == 232, "ABI of Linux 6.1");
enum { TCPI_OPT_TIMESTAMPS = 1, TCPI_OPT_SACK = 2, TCPI_OPT_WSCALE = 4 };

static u32 tcp_ms(u64 ns) { return (u32)(ns / NSEC_PER_MSEC); }
static u32 tcp_us(u64 ns) { return (u32)(ns / NSEC_PER_USEC); }

/* For how long the sender had data, and was kept from sending by the peer's window, or its own buffer. */
static void tcp_info_limits(const struct tcp_sock *tp, struct tcp_info *info)
{
	u64 us[3], total = 0;

	for (u8 i = 0; i < ARRAY_SIZE(us); i++) {
		u64 ns = tp->chrono_ns[i];

		if (tp->chrono_type == i + 1)
			ns += tp->tcp_mstamp_ns - tp->chrono_start_ns;
		us[i] = ns / NSEC_PER_USEC;
		total += us[i];
	}
	info->tcpi_busy_time = total;
	info->tcpi_rwnd_limited = us[TCP_CHRONO_RWND_LIMITED - 1];
	info->tcpi_sndbuf_limited = us[TCP_CHRONO_SNDBUF_LIMITED - 1];
}

/* The part that only a connection has. */
static void tcp_info_connection(const struct sock *sk, struct tcp_info *info)
{
	const struct tcp_sock *tp = tcp_sk(sk);
	const struct inet_connection_sock *icsk = inet_csk(sk);
	u64 now = tp->tcp_mstamp_ns;

	info->tcpi_rto = tcp_us(icsk->icsk_rto_ns);
	info->tcpi_ato = tcp_us(icsk->icsk_ack.ato_ns);
	info->tcpi_snd_mss = tp->mss_cache;
	info->tcpi_rcv_mss = icsk->icsk_ack.rcv_mss;
	info->tcpi_unacked = tp->packets_out;
	info->tcpi_sacked = tp->sacked_out;
	info->tcpi_lost = tp->lost_out;
	info->tcpi_retrans = tp->retrans_out;
	info->tcpi_last_data_sent = tcp_ms(now - tp->lsndtime_ns);
	info->tcpi_last_data_recv = tcp_ms(now - icsk->icsk_ack.lrcvtime_ns);
	info->tcpi_last_ack_recv = tcp_ms(now - tp->rcv_tstamp_ns);
	info->tcpi_pmtu = icsk->icsk_pmtu_cookie;
	info->tcpi_rcv_ssthresh = tp->rcv_ssthresh;
	info->tcpi_rtt = tp->srtt_us >> 3;
	info->tcpi_rttvar = tp->mdev_us >> 2;
	info->tcpi_snd_ssthresh = tp->snd_ssthresh;
	info->tcpi_advmss = tp->advmss;
	info->tcpi_rcv_rtt = tp->rcv_rtt_est.rtt_us >> 3;
	info->tcpi_rcv_space = tp->rcvq_space.space;
	info->tcpi_total_retrans = tp->total_retrans;
	info->tcpi_notsent_bytes = (u32)max(0, seq_diff(tp->write_seq, tp->snd_nxt));
	info->tcpi_min_rtt = tcp_min_rtt_us(tp);
	tcp_info_limits(tp, info);
	info->tcpi_delivered = tp->delivered;
	info->tcpi_snd_wnd = tp->snd_wnd;
}

static void tcp_info_counts(const struct tcp_sock *tp, struct tcp_info *info)
{
	info->tcpi_bytes_acked = tp->bytes_acked;
	info->tcpi_bytes_received = tp->bytes_received;
	info->tcpi_segs_out = tp->segs_out;
	info->tcpi_segs_in = tp->segs_in;
	info->tcpi_data_segs_in = tp->data_segs_in;
	info->tcpi_data_segs_out = tp->data_segs_out;
	info->tcpi_bytes_sent = tp->bytes_sent;
	info->tcpi_bytes_retrans = tp->bytes_retrans;
	info->tcpi_dsack_dups = tp->dsack_dups;
	info->tcpi_reord_seen = tp->reord_seen;
	info->tcpi_rcv_ooopack = tp->rcv_ooopack;
}

/* tcp_get_info - TCP_INFO. Takes the sock. */
static void tcp_get_info(struct sock *sk, struct tcp_info *info)
{
	const struct inet_connection_sock *icsk = inet_csk(sk);
	struct tcp_sock *tp = tcp_sk(sk);
	const struct tcp_options_received *rx = &tp->rx_opt;

	memset(info, 0, sizeof(*info));
	lock_sock(sk);
	tcp_mstamp_refresh(tp);
	info->tcpi_state = sk->sk_state;
	info->tcpi_pacing_rate = U64_MAX;
	info->tcpi_max_pacing_rate = U64_MAX;
	info->tcpi_reordering = tp->reordering;
	info->tcpi_snd_cwnd = tp->snd_cwnd;
	if (sk->sk_state == TCP_LISTEN) {
		/* As Linux: the accept queue and its limit. */
		info->tcpi_unacked = READ_ONCE(sk->sk_ack_backlog);
		info->tcpi_sacked = READ_ONCE(sk->sk_max_ack_backlog);
	} else {
		info->tcpi_ca_state = icsk->icsk_ca_state;
		info->tcpi_retransmits = icsk->icsk_retransmits;
		info->tcpi_probes = icsk->icsk_probes_out;
		info->tcpi_backoff = icsk->icsk_backoff;
		info->tcpi_options =
			(u8)((rx->tstamp_ok ? TCPI_OPT_TIMESTAMPS : 0) | (rx->sack_ok ? TCPI_OPT_SACK : 0) |
			     (rx->wscale_ok ? TCPI_OPT_WSCALE : 0));
		info->tcpi_wscale = rx->wscale_ok ? (u8)(rx->snd_wscale | rx->rcv_wscale << 4) : 0;
		tcp_info_connection(sk, info);
	}
	tcp_info_counts(tp, info);
	release_sock(sk);
}

/* TCP_DEFER_ACCEPT counts SYN-ACK time-outs; users give seconds. */
static u8 secs_to_retrans(int seconds)
{
	int period = 1, timeout = 1;
	u8 res = 0;

	if (seconds <= 0)
		return 0;
	for (res = 1; seconds > period && res < 255; res++) {
		timeout = min(timeout << 1, (int)(TCP_RTO_MAX_NS / NSEC_PER_SEC));
		period += timeout;
	}
	return res;
}

static int retrans_to_secs(u8 retrans)
{
	int period = 0, timeout = 1;

	for (; retrans; retrans--) {
		period += timeout;
		timeout = min(timeout << 1, (int)(TCP_RTO_MAX_NS / NSEC_PER_SEC));
	}
	return period;
}

/* --- set; sock owned */

static void tcp_set_nodelay(struct sock *sk, bool on)
{
	struct tcp_sock *tp = tcp_sk(sk);

	if (!on) {
		tp->nonagle &= (u8)~TCP_NAGLE_OFF;
		return;
	}
	/* What Nagle has kept goes now; a cork still holds. */
	tp->nonagle |= TCP_NAGLE_OFF | TCP_NAGLE_PUSH;
	tcp_push_pending_frames(sk);
}

static void tcp_set_cork(struct sock *sk, bool on)
{
	struct tcp_sock *tp = tcp_sk(sk);

	if (on) {
		tp->nonagle |= TCP_NAGLE_CORK;
		return;
	}
	tp->nonagle &= (u8)~TCP_NAGLE_CORK;
	if (tp->nonagle & TCP_NAGLE_OFF)
		tp->nonagle |= TCP_NAGLE_PUSH;
	tcp_push_pending_frames(sk);
}

static int tcp_set_keepidle(struct sock *sk, int val)
{
	struct tcp_sock *tp = tcp_sk(sk);
	u64 last, elapsed;

	if (val < 1 || val > MAX_TCP_KEEPIDLE)
		return -EINVAL;
	tp->keepalive_time_ns = (u64)val * NSEC_PER_SEC;
	if (sock_flag(sk, SOCK_KEEPOPEN) && !(TCPF(sk->sk_state) & (TCPF_CLOSE | TCPF_LISTEN))) {
		last = max(inet_csk(sk)->icsk_ack.lrcvtime_ns, tp->rcv_tstamp_ns);
		elapsed = ktime_get_ns() - last;
		inet_csk_reset_keepalive_timer(sk, ktime_get_ns() + (tp->keepalive_time_ns > elapsed
									     ? tp->keepalive_time_ns - elapsed
									     : 0));
	}
	return 0;
}

static int tcp_set_window_clamp(struct sock *sk, int val)
{
	struct tcp_sock *tp = tcp_sk(sk);

	if (!val) {
		if (sk->sk_state != TCP_CLOSE)
			return -EINVAL;
		tp->window_clamp = 0;
		return 0;
	}
	tp->window_clamp = (u32)max(val, SOCK_MIN_RCVBUF / 2);
	tp->rcv_ssthresh = min(tp->rcv_wnd, tp->window_clamp);
	return 0;
}

static void tcp_set_quickack(struct sock *sk, int val)
{
	if (!val) {
		inet_csk_enter_pingpong_mode(sk);
		return;
	}
	inet_csk_exit_pingpong_mode(sk);
	if ((TCPF(sk->sk_state) & (TCPF_ESTABLISHED | TCPF_CLOSE_WAIT)) && inet_csk_ack_scheduled(sk)) {
		inet_csk(sk)->icsk_ack.pending |= ICSK_ACK_PUSHED;
		tcp_cleanup_rbuf(sk, 1);
		if (!(val & 1))
			inet_csk_enter_pingpong_mode(sk);
	}
}

/* Options that are a number with a range: *@field = @val * @unit. */
static int tcp_set_range(int val, int lo, int hi)
{
	return val < lo || val > hi ? -EINVAL : 0;
}

/* Options that only store their value. 1: not one of these. */
static int tcp_set_value(struct sock *sk, int optname, int val)
{
	struct tcp_sock *tp = tcp_sk(sk);
	int err = 0;

	switch (optname) {
	case TCP_MAXSEG:
		if (val && tcp_set_range(val, TCP_MIN_MSS, MAX_TCP_WINDOW))
			return -EINVAL;
		tp->rx_opt.user_mss = (u16)val;
		return 0;
	case TCP_KEEPINTVL:
		err = tcp_set_range(val, 1, MAX_TCP_KEEPINTVL);
		if (!err)
			tp->keepalive_intvl_ns = (u64)val * NSEC_PER_SEC;
		return err;
	case TCP_KEEPCNT:
		err = tcp_set_range(val, 1, MAX_TCP_KEEPCNT);
		if (!err)
			tp->keepalive_probes = (u8)val;
		return err;
	case TCP_SYNCNT:
		err = tcp_set_range(val, 1, MAX_TCP_SYNCNT);
		if (!err)
			inet_csk(sk)->icsk_syn_retries = (u8)val;
		return err;
	case TCP_LINGER2:
		tp->linger2_ns = val < 0 ? -1 : min(val, (int)TCP_LINGER2_MAX_S) * (s64)NSEC_PER_SEC;
		return 0;
	case TCP_DEFER_ACCEPT:
		inet_csk(sk)->icsk_accept_queue.rskq_defer_accept = secs_to_retrans(val);
		return 0;
	case TCP_USER_TIMEOUT:
		if (val < 0)
			return -EINVAL;
		inet_csk(sk)->icsk_user_timeout_ns = (u64)val * NSEC_PER_MSEC;
		return 0;
	case TCP_INQ:
		err = tcp_set_range(val, 0, 1);
		if (!err)
			tp->recvmsg_inq = val;
		return err;
	default:
		return 1;
	}
}

static int tcp_set_action(struct sock *sk, int optname, int val)
{
	switch (optname) {
	case TCP_NODELAY:
		tcp_set_nodelay(sk, val);
		return 0;
	case TCP_CORK:
		tcp_set_cork(sk, val);
		return 0;
	case TCP_KEEPIDLE:
		return tcp_set_keepidle(sk, val);
	case TCP_WINDOW_CLAMP:
		return tcp_set_window_clamp(sk, val);
	case TCP_QUICKACK:
		tcp_set_quickack(sk, val);
		return 0;
	case TCP_NOTSENT_LOWAT:
		tcp_sk(sk)->notsent_lowat = (u32)val;
		sk->sk_write_space(sk);
		return 0;
	default:
		return -ENOPROTOOPT;
	}
}

static int tcp_set_congestion(struct sock *sk, uptr optval, unsigned int optlen)
{
	char name[TCP_CA_NAME_MAX];
	ssize_t n;
	int err;

	if (optlen < 1)
		return -EINVAL;
	n = strncpy_from_user(name, optval, min_t(size_t, TCP_CA_NAME_MAX - 1, optlen));
	if (n < 0)
		return -EFAULT;
	name[n] = '\0';
	lock_sock(sk);
	err = tcp_set_congestion_control(sk, name);
	release_sock(sk);
	return err;
}

int tcp_setsockopt(struct sock *sk, int level, int optname, uptr optval, unsigned int optlen)
{
	int val, err;

	if (level != SOL_TCP)
		return level == SOL_IP ? ip_setsockopt(sk, optname, optval, optlen) : -ENOPROTOOPT;
	if (optname == TCP_CONGESTION)
		return tcp_set_congestion(sk, optval, optlen);
	if (optlen < sizeof(int))
		return -EINVAL;
	if (get_user(val, optval))
		return -EFAULT;
	lock_sock(sk);
	err = tcp_set_value(sk, optname, val);
	if (err > 0)
		err = tcp_set_action(sk, optname, val);
	release_sock(sk);
	return err;
}

/* --- get */

/* *@len limits, and becomes what was copied. 0 or -errno. */
static int tcp_put_opt(const void *val, int size, uptr optval, uptr optlen)
{
	int len;

	if (get_user(len, optlen))
		return -EFAULT;
	if (len < 0)
		return -EINVAL;
	len = min(len, size);
	if (put_user(len, optlen))
		return -EFAULT;
	return copy_to_user(optval, val, (size_t)len) ? -EFAULT : 0;
}

static int tcp_get_maxseg(const struct sock *sk)
{
	const struct tcp_sock *tp = tcp_sk(sk);

	return tp->rx_opt.user_mss && (TCPF(sk->sk_state) & (TCPF_CLOSE | TCPF_LISTEN)) ? tp->rx_opt.user_mss
											: (int)tp->mss_cache;
}

static int tcp_get_linger2(const struct tcp_sock *tp)
{
	if (tp->linger2_ns < 0)
		return TCP_LINGER2_NEVER;
	return tp->linger2_ns ? (int)(tp->linger2_ns / (s64)NSEC_PER_SEC) : tcp_sysctl.fin_timeout;
}

/* The value of an option that is a number. 0 or -ENOPROTOOPT. */
static int tcp_get_value(const struct sock *sk, int optname, int *val)
{
	const struct inet_connection_sock *icsk = inet_csk(sk);
	const struct tcp_sock *tp = tcp_sk(sk);

	switch (optname) {
	case TCP_NODELAY:	*val = !!(tp->nonagle & TCP_NAGLE_OFF); return 0;
	case TCP_MAXSEG:	*val = tcp_get_maxseg(sk); return 0;
	case TCP_CORK:		*val = !!(tp->nonagle & TCP_NAGLE_CORK); return 0;
	case TCP_KEEPIDLE:	*val = (int)(keepalive_time_when_ns(tp) / NSEC_PER_SEC); return 0;
	case TCP_KEEPINTVL:	*val = (int)(keepalive_intvl_when_ns(tp) / NSEC_PER_SEC); return 0;
	case TCP_KEEPCNT:	*val = keepalive_probes(tp); return 0;
	case TCP_SYNCNT:
		*val = icsk->icsk_syn_retries ? icsk->icsk_syn_retries : tcp_sysctl.syn_retries;
		return 0;
	case TCP_LINGER2:	*val = tcp_get_linger2(tp); return 0;
	case TCP_DEFER_ACCEPT:	*val = retrans_to_secs(icsk->icsk_accept_queue.rskq_defer_accept); return 0;
	case TCP_WINDOW_CLAMP:	*val = (int)tp->window_clamp; return 0;
	case TCP_QUICKACK:	*val = !inet_csk_in_pingpong_mode(sk); return 0;
	case TCP_USER_TIMEOUT:	*val = (int)(icsk->icsk_user_timeout_ns / NSEC_PER_MSEC); return 0;
	case TCP_NOTSENT_LOWAT:	*val = (int)tp->notsent_lowat; return 0;
	case TCP_INQ:		*val = tp->recvmsg_inq; return 0;
	default:		return -ENOPROTOOPT;
	}
}

int tcp_getsockopt(struct sock *sk, int level, int optname, uptr optval, uptr optlen)
{
	char name[TCP_CA_NAME_MAX] = "";
	struct tcp_info info;
	int val, err;

	if (level != SOL_TCP)
		return level == SOL_IP ? ip_getsockopt(sk, optname, optval, optlen) : -ENOPROTOOPT;
	switch (optname) {
	case TCP_INFO:
		tcp_get_info(sk, &info);
		return tcp_put_opt(&info, sizeof(info), optval, optlen);
	case TCP_CC_INFO:	/* neither algorithm has anything to tell */
		return tcp_put_opt(name, 0, optval, optlen);
	case TCP_CONGESTION:
		strscpy(name, inet_csk(sk)->icsk_ca_ops->name, sizeof(name));
		return tcp_put_opt(name, sizeof(name), optval, optlen);
	default:
		err = tcp_get_value(sk, optname, &val);
		return err ? err : tcp_put_opt(&val, sizeof(val), optval, optlen);
	}
}

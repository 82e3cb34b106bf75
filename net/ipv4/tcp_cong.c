/*
 * net/ipv4/tcp_cong.c - congestion control: the interface, and NewReno behind it.
 *
 * Linux:   net/ipv4/tcp_cong.c (6.1)
 * Same:    tcp_congestion_ops; slow start and congestion avoidance of RFC 5681 with appropriate byte counting
 *          by packets.
 * Differs: 1. the algorithms are a fixed list: no modules. 2. any user may choose any of them.
 * Locks:   the sock's owner, or its slock in softirq; the default's index is one word.
 * Walk:    tcp_ack() -> icsk_ca_ops->cong_avoid().
 */
#include "net/ipv4/tcp.h"

static const struct tcp_congestion_ops *const tcp_ca_list[] = { &tcp_cubic, &tcp_reno };
/* Which of the list new sockets get; written by sysctl, one word. No lock. */
static unsigned int tcp_ca_default;

const struct tcp_congestion_ops *tcp_ca_nth(unsigned int i)
{
	return i < ARRAY_SIZE(tcp_ca_list) ? tcp_ca_list[i] : NULL;
}
const char *tcp_default_congestion_control(void) { return tcp_ca_list[READ_ONCE(tcp_ca_default)]->name; }

static int tcp_ca_find(const char *name)
{
	for (unsigned int i = 0; i < ARRAY_SIZE(tcp_ca_list); i++) {
		if (!strcmp(tcp_ca_list[i]->name, name))
			return (int)i;
	}
	return -ENOENT;
}

int tcp_set_default_congestion_control(const char *name)
{
	int i = tcp_ca_find(name);

	if (i >= 0)
		WRITE_ONCE(tcp_ca_default, (unsigned int)i);
	return i < 0 ? i : 0;
}

/* tcp_assign_congestion_control - a new sock: the default. */
void tcp_assign_congestion_control(struct sock *sk)
{
	inet_csk(sk)->icsk_ca_ops = tcp_ca_list[READ_ONCE(tcp_ca_default)];
	memset(inet_csk_ca(sk), 0, sizeof(inet_csk(sk)->icsk_ca_priv));
}

/* tcp_init_congestion_control - the connection is open. */
void tcp_init_congestion_control(struct sock *sk)
{
	tcp_sk(sk)->prior_ssthresh = 0;
	if (inet_csk(sk)->icsk_ca_ops->init)
		inet_csk(sk)->icsk_ca_ops->init(sk);
}

/* tcp_set_congestion_control - TCP_CONGESTION. 0 or -ENOENT. Sock owned. */
int tcp_set_congestion_control(struct sock *sk, const char *name)
{
	int i = tcp_ca_find(name);

	if (i < 0)
		return i;
	inet_csk(sk)->icsk_ca_ops = tcp_ca_list[i];
	memset(inet_csk_ca(sk), 0, sizeof(inet_csk(sk)->icsk_ca_priv));
	if (!(TCPF(sk->sk_state) & (TCPF_CLOSE | TCPF_LISTEN)))
		tcp_init_congestion_control(sk);
	return 0;
}

void tcp_set_ca_state(struct sock *sk, u8 ca_state)
{
	struct inet_connection_sock *icsk = inet_csk(sk);

	if (icsk->icsk_ca_ops->set_state)
		icsk->icsk_ca_ops->set_state(sk, ca_state);
	icsk->icsk_ca_state = ca_state;
}

void tcp_ca_event(struct sock *sk, enum tcp_ca_event event)
{
	if (inet_csk(sk)->icsk_ca_ops->cwnd_event)
		inet_csk(sk)->icsk_ca_ops->cwnd_event(sk, event);
}

/*
 * tcp_slow_start - one segment more for each that arrived (RFC 5681 3.1), up to ssthresh. Return: what of
 * @acked is left.
 */
u32 tcp_slow_start(struct tcp_sock *tp, u32 acked)
{
	u32 cwnd = min(tp->snd_cwnd + acked, tp->snd_ssthresh);

	acked -= cwnd - tp->snd_cwnd;
	tp->snd_cwnd = min(cwnd, tp->snd_cwnd_clamp);
	return acked;
}

/* tcp_cong_avoid_ai - one segment more for every @w that arrived. */
void tcp_cong_avoid_ai(struct tcp_sock *tp, u32 w, u32 acked)
{
	if (tp->snd_cwnd_cnt >= w) {
		tp->snd_cwnd_cnt = 0;
		tp->snd_cwnd++;
	}
	tp->snd_cwnd_cnt += acked;
	if (tp->snd_cwnd_cnt >= w) {
		u32 delta = tp->snd_cwnd_cnt / w;

		tp->snd_cwnd_cnt -= delta * w;
		tp->snd_cwnd += delta;
	}
	tp->snd_cwnd = min(tp->snd_cwnd, tp->snd_cwnd_clamp);
}

/* tcp_is_cwnd_limited - is it the congestion window that holds us back? Only then may it grow. */
bool tcp_is_cwnd_limited(const struct tcp_sock *tp)
{
	if (tcp_in_slow_start(tp))
		return tp->snd_cwnd < 2 * tp->max_packets_out;
	return tp->is_cwnd_limited;
}

void tcp_reno_cong_avoid(struct sock *sk, u32 ack, u32 acked)
{
	struct tcp_sock *tp = tcp_sk(sk);

	(void)ack;
	if (!tcp_is_cwnd_limited(tp))
		return;
	if (tcp_in_slow_start(tp)) {
		acked = tcp_slow_start(tp, acked);
		if (!acked)
			return;
	}
	tcp_cong_avoid_ai(tp, tp->snd_cwnd, acked);
}

u32 tcp_reno_ssthresh(struct sock *sk) { return max(tcp_sk(sk)->snd_cwnd >> 1, 2U); }
u32 tcp_reno_undo_cwnd(struct sock *sk) { return max(tcp_sk(sk)->snd_cwnd, tcp_sk(sk)->prior_cwnd); }

const struct tcp_congestion_ops tcp_reno = {
	.name		= "reno",
	.ssthresh	= tcp_reno_ssthresh,
	.cong_avoid	= tcp_reno_cong_avoid,
	.undo_cwnd	= tcp_reno_undo_cwnd,
};

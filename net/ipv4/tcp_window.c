/*
 * net/ipv4/tcp_window.c - the window we offer, and the size of the segments we send.
 *
 * Linux:   the same functions in net/ipv4/tcp_output.c (6.1)
 * Same:    the offered right edge never moves left; a window that would be silly is offered as zero (RFC 9293
 *          3.8.6.2.2); the MSS follows the path MTU, the options of the moment and half of the largest window
 *          seen.
 * Differs: 1. a path MTU learned from ICMP is kept in the sock, not in the route.
 * Locks:   the sock's owner, or its slock in softirq.
 * Walk:    tcp_transmit_once() -> tcp_select_window(); tcp_sendmsg() -> tcp_current_mss().
 */
#include "net/ipv4/tcp.h"

u32 tcp_mtu(const struct sock *sk)
{
	u32 mtu = sk->sk_dst ? sk->sk_dst->mtu : TCP_MSS_DEFAULT + 40;
	u32 learned = inet_csk(sk)->icsk_pmtu;

	return learned && learned < mtu ? learned : mtu;
}

/* tcp_advertise_mss - the MSS option of a SYN: what fits the first hop, and no more than TCP_MAXSEG asks. */
u32 tcp_advertise_mss(const struct sock *sk, const struct rtable *rt)
{
	const u32 headers = sizeof(struct iphdr) + sizeof(struct tcphdr);
	u32 mss = rt ? rt->mtu - headers : TCP_MSS_DEFAULT;
	u32 user = tcp_sk(sk)->rx_opt.user_mss;

	/* As Linux: at least 256, and an IP packet has at most 65535 bytes. */
	mss = clamp(mss, 256U, 65535 - headers);
	return user && user < mss ? user : mss;
}

static unsigned int tcp_mtu_to_mss(const struct sock *sk, u32 pmtu)
{
	const struct tcp_sock *tp = tcp_sk(sk);
	u32 mss = pmtu - sizeof(struct iphdr) - sizeof(struct tcphdr);

	if (mss > tp->rx_opt.mss_clamp)
		mss = tp->rx_opt.mss_clamp;
	mss = max_t(u32, mss, TCP_MIN_SND_MSS);
	return mss - (tp->tcp_header_len - (u32)sizeof(struct tcphdr));
}

/* A segment of more than half the peer's largest window would wait for the whole window to open. */
static unsigned int tcp_bound_to_half_wnd(const struct tcp_sock *tp, unsigned int pktsize)
{
	unsigned int cutoff = tp->max_window > TCP_MSS_DEFAULT ? tp->max_window >> 1 : tp->max_window;

	return cutoff && pktsize > cutoff ? max_t(unsigned int, cutoff, 68 - tp->tcp_header_len) : pktsize;
}

unsigned int tcp_sync_mss(struct sock *sk, u32 pmtu)
{
	struct tcp_sock *tp = tcp_sk(sk);

	inet_csk(sk)->icsk_pmtu_cookie = pmtu;
	tp->mss_cache = tcp_bound_to_half_wnd(tp, tcp_mtu_to_mss(sk, pmtu));
	return tp->mss_cache;
}

/* tcp_current_mss - data bytes that fit a segment now: SACK blocks to be sent take their room from it. */
unsigned int tcp_current_mss(struct sock *sk)
{
	struct tcp_sock *tp = tcp_sk(sk);
	unsigned int mss = tp->mss_cache, blocks = tp->num_sacks + tp->have_dsack;

	if (sk->sk_dst) {
		u32 mtu = tcp_mtu(sk);

		if (mtu != inet_csk(sk)->icsk_pmtu_cookie)
			mss = tcp_sync_mss(sk, mtu);
	}
	if (unlikely(blocks)) {
		unsigned int room = tp->rx_opt.tstamp_ok ? 3 : 4;

		mss -= 4 + min(blocks, room) * TCPOLEN_SACK_PERBLOCK;
	}
	return mss;
}

bool tcp_can_gso(const struct sock *sk)
{
	return sk->sk_dst && (sk->sk_dst->dev->features & NETIF_F_TSO);
}

struct tcp_initial_window tcp_select_initial_window(int space_avail, u32 window_clamp, u32 mss, bool wscale_ok)
{
	struct tcp_initial_window w = { 0, window_clamp ? window_clamp : 65535U << TCP_MAX_WSCALE, 0 };
	u32 space = min_t(u32, space_avail < 0 ? 0 : (u32)space_avail, w.window_clamp);

	if (space > mss)
		space = space / mss * mss;
	w.rcv_wnd = min_t(u32, space, 65535);
	if (wscale_ok) {
		/* The scale is for ever: choose it for the largest buffer the socket may grow to. */
		space = max_t(u32, space, (u32)tcp_sysctl.rmem[2]);
		space = min(max_t(u32, space, (u32)sysctl_rmem_max), w.window_clamp);
		while (space > 65535 && w.rcv_wscale < TCP_MAX_WSCALE) {
			space >>= 1;
			w.rcv_wscale++;
		}
	}
	w.window_clamp = min(w.window_clamp, 65535U << w.rcv_wscale);
	return w;
}

/*
 * __tcp_select_window - how many bytes past rcv_nxt to offer: the free part of the buffer, in steps that are
 * worth a segment. Linux: __tcp_select_window(); RFC 1122 4.2.3.3.
 */
u32 __tcp_select_window(struct sock *sk)
{
	struct inet_connection_sock *icsk = inet_csk(sk);
	struct tcp_sock *tp = tcp_sk(sk);
	int mss = (int)icsk->icsk_ack.rcv_mss, free_space = tcp_space(sk), allowed = tcp_full_space(sk);
	int full_space = min((int)min_t(u32, tp->window_clamp, S32_MAX), allowed);
	int window;

	if (mss > full_space)
		mss = full_space;
	if (mss <= 0)
		return 0;
	if (free_space < full_space >> 1) {
		icsk->icsk_ack.quick = 0;
		if (tcp_under_memory_pressure())
			tp->rcv_ssthresh = min(tp->rcv_ssthresh, 4U * tp->advmss);
		if (free_space > 0)
			free_space &= ~((1 << tp->rx_opt.rcv_wscale) - 1);
		if (free_space < allowed >> 4 || free_space < mss)
			return 0;
	}
	free_space = min(free_space, (int)min_t(u32, tp->rcv_ssthresh, S32_MAX));
	if (tp->rx_opt.rcv_wscale)
		return ALIGN((u32)free_space, 1U << tp->rx_opt.rcv_wscale);
	window = (int)tp->rcv_wnd;
	if (window <= free_space - mss || window > free_space)
		window = free_space / mss * mss;
	else if (mss == full_space && free_space > window + (full_space >> 1))
		window = free_space;
	return (u32)window;
}

/* tcp_select_window - the window field of a segment that goes out now; remembers what it offered. */
u16 tcp_select_window(struct sock *sk)
{
	struct tcp_sock *tp = tcp_sk(sk);
	u32 cur_win = tcp_receive_window(tp), new_win = __tcp_select_window(sk);

	/* Never shrink what the peer has seen (RFC 9293 3.8.6). */
	if (new_win < cur_win)
		new_win = ALIGN(cur_win, 1U << tp->rx_opt.rcv_wscale);
	new_win = min(new_win, 65535U << tp->rx_opt.rcv_wscale);
	tp->rcv_wnd = new_win;
	tp->rcv_wup = tp->rcv_nxt;
	new_win >>= tp->rx_opt.rcv_wscale;
	if (!new_win)
		tp->pred_flags = 0;
	return (u16)new_win;
}

/*
 * net/ipv4/datagram.c - what UDP, raw and ping socks have in common: peers, routes, receiving,
 * errors.
 *
 * Linux:   net/ipv4/datagram.c, and parts of udp.c, raw.c and ping.c (6.1)
 * Same:    connect() fixes the peer and, if nothing was bound, the source; datagrams to all need
 *          SO_BROADCAST.
 * Differs: 1. one recvmsg() tail for the three.
 * Locks:   SOCK_OWNER, SLOCK (the cached route).
 * Walk:    udp_sendmsg() -> datagram_route(); udp_recvmsg() -> datagram_recv() ->
 *          skb_recv_datagram().
 */
#include "kernel/string.h"
#include "kernel/uaccess.h"
#include "net/ipv4/ip.h"
#include "net/sockios.h"
#include "net/wire/udp.h"

int ip4_datagram_connect(struct sock *sk, const struct sockaddr_in *addr, int addr_len)
{
	struct inet_sock *inet = inet_sk(sk);

	if (addr_len < (int)sizeof(*addr))
		return -EINVAL;
	if (addr->sin_family != AF_INET)
		return -EAFNOSUPPORT;
	lock_sock(sk);
	struct rtable *rt = ip_route_output(addr->sin_addr, inet->inet_saddr, sk->sk_bound_dev_if);
	int err = 0;

	if (IS_ERR(rt)) {
		err = (int)PTR_ERR(rt);
		if (err == -ENETUNREACH)
			SNMP_INC(IP_OUTNOROUTES);
		goto out;
	}
	if (rt->broadcast && !sock_flag(sk, SOCK_BROADCAST)) {
		rt_put(rt);
		err = -EACCES;
		goto out;
	}
	if (!inet->inet_saddr.raw)
		inet->inet_saddr = rt->src;
	if (!sk->sk_rcv_saddr.raw)
		sk->sk_rcv_saddr = rt->src;
	sk->sk_daddr = rt->dst;
	sk->sk_dport = addr->sin_port;
	sk->sk_state = TCP_ESTABLISHED;
	spin_lock_bh(&sk->sk_lock.slock);
	sk_dst_set(sk, rt);
	spin_unlock_bh(&sk->sk_lock.slock);
out:
	release_sock(sk);
	return err;
}

int ip4_datagram_disconnect(struct sock *sk, __unused int flags)
{
	struct inet_sock *inet = inet_sk(sk);

	lock_sock(sk);
	sk->sk_state = TCP_CLOSE;
	sk->sk_daddr = INADDR_ANY;
	sk->sk_dport = cpu_to_be16(0);
	if (!(sk->sk_userlocks & SOCK_BINDADDR_LOCK)) {
		sk->sk_rcv_saddr = INADDR_ANY;
		inet->inet_saddr = INADDR_ANY;
	}
	if (!(sk->sk_userlocks & SOCK_BINDPORT_LOCK) && sk->sk_type == SOCK_DGRAM) {
		sk->sk_prot->unhash(sk);
		inet->inet_sport = cpu_to_be16(0);
	}
	spin_lock_bh(&sk->sk_lock.slock);
	sk_dst_set(sk, NULL);
	spin_unlock_bh(&sk->sk_lock.slock);
	release_sock(sk);
	return 0;
}

int datagram_dest(struct sock *sk, const struct msghdr *msg, struct sockaddr_in *dst)
{
	if (!msg->msg_name) {
		if (sk->sk_state != TCP_ESTABLISHED)
			return -EDESTADDRREQ;
		dst->sin_addr = sk->sk_daddr;
		dst->sin_port = sk->sk_dport;
		return 0;
	}
	if (msg->msg_namelen < (int)sizeof(*dst))
		return -EINVAL;
	const struct sockaddr_in *in = (const struct sockaddr_in *)msg->msg_name;

	if (in->sin_family != AF_INET && in->sin_family != AF_UNSPEC)
		return -EAFNOSUPPORT;
	*dst = *in;
	return 0;
}

/* The connected peer's route, looked up once. softirqs off while the sock's reference is read. */
static struct rtable *datagram_route_cached(struct sock *sk, const struct ipcm_cookie *ipc,
					    be32 daddr)
{
	spin_lock_bh(&sk->sk_lock.slock);
	struct rtable *rt = sk_dst_check(sk);

	if (likely(rt)) {
		rt_get(rt);
	} else {
		rt = ip_route_output(daddr, ipc->saddr, ipc->oif);
		if (!IS_ERR(rt)) {
			rt_get(rt);
			sk_dst_set(sk, rt);
		}
	}
	spin_unlock_bh(&sk->sk_lock.slock);
	return rt;
}

struct rtable *datagram_route(struct sock *sk, const struct ipcm_cookie *ipc, be32 daddr,
			      bool connected)
{
	struct rtable *rt;

	if (connected && be32_eq(ipc->saddr, inet_sk(sk)->inet_saddr) &&
	    ipc->oif == sk->sk_bound_dev_if)
		rt = datagram_route_cached(sk, ipc, daddr);
	else
		rt = ip_route_output(daddr, ipc->saddr, ipc->oif);
	if (IS_ERR(rt)) {
		if (PTR_ERR(rt) == -ENETUNREACH)
			SNMP_INC(IP_OUTNOROUTES);
		return rt;
	}
	if (unlikely(rt->broadcast && !sock_flag(sk, SOCK_BROADCAST))) {
		rt_put(rt);
		return ERR_PTR(-EACCES);
	}
	return rt;
}

static void datagram_fill_name(struct msghdr *msg, const struct sk_buff *skb, int *addr_len,
			       bool udp)
{
	struct sockaddr_in *sin = (struct sockaddr_in *)msg->msg_name;

	*addr_len = sizeof(*sin);
	sin->sin_family = AF_INET;
	sin->sin_port = udp ? ((const struct udphdr *)skb_transport_header(skb))->source
			    : cpu_to_be16(0);
	sin->sin_addr = ip_hdr(skb)->saddr;
	memset(sin->sin_zero, 0, sizeof(sin->sin_zero));
}

ssize_t datagram_recv(struct sock *sk, struct msghdr *msg, size_t len, int flags, int *addr_len,
		      u32 hdr)
{
	int err;

	if (unlikely(flags & MSG_OOB))
		return -EOPNOTSUPP;
	if (unlikely(flags & MSG_ERRQUEUE))
		return ip_recv_error(sk, msg, len, addr_len);
	struct sk_buff *skb = skb_recv_datagram(sk, (unsigned int)flags, &err);

	if (!skb)
		return err;
	u32 there = skb->len - hdr;
	u32 copied = len < there ? (u32)len : there;

	if (copied < there)
		msg->msg_flags |= MSG_TRUNC;
	err = skb_copy_datagram_iter(skb, hdr, &msg->msg_iter, copied);
	if (unlikely(err)) {
		consume_skb(skb);
		return err;
	}
	if (msg->msg_name)
		datagram_fill_name(msg, skb, addr_len, hdr == sizeof(struct udphdr));
	sock_recv_cmsgs(msg, sk, skb);
	ip_cmsg_recv(msg, sk, skb);
	consume_skb(skb);
	return flags & MSG_TRUNC ? (ssize_t)there : (ssize_t)copied;
}

void datagram_close(struct sock *sk, __unused s64 timeout_ns)
{
	if (sk->sk_prot->destroy)
		sk->sk_prot->destroy(sk);
	sk->sk_prot->unhash(sk);
	sock_orphan(sk);
	sock_put(sk);
}

int datagram_ioctl(struct sock *sk, unsigned int cmd, uptr arg, u32 hdr)
{
	s32 amount = 0;

	switch (cmd) {
	case SIOCOUTQ:
		amount = atomic_read(&sk->sk_wmem_alloc) - 1;
		break;
	case SIOCINQ: {
		unsigned long flags;

		spin_lock_irqsave(&sk->sk_receive_queue.lock, flags);
		struct sk_buff *skb = skb_peek(&sk->sk_receive_queue);

		if (skb)
			amount = (s32)(skb->len - hdr);
		spin_unlock_irqrestore(&sk->sk_receive_queue.lock, flags);
		break;
	}
	default:
		return -ENOIOCTLCMD;
	}
	return put_user(amount, arg);
}

int datagram_err(const struct inet_sock *inet, u8 type, u8 code, bool *hard)
{
	*hard = false;
	switch (type) {
	case ICMP_DEST_UNREACH:
		if (code == ICMP_FRAG_NEEDED) {
			*hard = inet->pmtudisc != IP_PMTUDISC_DONT;
			return *hard ? EMSGSIZE : 0;
		}
		return icmp_err_convert(code, hard);
	case ICMP_PARAMETERPROB:
		*hard = true;
		return EPROTO;
	case ICMP_SOURCE_QUENCH:
		return 0;
	default:
		return EHOSTUNREACH;
	}
}

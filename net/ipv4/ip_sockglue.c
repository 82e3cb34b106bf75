/*
 * net/ipv4/ip_sockglue.c - options of SOL_IP, control messages, and the queue of ICMP errors.
 *
 * Linux:   net/ipv4/ip_sockglue.c (6.1)
 * Same:    value handling (a byte or an int), ranges, what reads back; IP_RECVERR with
 *          MSG_ERRQUEUE.
 * Differs: 1. no IP options, no multicast membership, no policy options: -ENOPROTOOPT.
 * Locks:   SOCK_OWNER; SKQUEUE of the error queue.
 * Walk:    udp_err() -> ip_icmp_error(); recvmsg(MSG_ERRQUEUE) -> ip_recv_error().
 */
#include "kernel/process.h"
#include "kernel/string.h"
#include "kernel/uaccess.h"
#include "net/ipv4/ip.h"

enum {
	IP_TOS = 1,
	IP_TTL = 2,
	IP_HDRINCL = 3,
	IP_PKTINFO = 8,
	IP_MTU_DISCOVER = 10,
	IP_RECVERR = 11,
	IP_RECVTTL = 12,
	IP_RECVTOS = 13,
	IP_MTU = 14,
	IP_FREEBIND = 15,
	IP_TRANSPARENT = 19,
	IP_BIND_ADDRESS_NO_PORT = 24,
	IP_MULTICAST_TTL = 33,
	IP_MULTICAST_LOOP = 34,
};
struct in_pktinfo { s32 ipi_ifindex; be32 ipi_spec_dst, ipi_addr; };

/* --- the error queue ----------------------------------------------------------------------- */

enum { SO_EE_ORIGIN_LOCAL = 1, SO_EE_ORIGIN_ICMP = 2 };
struct sock_extended_err {
	u32 ee_errno;
	u8 ee_origin, ee_type, ee_code, ee_pad;
	u32 ee_info, ee_data;
};
static_assert(sizeof(struct sock_extended_err) == 16, "ABI");
/* In the cb of an skb of sk_error_queue, whose data is the payload that the error quotes. */
struct sock_exterr_skb { struct sock_extended_err ee; be32 daddr, offender; be16 port; };
static_assert(sizeof(struct sock_exterr_skb) <= sizeof(((struct sk_buff *)0)->cb), "fits");
#define SKB_EXT_ERR(skb) ((struct sock_exterr_skb *)(skb)->cb)

/* Charge, queue and announce. Takes the skb. */
static void sock_queue_err_skb(struct sock *sk, struct sk_buff *skb)
{
	if (sk_rmem_alloc_get(sk) + (int)skb->truesize >= READ_ONCE(sk->sk_rcvbuf)) {
		kfree_skb(skb, SKB_DROP_REASON_SOCKET_RCVBUFF);
		return;
	}
	skb_set_owner_r(skb, sk);
	skb_queue_tail(&sk->sk_error_queue, skb);
	if (!sock_flag(sk, SOCK_DEAD))
		sk->sk_error_report(sk);
}

void ip_icmp_error(struct sock *sk, struct sk_buff *skb, int err, be16 port, u32 info,
		   u32 payload_off)
{
	const struct icmphdr *h = (const struct icmphdr *)skb_transport_header(skb);
	const struct iphdr *quoted = (const struct iphdr *)skb->data;
	u32 off = iph_hdrlen(quoted) + payload_off;
	u32 len = skb->len > off ? skb->len - off : 0;

	if (!inet_sk(sk)->recverr)
		return;
	struct sk_buff *e = alloc_skb(len, GFP_ATOMIC);

	if (!e)
		return;
	if (skb_copy_bits(skb, off, skb_put(e, len), len))
		BUG();
	*SKB_EXT_ERR(e) = (struct sock_exterr_skb){
		.ee = { (u32)err, SO_EE_ORIGIN_ICMP, h->type, h->code, 0, info, 0 },
		.daddr = quoted->daddr, .offender = ip_hdr(skb)->saddr, .port = port,
	};
	sock_queue_err_skb(sk, e);
}

void ip_local_error(struct sock *sk, int err, be32 daddr, be16 port, u32 info)
{
	if (!inet_sk(sk)->recverr)
		return;
	struct sk_buff *e = alloc_skb(0, GFP_KERNEL);

	if (!e)
		return;
	*SKB_EXT_ERR(e) = (struct sock_exterr_skb){
		.ee = { (u32)err, SO_EE_ORIGIN_LOCAL, 0, 0, 0, info, 0 },
		.daddr = daddr,
		.port = port,
	};
	sock_queue_err_skb(sk, e);
}

static struct sockaddr_in make_sin(be32 addr, be16 port)
{
	return (struct sockaddr_in){ .sin_family = AF_INET, .sin_port = port, .sin_addr = addr };
}

ssize_t ip_recv_error(struct sock *sk, struct msghdr *msg, size_t len, int *addr_len)
{
	struct { struct sock_extended_err ee; struct sockaddr_in offender; } errhdr;
	struct sk_buff *skb = skb_dequeue(&sk->sk_error_queue);

	if (!skb)
		return -EAGAIN;
	/* The next error in the queue, if there is one, is what sk_err says from now on. */
	struct sk_buff *next = skb_peek(&sk->sk_error_queue);

	WRITE_ONCE(sk->sk_err, next ? (int)SKB_EXT_ERR(next)->ee.ee_errno : 0);
	u32 copied = len < skb->len ? (u32)len : skb->len;

	if (copied < skb->len)
		msg->msg_flags |= MSG_TRUNC;
	int err = skb_copy_datagram_iter(skb, 0, &msg->msg_iter, copied);

	if (!err) {
		const struct sock_exterr_skb *x = SKB_EXT_ERR(skb);

		if (msg->msg_name) {
			*(struct sockaddr_in *)msg->msg_name = make_sin(x->daddr, x->port);
			*addr_len = sizeof(struct sockaddr_in);
		}
		errhdr.ee = x->ee;
		memset(&errhdr.offender, 0, sizeof(errhdr.offender));
		if (x->ee.ee_origin == SO_EE_ORIGIN_ICMP)
			errhdr.offender = make_sin(x->offender, cpu_to_be16(0));
		put_cmsg(msg, SOL_IP, IP_RECVERR, sizeof(errhdr), &errhdr);
		msg->msg_flags |= MSG_ERRQUEUE;
	}
	consume_skb(skb);
	return err ? err : (ssize_t)copied;
}

/* --- control messages ---------------------------------------------------------------------- */

void ip_cmsg_recv_slow(struct msghdr *msg, struct sock *sk, struct sk_buff *skb)
{
	const struct inet_sock *inet = inet_sk(sk);
	const struct iphdr *iph = ip_hdr(skb);

	if (inet->pktinfo) {
		struct in_pktinfo info = { IPCB(skb)->iif, iph->daddr, iph->daddr };

		put_cmsg(msg, SOL_IP, IP_PKTINFO, sizeof(info), &info);
	}
	if (inet->recvttl) {
		s32 ttl = iph->ttl;

		put_cmsg(msg, SOL_IP, IP_TTL, sizeof(ttl), &ttl);
	}
	if (inet->recvtos)
		put_cmsg(msg, SOL_IP, IP_TOS, sizeof(iph->tos), &iph->tos);
}

static int ip_cmsg_one(struct cmsghdr *c, struct ipcm_cookie *ipc)
{
	size_t len = c->cmsg_len - sizeof(*c);
	s32 val = len >= sizeof(s32) ? *(const s32 *)cmsg_data(c)
		  : len		     ? *(const u8 *)cmsg_data(c)
				     : 0;

	switch (c->cmsg_type) {
	case IP_PKTINFO: {
		const struct in_pktinfo *info = cmsg_data(c);

		if (len != sizeof(*info))
			return -EINVAL;
		if (info->ipi_ifindex)
			ipc->oif = info->ipi_ifindex;
		if (info->ipi_spec_dst.raw)
			ipc->saddr = info->ipi_spec_dst;
		return 0;
	}
	case IP_TTL:
		if (len != sizeof(s32) || val < 1 || val > 255)
			return -EINVAL;
		ipc->ttl = val;
		return 0;
	case IP_TOS:
		if ((len != sizeof(s32) && len != 1) || val < 0 || val > 255)
			return -EINVAL;
		ipc->tos = val;
		return 0;
	default:
		return -EINVAL;
	}
}

int ip_cmsg_send(struct msghdr *msg, struct ipcm_cookie *ipc)
{
	struct cmsghdr *c;

	for_each_cmsghdr(c, msg) {
		if (!cmsg_ok(msg, c))
			return -EINVAL;
		if (c->cmsg_level == SOL_SOCKET)
			return -EINVAL; /* none of them is known */
		int err = c->cmsg_level == SOL_IP ? ip_cmsg_one(c, ipc) : 0;

		if (err)
			return err;
	}
	return 0;
}

/* --- options ------------------------------------------------------------------------------- */

static int ip_set_flag(struct inet_sock *inet, int optname, bool on)
{
	switch (optname) {
	case IP_PKTINFO: inet->pktinfo = on; return 0;
	case IP_RECVTTL: inet->recvttl = on; return 0;
	case IP_RECVTOS: inet->recvtos = on; return 0;
	case IP_MULTICAST_LOOP: inet->mc_loop = on; return 0;
	case IP_FREEBIND:
		if (inet->sk.sk_state != TCP_CLOSE && inet->sk.sk_type == SOCK_STREAM)
			return -EINVAL;
		inet->freebind = on;
		return 0;
	/* a hint: a port is chosen at bind() here, which every caller must expect */
	case IP_BIND_ADDRESS_NO_PORT:
		return -ENOPROTOOPT;
	case IP_RECVERR:
		inet->recverr = on;
		if (!on)
			skb_queue_purge(&inet->sk.sk_error_queue, SKB_DROP_REASON_SOCKET_CLOSED);
		return 0;
	case IP_HDRINCL:
		if (inet->sk.sk_type != SOCK_RAW)
			return -ENOPROTOOPT;
		inet->hdrincl = on;
		return 0;
	default:
		return -ENOPROTOOPT;
	}
}

static int ip_set_value(struct sock *sk, int optname, unsigned int optlen, int val)
{
	struct inet_sock *inet = inet_sk(sk);

	switch (optname) {
	case IP_TOS:
		if (sk->sk_type == SOCK_STREAM) /* the two low bits are TCP's ECN (RFC 3168 5) */
			val = (val & ~3) | (inet->tos & 3);
		inet->tos = (u8)val;
		return 0;
	case IP_TTL:
		if (optlen < 1 || (val != -1 && (val < 1 || val > 255)))
			return -EINVAL;
		inet->ttl = val == -1 ? 0 : (u8)val;
		return 0;
	case IP_MTU_DISCOVER:
		if (val < IP_PMTUDISC_DONT || val > IP_PMTUDISC_OMIT)
			return -EINVAL;
		inet->pmtudisc = (u8)val;
		return 0;
	case IP_MULTICAST_TTL:
		if (sk->sk_type == SOCK_STREAM || optlen < 1 || val < -1 || val > 255)
			return -EINVAL;
		inet->mc_ttl = val == -1 ? 1 : (u8)val;
		return 0;
	default:
		return ip_set_flag(inet, optname, val != 0);
	}
}

int ip_setsockopt(struct sock *sk, int optname, uptr optval, unsigned int optlen)
{
	s32 val = 0;
	u8 byte;

	if (optlen >= sizeof(val)) {
		if (get_user(val, optval))
			return -EFAULT;
	} else if (optlen) {
		if (get_user(byte, optval))
			return -EFAULT;
		val = byte;
	}
	lock_sock(sk);
	int err = ip_set_value(sk, optname, optlen, val);

	release_sock(sk);
	return err;
}

static int ip_get_mtu(struct sock *sk)
{
	spin_lock_bh(&sk->sk_lock.slock);
	struct rtable *rt = sk_dst_check(sk);
	int mtu = rt ? (int)rt->mtu : -ENOTCONN;

	spin_unlock_bh(&sk->sk_lock.slock);
	return mtu;
}

static int ip_get_value(struct sock *sk, int optname, int *val)
{
	const struct inet_sock *inet = inet_sk(sk);

	switch (optname) {
	case IP_TOS: *val = inet->tos; return 0;
	case IP_TTL: *val = inet->ttl ? inet->ttl : sysctl_ip_default_ttl; return 0;
	case IP_HDRINCL: *val = inet->hdrincl; return 0;
	case IP_PKTINFO: *val = inet->pktinfo; return 0;
	case IP_MTU_DISCOVER: *val = inet->pmtudisc; return 0;
	case IP_RECVERR: *val = inet->recverr; return 0;
	case IP_RECVTTL: *val = inet->recvttl; return 0;
	case IP_RECVTOS: *val = inet->recvtos; return 0;
	case IP_FREEBIND: *val = inet->freebind; return 0;
	case IP_MULTICAST_TTL: *val = inet->mc_ttl; return 0;
	case IP_MULTICAST_LOOP: *val = inet->mc_loop; return 0;
	case IP_MTU:
		*val = ip_get_mtu(sk);
		return *val < 0 ? *val : 0;
	default:
		return -ENOPROTOOPT;
	}
}

int ip_getsockopt(struct sock *sk, int optname, uptr optval, uptr optlen)
{
	s32 len;
	int val;

	if (get_user(len, optlen))
		return -EFAULT;
	if (len < 0)
		return -EINVAL;
	lock_sock(sk);
	int err = ip_get_value(sk, optname, &val);

	release_sock(sk);
	if (err)
		return err;
	/* As in Linux: who has room for less than an int, and a small value, gets one byte. */
	if (len < (s32)sizeof(val) && len > 0 && val >= 0 && val <= 255) {
		u8 byte = (u8)val;

		return put_user((s32)1, optlen) || put_user(byte, optval) ? -EFAULT : 0;
	}
	return put_sockopt_int(val, optval, optlen);
}

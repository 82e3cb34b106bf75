/*
 * net/ipv4/raw.c - raw sockets: whole IP packets of one protocol.
 *
 * Linux:   net/ipv4/raw.c (6.1)
 * Same:    a copy of every packet of the protocol goes to each matching sock, header included;
 *          IP_HDRINCL sends the user's own header; ICMP_FILTER.
 * Differs: none of note.
 * Locks:   EHASH (the table).
 * Walk:    ip_local_deliver() -> raw_local_deliver() -> sock_queue_rcv_skb().
 */
#include "kernel/random.h"
#include "kernel/string.h"
#include "kernel/uaccess.h"
#include "net/ipv4/ip.h"

enum { ICMP_FILTER = 1 };

struct raw_sock {
	struct inet_sock inet;	/* first */
	u32 icmp_filter;	/* bit n set: messages of type n are not wanted */
};
static inline struct raw_sock *raw_sk(const struct sock *sk) { return (struct raw_sock *)sk; }

static DEFINE_SPINLOCK(raw_lock, LC_EHASH);
/* raw_lock */
static struct hlist_head raw_head;
/*
 * raw_lock to change; read without it: a packet that misses a new sock by a moment came before it
 */
u32 raw_count[256];

static int raw_hash(struct sock *sk)
{
	spin_lock_bh(&raw_lock);
	sock_hold(sk);
	hlist_add_head(&sk->sk_node, &raw_head);
	raw_count[sk->sk_num & 255]++;
	spin_unlock_bh(&raw_lock);
	return 0;
}

static void raw_unhash(struct sock *sk)
{
	spin_lock_bh(&raw_lock);
	bool hashed = !hlist_unhashed(&sk->sk_node);

	if (hashed) {
		hlist_del_init(&sk->sk_node);
		raw_count[sk->sk_num & 255]--;
	}
	spin_unlock_bh(&raw_lock);
	if (hashed)
		sock_put(sk);
}

static bool raw_match(const struct sock *sk, int protocol, be32 saddr, be32 daddr, int iif)
{
	return sk->sk_num == protocol && (!sk->sk_daddr.raw || be32_eq(sk->sk_daddr, saddr)) &&
	       (!sk->sk_rcv_saddr.raw || be32_eq(sk->sk_rcv_saddr, daddr)) &&
	       (!sk->sk_bound_dev_if || sk->sk_bound_dev_if == iif);
}

/* --- receiving ----------------------------------------------------------------------------- */

static bool raw_filtered(const struct sock *sk, const struct sk_buff *skb)
{
	u8 type;

	if (sk->sk_num != IPPROTO_ICMP || !raw_sk(sk)->icmp_filter ||
	    skb_copy_bits(skb, 0, &type, 1))
		return false;
	return type < 32 && raw_sk(sk)->icmp_filter & BIT(type);
}

static void raw_deliver_copy(struct sock *sk, struct sk_buff *skb)
{
	struct sk_buff *copy = skb_clone(skb, GFP_ATOMIC);

	if (!copy)
		return;
	skb_push(copy, (u32)(copy->data - skb_network_header(copy)));
	if (sock_queue_rcv_skb(sk, copy))
		kfree_skb(copy, SKB_DROP_REASON_SOCKET_RCVBUFF);
}

bool raw_deliver(struct sk_buff *skb, int protocol)
{
	const struct iphdr *iph = ip_hdr(skb);
	struct sock *sk;
	bool any = false;

	spin_lock(&raw_lock);
	hlist_for_each_entry(sk, &raw_head, sk_node) {
		if (!raw_match(sk, protocol, iph->saddr, iph->daddr, IPCB(skb)->iif))
			continue;
		any = true;
		if (!raw_filtered(sk, skb))
			raw_deliver_copy(sk, skb);
	}
	spin_unlock(&raw_lock);
	return any;
}

static void raw_err(struct sock *sk, struct sk_buff *skb, u32 info)
{
	const struct icmphdr *h = (const struct icmphdr *)skb_transport_header(skb);
	bool hard;
	int err = datagram_err(inet_sk(sk), h->type, h->code, &hard);

	if (!err || (!inet_sk(sk)->recverr && sk->sk_state != TCP_ESTABLISHED))
		return;
	if (inet_sk(sk)->recverr)
		ip_icmp_error(sk, skb, err, cpu_to_be16(0), info, 0);
	if (inet_sk(sk)->recverr || hard) {
		WRITE_ONCE(sk->sk_err, err);
		sk->sk_error_report(sk);
	}
}

void raw_icmp_error(struct sk_buff *skb, int protocol, u32 info)
{
	if (likely(!READ_ONCE(raw_count[protocol])))
		return;
	const struct iphdr *iph = (const struct iphdr *)skb->data;
	struct sock *sk;

	spin_lock(&raw_lock);
	hlist_for_each_entry(sk, &raw_head, sk_node)
		if (raw_match(sk, protocol, iph->daddr, iph->saddr, IPCB(skb)->iif))
			raw_err(sk, skb, info);
	spin_unlock(&raw_lock);
}

static ssize_t raw_recvmsg(struct sock *sk, struct msghdr *msg, size_t len, int flags,
			   int *addr_len)
{
	return datagram_recv(sk, msg, len, flags, addr_len, 0);
}

/* --- sending ------------------------------------------------------------------------------- */

/* The user's own IP header, with what Linux fills in when it is zero. */
static int raw_finish_header(struct sk_buff *skb, const struct rtable *rt, u32 len)
{
	struct iphdr *iph = (struct iphdr *)skb->data;

	if (len < sizeof(*iph) || iph_hdrlen(iph) > len || iph_hdrlen(iph) < sizeof(*iph) ||
	    skb_headlen(skb) < iph_hdrlen(iph))
		return -EINVAL;
	if (!iph->saddr.raw)
		iph->saddr = rt->src;
	iph->tot_len = cpu_to_be16((u16)len);
	if (!iph->id.raw)
		iph->id = cpu_to_be16((u16)get_random_u32());
	iph->check = 0;
	iph->check = ip_fast_csum(iph, iph->ver_ihl & 15);
	return 0;
}

/* Takes the skb; the route only on success. */
static int raw_send_hdrinc(struct sk_buff *skb, struct rtable *rt, u32 len)
{
	int err = len > rt->mtu ? -EMSGSIZE : raw_finish_header(skb, rt, len);

	if (err) {
		consume_skb(skb);
		return err;
	}
	skb_reset_network_header(skb);
	skb->rt = rt;
	skb->protocol = cpu_to_be16(ETH_P_IP);
	SNMP_INC(IP_OUTREQUESTS);
	err = neigh_output(skb);
	return err == -ENOBUFS ? 0 : err;
}

static ssize_t raw_sendmsg(struct sock *sk, struct msghdr *msg, size_t len)
{
	struct inet_sock *inet = inet_sk(sk);
	struct sockaddr_in dst;
	struct ipcm_cookie ipc;

	if (len > 0xffff)
		return -EMSGSIZE;
	if (msg->msg_flags & MSG_OOB)
		return -EOPNOTSUPP;
	int err = datagram_dest(sk, msg, &dst);

	if (err)
		return err;
	ipcm_init_sk(&ipc, inet);
	err = msg->msg_controllen ? ip_cmsg_send(msg, &ipc) : 0;
	if (err)
		return err;
	struct rtable *rt = datagram_route(sk, &ipc, dst.sin_addr, !msg->msg_name);

	if (IS_ERR(rt))
		return PTR_ERR(rt);
	if (unlikely(msg->msg_flags & MSG_CONFIRM))
		rt_confirm(rt, ktime_get_ns());
	if (!inet->hdrincl && len + sizeof(struct iphdr) > 0xffff)
		err = -EMSGSIZE;
	struct sk_buff *skb = err ? NULL
				  : sock_alloc_send_pskb(sk, MAX_HEADER, (u32)len,
							 msg->msg_flags & MSG_DONTWAIT, &err);

	if (skb)
		err = skb_copy_datagram_from_iter(skb, 0, &msg->msg_iter, (u32)len);
	if (err) {
		consume_skb(skb);
	} else if (inet->hdrincl) {
		err = raw_send_hdrinc(skb, rt, (u32)len);
	} else {
		struct ip_params p = ip_params_for(inet, rt, &ipc, dst.sin_addr, (u8)sk->sk_num,
						   (u32)len);

		err = ip_send_skb(skb, rt, &p);
		return err && err != -ENOBUFS ? err : (ssize_t)len;
	}
	if (err)
		rt_put(rt);
	return err ? err : (ssize_t)len;
}

/* --- the rest of struct proto -------------------------------------------------------------- */

static int raw_bind(struct sock *sk, const struct sockaddr_in *addr, int addr_len)
{
	struct inet_sock *inet = inet_sk(sk);
	int err = -EINVAL;

	lock_sock(sk);
	if (sk->sk_state != TCP_CLOSE || addr_len < (int)sizeof(*addr))
		goto out;
	if (addr->sin_family != AF_INET) {
		err = -EAFNOSUPPORT;
		goto out;
	}
	enum inet_addr_type type = inet_addr_type(addr->sin_addr);

	err = -EADDRNOTAVAIL;
	if (addr->sin_addr.raw && type == RTN_UNICAST && !inet->freebind)
		goto out;
	sk->sk_rcv_saddr = addr->sin_addr;
	inet->inet_saddr = type == RTN_LOCAL ? addr->sin_addr : INADDR_ANY;
	err = 0;
out:
	release_sock(sk);
	return err;
}

static int raw_ioctl(struct sock *sk, unsigned int cmd, uptr arg)
{
	return datagram_ioctl(sk, cmd, arg, 0);
}

static int raw_setsockopt(struct sock *sk, int level, int optname, uptr optval, unsigned int optlen)
{
	u32 filter = 0;

	if (level == SOL_IP)
		return ip_setsockopt(sk, optname, optval, optlen);
	if (level != SOL_RAW || optname != ICMP_FILTER)
		return -ENOPROTOOPT;
	if (sk->sk_num != IPPROTO_ICMP)
		return -EOPNOTSUPP;
	if (copy_from_user(&filter, optval, min_t(unsigned int, optlen, sizeof(filter))))
		return -EFAULT;
	raw_sk(sk)->icmp_filter = filter;
	return 0;
}

static int raw_getsockopt(struct sock *sk, int level, int optname, uptr optval, uptr optlen)
{
	if (level == SOL_IP)
		return ip_getsockopt(sk, optname, optval, optlen);
	if (level != SOL_RAW)
		return -EOPNOTSUPP;
	if (optname != ICMP_FILTER)
		return -ENOPROTOOPT;
	if (sk->sk_num != IPPROTO_ICMP)
		return -EOPNOTSUPP;
	return put_sockopt_int((int)raw_sk(sk)->icmp_filter, optval, optlen);
}

void raw_for_each(void (*fn)(struct sock *sk, void *arg), void *arg)
{
	struct sock *sk;

	spin_lock_bh(&raw_lock);
	hlist_for_each_entry(sk, &raw_head, sk_node)
		fn(sk, arg);
	spin_unlock_bh(&raw_lock);
}

struct proto raw_prot = {
	.name = "RAW",
	.obj_size = sizeof(struct raw_sock),
	.close = datagram_close,
	.connect = ip4_datagram_connect,
	.disconnect = ip4_datagram_disconnect,
	.ioctl = raw_ioctl,
	.setsockopt = raw_setsockopt,
	.getsockopt = raw_getsockopt,
	.sendmsg = raw_sendmsg,
	.recvmsg = raw_recvmsg,
	.bind = raw_bind,
	.hash = raw_hash,
	.unhash = raw_unhash,
};

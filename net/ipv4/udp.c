/*
 * net/ipv4/udp.c - UDP: a port number and a checksum on top of IP (RFC 768).
 *
 * Linux:   net/ipv4/udp.c (6.1)
 * Same:    look-up by score (the more of the four addresses a sock has fixed, the better);
 *          REUSEPORT spreads by flow; conflicts at bind; ICMP errors reach connected socks.
 * Differs: 1. the checksum is verified before the datagram is queued, so what poll() calls readable
 *             is.
 *          2. one table, by local port. 3. MSG_MORE and UDP_CORK keep the pieces and copy them into
 *             one datagram at the end. 4. no multicast groups but 224.0.0.1, no encapsulation, no
 *             segmentation offload.
 * Locks:   EHASH (one bucket of the table), SOCK_OWNER while corked.
 * Walk:    ip_local_deliver() -> udp_rcv() -> sock_queue_rcv_skb() -> sock_def_readable();
 *          inet_sendmsg() -> udp_sendmsg() -> ip_send_skb().
 */
#include "kernel/hash.h"
#include "kernel/random.h"
#include "kernel/string.h"
#include "kernel/uaccess.h"
#include "net/ipv4/ip.h"
#include "net/wire/udp.h"

enum { UDP_HASH_BITS = 8, UDP_BUCKETS = 1 << UDP_HASH_BITS, UDP_MAX_LEN = 0xffff };
enum { UDP_CORK = 1, UDP_NO_MATCH = -1 };

struct udp_sock {
	struct inet_sock inet;		/* first */
	/* sock owned */
	bool cork;			/* UDP_CORK */
	bool pending;			/* a datagram is being collected in sk_write_queue */
	struct sockaddr_in pending_dst;
	struct ipcm_cookie pending_ipc;
	u32 pending_len;
};
static inline struct udp_sock *udp_sk(const struct sock *sk) { return (struct udp_sock *)sk; }
static inline const struct udphdr *udp_hdr(const struct sk_buff *skb)
{
	return (const struct udphdr *)skb_transport_header(skb);
}

struct udp_bucket { spinlock_t lock; struct hlist_head head; };	/* EHASH; of sk->sk_node */
static struct udp_bucket udp_table[UDP_BUCKETS];
static u32 udp_flow_secret;

static inline struct udp_bucket *udp_bucket(u16 port)
{
	return &udp_table[port & (UDP_BUCKETS - 1)];
}

/* --- ports --------------------------------------------------------------------------------- */

static bool addrs_overlap(be32 a, be32 b) { return !a.raw || !b.raw || be32_eq(a, b); }
static bool devs_overlap(int a, int b) { return !a || !b || a == b; }

/* Does a sock in the bucket keep @sk from @port? Locks: bucket held. */
static bool udp_port_in_use(const struct udp_bucket *b, const struct sock *sk, u16 port)
{
	const struct sock *o;

	hlist_for_each_entry(o, &b->head, sk_node) {
		if (o->sk_num != port || o == sk)
			continue;
		if (!devs_overlap(o->sk_bound_dev_if, sk->sk_bound_dev_if) ||
		    !addrs_overlap(o->sk_rcv_saddr, sk->sk_rcv_saddr))
			continue;
		if (o->sk_reuse && sk->sk_reuse)
			continue;
		if (o->sk_reuseport && sk->sk_reuseport && o->sk_uid == sk->sk_uid)
			continue;
		return true;
	}
	return false;
}

/* Return: 0 and hashed, or 1. */
static int udp_try_port(struct sock *sk, u16 port)
{
	struct udp_bucket *b = udp_bucket(port);
	int busy = 1;

	spin_lock_bh(&b->lock);
	if (!udp_port_in_use(b, sk, port)) {
		sk->sk_num = port;
		sock_hold(sk);
		hlist_add_head(&sk->sk_node, &b->head);
		busy = 0;
	}
	spin_unlock_bh(&b->lock);
	return busy;
}

static int udp_get_port(struct sock *sk, u16 port)
{
	if (port)
		return udp_try_port(sk, port);
	u32 low = (u32)READ_ONCE(sysctl_ip_local_port_range[0]),
	    high = (u32)READ_ONCE(sysctl_ip_local_port_range[1]);
	u32 nr = high - low + 1, start = get_random_u32() % nr;

	for (u32 i = 0; i < nr; i++)
		if (!udp_try_port(sk, (u16)(low + (start + i) % nr)))
			return 0;
	return 1;
}

static void udp_unhash(struct sock *sk)
{
	if (!sk->sk_num)
		return;
	struct udp_bucket *b = udp_bucket(sk->sk_num);

	spin_lock_bh(&b->lock);
	bool hashed = !hlist_unhashed(&sk->sk_node);

	hlist_del_init(&sk->sk_node);
	sk->sk_num = 0;
	spin_unlock_bh(&b->lock);
	if (hashed)
		sock_put(sk);
}

/* --- look-up ------------------------------------------------------------------------------- */

/* The addresses of a packet as its receiver sees them. */
struct udp_flow { be32 saddr, daddr; be16 sport; u16 dport; int iif; };

/* How well @sk fits: the more it has fixed the more. */
static inline int udp_score(const struct sock *sk, const struct udp_flow *f)
{
	int score = 1;

	if (sk->sk_num != f->dport)
		return UDP_NO_MATCH;
	if (sk->sk_rcv_saddr.raw) {
		if (!be32_eq(sk->sk_rcv_saddr, f->daddr))
			return UDP_NO_MATCH;
		score += 4;
	}
	if (sk->sk_daddr.raw) {
		if (!be32_eq(sk->sk_daddr, f->saddr))
			return UDP_NO_MATCH;
		score += 4;
	}
	if (sk->sk_dport.raw) {
		if (!be16_eq(sk->sk_dport, f->sport))
			return UDP_NO_MATCH;
		score += 4;
	}
	if (sk->sk_bound_dev_if) {
		if (sk->sk_bound_dev_if != f->iif)
			return UDP_NO_MATCH;
		score += 4;
	}
	return score;
}

static u32 udp_flow_hash(const struct udp_flow *f)
{
	u64 v = (u64)f->saddr.raw << 32 | f->daddr.raw;

	return hash_64(v ^ (u64)f->sport.raw << 16 ^ f->dport ^ udp_flow_secret, 32);
}

/* The best sock, with a reference, or NULL. Context: softirq. */
static struct sock *udp_lookup(const struct udp_flow *f)
{
	struct udp_bucket *b = udp_bucket(f->dport);
	struct sock *sk, *best = NULL;
	int best_score = 0, matches = 0;
	u32 hash = 0;

	spin_lock(&b->lock);
	hlist_for_each_entry(sk, &b->head, sk_node) {
		int score = udp_score(sk, f);

		if (score > best_score) {
			best = sk;
			best_score = score;
			matches = 1;
			hash = sk->sk_reuseport ? udp_flow_hash(f) : 0;
		} else if (score == best_score && best && sk->sk_reuseport && best->sk_reuseport) {
			/*
			 * The n-th of them wins with probability 1/n, the same for every packet of
			 * the flow.
			 */
			matches++;
			if ((u64)hash * (u32)matches >> 32 == 0)
				best = sk;
			hash = hash * 1664525 + 1013904223;
		}
	}
	if (best)
		sock_hold(best);
	spin_unlock(&b->lock);
	return best;
}

/* --- receiving ----------------------------------------------------------------------------- */

/* Takes the skb. */
static void udp_queue_rcv_skb(struct sock *sk, struct sk_buff *skb)
{
	if (likely(!sock_queue_rcv_skb(sk, skb)))
		return;
	SNMP_INC(UDP_RCVBUFERRORS);
	SNMP_INC(UDP_INERRORS);
	kfree_skb(skb, SKB_DROP_REASON_SOCKET_RCVBUFF);
}

/* A packet to all goes to every sock that would take it, each with a clone. Takes the skb. */
static noinline void udp_deliver_to_all(struct sk_buff *skb, const struct udp_flow *f)
{
	struct udp_bucket *b = udp_bucket(f->dport);
	struct sock *sk;
	bool any = false;

	spin_lock(&b->lock);
	hlist_for_each_entry(sk, &b->head, sk_node) {
		/* A sock bound to one of our addresses does not hear what is said to all. */
		if (udp_score(sk, f) == UDP_NO_MATCH)
			continue;
		struct sk_buff *copy = skb_clone(skb, GFP_ATOMIC);

		any = true;
		if (copy)
			udp_queue_rcv_skb(sk, copy);
	}
	spin_unlock(&b->lock);
	if (any) {
		consume_skb(skb);
		return;
	}
	SNMP_INC(UDP_NOPORTS);
	kfree_skb(skb, SKB_DROP_REASON_NO_SOCKET);
}

static inline bool udp_csum_ok(struct sk_buff *skb, const struct udphdr *uh,
			       const struct iphdr *iph)
{
	if (skb_csum_unnecessary(skb) || !uh->check)
		return true;
	return csum_fold(skb_checksum(
		       skb, 0, skb->len,
		       csum_tcpudp_nofold(iph->saddr, iph->daddr, skb->len, IPPROTO_UDP, 0))) == 0;
}

static void udp_rcv(struct sk_buff *skb)
{
	enum skb_drop_reason why = SKB_DROP_REASON_PKT_TOO_SMALL;

	if (unlikely(!pskb_may_pull(skb, sizeof(struct udphdr))))
		goto out_drop;
	const struct udphdr *uh = udp_hdr(skb);
	const struct iphdr *iph = ip_hdr(skb);
	u32 ulen = be16_to_cpu(uh->len);

	why = SKB_DROP_REASON_HDR_TRUNC;
	if (unlikely(ulen > skb->len || ulen < sizeof(*uh)))
		goto out_drop;
	skb_trim(skb, ulen);
	if (unlikely(!udp_csum_ok(skb, uh, iph))) {
		SNMP_INC(UDP_INCSUMERRORS);
		why = SKB_DROP_REASON_UDP_CSUM;
		goto out_drop;
	}
	struct udp_flow flow = { iph->saddr, iph->daddr, uh->source, be16_to_cpu(uh->dest),
				 IPCB(skb)->iif };

	if (unlikely(skb->pkt_type != PACKET_HOST || (skb->rt && skb->rt->broadcast))) {
		udp_deliver_to_all(skb, &flow);
		return;
	}
	struct sock *sk = udp_lookup(&flow);

	if (likely(sk)) {
		udp_queue_rcv_skb(sk, skb);
		sock_put(sk);
		return;
	}
	SNMP_INC(UDP_NOPORTS);
	icmp_send(skb, ICMP_DEST_UNREACH, ICMP_PORT_UNREACH, 0);
	kfree_skb(skb, SKB_DROP_REASON_NO_SOCKET);
	return;
out_drop:
	SNMP_INC(UDP_INERRORS);
	kfree_skb(skb, why);
}

static void udp_err(struct sk_buff *skb, u32 info)
{
	const struct iphdr *iph = (const struct iphdr *)skb->data;
	const struct udphdr *uh = (const struct udphdr *)(skb->data + iph_hdrlen(iph));
	const struct icmphdr *icmph = (const struct icmphdr *)skb_transport_header(skb);
	/* The quoted packet is one we sent: its destination is our peer. */
	struct udp_flow flow = { iph->daddr, iph->saddr, uh->dest, be16_to_cpu(uh->source),
				 IPCB(skb)->iif };
	struct sock *sk = udp_lookup(&flow);
	bool hard;

	if (!sk)
		return;
	int err = datagram_err(inet_sk(sk), icmph->type, icmph->code, &hard);

	if (!err)
		goto out;
	if (inet_sk(sk)->recverr)
		ip_icmp_error(sk, skb, err, uh->dest, info, sizeof(*uh));
	else if (!hard || sk->sk_state != TCP_ESTABLISHED)
		goto out;
	WRITE_ONCE(sk->sk_err, err);
	sk->sk_error_report(sk);
out:
	sock_put(sk);
}

static ssize_t udp_recvmsg(struct sock *sk, struct msghdr *msg, size_t len, int flags,
			   int *addr_len)
{
	ssize_t n = datagram_recv(sk, msg, len, flags, addr_len, sizeof(struct udphdr));

	if (n >= 0 && !(flags & (MSG_PEEK | MSG_ERRQUEUE)))
		SNMP_INC(UDP_INDATAGRAMS);
	return n;
}

/* --- sending ------------------------------------------------------------------------------- */

/*
 * Header and checksum of a datagram whose payload stands in @skb; then off it goes. Takes the skb
 * and the route.
 */
static int udp_send_skb(struct sock *sk, struct sk_buff *skb, struct rtable *rt,
			const struct sockaddr_in *dst, const struct ipcm_cookie *ipc)
{
	struct inet_sock *inet = inet_sk(sk);
	struct udphdr *uh = skb_push(skb, sizeof(*uh));
	u32 len = skb->len;
	struct ip_params p = ip_params_for(inet, rt, ipc, dst->sin_addr, IPPROTO_UDP, len);

	skb_reset_transport_header(skb);
	uh->source = inet->inet_sport;
	uh->dest = dst->sin_port;
	uh->len = cpu_to_be16((u16)len);
	uh->check = 0;
	if (!sk->sk_no_check_tx) {
		u32 pseudo = csum_tcpudp_nofold(rt->src, dst->sin_addr, len, IPPROTO_UDP, 0);

		if (likely(rt->dev->features & NETIF_F_HW_CSUM &&
			   len + sizeof(struct iphdr) <= rt->mtu)) {
			uh->check = (u16)~csum_fold(pseudo);
			skb->ip_summed = CHECKSUM_PARTIAL;
			skb->csum_start = skb->transport_header;
			skb->csum_offset = offsetof(struct udphdr, check);
		} else {
			u16 sum = csum_fold(skb_checksum(skb, 0, len, pseudo));

			uh->check = sum ? sum : 0xffff; /* 0 would say "none" */
		}
	}
	int err = ip_send_skb(skb, rt, &p);

	/*
	 * A full queue is a lost packet, as anywhere on the way: only who asked for errors hears of
	 * it.
	 */
	if (err == -ENOBUFS && !inet->recverr)
		err = 0;
	if (!err)
		SNMP_INC(UDP_OUTDATAGRAMS);
	return err;
}

/* May a datagram of @len bytes of data go along @rt? */
static inline int udp_check_size(struct sock *sk, const struct rtable *rt, size_t len,
				 const struct sockaddr_in *dst)
{
	const struct inet_sock *inet = inet_sk(sk);
	size_t total = len + sizeof(struct udphdr) + sizeof(struct iphdr);

	if (unlikely(total > 0xffff))
		return -EMSGSIZE;
	if (likely(total <= rt->mtu) || inet->pmtudisc < IP_PMTUDISC_DO)
		return 0;
	ip_local_error(sk, EMSGSIZE, dst->sin_addr, dst->sin_port, rt->mtu);
	return -EMSGSIZE;
}

/* The pieces that were collected, as one datagram. Locks: sock owned. */
static int udp_push_pending(struct sock *sk)
{
	struct udp_sock *up = udp_sk(sk);
	struct sockaddr_in dst = up->pending_dst;
	struct ipcm_cookie ipc = up->pending_ipc;
	u32 at = MAX_HEADER, done = 0;
	struct sk_buff *piece, *skb = alloc_skb_with_frags(at, up->pending_len, GFP_KERNEL);
	int err = skb ? 0 : -ENOBUFS;

	up->pending = false;
	while ((piece = __skb_dequeue(&sk->sk_write_queue)) != NULL) {
		for (u32 off = 0; skb && off < piece->len;) {
			u8 buf[256];
			u32 n = min_t(u32, piece->len - off, sizeof(buf));

			if (skb_copy_bits(piece, off, buf, n) || skb_store_bits(skb, done, buf, n))
				BUG();
			off += n;
			done += n;
		}
		consume_skb(piece);
	}
	if (err)
		return err;
	skb_set_owner_w(skb, sk);
	struct rtable *rt = datagram_route(sk, &ipc, dst.sin_addr, false);

	err = IS_ERR(rt) ? (int)PTR_ERR(rt) : udp_check_size(sk, rt, up->pending_len, &dst);
	if (err) {
		if (!IS_ERR(rt))
			rt_put(rt);
		kfree_skb(skb, SKB_DROP_REASON_IP_OUTNOROUTES);
		return err;
	}
	return udp_send_skb(sk, skb, rt, &dst, &ipc);
}

static void udp_flush_pending(struct sock *sk)
{
	udp_sk(sk)->pending = false;
	skb_queue_purge(&sk->sk_write_queue, SKB_DROP_REASON_SOCKET_CLOSED);
}

/* One more piece of a datagram under MSG_MORE or UDP_CORK; the first one says where it goes. */
static noinline ssize_t udp_sendmsg_corked(struct sock *sk, struct msghdr *msg, size_t len,
					   const struct sockaddr_in *dst,
					   const struct ipcm_cookie *ipc)
{
	struct udp_sock *up = udp_sk(sk);
	int err;

	lock_sock(sk);
	if (!up->pending) {
		up->pending = true;
		up->pending_dst = *dst;
		up->pending_ipc = *ipc;
		up->pending_len = 0;
	}
	err = up->pending_len + len > UDP_MAX_LEN - sizeof(struct udphdr) - sizeof(struct iphdr)
		      ? -EMSGSIZE
		      : 0;
	struct sk_buff *skb = err ? NULL : alloc_skb_with_frags(0, (u32)len, GFP_KERNEL);

	if (!err && !skb)
		err = -ENOBUFS;
	if (!err)
		err = skb_copy_datagram_from_iter(skb, 0, &msg->msg_iter, (u32)len);
	if (err) {
		consume_skb(skb);
		udp_flush_pending(sk);
	} else {
		up->pending_len += (u32)len;
		__skb_queue_tail(&sk->sk_write_queue, skb);
		if (!up->cork && !(msg->msg_flags & MSG_MORE))
			err = udp_push_pending(sk);
	}
	release_sock(sk);
	return err ? err : (ssize_t)len;
}

static ssize_t udp_sendmsg(struct sock *sk, struct msghdr *msg, size_t len)
{
	struct sockaddr_in dst;
	struct ipcm_cookie ipc;
	int err;

	if (unlikely(len > UDP_MAX_LEN))
		return -EMSGSIZE;
	if (unlikely(msg->msg_flags & MSG_OOB))
		return -EOPNOTSUPP;
	ipcm_init_sk(&ipc, inet_sk(sk));
	if (unlikely(READ_ONCE(udp_sk(sk)->pending)))
		return udp_sendmsg_corked(sk, msg, len, &udp_sk(sk)->pending_dst, &ipc);
	err = datagram_dest(sk, msg, &dst);
	if (unlikely(err))
		return err;
	if (unlikely(!dst.sin_port.raw))
		return -EINVAL;
	if (unlikely(msg->msg_controllen)) {
		err = ip_cmsg_send(msg, &ipc);
		if (err)
			return err;
	}
	if (unlikely(msg->msg_flags & MSG_MORE || READ_ONCE(udp_sk(sk)->cork)))
		return udp_sendmsg_corked(sk, msg, len, &dst, &ipc);
	struct rtable *rt = datagram_route(sk, &ipc, dst.sin_addr, !msg->msg_name);

	if (IS_ERR(rt))
		return PTR_ERR(rt);
	if (unlikely(msg->msg_flags & MSG_CONFIRM))
		rt_confirm(rt, ktime_get_ns());
	err = udp_check_size(sk, rt, len, &dst);
	if (unlikely(err))
		goto out_put_rt;
	struct sk_buff *skb = sock_alloc_send_pskb(sk, MAX_HEADER, (u32)len,
						   msg->msg_flags & MSG_DONTWAIT, &err);

	if (unlikely(!skb))
		goto out_put_rt;
	err = skb_copy_datagram_from_iter(skb, 0, &msg->msg_iter, (u32)len);
	if (unlikely(err)) {
		consume_skb(skb);
		goto out_put_rt;
	}
	err = udp_send_skb(sk, skb, rt, &dst, &ipc);
	return err ? err : (ssize_t)len;
out_put_rt:
	rt_put(rt);
	return err;
}

/* --- the rest of struct proto -------------------------------------------------------------- */

static void udp_destroy_sock(struct sock *sk)
{
	lock_sock(sk);
	udp_flush_pending(sk);
	release_sock(sk);
}

static int udp_ioctl(struct sock *sk, unsigned int cmd, uptr arg)
{
	return datagram_ioctl(sk, cmd, arg, sizeof(struct udphdr));
}

static int udp_setsockopt(struct sock *sk, int level, int optname, uptr optval, unsigned int optlen)
{
	s32 val = 0;
	int err = 0;

	if (level == SOL_IP)
		return ip_setsockopt(sk, optname, optval, optlen);
	if (level != SOL_UDP)
		return -ENOPROTOOPT;
	if (optlen < sizeof(val))
		return -EINVAL;
	if (get_user(val, optval))
		return -EFAULT;
	if (optname != UDP_CORK)
		return -ENOPROTOOPT;
	lock_sock(sk);
	udp_sk(sk)->cork = val != 0;
	if (!val && udp_sk(sk)->pending)
		err = udp_push_pending(sk);
	release_sock(sk);
	return err;
}

static int udp_getsockopt(struct sock *sk, int level, int optname, uptr optval, uptr optlen)
{
	if (level == SOL_IP)
		return ip_getsockopt(sk, optname, optval, optlen);
	if (level != SOL_UDP)
		return -EOPNOTSUPP;
	if (optname != UDP_CORK)
		return -ENOPROTOOPT;
	return put_sockopt_int(udp_sk(sk)->cork, optval, optlen);
}

void udp_for_each(void (*fn)(struct sock *sk, void *arg), void *arg)
{
	struct sock *sk;

	for (int i = 0; i < UDP_BUCKETS; i++) {
		spin_lock_bh(&udp_table[i].lock);
		hlist_for_each_entry(sk, &udp_table[i].head, sk_node)
			fn(sk, arg);
		spin_unlock_bh(&udp_table[i].lock);
	}
}

void udp_init(void)
{
	for (int i = 0; i < UDP_BUCKETS; i++)
		spin_lock_init(&udp_table[i].lock, LC_EHASH);
	udp_flow_secret = get_random_u32();
}

const struct net_protocol udp_protocol = { .handler = udp_rcv, .err_handler = udp_err };

struct proto udp_prot = {
	.name = "UDP",
	.obj_size = sizeof(struct udp_sock),
	.close = datagram_close,
	.connect = ip4_datagram_connect,
	.disconnect = ip4_datagram_disconnect,
	.ioctl = udp_ioctl,
	.destroy = udp_destroy_sock,
	.setsockopt = udp_setsockopt,
	.getsockopt = udp_getsockopt,
	.sendmsg = udp_sendmsg,
	.recvmsg = udp_recvmsg,
	.unhash = udp_unhash,
	.get_port = udp_get_port,
};

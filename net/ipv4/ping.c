/*
 * net/ipv4/ping.c - ping sockets: echo requests for everybody, without the right to raw packets.
 *
 * Linux:   net/ipv4/ping.c (6.1)
 * Same:    socket(AF_INET, SOCK_DGRAM, IPPROTO_ICMP); the sock's "port" is the id of its echo
 *          requests; checksum and id are the kernel's to fill in; net.ipv4.ping_group_range says
 *          who may.
 * Differs: 1. the default range is everybody, as distributions set it; Linux's own default is
 *             nobody.
 * Locks:   EHASH (the table).
 * Walk:    ping_sendmsg() -> ip_send_skb();  icmp_rcv() -> ping_rcv() -> sock_queue_rcv_skb().
 */
#include "fs/procfs.h"
#include "kernel/hash.h"
#include "kernel/random.h"
#include "kernel/string.h"
#include "net/ipv4/ip.h"

enum { PING_BUCKETS = 64 };

static DEFINE_SPINLOCK(ping_lock, LC_EHASH);
static struct hlist_head ping_table[PING_BUCKETS];	/* ping_lock; by id */
static u32 ping_group_range[2] = { 0, 0x7fffffff };

static struct hlist_head *ping_bucket(u16 id) { return &ping_table[id % PING_BUCKETS]; }

/* The sock of echo id @id, with a reference, or NULL. @local, @remote: addresses as we see them. */
static struct sock *ping_lookup(u16 id, be32 local, be32 remote, int iif)
{
	struct sock *sk, *found = NULL;

	spin_lock(&ping_lock);
	hlist_for_each_entry(sk, ping_bucket(id), sk_node) {
		if (sk->sk_num != id ||
		    (sk->sk_rcv_saddr.raw && !be32_eq(sk->sk_rcv_saddr, local)) ||
		    (sk->sk_daddr.raw && !be32_eq(sk->sk_daddr, remote)) ||
		    (sk->sk_bound_dev_if && sk->sk_bound_dev_if != iif))
			continue;
		sock_hold(sk);
		found = sk;
		break;
	}
	spin_unlock(&ping_lock);
	return found;
}

static int ping_try_id(struct sock *sk, u16 id)
{
	struct sock *o;

	spin_lock_bh(&ping_lock);
	hlist_for_each_entry(o, ping_bucket(id), sk_node) {
		if (o->sk_num == id && (!o->sk_reuse || !sk->sk_reuse)) {
			spin_unlock_bh(&ping_lock);
			return 1;
		}
	}
	sk->sk_num = id;
	sock_hold(sk);
	hlist_add_head(&sk->sk_node, ping_bucket(id));
	spin_unlock_bh(&ping_lock);
	return 0;
}

static int ping_get_port(struct sock *sk, u16 id)
{
	if (id)
		return ping_try_id(sk, id);
	u32 start = get_random_u32();

	for (u32 i = 0; i < 0x10000; i++) {
		id = (u16)(start + i);
		if (id && !ping_try_id(sk, id))
			return 0;
	}
	return 1;
}

static void ping_unhash(struct sock *sk)
{
	spin_lock_bh(&ping_lock);
	bool hashed = !hlist_unhashed(&sk->sk_node);

	hlist_del_init(&sk->sk_node);
	sk->sk_num = 0;
	spin_unlock_bh(&ping_lock);
	if (hashed)
		sock_put(sk);
}

static int ping_init_sock(__unused struct sock *sk)
{
	const struct cred *c = &current->cred;
	u32 low = ping_group_range[0], high = ping_group_range[1];

	if (c->egid >= low && c->egid <= high)
		return 0;
	for (int i = 0; i < c->ngroups; i++)
		if (c->groups[i] >= low && c->groups[i] <= high)
			return 0;
	return -EACCES;
}

void ping_rcv(struct sk_buff *skb)
{
	const struct icmphdr *h = (const struct icmphdr *)skb->data;
	const struct iphdr *iph = ip_hdr(skb);
	struct sock *sk = ping_lookup(be16_to_cpu(h->un.echo.id), iph->daddr, iph->saddr,
				      IPCB(skb)->iif);

	if (!sk) {
		kfree_skb(skb, SKB_DROP_REASON_NO_SOCKET);
		return;
	}
	if (sock_queue_rcv_skb(sk, skb))
		kfree_skb(skb, SKB_DROP_REASON_SOCKET_RCVBUFF);
	sock_put(sk);
}

void ping_err(struct sk_buff *skb, u32 info)
{
	const struct iphdr *iph = (const struct iphdr *)skb->data;
	const struct icmphdr *quoted = (const struct icmphdr *)(skb->data + iph_hdrlen(iph));
	const struct icmphdr *h = (const struct icmphdr *)skb_transport_header(skb);
	struct sock *sk = ping_lookup(be16_to_cpu(quoted->un.echo.id), iph->saddr, iph->daddr,
				      IPCB(skb)->iif);
	bool hard;

	if (!sk)
		return;
	int err = datagram_err(inet_sk(sk), h->type, h->code, &hard);

	if (err && inet_sk(sk)->recverr)
		ip_icmp_error(sk, skb, err, cpu_to_be16(0), info, 0);
	if (err && (inet_sk(sk)->recverr || (hard && sk->sk_state == TCP_ESTABLISHED))) {
		WRITE_ONCE(sk->sk_err, err);
		sk->sk_error_report(sk);
	}
	sock_put(sk);
}

static ssize_t ping_sendmsg(struct sock *sk, struct msghdr *msg, size_t len)
{
	struct inet_sock *inet = inet_sk(sk);
	struct sockaddr_in dst;
	struct ipcm_cookie ipc;

	if (len > 0xffff)
		return -EMSGSIZE;
	if (len < sizeof(struct icmphdr))
		return -EINVAL;
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
	struct sk_buff *skb = sock_alloc_send_pskb(sk, MAX_HEADER, (u32)len,
						   msg->msg_flags & MSG_DONTWAIT, &err);

	if (skb)
		err = skb_copy_datagram_from_iter(skb, 0, &msg->msg_iter, (u32)len);
	struct icmphdr *h = skb ? (struct icmphdr *)skb->data : NULL;

	if (!err && (h->type != ICMP_ECHO || h->code))
		err = -EINVAL;
	if (err) {
		consume_skb(skb);
		rt_put(rt);
		return err;
	}
	h->un.echo.id = inet->inet_sport;
	h->checksum = 0;
	h->checksum = csum_fold(skb_checksum(skb, 0, skb->len, 0));
	skb_reset_transport_header(skb);
	struct ip_params p = ip_params_for(inet, rt, &ipc, dst.sin_addr, IPPROTO_ICMP, (u32)len);

	SNMP_INC(ICMP_OUTMSGS);
	SNMP_INC(ICMP_OUTECHOS);
	err = ip_send_skb(skb, rt, &p);
	return err && err != -ENOBUFS ? err : (ssize_t)len;
}

static ssize_t ping_recvmsg(struct sock *sk, struct msghdr *msg, size_t len, int flags,
			    int *addr_len)
{
	return datagram_recv(sk, msg, len, flags, addr_len, 0);
}

static int ping_ioctl(struct sock *sk, unsigned int cmd, uptr arg)
{
	return datagram_ioctl(sk, cmd, arg, 0);
}

static int ping_setsockopt(struct sock *sk, int level, int optname, uptr optval,
			   unsigned int optlen)
{
	return level == SOL_IP ? ip_setsockopt(sk, optname, optval, optlen) : -ENOPROTOOPT;
}

static int ping_getsockopt(struct sock *sk, int level, int optname, uptr optval, uptr optlen)
{
	return level == SOL_IP ? ip_getsockopt(sk, optname, optval, optlen) : -EOPNOTSUPP;
}

static void ping_range_show(struct seq_file *m, __unused void *arg)
{
	seq_printf(m, "%u\t%u\n", ping_group_range[0], ping_group_range[1]);
}

static int ping_range_write(const char *text, size_t len, __unused void *arg)
{
	char copy[32];
	u64 low, high;

	if (len >= sizeof(copy))
		return -EINVAL;
	memcpy(copy, text, len);
	copy[len] = '\0';
	char *second = strchr(copy, '\t');

	if (!second)
		second = strchr(copy, ' ');
	if (!second)
		return -EINVAL;
	*second++ = '\0';
	if (kstrtou64(copy, 10, &low) || kstrtou64(second, 10, &high) || low > U32_MAX ||
	    high > U32_MAX)
		return -EINVAL;
	ping_group_range[0] = (u32)low;
	ping_group_range[1] = (u32)high;
	return 0;
}

void ping_init(void)
{
	proc_create_rw("sys/net/ipv4/ping_group_range", ping_range_show, ping_range_write, NULL);
}

struct proto ping_prot = {
	.name = "PING",
	.obj_size = sizeof(struct inet_sock),
	.close = datagram_close,
	.connect = ip4_datagram_connect,
	.disconnect = ip4_datagram_disconnect,
	.ioctl = ping_ioctl,
	.init = ping_init_sock,
	.setsockopt = ping_setsockopt,
	.getsockopt = ping_getsockopt,
	.sendmsg = ping_sendmsg,
	.recvmsg = ping_recvmsg,
	.unhash = ping_unhash,
	.get_port = ping_get_port,
};

/*
 * net/packet/af_packet.c - packet sockets: frames as they come from the devices, and as they go to them.
 *
 * Linux:   net/packet/af_packet.c (6.1); packet(7)
 * Same:    SOCK_RAW with the link header, SOCK_DGRAM without; one protocol or all of them, one device or all; what
 *          this machine sends is seen by sockets for ETH_P_ALL; classic BPF decides, before a packet is queued,
 *          how much of it is kept; PACKET_STATISTICS, PACKET_AUXDATA, memberships.
 * Differs: 1. no rings, fanout, virtio headers, stamps: those options are ENOPROTOOPT. 2. a membership is kept and
 *             checked but changes nothing: the devices here pass all frames up already.
 * Locks:   SOCK_OWNER for binding and memberships; the receive section (synchronize_net()) for the filter and the
 *          handler; SKQUEUE.
 * Walk:    netif_receive_skb() -> packet_rcv() -> sock_queue_rcv_skb();  sys_sendto -> packet_sendmsg() ->
 *          dev_queue_xmit().
 */
#include "fs/procfs.h"
#include "kernel/process.h"
#include "kernel/slab.h"
#include "kernel/string.h"
#include "kernel/uaccess.h"
#include "net/filter.h"
#include "net/netdevice.h"
#include "net/sockios.h"
#include "net/wire/eth.h"

struct sockaddr_ll {
	u16 sll_family;
	be16 sll_protocol;
	s32 sll_ifindex;
	u16 sll_hatype;
	u8 sll_pkttype, sll_halen, sll_addr[8];
};
static_assert(sizeof(struct sockaddr_ll) == 20, "ABI");
struct packet_mreq { s32 mr_ifindex; u16 mr_type, mr_alen; u8 mr_address[8]; };
static_assert(sizeof(struct packet_mreq) == 16, "ABI");
struct tpacket_stats { u32 tp_packets, tp_drops; };
struct tpacket_auxdata { u32 tp_status, tp_len, tp_snaplen; u16 tp_mac, tp_net, tp_vlan_tci, tp_vlan_tpid; };
enum { SOL_PACKET = 263 };
enum { PACKET_ADD_MEMBERSHIP = 1, PACKET_DROP_MEMBERSHIP = 2, PACKET_STATISTICS = 6, PACKET_AUXDATA = 8 };
enum { PACKET_MR_MULTICAST, PACKET_MR_PROMISC, PACKET_MR_ALLMULTI, PACKET_MR_UNICAST };
enum { TP_STATUS_USER = 1, TP_STATUS_CSUMNOTREADY = 8 };

/* What a queued packet's skb->cb holds: where it came from, and how long it was. */
struct packet_cb { struct sockaddr_ll ll; u32 origlen; u16 mac, net; };
#define PACKET_SKB_CB(skb) ((struct packet_cb *)(skb)->cb)
static_assert(sizeof(struct packet_cb) <= sizeof(((struct sk_buff *)0)->cb), "fits");

struct packet_member { struct list_head link; struct packet_mreq mreq; unsigned int count; };

struct packet_sock {
	struct sock sk;			/* first */
	/* sock owned */
	struct packet_type pt;
	bool running;			/* pt is registered */
	struct list_head members;
	/* sock owned to change; the receive section to use */
	int ifindex;			/* 0: every device */
	be16 num;
	struct sk_filter *filter;
	bool auxdata;			/* single word */
	/* SKQUEUE */
	struct tpacket_stats stats;
	/* PACKET_TAB */
	struct list_head link;
};
static inline struct packet_sock *pkt_sk(const struct sock *sk) { return (struct packet_sock *)sk; }

static DEFINE_SPINLOCK(packet_lock, LC_PACKET_TAB);
static LIST_HEAD(packet_socks);

/* --- receiving ------------------------------------------------------------------------------------- */

/* The data of @skb becomes what the socket shall see: from the link header on, or from what follows it. */
static void packet_set_start(const struct sock *sk, struct sk_buff *skb, const struct net_device *dev)
{
	u32 link = dev->hard_header_len;

	if (skb->pkt_type == PACKET_OUTGOING) {
		skb_reset_mac_header(skb);
		if (sk->sk_type == SOCK_DGRAM && skb->len >= link)
			skb_pull(skb, link);
	} else if (sk->sk_type != SOCK_DGRAM && link) {
		skb_push(skb, (u32)(skb->data - skb_mac_header(skb)));
	}
}

static void packet_note_origin(struct sk_buff *skb, const struct net_device *dev, u32 origlen)
{
	struct packet_cb *cb = PACKET_SKB_CB(skb);
	struct sockaddr_ll *ll = &cb->ll;
	u16 mac = (u16)(skb_mac_header(skb) - skb->head), data = (u16)(skb->data - skb->head);

	memset(cb, 0, sizeof(*cb));
	ll->sll_family = AF_PACKET;
	ll->sll_protocol = skb->protocol;
	ll->sll_ifindex = dev->ifindex;
	ll->sll_hatype = dev->type;
	ll->sll_pkttype = skb->pkt_type;
	if (dev->hard_header_len == ETH_HLEN) {
		ll->sll_halen = ETH_ALEN;
		memcpy(ll->sll_addr, ((const struct ethhdr *)skb_mac_header(skb))->h_source, ETH_ALEN);
	}
	cb->origlen = origlen;
	cb->mac = (u16)(mac >= data ? mac - data : 0);
	cb->net = (u16)(skb->pkt_type == PACKET_OUTGOING || data == mac ? dev->hard_header_len : 0);
}

static void packet_count(struct packet_sock *po, bool dropped)
{
	unsigned long flags;

	spin_lock_irqsave(&po->sk.sk_receive_queue.lock, flags);
	po->stats.tp_packets++;
	po->stats.tp_drops += dropped;
	spin_unlock_irqrestore(&po->sk.sk_receive_queue.lock, flags);
}

static void packet_rcv(struct sk_buff *skb, struct net_device *dev, struct packet_type *pt)
{
	struct sock *sk = pt->priv;
	struct packet_sock *po = pkt_sk(sk);
	const struct sk_filter *filter = smp_load_acquire(&po->filter);
	int ifindex = READ_ONCE(po->ifindex);

	if (skb->pkt_type == PACKET_LOOPBACK || (ifindex && ifindex != dev->ifindex)) {
		consume_skb(skb);
		return;
	}
	packet_set_start(sk, skb, dev);
	u32 origlen = skb->len, keep = filter ? bpf_run(filter, skb, dev) : origlen;

	if (!keep) {
		consume_skb(skb);	/* not wanted: nothing is lost */
		return;
	}
	packet_note_origin(skb, dev, origlen);
	if (keep < skb->len)
		skb_trim(skb, keep);
	if (skb->rt) {
		rt_put(skb->rt);
		skb->rt = NULL;
	}
	bool dropped = sock_queue_rcv_skb(sk, skb);

	packet_count(po, dropped);
	if (dropped)
		kfree_skb(skb, SKB_DROP_REASON_SOCKET_RCVBUFF);
}

static int packet_put_auxdata(struct msghdr *msg, const struct sk_buff *skb)
{
	const struct packet_cb *cb = PACKET_SKB_CB(skb);
	struct tpacket_auxdata aux = { .tp_status = TP_STATUS_USER, .tp_len = cb->origlen, .tp_snaplen = skb->len,
				       .tp_mac = cb->mac, .tp_net = cb->net };

	if (skb->ip_summed == CHECKSUM_PARTIAL)
		aux.tp_status |= TP_STATUS_CSUMNOTREADY;
	return put_cmsg(msg, SOL_PACKET, PACKET_AUXDATA, sizeof(aux), &aux);
}

static ssize_t packet_recvmsg(struct socket *sock, struct msghdr *msg, size_t len, int flags)
{
	struct sock *sk = sock->sk;
	int err;

	if (flags & ~(MSG_PEEK | MSG_DONTWAIT | MSG_TRUNC | MSG_CMSG_CLOEXEC))
		return -EINVAL;
	struct sk_buff *skb = skb_recv_datagram(sk, (unsigned int)flags, &err);

	if (!skb)
		return err;
	u32 copied = (u32)min_t(size_t, skb->len, len);

	if (copied < skb->len)
		msg->msg_flags |= MSG_TRUNC;
	err = skb_copy_datagram_iter(skb, 0, &msg->msg_iter, copied);
	if (!err) {
		sock_recv_cmsgs(msg, sk, skb);
		if (msg->msg_name) {
			memcpy(msg->msg_name, &PACKET_SKB_CB(skb)->ll, sizeof(struct sockaddr_ll));
			msg->msg_namelen = sizeof(struct sockaddr_ll);
		}
		if (READ_ONCE(pkt_sk(sk)->auxdata))
			err = packet_put_auxdata(msg, skb);
	}
	ssize_t ret = err ? err : (ssize_t)(flags & MSG_TRUNC ? skb->len : copied);

	skb_free_datagram(sk, skb);
	return ret;
}

/* --- sending ------------------------------------------------------------------------------------------ */

/* Where to: the address given, or what the socket is bound to. With a reference to the device. */
static struct net_device *packet_destination(const struct sock *sk, const struct msghdr *msg, struct sockaddr_ll *to)
{
	const struct packet_sock *po = pkt_sk(sk);

	memset(to, 0, sizeof(*to));
	to->sll_ifindex = po->ifindex;
	to->sll_protocol = po->num;
	if (msg->msg_name) {
		if (msg->msg_namelen < (int)sizeof(*to) || msg->msg_name->sa_family != AF_PACKET)
			return ERR_PTR(-EINVAL);
		memcpy(to, msg->msg_name, sizeof(*to));
		if (to->sll_halen > sizeof(to->sll_addr))
			return ERR_PTR(-EINVAL);
	}
	struct net_device *dev = dev_get_by_index(to->sll_ifindex);

	if (!dev)
		return ERR_PTR(-ENXIO);
	if (dev->flags & IFF_UP)
		return dev;
	dev_put(dev);
	return ERR_PTR(-ENETDOWN);
}

static struct sk_buff *packet_build(struct sock *sk, struct net_device *dev, const struct sockaddr_ll *to,
				    struct msghdr *msg, size_t len, int *err)
{
	bool raw = sk->sk_type == SOCK_RAW;
	struct sk_buff *skb = sock_alloc_send_pskb(sk, MAX_HEADER, (u32)len, msg->msg_flags & MSG_DONTWAIT, err);

	if (!skb)
		return NULL;
	*err = skb_copy_datagram_from_iter(skb, 0, &msg->msg_iter, (u32)len);
	if (*err) {
		consume_skb(skb);
		return NULL;
	}
	skb->dev = dev;
	skb->protocol = to->sll_protocol;
	skb_reset_network_header(skb);
	if (raw) {
		skb_reset_mac_header(skb);
		if (dev->hard_header_len && len >= ETH_HLEN) {
			if (!skb->protocol.raw)
				skb->protocol = ((const struct ethhdr *)skb->data)->h_proto;
			skb->network_header = (u16)(skb->network_header + ETH_HLEN);
		}
	} else if (dev->hard_header_len) {
		static const u8 nobody[ETH_ALEN];

		eth_header(skb, dev, be16_to_cpu(to->sll_protocol), to->sll_halen ? to->sll_addr : nobody, NULL);
	}
	return skb;
}

static ssize_t packet_sendmsg(struct socket *sock, struct msghdr *msg, size_t len)
{
	struct sock *sk = sock->sk;
	struct sockaddr_ll to;
	struct net_device *dev = packet_destination(sk, msg, &to);
	bool raw = sk->sk_type == SOCK_RAW;
	int err = 0;

	if (IS_ERR(dev))
		return PTR_ERR(dev);
	if (msg->msg_flags & MSG_OOB)
		err = -EOPNOTSUPP;
	else if (len > dev->mtu + (raw ? dev->hard_header_len : 0U))
		err = -EMSGSIZE;
	else if ((raw && len < dev->hard_header_len) || (!raw && dev->hard_header_len && to.sll_halen &&
							 to.sll_halen < ETH_ALEN))
		err = -EINVAL;
	if (!err) {
		struct sk_buff *skb = packet_build(sk, dev, &to, msg, len, &err);

		if (skb)
			err = dev_queue_xmit(skb);
	}
	dev_put(dev);
	return err ? err : (ssize_t)len;
}

/* --- binding ------------------------------------------------------------------------------------------ */

/* Sock owned. May sleep: once it returns no packet is on its way to the socket. */
static void packet_unhook(struct packet_sock *po)
{
	if (!po->running)
		return;
	dev_remove_pack(&po->pt);
	po->running = false;
}

static void packet_hook(struct packet_sock *po)
{
	if (!po->num.raw)
		return;		/* protocol 0: nothing is received */
	po->pt = (struct packet_type){ .type = po->num, .func = packet_rcv, .priv = &po->sk };
	dev_add_pack(&po->pt);
	po->running = true;
}

static int packet_bind(struct socket *sock, const struct sockaddr_storage_k *addr, int addr_len)
{
	struct packet_sock *po = pkt_sk(sock->sk);
	struct sockaddr_ll ll;
	struct net_device *dev = NULL;

	if (addr_len < (int)sizeof(ll) || addr->sa_family != AF_PACKET)
		return -EINVAL;
	memcpy(&ll, addr, sizeof(ll));
	if (ll.sll_ifindex) {
		dev = dev_get_by_index(ll.sll_ifindex);
		if (!dev)
			return -ENODEV;
	}
	lock_sock(&po->sk);
	packet_unhook(po);
	if (ll.sll_protocol.raw)
		po->num = ll.sll_protocol;
	WRITE_ONCE(po->ifindex, ll.sll_ifindex);
	if (!dev || dev->flags & IFF_UP) {
		packet_hook(po);
	} else {
		WRITE_ONCE(po->sk.sk_err, ENETDOWN);
		po->sk.sk_error_report(&po->sk);
	}
	release_sock(&po->sk);
	if (dev)
		dev_put(dev);
	return 0;
}

static int packet_getname(struct socket *sock, struct sockaddr_storage_k *addr, bool peer)
{
	const struct packet_sock *po = pkt_sk(sock->sk);
	struct sockaddr_ll *ll = (struct sockaddr_ll *)addr;

	if (peer)
		return -EOPNOTSUPP;
	memset(ll, 0, sizeof(*ll));
	ll->sll_family = AF_PACKET;
	ll->sll_ifindex = po->ifindex;
	ll->sll_protocol = po->num;
	struct net_device *dev = dev_get_by_index(po->ifindex);

	if (dev) {
		ll->sll_hatype = dev->type;
		if (dev->hard_header_len == ETH_HLEN) {
			ll->sll_halen = ETH_ALEN;
			memcpy(ll->sll_addr, dev->dev_addr, ETH_ALEN);
		}
		dev_put(dev);
	}
	return (int)offsetof(struct sockaddr_ll, sll_addr) + ll->sll_halen;
}

/* --- options ------------------------------------------------------------------------------------------ */

/* Sock owned. */
static int packet_add_member(struct packet_sock *po, const struct packet_mreq *mreq)
{
	struct packet_member *m;
	struct net_device *dev = dev_get_by_index(mreq->mr_ifindex);

	if (!dev)
		return -ENODEV;
	dev_put(dev);
	if (mreq->mr_alen > sizeof(mreq->mr_address) || mreq->mr_type > PACKET_MR_UNICAST)
		return -EINVAL;
	list_for_each_entry(m, &po->members, link) {
		if (!memcmp(&m->mreq, mreq, sizeof(*mreq))) {
			m->count++;
			return 0;
		}
	}
	m = kmalloc(sizeof(*m), GFP_KERNEL);
	if (!m)
		return -ENOBUFS;
	m->mreq = *mreq;
	m->count = 1;
	list_add(&m->link, &po->members);
	return 0;
}

static int packet_drop_member(struct packet_sock *po, const struct packet_mreq *mreq)
{
	struct packet_member *m;

	list_for_each_entry(m, &po->members, link) {
		if (memcmp(&m->mreq, mreq, sizeof(*mreq)))
			continue;
		if (!--m->count) {
			list_del(&m->link);
			kfree(m);
		}
		break;
	}
	return 0;	/* as Linux, also if it was none */
}

static int packet_membership(struct packet_sock *po, bool add, uptr optval, unsigned int optlen)
{
	struct packet_mreq mreq;

	if (optlen < sizeof(mreq))
		return -EINVAL;
	if (copy_from_user(&mreq, optval, sizeof(mreq)))
		return -EFAULT;
	lock_sock(&po->sk);
	int err = add ? packet_add_member(po, &mreq) : packet_drop_member(po, &mreq);

	release_sock(&po->sk);
	return err;
}

static int packet_setsockopt(struct socket *sock, int level, int optname, uptr optval, unsigned int optlen)
{
	struct packet_sock *po = pkt_sk(sock->sk);
	s32 val;

	if (level != SOL_PACKET)
		return -ENOPROTOOPT;
	switch (optname) {
	case PACKET_ADD_MEMBERSHIP:
	case PACKET_DROP_MEMBERSHIP:
		return packet_membership(po, optname == PACKET_ADD_MEMBERSHIP, optval, optlen);
	case PACKET_AUXDATA:
		if (optlen < sizeof(val))
			return -EINVAL;
		if (get_user(val, optval))
			return -EFAULT;
		WRITE_ONCE(po->auxdata, val != 0);
		return 0;
	default:
		return -ENOPROTOOPT;
	}
}

static int packet_get_statistics(struct packet_sock *po, uptr optval, uptr optlen)
{
	struct tpacket_stats st;
	unsigned long flags;
	s32 len;

	if (get_user(len, optlen))
		return -EFAULT;
	if (len < 0)
		return -EINVAL;
	spin_lock_irqsave(&po->sk.sk_receive_queue.lock, flags);
	st = po->stats;
	po->stats = (struct tpacket_stats){ 0, 0 };	/* each reading begins anew */
	spin_unlock_irqrestore(&po->sk.sk_receive_queue.lock, flags);
	len = min_t(s32, len, sizeof(st));
	return put_user(len, optlen) || copy_to_user(optval, &st, (size_t)len) ? -EFAULT : 0;
}

static int packet_getsockopt(struct socket *sock, int level, int optname, uptr optval, uptr optlen)
{
	struct packet_sock *po = pkt_sk(sock->sk);

	if (level != SOL_PACKET)
		return -ENOPROTOOPT;
	switch (optname) {
	case PACKET_STATISTICS:
		return packet_get_statistics(po, optval, optlen);
	case PACKET_AUXDATA:
		return put_sockopt_int(READ_ONCE(po->auxdata), optval, optlen);
	default:
		return -ENOPROTOOPT;
	}
}

/* Sock owned. Takes @filter; NULL: none. */
static int packet_set_filter(struct sock *sk, struct sk_filter *filter)
{
	struct sk_filter *old = pkt_sk(sk)->filter;

	if (!filter && !old)
		return -ENOENT;
	smp_store_release(&pkt_sk(sk)->filter, filter);	/* whole before packet_rcv() sees it */
	synchronize_net();
	kfree(old);
	return 0;
}

static int packet_ioctl(struct socket *sock, unsigned int cmd, unsigned long arg)
{
	struct sock *sk = sock->sk;
	unsigned long flags;

	if (cmd == SIOCOUTQ)
		return put_user((s32)(atomic_read(&sk->sk_wmem_alloc) - 1), UPTR(arg));
	if (cmd != SIOCINQ)
		return -ENOIOCTLCMD;
	spin_lock_irqsave(&sk->sk_receive_queue.lock, flags);
	const struct sk_buff *skb = skb_peek(&sk->sk_receive_queue);
	s32 amount = skb ? (s32)skb->len : 0;

	spin_unlock_irqrestore(&sk->sk_receive_queue.lock, flags);
	return put_user(amount, UPTR(arg));
}

/* --- making and ending --------------------------------------------------------------------------------- */

static int packet_release(struct socket *sock)
{
	struct sock *sk = sock->sk;
	struct packet_sock *po;
	struct packet_member *m, *n;

	if (!sk)
		return 0;
	po = pkt_sk(sk);
	spin_lock(&packet_lock);
	list_del(&po->link);
	spin_unlock(&packet_lock);
	lock_sock(sk);
	packet_unhook(po);
	list_for_each_entry_safe(m, n, &po->members, link)
		kfree(m);
	kfree(po->filter);
	sock_orphan(sk);
	release_sock(sk);
	sock->sk = NULL;
	skb_queue_purge(&sk->sk_receive_queue, SKB_DROP_REASON_SOCKET_CLOSED);
	sock_put(sk);
	return 0;
}

static const struct proto_ops packet_ops = {
	.family = AF_PACKET,
	.release = packet_release,
	.bind = packet_bind,
	.connect = sock_no_connect,
	.socketpair = sock_no_socketpair,
	.accept = sock_no_accept,
	.getname = packet_getname,
	.poll = datagram_poll,
	.ioctl = packet_ioctl,
	.listen = sock_no_listen,
	.shutdown = sock_no_shutdown,
	.setsockopt = packet_setsockopt,
	.getsockopt = packet_getsockopt,
	.sendmsg = packet_sendmsg,
	.recvmsg = packet_recvmsg,
};

static struct proto packet_proto = {
	.name = "PACKET",
	.obj_size = sizeof(struct packet_sock),
	.set_filter = packet_set_filter,
};

static int packet_create(struct socket *sock, int protocol)
{
	if (!capable_root())
		return -EPERM;
	if (sock->type != SOCK_RAW && sock->type != SOCK_DGRAM)
		return -ESOCKTNOSUPPORT;
	struct sock *sk = sk_alloc(AF_PACKET, GFP_KERNEL, &packet_proto);

	if (!sk)
		return -ENOBUFS;
	struct packet_sock *po = pkt_sk(sk);

	sock_init_data(sock, sk);
	sk->sk_type = (u8)sock->type;
	sock->ops = &packet_ops;
	INIT_LIST_HEAD(&po->members);
	po->num = (be16){ (u16)protocol };	/* in network order already */
	spin_lock(&packet_lock);
	list_add_tail(&po->link, &packet_socks);
	spin_unlock(&packet_lock);
	packet_hook(po);
	return 0;
}

static void packet_show_one(struct seq_file *m, const struct packet_sock *po)
{
	const struct sock *sk = &po->sk;

	seq_printf(m, "%p %-6d %-4d %04x   %-5d %1d %-6u %-6u %-6llu\n", (const void *)po,
		   refcount_read(&sk->sk_refcnt), sk->sk_type, be16_to_cpu(po->num), po->ifindex, po->running,
		   (unsigned int)sk_rmem_alloc_get(sk), sk->sk_uid, (unsigned long long)sk->sk_ino);
}

static void packet_show(struct seq_file *m, __unused void *arg)
{
	struct packet_sock *po;

	seq_printf(m, "%-17sRefCnt Type Proto  Iface R Rmem   User   Inode\n", "sk");
	spin_lock(&packet_lock);
	list_for_each_entry(po, &packet_socks, link)
		packet_show_one(m, po);
	spin_unlock(&packet_lock);
}

static const struct net_proto_family packet_family_ops = { .family = AF_PACKET, .create = packet_create };

void packet_init(void)
{
	if (proto_register(&packet_proto) || sock_register(&packet_family_ops))
		panic("AF_PACKET cannot be registered");
	proc_create_single("net/packet", packet_show, NULL);
}

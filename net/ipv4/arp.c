/*
 * net/ipv4/arp.c - neighbours: which hardware address belongs to the next hop, and who waits for
 * the answer.
 *
 * Linux:   net/ipv4/arp.c, net/core/neighbour.c (6.1)
 * Same:    the states and their times (RFC 4861 7.3 as Linux applies it to ARP): an entry is used
 *          while REACHABLE, checked when used after that (STALE, DELAY, PROBE), given up after
 *          three questions; packets wait in the entry's queue.
 * Differs: 1. one table under one lock; broadcast and multicast next hops are entries too (NOARP),
 *             so that the fast path is the same for all. 2. a transport that makes progress leaves the
 *             time in its route (rt_confirm()), and it is looked at only when the entry is in doubt.
 * Locks:   NEIGH. Packets are sent after it has been given up.
 * Walk:    ip_queue_xmit() -> neigh_output() -> dev_queue_xmit(); arp_rcv() sends what waited.
 */
#include "fs/procfs.h"
#include "kernel/hash.h"
#include "kernel/process.h"
#include "kernel/string.h"
#include "kernel/trace.h"
#include "kernel/uaccess.h"
#include "net/ipv4/ip.h"
#include "net/sockios.h"
#include "net/wire/arp.h"
#include "net/wire/eth.h"

enum nud_state {
	NUD_NONE = 0,
	NUD_INCOMPLETE = 0x01,
	NUD_REACHABLE = 0x02,
	NUD_STALE = 0x04,
	NUD_DELAY = 0x08,
	NUD_PROBE = 0x10,
	NUD_FAILED = 0x20,
	NUD_NOARP = 0x40,
	NUD_PERMANENT = 0x80,
	NUD_CONNECTED = NUD_PERMANENT | NUD_NOARP | NUD_REACHABLE, /* no question needed */
	NUD_VALID = NUD_CONNECTED | NUD_STALE | NUD_DELAY | NUD_PROBE, /* the address is known */
};
enum {
	NEIGH_BITS = 6,
	NEIGH_QUEUE_MAX = 64,
	NEIGH_PROBES = 3,
	NEIGH_GC_AT = 512,
	NEIGH_MAX = 1024
};
#define NEIGH_REACHABLE_NS	(30 * NSEC_PER_SEC)
#define NEIGH_DELAY_NS		(5 * NSEC_PER_SEC)
#define NEIGH_GC_AGE_NS		(5 * NSEC_PER_SEC)
#define NEIGH_RETRANS_NS	(1 * NSEC_PER_SEC)
/* the first of several answers stands this long */
#define NEIGH_LOCKTIME_NS	(1 * NSEC_PER_SEC)

struct neighbour {
	/* immutable */
	be32 key;
	struct net_device *dev;
	/* NEIGH to change; state and ha are read anywhere, each as one word */
	struct hlist_node link;
	u32 nud_state;
	u64 ha;				/* six bytes in memory order */
	u64 confirmed_ns, updated_ns, used_ns;
	int probes;
	struct sk_buff_head queue;	/* waits for the answer; its own lock unused */
	/* atomic */
	struct timer_list timer;
	/* one for the table, one per route, one while the timer is armed */
	refcount_t refs;
};

static DEFINE_SPINLOCK(neigh_lock, LC_NEIGH);
/* NEIGH */
static struct hlist_head neigh_table[1 << NEIGH_BITS];
static int nr_neigh;
static struct kmem_cache *neigh_cache;

void neigh_put(struct neighbour *n)
{
	if (!refcount_dec_and_test(&n->refs))
		return;
	dev_put(n->dev);
	kmem_cache_free(neigh_cache, n);
}

static struct hlist_head *neigh_bucket(be32 key, const struct net_device *dev)
{
	return &neigh_table[hash_32(key.raw ^ (u32)dev->ifindex, NEIGH_BITS)];
}

/* --- sending ARP --------------------------------------------------------------------------- */

static void arp_send(u16 op, struct net_device *dev, be32 sip, be32 tip, const u8 *dst_hw,
		     const u8 *target_hw)
{
	struct sk_buff *skb = alloc_skb(MAX_HEADER + sizeof(struct arphdr), GFP_ATOMIC);

	if (!skb)
		return;
	skb_reserve(skb, MAX_HEADER);
	skb_reset_network_header(skb);
	struct arphdr *arp = skb_put(skb, sizeof(*arp));

	arp->ar_hrd = cpu_to_be16(ARPHRD_ETHER);
	arp->ar_pro = cpu_to_be16(ETH_P_IP);
	arp->ar_hln = ETH_ALEN;
	arp->ar_pln = 4;
	arp->ar_op = cpu_to_be16(op);
	ether_addr_copy(arp->ar_sha, dev->dev_addr);
	memcpy(arp->ar_sip, &sip, 4);
	if (target_hw)
		ether_addr_copy(arp->ar_tha, target_hw);
	else
		memset(arp->ar_tha, 0, ETH_ALEN);
	memcpy(arp->ar_tip, &tip, 4);
	skb->dev = dev;
	skb->protocol = cpu_to_be16(ETH_P_ARP);
	eth_header(skb, dev, ETH_P_ARP, dst_hw, NULL);
	dev_queue_xmit(skb);
}

void arp_send_gratuitous(struct net_device *dev)
{
	be32 addr = inet_select_addr(dev);

	if (dev->type == ARPHRD_ETHER && !(dev->flags & IFF_NOARP) && addr.raw)
		arp_send(ARPOP_REQUEST, dev, addr, addr, dev->broadcast, NULL);
}

/* What a caller has to send once it has given NEIGH up. */
struct arp_question { struct net_device *dev; be32 tip; u64 ha; bool ask, unicast; };

static void arp_solicit(const struct arp_question *q)
{
	u8 ha[8];

	if (!q->ask)
		return;
	memcpy(ha, &q->ha, sizeof(ha));
	arp_send(ARPOP_REQUEST, q->dev, inet_select_addr(q->dev), q->tip,
		 q->unicast ? ha : q->dev->broadcast, NULL);
}

/* --- the table ----------------------------------------------------------------------------- */

static void neigh_arm(struct neighbour *n, u64 delay_ns)
{
	if (!mod_timer(&n->timer, ktime_get_ns() + delay_ns))
		refcount_inc(&n->refs);
}

static struct neighbour *neigh_lookup(be32 key, const struct net_device *dev)
{
	struct neighbour *n;

	assert_held(&neigh_lock);
	hlist_for_each_entry(n, neigh_bucket(key, dev), link)
		if (be32_eq(n->key, key) && n->dev == dev)
			return n;
	return NULL;
}

/* Of no use to anybody, or not for a while: what has just been learned is about to be used. */
static bool neigh_is_idle(const struct neighbour *n, u64 now)
{
	if (refcount_read(&n->refs) > 1 || n->nud_state & NUD_PERMANENT)
		return false;
	return n->nud_state == NUD_FAILED || now - n->updated_ns > NEIGH_GC_AGE_NS;
}

/*
 * Entries that only the table knows go, but the newest. Locks: NEIGH held, under which alone new references begin.
 */
static void neigh_gc(void)
{
	u64 now = ktime_get_ns();
	struct neighbour *n;
	struct hlist_node *next;

	for (int i = 0; i < 1 << NEIGH_BITS; i++) {
		hlist_for_each_entry_safe(n, next, &neigh_table[i], link) {
			if (!neigh_is_idle(n, now))
				continue;
			hlist_del_init(&n->link);
			nr_neigh--;
			neigh_put(n);
		}
	}
}

static void neigh_timer(struct timer_list *timer);

/*
 * The entry of @key, made if it is not there. NULL: out of memory, or too many. Locks: NEIGH held.
 */
static struct neighbour *neigh_get_or_create(be32 key, struct net_device *dev)
{
	struct neighbour *n = neigh_lookup(key, dev);

	if (n)
		return n;
	if (nr_neigh >= NEIGH_GC_AT)
		neigh_gc();
	if (nr_neigh >= NEIGH_MAX)
		return NULL;
	n = kmem_cache_zalloc(neigh_cache, GFP_ATOMIC);
	if (!n)
		return NULL;
	n->key = key;
	dev_hold(dev);
	n->dev = dev;
	skb_queue_head_init(&n->queue);
	timer_setup(&n->timer, neigh_timer);
	refcount_set(&n->refs, 1);
	hlist_add_head(&n->link, neigh_bucket(key, dev));
	nr_neigh++;
	return n;
}

/* --- packets that wait --------------------------------------------------------------------- */

static void neigh_queue_take(struct neighbour *n, struct sk_buff_head *out)
{
	struct sk_buff *skb;

	__skb_queue_head_init(out);
	while ((skb = __skb_dequeue(&n->queue)) != NULL)
		__skb_queue_tail(out, skb);
}

static void neigh_queue_add(struct neighbour *n, struct sk_buff *skb)
{
	if (n->queue.qlen >= NEIGH_QUEUE_MAX)
		kfree_skb(__skb_dequeue(&n->queue), SKB_DROP_REASON_NEIGH_QUEUEFULL);
	__skb_queue_tail(&n->queue, skb);
}

static int neigh_xmit(struct sk_buff *skb, struct net_device *dev, u64 ha)
{
	struct ethhdr *eth = skb_push(skb, ETH_HLEN);
	u32 lo = (u32)ha;
	u16 hi = (u16)(ha >> 32);

	__builtin_memcpy(eth->h_dest, &lo, 4);
	__builtin_memcpy(eth->h_dest + 4, &hi, 2);
	ether_addr_copy(eth->h_source, dev->dev_addr);
	eth->h_proto = cpu_to_be16(ETH_P_IP);
	return dev_queue_xmit(skb);
}

/* Nobody answered: each sender that can be told is told by an ICMP error from ourselves. */
static void neigh_report_failed(struct sk_buff_head *q)
{
	struct sk_buff *skb;

	while ((skb = __skb_dequeue(q)) != NULL) {
		icmp_send(skb, ICMP_DEST_UNREACH, ICMP_HOST_UNREACH, 0);
		kfree_skb(skb, SKB_DROP_REASON_NEIGH_FAILED);
	}
}

/* --- states -------------------------------------------------------------------------------- */

/* One more question, or the end of asking. Locks: NEIGH held. */
static void neigh_probe(struct neighbour *n, struct arp_question *q, struct sk_buff_head *failed)
{
	if (n->probes >= NEIGH_PROBES) {
		WRITE_ONCE(n->nud_state, NUD_FAILED);
		neigh_queue_take(n, failed);
		return;
	}
	n->probes++;
	*q = (struct arp_question){ n->dev, n->key, n->ha, true, n->nud_state == NUD_PROBE };
	neigh_arm(n, NEIGH_RETRANS_NS);
}

static void neigh_timer(struct timer_list *timer)
{
	struct neighbour *n = container_of(timer, struct neighbour, timer);
	struct arp_question q = { .ask = false };
	struct sk_buff_head failed;
	u64 now = ktime_get_ns();

	__skb_queue_head_init(&failed);
	spin_lock_bh(&neigh_lock);
	switch (n->nud_state) {
	case NUD_REACHABLE:
		if (now < n->confirmed_ns + NEIGH_REACHABLE_NS)
			neigh_arm(n, n->confirmed_ns + NEIGH_REACHABLE_NS - now);
		else
			WRITE_ONCE(n->nud_state, NUD_STALE);
		break;
	case NUD_DELAY:
		WRITE_ONCE(n->nud_state, NUD_PROBE);
		n->probes = 0;
		fallthrough;
	case NUD_PROBE:
	case NUD_INCOMPLETE:
		neigh_probe(n, &q, &failed);
		break;
	default:
		break;
	}
	spin_unlock_bh(&neigh_lock);
	arp_solicit(&q);
	neigh_report_failed(&failed);
	neigh_put(n);
}

/*
 * @ha is what @n's owner says of itself. @reachable: in answer to us. Locks: NEIGH held. Packets
 * that waited go to @ready.
 */
static void neigh_update(struct neighbour *n, u64 ha, bool reachable, struct sk_buff_head *ready)
{
	u64 now = ktime_get_ns();
	u32 old = n->nud_state;

	__skb_queue_head_init(ready);
	if (old & (NUD_PERMANENT | NUD_NOARP))
		return;
	if (old & NUD_VALID && n->ha != ha && now < n->updated_ns + NEIGH_LOCKTIME_NS)
		return;
	if (!reachable && old == NUD_REACHABLE && n->ha == ha)
		return;
	n->updated_ns = now;
	WRITE_ONCE(n->ha, ha);
	if (reachable) {
		n->confirmed_ns = now;
		WRITE_ONCE(n->nud_state, NUD_REACHABLE);
		neigh_arm(n, NEIGH_REACHABLE_NS);
	} else {
		WRITE_ONCE(n->nud_state, NUD_STALE);
	}
	neigh_queue_take(n, ready);
}

static void neigh_send_ready(struct sk_buff_head *ready, struct net_device *dev, u64 ha)
{
	struct sk_buff *skb;

	while ((skb = __skb_dequeue(ready)) != NULL)
		neigh_xmit(skb, dev, ha);
}

void neigh_ifdown(struct net_device *dev)
{
	struct neighbour *n;
	struct sk_buff_head dead;

	spin_lock_bh(&neigh_lock);
	for (int i = 0; i < 1 << NEIGH_BITS; i++) {
		hlist_for_each_entry(n, &neigh_table[i], link) {
			if (n->dev != dev || n->nud_state & NUD_NOARP)
				continue;
			WRITE_ONCE(n->nud_state, NUD_FAILED);
			neigh_queue_take(n, &dead);
			struct sk_buff *skb;

			while ((skb = __skb_dequeue(&dead)) != NULL)
				kfree_skb(skb, SKB_DROP_REASON_NEIGH_DEAD);
		}
	}
	spin_unlock_bh(&neigh_lock);
}

void neigh_dev_gone(struct net_device *dev)
{
	struct neighbour *n;
	struct hlist_node *next;

	neigh_ifdown(dev);
	spin_lock_bh(&neigh_lock);
	for (int i = 0; i < 1 << NEIGH_BITS; i++) {
		hlist_for_each_entry_safe(n, next, &neigh_table[i], link) {
			if (n->dev != dev)
				continue;
			hlist_del_init(&n->link);
			nr_neigh--;
			neigh_put(n);
		}
	}
	spin_unlock_bh(&neigh_lock);
}

/* --- output -------------------------------------------------------------------------------- */

/*
 * Next hops that need no question: to all, to a group (RFC 1112 6.4), or on a link without
 * addresses.
 */
static void neigh_set_noarp(struct neighbour *n, const struct rtable *rt)
{
	u32 group = be32_to_cpu(n->key);
	u8 mac[8] = { 0x01, 0x00, 0x5e, (u8)(group >> 16 & 0x7f), (u8)(group >> 8), (u8)group };

	if (rt->broadcast)
		ether_addr_copy(mac, n->dev->broadcast);
	else if (!ipv4_is_multicast(n->key))
		ether_addr_copy(mac, n->dev->dev_addr);
	memcpy(&n->ha, mac, sizeof(n->ha));
	WRITE_ONCE(n->nud_state, NUD_NOARP);
}

static bool rt_needs_arp(const struct rtable *rt, be32 nexthop)
{
	return !rt->broadcast && !ipv4_is_multicast(nexthop) &&
	       !(rt->dev->flags & (IFF_NOARP | IFF_LOOPBACK));
}

/* The entry for @rt's next hop, which @rt keeps from now on. Locks: NEIGH held. */
static struct neighbour *rt_bind_neigh(struct rtable *rt)
{
	be32 nexthop = rt_nexthop(rt);
	struct neighbour *n = rt->neigh;

	if (n)
		return n;
	n = neigh_get_or_create(nexthop, rt->dev);
	if (!n)
		return NULL;
	if (n->nud_state == NUD_NONE && !rt_needs_arp(rt, nexthop))
		neigh_set_noarp(n, rt);
	refcount_inc(&n->refs);
	/* whole before it is seen; pairs with the read in neigh_output() */
	smp_store_release(&rt->neigh, n);
	return n;
}

/*
 * RFC 1122 2.3.2.1: has the transport shown that the neighbor still takes our packets? Then nobody needs to ask.
 * Without this a network that loses the few questions among its traffic would make a living neighbor a failed one.
 */
static bool neigh_confirmed_by(const struct neighbour *n, const struct rtable *rt)
{
	u64 when = READ_ONCE(rt->confirmed_ns);

	return when > n->confirmed_ns && when > n->updated_ns && when + NEIGH_REACHABLE_NS > n->used_ns;
}

/* The next hop's address is not known, or should be checked. */
static noinline int neigh_resolve_output(struct sk_buff *skb, struct rtable *rt)
{
	struct arp_question q = { .ask = false };
	u64 ha = 0;
	bool send = false;

	spin_lock_bh(&neigh_lock);
	struct neighbour *n = rt_bind_neigh(rt);

	if (!n) {
		spin_unlock_bh(&neigh_lock);
		kfree_skb(skb, SKB_DROP_REASON_NOMEM);
		return -ENOBUFS;
	}
	n->used_ns = ktime_get_ns();
	if (n->nud_state & NUD_VALID) {
		if (neigh_confirmed_by(n, rt)) {
			n->confirmed_ns = n->used_ns;
			WRITE_ONCE(n->nud_state, NUD_REACHABLE);
			neigh_arm(n, NEIGH_REACHABLE_NS);
		} else if (n->nud_state == NUD_STALE) {
			WRITE_ONCE(n->nud_state, NUD_DELAY);
			neigh_arm(n, NEIGH_DELAY_NS);
		}
		ha = n->ha;
		send = true;
	} else {
		neigh_queue_add(n, skb);
		if (n->nud_state != NUD_INCOMPLETE) {
			WRITE_ONCE(n->nud_state, NUD_INCOMPLETE);
			n->probes = 0;
			neigh_probe(n, &q, NULL);
		}
	}
	spin_unlock_bh(&neigh_lock);
	arp_solicit(&q);
	return send ? neigh_xmit(skb, rt->dev, ha) : 0;
}

int neigh_output(struct sk_buff *skb)
{
	struct rtable *rt = skb->rt;
	struct net_device *dev = rt->dev;

	trace(neigh_output, skb->id);
	skb->dev = dev;
	if (!dev->hard_header_len)
		return dev_queue_xmit(skb);
	if (unlikely(skb_headroom(skb) < dev->hard_header_len) &&
	    skb_cow_head(skb, dev->hard_header_len)) {
		kfree_skb(skb, SKB_DROP_REASON_NOMEM);
		return -ENOMEM;
	}
	struct neighbour *n = smp_load_acquire(&rt->neigh);

	if (likely(n && READ_ONCE(n->nud_state) & NUD_CONNECTED))
		return neigh_xmit(skb, dev, READ_ONCE(n->ha));
	return neigh_resolve_output(skb, rt);
}

/* --- input --------------------------------------------------------------------------------- */

/*
 * The sender's address: learnt if it is known already or if it asks for us (RFC 826, "Packet
 * Reception").
 */
static void arp_learn(struct net_device *dev, be32 sip, u64 ha, bool create, bool reachable)
{
	struct sk_buff_head ready;

	spin_lock_bh(&neigh_lock);
	struct neighbour *n = create ? neigh_get_or_create(sip, dev) : neigh_lookup(sip, dev);

	if (!n) {
		spin_unlock_bh(&neigh_lock);
		return;
	}
	neigh_update(n, ha, reachable, &ready);
	ha = n->ha;
	spin_unlock_bh(&neigh_lock);
	neigh_send_ready(&ready, dev, ha);
}

static void arp_process(struct sk_buff *skb, struct net_device *dev, const struct arphdr *arp)
{
	be32 sip = arp_ip(arp->ar_sip), tip = arp_ip(arp->ar_tip);
	u16 op = be16_to_cpu(arp->ar_op);
	bool to_us = inet_addr_type(tip) == RTN_LOCAL;
	enum skb_drop_reason why = SKB_DROP_REASON_ARP_IGNORED;

	if ((op != ARPOP_REQUEST && op != ARPOP_REPLY) || ipv4_is_multicast(tip) ||
	    ipv4_is_loopback(tip) || is_multicast_ether_addr(arp->ar_sha)) {
		kfree_skb(skb, SKB_DROP_REASON_ARP_BAD);
		return;
	}
	/* our own words come back, or somebody uses our address */
	if (inet_addr_type(sip) == RTN_LOCAL)
		goto out_drop;
	bool asks_us = op == ARPOP_REQUEST && to_us;

	if (sip.raw)
		arp_learn(dev, sip, ether_addr_to_u64(arp->ar_sha), asks_us,
			  op == ARPOP_REPLY && skb->pkt_type == PACKET_HOST);
	if (asks_us)
		arp_send(ARPOP_REPLY, dev, tip, sip, arp->ar_sha, arp->ar_sha);
	if (asks_us || op == ARPOP_REPLY) {
		consume_skb(skb);
		return;
	}
out_drop:
	kfree_skb(skb, why);
}

static void arp_rcv(struct sk_buff *skb, struct net_device *dev, __unused struct packet_type *pt)
{
	if (skb->pkt_type == PACKET_OTHERHOST || dev->flags & (IFF_NOARP | IFF_LOOPBACK)) {
		kfree_skb(skb, SKB_DROP_REASON_OTHERHOST);
		return;
	}
	if (!pskb_may_pull(skb, sizeof(struct arphdr))) {
		kfree_skb(skb, SKB_DROP_REASON_PKT_TOO_SMALL);
		return;
	}
	const struct arphdr *arp = (const struct arphdr *)skb->data;

	if (be16_to_cpu(arp->ar_hrd) != ARPHRD_ETHER || be16_to_cpu(arp->ar_pro) != ETH_P_IP ||
	    arp->ar_hln != ETH_ALEN || arp->ar_pln != 4) {
		kfree_skb(skb, SKB_DROP_REASON_ARP_BAD);
		return;
	}
	arp_process(skb, dev, arp);
}

/* --- the user's view ----------------------------------------------------------------------- */

static unsigned int neigh_atf(const struct neighbour *n)
{
	return (n->nud_state & NUD_VALID ? ATF_COM : 0) |
	       (n->nud_state & NUD_PERMANENT ? ATF_PERM : 0);
}

static void arp_show(struct seq_file *m, __unused void *arg)
{
	struct neighbour *n;

	seq_puts(
		m,
		"IP address       HW type     Flags       HW address            Mask     Device\n");
	for (int i = 0; i < 1 << NEIGH_BITS; i++) {
		spin_lock_bh(&neigh_lock);
		hlist_for_each_entry(n, &neigh_table[i], link) {
			char ip[20];
			u8 ha[8];

			if (n->nud_state & NUD_NOARP)
				continue;
			scnprintf(ip, sizeof(ip), "%pI4", &n->key);
			memcpy(ha, &n->ha, sizeof(ha));
			seq_printf(m, "%-16s 0x%-10x0x%-10x%pM     *        %s\n", ip,
				   (unsigned int)n->dev->type, neigh_atf(n), ha, n->dev->name);
		}
		spin_unlock_bh(&neigh_lock);
	}
}

/* SIOCSARP, SIOCDARP and SIOCGARP on one entry. Locks: NEIGH held. */
static int arp_req(unsigned int cmd, struct arpreq *r, struct net_device *dev,
		   struct sk_buff_head *ready)
{
	be32 ip = r->arp_pa.sin_addr;
	struct neighbour *n = cmd == SIOCSARP ? neigh_get_or_create(ip, dev)
					      : neigh_lookup(ip, dev);

	if (!n || n->nud_state & NUD_NOARP)
		return cmd == SIOCSARP ? -ENOBUFS : -ENXIO;
	switch (cmd) {
	case SIOCSARP:
		n->nud_state = NUD_NONE;
		neigh_update(n, ether_addr_to_u64(r->arp_ha.sa_data), false, ready);
		if (r->arp_flags & ATF_PERM)
			WRITE_ONCE(n->nud_state, NUD_PERMANENT);
		return 0;
	case SIOCDARP:
		WRITE_ONCE(n->nud_state, NUD_FAILED);
		return 0;
	default:
		r->arp_flags = (s32)neigh_atf(n);
		r->arp_ha.sa_family = dev->type;
		memcpy(r->arp_ha.sa_data, &n->ha, ETH_ALEN);
		strscpy(r->arp_dev, dev->name, IFNAMSIZ);
		return 0;
	}
}

/* The device named, or the one the address is reached through. With a reference, or NULL. */
static struct net_device *arpreq_dev(const struct arpreq *r)
{
	if (r->arp_dev[0])
		return dev_get_by_name(r->arp_dev);
	struct rtable *rt = ip_route_output(r->arp_pa.sin_addr, INADDR_ANY, 0);

	if (IS_ERR(rt))
		return NULL;
	struct net_device *dev = dev_get_by_index(rt->dev->ifindex);

	rt_put(rt);
	return dev;
}

int arp_ioctl(unsigned int cmd, uptr arg)
{
	struct sk_buff_head ready;
	struct arpreq r;

	__skb_queue_head_init(&ready);
	if (cmd != SIOCGARP && !capable_root())
		return -EPERM;
	if (copy_from_user(&r, arg, sizeof(r)))
		return -EFAULT;
	r.arp_dev[IFNAMSIZ - 1] = '\0';
	if (r.arp_pa.sin_family != AF_INET)
		return -EPFNOSUPPORT;
	if (r.arp_flags & ATF_PUBL)
		return -EOPNOTSUPP;
	struct net_device *dev = arpreq_dev(&r);

	if (!dev)
		return r.arp_dev[0] ? -ENODEV : -ENETUNREACH;
	int err = -EINVAL;

	if (dev->type == ARPHRD_ETHER) {
		spin_lock_bh(&neigh_lock);
		err = arp_req(cmd, &r, dev, &ready);
		spin_unlock_bh(&neigh_lock);
		neigh_send_ready(&ready, dev, ether_addr_to_u64(r.arp_ha.sa_data));
	}
	dev_put(dev);
	if (!err && cmd == SIOCGARP && copy_to_user(arg, &r, sizeof(r)))
		return -EFAULT;
	return err;
}

static struct packet_type arp_packet_type = { .func = arp_rcv };

void arp_init(void)
{
	neigh_cache = kmem_cache_create("arp_cache", sizeof(struct neighbour), 64);
	arp_packet_type.type = cpu_to_be16(ETH_P_ARP);
	dev_add_pack(&arp_packet_type);
	proc_create_single("net/arp", arp_show, NULL);
}

/*
 * net/ipv4/route.c - where a packet goes: the local addresses, the routing table, and routes as
 * looked up.
 *
 * Linux:   net/ipv4/route.c, fib_frontend.c, fib_semantics.c, fib_trie.c (6.1)
 * Same:    longest prefix first, then the smaller metric; local addresses come before any route;
 *          the result is shared and counted, and a generation number tells when it is stale.
 * Differs: 1. the table is a sorted list: hosts have a handful of routes.
 *          2. local and broadcast addresses stand in one small array that is read without a lock,
 *             under a sequence count; so the input path needs no look-up structure.
 *          3. each CPU keeps the routes it used last; the path MTU exceptions are one small table.
 * Locks:   ROUTE; RTNL to change.
 * Walk:    ip_queue_xmit() -> ip_route_output(); ip_rcv() -> inet_addr_type().
 */
#include "fs/procfs.h"
#include "kernel/bitops.h"
#include "kernel/hash.h"
#include "kernel/process.h"
#include "kernel/string.h"
#include "kernel/uaccess.h"
#include "net/ipv4/ip.h"
#include "net/sockios.h"

enum { LOCAL_MAX = 64, ROUTE_CACHE_BITS = 4, PMTU_SLOTS = 64, MIN_PMTU = 552 };
#define PMTU_EXPIRES_NS (600 * NSEC_PER_SEC) /* RFC 1191 6.3 */

struct fib_entry {
	struct list_head link;
	be32 dst, mask, gateway;
	be32 prefsrc;			/* 0: the device's first address */
	struct net_device *dev;		/* NULL: unreachable on purpose */
	u32 metric;
	u8 plen;
};
struct local_addr { be32 addr; u32 type; };
struct pmtu_entry { be32 daddr; u32 mtu; u64 expires_ns; };
struct route_cache_entry { be32 daddr, saddr; int oif; struct rtable *rt; };

static DEFINE_SPINLOCK(route_lock, LC_ROUTE);
/* ROUTE to change */
u32 rt_genid = 1;
static LIST_HEAD(fib_list);
static u32 local_seq;			/* odd while local_table is being changed */
static struct local_addr local_table[LOCAL_MAX];
static int nr_local;
static bool loopback_up;
static struct pmtu_entry pmtu_table[PMTU_SLOTS];
static struct timer_list pmtu_timer;
static struct kmem_cache *rtable_cache;
/* this CPU only, softirqs off */
static DEFINE_PER_CPU(struct route_cache_entry, route_cache[1 << ROUTE_CACHE_BITS]);

void rt_put(struct rtable *rt)
{
	if (!refcount_dec_and_test(&rt->refs))
		return;
	if (rt->neigh)
		neigh_put(rt->neigh);
	dev_put(rt->dev);
	kmem_cache_free(rtable_cache, rt);
}

void rt_cache_flush(void) { __atomic_add_fetch(&rt_genid, 1, __ATOMIC_RELEASE); }

struct rtable *sk_dst_check(struct sock *sk)
{
	struct rtable *rt = sk->sk_dst;

	if (likely(rt && !rt_is_stale(rt)))
		return rt;
	if (rt) {
		sk->sk_dst = NULL;
		rt_put(rt);
	}
	return NULL;
}

void sk_dst_set(struct sock *sk, struct rtable *rt)
{
	struct rtable *old = sk->sk_dst;

	sk->sk_dst = rt;
	if (old)
		rt_put(old);
}

/* --- local addresses ----------------------------------------------------------------------- */

static enum inet_addr_type local_lookup(be32 addr)
{
	for (;;) {
		u32 seq = smp_load_acquire(&local_seq);
		u32 type = RTN_UNSPEC;

		for (int i = 0; i < nr_local; i++) {
			if (be32_eq(local_table[i].addr, addr)) {
				type = local_table[i].type;
				break;
			}
		}
		smp_rmb(); /* pairs with the second increment in fib_local_rebuild() */
		if (likely(!(seq & 1) && READ_ONCE(local_seq) == seq))
			return type;
		cpu_relax();
	}
}

enum inet_addr_type inet_addr_type(be32 addr)
{
	enum inet_addr_type type = local_lookup(addr);

	if (type != RTN_UNSPEC)
		return type;
	if (ipv4_is_zeronet(addr) || ipv4_is_lbcast(addr))
		return RTN_BROADCAST;
	if (ipv4_is_multicast(addr))
		return RTN_MULTICAST;
	if (ipv4_is_loopback(addr) && READ_ONCE(loopback_up))
		return RTN_LOCAL;
	return RTN_UNICAST;
}

static void local_table_add(be32 addr, u32 type)
{
	if (nr_local < LOCAL_MAX)
		local_table[nr_local++] = (struct local_addr){ addr, type };
}

static void local_add_dev(struct net_device *dev, __unused void *arg)
{
	struct in_device *in = dev->ip_ptr;

	if (!in || !(dev->flags & IFF_UP))
		return;
	for (int i = 0; i < in->nr; i++) {
		local_table_add(in->ifa[i].addr, RTN_LOCAL);
		be32 told = in->ifa[i].broadcast, all = in->ifa[i].addr;

		if (told.raw)
			local_table_add(told, RTN_BROADCAST);
		/* The last address of a network means all of it, on any device (RFC 3021: but in a /31). */
		all.raw |= ~in->ifa[i].mask.raw;
		if (hweight32(in->ifa[i].mask.raw) < 31 && all.raw != told.raw)
			local_table_add(all, RTN_BROADCAST);
	}
	if (dev->flags & IFF_LOOPBACK && in->nr)
		WRITE_ONCE(loopback_up, true);
}

void fib_local_rebuild(void)
{
	assert_held(&rtnl_mutex);
	/*
	 * Softirqs are off: a reader on this CPU would wait for ever for the count to become even.
	 */
	spin_lock_bh(&route_lock);
	__atomic_add_fetch(&local_seq, 1, __ATOMIC_SEQ_CST);
	nr_local = 0;
	WRITE_ONCE(loopback_up, false);
	for_each_netdev(local_add_dev, NULL);
	/* pairs with the barriers in local_lookup() */
	__atomic_add_fetch(&local_seq, 1, __ATOMIC_SEQ_CST);
	spin_unlock_bh(&route_lock);
	rt_cache_flush();
}

/* --- the table ----------------------------------------------------------------------------- */

static inline bool prefix_match(const struct fib_entry *e, be32 addr)
{
	return ((addr.raw ^ e->dst.raw) & e->mask.raw) == 0;
}
static bool mask_is_contiguous(be32 mask)
{
	u32 host = ~be32_to_cpu(mask);

	return (host & (host + 1)) == 0;
}

/*
 * The entry with the longest prefix that matches; on @oif alone if it is not 0. Locks: ROUTE held.
 */
static struct fib_entry *fib_lookup(be32 daddr, int oif)
{
	struct fib_entry *e;

	assert_held(&route_lock);
	list_for_each_entry(e, &fib_list, link) {
		if (!prefix_match(e, daddr))
			continue;
		if (oif && (!e->dev || e->dev->ifindex != oif))
			continue;
		return e;
	}
	return NULL;
}

static int fib_insert(struct fib_entry *n)
{
	struct fib_entry *e;
	struct list_head *before = &fib_list;

	spin_lock_bh(&route_lock);
	list_for_each_entry(e, &fib_list, link) {
		if (e->plen == n->plen && be32_eq(e->dst, n->dst) && e->metric == n->metric) {
			spin_unlock_bh(&route_lock);
			return -EEXIST;
		}
		if (e->plen < n->plen || (e->plen == n->plen && e->metric > n->metric)) {
			before = &e->link;
			break;
		}
	}
	list_add_tail(&n->link, before);
	spin_unlock_bh(&route_lock);
	rt_cache_flush();
	return 0;
}

static int fib_new(be32 dst, be32 mask, be32 gateway, struct net_device *dev, u32 metric,
		   be32 prefsrc)
{
	struct fib_entry *e = kzalloc(sizeof(*e), GFP_KERNEL);

	assert_held(&rtnl_mutex);
	if (!e)
		return -ENOMEM;
	e->dst = (be32){ dst.raw & mask.raw };
	e->mask = mask;
	e->plen = (u8)hweight32(mask.raw);
	e->gateway = gateway;
	e->dev = dev;
	e->metric = metric;
	e->prefsrc = prefsrc;
	int err = fib_insert(e);

	if (err)
		kfree(e);
	return err;
}

int ip_route_add(be32 dst, be32 mask, be32 gateway, struct net_device *dev, u32 metric)
{
	return fib_new(dst, mask, gateway, dev, metric, INADDR_ANY);
}

int ip_route_del(be32 dst, be32 mask, be32 gateway, struct net_device *dev)
{
	struct fib_entry *e, *found = NULL;

	assert_held(&rtnl_mutex);
	spin_lock_bh(&route_lock);
	list_for_each_entry(e, &fib_list, link) {
		if (!be32_eq(e->dst, dst) || !be32_eq(e->mask, mask) || (dev && e->dev != dev))
			continue;
		if (gateway.raw && !be32_eq(e->gateway, gateway))
			continue;
		found = e;
		list_del(&e->link);
		break;
	}
	spin_unlock_bh(&route_lock);
	if (!found)
		return -ESRCH;
	kfree(found);
	rt_cache_flush();
	return 0;
}

int fib_add_connected(struct net_device *dev, be32 addr, be32 mask)
{
	/* The loopback's networks are local addresses, and a /32 has nobody else in it. */
	if (dev->flags & IFF_LOOPBACK || mask.raw == INADDR_BROADCAST.raw)
		return 0;
	int err = fib_new(addr, mask, INADDR_ANY, dev, 0, addr);

	return err == -EEXIST ? 0 : err;
}

void fib_del_connected(struct net_device *dev, be32 addr, be32 mask)
{
	ip_route_del((be32){ addr.raw & mask.raw }, mask, INADDR_ANY, dev);
}

void fib_dev_down(struct net_device *dev)
{
	struct fib_entry *e, *n;

	assert_held(&rtnl_mutex);
	spin_lock_bh(&route_lock);
	list_for_each_entry_safe(e, n, &fib_list, link) {
		if (e->dev != dev)
			continue;
		list_del(&e->link);
		kfree(e);
	}
	spin_unlock_bh(&route_lock);
	rt_cache_flush();
}

/* --- path MTU ------------------------------------------------------------------------------ */

static u32 pmtu_lookup(be32 daddr, u32 dev_mtu)
{
	const struct pmtu_entry *p = &pmtu_table[hash_32(daddr.raw, 6)];

	assert_held(&route_lock);
	if (!be32_eq(p->daddr, daddr) || !p->mtu || ktime_get_ns() >= p->expires_ns)
		return dev_mtu;
	return min(p->mtu, dev_mtu);
}

static void pmtu_timeout(__unused struct timer_list *timer) { rt_cache_flush(); }

void ip_rt_update_pmtu(be32 daddr, u32 mtu)
{
	struct pmtu_entry *p = &pmtu_table[hash_32(daddr.raw, 6)];
	u64 expires = ktime_get_ns() + PMTU_EXPIRES_NS;

	mtu = max_t(u32, mtu, MIN_PMTU);
	spin_lock_bh(&route_lock);
	*p = (struct pmtu_entry){ daddr, mtu, expires };
	spin_unlock_bh(&route_lock);
	rt_cache_flush();
	/* When the last one expires the routes that carry it are looked up again. */
	mod_timer(&pmtu_timer, expires);
}

/* --- looking up ---------------------------------------------------------------------------- */

static struct rtable *rt_alloc(struct net_device *dev, be32 daddr, be32 src)
{
	struct rtable *rt = kmem_cache_zalloc(rtable_cache, GFP_ATOMIC);

	if (!rt)
		return ERR_PTR(-ENOMEM);
	refcount_set(&rt->refs, 1);
	dev_hold(dev);
	rt->dev = dev;
	rt->dst = daddr;
	rt->src = src;
	rt->mtu = dev->mtu;
	return rt;
}

/* Locks: ROUTE held. */
static struct rtable *rt_from_fib(be32 daddr, be32 saddr, int oif, struct net_device *oif_dev)
{
	struct fib_entry *e = fib_lookup(daddr, oif);
	struct net_device *dev = e ? e->dev : oif_dev;

	/* A socket bound to a device reaches everybody behind it, routes or not. */
	if (!e && !oif_dev)
		return ERR_PTR(-ENETUNREACH);
	if (!dev)
		return ERR_PTR(-EHOSTUNREACH);
	if (!(dev->flags & IFF_UP))
		return ERR_PTR(-ENETUNREACH);
	be32 src = saddr.raw ? saddr : e && e->prefsrc.raw ? e->prefsrc : inet_select_addr(dev);
	struct rtable *rt = rt_alloc(dev, daddr, src);

	if (IS_ERR(rt))
		return rt;
	rt->broadcast = inet_addr_type(daddr) == RTN_BROADCAST;
	if (e && !rt->broadcast && !ipv4_is_multicast(daddr))
		rt->gateway = e->gateway;
	rt->mtu = pmtu_lookup(daddr, dev->mtu);
	return rt;
}

/* To ourselves, or to all of 127/8 (which is ourselves again, but as a broadcast). */
static struct rtable *rt_over_loopback(be32 daddr, be32 saddr, bool local)
{
	be32 src = local ? daddr : INADDR_LOOPBACK;
	struct rtable *rt = rt_alloc(loopback_dev, daddr, saddr.raw ? saddr : src);

	if (!IS_ERR(rt)) {
		rt->local = local;
		rt->broadcast = !local;
	}
	return rt;
}

/* Through a device other than the loopback. */
static struct rtable *rt_over_device(be32 daddr, be32 saddr, int oif)
{
	struct net_device *oif_dev = NULL;

	if (oif) {
		oif_dev = dev_get_by_index(oif);
		if (!oif_dev)
			return ERR_PTR(-ENODEV);
	}
	spin_lock_bh(&route_lock);
	struct rtable *rt = rt_from_fib(daddr, saddr, oif, oif_dev);

	spin_unlock_bh(&route_lock);
	if (oif_dev)
		dev_put(oif_dev);
	return rt;
}

static struct rtable *ip_route_output_slow(be32 daddr, be32 saddr, int oif)
{
	u32 genid = smp_load_acquire(&rt_genid); /* before anything it stands for is read */
	struct rtable *rt;

	if (saddr.raw && inet_addr_type(saddr) != RTN_LOCAL)
		return ERR_PTR(-EINVAL);
	if (!daddr.raw)
		daddr = saddr.raw ? saddr : INADDR_LOOPBACK;
	enum inet_addr_type type = inet_addr_type(daddr);

	if (type == RTN_LOCAL || (type == RTN_BROADCAST && ipv4_is_loopback(daddr)))
		rt = rt_over_loopback(daddr, saddr, type == RTN_LOCAL);
	else if (ipv4_is_loopback(daddr)) /* the loopback is down */
		rt = ERR_PTR(-ENETUNREACH);
	else
		rt = rt_over_device(daddr, saddr, oif);
	if (!IS_ERR(rt))
		rt->genid = genid;
	return rt;
}

struct rtable *ip_route_output(be32 daddr, be32 saddr, int oif)
{
	local_bh_disable();
	struct route_cache_entry *c = this_cpu_ptr(
		&route_cache[hash_32(daddr.raw, ROUTE_CACHE_BITS)]);
	struct rtable *rt = c->rt;

	if (likely(rt && be32_eq(c->daddr, daddr) && be32_eq(c->saddr, saddr) && c->oif == oif &&
		   !rt_is_stale(rt))) {
		rt_get(rt);
		local_bh_enable();
		return rt;
	}
	rt = ip_route_output_slow(daddr, saddr, oif);
	if (!IS_ERR(rt)) {
		if (c->rt)
			rt_put(c->rt);
		rt_get(rt);
		*c = (struct route_cache_entry){ daddr, saddr, oif, rt };
	}
	local_bh_enable();
	return rt;
}

/* --- the user's view ----------------------------------------------------------------------- */

static void route_show_entry(struct seq_file *m, const struct fib_entry *e)
{
	unsigned int flags = RTF_UP | (e->gateway.raw ? RTF_GATEWAY : 0) |
			     (e->plen == 32 ? RTF_HOST : 0) | (e->dev ? 0 : RTF_REJECT);
	char line[128];
	int n = scnprintf(line, sizeof(line), "%s\t%08X\t%08X\t%04X\t%d\t%u\t%u\t%08X\t%d\t%u\t%u",
			  e->dev ? e->dev->name : "*", e->dst.raw, e->gateway.raw, flags, 0, 0,
			  e->metric, e->mask.raw, 0, 0, 0);

	seq_printf(m, "%s%*s\n", line, 127 - n, "");
}

void fib_route_show(struct seq_file *m, __unused void *arg)
{
	struct fib_entry *e;

	seq_printf(m, "%-127s\n",
		   "Iface\tDestination\tGateway "
		   "\tFlags\tRefCnt\tUse\tMetric\tMask\t\tMTU\tWindow\tIRTT");
	rtnl_lock(); /* keeps the list as it is without the spinlock: showing may sleep */
	list_for_each_entry(e, &fib_list, link)
		route_show_entry(m, e);
	rtnl_unlock();
}

/*
 * The device a SIOCADDRT means: named, or the one its gateway is reached through. NULL with *@err.
 * With a reference.
 */
static struct net_device *rtentry_dev(const struct rtentry *r, int *err)
{
	char name[IFNAMSIZ];

	if (!uptr_is_null(r->rt_dev)) {
		memset(name, 0, sizeof(name));
		ssize_t n = strncpy_from_user(name, r->rt_dev, IFNAMSIZ - 1);
		struct net_device *dev = n < 0 ? NULL : dev_get_by_name(name);

		*err = n < 0 ? -EFAULT : -ENODEV;
		return dev;
	}
	*err = r->rt_flags & RTF_GATEWAY ? -ENETUNREACH : -ENODEV;
	if (!(r->rt_flags & RTF_GATEWAY))
		return NULL;
	struct rtable *rt = ip_route_output(r->rt_gateway.sin_addr, INADDR_ANY, 0);

	if (IS_ERR(rt))
		return NULL;
	/* A gateway behind another gateway is none. */
	struct net_device *dev = rt->gateway.raw || rt->local ? NULL
							      : dev_get_by_index(rt->dev->ifindex);

	rt_put(rt);
	return dev;
}

static int rtentry_mask(const struct rtentry *r, be32 *mask)
{
	*mask = INADDR_BROADCAST;
	if (!(r->rt_flags & RTF_HOST)) {
		if (r->rt_genmask.sin_family != AF_INET &&
		    (r->rt_genmask.sin_addr.raw || r->rt_genmask.sin_family))
			return -EAFNOSUPPORT;
		*mask = r->rt_genmask.sin_addr;
	}
	if (!mask_is_contiguous(*mask) || r->rt_dst.sin_addr.raw & ~mask->raw)
		return -EINVAL;
	return 0;
}

static int rtentry_change(bool add, const struct rtentry *r)
{
	be32 mask, gateway = r->rt_flags & RTF_GATEWAY ? r->rt_gateway.sin_addr : INADDR_ANY;
	int err = rtentry_mask(r, &mask);

	if (err)
		return err;
	if (!add && uptr_is_null(r->rt_dev))
		return ip_route_del(r->rt_dst.sin_addr, mask, gateway, NULL);
	struct net_device *dev = NULL;

	if (!(r->rt_flags & RTF_REJECT)) {
		dev = rtentry_dev(r, &err);
		if (!dev)
			return err;
		if (add && !(dev->flags & IFF_UP)) {
			dev_put(dev);
			return -ENETDOWN;
		}
	}
	if (add)
		err = ip_route_add(r->rt_dst.sin_addr, mask, gateway, dev,
				   r->rt_metric ? (u32)r->rt_metric - 1 : 0);
	else
		err = ip_route_del(r->rt_dst.sin_addr, mask, gateway, dev);
	if (dev)
		dev_put(dev);
	return err;
}

int ip_rt_ioctl(unsigned int cmd, uptr arg)
{
	struct rtentry r;

	if (!capable_root())
		return -EPERM;
	if (copy_from_user(&r, arg, sizeof(r)))
		return -EFAULT;
	if (r.rt_dst.sin_family != AF_INET)
		return -EAFNOSUPPORT;
	rtnl_lock();
	int err = rtentry_change(cmd == SIOCADDRT, &r);

	rtnl_unlock();
	return err;
}

void ip_rt_init(void)
{
	rtable_cache = kmem_cache_create("ip_dst_cache", sizeof(struct rtable), 64);
	timer_setup(&pmtu_timer, pmtu_timeout);
	proc_create_single("net/route", fib_route_show, NULL);
}

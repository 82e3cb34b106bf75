/*
 * net/ipv4/devinet.c - the IPv4 addresses of devices, and the ioctls that show and set them.
 *
 * Linux:   net/ipv4/devinet.c (6.1)
 * Same:    SIOC[GS]IFADDR and their kin with Linux's checks and defaults (class-based mask,
 *          broadcast from the mask).
 * Differs: 1. up to four addresses a device; labels ("eth0:1") are not known.
 * Locks:   RTNL; the local table is rebuilt after each change.
 * Walk:    ip_auto_config() -> inet_set_addr() -> fib_add_connected().
 */
#include "kernel/bitops.h"
#include "kernel/printk.h"
#include "kernel/process.h"
#include "kernel/string.h"
#include "kernel/uaccess.h"
#include "net/ipv4/ip.h"
#include "net/sockios.h"

be32 inet_select_addr(const struct net_device *dev)
{
	const struct in_device *in = dev->ip_ptr;

	return in && in->nr ? in->ifa[0].addr : INADDR_ANY;
}

static be32 broadcast_of(const struct net_device *dev, be32 addr, be32 mask)
{
	/* RFC 3021: a /31 has none. */
	if (!(dev->flags & IFF_BROADCAST) || hweight32(mask.raw) >= 31)
		return INADDR_ANY;
	return (be32){ addr.raw | ~mask.raw };
}

void inetdev_event(struct net_device *dev, bool up)
{
	struct in_device *in = dev->ip_ptr;

	if (!up) {
		fib_dev_down(dev);
		neigh_ifdown(dev);
	}
	for (int i = 0; up && in && i < in->nr; i++)
		if (fib_add_connected(dev, in->ifa[i].addr, in->ifa[i].mask))
			pr_warn("%s: out of memory for a route\n", dev->name);
	fib_local_rebuild();
	if (up && in && in->nr)
		arp_send_gratuitous(dev);
}

void inetdev_destroy(struct net_device *dev)
{
	fib_dev_down(dev);
	neigh_dev_gone(dev);
	fib_local_rebuild();
}

int inet_set_addr(struct net_device *dev, be32 addr, be32 mask)
{
	struct in_device *in = dev->ip_ptr;

	assert_held(&rtnl_mutex);
	if (!in) {
		in = kzalloc(sizeof(*in), GFP_KERNEL);
		if (!in)
			return -ENOBUFS;
		dev->ip_ptr = in;
	}
	if (in->nr)
		fib_del_connected(dev, in->ifa[0].addr, in->ifa[0].mask);
	in->nr = addr.raw ? 1 : 0;
	in->ifa[0] = (struct in_ifaddr){ addr, mask, broadcast_of(dev, addr, mask) };
	int err = addr.raw && dev->flags & IFF_UP ? fib_add_connected(dev, addr, mask) : 0;

	if (err)
		in->nr = 0;
	fib_local_rebuild();
	if (in->nr && dev->flags & IFF_UP)
		arp_send_gratuitous(dev);
	return err;
}

/* The mask an address had before there were masks (RFC 791 3.2). */
static be32 class_mask(be32 addr)
{
	u32 a = be32_to_cpu(addr);

	if (!a)
		return INADDR_ANY;
	if (!(a & 0x80000000))
		return cpu_to_be32(0xff000000);
	if (!(a & 0x40000000))
		return cpu_to_be32(0xffff0000);
	return cpu_to_be32(0xffffff00);
}

static int inet_set_mask(struct net_device *dev, struct in_ifaddr *ifa, be32 mask)
{
	u32 host = ~be32_to_cpu(mask);

	if (host & (host + 1))
		return -EINVAL;
	return be32_eq(mask, ifa->mask) ? 0 : inet_set_addr(dev, ifa->addr, mask);
}

static int devinet_set(unsigned int cmd, struct net_device *dev, const struct ifreq *ifr)
{
	struct in_device *in = dev->ip_ptr;
	be32 addr = ifr->ifr_in.sin_addr;

	if (ifr->ifr_in.sin_family != AF_INET)
		return -EINVAL;
	if (cmd == SIOCSIFADDR) {
		if (addr.raw && (ipv4_is_multicast(addr) || ipv4_is_lbcast(addr)))
			return -EINVAL;
		return inet_set_addr(dev, addr, dev->flags & IFF_POINTOPOINT ? INADDR_BROADCAST : class_mask(addr));
	}
	if (!in || !in->nr)
		return -EADDRNOTAVAIL;
	switch (cmd) {
	case SIOCSIFNETMASK:
		return inet_set_mask(dev, &in->ifa[0], addr);
	case SIOCSIFBRDADDR:
		in->ifa[0].broadcast = addr;
		fib_local_rebuild();
		return 0;
	default:
		return -ENOTTY;
	}
}

static int devinet_get(unsigned int cmd, struct net_device *dev, struct ifreq *ifr)
{
	struct in_device *in = dev->ip_ptr;

	if (!in || !in->nr)
		return -EADDRNOTAVAIL;
	memset(&ifr->ifr_in, 0, sizeof(ifr->ifr_in));
	ifr->ifr_in.sin_family = AF_INET;
	switch (cmd) {
	case SIOCGIFNETMASK:
		ifr->ifr_in.sin_addr = in->ifa[0].mask;
		break;
	case SIOCGIFBRDADDR:
		ifr->ifr_in.sin_addr = in->ifa[0].broadcast;
		break;
	default:	/* SIOCGIFADDR; SIOCGIFDSTADDR is the same without a point-to-point link */
		ifr->ifr_in.sin_addr = in->ifa[0].addr;
	}
	return 0;
}

int inet_ioctl_ifreq(unsigned int cmd, uptr arg)
{
	bool set = cmd == SIOCSIFADDR || cmd == SIOCSIFNETMASK || cmd == SIOCSIFBRDADDR;
	bool get = cmd == SIOCGIFADDR || cmd == SIOCGIFNETMASK || cmd == SIOCGIFBRDADDR ||
		   cmd == SIOCGIFDSTADDR;
	struct ifreq ifr;

	if (!set && !get)
		return dev_ioctl(cmd, arg);
	if (copy_from_user(&ifr, arg, sizeof(ifr)))
		return -EFAULT;
	ifr.ifr_name[IFNAMSIZ - 1] = '\0';
	if (set && !capable_root())
		return -EPERM;
	rtnl_lock();
	struct net_device *dev = dev_get_by_name(ifr.ifr_name);
	int err = !dev ? -ENODEV : set ? devinet_set(cmd, dev, &ifr) : devinet_get(cmd, dev, &ifr);

	if (dev)
		dev_put(dev);
	rtnl_unlock();
	if (!err && get && copy_to_user(arg, &ifr, sizeof(ifr)))
		return -EFAULT;
	return err;
}

struct gifconf { uptr buf; s32 room, used; bool only_size; bool fault; };

static void gifconf_dev(struct net_device *dev, void *arg)
{
	struct in_device *in = dev->ip_ptr;
	struct gifconf *g = arg;

	for (int i = 0; in && i < in->nr; i++) {
		struct ifreq ifr;

		if (g->only_size) {
			g->used += (s32)sizeof(ifr);
			continue;
		}
		if (g->room - g->used < (s32)sizeof(ifr))
			return;
		memset(&ifr, 0, sizeof(ifr));
		strscpy(ifr.ifr_name, dev->name, IFNAMSIZ);
		ifr.ifr_in.sin_family = AF_INET;
		ifr.ifr_in.sin_addr = in->ifa[i].addr;
		if (copy_to_user(uptr_add(g->buf, (u64)g->used), &ifr, sizeof(ifr)))
			g->fault = true;
		g->used += (s32)sizeof(ifr);
	}
}

int inet_gifconf(uptr arg)
{
	struct ifconf ifc;

	if (copy_from_user(&ifc, arg, sizeof(ifc)))
		return -EFAULT;
	struct gifconf g = { ifc.ifc_buf, ifc.ifc_len, 0, uptr_is_null(ifc.ifc_buf), false };

	rtnl_lock();
	for_each_netdev(gifconf_dev, &g);
	rtnl_unlock();
	if (g.fault)
		return -EFAULT;
	return put_user(g.used, uptr_add(arg, offsetof(struct ifconf, ifc_len)));
}

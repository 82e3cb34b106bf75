/*
 * net/core/dev_ioctl.c - asking and telling a device by ioctl: names, indexes, flags, MTU, hardware
 * address.
 *
 * Linux:   net/core/dev_ioctl.c (6.1)
 * Same:    numbers, errno values; changes want root.
 * Differs: 1. what no device here can do (SIOCSIFNAME, multicast lists, bridging ...) is -ENOTTY.
 * Locks:   RTNL.
 * Walk:    sock_ioctl() -> dev_ioctl().
 */
#include "kernel/process.h"
#include "kernel/string.h"
#include "kernel/uaccess.h"
#include "net/sockios.h"

static int dev_ifname(struct ifreq *ifr)
{
	struct net_device *dev = dev_get_by_index(ifr->ifr_ivalue);

	if (!dev)
		return -ENODEV;
	memset(ifr->ifr_name, 0, IFNAMSIZ);
	strscpy(ifr->ifr_name, dev->name, IFNAMSIZ);
	dev_put(dev);
	return 0;
}

/* What anybody may ask. Locks: RTNL held. */
static int dev_ifsioc_get(unsigned int cmd, struct net_device *dev, struct ifreq *ifr)
{
	switch (cmd) {
	case SIOCGIFFLAGS:
		ifr->ifr_flags = (s16)dev_get_flags(dev);
		return 0;
	case SIOCGIFMETRIC:
		ifr->ifr_ivalue = 0;
		return 0;
	case SIOCGIFMTU:
		ifr->ifr_ivalue = (s32)dev->mtu;
		return 0;
	case SIOCGIFINDEX:
		ifr->ifr_ivalue = dev->ifindex;
		return 0;
	case SIOCGIFTXQLEN:
		ifr->ifr_ivalue = (s32)dev->tx_queue_len;
		return 0;
	case SIOCGIFHWADDR:
		memset(&ifr->ifr_addr, 0, sizeof(ifr->ifr_addr));
		ifr->ifr_addr.sa_family = dev->type;
		memcpy(ifr->ifr_addr.sa_data, dev->dev_addr, ETH_ALEN);
		return 0;
	case SIOCGIFMAP:
		memset(&ifr->ifr_map, 0, sizeof(ifr->ifr_map));
		return 0;
	default:
		return -ENOTTY;
	}
}

static int dev_set_flags(struct net_device *dev, unsigned int flags)
{
	const unsigned int may_change = IFF_PROMISC | IFF_ALLMULTI | IFF_MULTICAST | IFF_NOARP;
	int err = 0;

	if ((flags ^ dev->flags) & IFF_UP)
		err = flags & IFF_UP ? dev_open(dev) : dev_close(dev);
	if (!err)
		WRITE_ONCE(dev->flags, (dev->flags & ~may_change) | (flags & may_change));
	return err;
}

static int dev_set_mtu(struct net_device *dev, s32 mtu)
{
	s32 highest = dev->flags & IFF_LOOPBACK	  ? 65536
		      : dev->type == ARPHRD_ETHER ? ETH_DATA_LEN
						  : 65535;

	if (mtu < 68 || mtu > highest) /* RFC 791: every host passes 68 bytes */
		return -EINVAL;
	WRITE_ONCE(dev->mtu, (u32)mtu);
	inetdev_event(dev, dev->flags & IFF_UP);
	return 0;
}

static int dev_ifsioc_set(unsigned int cmd, struct net_device *dev, struct ifreq *ifr)
{
	switch (cmd) {
	case SIOCSIFFLAGS:
		return dev_set_flags(dev, (u16)ifr->ifr_flags);
	case SIOCSIFMTU:
		return dev_set_mtu(dev, ifr->ifr_ivalue);
	case SIOCSIFTXQLEN:
		if (ifr->ifr_ivalue < 0)
			return -EINVAL;
		WRITE_ONCE(dev->tx_queue_len, (u32)ifr->ifr_ivalue);
		return 0;
	case SIOCSIFHWADDR:
		if (ifr->ifr_addr.sa_family != dev->type)
			return -EINVAL;
		if (!dev->netdev_ops->ndo_set_mac_address)
			return -EOPNOTSUPP;
		return dev->netdev_ops->ndo_set_mac_address(dev, ifr->ifr_addr.sa_data);
	default:
		return -ENOTTY;
	}
}

static bool dev_cmd_sets(unsigned int cmd)
{
	return cmd == SIOCSIFFLAGS || cmd == SIOCSIFMTU || cmd == SIOCSIFTXQLEN ||
	       cmd == SIOCSIFHWADDR;
}

static bool dev_cmd_gets(unsigned int cmd)
{
	return cmd == SIOCGIFFLAGS || cmd == SIOCGIFMETRIC || cmd == SIOCGIFMTU ||
	       cmd == SIOCGIFINDEX || cmd == SIOCGIFTXQLEN || cmd == SIOCGIFHWADDR ||
	       cmd == SIOCGIFMAP;
}

int dev_ioctl(unsigned int cmd, uptr arg)
{
	struct ifreq ifr;

	if (cmd == SIOCGIFCONF)
		return inet_gifconf(arg);
	if (cmd != SIOCGIFNAME && !dev_cmd_sets(cmd) && !dev_cmd_gets(cmd))
		return -ENOTTY;
	if (copy_from_user(&ifr, arg, sizeof(ifr)))
		return -EFAULT;
	ifr.ifr_name[IFNAMSIZ - 1] = '\0';
	int err;

	if (cmd == SIOCGIFNAME) {
		err = dev_ifname(&ifr);
	} else {
		if (dev_cmd_sets(cmd) && !capable_root())
			return -EPERM;
		rtnl_lock();
		struct net_device *dev = dev_get_by_name(ifr.ifr_name);

		if (!dev)
			err = -ENODEV;
		else
			err = dev_cmd_sets(cmd) ? dev_ifsioc_set(cmd, dev, &ifr)
						: dev_ifsioc_get(cmd, dev, &ifr);
		if (dev)
			dev_put(dev);
		rtnl_unlock();
	}
	if (!err && !dev_cmd_sets(cmd) && copy_to_user(arg, &ifr, sizeof(ifr)))
		return -EFAULT;
	return err;
}

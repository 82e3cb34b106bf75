/*
 * drivers/net/tun.c - /dev/net/tun: a network device whose other end is a file. What the stack sends, a program reads;
 * what the program writes, the stack receives.
 *
 * Linux:   drivers/net/tun.c (6.1); Documentation/networking/tuntap.rst
 * Same:    TUNSETIFF attaches a file to a device, new or persistent; IFF_TUN passes IP packets, IFF_TAP Ethernet
 *          frames, both behind a struct tun_pi unless IFF_NO_PI; up to tx_queue_len packets wait for the reader; the
 *          errors (EBADFD without a device, EIO while it is down); a device that is not persistent goes with its file.
 * Differs: 1. one file a device (no IFF_MULTI_QUEUE), no virtio header (no IFF_VNET_HDR), no packet filter: each is
 *             EINVAL, and TUNGETFEATURES does not name it. 2. writes are never limited by a send buffer: the stack
 *             takes the packet at once.
 * Locks:   RTNL for which file and which device belong together; SKQUEUE for the queue; WAITQ.
 * Walk:    dev_queue_xmit() -> tun_net_xmit() -> wake_up -> tun_read();  tun_write() -> netif_receive_skb().
 */
#include "drivers/drivers.h"
#include "fs/fs.h"
#include "kernel/printk.h"
#include "kernel/process.h"
#include "kernel/random.h"
#include "kernel/slab.h"
#include "kernel/softirq.h"
#include "kernel/string.h"
#include "kernel/task.h"
#include "kernel/uaccess.h"
#include "net/sockios.h"

enum { MISC_MAJOR = 10, TUN_MINOR = 200, TUN_READQ_SIZE = 500, TUN_MAX_PACKET = 65535 };
enum {
	TUNSETNOCSUM = 0x400454c8, TUNSETDEBUG = 0x400454c9, TUNSETIFF = 0x400454ca, TUNSETPERSIST = 0x400454cb,
	TUNSETOWNER = 0x400454cc, TUNSETLINK = 0x400454cd, TUNSETGROUP = 0x400454ce, TUNSETOFFLOAD = 0x400454d0,
	TUNSETCARRIER = 0x400454e2,
};
#define TUNGETFEATURES	0x800454cfU
#define TUNGETIFF	0x800454d2U
enum {
	IFF_TUN = 0x1, IFF_TAP = 0x2, IFF_NO_PI = 0x1000, IFF_ONE_QUEUE = 0x2000, IFF_VNET_HDR = 0x4000,
	IFF_TUN_EXCL = 0x8000, IFF_MULTI_QUEUE = 0x100, IFF_PERSIST = 0x800, IFF_NAPI = 0x10, IFF_NAPI_FRAGS = 0x20,
	TUN_FEATURES = IFF_NO_PI | IFF_ONE_QUEUE,	/* what a file chooses beside tun or tap */
	TUN_REFUSED = IFF_VNET_HDR | IFF_MULTI_QUEUE | IFF_NAPI | IFF_NAPI_FRAGS,
};
enum { TUN_PKT_STRIP = 1 };
struct tun_pi { u16 flags; be16 proto; };

#define TUN_ANYBODY ((uid_t)-1)

/* The device's part: in net_device.priv. */
struct tun_struct {
	/* RTNL */
	unsigned int flags;
	uid_t owner;
	gid_t group;
	/* RTNL to change; TXQ to use */
	struct tun_file *tfile;
};

/* The file's part. */
struct tun_file {
	/* RTNL to change; NULL until TUNSETIFF, then the same device until the file is closed */
	struct net_device *dev;
	/* own lock: what the program has not read */
	struct sk_buff_head queue;
	wait_queue_head_t wait;
};

static inline struct tun_struct *tun_of(const struct net_device *dev) { return dev->priv; }

/* --- the device ------------------------------------------------------------------------------------------ */

/* The reader gets what is in the skb now: nobody else may hold it up, and the socket that sent it waits no longer. */
static void tun_queue(struct tun_file *tfile, struct sk_buff *skb)
{
	unsigned long flags;

	skb_orphan(skb);
	if (skb->rt) {
		rt_put(skb->rt);
		skb->rt = NULL;
	}
	skb->dev = NULL;
	spin_lock_irqsave(&tfile->queue.lock, flags);
	__skb_queue_tail(&tfile->queue, skb);
	spin_unlock_irqrestore(&tfile->queue.lock, flags);
	wake_up_interruptible_poll(&tfile->wait, EPOLLIN | EPOLLRDNORM);
}

static netdev_tx_t tun_net_xmit(struct sk_buff *skb, struct net_device *dev)
{
	struct tun_file *tfile = tun_of(dev)->tfile;
	u32 len = skb->len;

	if (!tfile || skb_queue_len(&tfile->queue) >= dev->tx_queue_len) {
		dev->tx_stats_.tx_dropped++;
		kfree_skb(skb, tfile ? SKB_DROP_REASON_FULL_RING : SKB_DROP_REASON_DEV_DOWN);
		return NETDEV_TX_OK;
	}
	tun_queue(tfile, skb);
	dev->tx_stats_.tx_packets++;
	dev->tx_stats_.tx_bytes += len;
	return NETDEV_TX_OK;
}

static int tun_set_mac_address(struct net_device *dev, const u8 *addr)
{
	if (dev->type != ARPHRD_ETHER)
		return -EOPNOTSUPP;
	if (addr[0] & 1)
		return -EADDRNOTAVAIL;
	memcpy(dev->dev_addr, addr, ETH_ALEN);
	return 0;
}

/* A program may wait until the device is up to write. */
static int tun_net_open(struct net_device *dev)
{
	struct tun_file *tfile = tun_of(dev)->tfile;

	if (tfile)
		wake_up_interruptible_poll(&tfile->wait, EPOLLOUT | EPOLLWRNORM);
	return 0;
}

static const struct net_device_ops tun_netdev_ops = {
	.ndo_open = tun_net_open,
	.ndo_start_xmit = tun_net_xmit,
	.ndo_set_mac_address = tun_set_mac_address,
};

static void tun_net_init(struct net_device *dev, bool tap)
{
	dev->netdev_ops = &tun_netdev_ops;
	dev->carrier = false;
	if (!tap) {
		dev->type = ARPHRD_NONE;
		dev->flags = IFF_POINTOPOINT | IFF_NOARP | IFF_MULTICAST;
		dev->tx_queue_len = TUN_READQ_SIZE;
		return;
	}
	ether_setup(dev);
	get_random_bytes(dev->dev_addr, ETH_ALEN);
	dev->dev_addr[0] = (u8)((dev->dev_addr[0] & ~1) | 2);	/* one station, locally administered */
}

/* --- reading and writing --------------------------------------------------------------------------------- */

static struct sk_buff *tun_dequeue(struct tun_file *tfile)
{
	unsigned long flags;

	spin_lock_irqsave(&tfile->queue.lock, flags);
	struct sk_buff *skb = __skb_dequeue(&tfile->queue);

	spin_unlock_irqrestore(&tfile->queue.lock, flags);
	return skb;
}

/* One packet, cut to what the reader has room for. Return: its bytes and the header's; or -errno. */
static ssize_t tun_put_user(const struct tun_struct *tun, const struct sk_buff *skb, struct iov_iter *to)
{
	struct tun_pi pi = { 0, skb->protocol };
	size_t room = iov_iter_count(to), header = tun->flags & IFF_NO_PI ? 0 : sizeof(pi);

	if (room < header)
		return -EINVAL;
	if (header) {
		if (room < header + skb->len)
			pi.flags |= TUN_PKT_STRIP;
		if (copy_to_iter(&pi, sizeof(pi), to) != sizeof(pi))
			return -EFAULT;
	}
	u32 n = (u32)min_t(size_t, skb->len, iov_iter_count(to));

	if (skb_copy_datagram_iter(skb, 0, to, n))
		return -EFAULT;
	return (ssize_t)(header + n);
}

static ssize_t tun_read(struct kiocb *iocb, struct iov_iter *to)
{
	struct tun_file *tfile = iocb->ki_filp->private_data;
	const struct net_device *dev = READ_ONCE(tfile->dev);
	struct sk_buff *skb;

	if (!dev)
		return -EBADFD;
	skb = tun_dequeue(tfile);
	if (!skb && iocb->ki_flags & IOCB_NOWAIT)
		return -EAGAIN;
	if (!skb) {
		int err = wait_event_interruptible(tfile->wait, (skb = tun_dequeue(tfile)) != NULL);

		if (err)
			return err;
	}
	ssize_t ret = tun_put_user(tun_of(dev), skb, to);

	if (ret < 0)
		kfree_skb(skb, SKB_DROP_REASON_SOCKET_CLOSED);
	else
		consume_skb(skb);
	return ret;
}

/* What @skb is: a tap's frame says so in its header; of a tun's packet @pi says it, or else the first bits. */
static int tun_set_protocol(struct net_device *dev, struct sk_buff *skb, const struct tun_pi *pi)
{
	if (dev->type == ARPHRD_ETHER) {
		if (!pskb_may_pull(skb, ETH_HLEN))
			return -EINVAL;
		skb->protocol = eth_type_trans(skb, dev);
		return 0;
	}
	skb->dev = dev;
	skb->pkt_type = PACKET_HOST;
	skb_reset_mac_header(skb);
	skb->protocol = pi->proto;
	if (!(tun_of(dev)->flags & IFF_NO_PI))
		return 0;
	if (!pskb_may_pull(skb, 1))
		return -EINVAL;
	switch (skb->data[0] >> 4) {
	case 4:
		skb->protocol = cpu_to_be16(ETH_P_IP);
		return 0;
	case 6:
		skb->protocol = cpu_to_be16(ETH_P_IPV6);
		return 0;
	default:
		return -EINVAL;
	}
}

/* Up the stack, as if an interrupt had brought it; unless the device has gone down meanwhile. */
static int tun_rx(struct net_device *dev, struct sk_buff *skb)
{
	u32 len = skb->len + (dev->type == ARPHRD_ETHER ? ETH_HLEN : 0);

	local_bh_disable();
	if (!(READ_ONCE(dev->flags) & IFF_UP)) {
		local_bh_enable();
		kfree_skb(skb, SKB_DROP_REASON_DEV_DOWN);
		return -EIO;
	}
	__atomic_fetch_add(&dev->stats.rx_packets, 1, __ATOMIC_RELAXED);	/* two threads may write at once */
	__atomic_fetch_add(&dev->stats.rx_bytes, len, __ATOMIC_RELAXED);
	netif_receive_skb(skb);
	local_bh_enable();
	return 0;
}

static ssize_t tun_write(struct kiocb *iocb, struct iov_iter *from)
{
	struct tun_file *tfile = iocb->ki_filp->private_data;
	struct net_device *dev = READ_ONCE(tfile->dev);
	struct tun_pi pi = { 0, cpu_to_be16(0) };
	size_t total = iov_iter_count(from), len = total;

	if (!dev)
		return -EBADFD;
	if (!(READ_ONCE(dev->flags) & IFF_UP))
		return -EIO;
	if (!(tun_of(dev)->flags & IFF_NO_PI)) {
		if (len < sizeof(pi))
			return -EINVAL;
		if (copy_from_iter(&pi, sizeof(pi), from) != sizeof(pi))
			return -EFAULT;
		len -= sizeof(pi);
	}
	if (len < (dev->type == ARPHRD_ETHER ? ETH_HLEN : 1))
		return -EINVAL;
	if (len > TUN_MAX_PACKET + ETH_HLEN)
		return -EMSGSIZE;
	/* IP headers at a multiple of 4 */
	u32 headroom = MAX_HEADER + (dev->type == ARPHRD_ETHER ? 2 : 0);
	struct sk_buff *skb = alloc_skb_with_frags(headroom, (u32)len, GFP_KERNEL);
	int err = skb ? skb_copy_datagram_from_iter(skb, 0, from, (u32)len) : -ENOMEM;

	if (!err)
		err = tun_set_protocol(dev, skb, &pi);
	if (err) {
		consume_skb(skb);
		__atomic_fetch_add(&dev->stats.rx_dropped, 1, __ATOMIC_RELAXED);
		return err;
	}
	err = tun_rx(dev, skb);
	return err ? err : (ssize_t)total;
}

static __poll_t tun_poll(struct file *file, poll_table *pt)
{
	struct tun_file *tfile = file->private_data;
	const struct net_device *dev = READ_ONCE(tfile->dev);
	__poll_t mask = 0;

	if (!dev)
		return EPOLLERR;
	poll_wait(file, &tfile->wait, pt);
	if (skb_queue_len(&tfile->queue))
		mask |= EPOLLIN | EPOLLRDNORM;
	if (READ_ONCE(dev->flags) & IFF_UP)
		mask |= EPOLLOUT | EPOLLWRNORM;
	return mask;
}

/* --- attaching ------------------------------------------------------------------------------------------- */

static bool tun_may_attach(const struct tun_struct *tun)
{
	const struct cred *cred = &current->cred;

	return ((tun->owner == TUN_ANYBODY || tun->owner == cred->euid) &&
		(tun->group == TUN_ANYBODY || in_group_p(tun->group))) || capable_root();
}

/* The file and the device belong together from now on. Locks: RTNL held. Gives: @dev's reference to the file. */
static void tun_attach(struct tun_file *tfile, struct net_device *dev)
{
	spin_lock_bh(&dev->xmit_lock);
	tun_of(dev)->tfile = tfile;
	spin_unlock_bh(&dev->xmit_lock);
	smp_store_release(&tfile->dev, dev);	/* whole before read() and poll() see it */
	netif_carrier_on(dev);
}

static int tun_attach_existing(struct tun_file *tfile, struct net_device *dev, const struct ifreq *ifr)
{
	unsigned int flags = (u16)ifr->ifr_flags;
	struct tun_struct *tun = tun_of(dev);

	if (flags & IFF_TUN_EXCL)
		return -EBUSY;
	if (dev->netdev_ops != &tun_netdev_ops || !!(flags & IFF_TAP) != (dev->type == ARPHRD_ETHER))
		return -EINVAL;
	if (!tun_may_attach(tun))
		return -EPERM;
	if (tun->tfile)
		return -EBUSY;
	tun->flags = (tun->flags & ~(unsigned int)TUN_FEATURES) | (flags & TUN_FEATURES);
	dev_hold(dev);
	tun_attach(tfile, dev);
	return 0;
}

static int tun_create(struct tun_file *tfile, const struct ifreq *ifr)
{
	unsigned int flags = (u16)ifr->ifr_flags;
	const char *name = ifr->ifr_name[0] ? ifr->ifr_name : flags & IFF_TAP ? "tap%d" : "tun%d";

	if (!capable_root())
		return -EPERM;
	if (!(flags & (IFF_TUN | IFF_TAP)))
		return -EINVAL;
	struct net_device *dev = alloc_netdev(sizeof(struct tun_struct), name);

	if (!dev)
		return -ENOMEM;
	tun_net_init(dev, flags & IFF_TAP);
	*tun_of(dev) = (struct tun_struct){ .flags = flags & (IFF_TUN | IFF_TAP | TUN_FEATURES),
					    .owner = TUN_ANYBODY, .group = TUN_ANYBODY };
	int err = register_netdevice(dev);

	if (err) {
		dev_put(dev);
		return err;
	}
	dev_hold(dev);
	tun_attach(tfile, dev);
	return 0;
}

static int tun_set_iff(struct tun_file *tfile, struct ifreq *ifr)
{
	int err;

	assert_held(&rtnl_mutex);
	if (tfile->dev)
		return -EEXIST;
	if ((u16)ifr->ifr_flags & TUN_REFUSED ||
	    ((u16)ifr->ifr_flags & (IFF_TUN | IFF_TAP)) == (IFF_TUN | IFF_TAP))
		return -EINVAL;
	struct net_device *dev = ifr->ifr_name[0] ? dev_get_by_name(ifr->ifr_name) : NULL;

	if (dev) {
		err = tun_attach_existing(tfile, dev, ifr);
		dev_put(dev);
	} else {
		err = tun_create(tfile, ifr);
	}
	if (!err)
		strscpy(ifr->ifr_name, tfile->dev->name, IFNAMSIZ);
	return err;
}

/* --- ioctls ---------------------------------------------------------------------------------------------- */

static void tun_get_iff(const struct net_device *dev, struct ifreq *ifr)
{
	memset(ifr, 0, sizeof(*ifr));
	strscpy(ifr->ifr_name, dev->name, IFNAMSIZ);
	ifr->ifr_flags = (s16)tun_of(dev)->flags;
}

/* A device that persists lives on without a file. */
static int tun_set_persist(struct tun_struct *tun, bool on)
{
	tun->flags = on ? tun->flags | IFF_PERSIST : tun->flags & ~(unsigned int)IFF_PERSIST;
	return 0;
}

static int tun_set_link(struct net_device *dev, unsigned long type)
{
	if (dev->flags & IFF_UP)
		return -EBUSY;
	/* The stack knows these two kinds of link. */
	return type == dev->type ? 0 : -EINVAL;
}

static int tun_set_carrier(struct net_device *dev, uptr arg)
{
	u32 on;

	if (get_user(on, arg))
		return -EFAULT;
	if (on)
		netif_carrier_on(dev);
	else
		netif_carrier_off(dev);
	return 0;
}

/* Those that want an attached device. Locks: RTNL held. */
static int tun_dev_ioctl(struct net_device *dev, unsigned int cmd, unsigned long arg)
{
	struct tun_struct *tun = tun_of(dev);

	switch (cmd) {
	case TUNSETNOCSUM:
		return 0;	/* Linux has made it do nothing */
	case TUNSETPERSIST:
		return tun_set_persist(tun, arg);
	case TUNSETOWNER:
		tun->owner = (uid_t)arg;
		return 0;
	case TUNSETGROUP:
		tun->group = (gid_t)arg;
		return 0;
	case TUNSETLINK:
		return tun_set_link(dev, arg);
	case TUNSETOFFLOAD:
		return arg ? -EINVAL : 0;
	case TUNSETCARRIER:
		return tun_set_carrier(dev, UPTR(arg));
	default:
		return -EINVAL;
	}
}

/* TUNSETIFF, TUNGETIFF and the hardware address carry an ifreq. Locks: RTNL held. */
static int tun_ifreq_ioctl(struct tun_file *tfile, unsigned int cmd, struct ifreq *ifr)
{
	struct net_device *dev = tfile->dev;

	if (cmd == TUNSETIFF)
		return tun_set_iff(tfile, ifr);
	if (!dev)
		return -EBADFD;
	switch (cmd) {
	case TUNGETIFF:
		tun_get_iff(dev, ifr);
		return 0;
	case SIOCGIFHWADDR:
		memset(&ifr->ifr_addr, 0, sizeof(ifr->ifr_addr));
		ifr->ifr_addr.sa_family = dev->type;
		memcpy(ifr->ifr_addr.sa_data, dev->dev_addr, ETH_ALEN);
		return 0;
	default:
		if (!capable_root())
			return -EPERM;
		if (ifr->ifr_addr.sa_family != dev->type)
			return -EINVAL;
		return tun_set_mac_address(dev, ifr->ifr_addr.sa_data);
	}
}

static long tun_ioctl(struct file *file, unsigned int cmd, unsigned long arg)
{
	struct tun_file *tfile = file->private_data;
	struct ifreq ifr;
	int err;

	if (cmd == TUNGETFEATURES)
		return put_user((u32)(IFF_TUN | IFF_TAP | TUN_FEATURES), UPTR(arg));
	if (cmd == TUNSETIFF || cmd == TUNGETIFF || cmd == SIOCGIFHWADDR || cmd == SIOCSIFHWADDR) {
		if (copy_from_user(&ifr, UPTR(arg), sizeof(ifr)))
			return -EFAULT;
		ifr.ifr_name[IFNAMSIZ - 1] = '\0';
		rtnl_lock();
		err = tun_ifreq_ioctl(tfile, cmd, &ifr);
		rtnl_unlock();
		return !err && cmd != SIOCSIFHWADDR && copy_to_user(UPTR(arg), &ifr, sizeof(ifr)) ? -EFAULT : err;
	}
	rtnl_lock();
	err = tfile->dev ? tun_dev_ioctl(tfile->dev, cmd, arg) : -EBADFD;
	rtnl_unlock();
	return err;
}

/* --- the file */

static int tun_open(__unused struct inode *inode, struct file *file)
{
	struct tun_file *tfile = kzalloc(sizeof(*tfile), GFP_KERNEL);

	if (!tfile)
		return -ENOMEM;
	skb_queue_head_init(&tfile->queue);
	init_waitqueue_head(&tfile->wait);
	file->private_data = tfile;
	return 0;
}

static int tun_release(__unused struct inode *inode, struct file *file)
{
	struct tun_file *tfile = file->private_data;
	struct net_device *dev;

	rtnl_lock();
	dev = tfile->dev;
	if (dev) {
		spin_lock_bh(&dev->xmit_lock);
		tun_of(dev)->tfile = NULL;	/* no packet comes any more */
		spin_unlock_bh(&dev->xmit_lock);
		netif_carrier_off(dev);
		if (!(tun_of(dev)->flags & IFF_PERSIST))
			unregister_netdev(dev);
		dev_put(dev);
	}
	rtnl_unlock();
	skb_queue_purge(&tfile->queue, SKB_DROP_REASON_DEV_DOWN);
	kfree(tfile);
	return 0;
}

static const struct file_operations tun_fops = {
	.open = tun_open,
	.read_iter = tun_read,
	.write_iter = tun_write,
	.poll = tun_poll,
	.unlocked_ioctl = tun_ioctl,
	.release = tun_release,
	.llseek = noop_llseek,
};

void tun_init(void)
{
	register_chrdev(MISC_MAJOR, TUN_MINOR, 1, "tun", &tun_fops);
	if (devfs_add("net/tun", S_IFCHR | 0666, MKDEV(MISC_MAJOR, TUN_MINOR)))
		pr_warn("tun: no node\n");
}

/*
 * net/netdevice.h - where drivers and the stack meet.
 *
 * Linux:   include/linux/netdevice.h (6.1)
 * Same:    net_device, net_device_ops, NAPI, netif_receive_skb(), dev_queue_xmit(), queue stop and
 *          wake.
 * Differs: 1. one transmit queue per device, with a short queue discipline (fifo) built in.
 *          2. packet handlers per protocol in one small table.
 * Locks:   NETDEV (lists), TXQ.
 * Walk:    napi_schedule() -> net_rx_action() -> poll() -> netif_receive_skb() -> ip_rcv().
 *
 * Contract: the driver owns a frame until netif_receive_skb(skb); the stack owns it until
 * ndo_start_xmit(skb) returns NETDEV_TX_OK. The driver's poll runs in softirq with a budget.
 */
#pragma once
#include "kernel/list.h"
#include "kernel/mutex.h"
#include "net/skbuff.h"

#define ETH_ALEN 6
#define ETH_HLEN 14
#define ETH_DATA_LEN 1500
#define IFNAMSIZ 16
enum { ETH_P_IP = 0x0800, ETH_P_ARP = 0x0806, ETH_P_IPV6 = 0x86dd, ETH_P_ALL = 0x0003 };
enum {
	IFF_UP = 0x1,
	IFF_BROADCAST = 0x2,
	IFF_LOOPBACK = 0x8,
	IFF_POINTOPOINT = 0x10,
	IFF_RUNNING = 0x40,
	IFF_NOARP = 0x80,
	IFF_PROMISC = 0x100,
	IFF_ALLMULTI = 0x200,
	IFF_MULTICAST = 0x1000,
	IFF_LOWER_UP = 0x10000
};
enum { ARPHRD_ETHER = 1, ARPHRD_LOOPBACK = 772, ARPHRD_NONE = 0xfffe };
enum { NETIF_F_HW_CSUM = 1, NETIF_F_SG = 2, NETIF_F_TSO = 4, NETIF_F_GRO = 8, NETIF_F_RXCSUM = 16,
       NETIF_F_LLTX = 32 /* ndo_start_xmit needs no TXQ lock and never stops: loopback */ };
enum netdev_tx { NETDEV_TX_OK, NETDEV_TX_BUSY };
typedef enum netdev_tx netdev_tx_t;

struct net_device;
struct net_device_ops {
	int (*ndo_open)(struct net_device *dev);	/* task, RTNL */
	int (*ndo_stop)(struct net_device *dev);	/* task, RTNL */
	/* softirqs off, TXQ held. OK: the driver has the skb. BUSY: not taken, queue stopped. */
	netdev_tx_t (*ndo_start_xmit)(struct sk_buff *skb, struct net_device *dev);
	int (*ndo_set_mac_address)(struct net_device *dev, const u8 *addr);
};
struct net_device_stats {
	u64 rx_packets, tx_packets, rx_bytes, tx_bytes, rx_errors, tx_errors, rx_dropped,
		tx_dropped, multicast;
};
struct net_device {
	/* immutable once registered */
	char name[IFNAMSIZ];
	int ifindex;
	u16 type;			/* ARPHRD_* */
	u16 hard_header_len;
	u8 broadcast[ETH_ALEN];
	u32 features;			/* NETIF_F_* */
	u32 tx_queue_len;
	const struct net_device_ops *netdev_ops;
	void *priv;			/* the driver's */
	/* RTNL to change */
	unsigned int flags;		/* IFF_*; read anywhere */
	u32 mtu;
	u8 dev_addr[ETH_ALEN];
	struct in_device *ip_ptr;	/* IPv4 addresses (ipv4/devinet.c) */
	/* atomic */
	bool carrier;
	/* xmit_lock (TXQ) */
	spinlock_t xmit_lock;
	bool queue_stopped;
	struct sk_buff_head qdisc;	/* waiting for room in the ring; its own lock unused */
	struct net_device_stats tx_stats_; /* tx fields */
	/* the driver's poll only */
	struct net_device_stats stats;	/* rx fields; tx fields under xmit_lock */
	/* the CPU whose NET_TX list it is on, while NETDEV_TX_SCHED is set in state */
	struct list_head tx_link;
	unsigned long state;		/* atomic bits */
	/* NETDEV */
	struct list_head dev_list;
	/* one for being registered, one for each route and neighbour, and whoever looked it up */
	refcount_t refs;
};

struct napi_struct {
	struct list_head poll_list;	/* the CPU that polls alone, irqs off */
	unsigned long state;		/* NAPI_STATE_*, atomic bits */
	int weight;
	/*
	 * softirq. Return: packets handled; below @budget it called napi_complete_done() and
	 * re-enabled its interrupt.
	 */
	int (*poll)(struct napi_struct *napi, int budget);
	struct net_device *dev;
};
enum { NAPI_STATE_SCHED, NAPI_STATE_MISSED, NAPI_STATE_DISABLE };
#define NAPI_POLL_WEIGHT 64

/*
 * alloc_netdev - with @priv_size bytes of dev->priv; @name may hold %d. NULL: out of memory.
 * register_netdev - visible from now on; register_netdevice - the same with RTNL held. Context: task. Return: 0,
 * -EEXIST, -EINVAL (the name), -ENFILE.
 */
int __must_check register_netdevice(struct net_device *dev);
struct net_device *alloc_netdev(size_t priv_size, const char *name);
void ether_setup(struct net_device *dev);
int __must_check register_netdev(struct net_device *dev);
/* dev_open, dev_close - IFF_UP. dev_change_flags. Locks: RTNL held. */
int dev_open(struct net_device *dev);
int dev_close(struct net_device *dev);
/*
 * unregister_netdev - it goes down and is gone: no new user finds it, no packet of it is on its way up, its routes and
 * neighbours are off their tables. Takes the caller's reference from alloc_netdev(); the memory lives on while a
 * stale route or a sender still points at it. netdev_free - give an unregistered one back. Context: task, RTNL held.
 */
void unregister_netdev(struct net_device *dev);
void netdev_free(struct net_device *dev);
/*
 * synchronize_net - what was taken off a list before is not being used by any softirq that receives a packet
 * afterwards. Context: task, sleeps.
 */
void synchronize_net(void);
/*
 * dev_get_by_name, dev_get_by_index - NULL or the device, with a reference. dev_hold - one more. dev_put - one less.
 * Context: any.
 */
struct net_device *dev_get_by_name(const char *name);
struct net_device *dev_get_by_index(int ifindex);
static inline void dev_hold(struct net_device *dev) { refcount_inc(&dev->refs); }
static inline void dev_put(struct net_device *dev)
{
	if (refcount_dec_and_test(&dev->refs))
		netdev_free(dev);
}
/* for_each_netdev - call @fn for every device; RTNL held by the caller. */
void for_each_netdev(void (*fn)(struct net_device *dev, void *arg), void *arg);

void netif_napi_add(struct net_device *dev, struct napi_struct *napi,
		    int (*poll)(struct napi_struct *, int));
void napi_enable(struct napi_struct *napi);
void napi_disable(struct napi_struct *napi);	/* task, may sleep: not polled once it returns */
/*
 * napi_schedule - poll soon on this CPU. Return: false if it was scheduled already. Context: any,
 * usually hardirq.
 */
bool napi_schedule(struct napi_struct *napi);
/*
 * napi_complete_done - nothing left. Return: false if more came meanwhile (keep polling). Context:
 * its poll.
 */
bool napi_complete_done(struct napi_struct *napi, int work);

/*
 * netif_receive_skb - a frame with skb->dev and skb->protocol set, data at the network header.
 * Takes the skb. Context: softirq.
 */
void netif_receive_skb(struct sk_buff *skb);
/*
 * netif_rx - the same from any context: through this CPU's backlog. 0, or -ENOBUFS (dropped,
 * counted). Takes the skb.
 */
int netif_rx(struct sk_buff *skb);
/*
 * eth_type_trans - pull the Ethernet header of a received frame. Return: protocol. @skb is at least
 * ETH_HLEN long.
 */
be16 eth_type_trans(struct sk_buff *skb, struct net_device *dev);
/* eth_header - push one. */
void eth_header(struct sk_buff *skb, struct net_device *dev, u16 type, const u8 *dst,
		const u8 *src);
/*
 * dev_queue_xmit - send a complete frame (skb->dev set). 0 or -errno; takes the skb in any case.
 * Context: any but hardirq.
 */
int dev_queue_xmit(struct sk_buff *skb);
/*
 * dev_hard_start_xmit etc. netif_stop_queue - no room (TXQ held). netif_wake_queue - room again:
 * sends what waits. Context: softirq.
 */
static inline void netif_stop_queue(struct net_device *dev)
{
	WRITE_ONCE(dev->queue_stopped, true);
}
static inline bool netif_queue_stopped(const struct net_device *dev)
{
	return READ_ONCE(dev->queue_stopped);
}
/* netif_wake_queue may be called with TXQ held or not: what waits is sent by NET_TX_SOFTIRQ. */
void netif_wake_queue(struct net_device *dev);
void netif_carrier_on(struct net_device *dev);
void netif_carrier_off(struct net_device *dev);

struct packet_type {
	be16 type;		/* ETH_P_*; ETH_P_ALL sees everything first */
	/* softirq; takes the skb */
	void (*func)(struct sk_buff *skb, struct net_device *dev, struct packet_type *pt);
	void *priv;
	struct list_head list;
};
void dev_add_pack(struct packet_type *pt);
void dev_remove_pack(struct packet_type *pt);
void net_dev_init(void);
/*
 * net_procfs_init - /proc/net/dev, drops and softnet_stat (net/core/net-procfs.c). Context: boot.
 */
void net_procfs_init(void);

/*
 * inetdev_event - the IPv4 side (ipv4/devinet.c) learns that @dev went up or down. inetdev_destroy - or that it is off
 * the list and down: its addresses and neighbours go. Locks: RTNL held.
 */
void inetdev_event(struct net_device *dev, bool up);
void inetdev_destroy(struct net_device *dev);
/*
 * dev_get_flags - IFF_* as users see them. dev_ioctl - SIOC[GS]IF* that are not of one protocol;
 * -ENOTTY for others. Context: task.
 */
unsigned int dev_get_flags(const struct net_device *dev);
int dev_ioctl(unsigned int cmd, uptr arg);
/* inet_gifconf - SIOCGIFCONF (ipv4/devinet.c). */
int inet_gifconf(uptr arg);
/* softnet counters of one CPU for /proc/net/softnet_stat. */
struct softnet_counters { u64 processed, dropped, time_squeeze; };
struct softnet_counters softnet_read(int cpu);

extern struct mutex rtnl_mutex;
static inline void rtnl_lock(void) { mutex_lock(&rtnl_mutex); }
static inline void rtnl_unlock(void) { mutex_unlock(&rtnl_mutex); }
/* loopback_init, in drivers/net/loopback.c, registers lo. */
extern struct net_device *loopback_dev;

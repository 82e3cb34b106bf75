/*
 * net/core/dev.c - between the drivers and the protocols: NAPI polling, dispatch by protocol,
 * transmission, devices.
 *
 * Linux:   net/core/dev.c (6.1)
 * Same:    softnet data per CPU; net_rx_action() with a packet budget and a time limit; the backlog
 *          is a NAPI instance like any other; dev_queue_xmit() does in software what the device
 *          cannot.
 * Differs: 1. a CPU's poll list and backlog are touched by that CPU alone, with interrupts off: no
 *             lock.
 *          2. one transmit queue per device with a fifo in front of it: it fills only while the
 *             device has no room.
 *          3. the few packet handlers stand in one list; readers announce themselves by a per-CPU
 *             counter, so that dev_remove_pack() knows when nobody can still be using a handler
 *             (Linux: RCU).
 * Locks:   NETDEV, TXQ; RTNL held by callers of dev_open() and dev_close().
 * Walk:    napi_schedule() -> net_rx_action() -> virtnet_poll() -> netif_receive_skb() -> ip_rcv();
 *          neigh_output() -> dev_queue_xmit() -> virtnet_start_xmit().
 */
#include "kernel/string.h"
#include "kernel/task.h"
#include "kernel/time.h"
#include "kernel/trace.h"
#include "net/netdevice.h"

enum {
	NETDEV_BUDGET = 300,		/* packets of one net_rx_action() */
	NETDEV_MAX_BACKLOG = 1000,
	NETDEV_STATE_TX_SCHED = 0,	/* net_device.state: on a CPU's tx_list */
};
#define NETDEV_BUDGET_NS (2 * NSEC_PER_MSEC)

struct softnet_data {
	/* this CPU only, interrupts off */
	struct list_head poll_list;
	/* devices with packets waiting for room that is there now */
	struct list_head tx_list;
	struct sk_buff_head input_pkt_queue;
	struct napi_struct backlog;
	struct softnet_counters counters;
};
static DEFINE_PER_CPU(struct softnet_data, softnet_data);
/* Odd while this CPU is between looking a packet handler up and its return. */
static DEFINE_PER_CPU(unsigned long, rx_section);

DEFINE_MUTEX(rtnl_mutex, LC_RTNL);
static DEFINE_SPINLOCK(netdev_lock, LC_NETDEV);
/* NETDEV to change; the lists of handlers are read without it */
static LIST_HEAD(dev_base);
static int last_ifindex;
static LIST_HEAD(ptype_base);
static LIST_HEAD(ptype_all);

/* --- packet handlers ----------------------------------------------------------------------- */

void dev_add_pack(struct packet_type *pt)
{
	spin_lock_bh(&netdev_lock);
	list_add_tail(&pt->list,
		      be16_eq(pt->type, cpu_to_be16(ETH_P_ALL)) ? &ptype_all : &ptype_base);
	spin_unlock_bh(&netdev_lock);
}

/*
 * A CPU that reads an even counter after the handler was taken out, or one that has moved on,
 * cannot see it:
 *
 *	remover				CPU in softirq
 *	list_del			rx_section++ (odd)
 *	smp_mb				find handler, call it
 *	wait until even or changed	rx_section++ (even)
 */
void dev_remove_pack(struct packet_type *pt)
{
	might_sleep();
	spin_lock_bh(&netdev_lock);
	/* a reader that stands on it still finds the way on */
	__list_del(pt->list.prev, pt->list.next);
	spin_unlock_bh(&netdev_lock);
	synchronize_net();
}

void synchronize_net(void)
{
	int cpu;

	might_sleep();
	smp_mb(); /* pairs with the locked instruction in rx_section_enter() */
	for_each_online_cpu(cpu) {
		unsigned long seen = READ_ONCE(per_cpu(rx_section, cpu));

		while (seen & 1 && READ_ONCE(per_cpu(rx_section, cpu)) == seen)
			schedule_timeout_ns(0);
	}
}

static inline void rx_section_enter(void)
{
	this_cpu_inc(rx_section);
	barrier();
}

static inline void rx_section_leave(void)
{
	barrier();
	this_cpu_inc(rx_section);
}

static noinline void deliver_to_taps(struct sk_buff *skb, struct net_device *dev)
{
	struct packet_type *pt;

	list_for_each_entry(pt, &ptype_all, list) {
		struct sk_buff *copy = skb_clone(skb, GFP_ATOMIC);

		if (copy)
			pt->func(copy, dev, pt);
	}
}

/* Every handler but the last gets a clone. */
static void deliver_skb(struct sk_buff *skb, struct net_device *dev)
{
	struct packet_type *pt, *last = NULL;

	if (unlikely(!list_empty(&ptype_all)))
		deliver_to_taps(skb, dev);
	list_for_each_entry(pt, &ptype_base, list) {
		if (!be16_eq(pt->type, skb->protocol))
			continue;
		if (unlikely(last)) {
			struct sk_buff *copy = skb_clone(skb, GFP_ATOMIC);

			if (copy)
				last->func(copy, dev, last);
		}
		last = pt;
	}
	if (likely(last))
		last->func(skb, dev, last);
	else
		kfree_skb(skb, SKB_DROP_REASON_UNHANDLED_PROTO);
}

void netif_receive_skb(struct sk_buff *skb)
{
	struct net_device *dev = skb->dev;

	assert_softirq();
	trace(netif_receive_skb, skb->id, skb->len, be16_to_cpu(skb->protocol));
	this_cpu_write(trace_current_skb, skb->id);
	skb_reset_network_header(skb);
	rx_section_enter();
	if (likely(dev->flags & IFF_UP))
		deliver_skb(skb, dev);
	else
		kfree_skb(skb, SKB_DROP_REASON_DEV_DOWN);
	rx_section_leave();
	this_cpu_write(trace_current_skb, 0);
}

/* --- NAPI ---------------------------------------------------------------------------------- */

static void __napi_schedule(struct napi_struct *napi)
{
	unsigned long flags;

	local_irq_save(flags);
	list_add_tail(&napi->poll_list, &this_cpu_ptr(&softnet_data)->poll_list);
	raise_softirq_irqoff(NET_RX_SOFTIRQ);
	local_irq_restore(flags);
}

bool napi_schedule(struct napi_struct *napi)
{
	unsigned long old = READ_ONCE(napi->state), new, seen;

	trace(napi_schedule);
	for (;;) {
		if (old & BIT(NAPI_STATE_DISABLE))
			return false;
		/* Being polled already: the mark makes napi_complete_done() poll once more. */
		new = old | (old & BIT(NAPI_STATE_SCHED) ? BIT(NAPI_STATE_MISSED)
							 : BIT(NAPI_STATE_SCHED));
		seen = cmpxchg(&napi->state, old, new);
		if (seen == old)
			break;
		old = seen;
	}
	if (old & BIT(NAPI_STATE_SCHED))
		return false;
	__napi_schedule(napi);
	return true;
}

bool napi_complete_done(struct napi_struct *napi, __unused int work)
{
	unsigned long old = READ_ONCE(napi->state), new, seen;

	for (;;) {
		new = old & ~BIT(NAPI_STATE_MISSED);
		if (!(old & BIT(NAPI_STATE_MISSED)))
			new &= ~BIT(NAPI_STATE_SCHED);
		seen = cmpxchg(&napi->state, old, new);
		if (seen == old)
			break;
		old = seen;
	}
	if (!(old & BIT(NAPI_STATE_MISSED)))
		return true;
	__napi_schedule(napi);
	return false;
}

void netif_napi_add(struct net_device *dev, struct napi_struct *napi,
		    int (*poll)(struct napi_struct *, int))
{
	INIT_LIST_HEAD(&napi->poll_list);
	napi->state = BIT(NAPI_STATE_SCHED) | BIT(NAPI_STATE_DISABLE);	/* until napi_enable() */
	napi->weight = NAPI_POLL_WEIGHT;
	napi->poll = poll;
	napi->dev = dev;
}

void napi_enable(struct napi_struct *napi)
{
	__atomic_and_fetch(
		&napi->state,
		~(BIT(NAPI_STATE_SCHED) | BIT(NAPI_STATE_DISABLE) | BIT(NAPI_STATE_MISSED)),
		__ATOMIC_RELEASE);
}

void napi_disable(struct napi_struct *napi)
{
	might_sleep();
	set_bit(NAPI_STATE_DISABLE, &napi->state);
	/*
	 * Whoever polls it now gives SCHED back when done; then it is ours and nobody schedules it.
	 */
	while (test_and_set_bit(NAPI_STATE_SCHED, &napi->state)) {
		__set_current_state(TASK_UNINTERRUPTIBLE);
		schedule_timeout_ns(NSEC_PER_MSEC);
	}
}

/* Poll one instance; onto @repoll if it has more to do. Return: packets handled. */
static int napi_poll(struct napi_struct *napi, struct list_head *repoll)
{
	int work = napi->poll(napi, napi->weight);

	if (likely(work < napi->weight))
		return work;
	if (unlikely(test_bit(NAPI_STATE_DISABLE, &napi->state)))
		napi_complete_done(napi, work);
	else
		list_add_tail(&napi->poll_list, repoll);
	return work;
}

/* The time is read only when there is more than one round to go: mostly there is not. */
static bool rx_time_is_up(u64 *deadline)
{
	u64 now = ktime_get_ns();

	if (!*deadline)
		*deadline = now + NETDEV_BUDGET_NS;
	return now >= *deadline;
}

static void net_rx_action(void)
{
	struct softnet_data *sd = this_cpu_ptr(&softnet_data);
	u64 deadline = 0;
	int budget = NETDEV_BUDGET;
	LIST_HEAD(list);
	LIST_HEAD(repoll);

	trace(net_rx_action);
	local_irq_disable();
	list_splice_init(&sd->poll_list, &list);
	local_irq_enable();
	while (!list_empty(&list)) {
		struct napi_struct *napi = list_first_entry(&list, struct napi_struct, poll_list);

		list_del_init(&napi->poll_list);
		budget -= napi_poll(napi, &repoll);
		if (list_empty(&list))
			break;
		if (unlikely(budget <= 0 || rx_time_is_up(&deadline))) {
			sd->counters.time_squeeze++;
			break;
		}
	}
	if (likely(list_empty(&list) && list_empty(&repoll)))
		return;
	local_irq_disable();
	list_splice_tail_init(&list, &sd->poll_list);
	list_splice_tail_init(&repoll, &sd->poll_list);
	raise_softirq_irqoff(NET_RX_SOFTIRQ);
	local_irq_enable();
}

/* --- the backlog: packets that did not come from a polled device --------------------------- */

int netif_rx(struct sk_buff *skb)
{
	unsigned long flags;

	local_irq_save(flags);
	struct softnet_data *sd = this_cpu_ptr(&softnet_data);

	if (unlikely(sd->input_pkt_queue.qlen >= NETDEV_MAX_BACKLOG)) {
		sd->counters.dropped++;
		local_irq_restore(flags);
		kfree_skb(skb, SKB_DROP_REASON_CPU_BACKLOG);
		return -ENOBUFS;
	}
	__skb_queue_tail(&sd->input_pkt_queue, skb);
	/*
	 * Only this CPU, with interrupts off, changes the state of its backlog: no atomic operation
	 * is needed.
	 */
	if (!(sd->backlog.state & BIT(NAPI_STATE_SCHED))) {
		sd->backlog.state |= BIT(NAPI_STATE_SCHED);
		list_add_tail(&sd->backlog.poll_list, &sd->poll_list);
		raise_softirq_irqoff(NET_RX_SOFTIRQ);
	}
	local_irq_restore(flags);
	return 0;
}

static int process_backlog(struct napi_struct *napi, int quota)
{
	struct softnet_data *sd = container_of(napi, struct softnet_data, backlog);
	int work = 0;

	for (; work < quota; work++) {
		local_irq_disable();
		struct sk_buff *skb = __skb_dequeue(&sd->input_pkt_queue);

		if (!skb)
			napi->state &= ~BIT(NAPI_STATE_SCHED);
		local_irq_enable();
		if (!skb)
			break;
		sd->counters.processed++;
		netif_receive_skb(skb);
	}
	return work;
}

/* --- transmission -------------------------------------------------------------------------- */

static inline bool skb_needs_help(const struct sk_buff *skb, u32 features)
{
	return (skb->ip_summed == CHECKSUM_PARTIAL && !(features & NETIF_F_HW_CSUM)) ||
	       (skb_is_gso(skb) && !(features & NETIF_F_TSO)) ||
	       (skb_is_nonlinear(skb) && !(features & NETIF_F_SG));
}

/* Checksum and gather in software what the device cannot. 0 or -ENOMEM. */
static int skb_help(struct sk_buff *skb, u32 features)
{
	if (skb_is_nonlinear(skb) && !(features & NETIF_F_SG) && skb_linearize(skb))
		return -ENOMEM;
	if (skb->ip_summed == CHECKSUM_PARTIAL && !(features & NETIF_F_HW_CSUM))
		return skb_checksum_help(skb);
	return 0;
}

/* Send what waits while there is room. Locks: TXQ held. */
static void qdisc_run(struct net_device *dev)
{
	struct sk_buff *skb;

	while (!dev->queue_stopped && (skb = __skb_dequeue(&dev->qdisc)) != NULL) {
		if (dev->netdev_ops->ndo_start_xmit(skb, dev) == NETDEV_TX_OK)
			continue;
		__skb_queue_head(&dev->qdisc, skb);
		break;
	}
}

/* Hand one packet to the device, or queue it behind those that wait. Context: softirqs off. */
static int dev_xmit_one(struct sk_buff *skb, struct net_device *dev)
{
	if (dev->features & NETIF_F_LLTX)
		return dev->netdev_ops->ndo_start_xmit(skb, dev) == NETDEV_TX_OK ? 0 : -ENOBUFS;
	spin_lock(&dev->xmit_lock);
	if (likely(!dev->queue_stopped && skb_queue_empty(&dev->qdisc))) {
		if (likely(dev->netdev_ops->ndo_start_xmit(skb, dev) == NETDEV_TX_OK)) {
			spin_unlock(&dev->xmit_lock);
			return 0;
		}
		__skb_queue_head(&dev->qdisc, skb);
	} else if (dev->qdisc.qlen >= dev->tx_queue_len) {
		dev->tx_stats_.tx_dropped++;
		spin_unlock(&dev->xmit_lock);
		kfree_skb(skb, SKB_DROP_REASON_QDISC_DROP);
		return -ENOBUFS;
	} else {
		__skb_queue_tail(&dev->qdisc, skb);
		qdisc_run(dev);
	}
	spin_unlock(&dev->xmit_lock);
	return 0;
}

/*
 * The slow way: a super-packet for a device that cannot cut it, or a packet that needs other help.
 * Takes the skb.
 */
static noinline int dev_xmit_with_help(struct sk_buff *skb, struct net_device *dev)
{
	int err = 0;

	if (!skb_is_gso(skb) || dev->features & NETIF_F_TSO) {
		err = skb_help(skb, dev->features);
		if (!err)
			return dev_xmit_one(skb, dev);
		kfree_skb(skb, SKB_DROP_REASON_NOMEM);
		return err;
	}
	struct sk_buff *seg = skb_gso_segment(skb), *next;

	if (IS_ERR(seg)) {
		kfree_skb(skb, SKB_DROP_REASON_NOMEM);
		return (int)PTR_ERR(seg);
	}
	consume_skb(skb);
	for (; seg; seg = next) {
		next = seg->next;
		seg->next = NULL;
		if (skb_help(seg, dev->features))
			kfree_skb(seg, SKB_DROP_REASON_NOMEM);
		else
			err = dev_xmit_one(seg, dev);
	}
	return err;
}

/* Those who watch all packets see it before the device does. */
static noinline void dev_queue_xmit_taps(struct sk_buff *skb, struct net_device *dev)
{
	u8 pkt_type = skb->pkt_type;

	skb->pkt_type = PACKET_OUTGOING;
	rx_section_enter();
	deliver_to_taps(skb, dev);
	rx_section_leave();
	skb->pkt_type = pkt_type;
}

int dev_queue_xmit(struct sk_buff *skb)
{
	struct net_device *dev = skb->dev;
	int err;

	trace(dev_queue_xmit, skb->id, skb->len);
	local_bh_disable();
	if (unlikely(!(dev->flags & IFF_UP))) {
		kfree_skb(skb, SKB_DROP_REASON_DEV_DOWN);
		err = -ENETDOWN;
	} else {
		/*
		 * Within netif_receive_skb() the counter is odd already: a tap's own packets are
		 * not shown to taps again.
		 */
		if (unlikely(!list_empty(&ptype_all)) && !(this_cpu_read(rx_section) & 1))
			dev_queue_xmit_taps(skb, dev);
		if (unlikely(skb_needs_help(skb, dev->features)))
			err = dev_xmit_with_help(skb, dev);
		else
			err = dev_xmit_one(skb, dev);
	}
	local_bh_enable();
	return err;
}

void netif_wake_queue(struct net_device *dev)
{
	unsigned long flags;

	WRITE_ONCE(dev->queue_stopped, false);
	/* room is announced before the fifo is looked at; pairs with TXQ in dev_xmit_one() */
	smp_mb();
	if (skb_queue_empty(&dev->qdisc) || test_and_set_bit(NETDEV_STATE_TX_SCHED, &dev->state))
		return;
	local_irq_save(flags);
	list_add_tail(&dev->tx_link, &this_cpu_ptr(&softnet_data)->tx_list);
	raise_softirq_irqoff(NET_TX_SOFTIRQ);
	local_irq_restore(flags);
}

static void net_tx_action(void)
{
	struct softnet_data *sd = this_cpu_ptr(&softnet_data);
	struct net_device *dev, *n;
	LIST_HEAD(list);

	local_irq_disable();
	list_splice_init(&sd->tx_list, &list);
	local_irq_enable();
	list_for_each_entry_safe(dev, n, &list, tx_link) {
		list_del_init(&dev->tx_link);
		clear_bit(NETDEV_STATE_TX_SCHED, &dev->state);
		/*
		 * a wake-up from now on schedules anew; pairs with test_and_set_bit() in
		 * netif_wake_queue()
		 */
		smp_mb();
		spin_lock(&dev->xmit_lock);
		qdisc_run(dev);
		spin_unlock(&dev->xmit_lock);
	}
}

/* --- devices ------------------------------------------------------------------------------- */

struct net_device *alloc_netdev(size_t priv_size, const char *name)
{
	size_t dev_size = ALIGN(sizeof(struct net_device), 64UL);
	struct net_device *dev = kzalloc(dev_size + priv_size, GFP_KERNEL);

	if (!dev)
		return NULL;
	strscpy(dev->name, name, IFNAMSIZ);
	dev->priv = (u8 *)dev + dev_size;
	dev->mtu = ETH_DATA_LEN;
	dev->carrier = true;
	spin_lock_init(&dev->xmit_lock, LC_TXQ);
	skb_queue_head_init(&dev->qdisc);
	INIT_LIST_HEAD(&dev->tx_link);
	refcount_set(&dev->refs, 1);
	return dev;
}

static struct net_device *find_dev_by_name(const char *name)
{
	struct net_device *dev;

	assert_held(&netdev_lock);
	list_for_each_entry(dev, &dev_base, dev_list)
		if (!strncmp(dev->name, name, IFNAMSIZ))
			return dev;
	return NULL;
}

static bool dev_valid_name(const char *name)
{
	if (!*name || !strcmp(name, ".") || !strcmp(name, ".."))
		return false;
	for (; *name; name++)
		if (*name == '/' || *name == ':' || *name == ' ' || (*name >= '\t' && *name <= '\r'))
			return false;
	return true;
}

/* "eth%d" becomes the first free name of that form. Locks: NETDEV held. */
static int dev_choose_name(struct net_device *dev)
{
	char form[IFNAMSIZ];
	char *percent = strchr(dev->name, '%');

	if (!dev_valid_name(dev->name) || (percent && percent[1] != 'd'))
		return -EINVAL;
	if (!percent)
		return find_dev_by_name(dev->name) ? -EEXIST : 0;
	size_t stem = (size_t)(percent - dev->name);

	memcpy(form, dev->name, stem);
	for (int i = 0; i < 1000; i++) {
		scnprintf(form + stem, sizeof(form) - stem, "%d", i);
		if (find_dev_by_name(form))
			continue;
		strscpy(dev->name, form, IFNAMSIZ);
		return 0;
	}
	return -ENFILE;
}

int register_netdevice(struct net_device *dev)
{
	assert_held(&rtnl_mutex);
	if (dev->flags & IFF_LOOPBACK)
		dev->features |= NETIF_F_LLTX;
	if (!dev->tx_queue_len)
		dev->tx_queue_len = 1000;
	spin_lock_bh(&netdev_lock);
	int err = dev_choose_name(dev);

	if (!err) {
		dev->ifindex = ++last_ifindex;
		list_add_tail(&dev->dev_list, &dev_base);
	}
	spin_unlock_bh(&netdev_lock);
	return err;
}

int register_netdev(struct net_device *dev)
{
	rtnl_lock();
	int err = register_netdevice(dev);

	rtnl_unlock();
	return err;
}

void netdev_free(struct net_device *dev)
{
	/* A sender that had seen it up may have queued one more. */
	skb_queue_purge(&dev->qdisc, SKB_DROP_REASON_DEV_DOWN);
	kfree(dev->ip_ptr);
	kfree(dev);
}

void unregister_netdev(struct net_device *dev)
{
	assert_held(&rtnl_mutex);
	dev_close(dev);
	spin_lock_bh(&netdev_lock);
	list_del(&dev->dev_list);
	spin_unlock_bh(&netdev_lock);
	synchronize_net();
	inetdev_destroy(dev);
	dev_put(dev);
}

int dev_open(struct net_device *dev)
{
	assert_held(&rtnl_mutex);
	if (dev->flags & IFF_UP)
		return 0;
	int err = dev->netdev_ops->ndo_open ? dev->netdev_ops->ndo_open(dev) : 0;

	if (err)
		return err;
	WRITE_ONCE(dev->flags, dev->flags | IFF_UP);
	inetdev_event(dev, true);
	return 0;
}

int dev_close(struct net_device *dev)
{
	assert_held(&rtnl_mutex);
	if (!(dev->flags & IFF_UP))
		return 0;
	WRITE_ONCE(dev->flags, dev->flags & ~(unsigned int)IFF_UP);
	inetdev_event(dev, false);
	/* A sender that saw it up holds TXQ until it is done. */
	spin_lock_bh(&dev->xmit_lock);
	spin_unlock_bh(&dev->xmit_lock);
	if (dev->netdev_ops->ndo_stop)
		dev->netdev_ops->ndo_stop(dev);
	struct sk_buff *skb;

	for (;;) {
		spin_lock_bh(&dev->xmit_lock);
		skb = __skb_dequeue(&dev->qdisc);
		spin_unlock_bh(&dev->xmit_lock);
		if (!skb)
			return 0;
		kfree_skb(skb, SKB_DROP_REASON_DEV_DOWN);
	}
}

struct net_device *dev_get_by_name(const char *name)
{
	spin_lock_bh(&netdev_lock);
	struct net_device *dev = find_dev_by_name(name);

	if (dev)
		refcount_inc(&dev->refs);
	spin_unlock_bh(&netdev_lock);
	return dev;
}

struct net_device *dev_get_by_index(int ifindex)
{
	struct net_device *dev, *found = NULL;

	spin_lock_bh(&netdev_lock);
	list_for_each_entry(dev, &dev_base, dev_list) {
		if (dev->ifindex != ifindex)
			continue;
		refcount_inc(&dev->refs);
		found = dev;
		break;
	}
	spin_unlock_bh(&netdev_lock);
	return found;
}

void for_each_netdev(void (*fn)(struct net_device *dev, void *arg), void *arg)
{
	struct net_device *dev;

	assert_held(&rtnl_mutex);
	/* RTNL keeps the list as it is: devices come and go under both locks. */
	list_for_each_entry(dev, &dev_base, dev_list)
		fn(dev, arg);
}

unsigned int dev_get_flags(const struct net_device *dev)
{
	unsigned int flags = READ_ONCE(dev->flags) & ~(unsigned int)IFF_RUNNING;

	return flags & IFF_UP && READ_ONCE(dev->carrier) ? flags | IFF_RUNNING | IFF_LOWER_UP
							 : flags;
}

void netif_carrier_on(struct net_device *dev) { WRITE_ONCE(dev->carrier, true); }
void netif_carrier_off(struct net_device *dev) { WRITE_ONCE(dev->carrier, false); }

struct softnet_counters softnet_read(int cpu) { return per_cpu(softnet_data, cpu).counters; }

void net_dev_init(void)
{
	int cpu;

	for_each_online_cpu(cpu) {
		struct softnet_data *sd = &per_cpu(softnet_data, cpu);

		INIT_LIST_HEAD(&sd->poll_list);
		INIT_LIST_HEAD(&sd->tx_list);
		skb_queue_head_init(&sd->input_pkt_queue);
		netif_napi_add(NULL, &sd->backlog, process_backlog);
		napi_enable(&sd->backlog);
	}
	open_softirq(NET_RX_SOFTIRQ, net_rx_action);
	open_softirq(NET_TX_SOFTIRQ, net_tx_action);
	net_procfs_init();
}

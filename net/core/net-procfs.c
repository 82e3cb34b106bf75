/*
 * net/core/net-procfs.c - /proc/net/dev, /proc/net/softnet_stat, and /proc/net/drops: why packets
 * died.
 *
 * Linux:   net/core/net-procfs.c (6.1)
 * Same:    the formats of dev and softnet_stat.
 * Differs: 1. drops is ours: one line per reason with its count.
 * Locks:   RTNL.
 * Walk:    kfree_skb() counts what drops shows.
 */
#include "fs/procfs.h"
#include "net/netdevice.h"

static const struct { const char *name, *what; } drop_reasons[SKB_DROP_REASON_NR] = {
#define DROP_NAME(n, w) [SKB_DROP_REASON_##n] = { #n, w },
	DROP_REASONS(DROP_NAME)
#undef DROP_NAME
};

static void drops_show(struct seq_file *m, __unused void *arg)
{
	for (int r = SKB_NOT_DROPPED_YET + 1; r < SKB_DROP_REASON_NR; r++)
		seq_printf(m, "%-24s %10llu  %s\n", drop_reasons[r].name,
			   (unsigned long long)skb_drop_count((enum skb_drop_reason)r),
			   drop_reasons[r].what);
}

static void dev_show_one(struct net_device *dev, void *m)
{
	const struct net_device_stats *r = &dev->stats, *t = &dev->tx_stats_;
	/* A driver may count what it sent in either set. */
	u64 tx_bytes = r->tx_bytes + t->tx_bytes, tx_packets = r->tx_packets + t->tx_packets;

	seq_printf(m,
		   "%6s: %7llu %7llu %4llu %4llu %4llu %5llu %10llu %9llu %8llu %7llu %4llu %4llu "
		   "%4llu %5llu %7llu %10llu\n",
		   dev->name, (unsigned long long)(r->rx_bytes + t->rx_bytes),
		   (unsigned long long)(r->rx_packets + t->rx_packets),
		   (unsigned long long)r->rx_errors, (unsigned long long)r->rx_dropped, 0ULL, 0ULL,
		   0ULL, (unsigned long long)r->multicast, (unsigned long long)tx_bytes,
		   (unsigned long long)tx_packets,
		   (unsigned long long)(r->tx_errors + t->tx_errors),
		   (unsigned long long)(r->tx_dropped + t->tx_dropped), 0ULL, 0ULL, 0ULL, 0ULL);
}

static void dev_show(struct seq_file *m, __unused void *arg)
{
	seq_puts(m, "Inter-|   Receive                                                |  Transmit\n"
		    " face |bytes    packets errs drop fifo frame compressed multicast|bytes    "
		    "packets errs drop fifo colls carrier compressed\n");
	rtnl_lock();
	for_each_netdev(dev_show_one, m);
	rtnl_unlock();
}

static void softnet_show(struct seq_file *m, __unused void *arg)
{
	int cpu;

	for_each_online_cpu(cpu) {
		struct softnet_counters c = softnet_read(cpu);

		seq_printf(m, "%08x %08x %08x %08x %08x %08x %08x %08x %08x %08x %08x %08x %08x\n",
			   (u32)c.processed, (u32)c.dropped, (u32)c.time_squeeze, 0, 0, 0, 0, 0, 0,
			   0, 0, 0, (u32)cpu);
	}
}

void net_procfs_init(void)
{
	proc_create_single("net/dev", dev_show, NULL);
	proc_create_single("net/drops", drops_show, NULL);
	proc_create_single("net/softnet_stat", softnet_show, NULL);
}

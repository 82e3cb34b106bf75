/*
 * net/ipv4/proc.c - counters and sockets of the Internet protocols under /proc/net, and their
 * settings.
 *
 * Linux:   net/ipv4/proc.c, udp.c, raw.c, sysctl_net_ipv4.c (6.1)
 * Same:    the formats of snmp, netstat, sockstat, udp, raw and icmp.
 * Differs: 1. counters that nothing here counts are shown as 0. 2. /proc/net/tcp is TCP's own.
 * Locks:   the buckets of the sock tables.
 * Walk:    SNMP_INC() counts what snmp shows.
 */
#include "fs/procfs.h"
#include "kernel/string.h"
#include "net/ipv4/ip.h"
#include "net/ipv4/tcp.h"

DEFINE_PER_CPU(u64, snmp_counters[SNMP_NR]);

static unsigned long long snmp_read(enum snmp_counter c)
{
	u64 sum = 0;
	int cpu;

	for_each_online_cpu(cpu)
		sum += per_cpu(snmp_counters[c], cpu);
	return sum;
}

enum { SNMP_ZERO = -1, SNMP_TTL = -2, SNMP_CURRESTAB = -3, SNMP_FORWARDING = -4 };
struct snmp_column { const char *name; int counter; };

static const struct snmp_column snmp_ip[] = {
	{ "Forwarding", SNMP_FORWARDING },
	{ "DefaultTTL", SNMP_TTL },
	{ "InReceives", IP_INRECEIVES },
	{ "InHdrErrors", IP_INHDRERRORS },
	{ "InAddrErrors", IP_INADDRERRORS },
	{ "ForwDatagrams", IP_FORWDATAGRAMS },
	{ "InUnknownProtos", IP_INUNKNOWNPROTOS },
	{ "InDiscards", IP_INDISCARDS },
	{ "InDelivers", IP_INDELIVERS },
	{ "OutRequests", IP_OUTREQUESTS },
	{ "OutDiscards", IP_OUTDISCARDS },
	{ "OutNoRoutes", IP_OUTNOROUTES },
	{ "ReasmTimeout", IP_REASMTIMEOUT },
	{ "ReasmReqds", IP_REASMREQDS },
	{ "ReasmOKs", IP_REASMOKS },
	{ "ReasmFails", IP_REASMFAILS },
	{ "FragOKs", IP_FRAGOKS },
	{ "FragFails", IP_FRAGFAILS },
	{ "FragCreates", IP_FRAGCREATES },
};
static const struct snmp_column snmp_icmp[] = {
	{ "InMsgs", ICMP_INMSGS },
	{ "InErrors", ICMP_INERRORS },
	{ "InCsumErrors", ICMP_INCSUMERRORS },
	{ "InDestUnreachs", ICMP_INDESTUNREACHS },
	{ "InTimeExcds", ICMP_INTIMEEXCDS },
	{ "InParmProbs", SNMP_ZERO },
	{ "InSrcQuenchs", SNMP_ZERO },
	{ "InRedirects", SNMP_ZERO },
	{ "InEchos", ICMP_INECHOS },
	{ "InEchoReps", ICMP_INECHOREPS },
	{ "InTimestamps", SNMP_ZERO },
	{ "InTimestampReps", SNMP_ZERO },
	{ "InAddrMasks", SNMP_ZERO },
	{ "InAddrMaskReps", SNMP_ZERO },
	{ "OutMsgs", ICMP_OUTMSGS },
	{ "OutErrors", SNMP_ZERO },
	{ "OutRateLimitGlobal", SNMP_ZERO },
	{ "OutRateLimitHost", ICMP_OUTRATELIMIT },
	{ "OutDestUnreachs", ICMP_OUTDESTUNREACHS },
	{ "OutTimeExcds", ICMP_OUTTIMEEXCDS },
	{ "OutParmProbs", SNMP_ZERO },
	{ "OutSrcQuenchs", SNMP_ZERO },
	{ "OutRedirects", SNMP_ZERO },
	{ "OutEchos", ICMP_OUTECHOS },
	{ "OutEchoReps", ICMP_OUTECHOREPS },
	{ "OutTimestamps", SNMP_ZERO },
	{ "OutTimestampReps", SNMP_ZERO },
	{ "OutAddrMasks", SNMP_ZERO },
	{ "OutAddrMaskReps", SNMP_ZERO },
};
static const struct snmp_column snmp_tcp[] = {
	{ "ActiveOpens", TCP_ACTIVEOPENS },
	{ "PassiveOpens", TCP_PASSIVEOPENS },
	{ "AttemptFails", TCP_ATTEMPTFAILS },
	{ "EstabResets", TCP_ESTABRESETS },
	{ "CurrEstab", SNMP_CURRESTAB },
	{ "InSegs", TCP_INSEGS },
	{ "OutSegs", TCP_OUTSEGS },
	{ "RetransSegs", TCP_RETRANSSEGS },
	{ "InErrs", TCP_INERRS },
	{ "OutRsts", TCP_OUTRSTS },
	{ "InCsumErrors", TCP_INCSUMERRORS },
};
static const struct snmp_column snmp_udp[] = {
	{ "InDatagrams", UDP_INDATAGRAMS },   { "NoPorts", UDP_NOPORTS },
	{ "InErrors", UDP_INERRORS },	      { "OutDatagrams", UDP_OUTDATAGRAMS },
	{ "RcvbufErrors", UDP_RCVBUFERRORS }, { "SndbufErrors", SNMP_ZERO },
	{ "InCsumErrors", UDP_INCSUMERRORS }, { "IgnoredMulti", SNMP_ZERO },
	{ "MemErrors", SNMP_ZERO },
};
static const struct snmp_column netstat_tcp[] = {
	{ "TW", TCP_TIMEWAITED },
	{ "DelayedACKs", TCP_DELAYEDACKS },
	{ "SyncookiesSent", TCP_SYNCOOKIESSENT },
	{ "SyncookiesRecv", TCP_SYNCOOKIESRECV },
	{ "SyncookiesFailed", TCP_SYNCOOKIESFAILED },
	{ "ListenOverflows", TCP_LISTENOVERFLOWS },
	{ "ListenDrops", TCP_LISTENDROPS },
	{ "TCPTimeouts", TCP_TIMEOUTS },
	{ "TCPFastRetrans", TCP_FASTRETRANS },
	{ "TCPChallengeACK", TCP_CHALLENGEACK },
};

static unsigned long long snmp_value(int counter)
{
	if (counter >= 0)
		return snmp_read((enum snmp_counter)counter);
	if (counter == SNMP_FORWARDING)
		return READ_ONCE(sysctl_ip_forward) ? 1 : 2;	/* RFC 4293: forwarding, notForwarding */
	if (counter == SNMP_TTL)
		return (unsigned long long)sysctl_ip_default_ttl;
	if (counter == SNMP_CURRESTAB) {
		/*
		 * Never below what has been counted: connections opened less those that are known
		 * to have ended badly.
		 */
		unsigned long long opened = snmp_read(TCP_ACTIVEOPENS) +
					    snmp_read(TCP_PASSIVEOPENS),
				   reset = snmp_read(TCP_ESTABRESETS);
		int now = atomic_read(&tcp_prot.sockets_allocated);

		return opened > reset && now > 0 ? min(opened - reset, (unsigned long long)now) : 0;
	}
	return 0;
}

static void snmp_show_group(struct seq_file *m, const char *group, const char *prefix,
			    const struct snmp_column *c, size_t n)
{
	seq_printf(m, "%s:", group);
	for (size_t i = 0; i < n; i++)
		seq_printf(m, " %s", c[i].name);
	seq_printf(m, "\n%s:%s", group, prefix);
	for (size_t i = 0; i < n; i++)
		seq_printf(m, " %llu", snmp_value(c[i].counter));
	seq_putc(m, '\n');
}

static void snmp_show(struct seq_file *m, __unused void *arg)
{
	snmp_show_group(m, "Ip", "", snmp_ip, ARRAY_SIZE(snmp_ip));
	snmp_show_group(m, "Icmp", "", snmp_icmp, ARRAY_SIZE(snmp_icmp));
	/*
	 * RFC 2012's constants: algorithm "other", RTO between 200 ms and 120 s, any number of
	 * connections.
	 */
	seq_puts(m, "Tcp: RtoAlgorithm RtoMin RtoMax MaxConn");
	for (size_t i = 0; i < ARRAY_SIZE(snmp_tcp); i++)
		seq_printf(m, " %s", snmp_tcp[i].name);
	seq_puts(m, "\nTcp: 1 200 120000 -1");
	for (size_t i = 0; i < ARRAY_SIZE(snmp_tcp); i++)
		seq_printf(m, " %llu", snmp_value(snmp_tcp[i].counter));
	seq_putc(m, '\n');
	snmp_show_group(m, "Udp", "", snmp_udp, ARRAY_SIZE(snmp_udp));
}

static void netstat_show(struct seq_file *m, __unused void *arg)
{
	snmp_show_group(m, "TcpExt", "", netstat_tcp, ARRAY_SIZE(netstat_tcp));
}

static void sockstat_show(struct seq_file *m, __unused void *arg)
{
	int tcp = atomic_read(&tcp_prot.sockets_allocated),
	    udp = atomic_read(&udp_prot.sockets_allocated);
	int raw = atomic_read(&raw_prot.sockets_allocated), nr_frag;
	long frag_mem;

	ip_frag_stats(&nr_frag, &frag_mem);
	seq_printf(m, "sockets: used %d\n",
		   tcp + udp + raw + atomic_read(&ping_prot.sockets_allocated));
	seq_printf(m, "TCP: inuse %d orphan %d tw %d alloc %d mem %ld\n", tcp,
		   atomic_read(&tcp_prot.orphan_count), atomic_read(&inet_tw_count), tcp,
		   tcp_memory_allocated() / (long)PAGE_SIZE);
	seq_printf(m, "UDP: inuse %d mem %ld\nUDPLITE: inuse 0\n", udp,
		   atomic_long_read(&udp_prot.memory_allocated) / (long)PAGE_SIZE);
	seq_printf(m, "RAW: inuse %d\nFRAG: inuse %d memory %ld\n", raw, nr_frag, frag_mem);
}

struct sock_lines { struct seq_file *m; int slot; };

/* A line as in /proc/net/udp and /proc/net/raw. */
static void sock_show_line(struct sock *sk, void *arg)
{
	struct sock_lines *l = arg;
	char line[160];
	int n = scnprintf(
		line, sizeof(line),
		"%5d: %08X:%04X %08X:%04X %02X %08X:%08X %02X:%08lX %08X %5u %8d %llu %d %p %d",
		l->slot++, sk->sk_rcv_saddr.raw, sk->sk_num, sk->sk_daddr.raw,
		be16_to_cpu(sk->sk_dport), sk->sk_state,
		(unsigned int)atomic_read(&sk->sk_wmem_alloc) - 1,
		(unsigned int)sk_rmem_alloc_get(sk), 0, 0L, 0U, sk->sk_uid, 0,
		(unsigned long long)sk->sk_ino, refcount_read(&sk->sk_refcnt), (void *)NULL,
		atomic_read(&sk->sk_drops));

	seq_printf(l->m, "%s%*s\n", line, n < 127 ? 127 - n : 0, "");
}

static void udp_show(struct seq_file *m, __unused void *arg)
{
	struct sock_lines l = { m, 0 };

	seq_printf(m, "%-127s\n",
		   "   sl  local_address rem_address   st tx_queue rx_queue tr tm->when retrnsmt   "
		   "uid  timeout inode ref pointer drops");
	udp_for_each(sock_show_line, &l);
}

static void raw_show(struct seq_file *m, __unused void *arg)
{
	struct sock_lines l = { m, 0 };

	seq_puts(m, "  sl  local_address rem_address   st tx_queue rx_queue tr tm->when retrnsmt   "
		    "uid  timeout inode ref pointer drops\n");
	raw_for_each(sock_show_line, &l);
}

static void port_range_show(struct seq_file *m, __unused void *arg)
{
	seq_printf(m, "%d\t%d\n", sysctl_ip_local_port_range[0], sysctl_ip_local_port_range[1]);
}

static int port_range_write(const char *text, size_t len, __unused void *arg)
{
	char copy[32];
	u64 low, high;

	if (len >= sizeof(copy))
		return -EINVAL;
	memcpy(copy, text, len);
	copy[len] = '\0';
	size_t i = 0;

	while (copy[i] && copy[i] != ' ' && copy[i] != '\t')
		i++;
	if (!copy[i])
		return -EINVAL;
	copy[i] = '\0';
	if (kstrtou64(copy, 10, &low) || kstrtou64(copy + i + 1, 10, &high) || !low ||
	    high > 65535 || low > high)
		return -EINVAL;
	WRITE_ONCE(sysctl_ip_local_port_range[0], (int)low);
	WRITE_ONCE(sysctl_ip_local_port_range[1], (int)high);
	return 0;
}

void ip_proc_init(void)
{
	proc_create_single("net/snmp", snmp_show, NULL);
	proc_create_single("net/netstat", netstat_show, NULL);
	proc_create_single("net/sockstat", sockstat_show, NULL);
	proc_create_single("net/udp", udp_show, NULL);
	proc_create_single("net/raw", raw_show, NULL);
	proc_create_rw("sys/net/ipv4/ip_local_port_range", port_range_show, port_range_write, NULL);
	proc_create_sysctl_int("net/ipv4/ip_forward", &sysctl_ip_forward, 0, 1);
	proc_create_sysctl_int("net/ipv4/ip_default_ttl", &sysctl_ip_default_ttl, 1, 255);
	proc_create_sysctl_int("net/core/somaxconn", &sysctl_somaxconn, 0, S32_MAX);
	proc_create_sysctl_int("net/core/rmem_max", &sysctl_rmem_max, SOCK_MIN_RCVBUF, S32_MAX);
	proc_create_sysctl_int("net/core/wmem_max", &sysctl_wmem_max, SOCK_MIN_SNDBUF, S32_MAX);
	proc_create_sysctl_int("net/core/rmem_default", &sysctl_rmem_default, SOCK_MIN_RCVBUF,
			       S32_MAX);
	proc_create_sysctl_int("net/core/wmem_default", &sysctl_wmem_default, SOCK_MIN_SNDBUF,
			       S32_MAX);
}

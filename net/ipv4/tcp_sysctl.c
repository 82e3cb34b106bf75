/*
 * net/ipv4/tcp_sysctl.c - what can be set for all of TCP: /proc/sys/net/ipv4/tcp_*.
 *
 * Linux:   net/ipv4/sysctl_net_ipv4.c (6.1)
 * Same:    names, units, defaults.
 * Differs: 1. a setting that would have no effect here does not exist.
 * Locks:   none: each value is one word, read when it is needed.
 * Walk:    tcp_init() -> tcp_sysctl_init().
 */
#include "fs/procfs.h"
#include "net/ipv4/tcp.h"

struct tcp_sysctl tcp_sysctl = {
	.syn_retries = 6,
	.synack_retries = 5,
	.retries1 = 3,
	.retries2 = 15,
	.orphan_retries = 0,
	.fin_timeout = 60,
	.keepalive_time = 7200,
	.keepalive_probes = 9,
	.keepalive_intvl = 75,
	.max_syn_backlog = 1024,
	.timestamps = 1,
	.sack = 1,
	.window_scaling = 1,
	.dsack = 1,
	.tw_reuse = 2,
	.abort_on_overflow = 0,
	.max_orphans = 8192,
	.max_tw_buckets = 32768,
	.moderate_rcvbuf = 1,
	.slow_start_after_idle = 1,
	.challenge_ack_limit = 1000,
	.invalid_ratelimit_ms = 500,
	.notsent_lowat = -1,
	.reordering = 3,
	.early_retrans = 3,
	.rfc1337 = 0,
	.stdurg = 0,
	.syncookies = 1,
	.rmem = { 4096, 131072, 6291456 },
	.wmem = { 4096, 16384, 4194304 },
	.mem = { 12288, 16384, 24576 },
};

/* One row for each number. */
static const struct { const char *name; int *val; int lo, hi; } tcp_sysctl_table[] = {
	{ "tcp_syn_retries", &tcp_sysctl.syn_retries, 1, MAX_TCP_SYNCNT },
	{ "tcp_synack_retries", &tcp_sysctl.synack_retries, 0, 255 },
	{ "tcp_retries1", &tcp_sysctl.retries1, 0, 255 },
	{ "tcp_retries2", &tcp_sysctl.retries2, 0, 255 },
	{ "tcp_orphan_retries", &tcp_sysctl.orphan_retries, 0, 255 },
	{ "tcp_fin_timeout", &tcp_sysctl.fin_timeout, 0, 3600 },
	{ "tcp_keepalive_time", &tcp_sysctl.keepalive_time, 1, MAX_TCP_KEEPIDLE },
	{ "tcp_keepalive_probes", &tcp_sysctl.keepalive_probes, 1, MAX_TCP_KEEPCNT },
	{ "tcp_keepalive_intvl", &tcp_sysctl.keepalive_intvl, 1, MAX_TCP_KEEPINTVL },
	{ "tcp_max_syn_backlog", &tcp_sysctl.max_syn_backlog, 1, 65535 },
	{ "tcp_syncookies", &tcp_sysctl.syncookies, 0, 2 },
	{ "tcp_timestamps", &tcp_sysctl.timestamps, 0, 1 },
	{ "tcp_sack", &tcp_sysctl.sack, 0, 1 },
	{ "tcp_window_scaling", &tcp_sysctl.window_scaling, 0, 1 },
	{ "tcp_dsack", &tcp_sysctl.dsack, 0, 1 },
	{ "tcp_tw_reuse", &tcp_sysctl.tw_reuse, 0, 2 },
	{ "tcp_abort_on_overflow", &tcp_sysctl.abort_on_overflow, 0, 1 },
	{ "tcp_max_orphans", &tcp_sysctl.max_orphans, 0, 1 << 20 },
	{ "tcp_max_tw_buckets", &tcp_sysctl.max_tw_buckets, 0, 1 << 20 },
	{ "tcp_moderate_rcvbuf", &tcp_sysctl.moderate_rcvbuf, 0, 1 },
	{ "tcp_slow_start_after_idle", &tcp_sysctl.slow_start_after_idle, 0, 1 },
	{ "tcp_challenge_ack_limit", &tcp_sysctl.challenge_ack_limit, 0, S32_MAX },
	{ "tcp_invalid_ratelimit", &tcp_sysctl.invalid_ratelimit_ms, 0, S32_MAX },
	{ "tcp_notsent_lowat", &tcp_sysctl.notsent_lowat, -S32_MAX - 1, S32_MAX },
	{ "tcp_reordering", &tcp_sysctl.reordering, 1, 127 },
	{ "tcp_early_retrans", &tcp_sysctl.early_retrans, 0, 4 },
	{ "tcp_rfc1337", &tcp_sysctl.rfc1337, 0, 1 },
	{ "tcp_stdurg", &tcp_sysctl.stdurg, 0, 1 },
};

/* tcp_rmem and tcp_wmem: least, default, most. tcp_mem: when pressure ends and begins, and the limit. */
static void tcp_mem3_show(struct seq_file *m, void *arg)
{
	const int *v = arg;

	seq_printf(m, "%d\t%d\t%d\n", v[0], v[1], v[2]);
}

/* The next number of *@text. 0 or -EINVAL. */
static int tcp_next_number(const char **text, int *out)
{
	const char *p = *text;
	s64 v = 0;

	while (*p == ' ' || *p == '\t')
		p++;
	if (*p < '0' || *p > '9')
		return -EINVAL;
	for (; *p >= '0' && *p <= '9'; p++) {
		v = v * 10 + (*p - '0');
		if (v > S32_MAX)
			return -EINVAL;
	}
	*out = (int)v;
	*text = p;
	return 0;
}

static int tcp_mem3_write(const char *text, size_t len, void *arg)
{
	int *v = arg, next[3];

	(void)len;
	for (int i = 0; i < 3; i++) {
		if (tcp_next_number(&text, &next[i]) || next[i] < 1)
			return -EINVAL;
	}
	for (int i = 0; i < 3; i++)
		WRITE_ONCE(v[i], next[i]);
	return 0;
}

static void tcp_ca_show(struct seq_file *m, void *arg)
{
	(void)arg;
	seq_printf(m, "%s\n", tcp_default_congestion_control());
}

static int tcp_ca_write(const char *text, size_t len, void *arg)
{
	char name[16];

	(void)arg;
	if (len && text[len - 1] == '\n')
		len--;
	if (len >= sizeof(name))
		return -EINVAL;
	memcpy(name, text, len);
	name[len] = '\0';
	return tcp_set_default_congestion_control(name);
}

static void tcp_ca_available_show(struct seq_file *m, void *arg)
{
	(void)arg;
	for (unsigned int i = 0; tcp_ca_nth(i); i++)
		seq_printf(m, "%s%s", i ? " " : "", tcp_ca_nth(i)->name);
	seq_putc(m, '\n');
}

/*
 * As Linux scales them: pressure begins when TCP holds a sixteenth of memory, no socket's buffer takes more than a
 * 128th. Machines below 128 MiB get a little more than that.
 */
static void tcp_scale_limits(void)
{
	u64 pages = totalram_pages(), bytes = pages * PAGE_SIZE;
	int pressure = (int)clamp(pages / 16, 128UL, 1UL << 24);
	int most = (int)min_t(u64, bytes / 128, 6291456);

	tcp_sysctl.mem[0] = pressure / 4 * 3;
	tcp_sysctl.mem[1] = pressure;
	tcp_sysctl.mem[2] = tcp_sysctl.mem[0] * 2;
	tcp_sysctl.rmem[2] = max(most, tcp_sysctl.rmem[1]);
	tcp_sysctl.wmem[2] = max(min(most, tcp_sysctl.wmem[2]), 65536);
	tcp_sysctl.max_orphans = (int)min_t(u64, bytes / (64 * KIB), 65536);
	tcp_sysctl.max_tw_buckets = (int)min_t(u64, bytes / (4 * KIB), 262144);
	tcp_sysctl.max_syn_backlog = (int)clamp(bytes / (128 * KIB), 128UL, 4096UL);
}

void tcp_sysctl_init(void)
{
	char path[64];

	tcp_scale_limits();
	tcp_mem_init();
	for (size_t i = 0; i < ARRAY_SIZE(tcp_sysctl_table); i++) {
		snprintf(path, sizeof(path), "net/ipv4/%s", tcp_sysctl_table[i].name);
		proc_create_sysctl_int(path, tcp_sysctl_table[i].val, tcp_sysctl_table[i].lo,
				       tcp_sysctl_table[i].hi);
	}
	proc_create_rw("sys/net/ipv4/tcp_mem", tcp_mem3_show, tcp_mem3_write, tcp_sysctl.mem);
	proc_create_rw("sys/net/ipv4/tcp_rmem", tcp_mem3_show, tcp_mem3_write, tcp_sysctl.rmem);
	proc_create_rw("sys/net/ipv4/tcp_wmem", tcp_mem3_show, tcp_mem3_write, tcp_sysctl.wmem);
	proc_create_rw("sys/net/ipv4/tcp_congestion_control", tcp_ca_show, tcp_ca_write, NULL);
	proc_create_single("sys/net/ipv4/tcp_available_congestion_control", tcp_ca_available_show, NULL);
}

/*
 * fs/proc/sysctl.c - /proc/sys: the kernel's settings as files.
 *
 * Linux:   fs/proc/proc_sysctl.c, kernel/sysctl.c (6.1)
 * Same:    one value a file; EINVAL for what is not a number or out of range.
 * Differs: 1. a setting that cannot be changed here is read-only instead of taking a value and ignoring it.
 * Locks:   none: a setting is one word.
 * Walk:    write("/proc/sys/net/...") -> sysctl_int_write().
 */
#include "fs/file.h"
#include "fs/proc/internal.h"
#include "kernel/mm.h"
#include "kernel/printk.h"
#include "kernel/random.h"
#include "kernel/slab.h"
#include "kernel/string.h"

struct sysctl_int { int *val, lo, hi; };

static void sysctl_int_show(struct seq_file *m, void *arg)
{
	const struct sysctl_int *s = arg;

	seq_printf(m, "%d\n", READ_ONCE(*s->val));
}

static int sysctl_int_write(const char *text, __unused size_t len, void *arg)
{
	const struct sysctl_int *s = arg;
	s64 v;

	if (kstrtos64(text, 0, &v) || v < s->lo || v > s->hi)
		return -EINVAL;
	WRITE_ONCE(*s->val, (int)v);
	return 0;
}

void proc_create_sysctl_int(const char *path, int *val, int lo, int hi)
{
	struct sysctl_int *s = kmalloc(sizeof(*s), GFP_KERNEL);
	char full[96];

	ASSERT(s);
	*s = (struct sysctl_int){ val, lo, hi };
	scnprintf(full, sizeof(full), "sys/%s", path);
	proc_create_rw(full, sysctl_int_show, sysctl_int_write, s);
}

static void show_text(struct seq_file *m, void *text)
{
	seq_printf(m, "%s\n", (const char *)text);
}

static void show_hostname(struct seq_file *m, __unused void *arg)
{
	seq_printf(m, "%s\n", utsname()->nodename);
}

static void show_domainname(struct seq_file *m, __unused void *arg)
{
	seq_printf(m, "%s\n", utsname()->domainname);
}

static void show_uuid(struct seq_file *m, const u8 u[16])
{
	for (int i = 0; i < 16; i++)
		seq_printf(m, i == 4 || i == 6 || i == 8 || i == 10 ? "-%02x" : "%02x", u[i]);
	seq_putc(m, '\n');
}

/* RFC 9562, 5.4: random but for version and variant. */
static void make_uuid(u8 u[16])
{
	get_random_bytes(u, 16);
	u[6] = (u[6] & 0x0f) | 0x40;
	u[8] = (u[8] & 0x3f) | 0x80;
}

static void show_new_uuid(struct seq_file *m, __unused void *arg)
{
	u8 u[16];

	make_uuid(u);
	show_uuid(m, u);
}

static u8 boot_id[16];	/* written once at boot */

static void show_boot_id(struct seq_file *m, __unused void *arg)
{
	show_uuid(m, boot_id);
}

/* Bit 9 of Linux's taint word: a warning was given. */
static void show_tainted(struct seq_file *m, __unused void *arg)
{
	seq_printf(m, "%d\n", warn_count ? 1 << 9 : 0);
}

static void show_file_nr(struct seq_file *m, __unused void *arg)
{
	seq_printf(m, "%ld\t0\t%llu\n", files_open(), (unsigned long long)LONG_MAX);
}

static void show_zero(struct seq_file *m, __unused void *arg)
{
	seq_printf(m, "0\n");
}

/* Linux's numbers choose among its caches; here all go. */
static int drop_caches_write(const char *text, __unused size_t len, __unused void *arg)
{
	u64 v;

	if (kstrtou64(text, 0, &v) || v < 1 || v > 4)
		return -EINVAL;
	drop_caches();
	return 0;
}

static const struct { const char *path, *text; } fixed[] = {
	{ "sys/kernel/cap_last_cap", "40" },
	{ "sys/kernel/ngroups_max", "65536" },
	{ "sys/kernel/random/entropy_avail", "256" },
	{ "sys/kernel/random/poolsize", "256" },
	{ "sys/kernel/pid_max", "32768" },
	{ "sys/kernel/threads-max", "32768" },
	{ "sys/kernel/randomize_va_space", "0" },
	{ "sys/kernel/sched_child_runs_first", "0" },
	{ "sys/fs/file-max", "9223372036854775807" },
	{ "sys/fs/nr_open", "1048576" },
	{ "sys/fs/pipe-max-size", "1048576" },
	{ "sys/vm/overcommit_memory", "0" },
	{ "sys/vm/max_map_count", "65530" },
	{ "sys/vm/swappiness", "0" },
};

void proc_sysctl_init(void)
{
	make_uuid(boot_id);
	for (size_t i = 0; i < ARRAY_SIZE(fixed); i++)
		proc_create_single(fixed[i].path, show_text, (void *)(unsigned long)fixed[i].text);
	proc_create_single("sys/kernel/ostype", show_text, (void *)(unsigned long)utsname()->sysname);
	proc_create_single("sys/kernel/osrelease", show_text, (void *)(unsigned long)utsname()->release);
	proc_create_single("sys/kernel/version", show_text, (void *)(unsigned long)utsname()->version);
	proc_create_single("sys/kernel/hostname", show_hostname, NULL);
	proc_create_single("sys/kernel/domainname", show_domainname, NULL);
	proc_create_single("sys/kernel/random/uuid", show_new_uuid, NULL);
	proc_create_single("sys/kernel/random/boot_id", show_boot_id, NULL);
	proc_create_single("sys/kernel/tainted", show_tainted, NULL);
	proc_create_single("sys/fs/file-nr", show_file_nr, NULL);
	proc_create_rw("sys/vm/drop_caches", show_zero, drop_caches_write, NULL);
}

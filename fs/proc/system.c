/*
 * fs/proc/system.c - the files of /proc about the whole system: memory, processors, load, interrupts.
 *
 * Linux:   fs/proc/meminfo.c, stat.c, uptime.c, loadavg.c, version.c, interrupts.c, cmdline.c, cpuinfo.c (6.1)
 * Same:    names and formats; what does not exist here (swap, buffers) is 0.
 * Differs: 1. time is counted as user, system and idle; the rest of stat's columns is 0.
 * Locks:   none of its own.
 * Walk:    free, top, uptime, df -> read().
 */
#include "fs/proc/internal.h"
#include "kernel/cmdline.h"
#include "kernel/irq.h"
#include "kernel/mm.h"
#include "kernel/printk.h"
#include "kernel/sched.h"
#include "kernel/slab.h"
#include "kernel/string.h"
#include "kernel/time.h"

static unsigned long long kb(u64 pages)
{
	return pages * (PAGE_SIZE / KIB);
}

static void add_slab_pages(void *arg, __unused const char *name, __unused long live, __unused long total,
			   __unused size_t size, long pages)
{
	*(u64 *)arg += (u64)pages;
}

static void mem_line(struct seq_file *m, const char *name, u64 pages)
{
	char label[24];

	scnprintf(label, sizeof(label), "%s:", name);
	seq_printf(m, "%-16s%8llu kB\n", label, kb(pages));
}

static void show_meminfo(struct seq_file *m, __unused void *arg)
{
	static const char *const none[] = {
		"Mlocked", "SwapTotal", "SwapFree", "Dirty", "Writeback",
	};
	u64 slab = 0, cached = nr_file_pages(), free = nr_free_pages(), total = totalram_pages();

	slab_for_each(add_slab_pages, &slab);
	mem_line(m, "MemTotal", total);
	mem_line(m, "MemFree", free);
	mem_line(m, "MemAvailable", free);	/* files are memory here: nothing can be dropped for more */
	mem_line(m, "Buffers", 0);
	mem_line(m, "Cached", cached);
	mem_line(m, "SwapCached", 0);
	mem_line(m, "Active", total - free - slab);
	mem_line(m, "Inactive", 0);
	for (size_t i = 0; i < ARRAY_SIZE(none); i++)
		mem_line(m, none[i], 0);
	mem_line(m, "AnonPages", total - free - slab - cached);
	mem_line(m, "Mapped", 0);
	mem_line(m, "Shmem", cached);
	mem_line(m, "Slab", slab);
	mem_line(m, "SReclaimable", 0);
	mem_line(m, "SUnreclaim", slab);
	mem_line(m, "CommitLimit", total);
	mem_line(m, "Committed_AS", total - free);
	mem_line(m, "VmallocTotal", (VMALLOC_END - VMALLOC_START) / PAGE_SIZE);
	seq_puts(m, "HugePages_Total:       0\nHugePages_Free:        0\nHugepagesize:       2048 kB\n");
}

static void show_cpuinfo(struct seq_file *m, __unused void *arg)
{
	char *buf = __getname();
	int cpu;

	if (!buf)
		return;
	for_each_online_cpu(cpu)
		seq_write(m, buf, arch_cpu_text(cpu, buf, PATH_MAX));
	__putname(buf);
}

static void show_seconds(struct seq_file *m, u64 ns, const char *end)
{
	seq_printf(m, "%llu.%02llu%s", (unsigned long long)(ns / NSEC_PER_SEC),
		   (unsigned long long)(ns % NSEC_PER_SEC / (10 * NSEC_PER_MSEC)), end);
}

static void show_uptime(struct seq_file *m, __unused void *arg)
{
	u64 idle = 0;
	int cpu;

	for_each_online_cpu(cpu)
		idle += cpu_idle_time_ns(cpu);
	show_seconds(m, ktime_get_ns(), " ");
	show_seconds(m, idle, "\n");
}

#define FIXED_1 (1 << 11)	/* get_avenrun()'s fraction */
static void show_loadavg(struct seq_file *m, __unused void *arg)
{
	u64 loads[3];

	get_avenrun(loads);
	for (int i = 0; i < 3; i++) {
		u64 v = loads[i] + FIXED_1 / 200;

		seq_printf(m, "%llu.%02llu ", (unsigned long long)(v / FIXED_1),
			   (unsigned long long)(v % FIXED_1 * 100 / FIXED_1));
	}
	seq_printf(m, "%u/%d %d\n", nr_running_tasks(), nr_threads_total(), last_pid());
}

struct time_sum { u64 user, system; };

static bool add_process_time(struct task_struct *p, void *arg)
{
	struct time_sum *s = arg;

	s->user += READ_ONCE(p->utime_ns);
	s->system += READ_ONCE(p->stime_ns);
	return true;
}

static unsigned long long hz(u64 ns)
{
	return ns / (NSEC_PER_SEC / USER_HZ);
}

/* What is not idle is split between user and system as the processes' samples are. */
static void cpu_line(struct seq_file *m, const char *name, u64 busy, u64 idle, const struct time_sum *s)
{
	u64 sum = s->user + s->system, user = sum ? busy / (sum / 1024 + 1) * (s->user / 1024) : 0;

	user = min(user, busy);
	seq_printf(m, "%s %llu 0 %llu %llu 0 0 0 0 0 0\n", name, hz(user), hz(busy - user), hz(idle));
}

static void show_stat(struct seq_file *m, __unused void *arg)
{
	struct time_sum s = { 0, 0 };
	u64 now = ktime_get_ns(), idle = 0, irqs = 0;
	char name[8];
	int cpu;

	for_each_process(add_process_time, &s);
	for_each_online_cpu(cpu)
		idle += cpu_idle_time_ns(cpu);
	u64 all = now * (u64)nr_cpus_online;

	cpu_line(m, "cpu ", all > idle ? all - idle : 0, idle, &s);
	for_each_online_cpu(cpu) {
		idle = cpu_idle_time_ns(cpu);
		scnprintf(name, sizeof(name), "cpu%d", cpu);
		cpu_line(m, name, now > idle ? now - idle : 0, idle, &s);
		for (int irq = 0; irq < 256; irq++)
			irqs += irq_count(irq, cpu);
	}
	seq_printf(m, "intr %llu\nctxt %llu\nbtime %llu\nprocesses %llu\nprocs_running %u\nprocs_blocked 0\n",
		   (unsigned long long)irqs, (unsigned long long)nr_context_switches(),
		   (unsigned long long)((ktime_get_real_ns() - now) / NSEC_PER_SEC),
		   (unsigned long long)total_forks(), nr_running_tasks());
}

static void show_interrupts(struct seq_file *m, __unused void *arg)
{
	int cpu;

	seq_puts(m, "    ");
	for_each_online_cpu(cpu)
		seq_printf(m, "       CPU%d", cpu);
	seq_putc(m, '\n');
	for (int irq = 0; irq < 256; irq++) {
		const char *name = irq_name(irq);

		if (!name)
			continue;
		seq_printf(m, "%3d:", irq);
		for_each_online_cpu(cpu)
			seq_printf(m, " %10llu", (unsigned long long)irq_count(irq, cpu));
		seq_printf(m, "   %s\n", name);
	}
}

static void show_version(struct seq_file *m, __unused void *arg)
{
	const struct new_utsname *u = utsname();

	seq_printf(m, "%s version %s (gcc) %s\n", u->sysname, u->release, u->version);
}

static void show_cmdline(struct seq_file *m, __unused void *arg)
{
	seq_printf(m, "%s\n", cmdline_text());
}

static void slab_line(void *arg, const char *name, long live, long total, size_t size, long pages)
{
	long slabs = pages;

	seq_printf(arg, "%-17s %6ld %6ld %6zu %4ld %4d : tunables %4d %4d %4d : slabdata %6ld %6ld %6d\n", name,
		   live, total, size, slabs ? total / slabs : 0, 1, 0, 0, 0, slabs, slabs, 0);
}

static void show_slabinfo(struct seq_file *m, __unused void *arg)
{
	seq_puts(m, "slabinfo - version: 2.1\n# name            <active_objs> <num_objs> <objsize> "
		    "<objperslab> <pagesperslab> : "
		    "tunables <limit> <batchcount> <sharedfactor> : slabdata <active_slabs> <num_slabs> "
		    "<sharedavail>\n");
	slab_for_each(slab_line, m);
}

static void show_fs(struct seq_file *m, __unused void *arg)
{
	show_filesystems(m);
}

static void show_char_devices(struct seq_file *m, __unused void *arg)
{
	show_devices(m);
}

/* A file that exists on every Linux and has only its heading, or nothing, to say here. */
static void show_fixed(struct seq_file *m, void *text)
{
	seq_puts(m, text);
}

/* The log for programs that do not use syslog(2). */
static void show_kmsg(struct seq_file *m, __unused void *arg)
{
	u64 pos = 0;
	char *buf = __getname();
	size_t n;

	if (!buf)
		return;
	while ((n = printk_read(&pos, buf, PATH_MAX)))
		seq_write(m, buf, n);
	__putname(buf);
}

void proc_system_init(void)
{
	proc_create_single("meminfo", show_meminfo, NULL);
	proc_create_single("cpuinfo", show_cpuinfo, NULL);
	proc_create_single("uptime", show_uptime, NULL);
	proc_create_single("loadavg", show_loadavg, NULL);
	proc_create_single("stat", show_stat, NULL);
	proc_create_single("interrupts", show_interrupts, NULL);
	proc_create_single("version", show_version, NULL);
	proc_create_single("cmdline", show_cmdline, NULL);
	proc_create_single("filesystems", show_fs, NULL);
	proc_create_single("devices", show_char_devices, NULL);
	proc_create_single("slabinfo", show_slabinfo, NULL);
	proc_create_single("kmsg", show_kmsg, NULL);
	proc_create_single("swaps", show_fixed,
			   (void *)(unsigned long)"Filename\t\t\t\tType\t\tSize\t\tUsed\t\tPriority\n");
	proc_create_single("partitions", show_fixed, (void *)(unsigned long)"major minor  #blocks  name\n\n");
	proc_create_single("diskstats", show_fixed, (void *)(unsigned long)"");
}

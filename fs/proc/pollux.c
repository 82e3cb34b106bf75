/*
 * fs/proc/pollux.c - /proc/pollux: what this kernel shows of itself that Linux has elsewhere or not at all.
 *
 * Linux:   none; /sys/kernel/tracing and /proc/lockdep do such jobs
 * Same:    writing to trace forgets the records, as in tracefs.
 * Differs: 1. syscalls: the calls in the table, and how often each number that is not was called. locks: the lock
 *             order. slabs: live objects. races: the seed of race points, in test
 *             builds. trace, trace_on, trace_points: see docs/debugging.md.
 * Locks:   none of its own.
 * Walk:    read("/proc/pollux/trace") -> trace_file_read() -> trace_read(), trace_format().
 */
#include "fs/proc/internal.h"
#include "kernel/race.h"
#include "kernel/slab.h"
#include "kernel/string.h"
#include "kernel/syscall.h"
#include "kernel/trace.h"

static void show_syscalls(struct seq_file *m, __unused void *arg)
{
	for (unsigned int nr = 0; nr < NR_SYSCALLS; nr++) {
		const char *name = syscall_name(nr);

		if (name)
			seq_printf(m, "%3u %s\n", nr, name);
	}
	seq_puts(m, "# asked for, but not there: number and calls\n");
	for (unsigned int nr = 0; nr < NR_SYSCALLS; nr++) {
		u64 n = syscall_name(nr) ? 0 : syscall_unknown_count(nr);

		if (n)
			seq_printf(m, "%3u %llu\n", nr, (unsigned long long)n);
	}
}

struct lock_row { const char *name, *context, *what; int depths; };
#define LOCK_ROW(n, d, c, w) { #n, #c, w, d },
static const struct lock_row lock_rows[] = { LOCK_CLASSES(LOCK_ROW) };

static void show_locks(struct seq_file *m, __unused void *arg)
{
	seq_printf(m, "%-4s %-12s %-6s %-8s %s\n", "rank", "class", "depths", "context", "protects");
	for (size_t i = 0; i < ARRAY_SIZE(lock_rows); i++)
		seq_printf(m, "%-4zu %-12s %-6d %-8s %s\n", i + 1, lock_rows[i].name, lock_rows[i].depths,
			   lock_rows[i].context, lock_rows[i].what);
}

static void show_slab(void *arg, const char *name, long live, long total, size_t size, long pages)
{
	seq_printf(arg, "%-20s %8ld %8ld %8zu %8ld\n", name, live, total, size, pages);
}

static void show_slabs(struct seq_file *m, __unused void *arg)
{
	seq_printf(m, "%-20s %8s %8s %8s %8s\n", "cache", "live", "total", "size", "pages");
	slab_for_each(show_slab, m);
}

static void show_trace_on(struct seq_file *m, __unused void *arg)
{
	for (int i = 0; i < TP_NR; i++) {
		if (trace_enabled[i])
			seq_printf(m, "%s\n", trace_point_name((enum trace_point)i));
	}
}

static void show_trace_points(struct seq_file *m, __unused void *arg)
{
	for (int i = 0; i < TP_NR; i++)
		seq_printf(m, "%s\n", trace_point_name((enum trace_point)i));
}

/* "+tcp_* -schedule" or one a line; without a sign: on. */
static int write_trace_on(const char *text, size_t len, __unused void *arg)
{
	char word[64];
	size_t i = 0;

	while (i < len) {
		size_t n = 0;
		bool on = true;

		while (i < len && (text[i] == ' ' || text[i] == '\n' || text[i] == '\t'))
			i++;
		if (i == len)
			break;
		if (text[i] == '+' || text[i] == '-')
			on = text[i++] == '+';
		while (i < len && text[i] != ' ' && text[i] != '\n' && text[i] != '\t') {
			if (n == sizeof(word) - 1)
				return -EINVAL;
			word[n++] = text[i++];
		}
		word[n] = '\0';
		int err = trace_set(word, on);

		if (err < 0)
			return err;
	}
	return 0;
}

/* One reader's place in the rings, and the text that did not fit its last read. */
struct trace_file {
	u64 cursor;
	size_t len, done;
	char text[4096 - 3 * sizeof(u64)];
};
#define TRACE_BATCH 8

static int trace_file_open(__unused struct inode *inode, struct file *file)
{
	file->private_data = kzalloc(sizeof(struct trace_file), GFP_KERNEL);
	return file->private_data ? stream_open(file->f_inode, file) : -ENOMEM;
}

static int trace_file_release(__unused struct inode *inode, struct file *file)
{
	kfree(file->private_data);
	return 0;
}

/* More text from the rings. Return: false when there is none. */
static bool refill(struct trace_file *tf)
{
	struct trace_record r[TRACE_BATCH];
	size_t n = trace_read(&tf->cursor, r, TRACE_BATCH);

	tf->len = tf->done = 0;
	for (size_t i = 0; i < n; i++) {
		int k = trace_format(&r[i], tf->text + tf->len, sizeof(tf->text) - tf->len);

		tf->len += min((size_t)max(k, 0), sizeof(tf->text) - tf->len);
		if (tf->len && tf->len < sizeof(tf->text) && tf->text[tf->len - 1] != '\n')
			tf->text[tf->len++] = '\n';
	}
	return n > 0;
}

static ssize_t trace_file_read(struct kiocb *iocb, struct iov_iter *to)
{
	struct trace_file *tf = iocb->ki_filp->private_data;
	ssize_t ret = 0;

	while (iov_iter_count(to)) {
		if (tf->done == tf->len && !refill(tf))
			break;
		size_t n = min(tf->len - tf->done, iov_iter_count(to)),
		       copied = copy_to_iter(tf->text + tf->done, n, to);

		tf->done += copied;
		ret += (ssize_t)copied;
		if (copied < n)
			return ret ? ret : -EFAULT;
	}
	return ret;
}

static ssize_t trace_file_write(__unused struct kiocb *iocb, struct iov_iter *from)
{
	size_t n = iov_iter_count(from);

	trace_clear();
	iov_iter_advance(from, n);
	return (ssize_t)n;
}

static const struct file_operations trace_fops = {
	.open = trace_file_open,
	.read_iter = trace_file_read,
	.write_iter = trace_file_write,
	.release = trace_file_release,
};

static void show_races(struct seq_file *m, __unused void *arg)
{
	struct race_stats s;

	race_stats(&s);
	seq_printf(m, "seed %llu hash %016llx switches %llu moves %llu spins %llu\n", (unsigned long long)s.seed,
		   (unsigned long long)s.hash, (unsigned long long)s.switches, (unsigned long long)s.moves,
		   (unsigned long long)s.spins);
	for (int i = 0; i < RACE_NR; i++)
		seq_printf(m, "%-16s %llu\n", race_point_name((enum race_point)i), (unsigned long long)s.hits[i]);
}

static int write_races(const char *text, __unused size_t len, __unused void *arg)
{
	u64 seed;
	int err = kstrtou64(text, 0, &seed);

	if (!err)
		race_seed(seed);
	return err;
}

void proc_pollux_init(void)
{
	if (CONFIG_DEBUG)
		proc_create_rw("pollux/races", show_races, write_races, NULL);
	proc_create_single("pollux/syscalls", show_syscalls, NULL);
	proc_create_single("pollux/locks", show_locks, NULL);
	proc_create_single("pollux/slabs", show_slabs, NULL);
	proc_create_rw("pollux/trace_on", show_trace_on, write_trace_on, NULL);
	proc_create_single("pollux/trace_points", show_trace_points, NULL);
	proc_add("pollux/trace", S_IFREG | 0644)->fops = &trace_fops;
}

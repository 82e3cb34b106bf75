/*
 * kernel/debug/trace.c - tracepoints: rings of records for each CPU, switched by name.
 *
 * Linux:   kernel/trace/trace.c, ring_buffer.c, trace_events.c (6.1)
 * Same:    each CPU writes its own ring with interrupts off; the oldest records are overwritten;
 *          readers merge.
 * Differs: 1. records of one size. 2. a number common to all CPUs orders them, not their clocks
 *             alone.
 *          3. the rings are allocated when the first point is switched on: who does not trace, pays
 *             nothing.
 * Locks:   TRACE for switching and among readers. A reader and a writer meet without a lock:
 *
 *             writer                     reader
 *             slot->seq = 0              before = slot->seq
 *             slot->record = ...         copy of slot->record
 *             slot->seq = n              slot->seq == before, and not 0? then the copy is whole
 *
 * Walk:    trace() -> trace_record_slow();  /proc/pollux/trace -> trace_read().
 */
#include "kernel/arch.h"
#include "kernel/atomic.h"
#include "kernel/cmdline.h"
#include "kernel/errno.h"
#include "kernel/mm.h"
#include "kernel/percpu.h"
#include "kernel/preempt.h"
#include "kernel/printk.h"
#include "kernel/race.h"
#include "kernel/spinlock.h"
#include "kernel/string.h"
#include "kernel/task.h"
#include "kernel/time.h"
#include "kernel/trace.h"
#include "kernel/wake_reason.h"

enum {
	DEFAULT_RECORDS = 4096, MIN_RECORDS = 64, MAX_RECORDS = 1 << 20, LINE_MAX = 200,
	PATTERNS_MAX = 256,
};

struct slot { u64 seq; struct trace_record record; };
/* @head: records written so far; the slot of record n is n mod the number of slots. */
struct ring { struct slot *slots; u64 head; };

struct point { const char *name, *arg[4]; };
#define TRACE_POINT(name, a, b, c, d) [TP_##name] = { #name, { #a, #b, #c, #d } },
static const struct point points[TP_NR] = {
#include "kernel/trace_points.def"
};
#undef TRACE_POINT
static const char *const context_names[] = {
	[TRACE_TASK] = "task", [TRACE_SOFTIRQ] = "softirq", [TRACE_HARDIRQ] = "hardirq"
};

u8 trace_enabled[TP_NR];
DEFINE_PER_CPU(u32, trace_current_skb);
static DEFINE_PER_CPU(struct ring, ring);
static DEFINE_SPINLOCK(trace_lock, LC_TRACE);
static u64 nr_slots;			/* a power of two; 0: no rings yet */
static u64 last_seq;			/* atomic: given to the youngest record */
static u64 cleared_seq;			/* readers start behind it */

/* --- recording --- */

static u8 trace_context(void)
{
	return in_hardirq() ? TRACE_HARDIRQ : in_serving_softirq() ? TRACE_SOFTIRQ : TRACE_TASK;
}

void trace_record_slow(enum trace_point point, u64 a, u64 b, u64 c, u64 d)
{
	const struct task_struct *p = current;
	struct slot *slot;
	struct ring *r;
	unsigned long flags;

	local_irq_save(flags);
	r = this_cpu_ptr(&ring);
	if (unlikely(!r->slots))
		goto out;
	slot = &r->slots[r->head & (nr_slots - 1)];
	WRITE_ONCE(slot->seq, 0);
	barrier(); /* pairs with read_slot() */
	slot->record = (struct trace_record){
		.time_ns = arch_clock_ns(), .pid = p ? (u32)p->pid : 0, .point = (u16)point,
		.cpu = (u8)smp_processor_id(), .context = trace_context(), .arg = { a, b, c, d },
	};
	smp_store_release(
		&slot->seq,
		__atomic_add_fetch(&last_seq, 1, __ATOMIC_RELAXED)); /* pairs with read_slot() */
	WRITE_ONCE(r->head, r->head + 1);
out:
	local_irq_restore(flags);
}

/* --- switching --- */

static int alloc_rings(void)
{
	u64 n = cmdline_get_u64("trace_buf", DEFAULT_RECORDS);
	int cpu;

	if (nr_slots)
		return 0;
	n = clamp(n, (u64)MIN_RECORDS, (u64)MAX_RECORDS);
	n = BIT(63 - __builtin_clzl(n));
	for_each_possible_cpu(cpu) {
		struct slot *slots = vmalloc(n * sizeof(*slots));

		if (!slots)
			goto out_free;
		memset(slots, 0, n * sizeof(*slots));
		/* Two tasks may come here at once; the second one's memory is not needed. */
		if (cmpxchg(&per_cpu(ring, cpu).slots, NULL, slots))
			vfree(slots);
	}
	WRITE_ONCE(nr_slots, n);
	return 0;

out_free:
	while (cpu-- > 0)
		vfree(xchg(&per_cpu(ring, cpu).slots, NULL));
	return -ENOMEM;
}

int trace_set(const char *pattern, bool on)
{
	int n = 0;
	int err = on ? alloc_rings() : 0;
	unsigned long flags;

	if (err)
		return err;
	spin_lock_irqsave(&trace_lock, flags); /* at boot interrupts are off and stay so */
	for (int i = 0; i < TP_NR; i++) {
		if (!glob_match(pattern, points[i].name))
			continue;
		WRITE_ONCE(trace_enabled[i], on);
		n++;
	}
	spin_unlock_irqrestore(&trace_lock, flags);
	return n ? n : -EINVAL;
}

/* trace=PATTERN[,PATTERN...] on the command line. */
static void switch_from_cmdline(void)
{
	char patterns[PATTERNS_MAX], *p = patterns, *comma;

	if (!cmdline_get("trace", patterns, sizeof(patterns)))
		return;
	do {
		comma = strchr(p, ',');
		if (comma)
			*comma = '\0';
		if (trace_set(p, true) < 0)
			pr_warn("trace=%s: no such tracepoint\n", p);
		p = comma + 1;
	} while (comma);
}

void trace_init(void) { switch_from_cmdline(); }

void trace_clear(void)
{
	spin_lock_irq(&trace_lock);
	cleared_seq = READ_ONCE(last_seq);
	spin_unlock_irq(&trace_lock);
}

/* --- reading --- */

/*
 * Copy record @n of @r. Return: its number among all CPUs' records; 0 if it is being written or
 * gone.
 */
static u64 read_slot(const struct ring *r, u64 n, struct trace_record *out)
{
	const struct slot *slot = &r->slots[n & (nr_slots - 1)];
	u64 before = smp_load_acquire(&slot->seq);

	*out = slot->record;
	barrier(); /* x86 does not reorder loads */
	return READ_ONCE(slot->seq) == before ? before : 0;
}

static u64 oldest_kept(const struct ring *r)
{
	u64 head = READ_ONCE(r->head);

	return head > nr_slots ? head - nr_slots : 0;
}

/*
 * The first record of @r with a number of at least @seq, by binary search; the head if there is
 * none.
 */
static u64 find_from(const struct ring *r, u64 seq)
{
	u64 low = oldest_kept(r), high = READ_ONCE(r->head);

	while (low < high) {
		u64 mid = low + (high - low) / 2;
		u64 s = READ_ONCE(r->slots[mid & (nr_slots - 1)].seq);

		if (s >= seq)
			high = mid;
		else
			low = mid + 1;
	}
	return low;
}

/*
 * The record with the least number of at least @seq into *@out. Return: its number, 0 if there is
 * none.
 */
static u64 next_record(u64 seq, u64 at[], struct trace_record *out)
{
	u64 best = 0;
	int cpu, best_cpu = 0;

	for_each_possible_cpu(cpu) {
		const struct ring *r = &per_cpu(ring, cpu);
		struct trace_record copy;
		u64 s = 0;

		/* Records that were overwritten since the search are skipped. */
		for (; at[cpu] < READ_ONCE(r->head) && (s = read_slot(r, at[cpu], &copy)) < seq;
		     s = 0)
			at[cpu]++;
		if (s && (!best || s < best)) {
			best = s;
			best_cpu = cpu;
			*out = copy;
		}
	}
	if (best)
		at[best_cpu]++;
	return best;
}

static size_t read_records(u64 *cursor, struct trace_record *out, size_t max)
{
	u64 at[NR_CPUS], seq = max(*cursor, cleared_seq + 1);
	size_t n = 0;
	int cpu;

	if (!nr_slots)
		return 0;
	for_each_possible_cpu(cpu)
		at[cpu] = find_from(&per_cpu(ring, cpu), seq);
	while (n < max) {
		u64 s = next_record(seq, at, &out[n]);

		if (!s)
			break;
		seq = s + 1;
		n++;
	}
	*cursor = seq;
	return n;
}

size_t trace_read(u64 *cursor, struct trace_record *out, size_t max)
{
	size_t n;

	spin_lock_irq(&trace_lock);
	n = read_records(cursor, out, max);
	spin_unlock_irq(&trace_lock);
	return n;
}

const char *trace_point_name(enum trace_point point)
{
	return point < TP_NR ? points[point].name : "?";
}

/* Bits of poll(2) and epoll(7), as programs know them; kernel code may not include the headers of fs. */
static const struct { u32 bit; const char *name; } event_names[] = {
	{ 0x001, "IN" }, { 0x002, "PRI" }, { 0x004, "OUT" }, { 0x008, "ERR" }, { 0x010, "HUP" }, { 0x020, "NVAL" },
	{ 0x040, "RDNORM" }, { 0x080, "RDBAND" }, { 0x100, "WRNORM" }, { 0x200, "WRBAND" }, { 0x400, "MSG" },
	{ 0x2000, "RDHUP" }, { 1U << 28, "EXCLUSIVE" }, { 1U << 29, "WAKEUP" }, { 1U << 30, "ONESHOT" },
	{ 1U << 31, "ET" },
};

/* "IN|RDNORM"; "any" for a wake-up that names no events, "none" for an item that asks for none. */
static int format_events(char *buf, size_t size, const char *name, u64 v)
{
	int len = scnprintf(buf, size, " %s=%s", name, v ? "" : strcmp(name, "key") == 0 ? "any" : "none");
	const char *bar = "";

	for (size_t i = 0; i < ARRAY_SIZE(event_names); i++) {
		if (!(v & event_names[i].bit))
			continue;
		len += scnprintf(buf + len, size - (size_t)len, "%s%s", bar, event_names[i].name);
		v &= ~(u64)event_names[i].bit;
		bar = "|";
	}
	return v ? len + scnprintf(buf + len, size - (size_t)len, "%s0x%lx", bar, v) : len;
}

#define WAKE_REASON(name, word, what) [WAKE_##name] = word,
static const char *const wake_words[WAKE_REASON_NR] = {
#include "kernel/wake_reasons.def"
};
#undef WAKE_REASON

const char *wake_reason_word(enum wake_reason reason) { return reason < WAKE_REASON_NR ? wake_words[reason] : "?"; }

static int format_arg(char *buf, size_t size, const char *name, u64 v)
{
	be32 addr = { (u32)v };

	if (strcmp(name, "ip") == 0)
		return scnprintf(buf, size, " ip=%pS", (void *)v);
	if (strcmp(name, "addr4") == 0)
		return scnprintf(buf, size, " addr4=%pI4", (void *)&addr);
	if (strcmp(name, "ptr") == 0)
		return scnprintf(buf, size, " ptr=0x%lx", v);
	if (strcmp(name, "key") == 0 || strcmp(name, "events") == 0)
		return format_events(buf, size, name, v);
	if (strcmp(name, "outcome") == 0)
		return scnprintf(buf, size, " outcome=%s", wake_reason_word((enum wake_reason)v));
	if (strcmp(name, "point") == 0)
		return scnprintf(buf, size, " point=%s", race_point_name((enum race_point)v));
	if (strcmp(name, "action") == 0)
		return scnprintf(buf, size, " action=%s", race_action_word((enum race_action)v));
	return scnprintf(buf, size, " %s=%ld", name, (long)v);
}

int trace_format(const struct trace_record *r, char *buf, size_t size)
{
	const struct point *p = &points[r->point < TP_NR ? r->point : 0];
	int len = scnprintf(buf, size, "%5llu.%09llu cpu%u pid=%u %-7s %s",
			    r->time_ns / NSEC_PER_SEC, r->time_ns % NSEC_PER_SEC, r->cpu, r->pid,
			    context_names[r->context], p->name);

	for (int i = 0; i < 4; i++)
		if (strcmp(p->arg[i], "_") != 0)
			len += format_arg(buf + len, size - (size_t)len, p->arg[i], r->arg[i]);
	return len;
}

void trace_dump_last(int n)
{
	static char line[LINE_MAX];
	u64 last = READ_ONCE(last_seq), cursor = last > (u64)n ? last - (u64)n + 1 : 1;
	struct trace_record r;

	if (!nr_slots)
		return;
	printk(LOGLEVEL_EMERG, "last trace records:\n");
	while (read_records(&cursor, &r, 1)) {
		trace_format(&r, line, sizeof(line));
		printk(LOGLEVEL_EMERG, "%s\n", line);
	}
}

/*
 * kernel/trace.h - tracepoints: named places that record who passed, when, and in which context.
 *
 * Linux:   include/linux/tracepoint.h, kernel/trace (6.1)
 * Same:    always compiled in, switched at run time by name; per-CPU rings of records.
 * Differs: 1. one list (kernel/trace_points.def) and one record shape: up to four numbers.
 *          2. off costs one byte test on one shared cache line group; no code patching.
 * Locks:   TRACE for switching; recording takes none (interrupts off, own CPU's ring).
 * Walk:    the points are the walk.
 */
#pragma once
#include "kernel/types.h"

#define TRACE_POINT(name, a, b, c, d) TP_##name,
enum trace_point {
#include "kernel/trace_points.def"
	TP_NR
};
#undef TRACE_POINT

enum trace_context { TRACE_TASK, TRACE_SOFTIRQ, TRACE_HARDIRQ };
struct trace_record {
	u64 time_ns;
	u32 pid;
	u16 point;		/* enum trace_point */
	u8 cpu;
	u8 context;		/* enum trace_context */
	u64 arg[4];
};
static_assert(sizeof(struct trace_record) == 48, "rings hold whole records");

extern u8 trace_enabled[TP_NR];
/* trace_record_slow - write a record into this CPU's ring. Context: any, NMI excepted. */
void trace_record_slow(enum trace_point point, u64 a, u64 b, u64 c, u64 d);

/*
 * trace(name, up to four numbers) - the tracepoint @name. Its arguments are evaluated only when it
 * is on.
 */
#define __TRACE_PICK(_0, a, b, c, d, ...) (u64)(a), (u64)(b), (u64)(c), (u64)(d)
#define trace(name, ...) do { if (unlikely(trace_enabled[TP_##name]))				\
	trace_record_slow(TP_##name, __TRACE_PICK(0, ##__VA_ARGS__, 0, 0, 0, 0)); } while (0)

/*
 * trace_set - switch every point that matches @pattern ("tcp_*", "*"). Return: how many, or
 * -EINVAL. Context: task.
 */
int trace_set(const char *pattern, bool on);
/* trace_init - allocate the rings; trace= on the command line switches points. Context: boot. */
void trace_init(void);
/* trace_format - one record as a line of text. Return: its length. Context: any. */
int trace_format(const struct trace_record *r, char *buf, size_t size);
/* trace_point_name - Context: any. */
const char *trace_point_name(enum trace_point point);
/*
 * trace_read - the records of all rings in order of time, from *@cursor (0: oldest kept) on.
 * Return: records written to @out. Context: task.
 */
size_t trace_read(u64 *cursor, struct trace_record *out, size_t max);
/*
 * trace_clear - forget all records. trace_dump_last - print the last @n, for a panic (takes no
 * lock).
 */
void trace_clear(void);
void trace_dump_last(int n);
/* The packet whose softirq processing is under way on this CPU: lets a wake-up name its cause. */
#include "kernel/percpu.h"
DECLARE_PER_CPU(u32, trace_current_skb);

/*
 * kernel/debug/panic.c - the end: panics, failed assertions; and warnings, after which we go on.
 *
 * Linux:   kernel/panic.c (6.1)
 * Same:    one CPU reports, the others stop; a panic while panicking says so and gives up.
 * Differs: 1. the machine always ends (with a failing exit code where QEMU offers one): nobody
 *             waits at the console.
 *          2. the last trace records and the locks held are printed too.
 * Locks:   none: whatever is held stays held.
 * Walk:    ASSERT(), die() -> panic() -> machine_exit().
 */
#include <stdarg.h>
#include "kernel/arch.h"
#include "kernel/atomic.h"
#include "kernel/bug.h"
#include "kernel/irqflags.h"
#include "kernel/lockdep.h"
#include "kernel/printk.h"
#include "kernel/string.h"
#include "kernel/task.h"
#include "kernel/trace.h"

enum { NO_CPU = -1, PANIC_TEXT_MAX = 256, PANIC_TRACE_RECORDS = 24 };

static int panic_cpu = NO_CPU;
int warn_count;

static void print_context(int level)
{
	const struct task_struct *p = current;

	printk(level, "CPU %d, task %d (%s), preempt count %#x\n", smp_processor_id(),
	       p ? p->pid : 0, p ? p->comm : "none", preempt_count());
}

/* The first CPU goes on. A second one waits to be stopped; a second panic on the first ends it. */
static void claim_panic(const char *text)
{
	int before = cmpxchg(&panic_cpu, NO_CPU, smp_processor_id());

	if (before == NO_CPU)
		return;
	while (before != smp_processor_id())
		cpu_relax();
	printk_panic_mode();
	printk(LOGLEVEL_EMERG, "panic in panic: %s\n", text);
	machine_exit(PANIC_EXIT_CODE);
}

void panic(const char *fmt, ...)
{
	char text[PANIC_TEXT_MAX];
	va_list ap;

	local_irq_disable();
	va_start(ap, fmt);
	vscnprintf(text, sizeof(text), fmt, ap);
	va_end(ap);
	claim_panic(text);
	smp_stop_others();
	printk_panic_mode();
	printk(LOGLEVEL_EMERG, "Kernel panic: %s\n", text);
	print_context(LOGLEVEL_EMERG);
	dump_stack();
	lockdep_print_held();
	trace_dump_last(PANIC_TRACE_RECORDS);
	printk(LOGLEVEL_EMERG, "end of kernel panic: %s\n", text);
	machine_exit(PANIC_EXIT_CODE);
}

void assert_failed(const char *expr, const char *file, int line)
{
	panic("ASSERT(%s) failed at %s:%d", expr, file, line);
}

void warn_failed(const char *expr, const char *file, int line)
{
	__atomic_fetch_add(&warn_count, 1, __ATOMIC_RELAXED);
	printk(LOGLEVEL_WARNING, "WARN: %s at %s:%d\n", expr, file, line);
	print_context(LOGLEVEL_WARNING);
	dump_stack();
}

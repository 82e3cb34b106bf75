/*
 * kernel/debug/ktest.c - runs the in-kernel tests, and holds those of memory, messages and traces.
 *
 * Linux:   lib/kunit/test.c, mm/slub_kunit (lib/slub_kunit.c) (6.1)
 * Same:    KTAP on the console.
 * Differs: 1. no suites, no mocks.
 * Locks:   what is tested takes its own.
 * Walk:    kernel_init() -> ktest_run_all() -> ktest_objects_may_be_freed_on_another_cpu() ...
 */
#include "kernel/arch.h"
#include "kernel/cmdline.h"
#include "kernel/errno.h"
#include "kernel/ktest.h"
#include "kernel/mm.h"
#include "kernel/percpu.h"
#include "kernel/printk.h"
#include "kernel/slab.h"
#include "kernel/string.h"
#include "kernel/task.h"
#include "kernel/trace.h"
#include "kernel/uaccess.h"

struct ktest { const char *name; void (*run)(void); };
#define KTEST_CASE(name) { #name, ktest_##name },
static const struct ktest cases[] = {
#include "kernel/debug/ktest_cases.def"
};
#undef KTEST_CASE
static int failures;	/* of the case that runs */

void ktest_failed(const char *expr, const char *file, int line)
{
	failures++;
	printk(LOGLEVEL_WARNING, "# %s does not hold at %s:%d\n", expr, file, line);
}

void ktest_run_all(void)
{
	int bad = 0, n = (int)ARRAY_SIZE(cases);

	if (!cmdline_has("ktest"))
		return;
	printk(LOGLEVEL_NOTICE, "KTAP version 1\n");
	printk(LOGLEVEL_NOTICE, "1..%d\n", n);
	for (int i = 0; i < n; i++) {
		failures = 0;
		cases[i].run();
		bad += failures != 0;
		printk(LOGLEVEL_NOTICE, "%sok %d - %s\n", failures ? "not " : "", i + 1,
		       cases[i].name);
	}
	WARN_ON(bad != 0);
}

/* --- memory: each CPU allocates, then each frees what its neighbor got; all in interrupts --- */

enum { PER_CPU_OBJECTS = 400, ROUNDS = 20 };
static void *held[NR_CPUS][PER_CPU_OBJECTS];

static void **neighbors(void) { return held[(smp_processor_id() + 1) % nr_cpus_online]; }

struct live { const char *name; long objects; };
static void find_live(void *arg, const char *name, long live, __unused long total,
		      __unused size_t size, __unused long pages)
{
	struct live *l = arg;

	if (strcmp(name, l->name) == 0)
		l->objects = live;
}

static long live_objects(const char *name)
{
	struct live l = { name, -1 };

	slab_for_each(find_live, &l);
	return l.objects;
}

static void alloc_objects(__unused void *arg)
{
	void **mine = held[smp_processor_id()];

	for (int i = 0; i < PER_CPU_OBJECTS; i++) {
		mine[i] = kmalloc(200, GFP_ATOMIC);
		if (mine[i])
			memset(mine[i], smp_processor_id(), 200);
	}
}

static void free_objects(__unused void *arg)
{
	void **theirs = neighbors();

	for (int i = 0; i < PER_CPU_OBJECTS; i++)
		kfree(theirs[i]);
}

void ktest_objects_may_be_freed_on_another_cpu(void)
{
	long before = live_objects("kmalloc-256");

	for (int i = 0; i < ROUNDS; i++) {
		smp_call_function_all(alloc_objects, NULL);
		KTEST_EXPECT(live_objects("kmalloc-256") ==
			     before + (long)PER_CPU_OBJECTS * nr_cpus_online);
		smp_call_function_all(free_objects, NULL);
	}
	KTEST_EXPECT(live_objects("kmalloc-256") == before);
}

static void alloc_single_pages(__unused void *arg)
{
	for (int i = 0; i < PER_CPU_OBJECTS; i++)
		held[smp_processor_id()][i] = get_free_page(GFP_ATOMIC);
}

static void free_single_pages(__unused void *arg)
{
	for (int i = 0; i < PER_CPU_OBJECTS; i++)
		free_page(neighbors()[i]);
}

void ktest_pages_may_be_freed_on_another_cpu(void)
{
	u64 before;

	drop_caches();
	before = nr_free_pages();
	for (int i = 0; i < ROUNDS; i++) {
		smp_call_function_all(alloc_single_pages, NULL);
		smp_call_function_all(free_single_pages, NULL);
	}
	drop_caches();
	KTEST_EXPECT(nr_free_pages() == before);
}

static void alloc_every_size(__unused void *arg)
{
	for (size_t size = 1; size <= 16384; size += 1 + size / 5) {
		u8 *p = __kmalloc(size, GFP_ATOMIC | __GFP_ZERO);

		KTEST_EXPECT(p);
		if (!p)
			continue;
		KTEST_EXPECT(p[0] == 0 && p[size - 1] == 0 && ksize(p) >= size);
		memset(p, 0xff, size);
		kfree(p);
	}
}

void ktest_every_kmalloc_size_works_in_interrupts(void)
{
	smp_call_function_all(alloc_every_size, NULL);
}

void ktest_vmalloc_maps_zero_gaps_and_gives_back(void)
{
	enum { SIZE = 300 * 1024 };
	u8 *p = vmalloc(SIZE), *q = vmalloc(1);
	u64 free_between = nr_free_pages(), word;

	KTEST_EXPECT(p && q);
	if (!p || !q)
		return;
	for (size_t i = 0; i < SIZE; i += 512)
		p[i] = (u8)(i / 512);
	for (size_t i = 0; i < SIZE; i += 512)
		KTEST_EXPECT(p[i] == (u8)(i / 512));
	KTEST_EXPECT(copy_from_kernel_nofault(&word, p + SIZE) == -EFAULT);
	KTEST_EXPECT(q >= p + SIZE + PAGE_SIZE || q + 2 * PAGE_SIZE <= p);
	vfree(p);
	KTEST_EXPECT(copy_from_kernel_nofault(&word, p) == -EFAULT);
	KTEST_EXPECT(nr_free_pages() >= free_between + SIZE / PAGE_SIZE);
	vfree(q);
	vfree(NULL);
}

void ktest_large_allocations_fail_cleanly(void)
{
	KTEST_EXPECT(!kmalloc(KMALLOC_MAX_SIZE + 1, GFP_KERNEL));
	KTEST_EXPECT(!kcalloc(U64_MAX, 2, GFP_KERNEL));
	KTEST_EXPECT(!vmalloc((totalram_pages() + 1) * PAGE_SIZE));
	KTEST_EXPECT(!alloc_pages(GFP_KERNEL, MAX_ORDER + 1));
}

/* --- user memory --- */

void ktest_user_copies_refuse_kernel_addresses(void)
{
	u64 here = 1;
	u32 old;

	KTEST_EXPECT(copy_from_user(&here, UPTR(&here), 8) == 8);
	KTEST_EXPECT(here == 0);
	KTEST_EXPECT(copy_to_user(UPTR(&here), &here, 8) == 8);
	KTEST_EXPECT(put_user(here, UPTR(TASK_SIZE - 4)) == -EFAULT);
	KTEST_EXPECT(get_user(here, UPTR(U64_MAX - 3)) == -EFAULT);
	KTEST_EXPECT(clear_user(UPTR(&here), 8) == 8);
	KTEST_EXPECT(cmpxchg_user_u32(UPTR(&here), 0, 1, &old) == -EFAULT);
	KTEST_EXPECT(!access_ok(UPTR(TASK_SIZE), 1) && access_ok(UPTR(TASK_SIZE), 0));
	KTEST_EXPECT(!access_ok(UPTR(16), U64_MAX));
}

void ktest_user_copies_without_an_address_space_fail(void)
{
	char buf[16];
	u64 v;

	if (current->mm)
		return;
	KTEST_EXPECT(copy_from_user(buf, UPTR(0x400000), sizeof(buf)) == sizeof(buf));
	KTEST_EXPECT(copy_from_user_nofault(buf, UPTR(0x400000), 8) == 8);
	KTEST_EXPECT(strncpy_from_user(buf, UPTR(0x400000), sizeof(buf)) == -EFAULT);
	KTEST_EXPECT(strnlen_user(UPTR(0x400000), 5) == 0);
	KTEST_EXPECT(get_user(v, UPTR(0x400000)) == -EFAULT);
}

/* A parent that is never run: its pages are written as exec writes a program's arguments. */
void ktest_a_copied_address_space_is_given_back(void)
{
	unsigned long flags = MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED;
	struct mm_struct *mm, *copy;
	char text[8] = "castor";
	u64 before;

	drop_caches();
	before = nr_free_pages();
	mm = mm_alloc();
	KTEST_EXPECT(mm);
	if (!mm)
		return;
	KTEST_EXPECT(mm_map(mm, NULL, 0x400000, 64 * PAGE_SIZE, PROT_READ | PROT_WRITE, flags, 0) ==
		     0x400000);
	KTEST_EXPECT(access_process_vm(mm, 0x400ffc, text, sizeof(text), true) == sizeof(text));
	copy = dup_mm(mm);
	KTEST_EXPECT(copy);
	if (copy) {
		KTEST_EXPECT(access_process_vm(copy, 0x400ffc, "pollux", 7, true) == 7);
		mmput(copy);
	}
	KTEST_EXPECT(access_process_vm(mm, 0x400ffc, text, sizeof(text), false) == sizeof(text));
	KTEST_EXPECT(strcmp(text, "castor") == 0);
	KTEST_EXPECT(access_process_vm(mm, 0x43fffc, text, sizeof(text), false) == 4);
	mmput(mm);
	drop_caches();
	KTEST_EXPECT(nr_free_pages() + 32 >= before); /* tables are kept for the next one */
}

/* --- messages and traces --- */

void ktest_symbols_are_found_by_address_and_name(void)
{
	unsigned long off = 1;
	const char *name = kallsyms_lookup((unsigned long)ktest_run_all, &off);
	char text[64];

	KTEST_EXPECT(name && strcmp(name, "ktest_run_all") == 0 && off == 0);
	KTEST_EXPECT(kallsyms_lookup_name("ktest_run_all") == (unsigned long)ktest_run_all);
	KTEST_EXPECT(!kallsyms_lookup(0x1000, &off) && !kallsyms_lookup_name("no such function"));
	snprintf(text, sizeof(text), "%pS", (u8 *)ktest_run_all + 3);
	KTEST_EXPECT(strcmp(text, "ktest_run_all+0x3") == 0);
}

void ktest_the_log_ring_keeps_the_youngest_lines(void)
{
	enum { LINES = 1500 };
	char buf[256], last[32];
	int lines = 0;
	u64 pos = 0;

	for (int i = 0; i < LINES; i++)
		pr_debug("ktest line %d, long enough for the ring to be filled by these lines "
			 "alone\n",
			 i);
	snprintf(last, sizeof(last), "ktest line %d,", LINES - 1);
	for (size_t n; (n = printk_read(&pos, buf, sizeof(buf) - 1)); lines++) {
		buf[n] = '\0';
		KTEST_EXPECT(buf[0] == '<' && buf[n - 1] == '\n');
	}
	KTEST_EXPECT(lines > 100 && strstr(buf, last));
}

void ktest_tracepoints_record_in_order(void)
{
	struct trace_record r[4];
	u64 cursor = 0;
	char line[160];

	KTEST_EXPECT(trace_set("no_such_*", true) == -EINVAL);
	if (trace_enabled[TP_exec])
		return;
	KTEST_EXPECT(trace_set("exec", true) == 1);
	trace_clear();
	for (int i = 1; i <= 3; i++)
		trace(exec, i);
	KTEST_EXPECT(trace_set("exec", false) == 1);
	trace(exec, 4);
	KTEST_EXPECT(trace_read(&cursor, r, ARRAY_SIZE(r)) == 3);
	KTEST_EXPECT(r[0].arg[0] == 1 && r[1].arg[0] == 2 && r[2].arg[0] == 3);
	KTEST_EXPECT(r[0].point == TP_exec && r[0].time_ns <= r[2].time_ns);
	KTEST_EXPECT(trace_format(&r[2], line, sizeof(line)) > 0 &&
		     strstr(line, " task    exec pid=3"));
	trace_clear();
	KTEST_EXPECT(trace_read(&cursor, r, ARRAY_SIZE(r)) == 0);
}

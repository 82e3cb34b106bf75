/*
 * kernel/x86/backtrace.c - how we got here: a walk along the frame pointers, with names.
 *
 * Linux:   arch/x86/kernel/unwind_frame.c, dumpstack.c, kernel/kallsyms.c (6.1)
 * Same:    return addresses with symbol and offset.
 * Differs: 1. the whole kernel keeps frame pointers, so nothing is guessed.
 *          2. the symbol table is a sorted list of functions (tools/kallsyms.py), not compressed.
 * Locks:   none.
 * Walk:    panic(), warn_failed() -> dump_stack().
 */
#include "kernel/printk.h"
#include "kernel/string.h"
#include "kernel/x86/x86.h"

enum { MAX_FRAMES = 32 };

/* tools/kallsyms.py: address less KERNEL_BASE and offset into the names, in order of address. */
struct kallsym { u32 address, name; };
extern const struct kallsym kallsyms_table[], kallsyms_table_end[];
extern const char kallsyms_names[];
extern const char __kernel_start[], __text_end[];

const char *kallsyms_lookup(unsigned long addr, unsigned long *off)
{
	const struct kallsym *lo = kallsyms_table, *hi = kallsyms_table_end;
	u32 a;

	if (addr < (u64)__kernel_start || addr >= (u64)__text_end)
		return NULL;
	a = (u32)(addr - KERNEL_BASE);
	/* lo: the last entry known to be at or below a, if there is any; hi: the first above. */
	while (hi - lo > 1) {
		const struct kallsym *mid = lo + (hi - lo) / 2;

		if (mid->address <= a)
			lo = mid;
		else
			hi = mid;
	}
	if (lo == kallsyms_table_end || lo->address > a)
		return NULL;
	*off = a - lo->address;
	return kallsyms_names + lo->name;
}

unsigned long kallsyms_lookup_name(const char *name)
{
	for (const struct kallsym *s = kallsyms_table; s < kallsyms_table_end; s++)
		if (!strcmp(kallsyms_names + s->name, name))
			return KERNEL_BASE + s->address;
	return 0;
}

static void print_frame(unsigned long ip)
{
	unsigned long off;
	const char *name = kallsyms_lookup(ip, &off);

	if (name)
		pr_err("  [<%016lx>] %s+0x%lx\n", ip, name, off);
	else
		pr_err("  [<%016lx>]\n", ip);
}

/* Frames go up the stack, each within a stack's length of the last; anything else is the end. */
static bool next_frame(unsigned long *ip, unsigned long *fp)
{
	u64 next, ret;

	if (*fp < PAGE_OFFSET || *fp % sizeof(u64))
		return false;
	if (copy_from_kernel_nofault(&next, (void *)*fp) || copy_from_kernel_nofault(&ret, (void *)(*fp + sizeof(u64))))
		return false;
	if (ret < (u64)__kernel_start || ret >= (u64)__text_end)
		return false;
	*ip = ret;
	*fp = next > *fp && next - *fp < THREAD_SIZE ? next : 0;
	return true;
}

void dump_stack_from(unsigned long ip, unsigned long fp)
{
	pr_err("Call trace:\n");
	print_frame(ip);
	for (int i = 1; i < MAX_FRAMES && next_frame(&ip, &fp); i++)
		print_frame(ip);
}

noinline void dump_stack(void) { dump_stack_from((unsigned long)__builtin_return_address(0), *(unsigned long *)frame_pointer()); }

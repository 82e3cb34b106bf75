/*
 * kernel/x86/backtrace.c - how we got here: a walk along the frame pointers, with names.
 *
 * Linux:   arch/x86/kernel/unwind_frame.c, dumpstack.c (6.1)
 * Same:    return addresses with symbol and offset.
 * Differs: 1. the whole kernel keeps frame pointers, so nothing is guessed.
 * Locks:   none.
 * Walk:    panic(), warn_failed() -> dump_stack().
 */
#include "kernel/printk.h"
#include "kernel/sections.h"
#include "kernel/x86/x86.h"

enum { MAX_FRAMES = 32 };

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

noinline void dump_stack(void)
{
	dump_stack_from(_RET_IP_, *(unsigned long *)frame_pointer());
}

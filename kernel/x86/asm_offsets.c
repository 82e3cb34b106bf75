/*
 * kernel/x86/asm_offsets.c - offsets of struct fields for the assembly code; compiled to text, never linked.
 *
 * Linux:   arch/x86/kernel/asm-offsets.c (6.1)
 * Same:    the Makefile picks the "->NAME value" lines out of the compiler's output.
 * Differs: none.
 * Locks:   none.
 * Walk:    build/.../kernel/x86/asm_offsets.inc.
 */
#include "kernel/errno.h"
#include "kernel/irqflags.h"
#include "kernel/task.h"
#include "kernel/x86/segments.h"
#include "kernel/x86/x86.h"

#define DEFINE(name, value) __asm__ __volatile__("\n->" #name " %0 " #value : : "i"((long)(value)))
#define OFFSET(name, type, member) DEFINE(name, offsetof(type, member))

void asm_offsets(void);
void asm_offsets(void)
{
	OFFSET(REGS_RAX, struct pt_regs, rax);
	OFFSET(REGS_RCX, struct pt_regs, rcx);
	OFFSET(REGS_R11, struct pt_regs, r11);
	OFFSET(REGS_ORIG_RAX, struct pt_regs, orig_rax);
	OFFSET(REGS_RIP, struct pt_regs, rip);
	OFFSET(REGS_CS, struct pt_regs, cs);
	OFFSET(REGS_RFLAGS, struct pt_regs, rflags);
	OFFSET(REGS_RSP, struct pt_regs, rsp);
	OFFSET(REGS_SS, struct pt_regs, ss);
	DEFINE(REGS_SIZE, sizeof(struct pt_regs));
	OFFSET(TASK_SP, struct task_struct, thread.sp);
	OFFSET(TASK_TIF, struct task_struct, tif);
	OFFSET(TSS_SP0, struct tss, sp0);
	DEFINE(USER_CS, USER_CS);
	DEFINE(USER_DS, USER_DS);
	DEFINE(KERNEL_CS, KERNEL_CS);
	DEFINE(TASK_SIZE_MAX, TASK_SIZE);
	DEFINE(EFAULT, EFAULT);
	DEFINE(ENOSYS, ENOSYS);
	DEFINE(IST_STACK_MASK, IST_BYTES / NR_IST - 1);
	DEFINE(EFLAGS_IF, X86_EFLAGS_IF);
	DEFINE(EFLAGS_SYSRET_BAD, X86_EFLAGS_TF | 0x10000 /* RF */);
}

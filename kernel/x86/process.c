/*
 * kernel/x86/process.c - a task's machine half: its first stack frame, its registers at each switch.
 *
 * Linux:   arch/x86/kernel/process.c, process_64.c (6.1)
 * Same:    a new task is switched to like any other, and finds itself in ret_from_fork.
 * Differs: 1. segment bases are written only when they change; nothing reads them back (FSGSBASE is off).
 * Locks:   none: current, or a task nobody else knows yet; interrupts off in the switch.
 * Walk:    schedule() -> arch_switch_to() -> __switch_to_asm();  kernel_clone() -> arch_copy_thread().
 */
#include "kernel/bug.h"
#include "kernel/irqflags.h"
#include "kernel/string.h"
#include "kernel/task.h"
#include "kernel/x86/segments.h"
#include "kernel/x86/x86.h"

/* What __switch_to_asm() pops when the task runs for the first time. */
struct switch_frame { u64 r15, r14, r13, r12, rbx, rbp, rip; };

struct pt_regs *task_pt_regs(const struct task_struct *p)
{
	return (struct pt_regs *)((u8 *)p->stack + THREAD_SIZE) - 1;
}

int arch_copy_thread(struct task_struct *p, const struct pt_regs *regs, u64 sp, int (*fn)(void *), void *arg)
{
	struct pt_regs *child = task_pt_regs(p);
	struct switch_frame *frame = (struct switch_frame *)child - 1;

	*frame = (struct switch_frame){ .rip = (u64)ret_from_fork };
	p->thread = (struct thread_struct){ .sp = (u64)frame, .fpu.cpu = -1 };
	if (fn) {
		*child = (struct pt_regs){ .orig_rax = U64_MAX, .cs = USER_CS, .ss = USER_DS, .rflags = X86_EFLAGS_IF };
		frame->rbx = (u64)fn;
		frame->r12 = (u64)arg;
		return 0;
	}
	*child = *regs;
	child->rax = 0;
	if (sp)
		child->rsp = sp;
	p->thread.fsbase = current->thread.fsbase;
	p->thread.gsbase = current->thread.gsbase;
	return fpu_copy(p);
}

void arch_free_thread(struct task_struct *p) { fpu_free(p); }

void arch_flush_thread(void)
{
	arch_set_fsbase(0);
	arch_set_gsbase(0);
	fpu_flush();
}

void start_thread(struct pt_regs *regs, u64 ip, u64 sp)
{
	*regs = (struct pt_regs){
		.orig_rax = U64_MAX, .rip = ip, .rsp = sp, .cs = USER_CS, .ss = USER_DS, .rflags = X86_EFLAGS_IF,
	};
}

void kernel_thread_returned(int ret) { panic("a kernel thread (%s) returned %d", current->comm, ret); }

struct task_struct *arch_switch_to(struct task_struct *prev, struct task_struct *next)
{
	fpu_switch_out(prev);
	set_kernel_stack((u8 *)next->stack + THREAD_SIZE);
	if (prev->thread.fsbase != next->thread.fsbase)
		wrmsr(MSR_FS_BASE, next->thread.fsbase);
	if (prev->thread.gsbase != next->thread.gsbase)
		wrmsr(MSR_KERNEL_GS_BASE, next->thread.gsbase); /* swapgs makes it the user's */
	return __switch_to_asm(prev, next);
}

/* Field and register change together: a switch between the two would load the old one. */
void arch_set_fsbase(u64 base)
{
	unsigned long flags;

	local_irq_save(flags);
	current->thread.fsbase = base;
	wrmsr(MSR_FS_BASE, base);
	local_irq_restore(flags);
}

void arch_set_gsbase(u64 base)
{
	unsigned long flags;

	local_irq_save(flags);
	current->thread.gsbase = base;
	wrmsr(MSR_KERNEL_GS_BASE, base);
	local_irq_restore(flags);
}

u64 arch_get_fsbase(void) { return current->thread.fsbase; }
u64 arch_get_gsbase(void) { return current->thread.gsbase; }

/*
 * kernel/x86/trap.c - exceptions: a signal for the program that caused it, or the end of the kernel.
 *
 * Linux:   arch/x86/kernel/traps.c (6.1)
 * Same:    signals, codes and addresses; exceptions in user copies are fixed up.
 * Differs: 1. no kprobes, no single-stepping of the kernel.
 * Locks:   none here.
 * Walk:    trap_entry.asm -> do_trap() -> force_sig_fault(); page faults go to do_page_fault() directly.
 */
#include "kernel/bug.h"
#include "kernel/irqflags.h"
#include "kernel/printk.h"
#include "kernel/signal.h"
#include "kernel/string.h"
#include "kernel/task.h"
#include "kernel/x86/x86.h"

const char *const trap_names[32] = {
	[X86_TRAP_DE] = "divide error", [X86_TRAP_DB] = "debug", [X86_TRAP_NMI] = "NMI", [X86_TRAP_BP] = "breakpoint",
	[X86_TRAP_OF] = "overflow", [X86_TRAP_BR] = "bounds", [X86_TRAP_UD] = "invalid opcode",
	[X86_TRAP_NM] = "device not available", [X86_TRAP_DF] = "double fault", [X86_TRAP_TS] = "invalid TSS",
	[X86_TRAP_NP] = "segment not present", [X86_TRAP_SS] = "stack segment",
	[X86_TRAP_GP] = "general protection fault",
	[X86_TRAP_PF] = "page fault", [X86_TRAP_MF] = "x87 exception", [X86_TRAP_AC] = "alignment check",
	[X86_TRAP_MC] = "machine check", [X86_TRAP_XF] = "SIMD exception",
};

static void print_regs(const struct pt_regs *r, u64 error)
{
	unsigned long off = 0;
	const char *name = kallsyms_lookup(r->rip, &off);

	pr_err("CPU %d, task %d (%s), error %#lx, cr2 %016lx, cr3 %016lx\n", smp_processor_id(), current->pid,
	       current->comm, error, read_cr2(), read_cr3());
	pr_err("RIP %04lx:%016lx %s+0x%lx  RFLAGS %08lx\n", r->cs, r->rip, name ? name : "?", off, r->rflags);
	pr_err("RSP %04lx:%016lx\n", r->ss, r->rsp);
	pr_err("RAX %016lx RBX %016lx RCX %016lx RDX %016lx\n", r->rax, r->rbx, r->rcx, r->rdx);
	pr_err("RSI %016lx RDI %016lx RBP %016lx R8  %016lx\n", r->rsi, r->rdi, r->rbp, r->r8);
	pr_err("R9  %016lx R10 %016lx R11 %016lx R12 %016lx\n", r->r9, r->r10, r->r11, r->r12);
	pr_err("R13 %016lx R14 %016lx R15 %016lx\n", r->r13, r->r14, r->r15);
}

void die(const char *what, struct pt_regs *regs, u64 error)
{
	printk_panic_mode();
	pr_err("%s in the kernel\n", what);
	print_regs(regs, error);
	dump_stack_from(regs->rip, regs->rbp);
	panic("%s", what);
}

/* The signal for an exception of a program, as Linux's. Interrupts are on. */
static void user_trap(struct pt_regs *regs, unsigned int vector)
{
	switch (vector) {
	case X86_TRAP_DE:
		force_sig_fault(SIGFPE, FPE_INTDIV, regs->rip);
		break;
	case X86_TRAP_DB:
		force_sig_fault(SIGTRAP, TRAP_TRACE, regs->rip);
		break;
	case X86_TRAP_BP:
		force_sig(SIGTRAP);
		break;
	case X86_TRAP_UD:
		force_sig_fault(SIGILL, ILL_ILLOPN, regs->rip);
		break;
	case X86_TRAP_NM:
		if (fpu_device_not_available())
			force_sig(SIGKILL); /* no memory for its registers: it cannot go on in any way */
		break;
	case X86_TRAP_NP:
	case X86_TRAP_SS:
		force_sig(SIGBUS);
		break;
	case X86_TRAP_MF:
		force_sig_fault(SIGFPE, fpu_exception_code(false), regs->rip);
		break;
	case X86_TRAP_XF:
		force_sig_fault(SIGFPE, fpu_exception_code(true), regs->rip);
		break;
	case X86_TRAP_AC:
		force_sig_fault(SIGBUS, BUS_ADRALN, 0);
		break;
	default:
		force_sig(SIGSEGV);
	}
}

void do_trap(struct pt_regs *regs, unsigned int vector, u64 error)
{
	if (user_mode(regs)) {
		current->thread.trap_nr = vector;
		current->thread.error_code = error;
		local_irq_enable();
		user_trap(regs, vector);
		local_irq_disable();
		return;
	}
	if (fixup_exception(regs))
		return;
	die(trap_names[vector] ? trap_names[vector] : "unknown exception", regs, error);
}

/*
 * The iretq of return_to_user_iret faulted: the registers were the user's already, and the frame it was to load (rip,
 * cs, rflags, rsp, ss) is where @fault->rsp points, at the top of the task's stack. Return: a pt_regs around that
 * frame, with the registers back in their place (@fault lies below it and may overlap).
 */
struct pt_regs *fixup_bad_iret(struct pt_regs *fault)
{
	struct pt_regs *regs = (struct pt_regs *)(fault->rsp - offsetof(struct pt_regs, rip));

	memmove(regs, fault, offsetof(struct pt_regs, orig_rax));
	return regs;
}

/* An NMI that is not the panic's: somebody asks where this CPU hangs (QEMU's monitor command "nmi"). */
void do_nmi(struct pt_regs *regs)
{
	if (READ_ONCE(cpus_stopping))
		for (;;)
			halt();
	printk_panic_mode(); /* it may have come in the middle of a message */
	pr_err("NMI\n");
	print_regs(regs, 0);
	if (!user_mode(regs))
		dump_stack_from(regs->rip, regs->rbp);
}

void do_double_fault(struct pt_regs *regs, u64 error)
{
	u64 below = (u64)current->stack - read_cr2();

	die(below <= THREAD_SIZE ? "kernel stack overflow" : "double fault", regs, error);
}

void do_machine_check(struct pt_regs *regs) { die("machine check", regs, 0); }

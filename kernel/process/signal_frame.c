/*
 * kernel/process/signal_frame.c - running a handler in user mode, and coming back from it.
 *
 * Linux:   arch/x86/kernel/signal.c, signal_64.c (6.1)
 * Same:    the frame's layout to the byte: return address, ucontext, siginfo, floating point state above; which
 *          system calls are begun again and how; the red zone below the stack pointer is left alone.
 * Differs: 1. 64-bit programs only: a frame with other selectors than theirs ends in SIGSEGV.
 *          2. no vDSO: the handler returns through SA_RESTORER, as every libc has it.
 * Locks:   SIGHAND inside.
 * Walk:    exit_to_user_mode() -> do_signal() -> get_signal(), setup_rt_frame();  rt_sigreturn(2).
 */
#include "kernel/process/internal.h"
#include "kernel/string.h"
#include "kernel/syscall.h"
#include "kernel/uaccess.h"

enum {
	RED_ZONE = 128,			/* System V ABI 3.2.2 */
	FRAME_ALIGN = 16, FPSTATE_ALIGN = 64,
	UC_FP_XSTATE = 1, UC_SIGCONTEXT_SS = 2, UC_STRICT_RESTORE_SS = 4,
	SYSCALL_INSN_SIZE = 2,
	NR_restart_syscall = 219,
	MINSIGSTKSZ = 2048,
	FXSAVE_SIZE = 512,
};
/* RFLAGS that a program may set (SDM vol. 1, 3.4.3): AC OF DF TF SF ZF AF PF CF RF. */
#define FIX_EFLAGS 0x00050dd5UL
#define EFLAGS_CLEARED_FOR_HANDLER 0x00010500UL	/* RF, DF, TF */

struct sigcontext_abi {
	u64 r8, r9, r10, r11, r12, r13, r14, r15, di, si, bp, bx, dx, ax, cx, sp, ip, flags;
	u16 cs, gs, fs, ss;
	u64 err, trapno, oldmask, cr2, fpstate, reserved1[8];
};
struct ucontext_abi {
	u64 uc_flags, uc_link;
	struct sigaltstack_abi uc_stack;
	struct sigcontext_abi uc_mcontext;
	sigset_t uc_sigmask;
};
struct rt_sigframe {
	u64 pretcode;
	struct ucontext_abi uc;
	siginfo_t info;			/* filled for SA_SIGINFO only, as in Linux */
};
static_assert(sizeof(struct sigcontext_abi) == 256, "ABI");
static_assert(sizeof(struct ucontext_abi) == 304, "ABI");
static_assert(offsetof(struct rt_sigframe, info) == 312, "ABI");

u64 signal_frame_size(void)
{
	u64 most = sizeof(struct rt_sigframe) + FRAME_ALIGN + RED_ZONE + FPSTATE_ALIGN + arch_fpu_frame_size();

	return ALIGN(most, (u64)FRAME_ALIGN);
}

/* --- the alternate stack ------------------------------------------------------------------------------------- */

static bool on_sig_stack(u64 sp)
{
	/* SS_AUTODISARM: there is none while a handler runs on it. */
	if (current->sas_ss_flags & SS_AUTODISARM)
		return false;
	return sp > current->sas_ss_sp && sp - current->sas_ss_sp <= current->sas_ss_size;
}

u32 sas_ss_flags(u64 sp)
{
	if (!current->sas_ss_size)
		return SS_DISABLE;
	return on_sig_stack(sp) ? SS_ONSTACK : 0;
}

void sas_ss_reset(struct task_struct *p)
{
	p->sas_ss_sp = 0;
	p->sas_ss_size = 0;
	p->sas_ss_flags = SS_DISABLE;
}

void save_altstack(struct sigaltstack_abi *old, u64 sp)
{
	*old = (struct sigaltstack_abi){
		.ss_sp = current->sas_ss_sp, .ss_size = current->sas_ss_size,
		.ss_flags = sas_ss_flags(sp) | (current->sas_ss_flags & SS_AUTODISARM),
	};
}

int do_sigaltstack(const struct sigaltstack_abi *new, u64 sp)
{
	u32 mode = new->ss_flags & ~SS_AUTODISARM;

	if (on_sig_stack(sp))
		return -EPERM;
	if (mode != SS_DISABLE && mode != SS_ONSTACK && mode != 0)
		return -EINVAL;
	if (mode != SS_DISABLE && new->ss_size < MINSIGSTKSZ)
		return -ENOMEM;
	current->sas_ss_sp = mode == SS_DISABLE ? 0 : new->ss_sp;
	current->sas_ss_size = mode == SS_DISABLE ? 0 : new->ss_size;
	current->sas_ss_flags = new->ss_flags;
	return 0;
}

/* --- into the handler ---------------------------------------------------------------------------------------- */

static void fill_sigcontext(struct sigcontext_abi *sc, const struct pt_regs *regs, u64 fpstate, u64 mask)
{
	*sc = (struct sigcontext_abi){
		.r8 = regs->r8, .r9 = regs->r9, .r10 = regs->r10, .r11 = regs->r11, .r12 = regs->r12, .r13 = regs->r13,
		.r14 = regs->r14, .r15 = regs->r15, .di = regs->rdi, .si = regs->rsi, .bp = regs->rbp, .bx = regs->rbx,
		.dx = regs->rdx, .ax = regs->rax, .cx = regs->rcx,
		.sp = regs->rsp, .ip = regs->rip, .flags = regs->rflags,
		.cs = (u16)regs->cs, .ss = (u16)regs->ss,
		.err = current->thread.error_code, .trapno = current->thread.trap_nr,
		.oldmask = mask, .cr2 = current->thread.cr2, .fpstate = fpstate,
	};
}

/* Where the frame goes, and above it the FPU's. Return: false if the alternate stack is too small for them. */
static bool place_frame(const struct ksignal *ks, const struct pt_regs *regs, u64 *frame, u64 *fpstate)
{
	u64 sp = regs->rsp - RED_ZONE;
	bool nested = on_sig_stack(regs->rsp), entering = false;

	if (ks->ka.sa_flags & SA_ONSTACK && sas_ss_flags(sp) == 0) {
		sp = current->sas_ss_sp + current->sas_ss_size;
		entering = true;
	}
	*fpstate = ALIGN_DOWN(sp - arch_fpu_frame_size(), (u64)FPSTATE_ALIGN);
	/* As after a call instruction: rsp + 8 is a multiple of 16. */
	*frame = ALIGN_DOWN(*fpstate - sizeof(struct rt_sigframe), (u64)FRAME_ALIGN) - sizeof(u64);
	if (!nested && !entering)
		return true;
	return *frame > current->sas_ss_sp && *frame - current->sas_ss_sp <= current->sas_ss_size;
}

static int setup_rt_frame(const struct ksignal *ks, struct pt_regs *regs)
{
	sigset_t mask = current->restore_sigmask ? current->saved_sigmask : current->blocked;
	bool siginfo = ks->ka.sa_flags & SA_SIGINFO;
	struct rt_sigframe f;
	u64 sp, fpstate;

	if (!(ks->ka.sa_flags & SA_RESTORER) || !place_frame(ks, regs, &sp, &fpstate))
		return -EFAULT;
	if (arch_fpu_save_user(UPTR(fpstate)))
		return -EFAULT;
	f.pretcode = ks->ka.sa_restorer;
	f.uc.uc_flags = UC_SIGCONTEXT_SS | UC_STRICT_RESTORE_SS;
	if (arch_fpu_frame_size() > FXSAVE_SIZE)
		f.uc.uc_flags |= UC_FP_XSTATE;
	f.uc.uc_link = 0;
	f.uc.uc_stack = (struct sigaltstack_abi){
		.ss_sp = current->sas_ss_sp, .ss_flags = current->sas_ss_flags, .ss_size = current->sas_ss_size,
	};
	fill_sigcontext(&f.uc.uc_mcontext, regs, fpstate, mask.sig);
	f.uc.uc_sigmask = mask;
	if (siginfo) {
		copy_siginfo(&f.info, &ks->info);
		memset((u8 *)&f.info + SIGINFO_USED, 0, sizeof(f.info) - SIGINFO_USED);
	}
	if (copy_to_user(UPTR(sp), &f, siginfo ? sizeof(f) : offsetof(struct rt_sigframe, info)))
		return -EFAULT;
	if (current->sas_ss_flags & SS_AUTODISARM)
		sas_ss_reset(current);
	regs->rdi = (u64)ks->sig;
	regs->rsi = sp + offsetof(struct rt_sigframe, info);
	regs->rdx = sp + offsetof(struct rt_sigframe, uc);
	regs->rax = 0;			/* for handlers with variable arguments: no vector registers */
	regs->rip = ks->ka.sa_handler;
	regs->rsp = sp;
	regs->cs = USER_CS;
	regs->ss = USER_DS;
	regs->rflags &= ~EFLAGS_CLEARED_FOR_HANDLER;
	return 0;
}

static void restart_call(struct pt_regs *regs, u64 nr)
{
	regs->rax = nr;
	regs->rip -= SYSCALL_INSN_SIZE;
}

/* A call that a handler interrupts ends with -EINTR, or begins again when the handler has returned. */
static void restart_with_handler(struct pt_regs *regs, u64 sa_flags)
{
	switch ((s64)regs->rax) {
	case -ERESTARTNOHAND:
	case -ERESTART_RESTARTBLOCK:
		regs->rax = (u64)-EINTR;
		break;
	case -ERESTARTSYS:
		if (!(sa_flags & SA_RESTART)) {
			regs->rax = (u64)-EINTR;
			break;
		}
		fallthrough;
	case -ERESTARTNOINTR:
		restart_call(regs, regs->orig_rax);
		break;
	}
}

static void restart_without_handler(struct pt_regs *regs)
{
	switch ((s64)regs->rax) {
	case -ERESTARTNOHAND:
	case -ERESTARTSYS:
	case -ERESTARTNOINTR:
		restart_call(regs, regs->orig_rax);
		break;
	case -ERESTART_RESTARTBLOCK:
		restart_call(regs, NR_restart_syscall);
		break;
	}
}

static bool in_system_call(const struct pt_regs *regs) { return (s64)regs->orig_rax != -1; }

static void handle_signal(const struct ksignal *ks, struct pt_regs *regs)
{
	sigset_t blocked;

	if (in_system_call(regs)) {
		restart_with_handler(regs, ks->ka.sa_flags);
		regs->orig_rax = U64_MAX; /* once: a second handler must not undo it */
	}
	if (setup_rt_frame(ks, regs)) {
		/* The stack is no good. If that is why SIGSEGV came, it is the end. */
		if (ks->sig == SIGSEGV)
			force_fatal_sig(SIGSEGV);
		else
			force_sig(SIGSEGV);
		return;
	}
	current->restore_sigmask = false; /* the mask to go back to is in the frame */
	blocked.sig = current->blocked.sig | ks->ka.sa_mask.sig;
	if (!(ks->ka.sa_flags & SA_NODEFER))
		blocked.sig |= sigmask(ks->sig);
	set_current_blocked(blocked);
}

void do_signal(struct pt_regs *regs)
{
	struct ksignal ks;

	if (get_signal(&ks)) {
		handle_signal(&ks, regs);
		return;
	}
	if (in_system_call(regs)) {
		restart_without_handler(regs);
		regs->orig_rax = U64_MAX;
	}
	if (current->restore_sigmask) {
		current->restore_sigmask = false;
		set_current_blocked(current->saved_sigmask);
	}
}

/* --- and back ------------------------------------------------------------------------------------------------ */

static int restore_sigcontext(const struct sigcontext_abi *sc, struct pt_regs *regs)
{
	*regs = (struct pt_regs){
		.r15 = sc->r15, .r14 = sc->r14, .r13 = sc->r13, .r12 = sc->r12, .rbp = sc->bp, .rbx = sc->bx,
		.r11 = sc->r11, .r10 = sc->r10, .r9 = sc->r9, .r8 = sc->r8, .rax = sc->ax, .rcx = sc->cx,
		.rdx = sc->dx, .rsi = sc->si, .rdi = sc->di, .orig_rax = U64_MAX, .rip = sc->ip, .rsp = sc->sp,
		.rflags = (regs->rflags & ~FIX_EFLAGS) | (sc->flags & FIX_EFLAGS), .cs = USER_CS, .ss = USER_DS,
	};
	return arch_fpu_restore_user(UPTR(sc->fpstate));
}

/* With any other selector, Linux's iretq to user mode faults. Without the flag Linux mends a bad ss itself. */
static bool selectors_are_user(const struct ucontext_abi *uc)
{
	return (uc->uc_mcontext.cs | 3) == USER_CS &&
	       (!(uc->uc_flags & UC_STRICT_RESTORE_SS) || (uc->uc_mcontext.ss | 3) == USER_DS);
}

SYSCALL_DEFINE0(rt_sigreturn)
{
	struct pt_regs *regs = current_pt_regs();
	uptr frame = UPTR(regs->rsp - sizeof(u64)); /* the handler's ret has taken pretcode */
	struct ucontext_abi uc;

	if (copy_from_user(&uc, uptr_add(frame, offsetof(struct rt_sigframe, uc)), sizeof(uc)))
		goto out_bad_frame;
	current->restart_block.fn = NULL;
	set_current_blocked(uc.uc_sigmask);
	if (restore_sigcontext(&uc.uc_mcontext, regs))
		goto out_bad_frame;
	/* What a program put there that sigaltstack() would not take changes nothing, as in Linux. */
	do_sigaltstack(&uc.uc_stack, regs->rsp);
	if (!selectors_are_user(&uc))
		force_sig(SIGSEGV);
	return (long)regs->rax;

out_bad_frame:
	force_sig(SIGSEGV);
	return 0;
}

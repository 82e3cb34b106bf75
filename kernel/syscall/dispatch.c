/*
 * kernel/syscall/dispatch.c - from a number to a handler, and what is done before user mode goes on.
 *
 * Linux:   arch/x86/entry/common.c, kernel/entry/common.c (6.1)
 * Same:    the 32-bit number in orig_rax, the result in rax; the loop over work at the return to user mode.
 * Differs: 1. numbers without a row in table.def are counted, so that a program says itself what it misses.
 *          2. a call without exit work returns to the assembly code, which has made sure by one test.
 * Locks:   none; in debug builds it is checked that none is held.
 * Walk:    syscall_entry -> do_syscall_64() -> a SYSCALL_DEFINE;
 *          TIF_* set: exit_to_user_mode() -> do_signal().
 */
#include "fs/fs.h"
#include "kernel/irqflags.h"
#include "kernel/lockdep.h"
#include "kernel/preempt.h"
#include "kernel/race.h"
#include "kernel/syscall.h"
#include "kernel/task.h"
#include "kernel/trace.h"
#include "kernel/uaccess.h"

#define SYS(nr, name, status, why) [nr] = sys_##name,
static const syscall_fn_t sys_call_table[NR_SYSCALLS] = {
#include "kernel/syscall/table.def"
};
#undef SYS

#define SYS(nr, name, status, why) [nr] = #name,
static const char *const syscall_names[NR_SYSCALLS] = {
#include "kernel/syscall/table.def"
};
#undef SYS

static u32 unknown_calls[NR_SYSCALLS + 1];	/* the last one: of all higher numbers */

const char *syscall_name(unsigned int nr) { return nr < NR_SYSCALLS ? syscall_names[nr] : NULL; }
u64 syscall_unknown_count(unsigned int nr) { return READ_ONCE(unknown_calls[nr < NR_SYSCALLS ? nr : NR_SYSCALLS]); }

static noinline __cold void count_unknown_call(u32 nr)
{
	__atomic_fetch_add(&unknown_calls[min(nr, (u32)NR_SYSCALLS)], 1, __ATOMIC_RELAXED);
}

static __always_inline u64 call(syscall_fn_t fn, const struct pt_regs *regs)
{
	return (u64)fn((long)regs->rdi, (long)regs->rsi, (long)regs->rdx,
		       (long)regs->r10, (long)regs->r8, (long)regs->r9);
}

static noinline void call_traced(syscall_fn_t fn, struct pt_regs *regs, u32 nr)
{
	trace(sys_enter, nr, regs->rdi, regs->rsi, regs->rdx);
	regs->rax = call(fn, regs);
	trace(sys_exit, nr, regs->rax);
}

void do_syscall_64(struct pt_regs *regs)
{
	race_point(sys_enter);
	u32 nr = (u32)regs->orig_rax;
	syscall_fn_t fn = likely(nr < NR_SYSCALLS) ? sys_call_table[nr] : NULL;

	if (unlikely(!fn))
		count_unknown_call(nr); /* rax holds -ENOSYS already */
	else if (unlikely(trace_enabled[TP_sys_enter] | trace_enabled[TP_sys_exit]))
		call_traced(fn, regs, nr);
	else
		regs->rax = call(fn, regs);
	if (CONFIG_DEBUG)
		lockdep_assert_none_held();
}

static void notify_resume(void)
{
	struct task_struct *p = current;

	clear_bit(TIF_NOTIFY_RESUME, &p->tif);
	if (!uptr_is_null(p->set_child_tid)) {
		uptr to = p->set_child_tid;

		p->set_child_tid = UPTR_NULL;
		/* A bad address is the program's own loss, as in Linux. */
		if (put_user(p->pid, to))
			trace(page_fault, to.addr, 0, 0);
	}
	run_deferred_fputs();
}

void exit_to_user_mode(struct pt_regs *regs)
{
	for (;;) {
		unsigned long work = READ_ONCE(current->tif);
		bool resched = this_cpu_read(__need_resched);

		if (!work && !resched)
			break;
		local_irq_enable();
		if (resched)
			schedule();
		if (work & BIT(TIF_NOTIFY_RESUME))
			notify_resume();
		if (work & BIT(TIF_SIGPENDING))
			do_signal(regs);
		local_irq_disable();
	}
	if (CONFIG_DEBUG)
		lockdep_assert_none_held();
}

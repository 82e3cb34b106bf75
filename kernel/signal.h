/*
 * kernel/signal.h - signals: sets, actions, sending, delivery.
 *
 * Linux:   include/linux/signal.h, uapi/asm-generic/signal.h, siginfo.h (6.1)
 * Same:    numbers, struct layouts of the ABI, standard against real-time queueing, SIGKILL and SIGSTOP
 *          never blocked.
 * Differs: 1. no core dumps: actions that would dump only terminate.
 * Locks:   SIGHAND.
 * Walk:    exit to user mode -> do_signal().
 */
#pragma once
#include "kernel/list.h"
#include "kernel/refcount.h"
#include "kernel/spinlock.h"
#include "kernel/types.h"

struct task_struct;
struct pt_regs;

enum {
	SIGHUP = 1, SIGINT, SIGQUIT, SIGILL, SIGTRAP, SIGABRT, SIGBUS, SIGFPE, SIGKILL, SIGUSR1, SIGSEGV, SIGUSR2,
	SIGPIPE, SIGALRM, SIGTERM, SIGSTKFLT, SIGCHLD, SIGCONT, SIGSTOP, SIGTSTP, SIGTTIN, SIGTTOU, SIGURG,
	SIGXCPU, SIGXFSZ, SIGVTALRM, SIGPROF, SIGWINCH, SIGIO, SIGPWR, SIGSYS, SIGRTMIN = 32, SIGRTMAX = 64, _NSIG = 64,
};
typedef struct { u64 sig; } sigset_t;	/* bit n - 1: signal n */
#define sigmask(n) (1ULL << ((n) - 1))
#define SIG_KERNEL_ONLY (sigmask(SIGKILL) | sigmask(SIGSTOP))
#define SIG_DFL 0ULL
#define SIG_IGN 1ULL
enum {
	SA_NOCLDSTOP = 1, SA_NOCLDWAIT = 2, SA_SIGINFO = 4, SA_RESTORER = 0x04000000, SA_ONSTACK = 0x08000000,
	SA_RESTART = 0x10000000, SA_NODEFER = 0x40000000,
};
#define SA_RESETHAND 0x80000000U
enum { SI_USER = 0, SI_KERNEL = 0x80, SI_QUEUE = -1, SI_TIMER = -2, SI_TKILL = -6,
       CLD_EXITED = 1, CLD_KILLED = 2, CLD_DUMPED = 3, CLD_STOPPED = 5, CLD_CONTINUED = 6,
       SEGV_MAPERR = 1, SEGV_ACCERR = 2, BUS_ADRALN = 1, BUS_ADRERR = 2,
       FPE_INTDIV = 1, FPE_FLTDIV = 3, FPE_FLTOVF, FPE_FLTUND, FPE_FLTRES, FPE_FLTINV,
       ILL_ILLOPN = 2, TRAP_BRKPT = 1, TRAP_TRACE = 2, POLL_IN = 1, POLL_OUT, POLL_MSG, POLL_ERR, POLL_PRI, POLL_HUP };

/* The ABI's siginfo_t: 128 bytes. */
typedef struct siginfo {
	s32 si_signo, si_errno, si_code, __pad0;
	union {
		struct { s32 si_pid; u32 si_uid; union { s32 si_status; u64 si_value; }; s64 si_utime, si_stime; };
		struct { s32 si_tid; s32 si_overrun; u64 si_timer_value; };
		struct { u64 si_addr; };
		struct { s64 si_band; s32 si_fd; };
		u8 __fill[112];
	};
} siginfo_t;
static_assert(sizeof(siginfo_t) == 128, "ABI");
/*
 * No kind of signal uses more than 48 bytes: the rest is zero, and inside the kernel it is neither filled nor
 * copied.
 */
enum { SIGINFO_USED = 48 };
static inline void clear_siginfo(siginfo_t *info) { __builtin_memset(info, 0, SIGINFO_USED); }
static inline void copy_siginfo(siginfo_t *to, const siginfo_t *from) { __builtin_memcpy(to, from, SIGINFO_USED); }
/* copy_siginfo_to_user - all 128 bytes. Return: 0 or -EFAULT. Context: task. */
int __must_check copy_siginfo_to_user(uptr to, const siginfo_t *from);

/* As programs hand it over. */
struct sigaction_k { u64 sa_handler; u64 sa_flags; u64 sa_restorer; sigset_t sa_mask; };
struct sigpending { struct list_head list; sigset_t signal; };

/* Handlers, shared by the threads of a process (CLONE_SIGHAND). */
struct sighand_struct {
	refcount_t count;
	spinlock_t siglock;	/* SIGHAND: actions, and pending and blocked sets of all tasks that share this */
	/* siglock */
	sigset_t installed;	/* signals whose action is not all default: only those entries of action[] are filled */
	sigset_t ignored;	/* of these, those with SIG_IGN */
	struct sigaction_k action[_NSIG];
};
/* sighand_action - what is to happen on @sig. Locks: siglock held. */
static inline const struct sigaction_k *sighand_action(const struct sighand_struct *s, int sig)
{
	static const struct sigaction_k by_default;

	return s->installed.sig & sigmask(sig) ? &s->action[sig - 1] : &by_default;
}
/*
 * lock_task_sighand - take the siglock of any task that the caller holds a reference to (execve may be giving it
 * another sighand). Interrupts are off then. Return: the sighand; its siglock is to be given back with *@flags.
 */
struct sighand_struct *lock_task_sighand(struct task_struct *p, unsigned long *flags);

/*
 * send_sig_info - to the process of @p. force: also if blocked or ignored. Return: 0, -EAGAIN (queue full).
 * Context: any.
 */
int send_sig_info(int sig, const siginfo_t *info, struct task_struct *p);
int send_sig(int sig, struct task_struct *p);
/* send_sig_thread - to the one thread @p. force_sig_fault - current did it itself (trap); blocked or ignored kills. */
int send_sig_thread(int sig, const siginfo_t *info, struct task_struct *p);
void force_sig_fault(int sig, int code, u64 addr);
void force_sig(int sig);
/* kill_pgrp - to every process of group @pgrp. Return: 0 or -ESRCH. Context: any. kill_pid - @pid as in kill(2). */
int kill_pgrp(pid_t pgrp, int sig);
/* kill_pgrp_locked - the same. Locks: pidtab_lock held. */
int kill_pgrp_locked(pid_t pgrp, int sig);
/*
 * do_signal - deliver what is pending to the user mode that @regs return to; restart the call if it says so.
 * Context: task, on exit to user.
 */
void do_signal(struct pt_regs *regs);
/*
 * set_current_blocked - Context: task. set_user_sigmask - for ppoll and friends: swap, restored after the handler.
 * 0, -EINVAL, -EFAULT.
 */
void set_current_blocked(sigset_t set);
int __must_check set_user_sigmask(uptr umask, size_t sigsetsize);
/*
 * restore_saved_sigmask_unless - undo set_user_sigmask() unless a signal interrupted (then the handler's return
 * does).
 */
void restore_saved_sigmask_unless(bool interrupted);
/* recalc_sigpending - after changing blocked or pending. Locks: siglock held. */
void recalc_sigpending(void);
/* dequeue_signal - take one of current's signals in @mask. Return: its number, 0: none. Locks: siglock held. */
int dequeue_signal(sigset_t mask, siginfo_t *info);
/* flush_signal_handlers - execve: handlers to default, ignored stay. exit_signals - free what is queued. */
void flush_signal_handlers(struct task_struct *p);
void flush_sigqueue(struct sigpending *pending);
void signal_init(void);
/* signal_masks - pending, ignored and caught signals of @p's process, for /proc. Context: any. */
struct signal_masks { sigset_t pending, shared_pending, blocked, ignored, caught; };
void signal_masks(struct task_struct *p, struct signal_masks *m);
/* signalfd_wqh - pollers of signalfds of a process are told here, key EPOLLIN; in signal_struct. */

/* signal_pending(), fatal_signal_pending() and signal_pending_state() are inline there. */
#include "kernel/task.h"

/*
 * kernel/process/internal.h - what the files of this folder do for each other.
 *
 * Linux:   kernel/exit.c, fork.c, signal.c and their headers (6.1)
 * Same:    the names.
 * Differs: none of note.
 * Locks:   as each says.
 * Walk:    none.
 */
#pragma once
#include "kernel/errno.h"
#include "kernel/process.h"
#include "kernel/task.h"

/* pid.c. Locks: pidtab_lock held. */
/* alloc_pid_locked - a free id. Return: it, or -EAGAIN when all are taken. */
pid_t alloc_pid_locked(void) __must_check;
void hash_pid_locked(struct task_struct *p);
void unhash_pid_locked(struct task_struct *p);

/* group.c. Locks: pidtab_lock held. */
/* is_orphaned_pgrp_locked - has @pgrp no member (but @ignored) whose parent is in another group of the same session? */
bool is_orphaned_pgrp_locked(pid_t pgrp, const struct task_struct *ignored);
/*
 * kill_orphaned_pgrp_locked - @tsk leaves @parent: SIGHUP and SIGCONT to its group if that leaves stopped jobs to
 * nobody.
 */
void kill_orphaned_pgrp_locked(struct task_struct *tsk, struct task_struct *parent);

/* fork.c */
struct sighand_struct *alloc_sighand(void) __must_check;
void copy_sighand_actions(struct sighand_struct *to, struct sighand_struct *from);
void put_sighand(struct sighand_struct *s);
/*
 * mm_release - current leaves its address space: robust futexes, clear_child_tid, the parent in vfork(). Context:
 * task.
 */
void mm_release(struct task_struct *p);

/*
 * pidfd.c: pidfd_file - a file that stands for the process of @sig; @flags: O_NONBLOCK. Return: it or ERR_PTR.
 * pidfd_pid - the id of the process behind descriptor @fd (0: it was reaped). Return: 0, -EBADF. Context: task.
 */
struct file;
struct file *pidfd_file(struct signal_struct *sig, unsigned int flags) __must_check;
int pidfd_pid(unsigned int fd, pid_t *pid, bool *nonblock) __must_check;

/* exit.c */
/*
 * release_task_locked - take a dead task out of all tables; the caller drops the table's reference after unlocking.
 * Return: the leader, if this was the last thread it waited for and nobody wants its status: release that one too.
 * Locks: pidtab_lock held.
 */
struct task_struct *release_task_locked(struct task_struct *p) __must_check;

/* signal.c. Locks: @p's siglock held. */
#define SIG_KERNEL_STOP (sigmask(SIGSTOP) | sigmask(SIGTSTP) | sigmask(SIGTTIN) | sigmask(SIGTTOU))
#define SIG_KERNEL_IGNORE (sigmask(SIGCONT) | sigmask(SIGCHLD) | sigmask(SIGWINCH) | sigmask(SIGURG))
static inline bool valid_signal(u64 sig) { return sig <= _NSIG; }
int send_signal_locked(int sig, const siginfo_t *info, struct task_struct *p, bool group);
void signal_wake_up(struct task_struct *t, bool fatal);
/* zap_other_threads - SIGKILL for every other thread of current's process. Return: how many. */
int zap_other_threads(void);
/* flush_sigqueue_mask - forget the signals of @mask. */
void flush_sigqueue_mask(sigset_t mask, struct sigpending *s);
/* set_action_locked - install @act for @sig in current's sighand. */
void set_action_locked(struct sighand_struct *s, int sig, const struct sigaction_k *act);
/*
 * exit_signals - from now on current takes no signals of its process; others get those it would have taken. Locks:
 * none.
 */
void exit_signals(void);
/*
 * do_notify_parent_locked - @p (a leader) is dead: @sig to its parent. Return: true if the parent does not want to
 * wait for it. Locks: pidtab_lock.
 */
bool do_notify_parent_locked(struct task_struct *p, int sig) __must_check;
/* wake_up_parent_locked - whoever waits for children of @parent looks again. Locks: pidtab_lock. */
void wake_up_parent_locked(struct task_struct *parent);
/* set_current_blocked_locked - the set as it is, without retargeting. Locks: siglock. */
void set_current_blocked_locked(sigset_t set);
/* notify_parent_cldstop - current's process has stopped or goes on: CLD_STOPPED, CLD_CONTINUED. Locks: none held. */
void notify_parent_cldstop(int why);
/* force_fatal_sig - end current by @sig, whatever it has installed for it. */
void force_fatal_sig(int sig);
/* init_user_siginfo - as kill(2) sends it: from current. */
void init_user_siginfo(siginfo_t *info, int sig, int code);

/* sys_signal.c */
/* copy_siginfo_from_user - Return: 0, -EFAULT, -E2BIG: there is something in the part that no kind of signal uses. */
int copy_siginfo_from_user(siginfo_t *info, int sig, uptr uinfo) __must_check;
/*
 * kill_one - to the process of @p or (!@group) to the thread, if current may. Signal 0 only asks. Return: 0,
 * -EPERM, -EAGAIN.
 */
int kill_one(int sig, const siginfo_t *info, struct task_struct *p, bool group);

/* signal_deliver.c */
struct ksignal { struct sigaction_k ka; siginfo_t info; int sig; };
/*
 * get_signal - the next signal that has a handler; does what the others ask for. Return: false: none is left.
 * Context: task.
 */
bool get_signal(struct ksignal *ks) __must_check;
/* sas_ss_flags - SS_DISABLE, SS_ONSTACK or 0: the alternate stack, seen from stack pointer @sp. */
enum { SS_ONSTACK = 1, SS_DISABLE = 2 };
#define SS_AUTODISARM 0x80000000U
struct sigaltstack_abi { u64 ss_sp; u32 ss_flags, pad; u64 ss_size; };
u32 sas_ss_flags(u64 sp);
int do_sigaltstack(const struct sigaltstack_abi *new, u64 sp);
void save_altstack(struct sigaltstack_abi *old, u64 sp);
void sas_ss_reset(struct task_struct *p);
/* signal_frame_size - the most a signal frame takes from the stack, for AT_MINSIGSTKSZ. */
u64 signal_frame_size(void);

/* resource.c. Locks: pidtab_lock held. */
void add_task_usage(struct task_usage *to, struct task_struct *p);
void add_usage(struct task_usage *to, const struct task_usage *from);
void process_usage(struct task_struct *p, struct task_usage *u);
/* struct rusage as the ABI has it. */
struct rusage_abi {
	struct timeval64 utime, stime;
	s64 maxrss, ixrss, idrss, isrss, minflt, majflt, nswap, inblock, oublock;
	s64 msgsnd, msgrcv, nsignals, nvcsw, nivcsw;
};
static_assert(sizeof(struct rusage_abi) == 144, "ABI");
void usage_to_abi(const struct task_usage *u, struct rusage_abi *r);
/* ns_to_clock_t - in 1/USER_HZ seconds. */
static inline s64 ns_to_clock_t(u64 ns) { return (s64)(ns / (NSEC_PER_SEC / USER_HZ)); }

/*
 * kernel/task.h - the task: a thread of a user program, or of the kernel.
 *
 * Linux:   include/linux/sched.h, sched/signal.h, fs_struct.h (6.1)
 * Same:    task_struct, signal_struct (shared by a process's threads), pid and tgid, real_parent, children.
 * Differs: 1. ids are numbers looked up in one table: no struct pid, no namespaces.
 *          2. children belong to the process: real_parent is the leader of the parent's threads.
 *          3. sighand and signal stay with a task until its last reference is dropped: who holds one may
 *             always lock them, dead or not.
 * Locks:   as the headings say.
 * Walk:    current, everywhere.
 */
#pragma once
#include "kernel/arch.h"
#include "kernel/list.h"
#include "kernel/rbtree.h"
#include "kernel/refcount.h"
#include "kernel/sched.h"
#include "kernel/signal.h"
#include "kernel/timer.h"
#include "kernel/wait.h"

struct files_struct;
struct fs_struct;
struct tty_struct;
#define TASK_COMM_LEN 16
#define PID_MAX 32768		/* ids are below it, as /proc/sys/kernel/pid_max says */
#define RLIM_NLIMITS 16
#define RLIM_INFINITY (~0ULL)
enum { RLIMIT_CPU, RLIMIT_FSIZE, RLIMIT_DATA, RLIMIT_STACK, RLIMIT_CORE, RLIMIT_RSS, RLIMIT_NPROC, RLIMIT_NOFILE,
       RLIMIT_MEMLOCK, RLIMIT_AS, RLIMIT_LOCKS, RLIMIT_SIGPENDING, RLIMIT_MSGQUEUE,
       RLIMIT_NICE, RLIMIT_RTPRIO, RLIMIT_RTTIME };
struct rlimit64 { u64 rlim_cur, rlim_max; };

/* Who a task acts as; each task has its own copy. No capabilities but those of uid 0. */
struct cred { uid_t uid, euid, suid, fsuid; gid_t gid, egid, sgid, fsgid; int ngroups; gid_t groups[32]; };

/* What waited-for children and ended threads leave behind: numbers for getrusage(). */
struct task_usage { u64 utime_ns, stime_ns, min_flt, maj_flt, nvcsw, nivcsw, maxrss_pages; };

/* setitimer() on a CPU-time clock: when it expires (0: not) and how much later again. */
struct cpu_itimer { u64 expires_ns, incr_ns; };

/* What the threads of one process share. */
struct signal_struct {
	refcount_t sigcnt;		/* one per thread, until its task is freed */
	atomic_t live;			/* threads that have not begun to exit */
	/* PIDTAB and siglock to change, either to read */
	int nr_threads;
	struct list_head thread_head;	/* of task->thread_node, until reaped */
	/* PIDTAB */
	pid_t pgrp, session;
	bool leader;			/* of its session */
	bool is_child_subreaper;	/* PR_SET_CHILD_SUBREAPER */
	/*
	 * Controlling terminal, without a reference: who frees a tty first clears this in all processes of its
	 * session. A
	 * child takes the parent's under PIDTAB.
	 */
	struct tty_struct *tty;
	wait_queue_head_t wait_chldexit; /* wait4() sleeps here (own lock) */
	wait_queue_head_t wait_pidfd;	/* pollers of descriptors that stand for the process (own lock) */
	/* siglock */
	struct sigpending shared_pending;
	int nr_queued;			/* entries in the queues of all threads, against RLIMIT_SIGPENDING */
	int group_exit_code;		/* of exit_group(); while stopped: the signal, until it is waited for */
	bool group_exit;		/* exit_group() or a fatal signal is under way */
	bool unkillable;		/* pid 1: signals without a handler do nothing */
	u8 dumpable;			/* PR_SET_DUMPABLE */
	int group_stop_count;		/* threads that have still to stop */
	u32 stop_flags;			/* SIGNAL_STOP_*, SIGNAL_CLD_* */
	struct task_struct *group_exec_task; /* a thread is in execve() and waits for the others to end */
	int notify_count;		/* how many it waits for; below 0: for the leader to become a zombie */
	wait_queue_head_t signalfd_wqh;	/* own lock: pollers of signalfds */
	struct rlimit64 rlim[RLIM_NLIMITS];
	struct task_usage dead;		/* threads that have ended */
	struct task_usage children;	/* children that were waited for (PIDTAB) */
	/* setitimer(ITIMER_REAL) */
	struct hrtimer real_timer;
	pid_t real_timer_tgid;		/* whose it is: its interrupt finds the process by it */
	u64 it_real_incr_ns;
	struct cpu_itimer cpu_itimer[2];	/* ITIMER_VIRTUAL, ITIMER_PROF */
	struct list_head posix_timers;
	u64 start_time_ns;
	s64 oom_score_adj;
};
enum {
	SIGNAL_STOP_STOPPED = 1,	/* every thread has stopped */
	SIGNAL_STOP_CONTINUED = 2,	/* SIGCONT came since: wait4(WCONTINUED) may report it */
	SIGNAL_CLD_STOPPED = 0x10,	/* the parent is still to be told */
	SIGNAL_CLD_CONTINUED = 0x20,
};

struct held_lock { const void *lock; u16 class; u16 depth; unsigned long ip; };
#define MAX_HELD_LOCKS 24

struct task_struct {
	/* own use and the scheduler: TASK_PI, RUNQUEUE */
	unsigned int __state;		/* TASK_* */
	int on_rq;			/* queued or running on a run queue */
	int on_cpu;			/* its registers are in a CPU */
	int cpu;			/* whose run queue */
	u32 weight;
	s8 nice;
	u8 policy;			/* SCHED_* */
	u8 rt_priority;			/* 1 .. 99 for SCHED_FIFO and SCHED_RR, else 0 */
	bool sched_reset_on_fork;
	u64 cpus_mask;
	struct rb_node run_node;
	u64 vruntime_ns;
	u64 exec_start_ns, sum_exec_ns;
	u64 slice_start_ns;
	u64 nvcsw, nivcsw;
	spinlock_t pi_lock;
	struct thread_struct thread;
	void *stack;			/* THREAD_SIZE bytes */
	u32 flags;			/* PF_* */
	/* thread information flags, any CPU, atomic: TIF_* */
	unsigned long tif;

	/* immutable after creation, but for execve() by a thread that is not the leader (PIDTAB and siglock) */
	pid_t pid, tgid;
	struct task_struct *group_leader;
	struct signal_struct *signal;
	u64 start_time_ns;
	int exit_signal;		/* to the parent; -1: a thread that is not the leader */

	/* PIDTAB */
	struct hlist_node pid_hash;
	struct list_head tasks;		/* all group leaders */
	struct list_head thread_node;
	struct task_struct *real_parent;
	struct list_head children, sibling;
	int exit_state;			/* 0, EXIT_ZOMBIE, EXIT_DEAD */
	int exit_code;			/* wait status */
	int pdeath_signal;		/* PR_SET_PDEATHSIG */

	/* own use; others read under PIDTAB */
	struct mm_struct *mm;		/* NULL: kernel thread */
	struct files_struct *files;
	struct fs_struct *fs;
	struct cred cred;
	char comm[TASK_COMM_LEN];
	u32 personality;
	bool no_new_privs;

	/* siglock */
	struct sighand_struct *sighand;	/* lock it by lock_task_sighand() unless the task is current */
	struct sigpending pending;
	sigset_t blocked, saved_sigmask, real_blocked;
	bool restore_sigmask;
	bool stop_pending;		/* this thread has to take part in a group stop */
	bool stop_dequeued;		/* it took a stop signal, and no SIGCONT came since */
	u64 sas_ss_sp, sas_ss_size; u32 sas_ss_flags;

	/* own use only */
	uptr set_child_tid, clear_child_tid;
	uptr robust_list;
	struct vfork_completion *vfork_done;	/* PIDTAB: the parent waits on it (process/fork.c) */
	struct { long (*fn)(struct task_struct *); u64 a[4]; } restart_block;
	u64 utime_ns, stime_ns;		/* as last told: kernel/sched/tick.c */
	u64 tick_user_ns, tick_system_ns;	/* run time by where ticks found it */
	u64 acct_last_ns;		/* sum_exec_ns at the last tick */
	u64 min_flt, maj_flt;
	long fail_nth;			/* allocations until one fails; 0: off */
	u64 race_rng;			/* test builds: stream of numbers at race points; 0: has no seed */
	u32 race_id;			/* the how-manieth task of its seed */
	bool race_yields;		/* RUNQUEUE to clear: passes its turn to another seeded task once */
	int in_user_copy;
	u32 trace_wake_skb;		/* the packet whose softirq woke it */
	struct list_head deferred_fput;	/* files to release at return to user */

	refcount_t usage;		/* one for running, one for the pid table until reaped, one per borrower */

	/* lockdep: own use, irqs off. Last: fork copies what stands before. */
	int nr_held;
	struct held_lock held[MAX_HELD_LOCKS];
};
enum { PF_KTHREAD = 1, PF_EXITING = 2, PF_FORKNOEXEC = 4, PF_IDLE = 8, PF_WORKER = 16, PF_SUPERPRIV = 32 };
enum { TIF_SIGPENDING, TIF_NOTIFY_RESUME };
enum { EXIT_ZOMBIE = 0x20, EXIT_DEAD = 0x10 };

/* The tree of tasks: pid table, parents and children, groups, sessions. Every link in it is changed under this lock. */
extern spinlock_t pidtab_lock;

/* get_task_struct, put_task_struct - the last put frees stack and task. Context: any. */
static inline void get_task_struct(struct task_struct *p) { refcount_inc(&p->usage); }
void put_task_struct(struct task_struct *p);
/*
 * put_signal - a reference to what the threads of a process share (taken by refcount_inc(&sig->sigcnt)). Context:
 * any.
 */
void put_signal(struct signal_struct *sig);
/* find_get_task - the task with thread id @pid, with a reference, or NULL. Context: any. */
struct task_struct *find_get_task(pid_t pid);
/* find_task_locked - the same without a reference. Locks: pidtab_lock held. */
struct task_struct *find_task_locked(pid_t pid);
/*
 * for_each_process - call @fn for every process (leader) until it says false. Locks: takes PIDTAB around each call.
 * Context: any.
 */
void for_each_process(bool (*fn)(struct task_struct *p, void *arg), void *arg);
/* for_each_thread_locked - every thread of @p's process. Locks: PIDTAB or its siglock held. */
#define for_each_thread_locked(t, p) list_for_each_entry(t, &(p)->signal->thread_head, thread_node)
static inline bool thread_group_leader(const struct task_struct *p) { return p->group_leader == p; }
static inline bool thread_group_empty(const struct task_struct *p) { return p->signal->nr_threads == 1; }
/* get_task_mm - @p's address space with a reference, or NULL. Context: task. */
struct mm_struct *get_task_mm(struct task_struct *p);
/* set_task_comm - the name ps shows; cut to 15 characters. Context: any. */
void set_task_comm(struct task_struct *p, const char *name);
/*
 * is_current_pgrp_orphaned - does nobody do job control for current's group? Its terminal stops then do nothing.
 * Context: any.
 */
bool is_current_pgrp_orphaned(void);
/*
 * disassociate_ctty - current, leader of a session, ends: its terminal's foreground group gets SIGHUP and SIGCONT,
 * the terminal has no session any more, and signal->tty of all its processes is cleared. Implemented by
 * drivers/char/tty.c. Context: task, no locks held.
 */
void disassociate_ctty(void);
/*
 * exit_itimers - current's process ends or is replaced: its POSIX timers are cancelled and freed. Implemented by
 * kernel/time.
 * Context: task, no locks held; current is the only thread.
 */
void exit_itimers(struct signal_struct *sig);
/*
 * timer_signal_taken - current takes signal @sig, which may be a timer's: that is armed again, and @info learns how
 * often it
 * was late. For dequeue_signal(). Locks: siglock held.
 */
void timer_signal_taken(int sig, siginfo_t *info);
/* itimer_signal_taken - the part of it that is about SIGALRM and setitimer(2). Locks: siglock held. */
void itimer_signal_taken(void);
extern struct task_struct init_task;	/* the boot CPU's idle task, pid 0 */

/* signal_pending - is there a signal to deliver? One test; any task. Used by every interruptible sleep. */
static __always_inline bool signal_pending(const struct task_struct *p) { return test_bit(TIF_SIGPENDING, &p->tif); }
/* fatal_signal_pending - will the process of @p end as soon as it returns to user mode? Any task. */
static __always_inline bool fatal_signal_pending(const struct task_struct *p)
{
	return signal_pending(p) && (READ_ONCE(p->pending.signal.sig) & sigmask(SIGKILL));
}
/* signal_pending_state - may a task that sleeps in @state not sleep because of a signal? */
static __always_inline bool signal_pending_state(unsigned int state, const struct task_struct *p)
{
	if (!(state & (TASK_INTERRUPTIBLE | TASK_WAKEKILL)) || !signal_pending(p))
		return false;
	return (state & TASK_INTERRUPTIBLE) || fatal_signal_pending(p);
}

/*
 * kernel/task.h - the task: a thread of a user program, or of the kernel.
 *
 * Linux:   include/linux/sched.h, sched/signal.h, fs_struct.h (6.1)
 * Same:    task_struct, signal_struct (shared by a process's threads), pid and tgid, real_parent, children.
 * Differs: 1. ids are numbers looked up in one table: no struct pid, no namespaces.
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
#define RLIM_NLIMITS 16
#define RLIM_INFINITY (~0ULL)
enum { RLIMIT_CPU, RLIMIT_FSIZE, RLIMIT_DATA, RLIMIT_STACK, RLIMIT_CORE, RLIMIT_RSS, RLIMIT_NPROC, RLIMIT_NOFILE,
       RLIMIT_MEMLOCK, RLIMIT_AS, RLIMIT_LOCKS, RLIMIT_SIGPENDING, RLIMIT_MSGQUEUE, RLIMIT_NICE, RLIMIT_RTPRIO, RLIMIT_RTTIME };
struct rlimit64 { u64 rlim_cur, rlim_max; };

/* Who a task acts as; each task has its own copy. No capabilities but those of uid 0. */
struct cred { uid_t uid, euid, suid, fsuid; gid_t gid, egid, sgid, fsgid; int ngroups; gid_t groups[32]; };

/* What the threads of one process share. */
struct signal_struct {
	refcount_t sigcnt;		/* one per thread */
	/* PIDTAB */
	int nr_threads;
	struct list_head thread_head;	/* of task->thread_node */
	pid_t pgrp, session;
	bool leader;			/* of its session */
	struct tty_struct *tty;		/* controlling terminal */
	wait_queue_head_t wait_chldexit; /* wait4() sleeps here (own lock) */
	/* siglock */
	struct sigpending shared_pending;
	int group_exit_code;
	bool group_exit;		/* exit_group() or a fatal signal is under way */
	bool group_stopped;
	int group_stop_count;
	u32 stop_flags;			/* what wait4 has to report: SIGNAL_STOP_STOPPED... (process/) */
	wait_queue_head_t signalfd_wqh;	/* own lock: pollers of signalfds */
	struct rlimit64 rlim[RLIM_NLIMITS];
	u64 cutime_ns, cstime_ns;	/* waited-for children */
	u64 dead_threads_time_ns;
	/* setitimer(ITIMER_REAL) */
	struct hrtimer real_timer;
	u64 it_real_incr_ns;
	struct list_head posix_timers;
	u64 start_time_ns;
	s64 oom_score_adj;
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
	u8 policy;
	bool no_wake_balance;
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

	/* immutable after creation */
	pid_t pid, tgid;
	struct task_struct *group_leader;
	struct signal_struct *signal;
	u64 start_time_ns;
	int exit_signal;

	/* PIDTAB */
	struct hlist_node pid_hash;
	struct list_head tasks;		/* all group leaders */
	struct list_head thread_node;
	struct task_struct *real_parent;
	struct list_head children, sibling;
	int exit_state;			/* 0, EXIT_ZOMBIE, EXIT_DEAD */
	int exit_code;			/* wait status */

	/* own use; others read under PIDTAB */
	struct mm_struct *mm;		/* NULL: kernel thread */
	struct files_struct *files;
	struct fs_struct *fs;
	struct cred cred;
	char comm[TASK_COMM_LEN];

	/* siglock */
	struct sighand_struct *sighand;
	struct sigpending pending;
	sigset_t blocked, saved_sigmask, real_blocked;
	bool restore_sigmask;
	u64 sas_ss_sp, sas_ss_size; u32 sas_ss_flags;

	/* own use only */
	uptr set_child_tid, clear_child_tid;
	uptr robust_list;
	struct vfork_completion *vfork_done;	/* the parent waits on it (process/fork.c) */
	struct { long (*fn)(struct task_struct *); u64 a[4]; } restart_block;
	u64 utime_ns, stime_ns, acct_last_ns;
	u64 min_flt, maj_flt;
	long fail_nth;			/* allocations until one fails; 0: off */
	int in_user_copy;
	u32 trace_wake_skb;		/* the packet whose softirq woke it */
	struct list_head deferred_fput;	/* files to release at return to user */

	/* lockdep: own use, irqs off */
	int nr_held;
	struct held_lock held[MAX_HELD_LOCKS];

	refcount_t usage;		/* one for running, one for the pid table until reaped, one per borrower */
};
enum { PF_KTHREAD = 1, PF_EXITING = 2, PF_FORKNOEXEC = 4, PF_IDLE = 8, PF_WORKER = 16 };
enum { TIF_SIGPENDING, TIF_NOTIFY_RESUME };
enum { EXIT_ZOMBIE = 0x20, EXIT_DEAD = 0x10 };

/* get_task_struct, put_task_struct - the last put frees stack and task. Context: any. */
static inline void get_task_struct(struct task_struct *p) { refcount_inc(&p->usage); }
void put_task_struct(struct task_struct *p);
/* find_get_task - the task with thread id @pid, with a reference, or NULL. Context: any. */
struct task_struct *find_get_task(pid_t pid);
/* for_each_process - call @fn for every process (leader) until it says false. Locks: takes PIDTAB around each call. Context: any. */
void for_each_process(bool (*fn)(struct task_struct *p, void *arg), void *arg);
/* get_task_mm - @p's address space with a reference, or NULL. Context: task. */
struct mm_struct *get_task_mm(struct task_struct *p);
extern struct task_struct init_task;	/* the boot CPU's idle task, pid 0 */

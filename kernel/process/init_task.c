/*
 * kernel/process/init_task.c - the first task: what the boot CPU runs before there are others, later its idle task.
 *
 * Linux:   init/init_task.c (6.1)
 * Same:    statically made, pid 0, head of the list of processes, ancestor of all.
 * Differs: none.
 * Locks:   none.
 * Walk:    x86_start() makes it current;  sched_init().
 */
#include "kernel/process/internal.h"

static struct sighand_struct init_sighand = {
	.count = REFCOUNT_INIT(1),
	.siglock = __SPIN_LOCK_UNLOCKED(LC_SIGHAND),
};

#define UNLIMITED { RLIM_INFINITY, RLIM_INFINITY }
/* Linux's defaults, but for those it computes from the memory size (fork_init()). */
static struct signal_struct init_signals = {
	.sigcnt = REFCOUNT_INIT(1),
	.live = ATOMIC_INIT(1),
	.nr_threads = 1,
	.thread_head = { &init_task.thread_node, &init_task.thread_node },
	.wait_chldexit = __WAIT_QUEUE_HEAD_INIT(init_signals.wait_chldexit),
	.wait_pidfd = __WAIT_QUEUE_HEAD_INIT(init_signals.wait_pidfd),
	.shared_pending = { .list = LIST_HEAD_INIT(init_signals.shared_pending.list) },
	.signalfd_wqh = __WAIT_QUEUE_HEAD_INIT(init_signals.signalfd_wqh),
	.dumpable = 1,
	.rlim = {
		[RLIMIT_CPU] = UNLIMITED,
		[RLIMIT_FSIZE] = UNLIMITED,
		[RLIMIT_DATA] = UNLIMITED,
		[RLIMIT_STACK] = { 8 * MIB, RLIM_INFINITY },
		[RLIMIT_CORE] = { 0, RLIM_INFINITY },
		[RLIMIT_RSS] = UNLIMITED,
		[RLIMIT_NPROC] = { PID_MAX / 2, PID_MAX / 2 },
		[RLIMIT_NOFILE] = { 1024, 4096 },
		[RLIMIT_MEMLOCK] = { 8 * MIB, 8 * MIB },
		[RLIMIT_AS] = UNLIMITED,
		[RLIMIT_LOCKS] = UNLIMITED,
		[RLIMIT_SIGPENDING] = { PID_MAX / 2, PID_MAX / 2 },
		[RLIMIT_MSGQUEUE] = { 819200, 819200 },
		[RLIMIT_NICE] = { 0, 0 },
		[RLIMIT_RTPRIO] = { 0, 0 },
		[RLIMIT_RTTIME] = UNLIMITED,
	},
	.posix_timers = LIST_HEAD_INIT(init_signals.posix_timers),
};

struct task_struct init_task = {
	.pi_lock = __SPIN_LOCK_UNLOCKED(LC_TASK_PI),
	.flags = PF_KTHREAD | PF_IDLE,
	.cpus_mask = ~0ULL,
	.group_leader = &init_task,
	.signal = &init_signals,
	.tasks = LIST_HEAD_INIT(init_task.tasks),
	.thread_node = { &init_signals.thread_head, &init_signals.thread_head },
	.real_parent = &init_task,
	.children = LIST_HEAD_INIT(init_task.children),
	.sibling = LIST_HEAD_INIT(init_task.sibling),
	.comm = "swapper",
	.sighand = &init_sighand,
	.pending = { .list = LIST_HEAD_INIT(init_task.pending.list) },
	.deferred_fput = LIST_HEAD_INIT(init_task.deferred_fput),
	.usage = REFCOUNT_INIT(2),
};

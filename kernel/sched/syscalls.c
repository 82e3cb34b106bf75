/*
 * kernel/sched/syscalls.c - system calls about policy, priority and affinity.
 *
 * Linux:   kernel/sched/core.c, kernel/sys.c (6.1)
 * Same:    errors and their order; who may change whom; RLIMIT_NICE and RLIMIT_RTPRIO;
 *          SCHED_RESET_ON_FORK.
 * Differs: 1. SCHED_DEADLINE is refused. 2. real-time tasks can take all of a CPU: there is no
 *             throttling.
 * Locks:   TASK_PI and RUNQUEUE to change a task; PIDTAB to find several.
 * Walk:    sched_setscheduler(2) -> do_setscheduler();  setpriority(2) -> set_user_nice().
 */
#include "kernel/errno.h"
#include "kernel/process.h"
#include "kernel/sched/internal.h"
#include "kernel/softirq.h"
#include "kernel/syscall.h"
#include "kernel/uaccess.h"

enum { PRIO_PROCESS, PRIO_PGRP, PRIO_USER };

/* --- changing a task -------------------------------------------------------------------------- */

/* Each step of niceness is a tenth of a CPU between two tasks: 1024 / 1.25^nice, rounded. */
static const u32 weights[MAX_NICE - MIN_NICE + 1] = {
	88818, 71054, 56843, 45475, 36380, 29104, 23283, 18626, 14901, 11921,
	9537, 7629, 6104, 4883, 3906, 3125, 2500, 2000, 1600, 1280,
	1024, 819, 655, 524, 419, 336, 268, 215, 172, 137,
	110, 88, 70, 56, 45, 36, 29, 23, 18, 15,
};

u32 nice_to_weight(int nice) { return weights[nice - MIN_NICE]; }

struct new_policy { int policy, rt_priority, nice; bool reset_on_fork; };

/* Put @p where its new policy and weight belong. */
static void set_policy(struct task_struct *p, const struct new_policy *new)
{
	unsigned long flags;
	struct rq *rq = task_rq_lock(p, &flags);
	bool queued = p->on_rq && rq->curr != p, was_rt = is_rt(p);

	if (rq->curr == p)
		update_curr(rq, p, arch_clock_ns()); /* so far by its old weight */
	if (queued)
		tree_erase(rq, p);
	p->policy = (u8)new->policy;
	p->rt_priority = (u8)new->rt_priority;
	p->nice = (s8)new->nice;
	p->sched_reset_on_fork = new->reset_on_fork;
	p->weight = p->policy == SCHED_IDLE ? IDLE_WEIGHT : nice_to_weight(p->nice);
	if (is_rt(p))
		p->vruntime_ns = rt_key(rq, p);
	else if (was_rt)
		p->vruntime_ns = rq->min_vruntime_ns;
	if (queued)
		tree_insert(rq, p);
	if (p->on_rq)
		resched_curr(rq);
	task_rq_unlock(rq, p, flags);
}

void set_user_nice(struct task_struct *p, int nice)
{
	const struct new_policy new = { p->policy, p->rt_priority, nice, p->sched_reset_on_fork };

	set_policy(p, &new);
}

/* --- who may ---------------------------------------------------------------------------------- */

static bool same_owner(const struct task_struct *p)
{
	return current->cred.euid == p->cred.euid || current->cred.euid == p->cred.uid;
}

static u64 task_rlimit(const struct task_struct *p, unsigned int which)
{
	return READ_ONCE(p->signal->rlim[which].rlim_cur);
}

/* RLIMIT_NICE counts from 1 (nice 19) to 40 (nice -20). */
static bool can_nice(const struct task_struct *p, int nice)
{
	return (u64)(MAX_NICE + 1 - nice) <= task_rlimit(p, RLIMIT_NICE) || capable_root();
}

static bool is_rt_policy(int policy) { return policy == SCHED_FIFO || policy == SCHED_RR; }

static int may_set_policy(const struct task_struct *p, const struct new_policy *new)
{
	u64 rt_limit = task_rlimit(p, RLIMIT_RTPRIO);

	if (capable_root())
		return 0;
	if (!is_rt_policy(new->policy) && new->nice < p->nice && !can_nice(p, new->nice))
		return -EPERM;
	if (is_rt_policy(new->policy)) {
		if (new->policy != p->policy && !rt_limit)
			return -EPERM;
		if (new->rt_priority > p->rt_priority && (u64)new->rt_priority > rt_limit)
			return -EPERM;
	}
	/* Out of SCHED_IDLE is up. */
	if (p->policy == SCHED_IDLE && new->policy != SCHED_IDLE && !can_nice(p, p->nice))
		return -EPERM;
	if (!same_owner(p) || (p->sched_reset_on_fork && !new->reset_on_fork))
		return -EPERM;
	return 0;
}

/* The task that a system call means by @pid (0: the caller), with a reference, or NULL. */
static struct task_struct *get_task_by_pid(pid_t pid)
{
	if (pid)
		return find_get_task(pid);
	get_task_struct(current);
	return current;
}

/*
 * --- policy --------------------------------------------------------------------------------------
 * ------------------
 */

static int check_policy(const struct new_policy *new)
{
	switch (new->policy) {
	case SCHED_FIFO:
	case SCHED_RR:
		return new->rt_priority >= 1 && new->rt_priority < MAX_RT_PRIO ? 0 : -EINVAL;
	case SCHED_NORMAL:
	case SCHED_BATCH:
	case SCHED_IDLE:
		return new->rt_priority ? -EINVAL : 0;
	default:
		return -EINVAL;
	}
}

/* @policy with SCHED_RESET_ON_FORK in it; -1: keep the policy. */
static int do_setscheduler(pid_t pid, int policy, uptr param)
{
	struct new_policy new = { .reset_on_fork = false };
	struct task_struct *p;
	int prio, err;

	if (uptr_is_null(param) || pid < 0)
		return -EINVAL;
	if (get_user(prio, param))
		return -EFAULT;
	p = get_task_by_pid(pid);
	if (!p)
		return -ESRCH;
	new.rt_priority = prio;
	new.nice = p->nice;
	new.policy = p->policy;
	new.reset_on_fork = p->sched_reset_on_fork;
	if (policy >= 0) {
		new.policy = policy & ~SCHED_RESET_ON_FORK;
		new.reset_on_fork = (policy & SCHED_RESET_ON_FORK) != 0;
	}
	err = check_policy(&new);
	if (!err)
		err = may_set_policy(p, &new);
	if (!err)
		set_policy(p, &new);
	put_task_struct(p);
	return err;
}

SYSCALL_DEFINE3(sched_setscheduler, pid_t, pid, int, policy, uptr, param)
{
	return policy < 0 ? -EINVAL : do_setscheduler(pid, policy, param);
}

SYSCALL_DEFINE2(sched_setparam, pid_t, pid, uptr, param) { return do_setscheduler(pid, -1, param); }

SYSCALL_DEFINE1(sched_getscheduler, pid_t, pid)
{
	struct task_struct *p;
	int policy;

	if (pid < 0)
		return -EINVAL;
	p = get_task_by_pid(pid);
	if (!p)
		return -ESRCH;
	policy = p->policy | (p->sched_reset_on_fork ? SCHED_RESET_ON_FORK : 0);
	put_task_struct(p);
	return policy;
}

SYSCALL_DEFINE2(sched_getparam, pid_t, pid, uptr, param)
{
	struct task_struct *p;
	int prio;

	if (uptr_is_null(param) || pid < 0)
		return -EINVAL;
	p = get_task_by_pid(pid);
	if (!p)
		return -ESRCH;
	prio = p->rt_priority;
	put_task_struct(p);
	return put_user(prio, param) ? -EFAULT : 0;
}

/* The range of priorities: 1 to 99 for real-time policies. */
static int priority_limit(int policy, int rt_limit)
{
	switch (policy) {
	case SCHED_FIFO:
	case SCHED_RR:
		return rt_limit;
	case SCHED_NORMAL:
	case SCHED_BATCH:
	case SCHED_IDLE:
	case SCHED_DEADLINE:
		return 0;
	default:
		return -EINVAL;
	}
}

SYSCALL_DEFINE1(sched_get_priority_max, int, policy)
{
	return priority_limit(policy, MAX_RT_PRIO - 1);
}

SYSCALL_DEFINE1(sched_get_priority_min, int, policy) { return priority_limit(policy, 1); }

SYSCALL_DEFINE2(sched_rr_get_interval, pid_t, pid, uptr, interval)
{
	struct task_struct *p;
	struct timespec64 t = { 0, 0 };

	if (pid < 0)
		return -EINVAL;
	p = get_task_by_pid(pid);
	if (!p)
		return -ESRCH;
	if (p->policy == SCHED_RR)
		t.tv_nsec = RR_SLICE_NS;
	else if (p->policy != SCHED_FIFO)
		t.tv_nsec = SLICE_NS;
	put_task_struct(p);
	return copy_to_user(interval, &t, sizeof(t)) ? -EFAULT : 0;
}

SYSCALL_DEFINE0(sched_yield)
{
	sched_yield_current();
	return 0;
}

/* --- affinity --------------------------------------------------------------------------------- */

SYSCALL_DEFINE3(sched_setaffinity, pid_t, pid, unsigned int, len, uptr, umask)
{
	u64 mask = 0;
	struct task_struct *p;
	int err = 0;

	/* Bits that are not given are zero; those of CPUs that cannot exist do not matter. */
	if (copy_from_user(&mask, umask, min_t(size_t, len, sizeof(mask))))
		return -EFAULT;
	p = get_task_by_pid(pid);
	if (!p)
		return -ESRCH;
	if (!same_owner(p) && !capable_root())
		err = -EPERM;
	else if (p->flags & PF_KTHREAD && p->cpus_mask != ~0ULL)
		err = -EINVAL; /* a thread that belongs to its CPU */
	else
		err = sched_setaffinity_mask(p, mask);
	put_task_struct(p);
	return err;
}

SYSCALL_DEFINE3(sched_getaffinity, pid_t, pid, unsigned int, len, uptr, umask)
{
	struct task_struct *p;
	u64 mask;

	if (len * 8UL < (unsigned int)nr_cpus_possible || len % sizeof(u64))
		return -EINVAL;
	p = get_task_by_pid(pid);
	if (!p)
		return -ESRCH;
	mask = READ_ONCE(p->cpus_mask) & online_mask();
	put_task_struct(p);
	return copy_to_user(umask, &mask, sizeof(mask)) ? -EFAULT : (long)sizeof(mask);
}

/* --- niceness --------------------------------------------------------------------------------- */

struct prio_call {
	int which;
	u32 who;
	bool set;
	int nice;		/* to set; or the least found */
	int err;		/* -ESRCH until one is found */
};

static void prio_one(struct task_struct *p, struct prio_call *c)
{
	if (!c->set) {
		c->nice = c->err == -ESRCH ? p->nice : min(c->nice, (int)p->nice);
		c->err = 0;
		return;
	}
	if (!same_owner(p) && !capable_root()) {
		c->err = -EPERM;
		return;
	}
	if (c->nice < p->nice && !can_nice(p, c->nice)) {
		c->err = -EACCES;
		return;
	}
	if (c->err == -ESRCH)
		c->err = 0;
	set_user_nice(p, c->nice);
}

/* Locks: PIDTAB held, by for_each_process(). */
static bool prio_process(struct task_struct *leader, void *arg)
{
	struct prio_call *c = arg;
	struct task_struct *t;

	if (c->which == PRIO_PGRP && (u32)leader->signal->pgrp != c->who)
		return true;
	for_each_thread_locked(t, leader)
		if (c->which == PRIO_PGRP || t->cred.uid == c->who)
			prio_one(t, c);
	return true;
}

static int do_priority(struct prio_call *c)
{
	struct task_struct *p;

	if (c->which < PRIO_PROCESS || c->which > PRIO_USER)
		return -EINVAL;
	c->err = -ESRCH;
	if (c->which == PRIO_PROCESS) {
		p = (pid_t)c->who < 0 ? NULL : get_task_by_pid((pid_t)c->who);
		if (!p)
			return -ESRCH;
		prio_one(p, c);
		put_task_struct(p);
		return c->err;
	}
	if (!c->who)
		c->who = c->which == PRIO_PGRP ? (u32)current->signal->pgrp : current->cred.uid;
	for_each_process(prio_process, c);
	return c->err;
}

SYSCALL_DEFINE3(setpriority, int, which, int, who, int, nice)
{
	struct prio_call c = {
		.which = which, .who = (u32)who, .set = true,
		.nice = clamp(nice, (int)MIN_NICE, (int)MAX_NICE),
	};

	return do_priority(&c);
}

/* 40 .. 1 for nice -20 .. 19, so that no result is an error. */
SYSCALL_DEFINE2(getpriority, int, which, int, who)
{
	struct prio_call c = { which, (u32)who, false, 0, 0 };
	int err = do_priority(&c);

	return err ? err : MAX_NICE + 1 - c.nice;
}

/*
 * kernel/process/wait.c - a parent learns what became of its children.
 *
 * Linux:   kernel/exit.c, do_wait() and below (6.1)
 * Same:    which children match, what is reported first, when -ECHILD is the answer; WNOWAIT leaves all as it is.
 * Differs: 1. all threads of a process share its children: __WNOTHREAD changes nothing.
 * Locks:   PIDTAB, SIGHAND inside; WAITQ for the sleep.
 * Walk:    wait4(2) -> do_wait() -> look_at_children() -> wait_consider_task() -> release_task_locked().
 */
#include "kernel/process/internal.h"
#include "kernel/syscall.h"
#include "kernel/uaccess.h"

enum {
	WNOHANG = 1, WUNTRACED = 2, WSTOPPED = 2, WEXITED = 4, WCONTINUED = 8, WNOWAIT = 0x01000000,
	__WNOTHREAD = 0x20000000, __WALL = 0x40000000,
	P_ALL = 0, P_PID = 1, P_PGID = 2, P_PIDFD = 3,
};
#define __WCLONE 0x80000000U

struct wait_opts {
	int type;			/* P_* */
	pid_t pid;			/* process or group */
	unsigned int flags;
	bool nonblock;			/* a pidfd with O_NONBLOCK: -EAGAIN instead of waiting */
	int notask_error;		/* if nothing is to be reported: -ECHILD, or 0: some may come */
	/* what was found */
	int stat, cause, status;
	uid_t uid;
	struct task_usage usage;
	struct task_struct *reaped;	/* its table reference is the waiter's to drop */
};

static bool eligible_child(const struct wait_opts *wo, const struct task_struct *p)
{
	if (wo->type == P_PID && p->tgid != wo->pid)
		return false;
	if (wo->type == P_PGID && p->signal->pgrp != wo->pid)
		return false;
	/*
	 * A "clone" child is one that ends with another signal than SIGCHLD: asked for alone, or with all, or not
	 * at all.
	 */
	return wo->flags & __WALL || (p->exit_signal != SIGCHLD) == !!(wo->flags & __WCLONE);
}

static pid_t wait_task_zombie(struct wait_opts *wo, struct task_struct *p)
{
	struct task_usage *children = &current->signal->children;
	int code = p->signal->group_exit ? p->signal->group_exit_code : p->exit_code;

	if (!(wo->flags & WEXITED))
		return 0;
	wo->stat = code;
	wo->cause = code & 0x7f ? CLD_KILLED : CLD_EXITED;
	wo->status = code & 0x7f ? code & 0x7f : code >> 8;
	wo->uid = p->cred.uid;
	if (wo->flags & WNOWAIT) {
		process_usage(p, &wo->usage);
		add_usage(&wo->usage, &p->signal->children);
		return p->tgid;
	}
	p->exit_state = EXIT_DEAD;
	wo->reaped = release_task_locked(p); /* a leader has none */
	wo->reaped = p;
	wo->usage = p->signal->dead;
	add_usage(&wo->usage, &p->signal->children);
	add_usage(children, &wo->usage);
	return p->tgid;
}

static pid_t wait_task_stopped(struct wait_opts *wo, struct task_struct *p)
{
	struct signal_struct *sig = p->signal;
	int code = 0;

	if (!(wo->flags & WUNTRACED) || !(READ_ONCE(sig->stop_flags) & SIGNAL_STOP_STOPPED))
		return 0;
	spin_lock(&p->sighand->siglock);
	if (sig->stop_flags & SIGNAL_STOP_STOPPED)
		code = sig->group_exit_code;
	if (!(wo->flags & WNOWAIT))
		sig->group_exit_code = 0;
	spin_unlock(&p->sighand->siglock);
	if (!code)
		return 0;
	wo->stat = code << 8 | 0x7f;
	wo->cause = CLD_STOPPED;
	wo->status = code;
	wo->uid = p->cred.uid;
	process_usage(p, &wo->usage);
	return p->tgid;
}

static pid_t wait_task_continued(struct wait_opts *wo, struct task_struct *p)
{
	struct signal_struct *sig = p->signal;
	bool continued;

	if (!(wo->flags & WCONTINUED) || !(READ_ONCE(sig->stop_flags) & SIGNAL_STOP_CONTINUED))
		return 0;
	spin_lock(&p->sighand->siglock);
	continued = sig->stop_flags & SIGNAL_STOP_CONTINUED;
	if (!(wo->flags & WNOWAIT))
		sig->stop_flags &= ~(u32)SIGNAL_STOP_CONTINUED;
	spin_unlock(&p->sighand->siglock);
	if (!continued)
		return 0;
	wo->stat = 0xffff;
	wo->cause = CLD_CONTINUED;
	wo->status = SIGCONT;
	wo->uid = p->cred.uid;
	process_usage(p, &wo->usage);
	return p->tgid;
}

/* Return: the id of @p if it has something to report that was asked for, else 0. */
static pid_t wait_consider_task(struct wait_opts *wo, struct task_struct *p)
{
	pid_t pid;

	if (!eligible_child(wo, p) || p->exit_state == EXIT_DEAD)
		return 0;
	if (p->exit_state == EXIT_ZOMBIE && thread_group_empty(p))
		return wait_task_zombie(wo, p);
	wo->notask_error = 0;
	pid = wait_task_stopped(wo, p);
	return pid ? pid : wait_task_continued(wo, p);
}

static pid_t look_at_children(struct wait_opts *wo)
{
	struct task_struct *leader, *p;
	pid_t pid = 0;

	wo->notask_error = -ECHILD;
	spin_lock_irq(&pidtab_lock);
	leader = current->group_leader;
	if (wo->type == P_PID) {
		p = find_task_locked(wo->pid);
		if (p && thread_group_leader(p) && p->real_parent == leader)
			pid = wait_consider_task(wo, p);
	} else {
		list_for_each_entry(p, &leader->children, sibling) {
			pid = wait_consider_task(wo, p);
			if (pid)
				break;
		}
	}
	spin_unlock_irq(&pidtab_lock);
	if (wo->reaped)
		put_task_struct(wo->reaped);
	if (pid)
		return pid;
	return wo->notask_error;
}

/* Return: id of the child that is reported, 0 (WNOHANG: none yet), -ECHILD, -ERESTARTSYS. */
static pid_t do_wait(struct wait_opts *wo)
{
	wait_queue_head_t *wq = &current->signal->wait_chldexit;
	struct wait_queue_entry wait;
	pid_t ret = look_at_children(wo);

	if (ret || wo->flags & WNOHANG)
		return ret;
	init_waitqueue_entry(&wait, current);
	add_wait_queue(wq, &wait);
	for (;;) {
		set_current_state(TASK_INTERRUPTIBLE);
		ret = look_at_children(wo);
		if (ret)
			break;
		if (signal_pending(current)) {
			ret = -ERESTARTSYS;
			break;
		}
		schedule();
	}
	__set_current_state(TASK_RUNNING);
	remove_wait_queue(wq, &wait);
	return ret;
}

SYSCALL_DEFINE4(wait4, pid_t, upid, uptr, stat_addr, unsigned int, options, uptr, ru)
{
	struct wait_opts wo = { .type = P_PID, .pid = upid, .flags = options | WEXITED };
	pid_t pid;

	if (options & ~(WNOHANG | WUNTRACED | WCONTINUED | __WNOTHREAD | __WCLONE | __WALL))
		return -EINVAL;
	if (upid == -S32_MAX - 1)
		return -ESRCH;
	if (upid == -1) {
		wo.type = P_ALL;
	} else if (upid <= 0) {
		wo.type = P_PGID;
		wo.pid = upid ? -upid : READ_ONCE(current->signal->pgrp);
	}
	pid = do_wait(&wo);
	if (pid <= 0)
		return pid;
	if (!uptr_is_null(stat_addr) && put_user(wo.stat, stat_addr))
		return -EFAULT;
	if (!uptr_is_null(ru)) {
		struct rusage_abi r;

		usage_to_abi(&wo.usage, &r);
		if (copy_to_user(ru, &r, sizeof(r)))
			return -EFAULT;
	}
	return pid;
}

static int waitid_target(struct wait_opts *wo, int which, pid_t upid)
{
	wo->type = which;
	wo->pid = upid;
	switch (which) {
	case P_ALL:
		return 0;
	case P_PID:
		return upid <= 0 ? -EINVAL : 0;
	case P_PGID:
		if (upid < 0)
			return -EINVAL;
		if (!upid)
			wo->pid = READ_ONCE(current->signal->pgrp);
		return 0;
	case P_PIDFD:
		if (upid < 0)
			return -EINVAL;
		wo->type = P_PID;
		return pidfd_pid((unsigned int)upid, &wo->pid, &wo->nonblock);
	default:
		return -EINVAL;
	}
}

static int put_child_info(uptr infop, const struct wait_opts *wo, pid_t pid)
{
	siginfo_t info;

	clear_siginfo(&info);
	if (pid > 0) {
		info.si_signo = SIGCHLD;
		info.si_code = wo->cause;
		info.si_pid = pid;
		info.si_uid = wo->uid;
		info.si_status = wo->status;
	}
	/* signo, errno, code, pid, uid, status: no more is written. */
	return copy_to_user(infop, &info, offsetof(siginfo_t, si_status) + sizeof(info.si_status)) ? -EFAULT : 0;
}

SYSCALL_DEFINE5(waitid, int, which, pid_t, upid, uptr, infop, unsigned int, options, uptr, ru)
{
	struct wait_opts wo = { .flags = options };
	int err = 0;
	pid_t pid;

	if (options & ~(WNOHANG | WNOWAIT | WEXITED | WSTOPPED | WCONTINUED | __WNOTHREAD | __WCLONE | __WALL))
		err = -EINVAL;
	else if (!(options & (WEXITED | WSTOPPED | WCONTINUED)))
		err = -EINVAL;
	else
		err = waitid_target(&wo, which, upid);
	wo.flags |= wo.nonblock ? WNOHANG : 0;
	pid = err ? err : do_wait(&wo);
	if (!pid && wo.nonblock && !(options & WNOHANG))
		pid = -EAGAIN;
	if (pid > 0 && !uptr_is_null(ru)) {
		struct rusage_abi r;

		usage_to_abi(&wo.usage, &r);
		if (copy_to_user(ru, &r, sizeof(r)))
			return -EFAULT;
	}
	/* Linux clears the fields on errors, too. */
	if (!uptr_is_null(infop) && put_child_info(infop, &wo, pid))
		return -EFAULT;
	return min(pid, 0);
}

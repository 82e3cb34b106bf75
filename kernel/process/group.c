/*
 * kernel/process/group.c - process groups and sessions: what a shell's job control is made of.
 *
 * Linux:   kernel/sys.c (setpgid ... setsid), kernel/exit.c (orphaned groups) (6.1)
 * Same:    errors and their order; a group that loses its last tie to the rest of its session while it has
 *          stopped members gets SIGHUP and SIGCONT (POSIX 2.2.2.52).
 * Differs: 1. the members of a group are found by walking all processes: there is no list per group.
 * Locks:   PIDTAB, SIGHAND inside.
 * Walk:    exit_notify() -> kill_orphaned_pgrp_locked();  the tty -> is_current_pgrp_orphaned().
 */
#include "kernel/process/internal.h"
#include "kernel/syscall.h"

static bool pgrp_in_session_locked(pid_t pgrp, pid_t session)
{
	struct task_struct *p;

	list_for_each_entry(p, &init_task.tasks, tasks)
		if (p->signal->pgrp == pgrp && p->signal->session == session)
			return true;
	return false;
}

/* A process whose threads are all dead no longer holds its group to anything. */
static bool process_is_dead(const struct task_struct *p) { return p->exit_state && thread_group_empty(p); }

bool is_orphaned_pgrp_locked(pid_t pgrp, const struct task_struct *ignored)
{
	struct task_struct *p;

	assert_held(&pidtab_lock);
	list_for_each_entry(p, &init_task.tasks, tasks) {
		const struct signal_struct *parent = p->real_parent->signal;

		if (p->signal->pgrp != pgrp || p == ignored || process_is_dead(p) || p->real_parent->tgid <= 1)
			continue;
		if (parent->pgrp != pgrp && parent->session == p->signal->session)
			return false;
	}
	return true;
}

static bool has_stopped_jobs_locked(pid_t pgrp)
{
	struct task_struct *p;

	list_for_each_entry(p, &init_task.tasks, tasks)
		if (p->signal->pgrp == pgrp && (READ_ONCE(p->signal->stop_flags) & SIGNAL_STOP_STOPPED))
			return true;
	return false;
}

void kill_orphaned_pgrp_locked(struct task_struct *tsk, struct task_struct *parent)
{
	pid_t pgrp = tsk->signal->pgrp;
	const struct task_struct *ignored = parent ? NULL : tsk;

	assert_held(&pidtab_lock);
	/* With a parent given it is a child of that exiting parent; else tsk itself exits. */
	if (!parent)
		parent = tsk->real_parent;
	if (parent->signal->pgrp == pgrp || parent->signal->session != tsk->signal->session)
		return;
	if (has_stopped_jobs_locked(pgrp) && is_orphaned_pgrp_locked(pgrp, ignored)) {
		kill_pgrp_locked(pgrp, SIGHUP);
		kill_pgrp_locked(pgrp, SIGCONT);
	}
}

bool is_current_pgrp_orphaned(void)
{
	unsigned long flags;
	bool orphaned;

	spin_lock_irqsave(&pidtab_lock, flags);
	orphaned = is_orphaned_pgrp_locked(current->signal->pgrp, NULL);
	spin_unlock_irqrestore(&pidtab_lock, flags);
	return orphaned;
}

static int setpgid_locked(pid_t pid, pid_t pgid)
{
	struct task_struct *leader = current->group_leader, *p = find_task_locked(pid);

	if (!p)
		return -ESRCH;
	if (!thread_group_leader(p))
		return -EINVAL;
	if (p->real_parent == leader) {
		if (p->signal->session != leader->signal->session)
			return -EPERM;
		if (!(p->flags & PF_FORKNOEXEC))
			return -EACCES;
	} else if (p != leader) {
		return -ESRCH;
	}
	if (p->signal->leader)
		return -EPERM;
	if (pgid != pid && !pgrp_in_session_locked(pgid, leader->signal->session))
		return -EPERM;
	p->signal->pgrp = pgid;
	return 0;
}

SYSCALL_DEFINE2(setpgid, pid_t, pid, pid_t, pgid)
{
	int err;

	if (!pid)
		pid = current->tgid;
	if (!pgid)
		pgid = pid;
	if (pgid < 0)
		return -EINVAL;
	spin_lock_irq(&pidtab_lock);
	err = setpgid_locked(pid, pgid);
	spin_unlock_irq(&pidtab_lock);
	return err;
}

/* The group or session of @pid (0: of current). */
static long get_group(pid_t pid, bool session)
{
	long ret = -ESRCH;
	struct task_struct *p;

	spin_lock_irq(&pidtab_lock);
	p = pid ? find_task_locked(pid) : current;
	if (p)
		ret = session ? p->signal->session : p->signal->pgrp;
	spin_unlock_irq(&pidtab_lock);
	return ret;
}

SYSCALL_DEFINE1(getpgid, pid_t, pid) { return get_group(pid, false); }
SYSCALL_DEFINE1(getsid, pid_t, pid) { return get_group(pid, true); }
SYSCALL_DEFINE0(getpgrp) { return READ_ONCE(current->signal->pgrp); }

SYSCALL_DEFINE0(setsid)
{
	struct signal_struct *sig = current->signal;
	pid_t session = current->tgid;
	struct task_struct *p;
	long err = -EPERM;

	spin_lock_irq(&pidtab_lock);
	if (sig->leader)
		goto out_unlock;
	list_for_each_entry(p, &init_task.tasks, tasks)
		if (p->signal->pgrp == session)
			goto out_unlock;
	sig->leader = true;
	sig->session = session;
	sig->pgrp = session;
	sig->tty = NULL;
	err = session;
out_unlock:
	spin_unlock_irq(&pidtab_lock);
	return err;
}

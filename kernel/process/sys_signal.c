/*
 * kernel/process/sys_signal.c - the system calls about signals.
 *
 * Linux:   kernel/signal.c (6.1)
 * Same:    who may signal whom, in Linux's order of checks; the size of a signal set is checked first.
 * Differs: none of note.
 * Locks:   PIDTAB to find the target, SIGHAND inside.
 * Walk:    kill(2) -> kill_process() -> kill_one() -> send_sig_info().
 */
#include "kernel/process/internal.h"
#include "kernel/string.h"
#include "kernel/syscall.h"
#include "kernel/uaccess.h"

/* --- sending ------------------------------------------------------------------------------------------------- */

static bool kill_ok_by_cred(const struct task_struct *p)
{
	const struct cred *me = &current->cred, *c = &p->cred;

	return me->euid == 0 || me->euid == c->suid || me->euid == c->uid || me->uid == c->suid || me->uid == c->uid;
}

static int check_kill_permission(int sig, const struct task_struct *p)
{
	if (p->tgid == current->tgid || kill_ok_by_cred(p))
		return 0;
	if (sig == SIGCONT && p->signal->session == current->signal->session)
		return 0;
	return -EPERM;
}

int kill_one(int sig, const siginfo_t *info, struct task_struct *p, bool group)
{
	int err = check_kill_permission(sig, p);

	if (err || !sig)
		return err;
	return group ? send_sig_info(sig, info, p) : send_sig_thread(sig, info, p);
}

static int kill_process(int sig, const siginfo_t *info, pid_t pid)
{
	struct task_struct *p;
	int err = -ESRCH;

	/* A process is there for itself, found without looking. */
	if (pid == current->tgid)
		return kill_one(sig, info, current->group_leader, true);
	spin_lock_irq(&pidtab_lock);
	p = find_task_locked(pid);
	if (p)
		err = kill_one(sig, info, p, true);
	spin_unlock_irq(&pidtab_lock);
	return err;
}

/* Success if one of them took it. */
static int kill_group(int sig, const siginfo_t *info, pid_t pgrp)
{
	int err = -ESRCH;
	bool success = false;
	struct task_struct *p;

	spin_lock_irq(&pidtab_lock);
	list_for_each_entry(p, &init_task.tasks, tasks) {
		if (p->signal->pgrp != pgrp)
			continue;
		err = kill_one(sig, info, p, true);
		success |= !err;
	}
	spin_unlock_irq(&pidtab_lock);
	return success ? 0 : err;
}

/* All but pid 1, the kernel's threads and the caller. */
static int kill_everybody(int sig, const siginfo_t *info)
{
	struct task_struct *p;
	int ret = -ESRCH;
	bool any = false;

	spin_lock_irq(&pidtab_lock);
	list_for_each_entry(p, &init_task.tasks, tasks) {
		if (p->tgid <= 1 || p->tgid == current->tgid)
			continue;
		int err = kill_one(sig, info, p, true);

		if (!any || err != -EPERM)
			ret = err == -EPERM ? 0 : err;
		any = true;
	}
	spin_unlock_irq(&pidtab_lock);
	return ret;
}

SYSCALL_DEFINE2(kill, pid_t, pid, int, sig)
{
	siginfo_t info;

	init_user_siginfo(&info, sig, SI_USER);
	if (pid > 0)
		return valid_signal((u32)sig) ? kill_process(sig, &info, pid) : -EINVAL;
	if (pid == -S32_MAX - 1)
		return -ESRCH;
	if (!valid_signal((u32)sig))
		return -EINVAL;
	if (pid == -1)
		return kill_everybody(sig, &info);
	return kill_group(sig, &info, pid ? -pid : READ_ONCE(current->signal->pgrp));
}

/* To the thread @pid, which has to belong to @tgid (0: to any). */
static int kill_thread(pid_t tgid, pid_t pid, int sig, const siginfo_t *info)
{
	struct task_struct *p = find_get_task(pid);
	int err = -ESRCH;

	if (!p)
		return err;
	if (!tgid || p->tgid == tgid) {
		err = valid_signal((u32)sig) ? kill_one(sig, info, p, false) : -EINVAL;
		/* It is just ending: as if the signal had come a moment before. */
		if (err == -ESRCH)
			err = 0;
	}
	put_task_struct(p);
	return err;
}

SYSCALL_DEFINE3(tgkill, pid_t, tgid, pid_t, pid, int, sig)
{
	siginfo_t info;

	if (pid <= 0 || tgid <= 0)
		return -EINVAL;
	init_user_siginfo(&info, sig, SI_TKILL);
	return kill_thread(tgid, pid, sig, &info);
}

SYSCALL_DEFINE2(tkill, pid_t, pid, int, sig)
{
	siginfo_t info;

	if (pid <= 0)
		return -EINVAL;
	init_user_siginfo(&info, sig, SI_TKILL);
	return kill_thread(0, pid, sig, &info);
}

int copy_siginfo_to_user(uptr to, const siginfo_t *from)
{
	if (copy_to_user(to, from, SIGINFO_USED) ||
	    clear_user(uptr_add(to, SIGINFO_USED), sizeof(*from) - SIGINFO_USED))
		return -EFAULT;
	return 0;
}

int copy_siginfo_from_user(siginfo_t *info, int sig, uptr uinfo)
{
	if (copy_from_user(info, uinfo, sizeof(*info)))
		return -EFAULT;
	for (size_t i = SIGINFO_USED; i < sizeof(*info); i++)
		if (((const u8 *)info)[i])
			return -E2BIG;
	info->si_signo = sig;
	return 0;
}

/* Only to itself may a program send what looks as if the kernel or kill() had. */
static bool may_fake(const siginfo_t *info, pid_t pid, pid_t self)
{
	return (info->si_code < 0 && info->si_code != SI_TKILL) || pid == self;
}

SYSCALL_DEFINE3(rt_sigqueueinfo, pid_t, pid, int, sig, uptr, uinfo)
{
	siginfo_t info;
	int err = copy_siginfo_from_user(&info, sig, uinfo);

	if (err)
		return err;
	if (!may_fake(&info, pid, current->tgid))
		return -EPERM;
	return valid_signal((u32)sig) ? kill_process(sig, &info, pid) : -EINVAL;
}

SYSCALL_DEFINE4(rt_tgsigqueueinfo, pid_t, tgid, pid_t, pid, int, sig, uptr, uinfo)
{
	siginfo_t info;
	int err = copy_siginfo_from_user(&info, sig, uinfo);

	if (err)
		return err;
	if (pid <= 0 || tgid <= 0)
		return -EINVAL;
	/* Here it is the thread's id that has to be the caller's own. */
	if (!may_fake(&info, pid, current->pid))
		return -EPERM;
	return kill_thread(tgid, pid, sig, &info);
}

/* --- actions ------------------------------------------------------------------------------------------------- */

enum { SA_UNSUPPORTED = 0x400, SA_EXPOSE_TAGBITS = 0x800 };
#define UAPI_SA_FLAGS (SA_NOCLDSTOP | SA_NOCLDWAIT | SA_SIGINFO | SA_ONSTACK | SA_RESTART | SA_NODEFER |	\
		       SA_RESETHAND | SA_EXPOSE_TAGBITS | SA_RESTORER)

static bool action_ignores(const struct sigaction_k *act, int sig)
{
	return act->sa_handler == SIG_IGN || (act->sa_handler == SIG_DFL && sigmask(sig) & SIG_KERNEL_IGNORE);
}

static void do_sigaction(int sig, struct sigaction_k *new, struct sigaction_k *old)
{
	struct sighand_struct *s = current->sighand;
	struct task_struct *t;

	spin_lock_irq(&s->siglock);
	*old = *sighand_action(s, sig);
	if (new) {
		new->sa_flags &= UAPI_SA_FLAGS;
		new->sa_mask.sig &= ~SIG_KERNEL_ONLY;
		set_action_locked(s, sig, new);
		/* POSIX 3.3.1.3: what is pending, blocked or not, is forgotten when it becomes ignored. */
		if (action_ignores(new, sig)) {
			flush_sigqueue_mask((sigset_t){ sigmask(sig) }, &current->signal->shared_pending);
			for_each_thread_locked(t, current)
				flush_sigqueue_mask((sigset_t){ sigmask(sig) }, &t->pending);
		}
	}
	spin_unlock_irq(&s->siglock);
}

SYSCALL_DEFINE4(rt_sigaction, int, sig, uptr, uact, uptr, uold, size_t, sigsetsize)
{
	struct sigaction_k new, old;
	bool set = !uptr_is_null(uact);

	if (sigsetsize != sizeof(sigset_t))
		return -EINVAL;
	if (set && copy_from_user(&new, uact, sizeof(new)))
		return -EFAULT;
	if (sig < 1 || sig > _NSIG || (set && sigmask(sig) & SIG_KERNEL_ONLY))
		return -EINVAL;
	do_sigaction(sig, set ? &new : NULL, &old);
	if (!uptr_is_null(uold) && copy_to_user(uold, &old, sizeof(old)))
		return -EFAULT;
	return 0;
}

SYSCALL_DEFINE2(sigaltstack, uptr, unew, uptr, uold)
{
	u64 sp = current_pt_regs()->rsp;
	struct sigaltstack_abi new, old;
	int err = 0;

	if (!uptr_is_null(unew) && copy_from_user(&new, unew, sizeof(new)))
		return -EFAULT;
	save_altstack(&old, sp);
	if (!uptr_is_null(unew))
		err = do_sigaltstack(&new, sp);
	if (!err && !uptr_is_null(uold) && copy_to_user(uold, &old, sizeof(old)))
		err = -EFAULT;
	return err;
}

/* --- masks --------------------------------------------------------------------------------------------------- */

SYSCALL_DEFINE4(rt_sigprocmask, int, how, uptr, uset, uptr, uold, size_t, sigsetsize)
{
	enum { SIG_BLOCK, SIG_UNBLOCK, SIG_SETMASK };
	sigset_t old = current->blocked, set;

	if (sigsetsize != sizeof(sigset_t))
		return -EINVAL;
	if (!uptr_is_null(uset)) {
		if (copy_from_user(&set, uset, sizeof(set)))
			return -EFAULT;
		if (how == SIG_BLOCK)
			set.sig |= old.sig;
		else if (how == SIG_UNBLOCK)
			set.sig = old.sig & ~set.sig;
		else if (how != SIG_SETMASK)
			return -EINVAL;
		set_current_blocked(set);
	}
	if (!uptr_is_null(uold) && copy_to_user(uold, &old, sizeof(old)))
		return -EFAULT;
	return 0;
}

SYSCALL_DEFINE2(rt_sigpending, uptr, uset, size_t, sigsetsize)
{
	sigset_t set;

	if (sigsetsize > sizeof(set))
		return -EINVAL;
	spin_lock_irq(&current->sighand->siglock);
	set.sig = (current->pending.signal.sig | current->signal->shared_pending.signal.sig) & current->blocked.sig;
	spin_unlock_irq(&current->sighand->siglock);
	return copy_to_user(uset, &set, sigsetsize) ? -EFAULT : 0;
}

int set_user_sigmask(uptr umask, size_t sigsetsize)
{
	sigset_t set;

	if (uptr_is_null(umask))
		return 0;
	if (sigsetsize != sizeof(set))
		return -EINVAL;
	if (copy_from_user(&set, umask, sizeof(set)))
		return -EFAULT;
	current->restore_sigmask = true;
	current->saved_sigmask = current->blocked;
	set_current_blocked(set);
	return 0;
}

void restore_saved_sigmask_unless(bool interrupted)
{
	if (interrupted || !current->restore_sigmask)
		return;
	current->restore_sigmask = false;
	set_current_blocked(current->saved_sigmask);
}

/* --- waiting ------------------------------------------------------------------------------------------------- */

SYSCALL_DEFINE0(pause)
{
	while (!signal_pending(current)) {
		set_current_state(TASK_INTERRUPTIBLE);
		schedule();
	}
	__set_current_state(TASK_RUNNING);
	return -ERESTARTNOHAND;
}

SYSCALL_DEFINE2(rt_sigsuspend, uptr, uset, size_t, sigsetsize)
{
	sigset_t set;

	if (sigsetsize != sizeof(set))
		return -EINVAL;
	if (copy_from_user(&set, uset, sizeof(set)))
		return -EFAULT;
	current->saved_sigmask = current->blocked;
	set_current_blocked(set);
	while (!signal_pending(current)) {
		set_current_state(TASK_INTERRUPTIBLE);
		schedule();
	}
	__set_current_state(TASK_RUNNING);
	current->restore_sigmask = true;
	return -ERESTARTNOHAND;
}

/*
 * Take one signal of @which, or sleep until one comes. @deadline_ns: NULL: for ever; 0: not at all. Return: it,
 * -EAGAIN, -EINTR.
 */
static int do_sigtimedwait(sigset_t which, siginfo_t *info, const u64 *deadline_ns)
{
	struct sighand_struct *s = current->sighand;
	int sig, slept = 0;

	which.sig &= ~SIG_KERNEL_ONLY;
	spin_lock_irq(&s->siglock);
	sig = dequeue_signal(which, info);
	if (!sig && (!deadline_ns || *deadline_ns)) {
		/* real_blocked: for others they still count as blocked, so they are not lost to a default action. */
		current->real_blocked = current->blocked;
		current->blocked.sig &= ~which.sig;
		recalc_sigpending();
		__set_current_state(TASK_INTERRUPTIBLE);
		spin_unlock_irq(&s->siglock);
		slept = schedule_hrtimeout(deadline_ns);
		spin_lock_irq(&s->siglock);
		set_current_blocked_locked(current->real_blocked);
		current->real_blocked.sig = 0;
		sig = dequeue_signal(which, info);
	}
	spin_unlock_irq(&s->siglock);
	if (sig)
		return sig;
	return slept ? -EINTR : -EAGAIN;
}

SYSCALL_DEFINE4(rt_sigtimedwait, uptr, uset, uptr, uinfo, uptr, uts, size_t, sigsetsize)
{
	bool timed = !uptr_is_null(uts);
	struct timespec64 ts;
	siginfo_t info;
	sigset_t set;
	u64 deadline_ns = 0;
	int sig;

	if (sigsetsize != sizeof(set))
		return -EINVAL;
	if (copy_from_user(&set, uset, sizeof(set)))
		return -EFAULT;
	if (timed) {
		if (copy_from_user(&ts, uts, sizeof(ts)))
			return -EFAULT;
		if (!timespec64_valid(&ts))
			return -EINVAL;
		if (ts.tv_sec || ts.tv_nsec)
			deadline_ns = ktime_get_ns() + timespec64_to_ns(&ts);
	}
	sig = do_sigtimedwait(set, &info, timed ? &deadline_ns : NULL);
	if (sig > 0 && !uptr_is_null(uinfo) && copy_siginfo_to_user(uinfo, &info))
		return -EFAULT;
	return sig;
}

SYSCALL_DEFINE0(restart_syscall)
{
	return current->restart_block.fn ? current->restart_block.fn(current) : -EINTR;
}

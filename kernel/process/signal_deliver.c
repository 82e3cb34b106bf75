/*
 * kernel/process/signal_deliver.c - taking signals: what has no handler is done here; stopping and continuing.
 *
 * Linux:   kernel/signal.c, get_signal(), do_signal_stop() (6.1)
 * Same:    default actions; a group stop waits for all threads, then the parent is told; pid 1 is only hurt by
 *          signals it has a handler for.
 * Differs: 1. "terminate and dump core" terminates: there are no core files.
 * Locks:   SIGHAND; PIDTAB in the notifications, without SIGHAND.
 * Walk:    do_signal() -> get_signal() -> do_signal_stop(), do_group_exit().
 */
#include "kernel/process/internal.h"
#include "kernel/trace.h"

/*
 * Take part in a group stop, or begin one with @sig. Entered with siglock held. Return: false if there is none (siglock
 * still held); true after current stood still and was woken (siglock not held).
 */
static bool do_signal_stop(int sig)
{
	struct signal_struct *signal = current->signal;
	struct task_struct *t;
	bool last;

	if (!current->stop_pending) {
		if (!current->stop_dequeued || signal->group_exit || signal->group_exec_task)
			return false;
		if (!(signal->stop_flags & SIGNAL_STOP_STOPPED))
			signal->group_exit_code = sig;
		signal->group_stop_count = 0;
		for_each_thread_locked(t, current) {
			if (t->flags & PF_EXITING || READ_ONCE(t->__state) & TASK_STOPPED)
				continue;
			t->stop_pending = true;
			signal->group_stop_count++;
			if (t != current)
				signal_wake_up(t, false);
		}
	}
	current->stop_pending = false;
	last = signal->group_stop_count && --signal->group_stop_count == 0;
	if (last)
		signal->stop_flags = SIGNAL_STOP_STOPPED;
	/* Before siglock is given back: a SIGCONT that comes now finds a stopped task. */
	set_special_state(TASK_STOPPED | TASK_WAKEKILL);
	spin_unlock_irq(&current->sighand->siglock);
	if (last)
		notify_parent_cldstop(CLD_STOPPED);
	schedule();
	return true;
}

/* The parent is to hear that the process goes on. Entered with siglock held, which is dropped for it. */
static void report_continue(void)
{
	struct signal_struct *signal = current->signal;
	int why = signal->stop_flags & SIGNAL_CLD_CONTINUED ? CLD_CONTINUED : CLD_STOPPED;

	signal->stop_flags &= ~(u32)(SIGNAL_CLD_CONTINUED | SIGNAL_CLD_STOPPED);
	spin_unlock_irq(&current->sighand->siglock);
	notify_parent_cldstop(why);
	spin_lock_irq(&current->sighand->siglock);
}

/* A stop signal without handler. siglock held on entry and return. */
static void default_stop(int sig)
{
	if (sig != SIGSTOP) {
		bool orphaned;

		/* POSIX 2.2.2.52: a terminal must not stop a process that nobody could continue. */
		spin_unlock_irq(&current->sighand->siglock);
		orphaned = is_current_pgrp_orphaned();
		spin_lock_irq(&current->sighand->siglock);
		if (orphaned)
			return;
	}
	if (do_signal_stop(sig))
		spin_lock_irq(&current->sighand->siglock);
}

/*
 * Return: false if the action was the default (done, or nothing to do); ends the process if it is fatal. siglock
 * held.
 */
static bool has_handler(struct ksignal *ks)
{
	static const struct sigaction_k by_default;
	const struct sigaction_k *act = sighand_action(current->sighand, ks->sig);
	u64 bit = sigmask(ks->sig);

	if (act->sa_handler == SIG_IGN)
		return false;
	if (act->sa_handler != SIG_DFL) {
		ks->ka = *act;
		if (act->sa_flags & SA_RESETHAND)
			set_action_locked(current->sighand, ks->sig, &by_default);
		return true;
	}
	if (bit & SIG_KERNEL_IGNORE || (current->signal->unkillable && !(bit & SIG_KERNEL_ONLY)))
		return false;
	if (bit & SIG_KERNEL_STOP) {
		default_stop(ks->sig);
		return false;
	}
	spin_unlock_irq(&current->sighand->siglock);
	do_group_exit(ks->sig);
}

bool get_signal(struct ksignal *ks)
{
	struct signal_struct *signal = current->signal;
	bool found = false;

	spin_lock_irq(&current->sighand->siglock);
	if (signal->stop_flags & (SIGNAL_CLD_CONTINUED | SIGNAL_CLD_STOPPED))
		report_continue();
	while (!found) {
		if (signal->group_exit || signal->group_exec_task) {
			spin_unlock_irq(&current->sighand->siglock);
			do_group_exit(SIGKILL);
		}
		if (current->stop_pending && do_signal_stop(0)) {
			spin_lock_irq(&current->sighand->siglock);
			if (signal->stop_flags & (SIGNAL_CLD_CONTINUED | SIGNAL_CLD_STOPPED))
				report_continue();
			continue;
		}
		ks->sig = dequeue_signal((sigset_t){ ~current->blocked.sig }, &ks->info);
		if (!ks->sig)
			break;
		trace(signal_deliver, ks->sig);
		found = has_handler(ks);
		if (!found && signal->stop_flags & (SIGNAL_CLD_CONTINUED | SIGNAL_CLD_STOPPED))
			report_continue();
	}
	spin_unlock_irq(&current->sighand->siglock);
	return found;
}

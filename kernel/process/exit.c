/*
 * kernel/process/exit.c - the end of a task: what it held is given back, those who care are told.
 *
 * Linux:   kernel/exit.c (6.1)
 * Same:    a dead leader stays as a zombie until its parent has its status and no thread of it is left; other
 *          threads vanish at once; children go to the nearest subreaper or to pid 1.
 * Differs: 1. children belong to the process: they change parents when its last thread ends.
 * Locks:   PIDTAB, SIGHAND inside.
 * Walk:    exit_group(2) -> do_group_exit() -> do_exit() -> exit_notify() -> do_task_dead().
 */
#include "fs/file.h"
#include "fs/fs.h"
#include "fs/namei.h"
#include "kernel/mm.h"
#include "kernel/process/internal.h"
#include "kernel/syscall.h"
#include "kernel/trace.h"

struct task_struct *release_task_locked(struct task_struct *p)
{
	struct task_struct *leader = p->group_leader;
	struct signal_struct *sig = p->signal;

	assert_held(&pidtab_lock);
	spin_lock(&p->sighand->siglock);
	add_task_usage(&sig->dead, p);
	list_del_init(&p->thread_node);
	sig->nr_threads--;
	flush_sigqueue(&p->pending);
	if (sig->notify_count > 0 && --sig->notify_count == 0)
		wake_up_process(sig->group_exec_task);
	spin_unlock(&p->sighand->siglock);
	unhash_pid_locked(p);
	if (p == leader) {
		list_del_init(&p->tasks);
		list_del_init(&p->sibling);
		return NULL;
	}
	if (sig->nr_threads == 1 && leader->exit_state == EXIT_ZOMBIE &&
	    do_notify_parent_locked(leader, leader->exit_signal)) {
		leader->exit_state = EXIT_DEAD;
		return leader;
	}
	return NULL;
}

/*
 * release_task_locked() for @p, and for its leader if that has waited for it; onto @dead until the lock is given
 * back.
 */
static void bury(struct task_struct *p, struct list_head *dead)
{
	while (p) {
		struct task_struct *leader = release_task_locked(p);

		list_add(&p->tasks, dead);
		p = leader;
	}
}

static struct task_struct *find_new_reaper(struct task_struct *father)
{
	struct task_struct *p;

	for (p = father->real_parent; p->tgid > 1; p = p->real_parent)
		if (p->signal->is_child_subreaper && atomic_read(&p->signal->live))
			return p;
	p = find_task_locked(1);
	return p ? p : &init_task;
}

static void reparent_children(struct task_struct *father, struct list_head *dead)
{
	struct task_struct *reaper, *p, *next;

	if (list_empty(&father->children))
		return;
	reaper = find_new_reaper(father);
	list_for_each_entry_safe(p, next, &father->children, sibling) {
		p->real_parent = reaper;
		list_move_tail(&p->sibling, &reaper->children);
		if (p->pdeath_signal)
			send_sig_info(p->pdeath_signal, NULL, p);
		if (p->exit_state == EXIT_DEAD)
			continue;
		p->exit_signal = SIGCHLD;
		if (p->exit_state == EXIT_ZOMBIE && thread_group_empty(p) && do_notify_parent_locked(p, SIGCHLD)) {
			p->exit_state = EXIT_DEAD;
			bury(p, dead);
		}
		kill_orphaned_pgrp_locked(p, father);
	}
}

static void exit_notify(bool group_dead)
{
	struct task_struct *leader = current->group_leader, *p, *next;
	bool autoreap = true;
	LIST_HEAD(dead);

	spin_lock_irq(&pidtab_lock);
	if (group_dead) {
		reparent_children(leader, &dead);
		kill_orphaned_pgrp_locked(leader, NULL);
	}
	current->exit_state = EXIT_ZOMBIE;
	if (current == leader)
		autoreap = thread_group_empty(current) && do_notify_parent_locked(current, current->exit_signal);
	if (autoreap) {
		current->exit_state = EXIT_DEAD;
		bury(current, &dead);
	}
	if (current->signal->notify_count < 0)
		wake_up_process(current->signal->group_exec_task);
	spin_unlock_irq(&pidtab_lock);
	list_for_each_entry_safe(p, next, &dead, tasks) {
		list_del_init(&p->tasks);
		put_task_struct(p);
	}
}

/* Memory, descriptors, directories: others look for them under pidtab_lock. */
static void exit_resources(void)
{
	struct mm_struct *mm = current->mm;
	struct files_struct *files = current->files;
	struct fs_struct *fs = current->fs;

	if (mm) {
		u64 rss = (u64)atomic_long_read(&mm->rss);

		mm_release(current);
		if (rss > current->signal->dead.maxrss_pages)
			current->signal->dead.maxrss_pages = rss;
	}
	spin_lock_irq(&pidtab_lock);
	current->mm = NULL;
	current->files = NULL;
	current->fs = NULL;
	spin_unlock_irq(&pidtab_lock);
	if (mm)
		mmput(mm);
	if (files)
		put_files(files);
	if (fs)
		put_fs(fs);
	run_deferred_fputs();
}

/* All threads have ended one by one: what the last of them says is what the process says. */
static void last_thread_ends(int code)
{
	struct signal_struct *sig = current->signal;

	spin_lock_irq(&current->sighand->siglock);
	if (!sig->group_exit) {
		sig->group_exit = true;
		sig->group_exit_code = code;
		sig->group_stop_count = 0;
		sig->stop_flags = 0;
	}
	spin_unlock_irq(&current->sighand->siglock);
}

void do_exit(int code)
{
	bool group_dead;

	if (in_interrupt())
		panic("do_exit in an interrupt");
	if (!current->pid || current->flags & PF_KTHREAD)
		panic("a kernel thread (%s) wants to end", current->comm);
	trace(exit, current->pid, code);
	exit_signals();
	group_dead = atomic_dec_and_test(&current->signal->live);
	if (group_dead && !current->signal->group_exit)
		last_thread_ends(code);
	if (group_dead && current->tgid == 1)
		panic("Attempted to kill init! exitcode=0x%08x", (unsigned int)code);
	if (group_dead) {
		hrtimer_cancel(&current->signal->real_timer);
		exit_itimers(current->signal);
	}
	current->exit_code = code;
	exit_resources();
	if (group_dead && current->signal->leader)
		disassociate_ctty();
	exit_notify(group_dead);
	do_task_dead();
}

void do_group_exit(int code)
{
	struct signal_struct *sig = current->signal;

	spin_lock_irq(&current->sighand->siglock);
	if (sig->group_exit) {
		code = sig->group_exit_code; /* another thread was first */
	} else if (sig->group_exec_task) {
		code = 0; /* the process lives on: nobody will see it */
	} else {
		sig->group_exit_code = code;
		sig->group_exit = true;
		sig->stop_flags = 0;
		zap_other_threads();
	}
	spin_unlock_irq(&current->sighand->siglock);
	do_exit(code);
}

SYSCALL_DEFINE1(exit, int, code) { do_exit((code & 0xff) << 8); }
SYSCALL_DEFINE1(exit_group, int, code) { do_group_exit((code & 0xff) << 8); }

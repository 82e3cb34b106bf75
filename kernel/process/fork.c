/*
 * kernel/process/fork.c - a new task as a copy of the current one: fork, vfork, clone, clone3.
 *
 * Linux:   kernel/fork.c (6.1)
 * Same:    one function, kernel_clone(), behind all of them; which flags go together, in Linux's order of
 *          checks; a signal that waits is delivered before the copy is made.
 * Differs: 1. no namespaces: their flags are -EINVAL, as in a kernel built without them.
 *          2. a child's parent is the process, not the thread that made it.
 *          3. CLONE_CHILD_SETTID is done at the child's first return to user mode, not in schedule_tail().
 *          4. only the signal actions that are not default are copied.
 * Locks:   PIDTAB, SIGHAND inside.
 * Walk:    sys_clone -> kernel_clone() -> copy_process() -> wake_up_new_task().
 */
#include "fs/file.h"
#include "fs/fs.h"
#include "fs/namei.h"
#include "kernel/mm.h"
#include "kernel/process/internal.h"
#include "kernel/slab.h"
#include "kernel/string.h"
#include "kernel/syscall.h"
#include "kernel/trace.h"
#include "kernel/uaccess.h"

/* On the stack of the parent. PIDTAB: while the child's vfork_done points here, the parent waits. */
struct vfork_completion { struct task_struct *parent; bool done; };

static struct kmem_cache *task_cache, *sighand_cache, *signal_cache;
static atomic64_t nr_forks;

u64 total_forks(void) { return (u64)atomic64_read(&nr_forks); }

struct sighand_struct *alloc_sighand(void)
{
	struct sighand_struct *s = kmem_cache_alloc(sighand_cache, GFP_KERNEL);

	if (!s)
		return NULL;
	refcount_set(&s->count, 1);
	spin_lock_init(&s->siglock, LC_SIGHAND);
	s->installed = s->ignored = (sigset_t){ 0 };
	return s;
}

void put_sighand(struct sighand_struct *s)
{
	if (refcount_dec_and_test(&s->count))
		kmem_cache_free(sighand_cache, s);
}

/* @to is nobody's yet. */
void copy_sighand_actions(struct sighand_struct *to, struct sighand_struct *from)
{
	spin_lock_irq(&from->siglock);
	to->installed = from->installed;
	to->ignored = from->ignored;
	for (u64 set = to->installed.sig; set; set &= set - 1) {
		int i = __builtin_ctzll(set);

		to->action[i] = from->action[i];
	}
	spin_unlock_irq(&from->siglock);
}

void put_signal(struct signal_struct *sig)
{
	if (!refcount_dec_and_test(&sig->sigcnt))
		return;
	flush_sigqueue(&sig->shared_pending);
	kmem_cache_free(signal_cache, sig);
}

void put_task_struct(struct task_struct *p)
{
	if (!refcount_dec_and_test(&p->usage))
		return;
	flush_sigqueue(&p->pending);
	put_signal(p->signal);
	put_sighand(p->sighand);
	arch_free_thread(p);
	free_thread_stack(p->stack);
	kmem_cache_free(task_cache, p);
}

/* Fields that a child does not share with its parent. */
static void reset_task(struct task_struct *p)
{
	p->flags = PF_FORKNOEXEC;
	p->tif = 0;
	INIT_HLIST_NODE(&p->pid_hash);
	INIT_LIST_HEAD(&p->tasks);
	INIT_LIST_HEAD(&p->thread_node);
	INIT_LIST_HEAD(&p->children);
	INIT_LIST_HEAD(&p->sibling);
	p->exit_state = 0;
	p->exit_code = 0;
	p->pdeath_signal = 0;
	INIT_LIST_HEAD(&p->pending.list);
	p->pending.signal.sig = 0;
	p->real_blocked.sig = 0;
	p->restore_sigmask = false;
	p->stop_pending = p->stop_dequeued = false;
	p->set_child_tid = p->clear_child_tid = p->robust_list = UPTR_NULL;
	p->vfork_done = NULL;
	p->restart_block.fn = NULL;
	p->utime_ns = p->stime_ns = p->acct_last_ns = 0;
	p->min_flt = p->maj_flt = 0;
	p->nvcsw = p->nivcsw = 0;
	p->fail_nth = 0;
	if (CONFIG_DEBUG)
		race_fork(p);
	p->in_user_copy = 0;
	p->trace_wake_skb = 0;
	INIT_LIST_HEAD(&p->deferred_fput);
	refcount_set(&p->usage, 2);
	p->nr_held = 0;
	p->start_time_ns = ktime_get_ns();
}

static struct task_struct *dup_task_struct(void)
{
	struct task_struct *p = kmem_cache_alloc(task_cache, GFP_KERNEL);
	void *stack;

	if (!p)
		return NULL;
	stack = alloc_thread_stack();
	if (!stack) {
		kmem_cache_free(task_cache, p);
		return NULL;
	}
	memcpy(p, current, offsetof(struct task_struct, nr_held));
	p->stack = stack;
	p->thread = (struct thread_struct){ 0 };
	reset_task(p);
	spin_lock_init(&p->pi_lock, LC_TASK_PI);
	return p;
}

static int copy_files(const struct kernel_clone_args *args, struct task_struct *p)
{
	p->files = NULL;
	if (args->kthread || !current->files)
		return 0;
	if (args->flags & CLONE_FILES) {
		refcount_inc(&current->files->count);
		p->files = current->files;
		return 0;
	}
	p->files = dup_files(current->files);
	return p->files ? 0 : -ENOMEM;
}

static int copy_fs_struct(const struct kernel_clone_args *args, struct task_struct *p)
{
	p->fs = NULL;
	if (args->kthread || !current->fs)
		return 0;
	if (args->flags & CLONE_FS) {
		refcount_inc(&current->fs->count);
		p->fs = current->fs;
		return 0;
	}
	p->fs = copy_fs(current->fs);
	return p->fs ? 0 : -ENOMEM;
}

static int copy_sighand(const struct kernel_clone_args *args, struct task_struct *p)
{
	struct sighand_struct *s;

	if (args->flags & CLONE_SIGHAND) {
		refcount_inc(&current->sighand->count);
		p->sighand = current->sighand;
		return 0;
	}
	s = alloc_sighand();
	if (!s)
		return -ENOMEM;
	if (!args->fn)
		copy_sighand_actions(s, current->sighand);
	p->sighand = s;
	if (args->flags & CLONE_CLEAR_SIGHAND)
		flush_signal_handlers(p);
	return 0;
}

static int copy_signal(const struct kernel_clone_args *args, struct task_struct *p)
{
	struct signal_struct *sig;

	if (args->flags & CLONE_THREAD) {
		refcount_inc(&current->signal->sigcnt);
		return 0;
	}
	sig = kmem_cache_zalloc(signal_cache, GFP_KERNEL);
	if (!sig)
		return -ENOMEM;
	refcount_set(&sig->sigcnt, 1);
	atomic_set(&sig->live, 1);
	sig->nr_threads = 1;
	INIT_LIST_HEAD(&sig->thread_head);
	init_waitqueue_head(&sig->wait_chldexit);
	init_waitqueue_head(&sig->signalfd_wqh);
	init_waitqueue_head(&sig->wait_pidfd);
	INIT_LIST_HEAD(&sig->shared_pending.list);
	INIT_LIST_HEAD(&sig->posix_timers);
	sig->start_time_ns = p->start_time_ns;
	spin_lock_irq(&current->sighand->siglock);
	memcpy(sig->rlim, current->signal->rlim, sizeof(sig->rlim));
	sig->oom_score_adj = current->signal->oom_score_adj;
	sig->dumpable = current->signal->dumpable;
	spin_unlock_irq(&current->sighand->siglock);
	p->signal = sig;
	return 0;
}

static int copy_mm(const struct kernel_clone_args *args, struct task_struct *p)
{
	p->mm = NULL;
	if (args->kthread || !current->mm)
		return 0;
	if (args->flags & CLONE_VM) {
		mmget(current->mm);
		p->mm = current->mm;
		return 0;
	}
	p->mm = dup_mm(current->mm);
	return p->mm ? 0 : -ENOMEM;
}

/* copy_process - flags that contradict each other. */
static int clone_flags_valid(u64 flags)
{
	if ((flags & (CLONE_NEWNS | CLONE_FS)) == (CLONE_NEWNS | CLONE_FS))
		return -EINVAL;
	if ((flags & (CLONE_NEWUSER | CLONE_FS)) == (CLONE_NEWUSER | CLONE_FS))
		return -EINVAL;
	if ((flags & CLONE_THREAD) && !(flags & CLONE_SIGHAND))
		return -EINVAL;
	if ((flags & CLONE_SIGHAND) && !(flags & CLONE_VM))
		return -EINVAL;
	if ((flags & CLONE_PARENT) && current->signal->unkillable)
		return -EINVAL;
	if ((flags & CLONE_PIDFD) && (flags & (CLONE_DETACHED | CLONE_THREAD)))
		return -EINVAL;
	/* Namespaces are not provided. */
	if (flags & (CLONE_NEWNS | CLONE_NEWCGROUP | CLONE_NEWUTS | CLONE_NEWIPC | CLONE_NEWUSER | CLONE_NEWPID |
		     CLONE_NEWNET))
		return capable_root() || (flags & CLONE_NEWUSER) ? -EINVAL : -EPERM;
	return 0;
}

struct uid_count { uid_t uid; u64 tasks; };

static bool count_uid(struct task_struct *p, void *arg)
{
	struct uid_count *c = arg;

	if (p->cred.uid == c->uid)
		c->tasks += (u64)p->signal->nr_threads;
	return true;
}

/* RLIMIT_NPROC counts the tasks of a user; root may have any number. */
static bool too_many_tasks(void)
{
	struct uid_count c = { .uid = current->cred.uid };

	if (c.uid == 0 || rlimit(RLIMIT_NPROC) == RLIM_INFINITY)
		return false;
	for_each_process(count_uid, &c);
	return c.tasks >= rlimit(RLIMIT_NPROC);
}

static void link_leader_locked(const struct kernel_clone_args *args, struct task_struct *p)
{
	struct signal_struct *sig = p->signal, *mine = current->signal;

	p->tgid = p->pid;
	p->group_leader = p;
	p->exit_signal = args->flags & CLONE_PARENT ? current->group_leader->exit_signal : args->exit_signal;
	sig->pgrp = mine->pgrp;
	sig->session = mine->session;
	sig->tty = mine->tty;
	if (args->kthread || args->set_tid)
		p->real_parent = &init_task;
	else if (args->flags & CLONE_PARENT)
		p->real_parent = current->group_leader->real_parent;
	else
		p->real_parent = current->group_leader;
	list_add_tail(&p->sibling, &p->real_parent->children);
	list_add_tail(&p->tasks, &init_task.tasks);
	list_add_tail(&p->thread_node, &sig->thread_head);
}

static void link_thread_locked(struct task_struct *p)
{
	struct signal_struct *sig = p->signal;

	p->tgid = current->tgid;
	p->group_leader = current->group_leader;
	p->real_parent = current->group_leader->real_parent;
	p->exit_signal = -1;
	sig->nr_threads++;
	atomic_inc(&sig->live);
	list_add_tail(&p->thread_node, &sig->thread_head);
}

/* The moment the task exists for others. Return: 0, -ERESTARTNOINTR (a signal is to be handled first), -EAGAIN. */
static int link_task(const struct kernel_clone_args *args, struct task_struct *p)
{
	int err = -ERESTARTNOINTR;
	pid_t pid;

	spin_lock_irq(&pidtab_lock);
	spin_lock(&current->sighand->siglock);
	/*
	 * A signal to the group that came before this point may have found only the parent; one that comes later finds
	 * both. The parent takes its own first, and the copy is made of what is left.
	 */
	if (unlikely(signal_pending(current)) && !args->fn) {
		recalc_sigpending();
		if (signal_pending(current))
			goto out_unlock;
	}
	pid = args->set_tid ? args->set_tid : alloc_pid_locked();
	err = pid;
	if (pid < 0)
		goto out_unlock;
	p->pid = pid;
	if (args->flags & CLONE_THREAD)
		link_thread_locked(p);
	else
		link_leader_locked(args, p);
	hash_pid_locked(p);
	err = 0;
out_unlock:
	spin_unlock(&current->sighand->siglock);
	spin_unlock_irq(&pidtab_lock);
	return err;
}

/* CLONE_PIDFD: the descriptor, not installed yet, is told to the parent. Return: 0 and *@fd, *@file, or -errno. */
static int prepare_pidfd(const struct kernel_clone_args *args, struct task_struct *p, int *fd, struct file **file)
{
	*fd = get_unused_fd_flags(O_CLOEXEC);
	if (*fd < 0)
		return *fd;
	*file = pidfd_file(p->signal, 0);
	if (IS_ERR(*file)) {
		put_unused_fd((unsigned int)*fd);
		return (int)PTR_ERR(*file);
	}
	if (!put_user(*fd, args->pidfd))
		return 0;
	put_unused_fd((unsigned int)*fd);
	fput(*file);
	return -EFAULT;
}

/* link_task(), and with it the descriptor that was asked for. */
static int link_task_and_pidfd(const struct kernel_clone_args *args, struct task_struct *p)
{
	struct file *file;
	int fd, err;

	if (!(args->flags & CLONE_PIDFD))
		return link_task(args, p);
	err = prepare_pidfd(args, p, &fd, &file);
	if (err)
		return err;
	err = link_task(args, p);
	if (!err) {
		fd_install((unsigned int)fd, file);
	} else {
		put_unused_fd((unsigned int)fd);
		fput(file);
	}
	return err;
}

static void set_tid_addresses(const struct kernel_clone_args *args, struct task_struct *p)
{
	if (args->flags & CLONE_CHILD_CLEARTID)
		p->clear_child_tid = args->child_tid;
	if (args->flags & CLONE_CHILD_SETTID) {
		p->set_child_tid = args->child_tid;
		set_bit(TIF_NOTIFY_RESUME, &p->tif); /* exit_to_user_mode() writes it */
	}
	/* A thread has no use for the stack that its maker's handlers run on. */
	if ((args->flags & (CLONE_VM | CLONE_VFORK)) == CLONE_VM)
		sas_ss_reset(p);
}

static int copy_thread(const struct kernel_clone_args *args, struct task_struct *p)
{
	int err = arch_copy_thread(p, args->fn ? NULL : current_pt_regs(), args->stack, args->fn, args->fn_arg);

	if (!err && (args->flags & CLONE_SETTLS))
		p->thread.fsbase = args->tls;
	return err;
}

static struct task_struct *copy_process(const struct kernel_clone_args *args)
{
	int err = clone_flags_valid(args->flags);
	struct task_struct *p;

	if (err)
		return ERR_PTR(err);
	if (args->flags & CLONE_SETTLS && args->tls >= TASK_SIZE)
		return ERR_PTR(-EPERM);
	if (signal_pending(current) && !args->fn)
		return ERR_PTR(-ERESTARTNOINTR);
	if (too_many_tasks())
		return ERR_PTR(-EAGAIN);
	err = -ENOMEM;
	p = dup_task_struct();
	if (!p)
		return ERR_PTR(err);
	sched_fork(p);
	err = copy_files(args, p);
	if (err)
		goto out_free_task;
	err = copy_fs_struct(args, p);
	if (err)
		goto out_put_files;
	err = copy_sighand(args, p);
	if (err)
		goto out_put_fs;
	err = copy_signal(args, p);
	if (err)
		goto out_put_sighand;
	err = copy_mm(args, p);
	if (err)
		goto out_put_signal;
	err = copy_thread(args, p);
	if (err)
		goto out_put_mm;
	set_tid_addresses(args, p);
	err = link_task_and_pidfd(args, p);
	if (!err)
		return p;

	arch_free_thread(p);
out_put_mm:
	if (p->mm)
		mmput(p->mm);
out_put_signal:
	put_signal(p->signal);
out_put_sighand:
	put_sighand(p->sighand);
out_put_fs:
	if (p->fs)
		put_fs(p->fs);
out_put_files:
	if (p->files)
		put_files(p->files);
out_free_task:
	free_thread_stack(p->stack);
	kmem_cache_free(task_cache, p);
	return ERR_PTR(err);
}

/* Current waits until @p has given its memory back. A fatal signal ends the wait, and the child does not notice. */
static void wait_for_vfork_done(struct task_struct *p, struct vfork_completion *vfork)
{
	for (;;) {
		set_current_state(TASK_KILLABLE);
		if (READ_ONCE(vfork->done) || fatal_signal_pending(current))
			break;
		schedule();
	}
	__set_current_state(TASK_RUNNING);
	spin_lock_irq(&pidtab_lock);
	p->vfork_done = NULL;
	spin_unlock_irq(&pidtab_lock);
}

static void complete_vfork_done(struct task_struct *p)
{
	spin_lock_irq(&pidtab_lock);
	if (p->vfork_done) {
		struct task_struct *parent = p->vfork_done->parent;

		WRITE_ONCE(p->vfork_done->done, true);
		p->vfork_done = NULL;
		wake_up_process(parent); /* alive: it takes pidtab_lock before it goes on */
	}
	spin_unlock_irq(&pidtab_lock);
}

void mm_release(struct task_struct *p)
{
	exit_robust_list(p);
	if (!uptr_is_null(p->clear_child_tid)) {
		/* Nobody else can see the word if the address space has no other user. */
		if (refcount_read(&p->mm->mm_users) > 1) {
			u32 zero = 0;

			if (!put_user(zero, p->clear_child_tid))
				futex_wake_user(p->clear_child_tid, 1);
		}
		p->clear_child_tid = UPTR_NULL;
	}
	if (p->vfork_done)
		complete_vfork_done(p);
}

pid_t kernel_clone(const struct kernel_clone_args *args)
{
	struct vfork_completion vfork = { .parent = current };
	struct task_struct *p;
	pid_t pid;

	/* clone(2) has one argument for both. */
	if ((args->flags & CLONE_PIDFD) && (args->flags & CLONE_PARENT_SETTID) &&
	    args->pidfd.addr == args->parent_tid.addr)
		return -EINVAL;
	p = copy_process(args);
	if (IS_ERR(p))
		return (pid_t)PTR_ERR(p);
	pid = p->pid;
	atomic64_inc(&nr_forks);
	trace(fork, pid, args->flags);
	if (args->flags & CLONE_PARENT_SETTID && put_user(pid, args->parent_tid)) {
		/* As in Linux: the child exists, and a parent that gave a bad address is not told its id there. */
	}
	if (!(args->flags & CLONE_VFORK)) {
		wake_up_new_task(p);
		return pid;
	}
	p->vfork_done = &vfork;
	get_task_struct(p);
	wake_up_new_task(p);
	wait_for_vfork_done(p, &vfork);
	put_task_struct(p);
	return pid;
}

static void init_kernel_task(struct task_struct *p, const char *name)
{
	p->cred = init_task.cred;
	p->blocked.sig = 0;
	p->personality = 0;
	set_task_comm(p, name);
}

struct task_struct *copy_kernel_thread(int (*fn)(void *), void *arg, int cpu, const char *name)
{
	struct kernel_clone_args args = { .fn = fn, .fn_arg = arg, .kthread = true };
	struct task_struct *p = copy_process(&args);

	if (IS_ERR(p))
		return p;
	p->flags = PF_KTHREAD;
	p->cpus_mask = cpu < 0 ? ~0ULL : BIT(cpu);
	p->nice = 0;
	init_kernel_task(p, name);
	return p;
}

pid_t user_mode_thread(int (*fn)(void *), void *arg)
{
	struct kernel_clone_args args = { .fn = fn, .fn_arg = arg, .set_tid = 1, .exit_signal = SIGCHLD };
	struct task_struct *p = copy_process(&args);

	if (IS_ERR(p))
		return (pid_t)PTR_ERR(p);
	p->fs = init_fs();
	p->files = alloc_files();
	if (!p->fs || !p->files)
		panic("out of memory for pid 1");
	p->signal->unkillable = true;
	p->cpus_mask = ~0ULL;
	init_kernel_task(p, "init");
	wake_up_new_task(p);
	return 1;
}

void set_task_comm(struct task_struct *p, const char *name) { strscpy(p->comm, name, sizeof(p->comm)); }

/* The cap that Linux puts on threads by memory size, so that their stacks cannot take more than an eighth of it. */
static u64 max_threads(void)
{
	u64 n = totalram_pages() * PAGE_SIZE / (8 * THREAD_SIZE);

	return clamp(n, (u64)20, (u64)PID_MAX);
}

void fork_init(void)
{
	u64 half = max_threads() / 2;

	task_cache = kmem_cache_create("task_struct", sizeof(struct task_struct), 64);
	sighand_cache = kmem_cache_create("sighand_cache", sizeof(struct sighand_struct), 0);
	signal_cache = kmem_cache_create("signal_cache", sizeof(struct signal_struct), 0);
	init_task.signal->rlim[RLIMIT_NPROC] = (struct rlimit64){ half, half };
	init_task.signal->rlim[RLIMIT_SIGPENDING] = (struct rlimit64){ half, half };
}

SYSCALL_DEFINE0(fork)
{
	struct kernel_clone_args args = { .exit_signal = SIGCHLD };

	return kernel_clone(&args);
}

SYSCALL_DEFINE0(vfork)
{
	struct kernel_clone_args args = { .flags = CLONE_VFORK | CLONE_VM, .exit_signal = SIGCHLD };

	return kernel_clone(&args);
}

SYSCALL_DEFINE5(clone, u64, flags, u64, stack, uptr, parent_tid, uptr, child_tid, u64, tls)
{
	/* The upper half is ignored, as in Linux: clone() takes 32 bits of flags. */
	struct kernel_clone_args args = {
		.flags = (u32)flags & ~(u64)CSIGNAL,
		.pidfd = parent_tid, .parent_tid = parent_tid, .child_tid = child_tid,
		.exit_signal = (int)(flags & CSIGNAL), .stack = stack, .tls = tls,
	};

	return kernel_clone(&args);
}

struct clone_args_abi {
	u64 flags, pidfd, child_tid, parent_tid, exit_signal, stack, stack_size, tls, set_tid, set_tid_size, cgroup;
};
enum { CLONE_ARGS_SIZE_VER0 = 64 };
static_assert(sizeof(struct clone_args_abi) == 88, "ABI");

/* What a newer program added must be zero here. */
static int copy_clone_args(struct clone_args_abi *a, uptr uargs, size_t size)
{
	if (size > PAGE_SIZE)
		return -E2BIG;
	if (size < CLONE_ARGS_SIZE_VER0)
		return -EINVAL;
	for (size_t i = sizeof(*a); i < size; i++) {
		u8 byte;

		if (get_user(byte, uptr_add(uargs, i)))
			return -EFAULT;
		if (byte)
			return -E2BIG;
	}
	memset(a, 0, sizeof(*a));
	return copy_from_user(a, uargs, min(size, sizeof(*a))) ? -EFAULT : 0;
}

static int clone_args_valid(const struct clone_args_abi *a)
{
	enum { MAX_PID_NS_LEVEL = 32 };

	if (a->set_tid_size > MAX_PID_NS_LEVEL)
		return -EINVAL;
	if (!a->set_tid != !a->set_tid_size)
		return -EINVAL;
	if ((a->exit_signal & ~(u64)CSIGNAL) || !valid_signal(a->exit_signal))
		return -EINVAL;
	/* Choosing ids and control groups are not provided. */
	if (a->set_tid || (a->flags & CLONE_INTO_CGROUP))
		return -EINVAL;
	if (a->flags & ~(0xffffffffULL | CLONE_CLEAR_SIGHAND | CLONE_INTO_CGROUP))
		return -EINVAL;
	if (a->flags & (CLONE_DETACHED | (CSIGNAL & ~(u64)CLONE_NEWTIME)))
		return -EINVAL;
	if ((a->flags & (CLONE_SIGHAND | CLONE_CLEAR_SIGHAND)) == (CLONE_SIGHAND | CLONE_CLEAR_SIGHAND))
		return -EINVAL;
	if ((a->flags & (CLONE_THREAD | CLONE_PARENT)) && a->exit_signal)
		return -EINVAL;
	if (!a->stack != !a->stack_size)
		return -EINVAL;
	if (a->stack && !access_ok(UPTR(a->stack), a->stack_size))
		return -EINVAL;
	return a->flags & CLONE_NEWTIME ? -EINVAL : 0;
}

SYSCALL_DEFINE2(clone3, uptr, uargs, size_t, size)
{
	struct clone_args_abi a;
	int err = copy_clone_args(&a, uargs, size);

	if (!err)
		err = clone_args_valid(&a);
	if (err)
		return err;

	struct kernel_clone_args args = {
		.flags = a.flags,
		.pidfd = UPTR(a.pidfd), .parent_tid = UPTR(a.parent_tid), .child_tid = UPTR(a.child_tid),
		.exit_signal = (int)a.exit_signal, .stack = a.stack ? a.stack + a.stack_size : 0, .tls = a.tls,
	};
	return kernel_clone(&args);
}

SYSCALL_DEFINE1(set_tid_address, uptr, addr)
{
	current->clear_child_tid = addr;
	return current->pid;
}

enum { UNSHARE_FLAGS = CLONE_FS | CLONE_FILES | CLONE_THREAD | CLONE_SIGHAND | CLONE_VM | CLONE_SYSVSEM };

SYSCALL_DEFINE1(unshare, u64, flags)
{
	struct fs_struct *fs = NULL;
	int err;

	/* Namespaces are not provided. */
	if (flags & ~(u64)UNSHARE_FLAGS)
		return -EINVAL;
	/* What threads share cannot be taken apart, unless there is only one. */
	if ((flags & (CLONE_THREAD | CLONE_SIGHAND | CLONE_VM)) && !thread_group_empty(current))
		return -EINVAL;
	if ((flags & (CLONE_SIGHAND | CLONE_VM)) && refcount_read(&current->sighand->count) > 1)
		return -EINVAL;
	if ((flags & CLONE_VM) && refcount_read(&current->mm->mm_users) > 1)
		return -EINVAL;
	if ((flags & CLONE_FS) && refcount_read(&current->fs->count) > 1) {
		fs = copy_fs(current->fs);
		if (!fs)
			return -ENOMEM;
	}
	err = flags & CLONE_FILES ? unshare_files() : 0;
	if (err) {
		if (fs)
			put_fs(fs);
		return err;
	}
	if (fs) {
		struct fs_struct *old = current->fs;

		spin_lock_irq(&pidtab_lock);
		current->fs = fs;
		spin_unlock_irq(&pidtab_lock);
		put_fs(old);
	}
	return 0;
}

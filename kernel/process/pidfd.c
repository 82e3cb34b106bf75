/*
 * kernel/process/pidfd.c - a descriptor that stands for a process, and is ready to read when that has ended.
 *
 * Linux:   kernel/pid.c, kernel/fork.c, kernel/signal.c (6.1)
 * Same:    the descriptor never comes to mean another process, however soon the id is used again.
 * Differs: 1. it holds on to the signal_struct, which is what stays the same when another thread of the process
 *             becomes its leader by execve(); Linux has struct pid for that.
 * Locks:   PIDTAB; FDTABLE and WAITQ inside others' functions.
 * Walk:    pidfd_open(2), clone(CLONE_PIDFD) -> pidfd_file();  do_notify_parent_locked() -> pidfd_poll().
 */
#include "fs/anon_inodes.h"
#include "fs/file.h"
#include "fs/fs.h"
#include "fs/procfs.h"
#include "kernel/process/internal.h"
#include "kernel/syscall.h"
#include "kernel/uaccess.h"

/* The leader of the process, or NULL when it was reaped. Locks: pidtab_lock held. */
static struct task_struct *leader_locked(const struct signal_struct *sig)
{
	assert_held(&pidtab_lock);
	if (!sig->nr_threads)
		return NULL;
	return list_first_entry(&sig->thread_head, struct task_struct, thread_node)->group_leader;
}

/* The same with a reference. */
static struct task_struct *get_leader(const struct signal_struct *sig)
{
	struct task_struct *p;

	spin_lock_irq(&pidtab_lock);
	p = leader_locked(sig);
	if (p)
		get_task_struct(p);
	spin_unlock_irq(&pidtab_lock);
	return p;
}

static __poll_t pidfd_poll(struct file *file, poll_table *wait)
{
	struct signal_struct *sig = file->private_data;
	struct task_struct *p;
	bool dead;

	poll_wait(file, &sig->wait_pidfd, wait);
	spin_lock_irq(&pidtab_lock);
	p = leader_locked(sig);
	dead = !p || (p->exit_state && thread_group_empty(p));
	spin_unlock_irq(&pidtab_lock);
	return dead ? EPOLLIN | EPOLLRDNORM : 0;
}

static int pidfd_release(__unused struct inode *inode, struct file *file)
{
	put_signal(file->private_data);
	return 0;
}

static void pidfd_show_fdinfo(struct seq_file *m, struct file *file)
{
	struct task_struct *p = get_leader(file->private_data);

	int pid = p ? p->tgid : -1;

	/* one line for each namespace, of which there is one */
	seq_printf(m, "Pid:\t%d\nNSpid:\t%d\n", pid, pid);
	if (p)
		put_task_struct(p);
}

static const struct file_operations pidfd_fops = {
	.poll = pidfd_poll,
	.release = pidfd_release,
	.show_fdinfo = pidfd_show_fdinfo,
};

struct file *pidfd_file(struct signal_struct *sig, unsigned int flags)
{
	struct file *file = anon_inode_getfile("[pidfd]", &pidfd_fops, sig, (int)(O_RDWR | flags));

	if (!IS_ERR(file))
		refcount_inc(&sig->sigcnt);
	return file;
}

/*
 * The process behind @fd. Return: false if it is no such descriptor; else *@leader has a reference, or is NULL:
 * reaped.
 */
static bool pidfd_get_leader(unsigned int fd, struct task_struct **leader, bool *nonblock)
{
	struct fd f = fdget(fd);
	bool ok = f.file && f.file->f_op == &pidfd_fops;

	if (ok) {
		*leader = get_leader(f.file->private_data);
		*nonblock = f.file->f_flags & O_NONBLOCK;
	}
	fdput(f);
	return ok;
}

int pidfd_pid(unsigned int fd, pid_t *pid, bool *nonblock)
{
	struct task_struct *p;

	if (!pidfd_get_leader(fd, &p, nonblock))
		return -EBADF;
	*pid = 0;
	if (p) {
		*pid = p->tgid;
		put_task_struct(p);
	}
	return 0;
}

SYSCALL_DEFINE2(pidfd_open, pid_t, pid, unsigned int, flags)
{
	struct task_struct *p;
	struct file *file;
	int fd;

	if (flags & ~(unsigned int)O_NONBLOCK || pid <= 0)
		return -EINVAL;
	p = find_get_task(pid);
	if (!p)
		return -ESRCH;
	fd = -EINVAL;
	if (!thread_group_leader(p))
		goto out_put_task;
	fd = get_unused_fd_flags(O_CLOEXEC);
	if (fd < 0)
		goto out_put_task;
	file = pidfd_file(p->signal, flags);
	if (IS_ERR(file)) {
		put_unused_fd((unsigned int)fd);
		fd = (int)PTR_ERR(file);
	} else {
		fd_install((unsigned int)fd, file);
	}
out_put_task:
	put_task_struct(p);
	return fd;
}

SYSCALL_DEFINE4(pidfd_send_signal, int, fd, int, sig, uptr, uinfo, unsigned int, flags)
{
	struct task_struct *p;
	siginfo_t info;
	bool nonblock;
	int err = 0;

	if (flags)
		return -EINVAL;
	if (!pidfd_get_leader((unsigned int)fd, &p, &nonblock))
		return -EBADF;
	if (!uptr_is_null(uinfo)) {
		err = copy_siginfo_from_user(&info, sig, uinfo);
		if (!err && p && p->tgid != current->tgid && (info.si_code >= 0 || info.si_code == SI_TKILL))
			err = -EPERM;
	} else {
		init_user_siginfo(&info, sig, SI_USER);
	}
	if (!err && !valid_signal((u32)sig))
		err = -EINVAL;
	if (!err)
		err = p ? kill_one(sig, &info, p, true) : -ESRCH;
	if (p)
		put_task_struct(p);
	return err;
}

/* May current take what @p has open? As for tracing it: the same user, or root. */
static bool may_take_from(const struct task_struct *p)
{
	const struct cred *me = &current->cred, *c = &p->cred;

	return capable_root() || (me->uid == c->uid && me->uid == c->euid && me->uid == c->suid && p->signal->dumpable);
}

static struct file *file_of_task(struct task_struct *p, unsigned int fd)
{
	unsigned int found = fd;
	struct file *file;

	if (!may_take_from(p))
		return ERR_PTR(-EPERM);
	file = task_next_fd(p, &found, NULL);
	if (file && found != fd) {
		fput(file);
		file = NULL;
	}
	return file ? file : ERR_PTR(p->flags & PF_EXITING ? -ESRCH : -EBADF);
}

SYSCALL_DEFINE3(pidfd_getfd, int, pidfd, int, fd, unsigned int, flags)
{
	struct task_struct *p;
	struct file *file;
	bool nonblock;
	int new;

	if (flags)
		return -EINVAL;
	if (!pidfd_get_leader((unsigned int)pidfd, &p, &nonblock))
		return -EBADF;
	if (!p)
		return -ESRCH;
	file = file_of_task(p, (unsigned int)fd);
	put_task_struct(p);
	if (IS_ERR(file))
		return (int)PTR_ERR(file);
	new = get_unused_fd_flags(O_CLOEXEC);
	if (new < 0)
		fput(file);
	else
		fd_install((unsigned int)new, file);
	return new;
}

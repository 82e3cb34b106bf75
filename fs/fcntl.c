/*
 * fs/fcntl.c - fcntl(2): duplicates, flags, owners, and the doors to pipes, locks and seals.
 *
 * Linux:   fs/fcntl.c (6.1)
 * Same:    which flags F_SETFL may change; O_PATH descriptors allow only the descriptor's own commands.
 * Differs: 1. no leases, no dnotify: -EINVAL.
 * Locks:   FILE_F, FDTABLE.
 * Walk:    fcntl(2) -> do_fcntl().
 */
#include "fs/file.h"
#include "fs/internal.h"
#include "kernel/process.h"
#include "kernel/syscall.h"
#include "kernel/uaccess.h"

enum {
	F_DUPFD = 0, F_GETFD, F_SETFD, F_GETFL, F_SETFL, F_GETLK, F_SETLK, F_SETLKW, F_SETOWN,
	F_GETOWN, F_SETSIG, F_GETSIG, F_SETOWN_EX = 15, F_GETOWN_EX, F_OFD_GETLK = 36, F_OFD_SETLK,
	F_OFD_SETLKW, F_DUPFD_CLOEXEC = 1030, F_SETPIPE_SZ = 1031, F_GETPIPE_SZ = 1032, F_ADD_SEALS
	= 1033, F_GET_SEALS = 1034, FD_CLOEXEC = 1,
};
enum { F_OWNER_TID, F_OWNER_PID, F_OWNER_PGRP };
struct f_owner_ex { s32 type, pid; };

#define SETFL_MASK (O_APPEND | O_NONBLOCK | O_DIRECT | O_NOATIME)

static int setfl(unsigned int fd, struct file *file, unsigned int arg)
{
	if ((arg & O_NOATIME) && !(file->f_flags & O_NOATIME) && file->f_inode && !inode_owner_or_root(file->f_inode))
		return -EPERM;
	/* Direct access needs a disk's or a packet pipe's help; a file in memory offers none. */
	if ((arg & O_DIRECT) && !(file->f_flags & O_DIRECT) && !get_pipe_info(file))
		return -EINVAL;
	if ((arg ^ file->f_flags) & O_ASYNC) {
		int err = fasync_set(fd, file, arg & O_ASYNC);

		if (err)
			return err;
	}
	spin_lock(&file->f_lock);
	file->f_flags = (arg & SETFL_MASK) | (file->f_flags & ~(unsigned int)SETFL_MASK);
	spin_unlock(&file->f_lock);
	return 0;
}

/* @who: a process, or the negative of a process group. */
static int f_setown(struct file *file, int who)
{
	if (who == INT32_MIN)
		return -EINVAL;
	if (who > 0) {
		struct task_struct *p = find_get_task(who);

		if (!p)
			return -ESRCH;
		put_task_struct(p);
	}
	spin_lock(&file->f_lock);
	file->f_owner = who;
	spin_unlock(&file->f_lock);
	return 0;
}

static int f_setown_ex(struct file *file, uptr arg)
{
	struct f_owner_ex ex;

	if (copy_from_user(&ex, arg, sizeof(ex)))
		return -EFAULT;
	if (ex.type < F_OWNER_TID || ex.type > F_OWNER_PGRP || ex.pid < 0)
		return -EINVAL;
	return f_setown(file, ex.type == F_OWNER_PGRP ? -ex.pid : ex.pid);
}

static int f_getown_ex(struct file *file, uptr arg)
{
	pid_t owner = READ_ONCE(file->f_owner);
	struct f_owner_ex ex = { owner < 0 ? F_OWNER_PGRP : F_OWNER_PID, owner < 0 ? -owner : owner };

	return copy_to_user(arg, &ex, sizeof(ex)) ? -EFAULT : 0;
}

static long f_setsig(struct file *file, unsigned long sig)
{
	if (sig > _NSIG)
		return -EINVAL;
	file->f_owner_sig = (int)sig;
	return 0;
}

static long owner_fcntl(struct file *file, unsigned int cmd, unsigned long arg)
{
	switch (cmd) {
	case F_SETOWN:
		return f_setown(file, (int)arg);
	case F_GETOWN:
		return READ_ONCE(file->f_owner);
	case F_SETOWN_EX:
		return f_setown_ex(file, UPTR(arg));
	case F_GETOWN_EX:
		return f_getown_ex(file, UPTR(arg));
	case F_SETSIG:
		return f_setsig(file, arg);
	case F_GETSIG:
		return file->f_owner_sig;
	}
	return -EINVAL;
}

static long do_fcntl(unsigned int fd, struct file *file, unsigned int cmd, unsigned long arg)
{
	switch (cmd) {
	case F_DUPFD:
		return f_dupfd((unsigned int)arg, file, 0);
	case F_DUPFD_CLOEXEC:
		return f_dupfd((unsigned int)arg, file, O_CLOEXEC);
	case F_GETFD:
		return get_close_on_exec(fd) ? FD_CLOEXEC : 0;
	case F_SETFD:
		set_close_on_exec(fd, arg & FD_CLOEXEC);
		return 0;
	case F_GETFL:
		return (long)file->f_flags;
	}
	if (file->f_mode & FMODE_PATH)
		return -EBADF;
	switch (cmd) {
	case F_SETFL:
		return setfl(fd, file, (unsigned int)arg);
	case F_GETLK:
	case F_SETLK:
	case F_SETLKW:
	case F_OFD_GETLK:
	case F_OFD_SETLK:
	case F_OFD_SETLKW:
		return fcntl_lock(fd, file, cmd, arg);
	case F_SETPIPE_SZ:
	case F_GETPIPE_SZ:
		return pipe_fcntl(file, cmd, arg);
	case F_ADD_SEALS:
	case F_GET_SEALS:
		return memfd_fcntl(file, cmd, arg);
	}
	return owner_fcntl(file, cmd, arg);
}

SYSCALL_DEFINE3(fcntl, unsigned int, fd, unsigned int, cmd, unsigned long, arg)
{
	struct fd f = fdget_raw(fd);

	if (!f.file)
		return -EBADF;
	long ret = do_fcntl(fd, f.file, cmd, arg);

	fdput(f);
	return ret;
}

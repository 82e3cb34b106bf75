/*
 * fs/utimes.c - setting a file's times, and asking that what was written be safe.
 *
 * Linux:   fs/utimes.c, fs/sync.c (6.1)
 * Same:    UTIME_NOW, UTIME_OMIT; who may set "now" (who may write) and who any time (the owner).
 * Differs: 1. sync and syncfs have nothing to wait for: all file systems are in memory.
 * Locks:   INODE_MTX.
 * Walk:    utimensat() -> do_utimes() -> notify_change().
 */
#include "fs/file.h"
#include "fs/internal.h"
#include "kernel/syscall.h"
#include "kernel/time.h"
#include "kernel/uaccess.h"

#define UTIME_NOW 0x3fffffffL
#define UTIME_OMIT 0x3ffffffeL

static bool nsec_valid(s64 nsec)
{
	return nsec == UTIME_NOW || nsec == UTIME_OMIT || (nsec >= 0 && nsec < (s64)NSEC_PER_SEC);
}

/* @times NULL: both now. */
static int utimes_common(const struct path *path, const struct timespec64 *times)
{
	struct iattr attr = { .ia_valid = ATTR_ATIME | ATTR_MTIME };
	struct inode *inode = path->dentry->d_inode;
	struct path p = *path;
	u64 now = ktime_get_real_ns();
	bool all_now = true;
	int err = mnt_want_write(path->mnt);

	if (err)
		return err;
	attr.ia_atime_ns = attr.ia_mtime_ns = now;
	if (times) {
		if (times[0].tv_nsec == UTIME_OMIT)
			attr.ia_valid &= ~(unsigned int)ATTR_ATIME;
		else if (times[0].tv_nsec != UTIME_NOW)
			attr.ia_atime_ns = timespec64_to_ns(&times[0]);
		if (times[1].tv_nsec == UTIME_OMIT)
			attr.ia_valid &= ~(unsigned int)ATTR_MTIME;
		else if (times[1].tv_nsec != UTIME_NOW)
			attr.ia_mtime_ns = timespec64_to_ns(&times[1]);
		all_now = times[0].tv_nsec == UTIME_NOW && times[1].tv_nsec == UTIME_NOW;
	}
	if (!inode_owner_or_root(inode)) {
		err = all_now ? inode_permission(inode, MAY_WRITE) : -EPERM;
		if (err)
			return err;
	}
	mutex_lock(&inode->i_rwsem);
	err = notify_change(&p, &attr);
	mutex_unlock(&inode->i_rwsem);
	return err;
}

static long do_utimes(int dfd, uptr name, const struct timespec64 *times, int flags)
{
	struct path path;
	int err;

	if (times && (!nsec_valid(times[0].tv_nsec) || !nsec_valid(times[1].tv_nsec)))
		return -EINVAL;
	if (flags & ~(AT_SYMLINK_NOFOLLOW | AT_EMPTY_PATH))
		return -EINVAL;
	if (uptr_is_null(name) && dfd != AT_FDCWD) {
		if (flags)
			return -EINVAL;
		struct fd f = fdget((unsigned int)dfd);

		if (!f.file)
			return -EBADF;
		err = f.file->f_path.dentry ? utimes_common(&f.file->f_path, times) : -EPERM;
		fdput(f);
		return err;
	}
	err = user_path_at(dfd, name, (flags & AT_SYMLINK_NOFOLLOW ? 0 : LOOKUP_FOLLOW) |
			   (flags & AT_EMPTY_PATH ? LOOKUP_EMPTY : 0), &path);
	if (err)
		return err;
	err = utimes_common(&path, times);
	path_put(&path);
	return err;
}

SYSCALL_DEFINE4(utimensat, int, dfd, uptr, name, uptr, utimes, int, flags)
{
	struct timespec64 t[2];

	if (!uptr_is_null(utimes)) {
		if (copy_from_user(t, utimes, sizeof(t)))
			return -EFAULT;
		/* nothing to set: nothing is looked at */
		if (t[0].tv_nsec == UTIME_OMIT && t[1].tv_nsec == UTIME_OMIT)
			return 0;
	}
	return do_utimes(dfd, name, uptr_is_null(utimes) ? NULL : t, flags);
}

static long do_futimesat(int dfd, uptr name, uptr utimes)
{
	struct timeval64 tv[2];
	struct timespec64 t[2];

	if (uptr_is_null(utimes))
		return do_utimes(dfd, name, NULL, 0);
	if (copy_from_user(tv, utimes, sizeof(tv)))
		return -EFAULT;
	for (int i = 0; i < 2; i++) {
		if (tv[i].tv_usec < 0 || tv[i].tv_usec >= (s64)USEC_PER_SEC)
			return -EINVAL;
		t[i] = (struct timespec64){ tv[i].tv_sec, tv[i].tv_usec * (s64)NSEC_PER_USEC };
	}
	return do_utimes(dfd, name, t, 0);
}

SYSCALL_DEFINE3(futimesat, int, dfd, uptr, name, uptr, utimes)
{
	return do_futimesat(dfd, name, utimes);
}

SYSCALL_DEFINE2(utimes, uptr, name, uptr, utimes)
{
	return do_futimesat(AT_FDCWD, name, utimes);
}

SYSCALL_DEFINE2(utime, uptr, name, uptr, utimbuf)
{
	struct { s64 actime, modtime; } b;
	struct timespec64 t[2] = { 0 };

	if (uptr_is_null(utimbuf))
		return do_utimes(AT_FDCWD, name, NULL, 0);
	if (copy_from_user(&b, utimbuf, sizeof(b)))
		return -EFAULT;
	t[0].tv_sec = b.actime;
	t[1].tv_sec = b.modtime;
	return do_utimes(AT_FDCWD, name, t, 0);
}

static long do_fsync(unsigned int fd, int datasync)
{
	struct fd f = fdget(fd);

	if (!f.file)
		return -EBADF;
	long err = f.file->f_op->fsync ? f.file->f_op->fsync(f.file, datasync) : -EINVAL;

	fdput(f);
	return err;
}

SYSCALL_DEFINE1(fsync, unsigned int, fd)
{
	return do_fsync(fd, 0);
}

SYSCALL_DEFINE1(fdatasync, unsigned int, fd)
{
	return do_fsync(fd, 1);
}

SYSCALL_DEFINE0(sync)
{
	return 0;
}

SYSCALL_DEFINE1(syncfs, unsigned int, fd)
{
	struct fd f = fdget(fd);

	if (!f.file)
		return -EBADF;
	fdput(f);
	return 0;
}

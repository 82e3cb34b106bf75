/*
 * fs/open.c - open, and the calls that change what a name or an open file stands for: access, modes, owners, size.
 *
 * Linux:   fs/open.c (6.1)
 * Same:    the descriptor is reserved first and the file published last; faccessat2, fchmodat, fchownat with their
 *          flags; set-id bits fall when the owner changes.
 * Differs: none of note.
 * Locks:   INODE_MTX.
 * Walk:    openat(2) -> do_sys_open() -> do_filp_open() -> fd_install().
 */
#include "fs/file.h"
#include "fs/internal.h"
#include "fs/notify.h"
#include "kernel/process.h"
#include "kernel/syscall.h"
#include "kernel/uaccess.h"

#define VALID_OPEN_FLAGS (O_ACCMODE | O_CREAT | O_EXCL | O_NOCTTY | O_TRUNC | O_APPEND | O_NONBLOCK | O_SYNC |	\
			  O_ASYNC | O_DIRECT | O_LARGEFILE | O_DIRECTORY | O_NOFOLLOW | O_NOATIME | O_CLOEXEC |	\
			  O_PATH | O_TMPFILE)
#define O_TMPFILE_BIT (O_TMPFILE & ~O_DIRECTORY)

/* open(2) and openat(2) ignore the flags they do not know. Return: 0 or -EINVAL. */
static int clean_flags(unsigned int *flags)
{
	*flags &= VALID_OPEN_FLAGS;
	if (*flags & O_PATH) {
		*flags &= O_DIRECTORY | O_NOFOLLOW | O_PATH | O_CLOEXEC;
		return 0;
	}
	if (*flags & O_TMPFILE_BIT) {
		if ((*flags & (O_TMPFILE | O_CREAT)) != O_TMPFILE || !(*flags & (O_WRONLY | O_RDWR)))
			return -EINVAL;
	}
	*flags |= O_LARGEFILE;
	return 0;
}

static long do_sys_open(int dfd, uptr name, unsigned int flags, umode_t mode)
{
	struct filename fn;
	int err = clean_flags(&flags);

	if (unlikely(err))
		return err;
	err = getname_flags(&fn, name, 0);
	if (unlikely(err))
		return err;
	int fd = get_unused_fd_flags(flags);

	if (likely(fd >= 0)) {
		struct file *f = do_filp_open(dfd, fn.name, flags, mode);

		if (IS_ERR(f)) {
			put_unused_fd((unsigned int)fd);
			fd = (int)PTR_ERR(f);
		} else {
			fd_install((unsigned int)fd, f);
		}
	}
	putname_fn(&fn);
	return fd;
}

SYSCALL_DEFINE3(open, uptr, name, unsigned int, flags, umode_t, mode)
{
	return do_sys_open(AT_FDCWD, name, flags, mode);
}

SYSCALL_DEFINE4(openat, int, dfd, uptr, name, unsigned int, flags, umode_t, mode)
{
	return do_sys_open(dfd, name, flags, mode);
}

SYSCALL_DEFINE2(creat, uptr, name, umode_t, mode)
{
	return do_sys_open(AT_FDCWD, name, O_CREAT | O_WRONLY | O_TRUNC, mode);
}

/* access(2) asks for the real user, not the one the process acts as. */
static long do_faccessat(int dfd, uptr name, int mode, int flags)
{
	struct cred *c = &current->cred;
	uid_t fsuid = c->fsuid;
	gid_t fsgid = c->fsgid;
	struct path path;

	if (mode & ~7)
		return -EINVAL;
	if (flags & ~(AT_EACCESS | AT_SYMLINK_NOFOLLOW | AT_EMPTY_PATH))
		return -EINVAL;
	if (!(flags & AT_EACCESS)) {
		c->fsuid = c->uid;
		c->fsgid = c->gid;
	}
	int err = user_path_at(dfd, name, (flags & AT_SYMLINK_NOFOLLOW ? 0 : LOOKUP_FOLLOW) |
			       (flags & AT_EMPTY_PATH ? LOOKUP_EMPTY : 0), &path);

	if (!err) {
		struct inode *inode = path.dentry->d_inode;

		if ((mode & MAY_EXEC) && S_ISREG(inode->i_mode) && (path.mnt->mnt_flags & MS_NOEXEC))
			err = -EACCES;
		else if (mode)
			err = inode_permission(inode, mode);
		if (!err && (mode & MAY_WRITE) && !S_ISCHR(inode->i_mode) && !S_ISFIFO(inode->i_mode) &&
		    !S_ISSOCK(inode->i_mode) && !S_ISBLK(inode->i_mode))
			err = mnt_want_write(path.mnt);
		path_put(&path);
	}
	c->fsuid = fsuid;
	c->fsgid = fsgid;
	return err;
}

SYSCALL_DEFINE3(faccessat, int, dfd, uptr, name, int, mode)
{
	return do_faccessat(dfd, name, mode, 0);
}

SYSCALL_DEFINE4(faccessat2, int, dfd, uptr, name, int, mode, int, flags)
{
	return do_faccessat(dfd, name, mode, flags);
}

SYSCALL_DEFINE2(access, uptr, name, int, mode)
{
	return do_faccessat(AT_FDCWD, name, mode, 0);
}

SYSCALL_DEFINE1(chdir, uptr, name)
{
	struct path path;
	int err = user_path_at(AT_FDCWD, name, LOOKUP_FOLLOW | LOOKUP_DIRECTORY, &path);

	if (err)
		return err;
	err = inode_permission(path.dentry->d_inode, MAY_EXEC);
	if (!err)
		set_fs_pwd(current->fs, &path);
	path_put(&path);
	return err;
}

SYSCALL_DEFINE1(fchdir, unsigned int, fd)
{
	struct fd f = fdget_raw(fd);
	int err = -ENOTDIR;

	if (!f.file)
		return -EBADF;
	if (f.file->f_path.dentry && S_ISDIR(f.file->f_inode->i_mode)) {
		err = inode_permission(f.file->f_inode, MAY_EXEC);
		if (!err)
			set_fs_pwd(current->fs, &f.file->f_path);
	}
	fdput(f);
	return err;
}

SYSCALL_DEFINE1(chroot, uptr, name)
{
	struct path path;
	int err = user_path_at(AT_FDCWD, name, LOOKUP_FOLLOW | LOOKUP_DIRECTORY, &path);

	if (err)
		return err;
	err = inode_permission(path.dentry->d_inode, MAY_EXEC);
	if (!err && !capable_root())
		err = -EPERM;
	if (!err)
		set_fs_root(current->fs, &path);
	path_put(&path);
	return err;
}

SYSCALL_DEFINE1(umask, int, mask)
{
	struct fs_struct *fs = current->fs;

	return (long)xchg(&fs->umask, (umode_t)mask & S_IRWXUGO);
}

static int change_attr(const struct path *path, struct iattr *attr)
{
	struct inode *inode = path->dentry->d_inode;
	struct path p = *path;
	int err = mnt_want_write(path->mnt);

	if (err)
		return err;
	mutex_lock(&inode->i_rwsem);
	err = notify_change(&p, attr);
	mutex_unlock(&inode->i_rwsem);
	return err;
}

static int chmod_common(const struct path *path, umode_t mode)
{
	struct iattr attr = { .ia_valid = ATTR_MODE, .ia_mode = mode & S_IALLUGO };

	if (S_ISLNK(path->dentry->d_inode->i_mode))
		return -EOPNOTSUPP;
	return change_attr(path, &attr);
}

/*
 * The file behind a descriptor as a path. Sockets and pipes have none: their attributes cannot be changed
 * here.
 */
static int fd_path(struct fd f)
{
	if (!f.file)
		return -EBADF;
	return f.file->f_path.dentry ? 0 : -EPERM;
}

SYSCALL_DEFINE2(fchmod, unsigned int, fd, umode_t, mode)
{
	struct fd f = fdget(fd);
	int err = fd_path(f);

	if (!err)
		err = chmod_common(&f.file->f_path, mode);
	if (f.file)
		fdput(f);
	return err;
}

static int do_fchmodat(int dfd, uptr name, umode_t mode)
{
	struct path path;
	int err = user_path_at(dfd, name, LOOKUP_FOLLOW, &path);

	if (err)
		return err;
	err = chmod_common(&path, mode);
	path_put(&path);
	return err;
}

SYSCALL_DEFINE3(fchmodat, int, dfd, uptr, name, umode_t, mode)
{
	return do_fchmodat(dfd, name, mode);
}

SYSCALL_DEFINE2(chmod, uptr, name, umode_t, mode)
{
	return do_fchmodat(AT_FDCWD, name, mode);
}

static int chown_common(const struct path *path, uid_t user, gid_t group)
{
	struct inode *inode = path->dentry->d_inode;
	struct iattr attr = { .ia_uid = user, .ia_gid = group };
	umode_t mode = inode->i_mode, lost = 0;

	if (user != (uid_t)-1)
		attr.ia_valid |= ATTR_UID;
	if (group != (gid_t)-1)
		attr.ia_valid |= ATTR_GID;
	/* A program with a new owner must not keep the rights of the old one. */
	if (!S_ISDIR(mode)) {
		lost |= mode & S_ISUID;
		if ((mode & (S_ISGID | 0010)) == (S_ISGID | 0010))
			lost |= S_ISGID;
	}
	if (lost) {
		attr.ia_valid |= ATTR_MODE | ATTR_OPEN;
		attr.ia_mode = mode & ~lost;
	}
	return change_attr(path, &attr);
}

static int do_fchownat(int dfd, uptr name, uid_t user, gid_t group, int flag)
{
	struct path path;

	if (flag & ~(AT_SYMLINK_NOFOLLOW | AT_EMPTY_PATH))
		return -EINVAL;
	int err = user_path_at(dfd, name, (flag & AT_SYMLINK_NOFOLLOW ? 0 : LOOKUP_FOLLOW) |
			       (flag & AT_EMPTY_PATH ? LOOKUP_EMPTY : 0), &path);

	if (err)
		return err;
	err = chown_common(&path, user, group);
	path_put(&path);
	return err;
}

SYSCALL_DEFINE5(fchownat, int, dfd, uptr, name, uid_t, user, gid_t, group, int, flag)
{
	return do_fchownat(dfd, name, user, group, flag);
}

SYSCALL_DEFINE3(chown, uptr, name, uid_t, user, gid_t, group)
{
	return do_fchownat(AT_FDCWD, name, user, group, 0);
}

SYSCALL_DEFINE3(lchown, uptr, name, uid_t, user, gid_t, group)
{
	return do_fchownat(AT_FDCWD, name, user, group, AT_SYMLINK_NOFOLLOW);
}

SYSCALL_DEFINE3(fchown, unsigned int, fd, uid_t, user, gid_t, group)
{
	struct fd f = fdget(fd);
	int err = fd_path(f);

	if (!err)
		err = chown_common(&f.file->f_path, user, group);
	if (f.file)
		fdput(f);
	return err;
}

static int vfs_truncate(const struct path *path, loff_t length)
{
	struct inode *inode = path->dentry->d_inode;

	if (S_ISDIR(inode->i_mode))
		return -EISDIR;
	if (!S_ISREG(inode->i_mode))
		return -EINVAL;
	int err = mnt_want_write(path->mnt);

	if (!err)
		err = inode_permission(inode, MAY_WRITE);
	if (!err)
		err = get_write_access(inode);
	if (err)
		return err;
	err = do_truncate(inode, length);
	put_write_access(inode);
	if (!err)
		fsnotify_dentry(path->dentry, IN_MODIFY);
	return err;
}

SYSCALL_DEFINE2(truncate, uptr, name, loff_t, length)
{
	struct path path;

	if (length < 0)
		return -EINVAL;
	int err = user_path_at(AT_FDCWD, name, LOOKUP_FOLLOW, &path);

	if (err)
		return err;
	err = vfs_truncate(&path, length);
	path_put(&path);
	return err;
}

SYSCALL_DEFINE2(ftruncate, unsigned int, fd, loff_t, length)
{
	if (length < 0)
		return -EINVAL;
	struct fd f = fdget(fd);
	int err = -EINVAL;

	if (!f.file)
		return -EBADF;
	if (f.file->f_inode && S_ISREG(f.file->f_inode->i_mode) && (f.file->f_mode & FMODE_WRITE))
		err = do_truncate(f.file->f_inode, length);
	if (!err)
		fsnotify_dentry(f.file->f_path.dentry, IN_MODIFY);
	fdput(f);
	return err;
}

enum { FALLOC_FL_KEEP_SIZE = 1, FALLOC_FL_PUNCH_HOLE = 2 };

static long vfs_fallocate(struct file *file, int mode, loff_t off, loff_t len)
{
	if (off < 0 || len <= 0)
		return -EINVAL;
	if (mode & ~(FALLOC_FL_KEEP_SIZE | FALLOC_FL_PUNCH_HOLE))
		return -EOPNOTSUPP;
	if ((mode & FALLOC_FL_PUNCH_HOLE) && !(mode & FALLOC_FL_KEEP_SIZE))
		return -EOPNOTSUPP;
	if (!(file->f_mode & FMODE_WRITE))
		return -EBADF;
	umode_t type = file->f_inode ? file->f_inode->i_mode : S_IFIFO;

	if (S_ISFIFO(type))
		return -ESPIPE;
	if (S_ISDIR(type))
		return -EISDIR;
	if (!S_ISREG(type))
		return -ENODEV;
	if (off + len < 0)
		return -EFBIG;
	return file->f_op->fallocate ? file->f_op->fallocate(file, mode, off, len) : -EOPNOTSUPP;
}

SYSCALL_DEFINE4(fallocate, unsigned int, fd, int, mode, loff_t, off, loff_t, len)
{
	struct fd f = fdget(fd);

	if (!f.file)
		return -EBADF;
	long err = vfs_fallocate(f.file, mode, off, len);

	fdput(f);
	return err;
}

/* Advice about a file that is in memory anyway: the arguments are checked, nothing has to be done. */
SYSCALL_DEFINE4(fadvise64, unsigned int, fd, __unused loff_t, off, loff_t, len, int, advice)
{
	struct fd f = fdget(fd);
	long err = 0;

	if (!f.file)
		return -EBADF;
	if (f.file->f_inode && S_ISFIFO(f.file->f_inode->i_mode))
		err = -ESPIPE;
	else if (len < 0 || advice < 0 || advice > 5)
		err = -EINVAL;
	fdput(f);
	return err;
}

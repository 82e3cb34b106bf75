/*
 * fs/stat.c - the stat family, and reading the text of a link.
 *
 * Linux:   fs/stat.c, fs/statfs.c (6.1)
 * Same:    struct stat, statx and statfs as the ABI lays them out; AT_EMPTY_PATH on any descriptor.
 * Differs: 1. no creation time: statx leaves STATX_BTIME out.
 * Locks:   none of its own.
 * Walk:    newfstatat() -> user_path_at() -> vfs_getattr().
 */
#include "fs/file.h"
#include "fs/internal.h"
#include "kernel/string.h"
#include "kernel/syscall.h"
#include "kernel/uaccess.h"

static int put_stat(const struct kstat *st, uptr ubuf)
{
	struct stat_abi a;

	a.st_dev = new_encode_dev(st->dev);
	a.st_ino = st->ino;
	a.st_nlink = st->nlink;
	a.st_mode = st->mode;
	a.st_uid = st->uid;
	a.st_gid = st->gid;
	a.__pad0 = 0;
	a.st_rdev = new_encode_dev(st->rdev);
	a.st_size = st->size;
	a.st_blksize = st->blksize;
	a.st_blocks = (s64)st->blocks;
	a.st_atime = st->atime_ns / NSEC_PER_SEC;
	a.st_atime_nsec = st->atime_ns % NSEC_PER_SEC;
	a.st_mtime = st->mtime_ns / NSEC_PER_SEC;
	a.st_mtime_nsec = st->mtime_ns % NSEC_PER_SEC;
	a.st_ctime = st->ctime_ns / NSEC_PER_SEC;
	a.st_ctime_nsec = st->ctime_ns % NSEC_PER_SEC;
	a.__unused_[0] = a.__unused_[1] = a.__unused_[2] = 0;
	return copy_to_user(ubuf, &a, sizeof(a)) ? -EFAULT : 0;
}

/* Attributes of an open file, of whatever kind. */
static int file_getattr(unsigned int fd, struct kstat *st)
{
	struct fd f = fdget_raw(fd);

	if (!f.file)
		return -EBADF;
	int err = f.file->f_inode ? vfs_getattr(f.file->f_inode, st) : -EBADF;

	fdput(f);
	return err;
}

static int vfs_statx(int dfd, uptr name, int flags, struct kstat *st)
{
	struct filename fn;
	int err = getname_flags(&fn, name, flags & AT_EMPTY_PATH ? LOOKUP_EMPTY : 0);

	if (unlikely(err))
		return err;
	if (!fn.name[0] && dfd >= 0)
		return file_getattr((unsigned int)dfd, st);
	err = filename_getattr(dfd, fn.name, (flags & AT_SYMLINK_NOFOLLOW ? 0 : LOOKUP_FOLLOW) | LOOKUP_EMPTY, st);
	putname_fn(&fn);
	return err;
}

static long stat_to_user(int dfd, uptr name, uptr buf, int flags)
{
	struct kstat st;
	int err = vfs_statx(dfd, name, flags, &st);

	return err ? err : put_stat(&st, buf);
}

SYSCALL_DEFINE2(stat, uptr, name, uptr, buf)
{
	return stat_to_user(AT_FDCWD, name, buf, 0);
}

SYSCALL_DEFINE2(lstat, uptr, name, uptr, buf)
{
	return stat_to_user(AT_FDCWD, name, buf, AT_SYMLINK_NOFOLLOW);
}

SYSCALL_DEFINE4(newfstatat, int, dfd, uptr, name, uptr, buf, int, flags)
{
	if (flags & ~(AT_SYMLINK_NOFOLLOW | AT_NO_AUTOMOUNT | AT_EMPTY_PATH | 0x6000))
		return -EINVAL;
	return stat_to_user(dfd, name, buf, flags);
}

SYSCALL_DEFINE2(fstat, unsigned int, fd, uptr, buf)
{
	struct kstat st;
	int err = file_getattr(fd, &st);

	return err ? err : put_stat(&st, buf);
}

enum {
	STATX_BASIC_STATS = 0x7ff,
	STATX_RESERVED = 0x80000000,
	AT_STATX_FORCE_SYNC = 0x2000,
	AT_STATX_SYNC_TYPE = 0x6000,
	STATX_ATTR_MOUNT_ROOT = 0x2000
};
struct statx_timestamp { s64 tv_sec; u32 tv_nsec; s32 pad; };
struct statx_abi {
	u32 stx_mask, stx_blksize;
	u64 stx_attributes;
	u32 stx_nlink, stx_uid, stx_gid;
	u16 stx_mode, pad0;
	u64 stx_ino, stx_size, stx_blocks, stx_attributes_mask;
	struct statx_timestamp stx_atime, stx_btime, stx_ctime, stx_mtime;
	u32 stx_rdev_major, stx_rdev_minor, stx_dev_major, stx_dev_minor;
	u64 stx_mnt_id;
	u64 pad1[13];
};
static_assert(sizeof(struct statx_abi) == 256, "ABI");

static struct statx_timestamp statx_time(u64 ns)
{
	return (struct statx_timestamp){ (s64)(ns / NSEC_PER_SEC), (u32)(ns % NSEC_PER_SEC), 0 };
}

SYSCALL_DEFINE5(statx, int, dfd, uptr, name, unsigned int, flags, unsigned int, mask, uptr, buf)
{
	struct kstat st;
	struct statx_abi x;

	if (mask & STATX_RESERVED)
		return -EINVAL;
	if ((flags & AT_STATX_SYNC_TYPE) == AT_STATX_SYNC_TYPE)
		return -EINVAL;
	if (flags & ~(unsigned int)(AT_SYMLINK_NOFOLLOW | AT_NO_AUTOMOUNT | AT_EMPTY_PATH | AT_STATX_SYNC_TYPE))
		return -EINVAL;
	int err = vfs_statx(dfd, name, (int)flags, &st);

	if (err)
		return err;
	memset(&x, 0, sizeof(x));
	x.stx_mask = STATX_BASIC_STATS;
	x.stx_blksize = st.blksize;
	x.stx_nlink = st.nlink;
	x.stx_uid = st.uid;
	x.stx_gid = st.gid;
	x.stx_mode = (u16)st.mode;
	x.stx_ino = st.ino;
	x.stx_size = (u64)st.size;
	x.stx_blocks = st.blocks;
	x.stx_atime = statx_time(st.atime_ns);
	x.stx_ctime = statx_time(st.ctime_ns);
	x.stx_mtime = statx_time(st.mtime_ns);
	x.stx_rdev_major = MAJOR(st.rdev);
	x.stx_rdev_minor = MINOR(st.rdev);
	x.stx_dev_major = MAJOR(st.dev);
	x.stx_dev_minor = MINOR(st.dev);
	return copy_to_user(buf, &x, sizeof(x)) ? -EFAULT : 0;
}

/* The text of link @path. A link without text (/proc/PID/fd/N) shows the path it leads to. */
static ssize_t link_text_of(const struct path *path, char *buf)
{
	struct inode *inode = path->dentry->d_inode;

	if (!S_ISLNK(inode->i_mode) || !inode->i_op->readlink)
		return -EINVAL;
	return inode->i_op->readlink(inode, buf, PATH_MAX);
}

static long do_readlinkat(int dfd, uptr name, uptr ubuf, int bufsiz)
{
	struct path path;

	if (bufsiz <= 0)
		return -EINVAL;
	int err = user_path_at(dfd, name, LOOKUP_EMPTY, &path);

	if (err)
		return err;
	char *buf = __getname();
	ssize_t len = buf ? link_text_of(&path, buf) : -ENOMEM;

	if (len > bufsiz)
		len = bufsiz;
	if (len > 0 && copy_to_user(ubuf, buf, (size_t)len))
		len = -EFAULT;
	if (buf)
		__putname(buf);
	path_put(&path);
	return len;
}

SYSCALL_DEFINE4(readlinkat, int, dfd, uptr, name, uptr, buf, int, bufsiz)
{
	return do_readlinkat(dfd, name, buf, bufsiz);
}

SYSCALL_DEFINE3(readlink, uptr, name, uptr, buf, int, bufsiz)
{
	return do_readlinkat(AT_FDCWD, name, buf, bufsiz);
}

struct statfs_abi {
	s64 f_type, f_bsize;
	u64 f_blocks, f_bfree, f_bavail, f_files, f_ffree;
	s32 f_fsid[2];
	s64 f_namelen, f_frsize, f_flags, f_spare[4];
};
static_assert(sizeof(struct statfs_abi) == 120, "ABI");
enum { ST_VALID = 0x20 };

static int put_statfs(struct super_block *sb, unsigned int mnt_flags, uptr buf)
{
	struct kstatfs k = { .f_type = sb->s_magic, .f_bsize = PAGE_SIZE, .f_namelen = NAME_MAX };
	struct statfs_abi a = { 0 };
	int err = sb->s_op && sb->s_op->statfs ? sb->s_op->statfs(sb, &k) : 0;

	if (err)
		return err;
	a.f_type = (s64)k.f_type;
	a.f_bsize = (s64)k.f_bsize;
	a.f_blocks = k.f_blocks;
	a.f_bfree = k.f_bfree;
	a.f_bavail = k.f_bavail;
	a.f_files = k.f_files;
	a.f_ffree = k.f_ffree;
	a.f_fsid[0] = (s32)new_encode_dev(sb->s_dev);
	a.f_namelen = (s64)k.f_namelen;
	a.f_frsize = (s64)k.f_bsize;
	/* ST_RDONLY, ST_NOSUID, ST_NODEV and ST_NOEXEC are MS_*'s bits; ST_NOATIME is MS_NOATIME's too */
	a.f_flags = ST_VALID | (mnt_flags & (MS_RDONLY | MS_NOSUID | MS_NODEV | MS_NOEXEC | MS_NOATIME));
	return copy_to_user(buf, &a, sizeof(a)) ? -EFAULT : 0;
}

SYSCALL_DEFINE2(statfs, uptr, name, uptr, buf)
{
	struct path path;
	int err = user_path_at(AT_FDCWD, name, LOOKUP_FOLLOW, &path);

	if (err)
		return err;
	err = put_statfs(path.dentry->d_sb, path.mnt->mnt_flags, buf);
	path_put(&path);
	return err;
}

SYSCALL_DEFINE2(fstatfs, unsigned int, fd, uptr, buf)
{
	struct fd f = fdget_raw(fd);

	if (!f.file)
		return -EBADF;
	int err = f.file->f_inode ? put_statfs(f.file->f_inode->i_sb,
					       f.file->f_path.mnt ? f.file->f_path.mnt->mnt_flags : 0, buf) : -ENOSYS;

	fdput(f);
	return err;
}

/* The working directory as text. */
SYSCALL_DEFINE2(getcwd, uptr, buf, unsigned long, size)
{
	char *page = __getname();
	struct path root, pwd;
	long len = -ENAMETOOLONG;

	if (!page)
		return -ENOMEM;
	get_fs_root_pwd(current->fs, &root, &pwd);
	spin_lock(&dcache_lock);
	bool gone = pwd.dentry->d_unlinked;
	char *p = d_path_locked(&pwd, &root, page, PATH_MAX);

	spin_unlock(&dcache_lock);
	if (gone) {
		len = -ENOENT;
	} else if (!IS_ERR(p)) {
		len = page + PATH_MAX - p;
		if ((unsigned long)len > size)
			len = -ERANGE;
		else if (copy_to_user(buf, p, (size_t)len))
			len = -EFAULT;
	}
	path_put(&pwd);
	path_put(&root);
	__putname(page);
	return len;
}

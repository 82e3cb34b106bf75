/*
 * fs/devfs/devfs.c - /dev and /dev/pts: file systems in memory that the kernel fills with its devices' nodes.
 *
 * Linux:   drivers/base/devtmpfs.c, fs/devpts/inode.c (6.1)
 * Same:    one instance, shown by every mount of it; nodes appear as drivers register; it is mounted on /dev before
 *          the first program runs.
 * Differs: 1. the usual links (fd, stdin, stdout, stderr) and the directories shm and pts are made here: there may
 *             be no udev to do it.
 * Locks:   as ramfs.
 * Walk:    tty_init() -> devfs_add().
 */
#include "fs/internal.h"
#include "kernel/string.h"

static struct super_block *dev_sb, *pts_sb;

static struct super_block *devfs_mount(__unused struct file_system_type *t, __unused const char *dev,
				       __unused char *data)
{
	return dev_sb;
}

static struct super_block *devpts_mount(__unused struct file_system_type *t, __unused const char *dev,
					__unused char *data)
{
	return pts_sb;
}

static struct file_system_type devfs_type = { .name = "devtmpfs", .mount = devfs_mount };
static struct file_system_type devpts_type = { .name = "devpts", .mount = devpts_mount };

/* The directory of @name below the root, made if it is missing, with a reference; *@name is what is left. */
static struct dentry *devfs_parent(const char **name)
{
	bool pts = !strncmp(*name, "pts/", 4);
	struct dentry *dir = dget(pts ? pts_sb->s_root : dev_sb->s_root);
	const char *slash;

	if (pts)
		*name += 4;
	while ((slash = strchr(*name, '/'))) {
		struct inode *inode = dir->d_inode;

		mutex_lock(&inode->i_rwsem);
		struct dentry *d = lookup_one(dir, *name, (int)(slash - *name));
		int err = 0;

		if (!IS_ERR(d) && !d->d_inode)
			err = inode->i_op->mkdir(inode, d, S_IFDIR | 0755);
		mutex_unlock(&inode->i_rwsem);
		dput(dir);
		if (IS_ERR(d))
			return d;
		if (err) {
			dput(d);
			return ERR_PTR(err);
		}
		dir = d;
		*name = slash + 1;
	}
	return dir;
}

/* Make @name: a node, a directory or, if @target is given, a link. Exists already: fine. */
static int devfs_make(const char *name, umode_t mode, dev_t rdev, const char *target)
{
	struct dentry *dir = devfs_parent(&name);

	if (IS_ERR(dir))
		return (int)PTR_ERR(dir);
	struct inode *inode = dir->d_inode;
	int err = 0;

	mutex_lock(&inode->i_rwsem);
	struct dentry *d = lookup_one(dir, name, (int)strlen(name));

	if (IS_ERR(d))
		err = (int)PTR_ERR(d);
	else if (!d->d_inode && target)
		err = inode->i_op->symlink(inode, d, target);
	else if (!d->d_inode && S_ISDIR(mode))
		err = inode->i_op->mkdir(inode, d, mode);
	else if (!d->d_inode)
		err = inode->i_op->mknod(inode, d, mode, rdev);
	mutex_unlock(&inode->i_rwsem);
	if (!IS_ERR(d))
		dput(d);
	dput(dir);
	return err;
}

int devfs_add(const char *name, umode_t mode, dev_t rdev)
{
	return devfs_make(name, mode, rdev, NULL);
}

void devfs_remove(const char *name)
{
	struct dentry *dir = devfs_parent(&name);

	if (IS_ERR(dir))
		return;
	struct inode *inode = dir->d_inode;

	mutex_lock(&inode->i_rwsem);
	struct dentry *d = lookup_one(dir, name, (int)strlen(name));

	if (!IS_ERR(d) && d->d_inode && !inode->i_op->unlink(inode, d))
		d_delete(d);
	mutex_unlock(&inode->i_rwsem);
	if (!IS_ERR(d))
		dput(d);
	dput(dir);
}

void devfs_chown(const char *name, uid_t uid, gid_t gid)
{
	struct dentry *dir = devfs_parent(&name);

	if (IS_ERR(dir))
		return;
	mutex_lock(&dir->d_inode->i_rwsem);
	struct dentry *d = lookup_one(dir, name, (int)strlen(name));

	if (!IS_ERR(d) && d->d_inode) {
		d->d_inode->i_uid = uid;
		d->d_inode->i_gid = gid;
	}
	mutex_unlock(&dir->d_inode->i_rwsem);
	if (!IS_ERR(d))
		dput(d);
	dput(dir);
}

void devfs_init(void)
{
	dev_sb = ramfs_new_super("devtmpfs", 0x01021994);
	pts_sb = ramfs_new_super("devpts", 0x1cd1);
	ASSERT(dev_sb && pts_sb);
	dev_sb->s_active = pts_sb->s_active = 1;	/* kept without a mount, too */
	register_filesystem(&devfs_type);
	register_filesystem(&devpts_type);
	int err = devfs_make("shm", S_IFDIR | S_ISVTX | S_IRWXUGO, 0, NULL);

	err |= devfs_make("pts", S_IFDIR | 0755, 0, NULL);
	err |= devfs_make("fd", 0, 0, "/proc/self/fd");
	err |= devfs_make("stdin", 0, 0, "/proc/self/fd/0");
	err |= devfs_make("stdout", 0, 0, "/proc/self/fd/1");
	err |= devfs_make("stderr", 0, 0, "/proc/self/fd/2");
	err |= do_mkdirat(AT_FDCWD, "/dev", 0755);
	err |= vfs_mount("devtmpfs", "devtmpfs", "/dev", MS_NOSUID);
	err |= vfs_mount("devpts", "devpts", "/dev/pts", MS_NOSUID | MS_NOEXEC);
	ASSERT(!err);
}

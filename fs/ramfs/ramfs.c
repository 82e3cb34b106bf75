/*
 * fs/ramfs/ramfs.c - a file system whose dentries and pages are all there is: the root, tmpfs, memfds.
 *
 * Linux:   fs/ramfs/inode.c, fs/libfs.c, mm/shmem.c (6.1)
 * Same:    directories live in the dentry cache (each dentry pinned by a reference), content in the pages of
 *          filemap.c; tmpfs takes size= and mode=; memfd_create() with seals.
 * Differs: 1. one code for ramfs and tmpfs. 2. ENOSPC also where memory runs short, instead of the OOM killer.
 * Locks:   INODE_MTX by the callers; MAPPING_MTX in filemap.c.
 * Walk:    open(O_CREAT) -> ramfs_create(); write() -> generic_file_write_iter().
 */
#include "fs/file.h"
#include "fs/internal.h"
#include "kernel/mm.h"
#include "kernel/slab.h"
#include "kernel/string.h"
#include "kernel/syscall.h"
#include "kernel/time.h"
#include "kernel/uaccess.h"

#define RAMFS_MAGIC 0x858458f6
#define TMPFS_MAGIC 0x01021994

enum { FALLOC_FL_KEEP_SIZE = 1, FALLOC_FL_PUNCH_HOLE = 2 };

static const struct inode_operations ramfs_dir_iops, ramfs_file_iops, ramfs_link_iops;
static const struct file_operations ramfs_dir_fops, ramfs_file_fops;

static struct inode *ramfs_inode(struct super_block *sb, const struct inode *dir, umode_t mode, dev_t dev)
{
	struct inode *inode = new_inode(sb, mode);

	if (!inode)
		return NULL;
	if (dir && (dir->i_mode & S_ISGID)) {	/* files of a set-group-id directory are the group's */
		inode->i_gid = dir->i_gid;
		if (S_ISDIR(mode))
			inode->i_mode |= S_ISGID;
	}
	inode->i_op = &ramfs_file_iops;
	switch (mode & S_IFMT) {
	case S_IFREG:
		inode->i_fop = &ramfs_file_fops;
		break;
	case S_IFDIR:
		inode->i_op = &ramfs_dir_iops;
		inode->i_fop = &ramfs_dir_fops;
		inode->i_nlink = 2;	/* its name and its "." */
		break;
	case S_IFLNK:
		inode->i_op = &ramfs_link_iops;
		break;
	default:
		init_special_inode(inode, inode->i_mode, dev);
	}
	return inode;
}

/* What one entry adds to the size of its directory, as tmpfs counts. */
enum { DIRENT_SIZE = 20 };

static void dir_changed(struct inode *dir, int entries)
{
	dir->i_mtime_ns = dir->i_ctime_ns = ktime_get_real_ns();
	dir->i_size += entries * DIRENT_SIZE;
}

static int ramfs_mknod(struct inode *dir, struct dentry *dentry, umode_t mode, dev_t dev)
{
	struct inode *inode = ramfs_inode(dir->i_sb, dir, mode, dev);

	if (!inode)
		return -ENOSPC;
	d_add(dentry, inode);
	dget(dentry);	/* the file system's own reference, until unlink */
	dir_changed(dir, 1);
	return 0;
}

static int ramfs_create(struct inode *dir, struct dentry *dentry, umode_t mode)
{
	return ramfs_mknod(dir, dentry, mode, 0);
}

static int ramfs_mkdir(struct inode *dir, struct dentry *dentry, umode_t mode)
{
	int err = ramfs_mknod(dir, dentry, mode, 0);

	if (!err)
		dir->i_nlink++;	/* the child's ".." */
	return err;
}

static int ramfs_symlink(struct inode *dir, struct dentry *dentry, const char *target)
{
	struct inode *inode = ramfs_inode(dir->i_sb, dir, S_IFLNK | S_IRWXUGO, 0);

	if (!inode)
		return -ENOSPC;
	inode->i_private = kstrdup(target, GFP_KERNEL);
	if (!inode->i_private) {
		iput(inode);
		return -ENOMEM;
	}
	inode->i_size = (loff_t)strlen(target);
	d_add(dentry, inode);
	dget(dentry);
	dir_changed(dir, 1);
	return 0;
}

static int ramfs_readlink(struct inode *inode, char *buf, size_t size)
{
	size_t len = min((size_t)inode->i_size, size);

	memcpy(buf, inode->i_private, len);
	return (int)len;
}

static int ramfs_tmpfile(struct inode *dir, struct dentry *dentry, umode_t mode)
{
	struct inode *inode = ramfs_inode(dir->i_sb, dir, mode, 0);

	if (!inode)
		return -ENOSPC;
	inode->i_nlink = 0;
	d_instantiate(dentry, inode);
	return 0;
}

static int ramfs_link(struct dentry *old, struct inode *dir, struct dentry *dentry)
{
	struct inode *inode = old->d_inode;

	inode->i_nlink++;
	inode->i_ctime_ns = ktime_get_real_ns();
	ihold(inode);
	d_add(dentry, inode);
	dget(dentry);
	dir_changed(dir, 1);
	return 0;
}

static int ramfs_unlink(struct inode *dir, struct dentry *dentry)
{
	struct inode *inode = dentry->d_inode;

	inode->i_nlink--;
	dir_changed(dir, -1);
	inode->i_ctime_ns = dir->i_ctime_ns;
	dput(dentry);	/* the caller has a reference of its own */
	return 0;
}

static int ramfs_rmdir(struct inode *dir, struct dentry *dentry)
{
	if (!simple_empty(dentry))
		return -ENOTEMPTY;
	dentry->d_inode->i_nlink = 1;
	dir->i_nlink--;
	return ramfs_unlink(dir, dentry);
}

static int ramfs_exchange(struct inode *old_dir, struct dentry *old, struct inode *new_dir, struct dentry *new)
{
	bool a = S_ISDIR(old->d_inode->i_mode), b = S_ISDIR(new->d_inode->i_mode);

	if (old_dir != new_dir && a != b) {
		old_dir->i_nlink += b ? 1U : -1U;
		new_dir->i_nlink += a ? 1U : -1U;
	}
	dir_changed(old_dir, 0);
	dir_changed(new_dir, 0);
	old->d_inode->i_ctime_ns = new->d_inode->i_ctime_ns = old_dir->i_ctime_ns;
	return 0;
}

static int ramfs_rename(struct inode *old_dir, struct dentry *old, struct inode *new_dir, struct dentry *new,
			unsigned int flags)
{
	struct inode *target = new->d_inode;
	bool isdir = S_ISDIR(old->d_inode->i_mode);

	if (flags & 2 /* RENAME_EXCHANGE */)
		return ramfs_exchange(old_dir, old, new_dir, new);
	if (target && isdir && !simple_empty(new))
		return -ENOTEMPTY;
	if (target) {
		target->i_nlink = isdir ? 0 : target->i_nlink - 1;
		target->i_ctime_ns = ktime_get_real_ns();
		dir_changed(new_dir, -1);
		if (isdir)
			new_dir->i_nlink--;
		dput(new);
	}
	if (isdir && old_dir != new_dir) {
		old_dir->i_nlink--;
		new_dir->i_nlink++;
	}
	dir_changed(old_dir, -1);
	dir_changed(new_dir, 1);
	old->d_inode->i_ctime_ns = old_dir->i_ctime_ns;
	return 0;
}

static int ramfs_setattr(struct inode *inode, const struct iattr *attr)
{
	if (attr->ia_valid & ATTR_SIZE) {
		loff_t size = attr->ia_size, old = inode->i_size;

		if ((size < old && (inode->i_seals & F_SEAL_SHRINK)) || (size > old && (inode->i_seals & F_SEAL_GROW)))
			return -EPERM;
		WRITE_ONCE(inode->i_size, size);
		if (size < old)
			truncate_pages(&inode->i_data, size);
		inode->i_mtime_ns = ktime_get_real_ns();
	}
	return setattr_copy(inode, attr);
}

static void ramfs_evict_inode(struct inode *inode)
{
	if (S_ISLNK(inode->i_mode))
		kfree(inode->i_private);
}

static int ramfs_statfs(struct super_block *sb, struct kstatfs *st)
{
	u64 max = sb->s_max_pages ? (u64)sb->s_max_pages : totalram_pages() / 2;
	u64 used = (u64)atomic_long_read(&sb->s_pages);

	st->f_blocks = max;
	st->f_bfree = min(max > used ? max - used : 0, nr_free_pages());
	st->f_bavail = st->f_bfree;
	st->f_files = totalram_pages() / 2;
	st->f_ffree = st->f_files - min_t(u64, st->f_files, (u64)atomic64_read(&sb->s_next_ino));
	return 0;
}

static long ramfs_fallocate(struct file *file, int mode, loff_t off, loff_t len)
{
	struct inode *inode = file->f_inode;
	long err = 0;

	mutex_lock(&inode->i_rwsem);
	if (inode->i_seals & F_SEAL_WRITE) {
		err = -EPERM;
		goto out;
	}
	if (mode & FALLOC_FL_PUNCH_HOLE) {
		punch_pages(&inode->i_data, off, len);
		goto out;
	}
	if (!(mode & FALLOC_FL_KEEP_SIZE) && off + len > inode->i_size && (inode->i_seals & F_SEAL_GROW)) {
		err = -EPERM;
		goto out;
	}
	for (u64 i = (u64)off >> PAGE_SHIFT; i <= ((u64)(off + len) - 1) >> PAGE_SHIFT; i++) {
		struct page *page = filemap_get_page(&inode->i_data, i, true);

		if (IS_ERR(page)) {
			err = PTR_ERR(page);
			goto out;
		}
		put_page(page);
	}
	if (!(mode & FALLOC_FL_KEEP_SIZE) && off + len > inode->i_size)
		WRITE_ONCE(inode->i_size, off + len);
out:
	inode->i_mtime_ns = inode->i_ctime_ns = ktime_get_real_ns();
	mutex_unlock(&inode->i_rwsem);
	return err;
}

static int noop_fsync(__unused struct file *file, __unused int datasync)
{
	return 0;
}

static ssize_t dir_read_iter(__unused struct kiocb *iocb, __unused struct iov_iter *to)
{
	return -EISDIR;
}

static const struct super_operations ramfs_sops = { .evict_inode = ramfs_evict_inode, .statfs = ramfs_statfs };

/* "64m", "50%", "1048576": bytes, or a part of memory. Return: pages, 0 for none. */
static long parse_size(const char *s)
{
	u64 v = 0;

	while (*s >= '0' && *s <= '9')
		v = v * 10 + (u64)(*s++ - '0');
	switch (*s | 0x20) {
	case 'g':
		v <<= 10;
		fallthrough;
	case 'm':
		v <<= 10;
		fallthrough;
	case 'k':
		v <<= 10;
		break;
	case '%' | 0x20:
		return (long)(totalram_pages() * v / 100);
	}
	return (long)DIV_ROUND_UP(v, PAGE_SIZE);
}

/* "size=..,mode=.." of a tmpfs. Return: 0 or -EINVAL for what it does not know. */
static int parse_options(struct super_block *sb, char *data, umode_t *mode)
{
	while (data && *data) {
		char *next = strchr(data, ',');
		u64 v;

		if (next)
			*next++ = '\0';
		if (!strncmp(data, "size=", 5)) {
			sb->s_max_pages = parse_size(data + 5);
		} else if (!strncmp(data, "mode=", 5)) {
			if (kstrtou64(data + 5, 8, &v))
				return -EINVAL;
			*mode = (umode_t)v & S_IALLUGO;
		} else if (*data) {
			return -EINVAL;
		}
		data = next;
	}
	return 0;
}

static struct super_block *ramfs_mount(struct file_system_type *t, __unused const char *dev, char *data)
{
	bool tmpfs = !strcmp(t->name, "tmpfs");
	struct super_block *sb = alloc_super(t->name, tmpfs ? TMPFS_MAGIC : RAMFS_MAGIC, &ramfs_sops);
	umode_t mode = tmpfs ? 01777 : 0755;

	if (!sb)
		return ERR_PTR(-ENOMEM);
	if (tmpfs)
		sb->s_max_pages = (long)(totalram_pages() / 2);
	int err = parse_options(sb, data, &mode);

	if (!err)
		sb->s_root = d_make_root(sb, ramfs_inode(sb, NULL, S_IFDIR | mode, 0));
	if (sb->s_root)
		return sb;
	kfree(sb);
	return ERR_PTR(err ? err : -ENOMEM);
}

static const struct inode_operations ramfs_dir_iops = {
	.create = ramfs_create,
	.link = ramfs_link,
	.unlink = ramfs_unlink,
	.symlink = ramfs_symlink,
	.mkdir = ramfs_mkdir,
	.rmdir = ramfs_rmdir,
	.mknod = ramfs_mknod,
	.tmpfile = ramfs_tmpfile,
	.rename = ramfs_rename,
	.setattr = ramfs_setattr,
};
static const struct inode_operations ramfs_file_iops = { .setattr = ramfs_setattr };
static const struct inode_operations ramfs_link_iops = { .readlink = ramfs_readlink, .setattr = ramfs_setattr };

static const struct file_operations ramfs_dir_fops = {
	.llseek = dcache_dir_lseek,
	.read_iter = dir_read_iter,
	.iterate_shared = dcache_readdir,
	.fsync = noop_fsync,
};
static const struct file_operations ramfs_file_fops = {
	.llseek = generic_file_llseek,
	.read_iter = generic_file_read_iter,
	.write_iter = generic_file_write_iter,
	.mmap = generic_file_mmap,
	.fsync = noop_fsync,
	.fallocate = ramfs_fallocate,
};

static struct file_system_type ramfs_type = { .name = "ramfs", .mount = ramfs_mount };
static struct file_system_type tmpfs_type = { .name = "tmpfs", .mount = ramfs_mount };

/* The device nodes' file system shares all this; see fs/devfs. */
struct super_block *ramfs_new_super(const char *name, u64 magic)
{
	struct super_block *sb = alloc_super(name, magic, &ramfs_sops);

	if (!sb)
		return NULL;
	sb->s_root = d_make_root(sb, ramfs_inode(sb, NULL, S_IFDIR | 0755, 0));
	if (sb->s_root)
		return sb;
	kfree(sb);
	return NULL;
}

void ramfs_init(void)
{
	register_filesystem(&ramfs_type);
	register_filesystem(&tmpfs_type);
	int err = vfs_mount("ramfs", "rootfs", "/", 0);

	ASSERT(!err);
	shmem_init();
}

/*
 * fs/namespace.c - mounts: which file system begins at which directory.
 *
 * Linux:   fs/namespace.c, fs/super.c, fs/filesystems.c (6.1)
 * Same:    mount(2), umount2(2); a mount covers a directory until it is taken away, the last one on top; a mount
 *          in use is busy unless it is detached.
 * Differs: 1. one namespace for all processes. 2. a dentry can be covered in one place only, since every file
 *             system instance is mounted once at a time or shown as the same tree. 3. no bind mounts, no moves, no
 *             propagation: -EINVAL.
 * Locks:   DCACHE for the tree of mounts, TASK_MTX for the making of one.
 * Walk:    start_kernel() -> vfs_init(), ramfs_init() -> vfs_mount().
 */
#include "fs/internal.h"
#include "fs/procfs.h"
#include "kernel/process.h"
#include "kernel/slab.h"
#include "kernel/string.h"
#include "kernel/syscall.h"
#include "kernel/uaccess.h"

struct vfsmount *root_mnt;

static DEFINE_MUTEX(mount_mutex, LC_TASK_MTX);
static LIST_HEAD(mounts);			/* DCACHE */
static struct file_system_type *file_systems;	/* written at boot */
static atomic_t next_minor = ATOMIC_INIT(2);

void register_filesystem(struct file_system_type *t)
{
	t->next = file_systems;
	file_systems = t;
}

static struct file_system_type *find_filesystem(const char *name)
{
	struct file_system_type *t = file_systems;

	while (t && strcmp(t->name, name))
		t = t->next;
	return t;
}

struct super_block *alloc_super(const char *type, u64 magic, const struct super_operations *op)
{
	struct super_block *sb = kzalloc(sizeof(*sb), GFP_KERNEL);

	if (!sb)
		return NULL;
	sb->s_op = op;
	sb->s_type = type;
	sb->s_magic = magic;
	sb->s_dev = MKDEV(0U, (unsigned int)atomic_inc_return(&next_minor));
	return sb;
}

/* The last mount of it is gone, and with it the last way to reach it. */
static void kill_super(struct super_block *sb)
{
	spin_lock(&dcache_lock);
	bool last = --sb->s_active == 0;

	spin_unlock(&dcache_lock);
	if (!last)
		return;
	d_genocide(sb->s_root);
	kfree(sb->s_fs_info);
	kfree(sb);
}

void mnt_put(struct vfsmount *mnt)
{
	if (!refcount_dec_and_test(&mnt->mnt_count))
		return;
	dput(mnt->mnt_root);
	kill_super(mnt->mnt_sb);
	kfree(mnt);
}

/* Put a new mount of @sb on @where (NULL: the root of all). The tree of mounts holds one reference. */
static int attach_mount(struct super_block *sb, const char *devname, const struct path *where, unsigned int flags)
{
	struct vfsmount *mnt = kzalloc(sizeof(*mnt), GFP_KERNEL);
	int err = 0;

	if (!mnt)
		return -ENOMEM;
	mnt->mnt_sb = sb;
	mnt->mnt_root = dget(sb->s_root);
	strscpy(mnt->mnt_devname, devname, sizeof(mnt->mnt_devname));
	mnt->mnt_flags = flags & (MS_RDONLY | MS_NOSUID | MS_NODEV | MS_NOEXEC | MS_NOATIME | MS_NOSYMFOLLOW);
	refcount_set(&mnt->mnt_count, 1);
	spin_lock(&dcache_lock);
	if (where && where->dentry->d_unlinked) {
		err = -ENOENT;
	} else if (where && where->dentry == where->mnt->mnt_root && where->mnt->mnt_sb == sb) {
		err = -EBUSY;	/* the same thing twice in the same place */
	} else {
		sb->s_active++;
		list_add_tail(&mnt->mnt_list, &mounts);
		if (where) {
			mnt->mnt_parent = *where;
			path_get(where);
			where->dentry->d_mounted = mnt;
		}
	}
	spin_unlock(&dcache_lock);
	if (err) {
		dput(mnt->mnt_root);
		kfree(mnt);
	} else if (!where) {
		root_mnt = mnt;
	}
	return err;
}

static int do_mount_at(const char *fstype, const char *devname, const struct path *where, unsigned int flags,
		       char *data)
{
	struct file_system_type *t = find_filesystem(fstype);

	if (!t)
		return -ENODEV;
	mutex_lock(&mount_mutex);
	struct super_block *sb = t->mount(t, devname, data);
	int err = IS_ERR(sb) ? (int)PTR_ERR(sb) : attach_mount(sb, devname, where, flags);

	mutex_unlock(&mount_mutex);
	if (err && !IS_ERR(sb)) {
		spin_lock(&dcache_lock);
		sb->s_active++;		/* a fresh one has no mount yet: give it one to lose */
		spin_unlock(&dcache_lock);
		kill_super(sb);
	}
	return err;
}

int vfs_mount(const char *fstype, const char *devname, const char *where, unsigned int flags)
{
	struct path path;

	if (!root_mnt)
		return do_mount_at(fstype, devname, NULL, flags, NULL);
	int err = kern_path(where, LOOKUP_FOLLOW | LOOKUP_DIRECTORY, &path);

	if (err)
		return err;
	err = do_mount_at(fstype, devname, &path, flags, NULL);
	path_put(&path);
	return err;
}

static bool has_submounts(const struct vfsmount *mnt)
{
	const struct vfsmount *m;

	list_for_each_entry(m, &mounts, mnt_list) {
		if (m->mnt_parent.mnt == mnt)
			return true;
	}
	return false;
}

enum { MNT_FORCE = 1, MNT_DETACH = 2, MNT_EXPIRE = 4, UMOUNT_NOFOLLOW = 8 };

/* Take a mount off the tree. @refs: how many references are the caller's. Takes: one of them. */
static int detach_mount(struct vfsmount *mnt, int refs, bool lazy)
{
	int err = 0;

	spin_lock(&dcache_lock);
	if (!mnt->mnt_parent.mnt)
		err = mnt == root_mnt ? -EBUSY : -EINVAL;
	else if (!lazy && (has_submounts(mnt) || refcount_read(&mnt->mnt_count) > 1 + refs))
		err = -EBUSY;
	struct path parent = mnt->mnt_parent;

	if (!err) {
		list_del(&mnt->mnt_list);
		/* what lies on top of a detached mount goes with it: it cannot be reached any more */
		if (parent.dentry->d_mounted == mnt)
			parent.dentry->d_mounted = NULL;
		mnt->mnt_parent = (struct path){ NULL, NULL };
	}
	spin_unlock(&dcache_lock);
	if (!err) {
		path_put(&parent);
		mnt_put(mnt);
	}
	return err;
}

static int do_umount(const char *name, int flags)
{
	struct path path;
	int err = filename_lookup(AT_FDCWD, name, flags & UMOUNT_NOFOLLOW ? 0 : LOOKUP_FOLLOW, &path);

	if (err)
		return err;
	if (path.dentry != path.mnt->mnt_root)
		err = -EINVAL;
	else if (!capable_root())
		err = -EPERM;
	else
		err = detach_mount(path.mnt, 1, flags & MNT_DETACH);
	path_put(&path);
	return err;
}

SYSCALL_DEFINE2(umount2, uptr, name, int, flags)
{
	struct filename fn;

	if (flags & ~(MNT_FORCE | MNT_DETACH | MNT_EXPIRE | UMOUNT_NOFOLLOW))
		return -EINVAL;
	if (flags & MNT_EXPIRE)
		return -EINVAL;
	int err = getname_flags(&fn, name, 0);

	if (err)
		return err;
	err = do_umount(fn.name, flags);
	putname_fn(&fn);
	return err;
}

static int do_remount(const struct path *path, unsigned int flags)
{
	unsigned int keep = MS_RDONLY | MS_NOSUID | MS_NODEV | MS_NOEXEC | MS_NOATIME | MS_NOSYMFOLLOW;

	if (path->dentry != path->mnt->mnt_root)
		return -EINVAL;
	path->mnt->mnt_flags = flags & keep;
	return 0;
}

static int do_mount(const char *dev, const char *dir, const char *type, unsigned int flags, char *data)
{
	struct path path;
	int err = filename_lookup(AT_FDCWD, dir, LOOKUP_FOLLOW, &path);

	if (err)
		return err;
	if (!capable_root())
		err = -EPERM;
	else if (flags & MS_REMOUNT)
		err = do_remount(&path, flags);
	else if (flags & (MS_PRIVATE | MS_SLAVE | MS_SHARED | MS_UNBINDABLE | MS_BIND | MS_MOVE))
		err = -EINVAL;
	else if (!S_ISDIR(path.dentry->d_inode->i_mode))
		err = -ENOTDIR;
	else if (!type)
		err = -EINVAL;
	else
		err = do_mount_at(type, dev ? dev : "none", &path, flags, data);
	path_put(&path);
	return err;
}

/* A text of the user that may be missing. Return: its copy, NULL if @u is, or ERR_PTR. */
static char *copy_mount_string(uptr u)
{
	if (uptr_is_null(u))
		return NULL;
	char *s = __getname();

	if (!s)
		return ERR_PTR(-ENOMEM);
	ssize_t len = strncpy_from_user(s, u, PATH_MAX);

	if (len >= 0 && len < PATH_MAX)
		return s;
	__putname(s);
	return ERR_PTR(len < 0 ? len : -EINVAL);
}

static void free_mount_string(char *s)
{
	if (!IS_ERR_OR_NULL(s))
		__putname(s);
}

SYSCALL_DEFINE5(mount, uptr, dev, uptr, dir, uptr, type, unsigned long, flags, uptr, data)
{
	char *s[4] = { copy_mount_string(type), copy_mount_string(dev), copy_mount_string(data), getname(dir) };
	int err = 0;

	for (int i = 0; i < 4 && !err; i++) {
		if (IS_ERR(s[i]))
			err = (int)PTR_ERR(s[i]);
	}
	if ((flags & 0xffff0000) == 0xC0ED0000)	/* the magic of mount(2) before Linux 2.4 */
		flags &= 0xffff;
	if (!err)
		err = do_mount(s[1], s[3], s[0], (unsigned int)flags, s[2]);
	for (int i = 0; i < 4; i++)
		free_mount_string(s[i]);
	return err;
}

static void show_flags(struct seq_file *m, unsigned int flags)
{
	seq_puts(m, flags & MS_RDONLY ? "ro" : "rw");
	if (flags & MS_NOSUID)
		seq_puts(m, ",nosuid");
	if (flags & MS_NODEV)
		seq_puts(m, ",nodev");
	if (flags & MS_NOEXEC)
		seq_puts(m, ",noexec");
	seq_puts(m, flags & MS_NOATIME ? ",noatime" : ",relatime");
}

void show_mounts(struct seq_file *m)
{
	char *buf = __getname();
	struct vfsmount *mnt;

	if (!buf)
		return;
	spin_lock(&dcache_lock);
	list_for_each_entry(mnt, &mounts, mnt_list) {
		struct path path = { mnt, mnt->mnt_root };
		char *where = d_path_locked(&path, NULL, buf, PATH_MAX);

		if (IS_ERR(where))
			continue;
		seq_printf(m, "%s %s %s ", mnt->mnt_devname, where, mnt->mnt_sb->s_type);
		show_flags(m, mnt->mnt_flags);
		seq_puts(m, " 0 0\n");
	}
	spin_unlock(&dcache_lock);
	__putname(buf);
}

void show_filesystems(struct seq_file *m)
{
	for (struct file_system_type *t = file_systems; t; t = t->next)
		seq_printf(m, "nodev\t%s\n", t->name);
}

void vfs_init(void)
{
	dcache_init();
	inode_init();
	namei_init();
	files_init();
	filemap_init();
	filelock_init();
}

/*
 * fs/namei_dir.c - system calls that change directories: mkdir, mknod, link, symlink, unlink, rmdir, rename.
 *
 * Linux:   fs/namei.c (6.1)
 * Same:    the order of checks; sticky directories; rename's NOREPLACE and EXCHANGE; the parent is locked before
 *          the child, two parents under RENAME_MTX, ancestor first.
 * Differs: 1. no WHITEOUT. 2. sysctl protected_hardlinks is off, as in the kernel's own default.
 * Locks:   RENAME_MTX, INODE_MTX (depth 0 and 1 parents, 2 and 3 children), DCACHE.
 * Walk:    renameat2() -> filename_parentat() -> vfs_rename() -> i_op->rename() -> d_move().
 */
#include "fs/internal.h"
#include "fs/notify.h"
#include "kernel/string.h"
#include "kernel/syscall.h"
#include "kernel/time.h"

static DEFINE_MUTEX(rename_mutex, LC_RENAME_MTX);

enum { RENAME_NOREPLACE = 1, RENAME_EXCHANGE = 2, RENAME_WHITEOUT = 4 };

/* In a sticky directory only the owner of the entry or of the directory may take an entry away. */
static bool check_sticky(const struct inode *dir, const struct inode *inode)
{
	uid_t fsuid = current->cred.fsuid;

	return (dir->i_mode & S_ISVTX) && fsuid != 0 && inode->i_uid != fsuid && dir->i_uid != fsuid;
}

int may_delete(struct inode *dir, struct dentry *victim, bool isdir)
{
	struct inode *inode = victim->d_inode;
	int err = inode_permission(dir, MAY_WRITE | MAY_EXEC);

	if (err)
		return err;
	if (check_sticky(dir, inode))
		return -EPERM;
	if (isdir && !S_ISDIR(inode->i_mode))
		return -ENOTDIR;
	if (isdir && (victim->d_parent == victim || victim == victim->d_sb->s_root))
		return -EBUSY;
	if (!isdir && S_ISDIR(inode->i_mode))
		return -EISDIR;
	return 0;
}

struct dentry *filename_create(int dfd, const char *name, struct path *parent, bool is_dir)
{
	struct last_name last;
	int err = filename_parentat(dfd, name, parent, &last);

	if (err)
		return ERR_PTR(err);
	if (last.type != LAST_NORM) {
		path_put(parent);
		return ERR_PTR(-EEXIST);
	}
	mutex_lock(&parent->dentry->d_inode->i_rwsem);
	struct dentry *d = lookup_one(parent->dentry, last.name, last.len);

	if (IS_ERR(d)) {
		err = (int)PTR_ERR(d);
		goto out_unlock;
	}
	if (d->d_inode)
		err = -EEXIST;
	else if (last.trailing && !is_dir)
		err = -ENOENT;	/* "name/" of nothing can only become a directory */
	else
		err = mnt_want_write(parent->mnt);
	if (!err)
		return d;
	dput(d);
out_unlock:
	mutex_unlock(&parent->dentry->d_inode->i_rwsem);
	path_put(parent);
	return ERR_PTR(err);
}

void done_path_create(struct path *parent, struct dentry *dentry)
{
	mutex_unlock(&parent->dentry->d_inode->i_rwsem);
	dput(dentry);
	path_put(parent);
}

static umode_t apply_umask(umode_t mode)
{
	return mode & ~(current->fs ? current->fs->umask : 0);
}

static int vfs_mknod(struct dentry *dir, struct dentry *d, umode_t mode, dev_t dev)
{
	struct inode *inode = dir->d_inode;
	int err = may_create(dir);

	if (err)
		return err;
	if ((S_ISCHR(mode) || S_ISBLK(mode)) && current->cred.fsuid != 0)
		return -EPERM;
	if (S_ISREG(mode))
		err = inode->i_op->create ? inode->i_op->create(inode, d, mode) : -EACCES;
	else
		err = inode->i_op->mknod ? inode->i_op->mknod(inode, d, mode, dev) : -EPERM;
	if (!err)
		fsnotify_dir(inode, d->d_name, IN_CREATE, 0);
	return err;
}

static int do_mknodat(int dfd, const char *name, umode_t mode, dev_t dev)
{
	struct path parent;

	if ((mode & S_IFMT) == 0)
		mode |= S_IFREG;
	if (S_ISDIR(mode))
		return -EPERM;
	if (!S_ISREG(mode) && !S_ISCHR(mode) && !S_ISBLK(mode) && !S_ISFIFO(mode) && !S_ISSOCK(mode))
		return -EINVAL;
	struct dentry *d = filename_create(dfd, name, &parent, false);

	if (IS_ERR(d))
		return (int)PTR_ERR(d);
	int err = vfs_mknod(parent.dentry, d, apply_umask(mode), dev);

	done_path_create(&parent, d);
	return err;
}

int kern_mknod(const char *name, umode_t mode, dev_t rdev, struct path *path)
{
	struct path parent;
	struct dentry *d = filename_create(AT_FDCWD, name, &parent, false);

	if (IS_ERR(d))
		return (int)PTR_ERR(d);
	int err = vfs_mknod(parent.dentry, d, apply_umask(mode), rdev);

	if (!err) {
		*path = (struct path){ parent.mnt, d };
		path_get(path);
	}
	done_path_create(&parent, d);
	return err;
}

static int vfs_mkdir(struct inode *dir, struct dentry *d, umode_t mode)
{
	if (!dir->i_op->mkdir)
		return -EPERM;
	int err = dir->i_op->mkdir(dir, d, mode);

	if (!err)
		fsnotify_dir(dir, d->d_name, IN_CREATE | IN_ISDIR, 0);
	return err;
}

int do_mkdirat(int dfd, const char *name, umode_t mode)
{
	struct path parent;
	struct dentry *d = filename_create(dfd, name, &parent, true);

	if (IS_ERR(d))
		return (int)PTR_ERR(d);
	struct inode *dir = parent.dentry->d_inode;
	int err = may_create(parent.dentry);

	if (!err)
		err = vfs_mkdir(dir, d, apply_umask(mode & (S_IRWXUGO | S_ISVTX)) | S_IFDIR);
	done_path_create(&parent, d);
	return err;
}

int do_symlinkat(const char *target, int dfd, const char *name)
{
	struct path parent;
	struct dentry *d = filename_create(dfd, name, &parent, false);

	if (IS_ERR(d))
		return (int)PTR_ERR(d);
	struct inode *dir = parent.dentry->d_inode;
	int err = may_create(parent.dentry);

	if (!err)
		err = dir->i_op->symlink ? dir->i_op->symlink(dir, d, target) : -EPERM;
	if (!err)
		fsnotify_dir(dir, d->d_name, IN_CREATE, 0);
	done_path_create(&parent, d);
	return err;
}

static int vfs_link(struct path *old, struct path *parent, struct dentry *d)
{
	struct inode *inode = old->dentry->d_inode, *dir = parent->dentry->d_inode;
	int err = may_create(parent->dentry);

	if (err)
		return err;
	if (!dir->i_op->link)
		return -EPERM;
	if (S_ISDIR(inode->i_mode))
		return -EPERM;
	mutex_lock_nested(&inode->i_rwsem, 2);
	/* A file whose last name is gone stays nameless; one made by O_TMPFILE never had one. */
	if (inode->i_nlink == 0 && old->dentry->d_len)
		err = -ENOENT;
	else
		err = dir->i_op->link(old->dentry, dir, d);
	mutex_unlock(&inode->i_rwsem);
	if (!err) {
		fsnotify_inode(inode, IN_ATTRIB);	/* its link count */
		fsnotify_dir(dir, d->d_name, IN_CREATE, 0);
	}
	return err;
}

static int do_linkat(struct path *old, int dfd, const char *name)
{
	struct path parent;
	struct dentry *d = filename_create(dfd, name, &parent, false);

	if (IS_ERR(d))
		return (int)PTR_ERR(d);
	int err = old->mnt != parent.mnt ? -EXDEV : vfs_link(old, &parent, d);

	done_path_create(&parent, d);
	return err;
}

int kern_link(struct path *old, const char *name)
{
	return do_linkat(old, AT_FDCWD, name);
}

/* The parent of an unlink or rmdir, locked, and the positive dentry to take away. */
static struct dentry *lookup_victim(const struct path *parent, const struct last_name *last)
{
	struct dentry *d = lookup_one(parent->dentry, last->name, last->len);

	if (!IS_ERR(d) && !d->d_inode) {
		dput(d);
		return ERR_PTR(-ENOENT);
	}
	return d;
}

static int vfs_unlink(struct inode *dir, struct dentry *d)
{
	struct inode *inode = d->d_inode;
	int err = may_delete(dir, d, false);

	if (err)
		return err;
	if (!dir->i_op->unlink)
		return -EPERM;
	mutex_lock_nested(&inode->i_rwsem, 2);
	err = d->d_mounted ? -EBUSY : dir->i_op->unlink(dir, d);
	if (!err)
		d_delete(d);
	mutex_unlock(&inode->i_rwsem);
	if (!err) {
		fsnotify_inode(inode, IN_ATTRIB);
		fsnotify_dir(dir, d->d_name, IN_DELETE, 0);
	}
	return err;
}

int do_unlinkat(int dfd, const char *name)
{
	struct path parent;
	struct last_name last;
	int err = filename_parentat(dfd, name, &parent, &last);

	if (err)
		return err;
	err = -EISDIR;
	if (last.type != LAST_NORM)
		goto out_put;
	struct inode *dir = parent.dentry->d_inode;

	mutex_lock(&dir->i_rwsem);
	struct dentry *d = lookup_victim(&parent, &last);

	if (IS_ERR(d)) {
		err = (int)PTR_ERR(d);
	} else {
		if (last.trailing)
			err = S_ISDIR(d->d_inode->i_mode) ? -EISDIR : -ENOTDIR;
		else
			err = mnt_want_write(parent.mnt);
		if (!err)
			err = vfs_unlink(dir, d);
	}
	mutex_unlock(&dir->i_rwsem);
	if (!IS_ERR(d))
		dput(d);
out_put:
	path_put(&parent);
	return err;
}

static int vfs_rmdir(struct inode *dir, struct dentry *d)
{
	int err = may_delete(dir, d, true);

	if (err)
		return err;
	if (!dir->i_op->rmdir)
		return -EPERM;
	mutex_lock_nested(&d->d_inode->i_rwsem, 2);
	err = d->d_mounted ? -EBUSY : dir->i_op->rmdir(dir, d);
	if (!err)
		d_delete(d);
	mutex_unlock(&d->d_inode->i_rwsem);
	if (!err)
		fsnotify_dir(dir, d->d_name, IN_DELETE | IN_ISDIR, 0);
	return err;
}

int do_rmdir(int dfd, const char *name)
{
	struct path parent;
	struct last_name last;
	int err = filename_parentat(dfd, name, &parent, &last);

	if (err)
		return err;
	switch (last.type) {
	case LAST_DOTDOT:
		err = -ENOTEMPTY;
		goto out_put;
	case LAST_DOT:
		err = -EINVAL;
		goto out_put;
	case LAST_ROOT:
		err = -EBUSY;
		goto out_put;
	case LAST_NORM:
		break;
	}
	struct inode *dir = parent.dentry->d_inode;

	mutex_lock(&dir->i_rwsem);
	struct dentry *d = lookup_victim(&parent, &last);

	if (IS_ERR(d)) {
		err = (int)PTR_ERR(d);
	} else {
		err = mnt_want_write(parent.mnt);
		if (!err)
			err = vfs_rmdir(dir, d);
	}
	mutex_unlock(&dir->i_rwsem);
	if (!IS_ERR(d))
		dput(d);
out_put:
	path_put(&parent);
	return err;
}

/* Lock both parents of a rename, an ancestor before what is below it. */
static void lock_rename(struct dentry *a, struct dentry *b)
{
	if (a == b) {
		mutex_lock(&a->d_inode->i_rwsem);
		return;
	}
	mutex_lock(&rename_mutex);
	if (d_is_ancestor(b, a) || (!d_is_ancestor(a, b) && b < a))
		swap(a, b);
	mutex_lock(&a->d_inode->i_rwsem);
	mutex_lock_nested(&b->d_inode->i_rwsem, 1);
}

static void unlock_rename(struct dentry *a, struct dentry *b)
{
	mutex_unlock(&a->d_inode->i_rwsem);
	if (a == b)
		return;
	mutex_unlock(&b->d_inode->i_rwsem);
	mutex_unlock(&rename_mutex);
}

/* A rename under way; old and new are references once both parents are locked. */
struct rename {
	struct path old_parent, new_parent;
	struct last_name old_last, new_last;
	struct dentry *old, *new;
	unsigned int flags;
};

static int may_rename(const struct rename *r)
{
	bool isdir = S_ISDIR(r->old->d_inode->i_mode);
	struct inode *old_dir = r->old_parent.dentry->d_inode, *new_dir = r->new_parent.dentry->d_inode;
	int err = may_delete(old_dir, r->old, isdir);

	if (err)
		return err;
	if (!r->new->d_inode)
		err = may_create(r->new_parent.dentry);
	else if (r->flags & RENAME_EXCHANGE)
		err = may_delete(new_dir, r->new, S_ISDIR(r->new->d_inode->i_mode));
	else
		err = may_delete(new_dir, r->new, isdir);
	if (err)
		return err;
	if (!old_dir->i_op->rename)
		return -EPERM;
	/* A directory that moves gets a new "..": it must be writable. */
	if (old_dir != new_dir && isdir)
		return inode_permission(r->old->d_inode, MAY_WRITE);
	return 0;
}

/* The names before the move; the dentries bear the new ones by now. */
static void notify_rename(const struct rename *r, const char *old_name)
{
	static atomic_t last_cookie;
	struct inode *inode = r->old->d_inode;
	u32 isdir = S_ISDIR(inode->i_mode) ? IN_ISDIR : 0, cookie = (u32)atomic_inc_return(&last_cookie);

	fsnotify_dir(r->old_parent.dentry->d_inode, old_name, IN_MOVED_FROM | isdir, cookie);
	fsnotify_dir(r->new_parent.dentry->d_inode, r->old->d_name, IN_MOVED_TO | isdir, cookie);
	fsnotify_inode(inode, IN_MOVE_SELF);
	if (r->new->d_inode && !(r->flags & RENAME_EXCHANGE))
		fsnotify_inode(r->new->d_inode, IN_ATTRIB);
}

static int vfs_rename(struct rename *r)
{
	struct inode *old_dir = r->old_parent.dentry->d_inode, *target = r->new->d_inode;

	if (r->old->d_inode == target)
		return 0;	/* two names of one file */
	int err = may_rename(r);

	if (err)
		return err;
	if (target)
		mutex_lock_nested(&target->i_rwsem, 2);
	if (r->old->d_mounted || r->new->d_mounted)
		err = -EBUSY;
	else
		err = old_dir->i_op->rename(old_dir, r->old, r->new_parent.dentry->d_inode, r->new, r->flags);
	if (!err && (r->flags & RENAME_EXCHANGE))
		d_exchange(r->old, r->new);
	else if (!err)
		d_move(r->old, r->new);
	if (target)
		mutex_unlock(&target->i_rwsem);
	/* old and new have swapped their names, so new bears the old one; the parents are locked still */
	if (!err)
		notify_rename(r, r->new->d_name);
	return err;
}

/* Linux's checks between the lookups and vfs_rename(), in its order. Both parents are locked. */
static int check_rename(const struct rename *r)
{
	bool old_is_dir = S_ISDIR(r->old->d_inode->i_mode);

	if ((r->flags & RENAME_NOREPLACE) && r->new->d_inode)
		return -EEXIST;
	if ((r->flags & RENAME_EXCHANGE) && !r->new->d_inode)
		return -ENOENT;
	if ((r->flags & RENAME_EXCHANGE) && !S_ISDIR(r->new->d_inode->i_mode) && r->new_last.trailing)
		return -ENOTDIR;
	if (!old_is_dir) {
		if (r->old_last.trailing)
			return -ENOTDIR;
		if (!(r->flags & RENAME_EXCHANGE) && r->new_last.trailing)
			return -ENOTDIR;
	}
	if (d_is_ancestor(r->old, r->new_parent.dentry))
		return -EINVAL;
	if (r->new->d_inode && d_is_ancestor(r->new, r->old_parent.dentry))
		return r->flags & RENAME_EXCHANGE ? -EINVAL : -ENOTEMPTY;
	return 0;
}

static int rename_locked(struct rename *r)
{
	int err;

	r->old = lookup_victim(&r->old_parent, &r->old_last);
	if (IS_ERR(r->old))
		return (int)PTR_ERR(r->old);
	r->new = lookup_one(r->new_parent.dentry, r->new_last.name, r->new_last.len);
	if (IS_ERR(r->new)) {
		err = (int)PTR_ERR(r->new);
		dput(r->old);
		return err;
	}
	err = check_rename(r);
	return err ? err : vfs_rename(r);
}

static int do_renameat2(int olddfd, const char *from, int newdfd, const char *to, unsigned int flags)
{
	struct rename r = { .flags = flags };
	int err = filename_parentat(olddfd, from, &r.old_parent, &r.old_last);

	if (err)
		return err;
	err = filename_parentat(newdfd, to, &r.new_parent, &r.new_last);
	if (err)
		goto out_old;
	err = -EXDEV;
	if (r.old_parent.mnt != r.new_parent.mnt)
		goto out_new;
	err = -EBUSY;
	if (r.old_last.type != LAST_NORM)
		goto out_new;
	if (flags & RENAME_NOREPLACE)
		err = -EEXIST;
	if (r.new_last.type != LAST_NORM)
		goto out_new;
	err = mnt_want_write(r.old_parent.mnt);
	if (err)
		goto out_new;
	lock_rename(r.old_parent.dentry, r.new_parent.dentry);
	err = rename_locked(&r);
	unlock_rename(r.old_parent.dentry, r.new_parent.dentry);
	if (!IS_ERR_OR_NULL(r.old) && !IS_ERR_OR_NULL(r.new)) {
		dput(r.new);
		dput(r.old);
	}
out_new:
	path_put(&r.new_parent);
out_old:
	path_put(&r.old_parent);
	return err;
}

/* Copy the user's path and run @call with it: all calls here begin and end so. */
#define WITH_NAME(uname, call) ({ struct filename fn; int __err = getname_flags(&fn, uname, 0);	\
	if (!__err) { __err = (call); putname_fn(&fn); } __err; })

SYSCALL_DEFINE4(mknodat, int, dfd, uptr, name, umode_t, mode, unsigned int, dev)
{
	return WITH_NAME(name, do_mknodat(dfd, fn.name, mode, new_decode_dev(dev)));
}

SYSCALL_DEFINE3(mknod, uptr, name, umode_t, mode, unsigned int, dev)
{
	return WITH_NAME(name, do_mknodat(AT_FDCWD, fn.name, mode, new_decode_dev(dev)));
}

SYSCALL_DEFINE3(mkdirat, int, dfd, uptr, name, umode_t, mode)
{
	return WITH_NAME(name, do_mkdirat(dfd, fn.name, mode));
}

SYSCALL_DEFINE2(mkdir, uptr, name, umode_t, mode)
{
	return WITH_NAME(name, do_mkdirat(AT_FDCWD, fn.name, mode));
}

SYSCALL_DEFINE1(rmdir, uptr, name)
{
	return WITH_NAME(name, do_rmdir(AT_FDCWD, fn.name));
}

SYSCALL_DEFINE3(unlinkat, int, dfd, uptr, name, int, flag)
{
	if (flag & ~AT_REMOVEDIR)
		return -EINVAL;
	return WITH_NAME(name, flag & AT_REMOVEDIR ? do_rmdir(dfd, fn.name) : do_unlinkat(dfd, fn.name));
}

SYSCALL_DEFINE1(unlink, uptr, name)
{
	return WITH_NAME(name, do_unlinkat(AT_FDCWD, fn.name));
}

static int symlinkat_user(uptr target, int dfd, uptr name)
{
	struct filename t;
	int err = getname_flags(&t, target, 0);

	if (err)
		return err;
	err = WITH_NAME(name, do_symlinkat(t.name, dfd, fn.name));
	putname_fn(&t);
	return err;
}

SYSCALL_DEFINE3(symlinkat, uptr, target, int, dfd, uptr, name)
{
	return symlinkat_user(target, dfd, name);
}

SYSCALL_DEFINE2(symlink, uptr, target, uptr, name)
{
	return symlinkat_user(target, AT_FDCWD, name);
}

static int linkat_user(int olddfd, uptr oldname, int newdfd, uptr newname, int flags)
{
	unsigned int how = 0;
	struct path old;

	if (flags & ~(AT_SYMLINK_FOLLOW | AT_EMPTY_PATH))
		return -EINVAL;
	if (flags & AT_EMPTY_PATH) {
		if (current->cred.fsuid != 0)
			return -ENOENT;
		how |= LOOKUP_EMPTY;
	}
	if (flags & AT_SYMLINK_FOLLOW)
		how |= LOOKUP_FOLLOW;
	int err = user_path_at(olddfd, oldname, how, &old);

	if (err)
		return err;
	err = WITH_NAME(newname, do_linkat(&old, newdfd, fn.name));
	path_put(&old);
	return err;
}

SYSCALL_DEFINE5(linkat, int, olddfd, uptr, oldname, int, newdfd, uptr, newname, int, flags)
{
	return linkat_user(olddfd, oldname, newdfd, newname, flags);
}

SYSCALL_DEFINE2(link, uptr, oldname, uptr, newname)
{
	return linkat_user(AT_FDCWD, oldname, AT_FDCWD, newname, 0);
}

static int renameat2_user(int olddfd, uptr oldname, int newdfd, uptr newname, unsigned int flags)
{
	struct filename from;

	if (flags & ~(unsigned int)(RENAME_NOREPLACE | RENAME_EXCHANGE))
		return -EINVAL;
	if ((flags & RENAME_NOREPLACE) && (flags & RENAME_EXCHANGE))
		return -EINVAL;
	int err = getname_flags(&from, oldname, 0);

	if (err)
		return err;
	err = WITH_NAME(newname, do_renameat2(olddfd, from.name, newdfd, fn.name, flags));
	putname_fn(&from);
	return err;
}

SYSCALL_DEFINE5(renameat2, int, olddfd, uptr, oldname, int, newdfd, uptr, newname, unsigned int, flags)
{
	return renameat2_user(olddfd, oldname, newdfd, newname, flags);
}

SYSCALL_DEFINE4(renameat, int, olddfd, uptr, oldname, int, newdfd, uptr, newname)
{
	return renameat2_user(olddfd, oldname, newdfd, newname, 0);
}

SYSCALL_DEFINE2(rename, uptr, oldname, uptr, newname)
{
	return renameat2_user(AT_FDCWD, oldname, AT_FDCWD, newname, 0);
}

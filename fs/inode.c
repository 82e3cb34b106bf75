/*
 * fs/inode.c - the inode: what a name stands for, and its attributes.
 *
 * Linux:   fs/inode.c, fs/attr.c, fs/libfs.c (6.1)
 * Same:    new_inode(), iput() with evict_inode(); notify_change() checks who may change what; relatime.
 * Differs: 1. no inode cache of its own: dentries hold the inodes of file systems in memory.
 * Locks:   INODE_MTX for attributes; MAPPING_MTX below truncate_pages().
 * Walk:    fchmodat() -> notify_change() -> i_op->setattr().
 */
#include "fs/internal.h"
#include "fs/notify.h"
#include "kernel/slab.h"
#include "kernel/task.h"
#include "kernel/time.h"

static struct kmem_cache *inode_cachep;

void inode_init(void)
{
	inode_cachep = kmem_cache_create("inode", sizeof(struct inode), 64);
}

struct inode *new_inode(struct super_block *sb, umode_t mode)
{
	struct inode *inode = kmem_cache_zalloc(inode_cachep, GFP_KERNEL);

	if (!inode)
		return NULL;
	inode->i_sb = sb;
	inode->i_ino = (u64)atomic64_inc_return(&sb->s_next_ino);
	inode->i_mode = mode;
	inode->i_uid = current->cred.fsuid;
	inode->i_gid = current->cred.fsgid;
	inode->i_nlink = 1;
	mutex_init(&inode->i_rwsem, LC_INODE_MTX);
	INIT_LIST_HEAD(&inode->i_flctx);
	inode->i_atime_ns = inode->i_mtime_ns = inode->i_ctime_ns = ktime_get_real_ns();
	address_space_init(&inode->i_data, inode);
	refcount_set(&inode->i_count, 1);
	return inode;
}

/* Opening a socket's name: it can only be connected to. */
static int no_open(__unused struct inode *inode, __unused struct file *file)
{
	return -ENXIO;
}
const struct file_operations bad_sock_fops = { .open = no_open };

/*
 * What sockets, pipes and other files without a name belong to, and a mount that gives them a path if one
 * is asked for.
 */
static struct super_block pseudo_sb = {
	.s_type = "pseudo", .s_magic = 0x50495045, .s_dev = MKDEV(0, 1), .s_active = 2
};
static struct vfsmount pseudo_mnt = { .mnt_sb = &pseudo_sb, .mnt_count = REFCOUNT_INIT(1) };

bool inode_is_pseudo(const struct inode *inode)
{
	return inode->i_sb == &pseudo_sb;
}

struct inode *alloc_pseudo_inode(umode_t mode)
{
	struct inode *inode = new_inode(&pseudo_sb, mode);

	if (inode)
		inode->i_fop = &bad_sock_fops;	/* cannot be opened again, unless its maker says how */
	return inode;
}

int pseudo_path(struct inode *inode, struct path *path)
{
	ihold(inode);	/* for d_make_root(), which keeps or drops it */
	struct dentry *d = d_make_root(inode->i_sb, inode);

	if (!d)
		return -ENOMEM;
	mnt_get(&pseudo_mnt);
	*path = (struct path){ &pseudo_mnt, d };
	return 0;
}

void iput(struct inode *inode)
{
	if (!refcount_dec_and_test(&inode->i_count))
		return;
	inotify_inode_gone(inode);
	if (inode->i_data.nrpages)
		truncate_pages(&inode->i_data, 0);
	if (inode->i_sb->s_op && inode->i_sb->s_op->evict_inode)
		inode->i_sb->s_op->evict_inode(inode);
	kmem_cache_free(inode_cachep, inode);
}

void init_special_inode(struct inode *inode, umode_t mode, dev_t rdev)
{
	inode->i_mode = mode;
	inode->i_rdev = rdev;
	switch (mode & S_IFMT) {
	case S_IFCHR:
		inode->i_fop = &def_chr_fops;
		break;
	case S_IFBLK:
		inode->i_fop = &def_blk_fops;
		break;
	case S_IFIFO:
		inode->i_fop = &pipefifo_fops;
		break;
	default:
		inode->i_fop = &bad_sock_fops;
	}
}

bool in_group_p(gid_t gid)
{
	const struct cred *c = &current->cred;

	if (gid == c->fsgid)
		return true;
	for (int i = 0; i < c->ngroups; i++) {
		if (c->groups[i] == gid)
			return true;
	}
	return false;
}

int generic_permission(struct inode *inode, int mask)
{
	umode_t mode = inode->i_mode;

	if (current->cred.fsuid == 0) {
		/* root may do all but execute a file that nobody may execute */
		if (!(mask & MAY_EXEC) || S_ISDIR(mode) || (mode & 0111))
			return 0;
		return -EACCES;
	}
	if (inode->i_uid == current->cred.fsuid)
		mode >>= 6;
	else if (in_group_p(inode->i_gid))
		mode >>= 3;
	return (unsigned int)mask & ~mode & 7 ? -EACCES : 0;
}

int inode_permission(struct inode *inode, int mask)
{
	if (unlikely(mask & MAY_WRITE) && (inode->i_sb->s_flags & MS_RDONLY) &&
	    (S_ISREG(inode->i_mode) || S_ISDIR(inode->i_mode) || S_ISLNK(inode->i_mode)))
		return -EROFS;
	return generic_permission(inode, mask);
}

void generic_fillattr(struct inode *inode, struct kstat *st)
{
	st->ino = inode->i_ino;
	st->dev = inode->i_sb->s_dev;
	st->rdev = inode->i_rdev;
	st->mode = inode->i_mode;
	st->nlink = inode->i_nlink;
	st->uid = inode->i_uid;
	st->gid = inode->i_gid;
	st->size = inode->i_size;
	st->blksize = PAGE_SIZE;
	st->blocks = inode->i_data.nrpages * (PAGE_SIZE / 512);
	st->atime_ns = inode->i_atime_ns;
	st->mtime_ns = inode->i_mtime_ns;
	st->ctime_ns = inode->i_ctime_ns;
	st->btime_ns = 0;
}

int vfs_getattr(struct inode *inode, struct kstat *st)
{
	if (inode->i_op && inode->i_op->getattr)
		return inode->i_op->getattr(inode, st);
	generic_fillattr(inode, st);
	return 0;
}

int setattr_copy(struct inode *inode, const struct iattr *attr)
{
	if (attr->ia_valid & ATTR_UID)
		inode->i_uid = attr->ia_uid;
	if (attr->ia_valid & ATTR_GID)
		inode->i_gid = attr->ia_gid;
	if (attr->ia_valid & ATTR_ATIME)
		inode->i_atime_ns = attr->ia_atime_ns;
	if (attr->ia_valid & ATTR_MTIME)
		inode->i_mtime_ns = attr->ia_mtime_ns;
	if (attr->ia_valid & ATTR_MODE) {
		umode_t mode = attr->ia_mode & S_IALLUGO;

		/* set-group-id is for members of the group */
		if (!in_group_p(inode->i_gid) && current->cred.fsuid != 0)
			mode &= ~(umode_t)S_ISGID;
		inode->i_mode = (inode->i_mode & S_IFMT) | mode;
	}
	inode->i_ctime_ns = ktime_get_real_ns();
	return 0;
}

/*
 * May current make this change? Linux's setattr_prepare(). Times are checked by the caller, who knows
 * "now".
 */
static int setattr_prepare(struct inode *inode, const struct iattr *attr)
{
	uid_t fsuid = current->cred.fsuid;

	if (fsuid == 0)
		return 0;
	if ((attr->ia_valid & ATTR_UID) && (fsuid != inode->i_uid || attr->ia_uid != inode->i_uid))
		return -EPERM;
	if ((attr->ia_valid & ATTR_GID) && (fsuid != inode->i_uid ||
	    (attr->ia_gid != inode->i_gid && !in_group_p(attr->ia_gid))))
		return -EPERM;
	if ((attr->ia_valid & ATTR_MODE) && fsuid != inode->i_uid && !(attr->ia_valid & ATTR_OPEN))
		return -EPERM;
	return 0;
}

int notify_change(struct path *path, struct iattr *attr)
{
	struct inode *inode = path->dentry->d_inode;

	assert_held(&inode->i_rwsem);
	int err = setattr_prepare(inode, attr);

	if (err)
		return err;
	if (!inode->i_op || !inode->i_op->setattr)
		return -EPERM;
	err = inode->i_op->setattr(inode, attr);
	if (!err)
		fsnotify_dentry(path->dentry, IN_ATTRIB);
	return err;
}

int do_truncate(struct inode *inode, loff_t length)
{
	struct iattr attr = { .ia_valid = ATTR_SIZE, .ia_size = length };

	if (length < 0)
		return -EINVAL;
	if (!inode->i_op || !inode->i_op->setattr)
		return -EINVAL;
	mutex_lock(&inode->i_rwsem);
	/* as a write would: the file is not what its set-id bits vouched for any more */
	if ((inode->i_mode & (S_ISUID | S_ISGID)) && current->cred.fsuid != 0) {
		attr.ia_valid |= ATTR_MODE | ATTR_OPEN;
		attr.ia_mode = inode->i_mode & ~(umode_t)(S_ISUID | S_ISGID);
	}
	int err = inode->i_op->setattr(inode, &attr);

	mutex_unlock(&inode->i_rwsem);
	return err;
}

#define RELATIME_NS (24 * 60 * 60 * NSEC_PER_SEC)
void touch_atime(struct file *file)
{
	struct inode *inode = file->f_inode;
	u64 atime = READ_ONCE(inode->i_atime_ns);

	if ((file->f_flags & O_NOATIME) ||
	    (file->f_path.mnt && (file->f_path.mnt->mnt_flags & (MS_NOATIME | MS_RDONLY))))
		return;
	u64 now = ktime_get_real_ns();

	/* relatime: once after each change, and once a day */
	if (atime <= inode->i_mtime_ns || atime <= inode->i_ctime_ns || now - atime >= RELATIME_NS)
		WRITE_ONCE(inode->i_atime_ns, now);
}

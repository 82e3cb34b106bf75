/*
 * fs/ramfs/memfd.c - files that only descriptors name: memfd_create(), and shared mappings without a file.
 *
 * Linux:   mm/memfd.c, mm/shmem.c (6.1)
 * Same:    memfd_create() with CLOEXEC and ALLOW_SEALING; seals checked by write, truncate and mmap.
 * Differs: 1. no huge pages: MFD_HUGETLB is -EINVAL. 2. F_SEAL_WRITE counts shared mappings that may
 *             become writable, and is refused (-EBUSY) while there are any, as in Linux; it does not wait for DMA.
 * Locks:   INODE_MTX.
 * Walk:    memfd_create() -> shmem_file_setup().
 */
#include "fs/file.h"
#include "fs/internal.h"
#include "kernel/slab.h"
#include "kernel/string.h"
#include "kernel/syscall.h"
#include "kernel/uaccess.h"

enum { MFD_CLOEXEC = 1, MFD_ALLOW_SEALING = 2 };
enum { F_ADD_SEALS = 1033, F_GET_SEALS = 1034 };
#define ALL_SEALS (F_SEAL_SEAL | F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_WRITE | F_SEAL_FUTURE_WRITE)
#define MFD_NAME_MAX 249

static struct vfsmount *shmem_mnt;

void shmem_init(void)
{
	struct super_block *sb = ramfs_new_super("tmpfs", 0x01021994);
	struct vfsmount *mnt = kzalloc(sizeof(*mnt), GFP_KERNEL);

	ASSERT(sb && mnt);
	sb->s_active = 1;
	mnt->mnt_sb = sb;
	mnt->mnt_root = dget(sb->s_root);
	refcount_set(&mnt->mnt_count, 1);
	shmem_mnt = mnt;
}

struct file *shmem_file_setup(const char *name, loff_t size, unsigned int flags)
{
	struct dentry *root = shmem_mnt->mnt_root;
	struct path path = { shmem_mnt, d_alloc(root, name, (int)strlen(name)) };

	if (!path.dentry)
		return ERR_PTR(-ENOMEM);
	int err = root->d_inode->i_op->tmpfile(root->d_inode, path.dentry, S_IFREG | 0777);

	if (err) {
		dput(path.dentry);
		return ERR_PTR(err);
	}
	struct inode *inode = path.dentry->d_inode;

	inode->i_size = size;
	path.dentry->d_unlinked = true;
	mnt_get(path.mnt);
	struct file *f = alloc_file(&path, flags, inode->i_fop);

	if (IS_ERR(f))
		path_put(&path);
	else
		f->f_mode |= FMODE_ATOMIC_POS;
	return f;
}

static int add_seals(struct file *file, unsigned int seals)
{
	struct inode *inode = file->f_inode;
	int err = 0;

	if (!(file->f_mode & FMODE_WRITE))
		return -EPERM;
	if (seals & ~(unsigned int)ALL_SEALS)
		return -EINVAL;
	mutex_lock(&inode->i_rwsem);
	if (inode->i_seals & F_SEAL_SEAL)
		err = -EPERM;
	else if ((seals & F_SEAL_WRITE) && !(inode->i_seals & F_SEAL_WRITE) && atomic_long_read(&inode->i_mmap_shared))
		err = -EBUSY;
	else
		inode->i_seals |= seals;
	mutex_unlock(&inode->i_rwsem);
	return err;
}

long memfd_fcntl(struct file *file, unsigned int cmd, unsigned long arg)
{
	if (file->f_path.mnt != shmem_mnt)
		return -EINVAL;
	if (cmd == F_GET_SEALS)
		return (long)file->f_inode->i_seals;
	return arg > U32_MAX ? -EINVAL : add_seals(file, (unsigned int)arg);
}

static struct file *memfd_file(const char *name, unsigned int flags)
{
	struct file *f = shmem_file_setup(name, 0, O_RDWR | O_LARGEFILE);

	if (!IS_ERR(f) && !(flags & MFD_ALLOW_SEALING))
		f->f_inode->i_seals = F_SEAL_SEAL;
	return f;
}

SYSCALL_DEFINE2(memfd_create, uptr, uname, unsigned int, flags)
{
	char name[sizeof("memfd:") + MFD_NAME_MAX] = "memfd:";

	if (flags & ~(unsigned int)(MFD_CLOEXEC | MFD_ALLOW_SEALING))
		return -EINVAL;
	ssize_t len = strncpy_from_user(name + 6, uname, MFD_NAME_MAX + 1);

	if (len < 0)
		return len;
	if (len > MFD_NAME_MAX)
		return -EINVAL;
	int fd = get_unused_fd_flags(flags & MFD_CLOEXEC ? O_CLOEXEC : 0);

	if (fd < 0)
		return fd;
	struct file *f = memfd_file(name, flags);

	if (IS_ERR(f)) {
		put_unused_fd((unsigned int)fd);
		return PTR_ERR(f);
	}
	fd_install((unsigned int)fd, f);
	return fd;
}

/*
 * fs/namei.h - from path text to dentries.
 *
 * Linux:   include/linux/namei.h (6.1)
 * Same:    user_path_at(), kern_path(), LOOKUP_* flags; ELOOP after 40 links.
 * Differs: 1. lookups take references at each step: no RCU walk.
 * Locks:   DCACHE, INODE_MTX of directories that are not cached.
 * Walk:    openat() -> do_filp_open() -> path walk.
 */
#pragma once
#include "fs/fs.h"

#define AT_FDCWD (-100)
enum {
	AT_SYMLINK_NOFOLLOW = 0x100, AT_REMOVEDIR = 0x200, AT_EACCESS = 0x200, AT_SYMLINK_FOLLOW = 0x400,
	AT_NO_AUTOMOUNT = 0x800, AT_EMPTY_PATH = 0x1000,
};
enum { LOOKUP_FOLLOW = 1, LOOKUP_DIRECTORY = 2, LOOKUP_EMPTY = 4 };
/*
 * user_path_at - Return: 0 and references in *@path, or -errno. Context: task. kern_path: name from the
 * kernel.
 */
int user_path_at(int dfd, uptr name, unsigned int flags, struct path *path);
int kern_path(const char *name, unsigned int flags, struct path *path);
/*
 * getname - copy a user path. Return: kmalloc'd text or ERR_PTR(-ENOENT empty, -ENAMETOOLONG, -EFAULT).
 * Freed by putname().
 */
char *getname(uptr name);
void putname(char *name);
/* do_mknodat_kern - for AF_UNIX bind: a socket node. Return: 0 and *@path, -EADDRINUSE... */
int kern_mknod(const char *name, umode_t mode, dev_t rdev, struct path *path);
/* inode_permission - may current do @mask (MAY_*)? 0 or -EACCES. */
enum { MAY_EXEC = 1, MAY_WRITE = 2, MAY_READ = 4 };
int inode_permission(struct inode *inode, int mask);
/* fs_struct: root, cwd and umask of a task. copy_fs/put_fs for fork and exit. */
struct fs_struct { refcount_t count; spinlock_t lock; umode_t umask; struct path root, pwd; };
struct fs_struct *copy_fs(struct fs_struct *old);
void put_fs(struct fs_struct *fs);
/* init_fs - the first task's: root and pwd at the root mount. */
struct fs_struct *init_fs(void);

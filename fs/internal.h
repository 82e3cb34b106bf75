/*
 * fs/internal.h - what the files of the VFS share among themselves and nobody else includes.
 *
 * Linux:   fs/internal.h, fs/mount.h (6.1)
 * Same:    struct nameidata is private to the path walk; struct filename holds a copied path.
 * Differs: 1. a short path is kept in the caller's frame: most system calls allocate nothing for it.
 * Locks:   DCACHE is declared here: it guards names, tree and mounts.
 * Walk:    openat() -> do_filp_open() -> link_path_walk().
 */
#pragma once
#include "fs/file.h"
#include "fs/fs.h"
#include "fs/namei.h"
#include "kernel/hash.h"
#include "kernel/mm.h"
#include "kernel/spinlock.h"
#include "kernel/task.h"

extern spinlock_t dcache_lock;

/* A path as the user gave it. */
#define EMBEDDED_NAME 120
#define NAME_SLACK 8	/* names are read by whole words: so many bytes behind a text must be readable */
struct filename { char *name; char small[EMBEDDED_NAME]; char slack[NAME_SLACK]; };
/*
 * getname_flags - copy the path at @uname. LOOKUP_EMPTY allows "". putname_fn - give back what it took.
 * Return: 0, -ENOENT, -ENAMETOOLONG, -EFAULT, -ENOMEM (nothing to give back then). Context: task.
 */
int __must_check getname_flags(struct filename *fn, uptr uname, unsigned int flags);
void __putname(char *name);
static inline void putname_fn(struct filename *fn)
{
	if (unlikely(fn->name != fn->small))
		__putname(fn->name);
}
/* file_is_plain - is it FOP_PLAIN_READ (or, if @write, _WRITE), or a directory? */
bool file_is_plain(const struct file *file, bool write);
/* __getname - a buffer of PATH_MAX bytes from the names' cache, or NULL. __putname() takes it back. */
char *__getname(void) __must_check;

/* filename_lookup - resolve @name from @dfd. Return: 0 and references in *@path, or -errno. Context: task. */
int __must_check filename_lookup(int dfd, const char *name, unsigned int flags, struct path *path);

/* filename_getattr - the attributes of what @name stands for. Return: 0 or -errno. Context: task. */
int __must_check filename_getattr(int dfd, const char *name, unsigned int flags, struct kstat *st);

/* The last component of a path, for calls that make, remove or rename a name. */
enum last_type { LAST_NORM, LAST_ROOT, LAST_DOT, LAST_DOTDOT };
struct last_name { const char *name; int len; enum last_type type; bool trailing; /* slashes follow */ };
/*
 * filename_parentat - resolve all but the last component; *@last points into @name.
 * Return: 0 and references in *@path, or -errno.
 */
int __must_check filename_parentat(int dfd, const char *name, struct path *path, struct last_name *last);
/*
 * lookup_one - the dentry of @name in @dir, made if need be (negative then). Return: a reference or
 * ERR_PTR. Locks: dir's i_rwsem held.
 */
struct dentry *lookup_one(struct dentry *dir, const char *name, int len) __must_check;
/* may_create, may_delete - Linux's checks before a name is made in, or taken from, @dir. */
int __must_check may_create(struct dentry *dir);
int __must_check may_delete(struct inode *dir, struct dentry *victim, bool isdir);
/* do_filp_open - open(2) without the descriptor. Return: a file or ERR_PTR. */
struct file *do_filp_open(int dfd, const char *name, unsigned int flags, umode_t mode) __must_check;
/* filename_create - parent locked, dentry negative. Return: dentry or ERR_PTR; done_path_create() ends it. */
struct dentry *filename_create(int dfd, const char *name, struct path *parent, bool is_dir) __must_check;
void done_path_create(struct path *parent, struct dentry *dentry);

int do_mkdirat(int dfd, const char *name, umode_t mode);
int do_symlinkat(const char *target, int dfd, const char *name);
int do_unlinkat(int dfd, const char *name);
int do_rmdir(int dfd, const char *name);
int kern_link(struct path *old, const char *name);

/* dcache.c */
#define WORD_ONES 0x0101010101010101UL
#define WORD_HIGHS 0x8080808080808080UL
static inline u64 load_word(const char *p)
{
	u64 w;

	__builtin_memcpy(&w, p, sizeof(w));
	return w;
}
/* The low @n bytes of a word, n < 8. */
static inline u64 word_mask(size_t n) { return (1UL << n * 8) - 1; }
static inline u64 name_hash_mix(u64 h, u64 w)
{
	h = (h ^ w) * 0x9E3779B97F4A7C15UL;
	return h ^ h >> 32;
}
u32 name_hash(const char *name, size_t len);
extern struct hlist_head *dentry_hashtable;	/* DCACHE */
extern unsigned int dentry_hash_shift;
static inline struct hlist_head *d_bucket(const struct dentry *parent, u32 hash)
{
	return &dentry_hashtable[(((u64)parent >> 6) + hash) * 0x9E3779B97F4A7C15UL >> dentry_hash_shift];
}
/* Both are readable by whole words; what stands behind @len does not count. */
static inline bool same_name(const char *a, const char *b, size_t len)
{
	for (; len >= 8; len -= 8, a += 8, b += 8) {
		if (load_word(a) != load_word(b))
			return false;
	}
	return !((load_word(a) ^ load_word(b)) & word_mask(len));
}
/* __d_lookup - the hashed child, no reference taken, or NULL. Locks: DCACHE held. */
static inline struct dentry *__d_lookup(const struct dentry *parent, const char *name, unsigned int len, u32 hash)
{
	struct dentry *d;

	assert_held(&dcache_lock);
	hlist_for_each_entry(d, d_bucket(parent, hash), d_hash) {
		if (d->d_hashval == hash && d->d_parent == parent && d->d_len == len &&
		    same_name(d->d_name, name, len))
			return d;
	}
	return NULL;
}
/*
 * d_move - @dentry becomes @target's name in @target's parent; @target (unhashed afterwards) takes the old
 * one.
 */
void d_move(struct dentry *dentry, struct dentry *target);
void d_exchange(struct dentry *a, struct dentry *b);
bool d_is_ancestor(const struct dentry *ancestor, const struct dentry *d);
/* d_genocide - forget a whole tree of pinned dentries (the last mount of a file system in memory is gone). */
void d_genocide(struct dentry *root);
int dcache_readdir(struct file *file, struct dir_context *ctx);
loff_t dcache_dir_lseek(struct file *file, loff_t off, int whence);
bool simple_empty(struct dentry *dir);
bool dir_emit_dots(struct file *file, struct dir_context *ctx);
char *d_path_locked(const struct path *path, const struct path *root, char *buf, int size);
void dcache_init(void);
void namei_init(void);
void inode_init(void);
void files_init(void);
/*
 * file_free - a file that open() could not finish. fput_now - fput() where no lock is held: the release
 * happens here.
 */
void file_free(struct file *f);
void fput_now(struct file *f);
void __fput(struct file *f);
/*
 * filp_close - what close(2) does to the file: flush(), record locks, the reference. Takes: @file's
 * reference.
 */
int filp_close(struct file *file);
void filemap_init(void);
void filelock_init(void);

/* fs_struct.c: root and working directory. */
void set_fs_pwd(struct fs_struct *fs, const struct path *path);
void set_fs_root(struct fs_struct *fs, const struct path *path);
/* get_fs_root_pwd - both with references. */
void get_fs_root_pwd(struct fs_struct *fs, struct path *root, struct path *pwd);

/* file.c */
struct fd fdget_shared(unsigned int fd, fmode_t refuse);
/* __fdget - the file of descriptor @fd unless its mode has one of @refuse. */
static __always_inline struct fd __fdget(unsigned int fd, fmode_t refuse)
{
	struct files_struct *files = current->files;

	/* With one user, only this task can close the file it is about to use. */
	if (unlikely(refcount_read(&files->count) != 1))
		return fdget_shared(fd, refuse);
	if (likely(fd < files->max_fds)) {
		struct file *file = files->fd[fd];

		if (likely(file && !(file->f_mode & refuse)))
			return (struct fd){ file, false };
	}
	return (struct fd){ NULL, false };
}
int f_dupfd(unsigned int from, struct file *file, unsigned int flags);
bool get_close_on_exec(unsigned int fd);
void set_close_on_exec(unsigned int fd, bool on);

/* namespace.c */
extern struct vfsmount *root_mnt;
void mnt_put(struct vfsmount *mnt);
static inline void mnt_get(struct vfsmount *mnt) { refcount_inc(&mnt->mnt_count); }
enum {
	MS_RDONLY = 1, MS_NOSUID = 2, MS_NODEV = 4, MS_NOEXEC = 8, MS_REMOUNT = 32, MS_NOSYMFOLLOW = 256,
	MS_NOATIME = 1024, MS_BIND = 4096, MS_MOVE = 8192, MS_UNBINDABLE = 1 << 17, MS_PRIVATE = 1 << 18,
	MS_SLAVE = 1 << 19, MS_SHARED = 1 << 20,
};
/* mnt_want_write - 0, or -EROFS where the mount is read-only. */
static inline int mnt_want_write(const struct vfsmount *mnt) { return mnt->mnt_flags & MS_RDONLY ? -EROFS : 0; }
struct seq_file;
void show_mounts(struct seq_file *m);
void show_filesystems(struct seq_file *m);
struct super_block *alloc_super(const char *type, u64 magic, const struct super_operations *op) __must_check;

/*
 * inode.c: pseudo_path - a path to an inode that no directory names, with references. Return: 0 or -ENOMEM.
 */
int __must_check pseudo_path(struct inode *inode, struct path *path);
bool inode_is_pseudo(const struct inode *inode);

/* attributes */
int notify_change(struct path *path, struct iattr *attr);
int do_truncate(struct inode *inode, loff_t length);
int vfs_getattr(struct inode *inode, struct kstat *st);
void touch_atime(struct file *file);

/* char_dev.c: the open() of device nodes. filemap.c, fifo. */
void show_devices(struct seq_file *m);
/* nr_file_pages - pages that hold file content. */
u64 nr_file_pages(void);
extern const struct file_operations def_chr_fops, def_blk_fops, pipefifo_fops, bad_sock_fops;

/* locks.c */
void locks_remove_posix(struct file *file, const void *owner);
void locks_remove_file(struct file *file);
long fcntl_lock(unsigned int fd, struct file *file, unsigned int cmd, unsigned long arg);

/* fasync.c: SIGIO for any file that can poll. @fd: the descriptor that the signal will name. */
int fasync_set(unsigned int fd, struct file *file, bool on);
void fasync_release(struct file *file);

/* pipe.c and splice.c */
struct pipe_inode_info;
struct pipe_inode_info *get_pipe_info(const struct file *file);
long pipe_fcntl(struct file *file, unsigned int cmd, unsigned long arg);
long memfd_fcntl(struct file *file, unsigned int cmd, unsigned long arg);
enum { F_SEAL_SEAL = 1, F_SEAL_SHRINK = 2, F_SEAL_GROW = 4, F_SEAL_WRITE = 8, F_SEAL_FUTURE_WRITE = 16 };

/*
 * ramfs: a file system of its kind for others; files without a name, for memfd_create() and shared
 * mappings.
 */
struct super_block *ramfs_new_super(const char *name, u64 magic) __must_check;
void shmem_init(void);
/* punch_pages - the range reads as zeros afterwards; whole pages are freed. */
void punch_pages(struct address_space *m, loff_t off, loff_t len);

/*
 * get_write_access - one more writer. Return: 0, or -ETXTBSY while the file is executed.
 * put_write_access - one less.
 */
static inline int __must_check get_write_access(struct inode *inode)
{
	int old = atomic_read(&inode->i_writecount);

	while (old >= 0) {
		int seen = atomic_cmpxchg(&inode->i_writecount, old, old + 1);

		if (seen == old)
			return 0;
		old = seen;
	}
	return -ETXTBSY;
}
static inline void put_write_access(struct inode *inode) { atomic_dec(&inode->i_writecount); }
static inline bool inode_owner_or_root(const struct inode *inode)
{
	return current->cred.fsuid == inode->i_uid || current->cred.fsuid == 0;
}

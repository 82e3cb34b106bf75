/*
 * fs/fs.h - the virtual file system: what every kind of file descriptor, file and directory is made of.
 *
 * Linux:   include/linux/fs.h, dcache.h, mount.h (6.1)
 * Same:    file, inode, dentry, super_block and their operations tables.
 * Differs: 1. the NULL defaults of file_operations are listed here and nowhere else. 2. no RCU path walk:
 *             the dentry cache is under one lock (DCACHE) and reference counts.
 * Locks:   INODE_MTX (content, children), FILE_F (flags), FPOS, DCACHE.
 * Walk:    every system call on a descriptor: fdget() -> file->f_op.
 */
#pragma once
#include "fs/poll.h"
#include "fs/stat.h"
#include "fs/uio.h"
#include "kernel/err.h"
#include "kernel/list.h"
#include "kernel/mutex.h"
#include "kernel/refcount.h"

struct dentry;
struct inode;
struct super_block;
struct vm_area_struct;
struct page;
struct seq_file;
struct vfsmount;
struct iattr;
struct kstatfs;

enum {
	O_RDONLY = 0, O_WRONLY = 1, O_RDWR = 2, O_ACCMODE = 3, O_CREAT = 0100, O_EXCL = 0200, O_NOCTTY = 0400,
	O_TRUNC = 01000, O_APPEND = 02000, O_NONBLOCK = 04000, O_DSYNC = 010000, O_ASYNC = 020000, O_DIRECT = 040000,
	O_LARGEFILE = 0100000, O_DIRECTORY = 0200000, O_NOFOLLOW = 0400000, O_NOATIME = 01000000, O_CLOEXEC = 02000000,
	O_SYNC = 04010000, O_PATH = 010000000, O_TMPFILE = 020200000,
};
typedef unsigned int fmode_t;
enum {
	FMODE_READ = 1, FMODE_WRITE = 2, FMODE_LSEEK = 4, FMODE_PREAD = 8, FMODE_PWRITE = 16,
	FMODE_STREAM = 32,	/* no position */
	FMODE_PATH = 64,	/* O_PATH: a place, not a file to read */
	/* f_pos_lock is held over an operation if others have the file too (regular files, directories) */
	FMODE_ATOMIC_POS = 128,
	/* made by alloc_file_pseudo(): no path, and f_inode is the file's own reference */
	FMODE_PSEUDO = 256,
	/* counted in i_writecount: open for writing; or being executed, which keeps writers out */
	FMODE_WRITER = 512, FMODE_EXEC = 1024,
};

struct path { struct vfsmount *mnt; struct dentry *dentry; };

/* One operation under way. */
struct kiocb { struct file *ki_filp; loff_t ki_pos; int ki_flags; };
/*
 * IOCB_NOWAIT: O_NONBLOCK or RWF_NOWAIT was asked for. IOCB_APPEND: O_APPEND or RWF_APPEND. IOCB_MORE: the next bytes
 * follow at once, so a socket need not send a part of a segment.
 */
enum { IOCB_NOWAIT = 1, IOCB_APPEND = 2, IOCB_MORE = 4 };

/* One open file: shared by all descriptors that dup() and fork() made of it. */
struct file {
	/* immutable after open */
	const struct file_operations *f_op;
	void *private_data;		/* the kind's own */
	struct inode *f_inode;		/* held through f_path.dentry, or by anon_inodes */
	struct path f_path;		/* references */
	fmode_t f_mode;
	/* f_lock (FILE_F) to change; read as one word */
	spinlock_t f_lock;
	unsigned int f_flags;		/* O_* */
	struct hlist_head f_ep;		/* epitems that watch this file (epi->fllink) */
	pid_t f_owner; int f_owner_sig;
	struct fasync_struct *f_fasync;	/* O_ASYNC: who sends SIGIO (fs/fasync.c) */
	/* f_pos_lock (FPOS) */
	struct mutex f_pos_lock;
	loff_t f_pos;
	/* atomic: one per descriptor, one per operation in flight on a shared table */
	atomic_long_t f_count;
	struct list_head f_release;	/* deferred last put */
};

/*
 * What a NULL entry means:
 *   llseek          -ESPIPE
 *   read_iter       -EINVAL        write_iter      -EINVAL
 *   iterate_shared  -ENOTDIR       poll            DEFAULT_POLLMASK; epoll refuses with -EPERM
 *   unlocked_ioctl  -ENOTTY        mmap            -ENODEV
 *   open, flush, release, fasync  nothing to do, success
 *   fsync           -EINVAL        fallocate       -EOPNOTSUPP
 *   show_fdinfo     only the common lines
 */
struct dir_context;
/*
 * What a kind of file can do beside plain reads and writes.
 *   FOP_NOWAIT             RWF_NOWAIT is heeded. Others refuse it with -EOPNOTSUPP.
 *   FOP_PLAIN_READ, _WRITE each piece of a vector is a call of its own, and no RWF_* but HIPRI is taken; so are
 *                          directories.
 *   FOP_NO_SPLICE_READ, _WRITE   splice() and sendfile() refuse it with -EINVAL, as they do what is plain.
 */
enum {
	FOP_NOWAIT = 1, FOP_PLAIN_READ = 2, FOP_PLAIN_WRITE = 4, FOP_NO_SPLICE_READ = 8, FOP_NO_SPLICE_WRITE = 16,
};
struct file_operations {
	unsigned int fop_flags;
	loff_t (*llseek)(struct file *, loff_t, int whence);
	ssize_t (*read_iter)(struct kiocb *, struct iov_iter *);
	ssize_t (*write_iter)(struct kiocb *, struct iov_iter *);
	int (*iterate_shared)(struct file *, struct dir_context *);
	__poll_t (*poll)(struct file *, poll_table *);
	long (*unlocked_ioctl)(struct file *, unsigned int cmd, unsigned long arg);
	int (*mmap)(struct file *, struct vm_area_struct *);
	int (*open)(struct inode *, struct file *);
	int (*flush)(struct file *);		/* each close() of a descriptor */
	int (*release)(struct inode *, struct file *);	/* last reference gone; may sleep */
	int (*fsync)(struct file *, int datasync);
	long (*fallocate)(struct file *, int mode, loff_t off, loff_t len);
	void (*show_fdinfo)(struct seq_file *, struct file *);
};
/* iterate_shared calls dir_emit() per entry from ctx->pos on; false: the buffer is full, stop. */
struct dir_context {
	bool (*actor)(struct dir_context *, const char *name, int len, loff_t pos, u64 ino, unsigned int type);
	loff_t pos;
};
enum { DT_UNKNOWN = 0, DT_FIFO = 1, DT_CHR = 2, DT_DIR = 4, DT_BLK = 6, DT_REG = 8, DT_LNK = 10, DT_SOCK = 12 };

struct inode_operations {
	/*
	 * d_add()s an inode or NULL; returns NULL or ERR_PTR. A directory without lookup() has all its
	 * names in the dentry cache.
	 */
	struct dentry *(*lookup)(struct inode *dir, struct dentry *dentry);
	int (*create)(struct inode *dir, struct dentry *, umode_t);
	int (*link)(struct dentry *old, struct inode *dir, struct dentry *);
	int (*unlink)(struct inode *dir, struct dentry *);
	int (*symlink)(struct inode *dir, struct dentry *, const char *target);
	int (*mkdir)(struct inode *dir, struct dentry *, umode_t);
	int (*rmdir)(struct inode *dir, struct dentry *);
	int (*mknod)(struct inode *dir, struct dentry *, umode_t, dev_t);
	int (*tmpfile)(struct inode *dir, struct dentry *, umode_t);	/* an inode without a name (O_TMPFILE) */
	int (*rename)(struct inode *old_dir, struct dentry *old, struct inode *new_dir, struct dentry *new,
		      unsigned int flags);
	/* the target of a symbolic link: copied into @buf (PATH_MAX). Return: length or -errno. */
	int (*readlink)(struct inode *, char *buf, size_t size);
	/* a link that is followed without text (/proc/PID/fd/N): fills *path with references. */
	int (*get_link_path)(struct inode *, struct path *path);
	int (*getattr)(struct inode *, struct kstat *);		/* NULL: generic_fillattr() */
	int (*setattr)(struct inode *, const struct iattr *);	/* NULL: -EPERM */
};
struct iattr {
	unsigned int ia_valid;	/* ATTR_*: which of the others count */
	umode_t ia_mode;
	uid_t ia_uid;
	gid_t ia_gid;
	loff_t ia_size;
	u64 ia_atime_ns, ia_mtime_ns;
};
enum { ATTR_MODE = 1, ATTR_UID = 2, ATTR_GID = 4, ATTR_SIZE = 8, ATTR_ATIME = 16, ATTR_MTIME = 32, ATTR_OPEN = 64 };

/* The pages of a file's content. */
struct address_space {
	struct inode *host;
	/* MAPPING_MTX */
	struct mutex lock;
	void **slots;		/* radix tree of page pointers; the page itself while nr_slots is 1 (fs/filemap.c) */
	u64 nr_slots, nrpages;
};
struct inode {
	/* immutable */
	struct super_block *i_sb;
	u64 i_ino;
	const struct inode_operations *i_op;
	const struct file_operations *i_fop;
	dev_t i_rdev;
	void *i_private;	/* the file system's, or the device's */
	/* i_rwsem (INODE_MTX) */
	struct mutex i_rwsem;
	umode_t i_mode;
	uid_t i_uid; gid_t i_gid;
	u32 i_nlink;
	loff_t i_size;
	u64 i_atime_ns, i_mtime_ns, i_ctime_ns;
	struct address_space i_data;
	void *i_pipe;		/* FIFO: struct pipe_inode_info */
	void *i_socket;		/* AF_UNIX: the bound socket */
	struct list_head i_flctx;	/* file locks (LEAF lock of fs/locks.c) */
	unsigned int i_seals;	/* memfd: F_SEAL_* */
	atomic_long_t i_mmap_shared;	/* writable shared mappings */
	atomic_t i_writecount;	/* > 0: files open for writing; < 0: files being executed (ETXTBSY) */
	/* atomic */
	refcount_t i_count;
};
struct super_operations {
	void (*evict_inode)(struct inode *);	/* the last reference is gone, the pages too; NULL: nothing to do */
	int (*statfs)(struct super_block *, struct kstatfs *);
};
struct kstatfs { u64 f_type, f_bsize, f_blocks, f_bfree, f_bavail, f_files, f_ffree, f_namelen; };
struct super_block {
	/* immutable once mounted */
	const struct super_operations *s_op;
	const char *s_type;
	u64 s_magic;
	dev_t s_dev;
	struct dentry *s_root;
	void *s_fs_info;
	unsigned int s_flags;
	/* atomic */
	atomic64_t s_next_ino;
	int s_active;		/* DCACHE: mounts of it, and one for a kernel that keeps it */
	atomic_long_t s_pages;	/* pages of content */
	long s_max_pages;	/* size= of a tmpfs; 0: what memory there is */
};

#define NAME_MAX 255
#define PATH_MAX 4096
struct dentry {
	/* DCACHE */
	struct dentry *d_parent;	/* a reference, but for a root */
	struct inode *d_inode;		/* a reference; NULL: negative */
	struct hlist_node d_hash;
	struct list_head d_child, d_subdirs;
	struct vfsmount *d_mounted;	/* what is mounted on it */
	bool d_unlinked;
	u64 d_pos;			/* place in the parent's listing, ascending along d_subdirs */
	u32 d_hashval;
	u16 d_len;
	char *d_name;			/* d_iname or kmalloc'd */
	char d_iname[32];
	struct super_block *d_sb;
	/* atomic */
	refcount_t d_count;
	struct list_head d_lru;
};
struct vfsmount {
	/* immutable */
	struct super_block *mnt_sb;
	struct dentry *mnt_root;	/* a reference */
	char mnt_devname[32];
	/* DCACHE */
	struct path mnt_parent;		/* references: what it covers; empty for the root and when detached */
	struct list_head mnt_list;
	unsigned int mnt_flags;
	/* atomic: one for the tree of mounts, one for each path */
	refcount_t mnt_count;
};

/* Inodes. new_inode - one reference, NULL when out of memory. iget/iput - the last put evicts. */
struct inode *new_inode(struct super_block *sb, umode_t mode);
static inline void ihold(struct inode *i) { refcount_inc(&i->i_count); }
void iput(struct inode *inode);
/* init_special_inode - i_fop for a device, FIFO or socket node. */
void init_special_inode(struct inode *inode, umode_t mode, dev_t rdev);
void generic_fillattr(struct inode *inode, struct kstat *st);
int setattr_copy(struct inode *inode, const struct iattr *attr);
/* generic_permission - by mode, owner and groups. Return: 0 or -EACCES. */
int generic_permission(struct inode *inode, int mask);
/* register_chrdev - opens of character device (@major, @minor..@minor+@count-1) get @fops. Context: boot. */
void register_chrdev(unsigned int major, unsigned int minor, unsigned int count, const char *name,
		     const struct file_operations *fops);

/*
 * Dentries. d_alloc: unhashed child. d_add: hash it with @inode (reference taken over). dget/dput.
 * d_delete: after unlink. d_path: text, from the end of @buf.
 */
struct dentry *d_alloc(struct dentry *parent, const char *name, int len);
struct dentry *d_make_root(struct super_block *sb, struct inode *inode);
void d_add(struct dentry *dentry, struct inode *inode);
void d_instantiate(struct dentry *dentry, struct inode *inode);
static inline struct dentry *dget(struct dentry *d) { refcount_inc(&d->d_count); return d; }
void dput(struct dentry *dentry);
void d_delete(struct dentry *dentry);
void d_drop(struct dentry *dentry);
char *d_path(const struct path *path, char *buf, int size);
void path_get(const struct path *path);
void path_put(const struct path *path);

/*
 * Files. alloc_file - Return: a file with one reference or ERR_PTR; takes over @path's references on
 * success.
 */
struct file *alloc_file(const struct path *path, unsigned int flags, const struct file_operations *fop);
/*
 * alloc_pseudo_inode - an inode of no file system, for a socket or pipe (@mode with its type); one reference, or NULL.
 * alloc_file_pseudo - a file over @inode that has no path: f_path is empty. Return: a file or ERR_PTR.
 * Takes: the reference of @inode, on success; the last fput() drops it after release(). Context: task.
 */
struct inode *alloc_pseudo_inode(umode_t mode);
struct file *alloc_file_pseudo(struct inode *inode, unsigned int flags, const struct file_operations *fop);
/* dentry_open, filp_open - by path, for the kernel itself. */
struct file *filp_open(const char *name, unsigned int flags, umode_t mode);
struct file *dentry_open(const struct path *path, unsigned int flags);
/* dentry_open_exec - for reading, with writers kept out while it is open. Return: a file or ERR_PTR (-ETXTBSY). */
struct file *dentry_open_exec(const struct path *path);
/*
 * fput - drop a reference; the last one releases the file (deferred to return-to-user or a worker when
 * atomic). Context: any.
 */
void fput(struct file *file);
static inline struct file *get_file(struct file *f) { atomic_long_inc(&f->f_count); return f; }
/* get_file_not_zero - false: it is being released. */
bool __must_check get_file_not_zero(struct file *f);
/* run_deferred_fputs - current's; called at return to user mode and exit. Context: task. */
void run_deferred_fputs(void);

/* Reading and writing for the kernel's own use. */
ssize_t kernel_read(struct file *file, void *buf, size_t n, loff_t *pos);
ssize_t kernel_write(struct file *file, const void *buf, size_t n, loff_t *pos);
ssize_t vfs_read_iter(struct file *file, struct iov_iter *iter, loff_t *pos);
ssize_t vfs_write_iter(struct file *file, struct iov_iter *iter, loff_t *pos, int ki_flags);
loff_t generic_file_llseek(struct file *file, loff_t off, int whence);
loff_t noop_llseek(struct file *file, loff_t off, int whence);
/* simple_read_from_buffer - as much of @from as @pos allows. For small generated texts. */
ssize_t simple_read_iter(struct kiocb *iocb, struct iov_iter *to, const void *from, size_t available);
bool dir_emit(struct dir_context *ctx, const char *name, int len, u64 ino, unsigned int type);
/* stream_open - no position, no seeking. */
int stream_open(struct inode *inode, struct file *file);

/* File-content pages (fs/filemap.c): shared by read, write and mmap. */
void address_space_init(struct address_space *m, struct inode *host);
void truncate_pages(struct address_space *m, loff_t new_size);
ssize_t generic_file_read_iter(struct kiocb *iocb, struct iov_iter *to);
ssize_t generic_file_write_iter(struct kiocb *iocb, struct iov_iter *from);
int generic_file_mmap(struct file *file, struct vm_area_struct *vma);
/*
 * filemap_get_page - page @index with a reference; @create: a zeroed one if absent. NULL: absent;
 * ERR_PTR(-ENOMEM).
 */
struct page *filemap_get_page(struct address_space *m, u64 index, bool create);

/*
 * shmem_file_setup - a file of @size bytes in memory that no directory names. Return: a file or ERR_PTR.
 * Context: task.
 */
struct file *shmem_file_setup(const char *name, loff_t size, unsigned int flags) __must_check;

/* Mounts and boot. */
int vfs_mount(const char *fstype, const char *devname, const char *where, unsigned int flags);
/* mount - a new instance or the one there is, or ERR_PTR; @data: mount(2)'s options or NULL, may be cut up. */
struct file_system_type {
	const char *name;
	struct super_block *(*mount)(struct file_system_type *, const char *dev, char *data);
	struct file_system_type *next;
};
void register_filesystem(struct file_system_type *t);
void vfs_init(void);
void ramfs_init(void);
void devfs_init(void);
void proc_init(void);
void pipe_init(void);
void anon_inode_init(void);
void eventpoll_init(void);
void demo_init(void);
/* initramfs_unpack - the cpio archive(s) at [@start, @end) into the root. Return: 0 or -errno. */
int initramfs_unpack(const void *start, const void *end);
/* in_group_p - is the caller's file system group, or one of its further groups, @gid? Context: task. */
bool in_group_p(gid_t gid);
/* devfs_add - a node under /dev. Context: boot or task. */
int devfs_add(const char *name, umode_t mode, dev_t rdev);
/* devfs_remove - take it away (absent: nothing happens). devfs_chown - give it an owner. Context: task. */
void devfs_remove(const char *name);
void devfs_chown(const char *name, uid_t uid, gid_t gid);

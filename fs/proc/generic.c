/*
 * fs/proc/generic.c - the static part of /proc: a tree of entries that subsystems add to, and its mount.
 *
 * Linux:   fs/proc/generic.c, root.c, inode.c (6.1)
 * Same:    proc_create_single(); entries may be added before and after the mount; one instance for all mounts.
 * Differs: 1. missing directories of a path are made. 2. entries are never removed.
 * Locks:   LEAF for the tree.
 * Walk:    walk_component() -> lookup_slow() -> proc_root_lookup() -> proc_lookup_static().
 */
#include "fs/proc/internal.h"
#include "kernel/slab.h"
#include "kernel/string.h"

struct proc_dir_entry proc_root = {
	.name = "", .mode = S_IFDIR | 0555, .ino = 1,
	.children = LIST_HEAD_INIT(proc_root.children), .sibling = LIST_HEAD_INIT(proc_root.sibling),
};
static DEFINE_SPINLOCK(proc_lock, LC_LEAF);	/* the tree */
static u64 next_ino = 2;			/* proc_lock */
static struct super_block *proc_sb;

static const struct inode_operations proc_dir_iops, proc_root_iops, proc_file_iops;
static const struct file_operations proc_dir_fops, proc_root_fops, proc_text_fops;

static struct proc_dir_entry *find_locked(struct proc_dir_entry *dir, const char *name, size_t len)
{
	struct proc_dir_entry *e;

	list_for_each_entry(e, &dir->children, sibling) {
		if (strlen(e->name) == len && !memcmp(e->name, name, len))
			return e;
	}
	return NULL;
}

static struct proc_dir_entry *find_entry(struct proc_dir_entry *dir, const char *name, size_t len)
{
	unsigned long flags;

	spin_lock_irqsave(&proc_lock, flags);
	struct proc_dir_entry *e = find_locked(dir, name, len);

	spin_unlock_irqrestore(&proc_lock, flags);
	return e;
}

/* The entry @name of @dir, made if it is not there. Context: boot, where running out of memory is the end. */
static struct proc_dir_entry *get_entry(struct proc_dir_entry *dir, const char *name, size_t len, umode_t mode)
{
	struct proc_dir_entry *e = find_entry(dir, name, len);
	unsigned long flags;

	if (e)
		return e;
	e = kzalloc(sizeof(*e) + len + 1, GFP_KERNEL);
	ASSERT(e);
	e->name = (char *)(e + 1);
	memcpy(e->name, name, len);
	e->parent = dir;
	e->mode = mode;
	INIT_LIST_HEAD(&e->children);
	spin_lock_irqsave(&proc_lock, flags);
	e->ino = next_ino++;
	list_add_tail(&e->sibling, &dir->children);
	spin_unlock_irqrestore(&proc_lock, flags);
	return e;
}

struct proc_dir_entry *proc_add(const char *path, umode_t mode)
{
	struct proc_dir_entry *dir = &proc_root;
	const char *slash;

	while ((slash = strchr(path, '/'))) {
		dir = get_entry(dir, path, (size_t)(slash - path), S_IFDIR | 0555);
		path = slash + 1;
	}
	return get_entry(dir, path, strlen(path), mode);
}

void proc_create_single(const char *path, void (*show)(struct seq_file *m, void *arg), void *arg)
{
	proc_create_rw(path, show, NULL, arg);
}

void proc_create_rw(const char *path, void (*show)(struct seq_file *m, void *arg),
		    int (*write)(const char *text, size_t len, void *arg), void *arg)
{
	struct proc_dir_entry *e = proc_add(path, S_IFREG | (write ? 0644 : 0444));

	e->text = (struct proc_text){ show, write, arg };
}

struct inode *proc_new_inode(struct super_block *sb, umode_t mode, u64 ino)
{
	struct inode *inode = new_inode(sb, mode);

	if (!inode)
		return NULL;
	if (ino)
		inode->i_ino = ino;
	inode->i_uid = 0;
	inode->i_gid = 0;
	if (S_ISDIR(mode))
		inode->i_nlink = 2;
	return inode;
}

int proc_setattr(__unused struct inode *inode, const struct iattr *attr)
{
	return attr->ia_valid & ~(unsigned int)ATTR_SIZE ? -EPERM : 0;
}

ssize_t proc_dir_read(__unused struct kiocb *iocb, __unused struct iov_iter *to)
{
	return -EISDIR;
}

struct dentry *proc_lookup_static(struct proc_dir_entry *dir, struct dentry *dentry)
{
	struct proc_dir_entry *e = find_entry(dir, dentry->d_name, dentry->d_len);

	if (!e)
		return ERR_PTR(-ENOENT);
	struct inode *inode = proc_new_inode(proc_sb, e->mode, e->ino);

	if (!inode)
		return ERR_PTR(-ENOMEM);
	inode->i_private = e;
	if (S_ISDIR(e->mode)) {
		inode->i_op = &proc_dir_iops;
		inode->i_fop = &proc_dir_fops;
	} else if (S_ISLNK(e->mode)) {
		inode->i_op = e->iops;
	} else {
		inode->i_op = &proc_file_iops;
		inode->i_fop = e->fops ? e->fops : &proc_text_fops;
	}
	d_add(dentry, inode);
	return NULL;
}

static struct dentry *proc_dir_lookup(struct inode *dir, struct dentry *dentry)
{
	return proc_lookup_static(dir->i_private, dentry);
}

static struct dentry *proc_root_lookup(__unused struct inode *dir, struct dentry *dentry)
{
	struct dentry *err = proc_lookup_static(&proc_root, dentry);
	unsigned int pid;

	if (PTR_ERR(err) != -ENOENT || !proc_parse_number(dentry, &pid))
		return err;
	struct task_struct *p = find_get_task((pid_t)pid);

	if (!p)
		return err;
	err = proc_pid_dir(dir, dentry, p, false);
	put_task_struct(p);
	return err;
}

/* The entry at place @n, or NULL. Entries never go, so it may be used without the lock. */
static struct proc_dir_entry *nth_entry(struct proc_dir_entry *dir, loff_t n)
{
	struct proc_dir_entry *e, *found = NULL;
	unsigned long flags;

	spin_lock_irqsave(&proc_lock, flags);
	list_for_each_entry(e, &dir->children, sibling) {
		if (n-- == 0) {
			found = e;
			break;
		}
	}
	spin_unlock_irqrestore(&proc_lock, flags);
	return found;
}

bool proc_readdir_static(struct proc_dir_entry *dir, struct dir_context *ctx, loff_t *end)
{
	struct proc_dir_entry *e;
	loff_t pos = 2;

	while ((e = nth_entry(dir, pos - 2))) {
		if (pos == ctx->pos) {
			if (!dir_emit(ctx, e->name, (int)strlen(e->name), e->ino, (e->mode & S_IFMT) >> 12))
				return false;
			ctx->pos++;
		}
		pos++;
	}
	*end = pos;
	return true;
}

static int proc_dir_readdir(struct file *file, struct dir_context *ctx)
{
	loff_t end;

	if (dir_emit_dots(file, ctx))
		proc_readdir_static(file->f_inode->i_private, ctx, &end);
	return 0;
}

/* Processes come behind the static entries, at places that their ids name. */
#define PID_POS 0x10000
static int proc_root_readdir(struct file *file, struct dir_context *ctx)
{
	char name[12];
	loff_t end;

	if (!dir_emit_dots(file, ctx))
		return 0;
	if (ctx->pos < PID_POS) {
		if (!proc_readdir_static(&proc_root, ctx, &end))
			return 0;
		ctx->pos = PID_POS;
	}
	for (;;) {
		pid_t pid = next_tgid((pid_t)(ctx->pos - PID_POS));

		if (!pid)
			return 0;
		ctx->pos = PID_POS + pid;
		if (!dir_emit(ctx, name, snprintf(name, sizeof(name), "%d", pid), PID_POS + (u64)pid, DT_DIR))
			return 0;
		ctx->pos++;
	}
}

static int proc_text_open(struct inode *inode, struct file *file)
{
	struct proc_dir_entry *e = inode->i_private;

	return text_open(file, &e->text, NULL);
}

static const struct inode_operations proc_dir_iops = { .lookup = proc_dir_lookup, .setattr = proc_setattr };
static const struct inode_operations proc_root_iops = { .lookup = proc_root_lookup, .setattr = proc_setattr };
static const struct inode_operations proc_file_iops = { .setattr = proc_setattr };
static const struct file_operations proc_dir_fops = {
	.llseek = generic_file_llseek, .read_iter = proc_dir_read, .iterate_shared = proc_dir_readdir,
};
static const struct file_operations proc_root_fops = {
	.llseek = generic_file_llseek, .read_iter = proc_dir_read, .iterate_shared = proc_root_readdir,
};
static const struct file_operations proc_text_fops = {
	.open = proc_text_open, .llseek = generic_file_llseek, .read_iter = text_read, .write_iter = text_write,
	.release = text_release,
};

/* What a process's inodes remember; the static ones point to entries, which stay. */
static void proc_evict_inode(struct inode *inode)
{
	if (inode->i_op != &proc_dir_iops && inode->i_op != &proc_root_iops && inode->i_op != &proc_file_iops &&
	    inode->i_ino >= PID_POS)
		kfree(inode->i_private);
}

static const struct super_operations proc_sops = { .evict_inode = proc_evict_inode };

static struct super_block *proc_mount(__unused struct file_system_type *t, __unused const char *dev,
				      __unused char *data)
{
	return proc_sb;
}

static struct file_system_type proc_type = { .name = "proc", .mount = proc_mount };

void proc_init(void)
{
	proc_sb = alloc_super("proc", PROC_MAGIC, &proc_sops);
	ASSERT(proc_sb);
	atomic64_set(&proc_sb->s_next_ino, 1L << 20);
	struct inode *root = proc_new_inode(proc_sb, S_IFDIR | 0555, 1);

	if (root) {
		root->i_op = &proc_root_iops;
		root->i_fop = &proc_root_fops;
	}
	proc_sb->s_root = d_make_root(proc_sb, root);
	ASSERT(proc_sb->s_root);
	proc_sb->s_active = 1;	/* kept without a mount, too */
	register_filesystem(&proc_type);
	proc_base_init();
	proc_system_init();
	proc_sysctl_init();
	proc_sysrq_init();
	proc_pollux_init();
}

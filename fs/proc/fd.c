/*
 * fs/proc/fd.c - /proc/PID/fd and fdinfo: the open files of a process.
 *
 * Linux:   fs/proc/fd.c (6.1)
 * Same:    fd/N leads to the file itself, also where no name does: a pipe can be opened again through it; the texts
 *          "pipe:[N]", "socket:[N]", "anon_inode:NAME"; fdinfo's lines.
 * Differs: none of note.
 * Locks:   FDTABLE inside task_next_fd().
 * Walk:    readlink("/proc/self/fd/0") -> fd_readlink(); open of it -> fd_link_path().
 */
#include "fs/anon_inodes.h"
#include "fs/file.h"
#include "fs/proc/internal.h"
#include "kernel/slab.h"
#include "kernel/string.h"

/* The file behind an fd/N inode, with a reference, or NULL. @cloexec: see task_next_fd(). */
static struct file *get_file_of(const struct inode *inode, bool *cloexec)
{
	const struct proc_inode *pi = inode->i_private;
	struct task_struct *p = get_proc_task(inode);
	unsigned int fd = pi->fd;

	if (!p)
		return NULL;
	struct file *file = task_next_fd(p, &fd, cloexec);

	put_task_struct(p);
	if (file && fd != pi->fd) {
		fput(file);
		file = NULL;
	}
	return file;
}

static int fd_link_path(struct inode *inode, struct path *path)
{
	struct file *file = get_file_of(inode, NULL);
	int err = 0;

	if (!file)
		return -ENOENT;
	if (file->f_path.dentry) {
		*path = file->f_path;
		path_get(path);
	} else {
		err = pseudo_path(file->f_inode, path);
	}
	fput(file);
	return err;
}

static int pseudo_name(const struct file *file, char *buf, size_t size)
{
	const struct inode *inode = file->f_inode;

	if (S_ISSOCK(inode->i_mode))
		return scnprintf(buf, size, "socket:[%llu]", (unsigned long long)inode->i_ino);
	if (S_ISFIFO(inode->i_mode))
		return scnprintf(buf, size, "pipe:[%llu]", (unsigned long long)inode->i_ino);
	const char *name = anon_inode_name(file);

	return scnprintf(buf, size, "anon_inode:%s", name ? name : "");
}

static int fd_readlink(struct inode *inode, char *buf, size_t size)
{
	struct file *file = get_file_of(inode, NULL);

	if (!file)
		return -ENOENT;
	if (file->f_inode && inode_is_pseudo(file->f_inode)) {
		int len = pseudo_name(file, buf, size);

		fput(file);
		return len;
	}
	char *page = __getname();
	char *s = page ? d_path(&file->f_path, page, PATH_MAX) : ERR_PTR(-ENOMEM);
	int len = IS_ERR(s) ? (int)PTR_ERR(s) : (int)min(strlen(s), size);

	if (len > 0)
		memcpy(buf, s, (size_t)len);
	if (page)
		__putname(page);
	fput(file);
	return len;
}

static const struct inode_operations fd_link_iops = {
	.readlink = fd_readlink, .get_link_path = fd_link_path, .setattr = proc_setattr,
};

static void fdinfo_show(struct seq_file *m, void *arg)
{
	bool cloexec;
	struct file *file = get_file_of(arg, &cloexec);

	if (!file)
		return;
	int flags = file->f_flags & ~O_CLOEXEC;	/* which is not the file's, but the descriptor's */

	seq_printf(m, "pos:\t%lld\nflags:\t0%o\nmnt_id:\t%d\nino:\t%llu\n",
		   (long long)max(file->f_pos, (loff_t)0), cloexec ? flags | O_CLOEXEC : flags, 0,
		   file->f_inode ? (unsigned long long)file->f_inode->i_ino : 0);
	if (file->f_op->show_fdinfo)
		file->f_op->show_fdinfo(m, file);
	fput(file);
}

static void put_inode(void *inode)
{
	iput(inode);
}

static int fdinfo_open(struct inode *inode, struct file *file)
{
	struct proc_text t = { fdinfo_show, NULL, inode };

	ihold(inode);
	int err = text_open(file, &t, put_inode);

	if (err)
		iput(inode);
	return err;
}

static const struct inode_operations fdinfo_iops = { .setattr = proc_setattr };
static const struct file_operations fdinfo_file_fops = {
	.open = fdinfo_open, .llseek = generic_file_llseek, .read_iter = text_read, .release = text_release,
};

/* A link's mode says how the file is open, as in Linux. */
static umode_t fd_mode(const struct file *file, bool info)
{
	if (info)
		return S_IFREG | 0444;
	return S_IFLNK | S_IXUSR | (file->f_mode & FMODE_READ ? S_IRUSR : 0) |
	       (file->f_mode & FMODE_WRITE ? S_IWUSR : 0);
}

/* The entry of descriptor @fd of @p. Return: NULL or ERR_PTR. */
static struct dentry *fd_entry(struct inode *dir, struct dentry *dentry, struct task_struct *p, unsigned int fd,
			       bool info)
{
	unsigned int found = fd;
	struct file *file = task_next_fd(p, &found, NULL);
	struct dentry *err = ERR_PTR(-ENOENT);

	if (file && found == fd) {
		struct inode *inode = proc_pid_inode(dir->i_sb, p, fd_mode(file, info), NULL, fd);

		err = inode ? NULL : ERR_PTR(-ENOMEM);
		if (inode) {
			inode->i_op = info ? &fdinfo_iops : &fd_link_iops;
			inode->i_fop = info ? &fdinfo_file_fops : NULL;
			inode->i_size = info ? 0 : 64;
			d_add(dentry, inode);
		}
	}
	if (file)
		fput(file);
	return err;
}

static struct dentry *fd_lookup(struct inode *dir, struct dentry *dentry, bool info)
{
	struct task_struct *p = get_proc_task(dir);
	struct dentry *err = ERR_PTR(-ENOENT);
	unsigned int fd;

	if (!p)
		return err;
	if (!may_see(p))
		err = ERR_PTR(-EACCES);
	else if (proc_parse_number(dentry, &fd))
		err = fd_entry(dir, dentry, p, fd, info);
	put_task_struct(p);
	return err;
}

static struct dentry *fd_dir_lookup(struct inode *dir, struct dentry *dentry)
{
	return fd_lookup(dir, dentry, false);
}

static struct dentry *fdinfo_dir_lookup(struct inode *dir, struct dentry *dentry)
{
	return fd_lookup(dir, dentry, true);
}

static int fd_readdir(struct file *file, struct dir_context *ctx, unsigned int type)
{
	struct task_struct *p = get_proc_task(file->f_inode);
	char name[12];

	if (!p)
		return -ENOENT;
	if (dir_emit_dots(file, ctx) && may_see(p)) {
		for (;;) {
			unsigned int fd = (unsigned int)(ctx->pos - 2);
			struct file *f = task_next_fd(p, &fd, NULL);

			if (!f)
				break;
			fput(f);
			ctx->pos = (loff_t)fd + 2;
			if (!dir_emit(ctx, name, snprintf(name, sizeof(name), "%u", fd),
				      file->f_inode->i_ino + fd, type))
				break;
			ctx->pos++;
		}
	}
	put_task_struct(p);
	return 0;
}

static int fd_dir_readdir(struct file *file, struct dir_context *ctx)
{
	return fd_readdir(file, ctx, DT_LNK);
}

static int fdinfo_dir_readdir(struct file *file, struct dir_context *ctx)
{
	return fd_readdir(file, ctx, DT_REG);
}

const struct inode_operations proc_fd_iops = { .lookup = fd_dir_lookup, .setattr = proc_setattr };
const struct inode_operations proc_fdinfo_iops = { .lookup = fdinfo_dir_lookup, .setattr = proc_setattr };
const struct file_operations proc_fd_fops = {
	.llseek = generic_file_llseek, .read_iter = proc_dir_read, .iterate_shared = fd_dir_readdir,
};
const struct file_operations proc_fdinfo_fops = {
	.llseek = generic_file_llseek, .read_iter = proc_dir_read, .iterate_shared = fdinfo_dir_readdir,
};

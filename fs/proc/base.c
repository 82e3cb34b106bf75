/*
 * fs/proc/base.c - /proc/PID: a directory for each process and thread, made from a table when someone looks.
 *
 * Linux:   fs/proc/base.c, self.c, thread_self.c (6.1)
 * Same:    the entries below, their modes and owners; links that lead to the file itself (exe, cwd, root).
 * Differs: 1. dentries die with their last user, so a process that ended leaves nothing to be invalidated.
 *          2. who may look into a process is decided by its user ids alone.
 * Locks:   PIDTAB for what hangs on a task.
 * Walk:    proc_root_lookup() -> proc_pid_dir(); proc_pid_lookup() -> proc_pid_inode(); read -> show.
 */
#include "fs/file.h"
#include "fs/proc/internal.h"
#include "kernel/mm.h"
#include "kernel/slab.h"
#include "kernel/string.h"

static const struct pid_entry tgid_entries[];
static const struct inode_operations pid_dir_iops, tid_dir_iops, pid_file_iops, pid_link_iops;
static const struct file_operations pid_dir_fops, tid_dir_fops, pid_text_fops;

struct task_struct *get_proc_task(const struct inode *inode)
{
	const struct proc_inode *pi = inode->i_private;
	struct task_struct *p = find_get_task(pi->pid);

	if (p && p->start_time_ns == pi->start_time_ns)
		return p;
	if (p)
		put_task_struct(p);
	return NULL;
}

struct files_struct *get_files(struct task_struct *p)
{
	unsigned long flags;

	spin_lock_irqsave(&pidtab_lock, flags);
	struct files_struct *files = p->files;

	if (files)
		refcount_inc(&files->count);
	spin_unlock_irqrestore(&pidtab_lock, flags);
	return files;
}

struct fs_struct *get_fs(struct task_struct *p)
{
	unsigned long flags;

	spin_lock_irqsave(&pidtab_lock, flags);
	struct fs_struct *fs = p->fs;

	if (fs)
		refcount_inc(&fs->count);
	spin_unlock_irqrestore(&pidtab_lock, flags);
	return fs;
}

bool may_see(const struct task_struct *p)
{
	const struct cred *c = &current->cred;

	if (p->group_leader == current->group_leader || c->fsuid == 0)
		return true;
	return c->fsuid == p->cred.uid && c->fsuid == p->cred.euid && c->fsuid == p->cred.suid;
}

bool proc_parse_number(const struct dentry *dentry, unsigned int *v)
{
	*v = 0;
	if (dentry->d_len > 9 || (dentry->d_name[0] == '0' && dentry->d_len > 1))
		return false;
	for (int i = 0; i < dentry->d_len; i++) {
		if (dentry->d_name[i] < '0' || dentry->d_name[i] > '9')
			return false;
		*v = *v * 10 + (unsigned int)(dentry->d_name[i] - '0');
	}
	return true;
}

struct next_arg { pid_t from, best; };

static bool next_one(struct task_struct *p, void *data)
{
	struct next_arg *a = data;

	if (p->tgid >= a->from && (!a->best || p->tgid < a->best))
		a->best = p->tgid;
	return true;
}

pid_t next_tgid(pid_t from)
{
	struct next_arg a = { max(from, 1), 0 };

	for_each_process(next_one, &a);
	return a.best;
}

struct inode *proc_pid_inode(struct super_block *sb, struct task_struct *p, umode_t mode, const struct pid_entry *e,
			     unsigned int fd)
{
	struct proc_inode *pi = kmalloc(sizeof(*pi), GFP_KERNEL);

	if (!pi)
		return NULL;
	struct inode *inode = proc_new_inode(sb, mode, 0);

	if (!inode) {
		kfree(pi);
		return NULL;
	}
	*pi = (struct proc_inode){ .pid = p->pid, .start_time_ns = p->start_time_ns, .entry = e, .fd = fd };
	inode->i_private = pi;
	inode->i_uid = p->cred.euid;
	inode->i_gid = p->cred.egid;
	return inode;
}

struct dentry *proc_pid_dir(struct inode *dir, struct dentry *dentry, struct task_struct *p, bool thread)
{
	struct inode *inode = proc_pid_inode(dir->i_sb, p, S_IFDIR | 0555, NULL, 0);

	if (!inode)
		return ERR_PTR(-ENOMEM);
	inode->i_op = thread ? &tid_dir_iops : &pid_dir_iops;
	inode->i_fop = thread ? &tid_dir_fops : &pid_dir_fops;
	d_add(dentry, inode);
	return NULL;
}

static struct dentry *pid_lookup(struct inode *dir, struct dentry *dentry, bool thread)
{
	const struct pid_entry *e = tgid_entries;
	struct task_struct *p = get_proc_task(dir);

	if (!p)
		return ERR_PTR(-ENOENT);
	while (e->name && (strlen(e->name) != dentry->d_len || memcmp(e->name, dentry->d_name, dentry->d_len) ||
			   (thread ? e->leader_only : e->thread_only)))
		e++;
	struct inode *inode = e->name ? proc_pid_inode(dir->i_sb, p, e->mode, e, 0) : NULL;

	put_task_struct(p);
	if (!inode)
		return ERR_PTR(e->name ? -ENOMEM : -ENOENT);
	inode->i_op = e->iops ? e->iops : S_ISLNK(e->mode) ? &pid_link_iops : &pid_file_iops;
	inode->i_fop = e->fops ? e->fops : &pid_text_fops;
	d_add(dentry, inode);
	return NULL;
}

static struct dentry *proc_pid_lookup(struct inode *dir, struct dentry *dentry)
{
	return pid_lookup(dir, dentry, false);
}

static struct dentry *proc_tid_lookup(struct inode *dir, struct dentry *dentry)
{
	return pid_lookup(dir, dentry, true);
}

static int pid_readdir(struct file *file, struct dir_context *ctx, bool thread)
{
	loff_t pos = 2;

	if (!dir_emit_dots(file, ctx))
		return 0;
	for (const struct pid_entry *e = tgid_entries; e->name; e++, pos++) {
		if (pos != ctx->pos)
			continue;
		if (!(thread ? e->leader_only : e->thread_only) &&
		    !dir_emit(ctx, e->name, (int)strlen(e->name), file->f_inode->i_ino + (u64)pos,
			      (e->mode & S_IFMT) >> 12))
			return 0;
		ctx->pos++;
	}
	return 0;
}

static int proc_pid_readdir(struct file *file, struct dir_context *ctx)
{
	return pid_readdir(file, ctx, false);
}

static int proc_tid_readdir(struct file *file, struct dir_context *ctx)
{
	return pid_readdir(file, ctx, true);
}

static void put_task_arg(void *arg)
{
	put_task_struct(arg);
}

/* Each kind of text has its own type of argument; these two carry the entry's through struct proc_text's. */
struct pid_text { const struct pid_entry *e; struct task_struct *p; };

static void pid_text_show(struct seq_file *m, void *arg)
{
	struct pid_text *t = arg;

	t->e->show(m, t->p);
}

static int pid_text_write(const char *text, size_t len, void *arg)
{
	struct pid_text *t = arg;

	return t->e->write(text, len, t->p);
}

static void pid_text_put(void *arg)
{
	struct pid_text *t = arg;

	put_task_arg(t->p);
	kfree(t);
}

static int pid_text_open(struct inode *inode, struct file *file)
{
	const struct proc_inode *pi = inode->i_private;
	struct pid_text *t = kmalloc(sizeof(*t), GFP_KERNEL);

	if (!t)
		return -ENOMEM;
	t->e = pi->entry;
	t->p = get_proc_task(inode);
	if (!t->p) {
		kfree(t);
		return -ESRCH;
	}
	struct proc_text text = { pi->entry->show ? pid_text_show : NULL, pi->entry->write ? pid_text_write : NULL, t };
	int err = text_open(file, &text, pid_text_put);

	if (err)
		pid_text_put(t);
	return err;
}

static int pid_link_path(struct inode *inode, struct path *path)
{
	const struct proc_inode *pi = inode->i_private;
	struct task_struct *p = get_proc_task(inode);

	if (!p)
		return -ENOENT;
	int err = may_see(p) ? pi->entry->get_path(p, path) : -EACCES;

	put_task_struct(p);
	return err;
}

static int pid_readlink(struct inode *inode, char *buf, size_t size)
{
	struct path path;
	int err = pid_link_path(inode, &path);

	if (err)
		return err;
	char *page = __getname();
	char *s = page ? d_path(&path, page, PATH_MAX) : ERR_PTR(-ENOMEM);
	int len = IS_ERR(s) ? (int)PTR_ERR(s) : (int)min(strlen(s), size);

	if (len > 0)
		memcpy(buf, s, (size_t)len);
	if (page)
		__putname(page);
	path_put(&path);
	return len;
}

static int exe_path(struct task_struct *p, struct path *path)
{
	struct mm_struct *mm = get_task_mm(p);
	int err = -ENOENT;

	if (!mm)
		return err;
	if (mm->exe_file) {
		*path = mm->exe_file->f_path;
		path_get(path);
		err = 0;
	}
	mmput(mm);
	return err;
}

static int fs_path(struct task_struct *p, struct path *path, bool root)
{
	struct fs_struct *fs = get_fs(p);
	struct path a, b;

	if (!fs)
		return -ENOENT;
	get_fs_root_pwd(fs, &a, &b);
	*path = root ? a : b;
	path_put(root ? &b : &a);
	put_fs(fs);
	return 0;
}

static int cwd_path(struct task_struct *p, struct path *path)
{
	return fs_path(p, path, false);
}

static int root_path(struct task_struct *p, struct path *path)
{
	return fs_path(p, path, true);
}

/* A stretch of another address space as a text. */
static void show_memory(struct seq_file *m, struct task_struct *p, bool env)
{
	struct mm_struct *mm = get_task_mm(p);
	char buf[256];

	if (!mm)
		return;
	u64 at = env ? mm->env_start : mm->arg_start, end = env ? mm->env_end : mm->arg_end;

	while (at < end && !m->overflow) {
		size_t n = access_process_vm(mm, at, buf, min_t(size_t, sizeof(buf), end - at), false);

		if (!n)
			break;
		seq_write(m, buf, n);
		at += n;
	}
	mmput(mm);
}

static void show_cmdline(struct seq_file *m, struct task_struct *p)
{
	show_memory(m, p, false);
}

static void show_environ(struct seq_file *m, struct task_struct *p)
{
	if (may_see(p))
		show_memory(m, p, true);
}

static void show_auxv(struct seq_file *m, struct task_struct *p)
{
	struct mm_struct *mm = may_see(p) ? get_task_mm(p) : NULL;
	size_t n = 0;

	if (!mm)
		return;
	while (n + 2 <= ARRAY_SIZE(mm->saved_auxv) && mm->saved_auxv[n])
		n += 2;
	n = min(n + 2, ARRAY_SIZE(mm->saved_auxv));
	seq_write(m, mm->saved_auxv, n * sizeof(u64));
	mmput(mm);
}

static void show_comm(struct seq_file *m, struct task_struct *p)
{
	seq_printf(m, "%s\n", p->comm);
}

static int write_comm(const char *text, size_t len, struct task_struct *p)
{
	char name[TASK_COMM_LEN];

	if (p->group_leader != current->group_leader)
		return -EINVAL;
	strscpy(name, text, min(len + 1, sizeof(name)));
	set_task_comm(p, name);
	return 0;
}

static void show_pid_mounts(struct seq_file *m, __unused struct task_struct *p)
{
	show_mounts(m);
}

static void show_oom_adj(struct seq_file *m, struct task_struct *p)
{
	seq_printf(m, "%lld\n", (long long)p->signal->oom_score_adj);
}

static int write_oom_adj(const char *text, __unused size_t len, struct task_struct *p)
{
	s64 v;

	if (kstrtos64(text, 10, &v) || v < -1000 || v > 1000)
		return -EINVAL;
	if (v < p->signal->oom_score_adj && !capable_root())
		return -EACCES;
	p->signal->oom_score_adj = v;
	return 0;
}

/*
 * As with Linux's fault injection: the Nth allocation that the thread asks for fails, once; 0: none. Debug
 * builds only.
 */
static void show_fail_nth(struct seq_file *m, struct task_struct *p)
{
	seq_printf(m, "%ld\n", READ_ONCE(p->fail_nth));
}

static int write_fail_nth(const char *text, __unused size_t len, struct task_struct *p)
{
	s64 n;

	if (!CONFIG_DEBUG)
		return -EOPNOTSUPP;
	if (kstrtos64(text, 10, &n) || n < 0)
		return -EINVAL;
	WRITE_ONCE(p->fail_nth, n);
	return 0;
}

static void show_wchan(struct seq_file *m, __unused struct task_struct *p)
{
	seq_puts(m, "0");
}

static void show_loginuid(struct seq_file *m, __unused struct task_struct *p)
{
	seq_puts(m, "4294967295");
}

/* --- task/: the threads --- */

static struct dentry *task_dir_lookup(struct inode *dir, struct dentry *dentry)
{
	struct task_struct *leader = get_proc_task(dir);
	struct dentry *err = ERR_PTR(-ENOENT);
	unsigned int tid;

	if (!leader)
		return err;
	if (proc_parse_number(dentry, &tid)) {
		struct task_struct *p = find_get_task((pid_t)tid);

		if (p && p->tgid == leader->tgid)
			err = proc_pid_dir(dir, dentry, p, true);
		if (p)
			put_task_struct(p);
	}
	put_task_struct(leader);
	return err;
}

/* The smallest thread id of @leader's process from @from on, or 0. */
static pid_t next_tid(struct task_struct *leader, pid_t from)
{
	struct task_struct *t;
	unsigned long flags;
	pid_t best = 0;

	spin_lock_irqsave(&pidtab_lock, flags);
	for_each_thread_locked(t, leader) {
		if (t->pid >= from && (!best || t->pid < best))
			best = t->pid;
	}
	spin_unlock_irqrestore(&pidtab_lock, flags);
	return best;
}

static int task_dir_readdir(struct file *file, struct dir_context *ctx)
{
	struct task_struct *leader = get_proc_task(file->f_inode);
	char name[12];
	pid_t tid;

	if (!leader)
		return -ENOENT;
	if (dir_emit_dots(file, ctx)) {
		while ((tid = next_tid(leader, (pid_t)(ctx->pos - 1)))) {
			ctx->pos = tid + 1;
			if (!dir_emit(ctx, name, snprintf(name, sizeof(name), "%d", tid),
				      file->f_inode->i_ino + (u64)tid, DT_DIR))
				break;
			ctx->pos++;
		}
	}
	put_task_struct(leader);
	return 0;
}

static int task_dir_getattr(struct inode *inode, struct kstat *st)
{
	struct task_struct *p = get_proc_task(inode);

	generic_fillattr(inode, st);
	if (p) {
		st->nlink += (u32)p->signal->nr_threads;
		put_task_struct(p);
	}
	return 0;
}

static const struct inode_operations task_dir_iops = {
	.lookup = task_dir_lookup, .getattr = task_dir_getattr, .setattr = proc_setattr,
};
static const struct file_operations task_dir_fops = {
	.llseek = generic_file_llseek, .read_iter = proc_dir_read, .iterate_shared = task_dir_readdir,
};

#define TEXT(n, m, fn) { .name = (n), .mode = S_IFREG | (m), .show = (fn) }
#define LINK(n, fn) { .name = (n), .mode = S_IFLNK | 0777, .get_path = (fn) }
static const struct pid_entry tgid_entries[] = {
	{ .name = "task", .mode = S_IFDIR | 0555, .iops = &task_dir_iops, .fops = &task_dir_fops, .leader_only = true },
	{ .name = "fd", .mode = S_IFDIR | 0500, .iops = &proc_fd_iops, .fops = &proc_fd_fops },
	{ .name = "fdinfo", .mode = S_IFDIR | 0555, .iops = &proc_fdinfo_iops, .fops = &proc_fdinfo_fops },
	TEXT("environ", 0400, show_environ),
	TEXT("auxv", 0400, show_auxv),
	TEXT("status", 0444, proc_pid_status),
	TEXT("limits", 0444, proc_pid_limits),
	{ .name = "comm", .mode = S_IFREG | 0644, .show = show_comm, .write = write_comm },
	TEXT("cmdline", 0444, show_cmdline),
	{ .name = "stat", .mode = S_IFREG | 0444, .show = proc_pid_stat, .leader_only = true },
	{ .name = "stat", .mode = S_IFREG | 0444, .show = proc_tid_stat, .thread_only = true },
	TEXT("statm", 0444, proc_pid_statm),
	TEXT("maps", 0444, proc_pid_maps),
	TEXT("smaps", 0444, proc_pid_smaps),
	LINK("cwd", cwd_path),
	LINK("root", root_path),
	LINK("exe", exe_path),
	TEXT("mounts", 0444, show_pid_mounts),
	TEXT("wchan", 0444, show_wchan),
	TEXT("loginuid", 0644, show_loginuid),
	{ .name = "oom_score_adj", .mode = S_IFREG | 0644, .show = show_oom_adj, .write = write_oom_adj },
	{ .name = "fail-nth", .mode = S_IFREG | 0600, .show = show_fail_nth, .write = write_fail_nth },
	{ .name = NULL },
};

static const struct inode_operations pid_dir_iops = { .lookup = proc_pid_lookup, .setattr = proc_setattr };
static const struct inode_operations tid_dir_iops = { .lookup = proc_tid_lookup, .setattr = proc_setattr };
static const struct inode_operations pid_file_iops = { .setattr = proc_setattr };
static const struct inode_operations pid_link_iops = {
	.readlink = pid_readlink, .get_link_path = pid_link_path, .setattr = proc_setattr,
};
static const struct file_operations pid_dir_fops = {
	.llseek = generic_file_llseek, .read_iter = proc_dir_read, .iterate_shared = proc_pid_readdir,
};
static const struct file_operations tid_dir_fops = {
	.llseek = generic_file_llseek, .read_iter = proc_dir_read, .iterate_shared = proc_tid_readdir,
};
static const struct file_operations pid_text_fops = {
	.open = pid_text_open, .llseek = generic_file_llseek, .read_iter = text_read, .write_iter = text_write,
	.release = text_release,
};

static int self_readlink(__unused struct inode *inode, char *buf, size_t size)
{
	return scnprintf(buf, size, "%d", current->tgid);
}

static int thread_self_readlink(__unused struct inode *inode, char *buf, size_t size)
{
	return scnprintf(buf, size, "%d/task/%d", current->tgid, current->pid);
}

static const struct inode_operations self_iops = { .readlink = self_readlink, .setattr = proc_setattr };
static const struct inode_operations thread_self_iops = { .readlink = thread_self_readlink, .setattr = proc_setattr };

static int mounts_readlink(__unused struct inode *inode, char *buf, size_t size)
{
	return scnprintf(buf, size, "self/mounts");
}
static const struct inode_operations mounts_iops = { .readlink = mounts_readlink, .setattr = proc_setattr };

void proc_base_init(void)
{
	proc_add("self", S_IFLNK | 0777)->iops = &self_iops;
	proc_add("thread-self", S_IFLNK | 0777)->iops = &thread_self_iops;
	proc_add("mounts", S_IFLNK | 0777)->iops = &mounts_iops;
}

/*
 * fs/proc/internal.h - what the files of /proc share.
 *
 * Linux:   fs/proc/internal.h (6.1)
 * Same:    static entries in a tree; a process's directory made from a table.
 * Differs: 1. one kind of file: a text made whole when it is read from its beginning.
 * Locks:   LEAF (the tree).
 * Walk:    open("/proc/1/stat") -> proc_root_lookup() -> proc_pid_lookup() -> text_open(); read -> text_read() -> show.
 */
#pragma once
#include "fs/internal.h"
#include "fs/procfs.h"
#include "kernel/process.h"
#include "kernel/task.h"

#define PROC_MAGIC 0x9fa0

/* What a text file is made by; in inode->i_private or found through it. */
struct proc_text {
	void (*show)(struct seq_file *m, void *arg);
	int (*write)(const char *text, size_t len, void *arg);	/* NULL: read-only */
	void *arg;
};

/* A static entry. */
struct proc_dir_entry {
	/* immutable */
	struct proc_dir_entry *parent;
	char *name;
	umode_t mode;
	u64 ino;
	struct proc_text text;			/* a file */
	const struct file_operations *fops;	/* a file that is no text */
	const struct inode_operations *iops;	/* a link */
	/* proc_lock */
	struct list_head children, sibling;
};
extern struct proc_dir_entry proc_root;

/* generic.c */
struct proc_dir_entry *proc_add(const char *path, umode_t mode);
struct dentry *proc_lookup_static(struct proc_dir_entry *dir, struct dentry *dentry);
/*
 * proc_readdir_static - from ctx->pos on. Return: false when the buffer is full; *@end is the position
 * behind the last.
 */
bool proc_readdir_static(struct proc_dir_entry *dir, struct dir_context *ctx, loff_t *end);
struct inode *proc_new_inode(struct super_block *sb, umode_t mode, u64 ino);
/* proc_setattr - only a truncation, which means nothing, is allowed. */
int proc_setattr(struct inode *inode, const struct iattr *attr);
ssize_t proc_dir_read(struct kiocb *iocb, struct iov_iter *to);

/* seq_file.c: text files. */
/*
 * text_open - for a file whose text is made by @t (copied); text.arg's @put is called at the end (may be
 * NULL). Return: 0 or -ENOMEM.
 */
int text_open(struct file *file, const struct proc_text *t, void (*put)(void *arg));
extern const struct file_operations text_fops;	/* without open */
ssize_t text_read(struct kiocb *iocb, struct iov_iter *to);
ssize_t text_write(struct kiocb *iocb, struct iov_iter *from);
int text_release(struct inode *inode, struct file *file);

/* base.c: the directories of processes. */
/*
 * A process as an inode remembers it: by number and birth, so that it pins no memory and is not taken for
 * its successor.
 */
struct proc_inode {
	pid_t pid;
	u64 start_time_ns;
	const struct pid_entry *entry;	/* NULL: a directory that has its own operations */
	unsigned int fd;		/* fd/N, fdinfo/N */
};
struct pid_entry {
	const char *name;
	umode_t mode;
	void (*show)(struct seq_file *m, struct task_struct *p);
	int (*write)(const char *text, size_t len, struct task_struct *p);
	int (*get_path)(struct task_struct *p, struct path *path);	/* a link */
	const struct inode_operations *iops;				/* a directory */
	const struct file_operations *fops;
	bool leader_only, thread_only;	/* not under task/TID; only there */
};
/* get_proc_task - the task @inode is about, with a reference, or NULL when it is gone. */
struct task_struct *get_proc_task(const struct inode *inode) __must_check;
/* proc_pid_inode - an inode about @p. NULL: out of memory. */
struct inode *proc_pid_inode(struct super_block *sb, struct task_struct *p, umode_t mode,
			     const struct pid_entry *e, unsigned int fd);
/* proc_pid_dir - make @dentry the directory of @p. Return: NULL or ERR_PTR. */
struct dentry *proc_pid_dir(struct inode *dir, struct dentry *dentry, struct task_struct *p, bool thread);
bool proc_parse_number(const struct dentry *dentry, unsigned int *v);
/* may_see - may current look into @p's address space and files? */
bool may_see(const struct task_struct *p);
/* next_tgid - the smallest process id from @from on, or 0. */
pid_t next_tgid(pid_t from);
/* get_fs - @p's root and working directory with a reference (put_fs()), or NULL. */
struct fs_struct *get_fs(struct task_struct *p);
void proc_base_init(void);

/* fd.c */
extern const struct inode_operations proc_fd_iops, proc_fdinfo_iops;
extern const struct file_operations proc_fd_fops, proc_fdinfo_fops;

/* array.c, maps.c: texts about a process. */
void proc_pid_stat(struct seq_file *m, struct task_struct *p);
void proc_tid_stat(struct seq_file *m, struct task_struct *p);
void proc_pid_statm(struct seq_file *m, struct task_struct *p);
void proc_pid_status(struct seq_file *m, struct task_struct *p);
void proc_pid_limits(struct seq_file *m, struct task_struct *p);
void proc_pid_maps(struct seq_file *m, struct task_struct *p);
void proc_pid_smaps(struct seq_file *m, struct task_struct *p);

/* system.c, sysctl.c, pollux.c: texts about the system. */
void proc_system_init(void);
void proc_sysctl_init(void);
void proc_sysrq_init(void);
void proc_pollux_init(void);

/*
 * fs/file.h - the table that turns a small number into an open file.
 *
 * Linux:   include/linux/file.h, fdtable.h (6.1)
 * Same:    fdget()/fdput() borrow without counting while the table has one user; get_unused_fd_flags() reserves,
 *          fd_install() publishes.
 * Differs: 1. lookups in a shared table take its lock for a moment: no RCU.
 * Locks:   FDTABLE.
 * Walk:    every system call that names a descriptor.
 */
#pragma once
#include "kernel/refcount.h"
#include "kernel/err.h"
#include "kernel/spinlock.h"

struct file;
struct task_struct;

#define NR_OPEN_DEFAULT 64
struct files_struct {
	refcount_t count;		/* one per task that shares it, one per borrower */
	/* file_lock (FDTABLE) */
	spinlock_t file_lock;
	unsigned int max_fds;
	unsigned int next_fd;		/* nothing free below */
	struct file **fd;		/* read without the lock by a sole user */
	unsigned long *open_fds, *close_on_exec;
	struct file *fd_array[NR_OPEN_DEFAULT];
	unsigned long open_fds_init, close_on_exec_init;
};
struct fd { struct file *file; bool need_put; };

/*
 * fdget - the file of descriptor @fd, .file NULL if not open (or O_PATH; fdget_raw gives those too). fdput
 * returns it. Context: task.
 */
struct fd fdget(unsigned int fd);
struct fd fdget_raw(unsigned int fd);
static inline void fdput(struct fd f);
/* fget - with a counted reference, or NULL. */
struct file *fget(unsigned int fd);
/*
 * get_unused_fd_flags - reserve the lowest free number (flags: O_CLOEXEC). Return: fd or -EMFILE, -ENOMEM.
 * Context: task.
 */
int __must_check get_unused_fd_flags(unsigned int flags);
void put_unused_fd(unsigned int fd);
/* fd_install - publish; takes over the caller's reference. */
void fd_install(unsigned int fd, struct file *file);
/* close_fd - Return: 0, -EBADF or what flush() says. */
int close_fd(unsigned int fd);
/* receive etc. for SCM_RIGHTS use the above. do_dup2 - @file at @fd, closing what was there. */
int replace_fd(unsigned int fd, struct file *file, unsigned int flags);
/*
 * dup_files - a copy for fork (NULL: out of memory). put_files - drop; the last closes all.
 * do_close_on_exec - execve.
 */
struct files_struct *dup_files(struct files_struct *old);
struct files_struct *alloc_files(void);
void put_files(struct files_struct *files);
void do_close_on_exec(struct files_struct *files);
/* unshare_files_for_exec - current gets a table of its own. 0 or -ENOMEM. */
int unshare_files(void);
/* get_close_on_exec - of current's descriptor @fd; false if it is not open. Context: task. */
bool get_close_on_exec(unsigned int fd);
/*
 * task_next_fd - the file at @fd or the next above of another task, with a reference (for /proc). *@fd is
 * set, and *@cloexec, unless NULL, if that descriptor is closed on exec.
 */
struct file *task_next_fd(struct task_struct *p, unsigned int *fd, bool *cloexec);
/* file_max checks: files_open() for /proc/sys/fs/file-nr. */
long files_open(void);

/* get_files - @p's table with a reference (put_files() returns it), NULL when it has none. Context: task. */
struct files_struct *get_files(struct task_struct *p);

void fput(struct file *file);
static inline void fdput(struct fd f)
{
	if (f.need_put)
		fput(f.file);
}

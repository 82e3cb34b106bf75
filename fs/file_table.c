/*
 * fs/file_table.c - struct file: how an open file begins, and how its last reference ends it.
 *
 * Linux:   fs/file_table.c (6.1)
 * Same:    alloc_file(), fput(), __fput(); epoll is told before the file's own release(); the last fput() of a
 *          system call is put off until the return to user mode, where no lock is held.
 * Differs: 1. f_count may not be raised from zero: get_file_not_zero() asks.
 *          2. close(2) releases at once: it holds no lock either, and putting it off would only cost.
 * Locks:   LEAF for the list of files whose last reference went in an interrupt or a kernel thread.
 * Walk:    close() -> filp_close() -> __fput() -> eventpoll_release(), f_op->release().
 */
#include "fs/eventpoll.h"
#include "fs/file.h"
#include "fs/internal.h"
#include "fs/notify.h"
#include "kernel/slab.h"
#include "kernel/string.h"
#include "kernel/task.h"
#include "kernel/workqueue.h"

static struct kmem_cache *filp_cachep;
static atomic_long_t nr_files;

static void delayed_fput(struct work_struct *work);
static DEFINE_SPINLOCK(delayed_lock, LC_LEAF);
static LIST_HEAD(delayed_list);	/* delayed_lock */
static struct work_struct delayed_work;

long files_open(void)
{
	return atomic_long_read(&nr_files);
}

void files_init(void)
{
	filp_cachep = kmem_cache_create("filp", sizeof(struct file), 64);
	INIT_WORK(&delayed_work, delayed_fput);
}

struct file *alloc_file(const struct path *path, unsigned int flags, const struct file_operations *fop)
{
	struct file *f = kmem_cache_alloc(filp_cachep, GFP_KERNEL);

	if (!f)
		return ERR_PTR(-ENFILE);
	f->f_op = fop;
	f->private_data = NULL;
	f->f_path = *path;
	f->f_inode = path->dentry ? path->dentry->d_inode : NULL;
	f->f_mode = (flags + 1) & O_ACCMODE;
	f->f_mode |= fop->llseek ? FMODE_LSEEK | FMODE_PREAD | FMODE_PWRITE : FMODE_STREAM;
	spin_lock_init(&f->f_lock, LC_FILE_F);
	f->f_flags = flags & ~(unsigned int)(O_CREAT | O_EXCL | O_TRUNC | O_CLOEXEC);
	f->f_ep.first = NULL;
	f->f_owner = 0;
	f->f_owner_sig = 0;
	f->f_fasync = NULL;
	mutex_init(&f->f_pos_lock, LC_FPOS);
	f->f_pos = 0;
	atomic_long_set(&f->f_count, 1);
	atomic_long_inc(&nr_files);
	return f;
}

struct file *alloc_file_pseudo(struct inode *inode, unsigned int flags, const struct file_operations *fop)
{
	static const struct path no_path;
	struct file *f = alloc_file(&no_path, flags, fop);

	if (IS_ERR(f))
		return f;
	f->f_inode = inode;
	f->f_mode |= FMODE_PSEUDO;
	return f;
}

/* A file that was never published: open() failed. The path's references go, release() is not called. */
void file_free(struct file *f)
{
	if (unlikely(f->f_mode & (FMODE_WRITER | FMODE_EXEC)))
		atomic_add(f->f_mode & FMODE_WRITER ? -1 : 1, &f->f_inode->i_writecount);
	if (f->f_path.dentry)
		path_put(&f->f_path);
	if (f->f_mode & FMODE_PSEUDO)
		iput(f->f_inode);
	atomic_long_dec(&nr_files);
	kmem_cache_free(filp_cachep, f);
}

void __fput(struct file *f)
{
	might_sleep();
	race_point(fput);
	if (f->f_path.dentry && !(f->f_mode & FMODE_PATH))
		fsnotify_dentry(f->f_path.dentry, f->f_mode & FMODE_WRITE ? IN_CLOSE_WRITE : IN_CLOSE_NOWRITE);
	eventpoll_release(f);
	if (unlikely(f->f_fasync))
		fasync_release(f);
	if (unlikely(f->f_inode && f->f_inode->i_flctx.next != &f->f_inode->i_flctx))
		locks_remove_file(f);
	if (f->f_op->release)
		f->f_op->release(f->f_inode, f);
	file_free(f);
}

static void delayed_fput(__unused struct work_struct *work)
{
	LIST_HEAD(list);

	spin_lock_irq(&delayed_lock);
	list_splice_init(&delayed_list, &list);
	spin_unlock_irq(&delayed_lock);
	while (!list_empty(&list)) {
		struct file *f = list_first_entry(&list, struct file, f_release);

		list_del(&f->f_release);
		__fput(f);
	}
}

/* The last reference is gone, but the caller may hold locks or be in an interrupt. */
static noinline void fput_last(struct file *f)
{
	unsigned long flags;

	if (in_task() && !(current->flags & (PF_KTHREAD | PF_IDLE))) {
		list_add_tail(&f->f_release, &current->deferred_fput);
		set_bit(TIF_NOTIFY_RESUME, &current->tif);
		return;
	}
	spin_lock_irqsave(&delayed_lock, flags);
	list_add_tail(&f->f_release, &delayed_list);
	spin_unlock_irqrestore(&delayed_lock, flags);
	schedule_work(&delayed_work);
}

void fput(struct file *f)
{
	if (atomic_long_dec_and_test(&f->f_count))
		fput_last(f);
}

void fput_now(struct file *f)
{
	if (atomic_long_dec_and_test(&f->f_count))
		__fput(f);
}

void run_deferred_fputs(void)
{
	while (!list_empty(&current->deferred_fput)) {
		struct file *f = list_first_entry(&current->deferred_fput, struct file, f_release);

		list_del(&f->f_release);
		__fput(f);
	}
}

bool get_file_not_zero(struct file *f)
{
	long old = atomic_long_read(&f->f_count);

	while (old) {
		long seen = atomic_long_cmpxchg(&f->f_count, old, old + 1);

		if (seen == old)
			return true;
		old = seen;
	}
	return false;
}

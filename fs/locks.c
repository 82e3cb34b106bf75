/*
 * fs/locks.c - advisory locks on files: flock(2), and fcntl(2)'s record locks of both owners.
 *
 * Linux:   fs/locks.c (6.1)
 * Same:    POSIX locks belong to the process (its fd table) and fall when it closes any descriptor of the file;
 *          OFD and flock locks belong to the open file; ranges split and merge; EDEADLK for a circle of POSIX waits.
 * Differs: 1. one wait queue and one lock for all of them: waiters look again when any lock goes. 2. no leases, no
 *             mandatory locks.
 * Locks:   LEAF (the lists), WAITQ.
 * Walk:    fcntl(F_SETLKW) -> setlk() -> wait for flock_wait; __fput() -> locks_remove_file().
 */
#include "fs/file.h"
#include "fs/internal.h"
#include "kernel/slab.h"
#include "kernel/syscall.h"
#include "kernel/task.h"
#include "kernel/uaccess.h"

enum { F_GETLK = 5, F_SETLK = 6, F_SETLKW = 7, F_OFD_GETLK = 36, F_OFD_SETLK = 37, F_OFD_SETLKW = 38 };
enum { F_RDLCK = 0, F_WRLCK = 1, F_UNLCK = 2 };
enum { LOCK_SH = 1, LOCK_EX = 2, LOCK_NB = 4, LOCK_UN = 8 };
enum lock_kind { FL_POSIX, FL_OFD, FL_FLOCK };
#define OFFSET_MAX ((loff_t)0x7fffffffffffffff)

struct flock_abi { s16 l_type, l_whence; s64 l_start, l_len; s32 l_pid; };

struct file_lock {
	struct list_head list;		/* inode->i_flctx */
	enum lock_kind kind;
	int type;			/* F_RDLCK or F_WRLCK */
	const void *owner;		/* files_struct, or file */
	pid_t pid;
	loff_t start, end;		/* inclusive */
	/* while it waits */
	struct inode *inode;
	struct list_head blocked;	/* waiting */
};

static DEFINE_SPINLOCK(flc_lock, LC_LEAF);
static LIST_HEAD(waiting);	/* flc_lock: requests asleep, for the search for circles */
static DECLARE_WAIT_QUEUE_HEAD(flock_wait);
static struct kmem_cache *filelock_cache;

void filelock_init(void)
{
	filelock_cache = kmem_cache_create("file_lock_cache", sizeof(struct file_lock), 0);
}

static bool same_owner(const struct file_lock *a, const struct file_lock *b)
{
	return a->kind == b->kind && a->owner == b->owner;
}

/* flock() locks and record locks do not see each other. */
static bool conflicts(const struct file_lock *a, const struct file_lock *b)
{
	if ((a->kind == FL_FLOCK) != (b->kind == FL_FLOCK) || same_owner(a, b))
		return false;
	return a->start <= b->end && b->start <= a->end && (a->type == F_WRLCK || b->type == F_WRLCK);
}

static struct file_lock *find_conflict(struct inode *inode, const struct file_lock *req)
{
	struct file_lock *fl;

	list_for_each_entry(fl, &inode->i_flctx, list) {
		if (conflicts(fl, req))
			return fl;
	}
	return NULL;
}

/* Would waiting for @blocker close a circle of waiting POSIX owners? */
static bool would_deadlock(const struct file_lock *req, const struct file_lock *blocker)
{
	const void *owner = blocker->owner;

	for (int steps = 0; steps < 64; steps++) {
		struct file_lock *w, *next = NULL;

		list_for_each_entry(w, &waiting, blocked) {
			if (w->kind == FL_POSIX && w->owner == owner)
				next = find_conflict(w->inode, w);
		}
		if (!next)
			return false;
		if (next->owner == req->owner)
			return true;
		owner = next->owner;
	}
	return false;
}

/*
 * Take [start, end] away from the owner's locks of this kind. @spare: for the second half when a lock is cut in two.
 * Return: true if @spare was used.
 */
static bool cut_range(struct inode *inode, const struct file_lock *req, struct file_lock *spare, struct list_head *dead)
{
	struct file_lock *fl, *next;
	bool used = false;

	list_for_each_entry_safe(fl, next, &inode->i_flctx, list) {
		if (!same_owner(fl, req) || fl->end < req->start || fl->start > req->end)
			continue;
		if (fl->start < req->start && fl->end > req->end) {
			*spare = *fl;
			spare->start = req->end + 1;
			fl->end = req->start - 1;
			list_add(&spare->list, &fl->list);
			used = true;
		} else if (fl->start < req->start) {
			fl->end = req->start - 1;
		} else if (fl->end > req->end) {
			fl->start = req->end + 1;
		} else {
			list_move(&fl->list, dead);
		}
	}
	return used;
}

/* Join @new with neighbours of the same owner and type. */
static void merge(struct inode *inode, struct file_lock *new, struct list_head *dead)
{
	struct file_lock *fl, *next;

	list_for_each_entry_safe(fl, next, &inode->i_flctx, list) {
		if (fl == new || !same_owner(fl, new) || fl->type != new->type)
			continue;
		bool touches = (fl->end != OFFSET_MAX && fl->end + 1 == new->start) ||
			       (new->end != OFFSET_MAX && new->end + 1 == fl->start);

		if (!touches)
			continue;
		new->start = min(new->start, fl->start);
		new->end = max(new->end, fl->end);
		list_move(&fl->list, dead);
	}
}

/*
 * Set or (F_UNLCK) clear @req. Return: 0, -EAGAIN if another holds it, -EDEADLK, -ENOLCK. On -EAGAIN @req stands
 * in 'waiting' if @wait.
 */
static int lock_inode(struct inode *inode, struct file_lock *req, bool wait)
{
	struct file_lock *new = kmem_cache_alloc(filelock_cache, GFP_KERNEL);
	struct file_lock *spare = kmem_cache_alloc(filelock_cache, GFP_KERNEL), *fl, *next;
	LIST_HEAD(dead);
	int err = new && spare ? 0 : -ENOLCK;
	unsigned long flags;

	spin_lock_irqsave(&flc_lock, flags);
	struct file_lock *blocker = req->type == F_UNLCK || err ? NULL : find_conflict(inode, req);

	if (blocker) {
		err = -EAGAIN;
		if (wait && req->kind == FL_POSIX && would_deadlock(req, blocker))
			err = -EDEADLK;
		else if (wait && list_empty(&req->blocked))
			list_add_tail(&req->blocked, &waiting);
	} else if (!err) {
		if (cut_range(inode, req, spare, &dead))
			spare = NULL;
		if (req->type != F_UNLCK) {
			*new = *req;
			list_add_tail(&new->list, &inode->i_flctx);
			merge(inode, new, &dead);
			new = NULL;
		}
	}
	if (err != -EAGAIN && !list_empty(&req->blocked))
		list_del_init(&req->blocked);
	spin_unlock_irqrestore(&flc_lock, flags);
	if (new)
		kmem_cache_free(filelock_cache, new);
	if (spare)
		kmem_cache_free(filelock_cache, spare);
	list_for_each_entry_safe(fl, next, &dead, list)
		kmem_cache_free(filelock_cache, fl);
	if (!err)
		wake_up_all(&flock_wait);
	return err;
}

static int setlk(struct inode *inode, struct file_lock *req, bool wait)
{
	int err;

	req->inode = inode;
	INIT_LIST_HEAD(&req->blocked);
	if (!wait)
		return lock_inode(inode, req, false);

	DEFINE_WAIT(entry);
	for (;;) {
		/* Queued before the test, so that an unlock between test and sleep is not missed. */
		long intr = prepare_to_wait_event(&flock_wait, &entry, TASK_INTERRUPTIBLE);

		__set_current_state(TASK_RUNNING);
		err = lock_inode(inode, req, true);
		if (err != -EAGAIN || intr)
			break;
		set_current_state(TASK_INTERRUPTIBLE);
		if (!list_empty_careful(&entry.entry))
			schedule();
		__set_current_state(TASK_RUNNING);
	}
	finish_wait(&flock_wait, &entry);
	if (err == -EAGAIN) {
		unsigned long flags;

		spin_lock_irqsave(&flc_lock, flags);
		if (!list_empty(&req->blocked))
			list_del_init(&req->blocked);
		spin_unlock_irqrestore(&flc_lock, flags);
		err = -ERESTARTSYS;
	}
	return err;
}

/* The caller's struct flock as a range. */
static int flock_to_lock(struct file *file, struct file_lock *fl, const struct flock_abi *l)
{
	switch (l->l_whence) {
	case 0:
		fl->start = 0;
		break;
	case 1:
		fl->start = file->f_pos;
		break;
	case 2:
		fl->start = file->f_inode->i_size;
		break;
	default:
		return -EINVAL;
	}
	if (l->l_start > OFFSET_MAX - fl->start)
		return -EOVERFLOW;
	fl->start += l->l_start;
	if (fl->start < 0)
		return -EINVAL;
	if (l->l_len > 0) {
		if (l->l_len - 1 > OFFSET_MAX - fl->start)
			return -EOVERFLOW;
		fl->end = fl->start + (l->l_len - 1);
	} else if (l->l_len < 0) {
		if (fl->start + l->l_len < 0)
			return -EINVAL;
		fl->end = fl->start - 1;
		fl->start += l->l_len;
	} else {
		fl->end = OFFSET_MAX;
	}
	if (l->l_type != F_RDLCK && l->l_type != F_WRLCK && l->l_type != F_UNLCK)
		return -EINVAL;
	fl->type = l->l_type;
	return 0;
}

static int getlk(struct inode *inode, const struct file_lock *req, struct flock_abi *l)
{
	unsigned long flags;

	if (req->type == F_UNLCK)
		return -EINVAL;
	spin_lock_irqsave(&flc_lock, flags);
	const struct file_lock *fl = find_conflict(inode, req);

	if (!fl) {
		l->l_type = F_UNLCK;
	} else {
		l->l_type = (s16)fl->type;
		l->l_whence = 0;
		l->l_start = fl->start;
		l->l_len = fl->end == OFFSET_MAX ? 0 : fl->end - fl->start + 1;
		l->l_pid = fl->kind == FL_OFD ? -1 : fl->pid;
	}
	spin_unlock_irqrestore(&flc_lock, flags);
	return 0;
}

long fcntl_lock(__unused unsigned int fd, struct file *file, unsigned int cmd, unsigned long arg)
{
	struct flock_abi l;
	bool ofd = cmd >= F_OFD_GETLK;
	struct file_lock req = { .kind = ofd ? FL_OFD : FL_POSIX, .pid = ofd ? -1 : current->tgid };

	if (copy_from_user(&l, UPTR(arg), sizeof(l)))
		return -EFAULT;
	req.owner = ofd ? (const void *)file : current->files;
	if (!file->f_inode)
		return -EINVAL;
	int err = flock_to_lock(file, &req, &l);

	if (err)
		return err;
	if (ofd && l.l_pid != 0)
		return -EINVAL;
	if (cmd == F_GETLK || cmd == F_OFD_GETLK) {
		err = getlk(file->f_inode, &req, &l);
		return err ? err : copy_to_user(UPTR(arg), &l, sizeof(l)) ? -EFAULT : 0;
	}
	if ((req.type == F_RDLCK && !(file->f_mode & FMODE_READ)) ||
	    (req.type == F_WRLCK && !(file->f_mode & FMODE_WRITE)))
		return -EBADF;
	return setlk(file->f_inode, &req, cmd == F_SETLKW || cmd == F_OFD_SETLKW);
}

/* All that @owner holds on @inode, of one kind. */
static void remove_all(struct inode *inode, enum lock_kind kind, const void *owner)
{
	struct file_lock req = { .kind = kind, .owner = owner, .type = F_UNLCK, .start = 0, .end = OFFSET_MAX };
	struct file_lock *fl, *next;
	LIST_HEAD(dead);
	unsigned long flags;

	spin_lock_irqsave(&flc_lock, flags);
	cut_range(inode, &req, NULL, &dead);	/* the whole range: nothing can be cut in two */
	spin_unlock_irqrestore(&flc_lock, flags);
	if (list_empty(&dead))
		return;
	list_for_each_entry_safe(fl, next, &dead, list)
		kmem_cache_free(filelock_cache, fl);
	wake_up_all(&flock_wait);
}

void locks_remove_posix(struct file *file, const void *owner)
{
	remove_all(file->f_inode, FL_POSIX, owner);
}

void locks_remove_file(struct file *file)
{
	remove_all(file->f_inode, FL_OFD, file);
	remove_all(file->f_inode, FL_FLOCK, file);
}

SYSCALL_DEFINE2(flock, unsigned int, fd, unsigned int, cmd)
{
	struct fd f = fdget(fd);
	struct file_lock req = { .kind = FL_FLOCK, .pid = current->tgid, .start = 0, .end = OFFSET_MAX };
	int err = 0;

	if (!f.file)
		return -EBADF;
	switch (cmd & ~(unsigned int)LOCK_NB) {
	case LOCK_SH:
		req.type = F_RDLCK;
		break;
	case LOCK_EX:
		req.type = F_WRLCK;
		break;
	case LOCK_UN:
		req.type = F_UNLCK;
		break;
	default:
		err = -EINVAL;
	}
	req.owner = f.file;
	if (!err && req.type != F_UNLCK && !(f.file->f_mode & (FMODE_READ | FMODE_WRITE)))
		err = -EBADF;
	if (!err && !f.file->f_inode)
		err = -EINVAL;
	if (!err)
		err = setlk(f.file->f_inode, &req, !(cmd & LOCK_NB));
	fdput(f);
	return err;
}

/*
 * drivers/char/pty.c - pseudo terminals: a terminal whose line is another program.
 *
 * Linux:   drivers/tty/pty.c, fs/devpts (6.1)
 * Same:    /dev/ptmx makes a pair; TIOCGPTN, TIOCSPTLCK, TIOCGPTPEER; the slave is /dev/pts/N; the master reads EIO
 *          when no slave is open any more, the slave is hung up when the master goes.
 * Differs: 1. one devpts for all mounts of it. 2. no packet mode (TIOCPKT).
 * Locks:   TASK_MTX (the table), LEAF (the output on its way to the master), TTY's.
 * Walk:    open("/dev/ptmx") -> ptmx_open(); slave write -> n_tty_write() -> pty_write() -> master_read().
 */
#include "drivers/char/tty.h"
#include "fs/file.h"
#include "kernel/process.h"
#include "kernel/signal.h"
#include "kernel/slab.h"
#include "kernel/string.h"
#include "kernel/uaccess.h"

enum { UNIX98_PTY_SLAVE_MAJOR = 136, PTMX_MAJOR = 5, PTMX_MINOR = 2, NR_PTYS = 64 };
#define TIOCGPTN 0x80045430U
#define TIOCSPTLCK 0x40045431U
#define TIOCGPTLCK 0x80045439U
enum { TIOCGPTPEER = 0x5441, FIONREAD = 0x541B };
#define PTY_BUF 8192U

struct pty {
	struct tty_struct slave;
	/* ptys_mutex */
	unsigned int index;
	bool locked;			/* until TIOCSPTLCK */
	/* atomic */
	refcount_t refs;		/* one for the master, one for each open file of the slave */
	/* single words */
	bool slave_opened;
	/* lock (LEAF): what the slave wrote and the master has not read */
	spinlock_t lock;
	unsigned int head, tail;
	u8 buf[PTY_BUF];
	wait_queue_head_t master_wait;
};

static DEFINE_MUTEX(ptys_mutex, LC_TASK_MTX);
static struct pty *ptys[NR_PTYS];	/* ptys_mutex */

static size_t pty_write(struct tty_struct *tty, const u8 *buf, size_t n)
{
	struct pty *pty = tty->driver_data;
	unsigned long flags;

	spin_lock_irqsave(&pty->lock, flags);
	n = min(n, (size_t)(PTY_BUF - (pty->head - pty->tail)));
	for (size_t i = 0; i < n; i++)
		pty->buf[pty->head++ % PTY_BUF] = buf[i];
	spin_unlock_irqrestore(&pty->lock, flags);
	if (n && wq_has_sleeper(&pty->master_wait))
		wake_up_interruptible_poll(&pty->master_wait, EPOLLIN | EPOLLRDNORM);
	return n;
}

static size_t pty_chars(struct tty_struct *tty)
{
	struct pty *pty = tty->driver_data;

	return READ_ONCE(pty->head) - READ_ONCE(pty->tail);
}

static size_t pty_room(struct tty_struct *tty)
{
	return PTY_BUF - pty_chars(tty);
}

/* The output is the master's to read: nothing waits on a wire. */
static size_t pty_none_waiting(__unused struct tty_struct *tty)
{
	return 0;
}

static void pty_flush(struct tty_struct *tty)
{
	struct pty *pty = tty->driver_data;
	unsigned long flags;

	spin_lock_irqsave(&pty->lock, flags);
	pty->tail = pty->head;
	spin_unlock_irqrestore(&pty->lock, flags);
}

static void pty_unthrottle(struct tty_struct *tty)
{
	struct pty *pty = tty->driver_data;

	if (wq_has_sleeper(&pty->master_wait))
		wake_up_interruptible_poll(&pty->master_wait, EPOLLOUT | EPOLLWRNORM);
}

/* Takes: one of pty->refs. */
static void pty_put(struct pty *pty)
{
	if (!refcount_dec_and_test(&pty->refs))
		return;
	mutex_lock(&ptys_mutex);
	ptys[pty->index] = NULL;
	mutex_unlock(&ptys_mutex);
	flush_scheduled_work();	/* the worker may have input of it in hand */
	kfree(pty);
}

static void pty_close(struct tty_struct *tty, bool last)
{
	struct pty *pty = tty->driver_data;

	if (last)
		__wake_up(&pty->master_wait, TASK_INTERRUPTIBLE, 0, poll_to_key(EPOLLIN | EPOLLHUP));
	pty_put(pty);
}

static bool pty_open(struct tty_struct *tty)
{
	struct pty *pty = tty->driver_data;

	return refcount_inc_not_zero(&pty->refs);
}

static const struct tty_operations pty_ops = {
	.open = pty_open,
	.write = pty_write,
	.write_room = pty_room,
	.chars_in_buffer = pty_none_waiting,
	.flush_buffer = pty_flush,
	.close = pty_close,
	.unthrottle = pty_unthrottle,
};

/* The pair of slave @i with a reference, or NULL. */
static struct pty *pty_get(unsigned int i)
{
	struct pty *pty = NULL;

	mutex_lock(&ptys_mutex);
	if (i < NR_PTYS && ptys[i] && !ptys[i]->locked && !READ_ONCE(ptys[i]->slave.other_closed) &&
	    pty_open(&ptys[i]->slave))
		pty = ptys[i];
	mutex_unlock(&ptys_mutex);
	return pty;
}

static int pts_open(struct inode *inode, struct file *file)
{
	struct pty *pty = pty_get(MINOR(inode->i_rdev));

	if (!pty)
		return -EIO;
	int err = tty_attach(&pty->slave, file, false);

	if (err)
		pty_put(pty);
	else
		WRITE_ONCE(pty->slave_opened, true);
	return err;
}

static const struct file_operations pts_fops = { .open = pts_open };

/* Has every slave been closed, after one had been open? */
static bool slaves_gone(const struct pty *pty)
{
	return READ_ONCE(pty->slave_opened) && !READ_ONCE(pty->slave.count);
}

static size_t take_output(struct pty *pty, u8 *buf, size_t size)
{
	unsigned long flags;
	size_t n = 0;

	spin_lock_irqsave(&pty->lock, flags);
	while (n < size && pty->head != pty->tail)
		buf[n++] = pty->buf[pty->tail++ % PTY_BUF];
	spin_unlock_irqrestore(&pty->lock, flags);
	return n;
}

static ssize_t master_read(struct kiocb *iocb, struct iov_iter *to)
{
	struct pty *pty = iocb->ki_filp->private_data;
	ssize_t done = 0;
	u8 buf[256];

	for (;;) {
		size_t n;

		while (iov_iter_count(to) && (n = take_output(pty, buf, min(sizeof(buf), iov_iter_count(to))))) {
			size_t copied = copy_to_iter(buf, n, to);

			done += (ssize_t)copied;
			if (copied < n)
				return done ? done : -EFAULT;
		}
		if (done || !iov_iter_count(to))
			break;
		if (slaves_gone(pty))
			return -EIO;
		if (iocb->ki_flags & IOCB_NOWAIT)
			return -EAGAIN;
		int err = wait_event_interruptible(pty->master_wait, pty_chars(&pty->slave) || slaves_gone(pty));

		if (err)
			return err;
	}
	tty_wakeup(&pty->slave);
	return done;
}

static bool slave_has_room(const struct pty *pty)
{
	return READ_ONCE(pty->slave.raw_head) - READ_ONCE(pty->slave.raw_tail) < TTY_RAW_SIZE;
}

static ssize_t master_write(struct kiocb *iocb, struct iov_iter *from)
{
	struct pty *pty = iocb->ki_filp->private_data;
	ssize_t done = 0;
	u8 buf[256];

	while (iov_iter_count(from)) {
		size_t n = min(sizeof(buf), iov_iter_count(from)), copied = copy_from_iter(buf, n, from);

		if (!copied)
			return done ? done : -EFAULT;
		size_t taken = tty_receive(&pty->slave, buf, copied);

		done += (ssize_t)taken;
		iov_iter_revert(from, copied - taken);
		if (taken)
			continue;
		if (iocb->ki_flags & IOCB_NOWAIT)
			return done ? done : -EAGAIN;
		int err = wait_event_interruptible(pty->master_wait, slave_has_room(pty));

		if (err)
			return done ? done : err;
	}
	return done;
}

static __poll_t master_poll(struct file *file, poll_table *pt)
{
	struct pty *pty = file->private_data;
	__poll_t mask = 0;

	poll_wait(file, &pty->master_wait, pt);
	if (pty_chars(&pty->slave))
		mask |= EPOLLIN | EPOLLRDNORM;
	if (slaves_gone(pty))
		mask |= EPOLLHUP;
	if (slave_has_room(pty))
		mask |= EPOLLOUT | EPOLLWRNORM;
	return mask;
}

/* TIOCGPTPEER: the slave without its name. */
static int open_peer(struct pty *pty, unsigned long flags)
{
	char name[24];

	if (flags & ~(unsigned long)(O_ACCMODE | O_NOCTTY | O_NONBLOCK | O_CLOEXEC))
		return -EINVAL;
	snprintf(name, sizeof(name), "/dev/pts/%u", pty->index);
	int fd = get_unused_fd_flags((unsigned int)flags & O_CLOEXEC);

	if (fd < 0)
		return fd;
	struct file *f = filp_open(name, (unsigned int)flags & ~(unsigned int)O_CLOEXEC, 0);

	if (IS_ERR(f)) {
		put_unused_fd((unsigned int)fd);
		return (int)PTR_ERR(f);
	}
	fd_install((unsigned int)fd, f);
	return fd;
}

static int set_lock(struct pty *pty, uptr arg)
{
	int v;

	if (get_user(v, arg))
		return -EFAULT;
	mutex_lock(&ptys_mutex);
	pty->locked = v;
	mutex_unlock(&ptys_mutex);
	return 0;
}

static long master_ioctl(struct file *file, unsigned int cmd, unsigned long arg)
{
	struct pty *pty = file->private_data;

	switch (cmd) {
	case TIOCGPTN:
		return put_user(pty->index, UPTR(arg));
	case TIOCSPTLCK:
		return set_lock(pty, UPTR(arg));
	case TIOCGPTLCK:
		return put_user((int)pty->locked, UPTR(arg));
	case TIOCGPTPEER:
		return open_peer(pty, arg);
	case FIONREAD:
		return put_user((int)pty_chars(&pty->slave), UPTR(arg));
	}
	return tty_ioctl_common(&pty->slave, cmd, arg);
}

static int master_release(__unused struct inode *inode, struct file *file)
{
	struct pty *pty = file->private_data;

	WRITE_ONCE(pty->slave.other_closed, true);
	tty_hangup(&pty->slave);
	devfs_remove(pty->slave.name);
	pty_put(pty);
	return 0;
}

static const struct file_operations master_fops = {
	.read_iter = master_read,
	.write_iter = master_write,
	.poll = master_poll,
	.unlocked_ioctl = master_ioctl,
	.release = master_release,
};

static void pty_fill(struct pty *pty, unsigned int index)
{
	char name[16];

	snprintf(name, sizeof(name), "pts/%u", index);
	tty_setup(&pty->slave, &pty_ops, pty, name, MKDEV((unsigned int)UNIX98_PTY_SLAVE_MAJOR, index));
	pty->index = index;
	refcount_set(&pty->refs, 1);
	pty->locked = true;
	spin_lock_init(&pty->lock, LC_LEAF);
	init_waitqueue_head(&pty->master_wait);
}

/* A free number and its pair. Return: NULL when there is none, or no memory. */
static struct pty *pty_alloc(void)
{
	struct pty *pty = kzalloc(sizeof(*pty), GFP_KERNEL);
	unsigned int i = 0;

	if (!pty)
		return NULL;
	mutex_lock(&ptys_mutex);
	while (i < NR_PTYS && ptys[i])
		i++;
	if (i < NR_PTYS) {
		pty_fill(pty, i);
		ptys[i] = pty;
	}
	mutex_unlock(&ptys_mutex);
	if (i < NR_PTYS)
		return pty;
	kfree(pty);
	return NULL;
}

static int ptmx_open(struct inode *inode, struct file *file)
{
	struct pty *pty = pty_alloc();

	if (!pty)
		return -ENOSPC;
	int err = devfs_add(pty->slave.name, S_IFCHR | 0620, pty->slave.dev);

	if (err) {
		pty_put(pty);
		return err;
	}
	devfs_chown(pty->slave.name, current->cred.uid, current->cred.gid);
	file->private_data = pty;
	file->f_op = &master_fops;
	return stream_open(inode, file);
}

static const struct file_operations ptmx_fops = { .open = ptmx_open };

void pty_init(void)
{
	register_chrdev(UNIX98_PTY_SLAVE_MAJOR, 0, NR_PTYS, "pts", &pts_fops);
	register_chrdev(PTMX_MAJOR, PTMX_MINOR, 1, "ptmx", &ptmx_fops);
	int err = devfs_add("ptmx", S_IFCHR | 0666, MKDEV((unsigned int)PTMX_MAJOR, PTMX_MINOR));

	ASSERT(!err);
}

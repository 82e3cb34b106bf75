/*
 * fs/demo.c - /dev/demo: a file that holds one number, or none; made to be copied by whoever wants a pollable file.
 *
 * Linux:   none; the demo module of the third article this kernel follows, reached by open() instead of a private call
 * Same:    readable while the number is not 0, writable while it is; read and write wait for that, or say EAGAIN.
 * Differs: 1. each open() makes a number of its own, as each call of demo() did. It is 0 at first.
 * Locks:   WAITQ.
 * Walk:    open("/dev/demo") -> chrdev_open() -> demo_open();  demo_write() -> wake_up_locked_poll() ->
 *          ep_poll_callback() or autoremove_wake_function();  epoll_ctl(), poll() -> demo_poll().
 *
 * What a file must do to be polled is all here, and is three things:
 *
 *   1. a wait queue, on which those stand who wait for a change;
 *   2. poll(), which puts the caller on it FIRST and looks at the state SECOND. The other way round, a change in
 *      between is seen by neither: it came after the look and before there was anybody to wake;
 *   3. after EVERY change of the state a wake-up of that queue, with the events that are true now as its key: epoll
 *      passes over those who did not ask for them.
 *
 * epoll, poll() and select() need no more, and know no more. read and write sleep on the same queue, so one wake-up
 * serves all. The state is under the queue's own lock: to test it and to go to sleep is then one step.
 */
#include "fs/fs.h"
#include "kernel/printk.h"
#include "kernel/slab.h"
#include "kernel/task.h"

enum { DEMO_MAJOR = 60, DEMO_MINOR = 0 };	/* a major number that Linux's list of devices leaves for local use */

struct demo {
	/* wait.lock */
	wait_queue_head_t wait;
	u64 count;	/* 0: there is none */
};

static __poll_t demo_poll(struct file *file, poll_table *pt)
{
	struct demo *d = file->private_data;

	poll_wait(file, &d->wait, pt);
	return READ_ONCE(d->count) ? EPOLLIN | EPOLLRDNORM : EPOLLOUT | EPOLLWRNORM;
}

/* Take the number. Return: 8, -EINVAL (no room), -EAGAIN, -ERESTARTSYS, -EFAULT (the number is gone, as in eventfd). */
static ssize_t demo_read(struct kiocb *iocb, struct iov_iter *to)
{
	struct demo *d = iocb->ki_filp->private_data;
	u64 count = 0;
	int err = 0;

	if (iov_iter_count(to) < sizeof(count))
		return -EINVAL;
	spin_lock_irq(&d->wait.lock);
	if (iocb->ki_flags & IOCB_NOWAIT)
		err = d->count ? 0 : -EAGAIN;
	else
		err = wait_event_interruptible_locked_irq(d->wait, d->count);
	if (!err) {
		count = d->count;
		d->count = 0;
		wake_up_locked_poll(&d->wait, EPOLLOUT | EPOLLWRNORM);
	}
	spin_unlock_irq(&d->wait.lock);
	if (err)
		return err;
	return copy_to_iter(&count, sizeof(count), to) == sizeof(count) ? (ssize_t)sizeof(count) : -EFAULT;
}

/* Put a number where there is none. Return: 8, -EINVAL (too short, or 0), -EAGAIN, -ERESTARTSYS, -EFAULT. */
static ssize_t demo_write(struct kiocb *iocb, struct iov_iter *from)
{
	struct demo *d = iocb->ki_filp->private_data;
	u64 count;
	int err = 0;

	if (iov_iter_count(from) < sizeof(count))
		return -EINVAL;
	if (copy_from_iter(&count, sizeof(count), from) != sizeof(count))
		return -EFAULT;
	if (!count)
		return -EINVAL;
	spin_lock_irq(&d->wait.lock);
	if (iocb->ki_flags & IOCB_NOWAIT)
		err = d->count ? -EAGAIN : 0;
	else
		err = wait_event_interruptible_locked_irq(d->wait, !d->count);
	if (!err) {
		d->count = count;
		wake_up_locked_poll(&d->wait, EPOLLIN | EPOLLRDNORM);
	}
	spin_unlock_irq(&d->wait.lock);
	return err ? err : (ssize_t)sizeof(count);
}

static int demo_open(__unused struct inode *inode, struct file *file)
{
	struct demo *d = kmalloc(sizeof(*d), GFP_KERNEL);

	if (!d)
		return -ENOMEM;
	init_waitqueue_head(&d->wait);
	d->count = 0;
	file->private_data = d;
	return 0;
}

/* Nobody stands on the queue any more: epoll's entries went before, all others are calls that hold the file. */
static int demo_release(__unused struct inode *inode, struct file *file)
{
	kfree(file->private_data);
	return 0;
}

static const struct file_operations demo_fops = {
	.open = demo_open,
	.read_iter = demo_read,
	.write_iter = demo_write,
	.poll = demo_poll,
	.release = demo_release,
};

void demo_init(void)
{
	register_chrdev(DEMO_MAJOR, DEMO_MINOR, 1, "demo", &demo_fops);
	if (devfs_add("demo", S_IFCHR | 0666, MKDEV(DEMO_MAJOR, DEMO_MINOR)))
		pr_warn("demo: no node\n");
}

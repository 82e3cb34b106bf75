/*
 * fs/eventfd.c - a counter that is also a file: write adds, read takes, poll tells.
 *
 * Linux:   fs/eventfd.c (6.1)
 * Same:    the counter lives under the wait queue's own lock, so that "test and sleep" is one step; semaphore mode.
 * Differs: 1. no signalling by kernel users: nobody in this kernel needs it.
 * Locks:   WAITQ.
 * Walk:    eventfd2() -> anon_inode_getfd();  eventfd_write() -> wake_up_locked_poll() -> ep_poll_callback().
 *
 * The pattern file for a new kind of descriptor: state, a wait queue, read and write that sleep on it, a poll() that
 * registers first and reads second, and a wake-up with the event bits after every change of readiness.
 */
#include "fs/anon_inodes.h"
#include "fs/fs.h"
#include "fs/procfs.h"
#include "kernel/slab.h"
#include "kernel/syscall.h"
#include "kernel/task.h"

enum { EFD_SEMAPHORE = 1, EFD_CLOEXEC = O_CLOEXEC, EFD_NONBLOCK = O_NONBLOCK };

struct eventfd_ctx {
	/* immutable */
	bool semaphore;
	int id;
	/* wqh.lock */
	wait_queue_head_t wqh;
	u64 count;		/* at most U64_MAX - 1 */
};
static atomic_t eventfd_last_id = ATOMIC_INIT(-1);

/*
 * The read of count needs no lock: a writer changes it and looks for waiters in one hold of wqh.lock.
 *
 *	poll				write
 *	lock, onto wqh, unlock		lock, count += n
 *	read count			anybody on wqh? wake. unlock
 *
 * If the write has the lock first, the read comes after it and sees the new count; else the write finds the waiter.
 */
static __poll_t eventfd_poll(struct file *file, poll_table *wait)
{
	struct eventfd_ctx *ctx = file->private_data;
	__poll_t events = 0;

	poll_wait(file, &ctx->wqh, wait);
	u64 count = READ_ONCE(ctx->count);

	if (count > 0)
		events |= EPOLLIN;
	if (count == U64_MAX)
		events |= EPOLLERR;
	if (count < U64_MAX - 1)
		events |= EPOLLOUT;
	return events;
}

static ssize_t eventfd_read(struct kiocb *iocb, struct iov_iter *to)
{
	struct eventfd_ctx *ctx = iocb->ki_filp->private_data;
	u64 value = 1;
	int err;

	if (iov_iter_count(to) < sizeof(value))
		return -EINVAL;
	spin_lock_irq(&ctx->wqh.lock);
	if (!ctx->count && iocb->ki_flags & IOCB_NOWAIT)
		err = -EAGAIN;
	else
		err = wait_event_interruptible_locked_irq(ctx->wqh, ctx->count);
	if (unlikely(err)) {
		spin_unlock_irq(&ctx->wqh.lock);
		return err;
	}
	if (!ctx->semaphore)
		value = ctx->count;
	ctx->count -= value;
	if (waitqueue_active(&ctx->wqh))
		wake_up_locked_poll(&ctx->wqh, EPOLLOUT);
	spin_unlock_irq(&ctx->wqh.lock);
	if (unlikely(copy_to_iter(&value, sizeof(value), to) != sizeof(value)))
		return -EFAULT;
	return sizeof(value);
}

static ssize_t eventfd_write(struct kiocb *iocb, struct iov_iter *from)
{
	struct eventfd_ctx *ctx = iocb->ki_filp->private_data;
	u64 add;
	int err;

	if (iov_iter_count(from) < sizeof(add))
		return -EINVAL;
	if (unlikely(copy_from_iter(&add, sizeof(add), from) != sizeof(add)))
		return -EFAULT;
	if (add == U64_MAX)
		return -EINVAL;
	spin_lock_irq(&ctx->wqh.lock);
	if (add >= U64_MAX - ctx->count && iocb->ki_flags & IOCB_NOWAIT)
		err = -EAGAIN;
	else
		err = wait_event_interruptible_locked_irq(ctx->wqh, add < U64_MAX - ctx->count);
	if (likely(!err)) {
		ctx->count += add;
		if (waitqueue_active(&ctx->wqh))
			wake_up_locked_poll(&ctx->wqh, EPOLLIN);
	}
	spin_unlock_irq(&ctx->wqh.lock);
	return err ? err : (ssize_t)sizeof(add);
}

static int eventfd_release(__unused struct inode *inode, struct file *file)
{
	kfree(file->private_data);
	return 0;
}

static void eventfd_show_fdinfo(struct seq_file *m, struct file *file)
{
	const struct eventfd_ctx *ctx = file->private_data;

	seq_printf(m, "eventfd-count: %16llx\neventfd-id: %d\n", (unsigned long long)READ_ONCE(ctx->count), ctx->id);
}

static const struct file_operations eventfd_fops = {
	.fop_flags = FOP_NOWAIT | FOP_PLAIN_WRITE | FOP_NO_SPLICE_READ,
	.llseek = noop_llseek,
	.read_iter = eventfd_read,
	.write_iter = eventfd_write,
	.poll = eventfd_poll,
	.release = eventfd_release,
	.show_fdinfo = eventfd_show_fdinfo,
};

static int do_eventfd(u32 count, int flags)
{
	if (flags & ~(EFD_SEMAPHORE | EFD_CLOEXEC | EFD_NONBLOCK))
		return -EINVAL;
	struct eventfd_ctx *ctx = kmalloc(sizeof(*ctx), GFP_KERNEL);

	if (!ctx)
		return -ENOMEM;
	init_waitqueue_head(&ctx->wqh);
	ctx->count = count;
	ctx->semaphore = flags & EFD_SEMAPHORE;
	ctx->id = atomic_inc_return(&eventfd_last_id);
	int fd = anon_inode_getfd("[eventfd]", &eventfd_fops, ctx, O_RDWR | (flags & (EFD_CLOEXEC | EFD_NONBLOCK)));

	if (fd < 0)
		kfree(ctx);
	return fd;
}

SYSCALL_DEFINE2(eventfd2, unsigned int, count, int, flags)
{
	return do_eventfd(count, flags);
}

SYSCALL_DEFINE1(eventfd, unsigned int, count)
{
	return do_eventfd(count, 0);
}

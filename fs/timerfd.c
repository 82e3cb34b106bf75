/*
 * fs/timerfd.c - a timer that is also a file: reading it gives how often it has expired.
 *
 * Linux:   fs/timerfd.c (6.1)
 * Same:    the expiry only counts and wakes; a periodic timer is started again by the read (or gettime) that collects
 *          its ticks, so that an unread one costs nothing; TFD_TIMER_CANCEL_ON_SET.
 * Differs: 1. every timer runs on CLOCK_MONOTONIC; those set to a time of the wall clock stand in a list and are moved
 *             when that clock is set. 2. CLOCK_*_ALARM are CLOCK_REALTIME and CLOCK_BOOTTIME: this machine never
 *             sleeps.
 * Locks:   HRTIMER_CB for the list of timers that follow the wall clock; WAITQ; TIMER inside.
 * Walk:    timerfd_settime() -> hrtimer_start(); timerfd_tmrproc() -> wake_up_locked_poll() -> ep_poll_callback().
 */
#include "fs/anon_inodes.h"
#include "fs/file.h"
#include "fs/fs.h"
#include "fs/procfs.h"
#include "kernel/process.h"
#include "kernel/slab.h"
#include "kernel/syscall.h"
#include "kernel/timer.h"
#include "kernel/uaccess.h"

enum { TFD_TIMER_ABSTIME = 1, TFD_TIMER_CANCEL_ON_SET = 2, TFD_CLOEXEC = O_CLOEXEC, TFD_NONBLOCK = O_NONBLOCK };
struct itimerspec64 { struct timespec64 it_interval, it_value; };
static_assert(sizeof(struct itimerspec64) == 32, "ABI");

struct timerfd_ctx {
	/* immutable */
	int clockid;
	/* wqh.lock */
	wait_queue_head_t wqh;
	struct hrtimer tmr;	/* expires_ns 0: disarmed; also changed by its own callback */
	u64 interval_ns;	/* 0: once */
	u64 ticks;		/* expiries that no read has taken */
	bool expired;		/* and tmr is not running since */
	int settime_flags;
	u64 wall_expires_ns;	/* follows_wall: when, by the wall clock */
	u64 seen_set_count;	/* of wall_set_count, when last looked */
	/* wall_lock */
	bool follows_wall;
	struct list_head wall_link;
};

static DEFINE_SPINLOCK(wall_lock, LC_HRTIMER_CB);
static LIST_HEAD(wall_timers);	/* wall_lock: armed at a time of CLOCK_REALTIME */
static u64 wall_set_count;	/* wall_lock to change: how often that clock was set */

static bool is_wall_clock(int clockid) { return clockid == CLOCK_REALTIME || clockid == CLOCK_REALTIME_ALARM; }
static bool is_alarm_clock(int clockid) { return clockid == CLOCK_REALTIME_ALARM || clockid == CLOCK_BOOTTIME_ALARM; }

/* Context: hardirq. */
static enum hrtimer_restart timerfd_tmrproc(struct hrtimer *timer)
{
	struct timerfd_ctx *ctx = container_of(timer, struct timerfd_ctx, tmr);
	unsigned long flags;

	spin_lock_irqsave(&ctx->wqh.lock, flags);
	ctx->expired = true;
	ctx->ticks++;
	wake_up_locked_poll(&ctx->wqh, EPOLLIN);
	spin_unlock_irqrestore(&ctx->wqh.lock, flags);
	return HRTIMER_NORESTART;
}

/* Was the wall clock set since the timer last looked? Locks: wqh.lock held. */
static bool timerfd_canceled(struct timerfd_ctx *ctx)
{
	u64 count = READ_ONCE(wall_set_count);

	if (!ctx->follows_wall || !(ctx->settime_flags & TFD_TIMER_CANCEL_ON_SET) || ctx->seen_set_count == count)
		return false;
	ctx->seen_set_count = count;
	return true;
}

/* When the monotonic clock will show what the wall clock shows at @wall_ns; the past if that was before boot. */
static u64 wall_to_mono(u64 wall_ns)
{
	/* In this order: time that passes in between makes the timer late, never early. */
	u64 real = ktime_get_real_ns(), offset = real - ktime_get_ns();

	return wall_ns > offset ? wall_ns - offset : 1;
}

/* CLOCK_REALTIME has been set. Timers that are to go off at one of its times move; some also tell their reader. */
static void timerfd_clock_was_set(void)
{
	struct timerfd_ctx *ctx;
	unsigned long flags;

	spin_lock_irqsave(&wall_lock, flags);
	WRITE_ONCE(wall_set_count, wall_set_count + 1);
	list_for_each_entry(ctx, &wall_timers, wall_link) {
		spin_lock(&ctx->wqh.lock);
		if (ctx->settime_flags & TFD_TIMER_CANCEL_ON_SET) {
			ctx->ticks++;
			wake_up_locked_poll(&ctx->wqh, EPOLLIN);
		}
		if (ctx->expired)
			/* From there timerfd_forward() goes on. */
			ctx->tmr.expires_ns = wall_to_mono(ctx->wall_expires_ns);
		else if (ctx->tmr.expires_ns && hrtimer_try_to_cancel(&ctx->tmr) == 1)
			hrtimer_start(&ctx->tmr, wall_to_mono(ctx->wall_expires_ns));
		/* Otherwise it is expiring at this moment, by the old time: too late to move it. */
		spin_unlock(&ctx->wqh.lock);
	}
	spin_unlock_irqrestore(&wall_lock, flags);
}

/* Collect what a periodic timer missed while nobody read it, and let it run on. Locks: wqh.lock held. */
static void timerfd_forward(struct timerfd_ctx *ctx)
{
	if (!ctx->expired || !ctx->interval_ns)
		return;
	u64 before = ctx->tmr.expires_ns, n = hrtimer_forward(&ctx->tmr, ktime_get_ns(), ctx->interval_ns);

	ctx->expired = false;
	if (n)	/* the first was counted when it expired; none: the wall clock was set back since */
		ctx->ticks += n - 1;
	ctx->wall_expires_ns += ctx->tmr.expires_ns - before;
	hrtimer_start(&ctx->tmr, ctx->tmr.expires_ns);
}

static __poll_t timerfd_poll(struct file *file, poll_table *wait)
{
	struct timerfd_ctx *ctx = file->private_data;

	poll_wait(file, &ctx->wqh, wait);
	/* Without the lock, as in eventfd_poll(). */
	return READ_ONCE(ctx->ticks) ? EPOLLIN : 0;
}

static ssize_t timerfd_read(struct kiocb *iocb, struct iov_iter *to)
{
	struct timerfd_ctx *ctx = iocb->ki_filp->private_data;
	u64 ticks = 0;
	ssize_t res;

	if (iov_iter_count(to) < sizeof(ticks))
		return -EINVAL;
	spin_lock_irq(&ctx->wqh.lock);
	if (!ctx->ticks && iocb->ki_flags & IOCB_NOWAIT)
		res = -EAGAIN;
	else
		res = wait_event_interruptible_locked_irq(ctx->wqh, ctx->ticks);
	if (timerfd_canceled(ctx)) {
		/* The ticks mean nothing any more; the reader has to think again. */
		ctx->ticks = 0;
		ctx->expired = false;
		res = -ECANCELED;
	}
	if (ctx->ticks) {
		timerfd_forward(ctx);
		ctx->expired = false;
		ticks = ctx->ticks;
		ctx->ticks = 0;
	}
	spin_unlock_irq(&ctx->wqh.lock);
	if (!ticks)
		return res;
	return copy_to_iter(&ticks, sizeof(ticks), to) == sizeof(ticks) ? (ssize_t)sizeof(ticks) : -EFAULT;
}

/* It follows the wall clock from now on, or no longer. */
static void timerfd_set_follows_wall(struct timerfd_ctx *ctx, bool follows)
{
	spin_lock_irq(&wall_lock);
	if (ctx->follows_wall != follows) {
		ctx->follows_wall = follows;
		if (follows)
			list_add(&ctx->wall_link, &wall_timers);
		else
			list_del_init(&ctx->wall_link);
	}
	spin_unlock_irq(&wall_lock);
}

static int timerfd_release(__unused struct inode *inode, struct file *file)
{
	struct timerfd_ctx *ctx = file->private_data;

	timerfd_set_follows_wall(ctx, false);
	hrtimer_cancel(&ctx->tmr);
	kfree(ctx);
	return 0;
}

/* What is left and the period. Locks: wqh.lock held. */
static struct itimerspec64 timerfd_current(struct timerfd_ctx *ctx)
{
	u64 now = ktime_get_ns(), expires = ctx->tmr.expires_ns;

	return (struct itimerspec64){
		.it_interval = ns_to_timespec64(ctx->interval_ns),
		.it_value = ns_to_timespec64(expires > now ? expires - now : 0),
	};
}

static void timerfd_show_fdinfo(struct seq_file *m, struct file *file)
{
	struct timerfd_ctx *ctx = file->private_data;

	spin_lock_irq(&ctx->wqh.lock);
	struct itimerspec64 t = timerfd_current(ctx);
	u64 ticks = ctx->ticks;
	int flags = ctx->settime_flags;

	spin_unlock_irq(&ctx->wqh.lock);
	seq_printf(m, "clockid: %d\nticks: %llu\nsettime flags: 0%o\n", ctx->clockid, (unsigned long long)ticks,
		   (unsigned int)flags);
	seq_printf(m, "it_value: (%llu, %llu)\nit_interval: (%llu, %llu)\n",
		   (unsigned long long)t.it_value.tv_sec, (unsigned long long)t.it_value.tv_nsec,
		   (unsigned long long)t.it_interval.tv_sec, (unsigned long long)t.it_interval.tv_nsec);
}

static const struct file_operations timerfd_fops = {
	.fop_flags = FOP_PLAIN_READ,
	.llseek = noop_llseek,
	.read_iter = timerfd_read,
	.poll = timerfd_poll,
	.release = timerfd_release,
	.show_fdinfo = timerfd_show_fdinfo,
};

/*
 * Arm, or disarm if the value is zero; nothing of the past remains. Return: 0 or -ECANCELED. Locks: wqh.lock
 * held, timer stopped.
 */
static int timerfd_setup(struct timerfd_ctx *ctx, int flags, const struct itimerspec64 *new)
{
	u64 value = timespec64_to_ns(&new->it_value);

	ctx->interval_ns = timespec64_to_ns(&new->it_interval);
	ctx->ticks = 0;
	ctx->expired = false;
	ctx->settime_flags = flags;
	ctx->tmr.expires_ns = 0;
	if (!value)
		return 0;
	if (ctx->follows_wall) {
		ctx->wall_expires_ns = value;
		value = wall_to_mono(value);
	} else if (!(flags & TFD_TIMER_ABSTIME)) {
		value += ktime_get_ns();
	}
	hrtimer_start(&ctx->tmr, min_t(u64, value, U64_MAX - 1));
	return timerfd_canceled(ctx) ? -ECANCELED : 0;
}

/* The timerfd behind @fd, or .file NULL and *@err says why: -EBADF, -EINVAL. */
static struct fd timerfd_fdget(int fd, int *err)
{
	struct fd f = fdget((unsigned int)fd);

	*err = f.file ? 0 : -EBADF;
	if (f.file && f.file->f_op != &timerfd_fops) {
		fdput(f);
		f.file = NULL;
		*err = -EINVAL;
	}
	return f;
}

static int do_timerfd_settime(struct timerfd_ctx *ctx, int flags, const struct itimerspec64 *new,
			      struct itimerspec64 *old)
{
	if (is_alarm_clock(ctx->clockid) && !capable_root())
		return -EPERM;
	timerfd_set_follows_wall(ctx, is_wall_clock(ctx->clockid) && flags & TFD_TIMER_ABSTIME);
	/* Its callback wants wqh.lock: where it is running, let it have that, and try again. */
	for (;;) {
		spin_lock_irq(&ctx->wqh.lock);
		if (hrtimer_try_to_cancel(&ctx->tmr) >= 0)
			break;
		spin_unlock_irq(&ctx->wqh.lock);
		cpu_relax();
	}
	if (ctx->expired && ctx->interval_ns)
		hrtimer_forward(&ctx->tmr, ktime_get_ns(), ctx->interval_ns);
	*old = timerfd_current(ctx);
	int err = timerfd_setup(ctx, flags, new);

	spin_unlock_irq(&ctx->wqh.lock);
	return err;
}

SYSCALL_DEFINE2(timerfd_create, int, clockid, int, flags)
{
	if (flags & ~(TFD_CLOEXEC | TFD_NONBLOCK))
		return -EINVAL;
	if (!is_wall_clock(clockid) && !is_alarm_clock(clockid) && clockid != CLOCK_MONOTONIC &&
	    clockid != CLOCK_BOOTTIME)
		return -EINVAL;
	if (is_alarm_clock(clockid) && !capable_root())
		return -EPERM;
	struct timerfd_ctx *ctx = kzalloc(sizeof(*ctx), GFP_KERNEL);

	if (!ctx)
		return -ENOMEM;
	init_waitqueue_head(&ctx->wqh);
	INIT_LIST_HEAD(&ctx->wall_link);
	hrtimer_init(&ctx->tmr, timerfd_tmrproc);
	ctx->clockid = clockid;
	ctx->seen_set_count = READ_ONCE(wall_set_count);
	WRITE_ONCE(clock_was_set_hook, timerfd_clock_was_set);
	int fd = anon_inode_getfd("[timerfd]", &timerfd_fops, ctx, O_RDWR | flags);

	if (fd < 0)
		kfree(ctx);
	return fd;
}

SYSCALL_DEFINE4(timerfd_settime, int, fd, int, flags, uptr, unew, uptr, uold)
{
	struct itimerspec64 new, old;
	int err;

	if (copy_from_user(&new, unew, sizeof(new)))
		return -EFAULT;
	if (flags & ~(TFD_TIMER_ABSTIME | TFD_TIMER_CANCEL_ON_SET))
		return -EINVAL;
	if (!timespec64_valid(&new.it_interval) || !timespec64_valid(&new.it_value))
		return -EINVAL;
	struct fd f = timerfd_fdget(fd, &err);

	if (err)
		return err;
	err = do_timerfd_settime(f.file->private_data, flags, &new, &old);
	fdput(f);
	if (!err && !uptr_is_null(uold) && copy_to_user(uold, &old, sizeof(old)))
		return -EFAULT;
	return err;
}

SYSCALL_DEFINE2(timerfd_gettime, int, fd, uptr, uvalue)
{
	int err;
	struct fd f = timerfd_fdget(fd, &err);

	if (err)
		return err;
	struct timerfd_ctx *ctx = f.file->private_data;

	spin_lock_irq(&ctx->wqh.lock);
	timerfd_forward(ctx);
	struct itimerspec64 t = timerfd_current(ctx);

	spin_unlock_irq(&ctx->wqh.lock);
	fdput(f);
	return copy_to_user(uvalue, &t, sizeof(t)) ? -EFAULT : 0;
}

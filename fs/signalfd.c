/*
 * fs/signalfd.c - signals that are read from a file instead of interrupting.
 *
 * Linux:   fs/signalfd.c (6.1)
 * Same:    read() takes signals of the reading process, whoever made the descriptor; poll() tells of those of the
 *          process that asks (for epoll: that added it).
 * Differs: 1. the file holds a reference to each signal_struct whose queue it was polled on: a wait queue must outlive
 *             the entries on it (fs/poll.h). Linux tears the queue down with the process and tells epoll by POLLFREE.
 * Locks:   LEAF for the mask and the references; SIGHAND for what is pending.
 * Walk:    send_sig_info() -> wake_up_poll(signalfd_wqh) -> ep_poll_callback();  signalfd_read() -> dequeue_signal().
 */
#include "fs/anon_inodes.h"
#include "fs/file.h"
#include "fs/fs.h"
#include "fs/procfs.h"
#include "kernel/slab.h"
#include "kernel/syscall.h"
#include "kernel/task.h"
#include "kernel/uaccess.h"

enum { SFD_CLOEXEC = O_CLOEXEC, SFD_NONBLOCK = O_NONBLOCK };

/* The ABI (uapi/linux/signalfd.h). */
struct signalfd_siginfo {
	u32 ssi_signo;
	s32 ssi_errno, ssi_code;
	u32 ssi_pid, ssi_uid;
	s32 ssi_fd;
	u32 ssi_tid, ssi_band, ssi_overrun, ssi_trapno;
	s32 ssi_status, ssi_int;
	u64 ssi_ptr, ssi_utime, ssi_stime, ssi_addr;
	u16 ssi_addr_lsb, __pad2;
	s32 ssi_syscall;
	u64 ssi_call_addr;
	u32 ssi_arch;
	u8 __pad[28];
};
static_assert(sizeof(struct signalfd_siginfo) == 128, "ABI");

struct signalfd_pin { struct signal_struct *signal; struct signalfd_pin *next; };
struct signalfd_ctx {
	/* lock */
	spinlock_t lock;
	sigset_t sigmask;		/* signals that this file gives */
	struct signalfd_pin *pins;	/* processes that were polled for; each a reference */
};

/* Keep @signal, and its wait queue, until the file is released. false: out of memory. */
static bool signalfd_pin(struct signalfd_ctx *ctx, struct signal_struct *signal)
{
	struct signalfd_pin *p, *new = NULL;

	for (;;) {
		spin_lock_irq(&ctx->lock);
		for (p = ctx->pins; p && p->signal != signal; p = p->next)
			;
		if (!p && new) {
			refcount_inc(&signal->sigcnt);
			*new = (struct signalfd_pin){ signal, ctx->pins };
			ctx->pins = p = new;
			new = NULL;
		}
		spin_unlock_irq(&ctx->lock);
		if (p)
			break;
		new = kmalloc(sizeof(*new), GFP_KERNEL);
		if (!new)
			return false;
	}
	kfree(new);
	return true;
}

static __poll_t signalfd_poll(struct file *file, poll_table *wait)
{
	struct signalfd_ctx *ctx = file->private_data;
	__poll_t events = 0;

	if (!poll_does_not_wait(wait)) {
		if (!signalfd_pin(ctx, current->signal))
			return EPOLLERR;
		poll_wait(file, &current->signal->signalfd_wqh, wait);
	}
	spin_lock_irq(&current->sighand->siglock);
	if ((current->pending.signal.sig | current->signal->shared_pending.signal.sig) & READ_ONCE(ctx->sigmask.sig))
		events |= EPOLLIN;
	spin_unlock_irq(&current->sighand->siglock);
	return events;
}

#define FAULTS (sigmask(SIGILL) | sigmask(SIGFPE) | sigmask(SIGSEGV) | sigmask(SIGBUS) | sigmask(SIGTRAP))

/* Which fields say something depends on who sent it. */
static void signalfd_copyinfo(struct signalfd_siginfo *to, const siginfo_t *from)
{
	int sig = from->si_signo, code = from->si_code;

	*to = (struct signalfd_siginfo){ .ssi_signo = (u32)sig, .ssi_errno = from->si_errno, .ssi_code = code };
	if (code == SI_TIMER) {
		to->ssi_tid = (u32)from->si_tid;
		to->ssi_overrun = (u32)from->si_overrun;
		to->ssi_ptr = from->si_timer_value;
		to->ssi_int = (s32)from->si_timer_value;
	} else if (code > 0 && code != SI_KERNEL && sigmask(sig) & FAULTS) {
		to->ssi_addr = from->si_addr;
	} else if (code > 0 && code != SI_KERNEL && sig == SIGIO) {
		to->ssi_band = (u32)from->si_band;
		to->ssi_fd = from->si_fd;
	} else {
		to->ssi_pid = (u32)from->si_pid;
		to->ssi_uid = from->si_uid;
		if (sig == SIGCHLD && code > 0) {
			to->ssi_status = from->si_status;
			to->ssi_utime = (u64)from->si_utime;
			to->ssi_stime = (u64)from->si_stime;
		} else if (code < 0) {
			to->ssi_ptr = from->si_value;
			to->ssi_int = (s32)from->si_value;
		}
	}
}

/*
 * Take one signal, sleeping for it unless @nonblock. Return: its number, -EAGAIN, or -ERESTARTSYS when a signal came
 * that this file does not give.
 */
static int signalfd_dequeue(struct signalfd_ctx *ctx, siginfo_t *info, bool nonblock)
{
	spinlock_t *siglock = &current->sighand->siglock;
	DEFINE_WAIT_FUNC(wait, default_wake_function);
	int sig;

	spin_lock_irq(siglock);
	sig = dequeue_signal(ctx->sigmask, info);
	if (sig || nonblock) {
		spin_unlock_irq(siglock);
		return sig ? sig : -EAGAIN;
	}
	spin_unlock_irq(siglock);
	add_wait_queue(&current->signal->signalfd_wqh, &wait);
	for (;;) {
		set_current_state(TASK_INTERRUPTIBLE);
		spin_lock_irq(siglock);
		sig = dequeue_signal(ctx->sigmask, info);
		spin_unlock_irq(siglock);
		if (!sig && signal_pending(current))
			sig = -ERESTARTSYS;
		if (sig)
			break;
		schedule();
	}
	__set_current_state(TASK_RUNNING);
	remove_wait_queue(&current->signal->signalfd_wqh, &wait);
	return sig;
}

/* As many as fit and are there; the first is waited for. */
static ssize_t signalfd_read(struct kiocb *iocb, struct iov_iter *to)
{
	struct signalfd_ctx *ctx = iocb->ki_filp->private_data;
	bool nonblock = iocb->ki_flags & IOCB_NOWAIT;
	size_t n = iov_iter_count(to) / sizeof(struct signalfd_siginfo);
	ssize_t total = 0;

	if (!n)
		return -EINVAL;
	for (; n; n--) {
		struct signalfd_siginfo out;
		siginfo_t info;
		int sig = signalfd_dequeue(ctx, &info, nonblock);

		if (sig < 0)
			return total ? total : sig;
		signalfd_copyinfo(&out, &info);
		if (copy_to_iter(&out, sizeof(out), to) != sizeof(out))
			return total ? total : -EFAULT;
		total += (ssize_t)sizeof(out);
		nonblock = true;
	}
	return total;
}

static int signalfd_release(__unused struct inode *inode, struct file *file)
{
	struct signalfd_ctx *ctx = file->private_data;

	while (ctx->pins) {
		struct signalfd_pin *p = ctx->pins;

		ctx->pins = p->next;
		put_signal(p->signal);
		kfree(p);
	}
	kfree(ctx);
	return 0;
}

static void signalfd_show_fdinfo(struct seq_file *m, struct file *file)
{
	const struct signalfd_ctx *ctx = file->private_data;

	seq_printf(m, "sigmask:\t%016llx\n", (unsigned long long)READ_ONCE(ctx->sigmask.sig));
}

static const struct file_operations signalfd_fops = {
	.fop_flags = FOP_PLAIN_READ,
	.llseek = noop_llseek,
	.read_iter = signalfd_read,
	.poll = signalfd_poll,
	.release = signalfd_release,
	.show_fdinfo = signalfd_show_fdinfo,
};

static int signalfd_create(sigset_t mask, int flags)
{
	struct signalfd_ctx *ctx = kzalloc(sizeof(*ctx), GFP_KERNEL);

	if (!ctx)
		return -ENOMEM;
	spin_lock_init(&ctx->lock, LC_LEAF);
	ctx->sigmask = mask;
	int fd = anon_inode_getfd("[signalfd]", &signalfd_fops, ctx, O_RDWR | flags);

	if (fd < 0)
		kfree(ctx);
	return fd;
}

/* A new mask for an existing signalfd; those who wait by the old one look again. */
static int signalfd_change(int ufd, sigset_t mask)
{
	struct fd f = fdget((unsigned int)ufd);

	if (!f.file)
		return -EBADF;
	if (f.file->f_op != &signalfd_fops) {
		fdput(f);
		return -EINVAL;
	}
	struct signalfd_ctx *ctx = f.file->private_data;

	spin_lock_irq(&current->sighand->siglock);
	WRITE_ONCE(ctx->sigmask.sig, mask.sig);
	spin_unlock_irq(&current->sighand->siglock);
	wake_up(&current->signal->signalfd_wqh);
	fdput(f);
	return ufd;
}

static long do_signalfd(int ufd, uptr umask, size_t sizemask, int flags)
{
	sigset_t mask;

	if (sizemask != sizeof(mask))
		return -EINVAL;
	if (copy_from_user(&mask, umask, sizeof(mask)))
		return -EFAULT;
	if (flags & ~(SFD_CLOEXEC | SFD_NONBLOCK))
		return -EINVAL;
	mask.sig &= ~SIG_KERNEL_ONLY;
	return ufd == -1 ? signalfd_create(mask, flags) : signalfd_change(ufd, mask);
}

SYSCALL_DEFINE4(signalfd4, int, ufd, uptr, umask, size_t, sizemask, int, flags)
{
	return do_signalfd(ufd, umask, sizemask, flags);
}

SYSCALL_DEFINE3(signalfd, int, ufd, uptr, umask, size_t, sizemask)
{
	return do_signalfd(ufd, umask, sizemask, 0);
}

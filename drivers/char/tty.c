/*
 * drivers/char/tty.c - terminals as files: opening, reading, hanging up, and who controls them.
 *
 * Linux:   drivers/tty/tty_io.c, tty_jobctrl.c (6.1); POSIX.1-2017, chapter 11
 * Same:    a session leader's first terminal becomes its controlling one; background readers and writers are
 *          stopped; a hang-up ends the session's use of it; /dev/tty and /dev/console.
 * Differs: 1. terminals of UARTs live for ever; pseudo terminals as long as they are open.
 *          2. a hang-up does not replace the operations of open files: a flag says it.
 * Locks:   TTY_MTX, TTY_BUF, LEAF (session and group), PIDTAB (signal->tty).
 * Walk:    open("/dev/ttyS0") -> tty_open() -> tty_attach(); read() -> tty_read() -> n_tty_read().
 */
#include "drivers/char/tty.h"
#include "drivers/drivers.h"
#include "fs/tty.h"
#include "kernel/printk.h"
#include "kernel/process.h"
#include "kernel/signal.h"
#include "kernel/slab.h"
#include "kernel/string.h"

enum { TTY_MAJOR = 4, TTYAUX_MAJOR = 5, TTY_MINOR = 0, CONSOLE_MINOR = 1 };
#define MAX_LINES 3	/* two UARTs, a virtio console */

static struct tty_struct *lines[MAX_LINES];	/* written at boot */
static int nr_lines;

void tty_setup(struct tty_struct *tty, const struct tty_operations *ops, void *driver_data, const char *name, dev_t dev)
{
	static const u8 init_cc[NCCS] = {
		[VINTR] = 3,     [VQUIT] = 28,   [VERASE] = 127, [VKILL] = 21, [VEOF] = 4,
		[VMIN] = 1,      [VSTART] = 17,  [VSTOP] = 19,   [VSUSP] = 26, [VREPRINT] = 18,
		[VDISCARD] = 15, [VWERASE] = 23, [VLNEXT] = 22,
	};

	memset(tty, 0, sizeof(*tty));
	tty->ops = ops;
	tty->driver_data = driver_data;
	strscpy(tty->name, name, sizeof(tty->name));
	tty->dev = dev;
	mutex_init(&tty->mutex, LC_TTY_MTX);
	mutex_init(&tty->write_mutex, LC_TTY_MTX);
	spin_lock_init(&tty->buf_lock, LC_TTY_BUF);
	spin_lock_init(&tty->ctrl_lock, LC_LEAF);
	INIT_WORK(&tty->work, n_tty_receive_work);
	init_waitqueue_head(&tty->read_wait);
	init_waitqueue_head(&tty->write_wait);
	tty->termios.c_iflag = ICRNL | IXON;
	tty->termios.c_oflag = OPOST | ONLCR;
	tty->termios.c_cflag = B38400 | CS8 | CREAD | HUPCL;
	tty->termios.c_lflag = ISIG | ICANON | ECHO | ECHOE | ECHOK | ECHOCTL | ECHOKE | IEXTEN;
	tty->termios.c_ispeed = tty->termios.c_ospeed = 38400;
	memcpy(tty->termios.c_cc, init_cc, NCCS);
}

size_t tty_receive(struct tty_struct *tty, const u8 *buf, size_t n)
{
	unsigned long flags;
	size_t taken = 0;

	spin_lock_irqsave(&tty->buf_lock, flags);
	while (taken < n && tty->raw_head - tty->raw_tail < TTY_RAW_SIZE)
		tty->raw[tty->raw_head++ % TTY_RAW_SIZE] = buf[taken++];
	spin_unlock_irqrestore(&tty->buf_lock, flags);
	schedule_work(&tty->work);
	return taken;
}

void tty_wakeup(struct tty_struct *tty)
{
	if (wq_has_sleeper(&tty->write_wait))
		wake_up_interruptible_poll(&tty->write_wait, EPOLLOUT | EPOLLWRNORM);
}

dev_t tty_devnum(const struct tty_struct *tty)
{
	return tty ? tty->dev : 0;
}

pid_t tty_pgrp_of(const struct tty_struct *tty)
{
	return tty ? READ_ONCE(tty->pgrp) : -1;
}

void tty_signal_fg(struct tty_struct *tty, int sig)
{
	pid_t pgrp = READ_ONCE(tty->pgrp);

	if (pgrp > 0)
		kill_pgrp(pgrp, sig);
}

static bool sig_ignored_or_blocked(int sig)
{
	struct sighand_struct *s = current->sighand;
	unsigned long flags;

	spin_lock_irqsave(&s->siglock, flags);
	bool yes = (current->blocked.sig & sigmask(sig)) || s->action[sig - 1].sa_handler == SIG_IGN;

	spin_unlock_irqrestore(&s->siglock, flags);
	return yes;
}

int tty_check_change(struct tty_struct *tty, int sig)
{
	pid_t pgrp = current->signal->pgrp, fg = READ_ONCE(tty->pgrp);

	if (READ_ONCE(current->signal->tty) != tty || fg <= 0 || pgrp == fg)
		return 0;
	if (sig_ignored_or_blocked(sig))
		return sig == SIGTTIN ? -EIO : 0;
	if (is_current_pgrp_orphaned())
		return -EIO;
	kill_pgrp(pgrp, sig);
	return -ERESTARTSYS;
}

/* --- the controlling terminal --- */

struct clear_arg { const struct tty_struct *tty; pid_t session; };

static bool clear_one(struct task_struct *p, void *arg)
{
	const struct clear_arg *c = arg;

	if (p->signal->session == c->session && p->signal->tty == c->tty)
		p->signal->tty = NULL;
	return true;
}

/* No process of @session has @tty any more. */
static void session_clear_tty(struct tty_struct *tty, pid_t session)
{
	struct clear_arg arg = { tty, session };

	for_each_process(clear_one, &arg);
}

static void set_ctty(struct tty_struct *tty)
{
	unsigned long flags;

	spin_lock_irqsave(&tty->ctrl_lock, flags);
	tty->session = current->signal->session;
	tty->pgrp = current->signal->pgrp;
	spin_unlock_irqrestore(&tty->ctrl_lock, flags);
	spin_lock_irqsave(&pidtab_lock, flags);
	current->signal->tty = tty;
	spin_unlock_irqrestore(&pidtab_lock, flags);
}

/* The terminal belongs to no session. Return: the foreground group it had. */
static pid_t release_session(struct tty_struct *tty)
{
	unsigned long flags;

	spin_lock_irqsave(&tty->ctrl_lock, flags);
	pid_t pgrp = tty->pgrp;

	tty->session = 0;
	tty->pgrp = 0;
	spin_unlock_irqrestore(&tty->ctrl_lock, flags);
	return pgrp;
}

/* Current's session gives @tty up. */
static void leave_tty(struct tty_struct *tty)
{
	pid_t session = current->signal->session;

	if (tty->session == session) {
		pid_t pgrp = release_session(tty);

		if (pgrp > 0) {
			kill_pgrp(pgrp, SIGHUP);
			kill_pgrp(pgrp, SIGCONT);
		}
	}
	session_clear_tty(tty, session);
}

void disassociate_ctty(void)
{
	struct tty_struct *tty = READ_ONCE(current->signal->tty);

	if (tty)
		leave_tty(tty);
}

int tty_give_up(struct tty_struct *tty)
{
	unsigned long flags;

	if (READ_ONCE(current->signal->tty) != tty)
		return -ENOTTY;
	if (current->signal->leader) {
		leave_tty(tty);
		return 0;
	}
	spin_lock_irqsave(&pidtab_lock, flags);
	current->signal->tty = NULL;
	spin_unlock_irqrestore(&pidtab_lock, flags);
	return 0;
}

struct hup_arg { pid_t session; };

static bool hup_leader(struct task_struct *p, void *arg)
{
	const struct hup_arg *h = arg;

	if (p->signal->session == h->session && p->signal->leader) {
		send_sig(SIGHUP, p);
		send_sig(SIGCONT, p);
	}
	return true;
}

void tty_hangup(struct tty_struct *tty)
{
	struct hup_arg arg = { tty->session };

	WRITE_ONCE(tty->hung_up, true);
	__wake_up(&tty->read_wait, TASK_INTERRUPTIBLE, 0, poll_to_key(EPOLLIN | EPOLLHUP | EPOLLERR));
	__wake_up(&tty->write_wait, TASK_INTERRUPTIBLE, 0, poll_to_key(EPOLLOUT | EPOLLHUP | EPOLLERR));
	if (!arg.session)
		return;
	for_each_process(hup_leader, &arg);
	pid_t pgrp = release_session(tty);

	if (pgrp > 0)
		kill_pgrp(pgrp, SIGHUP);
	session_clear_tty(tty, arg.session);
}

/* TIOCSCTTY, or the first open by a session leader. Return: 0 or -EPERM. */
int tty_set_controlling(struct tty_struct *tty, const struct file *file, bool steal)
{
	struct signal_struct *sig = current->signal;

	if (sig->leader && tty->session == sig->session)
		return 0;
	if (!sig->leader || sig->tty)
		return -EPERM;
	if (tty->session) {
		if (!steal || !capable_root())
			return -EPERM;
		pid_t old = tty->session;

		release_session(tty);
		session_clear_tty(tty, old);
	}
	if (!(file->f_mode & FMODE_READ) && !capable_root())
		return -EPERM;
	set_ctty(tty);
	return 0;
}

int tty_attach(struct tty_struct *tty, struct file *file, bool noctty)
{
	if (READ_ONCE(tty->hung_up))
		return -EIO;
	mutex_lock(&tty->mutex);
	tty->count++;
	mutex_unlock(&tty->mutex);
	file->private_data = tty;
	file->f_op = &tty_fops;
	stream_open(file->f_inode, file);
	if (!noctty && !(file->f_flags & O_NOCTTY) && current->signal->leader && !current->signal->tty &&
	    !tty->session && (file->f_mode & FMODE_READ))
		set_ctty(tty);
	return 0;
}

static int tty_open(struct inode *inode, struct file *file)
{
	for (int i = 0; i < nr_lines; i++)
		if (lines[i]->dev == inode->i_rdev)
			return tty_attach(lines[i], file, false);
	return -ENXIO;
}

/* These two never become a controlling terminal, with O_NOCTTY or without. */
static int ttyaux_open(struct inode *inode, struct file *file)
{
	if (MINOR(inode->i_rdev) == CONSOLE_MINOR)
		return nr_lines ? tty_attach(lines[0], file, true) : -ENODEV;
	unsigned long flags;

	/* Whoever lets the terminal go clears signal->tty first, under this lock. */
	spin_lock_irqsave(&pidtab_lock, flags);
	struct tty_struct *tty = current->signal->tty;

	if (tty && tty->ops->open && !tty->ops->open(tty))
		tty = NULL;
	spin_unlock_irqrestore(&pidtab_lock, flags);
	if (!tty)
		return -ENXIO;
	int err = tty_attach(tty, file, true);

	if (err && tty->ops->close)
		tty->ops->close(tty, false);
	return err;
}

static int tty_release(__unused struct inode *inode, struct file *file)
{
	struct tty_struct *tty = file->private_data;

	mutex_lock(&tty->mutex);
	bool last = --tty->count == 0;

	mutex_unlock(&tty->mutex);
	if (tty->ops->close)
		tty->ops->close(tty, last);
	return 0;
}

static ssize_t tty_read(struct kiocb *iocb, struct iov_iter *to)
{
	struct tty_struct *tty = iocb->ki_filp->private_data;

	if (READ_ONCE(tty->hung_up))
		return 0;
	ssize_t n = n_tty_read(tty, iocb->ki_filp, iocb, to);

	if (n > 0 && iocb->ki_filp->f_inode)
		iocb->ki_filp->f_inode->i_atime_ns = ktime_get_real_ns();
	return n;
}

static ssize_t tty_write(struct kiocb *iocb, struct iov_iter *from)
{
	struct tty_struct *tty = iocb->ki_filp->private_data;

	if (READ_ONCE(tty->hung_up))
		return -EIO;
	return n_tty_write(tty, iocb, from);
}

static __poll_t tty_poll(struct file *file, poll_table *pt)
{
	return n_tty_poll(file->private_data, file, pt);
}

const struct file_operations tty_fops = {
	.open = tty_open,
	.read_iter = tty_read,
	.write_iter = tty_write,
	.poll = tty_poll,
	.unlocked_ioctl = tty_ioctl,
	.release = tty_release,
};
static const struct file_operations ttyaux_fops = { .open = ttyaux_open };

void tty_add_line(struct tty_struct *tty)
{
	if (nr_lines == MAX_LINES)
		return;
	lines[nr_lines++] = tty;
	if (devfs_add(tty->name, S_IFCHR | 0660, tty->dev))
		pr_warn("tty: no node for %s\n", tty->name);
}

void tty_init(void)
{
	register_chrdev(TTY_MAJOR, 64, MAX_LINES, "ttyS", &tty_fops);
	register_chrdev(TTYAUX_MAJOR, TTY_MINOR, 2, "ttyaux", &ttyaux_fops);
	if (devfs_add("tty", S_IFCHR | 0666, MKDEV(TTYAUX_MAJOR, TTY_MINOR)) ||
	    devfs_add("console", S_IFCHR | 0600, MKDEV(TTYAUX_MAJOR, CONSOLE_MINOR)))
		pr_warn("tty: no node for the console\n");
	serial_start(tty_add_line);
	pty_init();
}

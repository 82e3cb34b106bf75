/*
 * drivers/char/tty_ioctl.c - the settings of a terminal, and its sessions, as ioctl(2) shows them.
 *
 * Linux:   drivers/tty/tty_ioctl.c, tty_jobctrl.c (6.1)
 * Same:    TCGETS, TCSETS and the "2" forms, window sizes with SIGWINCH, groups and sessions, TCFLSH, TIOCSTI.
 * Differs: 1. no old struct termio (TCGETA), no modem lines, no other line disciplines than N_TTY.
 * Locks:   TTY_MTX, LEAF.
 * Walk:    ioctl(2) -> tty_ioctl() -> set_termios().
 */
#include "drivers/char/tty.h"
#include "kernel/process.h"
#include "kernel/signal.h"
#include "kernel/string.h"
#include "kernel/uaccess.h"

enum {
	TCGETS = 0x5401, TCSETS = 0x5402, TCSETSW = 0x5403, TCSETSF = 0x5404, TCSBRK = 0x5409,
	TCXONC = 0x540A, TCFLSH = 0x540B, TIOCEXCL = 0x540C, TIOCNXCL = 0x540D, TIOCSCTTY = 0x540E,
	TIOCGPGRP = 0x540F, TIOCSPGRP = 0x5410, TIOCOUTQ = 0x5411, TIOCSTI = 0x5412, TIOCGWINSZ =
	0x5413, TIOCSWINSZ = 0x5414, TIOCMGET = 0x5415, TIOCINQ = 0x541B, TIOCNOTTY = 0x5422,
	TIOCSETD = 0x5423, TIOCGETD = 0x5424, TCSBRKP = 0x5425, TIOCGSID = 0x5429,
};
#define TCGETS2 0x802C542AU
#define TCSETS2 0x402C542BU
#define TCSETSW2 0x402C542CU
#define TCSETSF2 0x402C542DU
#define TIOCGDEV 0x80045432U
enum { TCIFLUSH, TCOFLUSH, TCIOFLUSH };
enum { TCOOFF, TCOON, TCIOFF, TCION };

static bool all_is_sent(struct tty_struct *tty)
{
	return !tty->ops->chars_in_buffer(tty) && (!tty->ops->line_idle || tty->ops->line_idle(tty));
}

/*
 * Until the line has sent all, also what is in the device: who powers off after this must lose nothing. Return: 0 or
 * -ERESTARTSYS.
 */
static int wait_until_sent(struct tty_struct *tty)
{
	while (!all_is_sent(tty) && !READ_ONCE(tty->hung_up)) {
		if (signal_pending(current))
			return -ERESTARTSYS;
		set_current_state(TASK_INTERRUPTIBLE);
		schedule_timeout_ns(NSEC_PER_MSEC);
	}
	return 0;
}

static int get_termios(struct tty_struct *tty, uptr arg, bool two)
{
	mutex_lock(&tty->mutex);
	struct termios2_abi t = tty->termios;

	mutex_unlock(&tty->mutex);
	return copy_to_user(arg, &t, two ? sizeof(t) : sizeof(struct termios_abi)) ? -EFAULT : 0;
}

enum { SET_NOW, SET_DRAIN, SET_FLUSH };

static int set_termios(struct tty_struct *tty, uptr arg, bool two, int when)
{
	struct termios2_abi new = tty->termios;
	int err = tty_check_change(tty, SIGTTOU);

	if (err)
		return err;
	if (copy_from_user(&new, arg, two ? sizeof(new) : sizeof(struct termios_abi)))
		return -EFAULT;
	if (when != SET_NOW) {
		err = wait_until_sent(tty);
		if (err)
			return err;
	}
	mutex_lock(&tty->mutex);
	struct termios2_abi old = tty->termios;

	if (when == SET_FLUSH)
		n_tty_flush_input(tty);
	tty->termios = new;
	n_tty_settings_changed(tty, &old);
	if (!(new.c_iflag & IXON) && tty->stopped) {
		tty->stopped = false;
		tty_wakeup(tty);
	}
	mutex_unlock(&tty->mutex);
	return 0;
}

static int set_winsize(struct tty_struct *tty, uptr arg)
{
	struct winsize ws;

	if (copy_from_user(&ws, arg, sizeof(ws)))
		return -EFAULT;
	mutex_lock(&tty->mutex);
	bool same = !memcmp(&ws, &tty->winsize, sizeof(ws));

	tty->winsize = ws;
	mutex_unlock(&tty->mutex);
	if (!same)
		tty_signal_fg(tty, SIGWINCH);
	return 0;
}

static int get_winsize(struct tty_struct *tty, uptr arg)
{
	mutex_lock(&tty->mutex);
	struct winsize ws = tty->winsize;

	mutex_unlock(&tty->mutex);
	return copy_to_user(arg, &ws, sizeof(ws)) ? -EFAULT : 0;
}

static int flush(struct tty_struct *tty, unsigned long what)
{
	int err = tty_check_change(tty, SIGTTOU);

	if (err)
		return err;
	if (what > TCIOFLUSH)
		return -EINVAL;
	if (what != TCOFLUSH) {
		mutex_lock(&tty->mutex);
		n_tty_flush_input(tty);
		mutex_unlock(&tty->mutex);
		if (tty->ops->unthrottle)
			tty->ops->unthrottle(tty);
	}
	if (what != TCIFLUSH && tty->ops->flush_buffer)
		tty->ops->flush_buffer(tty);
	tty_wakeup(tty);
	return 0;
}

static int flow(struct tty_struct *tty, unsigned long what)
{
	u8 c;
	int err = tty_check_change(tty, SIGTTOU);

	if (err)
		return err;
	switch (what) {
	case TCOOFF:
	case TCOON:
		tty->stopped = what == TCOOFF;
		tty_wakeup(tty);
		return 0;
	case TCIOFF:
	case TCION:
		c = tty->termios.c_cc[what == TCIOFF ? VSTOP : VSTART];
		if (c)
			tty->ops->write(tty, &c, 1);
		return 0;
	}
	return -EINVAL;
}

struct pgrp_arg { pid_t pgrp, session; bool found; };

static bool check_pgrp(struct task_struct *p, void *data)
{
	struct pgrp_arg *a = data;

	if (p->signal->pgrp != a->pgrp)
		return true;
	a->found = true;
	a->session = p->signal->session;
	return false;
}

static int set_pgrp(struct tty_struct *tty, uptr arg)
{
	struct pgrp_arg a = { 0 };
	int err = tty_check_change(tty, SIGTTOU);

	if (err)
		return err == -EIO ? -ENOTTY : err;
	if (current->signal->tty != tty || tty->session != current->signal->session)
		return -ENOTTY;
	if (get_user(a.pgrp, arg))
		return -EFAULT;
	if (a.pgrp < 0)
		return -EINVAL;
	for_each_process(check_pgrp, &a);
	if (!a.found)
		return -ESRCH;
	if (a.session != current->signal->session)
		return -EPERM;
	WRITE_ONCE(tty->pgrp, a.pgrp);
	return 0;
}

static int get_pgrp(struct tty_struct *tty, uptr arg)
{
	if (current->signal->tty != tty)
		return -ENOTTY;
	return put_user(READ_ONCE(tty->pgrp), arg);
}

static int get_sid(struct tty_struct *tty, uptr arg)
{
	if (current->signal->tty != tty || !tty->session)
		return -ENOTTY;
	return put_user(tty->session, arg);
}

/* Input as if it had been typed. */
static int fake_input(struct tty_struct *tty, uptr arg)
{
	u8 c;

	if (current->signal->tty != tty && !capable_root())
		return -EPERM;
	if (get_user(c, arg))
		return -EFAULT;
	tty_receive(tty, &c, 1);
	return 0;
}

static int input_waiting(struct tty_struct *tty, uptr arg)
{
	mutex_lock(&tty->mutex);
	int n = (int)n_tty_chars_available(tty);

	mutex_unlock(&tty->mutex);
	return put_user(n, arg);
}

/* Sessions and groups. */
static long job_ioctl(struct tty_struct *tty, struct file *file, unsigned int cmd, unsigned long arg)
{
	switch (cmd) {
	case TIOCSCTTY:
		return tty_set_controlling(tty, file, arg == 1);
	case TIOCNOTTY:
		return tty_give_up(tty);
	case TIOCGPGRP:
		return get_pgrp(tty, UPTR(arg));
	case TIOCSPGRP:
		return set_pgrp(tty, UPTR(arg));
	case TIOCGSID:
		return get_sid(tty, UPTR(arg));
	}
	return -ENOTTY;
}

/* Settings and queues. */
long tty_ioctl_common(struct tty_struct *tty, unsigned int cmd, unsigned long arg)
{
	uptr p = UPTR(arg);

	switch (cmd) {
	case TCGETS:
	case TCGETS2:
		return get_termios(tty, p, cmd == TCGETS2);
	case TCSETS:
	case TCSETS2:
		return set_termios(tty, p, cmd == TCSETS2, SET_NOW);
	case TCSETSW:
	case TCSETSW2:
		return set_termios(tty, p, cmd == TCSETSW2, SET_DRAIN);
	case TCSETSF:
	case TCSETSF2:
		return set_termios(tty, p, cmd == TCSETSF2, SET_FLUSH);
	case TIOCGWINSZ:
		return get_winsize(tty, p);
	case TIOCSWINSZ:
		return set_winsize(tty, p);
	case TCFLSH:
		return flush(tty, arg);
	case TCXONC:
		return flow(tty, arg);
	case TCSBRK:
	case TCSBRKP:
		return wait_until_sent(tty);
	case TIOCINQ:
		return input_waiting(tty, p);
	case TIOCOUTQ:
		return put_user((int)tty->ops->chars_in_buffer(tty), p);
	case TIOCSTI:
		return fake_input(tty, p);
	case TIOCGETD:
		return put_user((int)0 /* N_TTY */, p);
	case TIOCGDEV:
		return put_user((u32)new_encode_dev(tty->dev), p);
	}
	return -ENOTTY;
}

long tty_ioctl(struct file *file, unsigned int cmd, unsigned long arg)
{
	struct tty_struct *tty = file->private_data;

	if (READ_ONCE(tty->hung_up))
		return cmd == TIOCSPGRP ? -ENOTTY : -EIO;
	long ret = tty_ioctl_common(tty, cmd, arg);

	return ret == -ENOTTY ? job_ioctl(tty, file, cmd, arg) : ret;
}

/*
 * drivers/char/n_tty.c - the line discipline: what happens to characters between a line and a program.
 *
 * Linux:   drivers/tty/n_tty.c (6.1); POSIX.1-2017, chapter 11
 * Same:    canonical mode with ERASE, WERASE, KILL, REPRINT, LNEXT, EOF and EOLs; ISIG; ICRNL and its kin; echo with
 *          ECHOE, ECHOK, ECHOKE, ECHOCTL, ECHONL; OPOST; XON/XOFF; VMIN and VTIME.
 * Differs: 1. no ECHOPRT, no PARMRK, no IUCLC and OLCUC. 2. an echo that finds the line's buffer full is lost.
 * Locks:   TTY_MTX for the line being edited; TTY_BUF for raw input.
 * Walk:    tty_receive() -> n_tty_receive_work() -> receive_char() -> wake_up(read_wait); read() -> n_tty_read().
 */
#include "drivers/char/tty.h"
#include "kernel/process.h"
#include "kernel/signal.h"
#include "kernel/string.h"

#define RING(i) ((i) & (TTY_READ_SIZE - 1))
#define DISABLED '\0'		/* a control character that is switched off; and how an EOF stands in the buffer */
#define ECHO_MAX 64

static bool l_flag(const struct tty_struct *tty, u32 f) { return tty->termios.c_lflag & f; }
static bool i_flag(const struct tty_struct *tty, u32 f) { return tty->termios.c_iflag & f; }
static u8 cc(const struct tty_struct *tty, int i) { return tty->termios.c_cc[i]; }
static bool is_cc(const struct tty_struct *tty, int i, u8 c) { return c == cc(tty, i) && c != DISABLED; }

static bool is_line_end(const struct tty_struct *tty, unsigned int i)
{
	return test_bit(RING(i), tty->line_end);
}

unsigned int n_tty_chars_available(const struct tty_struct *tty)
{
	return (l_flag(tty, ICANON) ? tty->canon_head : tty->read_head) - tty->read_tail;
}

/* One character through output processing. Return: bytes put in @out (at most 8). */
static size_t opost(struct tty_struct *tty, u8 c, u8 *out)
{
	u32 o = tty->termios.c_oflag;
	size_t n = 0;

	if (!(o & OPOST)) {
		out[0] = c;
		return 1;
	}
	switch (c) {
	case '\n':
		if (o & ONLCR)
			out[n++] = '\r';
		if (o & (ONLCR | ONLRET))
			tty->column = 0;
		break;
	case '\r':
		if ((o & ONOCR) && tty->column == 0)
			return 0;
		if (o & OCRNL)
			c = '\n';
		else
			tty->column = 0;
		break;
	case '\t':
		if ((o & TABDLY) == XTABS) {
			do
				out[n++] = ' ';
			while (++tty->column & 7);
			return n;
		}
		tty->column = (tty->column | 7) + 1;
		break;
	case '\b':
		if (tty->column)
			tty->column--;
		break;
	default:
		if (c >= ' ' && c != 0x7f && (!i_flag(tty, IUTF8) || (c & 0xc0) != 0x80))
			tty->column++;
	}
	out[n++] = c;
	return n;
}

static void echo_raw(struct tty_struct *tty, const char *s, size_t n)
{
	u8 out[ECHO_MAX];
	size_t len = 0;

	while (n--) {
		if (len > sizeof(out) - 8) {
			tty->ops->write(tty, out, len);
			len = 0;
		}
		len += opost(tty, (u8)*s++, out + len);
	}
	tty->ops->write(tty, out, len);
}

static bool shown_as_control(const struct tty_struct *tty, u8 c)
{
	return l_flag(tty, ECHOCTL) && (c < ' ' || c == 0x7f) && c != '\t';
}

static void echo_char(struct tty_struct *tty, u8 c)
{
	char s[2] = { '^', (char)(c ^ 0x40) };

	if (shown_as_control(tty, c))
		echo_raw(tty, s, 2);
	else
		echo_raw(tty, (const char *)&c, 1);
}

static void put_char(struct tty_struct *tty, u8 c, bool line_end)
{
	unsigned int i = RING(tty->read_head);

	tty->read_buf[i] = c;
	if (line_end)
		set_bit(i, tty->line_end);
	else
		clear_bit(i, tty->line_end);
	tty->read_head++;
}

static bool is_continuation(const struct tty_struct *tty, u8 c)
{
	return i_flag(tty, IUTF8) && (c & 0xc0) == 0x80;
}

/* Where the cursor stood before the tab at @pos: the width of all before it on this line. */
static unsigned int column_before(const struct tty_struct *tty, unsigned int pos)
{
	unsigned int col = tty->canon_column;

	for (unsigned int i = tty->canon_head; i != pos; i++) {
		u8 c = tty->read_buf[RING(i)];

		if (c == '\t')
			col = (col | 7) + 1;
		else if (shown_as_control(tty, c))
			col += 2;
		else if (c >= ' ' && !is_continuation(tty, c))
			col++;
	}
	return col;
}

/* Take the last character off the screen. It is out of the buffer already: the buffer ends where it stood. */
static void echo_erase(struct tty_struct *tty, u8 c)
{
	unsigned int width = 1;

	if (c == '\t') {
		unsigned int col = column_before(tty, tty->read_head);

		width = ((col | 7) + 1) - col;
		while (width--)
			echo_raw(tty, "\b", 1);
		return;
	}
	if (c < ' ' || c == 0x7f)
		width = shown_as_control(tty, c) ? 2 : 0;
	while (width--)
		echo_raw(tty, "\b \b", 3);
}

static bool is_word_char(u8 c)
{
	return (c >= '0' && c <= '9') || ((c | 0x20) >= 'a' && (c | 0x20) <= 'z') || c == '_' || c >= 0x80;
}

/* Take one character (with all its UTF-8 bytes) off the line. Return: false if it is empty; *@c: the first byte. */
static bool take_last(struct tty_struct *tty, u8 *c)
{
	while (tty->read_head != tty->canon_head) {
		*c = tty->read_buf[RING(--tty->read_head)];
		if (!is_continuation(tty, *c))
			return true;
	}
	return false;
}

static void erase_one(struct tty_struct *tty, u8 typed)
{
	u8 c;

	if (!take_last(tty, &c) || !l_flag(tty, ECHO))
		return;
	if (l_flag(tty, ECHOE))
		echo_erase(tty, c);
	else
		echo_char(tty, typed);
}

static void erase_word(struct tty_struct *tty, u8 typed)
{
	bool seen_word = false;

	while (tty->read_head != tty->canon_head) {
		bool word = is_word_char(tty->read_buf[RING(tty->read_head - 1)]);

		if (seen_word && !word)
			break;
		seen_word |= word;
		erase_one(tty, typed);
	}
}

static void erase_line(struct tty_struct *tty, u8 typed)
{
	if (l_flag(tty, ECHO) && l_flag(tty, ECHOK) && l_flag(tty, ECHOKE) && l_flag(tty, ECHOE)) {
		while (tty->read_head != tty->canon_head)
			erase_one(tty, typed);
		return;
	}
	tty->read_head = tty->canon_head;
	if (!l_flag(tty, ECHO))
		return;
	echo_char(tty, typed);
	if (l_flag(tty, ECHOK))
		echo_raw(tty, "\n", 1);
}

static void reprint(struct tty_struct *tty, u8 typed)
{
	if (!l_flag(tty, ECHO))
		return;
	echo_char(tty, typed);
	echo_raw(tty, "\n", 1);
	for (unsigned int i = tty->canon_head; i != tty->read_head; i++)
		echo_char(tty, tty->read_buf[RING(i)]);
}

static void finish_line(struct tty_struct *tty, u8 c)
{
	put_char(tty, c, true);
	tty->canon_head = tty->read_head;
	tty->canon_column = tty->column;
	wake_up_interruptible_poll(&tty->read_wait, EPOLLIN | EPOLLRDNORM);
}

void n_tty_flush_input(struct tty_struct *tty)
{
	unsigned long flags;

	assert_held(&tty->mutex);
	tty->read_tail = tty->canon_head = tty->read_head;
	tty->lnext = false;
	spin_lock_irqsave(&tty->buf_lock, flags);
	tty->raw_tail = tty->raw_head;
	spin_unlock_irqrestore(&tty->buf_lock, flags);
}

static void receive_signal(struct tty_struct *tty, u8 c, int sig)
{
	if (!l_flag(tty, NOFLSH)) {
		tty->read_tail = tty->canon_head = tty->read_head;
		if (tty->ops->flush_buffer)
			tty->ops->flush_buffer(tty);
	}
	if (l_flag(tty, ECHO))
		echo_char(tty, c);
	tty_signal_fg(tty, sig);
	wake_up_interruptible_poll(&tty->write_wait, EPOLLOUT | EPOLLWRNORM);
}

/* ^C, ^\, ^Z, ^S, ^Q. Return: true if @c was one of them. */
static bool receive_control(struct tty_struct *tty, u8 c)
{
	if (i_flag(tty, IXON)) {
		if (is_cc(tty, VSTART, c) || is_cc(tty, VSTOP, c)) {
			tty->stopped = is_cc(tty, VSTOP, c) && !is_cc(tty, VSTART, c);
			if (!tty->stopped)
				tty_wakeup(tty);
			return true;
		}
		if (tty->stopped && i_flag(tty, IXANY)) {
			tty->stopped = false;
			tty_wakeup(tty);
		}
	}
	if (!l_flag(tty, ISIG))
		return false;
	if (is_cc(tty, VINTR, c))
		receive_signal(tty, c, SIGINT);
	else if (is_cc(tty, VQUIT, c))
		receive_signal(tty, c, SIGQUIT);
	else if (is_cc(tty, VSUSP, c))
		receive_signal(tty, c, SIGTSTP);
	else
		return false;
	return true;
}

/* The editing characters of canonical mode. Return: true if @c was one. */
static bool receive_edit(struct tty_struct *tty, u8 c)
{
	if (is_cc(tty, VERASE, c)) {
		erase_one(tty, c);
	} else if (is_cc(tty, VKILL, c)) {
		erase_line(tty, c);
	} else if (l_flag(tty, IEXTEN) && is_cc(tty, VWERASE, c)) {
		erase_word(tty, c);
	} else if (l_flag(tty, IEXTEN) && is_cc(tty, VREPRINT, c)) {
		reprint(tty, c);
	} else if (l_flag(tty, IEXTEN) && is_cc(tty, VLNEXT, c)) {
		tty->lnext = true;
		if (l_flag(tty, ECHO) && l_flag(tty, ECHOCTL))
			echo_raw(tty, "^\b", 2);
	} else {
		return false;
	}
	return true;
}

/* A character that ends a line. Return: true if @c does. */
static bool receive_line_end(struct tty_struct *tty, u8 c)
{
	if (c == '\n') {
		if (l_flag(tty, ECHO) || l_flag(tty, ECHONL))
			echo_raw(tty, "\n", 1);
		finish_line(tty, c);
	} else if (is_cc(tty, VEOF, c)) {
		finish_line(tty, DISABLED);
	} else if (is_cc(tty, VEOL, c) || (l_flag(tty, IEXTEN) && is_cc(tty, VEOL2, c))) {
		if (l_flag(tty, ECHO))
			echo_char(tty, c);
		finish_line(tty, c);
	} else {
		return false;
	}
	return true;
}

/* An ordinary character. In canonical mode one place is kept for the end of the line. */
static void receive_plain(struct tty_struct *tty, u8 c)
{
	bool canon = l_flag(tty, ICANON);

	if (tty->read_head - tty->read_tail >= TTY_READ_SIZE - 1) {
		if (i_flag(tty, IMAXBEL))
			tty->ops->write(tty, (const u8 *)"\a", 1);
		return;
	}
	if (l_flag(tty, ECHO)) {
		if (tty->read_head == tty->canon_head)
			tty->canon_column = tty->column;
		/* outside canonical mode a newline shows as one, not as ^J */
		if (c == '\n')
			echo_raw(tty, "\n", 1);
		else
			echo_char(tty, c);
	}
	put_char(tty, c, false);
	if (!canon)
		tty->canon_head = tty->read_head;
}

static void receive_char(struct tty_struct *tty, u8 c)
{
	if (i_flag(tty, ISTRIP))
		c &= 0x7f;
	if (tty->lnext) {
		tty->lnext = false;
		receive_plain(tty, c);
		return;
	}
	if (receive_control(tty, c))
		return;
	if (c == '\r') {
		if (i_flag(tty, IGNCR))
			return;
		if (i_flag(tty, ICRNL))
			c = '\n';
	} else if (c == '\n' && i_flag(tty, INLCR)) {
		c = '\r';
	}
	if (l_flag(tty, ICANON) && (receive_edit(tty, c) || receive_line_end(tty, c)))
		return;
	receive_plain(tty, c);
}

static size_t take_raw(struct tty_struct *tty, u8 *buf, size_t size)
{
	unsigned long flags;
	size_t n = 0;

	spin_lock_irqsave(&tty->buf_lock, flags);
	while (n < size && tty->raw_head != tty->raw_tail)
		buf[n++] = tty->raw[tty->raw_tail++ % TTY_RAW_SIZE];
	spin_unlock_irqrestore(&tty->buf_lock, flags);
	return n;
}

/*
 * Is there room to take more from the line without losing any? A full line in canonical mode is overrun on
 * purpose.
 */
static bool can_take(const struct tty_struct *tty)
{
	if (l_flag(tty, ICANON) && tty->canon_head == tty->read_tail)
		return true;
	return tty->read_head - tty->read_tail < TTY_READ_SIZE - 128;
}

/* What has come in, through the discipline. */
static void receive_all(struct tty_struct *tty)
{
	u8 buf[64];
	size_t n;

	assert_held(&tty->mutex);
	unsigned int before = n_tty_chars_available(tty);

	while (can_take(tty) && (n = take_raw(tty, buf, sizeof(buf)))) {
		for (size_t i = 0; i < n; i++)
			receive_char(tty, buf[i]);
	}
	if (!l_flag(tty, ICANON) && n_tty_chars_available(tty) != before)
		wake_up_interruptible_poll(&tty->read_wait, EPOLLIN | EPOLLRDNORM);
}

void n_tty_receive_work(struct work_struct *work)
{
	struct tty_struct *tty = container_of(work, struct tty_struct, work);

	mutex_lock(&tty->mutex);
	receive_all(tty);
	mutex_unlock(&tty->mutex);
	if (tty->ops->unthrottle)
		tty->ops->unthrottle(tty);
}

/* From one mode to the other with input waiting: what was typed so far counts as read, or as a line. */
void n_tty_settings_changed(struct tty_struct *tty, const struct termios2_abi *old)
{
	if (!((old->c_lflag ^ tty->termios.c_lflag) & ICANON))
		return;
	memset(tty->line_end, 0, sizeof(tty->line_end));
	if (l_flag(tty, ICANON) && tty->read_head != tty->read_tail) {
		set_bit(RING(tty->read_head - 1), tty->line_end);
		tty->canon_head = tty->read_head;
	} else {
		tty->canon_head = l_flag(tty, ICANON) ? tty->read_tail : tty->read_head;
	}
	tty->lnext = false;
	wake_up_interruptible_poll(&tty->read_wait, EPOLLIN | EPOLLRDNORM);
}

/* @amount: characters that must be there outside canonical mode. */
static bool input_available(const struct tty_struct *tty, unsigned int amount)
{
	return n_tty_chars_available(tty) >= (l_flag(tty, ICANON) ? 1 : max(amount, 1U));
}

/* The next piece of the ring up to @n characters. Return: bytes copied or -EFAULT. */
static ssize_t copy_ring(struct tty_struct *tty, size_t n, struct iov_iter *to)
{
	ssize_t done = 0;

	while (n) {
		unsigned int i = RING(tty->read_tail);
		size_t part = min(n, (size_t)(TTY_READ_SIZE - i)), copied = copy_to_iter(tty->read_buf + i, part, to);

		tty->read_tail += (unsigned int)copied;
		done += (ssize_t)copied;
		if (copied < part)
			return done ? done : -EFAULT;
		n -= part;
	}
	return done;
}

/* One line, or as much of it as fits. An EOF character ends it and is not seen. */
static ssize_t read_canon(struct tty_struct *tty, struct iov_iter *to)
{
	unsigned int i = tty->read_tail;
	size_t n = 0, want = iov_iter_count(to);
	bool eof = false;

	while (i != tty->canon_head && n < want) {
		bool end = is_line_end(tty, i);

		eof = end && tty->read_buf[RING(i)] == DISABLED;
		i++;
		if (eof)
			break;
		n++;
		if (end)
			break;
	}
	/* the line fits exactly: an EOF right behind it must not be the next read's end of file */
	if (!eof && n == want && n && i != tty->canon_head && is_line_end(tty, i) &&
	    tty->read_buf[RING(i)] == DISABLED && !is_line_end(tty, i - 1))
		eof = true;
	ssize_t done = n ? copy_ring(tty, n, to) : 0;

	if (eof && done == (ssize_t)n)
		tty->read_tail++;
	return done;
}

static ssize_t read_raw(struct tty_struct *tty, struct iov_iter *to)
{
	size_t n = min((size_t)n_tty_chars_available(tty), iov_iter_count(to));

	return copy_ring(tty, n, to);
}

/*
 * How a read outside canonical mode waits (POSIX.1, 11.1.7): for how many characters, and how long for the first
 * and between them.
 */
struct read_wait_rule { unsigned int min; s64 first_ns, between_ns; };

static struct read_wait_rule wait_rule(const struct tty_struct *tty, size_t want)
{
	unsigned int min_chars = cc(tty, VMIN);
	s64 time_ns = (s64)cc(tty, VTIME) * 100 * (s64)NSEC_PER_MSEC;

	if (l_flag(tty, ICANON))
		return (struct read_wait_rule){ 1, MAX_SCHEDULE_TIMEOUT, MAX_SCHEDULE_TIMEOUT };
	if (min_chars > want)
		min_chars = (unsigned int)want;
	if (min_chars)
		return (struct read_wait_rule){ min_chars, MAX_SCHEDULE_TIMEOUT,
						time_ns ? time_ns : MAX_SCHEDULE_TIMEOUT };
	return (struct read_wait_rule){ 1, time_ns, time_ns };
}

/* May current, if it is in the background, read? 0, -EIO or -ERESTARTSYS. */
static int job_control(struct tty_struct *tty)
{
	return tty_check_change(tty, SIGTTIN);
}

/* Sleep until input comes. mutex held on entry and return. Return: ns left, or -errno. */
static s64 read_sleep(struct tty_struct *tty, struct file *file, s64 timeout)
{
	DEFINE_WAIT(wait);
	s64 left = timeout;

	if (file->f_flags & O_NONBLOCK)
		return -EAGAIN;
	prepare_to_wait(&tty->read_wait, &wait, TASK_INTERRUPTIBLE);
	mutex_unlock(&tty->mutex);
	/*
	 * Raw input has been looked at by receive_all(); whatever comes later, and a hang-up, wakes this
	 * queue.
	 */
	if (signal_pending(current))
		left = -ERESTARTSYS;
	else if (!READ_ONCE(tty->hung_up) && !READ_ONCE(tty->other_closed))
		left = schedule_timeout_ns(timeout);
	finish_wait(&tty->read_wait, &wait);
	mutex_lock(&tty->mutex);
	return left;
}

ssize_t n_tty_read(struct tty_struct *tty, struct file *file, struct kiocb *iocb, struct iov_iter *to)
{
	int err = job_control(tty);
	size_t done = 0;

	(void)iocb;
	if (err || !iov_iter_count(to))
		return err;
	mutex_lock(&tty->mutex);
	struct read_wait_rule rule = wait_rule(tty, iov_iter_count(to));
	s64 left = rule.first_ns, n = 0;

	for (;;) {
		receive_all(tty);
		if (input_available(tty, 1)) {
			bool canon = l_flag(tty, ICANON);

			n = canon ? read_canon(tty, to) : read_raw(tty, to);
			if (n > 0)
				done += (size_t)n;
			if (n < 0 || canon || done >= rule.min || !iov_iter_count(to))
				break;
			left = rule.between_ns;
		}
		n = 0;
		if (READ_ONCE(tty->other_closed))
			n = -EIO;
		if (READ_ONCE(tty->hung_up) || n || !left)
			break;
		left = read_sleep(tty, file, left);
		if (left < 0) {
			n = left;
			break;
		}
	}
	bool more = tty->raw_head != tty->raw_tail;

	mutex_unlock(&tty->mutex);
	if (more)
		schedule_work(&tty->work);
	else if (tty->ops->unthrottle)
		tty->ops->unthrottle(tty);
	return done ? (ssize_t)done : n;
}

static bool can_write(struct tty_struct *tty)
{
	return READ_ONCE(tty->hung_up) || READ_ONCE(tty->other_closed) ||
	       (!READ_ONCE(tty->stopped) && tty->ops->write_room(tty) >= 16);
}

/* Output what fits of @buf. Return: bytes of @buf that went. */
static size_t write_some(struct tty_struct *tty, const u8 *buf, size_t n)
{
	u8 out[512];
	size_t room = tty->ops->write_room(tty), len = 0, done = 0;

	if (READ_ONCE(tty->stopped))
		return 0;
	if (!(tty->termios.c_oflag & OPOST))
		return tty->ops->write(tty, buf, n);
	while (done < n && len + 8 <= min(room, sizeof(out)))
		len += opost(tty, buf[done++], out + len);
	tty->ops->write(tty, out, len);
	return done;
}

static ssize_t write_chunk(struct tty_struct *tty, const u8 *buf, size_t n, bool nonblock)
{
	size_t done = 0;

	while (done < n) {
		if (READ_ONCE(tty->hung_up) || READ_ONCE(tty->other_closed))
			return -EIO;
		size_t k = write_some(tty, buf + done, n - done);

		done += k;
		if (k)
			continue;
		if (nonblock)
			break;
		int err = wait_event_interruptible(tty->write_wait, can_write(tty));

		if (err)
			return done ? (ssize_t)done : err;
	}
	return done ? (ssize_t)done : -EAGAIN;
}

ssize_t n_tty_write(struct tty_struct *tty, struct kiocb *iocb, struct iov_iter *from)
{
	bool nonblock = iocb->ki_flags & IOCB_NOWAIT;
	ssize_t done = 0, n = 0;
	u8 buf[256];

	if (tty->termios.c_lflag & TOSTOP) {
		n = tty_check_change(tty, SIGTTOU);
		if (n)
			return n;
	}
	if (nonblock) {
		if (!mutex_trylock(&tty->write_mutex))
			return -EAGAIN;
	} else {
		mutex_lock_nested(&tty->write_mutex, 1);
	}
	while (iov_iter_count(from)) {
		size_t part = min(sizeof(buf), iov_iter_count(from)), copied = copy_from_iter(buf, part, from);

		if (!copied) {
			n = -EFAULT;
			break;
		}
		n = write_chunk(tty, buf, copied, nonblock);
		if (n > 0)
			done += n;
		if (n < (ssize_t)copied) {
			iov_iter_revert(from, copied - (size_t)max(n, (ssize_t)0));
			break;
		}
	}
	mutex_unlock(&tty->write_mutex);
	return done ? done : n;
}

__poll_t n_tty_poll(struct tty_struct *tty, struct file *file, poll_table *pt)
{
	__poll_t mask = 0;

	poll_wait(file, &tty->read_wait, pt);
	poll_wait(file, &tty->write_wait, pt);
	mutex_lock(&tty->mutex);
	receive_all(tty);
	unsigned int amount = !l_flag(tty, ICANON) && !cc(tty, VTIME) && cc(tty, VMIN) ? cc(tty, VMIN) : 1;

	if (input_available(tty, amount))
		mask |= EPOLLIN | EPOLLRDNORM;
	mutex_unlock(&tty->mutex);
	if (READ_ONCE(tty->hung_up) || READ_ONCE(tty->other_closed))
		mask |= EPOLLHUP;
	if (READ_ONCE(tty->hung_up))
		mask |= EPOLLIN | EPOLLOUT | EPOLLERR | EPOLLRDNORM | EPOLLWRNORM;
	else if (!READ_ONCE(tty->stopped) && tty->ops->write_room(tty) >= 256 && tty->ops->chars_in_buffer(tty) < 256)
		mask |= EPOLLOUT | EPOLLWRNORM;
	return mask;
}

/*
 * kernel/debug/printk.c - the kernel's messages: a ring in memory, and consoles that show it.
 *
 * Linux:   kernel/printk/printk.c, printk_ringbuffer.c (6.1)
 * Same:    a message goes into the ring first and from there to the consoles; syslog(2).
 * Differs: 1. the lock is taken with interrupts off and held while consoles write: messages are
 *             few, and a crash right after one finds it on the line. 2. a message that is printed
 *             while this CPU writes to a console (a warning from the console's own driver) only
 *             goes into the ring; the outer call shows it.
 *          3. the lock is invisible to the lock checker, which has to print itself.
 * Locks:   its own (PRINTK's place in the order), then UART.
 * Walk:    pr_info(), warn_failed(), panic() -> printk().
 *
 * The ring holds records of a header and text, padded to the size of the header, so that one header
 * always fits before the end, if only to say that the next record starts over at the beginning.
 * Positions count bytes since boot.
 */
#include <stdarg.h>
#include "kernel/arch.h"
#include "kernel/cmdline.h"
#include "kernel/errno.h"
#include "kernel/percpu.h"
#include "kernel/printk.h"
#include "kernel/process.h"
#include "kernel/spinlock.h"
#include "kernel/string.h"
#include "kernel/syscall.h"
#include "kernel/time.h"
#include "kernel/uaccess.h"

enum {
	RING_SIZE = 64 * 1024, MESSAGE_MAX = 480, PREFIX_MAX = 32, LEVEL_QUIET = LOGLEVEL_WARNING,
	NO_CPU = -1,
};

struct record {
	u64 time_ns;
	u32 len;
	u16 level;
	u16 skip; /* the rest up to the end of the ring is unused */
};
static_assert(sizeof(struct record) == 16 && RING_SIZE % sizeof(struct record) == 0,
	      "records do not wrap");

static spinlock_t printk_lock = __SPIN_LOCK_UNLOCKED(LC_PRINTK);
static int printk_cpu = NO_CPU;		/* who holds the lock */
static bool panic_mode;
/* printk_lock */
static u8 ring[RING_SIZE] __aligned(16);
static u64 first_pos, next_pos;		/* oldest record; end of the youngest */
static u64 console_pos;			/* what consoles have seen */
static u64 clear_pos, syslog_pos;	/* syslog(2): SYSLOG_ACTION_CLEAR, _READ */
static struct console *consoles;
static int console_level = LOGLEVEL_INFO;

/* --- the ring. All of these: printk_lock held, or panic mode --- */

static struct record *record_at(u64 pos) { return (struct record *)&ring[pos % RING_SIZE]; }

static u64 next_record(u64 pos)
{
	const struct record *r = record_at(pos);

	return pos + sizeof(*r) +
	       (r->skip ? RING_SIZE - pos % RING_SIZE - sizeof(*r) :
			  ALIGN((u64)r->len, sizeof(*r)));
}

/* Room for @bytes in one piece at next_pos; the oldest records make way. */
static void make_room(u64 bytes)
{
	u64 to_end = RING_SIZE - next_pos % RING_SIZE;
	u64 need = bytes <= to_end ? bytes : to_end + bytes;

	while (next_pos + need - first_pos > RING_SIZE)
		first_pos = next_record(first_pos);
	if (bytes > to_end) {
		*record_at(next_pos) = (struct record){ .skip = 1 };
		next_pos += to_end;
	}
}

static void ring_put(int level, const char *text, size_t len)
{
	u64 bytes = sizeof(struct record) + ALIGN(len, sizeof(struct record));

	make_room(bytes);
	*record_at(next_pos) = (struct record){ arch_clock_ns(), (u32)len, (u16)level, 0 };
	memcpy(&ring[next_pos % RING_SIZE + sizeof(struct record)], text, len);
	next_pos += bytes;
}

/* The record at *@pos (moved on to the next), or NULL at the end. */
static const struct record *ring_next(u64 *pos)
{
	const struct record *r;

	*pos = max(*pos, first_pos);
	while (*pos < next_pos) {
		r = record_at(*pos);
		*pos = next_record(*pos);
		if (!r->skip)
			return r;
	}
	return NULL;
}

static const char *record_text(const struct record *r) { return (const char *)(r + 1); }

static int format_time(char *buf, size_t size, const struct record *r)
{
	return scnprintf(buf, size, "[%5llu.%06llu] ", r->time_ns / NSEC_PER_SEC,
			 r->time_ns % NSEC_PER_SEC / NSEC_PER_USEC);
}

/* --- consoles --- */

static void console_show(struct console *con, const struct record *r)
{
	char prefix[PREFIX_MAX];
	int len = format_time(prefix, sizeof(prefix), r);

	con->write(con, prefix, (size_t)len);
	con->write(con, record_text(r), r->len);
	con->write(con, "\n", 1);
}

static void show_new_records(void)
{
	const struct record *r;

	while ((r = ring_next(&console_pos))) {
		if (r->level > console_level)
			continue;
		for (struct console *con = consoles; con; con = con->next)
			console_show(con, r);
	}
}

/* Return: false if this CPU holds it already. Interrupts off. */
static bool lock_printk(void)
{
	if (panic_mode)
		return true;
	if (READ_ONCE(printk_cpu) == smp_processor_id())
		return false;
	arch_spin_lock(&printk_lock);
	WRITE_ONCE(printk_cpu, smp_processor_id());
	return true;
}

static void unlock_printk(void)
{
	if (panic_mode)
		return;
	WRITE_ONCE(printk_cpu, NO_CPU);
	arch_spin_unlock(&printk_lock);
}

/* Each line of @text becomes a record; a newline at its end adds none. */
static void put_lines(int level, const char *text, size_t len)
{
	while (len) {
		const char *nl = memchr(text, '\n', len);
		size_t line = nl ? (size_t)(nl - text) : len;

		ring_put(level, text, line);
		if (!nl)
			return;
		text += line + 1;
		len -= line + 1;
	}
}

void printk(int level, const char *fmt, ...)
{
	char text[MESSAGE_MAX];
	unsigned long flags;
	va_list ap;
	int len;

	va_start(ap, fmt);
	len = vscnprintf(text, sizeof(text), fmt, ap);
	va_end(ap);
	local_irq_save(flags);
	if (lock_printk()) {
		put_lines(level, text, (size_t)len);
		show_new_records();
		unlock_printk();
	} else {
		/*
		 * We interrupted ourselves in a console's write(): the ring is whole, the outer
		 * call will look again.
		 */
		put_lines(level, text, (size_t)len);
	}
	local_irq_restore(flags);
}

void register_console(struct console *con)
{
	const struct record *r;
	unsigned long flags;
	u64 pos = 0;

	if (cmdline_has("quiet"))
		console_level = LEVEL_QUIET;
	/* Linux's number names the first level that is not shown. */
	console_level = (int)cmdline_get_u64("loglevel", (u64)console_level + 1) - 1;
	local_irq_save(flags);
	(void)lock_printk();
	while (pos < console_pos && (r = ring_next(&pos)))
		if (r->level <= console_level)
			console_show(con, r);
	con->next = consoles;
	consoles = con;
	show_new_records();
	unlock_printk();
	local_irq_restore(flags);
}

void printk_panic_mode(void) { panic_mode = true; }
void printk_set_console_level(int level) { WRITE_ONCE(console_level, level); }
int printk_console_level(void) { return READ_ONCE(console_level); }

/* --- readers --- */

size_t printk_read(u64 *pos, char *buf, size_t size)
{
	const struct record *r;
	unsigned long flags;
	size_t done = 0;
	u64 next = *pos;

	local_irq_save(flags);
	(void)lock_printk();
	while ((r = ring_next(&next))) {
		char prefix[PREFIX_MAX];
		int len = scnprintf(prefix, sizeof(prefix), "<%u>", r->level);

		len += format_time(prefix + len, sizeof(prefix) - (size_t)len, r);
		if (done + (size_t)len + r->len + 1 > size)
			break;
		memcpy(buf + done, prefix, (size_t)len);
		memcpy(buf + done + len, record_text(r), r->len);
		done += (size_t)len + r->len;
		buf[done++] = '\n';
		*pos = next;
	}
	unlock_printk();
	local_irq_restore(flags);
	return done;
}

enum {
	SYSLOG_ACTION_CLOSE, SYSLOG_ACTION_OPEN, SYSLOG_ACTION_READ, SYSLOG_ACTION_READ_ALL,
	SYSLOG_ACTION_READ_CLEAR, SYSLOG_ACTION_CLEAR, SYSLOG_ACTION_CONSOLE_OFF,
	SYSLOG_ACTION_CONSOLE_ON, SYSLOG_ACTION_CONSOLE_LEVEL, SYSLOG_ACTION_SIZE_UNREAD,
	SYSLOG_ACTION_SIZE_BUFFER,
};
enum { SYSLOG_CHUNK = 512 };

/* Lines from *@pos on to the user, as many as fit. Return: bytes or -EFAULT. */
static long syslog_copy(u64 *pos, uptr buf, size_t size)
{
	char chunk[SYSLOG_CHUNK + PREFIX_MAX];
	size_t done = 0, n;

	while ((n = printk_read(pos, chunk, min(sizeof(chunk), size - done)))) {
		if (copy_to_user(uptr_add(buf, done), chunk, n))
			return -EFAULT;
		done += n;
	}
	return (long)done;
}

static u64 behind_record(u64 pos)
{
	unsigned long flags;

	local_irq_save(flags);
	(void)lock_printk();
	(void)ring_next(&pos);
	unlock_printk();
	local_irq_restore(flags);
	return pos;
}

/*
 * The position from which what follows fits into @size bytes as text: syslog() gives the last
 * lines.
 */
static u64 syslog_tail(u64 from, size_t size)
{
	char chunk[SYSLOG_CHUNK + PREFIX_MAX];
	size_t total = 0;
	u64 pos = from;

	for (size_t n; (n = printk_read(&pos, chunk, sizeof(chunk))); )
		total += n;
	for (pos = from; total > size; ) {
		u64 before = pos;
		const char *nl;
		size_t n = printk_read(&pos, chunk, sizeof(chunk));

		nl = memchr(chunk, '\n', n);
		if (!nl)
			break;
		/* Only the first line goes. */
		total -= (size_t)(nl - chunk) + 1;
		pos = behind_record(before);
	}
	return pos;
}

static long syslog_read_all(uptr buf, size_t size, bool clear)
{
	u64 pos = syslog_tail(clear_pos, size);
	long n = syslog_copy(&pos, buf, size);

	if (clear && n >= 0)
		clear_pos = pos;
	return n;
}

/*
 * Waits for the first line. Nobody is woken by printk(), which may run anywhere: look again now and
 * then.
 */
static long syslog_read(uptr buf, size_t size)
{
	for (;;) {
		long n = syslog_copy(&syslog_pos, buf, size);

		if (n)
			return n;
		if (signal_pending(current))
			return -ERESTARTSYS;
		set_current_state(TASK_INTERRUPTIBLE);
		schedule_timeout_ns((s64)(100 * NSEC_PER_MSEC));
	}
}

static long syslog_size_unread(void)
{
	char chunk[SYSLOG_CHUNK + PREFIX_MAX];
	long total = 0;
	u64 pos = syslog_pos;

	for (size_t n; (n = printk_read(&pos, chunk, sizeof(chunk))); )
		total += (long)n;
	return total;
}

static long syslog_level(int level)
{
	if (level < 1 || level > 8)
		return -EINVAL;
	printk_set_console_level(level - 1);
	return 0;
}

SYSCALL_DEFINE3(syslog, int, type, uptr, buf, int, len)
{
	bool reads = type == SYSLOG_ACTION_READ || type == SYSLOG_ACTION_READ_ALL ||
		     type == SYSLOG_ACTION_READ_CLEAR;

	if (type != SYSLOG_ACTION_READ_ALL && type != SYSLOG_ACTION_SIZE_BUFFER && !capable_root())
		return -EPERM;
	if (reads && (uptr_is_null(buf) || len < 0))
		return -EINVAL;
	if (reads && !len)
		return 0;
	if (reads && !access_ok(buf, (size_t)len))
		return -EFAULT;
	switch (type) {
	case SYSLOG_ACTION_CLOSE:
	case SYSLOG_ACTION_OPEN:
		return 0;
	case SYSLOG_ACTION_READ:
		return syslog_read(buf, (size_t)len);
	case SYSLOG_ACTION_READ_ALL:
	case SYSLOG_ACTION_READ_CLEAR:
		return syslog_read_all(buf, (size_t)len, type == SYSLOG_ACTION_READ_CLEAR);
	case SYSLOG_ACTION_CLEAR:
		clear_pos = READ_ONCE(next_pos);
		return 0;
	case SYSLOG_ACTION_CONSOLE_OFF:
		return syslog_level(1);
	case SYSLOG_ACTION_CONSOLE_ON:
		return syslog_level(LOGLEVEL_INFO + 1);
	case SYSLOG_ACTION_CONSOLE_LEVEL:
		return syslog_level(len);
	case SYSLOG_ACTION_SIZE_UNREAD:
		return syslog_size_unread();
	case SYSLOG_ACTION_SIZE_BUFFER:
		return RING_SIZE;
	default:
		return -EINVAL;
	}
}

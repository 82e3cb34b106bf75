/*
 * drivers/char/tty.h - terminals inside: between a line (UART, pseudo terminal) and the programs that use it.
 *
 * Linux:   include/linux/tty.h, tty_driver.h, asm-generic/termios.h, termbits.h (6.1)
 * Same:    termios bits and layouts; the line discipline between driver and file.
 * Differs: 1. one line discipline (N_TTY). 2. input is processed by the worker, as Linux's flip buffers are.
 * Locks:   TTY_MTX (settings and line editing: depth 0; writers: depth 1), TTY_BUF (raw input).
 * Walk:    UART interrupt -> tty_receive() -> worker -> n_tty_receive_work() -> read_wait;
 *          write(2) -> n_tty_write() -> ops->write().
 */
#pragma once
#include "fs/fs.h"
#include "kernel/mutex.h"
#include "kernel/wait.h"
#include "kernel/workqueue.h"

#define NCCS 19
struct termios_abi { u32 c_iflag, c_oflag, c_cflag, c_lflag; u8 c_line, c_cc[NCCS]; };
struct termios2_abi { u32 c_iflag, c_oflag, c_cflag, c_lflag; u8 c_line, c_cc[NCCS]; u32 c_ispeed, c_ospeed; };
static_assert(sizeof(struct termios_abi) == 36 && sizeof(struct termios2_abi) == 44, "ABI");
struct winsize { u16 ws_row, ws_col, ws_xpixel, ws_ypixel; };

enum {
	VINTR, VQUIT, VERASE, VKILL, VEOF, VTIME, VMIN, VSWTC, VSTART, VSTOP, VSUSP, VEOL, VREPRINT, VDISCARD,
	VWERASE, VLNEXT, VEOL2,
};
/* c_iflag */
enum {
	ISTRIP = 040, INLCR = 0100, IGNCR = 0200, ICRNL = 0400, IXON = 02000, IXANY = 04000, IMAXBEL = 020000,
	IUTF8 = 040000,
};
/* c_oflag */
enum { OPOST = 1, ONLCR = 4, OCRNL = 010, ONOCR = 020, ONLRET = 040, TABDLY = 014000, XTABS = 014000 };
/* c_cflag */
enum { B38400 = 017, CS8 = 060, CREAD = 0200, HUPCL = 02000 };
/* c_lflag */
enum {
	ISIG = 1, ICANON = 2, ECHO = 010, ECHOE = 020, ECHOK = 040, ECHONL = 0100, NOFLSH = 0200, TOSTOP = 0400,
	ECHOCTL = 01000, ECHOKE = 04000, IEXTEN = 0100000,
};

struct tty_struct;
struct tty_operations {
	/* write - take what fits. Return: bytes taken. Context: any; does not sleep. */
	size_t (*write)(struct tty_struct *tty, const u8 *buf, size_t n);
	/* write_room - bytes that write() would take now; chars_in_buffer - taken but not sent yet. */
	size_t (*write_room)(struct tty_struct *tty);
	size_t (*chars_in_buffer)(struct tty_struct *tty);
	/* line_idle - has what left the buffer also left the device? NULL: always. Context: any. */
	bool (*line_idle)(struct tty_struct *tty);
	/*
	 * open - a reference for one more open file; false: the line is going away. Context: any. close - one open file
	 * less, maybe the @last; drops the reference. flush_buffer - forget what was taken. All may be NULL.
	 */
	bool (*open)(struct tty_struct *tty);
	void (*flush_buffer)(struct tty_struct *tty);
	void (*close)(struct tty_struct *tty, bool last);
	/* unthrottle - the reader made room for input again. May be NULL. */
	void (*unthrottle)(struct tty_struct *tty);
};

#define TTY_READ_SIZE 4096	/* N_TTY_BUF_SIZE */
#define TTY_RAW_SIZE 2048

struct tty_struct {
	/* immutable */
	const struct tty_operations *ops;
	void *driver_data;
	char name[16];
	dev_t dev;
	/* mutex (TTY_MTX) */
	struct mutex mutex;
	struct termios2_abi termios;
	struct winsize winsize;
	int count;			/* open files */
	bool lnext;			/* the next character is taken as it is */
	unsigned int column, canon_column;	/* of the cursor; where the line being edited began */
	/* the line buffer: tail <= canon <= head; head - canon is the line being edited */
	unsigned int read_head, canon_head, read_tail;
	u8 read_buf[TTY_READ_SIZE];
	unsigned long line_end[TTY_READ_SIZE / 64];	/* which characters end a line */
	/* write_mutex (TTY_MTX, depth 1): one write() at a time */
	struct mutex write_mutex;
	/* buf_lock (TTY_BUF): from the interrupt */
	spinlock_t buf_lock;
	unsigned int raw_head, raw_tail;
	u8 raw[TTY_RAW_SIZE];
	struct work_struct work;
	/* ctrl_lock (LEAF) */
	spinlock_t ctrl_lock;
	pid_t pgrp, session;
	/* single words */
	bool hung_up;			/* reads end, writes fail; for ever */
	bool other_closed;		/* pty: the master is gone */
	bool stopped;			/* ^S */
	/* own locks */
	wait_queue_head_t read_wait, write_wait;
};

/* tty_setup - fields of a new terminal with Linux's default settings. */
void tty_setup(struct tty_struct *tty, const struct tty_operations *ops, void *driver_data, const char *name,
	       dev_t dev);
/* tty_add_line - @tty gets a node in /dev under its name and can be opened. Context: boot. */
void tty_add_line(struct tty_struct *tty);
/* tty_receive - input from the line. Return: bytes taken. Context: any. */
size_t tty_receive(struct tty_struct *tty, const u8 *buf, size_t n);
/* tty_wakeup - the line can take more output. Context: any. */
void tty_wakeup(struct tty_struct *tty);
/* tty_hangup - the line is gone: readers and writers wake, the session gets SIGHUP. Context: task. */
void tty_hangup(struct tty_struct *tty);
/*
 * tty_check_change - may current, if in the background, change @tty? 0, -EIO, or -ERESTARTSYS after @sig
 * was sent to its group.
 */
int tty_check_change(struct tty_struct *tty, int sig);
/*
 * tty_fops - of an open terminal. tty_attach - make @file one; @noctty: never the controlling one.
 * Return: 0 or -EIO. Takes: the reference that ops->open() gave, on success.
 */
extern const struct file_operations tty_fops;
int tty_attach(struct tty_struct *tty, struct file *file, bool noctty);
void tty_signal_fg(struct tty_struct *tty, int sig);
/* tty_set_controlling - TIOCSCTTY. Return: 0 or -EPERM. */
int tty_set_controlling(struct tty_struct *tty, const struct file *file, bool steal);
/*
 * tty_give_up - TIOCNOTTY: current alone, or as leader its whole session, leaves @tty. Return: 0 or
 * -ENOTTY.
 */
int tty_give_up(struct tty_struct *tty);
/* tty_ioctl_common - for a pty's master too: window size and the like act on the slave. */
long tty_ioctl_common(struct tty_struct *tty, unsigned int cmd, unsigned long arg);
long tty_ioctl(struct file *file, unsigned int cmd, unsigned long arg);

/* n_tty.c: the line discipline. */
ssize_t n_tty_read(struct tty_struct *tty, struct file *file, struct kiocb *iocb, struct iov_iter *to);
ssize_t n_tty_write(struct tty_struct *tty, struct kiocb *iocb, struct iov_iter *from);
__poll_t n_tty_poll(struct tty_struct *tty, struct file *file, poll_table *pt);
/* n_tty_receive_work - move raw input through the discipline. */
void n_tty_receive_work(struct work_struct *work);
void n_tty_flush_input(struct tty_struct *tty);
unsigned int n_tty_chars_available(const struct tty_struct *tty);
void n_tty_settings_changed(struct tty_struct *tty, const struct termios2_abi *old);

void pty_init(void);
/* serial_ttys - make the terminals of the UARTs (serial.c), call @add for each. */
void serial_start(void (*add)(struct tty_struct *tty));

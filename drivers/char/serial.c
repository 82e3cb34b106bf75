/*
 * drivers/char/serial.c - 16550 UARTs: the console's line and a second one for test reports.
 *
 * Linux:   drivers/tty/serial/8250 (6.1); National Semiconductor PC16550D data sheet
 * Same:    FIFOs on; receive by interrupt; transmit fills the FIFO as long as it is empty and leaves the rest to
 *          the transmit interrupt.
 * Differs: 1. COM1 and COM2 at their PC addresses only. 2. the line speed stays what it is: emulated lines have none.
 *          3. kernel messages are written at once, polling, so that they appear before interrupts and in a panic.
 * Locks:   UART.
 * Walk:    interrupt -> serial_interrupt() -> tty_receive(); n_tty_write() -> serial_write() -> start_tx().
 */
#include "drivers/char/tty.h"
#include "drivers/drivers.h"
#include "kernel/io.h"
#include "kernel/irq.h"
#include "kernel/printk.h"
#include "kernel/slab.h"
#include "kernel/spinlock.h"
#include "kernel/string.h"

/* Register offsets (data sheet, table I) and their bits. */
enum {
	UART_DATA = 0, UART_IER = 1, UART_IIR = 2, UART_FCR = 2, UART_LCR = 3, UART_MCR = 4,
	UART_LSR = 5, UART_SCR = 7, UART_DLL = 0, UART_DLM = 1,
};
enum {
	IER_RDI = 1, IER_THRI = 2, IIR_NO_INT = 1, FCR_ENABLE = 1, FCR_CLEAR = 6, FCR_TRIGGER_8 = 0x80,
	LCR_8N1 = 3, LCR_DLAB = 0x80, MCR_DTR_RTS_OUT2 = 0x0b, LSR_DR = 1, LSR_THRE = 0x20, LSR_TEMT = 0x40,
};
#define FIFO_SIZE 16
#define TX_SIZE 8192U
#define POLL_SPINS 200000	/* a line that takes no byte for this long is dead: output to it is lost */

struct uart {
	/* immutable */
	u16 base;
	unsigned int gsi;
	bool present;
	struct tty_struct *tty;
	/* lock */
	spinlock_t lock;
	u8 ier;
	unsigned int tx_head, tx_tail;	/* run freely */
	u8 tx[TX_SIZE];
};

static struct uart uarts[2] = {
	{ .base = 0x3f8, .gsi = 4, .lock = __SPIN_LOCK_UNLOCKED(LC_UART) },
	{ .base = 0x2f8, .gsi = 3, .lock = __SPIN_LOCK_UNLOCKED(LC_UART) },
};

static u8 uart_in(const struct uart *u, int reg)
{
	return inb((u16)(u->base + reg));
}

static void uart_out(const struct uart *u, int reg, u8 v)
{
	outb(v, (u16)(u->base + reg));
}

static bool uart_probe(const struct uart *u)
{
	uart_out(u, UART_SCR, 0x5a);
	if (uart_in(u, UART_SCR) != 0x5a)
		return false;
	uart_out(u, UART_SCR, 0xa5);
	return uart_in(u, UART_SCR) == 0xa5;
}

static void uart_setup(struct uart *u)
{
	u->present = uart_probe(u);
	if (!u->present)
		return;
	uart_out(u, UART_IER, 0);
	uart_out(u, UART_LCR, LCR_DLAB);
	uart_out(u, UART_DLL, 1);	/* 115200 */
	uart_out(u, UART_DLM, 0);
	uart_out(u, UART_LCR, LCR_8N1);
	uart_out(u, UART_FCR, FCR_ENABLE | FCR_CLEAR | FCR_TRIGGER_8);
	uart_out(u, UART_MCR, MCR_DTR_RTS_OUT2);
}

static bool wait_thre(const struct uart *u)
{
	for (int i = 0; i < POLL_SPINS; i++) {
		if (uart_in(u, UART_LSR) & LSR_THRE)
			return true;
		cpu_relax();
	}
	return false;
}

/* A panic may find the lock held by a CPU that is stopped: then it is done without. */
static bool console_lock(struct uart *u)
{
	for (int i = 0; i < POLL_SPINS; i++) {
		if (arch_spin_trylock(&u->lock))
			return true;
		cpu_relax();
	}
	return false;
}

static void console_put(const struct uart *u, const char *s, size_t n)
{
	size_t in_fifo = FIFO_SIZE;

	while (n--) {
		if (*s == '\n' && in_fifo < FIFO_SIZE) {
			uart_out(u, UART_DATA, '\r');
			in_fifo++;
		} else if (*s == '\n') {
			if (!wait_thre(u))
				return;
			uart_out(u, UART_DATA, '\r');
			in_fifo = 1;
		}
		if (in_fifo >= FIFO_SIZE) {
			if (!wait_thre(u))
				return;
			in_fifo = 0;
		}
		uart_out(u, UART_DATA, (u8)*s++);
		in_fifo++;
	}
}

static void serial_console_write(__unused struct console *con, const char *s, size_t n)
{
	struct uart *u = &uarts[0];
	unsigned long flags;

	if (!u->present)
		return;
	local_irq_save(flags);
	bool locked = console_lock(u);

	console_put(u, s, n);
	if (locked)
		arch_spin_unlock(&u->lock);
	local_irq_restore(flags);
}

static struct console serial_console = { .name = "ttyS0", .write = serial_console_write };

void serial_init(void)
{
	for (size_t i = 0; i < ARRAY_SIZE(uarts); i++)
		uart_setup(&uarts[i]);
	register_console(&serial_console);
}

static void set_ier(struct uart *u, u8 ier)
{
	if (u->ier == ier)
		return;
	u->ier = ier;
	uart_out(u, UART_IER, ier);
}

/* Send as long as the FIFO empties at once, as an emulated line's does; the interrupt goes on with the rest. */
static void start_tx(struct uart *u)
{
	assert_held(&u->lock);
	while (u->tx_head != u->tx_tail) {
		if (!(uart_in(u, UART_LSR) & LSR_THRE)) {
			set_ier(u, u->ier | IER_THRI);
			return;
		}
		for (int i = 0; i < FIFO_SIZE && u->tx_head != u->tx_tail; i++)
			uart_out(u, UART_DATA, u->tx[u->tx_tail++ % TX_SIZE]);
	}
	set_ier(u, u->ier & (u8)~IER_THRI);
}

static size_t serial_write(struct tty_struct *tty, const u8 *buf, size_t n)
{
	struct uart *u = tty->driver_data;
	unsigned long flags;

	spin_lock_irqsave(&u->lock, flags);
	size_t room = TX_SIZE - (u->tx_head - u->tx_tail);

	n = min(n, room);
	for (size_t i = 0; i < n; i++)
		u->tx[u->tx_head++ % TX_SIZE] = buf[i];
	start_tx(u);
	spin_unlock_irqrestore(&u->lock, flags);
	return n;
}

static size_t serial_chars(struct tty_struct *tty)
{
	struct uart *u = tty->driver_data;

	return READ_ONCE(u->tx_head) - READ_ONCE(u->tx_tail);
}

/* The FIFO is empty, and so is the register behind it: a slow reader of an emulated line keeps both full. */
static bool serial_line_idle(struct tty_struct *tty)
{
	const struct uart *u = tty->driver_data;

	return !u->present || uart_in(u, UART_LSR) & LSR_TEMT;
}

static size_t serial_room(struct tty_struct *tty)
{
	return TX_SIZE - serial_chars(tty);
}

static void serial_flush(struct tty_struct *tty)
{
	struct uart *u = tty->driver_data;
	unsigned long flags;

	spin_lock_irqsave(&u->lock, flags);
	u->tx_tail = u->tx_head;
	spin_unlock_irqrestore(&u->lock, flags);
}

static const struct tty_operations serial_ops = {
	.write = serial_write,
	.write_room = serial_room,
	.chars_in_buffer = serial_chars,
	.line_idle = serial_line_idle,
	.flush_buffer = serial_flush,
};

/* What has come in. Return: bytes in @buf. */
static size_t drain_rx(struct uart *u, u8 *buf, size_t size)
{
	size_t n = 0;

	while (n < size && (uart_in(u, UART_LSR) & LSR_DR))
		buf[n++] = uart_in(u, UART_DATA);
	return n;
}

static irqreturn_t serial_interrupt(__unused int irq, void *dev_id)
{
	struct uart *u = dev_id;
	u8 buf[64];
	irqreturn_t ret = IRQ_NONE;
	bool sent = false;

	for (int pass = 0; pass < 64 && !(uart_in(u, UART_IIR) & IIR_NO_INT); pass++) {
		ret = IRQ_HANDLED;
		spin_lock(&u->lock);
		size_t n = drain_rx(u, buf, sizeof(buf));

		if (u->ier & IER_THRI) {
			start_tx(u);
			sent = true;
		}
		spin_unlock(&u->lock);
		if (n)
			tty_receive(u->tty, buf, n);
	}
	if (sent && serial_room(u->tty) >= TX_SIZE / 2)
		tty_wakeup(u->tty);
	return ret;
}

void serial_start(void (*add)(struct tty_struct *tty))
{
	static const char *const names[] = { "ttyS0", "ttyS1" };

	for (unsigned int i = 0; i < ARRAY_SIZE(uarts); i++) {
		struct uart *u = &uarts[i];

		if (!u->present)
			continue;
		u->tty = kmalloc(sizeof(*u->tty), GFP_KERNEL);
		ASSERT(u->tty);
		tty_setup(u->tty, &serial_ops, u, names[i], MKDEV(4, 64 + i));
		int irq = request_irq(serial_interrupt, names[i], u);

		if (irq < 0 || irq_route_gsi(u->gsi, irq)) {
			pr_warn("serial: no interrupt for %s\n", names[i]);
			continue;
		}
		spin_lock_irq(&u->lock);
		set_ier(u, IER_RDI);
		spin_unlock_irq(&u->lock);
		add(u->tty);
	}
}

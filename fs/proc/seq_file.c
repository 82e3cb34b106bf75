/*
 * fs/proc/seq_file.c - the text behind a file of /proc: made when it is read from the start, kept until closed.
 *
 * Linux:   fs/seq_file.c, fs/proc/generic.c (6.1)
 * Same:    seq_printf() and its kin; a reader that seeks back to 0 gets a fresh text.
 * Differs: 1. a text that does not fit is made again in a buffer of twice the size, up to 4 MiB, where it is cut.
 * Locks:   FPOS keeps two readers of one open file apart.
 * Walk:    read() -> text_read() -> make_text() -> show().
 */
#include "fs/proc/internal.h"
#include "kernel/slab.h"
#include "kernel/string.h"

#define TEXT_FIRST (4 * KIB)
#define TEXT_MAX (4 * MIB)

struct text_file {
	struct seq_file m;
	struct proc_text t;
	void (*put)(void *arg);
};

void seq_write(struct seq_file *m, const void *data, size_t len)
{
	if (m->count + len > m->size) {
		m->overflow = true;
		return;
	}
	memcpy(m->buf + m->count, data, len);
	m->count += len;
}

void seq_puts(struct seq_file *m, const char *s)
{
	seq_write(m, s, strlen(s));
}

void seq_putc(struct seq_file *m, char c)
{
	seq_write(m, &c, 1);
}

void seq_printf(struct seq_file *m, const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	int n = vsnprintf(m->buf + m->count, m->size - m->count, fmt, ap);

	va_end(ap);
	if (n < 0)
		return;
	if ((size_t)n >= m->size - m->count) {
		m->overflow = true;
		return;
	}
	m->count += (size_t)n;
}

int text_open(struct file *file, const struct proc_text *t, void (*put)(void *arg))
{
	struct text_file *tf = kzalloc(sizeof(*tf), GFP_KERNEL);

	if (!tf)
		return -ENOMEM;
	tf->t = *t;
	tf->put = put;
	file->private_data = tf;
	return 0;
}

int text_release(__unused struct inode *inode, struct file *file)
{
	struct text_file *tf = file->private_data;

	if (tf->put)
		tf->put(tf->t.arg);
	kfree(tf->m.buf);
	kfree(tf);
	return 0;
}

static int make_text(struct text_file *tf)
{
	struct seq_file *m = &tf->m;
	size_t size = m->size ? m->size : TEXT_FIRST;

	for (;;) {
		if (!m->buf)
			m->buf = kmalloc(size, GFP_KERNEL);
		if (!m->buf)
			return -ENOMEM;
		m->size = size;
		m->count = 0;
		m->overflow = false;
		tf->t.show(m, tf->t.arg);
		if (!m->overflow || size >= TEXT_MAX)
			return 0;
		kfree(m->buf);
		m->buf = NULL;
		size *= 2;
	}
}

ssize_t text_read(struct kiocb *iocb, struct iov_iter *to)
{
	struct text_file *tf = iocb->ki_filp->private_data;

	if (!tf->t.show)
		return -EINVAL;
	if (!tf->m.buf || iocb->ki_pos == 0) {
		int err = make_text(tf);

		if (err)
			return err;
	}
	return simple_read_iter(iocb, to, tf->m.buf, tf->m.count);
}

ssize_t text_write(struct kiocb *iocb, struct iov_iter *from)
{
	struct text_file *tf = iocb->ki_filp->private_data;
	size_t n = min(iov_iter_count(from), PAGE_SIZE - 1);
	char small[64], *buf = small;
	int err = -EFAULT;

	if (!tf->t.write)
		return -EIO;
	if (n >= sizeof(small))		/* mostly a number is written: no memory is asked for */
		buf = kmalloc(PAGE_SIZE, GFP_KERNEL);
	if (!buf)
		return -ENOMEM;
	if (copy_from_iter(buf, n, from) == n) {
		buf[n] = '\0';
		err = tf->t.write(buf, n, tf->t.arg);
	}
	if (buf != small)
		kfree(buf);
	if (err)
		return err;
	iocb->ki_pos += (loff_t)n;
	return (ssize_t)n;
}

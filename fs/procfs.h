/*
 * fs/procfs.h - how a subsystem shows a text under /proc, and the buffer such texts are written into.
 *
 * Linux:   include/linux/proc_fs.h, seq_file.h (6.1)
 * Same:    seq_printf(), seq_puts(); proc_create_single().
 * Differs: 1. a text is made whole at the first read: no iterators.
 * Locks:   none held while @show runs.
 * Walk:    read of /proc/... -> show().
 */
#pragma once
#include "kernel/types.h"

/* A text under construction; on overflow it is made again in a larger buffer. */
struct seq_file {
	char *buf;
	size_t size, count;
	bool overflow;
	void *private;
};
void seq_printf(struct seq_file *m, const char *fmt, ...) __printf(2, 3);
void seq_puts(struct seq_file *m, const char *s);
void seq_write(struct seq_file *m, const void *data, size_t len);
void seq_putc(struct seq_file *m, char c);

/*
 * proc_create_single - file @path ("net/tcp") under /proc, directories made as needed. @show: task context,
 * may sleep. Context: boot.
 */
void proc_create_single(const char *path, void (*show)(struct seq_file *m, void *arg), void *arg);
/*
 * proc_create_rw - also writable: @write gets the text (NUL terminated, at most a page). Return of write: 0
 * or -errno.
 */
void proc_create_rw(const char *path, void (*show)(struct seq_file *m, void *arg),
		    int (*write)(const char *text, size_t len, void *arg), void *arg);
/* proc_create_sysctl_int - /proc/sys/@path holds *@val between @lo and @hi (-EINVAL outside). */
void proc_create_sysctl_int(const char *path, int *val, int lo, int hi);

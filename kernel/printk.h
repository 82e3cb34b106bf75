/*
 * kernel/printk.h - the kernel's messages: boot, warnings, oopses.
 *
 * Linux:   include/linux/printk.h (6.1)
 * Same:    a ring read by syslog(2) and /dev/kmsg; consoles get what is at or below loglevel.
 * Differs: 1. levels are functions, not prefixes in the string.
 * Locks:   PRINTK, then the console's.
 * Walk:    none: flow is told by tracepoints.
 */
#pragma once
#include "kernel/types.h"

enum {
	LOGLEVEL_EMERG, LOGLEVEL_ALERT, LOGLEVEL_CRIT, LOGLEVEL_ERR, LOGLEVEL_WARNING,
	LOGLEVEL_NOTICE, LOGLEVEL_INFO, LOGLEVEL_DEBUG,
};

struct console {
	const char *name;
	/* Context: any, under PRINTK. In a panic it may be called with every lock broken. */
	void (*write)(struct console *con, const char *s, size_t len);
	struct console *next;
};

/* printk - one message; a newline ends it. Context: any. */
void printk(int level, const char *fmt, ...) __printf(2, 3);
#define pr_err(...) printk(LOGLEVEL_ERR, __VA_ARGS__)
#define pr_warn(...) printk(LOGLEVEL_WARNING, __VA_ARGS__)
#define pr_info(...) printk(LOGLEVEL_INFO, __VA_ARGS__)
#define pr_debug(...) printk(LOGLEVEL_DEBUG, __VA_ARGS__)
/* register_console - @con gets all that is in the ring, then every message. Context: boot. */
void register_console(struct console *con);
/*
 * printk_read - copy messages from *@pos on, as "<level>[time] text\n" lines. Return: bytes. *@pos
 * moves on. Context: task.
 */
size_t printk_read(u64 *pos, char *buf, size_t size);
/* printk_panic_mode - from now on write straight to the consoles, without locks. */
void printk_panic_mode(void);
/*
 * printk_set_console_level - messages above @level stay in the ring. printk_console_level - which
 * it is.
 */
void printk_set_console_level(int level);
int printk_console_level(void);
/*
 * dump_stack - the current back-trace, symbolised. dump_stack_from - one that starts at frame
 * pointer @fp. Context: any.
 */
void dump_stack(void);
void dump_stack_from(unsigned long ip, unsigned long fp);
/*
 * kallsyms_lookup - the function at @addr and its offset in *@off; NULL if none.
 * kallsyms_lookup_name - 0 if none. Context: any.
 */
const char *kallsyms_lookup(unsigned long addr, unsigned long *off);
unsigned long kallsyms_lookup_name(const char *name);
/* warn_count - WARNs so far (shown in /proc/sys/kernel/tainted and at power off). */
extern int warn_count;

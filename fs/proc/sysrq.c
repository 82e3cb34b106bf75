/*
 * fs/proc/sysrq.c - /proc/sysrq-trigger: ask the kernel for something drastic by writing one letter.
 *
 * Linux:   drivers/tty/sysrq.c (6.1)
 * Same:    the letters it knows: b restart, c crash, o power off, t the tasks' states in the log.
 * Differs: 1. other letters give -EINVAL. 2. no key combination, the file is the only way in.
 * Locks:   none.
 * Walk:    write() -> sysrq_write().
 */
#include "fs/proc/internal.h"
#include "fs/procfs.h"
#include "kernel/arch.h"
#include "kernel/bug.h"
#include "kernel/errno.h"
#include "kernel/printk.h"
#include "kernel/task.h"

static bool print_task(struct task_struct *p, __unused void *arg)
{
	pr_info("%5d %-15s state %x cpu %d\n", p->pid, p->comm, READ_ONCE(p->__state), READ_ONCE(p->cpu));
	return true;
}

static int sysrq_write(const char *text, size_t len, __unused void *arg)
{
	switch (len ? text[0] : '\0') {
	case 'b':
		machine_restart();
	case 'c':
		panic("sysrq triggered crash");
	case 'o':
		machine_power_off();
	case 't':
		for_each_process(print_task, NULL);
		return 0;
	}
	return -EINVAL;
}

static void sysrq_show(__unused struct seq_file *m, __unused void *arg) { }

void proc_sysrq_init(void) { proc_create_rw("sysrq-trigger", sysrq_show, sysrq_write, NULL); }

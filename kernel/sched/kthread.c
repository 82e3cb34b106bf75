/*
 * kernel/sched/kthread.c - tasks of the kernel's own.
 *
 * Linux:   kernel/kthread.c (6.1)
 * Same:    kthread_run() makes and starts; a thread may be bound to one CPU.
 * Differs: 1. threads never end: nothing stops one.
 * Locks:   none.
 * Walk:    spawn_ksoftirqd(), workqueue_init() -> kthread_run() -> copy_kernel_thread().
 */
#include "kernel/err.h"
#include "kernel/process.h"
#include "kernel/sched.h"

struct task_struct *kthread_create(int (*fn)(void *), void *arg, int cpu, const char *name)
{
	return copy_kernel_thread(fn, arg, cpu, name);
}

struct task_struct *kthread_run(int (*fn)(void *), void *arg, int cpu, const char *name)
{
	struct task_struct *p = kthread_create(fn, arg, cpu, name);

	if (!IS_ERR(p))
		wake_up_new_task(p);
	return p;
}

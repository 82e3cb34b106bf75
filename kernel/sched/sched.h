/*
 * kernel/sched/sched.h - the run queue, shared by the files of this folder.
 *
 * Linux:   kernel/sched/sched.h (6.1)
 * Same:    one queue per CPU.
 * Differs: 1. one class of tasks.
 * Locks:   RUNQUEUE.
 * Walk:    none.
 */
#pragma once
#include "kernel/rbtree.h"
#include "kernel/spinlock.h"
#include "kernel/task.h"

struct rq {
	spinlock_t lock;
	/* lock */
	struct rb_root_cached tasks;	/* runnable, by vruntime; without the one that runs */
	unsigned int nr_running;	/* with the one that runs, without idle */
	struct task_struct *curr, *idle;
	u64 min_vruntime_ns;
	u64 nr_switches;
	int cpu;
};
DECLARE_PER_CPU(struct rq, runqueues);
#define cpu_rq(c) per_cpu_ptr(&runqueues, c)
#define this_rq() this_cpu_ptr(&runqueues)

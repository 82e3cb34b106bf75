/*
 * kernel/sched.h - giving the CPU away, and getting it back.
 *
 * Linux:   include/linux/sched.h, uapi/linux/sched.h (6.1)
 * Same:    task states, set_current_state(), schedule(), wake_up_process(), try_to_wake_up(),
 *          kthread_run().
 * Differs: 1. one queue per CPU for all policies: real-time tasks sort before fair ones. 2.
 *             time-outs in nanoseconds.
 *          3. SCHED_DEADLINE is not provided.
 * Locks:   TASK_PI, RUNQUEUE inside.
 * Walk:    default_wake_function() -> try_to_wake_up(); schedule() -> arch_switch_to().
 */
#pragma once
#include "kernel/barrier.h"
#include "kernel/percpu.h"

struct task_struct;

enum {
	TASK_RUNNING = 0,
	TASK_INTERRUPTIBLE = 0x01,
	TASK_UNINTERRUPTIBLE = 0x02,
	TASK_STOPPED = 0x04,
	TASK_TRACED = 0x08,
	TASK_WAKEKILL = 0x100,
	TASK_NEW = 0x800,
	TASK_DEAD = 0x80,
	TASK_KILLABLE = TASK_WAKEKILL | TASK_UNINTERRUPTIBLE,
	TASK_NORMAL = TASK_INTERRUPTIBLE | TASK_UNINTERRUPTIBLE,
};

/* Policies, as sched_setscheduler(2) numbers them. */
enum {
	SCHED_NORMAL = 0, SCHED_FIFO = 1, SCHED_RR = 2, SCHED_BATCH = 3, SCHED_IDLE = 5,
	SCHED_DEADLINE = 6,
};
#define SCHED_RESET_ON_FORK 0x40000000
enum { MIN_NICE = -20, MAX_NICE = 19, MAX_RT_PRIO = 100 };

#define MAX_SCHEDULE_TIMEOUT ((s64)0x7fffffffffffffff)

DECLARE_PER_CPU(struct task_struct *, current_task);
static __always_inline struct task_struct *get_current(void)
{
	/* Not volatile: whichever CPU it is read on, it names the task that reads it. */
	return *(struct task_struct *__seg_gs *)(unsigned long)&current_task;
}
#define current get_current()

/*
 * set_current_state - orders the state before the test of the condition that follows; pairs with
 * try_to_wake_up().
 */
#define set_current_state(s)	smp_store_mb(current->__state, (unsigned int)(s))
#define __set_current_state(s)	WRITE_ONCE(current->__state, (unsigned int)(s))
/*
 * set_special_state - for states that are no wait loop (TASK_STOPPED, TASK_DEAD): no wake-up that
 * was under way for an earlier sleep can undo it afterwards. Context: task.
 */
void set_special_state(unsigned int state);

/*
 * schedule - run another task until this one is woken (or at once, if its state is running).
 * Context: task, not atomic.
 */
void schedule(void);
/*
 * schedule_timeout_ns - schedule() for at most @timeout_ns. Return: ns left. Context: task; state
 * set by the caller.
 */
s64 schedule_timeout_ns(s64 timeout_ns);
/*
 * schedule_hrtimeout - schedule() until the time @expires_ns of CLOCK_MONOTONIC (NULL: for ever).
 * Return: 0 if the time came, -EINTR if woken before. Context: task; state set by the caller.
 */
int schedule_hrtimeout(const u64 *expires_ns);
/* sched_yield_current - give others a turn. Context: task. */
void sched_yield_current(void);
/* cond_resched - a chance to be preempted in a long loop. Context: task. */
void cond_resched(void);

/* Wake flags: the waker is about to sleep. */
enum { WF_SYNC = 0x10 };
/*
 * try_to_wake_up - make @p run if it sleeps in one of @state. Return: 1 if it did, else 0. Context:
 * any.
 */
int try_to_wake_up(struct task_struct *p, unsigned int state, int wake_flags);
/* wake_up_process - Return: 1 if it slept. wake_up_state - only out of @state. Context: any. */
int wake_up_process(struct task_struct *p);
int wake_up_state(struct task_struct *p, unsigned int state);
/* wake_up_new_task - the first time it runs. Context: task. */
void wake_up_new_task(struct task_struct *p);
/*
 * kick_process - make @p enter the kernel soon if it runs in user mode on another CPU (a signal
 * waits). Context: any.
 */
void kick_process(struct task_struct *p);

/*
 * sched_init - run queues; the boot task becomes CPU 0's idle task. sched_init_cpu - the same for a
 * further CPU, by the boot CPU.
 */
void sched_init(void);
void sched_init_cpu(int cpu, struct task_struct *idle);
/* cpu_idle_loop - what an idle task does. Context: the idle task, forever. */
__noreturn void cpu_idle_loop(void);
/* sched_fork - prepare the scheduler's fields of a new task, a copy of current. Context: task. */
void sched_fork(struct task_struct *p);
/*
 * schedule_tail - the first thing a new task does, from the assembly stub: finish the switch that
 * led here. Interrupts are on after it.
 */
void schedule_tail(struct task_struct *prev);
/*
 * scheduler_tick - the running task's slice and accounting; called by timer_interrupt() while the
 * CPU is busy. @user: user mode was interrupted. Return: when to call again (U64_MAX: not).
 * Context: hardirq.
 */
u64 scheduler_tick(u64 now_ns, bool user);
/*
 * do_task_dead - state TASK_DEAD and schedule for the last time; the next task drops the reference
 * that belongs to running.
 */
__noreturn void do_task_dead(void);

/* task_cpu_time_ns - time @p has run. Context: any. */
u64 task_cpu_time_ns(const struct task_struct *p);
/*
 * task_cputime - the same, split into user and system time by sampling. Neither ever goes back.
 * Context: any.
 */
void task_cputime(struct task_struct *p, u64 *utime_ns, u64 *stime_ns);
/*
 * sched_setaffinity_mask - @mask bit per CPU. Return: 0 or -EINVAL if no online CPU is in it.
 * Context: task.
 */
int sched_setaffinity_mask(struct task_struct *p, u64 mask);
/* set_user_nice - change @p's weight. Context: any. */
void set_user_nice(struct task_struct *p, int nice);
/*
 * nr_running_tasks, nr_context_switches - for /proc. nr_uninterruptible_tasks: asleep beyond the
 * reach of signals. Context: any.
 */
unsigned int nr_running_tasks(void);
unsigned int nr_uninterruptible_tasks(void);
u64 nr_context_switches(void);
/* cpu_idle_time_ns - how long @cpu had nothing to do since boot. Context: any. */
u64 cpu_idle_time_ns(int cpu);
/*
 * get_avenrun - load averages, fixed point with 11 bits of fraction, over 1, 5 and 15 minutes.
 * Context: any.
 */
void get_avenrun(u64 loads[3]);

/*
 * kthread_create - a kernel task named @name that will run @fn(@arg), on @cpu (-1: any). It starts
 * at wake_up_new_task(). Return: the task or ERR_PTR(-ENOMEM). kthread_run also starts it. Context:
 * task. Kernel threads never end.
 */
struct task_struct *kthread_create(int (*fn)(void *), void *arg, int cpu, const char *name);
struct task_struct *kthread_run(int (*fn)(void *), void *arg, int cpu, const char *name);

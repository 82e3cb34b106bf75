/*
 * kernel/process.h - making, replacing and ending processes.
 *
 * Linux:   include/linux/sched/task.h, binfmts.h (6.1)
 * Same:    kernel_clone() serves fork, vfork, clone and clone3; do_exit(), do_group_exit().
 * Differs: none of note.
 * Locks:   PIDTAB, SIGHAND inside.
 * Walk:    kernel_init() -> kernel_execve("/init").
 */
#pragma once
#include "kernel/task.h"

struct kernel_clone_args {
	u64 flags;
	uptr pidfd, child_tid, parent_tid;
	int exit_signal;
	u64 stack, tls;
	/* a kernel function instead of a copy of user mode */
	int (*fn)(void *);
	void *fn_arg;
	bool kthread;		/* it never goes to user mode */
	pid_t set_tid;		/* 0: any; pid 1 is asked for by name */
};
enum { CLONE_VM = 0x100, CLONE_FS = 0x200, CLONE_FILES = 0x400, CLONE_SIGHAND = 0x800, CLONE_PIDFD = 0x1000,
       CLONE_PTRACE = 0x2000, CLONE_VFORK = 0x4000, CLONE_PARENT = 0x8000, CLONE_THREAD = 0x10000,
       CLONE_NEWNS = 0x20000, CLONE_SYSVSEM = 0x40000, CLONE_SETTLS = 0x80000, CLONE_PARENT_SETTID = 0x100000,
       CLONE_CHILD_CLEARTID = 0x200000, CLONE_DETACHED = 0x400000, CLONE_UNTRACED = 0x800000,
       CLONE_CHILD_SETTID = 0x1000000,
       CLONE_NEWCGROUP = 0x02000000, CLONE_NEWUTS = 0x04000000, CLONE_NEWIPC = 0x08000000, CLONE_NEWUSER = 0x10000000,
       CLONE_NEWPID = 0x20000000, CLONE_NEWNET = 0x40000000, CSIGNAL = 0xff, CLONE_NEWTIME = 0x80 };
#define CLONE_IO 0x80000000ULL
#define CLONE_CLEAR_SIGHAND 0x100000000ULL
#define CLONE_INTO_CGROUP 0x200000000ULL
/* kernel_clone - Return: the child's id or -errno. Context: task. */
pid_t kernel_clone(const struct kernel_clone_args *args);
/*
 * copy_kernel_thread - a kernel task named @name that will run fn(arg) once wake_up_new_task() is called for it;
 * allowed
 * on @cpu only (-1: any). For kthread_create(). Return: the task, whose reference belongs to its running, or
 * ERR_PTR. Context: task.
 */
struct task_struct *copy_kernel_thread(int (*fn)(void *), void *arg, int cpu, const char *name) __must_check;
/*
 * user_mode_thread - make pid 1: a task that runs fn(arg) in the kernel and then, if it returns 0, user mode.
 * Return: pid or -errno.
 */
pid_t user_mode_thread(int (*fn)(void *), void *arg);
/* kernel_execve - become @path with strings from the kernel. Return: 0 (user mode follows) or -errno. Context: task. */
int kernel_execve(const char *path, const char *const *argv, const char *const *envp);
/* do_exit - end the current thread. do_group_exit - the whole process. @code: a wait status. */
__noreturn void do_exit(int code);
__noreturn void do_group_exit(int code);
/* fork_init, pid_init - caches and tables. Context: boot. */
void fork_init(void);
void pid_init(void);
void futex_init(void);
/* futex_wake_user - wake up to @nr waiters on @addr of current's mm. exit_robust_list - at thread exit. */
int futex_wake_user(uptr addr, int nr);
void exit_robust_list(struct task_struct *p);
/* nr_processes_total - forks since boot, for /proc/stat; last_pid for loadavg. */
u64 total_forks(void);
pid_t last_pid(void);
/* process_cputime - task_cputime() of all threads of @p's process, ended ones too. Context: any. */
static inline void thread_cputime(struct task_struct *p, u64 *utime_ns, u64 *stime_ns)
{
	task_cputime(p, utime_ns, stime_ns);
}
void process_cputime(struct task_struct *p, u64 *utime_ns, u64 *stime_ns);
/* utsname - what uname(2) says; .nodename changes (sethostname). Context: any. */
struct new_utsname { char sysname[65], nodename[65], release[65], version[65], machine[65], domainname[65]; };
const struct new_utsname *utsname(void);
/* nr_threads_total - tasks in the table. Context: any. */
int nr_threads_total(void);
/* capable - is current uid 0? (There are no other capabilities.) */
bool capable_root(void);
/* rlimit - current's soft limit. */
u64 rlimit(unsigned int which);

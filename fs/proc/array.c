/*
 * fs/proc/array.c - /proc/PID/stat, statm, status and limits: a process in numbers.
 *
 * Linux:   fs/proc/array.c, base.c (6.1)
 * Same:    the fields and their places; fields that this kernel does not know are 0.
 * Differs: 1. the names of wait channels, scheduling policies and capabilities are those of a kernel without them.
 * Locks:   PIDTAB for groups, parents and threads; SIGHAND for signals.
 * Walk:    ps, top -> read("/proc/PID/stat") -> proc_pid_stat().
 */
#include "fs/file.h"
#include "fs/proc/internal.h"
#include "fs/tty.h"
#include "kernel/mm.h"
#include "kernel/string.h"

static char task_state_char(const struct task_struct *p)
{
	unsigned int state = READ_ONCE(p->__state);

	if (p->exit_state == EXIT_ZOMBIE)
		return 'Z';
	if (p->exit_state || (state & TASK_DEAD))
		return 'X';
	if (state & TASK_STOPPED)
		return 'T';
	if (state & TASK_TRACED)
		return 't';
	if (state & TASK_UNINTERRUPTIBLE)
		return 'D';
	return state & TASK_INTERRUPTIBLE ? 'S' : 'R';
}

static const char *state_name(char c)
{
	switch (c) {
	case 'R':
		return "running";
	case 'S':
		return "sleeping";
	case 'D':
		return "disk sleep";
	case 'T':
		return "stopped";
	case 't':
		return "tracing stop";
	case 'Z':
		return "zombie";
	}
	return "dead";
}

/* What is read of a task in one hold of the lock that keeps it still. */
struct task_view {
	pid_t ppid, pgrp, session, tpgid;
	dev_t tty;
	int threads;
	u64 utime, stime, cutime, cstime, minflt, majflt;
};

static void view_task(struct task_struct *p, struct task_view *v)
{
	unsigned long flags;

	spin_lock_irqsave(&pidtab_lock, flags);
	const struct signal_struct *sig = p->signal;

	v->ppid = p->real_parent ? p->real_parent->tgid : 0;
	v->pgrp = sig->pgrp;
	v->session = sig->session;
	v->threads = sig->nr_threads;
	v->tty = tty_devnum(sig->tty);
	v->tpgid = tty_pgrp_of(sig->tty);
	v->cutime = sig->children.utime_ns;
	v->cstime = sig->children.stime_ns;
	v->minflt = p->min_flt;
	v->majflt = p->maj_flt;
	spin_unlock_irqrestore(&pidtab_lock, flags);
}

static unsigned long long ticks(u64 ns)
{
	return ns / (NSEC_PER_SEC / USER_HZ);
}

struct signal_view { u64 pending, shared, blocked, ignored, caught; };

static void view_signals(struct task_struct *p, struct signal_view *v)
{
	unsigned long flags;

	memset(v, 0, sizeof(*v));
	struct sighand_struct *s = READ_ONCE(p->sighand);

	if (!s)
		return;
	spin_lock_irqsave(&s->siglock, flags);
	v->pending = p->pending.signal.sig;
	v->shared = p->signal->shared_pending.signal.sig;
	v->blocked = p->blocked.sig;
	for (int i = 0; i < _NSIG; i++) {
		if (s->action[i].sa_handler == SIG_IGN)
			v->ignored |= BIT(i);
		else if (s->action[i].sa_handler != SIG_DFL)
			v->caught |= BIT(i);
	}
	spin_unlock_irqrestore(&s->siglock, flags);
}

struct mm_view {
	u64 vsize, rss, start_code, end_code, start_stack, start_data, end_data, start_brk, brk, arg[2], env[2];
};

static void view_mm(struct task_struct *p, struct mm_view *v)
{
	struct mm_struct *mm = get_task_mm(p);

	memset(v, 0, sizeof(*v));
	if (!mm)
		return;
	v->vsize = mm->total_vm * PAGE_SIZE;
	v->rss = (u64)atomic_long_read(&mm->rss);
	v->start_code = mm->start_code;
	v->end_code = mm->end_code;
	v->start_stack = mm->start_stack;
	v->start_data = mm->start_data;
	v->end_data = mm->end_data;
	v->start_brk = mm->start_brk;
	v->brk = mm->brk;
	v->arg[0] = mm->arg_start;
	v->arg[1] = mm->arg_end;
	v->env[0] = mm->env_start;
	v->env[1] = mm->env_end;
	mmput(mm);
}

/* Fields 1 to 24 of proc(5), then the rest. */
static void show_stat_head(struct seq_file *m, struct task_struct *p, const struct task_view *v,
			   const struct mm_view *mm)
{
	seq_printf(m, "%d (%s) %c %d %d %d %d %d %u ", p->pid, p->comm, task_state_char(p), v->ppid, v->pgrp,
		   v->session, (int)new_encode_dev(v->tty), v->tpgid, p->flags);
	seq_printf(m, "%llu 0 %llu 0 %llu %llu %lld %lld ", (unsigned long long)v->minflt,
		   (unsigned long long)v->majflt, ticks(v->utime), ticks(v->stime), (long long)ticks(v->cutime),
		   (long long)ticks(v->cstime));
	seq_printf(m, "%d %d %d 0 %llu %llu %llu ", 20 + p->nice, p->nice, v->threads, ticks(p->start_time_ns),
		   (unsigned long long)mm->vsize, (unsigned long long)mm->rss);
}

static void show_stat_tail(struct seq_file *m, struct task_struct *p, const struct mm_view *mm)
{
	struct signal_view s;

	view_signals(p, &s);
	seq_printf(m, "%llu %llu %llu %llu 0 0 ", (unsigned long long)p->signal->rlim[RLIMIT_RSS].rlim_cur,
		   (unsigned long long)mm->start_code, (unsigned long long)mm->end_code,
		   (unsigned long long)mm->start_stack);
	seq_printf(m, "%llu %llu %llu %llu 0 0 0 %d %d 0 %u 0 0 0 ", (unsigned long long)(s.pending & 0x7fffffff),
		   (unsigned long long)(s.blocked & 0x7fffffff), (unsigned long long)(s.ignored & 0x7fffffff),
		   (unsigned long long)(s.caught & 0x7fffffff), p->exit_signal, p->cpu, p->policy);
	seq_printf(m, "%llu %llu %llu %llu %llu %llu %llu %d\n", (unsigned long long)mm->start_data,
		   (unsigned long long)mm->end_data, (unsigned long long)mm->start_brk, (unsigned long long)mm->arg[0],
		   (unsigned long long)mm->arg[1], (unsigned long long)mm->env[0], (unsigned long long)mm->env[1],
		   may_see(p) ? p->exit_code : 0);
}

static void show_stat(struct seq_file *m, struct task_struct *p, bool whole)
{
	struct task_view v;
	struct mm_view mm;

	view_task(p, &v);
	view_mm(p, &mm);
	if (whole)
		process_cputime(p, &v.utime, &v.stime);
	else
		thread_cputime(p, &v.utime, &v.stime);
	show_stat_head(m, p, &v, &mm);
	if (!may_see(p))
		memset(&mm, 0, sizeof(mm));	/* addresses are nobody else's business */
	show_stat_tail(m, p, &mm);
}

/* A process's times are those of all its threads; a thread's, under task/, are its own. */
void proc_pid_stat(struct seq_file *m, struct task_struct *p)
{
	show_stat(m, p, true);
}

void proc_tid_stat(struct seq_file *m, struct task_struct *p)
{
	show_stat(m, p, false);
}

void proc_pid_statm(struct seq_file *m, struct task_struct *p)
{
	struct mm_view mm;

	view_mm(p, &mm);
	seq_printf(m, "%llu %llu 0 %llu 0 %llu 0\n", (unsigned long long)(mm.vsize / PAGE_SIZE),
		   (unsigned long long)mm.rss,
		   (unsigned long long)((mm.end_code - mm.start_code + PAGE_SIZE - 1) / PAGE_SIZE),
		   (unsigned long long)((mm.vsize - (mm.end_code - mm.start_code)) / PAGE_SIZE));
}

static void show_ids(struct seq_file *m, struct task_struct *p)
{
	const struct cred *c = &p->cred;

	seq_printf(m, "Uid:\t%u\t%u\t%u\t%u\nGid:\t%u\t%u\t%u\t%u\n", c->uid, c->euid, c->suid, c->fsuid,
		   c->gid, c->egid, c->sgid, c->fsgid);
	struct files_struct *files = get_files(p);

	seq_printf(m, "FDSize:\t%u\nGroups:\t", files ? files->max_fds : 0);
	if (files)
		put_files(files);
	for (int i = 0; i < c->ngroups; i++)
		seq_printf(m, "%u ", c->groups[i]);
	seq_putc(m, '\n');
}

static void kb_line(struct seq_file *m, const char *name, u64 kb)
{
	seq_printf(m, "%s:\t%8llu kB\n", name, (unsigned long long)kb);
}

static void show_mm_status(struct seq_file *m, struct task_struct *p)
{
	struct mm_view mm;

	view_mm(p, &mm);
	if (!mm.vsize)
		return;
	u64 rss_kb = mm.rss * (PAGE_SIZE / KIB);

	kb_line(m, "VmPeak", mm.vsize / KIB);
	kb_line(m, "VmSize", mm.vsize / KIB);
	kb_line(m, "VmLck", 0);
	kb_line(m, "VmPin", 0);
	kb_line(m, "VmHWM", rss_kb);
	kb_line(m, "VmRSS", rss_kb);
	kb_line(m, "RssAnon", rss_kb);
	kb_line(m, "RssFile", 0);
	kb_line(m, "RssShmem", 0);
	kb_line(m, "VmData", (mm.brk - mm.start_data) / KIB);
	kb_line(m, "VmExe", (mm.end_code - mm.start_code) / KIB);
	kb_line(m, "VmLib", 0);
	kb_line(m, "VmSwap", 0);
}

/* root has all capabilities, others none. */
static void show_caps(struct seq_file *m, const struct task_struct *p)
{
	unsigned long long all = 0x1ffffffffffULL, caps = p->cred.euid == 0 ? all : 0;

	seq_printf(m, "CapInh:\t%016d\nCapPrm:\t%016llx\nCapEff:\t%016llx\n", 0, caps, caps);
	seq_printf(m, "CapBnd:\t%016llx\nCapAmb:\t%016d\nNoNewPrivs:\t0\nSeccomp:\t0\n", all, 0);
}

static void show_signal_status(struct seq_file *m, struct task_struct *p)
{
	struct signal_view s;

	view_signals(p, &s);
	seq_printf(m, "SigQ:\t0/%llu\n", (unsigned long long)p->signal->rlim[RLIMIT_SIGPENDING].rlim_cur);
	seq_printf(m, "SigPnd:\t%016llx\nShdPnd:\t%016llx\nSigBlk:\t%016llx\nSigIgn:\t%016llx\nSigCgt:\t%016llx\n",
		   (unsigned long long)s.pending, (unsigned long long)s.shared, (unsigned long long)s.blocked,
		   (unsigned long long)s.ignored, (unsigned long long)s.caught);
}

void proc_pid_status(struct seq_file *m, struct task_struct *p)
{
	struct task_view v;
	struct fs_struct *fs = get_fs(p);
	char state = task_state_char(p);

	view_task(p, &v);
	seq_printf(m, "Name:\t%s\n", p->comm);
	if (fs) {
		seq_printf(m, "Umask:\t%04o\n", fs->umask);
		put_fs(fs);
	}
	seq_printf(m, "State:\t%c (%s)\nTgid:\t%d\nNgid:\t0\nPid:\t%d\nPPid:\t%d\nTracerPid:\t0\n", state,
		   state_name(state), p->tgid, p->pid, v.ppid);
	show_ids(m, p);
	show_mm_status(m, p);
	seq_printf(m, "Threads:\t%d\n", v.threads);
	show_signal_status(m, p);
	show_caps(m, p);
	seq_printf(m, "Cpus_allowed:\t%llx\nvoluntary_ctxt_switches:\t%llu\nnonvoluntary_ctxt_switches:\t%llu\n",
		   (unsigned long long)(p->cpus_mask & (BIT(nr_cpus_online) - 1)), (unsigned long long)p->nvcsw,
		   (unsigned long long)p->nivcsw);
}

static const struct { const char *name, *unit; } limits[RLIM_NLIMITS] = {
	{ "Max cpu time", "seconds" }, { "Max file size", "bytes" },
	{ "Max data size", "bytes" }, { "Max stack size", "bytes" },
	{ "Max core file size", "bytes" }, { "Max resident set", "bytes" },
	{ "Max processes", "processes" }, { "Max open files", "files" },
	{ "Max locked memory", "bytes" }, { "Max address space", "bytes" },
	{ "Max file locks", "locks" }, { "Max pending signals", "signals" },
	{ "Max msgqueue size", "bytes" }, { "Max nice priority", "" },
	{ "Max realtime priority", "" }, { "Max realtime timeout", "us" },
};

static void show_limit(struct seq_file *m, u64 v)
{
	if (v == RLIM_INFINITY)
		seq_printf(m, "%-20s ", "unlimited");
	else
		seq_printf(m, "%-20llu ", (unsigned long long)v);
}

void proc_pid_limits(struct seq_file *m, struct task_struct *p)
{
	seq_printf(m, "%-25s %-20s %-20s %-10s\n", "Limit", "Soft Limit", "Hard Limit", "Units");
	for (int i = 0; i < RLIM_NLIMITS; i++) {
		seq_printf(m, "%-25s ", limits[i].name);
		show_limit(m, p->signal->rlim[i].rlim_cur);
		show_limit(m, p->signal->rlim[i].rlim_max);
		seq_printf(m, "%-10s\n", limits[i].unit);
	}
}

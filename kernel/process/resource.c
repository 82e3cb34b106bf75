/*
 * kernel/process/resource.c - what a process may use, and what it has used.
 *
 * Linux:   kernel/sys.c, kernel/sched/cputime.c (6.1)
 * Same:    limits belong to the process; usage of a child counts for its parent once it was waited for.
 * Differs: 1. ru_maxrss is the most seen when a process ends or is asked, not a high-water mark.
 * Locks:   PIDTAB for usage, SIGHAND for limits.
 * Walk:    wait4(2) -> process_usage();  rlimit() in whoever enforces one.
 */
#include "kernel/mm.h"
#include "kernel/process/internal.h"
#include "kernel/syscall.h"
#include "kernel/uaccess.h"

void add_usage(struct task_usage *to, const struct task_usage *from)
{
	to->utime_ns += from->utime_ns;
	to->stime_ns += from->stime_ns;
	to->min_flt += from->min_flt;
	to->maj_flt += from->maj_flt;
	to->nvcsw += from->nvcsw;
	to->nivcsw += from->nivcsw;
	to->maxrss_pages = max(to->maxrss_pages, from->maxrss_pages);
}

void add_task_usage(struct task_usage *to, struct task_struct *p)
{
	struct task_usage u = {
		.min_flt = p->min_flt, .maj_flt = p->maj_flt, .nvcsw = p->nvcsw, .nivcsw = p->nivcsw,
	};

	task_cputime(p, &u.utime_ns, &u.stime_ns);
	add_usage(to, &u);
}

void process_usage(struct task_struct *p, struct task_usage *u)
{
	struct task_struct *t;

	assert_held(&pidtab_lock);
	*u = p->signal->dead;
	for_each_thread_locked(t, p)
		add_task_usage(u, t);
	if (p->mm)
		u->maxrss_pages = max(u->maxrss_pages, (u64)atomic_long_read(&p->mm->rss));
}

void process_cputime(struct task_struct *p, u64 *utime_ns, u64 *stime_ns)
{
	struct task_usage u;
	unsigned long flags;

	spin_lock_irqsave(&pidtab_lock, flags);
	process_usage(p, &u);
	spin_unlock_irqrestore(&pidtab_lock, flags);
	*utime_ns = u.utime_ns;
	*stime_ns = u.stime_ns;
}

static struct timeval64 ns_to_timeval(u64 ns)
{
	return (struct timeval64){ (s64)(ns / NSEC_PER_SEC), (s64)(ns % NSEC_PER_SEC / NSEC_PER_USEC) };
}

void usage_to_abi(const struct task_usage *u, struct rusage_abi *r)
{
	*r = (struct rusage_abi){
		.utime = ns_to_timeval(u->utime_ns), .stime = ns_to_timeval(u->stime_ns),
		.maxrss = (s64)(u->maxrss_pages * (PAGE_SIZE / KIB)),
		.minflt = (s64)u->min_flt, .majflt = (s64)u->maj_flt,
		.nvcsw = (s64)u->nvcsw, .nivcsw = (s64)u->nivcsw,
	};
}

u64 rlimit(unsigned int which) { return READ_ONCE(current->signal->rlim[which].rlim_cur); }

SYSCALL_DEFINE2(getrusage, int, who, uptr, ru)
{
	enum { RUSAGE_SELF = 0, RUSAGE_CHILDREN = -1, RUSAGE_THREAD = 1 };
	struct task_usage u = { 0 };
	struct rusage_abi r;

	if (who != RUSAGE_SELF && who != RUSAGE_CHILDREN && who != RUSAGE_THREAD)
		return -EINVAL;
	spin_lock_irq(&pidtab_lock);
	if (who == RUSAGE_SELF)
		process_usage(current, &u);
	else if (who == RUSAGE_CHILDREN)
		u = current->signal->children;
	else
		add_task_usage(&u, current);
	spin_unlock_irq(&pidtab_lock);
	if (who == RUSAGE_THREAD)
		u.maxrss_pages = (u64)atomic_long_read(&current->mm->rss);
	usage_to_abi(&u, &r);
	return copy_to_user(ru, &r, sizeof(r)) ? -EFAULT : 0;
}

SYSCALL_DEFINE1(times, uptr, buf)
{
	struct task_usage self, children;

	if (!uptr_is_null(buf)) {
		spin_lock_irq(&pidtab_lock);
		process_usage(current, &self);
		children = current->signal->children;
		spin_unlock_irq(&pidtab_lock);
		s64 t[4] = {
			ns_to_clock_t(self.utime_ns), ns_to_clock_t(self.stime_ns),
			ns_to_clock_t(children.utime_ns), ns_to_clock_t(children.stime_ns),
		};

		if (copy_to_user(buf, t, sizeof(t)))
			return -EFAULT;
	}
	return ns_to_clock_t(ktime_get_ns());
}

/* May @p's limits be seen and set by current? */
static bool prlimit_allowed(const struct task_struct *p)
{
	const struct cred *me = &current->cred, *c = &p->cred;

	if (p->tgid == current->tgid || capable_root())
		return true;
	return me->uid == c->euid && me->uid == c->suid && me->uid == c->uid &&
	       me->gid == c->egid && me->gid == c->sgid && me->gid == c->gid;
}

/* @new or @old may be NULL. */
static int do_prlimit(struct task_struct *p, unsigned int which, const struct rlimit64 *new, struct rlimit64 *old)
{
	enum { NR_OPEN = 1048576 };	/* fs.nr_open's default */
	struct rlimit64 *limit;
	struct sighand_struct *s;
	unsigned long flags;
	int err = 0;

	if (which >= RLIM_NLIMITS)
		return -EINVAL;
	if (new && new->rlim_cur > new->rlim_max)
		return -EINVAL;
	if (new && which == RLIMIT_NOFILE && new->rlim_max > NR_OPEN)
		return -EPERM;
	limit = &p->signal->rlim[which];
	s = lock_task_sighand(p, &flags);
	if (new && new->rlim_max > limit->rlim_max && !capable_root())
		err = -EPERM;
	if (!err && old)
		*old = *limit;
	if (!err && new)
		*limit = *new;
	spin_unlock_irqrestore(&s->siglock, flags);
	return err;
}

SYSCALL_DEFINE2(getrlimit, unsigned int, which, uptr, rlim)
{
	struct rlimit64 old;
	int err = do_prlimit(current, which, NULL, &old);

	if (err)
		return err;
	return copy_to_user(rlim, &old, sizeof(old)) ? -EFAULT : 0;
}

SYSCALL_DEFINE2(setrlimit, unsigned int, which, uptr, rlim)
{
	struct rlimit64 new;

	if (copy_from_user(&new, rlim, sizeof(new)))
		return -EFAULT;
	return do_prlimit(current, which, &new, NULL);
}

SYSCALL_DEFINE4(prlimit64, pid_t, pid, unsigned int, which, uptr, unew, uptr, uold)
{
	struct rlimit64 new, old;
	struct task_struct *p;
	int err;

	if (!uptr_is_null(unew) && copy_from_user(&new, unew, sizeof(new)))
		return -EFAULT;
	p = pid ? find_get_task(pid) : current;
	if (!p)
		return -ESRCH;
	err = prlimit_allowed(p) ? do_prlimit(p, which, uptr_is_null(unew) ? NULL : &new, &old) : -EPERM;
	if (p != current || pid)
		put_task_struct(p);
	if (!err && !uptr_is_null(uold) && copy_to_user(uold, &old, sizeof(old)))
		return -EFAULT;
	return err;
}

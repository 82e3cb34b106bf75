/*
 * kernel/time/itimer.c - interval timers of a process: alarm(2), setitimer(2); limits on CPU time.
 *
 * Linux:   kernel/time/itimer.c, posix-cpu-timers.c (6.1)
 * Same:    ITIMER_REAL is an hrtimer that is armed again when its SIGALRM is taken, so that a short
 * interval cannot flood
 *          the CPU with interrupts; the CPU-time timers and RLIMIT_CPU are looked at by the tick.
 * Differs: 1. the times of CPU-time timers are met within a tick of 3 ms.
 * Locks:   SIGHAND for the timers' fields; PIDTAB to find the process in an interrupt and to add up
 *          its times.
 * Walk:    setitimer(2) -> hrtimer_start() ... it_real_fn() -> send_sig_info() ... dequeue_signal()
 * -> timer_signal_taken().
 */
#include "kernel/errno.h"
#include "kernel/process.h"
#include "kernel/signal.h"
#include "kernel/syscall.h"
#include "kernel/task.h"
#include "kernel/timer.h"
#include "kernel/uaccess.h"

enum { ITIMER_REAL, ITIMER_VIRTUAL, ITIMER_PROF };
struct itimerval { struct timeval64 it_interval, it_value; };
struct itimer_ns { u64 interval_ns, value_ns; };

/* --- expiry ----------------------------------------------------------------------------------- */

static enum hrtimer_restart it_real_fn(struct hrtimer *timer)
{
	struct signal_struct *sig = container_of(timer, struct signal_struct, real_timer);
	struct task_struct *p = find_get_task(sig->real_timer_tgid);

	if (p) {
		send_sig_info(SIGALRM, NULL, p);
		put_task_struct(p);
	}
	return HRTIMER_NORESTART;
}

void itimer_signal_taken(void)
{
	struct signal_struct *sig = current->signal;

	assert_held(&current->sighand->siglock);
	if (!sig->it_real_incr_ns || hrtimer_active(&sig->real_timer))
		return;
	hrtimer_forward(&sig->real_timer, ktime_get_ns(), sig->it_real_incr_ns);
	hrtimer_start(&sig->real_timer, sig->real_timer.expires_ns);
}

/*
 * One of the CPU-time timers at @now_ns of its clock. Return: has it run out? Locks: siglock held.
 */
static bool cpu_itimer_expired(struct cpu_itimer *it, u64 now_ns)
{
	if (!it->expires_ns || now_ns < it->expires_ns)
		return false;
	it->expires_ns = it->incr_ns ? it->expires_ns + it->incr_ns : 0;
	return true;
}

/* Return: the signal that is due for RLIMIT_CPU after @total_ns, or 0. Locks: siglock held. */
static int cpu_limit_signal(struct rlimit64 *limit, u64 total_ns)
{
	u64 seconds = total_ns / NSEC_PER_SEC;

	if (seconds >= limit->rlim_max)
		return SIGKILL;
	if (seconds < limit->rlim_cur)
		return 0;
	limit->rlim_cur++; /* the next warning in a second */
	return SIGXCPU;
}

void posix_cpu_timers_tick(void)
{
	struct task_struct *p = current;
	struct signal_struct *sig = p->signal;
	bool virt, prof;
	u64 user, system;
	int limit_sig;

	if (likely(!sig->cpu_itimer[0].expires_ns && !sig->cpu_itimer[1].expires_ns &&
		   sig->rlim[RLIMIT_CPU].rlim_cur == RLIM_INFINITY))
		return;
	if (p->flags & (PF_KTHREAD | PF_EXITING))
		return;
	process_cputime(p, &user, &system);
	spin_lock(&p->sighand->siglock);
	virt = cpu_itimer_expired(&sig->cpu_itimer[0], user);
	prof = cpu_itimer_expired(&sig->cpu_itimer[1], user + system);
	limit_sig = cpu_limit_signal(&sig->rlim[RLIMIT_CPU], user + system);
	spin_unlock(&p->sighand->siglock);
	if (virt)
		send_sig_info(SIGVTALRM, NULL, p);
	if (prof)
		send_sig_info(SIGPROF, NULL, p);
	if (limit_sig)
		send_sig_info(limit_sig, NULL, p);
}

/* --- reading and setting ---------------------------------------------------------------------- */

static u64 cpu_clock_ns(int which)
{
	u64 user, system;

	process_cputime(current, &user, &system);
	return which == ITIMER_VIRTUAL ? user : user + system;
}

/* A timer that has run out a moment ago is not disarmed: it shows the least there is. */
static u64 time_left(u64 expires_ns, u64 now_ns)
{
	return expires_ns > now_ns ? expires_ns - now_ns : NSEC_PER_USEC;
}

/* Locks: siglock held. */
static struct itimer_ns real_left(const struct signal_struct *sig)
{
	u64 now_ns = ktime_get_ns(), expires_ns = sig->real_timer.expires_ns;

	if (!hrtimer_active(&sig->real_timer))
		return (struct itimer_ns){ sig->it_real_incr_ns, 0 };
	return (struct itimer_ns){ sig->it_real_incr_ns, time_left(expires_ns, now_ns) };
}

static struct itimer_ns cpu_left(const struct cpu_itimer *it, u64 now_ns)
{
	if (!it->expires_ns)
		return (struct itimer_ns){ it->incr_ns, 0 };
	return (struct itimer_ns){ it->incr_ns, time_left(it->expires_ns, now_ns) };
}

/* @new NULL: only read. */
static void real_itimer(const struct itimer_ns *new, struct itimer_ns *old)
{
	struct signal_struct *sig = current->signal;

	for (;;) {
		spin_lock_irq(&current->sighand->siglock);
		*old = real_left(sig);
		if (!new || hrtimer_try_to_cancel(&sig->real_timer) >= 0)
			break;
		/* Its function runs, and may want siglock. */
		spin_unlock_irq(&current->sighand->siglock);
		cpu_relax();
	}
	if (new) {
		sig->it_real_incr_ns = new->value_ns ? new->interval_ns : 0;
		if (new->value_ns) {
			sig->real_timer_tgid = current->tgid;
			hrtimer_init(&sig->real_timer, it_real_fn);
			hrtimer_start(&sig->real_timer, ktime_get_ns() + new->value_ns);
		}
	}
	spin_unlock_irq(&current->sighand->siglock);
}

static void cpu_itimer(int which, const struct itimer_ns *new, struct itimer_ns *old)
{
	struct cpu_itimer *it = &current->signal->cpu_itimer[which - ITIMER_VIRTUAL];
	u64 now_ns = cpu_clock_ns(which);

	spin_lock_irq(&current->sighand->siglock);
	*old = cpu_left(it, now_ns);
	if (new) {
		it->expires_ns = new->value_ns ? now_ns + new->value_ns : 0;
		it->incr_ns = new->interval_ns;
	}
	spin_unlock_irq(&current->sighand->siglock);
}

static int do_itimer(int which, const struct itimer_ns *new, struct itimer_ns *old)
{
	if (which == ITIMER_REAL)
		real_itimer(new, old);
	else if (which == ITIMER_VIRTUAL || which == ITIMER_PROF)
		cpu_itimer(which, new, old);
	else
		return -EINVAL;
	return 0;
}

static bool get_timeval_ns(const struct timeval64 *t, u64 *ns)
{
	const struct timespec64 ts = { t->tv_sec, t->tv_usec * (s64)NSEC_PER_USEC };

	if (t->tv_sec < 0 || t->tv_usec < 0 || (u64)t->tv_usec >= USEC_PER_SEC)
		return false;
	*ns = timespec64_to_ns(&ts);
	return true;
}

/* Upwards, so that an armed timer never reads as zero. */
static struct timeval64 to_timeval(u64 ns)
{
	u64 us = DIV_ROUND_UP(ns, NSEC_PER_USEC);

	return (struct timeval64){ (s64)(us / USEC_PER_SEC), (s64)(us % USEC_PER_SEC) };
}

static int put_itimer(const struct itimer_ns *it, uptr p)
{
	const struct itimerval v = { to_timeval(it->interval_ns), to_timeval(it->value_ns) };

	return copy_to_user(p, &v, sizeof(v)) ? -EFAULT : 0;
}

SYSCALL_DEFINE2(getitimer, int, which, uptr, value)
{
	struct itimer_ns old;
	int err = do_itimer(which, NULL, &old);

	return err ? err : put_itimer(&old, value);
}

SYSCALL_DEFINE3(setitimer, int, which, uptr, value, uptr, ovalue)
{
	struct itimer_ns new = { 0, 0 }, old;
	struct itimerval v;
	int err;

	/* No value disarms: Linux keeps this mistake for old programs. */
	if (!uptr_is_null(value)) {
		if (copy_from_user(&v, value, sizeof(v)))
			return -EFAULT;
		if (!get_timeval_ns(&v.it_value, &new.value_ns) ||
		    !get_timeval_ns(&v.it_interval, &new.interval_ns))
			return -EINVAL;
	}
	err = do_itimer(which, &new, &old);
	if (err || uptr_is_null(ovalue))
		return err;
	return put_itimer(&old, ovalue);
}

SYSCALL_DEFINE1(alarm, unsigned int, seconds)
{
	const struct itimer_ns new = { 0, seconds * NSEC_PER_SEC };
	struct itimer_ns old;
	u64 left;

	real_itimer(&new, &old);
	/* To the nearest second; but an alarm that is set is not nothing. */
	left = (old.value_ns + NSEC_PER_SEC / 2) / NSEC_PER_SEC;
	return old.value_ns && !left ? 1 : (long)left;
}

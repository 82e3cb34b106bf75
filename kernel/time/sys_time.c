/*
 * kernel/time/sys_time.c - the system calls that tell time, set it, and wait for it.
 *
 * Linux:   kernel/time/time.c, posix-timers.c, hrtimer.c, itimer.c (6.1)
 * Same:    clocks, remaining time, restart of relative sleeps after a signal without a handler.
 * Differs: 1. CLOCK_BOOTTIME is CLOCK_MONOTONIC: this machine does not suspend. CLOCK_TAI is CLOCK_REALTIME.
 * Locks:   none.
 * Walk:    nanosleep() -> schedule_hrtimeout().
 */
#include "kernel/process.h"
#include "kernel/syscall.h"
#include "kernel/uaccess.h"

/* Return: 0, or -EINVAL for a clock that does not exist. */
static int clock_read(int clock, u64 *ns)
{
	u64 u, s;

	switch (clock) {
	case CLOCK_REALTIME: case CLOCK_REALTIME_COARSE: case CLOCK_REALTIME_ALARM: case CLOCK_TAI:
		*ns = ktime_get_real_ns();
		return 0;
	case CLOCK_MONOTONIC: case CLOCK_MONOTONIC_RAW: case CLOCK_MONOTONIC_COARSE: case CLOCK_BOOTTIME: case CLOCK_BOOTTIME_ALARM:
		*ns = ktime_get_ns();
		return 0;
	case CLOCK_PROCESS_CPUTIME_ID:
		process_cputime(current, &u, &s);
		*ns = u + s;
		return 0;
	case CLOCK_THREAD_CPUTIME_ID:
		thread_cputime(current, &u, &s);
		*ns = u + s;
		return 0;
	}
	return -EINVAL;
}

static int put_timespec(u64 ns, uptr to)
{
	struct timespec64 t = ns_to_timespec64(ns);

	return copy_to_user(to, &t, sizeof(t)) ? -EFAULT : 0;
}

SYSCALL_DEFINE2(clock_gettime, int, clock, uptr, tp)
{
	u64 ns;
	int err = clock_read(clock, &ns);

	return err ? err : put_timespec(ns, tp);
}

SYSCALL_DEFINE2(clock_getres, int, clock, uptr, tp)
{
	u64 ns;
	int err = clock_read(clock, &ns);

	if (err || uptr_is_null(tp))
		return err;
	return put_timespec(clock == CLOCK_REALTIME_COARSE || clock == CLOCK_MONOTONIC_COARSE ? 4 * NSEC_PER_MSEC : 1, tp);
}

SYSCALL_DEFINE2(clock_settime, int, clock, uptr, tp)
{
	struct timespec64 t;

	if (clock != CLOCK_REALTIME)
		return -EINVAL;
	if (copy_from_user(&t, tp, sizeof(t)))
		return -EFAULT;
	if (!timespec64_valid(&t))
		return -EINVAL;
	return capable_root() ? timekeeping_set_real(timespec64_to_ns(&t)) : -EPERM;
}

SYSCALL_DEFINE2(gettimeofday, uptr, tv, uptr, tz)
{
	u64 ns = ktime_get_real_ns();
	struct timeval64 t = { (s64)(ns / NSEC_PER_SEC), (s64)(ns % NSEC_PER_SEC / NSEC_PER_USEC) };
	u32 zone[2] = { 0, 0 };

	if (!uptr_is_null(tv) && copy_to_user(tv, &t, sizeof(t)))
		return -EFAULT;
	if (!uptr_is_null(tz) && copy_to_user(tz, zone, sizeof(zone)))
		return -EFAULT;
	return 0;
}

SYSCALL_DEFINE1(time, uptr, tloc)
{
	s64 now = (s64)(ktime_get_real_ns() / NSEC_PER_SEC);

	if (!uptr_is_null(tloc) && put_user(now, tloc))
		return -EFAULT;
	return now;
}

static long sleep_until(u64 end)
{
	while (ktime_get_ns() < end) {
		set_current_state(TASK_INTERRUPTIBLE);
		if (schedule_hrtimeout(&end) && signal_pending(current))
			return -EINTR;
	}
	return 0;
}

static long nanosleep_restart(struct task_struct *p)
{
	u64 end = p->restart_block.a[0], now;
	uptr rem = UPTR(p->restart_block.a[1]);

	if (!sleep_until(end))
		return 0;
	now = ktime_get_ns();
	if (!uptr_is_null(rem) && put_timespec(end > now ? end - now : 0, rem))
		return -EFAULT;
	p->restart_block.fn = nanosleep_restart;
	return -ERESTART_RESTARTBLOCK;
}

static long sleep_relative(u64 ns, uptr rem)
{
	current->restart_block.a[0] = ktime_get_ns() + ns;
	current->restart_block.a[1] = rem.addr;
	return nanosleep_restart(current);
}

SYSCALL_DEFINE2(nanosleep, uptr, req, uptr, rem)
{
	struct timespec64 t;

	if (copy_from_user(&t, req, sizeof(t)))
		return -EFAULT;
	return timespec64_valid(&t) ? sleep_relative(timespec64_to_ns(&t), rem) : -EINVAL;
}

#define TIMER_ABSTIME 1

SYSCALL_DEFINE4(clock_nanosleep, int, clock, int, flags, uptr, req, uptr, rem)
{
	struct timespec64 t;
	u64 now, end;

	if (clock == CLOCK_THREAD_CPUTIME_ID || clock_read(clock, &now))
		return -EINVAL;
	if (clock == CLOCK_PROCESS_CPUTIME_ID)
		return -EOPNOTSUPP;
	if (copy_from_user(&t, req, sizeof(t)))
		return -EFAULT;
	if (!timespec64_valid(&t))
		return -EINVAL;
	if (!(flags & TIMER_ABSTIME))
		return sleep_relative(timespec64_to_ns(&t), rem);
	end = timespec64_to_ns(&t);
	return sleep_until(end > now ? ktime_get_ns() + (end - now) : 0) ? -ERESTARTNOHAND : 0;
}

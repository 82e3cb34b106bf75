/*
 * kernel/time/sys_time.c - system calls that ask for the time, set it, or sleep until it comes.
 *
 * Linux:   kernel/time/{posix-timers,posix-cpu-timers,time,hrtimer}.c (6.1)
 * Same:    clocks, errors and their order; a sleep that a signal interrupted reports what is left,
 *          and one that was relative goes on through restart_syscall(2); CPU-time clocks of other
 *          tasks by negative ids.
 * Differs: 1. CLOCK_TAI equals CLOCK_REALTIME, and CLOCK_BOOTTIME CLOCK_MONOTONIC: there are no
 * leap seconds and no suspend.
 *          2. the coarse clocks are exact: reading the clock costs less than keeping a coarse one.
 *          3. a sleep until a time of CLOCK_REALTIME keeps its end when somebody sets that clock
 *             meanwhile.
 *          4. no alarm clocks (no RTC can wake this machine), no CLOCK_*_CPUTIME_ID to sleep on.
 * Locks:   none.
 * Walk:    clock_nanosleep(2) -> do_nanosleep() -> schedule_hrtimeout().
 */
#include "kernel/errno.h"
#include "kernel/process.h"
#include "kernel/syscall.h"
#include "kernel/task.h"
#include "kernel/time.h"
#include "kernel/time/posix_timers.h"
#include "kernel/uaccess.h"

enum { TIMER_ABSTIME = 1 };
struct timezone { s32 tz_minuteswest, tz_dsttime; };

/* --- reading ---------------------------------------------------------------------------------- */

/*
 * Ids below zero name the CPU-time clock of a task: ~pid << 3 | type, with bit 2 set for one
 * thread. All types but CPUCLOCK_SCHED, the run time, are Linux's older ones.
 */
enum {
	CPUCLOCK_PROF = 0, CPUCLOCK_VIRT = 1, CPUCLOCK_SCHED = 2, CPUCLOCK_CLOCK_MASK = 3,
	CPUCLOCK_PERTHREAD = 4,
};

static int cpu_clock_get(int clock, u64 *ns)
{
	pid_t pid = ~(clock >> 3);
	struct task_struct *p;
	u64 user, system;

	if ((clock & CPUCLOCK_CLOCK_MASK) > CPUCLOCK_SCHED)
		return -EINVAL;
	p = find_get_task(pid ? pid : clock & CPUCLOCK_PERTHREAD ? current->pid : current->tgid);
	if (!p)
		return -EINVAL;
	/* A thread's clock is for its own process only; a process is named by its leader. */
	if (clock & CPUCLOCK_PERTHREAD ? p->signal != current->signal : !thread_group_leader(p)) {
		put_task_struct(p);
		return -EINVAL;
	}
	if (clock & CPUCLOCK_PERTHREAD)
		task_cputime(p, &user, &system);
	else
		process_cputime(p, &user, &system);
	put_task_struct(p);
	*ns = (clock & CPUCLOCK_CLOCK_MASK) == CPUCLOCK_VIRT ? user : user + system;
	return 0;
}

/* Return: 0, or -EINVAL if there is no such clock. */
static int clock_get(int clock, u64 *ns)
{
	u64 user, system;

	switch (clock) {
	case CLOCK_REALTIME:
	case CLOCK_REALTIME_COARSE:
	case CLOCK_TAI:
		*ns = ktime_get_real_ns();
		return 0;
	case CLOCK_MONOTONIC:
	case CLOCK_MONOTONIC_RAW:
	case CLOCK_MONOTONIC_COARSE:
	case CLOCK_BOOTTIME:
		*ns = ktime_get_ns();
		return 0;
	case CLOCK_THREAD_CPUTIME_ID:
		*ns = task_cpu_time_ns(current);
		return 0;
	case CLOCK_PROCESS_CPUTIME_ID:
		process_cputime(current, &user, &system);
		*ns = user + system;
		return 0;
	default:
		return clock < 0 ? cpu_clock_get(clock, ns) : -EINVAL;
	}
}

static int put_timespec(u64 ns, uptr p)
{
	const struct timespec64 t = ns_to_timespec64(ns);

	return copy_to_user(p, &t, sizeof(t)) ? -EFAULT : 0;
}

SYSCALL_DEFINE2(clock_gettime, int, clock, uptr, tp)
{
	u64 ns;
	int err = clock_get(clock, &ns);

	return err ? err : put_timespec(ns, tp);
}

SYSCALL_DEFINE2(clock_getres, int, clock, uptr, tp)
{
	u64 ns;
	int err = clock_get(clock, &ns);

	if (err || uptr_is_null(tp))
		return err;
	return put_timespec(1, tp);
}

SYSCALL_DEFINE2(gettimeofday, uptr, tv, uptr, tz)
{
	static const struct timezone utc;
	u64 ns = ktime_get_real_ns();
	const struct timeval64 t = {
		(s64)(ns / NSEC_PER_SEC), (s64)(ns % NSEC_PER_SEC / NSEC_PER_USEC),
	};

	if (!uptr_is_null(tv) && copy_to_user(tv, &t, sizeof(t)))
		return -EFAULT;
	if (!uptr_is_null(tz) && copy_to_user(tz, &utc, sizeof(utc)))
		return -EFAULT;
	return 0;
}

SYSCALL_DEFINE1(time, uptr, tloc)
{
	s64 seconds = (s64)(ktime_get_real_ns() / NSEC_PER_SEC);

	if (!uptr_is_null(tloc) && put_user(seconds, tloc))
		return -EFAULT;
	return seconds;
}

/* --- setting ---------------------------------------------------------------------------------- */

static int set_real(s64 sec, s64 nsec)
{
	const struct timespec64 t = { sec, nsec };

	if (!timespec64_valid(&t))
		return -EINVAL;
	return capable_root() ? timekeeping_set_real(timespec64_to_ns(&t)) : -EPERM;
}

SYSCALL_DEFINE2(clock_settime, int, clock, uptr, tp)
{
	struct timespec64 t;

	if (clock != CLOCK_REALTIME)
		return -EINVAL;
	if (copy_from_user(&t, tp, sizeof(t)))
		return -EFAULT;
	return set_real(t.tv_sec, t.tv_nsec);
}

SYSCALL_DEFINE2(settimeofday, uptr, tv, uptr, tz)
{
	struct timeval64 t = { 0, 0 };
	struct timezone zone;

	if (!uptr_is_null(tv)) {
		if (copy_from_user(&t, tv, sizeof(t)))
			return -EFAULT;
		if (t.tv_usec < 0 || (u64)t.tv_usec > USEC_PER_SEC)
			return -EINVAL;
	}
	if (!uptr_is_null(tz) && copy_from_user(&zone, tz, sizeof(zone)))
		return -EFAULT;
	if (!capable_root())
		return -EPERM;
	/* The kernel's time zone is UTC, and stays so. */
	if (!uptr_is_null(tz) && (zone.tz_minuteswest || zone.tz_dsttime))
		return -EINVAL;
	return uptr_is_null(tv) ? 0 : set_real(t.tv_sec, t.tv_usec * (s64)NSEC_PER_USEC);
}

/* --- sleeping --------------------------------------------------------------------------------- */

static long nanosleep_restart(struct task_struct *p);

/*
 * Sleep until @until_ns of CLOCK_MONOTONIC. @relative: a signal's handler does not end it for good,
 * and @rem gets what is left.
 */
static long do_nanosleep(u64 until_ns, bool relative, uptr rem)
{
	u64 now_ns;

	do {
		set_current_state(TASK_INTERRUPTIBLE);
		if (!schedule_hrtimeout(&until_ns))
			return 0;
	} while (!signal_pending(current));
	if (!relative)
		return -ERESTARTNOHAND;
	now_ns = ktime_get_ns();
	if (now_ns >= until_ns)
		return 0;
	if (!uptr_is_null(rem) && put_timespec(until_ns - now_ns, rem))
		return -EFAULT;
	current->restart_block.fn = nanosleep_restart;
	current->restart_block.a[0] = until_ns;
	current->restart_block.a[1] = rem.addr;
	return -ERESTART_RESTARTBLOCK;
}

static long nanosleep_restart(struct task_struct *p)
{
	return do_nanosleep(p->restart_block.a[0], true, UPTR(p->restart_block.a[1]));
}

/* The end of a relative sleep: never before the start by overflow. */
static u64 after_ns(u64 start_ns, u64 ns) { return start_ns + min(ns, U64_MAX - start_ns); }

static int get_timespec(uptr p, struct timespec64 *t)
{
	if (copy_from_user(t, p, sizeof(*t)))
		return -EFAULT;
	return timespec64_valid(t) ? 0 : -EINVAL;
}

SYSCALL_DEFINE2(nanosleep, uptr, req, uptr, rem)
{
	struct timespec64 t;
	int err = get_timespec(req, &t);

	return err ? err : do_nanosleep(after_ns(ktime_get_ns(), timespec64_to_ns(&t)), true, rem);
}

int clock_can_expire(int clock)
{
	u64 ns;

	switch (clock) {
	case CLOCK_REALTIME:
	case CLOCK_TAI:
	case CLOCK_MONOTONIC:
	case CLOCK_BOOTTIME:
		return 0;
	case CLOCK_REALTIME_ALARM:
	case CLOCK_BOOTTIME_ALARM:
		return -EOPNOTSUPP;
	default:
		return clock_get(clock, &ns) ? -EINVAL : -EOPNOTSUPP;
	}
}

u64 clock_to_monotonic(int clock, u64 ns)
{
	u64 offset_ns = ktime_get_real_ns() - ktime_get_ns();

	if (clock != CLOCK_REALTIME && clock != CLOCK_TAI)
		return ns;
	return ns > offset_ns ? ns - offset_ns : 0;
}

SYSCALL_DEFINE4(clock_nanosleep, int, clock, int, flags, uptr, req, uptr, rem)
{
	struct timespec64 t;
	int err = clock_can_expire(clock);

	if (err)
		return err;
	err = get_timespec(req, &t);
	if (err)
		return err;
	if (flags & TIMER_ABSTIME)
		return do_nanosleep(clock_to_monotonic(clock, timespec64_to_ns(&t)), false,
				    UPTR_NULL);
	return do_nanosleep(after_ns(ktime_get_ns(), timespec64_to_ns(&t)), true, rem);
}

/*
 * kernel/time/timekeeping.c - the wall clock, as a distance from the time since boot.
 *
 * Linux:   kernel/time/timekeeping.c, ntp.c (6.1)
 * Same:    CLOCK_REALTIME is CLOCK_MONOTONIC plus an offset, which only clock_settime() changes.
 * Differs: 1. no frequency correction (adjtimex). 2. the TSC is the only clock source.
 * Locks:   TIMEKEEPER to change the offset; it is one word, so readers need none.
 * Walk:    ktime_get_real_ns().
 */
#include "kernel/arch.h"
#include "kernel/barrier.h"
#include "kernel/errno.h"
#include "kernel/spinlock.h"
#include "kernel/time.h"

/*
 * Linux: the wall clock may not be set beyond what 64 bits of nanoseconds hold, less 30 years to
 * run.
 */
#define MAX_REAL_NS ((u64)0x7fffffffffffffff - 30 * 365 * 86400 * NSEC_PER_SEC)

static DEFINE_SPINLOCK(timekeeper_lock, LC_TIMEKEEPER);
static u64 wall_offset_ns;
void (*clock_was_set_hook)(void);

u64 ktime_get_real_ns(void) { return ktime_get_ns() + READ_ONCE(wall_offset_ns); }

int timekeeping_set_real(u64 real_ns)
{
	unsigned long flags;
	int err = 0;

	spin_lock_irqsave(&timekeeper_lock, flags);
	/* Also: never so far back that CLOCK_MONOTONIC would have begun before 1970. */
	if (real_ns > MAX_REAL_NS || real_ns < ktime_get_ns())
		err = -EINVAL;
	else
		WRITE_ONCE(wall_offset_ns, real_ns - ktime_get_ns());
	spin_unlock_irqrestore(&timekeeper_lock, flags);
	if (!err && clock_was_set_hook)
		clock_was_set_hook();
	return err;
}

void timekeeping_init(void) { wall_offset_ns = arch_rtc_seconds() * NSEC_PER_SEC - ktime_get_ns(); }

void udelay(unsigned int us)
{
	u64 end_ns = ktime_get_ns() + us * NSEC_PER_USEC;

	while (ktime_get_ns() < end_ns)
		cpu_relax();
}

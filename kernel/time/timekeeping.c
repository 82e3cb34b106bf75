/*
 * kernel/time/timekeeping.c - the clocks.
 *
 * Linux:   kernel/time/timekeeping.c (6.1)
 * Same:    monotonic time counts from boot; real time is that plus an offset which can be set.
 * Differs: 1. no NTP: the rate is the TSC's.
 * Locks:   TIMEKEEPER.
 * Walk:    ktime_get_ns() everywhere.
 */
#include "kernel/time.h"
#include "kernel/arch.h"
#include "kernel/errno.h"
#include "kernel/spinlock.h"

static DEFINE_SPINLOCK(timekeeper_lock, LC_TIMEKEEPER);
/* timekeeper_lock to change; one word, read anywhere */
static u64 real_offset_ns;

u64 ktime_get_ns(void) { return arch_clock_ns(); }
u64 ktime_get_real_ns(void) { return arch_clock_ns() + READ_ONCE(real_offset_ns); }

void timekeeping_init(void) { real_offset_ns = arch_rtc_seconds() * NSEC_PER_SEC - arch_clock_ns(); }

int timekeeping_set_real(u64 real_ns)
{
	unsigned long flags;

	if (real_ns < ktime_get_ns())
		return -EINVAL;
	spin_lock_irqsave(&timekeeper_lock, flags);
	WRITE_ONCE(real_offset_ns, real_ns - ktime_get_ns());
	spin_unlock_irqrestore(&timekeeper_lock, flags);
	return 0;
}

void udelay(unsigned int us)
{
	u64 end = ktime_get_ns() + us * NSEC_PER_USEC;

	while (ktime_get_ns() < end)
		cpu_relax();
}

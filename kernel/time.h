/*
 * kernel/time.h - what time it is.
 *
 * Linux:   include/linux/ktime.h, timekeeping.h, time64.h (6.1)
 * Same:    CLOCK_* numbers, struct timespec64.
 * Differs: 1. times inside the kernel are u64 nanoseconds.
 * Locks:   TIMEKEEPER for the wall offset.
 * Walk:    ktime_get_ns() on every timer and RTT sample.
 */
#pragma once
#include "kernel/types.h"

#define NSEC_PER_SEC	1000000000ULL
#define NSEC_PER_MSEC	1000000ULL
#define NSEC_PER_USEC	1000ULL
#define USEC_PER_SEC	1000000ULL
#define USER_HZ		100

enum {
	CLOCK_REALTIME = 0, CLOCK_MONOTONIC = 1,
	CLOCK_PROCESS_CPUTIME_ID = 2, CLOCK_THREAD_CPUTIME_ID = 3, CLOCK_MONOTONIC_RAW = 4,
	CLOCK_REALTIME_COARSE = 5, CLOCK_MONOTONIC_COARSE = 6, CLOCK_BOOTTIME = 7,
	CLOCK_REALTIME_ALARM = 8, CLOCK_BOOTTIME_ALARM = 9, CLOCK_TAI = 11,
};
struct timespec64 { s64 tv_sec; s64 tv_nsec; };
struct timeval64 { s64 tv_sec; s64 tv_usec; };

/*
 * ktime_get_ns - CLOCK_MONOTONIC: ns since boot, never backwards, the same on all CPUs. Context:
 * any.
 */
u64 arch_clock_ns(void); /* also in kernel/arch.h, which who asks for the time need not see */
static __always_inline u64 ktime_get_ns(void) { return arch_clock_ns(); }
/* ktime_get_real_ns - CLOCK_REALTIME: ns since 1970. Context: any. */
u64 ktime_get_real_ns(void);
/*
 * timekeeping_init - after the TSC is calibrated; reads the RTC once. timekeeping_set_real -
 * settimeofday.
 */
void timekeeping_init(void);
int timekeeping_set_real(u64 real_ns);
/*
 * clock_was_set_hook - called by timekeeping_set_real(), when not NULL, after the change. Set by
 * fs/timerfd.c. Context: task, no lock held.
 */
extern void (*clock_was_set_hook)(void);
/* udelay - spin. Context: any. */
void udelay(unsigned int us);

static inline struct timespec64 ns_to_timespec64(u64 ns)
{
	return (struct timespec64){ (s64)(ns / NSEC_PER_SEC), (s64)(ns % NSEC_PER_SEC) };
}
/* timespec64_valid - as Linux asks of a time-out: not negative, less than a second of ns. */
static inline bool timespec64_valid(const struct timespec64 *t)
{
	return t->tv_sec >= 0 && (u64)t->tv_nsec < NSEC_PER_SEC;
}
/* Saturates at the largest time the kernel can hold (292 years). */
static inline u64 timespec64_to_ns(const struct timespec64 *t)
{
	if ((u64)t->tv_sec >= (u64)0x7fffffffffffffff / NSEC_PER_SEC)
		return 0x7fffffffffffffffULL;
	return (u64)t->tv_sec * NSEC_PER_SEC + (u64)t->tv_nsec;
}

/*
 * kernel/time/posix_timers.h - which clocks can be waited for; shared by the system calls of this
 * folder.
 *
 * Linux:   include/linux/posix-timers.h (6.1)
 * Same:    the errors for clocks that cannot.
 * Differs: none of note.
 * Locks:   none.
 * Walk:    clock_nanosleep(2), timer_create(2).
 */
#pragma once
#include "kernel/types.h"

/*
 * clock_can_expire - Return: 0; -EOPNOTSUPP if @clock can only be read; -EINVAL if it does not
 * exist.
 */
int clock_can_expire(int clock);
/*
 * clock_to_monotonic - when it is @ns on @clock, which is one that can expire, as CLOCK_MONOTONIC
 * counts.
 */
u64 clock_to_monotonic(int clock, u64 ns);

/*
 * kernel/bitops.h - counting bits.
 *
 * Linux:   include/linux/bitops.h, lib/hweight.c (6.1)
 * Same:    hweight32(), hweight64().
 * Differs: 1. portable arithmetic: the kernel is built for every x86-64, and not all have POPCNT.
 * Locks:   none.
 * Walk:    none.
 */
#pragma once
#include "kernel/types.h"

static inline unsigned int hweight64(u64 v)
{
	v -= v >> 1 & 0x5555555555555555ULL;
	v = (v & 0x3333333333333333ULL) + (v >> 2 & 0x3333333333333333ULL);
	v = (v + (v >> 4)) & 0x0f0f0f0f0f0f0f0fULL;
	return (unsigned int)(v * 0x0101010101010101ULL >> 56);
}
static inline unsigned int hweight32(u32 v) { return hweight64(v); }

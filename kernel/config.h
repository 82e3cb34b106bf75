/*
 * kernel/config.h - the two ways the kernel is built: the ordinary one and the checking one.
 *
 * Linux:   Kconfig
 * Same:    nothing.
 * Differs: 1. one switch instead of thousands: POLLUX_DEBUG (make's DEBUG=1) turns on lockdep, slab and
 *             page poisoning, race points, fail-nth and the invariant checks. Code tests the constant with an
 *             ordinary if, so both builds compile every line.
 * Locks:   none.
 * Walk:    included by the headers that have a checking half.
 */
#pragma once

#ifndef POLLUX_DEBUG
#define POLLUX_DEBUG 0
#endif

enum {
	CONFIG_DEBUG = POLLUX_DEBUG,
	CONFIG_NR_CPUS = 8,
};

#define NR_CPUS 8

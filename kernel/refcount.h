/*
 * kernel/refcount.h - counts of references that complain instead of wrapping.
 *
 * Linux:   include/linux/refcount.h (6.1)
 * Same:    names; a count that would overflow or come back from zero stays saturated.
 * Differs: none.
 * Locks:   none.
 * Walk:    every get and put of a counted object.
 */
#pragma once
#include "kernel/atomic.h"
#include "kernel/bug.h"

typedef struct { atomic_t refs; } refcount_t;
#define REFCOUNT_INIT(n) { ATOMIC_INIT(n) }
#define REFCOUNT_SATURATED ((int)0xc0000000)

static inline void refcount_set(refcount_t *r, int n) { atomic_set(&r->refs, n); }
static inline int refcount_read(const refcount_t *r) { return atomic_read(&r->refs); }
static inline void refcount_inc(refcount_t *r)
{
	int old = __atomic_fetch_add(&r->refs.counter, 1, __ATOMIC_RELAXED);

	if (WARN_ON_ONCE(old <= 0))
		atomic_set(&r->refs, REFCOUNT_SATURATED);
}
/* False if the count was zero already: the object is dying and may not be used. */
static inline __must_check bool refcount_inc_not_zero(refcount_t *r)
{
	int old = atomic_read(&r->refs);

	while (old) {
		int seen = atomic_cmpxchg(&r->refs, old, old + 1);

		if (seen == old)
			return true;
		old = seen;
	}
	return false;
}
/* True if this was the last reference: the caller frees. */
static inline __must_check bool refcount_dec_and_test(refcount_t *r)
{
	int old = __atomic_fetch_sub(&r->refs.counter, 1, __ATOMIC_ACQ_REL);

	if (WARN_ON_ONCE(old <= 0)) {
		atomic_set(&r->refs, REFCOUNT_SATURATED);
		return false;
	}
	return old == 1;
}

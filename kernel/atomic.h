/*
 * kernel/atomic.h - integers and bits that several CPUs change at once.
 *
 * Linux:   include/linux/atomic.h, asm/bitops.h (6.1)
 * Same:    names; operations that return a value order everything around them, those that do not order nothing.
 * Differs: 1. built on gcc's __atomic builtins.
 * Locks:   none.
 * Walk:    included by refcount.h, spinlock.h and whoever counts.
 */
#pragma once
#include "kernel/barrier.h"

typedef struct { int counter; } atomic_t;
typedef struct { long counter; } atomic_long_t;
typedef struct { s64 counter; } atomic64_t;
#define ATOMIC_INIT(i) { (i) }

#define __ATOMIC_FAMILY(pfx, T, I)								\
static inline I pfx##_read(const T *v) { return READ_ONCE(v->counter); }			\
static inline void pfx##_set(T *v, I i) { WRITE_ONCE(v->counter, i); }				\
static inline void pfx##_add(I i, T *v) { __atomic_fetch_add(&v->counter, i, __ATOMIC_RELAXED); }	\
static inline void pfx##_sub(I i, T *v) { __atomic_fetch_sub(&v->counter, i, __ATOMIC_RELAXED); }	\
static inline void pfx##_inc(T *v) { pfx##_add(1, v); }						\
static inline void pfx##_dec(T *v) { pfx##_sub(1, v); }						\
static inline I pfx##_add_return(I i, T *v) { return __atomic_add_fetch(&v->counter, i, __ATOMIC_SEQ_CST); } \
static inline I pfx##_sub_return(I i, T *v) { return __atomic_sub_fetch(&v->counter, i, __ATOMIC_SEQ_CST); } \
static inline I pfx##_inc_return(T *v) { return pfx##_add_return(1, v); }			\
static inline I pfx##_dec_return(T *v) { return pfx##_sub_return(1, v); }			\
static inline bool pfx##_dec_and_test(T *v) { return pfx##_dec_return(v) == 0; }		\
static inline I pfx##_xchg(T *v, I n) { return __atomic_exchange_n(&v->counter, n, __ATOMIC_SEQ_CST); }	\
static inline I pfx##_cmpxchg(T *v, I old, I new)						\
{												\
	__atomic_compare_exchange_n(&v->counter, &old, new, false, __ATOMIC_SEQ_CST, __ATOMIC_SEQ_CST); \
	return old;										\
}
__ATOMIC_FAMILY(atomic, atomic_t, int)
__ATOMIC_FAMILY(atomic_long, atomic_long_t, long)
__ATOMIC_FAMILY(atomic64, atomic64_t, s64)

#define xchg(p, v)	__atomic_exchange_n((p), (v), __ATOMIC_SEQ_CST)
#define cmpxchg(p, o, n) ({ typeof(*(p)) __o = (o);						\
	__atomic_compare_exchange_n((p), &__o, (n), false, __ATOMIC_SEQ_CST, __ATOMIC_SEQ_CST); __o; })

/* Single bits of a word. The plain forms are atomic; the __ forms are for owners of the word. */
static inline void set_bit(unsigned int nr, unsigned long *w)
{
	__atomic_fetch_or(&w[nr / 64], BIT(nr % 64), __ATOMIC_RELAXED);
}
static inline void clear_bit(unsigned int nr, unsigned long *w)
{
	__atomic_fetch_and(&w[nr / 64], ~BIT(nr % 64), __ATOMIC_RELAXED);
}
static inline bool test_bit(unsigned int nr, const unsigned long *w) { return READ_ONCE(w[nr / 64]) >> (nr % 64) & 1; }
static inline bool test_and_set_bit(unsigned int nr, unsigned long *w)
{
	return __atomic_fetch_or(&w[nr / 64], BIT(nr % 64), __ATOMIC_SEQ_CST) >> (nr % 64) & 1;
}
static inline bool test_and_clear_bit(unsigned int nr, unsigned long *w)
{
	return __atomic_fetch_and(&w[nr / 64], ~BIT(nr % 64), __ATOMIC_SEQ_CST) >> (nr % 64) & 1;
}
static inline void __set_bit(unsigned int nr, unsigned long *w) { w[nr / 64] |= BIT(nr % 64); }
static inline void __clear_bit(unsigned int nr, unsigned long *w) { w[nr / 64] &= ~BIT(nr % 64); }

/*
 * kernel/compiler.h - what we ask of the compiler beyond C: attributes, branch hints, barriers to it.
 *
 * Linux:   include/linux/compiler.h, compiler_attributes.h (6.1)
 * Same:    the names.
 * Differs: 1. gcc only, so no fallbacks.
 * Locks:   none.
 * Walk:    included by kernel/types.h, and so by everything.
 */
#pragma once

#define likely(x)	__builtin_expect(!!(x), 1)
#define unlikely(x)	__builtin_expect(!!(x), 0)
#define barrier()	__asm__ __volatile__("" ::: "memory")

#define __must_check	__attribute__((warn_unused_result))
#define __printf(a, b)	__attribute__((format(printf, a, b)))
#define __packed	__attribute__((packed))
#define __aligned(n)	__attribute__((aligned(n)))
#define __noreturn	__attribute__((noreturn))
#define __used		__attribute__((used))
#define __unused	__attribute__((unused))
#define __weak		__attribute__((weak))
#define __always_inline	inline __attribute__((always_inline))
#define noinline	__attribute__((noinline))
#define __cold		__attribute__((cold))
#define __section(s)	__attribute__((section(s)))
#define fallthrough	__attribute__((fallthrough))

/* The address this function returns to: lock and allocation reports name their caller by it. */
#define _RET_IP_	((unsigned long)__builtin_return_address(0))
/* An address in this function. */
#define _THIS_IP_	({ __label__ __here; __here: (unsigned long)&&__here; })

/*
 * kernel/syscall.h - how system calls are declared, listed and dispatched.
 *
 * Linux:   include/linux/syscalls.h (6.1)
 * Same:    SYSCALL_DEFINEn(name, type, arg, ...) in the file of the subsystem.
 * Differs: 1. the one list is kernel/syscall/table.def: number, name, FULL / PARTIAL / NOOP and why.
 * Locks:   none.
 * Walk:    syscall entry -> do_syscall_64() -> a SYSCALL_DEFINE.
 *
 * Contract: a result is >= 0 or -errno. An unknown number or flag is an error, never success.
 */
#pragma once
#include "kernel/types.h"

#define SYS(nr, name, status, why) long sys_##name(long, long, long, long, long, long);
#include "kernel/syscall/table.def"
#undef SYS

typedef long (*syscall_fn_t)(long, long, long, long, long, long);

/* Registers to typed arguments: any type of one word, structs (uptr) too. */
#define __SC_ARG(t, r) ({ union { long l; t v; } __u = { .l = (r) }; __u.v; })
#define SYSCALL_DEFINE0(n)									\
	static long __do_sys_##n(void);								\
	long sys_##n(__unused long a, __unused long b, __unused long c,				\
		     __unused long d, __unused long e, __unused long f)				\
	{ return __do_sys_##n(); }								\
	static inline long __do_sys_##n(void)
#define SYSCALL_DEFINE1(n, t1, a1)								\
	static long __do_sys_##n(t1 a1);							\
	long sys_##n(long a, __unused long b, __unused long c, __unused long d, __unused long e, __unused long f) \
	{ return __do_sys_##n(__SC_ARG(t1, a)); }						\
	static inline long __do_sys_##n(t1 a1)
#define SYSCALL_DEFINE2(n, t1, a1, t2, a2)							\
	static long __do_sys_##n(t1 a1, t2 a2);							\
	long sys_##n(long a, long b, __unused long c, __unused long d, __unused long e, __unused long f) \
	{ return __do_sys_##n(__SC_ARG(t1, a), __SC_ARG(t2, b)); }				\
	static inline long __do_sys_##n(t1 a1, t2 a2)
#define SYSCALL_DEFINE3(n, t1, a1, t2, a2, t3, a3)						\
	static long __do_sys_##n(t1 a1, t2 a2, t3 a3);						\
	long sys_##n(long a, long b, long c, __unused long d, __unused long e, __unused long f)	\
	{ return __do_sys_##n(__SC_ARG(t1, a), __SC_ARG(t2, b), __SC_ARG(t3, c)); }		\
	static inline long __do_sys_##n(t1 a1, t2 a2, t3 a3)
#define SYSCALL_DEFINE4(n, t1, a1, t2, a2, t3, a3, t4, a4)					\
	static long __do_sys_##n(t1 a1, t2 a2, t3 a3, t4 a4);					\
	long sys_##n(long a, long b, long c, long d, __unused long e, __unused long f)		\
	{ return __do_sys_##n(__SC_ARG(t1, a), __SC_ARG(t2, b), __SC_ARG(t3, c), __SC_ARG(t4, d)); } \
	static inline long __do_sys_##n(t1 a1, t2 a2, t3 a3, t4 a4)
#define SYSCALL_DEFINE5(n, t1, a1, t2, a2, t3, a3, t4, a4, t5, a5)				\
	static long __do_sys_##n(t1 a1, t2 a2, t3 a3, t4 a4, t5 a5);				\
	long sys_##n(long a, long b, long c, long d, long e, __unused long f)			\
	{ return __do_sys_##n(__SC_ARG(t1, a), __SC_ARG(t2, b), __SC_ARG(t3, c), __SC_ARG(t4, d), __SC_ARG(t5, e)); } \
	static inline long __do_sys_##n(t1 a1, t2 a2, t3 a3, t4 a4, t5 a5)
#define SYSCALL_DEFINE6(n, t1, a1, t2, a2, t3, a3, t4, a4, t5, a5, t6, a6)			\
	static long __do_sys_##n(t1 a1, t2 a2, t3 a3, t4 a4, t5 a5, t6 a6);			\
	long sys_##n(long a, long b, long c, long d, long e, long f)				\
	{ return __do_sys_##n(__SC_ARG(t1, a), __SC_ARG(t2, b), __SC_ARG(t3, c), __SC_ARG(t4, d),	\
			      __SC_ARG(t5, e), __SC_ARG(t6, f)); }					\
	static inline long __do_sys_##n(t1 a1, t2 a2, t3 a3, t4 a4, t5 a5, t6 a6)

struct pt_regs;
/* do_syscall_64 - from the entry code: call number regs->orig_rax, result into regs->rax. irqs on. */
void do_syscall_64(struct pt_regs *regs);
/* exit_to_user_mode - signals, deferred fput, rescheduling, until nothing is left. Entered and left with irqs off. */
void exit_to_user_mode(struct pt_regs *regs);
/* syscall_name - NULL if not in the table. syscall_unknown_count - calls of number @nr that had no row. */
const char *syscall_name(unsigned int nr);
u64 syscall_unknown_count(unsigned int nr);
#define NR_SYSCALLS 462

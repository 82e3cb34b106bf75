/*
 * tests/unit/host.h - what kernel sources need to run in a program of the host, and the frame of a
 * unit test.
 *
 * Include it before the .c files under test. TEST(name) { ... } is a case; CHECK() and its kin end
 * it at the first failure; CHECK_PANICS(statement) wants the statement to end in panic(). The
 * program prints TAP.
 *
 * A source that needs more than is here gets it from its own test: no file under test is changed
 * for the test. The C library is declared only as far as needed: its headers and the kernel's name
 * the same things.
 */
#pragma once
#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#undef __always_inline /* the C library's, for the kernel's */

int printf(const char *fmt, ...);
int vprintf(const char *fmt, va_list ap);
int puts(const char *s);
void *mmap(void *addr, size_t len, int prot, int flags, int fd, long off);
int munmap(void *addr, size_t len);
void abort(void) __attribute__((noreturn));
void *malloc(size_t size);
void free(void *p);

#include "kernel/bug.h"
#include "kernel/lockdep.h"
#include "kernel/percpu.h"
#include "kernel/preempt.h"
#include "kernel/printk.h"
#include "kernel/spinlock.h"

#define HOST_WEAK __attribute__((weak, unused))

/* --- the machine: one CPU --- */
HOST_WEAK int __preempt_count;
HOST_WEAK u8 __need_resched;
HOST_WEAK int cpu_number;
HOST_WEAK unsigned long this_cpu_off;
HOST_WEAK unsigned long __per_cpu_offset[NR_CPUS];
HOST_WEAK int nr_cpus_online = 1;
HOST_WEAK int nr_cpus_possible = 1;
HOST_WEAK u32 __softirq_pending;
HOST_WEAK struct task_struct *current_task;
HOST_WEAK int warn_count;
HOST_WEAK void preempt_schedule(void) { }
HOST_WEAK void do_softirq_slow(void) { }
HOST_WEAK void smp_call_function_all(void (*fn)(void *), void *arg) { fn(arg); }

/* --- the lock checker: counts, so that a test can see that all was given back --- */
HOST_WEAK int host_locks_held;
HOST_WEAK void lockdep_acquire_slow(__unused const void *lock, __unused enum lock_class class,
				    __unused unsigned int depth, __unused bool sleeps,
				    __unused unsigned long ip)
{
	host_locks_held++;
}
HOST_WEAK void lockdep_acquire_try_slow(__unused const void *lock, __unused enum lock_class class,
					__unused unsigned long ip)
{
	host_locks_held++;
}
HOST_WEAK void lockdep_release_slow(__unused const void *lock, __unused unsigned long ip)
{
	host_locks_held--;
}
HOST_WEAK bool lockdep_is_held_slow(__unused const void *lock) { return host_locks_held > 0; }
HOST_WEAK void might_sleep_slow(__unused const char *file, __unused int line) { }
HOST_WEAK void spin_lock_slow(__unused spinlock_t *l)
{
	printf("# a lock is taken twice\n");
	abort();
}

/* --- messages, panics --- */
HOST_WEAK bool host_quiet;		/* messages are expected */
HOST_WEAK jmp_buf host_panic_jmp;
HOST_WEAK bool host_panic_expected;
HOST_WEAK void printk(__unused int level, const char *fmt, ...)
{
	va_list ap;

	if (host_quiet)
		return;
	va_start(ap, fmt);
	printf("# ");
	vprintf(fmt, ap);
	va_end(ap);
}
HOST_WEAK void panic(const char *fmt, ...)
{
	va_list ap;

	if (host_panic_expected)
		longjmp(host_panic_jmp, 1);
	va_start(ap, fmt);
	printf("# panic: ");
	vprintf(fmt, ap);
	printf("\n");
	va_end(ap);
	abort();
}
HOST_WEAK void assert_failed(const char *expr, const char *file, int line)
{
	panic("ASSERT(%s) at %s:%d", expr, file, line);
}
HOST_WEAK void warn_failed(const char *expr, const char *file, int line)
{
	warn_count++;
	if (!host_quiet)
		printf("# WARN: %s at %s:%d\n", expr, file, line);
}
HOST_WEAK const char *kallsyms_lookup(__unused unsigned long addr, __unused unsigned long *off)
{
	return NULL;
}

/* --- cases --- */
struct host_case { const char *name; void (*run)(void); struct host_case *next; };
HOST_WEAK struct host_case *host_first, **host_last = &host_first;
HOST_WEAK jmp_buf host_fail_jmp;

#define TEST(n)											\
	static void test_##n(void);								\
	static struct host_case case_##n = { .name = #n, .run = test_##n };			\
	static void __attribute__((constructor)) register_##n(void)				\
	{ *host_last = &case_##n; host_last = &case_##n.next; }				\
	static void test_##n(void)

#define FAIL(...) do {										\
	printf("# %s:%d: ", __FILE__, __LINE__);						\
	printf(__VA_ARGS__);									\
	printf("\n");										\
	longjmp(host_fail_jmp, 1);								\
} while (0)
#define CHECK(cond) do { if (!(cond)) FAIL("%s", #cond); } while (0)
#define CHECK_EQ(a, b) do { long long __a = (long long)(a), __b = (long long)(b);		\
	if (__a != __b) FAIL("%s is %lld, not %s = %lld", #a, __a, #b, __b); } while (0)
#define CHECK_PANICS(statement) do {								\
	host_panic_expected = true;								\
	if (setjmp(host_panic_jmp) == 0) {							\
		statement;									\
		host_panic_expected = false;							\
		FAIL("%s did not panic", #statement);						\
	}											\
	host_panic_expected = false;								\
	__preempt_count = 0;									\
	host_locks_held = 0;									\
} while (0)

/* The same numbers in every run. */
HOST_WEAK u64 host_seed = 88172645463325252ULL;
static inline u64 host_random(void)
{
	host_seed ^= host_seed << 13;
	host_seed ^= host_seed >> 7;
	host_seed ^= host_seed << 17;
	return host_seed;
}

int main(void)
{
	volatile int number = 0, failed = 0;

	for (struct host_case *volatile c = host_first; c; c = c->next) {
		number++;
		if (setjmp(host_fail_jmp) == 0) {
			c->run();
			if (__preempt_count || host_locks_held)
				FAIL("preempt count %d, %d locks held at the end", __preempt_count,
				     host_locks_held);
			printf("ok %d - %s\n", number, c->name);
		} else {
			__preempt_count = 0;
			host_locks_held = 0;
			failed++;
			printf("not ok %d - %s\n", number, c->name);
		}
	}
	printf("1..%d\n", number);
	return failed != 0;
}

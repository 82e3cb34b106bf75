/*
 * kernel/bug.h - for what only a bug in this kernel can break.
 *
 * Linux:   include/asm-generic/bug.h, include/linux/panic.h (6.1)
 * Same:    WARN_ON, WARN_ON_ONCE, panic.
 * Differs: 1. ASSERT() says what was claimed; Linux asserts the opposite, with BUG_ON.
 * Locks:   none; a panic takes no lock.
 * Walk:    kernel/debug/panic.c prints the back-trace, the trace records and the locks held.
 */
#pragma once
#include "kernel/types.h"

/*
 * panic - say why, show how we got here, and stop the machine with a failing exit code.
 * Context: any.
 */
__noreturn __cold void panic(const char *fmt, ...) __printf(1, 2);
/* What machine_exit() tells the host after a panic. */
enum { PANIC_EXIT_CODE = 101 };
__noreturn __cold void assert_failed(const char *expr, const char *file, int line);
/* warn_failed - print "WARN" with a back-trace and count it: a test run with a WARN fails. Context: any. */
__cold void warn_failed(const char *expr, const char *file, int line);

#define ASSERT(e) do { if (unlikely(!(e))) assert_failed(#e, __FILE__, __LINE__); } while (0)
#define BUG() assert_failed("unreachable", __FILE__, __LINE__)
#define WARN_ON(e) ({ bool __w = !!(e); if (unlikely(__w)) warn_failed(#e, __FILE__, __LINE__); unlikely(__w); })
#define WARN_ON_ONCE(e) ({ static bool __done; bool __w = !!(e);				\
	if (unlikely(__w && !__done)) { __done = true; warn_failed(#e, __FILE__, __LINE__); } unlikely(__w); })

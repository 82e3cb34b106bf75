/*
 * kernel/ktest.h - tests that need a running kernel: several CPUs, interrupts, page tables.
 *
 * Linux:   include/kunit/test.h (6.1)
 * Same:    results in KTAP; an expectation that fails does not end the case.
 * Differs: 1. cases stand in one list, kernel/debug/ktest_cases.def. 2. they run at boot, before
 *             init, when "ktest" is on the command line; a failure is a WARN, too.
 * Locks:   none.
 * Walk:    kernel_init() -> ktest_run_all().
 */
#pragma once
#include "kernel/types.h"

#define KTEST_CASE(name) void ktest_##name(void);
#include "kernel/debug/ktest_cases.def"
#undef KTEST_CASE

/* KTEST_EXPECT - note and print it if @e does not hold. ktest_failed: its slow half. */
#define KTEST_EXPECT(e) do { if (unlikely(!(e))) ktest_failed(#e, __FILE__, __LINE__); } while (0)
__cold void ktest_failed(const char *expr, const char *file, int line);

/*
 * ktest_run_all - run every case and print KTAP, if "ktest" was given. Context: task, all CPUs up.
 */
void ktest_run_all(void);

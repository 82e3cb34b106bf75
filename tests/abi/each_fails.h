/* tests/abi/each_fails.h - every allocation of a call fails once: it says ENOMEM or its kin, and leaves nothing. */
#pragma once
#include "tests/abi/tap.h"

static int nth = -1;
static inline void set_nth(int n)
{
	char s[16];

	CHECK_EQ(pwrite(nth, s, snprintf(s, sizeof(s), "%d", n), 0) > 0, 1);
}
static inline int get_nth(void)
{
	char s[16] = "";

	CHECK(pread(nth, s, sizeof(s) - 1, 0) > 0);
	return atoi(s);
}
static inline bool is_shortage(int e)
{
	return e == ENOMEM || e == ENOSPC || e == ENFILE || e == EMFILE || e == ENOBUFS || e == EAGAIN || e == ENOLCK;
}
/*
 * Run @op with the 1st, 2nd, ... allocation failing, until it needs no more. @op: 0, or -1 and
 * errno; it undoes what it did.
 */
static inline void each_fails(const char *what, int (*op)(void))
{
	nth = open("/proc/self/fail-nth", O_RDWR);
	if (nth < 0)
		SKIP("this kernel cannot make allocations fail");
	get_nth();	/* the text's own buffer is there from now on */
	CHECK_EQ(op(), 0);
	for (int n = 1; n < 200; n++) {
		set_nth(n);
		int r = op(), e = errno, left = get_nth();

		set_nth(0);
		if (r != 0 && !is_shortage(e))
			TAP_FAIL("%s: allocation %d: errno %d %s", what, n, e, strerror(e));
		if (r != 0)
			CHECK_EQ(op(), 0);	/* nothing stands in the way of another try */
		if (left > 0)
			return;
	}
	TAP_FAIL("%s: never without allocations", what);
}
#define EACH_FAILS(op) each_fails(#op, op)

/*
 * kernel/wake_reason.h - the words for why a wake-up reached somebody, or did not.
 *
 * Linux:   none; there one infers it
 * Same:    nothing.
 * Differs: 1. recorded by the tracepoints ep_poll_callback and wake_not_told, nowhere else.
 * Locks:   none.
 * Walk:    ep_poll_callback() -> trace() -> trace_format() -> wake_reason_word().
 */
#pragma once

#define WAKE_REASON(name, word, what) WAKE_##name,
enum wake_reason {
#include "kernel/wake_reasons.def"
	WAKE_REASON_NR
};
#undef WAKE_REASON

/* wake_reason_word - as traces print it. Context: any. */
const char *wake_reason_word(enum wake_reason reason);

/*
 * kernel/debug/kallsyms.h - the kernel's symbol table, as tools/kallsyms.py writes it.
 *
 * Linux:   kernel/kallsyms_internal.h (6.1)
 * Same:    addresses as 32-bit offsets, in ascending order.
 * Differs: 1. names are not compressed.
 * Locks:   none: constants.
 * Walk:    kernel/debug/kallsyms.c.
 */
#pragma once
#include "kernel/types.h"

extern const u32 kallsyms_count;
extern const u32 kallsyms_addresses[];
extern const u32 kallsyms_names_offsets[];
extern const char kallsyms_names[];
/* Linker script: code lies between. */
extern char __kernel_start[], __text_end[];

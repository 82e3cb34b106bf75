/*
 * kernel/debug/kallsyms.c - which function an address belongs to.
 *
 * Linux:   kernel/kallsyms.c (6.1)
 * Same:    kallsyms_lookup(): the last symbol at or below the address.
 * Differs: 1. functions only. 2. no iteration for /proc/kallsyms.
 * Locks:   none.
 * Walk:    dump_stack_from(), %pS -> kallsyms_lookup().
 *
 * The contract with tools/kallsyms.py, which reads the output of nm -n on the first link and writes
 * assembly into section .kallsyms for the second:
 *
 *   kallsyms_count           u32: number of symbols (types t, T, w and W), 0 in the first link
 *   kallsyms_addresses       u32 each: address - KERNEL_BASE, ascending; no two alike
 *   kallsyms_names_offsets   u32 each: where the name starts in kallsyms_names
 *   kallsyms_names           the names, each ended by NUL
 */
#include "kernel/arch.h"
#include "kernel/debug/kallsyms.h"
#include "kernel/printk.h"
#include "kernel/string.h"

static const char *symbol_name(u32 i) { return &kallsyms_names[kallsyms_names_offsets[i]]; }

const char *kallsyms_lookup(unsigned long addr, unsigned long *off)
{
	u32 low = 0, high = kallsyms_count;
	u32 want = (u32)(addr - KERNEL_BASE);

	if (addr < (unsigned long)__kernel_start || addr >= (unsigned long)__text_end)
		return NULL;
	/*
	 * Invariant: symbols below low start at or before the address, those from high on after it.
	 */
	while (low < high) {
		u32 mid = low + (high - low) / 2;

		if (kallsyms_addresses[mid] <= want)
			low = mid + 1;
		else
			high = mid;
	}
	if (low == 0)
		return NULL;
	*off = want - kallsyms_addresses[low - 1];
	return symbol_name(low - 1);
}

unsigned long kallsyms_lookup_name(const char *name)
{
	for (u32 i = 0; i < kallsyms_count; i++)
		if (strcmp(symbol_name(i), name) == 0)
			return KERNEL_BASE + kallsyms_addresses[i];
	return 0;
}

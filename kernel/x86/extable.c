/*
 * kernel/x86/extable.c - instructions that are expected to fault, and where they go on when they do.
 *
 * Linux:   kernel/extable.c, arch/x86/mm/extable.c (6.1)
 * Same:    fixup_exception() is asked before a fault in the kernel counts as a bug.
 * Differs: 1. the table is short, so it is searched from end to end, without sorting.
 * Locks:   none: read only.
 * Walk:    do_page_fault(), do_trap() -> fixup_exception().
 */
#include "kernel/arch.h"
#include "kernel/sections.h"

bool fixup_exception(struct pt_regs *regs)
{
	for (const struct ex_entry *e = __ex_table_start; e < __ex_table_end; e++) {
		if (e->fault_ip == regs->rip) {
			regs->rip = e->fixup_ip;
			return true;
		}
	}
	return false;
}

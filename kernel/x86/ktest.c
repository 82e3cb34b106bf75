/*
 * kernel/x86/ktest.c - in-kernel tests of what only shows on the machine: calls to other CPUs, page tables, stacks.
 *
 * Linux:   none; lib/test_*.c and arch/x86/mm/testmmiotrace.c in spirit
 * Same:    nothing.
 * Differs: none.
 * Locks:   none.
 * Walk:    ktest_run_all() -> ktest_*().
 */
#include "kernel/errno.h"
#include "kernel/ktest.h"
#include "kernel/mm.h"
#include "kernel/sections.h"
#include "kernel/string.h"
#include "kernel/workqueue.h"
#include "kernel/x86/x86.h"

enum { MANY_STACKS = 80, ROUNDS = 50 };

static unsigned long seen_cpus;
static void note_cpu(__unused void *arg)
{
	__atomic_fetch_or(&seen_cpus, BIT(smp_processor_id()), __ATOMIC_RELAXED);
}

void ktest_calls_reach_every_cpu_and_are_waited_for(void)
{
	for (int i = 0; i < ROUNDS; i++) {
		seen_cpus = 0;
		smp_call_function_all(note_cpu, NULL);
		KTEST_EXPECT(seen_cpus == BIT(nr_cpus_online) - 1);
	}
}

/* A word of a kernel mapping, as each CPU sees it. */
static volatile u64 *probe;
static u64 seen_value[NR_CPUS];
static void read_probe(__unused void *arg) { seen_value[smp_processor_id()] = *probe; }

static void expect_probe(u64 value)
{
	int cpu;

	smp_call_function_all(read_probe, NULL);
	for_each_online_cpu(cpu)
		KTEST_EXPECT(seen_value[cpu] == value);
}

void ktest_a_kernel_flush_reaches_every_cpu(void)
{
	u64 *first = get_free_page(GFP_KERNEL), *second = get_free_page(GFP_KERNEL);
	u64 va = IOREMAP_START + GIB; /* nothing is mapped there */

	KTEST_EXPECT(first && second);
	if (!first || !second)
		return;
	first[0] = 1;
	second[0] = 2;
	probe = (u64 *)va;
	KTEST_EXPECT(kernel_map_page(va, virt_to_phys(first), PTE_PRESENT | PTE_NX) == 0);
	expect_probe(1);
	KTEST_EXPECT(kernel_map_page(va, virt_to_phys(second), PTE_PRESENT | PTE_NX) == 0);
	flush_tlb_kernel();
	expect_probe(2);
	kernel_unmap_page(va);
	flush_tlb_kernel();
	KTEST_EXPECT(copy_from_kernel_nofault(&seen_value[0], (void *)va) == -EFAULT);
	free_page(first);
	free_page(second);
}

/* The rights of the page at @va in the tables that are loaded. */
static u64 rights(const void *va)
{
	pte_t *table = kernel_pgd;

	for (int shift = 39; shift > PAGE_SHIFT; shift -= 9) {
		pte_t e = table[(u64)va >> shift & 511];

		if (!e || (e & PTE_HUGE))
			return e;
		table = phys_to_virt(e & PTE_ADDR_MASK);
	}
	return table[(u64)va >> PAGE_SHIFT & 511];
}

void ktest_nothing_is_both_writable_and_executable(void)
{
	void *code = (void *)ktest_nothing_is_both_writable_and_executable;

	KTEST_EXPECT(!(rights(code) & (PTE_WRITE | PTE_NX)));
	KTEST_EXPECT(!(rights(phys_to_virt(virt_to_phys(code))) & PTE_WRITE));
	KTEST_EXPECT(rights(phys_to_virt(virt_to_phys(code))) & PTE_NX);
	KTEST_EXPECT(!(rights(__text_end) & PTE_WRITE));
	KTEST_EXPECT(rights(__text_end) & PTE_NX);
	KTEST_EXPECT(rights(&probe) & PTE_NX);
	KTEST_EXPECT(rights(phys_to_virt(boot_info.kernel_end + 4 * MIB)) & PTE_NX);
	KTEST_EXPECT(!(rights(boot_stack_guard) & PTE_PRESENT));
}

void ktest_stacks_have_a_guard_and_go_back(void)
{
	static u8 *stack[MANY_STACKS];
	u64 before, word;

	flush_scheduled_work();
	before = nr_free_pages();
	for (int i = 0; i < MANY_STACKS; i++) {
		stack[i] = alloc_thread_stack();
		KTEST_EXPECT(stack[i]);
		if (!stack[i])
			return;
		memset(stack[i], i, THREAD_SIZE);
		KTEST_EXPECT(copy_from_kernel_nofault(&word, stack[i] - sizeof(word)) == -EFAULT);
	}
	for (int i = 0; i < MANY_STACKS; i++) {
		KTEST_EXPECT(stack[i][0] == i && stack[i][THREAD_SIZE - 1] == i);
		free_thread_stack(stack[i]);
	}
	flush_scheduled_work();
	/* What stays is at hand for the next fork; a few pages are tables of the area. */
	KTEST_EXPECT(nr_free_pages() + 24 * (THREAD_SIZE / PAGE_SIZE) + 8 >= before);
}

void ktest_tables_of_an_address_space_go_back(void)
{
	u64 before = nr_free_pages();

	for (int i = 0; i < ROUNDS; i++) {
		pte_t *pgd = pgd_alloc(), *pte;

		KTEST_EXPECT(pgd);
		if (!pgd)
			return;
		for (u64 va = PAGE_SIZE; va < TASK_SIZE; va = va * 4 + PAGE_SIZE) {
			pte = pte_walk(pgd, va, true);
			KTEST_EXPECT(pte && *pte == 0 && pte == pte_walk(pgd, va, false));
		}
		pgd_free(pgd);
	}
	/* A CPU keeps up to 32 tables (paging.c). */
	KTEST_EXPECT(nr_free_pages() + 32UL * (u64)nr_cpus_online >= before);
}

static u64 last_clock, backward;
static void look_at_clock(__unused void *arg)
{
	u64 now = arch_clock_ns(), seen = __atomic_exchange_n(&last_clock, now, __ATOMIC_SEQ_CST);

	/* CPUs look at the clock at nearly the same time: what counts is a step back by more than that. */
	if (now + 1000000 < seen)
		backward++;
}

void ktest_the_clock_is_the_same_on_all_cpus(void)
{
	last_clock = 0;
	backward = 0;
	for (int i = 0; i < ROUNDS; i++)
		smp_call_function_all(look_at_clock, NULL);
	KTEST_EXPECT(backward == 0);
}

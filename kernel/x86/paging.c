/*
 * kernel/x86/paging.c - page tables: the kernel's own, built at boot, and those of user address spaces.
 *
 * Linux:   arch/x86/mm/init_64.c, pgtable.c, ioremap.c, mm/pgtable-generic.c (6.1)
 * Same:    the kernel half is shared by all address spaces; code cannot be written, data cannot be run, and the
 *          alias of the code in the map of all memory cannot be written either.
 * Differs: 1. the three top entries of the kernel half are made at boot and never change: nothing to synchronise.
 *          2. tables of an address space are on a list, so that freeing them needs no walk; they live as long as it.
 *          3. freed tables are kept, a few per CPU: one whose entries were all taken out is as good as a zeroed one.
 * Locks:   none here: a user table is changed under PAGETABLE by the caller; kernel tables grow by compare and swap.
 * Walk:    x86_start() -> paging_init();  handle_mm_fault() -> pte_walk().
 */
#include "kernel/boot.h"
#include "kernel/bug.h"
#include "kernel/errno.h"
#include "kernel/io.h"
#include "kernel/mm.h"
#include "kernel/sections.h"
#include "kernel/string.h"
#include "kernel/x86/x86.h"

enum { LEVEL_PT, LEVEL_PD, LEVEL_PDPT, LEVEL_PML4 };
enum { ENTRIES = 512, TABLE_CACHE_MAX = 32 };
#define SIZE_2M (2 * MIB)
#define UNCACHED_FLAGS (PTE_PRESENT | PTE_WRITE | PTE_PWT | PTE_PCD | PTE_NX)
#define TABLE_FLAGS (PTE_PRESENT | PTE_WRITE | PTE_ACCESSED | PTE_DIRTY)

/* The kernel's own address space: kernel halves of all others are copies of its top entries. */
pte_t kernel_pgd[ENTRIES] __section(".bss.page") __aligned(4096);
static u64 global_flag;

static unsigned int index_of(u64 va, int level) { return va >> (PAGE_SHIFT + 9 * level) & (ENTRIES - 1); }
static pte_t *table_of(pte_t entry) { return phys_to_virt(entry & PTE_ADDR_MASK); }

/* --- at boot: before there is a page allocator --- */

/* The entry for @va at @level of the kernel's tables, whatever is missing above it made. */
static pte_t *early_entry(u64 va, int level)
{
	pte_t *table = kernel_pgd;

	for (int l = LEVEL_PML4; l > level; l--) {
		pte_t *e = &table[index_of(va, l)];

		if (!*e)
			*e = boot_mem_take(PAGE_SIZE) | TABLE_FLAGS;
		table = table_of(*e);
	}
	return &table[index_of(va, level)];
}

/* Rights of a page of the kernel's image, in the map of all memory too. */
static u64 image_flags(u64 va)
{
	u64 ro = PTE_PRESENT | PTE_ACCESSED | PTE_DIRTY | global_flag;

	if (va < (u64)__text_end)
		return ro;
	if (va < (u64)__rodata_end || (va >= (u64)__data_end && va < (u64)__kallsyms_end))
		return ro | PTE_NX;
	return ro | PTE_NX | PTE_WRITE;
}

static void map_image(void)
{
	for (u64 va = (u64)__kernel_start; va < (u64)__kernel_end; va += PAGE_SIZE)
		if (va != (u64)boot_stack_guard)
			*early_entry(va, LEVEL_PT) = virt_to_phys((void *)va) | image_flags(va);
}

/* 2 MiB of the map of all memory, page by page, since the kernel's code lies there. */
static void map_direct_split(phys_addr_t pa)
{
	for (phys_addr_t end = pa + SIZE_2M; pa < end; pa += PAGE_SIZE) {
		u64 flags = TABLE_FLAGS | PTE_NX | global_flag;

		if (pa >= boot_info.kernel_start && pa < virt_to_phys(__rodata_end))
			flags &= ~(u64)PTE_WRITE;
		*early_entry((u64)phys_to_virt(pa), LEVEL_PT) = pa | flags;
	}
}

static void map_direct_range(phys_addr_t start, phys_addr_t end)
{
	for (phys_addr_t pa = ALIGN_DOWN(start, SIZE_2M); pa < end; pa += SIZE_2M) {
		pte_t *e = early_entry((u64)phys_to_virt(pa), LEVEL_PD);

		if (*e)
			continue;
		if (pa < virt_to_phys(__rodata_end) && pa + SIZE_2M > boot_info.kernel_start)
			map_direct_split(pa);
		else
			*e = pa | TABLE_FLAGS | PTE_HUGE | PTE_NX | global_flag;
	}
}

void paging_init(void)
{
	global_flag = cpu_has.pge ? PTE_GLOBAL : 0;
	map_image();
	map_direct_range(0, LOW_MEMORY_END);
	/* Taking tables from a range moves its end: ask anew each time. */
	for (int i = 0; i < boot_info.nr_mem; i++)
		map_direct_range(boot_info.mem[i].start, boot_info.mem[i].end);
	map_direct_range(boot_info.kernel_start, boot_info.kernel_end);
	if (boot_info.initrd_end)
		map_direct_range(boot_info.initrd_start, boot_info.initrd_end);
	early_entry(VMALLOC_START, LEVEL_PDPT); /* makes the top entry */
	write_cr3(virt_to_phys(kernel_pgd));
	this_cpu_write(loaded_pgd, kernel_pgd);
}

/* --- the kernel's mapped area --- */

/* A missing table is made by whoever comes first; two CPUs may try at once. */
static pte_t *kernel_entry(u64 va, bool alloc)
{
	pte_t *table = kernel_pgd;

	for (int l = LEVEL_PML4; l > LEVEL_PT; l--) {
		pte_t *e = &table[index_of(va, l)], seen = 0;

		if (!READ_ONCE(*e)) {
			void *page = alloc ? get_free_page(GFP_ATOMIC | __GFP_ZERO) : NULL;

			if (!page)
				return NULL;
			if (!__atomic_compare_exchange_n(e, &seen, virt_to_phys(page) | TABLE_FLAGS, false,
							 __ATOMIC_SEQ_CST, __ATOMIC_SEQ_CST))
				free_page(page);
		}
		table = table_of(READ_ONCE(*e));
	}
	return &table[index_of(va, LEVEL_PT)];
}

int kernel_map_page(u64 va, phys_addr_t pa, u64 flags)
{
	pte_t *e = kernel_entry(va, true);

	if (!e)
		return -ENOMEM;
	WRITE_ONCE(*e, pa | flags | PTE_ACCESSED | PTE_DIRTY | global_flag);
	return 0;
}

void kernel_unmap_page(u64 va)
{
	pte_t *e = kernel_entry(va, false);

	if (e)
		WRITE_ONCE(*e, 0);
}

phys_addr_t virt_to_phys_any(const void *va)
{
	u64 a = (u64)va;

	if (a < VMALLOC_START || a >= VMALLOC_END)
		return virt_to_phys(va);
	return (*kernel_entry(a, false) & PTE_ADDR_MASK) | (a & ~PAGE_MASK);
}

void *ioremap(phys_addr_t pa, size_t size)
{
	static u64 next = IOREMAP_START;
	u64 offset = pa & ~PAGE_MASK, len = ALIGN(offset + size, PAGE_SIZE);
	u64 va = __atomic_fetch_add(&next, len + PAGE_SIZE, __ATOMIC_RELAXED);

	for (u64 done = 0; done < len; done += PAGE_SIZE)
		if (kernel_map_page(va + done, pa - offset + done, UNCACHED_FLAGS))
			return NULL;
	return (void *)(va + offset);
}

/* --- user address spaces --- */

/*
 * Empty tables at hand, used only by tasks and in the switch away from a dead address space, so turning preemption
 * off is enough. Linked through their first word.
 */
struct table_cache { pte_t *first; int count; };
static DEFINE_PER_CPU(struct table_cache, table_cache);

static pte_t *alloc_table(void)
{
	struct table_cache *c;
	pte_t *t;

	preempt_disable();
	c = this_cpu_ptr(&table_cache);
	t = c->first;
	if (t) {
		c->first = (pte_t *)*t;
		c->count--;
		*t = 0;
	}
	preempt_enable_no_resched();
	return t ? t : get_free_page(GFP_ATOMIC | __GFP_ZERO);
}

static bool table_is_empty(const pte_t *t)
{
	for (int i = 0; i < ENTRIES; i++)
		if (t[i])
			return false;
	return true;
}

/* Preemption is off. @t is all zeros. */
static void free_table(pte_t *t)
{
	struct table_cache *c = this_cpu_ptr(&table_cache);

	if (CONFIG_DEBUG)
		ASSERT(table_is_empty(t));
	if (c->count >= TABLE_CACHE_MAX) {
		virt_to_page(t)->mapping = NULL;
		free_page(t);
		return;
	}
	*t = (pte_t)c->first;
	c->first = t;
	c->count++;
}

pte_t *pgd_alloc(void)
{
	static const u64 shared[] = { PAGE_OFFSET, VMALLOC_START, KERNEL_BASE };
	pte_t *pgd = alloc_table();

	if (!pgd)
		return NULL;
	for (size_t i = 0; i < ARRAY_SIZE(shared); i++)
		pgd[index_of(shared[i], LEVEL_PML4)] = kernel_pgd[index_of(shared[i], LEVEL_PML4)];
	INIT_LIST_HEAD(&virt_to_page(pgd)->lru);
	return pgd;
}

/*
 * Each table's struct page stands on the list of its pgd and points at the entry that points at it: taking out that
 * entry leaves the table above empty in the end. Leaf tables are empty because their pages were unmapped.
 */
void free_user_tables(pte_t *pgd)
{
	static const u64 shared[] = { PAGE_OFFSET, VMALLOC_START, KERNEL_BASE };
	struct list_head *tables = &virt_to_page(pgd)->lru;
	struct page *page, *next;

	list_for_each_entry(page, tables, lru)
		*(pte_t *)page->mapping = 0;
	list_for_each_entry_safe(page, next, tables, lru)
		free_table(page_address(page));
	for (size_t i = 0; i < ARRAY_SIZE(shared); i++)
		pgd[index_of(shared[i], LEVEL_PML4)] = 0;
	free_table(pgd);
}

static bool add_table(pte_t *pgd, pte_t *entry)
{
	pte_t *t = alloc_table();
	struct page *page;

	if (!t)
		return false;
	page = virt_to_page(t);
	page->mapping = entry;
	list_add(&page->lru, &virt_to_page(pgd)->lru);
	WRITE_ONCE(*entry, virt_to_phys(t) | TABLE_FLAGS | PTE_USER);
	return true;
}

/* The table below @e, made if it is missing and wanted. */
static __always_inline pte_t *table_below(pte_t *pgd, pte_t *e, bool alloc)
{
	if (unlikely(!*e) && (!alloc || !add_table(pgd, e)))
		return NULL;
	return table_of(*e);
}

/* Level by level, not in a loop: every page fault comes through here. */
pte_t *pte_walk(pte_t *pgd, u64 addr, bool alloc)
{
	pte_t *table = table_below(pgd, &pgd[index_of(addr, LEVEL_PML4)], alloc);

	if (unlikely(!table))
		return NULL;
	table = table_below(pgd, &table[index_of(addr, LEVEL_PDPT)], alloc);
	if (unlikely(!table))
		return NULL;
	table = table_below(pgd, &table[index_of(addr, LEVEL_PD)], alloc);
	return likely(table) ? &table[index_of(addr, LEVEL_PT)] : NULL;
}

/*
 * kernel/mm/page_alloc.c - physical memory in blocks of 2^n pages.
 *
 * Linux:   mm/page_alloc.c, mm/memblock.c (6.1)
 * Same:    a buddy allocator; single pages come from and go to a list of the CPU's own; a reserve
 *          that only GFP_ATOMIC may use.
 * Differs: 1. one zone: no device here needs low addresses. 2. mem_map covers holes too, with
 *             zeros.
 *          3. memory is reclaimed by asking caches (register_shrinker()): there is no page
 *             replacement, and what a program or a file in memory holds stays until it is given
 *             back.
 * Locks:   PAGEALLOC for the buddy lists; the CPU's own list needs interrupts off.
 * Walk:    slabs, page faults, page tables -> alloc_pages().
 *
 * A block of order n starts at a multiple of 2^n pages. Its buddy is the block whose number differs
 * in that bit only; when both are free they become one block of order n + 1. PG_BUDDY marks the
 * first page of a free block.
 */
#include "kernel/mm/internal.h"
#include "kernel/percpu.h"
#include "kernel/printk.h"
#include "kernel/spinlock.h"
#include "kernel/string.h"

enum { PCP_BATCH = 32, PCP_MIN_HIGH = 48, PCP_MAX = 512, MAX_RESERVED = 16, MAX_SHRINKERS = 4, PAGE_POISON = 0xaa };

struct page *mem_map;
u64 max_pfn;

/* Free single pages of a CPU; interrupts off, own CPU. */
struct per_cpu_pages { unsigned int count; struct page *page[PCP_MAX]; };
static DEFINE_PER_CPU(struct per_cpu_pages, pcp);

static DEFINE_SPINLOCK(zone_lock, LC_PAGEALLOC);
/* zone_lock */
static struct list_head free_area[MAX_ORDER + 1];
static u64 nr_buddy_pages;
/* written at boot */
static u64 managed_pages, min_free_pages;
static unsigned int pcp_high;	/* how many single pages a CPU keeps */
static void (*shrinkers[MAX_SHRINKERS])(void);

/* --- buddies. All of these: zone_lock held --- */

static void add_free_block(struct page *page, unsigned int order)
{
	page->order = (u8)order;
	page->flags |= PG_BUDDY;
	list_add(&page->lru, &free_area[order]);
}

static void del_free_block(struct page *page)
{
	list_del(&page->lru);
	page->flags &= (u8)~PG_BUDDY;
	page->order = 0;
}

static void free_block(struct page *page, unsigned int order)
{
	u64 pfn = page_to_pfn(page);

	nr_buddy_pages += 1UL << order;
	for (; order < MAX_ORDER; order++) {
		u64 buddy_pfn = pfn ^ 1UL << order;
		struct page *buddy = pfn_to_page(buddy_pfn);

		if (buddy_pfn >= max_pfn || !(buddy->flags & PG_BUDDY) || buddy->order != order)
			break;
		del_free_block(buddy);
		pfn &= buddy_pfn;
	}
	add_free_block(pfn_to_page(pfn), order);
}

/*
 * A block of @order, split off the smallest free one that holds it; NULL if that would eat into
 * @reserve.
 */
static struct page *take_block(unsigned int order, u64 reserve)
{
	struct page *page;
	unsigned int o = order;

	if (nr_buddy_pages < reserve + (1UL << order))
		return NULL;
	while (o <= MAX_ORDER && list_empty(&free_area[o]))
		o++;
	if (o > MAX_ORDER)
		return NULL;
	page = list_first_entry(&free_area[o], struct page, lru);
	del_free_block(page);
	while (o-- > order)
		add_free_block(page + (1UL << o), o);
	nr_buddy_pages -= 1UL << order;
	return page;
}

/* --- test builds: what is free is marked and filled, and checked when it is given out --- */

static void mark_free(struct page *page, unsigned int order)
{
	for (u64 i = 0; i < 1UL << order; i++) {
		ASSERT(!(page[i].flags & (PG_FREE | PG_BUDDY | PG_SLAB | PG_LARGE)));
		page[i].flags |= PG_FREE | PG_POISONED;
		memset(page_address(&page[i]), PAGE_POISON, PAGE_SIZE);
	}
}

static void check_poison(const struct page *page)
{
	const u64 *word = page_address(page);

	for (size_t i = 0; i < PAGE_SIZE / sizeof(*word); i++)
		if (word[i] != 0x0101010101010101UL * PAGE_POISON)
			panic("page %p (frame %lx) was written to at offset %lx after it had been "
			      "freed: %lx",
			      (void *)page, page_to_pfn(page), i * sizeof(*word), word[i]);
}

static void mark_used(struct page *page, unsigned int order)
{
	for (u64 i = 0; i < 1UL << order; i++) {
		ASSERT(page[i].flags & PG_FREE);
		if (page[i].flags & PG_POISONED)
			check_poison(&page[i]);
		page[i].flags &= (u8)~(PG_FREE | PG_POISONED);
	}
}

/* --- allocation --- */

/* zone_lock held. Whole blocks that are split already, the smallest first, of at most @max pages. */
static unsigned int small_block_order(unsigned int max)
{
	unsigned int order = 0;

	while (2U << order <= max && list_empty(&free_area[order]))
		order++;
	return order;
}

/* Interrupts off. Pages that one CPU frees and another uses go through here, a batch at a time. */
static noinline void pcp_refill(struct per_cpu_pages *c, u64 reserve)
{
	spin_lock(&zone_lock);
	while (c->count < PCP_BATCH) {
		unsigned int order = small_block_order(PCP_BATCH - c->count);
		struct page *page = take_block(order, reserve);

		if (!page)
			break;
		for (u64 i = 0; i < 1UL << order; i++)
			c->page[c->count++] = page + i;
	}
	__spin_unlock_no_resched(&zone_lock);
}

/* Interrupts off. The oldest go: the youngest are in the cache. */
static noinline void pcp_flush(struct per_cpu_pages *c, unsigned int n)
{
	spin_lock(&zone_lock);
	for (unsigned int i = 0; i < n; i++)
		free_block(c->page[i], 0);
	__spin_unlock_no_resched(&zone_lock);
	c->count -= n;
	for (unsigned int i = 0; i < c->count; i++)
		c->page[i] = c->page[i + n];
}

static struct page *alloc_single(u64 reserve)
{
	struct per_cpu_pages *c;
	struct page *page = NULL;
	unsigned long flags;

	local_irq_save(flags);
	c = this_cpu_ptr(&pcp);
	if (unlikely(!c->count))
		pcp_refill(c, reserve);
	if (likely(c->count))
		page = c->page[--c->count];
	local_irq_restore(flags);
	return page;
}

static struct page *alloc_block(unsigned int order, u64 reserve)
{
	struct page *page;
	unsigned long flags;

	spin_lock_irqsave(&zone_lock, flags);
	page = take_block(order, reserve);
	spin_unlock_irqrestore(&zone_lock, flags);
	return page;
}

static struct page *try_alloc(unsigned int order, u64 reserve)
{
	if (likely(order == 0))
		return alloc_single(reserve);
	return order <= MAX_ORDER ? alloc_block(order, reserve) : NULL;
}

static void drain_this_cpu(__unused void *arg)
{
	struct per_cpu_pages *c = this_cpu_ptr(&pcp);

	pcp_flush(c, c->count);
}

void drain_all_pages(void) { smp_call_function_all(drain_this_cpu, NULL); }

void register_shrinker(void (*fn)(void))
{
	for (int i = 0; i < MAX_SHRINKERS; i++) {
		if (!shrinkers[i]) {
			shrinkers[i] = fn;
			return;
		}
	}
	panic("more than %d shrinkers", MAX_SHRINKERS);
}

void drop_caches(void)
{
	for (int i = 0; i < MAX_SHRINKERS && shrinkers[i]; i++)
		shrinkers[i]();
	slab_shrink_all();
	drain_all_pages();
}

/* Memory is short: what caches can do without, and what lies unused on some CPU. */
static noinline struct page *alloc_slow(gfp_t gfp, unsigned int order)
{
	if (gfp & GFP_ATOMIC || irqs_disabled() || in_atomic() || order > MAX_ORDER)
		return NULL;
	drop_caches();
	return try_alloc(order, min_free_pages);
}

struct page *alloc_pages(gfp_t gfp, unsigned int order)
{
	struct page *page;

	might_alloc(gfp);
	if (CONFIG_DEBUG && !(gfp & __GFP_NOFAIL_TEST) && should_fail_alloc())
		return NULL;
	page = try_alloc(order, gfp & GFP_ATOMIC ? 0 : min_free_pages);
	if (unlikely(!page))
		page = alloc_slow(gfp, order);
	if (unlikely(!page))
		return NULL;
	if (CONFIG_DEBUG)
		mark_used(page, order);
	refcount_set(&page->refs, 1);
	page->order = (u8)order;
	if (gfp & __GFP_ZERO)
		for (u64 i = 0; i < 1UL << order; i++)
			clear_page((u8 *)page_address(page) + i * PAGE_SIZE);
	return page;
}

void *get_free_page(gfp_t gfp)
{
	struct page *page = alloc_pages(gfp, 0);

	return page ? page_address(page) : NULL;
}

static void free_single(struct page *page)
{
	struct per_cpu_pages *c;
	unsigned long flags;

	local_irq_save(flags);
	c = this_cpu_ptr(&pcp);
	if (unlikely(c->count == pcp_high))
		pcp_flush(c, pcp_high / 2);
	c->page[c->count++] = page;
	local_irq_restore(flags);
}

void free_pages(struct page *page, unsigned int order)
{
	unsigned long flags;

	if (CONFIG_DEBUG)
		mark_free(page, order);
	refcount_set(&page->refs, 0);
	if (likely(order == 0)) {
		free_single(page);
		return;
	}
	spin_lock_irqsave(&zone_lock, flags);
	free_block(page, order);
	spin_unlock_irqrestore(&zone_lock, flags);
}

/* Turning interrupts off and on for each page would cost as much as freeing it. */
void free_page_chain(struct page *page)
{
	enum { AT_A_TIME = 64 };

	while (page) {
		struct per_cpu_pages *c;
		unsigned long flags;

		local_irq_save(flags);
		c = this_cpu_ptr(&pcp);
		for (int i = 0; page && i < AT_A_TIME; i++) {
			struct page *next = (struct page *)page->private;

			if (CONFIG_DEBUG)
				mark_free(page, 0);
			refcount_set(&page->refs, 0);
			if (unlikely(c->count == pcp_high))
				pcp_flush(c, pcp_high / 2);
			c->page[c->count++] = page;
			page = next;
		}
		local_irq_restore(flags);
	}
}

void free_page(void *va)
{
	if (va)
		free_pages(virt_to_page(va), 0);
}

void put_page(struct page *page)
{
	if (refcount_dec_and_test(&page->refs))
		free_pages(page, page->order);
}

u64 nr_free_pages(void)
{
	u64 n = READ_ONCE(nr_buddy_pages);
	int cpu;

	for_each_possible_cpu(cpu)
		n += READ_ONCE(per_cpu(pcp, cpu).count);
	return n;
}

u64 totalram_pages(void) { return managed_pages; }

/* --- boot --- */

/* What is inside boot_info.mem but not to be given out. */
static struct boot_mem_range reserved[MAX_RESERVED];
static int nr_reserved;

static void reserve_range(phys_addr_t start, phys_addr_t end)
{
	if (start >= end)
		return;
	if (nr_reserved == MAX_RESERVED)
		panic("more than %d reserved ranges of memory", MAX_RESERVED);
	reserved[nr_reserved++] =
		(struct boot_mem_range){ ALIGN_DOWN(start, PAGE_SIZE), ALIGN(end, PAGE_SIZE) };
}

static void reserve_boot_ranges(void)
{
	if (nr_reserved)
		return;
	reserve_range(boot_info.kernel_start, boot_info.kernel_end);
	reserve_range(boot_info.initrd_start, boot_info.initrd_end);
}

/*
 * The reserved range that overlaps [@start, @end), the lowest if there are several; NULL if none.
 */
static const struct boot_mem_range *first_reserved(phys_addr_t start, phys_addr_t end)
{
	const struct boot_mem_range *found = NULL;

	for (int i = 0; i < nr_reserved; i++) {
		const struct boot_mem_range *r = &reserved[i];

		if (r->start < end && r->end > start && (!found || r->start < found->start))
			found = r;
	}
	return found;
}

/* The highest place for @size bytes in @mem; 0 if there is none. */
static phys_addr_t find_room(const struct boot_mem_range *mem, size_t size, size_t align)
{
	phys_addr_t end = mem->end;

	while (end >= size) {
		phys_addr_t at = ALIGN_DOWN(end - size, align);
		const struct boot_mem_range *r;

		if (at < mem->start || at > end)
			return 0;
		r = first_reserved(at, end);
		if (!r)
			return at;
		end = r->start;
	}
	return 0;
}

void *memblock_alloc(size_t size, size_t align)
{
	reserve_boot_ranges();
	for (int i = boot_info.nr_mem - 1; i >= 0; i--) {
		phys_addr_t at = find_room(&boot_info.mem[i], size, max(align, PAGE_SIZE));

		if (!at)
			continue;
		reserve_range(at, at + size);
		return memset(phys_to_virt(at), 0, size);
	}
	panic("no %lu bytes of memory for the kernel's tables", size);
}

/* [@start, @end) pages are free from now on, in the largest blocks that fit. */
static void free_boot_range(u64 start, u64 end)
{
	managed_pages += end - start;
	while (start < end) {
		unsigned int order =
			start ? min((unsigned int)__builtin_ctzl(start), (unsigned int)MAX_ORDER) :
				MAX_ORDER;

		while (start + (1UL << order) > end)
			order--;
		if (CONFIG_DEBUG)
			for (u64 pfn = start; pfn < start + (1UL << order); pfn++)
				pfn_to_page(pfn)->flags |= PG_FREE;
		free_block(pfn_to_page(start), order);
		start += 1UL << order;
	}
}

static void free_unreserved(phys_addr_t start, phys_addr_t end)
{
	while (start < end) {
		const struct boot_mem_range *r = first_reserved(start, end);
		phys_addr_t stop = r ? r->start : end;

		if (start < stop)
			free_boot_range(start >> PAGE_SHIFT, stop >> PAGE_SHIFT);
		start = r ? r->end : end;
	}
}

void mem_init(void)
{
	for (int i = 0; i <= MAX_ORDER; i++)
		INIT_LIST_HEAD(&free_area[i]);
	for (int i = 0; i < boot_info.nr_mem; i++)
		max_pfn = max(max_pfn, boot_info.mem[i].end >> PAGE_SHIFT);
	mem_map = memblock_alloc(max_pfn * sizeof(struct page), PAGE_SIZE);
	for (int i = 0; i < boot_info.nr_mem; i++)
		free_unreserved(boot_info.mem[i].start, boot_info.mem[i].end);
	for (int i = 0; i < nr_reserved; i++)
		for (u64 pfn = reserved[i].start >> PAGE_SHIFT;
		     pfn < min(reserved[i].end >> PAGE_SHIFT, max_pfn); pfn++)
			pfn_to_page(pfn)->flags |= PG_RESERVED;
	pcp_high = (unsigned int)clamp(managed_pages / 128, (u64)PCP_MIN_HIGH, (u64)PCP_MAX);
	min_free_pages = clamp(managed_pages / 128, (u64)32, (u64)1024);
	pr_info("memory: %lu KiB free, %lu KiB kernel and tables\n",
		managed_pages * (PAGE_SIZE / KIB),
		(boot_info.kernel_end - boot_info.kernel_start + max_pfn * sizeof(struct page)) /
			KIB);
}

void free_initrd_mem(void)
{
	u64 start = boot_info.initrd_start >> PAGE_SHIFT,
	    end = ALIGN(boot_info.initrd_end, PAGE_SIZE) >> PAGE_SHIFT;

	if (boot_info.initrd_start == boot_info.initrd_end)
		return;
	for (u64 pfn = start; pfn < end; pfn++)
		pfn_to_page(pfn)->flags = 0;
	spin_lock_irq(&zone_lock);
	free_boot_range(start, end);
	spin_unlock_irq(&zone_lock);
	boot_info.initrd_start = 0;
	boot_info.initrd_end = 0;
}

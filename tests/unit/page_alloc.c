/*
 * tests/unit/page_alloc.c - the page allocator on a machine of 64 MiB with holes, a kernel and an
 * initrd.
 */
#include "tests/unit/host.h"

void *memcpy(void *dst, const void *src, size_t n);
void *memset(void *dst, int c, size_t n);
#include "kernel/mm/page_alloc.c"

enum { PROT_RW = 3, MAP_PRIV_ANON_FIXED_NORESERVE = 0x4032 };
#define RAM_END (64 * MIB)
#define HOLE_START (20 * MIB)
#define HOLE_END (32 * MIB)

struct boot_info boot_info;
void clear_page(void *page) { memset(page, 0, PAGE_SIZE); }
void slab_shrink_all(void) { }
static bool fail_next;
bool should_fail_alloc(void) { return fail_next; }

static void boot(void)
{
	static bool done;

	if (done)
		return;
	done = true;
	host_quiet = true;
	CHECK(mmap((void *)PAGE_OFFSET, RAM_END, PROT_RW, MAP_PRIV_ANON_FIXED_NORESERVE, -1, 0) ==
	      (void *)PAGE_OFFSET);
	boot_info.mem[0] = (struct boot_mem_range){ 0x9000, 0x9f000 };
	boot_info.mem[1] = (struct boot_mem_range){ MIB, HOLE_START };
	boot_info.mem[2] = (struct boot_mem_range){ HOLE_END, RAM_END };
	boot_info.nr_mem = 3;
	boot_info.kernel_start = MIB;
	boot_info.kernel_end = 3 * MIB + 123;
	boot_info.initrd_start = RAM_END - 5 * MIB;
	boot_info.initrd_end = RAM_END - 2 * MIB - 100;
	mem_init();
}

static bool may_be_used(u64 pa)
{
	bool in_ram = (pa >= 0x9000 && pa < 0x9f000) || (pa >= MIB && pa < HOLE_START) ||
		      (pa >= HOLE_END && pa < RAM_END);
	bool in_kernel = pa >= MIB && pa < 3 * MIB + PAGE_SIZE;
	bool in_initrd = pa >= RAM_END - 5 * MIB && pa < RAM_END - 2 * MIB;
	u64 map = virt_to_phys(mem_map);

	return in_ram && !in_kernel && !in_initrd &&
	       !(pa >= map && pa < map + ALIGN(max_pfn * sizeof(struct page), PAGE_SIZE));
}

TEST(every_free_page_lies_where_memory_is_and_nothing_else)
{
	u64 expected = 0, got = 0;
	LIST_HEAD(all);
	struct page *page, *next;

	boot();
	for (u64 pa = 0; pa < RAM_END; pa += PAGE_SIZE)
		expected += may_be_used(pa);
	CHECK_EQ(nr_free_pages(), expected);
	CHECK_EQ(totalram_pages(), expected);
	while ((page = alloc_pages(GFP_ATOMIC, 0))) {
		CHECK(may_be_used(page_to_phys(page)));
		CHECK_EQ(refcount_read(&page->refs), 1);
		list_add(&page->lru, &all);
		got++;
	}
	CHECK_EQ(got, expected);
	CHECK_EQ(nr_free_pages(), 0);
	list_for_each_entry_safe(page, next, &all, lru)
		put_page(page);
	CHECK_EQ(nr_free_pages(), expected);
}

TEST(blocks_are_aligned_and_merge_again)
{
	u64 before;
	struct page *blocks[MAX_ORDER + 1];

	boot();
	drain_all_pages();
	before = nr_free_pages();
	for (unsigned int order = 0; order <= MAX_ORDER; order++) {
		blocks[order] = alloc_pages(GFP_KERNEL, order);
		CHECK(blocks[order]);
		CHECK_EQ(page_to_pfn(blocks[order]) & (BIT(order) - 1), 0);
		CHECK_EQ(blocks[order]->order, order);
	}
	CHECK(!alloc_pages(GFP_KERNEL, MAX_ORDER + 1));
	for (unsigned int order = 0; order <= MAX_ORDER; order++)
		free_pages(blocks[order], order);
	drain_all_pages();
	CHECK_EQ(nr_free_pages(), before);
	/* 8 MiB at 32 MiB and above are free in one piece again: two largest blocks there. */
	CHECK(mem_map[HOLE_END >> PAGE_SHIFT].flags & PG_BUDDY);
	CHECK_EQ(mem_map[HOLE_END >> PAGE_SHIFT].order, MAX_ORDER);
}

TEST(random_blocks_never_overlap)
{
	static struct { struct page *page; unsigned int order; } held[200];
	static u8 owner[RAM_END / 4096];
	u64 before;

	boot();
	before = nr_free_pages();
	for (int step = 0; step < 3000; step++) {
		int i = (int)(host_random() % ARRAY_SIZE(held));

		if (held[i].page) {
			for (u64 p = 0; p < BIT(held[i].order); p++)
				owner[page_to_pfn(held[i].page) + p] = 0;
			free_pages(held[i].page, held[i].order);
			held[i].page = NULL;
			continue;
		}
		held[i].order = (unsigned int)(host_random() % 5);
		held[i].page = alloc_pages(GFP_KERNEL, held[i].order);
		for (u64 p = 0; held[i].page && p < BIT(held[i].order); p++) {
			CHECK_EQ(owner[page_to_pfn(held[i].page) + p], 0);
			owner[page_to_pfn(held[i].page) + p] = 1;
		}
	}
	for (size_t i = 0; i < ARRAY_SIZE(held); i++)
		if (held[i].page)
			free_pages(held[i].page, held[i].order);
	CHECK_EQ(nr_free_pages(), before);
}

TEST(kernel_allocations_leave_a_reserve_for_atomic_ones)
{
	struct page *page, *next;
	LIST_HEAD(all);

	boot();
	while ((page = alloc_page(GFP_KERNEL)))
		list_add(&page->lru, &all);
	CHECK(nr_free_pages() >= min_free_pages - PCP_BATCH && nr_free_pages() > 0);
	page = alloc_page(GFP_ATOMIC);
	CHECK(page);
	list_add(&page->lru, &all);
	list_for_each_entry_safe(page, next, &all, lru)
		put_page(page);
}

TEST(zeroed_pages_are_zero_and_references_count)
{
	u8 *p;
	struct page *page;
	u64 before;

	boot();
	before = nr_free_pages();
	p = get_free_page(GFP_KERNEL);
	for (int i = 0; i < 4096; i++)
		p[i] = 0xff;
	free_page(p);
	p = get_free_page(GFP_KERNEL | __GFP_ZERO);
	for (int i = 0; i < 4096; i++)
		CHECK_EQ(p[i], 0);
	page = virt_to_page(p);
	get_page(page);
	put_page(page);
	CHECK_EQ(nr_free_pages(), before - 1);
	put_page(page);
	CHECK_EQ(nr_free_pages(), before);
	free_page(NULL);
}

TEST(a_page_freed_twice_or_written_after_is_noticed)
{
	struct page *page;
	u8 *p;

	boot();
	page = alloc_page(GFP_KERNEL);
	p = page_address(page);
	free_pages(page, 0);
	CHECK_PANICS(free_pages(page, 0));
	p[100] = 1;
	CHECK_PANICS((void)!alloc_page(GFP_KERNEL));
	p[100] = PAGE_POISON; /* the page is out of the lists now; nothing else uses it */
}

TEST(an_allocation_can_be_made_to_fail)
{
	struct page *page;

	boot();
	fail_next = true;
	CHECK(!alloc_page(GFP_KERNEL));
	page = alloc_page(GFP_KERNEL | __GFP_NOFAIL_TEST);
	fail_next = false;
	CHECK(page);
	put_page(page);
}

TEST(the_initrd_s_memory_is_given_back)
{
	u64 before;

	boot();
	before = totalram_pages();
	free_initrd_mem();
	CHECK_EQ(totalram_pages() - before, 3 * MIB / PAGE_SIZE);
	free_initrd_mem();
	CHECK_EQ(totalram_pages() - before, 3 * MIB / PAGE_SIZE);
}

static int shrunk;
static void shrink(void) { shrunk++; }

TEST(short_memory_asks_the_caches)
{
	struct page *page, *next;
	LIST_HEAD(all);

	boot();
	register_shrinker(shrink);
	while ((page = alloc_page(GFP_KERNEL)))
		list_add(&page->lru, &all);
	CHECK(shrunk > 0);
	list_for_each_entry_safe(page, next, &all, lru)
		put_page(page);
}

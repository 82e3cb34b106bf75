/*
 * tests/unit/slab.c - object caches over the real page allocator: counts, alignment, poison, giving
 * back.
 */
#include "tests/unit/host.h"

void *memcpy(void *dst, const void *src, size_t n);
void *memset(void *dst, int c, size_t n);
int memcmp(const void *a, const void *b, size_t n);
size_t strlen(const char *s);
int strcmp(const char *a, const char *b);
#include "kernel/mm/page_alloc.c"
#include "kernel/mm/slab.c"

enum { PROT_RW = 3, MAP_PRIV_ANON_FIXED_NORESERVE = 0x4032 };
#define RAM_END (32 * MIB)

struct boot_info boot_info;
void clear_page(void *page) { memset(page, 0, PAGE_SIZE); }

static struct task_struct self;
static u64 pages_at_start;

static void boot(void)
{
	if (!pages_at_start) {
		host_quiet = true;
		CHECK(mmap((void *)PAGE_OFFSET, RAM_END, PROT_RW, MAP_PRIV_ANON_FIXED_NORESERVE, -1,
			   0) == (void *)PAGE_OFFSET);
		boot_info.mem[0] = (struct boot_mem_range){ MIB, RAM_END };
		boot_info.nr_mem = 1;
		current_task = &self;
		mem_init();
		slab_init();
	}
	slab_shrink_all();
	pages_at_start = nr_free_pages();
}

static void check_all_given_back(void)
{
	slab_shrink_all();
	CHECK_EQ(nr_free_pages(), pages_at_start);
}

TEST(objects_of_every_size_are_apart_aligned_and_counted)
{
	static void *p[2000];

	boot();
	for (size_t size = 0; size <= 20000; size += 1 + size / 7) {
		for (int i = 0; i < 40; i++) {
			u64 align = size >= 32 && !(size & (size - 1)) ? min(size, PAGE_SIZE) : 16;

			p[i] = __kmalloc(size, GFP_KERNEL);
			CHECK(p[i]);
			CHECK_EQ((u64)p[i] & (align - 1), 0);
			CHECK(ksize(p[i]) >= size);
			memset(p[i], i, size);
		}
		for (int i = 0; i < 40; i++) {
			for (size_t b = 0; b < size; b++)
				if (((u8 *)p[i])[b] != (u8)i)
					FAIL("object %d of %zu bytes shares byte %zu", i, size, b);
			kfree(p[i]);
		}
	}
	check_all_given_back();
}

TEST(a_constant_size_finds_the_same_class)
{
	void *a, *b;

	boot();
	a = kmalloc(100, GFP_KERNEL);
	b = __kmalloc(100, GFP_KERNEL);
	CHECK_EQ(ksize(a), 128);
	CHECK_EQ(ksize(b), 128);
	CHECK_EQ(kmalloc_index(8192), KMALLOC_8192);
	CHECK_EQ(kmalloc_index(1), KMALLOC_16);
	for (size_t size = 1; size <= 8192; size++)
		CHECK(kmalloc_cache(size) == kmalloc_caches[kmalloc_index(size)]);
	kfree(a);
	kfree(b);
	kfree(NULL);
	check_all_given_back();
}

static long seen_live, seen_total;
static const char *wanted;
static void look(__unused void *arg, const char *name, long live, long total, __unused size_t size,
		 __unused long pages)
{
	if (strcmp(name, wanted) == 0) {
		seen_live = live;
		seen_total = total;
	}
}

static long live_of(const char *name)
{
	wanted = name;
	seen_live = -1;
	slab_for_each(look, NULL);
	return seen_live;
}

TEST(a_cache_counts_its_live_objects_exactly)
{
	static void *p[3000];
	struct kmem_cache *s;

	boot();
	s = kmem_cache_create("counted", 72, 0);
	CHECK_EQ(live_of("counted"), 0);
	for (int i = 0; i < 3000; i++)
		p[i] = kmem_cache_alloc(s, GFP_KERNEL);
	CHECK_EQ(live_of("counted"), 3000);
	CHECK(seen_total >= 3000);
	for (int i = 0; i < 3000; i += 2)
		kmem_cache_free(s, p[i]);
	CHECK_EQ(live_of("counted"), 1500);
	for (int i = 1; i < 3000; i += 2)
		kmem_cache_free(s, p[i]);
	CHECK_EQ(live_of("counted"), 0);
	slab_shrink_all();
	live_of("counted");
	CHECK_EQ(seen_total, 0);
	void *large = kmalloc(100000, GFP_KERNEL);

	CHECK_EQ(live_of("kmalloc-large"), 1);
	kfree(large);
	CHECK_EQ(live_of("kmalloc-large"), 0);
}

TEST(random_use_of_several_caches_leaves_nothing)
{
	static struct { void *p; size_t size; u8 fill; } held[1500];

	boot();
	for (int step = 0; step < 60000; step++) {
		size_t i = host_random() % ARRAY_SIZE(held);

		if (held[i].p) {
			CHECK(held[i].size == 0 ||
			      ((u8 *)held[i].p)[held[i].size - 1] == held[i].fill);
			kfree(held[i].p);
			held[i].p = NULL;
			continue;
		}
		held[i].size = host_random() % (host_random() % 8 ? 300 : 5000);
		held[i].fill = (u8)host_random();
		held[i].p = __kmalloc(held[i].size, GFP_ATOMIC);
		CHECK(held[i].p);
		memset(held[i].p, held[i].fill, held[i].size);
	}
	for (size_t i = 0; i < ARRAY_SIZE(held); i++)
		kfree(held[i].p);
	check_all_given_back();
}

TEST(zeroed_objects_are_zero)
{
	u8 *p;

	boot();
	for (int round = 0; round < 3; round++) {
		p = kzalloc(777, GFP_KERNEL);
		for (int i = 0; i < 777; i++)
			CHECK_EQ(p[i], 0);
		memset(p, 0xff, 777);
		kfree(p);
	}
	CHECK(!kcalloc(U64_MAX / 4, 8, GFP_KERNEL));
	CHECK(!kmalloc(KMALLOC_MAX_SIZE + 1, GFP_KERNEL));
	char *s = kstrdup("castor", GFP_KERNEL);

	CHECK_EQ(strcmp(s, "castor"), 0);
	kfree(s);
	check_all_given_back();
}

TEST(misuse_of_an_object_is_noticed)
{
	u8 *p;

	boot();
	p = kmalloc(64, GFP_KERNEL);
	kfree(p);
	CHECK_PANICS(kfree(p));

	p = kmalloc(64, GFP_KERNEL);
	p[64] = 0;
	for (int i = 0; i < 16; i++)
		p[64 + i] = 0;
	CHECK_PANICS(kfree(p));

	p = kmalloc(256, GFP_KERNEL);
	CHECK_PANICS(kfree(p + 16));
	kfree(p);
	p[9] = 1;
	CHECK_PANICS((void)!kmalloc(256, GFP_KERNEL));

	CHECK_PANICS(kfree(page_address(alloc_page(GFP_KERNEL))));
}

TEST(the_nth_allocation_fails_once)
{
	void *p[4];

	boot();
	fail_nth_set(3);
	for (int i = 0; i < 4; i++)
		p[i] = kmalloc(32, GFP_KERNEL);
	CHECK(p[0] && p[1] && !p[2] && p[3]);
	for (int i = 0; i < 4; i++)
		kfree(p[i]);
}

TEST(no_memory_is_an_answer)
{
	static void *p[2 * RAM_END / 8192];
	size_t n = 0;

	boot();
	while (n < ARRAY_SIZE(p) && (p[n] = kmalloc(4096, GFP_KERNEL)))
		n++;
	CHECK(n < ARRAY_SIZE(p));
	while (n)
		kfree(p[--n]);
	check_all_given_back();
}

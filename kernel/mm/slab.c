/*
 * kernel/mm/slab.c - objects of one size, cut from pages, with a free list for each CPU.
 *
 * Linux:   mm/slub.c, mm/slab_common.c, mm/failslab.c (6.1)
 * Same:    an allocation takes the first object of the CPU's list; a CPU that has none takes over
 *          all free objects of one slab; kmalloc() rounds up to one of a few sizes.
 * Differs: 1. a freed object always goes to the list of the CPU that frees it; when that is too
 *             long, some go back to the slabs they were cut from. 2. interrupts are turned off
 *             instead of a compare-and-exchange of two words. 3. each cache counts its live objects
 *             exactly, in every build.
 * Locks:   SLAB, then PAGEALLOC. A CPU's list needs interrupts off.
 * Walk:    alloc_skb(), sk_alloc(), ep_insert() -> kmem_cache_alloc().
 *
 * A slab is a block of pages; each of its struct pages names the cache. The first also has the
 * slab's free objects, and how many are not among them ("in use": live, or on some CPU's list):
 *
 *   inuse == objects          on no list, found again through an object that is freed
 *   0 < inuse < objects       on s->partial, at the front
 *   inuse == 0                on s->partial, at the end, or given back to the page allocator
 *
 * Test builds add a trailer to each object (struct trailer): a free pointer outside the object, so
 * that the whole object can be filled with a pattern while it is free, and who had it last.
 */
#include "kernel/bug.h"
#include "kernel/mm/internal.h"
#include "kernel/percpu.h"
#include "kernel/slab.h"
#include "kernel/spinlock.h"
#include "kernel/string.h"
#include "kernel/task.h"

enum {
	MAX_SLAB_ORDER = 3, MIN_OBJECTS = 8, KEEP_EMPTY = 1, POISON_FREE = 0x6b, POISON_NEW = 0x5a,
	PLAIN_SIZE = 2048,
};
#define STATE_FREE 0x9f5a3c71f4eeUL	/* also what lies behind the object: an overrun destroys it */
#define STATE_LIVE 0x9f5a3c711a1eUL

struct trailer { void *next; u64 state; unsigned long ip; };

struct kmem_cache_cpu {
	void *freelist;
	unsigned int count;	/* objects on it */
	long live; /* given out less taken back by this CPU: only the sum over all means something */
} __aligned(64);

struct kmem_cache {
	/* interrupts off, own CPU */
	struct kmem_cache_cpu cpu[NR_CPUS];
	/* immutable */
	u32 size;		/* of the object */
	u32 stride;		/* from one to the next */
	u32 next_offset;	/* test builds: where a free object keeps the next one */
	u32 high, batch;	/* a CPU's list: longest, and how many then go back */
	u16 objects;		/* of a slab */
	u8 order;		/* of a slab */
	bool has_trailer;
	const char *name;
	struct kmem_cache *next;	/* in the list of all caches */
	/* lock (SLAB) */
	spinlock_t lock;
	struct list_head partial;
	long slabs;
	unsigned int nr_empty;
};

static struct kmem_cache cache_cache;	/* the cache that caches are made from */
static struct kmem_cache *all_caches;	/* grows at boot only */
static atomic_long_t large_live, large_pages;
struct kmem_cache *kmalloc_caches[KMALLOC_NR];

static __always_inline void **next_of(const struct kmem_cache *s, void *obj)
{
	return CONFIG_DEBUG ? (void **)((u8 *)obj + s->next_offset) : obj;
}

/* Objects lie in the direct map: shorter than virt_to_page(). */
static __always_inline struct page *object_page(const void *obj)
{
	return &mem_map[((u64)obj - PAGE_OFFSET) >> PAGE_SHIFT];
}

static struct page *slab_of(const struct kmem_cache *s, const void *obj)
{
	return &mem_map[((u64)obj - PAGE_OFFSET) >> PAGE_SHIFT & ~(BIT(s->order) - 1)];
}

/* --- test builds --- */

static struct trailer *trailer_of(const struct kmem_cache *s, void *obj)
{
	return (void *)((u8 *)obj + s->next_offset);
}
static size_t poison_start(const struct kmem_cache *s)
{
	return s->has_trailer ? 0 : sizeof(void *);
}

static __noreturn __cold void bad_object(const struct kmem_cache *s, void *obj, const char *what)
{
	panic("slab %s: object %p: %s; last allocated or freed by %pS", s->name, obj, what,
	      s->has_trailer ? (void *)trailer_of(s, obj)->ip : NULL);
}

static void poison_free_object(struct kmem_cache *s, void *obj, unsigned long ip)
{
	if (s->has_trailer)
		*trailer_of(s, obj) = (struct trailer){ .state = STATE_FREE, .ip = ip };
	memset((u8 *)obj + poison_start(s), POISON_FREE, s->size - poison_start(s));
}

static void check_new_object(struct kmem_cache *s, void *obj, unsigned long ip)
{
	const u8 *p = obj;

	if (s->has_trailer && trailer_of(s, obj)->state != STATE_FREE)
		bad_object(s, obj, "its end was written over while it was free");
	for (size_t i = poison_start(s); i < s->size; i++)
		if (p[i] != POISON_FREE)
			bad_object(s, obj, "was written to after it had been freed");
	if (s->has_trailer) {
		trailer_of(s, obj)->state = STATE_LIVE;
		trailer_of(s, obj)->ip = ip;
	}
	memset(obj, POISON_NEW, s->size);
}

static void check_freed_object(struct kmem_cache *s, void *obj, unsigned long ip)
{
	const struct page *slab = slab_of(s, obj);

	if (!(slab->flags & PG_SLAB) || slab->slab_cache != s)
		panic("slab %s: %p is freed to it, but is not of it", s->name, obj);
	if (((u64)obj - (u64)page_address(slab)) % s->stride)
		panic("slab %s: %p is freed, but lies inside an object", s->name, obj);
	if (s->has_trailer && trailer_of(s, obj)->state == STATE_FREE)
		bad_object(s, obj, "is freed twice");
	if (s->has_trailer && trailer_of(s, obj)->state != STATE_LIVE)
		bad_object(s, obj, "was written to beyond its end");
	poison_free_object(s, obj, ip);
}

void fail_nth_set(long n) { current->fail_nth = n; }

bool should_fail_alloc(void)
{
	struct task_struct *p = current;

	if (!CONFIG_DEBUG || !p || !p->fail_nth || !in_task())
		return false;
	return --p->fail_nth == 0;
}

/* --- slabs. Interrupts are off in all that takes s->lock --- */

static void mark_slab(struct kmem_cache *s, struct page *page)
{
	for (unsigned int i = 0; i < 1U << s->order; i++) {
		page[i].flags |= PG_SLAB;
		page[i].slab_cache = s;
	}
}

/* Chain the objects so that they are given out in order of address. */
static void cut_objects(struct kmem_cache *s, struct page *page)
{
	u8 *obj = page_address(page);
	u8 *last = obj + (size_t)(s->objects - 1) * s->stride;

	page->freelist = obj;
	page->inuse = 0;
	for (; ; obj += s->stride) {
		if (CONFIG_DEBUG)
			poison_free_object(s, obj, 0);
		*next_of(s, obj) = obj == last ? NULL : obj + s->stride;
		if (obj == last)
			return;
	}
}

static struct page *new_slab(struct kmem_cache *s, gfp_t gfp)
{
	struct page *page = alloc_pages((gfp & GFP_ATOMIC) | __GFP_NOFAIL_TEST, s->order);

	if (!page)
		return NULL;
	mark_slab(s, page);
	cut_objects(s, page);
	return page;
}

static void free_slab(struct kmem_cache *s, struct page *page)
{
	s->slabs--;
	for (unsigned int i = 0; i < 1U << s->order; i++) {
		page[i].flags &= (u8)~PG_SLAB;
		page[i].slab_cache = NULL;
	}
	page->freelist = NULL;
	free_pages(page, s->order);
}

/* All free objects of the first slab that has some become the CPU's. */
static bool take_partial(struct kmem_cache *s, struct kmem_cache_cpu *c)
{
	struct page *page;

	if (list_empty(&s->partial))
		return false;
	page = list_first_entry(&s->partial, struct page, lru);
	list_del(&page->lru);
	if (page->inuse == 0)
		s->nr_empty--;
	c->freelist = page->freelist;
	c->count = (unsigned int)(s->objects - page->inuse);
	page->freelist = NULL;
	page->inuse = s->objects;
	return true;
}

/*
 * Interrupts are off and this CPU's list is empty. Return: with its list filled, interrupts off,
 * maybe on another CPU; or false, when there is no memory. Pages are allocated with interrupts as
 * the caller of kmem_cache_alloc() had them.
 */
static noinline bool refill(struct kmem_cache *s, gfp_t gfp, unsigned long *flags)
{
	struct page *fresh = NULL;

	for (;;) {
		struct kmem_cache_cpu *c = &s->cpu[smp_processor_id()];
		bool filled = c->freelist;

		spin_lock(&s->lock);
		if (fresh) {
			s->slabs++;
			s->nr_empty++;
			list_add(&fresh->lru, &s->partial);
		}
		if (!filled)
			filled = take_partial(s, c);
		__spin_unlock_no_resched(&s->lock);
		if (filled)
			return true;
		local_irq_restore(*flags);
		fresh = new_slab(s, gfp);
		local_irq_save(*flags);
		if (!fresh)
			return false;
	}
}

/* s->lock held. @obj goes back into its slab. */
static void return_object(struct kmem_cache *s, void *obj)
{
	struct page *page = slab_of(s, obj);

	*next_of(s, obj) = page->freelist;
	page->freelist = obj;
	if (page->inuse-- == s->objects)
		list_add(&page->lru, &s->partial);
	if (page->inuse)
		return;
	if (s->nr_empty >= KEEP_EMPTY) {
		list_del(&page->lru);
		free_slab(s, page);
		return;
	}
	s->nr_empty++;
	list_move_tail(&page->lru, &s->partial);
}

/* Interrupts off. @n objects of this CPU's list back to their slabs. */
static noinline void flush_objects(struct kmem_cache *s, struct kmem_cache_cpu *c, unsigned int n)
{
	spin_lock(&s->lock);
	for (; n; n--) {
		void *obj = c->freelist;

		c->freelist = *next_of(s, obj);
		c->count--;
		return_object(s, obj);
	}
	__spin_unlock_no_resched(&s->lock);
}

/* --- objects --- */

static __always_inline void *alloc_object(struct kmem_cache *s, gfp_t gfp)
{
	struct kmem_cache_cpu *c;
	unsigned long flags;
	void *obj;

	local_irq_save(flags);
	c = &s->cpu[smp_processor_id()];
	if (unlikely(!c->freelist)) {
		if (!refill(s, gfp, &flags)) {
			local_irq_restore(flags);
			return NULL;
		}
		c = &s->cpu[smp_processor_id()];
	}
	obj = c->freelist;
	c->freelist = *next_of(s, obj);
	c->count--;
	c->live++;
	local_irq_restore(flags);
	return obj;
}

static __always_inline void *cache_alloc(struct kmem_cache *s, gfp_t gfp, unsigned long ip)
{
	void *obj;

	might_alloc(gfp);
	if (CONFIG_DEBUG && !(gfp & __GFP_NOFAIL_TEST) && should_fail_alloc())
		return NULL;
	obj = alloc_object(s, gfp);
	if (CONFIG_DEBUG && obj)
		check_new_object(s, obj, ip);
	if ((gfp & __GFP_ZERO) && obj)
		memset(obj, 0, s->size);
	return obj;
}

static __always_inline void cache_free(struct kmem_cache *s, void *obj, unsigned long ip)
{
	struct kmem_cache_cpu *c;
	unsigned long flags;

	if (CONFIG_DEBUG)
		check_freed_object(s, obj, ip);
	local_irq_save(flags);
	c = &s->cpu[smp_processor_id()];
	*next_of(s, obj) = c->freelist;
	c->freelist = obj;
	c->live--;
	if (unlikely(++c->count > s->high))
		flush_objects(s, c, s->batch);
	local_irq_restore(flags);
}

void *kmem_cache_alloc(struct kmem_cache *s, gfp_t gfp) { return cache_alloc(s, gfp, _RET_IP_); }
void kmem_cache_free(struct kmem_cache *s, void *obj) { cache_free(s, obj, _RET_IP_); }

/* --- kmalloc --- */

#define SIZE_ENTRY(n) n,
static const u16 kmalloc_sizes[KMALLOC_NR] = { KMALLOC_SIZES(SIZE_ENTRY) };
#define NAME_ENTRY(n) "kmalloc-" #n,
static const char *const kmalloc_names[KMALLOC_NR] = { KMALLOC_SIZES(NAME_ENTRY) };
/* Sizes up to 2048 in steps of 16 to the class; filled by slab_init(). */
enum { SMALL_STEP = 16, SMALL_MAX = 2048 };
static u8 small_index[SMALL_MAX / SMALL_STEP];

static struct kmem_cache *kmalloc_cache(size_t size)
{
	if (likely(size <= SMALL_MAX))
		return kmalloc_caches[small_index[size ? (size - 1) / SMALL_STEP : 0]];
	return kmalloc_caches[size <= 4096 ? KMALLOC_4096 : KMALLOC_8192];
}

static noinline void *kmalloc_large(size_t size, gfp_t gfp)
{
	struct page *page;

	if (size > KMALLOC_MAX_SIZE)
		return NULL;
	page = alloc_pages(gfp, get_order(size));
	if (!page)
		return NULL;
	page->flags |= PG_LARGE;
	atomic_long_inc(&large_live);
	atomic_long_add(1L << page->order, &large_pages);
	return page_address(page);
}

static void kfree_large(struct page *page)
{
	if (!(page->flags & PG_LARGE))
		panic("kfree of %p, which is not from kmalloc", page_address(page));
	page->flags &= (u8)~PG_LARGE;
	atomic_long_dec(&large_live);
	atomic_long_sub(1L << page->order, &large_pages);
	free_pages(page, page->order);
}

void *__kmalloc(size_t size, gfp_t gfp)
{
	if (unlikely(size > KMALLOC_MAX_CACHE_SIZE))
		return kmalloc_large(size, gfp);
	return cache_alloc(kmalloc_cache(size), gfp, _RET_IP_);
}

void *kcalloc(size_t n, size_t size, gfp_t gfp)
{
	size_t bytes;

	if (__builtin_mul_overflow(n, size, &bytes))
		return NULL;
	return kmalloc(bytes, gfp | __GFP_ZERO);
}

void kfree(const void *p)
{
	struct page *page;

	if (unlikely(!p))
		return;
	page = object_page(p);
	if (likely(page->flags & PG_SLAB))
		cache_free(page->slab_cache, (void *)p, _RET_IP_);
	else
		kfree_large(page);
}

size_t ksize(const void *p)
{
	const struct page *page = object_page(p);

	return page->flags & PG_SLAB ? page->slab_cache->size : PAGE_SIZE << page->order;
}

char *kstrdup(const char *s, gfp_t gfp)
{
	size_t size = strlen(s) + 1;
	char *copy = kmalloc(size, gfp);

	return copy ? memcpy(copy, s, size) : NULL;
}

/* --- all caches --- */

static long live_objects(const struct kmem_cache *s)
{
	long live = 0;

	for (int cpu = 0; cpu < NR_CPUS; cpu++)
		live += READ_ONCE(s->cpu[cpu].live);
	return live;
}

void slab_for_each(void (*fn)(void *arg, const char *name, long live, long total, size_t size,
			      long pages),
		   void *arg)
{
	for (struct kmem_cache *s = all_caches; s; s = s->next) {
		long slabs = READ_ONCE(s->slabs);

		fn(arg, s->name, live_objects(s), slabs * s->objects, s->size, slabs << s->order);
	}
	fn(arg, "kmalloc-large", atomic_long_read(&large_live), atomic_long_read(&large_live),
	   PAGE_SIZE, atomic_long_read(&large_pages));
}

static void flush_this_cpu(__unused void *arg)
{
	for (struct kmem_cache *s = all_caches; s; s = s->next) {
		struct kmem_cache_cpu *c = &s->cpu[smp_processor_id()];

		if (c->count)
			flush_objects(s, c, c->count);
	}
}

static void free_empty_slabs(struct kmem_cache *s)
{
	struct page *page, *next;

	spin_lock_irq(&s->lock);
	list_for_each_entry_safe(page, next, &s->partial, lru) {
		if (page->inuse)
			continue;
		list_del(&page->lru);
		s->nr_empty--;
		free_slab(s, page);
	}
	spin_unlock_irq(&s->lock);
}

void slab_shrink_all(void)
{
	smp_call_function_all(flush_this_cpu, NULL);
	for (struct kmem_cache *s = all_caches; s; s = s->next)
		free_empty_slabs(s);
}

/* --- boot --- */

/*
 * Large objects whose size is a power of two get no trailer: they are to be aligned to their size,
 * and would take twice the memory.
 */
static void lay_out_object(struct kmem_cache *s, size_t size, size_t align)
{
	size_t end = ALIGN(max(size, sizeof(void *)), sizeof(void *));

	s->size = (u32)size;
	s->has_trailer = CONFIG_DEBUG && size < PLAIN_SIZE;
	if (s->has_trailer) {
		s->next_offset = (u32)end;
		end += sizeof(struct trailer);
	}
	s->stride = (u32)ALIGN(end, align);
}

/* The smallest slab that holds a few objects and wastes at most an eighth. */
static void choose_order(struct kmem_cache *s)
{
	size_t bytes;
	unsigned int order;

	for (order = 0; order < MAX_SLAB_ORDER; order++) {
		bytes = PAGE_SIZE << order;
		if (bytes / s->stride >= MIN_OBJECTS && bytes % s->stride <= bytes / 8)
			break;
	}
	bytes = PAGE_SIZE << order;
	if (bytes < s->stride)
		panic("slab %s: objects of %u bytes are too large", s->name, s->size);
	s->order = (u8)order;
	s->objects = (u16)(bytes / s->stride);
	s->batch = s->size <= 256 ? 32 : s->size <= 1024 ? 16 : s->size <= 4096 ? 8 : 4;
	s->high = s->objects + s->batch;
}

static void init_cache(struct kmem_cache *s, const char *name, size_t size, size_t align)
{
	struct kmem_cache **tail = &all_caches;

	memset(s, 0, sizeof(*s));
	s->name = name;
	spin_lock_init(&s->lock, LC_SLAB);
	INIT_LIST_HEAD(&s->partial);
	lay_out_object(s, size, max(align, sizeof(void *)));
	choose_order(s);
	while (*tail)
		tail = &(*tail)->next;
	*tail = s;
}

struct kmem_cache *kmem_cache_create(const char *name, size_t size, size_t align)
{
	struct kmem_cache *s = kmem_cache_alloc(&cache_cache, GFP_ATOMIC | __GFP_NOFAIL_TEST);

	if (!s)
		panic("no memory for slab cache %s", name);
	init_cache(s, name, size, align);
	return s;
}

static size_t kmalloc_align(size_t size)
{
	if (size < 32 || (size & (size - 1)))
		return 16;
	return min(size, PAGE_SIZE);
}

void slab_init(void)
{
	int class = 0;

	init_cache(&cache_cache, "kmem_cache", sizeof(struct kmem_cache), 64);
	for (int i = 0; i < KMALLOC_NR; i++)
		kmalloc_caches[i] = kmem_cache_create(kmalloc_names[i], kmalloc_sizes[i],
						      kmalloc_align(kmalloc_sizes[i]));
	for (size_t i = 0; i < ARRAY_SIZE(small_index); i++) {
		while (kmalloc_sizes[class] < (i + 1) * SMALL_STEP)
			class++;
		small_index[i] = (u8)class;
	}
}

/*
 * tests/unit/net_host.h - packets in a program of the host: skbuff.c and checksum.c over malloc(),
 * with everything counted. Include it after tests/unit/host.h.
 */
#pragma once
#include "kernel/random.h"
#include "kernel/slab.h"
#include "kernel/trace.h"
#include "net/skbuff.h"
#include "kernel/mm/page_alloc.c"

enum { HOST_PROT_RW = 3, HOST_MAP_FIXED_ANON = 0x4032 };
#define HOST_RAM_END (64 * MIB)

struct boot_info boot_info;
static struct task_struct host_self;
static long host_objects;	/* allocated and not freed: objects and pages */
static long host_fail_after;	/* the n-th allocation from now fails; 0: none */
HOST_WEAK u8 trace_enabled[TP_NR];
HOST_WEAK u32 trace_current_skb;
HOST_WEAK void trace_record_slow(__unused enum trace_point p, __unused u64 a, __unused u64 b,
				 __unused u64 c, __unused u64 d)
{
}
HOST_WEAK void clear_page(void *page) { memset(page, 0, PAGE_SIZE); }

void slab_shrink_all(void) { }
bool should_fail_alloc(void) { return host_fail_after && --host_fail_after == 0; }

struct kmem_cache { size_t size; };
static struct kmem_cache host_caches[16], kmalloc_cache[KMALLOC_NR];
struct kmem_cache *kmalloc_caches[KMALLOC_NR];
static int nr_host_caches;

struct kmem_cache *kmem_cache_create(__unused const char *name, size_t size, __unused size_t align)
{
	host_caches[nr_host_caches].size = size;
	return &host_caches[nr_host_caches++];
}
void *__kmalloc(size_t size, gfp_t gfp)
{
	if (should_fail_alloc())
		return NULL;
	void *p = malloc(size);

	memset(p, gfp & __GFP_ZERO ? 0 : 0xa5, size);
	host_objects++;
	return p;
}
void kfree(const void *p)
{
	if (p)
		host_objects--;
	free((void *)p);
}
void *kmem_cache_alloc(struct kmem_cache *s, gfp_t gfp) { return __kmalloc(s->size, gfp); }
void kmem_cache_free(__unused struct kmem_cache *s, void *obj) { kfree(obj); }

/* Copies to and from users are not under test here. */
HOST_WEAK size_t copy_to_iter(__unused const void *src, __unused size_t n,
			      __unused struct iov_iter *i)
{
	return 0;
}
HOST_WEAK size_t copy_from_iter(__unused void *dst, __unused size_t n, __unused struct iov_iter *i)
{
	return 0;
}
HOST_WEAK void rt_put(__unused struct rtable *rt) { }

#include "net/core/skbuff.c"
#include "net/wire/checksum.c"

static u64 host_pages_free;
static void net_host_init(void)
{
	if (!nr_host_caches) {
		host_quiet = true;
		if (mmap((void *)PAGE_OFFSET, HOST_RAM_END, HOST_PROT_RW, HOST_MAP_FIXED_ANON, -1,
			 0) != (void *)PAGE_OFFSET)
			abort();
		boot_info.mem[0] = (struct boot_mem_range){ MIB, HOST_RAM_END };
		boot_info.nr_mem = 1;
		current_task = &host_self;
		static const size_t sizes[] = {
#define HOST_SIZE(n) n,
			KMALLOC_SIZES(HOST_SIZE)
		};
		for (int i = 0; i < KMALLOC_NR; i++) {
			kmalloc_cache[i].size = sizes[i];
			kmalloc_caches[i] = &kmalloc_cache[i];
		}
		mem_init();
		skb_init();
		host_pages_free = nr_free_pages();
	}
	host_fail_after = 0;
	if (nr_free_pages() != host_pages_free)
		host_objects += (long)(host_pages_free - nr_free_pages());
}

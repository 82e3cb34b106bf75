/*
 * kernel/slab.h - memory for objects.
 *
 * Linux:   include/linux/slab.h, mm/slub.c (6.1)
 * Same:    kmem_cache_*, kmalloc(), kfree(); GFP_KERNEL may sleep, GFP_ATOMIC may not.
 * Differs: 1. a cache counts its live objects, always; test builds poison freed objects, check the
 *             poison and can make the Nth allocation fail (fail_nth=N).
 * Locks:   SLAB; per-CPU free lists need none.
 * Walk:    skbs, socks, epitems.
 */
#pragma once
#include "kernel/types.h"

typedef unsigned int gfp_t;
/* __GFP_NOFAIL_TEST: not subject to fail_nth. */
enum { GFP_KERNEL = 0, GFP_ATOMIC = 1, __GFP_ZERO = 2, __GFP_NOFAIL_TEST = 4 };

struct kmem_cache;
/*
 * kmem_cache_create - objects of @size bytes aligned to @align (0: 8). Panics when out of memory.
 * Context: boot.
 */
struct kmem_cache *kmem_cache_create(const char *name, size_t size, size_t align);
/*
 * kmem_cache_alloc - Return: an object (not cleared unless __GFP_ZERO) or NULL. Context: any with
 * GFP_ATOMIC, else task.
 */
void *kmem_cache_alloc(struct kmem_cache *s, gfp_t gfp) __must_check;
static inline void *kmem_cache_zalloc(struct kmem_cache *s, gfp_t gfp)
{
	return kmem_cache_alloc(s, gfp | __GFP_ZERO);
}
/* kmem_cache_free - Context: any. */
void kmem_cache_free(struct kmem_cache *s, void *obj);

/* The sizes of kmalloc() objects that share slabs; larger ones get pages of their own. */
#define KMALLOC_SIZES(X)									\
	X(16) X(32) X(48) X(64) X(96) X(128) X(192) X(256) X(384) X(512) X(768) X(1024)	\
	X(1536) X(2048) X(4096) X(8192)
#define KMALLOC_MAX_CACHE_SIZE 8192
#define KMALLOC_MAX_SIZE (4 * MIB)
#define __KMALLOC_ENUM(n) KMALLOC_##n,
enum { KMALLOC_SIZES(__KMALLOC_ENUM) KMALLOC_NR };
extern struct kmem_cache *kmalloc_caches[KMALLOC_NR];
/* The class of a size that is known to the compiler. */
#define __KMALLOC_TEST(n) if (size <= (n)) return KMALLOC_##n;
static __always_inline int kmalloc_index(size_t size)
{
	KMALLOC_SIZES(__KMALLOC_TEST)
	return KMALLOC_NR;
}
/*
 * kmalloc - @size bytes, aligned to 16 (a power of two from 32: to its size up to a page), at most
 * 4 MiB. __kmalloc: size found at run time.
 */
void *__kmalloc(size_t size, gfp_t gfp) __must_check;
static __always_inline __must_check void *kmalloc(size_t size, gfp_t gfp)
{
	if (__builtin_constant_p(size) && size <= KMALLOC_MAX_CACHE_SIZE)
		return kmem_cache_alloc(kmalloc_caches[kmalloc_index(size)], gfp);
	return __kmalloc(size, gfp);
}
static __always_inline __must_check void *kzalloc(size_t size, gfp_t gfp)
{
	return kmalloc(size, gfp | __GFP_ZERO);
}
/* kcalloc - NULL also when n * size overflows. */
void *kcalloc(size_t n, size_t size, gfp_t gfp) __must_check;
/* kfree - what kmalloc gave; NULL is nothing. ksize - bytes really there. Context: any. */
void kfree(const void *p);
size_t ksize(const void *p);
char *kstrdup(const char *s, gfp_t gfp) __must_check;

/*
 * slab_for_each - for /proc/slabinfo and leak checks: name, live objects, objects in slabs, size,
 * pages. Context: task.
 */
void slab_for_each(void (*fn)(void *arg, const char *name, long live, long total, size_t size,
			      long pages),
		   void *arg);
/*
 * slab_shrink_all - all free objects back into their slabs, empty slabs back to the page allocator.
 * Context: task, irqs on.
 */
void slab_shrink_all(void);
/* fail_nth - test builds: the @n-th allocation of current from now on fails, once (0: off). */
void fail_nth_set(long n);
bool should_fail_alloc(void);
void slab_init(void);

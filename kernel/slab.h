/*
 * kernel/slab.h - memory for objects.
 *
 * Linux:   include/linux/slab.h, mm/slub.c (6.1)
 * Same:    kmem_cache_*, kmalloc(), kfree(); GFP_KERNEL may sleep, GFP_ATOMIC may not.
 * Differs: 1. a cache counts its live objects, always; test builds poison freed objects, check the poison and
 *             can make the Nth allocation fail (fail_nth=N).
 * Locks:   SLAB; per-CPU free lists need none.
 * Walk:    skbs, socks, epitems.
 */
#pragma once
#include "kernel/types.h"

typedef unsigned int gfp_t;
enum { GFP_KERNEL = 0, GFP_ATOMIC = 1, __GFP_ZERO = 2, __GFP_NOFAIL_TEST = 4 /* not subject to fail_nth */ };

struct kmem_cache;
/* kmem_cache_create - objects of @size bytes aligned to @align (0: 8). Panics when out of memory. Context: boot. */
struct kmem_cache *kmem_cache_create(const char *name, size_t size, size_t align);
/* kmem_cache_alloc - Return: an object (not cleared unless __GFP_ZERO) or NULL. Context: any with GFP_ATOMIC, else task. */
void *kmem_cache_alloc(struct kmem_cache *s, gfp_t gfp) __must_check;
static inline void *kmem_cache_zalloc(struct kmem_cache *s, gfp_t gfp) { return kmem_cache_alloc(s, gfp | __GFP_ZERO); }
/* kmem_cache_free - Context: any. */
void kmem_cache_free(struct kmem_cache *s, void *obj);
/* kmalloc - @size bytes, aligned to 16 (a power of two from 32: to its size up to a page), at most 4 MiB. */
void *kmalloc(size_t size, gfp_t gfp) __must_check;
static inline void *kzalloc(size_t size, gfp_t gfp) { return kmalloc(size, gfp | __GFP_ZERO); }
/* kcalloc - NULL also when n * size overflows. */
void *kcalloc(size_t n, size_t size, gfp_t gfp) __must_check;
/* kfree - what kmalloc gave; NULL is nothing. ksize - bytes really there. Context: any. */
void kfree(const void *p);
size_t ksize(const void *p);
char *kstrdup(const char *s, gfp_t gfp) __must_check;

/* slab_for_each - for /proc/slabinfo and leak checks: name, live objects, objects in slabs, size, pages. Context: task. */
void slab_for_each(void (*fn)(void *arg, const char *name, long live, long total, size_t size, long pages), void *arg);
/* fail_nth - test builds: the @n-th allocation of current from now on fails, once (0: off). */
void fail_nth_set(long n);
bool should_fail_alloc(void);
void slab_init(void);

/*
 * kernel/mm/vmalloc.c - large tables of the kernel from single pages, mapped one behind the other.
 *
 * Linux:   mm/vmalloc.c (6.1)
 * Same:    a page that is never mapped follows each area.
 * Differs: 1. areas are on a list in order of address; there are few. 2. an area is given back at
 *             once, with a TLB flush on all CPUs.
 * Locks:   VMALLOC for the list; PAGEALLOC below.
 * Walk:    trace rings, hash tables, tables of descriptors.
 */
#include "kernel/errno.h"
#include "kernel/mm.h"
#include "kernel/spinlock.h"

struct vmap_area { struct list_head list; u64 start, end; /* without the guard page */ };

static DEFINE_SPINLOCK(vmalloc_lock, LC_VMALLOC);
static LIST_HEAD(vmap_areas);	/* vmalloc_lock */

/* Link @area, of @size bytes, into the first gap. Return: 0 or -ENOMEM. */
static int place_area(struct vmap_area *area, u64 size)
{
	struct list_head *before = &vmap_areas;
	struct vmap_area *a;
	u64 start = VMALLOC_START;
	int err = -ENOMEM;

	spin_lock(&vmalloc_lock);
	list_for_each_entry(a, &vmap_areas, list) {
		if (a->start >= start + size + PAGE_SIZE)
			break;
		start = a->end + PAGE_SIZE;
		before = &a->list;
	}
	if (start + size + PAGE_SIZE <= KSTACK_START) {
		area->start = start;
		area->end = start + size;
		list_add(&area->list, before);
		err = 0;
	}
	spin_unlock(&vmalloc_lock);
	return err;
}

static void unlink_area(struct vmap_area *area)
{
	spin_lock(&vmalloc_lock);
	list_del(&area->list);
	spin_unlock(&vmalloc_lock);
	kfree(area);
}

/* Pages go only after no CPU has a translation left. */
static void unmap_area(u64 start, u64 end)
{
	struct page *page, *next;
	LIST_HEAD(pages);

	for (u64 va = start; va < end; va += PAGE_SIZE) {
		page = phys_to_page(virt_to_phys_any((void *)va));
		kernel_unmap_page(va);
		list_add(&page->lru, &pages);
	}
	flush_tlb_kernel();
	list_for_each_entry_safe(page, next, &pages, lru)
		free_pages(page, 0);
}

/* Return: where mapping ended, early when out of memory. */
static u64 map_area(const struct vmap_area *area)
{
	u64 va;

	for (va = area->start; va < area->end; va += PAGE_SIZE) {
		struct page *page = alloc_page(GFP_KERNEL);

		if (!page)
			break;
		if (kernel_map_page(va, page_to_phys(page), PTE_PRESENT | PTE_WRITE | PTE_NX)) {
			free_pages(page, 0);
			break;
		}
	}
	return va;
}

void *vmalloc(size_t size)
{
	struct vmap_area *area;
	u64 mapped;

	size = ALIGN(size, PAGE_SIZE);
	if (!size || size >> PAGE_SHIFT > totalram_pages())
		return NULL;
	area = kmalloc(sizeof(*area), GFP_KERNEL);
	if (!area)
		return NULL;
	if (place_area(area, size)) {
		kfree(area);
		return NULL;
	}
	mapped = map_area(area);
	if (mapped == area->end)
		return (void *)area->start;
	if (mapped > area->start)
		unmap_area(area->start, mapped);
	unlink_area(area);
	return NULL;
}

void vfree(void *p)
{
	struct vmap_area *a, *found = NULL;

	if (!p)
		return;
	spin_lock(&vmalloc_lock);
	list_for_each_entry(a, &vmap_areas, list)
		if (a->start == (u64)p)
			found = a;
	spin_unlock(&vmalloc_lock);
	if (!found)
		panic("vfree of %p, which is not from vmalloc", p);
	unmap_area(found->start, found->end);
	unlink_area(found);
}

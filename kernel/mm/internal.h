/*
 * kernel/mm/internal.h - what the files of this folder share: VMAs, page table entries, unmapping.
 *
 * Linux:   mm/internal.h, include/asm-generic/tlb.h (6.1)
 * Same:    mmu_gather: pages are freed only after no CPU can reach them through a stale
 *          translation.
 * Differs: none.
 * Locks:   mmap_lock is held for everything here.
 * Walk:    mmap.c, mprotect.c, mremap.c, madvise.c, mlock.c -> memory.c, vma.c.
 */
#pragma once
#include "kernel/mm.h"
#include "kernel/process.h"

enum {
	MAX_MAP_COUNT = 65530,		/* Linux's vm.max_map_count */
	STACK_GUARD_PAGES = 256,
	/* Software bit of a page table entry: the page belongs to programs alone, not to a file. */
	PTE_SOFT_ANON = 0x800,
};
#define STACK_GUARD_GAP (STACK_GUARD_PAGES * PAGE_SIZE)
#define MMAP_MIN_ADDR 0x10000UL		/* lower only for root; Linux's vm.mmap_min_addr */
#define VM_ACCESS_FLAGS ((unsigned long)(VM_READ | VM_WRITE | VM_EXEC))
#define PT_SIZE (512 * PAGE_SIZE)	/* what one page of entries maps */

/*
 * might_alloc - GFP_KERNEL may sleep, but for the boot list, which runs in the idle task before
 * there are others.
 */
static inline void might_alloc(gfp_t gfp)
{
	if (CONFIG_DEBUG && !(gfp & GFP_ATOMIC) && ((current && current->pid) || in_interrupt()))
		might_sleep();
}

/*
 * Nothing but memory of its own behind it (vm_ops without fault(): a file that maps as zeros,
 * /dev/zero).
 */
static inline bool vma_is_anonymous(const struct vm_area_struct *vma)
{
	return !vma->vm_ops || !vma->vm_ops->fault;
}
static inline u64 vma_pages(const struct vm_area_struct *vma)
{
	return (vma->vm_end - vma->vm_start) >> PAGE_SHIFT;
}
static inline u64 vma_pgoff(const struct vm_area_struct *vma, u64 addr)
{
	return vma->vm_pgoff + ((addr - vma->vm_start) >> PAGE_SHIFT);
}
/* Counted against RLIMIT_DATA. */
static inline bool is_data_mapping(unsigned long flags)
{
	return (flags & (VM_WRITE | VM_SHARED | VM_GROWSDOWN)) == VM_WRITE;
}

/* vma.c: the set of VMAs of an address space. */
void vma_init(void);
struct vm_area_struct *vm_area_alloc(struct mm_struct *mm) __must_check;
void vm_area_free(struct vm_area_struct *vma);
/* vma_next, vma_prev - the neighbor in address order, or NULL. */
struct vm_area_struct *vma_next(const struct vm_area_struct *vma);
struct vm_area_struct *vma_prev(const struct vm_area_struct *vma);
/*
 * vma_continue - @vma was changed up to @addr, and may have merged with what follows: the mapping
 * to go on with, or NULL.
 */
static inline struct vm_area_struct *vma_continue(struct vm_area_struct *vma, u64 addr)
{
	return vma->vm_end > addr ? vma : vma_next(vma);
}
/*
 * vma_before - the last VMA that starts below @addr, or NULL. find_vma_intersection - any in
 * [@start, @end)?
 */
struct vm_area_struct *vma_before(struct mm_struct *mm, u64 addr);
struct vm_area_struct *find_vma_intersection(struct mm_struct *mm, u64 start, u64 end);
/*
 * vma_link - into tree and list, counted. vma_append - the same for one that lies above all others.
 * vma_unlink - out again.
 */
void vma_link(struct mm_struct *mm, struct vm_area_struct *vma);
void vma_append(struct mm_struct *mm, struct vm_area_struct *vma);
void vma_unlink(struct mm_struct *mm, struct vm_area_struct *vma);
/* vma_account - @pages of a mapping with @flags come or (negative) go. */
void vma_account(struct mm_struct *mm, unsigned long flags, s64 pages);
/* vma_close - unlinked already: tell its owner, free it. */
void vma_close(struct vm_area_struct *vma);
/* split_vma - @vma ends at @addr, a new VMA begins there. Return: 0 or -ENOMEM. */
int __must_check split_vma(struct mm_struct *mm, struct vm_area_struct *vma, u64 addr);
/*
 * merge_vma - make one of @vma and those neighbors that it continues. Return: the VMA that is left.
 */
struct vm_area_struct *merge_vma(struct mm_struct *mm, struct vm_area_struct *vma);
/*
 * vma_isolate - split so that @vma covers [@start, @end) of what it covered. Return: that VMA, NULL
 * out of memory.
 */
struct vm_area_struct *vma_isolate(struct mm_struct *mm, struct vm_area_struct *vma, u64 start,
				   u64 end) __must_check;
/*
 * vma_set_flags - isolate [@start, @end), give it @flags, merge. Return: the VMA with them, or NULL
 * (nothing changed).
 */
struct vm_area_struct *vma_set_flags(struct mm_struct *mm, struct vm_area_struct *vma, u64 start,
				     u64 end, unsigned long flags) __must_check;
/* get_unmapped_area - a place for @len bytes, by mmap()'s rules. Return: the address or -errno. */
s64 get_unmapped_area(struct mm_struct *mm, u64 addr, u64 len, unsigned long flags);
/* may_expand_vm - do @pages more with @flags fit RLIMIT_AS and RLIMIT_DATA? */
bool may_expand_vm(struct mm_struct *mm, unsigned long flags, u64 pages);
/* may_lock - do @pages more fit RLIMIT_MEMLOCK? */
bool may_lock(struct mm_struct *mm, u64 pages);
/* expand_stack - let the stack @vma begin at @addr's page. Return: 0 or -ENOMEM. */
int __must_check expand_stack(struct mm_struct *mm, struct vm_area_struct *vma, u64 addr);

/* mmap.c */
int __must_check unmap_range(struct mm_struct *mm, u64 start, u64 end);
int __must_check check_unmap(u64 addr, u64 len);
/*
 * mm_populate - make the pages of [@start, @end) present, as far as possible. mmap_lock held.
 * Return: 0 or -errno of the first failure.
 */
int mm_populate(struct mm_struct *mm, u64 start, u64 end);

/* memory.c: page tables. */
struct mmu_gather {
	struct mm_struct *mm;
	bool exiting;		/* nobody runs in this address space any more: no flush */
	u64 start, end;		/* what was unmapped since the last flush */
	long rss;
	struct page *own;	/* pages nobody else has, linked through ->private */
	unsigned int nr;
	struct page *pages[32];	/* the others: one reference each */
};
/* tlb_gather - begin. zap_range - unmap the pages of [@start, @end). tlb_finish - flush, free. */
void tlb_gather(struct mmu_gather *tlb, struct mm_struct *mm, bool exiting);
void zap_range(struct mmu_gather *tlb, u64 start, u64 end);
void tlb_finish(struct mmu_gather *tlb);
/* pte_bits - what an entry of a mapping holds beside the address; without PTE_WRITE. */
static inline u64 pte_bits(unsigned long vm_flags)
{
	u64 bits = PTE_USER | PTE_ACCESSED;

	if (vm_flags & VM_ACCESS_FLAGS)
		bits |= PTE_PRESENT;
	return vm_flags & VM_EXEC ? bits : bits | PTE_NX;
}
/*
 * next_table - the first address above @addr that may have a page of entries, @addr itself having
 * none.
 */
u64 next_table(pte_t *pgd, u64 addr);
/*
 * copy_page_range - the private pages of @vma into @dst, to be copied when written. Return: 0 or
 * -ENOMEM.
 */
int __must_check copy_page_range(struct mm_struct *dst, struct vm_area_struct *vma);
/* change_protection - entries of [@start, @end) as @vma's flags want them. */
void change_protection(struct vm_area_struct *vma, u64 start, u64 end);
/*
 * move_page_tables - entries of @len bytes from @from to @to. Return: bytes moved, less when out of
 * memory.
 */
u64 move_page_tables(struct mm_struct *mm, u64 from, u64 to, u64 len);

/* page_alloc.c. free_page_chain - single pages linked through ->private, whatever their count. */
void free_page_chain(struct page *page);

/* fault.c. fault_in - handle_mm_fault() with mmap_lock held. */
void fault_init(void);
int __must_check fault_in(struct mm_struct *mm, u64 addr, bool write, bool exec);

/*
 * kernel/mm/memory.c - page table entries of whole ranges: unmap, copy for fork, change rights,
 * move.
 *
 * Linux:   mm/memory.c, mmu_gather.c, mprotect.c, mremap.c (6.1)
 * Same:    fork shares private pages, read-only on both sides, and leaves pages of files to be
 *          faulted in again; pages are freed in batches, after the TLB has been flushed.
 * Differs: 1. pages of page tables stay until the address space ends. 2. an entry of a mapping
 *             without any rights (PROT_NONE) keeps its page, without PTE_PRESENT; an empty entry is
 *             0.
 *          3. a software bit says whether a page is a program's own or a file's: struct page need
 *             not be looked at.
 * Locks:   mmap_lock is held.
 * Walk:    sys_munmap -> unmap_range() -> zap_range(); kernel_clone() -> dup_mm() ->
 *          copy_page_range().
 */
#include "kernel/errno.h"
#include "kernel/mm/internal.h"
#include "kernel/string.h"

/* The first address above @addr whose entry may be in another table. */
static u64 table_end(u64 addr) { return ALIGN_DOWN(addr, PT_SIZE) + PT_SIZE; }

/*
 * Steps over as much as an empty entry of an upper table spans: reserving address space by the
 * gigabyte is common, and so is giving it back untouched.
 */
u64 next_table(pte_t *pgd, u64 addr)
{
	enum { TOP_SHIFT = 39, LEVEL_BITS = 9, PD_SHIFT = 21 };
	pte_t *table = pgd;

	for (int shift = TOP_SHIFT; shift > PD_SHIFT; shift -= LEVEL_BITS) {
		pte_t entry = table[addr >> shift & (BIT(LEVEL_BITS) - 1)];

		if (!entry)
			return ((addr >> shift) + 1) << shift;
		table = phys_to_virt(entry & PTE_ADDR_MASK);
	}
	return table_end(addr);
}

/* --- unmapping --- */

void tlb_gather(struct mmu_gather *tlb, struct mm_struct *mm, bool exiting)
{
	tlb->mm = mm;
	tlb->exiting = exiting;
	tlb->start = TASK_SIZE;
	tlb->end = 0;
	tlb->rss = 0;
	tlb->own = NULL;
	tlb->nr = 0;
}

static void tlb_flush(struct mmu_gather *tlb)
{
	if (tlb->end > tlb->start && !tlb->exiting)
		flush_tlb_range(tlb->mm, tlb->start, tlb->end);
	tlb->start = TASK_SIZE;
	tlb->end = 0;
	for (unsigned int i = 0; i < tlb->nr; i++)
		put_page(tlb->pages[i]);
	tlb->nr = 0;
	free_page_chain(tlb->own);
	tlb->own = NULL;
}

void tlb_finish(struct mmu_gather *tlb)
{
	tlb_flush(tlb);
	if (tlb->rss)
		atomic_long_sub(tlb->rss, &tlb->mm->rss);
}

/* @entry is out of the page tables. */
static __always_inline void tlb_remove(struct mmu_gather *tlb, pte_t entry, u64 addr)
{
	struct page *page;

	tlb->start = min(tlb->start, addr);
	tlb->end = addr + PAGE_SIZE;
	if (entry & PTE_SOFT_NOFREE)
		return;
	tlb->rss++;
	page = phys_to_page(entry & PTE_ADDR_MASK);
	/* A program's page whose only reference is this entry: no other can come up any more. */
	if ((entry & PTE_SOFT_ANON) && refcount_read(&page->refs) == 1) {
		page->private = (u64)tlb->own;
		tlb->own = page;
		return;
	}
	tlb->pages[tlb->nr++] = page;
	if (tlb->nr == ARRAY_SIZE(tlb->pages))
		tlb_flush(tlb);
}

void zap_range(struct mmu_gather *tlb, u64 start, u64 end)
{
	pte_t *pgd = tlb->mm->pgd;

	while (start < end) {
		pte_t *pte = pte_walk(pgd, start, false);
		u64 stop;

		if (!pte) {
			start = next_table(pgd, start);
			continue;
		}
		for (stop = min(end, table_end(start)); start < stop; start += PAGE_SIZE, pte++) {
			pte_t entry = *pte;

			if (!entry)
				continue;
			*pte = 0;
			tlb_remove(tlb, entry, start);
		}
	}
}

/* --- fork --- */

struct copy {
	pte_t *dst_pgd, *src_pgd;
	u64 first, last; /* entries made read-only: to be flushed */
	long rss;
};

/* Of one page of entries, [@start, @end). */
static int copy_ptes(struct copy *c, pte_t *src, u64 start, u64 end)
{
	pte_t *dst = NULL;

	for (u64 addr = start; addr < end; addr += PAGE_SIZE, src++) {
		pte_t entry = *src;

		if (!(entry & PTE_SOFT_ANON))
			continue;
		if (!dst) {
			dst = pte_walk(c->dst_pgd, addr, true);
			if (!dst)
				return -ENOMEM;
			dst -= (addr - start) >> PAGE_SHIFT;
		}
		if (entry & PTE_WRITE) {
			entry &= ~(pte_t)PTE_WRITE;
			*src = entry;
			c->first = min(c->first, addr);
			c->last = addr;
		}
		get_page(phys_to_page(entry & PTE_ADDR_MASK));
		dst[(addr - start) >> PAGE_SHIFT] = entry;
		c->rss++;
	}
	return 0;
}

int copy_page_range(struct mm_struct *dst, struct vm_area_struct *vma)
{
	struct mm_struct *src = vma->vm_mm;
	struct copy c = { dst->pgd, src->pgd, TASK_SIZE, 0, 0 };
	u64 addr = vma->vm_start;
	int err = 0;

	while (addr < vma->vm_end && !err) {
		pte_t *pte = pte_walk(src->pgd, addr, false);
		u64 stop;

		if (!pte) {
			addr = next_table(src->pgd, addr);
			continue;
		}
		stop = min(vma->vm_end, table_end(addr));
		err = copy_ptes(&c, pte, addr, stop);
		addr = stop;
	}
	atomic_long_add(c.rss, &dst->rss);
	if (c.first <= c.last)
		flush_tlb_range(src, c.first, c.last + PAGE_SIZE);
	return err;
}

/* --- rights --- */

/*
 * May an entry of @vma be written at once? A private page only if nobody else has it; the others
 * are made so by the fault, which may have to copy.
 */
static bool may_set_write(const struct vm_area_struct *vma, pte_t entry)
{
	if (!(vma->vm_flags & VM_WRITE) || (entry & PTE_SOFT_NOFREE))
		return false;
	if (vma->vm_flags & VM_SHARED)
		return true;
	return (entry & PTE_SOFT_ANON) &&
	       refcount_read(&phys_to_page(entry & PTE_ADDR_MASK)->refs) == 1;
}

void change_protection(struct vm_area_struct *vma, u64 start, u64 end)
{
	u64 bits = pte_bits(vma->vm_flags), addr = start;
	bool changed = false;

	while (addr < end) {
		pte_t *pte = pte_walk(vma->vm_mm->pgd, addr, false);
		u64 stop;

		if (!pte) {
			addr = next_table(vma->vm_mm->pgd, addr);
			continue;
		}
		for (stop = min(end, table_end(addr)); addr < stop; addr += PAGE_SIZE, pte++) {
			if (!*pte)
				continue;
			*pte = (*pte & (PTE_ADDR_MASK | PTE_SOFT_ANON | PTE_SOFT_NOFREE)) | bits |
			       (may_set_write(vma, *pte) ? PTE_WRITE | PTE_DIRTY : 0);
			changed = true;
		}
	}
	if (changed)
		flush_tlb_range(vma->vm_mm, start, end);
}

/* --- mremap --- */

u64 move_page_tables(struct mm_struct *mm, u64 from, u64 to, u64 len)
{
	u64 done = 0;

	while (done < len) {
		pte_t *src = pte_walk(mm->pgd, from + done, false), *dst;

		if (!src) {
			done = min(len, next_table(mm->pgd, from + done) - from);
			continue;
		}
		if (*src) {
			dst = pte_walk(mm->pgd, to + done, true);
			if (!dst)
				break;
			*dst = *src;
			*src = 0;
		}
		done += PAGE_SIZE;
	}
	flush_tlb_range(mm, from, from + done);
	return done;
}

/*
 * kernel/mm/mremap.c - mremap: a mapping changes its size or its place and keeps its pages.
 *
 * Linux:   mm/mremap.c (6.1)
 * Same:    shrinks where it is, grows where it is if there is room, else moves if it may; page
 *          table entries move, pages are not copied.
 * Differs: 1. old size 0 (a second mapping of shared pages) is refused for private memory as in
 *             Linux, and made by a new mapping of the file otherwise.
 * Locks:   MMAP_MTX.
 * Walk:    a large block is reallocated -> sys_mremap -> move_vma() -> move_page_tables().
 */
#include "kernel/err.h"
#include "kernel/mm/internal.h"
#include "kernel/syscall.h"
#include "kernel/task.h"

enum { MREMAP_MAYMOVE = 1, MREMAP_FIXED = 2, MREMAP_DONTUNMAP = 4 };
struct remap { u64 addr, old_len, new_len, new_addr; unsigned long flags; };

/* The mapping that has all of [addr, addr + old_len) and may become new_len long. Or ERR_PTR. */
static struct vm_area_struct *vma_to_resize(struct mm_struct *mm, const struct remap *r)
{
	struct vm_area_struct *vma = find_vma(mm, r->addr);
	u64 grow = r->new_len > r->old_len ? (r->new_len - r->old_len) >> PAGE_SHIFT : 0, pgoff;

	if (!vma || vma->vm_start > r->addr)
		return ERR_PTR(-EFAULT);
	if (!r->old_len && !(vma->vm_flags & (VM_SHARED | VM_MAYSHARE)))
		return ERR_PTR(-EINVAL);
	if ((r->flags & MREMAP_DONTUNMAP) && (vma->vm_flags & VM_DONTEXPAND))
		return ERR_PTR(-EINVAL);
	if (r->old_len > vma->vm_end - r->addr)
		return ERR_PTR(-EFAULT);
	if (r->new_len == r->old_len)
		return vma;
	pgoff = vma_pgoff(vma, r->addr);
	if (pgoff + (r->new_len >> PAGE_SHIFT) < pgoff)
		return ERR_PTR(-EINVAL);
	if (vma->vm_flags & VM_DONTEXPAND)
		return ERR_PTR(-EFAULT);
	if ((vma->vm_flags & VM_LOCKED) && !may_lock(mm, grow))
		return ERR_PTR(-EAGAIN);
	if (!may_expand_vm(mm, vma->vm_flags, grow))
		return ERR_PTR(-ENOMEM);
	return vma;
}

/* A mapping like @vma's part at r->addr, at @to, without pages. */
static struct vm_area_struct *copy_vma(struct mm_struct *mm, const struct vm_area_struct *vma,
				       const struct remap *r, u64 to)
{
	struct vm_area_struct *copy;

	if (mm->map_count >= MAX_MAP_COUNT - 3)
		return NULL;
	copy = vm_area_alloc(mm);
	if (!copy)
		return NULL;
	*copy = *vma;
	copy->vm_start = to;
	copy->vm_end = to + r->new_len;
	copy->vm_pgoff = vma_pgoff(vma, r->addr);
	vma_link(mm, copy);
	if (copy->vm_ops && copy->vm_ops->open)
		copy->vm_ops->open(copy);
	return copy;
}

/*
 * The pages of r->addr go to @to, where nothing is mapped; their old place is unmapped, or stays
 * empty.
 */
static s64 move_vma(struct mm_struct *mm, struct vm_area_struct *vma, const struct remap *r, u64 to)
{
	u64 len = min(r->old_len, r->new_len), moved;
	struct vm_area_struct *copy;

	/* What goes is cut out first: then nothing can fail once the pages have moved. */
	if (r->old_len) {
		vma = vma_isolate(mm, vma, r->addr, r->addr + r->old_len);
		if (!vma)
			return -ENOMEM;
	}
	copy = copy_vma(mm, vma, r, to);
	if (!copy)
		goto out_merge;
	moved = move_page_tables(mm, r->addr, to, len);
	if (moved < len)
		goto out_move_back;
	if (r->flags & MREMAP_DONTUNMAP) {
		vma_account(mm, vma->vm_flags, -(s64)vma_pages(vma));
		vma->vm_flags &= ~(unsigned long)VM_LOCKED;
		vma_account(mm, vma->vm_flags, (s64)vma_pages(vma));
		vma->vm_has_anon = false;
	} else if (r->old_len) {
		vma_unlink(mm, vma);
		vma_close(vma);
	}
	copy = merge_vma(mm, copy);
	if ((copy->vm_flags & VM_LOCKED) && r->new_len > r->old_len)
		(void)mm_populate(mm, to + r->old_len, to + r->new_len);
	return (s64)to;

out_move_back:
	(void)move_page_tables(mm, to, r->addr, moved); /* the tables are there: cannot fail */
	vma_unlink(mm, copy);
	vma_close(copy);
out_merge:
	merge_vma(mm, vma);
	return -ENOMEM;
}

static s64 remap_to(struct mm_struct *mm, struct remap *r)
{
	struct vm_area_struct *vma;
	s64 to;
	int err;

	if ((r->new_addr & ~PAGE_MASK) || r->new_len > TASK_SIZE ||
	    r->new_addr > TASK_SIZE - r->new_len)
		return -EINVAL;
	if (r->addr + r->old_len > r->new_addr && r->new_addr + r->new_len > r->addr)
		return -EINVAL;
	if (mm->map_count + 2 >= MAX_MAP_COUNT - 3)
		return -ENOMEM;
	if (r->flags & MREMAP_FIXED) {
		err = unmap_range(mm, r->new_addr, r->new_addr + r->new_len);
		if (err)
			return err;
	}
	if (r->old_len > r->new_len) {
		err = unmap_range(mm, r->addr + r->new_len, r->addr + r->old_len);
		if (err)
			return err;
		r->old_len = r->new_len;
	}
	vma = vma_to_resize(mm, r);
	if (IS_ERR(vma))
		return PTR_ERR(vma);
	if ((r->flags & MREMAP_DONTUNMAP) &&
	    !may_expand_vm(mm, vma->vm_flags, r->old_len >> PAGE_SHIFT))
		return -ENOMEM;
	to = get_unmapped_area(mm, r->new_addr, r->new_len,
			       r->flags & MREMAP_FIXED ? MAP_FIXED : 0);
	return to < 0 ? to : move_vma(mm, vma, r, (u64)to);
}

/* Room behind @vma for @grow bytes more? */
static bool can_expand(struct mm_struct *mm, const struct vm_area_struct *vma, u64 grow)
{
	const struct vm_area_struct *next = vma_next(vma);
	u64 end = vma->vm_end + grow;

	if (end < vma->vm_end || end > TASK_SIZE || !mm)
		return false;
	return !next || end <= next->vm_start - (next->vm_flags & VM_GROWSDOWN ?
							 min(STACK_GUARD_GAP, next->vm_start) :
							 0);
}

static s64 remap_grow(struct mm_struct *mm, struct remap *r)
{
	struct vm_area_struct *vma = vma_to_resize(mm, r);
	u64 grow = r->new_len - r->old_len;
	s64 to;

	if (IS_ERR(vma))
		return PTR_ERR(vma);
	if (r->old_len == vma->vm_end - r->addr && r->old_len && can_expand(mm, vma, grow)) {
		vma->vm_end += grow;
		vma_account(mm, vma->vm_flags, (s64)(grow >> PAGE_SHIFT));
		vma = merge_vma(mm, vma);
		if (vma->vm_flags & VM_LOCKED)
			(void)mm_populate(mm, r->addr + r->old_len, r->addr + r->new_len);
		return (s64)r->addr;
	}
	if (!(r->flags & MREMAP_MAYMOVE))
		return -ENOMEM;
	to = get_unmapped_area(mm, 0, r->new_len, 0);
	return to < 0 ? to : move_vma(mm, vma, r, (u64)to);
}

static s64 remap_locked(struct mm_struct *mm, struct remap *r)
{
	struct vm_area_struct *vma = find_vma(mm, r->addr);
	int err;

	if (!vma || vma->vm_start > r->addr)
		return -EFAULT;
	if (r->flags & (MREMAP_FIXED | MREMAP_DONTUNMAP))
		return remap_to(mm, r);
	if (r->old_len < r->new_len)
		return remap_grow(mm, r);
	if (r->old_len > r->new_len) {
		err = unmap_range(mm, r->addr + r->new_len, r->addr + r->old_len);
		return err ? err : (s64)r->addr;
	}
	vma = vma_to_resize(mm, r);
	return IS_ERR(vma) ? PTR_ERR(vma) : (s64)r->addr;
}

SYSCALL_DEFINE5(mremap, u64, addr, u64, old_len, u64, new_len, unsigned long, flags, u64, new_addr)
{
	struct mm_struct *mm = current->mm;
	struct remap r = { addr, ALIGN(old_len, PAGE_SIZE), ALIGN(new_len, PAGE_SIZE), new_addr,
			   flags };
	s64 ret;

	if (flags & ~(unsigned long)(MREMAP_MAYMOVE | MREMAP_FIXED | MREMAP_DONTUNMAP))
		return -EINVAL;
	if ((flags & (MREMAP_FIXED | MREMAP_DONTUNMAP)) && !(flags & MREMAP_MAYMOVE))
		return -EINVAL;
	if ((flags & MREMAP_DONTUNMAP) && old_len != new_len)
		return -EINVAL;
	if (addr & ~PAGE_MASK)
		return -EINVAL;
	if (!r.new_len)
		return -EINVAL;
	mutex_lock(&mm->mmap_lock);
	ret = remap_locked(mm, &r);
	mutex_unlock(&mm->mmap_lock);
	return ret;
}

/*
 * kernel/mm/madvise.c - madvise: what a program will, or will not, do with its memory.
 *
 * Linux:   mm/madvise.c (6.1)
 * Same:    DONTNEED takes the pages away at once; FORK and DUMP flags; order of checks, and -ENOMEM
 *          for holes after all else has been done.
 * Differs: 1. FREE takes the pages away at once, as it may. 2. advice about reading ahead, sharing
 *             and huge pages is checked and has nothing to influence here. 3. MERGEABLE and REMOVE
 *             are refused, as by a kernel configured without them.
 * Locks:   MMAP_MTX.
 * Walk:    a large block is freed -> sys_madvise -> zap_range().
 */
#include "kernel/errno.h"
#include "kernel/mm/internal.h"
#include "kernel/syscall.h"
#include "kernel/task.h"

enum {
	MADV_NORMAL = 0, MADV_RANDOM = 1, MADV_SEQUENTIAL = 2, MADV_WILLNEED = 3, MADV_DONTNEED = 4,
	MADV_FREE = 8, MADV_DONTFORK = 10, MADV_DOFORK = 11, MADV_HUGEPAGE = 14,
	MADV_NOHUGEPAGE = 15, MADV_DONTDUMP = 16, MADV_DODUMP = 17, MADV_WIPEONFORK = 18,
	MADV_KEEPONFORK = 19, MADV_COLD = 20, MADV_PAGEOUT = 21, MADV_POPULATE_READ = 22,
	MADV_POPULATE_WRITE = 23, MADV_DONTNEED_LOCKED = 24,
};

static bool advice_known(int advice)
{
	switch (advice) {
	case MADV_NORMAL: case MADV_RANDOM: case MADV_SEQUENTIAL: case MADV_WILLNEED:
	case MADV_DONTNEED: case MADV_DONTNEED_LOCKED: case MADV_FREE:
	case MADV_DONTFORK: case MADV_DOFORK: case MADV_WIPEONFORK: case MADV_KEEPONFORK:
	case MADV_DONTDUMP: case MADV_DODUMP: case MADV_HUGEPAGE: case MADV_NOHUGEPAGE:
	case MADV_COLD: case MADV_PAGEOUT: case MADV_POPULATE_READ: case MADV_POPULATE_WRITE:
		return true;
	default:
		return false;
	}
}

static int advise_zap(struct vm_area_struct *vma, u64 start, u64 end)
{
	struct mmu_gather tlb;

	tlb_gather(&tlb, vma->vm_mm, false);
	zap_range(&tlb, start, end);
	tlb_finish(&tlb);
	return 0;
}

static int advise_flags(struct vm_area_struct **vma, u64 start, u64 end, unsigned long flags)
{
	struct vm_area_struct *changed = vma_set_flags((*vma)->vm_mm, *vma, start, end, flags);

	if (!changed)
		return -ENOMEM;
	*vma = changed;
	return 0;
}

/* [@start, @end) lies in *@vma; afterwards *@vma covers @end - 1. */
static int advise_vma(struct vm_area_struct **vma, u64 start, u64 end, int advice)
{
	unsigned long flags = (*vma)->vm_flags;

	switch (advice) {
	case MADV_DONTNEED:
		return flags & VM_LOCKED ? -EINVAL : advise_zap(*vma, start, end);
	case MADV_DONTNEED_LOCKED:
		return advise_zap(*vma, start, end);
	case MADV_FREE:
		return !vma_is_anonymous(*vma) || (flags & VM_LOCKED) ?
			       -EINVAL :
			       advise_zap(*vma, start, end);
	case MADV_DONTFORK:
		return advise_flags(vma, start, end, flags | VM_DONTCOPY);
	case MADV_DOFORK:
		return advise_flags(vma, start, end, flags & ~(unsigned long)VM_DONTCOPY);
	case MADV_DONTDUMP:
		return advise_flags(vma, start, end, flags | VM_DONTDUMP);
	case MADV_DODUMP:
		return advise_flags(vma, start, end, flags & ~(unsigned long)VM_DONTDUMP);
	case MADV_WIPEONFORK:
		return !vma_is_anonymous(*vma) || (flags & VM_SHARED) ?
			       -EINVAL :
			       advise_flags(vma, start, end, flags | VM_WIPEONFORK);
	case MADV_KEEPONFORK:
		return advise_flags(vma, start, end, flags & ~(unsigned long)VM_WIPEONFORK);
	case MADV_COLD:
	case MADV_PAGEOUT:
		return flags & VM_LOCKED ? -EINVAL : 0;
	default:
		return 0;
	}
}

static int advise_range(struct mm_struct *mm, u64 start, u64 end, int advice)
{
	struct vm_area_struct *vma = find_vma(mm, start);
	int unmapped = 0, err;

	for (; start < end; vma = vma_continue(vma, start)) {
		u64 stop;

		if (!vma)
			return -ENOMEM;
		if (start < vma->vm_start) {
			unmapped = -ENOMEM;
			start = vma->vm_start;
			if (start >= end)
				break;
		}
		stop = min(end, vma->vm_end);
		err = advise_vma(&vma, start, stop, advice);
		if (err)
			return err;
		start = stop;
	}
	return unmapped;
}

/*
 * -EFAULT where the program itself would get SIGBUS, -EINVAL where the mapping does not allow it.
 */
static int populate(struct mm_struct *mm, u64 start, u64 end, bool write)
{
	for (; start < end; start += PAGE_SIZE) {
		struct vm_area_struct *vma = find_vma(mm, start);
		int err;

		if (!vma || vma->vm_start > start)
			return -ENOMEM;
		err = fault_in(mm, start, write, false);
		if (err)
			return err == -EACCES ? -EINVAL : err == -EIO ? -EFAULT : err;
	}
	return 0;
}

SYSCALL_DEFINE3(madvise, u64, start, u64, len, int, advice)
{
	struct mm_struct *mm = current->mm;
	u64 end;
	int err;

	if (!advice_known(advice) || (start & ~PAGE_MASK))
		return -EINVAL;
	if (len && !ALIGN(len, PAGE_SIZE))
		return -EINVAL;
	end = start + ALIGN(len, PAGE_SIZE);
	if (end < start)
		return -EINVAL;
	if (end == start)
		return 0;
	mutex_lock(&mm->mmap_lock);
	if (advice == MADV_POPULATE_READ || advice == MADV_POPULATE_WRITE)
		err = populate(mm, start, end, advice == MADV_POPULATE_WRITE);
	else
		err = advise_range(mm, start, end, advice);
	mutex_unlock(&mm->mmap_lock);
	return err;
}

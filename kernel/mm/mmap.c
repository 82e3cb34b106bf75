/*
 * kernel/mm/mmap.c - mmap, munmap, brk: mappings are made and taken away.
 *
 * Linux:   mm/mmap.c, mm/util.c, mm/gup.c (populate) (6.1)
 * Same:    the order of checks; a mapping at a fixed place replaces what was there; brk only moves
 *          the end of one anonymous mapping.
 * Differs: 1. what can fail is done before the old mapping at a fixed place goes.
 *          2. overcommit: only what exceeds the machine's memory by itself is refused (Linux's mode
 *             0).
 *          3. cutting off an end of a mapping needs no memory.
 * Locks:   MMAP_MTX.
 * Walk:    sys_mmap (kernel/process/sys_mmap.c) -> do_mmap() -> mmap_region(); sys_munmap ->
 *          do_munmap().
 */
#include "kernel/err.h"
#include "kernel/mm/internal.h"
#include "kernel/syscall.h"
#include "kernel/task.h"

/* --- taking away --- */

/* [@start, @end) of @vma, which lie inside it, or at one end, or are all of it. */
static void cut_vma(struct mmu_gather *tlb, struct vm_area_struct *vma, u64 start, u64 end)
{
	struct mm_struct *mm = tlb->mm;
	u64 pages = (end - start) >> PAGE_SHIFT;

	zap_range(tlb, start, end);
	if (start == vma->vm_start && end == vma->vm_end) {
		vma_unlink(mm, vma);
		vma_close(vma);
		return;
	}
	vma_account(mm, vma->vm_flags, -(s64)pages);
	if (end == vma->vm_end) {
		vma->vm_end = start;
	} else {
		vma->vm_pgoff += pages;
		vma->vm_start = end;
	}
}

int unmap_range(struct mm_struct *mm, u64 start, u64 end)
{
	struct vm_area_struct *vma = find_vma(mm, start), *next;
	struct mmu_gather tlb;

	/*
	 * A hole in the middle makes two: the only case that can fail, and there is nothing else to
	 * do then.
	 */
	if (vma && start > vma->vm_start && end < vma->vm_end && split_vma(mm, vma, end))
		return -ENOMEM;
	tlb_gather(&tlb, mm, false);
	for (; vma && vma->vm_start < end; vma = next) {
		next = vma_next(vma);
		cut_vma(&tlb, vma, max(start, vma->vm_start), min(end, vma->vm_end));
	}
	tlb_finish(&tlb);
	return 0;
}

int check_unmap(u64 addr, u64 len)
{
	if ((addr & ~PAGE_MASK) || addr > TASK_SIZE || len > TASK_SIZE - addr || !len)
		return -EINVAL;
	return 0;
}

int do_munmap(struct mm_struct *mm, u64 addr, u64 len)
{
	int err = check_unmap(addr, len);

	if (err)
		return err;
	mutex_lock(&mm->mmap_lock);
	err = unmap_range(mm, addr, addr + ALIGN(len, PAGE_SIZE));
	mutex_unlock(&mm->mmap_lock);
	return err;
}

/* --- making --- */

int mm_populate(struct mm_struct *mm, u64 start, u64 end)
{
	struct vm_area_struct *vma;
	u64 addr = start;

	for (; addr < end; addr += PAGE_SIZE) {
		int err;

		vma = find_vma(mm, addr);
		if (!vma || vma->vm_start > addr)
			return -ENOMEM;
		err = fault_in(mm, addr, (vma->vm_flags & (VM_WRITE | VM_SHARED)) == VM_WRITE,
			       false);
		if (err)
			return err;
	}
	return 0;
}

static unsigned long vm_flags_from(unsigned long prot, unsigned long flags)
{
	unsigned long vm = VM_MAYREAD | VM_MAYWRITE | VM_MAYEXEC;

	vm |= prot & PROT_READ ? VM_READ : 0;
	vm |= prot & PROT_WRITE ? VM_WRITE : 0;
	vm |= prot & PROT_EXEC ? VM_EXEC : 0;
	vm |= flags & MAP_GROWSDOWN ? VM_GROWSDOWN : 0;
	vm |= flags & MAP_LOCKED ? VM_LOCKED : 0;
	vm |= flags & MAP_NORESERVE ? VM_NORESERVE : 0;
	return vm;
}

/* What MAP_SHARED_VALIDATE lets pass: the flags that Linux had before it. */
enum {
	LEGACY_MAP_MASK = MAP_SHARED | MAP_PRIVATE | MAP_FIXED | MAP_ANONYMOUS | MAP_DENYWRITE |
			  MAP_EXECUTABLE | MAP_GROWSDOWN | MAP_LOCKED | MAP_NORESERVE |
			  MAP_POPULATE | MAP_NONBLOCK | MAP_STACK | MAP_HUGETLB | MAP_32BIT |
			  MAP_FIXED_NOREPLACE
};

static int check_file_map(unsigned long flags, unsigned long *vm_flags)
{
	switch (flags & MAP_TYPE) {
	case MAP_SHARED_VALIDATE:
		if (flags & ~(unsigned long)(LEGACY_MAP_MASK | MAP_TYPE))
			return -EOPNOTSUPP;
		fallthrough;
	case MAP_SHARED:
		*vm_flags |= VM_SHARED | VM_MAYSHARE;
		break;
	case MAP_PRIVATE:
		break;
	default:
		return -EINVAL;
	}
	return *vm_flags & VM_GROWSDOWN ? -EINVAL : 0;
}

/* A shared anonymous mapping has become one of a file in memory before it gets here (sys_mmap). */
static int check_anonymous_map(unsigned long flags)
{
	return (flags & MAP_TYPE) == MAP_PRIVATE ? 0 : -EINVAL;
}

/* Would this mapping alone take more than the machine has? */
static bool overcommits(unsigned long vm_flags, u64 pages)
{
	return (vm_flags & (VM_NORESERVE | VM_SHARED | VM_WRITE)) == VM_WRITE &&
	       pages > totalram_pages();
}

/* Pages of [@addr, @addr + @len) that are mapped now: they go when a fixed mapping comes. */
static u64 count_mapped(struct mm_struct *mm, u64 addr, u64 len)
{
	u64 pages = 0;

	for (struct vm_area_struct *vma = find_vma(mm, addr); vma && vma->vm_start < addr + len;
	     vma = vma_next(vma))
		pages += (min(vma->vm_end, addr + len) - max(vma->vm_start, addr)) >> PAGE_SHIFT;
	return pages;
}

/* Grow a neighbor instead of making a new mapping. Return: did one fit? */
static bool extend_anonymous(struct mm_struct *mm, u64 addr, u64 len, unsigned long vm_flags)
{
	struct vm_area_struct *prev = vma_before(mm, addr),
			      *next = prev ? vma_next(prev) : find_vma(mm, addr);

	if (prev && prev->vm_end == addr && prev->vm_flags == vm_flags && !prev->vm_ops &&
	    !prev->vm_file) {
		prev->vm_end += len;
		vma_account(mm, vm_flags, (s64)(len >> PAGE_SHIFT));
		merge_vma(mm, prev);
		return true;
	}
	if (next && next->vm_start == addr + len && next->vm_flags == vm_flags && !next->vm_ops &&
	    !next->vm_file) {
		next->vm_start = addr;
		next->vm_pgoff -= len >> PAGE_SHIFT;
		vma_account(mm, vm_flags, (s64)(len >> PAGE_SHIFT));
		return true;
	}
	return false;
}

static s64 map_new(struct mm_struct *mm, struct file *file, u64 addr, u64 len,
		   unsigned long vm_flags, u64 pgoff)
{
	struct vm_area_struct *vma = vm_area_alloc(mm);
	int err;

	if (!vma)
		return -ENOMEM;
	vma->vm_start = addr;
	vma->vm_end = addr + len;
	vma->vm_flags = vm_flags;
	vma->vm_pgoff = file ? pgoff : addr >> PAGE_SHIFT;
	err = file ? file_mmap(file, vma) : 0;
	if (err) {
		vm_area_free(vma);
		return err;
	}
	err = unmap_range(mm, addr, addr + len);
	if (err) {
		vma_close(vma);
		return err;
	}
	vma_link(mm, vma);
	merge_vma(mm, vma);
	return (s64)addr;
}

static s64 mmap_region(struct mm_struct *mm, struct file *file, u64 addr, u64 len,
		       unsigned long vm_flags, u64 pgoff)
{
	u64 pages = len >> PAGE_SHIFT;
	bool replaces = find_vma_intersection(mm, addr, addr + len);

	if (!may_expand_vm(mm, vm_flags, pages) &&
	    !may_expand_vm(mm, vm_flags, pages - (replaces ? count_mapped(mm, addr, len) : 0)))
		return -ENOMEM;
	if (overcommits(vm_flags, pages))
		return -ENOMEM;
	if (!file && !replaces && extend_anonymous(mm, addr, len, vm_flags))
		return (s64)addr;
	return map_new(mm, file, addr, len, vm_flags, pgoff);
}

/* Linux's order of checks, from the address on. */
static s64 map_locked(struct mm_struct *mm, struct file *file, u64 addr, u64 len,
		      unsigned long vm_flags, unsigned long flags, u64 pgoff)
{
	s64 place;
	int err;

	if (mm->map_count > MAX_MAP_COUNT)
		return -ENOMEM;
	place = get_unmapped_area(mm, addr, len, flags);
	if (place < 0)
		return place;
	if ((flags & MAP_FIXED_NOREPLACE) &&
	    find_vma_intersection(mm, (u64)place, (u64)place + len))
		return -EEXIST;
	vm_flags |= mm->def_flags;
	if ((flags & MAP_LOCKED) && !rlimit(RLIMIT_MEMLOCK) && !capable_root())
		return -EPERM;
	if ((vm_flags & VM_LOCKED) && !may_lock(mm, len >> PAGE_SHIFT))
		return -EAGAIN;
	err = file ? check_file_map(flags, &vm_flags) : check_anonymous_map(flags);
	if (err)
		return err;
	place = mmap_region(mm, file, (u64)place, len, vm_flags, pgoff);
	if (place > 0 &&
	    ((vm_flags & VM_LOCKED) || (flags & (MAP_POPULATE | MAP_NONBLOCK)) == MAP_POPULATE))
		(void)mm_populate(mm, (u64)place, (u64)place + len);
	return place;
}

s64 mm_map(struct mm_struct *mm, struct file *file, u64 addr, u64 len, unsigned long prot,
	   unsigned long flags, u64 pgoff)
{
	s64 ret;

	if (!len)
		return -EINVAL;
	if (flags & MAP_FIXED_NOREPLACE)
		flags |= MAP_FIXED;
	if (!(flags & MAP_FIXED)) {
		addr &= PAGE_MASK;
		if (addr && addr < MMAP_MIN_ADDR)
			addr = MMAP_MIN_ADDR;
	}
	len = ALIGN(len, PAGE_SIZE);
	if (!len)
		return -ENOMEM;
	if (pgoff + (len >> PAGE_SHIFT) < pgoff)
		return -EOVERFLOW;
	mutex_lock(&mm->mmap_lock);
	ret = map_locked(mm, file, addr, len, vm_flags_from(prot, flags), flags, pgoff);
	mutex_unlock(&mm->mmap_lock);
	return ret;
}

s64 do_mmap(struct file *file, u64 addr, u64 len, unsigned long prot, unsigned long flags,
	    u64 pgoff)
{
	return mm_map(current->mm, file, addr, len, prot, flags, pgoff);
}

/* --- brk --- */

static bool brk_fits_rlimit(const struct mm_struct *mm, u64 brk)
{
	u64 limit = rlimit(RLIMIT_DATA);

	return limit == RLIM_INFINITY ||
	       (brk - mm->start_brk) + (mm->end_data - mm->start_data) <= limit;
}

/* The heap's new pages [@old, @new). */
static int grow_brk(struct mm_struct *mm, u64 old, u64 new)
{
	unsigned long vm_flags =
		VM_READ | VM_WRITE | VM_MAYREAD | VM_MAYWRITE | VM_MAYEXEC | mm->def_flags;
	struct vm_area_struct *next = find_vma(mm, old);
	s64 ret;

	/* Not into a stack's gap either. */
	if (next && new + PAGE_SIZE >
			    next->vm_start - (next->vm_flags & VM_GROWSDOWN ? STACK_GUARD_GAP : 0))
		return -ENOMEM;
	if ((vm_flags & VM_LOCKED) && !may_lock(mm, (new - old) >> PAGE_SHIFT))
		return -EAGAIN;
	if (new > TASK_SIZE || mm->map_count > MAX_MAP_COUNT)
		return -ENOMEM;
	ret = mmap_region(mm, NULL, old, new - old, vm_flags, 0);
	if (ret < 0)
		return (int)ret;
	if (vm_flags & VM_LOCKED)
		(void)mm_populate(mm, old, new);
	return 0;
}

/* Every failure is told by the break staying where it is. */
SYSCALL_DEFINE1(brk, u64, brk)
{
	struct mm_struct *mm = current->mm;
	u64 old_end, new_end;
	int err = 0;

	mutex_lock(&mm->mmap_lock);
	old_end = ALIGN(mm->brk, PAGE_SIZE);
	new_end = ALIGN(brk, PAGE_SIZE);
	if (brk < mm->start_brk || brk > TASK_SIZE || !brk_fits_rlimit(mm, brk))
		goto out;
	if (new_end > old_end)
		err = grow_brk(mm, old_end, new_end);
	else if (new_end < old_end)
		err = unmap_range(mm, new_end, old_end);
	if (!err)
		mm->brk = brk;
out:
	brk = mm->brk;
	mutex_unlock(&mm->mmap_lock);
	return (long)brk;
}

SYSCALL_DEFINE2(munmap, u64, addr, u64, len) { return do_munmap(current->mm, addr, len); }

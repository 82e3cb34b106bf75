/*
 * kernel/mm/mprotect.c - mprotect: change what may be done with mapped memory.
 *
 * Linux:   mm/mprotect.c (6.1)
 * Same:    order of checks; what lies before a hole or a refusal has been changed when the call
 *          fails.
 * Differs: 1. pkey_mprotect() knows only key -1, none: the processors emulated here have no keys.
 * Locks:   MMAP_MTX.
 * Walk:    sys_mprotect -> mm_protect() -> vma_set_flags(), change_protection().
 */
#include "kernel/errno.h"
#include "kernel/mm/internal.h"
#include "kernel/syscall.h"
#include "kernel/task.h"

static unsigned long prot_flags(unsigned long prot)
{
	return (prot & PROT_READ ? VM_READ : 0UL) | (prot & PROT_WRITE ? VM_WRITE : 0UL) |
	       (prot & PROT_EXEC ? VM_EXEC : 0UL);
}

/* Is each right that @flags give one that the mapping may have? */
static bool rights_permitted(unsigned long flags)
{
	static_assert(VM_READ << 4 == VM_MAYREAD && VM_WRITE << 4 == VM_MAYWRITE &&
			      VM_EXEC << 4 == VM_MAYEXEC,
		      "bits in parallel");
	return !((flags & ~(flags >> 4)) & VM_ACCESS_FLAGS);
}

/* [@start, @end) lies in *@vma. On success *@vma covers @end - 1. */
static int protect_vma(struct mm_struct *mm, struct vm_area_struct **vma, u64 start, u64 end,
		       unsigned long prot)
{
	unsigned long flags = ((*vma)->vm_flags & ~VM_ACCESS_FLAGS) | prot_flags(prot);
	struct vm_area_struct *changed;
	u64 pages = (end - start) >> PAGE_SHIFT;

	if (!rights_permitted(flags))
		return -EACCES;
	if (flags == (*vma)->vm_flags)
		return 0;
	if (is_data_mapping(flags) && !is_data_mapping((*vma)->vm_flags) &&
	    mm->data_vm + pages > rlimit(RLIMIT_DATA) >> PAGE_SHIFT)
		return -ENOMEM;
	changed = vma_set_flags(mm, *vma, start, end, flags);
	if (!changed)
		return -ENOMEM;
	change_protection(changed, start, end);
	*vma = changed;
	return 0;
}

static int protect_range(struct mm_struct *mm, struct vm_area_struct *vma, u64 start, u64 end,
			 unsigned long prot)
{
	int err;

	for (;;) {
		u64 stop = min(end, vma->vm_end);

		err = protect_vma(mm, &vma, start, stop, prot);
		if (err || stop == end)
			return err;
		start = stop;
		vma = vma_continue(vma, start);
		if (!vma || vma->vm_start > start)
			return -ENOMEM;
	}
}

int mm_protect(struct mm_struct *mm, u64 start, u64 len, unsigned long prot)
{
	unsigned long grows = prot & (PROT_GROWSDOWN | PROT_GROWSUP);
	struct vm_area_struct *vma;
	u64 end;
	int err = -ENOMEM;

	prot &= ~(unsigned long)(PROT_GROWSDOWN | PROT_GROWSUP);
	if (grows == (PROT_GROWSDOWN | PROT_GROWSUP) || (start & ~PAGE_MASK))
		return -EINVAL;
	if (!len)
		return 0;
	end = start + ALIGN(len, PAGE_SIZE);
	if (end <= start)
		return -ENOMEM;
	if (prot & ~(unsigned long)(PROT_READ | PROT_WRITE | PROT_EXEC | PROT_SEM))
		return -EINVAL;
	mutex_lock(&mm->mmap_lock);
	vma = find_vma(mm, start);
	if (!vma || vma->vm_start >= end)
		goto out;
	if (grows) {
		err = -EINVAL; /* no mapping grows upwards here */
		if (grows == PROT_GROWSUP || !(vma->vm_flags & VM_GROWSDOWN))
			goto out;
		start = min(start, vma->vm_start);
	}
	err = -ENOMEM;
	if (vma->vm_start > start)
		goto out;
	err = protect_range(mm, vma, grows ? vma->vm_start : start, end, prot);
out:
	mutex_unlock(&mm->mmap_lock);
	return err;
}

SYSCALL_DEFINE3(mprotect, u64, start, u64, len, unsigned long, prot)
{
	return mm_protect(current->mm, start, len, prot);
}

SYSCALL_DEFINE4(pkey_mprotect, u64, start, u64, len, unsigned long, prot, int, pkey)
{
	return pkey == -1 ? mm_protect(current->mm, start, len, prot) : -EINVAL;
}

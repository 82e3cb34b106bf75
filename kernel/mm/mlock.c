/*
 * kernel/mm/mlock.c - memory that shall stay, and what is in memory: mlock, mlockall, mincore,
 * msync.
 *
 * Linux:   mm/mlock.c, mincore.c, msync.c (6.1)
 * Same:    limits, order of checks, VM_LOCKED; locking brings the pages in.
 * Differs: 1. nothing is ever paged out, so a locked page differs from others only in the accounts.
 *             2. mincore() knows a file's page only once it is mapped. 3. msync() has nothing to
 *             write back to: the page is the file.
 * Locks:   MMAP_MTX.
 * Walk:    sys_mlock -> lock_range() -> vma_set_flags(), mm_populate().
 */
#include "kernel/errno.h"
#include "kernel/mm/internal.h"
#include "kernel/syscall.h"
#include "kernel/task.h"
#include "kernel/uaccess.h"

enum {
	MLOCK_ONFAULT = 1, MCL_CURRENT = 1, MCL_FUTURE = 2, MCL_ONFAULT = 4, MS_ASYNC = 1,
	MS_INVALIDATE = 2, MS_SYNC = 4,
};

/*
 * VM_LOCKED on or off for all of [@start, @end). Return: 0 or -ENOMEM (a hole, too many mappings).
 */
static int set_locked(struct mm_struct *mm, u64 start, u64 end, unsigned long locked)
{
	struct vm_area_struct *vma = find_vma(mm, start);

	for (; start < end; vma = vma_continue(vma, start)) {
		u64 stop;

		if (!vma || vma->vm_start > start)
			return -ENOMEM;
		stop = min(end, vma->vm_end);
		vma = vma_set_flags(mm, vma, start, stop,
				    (vma->vm_flags & ~(unsigned long)VM_LOCKED) | locked);
		if (!vma)
			return -ENOMEM;
		start = stop;
	}
	return 0;
}

/* Pages of [@start, @end) that are locked already: they do not count twice. */
static u64 count_locked(struct mm_struct *mm, u64 start, u64 end)
{
	u64 pages = 0;

	for (struct vm_area_struct *vma = find_vma(mm, start); vma && vma->vm_start < end;
	     vma = vma_next(vma))
		if (vma->vm_flags & VM_LOCKED)
			pages += (min(end, vma->vm_end) - max(start, vma->vm_start)) >> PAGE_SHIFT;
	return pages;
}

static int lock_range(u64 start, u64 len, bool populate)
{
	struct mm_struct *mm = current->mm;
	u64 end;
	int err;

	if (!rlimit(RLIMIT_MEMLOCK) && !capable_root())
		return -EPERM;
	len = ALIGN(len + (start & ~PAGE_MASK), PAGE_SIZE);
	start &= PAGE_MASK;
	end = start + len;
	mutex_lock(&mm->mmap_lock);
	err = -ENOMEM;
	if (!may_lock(mm, len >> PAGE_SHIFT) &&
	    !may_lock(mm, (len >> PAGE_SHIFT) - count_locked(mm, start, end)))
		goto out;
	err = -EINVAL;
	if (end < start)
		goto out;
	err = set_locked(mm, start, end, VM_LOCKED);
	if (!err && populate)
		err = mm_populate(mm, start, end) ? -ENOMEM : 0;
out:
	mutex_unlock(&mm->mmap_lock);
	return err;
}

SYSCALL_DEFINE2(mlock, u64, start, u64, len) { return lock_range(start, len, true); }

SYSCALL_DEFINE3(mlock2, u64, start, u64, len, int, flags)
{
	if (flags & ~MLOCK_ONFAULT)
		return -EINVAL;
	return lock_range(start, len, !(flags & MLOCK_ONFAULT));
}

SYSCALL_DEFINE2(munlock, u64, start, u64, len)
{
	struct mm_struct *mm = current->mm;
	int err;

	len = ALIGN(len + (start & ~PAGE_MASK), PAGE_SIZE);
	start &= PAGE_MASK;
	if (start + len < start)
		return -EINVAL;
	mutex_lock(&mm->mmap_lock);
	err = set_locked(mm, start, start + len, 0);
	mutex_unlock(&mm->mmap_lock);
	return err;
}

/* Every mapping there is. What cannot be brought in stays out, as in Linux. */
static void lock_all(struct mm_struct *mm, unsigned long locked, bool populate)
{
	struct vm_area_struct *vma;

	for (vma = find_vma(mm, 0); vma; vma = vma_next(vma)) {
		vma = vma_set_flags(mm, vma, vma->vm_start, vma->vm_end,
				    (vma->vm_flags & ~(unsigned long)VM_LOCKED) | locked);
		if (!vma)
			return;
		if (populate && (vma->vm_flags & VM_ACCESS_FLAGS))
			(void)mm_populate(mm, vma->vm_start, vma->vm_end);
	}
}

SYSCALL_DEFINE1(mlockall, int, flags)
{
	struct mm_struct *mm = current->mm;
	int err = 0;

	if (!flags || (flags & ~(MCL_CURRENT | MCL_FUTURE | MCL_ONFAULT)) || flags == MCL_ONFAULT)
		return -EINVAL;
	if (!rlimit(RLIMIT_MEMLOCK) && !capable_root())
		return -EPERM;
	mutex_lock(&mm->mmap_lock);
	if ((flags & MCL_CURRENT) && mm->total_vm > rlimit(RLIMIT_MEMLOCK) >> PAGE_SHIFT &&
	    !capable_root()) {
		err = -ENOMEM;
	} else {
		mm->def_flags = flags & MCL_FUTURE ? VM_LOCKED : 0;
		if (flags & MCL_CURRENT)
			lock_all(mm, VM_LOCKED, !(flags & MCL_ONFAULT));
	}
	mutex_unlock(&mm->mmap_lock);
	return err;
}

SYSCALL_DEFINE0(munlockall)
{
	struct mm_struct *mm = current->mm;

	mutex_lock(&mm->mmap_lock);
	mm->def_flags = 0;
	lock_all(mm, 0, false);
	mutex_unlock(&mm->mmap_lock);
	return 0;
}

/* --- mincore --- */

enum { MINCORE_CHUNK = 256 };

/*
 * One byte for each page from @addr on, at most @n pages and not beyond its mapping. Return: how
 * many, or -ENOMEM.
 */
static int mincore_chunk(struct mm_struct *mm, u64 addr, int n, u8 *vec)
{
	struct vm_area_struct *vma = find_vma(mm, addr);

	if (!vma || vma->vm_start > addr)
		return -ENOMEM;
	n = (int)min((u64)n, (vma->vm_end - addr) >> PAGE_SHIFT);
	for (int i = 0; i < n; i++, addr += PAGE_SIZE) {
		const pte_t *pte = pte_walk(mm->pgd, addr, false);

		vec[i] = pte && *pte;
	}
	return n;
}

SYSCALL_DEFINE3(mincore, u64, start, u64, len, uptr, uvec)
{
	struct mm_struct *mm = current->mm;
	u64 pages = (len >> PAGE_SHIFT) + ((len & ~PAGE_MASK) != 0);
	u8 vec[MINCORE_CHUNK];

	if (start & ~PAGE_MASK)
		return -EINVAL;
	if (!access_ok(UPTR(start), len))
		return -ENOMEM;
	if (!access_ok(uvec, pages))
		return -EFAULT;
	while (pages) {
		int n;

		mutex_lock(&mm->mmap_lock);
		n = mincore_chunk(mm, start, (int)min(pages, (u64)MINCORE_CHUNK), vec);
		mutex_unlock(&mm->mmap_lock);
		if (n < 0)
			return n;
		if (copy_to_user(uvec, vec, (size_t)n))
			return -EFAULT;
		pages -= (u64)n;
		start += (u64)n << PAGE_SHIFT;
		uvec = uptr_add(uvec, (u64)n);
	}
	return 0;
}

/* --- msync --- */

/* Return: 0, or -ENOMEM if there is a hole. */
static int check_mapped(struct mm_struct *mm, u64 start, u64 end, bool invalidate)
{
	struct vm_area_struct *vma = find_vma(mm, start);

	for (; start < end; vma = vma_next(vma)) {
		if (!vma || vma->vm_start > start)
			return -ENOMEM;
		if (invalidate && (vma->vm_flags & VM_LOCKED))
			return -EBUSY;
		start = vma->vm_end;
	}
	return 0;
}

SYSCALL_DEFINE3(msync, u64, start, u64, len, int, flags)
{
	struct mm_struct *mm = current->mm;
	u64 end;
	int err;

	if ((flags & ~(MS_ASYNC | MS_INVALIDATE | MS_SYNC)) || (start & ~PAGE_MASK) ||
	    ((flags & MS_ASYNC) && (flags & MS_SYNC)))
		return -EINVAL;
	end = start + ALIGN(len, PAGE_SIZE);
	if (end < start)
		return -ENOMEM;
	mutex_lock(&mm->mmap_lock);
	err = check_mapped(mm, start, end, flags & MS_INVALIDATE);
	mutex_unlock(&mm->mmap_lock);
	return err;
}

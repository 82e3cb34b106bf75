/*
 * kernel/mm/mm.c - address spaces come and go: exec makes an empty one, fork a copy, the last
 * user's exit frees.
 *
 * Linux:   kernel/fork.c (mm_alloc, dup_mmap, mmput), mm/mmap.c (exit_mmap) (6.1)
 * Same:    a copy has the same mappings but those marked VM_DONTCOPY; locks on memory are not
 *          inherited.
 * Differs: 1. one count: what runs without an address space of its own does not hold on to one, it
 *             uses the page tables that are loaded, which pgd_free() keeps while any CPU has them.
 * Locks:   MMAP_MTX of the address space that is copied.
 * Walk:    kernel_clone() -> dup_mm();  do_exit() -> mmput().
 */
#include "kernel/bug.h"
#include "kernel/errno.h"
#include "kernel/mm/internal.h"
#include "kernel/string.h"

/* Room for the stack between mmap_base and the end of user space, whatever its limit is. */
#define MIN_STACK_GAP (128 * MIB)
#define MAX_STACK_GAP (TASK_SIZE / 6 * 5)

static struct kmem_cache *mm_cache;

void mmap_init(void)
{
	mm_cache = kmem_cache_create("mm_struct", sizeof(struct mm_struct), 64);
	vma_init();
	fault_init();
}

static u64 mmap_base(void)
{
	u64 stack = min(rlimit(RLIMIT_STACK), MAX_STACK_GAP);

	return ALIGN_DOWN(TASK_SIZE - clamp(stack + STACK_GUARD_GAP, MIN_STACK_GAP, MAX_STACK_GAP),
			  PAGE_SIZE);
}

/* Lists and locks; everything else as it is. */
static int mm_init(struct mm_struct *mm)
{
	mm->pgd = pgd_alloc();
	if (!mm->pgd)
		return -ENOMEM;
	refcount_set(&mm->mm_users, 1);
	mutex_init(&mm->mmap_lock, LC_MMAP_MTX);
	INIT_LIST_HEAD(&mm->mmap);
	mm->mm_rb = RB_ROOT;
	mm->mmap_cache = NULL;
	mm->pt_cache_addr = 1;
	mm->map_count = 0;
	mm->total_vm = 0;
	mm->data_vm = 0;
	mm->locked_vm = 0;
	mm->def_flags = 0;
	atomic_long_set(&mm->rss, 0);
	return 0;
}

struct mm_struct *mm_alloc(void)
{
	struct mm_struct *mm = kmem_cache_zalloc(mm_cache, GFP_KERNEL);

	if (!mm)
		return NULL;
	if (mm_init(mm)) {
		kmem_cache_free(mm_cache, mm);
		return NULL;
	}
	mm->mmap_base = mmap_base();
	return mm;
}

/*
 * Nobody runs here any more, so nothing needs to be flushed; entries are zeroed, for the tables are
 * used again.
 */
static void exit_mmap(struct mm_struct *mm)
{
	struct vm_area_struct *vma, *next;
	struct mmu_gather tlb;

	tlb_gather(&tlb, mm, true);
	list_for_each_entry(vma, &mm->mmap, vm_list)
		zap_range(&tlb, vma->vm_start, vma->vm_end);
	tlb_finish(&tlb);
	list_for_each_entry_safe(vma, next, &mm->mmap, vm_list)
		vma_close(vma);
}

void mmput(struct mm_struct *mm)
{
	if (!refcount_dec_and_test(&mm->mm_users))
		return;
	exit_mmap(mm);
	WARN_ON(atomic_long_read(&mm->rss) != 0);
	if (mm->exe_file)
		mm_release_exe_file(mm->exe_file);
	pgd_free(mm->pgd);
	kmem_cache_free(mm_cache, mm);
}

static int dup_vma(struct mm_struct *mm, struct vm_area_struct *vma)
{
	struct vm_area_struct *copy = vm_area_alloc(mm);

	if (!copy)
		return -ENOMEM;
	*copy = *vma;
	copy->vm_mm = mm;
	copy->vm_flags &= ~(unsigned long)VM_LOCKED;
	vma_append(mm, copy);
	if (copy->vm_ops && copy->vm_ops->open)
		copy->vm_ops->open(copy);
	if (copy->vm_flags & VM_WIPEONFORK)
		copy->vm_has_anon = false;
	return copy->vm_has_anon ? copy_page_range(mm, vma) : 0;
}

static int dup_mmap(struct mm_struct *mm, struct mm_struct *old)
{
	struct vm_area_struct *vma;
	int err = 0;

	list_for_each_entry(vma, &old->mmap, vm_list) {
		if (!(vma->vm_flags & VM_DONTCOPY))
			err = dup_vma(mm, vma);
		if (err)
			break;
	}
	return err;
}

struct mm_struct *dup_mm(struct mm_struct *old)
{
	struct mm_struct *mm = kmem_cache_alloc(mm_cache, GFP_KERNEL);
	int err;

	if (!mm)
		return NULL;
	mutex_lock(&old->mmap_lock);
	memcpy(mm, old, sizeof(*mm));
	err = mm_init(mm);
	if (err) {
		mutex_unlock(&old->mmap_lock);
		kmem_cache_free(mm_cache, mm);
		return NULL;
	}
	if (mm->exe_file)
		mm_get_exe_file(mm->exe_file);
	err = dup_mmap(mm, old);
	mutex_unlock(&old->mmap_lock);
	if (!err)
		return mm;
	mmput(mm);
	return NULL;
}

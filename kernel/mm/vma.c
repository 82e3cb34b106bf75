/*
 * kernel/mm/vma.c - the ordered set of mappings of an address space: find, link, split, merge,
 * place.
 *
 * Linux:   mm/mmap.c, include/linux/mm.h (6.1)
 * Same:    neighbors that are alike become one; new mappings are placed from mmap_base downwards; a
 *          stack keeps a gap of 256 pages below it free of others.
 * Differs: 1. a red-black tree and a list, as in Linux before its maple tree. 2. the gap for a new
 *             mapping is found by walking the list. 3. addresses are not randomised: the same
 *             program maps the same addresses.
 * Locks:   mmap_lock is held.
 * Walk:    sys_mmap -> do_mmap() -> get_unmapped_area() -> vma_link();  fault_in() -> find_vma().
 */
#include "kernel/errno.h"
#include "kernel/mm/internal.h"
#include "kernel/slab.h"

#define TASK_UNMAPPED_BASE ALIGN_DOWN(TASK_SIZE / 3, PAGE_SIZE)	/* upwards from here when below mmap_base is full */
#define MAP_32BIT_START 0x40000000UL
#define MAP_32BIT_END 0x80000000UL

static struct kmem_cache *vma_cache;

void vma_init(void)
{
	vma_cache = kmem_cache_create("vm_area_struct", sizeof(struct vm_area_struct), 0);
}

struct vm_area_struct *vm_area_alloc(struct mm_struct *mm)
{
	struct vm_area_struct *vma = kmem_cache_alloc(vma_cache, GFP_KERNEL);

	if (vma)
		*vma = (struct vm_area_struct){ .vm_mm = mm };
	return vma;
}

void vm_area_free(struct vm_area_struct *vma) { kmem_cache_free(vma_cache, vma); }

/* --- finding --- */

struct vm_area_struct *find_vma(struct mm_struct *mm, u64 addr)
{
	struct vm_area_struct *found = mm->mmap_cache;
	struct rb_node *n = mm->mm_rb.rb_node;

	if (found && found->vm_start <= addr && addr < found->vm_end)
		return found;
	found = NULL;
	while (n) {
		struct vm_area_struct *vma = rb_entry(n, struct vm_area_struct, vm_rb);

		if (vma->vm_end <= addr) {
			n = n->rb_right;
			continue;
		}
		found = vma;
		if (vma->vm_start <= addr)
			break;
		n = n->rb_left;
	}
	mm->mmap_cache = found;
	return found;
}

struct vm_area_struct *vma_next(const struct vm_area_struct *vma)
{
	struct list_head *next = vma->vm_list.next;

	return next == &vma->vm_mm->mmap ? NULL : list_entry(next, struct vm_area_struct, vm_list);
}

struct vm_area_struct *vma_prev(const struct vm_area_struct *vma)
{
	struct list_head *prev = vma->vm_list.prev;

	return prev == &vma->vm_mm->mmap ? NULL : list_entry(prev, struct vm_area_struct, vm_list);
}

struct vm_area_struct *vma_before(struct mm_struct *mm, u64 addr)
{
	struct vm_area_struct *found = NULL;
	struct rb_node *n = mm->mm_rb.rb_node;

	while (n) {
		struct vm_area_struct *vma = rb_entry(n, struct vm_area_struct, vm_rb);

		if (vma->vm_start < addr) {
			found = vma;
			n = n->rb_right;
		} else {
			n = n->rb_left;
		}
	}
	return found;
}

struct vm_area_struct *find_vma_intersection(struct mm_struct *mm, u64 start, u64 end)
{
	struct vm_area_struct *vma = find_vma(mm, start);

	return vma && vma->vm_start < end ? vma : NULL;
}

/* --- linking --- */

void vma_account(struct mm_struct *mm, unsigned long flags, s64 pages)
{
	mm->total_vm += (u64)pages;
	if (is_data_mapping(flags))
		mm->data_vm += (u64)pages;
	if (flags & VM_LOCKED)
		mm->locked_vm += (u64)pages;
}

void vma_link(struct mm_struct *mm, struct vm_area_struct *vma)
{
	struct rb_node **link = &mm->mm_rb.rb_node, *parent = NULL;
	struct vm_area_struct *prev = NULL;

	while (*link) {
		struct vm_area_struct *v = rb_entry(*link, struct vm_area_struct, vm_rb);

		parent = *link;
		if (v->vm_start < vma->vm_start) {
			prev = v;
			link = &parent->rb_right;
		} else {
			link = &parent->rb_left;
		}
	}
	rb_link_node(&vma->vm_rb, parent, link);
	rb_insert_color(&vma->vm_rb, &mm->mm_rb);
	list_add(&vma->vm_list, prev ? &prev->vm_list : &mm->mmap);
	mm->map_count++;
	vma_account(mm, vma->vm_flags, (s64)vma_pages(vma));
}

void vma_append(struct mm_struct *mm, struct vm_area_struct *vma)
{
	struct rb_node *last = NULL;

	if (!list_empty(&mm->mmap))
		last = &list_last_entry(&mm->mmap, struct vm_area_struct, vm_list)->vm_rb;
	rb_link_node(&vma->vm_rb, last, last ? &last->rb_right : &mm->mm_rb.rb_node);
	rb_insert_color(&vma->vm_rb, &mm->mm_rb);
	list_add_tail(&vma->vm_list, &mm->mmap);
	mm->map_count++;
	vma_account(mm, vma->vm_flags, (s64)vma_pages(vma));
}

/* Out of tree and list; the pages stay accounted for. */
static void vma_detach(struct mm_struct *mm, struct vm_area_struct *vma)
{
	if (mm->mmap_cache == vma)
		mm->mmap_cache = NULL;
	rb_erase(&vma->vm_rb, &mm->mm_rb);
	list_del(&vma->vm_list);
	mm->map_count--;
}

void vma_unlink(struct mm_struct *mm, struct vm_area_struct *vma)
{
	vma_detach(mm, vma);
	vma_account(mm, vma->vm_flags, -(s64)vma_pages(vma));
}

void vma_close(struct vm_area_struct *vma)
{
	if (vma->vm_ops && vma->vm_ops->close)
		vma->vm_ops->close(vma);
	vm_area_free(vma);
}

/* --- splitting and merging --- */

int split_vma(struct mm_struct *mm, struct vm_area_struct *vma, u64 addr)
{
	struct vm_area_struct *upper;

	if (mm->map_count >= MAX_MAP_COUNT)
		return -ENOMEM;
	upper = vm_area_alloc(mm);
	if (!upper)
		return -ENOMEM;
	*upper = *vma;
	upper->vm_start = addr;
	upper->vm_pgoff = vma_pgoff(vma, addr);
	vma_account(mm, vma->vm_flags, -(s64)vma_pages(upper));
	vma->vm_end = addr;
	vma_link(mm, upper);
	if (upper->vm_ops && upper->vm_ops->open)
		upper->vm_ops->open(upper);
	return 0;
}

static bool can_merge(const struct vm_area_struct *lower, const struct vm_area_struct *upper)
{
	if (lower->vm_end != upper->vm_start || lower->vm_flags != upper->vm_flags ||
	    lower->vm_file != upper->vm_file || lower->vm_ops != upper->vm_ops ||
	    lower->vm_private_data != upper->vm_private_data)
		return false;
	return !lower->vm_ops || lower->vm_pgoff + vma_pages(lower) == upper->vm_pgoff;
}

/* @upper becomes part of @lower. */
static void absorb(struct mm_struct *mm, struct vm_area_struct *lower, struct vm_area_struct *upper)
{
	vma_detach(mm, upper);
	lower->vm_end = upper->vm_end;
	lower->vm_has_anon |= upper->vm_has_anon;
	vma_close(upper);
}

struct vm_area_struct *merge_vma(struct mm_struct *mm, struct vm_area_struct *vma)
{
	struct vm_area_struct *next = vma_next(vma), *prev = vma_prev(vma);

	if (next && can_merge(vma, next))
		absorb(mm, vma, next);
	if (!prev || !can_merge(prev, vma))
		return vma;
	absorb(mm, prev, vma);
	return prev;
}

struct vm_area_struct *vma_isolate(struct mm_struct *mm, struct vm_area_struct *vma, u64 start,
				   u64 end)
{
	bool head = start > vma->vm_start, tail = end < vma->vm_end;

	/*
	 * Both pieces or none: the tail first, since a failure of the second split can then be
	 * undone by merging.
	 */
	if (tail && split_vma(mm, vma, end))
		return NULL;
	if (!head)
		return vma;
	if (split_vma(mm, vma, start)) {
		if (tail)
			merge_vma(mm, vma);
		return NULL;
	}
	return vma_next(vma);
}

struct vm_area_struct *vma_set_flags(struct mm_struct *mm, struct vm_area_struct *vma, u64 start,
				     u64 end, unsigned long flags)
{
	if (vma->vm_flags == flags)
		return vma;
	vma = vma_isolate(mm, vma, start, end);
	if (!vma)
		return NULL;
	vma_account(mm, vma->vm_flags, -(s64)vma_pages(vma));
	vma->vm_flags = flags;
	vma_account(mm, vma->vm_flags, (s64)vma_pages(vma));
	return merge_vma(mm, vma);
}

/* --- placing --- */

/* Where others must end: below a stack lies a gap into which it may grow. */
static u64 vm_start_gap(const struct vm_area_struct *vma)
{
	if (!(vma->vm_flags & VM_GROWSDOWN))
		return vma->vm_start;
	return vma->vm_start > STACK_GUARD_GAP ? vma->vm_start - STACK_GUARD_GAP : 0;
}

/*
 * The highest gap of @len bytes that ends at or below @high. Return: where it starts, 0 if there is
 * none.
 */
static u64 find_gap_down(struct mm_struct *mm, u64 low, u64 high, u64 len)
{
	struct vm_area_struct *vma = find_vma(mm, high);

	if (vma)
		high = min(high, vm_start_gap(vma)); /* a stack's gap */
	for (vma = vma_before(mm, high); high >= low + len; vma = vma_prev(vma)) {
		if (!vma || vma->vm_end + len <= high)
			return high - len;
		high = min(high, vm_start_gap(vma));
	}
	return 0;
}

static u64 find_gap_up(struct mm_struct *mm, u64 low, u64 high, u64 len)
{
	struct vm_area_struct *vma = find_vma(mm, low);

	for (; low + len <= high; vma = vma_next(vma)) {
		if (!vma || low + len <= vm_start_gap(vma))
			return low;
		low = max(low, vma->vm_end);
	}
	return 0;
}

static bool range_is_free(struct mm_struct *mm, u64 addr, u64 len)
{
	struct vm_area_struct *vma = find_vma(mm, addr);

	return !vma || addr + len <= vm_start_gap(vma);
}

s64 get_unmapped_area(struct mm_struct *mm, u64 addr, u64 len, unsigned long flags)
{
	if (len > TASK_SIZE)
		return -ENOMEM;
	if (flags & MAP_FIXED) {
		if (addr > TASK_SIZE - len)
			return -ENOMEM;
		if (addr & ~PAGE_MASK)
			return -EINVAL;
		return addr < MMAP_MIN_ADDR && !capable_root() ? -EPERM : (s64)addr;
	}
	if (flags & MAP_32BIT) {
		addr = find_gap_up(mm, MAP_32BIT_START, MAP_32BIT_END, len);
		return addr ? (s64)addr : -ENOMEM;
	}
	if (addr && addr <= TASK_SIZE - len && range_is_free(mm, addr, len))
		return (s64)addr;
	addr = find_gap_down(mm, MMAP_MIN_ADDR, mm->mmap_base, len);
	if (!addr)
		addr = find_gap_up(mm, TASK_UNMAPPED_BASE, TASK_SIZE, len);
	return addr ? (s64)addr : -ENOMEM;
}

/* --- limits --- */

bool may_expand_vm(struct mm_struct *mm, unsigned long flags, u64 pages)
{
	if (mm->total_vm + pages > rlimit(RLIMIT_AS) >> PAGE_SHIFT)
		return false;
	return !is_data_mapping(flags) || mm->data_vm + pages <= rlimit(RLIMIT_DATA) >> PAGE_SHIFT;
}

bool may_lock(struct mm_struct *mm, u64 pages)
{
	return mm->locked_vm + pages <= rlimit(RLIMIT_MEMLOCK) >> PAGE_SHIFT || capable_root();
}

int expand_stack(struct mm_struct *mm, struct vm_area_struct *vma, u64 addr)
{
	struct vm_area_struct *prev = vma_prev(vma);
	u64 start = addr & PAGE_MASK, grow;

	if (start < MMAP_MIN_ADDR)
		return -ENOMEM;
	/* Another stack, or what nobody can touch, may lie close. */
	if (prev && !(prev->vm_flags & VM_GROWSDOWN) && (prev->vm_flags & VM_ACCESS_FLAGS) &&
	    start < prev->vm_end + STACK_GUARD_GAP)
		return -ENOMEM;
	if (prev && start < prev->vm_end)
		return -ENOMEM;
	grow = (vma->vm_start - start) >> PAGE_SHIFT;
	if (!may_expand_vm(mm, vma->vm_flags, grow) || vma->vm_end - start > rlimit(RLIMIT_STACK))
		return -ENOMEM;
	if ((vma->vm_flags & VM_LOCKED) && !may_lock(mm, grow))
		return -ENOMEM;
	if (grow > vma->vm_pgoff && vma->vm_ops)
		return -ENOMEM;
	vma->vm_start = start;
	vma->vm_pgoff -= grow;
	vma_account(mm, vma->vm_flags, (s64)grow);
	return 0;
}

/*
 * kernel/mm/fault.c - page faults: bring in what the mapping promises, or say why not.
 *
 * Linux:   arch/x86/mm/fault.c, mm/memory.c, mm/filemap.c (fault-around) (6.1)
 * Same:    demand zero (reads share one page of zeros), copy on write (the last owner of a page
 *          keeps it), file pages from vm_ops->fault(), several at once where they are in memory
 *          already; signals and their codes.
 * Differs: 1. no retry: mmap_lock is kept while a page is brought in. 2. out of memory ends the
 *             program that faulted, not the largest one. 3. no copy of a private file page is
 *             shared before it is written.
 * Locks:   MMAP_MTX, then what vm_ops->fault() takes (MAPPING_MTX).
 * Walk:    page_fault_entry -> do_page_fault() -> handle_mm_fault() -> fault_in().
 */
#include "kernel/bug.h"
#include "kernel/errno.h"
#include "kernel/irqflags.h"
#include "kernel/mm/internal.h"
#include "kernel/preempt.h"
#include "kernel/printk.h"
#include "kernel/signal.h"
#include "kernel/string.h"
#include "kernel/trace.h"

enum { FAULT_AROUND_PAGES = 16 };	/* Linux's 64 KiB; aligned, so inside one page of entries */

static struct page *zero_page;

void fault_init(void)
{
	zero_page = alloc_page(GFP_ATOMIC | __GFP_ZERO | __GFP_NOFAIL_TEST);
	if (!zero_page)
		panic("no memory for the page of zeros");
}

static pte_t make_pte(const struct page *page, u64 bits) { return page_to_phys(page) | bits; }

/* @page, which is nobody else's, into @pte. */
static void set_anon_pte(struct vm_area_struct *vma, pte_t *pte, struct page *page)
{
	u64 write = vma->vm_flags & VM_WRITE ? PTE_WRITE | PTE_DIRTY : 0;

	vma->vm_has_anon = true;
	WRITE_ONCE(*pte, make_pte(page, pte_bits(vma->vm_flags) | PTE_SOFT_ANON | write));
}

static int do_anonymous_page(struct vm_area_struct *vma, pte_t *pte, bool write)
{
	struct page *page;

	if (!write) {
		WRITE_ONCE(*pte, make_pte(zero_page, pte_bits(vma->vm_flags) | PTE_SOFT_NOFREE));
		return 0;
	}
	page = alloc_page(GFP_KERNEL | __GFP_ZERO);
	if (!page)
		return -ENOMEM;
	set_anon_pte(vma, pte, page);
	atomic_long_inc(&vma->vm_mm->rss);
	return 0;
}

/* The program writes to a page that it shares (or to zeros): it gets its own. */
static int copy_on_write(struct vm_area_struct *vma, pte_t *pte, u64 addr)
{
	pte_t old = *pte;
	struct page *page = alloc_page(GFP_KERNEL | (old & PTE_SOFT_NOFREE ? __GFP_ZERO : 0));

	if (!page)
		return -ENOMEM;
	if (!(old & PTE_SOFT_NOFREE))
		copy_page(page_address(page), phys_to_virt(old & PTE_ADDR_MASK));
	set_anon_pte(vma, pte, page);
	flush_tlb_page(vma->vm_mm, addr);
	if (old & PTE_SOFT_NOFREE)
		atomic_long_inc(&vma->vm_mm->rss);
	else
		put_page(phys_to_page(old & PTE_ADDR_MASK));
	return 0;
}

static int do_wp_page(struct vm_area_struct *vma, pte_t *pte, u64 addr)
{
	pte_t entry = *pte;
	bool ours = vma->vm_flags & VM_SHARED;

	if (entry & PTE_SOFT_ANON)
		ours = ours || refcount_read(&phys_to_page(entry & PTE_ADDR_MASK)->refs) == 1;
	if (!ours)
		return copy_on_write(vma, pte, addr);
	/*
	 * No flush: a CPU that still thinks it read-only faults once more, and finds it writable.
	 */
	WRITE_ONCE(*pte, entry | PTE_WRITE | PTE_DIRTY);
	return 0;
}

/* --- pages of files --- */

static void set_file_pte(struct vm_area_struct *vma, pte_t *pte, struct page *page)
{
	u64 write = (vma->vm_flags & (VM_SHARED | VM_WRITE)) == (VM_SHARED | VM_WRITE) ?
			    PTE_WRITE | PTE_DIRTY :
			    0;

	WRITE_ONCE(*pte, make_pte(page, pte_bits(vma->vm_flags) | write));
	atomic_long_inc(&vma->vm_mm->rss);
}

/*
 * Programs that read one page of a file read the next ones too: map those that are there already.
 */
static void do_fault_around(struct vm_area_struct *vma, pte_t *pte, u64 addr)
{
	struct page *pages[FAULT_AROUND_PAGES];
	u64 start = max(ALIGN_DOWN(addr, FAULT_AROUND_PAGES * PAGE_SIZE), vma->vm_start);
	u64 end = min(ALIGN_DOWN(addr, FAULT_AROUND_PAGES * PAGE_SIZE) +
			      FAULT_AROUND_PAGES * PAGE_SIZE,
		      vma->vm_end);
	unsigned int nr = (unsigned int)((end - start) >> PAGE_SHIFT);

	pte -= (addr - start) >> PAGE_SHIFT;
	vma->vm_ops->map_pages(vma, vma_pgoff(vma, start), nr, pages);
	for (unsigned int i = 0; i < nr; i++) {
		if (!pages[i])
			continue;
		if (pte[i])
			put_page(pages[i]);
		else
			set_file_pte(vma, &pte[i], pages[i]);
	}
}

/* A private page of a file that is written before it was ever read: copied at once. */
static int do_cow_fault(struct vm_area_struct *vma, pte_t *pte, struct page *file_page)
{
	struct page *page = alloc_page(GFP_KERNEL);

	if (page) {
		copy_page(page_address(page), page_address(file_page));
		set_anon_pte(vma, pte, page);
		atomic_long_inc(&vma->vm_mm->rss);
	}
	put_page(file_page);
	return page ? 0 : -ENOMEM;
}

static int do_file_page(struct vm_area_struct *vma, pte_t *pte, u64 addr, bool write)
{
	bool copy = write && !(vma->vm_flags & VM_SHARED);
	struct vm_fault vmf = {
		.vma = vma, .address = addr, .pgoff = vma_pgoff(vma, addr), .write = write
	};
	int err;

	if (!copy && vma->vm_ops->map_pages) {
		do_fault_around(vma, pte, addr);
		if (*pte)
			return 0;
	}
	err = vma->vm_ops->fault(&vmf);
	if (err)
		return err == -ENOMEM ? err : -EIO;
	if (copy)
		return do_cow_fault(vma, pte, vmf.page);
	set_file_pte(vma, pte, vmf.page);
	return 0;
}

/* --- one fault --- */

static bool access_allowed(unsigned long flags, bool write, bool exec)
{
	if (write)
		return flags & VM_WRITE;
	if (exec)
		return flags & VM_EXEC;
	return flags &
	       VM_ACCESS_FLAGS; /* x86 cannot let a program write or run what it may not read */
}

/* The mapping that @addr falls into, a stack grown if need be. Return: 0, -EFAULT, -EACCES. */
static int find_faulting_vma(struct mm_struct *mm, u64 addr, bool write, bool exec,
			     struct vm_area_struct **found)
{
	struct vm_area_struct *vma = find_vma(mm, addr);

	if (!vma)
		return -EFAULT;
	if (unlikely(addr < vma->vm_start) &&
	    (!(vma->vm_flags & VM_GROWSDOWN) || expand_stack(mm, vma, addr)))
		return -EFAULT;
	if (unlikely(!access_allowed(vma->vm_flags, write, exec)))
		return -EACCES;
	*found = vma;
	return 0;
}

/* The entry for @addr, made if need be. Faults come in swarms: the last table is remembered. */
static pte_t *fault_pte(struct mm_struct *mm, u64 addr)
{
	unsigned int index = addr >> PAGE_SHIFT & (PT_SIZE / PAGE_SIZE - 1);
	pte_t *pte;

	if (likely(mm->pt_cache_addr == ALIGN_DOWN(addr, PT_SIZE)))
		return mm->pt_cache + index;
	pte = pte_walk(mm->pgd, addr, true);
	if (pte) {
		mm->pt_cache_addr = ALIGN_DOWN(addr, PT_SIZE);
		mm->pt_cache = pte - index;
	}
	return pte;
}

int fault_in(struct mm_struct *mm, u64 addr, bool write, bool exec)
{
	struct vm_area_struct *vma;
	pte_t *pte;
	int err = find_faulting_vma(mm, addr, write, exec, &vma);

	if (err)
		return err;
	addr &= PAGE_MASK;
	pte = fault_pte(mm, addr);
	if (!pte)
		return -ENOMEM;
	if (!*pte)
		return vma_is_anonymous(vma) ? do_anonymous_page(vma, pte, write) :
					       do_file_page(vma, pte, addr, write);
	if (write && !(*pte & PTE_WRITE))
		return do_wp_page(vma, pte, addr);
	return 0; /* another thread was here first */
}

int handle_mm_fault(struct mm_struct *mm, u64 addr, bool write, bool exec)
{
	int err;

	mutex_lock(&mm->mmap_lock);
	err = fault_in(mm, addr, write, exec);
	mutex_unlock(&mm->mmap_lock);
	return err;
}

/* --- from the trap --- */

static __cold void user_fault_failed(u64 addr, int err)
{
	switch (err) {
	case -ENOMEM:
		pr_err("Out of memory: killed process %d (%s), %ld KiB\n", current->tgid,
		       current->comm,
		       current->mm ? atomic_long_read(&current->mm->rss) * (long)(PAGE_SIZE / KIB) :
				     0);
		force_sig(SIGKILL);
		return;
	case -EIO:
		force_sig_fault(SIGBUS, BUS_ADRERR, addr);
		return;
	default:
		force_sig_fault(SIGSEGV, err == -EACCES ? SEGV_ACCERR : SEGV_MAPERR, addr);
	}
}

static __noreturn __cold void kernel_fault_unexpected(struct pt_regs *regs, u64 addr, u64 error)
{
	printk_panic_mode();
	printk(LOGLEVEL_EMERG, "unable to %s address %#lx%s\n",
	       error & X86_TRAP_PF_INSTR ? "run" :
	       error & X86_TRAP_PF_WRITE ? "write" :
					   "read",
	       addr, addr < PAGE_SIZE ? " (NULL pointer)" : "");
	die("page fault", regs, error);
}

/* Memory that a program may touch is not what fail_nth is after: there it could only be killed. */
static int fault_of_program(struct mm_struct *mm, u64 addr, u64 error)
{
	long fail_nth = CONFIG_DEBUG ? current->fail_nth : 0;
	int err;

	current->min_flt++;
	if (CONFIG_DEBUG)
		current->fail_nth = 0;
	err = handle_mm_fault(mm, addr, error & X86_TRAP_PF_WRITE, error & X86_TRAP_PF_INSTR);
	if (CONFIG_DEBUG)
		current->fail_nth = fail_nth;
	return err;
}

/* In the kernel only copies to and from user memory may fault, and only where they may sleep. */
static void kernel_fault(struct pt_regs *regs, u64 addr, u64 error)
{
	struct mm_struct *mm = current->mm;
	int err = -EFAULT;

	if (addr < TASK_SIZE && mm && !in_atomic() && !irqs_disabled() &&
	    !(error & (X86_TRAP_PF_INSTR | X86_TRAP_PF_RSVD)))
		err = fault_of_program(mm, addr, error);
	if (!err)
		return;
	if (!fixup_exception(regs))
		kernel_fault_unexpected(regs, addr, error);
	if (err == -ENOMEM)
		user_fault_failed(addr, err);
}

void do_page_fault(struct pt_regs *regs, u64 addr, u64 error)
{
	int err;

	trace(page_fault, addr, regs->rip, error);
	if (unlikely(!user_mode(regs))) {
		kernel_fault(regs, addr, error);
		return;
	}
	if (unlikely(error & X86_TRAP_PF_RSVD))
		die("corrupt page table", regs, error);
	err = addr < TASK_SIZE ? fault_of_program(current->mm, addr, error) : -EFAULT;
	if (unlikely(err)) {
		current->thread.cr2 = addr;
		current->thread.error_code = error;
		current->thread.trap_nr = 14; /* SDM vol. 3, 6.15: #PF */
		user_fault_failed(addr, err);
	}
}

/* --- other people's memory --- */

/* mmap_lock held. */
static struct page *get_page_locked(struct mm_struct *mm, u64 addr, bool write)
{
	struct page *page;
	pte_t *pte;

	if (addr >= TASK_SIZE || fault_in(mm, addr, write, false))
		return NULL;
	pte = fault_pte(mm, addr);
	page = phys_to_page(*pte & PTE_ADDR_MASK);
	get_page(page);
	return page;
}

struct page *get_user_page(struct mm_struct *mm, u64 addr, bool write)
{
	struct page *page;

	mutex_lock(&mm->mmap_lock);
	page = get_page_locked(mm, addr, write);
	mutex_unlock(&mm->mmap_lock);
	return page;
}

size_t access_process_vm(struct mm_struct *mm, u64 addr, void *buf, size_t len, bool write)
{
	size_t done = 0;

	while (done < len) {
		struct page *page = get_user_page(mm, addr + done, write);
		size_t offset = (addr + done) & ~PAGE_MASK, n = min(PAGE_SIZE - offset, len - done);
		u8 *there;

		if (!page)
			break;
		there = (u8 *)page_address(page) + offset;
		if (write)
			memcpy(there, (u8 *)buf + done, n);
		else
			memcpy((u8 *)buf + done, there, n);
		put_page(page);
		done += n;
	}
	return done;
}

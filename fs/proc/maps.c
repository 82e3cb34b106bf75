/*
 * fs/proc/maps.c - /proc/PID/maps and smaps: what is mapped where.
 *
 * Linux:   fs/proc/task_mmu.c (6.1)
 * Same:    the line of a mapping; [heap] and [stack].
 * Differs: 1. smaps counts present pages and calls all of them private and dirty, but those of shared mappings.
 * Locks:   MMAP_MTX of the process looked at.
 * Walk:    read("/proc/self/maps") -> proc_pid_maps().
 */
#include "fs/proc/internal.h"
#include "kernel/mm.h"
#include "kernel/string.h"

static void show_name(struct seq_file *m, const struct mm_struct *mm, const struct vm_area_struct *vma)
{
	if (vma->vm_file && vma->vm_file->f_path.dentry) {
		char *buf = __getname();
		char *s = buf ? d_path(&vma->vm_file->f_path, buf, PATH_MAX) : ERR_PTR(-ENOMEM);

		if (!IS_ERR(s))
			seq_puts(m, s);
		if (buf)
			__putname(buf);
	} else if (vma->vm_start <= mm->brk && vma->vm_end >= mm->start_brk && mm->brk > mm->start_brk) {
		seq_puts(m, "[heap]");
	} else if (vma->vm_start <= mm->start_stack && vma->vm_end > mm->start_stack) {
		seq_puts(m, "[stack]");
	}
}

static void show_vma(struct seq_file *m, const struct mm_struct *mm, const struct vm_area_struct *vma)
{
	const struct inode *inode = vma->vm_file ? vma->vm_file->f_inode : NULL;
	u64 dev = inode ? new_encode_dev(inode->i_sb->s_dev) : 0;
	size_t start = m->count;

	seq_printf(m, "%08llx-%08llx %c%c%c%c %08llx %02x:%02x %llu ", (unsigned long long)vma->vm_start,
		   (unsigned long long)vma->vm_end, vma->vm_flags & VM_READ ? 'r' : '-',
		   vma->vm_flags & VM_WRITE ? 'w' : '-', vma->vm_flags & VM_EXEC ? 'x' : '-',
		   vma->vm_flags & VM_SHARED ? 's' : 'p',
		   (unsigned long long)(vma->vm_file ? vma->vm_pgoff << PAGE_SHIFT : 0),
		   (unsigned int)(dev >> 8 & 0xfff), (unsigned int)(dev & 0xff),
		   inode ? (unsigned long long)inode->i_ino : 0);
	/* names stand in column 74, as in Linux */
	size_t name_at = m->count;

	while (!m->overflow && m->count - start < 73)
		seq_putc(m, ' ');
	size_t padded = m->count;

	show_name(m, mm, vma);
	if (m->count == padded)
		m->count = name_at;
	seq_putc(m, '\n');
}

static u64 count_present(struct mm_struct *mm, const struct vm_area_struct *vma)
{
	u64 n = 0;

	assert_held(&mm->mmap_lock);
	for (u64 a = vma->vm_start; a < vma->vm_end; a += PAGE_SIZE) {
		const pte_t *pte = pte_walk(mm->pgd, a, false);

		if (!pte)
			a = ALIGN_DOWN(a, 2 * MIB) + 2 * MIB - PAGE_SIZE;	/* no table here: on to the next */
		else if (*pte & PTE_PRESENT)
			n++;
	}
	return n;
}

static void show_smap(struct seq_file *m, struct mm_struct *mm, const struct vm_area_struct *vma)
{
	unsigned long long size = (vma->vm_end - vma->vm_start) / KIB, rss = count_present(mm, vma) * (PAGE_SIZE / KIB);
	bool shared = vma->vm_flags & VM_SHARED;

	show_vma(m, mm, vma);
	seq_printf(m, "Size:           %8llu kB\nKernelPageSize: %8d kB\nMMUPageSize:    %8d kB\n", size, 4, 4);
	seq_printf(m, "Rss:            %8llu kB\nPss:            %8llu kB\n", rss, rss);
	seq_printf(m, "Shared_Clean:   %8d kB\nShared_Dirty:   %8llu kB\n", 0, shared ? rss : 0);
	seq_printf(m, "Private_Clean:  %8d kB\nPrivate_Dirty:  %8llu kB\n", 0, shared ? 0 : rss);
	seq_printf(m, "Referenced:     %8llu kB\nAnonymous:      %8llu kB\nAnonHugePages:  %8d kB\n", rss,
		   vma->vm_file ? 0 : rss, 0);
	seq_printf(m, "Swap:           %8d kB\nSwapPss:        %8d kB\nLocked:         %8d kB\n", 0, 0, 0);
}

static void show_all(struct seq_file *m, struct task_struct *p, bool detailed)
{
	struct mm_struct *mm = may_see(p) ? get_task_mm(p) : NULL;
	struct vm_area_struct *vma;

	if (!mm)
		return;
	mutex_lock(&mm->mmap_lock);
	list_for_each_entry(vma, &mm->mmap, vm_list) {
		if (detailed)
			show_smap(m, mm, vma);
		else
			show_vma(m, mm, vma);
		if (m->overflow)
			break;
	}
	mutex_unlock(&mm->mmap_lock);
	mmput(mm);
}

void proc_pid_maps(struct seq_file *m, struct task_struct *p)
{
	show_all(m, p, false);
}

void proc_pid_smaps(struct seq_file *m, struct task_struct *p)
{
	show_all(m, p, true);
}

/*
 * kernel/process/sys_mmap.c - the half of mmap that knows descriptors and files.
 *
 * Linux:   mm/mmap.c (ksys_mmap_pgoff), mm/shmem.c (shmem_zero_setup), kernel/fork.c (exe_file)
 *          (6.1)
 * Same:    order of checks; shared anonymous memory is a file that nobody else can name.
 * Differs: 1. no huge pages: MAP_HUGETLB is refused as by a machine that has reserved none.
 * Locks:   FDTABLE for a moment; MMAP_MTX in do_mmap().
 * Walk:    sys_mmap -> do_mmap() -> file_mmap().
 */
#include "fs/file.h"
#include "fs/fs.h"
#include "kernel/err.h"
#include "kernel/mm.h"
#include "kernel/syscall.h"

void mm_get_exe_file(struct file *file) { get_file(file); }
void mm_release_exe_file(struct file *file) { fput(file); }

static long map_fd(unsigned int fd, u64 addr, u64 len, unsigned long prot, unsigned long flags,
		   u64 pgoff)
{
	struct fd f = fdget(fd);
	s64 ret;

	if (!f.file)
		return -EBADF;
	ret = flags & MAP_HUGETLB ? -EINVAL : do_mmap(f.file, addr, len, prot, flags, pgoff);
	fdput(f);
	return ret;
}

static long map_shared_memory(u64 addr, u64 len, unsigned long prot, unsigned long flags)
{
	struct file *file = shmem_file_setup("dev/zero", (loff_t)ALIGN(len, PAGE_SIZE), O_RDWR);
	s64 ret;

	if (IS_ERR(file))
		return PTR_ERR(file);
	ret = do_mmap(file, addr, len, prot, flags, 0);
	fput(file);
	return ret;
}

SYSCALL_DEFINE6(mmap, u64, addr, u64, len, unsigned long, prot, unsigned long, flags, unsigned int,
		fd, u64, off)
{
	if (off & ~PAGE_MASK)
		return -EINVAL;
	if (!(flags & MAP_ANONYMOUS))
		return map_fd(fd, addr, len, prot, flags, off >> PAGE_SHIFT);
	if (flags & MAP_HUGETLB)
		return -ENOMEM;
	/* A length that cannot be right is for do_mmap() to refuse. */
	if ((flags & MAP_TYPE) == MAP_SHARED && len && len <= TASK_SIZE)
		return map_shared_memory(addr, len, prot, flags);
	return do_mmap(NULL, addr, len, prot, flags, off >> PAGE_SHIFT);
}

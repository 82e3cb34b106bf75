/*
 * kernel/mm.h - pages, address spaces and what is mapped in them.
 *
 * Linux:   include/linux/mm.h, mm_types.h, gfp.h (6.1)
 * Same:    struct page, mm_struct, vm_area_struct, vm_operations_struct.fault and map_pages; VM_*
 *          flags.
 * Differs: 1. VMAs in a red-black tree and a list. 2. no swap, no huge pages for users, no NUMA.
 *          3. mmap_lock is one mutex: faults of one address space do not run in parallel, so page
 *             tables need no lock of their own.
 * Locks:   mmap_lock (MMAP_MTX) for VMAs and the user half of the page tables.
 * Walk:    do_page_fault() -> handle_mm_fault().
 */
#pragma once
#include "kernel/arch.h"
#include "kernel/list.h"
#include "kernel/mutex.h"
#include "kernel/rbtree.h"
#include "kernel/refcount.h"
#include "kernel/slab.h"

struct file;
struct kmem_cache;

/* One physical page; 'mem_map' has one for each page frame, holes included (all zero there). */
struct page {
	refcount_t refs;		/* 0: free */
	u8 order;			/* of the block this page heads */
	u8 flags;			/* PG_* */
	u16 inuse; /* slab: objects not on its free list (SLAB lock of its cache) */
	union {
		struct list_head lru;	/* buddy list; list of slabs; owner's list */
		u64 private;
	};
	union {
		void *mapping;		/* struct address_space of a file page, for its owner */
		struct kmem_cache *slab_cache;	/* PG_SLAB: in every page of the slab */
	};
	union {
		u64 index;
		void *freelist;		/* slab: its free objects */
	};
};
/* PG_FREE is kept in test builds only: a second free is seen at once. */
enum { PG_SLAB = 1, PG_BUDDY = 2, PG_RESERVED = 4, PG_LARGE = 8, PG_FREE = 16, PG_POISONED = 32 };

extern struct page *mem_map;
extern u64 max_pfn;
static inline u64 page_to_pfn(const struct page *p) { return (u64)(p - mem_map); }
static inline struct page *pfn_to_page(u64 pfn) { return &mem_map[pfn]; }
static inline phys_addr_t page_to_phys(const struct page *p)
{
	return page_to_pfn(p) << PAGE_SHIFT;
}
static inline void *page_address(const struct page *p) { return phys_to_virt(page_to_phys(p)); }
static inline struct page *virt_to_page(const void *va)
{
	return pfn_to_page(virt_to_phys(va) >> PAGE_SHIFT);
}
static inline struct page *phys_to_page(phys_addr_t pa) { return pfn_to_page(pa >> PAGE_SHIFT); }

#define MAX_ORDER 10	/* the largest block: 4 MiB */
/*
 * alloc_pages - 2^order pages with one reference, or NULL. GFP_KERNEL leaves a reserve for
 * GFP_ATOMIC, and gives back caches before it fails. Context: any with GFP_ATOMIC, else task.
 */
struct page *alloc_pages(gfp_t gfp, unsigned int order) __must_check;
#define alloc_page(gfp) alloc_pages(gfp, 0)
void *get_free_page(gfp_t gfp) __must_check;
void free_page(void *va);
/*
 * free_pages - the block itself, its count ignored. get_page/put_page - the last put frees.
 * Context: any.
 */
void free_pages(struct page *page, unsigned int order);
static inline void get_page(struct page *p) { refcount_inc(&p->refs); }
void put_page(struct page *p);
/* get_order - the smallest order whose block holds @size bytes (not 0). */
static inline unsigned int get_order(size_t size)
{
	return size <= PAGE_SIZE ? 0 : 64 - (unsigned int)__builtin_clzl((size - 1) >> PAGE_SHIFT);
}
/*
 * mem_init - mem_map and the buddy lists from boot_info. nr_free_pages, totalram_pages - in pages.
 * Context: any.
 */
void mem_init(void);
u64 nr_free_pages(void);
u64 totalram_pages(void);
/* drain_all_pages - the free pages each CPU keeps go back to the buddy lists. Context: task. */
void drain_all_pages(void);
/*
 * free_initrd_mem - the boot loader's copy of the initramfs is not needed any more. Context: boot.
 */
void free_initrd_mem(void);
/*
 * memblock_alloc - memory before mem_init(), zeroed, never freed. Panics when there is none.
 * Context: boot.
 */
void *memblock_alloc(size_t size, size_t align);
/*
 * register_shrinker - @fn frees what a cache can do without when memory is short; it may not
 * allocate. Context: boot. @fn runs in a task that may hold mutexes: it takes spinlocks only.
 */
void register_shrinker(void (*fn)(void));
/* drop_caches - all that caches can do without becomes free pages. Context: task, irqs on. */
void drop_caches(void);

/*
 * vmalloc - @size bytes of single pages mapped one after another, a guard page behind; NULL: out of
 * memory. Context: task.
 */
void *vmalloc(size_t size) __must_check;
void vfree(void *p);

enum {
	VM_READ = 0x1, VM_WRITE = 0x2, VM_EXEC = 0x4, VM_SHARED = 0x8,
	VM_MAYREAD = 0x10, VM_MAYWRITE = 0x20, VM_MAYEXEC = 0x40, VM_MAYSHARE = 0x80,
	VM_GROWSDOWN = 0x100, VM_LOCKED = 0x2000, VM_DONTCOPY = 0x20000, VM_DONTEXPAND = 0x40000,
	VM_ACCOUNT = 0x100000, VM_NORESERVE = 0x200000, VM_WIPEONFORK = 0x2000000, VM_DONTDUMP =
	0x4000000,
};
struct vm_area_struct;
struct vm_fault {
	struct vm_area_struct *vma;
	u64 address;		/* page aligned */
	u64 pgoff;		/* page of the file */
	bool write;
	struct page *page;	/* out: with a reference for the mapping */
};
struct vm_operations_struct {
	void (*open)(struct vm_area_struct *vma);	/* a copy was made (fork, split) */
	void (*close)(struct vm_area_struct *vma);
	/*
	 * fill vmf->page. Return: 0, -ENOMEM (OOM), -EFAULT (SIGBUS). Context: task, mmap_lock
	 * held, may sleep.
	 */
	int (*fault)(struct vm_fault *vmf);
	/*
	 * May be NULL. Of the pages @pgoff .. @pgoff + @nr - 1 of the file, put those that are in
	 * memory into @pages, each with a reference, and NULL for the others. Context: as fault(),
	 * but does not read or allocate.
	 */
	void (*map_pages)(struct vm_area_struct *vma, u64 pgoff, unsigned int nr,
			  struct page **pages);
};
struct vm_area_struct {
	/* mmap_lock */
	u64 vm_start, vm_end;	/* page aligned, end exclusive */
	struct rb_node vm_rb;
	struct list_head vm_list;	/* in address order, head mm->mmap */
	struct mm_struct *vm_mm;
	unsigned long vm_flags;
	bool vm_has_anon;	/* it may have pages of its own: fork looks for them */
	u64 vm_pgoff;		/* offset in vm_file in pages */
	struct file *vm_file;	/* a reference, or NULL: anonymous */
	const struct vm_operations_struct *vm_ops;
	void *vm_private_data;
};
struct mm_struct {
	refcount_t mm_users;	/* one per task, and per borrower (get_task_mm) */
	struct mutex mmap_lock;
	/* mmap_lock */
	struct list_head mmap;
	struct rb_root mm_rb;
	struct vm_area_struct *mmap_cache;	/* what find_vma() found last, or NULL */
	u64 pt_cache_addr;	/* the 2 MiB whose page of entries was used last; 1: none */
	pte_t *pt_cache;	/* that page: it lives as long as the address space */
	int map_count;
	u64 mmap_base;		/* mappings are placed below, downwards */
	u64 total_vm;		/* pages mapped, of whatever kind */
	u64 data_vm;		/* of these, private and writable, but for the stack */
	u64 locked_vm;		/* of these, VM_LOCKED */
	unsigned long def_flags;	/* VM_LOCKED after mlockall(MCL_FUTURE) */
	u64 start_code, end_code, start_data, end_data, start_brk, brk, start_stack;
	u64 arg_start, arg_end, env_start, env_end;
	struct file *exe_file;	/* a reference, given up by mm_release_exe_file() */
	pte_t *pgd;		/* immutable; the tables below: mmap_lock */
	/* atomic */
	atomic_long_t rss;	/* pages present */
	u64 saved_auxv[48];
};

/*
 * mm_alloc - an empty address space, or NULL. mmget/mmput - the last put unmaps everything.
 * Context: task.
 */
struct mm_struct *mm_alloc(void) __must_check;
static inline void mmget(struct mm_struct *mm) { refcount_inc(&mm->mm_users); }
void mmput(struct mm_struct *mm);
/* dup_mm - a copy-on-write copy of @old (fork), or NULL. Context: task. */
struct mm_struct *dup_mm(struct mm_struct *old) __must_check;
/*
 * do_mmap - map @len bytes at @addr (a hint unless MAP_FIXED) of @file (NULL: anonymous) in
 * current's mm.
 * @prot PROT_*, @flags MAP_*, @pgoff in pages. Return: the address or -errno in Linux's order of
 * checks. Context: task, mmap_lock not held.
 */
s64 do_mmap(struct file *file, u64 addr, u64 len, unsigned long prot, unsigned long flags,
	    u64 pgoff);
/* do_munmap - Return: 0, -EINVAL, -ENOMEM. Context: task; takes mmap_lock. */
int do_munmap(struct mm_struct *mm, u64 addr, u64 len);
/* mm_map - do_mmap() into @mm, which need not be current's (exec). */
s64 mm_map(struct mm_struct *mm, struct file *file, u64 addr, u64 len, unsigned long prot,
	   unsigned long flags, u64 pgoff);
/* mm_protect - mprotect(2) in @mm. Return: 0 or its errors. Context: task; takes mmap_lock. */
int mm_protect(struct mm_struct *mm, u64 start, u64 len, unsigned long prot);
/* find_vma - the first VMA that ends above @addr, or NULL. Locks: mmap_lock held. */
struct vm_area_struct *find_vma(struct mm_struct *mm, u64 addr);
/*
 * handle_mm_fault - make @addr present. Return: 0, -EFAULT (SIGSEGV, nothing mapped), -EACCES
 * (SIGSEGV, not allowed), -ENOMEM, -EIO (SIGBUS). Context: task; takes mmap_lock.
 */
int handle_mm_fault(struct mm_struct *mm, u64 addr, bool write, bool exec);
/*
 * do_page_fault - from the trap entry. @error as the CPU pushed it (SDM vol. 3, 4.7). Context: task
 * or, for bugs, any.
 */
void do_page_fault(struct pt_regs *regs, u64 addr, u64 error);
/*
 * get_user_page - the page behind @addr of @mm, made present (for writing if @write), with a
 * reference; NULL if it cannot be. Context: task.
 */
struct page *get_user_page(struct mm_struct *mm, u64 addr, bool write);
/*
 * access_process_vm - copy to or from an address space, @buf in the kernel; writes go where the
 * program may write. Return: bytes done. Context: task.
 */
size_t access_process_vm(struct mm_struct *mm, u64 addr, void *buf, size_t len, bool write);
/*
 * file_mmap - @vma is to show @file: takes a reference for vma->vm_file, sets vm_ops (whose open
 * and close keep the count for copies). Return: 0, -ENODEV (cannot be mapped), -EACCES. Implemented
 * by fs/filemap.c: this folder knows files only through vm_ops. Context: task, mmap_lock held.
 */
int __must_check file_mmap(struct file *file, struct vm_area_struct *vma);
/*
 * mm_get_exe_file, mm_release_exe_file - the reference behind mm->exe_file;
 * kernel/process/sys_mmap.c. Context: task.
 */
void mm_get_exe_file(struct file *file);
void mm_release_exe_file(struct file *file);
void mmap_init(void);

enum {
	PROT_NONE = 0, PROT_READ = 1, PROT_WRITE = 2, PROT_EXEC = 4, PROT_SEM = 8, PROT_GROWSDOWN =
	0x01000000, PROT_GROWSUP = 0x02000000,
};
enum {
	MAP_SHARED = 1, MAP_PRIVATE = 2, MAP_SHARED_VALIDATE = 3, MAP_TYPE = 0xf, MAP_FIXED = 0x10,
	MAP_ANONYMOUS = 0x20,
	MAP_32BIT = 0x40, MAP_GROWSDOWN = 0x100, MAP_DENYWRITE = 0x800, MAP_EXECUTABLE = 0x1000,
	MAP_LOCKED = 0x2000,
	MAP_NORESERVE = 0x4000, MAP_POPULATE = 0x8000, MAP_NONBLOCK = 0x10000, MAP_STACK = 0x20000,
	MAP_HUGETLB = 0x40000,
	MAP_SYNC = 0x80000, MAP_FIXED_NOREPLACE = 0x100000,
};

/*
 * tests/unit/address_space.c - mappings, faults, fork and exit over the real page and slab
 * allocators, with page tables in memory and a CPU of a few lines. Random calls are compared with a
 * model that knows for each page what may be done with it and what it holds.
 */
#include "tests/unit/host.h"

void *memcpy(void *dst, const void *src, size_t n);
void *memset(void *dst, int c, size_t n);
int memcmp(const void *a, const void *b, size_t n);
size_t strlen(const char *s);
int strcmp(const char *a, const char *b);
#include "kernel/lib/rbtree.c"
#include "kernel/mm/page_alloc.c"
#include "kernel/mm/slab.c"
#include "kernel/mm/vma.c"
#include "kernel/mm/memory.c"
#include "kernel/mm/mm.c"
#include "kernel/mm/fault.c"
#include "kernel/mm/mmap.c"
#include "kernel/mm/mprotect.c"
#include "kernel/mm/mremap.c"
#include "kernel/mm/madvise.c"

enum { PROT_RW = 3, MAP_PRIV_ANON_FIXED_NORESERVE = 0x4032 };
#define RAM_END (32 * MIB)

/* --- what the sources need from others --- */
struct boot_info boot_info;
u8 trace_enabled[TP_NR];
static u64 limits[RLIM_NLIMITS];
static struct task_struct self;
static long file_refs;

void clear_page(void *page) { memset(page, 0, PAGE_SIZE); }
void copy_page(void *dst, const void *src) { memcpy(dst, src, PAGE_SIZE); }
void trace_record_slow(__unused enum trace_point p, __unused u64 a, __unused u64 b, __unused u64 c,
		       __unused u64 d)
{
}
void mutex_init(struct mutex *m, enum lock_class class)
{
	*m = (struct mutex){ .class = (u16) class };
}
void mutex_lock(struct mutex *m) { ASSERT(!m->owner); m->owner = (typeof(m->owner))&self; }
void mutex_unlock(struct mutex *m) { ASSERT(m->owner); m->owner = 0; }
u64 rlimit(unsigned int which) { return limits[which]; }
bool capable_root(void) { return true; }
void mm_get_exe_file(__unused struct file *f) { file_refs++; }
void mm_release_exe_file(__unused struct file *f) { file_refs--; }
void force_sig(__unused int sig) { }
void force_sig_fault(__unused int sig, __unused int code, __unused u64 addr) { }
bool fixup_exception(__unused struct pt_regs *regs) { return false; }
void die(const char *what, __unused struct pt_regs *regs, __unused u64 error) { panic("%s", what); }
void printk_panic_mode(void) { }
void flush_tlb_range(__unused struct mm_struct *mm, __unused u64 start, __unused u64 end) { }
void flush_tlb_page(__unused struct mm_struct *mm, __unused u64 addr) { }

static pte_t *table_alloc(void)
{
	return get_free_page(GFP_ATOMIC | __GFP_ZERO | __GFP_NOFAIL_TEST);
}
pte_t *pgd_alloc(void) { return should_fail_alloc() ? NULL : table_alloc(); }
static void free_tables(pte_t *t, int level)
{
	for (int i = 0; i < 512; i++) {
		if (t[i] && level)
			free_tables(phys_to_virt(t[i] & PTE_ADDR_MASK), level - 1);
		else if (!level)
			CHECK_EQ(t[i], 0);
	}
	free_page(t);
}
void pgd_free(pte_t *pgd) { free_tables(pgd, 3); }
pte_t *pte_walk(pte_t *t, u64 addr, bool alloc)
{
	for (int shift = 39; shift > 12; shift -= 9) {
		pte_t *e = &t[addr >> shift & 511];

		if (!*e) {
			pte_t *next = alloc && !should_fail_alloc() ? table_alloc() : NULL;

			if (!next)
				return NULL;
			*e = virt_to_phys(next) | PTE_PRESENT | PTE_WRITE | PTE_USER;
		}
		t = phys_to_virt(*e & PTE_ADDR_MASK);
	}
	return &t[addr >> 12 & 511];
}

/* --- a file of 16 pages --- */
enum { FILE_PAGES = 16 };
static struct page *file_pages[FILE_PAGES];
static struct file *const the_file = (struct file *)&file_pages;

static void file_open(__unused struct vm_area_struct *vma) { file_refs++; }
static void file_close(__unused struct vm_area_struct *vma) { file_refs--; }
static int file_fault(struct vm_fault *vmf)
{
	if (vmf->pgoff >= FILE_PAGES)
		return -EFAULT;
	vmf->page = file_pages[vmf->pgoff];
	get_page(vmf->page);
	return 0;
}
static void file_map_pages(__unused struct vm_area_struct *vma, u64 pgoff, unsigned int nr,
			   struct page **pages)
{
	for (unsigned int i = 0; i < nr; i++) {
		pages[i] = pgoff + i < FILE_PAGES && (pgoff + i) % 3 ? file_pages[pgoff + i] : NULL;
		if (pages[i])
			get_page(pages[i]);
	}
}
static const struct vm_operations_struct file_ops = {
	.open = file_open, .close = file_close, .fault = file_fault, .map_pages = file_map_pages
};
int file_mmap(struct file *file, struct vm_area_struct *vma)
{
	file_refs++;
	vma->vm_file = file;
	vma->vm_ops = &file_ops;
	return 0;
}

/* --- the machine --- */
static u64 pages_at_start;

static long live_now, live_at_start;
static void add_live(__unused void *arg, __unused const char *name, long live, __unused long total,
		     __unused size_t size, __unused long pages)
{
	live_now += live;
}
static long live(void)
{
	live_now = 0;
	slab_for_each(add_live, NULL);
	return live_now;
}

static void boot(void)
{
	if (!zero_page) {
		host_quiet = true;
		CHECK(mmap((void *)PAGE_OFFSET, RAM_END, PROT_RW, MAP_PRIV_ANON_FIXED_NORESERVE, -1,
			   0) == (void *)PAGE_OFFSET);
		boot_info.mem[0] = (struct boot_mem_range){ MIB, RAM_END };
		boot_info.nr_mem = 1;
		current_task = &self;
		mem_init();
		slab_init();
		mmap_init();
		for (int i = 0; i < FILE_PAGES; i++)
			file_pages[i] = alloc_page(GFP_KERNEL | __GFP_ZERO);
	}
	self.fail_nth = 0;
	for (int i = 0; i < RLIM_NLIMITS; i++)
		limits[i] = RLIM_INFINITY;
	limits[RLIMIT_STACK] = 8 * MIB;
	for (int i = 0; i < FILE_PAGES; i++)
		*(u64 *)page_address(file_pages[i]) = 1000000 + (u64)i;
	slab_shrink_all();
	pages_at_start = nr_free_pages();
	live_at_start = live();
	self.mm = mm_alloc();
	CHECK(self.mm);
}

static void shut_down(void)
{
	mmput(self.mm);
	self.mm = NULL;
	CHECK_EQ(file_refs, 0);
	CHECK_EQ(live(), live_at_start);
	slab_shrink_all();
	CHECK_EQ(nr_free_pages(), pages_at_start);
	for (int i = 0; i < FILE_PAGES; i++)
		CHECK_EQ(refcount_read(&file_pages[i]->refs), 1);
}

/*
 * What the CPU does: through the page table, or by way of a fault. NULL: the program gets a signal
 * (*err).
 */
static u64 *cpu_access(struct mm_struct *mm, u64 addr, bool write, int *err)
{
	for (int tries = 0; tries < 3; tries++) {
		pte_t *pte = pte_walk(mm->pgd, addr, false);

		if (pte && (*pte & PTE_PRESENT) && (!write || (*pte & PTE_WRITE)))
			return (u64 *)((u8 *)phys_to_virt(*pte & PTE_ADDR_MASK) +
				       (addr & ~PAGE_MASK));
		*err = handle_mm_fault(mm, addr, write, false);
		if (*err)
			return NULL;
	}
	FAIL("faults on %#lx without end", addr);
}

static u64 peek(u64 addr)
{
	int err;
	u64 *p = cpu_access(self.mm, addr, false, &err);

	return p ? *p : (u64)err;
}
static int poke(u64 addr, u64 v)
{
	int err = 0;
	u64 *p = cpu_access(self.mm, addr, true, &err);

	if (p)
		*p = v;
	return p ? 0 : err;
}
#define ANON (MAP_PRIVATE | MAP_ANONYMOUS)
#define RW (PROT_READ | PROT_WRITE)
static s64 map(u64 addr, u64 len, unsigned long prot, unsigned long flags)
{
	return do_mmap(NULL, addr, len, prot, flags, 0);
}

/*
 * The set of VMAs is in order, without overlaps, tree and list agree, and the accounts are right.
 */
static void check_vmas(struct mm_struct *mm)
{
	struct rb_node *n = rb_first(&mm->mm_rb);
	u64 total = 0, data = 0, end = 0;
	struct vm_area_struct *vma;
	int count = 0;

	list_for_each_entry(vma, &mm->mmap, vm_list) {
		CHECK(&vma->vm_rb == n);
		CHECK(vma->vm_start < vma->vm_end && vma->vm_start >= end && vma->vm_mm == mm);
		end = vma->vm_end;
		total += vma_pages(vma);
		data += is_data_mapping(vma->vm_flags) ? vma_pages(vma) : 0;
		n = rb_next(n);
		count++;
	}
	CHECK(!n);
	CHECK_EQ(mm->map_count, count);
	CHECK_EQ(mm->total_vm, total);
	CHECK_EQ(mm->data_vm, data);
}

/* --- cases --- */

TEST(memory_is_zero_until_written)
{
	boot();
	s64 a = map(0, 10 * PAGE_SIZE, RW, ANON);

	CHECK(a > 0);
	CHECK_EQ(peek((u64)a), 0);
	CHECK_EQ(atomic_long_read(&self.mm->rss), 0);
	CHECK_EQ(poke((u64)a, 7), 0);
	CHECK_EQ(poke((u64)a + 9 * PAGE_SIZE, 8), 0);
	CHECK_EQ(peek((u64)a), 7);
	CHECK_EQ(peek((u64)a + 5 * PAGE_SIZE), 0);
	CHECK_EQ(atomic_long_read(&self.mm->rss), 2);
	CHECK_EQ((int)peek((u64)a + 10 * PAGE_SIZE), -EFAULT);
	shut_down();
}

TEST(neighbors_that_are_alike_are_one_mapping)
{
	boot();
	s64 a = map(0, 4 * PAGE_SIZE, RW, ANON), b = map(0, 4 * PAGE_SIZE, RW, ANON);

	CHECK_EQ(b, a - (s64)(4 * PAGE_SIZE));
	CHECK_EQ(self.mm->map_count, 1);
	CHECK_EQ(map((u64)b - 4 * PAGE_SIZE, 4 * PAGE_SIZE, PROT_READ, ANON | MAP_FIXED),
		 b - (s64)(4 * PAGE_SIZE));
	CHECK_EQ(self.mm->map_count, 2);
	CHECK_EQ(sys_mprotect((long)b - 4 * (long)PAGE_SIZE, 4 * PAGE_SIZE, RW, 0, 0, 0), 0);
	CHECK_EQ(self.mm->map_count, 1);
	CHECK_EQ(do_munmap(self.mm, (u64)b, PAGE_SIZE), 0);
	CHECK_EQ(self.mm->map_count, 2);
	CHECK_EQ(map((u64)b, PAGE_SIZE, RW, ANON | MAP_FIXED_NOREPLACE), b);
	CHECK_EQ(self.mm->map_count, 1);
	CHECK_EQ(map((u64)b, PAGE_SIZE, RW, ANON | MAP_FIXED_NOREPLACE), -EEXIST);
	check_vmas(self.mm);
	shut_down();
}

TEST(rights_are_kept)
{
	boot();
	s64 a = map(0, 3 * PAGE_SIZE, RW, ANON);

	CHECK_EQ(poke((u64)a + PAGE_SIZE, 5), 0);
	CHECK_EQ(sys_mprotect(a, 3 * PAGE_SIZE, PROT_READ, 0, 0, 0), 0);
	CHECK_EQ(poke((u64)a + PAGE_SIZE, 6), -EACCES);
	CHECK_EQ(peek((u64)a + PAGE_SIZE), 5);
	CHECK_EQ(sys_mprotect(a, 3 * PAGE_SIZE, PROT_NONE, 0, 0, 0), 0);
	CHECK_EQ((int)peek((u64)a + PAGE_SIZE), -EACCES);
	CHECK_EQ(sys_mprotect(a, 3 * PAGE_SIZE, RW, 0, 0, 0), 0);
	CHECK_EQ(peek((u64)a + PAGE_SIZE), 5);
	CHECK_EQ(poke((u64)a + PAGE_SIZE, 6), 0);
	CHECK_EQ(sys_mprotect(a + 1, PAGE_SIZE, RW, 0, 0, 0), -EINVAL);
	CHECK_EQ(sys_mprotect(a, 4 * PAGE_SIZE, PROT_READ, 0, 0, 0), -ENOMEM);
	CHECK_EQ(poke((u64)a, 6), -EACCES);
	shut_down();
}

TEST(arguments_are_checked_in_linux_s_order)
{
	boot();
	CHECK_EQ(map(0, 0, RW, 0), -EINVAL);
	CHECK_EQ(map(0, U64_MAX, RW, 0), -ENOMEM);
	CHECK_EQ(do_mmap(NULL, 0, 2 * PAGE_SIZE, RW, ANON, U64_MAX), -EOVERFLOW);
	CHECK_EQ(map(0x10001, PAGE_SIZE, RW, MAP_FIXED), -EINVAL);
	CHECK_EQ(map(TASK_SIZE, PAGE_SIZE, RW, ANON | MAP_FIXED), -ENOMEM);
	CHECK_EQ(map(0, PAGE_SIZE, RW, MAP_ANONYMOUS), -EINVAL);
	CHECK_EQ(map(0, RAM_END * 2, RW, ANON), -ENOMEM);
	CHECK(map(0, RAM_END * 2, RW, ANON | MAP_NORESERVE) > 0);
	CHECK_EQ(do_mmap(the_file, 0, PAGE_SIZE, RW, MAP_SHARED_VALIDATE | MAP_SYNC, 0),
		 -EOPNOTSUPP);
	CHECK_EQ(do_mmap(the_file, 0, PAGE_SIZE, RW, MAP_PRIVATE | MAP_GROWSDOWN, 0), -EINVAL);
	CHECK_EQ(do_munmap(self.mm, 0x10001, PAGE_SIZE), -EINVAL);
	CHECK_EQ(do_munmap(self.mm, 0x10000, 0), -EINVAL);
	CHECK_EQ(do_munmap(self.mm, TASK_SIZE, PAGE_SIZE), -EINVAL);
	CHECK_EQ(do_munmap(self.mm, 0x10000, PAGE_SIZE), 0);
	limits[RLIMIT_AS] = (self.mm->total_vm + 1) << PAGE_SHIFT;
	CHECK_EQ(map(0, 2 * PAGE_SIZE, RW, ANON), -ENOMEM);
	CHECK(map(0, PAGE_SIZE, RW, ANON) > 0);
	CHECK((u64)map(0x1234, PAGE_SIZE, PROT_READ, ANON) != 0);
	shut_down();
}

TEST(hints_and_32_bit_places_are_used)
{
	boot();
	limits[RLIMIT_AS] = RLIM_INFINITY;
	CHECK_EQ(map(0x500000123, PAGE_SIZE, RW, ANON), 0x500000000);
	s64 other = map(0x500000000, PAGE_SIZE, RW, ANON);

	CHECK(other > 0 && other != 0x500000000);
	s64 low = map(0, PAGE_SIZE, RW, ANON | MAP_32BIT);

	CHECK(low > 0 && (u64)low < 0x80000000UL);
	CHECK_EQ(map(1, PAGE_SIZE, PROT_READ, ANON),
		 0x10000 * 0 + map(1, PAGE_SIZE, PROT_READ, ANON) + (s64)PAGE_SIZE);
	shut_down();
}

TEST(the_stack_grows_down_to_its_limit_and_keeps_its_gap)
{
	boot();
	u64 top = TASK_SIZE;
	s64 s = map(top - 4 * PAGE_SIZE, 4 * PAGE_SIZE, RW, ANON | MAP_FIXED | MAP_GROWSDOWN);

	CHECK_EQ(s, (s64)(top - 4 * PAGE_SIZE));
	CHECK_EQ(poke((u64)s - 100 * PAGE_SIZE, 1), 0);
	CHECK_EQ(find_vma(self.mm, (u64)s - 100 * PAGE_SIZE)->vm_start, (u64)s - 100 * PAGE_SIZE);
	CHECK_EQ(poke(top - limits[RLIMIT_STACK], 1), 0);
	CHECK_EQ(poke(top - limits[RLIMIT_STACK] - 8, 1), -EFAULT);
	limits[RLIMIT_STACK] = 64 * MIB;
	u64 below = top - 20 * MIB;

	CHECK_EQ(map(below - PAGE_SIZE, PAGE_SIZE, RW, ANON | MAP_FIXED), (s64)(below - PAGE_SIZE));
	CHECK_EQ(poke(below + STACK_GUARD_GAP, 1), 0);
	CHECK_EQ(poke(below + STACK_GUARD_GAP - 8, 1), -EFAULT);
	check_vmas(self.mm);
	shut_down();
}

TEST(brk_moves_the_end_of_the_heap)
{
	boot();
	self.mm->start_brk = self.mm->brk = 0x600123;
	CHECK_EQ(sys_brk(0, 0, 0, 0, 0, 0), 0x600123);
	CHECK_EQ(sys_brk(0x604000, 0, 0, 0, 0, 0), 0x604000);
	CHECK_EQ(poke(0x603ff8, 3), 0);
	CHECK_EQ(sys_brk(0x602001, 0, 0, 0, 0, 0), 0x602001);
	CHECK_EQ(poke(0x602ff8, 3), 0);
	CHECK_EQ(poke(0x603000, 3), -EFAULT);
	CHECK_EQ(sys_brk(0x600000, 0, 0, 0, 0, 0), 0x602001);
	CHECK_EQ(map(0x700000, PAGE_SIZE, RW, ANON | MAP_FIXED), 0x700000);
	CHECK_EQ(sys_brk(0x701000, 0, 0, 0, 0, 0), 0x602001);
	limits[RLIMIT_DATA] = 0x3000;
	CHECK_EQ(sys_brk(0x604000, 0, 0, 0, 0, 0), 0x602001);
	CHECK_EQ(sys_brk(0x600123, 0, 0, 0, 0, 0), 0x600123);
	check_vmas(self.mm);
	shut_down();
}

TEST(private_file_pages_are_copied_shared_ones_are_not)
{
	boot();
	s64 p = do_mmap(the_file, 0, 20 * PAGE_SIZE, RW, MAP_PRIVATE, 0);
	s64 s = do_mmap(the_file, 0, 8 * PAGE_SIZE, RW, MAP_SHARED, 4);

	CHECK_EQ(peek((u64)p + 5 * PAGE_SIZE), 1000005);
	CHECK_EQ(poke((u64)s + PAGE_SIZE, 42), 0);
	CHECK_EQ(peek((u64)p + 5 * PAGE_SIZE), 42);
	CHECK_EQ(poke((u64)p + 5 * PAGE_SIZE, 43), 0);
	CHECK_EQ(poke((u64)p + 6 * PAGE_SIZE, 44), 0);
	CHECK_EQ(peek((u64)s + PAGE_SIZE), 42);
	CHECK_EQ(peek((u64)s + 2 * PAGE_SIZE), 1000006);
	CHECK_EQ((int)peek((u64)p + 17 * PAGE_SIZE), -EIO);
	CHECK_EQ(sys_madvise(p, 20 * PAGE_SIZE, MADV_DONTNEED, 0, 0, 0), 0);
	CHECK_EQ(peek((u64)p + 6 * PAGE_SIZE), 1000006);
	CHECK_EQ(do_munmap(self.mm, (u64)p + PAGE_SIZE, PAGE_SIZE), 0);
	CHECK_EQ(peek((u64)p + 2 * PAGE_SIZE), 1000002);
	check_vmas(self.mm);
	shut_down();
}

TEST(fork_shares_until_one_side_writes)
{
	struct mm_struct *parent, *child;

	boot();
	s64 a = map(0, 4 * PAGE_SIZE, RW, ANON);

	for (u64 i = 0; i < 4; i++)
		CHECK_EQ(poke((u64)a + i * PAGE_SIZE, 10 + i), 0);
	CHECK_EQ(sys_madvise(a + 3 * (s64)PAGE_SIZE, PAGE_SIZE, MADV_WIPEONFORK, 0, 0, 0), 0);
	parent = self.mm;
	child = dup_mm(parent);
	CHECK(child);
	CHECK_EQ(atomic_long_read(&child->rss), 3);
	CHECK_EQ(poke((u64)a, 99), 0);
	self.mm = child;
	CHECK_EQ(peek((u64)a), 10);
	CHECK_EQ(poke((u64)a + PAGE_SIZE, 98), 0);
	CHECK_EQ(peek((u64)a + 3 * PAGE_SIZE), 0);
	check_vmas(child);
	mmput(child);
	self.mm = parent;
	CHECK_EQ(peek((u64)a), 99);
	CHECK_EQ(peek((u64)a + PAGE_SIZE), 11);
	u64 free_before = nr_free_pages();

	CHECK_EQ(poke((u64)a + 2 * PAGE_SIZE, 97), 0);
	CHECK_EQ(nr_free_pages(), free_before); /* the last owner keeps the page */
	shut_down();
}

TEST(mremap_keeps_the_pages)
{
	boot();
	s64 a = map(0x10000000, 4 * PAGE_SIZE, RW, ANON | MAP_FIXED);

	for (u64 i = 0; i < 4; i++)
		CHECK_EQ(poke((u64)a + i * PAGE_SIZE, 20 + i), 0);
	CHECK_EQ(sys_mremap(a, 4 * PAGE_SIZE, 8 * PAGE_SIZE, 0, 0, 0), a);
	CHECK_EQ(poke((u64)a + 7 * PAGE_SIZE, 27), 0);
	CHECK_EQ(map((u64)a + 8 * PAGE_SIZE, PAGE_SIZE, PROT_READ, ANON | MAP_FIXED),
		 a + 8 * (s64)PAGE_SIZE);
	CHECK_EQ(sys_mremap(a, 8 * PAGE_SIZE, 16 * PAGE_SIZE, 0, 0, 0), -ENOMEM);
	s64 b = sys_mremap(a, 8 * PAGE_SIZE, 16 * PAGE_SIZE, MREMAP_MAYMOVE, 0, 0);

	CHECK(b > 0 && b != a);
	CHECK_EQ(peek((u64)b + 3 * PAGE_SIZE), 23);
	CHECK_EQ(peek((u64)b + 7 * PAGE_SIZE), 27);
	CHECK_EQ((int)peek((u64)a), -EFAULT);
	CHECK_EQ(sys_mremap(b, 16 * PAGE_SIZE, 2 * PAGE_SIZE, MREMAP_MAYMOVE | MREMAP_FIXED, a, 0),
		 a);
	CHECK_EQ(peek((u64)a + PAGE_SIZE), 21);
	CHECK_EQ((int)peek((u64)b + 7 * PAGE_SIZE), -EFAULT);
	CHECK_EQ(sys_mremap(a + 1, PAGE_SIZE, PAGE_SIZE, 0, 0, 0), -EINVAL);
	CHECK_EQ(sys_mremap(0x30000000, PAGE_SIZE, PAGE_SIZE, 0, 0, 0), -EFAULT);
	CHECK_EQ(sys_mremap(a, PAGE_SIZE, PAGE_SIZE, MREMAP_FIXED, a, 0), -EINVAL);
	check_vmas(self.mm);
	shut_down();
}

/* --- the model --- */
enum { WINDOW = 48, SPACES = 3 };
#define BASE 0x20000000UL
struct model_page {
	bool mapped;
	unsigned long prot;
	bool shared;
	int file; /* page of the file, -1: anonymous */
	bool own;
	u64 value;
};
static struct { struct mm_struct *mm; struct model_page page[WINDOW]; } space[SPACES];
static u64 file_value[FILE_PAGES];

static u64 model_value(const struct model_page *p)
{
	return p->file >= 0 && !p->own ? file_value[p->file] : p->value;
}

static void model_check(int s)
{
	for (u64 i = 0; i < WINDOW; i++) {
		struct model_page *p = &space[s].page[i];
		u64 addr = BASE + i * PAGE_SIZE;
		int err = 0;
		u64 *v = cpu_access(space[s].mm, addr, false, &err);

		if (!p->mapped)
			CHECK_EQ(err, -EFAULT);
		else if (!p->prot)
			CHECK_EQ(err, -EACCES);
		else
			CHECK(v && *v == model_value(p));
	}
	check_vmas(space[s].mm);
}

static void step_write(int s, u64 i, u64 tag)
{
	struct model_page *p = &space[s].page[i];
	int err = poke(BASE + i * PAGE_SIZE, tag);

	if (!p->mapped) {
		CHECK_EQ(err, -EFAULT);
	} else if (!(p->prot & PROT_WRITE)) {
		CHECK_EQ(err, -EACCES);
	} else if (p->shared) {
		file_value[p->file] = tag;
	} else {
		p->own = true;
		p->value = tag;
	}
}

static void step_map(int s, u64 i, u64 n, unsigned long prot)
{
	int kind = (int)(host_random() % 3);
	u64 pgoff = host_random() % (FILE_PAGES - n + 1);
	s64 want = (s64)(BASE + i * PAGE_SIZE);

	CHECK_EQ(do_mmap(kind ? the_file : NULL, (u64)want, n * PAGE_SIZE, prot,
			 MAP_FIXED | (kind == 2 ? MAP_SHARED : MAP_PRIVATE) |
				 (kind ? 0 : MAP_ANONYMOUS),
			 kind ? pgoff : 0),
		 want);
	for (u64 k = 0; k < n; k++)
		space[s].page[i + k] =
			(struct model_page){ true,  prot, kind == 2, kind ? (int)(pgoff + k) : -1,
					     false, 0 };
}

static void step_protect(int s, u64 i, u64 n, unsigned long prot)
{
	long err = sys_mprotect((long)(BASE + i * PAGE_SIZE), (long)(n * PAGE_SIZE), (long)prot, 0,
				0, 0);

	for (u64 k = 0; k < n; k++) {
		if (!space[s].page[i + k].mapped) {
			CHECK_EQ(err, -ENOMEM);
			return;
		}
		space[s].page[i + k].prot = prot;
	}
	CHECK_EQ(err, 0);
}

static void step_move(int s, u64 i, u64 n, u64 to)
{
	struct model_page moved[WINDOW];
	struct vm_area_struct *vma = find_vma(self.mm, BASE + i * PAGE_SIZE);
	long ret;

	if (!vma || vma->vm_start > BASE + i * PAGE_SIZE ||
	    vma->vm_end < BASE + (i + n) * PAGE_SIZE || (i < to + n && to < i + n))
		return;
	ret = sys_mremap((long)(BASE + i * PAGE_SIZE), (long)(n * PAGE_SIZE), (long)(n * PAGE_SIZE),
			 MREMAP_MAYMOVE | MREMAP_FIXED, (long)(BASE + to * PAGE_SIZE), 0);
	CHECK_EQ(ret, (long)(BASE + to * PAGE_SIZE));
	memcpy(moved, &space[s].page[i], n * sizeof(moved[0]));
	memset(&space[s].page[i], 0, n * sizeof(moved[0]));
	memcpy(&space[s].page[to], moved, n * sizeof(moved[0]));
}

static void step_dontneed(int s, u64 i, u64 n)
{
	(void)sys_madvise((long)(BASE + i * PAGE_SIZE), (long)(n * PAGE_SIZE), MADV_DONTNEED, 0, 0,
			  0);
	for (u64 k = 0; k < n; k++) {
		space[s].page[i + k].own = false;
		space[s].page[i + k].value = 0;
	}
}

static void step_fork(int s)
{
	int child = (int)(host_random() % SPACES);

	if (child == s)
		return;
	if (space[child].mm)
		mmput(space[child].mm);
	space[child] = space[s];
	space[child].mm = dup_mm(space[s].mm);
	CHECK(space[child].mm);
	model_check(child);
}

TEST(long_random_sequences_agree_with_the_model)
{
	static const unsigned long prots[] = { PROT_NONE, PROT_READ, RW, RW,
					       PROT_READ | PROT_EXEC };

	boot();
	memset(space, 0, sizeof(space));
	space[0].mm = self.mm;
	for (int i = 0; i < FILE_PAGES; i++)
		file_value[i] = 1000000 + (u64)i;
	for (u64 step = 1; step < 12000; step++) {
		int s = (int)(host_random() % SPACES);
		u64 i = host_random() % WINDOW,
		    n = 1 + host_random() % min((u64)FILE_PAGES, WINDOW - i);
		unsigned long prot = prots[host_random() % ARRAY_SIZE(prots)];

		if (!space[s].mm)
			continue;
		self.mm = space[s].mm;
		switch (host_random() % 20) {
		case 0: case 1: case 2: step_map(s, i, n, prot); break;
		case 3:
			CHECK_EQ(do_munmap(self.mm, BASE + i * PAGE_SIZE, n * PAGE_SIZE), 0);
			memset(&space[s].page[i], 0, n * sizeof(space[s].page[0]));
			break;
		case 4: case 5: step_protect(s, i, n, prot); break;
		case 6: step_move(s, i, n, host_random() % (WINDOW - n + 1)); break;
		case 7: step_dontneed(s, i, n); break;
		case 8: step_fork(s); break;
		default: step_write(s, i, step); break;
		}
		if (step % 16 == 0)
			model_check(s);
	}
	self.mm = NULL;
	for (int s = 0; s < SPACES; s++) {
		if (!space[s].mm)
			continue;
		model_check(s);
		if (self.mm)
			mmput(self.mm);
		self.mm = space[s].mm;
	}
	shut_down();
}

TEST(each_failed_allocation_of_fork_leaves_both_sides_whole)
{
	struct mm_struct *child = NULL;
	int failures = 0;

	boot();
	s64 a = map(0, 600 * PAGE_SIZE, RW, ANON);

	CHECK(do_mmap(the_file, 0, 8 * PAGE_SIZE, RW, MAP_PRIVATE, 0) > 0);
	for (u64 i = 0; i < 600; i += 50)
		CHECK_EQ(poke((u64)a + i * PAGE_SIZE, i), 0);
	for (long n = 1; !child; n++) {
		long before = live();

		fail_nth_set(n);
		child = dup_mm(self.mm);
		fail_nth_set(0);
		if (child)
			break;
		failures++;
		CHECK_EQ(live(), before);
		for (u64 i = 0; i < 600; i += 50)
			CHECK_EQ(peek((u64)a + i * PAGE_SIZE), i);
	}
	CHECK(failures >= 5);
	mmput(child);
	shut_down();
}

TEST(out_of_memory_is_reported_not_hidden)
{
	boot();
	s64 a = map(0, RAM_END, RW, ANON | MAP_NORESERVE);
	int err = 0;
	u64 i;

	for (i = 0; i < RAM_END / PAGE_SIZE && !err; i++)
		err = poke((u64)a + i * PAGE_SIZE, i);
	CHECK_EQ(err, -ENOMEM);
	CHECK(i > 4000);
	CHECK_EQ(do_munmap(self.mm, (u64)a, RAM_END), 0);
	CHECK(nr_free_pages() > pages_at_start - 100);
	shut_down();
}

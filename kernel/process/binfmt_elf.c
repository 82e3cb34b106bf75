/*
 * kernel/process/binfmt_elf.c - load an ELF program: map its segments, and those of its dynamic linker; its first
 * stack.
 *
 * Linux:   fs/binfmt_elf.c (6.1)
 * Same:    where position-independent programs go, with and without a dynamic linker; zeros behind the file's part
 *          of a segment; the auxiliary vector (System V ABI, AMD64 supplement, 3.4).
 * Differs: 1. every field is checked before anything is mapped: a file that Linux would begin to load and then
 *             kill the process for is -ENOEXEC here.
 *          2. no vDSO: AT_SYSINFO_EHDR is absent, libc uses system calls for the time.
 *          3. the heap begins right behind the program, not at a random distance.
 * Locks:   MMAP_MTX of the new address space, inside mm_map().
 * Walk:    do_execveat() -> load_elf_binary() -> map_image() -> begin_new_exec() -> create_elf_tables().
 */
#include "fs/fs.h"
#include "kernel/mm.h"
#include "kernel/process/binfmt.h"
#include "kernel/process/internal.h"
#include "kernel/slab.h"
#include "kernel/string.h"
#include "kernel/uaccess.h"

/* System V ABI, chapter 4 and 5; AMD64 supplement. */
enum {
	ELFCLASS64 = 2, ELFDATA2LSB = 1, ET_EXEC = 2, ET_DYN = 3, EM_X86_64 = 62,
	PT_LOAD = 1, PT_INTERP = 3, PT_PHDR = 6, PT_GNU_STACK = 0x6474e551,
	PF_X = 1, PF_W = 2, PF_R = 4,
	MAX_PHDRS_SIZE = 65536,
};
struct elf64_hdr {
	u8 e_ident[16];
	u16 e_type, e_machine;
	u32 e_version;
	u64 e_entry, e_phoff, e_shoff;
	u32 e_flags;
	u16 e_ehsize, e_phentsize, e_phnum, e_shentsize, e_shnum, e_shstrndx;
};
struct elf64_phdr { u32 p_type, p_flags; u64 p_offset, p_vaddr, p_paddr, p_filesz, p_memsz, p_align; };
static_assert(sizeof(struct elf64_hdr) == 64 && sizeof(struct elf64_phdr) == 56, "ABI");

enum {
	AT_NULL, AT_IGNORE, AT_EXECFD, AT_PHDR, AT_PHENT, AT_PHNUM, AT_PAGESZ, AT_BASE, AT_FLAGS, AT_ENTRY, AT_NOTELF,
	AT_UID, AT_EUID, AT_GID, AT_EGID, AT_PLATFORM, AT_HWCAP, AT_CLKTCK, AT_SECURE = 23, AT_RANDOM = 25,
	AT_HWCAP2 = 26, AT_EXECFN = 31, AT_MINSIGSTKSZ = 51,
};
#define PIE_BASE ALIGN_DOWN(TASK_SIZE / 3 * 2, PAGE_SIZE)	/* Linux's ELF_ET_DYN_BASE */
#define PIE_RANDOM_PAGES (1U << 20)

/* A program or a dynamic linker: what its file says, then where it is. */
struct elf_image {
	struct file *file;
	struct elf64_hdr hdr;
	struct elf64_phdr *phdrs;
	/* of all PT_LOAD segments, page aligned */
	u64 lo, hi, align;
	u64 bias;			/* address in memory - address in the file */
	u64 phdr_addr;			/* AT_PHDR */
	u64 start_code, end_code, start_data, end_data, brk;
	bool exec_stack;
};

static bool elf_header_valid(const struct elf64_hdr *h)
{
	static const u8 magic[4] = { 0x7f, 'E', 'L', 'F' };

	return memcmp(h->e_ident, magic, sizeof(magic)) == 0 && h->e_ident[4] == ELFCLASS64 &&
	       h->e_ident[5] == ELFDATA2LSB && h->e_machine == EM_X86_64 &&
	       (h->e_type == ET_EXEC || h->e_type == ET_DYN) &&
	       h->e_phentsize == sizeof(struct elf64_phdr) && h->e_phnum &&
	       (size_t)h->e_phnum * sizeof(struct elf64_phdr) <= MAX_PHDRS_SIZE;
}

static int read_exactly(struct file *file, void *buf, size_t n, u64 offset)
{
	loff_t pos = (loff_t)offset;
	ssize_t got;

	if (pos < 0)
		return -EINVAL;
	got = kernel_read(file, buf, n, &pos);
	if (got < 0)
		return (int)got;
	return (size_t)got == n ? 0 : -EIO;
}

static u64 round_up_page(u64 x) { return ALIGN(x, PAGE_SIZE); }

static bool segment_valid(const struct elf64_phdr *ph)
{
	return ph->p_filesz <= ph->p_memsz && ph->p_memsz <= TASK_SIZE && ph->p_vaddr < TASK_SIZE &&
	       ph->p_vaddr + ph->p_memsz < TASK_SIZE - PAGE_SIZE && ph->p_offset + ph->p_filesz >= ph->p_offset &&
	       (s64)(ph->p_offset + ph->p_filesz) >= 0 && (ph->p_vaddr - ph->p_offset) % PAGE_SIZE == 0;
}

/* One program header: widen what the image covers. Return: 0, -ENOEXEC. */
static int scan_phdr(struct elf_image *e, const struct elf64_phdr *ph)
{
	u64 end = ph->p_vaddr + ph->p_memsz;

	if (ph->p_type == PT_GNU_STACK)
		e->exec_stack = ph->p_flags & PF_X;
	if (ph->p_type == PT_PHDR)
		e->phdr_addr = ph->p_vaddr;
	if (ph->p_type != PT_LOAD)
		return 0;
	if (!segment_valid(ph))
		return -ENOEXEC;
	if (!e->phdr_addr && ph->p_offset <= e->hdr.e_phoff && e->hdr.e_phoff < ph->p_offset + ph->p_filesz)
		e->phdr_addr = e->hdr.e_phoff - ph->p_offset + ph->p_vaddr;
	e->lo = min(e->lo, ALIGN_DOWN(ph->p_vaddr, PAGE_SIZE));
	e->hi = max(e->hi, round_up_page(end));
	if (ph->p_align > e->align && (ph->p_align & (ph->p_align - 1)) == 0)
		e->align = min(ph->p_align, (u64)GIB);
	e->brk = max(e->brk, end);
	if (ph->p_flags & PF_X) {
		e->start_code = min(e->start_code, ph->p_vaddr);
		e->end_code = max(e->end_code, ph->p_vaddr + ph->p_filesz);
	}
	e->start_data = max(e->start_data, ph->p_vaddr);
	e->end_data = max(e->end_data, ph->p_vaddr + ph->p_filesz);
	return 0;
}

/* e->file and e->hdr are set. @head: the file's first bytes. Return: 0, -ENOEXEC, -ENOMEM, -EIO. */
static int elf_read(struct elf_image *e, const char *head, size_t head_len)
{
	size_t size;
	int err = 0;

	if (!elf_header_valid(&e->hdr))
		return -ENOEXEC;
	size = e->hdr.e_phnum * sizeof(struct elf64_phdr);
	e->phdrs = kmalloc(size, GFP_KERNEL);
	if (!e->phdrs)
		return -ENOMEM;
	if (e->hdr.e_phoff < head_len && size <= head_len - e->hdr.e_phoff)
		memcpy(e->phdrs, head + e->hdr.e_phoff, size);
	else
		err = read_exactly(e->file, e->phdrs, size, e->hdr.e_phoff);
	if (err)
		return err;
	e->lo = e->start_code = U64_MAX;
	e->align = PAGE_SIZE;
	for (int i = 0; !err && i < e->hdr.e_phnum; i++)
		err = scan_phdr(e, &e->phdrs[i]);
	if (err)
		return err;
	return e->hi && e->hdr.e_entry < TASK_SIZE && e->lo < e->hi ? 0 : -ENOEXEC;
}

/* --- mapping ------------------------------------------------------------------------------------------------- */

static unsigned long segment_prot(const struct elf64_phdr *ph)
{
	return (ph->p_flags & PF_R ? PROT_READ : 0) | (ph->p_flags & PF_W ? PROT_WRITE : 0) |
	       (ph->p_flags & PF_X ? PROT_EXEC : 0);
}

/* Zeros from @addr to the end of its page, which shows the file up to there. */
static int zero_page_tail(struct mm_struct *mm, u64 addr)
{
	struct page *page;

	if (addr % PAGE_SIZE == 0)
		return 0;
	page = get_user_page(mm, addr, true);
	if (!page)
		return -ENOMEM;
	memset((u8 *)page_address(page) + addr % PAGE_SIZE, 0, PAGE_SIZE - addr % PAGE_SIZE);
	put_page(page);
	return 0;
}

static int map_segment(struct mm_struct *mm, const struct elf_image *e, const struct elf64_phdr *ph)
{
	u64 skew = ph->p_vaddr % PAGE_SIZE, start = e->bias + ph->p_vaddr - skew;
	u64 file_end = e->bias + ph->p_vaddr + ph->p_filesz, mem_end = e->bias + ph->p_vaddr + ph->p_memsz;
	unsigned long prot = segment_prot(ph);
	u64 bss = start;
	s64 at;

	if (ph->p_filesz) {
		at = mm_map(mm, e->file, start, round_up_page(file_end) - start, prot, MAP_PRIVATE | MAP_FIXED,
			    (ph->p_offset - skew) >> PAGE_SHIFT);
		if (at < 0)
			return (int)at;
		/* Where nothing may be written, what follows in the file stays visible, as in Linux. */
		if (mem_end > file_end && prot & PROT_WRITE) {
			int err = zero_page_tail(mm, file_end);

			if (err)
				return err;
		}
		bss = round_up_page(file_end);
	}
	if (round_up_page(mem_end) <= bss)
		return 0;
	at = mm_map(mm, NULL, bss, round_up_page(mem_end) - bss, prot, MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED, 0);
	return at < 0 ? (int)at : 0;
}

/* Find room for an image that may stand anywhere. */
static int choose_bias(struct mm_struct *mm, struct elf_image *e)
{
	u64 len = e->hi - e->lo;
	s64 at = mm_map(mm, NULL, 0, len + e->align - PAGE_SIZE, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS, 0);

	if (at < 0)
		return (int)at;
	e->bias = ALIGN((u64)at, e->align) - e->lo;
	return do_munmap(mm, (u64)at, len + e->align - PAGE_SIZE);
}

static int map_segments(struct mm_struct *mm, const struct elf_image *e)
{
	for (int i = 0; i < e->hdr.e_phnum; i++) {
		if (e->phdrs[i].p_type != PT_LOAD || !e->phdrs[i].p_memsz)
			continue;
		int err = map_segment(mm, e, &e->phdrs[i]);

		if (err)
			return err;
	}
	return 0;
}

static u64 pie_base(const struct linux_binprm *b) { return PIE_BASE + b->random.pie % PIE_RANDOM_PAGES * PAGE_SIZE; }

/* A file that fixes its addresses must not lie over the new stack and what it may grow by at once. */
static bool clear_of_stack(const struct linux_binprm *b, const struct elf_image *e)
{
	return e->hi + e->bias <= b->p_min - MIB;
}

/* @b->mm shows the program @e and, if it has one, the dynamic linker @interp. */
static int map_image(struct linux_binprm *b, struct elf_image *e, struct elf_image *interp)
{
	struct mm_struct *mm = b->mm;
	int err = 0;

	if (e->hdr.e_type == ET_DYN && interp)
		e->bias = ALIGN_DOWN(pie_base(b), e->align) - e->lo;
	else if (e->hdr.e_type == ET_DYN)
		err = choose_bias(mm, e);
	if (err)
		return err;
	if (!clear_of_stack(b, e))
		return -ENOEXEC;
	err = map_segments(mm, e);
	if (err || !interp)
		return err;
	if (interp->hdr.e_type == ET_DYN)
		err = choose_bias(mm, interp);
	else if (!clear_of_stack(b, interp))
		err = -ELIBBAD;
	return err ? err : map_segments(mm, interp);
}

/* --- the dynamic linker -------------------------------------------------------------------------------------- */

static const struct elf64_phdr *find_phdr(const struct elf_image *e, u32 type)
{
	for (int i = 0; i < e->hdr.e_phnum; i++)
		if (e->phdrs[i].p_type == type)
			return &e->phdrs[i];
	return NULL;
}

static int open_interp(struct linux_binprm *b, const struct elf64_phdr *ph, struct elf_image *interp)
{
	char *name;
	int err;

	if (ph->p_filesz > PATH_MAX || ph->p_filesz < 2)
		return -ENOEXEC;
	name = kmalloc(ph->p_filesz, GFP_KERNEL);
	if (!name)
		return -ENOMEM;
	err = read_exactly(b->file, name, ph->p_filesz, ph->p_offset);
	if (!err && name[ph->p_filesz - 1])
		err = -ENOEXEC;
	if (!err) {
		struct file *file = open_exec_name(name);

		if (IS_ERR(file))
			err = (int)PTR_ERR(file);
		else
			interp->file = file;
	}
	kfree(name);
	return err;
}

/* Return: 0 (interp->file is NULL if the program needs none), -ELIBBAD if it is no dynamic linker, and others. */
static int load_interp(struct linux_binprm *b, const struct elf_image *e, struct elf_image *interp)
{
	const struct elf64_phdr *ph = find_phdr(e, PT_INTERP);
	int err;

	if (!ph)
		return 0;
	err = open_interp(b, ph, interp);
	if (err)
		return err;
	err = read_exactly(interp->file, &interp->hdr, sizeof(interp->hdr), 0);
	if (!err)
		err = elf_read(interp, NULL, 0);
	return err == -ENOEXEC ? -ELIBBAD : err;
}

/* --- the first stack ----------------------------------------------------------------------------------------- */

struct auxv { u64 *next; };
static void put_aux(struct auxv *a, u64 type, u64 value)
{
	*a->next++ = type;
	*a->next++ = value;
}

/* What stands between strings and pointers. */
struct stack_plan { u64 platform, random, sp; size_t pointers, aux_words; };

static const char platform_name[] = "x86_64";

static void fill_auxv(struct auxv *a, const struct linux_binprm *b, const struct elf_image *e,
		      const struct elf_image *interp, const struct stack_plan *plan)
{
	put_aux(a, AT_HWCAP, arch_hwcap());
	put_aux(a, AT_PAGESZ, PAGE_SIZE);
	put_aux(a, AT_CLKTCK, USER_HZ);
	put_aux(a, AT_PHDR, e->phdr_addr ? e->phdr_addr + e->bias : 0);
	put_aux(a, AT_PHENT, sizeof(struct elf64_phdr));
	put_aux(a, AT_PHNUM, e->hdr.e_phnum);
	put_aux(a, AT_BASE, interp ? interp->bias : 0);
	put_aux(a, AT_FLAGS, 0);
	put_aux(a, AT_ENTRY, e->hdr.e_entry + e->bias);
	put_aux(a, AT_UID, b->cred.uid);
	put_aux(a, AT_EUID, b->cred.euid);
	put_aux(a, AT_GID, b->cred.gid);
	put_aux(a, AT_EGID, b->cred.egid);
	put_aux(a, AT_SECURE, b->secure);
	put_aux(a, AT_RANDOM, plan->random);
	put_aux(a, AT_HWCAP2, 0);
	put_aux(a, AT_EXECFN, b->exec_p);
	put_aux(a, AT_PLATFORM, plan->platform);
	put_aux(a, AT_MINSIGSTKSZ, signal_frame_size());
	put_aux(a, AT_NULL, 0);
}
enum { AUX_WORDS = 2 * 20 };

/*
 * Places from b->p down, and pages present for them: what is written after the point of no return is then sure to
 * succeed.
 */
static int plan_stack(struct linux_binprm *b, struct stack_plan *plan)
{
	u64 p = b->p;

	p -= b->random.sp % (2 * PAGE_SIZE);
	p = ALIGN_DOWN(p, 16UL);
	p -= sizeof(platform_name);
	plan->platform = p;
	p -= sizeof(b->random.at_random);
	plan->random = p;
	plan->pointers = 1 + (size_t)b->argc + 1 + (size_t)b->envc + 1;
	/* System V ABI 3.4.1: a multiple of 16 when the program begins. */
	plan->sp = ALIGN_DOWN(p - (plan->pointers + AUX_WORDS) * sizeof(u64), 16UL);
	for (u64 at = ALIGN_DOWN(plan->sp, PAGE_SIZE); at < b->p; at += PAGE_SIZE) {
		struct page *page = get_user_page(b->mm, at, true);

		if (!page)
			return -E2BIG;
		put_page(page);
	}
	return 0;
}

/* @n pointers to the strings from *@s on, and a NULL. */
static int put_pointers(uptr *to, u64 *s, int n)
{
	enum { MAX_STRING = 32 * 4096 };
	const u64 null = 0;

	for (int i = 0; i < n; i++) {
		size_t len = strnlen_user(UPTR(*s), MAX_STRING);

		if (!len || len > MAX_STRING || put_user(*s, *to))
			return -EFAULT;
		*to = uptr_add(*to, sizeof(u64));
		*s += len;
	}
	if (put_user(null, *to))
		return -EFAULT;
	*to = uptr_add(*to, sizeof(u64));
	return 0;
}

static int create_elf_tables(struct linux_binprm *b, const struct elf_image *e, const struct elf_image *interp,
			     const struct stack_plan *plan)
{
	struct mm_struct *mm = current->mm;
	struct auxv a = { .next = mm->saved_auxv };
	u64 argc = (u64)b->argc, s = b->p;
	uptr to = UPTR(plan->sp);

	static_assert(AUX_WORDS <= ARRAY_SIZE(mm->saved_auxv), "room for /proc/PID/auxv");
	if (copy_to_user(UPTR(plan->platform), platform_name, sizeof(platform_name)) ||
	    copy_to_user(UPTR(plan->random), b->random.at_random, sizeof(b->random.at_random)) || put_user(argc, to))
		return -EFAULT;
	to = uptr_add(to, sizeof(u64));
	mm->arg_start = s;
	if (put_pointers(&to, &s, b->argc))
		return -EFAULT;
	mm->arg_end = mm->env_start = s;
	if (put_pointers(&to, &s, b->envc))
		return -EFAULT;
	mm->env_end = s;
	fill_auxv(&a, b, e, interp, plan);
	return copy_to_user(to, mm->saved_auxv, AUX_WORDS * sizeof(u64)) ? -EFAULT : 0;
}

static int make_stack_executable(const struct linux_binprm *b, bool exec)
{
	/* The whole mapping, as the first word of it says. */
	return exec ? mm_protect(b->mm, b->stack_top - PAGE_SIZE, PAGE_SIZE,
				 PROT_READ | PROT_WRITE | PROT_EXEC | PROT_GROWSDOWN) : 0;
}

static void fill_mm(struct mm_struct *mm, const struct elf_image *e, u64 sp)
{
	mm->start_code = e->start_code + e->bias;
	mm->end_code = e->end_code + e->bias;
	mm->start_data = e->start_data + e->bias;
	mm->end_data = e->end_data + e->bias;
	mm->start_brk = mm->brk = round_up_page(e->brk + e->bias);
	mm->start_stack = sp;
	mm->exe_file = get_file(e->file);
}

/* Everything is read and checked: go. */
static int run_image(struct linux_binprm *b, struct elf_image *e, struct elf_image *interp)
{
	struct stack_plan plan;
	int err = map_image(b, e, interp);

	if (!err)
		err = make_stack_executable(b, e->exec_stack);
	if (!err)
		err = plan_stack(b, &plan);
	if (err)
		return err;
	fill_mm(b->mm, e, plan.sp);
	/*
	 * A static program that may stand anywhere stands where mmap() puts things: its heap goes where programs
	 * usually are.
	 */
	if (e->hdr.e_type == ET_DYN && !interp)
		b->mm->start_brk = b->mm->brk = pie_base(b);
	err = begin_new_exec(b);
	if (!err)
		err = create_elf_tables(b, e, interp, &plan);
	if (err)
		return err;
	if (interp)
		e = interp;
	start_thread(current_pt_regs(), e->hdr.e_entry + e->bias, plan.sp);
	return 0;
}

int load_elf_binary(struct linux_binprm *b)
{
	struct elf_image *e = kzalloc(2 * sizeof(*e), GFP_KERNEL), *interp = e + 1;
	int err;

	if (!e)
		return -ENOMEM;
	e->file = b->file;
	memcpy(&e->hdr, b->buf, sizeof(e->hdr));
	err = b->buf_len < sizeof(e->hdr) ? -ENOEXEC : elf_read(e, b->buf, b->buf_len);
	if (!err)
		err = load_interp(b, e, interp);
	if (!err)
		err = run_image(b, e, interp->file ? interp : NULL);
	if (interp->file)
		fput(interp->file);
	kfree(interp->phdrs);
	kfree(e->phdrs);
	kfree(e);
	return err;
}

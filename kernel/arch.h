/*
 * kernel/arch.h - what the machine-dependent part (kernel/x86) does for the rest of the kernel.
 *
 * Linux:   asm/ headers: ptrace.h, mmu_context.h, tlbflush.h, smp.h, fpu (6.1)
 * Same:    struct pt_regs as the system call entry saves it; calls to all CPUs are waited for.
 * Differs: 1. one header, since there is one architecture.
 * Locks:   PAGETABLE is held by callers of the page table functions.
 * Walk:    do_irq(), do_syscall_64(), context switch.
 */
#pragma once
#include "kernel/types.h"

struct task_struct;
struct mm_struct;

/* What user mode had in its registers; at the top of the kernel stack during a system call, trap or interrupt. */
struct pt_regs {
	u64 r15, r14, r13, r12, rbp, rbx, r11, r10, r9, r8, rax, rcx, rdx, rsi, rdi;
	u64 orig_rax;		/* system call number; -1 for none; error code or vector in traps */
	u64 rip, cs, rflags, rsp, ss;
};
static_assert(sizeof(struct pt_regs) == 168, "the entry code pushes 21 words");
static inline bool user_mode(const struct pt_regs *regs) { return (regs->cs & 3) == 3; }
/* Segment selectors, Linux's: programs see them in signal frames. */
enum { KERNEL_CS = 0x10, KERNEL_DS = 0x18, USER_DS = 0x2b, USER_CS = 0x33 };
/* Bits of a page fault's error code: SDM vol. 3, 4.7. */
enum {
	X86_TRAP_PF_PROT = 1, X86_TRAP_PF_WRITE = 2, X86_TRAP_PF_USER = 4, X86_TRAP_PF_RSVD = 8, X86_TRAP_PF_INSTR = 16,
};
/*
 * fixup_exception - did the fault at regs->ip happen in a user copy? Then let it go on at its error exit.
 * Return: false if it is nobody's fault that is expected. Context: trap.
 */
bool fixup_exception(struct pt_regs *regs);
/* die - a trap in the kernel that nothing explains: print the registers and panic. */
__noreturn void die(const char *what, struct pt_regs *regs, u64 error);
/* arch_vector_name - what one of the machine's own interrupt vectors is for; NULL if it is none of them. */
const char *arch_vector_name(int vector);
/* arch_init - interrupt controllers, clock, vectors of this kernel. smp_init - start the other CPUs. Context: boot. */
void arch_init(void);
void smp_init(void);
/* start_kernel - the boot list (kernel/init/main.c), called once kernel/x86 has made C possible. */
__noreturn void start_kernel(void);

/*
 * arch_device_mb - smp_mb() towards a device: our stores can be seen by it before our later loads are done. QEMU's
 * software emulation leaves smp_mb() out when it runs one CPU, or all of them in one thread, though its devices have a
 * thread of their own and the real processor swaps a store with a later load. There a port is read: the emulator
 * takes a lock for that, which is a barrier. It is known by its CPUID name; one that hides it (-hypervisor) is not
 * helped. Context: any.
 */
void arch_device_mb(void);

/* Extended state of a task: FXSAVE or XSAVE image (x87, SSE, AVX), saved when it is switched out after use. */
struct fpu_state { u8 *image; bool used; int cpu; /* whose registers may still hold it */ };
/* Arch fields of a task, filled by arch_copy_thread(). */
struct thread_struct {
	u64 sp;			/* kernel stack pointer while switched out */
	u64 fsbase, gsbase;	/* user segment bases */
	struct fpu_state fpu;
	u64 cr2, error_code, trap_nr;	/* of the last exception in user mode that became a signal: for its frame */
};

/* Kernel stacks: 16 KiB with a guard page below. alloc: NULL when out of memory. Context: task / any preemptible. */
#define THREAD_SIZE (16 * KIB)
void *alloc_thread_stack(void);
void free_thread_stack(void *stack);

/*
 * arch_copy_thread - make @p start in user mode with a copy of @regs (its rax 0, rsp @sp if not 0), or, if
 * @fn is given, in the kernel as fn(arg). Copies the FPU state. Return: 0 or -ENOMEM. Context: task.
 */
int __must_check arch_copy_thread(struct task_struct *p, const struct pt_regs *regs, u64 sp, int (*fn)(void *),
				  void *arg);
/* arch_free_thread - FPU image of a dead task. arch_flush_thread - fresh FPU and segment bases for execve (current). */
void arch_free_thread(struct task_struct *p);
void arch_flush_thread(void);
/* task_pt_regs - the user registers of @p (at the top of its stack). */
struct pt_regs *task_pt_regs(const struct task_struct *p);
#define current_pt_regs() task_pt_regs(current)
/* start_thread - execve: user mode begins at @ip with stack @sp. */
void start_thread(struct pt_regs *regs, u64 ip, u64 sp);
/* context_switch_arch - FPU, segments, TSS stack, then the registers. Return: the task that ran before. irqs off. */
struct task_struct *arch_switch_to(struct task_struct *prev, struct task_struct *next);
/* switch_mm - use the address space of @next (NULL: the kernel's own), unless it is loaded already. irqs off. */
void switch_mm(struct mm_struct *next);
/*
 * arch_fpu_save_user, arch_fpu_restore_user - current's FXSAVE image plus what XSAVE adds, in a signal frame (restore
 * from NULL: the initial state). Return: 0 or -EFAULT. Context: task.
 */
size_t arch_fpu_frame_size(void);
int __must_check arch_fpu_save_user(uptr frame);
int __must_check arch_fpu_restore_user(uptr frame);

/* Page tables. Entries are x86's own (SDM vol. 3, 4.5); the caller holds mm->page_table_lock where it changes them. */
typedef u64 pte_t;
enum {
	PTE_PRESENT = 0x001, PTE_WRITE = 0x002, PTE_USER = 0x004, PTE_PWT = 0x008, PTE_PCD = 0x010,
	PTE_ACCESSED = 0x020, PTE_DIRTY = 0x040, PTE_HUGE = 0x080, PTE_GLOBAL = 0x100,
	PTE_SOFT_SHARED = 0x200,	/* software: page belongs to a shared mapping */
	PTE_SOFT_NOFREE = 0x400,	/* software: no struct page reference behind it */
};
#define PTE_NX BIT(63)
#define PTE_ADDR_MASK 0x000ffffffffff000UL
/* pgd_alloc - a top table with the kernel half filled in, or NULL. pgd_free - it and all user tables (no pages). */
pte_t *pgd_alloc(void);
void pgd_free(pte_t *pgd);
/*
 * pte_walk - the entry for user @addr; @alloc makes missing tables. Up to the next 2 MiB border, entries follow each
 * other. Return: NULL if it is not there, or out of memory. A table lives as long as its pgd; all its entries must
 * be 0 again by pgd_free().
 */
pte_t *pte_walk(pte_t *pgd, u64 addr, bool alloc);
/* kernel_map_page, kernel_unmap_page - the kernel's mapped area. flags: PTE_*. Return: 0 or -ENOMEM. Context: any. */
int __must_check kernel_map_page(u64 va, phys_addr_t pa, u64 flags);
void kernel_unmap_page(u64 va);
/*
 * flush_tlb_page, flush_tlb_range, flush_tlb_mm - on every CPU that has @mm loaded, waited for. flush_tlb_kernel - the
 * kernel's translations, on all CPUs. Context: preemptible or bh, irqs on.
 */
void flush_tlb_page(struct mm_struct *mm, u64 addr);
void flush_tlb_range(struct mm_struct *mm, u64 start, u64 end);
void flush_tlb_mm(struct mm_struct *mm);
void flush_tlb_kernel(void);

/*
 * smp_send_reschedule - @cpu looks at need_resched. smp_call_function_all - run @fn on every CPU, this one too, with
 * interrupts off, and wait. Context: irqs on.
 */
void smp_send_reschedule(int cpu);
void smp_call_function_all(void (*fn)(void *), void *arg);
/* smp_stop_others - halt the other CPUs, for panic and power off. Context: any. */
void smp_stop_others(void);

/* arch_hwcap - what CPUID leaf 1 says in edx: AT_HWCAP. Context: any. */
u64 arch_hwcap(void);

/* arch_timer_program - interrupt this CPU at @deadline_ns of ktime_get_ns() (U64_MAX: not at all). irqs off. */
void arch_timer_program(u64 deadline_ns);
/* arch_clock_ns - the TSC as ns since boot; arch_rtc_seconds - the CMOS clock as seconds since 1970. Context: any. */
u64 arch_clock_ns(void);
u64 arch_rtc_seconds(void);
/* arch_idle - sti; hlt: sleep until an interrupt. Entered with irqs off, returns with them on. */
void arch_idle(void);
/* arch_random - RDSEED or RDRAND. Return: false if the CPU has none. */
bool arch_random(u64 *v);
/* machine_power_off, machine_restart, machine_exit - end the guest, with @code if QEMU's isa-debug-exit is there. */
__noreturn void machine_power_off(void);
__noreturn void machine_restart(void);
__noreturn void machine_halt(void);
__noreturn void machine_exit(int code);
/* arch_cpu_text - the lines of /proc/cpuinfo about @cpu. Return: their length, less than @size. Context: task. */
size_t arch_cpu_text(int cpu, char *buf, size_t size);
/* arch_prctl_set_fs etc. - current's user segment bases take effect at once. */
void arch_set_fsbase(u64 base);
void arch_set_gsbase(u64 base);
u64 arch_get_fsbase(void);
u64 arch_get_gsbase(void);

/*
 * acpi_mcfg - where PCI configuration space is mapped (PCI Express). @base_pa: of bus 0.
 * Return: false if the machine has none: use ports 0xcf8 and 0xcfc. Context: any.
 */
bool acpi_mcfg(phys_addr_t *base_pa, u8 *first_bus, u8 *last_bus);
/* copy_from_kernel_nofault - read a kernel word that may not be mapped. Return: 0 or -EFAULT. Context: any. */
int __must_check copy_from_kernel_nofault(u64 *dst, const void *src);

/* Memory as the boot loader reported it, and modules (the initramfs); valid from start_kernel() on. */
struct boot_mem_range { phys_addr_t start, end; };	/* usable, page aligned, kernel and initrd still inside */
struct boot_info {
	struct boot_mem_range mem[64];
	int nr_mem;
	phys_addr_t initrd_start, initrd_end;
	phys_addr_t kernel_start, kernel_end;
	phys_addr_t rsdp;	/* 0: not told */
	char cmdline[1024];
};
extern struct boot_info boot_info;

/* All physical memory, read and write, never executable. */
#ifdef POLLUX_HOST
#define PAGE_OFFSET 0x200000000000UL	/* where unit tests map the memory of their machine */
#else
#define PAGE_OFFSET 0xffff888000000000UL
#endif
#define KERNEL_BASE 0xffffffff80000000UL
#define VMALLOC_START 0xffffc90000000000UL
#define VMALLOC_END 0xffffc98000000000UL
/* Of the mapped area, vmalloc() has the part below KSTACK_START; kernel stacks and ioremap() have a quarter each. */
#define KSTACK_START 0xffffc94000000000UL
#define IOREMAP_START 0xffffc96000000000UL
#define TASK_SIZE 0x00007ffffffff000UL
#define PAGE_SHIFT 12
#define PAGE_SIZE 4096UL
#define PAGE_MASK (~(PAGE_SIZE - 1))
static inline void *phys_to_virt(phys_addr_t pa) { return (void *)(pa + PAGE_OFFSET); }
/* For addresses of the direct map and of the kernel image. */
static inline phys_addr_t virt_to_phys(const void *va)
{
	u64 a = (u64)va;

	return a >= KERNEL_BASE ? a - KERNEL_BASE : a - PAGE_OFFSET;
}
/* virt_to_phys_any - also for the mapped area (kernel stacks). */
phys_addr_t virt_to_phys_any(const void *va);

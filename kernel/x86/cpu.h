/*
 * kernel/x86/cpu.h - the instructions C has no words for, and the numbers they take.
 *
 * Linux:   arch/x86/include/asm/{msr,special_insns,processor,desc}.h (6.1)
 * Same:    the names.
 * Differs: none.
 * Locks:   none.
 * Walk:    kernel/x86 only.
 */
#pragma once
#include "kernel/types.h"

/* SDM vol. 3, 2.5 (CR0, CR4), vol. 4 (MSRs) */
enum {
	CR0_MP = 1 << 1, CR0_EM = 1 << 2, CR0_TS = 1 << 3, CR0_NE = 1 << 5, CR0_WP = 1 << 16,
	CR4_PAE = 1 << 5, CR4_PGE = 1 << 7, CR4_OSFXSR = 1 << 9, CR4_OSXMMEXCPT = 1 << 10, CR4_UMIP = 1 << 11,
	CR4_OSXSAVE = 1 << 18, CR4_SMEP = 1 << 20, CR4_SMAP = 1 << 21,
	X86_EFLAGS_TF = 1 << 8, X86_EFLAGS_DF = 1 << 10, X86_EFLAGS_NT = 1 << 14, X86_EFLAGS_AC = 1 << 18,
};
#define MSR_IA32_APICBASE	0x1bU
#define MSR_IA32_TSC_DEADLINE	0x6e0U
#define MSR_STAR		0xc0000081U
#define MSR_LSTAR		0xc0000082U
#define MSR_CSTAR		0xc0000083U
#define MSR_SYSCALL_MASK	0xc0000084U
#define MSR_FS_BASE		0xc0000100U
#define MSR_GS_BASE		0xc0000101U
#define MSR_KERNEL_GS_BASE	0xc0000102U

static inline u64 read_cr0(void) { u64 v; __asm__ __volatile__("mov %%cr0, %0" : "=r"(v)); return v; }
static inline void write_cr0(u64 v) { __asm__ __volatile__("mov %0, %%cr0" :: "r"(v) : "memory"); }
static inline u64 read_cr2(void) { u64 v; __asm__ __volatile__("mov %%cr2, %0" : "=r"(v)); return v; }
static inline u64 read_cr3(void) { u64 v; __asm__ __volatile__("mov %%cr3, %0" : "=r"(v)); return v; }
static inline void write_cr3(u64 v) { __asm__ __volatile__("mov %0, %%cr3" :: "r"(v) : "memory"); }
static inline u64 read_cr4(void) { u64 v; __asm__ __volatile__("mov %%cr4, %0" : "=r"(v)); return v; }
static inline void write_cr4(u64 v) { __asm__ __volatile__("mov %0, %%cr4" :: "r"(v) : "memory"); }
static inline void clts(void) { __asm__ __volatile__("clts" ::: "memory"); }
static inline void invlpg(u64 va) { __asm__ __volatile__("invlpg (%0)" :: "r"(va) : "memory"); }
static inline u64 rdmsr(u32 msr)
{
	u32 lo, hi;

	__asm__ __volatile__("rdmsr" : "=a"(lo), "=d"(hi) : "c"(msr));
	return (u64)hi << 32 | lo;
}
static inline void wrmsr(u32 msr, u64 v)
{
	__asm__ __volatile__("wrmsr" :: "c"(msr), "a"((u32)v), "d"((u32)(v >> 32)) : "memory");
}
/* The TSC; not ordered against the instructions around it. */
static inline u64 rdtsc(void)
{
	u32 lo, hi;

	__asm__ __volatile__("rdtsc" : "=a"(lo), "=d"(hi));
	return (u64)hi << 32 | lo;
}
struct cpuid_regs { u32 eax, ebx, ecx, edx; };
static inline struct cpuid_regs cpuid(u32 leaf, u32 sub)
{
	struct cpuid_regs r;

	__asm__ __volatile__("cpuid" : "=a"(r.eax), "=b"(r.ebx), "=c"(r.ecx), "=d"(r.edx) : "a"(leaf), "c"(sub));
	return r;
}
struct __packed table_register { u16 limit; u64 base; };
static inline void lgdt(const struct table_register *r) { __asm__ __volatile__("lgdt %0" :: "m"(*r)); }
static inline void lidt(const struct table_register *r) { __asm__ __volatile__("lidt %0" :: "m"(*r)); }
static inline void ltr(u16 sel) { __asm__ __volatile__("ltr %0" :: "r"(sel)); }
/* Data segments mean nothing in 64-bit mode; loading fs or gs clears its base. */
static inline void load_data_segments(u16 sel)
{
	__asm__ __volatile__("mov %0, %%ds; mov %0, %%es; mov %0, %%ss" :: "r"((u32)sel));
	__asm__ __volatile__("mov %0, %%fs; mov %0, %%gs" :: "r"(0));
}
/* A far return through selector 0x10, KERNEL_CS: the code segment of the new table. */
static inline void load_kernel_cs(void)
{
	u64 tmp;

	__asm__ __volatile__("pushq $0x10; leaq 1f(%%rip), %0; pushq %0; lretq; 1:" : "=&r"(tmp) :: "memory");
}
static inline void halt(void) { __asm__ __volatile__("hlt" ::: "memory"); }
/* The sti shadow: no interrupt can come between the two. */
static inline void sti_halt(void) { __asm__ __volatile__("sti; hlt" ::: "memory"); }

/* Extended state; @mask selects components (SDM vol. 1, 13). 64-byte aligned image. */
static inline void xsetbv(u32 reg, u64 v)
{
	__asm__ __volatile__("xsetbv" :: "c"(reg), "a"((u32)v), "d"((u32)(v >> 32)));
}
static inline void fxsave(void *image) { __asm__ __volatile__("fxsave64 (%0)" :: "r"(image) : "memory"); }
static inline void fxrstor(const void *image) { __asm__ __volatile__("fxrstor64 (%0)" :: "r"(image) : "memory"); }
static inline void xsave(void *image, u64 mask)
{
	__asm__ __volatile__("xsave64 (%0)" :: "r"(image), "a"((u32)mask), "d"((u32)(mask >> 32)) : "memory");
}
static inline void xrstor(const void *image, u64 mask)
{
	__asm__ __volatile__("xrstor64 (%0)" :: "r"(image), "a"((u32)mask), "d"((u32)(mask >> 32)) : "memory");
}
static inline bool rdrand(u64 *v)
{
	bool ok;

	__asm__ __volatile__("rdrand %0" : "=r"(*v), "=@ccc"(ok));
	return ok;
}
static inline bool rdseed(u64 *v)
{
	bool ok;

	__asm__ __volatile__("rdseed %0" : "=r"(*v), "=@ccc"(ok));
	return ok;
}
/* a * b / c with a 128-bit product; the result must fit. */
static inline u64 mul_u64_u64_div_u64(u64 a, u64 b, u64 c)
{
	u64 q;

	__asm__ ("mulq %2; divq %3" : "=a"(q) : "a"(a), "rm"(b), "rm"(c) : "rdx", "cc");
	return q;
}
static inline unsigned long frame_pointer(void) { return (unsigned long)__builtin_frame_address(0); }

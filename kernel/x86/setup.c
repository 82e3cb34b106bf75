/*
 * kernel/x86/setup.c - from the first line of C to the boot list: features, control registers, page tables.
 *
 * Linux:   arch/x86/kernel/setup.c, head64.c, cpu/common.c (6.1)
 * Same:    what the CPU can do is asked once and kept; each CPU gets the same control registers.
 * Differs: 1. FSGSBASE stays off: user segment bases change only by system call, so the context switch knows
 *             them without reading them back.
 *          2. no mitigations: the machine is a teaching machine, and says so in docs/architecture.md.
 * Locks:   none.
 * Walk:    kernel/boot/start.asm -> x86_start() -> start_kernel() -> arch_init().
 */
#include "kernel/boot.h"
#include "kernel/irqflags.h"
#include "kernel/printk.h"
#include "kernel/io.h"
#include "kernel/sched.h"
#include "kernel/sections.h"
#include "kernel/string.h"
#include "kernel/task.h"
#include "kernel/x86/x86.h"

struct cpu_features cpu_has;

enum { POST_PORT = 0x80 };	/* codes of the power-on self-test: reading it has no effect */
enum { SMAP_CLAC = 0, SMAP_STAC = 1, SMAP_SITE_BYTES = 3 };

/* Bits: SDM vol. 2, CPUID. */
static void detect_features(void)
{
	u32 max_leaf = cpuid(0, 0).eax;
	struct cpuid_regs one = cpuid(1, 0);
	struct cpuid_regs seven = max_leaf >= 7 ? cpuid(7, 0) : (struct cpuid_regs){ 0, 0, 0, 0 };

	cpu_has.pge = one.edx & BIT(13);
	cpu_has.xsave = one.ecx & BIT(26);
	cpu_has.tsc_deadline = one.ecx & BIT(24);
	cpu_has.rdrand = one.ecx & BIT(30);
	cpu_has.smep = seven.ebx & BIT(7);
	cpu_has.smap = seven.ebx & BIT(20);
	cpu_has.rdseed = seven.ebx & BIT(18);
	cpu_has.umip = seven.ecx & BIT(2);
	/* A hypervisor's name; QEMU's own emulation calls itself TCGTCGTCGTCG. */
	cpu_has.tcg = one.ecx & BIT(31) && cpuid(0x40000000, 0).ebx == 0x54474354;
}

void arch_device_mb(void)
{
	smp_mb();
	if (cpu_has.tcg)
		inb(POST_PORT);
}

/*
 * User copies and entries carry 3-byte nops where SMAP wants stac or clac; with SMAP they become that. Runs before
 * the code becomes read-only.
 */
static void patch_smap_sites(void)
{
	static const u8 code[2][SMAP_SITE_BYTES] = {
		[SMAP_CLAC] = { 0x0f, 0x01, 0xca }, [SMAP_STAC] = { 0x0f, 0x01, 0xcb },
	};

	if (!cpu_has.smap)
		return;
	for (const struct smap_site *s = __smap_sites_start; s < __smap_sites_end; s++)
		memcpy((void *)s->ip, code[s->kind], SMAP_SITE_BYTES);
}

void cpu_init(void)
{
	u64 cr4 = CR4_PAE | CR4_OSFXSR | CR4_OSXMMEXCPT;
	u64 star = (u64)KERNEL_CS << 32 | (u64)(USER_CS - 16) << 48; /* sysret: ss = base + 8, cs = base + 16 */

	cr4 |= cpu_has.pge ? CR4_PGE : 0;
	cr4 |= cpu_has.smep ? CR4_SMEP : 0;
	cr4 |= cpu_has.smap ? CR4_SMAP : 0;
	cr4 |= cpu_has.umip ? CR4_UMIP : 0;
	cr4 |= cpu_has.xsave ? CR4_OSXSAVE : 0;
	write_cr4(cr4);
	write_cr0((read_cr0() & ~(u64)CR0_EM) | CR0_MP | CR0_NE | CR0_WP | CR0_TS);
	wrmsr(MSR_STAR, star);
	wrmsr(MSR_LSTAR, (u64)syscall_entry);
	wrmsr(MSR_CSTAR, 0); /* never reached: there is no 32-bit code segment */
	wrmsr(MSR_SYSCALL_MASK, X86_EFLAGS_IF | X86_EFLAGS_TF | X86_EFLAGS_DF | X86_EFLAGS_NT | X86_EFLAGS_AC);
	fpu_init_cpu();
}

void x86_start(u32 magic, phys_addr_t info_pa)
{
	percpu_init_boot();
	segments_init_cpu(0);
	idt_init();
	init_task.stack = boot_stack;
	this_cpu_write(current_task, &init_task);
	detect_features();
	patch_smap_sites();
	boot_info_init(magic, info_pa);
	acpi_init();
	percpu_init();
	paging_init();
	cpu_init();
	start_kernel();
}

void arch_init(void)
{
	fpu_init();
	apic_init();
	apic_init_cpu();
	ioapic_init();
	tsc_init();
}

bool arch_random(u64 *v)
{
	enum { TRIES = 10 };	/* SDM vol. 1, 7.3.17.1 */

	for (int i = 0; i < TRIES; i++) {
		if (cpu_has.rdseed && rdseed(v))
			return true;
		if (cpu_has.rdrand && rdrand(v))
			return true;
	}
	return false;
}

void arch_idle(void) { sti_halt(); }

/*
 * kernel/x86/segments.c - the descriptor tables: segments, task state segments, interrupt gates.
 *
 * Linux:   arch/x86/kernel/cpu/common.c, idt.c, arch/x86/include/asm/segment.h (6.1)
 * Same:    selectors; stacks of their own for NMI, and for double fault and machine check.
 * Differs: 1. no 32-bit user segment: there are no 32-bit programs.
 *          2. interrupts run on the stack of the task they interrupt.
 * Locks:   none: written once, per CPU.
 * Walk:    the CPU reads these at each entry; set_kernel_stack() from arch_switch_to().
 */
#include "kernel/x86/segments.h"
#include "kernel/x86/x86.h"

enum {
	GDT_KERNEL_CS = KERNEL_CS / 8, GDT_KERNEL_DS = KERNEL_DS / 8, GDT_USER_DS = USER_DS / 8,
	GDT_USER_CS = USER_CS / 8,
	GDT_TSS = 8, GDT_ENTRIES = 10,
	IST_NMI = 1, IST_FATAL = 2, IST_STACK_SIZE = IST_BYTES / NR_IST,
	GATE_INTERRUPT = 0x8e00, GATE_USER = 0x6000,	/* SDM vol. 3, 6.14.1 */
};
/* Flat segments, SDM vol. 3, 3.4.5: long mode code, data; privilege level 0 or 3. */
#define SEG_KERNEL_CODE 0x00af9b000000ffffUL
#define SEG_KERNEL_DATA 0x00cf93000000ffffUL
#define SEG_USER_CODE	0x00affb000000ffffUL
#define SEG_USER_DATA	0x00cff3000000ffffUL
#define SEG_TSS		0x0000890000000000UL

struct idt_gate { u16 offset_low, selector; u16 flags, offset_mid; u32 offset_high, reserved; };
static_assert(sizeof(struct idt_gate) == 16, "SDM vol. 3, figure 6-8");

/*
 * The word at the top is the CPU's gs base: an entry that may come at any instruction, even where gs is half
 * switched, finds it there (trap_entry.asm).
 */
struct ist_stack { u8 bytes[IST_STACK_SIZE - 16]; u64 gs_base; u64 pad; };
static_assert(sizeof(struct ist_stack) == IST_STACK_SIZE, "the entry code masks the stack pointer");

DEFINE_PER_CPU(struct tss, cpu_tss) __aligned(64);
static DEFINE_PER_CPU(u64[GDT_ENTRIES], cpu_gdt) __aligned(64);
static struct ist_stack boot_ist_stacks[NR_IST] __section(".bss.page") __aligned(IST_STACK_SIZE);
static struct idt_gate idt[NR_VECTORS] __section(".bss.page") __aligned(16);

static void set_gate(unsigned int vector, const void *entry, unsigned int ist, u16 flags)
{
	u64 a = (u64)entry;

	idt[vector] = (struct idt_gate){
		.offset_low = (u16)a, .offset_mid = (u16)(a >> 16), .offset_high = (u32)(a >> 32),
		.selector = KERNEL_CS, .flags = (u16)(GATE_INTERRUPT | flags | ist),
	};
}

void idt_init(void)
{
	for (unsigned int v = 0; v < NR_EXCEPTIONS; v++)
		set_gate(v, trap_stubs + v * TRAP_STUB_SIZE, 0, 0);
	for (unsigned int v = NR_EXCEPTIONS; v < NR_VECTORS; v++)
		set_gate(v, irq_stubs + (v - NR_EXCEPTIONS) * TRAP_STUB_SIZE, 0, 0);
	set_gate(X86_TRAP_BP, trap_stubs + X86_TRAP_BP * TRAP_STUB_SIZE, 0, GATE_USER);
	set_gate(X86_TRAP_OF, trap_stubs + X86_TRAP_OF * TRAP_STUB_SIZE, 0, GATE_USER);
	set_gate(X86_TRAP_PF, page_fault_entry, 0, 0);
	set_gate(X86_TRAP_NMI, nmi_entry, IST_NMI, 0);
	set_gate(X86_TRAP_DF, double_fault_entry, IST_FATAL, 0);
	set_gate(X86_TRAP_MC, machine_check_entry, IST_FATAL, 0);
}

/* @ist: NR_IST stacks for @cpu, which need not run yet. */
static void tss_init(struct tss *tss, struct ist_stack *ist, int cpu)
{
	for (int i = 0; i < NR_IST; i++) {
		ist[i].gs_base = __per_cpu_offset[cpu];
		tss->ist[i] = (u64)&ist[i].gs_base;
	}
	tss->iomap_base = sizeof(*tss); /* no ports for user mode */
}

static void gdt_init(u64 *gdt, const struct tss *tss)
{
	u64 base = (u64)tss;

	gdt[GDT_KERNEL_CS] = SEG_KERNEL_CODE;
	gdt[GDT_KERNEL_DS] = SEG_KERNEL_DATA;
	gdt[GDT_USER_DS] = SEG_USER_DATA;
	gdt[GDT_USER_CS] = SEG_USER_CODE;
	gdt[GDT_TSS] = SEG_TSS | (sizeof(*tss) - 1) | (base & 0xffffff) << 16 | (base >> 24 & 0xff) << 56;
	gdt[GDT_TSS + 1] = base >> 32;
}

void segments_prepare_cpu(int cpu, void *ist)
{
	tss_init(per_cpu_ptr(&cpu_tss, cpu), ist, cpu);
	gdt_init(per_cpu(cpu_gdt, cpu), per_cpu_ptr(&cpu_tss, cpu));
}

void segments_init_cpu(int cpu)
{
	struct table_register gdtr = { sizeof(per_cpu(cpu_gdt, cpu)) - 1, (u64)per_cpu_ptr(&cpu_gdt, cpu) };
	struct table_register idtr = { sizeof(idt) - 1, (u64)idt };

	if (cpu == 0)
		segments_prepare_cpu(0, boot_ist_stacks);
	lgdt(&gdtr);
	load_data_segments(KERNEL_DS);
	load_kernel_cs();
	wrmsr(MSR_GS_BASE, __per_cpu_offset[cpu]);
	wrmsr(MSR_KERNEL_GS_BASE, 0);
	ltr(GDT_TSS * 8);
	lidt(&idtr);
}

/*
 * kernel/x86/x86.h - what the files of kernel/x86 do for each other.
 *
 * Linux:   arch/x86/include/asm (6.1)
 * Same:    names, where a function does Linux's job.
 * Differs: none of note.
 * Locks:   none.
 * Walk:    x86_start() and ap_start() call what ends in _init_cpu.
 */
#pragma once
#include "kernel/arch.h"
#include "kernel/irq.h"
#include "kernel/percpu.h"
#include "kernel/x86/cpu.h"

/* Vectors. Exceptions have 0 .. 31 (SDM vol. 3, 6.3.1), request_irq() gives out the devices' part. */
enum {
	X86_TRAP_DE = 0, X86_TRAP_DB = 1, X86_TRAP_NMI = 2, X86_TRAP_BP = 3, X86_TRAP_OF = 4, X86_TRAP_BR = 5,
	X86_TRAP_UD = 6, X86_TRAP_NM = 7, X86_TRAP_DF = 8, X86_TRAP_TS = 10, X86_TRAP_NP = 11, X86_TRAP_SS = 12,
	X86_TRAP_GP = 13, X86_TRAP_PF = 14, X86_TRAP_MF = 16, X86_TRAP_AC = 17, X86_TRAP_MC = 18, X86_TRAP_XF = 19,
	LOCAL_TIMER_VECTOR = 0xf0,
	CALL_FUNCTION_VECTOR = 0xf1,
	RESCHEDULE_VECTOR = 0xf2,
	ERROR_APIC_VECTOR = 0xfe,
	SPURIOUS_APIC_VECTOR = 0xff,
};

/* What CPUID says, read once on the boot CPU. */
struct cpu_features {
	bool smep, smap, umip, pge, xsave, tsc_deadline, rdrand, rdseed, tcg;
	u64 xfeatures;		/* components XSAVE is used for */
};
extern struct cpu_features cpu_has;
extern const char *const trap_names[32];

/* setup.c: cpu_init - control registers and MSRs of this CPU. x86_start - from kernel/boot/start.asm. */
void x86_start(u32 magic, phys_addr_t info_pa);
void cpu_init(void);
/*
 * segments.c: segments_prepare_cpu - fill the GDT and TSS of @cpu, with @ist (IST_BYTES, aligned to a stack) for its
 * interrupt stacks. segments_init_cpu - load them on this CPU. idt_init - the gates, which all CPUs share.
 */
enum { NR_IST = 2, IST_BYTES = NR_IST * 8192 };
void segments_prepare_cpu(int cpu, void *ist);
void segments_init_cpu(int cpu);
void idt_init(void);

/* trap.c, trap_entry.asm, syscall_entry.asm */
extern char trap_stubs[], irq_stubs[], nmi_entry[], double_fault_entry[], machine_check_entry[], page_fault_entry[];
enum { TRAP_STUB_SIZE = 16, NR_EXCEPTIONS = 32 };
void syscall_entry(void);
void ret_from_fork(void);
void do_trap(struct pt_regs *regs, unsigned int vector, u64 error);
void do_nmi(struct pt_regs *regs);
void do_double_fault(struct pt_regs *regs, u64 error);
void do_machine_check(struct pt_regs *regs);
struct pt_regs *fixup_bad_iret(struct pt_regs *fault);
void do_irq(struct pt_regs *regs, unsigned int vector);



/* process.c, switch.asm, fpu.c */
struct task_struct *__switch_to_asm(struct task_struct *prev, struct task_struct *next);
__noreturn void kernel_thread_returned(int ret);
struct task_struct;
void fpu_init_cpu(void);
void fpu_init(void);
/* fpu_switch_out - @prev leaves this CPU: save what it used. Context: irqs off. */
void fpu_switch_out(struct task_struct *prev);
/* fpu_device_not_available - #NM: give current its state. Return: 0 or -ENOMEM. Context: task. */
int fpu_device_not_available(void);
/* fpu_copy, fpu_free, fpu_flush - at fork, at the end of a task, at execve. */
int fpu_copy(struct task_struct *dst);
void fpu_free(struct task_struct *p);
void fpu_flush(void);
/* fpu_exception_code - why #MF or #XF came: FPE_*. Context: task. */
int fpu_exception_code(bool simd);

/* paging.c, tlb.c, stack.c */
extern pte_t kernel_pgd[];
extern char boot_stack[], boot_stack_guard[];
void paging_init(void);
/* free_user_tables - @pgd and what hangs below it, when no CPU has it loaded. Context: preemption off. */
void free_user_tables(pte_t *pgd);
DECLARE_PER_CPU(pte_t *, loaded_pgd);
/* smp_call_mask - run @fn on the CPUs of @mask but this one, and wait. Context: preemptible or bh, irqs on. */
void smp_call_mask(unsigned long mask, void (*fn)(void *), void *arg);
void call_function_interrupt(void);

/* acpi.c: what the firmware's tables say, read while the first page tables still show all of them. */
enum { MAX_IOAPICS = 4, NR_ISA_IRQS = 16 };
struct acpi_info {
	u32 lapic_pa;
	u8 cpu_apic_id[NR_CPUS];	/* [0]: the boot CPU */
	int nr_ioapics;
	struct { u32 pa, gsi_base; } ioapic[MAX_IOAPICS];
	struct { u32 gsi; bool level, active_low; } isa[NR_ISA_IRQS];
	u64 hpet_pa;
	u64 mcfg_pa;
	u8 mcfg_first_bus, mcfg_last_bus;
	u16 pm1a_cnt, pm1b_cnt, pm_timer;
	u8 s5_type_a, s5_type_b;
	bool has_s5;
	u16 reset_port;
	u8 reset_value;
};
extern struct acpi_info acpi;
void acpi_init(void);

/* apic.c, ioapic.c, tsc.c */
void apic_init(void);
void apic_init_cpu(void);
void apic_eoi(void);
u32 apic_id(void);
/* apic_send_* - interrupts from CPU to CPU; a start-up message names the page below 1 MiB to start at. */
void apic_send_ipi(int cpu, unsigned int vector);
void apic_send_nmi_others(void);
void apic_send_init(int cpu);
void apic_send_startup(int cpu, unsigned int page);
/* apic_timer_start_raw, apic_timer_raw - the counter running down without interrupts, to be measured. */
void apic_timer_start_raw(void);
u32 apic_timer_raw(void);
void apic_timer_set_hz(u64 hz);
void ioapic_init(void);
void tsc_init(void);
extern u64 tsc_hz, tsc_base;

/* smp.c: the other CPUs' areas, made before the scheduler; where they start in C. */
void percpu_init_boot(void);
void percpu_init(void);
__noreturn void ap_start(int cpu);
extern char trampoline_start[], trampoline_end[];
extern void *ap_stack_top[NR_CPUS];
extern u32 ap_apic_id[NR_CPUS];
extern bool cpus_stopping;

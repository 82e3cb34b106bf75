/*
 * kernel/x86/apic.c - the local APIC: this CPU's interrupts, its timer, and messages to other CPUs.
 *
 * Linux:   arch/x86/kernel/apic/{apic,ipi}.c (6.1)
 * Same:    TSC deadline timer where there is one, else the counter in one-shot mode.
 * Differs: 1. registers in memory only (xAPIC): ids above 255 cannot occur with eight CPUs. Firmware that left x2APIC
 *             mode on is switched back.
 * Locks:   none: each CPU its own; the command register with interrupts off.
 * Walk:    do_irq() -> apic_eoi();  kernel/time -> arch_timer_program().
 */
#include "kernel/barrier.h"
#include "kernel/bug.h"
#include "kernel/io.h"
#include "kernel/irqflags.h"
#include "kernel/time.h"
#include "kernel/x86/x86.h"

/* SDM vol. 3, table 10-1, 10.5.1, 10.6.1 */
enum {
	APIC_ID = 0x20, APIC_TPR = 0x80, APIC_EOI = 0xb0, APIC_SPURIOUS = 0xf0, APIC_ICR_LOW = 0x300,
	APIC_ICR_HIGH = 0x310, APIC_LVT_TIMER = 0x320, APIC_LVT_LINT0 = 0x350, APIC_LVT_LINT1 = 0x360,
	APIC_LVT_ERROR = 0x370, APIC_TIMER_INITIAL = 0x380, APIC_TIMER_CURRENT = 0x390, APIC_TIMER_DIVIDE = 0x3e0,
	APIC_SW_ENABLE = 0x100, LVT_MASKED = 0x10000, LVT_NMI = 0x400, LVT_TSC_DEADLINE = 0x40000,
	TIMER_DIVIDE_BY_1 = 0xb,
	ICR_FIXED = 0, ICR_NMI = 0x400, ICR_INIT = 0x500, ICR_STARTUP = 0x600, ICR_ASSERT = 0x4000, ICR_BUSY = 0x1000,
	ICR_ALL_BUT_SELF = 0xc0000,
	APICBASE_X2APIC = 1 << 10, APICBASE_ENABLE = 1 << 11,
};
#define APIC_DEFAULT_PA 0xfee00000U

static u8 *apic_base;
static u64 timer_mult;		/* counts per ns, 32 bits of fraction */
static u64 tsc_per_ns_mult;

static u32 apic_read(u32 reg) { return readl(apic_base + reg); }
static void apic_write(u32 reg, u32 v) { writel(v, apic_base + reg); }

void apic_eoi(void) { apic_write(APIC_EOI, 0); }
u32 apic_id(void) { return apic_read(APIC_ID) >> 24; }

void apic_init(void)
{
	apic_base = ioremap(acpi.lapic_pa ? acpi.lapic_pa : APIC_DEFAULT_PA, PAGE_SIZE);
	if (!apic_base)
		panic("no memory to map the local APIC");
}

void apic_init_cpu(void)
{
	u64 base = rdmsr(MSR_IA32_APICBASE);

	if (base & APICBASE_X2APIC) {
		/* Back to xAPIC mode leads only through "off": SDM vol. 3, figure 10-27. */
		base &= ~(u64)(APICBASE_X2APIC | APICBASE_ENABLE);
		wrmsr(MSR_IA32_APICBASE, base);
	}
	wrmsr(MSR_IA32_APICBASE, base | APICBASE_ENABLE);
	apic_write(APIC_TPR, 0);
	apic_write(APIC_LVT_LINT0, LVT_MASKED);
	apic_write(APIC_LVT_LINT1, LVT_NMI);
	apic_write(APIC_LVT_ERROR, ERROR_APIC_VECTOR);
	apic_write(APIC_SPURIOUS, APIC_SW_ENABLE | SPURIOUS_APIC_VECTOR);
	apic_write(APIC_TIMER_DIVIDE, TIMER_DIVIDE_BY_1);
	apic_write(APIC_LVT_TIMER, LOCAL_TIMER_VECTOR | (cpu_has.tsc_deadline ? LVT_TSC_DEADLINE : 0));
	apic_eoi(); /* whatever the firmware left in service */
}

void apic_timer_start_raw(void)
{
	apic_write(APIC_LVT_TIMER, LVT_MASKED | LOCAL_TIMER_VECTOR);
	apic_write(APIC_TIMER_INITIAL, U32_MAX);
}

u32 apic_timer_raw(void) { return apic_read(APIC_TIMER_CURRENT); }

void apic_timer_set_hz(u64 hz)
{
	timer_mult = mul_u64_u64_div_u64(hz, 1ULL << 32, NSEC_PER_SEC);
	tsc_per_ns_mult = mul_u64_u64_div_u64(tsc_hz, 1ULL << 32, NSEC_PER_SEC);
	apic_write(APIC_TIMER_INITIAL, 0);
	apic_write(APIC_LVT_TIMER, LOCAL_TIMER_VECTOR | (cpu_has.tsc_deadline ? LVT_TSC_DEADLINE : 0));
}

static u64 scale(u64 v, u64 mult) { return (u64)((unsigned __int128)v * mult >> 32); }

void arch_timer_program(u64 deadline_ns)
{
	enum { MAX_DELTA_NS = 4000000000U };	/* below 2^32 counts at 1 GHz; the timer code looks again then */
	u64 now, delta, count;

	if (cpu_has.tsc_deadline) {
		/* A deadline in the past fires at once; 0 means none. */
		count = scale(deadline_ns, tsc_per_ns_mult) + tsc_base + 1;
		wrmsr(MSR_IA32_TSC_DEADLINE, deadline_ns == U64_MAX ? 0 : count);
		return;
	}
	if (deadline_ns == U64_MAX) {
		apic_write(APIC_TIMER_INITIAL, 0);
		return;
	}
	now = arch_clock_ns();
	delta = deadline_ns > now ? deadline_ns - now : 0;
	count = scale(min(delta, (u64)MAX_DELTA_NS), timer_mult) + 1; /* never early by rounding */
	apic_write(APIC_TIMER_INITIAL, (u32)min(count, (u64)U32_MAX));
}

/* Two registers make one message: nothing on this CPU may come between. */
static void send(u32 destination, u32 command)
{
	unsigned long flags;

	local_irq_save(flags);
	while (apic_read(APIC_ICR_LOW) & ICR_BUSY)
		cpu_relax();
	apic_write(APIC_ICR_HIGH, destination << 24);
	apic_write(APIC_ICR_LOW, command | ICR_ASSERT);
	local_irq_restore(flags);
}

void apic_send_ipi(int cpu, unsigned int vector) { send(acpi.cpu_apic_id[cpu], ICR_FIXED | vector); }
void apic_send_nmi_others(void) { send(0, ICR_NMI | ICR_ALL_BUT_SELF); }
void apic_send_init(int cpu) { send(acpi.cpu_apic_id[cpu], ICR_INIT); }
void apic_send_startup(int cpu, unsigned int page) { send(acpi.cpu_apic_id[cpu], ICR_STARTUP | page); }

void smp_send_reschedule(int cpu) { apic_send_ipi(cpu, RESCHEDULE_VECTOR); }

/* SDM vol. 3, 10.11: physical destination, fixed delivery, edge. */
u64 msi_address(int cpu) { return APIC_DEFAULT_PA | (u64)acpi.cpu_apic_id[cpu] << 12; }
u32 msi_data(int irq) { return (u32)irq; }

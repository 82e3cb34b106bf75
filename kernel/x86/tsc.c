/*
 * kernel/x86/tsc.c - the clock: the time stamp counter, measured once against a clock of known speed.
 *
 * Linux:   arch/x86/kernel/tsc.c, hpet.c, rtc.c (6.1)
 * Same:    CPUID's own statement first, then the HPET, then the PIT; a sample counts only if it was quick.
 * Differs: 1. one short measurement (CALIBRATE_NS) instead of a long one refined later: a teaching kernel that boots
 *             in a blink may be wrong by a few parts in 100,000.
 * Locks:   none: written once at boot.
 * Walk:    arch_init() -> tsc_init();  ktime_get_ns() -> arch_clock_ns().
 */
#include "kernel/bug.h"
#include "kernel/io.h"
#include "kernel/irqflags.h"
#include "kernel/printk.h"
#include "kernel/time.h"
#include "kernel/x86/x86.h"

enum {
	CALIBRATE_NS = 4000000,
	SAMPLE_TRIES = 5,
	/* IA-PC HPET 1.0a, 2.3 */
	HPET_CAPABILITIES = 0, HPET_CONFIG = 0x10, HPET_COUNTER = 0xf0, HPET_ENABLE = 1,
	/* 8254 data sheet; port 0x61: the gate and output of its channel 2 */
	PIT_CHANNEL2 = 0x42, PIT_COMMAND = 0x43, PIT_MODE0_CHANNEL2 = 0xb0, PIT_HZ = 1193182, PORT_B = 0x61,
	PORT_B_GATE2 = 1, PORT_B_SPEAKER = 2, PORT_B_OUT2 = 0x20,
};
#define GHZ 1000000000ULL
#define FEMTO_PER_SEC 1000000000000000ULL

u64 tsc_hz, tsc_base;
static u64 ns_per_tsc_mult;	/* 32 bits of fraction; 0 until measured: messages carry time 0 */

struct sample { u64 tsc, hpet; u32 apic; };

u64 arch_clock_ns(void) { return (u64)((unsigned __int128)(rdtsc() - tsc_base) * ns_per_tsc_mult >> 32); }

/* Both counters at one moment: of a few tries the one where least time passed around the reading. */
static struct sample take_sample(const u8 *hpet)
{
	struct sample best = { 0, 0, 0 };
	u64 least = U64_MAX;

	for (int i = 0; i < SAMPLE_TRIES; i++) {
		u64 before = rdtsc();
		u64 h = readl(hpet + HPET_COUNTER);
		u32 a = apic_timer_raw();
		u64 after = rdtsc();

		if (after - before < least) {
			least = after - before;
			best = (struct sample){ before + least / 2, h, a };
		}
	}
	return best;
}

/* QEMU counts 1 GHz exactly where it counts instructions, and in its APIC timer: a near miss is measuring error. */
static u64 snap(u64 hz)
{
	u64 off = hz > GHZ ? hz - GHZ : GHZ - hz;

	return off < GHZ / 2000 ? GHZ : hz;
}

static bool calibrate_hpet(u64 *apic_hz)
{
	u8 *hpet = acpi.hpet_pa ? ioremap(acpi.hpet_pa, PAGE_SIZE) : NULL;
	struct sample a, b;
	u64 period_fs, wait, ticks;

	if (!hpet)
		return false;
	period_fs = readl(hpet + HPET_CAPABILITIES + 4);
	if (!period_fs || period_fs > 100000000) /* 2.3.4: at most 100 ns */
		return false;
	writel(readl(hpet + HPET_CONFIG) | HPET_ENABLE, hpet + HPET_CONFIG);
	wait = CALIBRATE_NS * 1000000ULL / period_fs;
	apic_timer_start_raw();
	a = take_sample(hpet);
	while ((u32)(readl(hpet + HPET_COUNTER) - (u32)a.hpet) < wait)
		cpu_relax();
	b = take_sample(hpet);
	ticks = (u32)(b.hpet - a.hpet);
	tsc_hz = mul_u64_u64_div_u64(b.tsc - a.tsc, FEMTO_PER_SEC, ticks * period_fs);
	*apic_hz = mul_u64_u64_div_u64(a.apic - b.apic, FEMTO_PER_SEC, ticks * period_fs);
	return true;
}

static void calibrate_pit(u64 *apic_hz)
{
	u32 count = PIT_HZ / (GHZ / CALIBRATE_NS), apic;
	u64 start, limit = 1ULL << 36;

	outb((inb(PORT_B) & ~PORT_B_SPEAKER) | PORT_B_GATE2, PORT_B);
	outb(PIT_MODE0_CHANNEL2, PIT_COMMAND);
	apic_timer_start_raw();
	outb((u8)count, PIT_CHANNEL2);
	outb((u8)(count >> 8), PIT_CHANNEL2);
	start = rdtsc();
	apic = apic_timer_raw();
	while (!(inb(PORT_B) & PORT_B_OUT2))
		if (rdtsc() - start > limit)
			panic("no clock to measure the TSC with: neither HPET nor PIT");
	*apic_hz = (u64)(apic - apic_timer_raw()) * PIT_HZ / count;
	tsc_hz = (rdtsc() - start) * PIT_HZ / count;
}

/* SDM vol. 2, CPUID leaf 0x15: crystal frequency (ecx) * ebx / eax. Exact, where it is given. */
static u64 cpuid_tsc_hz(void)
{
	struct cpuid_regs r;

	if (cpuid(0, 0).eax < 0x15)
		return 0;
	r = cpuid(0x15, 0);
	return r.eax && r.ebx && r.ecx ? (u64)r.ecx * r.ebx / r.eax : 0;
}

void tsc_init(void)
{
	unsigned long flags;
	u64 apic_hz = 0, exact = cpuid_tsc_hz();

	local_irq_save(flags);
	if (!calibrate_hpet(&apic_hz))
		calibrate_pit(&apic_hz);
	local_irq_restore(flags);
	tsc_hz = exact ? exact : snap(tsc_hz);
	ns_per_tsc_mult = mul_u64_u64_div_u64(NSEC_PER_SEC, 1ULL << 32, tsc_hz);
	tsc_base = rdtsc();
	apic_timer_set_hz(snap(apic_hz));
	pr_info("x86: %d CPUs, TSC %lu.%03lu MHz, timer: %s\n", nr_cpus_possible, (unsigned long)(tsc_hz / 1000000),
		(unsigned long)(tsc_hz / 1000 % 1000), cpu_has.tsc_deadline ? "TSC deadline" : "APIC one-shot");
}

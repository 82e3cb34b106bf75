/*
 * kernel/x86/tsc.c - the clock: the time stamp counter, measured once against a clock of known speed.
 *
 * Linux:   arch/x86/kernel/tsc.c, hpet.c, drivers/clocksource/acpi_pm.c (6.1)
 * Same:    CPUID's own statement first; then the HPET, the ACPI timer or the PIT; the quickest of several readings
 *          counts, since others may have been interrupted.
 * Differs: 1. one short measurement (CALIBRATE_NS) instead of a long one refined later: a teaching kernel that boots
 *             in a blink may be wrong by a few parts in 100,000.
 *          2. the reference is always a counter that is read next to the TSC, never a moment that is waited for: on a
 *             busy host such a moment is noticed late.
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
	HPET_CAPABILITIES = 0, HPET_CONFIG = 0x10, HPET_COUNTER = 0xf0, HPET_ENABLE = 1, HPET_MAX_PERIOD_FS = 100000000,
	/* 8254 data sheet; port 0x61: the gate of its channel 2 */
	PIT_CHANNEL2 = 0x42, PIT_COMMAND = 0x43, PIT_MODE0_CHANNEL2 = 0xb0, PIT_LATCH_CHANNEL2 = 0x80, PIT_HZ = 1193182,
	PORT_B = 0x61, PORT_B_GATE2 = 1, PORT_B_SPEAKER = 2,
	PM_TIMER_HZ = 3579545,	/* ACPI 6.4, 4.8.3.3 */
};
#define GHZ 1000000000ULL
#define FEMTO_PER_SEC 1000000000000000ULL

u64 tsc_hz, tsc_base;
static u64 ns_per_tsc_mult;	/* 32 bits of fraction; 0 until measured: messages carry time 0 */

u64 arch_clock_ns(void) { return (u64)((unsigned __int128)(rdtsc() - tsc_base) * ns_per_tsc_mult >> 32); }

/* --- clocks of known speed: all count up, modulo mask + 1 --- */

struct reference { u32 (*read)(void); u32 mask; u64 period_fs; };
static u8 *hpet;

static u32 read_hpet(void) { return readl(hpet + HPET_COUNTER); }
static u32 read_pm_timer(void) { return inl(acpi.pm_timer); }

/* The count that the latch command froze, low byte first; it runs down. */
static u32 read_pit(void)
{
	u32 low;

	outb(PIT_LATCH_CHANNEL2, PIT_COMMAND);
	low = inb(PIT_CHANNEL2);
	return 0xffff - ((u32)inb(PIT_CHANNEL2) << 8 | low);
}

static void start_pit(void)
{
	outb((inb(PORT_B) & ~PORT_B_SPEAKER) | PORT_B_GATE2, PORT_B);
	outb(PIT_MODE0_CHANNEL2, PIT_COMMAND);
	outb(0xff, PIT_CHANNEL2);
	outb(0xff, PIT_CHANNEL2);
}

static bool hpet_usable(void)
{
	u64 period;

	hpet = acpi.hpet_pa ? ioremap(acpi.hpet_pa, PAGE_SIZE) : NULL;
	if (!hpet)
		return false;
	period = readl(hpet + HPET_CAPABILITIES + 4);
	if (!period || period > HPET_MAX_PERIOD_FS)
		return false;
	writel(readl(hpet + HPET_CONFIG) | HPET_ENABLE, hpet + HPET_CONFIG);
	return true;
}

static struct reference find_reference(void)
{
	if (hpet_usable())
		return (struct reference){ read_hpet, U32_MAX, readl(hpet + HPET_CAPABILITIES + 4) };
	if (acpi.pm_timer)
		return (struct reference){ read_pm_timer, 0xffffff, FEMTO_PER_SEC / PM_TIMER_HZ };
	start_pit();
	return (struct reference){ read_pit, 0xffff, FEMTO_PER_SEC / PIT_HZ };
}

/* --- measuring --- */

struct sample { u64 tsc; u32 ref, apic; };

/* All counters at one moment: of a few tries the one where least time passed around the reading. */
static struct sample take_sample(const struct reference *ref)
{
	struct sample best = { 0, 0, 0 };
	u64 least = U64_MAX;

	for (int i = 0; i < SAMPLE_TRIES; i++) {
		u64 before = rdtsc();
		u32 r = ref->read(), a = apic_timer_raw();
		u64 after = rdtsc();

		if (after - before < least) {
			least = after - before;
			best = (struct sample){ before + least / 2, r, a };
		}
	}
	return best;
}

/* A clock that stands still would be waited for for ever: at 100 MHz at least, this is ten minutes. */
static void wait_ticks(const struct reference *ref, u32 since, u64 ticks)
{
	u64 start = rdtsc(), limit = 1ULL << 36;

	while (((ref->read() - since) & ref->mask) < ticks)
		if (rdtsc() - start > limit)
			panic("no clock to measure the TSC with: neither HPET nor ACPI timer nor PIT");
}

/* Return: the TSC's speed; *@apic_hz that of the APIC's timer. */
static u64 measure(const struct reference *ref, u64 *apic_hz)
{
	struct sample a, b;
	u64 time_fs;

	apic_timer_start_raw();
	a = take_sample(ref);
	wait_ticks(ref, a.ref, CALIBRATE_NS * 1000000ULL / ref->period_fs);
	b = take_sample(ref);
	time_fs = ((b.ref - a.ref) & ref->mask) * ref->period_fs;
	*apic_hz = mul_u64_u64_div_u64(a.apic - b.apic, FEMTO_PER_SEC, time_fs);
	return mul_u64_u64_div_u64(b.tsc - a.tsc, FEMTO_PER_SEC, time_fs);
}

static bool nearly_equal(u64 a, u64 b, u64 parts) { return (a > b ? a - b : b - a) < a / parts; }

/*
 * The PIT's counter comes round in 55 ms; if this CPU was away so long, the result is far off. Two that agree are
 * right. The others take seconds.
 */
static u64 measure_surely(const struct reference *ref, u64 *apic_hz)
{
	u64 hz = measure(ref, apic_hz), again;

	while (ref->mask == 0xffff) {
		again = measure(ref, apic_hz);
		if (nearly_equal(hz, again, 1000))
			break;
		hz = again;
	}
	return hz;
}

/* QEMU counts 1 GHz exactly where it counts instructions, and in its APIC timer: a near miss is measuring error. */
static u64 snap(u64 hz) { return nearly_equal(GHZ, hz, 2000) ? GHZ : hz; }

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
	struct reference ref = find_reference();
	u64 apic_hz, exact = cpuid_tsc_hz();
	unsigned long flags;

	local_irq_save(flags);
	tsc_hz = measure_surely(&ref, &apic_hz);
	local_irq_restore(flags);
	tsc_hz = exact ? exact : snap(tsc_hz);
	ns_per_tsc_mult = mul_u64_u64_div_u64(NSEC_PER_SEC, 1ULL << 32, tsc_hz);
	tsc_base = rdtsc();
	apic_timer_set_hz(snap(apic_hz));
	pr_info("x86: %d CPUs, TSC %lu.%03lu MHz, timer: %s\n", nr_cpus_possible, (unsigned long)(tsc_hz / 1000000),
		(unsigned long)(tsc_hz / 1000 % 1000), cpu_has.tsc_deadline ? "TSC deadline" : "APIC one-shot");
}

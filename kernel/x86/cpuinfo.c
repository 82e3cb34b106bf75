/*
 * kernel/x86/cpuinfo.c - what /proc/cpuinfo says of a processor.
 *
 * Linux:   arch/x86/kernel/cpu/proc.c (6.1)
 * Same:    the lines that programs look for, and the names of the flags.
 * Differs: 1. all processors are taken to be like the one that is asked. 2. the flags listed are those a program may
 *             use; no bugs, no power management.
 * Locks:   none.
 * Walk:    read("/proc/cpuinfo") -> arch_cpu_text().
 */
#include "kernel/arch.h"
#include "kernel/string.h"
#include "kernel/x86/x86.h"

/* SDM vol. 2, CPUID: which bit of which answer bears which name. */
struct flag_bit { u8 leaf, reg, bit; const char *name; };
enum { LEAF_1, LEAF_7, LEAF_EXT, REG_EBX = 1, REG_ECX = 2, REG_EDX = 3 };
static const struct flag_bit flags[] = {
	{ LEAF_1, REG_EDX, 0, "fpu" }, { LEAF_1, REG_EDX, 4, "tsc" },
	{ LEAF_1, REG_EDX, 5, "msr" }, { LEAF_1, REG_EDX, 6, "pae" },
	{ LEAF_1, REG_EDX, 8, "cx8" }, { LEAF_1, REG_EDX, 9, "apic" },
	{ LEAF_1, REG_EDX, 11, "sep" }, { LEAF_1, REG_EDX, 13, "pge" },
	{ LEAF_1, REG_EDX, 15, "cmov" }, { LEAF_1, REG_EDX, 19, "clflush" },
	{ LEAF_1, REG_EDX, 23, "mmx" }, { LEAF_1, REG_EDX, 24, "fxsr" },
	{ LEAF_1, REG_EDX, 25, "sse" }, { LEAF_1, REG_EDX, 26, "sse2" },
	{ LEAF_EXT, REG_EDX, 11, "syscall" }, { LEAF_EXT, REG_EDX, 20, "nx" },
	{ LEAF_EXT, REG_EDX, 29, "lm" }, { LEAF_1, REG_ECX, 0, "pni" },
	{ LEAF_1, REG_ECX, 1, "pclmulqdq" }, { LEAF_1, REG_ECX, 9, "ssse3" },
	{ LEAF_1, REG_ECX, 12, "fma" }, { LEAF_1, REG_ECX, 13, "cx16" },
	{ LEAF_1, REG_ECX, 19, "sse4_1" }, { LEAF_1, REG_ECX, 20, "sse4_2" },
	{ LEAF_1, REG_ECX, 22, "movbe" }, { LEAF_1, REG_ECX, 23, "popcnt" },
	{ LEAF_1, REG_ECX, 24, "tsc_deadline_timer" }, { LEAF_1, REG_ECX, 25, "aes" },
	{ LEAF_1, REG_ECX, 26, "xsave" }, { LEAF_1, REG_ECX, 28, "avx" },
	{ LEAF_1, REG_ECX, 29, "f16c" }, { LEAF_1, REG_ECX, 30, "rdrand" },
	{ LEAF_1, REG_ECX, 31, "hypervisor" }, { LEAF_EXT, REG_ECX, 0, "lahf_lm" },
	{ LEAF_EXT, REG_ECX, 5, "abm" }, { LEAF_7, REG_EBX, 3, "bmi1" },
	{ LEAF_7, REG_EBX, 5, "avx2" }, { LEAF_7, REG_EBX, 7, "smep" },
	{ LEAF_7, REG_EBX, 8, "bmi2" }, { LEAF_7, REG_EBX, 9, "erms" },
	{ LEAF_7, REG_EBX, 18, "rdseed" }, { LEAF_7, REG_EBX, 19, "adx" },
	{ LEAF_7, REG_EBX, 20, "smap" }, { LEAF_7, REG_EBX, 29, "sha_ni" },
};

static u32 reg_of(const struct cpuid_regs *r, u8 reg)
{
	return reg == REG_EBX ? r->ebx : reg == REG_ECX ? r->ecx : r->edx;
}

static size_t put_flags(char *buf, size_t size, const struct cpuid_regs leaves[3])
{
	size_t n = (size_t)scnprintf(buf, size, "flags\t\t:");

	for (size_t i = 0; i < ARRAY_SIZE(flags); i++) {
		if (reg_of(&leaves[flags[i].leaf], flags[i].reg) >> flags[i].bit & 1)
			n += (size_t)scnprintf(buf + n, size - n, " %s", flags[i].name);
	}
	return n;
}

static void vendor_name(char name[13])
{
	struct cpuid_regs r = cpuid(0, 0);

	memcpy(name, &r.ebx, 4);
	memcpy(name + 4, &r.edx, 4);
	memcpy(name + 8, &r.ecx, 4);
	name[12] = '\0';
}

static void brand_name(char name[49])
{
	name[0] = '\0';
	if (cpuid(0x80000000, 0).eax < 0x80000004)
		return;
	for (u32 i = 0; i < 3; i++) {
		struct cpuid_regs r = cpuid(0x80000002 + i, 0);

		memcpy(name + i * 16, &r, 16);
	}
	name[48] = '\0';
}

size_t arch_cpu_text(int cpu, char *buf, size_t size)
{
	struct cpuid_regs leaves[3] = { cpuid(1, 0), { 0, 0, 0, 0 }, { 0, 0, 0, 0 } };
	char vendor[13], brand[49];
	u32 sig = leaves[LEAF_1].eax, family = sig >> 8 & 15, model = sig >> 4 & 15;
	size_t n;

	if (cpuid(0, 0).eax >= 7)
		leaves[LEAF_7] = cpuid(7, 0);
	if (cpuid(0x80000000, 0).eax >= 0x80000001)
		leaves[LEAF_EXT] = cpuid(0x80000001, 0);
	if (family == 6 || family == 15)
		model |= sig >> 12 & 0xf0;
	if (family == 15)
		family += sig >> 20 & 0xff;
	vendor_name(vendor);
	brand_name(brand);
	n = (size_t)scnprintf(buf, size, "processor\t: %d\nvendor_id\t: %s\ncpu family\t: %u\nmodel\t\t: %u\n",
			      cpu, vendor, family, model);
	n += (size_t)scnprintf(buf + n, size - n, "model name\t: %s\nstepping\t: %u\ncpu MHz\t\t: %llu.%03llu\n",
			       brand, sig & 15, (unsigned long long)(tsc_hz / 1000000),
			       (unsigned long long)(tsc_hz / 1000 % 1000));
	n += (size_t)scnprintf(buf + n, size - n, "physical id\t: %d\nsiblings\t: 1\ncore id\t\t: 0\ncpu cores\t: 1\n"
			       "apicid\t\t: %d\nfpu\t\t: yes\nfpu_exception\t: yes\ncpuid level\t: %u\nwp\t\t: yes\n",
			       cpu, cpu, cpuid(0, 0).eax);
	n += put_flags(buf + n, size - n, leaves);
	n += (size_t)scnprintf(buf + n, size - n, "\nbogomips\t: %llu.%02llu\nclflush size\t: 64\n"
			       "cache_alignment\t: 64\naddress sizes\t: 48 bits physical, 48 bits virtual\n\n",
			       (unsigned long long)(tsc_hz / 500000), (unsigned long long)(tsc_hz / 5000 % 100));
	return n;
}

u64 arch_hwcap(void)
{
	static u32 edx;	/* asked once: under a hypervisor each CPUID is an exit */

	if (!edx)
		edx = cpuid(1, 0).edx;
	return edx;
}

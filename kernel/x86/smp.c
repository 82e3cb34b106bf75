/*
 * kernel/x86/smp.c - CPUs: the data each has for itself, starting them, stopping them.
 *
 * Linux:   arch/x86/kernel/{smpboot,setup_percpu}.c, kernel/cpu.c (6.1)
 * Same:    INIT, then start-up messages, to a page of 16-bit code below 1 MiB.
 * Differs: 1. all CPUs are started at once, each finds its number by its APIC id; then the boot CPU waits for all.
 *          2. CPUs are started once, and never taken away.
 * Locks:   none.
 * Walk:    smp_init() -> trampoline.asm -> ap_start() -> cpu_idle_loop().
 */
#include "kernel/boot.h"
#include "kernel/bug.h"
#include "kernel/cmdline.h"
#include "kernel/list.h"
#include "kernel/mm.h"
#include "kernel/printk.h"
#include "kernel/sections.h"
#include "kernel/string.h"
#include "kernel/task.h"
#include "kernel/time.h"
#include "kernel/timer.h"
#include "kernel/x86/x86.h"

enum { INIT_TO_STARTUP_US = 10, FIRST_STARTUP_WAIT_US = 20000, LAST_STARTUP_WAIT_US = 5000000 };

unsigned long __per_cpu_offset[NR_CPUS];
DEFINE_PER_CPU(unsigned long, this_cpu_off);
DEFINE_PER_CPU(int, cpu_number);
DEFINE_PER_CPU(int, __preempt_count);
DEFINE_PER_CPU(u8, __need_resched);
int nr_cpus_online = 1, nr_cpus_possible = 1;
bool cpus_stopping;

/* Read by trampoline.asm. */
void *ap_stack_top[NR_CPUS];
u32 ap_apic_id[NR_CPUS];

static bool ap_alive[NR_CPUS];	/* set by each CPU when it has reached C */
static int aps_released;	/* set by the boot CPU: how many CPUs take part */

static void percpu_area_init(int cpu, void *area)
{
	memcpy(area, __per_cpu_start, (size_t)(__per_cpu_end - __per_cpu_start));
	__per_cpu_offset[cpu] = (unsigned long)area - (unsigned long)__per_cpu_start;
	per_cpu(this_cpu_off, cpu) = __per_cpu_offset[cpu];
	per_cpu(cpu_number, cpu) = cpu;
}

/* The linked section stays as it is: it is the pattern for the CPUs to come. */
void percpu_init_boot(void)
{
	percpu_area_init(0, __per_cpu_boot);
	wrmsr(MSR_GS_BASE, __per_cpu_offset[0]);
}

/* Interrupt stacks first: they are aligned to their size. */
void percpu_init(void)
{
	size_t size = ALIGN((size_t)(__per_cpu_end - __per_cpu_start), PAGE_SIZE);

	for (int cpu = 1; cpu < nr_cpus_possible; cpu++) {
		u8 *area = phys_to_virt(boot_mem_take(size + 2 * IST_BYTES));
		u8 *ist = (u8 *)ALIGN((u64)area, IST_BYTES / NR_IST);

		percpu_area_init(cpu, area + 2 * IST_BYTES);
		segments_prepare_cpu(cpu, ist);
	}
}

void ap_start(int cpu)
{
	segments_init_cpu(cpu);
	this_cpu_write(loaded_pgd, kernel_pgd);
	cpu_init();
	apic_init_cpu();
	smp_store_release(&ap_alive[cpu], true);
	while (!READ_ONCE(aps_released))
		cpu_relax();
	if (cpu >= aps_released)
		machine_halt();
	timers_init_cpu(cpu);
	local_irq_enable();
	cpu_idle_loop();
}

/* What a CPU does when nothing is to be done: a task like the boot CPU's, which start_kernel() has become. */
static struct task_struct *make_idle_task(int cpu)
{
	struct task_struct *idle = kmalloc(sizeof(*idle), GFP_KERNEL);

	if (!idle)
		return NULL;
	memcpy(idle, &init_task, sizeof(*idle));
	idle->stack = alloc_thread_stack();
	if (!idle->stack) {
		kfree(idle);
		return NULL;
	}
	idle->flags |= PF_IDLE | PF_KTHREAD;
	idle->cpu = cpu;
	idle->cpus_mask = BIT(cpu);
	idle->on_cpu = 1;
	spin_lock_init(&idle->pi_lock, LC_TASK_PI);
	idle->thread = (struct thread_struct){ .fpu.cpu = -1 };
	INIT_LIST_HEAD(&idle->children);
	INIT_LIST_HEAD(&idle->sibling);
	INIT_LIST_HEAD(&idle->tasks);
	INIT_LIST_HEAD(&idle->thread_node);
	INIT_LIST_HEAD(&idle->deferred_fput);
	INIT_LIST_HEAD(&idle->pending.list);
	idle->nr_held = 0;
	refcount_set(&idle->usage, 1);
	snprintf(idle->comm, sizeof(idle->comm), "swapper/%d", cpu);
	return idle;
}

static bool prepare_ap(int cpu)
{
	struct task_struct *idle = make_idle_task(cpu);

	if (!idle)
		return false;
	per_cpu(current_task, cpu) = idle;
	sched_init_cpu(cpu, idle);
	ap_stack_top[cpu] = (u8 *)idle->stack + THREAD_SIZE;
	ap_apic_id[cpu] = acpi.cpu_apic_id[cpu];
	return true;
}

/* Return: have CPUs 1 .. @nr - 1 all come up within @us? */
static bool wait_for_aps(int nr, u64 us)
{
	u64 deadline = arch_clock_ns() + us * NSEC_PER_USEC;
	int cpu = 1;

	while (cpu < nr) {
		if (smp_load_acquire(&ap_alive[cpu]))
			cpu++;
		else if (arch_clock_ns() > deadline)
			return false;
		else
			cpu_relax();
	}
	return true;
}

static void start_aps(int nr)
{
	memcpy(phys_to_virt(TRAMPOLINE_PA), trampoline_start, (size_t)(trampoline_end - trampoline_start));
	for (int cpu = 1; cpu < nr; cpu++)
		apic_send_init(cpu);
	udelay(INIT_TO_STARTUP_US);
	for (int cpu = 1; cpu < nr; cpu++)
		apic_send_startup(cpu, TRAMPOLINE_PA >> PAGE_SHIFT);
	if (wait_for_aps(nr, FIRST_STARTUP_WAIT_US))
		return;
	/* SDM vol. 3, 8.4.4.1 asks for a second message; a CPU that got the first ignores it. */
	for (int cpu = 1; cpu < nr; cpu++)
		if (!READ_ONCE(ap_alive[cpu]))
			apic_send_startup(cpu, TRAMPOLINE_PA >> PAGE_SHIFT);
	wait_for_aps(nr, LAST_STARTUP_WAIT_US);
}

void smp_init(void)
{
	int wanted = min(nr_cpus_possible, (int)cmdline_get_u64("maxcpus", NR_CPUS)), nr = 1;

	while (nr < wanted && prepare_ap(nr))
		nr++;
	if (nr > 1)
		start_aps(nr);
	/* CPU numbers have no gaps: after one that did not come, the others stay out. */
	nr_cpus_online = 1;
	while (nr_cpus_online < nr && READ_ONCE(ap_alive[nr_cpus_online]))
		nr_cpus_online++;
	if (nr_cpus_online < wanted)
		pr_warn("x86: %d of %d CPUs started\n", nr_cpus_online, wanted);
	smp_store_release(&aps_released, nr_cpus_online);
}

void smp_stop_others(void)
{
	WRITE_ONCE(cpus_stopping, true);
	if (nr_cpus_online > 1)
		apic_send_nmi_others();
}

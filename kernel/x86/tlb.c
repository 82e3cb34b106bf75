/*
 * kernel/x86/tlb.c - which address space a CPU has loaded, and making other CPUs forget translations.
 *
 * Linux:   arch/x86/mm/tlb.c, kernel/smp.c (6.1)
 * Same:    CR3 is written only when the address space changes; kernel threads borrow whatever is loaded; flushes go
 *          by interrupt to the CPUs that have the address space loaded, and are waited for.
 * Differs: 1. the sender looks at each CPU's loaded_pgd instead of a mask in the mm: with eight CPUs that is cheaper
 *             than keeping a mask exact at every switch.
 *          2. a dead address space that is still loaded is freed by the next switch on that CPU.
 * Locks:   none. A sender waits with interrupts on, or answers others' calls while it waits.
 * Walk:    schedule() -> switch_mm();  do_munmap() -> flush_tlb_range() -> smp_call_mask().
 *
 * Why no flush is missed:
 *
 *   CPU 0 (changes a table)          CPU 1 (switches to it)
 *   entry = new
 *   smp_mb()                         loaded_pgd = pgd
 *   reads CPU 1's loaded_pgd         CR3 = pgd (serialises: the store is out before any walk)
 *
 * If CPU 0 does not see the store, CPU 1's walks come after it and see the new entry.
 */
#include "kernel/atomic.h"
#include "kernel/bug.h"
#include "kernel/irqflags.h"
#include "kernel/lockdep.h"
#include "kernel/mm.h"
#include "kernel/softirq.h"
#include "kernel/task.h"
#include "kernel/x86/x86.h"

enum { FLUSH_SINGLE_MAX = 32 };	/* pages; beyond that, all at once is cheaper */

DEFINE_PER_CPU(pte_t *, loaded_pgd);
static DEFINE_PER_CPU(pte_t *, dying_pgd);	/* loaded, and without users: to be freed by the next switch */

/* One call at a time from each CPU; who has to run it finds the sender's number in call_senders. */
struct call_slot { void (*fn)(void *); void *arg; atomic_t pending; };
static DEFINE_PER_CPU(struct call_slot, call_slot);
static DEFINE_PER_CPU(unsigned long, call_senders);

/* Interrupts off, or called from a CPU that waits for its own call to end. */
static void run_calls(void)
{
	unsigned long from = xchg(this_cpu_ptr(&call_senders), 0);

	while (from) {
		int cpu = __builtin_ctzl(from);
		struct call_slot *slot = per_cpu_ptr(&call_slot, cpu);

		from &= from - 1;
		slot->fn(slot->arg);
		(void)atomic_sub_return(1, &slot->pending); /* the sender goes on: the slot is his again */
	}
}

void call_function_interrupt(void) { run_calls(); }

void smp_call_mask(unsigned long mask, void (*fn)(void *), void *arg)
{
	struct call_slot *slot;
	unsigned long m;

	local_bh_disable(); /* a softirq's call would use the same slot */
	mask &= ~BIT(smp_processor_id());
	slot = this_cpu_ptr(&call_slot);
	slot->fn = fn;
	slot->arg = arg;
	atomic_set(&slot->pending, 0);
	for (m = mask; m; m &= m - 1)
		slot->pending.counter++;
	smp_wmb();
	for (m = mask; m; m &= m - 1) {
		int cpu = __builtin_ctzl(m);

		__atomic_fetch_or(per_cpu_ptr(&call_senders, cpu), BIT(smp_processor_id()), __ATOMIC_SEQ_CST);
		apic_send_ipi(cpu, CALL_FUNCTION_VECTOR);
	}
	while (atomic_read(&slot->pending)) {
		unsigned long flags;

		/* Two CPUs may call each other with interrupts off. */
		local_irq_save(flags);
		if (this_cpu_read(call_senders))
			run_calls();
		local_irq_restore(flags);
		cpu_relax();
	}
	barrier();
	local_bh_enable();
}

void smp_call_function_all(void (*fn)(void *), void *arg)
{
	unsigned long flags;

	preempt_disable();
	if (nr_cpus_online > 1)
		smp_call_mask(BIT(nr_cpus_online) - 1, fn, arg);
	local_irq_save(flags);
	fn(arg);
	local_irq_restore(flags);
	preempt_enable();
}

/*
 * Interrupts off. A dying address space is only ever left by switch_mm(): no other CPU flushes or frees it, so its
 * tables are not given back from inside an interrupt, which table_cache could not stand.
 */
static void load_pgd(pte_t *pgd)
{
	pte_t *dead = this_cpu_read(dying_pgd);

	this_cpu_write(loaded_pgd, pgd);
	write_cr3(virt_to_phys(pgd));
	if (unlikely(dead)) {
		this_cpu_write(dying_pgd, NULL);
		free_user_tables(dead);
	}
}

void switch_mm(struct mm_struct *next)
{
	pte_t *pgd = next ? next->pgd : kernel_pgd;

	if (this_cpu_read(loaded_pgd) != pgd)
		load_pgd(pgd);
}

static unsigned long cpus_with_pgd(const pte_t *pgd)
{
	unsigned long mask = 0;

	smp_mb(); /* pairs with write_cr3() in load_pgd() */
	for (int cpu = 0; cpu < nr_cpus_online; cpu++)
		if (READ_ONCE(per_cpu(loaded_pgd, cpu)) == pgd)
			mask |= BIT(cpu);
	return mask & ~BIT(smp_processor_id());
}

static void leave_pgd(void *pgd)
{
	if (this_cpu_read(loaded_pgd) == pgd)
		load_pgd(kernel_pgd);
}

void pgd_free(pte_t *pgd)
{
	unsigned long mask;

	preempt_disable();
	mask = nr_cpus_online > 1 ? cpus_with_pgd(pgd) : 0;
	if (mask)
		smp_call_mask(mask, leave_pgd, pgd);
	if (this_cpu_read(loaded_pgd) == pgd)
		this_cpu_write(dying_pgd, pgd);
	else
		free_user_tables(pgd);
	preempt_enable();
}

struct flush { pte_t *pgd; u64 start, end; };

static void flush_local(const struct flush *f)
{
	if (this_cpu_read(loaded_pgd) != f->pgd)
		return;
	if (f->end - f->start > FLUSH_SINGLE_MAX * PAGE_SIZE) {
		write_cr3(virt_to_phys(f->pgd));
		return;
	}
	for (u64 a = f->start; a < f->end; a += PAGE_SIZE)
		invlpg(a);
}

/* On another CPU: if it only borrows the address space, it had better leave it than be asked again. */
static void flush_remote(void *arg)
{
	const struct flush *f = arg;

	if (this_cpu_read(loaded_pgd) == f->pgd && !current->mm)
		load_pgd(kernel_pgd);
	else
		flush_local(f);
}

void flush_tlb_range(struct mm_struct *mm, u64 start, u64 end)
{
	struct flush f = { mm->pgd, start, end };
	unsigned long mask;

	preempt_disable();
	flush_local(&f);
	if (nr_cpus_online > 1) {
		mask = cpus_with_pgd(mm->pgd);
		if (mask)
			smp_call_mask(mask, flush_remote, &f);
	}
	preempt_enable();
}

void flush_tlb_page(struct mm_struct *mm, u64 addr)
{
	addr &= PAGE_MASK;
	flush_tlb_range(mm, addr, addr + PAGE_SIZE);
}

void flush_tlb_mm(struct mm_struct *mm) { flush_tlb_range(mm, 0, TASK_SIZE); }

/* Kernel translations are global: they survive a CR3 write, not a change of CR4.PGE (SDM vol. 3, 4.10.4.1). */
static void flush_all_local(__unused void *arg)
{
	u64 cr4 = read_cr4();

	if (cr4 & CR4_PGE) {
		write_cr4(cr4 & ~(u64)CR4_PGE);
		write_cr4(cr4);
	} else {
		write_cr3(read_cr3());
	}
}

void flush_tlb_kernel(void) { smp_call_function_all(flush_all_local, NULL); }

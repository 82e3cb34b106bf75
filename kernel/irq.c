/*
 * kernel/irq.c - who handles which interrupt vector.
 *
 * Linux:   kernel/irq/{manage,handle,irqdesc}.c (6.1)
 * Same:    a handler says whether the interrupt was its device's; free_irq() waits for running handlers.
 * Differs: 1. one handler per vector. 2. handlers run with interrupts off.
 * Locks:   IRQ_DESC for the table; handlers are called without it.
 * Walk:    do_irq() -> handle_irq() -> virtnet_interrupt().
 */
#include "kernel/irq.h"
#include "kernel/arch.h"
#include "kernel/errno.h"
#include "kernel/percpu.h"
#include "kernel/printk.h"
#include "kernel/spinlock.h"

struct irq_desc {
	/* IRQ_DESC to change; handle_irq() reads without: free_irq() waits until no CPU can still see the old value */
	irq_handler_t handler;
	void *dev_id;
	const char *name;
};

static DEFINE_SPINLOCK(irq_lock, LC_IRQ_DESC);
static struct irq_desc irq_desc[NR_VECTORS];
DEFINE_PER_CPU(u32[NR_VECTORS], irq_counts);

static bool is_device_vector(int irq) { return irq >= FIRST_DEVICE_VECTOR && irq <= LAST_DEVICE_VECTOR; }

int request_irq(irq_handler_t handler, const char *name, void *dev_id)
{
	unsigned long flags;
	int irq, res = -ENOSPC;

	spin_lock_irqsave(&irq_lock, flags);
	for (irq = FIRST_DEVICE_VECTOR; irq <= LAST_DEVICE_VECTOR; irq++) {
		if (irq_desc[irq].handler)
			continue;
		irq_desc[irq].dev_id = dev_id;
		irq_desc[irq].name = name;
		smp_store_release(&irq_desc[irq].handler, handler);
		res = irq;
		break;
	}
	spin_unlock_irqrestore(&irq_lock, flags);
	return res;
}

static void nothing(__unused void *arg) {}

void free_irq(int irq, void *dev_id)
{
	unsigned long flags;

	if (WARN_ON(!is_device_vector(irq) || irq_desc[irq].dev_id != dev_id))
		return;
	spin_lock_irqsave(&irq_lock, flags);
	irq_desc[irq].handler = NULL;
	irq_desc[irq].name = NULL;
	spin_unlock_irqrestore(&irq_lock, flags);
	/* Handlers run with interrupts off: a CPU that answers a call is in none. */
	smp_call_function_all(nothing, NULL);
}

void handle_irq(unsigned int vector)
{
	struct irq_desc *desc = &irq_desc[vector];
	irq_handler_t handler = smp_load_acquire(&desc->handler);

	/* IRQ_NONE: a message that crossed with the device's being served already. */
	if (likely(handler))
		(void)handler((int)vector, desc->dev_id);
}

u64 irq_count(int irq, int cpu) { return irq >= 0 && irq < NR_VECTORS ? per_cpu(irq_counts, cpu)[irq] : 0; }

const char *irq_name(int irq)
{
	if (is_device_vector(irq))
		return READ_ONCE(irq_desc[irq].name);
	return arch_vector_name(irq);
}

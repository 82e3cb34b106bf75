/*
 * kernel/irq.h - interrupt vectors and who handles them.
 *
 * Linux:   include/linux/interrupt.h, irq.h (6.1)
 * Same:    request_irq() with a name and a cookie; IRQ_HANDLED and IRQ_NONE.
 * Differs: 1. an "irq" is a CPU vector: MSI-X messages and IO-APIC pins are given one each, never shared.
 * Locks:   IRQ_DESC.
 * Walk:    do_irq() -> virtnet_interrupt().
 */
#pragma once
#include "kernel/percpu.h"
#include "kernel/types.h"

enum irqreturn { IRQ_NONE, IRQ_HANDLED };
typedef enum irqreturn irqreturn_t;
typedef irqreturn_t (*irq_handler_t)(int irq, void *dev_id);

/*
 * request_irq - take a free vector for @handler, which runs in hardirq. Return: the vector (also the MSI data), or
 * -ENOSPC. Context: task.
 */
int __must_check request_irq(irq_handler_t handler, const char *name, void *dev_id);
/* free_irq - no handler call is running or will begin once this returns. Context: task, may sleep. */
void free_irq(int irq, void *dev_id);
/* irq_route_gsi - let the IO-APIC send line @gsi (below 16: an ISA line) to vector @irq. Return: 0, -ENODEV. */
int __must_check irq_route_gsi(unsigned int gsi, int irq);
/* msi_address, msi_data - what an MSI-X table entry must hold for @irq on @cpu. */
u64 msi_address(int cpu);
u32 msi_data(int irq);
/* handle_irq - the interrupt @vector came. Context: hardirq (kernel/x86/irq.c). */
void handle_irq(unsigned int vector);
/* Vectors that request_irq() gives out; below are exceptions and the old PICs, above this kernel's own. */
enum { FIRST_DEVICE_VECTOR = 0x30, LAST_DEVICE_VECTOR = 0xef, NR_VECTORS = 256 };
/* irq_count - how often vector @irq came on @cpu, for /proc/interrupts; irq_name NULL if free. Context: any. */
u64 irq_count(int irq, int cpu);
const char *irq_name(int irq);
DECLARE_PER_CPU(u32[NR_VECTORS], irq_counts);
static inline void count_irq(unsigned int vector) { (*this_cpu_ptr(&irq_counts))[vector]++; }

/*
 * kernel/percpu.h - variables of which every CPU has its own.
 *
 * Linux:   include/linux/percpu.h (6.1)
 * Same:    names. Each CPU's gs base is the distance from the linked .data..percpu section to its copy, so
 *          %gs:var is one instruction.
 * Differs: 1. static variables only, no allocator.
 * Locks:   none. A per-CPU variable may be used only where the task cannot move to another CPU: preemption
 *          off, softirqs off or interrupts off.
 * Walk:    kernel/x86/smp.c makes the copies.
 */
#pragma once
#include "kernel/config.h"
#include "kernel/types.h"

#define DECLARE_PER_CPU(type, name)	extern __section(".data..percpu") typeof(type) name
#define DEFINE_PER_CPU(type, name)	__section(".data..percpu") typeof(type) name

/* Distance from the linked section to the copy of each CPU. */
extern unsigned long __per_cpu_offset[NR_CPUS];

/* Unit tests run kernel sources in a program of the host: one CPU, no gs base. */
#ifdef POLLUX_HOST
#define __seg_gs
#endif
#define __seg_gs_ptr(p)		((__seg_gs typeof(*(p)) *)(unsigned long)(p))
#define this_cpu_read(v)	(*(volatile __seg_gs typeof(v) *)(unsigned long)&(v))
#define this_cpu_write(v, x)	((void)(*(volatile __seg_gs typeof(v) *)(unsigned long)&(v) = (x)))
#define this_cpu_add(v, x)	((void)(*(__seg_gs typeof(v) *)(unsigned long)&(v) += (x)))
#define this_cpu_inc(v)		this_cpu_add(v, 1)
#define this_cpu_dec(v)		this_cpu_add(v, -1)

#define per_cpu_ptr(p, cpu)	((typeof(p))((unsigned long)(p) + __per_cpu_offset[cpu]))
#define per_cpu(v, cpu)		(*per_cpu_ptr(&(v), cpu))

DECLARE_PER_CPU(unsigned long, this_cpu_off);
DECLARE_PER_CPU(int, cpu_number);
#define this_cpu_ptr(p)		((typeof(p))((unsigned long)(p) + this_cpu_read(this_cpu_off)))
#define smp_processor_id()	this_cpu_read(cpu_number)

/* CPUs that run, numbered 0 .. nr_cpus_online - 1; fixed once the boot list has passed smp_init(). */
extern int nr_cpus_online;
/* CPUs that the firmware lists: their per-CPU areas exist from the start, so boot code may initialise them all. */
extern int nr_cpus_possible;
#define for_each_possible_cpu(cpu) for ((cpu) = 0; (cpu) < nr_cpus_possible; (cpu)++)
#define for_each_online_cpu(cpu) for ((cpu) = 0; (cpu) < nr_cpus_online; (cpu)++)

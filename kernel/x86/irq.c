/*
 * kernel/x86/irq.c - from a vector to whom it concerns: a device's handler, or this CPU's own business.
 *
 * Linux:   arch/x86/kernel/irq.c, apic/vector.c (6.1)
 * Same:    irq_enter() and irq_exit() around every handler; the interrupt is acknowledged before softirqs run.
 * Differs: 1. all vectors come through one entry.
 * Locks:   none.
 * Walk:    irq_stubs -> do_irq() -> handle_irq() -> virtnet_interrupt();  irq_exit() -> __do_softirq().
 */
#include "kernel/irq.h"
#include "kernel/softirq.h"
#include "kernel/timer.h"
#include "kernel/trace.h"
#include "kernel/x86/x86.h"

const char *arch_vector_name(int vector)
{
	switch (vector) {
	case LOCAL_TIMER_VECTOR:
		return "local timer";
	case CALL_FUNCTION_VECTOR:
		return "function calls";
	case RESCHEDULE_VECTOR:
		return "rescheduling";
	case ERROR_APIC_VECTOR:
		return "APIC errors";
	case SPURIOUS_APIC_VECTOR:
		return "spurious";
	}
	return NULL;
}

static void run_device_vector(unsigned int vector)
{
	irq_enter();
	trace(do_irq, vector);
	handle_irq(vector);
	apic_eoi();
	irq_exit();
}

void do_irq(struct pt_regs *regs, unsigned int vector)
{
	count_irq(vector);
	switch (vector) {
	case LOCAL_TIMER_VECTOR:
		irq_enter();
		trace(do_irq, vector);
		apic_eoi();
		timer_interrupt(user_mode(regs));
		irq_exit();
		break;
	case CALL_FUNCTION_VECTOR:
		apic_eoi();
		call_function_interrupt();
		break;
	case RESCHEDULE_VECTOR:
		apic_eoi(); /* the way out of the interrupt looks at need_resched */
		break;
	case SPURIOUS_APIC_VECTOR: /* not to be acknowledged: SDM vol. 3, 10.9 */
		break;
	case ERROR_APIC_VECTOR:
		apic_eoi();
		break;
	default:
		run_device_vector(vector);
	}
}

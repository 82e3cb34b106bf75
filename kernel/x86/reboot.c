/*
 * kernel/x86/reboot.c - ending the machine: power off, restart, halt, or leaving QEMU with a result.
 *
 * Linux:   arch/x86/kernel/reboot.c, drivers/acpi/sleep.c (6.1)
 * Same:    ACPI first.
 * Differs: 1. without ACPI's answer, the ports at which QEMU's machines switch off.
 * Locks:   none: called when nothing else runs, or nothing else matters.
 * Walk:    reboot(2), panic().
 */
#include "kernel/io.h"
#include "kernel/irqflags.h"
#include "kernel/x86/x86.h"

enum {
	PM1_SLEEP_TYPE_SHIFT = 10, PM1_SLEEP_ENABLE = 1 << 13,	/* ACPI 6.4, table 4.13 */
	QEMU_Q35_POWER_PORT = 0x604, QEMU_PC_POWER_PORT = 0xb004, QEMU_POWER_OFF = 1 << 13,
	QEMU_DEBUG_EXIT_PORT = 0xf4,		/* -device isa-debug-exit,iobase=0xf4,iosize=0x04 */
	KEYBOARD_COMMAND = 0x64, KEYBOARD_RESET = 0xfe,
	CHIPSET_RESET = 0xcf9, CHIPSET_RESET_HARD = 6,
};

void machine_halt(void)
{
	for (;;) {
		local_irq_disable();
		halt();
	}
}

void machine_power_off(void)
{
	smp_stop_others();
	local_irq_disable();
	if (acpi.has_s5 && acpi.pm1a_cnt) {
		outw((u16)(acpi.s5_type_a << PM1_SLEEP_TYPE_SHIFT | PM1_SLEEP_ENABLE), acpi.pm1a_cnt);
		if (acpi.pm1b_cnt)
			outw((u16)(acpi.s5_type_b << PM1_SLEEP_TYPE_SHIFT | PM1_SLEEP_ENABLE), acpi.pm1b_cnt);
	}
	outw(QEMU_POWER_OFF, QEMU_Q35_POWER_PORT);
	outw(QEMU_POWER_OFF, QEMU_PC_POWER_PORT);
	machine_halt();
}

void machine_restart(void)
{
	static const struct table_register no_idt;

	smp_stop_others();
	local_irq_disable();
	if (acpi.reset_port)
		outb(acpi.reset_value, acpi.reset_port);
	outb(CHIPSET_RESET_HARD, CHIPSET_RESET);
	outb(KEYBOARD_RESET, KEYBOARD_COMMAND);
	lidt(&no_idt); /* an exception that cannot be delivered resets the CPU */
	__builtin_trap();
}

void machine_exit(int code)
{
	outl((u32)code, QEMU_DEBUG_EXIT_PORT);
	machine_power_off();
}

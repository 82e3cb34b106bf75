/*
 * drivers/drivers.h - what the boot list calls to bring the devices up.
 *
 * Linux:   the initcalls of drivers/
 * Same:    a bus first, then what hangs on it.
 * Differs: 1. called in the order of kernel/init/main.c, which a reader can see.
 * Locks:   none: boot, one CPU or all, one task.
 * Walk:    start_kernel() -> pci_init() -> virtio_init() -> virtio_net_init().
 */
#pragma once

/* loopback_init - register lo. Context: boot, after net_dev_init(). */
void loopback_init(void);
/* tun_init - /dev/net/tun. Context: boot, after devfs_init(). */
void tun_init(void);
/* virtio_init - find the virtio devices on the PCI bus. Context: boot, after pci_init(). */
void virtio_init(void);
/*
 * virtio_net_init, virtio_rng_init, virtio_console_init - drive those of their kind. Context: boot,
 * after virtio_init().
 */
void virtio_net_init(void);
void virtio_rng_init(void);
void virtio_console_init(void);
/*
 * serial_init - the UARTs, polled: messages appear on the first one from here on. Context: boot,
 * before interrupts work.
 */
void serial_init(void);
/* mem_devices_init - /dev/null and its kin. Context: boot, after devfs_init(). */
void mem_devices_init(void);
/*
 * tty_init - terminals over the UARTs, /dev/console, pseudo terminals; takes the UARTs' interrupts.
 * Context: boot, after devfs_init().
 */
void tty_init(void);

/*
 * kernel/init/main.c - the boot order, as one list, and the first process.
 *
 * Linux:   init/main.c, init/do_mounts.c (6.1)
 * Same:    start_kernel() becomes CPU 0's idle task; pid 1 starts in kernel_init() and becomes /init.
 * Differs: 1. no initcalls: whoever has to be started stands in this list, after what he needs.
 *          2. the root is the initramfs: rdinit= and init= both name the program in it.
 * Locks:   none: one CPU, until smp_init().
 * Walk:    x86_start() -> start_kernel() -> kernel_init() -> kernel_execve("/init").
 */
#include "drivers/drivers.h"
#include "drivers/pci.h"
#include "drivers/virtio.h"
#include "fs/fs.h"
#include "fs/file.h"
#include "kernel/arch.h"
#include "kernel/bug.h"
#include "kernel/cmdline.h"
#include "kernel/err.h"
#include "kernel/ktest.h"
#include "kernel/mm.h"
#include "kernel/printk.h"
#include "kernel/process.h"
#include "kernel/race.h"
#include "kernel/random.h"
#include "kernel/slab.h"
#include "kernel/softirq.h"
#include "kernel/string.h"
#include "kernel/time.h"
#include "kernel/timer.h"
#include "kernel/trace.h"
#include "kernel/workqueue.h"
#include "net/netdevice.h"
#include "net/skbuff.h"
#include "net/socket.h"

enum { MAX_INIT_ARGS = 32 };

static const char *init_argv[MAX_INIT_ARGS + 1];
static const char *init_envp[MAX_INIT_ARGS + 1] = { "HOME=/", "TERM=linux" };

static void unpack_root(void)
{
	int err;

	if (!boot_info.initrd_end) {
		pr_warn("no initramfs was given (qemu -initrd, GRUB module2)\n");
		return;
	}
	err = initramfs_unpack(phys_to_virt(boot_info.initrd_start), phys_to_virt(boot_info.initrd_end));
	if (err)
		panic("initramfs: error %d", err);
}

/* Descriptors 0, 1 and 2. Without a console the program starts without them, as on Linux. */
static void open_console(void)
{
	struct file *console = filp_open("/dev/console", O_RDWR, 0);

	if (IS_ERR(console)) {
		pr_warn("no /dev/console: error %ld\n", PTR_ERR(console));
		return;
	}
	for (int i = 0; i < 3; i++) {
		int fd = get_unused_fd_flags(0);

		if (fd < 0)
			break;
		fd_install(fd, get_file(console));
	}
	fput(console);
}

/* Pid 1. Return: 0, and user mode follows; there is no return without an init. */
static int kernel_init(__unused void *arg)
{
	int argc = 1, envc = 2, err;
	char path[256];

	unpack_root();
	free_initrd_mem();
	ktest_run_all();
	ip_auto_config();
	open_console();
	if (CONFIG_DEBUG)
		race_init();
	if (!cmdline_get("init", path, sizeof(path)) && !cmdline_get("rdinit", path, sizeof(path)))
		strscpy(path, "/init", sizeof(path));
	init_argv[0] = path;
	cmdline_for_init(init_argv, &argc, init_envp, &envc, MAX_INIT_ARGS);
	err = kernel_execve(path, init_argv, init_envp);
	if (err)
		panic("cannot run %s: error %d", path, err);
	return 0;
}

/* Up to here nothing may need interrupts or other tasks. */
static void init_foundations(void)
{
	cmdline_init(boot_info.cmdline);
	serial_init();
	pr_info("Pollux: %lu KiB of kernel\n", (unsigned long)((boot_info.kernel_end - boot_info.kernel_start) / KIB));
	mem_init();
	slab_init();
	trace_init();
	random_init();
	arch_init();
	timekeeping_init();
	timers_init_cpu(0);
	sched_init();
	local_irq_enable();
}

static void init_processes_and_files(void)
{
	pid_init();
	fork_init();
	signal_init();
	futex_init();
	mmap_init();
	vfs_init();
	ramfs_init();
	devfs_init();
	proc_init();
	pipe_init();
	anon_inode_init();
	eventpoll_init();
	demo_init();
	mem_devices_init();
	tty_init();
}

static void init_network_and_drivers(void)
{
	skb_init();
	net_dev_init();
	sock_init();
	inet_init();
	unix_init();
	packet_init();
	loopback_init();
	tun_init();
	pci_init();
	virtio_init();
	virtio_net_init();
	virtio_rng_init();
	virtio_console_init();
}

void start_kernel(void)
{
	pid_t pid;

	init_foundations();
	init_processes_and_files();
	smp_init();
	spawn_ksoftirqd();
	workqueue_init();
	init_network_and_drivers();
	pid = user_mode_thread(kernel_init, NULL);
	if (pid < 0)
		panic("cannot make pid 1: error %d", pid);
	cpu_idle_loop();
}

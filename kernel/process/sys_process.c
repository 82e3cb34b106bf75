/*
 * kernel/process/sys_process.c - small calls: about the system, about the caller.
 *
 * Linux:   kernel/sys.c, kernel/reboot.c, arch/x86/kernel/process_64.c (6.1)
 * Same:    structures, magic numbers, errors and their order.
 * Differs: 1. sysname is "Linux", since the ABI is; the release says Pollux.
 *          2. prctl() options that are not listed here are -EINVAL.
 * Locks:   LEAF for the host name.
 * Walk:    none.
 */
#include "kernel/mm.h"
#include "kernel/printk.h"
#include "kernel/process/binfmt.h"
#include "kernel/process/internal.h"
#include "kernel/string.h"
#include "kernel/syscall.h"
#include "kernel/uaccess.h"

/* --- the system ---------------------------------------------------------------------------------------------- */

/* uts_lock: nodename, domainname */
static DEFINE_SPINLOCK(uts_lock, LC_LEAF);
static struct new_utsname uts = {
	.sysname = "Linux", .nodename = "pollux", .release = "6.1.0-pollux", .version = "#1 SMP Pollux",
	.machine = "x86_64", .domainname = "(none)",
};

const struct new_utsname *utsname(void) { return &uts; }

SYSCALL_DEFINE1(uname, uptr, buf)
{
	struct new_utsname copy;

	spin_lock_irq(&uts_lock);
	copy = uts;
	spin_unlock_irq(&uts_lock);
	return copy_to_user(buf, &copy, sizeof(copy)) ? -EFAULT : 0;
}

static long set_uts_name(char *name, uptr uname, int len)
{
	enum { NEW_UTS_LEN = 64 };
	char copy[NEW_UTS_LEN + 1] = "";

	if (!capable_root())
		return -EPERM;
	if (len < 0 || len > NEW_UTS_LEN)
		return -EINVAL;
	if (copy_from_user(copy, uname, (size_t)len))
		return -EFAULT;
	spin_lock_irq(&uts_lock);
	memcpy(name, copy, sizeof(copy));
	spin_unlock_irq(&uts_lock);
	return 0;
}

SYSCALL_DEFINE2(sethostname, uptr, name, int, len) { return set_uts_name(uts.nodename, name, len); }
SYSCALL_DEFINE2(setdomainname, uptr, name, int, len) { return set_uts_name(uts.domainname, name, len); }

struct sysinfo_abi {
	s64 uptime;
	u64 loads[3], totalram, freeram, sharedram, bufferram, totalswap, freeswap;
	u16 procs, pad;
	u64 totalhigh, freehigh;
	u32 mem_unit;
};
static_assert(sizeof(struct sysinfo_abi) == 112, "ABI");

SYSCALL_DEFINE1(sysinfo, uptr, buf)
{
	enum { LOAD_FRACTION = 11, SI_LOAD_SHIFT = 16 };
	struct sysinfo_abi s = {
		.uptime = (s64)DIV_ROUND_UP(ktime_get_ns(), NSEC_PER_SEC),
		.totalram = totalram_pages() * PAGE_SIZE, .freeram = nr_free_pages() * PAGE_SIZE,
		.procs = (u16)nr_threads_total(), .mem_unit = 1,
	};

	get_avenrun(s.loads);
	for (size_t i = 0; i < ARRAY_SIZE(s.loads); i++)
		s.loads[i] <<= SI_LOAD_SHIFT - LOAD_FRACTION;
	return copy_to_user(buf, &s, sizeof(s)) ? -EFAULT : 0;
}

/* include/uapi/linux/reboot.h */
#define LINUX_REBOOT_MAGIC1 0xfee1deadU
#define LINUX_REBOOT_CMD_RESTART 0x01234567U
#define LINUX_REBOOT_CMD_HALT 0xcdef0123U
#define LINUX_REBOOT_CMD_CAD_ON 0x89abcdefU
#define LINUX_REBOOT_CMD_CAD_OFF 0U
#define LINUX_REBOOT_CMD_POWER_OFF 0x4321fedcU
#define LINUX_REBOOT_CMD_RESTART2 0xa1b2c3d4U

SYSCALL_DEFINE4(reboot, u32, magic1, u32, magic2, u32, cmd, uptr, arg)
{
	enum { MAGIC2 = 672274793, MAGIC2A = 85072278, MAGIC2B = 369367448, MAGIC2C = 537993216 };
	char command[256];

	if (!capable_root())
		return -EPERM;
	if (magic1 != LINUX_REBOOT_MAGIC1)
		return -EINVAL;
	if (magic2 != MAGIC2 && magic2 != MAGIC2A && magic2 != MAGIC2B && magic2 != MAGIC2C)
		return -EINVAL;
	switch (cmd) {
	case LINUX_REBOOT_CMD_RESTART2:
		if (strncpy_from_user(command, arg, sizeof(command) - 1) < 0)
			return -EFAULT;
		fallthrough;
	case LINUX_REBOOT_CMD_RESTART:
		pr_info("reboot: Restarting system\n");
		machine_restart();
	case LINUX_REBOOT_CMD_HALT:
		pr_info("reboot: System halted\n");
		machine_halt();
	case LINUX_REBOOT_CMD_POWER_OFF:
		pr_info("reboot: Power down\n");
		machine_power_off();
	case LINUX_REBOOT_CMD_CAD_ON:
	case LINUX_REBOOT_CMD_CAD_OFF:
		return 0; /* what Ctrl-Alt-Del does: there is no such key on a serial line */
	default:
		return -EINVAL;
	}
}

/* --- the caller ---------------------------------------------------------------------------------------------- */

SYSCALL_DEFINE3(getcpu, uptr, ucpu, uptr, unode, __unused uptr, unused)
{
	u32 cpu, node = 0;

	preempt_disable();
	cpu = (u32)smp_processor_id();
	preempt_enable();
	if (!uptr_is_null(ucpu) && put_user(cpu, ucpu))
		return -EFAULT;
	if (!uptr_is_null(unode) && put_user(node, unode))
		return -EFAULT;
	return 0;
}

SYSCALL_DEFINE2(arch_prctl, int, code, u64, addr)
{
	enum { ARCH_SET_GS = 0x1001, ARCH_SET_FS, ARCH_GET_FS, ARCH_GET_GS };
	u64 base;

	switch (code) {
	case ARCH_SET_FS:
	case ARCH_SET_GS:
		if (addr >= TASK_SIZE)
			return -EPERM;
		if (code == ARCH_SET_FS)
			arch_set_fsbase(addr);
		else
			arch_set_gsbase(addr);
		return 0;
	case ARCH_GET_FS:
	case ARCH_GET_GS:
		base = code == ARCH_GET_FS ? arch_get_fsbase() : arch_get_gsbase();
		return put_user(base, UPTR(addr)) ? -EFAULT : 0;
	default:
		return -EINVAL;
	}
}

SYSCALL_DEFINE1(personality, u32, personality)
{
	enum { PER_MASK = 0xff };
	const u32 query = 0xffffffffU;
	u32 old = current->personality;

	/* Other systems' programs are not run here; of the flags, ADDR_NO_RANDOMIZE is understood. */
	if (personality != query) {
		if (personality & ~(u32)ADDR_NO_RANDOMIZE)
			return -EINVAL;
		current->personality = personality;
	}
	return old;
}

static long prctl_set_name(uptr uname)
{
	char name[TASK_COMM_LEN] = "";

	if (strncpy_from_user(name, uname, sizeof(name) - 1) < 0)
		return -EFAULT;
	name[sizeof(name) - 1] = '\0';
	set_task_comm(current, name);
	return 0;
}

static long put_int(int v, u64 addr) { return put_user(v, UPTR(addr)) ? -EFAULT : 0; }

/* include/uapi/linux/prctl.h */
enum {
	PR_SET_PDEATHSIG = 1, PR_GET_PDEATHSIG = 2, PR_GET_DUMPABLE = 3, PR_SET_DUMPABLE = 4,
	PR_SET_NAME = 15, PR_GET_NAME = 16,
	PR_CAPBSET_READ = 23, PR_SET_CHILD_SUBREAPER = 36, PR_GET_CHILD_SUBREAPER = 37, PR_SET_NO_NEW_PRIVS = 38,
	PR_GET_NO_NEW_PRIVS = 39, PR_GET_TID_ADDRESS = 40, LAST_CAP = 40,
};

SYSCALL_DEFINE5(prctl, int, option, u64, arg2, u64, arg3, u64, arg4, u64, arg5)
{
	struct signal_struct *sig = current->signal;

	switch (option) {
	case PR_SET_PDEATHSIG:
		if (!valid_signal(arg2))
			return -EINVAL;
		current->pdeath_signal = (int)arg2;
		return 0;
	case PR_GET_PDEATHSIG:
		return put_int(current->pdeath_signal, arg2);
	case PR_GET_DUMPABLE:
		return sig->dumpable;
	case PR_SET_DUMPABLE:
		if (arg2 > 1)
			return -EINVAL;
		sig->dumpable = (u8)arg2;
		return 0;
	case PR_SET_NAME:
		return prctl_set_name(UPTR(arg2));
	case PR_GET_NAME:
		return copy_to_user(UPTR(arg2), current->comm, sizeof(current->comm)) ? -EFAULT : 0;
	case PR_CAPBSET_READ:
		return arg2 > LAST_CAP ? -EINVAL : 1;
	case PR_SET_CHILD_SUBREAPER:
		sig->is_child_subreaper = !!arg2;
		return 0;
	case PR_GET_CHILD_SUBREAPER:
		return put_int(sig->is_child_subreaper, arg2);
	case PR_SET_NO_NEW_PRIVS:
		if (arg2 != 1 || arg3 || arg4 || arg5)
			return -EINVAL;
		current->no_new_privs = true;
		return 0;
	case PR_GET_NO_NEW_PRIVS:
		return arg2 || arg3 || arg4 || arg5 ? -EINVAL : current->no_new_privs;
	case PR_GET_TID_ADDRESS:
		return put_user(current->clear_child_tid.addr, UPTR(arg2)) ? -EFAULT : 0;
	default:
		return -EINVAL;
	}
}

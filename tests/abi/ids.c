/* User and group ids, and small calls about the caller and the system. */
#include "tests/abi/tap.h"
#include <sys/resource.h>
#include <sys/sysinfo.h>
#include <sys/times.h>
#include <sys/utsname.h>
#include <grp.h>

#define NEED_ROOT() do { if (geteuid() != 0) SKIP("needs root"); } while (0)

TEST(setuid_by_root_gives_all_up)
{
	uid_t r, e, s;

	NEED_ROOT();
	CHECK_EQ(syscall(SYS_setuid, 1000), 0);
	CHECK_EQ(getresuid(&r, &e, &s), 0);
	CHECK(r == 1000 && e == 1000 && s == 1000);
	CHECK_ERRNO(syscall(SYS_setuid, 0), EPERM);
	CHECK_EQ(syscall(SYS_setuid, 1000), 0);
	CHECK_ERRNO(syscall(SYS_setuid, -1), EINVAL);
}

TEST(setresuid_keeps_and_swaps)
{
	uid_t r, e, s;

	NEED_ROOT();
	CHECK_EQ(syscall(SYS_setresuid, 1000, 1001, 1002), 0);
	CHECK_ERRNO(syscall(SYS_setresuid, -1, 1003, -1), EPERM);
	CHECK_EQ(syscall(SYS_setresuid, -1, 1002, -1), 0);
	CHECK_EQ(getresuid(&r, &e, &s), 0);
	CHECK(r == 1000 && e == 1002 && s == 1002 - 0);
	CHECK_EQ(syscall(SYS_setresuid, 1002, 1000, 1000), 0);
}

TEST(setreuid_saves)
{
	uid_t r, e, s;

	NEED_ROOT();
	CHECK_EQ(syscall(SYS_setreuid, 1000, 1001), 0);
	CHECK_EQ(getresuid(&r, &e, &s), 0);
	CHECK(r == 1000 && e == 1001 && s == 1001);
	CHECK_EQ(syscall(SYS_setreuid, 1001, 1000), 0);
	CHECK_ERRNO(syscall(SYS_setreuid, 5, -1), EPERM);
}

TEST(setgid_family)
{
	gid_t r, e, s;

	NEED_ROOT();
	CHECK_EQ(syscall(SYS_setresgid, 10, 11, 12), 0);
	CHECK_EQ(getresgid(&r, &e, &s), 0);
	CHECK(r == 10 && e == 11 && s == 12);
	CHECK_EQ(syscall(SYS_setgid, 20), 0);
	CHECK_EQ(getresgid(&r, &e, &s), 0);
	CHECK(r == 20 && e == 20 && s == 20);
	CHECK_EQ(syscall(SYS_setuid, 1000), 0);
	CHECK_ERRNO(syscall(SYS_setgid, 21), EPERM);
	CHECK_EQ(syscall(SYS_setregid, 20, 20), 0);
}

TEST(setfsuid_answers_with_the_old_one)
{
	NEED_ROOT();
	CHECK_EQ(syscall(SYS_setfsuid, 1000), 0);
	CHECK_EQ(syscall(SYS_setfsuid, -1), 1000);
	CHECK_EQ(syscall(SYS_setfsgid, 7), getegid());
	CHECK_EQ(syscall(SYS_setfsgid, -1), 7);
}

TEST(groups_list)
{
	gid_t list[3] = { 3, 4, 5 }, got[8];

	NEED_ROOT();
	CHECK_EQ(setgroups(3, list), 0);
	CHECK_EQ(getgroups(0, NULL), 3);
	CHECK_EQ(getgroups(8, got), 3);
	CHECK(got[0] == 3 && got[2] == 5);
	CHECK_ERRNO(getgroups(2, got), EINVAL);
	CHECK_ERRNO(getgroups(-1, got), EINVAL);
	CHECK_EQ(syscall(SYS_setuid, 1000), 0);
	CHECK_ERRNO(setgroups(1, list), EPERM);
	CHECK_ERRNO(syscall(SYS_setgroups, -1, list), EPERM);
}

TEST(kill_needs_permission)
{
	pid_t pid;

	NEED_ROOT();
	pid = fork();
	if (pid == 0)
		for (;;)
			pause();
	CHECK_EQ(syscall(SYS_setuid, 1000), 0);
	CHECK_ERRNO(kill(pid, 0), EPERM);
	CHECK_ERRNO(kill(pid, SIGTERM), EPERM);
	/* Same session: allowed to go on. */
	CHECK_EQ(kill(pid, SIGCONT), 0);
}

TEST(exec_clears_no_ids)
{
	NEED_ROOT();
	CHECK_EQ(syscall(SYS_setresuid, 1000, 1001, 1002), 0);
	CHECK_EQ(geteuid(), 1001);
}

TEST(uname_fields)
{
	struct utsname u;

	CHECK_EQ(uname(&u), 0);
	CHECK(strcmp(u.sysname, "Linux") == 0);
	CHECK(strcmp(u.machine, "x86_64") == 0);
	CHECK(u.release[0] >= '3' && u.release[0] <= '9');
	CHECK_ERRNO(syscall(SYS_uname, (void *)8), EFAULT);
}

TEST(sethostname_shows_in_uname)
{
	struct utsname u, was;

	NEED_ROOT();
	CHECK_EQ(uname(&was), 0);
	CHECK_ERRNO(sethostname("x", -1), EINVAL);
	CHECK_ERRNO(sethostname("x", 65), EINVAL);
	if (unshare(CLONE_NEWUTS) == 0 || errno == EINVAL) {
		CHECK_EQ(sethostname("abcdef", 3), 0);
		CHECK_EQ(uname(&u), 0);
		CHECK(strcmp(u.nodename, "abc") == 0);
		CHECK_EQ(sethostname(was.nodename, strlen(was.nodename)), 0);
	}
}

TEST(sysinfo_is_plausible)
{
	struct sysinfo s;

	CHECK_EQ(sysinfo(&s), 0);
	CHECK(s.totalram * s.mem_unit >= 4 << 20);
	CHECK(s.freeram <= s.totalram);
	CHECK(s.procs >= 1);
}

TEST(prctl_name)
{
	char name[16] = "";

	CHECK_EQ(prctl(PR_SET_NAME, "a-name-that-is-too-long", 0, 0, 0), 0);
	CHECK_EQ(prctl(PR_GET_NAME, name, 0, 0, 0), 0);
	CHECK(strcmp(name, "a-name-that-is-") == 0);
	CHECK_ERRNO(prctl(PR_SET_NAME, 8, 0, 0, 0), EFAULT);
}

TEST(prctl_options_are_checked)
{
	int v;

	CHECK_ERRNO(prctl(999, 0, 0, 0, 0), EINVAL);
	CHECK_ERRNO(prctl(PR_SET_PDEATHSIG, 65, 0, 0, 0), EINVAL);
	CHECK_EQ(prctl(PR_SET_PDEATHSIG, SIGUSR1, 0, 0, 0), 0);
	CHECK_EQ(prctl(PR_GET_PDEATHSIG, &v, 0, 0, 0), 0);
	CHECK_EQ(v, SIGUSR1);
	CHECK_EQ(prctl(PR_GET_DUMPABLE, 0, 0, 0, 0), 1);
	CHECK_ERRNO(prctl(PR_SET_DUMPABLE, 2, 0, 0, 0), EINVAL);
	CHECK_EQ(prctl(PR_SET_DUMPABLE, 0, 0, 0, 0), 0);
	CHECK_EQ(prctl(PR_GET_DUMPABLE, 0, 0, 0, 0), 0);
	CHECK_ERRNO(prctl(PR_SET_NO_NEW_PRIVS, 2, 0, 0, 0), EINVAL);
	CHECK_EQ(prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0), 0);
	CHECK_EQ(prctl(PR_GET_NO_NEW_PRIVS, 0, 0, 0, 0), 1);
}

TEST(arch_prctl_bases)
{
	unsigned long fs, gs;

	CHECK_EQ(syscall(SYS_arch_prctl, 0x1003, &fs), 0);
	CHECK(fs != 0);
	CHECK_EQ(syscall(SYS_arch_prctl, 0x1001, 0x12345000UL), 0);
	CHECK_EQ(syscall(SYS_arch_prctl, 0x1004, &gs), 0);
	CHECK_EQ(gs, 0x12345000UL);
	CHECK_ERRNO(syscall(SYS_arch_prctl, 0x1002, 0xffff800000000000UL), EPERM);
	CHECK_ERRNO(syscall(SYS_arch_prctl, 0x7777, 0), EINVAL);
}

TEST(getcpu_names_a_cpu)
{
	unsigned int cpu = 99, node = 99;

	CHECK_EQ(syscall(SYS_getcpu, &cpu, &node, NULL), 0);
	CHECK(cpu < 64);
	CHECK_EQ(node, 0);
	CHECK_EQ(syscall(SYS_getcpu, NULL, NULL, NULL), 0);
	CHECK_ERRNO(syscall(SYS_getcpu, 8, NULL, NULL), EFAULT);
}

TEST(times_and_getrusage)
{
	struct tms t;
	struct rusage ru;
	int64_t end = now_ns() + 60000000;

	while (now_ns() < end)
		;
	CHECK(times(&t) != (clock_t)-1);
	CHECK_EQ(getrusage(RUSAGE_SELF, &ru), 0);
	CHECK(ru.ru_utime.tv_usec + ru.ru_stime.tv_usec > 0);
	CHECK(ru.ru_minflt > 0);
	CHECK_EQ(getrusage(1, &ru), 0);
	CHECK_ERRNO(getrusage(5, &ru), EINVAL);
}

TEST(reboot_magic_is_checked)
{
	NEED_ROOT();
	CHECK_ERRNO(syscall(SYS_reboot, 0, 672274793, 0x4321fedc, NULL), EINVAL);
	CHECK_ERRNO(syscall(SYS_reboot, 0xfee1dead, 0, 0x4321fedc, NULL), EINVAL);
	CHECK_ERRNO(syscall(SYS_reboot, 0xfee1dead, 672274793, 0x11111111, NULL), EINVAL);
	CHECK_EQ(syscall(SYS_setuid, 1000), 0);
	CHECK_ERRNO(syscall(SYS_reboot, 0xfee1dead, 672274793, 0x4321fedc, NULL), EPERM);
}

struct cap_header { uint32_t version; int pid; };
struct cap_data { uint32_t effective, permitted, inheritable; };

TEST(capget_follows_uid_0)
{
	struct cap_header h = { 0x20080522, 0 };
	struct cap_data d[2];

	NEED_ROOT();
	CHECK_EQ(syscall(SYS_capget, &h, d), 0);
	CHECK(d[0].permitted & 1);
	h.version = 1;
	CHECK_ERRNO(syscall(SYS_capget, &h, d), EINVAL);
	CHECK_EQ(h.version, 0x20080522);
	CHECK_EQ(syscall(SYS_setuid, 1000), 0);
	CHECK_EQ(syscall(SYS_capget, &h, d), 0);
	CHECK_EQ(d[0].effective, 0);
	CHECK_EQ(d[0].permitted, 0);
	d[0].effective = d[0].permitted = 1;
	CHECK_ERRNO(syscall(SYS_capset, &h, d), EPERM);
}

TEST(unknown_number_is_enosys)
{
	CHECK_ERRNO(syscall(999), ENOSYS);
	CHECK_ERRNO(syscall(0x7fffffff), ENOSYS);
	CHECK_ERRNO(syscall(-1), ENOSYS);
}

/*
 * tests/abi/robustness.c - nothing a program passes in may hurt the kernel: bad pointers, bad numbers, bad programs.
 *
 * Each attempt runs in a child, so that one that blocks or is killed costs only itself. What counts is that the
 * kernel is still there afterwards, and that a bad pointer is answered with an error and not with success.
 */
#include "tests/abi/tap.h"
#include <elf.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <sys/uio.h>

#define NR_CALLS 462
#define WORKERS 8

/* Calls that end, stop or replace the caller or the machine, or that wait for ever by design. */
static bool dangerous(long nr)
{
	static const short calls[] = {
		SYS_reboot,        SYS_kill,          SYS_tkill,           SYS_tgkill,
		SYS_pause,         SYS_exit,          SYS_exit_group,      SYS_fork,
		SYS_vfork,         SYS_clone,         SYS_clone3,          SYS_rt_sigreturn,
		SYS_rt_sigsuspend, SYS_vhangup,       SYS_pivot_root,      SYS_chroot,
		SYS_mount,         SYS_umount2,       SYS_swapon,          SYS_swapoff,
		SYS_sethostname,   SYS_setdomainname, SYS_settimeofday,    SYS_clock_settime,
		SYS_adjtimex,      SYS_clock_adjtime, SYS_init_module,     SYS_finit_module,
		SYS_delete_module, SYS_kexec_load,    SYS_kexec_file_load, SYS_ptrace,
		SYS_setrlimit,     SYS_prlimit64,     SYS_rt_sigqueueinfo, SYS_rt_tgsigqueueinfo,
		SYS_ioperm,        SYS_iopl,          SYS_syslog,          SYS_sync,
		SYS_acct,          SYS_bpf,           SYS_setsid,          SYS_setpgid,
	};

	for (size_t i = 0; i < sizeof(calls) / sizeof(calls[0]); i++) {
		if (calls[i] == nr)
			return true;
	}
	return false;
}

static const long bad_values[] = {
	0, 1, -1, 4096, 0x1000, 0x7ffffffff000, 0x7fffffffffff, (long)0x8000000000000000, (long)0xffff888000000000,
	(long)0xffffffff80100000, (long)0xffffffffffffff00, 0x7fffffff, (long)0x80000000,
};
#define NR_BAD ((long)(sizeof(bad_values) / sizeof(bad_values[0])))

/* One process makes many calls; the next call after one that blocks or kills is made by a new process. */
static void attack(long first, long step, int rounds, unsigned int seed, volatile long *progress)
{
	for (long nr = *progress; nr < NR_CALLS; nr += step) {
		*progress = nr + step;
		if (dangerous(nr))
			continue;
		for (int r = 0; r < rounds; r++) {
			long a[6];

			for (int i = 0; i < 6; i++) {
				seed = seed * 1103515245 + 12345;
				a[i] = bad_values[(seed >> 16) % NR_BAD];
			}
			syscall(nr, a[0], a[1], a[2], a[3], a[4], a[5]);
		}
	}
	(void)first;
}

static void attack_all(unsigned int seed, int rounds)
{
	volatile long *progress = mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);

	CHECK(progress != MAP_FAILED);
	*progress = 0;
	while (*progress < NR_CALLS) {
		long before = *progress;
		pid_t pid = fork();

		CHECK(pid >= 0);
		if (pid == 0) {
			int null = open("/dev/null", O_RDWR);

			setsid();
			for (int fd = 0; fd < 3; fd++)
				dup2(null, fd);
			alarm(1);
			attack(0, 1, rounds, seed, progress);
			_exit(0);
		}
		/* Its own alarm may have been switched off by the calls it made. */
		for (int ms = 0; waitpid(pid, NULL, WNOHANG) == 0; ms += 10) {
			if (ms == 2000)
				kill(pid, SIGKILL);
			sleep_ms(10);
		}
		CHECK(*progress > before || *progress >= NR_CALLS);
	}
}

TEST(every_call_survives_bad_arguments) { attack_all(1, 8); }
TEST(every_call_survives_bad_arguments_again) { attack_all(20261127, 8); }

TEST(unknown_numbers_give_enosys)
{
	CHECK_ERRNO(syscall(1000), ENOSYS);
	CHECK_ERRNO(syscall(-1L), ENOSYS);
	CHECK_ERRNO(syscall(0x7fffffff), ENOSYS);
}

TEST(call_number_is_32_bits)
{
	CHECK_EQ(syscall(0x100000000L + SYS_getpid), getpid());
}

#define BAD ((void *)0xdead0000)
#define KERNEL ((void *)0xffff888000000000)

TEST(bad_pointers_give_efault)
{
	int p[2], ep = epoll_create1(0), ev = eventfd(1, 0);
	struct iovec iov = { BAD, 10 };

	CHECK(pipe(p) == 0 && write(p[1], "x", 1) == 1);
	for (int i = 0; i < 2; i++) {
		void *bad = i ? KERNEL : BAD;

		iov.iov_base = bad;
		CHECK_ERRNO(read(p[0], bad, 1), EFAULT);
		CHECK_ERRNO(write(p[1], bad, 1), EFAULT);
		CHECK_ERRNO(readv(p[0], bad, 1), EFAULT);
		CHECK_ERRNO(readv(p[0], &iov, 1), EFAULT);
		CHECK_ERRNO(open(bad, O_RDONLY), EFAULT);
		CHECK_ERRNO(syscall(SYS_newfstatat, AT_FDCWD, "/", bad, 0), EFAULT);
		CHECK_ERRNO(pipe(bad), EFAULT);
		CHECK_ERRNO(poll(bad, 1, 0), EFAULT);
		CHECK_ERRNO(read(ev, bad, 8), EFAULT);
		CHECK_ERRNO(epoll_ctl(ep, EPOLL_CTL_ADD, ev, bad), EFAULT);
		CHECK_ERRNO(syscall(SYS_clock_gettime, CLOCK_MONOTONIC, bad), EFAULT);
		CHECK_ERRNO(syscall(SYS_nanosleep, bad, NULL), EFAULT);
		CHECK_ERRNO(syscall(SYS_rt_sigaction, SIGUSR1, bad, NULL, 8), EFAULT);
		CHECK_ERRNO(syscall(SYS_uname, bad), EFAULT);
		CHECK_ERRNO(syscall(SYS_getcwd, bad, 100), EFAULT);
		CHECK_ERRNO(syscall(SYS_execve, bad, NULL, NULL), EFAULT);
		CHECK_ERRNO(syscall(SYS_getdents64, open("/", O_RDONLY), bad, 1000), EFAULT);
	}
}

/* A fault in the middle of a transfer: what was done before it counts. */
TEST(read_into_a_half_mapped_buffer_returns_what_fits)
{
	char *m = mmap(NULL, 8192, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	int fd = open("/tmp/half-mapped", O_RDWR | O_CREAT | O_TRUNC, 0600);
	static char data[8192];

	CHECK(m != MAP_FAILED && fd >= 0 && write(fd, data, sizeof(data)) == sizeof(data));
	CHECK(munmap(m + 4096, 4096) == 0);
	ssize_t n = pread(fd, m, 8192, 0);

	CHECK(n > 0 && n <= 4096);
}

static int run_file(const char *path)
{
	int status;
	pid_t pid = fork();

	CHECK(pid >= 0);
	if (pid == 0) {
		int null = open("/dev/null", O_RDWR);

		for (int fd = 0; fd < 3; fd++)
			dup2(null, fd);
		alarm(5);
		execl(path, path, "--list", (char *)NULL);
		_exit(errno == ENOEXEC ? 99 : 98);
	}
	CHECK(waitpid(pid, &status, 0) == pid);
	return status;
}

static void write_file(const char *path, const void *data, size_t len)
{
	int fd = open(path, O_WRONLY | O_CREAT | O_TRUNC, 0700);

	CHECK(fd >= 0 && write(fd, data, len) == (ssize_t)len);
	close(fd);
}

static unsigned char *own_image(size_t *len)
{
	int fd = open("/proc/self/exe", O_RDONLY);
	struct stat st;

	CHECK(fd >= 0 && fstat(fd, &st) == 0);
	unsigned char *image = malloc((size_t)st.st_size);

	CHECK(image && read(fd, image, (size_t)st.st_size) == st.st_size);
	close(fd);
	*len = (size_t)st.st_size;
	return image;
}

TEST(truncated_programs_do_not_hurt)
{
	size_t len;
	unsigned char *image = own_image(&len);

	for (size_t cut = 0; cut <= 4096; cut += cut < 64 ? 8 : 512) {
		write_file("/tmp/bad-elf", image, cut);
		run_file("/tmp/bad-elf");
	}
	write_file("/tmp/bad-elf", image, 63);
	CHECK_EQ(WEXITSTATUS(run_file("/tmp/bad-elf")), 99);
}

TEST(programs_with_damaged_headers_do_not_hurt)
{
	size_t len;
	unsigned char *image = own_image(&len);
	Elf64_Ehdr *eh = (Elf64_Ehdr *)image;
	size_t headers = sizeof(*eh) + eh->e_phnum * sizeof(Elf64_Phdr);
	unsigned int seed = 7;

	for (int round = 0; round < 60; round++) {
		unsigned char saved[4096];

		memcpy(saved, image, headers);
		for (int i = 0; i < 1 + round % 4; i++) {
			seed = seed * 1103515245 + 12345;
			image[16 + (seed >> 8) % (headers - 16)] = (unsigned char)(seed >> 20);
		}
		write_file("/tmp/bad-elf", image, len < 200000 ? len : 200000);
		run_file("/tmp/bad-elf");
		memcpy(image, saved, headers);
	}
}

TEST(program_headers_with_absurd_values_are_refused)
{
	size_t len;
	unsigned char *image = own_image(&len);
	Elf64_Ehdr *eh = (Elf64_Ehdr *)image, good = *eh;
	Elf64_Phdr *ph = (Elf64_Phdr *)(image + eh->e_phoff), load = *ph;
	int status;

	eh->e_machine = EM_ARM;
	write_file("/tmp/bad-elf", image, len);
	CHECK_EQ(WEXITSTATUS(run_file("/tmp/bad-elf")), 99);
	*eh = good;
	eh->e_phoff = 0xffffffffffffff00;
	write_file("/tmp/bad-elf", image, len);
	status = run_file("/tmp/bad-elf");
	CHECK(WIFSIGNALED(status) || WEXITSTATUS(status) >= 98);
	*eh = good;
	eh->e_phnum = 0;
	write_file("/tmp/bad-elf", image, len);
	CHECK(WEXITSTATUS(run_file("/tmp/bad-elf")) >= 98);
	*eh = good;
	for (int i = 0; i < eh->e_phnum; i++) {
		if (ph[i].p_type != PT_LOAD)
			continue;
		load = ph[i];
		ph[i].p_vaddr = 0xffffffff80000000;
		write_file("/tmp/bad-elf", image, len);
		status = run_file("/tmp/bad-elf");
		CHECK(WIFSIGNALED(status) || WEXITSTATUS(status) >= 98);
		ph[i] = load;
		ph[i].p_filesz = ph[i].p_memsz + 1;
		write_file("/tmp/bad-elf", image, len);
		status = run_file("/tmp/bad-elf");
		CHECK(WIFSIGNALED(status) || WEXITSTATUS(status) >= 98);
		ph[i] = load;
	}
}

/* tests/abi/mmap.c - mappings: where they land, what they hold, which errors come first. */
#include "tests/abi/tap.h"
#include <setjmp.h>
#include <sys/resource.h>

#define PAGE 4096UL
#define ANON (MAP_PRIVATE | MAP_ANONYMOUS)
#define RW (PROT_READ | PROT_WRITE)
#ifndef MAP_FIXED_NOREPLACE
#define MAP_FIXED_NOREPLACE 0x100000
#endif

/* --- touching memory that may not be there --- */
static sigjmp_buf fault_jmp;
static volatile int fault_sig, fault_code;
static void *volatile fault_addr;
static void on_fault(int sig, siginfo_t *info, void *context)
{
	(void)context;
	fault_sig = sig;
	fault_code = info->si_code;
	fault_addr = info->si_addr;
	siglongjmp(fault_jmp, 1);
}
static void catch_faults(void)
{
	struct sigaction sa = { .sa_sigaction = on_fault, .sa_flags = SA_SIGINFO | SA_NODEFER };

	CHECK(sigaction(SIGSEGV, &sa, NULL) == 0 && sigaction(SIGBUS, &sa, NULL) == 0);
}
/* The signal that an access gives, 0 for none. */
static int try_read(const void *p)
{
	fault_sig = 0;
	if (sigsetjmp(fault_jmp, 1) == 0)
		(void)*(const volatile char *)p;
	return fault_sig;
}
static int try_write(void *p, char v)
{
	fault_sig = 0;
	if (sigsetjmp(fault_jmp, 1) == 0)
		*(volatile char *)p = v;
	return fault_sig;
}
static char *map(size_t pages, int prot)
{
	char *p = mmap(NULL, pages * PAGE, prot, ANON, -1, 0);

	CHECK(p != MAP_FAILED);
	return p;
}
static int temp_file(size_t size)
{
	char name[] = "/tmp/mmapXXXXXX";
	int fd = mkstemp(name);

	CHECK(fd >= 0);
	unlink(name);
	CHECK(ftruncate(fd, (off_t)size) == 0);
	return fd;
}

TEST(anonymous_memory_is_zero_and_writable)
{
	char *p = map(16, RW);

	for (size_t i = 0; i < 16 * PAGE; i += 511)
		CHECK_EQ(p[i], 0);
	memset(p, 7, 16 * PAGE);
	CHECK_EQ(p[16 * PAGE - 1], 7);
	CHECK(munmap(p, 16 * PAGE) == 0);
}

TEST(errors_come_in_the_right_order)
{
	int fd = temp_file(PAGE), ro = open("/proc/self/exe", O_RDONLY),
	    wo = open("/dev/null", O_WRONLY);

	CHECK_ERRNO((long)mmap(NULL, 0, RW, ANON, -1, 0), EINVAL);
	CHECK_ERRNO((long)mmap(NULL, 0, RW, MAP_PRIVATE, -1, 0), EBADF);
	CHECK_ERRNO(syscall(SYS_mmap, NULL, PAGE, RW, MAP_PRIVATE, -1, 1), EINVAL);
	CHECK_ERRNO(syscall(SYS_mmap, NULL, ~0UL, RW, ANON, -1, 0), ENOMEM);
	CHECK_ERRNO(syscall(SYS_mmap, NULL, 1UL << 48, RW, ANON, -1, 0), ENOMEM);
	CHECK_ERRNO((long)mmap(NULL, PAGE, RW, MAP_ANONYMOUS, -1, 0), EINVAL);
	CHECK_ERRNO((long)mmap((void *)0x100001, PAGE, RW, ANON | MAP_FIXED, -1, 0), EINVAL);
	CHECK_ERRNO((long)mmap(NULL, PAGE, RW, 0, fd, 0), EINVAL);
	CHECK_ERRNO((long)mmap(NULL, PAGE, RW, MAP_SHARED, ro, 0), EACCES);
	CHECK_ERRNO((long)mmap(NULL, PAGE, PROT_READ, MAP_PRIVATE, wo, 0), EACCES);
	CHECK(mmap(NULL, PAGE, RW, MAP_PRIVATE, ro, 0) != MAP_FAILED);
	int pair[2];

	CHECK(pipe(pair) == 0);
	CHECK_ERRNO((long)mmap(NULL, PAGE, PROT_READ, MAP_PRIVATE, pair[0], 0), ENODEV);
	CHECK_ERRNO(munmap((void *)0x1001, PAGE), EINVAL);
	CHECK_ERRNO(munmap((void *)0x100000, 0), EINVAL);
	CHECK(munmap((void *)0x100000, PAGE) == 0);
}

TEST(hints_are_used_if_free)
{
	char *hint = (char *)0x300000000;
	char *p = mmap(hint + 100, PAGE, RW, ANON, -1, 0);

	CHECK(p == hint);
	char *q = mmap(hint, PAGE, RW, ANON, -1, 0);

	CHECK(q != MAP_FAILED && q != hint);
}

TEST(fixed_replaces_and_noreplace_does_not)
{
	char *p = map(3, RW);

	memset(p, 1, 3 * PAGE);
	CHECK(mmap(p + PAGE, PAGE, RW, ANON | MAP_FIXED, -1, 0) == p + PAGE);
	CHECK_EQ(p[PAGE], 0);
	CHECK_EQ(p[0], 1);
	CHECK_EQ(p[2 * PAGE], 1);
	CHECK_ERRNO((long)mmap(p, PAGE, RW, ANON | MAP_FIXED_NOREPLACE, -1, 0), EEXIST);
	munmap(p, PAGE);
	CHECK(mmap(p, PAGE, RW, ANON | MAP_FIXED_NOREPLACE, -1, 0) == p);
}

TEST(faults_name_signal_code_and_address)
{
	char *p = map(3, RW);

	catch_faults();
	munmap(p + PAGE, PAGE);
	CHECK_EQ(try_read(p + PAGE + 5), SIGSEGV);
	CHECK_EQ(fault_code, SEGV_MAPERR);
	CHECK(fault_addr == p + PAGE + 5);
	mprotect(p, PAGE, PROT_READ);
	CHECK_EQ(try_read(p), 0);
	CHECK_EQ(try_write(p + 9, 1), SIGSEGV);
	CHECK_EQ(fault_code, SEGV_ACCERR);
	CHECK(fault_addr == p + 9);
	mprotect(p, PAGE, PROT_NONE);
	CHECK_EQ(try_read(p), SIGSEGV);
	CHECK_EQ(fault_code, SEGV_ACCERR);
	CHECK_EQ(try_read(NULL), SIGSEGV);
	CHECK_EQ(fault_code, SEGV_MAPERR);
	CHECK_EQ(try_read((void *)0xffff888000000000), SIGSEGV);
}

TEST(a_page_behind_the_end_of_a_file_is_sigbus)
{
	int fd = temp_file(PAGE + 1);
	char *p = mmap(NULL, 4 * PAGE, RW, MAP_SHARED, fd, 0);

	catch_faults();
	CHECK(p != MAP_FAILED);
	CHECK_EQ(try_read(p + 2 * PAGE - 1), 0);
	CHECK_EQ(try_read(p + 2 * PAGE + 3), SIGBUS);
	CHECK_EQ(fault_code, BUS_ADRERR);
	CHECK(fault_addr == p + 2 * PAGE + 3);
	CHECK_EQ(try_write(p + 3 * PAGE, 1), SIGBUS);
	CHECK(ftruncate(fd, 4 * PAGE) == 0);
	CHECK_EQ(try_write(p + 3 * PAGE, 1), 0);
}

TEST(code_may_run_only_where_it_is_executable)
{
	unsigned char *p = (unsigned char *)map(1, RW);

	catch_faults();
	p[0] = 0xc3; /* ret */
	fault_sig = 0;
	if (sigsetjmp(fault_jmp, 1) == 0)
		((void (*)(void))p)();
	CHECK_EQ(fault_sig, SIGSEGV);
	CHECK_EQ(fault_code, SEGV_ACCERR);
	CHECK(mprotect(p, PAGE, PROT_READ | PROT_EXEC) == 0);
	((void (*)(void))p)();
}

TEST(shared_file_pages_are_the_file_private_ones_are_not)
{
	int fd = temp_file(2 * PAGE);
	char *s = mmap(NULL, 2 * PAGE, RW, MAP_SHARED, fd, 0),
	     *p = mmap(NULL, 2 * PAGE, RW, MAP_PRIVATE, fd, 0), b;

	CHECK(s != MAP_FAILED && p != MAP_FAILED);
	s[5] = 'x';
	CHECK_EQ(p[5], 'x');
	CHECK(pread(fd, &b, 1, 5) == 1 && b == 'x');
	CHECK(pwrite(fd, "y", 1, PAGE + 1) == 1);
	CHECK_EQ(s[PAGE + 1], 'y');
	p[5] = 'z';
	CHECK_EQ(s[5], 'x');
	CHECK(pread(fd, &b, 1, 5) == 1 && b == 'x');
	close(fd);
	s[6] = 'w';
	CHECK_EQ(s[6], 'w');
}

TEST(shared_anonymous_memory_is_shared_with_children)
{
	volatile int *p = mmap(NULL, 2 * PAGE, RW, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	int status;

	CHECK(p != MAP_FAILED);
	p[0] = 1;
	pid_t pid = fork();

	if (pid == 0) {
		p[0]++;
		p[1024] = 9;
		_exit(0);
	}
	CHECK(waitpid(pid, &status, 0) == pid && status == 0);
	CHECK_EQ(p[0], 2);
	CHECK_EQ(p[1024], 9);
}

TEST(private_memory_is_copied_when_either_side_writes)
{
	char *p = map(64, RW);
	int to_child[2], to_parent[2];
	char b;

	for (int i = 0; i < 64; i++)
		p[i * PAGE] = (char)i;
	CHECK(pipe(to_child) == 0 && pipe(to_parent) == 0);
	pid_t pid = fork();

	if (pid == 0) {
		CHECK(read(to_child[0], &b, 1) == 1);
		for (int i = 0; i < 64; i++)
			if (p[i * PAGE] != (char)i)
				_exit(1);
		memset(p, 'c', 64 * PAGE);
		CHECK(write(to_parent[1], "", 1) == 1);
		CHECK(read(to_child[0], &b, 1) == 1);
		_exit(p[0] != 'c' || p[63 * PAGE] != 'c');
	}
	for (int i = 0; i < 64; i += 2)
		p[i * PAGE] = 'p';
	CHECK(write(to_child[1], "", 1) == 1);
	CHECK(read(to_parent[0], &b, 1) == 1);
	for (int i = 0; i < 64; i++)
		CHECK_EQ(p[i * PAGE], i % 2 ? i : 'p');
	CHECK(write(to_child[1], "", 1) == 1);
	int status;

	CHECK(waitpid(pid, &status, 0) == pid);
	CHECK_EQ(status, 0);
}

TEST(mprotect_stops_at_a_hole_but_keeps_what_it_did)
{
	char *p = map(4, RW);

	catch_faults();
	munmap(p + 2 * PAGE, PAGE);
	CHECK_ERRNO(mprotect(p, 4 * PAGE, PROT_READ), ENOMEM);
	CHECK_EQ(try_write(p + PAGE, 1), SIGSEGV);
	CHECK_EQ(try_write(p + 3 * PAGE, 1), 0);
	CHECK_ERRNO(syscall(SYS_mprotect, p + 1, PAGE, RW), EINVAL);
	CHECK_ERRNO(mprotect(p, PAGE, 0x1000), EINVAL);
	CHECK(mprotect(p, 0, RW) == 0);
	CHECK_ERRNO(mprotect((void *)0x100000, PAGE, RW), ENOMEM);
	int ro = open("/proc/self/exe", O_RDONLY);
	char *s = mmap(NULL, PAGE, PROT_READ, MAP_SHARED, ro, 0);

	CHECK(s != MAP_FAILED);
	CHECK_ERRNO(mprotect(s, PAGE, RW), EACCES);
}

TEST(contents_survive_prot_none)
{
	char *p = map(8, RW);

	memset(p, 5, 8 * PAGE);
	CHECK(mprotect(p, 8 * PAGE, PROT_NONE) == 0);
	pid_t pid = fork();

	if (pid == 0) {
		if (mprotect(p, 8 * PAGE, RW) || p[0] != 5 || p[8 * PAGE - 1] != 5)
			_exit(1);
		p[0] = 6;
		_exit(0);
	}
	int status;

	CHECK(waitpid(pid, &status, 0) == pid && status == 0);
	CHECK(mprotect(p, 8 * PAGE, RW) == 0);
	for (size_t i = 0; i < 8 * PAGE; i += 100)
		CHECK_EQ(p[i], 5);
}

TEST(madvise_dontneed_zeroes_private_and_rereads_files)
{
	char *p = map(4, RW);
	int fd = temp_file(PAGE);

	memset(p, 1, 4 * PAGE);
	CHECK(madvise(p + PAGE, 2 * PAGE, MADV_DONTNEED) == 0);
	CHECK_EQ(p[0], 1);
	CHECK_EQ(p[PAGE], 0);
	CHECK_EQ(p[2 * PAGE], 0);
	CHECK_EQ(p[3 * PAGE], 1);
	CHECK(pwrite(fd, "f", 1, 0) == 1);
	char *f = mmap(NULL, PAGE, RW, MAP_PRIVATE, fd, 0);

	f[0] = 'g';
	CHECK(madvise(f, PAGE, MADV_DONTNEED) == 0);
	CHECK_EQ(f[0], 'f');
	CHECK_ERRNO(madvise(p + 1, PAGE, MADV_DONTNEED), EINVAL);
	CHECK_ERRNO(madvise(p, PAGE, 12345), EINVAL);
	CHECK_ERRNO(madvise(f, PAGE, 8 /* MADV_FREE */), EINVAL);
	CHECK(madvise(p, 0, MADV_DONTNEED) == 0);
	munmap(p + PAGE, PAGE);
	CHECK_ERRNO(madvise(p, 4 * PAGE, MADV_DONTNEED), ENOMEM);
	CHECK_EQ(p[3 * PAGE], 0);
}

TEST(dontfork_and_wipeonfork)
{
	char *p = map(3, RW);
	int status;

	memset(p, 1, 3 * PAGE);
	CHECK(madvise(p, PAGE, MADV_DONTFORK) == 0);
	CHECK(madvise(p + PAGE, PAGE, 18 /* MADV_WIPEONFORK */) == 0);
	pid_t pid = fork();

	if (pid == 0) {
		catch_faults();
		_exit(!(try_read(p) == SIGSEGV && p[PAGE] == 0 && p[2 * PAGE] == 1));
	}
	CHECK(waitpid(pid, &status, 0) == pid);
	CHECK_EQ(status, 0);
	CHECK_EQ(p[PAGE], 1);
}

TEST(mremap_grows_moves_and_shrinks)
{
	char *p = mmap((void *)0x400000000, 4 * PAGE, RW, ANON | MAP_FIXED, -1, 0);

	for (int i = 0; i < 4; i++)
		p[i * PAGE] = (char)(i + 1);
	CHECK(mremap(p, 4 * PAGE, 8 * PAGE, 0) == p);
	p[7 * PAGE] = 8;
	CHECK(mmap(p + 8 * PAGE, PAGE, PROT_READ, ANON | MAP_FIXED, -1, 0) == p + 8 * PAGE);
	CHECK_ERRNO((long)mremap(p, 8 * PAGE, 9 * PAGE, 0), ENOMEM);
	char *q = mremap(p, 8 * PAGE, 64 * PAGE, MREMAP_MAYMOVE);

	CHECK(q != MAP_FAILED && q != p);
	CHECK_EQ(q[3 * PAGE], 4);
	CHECK_EQ(q[7 * PAGE], 8);
	CHECK_EQ(q[63 * PAGE], 0);
	catch_faults();
	CHECK_EQ(try_read(p), SIGSEGV);
	CHECK(mremap(q, 64 * PAGE, PAGE, 0) == q);
	CHECK_EQ(try_read(q + PAGE), SIGSEGV);
	CHECK(mremap(q, PAGE, PAGE, MREMAP_MAYMOVE | MREMAP_FIXED, p) == p);
	CHECK_EQ(p[0], 1);
	CHECK_ERRNO((long)mremap(p + 1, PAGE, PAGE, 0), EINVAL);
	CHECK_ERRNO((long)mremap(p, PAGE, 0, 0), EINVAL);
	CHECK_ERRNO((long)mremap(p, PAGE, PAGE, MREMAP_FIXED, q), EINVAL);
	CHECK_ERRNO((long)mremap((void *)0x500000000, PAGE, 2 * PAGE, MREMAP_MAYMOVE), EFAULT);
	CHECK_ERRNO((long)mremap(p, PAGE, PAGE, MREMAP_MAYMOVE | MREMAP_FIXED, p), EINVAL);
}

static __attribute__((noinline)) int use_stack(int depth)
{
	volatile char frame[4096];

	frame[0] = (char)depth;
	return depth ? use_stack(depth - 1) + frame[0] : frame[0];
}

TEST(the_stack_grows_by_itself)
{
	use_stack(1000); /* 4 MiB */
}

static char alt_stack[65536];
TEST(a_stack_overflow_can_be_caught_on_another_stack)
{
	stack_t ss = { .ss_sp = alt_stack, .ss_size = sizeof(alt_stack) };
	struct sigaction sa = { .sa_sigaction = on_fault, .sa_flags = SA_SIGINFO | SA_ONSTACK };

	CHECK(sigaltstack(&ss, NULL) == 0 && sigaction(SIGSEGV, &sa, NULL) == 0);
	fault_sig = 0;
	if (sigsetjmp(fault_jmp, 1) == 0)
		use_stack(1 << 20);
	CHECK_EQ(fault_sig, SIGSEGV);
}

TEST(brk_grows_and_shrinks)
{
	char *start = (char *)syscall(SYS_brk, 0);

	catch_faults();
	CHECK_EQ(syscall(SYS_brk, start + 3 * PAGE), (long)(start + 3 * PAGE));
	start[2 * PAGE] = 1;
	CHECK_EQ(syscall(SYS_brk, start), (long)start);
	CHECK_EQ(try_read(start + 2 * PAGE), SIGSEGV);
	CHECK_EQ(syscall(SYS_brk, start + 3 * PAGE), (long)(start + 3 * PAGE));
	CHECK_EQ(start[2 * PAGE], 0);
	CHECK_EQ(syscall(SYS_brk, 1), (long)(start + 3 * PAGE));
	CHECK_EQ(syscall(SYS_brk, 1UL << 60), (long)(start + 3 * PAGE));
}

TEST(rlimit_as_is_kept)
{
	struct rlimit r = { 1UL << 30, 1UL << 30 };

	CHECK(setrlimit(RLIMIT_AS, &r) == 0);
	CHECK_ERRNO((long)mmap(NULL, 1UL << 30, PROT_NONE, ANON, -1, 0), ENOMEM);
	CHECK(mmap(NULL, 1UL << 20, PROT_NONE, ANON, -1, 0) != MAP_FAILED);
}

TEST(huge_reservations_cost_nothing)
{
	char *p = mmap(NULL, 1UL << 40, PROT_NONE, ANON | MAP_NORESERVE, -1, 0);

	CHECK(p != MAP_FAILED);
	CHECK(mprotect(p + (1UL << 39), PAGE, RW) == 0);
	p[1UL << 39] = 1;
	CHECK(munmap(p, 1UL << 40) == 0);
}

TEST(mincore_and_mlock)
{
	char *p = map(4, RW);
	unsigned char vec[4];

	p[PAGE] = 1;
	CHECK(mincore(p, 4 * PAGE, vec) == 0);
	CHECK_EQ(vec[0] & 1, 0);
	CHECK_EQ(vec[1] & 1, 1);
	CHECK_ERRNO(mincore(p + 1, PAGE, vec), EINVAL);
	CHECK_ERRNO(mincore((void *)0x100000, PAGE, vec), ENOMEM);
	CHECK(mlock(p, 4 * PAGE) == 0);
	CHECK(mincore(p, 4 * PAGE, vec) == 0);
	CHECK_EQ(vec[0] & vec[1] & vec[2] & vec[3] & 1, 1);
	CHECK_ERRNO(madvise(p, PAGE, MADV_DONTNEED), EINVAL);
	CHECK(munlock(p, 4 * PAGE) == 0);
	CHECK_ERRNO(mlock((void *)0x100000, PAGE), ENOMEM);
	CHECK_ERRNO(msync(p + 1, PAGE, MS_SYNC), EINVAL);
	CHECK_ERRNO(msync(p, PAGE, MS_SYNC | MS_ASYNC), EINVAL);
	CHECK_ERRNO(msync((void *)0x100000, PAGE, MS_SYNC), ENOMEM);
	CHECK(msync(p, 4 * PAGE, MS_SYNC) == 0);
}

TEST(system_calls_report_bad_addresses_instead_of_faulting)
{
	char *p = map(2, RW);
	int pair[2];

	munmap(p + PAGE, PAGE);
	CHECK(pipe(pair) == 0);
	CHECK_ERRNO(write(pair[1], p + PAGE, 1), EFAULT);
	CHECK_ERRNO(write(pair[1], (void *)0xffff888000000000, 1), EFAULT);
	CHECK_EQ(write(pair[1], p, 10), 10);
	CHECK_ERRNO(read(pair[0], p + PAGE, 5), EFAULT);
	mprotect(p, PAGE, PROT_READ);
	CHECK_ERRNO(read(pair[0], p, 5), EFAULT);
	mprotect(p, PAGE, RW);
	CHECK_EQ(read(pair[0], p, 10), 10);
}

#define THREADS 4
static char *racing;
static void *racer(void *arg)
{
	long id = (long)arg;

	for (int round = 0; round < 200; round++) {
		char *p = mmap(NULL, 8 * PAGE, RW, ANON, -1, 0);

		if (p == MAP_FAILED)
			return (void *)1;
		memset(p, (int)id, 8 * PAGE);
		if (p[8 * PAGE - 1] != (char)id || munmap(p, 8 * PAGE))
			return (void *)1;
		racing[(id * 200 + round) % 64 * PAGE + (size_t)id] = (char)id;
	}
	return NULL;
}

TEST(threads_map_and_unmap_at_once)
{
	pthread_t t[THREADS];

	racing = map(64, RW);
	for (long i = 0; i < THREADS; i++)
		CHECK(pthread_create(&t[i], NULL, racer, (void *)(i + 1)) == 0);
	for (int i = 0; i < THREADS; i++) {
		void *r;

		CHECK(pthread_join(t[i], &r) == 0 && r == NULL);
	}
}

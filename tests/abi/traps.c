/* Exceptions of a program: which signal, which code, which address; and that it can go on afterwards. */
#include "tests/abi/tap.h"
#include <setjmp.h>
#include <ucontext.h>

static sigjmp_buf back;
static siginfo_t got;
static volatile int nr_got;

static void on_trap(int sig, siginfo_t *info, void *ctx)
{
	(void)sig;
	(void)ctx;
	got = *info;
	nr_got++;
	siglongjmp(back, 1);
}

static void catch_traps(void)
{
	static const int sigs[] = { SIGSEGV, SIGFPE, SIGILL, SIGTRAP, SIGBUS };
	struct sigaction sa = { .sa_sigaction = on_trap, .sa_flags = SA_SIGINFO };

	for (size_t i = 0; i < sizeof(sigs) / sizeof(sigs[0]); i++)
		CHECK_EQ(sigaction(sigs[i], &sa, NULL), 0);
}

/* @stmt raises @sig with @code. */
#define TRAPS(sig, code, stmt) do {								\
	nr_got = 0;										\
	if (!sigsetjmp(back, 1)) {								\
		stmt;										\
	}											\
	CHECK_EQ(nr_got, 1);									\
	CHECK_EQ(got.si_signo, sig);								\
	CHECK_EQ(got.si_code, code);								\
} while (0)
#define STORE(a) __asm__ volatile("movb $1, (%0)" :: "r"(a) : "memory")

TEST(unmapped_address_is_segv_maperr)
{
	catch_traps();
	TRAPS(SIGSEGV, SEGV_MAPERR, STORE(8UL));
	CHECK(got.si_addr == (void *)8UL);
}

TEST(kernel_address_is_segv_maperr)
{
	catch_traps();
	TRAPS(SIGSEGV, SEGV_MAPERR, STORE(0xffffffff80100000UL));
	TRAPS(SIGSEGV, SEGV_MAPERR, STORE(0xffff888000000000UL));
}

TEST(noncanonical_address_is_segv_without_an_address)
{
	catch_traps();
	TRAPS(SIGSEGV, SI_KERNEL, STORE(0x8000000000000000UL));
	CHECK(got.si_addr == NULL);
}

TEST(write_to_code_is_segv_accerr)
{
	void *code = (void *)on_trap;

	catch_traps();
	TRAPS(SIGSEGV, SEGV_ACCERR, STORE(code));
	CHECK(got.si_addr == code);
}

TEST(data_cannot_be_run)
{
	unsigned char *page = mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

	catch_traps();
	CHECK(page != MAP_FAILED);
	page[0] = 0xc3; /* ret */
	TRAPS(SIGSEGV, SEGV_ACCERR, ((void (*)(void))(uintptr_t)page)());
	CHECK(got.si_addr == page);
	CHECK_EQ(mprotect(page, 4096, PROT_READ | PROT_EXEC), 0);
	((void (*)(void))(uintptr_t)page)();
}

TEST(division_by_zero_is_sigfpe)
{
	int zero = 0;

	catch_traps();
	TRAPS(SIGFPE, FPE_INTDIV,
	      __asm__ volatile("xor %%edx, %%edx; mov $5, %%eax; divl %0" :: "m"(zero) : "eax", "edx"));
}

TEST(x87_division_by_zero_is_sigfpe)
{
	unsigned short unmasked = 0x37b; /* 8.1.5 of SDM vol. 1: bit 2 masks division by zero */

	catch_traps();
	TRAPS(SIGFPE, FPE_FLTDIV, __asm__ volatile("fninit; fldcw %0; fldz; fld1; fdivp; fwait" :: "m"(unmasked)));
	__asm__ volatile("fninit");
}

TEST(undefined_instruction_is_sigill)
{
	catch_traps();
	TRAPS(SIGILL, ILL_ILLOPN, __asm__ volatile("ud2"));
}

TEST(breakpoint_is_sigtrap_from_the_kernel)
{
	catch_traps();
	TRAPS(SIGTRAP, SI_KERNEL, __asm__ volatile("int3"));
}

TEST(trap_flag_is_sigtrap_trace)
{
	catch_traps();
	TRAPS(SIGTRAP, TRAP_TRACE,
	      __asm__ volatile("lea -128(%%rsp), %%rsp; pushf; orl $0x100, (%%rsp); popf; nop; nop" ::: "memory"));
}

TEST(privileged_instructions_are_segv)
{
	catch_traps();
	TRAPS(SIGSEGV, SI_KERNEL, __asm__ volatile("cli"));
	TRAPS(SIGSEGV, SI_KERNEL, __asm__ volatile("hlt"));
	TRAPS(SIGSEGV, SI_KERNEL, __asm__ volatile("mov %0, %%cr3" :: "r"(0UL)));
	TRAPS(SIGSEGV, SI_KERNEL, __asm__ volatile("out %%al, $0x80" :: "a"(0)));
	TRAPS(SIGSEGV, SI_KERNEL, __asm__ volatile("wrmsr" :: "c"(0xc0000082), "a"(0), "d"(0)));
	TRAPS(SIGSEGV, SI_KERNEL, __asm__ volatile("mov %0, %%es" :: "r"(0x50)));
}

static void set_rip(int sig, siginfo_t *info, void *ctx)
{
	(void)sig;
	(void)info;
	((ucontext_t *)ctx)->uc_mcontext.gregs[REG_RIP] = (greg_t)0x8000000000000000UL;
}

static void spoil_fpu(int sig, siginfo_t *info, void *ctx)
{
	(void)sig;
	(void)info;
	memset(((ucontext_t *)ctx)->uc_mcontext.fpregs, 0xff, 512);
}

static void lose_fpu(int sig, siginfo_t *info, void *ctx)
{
	(void)sig;
	(void)info;
	((ucontext_t *)ctx)->uc_mcontext.fpregs = (void *)64;
}

static void misalign_fpu(int sig, siginfo_t *info, void *ctx)
{
	mcontext_t *m = &((ucontext_t *)ctx)->uc_mcontext;

	(void)sig;
	(void)info;
	m->fpregs = (void *)((char *)m->fpregs + 1);
}

enum { SEL_CS, SEL_GS, SEL_FS, SEL_SS };	/* in REG_CSGSFS */
static void set_selector(void *ctx, int which, unsigned long selector)
{
	greg_t *g = &((ucontext_t *)ctx)->uc_mcontext.gregs[REG_CSGSFS];

	*g = (greg_t)(((unsigned long)*g & ~(0xffffUL << 16 * which)) | selector << 16 * which);
}
static void set_cs(int sig, siginfo_t *info, void *ctx)
{
	(void)sig;
	(void)info;
	set_selector(ctx, SEL_CS, 0xfff0);
}
static void set_kernel_cs(int sig, siginfo_t *info, void *ctx)
{
	(void)sig;
	(void)info;
	set_selector(ctx, SEL_CS, 0x10);
}
/* Single steps would begin with the first instruction; there is none. */
static void set_cs_and_trap_flag(int sig, siginfo_t *info, void *ctx)
{
	set_cs(sig, info, ctx);
	((ucontext_t *)ctx)->uc_mcontext.gregs[REG_EFL] |= 0x100;
}
static void set_ss(int sig, siginfo_t *info, void *ctx)
{
	(void)sig;
	(void)info;
	set_selector(ctx, SEL_SS, 0);
}
static void set_ss_leniently(int sig, siginfo_t *info, void *ctx)
{
	((ucontext_t *)ctx)->uc_flags &= ~4UL;	/* UC_STRICT_RESTORE_SS */
	set_ss(sig, info, ctx);
}
static void clear_selector_privilege(int sig, siginfo_t *info, void *ctx)
{
	(void)sig;
	(void)info;
	set_selector(ctx, SEL_CS, 0x30);
	set_selector(ctx, SEL_SS, 0x28);
}

/* What ends a child whose handler for SIGUSR1 is @fn. */
static int signal_that_kills(void (*fn)(int, siginfo_t *, void *))
{
	struct sigaction sa = { .sa_sigaction = fn, .sa_flags = SA_SIGINFO };
	pid_t pid = fork();
	int status;

	if (pid == 0) {
		sigaction(SIGUSR1, &sa, NULL);
		raise(SIGUSR1);
		_exit(0);
	}
	CHECK_EQ(waitpid(pid, &status, 0), pid);
	return WIFSIGNALED(status) ? WTERMSIG(status) : -WEXITSTATUS(status);
}

TEST(sigreturn_to_a_noncanonical_address_is_segv) { CHECK_EQ(signal_that_kills(set_rip), SIGSEGV); }
TEST(sigreturn_without_fpu_state_is_segv) { CHECK_EQ(signal_that_kills(lose_fpu), SIGSEGV); }
TEST(sigreturn_with_misaligned_fpu_state_is_segv) { CHECK_EQ(signal_that_kills(misalign_fpu), SIGSEGV); }

TEST(sigreturn_with_a_bad_code_segment_is_segv)
{
	CHECK_EQ(signal_that_kills(set_cs), SIGSEGV);
	CHECK_EQ(signal_that_kills(set_kernel_cs), SIGSEGV);
	CHECK_EQ(signal_that_kills(set_cs_and_trap_flag), SIGSEGV);
}
TEST(sigreturn_with_a_bad_stack_segment_is_segv_if_it_counts)
{
	CHECK_EQ(signal_that_kills(set_ss), SIGSEGV);
	CHECK_EQ(signal_that_kills(set_ss_leniently), 0);
}
TEST(sigreturn_gives_selectors_the_users_privilege) { CHECK_EQ(signal_that_kills(clear_selector_privilege), 0); }

/* Linux leaves the judgement of the bytes to the processor, and an emulated one may take them. */
TEST(sigreturn_with_bad_fpu_bytes_harms_nobody_else)
{
	int end = signal_that_kills(spoil_fpu);

	CHECK(end == SIGSEGV || end == 0);
}

/* The calling convention of system calls: rcx and r11 are lost, everything else is kept. */
TEST(system_calls_keep_registers)
{
	long regs[6], ret;

	__asm__ volatile(
		"mov $0x1111, %%rbx; mov $0x2222, %%r12; mov $0x3333, %%r13; mov $0x4444, %%r14; mov $0x5555, %%r15\n\t"
		"mov $0x6666, %%r9\n\tsyscall\n\t"
		"mov %%rbx, %1; mov %%r12, %2; mov %%r13, %3; mov %%r14, %4; mov %%r15, %5; mov %%r9, %6"
		: "=a"(ret), "=m"(regs[0]), "=m"(regs[1]), "=m"(regs[2]), "=m"(regs[3]), "=m"(regs[4]), "=m"(regs[5])
		: "a"(SYS_getpid) : "rbx", "rcx", "r9", "r11", "r12", "r13", "r14", "r15", "memory");
	CHECK_EQ(ret, getpid());
	for (int i = 0; i < 6; i++)
		CHECK_EQ(regs[i], 0x1111 * (i + 1));
}

TEST(unknown_system_calls_are_enosys)
{
	CHECK_ERRNO(syscall(100000), ENOSYS);
	CHECK_ERRNO(syscall(-1L), ENOSYS);
	CHECK_ERRNO(syscall(0x7fffffffL), ENOSYS);
}

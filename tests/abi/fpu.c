/* The extended registers: a task's own across switches, signals, fork and exec. */
#include "tests/abi/tap.h"
#include <ucontext.h>

enum { THREADS = 5, SPIN = 3000 };

/* Put four values into registers, let time pass, and see whether they are still there. */
static bool registers_keep(double base, int spin)
{
	double in[4] = { base, base + 1, base + 2, base + 3 }, out[4];

	__asm__ volatile(
		"movsd %5, %%xmm0; movsd %6, %%xmm7; movsd %7, %%xmm8; movsd %8, %%xmm15\n"
		"1:	dec %4; jnz 1b\n\t"
		"movsd %%xmm0, %0; movsd %%xmm7, %1; movsd %%xmm8, %2; movsd %%xmm15, %3"
		: "=m"(out[0]), "=m"(out[1]), "=m"(out[2]), "=m"(out[3]), "+r"(spin)
		: "m"(in[0]), "m"(in[1]), "m"(in[2]), "m"(in[3]) : "xmm0", "xmm7", "xmm8", "xmm15", "cc");
	return memcmp(in, out, sizeof(in)) == 0;
}

static volatile int stop;
static void *keep_registers(void *arg)
{
	long rounds = 0;

	while (!stop) {
		if (!registers_keep((double)(intptr_t)arg * 100, SPIN))
			return arg;
		if (++rounds % 16 == 0)
			sched_yield();
	}
	return NULL;
}

TEST(registers_belong_to_the_thread)
{
	pthread_t t[THREADS];
	void *bad;

	for (intptr_t i = 0; i < THREADS; i++)
		CHECK_EQ(pthread_create(&t[i], NULL, keep_registers, (void *)(i + 1)), 0);
	usleep(400000);
	stop = 1;
	for (int i = 0; i < THREADS; i++) {
		CHECK_EQ(pthread_join(t[i], &bad), 0);
		CHECK(!bad);
	}
}

static volatile int handled;
static void use_fpu(int sig, siginfo_t *info, void *ctx)
{
	double junk = -1;

	(void)sig;
	(void)info;
	(void)ctx;
	__asm__ volatile("movsd %0, %%xmm0; movsd %0, %%xmm7; movsd %0, %%xmm8; movsd %0, %%xmm15"
			 :: "m"(junk) : "xmm0", "xmm7", "xmm8", "xmm15");
	handled++;
}

TEST(a_handler_does_not_change_the_registers)
{
	struct sigaction sa = { .sa_sigaction = use_fpu, .sa_flags = SA_SIGINFO };
	struct itimerval every_ms = { { 0, 1000 }, { 0, 1000 } }, none = { { 0, 0 }, { 0, 0 } };

	sigaction(SIGALRM, &sa, NULL);
	setitimer(ITIMER_REAL, &every_ms, NULL);
	while (handled < 100)
		CHECK(registers_keep(42.5, SPIN));
	setitimer(ITIMER_REAL, &none, NULL);
}

static double seen, replacement;
static void look_at_frame(int sig, siginfo_t *info, void *ctx)
{
	ucontext_t *uc = ctx;

	(void)sig;
	(void)info;
	memcpy(&seen, uc->uc_mcontext.fpregs->_xmm[7].element, sizeof(seen));
	memcpy(uc->uc_mcontext.fpregs->_xmm[7].element, &replacement, sizeof(replacement));
}

TEST(the_signal_frame_shows_the_registers_and_can_change_them)
{
	struct sigaction sa = { .sa_sigaction = look_at_frame, .sa_flags = SA_SIGINFO };
	double before = 12.25, after;

	sigaction(SIGUSR1, &sa, NULL);
	replacement = 77.125;
	__asm__ volatile("movsd %1, %%xmm7; syscall; movsd %%xmm7, %0"
			 : "=m"(after)
			 : "m"(before), "a"((long)SYS_kill), "D"((long)getpid()), "S"((long)SIGUSR1)
			 : "xmm7", "rcx", "r11", "memory");
	CHECK(seen == before);
	CHECK(after == replacement);
}

/* include/uapi/asm/sigcontext.h: two magic numbers say that there is more than the 512 bytes of FXSAVE. */
static uint32_t magic1, magic2, extended_size, xstate_size;
static void look_at_magic(int sig, siginfo_t *info, void *ctx)
{
	const char *fp = (const char *)((ucontext_t *)ctx)->uc_mcontext.fpregs;

	(void)sig;
	(void)info;
	memcpy(&magic1, fp + 464, 4);
	memcpy(&extended_size, fp + 468, 4);
	memcpy(&xstate_size, fp + 480, 4);
	if (magic1 == 0x46505853)
		memcpy(&magic2, fp + xstate_size, 4);
}

TEST(the_signal_frame_says_how_much_it_holds)
{
	struct sigaction sa = { .sa_sigaction = look_at_magic, .sa_flags = SA_SIGINFO };

	sigaction(SIGUSR1, &sa, NULL);
	raise(SIGUSR1);
	if (!magic1)
		SKIP("a processor without XSAVE");
	CHECK_EQ(magic1, 0x46505853);
	CHECK_EQ(magic2, 0x46505845);
	CHECK(xstate_size >= 576 && extended_size == xstate_size + 4);
}

TEST(a_child_inherits_the_registers)
{
	double v = 3.75, w = 0;
	long pid;
	int status;

	__asm__ volatile("movsd %2, %%xmm9; syscall; movsd %%xmm9, %0"
			 : "=m"(w), "=a"(pid) : "m"(v), "1"((long)SYS_fork) : "xmm9", "rcx", "r11", "memory");
	if (pid == 0)
		_exit(w == v ? 3 : 4);
	CHECK(w == v);
	CHECK_EQ(waitpid((pid_t)pid, &status, 0), pid);
	CHECK_EQ(status, 3 << 8);
}

TEST(a_handler_keeps_denormals_are_zero)
{
	struct sigaction sa = { .sa_sigaction = use_fpu, .sa_flags = SA_SIGINFO };
	unsigned int mine = 0x1f80 | 0x40, read; /* DAZ: a bit that old processors do not have */

	sigaction(SIGUSR1, &sa, NULL);
	__asm__ volatile("ldmxcsr %0" :: "m"(mine));
	raise(SIGUSR1);
	__asm__ volatile("stmxcsr %0" : "=m"(read));
	CHECK_EQ(read & ~0x3fU, mine);
}

TEST(rounding_mode_is_the_thread_s_own)
{
	unsigned int mine = 0x1f80 | 0x6000, read; /* towards zero: SDM vol. 1, 10.2.3.3 */

	__asm__ volatile("ldmxcsr %0" :: "m"(mine));
	usleep(2000);
	__asm__ volatile("stmxcsr %0" : "=m"(read));
	CHECK_EQ(read & ~0x3fU, mine);
}

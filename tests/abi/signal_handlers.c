/* Running handlers: the frame, masks, alternate stacks, restarting of calls, what a handler may do. */
#include "tests/abi/tap.h"
#include <setjmp.h>
#include <ucontext.h>

static volatile sig_atomic_t count, last_sig, order[16], nr_order;
static siginfo_t last_info;

static void on_sig(int sig) { count++; last_sig = sig; if (nr_order < 16) order[nr_order++] = sig; }
static void on_info(int sig, siginfo_t *info, void *ctx)
{
	(void)ctx;
	on_sig(sig);
	last_info = *info;
}
static void catch(int sig, int flags)
{
	struct sigaction sa = { .sa_flags = flags };

	if (flags & SA_SIGINFO)
		sa.sa_sigaction = on_info;
	else
		sa.sa_handler = on_sig;
	CHECK_EQ(sigaction(sig, &sa, NULL), 0);
}

TEST(handler_runs_and_returns)
{
	catch(SIGUSR1, 0);
	CHECK_EQ(raise(SIGUSR1), 0);
	CHECK_EQ(count, 1);
	CHECK_EQ(last_sig, SIGUSR1);
	CHECK_EQ(kill(getpid(), SIGUSR1), 0);
	CHECK_EQ(count, 2);
}

TEST(siginfo_of_kill_and_tkill)
{
	catch(SIGUSR1, SA_SIGINFO);
	kill(getpid(), SIGUSR1);
	CHECK_EQ(last_info.si_signo, SIGUSR1);
	CHECK_EQ(last_info.si_code, SI_USER);
	CHECK_EQ(last_info.si_pid, getpid());
	CHECK_EQ(last_info.si_uid, getuid());
	syscall(SYS_tkill, getpid(), SIGUSR1);
	CHECK_EQ(last_info.si_code, SI_TKILL);
	CHECK_EQ(last_info.si_pid, getpid());
}

TEST(siginfo_of_sigqueue)
{
	union sigval v = { .sival_int = 4711 };

	catch(SIGRTMIN, SA_SIGINFO);
	CHECK_EQ(sigqueue(getpid(), SIGRTMIN, v), 0);
	CHECK_EQ(last_info.si_code, SI_QUEUE);
	CHECK_EQ(last_info.si_value.sival_int, 4711);
}

TEST(signal_is_blocked_in_its_handler)
{
	static volatile int depth, deepest;
	void nested(int sig)
	{
		(void)sig;
		if (++depth > deepest)
			deepest = depth;
		if (count++ == 0)
			raise(SIGUSR1);
		depth--;
	}
	struct sigaction sa = { .sa_handler = nested };

	sigaction(SIGUSR1, &sa, NULL);
	raise(SIGUSR1);
	CHECK_EQ(count, 2);
	CHECK_EQ(deepest, 1);
	count = deepest = 0;
	sa.sa_flags = SA_NODEFER;
	sigaction(SIGUSR1, &sa, NULL);
	raise(SIGUSR1);
	CHECK_EQ(count, 2);
	CHECK_EQ(deepest, 2);
}

static sigset_t mask_in_handler;
static void get_mask(int sig) { (void)sig; sigprocmask(SIG_BLOCK, NULL, &mask_in_handler); }

TEST(sa_mask_is_blocked_and_restored)
{
	struct sigaction sa = { .sa_handler = get_mask };
	sigset_t after;

	sigaddset(&sa.sa_mask, SIGUSR2);
	sigaction(SIGUSR1, &sa, NULL);
	raise(SIGUSR1);
	CHECK(sigismember(&mask_in_handler, SIGUSR1));
	CHECK(sigismember(&mask_in_handler, SIGUSR2));
	CHECK(!sigismember(&mask_in_handler, SIGTERM));
	sigprocmask(SIG_BLOCK, NULL, &after);
	CHECK(!sigismember(&after, SIGUSR1) && !sigismember(&after, SIGUSR2));
}

TEST(resethand_runs_once)
{
	struct sigaction got;

	catch(SIGUSR1, SA_RESETHAND);
	raise(SIGUSR1);
	CHECK_EQ(count, 1);
	sigaction(SIGUSR1, NULL, &got);
	CHECK(got.sa_handler == SIG_DFL);
}

TEST(sigaction_errors)
{
	struct { void *h; unsigned long f, r, m; } k = { 0 };

	CHECK_ERRNO(syscall(SYS_rt_sigaction, SIGKILL, &k, NULL, 8), EINVAL);
	CHECK_ERRNO(syscall(SYS_rt_sigaction, SIGSTOP, &k, NULL, 8), EINVAL);
	CHECK_EQ(syscall(SYS_rt_sigaction, SIGKILL, NULL, &k, 8), 0);
	CHECK_ERRNO(syscall(SYS_rt_sigaction, 0, NULL, &k, 8), EINVAL);
	CHECK_ERRNO(syscall(SYS_rt_sigaction, 65, NULL, &k, 8), EINVAL);
	CHECK_ERRNO(syscall(SYS_rt_sigaction, SIGUSR1, NULL, &k, 4), EINVAL);
	CHECK_ERRNO(syscall(SYS_rt_sigaction, SIGUSR1, 8, NULL, 8), EFAULT);
}

TEST(sigaction_old_and_flags)
{
	struct { void *h; unsigned long f, r, m; } old, k = {
		.h = (void *)on_sig, .f = 0x7fffffffffUL, .r = 0x1234, .m = ~0UL,
	};

	CHECK_EQ(syscall(SYS_rt_sigaction, SIGUSR1, &k, NULL, 8), 0);
	CHECK_EQ(syscall(SYS_rt_sigaction, SIGUSR1, NULL, &old, 8), 0);
	CHECK(old.h == (void *)on_sig);
	/* Unknown flags are not kept, SIGKILL and SIGSTOP cannot be masked. */
	CHECK_EQ(old.f & 0x400, 0);
	CHECK_EQ(old.f >> 32, 0);
	CHECK_EQ(old.m, ~0UL & ~(1UL << 8 | 1UL << 18));
	CHECK_EQ(old.r, 0x1234);
}

TEST(registers_survive_a_handler)
{
	unsigned long a = 0x1111, b = 0x2222, c = 0x3333, d = 0x4444;
	long ret;

	catch(SIGUSR1, 0);
	/* kill() from assembly: all registers but rax, rcx and r11 must come back. */
	__asm__ volatile("mov %[a], %%rbx; mov %[b], %%r12; mov %[c], %%r15; mov %[d], %%r9\n\t"
			 "syscall\n\t"
			 "mov %%rbx, %[a]; mov %%r12, %[b]; mov %%r15, %[c]; mov %%r9, %[d]"
			 : "=a"(ret), [a] "+m"(a), [b] "+m"(b), [c] "+m"(c), [d] "+m"(d)
			 : "0"(SYS_kill), "D"(getpid()), "S"(SIGUSR1)
			 : "rbx", "r12", "r15", "r9", "rcx", "r11", "memory");
	CHECK_EQ(ret, 0);
	CHECK_EQ(count, 1);
	CHECK(a == 0x1111 && b == 0x2222 && c == 0x3333 && d == 0x4444);
}

static void clobber_fpu(int sig)
{
	volatile double x = 1.5;

	(void)sig;
	count++;
	for (int i = 0; i < 10; i++)
		x = x * 1.1;
	__asm__ volatile("pxor %%xmm0, %%xmm0; pxor %%xmm7, %%xmm7; pxor %%xmm15, %%xmm15" ::: "xmm0", "xmm7", "xmm15");
}

TEST(fpu_registers_survive_a_handler)
{
	struct sigaction sa = { .sa_handler = clobber_fpu };
	uint64_t in = 0x0123456789abcdefULL, out0 = 0, out15 = 0;
	long ret;

	sigaction(SIGUSR1, &sa, NULL);
	__asm__ volatile("movq %[in], %%xmm0; movq %[in], %%xmm15\n\t"
			 "syscall\n\t"
			 "movq %%xmm0, %[out0]; movq %%xmm15, %[out15]"
			 : "=a"(ret), [out0] "=m"(out0), [out15] "=m"(out15)
			 : [in] "m"(in), "0"(SYS_kill), "D"(getpid()), "S"(SIGUSR1)
			 : "rcx", "r11", "xmm0", "xmm15", "memory");
	CHECK_EQ(ret, 0);
	CHECK_EQ(count, 1);
	CHECK(out0 == in && out15 == in);
}

static void change_context(int sig, siginfo_t *info, void *ctx)
{
	ucontext_t *uc = ctx;

	(void)sig;
	(void)info;
	count++;
	uc->uc_mcontext.gregs[REG_RAX] = 4242;
	sigaddset(&uc->uc_sigmask, SIGUSR2);
}

TEST(context_changed_by_the_handler_takes_effect)
{
	struct sigaction sa = { .sa_sigaction = change_context, .sa_flags = SA_SIGINFO };
	sigset_t mask;
	long ret;

	sigaction(SIGUSR1, &sa, NULL);
	__asm__ volatile("syscall" : "=a"(ret) : "0"(SYS_kill), "D"(getpid()), "S"(SIGUSR1) : "rcx", "r11", "memory");
	CHECK_EQ(ret, 4242);
	sigprocmask(SIG_BLOCK, NULL, &mask);
	CHECK(sigismember(&mask, SIGUSR2));
}

static ucontext_t frame_uc;
static uintptr_t frame_sp;
static void keep_frame(int sig, siginfo_t *info, void *ctx)
{
	(void)sig;
	(void)info;
	frame_uc = *(ucontext_t *)ctx;
	frame_sp = (uintptr_t)__builtin_frame_address(0);
	count++;
}

TEST(frame_fields)
{
	struct sigaction sa = { .sa_sigaction = keep_frame, .sa_flags = SA_SIGINFO };
	sigset_t usr2;

	sigemptyset(&usr2);
	sigaddset(&usr2, SIGUSR2);
	sigprocmask(SIG_BLOCK, &usr2, NULL);
	sigaction(SIGUSR1, &sa, NULL);
	raise(SIGUSR1);
	CHECK_EQ(count, 1);
	CHECK_EQ(frame_uc.uc_mcontext.gregs[REG_CSGSFS] & 0xffff, 0x33);
	CHECK_EQ((unsigned long long)frame_uc.uc_mcontext.gregs[REG_CSGSFS] >> 48, 0x2b);
	CHECK(frame_uc.uc_mcontext.fpregs != NULL);
	CHECK_EQ((uintptr_t)frame_uc.uc_mcontext.fpregs % 16, 0);
	CHECK_EQ(frame_uc.uc_link == NULL, 1);
	CHECK(frame_uc.uc_flags & 6);
	/* rbp of the handler's frame: rsp was 8 below a multiple of 16 at its first instruction. */
	CHECK_EQ(frame_sp % 16, 0);
	CHECK(frame_uc.uc_stack.ss_sp == NULL);
}

static volatile char *volatile bad_address = (char *)0x10;
static jmp_buf env;
static siginfo_t fault_info;
static ucontext_t fault_uc;
static void on_fault(int sig, siginfo_t *info, void *ctx)
{
	(void)sig;
	fault_info = *info;
	fault_uc = *(ucontext_t *)ctx;
	siglongjmp(env, sig);
}

TEST(segv_tells_the_address_and_why)
{
	struct sigaction sa = { .sa_sigaction = on_fault, .sa_flags = SA_SIGINFO };
	char *page = mmap(NULL, 4096, PROT_READ, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

	sigaction(SIGSEGV, &sa, NULL);
	if (!sigsetjmp(env, 1))
		*bad_address = 1;
	CHECK_EQ(fault_info.si_signo, SIGSEGV);
	CHECK_EQ(fault_info.si_code, SEGV_MAPERR);
	CHECK_EQ((long)fault_info.si_addr, 0x10);
	CHECK_EQ(fault_uc.uc_mcontext.gregs[REG_TRAPNO], 14);
	CHECK_EQ(fault_uc.uc_mcontext.gregs[REG_CR2], 0x10);
	CHECK_EQ(fault_uc.uc_mcontext.gregs[REG_ERR] & 6, 6);
	if (!sigsetjmp(env, 1))
		*(volatile char *)(page + 5) = 1;
	CHECK_EQ(fault_info.si_code, SEGV_ACCERR);
	CHECK(fault_info.si_addr == page + 5);
}

TEST(faults_of_other_kinds)
{
	struct sigaction sa = { .sa_sigaction = on_fault, .sa_flags = SA_SIGINFO };
	volatile int zero = 0;
	int sig;

	sigaction(SIGFPE, &sa, NULL);
	sigaction(SIGILL, &sa, NULL);
	sigaction(SIGTRAP, &sa, NULL);
	sig = sigsetjmp(env, 1);
	if (!sig) {
		int r, a = 1;

		/* The compiler may turn 1 / zero into something else. */
		__asm__ volatile("xor %%edx, %%edx; idivl %1" : "=a"(r) : "m"(zero), "0"(a) : "edx");
	}
	CHECK_EQ(sig, SIGFPE);
	CHECK_EQ(fault_info.si_code, FPE_INTDIV);
	sig = sigsetjmp(env, 1);
	if (!sig)
		__asm__ volatile("ud2");
	CHECK_EQ(sig, SIGILL);
	CHECK_EQ(fault_info.si_code, ILL_ILLOPN);
	sig = sigsetjmp(env, 1);
	if (!sig)
		__asm__ volatile("int3");
	CHECK_EQ(sig, SIGTRAP);
}

TEST(blocked_or_ignored_fault_kills)
{
	int status;

	for (int ignore = 0; ignore < 2; ignore++) {
		pid_t pid = fork();

		if (pid == 0) {
			sigset_t set;

			sigemptyset(&set);
			sigaddset(&set, SIGSEGV);
			if (ignore)
				signal(SIGSEGV, SIG_IGN);
			else
				sigprocmask(SIG_BLOCK, &set, NULL);
			*bad_address = 1;
			_exit(0);
		}
		CHECK_EQ(waitpid(pid, &status, 0), pid);
		CHECK(WIFSIGNALED(status));
		CHECK_EQ(WTERMSIG(status), SIGSEGV);
	}
}

TEST(privileged_instruction_is_segv)
{
	pid_t pid = fork();
	int status;

	if (pid == 0) {
		__asm__ volatile("cli");
		_exit(0);
	}
	CHECK_EQ(waitpid(pid, &status, 0), pid);
	CHECK_EQ(WTERMSIG(status), SIGSEGV);
}

/* --- alternate stack ----------------------------------------------------------------------------------------- */

static char stack_mem[65536];
static volatile uintptr_t handler_sp;
static stack_t in_handler;
static void note_sp(int sig)
{
	(void)sig;
	handler_sp = (uintptr_t)__builtin_frame_address(0);
	sigaltstack(NULL, &in_handler);
	count++;
}
static bool on_alt(void)
{
	return handler_sp > (uintptr_t)stack_mem && handler_sp <= (uintptr_t)stack_mem + sizeof(stack_mem);
}

TEST(altstack_is_used_with_onstack)
{
	stack_t st = { .ss_sp = stack_mem, .ss_size = sizeof(stack_mem) }, old;
	struct sigaction sa = { .sa_handler = note_sp };

	CHECK_EQ(sigaltstack(NULL, &old), 0);
	CHECK_EQ(old.ss_flags, SS_DISABLE);
	CHECK_EQ(sigaltstack(&st, NULL), 0);
	sigaction(SIGUSR1, &sa, NULL);
	raise(SIGUSR1);
	CHECK(!on_alt());
	sa.sa_flags = SA_ONSTACK;
	sigaction(SIGUSR1, &sa, NULL);
	raise(SIGUSR1);
	CHECK(on_alt());
	CHECK_EQ(in_handler.ss_flags, SS_ONSTACK);
	CHECK_EQ(sigaltstack(NULL, &old), 0);
	CHECK_EQ(old.ss_flags, 0);
	CHECK_EQ(old.ss_size, sizeof(stack_mem));
}

TEST(altstack_autodisarm)
{
	stack_t st = { .ss_sp = stack_mem, .ss_size = sizeof(stack_mem), .ss_flags = (int)(1U << 31) }, old;
	struct sigaction sa = { .sa_handler = note_sp, .sa_flags = SA_ONSTACK };

	CHECK_EQ(sigaltstack(&st, NULL), 0);
	sigaction(SIGUSR1, &sa, NULL);
	raise(SIGUSR1);
	CHECK(on_alt());
	/* In the handler there is none; afterwards it is back. */
	CHECK_EQ(in_handler.ss_flags, SS_DISABLE);
	CHECK_EQ(sigaltstack(NULL, &old), 0);
	CHECK_EQ((unsigned)old.ss_flags, 1U << 31);
	CHECK(old.ss_sp == stack_mem);
}

static int altstack_err;
static void change_altstack(int sig)
{
	stack_t st = { .ss_sp = stack_mem, .ss_size = sizeof(stack_mem) };

	(void)sig;
	altstack_err = sigaltstack(&st, NULL) ? errno : 0;
}

TEST(altstack_errors)
{
	stack_t st = { .ss_sp = stack_mem, .ss_size = 1024 };
	struct sigaction sa = { .sa_handler = change_altstack, .sa_flags = SA_ONSTACK };

	CHECK_ERRNO(syscall(SYS_sigaltstack, &st, NULL), ENOMEM);
	st = (stack_t){ .ss_sp = stack_mem, .ss_size = sizeof(stack_mem), .ss_flags = 0x40 };
	CHECK_ERRNO(syscall(SYS_sigaltstack, &st, NULL), EINVAL);
	CHECK_ERRNO(syscall(SYS_sigaltstack, 8, NULL), EFAULT);
	st.ss_flags = 0;
	CHECK_EQ(sigaltstack(&st, NULL), 0);
	sigaction(SIGUSR1, &sa, NULL);
	raise(SIGUSR1);
	CHECK_EQ(altstack_err, EPERM);
}

static void exit_9(int sig) { (void)sig; _exit(9); }

TEST(altstack_catches_stack_overflow)
{
	pid_t pid = fork();
	int status;

	if (pid == 0) {
		stack_t st = { .ss_sp = stack_mem, .ss_size = sizeof(stack_mem) };
		struct sigaction sa = { .sa_handler = exit_9, .sa_flags = SA_ONSTACK };

		sigaltstack(&st, NULL);
		sigaction(SIGSEGV, &sa, NULL);
		for (volatile char *p = (volatile char *)__builtin_frame_address(0); ; p -= 1024)
			*p = 1;
	}
	CHECK_EQ(waitpid(pid, &status, 0), pid);
	CHECK(WIFEXITED(status));
	CHECK_EQ(WEXITSTATUS(status), 9);
}

TEST(stack_overflow_without_altstack_kills)
{
	pid_t pid = fork();
	int status;

	if (pid == 0) {
		signal(SIGSEGV, exit_9);
		/* rsp goes down too: there is no room for the handler's frame. */
		__asm__ volatile("1: sub $1024, %%rsp; movb $1, (%%rsp); jmp 1b" ::: "memory");
	}
	CHECK_EQ(waitpid(pid, &status, 0), pid);
	CHECK(WIFSIGNALED(status));
	CHECK_EQ(WTERMSIG(status), SIGSEGV);
}

TEST(bad_sigreturn_frame_is_segv)
{
	pid_t pid = fork();
	int status;

	if (pid == 0) {
		__asm__ volatile("mov $16, %%rsp; mov $15, %%eax; syscall" ::: "rax", "rcx", "r11", "memory");
		_exit(0);
	}
	CHECK_EQ(waitpid(pid, &status, 0), pid);
	CHECK_EQ(WTERMSIG(status), SIGSEGV);
}

TEST(no_restorer_is_segv)
{
	pid_t pid = fork();
	int status;

	if (pid == 0) {
		struct { void *h; unsigned long f, r, m; } k = { .h = (void *)on_sig };

		syscall(SYS_rt_sigaction, SIGUSR1, &k, NULL, 8);
		syscall(SYS_kill, getpid(), SIGUSR1);
		_exit(0);
	}
	CHECK_EQ(waitpid(pid, &status, 0), pid);
	CHECK(WIFSIGNALED(status));
	CHECK_EQ(WTERMSIG(status), SIGSEGV);
}

/* --- restarting ---------------------------------------------------------------------------------------------- */

static void signal_me_in(int ms, int sig)
{
	pid_t me = getpid();

	if (fork() == 0) {
		sleep_ms(ms);
		kill(me, sig);
		_exit(0);
	}
}

TEST(read_is_restarted_with_sa_restart)
{
	int fds[2];
	pid_t me = getpid();
	char c = 0;

	CHECK_EQ(pipe(fds), 0);
	catch(SIGUSR1, SA_RESTART);
	if (fork() == 0) {
		sleep_ms(20);
		kill(me, SIGUSR1);
		sleep_ms(20);
		_exit(write(fds[1], "x", 1) != 1);
	}
	CHECK_EQ(read(fds[0], &c, 1), 1);
	CHECK_EQ(c, 'x');
	CHECK_EQ(count, 1);
}

TEST(read_is_interrupted_without_sa_restart)
{
	int fds[2];
	char c;

	CHECK_EQ(pipe(fds), 0);
	catch(SIGUSR1, 0);
	signal_me_in(20, SIGUSR1);
	CHECK_ERRNO(read(fds[0], &c, 1), EINTR);
}

TEST(nanosleep_is_interrupted_even_with_sa_restart)
{
	struct timespec t = { 5, 0 }, left;

	catch(SIGUSR1, SA_RESTART);
	signal_me_in(20, SIGUSR1);
	CHECK_ERRNO(nanosleep(&t, &left), EINTR);
	CHECK(left.tv_sec == 4);
}

TEST(pause_returns_eintr)
{
	catch(SIGUSR1, SA_RESTART);
	signal_me_in(20, SIGUSR1);
	CHECK_ERRNO(pause(), EINTR);
	CHECK_EQ(count, 1);
}

TEST(sleep_goes_on_after_stop_and_continue)
{
	pid_t pid = fork();
	int status;

	if (pid == 0) {
		struct timespec t = { 0, 120000000 };
		int64_t begin = now_ns();

		if (nanosleep(&t, NULL))
			_exit(1);
		_exit(now_ns() - begin >= 120000000 ? 0 : 2);
	}
	sleep_ms(20);
	kill(pid, SIGSTOP);
	CHECK_EQ(waitpid(pid, &status, WUNTRACED), pid);
	sleep_ms(20);
	kill(pid, SIGCONT);
	CHECK_EQ(waitpid(pid, &status, 0), pid);
	CHECK_EQ(status, 0);
}

TEST(ignored_signal_does_not_interrupt)
{
	struct timespec t = { 0, 60000000 };

	signal(SIGUSR1, SIG_IGN);
	signal_me_in(20, SIGUSR1);
	CHECK_EQ(nanosleep(&t, NULL), 0);
}

TEST(two_signals_run_both_handlers)
{
	sigset_t set, old;

	catch(SIGUSR1, 0);
	catch(SIGUSR2, 0);
	sigemptyset(&set);
	sigaddset(&set, SIGUSR1);
	sigaddset(&set, SIGUSR2);
	sigprocmask(SIG_BLOCK, &set, &old);
	raise(SIGUSR2);
	raise(SIGUSR1);
	sigprocmask(SIG_SETMASK, &old, NULL);
	CHECK_EQ(count, 2);
	/* The lower number is taken first, so its handler is interrupted by the other at once. */
	CHECK_EQ(order[0], SIGUSR2);
	CHECK_EQ(order[1], SIGUSR1);
}

TEST(handler_interrupts_a_loop)
{
	volatile unsigned long n = 0;

	catch(SIGUSR1, 0);
	signal_me_in(20, SIGUSR1);
	while (!count)
		n++;
	CHECK(n > 0);
}

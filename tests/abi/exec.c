/* execve: what the new program finds, what it keeps of the old one, what is no program. */
#include "tests/abi/tap.h"
#include <elf.h>
#include <sys/auxv.h>
#include <sys/personality.h>
#include <stddef.h>
#include <sys/resource.h>

extern char **environ;

#define CHILD_EXITS(pid, code) do { int __s; pid_t __p = (pid); CHECK_EQ(waitpid(__p, &__s, 0), __p);	\
	if (!WIFEXITED(__s) || WEXITSTATUS(__s) != (code))						\
		TAP_FAIL("child status %#x, wanted exit %d", __s, code); } while (0)

/* --- probes: this program, run again with EXEC_PROBE in its environment ---------------------------------------- */

static char cmdline[65536];
static int cmdline_len;
static void read_cmdline(void)
{
	int fd = open("/proc/self/cmdline", O_RDONLY), n;

	while (fd >= 0 && (n = read(fd, cmdline + cmdline_len, sizeof(cmdline) - (size_t)cmdline_len)) > 0)
		cmdline_len += n;
	close(fd);
}
static int count_args(void)
{
	int n = 0;

	for (int i = 0; i < cmdline_len; i++)
		n += cmdline[i] == 0;
	return n;
}

static int probe_args(void)
{
	static const char want[] = "zero\0one\0\0three and more";

	return cmdline_len == sizeof(want) && memcmp(cmdline, want, sizeof(want)) == 0 &&
	       strcmp(getenv("B"), "x=y") == 0 && environ[0] &&
	       strcmp(environ[0], "A=1") == 0 && environ[3] == NULL ? 0 : 1;
}
static int probe_empty_argv(void) { return cmdline_len == 1 && cmdline[0] == 0 ? 0 : 1; }
static int probe_auxv(void)
{
	const unsigned char *random = (void *)getauxval(AT_RANDOM);
	const Elf64_Phdr *ph = (void *)getauxval(AT_PHDR);
	bool load = false;

	if (getauxval(AT_PAGESZ) != 4096 || getauxval(AT_CLKTCK) != 100 || !random || !ph)
		return 1;
	if (getauxval(AT_PHENT) != sizeof(*ph) || getauxval(AT_BASE) != 0 || getauxval(AT_SECURE))
		return 2;
	for (unsigned long i = 0; i < getauxval(AT_PHNUM); i++)
		load |= ph[i].p_type == PT_LOAD;
	if (!load || !getauxval(AT_ENTRY) || getauxval(AT_UID) != getuid() || getauxval(AT_EGID) != getegid())
		return 3;
	if (strcmp((char *)getauxval(AT_EXECFN), "/proc/self/exe") || strcmp((char *)getauxval(AT_PLATFORM), "x86_64"))
		return 4;
	return getauxval(AT_HWCAP) & 1 ? 0 : 5;
}
static int probe_cloexec(void) { return fcntl(50, F_GETFD) == 0 && fcntl(51, F_GETFD) == -1 ? 0 : 1; }
static int probe_signals(void)
{
	struct sigaction sa;
	sigset_t set;
	stack_t st;

	sigaction(SIGUSR1, NULL, &sa);
	if (sa.sa_handler != SIG_DFL)
		return 1;
	sigaction(SIGUSR2, NULL, &sa);
	if (sa.sa_handler != SIG_IGN)
		return 2;
	sigprocmask(SIG_BLOCK, NULL, &set);
	if (!sigismember(&set, SIGTERM))
		return 3;
	sigpending(&set);
	if (!sigismember(&set, SIGTERM))
		return 4;
	sigaltstack(NULL, &st);
	return st.ss_flags == SS_DISABLE ? 0 : 5;
}
static int probe_pid(void)
{
	int threads = 0;
	char want[32], line[256];
	FILE *f = fopen("/proc/self/status", "r");

	while (f && fgets(line, sizeof(line), f))
		sscanf(line, "Threads: %d", &threads);
	snprintf(want, sizeof(want), "%d", getpid());
	return strcmp(getenv("PID"), want) == 0 && syscall(SYS_gettid) == getpid() && threads == 1 ? 0 : 1;
}
static int probe_child_kept(void)
{
	pid_t pid = atoi(getenv("CHILD"));
	int status;

	return waitpid(pid, &status, 0) == pid && WEXITSTATUS(status) == 12 ? 0 : 1;
}
static int probe_comm(void)
{
	char name[16] = "";

	prctl(PR_GET_NAME, name, 0, 0, 0);
	return strcmp(name, getenv("COMM")) == 0 ? 0 : 1;
}
static int probe_secure(void) { return getauxval(AT_SECURE) == 1 && geteuid() == 0 && getuid() == 1000 ? 0 : 1; }
static int probe_count(void) { return count_args() == atoi(getenv("COUNT")) ? 0 : 1; }
static int probe_script(void)
{
	/* interpreter, its argument, the script, the script's arguments */
	char want[1024];
	int n = snprintf(want, sizeof(want), "%s%c%s%c%s%carg1%carg 2", getenv("INTERP"), 0, "an argument", 0,
			 getenv("SCRIPT"), 0, 0);

	return cmdline_len == n + 1 && memcmp(cmdline, want, (size_t)cmdline_len) == 0 ? 0 : 1;
}
static int probe_layout(void)
{
	char b[64], *s = getenv("STACK");

	snprintf(b, sizeof(b), "%lx", getauxval(AT_RANDOM) & ~0xfffUL);
	return strcmp(s, b) == 0 ? 0 : 1;
}
static int probe_env_stack(void)
{
	printf("%lx\n", getauxval(AT_RANDOM) & ~0xfffUL);
	fflush(stdout);
	return 0;
}

static const struct { const char *name; int (*run)(void); } probes[] = {
	{ "args", probe_args }, { "empty_argv", probe_empty_argv }, { "auxv", probe_auxv },
	{ "cloexec", probe_cloexec },
	{ "signals", probe_signals }, { "pid", probe_pid }, { "child_kept", probe_child_kept }, { "comm", probe_comm },
	{ "secure", probe_secure }, { "count", probe_count }, { "script", probe_script }, { "layout", probe_layout },
	{ "env_stack", probe_env_stack },
};
static void __attribute__((constructor(101))) run_probe(void)
{
	const char *name = getenv("EXEC_PROBE");

	if (!name)
		return;
	read_cmdline();
	for (size_t i = 0; i < sizeof(probes) / sizeof(probes[0]); i++)
		if (strcmp(probes[i].name, name) == 0)
			_exit(probes[i].run());
	_exit(99);
}

static void exec_probe(const char *probe)
{
	char *const argv[] = { "self", NULL };

	setenv("EXEC_PROBE", probe, 1);
	execve("/proc/self/exe", argv, environ);
	_exit(98);
}
static pid_t forked_probe(const char *probe)
{
	pid_t pid = fork();

	if (pid == 0)
		exec_probe(probe);
	return pid;
}

/* --- what it finds --------------------------------------------------------------------------------------------- */

TEST(arguments_and_environment)
{
	pid_t pid = fork();

	if (pid == 0) {
		char *const argv[] = { "zero", "one", "", "three and more", NULL };
		char *const envp[] = { "A=1", "B=x=y", "EXEC_PROBE=args", NULL };

		execve("/proc/self/exe", argv, envp);
		_exit(98);
	}
	CHILD_EXITS(pid, 0);
}

TEST(no_arguments_become_one_empty)
{
	pid_t pid = fork();

	if (pid == 0) {
		char *const argv[] = { NULL };
		char *const envp[] = { "EXEC_PROBE=empty_argv", NULL };

		execve("/proc/self/exe", argv, envp);
		_exit(98);
	}
	CHILD_EXITS(pid, 0);
	pid = fork();
	if (pid == 0) {
		char *const envp[] = { "EXEC_PROBE=empty_argv", NULL };

		syscall(SYS_execve, "/proc/self/exe", NULL, envp);
		_exit(98);
	}
	CHILD_EXITS(pid, 0);
}

TEST(auxiliary_vector)
{
	CHILD_EXITS(forked_probe("auxv"), 0);
}

TEST(many_arguments)
{
	pid_t pid = fork();

	if (pid == 0) {
		static char *argv[5001], text[16] = "12345678";

		for (int i = 0; i < 5000; i++)
			argv[i] = text;
		setenv("EXEC_PROBE", "count", 1);
		setenv("COUNT", "5000", 1);
		execve("/proc/self/exe", argv, environ);
		_exit(98);
	}
	CHILD_EXITS(pid, 0);
}

TEST(large_argument)
{
	pid_t pid = fork();

	if (pid == 0) {
		static char big[100000];
		char *const argv[] = { "self", big, NULL };

		memset(big, 'a', sizeof(big) - 1);
		setenv("EXEC_PROBE", "comm", 1);
		setenv("COMM", "exe", 1);
		execve("/proc/self/exe", argv, environ);
		_exit(98);
	}
	CHILD_EXITS(pid, 0);
}

TEST(argument_limits)
{
	static char big[140000], *argv[64];
	struct rlimit r;

	memset(big, 'a', sizeof(big) - 1);
	argv[0] = big;
	CHECK_ERRNO(execve("/proc/self/exe", argv, environ), E2BIG);
	/* All together: a quarter of the stack's limit. */
	big[100000] = 0;
	for (int i = 0; i < 60; i++)
		argv[i] = big;
	CHECK_EQ(getrlimit(RLIMIT_STACK, &r), 0);
	r.rlim_cur = 8 << 20;
	CHECK_EQ(setrlimit(RLIMIT_STACK, &r), 0);
	CHECK_ERRNO(execve("/proc/self/exe", argv, environ), E2BIG);
}

TEST(addresses_without_randomization)
{
	char text[2][64] = { "", "" };

	for (int i = 0; i < 2; i++) {
		int fds[2];

		CHECK_EQ(pipe(fds), 0);
		if (fork() == 0) {
			dup2(fds[1], 1);
			personality(ADDR_NO_RANDOMIZE);
			exec_probe("env_stack");
		}
		CHECK(read(fds[0], text[i], 63) > 0);
	}
	CHECK(strcmp(text[0], text[1]) == 0);
}

/* --- what is kept ---------------------------------------------------------------------------------------------- */

TEST(close_on_exec)
{
	pid_t pid = fork();

	if (pid == 0) {
		dup2(1, 50);
		dup3(1, 51, O_CLOEXEC);
		exec_probe("cloexec");
	}
	CHILD_EXITS(pid, 0);
}

static char altstack[65536];
TEST(signals_after_exec)
{
	pid_t pid = fork();

	if (pid == 0) {
		stack_t st = { .ss_sp = altstack, .ss_size = sizeof(altstack) };
		sigset_t set;

		sigaltstack(&st, NULL);
		signal(SIGUSR1, (void (*)(int))_exit);
		signal(SIGUSR2, SIG_IGN);
		sigemptyset(&set);
		sigaddset(&set, SIGTERM);
		sigprocmask(SIG_BLOCK, &set, NULL);
		raise(SIGTERM);
		exec_probe("signals");
	}
	CHILD_EXITS(pid, 0);
}

static void put_pid(void)
{
	char text[32];

	snprintf(text, sizeof(text), "%d", getpid());
	setenv("PID", text, 1);
}
static void *loop_forever(void *arg) { for (;;) (*(volatile long *)arg)++; return NULL; }
static void *sleep_forever(void *arg) { for (;;) pause(); return arg; }
/* The environment is set before there are threads: setenv() is not for several at once. */
static void *exec_in_thread(void *arg)
{
	char *const argv[] = { "self", NULL };

	sleep_ms(10);
	execve("/proc/self/exe", argv, environ);
	return arg;
}

TEST(exec_ends_the_other_threads)
{
	pid_t pid = fork();

	if (pid == 0) {
		static long words[4];
		pthread_t t;

		put_pid();
		for (int i = 0; i < 3; i++)
			pthread_create(&t, NULL, i ? sleep_forever : loop_forever, &words[i]);
		sleep_ms(10);
		exec_probe("pid");
	}
	CHILD_EXITS(pid, 0);
}

TEST(exec_by_another_thread_becomes_the_leader)
{
	pid_t pid = fork();

	if (pid == 0) {
		pthread_t t;

		put_pid();
		setenv("EXEC_PROBE", "pid", 1);
		pthread_create(&t, NULL, sleep_forever, NULL);
		pthread_create(&t, NULL, exec_in_thread, NULL);
		for (;;)
			pause();
	}
	CHILD_EXITS(pid, 0);
}

TEST(two_threads_exec_at_the_same_time)
{
	for (int i = 0; i < 10; i++) {
		pid_t pid = fork();

		if (pid == 0) {
			pthread_t t;

			put_pid();
			setenv("EXEC_PROBE", "pid", 1);
			for (int j = 0; j < 3; j++)
				pthread_create(&t, NULL, exec_in_thread, NULL);
			for (;;)
				pause();
		}
		CHILD_EXITS(pid, 0);
	}
}

TEST(children_are_kept)
{
	pid_t pid = fork();

	if (pid == 0) {
		char text[32];
		pid_t child = fork();

		if (child == 0) {
			sleep_ms(20);
			_exit(12);
		}
		snprintf(text, sizeof(text), "%d", child);
		setenv("CHILD", text, 1);
		exec_probe("child_kept");
	}
	CHILD_EXITS(pid, 0);
}

TEST(name_is_the_last_component)
{
	setenv("COMM", "exe", 1);
	CHILD_EXITS(forked_probe("comm"), 0);
}

/* --- files ----------------------------------------------------------------------------------------------------- */

static char dir[64];
static const char *path_of(const char *name)
{
	static char path[4][128];
	static int n;
	char *p = path[n++ & 3];

	if (!*dir) {
		strcpy(dir, "/tmp/exec-XXXXXX");
		CHECK(mkdtemp(dir));
	}
	snprintf(p, 128, "%s/%s", dir, name);
	return p;
}
static const char *write_file(const char *name, const void *data, size_t len, mode_t mode)
{
	const char *path = path_of(name);
	int fd = open(path, O_WRONLY | O_CREAT | O_TRUNC, 0600);

	CHECK(fd >= 0);
	CHECK_EQ(write(fd, data, len), len);
	fchmod(fd, mode);
	close(fd);
	return path;
}
static int exec_of(const char *path)
{
	char *const argv[] = { (char *)path, "arg1", "arg 2", NULL };

	return execve(path, argv, environ);
}
static const char *copy_self(const char *name, mode_t mode)
{
	const char *path = path_of(name);
	int in = open("/proc/self/exe", O_RDONLY), out = open(path, O_WRONLY | O_CREAT | O_TRUNC, 0600);
	static char buf[65536];
	ssize_t n;

	while ((n = read(in, buf, sizeof(buf))) > 0)
		CHECK_EQ(write(out, buf, (size_t)n), n);
	fchmod(out, mode);
	close(in);
	close(out);
	return path;
}

TEST(errors_of_the_path)
{
	char name[5000];

	memset(name, 'a', sizeof(name));
	name[sizeof(name) - 1] = 0;
	CHECK_ERRNO(exec_of("/nonexistent"), ENOENT);
	CHECK_ERRNO(exec_of(""), ENOENT);
	CHECK_ERRNO(exec_of("/proc/self/exe/x"), ENOTDIR);
	CHECK_ERRNO(exec_of("/tmp"), EACCES);
	CHECK_ERRNO(exec_of("/dev/null"), EACCES);
	CHECK_ERRNO(exec_of(name), ENAMETOOLONG);
	CHECK_ERRNO(exec_of(write_file("no-x", "#!/bin/sh\n", 10, 0644)), EACCES);
	CHECK_EQ(symlink("loop", path_of("loop")), 0);
	CHECK_ERRNO(exec_of(path_of("loop")), ELOOP);
	CHECK_ERRNO(syscall(SYS_execve, 8, NULL, NULL), EFAULT);
	CHECK_ERRNO(syscall(SYS_execve, "/proc/self/exe", 8, NULL), EFAULT);
	CHECK_ERRNO(syscall(SYS_execve, "/proc/self/exe", (char *[]){ (char *)8, NULL }, NULL), EFAULT);
}

TEST(what_is_no_program)
{
	CHECK_ERRNO(exec_of(write_file("empty", "", 0, 0755)), ENOEXEC);
	CHECK_ERRNO(exec_of(write_file("text", "hello\n", 6, 0755)), ENOEXEC);
	CHECK_ERRNO(exec_of(write_file("elf4", "\177ELF", 4, 0755)), ENOEXEC);
}

TEST(program_that_is_open_for_writing)
{
	const char *path = copy_self("busy", 0755);
	int fd = open(path, O_WRONLY);
	pid_t pid;

	CHECK(fd >= 0);
	CHECK_ERRNO(exec_of(path), ETXTBSY);
	close(fd);
	setenv("EXEC_PROBE", "comm", 1);
	setenv("COMM", "busy", 1);
	pid = fork();
	if (pid == 0) {
		exec_of(path);
		_exit(98);
	}
	CHILD_EXITS(pid, 0);
	/* Nor can what runs be written. */
	CHECK_ERRNO(open("/proc/self/exe", O_WRONLY), ETXTBSY);
}

TEST(script_runs_its_interpreter)
{
	char self[256], text[512];
	ssize_t n = readlink("/proc/self/exe", self, sizeof(self) - 1);
	const char *script;
	pid_t pid;

	CHECK(n > 0);
	self[n] = 0;
	snprintf(text, sizeof(text), "#! \t%s   an argument  \nnever read\n", self);
	script = write_file("script", text, strlen(text), 0755);
	setenv("INTERP", self, 1);
	setenv("SCRIPT", script, 1);
	setenv("EXEC_PROBE", "script", 1);
	pid = fork();
	if (pid == 0) {
		exec_of(script);
		_exit(98);
	}
	CHILD_EXITS(pid, 0);
	/* The task bears the script's name. */
	setenv("EXEC_PROBE", "comm", 1);
	setenv("COMM", "script", 1);
	pid = fork();
	if (pid == 0) {
		exec_of(script);
		_exit(98);
	}
	CHILD_EXITS(pid, 0);
}

TEST(script_errors)
{
	char text[600];
	const char *a;

	CHECK_ERRNO(exec_of(write_file("s1", "#!\n", 3, 0755)), ENOEXEC);
	CHECK_ERRNO(exec_of(write_file("s2", "#!   \n", 6, 0755)), ENOEXEC);
	CHECK_ERRNO(exec_of(write_file("s3", "#!/nonexistent\n", 15, 0755)), ENOENT);
	CHECK_ERRNO(exec_of(write_file("s4", "#!/tmp\n", 7, 0755)), EACCES);
	a = path_of("self-script");
	snprintf(text, sizeof(text), "#!%s\n", a);
	CHECK_ERRNO(exec_of(write_file("self-script", text, strlen(text), 0755)), ELOOP);
	/* The interpreter's name does not fit into what is looked at. */
	memset(text, 'x', sizeof(text));
	memcpy(text, "#!/", 3);
	text[sizeof(text) - 1] = '\n';
	CHECK_ERRNO(exec_of(write_file("s5", text, sizeof(text), 0755)), ENOEXEC);
}

TEST(execveat_by_descriptor)
{
	int fd = open("/proc/self/exe", O_RDONLY);
	pid_t pid;

	CHECK(fd >= 0);
	setenv("EXEC_PROBE", "args", 1);
	pid = fork();
	if (pid == 0) {
		char *const argv[] = { "zero", "one", "", "three and more", NULL };
		char *const envp[] = { "A=1", "B=x=y", "EXEC_PROBE=args", NULL };

		syscall(SYS_execveat, fd, "", argv, envp, AT_EMPTY_PATH);
		_exit(98);
	}
	CHILD_EXITS(pid, 0);
	CHECK_ERRNO(syscall(SYS_execveat, fd, "", NULL, NULL, 0), ENOENT);
	CHECK_ERRNO(syscall(SYS_execveat, fd, "/proc/self/exe", NULL, NULL, 0x8000), EINVAL);
	CHECK_ERRNO(syscall(SYS_execveat, 999, "x", NULL, NULL, 0), EBADF);
	CHECK_ERRNO(syscall(SYS_execveat, fd, "x", NULL, NULL, 0), ENOTDIR);
}

TEST(execveat_relative_and_links)
{
	int d;
	pid_t pid;

	copy_self("prog", 0755);
	CHECK_EQ(symlink("prog", path_of("link")), 0);
	d = open(dir, O_RDONLY | O_DIRECTORY);
	CHECK(d >= 0);
	setenv("EXEC_PROBE", "count", 1);
	setenv("COUNT", "1", 1);
	pid = fork();
	if (pid == 0) {
		char *const argv[] = { "self", NULL };

		syscall(SYS_execveat, d, "prog", argv, environ, AT_SYMLINK_NOFOLLOW);
		_exit(98);
	}
	CHILD_EXITS(pid, 0);
	CHECK_ERRNO(syscall(SYS_execveat, d, "link", NULL, NULL, AT_SYMLINK_NOFOLLOW), ELOOP);
}

TEST(execute_only_file_runs)
{
	const char *path = copy_self("x-only", 0711);
	pid_t pid;

	if (geteuid() != 0)
		SKIP("needs root");
	chmod(dir, 0755);
	setenv("EXEC_PROBE", "comm", 1);
	setenv("COMM", "x-only", 1);
	pid = fork();
	if (pid == 0) {
		syscall(SYS_setuid, 1000);
		exec_of(path);
		_exit(98);
	}
	CHILD_EXITS(pid, 0);
}

TEST(set_user_id_program)
{
	const char *path = copy_self("suid", 04755);
	pid_t pid;

	if (geteuid() != 0)
		SKIP("needs root");
	chmod(dir, 0755);
	setenv("EXEC_PROBE", "secure", 1);
	pid = fork();
	if (pid == 0) {
		syscall(SYS_setuid, 1000);
		exec_of(path);
		_exit(98);
	}
	CHILD_EXITS(pid, 0);
	/* Not for those who have renounced. */
	pid = fork();
	if (pid == 0) {
		syscall(SYS_setuid, 1000);
		prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0);
		exec_of(path);
		_exit(98);
	}
	CHILD_EXITS(pid, 1);
}

/* --- ELF files made here --------------------------------------------------------------------------------------- */

struct tiny { Elf64_Ehdr eh; Elf64_Phdr ph[3]; unsigned char code[128]; char interp[128]; unsigned char pad[8192]; };

/* Exits with the byte at [rip + @offset behind this instruction]. */
static void code_exit_with_byte(struct tiny *t, int offset)
{
	static const unsigned char code[] = {
		0x0f, 0xb6, 0x3d, 0, 0, 0, 0,	/* movzbl offset(%rip), %edi */
		0xb8, 60, 0, 0, 0,		/* mov $60, %eax: exit */
		0x0f, 0x05,			/* syscall */
	};

	memcpy(t->code, code, sizeof(code));
	memcpy(t->code + 3, &offset, 4);
}
static void tiny_init(struct tiny *t, unsigned long base, int type)
{
	memset(t, 0, sizeof(*t));
	memset(t->pad, 0xaa, sizeof(t->pad));
	memcpy(t->eh.e_ident, "\177ELF\2\1\1", 7);
	t->eh.e_type = (Elf64_Half)type;
	t->eh.e_machine = EM_X86_64;
	t->eh.e_version = 1;
	t->eh.e_entry = base + offsetof(struct tiny, code);
	t->eh.e_phoff = offsetof(struct tiny, ph);
	t->eh.e_ehsize = sizeof(t->eh);
	t->eh.e_phentsize = sizeof(t->ph[0]);
	t->eh.e_phnum = 1;
	t->ph[0] = (Elf64_Phdr){ .p_type = PT_LOAD, .p_flags = PF_R | PF_W | PF_X, .p_vaddr = base, .p_align = 4096,
				 .p_filesz = offsetof(struct tiny, pad), .p_memsz = offsetof(struct tiny, pad) };
	code_exit_with_byte(t, 0);
}
static int run_tiny(const struct tiny *t, const char *name)
{
	const char *path = write_file(name, t, sizeof(*t), 0755);
	pid_t pid = fork();
	int status;

	if (pid == 0) {
		exec_of(path);
		_exit(errno == ENOEXEC ? 200 : errno == EINVAL ? 201 : errno == ENOENT ? 202 :
		      errno == ELIBBAD ? 203 : 210);
	}
	CHECK_EQ(waitpid(pid, &status, 0), pid);
	return WIFSIGNALED(status) ? -WTERMSIG(status) : WEXITSTATUS(status);
}

TEST(tiny_program_fixed)
{
	static struct tiny t;

	tiny_init(&t, 0x10000000, ET_EXEC);
	CHECK_EQ(run_tiny(&t, "tiny"), 0xb8);
}

TEST(tiny_program_anywhere)
{
	static struct tiny t;

	tiny_init(&t, 0, ET_DYN);
	CHECK_EQ(run_tiny(&t, "tiny-pie"), 0xb8);
}

TEST(bss_begins_in_the_files_last_page)
{
	static struct tiny t;
	int pad = offsetof(struct tiny, pad) - offsetof(struct tiny, code) - 7;

	/* The file goes on with 0xaa; memory with zeros, in that page and beyond. */
	tiny_init(&t, 0x10000000, ET_EXEC);
	t.ph[0].p_memsz = 0x8000;
	code_exit_with_byte(&t, pad);
	CHECK_EQ(run_tiny(&t, "bss1"), 0);
	code_exit_with_byte(&t, pad + 0x5000);
	CHECK_EQ(run_tiny(&t, "bss2"), 0);
	code_exit_with_byte(&t, pad - 1);
	CHECK_EQ(run_tiny(&t, "bss3"), 0);
}

/* The linker: takes AT_ENTRY from the auxiliary vector and goes there. */
static void code_jump_to_at_entry(struct tiny *t)
{
	static const unsigned char code[] = {
		0x48, 0x89, 0xe0,		/* mov %rsp, %rax */
		0x48, 0x8b, 0x08,		/* mov (%rax), %rcx: argc */
		0x48, 0x8d, 0x44, 0xc8, 0x10,	/* lea 16(%rax,%rcx,8), %rax: envp */
		0x48, 0x83, 0xc0, 0x08,		/* 1: add $8, %rax */
		0x48, 0x83, 0x78, 0xf8, 0x00,	/* cmpq $0, -8(%rax) */
		0x75, 0xf5,			/* jne 1b */
		0x48, 0x83, 0x38, AT_ENTRY,	/* 2: cmpq $AT_ENTRY, (%rax) */
		0x74, 0x06,			/* je 3f */
		0x48, 0x83, 0xc0, 0x10,		/* add $16, %rax */
		0xeb, 0xf4,			/* jmp 2b */
		0xff, 0x60, 0x08,		/* 3: jmp *8(%rax) */
	};

	memcpy(t->code, code, sizeof(code));
}

TEST(dynamic_linker_is_run)
{
	static struct tiny t, ld;
	const char *path;

	tiny_init(&ld, 0, ET_DYN);
	code_jump_to_at_entry(&ld);
	path = write_file("ld.so", &ld, sizeof(ld), 0755);
	for (int pie = 0; pie < 2; pie++) {
		tiny_init(&t, pie ? 0 : 0x10000000, pie ? ET_DYN : ET_EXEC);
		strcpy(t.interp, path);
		t.eh.e_phnum = 2;
		t.ph[1] = (Elf64_Phdr){
			.p_type = PT_INTERP, .p_offset = offsetof(struct tiny, interp), .p_filesz = strlen(path) + 1,
		};
		CHECK_EQ(run_tiny(&t, "dynamic"), 0xb8);
	}
}

TEST(dynamic_linker_errors)
{
	static struct tiny t;
	const char *text;

	tiny_init(&t, 0, ET_DYN);
	t.eh.e_phnum = 2;
	strcpy(t.interp, "/nonexistent/ld.so");
	t.ph[1] = (Elf64_Phdr){
		.p_type = PT_INTERP, .p_offset = offsetof(struct tiny, interp), .p_filesz = strlen(t.interp) + 1,
	};
	CHECK_EQ(run_tiny(&t, "d1"), 202);
	t.ph[1].p_filesz--; /* no NUL at its end */
	CHECK_EQ(run_tiny(&t, "d2"), 200);
	t.ph[1].p_filesz = 5000;
	CHECK_EQ(run_tiny(&t, "d3"), 200);
	text = write_file("not-ld", "no dynamic linker, though it is long enough to hold a header of one", 67, 0755);
	strcpy(t.interp, text);
	t.ph[1].p_filesz = strlen(text) + 1;
	CHECK_EQ(run_tiny(&t, "d4"), 203);
}

TEST(damaged_headers_are_refused)
{
	static struct tiny t;

	tiny_init(&t, 0x10000000, ET_EXEC);
	t.eh.e_machine = EM_386;
	CHECK_EQ(run_tiny(&t, "e1"), 200);
	tiny_init(&t, 0x10000000, ET_REL);
	CHECK_EQ(run_tiny(&t, "e2"), 200);
	tiny_init(&t, 0x10000000, ET_EXEC);
	t.eh.e_phnum = 0;
	CHECK_EQ(run_tiny(&t, "e3"), 200);
	t.eh.e_phnum = 1;
	t.eh.e_phentsize = 32;
	CHECK_EQ(run_tiny(&t, "e4"), 200);
}

/* Linux kills for some of these, after the point of no return; in no case may the program run or the kernel fall. */
TEST(damaged_segments_do_not_run)
{
	static struct tiny t;
	static const struct { unsigned long vaddr, filesz, memsz, offset; } bad[] = {
		{ 0xffffffff80000000UL, 4096, 4096, 0 }, { 0x10000000, 0x1000, 0x100, 0 },
		{ 0x10000000, 0x1000, ~0UL, 0 }, { 0x7ffffffff000UL, 4096, 8192, 0 },
		{ 0x10000000, ~0UL - 4096, ~0UL, 0 }, { 0x7fffffffe000UL, 0x2000, 0x2000, 0 },
		{ 0x10000000, 0x1000, 0x1000, ~0UL & ~0xfffUL },
	};

	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		int r;

		tiny_init(&t, 0x10000000, ET_EXEC);
		t.ph[0].p_vaddr = bad[i].vaddr;
		t.ph[0].p_filesz = bad[i].filesz;
		t.ph[0].p_memsz = bad[i].memsz;
		t.ph[0].p_offset = bad[i].offset;
		r = run_tiny(&t, "bad");
		if (r >= 0 && r < 200)
			TAP_FAIL("bad segment %zu: ran, exit %d", i, r);
	}
}

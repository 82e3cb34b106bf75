/* /proc: what programs read there. */
#include "tests/abi/tap.h"
#include <dirent.h>
#include <sys/epoll.h>

static char text[65536];
static char *slurp(const char *name)
{
	int fd = open(name, O_RDONLY);
	ssize_t n, len = 0;

	CHECK(fd >= 0);
	while ((n = read(fd, text + len, sizeof(text) - 1 - len)) > 0)
		len += n;
	CHECK_EQ(n, 0);
	text[len] = 0;
	close(fd);
	return text;
}

TEST(proc_self_is_the_reader)
{
	char buf[32], want[32];
	ssize_t n = readlink("/proc/self", buf, sizeof(buf) - 1);

	CHECK(n > 0);
	buf[n] = 0;
	CHECK_EQ(atoi(buf), getpid());
	snprintf(want, sizeof(want), "%d (", getpid());
	CHECK_EQ(strncmp(slurp("/proc/self/stat"), want, strlen(want)), 0);
}

TEST(proc_stat_has_52_fields)
{
	char *s = strrchr(slurp("/proc/self/stat"), ')');
	int fields = 2, ppid;
	char state;

	CHECK(s != NULL);
	CHECK_EQ(sscanf(s + 1, " %c %d", &state, &ppid), 2);
	CHECK_EQ(state, 'R');
	CHECK_EQ(ppid, getppid());
	for (s++; *s; s++)
		fields += *s == ' ';
	CHECK_EQ(fields, 52);
}

TEST(proc_stat_of_a_zombie_and_a_sleeper)
{
	char name[32];
	int st;
	pid_t p = fork();

	if (p == 0)
		_exit(0);
	sleep_ms(50);
	snprintf(name, sizeof(name), "/proc/%d/stat", p);
	CHECK_EQ(strrchr(slurp(name), ')')[2], 'Z');
	snprintf(name, sizeof(name), "/proc/%d/cmdline", p);
	CHECK_EQ(slurp(name)[0], 0);
	waitpid(p, &st, 0);
	CHECK_ERRNO(open(name, O_RDONLY), ENOENT);
	p = fork();
	if (p == 0) {
		pause();
		_exit(0);
	}
	sleep_ms(50);
	snprintf(name, sizeof(name), "/proc/%d/stat", p);
	CHECK_EQ(strrchr(slurp(name), ')')[2], 'S');
	kill(p, SIGKILL);
}

TEST(proc_status_lines)
{
	char *s = slurp("/proc/self/status");
	char want[64];

	snprintf(want, sizeof(want), "\nPid:\t%d\n", getpid());
	CHECK(strstr(s, want));
	snprintf(want, sizeof(want), "\nUid:\t%d\t%d\t", getuid(), geteuid());
	CHECK(strstr(s, want));
	CHECK(strstr(s, "\nThreads:\t1\n"));
	CHECK(strstr(s, "\nState:\tR (running)\n"));
	CHECK(strstr(s, "\nVmRSS:\t"));
	CHECK(strstr(s, "\nSigCgt:\t"));
}

TEST(proc_fd_links)
{
	char name[64], buf[128];
	int p[2], fd = open("/dev/null", O_RDONLY), ep = epoll_create1(0), s = socket(AF_UNIX, SOCK_STREAM, 0);
	struct { int fd; const char *want; } t[4];
	ssize_t n;

	CHECK_EQ(pipe(p), 0);
	t[0].fd = fd, t[0].want = "/dev/null";
	t[1].fd = p[0], t[1].want = "pipe:[";
	t[2].fd = ep, t[2].want = "anon_inode:[eventpoll]";
	t[3].fd = s, t[3].want = "socket:[";
	for (int i = 0; i < 4; i++) {
		snprintf(name, sizeof(name), "/proc/self/fd/%d", t[i].fd);
		n = readlink(name, buf, sizeof(buf) - 1);
		CHECK(n > 0);
		buf[n] = 0;
		if (strncmp(buf, t[i].want, strlen(t[i].want)))
			TAP_FAIL("%s is %s", name, buf);
	}
	CHECK_ERRNO(open("/proc/self/fd/999", O_RDONLY), ENOENT);
	snprintf(name, sizeof(name), "/proc/self/fd/%d", s);
	CHECK_ERRNO(open(name, O_RDONLY), ENXIO);
	snprintf(name, sizeof(name), "/proc/self/fdinfo/%d", fd);
	CHECK_EQ(strncmp(slurp(name), "pos:\t0\nflags:\t0", 15), 0);
}

TEST(proc_fd_lists_open_descriptors)
{
	int fd = dup2(0, 77), seen = 0;
	DIR *d = opendir("/proc/self/fd");
	struct dirent *e;

	CHECK_EQ(fd, 77);
	while ((e = readdir(d)))
		seen += atoi(e->d_name) == 77;
	CHECK_EQ(seen, 1);
}

TEST(proc_lists_processes_and_threads)
{
	DIR *d = opendir("/proc");
	struct dirent *e;
	int self = 0, one = 0;
	char name[64];

	while ((e = readdir(d))) {
		self += atoi(e->d_name) == getpid();
		one += atoi(e->d_name) == 1;
	}
	CHECK_EQ(self, 1);
	CHECK_EQ(one, 1);
	snprintf(name, sizeof(name), "/proc/self/task/%d/stat", getpid());
	CHECK_EQ(atoi(slurp(name)), getpid());
	CHECK_ERRNO(open("/proc/self/task/1/stat", O_RDONLY), ENOENT);
	CHECK_ERRNO(open("/proc/99999999/stat", O_RDONLY), ENOENT);
	CHECK_ERRNO(open("/proc/nothing", O_RDONLY | O_CREAT, 0644), ENOENT);
}

TEST(proc_cmdline_comm_exe_cwd)
{
	char buf[256];
	ssize_t n;

	CHECK_EQ(chdir("/tmp"), 0);
	n = readlink("/proc/self/cwd", buf, sizeof(buf));
	CHECK(n >= 4);
	n = readlink("/proc/self/exe", buf, sizeof(buf) - 1);
	CHECK(n > 0);
	buf[n] = 0;
	CHECK(strstr(buf, "proc_files"));
	CHECK(open("/proc/self/exe", O_RDONLY) >= 0);
	CHECK(strstr(slurp("/proc/self/cmdline"), "proc_files"));
	CHECK_EQ(strcmp(slurp("/proc/self/comm"), "proc_files\n"), 0);
	CHECK_EQ(prctl(PR_SET_NAME, "renamed"), 0);
	CHECK_EQ(strcmp(slurp("/proc/self/comm"), "renamed\n"), 0);
}

TEST(proc_maps_names_the_program_and_its_stack)
{
	char *s = slurp("/proc/self/maps");
	unsigned long a, b;
	char perm[8];

	CHECK_EQ(sscanf(s, "%lx-%lx %4s", &a, &b, perm), 3);
	CHECK(b > a);
	CHECK(strstr(s, "proc_files\n"));
	CHECK(strstr(s, "[stack]\n"));
	CHECK(strstr(s, "r-xp"));
}

TEST(proc_meminfo_and_others_parse)
{
	unsigned long total, free_kb, avail;
	double up, idle;

	CHECK_EQ(sscanf(slurp("/proc/meminfo"), "MemTotal: %lu kB MemFree: %lu kB MemAvailable: %lu kB", &total,
			&free_kb, &avail), 3);
	CHECK(total > free_kb && free_kb > 0);
	CHECK(strstr(text, "\nSwapTotal:"));
	CHECK_EQ(sscanf(slurp("/proc/uptime"), "%lf %lf", &up, &idle), 2);
	CHECK(up > 0);
	CHECK_EQ(strncmp(slurp("/proc/stat"), "cpu  ", 5), 0);
	CHECK(strstr(text, "\nbtime "));
	CHECK(strstr(slurp("/proc/cpuinfo"), "processor\t: 0\n"));
	CHECK(strstr(text, "\nflags\t\t:"));
	CHECK(strstr(slurp("/proc/mounts"), " / "));
	CHECK(strstr(text, " /proc proc "));
	CHECK(strstr(slurp("/proc/filesystems"), "\tproc\n"));
	CHECK_EQ(strncmp(slurp("/proc/version"), "Linux version ", 14), 0);
	CHECK_EQ(strcmp(slurp("/proc/sys/kernel/ostype"), "Linux\n"), 0);
	CHECK_EQ(strlen(slurp("/proc/sys/kernel/random/uuid")), 37);
	CHECK(atoi(slurp("/proc/sys/kernel/pid_max")) >= 32768);
	CHECK(atoi(slurp("/proc/self/oom_score_adj")) <= 1000);
	CHECK(strstr(slurp("/proc/self/limits"), "Max open files"));
	CHECK(strchr(slurp("/proc/loadavg"), '/'));
}

TEST(proc_text_is_made_anew_from_the_start)
{
	int fd = open("/proc/self/comm", O_RDWR);
	char buf[32];

	CHECK_EQ(pread(fd, buf, 32, 0), 11);
	CHECK_EQ(write(fd, "other", 5), 5);
	CHECK_EQ(lseek(fd, 0, SEEK_SET), 0);
	CHECK_EQ(read(fd, buf, 32), 6);
	CHECK_EQ(memcmp(buf, "other\n", 6), 0);
	CHECK_EQ(read(fd, buf, 32), 0);
}

/*
 * user/runner.c - pid 1 of tools/guest: runs one command and reports its output and status on the second serial port.
 *
 * The command is /etc/runner/argv: its words, each ended by NUL. What it writes travels to the host as records
 * of a type byte, a little-endian 32-bit length, and that many bytes:
 * after the line MAGIC, since firmware may have written to the port before:
 *   R  ready, no bytes          o  standard output      e  standard error
 *   x  wait status, 4 bytes     m  a message of this program's own about a failure
 * Then the machine is powered off. It works on Linux as well, so that the same test runs there.
 */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <net/if.h>
#include <netinet/in.h>
#include <arpa/inet.h>
#include <poll.h>
#include <signal.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mount.h>
#include <sys/reboot.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <termios.h>
#include <unistd.h>

#define REPORT_DEVICE "/dev/ttyS1"
#define MAGIC "\nPOLLUX-RUNNER\n"
#define ARGV_FILE "/etc/runner/argv"
#define MODULE_LIST "/etc/runner/modules"
#define MAX_ARGS 256

static int report_fd = -1;

static void write_all(int fd, const void *data, size_t len)
{
	const char *p = data;

	while (len > 0) {
		ssize_t n = write(fd, p, len);

		if (n < 0 && errno == EINTR)
			continue;
		if (n <= 0)
			return;
		p += n;
		len -= (size_t)n;
	}
}

static void report(char type, const void *data, uint32_t len)
{
	unsigned char head[5] = { (unsigned char)type, len & 0xff, len >> 8 & 0xff, len >> 16 & 0xff,
				  len >> 24 & 0xff };

	write_all(report_fd, head, sizeof(head));
	write_all(report_fd, data, len);
}

static void __attribute__((noreturn)) power_off(void)
{
	tcdrain(report_fd);
	sync();
	reboot(RB_POWER_OFF);
	_exit(1);
}

static void __attribute__((noreturn)) fail(const char *what)
{
	char text[256];
	int n = snprintf(text, sizeof(text), "%s: %s", what, strerror(errno));

	report('m', text, (uint32_t)n);
	power_off();
}

static void mount_once(const char *type, const char *where)
{
	mkdir(where, 0755);
	mount(type, where, type, 0, NULL);
}

/* Linux's drivers for the emulated devices are modules; Pollux has no list and no modules. */
static void load_modules(void)
{
	char path[256];
	FILE *f = fopen(MODULE_LIST, "r");

	while (f && fgets(path, sizeof(path), f)) {
		path[strcspn(path, "\n")] = '\0';
		int fd = open(path, O_RDONLY | O_CLOEXEC);

		if (fd < 0 || (syscall(SYS_finit_module, fd, "", 0) < 0 && errno != EEXIST))
			fprintf(stderr, "runner: module %s: %s\n", path, strerror(errno));
		if (fd >= 0)
			close(fd);
	}
	if (f)
		fclose(f);
}

static int set_address(int fd, unsigned long request, struct ifreq *ifr, const char *text)
{
	struct sockaddr_in *sin = (struct sockaddr_in *)&ifr->ifr_addr;

	*sin = (struct sockaddr_in){ .sin_family = AF_INET };
	inet_pton(AF_INET, text, &sin->sin_addr);
	return ioctl(fd, request, ifr);
}

/* "lo" always; eth0 as $RUNNER_ADDR (set on the kernel command line), where the kernel has not done it itself. */
static void configure_network(void)
{
	int fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	struct ifreq ifr = { .ifr_name = "lo" };
	const char *addr = getenv("RUNNER_ADDR");

	if (fd < 0)
		return;
	if (ioctl(fd, SIOCGIFFLAGS, &ifr) == 0 && !(ifr.ifr_flags & IFF_UP)) {
		ifr.ifr_flags |= IFF_UP;
		ioctl(fd, SIOCSIFFLAGS, &ifr);
	}
	if (addr) {
		ifr = (struct ifreq){ .ifr_name = "eth0" };
		if (set_address(fd, SIOCSIFADDR, &ifr, addr) == 0) {
			set_address(fd, SIOCSIFNETMASK, &ifr, "255.255.255.0");
			ioctl(fd, SIOCGIFFLAGS, &ifr);
			ifr.ifr_flags |= IFF_UP;
			ioctl(fd, SIOCSIFFLAGS, &ifr);
		}
	}
	close(fd);
}

static char **read_command(void)
{
	static char text[65536];
	static char *argv[MAX_ARGS + 1];
	int fd = open(ARGV_FILE, O_RDONLY | O_CLOEXEC);
	ssize_t len = fd < 0 ? -1 : read(fd, text, sizeof(text) - 1);
	int argc = 0;

	if (len <= 0)
		fail(ARGV_FILE);
	close(fd);
	for (char *p = text; p < text + len && argc < MAX_ARGS; p += strlen(p) + 1)
		argv[argc++] = p;
	return argv;
}

static void open_report_device(void)
{
	struct termios raw;

	report_fd = open(REPORT_DEVICE, O_RDWR | O_NOCTTY | O_CLOEXEC);
	if (report_fd < 0) {
		perror("runner: " REPORT_DEVICE);
		reboot(RB_POWER_OFF);
	}
	tcgetattr(report_fd, &raw);
	cfmakeraw(&raw);
	cfsetspeed(&raw, B115200);
	tcsetattr(report_fd, TCSANOW, &raw);
	write_all(report_fd, MAGIC, strlen(MAGIC));
}

static pid_t start(char **argv, int out[2], int err[2])
{
	pid_t pid = fork();

	if (pid != 0)
		return pid;
	int null = open("/dev/null", O_RDONLY);

	setsid();
	dup2(null, 0);
	dup2(out[1], 1);
	dup2(err[1], 2);
	if (null > 2)
		close(null);
	execvp(argv[0], argv);
	fprintf(stderr, "%s: %s\n", argv[0], strerror(errno));
	_exit(errno == ENOENT ? 127 : 126);
}

/* Until both pipes have ended, or the command has and what it left in them is passed on. */
static int relay(pid_t pid, int out, int err)
{
	struct pollfd fds[2] = { { .fd = out, .events = POLLIN }, { .fd = err, .events = POLLIN } };
	static char buf[16384];
	bool ended = false;
	int status = 0;

	for (;;) {
		int ready = poll(fds, 2, ended ? 0 : 50);

		for (int i = 0; i < 2; i++) {
			if (!(fds[i].revents & (POLLIN | POLLHUP)))
				continue;
			ssize_t n = read(fds[i].fd, buf, sizeof(buf));

			if (n > 0)
				report(i == 0 ? 'o' : 'e', buf, (uint32_t)n);
			else
				fds[i].fd = -1;
		}
		if (ended && ready <= 0)
			return status;
		for (pid_t p; !ended && (p = waitpid(-1, &status, WNOHANG)) > 0;)
			ended = p == pid;
	}
}

int main(void)
{
	int out[2], err[2];

	mount_once("devtmpfs", "/dev");
	mount_once("devpts", "/dev/pts");
	mount_once("proc", "/proc");
	mount_once("tmpfs", "/tmp");
	setenv("PATH", "/bin:/sbin:/usr/bin:/usr/sbin:/abi", 1);
	setenv("HOME", "/root", 1);
	open_report_device();
	load_modules();
	configure_network();
	signal(SIGPIPE, SIG_IGN);
	char **argv = read_command();

	if (pipe2(out, O_CLOEXEC) < 0 || pipe2(err, O_CLOEXEC) < 0)
		fail("pipe");
	report('R', NULL, 0);
	signal(SIGPIPE, SIG_DFL);
	pid_t pid = start(argv, out, err);

	signal(SIGPIPE, SIG_IGN);
	if (pid < 0)
		fail("fork");
	close(out[1]);
	close(err[1]);
	int32_t status = relay(pid, out[0], err[0]);

	report('x', &status, sizeof(status));
	power_off();
}

/*
 * user/init.c - pid 1 of "make run": starts the demo servers, gives a shell on the console, reaps orphans.
 *
 * Servers are the lines of /etc/services-to-start: one command each. A server that dies is started again after a
 * second. SIGUSR2 powers off, SIGUSR1 halts and SIGTERM restarts, as busybox's poweroff, halt and reboot ask.
 */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mount.h>
#include <sys/reboot.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#define MAX_SERVERS 8
#define SERVICE_LIST "/etc/services-to-start"

struct server {
	char command[256];
	pid_t pid;
};

static struct server servers[MAX_SERVERS];
static int nr_servers;
static pid_t shell_pid;
static volatile sig_atomic_t stop_request;

/* Already mounted is fine: Pollux mounts both itself, Linux leaves it to us. */
static void mount_once(const char *type, const char *where)
{
	mkdir(where, 0755);
	if (mount(type, where, type, 0, NULL) < 0 && errno != EBUSY)
		fprintf(stderr, "init: mount %s: %s\n", where, strerror(errno));
}

static void read_service_list(void)
{
	FILE *f = fopen(SERVICE_LIST, "r");

	if (!f)
		return;
	while (nr_servers < MAX_SERVERS && fgets(servers[nr_servers].command, sizeof(servers[0].command), f)) {
		servers[nr_servers].command[strcspn(servers[nr_servers].command, "\n")] = '\0';
		if (servers[nr_servers].command[0])
			nr_servers++;
	}
	fclose(f);
}

static pid_t start_server(const char *command)
{
	pid_t pid = fork();

	if (pid == 0) {
		setsid();
		execl("/bin/sh", "sh", "-c", command, (char *)NULL);
		_exit(127);
	}
	return pid;
}

/* The shell leads a session of its own, with the console as its controlling terminal: Ctrl-C reaches its jobs. */
static pid_t start_shell(void)
{
	pid_t pid = fork();

	if (pid != 0)
		return pid;
	setsid();
	int fd = open("/dev/console", O_RDWR);

	if (fd < 0)
		_exit(126);
	ioctl(fd, TIOCSCTTY, 0);
	dup2(fd, 0);
	dup2(fd, 1);
	dup2(fd, 2);
	if (fd > 2)
		close(fd);
	chdir("/root");
	execl("/bin/sh", "-sh", (char *)NULL);
	execl("/bin/busybox", "-sh", (char *)NULL);
	perror("init: no shell");
	_exit(127);
}

static void request_stop(int sig)
{
	stop_request = sig;
}

static void stop_machine(int sig)
{
	kill(-1, SIGTERM);
	nanosleep(&(struct timespec){ .tv_nsec = 100000000 }, NULL);
	kill(-1, SIGKILL);
	sync();
	reboot(sig == SIGUSR2 ? RB_POWER_OFF : sig == SIGUSR1 ? RB_HALT_SYSTEM : RB_AUTOBOOT);
}

static void restart_what_ended(pid_t pid)
{
	if (pid == shell_pid) {
		shell_pid = start_shell();
		return;
	}
	for (int i = 0; i < nr_servers; i++) {
		if (servers[i].pid != pid)
			continue;
		sleep(1);
		servers[i].pid = start_server(servers[i].command);
	}
}

int main(void)
{
	struct sigaction stop = { .sa_handler = request_stop };

	sigaction(SIGUSR1, &stop, NULL);
	sigaction(SIGUSR2, &stop, NULL);
	sigaction(SIGTERM, &stop, NULL);
	mount_once("proc", "/proc");
	mount_once("devtmpfs", "/dev");
	setenv("PATH", "/bin:/sbin:/usr/bin:/usr/sbin", 1);
	setenv("HOME", "/root", 1);
	setenv("TERM", "vt100", 0);
	setenv("PS1", "pollux:\\w# ", 1);
	read_service_list();
	for (int i = 0; i < nr_servers; i++)
		servers[i].pid = start_server(servers[i].command);
	shell_pid = start_shell();
	for (;;) {
		pid_t pid = waitpid(-1, NULL, 0);

		if (stop_request)
			stop_machine(stop_request);
		if (pid > 0)
			restart_what_ended(pid);
	}
}

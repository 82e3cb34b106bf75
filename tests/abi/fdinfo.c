/* /proc/PID/fdinfo/N: what each kind of descriptor says of itself, to the letter. */
#include "tests/abi/tap.h"
#include <inttypes.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <sys/inotify.h>
#include <sys/signalfd.h>
#include <sys/sysmacros.h>
#include <sys/timerfd.h>
#include <sys/un.h>

static char text[4096], *own;	/* all of it; what comes after the lines that every file has */

static struct stat st;

/* Reads it, checks the first four lines against @flags and fstat(). */
static void fdinfo(int fd, unsigned int flags)
{
	char name[64], common[200];
	int mnt;

	snprintf(name, sizeof(name), "/proc/self/fdinfo/%d", fd);
	int f = open(name, O_RDONLY);

	CHECK(f >= 0);
	ssize_t n = read(f, text, sizeof(text) - 1);

	CHECK(n > 0);
	text[n] = '\0';
	close(f);
	CHECK_EQ(fstat(fd, &st), 0);
	CHECK_EQ(sscanf(text, "pos:\t0\nflags:\t%*o\nmnt_id:\t%d\n", &mnt), 1);
	n = snprintf(common, sizeof(common), "pos:\t0\nflags:\t0%o\nmnt_id:\t%d\nino:\t%lu\n", flags, mnt,
		     (unsigned long)st.st_ino);
	if (strncmp(text, common, (size_t)n) != 0)
		TAP_FAIL("not %s but %s", common, text);
	own = text + n;
}

#define CHECK_TEXT(...) do {									\
	char __want[600];									\
	snprintf(__want, sizeof(__want), __VA_ARGS__);						\
	if (strcmp(own, __want) != 0)								\
		TAP_FAIL("not \"%s\" but \"%s\"", __want, own);					\
} while (0)

TEST(fdinfo_of_a_pipe_has_the_common_lines_only)
{
	int p[2];

	CHECK_EQ(pipe2(p, O_CLOEXEC | O_NONBLOCK), 0);
	fdinfo(p[0], O_RDONLY | O_CLOEXEC | O_NONBLOCK);
	CHECK_TEXT("%s", "");
	fdinfo(p[1], O_WRONLY | O_CLOEXEC | O_NONBLOCK);
	CHECK_TEXT("%s", "");
	CHECK_EQ(fcntl(p[1], F_SETFD, 0), 0);
	fdinfo(p[1], O_WRONLY | O_NONBLOCK);
}

TEST(fdinfo_of_an_internet_socket_has_the_common_lines_only)
{
	fdinfo(socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK, 0), O_RDWR | O_NONBLOCK);
	CHECK_TEXT("%s", "");
	fdinfo(socket(AF_INET, SOCK_DGRAM, 0), O_RDWR);
	CHECK_TEXT("%s", "");
}

static void send_fds(int s, int n)
{
	int fds[3] = { 0, 1, 2 };
	char byte = 'f', control[CMSG_SPACE(sizeof(fds))] = { 0 };
	struct iovec iov = { &byte, 1 };
	struct msghdr m = { .msg_iov = &iov, .msg_iovlen = 1, .msg_control = control,
			    .msg_controllen = CMSG_SPACE((size_t)n * sizeof(int)) };
	struct cmsghdr *c = CMSG_FIRSTHDR(&m);

	c->cmsg_level = SOL_SOCKET;
	c->cmsg_type = SCM_RIGHTS;
	c->cmsg_len = CMSG_LEN((size_t)n * sizeof(int));
	memcpy(CMSG_DATA(c), fds, (size_t)n * sizeof(int));
	CHECK_EQ(sendmsg(s, &m, 0), 1);
}

TEST(fdinfo_of_a_unix_socket_counts_files_in_flight)
{
	static const int types[] = { SOCK_STREAM, SOCK_DGRAM, SOCK_SEQPACKET };
	char byte;

	for (int i = 0; i < 3; i++) {
		int s[2];

		CHECK_EQ(socketpair(AF_UNIX, types[i] | SOCK_NONBLOCK, 0, s), 0);
		fdinfo(s[1], O_RDWR | O_NONBLOCK);
		CHECK_TEXT("scm_fds: 0\n");
		send_fds(s[0], 3);
		send_fds(s[0], 1);
		fdinfo(s[1], O_RDWR | O_NONBLOCK);
		CHECK_TEXT("scm_fds: 4\n");
		fdinfo(s[0], O_RDWR | O_NONBLOCK);
		CHECK_TEXT("scm_fds: 0\n");
		CHECK_EQ(recv(s[1], &byte, 1, MSG_PEEK), 1);
		fdinfo(s[1], O_RDWR | O_NONBLOCK);
		CHECK_TEXT("scm_fds: 4\n");
		CHECK_EQ(recv(s[1], &byte, 1, 0), 1);
		fdinfo(s[1], O_RDWR | O_NONBLOCK);
		CHECK_TEXT("scm_fds: 1\n");
	}
	int l = socket(AF_UNIX, SOCK_STREAM, 0), c = socket(AF_UNIX, SOCK_STREAM, 0);
	struct sockaddr_un a = { .sun_family = AF_UNIX };
	socklen_t len = sizeof(a);

	CHECK_EQ(bind(l, (struct sockaddr *)&a, sizeof(sa_family_t)), 0);
	CHECK_EQ(listen(l, 2), 0);
	CHECK_EQ(getsockname(l, (struct sockaddr *)&a, &len), 0);
	CHECK_EQ(connect(c, (struct sockaddr *)&a, len), 0);
	fdinfo(l, O_RDWR);
	CHECK_TEXT("scm_fds: 0\n");
}

TEST(fdinfo_of_an_eventfd_tells_count_and_id)
{
	int fd = eventfd(0x1234, EFD_NONBLOCK), id;

	fdinfo(fd, O_RDWR | O_NONBLOCK);
	CHECK_EQ(sscanf(own, "eventfd-count: %*x\neventfd-id: %d\n", &id), 1);
	CHECK(id >= 0);
	CHECK_TEXT("eventfd-count:             1234\neventfd-id: %d\n", id);
	/* Another has another id. */
	fdinfo(eventfd(0, EFD_SEMAPHORE), O_RDWR);
	int other = -1;

	sscanf(own, "eventfd-count: %*x\neventfd-id: %d\n", &other);
	CHECK(other >= 0 && other != id);
}

TEST(fdinfo_of_an_epoll_lists_targets_by_file_and_number)
{
	int ep = epoll_create1(EPOLL_CLOEXEC), fd = eventfd(0, 0);
	struct epoll_event e = { .events = EPOLLIN | EPOLLET, .data.u64 = 0x123456789abcULL };

	fdinfo(ep, O_RDWR | O_CLOEXEC);
	CHECK_TEXT("%s", "");
	CHECK_EQ(epoll_ctl(ep, EPOLL_CTL_ADD, fd, &e), 0);
	CHECK_EQ(fstat(fd, &st), 0);
	unsigned long ino = (unsigned long)st.st_ino;
	unsigned long long sdev = (unsigned long long)major(st.st_dev) << 20 | minor(st.st_dev);

	fdinfo(ep, O_RDWR | O_CLOEXEC);
	CHECK_TEXT("tfd: %8d events: %8x data: %16llx  pos:0 ino:%lx sdev:%llx\n", fd,
		   EPOLLIN | EPOLLET | EPOLLERR | EPOLLHUP, 0x123456789abcULL, ino, sdev);
	/* A file under two numbers is two lines, in their order. */
	int other = dup(fd);

	e.data.u64 = 7;
	e.events = EPOLLOUT | EPOLLONESHOT;
	CHECK_EQ(epoll_ctl(ep, EPOLL_CTL_ADD, other, &e), 0);
	/* ONESHOT that has fired shows what is left. */
	struct epoll_event out;

	CHECK_EQ(epoll_wait(ep, &out, 1, 0), 1);
	fdinfo(ep, O_RDWR | O_CLOEXEC);
	CHECK_TEXT("tfd: %8d events: %8x data: %16llx  pos:0 ino:%lx sdev:%llx\n"
		   "tfd: %8d events: %8x data: %16llx  pos:0 ino:%lx sdev:%llx\n", fd,
		   EPOLLIN | EPOLLET | EPOLLERR | EPOLLHUP, 0x123456789abcULL, ino, sdev,
		   other, (unsigned int)EPOLLONESHOT, 7ULL, ino, sdev);
}

TEST(fdinfo_of_an_epoll_shows_exclusive)
{
	int ep = epoll_create1(0), fd = eventfd(0, 0);
	struct epoll_event e = { .events = EPOLLIN | EPOLLEXCLUSIVE, .data.fd = -1 };
	unsigned int events = 0;
	unsigned long long data = 0;

	CHECK_EQ(epoll_ctl(ep, EPOLL_CTL_ADD, fd, &e), 0);
	fdinfo(ep, O_RDWR);
	CHECK_EQ(sscanf(own, "tfd: %*d events: %x data: %llx", &events, &data), 2);
	CHECK_EQ(events, EPOLLIN | EPOLLEXCLUSIVE | EPOLLERR | EPOLLHUP);
	CHECK_EQ(data, 0xffffffff);
}

TEST(fdinfo_of_a_timerfd_tells_clock_ticks_and_setting)
{
	int fd = timerfd_create(CLOCK_BOOTTIME, 0);
	struct itimerspec s = { .it_value = { 1000, 0 }, .it_interval = { 3, 4 } };
	unsigned long long sec, nsec;

	fdinfo(fd, O_RDWR);
	CHECK_TEXT("clockid: %d\nticks: 0\nsettime flags: 00\nit_value: (0, 0)\nit_interval: (0, 0)\n", CLOCK_BOOTTIME);
	CHECK_EQ(timerfd_settime(fd, 0, &s, NULL), 0);
	fdinfo(fd, O_RDWR);
	CHECK_EQ(sscanf(own, "clockid: %*d\nticks: %*d\nsettime flags: %*o\nit_value: (%llu, %llu)\n", &sec, &nsec), 2);
	CHECK(sec >= 990 && sec < 1000);
	CHECK_TEXT("clockid: 7\nticks: 0\nsettime flags: 00\nit_value: (%llu, %llu)\nit_interval: (3, 4)\n", sec, nsec);
	/* One shot, absolute, long gone. */
	s = (struct itimerspec){ .it_value = { 0, 1 } };
	CHECK_EQ(timerfd_settime(fd, TFD_TIMER_ABSTIME, &s, NULL), 0);
	struct pollfd p = { .fd = fd, .events = POLLIN };

	CHECK_EQ(poll(&p, 1, 5000), 1);
	fdinfo(fd, O_RDWR);
	CHECK_TEXT("clockid: 7\nticks: 1\nsettime flags: 01\nit_value: (0, 0)\nit_interval: (0, 0)\n");
}

TEST(fdinfo_of_a_signalfd_tells_the_mask)
{
	sigset_t set;

	sigemptyset(&set);
	sigaddset(&set, SIGHUP);
	sigaddset(&set, SIGUSR1);
	sigaddset(&set, SIGCHLD);
	fdinfo(signalfd(-1, &set, SFD_NONBLOCK), O_RDWR | O_NONBLOCK);
	CHECK_TEXT("sigmask:\t%016llx\n", 1ULL | 1ULL << (SIGUSR1 - 1) | 1ULL << (SIGCHLD - 1));
}

TEST(fdinfo_of_a_pidfd_tells_the_process)
{
	pid_t child = fork();

	if (child == 0) {
		pause();
		_exit(0);
	}
	int fd = (int)syscall(SYS_pidfd_open, child, 0);

	CHECK(fd >= 0);
	fdinfo(fd, O_RDWR | O_CLOEXEC);
	CHECK_TEXT("Pid:\t%d\nNSpid:\t%d\n", child, child);
	kill(child, SIGKILL);
	CHECK_EQ(waitpid(child, NULL, 0), child);
	fdinfo(fd, O_RDWR | O_CLOEXEC);
	CHECK_TEXT("Pid:\t-1\nNSpid:\t-1\n");
}

TEST(fdinfo_of_an_inotify_lists_the_watches)
{
	int fd = inotify_init1(IN_CLOEXEC);
	struct stat tmp, proc;

	fdinfo(fd, O_RDONLY | O_CLOEXEC);
	CHECK_TEXT("%s", "");
	CHECK_EQ(inotify_add_watch(fd, "/tmp", IN_CREATE | IN_DELETE), 1);
	CHECK_EQ(inotify_add_watch(fd, "/", IN_OPEN), 2);
	CHECK(stat("/tmp", &tmp) == 0 && stat("/", &proc) == 0);
	fdinfo(fd, O_RDONLY | O_CLOEXEC);
	/* A file handle may follow on the same line: how long, and in which form, is the file system's affair. */
	unsigned int wd[2];
	int n = 0;
	unsigned long ino[2], dev[2], mask[2], ignored;

	for (char *line = strtok(own, "\n"); line; line = strtok(NULL, "\n"), n++) {
		CHECK(n < 2);
		CHECK_EQ(sscanf(line, "inotify wd:%x ino:%lx sdev:%lx mask:%lx ignored_mask:%lx", &wd[n], &ino[n],
				&dev[n], &mask[n], &ignored), 5);
		CHECK_EQ(ignored, 0);
	}
	CHECK_EQ(n, 2);
	/* The newest first. */
	CHECK(wd[0] == 2 && wd[1] == 1);
	CHECK(ino[0] == proc.st_ino && ino[1] == tmp.st_ino);
	CHECK_EQ(mask[0], IN_OPEN);
	CHECK_EQ(mask[1], IN_CREATE | IN_DELETE);
}

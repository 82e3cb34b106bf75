/* Sockets and epolls whose every allocation fails once: an error or a retransmission, and never a loss or a leak. */
#include "tests/abi/each_fails.h"
#include "tests/abi/tcp_pair.h"
#include <poll.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <sys/signalfd.h>
#include <sys/timerfd.h>
#include <sys/un.h>

enum { MAX_FDS = 16 };
static int fds[MAX_FDS], nr_fds;

/* Keep @fd for the end of the operation. */
static int keep(int fd)
{
	if (fd >= 0)
		fds[nr_fds++] = fd;
	return fd;
}
/* Close all, keep errno. */
static int done(int r)
{
	int e = errno;

	while (nr_fds)
		close(fds[--nr_fds]);
	errno = e;
	return r;
}

/* @len bytes through a pair of sockets. 0, or -1 and errno. */
static int carry(int from, int to, size_t len)
{
	static char out[20000], in[20000];

	for (size_t i = 0; i < len; i++)
		out[i] = (char)(i * 7);
	for (size_t sent = 0, got = 0; got < len;) {
		if (sent < len) {
			ssize_t n = send(from, out + sent, len - sent, MSG_NOSIGNAL);

			if (n < 0)
				return -1;
			sent += (size_t)n;
		}
		ssize_t n = recv(to, in + got, len - got, 0);

		if (n <= 0)
			return -1;
		if (memcmp(in + got, out + got, (size_t)n))
			TAP_FAIL("the bytes after %zu are wrong", got);
		got += (size_t)n;
	}
	return 0;
}

static int tcp_connection(void)
{
	int l = keep(socket(AF_INET, SOCK_STREAM, 0)), c = l < 0 ? -1 : keep(socket(AF_INET, SOCK_STREAM, 0)), s;
	int port;

	if (c < 0)
		return done(-1);
	if (bind_to(l, 0)) {
		/* Linux 6.1 has no other word for it. */
		errno = errno == EADDRINUSE ? ENOMEM : errno;
		return done(-1);
	}
	if (listen(l, 5))
		return done(-1);
	port = port_of(l);
	if (connect_to(c, port))
		return done(-1);
	while ((s = keep(accept4(l, NULL, NULL, SOCK_CLOEXEC))) < 0)
		if (!is_shortage(errno))
			return done(-1);
	return done(carry(c, s, 3000) || carry(s, c, 20000) || shutdown(c, SHUT_WR) ? -1 : 0);
}

static int udp_datagram(void)
{
	int a = keep(socket(AF_INET, SOCK_DGRAM, 0)), b = a < 0 ? -1 : keep(socket(AF_INET, SOCK_DGRAM, 0));
	char buf[3000] = "x";
	struct pollfd p = { .fd = a, .events = POLLIN };

	if (b < 0 || bind_to(a, 0) || connect_to(b, port_of(a)))
		return done(-1);
	if (send(b, buf, sizeof(buf), 0) < 0)
		return done(-1);
	/* A datagram may be lost; a short one is not read as a whole. */
	if (poll(&p, 1, 20) > 0)
		CHECK_EQ(recv(a, buf, sizeof(buf), 0), sizeof(buf));
	return done(0);
}

static int unix_pair(int type)
{
	int p[2];

	if (socketpair(AF_UNIX, type, 0, p))
		return -1;
	keep(p[0]);
	keep(p[1]);
	return done(carry(p[0], p[1], type == SOCK_STREAM ? 20000 : 5000));
}
static int unix_stream(void) { return unix_pair(SOCK_STREAM); }
static int unix_dgram(void) { return unix_pair(SOCK_DGRAM); }

static int unix_names(void)
{
	struct sockaddr_un a = { .sun_family = AF_UNIX, .sun_path = "/tmp/oom-socket" };
	int l = keep(socket(AF_UNIX, SOCK_STREAM, 0)), c = l < 0 ? -1 : keep(socket(AF_UNIX, SOCK_STREAM, 0));

	unlink(a.sun_path);
	if (c < 0 || bind(l, (struct sockaddr *)&a, sizeof(a)) || listen(l, 2))
		return done(-1);
	if (connect(c, (struct sockaddr *)&a, sizeof(a)) || keep(accept(l, NULL, NULL)) < 0)
		return done(-1);
	return done(0);
}

/* A descriptor in a message, both ways of ending: received, and thrown away with the socket. */
static int pass_descriptor(void)
{
	int p[2], e;
	char data = 'x', control[CMSG_SPACE(sizeof(int))] = { 0 };
	struct iovec v = { &data, 1 };
	struct msghdr m = { .msg_iov = &v, .msg_iovlen = 1, .msg_control = control, .msg_controllen = sizeof(control) };

	if (socketpair(AF_UNIX, SOCK_STREAM, 0, p))
		return -1;
	keep(p[0]);
	keep(p[1]);
	e = keep(eventfd(0, 0));
	if (e < 0)
		return done(-1);
	*CMSG_FIRSTHDR(&m) = (struct cmsghdr){ CMSG_LEN(sizeof(int)), 0, SOL_SOCKET, SCM_RIGHTS };
	memcpy(CMSG_DATA(CMSG_FIRSTHDR(&m)), &e, sizeof(e));
	if (sendmsg(p[0], &m, 0) != 1 || sendmsg(p[0], &m, 0) != 1)
		return done(-1);
	if (recvmsg(p[1], &m, 0) != 1)
		return done(-1);
	if (m.msg_controllen >= CMSG_LEN(sizeof(int))) {
		memcpy(&e, CMSG_DATA(CMSG_FIRSTHDR(&m)), sizeof(e));
		keep(e);
	}
	return done(0);
}

static int watch_each_kind(void)
{
	sigset_t set;
	struct itimerspec soon = { .it_value.tv_nsec = 1 };
	struct epoll_event ev = { .events = EPOLLIN }, out[8];
	int ep = keep(epoll_create1(0)), fd[4] = { -1, -1, -1, -1 };

	sigemptyset(&set);
	sigaddset(&set, SIGUSR1);
	if (ep < 0 || (fd[0] = keep(eventfd(1, 0))) < 0 || (fd[1] = keep(timerfd_create(CLOCK_MONOTONIC, 0))) < 0 ||
	    (fd[2] = keep(signalfd(-1, &set, 0))) < 0 || (fd[3] = keep(epoll_create1(0))) < 0)
		return done(-1);
	if (timerfd_settime(fd[1], 0, &soon, NULL))
		return done(-1);
	for (int i = 0; i < 4; i++)
		if (epoll_ctl(ep, EPOLL_CTL_ADD, fd[i], &ev))
			return done(-1);
	if (epoll_ctl(fd[3], EPOLL_CTL_ADD, fd[0], &ev))
		return done(-1);
	sleep_ms(1);
	CHECK_EQ(epoll_wait(ep, out, 8, 1000), 3);
	return done(0);
}

static int poll_and_select(void)
{
	struct pollfd p[300];
	int e = keep(eventfd(1, 0));
	fd_set set;
	struct timeval now = { 0, 0 };

	if (e < 0)
		return done(-1);
	for (int i = 0; i < 300; i++)
		p[i] = (struct pollfd){ .fd = e, .events = POLLIN };
	int r = poll(p, 300, 1000);

	if (r > 0) {
		FD_ZERO(&set);
		FD_SET(e, &set);
		r = select(e + 1, &set, NULL, NULL, &now);
	}
	return done(r < 0 ? -1 : 0);
}

static int socket_options(void)
{
	int fd = keep(socket(AF_INET, SOCK_STREAM, 0)), raw;
	char name[64];
	socklen_t len = sizeof(name);

	if (fd < 0)
		return -1;
	if (setsockopt(fd, IPPROTO_TCP, TCP_CONGESTION, "reno", 4) ||
	    getsockopt(fd, IPPROTO_TCP, TCP_CONGESTION, name, &len))
		return done(-1);
	raw = keep(socket(AF_INET, SOCK_RAW, IPPROTO_ICMP));
	return done(raw < 0 && errno != EPERM ? -1 : 0);
}

/* Connections that still say good-bye: FIN_WAIT1, LAST_ACK, CLOSING. Linux: the states of <netinet/tcp.h>. */
static int connections_that_close(void)
{
	FILE *f = fopen("/proc/net/tcp", "r");
	char line[256];
	int n = 0;

	CHECK(f != NULL);
	while (fgets(line, sizeof(line), f)) {
		unsigned int state = 0;

		if (sscanf(line, " %*d: %*x:%*x %*x:%*x %x", &state) == 1)
			n += state == TCP_FIN_WAIT1 || state == TCP_LAST_ACK || state == TCP_CLOSING;
	}
	fclose(f);
	return n;
}

/* A FIN for which there was no memory is sent half a second later; forgotten, its socket would stay for ever. */
TEST(out_of_memory_tcp)
{
	EACH_FAILS(tcp_connection);
	for (int i = 0; i < 100 && connections_that_close(); i++)
		sleep_ms(100);
	CHECK_EQ(connections_that_close(), 0);
}
TEST(out_of_memory_udp) { EACH_FAILS(udp_datagram); }
TEST(out_of_memory_unix)
{
	EACH_FAILS(unix_stream);
	EACH_FAILS(unix_dgram);
	EACH_FAILS(unix_names);
	EACH_FAILS(pass_descriptor);
}
TEST(out_of_memory_readiness)
{
	EACH_FAILS(watch_each_kind);
	EACH_FAILS(poll_and_select);
}
TEST(out_of_memory_socket_options) { EACH_FAILS(socket_options); }

/* Every kind of file that can be watched: which events it shows in which state, and which edges it gives. */
#include "tests/abi/tcp_pair.h"
#include <pty.h>
#include <stddef.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <sys/inotify.h>
#include <sys/signalfd.h>
#include <sys/timerfd.h>
#include <sys/uio.h>
#include <sys/un.h>
#include <termios.h>

#define ALL (EPOLLIN | EPOLLOUT | EPOLLPRI | EPOLLRDHUP | EPOLLRDNORM | EPOLLWRNORM | EPOLLRDBAND |	\
	     EPOLLWRBAND | EPOLLMSG)
#define IN (EPOLLIN | EPOLLRDNORM)
#define OUT (EPOLLOUT | EPOLLWRNORM)
#define SOCK_OUT (EPOLLOUT | EPOLLWRNORM | EPOLLWRBAND)

/* What is true now, after at most a second of waiting for it. */
static unsigned int state(int fd, unsigned int expected)
{
	struct epoll_event e = { .events = ALL };
	int ep = epoll_create1(0);

	CHECK_EQ(epoll_ctl(ep, EPOLL_CTL_ADD, fd, &e), 0);
	for (int i = 0; i < 100; i++) {
		unsigned int now = epoll_wait(ep, &e, 1, 0) == 1 ? e.events : 0;

		if (now == expected || i == 99) {
			close(ep);
			return now;
		}
		sleep_ms(10);
	}
	return 0;
}
#define STATE(fd, expected) do {								\
	unsigned int __is = state(fd, expected);						\
	if (__is != (unsigned int)(expected))							\
		TAP_FAIL("%s shows %#x, not %#x", #fd, __is, (unsigned int)(expected));	\
} while (0)

/* An epoll that watches @fd edge-triggered, with the first edge taken; what the next one brings, 0 for none. */
static int watch_edges(int fd)
{
	struct epoll_event e = { .events = ALL | EPOLLET };
	int ep = epoll_create1(0);

	CHECK_EQ(epoll_ctl(ep, EPOLL_CTL_ADD, fd, &e), 0);
	epoll_wait(ep, &e, 1, 0);
	return ep;
}
static unsigned int edge(int ep)
{
	struct epoll_event e;

	return epoll_wait(ep, &e, 1, 0) == 1 ? e.events : 0;
}
/* The same where it may take a moment. */
static unsigned int edge_soon(int ep)
{
	struct epoll_event e;

	return epoll_wait(ep, &e, 1, 5000) == 1 ? e.events : 0;
}

static size_t fill(int fd)
{
	static char junk[4096];
	size_t sum = 0;
	ssize_t n;

	fcntl(fd, F_SETFL, fcntl(fd, F_GETFL) | O_NONBLOCK);
	while ((n = write(fd, junk, sizeof(junk))) > 0)
		sum += (size_t)n;
	CHECK_EQ(errno, EAGAIN);
	return sum;
}

TEST(epoll_of_files_that_cannot_wait_is_eperm)
{
	static const char *const names[] = { "/dev/null", "/dev/zero", "/", "/proc/self/maps", "/proc/self/exe" };
	struct epoll_event e = { .events = EPOLLIN };
	int ep = epoll_create1(0);

	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
		int fd = open(names[i], O_RDONLY);

		CHECK(fd >= 0);
		CHECK_ERRNO(epoll_ctl(ep, EPOLL_CTL_ADD, fd, &e), EPERM);
	}
}

TEST(epoll_states_of_a_pipe)
{
	int p[2];

	CHECK_EQ(pipe(p), 0);
	STATE(p[0], 0);
	STATE(p[1], OUT);
	CHECK_EQ(write(p[1], "x", 1), 1);
	STATE(p[0], IN);
	STATE(p[1], OUT);
	fill(p[1]);
	STATE(p[1], 0);
	close(p[0]);
	STATE(p[1], EPOLLERR);
	CHECK_EQ(pipe(p), 0);
	CHECK_EQ(write(p[1], "x", 1), 1);
	close(p[1]);
	STATE(p[0], IN | EPOLLHUP);
	char c;

	CHECK_EQ(read(p[0], &c, 1), 1);
	STATE(p[0], EPOLLHUP);
	CHECK_EQ(pipe(p), 0);
	close(p[0]);
	STATE(p[1], OUT | EPOLLERR);
}

TEST(epoll_edges_of_a_pipe)
{
	int p[2];
	static char buf[4096];

	CHECK_EQ(pipe(p), 0);
	int r = watch_edges(p[0]), w = watch_edges(p[1]);

	CHECK_EQ(write(p[1], "x", 1), 1);
	CHECK_EQ(edge(r), IN);
	CHECK_EQ(edge(r), 0);
	CHECK_EQ(read(p[0], buf, 1), 1);
	CHECK_EQ(edge(r), 0);
	size_t n = fill(p[1]);

	CHECK_EQ(n, 65536);
	CHECK_EQ(edge(r), IN);
	edge(w);
	/* A page must be free before there is room. */
	CHECK_EQ(read(p[0], buf, 100), 100);
	CHECK_EQ(edge(w), 0);
	CHECK_EQ(read(p[0], buf, 3996), 3996);
	CHECK_EQ(edge(w), OUT);
	close(p[1]);
	CHECK_EQ(edge(r), IN | EPOLLHUP);
}

TEST(epoll_states_of_a_fifo)
{
	char name[64], c;

	snprintf(name, sizeof(name), "/tmp/epoll_targets-%d", getpid());
	CHECK_EQ(mkfifo(name, 0600), 0);
	int r = open(name, O_RDONLY | O_NONBLOCK);

	CHECK(r >= 0);
	/* No writer yet: that is no hang-up. */
	STATE(r, 0);
	int w = open(name, O_WRONLY), both = open(name, O_RDWR);

	CHECK(w >= 0 && both >= 0);
	unlink(name);
	STATE(r, 0);
	STATE(w, OUT);
	STATE(both, OUT);
	CHECK_EQ(write(w, "x", 1), 1);
	STATE(r, IN);
	STATE(both, IN | OUT);
	CHECK_EQ(read(both, &c, 1), 1);
	close(both);
	close(w);
	STATE(r, EPOLLHUP);
}

TEST(epoll_fifo_hang_up_ends_when_a_writer_comes)
{
	char name[64];

	snprintf(name, sizeof(name), "/tmp/epoll_targets-%d", getpid());
	CHECK_EQ(mkfifo(name, 0600), 0);
	int r = open(name, O_RDONLY | O_NONBLOCK), w = open(name, O_WRONLY);
	int ep = watch_edges(r);

	close(w);
	CHECK_EQ(edge(ep), EPOLLHUP);
	w = open(name, O_WRONLY);
	unlink(name);
	STATE(r, 0);
	CHECK_EQ(write(w, "x", 1), 1);
	CHECK_EQ(edge(ep), IN);
}

TEST(epoll_states_of_an_eventfd)
{
	uint64_t v = UINT64_MAX - 1;
	int fd = eventfd(0, EFD_NONBLOCK), ep = watch_edges(fd);

	STATE(fd, EPOLLOUT);
	eventfd_write(fd, 1);
	STATE(fd, EPOLLIN | EPOLLOUT);
	CHECK_EQ(edge(ep), EPOLLIN | EPOLLOUT);
	CHECK_EQ(read(fd, &v, 8), 8);
	/* Reading is an edge for the other direction. */
	CHECK_EQ(edge(ep), EPOLLOUT);
	v = UINT64_MAX - 1;
	CHECK_EQ(write(fd, &v, 8), 8);
	/* Full is no error: only the kernel itself can go one further. */
	STATE(fd, EPOLLIN);
	CHECK_EQ(edge(ep), EPOLLIN);
	v = 1;
	CHECK_ERRNO(write(fd, &v, 8), EAGAIN);
	CHECK_EQ(edge(ep), 0);
	CHECK_EQ(read(fd, &v, 8), 8);
	CHECK_EQ(edge(ep), EPOLLOUT);
}

TEST(epoll_edges_of_a_timerfd)
{
	struct itimerspec s = { .it_value = { 0, 5000000 }, .it_interval = { 0, 20000000 } };
	int fd = timerfd_create(CLOCK_MONOTONIC, TFD_NONBLOCK), ep = watch_edges(fd);
	uint64_t v;

	STATE(fd, 0);
	CHECK_EQ(timerfd_settime(fd, 0, &s, NULL), 0);
	CHECK_EQ(edge_soon(ep), EPOLLIN);
	STATE(fd, EPOLLIN);
	/* It does not run on until it is read: no second edge. */
	sleep_ms(50);
	CHECK_EQ(edge(ep), 0);
	CHECK_EQ(read(fd, &v, 8), 8);
	CHECK(v >= 3);
	CHECK_EQ(edge_soon(ep), EPOLLIN);
	s = (struct itimerspec){ 0 };
	CHECK_EQ(timerfd_settime(fd, 0, &s, NULL), 0);
	STATE(fd, 0);
}

TEST(epoll_edges_of_a_signalfd)
{
	struct signalfd_siginfo info;
	sigset_t set;

	sigemptyset(&set);
	sigaddset(&set, SIGUSR1);
	sigprocmask(SIG_BLOCK, &set, NULL);
	int fd = signalfd(-1, &set, SFD_NONBLOCK), ep = watch_edges(fd);

	STATE(fd, 0);
	kill(getpid(), SIGUSR1);
	CHECK_EQ(edge(ep), EPOLLIN);
	CHECK_EQ(edge(ep), 0);
	STATE(fd, EPOLLIN);
	CHECK_EQ(read(fd, &info, sizeof(info)), sizeof(info));
	STATE(fd, 0);
	kill(getpid(), SIGUSR1);
	CHECK_EQ(edge(ep), EPOLLIN);
}

TEST(epoll_states_of_a_pidfd)
{
	pid_t child = fork();

	if (child == 0) {
		pause();
		_exit(0);
	}
	int fd = (int)syscall(SYS_pidfd_open, child, 0), ep = watch_edges(fd);

	STATE(fd, 0);
	kill(child, SIGKILL);
	CHECK_EQ(edge_soon(ep), IN);
	STATE(fd, IN);
	CHECK_EQ(waitpid(child, NULL, 0), child);
	STATE(fd, IN);
}

TEST(epoll_states_of_an_inotify)
{
	char name[64], buf[512];
	int fd = inotify_init1(IN_NONBLOCK), ep = watch_edges(fd);

	CHECK_EQ(inotify_add_watch(fd, "/tmp", IN_CREATE | IN_DELETE), 1);
	STATE(fd, 0);
	snprintf(name, sizeof(name), "/tmp/epoll_targets-%d", getpid());
	close(open(name, O_CREAT | O_WRONLY, 0600));
	unlink(name);
	CHECK_EQ(edge(ep), IN);
	STATE(fd, IN);
	CHECK(read(fd, buf, sizeof(buf)) > 0);
	STATE(fd, 0);
}

/* --- terminals --- */

TEST(epoll_states_of_a_pty)
{
	int m, s;
	char buf[64];

	CHECK_EQ(openpty(&m, &s, NULL, NULL, NULL), 0);
	STATE(m, OUT);
	STATE(s, OUT);
	/* Not a line yet, but the echo is there. */
	CHECK_EQ(write(m, "ab", 2), 2);
	STATE(s, OUT);
	STATE(m, IN | OUT);
	CHECK_EQ(read(m, buf, sizeof(buf)), 2);
	CHECK_EQ(write(m, "\n", 1), 1);
	STATE(s, IN | OUT);
	CHECK_EQ(read(s, buf, sizeof(buf)), 3);
	STATE(s, OUT);
	CHECK_EQ(read(m, buf, sizeof(buf)), 2);
	close(s);
	STATE(m, OUT | EPOLLHUP);
}

TEST(epoll_states_of_a_pty_slave_after_hangup)
{
	int m, s;

	CHECK_EQ(openpty(&m, &s, NULL, NULL, NULL), 0);
	close(m);
	STATE(s, IN | OUT | EPOLLERR | EPOLLHUP);
}

TEST(epoll_edges_of_a_pty)
{
	int m, s;
	char buf[64];
	struct termios t;

	CHECK_EQ(openpty(&m, &s, NULL, NULL, NULL), 0);
	CHECK_EQ(tcgetattr(s, &t), 0);
	cfmakeraw(&t);
	CHECK_EQ(tcsetattr(s, TCSANOW, &t), 0);
	int em = watch_edges(m), es = watch_edges(s);

	CHECK_EQ(write(m, "a", 1), 1);
	CHECK_EQ(edge_soon(es), IN | OUT);
	CHECK_EQ(edge(es), 0);
	CHECK_EQ(read(s, buf, 1), 1);
	STATE(s, OUT);
	CHECK_EQ(write(s, "b", 1), 1);
	CHECK_EQ(edge_soon(em), IN | OUT);
	close(s);
	CHECK((edge_soon(em) & EPOLLHUP) != 0);
}

/* --- AF_UNIX --- */

static socklen_t abstract(struct sockaddr_un *a, const char *text)
{
	memset(a, 0, sizeof(*a));
	a->sun_family = AF_UNIX;
	return (socklen_t)(offsetof(struct sockaddr_un, sun_path) + 1 +
			   (size_t)snprintf(a->sun_path + 1, sizeof(a->sun_path) - 1, "targets-%s-%d", text, getpid()));
}

TEST(epoll_states_of_an_unconnected_unix_socket)
{
	STATE(socket(AF_UNIX, SOCK_STREAM, 0), SOCK_OUT | EPOLLHUP);
	STATE(socket(AF_UNIX, SOCK_SEQPACKET, 0), SOCK_OUT | EPOLLHUP);
	STATE(socket(AF_UNIX, SOCK_DGRAM, 0), SOCK_OUT);
}

TEST(epoll_states_of_a_unix_listener)
{
	static const int types[] = { SOCK_STREAM, SOCK_SEQPACKET };

	for (int i = 0; i < 2; i++) {
		struct sockaddr_un a;
		socklen_t len = abstract(&a, i ? "p" : "s");
		int l = socket(AF_UNIX, types[i], 0), c = socket(AF_UNIX, types[i], 0);

		CHECK_EQ(bind(l, (struct sockaddr *)&a, len), 0);
		CHECK_EQ(listen(l, 1), 0);
		int ep = watch_edges(l);

		STATE(l, 0);
		CHECK_EQ(connect(c, (struct sockaddr *)&a, len), 0);
		CHECK_EQ(edge(ep), IN);
		STATE(l, IN);
		STATE(c, SOCK_OUT);
		CHECK(accept(l, NULL, NULL) >= 0);
		STATE(l, 0);
		CHECK_EQ(shutdown(l, SHUT_RDWR), 0);
		STATE(l, IN | EPOLLRDHUP | EPOLLHUP);
	}
}

TEST(epoll_states_of_a_unix_pair)
{
	static const int types[] = { SOCK_STREAM, SOCK_SEQPACKET };
	char c;

	for (int i = 0; i < 2; i++) {
		int s[2];

		CHECK_EQ(socketpair(AF_UNIX, types[i], 0, s), 0);
		STATE(s[0], SOCK_OUT);
		CHECK_EQ(write(s[1], "x", 1), 1);
		STATE(s[0], IN | SOCK_OUT);
		CHECK_EQ(read(s[0], &c, 1), 1);
		CHECK_EQ(shutdown(s[1], SHUT_WR), 0);
		STATE(s[0], IN | SOCK_OUT | EPOLLRDHUP);
		STATE(s[1], SOCK_OUT);
		CHECK_EQ(shutdown(s[0], SHUT_WR), 0);
		STATE(s[0], IN | SOCK_OUT | EPOLLRDHUP | EPOLLHUP);
		STATE(s[1], IN | SOCK_OUT | EPOLLRDHUP | EPOLLHUP);
	}
}

TEST(epoll_states_of_a_unix_pair_whose_peer_is_gone)
{
	static const int types[] = { SOCK_STREAM, SOCK_SEQPACKET };

	for (int i = 0; i < 2; i++) {
		int s[2];

		CHECK_EQ(socketpair(AF_UNIX, types[i], 0, s), 0);
		int ep = watch_edges(s[0]);

		close(s[1]);
		CHECK_EQ(edge(ep), IN | SOCK_OUT | EPOLLRDHUP | EPOLLHUP);
		STATE(s[0], IN | SOCK_OUT | EPOLLRDHUP | EPOLLHUP);
		/* With unread data of ours: a reset. */
		CHECK_EQ(socketpair(AF_UNIX, types[i], 0, s), 0);
		CHECK_EQ(write(s[0], "x", 1), 1);
		close(s[1]);
		STATE(s[0], IN | SOCK_OUT | EPOLLRDHUP | EPOLLHUP | EPOLLERR);
	}
}

TEST(epoll_write_space_of_a_unix_stream)
{
	static char buf[65536];
	int s[2];

	CHECK_EQ(socketpair(AF_UNIX, SOCK_STREAM, 0, s), 0);
	int ep = watch_edges(s[0]);
	size_t left = fill(s[0]);

	edge(ep);
	STATE(s[0], 0);
	/* Room for a byte is not enough to be told of; an empty queue is. */
	while (left) {
		ssize_t n = read(s[1], buf, sizeof(buf));

		CHECK(n > 0);
		left -= (size_t)n;
	}
	CHECK_EQ(edge(ep), SOCK_OUT);
	STATE(s[0], SOCK_OUT);
}

TEST(epoll_states_of_unix_datagram_sockets)
{
	struct sockaddr_un a;
	socklen_t len = abstract(&a, "d");
	int r = socket(AF_UNIX, SOCK_DGRAM, 0), s = socket(AF_UNIX, SOCK_DGRAM | SOCK_NONBLOCK, 0);
	char c;

	CHECK_EQ(bind(r, (struct sockaddr *)&a, len), 0);
	STATE(r, SOCK_OUT);
	CHECK_EQ(connect(s, (struct sockaddr *)&a, len), 0);
	int er = watch_edges(r), es = watch_edges(s);

	STATE(s, SOCK_OUT);
	CHECK_EQ(write(s, "x", 1), 1);
	CHECK_EQ(edge(er), IN | SOCK_OUT);
	CHECK_EQ(edge(er), 0);
	CHECK_EQ(write(s, "x", 1), 1);
	CHECK_EQ(edge(er), IN | SOCK_OUT);
	STATE(r, IN | SOCK_OUT);
	while (write(s, "x", 1) == 1)
		;
	CHECK_EQ(errno, EAGAIN);
	edge(es);
	STATE(s, 0);
	CHECK_EQ(read(r, &c, 1), 1);
	CHECK_EQ(edge(es), SOCK_OUT);
	STATE(s, SOCK_OUT);
	close(r);
	/* A datagram socket hears of its peer's end by the error of the next send alone. */
	STATE(s, SOCK_OUT);
	CHECK_ERRNO(write(s, "x", 1), ECONNREFUSED);
}

TEST(epoll_states_of_a_shut_unix_datagram_socket)
{
	int s[2];

	CHECK_EQ(socketpair(AF_UNIX, SOCK_DGRAM, 0, s), 0);
	CHECK_EQ(shutdown(s[0], SHUT_RD), 0);
	STATE(s[0], IN | SOCK_OUT | EPOLLRDHUP);
	CHECK_EQ(shutdown(s[0], SHUT_WR), 0);
	STATE(s[0], IN | SOCK_OUT | EPOLLRDHUP | EPOLLHUP);
	STATE(s[1], SOCK_OUT);
}

/* --- the Internet's --- */

TEST(epoll_states_of_a_udp_socket)
{
	int a = socket(AF_INET, SOCK_DGRAM, 0), b = socket(AF_INET, SOCK_DGRAM, 0);
	char c;

	CHECK_EQ(bind_to(a, 0), 0);
	CHECK_EQ(connect_to(b, port_of(a)), 0);
	int ep = watch_edges(a);

	STATE(a, SOCK_OUT);
	CHECK_EQ(send(b, "x", 1, 0), 1);
	CHECK_EQ(edge_soon(ep), IN | SOCK_OUT);
	CHECK_EQ(send(b, "y", 1, 0), 1);
	CHECK_EQ(edge_soon(ep), IN | SOCK_OUT);
	STATE(a, IN | SOCK_OUT);
	CHECK_EQ(recv(a, &c, 1, 0), 1);
	CHECK_EQ(recv(a, &c, 1, 0), 1);
	STATE(a, SOCK_OUT);
	/* Refused. */
	close(a);
	CHECK_EQ(send(b, "x", 1, 0), 1);
	STATE(b, SOCK_OUT | EPOLLERR);
	int err;
	socklen_t len = sizeof(err);

	CHECK_EQ(getsockopt(b, SOL_SOCKET, SO_ERROR, &err, &len), 0);
	CHECK_EQ(err, ECONNREFUSED);
	STATE(b, SOCK_OUT);
	CHECK_EQ(shutdown(b, SHUT_RD), 0);
	STATE(b, IN | SOCK_OUT | EPOLLRDHUP);
	CHECK_EQ(shutdown(b, SHUT_WR), 0);
	STATE(b, IN | SOCK_OUT | EPOLLRDHUP | EPOLLHUP);
}

TEST(epoll_states_of_a_refused_tcp_connect)
{
	int c = tcp_socket(SOCK_NONBLOCK), ep, port = unused_port(), err;
	socklen_t len = sizeof(err);

	STATE(c, OUT | EPOLLHUP);
	ep = watch_edges(c);
	CHECK_EQ(connect_to(c, port), -1);
	unsigned int e = edge_soon(ep);

	while (e && !(e & EPOLLERR))
		e = edge_soon(ep);
	CHECK_EQ(e, IN | OUT | EPOLLRDHUP | EPOLLERR | EPOLLHUP);
	CHECK_EQ(getsockopt(c, SOL_SOCKET, SO_ERROR, &err, &len), 0);
	CHECK_EQ(err, ECONNREFUSED);
	/* The error has been told; that it is closed remains. */
	STATE(c, IN | OUT | EPOLLRDHUP | EPOLLHUP);
	CHECK_EQ(read(c, &err, 1), 0);
}

TEST(epoll_states_of_a_tcp_connection)
{
	struct pair p = tcp_pair();
	char c;

	STATE(p.c, OUT);
	CHECK_EQ(write(p.s, "x", 1), 1);
	STATE(p.c, IN | OUT);
	CHECK_EQ(read(p.c, &c, 1), 1);
	int ep = watch_edges(p.c);

	CHECK_EQ(shutdown(p.s, SHUT_WR), 0);
	CHECK_EQ(edge_soon(ep), IN | OUT | EPOLLRDHUP);
	STATE(p.c, IN | OUT | EPOLLRDHUP);
	STATE(p.s, OUT);
	CHECK_EQ(shutdown(p.c, SHUT_WR), 0);
	CHECK((edge_soon(ep) & EPOLLHUP) != 0);
	STATE(p.c, IN | OUT | EPOLLRDHUP | EPOLLHUP);
	STATE(p.s, IN | OUT | EPOLLRDHUP | EPOLLHUP);
}

TEST(epoll_states_of_a_reset_tcp_connection)
{
	struct linger lg = { 1, 0 };
	struct pair p = tcp_pair();
	int ep = watch_edges(p.c), err;
	socklen_t len = sizeof(err);

	CHECK_EQ(setsockopt(p.s, SOL_SOCKET, SO_LINGER, &lg, sizeof(lg)), 0);
	close(p.s);
	CHECK_EQ(edge_soon(ep), IN | OUT | EPOLLRDHUP | EPOLLHUP | EPOLLERR);
	STATE(p.c, IN | OUT | EPOLLRDHUP | EPOLLHUP | EPOLLERR);
	CHECK_EQ(getsockopt(p.c, SOL_SOCKET, SO_ERROR, &err, &len), 0);
	CHECK_EQ(err, ECONNRESET);
	STATE(p.c, IN | OUT | EPOLLRDHUP | EPOLLHUP);
}

TEST(epoll_states_of_urgent_tcp_data)
{
	struct pair p = tcp_pair();
	char c;

	CHECK_EQ(send(p.s, "u", 1, MSG_OOB), 1);
	STATE(p.c, OUT | EPOLLPRI);
	CHECK_EQ(send(p.s, "n", 1, 0), 1);
	STATE(p.c, IN | OUT | EPOLLPRI);
	CHECK_EQ(recv(p.c, &c, 1, MSG_OOB), 1);
	CHECK_EQ(c, 'u');
	STATE(p.c, IN | OUT);
}

TEST(epoll_rcvlowat_delays_the_event)
{
	struct pair p = tcp_pair();
	int n = 10, ep;

	CHECK_EQ(setsockopt(p.c, SOL_SOCKET, SO_RCVLOWAT, &n, sizeof(n)), 0);
	ep = watch_edges(p.c);
	CHECK_EQ(write(p.s, "12345", 5), 5);
	sleep_ms(20);
	CHECK_EQ(edge(ep), 0);
	STATE(p.c, OUT);
	CHECK_EQ(write(p.s, "67890", 5), 5);
	CHECK_EQ(edge_soon(ep), IN | OUT);
	/* Raised while ten are there: not readable any more. */
	n = 11;
	CHECK_EQ(setsockopt(p.c, SOL_SOCKET, SO_RCVLOWAT, &n, sizeof(n)), 0);
	STATE(p.c, OUT);
	/* The end of the stream is told at any mark. */
	CHECK_EQ(shutdown(p.s, SHUT_WR), 0);
	STATE(p.c, IN | OUT | EPOLLRDHUP);
}

TEST(epoll_notsent_lowat_bounds_what_waits)
{
	static char junk[65536];
	struct pair p = tcp_pair();
	int low = 16384, small = 4096, unsent = -1, n = 0;

	CHECK_EQ(setsockopt(p.s, SOL_SOCKET, SO_RCVBUF, &small, sizeof(small)), 0);
	CHECK_EQ(setsockopt(p.c, IPPROTO_TCP, TCP_NOTSENT_LOWAT, &low, sizeof(low)), 0);
	STATE(p.c, OUT);
	fcntl(p.c, F_SETFL, O_NONBLOCK);
	struct pollfd pf = { .fd = p.c, .events = POLLOUT };

	/* Nobody reads: written while poll says so, what is not sent stays near the mark. */
	while (n < 10000 && poll(&pf, 1, 50) == 1) {
		CHECK(write(p.c, junk, 1024) > 0);
		n++;
	}
	CHECK(n < 10000);
	CHECK_EQ(ioctl(p.c, 0x894B /* SIOCOUTQNSD */, &unsent), 0);
	CHECK(unsent >= low / 2 && unsent <= low + 2048);
	int ep = watch_edges(p.c);

	STATE(p.c, 0);
	/* The reader makes room: it is sent, and we are told. */
	for (size_t got = 0; got < (size_t)n * 1024; ) {
		ssize_t r = read(p.s, junk, sizeof(junk));

		CHECK(r > 0);
		got += (size_t)r;
	}
	CHECK_EQ(edge_soon(ep), OUT);
	STATE(p.c, OUT);
}

/*
 * user/bench.c - what one operation costs, in ticks of the TSC; under QEMU's -icount a tick is a guest instruction.
 *
 *   bench [NAME...]             prints a line "NAME TICKS" for each row; the least of several rounds
 *   bench --row ROW ROUNDS      one row, that many rounds; says on a line "# N operations" how many that were
 *
 * The same binary runs on Pollux and on Linux, so the two columns of docs/performance.md compare like with like.
 */
#define _GNU_SOURCE
#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

static int rounds = 5;
static const char *only;	/* the row to measure; NULL: all */

/* musl installs no <linux/futex.h>. */
enum { FUTEX_WAIT_PRIVATE = 128, FUTEX_WAKE_PRIVATE = 129 };

static const char *self;

static uint64_t ticks(void)
{
	uint32_t lo, hi;

	__asm__ __volatile__("lfence; rdtsc" : "=a"(lo), "=d"(hi));
	return (uint64_t)hi << 32 | lo;
}

static void must(int ok, const char *what)
{
	if (!ok) {
		printf("# %s: %s\n", what, strerror(errno));
		fflush(stdout);
		_exit(1);
	}
}

/* The least number of ticks for one call of @op, over several rounds of @n. */
static void measure(const char *name, int n, void (*op)(void *), void *arg)
{
	uint64_t best = UINT64_MAX;

	if (only && strcmp(only, name) != 0)
		return;
	for (int i = 0; i < n / 10 + 1; i++)
		op(arg);
	for (int r = 0; r < rounds; r++) {
		uint64_t begin = ticks();

		for (int i = 0; i < n; i++)
			op(arg);
		uint64_t each = (ticks() - begin) / (uint64_t)n;

		best = each < best ? each : best;
	}
	printf("%s %llu\n", name, (unsigned long long)best);
	if (only)
		printf("# %d operations\n", n * rounds);
	fflush(stdout);
}

static void null_call(void *arg)
{
	(void)arg;
	syscall(SYS_getppid);
}
static void bench_null(void) { measure("null_syscall", 2000, null_call, NULL); }

static void eventfd_pair(void *arg)
{
	uint64_t v = 1;

	must(write(*(int *)arg, &v, 8) == 8 && read(*(int *)arg, &v, 8) == 8, "eventfd");
}
static void bench_eventfd(void)
{
	int fd = eventfd(0, 0);

	measure("eventfd_write_read", 1000, eventfd_pair, &fd);
}

static void pipe_pair(void *arg)
{
	int *fds = arg;
	char c = 0;

	must(write(fds[1], &c, 1) == 1 && read(fds[0], &c, 1) == 1, "pipe");
}
static void bench_pipe(void)
{
	int fds[2];

	must(pipe(fds) == 0, "pipe");
	measure("pipe_write_read", 1000, pipe_pair, fds);
}

static void open_read_close(void *arg)
{
	char buf[64];
	int fd = open(arg, O_RDONLY);

	must(fd >= 0 && read(fd, buf, sizeof(buf)) > 0, "open");
	close(fd);
}
static void stat_path(void *arg)
{
	struct stat st;

	must(stat(arg, &st) == 0, "stat");
}
static void bench_open(void)
{
	int fd = open("/tmp/bench-file", O_CREAT | O_RDWR | O_TRUNC, 0644);

	must(fd >= 0 && write(fd, "0123456789012345678901234567890123456789", 40) == 40, "create");
	close(fd);
	measure("open_read_close", 500, open_read_close, "/tmp/bench-file");
	measure("stat", 500, stat_path, "/tmp/bench-file");
}

static void map_touch_unmap(void *arg)
{
	char *p = mmap(NULL, 256 * 4096, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

	(void)arg;
	must(p != MAP_FAILED, "mmap");
	for (int i = 0; i < 256; i++)
		p[i * 4096] = 1;
	munmap(p, 256 * 4096);
}
static void bench_mmap(void) { measure("mmap_touch_256_munmap", 20, map_touch_unmap, NULL); }

static volatile sig_atomic_t handled;
static void on_signal(int sig) { handled += sig; }
static void signal_self(void *arg)
{
	(void)arg;
	raise(SIGUSR1);
}
static void bench_signal(void)
{
	signal(SIGUSR1, on_signal);
	measure("signal_to_self", 300, signal_self, NULL);
}

static void fork_exit_wait(void *arg)
{
	pid_t pid = fork();

	(void)arg;
	if (pid == 0)
		_exit(0);
	must(pid > 0 && waitpid(pid, NULL, 0) == pid, "fork");
}
static void fork_exec_wait(void *arg)
{
	pid_t pid = fork();

	(void)arg;
	if (pid == 0) {
		execl(self, "bench", "--exit", (char *)NULL);
		_exit(1);
	}
	must(pid > 0 && waitpid(pid, NULL, 0) == pid, "fork");
}
static void bench_fork(void)
{
	measure("fork_exit_wait", 50, fork_exit_wait, NULL);
	measure("fork_exec_wait", 30, fork_exec_wait, NULL);
}

static void *thread_body(void *arg) { return arg; }
static void thread_create_join(void *arg)
{
	pthread_t t;

	must(pthread_create(&t, NULL, thread_body, arg) == 0 && pthread_join(t, NULL) == 0, "pthread_create");
}
static void bench_thread(void) { measure("thread_create_join", 50, thread_create_join, NULL); }

/* Two ends that answer each other: [0] and [1] are this side's read and write descriptors. */
struct pair { int in, out; };
static void round_trip(void *arg)
{
	struct pair *p = arg;
	char c = 'x';

	must(write(p->out, &c, 1) == 1 && read(p->in, &c, 1) == 1, "round trip");
}
static pid_t start_echo(int in, int out)
{
	pid_t pid = fork();

	if (pid == 0) {
		char buf[4096];
		ssize_t n;

		while ((n = read(in, buf, sizeof(buf))) > 0)
			must(write(out, buf, (size_t)n) == n, "echo");
		_exit(0);
	}
	return pid;
}
static void end_echo(pid_t pid)
{
	kill(pid, SIGKILL);
	waitpid(pid, NULL, 0);
}
static void bench_ping_pong(void)
{
	int a[2], b[2];

	must(pipe(a) == 0 && pipe(b) == 0, "pipe");
	pid_t pid = start_echo(a[0], b[1]);
	struct pair p = { b[0], a[1] };

	measure("pipe_ping_pong", 300, round_trip, &p);
	end_echo(pid);
	must(socketpair(AF_UNIX, SOCK_STREAM, 0, a) == 0, "socketpair");
	pid = start_echo(a[1], a[1]);
	p = (struct pair){ a[0], a[0] };
	measure("unix_round_trip", 300, round_trip, &p);
	end_echo(pid);
}

static _Atomic int turn;
static void futex_wait_for(int mine)
{
	int seen;

	while ((seen = atomic_load(&turn)) != mine)
		syscall(SYS_futex, &turn, FUTEX_WAIT_PRIVATE, seen, NULL, NULL, 0);
}
static void futex_give(int other)
{
	atomic_store(&turn, other);
	syscall(SYS_futex, &turn, FUTEX_WAKE_PRIVATE, 1, NULL, NULL, 0);
}
static void *futex_partner(void *arg)
{
	for (;;) {
		futex_wait_for(1);
		futex_give(0);
	}
	return arg;
}
static void futex_round(void *arg)
{
	(void)arg;
	futex_give(1);
	futex_wait_for(0);
}
static void bench_futex(void)
{
	pthread_t t;

	must(pthread_create(&t, NULL, futex_partner, NULL) == 0, "pthread_create");
	measure("futex_ping_pong", 300, futex_round, NULL);
}

struct epoll_bench { int ep, fd; };
static void epoll_add_del(void *arg)
{
	struct epoll_bench *b = arg;
	struct epoll_event e = { .events = EPOLLIN };

	must(epoll_ctl(b->ep, EPOLL_CTL_ADD, b->fd, &e) == 0 &&
		     epoll_ctl(b->ep, EPOLL_CTL_DEL, b->fd, NULL) == 0,
	     "epoll_ctl");
}
static void epoll_wait_ready(void *arg)
{
	struct epoll_bench *b = arg;
	struct epoll_event e[4];

	must(epoll_wait(b->ep, e, 4, -1) == 1, "epoll_wait");
}
static void bench_epoll(void)
{
	struct epoll_bench b = { epoll_create1(0), eventfd(0, 0) };
	struct epoll_event e = { .events = EPOLLIN };
	uint64_t one = 1;

	measure("epoll_add_del", 500, epoll_add_del, &b);
	must(epoll_ctl(b.ep, EPOLL_CTL_ADD, b.fd, &e) == 0 && write(b.fd, &one, 8) == 8, "epoll");
	measure("epoll_wait_ready", 1000, epoll_wait_ready, &b);
	for (int i = 0; i < 10000; i++)
		must(epoll_ctl(b.ep, EPOLL_CTL_ADD, eventfd(0, 0), &e) == 0, "idle eventfd");
	measure("epoll_wait_ready_10k_idle", 1000, epoll_wait_ready, &b);
}

struct wake_pair { int ep, in, out; };
static void epoll_round(void *arg)
{
	struct wake_pair *w = arg;
	struct epoll_event e;
	uint64_t v = 1;

	must(write(w->out, &v, 8) == 8 && epoll_wait(w->ep, &e, 1, -1) == 1 && read(w->in, &v, 8) == 8,
	     "epoll round trip");
}
static pid_t start_epoll_echo(struct wake_pair *mine)
{
	int a = eventfd(0, 0), b = eventfd(0, 0);
	struct epoll_event e = { .events = EPOLLIN };

	*mine = (struct wake_pair){ epoll_create1(0), a, b };
	epoll_ctl(mine->ep, EPOLL_CTL_ADD, a, &e);
	pid_t pid = fork();

	if (pid == 0) {
		struct wake_pair other = { epoll_create1(0), b, a };
		uint64_t v;

		epoll_ctl(other.ep, EPOLL_CTL_ADD, b, &e);
		for (;;) {
			must(epoll_wait(other.ep, &e, 1, -1) == 1 && read(b, &v, 8) == 8 &&
				     write(a, &v, 8) == 8,
			     "epoll echo");
		}
	}
	return pid;
}
static void bench_epoll_wake(void)
{
	struct wake_pair mine;
	pid_t pid = start_epoll_echo(&mine);

	measure("epoll_eventfd_round_trip", 300, epoll_round, &mine);
	end_echo(pid);
}

/* Bytes of whole slabs that the named cache has for each of @objects. */
static long slab_bytes(const char *cache, long objects)
{
	char line[256], name[64];
	long num, per_slab, pages, bytes = 0;
	FILE *f = fopen("/proc/slabinfo", "r");

	must(f != NULL, "slabinfo");
	while (fgets(line, sizeof(line), f))
		if (sscanf(line, "%63s %*d %ld %*d %ld %ld", name, &num, &per_slab, &pages) == 4 &&
		    strcmp(name, cache) == 0 && per_slab)
			bytes = (num + per_slab - 1) / per_slab * pages * 4096 / objects;
	fclose(f);
	return bytes;
}

/* One epoll with more and more idle files: what the next ADD costs, what a wake-up, and the memory of each watch. */
static void bench_epoll_scale(void)
{
	enum { MOST = 100000, ADDS = 500 };
	struct epoll_event e = { .events = EPOLLIN };
	struct wake_pair mine;
	pid_t pid = start_epoll_echo(&mine);
	int n = 0;

	measure("epoll_round_trip_0_idle", 300, epoll_round, &mine);
	for (int size = 100; size <= MOST; size *= 10) {
		static int fds[ADDS];

		for (; n < size; n++)
			must(epoll_ctl(mine.ep, EPOLL_CTL_ADD, eventfd(0, 0), &e) == 0, "idle eventfd");
		for (int i = 0; i < ADDS; i++)
			fds[i] = eventfd(0, 0);
		uint64_t begin = ticks();

		for (int i = 0; i < ADDS; i++)
			must(epoll_ctl(mine.ep, EPOLL_CTL_ADD, fds[i], &e) == 0, "ADD");
		printf("epoll_add_at_%d %llu\n", size, (unsigned long long)(ticks() - begin) / ADDS);
		for (int i = 0; i < ADDS; i++)
			close(fds[i]);
	}
	measure("epoll_round_trip_100k_idle", 300, epoll_round, &mine);
	printf("epoll_bytes_per_watch %ld\n", slab_bytes("eventpoll_epi", n) + slab_bytes("eventpoll_pwq", n));
	fflush(stdout);
	end_echo(pid);
}

static int bound(int type, struct sockaddr_in *addr)
{
	socklen_t len = sizeof(*addr);
	int fd = socket(AF_INET, type, 0);

	*addr = (struct sockaddr_in){ .sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
	must(fd >= 0 && bind(fd, (struct sockaddr *)addr, len) == 0 &&
		     getsockname(fd, (struct sockaddr *)addr, &len) == 0,
	     "bind");
	return fd;
}
static int connected(const struct sockaddr_in *addr)
{
	int one = 1, fd = socket(AF_INET, SOCK_STREAM, 0);

	must(fd >= 0 && connect(fd, (const struct sockaddr *)addr, sizeof(*addr)) == 0, "connect");
	setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof(one));
	return fd;
}
static void send_64k(void *arg)
{
	static char buf[65536];
	struct pair *p = arg;
	char done;

	must(write(p->out, buf, sizeof(buf)) == sizeof(buf) && read(p->in, &done, 1) == 1, "64 KiB");
}
static pid_t start_sink(int fd)
{
	pid_t pid = fork();

	if (pid == 0) {
		static char buf[65536];

		for (;;) {
			for (size_t got = 0; got < sizeof(buf);) {
				ssize_t n = read(fd, buf + got, sizeof(buf) - got);

				must(n > 0, "sink");
				got += (size_t)n;
			}
			must(write(fd, "d", 1) == 1, "sink answer");
		}
	}
	return pid;
}
struct listener { int fd; struct sockaddr_in addr; };
static void connect_accept_close(void *arg)
{
	struct listener *l = arg;
	int c = connected(&l->addr), s = accept(l->fd, NULL, NULL);
	struct linger reset = { 1, 0 };

	/* A reset leaves no TIME_WAIT behind, so the number of rounds is not bound by the ports. */
	must(s >= 0, "accept");
	setsockopt(c, SOL_SOCKET, SO_LINGER, &reset, sizeof(reset));
	close(c);
	close(s);
}
static void bench_tcp(void)
{
	struct listener l;
	int one = 1;

	l.fd = bound(SOCK_STREAM, &l.addr);
	must(listen(l.fd, 16) == 0, "listen");
	int c = connected(&l.addr), s = accept(l.fd, NULL, NULL);
	struct pair p = { c, c };

	setsockopt(s, IPPROTO_TCP, TCP_NODELAY, &one, sizeof(one));
	pid_t pid = start_echo(s, s);

	measure("tcp_round_trip", 200, round_trip, &p);
	end_echo(pid);
	pid = start_sink(s);
	measure("tcp_64k_write", 50, send_64k, &p);
	end_echo(pid);
	close(c);
	close(s);
	measure("tcp_connect_accept_close", 100, connect_accept_close, &l);
}
static void bench_udp(void)
{
	struct sockaddr_in a, b;
	int fa = bound(SOCK_DGRAM, &a), fb = bound(SOCK_DGRAM, &b);

	must(connect(fa, (struct sockaddr *)&b, sizeof(b)) == 0 &&
		     connect(fb, (struct sockaddr *)&a, sizeof(a)) == 0,
	     "connect");
	pid_t pid = start_echo(fb, fb);
	struct pair p = { fa, fa };

	measure("udp_round_trip", 200, round_trip, &p);
	end_echo(pid);
}

/* A group that is large: only for who asks for it. */
#define BY_NAME "*"

static const struct { const char *name; void (*run)(void); } groups[] = {
	{ "null", bench_null }, { "eventfd", bench_eventfd }, { "pipe", bench_pipe }, { "open", bench_open },
	{ "mmap", bench_mmap }, { "signal", bench_signal }, { "fork", bench_fork }, { "thread", bench_thread },
	{ "ping_pong", bench_ping_pong }, { "futex", bench_futex }, { "epoll", bench_epoll },
	{ "epoll_wake", bench_epoll_wake }, { "tcp", bench_tcp }, { "udp", bench_udp },
	{ BY_NAME "epoll_scale", bench_epoll_scale },
};

int main(int argc, char **argv)
{
	struct rlimit files = { 110000, 110000 };

	self = argv[0];
	if (argc > 1 && strcmp(argv[1], "--exit") == 0)
		return 0;
	setrlimit(RLIMIT_NOFILE, &files);
	if (argc == 4 && strcmp(argv[1], "--row") == 0) {
		only = argv[2];
		rounds = atoi(argv[3]);
		argc = 1;
	}
	for (size_t i = 0; i < sizeof(groups) / sizeof(groups[0]); i++) {
		bool by_name = groups[i].name[0] == BY_NAME[0], wanted = argc < 2 && !by_name;

		for (int a = 1; a < argc; a++)
			wanted |= strcmp(argv[a], groups[i].name + by_name) == 0;
		if (!wanted)
			continue;
		/* A process of its own, so that one row's threads and descriptors do not weigh on the next. */
		pid_t pid = fork();
		int status;

		if (pid == 0) {
			groups[i].run();
			_exit(0);
		}
		waitpid(pid, &status, 0);
		if (status)
			printf("# %s failed\n", groups[i].name);
	}
	return 0;
}

/*
 * Makes each outcome of an epoll callback happen once, with the tracepoints on, and prints the records under a heading
 * "CASE name fd=N": for tests/test_wakes.py. Pollux only.
 */
#define _GNU_SOURCE
#include <fcntl.h>
#include <pthread.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <sys/wait.h>
#include <unistd.h>

static void must(int ok, const char *what)
{
	if (ok)
		return;
	perror(what);
	exit(1);
}

static void to_file(const char *path, const char *text)
{
	int fd = open(path, O_WRONLY);

	must(fd >= 0 && write(fd, text, strlen(text)) == (ssize_t)strlen(text), path);
	close(fd);
}

static void add(int ep, int fd, uint32_t events)
{
	struct epoll_event e = { .events = events, .data.fd = fd };

	must(epoll_ctl(ep, EPOLL_CTL_ADD, fd, &e) == 0, "epoll_ctl");
}
static void give(int fd)
{
	uint64_t one = 1;

	must(write(fd, &one, 8) == 8, "write");
}

static pthread_t waiters[4];
static int nr_waiters;
static void *waiter(void *ep)
{
	struct epoll_event e;

	epoll_wait((int)(long)ep, &e, 1, 400);
	return NULL;
}
static void wait_for(int ep)
{
	must(pthread_create(&waiters[nr_waiters++], NULL, waiter, (void *)(long)ep) == 0, "pthread_create");
	usleep(50000);
}

static int ep, fd;

static void listed(void)
{
	add(ep, fd, EPOLLIN);
	wait_for(ep);
	give(fd);
	usleep(1000);
}
static void nobody_waits(void)
{
	add(ep, fd, EPOLLIN);
	give(fd);
}
static void already_listed(void)
{
	add(ep, fd, EPOLLIN);
	give(fd);
	give(fd);
}
static void mask(void)
{
	add(ep, fd, EPOLLPRI);
	wait_for(ep);
	give(fd);
}
static void disarmed(void)
{
	struct epoll_event e;

	add(ep, fd, EPOLLIN | EPOLLONESHOT);
	give(fd);
	must(epoll_wait(ep, &e, 1, 0) == 1, "epoll_wait");
	give(fd);
}
/* The first in the queue takes it; the second is not told. */
static void exclusive_epolls(void)
{
	int other = epoll_create1(0), other_fd = dup(fd);

	add(ep, fd, EPOLLIN | EPOLLEXCLUSIVE);
	add(other, other_fd, EPOLLIN | EPOLLEXCLUSIVE);
	wait_for(ep);
	wait_for(other);
	printf("NOT TOLD fd=%d\n", other_fd);
	give(fd);
}
/* The same within one epoll: its tasks are exclusive waiters. */
static void exclusive_tasks(void)
{
	add(ep, fd, EPOLLIN | EPOLLET);
	wait_for(ep);
	wait_for(ep);
	give(fd);
}
/* An exclusive item that woke nobody lets the event go on to the next. */
static void exclusive_goes_on(void)
{
	int other = epoll_create1(0), other_fd = dup(fd);

	add(ep, fd, EPOLLIN | EPOLLEXCLUSIVE);
	add(other, other_fd, EPOLLIN | EPOLLEXCLUSIVE);
	wait_for(other);
	printf("GOES ON fd=%d\n", other_fd);
	give(fd);
}

#define CASE(f) { #f, f }
static const struct { const char *name; void (*run)(void); } cases[] = {
	CASE(listed), CASE(nobody_waits), CASE(already_listed), CASE(mask), CASE(disarmed), CASE(exclusive_epolls),
	CASE(exclusive_tasks), CASE(exclusive_goes_on),
};

static void run(size_t i)
{
	static char text[1 << 16];
	ssize_t n;

	ep = epoll_create1(0);
	fd = eventfd(0, EFD_NONBLOCK);
	printf("CASE %s fd=%d\n", cases[i].name, fd);
	to_file("/proc/pollux/trace", "clear");
	to_file("/proc/pollux/trace_on", "+*wake* +ep*");
	cases[i].run();
	to_file("/proc/pollux/trace_on", "-*");
	int trace = open("/proc/pollux/trace", O_RDONLY);

	while ((n = read(trace, text, sizeof(text))) > 0)
		fwrite(text, 1, (size_t)n, stdout);
	while (nr_waiters)
		pthread_join(waiters[--nr_waiters], NULL);
	fflush(stdout);
	exit(0);
}

int main(void)
{
	int status;

	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		fflush(stdout);
		if (fork() == 0)
			run(i);
		must(wait(&status) > 0 && status == 0, cases[i].name);
	}
	return 0;
}

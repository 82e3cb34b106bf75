/*
 * user/echo_epoll.c - the smallest complete epoll server: sends back whatever it receives.
 *
 *   echo_epoll [--lt] [PORT]
 *
 * Edge-triggered by default: an event says that something new has come, so the server reads until EAGAIN.
 * With --lt, level-triggered: an event says that something is there, so one read per event is enough.
 * Bytes that the client does not take yet wait in the connection's buffer, and EPOLLOUT tells when it goes on;
 * while they wait nothing more is read, so a client that never reads cannot make the server grow.
 */
#define _GNU_SOURCE
#include <arpa/inet.h>
#include <errno.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <unistd.h>

#define BUFFER_SIZE 16384
#define MAX_EVENTS 256

struct connection {
	int fd;
	bool peer_done;		/* it has sent its last byte */
	size_t start, end;	/* buffer[start..end) waits to be sent */
	char buffer[BUFFER_SIZE];
};

static unsigned int trigger = EPOLLET;

static int listen_on(unsigned short port)
{
	struct sockaddr_in addr = { .sin_family = AF_INET, .sin_port = htons(port) };
	int one = 1, fd = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);

	if (fd < 0 || setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &one, sizeof(one)) < 0 ||
	    bind(fd, (struct sockaddr *)&addr, sizeof(addr)) < 0 || listen(fd, SOMAXCONN) < 0) {
		perror("echo_epoll");
		exit(1);
	}
	return fd;
}

static void accept_all(int epoll_fd, int listener)
{
	int fd;

	while ((fd = accept4(listener, NULL, NULL, SOCK_NONBLOCK | SOCK_CLOEXEC)) >= 0) {
		struct connection *c = malloc(sizeof(*c));

		if (!c) {
			close(fd);
			continue;
		}
		c->fd = fd;
		c->peer_done = false;
		c->start = c->end = 0;
		struct epoll_event event = { .events = EPOLLIN | EPOLLOUT | EPOLLRDHUP | trigger, .data.ptr = c };

		if (!trigger)
			event.events = EPOLLIN;
		if (epoll_ctl(epoll_fd, EPOLL_CTL_ADD, fd, &event) < 0) {
			close(fd);
			free(c);
		}
	}
}

/* Return: false when the connection has failed. */
static bool flush(struct connection *c)
{
	while (c->start < c->end) {
		ssize_t n = send(c->fd, c->buffer + c->start, c->end - c->start, MSG_NOSIGNAL);

		if (n < 0)
			return errno == EAGAIN;
		c->start += (size_t)n;
	}
	c->start = c->end = 0;
	return true;
}

/* Return: false when the connection is finished, for good or bad. */
static bool serve(struct connection *c)
{
	do {
		if (!flush(c))
			return false;
		if (c->end > 0)
			return true;	/* the client is not reading: EPOLLOUT will come */
		if (c->peer_done)
			return false;
		ssize_t n = recv(c->fd, c->buffer, BUFFER_SIZE, 0);

		if (n < 0)
			return errno == EAGAIN;
		c->peer_done = n == 0;
		c->end = (size_t)n;
	} while (trigger || c->end > 0 || c->peer_done);
	return true;
}

/* Level-triggered: watch for what can make progress, or the same event would come again and again. */
static void watch(int epoll_fd, struct connection *c)
{
	struct epoll_event event = { .events = c->end > 0 ? EPOLLOUT : EPOLLIN, .data.ptr = c };

	if (!trigger)
		epoll_ctl(epoll_fd, EPOLL_CTL_MOD, c->fd, &event);
}

int main(int argc, char **argv)
{
	unsigned short port = 7;
	struct epoll_event events[MAX_EVENTS];
	struct rlimit files = { 65536, 65536 };

	for (int i = 1; i < argc; i++) {
		if (strcmp(argv[i], "--lt") == 0)
			trigger = 0;
		else
			port = (unsigned short)atoi(argv[i]);
	}
	setrlimit(RLIMIT_NOFILE, &files);
	int listener = listen_on(port);
	int epoll_fd = epoll_create1(EPOLL_CLOEXEC);
	struct epoll_event event = { .events = EPOLLIN | trigger, .data.ptr = NULL };

	if (epoll_fd < 0 || epoll_ctl(epoll_fd, EPOLL_CTL_ADD, listener, &event) < 0) {
		perror("echo_epoll: epoll");
		return 1;
	}
	for (;;) {
		int n = epoll_wait(epoll_fd, events, MAX_EVENTS, -1);

		for (int i = 0; i < n; i++) {
			struct connection *c = events[i].data.ptr;

			if (!c) {
				accept_all(epoll_fd, listener);
			} else if (!serve(c)) {
				close(c->fd);	/* the last reference: epoll forgets it */
				free(c);
			} else {
				watch(epoll_fd, c);
			}
		}
	}
}

/*
 * user/chat_epoll.c - a chat room that waits on four kinds of file at once: listener, clients, eventfd and stdin.
 *
 *   chat_epoll [PORT]
 *
 * A line from one client goes to all others; a line typed here goes to all; end of input or "/quit" ends it. A thread
 * counts seconds and tells the loop through an eventfd, which then announces how many are here, every minute.
 */
#define _GNU_SOURCE
#include <arpa/inet.h>
#include <errno.h>
#include <pthread.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <sys/socket.h>
#include <unistd.h>

#define MAX_CLIENTS 1024
#define LINE_SIZE 1024
#define ANNOUNCE_SECONDS 60

struct client {
	size_t len;
	char line[LINE_SIZE];
};

static struct client *clients[MAX_CLIENTS];	/* by descriptor */
static int nr_clients, tick_fd;

static void say_to_all_but(int sender, const char *text, size_t len)
{
	for (int fd = 0; fd < MAX_CLIENTS; fd++) {
		/* A client whose buffer is full misses the line: chat is not worth waiting for. */
		if (clients[fd] && fd != sender)
			send(fd, text, len, MSG_NOSIGNAL | MSG_DONTWAIT);
	}
}

static void announce(void)
{
	char text[64];
	int n = snprintf(text, sizeof(text), "* %d here\n", nr_clients);

	say_to_all_but(-1, text, (size_t)n);
}

static void enter(int epoll_fd, int listener)
{
	int fd = accept4(listener, NULL, NULL, SOCK_NONBLOCK | SOCK_CLOEXEC);
	struct epoll_event event = { .events = EPOLLIN, .data.fd = fd };

	if (fd < 0)
		return;
	if (fd >= MAX_CLIENTS || !(clients[fd] = calloc(1, sizeof(struct client)))) {
		close(fd);
		return;
	}
	epoll_ctl(epoll_fd, EPOLL_CTL_ADD, fd, &event);
	nr_clients++;
	announce();
}

static void leave(int fd)
{
	free(clients[fd]);
	clients[fd] = NULL;
	nr_clients--;
	close(fd);
	announce();
}

/* Whole lines go out as they are completed; a line longer than the buffer goes out in pieces. */
static void hear(int fd)
{
	struct client *c = clients[fd];
	ssize_t n = recv(fd, c->line + c->len, LINE_SIZE - c->len, 0);

	if (n <= 0) {
		if (n == 0 || errno != EAGAIN)
			leave(fd);
		return;
	}
	c->len += (size_t)n;
	char *end = memrchr(c->line, '\n', c->len);
	size_t whole = end ? (size_t)(end - c->line) + 1 : c->len == LINE_SIZE ? LINE_SIZE : 0;

	say_to_all_but(fd, c->line, whole);
	c->len -= whole;
	memmove(c->line, c->line + whole, c->len);
}

/* Return: false at the end of input. */
static int hear_stdin(void)
{
	char line[LINE_SIZE];
	ssize_t n = read(STDIN_FILENO, line, sizeof(line));

	if (n <= 0 || strncmp(line, "/quit", 5) == 0)
		return 0;
	say_to_all_but(-1, line, (size_t)n);
	return 1;
}

static void *tick(void *arg)
{
	uint64_t one = 1;

	for (;;) {
		sleep(ANNOUNCE_SECONDS);
		if (write(tick_fd, &one, sizeof(one)) != sizeof(one))
			return arg;
	}
}

static void watch(int epoll_fd, int fd)
{
	struct epoll_event event = { .events = EPOLLIN, .data.fd = fd };

	if (epoll_ctl(epoll_fd, EPOLL_CTL_ADD, fd, &event) < 0)
		perror("chat_epoll: this file cannot be watched");	/* stdin from a regular file: EPERM */
}

int main(int argc, char **argv)
{
	struct sockaddr_in addr = { .sin_family = AF_INET, .sin_port = htons(argc > 1 ? atoi(argv[1]) : 6667) };
	int one = 1, listener = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
	int epoll_fd = epoll_create1(EPOLL_CLOEXEC);
	pthread_t thread;

	setsockopt(listener, SOL_SOCKET, SO_REUSEADDR, &one, sizeof(one));
	if (bind(listener, (struct sockaddr *)&addr, sizeof(addr)) < 0 || listen(listener, SOMAXCONN) < 0) {
		perror("chat_epoll");
		return 1;
	}
	tick_fd = eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC);
	pthread_create(&thread, NULL, tick, NULL);
	watch(epoll_fd, listener);
	watch(epoll_fd, tick_fd);
	watch(epoll_fd, STDIN_FILENO);
	for (;;) {
		struct epoll_event events[16];
		int n = epoll_wait(epoll_fd, events, 16, -1);

		for (int i = 0; i < n; i++) {
			int fd = events[i].data.fd;
			uint64_t ticks;

			if (fd == listener)
				enter(epoll_fd, listener);
			else if (fd == tick_fd && read(tick_fd, &ticks, sizeof(ticks)) > 0)
				announce();
			else if (fd == STDIN_FILENO && !hear_stdin())
				return 0;
			else if (fd < MAX_CLIENTS && clients[fd])
				hear(fd);
		}
	}
}

/*
 * user/httpd_epoll.c - an HTTP/1.1 server on one epoll: keep-alive, pipelining, files, and the kernel's texts.
 *
 *   httpd_epoll [PORT [ROOT]]
 *
 * GET and HEAD of files below ROOT (default /www), "/" being index.html, and of texts below /proc under their own
 * names: /proc/net/tcp shows the very connection it travels on. One state per connection: reading a request, then
 * sending a response; both continue wherever EAGAIN stopped them. Edge-triggered. Requests follow RFC 9112.
 */
#define _GNU_SOURCE
#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/epoll.h>
#include <sys/resource.h>
#include <sys/sendfile.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#define REQUEST_MAX 8192
#define TEXT_MAX (256 * 1024)
#define MAX_EVENTS 256

struct connection {
	int fd;
	bool sending, close_after, peer_done;
	size_t request_len;
	char request[REQUEST_MAX + 1];
	/* the response: a head, then a body from memory or from a file */
	char head[512];
	size_t head_len, head_sent;
	char *text;
	size_t text_len, text_sent;
	int file;
	off_t file_pos, file_end;
};

static const char *root = "/www";

static const char *content_type(const char *path)
{
	static const char *const types[][2] = {
		{ ".html", "text/html; charset=utf-8" }, { ".css", "text/css" }, { ".js", "text/javascript" },
		{ ".png", "image/png" }, { ".svg", "image/svg+xml" }, { ".json", "application/json" },
		{ ".txt", "text/plain; charset=utf-8" }, { ".c", "text/plain; charset=utf-8" },
	};
	const char *dot = strrchr(path, '.');

	for (size_t i = 0; dot && i < sizeof(types) / sizeof(types[0]); i++) {
		if (strcmp(dot, types[i][0]) == 0)
			return types[i][1];
	}
	return strncmp(path, "/proc/", 6) == 0 ? "text/plain; charset=utf-8" : "application/octet-stream";
}

static void set_head(struct connection *c, const char *status, const char *type, size_t length)
{
	c->head_len = (size_t)snprintf(c->head, sizeof(c->head),
		"HTTP/1.1 %s\r\nServer: pollux\r\nContent-Type: %s\r\nContent-Length: %zu\r\nConnection: %s\r\n\r\n",
		status, type, length, c->close_after ? "close" : "keep-alive");
	c->head_sent = 0;
	c->sending = true;
}

static void respond_text(struct connection *c, const char *status, const char *type, const char *text,
			 size_t len, bool body)
{
	set_head(c, status, type, len);
	c->text_sent = c->text_len = 0;
	if (!body || !(c->text = malloc(len ? len : 1))) {
		c->close_after |= body;	/* out of memory: the length cannot be kept */
		return;
	}
	memcpy(c->text, text, len);
	c->text_len = len;
}

static void respond_error(struct connection *c, const char *status, bool body)
{
	char text[128];
	int n = snprintf(text, sizeof(text), "<h1>%s</h1>\n", status);

	respond_text(c, status, "text/html", text, (size_t)n, body);
}

/* Texts of /proc have no length before they are read. */
static void respond_generated(struct connection *c, int fd, const char *path, bool body)
{
	char *text = malloc(TEXT_MAX);
	size_t len = 0;
	ssize_t n = 0;

	while (text && len < TEXT_MAX && (n = read(fd, text + len, TEXT_MAX - len)) > 0)
		len += (size_t)n;
	close(fd);
	if (!text || n < 0)
		respond_error(c, "500 Internal Server Error", body);
	else
		respond_text(c, "200 OK", content_type(path), text, len, body);
	free(text);
}

static void respond_path(struct connection *c, const char *target, bool body)
{
	char path[4096];
	bool proc = strncmp(target, "/proc/", 6) == 0;
	struct stat st;

	/* A path may not climb out of the root, and only texts that everybody may see come from /proc. */
	if (target[0] != '/' || strstr(target, "/../") ||
	    (strlen(target) >= 3 && strcmp(target + strlen(target) - 3, "/..") == 0)) {
		respond_error(c, "403 Forbidden", body);
		return;
	}
	snprintf(path, sizeof(path), "%s%s%s", proc ? "" : root, target,
		 target[strlen(target) - 1] == '/' ? "index.html" : "");
	int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK | (proc ? O_NOFOLLOW : 0));

	if (fd < 0 || fstat(fd, &st) < 0 || !S_ISREG(st.st_mode)) {
		const char *status = fd < 0 && errno == EACCES ? "403 Forbidden" : "404 Not Found";

		if (fd >= 0)
			close(fd);
		respond_error(c, status, body);
		return;
	}
	if (proc) {
		respond_generated(c, fd, path, body);
		return;
	}
	set_head(c, "200 OK", content_type(path), (size_t)st.st_size);
	c->file = fd;
	c->file_pos = 0;
	c->file_end = body ? st.st_size : 0;
}

static const char *header_value(const char *headers, const char *name)
{
	size_t len = strlen(name);

	for (const char *line = headers; (line = strstr(line, "\r\n")) != NULL;) {
		line += 2;
		if (strncasecmp(line, name, len) == 0 && line[len] == ':')
			return line + len + 1 + strspn(line + len + 1, " \t");
	}
	return NULL;
}

/* @request is one whole request, NUL terminated after its last header line's end. */
static void handle_request(struct connection *c, char *request)
{
	char method[16], target[2048], version[16];
	const char *connection = header_value(request, "Connection");
	bool head;

	c->close_after = true;
	if (sscanf(request, "%15s %2047s %15[^\r\n]", method, target, version) != 3 ||
	    strncmp(version, "HTTP/1.", 7) != 0) {
		respond_error(c, "400 Bad Request", true);
		return;
	}
	if (header_value(request, "Transfer-Encoding") ||
	    (header_value(request, "Content-Length") && atoi(header_value(request, "Content-Length")) != 0)) {
		respond_error(c, "413 Content Too Large", true);
		return;
	}
	c->close_after = strcmp(version, "HTTP/1.0") == 0
				 ? !connection || strncasecmp(connection, "keep-alive", 10) != 0
				 : connection && strncasecmp(connection, "close", 5) == 0;
	head = strcmp(method, "HEAD") == 0;
	target[strcspn(target, "?#")] = '\0';
	if (head || strcmp(method, "GET") == 0)
		respond_path(c, target, !head);
	else
		respond_error(c, "405 Method Not Allowed", true);
}

/* Return: true if a whole request was there and has been answered (not yet sent). */
static bool take_request(struct connection *c)
{
	c->request[c->request_len] = '\0';
	char *end = strstr(c->request, "\r\n\r\n");

	if (!end) {
		if (c->request_len == REQUEST_MAX) {
			c->close_after = true;
			respond_error(c, "431 Request Header Fields Too Large", true);
		}
		return c->request_len == REQUEST_MAX;
	}
	size_t used = (size_t)(end - c->request) + 4;

	end[2] = '\0';
	handle_request(c, c->request);
	c->request_len -= used;
	memmove(c->request, c->request + used, c->request_len);
	return true;
}

static void end_response(struct connection *c)
{
	free(c->text);
	c->text = NULL;
	c->text_len = c->text_sent = 0;
	if (c->file >= 0)
		close(c->file);
	c->file = -1;
	c->sending = false;
}

/* Return: 1 all sent, 0 the client must read first, -1 it is gone. */
static int send_response(struct connection *c)
{
	bool more = c->text_len > 0 || (c->file >= 0 && c->file_pos < c->file_end);

	while (c->head_sent < c->head_len) {
		ssize_t n = send(c->fd, c->head + c->head_sent, c->head_len - c->head_sent,
				 MSG_NOSIGNAL | (more ? MSG_MORE : 0));

		if (n < 0)
			return errno == EAGAIN ? 0 : -1;
		c->head_sent += (size_t)n;
	}
	while (c->text_sent < c->text_len) {
		ssize_t n = send(c->fd, c->text + c->text_sent, c->text_len - c->text_sent, MSG_NOSIGNAL);

		if (n < 0)
			return errno == EAGAIN ? 0 : -1;
		c->text_sent += (size_t)n;
	}
	while (c->file >= 0 && c->file_pos < c->file_end) {
		ssize_t n = sendfile(c->fd, c->file, &c->file_pos, (size_t)(c->file_end - c->file_pos));

		if (n <= 0)
			return n < 0 && errno == EAGAIN ? 0 : -1;
	}
	end_response(c);
	return 1;
}

/* Return: false when the connection is finished. */
static bool serve(struct connection *c)
{
	for (;;) {
		if (c->sending) {
			int sent = send_response(c);

			if (sent <= 0)
				return sent == 0;
			if (c->close_after)
				return false;
		}
		if (c->request_len > 0 && take_request(c))
			continue;
		if (c->peer_done)
			return false;
		ssize_t n = recv(c->fd, c->request + c->request_len, REQUEST_MAX - c->request_len, 0);

		if (n < 0)
			return errno == EAGAIN;
		c->peer_done = n == 0;
		c->request_len += (size_t)n;
	}
}

static void accept_all(int epoll_fd, int listener)
{
	int fd;

	while ((fd = accept4(listener, NULL, NULL, SOCK_NONBLOCK | SOCK_CLOEXEC)) >= 0) {
		struct connection *c = calloc(1, sizeof(*c));
		struct epoll_event event = { .events = EPOLLIN | EPOLLOUT | EPOLLRDHUP | EPOLLET, .data.ptr = c };

		if (!c || epoll_ctl(epoll_fd, EPOLL_CTL_ADD, fd, &event) < 0) {
			close(fd);
			free(c);
			continue;
		}
		c->fd = fd;
		c->file = -1;
	}
}

int main(int argc, char **argv)
{
	struct sockaddr_in addr = { .sin_family = AF_INET, .sin_port = htons(argc > 1 ? atoi(argv[1]) : 80) };
	int one = 1, listener = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
	int epoll_fd = epoll_create1(EPOLL_CLOEXEC);
	struct epoll_event events[MAX_EVENTS], event = { .events = EPOLLIN | EPOLLET, .data.ptr = NULL };
	struct rlimit files = { 65536, 65536 };

	if (argc > 2)
		root = argv[2];
	signal(SIGPIPE, SIG_IGN);	/* sendfile() has no MSG_NOSIGNAL */
	setrlimit(RLIMIT_NOFILE, &files);
	setsockopt(listener, SOL_SOCKET, SO_REUSEADDR, &one, sizeof(one));
	if (bind(listener, (struct sockaddr *)&addr, sizeof(addr)) < 0 || listen(listener, SOMAXCONN) < 0 ||
	    epoll_ctl(epoll_fd, EPOLL_CTL_ADD, listener, &event) < 0) {
		perror("httpd_epoll");
		return 1;
	}
	for (;;) {
		int n = epoll_wait(epoll_fd, events, MAX_EVENTS, -1);

		for (int i = 0; i < n; i++) {
			struct connection *c = events[i].data.ptr;

			if (!c) {
				accept_all(epoll_fd, listener);
			} else if (!serve(c)) {
				end_response(c);
				close(c->fd);
				free(c);
			}
		}
	}
}

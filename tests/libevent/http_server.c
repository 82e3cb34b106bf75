/*
 * tests/libevent/http_server.c - evhttp: small answers, bodies sent back, answers by timer, in chunks, a whole file.
 *
 *   http_server BACKEND PORT     until GET /quit or SIGTERM, which is an event, too
 *
 * /hello  /echo (POST)  /slow?ms=N  /stream?n=CHUNKS  /self (the program's own file)  /count (answers so far)
 */
#include "tests/libevent/base.h"
#include <event2/buffer.h>
#include <event2/http.h>
#include <event2/keyvalq_struct.h>
#include <fcntl.h>
#include <signal.h>
#include <sys/stat.h>
#include <unistd.h>

#define CHUNK 16384

static struct event_base *base;
static int answers;

static int parameter(struct evhttp_request *req, const char *name)
{
	struct evkeyvalq query;
	const char *uri = evhttp_request_get_uri(req), *value;
	int n;

	evhttp_parse_query(uri, &query);
	value = evhttp_find_header(&query, name);
	n = value ? atoi(value) : 0;
	evhttp_clear_headers(&query);
	return n;
}

static void reply(struct evhttp_request *req, struct evbuffer *body)
{
	answers++;
	evhttp_send_reply(req, 200, "OK", body);
	if (body)
		evbuffer_free(body);
}

static void hello(struct evhttp_request *req, void *arg)
{
	struct evbuffer *body = evbuffer_new();

	evbuffer_add_printf(body, "hello by %s\n", (const char *)arg);
	reply(req, body);
}

static void count(struct evhttp_request *req, void *arg)
{
	struct evbuffer *body = evbuffer_new();

	(void)arg;
	evbuffer_add_printf(body, "%d\n", answers);
	reply(req, body);
}

static void echo(struct evhttp_request *req, void *arg)
{
	struct evbuffer *body = evbuffer_new();

	(void)arg;
	evbuffer_add_buffer(body, evhttp_request_get_input_buffer(req));
	reply(req, body);
}

static void slow_done(evutil_socket_t fd, short what, void *arg)
{
	struct evbuffer *body = evbuffer_new();

	(void)fd;
	(void)what;
	evbuffer_add_printf(body, "slow\n");
	reply(arg, body);
}
static void slow(struct evhttp_request *req, void *arg)
{
	int ms = parameter(req, "ms");
	struct timeval tv = { ms / 1000, ms % 1000 * 1000 };

	(void)arg;
	event_base_once(base, -1, EV_TIMEOUT, slow_done, req, &tv);
}

/* One chunk each time round the loop, so that many answers make progress at once. */
struct stream { struct evhttp_request *req; int sent, all; };
static void stream_next(evutil_socket_t fd, short what, void *arg)
{
	static char bytes[CHUNK];
	struct timeval now = { 0, 0 };
	struct stream *s = arg;

	(void)fd;
	(void)what;
	if (s->sent == s->all) {
		answers++;
		evhttp_send_reply_end(s->req);
		free(s);
		return;
	}
	struct evbuffer *chunk = evbuffer_new();

	memset(bytes, 'a' + s->sent % 26, sizeof(bytes));
	evbuffer_add(chunk, bytes, sizeof(bytes));
	evhttp_send_reply_chunk(s->req, chunk);
	evbuffer_free(chunk);
	s->sent++;
	event_base_once(base, -1, EV_TIMEOUT, stream_next, s, &now);
}
static void stream(struct evhttp_request *req, void *arg)
{
	struct stream *s = calloc(1, sizeof(*s));

	(void)arg;
	s->req = req;
	s->all = parameter(req, "n");
	evhttp_send_reply_start(req, 200, "OK");
	stream_next(-1, 0, s);
}

static void self(struct evhttp_request *req, void *arg)
{
	struct evbuffer *body = evbuffer_new();
	int fd = open("/proc/self/exe", O_RDONLY);
	struct stat st;

	(void)arg;
	if (fd < 0 || fstat(fd, &st) < 0 || evbuffer_add_file(body, fd, 0, st.st_size) < 0)
		evbuffer_add_printf(body, "no file\n");
	reply(req, body);
}

static void quit(struct evhttp_request *req, void *arg)
{
	struct timeval soon = { 0, 100000 };

	(void)arg;
	reply(req, NULL);
	event_base_loopexit(base, &soon);
}

static void on_term(evutil_socket_t sig, short what, void *arg)
{
	(void)what;
	(void)arg;
	printf("signal %d\n", (int)sig);
	event_base_loopbreak(base);
}

int main(int argc, char **argv)
{
	if (argc != 3) {
		fprintf(stderr, "usage: http_server BACKEND PORT\n");
		return 2;
	}
	base = base_on(argv[1]);
	struct evhttp *http = evhttp_new(base);
	struct event *term = evsignal_new(base, SIGTERM, on_term, NULL);

	event_add(term, NULL);
	evhttp_set_cb(http, "/hello", hello, argv[1]);
	evhttp_set_cb(http, "/count", count, NULL);
	evhttp_set_cb(http, "/echo", echo, NULL);
	evhttp_set_cb(http, "/slow", slow, NULL);
	evhttp_set_cb(http, "/stream", stream, NULL);
	evhttp_set_cb(http, "/self", self, NULL);
	evhttp_set_cb(http, "/quit", quit, NULL);
	evhttp_set_timeout(http, 60);
	if (evhttp_bind_socket(http, "0.0.0.0", (ev_uint16_t)atoi(argv[2])) < 0) {
		perror("bind");
		return 1;
	}
	event_base_dispatch(base);
	evhttp_free(http);
	event_free(term);
	event_base_free(base);
	printf("answers %d\n", answers);
	return 0;
}

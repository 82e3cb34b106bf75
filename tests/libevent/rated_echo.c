/*
 * tests/libevent/rated_echo.c - bufferevents: an echo server whose connections have rate limits and time limits.
 *
 *   rated_echo BACKEND PORT BYTES_PER_SECOND      until what a connection brings begins with 'Q'
 *
 * A connection reads no faster than the rate, in ticks of 50 ms. One that is silent for a second is told so and closed.
 */
#include "tests/libevent/base.h"
#include <event2/buffer.h>
#include <event2/bufferevent.h>
#include <event2/listener.h>
#include <netinet/in.h>

static struct event_base *base;
static struct ev_token_bucket_cfg *rate_of_one;
static long served, timeouts;

static void on_read(struct bufferevent *bev, void *arg)
{
	struct evbuffer *in = bufferevent_get_input(bev);
	unsigned char *first = evbuffer_pullup(in, 1);

	(void)arg;
	if (first && *first == 'Q') {
		event_base_loopexit(base, NULL);
		return;
	}
	served += (long)evbuffer_get_length(in);
	bufferevent_write_buffer(bev, in);
}

static void close_when_written(struct bufferevent *bev, void *arg)
{
	(void)arg;
	if (evbuffer_get_length(bufferevent_get_output(bev)) == 0)
		bufferevent_free(bev);
}

static void on_event(struct bufferevent *bev, short what, void *arg)
{
	(void)arg;
	if (what & BEV_EVENT_TIMEOUT) {
		timeouts++;
		bufferevent_setcb(bev, NULL, close_when_written, on_event, NULL);
		bufferevent_write(bev, "too slow\n", 9);
		return;
	}
	/* The end of what it sends: what is left is written first. */
	if ((what & BEV_EVENT_EOF) && evbuffer_get_length(bufferevent_get_output(bev))) {
		bufferevent_setcb(bev, NULL, close_when_written, on_event, NULL);
		return;
	}
	bufferevent_free(bev);
}

static void on_accept(struct evconnlistener *l, evutil_socket_t fd, struct sockaddr *addr, int len, void *arg)
{
	struct bufferevent *bev = bufferevent_socket_new(base, fd, BEV_OPT_CLOSE_ON_FREE);
	struct timeval silence = { 1, 0 };

	(void)l;
	(void)addr;
	(void)len;
	(void)arg;
	bufferevent_set_rate_limit(bev, rate_of_one);
	bufferevent_setcb(bev, on_read, NULL, on_event, NULL);
	bufferevent_set_timeouts(bev, &silence, NULL);
	bufferevent_enable(bev, EV_READ | EV_WRITE);
}

int main(int argc, char **argv)
{
	struct sockaddr_in a = { .sin_family = AF_INET };
	struct timeval tick = { 0, 50000 };

	if (argc != 4) {
		fprintf(stderr, "usage: rated_echo BACKEND PORT BYTES_PER_SECOND\n");
		return 2;
	}
	size_t rate = (size_t)atoi(argv[3]) / 20;

	base = base_on(argv[1]);
	a.sin_port = htons((unsigned short)atoi(argv[2]));
	rate_of_one = ev_token_bucket_cfg_new(rate, rate, EV_RATE_LIMIT_MAX, EV_RATE_LIMIT_MAX, &tick);
	struct evconnlistener *l = evconnlistener_new_bind(base, on_accept, NULL, LEV_OPT_CLOSE_ON_FREE, 64,
							   (struct sockaddr *)&a, sizeof(a));

	if (!l) {
		perror("bind");
		return 1;
	}
	event_base_dispatch(base);
	printf("served %ld timeouts %ld\n", served, timeouts);
	return 0;
}

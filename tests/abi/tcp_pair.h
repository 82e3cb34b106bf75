/* tests/abi/tcp_pair.h - TCP sockets on the loopback for the cases: listeners, connections, exact data, waiting
 * for events. */
#pragma once
#include "tests/abi/tap.h"
#include <arpa/inet.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/ioctl.h>

#define U __attribute__((unused))

static U struct sockaddr_in loopback(int port)
{
	struct sockaddr_in a = { .sin_family = AF_INET,
				 .sin_port = htons(port),
				 .sin_addr.s_addr = htonl(INADDR_LOOPBACK) };

	return a;
}
static U int bind_to(int fd, int port)
{
	struct sockaddr_in a = loopback(port);

	return bind(fd, (struct sockaddr *)&a, sizeof(a));
}
static U int connect_to(int fd, int port)
{
	struct sockaddr_in a = loopback(port);

	return connect(fd, (struct sockaddr *)&a, sizeof(a));
}
static U int port_of(int fd)
{
	struct sockaddr_in a;
	socklen_t len = sizeof(a);

	CHECK_EQ(getsockname(fd, (struct sockaddr *)&a, &len), 0);
	CHECK_EQ(len, sizeof(a));
	return ntohs(a.sin_port);
}
static U int tcp_socket(int flags)
{
	int fd = socket(AF_INET, SOCK_STREAM | flags, 0);

	CHECK(fd >= 0);
	return fd;
}
static U int listener(int backlog)
{
	int fd = tcp_socket(0);

	CHECK_EQ(bind_to(fd, 0), 0);
	CHECK_EQ(listen(fd, backlog), 0);
	return fd;
}
/* A port that nobody listens on. */
static U int unused_port(void)
{
	int fd = tcp_socket(0), port;

	CHECK_EQ(bind_to(fd, 0), 0);
	port = port_of(fd);
	close(fd);
	return port;
}
struct pair { int c, s; };	/* the connecting side, the accepted one */
static U struct pair pair_of(int l)
{
	struct pair p;

	p.c = tcp_socket(0);
	CHECK_EQ(connect_to(p.c, port_of(l)), 0);
	p.s = accept(l, NULL, NULL);
	CHECK(p.s >= 0);
	return p;
}
static U struct pair tcp_pair(void)
{
	int l = listener(8);
	struct pair p = pair_of(l);

	close(l);
	return p;
}
static U void nonblocking(int fd) { CHECK_EQ(fcntl(fd, F_SETFL, fcntl(fd, F_GETFL) | O_NONBLOCK), 0); }
static U int get_int(int fd, int level, int name)
{
	int v = -12345;
	socklen_t len = sizeof(v);

	CHECK_EQ(getsockopt(fd, level, name, &v, &len), 0);
	CHECK_EQ(len, sizeof(v));
	return v;
}
static U int set_int(int fd, int level, int name, int v) { return setsockopt(fd, level, name, &v, sizeof(v)); }
/* The events of @fd now, of all that can be asked for. */
#define ALL_EVENTS (POLLIN | POLLOUT | POLLPRI | POLLRDHUP | POLLRDNORM | POLLWRNORM)
static U int events_now(int fd)
{
	struct pollfd p = { .fd = fd, .events = ALL_EVENTS };

	CHECK(poll(&p, 1, 0) >= 0);
	return p.revents & (POLLIN | POLLOUT | POLLPRI | POLLRDHUP | POLLHUP | POLLERR);
}
/* Wait up to five seconds for any of @events; return all that are set. */
static U int wait_events(int fd, int events)
{
	struct pollfd p = { .fd = fd, .events = events };

	CHECK(poll(&p, 1, 5000) >= 0);
	return p.revents;
}
static U void write_all(int fd, const void *buf, size_t len)
{
	const char *p = buf;

	while (len) {
		ssize_t n = write(fd, p, len);

		CHECK(n > 0);
		p += n;
		len -= n;
	}
}
static U void read_all(int fd, void *buf, size_t len)
{
	char *p = buf;

	while (len) {
		ssize_t n = read(fd, p, len);

		CHECK(n > 0);
		p += n;
		len -= n;
	}
}
/* Byte @i of a stream that repeats with a period no buffer size divides. */
static inline unsigned char stream_byte(size_t i) { return (unsigned char)(i % 251 + (i >> 16)); }
static U void fill_stream(unsigned char *buf, size_t from, size_t len)
{
	for (size_t i = 0; i < len; i++)
		buf[i] = stream_byte(from + i);
}
static U void check_stream(const unsigned char *buf, size_t from, size_t len)
{
	for (size_t i = 0; i < len; i++) {
		if (buf[i] != stream_byte(from + i))
			TAP_FAIL("byte %zu of the stream is %u, not %u", from + i, buf[i],
				 stream_byte(from + i));
	}
}
/* Send @total bytes of the stream in pieces of @piece; for a child process. */
static U void send_stream(int fd, size_t total, size_t piece)
{
	unsigned char *buf = malloc(piece);

	for (size_t done = 0; done < total; ) {
		size_t n = total - done < piece ? total - done : piece;

		fill_stream(buf, done, n);
		write_all(fd, buf, n);
		done += n;
	}
	free(buf);
}
/* Receive bytes @from to @to of the stream in pieces of up to @piece. */
static U void receive_rest(int fd, size_t from, size_t to, size_t piece)
{
	unsigned char *buf = malloc(piece);

	while (from < to) {
		ssize_t n = read(fd, buf, to - from < piece ? to - from : piece);

		CHECK(n > 0);
		check_stream(buf, from, n);
		from += n;
	}
	free(buf);
}
static U void receive_stream(int fd, size_t total, size_t piece) { receive_rest(fd, 0, total, piece); }
static U int state_of(int fd)
{
	struct tcp_info ti;
	socklen_t len = sizeof(ti);

	CHECK_EQ(getsockopt(fd, IPPROTO_TCP, TCP_INFO, &ti, &len), 0);
	return ti.tcpi_state;
}
/* Wait until @fd's state is @state. */
static U void wait_state(int fd, int state)
{
	for (int i = 0; i < 500 && state_of(fd) != state; i++)
		sleep_ms(10);
	CHECK_EQ(state_of(fd), state);
}
#define TCPS_ESTABLISHED 1
#define TCPS_FIN_WAIT2 5
#define TCPS_CLOSE 7
#define TCPS_CLOSE_WAIT 8
#define TCPS_LISTEN 10

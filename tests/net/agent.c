/*
 * tests/net/agent.c - system calls by remote control: a worker for each scripted connection, told what to do over UDP.
 *
 * The host sends one line of text to a worker's port, "SERIAL COMMAND WORDS...", and gets "SERIAL RESULT ERRNO [HEX]"
 * when the call has returned: a worker whose call blocks does not answer until it does. Sockets have small numbers
 * (slots) of the host's choice. Bytes sent and received follow a pattern by their place in the stream, so that only
 * their number has to travel. Worker 0 does nothing but answer at once: what the kernel sent before its answer was not
 * sent by a timer. It works on Linux as well, so that the same scripts run there.
 *
 *     agent WORKERS FIRST_PORT
 */
#define _GNU_SOURCE
#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <net/if.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/sendfile.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#define SLOTS 16
#define SIOCOUTQ 0x5411	/* linux/sockios.h, which musl has not */
#define SIOCOUTQNSD 0x894b
#define BIG (1 << 20)
#define MAX_WORDS 8
#define MAX_REPLY_BYTES 600

static struct slot {
	int fd;
	size_t sent, received;	/* places in the pattern */
} slots[SLOTS];
static unsigned char bytes[BIG];
static char reply_hex[2 * MAX_REPLY_BYTES + 1];

static unsigned char pattern(size_t i) { return (unsigned char)((i ^ (i >> 8) * 31) & 0xff); }

static void put_hex(const void *data, size_t len)
{
	const unsigned char *p = data;

	len = len < MAX_REPLY_BYTES ? len : MAX_REPLY_BYTES;
	for (size_t i = 0; i < len; i++)
		sprintf(reply_hex + 2 * i, "%02x", p[i]);
}

static size_t get_hex(const char *text, unsigned char *out)
{
	size_t n = strlen(text) / 2;

	for (size_t i = 0; i < n; i++) {
		unsigned int byte = 0;

		sscanf(text + 2 * i, "%2x", &byte);
		out[i] = (unsigned char)byte;
	}
	return n;
}

static int keep(long slot, int fd)
{
	if (fd >= 0)
		slots[slot] = (struct slot){ .fd = fd };
	return fd < 0 ? -1 : 0;
}

static long do_bind(int fd, const char *addr, const char *port)
{
	struct sockaddr_in sin = { .sin_family = AF_INET, .sin_port = htons((unsigned short)atoi(port)) };

	inet_pton(AF_INET, addr, &sin.sin_addr);
	return bind(fd, (struct sockaddr *)&sin, sizeof(sin));
}

static long do_connect(int fd, const char *addr, const char *port)
{
	struct sockaddr_in sin = { .sin_family = AF_INET, .sin_port = htons((unsigned short)atoi(port)) };

	inet_pton(AF_INET, addr, &sin.sin_addr);
	if (strcmp(port, "unspec") == 0)
		sin = (struct sockaddr_in){ .sin_family = AF_UNSPEC };
	return connect(fd, (struct sockaddr *)&sin, sizeof(sin));
}

static long do_send(struct slot *s, size_t len, int flags, const char *hex)
{
	ssize_t n;

	len = len < BIG ? len : BIG;
	for (size_t i = 0; i < len; i++)
		bytes[i] = pattern(s->sent + i);
	if (hex)
		get_hex(hex, bytes);
	n = send(s->fd, bytes, len, flags);
	if (n > 0)
		s->sent += (size_t)n;
	return n;
}

/* The first bytes travel back, after 01 if all are those of the pattern, else 00. */
static long do_recv(struct slot *s, size_t len, int flags)
{
	static unsigned char out[MAX_REPLY_BYTES];
	ssize_t n = recv(s->fd, bytes, len < BIG ? len : BIG, flags);

	out[0] = 1;
	for (ssize_t i = 0; i < n; i++)
		out[0] &= bytes[i] == pattern(s->received + (size_t)i);
	if (n > 0) {
		memcpy(out + 1, bytes, n < 64 ? (size_t)n : 64);
		put_hex(out, 1 + (n < 64 ? (size_t)n : 64));
		if (!(flags & MSG_PEEK))
			s->received += (size_t)n;
	}
	return n;
}

static long do_sendfile(struct slot *s, size_t len)
{
	FILE *f = tmpfile();
	ssize_t n = -1;

	if (!f)
		return -1;
	for (size_t i = 0; i < len; i++)
		putc(pattern(s->sent + i), f);
	fflush(f);
	off_t offset = 0;

	n = sendfile(s->fd, fileno(f), &offset, len);
	fclose(f);
	if (n > 0)
		s->sent += (size_t)n;
	return n;
}

static long do_ioctl(int fd, const char *name)
{
	unsigned long request = strcmp(name, "FIONREAD") == 0    ? FIONREAD
				: strcmp(name, "SIOCATMARK") == 0 ? SIOCATMARK
				: strcmp(name, "SIOCOUTQ") == 0   ? SIOCOUTQ
								  : SIOCOUTQNSD;
	int value = -1;

	return ioctl(fd, request, &value) < 0 ? -1 : value;
}

static long do_poll(int fd, short events, int timeout_ms)
{
	struct pollfd p = { .fd = fd, .events = events };

	return poll(&p, 1, timeout_ms) < 0 ? -1 : p.revents;
}

static long do_getopt(int fd, int level, int name, socklen_t len)
{
	unsigned char value[MAX_REPLY_BYTES] = { 0 };

	len = len < sizeof(value) ? len : sizeof(value);
	if (getsockopt(fd, level, name, value, &len) < 0)
		return -1;
	put_hex(value, len);
	return (long)len;
}

static long do_write_file(const char *path, const char *hex)
{
	unsigned char value[256];
	size_t len = get_hex(hex, value);
	int fd = open(path, O_WRONLY);
	ssize_t n = fd < 0 ? -1 : write(fd, value, len);

	if (fd >= 0)
		close(fd);
	return n;
}

static long do_read_file(const char *path)
{
	static char text[MAX_REPLY_BYTES];
	int fd = open(path, O_RDONLY);
	ssize_t n = fd < 0 ? -1 : read(fd, text, sizeof(text));

	if (fd >= 0)
		close(fd);
	if (n > 0)
		put_hex(text, (size_t)n);
	return n;
}

static long do_name(int fd, int (*call)(int, struct sockaddr *, socklen_t *))
{
	struct sockaddr_in sin;
	socklen_t len = sizeof(sin);

	return call(fd, (struct sockaddr *)&sin, &len) < 0 ? -1 : ntohs(sin.sin_port);
}

static long close_slot(struct slot *s)
{
	int fd = s->fd;

	*s = (struct slot){ .fd = -1 };
	return close(fd);
}

static long reset(void)
{
	for (int i = 0; i < SLOTS; i++)
		if (slots[i].fd >= 0)
			close_slot(&slots[i]);
	return 0;
}

#define IS(name) (strcmp(w[0], name) == 0)

/* Commands about a socket: "COMMAND SLOT WORDS...". */
static long socket_command(char **w, struct slot *s)
{
	if (IS("bind"))
		return do_bind(s->fd, w[2], w[3]);
	if (IS("connect"))
		return do_connect(s->fd, w[2], w[3]);
	if (IS("listen"))
		return listen(s->fd, atoi(w[2]));
	if (IS("accept"))
		return keep(atoi(w[2]), accept4(s->fd, NULL, NULL, atoi(w[3])));
	if (IS("send"))
		return do_send(s, strtoul(w[2], NULL, 0), atoi(w[3]), w[4]);
	if (IS("recv"))
		return do_recv(s, strtoul(w[2], NULL, 0), atoi(w[3]));
	if (IS("sendfile"))
		return do_sendfile(s, strtoul(w[2], NULL, 0));
	if (IS("shutdown"))
		return shutdown(s->fd, atoi(w[2]));
	if (IS("close"))
		return close_slot(s);
	if (IS("setopt")) {
		unsigned char value[64];

		return setsockopt(s->fd, atoi(w[2]), atoi(w[3]), value, (socklen_t)get_hex(w[4], value));
	}
	if (IS("getopt"))
		return do_getopt(s->fd, atoi(w[2]), atoi(w[3]), (socklen_t)atoi(w[4]));
	if (IS("poll"))
		return do_poll(s->fd, (short)atoi(w[2]), atoi(w[3]));
	if (IS("ioctl"))
		return do_ioctl(s->fd, w[2]);
	if (IS("nonblock"))
		return fcntl(s->fd, F_SETFL, atoi(w[2]) ? O_NONBLOCK : 0);
	if (IS("sockname"))
		return do_name(s->fd, getsockname);
	if (IS("peername"))
		return do_name(s->fd, getpeername);
	errno = ENOSYS;
	return -1;
}

static long command(char **w)
{
	if (IS("ping"))
		return 0;
	if (IS("reset"))
		return reset();
	if (IS("write"))
		return do_write_file(w[1], w[2]);
	if (IS("read"))
		return do_read_file(w[1]);
	if (IS("socket"))
		return keep(atoi(w[1]), socket(AF_INET, SOCK_STREAM, 0));
	return socket_command(w, &slots[atoi(w[1]) % SLOTS]);
}

static void __attribute__((noreturn)) work(unsigned short port)
{
	struct sockaddr_in sin = { .sin_family = AF_INET, .sin_port = htons(port) }, from;
	static char line[4096], answer[sizeof(reply_hex) + 64];
	int control = socket(AF_INET, SOCK_DGRAM, 0);

	for (int i = 0; i < SLOTS; i++)
		slots[i].fd = -1;
	if (control < 0 || bind(control, (struct sockaddr *)&sin, sizeof(sin)) < 0) {
		perror("agent: control socket");
		exit(1);
	}
	for (;;) {
		socklen_t from_len = sizeof(from);
		ssize_t n = recvfrom(control, line, sizeof(line) - 1, 0, (struct sockaddr *)&from, &from_len);
		char *words[MAX_WORDS + 2] = { NULL };
		int nr = 0;

		if (n <= 0)
			continue;
		line[n] = '\0';
		for (char *p = strtok(line, " "); p && nr < MAX_WORDS; p = strtok(NULL, " "))
			words[nr++] = p;
		reply_hex[0] = '\0';
		errno = 0;
		long result = nr > 1 ? command(words + 1) : -1;
		int error = result < 0 ? errno : 0;
		int len = snprintf(answer, sizeof(answer), "%s %ld %d %s", words[0], result, error, reply_hex);

		sendto(control, answer, (size_t)len, 0, (struct sockaddr *)&from, from_len);
	}
}

/* Each script's peer has an address of its own: they need a larger network than the runner sets up on Linux. */
static void widen_network(void)
{
	struct ifreq ifr = { .ifr_name = "eth0" };
	struct sockaddr_in *sin = (struct sockaddr_in *)&ifr.ifr_netmask;
	int fd = socket(AF_INET, SOCK_DGRAM, 0);

	sin->sin_family = AF_INET;
	inet_pton(AF_INET, "255.255.0.0", &sin->sin_addr);
	if (ioctl(fd, SIOCSIFNETMASK, &ifr) < 0)
		perror("agent: netmask");
	close(fd);
}

int main(int argc, char **argv)
{
	int workers = argc > 1 ? atoi(argv[1]) : 1, port = argc > 2 ? atoi(argv[2]) : 5000;

	signal(SIGPIPE, SIG_IGN);
	widen_network();
	for (int i = 1; i < workers; i++)
		if (fork() == 0)
			work((unsigned short)(port + i));
	work((unsigned short)port);
}

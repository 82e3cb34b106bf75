/*
 * tests/net/transfer.c - transfers over a bad link, all in one machine: both ends of a connection are this kernel's,
 * and the link between them is a tun device whose other end is this program.
 *
 *   transfer OPTIONS...      each OPTIONS "name=number,..." is one transfer: size bytes one way, then as many back
 *
 * A packet to 10.77.0.2 comes out of the tun device, is lost, delayed or spoilt as link.h says, and goes back in with
 * its addresses exchanged: so 10.77.0.2 is this machine again, as seen over the link. One thread does all, so under
 * QEMU's instruction counter a transfer is the same, bit by bit, every time, and waiting costs nothing.
 *
 * For each transfer a line "name=value ..."; "bad=..." says what was wrong. Exit status: how many were bad. The option
 * "trace" shows each packet with the state of its sender.
 */
#define _GNU_SOURCE
#include "../abi/tun_pair.h"
#include "link.h"
#include <netinet/tcp.h>
#include <poll.h>
#include <time.h>

#define SECOND 1000000000ULL
enum { PATTERN = 65521, FIRST_PORT = 7000, CHUNK = 65536, SLACK_MS = 60 };

struct options {
	struct link_config link;
	uint64_t size;
	int buffer;		/* SO_SNDBUF and SO_RCVBUF; 0: the system's choice */
	uint64_t limit_ns;
	uint32_t mtu2;		/* the link's MTU once half of the bytes have come; 0: as before */
	bool silent;		/* no ICMP error for what is too big */
	bool trace;		/* a line for each packet, on stderr */
};

struct transfer {
	struct options o;
	int port, tun, client, server, listener;
	struct link up, down;
	uint64_t begin, last_packet, last_progress, longest_idle, longest_stall;
	char bad[160];
};

static unsigned char pattern[PATTERN + CHUNK], buffer[CHUNK], packet[65536];

static uint64_t now_ns(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (uint64_t)t.tv_sec * SECOND + (uint64_t)t.tv_nsec;
}

static void die(const char *what)
{
	perror(what);
	exit(99);
}

#define complain(t, ...) do { if (!(t)->bad[0]) snprintf((t)->bad, sizeof((t)->bad), __VA_ARGS__); } while (0)

/* --- the link --- */

static uint32_t checksum(const unsigned char *p, size_t len)
{
	uint32_t sum = 0;

	for (size_t i = 0; i + 1 < len; i += 2)
		sum += (uint32_t)(p[i] << 8 | p[i + 1]);
	while (sum >> 16)
		sum = (sum & 0xffff) + (sum >> 16);
	return ~sum & 0xffff;
}

static void put16(unsigned char *p, uint32_t v)
{
	p[0] = (unsigned char)(v >> 8);
	p[1] = (unsigned char)v;
}

/* RFC 1191 4: the router before the narrow part says how narrow it is. */
static void fragmentation_needed(struct transfer *t, const unsigned char *ip, uint32_t mtu)
{
	unsigned char e[20 + 8 + 28] = { 0x45, 0, 0, sizeof(e), 0, 0, 0, 0, 64, IPPROTO_ICMP, 0, 0, 10, 77, 0, 254 };

	memcpy(e + 16, ip + 12, 4);
	e[20] = 3;
	e[21] = 4;
	put16(e + 26, mtu);
	memcpy(e + 28, ip, 28);
	put16(e + 22, checksum(e + 20, sizeof(e) - 20));
	put16(e + 10, checksum(e, 20));
	if (write(t->tun, e, sizeof(e)) != sizeof(e))
		die("write to tun");
}

/* Has nothing at all been sent for longer than the sender's timers explain? */
static void judge_idle(struct transfer *t, int sender, uint64_t now)
{
	struct tcp_info i;
	socklen_t len = sizeof(i);
	uint64_t idle = now - t->last_packet;

	if (idle > t->longest_idle)
		t->longest_idle = idle;
	if (idle < SECOND / 5 || sender < 0 || getsockopt(sender, IPPROTO_TCP, TCP_INFO, &i, &len))
		return;
	uint64_t allowed = ((uint64_t)i.tcpi_rto << (i.tcpi_backoff < 10 ? i.tcpi_backoff : 10)) * 1000;

	if (allowed > 120 * SECOND)
		allowed = 120 * SECOND;
	/* The timer wheel of either kernel rounds a long time up by as much as an eighth of it. */
	allowed += allowed / 8 + 2 * (t->o.link.delay_ns + t->o.link.jitter_ns) + SLACK_MS * 1000000ULL;
	if (idle > allowed)
		complain(t, "%llu ms of silence where the timers explain %llu", (unsigned long long)(idle / 1000000),
			 (unsigned long long)(allowed / 1000000));
}

static uint32_t get32(const unsigned char *p)
{
	return (uint32_t)p[0] << 24 | (uint32_t)p[1] << 16 | (uint32_t)p[2] << 8 | p[3];
}

static void find_timestamps(const unsigned char *tcp, unsigned int header, uint32_t ts[2])
{
	for (unsigned int o = 20; o + 1 < header && tcp[o]; o += tcp[o] == 1 ? 1 : tcp[o + 1]) {
		if (tcp[o] != 8)
			continue;
		ts[0] = get32(tcp + o + 2);
		ts[1] = get32(tcp + o + 6);
	}
}

static void trace_packet(const struct transfer *t, int sender, const unsigned char *ip, size_t n, bool up,
			 int verdict)
{
	static uint32_t first[2];	/* sequence numbers from here on, per direction */
	const unsigned char *tcp = ip + 20;
	unsigned int header = (tcp[12] >> 4) * 4u;
	uint32_t ts[2] = { 0, 0 };
	struct tcp_info i;
	socklen_t len = sizeof(i);

	if (tcp[13] & 2)
		first[up] = get32(tcp + 4);
	memset(&i, 0, sizeof(i));
	if (sender >= 0)
		getsockopt(sender, IPPROTO_TCP, TCP_INFO, &i, &len);
	find_timestamps(tcp, header, ts);
	uint32_t seq = get32(tcp + 4) - first[up];

	fprintf(stderr, "%.3f %s %u:%u ack %u flags %02x win %u ts %u %u%s%s", (double)(now_ns() - t->begin) / 1e6,
		up ? ">" : "<", seq, seq + (uint32_t)n - 20 - header, get32(tcp + 8) - first[!up], tcp[13],
		tcp[14] << 8 | tcp[15], ts[0], ts[1], header > 32 ? " sack" : "", verdict == LINK_TAKEN ? "" : " LOST");
	fprintf(stderr, "  state %d rto %u backoff %d cwnd %u ssthresh %u out %u sacked %u lost %u retrans %u "
		"reord %u/%u rtt %u\n",
		i.tcpi_ca_state, i.tcpi_rto, i.tcpi_backoff, i.tcpi_snd_cwnd, i.tcpi_snd_ssthresh,
		i.tcpi_unacked, i.tcpi_sacked, i.tcpi_lost, i.tcpi_retrans, i.tcpi_reordering, i.tcpi_reord_seen,
		i.tcpi_rtt);
}

/* All that has been sent goes onto the link. Return: was there anything? */
static bool take_packets(struct transfer *t, int sender, uint64_t now)
{
	bool any = false;
	ssize_t n;

	while ((n = read(t->tun, packet, sizeof(packet))) > 0) {
		if (n < 40 || packet[0] >> 4 != 4 || packet[9] != IPPROTO_TCP)
			continue;
		int sport = packet[20] << 8 | packet[21], dport = packet[22] << 8 | packet[23];
		struct link *l = dport == t->port ? &t->up : &t->down;
		unsigned char before[28];

		any = true;
		memcpy(before, packet, sizeof(before));
		turn_around(packet);
		if (dport != t->port && sport != t->port) {	/* an earlier transfer's: its link is perfect now */
			if (write(t->tun, packet, (size_t)n) != n)
				die("write to tun");
			continue;
		}
		judge_idle(t, sender, now);
		t->last_packet = now;
		int verdict = link_send(l, packet, (uint32_t)n, (uint32_t)n, now);

		if (t->o.trace)
			trace_packet(t, sender, packet, (size_t)n, l == &t->up, verdict);
		if (verdict == LINK_TOO_BIG && !t->o.silent)
			fragmentation_needed(t, before, l->c.mtu);
	}
	return any;
}

static bool deliver_packets(struct transfer *t, struct link *l, uint64_t now)
{
	struct link_frame *f;
	bool any = false;

	while ((f = link_take(l, now)) != NULL) {
		/* a header that was spoilt may make it no packet at all */
		if (write(t->tun, f->data, f->len) != (ssize_t)f->len && errno != EINVAL)
			die("write to tun");
		free(f);
		any = true;
	}
	return any;
}

/* --- the ends --- */

static int new_socket(const struct options *o)
{
	int fd = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK, 0), one = 1;

	if (fd < 0)
		die("socket");
	setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &one, sizeof(one));
	if (o->buffer && (setsockopt(fd, SOL_SOCKET, SO_SNDBUF, &o->buffer, sizeof(int)) ||
			  setsockopt(fd, SOL_SOCKET, SO_RCVBUF, &o->buffer, sizeof(int))))
		die("setsockopt");
	return fd;
}

static void open_ends(struct transfer *t)
{
	struct sockaddr_in a = { .sin_family = AF_INET, .sin_port = htons((uint16_t)t->port) };

	t->listener = new_socket(&t->o);
	t->client = new_socket(&t->o);
	t->server = -1;
	if (bind(t->listener, (struct sockaddr *)&a, sizeof(a)) || listen(t->listener, 5))
		die("listen");
	a.sin_addr.s_addr = inet_addr("10.77.0.2");
	if (connect(t->client, (struct sockaddr *)&a, sizeof(a)) == 0 || errno != EINPROGRESS)
		die("connect");
}

/* Return: did any bytes go? @sent counts them. */
static bool send_some(struct transfer *t, int fd, uint64_t *sent)
{
	bool any = false;

	while (*sent < t->o.size) {
		uint64_t left = t->o.size - *sent;
		ssize_t n = send(fd, pattern + *sent % PATTERN, left < CHUNK ? left : CHUNK, MSG_NOSIGNAL);

		if (n < 0 && errno != EAGAIN)
			complain(t, "send: %s after %llu bytes", strerror(errno), (unsigned long long)*sent);
		if (n <= 0)
			return any;
		any = true;
		*sent += (uint64_t)n;
		if (*sent == t->o.size)
			shutdown(fd, SHUT_WR);
	}
	return any;
}

/* Return: true at the end of the stream. */
static bool receive_some(struct transfer *t, int fd, uint64_t *got, uint64_t now)
{
	for (;;) {
		ssize_t n = recv(fd, buffer, sizeof(buffer), 0);

		if (n < 0 && errno != EAGAIN)
			complain(t, "recv: %s after %llu bytes", strerror(errno), (unsigned long long)*got);
		if (n < 0)
			return false;
		if (now - t->last_progress > t->longest_stall)
			t->longest_stall = now - t->last_progress;
		t->last_progress = now;
		if (n == 0)
			return true;
		if (*got + (uint64_t)n > t->o.size || memcmp(buffer, pattern + *got % PATTERN, (size_t)n))
			complain(t, "wrong bytes from %llu on", (unsigned long long)*got);
		*got += (uint64_t)n;
		if (t->o.mtu2 && *got > t->o.size / 2)
			t->up.c.mtu = t->down.c.mtu = t->o.mtu2;
	}
}

/* Sleep until a packet is due, or one of the files has something to do. */
static void wait_for_something(struct transfer *t, int sender, int receiver, bool more)
{
	uint64_t due = link_next(&t->up), now = now_ns();
	struct pollfd p[3] = { { t->tun, POLLIN, 0 }, { receiver, POLLIN, 0 }, { more ? sender : -1, POLLOUT, 0 } };

	if (link_next(&t->down) < due)
		due = link_next(&t->down);
	if (due > now + 200 * SECOND)
		due = now + 200 * SECOND;
	uint64_t left = due > now ? due - now : 0;
	struct timespec ts = { (time_t)(left / SECOND), (long)(left % SECOND) };

	ppoll(p, 3, &ts, NULL);
}

/* One way. @server: it is the sender. Return: nanoseconds. */
static uint64_t one_way(struct transfer *t, bool server)
{
	uint64_t begin = now_ns(), sent = 0, got = 0, now = begin;
	bool done = false;

	t->last_progress = t->last_packet = begin;
	while (!done && !t->bad[0]) {
		now = now_ns();
		if (now - begin > t->o.limit_ns)
			complain(t, "not done after %llu s: %llu bytes", (unsigned long long)(t->o.limit_ns / SECOND),
				 (unsigned long long)got);
		int sender = server ? t->server : t->client, receiver = server ? t->client : t->server;
		bool any = take_packets(t, sender, now);

		any |= deliver_packets(t, &t->up, now);
		any |= deliver_packets(t, &t->down, now);
		if (t->server < 0 && (t->server = accept4(t->listener, NULL, NULL, SOCK_NONBLOCK)) >= 0)
			continue;
		any |= send_some(t, sender, &sent);
		if (receiver >= 0)
			done = receive_some(t, receiver, &got, now);
		if (!any && !done)
			wait_for_something(t, sender, receiver >= 0 ? receiver : t->listener, sent < t->o.size);
	}
	if (!t->bad[0] && got != t->o.size)
		complain(t, "the stream ended after %llu bytes", (unsigned long long)got);
	return now - begin;
}

static uint32_t retransmissions(int fd)
{
	struct tcp_info i;
	socklen_t len = sizeof(i);

	return fd >= 0 && !getsockopt(fd, IPPROTO_TCP, TCP_INFO, &i, &len) ? i.tcpi_total_retrans : 0;
}

static void print_number(const char *name, uint64_t v) { printf(" %s=%llu", name, (unsigned long long)v); }

static void print_result(const struct transfer *t, const uint64_t ns[2])
{
	printf("out_ms=%.3f back_ms=%.3f", (double)ns[0] / 1e6, (double)ns[1] / 1e6);
	print_number("out_retrans", retransmissions(t->client));
	print_number("back_retrans", retransmissions(t->server));
	print_number("packets", t->up.nr + t->down.nr);
	print_number("lost", t->up.lost + t->down.lost);
	print_number("queue_lost", t->up.queue_lost + t->down.queue_lost);
	print_number("late", t->up.reordered + t->down.reordered);
	print_number("corrupted", t->up.corrupted + t->down.corrupted);
	print_number("duplicated", t->up.duplicated + t->down.duplicated);
	print_number("too_big", t->up.too_big + t->down.too_big);
	print_number("down_lost", t->up.down_lost + t->down.down_lost);
	print_number("idle_ms", t->longest_idle / 1000000);
	print_number("stall_ms", t->longest_stall / 1000000);
	if (t->bad[0])
		printf(" bad=\"%s\"", t->bad);
	printf("\n");
}

static void free_link(struct link *l)
{
	struct link_frame *f;

	while ((f = link_take(l, UINT64_MAX - 1)) != NULL)
		free(f);
	free(l->heap);
}

static bool run(struct transfer *t)
{
	uint64_t ns[2];

	t->begin = now_ns();
	link_init(&t->up, &t->o.link, t->begin);
	link_init(&t->down, &t->o.link, t->begin);
	t->down.c.seed = ~t->o.link.seed;
	open_ends(t);
	ns[0] = one_way(t, false);
	ns[1] = t->bad[0] ? 0 : one_way(t, true);
	print_result(t, ns);
	fflush(stdout);
	close(t->client);
	close(t->server);
	close(t->listener);
	free_link(&t->up);
	free_link(&t->down);
	return !t->bad[0];
}

static struct options parse(char *text)
{
	struct options o = { .size = 1 << 20, .limit_ns = 3600 * SECOND, .link = { .seed = 1 } };

	for (char *word = strtok(text, ","); word; word = strtok(NULL, ",")) {
		char *value = strchr(word, '=');
		double v = value ? atof(value + 1) : 1;

		if (value)
			*value = 0;
		if (!strcmp(word, "size"))
			o.size = (uint64_t)v;
		else if (!strcmp(word, "buffer"))
			o.buffer = (int)v;
		else if (!strcmp(word, "limit"))
			o.limit_ns = (uint64_t)(v * 1e9);
		else if (!strcmp(word, "mtu2"))
			o.mtu2 = (uint32_t)v;
		else if (!strcmp(word, "silent"))
			o.silent = true;
		else if (!strcmp(word, "trace"))
			o.trace = true;
		else if (!link_parse(&o.link, word, v))
			die(word);
	}
	return o;
}

/* What an earlier connection learnt must not help a later one: Linux remembers it by address. */
static void write_sysctl(const char *path, const char *value)
{
	int fd = open(path, O_WRONLY);

	if (fd >= 0 && write(fd, value, strlen(value)) < 0)
		die(path);
	close(fd);
}

int main(int argc, char **argv)
{
	struct ifreq r = request("bad0", IFF_TUN | IFF_NO_PI);
	int tun = open("/dev/net/tun", O_RDWR | O_NONBLOCK), failed = 0;

	if (tun < 0 || ioctl(tun, TUNSETIFF, &r) || bring_up("bad0", "10.77.0.1", "255.255.255.0"))
		die("tun");
	write_sysctl("/proc/sys/net/ipv4/tcp_no_metrics_save", "1");
	write_sysctl("/proc/sys/net/ipv4/tcp_retries2", "100");	/* 15 times unheard is nothing rare at 30 % */
	for (size_t i = 0; i < sizeof(pattern); i++)
		pattern[i] = i < PATTERN ? (unsigned char)link_random(7, i, 0) : pattern[i - PATTERN];
	for (int i = 1; i < argc; i++) {
		struct transfer t = { .o = parse(argv[i]), .port = FIRST_PORT + i, .tun = tun };

		failed += !run(&t);
	}
	return failed;
}

/*
 * Eight threads on shared and nested epolls: two give counts through six files, two take what the epolls report, four
 * do their worst meanwhile: MOD, DEL and ADD, closing one of two numbers of a watched file, epolls and files that come
 * and go. Whatever they do, each file is left in the set and armed, so every count must arrive: a giver waits when
 * eight of its counts are under way, and one that waits too long says which was lost. Two of the files are calm: no MOD
 * finds again what an edge of theirs has lost.
 *
 *   epoll_storm SECONDS [SEED]      prints "N counts arrived" and exits with 0, or "lost: ..." and 1
 *
 * The same on Linux.
 */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <pthread.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <time.h>
#include <unistd.h>

enum { NR_CHANNELS = 6, NR_GIVERS = 2, UNDER_WAY = 8, FIRST_NUMBER = 500, STOP = 1000, INNER, SHARED };
#define LOST_MS 60000

/* A watched file: @fd is the giver's, @number stands in the set. Channels 0 to 2 in inner, 3 to 5 in shared. */
static struct channel { int fd, number; long given, taken; } channels[NR_CHANNELS];
static int inner, shared, outer;	/* outer watches the other two */
static int acks[NR_GIVERS], stop;
static int64_t end_ns;
static unsigned int first_seed;

static int64_t now_ns(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return t.tv_sec * 1000000000LL + t.tv_nsec;
}
static unsigned int next_random(unsigned int *r)
{
	*r = *r * 1664525 + 1013904223;
	return *r >> 8;
}
#define MUST(cond) do { if (!(cond)) fail(#cond, __LINE__); } while (0)
static void fail(const char *what, int line)
{
	printf("%s, line %d, errno %d\n", what, line, errno);
	fflush(stdout);
	_exit(2);
}

static int ctl(int ep, int op, int fd, uint32_t events, uint64_t data)
{
	struct epoll_event e = { .events = events, .data.u64 = data };

	return epoll_ctl(ep, op, fd, &e);
}
static bool is_calm(int c) { return c % (NR_CHANNELS / 2) == 0; }
static int some_wild(unsigned int *r)
{
	return (int)(next_random(r) % 2) * (NR_CHANNELS / 2) + 1 + (int)(next_random(r) % 2);
}
static int set_of(int c) { return c < NR_CHANNELS / 2 ? inner : shared; }
static uint32_t some_kind(unsigned int *r)
{
	static const uint32_t kinds[] = { EPOLLIN, EPOLLIN | EPOLLET, EPOLLIN | EPOLLONESHOT,
					  EPOLLIN | EPOLLET | EPOLLONESHOT };

	return kinds[next_random(r) % 4];
}
static bool going_on(void) { return now_ns() < end_ns; }

/* --- givers and takers ------------------------------------------------------------------------------------- */

static long under_way(const struct channel *ch)
{
	return ch->given - __atomic_load_n(&ch->taken, __ATOMIC_SEQ_CST);
}
static void lost(void)
{
	for (int c = 0; c < NR_CHANNELS; c++)
		printf("lost: channel %d: %ld given, %ld taken\n", c, channels[c].given, channels[c].taken);
	fflush(stdout);
	_exit(1);
}
static void await_ack(int giver)
{
	struct pollfd p = { .fd = acks[giver], .events = POLLIN };
	uint64_t v;

	if (poll(&p, 1, LOST_MS) != 1)
		lost();
	MUST(read(acks[giver], &v, 8) == 8);
}

/* Gives through each NR_GIVERS-th channel; at the end waits until all is taken. */
static void *giver(void *arg)
{
	int me = (int)(long)arg;
	uint64_t one = 1;
	bool left;

	while (going_on()) {
		bool gave = false;

		for (int c = me; c < NR_CHANNELS; c += NR_GIVERS) {
			if (under_way(&channels[c]) >= UNDER_WAY)
				continue;
			channels[c].given++;
			MUST(write(channels[c].fd, &one, 8) == 8);
			gave = true;
		}
		if (!gave)
			await_ack(me);
	}
	do {
		left = false;
		for (int c = me; c < NR_CHANNELS; c += NR_GIVERS)
			left |= under_way(&channels[c]) > 0;
		if (left)
			await_ack(me);
	} while (left);
	return NULL;
}

/* What epoll reported of channel @c; whatever kind it was, it is armed again. */
static void take(int c, unsigned int *r)
{
	uint64_t v;

	if (read(channels[c].fd, &v, 8) == 8) {
		uint64_t one = 1;

		__atomic_fetch_add(&channels[c].taken, (long)v, __ATOMIC_SEQ_CST);
		MUST(write(acks[c % NR_GIVERS], &one, 8) == 8);
	}
	if (is_calm(c))
		return;
	/* Between a DEL and its ADD it is not there, and while its number is closed it cannot be named. */
	if (ctl(set_of(c), EPOLL_CTL_MOD, channels[c].number, some_kind(r), (uint64_t)c))
		MUST(errno == ENOENT || errno == EBADF);
}

static void take_events(int ep, int timeout, unsigned int *r, bool *stopped);
static void take_event(uint64_t data, unsigned int *r, bool *stopped)
{
	if (data == STOP)
		*stopped = true;
	else if (data == INNER || data == SHARED)
		take_events(data == INNER ? inner : shared, 0, r, stopped);
	else if (data < NR_CHANNELS)
		take((int)data, r);
}
/* With no time-out: until nothing is left, as the epoll above may be told by edges. */
static void take_events(int ep, int timeout, unsigned int *r, bool *stopped)
{
	struct epoll_event e[5];
	int n;

	while (!*stopped && (n = epoll_wait(ep, e, 1 + (int)(next_random(r) % 5), timeout)) > 0) {
		for (int i = 0; i < n; i++)
			take_event(e[i].data.u64, r, stopped);
		if (timeout)
			return;
	}
}
static void *taker(void *arg)
{
	unsigned int r = first_seed * 8 + (unsigned int)(long)arg;
	bool stopped = false;

	while (!stopped)
		take_events((long)arg ? outer : shared, -1, &r, &stopped);
	return NULL;
}

/* --- the others --------------------------------------------------------------------------------------------- */

static void *modifier(void *arg)
{
	unsigned int r = first_seed * 8 + (unsigned int)(long)arg;

	while (going_on()) {
		int c = some_wild(&r);

		if (ctl(set_of(c), EPOLL_CTL_MOD, channels[c].number, some_kind(&r), (uint64_t)c))
			MUST(errno == ENOENT || errno == EBADF);
		uint32_t edge = next_random(&r) % 2 ? EPOLLET : 0;

		if (first_seed % 2 && next_random(&r) % 16 == 0)
			MUST(ctl(outer, EPOLL_CTL_MOD, inner, EPOLLIN | edge, INNER) == 0);
	}
	return NULL;
}

/* The only one who takes numbers and items away, so it knows that they are there. */
static void *remover(void *arg)
{
	unsigned int r = first_seed * 8 + (unsigned int)(long)arg;

	while (going_on()) {
		int c = some_wild(&r);
		struct channel *ch = &channels[c];

		if (next_random(&r) % 2) {
			MUST(ctl(set_of(c), EPOLL_CTL_DEL, ch->number, 0, 0) == 0);
			MUST(ctl(set_of(c), EPOLL_CTL_ADD, ch->number, some_kind(&r), (uint64_t)c) == 0);
			continue;
		}
		/* The file is open as ch->fd, too: it stays in the set, and armed or not as it was. */
		MUST(close(ch->number) == 0);
		if (next_random(&r) % 4 == 0)
			sched_yield();
		MUST(dup2(ch->fd, ch->number) == ch->number);
		MUST(ctl(set_of(c), EPOLL_CTL_ADD, ch->number, EPOLLIN, 0) < 0 && errno == EEXIST);
		/* A taker could not arm it meanwhile. */
		MUST(ctl(set_of(c), EPOLL_CTL_MOD, ch->number, some_kind(&r), (uint64_t)c) == 0);
	}
	return NULL;
}

/* Epolls that come and go above all others. Their events are nobody's. */
static void *builder(void *arg)
{
	unsigned int r = first_seed * 8 + (unsigned int)(long)arg;
	struct epoll_event e[4];

	while (going_on()) {
		int top = epoll_create1(0), c = (int)(next_random(&r) % NR_CHANNELS);

		MUST(top >= 0);
		MUST(ctl(top, EPOLL_CTL_ADD, next_random(&r) % 2 ? inner : outer, EPOLLIN, 0) == 0);
		MUST(ctl(top, EPOLL_CTL_ADD, channels[c].fd, EPOLLIN | EPOLLET, 0) == 0);
		MUST(ctl(inner, EPOLL_CTL_ADD, top, EPOLLIN, 0) < 0 && errno == ELOOP);
		MUST(epoll_wait(top, e, 4, 0) >= 0);
		close(top);
	}
	return NULL;
}

/* Files that come and go in the shared sets. Their data is no channel's. */
static void *visitor(void *arg)
{
	unsigned int r = first_seed * 8 + (unsigned int)(long)arg;
	uint64_t one = 1;

	while (going_on()) {
		int fd = eventfd(next_random(&r) % 2, EFD_NONBLOCK), ep = next_random(&r) % 2 ? inner : shared, p[2];

		MUST(fd >= 0 && pipe(p) == 0);
		MUST(ctl(ep, EPOLL_CTL_ADD, fd, EPOLLIN | EPOLLET, 5000) == 0);
		MUST(ctl(ep, EPOLL_CTL_ADD, p[0], EPOLLIN | EPOLLET, 5000) == 0);
		if (next_random(&r) % 2)
			MUST(write(fd, &one, 8) == 8);
		close(p[1]);
		close(p[0]);
		close(fd);
	}
	return NULL;
}

static void set_up(void)
{
	inner = epoll_create1(0);
	shared = epoll_create1(0);
	outer = epoll_create1(0);
	stop = eventfd(0, 0);
	for (int i = 0; i < NR_GIVERS; i++)
		acks[i] = eventfd(0, EFD_NONBLOCK);
	MUST(ctl(outer, EPOLL_CTL_ADD, inner, EPOLLIN | EPOLLET, INNER) == 0);
	MUST(ctl(outer, EPOLL_CTL_ADD, shared, EPOLLIN, SHARED) == 0);
	MUST(ctl(outer, EPOLL_CTL_ADD, stop, EPOLLIN, STOP) == 0);
	MUST(ctl(shared, EPOLL_CTL_ADD, stop, EPOLLIN, STOP) == 0);
	for (int c = 0; c < NR_CHANNELS; c++) {
		channels[c].fd = eventfd(0, EFD_NONBLOCK);
		channels[c].number = FIRST_NUMBER + c;
		MUST(dup2(channels[c].fd, channels[c].number) >= 0);
		uint32_t kind = EPOLLIN | (is_calm(c) ? EPOLLET : 0);

		MUST(ctl(set_of(c), EPOLL_CTL_ADD, channels[c].number, kind, (uint64_t)c) == 0);
	}
}

int main(int argc, char **argv)
{
	static void *(*const work[])(void *) = { giver, giver, modifier, remover, builder, visitor, taker, taker };
	enum { NR_THREADS = sizeof(work) / sizeof(work[0]), NR_TAKERS = 2 };
	pthread_t t[NR_THREADS];
	uint64_t one = 1;
	long sum = 0;

	first_seed = argc > 2 ? (unsigned int)atoi(argv[2]) : 1;
	end_ns = now_ns() + (argc > 1 ? atoi(argv[1]) : 5) * 1000000000LL;
	set_up();
	for (long i = 0; i < NR_THREADS; i++)
		/* Of the two takers one gets 0, and waits for shared. */
		MUST(pthread_create(&t[i], NULL, work[i], (void *)(i == NR_THREADS - 1 ? 0 : i)) == 0);
	for (int i = 0; i < NR_THREADS; i++) {
		if (i == NR_THREADS - NR_TAKERS)
			MUST(write(stop, &one, 8) == 8);
		pthread_join(t[i], NULL);
	}
	for (int c = 0; c < NR_CHANNELS; c++) {
		if (channels[c].given != channels[c].taken)
			lost();
		sum += channels[c].taken;
		printf("%ld ", channels[c].taken);
	}
	printf("= %ld counts arrived\n", sum);
	return 0;
}

/*
 * tests/net/link.h - one direction of a bad link: what happens to each packet, and when it comes out.
 *
 * What happens to a packet depends on the seed and on how many came before it, never on the time: a seed gives the same
 * network again. Losses are in millionths, times in nanoseconds.
 */
#pragma once
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct link_config {
	uint64_t seed;
	uint32_t loss, duplicate, reorder, corrupt;	/* of a million packets */
	uint64_t delay_ns, jitter_ns;			/* each packet takes delay_ns, and up to jitter_ns more */
	uint64_t late_ns;				/* a reordered packet comes so much later than it would have */
	uint64_t rate_bps;				/* 0: as fast as they come */
	uint32_t queue_bytes;				/* what waits for its turn; more is dropped, with a rate */
	uint32_t mtu;					/* larger packets do not pass */
	/* nothing passes then; every 0: once */
	uint64_t down_at_ns, down_for_ns, down_every_ns;
};

struct link_frame { uint64_t due, order; uint32_t len; unsigned char data[]; };

struct link {
	struct link_config c;
	uint64_t nr, begin_ns, busy_until, last_due;
	uint64_t lost, queue_lost, duplicated, reordered, corrupted, too_big, down_lost;
	struct link_frame **heap;
	size_t waiting, room;
};

enum link_verdict { LINK_TAKEN, LINK_LOST, LINK_TOO_BIG };

/* A number that @seed, @nr and @what determine (the finalizer of splitmix64, by Steele, Lea and Flood 2014). */
static inline uint64_t link_random(uint64_t seed, uint64_t nr, uint64_t what)
{
	uint64_t z = seed * 0x9e3779b97f4a7c15 + nr * 0xd1342543de82ef95 + what * 0xaf251af3b0f025b5;

	z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9;
	z = (z ^ (z >> 27)) * 0x94d049bb133111eb;
	return z ^ (z >> 31);
}

static inline bool link_happens(const struct link *l, uint64_t what, uint32_t millionths)
{
	return millionths && link_random(l->c.seed, l->nr, what) % 1000000 < millionths;
}

static inline void link_init(struct link *l, const struct link_config *c, uint64_t now_ns)
{
	memset(l, 0, sizeof(*l));
	l->c = *c;
	l->begin_ns = now_ns;
}

static inline bool link_before(const struct link_frame *a, const struct link_frame *b)
{
	return a->due != b->due ? a->due < b->due : a->order < b->order;
}

static inline void link_push(struct link *l, const void *data, uint32_t len, uint64_t due)
{
	struct link_frame *f = malloc(sizeof(*f) + len);

	if (l->waiting == l->room) {
		l->room = l->room ? 2 * l->room : 64;
		l->heap = realloc(l->heap, l->room * sizeof(*l->heap));
	}
	if (!f || !l->heap) {
		perror("link: out of memory");
		exit(2);
	}
	memcpy(f->data, data, len);
	f->due = due;
	f->len = len;
	f->order = 2 * l->nr;
	size_t i = l->waiting++;

	for (; i && link_before(f, l->heap[(i - 1) / 2]); i = (i - 1) / 2)
		l->heap[i] = l->heap[(i - 1) / 2];
	l->heap[i] = f;
}

/* When the next packet comes out; UINT64_MAX: none waits. */
static inline uint64_t link_next(const struct link *l) { return l->waiting ? l->heap[0]->due : UINT64_MAX; }

/* The packet that is due by @now_ns, for free(); or NULL. */
static inline struct link_frame *link_take(struct link *l, uint64_t now_ns)
{
	if (link_next(l) > now_ns)
		return NULL;
	struct link_frame *first = l->heap[0], *last = l->heap[--l->waiting];
	size_t i = 0, child;

	while ((child = 2 * i + 1) < l->waiting) {
		if (child + 1 < l->waiting && link_before(l->heap[child + 1], l->heap[child]))
			child++;
		if (!link_before(l->heap[child], last))
			break;
		l->heap[i] = l->heap[child];
		i = child;
	}
	if (l->waiting)
		l->heap[i] = last;
	return first;
}

static inline bool link_is_down(const struct link *l, uint64_t now_ns)
{
	uint64_t at = now_ns - l->begin_ns;

	if (!l->c.down_for_ns || at < l->c.down_at_ns)
		return false;
	at -= l->c.down_at_ns;
	if (l->c.down_every_ns)
		at %= l->c.down_every_ns;
	return at < l->c.down_for_ns;
}

/* When the last bit of @len bytes has left the sender; 0: its queue is full. */
static inline uint64_t link_serialize(struct link *l, uint32_t len, uint64_t now_ns)
{
	if (!l->c.rate_bps)
		return now_ns;
	uint64_t start = l->busy_until > now_ns ? l->busy_until : now_ns;

	if (l->c.queue_bytes && (start - now_ns) * l->c.rate_bps / 8000000000ULL > l->c.queue_bytes)
		return 0;
	l->busy_until = start + len * 8000000000ULL / l->c.rate_bps;
	return l->busy_until;
}

enum { LINK_LOSS = 1, LINK_JITTER, LINK_REORDER, LINK_DUPLICATE, LINK_CORRUPT, LINK_WHERE };

/* A packet of @len bytes, @ip_len of them IP, enters at @now_ns. */
static inline enum link_verdict link_send(struct link *l, const void *data, uint32_t len, uint32_t ip_len,
					  uint64_t now_ns)
{
	l->nr++;
	if (l->c.mtu && ip_len > l->c.mtu)
		return l->too_big++, LINK_TOO_BIG;
	if (link_is_down(l, now_ns))
		return l->down_lost++, LINK_LOST;
	uint64_t due = link_serialize(l, len, now_ns);

	if (!due)
		return l->queue_lost++, LINK_LOST;
	if (link_happens(l, LINK_LOSS, l->c.loss))
		return l->lost++, LINK_LOST;
	due += l->c.delay_ns;
	if (l->c.jitter_ns)
		due += link_random(l->c.seed, l->nr, LINK_JITTER) % l->c.jitter_ns;
	if (due < l->last_due)
		due = l->last_due;	/* jitter alone keeps the order */
	if (link_happens(l, LINK_REORDER, l->c.reorder)) {
		l->reordered++;
		due += l->c.late_ns;
	} else {
		l->last_due = due;
	}
	link_push(l, data, len, due);
	if (link_happens(l, LINK_CORRUPT, l->c.corrupt)) {
		uint64_t bit = link_random(l->c.seed, l->nr, LINK_WHERE) % (8 * len);

		/* the frame just pushed may have moved in the heap */
		for (size_t i = 0; i < l->waiting; i++)
			if (l->heap[i]->order == 2 * l->nr)
				l->heap[i]->data[bit / 8] ^= (unsigned char)(1 << bit % 8);
		l->corrupted++;
	}
	if (link_happens(l, LINK_DUPLICATE, l->c.duplicate)) {
		l->duplicated++;
		link_push(l, data, len, due + 1);
	}
	return LINK_TAKEN;
}

/* One setting: loss, dup, reorder, corrupt in percent; times in ms; rate in kbit/s; queue in KiB. False: unknown. */
static inline bool link_parse(struct link_config *c, const char *name, double v)
{
	const struct { const char *name; uint32_t *to; } shares[] = {
		{ "loss", &c->loss }, { "dup", &c->duplicate }, { "reorder", &c->reorder }, { "corrupt", &c->corrupt },
	};
	const struct { const char *name; uint64_t *to; } times[] = {
		{ "delay", &c->delay_ns }, { "jitter", &c->jitter_ns }, { "late", &c->late_ns },
		{ "down_at", &c->down_at_ns }, { "down_for", &c->down_for_ns }, { "down_every", &c->down_every_ns },
	};

	for (size_t i = 0; i < sizeof(shares) / sizeof(shares[0]); i++)
		if (!strcmp(name, shares[i].name))
			return *shares[i].to = (uint32_t)(v * 10000 + 0.5), true;
	for (size_t i = 0; i < sizeof(times) / sizeof(times[0]); i++)
		if (!strcmp(name, times[i].name))
			return *times[i].to = (uint64_t)(v * 1e6), true;
	if (!strcmp(name, "rate"))
		return c->rate_bps = (uint64_t)(v * 1000), true;
	if (!strcmp(name, "queue"))
		return c->queue_bytes = (uint32_t)(v * 1024), true;
	if (!strcmp(name, "mtu"))
		return c->mtu = (uint32_t)v, true;
	if (!strcmp(name, "seed"))
		return c->seed = (uint64_t)v, true;
	return false;
}

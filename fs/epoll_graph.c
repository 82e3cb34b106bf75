/*
 * fs/epoll_graph.c - epolls that watch epolls: no loops, no long rows, not too many paths.
 *
 * Linux:   fs/eventpoll.c: ep_loop_check() and the check of reverse paths (6.1; depth as in 6.17)
 * Same:    the limits; ELOOP for a loop or a row of more than EP_MAX_NESTS edges, EINVAL for too many paths.
 * Differs: 1. paths are counted by walking down from the new item when it is in place: no list of files to check
 *             is kept.
 * Locks:   EPNEST held by the callers; EP_MTX going down, FILE_F going up.
 * Walk:    epoll_ctl() -> ep_loop_check(), then ep_insert() -> ep_new_paths_exceeded().
 *
 * Why it matters: a wake-up climbs the graph, holding the lock of each wait queue it comes from. In a loop it
 * would wait
 * for itself; through k epolls in each of n layers it would run k^n callbacks with interrupts off.
 */
#include "fs/epoll_internal.h"

enum {
	EP_MAX_NESTS = 4,	/* edges in a row from epoll to epoll */
	EP_TOO_DEEP = 1000,	/* a depth that is over every limit */
};

DEFINE_MUTEX(epnested_mutex, LC_EPNEST);
static u64 loop_check_gen;	/* EPNEST: the number of the current walk; ep->gen says which walk was there last */

/*
 * How many wake-up paths of each length may lead away from one file. Its direct watchers are not limited.
 * A path is as long as the epolls on it.
 */
static const int path_limits[EP_MAX_NESTS + 1] = { 0, 500, 100, 50, 10 };

/*
 * Does a wake-up of @file run through too many epolls? Climbs from watcher to watcher, holding each floor's f_lock.
 * That lock keeps epi->ep->file from going away: before an epoll's file is freed, its items leave their files' lists,
 * which takes f_lock; only dying items may be left behind, and those are passed over. Locks: EPNEST held.
 */
static bool ep_paths_exceeded(struct file *file, unsigned int depth, int counts[])
{
	struct epitem *epi;
	bool exceeded = false;

	if (depth > EP_MAX_NESTS)
		return true;
	spin_lock_nested(&file->f_lock, depth);
	hlist_for_each_entry(epi, &file->f_ep, fllink) {
		if (epi->dying)
			continue;
		struct file *above = epi->ep->file;

		if (!hlist_empty(&above->f_ep))
			exceeded = ep_paths_exceeded(above, depth + 1, counts);
		else if (depth > 0)
			exceeded = ++counts[depth] > path_limits[depth];
		if (exceeded)
			break;
	}
	spin_unlock(&file->f_lock);
	return exceeded;
}

static bool ep_file_paths_exceeded(struct file *file)
{
	int counts[EP_MAX_NESTS + 1] = { 0 };

	return ep_paths_exceeded(file, 0, counts);
}

/* The same for every file that @ep watches, itself or through other epolls. @depth of its mtx. Locks: EPNEST held. */
static bool ep_paths_below_exceeded(struct eventpoll *ep, unsigned int depth)
{
	bool exceeded = false;

	if (ep->gen == loop_check_gen)
		return false;
	mutex_lock_nested(&ep->mtx, depth);
	ep->gen = loop_check_gen;
	for (struct rb_node *n = rb_first(&ep->rbr); n && !exceeded; n = rb_next(n)) {
		struct file *file = rb_entry(n, struct epitem, rbn)->file;

		exceeded = is_file_epoll(file) ? ep_paths_below_exceeded(file->private_data, depth + 1) :
						 ep_file_paths_exceeded(file);
	}
	mutex_unlock(&ep->mtx);
	return exceeded;
}

/*
 * The longest row of edges below @ep; EP_TOO_DEEP or more: too long, or it leads to @forbidden, which would close a
 * loop. Locks: EPNEST held: no edge can be added meanwhile.
 */
static int ep_depth_below(struct eventpoll *ep, const struct eventpoll *forbidden, unsigned int depth)
{
	int result = 0;

	if (ep->gen == loop_check_gen)
		return ep->loop_check_depth;
	mutex_lock_nested(&ep->mtx, depth + 1);
	for (struct rb_node *n = rb_first(&ep->rbr); n && result < EP_TOO_DEEP; n = rb_next(n)) {
		struct file *file = rb_entry(n, struct epitem, rbn)->file;

		if (!is_file_epoll(file))
			continue;
		if (file->private_data == forbidden || depth == EP_MAX_NESTS - 1)
			result = EP_TOO_DEEP;
		else
			result = max(result, 1 + ep_depth_below(file->private_data, forbidden, depth + 1));
	}
	ep->gen = loop_check_gen;
	ep->loop_check_depth = result;
	mutex_unlock(&ep->mtx);
	return result;
}

/*
 * The longest row of edges that lead to the epoll @ep from above. f_lock as in ep_paths_exceeded(). Locks:
 * EPNEST held.
 */
static int ep_depth_above(struct eventpoll *ep, unsigned int depth)
{
	struct epitem *epi;
	int result = 0;

	if (ep->gen == loop_check_gen)
		return ep->loop_check_depth;
	if (depth > EP_MAX_NESTS)
		return EP_TOO_DEEP;
	spin_lock_nested(&ep->file->f_lock, depth);
	hlist_for_each_entry(epi, &ep->file->f_ep, fllink)
		if (!epi->dying)
			result = max(result, 1 + ep_depth_above(epi->ep, depth + 1));
	spin_unlock(&ep->file->f_lock);
	ep->gen = loop_check_gen;
	ep->loop_check_depth = result;
	return result;
}

int ep_loop_check(struct eventpoll *ep, struct eventpoll *to)
{
	assert_held(&epnested_mutex);
	loop_check_gen++;
	int below = ep_depth_below(to, ep, 0);

	if (below > EP_MAX_NESTS)
		return -ELOOP;
	loop_check_gen++;
	return below + 1 + ep_depth_above(ep, 0) > EP_MAX_NESTS ? -ELOOP : 0;
}

bool ep_new_paths_exceeded(const struct epitem *epi)
{
	assert_held(&epnested_mutex);
	if (!is_file_epoll(epi->file))
		return ep_file_paths_exceeded(epi->file);
	loop_check_gen++;
	return ep_paths_below_exceeded(epi->file->private_data, 1);
}

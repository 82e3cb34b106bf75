/*
 * fs/fasync.c - O_ASYNC: a signal to the owner whenever an open file becomes ready.
 *
 * Linux:   fs/fcntl.c: fasync (6.1)
 * Same:    SIGIO (or F_SETSIG's signal) to F_SETOWN's process or group.
 * Differs: 1. readiness is heard through the file's own poll(), as epoll hears it, so that no kind of file needs
 *             code for it; the signal is sent from the worker, because a wake-up may not take the locks of signals.
 *          2. a group hears that, but not why.
 * Locks:   the file's WAITQ in the callback; WORKQ; FILE_F.
 * Walk:    fcntl(F_SETFL, O_ASYNC) -> fasync_set() -> vfs_poll(); wake-up -> fasync_callback() -> send_sigio().
 */
#include "fs/internal.h"
#include "kernel/signal.h"
#include "kernel/slab.h"
#include "kernel/workqueue.h"

#define FASYNC_QUEUES 2		/* a file has at most a queue for readers and one for writers */

struct fasync_struct {
	poll_table pt;
	struct work_struct work;
	struct file *file;
	pid_t owner;			/* as of the last wake-up: the work may run when the file is gone */
	int sig;			/* F_SETSIG's, or 0: SIGIO, which tells nothing of what happened */
	unsigned int fd;		/* immutable */
	__poll_t events;		/* of the last wake-up */
	bool dead;			/* off the queues; the work frees it */
	int nr;
	struct wait_queue_head *queue[FASYNC_QUEUES];
	struct wait_queue_entry entry[FASYNC_QUEUES];
};

/* What the signal tells: one reason, and the events that are its kind. */
static void fill_sigio(siginfo_t *info, const struct fasync_struct *fa, int sig)
{
	static const struct { __poll_t event; s32 code; __poll_t band; } reasons[] = {
		{ EPOLLPRI, POLL_PRI, EPOLLPRI | EPOLLRDBAND },
		{ EPOLLERR, POLL_ERR, EPOLLERR },
		{ EPOLLIN, POLL_IN, EPOLLIN | EPOLLRDNORM },
		{ EPOLLHUP, POLL_HUP, EPOLLHUP | EPOLLERR },
		{ EPOLLOUT, POLL_OUT, EPOLLOUT | EPOLLWRNORM | EPOLLWRBAND },
	};
	size_t i = 0;

	while (i < ARRAY_SIZE(reasons) - 1 && !(READ_ONCE(fa->events) & reasons[i].event))
		i++;
	clear_siginfo(info);
	info->si_signo = sig;
	info->si_code = reasons[i].code;
	info->si_band = reasons[i].band;
	info->si_fd = (s32)fa->fd;
}

static void send_sigio(struct work_struct *work)
{
	struct fasync_struct *fa = container_of(work, struct fasync_struct, work);
	bool dead = READ_ONCE(fa->dead);
	pid_t owner = xchg(&fa->owner, 0);

	int sig = READ_ONCE(fa->sig);

	if (owner < 0) {
		kill_pgrp(-owner, sig ? sig : SIGIO);
	} else if (owner > 0) {
		struct task_struct *p = find_get_task(owner);
		siginfo_t info;

		if (p) {
			fill_sigio(&info, fa, sig);
			send_sig_info(sig ? sig : SIGIO, sig ? &info : NULL, p);
			put_task_struct(p);
		}
	}
	if (dead)
		kfree(fa);
}

static int fasync_wake(struct fasync_struct *fa, void *key)
{
	if (!key || (key_to_poll(key) & (EPOLLIN | EPOLLOUT | EPOLLPRI | EPOLLERR | EPOLLHUP))) {
		fa->owner = READ_ONCE(fa->file->f_owner);
		fa->sig = fa->file->f_owner_sig;
		fa->events = key ? key_to_poll(key) : EPOLLIN;
		schedule_work(&fa->work);
	}
	return 0;	/* nobody was woken: an exclusive waiter behind us still gets its turn */
}

static int fasync_callback(wait_queue_entry_t *e, __unused unsigned int mode, __unused int flags, void *key)
{
	return fasync_wake(e->private, key);
}

static void fasync_queue_proc(__unused struct file *file, struct wait_queue_head *whead, struct poll_table_struct *pt)
{
	struct fasync_struct *fa = container_of(pt, struct fasync_struct, pt);

	if (fa->nr == FASYNC_QUEUES)
		return;
	fa->queue[fa->nr] = whead;
	init_waitqueue_func_entry(&fa->entry[fa->nr], fasync_callback);
	fa->entry[fa->nr].private = fa;
	add_wait_queue(whead, &fa->entry[fa->nr]);
	fa->nr++;
}

static void fasync_free(struct fasync_struct *fa)
{
	for (int i = 0; i < fa->nr; i++)
		remove_wait_queue(fa->queue[i], &fa->entry[i]);
	/* queued once more, whatever runs now: that run is the last */
	WRITE_ONCE(fa->dead, true);
	schedule_work(&fa->work);
}

void fasync_release(struct file *file)
{
	struct fasync_struct *fa = file->f_fasync;

	file->f_fasync = NULL;
	fasync_free(fa);
}

int fasync_set(unsigned int fd, struct file *file, bool on)
{
	struct fasync_struct *old, *fa = NULL;

	if (!file_can_poll(file))
		return -ENOTTY;
	if (on) {
		fa = kzalloc(sizeof(*fa), GFP_KERNEL);
		if (!fa)
			return -ENOMEM;
		fa->file = file;
		fa->fd = fd;
		INIT_WORK(&fa->work, send_sigio);
	}
	spin_lock(&file->f_lock);
	old = file->f_fasync;
	if (!on || !old) {
		file->f_fasync = fa;
		file->f_flags = on ? file->f_flags | O_ASYNC : file->f_flags & ~(unsigned int)O_ASYNC;
	}
	spin_unlock(&file->f_lock);
	if (on && old) {
		kfree(fa);	/* it is on already */
		return 0;
	}
	if (old)
		fasync_free(old);
	if (on) {
		init_poll_funcptr(&fa->pt, fasync_queue_proc);
		vfs_poll(file, &fa->pt);
	}
	return 0;
}

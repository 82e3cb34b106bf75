/*
 * fs/eventpoll.h - epoll's one hook into the life of files.
 *
 * Linux:   include/linux/eventpoll.h (6.1)
 * Same:    eventpoll_release() is called before a file's own release().
 * Differs: none.
 * Locks:   EP_MTX and below inside.
 * Walk:    __fput() -> eventpoll_release().
 */
#pragma once
#include "fs/fs.h"
/* eventpoll_release_file - take @file out of every epoll that watches it. Context: task, may sleep. */
void eventpoll_release_file(struct file *file);
static inline void eventpoll_release(struct file *file)
{
	if (!hlist_empty(&file->f_ep))
		eventpoll_release_file(file);
}

/*
 * fs/pipe.h - the ring inside a pipe, for pipe.c and splice.c.
 *
 * Linux:   include/linux/pipe_fs_i.h (6.1)
 * Same:    head and tail run freely; a buffer is a piece of a page.
 * Differs: 1. the first ring of 16 buffers is part of the structure.
 * Locks:   PIPE_MTX.
 * Walk:    pipe_write(), splice().
 */
#pragma once
#include "kernel/mm.h"
#include "kernel/mutex.h"
#include "kernel/wait.h"

#define PIPE_DEF_BUFFERS 16
#define PIPE_BUF 4096

struct pipe_buffer {
	struct page *page;	/* a reference */
	u32 offset, len;
	bool can_merge;		/* the page is the pipe's own: writes may fill it up */
};
struct pipe_inode_info {
	/* mutex */
	struct mutex mutex;
	unsigned int head, tail, ring_size;	/* head - tail buffers are used; read without the lock by waiters */
	unsigned int readers, writers;
	unsigned int r_counter, w_counter;	/* opens so far, for who waits for a partner */
	bool poll_usage;
	struct page *tmp_page;			/* an emptied page for the next write */
	struct pipe_buffer *bufs;
	/* the inode's i_rwsem */
	unsigned int files;			/* one per open file */
	/* own locks */
	struct wait_queue_head rd_wait, wr_wait;
	struct pipe_buffer bufs_init[PIPE_DEF_BUFFERS];
};
static inline struct pipe_buffer *pipe_buf(struct pipe_inode_info *p, unsigned int i)
{
	return &p->bufs[i & (p->ring_size - 1)];
}
static inline bool pipe_full(const struct pipe_inode_info *p) { return p->head - p->tail >= p->ring_size; }

/* pipe_release_buf - the buffer is used up: its page goes, or waits for the next write. Locks: mutex held. */
void pipe_release_buf(struct pipe_inode_info *pipe, struct pipe_buffer *buf);
/*
 * pipe_wait_readable, pipe_wait_writable - sleep with the mutex dropped. Return: 0 or -ERESTARTSYS. Locks:
 * mutex held on entry and return.
 */
int __must_check pipe_wait_readable(struct pipe_inode_info *pipe);
int __must_check pipe_wait_writable(struct pipe_inode_info *pipe);
/* pipe_wake_readers, pipe_wake_writers - after buffers came or went. Context: task; mutex not held. */
void pipe_wake_readers(struct pipe_inode_info *pipe);
void pipe_wake_writers(struct pipe_inode_info *pipe);
/* pipe_broken - a write without readers: SIGPIPE for the thread that wrote. Return: -EPIPE. */
int pipe_broken(void);

/*
 * fs/poll.h - the readiness contract: what becomes ready, and what waits for it.
 *
 * Linux:   include/linux/poll.h, uapi/linux/eventpoll.h (6.1)
 * Same:    poll_table with _qproc and _key, poll_wait(), vfs_poll(), the event bits.
 * Differs: none.
 * Locks:   none here; poll_wait() takes the queue's (WAITQ).
 * Walk:    ep_insert() -> init_poll_funcptr() -> vfs_poll() -> sock_poll() -> poll_wait() -> ep_ptable_queue_proc().
 *
 * Contract: a file's poll() first calls poll_wait() for each of its wait queues, then reads its state; and every
 * change of readiness is followed by a wake-up of those queues with the event bits as key. Registering first and
 * waking after the change is what makes a lost wake-up impossible. A wait queue given to poll_wait() must live until
 * the file's release() at least: epoll's entries stay on it until just before that.
 */
#pragma once
#include "kernel/wait.h"

enum {
	EPOLLIN = 0x001, EPOLLPRI = 0x002, EPOLLOUT = 0x004, EPOLLERR = 0x008, EPOLLHUP = 0x010, EPOLLNVAL = 0x020,
	EPOLLRDNORM = 0x040, EPOLLRDBAND = 0x080, EPOLLWRNORM = 0x100, EPOLLWRBAND = 0x200, EPOLLMSG = 0x400,
	EPOLLRDHUP = 0x2000,
};
/* What a file without a poll() says, as in Linux: always readable and writable. */
#define DEFAULT_POLLMASK (EPOLLIN | EPOLLOUT | EPOLLRDNORM | EPOLLWRNORM)

struct file;
struct poll_table_struct;
typedef void (*poll_queue_proc)(struct file *file, struct wait_queue_head *whead, struct poll_table_struct *pt);
typedef struct poll_table_struct {
	poll_queue_proc _qproc;	/* NULL: only the state is asked for */
	__poll_t _key;		/* events of interest */
} poll_table;

static inline void init_poll_funcptr(poll_table *pt, poll_queue_proc qproc)
{
	pt->_qproc = qproc;
	pt->_key = ~(__poll_t)0;
}
/* poll_wait - @p wants to be told through @wq. Context: task, may sleep (it allocates). */
static inline void poll_wait(struct file *file, struct wait_queue_head *wq, poll_table *p)
{
	if (p && p->_qproc && wq)
		p->_qproc(file, wq, p);
}
static inline bool poll_does_not_wait(const poll_table *p) { return !p || !p->_qproc; }
static inline __poll_t poll_requested_events(const poll_table *p) { return p ? p->_key : ~(__poll_t)0; }
/* vfs_poll - the file's own poll(), or DEFAULT_POLLMASK. Context: task, may sleep. */
__poll_t vfs_poll(struct file *file, poll_table *pt);
/* file_can_poll - does it have one? (epoll refuses files that do not.) */
bool file_can_poll(const struct file *file);

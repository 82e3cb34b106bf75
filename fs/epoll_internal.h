/*
 * fs/epoll_internal.h - what an epoll and an item are, for the three files that implement them.
 *
 * Linux:   fs/eventpoll.c (6.1), which has all of it in one file
 * Same:    struct eventpoll, epitem, eppoll_entry.
 * Differs: 1. the checks of nested epolls stand in fs/epoll_graph.c, the limit of watches in fs/epoll_user.c.
 * Locks:   as the headings say; the design is told in fs/eventpoll.c.
 * Walk:    included by fs/eventpoll.c, fs/epoll_graph.c and fs/epoll_user.c only.
 */
#pragma once
#include "fs/fs.h"
#include "kernel/rbtree.h"

/* The ABI (uapi/linux/eventpoll.h). The event is packed, as on every x86-64 Linux. */
enum { EPOLL_CTL_ADD = 1, EPOLL_CTL_DEL = 2, EPOLL_CTL_MOD = 3 };
#define EPOLLEXCLUSIVE	(1U << 28)
#define EPOLLWAKEUP	(1U << 29)
#define EPOLLONESHOT	(1U << 30)
#define EPOLLET		(1U << 31)
struct epoll_event { u32 events; u64 data; } __packed;
static_assert(sizeof(struct epoll_event) == 12, "ABI");

/* An item's place on one wait queue of its file. */
struct eppoll_entry {
	wait_queue_entry_t wait;
	struct wait_queue_head *whead;
	struct epitem *base;
	struct eppoll_entry *next;	/* mtx: the item's others */
};

/* One watched file. A program may have a hundred thousand: no byte is lost between the members. */
struct epitem {
	/* immutable */
	struct eventpoll *ep;		/* no reference: see LIFETIMES in fs/eventpoll.c */
	struct file *file;		/* nor here */
	/* ep->lock */
	struct list_head rdllink;	/* in rdllist, or, under mtx, in the list of a scan */
	struct epitem *next;		/* in ovflist; EP_UNACTIVE_PTR: not in it */
	/* mtx and ep->lock to change */
	struct epoll_event event;
	/* immutable */
	int fd;
	/* mtx */
	struct rb_node rbn;
	struct eppoll_entry *pwqlist;
	struct eppoll_entry pwq;	/* the first of them */
	/* file->f_lock */
	struct hlist_node fllink;	/* in file->f_ep */
	bool dying;			/* its file is being released: only that may remove the item */
};
static_assert(sizeof(struct epitem) == 176, "Linux 6.1 needs 192 bytes for each watch: 128, and 64 for the wait queue");

/* The watches of one user, limited by epoll_max_user_watches. */
struct epoll_user {
	uid_t uid;
	/* atomic */
	atomic_long_t watches;
	/* epoll_users_lock */
	long nr_epolls;
	struct list_head link;
};

struct eventpoll {
	/* mtx */
	struct mutex mtx;
	struct rb_root rbr;
	/* lock (irqs off) */
	spinlock_t lock;
	struct list_head rdllist;
	struct epitem *ovflist;
	wait_queue_head_t wq;		/* tasks in epoll_wait(); all changes and wake-ups under lock */
	/* its own lock */
	wait_queue_head_t poll_wait;	/* those who poll this epoll as a file */
	u8 nests;			/* poll_wait.lock: the depth the next level locks at */
	/* immutable */
	struct file *file;		/* not a reference; see ep_paths_exceeded() for whoever follows it */
	struct epoll_user *user;	/* whose watches are limited */
	/* EPNEST */
	u64 gen;			/* last walk that was here */
	int loop_check_depth;		/* and what it found */
	/* atomic */
	refcount_t refs;		/* its file, and each release of a watched file under way */
};

extern int epoll_max_user_watches;	/* one word: /proc/sys/fs/epoll/max_user_watches */
/* epoll_user_get - current's user, with a reference; NULL: no memory. epoll_user_put - the last one frees it. */
struct epoll_user *epoll_user_get(void);
void epoll_user_put(struct epoll_user *u);
void epoll_users_init(void);

extern const struct file_operations eventpoll_fops;
static inline bool is_file_epoll(const struct file *f) { return f->f_op == &eventpoll_fops; }

/* EPNEST: held by whoever adds an edge to the graph of epolls that watch epolls. */
extern struct mutex epnested_mutex;
/* ep_loop_check - may @ep watch @to? Return: 0 or -ELOOP (a loop, or too deep). Locks: EPNEST held, no mtx. */
int __must_check ep_loop_check(struct eventpoll *ep, struct eventpoll *to);
/* ep_new_paths_exceeded - have wake-ups through the new item too many paths? Locks: EPNEST and its epoll's mtx held. */
bool __must_check ep_new_paths_exceeded(const struct epitem *epi);

/*
 * fs/epoll_user.c - how many files a user may watch, over all epolls that are his.
 *
 * Linux:   fs/eventpoll.c, kernel/user.c: user_struct.epoll_watches (6.1)
 * Same:    /proc/sys/fs/epoll/max_user_watches, four percent of memory at first; an epoll counts for who made it.
 * Differs: 1. a user is remembered only while he has epolls.
 * Locks:   LEAF for the list of users; the count is atomic.
 * Walk:    ep_alloc() -> epoll_user_get();  ep_insert() counts;  ep_put() -> epoll_user_put().
 */
#include "fs/epoll_internal.h"
#include "fs/procfs.h"
#include "kernel/mm.h"
#include "kernel/task.h"

static DEFINE_SPINLOCK(epoll_users_lock, LC_LEAF);
static LIST_HEAD(epoll_users);		/* epoll_users_lock */
int epoll_max_user_watches;

struct epoll_user *epoll_user_get(void)
{
	struct epoll_user *u, *new = kmalloc(sizeof(*new), GFP_KERNEL);
	uid_t uid = current->cred.uid;

	if (!new)
		return NULL;
	*new = (struct epoll_user){ .uid = uid };
	spin_lock_irq(&epoll_users_lock);
	list_for_each_entry(u, &epoll_users, link)
		if (u->uid == uid)
			goto out_found;
	u = new;
	new = NULL;
	list_add(&u->link, &epoll_users);
out_found:
	u->nr_epolls++;
	spin_unlock_irq(&epoll_users_lock);
	kfree(new);
	return u;
}

void epoll_user_put(struct epoll_user *u)
{
	spin_lock_irq(&epoll_users_lock);
	bool last = --u->nr_epolls == 0;

	if (last)
		list_del(&u->link);
	spin_unlock_irq(&epoll_users_lock);
	if (last)
		kfree(u);
}

void epoll_users_init(void)
{
	u64 watches = totalram_pages() / 25 * PAGE_SIZE / sizeof(struct epitem);

	epoll_max_user_watches = (int)min_t(u64, watches, S32_MAX);
	proc_create_sysctl_int("fs/epoll/max_user_watches", &epoll_max_user_watches, 0, S32_MAX);
}

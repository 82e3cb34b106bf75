/*
 * fs/inotify.c - watching files and directories: inotify_init1(2) and its family.
 *
 * Linux:   fs/notify/inotify, fs/notify/fsnotify.c (6.1)
 * Same:    the records, IN_IGNORED, IN_Q_OVERFLOW, ONESHOT, ONLYDIR, DONT_FOLLOW, MASK_ADD, MASK_CREATE, EXCL_UNLINK;
 *          an event equal to the last one that is still unread is not queued again.
 * Differs: 1. a watch does not keep its inode in memory: it ends when the inode goes, which is when a file's last name
 *             and last user are gone. 2. one lock for all watches: events while somebody watches are not a hot path.
 * Locks:   TASK_MTX (all watches), WAITQ (a queue of events, its own lock).
 * Walk:    vfs_unlink() -> fsnotify_dir() -> queue_event() -> wake_up -> ep_poll_callback(); read -> inotify_read().
 */
#include "fs/anon_inodes.h"
#include "fs/file.h"
#include "fs/internal.h"
#include "fs/notify.h"
#include "fs/procfs.h"
#include "kernel/slab.h"
#include "kernel/string.h"
#include "kernel/syscall.h"
#include "kernel/uaccess.h"

enum {
	IN_ONLYDIR = 0x01000000, IN_DONT_FOLLOW = 0x02000000, IN_EXCL_UNLINK = 0x04000000, IN_MASK_CREATE = 0x10000000,
	IN_MASK_ADD = 0x20000000,
};
#define IN_ONESHOT 0x80000000U
#define IN_OPTIONS (IN_ONLYDIR | IN_DONT_FOLLOW | IN_EXCL_UNLINK | IN_MASK_CREATE | IN_MASK_ADD | IN_ONESHOT)
#define IN_VALID (IN_ALL_EVENTS | IN_UNMOUNT | IN_Q_OVERFLOW | IN_IGNORED | IN_ISDIR | IN_OPTIONS)
enum { MAX_QUEUED = 16384, FIONREAD = 0x541B };

struct inotify_event { s32 wd; u32 mask, cookie, len; };	/* the ABI's; the name follows */

struct event {
	struct list_head list;
	u32 name_len;			/* as it is read: padded with at least one NUL, 0 for none */
	struct inotify_event e;
	char name[];
};

struct inotify_group {
	/* watches_mutex */
	struct list_head watches;
	int last_wd;
	/* wq.lock (WAITQ) */
	wait_queue_head_t wq;
	struct list_head events;
	unsigned int nr_events;
	bool overflowed;
};

struct watch {
	/* watches_mutex */
	struct list_head group_list, all_list;
	struct inotify_group *group;
	struct inode *inode;	/* no reference: inotify_inode_gone() comes first */
	u32 mask;
	int wd;
};

static DEFINE_MUTEX(watches_mutex, LC_TASK_MTX);
static LIST_HEAD(all_watches);	/* watches_mutex */
int inotify_watches;		/* written under watches_mutex */

static bool same_event(const struct event *a, const struct event *b)
{
	return a->e.mask == b->e.mask && a->e.wd == b->e.wd && a->name_len == b->name_len && !a->e.cookie &&
	       !b->e.cookie && !memcmp(a->name, b->name, a->name_len);
}

static void put_event(struct inotify_group *g, struct event *ev)
{
	unsigned long flags;
	bool drop = false;

	spin_lock_irqsave(&g->wq.lock, flags);
	if (g->nr_events && same_event(list_last_entry(&g->events, struct event, list), ev)) {
		drop = true;
	} else if (g->nr_events >= MAX_QUEUED) {
		drop = g->overflowed;
		g->overflowed = true;
		ev->e = (struct inotify_event){ .wd = -1, .mask = IN_Q_OVERFLOW };
		ev->name_len = 0;
	}
	if (!drop) {
		list_add_tail(&ev->list, &g->events);
		g->nr_events++;
		wake_up_locked_poll(&g->wq, EPOLLIN | EPOLLRDNORM);
	}
	spin_unlock_irqrestore(&g->wq.lock, flags);
	if (drop)
		kfree(ev);
}

static void queue_event(struct watch *w, u32 mask, u32 cookie, const char *name)
{
	u32 len = name ? (u32)ALIGN(strlen(name) + 1, sizeof(struct inotify_event)) : 0;
	struct event *ev = kzalloc(sizeof(*ev) + len, GFP_KERNEL);

	if (!ev)
		return;		/* as in Linux: an event that finds no memory is lost */
	ev->e = (struct inotify_event){ w->wd, mask, cookie, len };
	ev->name_len = len;
	if (name)
		strscpy(ev->name, name, len);
	put_event(w->group, ev);
}

/* Takes: @w, with an IN_IGNORED for its owner. */
static void end_watch(struct watch *w)
{
	assert_held(&watches_mutex);
	queue_event(w, IN_IGNORED, 0, NULL);
	list_del(&w->group_list);
	list_del(&w->all_list);
	WRITE_ONCE(inotify_watches, inotify_watches - 1);
	kfree(w);
}

static void notify(struct inode *inode, u32 mask, u32 cookie, const char *name, bool unlinked)
{
	struct watch *w, *next;

	mutex_lock(&watches_mutex);
	list_for_each_entry_safe(w, next, &all_watches, all_list) {
		if (w->inode != inode || !(w->mask & mask & IN_ALL_EVENTS))
			continue;
		if (unlinked && (w->mask & IN_EXCL_UNLINK))
			continue;
		queue_event(w, mask, cookie, name);
		if (w->mask & IN_ONESHOT)
			end_watch(w);
	}
	mutex_unlock(&watches_mutex);
}

void __fsnotify_dir(struct inode *dir, const char *name, u32 mask, u32 cookie)
{
	notify(dir, mask, cookie, name, false);
}

void __fsnotify_inode(struct inode *inode, u32 mask)
{
	notify(inode, S_ISDIR(inode->i_mode) ? mask | IN_ISDIR : mask, 0, NULL, false);
}

void __fsnotify_dentry(struct dentry *dentry, u32 mask)
{
	char name[NAME_MAX + 1];
	struct inode *inode = dentry->d_inode;

	if (S_ISDIR(inode->i_mode))
		mask |= IN_ISDIR;
	/* The name may change: it is copied with its directory in one hold. */
	spin_lock(&dcache_lock);
	struct dentry *parent = dentry->d_parent == dentry ? NULL : dget(dentry->d_parent);
	bool unlinked = dentry->d_unlinked;

	strscpy(name, dentry->d_name, sizeof(name));
	spin_unlock(&dcache_lock);
	if (parent && parent->d_inode)
		notify(parent->d_inode, mask, 0, name, unlinked);
	dput(parent);
	notify(inode, mask, 0, NULL, false);
}

void __inotify_inode_gone(struct inode *inode)
{
	struct watch *w, *next;

	mutex_lock(&watches_mutex);
	list_for_each_entry_safe(w, next, &all_watches, all_list) {
		if (w->inode != inode)
			continue;
		if (w->mask & IN_DELETE_SELF)
			queue_event(w, IN_DELETE_SELF, 0, NULL);
		end_watch(w);
	}
	mutex_unlock(&watches_mutex);
}

/* The next event that fits into @room bytes; *err says why there is none. */
static struct event *take_event(struct inotify_group *g, size_t room, ssize_t *err)
{
	struct event *ev = NULL;
	unsigned long flags;

	spin_lock_irqsave(&g->wq.lock, flags);
	*err = 0;
	if (g->nr_events) {
		ev = list_first_entry(&g->events, struct event, list);
		if (sizeof(ev->e) + ev->name_len > room) {
			*err = -EINVAL;
			ev = NULL;
		} else {
			list_del(&ev->list);
			g->nr_events--;
			if (ev->e.mask & IN_Q_OVERFLOW)
				g->overflowed = false;
		}
	}
	spin_unlock_irqrestore(&g->wq.lock, flags);
	return ev;
}

static ssize_t inotify_read(struct kiocb *iocb, struct iov_iter *to)
{
	struct inotify_group *g = iocb->ki_filp->private_data;
	ssize_t done = 0, err;

	for (;;) {
		struct event *ev = take_event(g, iov_iter_count(to), &err);

		if (ev) {
			size_t n = copy_to_iter(&ev->e, sizeof(ev->e), to) + copy_to_iter(ev->name, ev->name_len, to);
			bool whole = n == sizeof(ev->e) + ev->name_len;

			kfree(ev);
			if (!whole)
				return -EFAULT;
			done += (ssize_t)n;
			continue;
		}
		if (done || err)
			return done ? done : err;
		if (iocb->ki_flags & IOCB_NOWAIT)
			return -EAGAIN;
		err = wait_event_interruptible(g->wq, READ_ONCE(g->nr_events));
		if (err)
			return err;
	}
}

static __poll_t inotify_poll(struct file *file, poll_table *pt)
{
	struct inotify_group *g = file->private_data;

	poll_wait(file, &g->wq, pt);
	return READ_ONCE(g->nr_events) ? EPOLLIN | EPOLLRDNORM : 0;
}

static long inotify_ioctl(struct file *file, unsigned int cmd, unsigned long arg)
{
	struct inotify_group *g = file->private_data;
	struct event *ev;
	unsigned long flags;
	int n = 0;

	if (cmd != FIONREAD)
		return -ENOTTY;
	spin_lock_irqsave(&g->wq.lock, flags);
	list_for_each_entry(ev, &g->events, list)
		n += (int)(sizeof(ev->e) + ev->name_len);
	spin_unlock_irqrestore(&g->wq.lock, flags);
	return put_user(n, UPTR(arg));
}

static int inotify_release(__unused struct inode *inode, struct file *file)
{
	struct inotify_group *g = file->private_data;
	struct watch *w, *next;
	struct event *ev, *next_ev;

	mutex_lock(&watches_mutex);
	list_for_each_entry_safe(w, next, &g->watches, group_list)
		end_watch(w);
	mutex_unlock(&watches_mutex);
	list_for_each_entry_safe(ev, next_ev, &g->events, list)
		kfree(ev);
	kfree(g);
	return 0;
}

static void inotify_show_fdinfo(struct seq_file *m, struct file *file)
{
	struct inotify_group *g = file->private_data;
	struct watch *w;

	mutex_lock(&watches_mutex);
	list_for_each_entry(w, &g->watches, group_list)
		seq_printf(m, "inotify wd:%x ino:%llx sdev:%x mask:%x ignored_mask:0 \n", w->wd,
			   (unsigned long long)w->inode->i_ino, w->inode->i_sb->s_dev, w->mask & IN_ALL_EVENTS);
	mutex_unlock(&watches_mutex);
}

static const struct file_operations inotify_fops = {
	.fop_flags = FOP_PLAIN_READ, .llseek = noop_llseek,
	.read_iter = inotify_read, .poll = inotify_poll, .unlocked_ioctl = inotify_ioctl, .release = inotify_release,
	.show_fdinfo = inotify_show_fdinfo,
};

static long do_inotify_init(int flags)
{
	if (flags & ~(O_CLOEXEC | O_NONBLOCK))
		return -EINVAL;
	struct inotify_group *g = kzalloc(sizeof(*g), GFP_KERNEL);

	if (!g)
		return -ENOMEM;
	INIT_LIST_HEAD(&g->watches);
	INIT_LIST_HEAD(&g->events);
	init_waitqueue_head(&g->wq);
	int fd = anon_inode_getfd("inotify", &inotify_fops, g, O_RDONLY | flags);

	if (fd < 0)
		kfree(g);
	return fd;
}

SYSCALL_DEFINE1(inotify_init1, int, flags)
{
	return do_inotify_init(flags);
}

SYSCALL_DEFINE0(inotify_init)
{
	return do_inotify_init(0);
}

static struct watch *find_watch(struct inotify_group *g, const struct inode *inode, int wd)
{
	struct watch *w;

	list_for_each_entry(w, &g->watches, group_list) {
		if (inode ? w->inode == inode : w->wd == wd)
			return w;
	}
	return NULL;
}

/* Return: the watch's number or -errno. */
static int update_watch(struct inotify_group *g, struct inode *inode, u32 mask)
{
	struct watch *new = kzalloc(sizeof(*new), GFP_KERNEL);

	if (!new)
		return -ENOMEM;
	mutex_lock(&watches_mutex);
	struct watch *w = find_watch(g, inode, 0);
	int wd = -EEXIST;

	if (w && !(mask & IN_MASK_CREATE)) {
		w->mask = mask & IN_MASK_ADD ? w->mask | mask : mask;
		wd = w->wd;
	} else if (!w) {
		*new = (struct watch){ .group = g, .inode = inode, .mask = mask, .wd = ++g->last_wd };
		list_add(&new->group_list, &g->watches);
		list_add_tail(&new->all_list, &all_watches);
		WRITE_ONCE(inotify_watches, inotify_watches + 1);
		wd = new->wd;
		new = NULL;
	}
	mutex_unlock(&watches_mutex);
	kfree(new);
	return wd;
}

/* The group behind a descriptor: fdput() the result's fd. Return: NULL with *err set. */
static struct inotify_group *get_group(struct fd f, int *err)
{
	*err = !f.file ? -EBADF : f.file->f_op != &inotify_fops ? -EINVAL : 0;
	return *err ? NULL : f.file->private_data;
}

SYSCALL_DEFINE3(inotify_add_watch, int, fd, uptr, pathname, u32, mask)
{
	unsigned int lookup = (mask & IN_DONT_FOLLOW ? 0 : LOOKUP_FOLLOW) | (mask & IN_ONLYDIR ? LOOKUP_DIRECTORY : 0);
	struct path path;
	int err;

	if (!(mask & IN_VALID) || (mask & ~IN_VALID) || ((mask & IN_MASK_ADD) && (mask & IN_MASK_CREATE)))
		return -EINVAL;
	struct fd f = fdget((unsigned int)fd);
	struct inotify_group *g = get_group(f, &err);

	if (g)
		err = user_path_at(AT_FDCWD, pathname, lookup, &path);
	if (g && !err) {
		err = inode_permission(path.dentry->d_inode, MAY_READ);
		if (!err)
			err = update_watch(g, path.dentry->d_inode, mask);
		path_put(&path);
	}
	if (f.file)
		fdput(f);
	return err;
}

SYSCALL_DEFINE2(inotify_rm_watch, int, fd, int, wd)
{
	struct fd f = fdget((unsigned int)fd);
	int err;
	struct inotify_group *g = get_group(f, &err);

	if (g) {
		mutex_lock(&watches_mutex);
		struct watch *w = find_watch(g, NULL, wd);

		if (w)
			end_watch(w);
		else
			err = -EINVAL;
		mutex_unlock(&watches_mutex);
	}
	if (f.file)
		fdput(f);
	return err;
}

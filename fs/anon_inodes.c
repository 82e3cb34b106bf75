/*
 * fs/anon_inodes.c - files without a name: one inode for all of them, the operations make the difference.
 *
 * Linux:   fs/anon_inodes.c (6.1)
 * Same:    every such file shares one inode (mode 0600, no type); the kind is shown as "anon_inode:NAME".
 * Differs: 1. the name is not in a dentry: it is looked up by the file's operations, since one kind has one name.
 *             That saves a dentry per file; only /proc asks.
 * Locks:   LEAF for the list of names.
 * Walk:    epoll_create1(), eventfd2(), timerfd_create(), signalfd4() -> anon_inode_getfd().
 */
#include "fs/anon_inodes.h"
#include "fs/file.h"
#include "fs/fs.h"
#include "kernel/spinlock.h"

/* Kinds of nameless files: epoll, eventfd, timerfd, signalfd, pidfd, and room for as many again. */
#define MAX_ANON_KINDS 12
struct anon_kind { const struct file_operations *fops; const char *name; };

static struct inode *anon_inode;
static DEFINE_SPINLOCK(anon_kinds_lock, LC_LEAF);
static struct anon_kind anon_kinds[MAX_ANON_KINDS];	/* anon_kinds_lock to add; an entry never changes */
static int nr_anon_kinds;

const char *anon_inode_name(const struct file *file)
{
	int nr = smp_load_acquire(&nr_anon_kinds);

	for (int i = 0; i < nr; i++)
		if (anon_kinds[i].fops == file->f_op)
			return anon_kinds[i].name;
	return NULL;
}

static void anon_kind_add(const char *name, const struct file *file)
{
	spin_lock_irq(&anon_kinds_lock);
	if (!anon_inode_name(file) && !WARN_ON_ONCE(nr_anon_kinds == MAX_ANON_KINDS)) {
		anon_kinds[nr_anon_kinds] = (struct anon_kind){ file->f_op, name };
		smp_store_release(&nr_anon_kinds, nr_anon_kinds + 1); /* pairs with anon_inode_name() */
	}
	spin_unlock_irq(&anon_kinds_lock);
}

struct file *anon_inode_getfile(const char *name, const struct file_operations *fops, void *priv, int flags)
{
	ihold(anon_inode);

	struct file *file = alloc_file_pseudo(anon_inode, (unsigned int)flags & (O_ACCMODE | O_NONBLOCK), fops);

	if (IS_ERR(file)) {
		iput(anon_inode);
		return file;
	}
	file->private_data = priv;
	file->f_mode &= ~(fmode_t)(FMODE_PREAD | FMODE_PWRITE);	/* llseek() is accepted, and means nothing */
	if (unlikely(!anon_inode_name(file)))
		anon_kind_add(name, file);
	return file;
}

int anon_inode_getfd(const char *name, const struct file_operations *fops, void *priv, int flags)
{
	int fd = get_unused_fd_flags((unsigned int)flags);

	if (fd < 0)
		return fd;

	struct file *file = anon_inode_getfile(name, fops, priv, flags);

	if (IS_ERR(file)) {
		put_unused_fd((unsigned int)fd);
		return (int)PTR_ERR(file);
	}
	fd_install((unsigned int)fd, file);
	return fd;
}

void anon_inode_init(void)
{
	anon_inode = alloc_pseudo_inode(0600);
	if (!anon_inode)
		panic("no memory for the anonymous inode");
}

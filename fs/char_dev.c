/*
 * fs/char_dev.c - from a device node to the driver behind it.
 *
 * Linux:   fs/char_dev.c, block/fops.c (6.1)
 * Same:    a node's open() looks its number up and replaces the file's operations by the driver's; ENXIO where
 *          there is none.
 * Differs: 1. the registry is a list made at boot. 2. no block devices: their nodes can be made, not opened.
 * Locks:   LEAF for the registry.
 * Walk:    do_dentry_open() -> chrdev_open() -> driver's open().
 */
#include "fs/internal.h"
#include "fs/procfs.h"
#include "kernel/slab.h"

struct char_device {
	struct list_head list;
	unsigned int major, minor, count;
	const char *name;
	const struct file_operations *fops;
};
static DEFINE_SPINLOCK(chrdevs_lock, LC_LEAF);
static LIST_HEAD(chrdevs);	/* chrdevs_lock */

void register_chrdev(unsigned int major, unsigned int minor, unsigned int count, const char *name,
		     const struct file_operations *fops)
{
	struct char_device *cd = kmalloc(sizeof(*cd), GFP_KERNEL);
	unsigned long flags;

	ASSERT(cd);
	cd->major = major;
	cd->minor = minor;
	cd->count = count;
	cd->name = name;
	cd->fops = fops;
	spin_lock_irqsave(&chrdevs_lock, flags);
	list_add_tail(&cd->list, &chrdevs);
	spin_unlock_irqrestore(&chrdevs_lock, flags);
}

static const struct file_operations *chrdev_find(dev_t dev)
{
	const struct file_operations *fops = NULL;
	struct char_device *cd;
	unsigned long flags;

	spin_lock_irqsave(&chrdevs_lock, flags);
	list_for_each_entry(cd, &chrdevs, list) {
		if (cd->major == MAJOR(dev) && MINOR(dev) - cd->minor < cd->count) {
			fops = cd->fops;
			break;
		}
	}
	spin_unlock_irqrestore(&chrdevs_lock, flags);
	return fops;
}

static int chrdev_open(struct inode *inode, struct file *file)
{
	const struct file_operations *fops = chrdev_find(inode->i_rdev);

	if (!fops)
		return -ENXIO;
	file->f_op = fops;
	file->f_mode &= ~(fmode_t)(FMODE_LSEEK | FMODE_PREAD | FMODE_PWRITE | FMODE_STREAM);
	file->f_mode |= fops->llseek ? FMODE_LSEEK | FMODE_PREAD | FMODE_PWRITE : FMODE_STREAM;
	return fops->open ? fops->open(inode, file) : 0;
}

void show_devices(struct seq_file *m)
{
	struct char_device *cd;
	unsigned long flags;

	seq_puts(m, "Character devices:\n");
	spin_lock_irqsave(&chrdevs_lock, flags);
	list_for_each_entry(cd, &chrdevs, list)
		seq_printf(m, "%3u %s\n", cd->major, cd->name);
	spin_unlock_irqrestore(&chrdevs_lock, flags);
	seq_puts(m, "\nBlock devices:\n");
}

static int blkdev_open(__unused struct inode *inode, __unused struct file *file)
{
	return -ENXIO;
}

const struct file_operations def_chr_fops = { .open = chrdev_open };
const struct file_operations def_blk_fops = { .open = blkdev_open };

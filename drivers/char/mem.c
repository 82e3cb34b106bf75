/*
 * drivers/char/mem.c - devices that are only memory: null, zero, full, random, urandom, kmsg.
 *
 * Linux:   drivers/char/mem.c, drivers/char/random.c, kernel/printk/printk.c (6.1)
 * Same:    major 1 and its minors; what each reads and writes; writing to random adds entropy.
 * Differs: 1. /dev/mem, port and kmem are not offered. 2. /dev/random never waits: the generator is seeded at boot.
 *          3. a read of kmsg takes as many whole lines as fit, not one record, and its lines are printk_read()'s.
 * Locks:   none.
 * Walk:    open("/dev/null") -> chrdev_open(); read -> zero_read().
 */
#include "drivers/drivers.h"
#include "fs/fs.h"
#include "kernel/mm.h"
#include "kernel/printk.h"
#include "kernel/random.h"
#include "kernel/signal.h"
#include "kernel/slab.h"
#include "kernel/string.h"
#include "kernel/task.h"
#include "kernel/uaccess.h"

enum {
	MEM_MAJOR = 1, NULL_MINOR = 3, ZERO_MINOR = 5, FULL_MINOR = 7, RANDOM_MINOR = 8,
	URANDOM_MINOR = 9, KMSG_MINOR = 11,
};

static ssize_t null_read(__unused struct kiocb *iocb, __unused struct iov_iter *to)
{
	return 0;
}

static ssize_t null_write(__unused struct kiocb *iocb, struct iov_iter *from)
{
	size_t n = iov_iter_count(from);

	iov_iter_advance(from, n);
	return (ssize_t)n;
}

static ssize_t full_write(__unused struct kiocb *iocb, __unused struct iov_iter *from)
{
	return -ENOSPC;
}

/* Page by page, so that a signal can end a very large read. */
static ssize_t zero_read(__unused struct kiocb *iocb, struct iov_iter *to)
{
	ssize_t done = 0;

	while (iov_iter_count(to)) {
		size_t want = min(iov_iter_count(to), PAGE_SIZE), n = iov_iter_zero(want, to);

		done += (ssize_t)n;
		if (n < want)
			return done ? done : -EFAULT;
		if (signal_pending(current))
			break;
		cond_resched();
	}
	return done;
}

static ssize_t random_read(__unused struct kiocb *iocb, struct iov_iter *to)
{
	u8 buf[256];
	ssize_t done = 0;

	while (iov_iter_count(to)) {
		size_t want = min(iov_iter_count(to), sizeof(buf));

		get_random_bytes(buf, want);
		size_t n = copy_to_iter(buf, want, to);

		done += (ssize_t)n;
		if (n < want) {
			done = done ? done : -EFAULT;
			break;
		}
		if (signal_pending(current))
			break;
	}
	memset(buf, 0, sizeof(buf));
	return done;
}

static ssize_t random_write(__unused struct kiocb *iocb, struct iov_iter *from)
{
	u8 buf[256];
	ssize_t done = 0;

	while (iov_iter_count(from)) {
		size_t want = min(iov_iter_count(from), sizeof(buf)), n = copy_from_iter(buf, want, from);

		add_entropy(buf, n);
		done += (ssize_t)n;
		if (n < want)
			return done ? done : -EFAULT;
	}
	return done;
}

enum { RNDGETENTCNT = 0x80045200 };
static long random_ioctl(__unused struct file *file, unsigned int cmd, unsigned long arg)
{
	if (cmd != RNDGETENTCNT)
		return -ENOTTY;
	return put_user((int)256, UPTR(arg));
}

/* A private mapping of /dev/zero is memory of one's own; a shared one is a nameless file. */
static int zero_mmap(__unused struct file *file, struct vm_area_struct *vma)
{
	if (!(vma->vm_flags & VM_SHARED)) {
		fput(vma->vm_file);
		vma->vm_file = NULL;
		vma->vm_ops = NULL;
		return 0;
	}
	loff_t size = (loff_t)((vma->vm_pgoff << PAGE_SHIFT) + vma->vm_end - vma->vm_start);
	struct file *shm = shmem_file_setup("dev/zero", size, O_RDWR);

	if (IS_ERR(shm))
		return (int)PTR_ERR(shm);
	fput(vma->vm_file);
	vma->vm_file = shm;
	return generic_file_mmap(shm, vma);
}

static int kmsg_open(__unused struct inode *inode, struct file *file)
{
	file->private_data = kzalloc(sizeof(u64), GFP_KERNEL);	/* where this reader is in the log */
	return file->private_data ? 0 : -ENOMEM;
}

static int kmsg_release(__unused struct inode *inode, struct file *file)
{
	kfree(file->private_data);
	return 0;
}

static ssize_t kmsg_read(struct kiocb *iocb, struct iov_iter *to)
{
	u64 *pos = iocb->ki_filp->private_data, next = *pos;
	size_t want = min(iov_iter_count(to), PAGE_SIZE);
	char *buf = kmalloc(PAGE_SIZE, GFP_KERNEL);

	if (!buf)
		return -ENOMEM;
	size_t n = printk_read(&next, buf, want);
	ssize_t ret = -EAGAIN;

	if (n) {
		ret = copy_to_iter(buf, n, to) == n ? (ssize_t)n : -EFAULT;
		if (ret > 0)
			*pos = next;
	}
	kfree(buf);
	return ret;
}

/* "<6>text": the level in front is the message's. */
static ssize_t kmsg_write(__unused struct kiocb *iocb, struct iov_iter *from)
{
	char buf[1024];
	size_t n = min(iov_iter_count(from), sizeof(buf) - 1), total = iov_iter_count(from);
	int level = LOGLEVEL_NOTICE;
	char *text = buf;

	if (copy_from_iter(buf, n, from) != n)
		return -EFAULT;
	while (n && buf[n - 1] == '\n')
		n--;
	buf[n] = '\0';
	if (buf[0] == '<' && buf[1] >= '0' && buf[1] <= '9' && strchr(buf, '>')) {
		level = (buf[1] - '0') & 7;
		text = strchr(buf, '>') + 1;
	}
	printk(level, "%s\n", text);
	return (ssize_t)total;
}

static const struct file_operations null_fops = {
	.fop_flags = FOP_NOWAIT | FOP_NO_SPLICE_READ,
	.llseek = noop_llseek, .read_iter = null_read, .write_iter = null_write,
};
static const struct file_operations zero_fops = {
	.fop_flags = FOP_NOWAIT | FOP_NO_SPLICE_READ | FOP_NO_SPLICE_WRITE,
	.llseek = noop_llseek, .read_iter = zero_read, .write_iter = null_write, .mmap = zero_mmap,
};
static const struct file_operations full_fops = {
	.fop_flags = FOP_NO_SPLICE_READ | FOP_NO_SPLICE_WRITE,
	.llseek = noop_llseek, .read_iter = zero_read, .write_iter = full_write,
};
static const struct file_operations random_fops = {
	.fop_flags = FOP_NOWAIT,
	.llseek = noop_llseek, .read_iter = random_read, .write_iter = random_write, .unlocked_ioctl = random_ioctl,
};
static const struct file_operations kmsg_fops = {
	.open = kmsg_open, .read_iter = kmsg_read, .write_iter = kmsg_write, .release = kmsg_release,
};

static const struct {
	const char *name;
	unsigned int minor;
	umode_t mode;
	const struct file_operations *fops;
} devices[] = {
	{ "null", NULL_MINOR, 0666, &null_fops },
	{ "zero", ZERO_MINOR, 0666, &zero_fops },
	{ "full", FULL_MINOR, 0666, &full_fops },
	{ "random", RANDOM_MINOR, 0666, &random_fops },
	{ "urandom", URANDOM_MINOR, 0666, &random_fops },
	{ "kmsg", KMSG_MINOR, 0644, &kmsg_fops },
};

void mem_devices_init(void)
{
	for (size_t i = 0; i < ARRAY_SIZE(devices); i++) {
		register_chrdev(MEM_MAJOR, devices[i].minor, 1, devices[i].name, devices[i].fops);
		if (devfs_add(devices[i].name, S_IFCHR | devices[i].mode, MKDEV(MEM_MAJOR, devices[i].minor)))
			pr_warn("mem: no node for %s\n", devices[i].name);
	}
}

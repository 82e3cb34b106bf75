/*
 * fs/ioctl.c - ioctl(2): what every file answers, then the file's own.
 *
 * Linux:   fs/ioctl.c (6.1)
 * Same:    FIOCLEX, FIONCLEX, FIONBIO, FIOASYNC here; FIONREAD here for regular files; ENOTTY where nobody answers.
 * Differs: none of note.
 * Locks:   FILE_F.
 * Walk:    ioctl(2) -> f_op->unlocked_ioctl().
 */
#include "fs/file.h"
#include "fs/internal.h"
#include "kernel/syscall.h"
#include "kernel/uaccess.h"

enum {
	FIONREAD = 0x541B, FIONBIO = 0x5421, FIONCLEX = 0x5450, FIOCLEX = 0x5451, FIOASYNC = 0x5452,
	FIOQSIZE = 0x5460, FIGETBSZ = 2,
};

static int ioctl_fionbio(struct file *file, uptr arg)
{
	int on;

	if (get_user(on, arg))
		return -EFAULT;
	spin_lock(&file->f_lock);
	if (on)
		file->f_flags |= O_NONBLOCK;
	else
		file->f_flags &= ~(unsigned int)O_NONBLOCK;
	spin_unlock(&file->f_lock);
	return 0;
}

static int ioctl_fioasync(unsigned int fd, struct file *file, uptr arg)
{
	int on;

	if (get_user(on, arg))
		return -EFAULT;
	if (!on == !(file->f_flags & O_ASYNC))
		return 0;
	return fasync_set(fd, file, on);
}

static long file_ioctl(struct file *file, unsigned int cmd, uptr arg)
{
	const struct inode *inode = file->f_inode;

	switch (cmd) {
	case FIONREAD:
		return put_user((int)(inode->i_size - file->f_pos), arg);
	case FIGETBSZ:
		return put_user((int)PAGE_SIZE, arg);
	}
	return -ENOTTY;
}

static long do_vfs_ioctl(unsigned int fd, struct file *file, unsigned int cmd, unsigned long arg)
{
	switch (cmd) {
	case FIOCLEX:
		set_close_on_exec(fd, true);
		return 0;
	case FIONCLEX:
		set_close_on_exec(fd, false);
		return 0;
	case FIONBIO:
		return ioctl_fionbio(file, UPTR(arg));
	case FIOASYNC:
		return ioctl_fioasync(fd, file, UPTR(arg));
	}
	if (file->f_inode && S_ISREG(file->f_inode->i_mode) && (cmd == FIONREAD || cmd == FIGETBSZ))
		return file_ioctl(file, cmd, UPTR(arg));
	if (!file->f_op->unlocked_ioctl)
		return -ENOTTY;
	return file->f_op->unlocked_ioctl(file, cmd, arg);
}

SYSCALL_DEFINE3(ioctl, unsigned int, fd, unsigned int, cmd, unsigned long, arg)
{
	struct fd f = fdget(fd);

	if (!f.file)
		return -EBADF;
	long ret = do_vfs_ioctl(fd, f.file, cmd, arg);

	fdput(f);
	return ret;
}

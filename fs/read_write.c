/*
 * fs/read_write.c - read, write and their vectored and positioned forms, and lseek.
 *
 * Linux:   fs/read_write.c (6.1)
 * Same:    EBADF for the wrong mode, ESPIPE for a position where there is none; one call moves at most 2 GiB less
 *          a page; f_pos_lock only while a file with a position is shared; RWF_* flags.
 * Differs: 1. one way into a file, read_iter and write_iter: no read() or write() in file_operations.
 *          2. RWF_HIPRI and the DSYNC flags need nothing: no file here has a slower, safer way to write.
 * Locks:   FPOS.
 * Walk:    read(2) -> vfs_read_iter() -> f_op->read_iter() -> copy_to_iter().
 */
#include "fs/file.h"
#include "fs/internal.h"
#include "fs/notify.h"
#include "kernel/process.h"
#include "kernel/signal.h"
#include "kernel/slab.h"
#include "kernel/string.h"
#include "kernel/syscall.h"
#include "kernel/uaccess.h"

enum { SEEK_SET, SEEK_CUR, SEEK_END, SEEK_DATA, SEEK_HOLE };
enum { RWF_HIPRI = 1, RWF_DSYNC = 2, RWF_SYNC = 4, RWF_NOWAIT = 8, RWF_APPEND = 16 };

static inline int iocb_flags(const struct file *file)
{
	static_assert(O_NONBLOCK == 04000 && O_APPEND == 02000, "the shifts below");
	return (int)((file->f_flags >> 11 & IOCB_NOWAIT) | (file->f_flags >> 9 & IOCB_APPEND));
}

static __always_inline ssize_t do_iter(struct file *file, struct iov_iter *iter, loff_t *pos, int rwf, bool write)
{
	struct kiocb kiocb = { .ki_filp = file, .ki_flags = iocb_flags(file) | rwf };

	if (pos)
		kiocb.ki_pos = *pos;
	ssize_t ret = write ? file->f_op->write_iter(&kiocb, iter) : file->f_op->read_iter(&kiocb, iter);

	if (pos)
		*pos = kiocb.ki_pos;
	if (unlikely(READ_ONCE(inotify_watches)) && ret > 0 && file->f_path.dentry)
		fsnotify_dentry(file->f_path.dentry, write ? IN_MODIFY : IN_ACCESS);
	return ret;
}

ssize_t vfs_read_iter(struct file *file, struct iov_iter *iter, loff_t *pos)
{
	if (!(file->f_mode & FMODE_READ))
		return -EBADF;
	if (!file->f_op->read_iter)
		return -EINVAL;
	return do_iter(file, iter, pos, 0, false);
}

ssize_t vfs_write_iter(struct file *file, struct iov_iter *iter, loff_t *pos, int ki_flags)
{
	if (!(file->f_mode & FMODE_WRITE))
		return -EBADF;
	if (!file->f_op->write_iter)
		return -EINVAL;
	return do_iter(file, iter, pos, ki_flags, true);
}

ssize_t kernel_read(struct file *file, void *buf, size_t n, loff_t *pos)
{
	struct iov_iter iter;

	iov_iter_kbuf(&iter, false, buf, n);
	return vfs_read_iter(file, &iter, pos);
}

ssize_t kernel_write(struct file *file, const void *buf, size_t n, loff_t *pos)
{
	struct iov_iter iter;

	iov_iter_kbuf(&iter, true, (void *)(unsigned long)buf, n);
	return vfs_write_iter(file, &iter, pos, 0);
}

ssize_t simple_read_iter(struct kiocb *iocb, struct iov_iter *to, const void *from, size_t available)
{
	if (iocb->ki_pos < 0)
		return -EINVAL;
	if ((u64)iocb->ki_pos >= available || !iov_iter_count(to))
		return 0;
	size_t n = min(iov_iter_count(to), available - (size_t)iocb->ki_pos);
	size_t done = copy_to_iter((const u8 *)from + iocb->ki_pos, n, to);

	if (!done)
		return -EFAULT;
	iocb->ki_pos += (loff_t)done;
	return (ssize_t)done;
}

/*
 * The position of a shared file with one is locked; the others need no lock. Return: where the call reads
 * and writes it.
 */
static inline loff_t *pos_begin(struct file *file, bool *locked)
{
	*locked = false;
	if (file->f_mode & FMODE_STREAM)
		return NULL;
	if ((file->f_mode & FMODE_ATOMIC_POS) && atomic_long_read(&file->f_count) > 1) {
		mutex_lock(&file->f_pos_lock);
		*locked = true;
	}
	return &file->f_pos;
}

static inline void pos_end(struct file *file, bool locked)
{
	if (unlikely(locked))
		mutex_unlock(&file->f_pos_lock);
}

static inline int check_rw(const struct file *file, bool write)
{
	if (unlikely(!(file->f_mode & (write ? FMODE_WRITE : FMODE_READ))))
		return -EBADF;
	if (unlikely(write ? !file->f_op->write_iter : !file->f_op->read_iter))
		return -EINVAL;
	return 0;
}

static __always_inline long ksys_rw(unsigned int fd, uptr buf, size_t count, bool write)
{
	struct fd f = __fdget(fd, FMODE_PATH);
	struct iov_iter iter;
	bool locked;

	if (unlikely(!f.file))
		return -EBADF;
	ssize_t ret = check_rw(f.file, write);

	if (likely(!ret)) {
		if (unlikely((ssize_t)count < 0))
			ret = -EINVAL;
		else if (unlikely(!access_ok(buf, count)))
			ret = -EFAULT;
	}
	if (likely(!ret)) {
		loff_t *pos = pos_begin(f.file, &locked);

		iov_iter_ubuf(&iter, write, buf, min(count, MAX_RW_COUNT));
		ret = do_iter(f.file, &iter, pos, 0, write);
		pos_end(f.file, locked);
	}
	fdput(f);
	return ret;
}

SYSCALL_DEFINE3(read, unsigned int, fd, uptr, buf, size_t, count)
{
	return ksys_rw(fd, buf, count, false);
}

SYSCALL_DEFINE3(write, unsigned int, fd, uptr, buf, size_t, count)
{
	return ksys_rw(fd, buf, count, true);
}

static long ksys_prw(unsigned int fd, uptr buf, size_t count, loff_t pos, bool write)
{
	struct iov_iter iter;

	if (pos < 0)
		return -EINVAL;
	struct fd f = fdget(fd);

	if (!f.file)
		return -EBADF;
	ssize_t ret = -ESPIPE;

	if (f.file->f_mode & (write ? FMODE_PWRITE : FMODE_PREAD)) {
		ret = check_rw(f.file, write);
		if (!ret && (ssize_t)count < 0)
			ret = -EINVAL;
		if (!ret && !access_ok(buf, count))
			ret = -EFAULT;
		if (!ret) {
			iov_iter_ubuf(&iter, write, buf, min(count, MAX_RW_COUNT));
			ret = do_iter(f.file, &iter, &pos, 0, write);
		}
	}
	fdput(f);
	return ret;
}

SYSCALL_DEFINE4(pread64, unsigned int, fd, uptr, buf, size_t, count, loff_t, pos)
{
	return ksys_prw(fd, buf, count, pos, false);
}

SYSCALL_DEFINE4(pwrite64, unsigned int, fd, uptr, buf, size_t, count, loff_t, pos)
{
	return ksys_prw(fd, buf, count, pos, true);
}

bool file_is_plain(const struct file *file, bool write)
{
	if (write)
		return file->f_op->fop_flags & FOP_PLAIN_WRITE;
	return file->f_op->iterate_shared || (file->f_op->fop_flags & FOP_PLAIN_READ);
}

/* RWF_* to IOCB_*. Return: flags or -EOPNOTSUPP. */
static int rwf_to_iocb(const struct file *file, unsigned int flags, bool write)
{
	if (flags & ~(unsigned int)(RWF_HIPRI | RWF_DSYNC | RWF_SYNC | RWF_NOWAIT | RWF_APPEND))
		return -EOPNOTSUPP;
	if ((flags & RWF_NOWAIT) && !(file->f_op->fop_flags & FOP_NOWAIT))
		return -EOPNOTSUPP;
	if ((flags & ~(unsigned int)RWF_HIPRI) && file_is_plain(file, write))
		return -EOPNOTSUPP;
	return (flags & RWF_NOWAIT ? IOCB_NOWAIT : 0) | (flags & RWF_APPEND ? IOCB_APPEND : 0);
}

/* A call for each piece, until one is short. Return: bytes, or the first one's -errno. */
static ssize_t do_pieces(struct file *file, const struct iov_iter *vector, loff_t *pos, bool write)
{
	size_t left = vector->count;
	ssize_t done = 0;

	for (const struct iovec *iov = vector->iov; left; iov++) {
		struct iov_iter iter;

		iov_iter_ubuf(&iter, write, iov->iov_base, iov->iov_len);
		ssize_t n = do_iter(file, &iter, pos, 0, write);

		if (n < 0)
			return done ? done : n;
		done += n;
		left -= iov->iov_len;
		if ((size_t)n != iov->iov_len)
			break;
	}
	return done;
}

/* @pos NULL: at the file's own position. */
static ssize_t rw_vector(struct file *file, uptr vec, unsigned long vlen, loff_t *pos, unsigned int flags, bool write)
{
	struct iovec fast[UIO_FASTIOV], *iov;
	struct iov_iter iter;
	bool locked = false;
	ssize_t ret = import_iovec(write, vec, (unsigned int)min(vlen, UIO_MAXIOV + 1UL), fast, &iov, &iter);

	/* Linux's order: the vector, the file, and the flags only if there is something to do. */
	if (ret >= 0) {
		int err = check_rw(file, write), rwf = !err && ret ? rwf_to_iocb(file, flags, write) : 0;

		if (err || rwf < 0)
			ret = err ? err : rwf;
		if (ret > 0) {
			loff_t *p = pos ? pos : pos_begin(file, &locked);

			ret = unlikely(file_is_plain(file, write)) ? do_pieces(file, &iter, p, write)
								   : do_iter(file, &iter, p, rwf, write);
			pos_end(file, locked);
		}
	}
	kfree(iov);
	return ret;
}

static long do_rwv(unsigned int fd, uptr vec, unsigned long vlen, unsigned int flags, bool write)
{
	struct fd f = fdget(fd);

	if (!f.file)
		return -EBADF;
	ssize_t ret = rw_vector(f.file, vec, vlen, NULL, flags, write);

	fdput(f);
	return ret;
}

static long do_prwv(unsigned int fd, uptr vec, unsigned long vlen, loff_t pos, unsigned int flags, bool write)
{
	if (pos < 0)
		return -EINVAL;
	struct fd f = fdget(fd);

	if (!f.file)
		return -EBADF;
	ssize_t ret = -ESPIPE;

	if (f.file->f_mode & (write ? FMODE_PWRITE : FMODE_PREAD))
		ret = rw_vector(f.file, vec, vlen, &pos, flags, write);
	fdput(f);
	return ret;
}

SYSCALL_DEFINE3(readv, unsigned int, fd, uptr, vec, unsigned long, vlen)
{
	return do_rwv(fd, vec, vlen, 0, false);
}

SYSCALL_DEFINE3(writev, unsigned int, fd, uptr, vec, unsigned long, vlen)
{
	return do_rwv(fd, vec, vlen, 0, true);
}

/* On 64 bits the whole position is in the first word. */
SYSCALL_DEFINE5(preadv, unsigned int, fd, uptr, vec, unsigned long, vlen, loff_t, pos, __unused unsigned long, pos_high)
{
	return do_prwv(fd, vec, vlen, pos, 0, false);
}

SYSCALL_DEFINE5(pwritev, unsigned int, fd, uptr, vec, unsigned long, vlen, loff_t, pos, __unused unsigned long,
		pos_high)
{
	return do_prwv(fd, vec, vlen, pos, 0, true);
}

SYSCALL_DEFINE6(preadv2, unsigned int, fd, uptr, vec, unsigned long, vlen, loff_t, pos,
		__unused unsigned long, pos_high, unsigned int, flags)
{
	return pos == -1 ? do_rwv(fd, vec, vlen, flags, false) : do_prwv(fd, vec, vlen, pos, flags, false);
}

SYSCALL_DEFINE6(pwritev2, unsigned int, fd, uptr, vec, unsigned long, vlen, loff_t, pos,
		__unused unsigned long, pos_high, unsigned int, flags)
{
	return pos == -1 ? do_rwv(fd, vec, vlen, flags, true) : do_prwv(fd, vec, vlen, pos, flags, true);
}

loff_t noop_llseek(struct file *file, __unused loff_t off, __unused int whence)
{
	return file->f_pos;
}

loff_t generic_file_llseek(struct file *file, loff_t off, int whence)
{
	loff_t size = file->f_inode->i_size;

	switch (whence) {
	case SEEK_SET:
		break;
	case SEEK_CUR:
		off += file->f_pos;
		break;
	case SEEK_END:
		off += size;
		break;
	case SEEK_DATA:
		/* holes are not told apart from data here: all is data, and one hole begins at the end */
		if (off < 0 || off >= size)
			return -ENXIO;
		break;
	case SEEK_HOLE:
		if (off < 0 || off >= size)
			return -ENXIO;
		off = size;
		break;
	default:
		return -EINVAL;
	}
	if (off < 0)
		return -EINVAL;
	file->f_pos = off;
	return off;
}

int stream_open(__unused struct inode *inode, struct file *file)
{
	file->f_mode &= ~(fmode_t)(FMODE_LSEEK | FMODE_PREAD | FMODE_PWRITE | FMODE_ATOMIC_POS);
	file->f_mode |= FMODE_STREAM;
	return 0;
}

SYSCALL_DEFINE3(lseek, unsigned int, fd, loff_t, offset, unsigned int, whence)
{
	struct fd f = fdget(fd);
	loff_t ret = -EINVAL;
	bool locked;

	if (!f.file)
		return -EBADF;
	if (whence <= SEEK_HOLE) {
		ret = -ESPIPE;
		if (f.file->f_mode & FMODE_LSEEK) {
			pos_begin(f.file, &locked);
			ret = f.file->f_op->llseek(f.file, offset, (int)whence);
			pos_end(f.file, locked);
		}
	}
	fdput(f);
	return ret;
}

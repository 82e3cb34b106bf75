/*
 * fs/splice.c - moving bytes between files without the user's memory: sendfile, splice, tee, copy_file_range.
 *
 * Linux:   fs/splice.c, fs/read_write.c (6.1)
 * Same:    a file's pages enter a pipe by reference; between pipes buffers change hands; flags and errors.
 * Differs: 1. out of a pipe, and for sendfile, the kernel writes from the page to the target's write_iter: one copy
 *             where Linux's sockets take the page. 2. vmsplice copies instead of lending the user's pages.
 *          3. files without pages of their own (devices, /proc) go through a bounce page.
 * Locks:   PIPE_MTX (two pipes: in order of address); FPOS for the positions of the files named by descriptors.
 * Walk:    sendfile() -> do_splice_direct() -> page_at() -> vfs_write_iter().
 */
#include "fs/file.h"
#include "fs/internal.h"
#include "fs/pipe.h"
#include "kernel/mm.h"
#include "kernel/signal.h"
#include "kernel/slab.h"
#include "kernel/string.h"
#include "kernel/syscall.h"
#include "kernel/uaccess.h"

enum { SPLICE_F_MOVE = 1, SPLICE_F_NONBLOCK = 2, SPLICE_F_MORE = 4, SPLICE_F_GIFT = 8, SPLICE_F_ALL = 15 };

static bool can_splice_from(const struct file *f)
{
	return f->f_op->read_iter && !file_is_plain(f, false) && !(f->f_op->fop_flags & FOP_NO_SPLICE_READ);
}

static bool can_splice_to(const struct file *f)
{
	return f->f_op->write_iter && !file_is_plain(f, true) && !(f->f_op->fop_flags & FOP_NO_SPLICE_WRITE);
}

static bool has_pages(const struct file *f)
{
	return f->f_op->read_iter == generic_file_read_iter;
}

/*
 * Up to @len bytes of @in at *@pos: a page with a reference, and in *@off and *@len the part that counts. *@pos
 * moves on. NULL: end of file; ERR_PTR.
 */
static struct page *page_at(struct file *in, loff_t *pos, size_t len, u32 *off, u32 *got)
{
	struct page *page;
	size_t in_page = has_pages(in) ? (size_t)*pos & (PAGE_SIZE - 1) : 0;

	len = min(len, PAGE_SIZE - in_page);
	if (has_pages(in)) {
		loff_t size = READ_ONCE(in->f_inode->i_size);

		if (*pos >= size)
			return NULL;
		*got = (u32)min_t(u64, len, (u64)(size - *pos));
		*off = (u32)in_page;
		page = filemap_get_page(&in->f_inode->i_data, (u64)*pos >> PAGE_SHIFT, true);
		if (!IS_ERR(page))
			*pos += *got;
		return page;
	}
	page = alloc_page(GFP_KERNEL);
	if (!page)
		return ERR_PTR(-ENOMEM);
	ssize_t n = kernel_read(in, page_address(page), len, pos);

	if (n <= 0) {
		put_page(page);
		return n ? ERR_PTR(n) : NULL;
	}
	*off = 0;
	*got = (u32)n;
	return page;
}

/* Write part of a page to @out; @ki_flags: 0 or IOCB_MORE. Return: bytes or -errno. */
static ssize_t write_part(struct file *out, struct page *page, u32 off, u32 len, loff_t *pos, int ki_flags)
{
	struct iov_iter iter;

	iov_iter_kbuf(&iter, true, (u8 *)page_address(page) + off, len);
	return vfs_write_iter(out, &iter, pos, ki_flags);
}

/* After this page comes another: not if the file ends here, though the caller asked for @left bytes more. */
static int more_follows(const struct file *in, loff_t pos, size_t left)
{
	return left && has_pages(in) && pos < READ_ONCE(in->f_inode->i_size) ? IOCB_MORE : 0;
}

/*
 * From file to file, page by page. Return: bytes, or -errno if there were none. *@ppos moves by what was
 * written.
 */
static ssize_t do_splice_direct(struct file *in, loff_t *ppos, struct file *out, loff_t *opos, size_t len)
{
	ssize_t done = 0, n = 0;

	while (len) {
		loff_t pos = *ppos;
		u32 off, got;
		struct page *page = page_at(in, &pos, len, &off, &got);

		if (IS_ERR_OR_NULL(page)) {
			n = page ? PTR_ERR(page) : 0;
			break;
		}
		/* Not earlier: nothing can be written to any file. */
		n = can_splice_to(out)
			    ? write_part(out, page, off, got, opos, more_follows(in, pos, len - got))
			    : -EINVAL;
		put_page(page);
		if (n <= 0)
			break;
		*ppos += n;
		done += n;
		len -= (size_t)n;
		if ((u32)n < got || signal_pending(current))
			break;
		cond_resched();
	}
	return done ? done : n;
}

/*
 * A position for @f: the caller's (*@user) or the file's own. Return: 0, or @none if it has none but one is
 * given.
 */
static int get_pos(const struct file *f, uptr user, loff_t *pos, int none)
{
	if (uptr_is_null(user)) {
		*pos = f->f_pos;
		return 0;
	}
	if (!(f->f_mode & FMODE_PREAD))
		return none;
	return copy_from_user(pos, user, sizeof(*pos)) ? -EFAULT : 0;
}

static int set_pos(struct file *f, uptr user, loff_t pos)
{
	if (!uptr_is_null(user))
		return copy_to_user(user, &pos, sizeof(pos)) ? -EFAULT : 0;
	if (!(f->f_mode & FMODE_STREAM))
		f->f_pos = pos;
	return 0;
}

static ssize_t do_copy_file_range(struct file *in, uptr off_in, struct file *out, uptr off_out, size_t len)
{
	loff_t ipos, opos;

	if (!(in->f_mode & FMODE_READ) || !(out->f_mode & FMODE_WRITE) || (out->f_flags & O_APPEND))
		return -EBADF;
	if (!in->f_inode || !out->f_inode)
		return -EINVAL;
	if (S_ISDIR(in->f_inode->i_mode) || S_ISDIR(out->f_inode->i_mode))
		return -EISDIR;
	if (!S_ISREG(in->f_inode->i_mode) || !S_ISREG(out->f_inode->i_mode))
		return -EINVAL;
	int err = get_pos(in, off_in, &ipos, -ESPIPE);

	if (!err)
		err = get_pos(out, off_out, &opos, -ESPIPE);
	if (err)
		return err;
	if ((ssize_t)len < 0 || ipos < 0 || opos < 0 || ipos + (loff_t)len < 0 || opos + (loff_t)len < 0)
		return -EINVAL;
	if (ipos < in->f_inode->i_size)
		len = min_t(u64, len, (u64)(in->f_inode->i_size - ipos));
	else
		len = 0;
	if (in->f_inode == out->f_inode && ipos < opos + (loff_t)len && opos < ipos + (loff_t)len)
		return -EINVAL;
	ssize_t n = do_splice_direct(in, &ipos, out, &opos, min(len, MAX_RW_COUNT));

	if (n > 0) {
		err = set_pos(in, off_in, ipos);
		if (!err)
			err = set_pos(out, off_out, opos);
	}
	return err ? err : n;
}

SYSCALL_DEFINE6(copy_file_range, int, fd_in, uptr, off_in, int, fd_out, uptr, off_out, size_t, len, unsigned int, flags)
{
	struct fd in = fdget((unsigned int)fd_in);
	ssize_t ret = -EBADF;

	if (!in.file)
		return -EBADF;
	struct fd out = fdget((unsigned int)fd_out);

	if (out.file) {
		ret = flags ? -EINVAL : do_copy_file_range(in.file, off_in, out.file, off_out, len);
		fdput(out);
	}
	fdput(in);
	return ret;
}

/* Room in a pipe for one more buffer. Return: 0 with the mutex held, or -errno without. */
static int room_in(struct pipe_inode_info *pipe, bool nonblock)
{
	mutex_lock(&pipe->mutex);
	for (;;) {
		int err = 0;

		if (!pipe->readers) {
			err = pipe_broken();
		} else if (!pipe_full(pipe)) {
			return 0;
		} else {
			err = nonblock ? -EAGAIN : pipe_wait_writable(pipe);
		}
		if (err) {
			mutex_unlock(&pipe->mutex);
			return err;
		}
	}
}

/* Something in a pipe. Return: 1 with the mutex held; 0 (no writers, empty) or -errno without. */
static int data_in(struct pipe_inode_info *pipe, bool nonblock)
{
	mutex_lock(&pipe->mutex);
	for (;;) {
		int err = 0;

		if (pipe->head != pipe->tail)
			return 1;
		if (pipe->writers)
			err = nonblock ? -EAGAIN : pipe_wait_readable(pipe);
		if (err || !pipe->writers) {
			if (!err && pipe->head != pipe->tail)
				return 1;
			mutex_unlock(&pipe->mutex);
			return err;
		}
	}
}

static void push_buf(struct pipe_inode_info *pipe, struct page *page, u32 off, u32 len)
{
	*pipe_buf(pipe, pipe->head) = (struct pipe_buffer){ .page = page, .offset = off, .len = len };
	pipe->head++;
}

static ssize_t splice_file_to_pipe(struct file *in, loff_t *pos, struct pipe_inode_info *pipe, size_t len,
				   bool nonblock)
{
	ssize_t done = 0;

	while (len) {
		int err = room_in(pipe, nonblock || done);

		if (err)
			return done ? done : err;
		mutex_unlock(&pipe->mutex);	/* reading may sleep on other locks; the place is looked for again */
		u32 off, got;
		struct page *page = page_at(in, pos, len, &off, &got);

		if (IS_ERR_OR_NULL(page))
			return done ? done : page ? PTR_ERR(page) : 0;
		err = room_in(pipe, nonblock);
		if (err) {
			*pos -= got;
			put_page(page);
			return done ? done : err;
		}
		push_buf(pipe, page, off, got);
		mutex_unlock(&pipe->mutex);
		pipe_wake_readers(pipe);
		done += got;
		len -= got;
		if (!has_pages(in))
			break;	/* what a device gives at once is what there is */
	}
	return done;
}

static ssize_t do_sendfile(struct file *out, struct file *in, uptr offset, size_t count)
{
	loff_t pos, opos = out->f_pos;

	if (!(in->f_mode & FMODE_READ) || !(out->f_mode & FMODE_WRITE))
		return -EBADF;
	int err = get_pos(in, offset, &pos, -ESPIPE);

	if (err)
		return err;
	if ((ssize_t)count < 0 || pos < 0 || pos + (loff_t)count < 0)
		return -EINVAL;
	if (out->f_flags & O_APPEND)
		return -EINVAL;
	if (!can_splice_from(in) || get_pipe_info(in))
		return -EINVAL;
	struct pipe_inode_info *opipe = get_pipe_info(out);
	ssize_t n = -EINVAL;

	count = min(count, MAX_RW_COUNT);
	/*
	 * Without a pipe, only from what has a position: from a terminal or a socket the loop would wait for more after
	 * a short read, and an end of file in the middle would be lost to the caller.
	 */
	if (opipe)
		n = splice_file_to_pipe(in, &pos, opipe, count, out->f_flags & O_NONBLOCK);
	else if (in->f_mode & FMODE_LSEEK)
		n = do_splice_direct(in, &pos, out, &opos, count);

	if (n > 0) {
		set_pos(out, UPTR_NULL, opos);
		err = set_pos(in, offset, pos);
	}
	return err ? err : n;
}

SYSCALL_DEFINE4(sendfile, int, out_fd, int, in_fd, uptr, offset, size_t, count)
{
	struct fd in = fdget((unsigned int)in_fd);
	ssize_t ret = -EBADF;

	if (!in.file)
		return -EBADF;
	struct fd out = fdget((unsigned int)out_fd);

	if (out.file) {
		ret = do_sendfile(out.file, in.file, offset, count);
		fdput(out);
	}
	fdput(in);
	return ret;
}

static ssize_t splice_pipe_to_file(struct pipe_inode_info *pipe, struct file *out, loff_t *pos, size_t len,
				   bool nonblock)
{
	ssize_t done = 0;

	while (len) {
		int err = data_in(pipe, nonblock || done);

		if (err <= 0)
			return done ? done : err;
		struct pipe_buffer *buf = pipe_buf(pipe, pipe->tail);
		struct page *page = buf->page;
		u32 off = buf->offset, want = (u32)min(len, (size_t)buf->len);
		bool was_full = pipe_full(pipe);

		get_page(page);
		/* The bytes leave the pipe before they are written: nobody else may take them meanwhile. */
		buf->offset += want;
		buf->len -= want;
		if (!buf->len) {
			put_page(page);
			pipe->tail++;
		}
		mutex_unlock(&pipe->mutex);
		if (was_full)
			pipe_wake_writers(pipe);
		ssize_t n = write_part(out, page, off, want, pos, 0);

		put_page(page);
		if (n <= 0)
			return done ? done : n;
		done += n;
		len -= (size_t)n;
		if ((u32)n < want)
			break;
	}
	return done;
}

static void lock_two(struct pipe_inode_info *a, struct pipe_inode_info *b)
{
	if (a > b)
		swap(a, b);
	mutex_lock(&a->mutex);
	mutex_lock_nested(&b->mutex, 1);
}

/*
 * Buffers from @in to @out while both sides can; @copy: they stay in @in too (tee). Return: bytes. Both
 * locked.
 */
static ssize_t move_bufs(struct pipe_inode_info *in, struct pipe_inode_info *out, size_t len, bool copy)
{
	unsigned int tail = in->tail;
	ssize_t done = 0;

	while (len && tail != in->head && !pipe_full(out)) {
		struct pipe_buffer *buf = pipe_buf(in, tail);
		u32 n = (u32)min(len, (size_t)buf->len);

		if (copy || n < buf->len)
			get_page(buf->page);
		push_buf(out, buf->page, buf->offset, n);
		buf->can_merge = false;	/* two pipes show the page: neither may write on */
		if (!copy) {
			buf->offset += n;
			buf->len -= n;
			if (!buf->len)
				in->tail++;
		}
		tail++;
		len -= n;
		done += n;
	}
	return done;
}

static ssize_t splice_pipe_to_pipe(struct pipe_inode_info *in, struct pipe_inode_info *out, size_t len,
				   bool nonblock, bool copy)
{
	if (in == out)
		return -EINVAL;
	for (;;) {
		int err = data_in(in, nonblock);

		if (err <= 0)
			return err;
		mutex_unlock(&in->mutex);
		err = room_in(out, nonblock);
		if (err)
			return err;
		mutex_unlock(&out->mutex);
		lock_two(in, out);
		ssize_t n = move_bufs(in, out, len, copy);

		mutex_unlock(&in->mutex);
		mutex_unlock(&out->mutex);
		if (!n)
			continue;	/* another was quicker */
		pipe_wake_readers(out);
		if (!copy)
			pipe_wake_writers(in);
		return n;
	}
}

static ssize_t do_splice(struct file *in, uptr off_in, struct file *out, uptr off_out, size_t len, unsigned int flags)
{
	struct pipe_inode_info *ipipe = get_pipe_info(in), *opipe = get_pipe_info(out);
	loff_t pos;
	ssize_t n;

	if ((ipipe && !uptr_is_null(off_in)) || (opipe && !uptr_is_null(off_out)))
		return -ESPIPE;
	if (!(in->f_mode & FMODE_READ) || !(out->f_mode & FMODE_WRITE))
		return -EBADF;
	bool nonblock = flags & SPLICE_F_NONBLOCK;

	if (ipipe && opipe)
		return splice_pipe_to_pipe(ipipe, opipe, len,
					   nonblock || ((in->f_flags | out->f_flags) & O_NONBLOCK), false);
	struct file *file = ipipe ? out : in;
	uptr user = ipipe ? off_out : off_in;
	int err = get_pos(file, user, &pos, -EINVAL);

	if (err)
		return err;
	if (ipipe && (out->f_flags & O_APPEND))
		return -EINVAL;
	if (ipipe && can_splice_to(out))
		n = splice_pipe_to_file(ipipe, out, &pos, len, nonblock || (in->f_flags & O_NONBLOCK));
	else if (opipe && can_splice_from(in))
		n = splice_file_to_pipe(in, &pos, opipe, len, nonblock || (out->f_flags & O_NONBLOCK));
	else
		return -EINVAL;
	if (n > 0)
		err = set_pos(file, user, pos);
	return err ? err : n;
}

SYSCALL_DEFINE6(splice, int, fd_in, uptr, off_in, int, fd_out, uptr, off_out, size_t, len, unsigned int, flags)
{
	ssize_t ret = -EBADF;

	if (!len)
		return 0;
	if (flags & ~(unsigned int)SPLICE_F_ALL)
		return -EINVAL;
	struct fd in = fdget((unsigned int)fd_in);

	if (!in.file)
		return -EBADF;
	struct fd out = fdget((unsigned int)fd_out);

	if (out.file) {
		ret = do_splice(in.file, off_in, out.file, off_out, min(len, MAX_RW_COUNT), flags);
		fdput(out);
	}
	fdput(in);
	return ret;
}

SYSCALL_DEFINE4(tee, int, fd_in, int, fd_out, size_t, len, unsigned int, flags)
{
	ssize_t ret = -EBADF;

	if (flags & ~(unsigned int)SPLICE_F_ALL)
		return -EINVAL;
	if (!len)
		return 0;
	struct fd in = fdget((unsigned int)fd_in);

	if (!in.file)
		return -EBADF;
	struct fd out = fdget((unsigned int)fd_out);

	if (out.file) {
		struct pipe_inode_info *ipipe = get_pipe_info(in.file), *opipe = get_pipe_info(out.file);
		bool nonblock = (flags & SPLICE_F_NONBLOCK) || ((in.file->f_flags | out.file->f_flags) & O_NONBLOCK);

		if ((in.file->f_mode & FMODE_READ) && (out.file->f_mode & FMODE_WRITE))
			ret = ipipe && opipe ? splice_pipe_to_pipe(ipipe, opipe, len, nonblock, true) : -EINVAL;
		fdput(out);
	}
	fdput(in);
	return ret;
}

SYSCALL_DEFINE4(vmsplice, int, fd, uptr, uiov, unsigned long, nr_segs, unsigned int, flags)
{
	struct iovec fast[UIO_FASTIOV], *iov = NULL;
	struct iov_iter iter;
	struct fd f = fdget((unsigned int)fd);

	if (flags & ~(unsigned int)SPLICE_F_ALL) {
		if (f.file)
			fdput(f);
		return -EINVAL;
	}
	if (!f.file)
		return -EBADF;
	bool write = f.file->f_mode & FMODE_WRITE;
	ssize_t ret = -EBADF;

	if (get_pipe_info(f.file))
		ret = import_iovec(write, uiov, (unsigned int)min(nr_segs, UIO_MAXIOV + 1UL), fast, &iov, &iter);
	if (ret > 0) {
		struct kiocb kiocb = { .ki_filp = f.file };

		if ((flags & SPLICE_F_NONBLOCK) || (f.file->f_flags & O_NONBLOCK))
			kiocb.ki_flags = IOCB_NOWAIT;
		ret = write ? f.file->f_op->write_iter(&kiocb, &iter) : f.file->f_op->read_iter(&kiocb, &iter);
	}
	kfree(iov);
	fdput(f);
	return ret;
}

/*
 * fs/pipe.c - pipes and FIFOs: a ring of pages between who writes and who reads.
 *
 * Linux:   fs/pipe.c (6.1)
 * Same:    writes of up to PIPE_BUF are whole; small writes fill up the last page; EPIPE and SIGPIPE without
 *          readers; a FIFO's open() waits for the other side; readers are woken when the ring stops being empty and
 *          writers when it stops being full, but once someone has polled, at every write (edge-triggered epoll).
 * Differs: 1. no packet mode: O_DIRECT for pipe2() is -EINVAL. 2. no limit per user.
 * Locks:   PIPE_MTX; WAITQ of the two queues after it.
 * Walk:    write(2) -> pipe_write() -> wake_up -> ep_poll_callback(); read(2) -> pipe_read().
 */
#include "fs/file.h"
#include "fs/internal.h"
#include "fs/pipe.h"
#include "kernel/mm.h"
#include "kernel/process.h"
#include "kernel/signal.h"
#include "kernel/slab.h"
#include "kernel/string.h"
#include "kernel/syscall.h"
#include "kernel/uaccess.h"

enum { F_SETPIPE_SZ = 1031, F_GETPIPE_SZ = 1032, FIONREAD = 0x541B };
#define PIPE_MAX_SIZE (1U << 20)	/* /proc/sys/fs/pipe-max-size's default */

static struct kmem_cache *pipe_cache;

void pipe_init(void)
{
	pipe_cache = kmem_cache_create("pipe_inode_info", sizeof(struct pipe_inode_info), 64);
}

static struct pipe_inode_info *alloc_pipe_info(void)
{
	struct pipe_inode_info *pipe = kmem_cache_zalloc(pipe_cache, GFP_KERNEL);

	if (!pipe)
		return NULL;
	mutex_init(&pipe->mutex, LC_PIPE_MTX);
	init_waitqueue_head(&pipe->rd_wait);
	init_waitqueue_head(&pipe->wr_wait);
	pipe->bufs = pipe->bufs_init;
	pipe->ring_size = PIPE_DEF_BUFFERS;
	return pipe;
}

static void free_pipe_info(struct pipe_inode_info *pipe)
{
	for (unsigned int i = pipe->tail; i != pipe->head; i++)
		put_page(pipe_buf(pipe, i)->page);
	if (pipe->tmp_page)
		put_page(pipe->tmp_page);
	if (pipe->bufs != pipe->bufs_init)
		kfree(pipe->bufs);
	kmem_cache_free(pipe_cache, pipe);
}

struct pipe_inode_info *get_pipe_info(const struct file *file)
{
	return file->f_op == &pipefifo_fops ? file->private_data : NULL;
}

/* Keep one emptied page for the next write; others go. */
void pipe_release_buf(struct pipe_inode_info *pipe, struct pipe_buffer *buf)
{
	struct page *page = buf->page;

	if (!pipe->tmp_page && buf->can_merge && refcount_read(&page->refs) == 1)
		pipe->tmp_page = page;
	else
		put_page(page);
}

static __always_inline void wake_readers(struct pipe_inode_info *pipe)
{
	if (wq_has_sleeper(&pipe->rd_wait))
		wake_up_interruptible_sync_poll(&pipe->rd_wait, EPOLLIN | EPOLLRDNORM);
}

static __always_inline void wake_writers(struct pipe_inode_info *pipe)
{
	if (wq_has_sleeper(&pipe->wr_wait))
		wake_up_interruptible_sync_poll(&pipe->wr_wait, EPOLLOUT | EPOLLWRNORM);
}

void pipe_wake_readers(struct pipe_inode_info *pipe)
{
	wake_readers(pipe);
}

void pipe_wake_writers(struct pipe_inode_info *pipe)
{
	wake_writers(pipe);
}

int pipe_broken(void)
{
	siginfo_t info = { .si_signo = SIGPIPE, .si_code = SI_USER, .si_pid = current->tgid };

	info.si_uid = current->cred.uid;
	send_sig_thread(SIGPIPE, &info, current);
	return -EPIPE;
}

static bool readable(const struct pipe_inode_info *pipe)
{
	return READ_ONCE(pipe->head) != READ_ONCE(pipe->tail) || !READ_ONCE(pipe->writers);
}

static bool writable(const struct pipe_inode_info *pipe)
{
	return READ_ONCE(pipe->head) - READ_ONCE(pipe->tail) < READ_ONCE(pipe->ring_size) || !READ_ONCE(pipe->readers);
}

int pipe_wait_readable(struct pipe_inode_info *pipe)
{
	mutex_unlock(&pipe->mutex);
	int err = wait_event_interruptible_exclusive(pipe->rd_wait, readable(pipe));

	mutex_lock(&pipe->mutex);
	return err;
}

int pipe_wait_writable(struct pipe_inode_info *pipe)
{
	mutex_unlock(&pipe->mutex);
	int err = wait_event_interruptible_exclusive(pipe->wr_wait, writable(pipe));

	mutex_lock(&pipe->mutex);
	return err;
}

/* Move what is there into @to. Return: bytes, or -EFAULT if not even the first buffer could be copied. */
static ssize_t read_bufs(struct pipe_inode_info *pipe, struct iov_iter *to)
{
	ssize_t done = 0;

	while (pipe->head != pipe->tail && iov_iter_count(to)) {
		struct pipe_buffer *buf = pipe_buf(pipe, pipe->tail);
		size_t n = min((size_t)buf->len, iov_iter_count(to));

		/* What is copied by half stays, whole, for the next reader. */
		if (unlikely(copy_to_iter((u8 *)page_address(buf->page) + buf->offset, n, to) < n))
			return done ? done : -EFAULT;
		done += (ssize_t)n;
		buf->offset += (u32)n;
		buf->len -= (u32)n;
		if (!buf->len) {
			pipe_release_buf(pipe, buf);
			pipe->tail++;
		}
	}
	return done;
}

static ssize_t pipe_read(struct kiocb *iocb, struct iov_iter *to)
{
	struct pipe_inode_info *pipe = iocb->ki_filp->private_data;
	bool was_full, wake_next = false;
	ssize_t ret = 0;

	if (unlikely(!iov_iter_count(to)))
		return 0;
	mutex_lock(&pipe->mutex);
	for (;;) {
		was_full = pipe_full(pipe);
		ret = read_bufs(pipe, to);
		if (ret || !pipe->writers)
			break;
		ret = iocb->ki_flags & IOCB_NOWAIT ? -EAGAIN : pipe_wait_readable(pipe);
		if (ret)
			break;
		wake_next = true;
	}
	/* woken alone (exclusive): what is left is for the next in line */
	wake_next = wake_next && pipe->head != pipe->tail;
	mutex_unlock(&pipe->mutex);
	if (unlikely(was_full && ret > 0))
		wake_writers(pipe);
	if (unlikely(wake_next))
		wake_readers(pipe);
	return ret;
}

/* Fill up the page of the last write, if the whole of the odd bytes fits. Return: bytes. */
static ssize_t merge_write(struct pipe_inode_info *pipe, struct iov_iter *from)
{
	struct pipe_buffer *buf = pipe_buf(pipe, pipe->head - 1);
	size_t chars = iov_iter_count(from) & (PAGE_SIZE - 1), end = buf->offset + buf->len;

	if (!buf->can_merge || !chars || end + chars > PAGE_SIZE)
		return 0;
	size_t n = copy_from_iter((u8 *)page_address(buf->page) + end, chars, from);

	if (unlikely(n < chars))
		return -EFAULT;
	buf->len += (u32)n;
	return (ssize_t)n;
}

/* One more page at the head. Return: bytes or -errno. */
static ssize_t append_write(struct pipe_inode_info *pipe, struct iov_iter *from)
{
	struct page *page = pipe->tmp_page;

	if (!page)
		page = alloc_page(GFP_KERNEL);
	if (!page)
		return -ENOMEM;
	pipe->tmp_page = NULL;
	size_t want = min(PAGE_SIZE, iov_iter_count(from)), n = copy_from_iter(page_address(page), want, from);

	if (unlikely(n < want)) {	/* a page is written whole, or not at all */
		pipe->tmp_page = page;
		return -EFAULT;
	}
	*pipe_buf(pipe, pipe->head) =
		(struct pipe_buffer){ .page = page, .offset = 0, .len = (u32)n, .can_merge = true };
	pipe->head++;
	return (ssize_t)n;
}

/*
 * As much as fits. Return: bytes, 0 if the ring is full, or -errno if nothing was written.
 */
static ssize_t write_bufs(struct pipe_inode_info *pipe, struct iov_iter *from, bool first)
{
	ssize_t done = 0, n;

	if (first && pipe->head != pipe->tail) {
		n = merge_write(pipe, from);
		if (n < 0)
			return n;
		done = n;
	}
	while (iov_iter_count(from) && !pipe_full(pipe)) {
		n = append_write(pipe, from);
		if (n < 0)
			return done ? done : n;
		done += n;
	}
	return done;
}

/* The ring is full: sleep until it is not, with the readers told of what is there. Return: 0 or -errno. */
static int write_wait(struct pipe_inode_info *pipe, bool tell)
{
	mutex_unlock(&pipe->mutex);
	if (tell)
		wake_readers(pipe);
	mutex_lock(&pipe->mutex);
	return pipe_wait_writable(pipe);
}

static ssize_t pipe_write(struct kiocb *iocb, struct iov_iter *from)
{
	struct pipe_inode_info *pipe = iocb->ki_filp->private_data;
	bool was_empty, first = true, wake_next = false;
	ssize_t done = 0, ret = 0;

	if (unlikely(!iov_iter_count(from)))
		return 0;
	mutex_lock(&pipe->mutex);
	was_empty = pipe->head == pipe->tail;
	for (;;) {
		if (unlikely(!pipe->readers)) {
			ret = pipe_broken();
			break;
		}
		ret = write_bufs(pipe, from, first);
		first = false;
		if (ret < 0)
			break;
		done += ret;
		if (!iov_iter_count(from))
			break;
		if (!pipe_full(pipe))
			continue;
		ret = iocb->ki_flags & IOCB_NOWAIT ? -EAGAIN : write_wait(pipe, was_empty || pipe->poll_usage);
		if (ret)
			break;
		was_empty = pipe->head == pipe->tail;
		wake_next = true;
	}
	wake_next = wake_next && !pipe_full(pipe);
	was_empty |= pipe->poll_usage;
	mutex_unlock(&pipe->mutex);
	/* Also if nothing was written: as in Linux, every try is an edge for whoever polls. */
	if (was_empty)
		wake_readers(pipe);
	if (unlikely(wake_next))
		wake_writers(pipe);
	return done ? done : ret;
}

static __poll_t pipe_poll(struct file *file, poll_table *pt)
{
	struct pipe_inode_info *pipe = file->private_data;
	__poll_t mask = 0;

	/* From now on every write wakes: whoever polls edge-triggered counts on it. */
	WRITE_ONCE(pipe->poll_usage, true);
	if (file->f_mode & FMODE_READ)
		poll_wait(file, &pipe->rd_wait, pt);
	if (file->f_mode & FMODE_WRITE)
		poll_wait(file, &pipe->wr_wait, pt);

	unsigned int head = READ_ONCE(pipe->head), tail = READ_ONCE(pipe->tail);

	if (file->f_mode & FMODE_READ) {
		if (head != tail)
			mask |= EPOLLIN | EPOLLRDNORM;
		if (!pipe->writers && file->f_pos != (loff_t)pipe->w_counter)
			mask |= EPOLLHUP;
	}
	if (file->f_mode & FMODE_WRITE) {
		if (head - tail < READ_ONCE(pipe->ring_size))
			mask |= EPOLLOUT | EPOLLWRNORM;
		if (!pipe->readers)
			mask |= EPOLLERR;
	}
	return mask;
}

static long pipe_ioctl(struct file *file, unsigned int cmd, unsigned long arg)
{
	struct pipe_inode_info *pipe = file->private_data;
	int count = 0;

	if (cmd != FIONREAD)
		return -ENOTTY;
	mutex_lock(&pipe->mutex);
	for (unsigned int i = pipe->tail; i != pipe->head; i++)
		count += (int)pipe_buf(pipe, i)->len;
	mutex_unlock(&pipe->mutex);
	return put_user(count, UPTR(arg));
}

/*
 * One open file less. Takes: pipe->files' count of it; the last one frees the pipe. The inode's i_rwsem
 * covers i_pipe.
 */
static void put_pipe(struct inode *inode, struct pipe_inode_info *pipe)
{
	bool last = false;

	mutex_lock(&inode->i_rwsem);
	if (!--pipe->files) {
		inode->i_pipe = NULL;
		last = true;
	}
	mutex_unlock(&inode->i_rwsem);
	if (last)
		free_pipe_info(pipe);
}

static int pipe_release(struct inode *inode, struct file *file)
{
	struct pipe_inode_info *pipe = file->private_data;

	mutex_lock(&pipe->mutex);
	if (file->f_mode & FMODE_READ)
		pipe->readers--;
	if (file->f_mode & FMODE_WRITE)
		pipe->writers--;
	/* The other side must notice only if one side is gone and the other is not. */
	bool tell = !pipe->readers != !pipe->writers;

	mutex_unlock(&pipe->mutex);
	if (tell) {
		__wake_up(&pipe->rd_wait, TASK_INTERRUPTIBLE, 0,
			  poll_to_key(EPOLLIN | EPOLLRDNORM | EPOLLERR | EPOLLHUP));
		__wake_up(&pipe->wr_wait, TASK_INTERRUPTIBLE, 0,
			  poll_to_key(EPOLLOUT | EPOLLWRNORM | EPOLLERR | EPOLLHUP));
	}
	put_pipe(inode, pipe);
	return 0;
}

/* The pipe of a FIFO's inode, made by the first who opens it. */
static struct pipe_inode_info *fifo_pipe(struct inode *inode)
{
	mutex_lock(&inode->i_rwsem);
	struct pipe_inode_info *pipe = inode->i_pipe;

	if (!pipe)
		pipe = inode->i_pipe = alloc_pipe_info();
	if (pipe)
		pipe->files++;
	mutex_unlock(&inode->i_rwsem);
	return pipe;
}

/* Wait until *@counter moves. pipe->mutex held, dropped while asleep. Return: 0 or -ERESTARTSYS. */
static int wait_for_partner(struct pipe_inode_info *pipe, const unsigned int *counter)
{
	unsigned int seen = *counter;

	mutex_unlock(&pipe->mutex);
	int err = wait_event_interruptible(pipe->rd_wait, READ_ONCE(*counter) != seen);

	mutex_lock(&pipe->mutex);
	return *counter != seen ? 0 : err;
}

/*
 * The end of a pipe opened again through /proc/PID/fd waits for nobody: the other side may be gone for
 * good.
 */
static bool is_pipe(const struct file *file)
{
	return inode_is_pseudo(file->f_inode);
}

static int fifo_open_read(struct pipe_inode_info *pipe, struct file *file)
{
	pipe->r_counter++;
	if (pipe->readers++ == 0)
		wake_up_all(&pipe->rd_wait);
	if (pipe->writers || is_pipe(file))
		return 0;
	if (file->f_flags & O_NONBLOCK) {
		/* no hang-up before a writer has come and gone */
		file->f_pos = (loff_t)pipe->w_counter;
		return 0;
	}
	int err = wait_for_partner(pipe, &pipe->w_counter);

	if (err && !--pipe->readers)
		wake_up_all(&pipe->wr_wait);
	return err;
}

static int fifo_open_write(struct pipe_inode_info *pipe, struct file *file)
{
	if (!is_pipe(file) && (file->f_flags & O_NONBLOCK) && !pipe->readers)
		return -ENXIO;
	pipe->w_counter++;
	if (pipe->writers++ == 0)
		wake_up_all(&pipe->rd_wait);
	if (pipe->readers || is_pipe(file))
		return 0;
	int err = wait_for_partner(pipe, &pipe->r_counter);

	if (err && !--pipe->writers)
		wake_up_all(&pipe->rd_wait);
	return err;
}

static int fifo_open(struct inode *inode, struct file *file)
{
	struct pipe_inode_info *pipe = fifo_pipe(inode);
	int err = 0;

	if (!pipe)
		return -ENOMEM;
	file->private_data = pipe;
	file->f_pos = -1;	/* no writer's count: hang-up is shown */
	stream_open(inode, file);
	mutex_lock(&pipe->mutex);
	switch (file->f_mode & (FMODE_READ | FMODE_WRITE)) {
	case FMODE_READ:
		err = fifo_open_read(pipe, file);
		break;
	case FMODE_WRITE:
		err = fifo_open_write(pipe, file);
		break;
	case FMODE_READ | FMODE_WRITE:
		/* Linux lets one process hold both ends; it never waits */
		pipe->readers++;
		pipe->writers++;
		pipe->r_counter++;
		pipe->w_counter++;
		if (pipe->readers == 1 || pipe->writers == 1)
			wake_up_all(&pipe->rd_wait);
		break;
	default:
		err = -EINVAL;
	}
	mutex_unlock(&pipe->mutex);
	if (err)
		put_pipe(inode, pipe);
	return err;
}

/* A ring of @nr buffers instead. Return: bytes, or -EBUSY if what is in it would not fit. */
static long pipe_set_size(struct pipe_inode_info *pipe, unsigned long arg)
{
	if (arg > PIPE_MAX_SIZE)
		return arg > 1UL << 31 ? -EINVAL : capable_root() ? -EINVAL : -EPERM;
	unsigned int nr = 1;

	while (nr * PAGE_SIZE < arg)
		nr *= 2;
	struct pipe_buffer *bufs = kcalloc(nr, sizeof(*bufs), GFP_KERNEL);

	if (!bufs)
		return -ENOMEM;
	mutex_lock(&pipe->mutex);
	unsigned int used = pipe->head - pipe->tail;

	if (used > nr) {
		mutex_unlock(&pipe->mutex);
		kfree(bufs);
		return -EBUSY;
	}
	for (unsigned int i = 0; i < used; i++)
		bufs[i] = *pipe_buf(pipe, pipe->tail + i);
	if (pipe->bufs != pipe->bufs_init)
		kfree(pipe->bufs);
	pipe->bufs = bufs;
	pipe->ring_size = nr;
	pipe->tail = 0;
	pipe->head = used;
	mutex_unlock(&pipe->mutex);
	/* There may be more room. Whoever watches hears of it, and looks. */
	wake_up_interruptible(&pipe->wr_wait);
	return (long)(nr * PAGE_SIZE);
}

long pipe_fcntl(struct file *file, unsigned int cmd, unsigned long arg)
{
	struct pipe_inode_info *pipe = get_pipe_info(file);

	if (!pipe)
		return -EBADF;
	if (cmd == F_GETPIPE_SZ)
		return (long)(pipe->ring_size * PAGE_SIZE);
	return pipe_set_size(pipe, arg);
}

const struct file_operations pipefifo_fops = {
	.open = fifo_open,
	.read_iter = pipe_read,
	.write_iter = pipe_write,
	.poll = pipe_poll,
	.unlocked_ioctl = pipe_ioctl,
	.release = pipe_release,
};

static struct file *pipe_end(struct inode *inode, struct pipe_inode_info *pipe, unsigned int flags)
{
	struct file *f = alloc_file_pseudo(inode, flags, &pipefifo_fops);

	if (IS_ERR(f))
		return f;
	f->private_data = pipe;
	f->f_pos = -1;
	return f;
}

/* Both ends. Return: 0 or -errno. */
static int create_pipe_files(struct file *res[2], unsigned int flags)
{
	struct inode *inode = alloc_pseudo_inode(S_IFIFO | 0600);
	struct pipe_inode_info *pipe = inode ? alloc_pipe_info() : NULL;
	int err = -ENFILE;

	if (!pipe)
		goto out_inode;
	res[0] = pipe_end(inode, pipe, O_RDONLY | (flags & O_NONBLOCK));
	if (IS_ERR(res[0]))
		goto out_pipe;
	ihold(inode);
	res[1] = pipe_end(inode, pipe, O_WRONLY | (flags & O_NONBLOCK));
	if (IS_ERR(res[1]))
		goto out_file;
	inode->i_fop = &pipefifo_fops;
	inode->i_pipe = pipe;
	pipe->files = 2;
	pipe->readers = pipe->writers = 1;
	pipe->r_counter = pipe->w_counter = 1;
	return 0;
out_file:
	file_free(res[0]);	/* and one reference of the inode */
out_pipe:
	free_pipe_info(pipe);
out_inode:
	if (inode)
		iput(inode);
	return err;
}

static long do_pipe2(uptr fildes, unsigned int flags)
{
	struct file *files[2];
	int fd[2];

	if (flags & ~(unsigned int)(O_CLOEXEC | O_NONBLOCK))
		return -EINVAL;
	int err = create_pipe_files(files, flags);

	if (err)
		return err;
	fd[0] = get_unused_fd_flags(flags);
	if (fd[0] < 0) {
		err = fd[0];
		goto out_files;
	}
	fd[1] = get_unused_fd_flags(flags);
	if (fd[1] < 0) {
		err = fd[1];
		goto out_fd;
	}
	if (copy_to_user(fildes, fd, sizeof(fd))) {
		err = -EFAULT;
		goto out_fds;
	}
	fd_install((unsigned int)fd[0], files[0]);
	fd_install((unsigned int)fd[1], files[1]);
	return 0;
out_fds:
	put_unused_fd((unsigned int)fd[1]);
out_fd:
	put_unused_fd((unsigned int)fd[0]);
out_files:
	fput(files[1]);
	fput(files[0]);
	return err;
}

SYSCALL_DEFINE2(pipe2, uptr, fildes, unsigned int, flags)
{
	return do_pipe2(fildes, flags);
}

SYSCALL_DEFINE1(pipe, uptr, fildes)
{
	return do_pipe2(fildes, 0);
}

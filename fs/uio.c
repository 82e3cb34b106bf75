/*
 * fs/uio.c - copying between the kernel and wherever an iov_iter leads.
 *
 * Linux:   lib/iov_iter.c (6.1)
 * Same:    copies stop at the first fault and say how far they came; the iterator moves by what was copied.
 * Differs: 1. three kinds of iterator instead of seven.
 * Locks:   none; user copies may sleep.
 * Walk:    read() -> copy_to_iter() -> copy_to_user().
 */
#include "fs/uio.h"
#include "kernel/errno.h"
#include "kernel/slab.h"
#include "kernel/string.h"
#include "kernel/uaccess.h"

void iov_iter_init(struct iov_iter *i, bool data_source, const struct iovec *iov, unsigned long nr_segs, size_t count)
{
	i->type = ITER_IOVEC;
	i->data_source = data_source;
	i->count = count;
	i->iov_offset = 0;
	i->iov = iov;
	i->nr_segs = nr_segs;
}

void iov_iter_kbuf(struct iov_iter *i, bool data_source, void *buf, size_t count)
{
	i->type = ITER_KVEC;
	i->data_source = data_source;
	i->count = count;
	i->iov_offset = 0;
	i->kbuf = buf;
	i->nr_segs = 1;
}

/* What to do with one piece of user memory. Return: bytes NOT done. */
typedef size_t (*user_copy_fn)(uptr user, void *kernel, size_t n);

static size_t to_user(uptr user, void *kernel, size_t n)
{
	return copy_to_user(user, kernel, n);
}

static size_t from_user(uptr user, void *kernel, size_t n)
{
	return copy_from_user(kernel, user, n);
}

static size_t zero_user(uptr user, __unused void *kernel, size_t n)
{
	return clear_user(user, n);
}

/* The vector, piece by piece, until @n bytes are done or one faults. @n is at most i->count. */
static noinline size_t iterate_iovec(struct iov_iter *i, void *kernel, size_t n, user_copy_fn fn)
{
	size_t done = 0;

	while (done < n) {
		size_t here = i->iov->iov_len - i->iov_offset;
		size_t want = min(here, n - done);

		if (!want) {
			i->iov++;
			i->nr_segs--;
			i->iov_offset = 0;
			continue;
		}
		size_t left = fn(uptr_add(i->iov->iov_base, i->iov_offset), (u8 *)kernel + done, want);

		done += want - left;
		i->iov_offset += want - left;
		if (left)
			break;
	}
	i->count -= done;
	return done;
}

static inline size_t iter_done(struct iov_iter *i, size_t n)
{
	i->iov_offset += n;
	i->count -= n;
	return n;
}

size_t copy_to_iter(const void *src, size_t n, struct iov_iter *i)
{
	n = min(n, i->count);
	if (likely(i->type == ITER_UBUF))
		return iter_done(i, n - copy_to_user(uptr_add(i->ubuf, i->iov_offset), src, n));
	if (i->type == ITER_IOVEC)
		return iterate_iovec(i, (void *)(unsigned long)src, n, to_user);
	memcpy((u8 *)i->kbuf + i->iov_offset, src, n);
	return iter_done(i, n);
}

size_t copy_from_iter(void *dst, size_t n, struct iov_iter *i)
{
	n = min(n, i->count);
	if (likely(i->type == ITER_UBUF))
		return iter_done(i, n - copy_from_user(dst, uptr_add(i->ubuf, i->iov_offset), n));
	if (i->type == ITER_IOVEC)
		return iterate_iovec(i, dst, n, from_user);
	memcpy(dst, (u8 *)i->kbuf + i->iov_offset, n);
	return iter_done(i, n);
}

bool copy_from_iter_full(void *dst, size_t n, struct iov_iter *i)
{
	size_t done = copy_from_iter(dst, n, i);

	if (likely(done == n))
		return true;
	iov_iter_revert(i, done);
	return false;
}

size_t iov_iter_zero(size_t n, struct iov_iter *i)
{
	n = min(n, i->count);
	if (likely(i->type == ITER_UBUF))
		return iter_done(i, n - clear_user(uptr_add(i->ubuf, i->iov_offset), n));
	if (i->type == ITER_IOVEC)
		return iterate_iovec(i, NULL, n, zero_user);
	memset((u8 *)i->kbuf + i->iov_offset, 0, n);
	return iter_done(i, n);
}

void iov_iter_advance(struct iov_iter *i, size_t n)
{
	n = min(n, i->count);
	i->count -= n;
	i->iov_offset += n;
	if (i->type != ITER_IOVEC)
		return;
	while (i->nr_segs && i->iov_offset >= i->iov->iov_len) {
		i->iov_offset -= i->iov->iov_len;
		i->iov++;
		i->nr_segs--;
	}
}

void iov_iter_revert(struct iov_iter *i, size_t n)
{
	i->count += n;
	if (i->type != ITER_IOVEC || n <= i->iov_offset) {
		i->iov_offset -= n;
		return;
	}
	n -= i->iov_offset;
	for (;;) {
		i->iov--;
		i->nr_segs++;
		if (n <= i->iov->iov_len) {
			i->iov_offset = i->iov->iov_len - n;
			return;
		}
		n -= i->iov->iov_len;
	}
}

ssize_t import_iovec(bool data_source, uptr uvec, unsigned int nr, struct iovec *fast, struct iovec **iovp,
		     struct iov_iter *i)
{
	struct iovec *iov = fast;
	size_t total = 0;

	*iovp = NULL;
	if (nr > UIO_MAXIOV)
		return -EINVAL;
	if (nr > UIO_FASTIOV) {
		iov = kmalloc(nr * sizeof(*iov), GFP_KERNEL);
		if (!iov)
			return -ENOMEM;
		*iovp = iov;
	}
	if (copy_from_user(iov, uvec, nr * sizeof(*iov)))
		goto fault;
	for (unsigned int s = 0; s < nr; s++) {
		if ((s64)iov[s].iov_len < 0) {
			kfree(*iovp);
			*iovp = NULL;
			return -EINVAL;
		}
		iov[s].iov_len = min(iov[s].iov_len, (u64)(MAX_RW_COUNT - total));
		if (!access_ok(iov[s].iov_base, iov[s].iov_len))
			goto fault;
		total += iov[s].iov_len;
	}
	iov_iter_init(i, data_source, iov, nr, total);
	return (ssize_t)total;
fault:
	kfree(*iovp);
	*iovp = NULL;
	return -EFAULT;
}

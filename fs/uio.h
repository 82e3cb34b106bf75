/*
 * fs/uio.h - iov_iter: where the bytes of a read or write go to or come from.
 *
 * Linux:   include/linux/uio.h (6.1)
 * Same:    copy_to_iter(), copy_from_iter(), iov_iter_count(), advance, revert; user buffers and kernel buffers alike.
 * Differs: 1. three kinds: one user buffer, a vector of user buffers, one kernel buffer.
 * Locks:   none; copying to users may sleep.
 * Walk:    tcp_recvmsg() -> skb_copy_datagram_iter() -> copy_to_iter().
 */
#pragma once
#include "kernel/types.h"

struct iovec { uptr iov_base; u64 iov_len; };	/* the ABI's */
#define UIO_MAXIOV 1024
#define UIO_FASTIOV 8
#define MAX_RW_COUNT 0x7ffff000UL

enum iter_type { ITER_UBUF, ITER_IOVEC, ITER_KVEC };
struct iov_iter {
	enum iter_type type;
	bool data_source;	/* true: a write, bytes come from here */
	size_t count;		/* bytes left */
	size_t iov_offset;	/* into the current segment (into the buffer, for UBUF and KVEC) */
	union {
		uptr ubuf;
		void *kbuf;
		const struct iovec *iov;	/* kernel copy of the vector */
	};
	unsigned long nr_segs;	/* left, IOVEC only */
};
static inline size_t iov_iter_count(const struct iov_iter *i) { return i->count; }
static inline void iov_iter_truncate(struct iov_iter *i, size_t n) { if (i->count > n) i->count = n; }
static inline void iov_iter_reexpand(struct iov_iter *i, size_t n) { i->count = n; }
/*
 * iov_iter_ubuf, iov_iter_init, iov_iter_kbuf - over one user buffer, a vector (kernel copy), one kernel
 * buffer.
 */
static inline void iov_iter_ubuf(struct iov_iter *i, bool data_source, uptr buf, size_t count)
{
	i->type = ITER_UBUF;
	i->data_source = data_source;
	i->count = count;
	i->iov_offset = 0;
	i->ubuf = buf;
	i->nr_segs = 1;
}
void iov_iter_init(struct iov_iter *i, bool data_source, const struct iovec *iov, unsigned long nr_segs,
		   size_t count);
void iov_iter_kbuf(struct iov_iter *i, bool data_source, void *buf, size_t count);
/*
 * copy_to_iter, copy_from_iter - Return: bytes copied, less than @n at the end of the iterator or on a
 * fault. Context: task, may sleep.
 */
size_t __must_check copy_to_iter(const void *src, size_t n, struct iov_iter *i);
size_t __must_check copy_from_iter(void *dst, size_t n, struct iov_iter *i);
/* copy_from_iter_full - all of @n or nothing (iterator unchanged). */
bool __must_check copy_from_iter_full(void *dst, size_t n, struct iov_iter *i);
size_t __must_check iov_iter_zero(size_t n, struct iov_iter *i);
void iov_iter_advance(struct iov_iter *i, size_t n);
/* iov_iter_revert - @n bytes back; n is at most what was advanced. */
void iov_iter_revert(struct iov_iter *i, size_t n);
/*
 * import_iovec - copy the user's vector (into @fast if it fits, else kmalloc) and set up @i.
 * Return: total length; -EINVAL for a negative length or over UIO_MAXIOV, -EFAULT, -ENOMEM.
 * Gives: *@iovp, for kfree() (may be NULL).
 */
ssize_t __must_check import_iovec(bool data_source, uptr uvec, unsigned int nr, struct iovec *fast,
				  struct iovec **iovp, struct iov_iter *i);

/*
 * fs/filemap.c - the pages of a file's content, shared by read, write and mmap.
 *
 * Linux:   mm/filemap.c, mm/truncate.c, lib/xarray.c, lib/radix-tree.c (6.1)
 * Same:    reads and writes go page by page through one set of pages, which mappings show too; reading a hole
 *          gives zeros; a fault behind the end of the file is SIGBUS.
 * Differs: 1. pages are never written anywhere: for a file system in memory they are the file. 2. the index is a
 *             radix tree of 64 slots a node; a file of one page has no node at all. 3. truncation does not take
 *             pages out of mappings that have them (there is no reverse map): they keep the old page.
 * Locks:   INODE_MTX around writes, MAPPING_MTX for the tree; neither is held while user memory is read into.
 * Walk:    read() -> generic_file_read_iter() -> filemap_get_page(); page fault -> filemap_fault().
 */
#include "fs/internal.h"
#include "kernel/mm.h"
#include "kernel/process.h"
#include "kernel/signal.h"
#include "kernel/slab.h"
#include "kernel/string.h"

#define NODE_SHIFT 6
#define NODE_SLOTS (1U << NODE_SHIFT)

static struct kmem_cache *node_cache;
static atomic_long_t file_pages;
static u64 reserve_pages;	/* left to the rest of the system by files */

void filemap_init(void)
{
	node_cache = kmem_cache_create("radix_node", NODE_SLOTS * sizeof(void *), 64);
	reserve_pages = min_t(u64, totalram_pages() / 16, 4096);
}

u64 nr_file_pages(void)
{
	return (u64)atomic_long_read(&file_pages);
}

void address_space_init(struct address_space *m, struct inode *host)
{
	m->host = host;
	mutex_init(&m->lock, LC_MAPPING_MTX);
	m->slots = NULL;
	m->nr_slots = 0;
	m->nrpages = 0;
}

/* The slot of @index, or NULL if the tree does not reach there. */
static void **find_slot(struct address_space *m, u64 index)
{
	void **node = m->slots;
	u64 span = m->nr_slots;

	if (index >= span)
		return NULL;
	if (span == 1)
		return (void **)&m->slots;
	while (node) {
		span >>= NODE_SHIFT;
		void **slot = &node[index / span % NODE_SLOTS];

		if (span == 1)
			return slot;
		node = *slot;
	}
	return NULL;
}

/* The same, with nodes made where they are missing. NULL: out of memory. */
static void **make_slot(struct address_space *m, u64 index)
{
	if (!m->nr_slots)
		m->nr_slots = 1;
	while (index >= m->nr_slots) {
		if (m->slots) {
			void **top = kmem_cache_zalloc(node_cache, GFP_KERNEL);

			if (!top)
				return NULL;
			top[0] = m->slots;
			m->slots = top;
		}
		m->nr_slots <<= NODE_SHIFT;
	}
	void **slot = (void **)&m->slots;

	for (u64 span = m->nr_slots; span > 1;) {
		if (!*slot)
			*slot = kmem_cache_zalloc(node_cache, GFP_KERNEL);
		if (!*slot)
			return NULL;
		span >>= NODE_SHIFT;
		slot = (void **)*slot + index / span % NODE_SLOTS;
	}
	return slot;
}

static void drop_page(struct address_space *m, struct page *page)
{
	page->mapping = NULL;
	put_page(page);
	m->nrpages--;
	atomic_long_dec(&file_pages);
	atomic_long_dec(&m->host->i_sb->s_pages);
}

/* Drop pages [@first, @last] below @slot, which spans @span pages from @base on. Return: is anything left? */
static bool drop_below(struct address_space *m, void **slot, u64 span, u64 base, const u64 range[2])
{
	bool left = false;

	if (!*slot)
		return false;
	if (base > range[1] || base + (span - 1) < range[0])
		return true;
	if (span == 1) {
		drop_page(m, *slot);
		*slot = NULL;
		return false;
	}
	void **node = *slot;

	span >>= NODE_SHIFT;
	for (unsigned int i = 0; i < NODE_SLOTS; i++)
		left |= drop_below(m, &node[i], span, base + i * span, range);
	if (left)
		return true;
	kmem_cache_free(node_cache, node);
	*slot = NULL;
	return false;
}

static void drop_range(struct address_space *m, u64 first, u64 last)
{
	const u64 range[2] = { first, last };

	if (first > last)
		return;
	mutex_lock(&m->lock);
	if (m->nr_slots && !drop_below(m, (void **)&m->slots, m->nr_slots, 0, range))
		m->nr_slots = 0;
	mutex_unlock(&m->lock);
}

/* Zero bytes [from, to) of page @index, if it is there. */
static void zero_part(struct address_space *m, u64 index, size_t from, size_t to)
{
	struct page *page = filemap_get_page(m, index, false);

	if (IS_ERR_OR_NULL(page))
		return;
	memset((u8 *)page_address(page) + from, 0, to - from);
	put_page(page);
}

void truncate_pages(struct address_space *m, loff_t new_size)
{
	u64 first = ((u64)new_size + PAGE_SIZE - 1) >> PAGE_SHIFT;

	drop_range(m, first, U64_MAX >> PAGE_SHIFT);
	/* what a longer file shows behind its old end must be zeros */
	if ((u64)new_size & (PAGE_SIZE - 1))
		zero_part(m, (u64)new_size >> PAGE_SHIFT, (u64)new_size & (PAGE_SIZE - 1), PAGE_SIZE);
}

void punch_pages(struct address_space *m, loff_t off, loff_t len)
{
	u64 start = (u64)off, end = start + (u64)len;
	u64 first = (start + PAGE_SIZE - 1) >> PAGE_SHIFT, last = end >> PAGE_SHIFT;

	if (first > last) {	/* inside one page */
		zero_part(m, start >> PAGE_SHIFT, start & (PAGE_SIZE - 1), end & (PAGE_SIZE - 1));
		return;
	}
	if (start & (PAGE_SIZE - 1))
		zero_part(m, first - 1, start & (PAGE_SIZE - 1), PAGE_SIZE);
	if (end & (PAGE_SIZE - 1))
		zero_part(m, last, 0, end & (PAGE_SIZE - 1));
	if (last > first)
		drop_range(m, first, last - 1);
}

/* May the file system take another page? */
static bool has_space(const struct super_block *sb)
{
	if (sb->s_max_pages && atomic_long_read(&sb->s_pages) >= sb->s_max_pages)
		return false;
	return nr_free_pages() > reserve_pages;
}

/* Put @page at @index, where there is none. Return: 0, -ENOMEM or -EEXIST. */
static int add_page(struct address_space *m, struct page *page, u64 index)
{
	int err = 0;

	mutex_lock(&m->lock);
	void **slot = make_slot(m, index);

	if (!slot) {
		err = -ENOMEM;
	} else if (*slot) {
		err = -EEXIST;
	} else {
		get_page(page);
		page->mapping = m;
		page->index = index;
		*slot = page;
		m->nrpages++;
		atomic_long_inc(&file_pages);
		atomic_long_inc(&m->host->i_sb->s_pages);
	}
	mutex_unlock(&m->lock);
	return err;
}

static struct page *find_page(struct address_space *m, u64 index)
{
	mutex_lock(&m->lock);
	void **slot = find_slot(m, index);
	struct page *page = slot ? *slot : NULL;

	if (page)
		get_page(page);
	mutex_unlock(&m->lock);
	return page;
}

struct page *filemap_get_page(struct address_space *m, u64 index, bool create)
{
	for (;;) {
		struct page *page = find_page(m, index);

		if (page || !create)
			return page;
		if (!has_space(m->host->i_sb))
			return ERR_PTR(-ENOSPC);
		page = alloc_page(GFP_KERNEL | __GFP_ZERO);
		if (!page)
			return ERR_PTR(-ENOMEM);
		int err = add_page(m, page, index);

		if (!err)
			return page;
		put_page(page);
		if (err != -EEXIST)
			return ERR_PTR(err);
	}
}

ssize_t generic_file_read_iter(struct kiocb *iocb, struct iov_iter *to)
{
	struct inode *inode = iocb->ki_filp->f_inode;
	loff_t pos = iocb->ki_pos;
	ssize_t done = 0;

	while (iov_iter_count(to)) {
		loff_t size = READ_ONCE(inode->i_size);

		if (pos >= size)
			break;
		size_t in_page = (size_t)pos & (PAGE_SIZE - 1);
		size_t n = min_t(u64, PAGE_SIZE - in_page, (u64)(size - pos));

		n = min(n, iov_iter_count(to));
		struct page *page = find_page(&inode->i_data, (u64)pos >> PAGE_SHIFT);
		size_t copied = page ? copy_to_iter((u8 *)page_address(page) + in_page, n, to) : iov_iter_zero(n, to);

		if (page)
			put_page(page);
		pos += (loff_t)copied;
		done += (ssize_t)copied;
		if (copied < n) {
			done = done ? done : -EFAULT;
			break;
		}
	}
	iocb->ki_pos = pos;
	touch_atime(iocb->ki_filp);
	return done;
}

/*
 * A page that is not there yet: filled before anyone can see it, zeros around what is written. Return: bytes
 * written, or -errno.
 */
static ssize_t write_new_page(struct address_space *m, u64 index, size_t in_page, size_t n, struct iov_iter *from)
{
	if (!has_space(m->host->i_sb))
		return -ENOSPC;
	struct page *page = alloc_page(GFP_KERNEL);

	if (!page)
		return -ENOMEM;
	u8 *va = page_address(page);
	size_t copied = copy_from_iter(va + in_page, n, from);

	memset(va, 0, in_page);
	memset(va + in_page + copied, 0, PAGE_SIZE - in_page - copied);
	ssize_t ret = copied ? (ssize_t)copied : -EFAULT;

	if (copied) {
		int err = add_page(m, page, index);

		if (err) {	/* -EEXIST: a fault made it meanwhile; the caller looks again */
			iov_iter_revert(from, copied);
			ret = err;
		}
	}
	put_page(page);
	return ret;
}

static ssize_t write_page(struct address_space *m, loff_t pos, size_t n, struct iov_iter *from)
{
	u64 index = (u64)pos >> PAGE_SHIFT;
	size_t in_page = (size_t)pos & (PAGE_SIZE - 1);

	for (;;) {
		struct page *page = find_page(m, index);

		if (page) {
			size_t copied = copy_from_iter((u8 *)page_address(page) + in_page, n, from);

			put_page(page);
			return copied ? (ssize_t)copied : -EFAULT;
		}
		ssize_t ret = write_new_page(m, index, in_page, n, from);

		if (ret != -EEXIST)
			return ret;
	}
}

/* Where, and how much, may be written. */
static ssize_t write_checks(struct kiocb *iocb, struct iov_iter *from)
{
	struct inode *inode = iocb->ki_filp->f_inode;
	u64 limit = rlimit(RLIMIT_FSIZE);

	if (iocb->ki_flags & IOCB_APPEND)
		iocb->ki_pos = inode->i_size;
	if (limit != RLIM_INFINITY) {
		if ((u64)iocb->ki_pos >= limit) {
			send_sig(SIGXFSZ, current);
			return -EFBIG;
		}
		iov_iter_truncate(from, limit - (u64)iocb->ki_pos);
	}
	if (iocb->ki_pos + (loff_t)iov_iter_count(from) < 0)
		return -EFBIG;
	if (inode->i_seals & (F_SEAL_WRITE | F_SEAL_FUTURE_WRITE))
		return -EPERM;
	if ((inode->i_seals & F_SEAL_GROW) && iocb->ki_pos + (loff_t)iov_iter_count(from) > inode->i_size)
		return -EPERM;
	return (ssize_t)iov_iter_count(from);
}

ssize_t generic_file_write_iter(struct kiocb *iocb, struct iov_iter *from)
{
	struct inode *inode = iocb->ki_filp->f_inode;
	ssize_t done = 0;

	mutex_lock(&inode->i_rwsem);
	ssize_t ret = iov_iter_count(from) ? write_checks(iocb, from) : 0;

	while (ret > 0 && iov_iter_count(from)) {
		size_t n = PAGE_SIZE - ((size_t)iocb->ki_pos & (PAGE_SIZE - 1));

		n = min(n, iov_iter_count(from));
		ret = write_page(&inode->i_data, iocb->ki_pos, n, from);
		if (ret <= 0)
			break;
		iocb->ki_pos += ret;
		done += ret;
		if (iocb->ki_pos > inode->i_size)
			WRITE_ONCE(inode->i_size, iocb->ki_pos);
		if ((size_t)ret < n || fatal_signal_pending(current))
			break;
	}
	if (done) {
		inode->i_mtime_ns = inode->i_ctime_ns = ktime_get_real_ns();
		if (unlikely(inode->i_mode & (S_ISUID | S_ISGID)) && current->cred.fsuid != 0)
			inode->i_mode &= ~(umode_t)(S_ISUID | (inode->i_mode & 0010 ? S_ISGID : 0));
	}
	mutex_unlock(&inode->i_rwsem);
	return done ? done : ret;
}

static int filemap_fault(struct vm_fault *vmf)
{
	struct inode *inode = vmf->vma->vm_file->f_inode;
	u64 pages = ((u64)READ_ONCE(inode->i_size) + PAGE_SIZE - 1) >> PAGE_SHIFT;

	if (vmf->pgoff >= pages)
		return -EFAULT;
	struct page *page = filemap_get_page(&inode->i_data, vmf->pgoff, true);

	if (IS_ERR(page))
		return PTR_ERR(page) == -ENOMEM ? -ENOMEM : -EFAULT;
	vmf->page = page;
	return 0;
}

/* Slots of one node lie side by side: one search for up to 64 of them. */
static void filemap_map_pages(struct vm_area_struct *vma, u64 pgoff, unsigned int nr, struct page **pages)
{
	struct inode *inode = vma->vm_file->f_inode;
	struct address_space *m = &inode->i_data;
	u64 end = ((u64)READ_ONCE(inode->i_size) + PAGE_SIZE - 1) >> PAGE_SHIFT;
	void **slot = NULL;

	mutex_lock(&m->lock);
	for (unsigned int i = 0; i < nr; i++, pgoff++) {
		slot = slot && m->nr_slots > 1 && pgoff % NODE_SLOTS ? slot + 1 : find_slot(m, pgoff);
		pages[i] = slot && pgoff < end ? *slot : NULL;
		if (pages[i])
			get_page(pages[i]);
	}
	mutex_unlock(&m->lock);
}

/* Mappings through which the file may be written: F_SEAL_WRITE asks whether there are any. */
static bool is_shared_writer(const struct vm_area_struct *vma)
{
	return (vma->vm_flags & (VM_SHARED | VM_MAYWRITE)) == (VM_SHARED | VM_MAYWRITE);
}

static void file_vm_open(struct vm_area_struct *vma)
{
	get_file(vma->vm_file);
	if (is_shared_writer(vma))
		atomic_long_inc(&vma->vm_file->f_inode->i_mmap_shared);
}

static void file_vm_close(struct vm_area_struct *vma)
{
	if (is_shared_writer(vma))
		atomic_long_dec(&vma->vm_file->f_inode->i_mmap_shared);
	fput(vma->vm_file);
}

static const struct vm_operations_struct generic_file_vm_ops = {
	.open = file_vm_open,
	.close = file_vm_close,
	.fault = filemap_fault,
	.map_pages = filemap_map_pages,
};

int generic_file_mmap(struct file *file, struct vm_area_struct *vma)
{
	unsigned int seals = file->f_inode->i_seals;

	if ((vma->vm_flags & VM_SHARED) && (seals & (F_SEAL_WRITE | F_SEAL_FUTURE_WRITE))) {
		if (vma->vm_flags & VM_WRITE)
			return -EPERM;
		vma->vm_flags &= ~(unsigned long)VM_MAYWRITE;
	}
	vma->vm_ops = &generic_file_vm_ops;
	if (is_shared_writer(vma))
		atomic_long_inc(&file->f_inode->i_mmap_shared);
	touch_atime(file);
	return 0;
}

int file_mmap(struct file *file, struct vm_area_struct *vma)
{
	bool shared = vma->vm_flags & VM_SHARED;

	if (!(file->f_mode & FMODE_READ))
		return -EACCES;
	if (shared && (vma->vm_flags & VM_WRITE) && !(file->f_mode & FMODE_WRITE))
		return -EACCES;
	if (file->f_path.mnt && (file->f_path.mnt->mnt_flags & MS_NOEXEC)) {
		if (vma->vm_flags & VM_EXEC)
			return -EPERM;
		vma->vm_flags &= ~(unsigned long)VM_MAYEXEC;
	}
	if (!file->f_op->mmap)
		return -ENODEV;
	if (shared && !(file->f_mode & FMODE_WRITE))
		vma->vm_flags &= ~(unsigned long)VM_MAYWRITE;
	vma->vm_file = get_file(file);
	int err = file->f_op->mmap(file, vma);

	if (err) {
		fput(vma->vm_file);
		vma->vm_file = NULL;
	}
	return err;
}

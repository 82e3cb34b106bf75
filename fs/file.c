/*
 * fs/file.c - the table of a process that turns a descriptor into an open file.
 *
 * Linux:   fs/file.c (6.1)
 * Same:    the lowest free number is given; get_unused_fd_flags() reserves and fd_install() publishes; a table
 *          with one user is read without lock or count; RLIMIT_NOFILE bounds the numbers.
 * Differs: 1. lookups in a shared table take file_lock for a moment and count the file: no RCU.
 *          2. a table grows by doubling and never shrinks.
 * Locks:   FDTABLE.
 * Walk:    read(2) -> fdget(); close(2) -> close_fd() -> filp_close().
 */
#include "fs/file.h"
#include "fs/internal.h"
#include "kernel/process.h"
#include "kernel/slab.h"
#include "kernel/string.h"
#include "kernel/syscall.h"
#include "kernel/task.h"
#include "kernel/uaccess.h"

#define NR_OPEN_MAX 1048576U	/* fs.nr_open's default */
#define BITS 64U

static void set_fd(struct files_struct *files, unsigned int fd, bool cloexec)
{
	__set_bit(fd, files->open_fds);
	if (cloexec)
		__set_bit(fd, files->close_on_exec);
	else
		__clear_bit(fd, files->close_on_exec);
}

static void clear_fd(struct files_struct *files, unsigned int fd)
{
	__clear_bit(fd, files->open_fds);
	if (fd < files->next_fd)
		files->next_fd = fd;
}

/* One block: the pointers, then the two bit maps. */
static void *alloc_table(unsigned int nr)
{
	return kzalloc(nr * sizeof(struct file *) + 2 * (nr / BITS) * sizeof(long), GFP_KERNEL);
}

static void use_table(struct files_struct *files, void *block, unsigned int nr)
{
	files->fd = block;
	files->open_fds = (unsigned long *)(files->fd + nr);
	files->close_on_exec = files->open_fds + nr / BITS;
	files->max_fds = nr;
}

struct files_struct *alloc_files(void)
{
	struct files_struct *files = kzalloc(sizeof(*files), GFP_KERNEL);

	if (!files)
		return NULL;
	refcount_set(&files->count, 1);
	spin_lock_init(&files->file_lock, LC_FDTABLE);
	files->fd = files->fd_array;
	files->open_fds = &files->open_fds_init;
	files->close_on_exec = &files->close_on_exec_init;
	files->max_fds = NR_OPEN_DEFAULT;
	return files;
}

/* Room for @fd. Called and left with file_lock held, dropped in between. Return: 0, -EMFILE, -ENOMEM. */
static int expand_files(struct files_struct *files, unsigned int fd)
{
	while (fd >= files->max_fds) {
		unsigned int old = files->max_fds, nr = old;

		if (fd >= NR_OPEN_MAX)
			return -EMFILE;
		while (nr <= fd)
			nr *= 2;
		spin_unlock(&files->file_lock);
		void *block = alloc_table(nr);

		spin_lock(&files->file_lock);
		if (!block)
			return -ENOMEM;
		if (files->max_fds >= nr) {	/* someone else was quicker */
			kfree(block);
			continue;
		}
		old = files->max_fds;
		struct file **old_fd = files->fd;
		unsigned long *old_open = files->open_fds, *old_exec = files->close_on_exec;

		use_table(files, block, nr);
		memcpy(files->fd, old_fd, old * sizeof(struct file *));
		memcpy(files->open_fds, old_open, old / BITS * sizeof(long));
		memcpy(files->close_on_exec, old_exec, old / BITS * sizeof(long));
		if (old_fd != files->fd_array)
			kfree(old_fd);
	}
	return 0;
}

/* The first number from @from on that is not in use, at most max_fds. */
static unsigned int find_next_fd(const struct files_struct *files, unsigned int from)
{
	for (unsigned int w = from / BITS; w < files->max_fds / BITS; w++) {
		unsigned long used = files->open_fds[w];

		if (w == from / BITS && from % BITS)
			used |= BIT(from % BITS) - 1;
		if (~used)
			return w * BITS + (unsigned int)__builtin_ctzl(~used);
	}
	return files->max_fds;
}

static int alloc_fd_slow(struct files_struct *files, unsigned int from, u64 end, unsigned int flags)
{
	int err;

	assert_held(&files->file_lock);
	for (;;) {
		unsigned int fd = find_next_fd(files, max(from, files->next_fd));

		if (fd >= end)
			return -EMFILE;
		if (fd < files->max_fds) {
			if (from <= files->next_fd)
				files->next_fd = fd + 1;
			set_fd(files, fd, flags & O_CLOEXEC);
			return (int)fd;
		}
		err = expand_files(files, fd);
		if (err)
			return err;
	}
}

static int alloc_fd(unsigned int from, u64 end, unsigned int flags)
{
	struct files_struct *files = current->files;

	spin_lock(&files->file_lock);
	int fd = alloc_fd_slow(files, from, end, flags);

	spin_unlock(&files->file_lock);
	return fd;
}

int get_unused_fd_flags(unsigned int flags)
{
	struct files_struct *files = current->files;
	u64 end = current->signal->rlim[RLIMIT_NOFILE].rlim_cur;

	spin_lock(&files->file_lock);
	unsigned int fd = files->next_fd, word = fd / BITS;
	unsigned long bit = BIT(fd % BITS);
	int ret = (int)fd;

	/* Mostly the first number that may be free is. */
	if (likely(fd < files->max_fds && fd < end && !(files->open_fds[word] & bit))) {
		files->next_fd = fd + 1;
		files->open_fds[word] |= bit;
		files->close_on_exec[word] &= ~bit;
		if (flags & O_CLOEXEC)
			files->close_on_exec[word] |= bit;
	} else {
		ret = alloc_fd_slow(files, 0, end, flags);
	}
	spin_unlock(&files->file_lock);
	return ret;
}

void put_unused_fd(unsigned int fd)
{
	struct files_struct *files = current->files;

	spin_lock(&files->file_lock);
	clear_fd(files, fd);
	spin_unlock(&files->file_lock);
}

void fd_install(unsigned int fd, struct file *file)
{
	struct files_struct *files = current->files;

	spin_lock(&files->file_lock);
	ASSERT(!files->fd[fd]);
	smp_store_release(&files->fd[fd], file);
	spin_unlock(&files->file_lock);
}

struct fd fdget_shared(unsigned int fd, fmode_t refuse)
{
	struct files_struct *files = current->files;
	struct file *file = NULL;

	spin_lock(&files->file_lock);
	if (fd < files->max_fds)
		file = files->fd[fd];
	if (file && (file->f_mode & refuse))
		file = NULL;
	if (file)
		get_file(file);
	spin_unlock(&files->file_lock);
	return (struct fd){ file, file != NULL };
}

struct fd fdget(unsigned int fd)
{
	return __fdget(fd, FMODE_PATH);
}

struct fd fdget_raw(unsigned int fd)
{
	return __fdget(fd, 0);
}

struct file *fget(unsigned int fd)
{
	struct fd f = __fdget(fd, FMODE_PATH);

	if (f.file && !f.need_put)
		get_file(f.file);
	return f.file;
}

int filp_close(struct file *file)
{
	int err = 0;

	if (file->f_op->flush)
		err = file->f_op->flush(file);
	if (unlikely(file->f_inode && !list_empty(&file->f_inode->i_flctx)))
		locks_remove_posix(file, current->files);
	fput_now(file);
	return err;
}

/* Take @fd out of the table. Return: its file, whose reference is now the caller's, or NULL. */
static struct file *pick_file(struct files_struct *files, unsigned int fd)
{
	struct file *file = NULL;

	spin_lock(&files->file_lock);
	if (fd < files->max_fds) {
		file = files->fd[fd];
		if (file) {
			files->fd[fd] = NULL;
			clear_fd(files, fd);
		}
	}
	spin_unlock(&files->file_lock);
	return file;
}

int close_fd(unsigned int fd)
{
	struct file *file = pick_file(current->files, fd);

	race_point(close_fd);
	return file ? filp_close(file) : -EBADF;
}

/*
 * @file (a new reference of it) at @fd. Return: @fd, or -EBUSY while another thread's open() has reserved
 * it.
 */
static int do_dup2(struct files_struct *files, struct file *file, unsigned int fd, unsigned int flags)
{
	struct file *old = files->fd[fd];

	assert_held(&files->file_lock);
	if (!old && test_bit(fd, files->open_fds)) {
		spin_unlock(&files->file_lock);
		return -EBUSY;
	}
	get_file(file);
	files->fd[fd] = file;
	set_fd(files, fd, flags & O_CLOEXEC);
	spin_unlock(&files->file_lock);
	if (old)
		filp_close(old);
	return (int)fd;
}

int replace_fd(unsigned int fd, struct file *file, unsigned int flags)
{
	struct files_struct *files = current->files;

	if (!file)
		return close_fd(fd);
	if (fd >= rlimit(RLIMIT_NOFILE))
		return -EBADF;
	spin_lock(&files->file_lock);
	int err = expand_files(files, fd);

	if (err) {
		spin_unlock(&files->file_lock);
		return err;
	}
	return do_dup2(files, file, fd, flags);
}

static unsigned int count_open(const struct files_struct *files)
{
	unsigned int w = files->max_fds / BITS;

	while (w > 1 && !files->open_fds[w - 1])
		w--;
	return w * BITS;
}

/*
 * Copy the first @nr entries of @old, whose lock is held. A number that is reserved but not installed stays
 * free.
 */
static void copy_table(struct files_struct *new, const struct files_struct *old, unsigned int nr)
{
	new->next_fd = old->next_fd;
	for (unsigned int w = 0; w < nr / BITS; w++) {
		unsigned long bits = old->open_fds[w];

		new->close_on_exec[w] = old->close_on_exec[w];
		while (bits) {
			unsigned int fd = w * BITS + (unsigned int)__builtin_ctzl(bits);
			struct file *file = old->fd[fd];

			bits &= bits - 1;
			if (file)
				new->fd[fd] = get_file(file);
			if (file)
				__set_bit(fd, new->open_fds);
			else if (fd < new->next_fd)
				new->next_fd = fd;
		}
	}
}

static void free_files(struct files_struct *files)
{
	if (files->fd != files->fd_array)
		kfree(files->fd);
	kfree(files);
}

struct files_struct *dup_files(struct files_struct *old)
{
	struct files_struct *new = alloc_files();

	if (!new)
		return NULL;
	spin_lock(&old->file_lock);
	while (count_open(old) > new->max_fds) {
		unsigned int nr = new->max_fds;

		while (nr < count_open(old))
			nr *= 2;
		spin_unlock(&old->file_lock);
		void *block = alloc_table(nr);

		if (new->fd != new->fd_array)
			kfree(new->fd);
		new->fd = new->fd_array;
		if (!block) {
			free_files(new);
			return NULL;
		}
		use_table(new, block, nr);
		spin_lock(&old->file_lock);
	}
	copy_table(new, old, count_open(old));
	spin_unlock(&old->file_lock);
	return new;
}

void put_files(struct files_struct *files)
{
	if (!refcount_dec_and_test(&files->count))
		return;
	for (unsigned int w = 0; w < files->max_fds / BITS; w++) {
		while (files->open_fds[w]) {
			unsigned int fd = w * BITS + (unsigned int)__builtin_ctzl(files->open_fds[w]);
			struct file *file = files->fd[fd];

			__clear_bit(fd, files->open_fds);
			if (!file)
				continue;
			if (file->f_op->flush)
				file->f_op->flush(file);
			if (file->f_inode && !list_empty(&file->f_inode->i_flctx))
				locks_remove_posix(file, files);
			fput(file);
		}
	}
	free_files(files);
}

void do_close_on_exec(struct files_struct *files)
{
	for (unsigned int w = 0; w < files->max_fds / BITS; w++) {
		unsigned long bits = files->close_on_exec[w] & files->open_fds[w];

		files->close_on_exec[w] = 0;
		while (bits) {
			unsigned int fd = w * BITS + (unsigned int)__builtin_ctzl(bits);
			struct file *file = pick_file(files, fd);

			bits &= bits - 1;
			if (file)
				filp_close(file);
		}
	}
}

int unshare_files(void)
{
	struct files_struct *old = current->files;

	if (refcount_read(&old->count) == 1)
		return 0;
	struct files_struct *new = dup_files(old);

	if (!new)
		return -ENOMEM;
	current->files = new;
	put_files(old);
	return 0;
}

struct file *task_next_fd(struct task_struct *p, unsigned int *fd, bool *cloexec)
{
	struct files_struct *files = get_files(p);
	struct file *file = NULL;

	if (!files)
		return NULL;
	spin_lock(&files->file_lock);
	for (unsigned int i = *fd; i < files->max_fds; i++) {
		if (!files->fd[i])
			continue;
		file = get_file(files->fd[i]);
		*fd = i;
		if (cloexec)
			*cloexec = test_bit(i, files->close_on_exec);
		break;
	}
	spin_unlock(&files->file_lock);
	put_files(files);
	return file;
}

/* fcntl(F_DUPFD): the lowest free number from @from on. */
int f_dupfd(unsigned int from, struct file *file, unsigned int flags)
{
	u64 end = rlimit(RLIMIT_NOFILE);

	if (from >= end)
		return -EINVAL;
	int fd = alloc_fd(from, end, flags);

	if (fd >= 0)
		fd_install((unsigned int)fd, get_file(file));
	return fd;
}

bool get_close_on_exec(unsigned int fd)
{
	struct files_struct *files = current->files;

	spin_lock(&files->file_lock);
	bool set = test_bit(fd, files->close_on_exec);

	spin_unlock(&files->file_lock);
	return set;
}

void set_close_on_exec(unsigned int fd, bool on)
{
	struct files_struct *files = current->files;

	spin_lock(&files->file_lock);
	if (on)
		__set_bit(fd, files->close_on_exec);
	else
		__clear_bit(fd, files->close_on_exec);
	spin_unlock(&files->file_lock);
}

static long ksys_dup3(unsigned int oldfd, unsigned int newfd, int flags)
{
	struct files_struct *files = current->files;
	int err;

	if (flags & ~O_CLOEXEC)
		return -EINVAL;
	if (oldfd == newfd)
		return -EINVAL;
	if (newfd >= rlimit(RLIMIT_NOFILE))
		return -EBADF;
	spin_lock(&files->file_lock);
	err = expand_files(files, newfd);
	struct file *file = oldfd < files->max_fds ? files->fd[oldfd] : NULL;

	if (!file)
		err = -EBADF;
	else if (err == -EMFILE)
		err = -EBADF;
	if (err) {
		spin_unlock(&files->file_lock);
		return err;
	}
	return do_dup2(files, file, newfd, (unsigned int)flags);
}

SYSCALL_DEFINE3(dup3, unsigned int, oldfd, unsigned int, newfd, int, flags)
{
	return ksys_dup3(oldfd, newfd, flags);
}

SYSCALL_DEFINE2(dup2, unsigned int, oldfd, unsigned int, newfd)
{
	if (oldfd != newfd)
		return ksys_dup3(oldfd, newfd, 0);
	struct fd f = fdget_raw(oldfd);

	if (!f.file)
		return -EBADF;
	fdput(f);
	return (long)oldfd;
}

SYSCALL_DEFINE1(dup, unsigned int, oldfd)
{
	struct fd f = fdget_raw(oldfd);

	if (!f.file)
		return -EBADF;
	int fd = get_unused_fd_flags(0);

	if (fd >= 0)
		fd_install((unsigned int)fd, get_file(f.file));
	fdput(f);
	return fd;
}

SYSCALL_DEFINE1(close, unsigned int, fd)
{
	int err = close_fd(fd);

	/* The descriptor is gone whatever flush() said: the call may not be restarted. */
	if (unlikely(err == -ERESTARTSYS || err == -ERESTARTNOHAND || err == -ERESTART_RESTARTBLOCK))
		err = -EINTR;
	return err;
}

enum { CLOSE_RANGE_UNSHARE = 2, CLOSE_RANGE_CLOEXEC = 4 };

static void range_cloexec(struct files_struct *files, unsigned int fd, unsigned int max_fd)
{
	spin_lock(&files->file_lock);
	for (; fd < files->max_fds && fd <= max_fd; fd++)
		__set_bit(fd, files->close_on_exec);
	spin_unlock(&files->file_lock);
}

SYSCALL_DEFINE3(close_range, unsigned int, fd, unsigned int, max_fd, unsigned int, flags)
{
	if (flags & ~(unsigned int)(CLOSE_RANGE_UNSHARE | CLOSE_RANGE_CLOEXEC))
		return -EINVAL;
	if (fd > max_fd)
		return -EINVAL;
	if (flags & CLOSE_RANGE_UNSHARE) {
		int err = unshare_files();

		if (err)
			return err;
	}
	struct files_struct *files = current->files;

	if (flags & CLOSE_RANGE_CLOEXEC) {
		range_cloexec(files, fd, max_fd);
		return 0;
	}
	for (; fd < READ_ONCE(files->max_fds) && fd <= max_fd; fd++) {
		struct file *file = pick_file(files, fd);

		if (file)
			filp_close(file);
	}
	return 0;
}

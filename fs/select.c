/*
 * fs/select.c - poll and select: ask every file, sleep until one has news, ask every file again.
 *
 * Linux:   fs/select.c (6.1)
 * Same:    poll_wqueues: an entry on each file's wait queue, made in the first pass only; the time left is written
 *          back by select, pselect6 and ppoll; an interrupted poll is restarted with the time that is left.
 * Differs: 1. no busy polling. 2. each system call copies all descriptors in one block.
 * Locks:   WAITQ inside poll_wait(); FDTABLE.
 * Walk:    poll() -> do_poll() -> vfs_poll() -> sock_poll() -> poll_wait() -> __pollwait();  __wake_up() -> pollwake().
 *
 * A call costs as much as it names files, ready or not: that is why there is fs/eventpoll.c.
 */
#include "fs/file.h"
#include "fs/fs.h"
#include "kernel/mm.h"
#include "kernel/process.h"
#include "kernel/string.h"
#include "kernel/syscall.h"
#include "kernel/task.h"
#include "kernel/time.h"
#include "kernel/uaccess.h"

/* The ABI. */
struct pollfd { s32 fd; u16 events, revents; };
static_assert(sizeof(struct pollfd) == 8, "ABI");

/* What select's three sets ask for; an error makes a descriptor readable and writable, for the caller to find out. */
#define POLLIN_SET	((__poll_t)(EPOLLRDNORM | EPOLLRDBAND | EPOLLIN | EPOLLHUP | EPOLLERR | EPOLLNVAL))
#define POLLOUT_SET	((__poll_t)(EPOLLWRBAND | EPOLLWRNORM | EPOLLOUT | EPOLLERR | EPOLLNVAL))
#define POLLEX_SET	((__poll_t)(EPOLLPRI | EPOLLNVAL))

enum {
	INLINE_ENTRIES = 8,	/* wait queue entries on the stack */
	INLINE_POLLFDS = 16,
	INLINE_WORDS = 4,	/* of a set of select: 256 descriptors */
	BITS_PER_LONG = 64,
};
/* When a call ends: at once, or never. */
#define POLL_ONLY	0ULL
#define NO_DEADLINE	U64_MAX

__poll_t vfs_poll(struct file *file, poll_table *pt)
{
	return file->f_op->poll ? file->f_op->poll(file, pt) : DEFAULT_POLLMASK;
}

bool file_can_poll(const struct file *file)
{
	return file->f_op->poll != NULL;
}

/* --- waiting on many queues at once ------------------------------------------------------------------------ */

struct poll_table_entry {
	struct file *filp;		/* a reference: the descriptor may be closed meanwhile */
	__poll_t key;
	wait_queue_entry_t wait;
	wait_queue_head_t *wait_address;
};
struct poll_table_page {
	struct poll_table_page *next;
	unsigned int nr;
	struct poll_table_entry entries[];
};
#define ENTRIES_PER_PAGE ((PAGE_SIZE - sizeof(struct poll_table_page)) / sizeof(struct poll_table_entry))

struct poll_wqueues {
	poll_table pt;
	struct poll_table_page *table;	/* when inline_entries are used up */
	struct task_struct *polling_task;
	int triggered;			/* atomic: a waker has been here since the last pass */
	int error;
	unsigned int inline_index;
	struct poll_table_entry inline_entries[INLINE_ENTRIES];
};

static struct poll_table_entry *poll_get_entry(struct poll_wqueues *p)
{
	if (p->inline_index < INLINE_ENTRIES)
		return &p->inline_entries[p->inline_index++];
	if (!p->table || p->table->nr == ENTRIES_PER_PAGE) {
		struct poll_table_page *page = get_free_page(GFP_KERNEL);

		if (!page) {
			p->error = -ENOMEM;
			return NULL;
		}
		page->next = p->table;
		page->nr = 0;
		p->table = page;
	}
	return &p->table->entries[p->table->nr++];
}

/*
 * One of the files has news. The flag is what counts; a task that is still asking others is not asleep:
 *
 *	poll					waker
 *	ask A: not ready			A ready; triggered = 1
 *	ask B: not ready			task is running: nothing to wake
 *	state = INTERRUPTIBLE, triggered? yes: ask all again
 */
static int pollwake(wait_queue_entry_t *wait, unsigned int mode, int wake_flags, void *key)
{
	struct poll_table_entry *entry = container_of(wait, struct poll_table_entry, wait);
	struct poll_wqueues *pwq = wait->private;

	if (key && !(key_to_poll(key) & entry->key))
		return 0;
	smp_store_release(&pwq->triggered, 1); /* pairs with the full barrier in poll_schedule_timeout() */
	return try_to_wake_up(pwq->polling_task, mode, wake_flags);
}

static void __pollwait(struct file *filp, struct wait_queue_head *wait_address, poll_table *pt)
{
	struct poll_wqueues *pwq = container_of(pt, struct poll_wqueues, pt);
	struct poll_table_entry *entry = poll_get_entry(pwq);

	if (!entry)
		return;
	entry->filp = get_file(filp);
	entry->wait_address = wait_address;
	entry->key = pt->_key;
	init_waitqueue_func_entry(&entry->wait, pollwake);
	entry->wait.private = pwq;
	add_wait_queue(wait_address, &entry->wait);
}

static void poll_initwait(struct poll_wqueues *pwq)
{
	init_poll_funcptr(&pwq->pt, __pollwait);
	pwq->polling_task = current;
	pwq->triggered = 0;
	pwq->error = 0;
	pwq->table = NULL;
	pwq->inline_index = 0;
}

static void free_poll_entry(struct poll_table_entry *entry)
{
	remove_wait_queue(entry->wait_address, &entry->wait);
	fput(entry->filp);
}

static void poll_freewait(struct poll_wqueues *pwq)
{
	for (unsigned int i = 0; i < pwq->inline_index; i++)
		free_poll_entry(&pwq->inline_entries[i]);
	while (pwq->table) {
		struct poll_table_page *page = pwq->table;

		for (unsigned int i = 0; i < page->nr; i++)
			free_poll_entry(&page->entries[i]);
		pwq->table = page->next;
		free_page(page);
	}
}

/* Sleep until a waker has been here, a signal came, or the time is over. Return: false: it is over. */
static bool poll_schedule_timeout(struct poll_wqueues *pwq, u64 deadline_ns)
{
	bool in_time = true;

	set_current_state(TASK_INTERRUPTIBLE);
	if (!READ_ONCE(pwq->triggered))
		in_time = schedule_hrtimeout(deadline_ns == NO_DEADLINE ? NULL : &deadline_ns) != 0;
	__set_current_state(TASK_RUNNING);
	/* Forget it before the files are asked again: whoever sets it from now on has changed something since. */
	smp_store_mb(pwq->triggered, 0);
	return in_time;
}

/* --- time ------------------------------------------------------------------------------------------------ */

static u64 deadline_after(const struct timespec64 *ts)
{
	u64 ns = timespec64_to_ns(ts);

	return ns ? ktime_get_ns() + ns : POLL_ONLY;
}

/* The deadline of a user's struct timespec (NULL: never). Return: 0, -EFAULT, -EINVAL. */
static int get_deadline(uptr utimeout, u64 *deadline_ns)
{
	struct timespec64 ts;

	*deadline_ns = NO_DEADLINE;
	if (uptr_is_null(utimeout))
		return 0;
	if (copy_from_user(&ts, utimeout, sizeof(ts)))
		return -EFAULT;
	if (!timespec64_valid(&ts))
		return -EINVAL;
	*deadline_ns = deadline_after(&ts);
	return 0;
}

/*
 * The end of a call that swapped the signal mask or writes back the time left. @p: the user's time-out, or NULL;
 * @unit_ns: of its second field, 1 (timespec) or 1000 (timeval). Return: what the call returns.
 */
static long poll_select_finish(u64 deadline_ns, uptr p, u64 unit_ns, long ret)
{
	if (uptr_is_null(p) || deadline_ns == POLL_ONLY)
		return ret;
	u64 now = ktime_get_ns(), left = deadline_ns > now ? deadline_ns - now : 0;
	struct timespec64 ts = ns_to_timespec64(left);

	ts.tv_nsec /= (s64)unit_ns;
	/*
	 * A time-out in read-only memory is no error. But then the call cannot be restarted: it would wait for the
	 * whole
	 * time again.
	 */
	if (copy_to_user(p, &ts, sizeof(ts)) && ret == -ERESTARTNOHAND)
		ret = -EINTR;
	return ret;
}

/* --- poll ------------------------------------------------------------------------------------------------ */

/* Ask one. Return: what of the wanted is true; EPOLLNVAL: not open. */
static __poll_t do_pollfd(const struct pollfd *pfd, poll_table *pt)
{
	__poll_t filter = pfd->events | EPOLLERR | EPOLLHUP;

	if (pfd->fd < 0)
		return 0;
	struct fd f = fdget((unsigned int)pfd->fd);

	if (!f.file)
		return EPOLLNVAL;
	pt->_key = filter;
	__poll_t mask = vfs_poll(f.file, pt) & filter;

	fdput(f);
	return mask;
}

/* Ask all of them. Once one is ready, the others need no entries. Return: how many are. */
static int do_poll_pass(struct pollfd *fds, unsigned int nfds, poll_table *pt)
{
	int count = 0;

	for (unsigned int i = 0; i < nfds; i++) {
		fds[i].revents = (u16)do_pollfd(&fds[i], pt);
		if (!fds[i].revents)
			continue;
		count++;
		pt->_qproc = NULL;
	}
	return count;
}

/* Return: number of ready descriptors, 0 at @deadline_ns, -ERESTARTNOHAND when a signal came, -ENOMEM. */
static int do_poll(struct pollfd *fds, unsigned int nfds, u64 deadline_ns)
{
	struct poll_wqueues table;
	bool timed_out = deadline_ns == POLL_ONLY;
	int count;

	poll_initwait(&table);
	if (timed_out)
		table.pt._qproc = NULL;
	for (;;) {
		count = do_poll_pass(fds, nfds, &table.pt);
		/* All are registered now, or it does not matter. */
		table.pt._qproc = NULL;
		if (!count) {
			count = table.error;
			if (signal_pending(current))
				count = -ERESTARTNOHAND;
		}
		if (count || timed_out)
			break;
		timed_out = !poll_schedule_timeout(&table, deadline_ns);
	}
	poll_freewait(&table);
	return count;
}

static int put_revents(uptr ufds, const struct pollfd *fds, unsigned int nfds)
{
	for (unsigned int i = 0; i < nfds; i++)
		if (put_user(fds[i].revents, uptr_add(ufds, i * sizeof(*fds) + offsetof(struct pollfd, revents))))
			return -EFAULT;
	return 0;
}

static int do_sys_poll(uptr ufds, unsigned int nfds, u64 deadline_ns)
{
	struct pollfd inline_fds[INLINE_POLLFDS], *fds = inline_fds;
	int count = -EFAULT;

	if (nfds > rlimit(RLIMIT_NOFILE))
		return -EINVAL;
	size_t size = nfds * sizeof(*fds);

	if (nfds > INLINE_POLLFDS) {
		fds = size > PAGE_SIZE ? vmalloc(size) : kmalloc(size, GFP_KERNEL);
		if (!fds)
			return -ENOMEM;
	}
	if (!copy_from_user(fds, ufds, size)) {
		count = do_poll(fds, nfds, deadline_ns);
		if (count >= 0 && put_revents(ufds, fds, nfds))
			count = -EFAULT;
	}
	if (size > PAGE_SIZE)
		vfree(fds);
	else if (fds != inline_fds)
		kfree(fds);
	return count;
}

/* A signal without a handler interrupted: go on, until the same deadline. */
static long do_restart_poll(struct task_struct *p)
{
	u64 *a = p->restart_block.a;
	int ret = do_sys_poll(UPTR(a[0]), (unsigned int)a[1], a[2]);

	return ret == -ERESTARTNOHAND ? -ERESTART_RESTARTBLOCK : ret;
}

SYSCALL_DEFINE3(poll, uptr, ufds, unsigned int, nfds, int, timeout_ms)
{
	u64 deadline_ns = NO_DEADLINE;

	if (timeout_ms >= 0)
		deadline_ns = timeout_ms ? ktime_get_ns() + (u64)timeout_ms * NSEC_PER_MSEC : POLL_ONLY;
	int ret = do_sys_poll(ufds, nfds, deadline_ns);

	if (ret != -ERESTARTNOHAND)
		return ret;
	current->restart_block.fn = do_restart_poll;
	current->restart_block.a[0] = ufds.addr;
	current->restart_block.a[1] = nfds;
	current->restart_block.a[2] = deadline_ns;
	return -ERESTART_RESTARTBLOCK;
}

SYSCALL_DEFINE5(ppoll, uptr, ufds, unsigned int, nfds, uptr, utimeout, uptr, umask, size_t, sigsetsize)
{
	u64 deadline_ns;
	int ret = get_deadline(utimeout, &deadline_ns);

	if (!ret)
		ret = set_user_sigmask(umask, sigsetsize);
	if (ret)
		return ret;
	ret = do_sys_poll(ufds, nfds, deadline_ns);
	restore_saved_sigmask_unless(ret == -ERESTARTNOHAND);
	return poll_select_finish(deadline_ns, utimeout, 1, ret);
}

/* --- select ---------------------------------------------------------------------------------------------- */

enum { SET_IN, SET_OUT, SET_EX, NR_SETS };
/* The sets of one call, each @words long: what is asked for, then what is true. */
struct fd_sets {
	unsigned int words;
	unsigned long *asked[NR_SETS], *res[NR_SETS];
};
static const __poll_t set_events[NR_SETS] = { POLLIN_SET, POLLOUT_SET, POLLEX_SET };

static inline unsigned long asked_of_any(const struct fd_sets *s, unsigned int w)
{
	return s->asked[SET_IN][w] | s->asked[SET_OUT][w] | s->asked[SET_EX][w];
}

/* Are all descriptors that are asked for open? */
static bool fds_are_open(const struct fd_sets *s)
{
	struct files_struct *files = current->files;
	bool open = true;

	spin_lock(&files->file_lock);
	for (unsigned int w = 0; w < s->words && open; w++)
		open = !(asked_of_any(s, w) & ~files->open_fds[w]);
	spin_unlock(&files->file_lock);
	return open;
}

/* Ask one descriptor, bit @bit of word @w. Return: in how many sets it is ready. */
static int select_one(struct fd_sets *s, unsigned int w, unsigned int bit, poll_table *pt)
{
	struct fd f = fdget(w * BITS_PER_LONG + bit);
	__poll_t mask = EPOLLNVAL;	/* closed since, or O_PATH: ready, for the caller to find out */
	int ready = 0;

	if (f.file) {
		/* Errors, hang-up and priority data always wake it, as in Linux. */
		pt->_key = POLLEX_SET;
		for (int i = 0; i < NR_SETS; i++)
			if (s->asked[i][w] & BIT(bit))
				pt->_key |= set_events[i];
		mask = vfs_poll(f.file, pt);
		fdput(f);
	}
	for (int i = 0; i < NR_SETS; i++) {
		if (!(mask & set_events[i] && s->asked[i][w] & BIT(bit)))
			continue;
		s->res[i][w] |= BIT(bit);
		ready++;
	}
	return ready;
}

static int do_select_pass(struct fd_sets *s, poll_table *pt)
{
	int count = 0;

	for (unsigned int w = 0; w < s->words; w++) {
		for (int i = 0; i < NR_SETS; i++)
			s->res[i][w] = 0;
		for (unsigned long all = asked_of_any(s, w); all; all &= all - 1) {
			count += select_one(s, w, (unsigned int)__builtin_ctzl(all), pt);
			if (count)
				pt->_qproc = NULL;
		}
		cond_resched();
	}
	return count;
}

static int do_select(struct fd_sets *s, u64 deadline_ns)
{
	struct poll_wqueues table;
	bool timed_out = deadline_ns == POLL_ONLY;
	int count;

	if (!fds_are_open(s))
		return -EBADF;
	poll_initwait(&table);
	if (timed_out)
		table.pt._qproc = NULL;
	for (;;) {
		count = do_select_pass(s, &table.pt);
		table.pt._qproc = NULL;
		if (count || timed_out || signal_pending(current))
			break;
		count = table.error;
		if (count)
			break;
		timed_out = !poll_schedule_timeout(&table, deadline_ns);
	}
	poll_freewait(&table);
	return count;
}

/* Copy a set in; bits from @n on do not count. */
static int get_fd_set(unsigned int n, uptr uset, unsigned long *set, unsigned int words)
{
	size_t size = words * sizeof(long);

	if (uptr_is_null(uset))
		memset(set, 0, size);
	else if (copy_from_user(set, uset, size))
		return -EFAULT;
	if (n % BITS_PER_LONG)
		set[words - 1] &= BIT(n % BITS_PER_LONG) - 1;
	return 0;
}

static int select_copy_in(unsigned int n, const uptr usets[], struct fd_sets *s)
{
	for (int i = 0; i < NR_SETS; i++)
		if (get_fd_set(n, usets[i], s->asked[i], s->words))
			return -EFAULT;
	return 0;
}

static int select_copy_out(const uptr usets[], const struct fd_sets *s)
{
	for (int i = 0; i < NR_SETS; i++)
		if (!uptr_is_null(usets[i]) && copy_to_user(usets[i], s->res[i], s->words * sizeof(long)))
			return -EFAULT;
	return 0;
}

/*
 * select proper. Return: number of ready bits, 0 at @deadline_ns; -EINVAL, -EBADF, -EFAULT, -ENOMEM,
 * -ERESTARTNOHAND.
 */
static int core_sys_select(int nfds, const uptr usets[], u64 deadline_ns)
{
	unsigned long inline_bits[2 * NR_SETS * INLINE_WORDS], *bits = inline_bits;
	struct fd_sets s;

	if (nfds < 0)
		return -EINVAL;
	unsigned int n = min_t(unsigned int, (unsigned int)nfds, READ_ONCE(current->files->max_fds));

	s.words = (n + BITS_PER_LONG - 1) / BITS_PER_LONG;
	if (s.words > INLINE_WORDS) {
		bits = kmalloc(2UL * NR_SETS * s.words * sizeof(long), GFP_KERNEL);
		if (!bits)
			return -ENOMEM;
	}
	for (unsigned int i = 0; i < NR_SETS; i++) {
		s.asked[i] = bits + i * s.words;
		s.res[i] = bits + (NR_SETS + i) * s.words;
	}
	int ret = select_copy_in(n, usets, &s);

	if (!ret)
		ret = do_select(&s, deadline_ns);
	if (!ret && signal_pending(current))
		ret = -ERESTARTNOHAND;
	if (ret >= 0 && select_copy_out(usets, &s))
		ret = -EFAULT;
	if (bits != inline_bits)
		kfree(bits);
	return ret;
}

SYSCALL_DEFINE5(select, int, nfds, uptr, in, uptr, out, uptr, ex, uptr, utimeout)
{
	const uptr usets[NR_SETS] = { in, out, ex };
	u64 deadline_ns = NO_DEADLINE;
	struct timeval64 tv;

	if (!uptr_is_null(utimeout)) {
		if (copy_from_user(&tv, utimeout, sizeof(tv)))
			return -EFAULT;
		/* A second or more of microseconds is carried over, as ever. */
		struct timespec64 ts = { .tv_sec = tv.tv_sec + tv.tv_usec / (s64)USEC_PER_SEC,
					 .tv_nsec = tv.tv_usec % (s64)USEC_PER_SEC * (s64)NSEC_PER_USEC };

		if (!timespec64_valid(&ts))
			return -EINVAL;
		deadline_ns = deadline_after(&ts);
	}
	int ret = core_sys_select(nfds, usets, deadline_ns);

	return poll_select_finish(deadline_ns, utimeout, NSEC_PER_USEC, ret);
}

SYSCALL_DEFINE6(pselect6, int, nfds, uptr, in, uptr, out, uptr, ex, uptr, utimeout, uptr, usig)
{
	const uptr usets[NR_SETS] = { in, out, ex };
	struct { uptr mask; u64 size; } sig = { UPTR_NULL, 0 };	/* the sixth argument points to the mask and its size */
	u64 deadline_ns;

	if (!uptr_is_null(usig) && copy_from_user(&sig, usig, sizeof(sig)))
		return -EFAULT;
	int ret = get_deadline(utimeout, &deadline_ns);

	if (!ret)
		ret = set_user_sigmask(sig.mask, sig.size);
	if (ret)
		return ret;
	ret = core_sys_select(nfds, usets, deadline_ns);
	restore_saved_sigmask_unless(ret == -ERESTARTNOHAND);
	return poll_select_finish(deadline_ns, utimeout, 1, ret);
}

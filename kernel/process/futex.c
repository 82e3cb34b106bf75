/*
 * kernel/process/futex.c - sleep while a word of user memory holds a value; the base of every lock in a libc.
 *
 * Linux:   kernel/futex/ (6.1)
 * Same:    keys: address space and address for private memory, the page behind it for shared memory; the word is
 *          compared under the bucket's lock, so no wake-up between "compare" and "sleep" is lost; requeueing,
 *          FUTEX_WAKE_OP, robust lists.
 * Differs: 1. waiters of a bucket are woken in the order they came: there are no real-time priorities here.
 *          2. FUTEX_LOCK_PI hands a lock over to its first waiter, but does not lend that one's priority to the
 *             owner: there are none to lend. FUTEX_WAIT_REQUEUE_PI and FUTEX_CMP_REQUEUE_PI are -ENOSYS.
 *          3. a time-out given as CLOCK_REALTIME is turned into CLOCK_MONOTONIC once: setting the clock moves it not.
 * Locks:   FUTEX (two buckets, lower address first), TASK_PI inside by wake-ups; MMAP_MTX before it, for shared keys.
 * Walk:    futex(2) -> futex_wait() -> schedule();  futex_wake() -> wake_up_process().
 *
 *   waiter                              waker
 *   lock bucket
 *   queue itself                        word = new
 *   read word: differs? leave           lock bucket: it finds the waiter, or
 *   unlock, sleep                       the waiter finds the new word
 */
#include "kernel/hash.h"
#include "kernel/mm.h"
#include "kernel/process/futex.h"
#include "kernel/syscall.h"

struct futex_bucket futex_buckets[1 << FUTEX_HASH_BITS];

/* Memory that others see at another address? Return: 1, 0, or -EFAULT if nothing is mapped there. */
static int futex_memory_is_shared(uptr addr)
{
	struct mm_struct *mm = current->mm;
	struct vm_area_struct *vma;
	int ret = -EFAULT;

	mutex_lock(&mm->mmap_lock);
	vma = find_vma(mm, addr.addr);
	if (vma && vma->vm_start <= addr.addr)
		ret = !!(vma->vm_flags & VM_SHARED);
	mutex_unlock(&mm->mmap_lock);
	return ret;
}

int futex_get_key(uptr addr, unsigned int flags, struct futex_key *key)
{
	int shared = 0;

	if (addr.addr % sizeof(u32))
		return -EINVAL;
	if (!access_ok(addr, sizeof(u32)))
		return -EFAULT;
	if (flags & FUTEX_SHARED) {
		shared = futex_memory_is_shared(addr);
		if (shared < 0)
			return shared;
	}
	*key = (struct futex_key){ .mm = current->mm, .addr = addr.addr };
	if (!shared)
		return 0;
	key->page = get_user_page(current->mm, addr.addr, false);
	if (!key->page)
		return -EFAULT;
	key->mm = NULL;
	key->addr = addr.addr & ~PAGE_MASK;
	return 0;
}

void futex_put_key(const struct futex_key *key)
{
	if (unlikely(key->page))
		put_page(key->page);
}

struct futex_bucket *futex_hash(const struct futex_key *key)
{
	u64 h = key->addr / sizeof(u32) + (u64)key->mm / 64 + (u64)key->page / 8;

	return &futex_buckets[hash_64(h, FUTEX_HASH_BITS)];
}

void futex_lock_two(struct futex_bucket *a, struct futex_bucket *b)
{
	if (a > b)
		swap(a, b);
	spin_lock(&a->lock);
	if (a != b)
		spin_lock_nested(&b->lock, 1);
}

void futex_unlock_two(struct futex_bucket *a, struct futex_bucket *b)
{
	spin_unlock(&a->lock);
	if (a != b)
		spin_unlock(&b->lock);
}

int futex_fault_in(uptr addr)
{
	struct page *page = get_user_page(current->mm, addr.addr, true);

	if (!page)
		return -EFAULT;
	put_page(page);
	return 0;
}

void futex_queue(struct futex_q *q, struct futex_bucket *b)
{
	q->bucket = b;
	list_add_tail(&q->list, &b->waiters);
}

void futex_wake_one(struct futex_q *q)
{
	struct task_struct *p = q->task;

	list_del(&q->list);
	/* From here on q may vanish; the task, too, once it sees NULL. */
	get_task_struct(p);
	smp_store_release(&q->bucket, NULL);
	wake_up_process(p);
	put_task_struct(p);
}

bool futex_unqueue(struct futex_q *q)
{
	for (;;) {
		struct futex_bucket *b = smp_load_acquire(&q->bucket);

		if (!b)
			return false;
		spin_lock(&b->lock);
		if (likely(q->bucket == b)) {
			list_del(&q->list);
			q->bucket = NULL;
			spin_unlock(&b->lock);
			return true;
		}
		spin_unlock(&b->lock); /* it was requeued meanwhile */
	}
}

int futex_sleep(struct futex_q *q, const u64 *deadline_ns)
{
	int err = 0;

	for (;;) {
		set_current_state(TASK_INTERRUPTIBLE);
		if (!smp_load_acquire(&q->bucket))
			break;
		if (signal_pending(current)) {
			err = -ERESTARTSYS;
			break;
		}
		if (!deadline_ns) {
			schedule();
		} else if (schedule_hrtimeout(deadline_ns) == 0) {
			err = -ETIMEDOUT;
			break;
		}
	}
	__set_current_state(TASK_RUNNING);
	/* A wake-up that was faster than the signal or the clock counts. */
	return futex_unqueue(q) ? err : 0;
}

/* Queue on the word at @addr if it holds @val. Return: 0, -EAGAIN (it does not), -EFAULT, -EINVAL. */
static int futex_wait_setup(uptr addr, u32 val, unsigned int flags, struct futex_q *q)
{
	for (;;) {
		int err = futex_get_key(addr, flags, &q->key);
		struct futex_bucket *b;
		u32 now;

		if (err)
			return err;
		b = futex_hash(&q->key);
		spin_lock(&b->lock);
		if (likely(!futex_get_value_locked(&now, addr))) {
			if (now == val) {
				futex_queue(q, b);
				spin_unlock(&b->lock);
				return 0;
			}
			err = -EAGAIN;
		}
		spin_unlock(&b->lock);
		futex_put_key(&q->key);
		if (err)
			return err;
		/* The page is not there: bring it in, without the lock, and begin again. */
		if (get_user(now, addr))
			return -EFAULT;
	}
}

static long futex_wait_restart(struct task_struct *p);

static int futex_wait(uptr addr, unsigned int flags, u32 val, const u64 *deadline_ns, u32 bitset)
{
	struct futex_q q = { .task = current, .bitset = bitset };
	int err;

	if (!bitset)
		return -EINVAL;
	err = futex_wait_setup(addr, val, flags, &q);
	if (err)
		return err;
	err = futex_sleep(&q, deadline_ns);
	/* A requeue has changed the key, and taken over its page. */
	futex_put_key(&q.key);
	if (err != -ERESTARTSYS || !deadline_ns)
		return err;
	current->restart_block.fn = futex_wait_restart;
	current->restart_block.a[0] = addr.addr;
	current->restart_block.a[1] = (u64)flags << 32 | val;
	current->restart_block.a[2] = *deadline_ns;
	current->restart_block.a[3] = bitset;
	return -ERESTART_RESTARTBLOCK;
}

static long futex_wait_restart(struct task_struct *p)
{
	u64 *a = p->restart_block.a, deadline_ns = a[2];

	return futex_wait(UPTR(a[0]), (unsigned int)(a[1] >> 32), (u32)a[1], &deadline_ns, (u32)a[3]);
}

static int wake_bucket_locked(struct futex_bucket *b, const struct futex_key *key, int nr, u32 bitset)
{
	struct futex_q *q, *next;
	int woken = 0;

	list_for_each_entry_safe(q, next, &b->waiters, list) {
		if (!futex_key_equal(&q->key, key))
			continue;
		if (q->pi)
			return -EINVAL; /* woken only by who unlocks */
		if (!(q->bitset & bitset))
			continue;
		futex_wake_one(q);
		if (++woken >= nr)
			break;
	}
	return woken;
}

static int futex_wake(uptr addr, unsigned int flags, int nr, u32 bitset)
{
	struct futex_bucket *b;
	struct futex_key key;
	int ret;

	if (!bitset)
		return -EINVAL;
	ret = futex_get_key(addr, flags, &key);
	if (ret)
		return ret;
	b = futex_hash(&key);
	spin_lock(&b->lock);
	ret = wake_bucket_locked(b, &key, nr, bitset);
	spin_unlock(&b->lock);
	futex_put_key(&key);
	return ret;
}

int futex_wake_user(uptr addr, int nr) { return futex_wake(addr, FUTEX_SHARED, nr, FUTEX_BITSET_MATCH_ANY); }

static void requeue_one(struct futex_q *q, struct futex_bucket *to, const struct futex_key *key)
{
	list_move_tail(&q->list, &to->waiters);
	futex_put_key(&q->key);
	q->key = *key;
	if (key->page)
		get_page(key->page);
	smp_store_release(&q->bucket, to);
}

static int requeue_locked(struct futex_bucket *from, const struct futex_key *k1, struct futex_bucket *to,
			  const struct futex_key *k2, const int nr[2])
{
	struct futex_q *q, *next;
	int done = 0;

	list_for_each_entry_safe(q, next, &from->waiters, list) {
		if (done - nr[0] >= nr[1])
			break;
		if (!futex_key_equal(&q->key, k1))
			continue;
		if (q->pi)
			return -EINVAL;
		if (++done <= nr[0])
			futex_wake_one(q);
		else
			requeue_one(q, to, k2);
	}
	return done;
}

/* nr[0] waiters of @addr1 are woken, nr[1] more moved to @addr2. @cmp: only if the word at @addr1 holds *@cmp. */
static int futex_requeue(uptr addr1, uptr addr2, unsigned int flags, const int nr[2], const u32 *cmp)
{
	struct futex_bucket *b1, *b2;
	struct futex_key k1, k2;
	int ret;
	u32 now;

	if (nr[0] < 0 || nr[1] < 0)
		return -EINVAL;
again:
	ret = futex_get_key(addr1, flags, &k1);
	if (ret)
		return ret;
	ret = futex_get_key(addr2, flags, &k2);
	if (ret)
		goto out_put_k1;
	b1 = futex_hash(&k1);
	b2 = futex_hash(&k2);
	futex_lock_two(b1, b2);
	if (cmp && futex_get_value_locked(&now, addr1))
		ret = -EFAULT;
	else if (cmp && now != *cmp)
		ret = -EAGAIN;
	else
		ret = requeue_locked(b1, &k1, b2, &k2, nr);
	futex_unlock_two(b1, b2);
	futex_put_key(&k2);
out_put_k1:
	futex_put_key(&k1);
	if (ret == -EFAULT && cmp && !get_user(now, addr1))
		goto again;
	return ret;
}

/*
 * The operation of FUTEX_WAKE_OP: bits 31-28 what to do, 27-24 how to compare, 23-12 its operand, 11-0 what to
 * compare with.
 */
enum {
	FUTEX_OP_SET, FUTEX_OP_ADD, FUTEX_OP_OR, FUTEX_OP_ANDN, FUTEX_OP_XOR, FUTEX_OP_OPARG_SHIFT = 8,
	FUTEX_OP_CMP_EQ = 0, FUTEX_OP_CMP_NE, FUTEX_OP_CMP_LT, FUTEX_OP_CMP_LE, FUTEX_OP_CMP_GT, FUTEX_OP_CMP_GE,
};

static int apply_op(unsigned int op, u32 old, u32 arg, u32 *new)
{
	switch (op) {
	case FUTEX_OP_SET:
		*new = arg;
		return 0;
	case FUTEX_OP_ADD:
		*new = old + arg;
		return 0;
	case FUTEX_OP_OR:
		*new = old | arg;
		return 0;
	case FUTEX_OP_ANDN:
		*new = old & ~arg;
		return 0;
	case FUTEX_OP_XOR:
		*new = old ^ arg;
		return 0;
	default:
		return -ENOSYS;
	}
}

static int compare_op(unsigned int cmp, s32 old, s32 arg)
{
	switch (cmp) {
	case FUTEX_OP_CMP_EQ:
		return old == arg;
	case FUTEX_OP_CMP_NE:
		return old != arg;
	case FUTEX_OP_CMP_LT:
		return old < arg;
	case FUTEX_OP_CMP_LE:
		return old <= arg;
	case FUTEX_OP_CMP_GT:
		return old > arg;
	case FUTEX_OP_CMP_GE:
		return old >= arg;
	default:
		return -ENOSYS;
	}
}

/*
 * Change the word at @addr as @encoded says. Return: the comparison of its old value, -ENOSYS, -EFAULT (bring it
 * in).
 */
static int atomic_op_inuser(u32 encoded, uptr addr)
{
	unsigned int op = encoded >> 28 & 7;
	s32 oparg = (s32)(encoded << 8) >> 20, cmparg = (s32)(encoded << 20) >> 20;
	u32 old, new, seen;
	int err;

	if (encoded >> 28 & FUTEX_OP_OPARG_SHIFT)
		oparg = (s32)(1U << (oparg & 31));
	if (futex_get_value_locked(&old, addr))
		return -EFAULT;
	for (;;) {
		err = apply_op(op, old, (u32)oparg, &new);
		if (!err)
			err = cmpxchg_user_u32(addr, old, new, &seen);
		if (err)
			return err;
		if (seen == old)
			return compare_op(encoded >> 24 & 15, (s32)old, cmparg);
		old = seen;
	}
}

static int futex_wake_op(uptr addr1, uptr addr2, unsigned int flags, const int nr[2], u32 encoded)
{
	struct futex_bucket *b1, *b2;
	struct futex_key k1, k2;
	int ret, op, more;

again:
	ret = futex_get_key(addr1, flags, &k1);
	if (ret)
		return ret;
	ret = futex_get_key(addr2, flags, &k2);
	if (ret)
		goto out_put_k1;
	b1 = futex_hash(&k1);
	b2 = futex_hash(&k2);
	futex_lock_two(b1, b2);
	op = atomic_op_inuser(encoded, addr2);
	if (op >= 0) {
		ret = wake_bucket_locked(b1, &k1, nr[0], FUTEX_BITSET_MATCH_ANY);
		more = op > 0 && ret >= 0 ? wake_bucket_locked(b2, &k2, nr[1], FUTEX_BITSET_MATCH_ANY) : 0;
		ret = more < 0 ? more : ret + more;
	}
	futex_unlock_two(b1, b2);
	futex_put_key(&k2);
	if (op < 0)
		ret = op;
out_put_k1:
	futex_put_key(&k1);
	if (ret == -EFAULT && !futex_fault_in(addr2))
		goto again;
	return ret;
}

/* Does the fourth argument hold a time-out? */
static bool futex_has_timeout(unsigned int cmd)
{
	return cmd == FUTEX_WAIT || cmd == FUTEX_WAIT_BITSET || cmd == FUTEX_LOCK_PI || cmd == FUTEX_LOCK_PI2;
}

/* The moment of CLOCK_MONOTONIC that the time-out at @utime means. */
static int futex_deadline(uptr utime, unsigned int cmd, bool realtime, u64 *deadline_ns)
{
	struct timespec64 ts;
	u64 ns;

	if (copy_from_user(&ts, utime, sizeof(ts)))
		return -EFAULT;
	if (!timespec64_valid(&ts))
		return -EINVAL;
	ns = timespec64_to_ns(&ts);
	if (cmd == FUTEX_WAIT) {
		u64 now = ktime_get_ns();

		*deadline_ns = now + ns < now ? U64_MAX : now + ns;
	} else if (realtime || cmd == FUTEX_LOCK_PI) {
		u64 offset = ktime_get_real_ns() - ktime_get_ns();

		*deadline_ns = ns > offset ? ns - offset : 0;
	} else {
		*deadline_ns = ns;
	}
	return 0;
}

static long do_futex(uptr addr, unsigned int op, u32 val, const u64 *deadline_ns, uptr addr2, u32 val2, u32 val3)
{
	unsigned int flags = op & FUTEX_PRIVATE_FLAG ? 0 : FUTEX_SHARED;
	const int nr[2] = { (int)val, (int)val2 };

	switch (op & FUTEX_CMD_MASK) {
	case FUTEX_WAIT:
		return futex_wait(addr, flags, val, deadline_ns, FUTEX_BITSET_MATCH_ANY);
	case FUTEX_WAIT_BITSET:
		return futex_wait(addr, flags, val, deadline_ns, val3);
	case FUTEX_WAKE:
		return futex_wake(addr, flags, (int)val, FUTEX_BITSET_MATCH_ANY);
	case FUTEX_WAKE_BITSET:
		return futex_wake(addr, flags, (int)val, val3);
	case FUTEX_REQUEUE:
		return futex_requeue(addr, addr2, flags, nr, NULL);
	case FUTEX_CMP_REQUEUE:
		return futex_requeue(addr, addr2, flags, nr, &val3);
	case FUTEX_WAKE_OP:
		return futex_wake_op(addr, addr2, flags, nr, val3);
	case FUTEX_LOCK_PI:
	case FUTEX_LOCK_PI2:
		return futex_lock_pi(addr, flags, deadline_ns);
	case FUTEX_TRYLOCK_PI:
		return futex_trylock_pi(addr, flags);
	case FUTEX_UNLOCK_PI:
		return futex_unlock_pi(addr, flags);
	default:
		return -ENOSYS;
	}
}

/* @utime is a number for the calls that concern two words. */
SYSCALL_DEFINE6(futex, uptr, addr, unsigned int, op, u32, val, uptr, utime, uptr, addr2, u32, val3)
{
	unsigned int cmd = op & FUTEX_CMD_MASK;
	bool realtime = op & FUTEX_CLOCK_REALTIME;
	u64 deadline_ns;
	bool timed = futex_has_timeout(cmd) && !uptr_is_null(utime);
	int err;

	if (realtime && cmd != FUTEX_WAIT_BITSET && cmd != FUTEX_LOCK_PI2)
		return -ENOSYS;
	if (timed) {
		err = futex_deadline(utime, cmd, realtime, &deadline_ns);
		if (err)
			return err;
	}
	return do_futex(addr, op, val, timed ? &deadline_ns : NULL, addr2, (u32)utime.addr, val3);
}

void futex_init(void)
{
	for (size_t i = 0; i < ARRAY_SIZE(futex_buckets); i++) {
		spin_lock_init(&futex_buckets[i].lock, LC_FUTEX);
		INIT_LIST_HEAD(&futex_buckets[i].waiters);
	}
}

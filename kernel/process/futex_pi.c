/*
 * kernel/process/futex_pi.c - futexes whose word names the owner: the kernel hands the lock on.
 *
 * Linux:   kernel/futex/pi.c (6.1)
 * Same:    the word is the owner's thread id, with FUTEX_WAITERS while somebody sleeps; errors: -EDEADLK for the
 *          owner itself, -ESRCH for an owner that does not exist, -EPERM for who unlocks what is not his.
 * Differs: 1. no rt_mutex behind it: no priority is lent, and no chain of owners is searched for a cycle.
 * Locks:   FUTEX, and PIDTAB before it.
 * Walk:    futex(2) -> futex_lock_pi() -> futex_sleep();  futex_unlock_pi() -> futex_wake_one().
 *
 * A word with FUTEX_WAITERS changes only under the bucket's lock. Without it user mode takes and gives the lock alone,
 * by compare and exchange; so does this file, to set the bit before it queues anybody.
 */
#include "kernel/process/futex.h"

static atomic_t nr_pi_waiters;

static bool thread_exists(u32 tid)
{
	struct task_struct *p = find_get_task((pid_t)tid);
	bool lives = p && !(p->flags & PF_EXITING);

	if (p)
		put_task_struct(p);
	return lives;
}

/* More waiters of @key than @q? Locks: the bucket's. */
static struct futex_q *first_waiter(struct futex_bucket *b, const struct futex_key *key)
{
	struct futex_q *q;

	list_for_each_entry(q, &b->waiters, list)
		if (futex_key_equal(&q->key, key))
			return q;
	return NULL;
}

/*
 * Try to take the word at @addr, else mark that somebody waits. Locks: the bucket's.
 * Return: 1 (it is ours), 0 (marked: sleep), -EDEADLK, -ESRCH, -EINVAL, -EFAULT (bring it in and try again).
 */
static int try_take(uptr addr, struct futex_bucket *b, const struct futex_key *key)
{
	u32 me = (u32)current->pid, word, seen;
	int err = futex_get_value_locked(&word, addr);

	while (!err) {
		u32 owner = word & FUTEX_TID_MASK, new;
		struct futex_q *waiter = first_waiter(b, key);

		if (waiter && !waiter->pi)
			return -EINVAL;
		if (owner == me)
			return -EDEADLK;
		if (!owner)
			new = me | (word & FUTEX_OWNER_DIED) | (waiter ? FUTEX_WAITERS : 0);
		else if (thread_exists(owner))
			new = word | FUTEX_WAITERS;
		else
			return -ESRCH;
		err = cmpxchg_user_u32(addr, word, new, &seen);
		if (!err && seen == word)
			return !owner;
		word = seen;
	}
	return err;
}

/* One attempt. Return: as try_take(); for 0 @q is queued (if it is given). */
static int lock_attempt(uptr addr, unsigned int flags, struct futex_q *q)
{
	struct futex_key key;
	struct futex_bucket *b;
	int ret = futex_get_key(addr, flags, &key);

	if (ret)
		return ret;
	b = futex_hash(&key);
	spin_lock(&b->lock);
	ret = try_take(addr, b, &key);
	if (ret == 0 && q) {
		q->key = key;
		atomic_inc(&nr_pi_waiters);
		futex_queue(q, b);
		spin_unlock(&b->lock);
		return 0;
	}
	spin_unlock(&b->lock);
	futex_put_key(&key);
	return ret;
}

static int lock_pi(uptr addr, unsigned int flags, struct futex_q *q)
{
	int ret = lock_attempt(addr, flags, q);

	while (ret == -EFAULT) {
		if (futex_fault_in(addr))
			break;
		ret = lock_attempt(addr, flags, q);
	}
	return ret;
}

int futex_lock_pi(uptr addr, unsigned int flags, const u64 *deadline_ns)
{
	struct futex_q q = { .task = current, .pi = true, .bitset = FUTEX_BITSET_MATCH_ANY };
	int ret = lock_pi(addr, flags, &q);

	if (ret)
		return min(ret, 0);
	/* Woken means: futex_unlock_pi() or a dying owner has written our id into the word. */
	ret = futex_sleep(&q, deadline_ns);
	atomic_dec(&nr_pi_waiters);
	futex_put_key(&q.key);
	return ret == -ERESTARTSYS ? -ERESTARTNOINTR : ret;
}

int futex_trylock_pi(uptr addr, unsigned int flags)
{
	int ret = lock_pi(addr, flags, NULL);

	if (ret == 0)
		return -EWOULDBLOCK;
	return min(ret, 0);
}

/*
 * Give the word to the first waiter, or to nobody. @mark: FUTEX_OWNER_DIED or 0. Locks: the bucket's. Return: 0,
 * -EPERM, -EFAULT.
 */
static int hand_over(uptr addr, struct futex_bucket *b, const struct futex_key *key, u32 mark)
{
	u32 word, seen;
	int err = futex_get_value_locked(&word, addr);

	while (!err) {
		struct futex_q *q = first_waiter(b, key);
		u32 new = q ? (u32)q->task->pid | FUTEX_WAITERS | mark : mark;

		if ((word & FUTEX_TID_MASK) != (u32)current->pid)
			return -EPERM;
		if (q && !q->pi)
			return -EINVAL;
		err = cmpxchg_user_u32(addr, word, new, &seen);
		if (!err && seen == word) {
			if (q)
				futex_wake_one(q);
			return 0;
		}
		word = seen;
	}
	return err;
}

int futex_unlock_pi(uptr addr, unsigned int flags)
{
	struct futex_bucket *b;
	struct futex_key key;
	int err;

	do {
		err = futex_get_key(addr, flags, &key);
		if (err)
			return err;
		b = futex_hash(&key);
		spin_lock(&b->lock);
		err = hand_over(addr, b, &key, 0);
		spin_unlock(&b->lock);
		futex_put_key(&key);
	} while (err == -EFAULT && !futex_fault_in(addr));
	return err;
}

static void release_bucket(struct futex_bucket *b, const struct mm_struct *mm)
{
	struct futex_q *q;

again:
	list_for_each_entry(q, &b->waiters, list) {
		if (!q->pi || q->key.mm != mm)
			continue;
		struct futex_key key = q->key;

		if (hand_over(UPTR(key.addr), b, &key, FUTEX_OWNER_DIED) == 0)
			goto again;
	}
}

/* Nobody else can hand on what the dying thread owns. Locks in shared memory are found through its robust list only. */
void exit_pi_waiters(struct task_struct *p)
{
	if (!atomic_read(&nr_pi_waiters))
		return;
	for (size_t i = 0; i < ARRAY_SIZE(futex_buckets); i++) {
		spin_lock(&futex_buckets[i].lock);
		release_bucket(&futex_buckets[i], p->mm);
		spin_unlock(&futex_buckets[i].lock);
	}
}

/*
 * kernel/process/futex.h - waiters on words of user memory; shared by plain, priority and robust futexes.
 *
 * Linux:   kernel/futex/futex.h (6.1)
 * Same:    struct futex_q in a bucket's list; a waiter that is no longer queued has been woken.
 * Differs: none of note.
 * Locks:   FUTEX.
 * Walk:    futex.c, futex_pi.c, futex_robust.c.
 */
#pragma once
#include "kernel/list.h"
#include "kernel/process/internal.h"
#include "kernel/uaccess.h"

enum {
	FUTEX_WAIT, FUTEX_WAKE, FUTEX_FD, FUTEX_REQUEUE, FUTEX_CMP_REQUEUE, FUTEX_WAKE_OP, FUTEX_LOCK_PI,
	FUTEX_UNLOCK_PI, FUTEX_TRYLOCK_PI, FUTEX_WAIT_BITSET, FUTEX_WAKE_BITSET, FUTEX_WAIT_REQUEUE_PI,
	FUTEX_CMP_REQUEUE_PI, FUTEX_LOCK_PI2,
	FUTEX_PRIVATE_FLAG = 128, FUTEX_CLOCK_REALTIME = 256,
	FUTEX_CMD_MASK = ~(FUTEX_PRIVATE_FLAG | FUTEX_CLOCK_REALTIME),
	FUTEX_SHARED = 1,		/* internal: the key may be a page */
	FUTEX_HASH_BITS = 8,
};
#define FUTEX_BITSET_MATCH_ANY 0xffffffffU
#define FUTEX_WAITERS 0x80000000U
#define FUTEX_OWNER_DIED 0x40000000U
#define FUTEX_TID_MASK 0x3fffffffU

/* mm and address, or (page != NULL, with a reference) page and offset. */
struct futex_key { struct mm_struct *mm; struct page *page; u64 addr; };
struct futex_bucket { spinlock_t lock; struct list_head waiters; };
extern struct futex_bucket futex_buckets[1 << FUTEX_HASH_BITS];

struct futex_q {
	struct task_struct *task;
	u32 bitset;
	bool pi;			/* waits for FUTEX_UNLOCK_PI */
	/* the bucket's lock */
	struct futex_key key;
	struct list_head list;
	struct futex_bucket *bucket;	/* NULL: woken */
};

static inline bool futex_key_equal(const struct futex_key *a, const struct futex_key *b)
{
	return a->addr == b->addr && a->mm == b->mm && a->page == b->page;
}
/*
 * futex_get_key - Return: 0, -EINVAL (not aligned), -EFAULT. futex_put_key gives its page back. Context: task, may
 * sleep.
 */
int futex_get_key(uptr addr, unsigned int flags, struct futex_key *key) __must_check;
void futex_put_key(const struct futex_key *key);
struct futex_bucket *futex_hash(const struct futex_key *key);
void futex_lock_two(struct futex_bucket *a, struct futex_bucket *b);
void futex_unlock_two(struct futex_bucket *a, struct futex_bucket *b);
/*
 * futex_get_value_locked - the word at @addr. With a spinlock held a page that is not there is not brought in: -EFAULT
 * then says only that. Context: preemption off.
 */
static inline int __must_check futex_get_value_locked(u32 *value, uptr addr) { return get_user(*value, addr); }
/* futex_fault_in - make the word writable, so that an access under a lock does not fault. Return: 0 or -EFAULT. */
int futex_fault_in(uptr addr) __must_check;
/* futex_queue - at the tail. futex_wake_one - take it out and wake its task. Locks: the bucket's. */
void futex_queue(struct futex_q *q, struct futex_bucket *b);
void futex_wake_one(struct futex_q *q);
/* futex_unqueue - Return: false if it was woken before. Locks: takes the bucket's. */
bool futex_unqueue(struct futex_q *q);
/* futex_sleep - until woken. Not queued on return. Return: 0 (woken), -ETIMEDOUT, -ERESTARTSYS. */
int futex_sleep(struct futex_q *q, const u64 *deadline_ns) __must_check;
/* futex_pi.c */
int futex_lock_pi(uptr addr, unsigned int flags, const u64 *deadline_ns);
int futex_trylock_pi(uptr addr, unsigned int flags);
int futex_unlock_pi(uptr addr, unsigned int flags);
/* exit_pi_waiters - the dying @p's locks go to those who wait for them. Context: task. */
void exit_pi_waiters(struct task_struct *p);

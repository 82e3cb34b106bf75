/*
 * kernel/process/futex_robust.c - locks that a dying thread holds are marked, so that the next owner learns of it.
 *
 * Linux:   kernel/futex/core.c, syscalls.c (6.1)
 * Same:    the list is in user memory and is not trusted: its length is bounded, each access may fail.
 * Differs: none.
 * Locks:   FUTEX inside, by futex_wake_user().
 * Walk:    do_exit() -> mm_release() -> exit_robust_list() -> handle_futex_death().
 */
#include "kernel/process/futex.h"
#include "kernel/syscall.h"

enum { ROBUST_LIST_LIMIT = 2048 };
/* Pointers of the user's list; bit 0 of one says that the lock is a priority-inheriting one. */
struct robust_list_head { u64 next; s64 futex_offset; u64 list_op_pending; };

/*
 * The lock at @addr: if the dying thread holds it, mark it and wake one waiter. Return: 0, or -EFAULT: leave the
 * list.
 */
static int handle_futex_death(uptr addr, struct task_struct *p, bool pi, bool pending_op)
{
	u32 word, new, seen;

	if (addr.addr % sizeof(word) || get_user(word, addr))
		return -EFAULT;
	/* It died between unlocking in user mode and waking: the waiter was not told. */
	if (pending_op && !pi && !word) {
		futex_wake_user(addr, 1);
		return 0;
	}
	for (;;) {
		if ((word & FUTEX_TID_MASK) != (u32)p->pid)
			return 0;
		new = (word & FUTEX_WAITERS) | FUTEX_OWNER_DIED;
		if (cmpxchg_user_u32(addr, word, new, &seen))
			return -EFAULT;
		if (seen == word)
			break;
		word = seen;
	}
	if (!pi && word & FUTEX_WAITERS)
		futex_wake_user(addr, 1);
	return 0;
}

static uptr lock_of(u64 entry, s64 offset) { return UPTR((entry & ~1ULL) + (u64)offset); }

void exit_robust_list(struct task_struct *p)
{
	uptr head = p->robust_list;
	struct robust_list_head h;
	u64 entry;

	exit_pi_waiters(p); /* first: what it hands on is no longer the dying thread's */
	if (uptr_is_null(head))
		return;
	p->robust_list = UPTR_NULL;
	if (copy_from_user(&h, head, sizeof(h)))
		return;
	entry = h.next;
	for (int i = 0; i < ROBUST_LIST_LIMIT && (entry & ~1ULL) != head.addr; i++) {
		u64 next;
		/* Before the lock, and with it the entry, may be freed. */
		int err = get_user(next, UPTR(entry & ~1ULL));

		if (entry != h.list_op_pending &&
		    handle_futex_death(lock_of(entry, h.futex_offset), p, entry & 1, false))
			return;
		if (err)
			return;
		entry = next;
	}
	if (h.list_op_pending & ~1ULL)
		handle_futex_death(lock_of(h.list_op_pending, h.futex_offset), p, h.list_op_pending & 1, true);
}

SYSCALL_DEFINE2(set_robust_list, uptr, head, size_t, len)
{
	if (len != sizeof(struct robust_list_head))
		return -EINVAL;
	current->robust_list = head;
	return 0;
}

SYSCALL_DEFINE3(get_robust_list, pid_t, pid, uptr, head_ptr, uptr, len_ptr)
{
	struct task_struct *p = pid ? find_get_task(pid) : current;
	size_t len = sizeof(struct robust_list_head);
	u64 head;
	int err = 0;

	if (!p)
		return -ESRCH;
	if (p->tgid != current->tgid && !capable_root() && p->cred.uid != current->cred.euid)
		err = -EPERM;
	head = p->robust_list.addr;
	if (pid)
		put_task_struct(p);
	if (err)
		return err;
	return put_user(len, len_ptr) || put_user(head, head_ptr) ? -EFAULT : 0;
}

/*
 * kernel/process/pid.c - the table of tasks: ids, and finding a task by its id.
 *
 * Linux:   kernel/pid.c (6.1)
 * Same:    ids are given in ascending order and start again at RESERVED_PIDS when PID_MAX is reached; an id
 *          that still names a group or a session is not given to a new task.
 * Differs: 1. a hash table and one lock (PIDTAB) instead of an IDR, struct pid and RCU.
 *          2. which ids are free is looked up once each time the counter starts again, not kept up to date.
 * Locks:   PIDTAB.
 * Walk:    kernel_clone() -> alloc_pid_locked();  kill(2) -> find_task_locked().
 */
#include "kernel/mm.h"
#include "kernel/process/internal.h"
#include "kernel/string.h"
#include "kernel/syscall.h"

enum { PIDHASH_SIZE = 512, RESERVED_PIDS = 300, FIRST_PID = 2 /* pid 1 is asked for by name */ };

DEFINE_SPINLOCK(pidtab_lock, LC_PIDTAB);
/* pidtab_lock */
static struct hlist_head pid_hash[PIDHASH_SIZE];
static pid_t next_pid = FIRST_PID;
static int nr_hashed;
/* ids in use when next_pid last started again. Those given out since are below next_pid. */
static unsigned long ids_taken[PID_MAX / 64];

static struct hlist_head *pid_bucket(pid_t pid) { return &pid_hash[(u32)pid % PIDHASH_SIZE]; }

static void mark_taken_ids(void)
{
	struct task_struct *p;

	memset(ids_taken, 0, sizeof(ids_taken));
	for (int i = 0; i < PIDHASH_SIZE; i++) {
		hlist_for_each_entry(p, &pid_hash[i], pid_hash) {
			__set_bit((u32)p->pid, ids_taken);
			__set_bit((u32)p->signal->pgrp, ids_taken);
			__set_bit((u32)p->signal->session, ids_taken);
		}
	}
}

pid_t alloc_pid_locked(void)
{
	assert_held(&pidtab_lock);
	for (int turns = 0; turns < 2; turns++) {
		while (next_pid < PID_MAX) {
			pid_t pid = next_pid++;

			if (!test_bit((u32)pid, ids_taken))
				return pid;
		}
		mark_taken_ids();
		next_pid = RESERVED_PIDS;
	}
	return -EAGAIN;
}

void hash_pid_locked(struct task_struct *p)
{
	hlist_add_head(&p->pid_hash, pid_bucket(p->pid));
	nr_hashed++;
}

void unhash_pid_locked(struct task_struct *p)
{
	hlist_del_init(&p->pid_hash);
	nr_hashed--;
}

struct task_struct *find_task_locked(pid_t pid)
{
	struct task_struct *p;

	assert_held(&pidtab_lock);
	hlist_for_each_entry(p, pid_bucket(pid), pid_hash)
		if (p->pid == pid)
			return p;
	return NULL;
}

struct task_struct *find_get_task(pid_t pid)
{
	struct task_struct *p;
	unsigned long flags;

	spin_lock_irqsave(&pidtab_lock, flags);
	p = find_task_locked(pid);
	if (p)
		get_task_struct(p);
	spin_unlock_irqrestore(&pidtab_lock, flags);
	return p;
}

void for_each_process(bool (*fn)(struct task_struct *p, void *arg), void *arg)
{
	struct task_struct *p;
	unsigned long flags;

	spin_lock_irqsave(&pidtab_lock, flags);
	list_for_each_entry(p, &init_task.tasks, tasks)
		if (!fn(p, arg))
			break;
	spin_unlock_irqrestore(&pidtab_lock, flags);
}

struct mm_struct *get_task_mm(struct task_struct *p)
{
	struct mm_struct *mm;
	unsigned long flags;

	spin_lock_irqsave(&pidtab_lock, flags);
	mm = p->mm;
	if (mm)
		mmget(mm);
	spin_unlock_irqrestore(&pidtab_lock, flags);
	return mm;
}

int nr_threads_total(void) { return READ_ONCE(nr_hashed); }
pid_t last_pid(void) { return READ_ONCE(next_pid) - 1; }

void pid_init(void)
{
	/* The tree's root is in no table: nobody can name it. */
	ASSERT(hlist_empty(pid_bucket(0)));
}

SYSCALL_DEFINE0(getpid) { return current->tgid; }
SYSCALL_DEFINE0(gettid) { return current->pid; }

SYSCALL_DEFINE0(getppid)
{
	const struct task_struct *leader = current->group_leader, *parent;
	pid_t ppid;

	/*
	 * Without the lock, which would be a quarter of this call. A parent is freed only after its children have
	 * been given
	 * another: what was read from freed memory is read again.
	 */
	do {
		parent = smp_load_acquire(&leader->real_parent);
		ppid = smp_load_acquire(&parent->tgid);
	} while (unlikely(parent != READ_ONCE(leader->real_parent)));
	return ppid;
}

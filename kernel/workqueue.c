/*
 * kernel/workqueue.c - functions that run later, in a task of their own, where they may sleep.
 *
 * Linux:   kernel/workqueue.c (6.1)
 * Same:    a work item is queued once until it begins to run; it may queue itself again, or free
 *          itself.
 * Differs: 1. one queue and one worker: items run one after another.
 * Locks:   WORKQ, not held while an item runs.
 * Walk:    schedule_work() -> worker_fn() -> the item's function.
 */
#include "kernel/workqueue.h"
#include "kernel/bug.h"
#include "kernel/err.h"
#include "kernel/sched.h"
#include "kernel/spinlock.h"
#include "kernel/task.h"
#include "kernel/wait.h"

static DEFINE_SPINLOCK(work_lock, LC_WORKQ);
static LIST_HEAD(work_list);	/* work_lock */
static struct task_struct *worker;
static DECLARE_WAIT_QUEUE_HEAD(flush_wq);

bool schedule_work(struct work_struct *work)
{
	unsigned long flags;
	bool queued;

	spin_lock_irqsave(&work_lock, flags);
	queued = list_empty(&work->entry);
	if (queued)
		list_add_tail(&work->entry, &work_list);
	spin_unlock_irqrestore(&work_lock, flags);
	if (queued && worker) /* before workqueue_init() it waits in the list */
		wake_up_process(worker);
	return queued;
}

static struct work_struct *next_work(void)
{
	struct work_struct *work;

	spin_lock_irq(&work_lock);
	work = list_first_entry_or_null(&work_list, struct work_struct, entry);
	if (work)
		list_del_init(&work->entry);
	spin_unlock_irq(&work_lock);
	return work;
}

static int worker_fn(__unused void *arg)
{
	for (;;) {
		struct work_struct *work;

		/* Before the list is tested; pairs with wake_up_process(). */
		set_current_state(TASK_INTERRUPTIBLE);
		work = next_work();
		if (!work) {
			schedule();
			continue;
		}
		__set_current_state(TASK_RUNNING);
		work->func(work);
	}
	return 0;
}

struct flush_work { struct work_struct work; bool done; };

static void flush_work_fn(struct work_struct *work)
{
	/* From here on the item may be gone with the waiter's stack. */
	smp_store_release(&container_of(work, struct flush_work, work)->done, true);
	wake_up_all(&flush_wq);
}

void flush_scheduled_work(void)
{
	struct flush_work flush = { .done = false };

	INIT_WORK(&flush.work, flush_work_fn);
	schedule_work(&flush.work);
	wait_event(flush_wq, smp_load_acquire(&flush.done));
}

void workqueue_init(void)
{
	struct task_struct *p = kthread_run(worker_fn, NULL, -1, "kworker");

	if (IS_ERR(p))
		panic("no memory for the worker");
	worker = p;
	wake_up_process(p); /* for what was queued before it was known by name */
}

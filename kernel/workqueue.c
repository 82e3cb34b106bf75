/*
 * kernel/workqueue.c - functions that run later, in a task.
 *
 * Linux:   kernel/workqueue.c (6.1)
 * Same:    an item is off the list before its function runs, so the function may free it or queue it again.
 * Differs: 1. one queue, one worker.
 * Locks:   WORKQ.
 * Walk:    fput() of the last reference in an interrupt -> schedule_work().
 */
#include "kernel/workqueue.h"
#include "kernel/bug.h"
#include "kernel/err.h"
#include "kernel/wait.h"

static DEFINE_SPINLOCK(workq_lock, LC_WORKQ);
/* workq_lock */
static LIST_HEAD(workq);
static u64 nr_queued, nr_done;
static DECLARE_WAIT_QUEUE_HEAD(workq_wait);
static DECLARE_WAIT_QUEUE_HEAD(workq_done);

bool schedule_work(struct work_struct *work)
{
	unsigned long flags;
	bool queued = false;

	spin_lock_irqsave(&workq_lock, flags);
	if (list_empty(&work->entry)) {
		list_add_tail(&work->entry, &workq);
		nr_queued++;
		queued = true;
	}
	spin_unlock_irqrestore(&workq_lock, flags);
	if (queued)
		wake_up(&workq_wait);
	return queued;
}

static struct work_struct *next_work(void)
{
	unsigned long flags;

	spin_lock_irqsave(&workq_lock, flags);
	struct work_struct *w = list_first_entry_or_null(&workq, struct work_struct, entry);

	if (w)
		list_del_init(&w->entry);
	spin_unlock_irqrestore(&workq_lock, flags);
	return w;
}

static __noreturn int run_worker(__unused void *arg)
{
	for (;;) {
		struct work_struct *w;

		wait_event(workq_wait, !list_empty(&workq));
		while ((w = next_work()) != NULL) {
			w->func(w);
			spin_lock_irq(&workq_lock);
			nr_done++;
			spin_unlock_irq(&workq_lock);
			wake_up_all(&workq_done);
		}
	}
}

void flush_scheduled_work(void)
{
	spin_lock_irq(&workq_lock);
	u64 target = nr_queued;

	spin_unlock_irq(&workq_lock);
	wait_event(workq_done, READ_ONCE(nr_done) >= target);
}

void workqueue_init(void)
{
	if (IS_ERR(kthread_run(run_worker, NULL, -1, "kworker")))
		panic("cannot start kworker");
}

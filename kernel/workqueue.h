/*
 * kernel/workqueue.h - run a function later, in a task.
 *
 * Linux:   include/linux/workqueue.h (6.1)
 * Same:    INIT_WORK(), schedule_work(); a work item is queued once however often it is scheduled.
 * Differs: 1. one queue, one worker task.
 * Locks:   WORKQ.
 * Walk:    deferred fput(), socket destruction that must sleep.
 */
#pragma once
#include "kernel/list.h"

struct work_struct {
	struct list_head entry;
	void (*func)(struct work_struct *work);
};
static inline void INIT_WORK(struct work_struct *w, void (*func)(struct work_struct *))
{
	INIT_LIST_HEAD(&w->entry);
	w->func = func;
}
/*
 * schedule_work - Return: false if it was queued already. Context: any. The work may free itself
 * when it runs.
 */
bool schedule_work(struct work_struct *work);
/* flush_scheduled_work - all that was queued before has run. Context: task, not the worker. */
void flush_scheduled_work(void);
void workqueue_init(void);

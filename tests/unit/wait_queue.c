/*
 * tests/unit/wait_queue.c - the order in which a wake-up calls entries, what ends it, and what each
 * step leaves behind. One CPU, nothing concurrent: the races are argued in kernel/sched/wait.c and
 * met in the guest.
 */
#include "tests/unit/host.h"

void *memset(void *dst, int c, size_t n);
#include "kernel/sched/wait.c"

enum { NR_ENTRIES = 6 };

/* --- the machine ------------------------------------------------------------------------------ */
u8 race_seeded;
void race_point_slow(__unused enum race_point point) { }
u8 trace_enabled[TP_NR];
void trace_record_slow(__unused enum trace_point p, __unused u64 a, __unused u64 b, __unused u64 c,
		       __unused u64 d) { }
static struct task_struct self, others[NR_ENTRIES];
static int wakes, last_flags;
static bool wake_during_schedule;
static struct wait_queue_head *wake_this;
static s64 slept_ns;
static int schedules, nr_called;

/* A task that sleeps in one of @state wakes up. */
int try_to_wake_up(struct task_struct *p, unsigned int state, int wake_flags)
{
	last_flags = wake_flags;
	if (!(p->__state & state))
		return 0;
	p->__state = TASK_RUNNING;
	wakes++;
	return 1;
}
void schedule(void)
{
	schedules++;
	if (wake_this)
		__wake_up(wake_this, TASK_NORMAL, 1, NULL);
	self.__state = TASK_RUNNING;
}
s64 schedule_timeout_ns(s64 timeout_ns)
{
	schedules++;
	if (wake_during_schedule)
		__wake_up(wake_this, TASK_NORMAL, 1, NULL);
	self.__state = TASK_RUNNING;
	return timeout_ns - slept_ns;
}

static void reset(struct wait_queue_head *q)
{
	current_task = &self;
	self = (struct task_struct){ .__state = TASK_RUNNING };
	memset(others, 0, sizeof(others));
	wakes = schedules = last_flags = nr_called = 0;
	wake_during_schedule = false;
	wake_this = NULL;
	slept_ns = 0;
	init_waitqueue_head(q);
}

/* --- entries that write down who was called --------------------------------------------------- */
static struct wait_queue_entry entries[NR_ENTRIES];
static int called[NR_ENTRIES], results[NR_ENTRIES];
static void *last_key;
static int note_fn(wait_queue_entry_t *e, __unused unsigned int mode, __unused int flags, void *key)
{
	int i = (int)(e - entries);

	called[nr_called++] = i;
	last_key = key;
	return results[i];
}
static void note(struct wait_queue_head *q, int i, bool exclusive, int result)
{
	init_waitqueue_func_entry(&entries[i], note_fn);
	results[i] = result;
	if (exclusive)
		add_wait_queue_exclusive(q, &entries[i]);
	else
		add_wait_queue(q, &entries[i]);
}
/* The entries called are those of @want, as digits. */
#define CHECK_CALLED(want) do {									\
	const char *__w = (want);								\
	int __n = 0;										\
	for (; __w[__n]; __n++)									\
		CHECK(__n < nr_called && called[__n] == __w[__n] - '0');			\
	CHECK_EQ(nr_called, __n);								\
	nr_called = 0;										\
} while (0)

TEST(exclusive_entries_come_after_all_others_in_their_order)
{
	struct wait_queue_head q;

	reset(&q);
	note(&q, 0, true, 1);
	note(&q, 1, false, 1);
	note(&q, 2, true, 1);
	note(&q, 3, false, 1);
	wake_up_all(&q);
	CHECK_CALLED("3102");
}

TEST(a_wake_up_ends_with_the_first_exclusive_entry_that_woke_somebody)
{
	struct wait_queue_head q;

	reset(&q);
	note(&q, 0, true, 0);	/* its task was awake */
	note(&q, 1, true, 1);
	note(&q, 2, true, 1);
	note(&q, 3, false, 1);
	wake_up(&q);
	CHECK_CALLED("301");
	wake_up_nr(&q, 2);
	CHECK_CALLED("3012");
	wake_up_all(&q);
	CHECK_CALLED("3012");
}

TEST(a_negative_result_ends_the_walk)
{
	struct wait_queue_head q;

	reset(&q);
	note(&q, 0, false, 1);
	note(&q, 1, false, -1);
	note(&q, 2, false, 1);
	wake_up_all(&q);
	CHECK_CALLED("21");
}

TEST(the_key_and_the_sync_flag_arrive)
{
	struct wait_queue_head q;
	struct wait_queue_entry e;

	reset(&q);
	note(&q, 0, false, 1);
	wake_up_poll(&q, 0x41);
	CHECK_EQ(key_to_poll(last_key), 0x41);
	init_waitqueue_entry(&e, &others[0]);
	add_wait_queue(&q, &e);
	others[0].__state = TASK_INTERRUPTIBLE;
	wake_up_interruptible_sync_poll(&q, 1);
	CHECK_EQ(last_flags, WF_SYNC);
	CHECK_EQ(wakes, 1);
}

TEST(only_tasks_in_the_mode_are_woken)
{
	struct wait_queue_head q;
	struct wait_queue_entry e;

	reset(&q);
	init_waitqueue_entry(&e, &others[0]);
	add_wait_queue(&q, &e);
	others[0].__state = TASK_UNINTERRUPTIBLE;
	wake_up_interruptible(&q);
	CHECK_EQ(wakes, 0);
	wake_up(&q);
	CHECK_EQ(wakes, 1);
}

/* Its own entry leaves the queue during the walk. */
static int leave_fn(wait_queue_entry_t *e, unsigned int mode, int flags, void *key)
{
	int res = note_fn(e, mode, flags, key);

	list_del_init(&e->entry);
	return res;
}
TEST(an_entry_may_remove_itself_while_it_is_called)
{
	struct wait_queue_head q;

	reset(&q);
	for (int i = 0; i < NR_ENTRIES; i++) {
		note(&q, i, true, 1);
		entries[i].func = leave_fn;
	}
	wake_up_nr(&q, 4);
	CHECK_CALLED("0123");
	wake_up_all(&q);
	CHECK_CALLED("45");
	CHECK(list_empty(&q.head));
}

TEST(autoremove_leaves_the_queue_only_if_it_woke_its_task)
{
	struct wait_queue_head q;

	reset(&q);
	DEFINE_WAIT(e);
	e.private = &others[0];
	add_wait_queue(&q, &e);
	wake_up(&q);		/* awake: stays */
	CHECK(!list_empty(&q.head));
	others[0].__state = TASK_INTERRUPTIBLE;
	wake_up(&q);
	CHECK(list_empty(&q.head));
	CHECK(list_empty_careful(&e.entry));
	remove_wait_queue(&q, &e);	/* not on it any more: nothing happens */
}

TEST(prepare_queues_once_and_sets_the_state_each_time)
{
	struct wait_queue_head q;

	reset(&q);
	DEFINE_WAIT(e);
	prepare_to_wait(&q, &e, TASK_INTERRUPTIBLE);
	prepare_to_wait(&q, &e, TASK_UNINTERRUPTIBLE);
	CHECK_EQ(self.__state, TASK_UNINTERRUPTIBLE);
	CHECK(list_is_singular(&q.head));
	finish_wait(&q, &e);
	CHECK_EQ(self.__state, TASK_RUNNING);
	CHECK(list_empty(&q.head));
	prepare_to_wait_exclusive(&q, &e, TASK_INTERRUPTIBLE);
	CHECK(e.flags & WQ_FLAG_EXCLUSIVE);
	finish_wait(&q, &e);
}

TEST(a_signal_takes_the_entry_out_before_it_is_reported)
{
	struct wait_queue_head q;

	reset(&q);
	DEFINE_WAIT(e);
	CHECK_EQ(prepare_to_wait_event(&q, &e, TASK_INTERRUPTIBLE), 0);
	CHECK(!list_empty(&q.head));
	self.__state = TASK_RUNNING;
	self.tif = BIT(TIF_SIGPENDING);
	CHECK_EQ(prepare_to_wait_event(&q, &e, TASK_INTERRUPTIBLE), -ERESTARTSYS);
	CHECK(list_empty(&q.head));
	CHECK_EQ(self.__state, TASK_RUNNING);
	CHECK_EQ(prepare_to_wait_event(&q, &e, TASK_UNINTERRUPTIBLE), 0); /* no signal's business */
	finish_wait(&q, &e);
}

TEST(wait_event_tests_before_it_sleeps_and_after_each_wake_up)
{
	struct wait_queue_head q;
	int tests = 0;

	reset(&q);
	wait_event(q, ++tests > 0);
	CHECK_EQ(schedules, 0);
	tests = 0;
	/* Before, queued, woken, queued, woken. */
	CHECK_EQ(wait_event_interruptible(q, ++tests == 5), 0);
	CHECK_EQ(schedules, 2);
	CHECK(list_empty(&q.head));
	self.tif = BIT(TIF_SIGPENDING);
	CHECK_EQ(wait_event_interruptible(q, false), -ERESTARTSYS);
	CHECK(list_empty(&q.head));
	tests = 0;
	CHECK_EQ(wait_event_interruptible(q, ++tests == 2), 0); /* true at last: the signal can wait */
}

TEST(wait_woken_remembers_a_wake_up_that_came_early)
{
	struct wait_queue_head q;

	reset(&q);
	DEFINE_WAIT_FUNC(e, woken_wake_function);
	add_wait_queue(&q, &e);
	slept_ns = 10;
	wake_up(&q);
	CHECK_EQ(wait_woken(&e, TASK_INTERRUPTIBLE, 1000), 1000);
	CHECK_EQ(schedules, 0);
	CHECK_EQ(wait_woken(&e, TASK_INTERRUPTIBLE, 1000), 990);	/* the flag is used up */
	CHECK_EQ(schedules, 1);
	wake_this = &q;
	wake_during_schedule = true;
	CHECK_EQ(wait_woken(&e, TASK_INTERRUPTIBLE, 1000), 990);
	CHECK_EQ(self.__state, TASK_RUNNING);
	CHECK(!(e.flags & WQ_FLAG_WOKEN));
	remove_wait_queue(&q, &e);
}

/*
 * tests/unit/lockdep.c - what the lock checker reports, and what it does not: order, depth,
 * context, trylocks, user mode.
 */
#include "tests/unit/host.h"

#include "kernel/irqflags.h"
#include "kernel/task.h"
static bool irqs_off;
#define irqs_disabled_flags(f) ((void)(f), irqs_off)
#define irqs_disabled() (irqs_off)
/* host.h has counters under these names; spinlocks of the checker's own would not do. */
#define lockdep_acquire_slow checked_acquire
#define lockdep_acquire_try_slow checked_acquire_try
#define lockdep_release_slow checked_release
#define lockdep_is_held_slow checked_is_held
#define might_sleep_slow checked_might_sleep
void checked_acquire(const void *lock, enum lock_class class, unsigned int depth, bool sleeps,
		     unsigned long ip);
void checked_acquire_try(const void *lock, enum lock_class class, unsigned long ip);
void checked_release(const void *lock, unsigned long ip);
bool checked_is_held(const void *lock);
void checked_might_sleep(const char *file, int line);
#include "kernel/locking/lockdep.c"

static struct task_struct self;
static char lock_a, lock_b, lock_c;

static void reset(void)
{
	current_task = &self;
	self = (struct task_struct){ .comm = "test", .pid = 1 };
	for (int i = 0; i < LC_NR; i++)
		for (int w = 0; w < REPORT_WORDS; w++)
			reported[i][w] = 0;
	too_deep = false;
	irqs_off = false;
	__preempt_count = 0;
	warn_count = 0;
	host_quiet = true;
}
static void take(void *lock, enum lock_class class, unsigned int depth, bool sleeps)
{
	lockdep_acquire_slow(lock, class, depth, sleeps, 0);
}
static void give(void *lock) { lockdep_release_slow(lock, 0); }

TEST(the_declared_order_is_quiet)
{
	reset();
	take(&lock_a, LC_INODE_MTX, 0, true);
	take(&lock_b, LC_MMAP_MTX, 0, true);
	irqs_off = true;
	take(&lock_c, LC_WAITQ, 0, false);
	give(&lock_c);
	irqs_off = false;
	give(&lock_a);	/* any order back */
	give(&lock_b);
	CHECK_EQ(warn_count, 0);
	CHECK_EQ(self.nr_held, 0);
}

TEST(the_wrong_order_is_reported_once_for_each_pair)
{
	reset();
	for (int i = 0; i < 3; i++) {
		take(&lock_a, LC_MMAP_MTX, 0, true);
		take(&lock_b, LC_INODE_MTX, 0, true);
		CHECK_EQ(warn_count, 1);
		give(&lock_b);
		give(&lock_a);
	}
	take(&lock_a, LC_MMAP_MTX, 0, true);
	take(&lock_b, LC_PIPE_MTX, 0, true);
	CHECK_EQ(warn_count, 2);
	CHECK_EQ(self.nr_held, 2);
}

TEST(a_lock_deeper_down_counts_though_it_is_not_the_last)
{
	reset();
	take(&lock_a, LC_MMAP_MTX, 0, true);
	lockdep_acquire_try_slow(&lock_b, LC_EPNEST, 0);
	take(&lock_c, LC_INODE_MTX, 0, true);	/* behind EPNEST, but before MMAP_MTX */
	CHECK_EQ(warn_count, 1);
}

TEST(one_class_nests_by_depth_only)
{
	reset();
	irqs_off = true;
	take(&lock_a, LC_WAITQ, 0, false);
	take(&lock_b, LC_WAITQ, 1, false);
	CHECK_EQ(warn_count, 0);
	take(&lock_c, LC_WAITQ, 1, false);
	CHECK_EQ(warn_count, 1);
	give(&lock_c);
	take(&lock_c, LC_WAITQ, 0, false);	/* the pair is known */
	CHECK_EQ(warn_count, 1);
}

TEST(a_depth_that_the_class_does_not_have_is_reported)
{
	reset();
	take(&lock_a, LC_EPNEST, 1, true);
	CHECK_EQ(warn_count, 1);
	take(&lock_b, LC_NONE, 0, false);
	CHECK_EQ(warn_count, 2);
}

TEST(a_trylock_may_stand_anywhere_but_is_held)
{
	reset();
	irqs_off = true;
	take(&lock_a, LC_RUNQUEUE, 0, false);
	lockdep_acquire_try_slow(&lock_b, LC_RUNQUEUE, 0);
	CHECK_EQ(warn_count, 0);
	CHECK(lockdep_is_held_slow(&lock_b));
	take(&lock_c, LC_TASK_PI, 0, false);
	CHECK_EQ(warn_count, 1);
}

TEST(a_lock_that_sleeps_wants_a_task_that_can)
{
	reset();
	__preempt_count = 1;
	take(&lock_a, LC_INODE_MTX, 0, true);
	CHECK_EQ(warn_count, 1);
	reset();
	irqs_off = true;
	take(&lock_a, LC_INODE_MTX, 0, true);
	CHECK_EQ(warn_count, 1);
	reset();
	__preempt_count = HARDIRQ_OFFSET;
	take(&lock_a, LC_INODE_MTX, 0, true);
	CHECK_EQ(warn_count, 1);
	__preempt_count = 0;
}

TEST(a_lock_of_tasks_is_not_taken_in_interrupts)
{
	reset();
	__preempt_count = SOFTIRQ_OFFSET;
	take(&lock_a, LC_DCACHE, 0, false);
	CHECK_EQ(warn_count, 1);
	reset();
	__preempt_count = SOFTIRQ_DISABLE_OFFSET;	/* a task with softirqs off */
	take(&lock_a, LC_DCACHE, 0, false);
	CHECK_EQ(warn_count, 0);
	__preempt_count = 0;
}

TEST(a_lock_of_softirqs_wants_them_off)
{
	reset();
	take(&lock_a, LC_SLOCK, 0, false);
	CHECK_EQ(warn_count, 1);
	reset();
	__preempt_count = SOFTIRQ_DISABLE_OFFSET;
	take(&lock_a, LC_SLOCK, 0, false);
	give(&lock_a);
	__preempt_count = SOFTIRQ_OFFSET;
	take(&lock_a, LC_SLOCK, 0, false);
	CHECK_EQ(warn_count, 0);
	give(&lock_a);
	__preempt_count = HARDIRQ_OFFSET;
	irqs_off = true;
	take(&lock_a, LC_SLOCK, 0, false);
	CHECK_EQ(warn_count, 1);
	__preempt_count = 0;
}

TEST(a_lock_of_interrupts_wants_them_off)
{
	reset();
	take(&lock_a, LC_WAITQ, 0, false);
	CHECK_EQ(warn_count, 1);
	reset();
	irqs_off = true;
	take(&lock_a, LC_WAITQ, 0, false);
	CHECK_EQ(warn_count, 0);
}

TEST(an_interrupt_takes_its_locks_on_top_of_the_task)
{
	reset();
	__preempt_count = SOFTIRQ_DISABLE_OFFSET;
	take(&lock_a, LC_SLOCK, 0, false);
	__preempt_count |= HARDIRQ_OFFSET;
	irqs_off = true;
	take(&lock_b, LC_SIGHAND, 0, false);	/* a timer's signal */
	CHECK_EQ(warn_count, 0);
	give(&lock_b);
	__preempt_count = 0;
}

TEST(giving_back_what_is_not_held_is_reported)
{
	reset();
	give(&lock_a);
	give(&lock_a);
	CHECK_EQ(warn_count, 1);
}

TEST(user_mode_is_entered_with_nothing_held)
{
	reset();
	lockdep_assert_none_held();
	CHECK_EQ(warn_count, 0);
	take(&lock_a, LC_INODE_MTX, 0, true);
	lockdep_assert_none_held();
	lockdep_assert_none_held();
	CHECK_EQ(warn_count, 1);
}

TEST(might_sleep_complains_once_for_each_place)
{
	reset();
	might_sleep_slow("a.c", 1);
	CHECK_EQ(warn_count, 0);
	__preempt_count = 1;
	might_sleep_slow("a.c", 1);
	might_sleep_slow("a.c", 1);
	CHECK_EQ(warn_count, 1);
	might_sleep_slow("a.c", 2);
	CHECK_EQ(warn_count, 2);
	__preempt_count = 0;
	irqs_off = true;
	might_sleep_slow("b.c", 3);
	CHECK_EQ(warn_count, 3);
	self.flags = PF_IDLE;	/* the boot task, alone */
	might_sleep_slow("b.c", 4);
	CHECK_EQ(warn_count, 3);
}

TEST(more_locks_than_the_list_holds_are_reported_once)
{
	static char many[MAX_HELD_LOCKS + 3];

	reset();
	irqs_off = true;
	for (int i = 0; i < MAX_HELD_LOCKS + 3; i++)
		lockdep_acquire_try_slow(&many[i], LC_WAITQ, 0);
	CHECK_EQ(warn_count, 1);
	for (int i = 0; i < MAX_HELD_LOCKS + 3; i++)
		give(&many[i]);
	CHECK_EQ(warn_count, 1);
	CHECK_EQ(self.nr_held, 0);
}

/*
 * kernel/race.h - race points: places where a test, by a seed, makes the unlikely order of two tasks' steps happen.
 *
 * Linux:   none; KCSAN's delays and CONFIG_DEBUG_PREEMPT look for the same bugs by chance
 * Same:    nothing.
 * Differs: 1. a task that has a seed switches to another task, moves to another CPU or spins at a race point, as the
 *             seed says; and which seeded task runs next is the seed's choice, too. Tasks without one notice nothing.
 *          2. in test builds (CONFIG_DEBUG) only; in the ordinary kernel a point is nothing at all.
 * Locks:   RUNQUEUE inside.
 * Walk:    race_point() -> race_point_slow() -> preempt_schedule();  __schedule() -> race_choose().
 */
#pragma once
#include "kernel/compiler.h"
#include "kernel/config.h"
#include "kernel/types.h"

#define RACE_POINT(name, what) RACE_##name,
enum race_point {
#include "kernel/race_points.def"
	RACE_NR
};
#undef RACE_POINT

/* What a task did at a point. */
enum race_action { RACE_GO_ON, RACE_SWITCH, RACE_MOVE, RACE_SPIN };

struct task_struct;
extern u8 race_seeded;	/* set with the first seed, and stays */
/* race_point_slow - what a point does once there are seeds. Context: any; in atomic context it spins at most. */
void race_point_slow(enum race_point point);

/* race_point(name) - the point @name. Context: any; where one may sleep, another task may run now. */
#define race_point(name) do { if (CONFIG_DEBUG && unlikely(race_seeded)) race_point_slow(RACE_##name); } while (0)

/* race_seed - current, and whom it makes from now on, act by @seed (0: no longer). Context: task. */
void race_seed(u64 seed);
/* race_init - race_seed= on the command line: for pid 1, and so for every program. Context: pid 1's task. */
void race_init(void);
/* race_fork - the seed of @p, a copy of current, is drawn from current's. Context: task. */
void race_fork(struct task_struct *p);

/* race_point_name, race_action_word - as traces print them. Context: any. */
const char *race_point_name(enum race_point point);
const char *race_action_word(enum race_action action);

/*
 * What happened since boot, and @hash since the last seed: it stands for the order of all steps, and means something
 * on one CPU.
 */
struct race_stats { u64 seed, hash, switches, moves, spins, hits[RACE_NR]; };
/* race_stats - Context: any. */
void race_stats(struct race_stats *s);

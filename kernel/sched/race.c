/*
 * kernel/sched/race.c - races forced by a seed, not hoped for: what happens at race points, and who runs next.
 *
 * Linux:   none
 * Same:    nothing.
 * Differs: 1. test builds only (kernel/race.h).
 * Locks:   RUNQUEUE.
 * Walk:    write("/proc/pollux/races") -> race_seed();  race_point() -> race_point_slow() -> preempt_schedule() ->
 *          __schedule() -> pick_next_task() -> race_choose().
 *
 * The idea. Left alone, the order in which the steps of several tasks happen is the clock's: one in a million is the
 * order that loses an event, and it does not come again. Here a seed decides. Among seeded tasks there is no time
 * slice: one runs until it sleeps, yields or comes to a race point where its own random numbers say "let another
 * go"; and which of the others goes is drawn as well, from the run queue's. Both streams depend on nothing but the
 * seed and on how many numbers were drawn before. So on one CPU the order of all steps of a program is a function
 * of its seed alone, whatever ran before it, as long as it waits for no clock: a failing seed fails again, alone, and
 * under -icount to the instruction. On several CPUs the seed only shakes: tasks move and spin where it says, but the
 * CPUs keep their own time.
 *
 * What does not depend on the seed keeps out: a task is named by race_id, the how-manieth of its family it is, not
 * by an address or a process id; interrupts draw no numbers; tasks without a seed are scheduled as ever, and after
 * one has had the CPU the seeded task that ran before goes on.
 *
 * A seed also sets how eager its tasks are: with some, a task gives way at every second point, with others at one in
 * sixteen. Bugs that need one switch at one place are found by the latter.
 */
#include "kernel/race.h"
#include "kernel/cmdline.h"
#include "kernel/sched/internal.h"
#include "kernel/task.h"
#include "kernel/trace.h"

enum { MAX_SPINS = 1024, MOVE_ONE_IN = 8, SPIN_ONE_IN = 3 };
/* Longer than this no seeded task keeps the CPU: it may be spinning for another. */
#define RACE_RUN_NS (20 * NSEC_PER_MSEC)

#define RACE_POINT(name, what) [RACE_##name] = #name,
static const char *const point_names[RACE_NR] = {
#include "kernel/race_points.def"
};
#undef RACE_POINT

u8 race_seeded;
/* Single words, read and written without a lock: with several CPUs they are rough counts. */
static struct race_stats stats;
static u32 one_in = 2;		/* a task gives way at one point in so many */
static u32 next_id;		/* atomic: race_id of the next task */

/* A number in, one that looks like no relation of it out (the finalizer of SplitMix64). */
static u64 scramble(u64 x)
{
	x = (x ^ x >> 30) * 0xbf58476d1ce4e5b9ULL;
	x = (x ^ x >> 27) * 0x94d049bb133111ebULL;
	return x ^ x >> 31;
}

/* The next number of a stream, whose state is never zero. */
static u64 draw(u64 *state)
{
	*state += 0x9e3779b97f4a7c15ULL;
	if (!*state)
		*state = 1;
	return scramble(*state);
}

static void note(enum race_point point, const struct task_struct *p, enum race_action action)
{
	WRITE_ONCE(stats.hits[point], stats.hits[point] + 1);
	WRITE_ONCE(stats.hash, scramble(stats.hash ^ ((u64)p->race_id << 16 | (u64)point << 8 | action)));
	trace(race_point, p->race_id, point, action);
}

static enum race_action choose_action(u64 r, bool may_switch, bool may_move)
{
	if (may_switch && r % READ_ONCE(one_in) == 0)
		return RACE_SWITCH;
	r >>= 16;
	if (nr_cpus_online == 1)
		return RACE_GO_ON;
	if (may_move && r % MOVE_ONE_IN == 0)
		return RACE_MOVE;
	r >>= 16;
	return r % SPIN_ONE_IN == 0 ? RACE_SPIN : RACE_GO_ON;
}

/* To the CPU that @r says, and from there on wherever it likes. */
static void move(struct task_struct *p, u64 r)
{
	u64 mask = p->cpus_mask, bit = BIT(r % (u64)nr_cpus_online);

	if (!(mask & bit) || sched_setaffinity_mask(p, bit))
		return;
	if (sched_setaffinity_mask(p, mask))
		WARN_ON_ONCE(true);
}

void race_point_slow(enum race_point point)
{
	struct task_struct *p = current;

	if (!p || !p->race_rng || !in_task())
		return;
	bool atomic = irqs_disabled() || in_atomic();

	if (atomic && nr_cpus_online == 1)
		return;
	u64 r = draw(&p->race_rng);
	/* A task with a sleeping state that moves would be on no queue for a moment, and lose a wake-up. */
	enum race_action action = choose_action(r, !atomic, !atomic && p->__state == TASK_RUNNING);

	note(point, p, action);
	r = scramble(r);
	switch (action) {
	case RACE_SWITCH:
		WRITE_ONCE(stats.switches, stats.switches + 1);
		p->race_yields = true;
		preempt_disable();
		this_cpu_write(__need_resched, 1);
		preempt_enable();
		break;
	case RACE_MOVE:
		WRITE_ONCE(stats.moves, stats.moves + 1);
		move(p, r);
		break;
	case RACE_SPIN:
		WRITE_ONCE(stats.spins, stats.spins + 1);
		for (u64 n = 1 + r % MAX_SPINS; n; n--)
			barrier();
		break;
	case RACE_GO_ON:
		break;
	}
}

/* @p wants the CPU: better than @best by the number of this choice? One that yields comes after all that do not. */
static bool better(const struct task_struct *p, const struct task_struct *best, u64 salt)
{
	if (!best || p->race_yields != best->race_yields)
		return !best || best->race_yields;
	return scramble(salt ^ p->race_id) < scramble(salt ^ best->race_id);
}

struct choice { u64 salt; struct task_struct *best, *last, *yields; int rivals; };

static void consider(struct choice *c, const struct rq *rq, struct task_struct *p)
{
	if (!p->race_rng)
		return;
	if (p->race_yields)
		c->yields = p;
	else if (p == rq->race_last)
		c->last = p;
	c->rivals += !p->race_yields;
	if (better(p, c->best, c->salt))
		c->best = p;
}

struct task_struct *race_choose(struct rq *rq, struct task_struct *prev, struct task_struct *usual)
{
	struct choice c = { .salt = scramble(rq->race_rng) };
	u64 now_ns = arch_clock_ns();

	if (!usual->race_rng)
		return usual;
	if (prev && prev == rq->race_last && now_ns - rq->race_since_ns > RACE_RUN_NS)
		prev->race_yields = true;
	if (prev)
		consider(&c, rq, prev);
	for (struct rb_node *n = rb_first_cached(&rq->tasks); n; n = rb_next(n))
		consider(&c, rq, rb_entry(n, struct task_struct, run_node));
	if (c.last)
		return c.last;
	/* Where nothing is to be chosen, no number is drawn. */
	if (c.rivals > 1)
		draw(&rq->race_rng);
	if (c.yields)
		c.yields->race_yields = false;
	rq->race_last = c.best;
	rq->race_since_ns = now_ns;
	return c.best;
}

/* --- seeds ------------------------------------------------------------------------------------------------ */

void race_fork(struct task_struct *p)
{
	p->race_yields = false;
	if (!p->race_rng)
		return;
	p->race_rng = draw(&current->race_rng) | 1;
	p->race_id = __atomic_fetch_add(&next_id, 1, __ATOMIC_RELAXED);
}

void race_seed(u64 seed)
{
	struct task_struct *p = current;
	int cpu;

	for_each_online_cpu(cpu) {
		struct rq *rq = cpu_rq(cpu);

		local_irq_disable();
		rq_lock(rq);
		rq->race_rng = scramble(seed + (u64)cpu) | 1;
		rq->race_last = NULL;
		rq_unlock(rq);
		local_irq_enable();
	}
	WRITE_ONCE(stats.seed, seed);
	WRITE_ONCE(stats.hash, 0);
	WRITE_ONCE(one_in, 2U << (scramble(seed) & 3));
	WRITE_ONCE(next_id, 1);
	p->race_id = 0;
	p->race_yields = false;
	p->race_rng = seed ? scramble(seed) | 1 : 0;
	WRITE_ONCE(race_seeded, 1);
}

void race_init(void)
{
	u64 seed = cmdline_get_u64("race_seed", 0);

	if (seed)
		race_seed(seed);
}

void race_stats(struct race_stats *s) { *s = stats; }

const char *race_action_word(enum race_action action)
{
	static const char *const words[] = {
		[RACE_GO_ON] = "goes-on", [RACE_SWITCH] = "switch", [RACE_MOVE] = "move", [RACE_SPIN] = "spin",
	};

	return action <= RACE_SPIN ? words[action] : "?";
}

const char *race_point_name(enum race_point point) { return point < RACE_NR ? point_names[point] : "?"; }

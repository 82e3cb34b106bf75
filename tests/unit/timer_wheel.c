/*
 * tests/unit/timer_wheel.c - the timer wheel and the tree of exact timers, on two CPUs that take
 * turns, with a clock that the test moves. What random calls do is compared with a list that is
 * searched from end to end.
 */
#include "tests/unit/host.h"

void *memset(void *dst, int c, size_t n);
#include "kernel/lib/rbtree.c"
#undef smp_processor_id
#define smp_processor_id() host_cpu
#undef this_cpu_ptr
#define this_cpu_ptr(p) per_cpu_ptr(p, host_cpu)
static int host_cpu;
#include "kernel/time/timer.c"
#include "kernel/time/hrtimer.c"

enum { MAX_CPUS = 2, NR_TIMERS = 40, LATE_DIVISOR = 8 };

/* --- the machine ------------------------------------------------------------------------------ */
static u64 clock_ns, programmed_ns[MAX_CPUS];
static int softirqs_raised, programs, ticks;
static u64 next_tick_ns;
static struct timer_base second_base;	/* CPU 1's copy of timer_bases */

u64 arch_clock_ns(void) { return clock_ns; }
void arch_timer_program(u64 deadline_ns)
{
	programmed_ns[host_cpu] = deadline_ns;
	programs++;
}
void open_softirq(__unused enum softirq nr, __unused void (*action)(void)) { }
void raise_softirq_irqoff(__unused enum softirq nr) { softirqs_raised++; }
void posix_cpu_timers_tick(void) { }
u64 scheduler_tick(__unused u64 now_ns, __unused bool user)
{
	ticks++;
	return next_tick_ns;
}
void schedule(void) { }
int wake_up_process(__unused struct task_struct *p) { return 1; }

static void boot(u64 at_ns)
{
	clock_ns = at_ns;
	__per_cpu_offset[1] = (unsigned long)&second_base - (unsigned long)&timer_bases;
	tick_next_ns = U64_MAX;
	next_tick_ns = U64_MAX;
	softirqs_raised = 0;
	for (host_cpu = MAX_CPUS - 1; ; host_cpu--) {
		memset(this_cpu_ptr(&timer_bases), 0, sizeof(timer_bases));
		timers_init_cpu(host_cpu);
		programmed_ns[host_cpu] = U64_MAX;
		if (!host_cpu)
			break;
	}
}

/*
 * What the interrupt controller does on this CPU up to @until: interrupts at the programmed times,
 * softirqs after each.
 */
static void run_until(u64 until_ns)
{
	while (programmed_ns[host_cpu] <= until_ns) {
		clock_ns = max(clock_ns, programmed_ns[host_cpu]);
		timer_interrupt(false);
		if (softirqs_raised) {
			softirqs_raised = 0;
			run_timers();
		}
	}
	clock_ns = max(clock_ns, until_ns);
}

/* --- timers that say when they ran ------------------------------------------------------------ */
struct probe { struct timer_list timer; u64 due_ns, ran_ns; int runs; bool armed, early; };
static struct probe probes[NR_TIMERS];
static void probe_fn(struct timer_list *t)
{
	struct probe *p = container_of(t, struct probe, timer);

	p->ran_ns = clock_ns;
	p->runs++;
	p->armed = false;
	p->early |= clock_ns < p->due_ns;
}
static struct probe *probe(int i)
{
	probes[i] = (struct probe){ .runs = 0 };
	timer_setup(&probes[i].timer, probe_fn);
	return &probes[i];
}
static u64 latest(u64 armed_at_ns, u64 due_ns)
{
	return due_ns + (due_ns - armed_at_ns) / LATE_DIVISOR + 2 * TIMER_TICK_NS;
}

TEST(a_timer_runs_at_or_after_its_time_and_late_by_an_eighth_at_most)
{
	static const u64 delays_ns[] = { 1,           999999,       1000000,       1000001,
					 62000000,    63000000,     64000000,      200000000,
					 503000000,   504000000,    1000000000,    4032000000,
					 33000000000, 300000000000, 7200000000000, 86400000000000 };

	for (size_t i = 0; i < ARRAY_SIZE(delays_ns); i++) {
		for (u64 start_ns = 0; start_ns < 3000000000ULL; start_ns += 333333333) {
			boot(start_ns);
			struct probe *p = probe(0);

			mod_timer(&p->timer, start_ns + delays_ns[i]);
			run_until(start_ns + 2 * delays_ns[i] + 10 * TIMER_TICK_NS);
			CHECK_EQ(p->runs, 1);
			CHECK(p->ran_ns >= start_ns + delays_ns[i]);
			CHECK(p->ran_ns <= latest(start_ns, start_ns + delays_ns[i]));
		}
	}
}

TEST(a_timer_in_the_past_runs_at_once)
{
	boot(5 * NSEC_PER_SEC);
	struct probe *p = probe(0);

	mod_timer(&p->timer, 1);
	run_until(clock_ns + 2 * TIMER_TICK_NS);
	CHECK_EQ(p->runs, 1);
}

TEST(a_timer_further_away_than_the_wheel_reaches_is_not_early)
{
	u64 days_ns = 40 * 86400 * NSEC_PER_SEC;

	boot(0);
	struct probe *p = probe(0);

	mod_timer(&p->timer, days_ns);
	run_until(days_ns - 1);
	CHECK_EQ(p->runs, 0);
	run_until(days_ns + days_ns / LATE_DIVISOR);
	CHECK_EQ(p->runs, 1);
	p = probe(1);
	mod_timer(&p->timer, U64_MAX);
	run_until(clock_ns + days_ns);
	CHECK_EQ(p->runs, 0);
	CHECK(del_timer(&p->timer));
}

TEST(rearming_moves_the_time_both_ways)
{
	boot(0);
	struct probe *p = probe(0);

	CHECK(!mod_timer(&p->timer, 500 * NSEC_PER_MSEC));
	CHECK(mod_timer(&p->timer, 10 * NSEC_PER_MSEC));
	run_until(20 * NSEC_PER_MSEC);
	CHECK_EQ(p->runs, 1);
	CHECK(!mod_timer(&p->timer, 30 * NSEC_PER_MSEC));
	CHECK(mod_timer(&p->timer, 300 * NSEC_PER_MSEC));
	run_until(299 * NSEC_PER_MSEC);
	CHECK_EQ(p->runs, 1);
	run_until(400 * NSEC_PER_MSEC);
	CHECK_EQ(p->runs, 2);
}

TEST(rearming_in_the_same_bucket_programs_nothing)
{
	boot(0);
	struct probe *p = probe(0);

	mod_timer(&p->timer, 200 * NSEC_PER_MSEC);
	int before = programs;

	for (u64 t = 0; t < 1000; t++)
		CHECK(mod_timer(&p->timer, 200 * NSEC_PER_MSEC - t));
	CHECK_EQ(programs, before);
	run_until(300 * NSEC_PER_MSEC);
	CHECK_EQ(p->runs, 1);
}

TEST(a_deleted_timer_does_not_run)
{
	boot(0);
	struct probe *p = probe(0);

	CHECK(!del_timer(&p->timer));
	mod_timer(&p->timer, NSEC_PER_MSEC);
	CHECK(timer_pending(&p->timer));
	CHECK(del_timer_sync(&p->timer));
	CHECK(!timer_pending(&p->timer));
	run_until(NSEC_PER_SEC);
	CHECK_EQ(p->runs, 0);
}

static void rearm_fn(struct timer_list *t)
{
	probe_fn(t);
	mod_timer(t, clock_ns + 10 * NSEC_PER_MSEC);
}
TEST(a_function_may_arm_its_own_timer)
{
	boot(0);
	struct probe *p = probe(0);

	p->timer.function = rearm_fn;
	mod_timer(&p->timer, 10 * NSEC_PER_MSEC);
	run_until(1005 * NSEC_PER_MSEC);
	CHECK_EQ(p->runs, 100);
	CHECK(del_timer_sync(&p->timer));
}

static void free_fn(struct timer_list *t) { free(container_of(t, struct probe, timer)); }
TEST(a_function_may_free_its_own_timer)
{
	boot(0);
	for (int i = 0; i < 10; i++) {
		struct probe *p = malloc(sizeof(*p));

		timer_setup(&p->timer, free_fn);
		mod_timer(&p->timer, NSEC_PER_MSEC);
	}
	run_until(NSEC_PER_SEC);
}

static struct probe *victim;
static void delete_victim_fn(struct timer_list *t)
{
	probe_fn(t);
	CHECK(del_timer(&victim->timer));
}
TEST(a_function_may_delete_one_that_is_due_with_it)
{
	boot(0);
	struct probe *a = probe(0), *b = probe(1);

	/* The younger one in a bucket runs first. */
	mod_timer(&a->timer, NSEC_PER_MSEC);
	b->timer.function = delete_victim_fn;
	mod_timer(&b->timer, NSEC_PER_MSEC);
	victim = a;
	run_until(NSEC_PER_SEC);
	CHECK_EQ(b->runs, 1);
	CHECK_EQ(a->runs, 0);
}

static void postpone_victim_fn(struct timer_list *t)
{
	probe_fn(t);
	CHECK(mod_timer(&victim->timer, clock_ns + 63 * NSEC_PER_MSEC));
}
TEST(a_function_may_postpone_one_that_is_due_with_it)
{
	boot(0);
	struct probe *a = probe(0), *b = probe(1);

	mod_timer(&a->timer, NSEC_PER_MSEC);
	b->timer.function = postpone_victim_fn;
	mod_timer(&b->timer, NSEC_PER_MSEC);
	victim = a;
	run_until(63 * NSEC_PER_MSEC);
	CHECK_EQ(a->runs, 0);
	run_until(80 * NSEC_PER_MSEC);
	CHECK_EQ(a->runs, 1);
}

TEST(a_timer_runs_on_the_cpu_that_armed_it)
{
	boot(0);
	struct probe *p = probe(0);

	mod_timer(&p->timer, 100 * NSEC_PER_MSEC);
	host_cpu = 1;
	CHECK(mod_timer(&p->timer, 50 * NSEC_PER_MSEC));
	CHECK_EQ(p->timer.cpu, 1);
	host_cpu = 0;
	run_until(200 * NSEC_PER_MSEC);
	CHECK_EQ(p->runs, 0);
	host_cpu = 1;
	run_until(200 * NSEC_PER_MSEC);
	CHECK_EQ(p->runs, 1);
	host_cpu = 0;
}

static void rearm_from_the_other_cpu_fn(struct timer_list *t)
{
	probe_fn(t);
	host_cpu = 1;
	mod_timer(t, clock_ns + 10 * NSEC_PER_MSEC);
	CHECK_EQ(t->cpu, 0);
	host_cpu = 0;
}
TEST(a_running_timer_stays_where_it_runs)
{
	boot(0);
	struct probe *p = probe(0);

	p->timer.function = rearm_from_the_other_cpu_fn;
	mod_timer(&p->timer, NSEC_PER_MSEC);
	run_until(5 * NSEC_PER_MSEC);
	CHECK_EQ(p->runs, 1);
	p->timer.function = probe_fn;
	/* CPU 0 has seen the new time, though CPU 1 could not program it. */
	run_until(20 * NSEC_PER_MSEC);
	CHECK_EQ(p->runs, 2);
}

/*
 * Arm, re-arm, delete and wait at random; each timer runs exactly as often as it should, and in
 * time.
 */
TEST(random_calls_agree_with_a_list)
{
	static const u64 reach_ns[] = { NSEC_PER_MSEC, 70 * NSEC_PER_MSEC, 700 * NSEC_PER_MSEC,
					5 * NSEC_PER_SEC, 600 * NSEC_PER_SEC };
	u64 armed_at_ns[NR_TIMERS] = { 0 };

	boot(123456789);
	for (int i = 0; i < NR_TIMERS; i++)
		probe(i);
	for (int step = 0; step < 100000; step++) {
		int i = (int)(host_random() % NR_TIMERS);
		struct probe *p = &probes[i];

		switch (host_random() % 8) {
		case 0:
			CHECK_EQ(del_timer(&p->timer), p->armed);
			p->armed = false;
			break;
		case 1: case 2: case 3:
			p->due_ns = clock_ns + host_random() % reach_ns[host_random() % ARRAY_SIZE(reach_ns)];
			armed_at_ns[i] = clock_ns;
			CHECK_EQ(mod_timer(&p->timer, p->due_ns), p->armed);
			p->armed = true;
			break;
		default:
			run_until(clock_ns + host_random() % reach_ns[host_random() % 3]);
		}
		for (i = 0; i < NR_TIMERS; i++) {
			CHECK_EQ(timer_pending(&probes[i].timer), probes[i].armed);
			CHECK(!probes[i].early);
			if (probes[i].armed)
				CHECK(clock_ns <= latest(armed_at_ns[i], probes[i].due_ns));
		}
	}
	for (int i = 0; i < NR_TIMERS; i++)
		del_timer(&probes[i].timer);
	for (int level = 0; level < WHEEL_LEVELS; level++)
		CHECK_EQ(timer_bases.pending[level], 0);
}

/* --- the tree --------------------------------------------------------------------------------- */
struct hprobe { struct hrtimer timer; u64 ran_ns, interval_ns; int runs; };
static enum hrtimer_restart hprobe_fn(struct hrtimer *t)
{
	struct hprobe *p = container_of(t, struct hprobe, timer);

	p->runs++;
	p->ran_ns = clock_ns;
	if (!p->interval_ns)
		return HRTIMER_NORESTART;
	CHECK_EQ(hrtimer_try_to_cancel(t), -1);
	hrtimer_forward(t, clock_ns, p->interval_ns);
	return HRTIMER_RESTART;
}

TEST(an_hrtimer_runs_at_its_nanosecond)
{
	struct hprobe p[3] = { 0 };

	boot(1000);
	for (int i = 0; i < 3; i++)
		hrtimer_init(&p[i].timer, hprobe_fn);
	hrtimer_start(&p[0].timer, 30001);
	hrtimer_start(&p[1].timer, 10001);
	hrtimer_start(&p[2].timer, 20001);
	CHECK_EQ(hrtimer_try_to_cancel(&p[2].timer), 1);
	CHECK_EQ(hrtimer_try_to_cancel(&p[2].timer), 0);
	run_until(1000000);
	CHECK_EQ(p[0].ran_ns, 30001);
	CHECK_EQ(p[1].ran_ns, 10001);
	CHECK_EQ(p[2].runs, 0);
	CHECK_EQ(programmed_ns[0], U64_MAX);
}

TEST(an_hrtimer_that_restarts_keeps_its_rhythm)
{
	struct hprobe p = { .interval_ns = 777 };

	boot(0);
	hrtimer_init(&p.timer, hprobe_fn);
	hrtimer_start(&p.timer, 777);
	run_until(777 * 1000 + 5);
	CHECK_EQ(p.runs, 1000);
	CHECK(hrtimer_cancel(&p.timer));
	run_until(777 * 2000);
	CHECK_EQ(p.runs, 1000);
}

TEST(hrtimer_forward_counts_steps)
{
	struct hrtimer t;

	hrtimer_init(&t, hprobe_fn);
	t.expires_ns = 100;
	CHECK_EQ(hrtimer_forward(&t, 99, 10), 0);
	CHECK_EQ(t.expires_ns, 100);
	CHECK_EQ(hrtimer_forward(&t, 100, 10), 1);
	CHECK_EQ(t.expires_ns, 110);
	CHECK_EQ(hrtimer_forward(&t, 155, 10), 5);
	CHECK_EQ(t.expires_ns, 160);
}

TEST(only_an_earlier_event_is_programmed)
{
	struct hprobe a = { 0 }, b = { 0 };

	boot(0);
	hrtimer_init(&a.timer, hprobe_fn);
	hrtimer_init(&b.timer, hprobe_fn);
	hrtimer_start(&a.timer, 1000);
	int before = programs;

	hrtimer_start(&b.timer, 2000);
	hrtimer_start(&b.timer, 1500);
	hrtimer_cancel(&b.timer);
	CHECK_EQ(programs, before);
	hrtimer_start(&b.timer, 500);
	CHECK_EQ(programs, before + 1);
	hrtimer_cancel(&a.timer);
	hrtimer_cancel(&b.timer);
	run_until(5000);
	CHECK_EQ(a.runs + b.runs, 0);
}

TEST(the_tick_stops_when_the_scheduler_says_so)
{
	boot(0);
	ticks = 0;
	next_tick_ns = U64_MAX;
	tick_start(3 * NSEC_PER_MSEC);
	run_until(NSEC_PER_SEC);
	CHECK_EQ(ticks, 1);
	CHECK_EQ(programmed_ns[0], U64_MAX);
}

TEST(arming_while_another_is_overdue_does_not_pass_over_it)
{
	boot(0);
	struct probe *a = probe(0), *b = probe(1);

	mod_timer(&a->timer, NSEC_PER_MSEC);
	clock_ns = 20 * NSEC_PER_MSEC;	/* interrupts were off for long */
	mod_timer(&b->timer, 30 * NSEC_PER_MSEC);
	run_until(25 * NSEC_PER_MSEC);
	CHECK_EQ(a->runs, 1);
	CHECK_EQ(b->runs, 0);
	run_until(40 * NSEC_PER_MSEC);
	CHECK_EQ(b->runs, 1);
}

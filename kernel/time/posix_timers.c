/*
 * kernel/time/posix_timers.c - timers that programs make: timer_create(2) and its family.
 *
 * Linux:   kernel/time/posix-timers.c (6.1)
 * Same:    a timer's signal is queued at most once; an interval timer is armed again when it is
 * taken, and what it missed
 *          until then is its overrun; an ignored signal does not stop the timer.
 * Differs: 1. ids are given in order from the last one. 2. no timers on CPU-time clocks.
 * Locks:   SIGHAND of the process for its list and all fields; PIDTAB to find the process in an
 *          interrupt.
 * Walk:    timer_settime(2) -> hrtimer_start() ... posix_timer_fn() -> send_sig_info() ...
 *          dequeue_signal() -> timer_signal_taken().
 *
 * queued says that the timer's signal waits. It is set before the signal is sent, for sending takes
 * siglock itself and the
 * signal may be taken at once:
 *
 *   posix_timer_fn()                        dequeue_signal(), with siglock
 *   siglock: queued = true
 *   send_sig_info()
 *                                           timer_signal_taken(): queued = false, armed again
 *   siglock: queued, and the signal is      (if the signal was ignored, nobody takes it)
 *   not pending? it was ignored
 */
#include "kernel/time/posix_timers.h"
#include "kernel/errno.h"
#include "kernel/process.h"
#include "kernel/signal.h"
#include "kernel/slab.h"
#include "kernel/syscall.h"
#include "kernel/task.h"
#include "kernel/timer.h"
#include "kernel/uaccess.h"

enum { SIGEV_SIGNAL = 0, SIGEV_NONE = 1, SIGEV_THREAD = 2, SIGEV_THREAD_ID = 4, TIMER_ABSTIME = 1 };
/* How soon an interval timer whose signal is ignored may interrupt again. */
#define IGNORED_MIN_NS NSEC_PER_MSEC

struct sigevent_abi { u64 sigev_value; s32 sigev_signo, sigev_notify, sigev_tid, pad[11]; };
static_assert(sizeof(struct sigevent_abi) == 64, "ABI");
struct itimerspec64 { struct timespec64 it_interval, it_value; };

struct k_itimer {
	/* immutable after timer_create() */
	int id, clock, notify, sig;
	pid_t tgid, tid;
	u64 value;
	/* siglock */
	struct list_head list;		/* signal->posix_timers, by id */
	struct hrtimer timer;
	u64 interval_ns;
	bool armed;			/* it has been set, and is not a one-shot that has run out */
	bool queued;
	bool deleted;
	int overrun_last;
};

/* --- expiry ----------------------------------------------------------------------------------- */

/* Was the signal that was just sent thrown away? Locks: siglock of @p's process. */
static bool was_ignored(const struct k_itimer *t, const struct task_struct *p)
{
	const struct sigpending *pending = &p->signal->shared_pending;

	if (t->notify & SIGEV_THREAD_ID)
		pending = &p->pending;
	return t->queued && !(pending->signal.sig & sigmask(t->sig));
}

/* The function has run out with siglock held. Return: what it returns. */
static enum hrtimer_restart after_send(struct k_itimer *t, const struct task_struct *p)
{
	if (!was_ignored(t, p))
		return HRTIMER_NORESTART;
	t->queued = false;
	if (!t->interval_ns || t->deleted || hrtimer_active(&t->timer))
		return HRTIMER_NORESTART;
	hrtimer_forward(&t->timer, ktime_get_ns() + IGNORED_MIN_NS, t->interval_ns);
	return HRTIMER_RESTART;
}

static void send_timer_signal(const struct k_itimer *t, struct task_struct *p)
{
	siginfo_t info = { .si_signo = t->sig, .si_code = SI_TIMER };

	info.si_tid = t->id;
	info.si_timer_value = t->value;
	if (t->notify & SIGEV_THREAD_ID)
		send_sig_thread(t->sig, &info, p);
	else
		send_sig_info(t->sig, &info, p);
}

static enum hrtimer_restart posix_timer_fn(struct hrtimer *timer)
{
	struct k_itimer *t = container_of(timer, struct k_itimer, timer);
	enum hrtimer_restart restart = HRTIMER_NORESTART;
	struct task_struct *p = find_get_task(t->notify & SIGEV_THREAD_ID ? t->tid : t->tgid);
	struct sighand_struct *s;
	unsigned long flags;
	bool send;

	if (!p)
		return HRTIMER_NORESTART;
	s = lock_task_sighand(p, &flags);
	send = t->notify != SIGEV_NONE && !t->deleted && !t->queued;
	t->queued |= send;
	t->armed = t->interval_ns != 0;
	spin_unlock_irqrestore(&s->siglock, flags);
	if (send) {
		send_timer_signal(t, p);
		s = lock_task_sighand(p, &flags);
		restart = after_send(t, p);
		spin_unlock_irqrestore(&s->siglock, flags);
	}
	put_task_struct(p);
	return restart;
}

static struct k_itimer *find_timer_locked(int id)
{
	struct k_itimer *t;

	assert_held(&current->sighand->siglock);
	list_for_each_entry(t, &current->signal->posix_timers, list)
		if (t->id == id)
			return t;
	return NULL;
}

void timer_signal_taken(int sig, siginfo_t *info)
{
	struct k_itimer *t;
	u64 steps;

	if (sig == SIGALRM)
		itimer_signal_taken();
	if (info->si_code != SI_TIMER)
		return;
	t = find_timer_locked(info->si_tid);
	if (!t || !t->queued || t->sig != sig)
		return;
	t->queued = false;
	t->overrun_last = 0;
	if (t->interval_ns && t->armed && !hrtimer_active(&t->timer)) {
		steps = hrtimer_forward(&t->timer, ktime_get_ns(), t->interval_ns);
		t->overrun_last = (int)min(steps ? steps - 1 : 0, (u64)S32_MAX);
		hrtimer_start(&t->timer, t->timer.expires_ns);
	}
	info->si_overrun = t->overrun_last;
}

/* --- making and deleting ---------------------------------------------------------------------- */

static int check_sigevent(const struct sigevent_abi *ev)
{
	struct task_struct *p;
	bool mine;

	switch (ev->sigev_notify) {
	case SIGEV_SIGNAL | SIGEV_THREAD_ID:
		p = find_get_task(ev->sigev_tid);
		mine = p && p->signal == current->signal;
		if (p)
			put_task_struct(p);
		if (!mine)
			return -EINVAL;
		fallthrough;
	case SIGEV_SIGNAL:
	case SIGEV_THREAD:
		return ev->sigev_signo > 0 && ev->sigev_signo <= SIGRTMAX ? 0 : -EINVAL;
	case SIGEV_NONE:
		return 0;
	default:
		return -EINVAL;
	}
}

/*
 * Put @t on the list under a new id. Return: 0, or -EAGAIN when the process has as many as it may.
 */
static int link_timer(struct k_itimer *t, bool value_is_id)
{
	struct list_head *timers = &current->signal->posix_timers;
	const struct k_itimer *other;
	u64 n = 0;
	int err = 0;

	spin_lock_irq(&current->sighand->siglock);
	list_for_each_entry(other, timers, list) {
		t->id = other->id + 1;
		n++;
	}
	if (n >= current->signal->rlim[RLIMIT_SIGPENDING].rlim_cur || t->id == S32_MAX)
		err = -EAGAIN;
	else
		list_add_tail(&t->list, timers);
	if (value_is_id)
		t->value = (u64)t->id;
	spin_unlock_irq(&current->sighand->siglock);
	return err;
}

/* @t is off the list. Its function may be running, and want siglock, which is not held. */
static void free_timer(struct k_itimer *t)
{
	hrtimer_cancel(&t->timer);
	kfree(t);
}

static struct k_itimer *take_timer(int id)
{
	struct k_itimer *t;

	spin_lock_irq(&current->sighand->siglock);
	t = find_timer_locked(id);
	if (t) {
		list_del(&t->list);
		t->deleted = true;
	}
	spin_unlock_irq(&current->sighand->siglock);
	return t;
}

SYSCALL_DEFINE3(timer_create, int, clock, uptr, event, uptr, created_id)
{
	struct sigevent_abi ev = { .sigev_signo = SIGALRM, .sigev_notify = SIGEV_SIGNAL };
	struct k_itimer *t;
	int err;

	if (!uptr_is_null(event) && copy_from_user(&ev, event, sizeof(ev)))
		return -EFAULT;
	err = clock_can_expire(clock);
	if (err)
		return err;
	err = check_sigevent(&ev);
	if (err)
		return err;
	t = kzalloc(sizeof(*t), GFP_KERNEL);
	if (!t)
		return -EAGAIN;
	t->clock = clock;
	t->notify = ev.sigev_notify;
	t->sig = ev.sigev_signo;
	t->tid = ev.sigev_tid;
	t->tgid = current->tgid;
	t->value = ev.sigev_value;
	hrtimer_init(&t->timer, posix_timer_fn);
	err = link_timer(t, uptr_is_null(event));
	if (err) {
		kfree(t);
		return err;
	}
	/* From here on another thread may delete it. */
	int id = t->id;

	if (!put_user(id, created_id))
		return 0;
	t = take_timer(id);
	if (t)
		free_timer(t);
	return -EFAULT;
}

SYSCALL_DEFINE1(timer_delete, int, id)
{
	struct k_itimer *t = take_timer(id);

	if (!t)
		return -EINVAL;
	free_timer(t);
	return 0;
}

void exit_itimers(struct signal_struct *sig)
{
	struct k_itimer *t;

	for (;;) {
		spin_lock_irq(&current->sighand->siglock);
		t = list_first_entry_or_null(&sig->posix_timers, struct k_itimer, list);
		if (t) {
			list_del(&t->list);
			t->deleted = true;
		}
		spin_unlock_irq(&current->sighand->siglock);
		if (!t)
			return;
		free_timer(t);
	}
}

/* --- reading and setting ---------------------------------------------------------------------- */

/*
 * Locks: siglock held. Until the signal of an interval timer is taken, it is not armed, but shows
 * when it would run out next.
 */
static struct itimerspec64 timer_left(const struct k_itimer *t)
{
	u64 now_ns = ktime_get_ns(), left_ns, steps;

	if (!t->armed)
		return (struct itimerspec64){ .it_interval = ns_to_timespec64(t->interval_ns) };
	left_ns = t->timer.expires_ns > now_ns ? t->timer.expires_ns - now_ns : 0;
	if (!left_ns && t->interval_ns && !hrtimer_active(&t->timer)) {
		steps = (now_ns - t->timer.expires_ns) / t->interval_ns + 1;
		left_ns = t->timer.expires_ns + steps * t->interval_ns - now_ns;
	}
	/* Due, but its interrupt has not come yet: not disarmed. */
	if (!left_ns && t->notify != SIGEV_NONE)
		left_ns = 1;
	return (struct itimerspec64){ ns_to_timespec64(t->interval_ns), ns_to_timespec64(left_ns) };
}

static u64 expiry_ns(const struct k_itimer *t, u64 value_ns, int flags)
{
	u64 now_ns = ktime_get_ns();

	if (flags & TIMER_ABSTIME)
		return clock_to_monotonic(t->clock, value_ns);
	return now_ns + min(value_ns, U64_MAX - now_ns);
}

static int set_timer(int id, int flags, const struct itimerspec64 *new, struct itimerspec64 *old)
{
	u64 value_ns = timespec64_to_ns(&new->it_value);
	struct k_itimer *t;

	for (;;) {
		spin_lock_irq(&current->sighand->siglock);
		t = find_timer_locked(id);
		if (!t || hrtimer_try_to_cancel(&t->timer) >= 0)
			break;
		spin_unlock_irq(&current->sighand->siglock);
		cpu_relax();
	}
	if (t) {
		*old = timer_left(t);
		/* A signal that still waits is of the old setting: it arms nothing. */
		t->queued = false;
		t->overrun_last = 0;
		t->armed = value_ns != 0;
		t->interval_ns = timespec64_to_ns(&new->it_interval);
		if (value_ns)
			hrtimer_start(&t->timer, expiry_ns(t, value_ns, flags));
	}
	spin_unlock_irq(&current->sighand->siglock);
	return t ? 0 : -EINVAL;
}

SYSCALL_DEFINE4(timer_settime, int, id, int, flags, uptr, unew, uptr, uold)
{
	struct itimerspec64 new, old;
	int err;

	if (uptr_is_null(unew))
		return -EINVAL;
	if (copy_from_user(&new, unew, sizeof(new)))
		return -EFAULT;
	if (!timespec64_valid(&new.it_interval) || !timespec64_valid(&new.it_value))
		return -EINVAL;
	err = set_timer(id, flags, &new, &old);
	if (!err && !uptr_is_null(uold) && copy_to_user(uold, &old, sizeof(old)))
		err = -EFAULT;
	return err;
}

SYSCALL_DEFINE2(timer_gettime, int, id, uptr, setting)
{
	struct itimerspec64 left = { { 0, 0 }, { 0, 0 } };
	const struct k_itimer *t;

	spin_lock_irq(&current->sighand->siglock);
	t = find_timer_locked(id);
	if (t)
		left = timer_left(t);
	spin_unlock_irq(&current->sighand->siglock);
	if (!t)
		return -EINVAL;
	return copy_to_user(setting, &left, sizeof(left)) ? -EFAULT : 0;
}

SYSCALL_DEFINE1(timer_getoverrun, int, id)
{
	const struct k_itimer *t;
	int overrun;

	spin_lock_irq(&current->sighand->siglock);
	t = find_timer_locked(id);
	overrun = t ? t->overrun_last : -EINVAL;
	spin_unlock_irq(&current->sighand->siglock);
	return overrun;
}

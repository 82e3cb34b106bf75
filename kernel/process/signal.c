/*
 * kernel/process/signal.c - sending signals, and keeping them until somebody takes them.
 *
 * Linux:   kernel/signal.c (6.1)
 * Same:    a queue per thread and one per process; standard signals are kept once, real-time ones as often as
 *          they are sent; a signal to a process goes to a thread that does not block it; SIGCONT and the stop
 *          signals cancel each other when sent, not when delivered; a fatal one marks all threads at once.
 * Differs: 1. RLIMIT_SIGPENDING is counted per process, not per user.
 *          2. no core dumps, no tracers, no signals from other pid namespaces.
 *          3. a sighand that execve() replaced is freed once every CPU has had its interrupts on: no RCU.
 * Locks:   SIGHAND; PIDTAB for groups of processes; WAITQ inside.
 * Walk:    kill(2) -> send_sig_info() -> send_signal_locked() -> complete_signal() -> signal_wake_up();
 *          exit_to_user_mode() -> do_signal() -> get_signal() -> dequeue_signal().
 *
 * TIF_SIGPENDING is the one flag that says "look for signals": it is set by whoever makes one deliverable, and
 * recalc_sigpending(), by the task itself, is the only thing that clears it.
 */
#include "fs/poll.h"
#include "kernel/process/internal.h"
#include "kernel/slab.h"
#include "kernel/trace.h"

struct sigqueue {
	struct list_head list;		/* siglock */
	struct signal_struct *owner;	/* whose nr_queued counts it */
	siginfo_t info;
};

/* Faults come first: their handlers see the state that caused them. */
#define SYNCHRONOUS (sigmask(SIGSEGV) | sigmask(SIGBUS) | sigmask(SIGILL) | sigmask(SIGTRAP) |	\
		     sigmask(SIGFPE) | sigmask(SIGSYS))

static struct kmem_cache *sigqueue_cache;

/*
 *   sender                          execve() of another thread of p
 *   irqs off
 *   s = p->sighand
 *                                   p->sighand = new (under s->siglock)
 *   lock s: still memory, since the other side waits for this CPU's irqs before it frees
 *   p->sighand != s: try again
 */
struct sighand_struct *lock_task_sighand(struct task_struct *p, unsigned long *flags)
{
	local_irq_save(*flags);
	for (;;) {
		struct sighand_struct *s = READ_ONCE(p->sighand);

		spin_lock(&s->siglock);
		if (likely(s == p->sighand))
			return s;
		spin_unlock(&s->siglock);
	}
}

static void free_sigqueue(struct sigqueue *q)
{
	q->owner->nr_queued--;
	kmem_cache_free(sigqueue_cache, q);
}

void flush_sigqueue(struct sigpending *pending)
{
	while (!list_empty(&pending->list)) {
		struct sigqueue *q = list_first_entry(&pending->list, struct sigqueue, list);

		list_del(&q->list);
		free_sigqueue(q);
	}
	pending->signal.sig = 0;
}

void flush_sigqueue_mask(sigset_t mask, struct sigpending *s)
{
	struct sigqueue *q, *next;

	if (!(s->signal.sig & mask.sig))
		return;
	s->signal.sig &= ~mask.sig;
	list_for_each_entry_safe(q, next, &s->list, list) {
		if (!(sigmask(q->info.si_signo) & mask.sig))
			continue;
		list_del(&q->list);
		free_sigqueue(q);
	}
}

void init_user_siginfo(siginfo_t *info, int sig, int code)
{
	clear_siginfo(info);
	info->si_signo = sig;
	info->si_code = code;
	info->si_pid = current->tgid;
	info->si_uid = current->cred.uid;
}

/* --- blocked and pending ------------------------------------------------------------------------------------- */

static bool has_deliverable(const struct task_struct *t)
{
	u64 pending = t->pending.signal.sig | t->signal->shared_pending.signal.sig;

	return (pending & ~t->blocked.sig) || t->stop_pending;
}

void recalc_sigpending(void)
{
	assert_held(&current->sighand->siglock);
	if (has_deliverable(current))
		set_bit(TIF_SIGPENDING, &current->tif);
	else if (signal_pending(current))
		clear_bit(TIF_SIGPENDING, &current->tif);
}

void signal_wake_up(struct task_struct *t, bool fatal)
{
	unsigned int state = TASK_INTERRUPTIBLE | (fatal ? TASK_WAKEKILL : 0);

	set_bit(TIF_SIGPENDING, &t->tif);
	if (t != current && !wake_up_state(t, state))
		kick_process(t);
}

/* Signals of the process that current was to take and now will not: tell other threads that could. */
static void retarget_shared_pending(sigset_t which)
{
	u64 left = current->signal->shared_pending.signal.sig & which.sig;
	struct task_struct *t;

	if (!left)
		return;
	for_each_thread_locked(t, current) {
		if (t == current || t->flags & PF_EXITING || !(left & ~t->blocked.sig))
			continue;
		left &= t->blocked.sig;
		if (!signal_pending(t))
			signal_wake_up(t, false);
		if (!left)
			break;
	}
}

void set_current_blocked_locked(sigset_t set)
{
	assert_held(&current->sighand->siglock);
	if (signal_pending(current) && !thread_group_empty(current))
		retarget_shared_pending((sigset_t){ set.sig & ~current->blocked.sig });
	current->blocked = set;
	recalc_sigpending();
}

void set_current_blocked(sigset_t set)
{
	set.sig &= ~SIG_KERNEL_ONLY;
	if (set.sig == current->blocked.sig)
		return;
	spin_lock_irq(&current->sighand->siglock);
	set_current_blocked_locked(set);
	spin_unlock_irq(&current->sighand->siglock);
}

/* The first entry of @sig into @info; the bit is cleared if it was the only one. */
static void collect_signal(int sig, struct sigpending *pending, siginfo_t *info)
{
	struct sigqueue *q, *first = NULL;

	list_for_each_entry(q, &pending->list, list) {
		if (q->info.si_signo != sig)
			continue;
		if (first)
			goto more_wait;
		first = q;
	}
	pending->signal.sig &= ~sigmask(sig);
more_wait:
	if (first) {
		copy_siginfo(info, &first->info);
		list_del(&first->list);
		free_sigqueue(first);
	} else {
		/* There was no memory for an entry, or it is SIGKILL. */
		clear_siginfo(info);
		info->si_signo = sig;
	}
}

static int take_signal(struct sigpending *pending, sigset_t mask, siginfo_t *info)
{
	u64 set = pending->signal.sig & mask.sig;
	int sig;

	if (!set)
		return 0;
	if (set & SYNCHRONOUS)
		set &= SYNCHRONOUS;
	sig = __builtin_ctzll(set) + 1;
	collect_signal(sig, pending, info);
	return sig;
}

int dequeue_signal(sigset_t mask, siginfo_t *info)
{
	int sig;

	assert_held(&current->sighand->siglock);
	sig = take_signal(&current->pending, mask, info);
	if (!sig)
		sig = take_signal(&current->signal->shared_pending, mask, info);
	recalc_sigpending();
	if (sig == SIGALRM || (sig && info->si_code == SI_TIMER))
		timer_signal_taken(sig, info);
	if (sig && (sigmask(sig) & SIG_KERNEL_STOP))
		current->stop_dequeued = true;
	return sig;
}

/* --- sending ------------------------------------------------------------------------------------------------- */

/* Would the signal do nothing? One that is blocked is kept: its action may have changed when it is unblocked. */
static bool sig_ignored(const struct task_struct *t, int sig, bool force)
{
	u64 handler;

	if ((t->blocked.sig | t->real_blocked.sig) & sigmask(sig))
		return false;
	handler = sighand_action(t->sighand, sig)->sa_handler;
	if (t->flags & PF_KTHREAD)
		return true;
	if (t->signal->unkillable && handler == SIG_DFL && !(force && (sigmask(sig) & SIG_KERNEL_ONLY)))
		return true;
	return handler == SIG_IGN || (handler == SIG_DFL && (sigmask(sig) & SIG_KERNEL_IGNORE));
}

static void discard_from_all(struct task_struct *p, sigset_t mask)
{
	struct task_struct *t;

	flush_sigqueue_mask(mask, &p->signal->shared_pending);
	for_each_thread_locked(t, p)
		flush_sigqueue_mask(mask, &t->pending);
}

/* SIGCONT: the process runs again at once, even if the signal is blocked or ignored. */
static void continue_process(struct task_struct *p)
{
	struct signal_struct *sig = p->signal;
	struct task_struct *t;
	u32 why = 0;

	for_each_thread_locked(t, p) {
		t->stop_pending = t->stop_dequeued = false;
		wake_up_state(t, TASK_STOPPED);
	}
	if (sig->stop_flags & SIGNAL_STOP_STOPPED)
		why = SIGNAL_CLD_CONTINUED;
	else if (sig->group_stop_count)
		why = SIGNAL_CLD_STOPPED; /* it was stopping: tell of the stop, then of going on */
	if (!why)
		return;
	/* The first thread that gets to get_signal() tells the parent. */
	sig->stop_flags = why | SIGNAL_STOP_CONTINUED;
	sig->group_stop_count = 0;
	sig->group_exit_code = 0;
}

/* What happens the moment a signal is sent. Return: false if it need not be queued. */
static bool prepare_signal(int sig, struct task_struct *p, bool force)
{
	if (p->signal->group_exit)
		return false;
	if (sigmask(sig) & SIG_KERNEL_STOP) {
		discard_from_all(p, (sigset_t){ sigmask(SIGCONT) });
	} else if (sig == SIGCONT) {
		discard_from_all(p, (sigset_t){ SIG_KERNEL_STOP });
		continue_process(p);
	}
	return !sig_ignored(p, sig, force);
}

/* Should @t be the one to take @sig? */
static bool wants_signal(int sig, const struct task_struct *t)
{
	if (t->blocked.sig & sigmask(sig) || t->flags & PF_EXITING)
		return false;
	if (sig == SIGKILL)
		return true;
	if (READ_ONCE(t->__state) & TASK_STOPPED)
		return false;
	return READ_ONCE(t->on_cpu) || !signal_pending(t);
}

static bool sig_fatal(const struct task_struct *p, int sig)
{
	return !(sigmask(sig) & (SIG_KERNEL_IGNORE | SIG_KERNEL_STOP)) &&
	       sighand_action(p->sighand, sig)->sa_handler == SIG_DFL;
}

static void kill_all_threads(struct task_struct *p, int sig)
{
	struct task_struct *t;

	p->signal->group_exit = true;
	p->signal->group_exit_code = sig;
	p->signal->group_stop_count = 0;
	p->signal->stop_flags = 0;
	for_each_thread_locked(t, p) {
		t->stop_pending = false;
		t->pending.signal.sig |= sigmask(SIGKILL);
		signal_wake_up(t, true);
	}
}

static struct task_struct *choose_thread(int sig, struct task_struct *p, bool group)
{
	struct task_struct *t;

	if (wants_signal(sig, p))
		return p;
	if (!group || thread_group_empty(p))
		return NULL;
	for_each_thread_locked(t, p)
		if (wants_signal(sig, t))
			return t;
	return NULL;
}

static void complete_signal(int sig, struct task_struct *p, bool group)
{
	struct task_struct *t = choose_thread(sig, p, group);

	if (!t)
		return; /* whoever unblocks it will find it */
	/* No handler, nothing to save first: end all threads now, so that none runs on until this one gets to it. */
	if (sig_fatal(p, sig) && !p->signal->group_exit && !(t->real_blocked.sig & sigmask(sig))) {
		kill_all_threads(p, sig);
		return;
	}
	signal_wake_up(t, sig == SIGKILL);
}

/* Return: the entry, or NULL: no memory, or the process has too many. */
static struct sigqueue *alloc_sigqueue(struct signal_struct *owner, bool over_limit)
{
	struct sigqueue *q;

	if (!over_limit && (u64)owner->nr_queued >= owner->rlim[RLIMIT_SIGPENDING].rlim_cur)
		return NULL;
	q = kmem_cache_alloc(sigqueue_cache, GFP_ATOMIC);
	if (!q)
		return NULL;
	q->owner = owner;
	owner->nr_queued++;
	return q;
}

static int queue_signal(int sig, const siginfo_t *info, struct task_struct *p, struct sigpending *pending)
{
	bool by_kernel = !info || info->si_code >= 0;
	struct sigqueue *q = alloc_sigqueue(p->signal, sig < SIGRTMIN && by_kernel);

	if (!q) {
		/* A real-time signal is its data. A standard one is known by its number. */
		return sig >= SIGRTMIN && info && info->si_code != SI_USER ? -EAGAIN : 0;
	}
	if (info) {
		copy_siginfo(&q->info, info);
	} else {
		clear_siginfo(&q->info);
		q->info.si_code = SI_KERNEL;
	}
	q->info.si_signo = sig;
	list_add_tail(&q->list, &pending->list);
	return 0;
}

static int __send_signal_locked(int sig, const siginfo_t *info, struct task_struct *p, bool group, bool force)
{
	struct sigpending *pending = group ? &p->signal->shared_pending : &p->pending;
	int err;

	assert_held(&p->sighand->siglock);
	trace(signal_generate, sig, p->pid);
	if (!prepare_signal(sig, p, force))
		return 0;
	if (sig < SIGRTMIN && pending->signal.sig & sigmask(sig))
		return 0; /* one is kept already */
	if (sig != SIGKILL) {
		err = queue_signal(sig, info, p, pending);
		if (err)
			return err;
	}
	pending->signal.sig |= sigmask(sig);
	/* A poller is on the queue before it looks at the sets under siglock: no barrier is needed to see it. */
	if (waitqueue_active(&p->signal->signalfd_wqh))
		wake_up_poll(&p->signal->signalfd_wqh, EPOLLIN);
	complete_signal(sig, p, group);
	return 0;
}

int send_signal_locked(int sig, const siginfo_t *info, struct task_struct *p, bool group)
{
	return __send_signal_locked(sig, info, p, group, false);
}

static int send_to(int sig, const siginfo_t *info, struct task_struct *p, bool group)
{
	int err = -ESRCH;
	unsigned long flags;
	struct sighand_struct *s = lock_task_sighand(p, &flags);

	if (p->signal->nr_threads)
		err = send_signal_locked(sig, info, p, group);
	spin_unlock_irqrestore(&s->siglock, flags);
	return err;
}

int send_sig_info(int sig, const siginfo_t *info, struct task_struct *p) { return send_to(sig, info, p, true); }
int send_sig_thread(int sig, const siginfo_t *info, struct task_struct *p) { return send_to(sig, info, p, false); }

int send_sig(int sig, struct task_struct *p)
{
	siginfo_t info;

	init_user_siginfo(&info, sig, SI_USER);
	return send_sig_info(sig, &info, p);
}

/* A signal that current has brought upon itself. To block or ignore it does not help: then it kills. */
static void force_info(const siginfo_t *info, bool always_kill)
{
	static const struct sigaction_k by_default;
	int sig = info->si_signo;
	struct sighand_struct *s = current->sighand;
	unsigned long flags;
	bool blocked, ignored;

	spin_lock_irqsave(&s->siglock, flags);
	blocked = current->blocked.sig & sigmask(sig);
	ignored = sighand_action(s, sig)->sa_handler == SIG_IGN;
	if (blocked || ignored || always_kill) {
		set_action_locked(s, sig, &by_default);
		if (blocked) {
			current->blocked.sig &= ~sigmask(sig);
			recalc_sigpending();
		}
	}
	if (sighand_action(s, sig)->sa_handler == SIG_DFL)
		current->signal->unkillable = false;
	__send_signal_locked(sig, info, current, false, true);
	spin_unlock_irqrestore(&s->siglock, flags);
}

void force_sig_fault(int sig, int code, u64 addr)
{
	siginfo_t info;

	clear_siginfo(&info);
	info.si_signo = sig;
	info.si_code = code;
	info.si_addr = addr;
	force_info(&info, false);
}

void force_sig(int sig)
{
	siginfo_t info;

	clear_siginfo(&info);
	info.si_signo = sig;
	info.si_code = SI_KERNEL;
	force_info(&info, false);
}

void force_fatal_sig(int sig)
{
	siginfo_t info;

	clear_siginfo(&info);
	info.si_signo = sig;
	info.si_code = SI_KERNEL;
	force_info(&info, true);
}

int kill_pgrp_locked(pid_t pgrp, int sig)
{
	struct task_struct *p;
	int err = -ESRCH;

	assert_held(&pidtab_lock);
	list_for_each_entry(p, &init_task.tasks, tasks)
		if (p->signal->pgrp == pgrp && !send_sig_info(sig, NULL, p))
			err = 0;
	return err;
}

int kill_pgrp(pid_t pgrp, int sig)
{
	unsigned long flags;
	int err;

	spin_lock_irqsave(&pidtab_lock, flags);
	err = kill_pgrp_locked(pgrp, sig);
	spin_unlock_irqrestore(&pidtab_lock, flags);
	return err;
}

/* --- actions ------------------------------------------------------------------------------------------------- */

void set_action_locked(struct sighand_struct *s, int sig, const struct sigaction_k *act)
{
	const u64 bit = sigmask(sig);

	s->installed.sig |= bit;
	s->ignored.sig &= ~bit;
	s->action[sig - 1] = *act;
	if (act->sa_handler == SIG_IGN)
		s->ignored.sig |= bit;
	if (act->sa_handler == SIG_DFL && !act->sa_flags && !act->sa_mask.sig && !act->sa_restorer)
		s->installed.sig &= ~bit;
}

/* Of the actions only "ignore" outlives an execve(). */
void flush_signal_handlers(struct task_struct *p)
{
	struct sighand_struct *s = p->sighand;

	s->installed = s->ignored;
	for (u64 set = s->installed.sig; set; set &= set - 1)
		s->action[__builtin_ctzll(set)] = (struct sigaction_k){ .sa_handler = SIG_IGN };
}

void signal_masks(struct task_struct *p, struct signal_masks *m)
{
	unsigned long flags;
	struct sighand_struct *s = lock_task_sighand(p, &flags);

	m->pending = p->pending.signal;
	m->shared_pending = p->signal->shared_pending.signal;
	m->blocked = p->blocked;
	m->ignored = s->ignored;
	m->caught.sig = 0;
	for (u64 set = s->installed.sig & ~s->ignored.sig; set; set &= set - 1) {
		int sig = __builtin_ctzll(set) + 1;

		if (s->action[sig - 1].sa_handler != SIG_DFL)
			m->caught.sig |= sigmask(sig);
	}
	spin_unlock_irqrestore(&s->siglock, flags);
}

/* --- the end of a process, and its parent -------------------------------------------------------------------- */

int zap_other_threads(void)
{
	struct task_struct *t;
	int count = 0;

	assert_held(&current->sighand->siglock);
	current->signal->group_stop_count = 0;
	current->stop_pending = false;
	for_each_thread_locked(t, current) {
		if (t == current)
			continue;
		t->stop_pending = false;
		count++;
		/* One that has ended needs no waking, but is waited for until it is released. */
		if (t->exit_state)
			continue;
		t->pending.signal.sig |= sigmask(SIGKILL);
		signal_wake_up(t, true);
	}
	return count;
}

void wake_up_parent_locked(struct task_struct *parent)
{
	wait_queue_head_t *wq = &parent->signal->wait_chldexit;

	/* A waiter is on the queue before it takes pidtab_lock to look at its children. */
	if (waitqueue_active(wq))
		__wake_up_sync_key(wq, TASK_INTERRUPTIBLE, NULL);
}

static void fill_child_info(siginfo_t *info, struct task_struct *p)
{
	struct task_usage u;

	clear_siginfo(info);
	info->si_signo = SIGCHLD;
	info->si_pid = p->tgid;
	info->si_uid = p->cred.uid;
	process_usage(p, &u);
	info->si_utime = ns_to_clock_t(u.utime_ns);
	info->si_stime = ns_to_clock_t(u.stime_ns);
}

bool do_notify_parent_locked(struct task_struct *p, int sig)
{
	struct task_struct *parent = p->real_parent;
	struct sighand_struct *s;
	const struct sigaction_k *act;
	bool autoreap = false;
	siginfo_t info;
	unsigned long flags;

	assert_held(&pidtab_lock);
	s = lock_task_sighand(parent, &flags);
	act = sighand_action(s, SIGCHLD);
	if (sig == SIGCHLD && (act->sa_handler == SIG_IGN || (act->sa_flags & SA_NOCLDWAIT))) {
		/*
		 * POSIX: children that nobody wants leave no zombies. SA_NOCLDWAIT with a handler still gets the
		 * signal.
		 */
		autoreap = true;
		if (act->sa_handler == SIG_IGN)
			sig = 0;
	}
	if (sig > 0 && valid_signal((u64)sig) && !sig_ignored(parent, sig, false)) {
		fill_child_info(&info, p);
		info.si_signo = sig;
		info.si_code = p->exit_code & 0x7f ? CLD_KILLED : CLD_EXITED;
		info.si_status = p->exit_code & 0x7f ? p->exit_code & 0x7f : p->exit_code >> 8;
		send_signal_locked(sig, &info, parent, true);
	}
	spin_unlock_irqrestore(&s->siglock, flags);
	wake_up_parent_locked(parent);
	/* A poller is on the queue before it takes pidtab_lock to look. */
	if (waitqueue_active(&p->signal->wait_pidfd))
		wake_up_all(&p->signal->wait_pidfd);
	return autoreap;
}

/*
 * exit_signals - a stop may have waited only for this thread. Locks: siglock held. Return: true if the parent is to
 * be told.
 */
static bool leave_group_stop(void)
{
	struct signal_struct *sig = current->signal;

	if (!current->stop_pending)
		return false;
	current->stop_pending = false;
	if (!sig->group_stop_count || --sig->group_stop_count)
		return false;
	sig->stop_flags = SIGNAL_STOP_STOPPED;
	return true;
}

void notify_parent_cldstop(int why)
{
	struct task_struct *leader, *parent;
	struct sighand_struct *s;
	siginfo_t info;

	spin_lock_irq(&pidtab_lock);
	leader = current->group_leader;
	parent = leader->real_parent;
	fill_child_info(&info, leader);
	info.si_code = why;
	info.si_status = why == CLD_CONTINUED ? SIGCONT : current->signal->group_exit_code & 0x7f;
	s = parent->sighand;
	spin_lock(&s->siglock);
	const struct sigaction_k *act = sighand_action(s, SIGCHLD);

	if (act->sa_handler != SIG_IGN && !(act->sa_flags & SA_NOCLDSTOP))
		send_signal_locked(SIGCHLD, &info, parent, true);
	spin_unlock(&s->siglock);
	wake_up_parent_locked(parent);
	spin_unlock_irq(&pidtab_lock);
}

void exit_signals(void)
{
	bool stopped;

	spin_lock_irq(&current->sighand->siglock);
	current->flags |= PF_EXITING;
	if (!thread_group_empty(current) && !current->signal->group_exit && signal_pending(current))
		retarget_shared_pending((sigset_t){ ~current->blocked.sig });
	stopped = leave_group_stop();
	spin_unlock_irq(&current->sighand->siglock);
	if (stopped)
		notify_parent_cldstop(CLD_STOPPED);
}

void signal_init(void)
{
	sigqueue_cache = kmem_cache_create("sigqueue", sizeof(struct sigqueue), 0);
}

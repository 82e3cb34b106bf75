/*
 * net/ipv4/inet_timewait_sock.c - the small record that stands for a connection in TIME_WAIT.
 *
 * Linux:   net/ipv4/inet_timewait_sock.c (6.1)
 * Same:    it takes the sock's place in ehash and in the bind table in one step, has a timer of its own and its
 *          own cache.
 * Differs: 1. it has a lock, because its bucket's lock is not held while a segment for it is processed.
 * Locks:   EHASH, BHASH.
 * Walk:    tcp_time_wait() -> inet_twsk_alloc() -> inet_twsk_hashdance().
 */
#include "net/ipv4/tcp.h"

static struct kmem_cache *twsk_cachep;
atomic_t inet_tw_count = ATOMIC_INIT(0);

void inet_twsk_init(void)
{
	twsk_cachep = kmem_cache_create("tw_sock_TCP", sizeof(struct inet_timewait_sock), 0);
}

void inet_twsk_put(struct inet_timewait_sock *tw)
{
	if (!refcount_dec_and_test(&tw->common.skc_refcnt))
		return;
	atomic_dec(&inet_tw_count);
	kmem_cache_free(twsk_cachep, tw);
}

/* Out of ehash, if still there: the table's reference goes with it. */
static void inet_twsk_unhash(struct inet_timewait_sock *tw)
{
	struct inet_ehash_bucket *head = inet_ehash_bucket(tw->common.skc_hash);
	bool was_hashed;

	spin_lock_bh(&head->lock);
	was_hashed = !hlist_unhashed(&tw->common.skc_node);
	hlist_del_init(&tw->common.skc_node);
	spin_unlock_bh(&head->lock);
	if (was_hashed)
		inet_twsk_put(tw);
}

static void inet_twsk_kill(struct inet_timewait_sock *tw)
{
	inet_twsk_unhash(tw);
	if (tw->common.icsk_bind_hash)
		inet_put_port((struct sock *)tw);
}

static void tw_timer_handler(struct timer_list *timer)
{
	struct inet_timewait_sock *tw = container_of(timer, struct inet_timewait_sock, tw_timer);

	inet_twsk_kill(tw);
	inet_twsk_put(tw);
}

void inet_twsk_deschedule_put(struct inet_timewait_sock *tw)
{
	if (del_timer(&tw->tw_timer))
		inet_twsk_put(tw);
	inet_twsk_kill(tw);
	inet_twsk_put(tw);
}

void inet_twsk_schedule(struct inet_timewait_sock *tw, u64 timeo_ns)
{
	/*
	 * An armed timer holds a reference. If it has just run, the record is out of the tables and ends once
	 * more, later.
	 */
	if (!mod_timer(&tw->tw_timer, ktime_get_ns() + timeo_ns))
		refcount_inc(&tw->common.skc_refcnt);
}

struct inet_timewait_sock *inet_twsk_alloc(const struct sock *sk, u8 substate)
{
	struct inet_timewait_sock *tw;

	if (atomic_read(&inet_tw_count) >= tcp_sysctl.max_tw_buckets)
		return NULL;
	tw = kmem_cache_zalloc(twsk_cachep, GFP_ATOMIC);
	if (!tw)
		return NULL;
	tw->common.skc_daddr = sk->sk_daddr;
	tw->common.skc_rcv_saddr = sk->sk_rcv_saddr;
	tw->common.skc_dport = sk->sk_dport;
	tw->common.skc_num = sk->sk_num;
	tw->common.skc_family = sk->sk_family;
	tw->common.skc_reuse = sk->sk_reuse;
	tw->common.skc_reuseport = sk->sk_reuseport;
	tw->common.skc_bound_dev_if = sk->sk_bound_dev_if;
	tw->common.skc_state = TCP_TIME_WAIT;
	tw->common.skc_hash = sk->sk_hash;
	tw->common.skc_prot = sk->sk_prot;
	tw->common.sk_uid = sk->sk_uid;
	refcount_set(&tw->common.skc_refcnt, 1);
	spin_lock_init(&tw->tw_lock, LC_SLOCK);
	tw->tw_substate = substate;
	tw->tw_sport = inet_sk(sk)->inet_sport;
	tw->tw_tos = inet_sk(sk)->tos;
	timer_setup(&tw->tw_timer, tw_timer_handler);
	atomic_inc(&inet_tw_count);
	return tw;
}

/*
 * inet_twsk_hashdance - @tw takes the place of @sk in both tables. In ehash the two change under one hold of
 * the bucket's lock, so that no segment finds neither.
 */
void inet_twsk_hashdance(struct inet_timewait_sock *tw, struct sock *sk)
{
	struct inet_bind_hashbucket *bhead = inet_bhash_bucket(sk->sk_num);
	struct inet_ehash_bucket *ehead = inet_ehash_bucket(sk->sk_hash);
	struct sock *twsk = (struct sock *)tw;
	bool was_hashed;

	spin_lock_bh(&bhead->lock);
	if (sk->icsk_bind_hash)
		inet_bind_hash(twsk, sk->icsk_bind_hash, sk->sk_num);
	spin_lock(&ehead->lock);
	refcount_inc(&tw->common.skc_refcnt);
	hlist_add_head(&tw->common.skc_node, &ehead->chain);
	was_hashed = !hlist_unhashed(&sk->skc_node);
	hlist_del_init(&sk->skc_node);
	spin_unlock(&ehead->lock);
	spin_unlock_bh(&bhead->lock);
	if (was_hashed)
		sock_put(sk);
}

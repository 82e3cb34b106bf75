/*
 * net/ipv4/inet_hashtables.h - who owns a segment: the tables of connections, listeners and bound ports.
 *
 * Linux:   include/net/inet_hashtables.h, inet_timewait_sock.h (6.1)
 * Same:    ehash (connections, requests, TIME_WAIT records), lhash (listeners), bhash (bound ports) and their
 *          names.
 * Differs: 1. no RCU: a look-up takes the bucket's lock and a reference. 2. one bind table, by port.
 * Locks:   EHASH (ehash and lhash buckets), BHASH.
 * Walk:    tcp_v4_rcv() -> __inet_lookup_skb().
 */
#pragma once
#include "kernel/hash.h"
#include "net/ipv4/ip.h"

struct inet_ehash_bucket {
	spinlock_t lock;		/* EHASH */
	struct hlist_head chain;	/* of sock_common.skc_node; each entry holds a reference */
};
struct inet_bind_hashbucket {
	spinlock_t lock;		/* BHASH */
	struct hlist_head chain;	/* of inet_bind_bucket.node */
};
/* One local port that somebody uses. Lives while it has owners; BHASH of its bucket. */
struct inet_bind_bucket {
	u16 port;
	bool by_connect; /* chosen by connect(): other connects may share it, if the peers differ */
	struct hlist_node node;
	struct hlist_head owners;	/* of sock_common.skc_bind_node */
};

enum { INET_LHTABLE_SIZE = 64, INET_BHTABLE_SIZE = 1024 };
struct inet_hashinfo {
	/* immutable after inet_hashinfo_init() */
	struct inet_ehash_bucket *ehash;
	u32 ehash_mask;
	struct inet_bind_hashbucket *bhash;
	struct kmem_cache *bind_bucket_cachep;
	u64 secret[2];
	siphash_key_t port_secret;
	struct inet_ehash_bucket lhash[INET_LHTABLE_SIZE];
};
extern struct inet_hashinfo tcp_hashinfo;

/*
 * A connection in TIME_WAIT, or in FIN_WAIT2 without a process. References: one for ehash, one for its timer,
 * one per look-up.
 */
struct inet_timewait_sock {
	struct sock_common common;	/* first */
	/* immutable */
	be16 tw_sport;
	u8 tw_tos, tw_rcv_wscale;
	u32 tw_ts_offset;
	struct timer_list tw_timer;
	/* tw_lock */
	spinlock_t tw_lock;		/* SLOCK: plays the part of a sock's slock */
	u8 tw_substate;			/* TCP_FIN_WAIT2 or TCP_TIME_WAIT */
	u64 tw_timeout_ns;		/* how long TIME_WAIT lasts from the last segment */
	u32 tw_rcv_nxt, tw_snd_nxt;	/* sequence numbers (tcp_minisocks.c) */
	u32 tw_rcv_wnd, tw_ts_recent;
	u64 tw_ts_recent_stamp_ns;
	u64 tw_last_oow_ack_ns;
};
static inline struct inet_timewait_sock *inet_twsk(const struct sock *sk)
{
	return (struct inet_timewait_sock *)sk;
}
/*
 * inet_twsk_put - the last put frees. inet_twsk_deschedule_put - out of the tables and the timer, and give up
 * one reference. Context: any but hardirq.
 */
void inet_twsk_put(struct inet_timewait_sock *tw);
void inet_twsk_deschedule_put(struct inet_timewait_sock *tw);
/*
 * inet_twsk_alloc - for @sk, not hashed, two references. NULL: no memory or too many. inet_twsk_hashdance -
 * takes @sk's place in the tables.
 */
struct inet_timewait_sock *inet_twsk_alloc(const struct sock *sk, u8 substate) __must_check;
void inet_twsk_hashdance(struct inet_timewait_sock *tw, struct sock *sk);
/* inet_twsk_schedule - arm for @timeo_ns from now. */
void inet_twsk_schedule(struct inet_timewait_sock *tw, u64 timeo_ns);
extern atomic_t inet_tw_count;
void inet_twsk_init(void);

void inet_hashinfo_init(void);
u32 inet_ehashfn(be32 laddr, u16 lport, be32 faddr, be16 fport);
static inline struct inet_ehash_bucket *inet_ehash_bucket(u32 hash)
{
	return &tcp_hashinfo.ehash[hash & tcp_hashinfo.ehash_mask];
}

/* A segment's addresses, seen from here. */
struct inet_tuple { be32 saddr, daddr; be16 sport; u16 hnum; int dif; };
/*
 * __inet_lookup_established - the connection, request or TIME_WAIT record of @t, with a reference, or NULL.
 * Context: any but hardirq.
 */
struct sock *__inet_lookup_established(const struct inet_tuple *t);
/*
 * __inet_lookup_listener - the listener that fits @t best, with a reference, or NULL. Context: any but hardirq.
 */
struct sock *__inet_lookup_listener(const struct inet_tuple *t);
/* __inet_lookup_skb - both, for a received segment. Context: softirq. */
struct sock *__inet_lookup_skb(const struct sk_buff *skb, be16 sport, be16 dport);

/*
 * inet_ehash_nolisten - put @sk into ehash; @osk, if not NULL, leaves at the same moment (a request makes room
 * for its child).
 * Return: false if @osk was there no longer, or, without @osk, the place is taken. Takes a reference for the
 * table.
 */
bool __must_check inet_ehash_nolisten(struct sock *sk, struct sock *osk);
/*
 * inet_hash - a listener into lhash, anything else into ehash. inet_unhash - out again. Context: any but
 * hardirq.
 */
int inet_hash(struct sock *sk);
void inet_unhash(struct sock *sk);
/*
 * inet_hash_connect - choose a port if there is none, make the place ours. 0, -EADDRNOTAVAIL, -ENOMEM. Context:
 * task, sock owned.
 */
int inet_hash_connect(struct sock *sk);
/* inet_put_port - the port is no longer ours. __inet_inherit_port - @child uses @sk's port. 0 or -ENOMEM. */
void inet_put_port(struct sock *sk);
int __must_check __inet_inherit_port(const struct sock *sk, struct sock *child);

/* The bind table for inet_csk_get_port(); the bucket's lock held. */
static inline struct inet_bind_hashbucket *inet_bhash_bucket(u16 port)
{
	return &tcp_hashinfo.bhash[port & (INET_BHTABLE_SIZE - 1)];
}
struct inet_bind_bucket *inet_bind_bucket_find(struct inet_bind_hashbucket *head, u16 port);
struct inet_bind_bucket *inet_bind_bucket_create(struct inet_bind_hashbucket *head, u16 port) __must_check;
void inet_bind_bucket_destroy_if_empty(struct inet_bind_bucket *tb);
void inet_bind_hash(struct sock *sk, struct inet_bind_bucket *tb, u16 port);

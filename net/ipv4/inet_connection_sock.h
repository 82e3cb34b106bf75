/*
 * net/ipv4/inet_connection_sock.h - what every connection has: its timers, its acknowledgment state, its accept
 * queue.
 *
 * Linux:   include/net/inet_connection_sock.h, request_sock.h (6.1)
 * Same:    icsk_*, request socks in ehash, the accept queue with its lock, one retransmit timer with several
 *          meanings.
 * Differs: 1. times are nanoseconds. 2. a request sock is TCP's only, so there is no request_sock_ops.
 *          3. an armed timer that fires early looks at icsk_timeout and arms itself again, so that to move it
 *             to a later time costs two stores.
 * Locks:   LISTENQ (rskq_lock); the rest belongs to the owner of the sock.
 * Walk:    tcp_conn_request() -> inet_csk_reqsk_queue_hash_add(); tcp_check_req() ->
 *          inet_csk_reqsk_queue_add(); accept() -> inet_csk_accept().
 */
#pragma once
#include "net/ipv4/ip.h"
#include "net/wire/tcp.h"

struct tcp_congestion_ops;

/*
 * A connection that has received a SYN and waits for the ACK of its SYN-ACK.
 * References: one for ehash, one for its armed timer, one per look-up; the accept queue owns the last one.
 */
struct request_sock {
	struct sock_common common;	/* first */
	/* immutable once hashed */
	struct sock *rsk_listener;	/* a reference */
	u16 mss;			/* what the peer can take */
	bool tstamp_ok, sack_ok, wscale_ok;
	u8 snd_wscale, rcv_wscale;
	u8 tos;
	seq32 rcv_isn, snt_isn;
	u32 rsk_rcv_wnd, rsk_window_clamp;
	u32 ts_off;
	u32 skb_id;			/* the SYN, for traces */
	u64 snt_synack_ns;		/* when the first SYN-ACK was sent; 0: retransmitted since */
	/* its timer, and whoever processes a segment for it: benign races, each field is one word */
	u8 num_retrans;			/* SYN-ACKs sent again */
	u8 num_timeout;			/* times the timer ran */
	bool cookie;			/* in no table: the SYN-ACK's number remembers it (syncookies.c) */
	bool acked;			/* the ACK came while the accept queue was full, or was deferred */
	u32 ts_recent;
	u64 timeout_ns;			/* of the next period */
	u64 last_oow_ack_ns;
	struct timer_list rsk_timer;
	/* LISTENQ of the listener */
	struct request_sock *dl_next;	/* accept queue */
	struct sock *sk;		/* the child */
};
static inline struct request_sock *inet_reqsk(const struct sock *sk) { return (struct request_sock *)sk; }
static inline struct sock *req_to_sk(struct request_sock *req) { return (struct sock *)req; }
void reqsk_put(struct request_sock *req);

struct request_sock_queue {
	spinlock_t rskq_lock;		/* LISTENQ */
	struct request_sock *rskq_accept_head, *rskq_accept_tail;
	/* atomic */
	atomic_t qlen;			/* requests that wait for their ACK */
	atomic_t young;			/* of them, those whose SYN-ACK was sent once */
	u64 rskq_cookie_ns;		/* when the last SYN cookie was sent; 0: never; one word */
	u8 rskq_defer_accept;		/* TCP_DEFER_ACCEPT in SYN-ACK time-outs; sock owned to change */
};

struct inet_connection_sock {
	struct inet_sock icsk_inet;	/* first */
	struct request_sock_queue icsk_accept_queue;
	/* sock owned, or slock in softirq */
	struct timer_list icsk_retransmit_timer, icsk_delack_timer;
	u64 icsk_timeout_ns;		/* when the retransmit timer means something */
	u64 icsk_rto_ns, icsk_rto_min_ns;
	u64 icsk_user_timeout_ns;
	u64 icsk_probes_tstamp_ns;	/* first unanswered probe; 0: none */
	u8 icsk_pending;		/* ICSK_TIME_*; 0: nothing */
	u8 icsk_ca_state;		/* TCP_CA_* */
	u8 icsk_retransmits, icsk_backoff, icsk_probes_out;
	u8 icsk_syn_retries;		/* 0: sysctl */
	u32 icsk_pmtu_cookie;		/* the path MTU that mss_cache was made from */
	u32 icsk_pmtu;			/* learned by "fragmentation needed"; 0: the route's */
	const struct tcp_congestion_ops *icsk_ca_ops;
	struct {
		u8 pending;		/* ICSK_ACK_* */
		u8 quick;		/* segments to acknowledge at once */
		u8 pingpong;		/* the session is interactive: acknowledgments ride on data */
		u8 retry;
		u32 last_seg_size;
		u32 rcv_mss;		/* the peer's segment size, estimated */
		u64 ato_ns;		/* predicted tick of delayed acknowledgments */
		u64 timeout_ns;		/* when the delayed acknowledgment is due */
		u64 lrcvtime_ns;	/* last data segment */
	} icsk_ack;
	u64 icsk_ca_priv[13];
};
enum { ICSK_TIME_RETRANS = 1, ICSK_TIME_PROBE0 = 3, ICSK_TIME_LOSS_PROBE = 5, ICSK_TIME_REO_TIMEOUT = 6 };
enum { ICSK_ACK_SCHED = 1, ICSK_ACK_TIMER = 2, ICSK_ACK_PUSHED = 4, ICSK_ACK_PUSHED2 = 8, ICSK_ACK_NOW = 16 };
static inline struct inet_connection_sock *inet_csk(const struct sock *sk)
{
	return (struct inet_connection_sock *)sk;
}
static inline void *inet_csk_ca(const struct sock *sk) { return inet_csk(sk)->icsk_ca_priv; }

/*
 * inet_csk_init_xmit_timers - set up, not armed. inet_csk_clear_xmit_timers - stop all three (and sk_timer).
 * Locks: sock owned or slock.
 */
void inet_csk_init_xmit_timers(struct sock *sk, void (*retransmit)(struct timer_list *),
			       void (*delack)(struct timer_list *), void (*keepalive)(struct timer_list *));
void inet_csk_clear_xmit_timers(struct sock *sk);
/* Arm unless it will fire early enough anyway; the function re-checks the time it was wanted for. */
static inline void icsk_arm(struct sock *sk, struct timer_list *t, u64 expires_ns)
{
	if (!timer_pending(t) || t->expires_ns > expires_ns + TIMER_TICK_NS)
		sk_reset_timer(sk, t, expires_ns);
}
static inline void inet_csk_clear_retransmit(struct sock *sk) { inet_csk(sk)->icsk_pending = 0; }
static inline void inet_csk_reset_keepalive_timer(struct sock *sk, u64 expires_ns)
{
	sk_reset_timer(sk, &sk->sk_timer, expires_ns);
}
static inline void inet_csk_delete_keepalive_timer(struct sock *sk) { sk_stop_timer(sk, &sk->sk_timer); }
static inline void inet_csk_schedule_ack(struct sock *sk) { inet_csk(sk)->icsk_ack.pending |= ICSK_ACK_SCHED; }
static inline bool inet_csk_ack_scheduled(const struct sock *sk)
{
	return inet_csk(sk)->icsk_ack.pending & ICSK_ACK_SCHED;
}
static inline bool inet_csk_in_pingpong_mode(const struct sock *sk) { return inet_csk(sk)->icsk_ack.pingpong; }
static inline void inet_csk_enter_pingpong_mode(struct sock *sk) { inet_csk(sk)->icsk_ack.pingpong = 1; }
static inline void inet_csk_exit_pingpong_mode(struct sock *sk) { inet_csk(sk)->icsk_ack.pingpong = 0; }

/* A listener's queues. */
static inline int inet_csk_reqsk_queue_len(const struct sock *sk)
{
	return atomic_read(&inet_csk(sk)->icsk_accept_queue.qlen);
}
static inline bool inet_csk_reqsk_queue_is_full(const struct sock *sk)
{
	return (u32)inet_csk_reqsk_queue_len(sk) > READ_ONCE(sk->sk_max_ack_backlog);
}
static inline bool sk_acceptq_is_full(const struct sock *sk)
{
	return READ_ONCE(sk->sk_ack_backlog) > READ_ONCE(sk->sk_max_ack_backlog);
}
static inline bool reqsk_queue_empty(const struct request_sock_queue *q)
{
	return !READ_ONCE(q->rskq_accept_head);
}
/*
 * inet_reqsk_alloc - a request for @listener (a reference to it), one reference. NULL: no memory. Context:
 * softirq.
 */
struct request_sock *inet_reqsk_alloc(struct sock *listener) __must_check;
/*
 * inet_csk_reqsk_queue_hash_add - into ehash, timer armed for @timeout_ns from now. False: the place is taken.
 * softirq.
 */
bool __must_check inet_csk_reqsk_queue_hash_add(struct sock *sk, struct request_sock *req, u64 timeout_ns);
/*
 * inet_csk_reqsk_queue_drop - out of ehash and timer. Return: false if somebody else did it before. Context:
 * softirq, or bh off.
 */
bool inet_csk_reqsk_queue_drop(struct sock *sk, struct request_sock *req);
/*
 * inet_csk_reqsk_queue_add - append @child to the accept queue of @sk. Return: @child; NULL if @sk does not
 * listen any more: then the child is reset and destroyed. Takes the caller's references to @req and @child on
 * success. softirq; child's slock held.
 */
struct sock *inet_csk_reqsk_queue_add(struct sock *sk, struct request_sock *req, struct sock *child);
/*
 * inet_csk_complete_hashdance - the child took the request's place in ehash (@own_req): queue it. NULL: it must
 * be dropped.
 */
struct sock *inet_csk_complete_hashdance(struct sock *sk, struct sock *child, struct request_sock *req,
					 bool own_req);
/* inet_csk_accept - the proto's accept(): a child, or NULL with *@err. Context: task, not owned; may sleep. */
struct sock *inet_csk_accept(struct sock *sk, int flags, int *err);
/* inet_csk_listen_stop - after the listener left its table: requests and children that nobody accepted end. */
void inet_csk_listen_stop(struct sock *sk);
int inet_csk_get_port(struct sock *sk, u16 snum);
/*
 * inet_csk_destroy_sock - CLOSE, orphaned and unhashed: free it. inet_csk_prepare_forced_close - give up a
 * child's slock.
 */
void inet_csk_destroy_sock(struct sock *sk);
void inet_csk_prepare_forced_close(struct sock *sk);
/* inet_csk_update_pmtu etc. live in tcp_ipv4.c. inet_csk_init - slabs. */
void inet_csk_init(void);
extern struct kmem_cache *request_sock_cachep;

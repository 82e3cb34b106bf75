/*
 * net/sock.h - the protocol's side of a socket.
 *
 * Linux:   include/net/sock.h (6.1)
 * Same:    sock_lock (owner flag, slock, backlog), sk_data_ready and its sisters, memory
 *          accounting, struct proto.
 * Differs: 1. the wait queue lives in the sock: it is there as long as anybody may want to wake, so
 *             telling who waits needs no lock for the way there. 2. memory limits are
 *             per socket and one global count per protocol.
 * Locks:   SLOCK, SOCK_OWNER.
 * Walk:    tcp_data_ready() -> sk->sk_data_ready = sock_def_readable() -> __wake_up().
 *
 * Contract: state changes only with the sock owned (lock_sock() in a task, or slock in softirq
 * while nobody owns it; else the packet goes to the backlog). Readiness is announced by
 * sk_data_ready / sk_write_space / sk_state_change / sk_error_report, never by reaching into a
 * waiter.
 */
#pragma once
#include "kernel/task.h"
#include "kernel/timer.h"
#include "net/skbuff.h"
#include "net/socket.h"
#include "net/tcp_states.h"

struct sock;
struct sk_filter;
/* SCM_CREDENTIALS and SO_PEERCRED. */
struct ucred { pid_t pid; uid_t uid; gid_t gid; };

struct proto {
	const char *name;
	size_t obj_size;
	struct kmem_cache *slab;	/* made by proto_register() */
	int sysctl_wmem_default, sysctl_rmem_default;
	atomic_long_t memory_allocated;	/* bytes, all socks of the protocol */
	atomic_t sockets_allocated;
	atomic_t orphan_count;
	/* task, sock owned unless said otherwise */
	void (*close)(struct sock *sk, s64 timeout_ns);	/* not owned */
	int (*connect)(struct sock *sk, const struct sockaddr_in *addr, int addr_len);
	int (*disconnect)(struct sock *sk, int flags);
	struct sock *(*accept)(struct sock *sk, int flags, int *err);	/* not owned */
	int (*ioctl)(struct sock *sk, unsigned int cmd, uptr arg);	/* not owned */
	int (*init)(struct sock *sk);
	void (*destroy)(struct sock *sk);
	void (*shutdown)(struct sock *sk, int how);
	/* SO_ATTACH_FILTER, takes @filter; NULL: SO_DETACH_FILTER. No entry: the protocol has no filters */
	int (*set_filter)(struct sock *sk, struct sk_filter *filter);
	/* SO_KEEPALIVE is about to change; NULL: nothing to do */
	void (*keepalive)(struct sock *sk, bool on);
	/* not owned */
	int (*setsockopt)(struct sock *sk, int level, int optname, uptr optval,
			  unsigned int optlen);
	/* not owned */
	int (*getsockopt)(struct sock *sk, int level, int optname, uptr optval, uptr optlen);
	ssize_t (*sendmsg)(struct sock *sk, struct msghdr *msg, size_t len);	/* not owned */
	/* not owned */
	ssize_t (*recvmsg)(struct sock *sk, struct msghdr *msg, size_t len, int flags,
			   int *addr_len);
	int (*bind)(struct sock *sk, const struct sockaddr_in *addr, int addr_len);
	/* release_sock(): what softirq had put aside. Sock owned, softirqs off */
	void (*backlog_rcv)(struct sock *sk, struct sk_buff *skb);
	/* deferred timers, at release_sock(). Sock owned, slock held */
	void (*release_cb)(struct sock *sk);
	int (*hash)(struct sock *sk);
	void (*unhash)(struct sock *sk);
	int (*get_port)(struct sock *sk, u16 port);	/* 0 picks one. 0 or 1 (in use) */
};

typedef struct {
	spinlock_t slock;		/* SLOCK */
	bool owned;			/* slock to change */
	wait_queue_head_t wq;		/* tasks in lock_sock() */
} socket_lock_t;

/*
 * What a sock shares with the two small records that may stand in its place in the connection
 * table: a request sock (TCP_NEW_SYN_RECV) and a TIME_WAIT record. All three begin with these
 * fields, in this order; a look-up reads skc_state to know which of them it has found.
 */
struct sock_common {
	/* immutable once hashed */
	be32 skc_daddr, skc_rcv_saddr;
	be16 skc_dport;
	u16 skc_num;
	u16 skc_family;
	u8 skc_reuse, skc_reuseport;
	int skc_bound_dev_if;
	u8 skc_state;
	u32 skc_hash;
	struct hlist_node skc_node;
	refcount_t skc_refcnt;
	struct proto *skc_prot;
	struct hlist_node skc_bind_node;
	struct inet_bind_bucket *icsk_bind_hash;
	uid_t sk_uid;
};

struct sock {
	/* as in struct sock_common. Immutable once hashed: */
	be32 skc_daddr, skc_rcv_saddr;	/* foreign and local address */
	be16 skc_dport;			/* foreign port */
	u16 skc_num;			/* local port, host order */
	u16 skc_family;
	u8 skc_reuse, skc_reuseport;	/* sock owned */
	int sk_bound_dev_if;
	/*
	 * TCP_*; sock owned, or slock in softirq; TCP's is written by tcp_set_state() only; read
	 * anywhere
	 */
	u8 skc_state;
	/* EHASH bucket */
	u32 skc_hash;
	struct hlist_node skc_node;
	/* atomic */
	/* one for the socket, one per hash table, timer armed, request in flight */
	refcount_t sk_refcnt;
	struct proto *skc_prot;		/* immutable */
	/* BHASH bucket */
	struct hlist_node skc_bind_node;
	struct inet_bind_bucket *icsk_bind_hash;
	uid_t sk_uid;			/* immutable */
	/* up to here as in struct sock_common */
	u8 sk_type, sk_protocol;	/* immutable */

	socket_lock_t sk_lock;
	/* sock owned, or slock in softirq */
	u8 sk_shutdown;			/* RCV_SHUTDOWN | SEND_SHUTDOWN; read anywhere */
	u8 sk_userlocks;		/* SOCK_SNDBUF_LOCK ... */
	bool sk_no_check_tx;
	struct sk_buff_head sk_receive_queue;	/* own lock (SKQUEUE) for datagrams */
	struct sk_buff_head sk_write_queue;	/* not sent yet (TCP) */
	struct sk_buff_head sk_error_queue;
	struct { struct sk_buff *head, *tail; int len; } sk_backlog;	/* slock */
	struct rtable *sk_dst;		/* cached route, a reference */
	/* positive errno; sk_err read and cleared anywhere by sock_error() */
	int sk_err, sk_err_soft;
	unsigned long sk_flags;		/* SOCK_* bits, atomic */
	int sk_rcvbuf, sk_sndbuf;	/* limits, bytes of truesize; read anywhere */
	int sk_rcvlowat;
	s64 sk_rcvtimeo_ns, sk_sndtimeo_ns;	/* MAX_SCHEDULE_TIMEOUT: none */
	s64 sk_lingertime_ns;
	u32 sk_priority, sk_mark;
	u32 sk_max_ack_backlog;		/* listener: limit; read anywhere */
	u32 sk_ack_backlog;		/* listener: children waiting; LISTENQ */
	struct timer_list sk_timer;	/* keepalive, and whatever the protocol makes of it */
	/* atomic */
	atomic_t sk_rmem_alloc;		/* truesize of what is received and not read */
	atomic_t sk_wmem_alloc;		/* truesize of packets on their way out, plus 1 */
	/* sock owned: truesize of the write and retransmit queues */
	int sk_wmem_queued;
	int sk_forward_alloc;
	atomic_t sk_drops;
	/*
	 * own lock (WAITQ): readers, writers and pollers of the socket; empty once it is orphaned
	 */
	wait_queue_head_t sk_wq;
	/* sock owned; NULL once it is orphaned, and for a child that is not accepted yet */
	struct socket *sk_socket;
	u64 sk_ino;			/* for /proc/net */
	struct ucred sk_peer;		/* who connected (AF_UNIX); uid -1: not known */
	/* called with the sock owned or slock held; any context but hardirq */
	void (*sk_state_change)(struct sock *sk);
	void (*sk_data_ready)(struct sock *sk);
	void (*sk_write_space)(struct sock *sk);
	void (*sk_error_report)(struct sock *sk);
	void (*sk_destruct)(struct sock *sk);
	u64 sk_stamp_ns;
	void *sk_user_data;
};
static_assert(offsetof(struct sock, sk_uid) == offsetof(struct sock_common, sk_uid),
	      "struct sock begins as struct sock_common");
static_assert(offsetof(struct sock, skc_state) == offsetof(struct sock_common, skc_state),
	      "struct sock begins as struct sock_common");
static_assert(offsetof(struct sock, sk_refcnt) == offsetof(struct sock_common, skc_refcnt),
	      "struct sock begins as struct sock_common");
#define sk_daddr skc_daddr
#define sk_rcv_saddr skc_rcv_saddr
#define sk_dport skc_dport
#define sk_num skc_num
#define sk_family skc_family
#define sk_state skc_state
#define sk_prot skc_prot
#define sk_node skc_node
#define sk_hash skc_hash
#define sk_reuse skc_reuse
#define sk_reuseport skc_reuseport

enum sock_flags {
	SOCK_DEAD,
	SOCK_DONE,
	SOCK_URGINLINE,
	SOCK_KEEPOPEN,
	SOCK_LINGER,
	SOCK_DESTROY,
	SOCK_BROADCAST,
	SOCK_TIMESTAMP,
	SOCK_NOSPACE,
	SOCK_PASSCRED_F,
	SOCK_RXQ_OVFL_F,
	SOCK_DBG,
	SOCK_LOCALROUTE,
	SOCK_TIMESTAMPNS,
	SOCK_FILTER_LOCKED
};
enum { SOCK_SNDBUF_LOCK = 1, SOCK_RCVBUF_LOCK = 2, SOCK_BINDADDR_LOCK = 4, SOCK_BINDPORT_LOCK = 8 };
static inline bool sock_flag(const struct sock *sk, enum sock_flags f)
{
	return test_bit(f, &sk->sk_flags);
}
static inline void sock_set_flag(struct sock *sk, enum sock_flags f) { set_bit(f, &sk->sk_flags); }
static inline void sock_reset_flag(struct sock *sk, enum sock_flags f)
{
	clear_bit(f, &sk->sk_flags);
}

/*
 * lock_sock - own it; may sleep while another task does. release_sock - runs the backlog, then
 * gives it up. Context: task.
 */
void lock_sock_nested(struct sock *sk, unsigned int depth);
static inline void lock_sock(struct sock *sk) { lock_sock_nested(sk, 0); }
void release_sock(struct sock *sk);
/* bh_lock_sock - softirq's side. Then sock_owned_by_user() says whether to use the backlog. */
static inline void bh_lock_sock(struct sock *sk) { spin_lock(&sk->sk_lock.slock); }
static inline void bh_lock_sock_nested(struct sock *sk) { spin_lock_nested(&sk->sk_lock.slock, 1); }
static inline void bh_unlock_sock(struct sock *sk) { spin_unlock(&sk->sk_lock.slock); }
static inline bool sock_owned_by_user(const struct sock *sk)
{
	return READ_ONCE(sk->sk_lock.owned);
}
/* sk_add_backlog - Return: false if over @limit (the skb stays the caller's). Locks: slock. */
bool __must_check sk_add_backlog(struct sock *sk, struct sk_buff *skb, u32 limit);

/*
 * sk_alloc - one reference, not initialised by a protocol yet. sock_init_data - the defaults; @sock
 * may be NULL. sk_free through sock_put.
 */
struct sock *sk_alloc(int family, gfp_t gfp, struct proto *prot) __must_check;
void sock_init_data(struct socket *sock, struct sock *sk);
static inline void sock_hold(struct sock *sk) { refcount_inc(&sk->sk_refcnt); }
void sock_put(struct sock *sk);		/* the last put destroys; any context */
/*
 * sk_clone_lock - for a child of a listener: a copy of @sk, slock held, refcnt 2; NULL: no memory.
 * softirq.
 */
struct sock *sk_clone_lock(const struct sock *sk, gfp_t gfp);
/* sock_orphan - no socket any more. sock_graft - @parent gets the child (accept). */
void sock_orphan(struct sock *sk);
void sock_graft(struct sock *sk, struct socket *parent);
int proto_register(struct proto *prot);

void sock_def_readable(struct sock *sk);
void sock_def_wakeup(struct sock *sk);
void sock_def_write_space(struct sock *sk);
void sock_def_error_report(struct sock *sk);
void sk_stream_write_space(struct sock *sk);
static inline wait_queue_head_t *sk_sleep(struct sock *sk) { return &sk->sk_wq; }
/* sock_error - Return: -sk_err, clearing it; 0 if none. Context: any. */
static inline int sock_error(struct sock *sk)
{
	return READ_ONCE(sk->sk_err) ? -xchg(&sk->sk_err, 0) : 0;
}
/*
 * sk_wait_data - sleep until the receive queue's tail is no longer @skb, an error, or *@timeo_ns is
 * up (it counts down). Return: true if there is data. Context: task, sock owned (given up
 * meanwhile).
 */
bool sk_wait_data(struct sock *sk, s64 *timeo_ns, const struct sk_buff *skb);
/*
 * sk_wait_event(sk, timeo, condition) - release, sleep once, own again. The entry @wait must be
 * queued with woken_wake_function.
 */
#define sk_wait_event(sk, timeo_ns, cond, wait) ({ bool __rc;					\
	release_sock(sk); __rc = (cond);							\
	if (!__rc)										\
		*(timeo_ns) = wait_woken(wait, TASK_INTERRUPTIBLE, *(timeo_ns));		\
	lock_sock(sk); __rc = (cond); __rc; })
static inline s64 sock_rcvtimeo(const struct sock *sk, bool nonblock)
{
	return nonblock ? 0 : sk->sk_rcvtimeo_ns;
}
static inline s64 sock_sndtimeo(const struct sock *sk, bool nonblock)
{
	return nonblock ? 0 : sk->sk_sndtimeo_ns;
}
static inline int sock_rcvlowat(const struct sock *sk, bool waitall, int len)
{
	int v = waitall ? len : min(sk->sk_rcvlowat, len);
	return v ? v : 1;
}
/*
 * sock_intr_errno - what a signal makes of a blocking call: -ERESTARTSYS without a time-out, else
 * -EINTR.
 */
static inline int sock_intr_errno(s64 timeo)
{
	return timeo == MAX_SCHEDULE_TIMEOUT ? -ERESTARTSYS : -EINTR;
}

/*
 * Accounting. skb_set_owner_r/w charge @sk and set the destructor. sock_rfree/sock_wfree are those
 * destructors.
 */
void skb_set_owner_r(struct sk_buff *skb, struct sock *sk);
void skb_set_owner_w(struct sk_buff *skb, struct sock *sk);
void sock_rfree(struct sk_buff *skb);
void sock_wfree(struct sk_buff *skb);
/*
 * sock_alloc_send_skb - for datagrams: waits for room below sk_sndbuf. NULL with *@err -EAGAIN,
 * -EPIPE, -ENOBUFS, signal. Context: task, sock not owned.
 */
struct sk_buff *sock_alloc_send_skb(struct sock *sk, u32 size, bool noblock, int *err);
/*
 * sock_alloc_send_pskb - the same for @len bytes behind @headroom, already counted in skb->len, in
 * pages where they are many; content undefined.
 */
struct sk_buff *sock_alloc_send_pskb(struct sock *sk, u32 headroom, u32 len, bool noblock,
				     int *err);
static inline int sk_rmem_alloc_get(const struct sock *sk)
{
	return atomic_read(&sk->sk_rmem_alloc);
}
static inline int sk_stream_wspace(const struct sock *sk)
{
	return READ_ONCE(sk->sk_sndbuf) - READ_ONCE(sk->sk_wmem_queued);
}
static inline int sk_stream_min_wspace(const struct sock *sk)
{
	return READ_ONCE(sk->sk_wmem_queued) >> 1;
}
static inline bool sk_stream_is_writeable(const struct sock *sk)
{
	return sk_stream_wspace(sk) >= sk_stream_min_wspace(sk);
}
static inline bool sock_writeable(const struct sock *sk)
{
	return atomic_read(&sk->sk_wmem_alloc) < (READ_ONCE(sk->sk_sndbuf) >> 1);
}
/*
 * sock_queue_rcv_skb - a datagram: charge, queue, announce. 0, or -ENOMEM / -ENOBUFS (skb stays the
 * caller's). softirq.
 */
int __must_check sock_queue_rcv_skb(struct sock *sk, struct sk_buff *skb);
/*
 * skb_recv_datagram - the next one (MSG_PEEK: a clone-free reference must be ended by
 * skb_free_datagram), or NULL with *@err. Context: task.
 */
struct sk_buff *skb_recv_datagram(struct sock *sk, unsigned int flags, int *err);
void skb_free_datagram(struct sock *sk, struct sk_buff *skb);
/*
 * skb_wait_for_datagram - sleep once. Return: 0: look again; 1: the other side has shut down;
 * -errno. Context: task.
 */
int skb_wait_for_datagram(struct sock *sk, s64 *timeo_ns);
/*
 * receiver_wake_function - for readers: a wake-up that is only about writing passes them by (and
 * does not use up an exclusive turn).
 */
int receiver_wake_function(wait_queue_entry_t *wait, unsigned int mode, int flags, void *key);
__poll_t datagram_poll(struct file *file, struct socket *sock, poll_table *wait);
/* sk_reset_timer, sk_stop_timer - an armed timer holds a reference. Context: any. */
void sk_reset_timer(struct sock *sk, struct timer_list *timer, u64 expires_ns);
void sk_stop_timer(struct sock *sk, struct timer_list *timer);
/* sock_setsockopt, sock_getsockopt - SOL_SOCKET. Return 0 or -errno. Context: task, not owned. */
int sock_setsockopt(struct socket *sock, int optname, uptr optval, unsigned int optlen);
int sock_getsockopt(struct socket *sock, int optname, uptr optval, uptr optlen);
/* sock_common_* in proto_ops hand on to sk->sk_prot. */
ssize_t sock_common_recvmsg(struct socket *sock, struct msghdr *msg, size_t size, int flags);
int sock_common_setsockopt(struct socket *sock, int level, int optname, uptr optval,
			   unsigned int optlen);
int sock_common_getsockopt(struct socket *sock, int level, int optname, uptr optval, uptr optlen);
/* put_sock_int - the getsockopt tail: *optlen limits, is updated. */
int put_sockopt_int(int val, uptr optval, uptr optlen);
/* sock_recv_cmsgs - SO_TIMESTAMP and SO_RXQ_OVFL control messages for a datagram. */
void sock_recv_cmsgs_slow(struct msghdr *msg, struct sock *sk, const struct sk_buff *skb);
static inline void sock_recv_cmsgs(struct msghdr *msg, struct sock *sk, const struct sk_buff *skb)
{
	const unsigned long wanted = BIT(SOCK_TIMESTAMP) | BIT(SOCK_TIMESTAMPNS) |
				     BIT(SOCK_RXQ_OVFL_F);

	if (unlikely(READ_ONCE(sk->sk_flags) & wanted))
		sock_recv_cmsgs_slow(msg, sk, skb);
}
/* sock_poll_wait - poll_wait() on the socket's queue: the first thing a proto_ops.poll does. */
static inline void sock_poll_wait(struct file *file, struct socket *sock, poll_table *p)
{
	if (!poll_does_not_wait(p)) {
		poll_wait(file, sk_sleep(sock->sk), p);
		/*
		 * registered before the state is read; pairs with wq_has_sleeper() in
		 * sock_def_readable()
		 */
		smp_mb();
	}
}
/* for_each_proto - every registered protocol, in the order of registration. */
void for_each_proto(void (*fn)(struct proto *prot, void *arg), void *arg);
extern int sysctl_somaxconn, sysctl_wmem_max, sysctl_rmem_max, sysctl_wmem_default,
	sysctl_rmem_default;
#define SOCK_MIN_SNDBUF 4608
#define SOCK_MIN_RCVBUF 2304

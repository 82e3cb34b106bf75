/*
 * net/unix/unix.h - what the files of this folder share: the socket, its name, and what travels
 * with a message.
 *
 * Linux:   include/net/af_unix.h, scm.h (6.1)
 * Same:    unix_sock, unix_address, the peer; file descriptors in flight hang on the skb.
 * Differs: 1. credentials travel with every message, so SO_PASSCRED works for what was sent before
 *             it was set.
 * Locks:   UNIX_TAB, UNIX_STATE, UNIX_IO, UNIX_BIND.
 * Walk:    unix_stream_sendmsg() -> the peer's sk_receive_queue -> unix_stream_recvmsg().
 */
#pragma once
#include "fs/fs.h"
#include "net/sock.h"

enum { UNIX_PATH_MAX = 108, SCM_MAX_FD = 253, UNIX_CHUNK_MAX = 32768, UNIX_DGRAM_QLEN = 10 };
struct sockaddr_un { u16 sun_family; char sun_path[UNIX_PATH_MAX]; };
#define UNIX_PATH_OFFSET ((int)offsetof(struct sockaddr_un, sun_path))

/* What the collection of unreachable sockets (garbage.c) thinks of one. */
enum { GC_ALIVE, GC_CANDIDATE, GC_REACHED /* alive, its messages not looked through yet */ };
/* A name: immutable, counted. */
struct unix_address {
	refcount_t refs;
	int len;			/* of the whole sockaddr */
	u32 hash;			/* abstract names */
	struct sockaddr_un name;
};

struct unix_sock {
	struct sock sk;			/* first */
	/* UNIX_TAB */
	struct list_head link;		/* all sockets */
	struct hlist_node name_link;	/* abstract names */
	/* UNIX_STATE to change; a stream's peer stays until release */
	spinlock_t lock;
	struct unix_address *addr;
	struct sock *peer;		/* a reference */
	struct path path;		/* references, when bound in a file system */
	/* UNIX_GC */
	struct list_head gc_link;	/* all sockets whose files are in flight */
	long inflight;			/* messages that hold its file */
	long gc_outer;			/* of them, those not found with candidates */
	u8 gc_state;			/* GC_* */
	/* mutexes */
	struct mutex bindlock;		/* UNIX_BIND */
	struct mutex iolock;		/* UNIX_IO: readers */
	/* who waits for room in this socket's queue: senders of datagrams and connecting streams */
	wait_queue_head_t peer_wait;
	/* a poller's stand-in on its peer's peer_wait; that queue's lock */
	wait_queue_entry_t peer_wake;
};
static inline struct unix_sock *unix_sk(const struct sock *sk) { return (struct unix_sock *)sk; }
static inline void unix_state_lock(struct sock *sk) { spin_lock(&unix_sk(sk)->lock); }
static inline void unix_state_unlock(struct sock *sk) { spin_unlock(&unix_sk(sk)->lock); }
static inline bool unix_recvq_full(const struct sock *sk)
{
	return skb_queue_len(&sk->sk_receive_queue) > READ_ONCE(sk->sk_max_ack_backlog);
}
static inline bool unix_writable(const struct sock *sk)
{
	return READ_ONCE(sk->sk_state) != TCP_LISTEN &&
	       atomic_read(&sk->sk_wmem_alloc) << 2 <= READ_ONCE(sk->sk_sndbuf);
}
/* A reference to the peer, or NULL. */
struct sock *unix_peer_get(struct sock *sk);
/*
 * unix_find_other - the socket called @name, with a reference, or ERR_PTR(-ECONNREFUSED,
 * -EPROTOTYPE, and what path look-up says). task.
 */
struct sock *unix_find_other(const struct sockaddr_un *name, int len, int type);
/* unix_validate_addr - Return: 0 or -EINVAL. */
int unix_validate_addr(const struct sockaddr_un *name, int len);
int unix_autobind(struct sock *sk);
/* unix_copy_addr - the sender's name into @msg. */
void unix_copy_addr(struct msghdr *msg, struct sock *sk);
/*
 * unix_wait_for_peer - sleep until @other's queue has room. @other's state locked on entry,
 * unlocked on return. Return: ns left.
 */
s64 unix_wait_for_peer(struct sock *other, s64 timeo);
void unix_dgram_peer_wake_disconnect(struct sock *sk, struct sock *other);
void unix_dgram_disconnected(struct sock *sk, struct sock *other);

/* --- control messages (scm.c) --- */
struct scm_fp_list { int count; struct file *fp[SCM_MAX_FD]; };
struct scm_cookie { struct ucred creds; struct scm_fp_list *fp; };
struct unix_skb_parms { struct ucred creds; u32 consumed; struct scm_fp_list *fp; };
#define UNIXCB(skb) ((struct unix_skb_parms *)(skb)->cb)
/*
 * scm_send - read what @msg brings (0 or -EINVAL, -EBADF, -EPERM, -ENOMEM); scm_destroy drops what
 * was not sent.
 */
int scm_send_cmsgs(struct msghdr *msg, struct scm_cookie *scm);
void scm_free_files(struct scm_cookie *scm);
static inline int scm_send(struct msghdr *msg, struct scm_cookie *scm)
{
	scm->fp = NULL;
	scm->creds = (struct ucred){ current->tgid, current->cred.uid, current->cred.gid };
	return likely(!msg->msg_controllen) ? 0 : scm_send_cmsgs(msg, scm);
}
static inline void scm_destroy(struct scm_cookie *scm)
{
	if (unlikely(scm->fp))
		scm_free_files(scm);
}
/*
 * unix_attach - the cookie travels with @skb; its files move to it. The skb is charged to its
 * sender already.
 */
void unix_destruct_scm(struct sk_buff *skb);
void unix_inflight(struct scm_fp_list *fpl);
static inline void unix_attach(struct sk_buff *skb, struct scm_cookie *scm)
{
	struct unix_skb_parms *cb = UNIXCB(skb);

	cb->creds = scm->creds;
	cb->consumed = 0;
	cb->fp = scm->fp;
	if (unlikely(scm->fp)) {
		unix_inflight(scm->fp);
		scm->fp = NULL;
		skb->destructor = unix_destruct_scm;
	}
}
/*
 * unix_detach_fds - the files leave @skb for @scm; unix_peek_fds - references to them. 0 or
 * -ENOMEM.
 */
void unix_detach_fds(struct scm_cookie *scm, struct sk_buff *skb);
int __must_check unix_peek_fds(struct scm_cookie *scm, const struct sk_buff *skb);
/*
 * scm_recv - tell the reader: credentials if it asked for them, files as new descriptors. Takes the
 * cookie's files.
 */
void scm_recv_cmsgs(struct sock *sk, struct msghdr *msg, struct scm_cookie *scm, int flags);
static inline void scm_recv(struct sock *sk, struct msghdr *msg, struct scm_cookie *scm, int flags)
{
	if (unlikely(sock_flag(sk, SOCK_PASSCRED_F) || scm->fp))
		scm_recv_cmsgs(sk, msg, scm, flags);
}

/* unix_show_fdinfo - how many files the unread messages of @sock carry. Context: task; sleeps. Locks: takes UNIX_IO. */
void unix_show_fdinfo(struct seq_file *m, struct socket *sock);

/* --- garbage.c --- */
/* unix_inflight, unix_notinflight - messages hold the files of @fpl, or no longer do. task. */
void unix_notinflight(struct scm_fp_list *fpl);
/*
 * unix_gc_barrier - after a peek took references: no collection that has not seen them is under
 * way.
 */
void unix_gc_barrier(void);
/* unix_gc_schedule - a socket was released: what it held may be garbage now. */
void unix_gc_schedule(void);
void unix_gc_init(void);

/* --- messages (msg.c) --- */
ssize_t unix_stream_sendmsg(struct socket *sock, struct msghdr *msg, size_t len);
ssize_t unix_stream_recvmsg(struct socket *sock, struct msghdr *msg, size_t size, int flags);
ssize_t unix_dgram_sendmsg(struct socket *sock, struct msghdr *msg, size_t len);
ssize_t unix_dgram_recvmsg(struct socket *sock, struct msghdr *msg, size_t size, int flags);
ssize_t unix_seqpacket_sendmsg(struct socket *sock, struct msghdr *msg, size_t len);
ssize_t unix_seqpacket_recvmsg(struct socket *sock, struct msghdr *msg, size_t size, int flags);

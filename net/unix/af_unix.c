/*
 * net/unix/af_unix.c - sockets between processes of this machine: names, connections, states.
 *
 * Linux:   net/unix/af_unix.c (6.1)
 * Same:    path and abstract names, autobind; a connecting stream hands the listener a ready socket
 *          in an skb of its receive queue; the checks and errors of each call.
 * Differs: 1. a bound path's inode points to its socket, so no table of inodes is needed.
 * Locks:   UNIX_BIND, UNIX_TAB, UNIX_STATE, UNIX_PEERQ, WAITQ.
 * Walk:    unix_create() -> sock_init_data(); unix_stream_connect() -> the listener's
 *          sk_data_ready(); unix_accept() -> sock_graft().
 */
#include "fs/namei.h"
#include "fs/procfs.h"
#include "kernel/hash.h"
#include "kernel/printk.h"
#include "kernel/signal.h"
#include "kernel/string.h"
#include "kernel/task.h"
#include "kernel/uaccess.h"
#include "net/sockios.h"
#include "net/unix/unix.h"

enum { UNIX_NAME_BITS = 6, AUTOBIND_TRIES = 1 << 20 };

static DEFINE_SPINLOCK(unix_table_lock, LC_UNIX_TAB);
/* unix_table_lock */
static LIST_HEAD(unix_sockets);
static struct hlist_head unix_names[1 << UNIX_NAME_BITS];
static u32 autobind_next = 1;

static struct proto unix_proto = { .name = "UNIX", .obj_size = sizeof(struct unix_sock) };
static const struct proto_ops unix_stream_ops, unix_dgram_ops, unix_seqpacket_ops;

/* --- names --------------------------------------------------------------------------------- */

static void unix_addr_put(struct unix_address *addr)
{
	if (addr && refcount_dec_and_test(&addr->refs))
		kfree(addr);
}

int unix_validate_addr(const struct sockaddr_un *name, int len)
{
	if (len <= UNIX_PATH_OFFSET || len > (int)sizeof(*name) || name->sun_family != AF_UNIX)
		return -EINVAL;
	return 0;
}

static inline bool name_is_abstract(const struct sockaddr_un *name)
{
	return name->sun_path[0] == '\0';
}

/* The name of @len bytes; a path ends with the first NUL, and counts it. */
static struct unix_address *unix_addr_new(const struct sockaddr_un *name, int len)
{
	struct unix_address *a = kzalloc(sizeof(*a) + 1, GFP_KERNEL);

	if (!a)
		return NULL;
	refcount_set(&a->refs, 1);
	memcpy(&a->name, name, (size_t)len);
	a->len = len;
	if (len > UNIX_PATH_OFFSET && !name_is_abstract(name))
		a->len = UNIX_PATH_OFFSET +
			 (int)strnlen(a->name.sun_path, (size_t)(len - UNIX_PATH_OFFSET)) + 1;
	return a;
}

static u32 unix_name_hash(const struct sockaddr_un *name, int len)
{
	u64 h = (u64)len;

	for (int i = 0; i < len - UNIX_PATH_OFFSET; i++)
		h = h * 31 + (u8)name->sun_path[i];
	return hash_64(h, UNIX_NAME_BITS);
}

/* The socket of an abstract name, or NULL. Locks: unix_table_lock held. */
static struct sock *unix_find_name(const struct sockaddr_un *name, int len, int type)
{
	struct unix_sock *u;

	assert_held(&unix_table_lock);
	hlist_for_each_entry(u, &unix_names[unix_name_hash(name, len)],
			     name_link) if (u->addr->len == len &&
					    !memcmp(&u->addr->name, name, (size_t)len) &&
					    u->sk.sk_type == type) return &u->sk;
	return NULL;
}

static struct sock *unix_find_path(const struct sockaddr_un *name, int len, int type)
{
	char path_name[UNIX_PATH_MAX + 1];
	size_t n = strnlen(name->sun_path, (size_t)(len - UNIX_PATH_OFFSET));
	struct path path;
	struct sock *sk = NULL;

	memcpy(path_name, name->sun_path, n);
	path_name[n] = '\0';
	int err = kern_path(path_name, LOOKUP_FOLLOW, &path);

	if (err)
		return ERR_PTR(err);
	struct inode *inode = path.dentry->d_inode;

	err = inode_permission(inode, MAY_WRITE);
	if (!err) {
		spin_lock(&unix_table_lock);
		sk = S_ISSOCK(inode->i_mode) ? inode->i_socket : NULL;
		if (sk)
			sock_hold(sk);
		spin_unlock(&unix_table_lock);
		err = !sk ? -ECONNREFUSED : sk->sk_type != type ? -EPROTOTYPE : 0;
	}
	if (err && sk)
		sock_put(sk);
	path_put(&path);
	return err ? ERR_PTR(err) : sk;
}

struct sock *unix_find_other(const struct sockaddr_un *name, int len, int type)
{
	if (!name_is_abstract(name))
		return unix_find_path(name, len, type);
	spin_lock(&unix_table_lock);
	struct sock *sk = unix_find_name(name, len, type);

	if (sk)
		sock_hold(sk);
	spin_unlock(&unix_table_lock);
	return sk ? sk : ERR_PTR(-ECONNREFUSED);
}

/* The rest of a bind to an abstract name. Takes @a. -EADDRINUSE. */
static int unix_hash_name(struct unix_sock *u, struct unix_address *a)
{
	spin_lock(&unix_table_lock);
	if (unix_find_name(&a->name, a->len, u->sk.sk_type)) {
		spin_unlock(&unix_table_lock);
		unix_addr_put(a);
		return -EADDRINUSE;
	}
	smp_store_release(&u->addr, a); /* whole before it is seen; pairs with unix_copy_addr() */
	hlist_add_head(&u->name_link, &unix_names[unix_name_hash(&a->name, a->len)]);
	spin_unlock(&unix_table_lock);
	return 0;
}

/* A name of five hex digits nobody else has. Locks: bindlock held. */
static int unix_autobind_locked(struct unix_sock *u)
{
	struct sockaddr_un name = { .sun_family = AF_UNIX };
	char digits[8];
	int err = -ENOSPC;

	for (int i = 0; i < AUTOBIND_TRIES; i++) {
		u32 n = __atomic_fetch_add(&autobind_next, 1, __ATOMIC_RELAXED) &
			(AUTOBIND_TRIES - 1);

		scnprintf(digits, sizeof(digits), "%05x", n);
		memcpy(name.sun_path + 1, digits, 5);
		struct unix_address *a = unix_addr_new(&name, UNIX_PATH_OFFSET + 6);

		if (!a)
			return -ENOMEM;
		err = unix_hash_name(u, a);
		if (err != -EADDRINUSE)
			return err;
	}
	return err;
}

int unix_autobind(struct sock *sk)
{
	struct unix_sock *u = unix_sk(sk);

	mutex_lock(&u->bindlock);
	int err = u->addr ? 0 : unix_autobind_locked(u);

	mutex_unlock(&u->bindlock);
	return err;
}

/* Make the socket node and tie the two together. Takes @a. Locks: bindlock held. */
static int unix_bind_path(struct unix_sock *u, struct unix_address *a)
{
	struct path path;
	int err = kern_mknod(a->name.sun_path, S_IFSOCK | S_IRWXUGO, 0, &path);

	if (err) {
		unix_addr_put(a);
		return err == -EEXIST ? -EADDRINUSE : err;
	}
	spin_lock(&unix_table_lock);
	u->path = path;
	path.dentry->d_inode->i_socket = &u->sk;
	smp_store_release(&u->addr, a); /* as in unix_hash_name() */
	spin_unlock(&unix_table_lock);
	return 0;
}

static int unix_bind(struct socket *sock, const struct sockaddr_storage_k *uaddr, int addr_len)
{
	const struct sockaddr_un *name = (const struct sockaddr_un *)uaddr;
	struct unix_sock *u = unix_sk(sock->sk);

	if (addr_len == UNIX_PATH_OFFSET && name->sun_family == AF_UNIX)
		return unix_autobind(sock->sk);
	int err = unix_validate_addr(name, addr_len);

	if (err)
		return err;
	struct unix_address *a = unix_addr_new(name, addr_len);

	if (!a)
		return -ENOMEM;
	mutex_lock(&u->bindlock);
	if (u->addr) {
		unix_addr_put(a);
		err = -EINVAL;
	} else {
		err = name_is_abstract(name) ? unix_hash_name(u, a) : unix_bind_path(u, a);
	}
	mutex_unlock(&u->bindlock);
	return err;
}

/* A socket that dies gives its name back. The node of a path stays, as in Linux. */
static void unix_unbind(struct unix_sock *u, struct path *path)
{
	spin_lock(&unix_table_lock);
	list_del(&u->link);
	hlist_del_init(&u->name_link);
	*path = u->path;
	u->path = (struct path){ NULL, NULL };
	if (path->dentry)
		path->dentry->d_inode->i_socket = NULL;
	spin_unlock(&unix_table_lock);
}

static int unix_fill_name(const struct unix_address *a, struct sockaddr_un *out)
{
	if (!a) {
		out->sun_family = AF_UNIX;
		return UNIX_PATH_OFFSET;
	}
	memcpy(out, &a->name, (size_t)a->len);
	return a->len;
}

void unix_copy_addr(struct msghdr *msg, struct sock *sk)
{
	/* An address is set once and stays until the sock is freed; @sk is alive. */
	const struct unix_address *a = smp_load_acquire(&unix_sk(sk)->addr);

	msg->msg_namelen = a ? unix_fill_name(a, (struct sockaddr_un *)msg->msg_name) : 0;
}

static int unix_getname(struct socket *sock, struct sockaddr_storage_k *uaddr, bool peer)
{
	struct sock *sk = peer ? unix_peer_get(sock->sk) : sock->sk;

	if (!sk)
		return -ENOTCONN;
	int len = unix_fill_name(smp_load_acquire(&unix_sk(sk)->addr), (struct sockaddr_un *)uaddr);

	if (peer)
		sock_put(sk);
	return len;
}

/* --- making and ending --------------------------------------------------------------------- */

static void unix_write_space(struct sock *sk)
{
	if (unix_writable(sk) && wq_has_sleeper(&sk->sk_wq))
		wake_up_interruptible_sync_poll(&sk->sk_wq, EPOLLOUT | EPOLLWRNORM | EPOLLWRBAND);
}

static void unix_sock_destructor(struct sock *sk)
{
	skb_queue_purge(&sk->sk_receive_queue, SKB_DROP_REASON_SOCKET_CLOSED);
	unix_addr_put(unix_sk(sk)->addr);
}

/*
 * The peer of a socket that waits for room to write has some, or is gone: the socket's own pollers
 * look again.
 */
static int unix_dgram_peer_wake_relay(wait_queue_entry_t *e, __unused unsigned int mode,
				      __unused int flags, void *key)
{
	struct unix_sock *u = container_of(e, struct unix_sock, peer_wake);

	list_del_init(&e->entry);
	e->private = NULL;
	/* The sock is there: it takes the entry out, under this queue's lock, before it goes. */
	wake_up_interruptible_poll(&u->sk.sk_wq, key_to_poll(key));
	return 0;
}

static struct sock *unix_create1(struct socket *sock, int type)
{
	struct sock *sk = sk_alloc(AF_UNIX, GFP_KERNEL, &unix_proto);

	if (!sk)
		return NULL;
	struct unix_sock *u = unix_sk(sk);

	sock_init_data(sock, sk);
	sk->sk_type = (u8)type;
	sk->sk_write_space = unix_write_space;
	sk->sk_max_ack_backlog = UNIX_DGRAM_QLEN;
	sk->sk_destruct = unix_sock_destructor;
	spin_lock_init(&u->lock, LC_UNIX_STATE);
	mutex_init(&u->bindlock, LC_UNIX_BIND);
	mutex_init(&u->iolock, LC_UNIX_IO);
	INIT_LIST_HEAD(&u->gc_link);
	init_waitqueue_head_class(&u->peer_wait, LC_UNIX_PEERQ);
	init_waitqueue_func_entry(&u->peer_wake, unix_dgram_peer_wake_relay);
	spin_lock(&unix_table_lock);
	list_add(&u->link, &unix_sockets);
	spin_unlock(&unix_table_lock);
	return sk;
}

static int unix_create(struct socket *sock, int protocol)
{
	if (protocol && protocol != AF_UNIX)
		return -EPROTONOSUPPORT;
	switch (sock->type) {
	case SOCK_STREAM:
		sock->ops = &unix_stream_ops;
		break;
	case SOCK_RAW: /* BSD programs say SOCK_RAW and mean datagrams */
		sock->type = SOCK_DGRAM;
		fallthrough;
	case SOCK_DGRAM:
		sock->ops = &unix_dgram_ops;
		break;
	case SOCK_SEQPACKET:
		sock->ops = &unix_seqpacket_ops;
		break;
	default:
		return -ESOCKTNOSUPPORT;
	}
	return unix_create1(sock, sock->type) ? 0 : -ENOMEM;
}

struct sock *unix_peer_get(struct sock *sk)
{
	unix_state_lock(sk);
	struct sock *peer = unix_sk(sk)->peer;

	if (peer)
		sock_hold(peer);
	unix_state_unlock(sk);
	return peer;
}

/* The other end of a connection learns that this one is gone. */
static void unix_tell_peer_gone(struct sock *sk, struct sock *peer, bool lost_data)
{
	if (sk->sk_type == SOCK_STREAM || sk->sk_type == SOCK_SEQPACKET) {
		unix_state_lock(peer);
		WRITE_ONCE(peer->sk_shutdown, SHUTDOWN_MASK);
		if (lost_data)
			WRITE_ONCE(peer->sk_err, ECONNRESET);
		unix_state_unlock(peer);
		peer->sk_state_change(peer);
	}
	unix_dgram_peer_wake_disconnect(sk, peer);
	sock_put(peer);
}

/*
 * Is there a message that nobody will read any more? A first one that is empty does not count: 6.1 looks behind it,
 * where an out-of-band byte that was taken would stand.
 */
static bool has_unread(struct sock *sk)
{
	const struct sk_buff *skb = skb_peek(&sk->sk_receive_queue);

	return skb && (skb->len || skb_queue_len(&sk->sk_receive_queue) > 1);
}

/* Takes the socket's reference. @embryo: it was never accepted. */
static void unix_release_sock(struct sock *sk, bool embryo)
{
	struct unix_sock *u = unix_sk(sk);
	struct path path;

	unix_unbind(u, &path);
	unix_state_lock(sk);
	sock_orphan(sk);
	WRITE_ONCE(sk->sk_shutdown, SHUTDOWN_MASK);
	u8 state = sk->sk_state;
	struct sock *peer = u->peer;

	sk->sk_state = TCP_CLOSE;
	u->peer = NULL;
	unix_state_unlock(sk);
	wake_up_interruptible_all(&u->peer_wait);
	if (peer)
		unix_tell_peer_gone(sk, peer, embryo || has_unread(sk));
	struct sk_buff *skb;

	/*
	 * It is marked dead, so nothing is queued any more. What a listener has queued are sockets.
	 */
	while ((skb = skb_dequeue(&sk->sk_receive_queue)) != NULL) {
		struct sock *child = state == TCP_LISTEN ? skb->sk : NULL;

		if (child)
			skb->sk = NULL;
		kfree_skb(skb, SKB_DROP_REASON_SOCKET_CLOSED);
		if (child)
			unix_release_sock(child, true);
	}
	if (path.dentry)
		path_put(&path);
	sock_put(sk);
}

static int unix_release(struct socket *sock)
{
	struct sock *sk = sock->sk;

	if (!sk)
		return 0;
	unix_release_sock(sk, false);
	sock->sk = NULL;
	unix_gc_schedule();
	return 0;
}

/* --- connecting ---------------------------------------------------------------------------- */

static struct ucred current_ucred(void)
{
	return (struct ucred){ current->tgid, current->cred.euid, current->cred.egid };
}

s64 unix_wait_for_peer(struct sock *other, s64 timeo)
{
	struct unix_sock *u = unix_sk(other);
	DEFINE_WAIT(wait);

	prepare_to_wait_exclusive(&u->peer_wait, &wait, TASK_INTERRUPTIBLE);
	bool sleep = !sock_flag(other, SOCK_DEAD) &&
		     !(READ_ONCE(other->sk_shutdown) & RCV_SHUTDOWN) && unix_recvq_full(other);

	unix_state_unlock(other);
	if (sleep)
		timeo = schedule_timeout_ns(timeo);
	finish_wait(&u->peer_wait, &wait);
	return timeo;
}

static int unix_listen(struct socket *sock, int backlog)
{
	struct sock *sk = sock->sk;
	int err = -EINVAL;

	if (!unix_sk(sk)->addr)
		return -EINVAL;
	unix_state_lock(sk);
	if (sk->sk_state == TCP_CLOSE || sk->sk_state == TCP_LISTEN) {
		bool more = (u32)backlog > sk->sk_max_ack_backlog;

		WRITE_ONCE(sk->sk_max_ack_backlog, (u32)backlog);
		sk->sk_state = TCP_LISTEN;
		sk->sk_peer = current_ucred();
		err = 0;
		if (more)
			wake_up_interruptible_all(&unix_sk(sk)->peer_wait);
	}
	unix_state_unlock(sk);
	return err;
}

/*
 * A listener of that name with room in its queue, state locked and with a reference; waits for
 * room. ERR_PTR. The name is looked up anew after each sleep: the listener may be another by then.
 */
static struct sock *unix_lock_listener(struct sock *sk, const struct sockaddr_un *name, int len,
				       s64 *timeo)
{
	for (;;) {
		struct sock *other = unix_find_other(name, len, sk->sk_type);

		if (IS_ERR(other))
			return other;
		int err = -ECONNREFUSED;

		unix_state_lock(other);
		if (sock_flag(other, SOCK_DEAD)) {
			unix_state_unlock(other);
			sock_put(other);
			continue;
		}
		if (other->sk_state == TCP_LISTEN &&
		    !(READ_ONCE(other->sk_shutdown) & RCV_SHUTDOWN)) {
			if (!unix_recvq_full(other))
				return other;
			err = -EAGAIN;
		}
		if (err == -EAGAIN && *timeo) {
			*timeo = unix_wait_for_peer(other, *timeo);
			err = signal_pending(current) ? sock_intr_errno(*timeo) : 0;
		} else {
			unix_state_unlock(other);
		}
		sock_put(other);
		if (err)
			return ERR_PTR(err);
	}
}

/*
 * @sk, @child and the listener @other, which is locked, become what a connection is. Unlocks.
 * Return: 0 or -errno.
 */
static int unix_join(struct socket *sock, struct sock *sk, struct sock *child, struct sock *other,
		     struct sk_buff *skb)
{
	/*
	 * A listener may not be locked second: it may be the first of somebody else who connects to
	 * it.
	 */
	int err = READ_ONCE(sk->sk_state) == TCP_LISTEN ? -EINVAL : 0;

	if (err)
		goto out_unlock_other;
	spin_lock_nested(&unix_sk(sk)->lock, 1);
	if (sk->sk_state != TCP_CLOSE) {
		err = sk->sk_state == TCP_ESTABLISHED ? -EISCONN : -EINVAL;
		goto out_unlock;
	}
	sock_hold(sk);
	unix_sk(child)->peer = sk;
	child->sk_state = TCP_ESTABLISHED;
	child->sk_peer = current_ucred();
	struct unix_address *a = unix_sk(other)->addr;

	if (a) {
		refcount_inc(&a->refs);
		unix_sk(child)->addr = a;
	}
	sk->sk_peer = other->sk_peer;
	sock->state = SS_CONNECTED;
	sk->sk_state = TCP_ESTABLISHED;
	sock_hold(child);
	/* complete before a sender sees it; pairs with unix_stream_sendmsg() */
	smp_store_release(&unix_sk(sk)->peer, child);
	skb->sk = child;
	skb_queue_tail(&other->sk_receive_queue, skb);
out_unlock:
	spin_unlock(&unix_sk(sk)->lock);
out_unlock_other:
	unix_state_unlock(other);
	return err;
}

static int unix_stream_connect(struct socket *sock, const struct sockaddr_storage_k *uaddr,
			       int addr_len, int flags)
{
	const struct sockaddr_un *name = (const struct sockaddr_un *)uaddr;
	struct sock *sk = sock->sk;
	int err = unix_validate_addr(name, addr_len);

	if (err)
		return err;
	if (sock_flag(sk, SOCK_PASSCRED_F) && !unix_sk(sk)->addr) {
		err = unix_autobind(sk);
		if (err)
			return err;
	}
	s64 timeo = sock_sndtimeo(sk, flags & O_NONBLOCK);
	/* All memory first: nothing fails once the listener is locked. */
	struct sock *child = unix_create1(NULL, sk->sk_type);
	struct sk_buff *skb = alloc_skb(0, GFP_KERNEL);

	err = -ENOMEM;
	if (!child || !skb)
		goto out_free;
	struct sock *other = unix_lock_listener(sk, name, addr_len, &timeo);

	if (IS_ERR(other)) {
		err = (int)PTR_ERR(other);
		goto out_free;
	}
	/* A listener that connects to itself would be locked twice; it can never be TCP_CLOSE. */
	if (other == sk) {
		unix_state_unlock(other);
		err = -EINVAL;
	} else {
		err = unix_join(sock, sk, child, other, skb);
	}
	if (!err)
		other->sk_data_ready(other);
	sock_put(other);
	if (!err)
		return 0;
out_free:
	consume_skb(skb);
	if (child)
		unix_release_sock(child, false);
	return err;
}

static int unix_socketpair(struct socket *a, struct socket *b)
{
	struct sock *ska = a->sk, *skb = b->sk;

	sock_hold(ska);
	sock_hold(skb);
	unix_sk(ska)->peer = skb;
	unix_sk(skb)->peer = ska;
	ska->sk_peer = skb->sk_peer = current_ucred();
	ska->sk_state = skb->sk_state = TCP_ESTABLISHED;
	a->state = b->state = SS_CONNECTED;
	return 0;
}

static int unix_accept(struct socket *sock, struct socket *newsock, int flags)
{
	struct sock *sk = sock->sk;
	int err;

	if (sk->sk_type != SOCK_STREAM && sk->sk_type != SOCK_SEQPACKET)
		return -EOPNOTSUPP;
	if (sk->sk_state != TCP_LISTEN)
		return -EINVAL;
	struct sk_buff *skb = skb_recv_datagram(sk, flags & O_NONBLOCK ? MSG_DONTWAIT : 0, &err);

	if (!skb)
		return err ? err : -EINVAL; /* shut down: no more will come */
	struct sock *child = skb->sk;

	skb->sk = NULL;
	consume_skb(skb);
	wake_up_interruptible(&unix_sk(sk)->peer_wait);
	unix_state_lock(child);
	newsock->state = SS_CONNECTED;
	sock_graft(child, newsock);
	unix_state_unlock(child);
	return 0;
}

/* Two sockets locked in the order of their addresses: others may lock the same two. */
static void unix_state_double_lock(struct sock *a, struct sock *b)
{
	if (a > b)
		swap(a, b);
	unix_state_lock(a);
	if (a != b)
		spin_lock_nested(&unix_sk(b)->lock, 1);
}

static void unix_state_double_unlock(struct sock *a, struct sock *b)
{
	unix_state_unlock(a);
	if (a != b)
		unix_state_unlock(b);
}

/*
 * @other (a reference, or NULL: none) becomes the peer. Return: the old one, whose reference is the
 * caller's; or ERR_PTR.
 */
static struct sock *unix_dgram_set_peer(struct sock *sk, struct sock *other)
{
	struct sock *old;

	if (!other) {
		unix_state_lock(sk);
		old = unix_sk(sk)->peer;
		unix_sk(sk)->peer = NULL;
		sk->sk_state = TCP_CLOSE;
		unix_state_unlock(sk);
		return old;
	}
	unix_state_double_lock(sk, other);
	if (sock_flag(other, SOCK_DEAD))
		old = ERR_PTR(-ECONNREFUSED);
	else if (unix_sk(other)->peer && unix_sk(other)->peer != sk)
		old = ERR_PTR(-EPERM); /* it listens to somebody else only */
	else {
		old = unix_sk(sk)->peer;
		unix_sk(sk)->peer = other;
		sk->sk_state = TCP_ESTABLISHED;
	}
	unix_state_double_unlock(sk, other);
	return old;
}

static int unix_dgram_connect(struct socket *sock, const struct sockaddr_storage_k *uaddr,
			      int addr_len, __unused int flags)
{
	const struct sockaddr_un *name = (const struct sockaddr_un *)uaddr;
	struct sock *sk = sock->sk, *other = NULL;

	if (addr_len < (int)sizeof(uaddr->sa_family))
		return -EINVAL;
	if (uaddr->sa_family != AF_UNSPEC) {
		int err = unix_validate_addr(name, addr_len);

		if (!err && sock_flag(sk, SOCK_PASSCRED_F) && !unix_sk(sk)->addr)
			err = unix_autobind(sk);
		if (err)
			return err;
		other = unix_find_other(name, addr_len, sk->sk_type);
		if (IS_ERR(other))
			return (int)PTR_ERR(other);
	}
	struct sock *old = unix_dgram_set_peer(sk, other);

	if (IS_ERR(old)) {
		sock_put(other);
		return (int)PTR_ERR(old);
	}
	if (old) {
		unix_dgram_peer_wake_disconnect(sk, old);
		if (old != other)
			unix_dgram_disconnected(sk, old);
		sock_put(old);
	}
	sock->state = other ? SS_CONNECTED : SS_UNCONNECTED;
	return 0;
}

static int unix_shutdown(struct socket *sock, int how)
{
	struct sock *sk = sock->sk;

	if (how < SHUT_RD || how > SHUT_RDWR)
		return -EINVAL;
	u8 mask = (u8)(how + 1);

	unix_state_lock(sk);
	WRITE_ONCE(sk->sk_shutdown, sk->sk_shutdown | mask);
	struct sock *other = unix_sk(sk)->peer;

	if (other)
		sock_hold(other);
	unix_state_unlock(sk);
	sk->sk_state_change(sk);
	if (!other)
		return 0;
	if (sk->sk_type == SOCK_STREAM || sk->sk_type == SOCK_SEQPACKET) {
		/* Our writing is the other's reading. */
		u8 mirror = (u8)((mask & RCV_SHUTDOWN ? SEND_SHUTDOWN : 0) |
				 (mask & SEND_SHUTDOWN ? RCV_SHUTDOWN : 0));

		unix_state_lock(other);
		WRITE_ONCE(other->sk_shutdown, other->sk_shutdown | mirror);
		unix_state_unlock(other);
		other->sk_state_change(other);
	}
	sock_put(other);
	return 0;
}

/* --- poll and ioctl ------------------------------------------------------------------------ */

/*
 * Put @sk's stand-in on its peer's peer_wait. Return: true if the peer's queue is full, so that
 * waiting makes sense.
 */
static bool unix_dgram_peer_wake_me(struct sock *sk, struct sock *other)
{
	struct unix_sock *u = unix_sk(sk), *o = unix_sk(other);
	unsigned long flags;

	spin_lock_irqsave(&o->peer_wait.lock, flags);
	if (!u->peer_wake.private) {
		u->peer_wake.private = other;
		__add_wait_queue(&o->peer_wait, &u->peer_wake);
	}
	spin_unlock_irqrestore(&o->peer_wait.lock, flags);
	if (unix_recvq_full(other) && !sock_flag(other, SOCK_DEAD))
		return true;
	unix_dgram_peer_wake_disconnect(sk, other);
	return false;
}

void unix_dgram_peer_wake_disconnect(struct sock *sk, struct sock *other)
{
	struct unix_sock *u = unix_sk(sk), *o = unix_sk(other);
	unsigned long flags;

	spin_lock_irqsave(&o->peer_wait.lock, flags);
	if (u->peer_wake.private == other) {
		list_del_init(&u->peer_wake.entry);
		u->peer_wake.private = NULL;
	}
	spin_unlock_irqrestore(&o->peer_wait.lock, flags);
}

static __poll_t unix_poll_common(struct sock *sk)
{
	__poll_t mask = 0;
	u8 shutdown = READ_ONCE(sk->sk_shutdown);

	if (READ_ONCE(sk->sk_err))
		mask |= EPOLLERR;
	if (shutdown == SHUTDOWN_MASK)
		mask |= EPOLLHUP;
	if (shutdown & RCV_SHUTDOWN)
		mask |= EPOLLRDHUP | EPOLLIN | EPOLLRDNORM;
	if (!skb_queue_empty(&sk->sk_receive_queue))
		mask |= EPOLLIN | EPOLLRDNORM;
	if (sk->sk_type != SOCK_DGRAM && sk->sk_state == TCP_CLOSE)
		mask |= EPOLLHUP;
	return mask;
}

static __poll_t unix_poll(struct file *file, struct socket *sock, poll_table *wait)
{
	struct sock *sk = sock->sk;

	sock_poll_wait(file, sock, wait);
	__poll_t mask = unix_poll_common(sk);

	if (unix_writable(sk))
		mask |= EPOLLOUT | EPOLLWRNORM | EPOLLWRBAND;
	return mask;
}

static __poll_t unix_dgram_poll(struct file *file, struct socket *sock, poll_table *wait)
{
	struct sock *sk = sock->sk;

	sock_poll_wait(file, sock, wait);
	__poll_t mask = unix_poll_common(sk);

	if (!(poll_requested_events(wait) & (EPOLLWRBAND | EPOLLWRNORM | EPOLLOUT)))
		return mask;
	bool writable = unix_writable(sk);

	unix_state_lock(sk);
	struct sock *other = unix_sk(sk)->peer;

	/* A peer that is connected to us has no limit for us: see unix_dgram_deliver(). */
	if (writable && other && READ_ONCE(unix_sk(other)->peer) != sk && unix_recvq_full(other) &&
	    unix_dgram_peer_wake_me(sk, other))
		writable = false;
	unix_state_unlock(sk);
	if (writable)
		mask |= EPOLLOUT | EPOLLWRNORM | EPOLLWRBAND;
	else
		sock_set_flag(sk, SOCK_NOSPACE);
	return mask;
}

static int unix_inq_len(struct sock *sk)
{
	unsigned long flags;
	int amount = 0;

	if (sk->sk_state == TCP_LISTEN)
		return -EINVAL;
	spin_lock_irqsave(&sk->sk_receive_queue.lock, flags);
	struct sk_buff *skb = skb_peek(&sk->sk_receive_queue);

	if (sk->sk_type == SOCK_DGRAM)
		amount = skb ? (int)skb->len : 0;
	else
		skb_queue_walk(&sk->sk_receive_queue, skb)
			amount += (int)(skb->len - UNIXCB(skb)->consumed);
	spin_unlock_irqrestore(&sk->sk_receive_queue.lock, flags);
	return amount;
}

static int unix_ioctl(struct socket *sock, unsigned int cmd, unsigned long arg)
{
	struct sock *sk = sock->sk;
	s32 amount;

	switch (cmd) {
	case SIOCOUTQ:
		amount = atomic_read(&sk->sk_wmem_alloc) - 1;
		return put_user(amount, UPTR(arg));
	case SIOCINQ:
		amount = unix_inq_len(sk);
		return amount < 0 ? amount : put_user(amount, UPTR(arg));
	default:
		return -ENOIOCTLCMD;
	}
}

/* --- the user's view, tables, boot --------------------------------------------------------- */

static void unix_show_one(struct seq_file *m, struct unix_sock *u)
{
	const struct sock *sk = &u->sk;
	const struct socket *sock = sk->sk_socket;
	socket_state state = sock ? sk->sk_state == TCP_ESTABLISHED ? SS_CONNECTED : SS_UNCONNECTED
			     : sk->sk_state == TCP_ESTABLISHED ? SS_CONNECTING
							       : SS_DISCONNECTING;

	seq_printf(m, "%p: %08X %08X %08X %04X %02X %5llu", (void *)NULL,
		   (unsigned int)refcount_read(&sk->sk_refcnt), 0,
		   sk->sk_state == TCP_LISTEN ? 1 << 16 : 0, sk->sk_type, state,
		   (unsigned long long)sk->sk_ino);
	if (u->addr) {
		int len = u->addr->len - UNIX_PATH_OFFSET - !name_is_abstract(&u->addr->name);

		seq_putc(m, ' ');
		for (int i = 0; i < len; i++)
			seq_putc(m, u->addr->name.sun_path[i] ? u->addr->name.sun_path[i] : '@');
	}
	seq_putc(m, '\n');
}

static void unix_show(struct seq_file *m, __unused void *arg)
{
	struct unix_sock *u;

	seq_puts(m, "Num       RefCount Protocol Flags    Type St Inode Path\n");
	spin_lock(&unix_table_lock);
	list_for_each_entry(u, &unix_sockets, link)
		unix_show_one(m, u);
	spin_unlock(&unix_table_lock);
}

static const struct proto_ops unix_stream_ops = {
	.family = AF_UNIX,
	.release = unix_release,
	.bind = unix_bind,
	.connect = unix_stream_connect,
	.socketpair = unix_socketpair,
	.accept = unix_accept,
	.getname = unix_getname,
	.poll = unix_poll,
	.ioctl = unix_ioctl,
	.listen = unix_listen,
	.shutdown = unix_shutdown,
	.sendmsg = unix_stream_sendmsg,
	.recvmsg = unix_stream_recvmsg,
	.show_fdinfo = unix_show_fdinfo,
};

static const struct proto_ops unix_dgram_ops = {
	.family = AF_UNIX,
	.release = unix_release,
	.bind = unix_bind,
	.connect = unix_dgram_connect,
	.socketpair = unix_socketpair,
	.accept = sock_no_accept,
	.getname = unix_getname,
	.poll = unix_dgram_poll,
	.ioctl = unix_ioctl,
	.listen = sock_no_listen,
	.shutdown = unix_shutdown,
	.sendmsg = unix_dgram_sendmsg,
	.recvmsg = unix_dgram_recvmsg,
	.show_fdinfo = unix_show_fdinfo,
};

static const struct proto_ops unix_seqpacket_ops = {
	.family = AF_UNIX,
	.release = unix_release,
	.bind = unix_bind,
	.connect = unix_stream_connect,
	.socketpair = unix_socketpair,
	.accept = unix_accept,
	.getname = unix_getname,
	.poll = unix_dgram_poll,
	.ioctl = unix_ioctl,
	.listen = unix_listen,
	.shutdown = unix_shutdown,
	.sendmsg = unix_seqpacket_sendmsg,
	.recvmsg = unix_seqpacket_recvmsg,
	.show_fdinfo = unix_show_fdinfo,
};

static const struct net_proto_family unix_family_ops = { .family = AF_UNIX, .create = unix_create };

void unix_init(void)
{
	if (proto_register(&unix_proto) || sock_register(&unix_family_ops))
		panic("AF_UNIX cannot be registered");
	unix_gc_init();
	proc_create_single("net/unix", unix_show, NULL);
}

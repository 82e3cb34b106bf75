/*
 * net/core/sockopt.c - options of SOL_SOCKET, and the control messages they ask for.
 *
 * Linux:   net/core/sock.c: sock_setsockopt(), sock_getsockopt() (6.1)
 * Same:    order of checks, clamping and doubling of buffer sizes, what reads back.
 * Differs: 1. options whose job nothing here does (filters but of packet sockets, busy polling, zero copy,
 *             SO_TIMESTAMPING ...) are -ENOPROTOOPT, as Linux says for numbers it does not know.
 * Locks:   SOCK_OWNER.
 * Walk:    sys_setsockopt -> sock_setsockopt().
 */
#include "kernel/process.h"
#include "kernel/slab.h"
#include "kernel/string.h"
#include "kernel/time.h"
#include "kernel/uaccess.h"
#include "net/filter.h"
#include "net/netdevice.h"
#include "net/sock.h"

struct linger { s32 l_onoff, l_linger; };

static void sock_valbool_flag(struct sock *sk, enum sock_flags flag, bool on)
{
	if (on)
		sock_set_flag(sk, flag);
	else
		sock_reset_flag(sk, flag);
}

/* --- setting ------------------------------------------------------------------------------- */

static int sock_set_timeout(s64 *timeo_ns, uptr optval, unsigned int optlen)
{
	struct timeval64 tv;

	if (optlen < sizeof(tv))
		return -EINVAL;
	if (copy_from_user(&tv, optval, sizeof(tv)))
		return -EFAULT;
	if (tv.tv_usec < 0 || tv.tv_usec >= (s64)USEC_PER_SEC)
		return -EDOM;
	if (tv.tv_sec < 0)
		*timeo_ns = 0;
	else if ((!tv.tv_sec && !tv.tv_usec) ||
		 tv.tv_sec >= MAX_SCHEDULE_TIMEOUT / (s64)NSEC_PER_SEC - 1)
		*timeo_ns = MAX_SCHEDULE_TIMEOUT;
	else
		*timeo_ns = tv.tv_sec * (s64)NSEC_PER_SEC + tv.tv_usec * (s64)NSEC_PER_USEC;
	return 0;
}

static int sock_set_linger(struct sock *sk, uptr optval, unsigned int optlen)
{
	struct linger l;

	if (optlen < sizeof(l))
		return -EINVAL;
	if (copy_from_user(&l, optval, sizeof(l)))
		return -EFAULT;
	if (!l.l_onoff) {
		sock_reset_flag(sk, SOCK_LINGER);
		return 0;
	}
	sk->sk_lingertime_ns = (s64)(unsigned int)l.l_linger * (s64)NSEC_PER_SEC;
	sock_set_flag(sk, SOCK_LINGER);
	return 0;
}

/* Linux doubles what is asked for: half of a buffer goes to bookkeeping. */
static void sock_set_sndbuf(struct sock *sk, int val)
{
	int size = min_t(int, val, S32_MAX / 2) * 2;

	sk->sk_userlocks |= SOCK_SNDBUF_LOCK;
	WRITE_ONCE(sk->sk_sndbuf, max_t(int, size, SOCK_MIN_SNDBUF));
	sk->sk_write_space(sk);
}

static void sock_set_rcvbuf(struct sock *sk, int val)
{
	int size = min_t(int, val, S32_MAX / 2) * 2;

	sk->sk_userlocks |= SOCK_RCVBUF_LOCK;
	WRITE_ONCE(sk->sk_rcvbuf, max_t(int, size, SOCK_MIN_RCVBUF));
}

static int sock_bind_index(struct sock *sk, int ifindex)
{
	/* Only root may leave or change the device it was bound to. */
	if (sk->sk_bound_dev_if && !capable_root())
		return -EPERM;
	if (ifindex < 0)
		return -EINVAL;
	sk->sk_bound_dev_if = ifindex;
	if (sk->sk_dst) {
		rt_put(sk->sk_dst);
		sk->sk_dst = NULL;
	}
	return 0;
}

static int sock_set_bindtodevice(struct sock *sk, uptr optval, unsigned int optlen)
{
	char name[IFNAMSIZ];
	int index = 0;

	if (optlen > IFNAMSIZ - 1)
		optlen = IFNAMSIZ - 1;
	memset(name, 0, sizeof(name));
	if (copy_from_user(name, optval, optlen))
		return -EFAULT;
	if (name[0]) {
		struct net_device *dev = dev_get_by_name(name);

		if (!dev)
			return -ENODEV;
		index = dev->ifindex;
		dev_put(dev);
	}
	lock_sock(sk);
	int err = sock_bind_index(sk, index);

	release_sock(sk);
	return err;
}

/* SO_ATTACH_FILTER, SO_DETACH_FILTER, SO_LOCK_FILTER. Sock owned. */
static int sock_set_filter(struct sock *sk, int optname, s32 val, uptr optval, unsigned int optlen)
{
	struct sk_filter *filter = NULL;

	if (!sk->sk_prot->set_filter)
		return -ENOPROTOOPT;
	if (optname == SO_LOCK_FILTER) {
		if (sock_flag(sk, SOCK_FILTER_LOCKED) && !val)
			return -EPERM;
		sock_valbool_flag(sk, SOCK_FILTER_LOCKED, val);
		return 0;
	}
	if (optname == SO_ATTACH_FILTER) {
		filter = bpf_prog_create(optval, optlen);
		if (IS_ERR(filter))
			return (int)PTR_ERR(filter);
	}
	if (!sock_flag(sk, SOCK_FILTER_LOCKED))
		return sk->sk_prot->set_filter(sk, filter);
	kfree(filter);
	return -EPERM;
}

/* Those that are no more than a value kept. Return: -ENOPROTOOPT: not one of them. */
static int sock_set_value(struct socket *sock, int optname, int val)
{
	struct sock *sk = sock->sk;
	bool on = val != 0;

	switch (optname) {
	case SO_REUSEADDR:
		sk->sk_reuse = on;
		return 0;
	case SO_REUSEPORT:
		sk->sk_reuseport = on;
		return 0;
	case SO_DONTROUTE:
		sock_valbool_flag(sk, SOCK_LOCALROUTE, on);
		return 0;
	case SO_BROADCAST:
		sock_valbool_flag(sk, SOCK_BROADCAST, on);
		return 0;
	case SO_OOBINLINE:
		sock_valbool_flag(sk, SOCK_URGINLINE, on);
		return 0;
	case SO_NO_CHECK:
		sk->sk_no_check_tx = on;
		return 0;
	case SO_BSDCOMPAT: /* accepted and without effect since Linux 2.6 */
		return 0;
	case SO_PASSCRED:
		sock_valbool_flag(sk, SOCK_PASSCRED_F, on);
		return 0;
	case SO_RXQ_OVFL:
		sock_valbool_flag(sk, SOCK_RXQ_OVFL_F, on);
		return 0;
	case SO_TIMESTAMP:
	case SO_TIMESTAMP_NEW:
		sock_valbool_flag(sk, SOCK_TIMESTAMP, on);
		sock_reset_flag(sk, SOCK_TIMESTAMPNS);
		return 0;
	case SO_TIMESTAMPNS:
	case SO_TIMESTAMPNS_NEW:
		sock_valbool_flag(sk, SOCK_TIMESTAMPNS, on);
		sock_reset_flag(sk, SOCK_TIMESTAMP);
		return 0;
	case SO_RCVLOWAT:
		WRITE_ONCE(sk->sk_rcvlowat, val < 0 ? S32_MAX : val ? val : 1);
		return 0;
	default:
		return -ENOPROTOOPT;
	}
}

/* Those that clamp, ask for a privilege or tell the protocol. */
static int sock_set_checked(struct socket *sock, int optname, int val)
{
	struct sock *sk = sock->sk;

	switch (optname) {
	case SO_DEBUG:
		if (val && !capable_root())
			return -EACCES;
		sock_valbool_flag(sk, SOCK_DBG, val != 0);
		return 0;
	case SO_SNDBUF:
		/*
		 * Compared as unsigned: a negative size is a very large one, and gets the most
		 * there is.
		 */
		sock_set_sndbuf(sk, (int)min_t(u32, (u32)val, (u32)sysctl_wmem_max));
		return 0;
	case SO_RCVBUF:
		sock_set_rcvbuf(sk, (int)min_t(u32, (u32)val, (u32)sysctl_rmem_max));
		return 0;
	case SO_SNDBUFFORCE:
		if (!capable_root())
			return -EPERM;
		sock_set_sndbuf(sk, max(val, 0));
		return 0;
	case SO_RCVBUFFORCE:
		if (!capable_root())
			return -EPERM;
		sock_set_rcvbuf(sk, max(val, 0));
		return 0;
	case SO_KEEPALIVE:
		if (sk->sk_prot->keepalive)
			sk->sk_prot->keepalive(sk, val != 0);
		sock_valbool_flag(sk, SOCK_KEEPOPEN, val != 0);
		return 0;
	case SO_PRIORITY:
		if ((val < 0 || val > 6) && !capable_root())
			return -EPERM;
		sk->sk_priority = (u32)val;
		return 0;
	case SO_MARK:
		if (!capable_root())
			return -EPERM;
		sk->sk_mark = (u32)val;
		return 0;
	case SO_BINDTOIFINDEX:
		return sock_bind_index(sk, val);
	default:
		return sock_set_value(sock, optname, val);
	}
}

int sock_setsockopt(struct socket *sock, int optname, uptr optval, unsigned int optlen)
{
	struct sock *sk = sock->sk;
	s32 val;

	if (optname == SO_BINDTODEVICE)
		return sock_set_bindtodevice(sk, optval, optlen);
	if (optlen < sizeof(val))
		return -EINVAL;
	if (get_user(val, optval))
		return -EFAULT;
	int err;

	lock_sock(sk);
	switch (optname) {
	case SO_LINGER:
		err = sock_set_linger(sk, optval, optlen);
		break;
	case SO_RCVTIMEO:
	case SO_RCVTIMEO_NEW:
		err = sock_set_timeout(&sk->sk_rcvtimeo_ns, optval, optlen);
		break;
	case SO_SNDTIMEO:
	case SO_SNDTIMEO_NEW:
		err = sock_set_timeout(&sk->sk_sndtimeo_ns, optval, optlen);
		break;
	case SO_ATTACH_FILTER:
	case SO_DETACH_FILTER:
	case SO_LOCK_FILTER:
		err = sock_set_filter(sk, optname, val, optval, optlen);
		break;
	default:
		err = sock_set_checked(sock, optname, val);
	}
	release_sock(sk);
	return err;
}

/* --- getting ------------------------------------------------------------------------------- */

/* Copy out at most *optlen bytes of an answer of @size bytes, and say how many. */
static int put_sockopt(const void *val, size_t size, uptr optval, uptr optlen)
{
	s32 len;

	if (get_user(len, optlen))
		return -EFAULT;
	if (len < 0)
		return -EINVAL;
	if ((size_t)len > size)
		len = (s32)size;
	if (copy_to_user(optval, val, (size_t)len))
		return -EFAULT;
	return put_user(len, optlen);
}

int put_sockopt_int(int val, uptr optval, uptr optlen)
{
	return put_sockopt(&val, sizeof(val), optval, optlen);
}

static int sock_get_timeout(s64 timeo_ns, uptr optval, uptr optlen)
{
	struct timeval64 tv = { 0, 0 };

	if (timeo_ns != MAX_SCHEDULE_TIMEOUT) {
		tv.tv_sec = timeo_ns / (s64)NSEC_PER_SEC;
		tv.tv_usec = timeo_ns % (s64)NSEC_PER_SEC / (s64)NSEC_PER_USEC;
	}
	return put_sockopt(&tv, sizeof(tv), optval, optlen);
}

static int sock_get_bindtodevice(struct sock *sk, uptr optval, uptr optlen)
{
	s32 len;

	if (get_user(len, optlen))
		return -EFAULT;
	if (len < 0)
		return -EINVAL;
	if (!sk->sk_bound_dev_if)
		return put_user((s32)0, optlen);
	if (len < IFNAMSIZ)
		return -EINVAL;
	struct net_device *dev = dev_get_by_index(sk->sk_bound_dev_if);

	if (!dev)
		return -ENODEV;
	s32 n = (s32)strlen(dev->name) + 1;
	bool fault = copy_to_user(optval, dev->name, (size_t)n) != 0;

	dev_put(dev);
	return fault || put_user(n, optlen) ? -EFAULT : 0;
}

static int sock_get_peername(struct socket *sock, uptr optval, uptr optlen)
{
	struct sockaddr_storage_k addr;
	s32 len;

	if (get_user(len, optlen))
		return -EFAULT;
	int n = sock->ops->getname(sock, &addr, true);

	if (n < 0)
		return -ENOTCONN;
	if (len < 0 || n < len)
		return -EINVAL;
	if (copy_to_user(optval, &addr, (size_t)len))
		return -EFAULT;
	return put_user(len, optlen);
}

/* The pending error; a soft one (from ICMP) if there is no hard one. */
static int sock_take_error(struct sock *sk)
{
	int err = -sock_error(sk);

	return err ? err : xchg(&sk->sk_err_soft, 0);
}

/* Options that are one int. Return: false: not one of them. */
static bool sock_get_int(struct socket *sock, int optname, int *val)
{
	struct sock *sk = sock->sk;

	switch (optname) {
	case SO_DEBUG: *val = sock_flag(sk, SOCK_DBG); return true;
	case SO_REUSEADDR: *val = sk->sk_reuse; return true;
	case SO_REUSEPORT: *val = sk->sk_reuseport; return true;
	case SO_TYPE: *val = sk->sk_type; return true;
	case SO_PROTOCOL: *val = sk->sk_protocol; return true;
	case SO_DOMAIN: *val = sk->sk_family; return true;
	case SO_ERROR: *val = sock_take_error(sk); return true;
	case SO_DONTROUTE: *val = sock_flag(sk, SOCK_LOCALROUTE); return true;
	case SO_BROADCAST: *val = sock_flag(sk, SOCK_BROADCAST); return true;
	case SO_SNDBUF: *val = sk->sk_sndbuf; return true;
	case SO_RCVBUF: *val = sk->sk_rcvbuf; return true;
	case SO_KEEPALIVE: *val = sock_flag(sk, SOCK_KEEPOPEN); return true;
	case SO_OOBINLINE: *val = sock_flag(sk, SOCK_URGINLINE); return true;
	case SO_NO_CHECK: *val = sk->sk_no_check_tx; return true;
	case SO_PRIORITY: *val = (int)sk->sk_priority; return true;
	case SO_BSDCOMPAT: *val = 0; return true;
	case SO_PASSCRED: *val = sock_flag(sk, SOCK_PASSCRED_F); return true;
	case SO_RCVLOWAT: *val = sk->sk_rcvlowat; return true;
	case SO_SNDLOWAT: *val = 1; return true;
	case SO_TIMESTAMP:
	case SO_TIMESTAMP_NEW: *val = sock_flag(sk, SOCK_TIMESTAMP); return true;
	case SO_TIMESTAMPNS:
	case SO_TIMESTAMPNS_NEW: *val = sock_flag(sk, SOCK_TIMESTAMPNS); return true;
	case SO_ACCEPTCONN: *val = sk->sk_state == TCP_LISTEN; return true;
	case SO_MARK: *val = (int)sk->sk_mark; return true;
	case SO_RXQ_OVFL: *val = sock_flag(sk, SOCK_RXQ_OVFL_F); return true;
	case SO_BINDTOIFINDEX: *val = sk->sk_bound_dev_if; return true;
	case SO_LOCK_FILTER: *val = sock_flag(sk, SOCK_FILTER_LOCKED); return true;
	default: return false;
	}
}

static int sock_get_cookie(struct sock *sk, uptr optval, uptr optlen)
{
	s32 len;

	if (get_user(len, optlen))
		return -EFAULT;
	if (len < (s32)sizeof(u64))
		return -EINVAL;
	u64 cookie = sk->sk_ino;

	return put_sockopt(&cookie, sizeof(cookie), optval, optlen);
}

int sock_getsockopt(struct socket *sock, int optname, uptr optval, uptr optlen)
{
	struct sock *sk = sock->sk;
	s32 len;
	int val;

	/* Checked first: SO_ERROR must not lose its error to a bad pointer. */
	if (get_user(len, optlen))
		return -EFAULT;
	if (len < 0)
		return -EINVAL;
	if (sock_get_int(sock, optname, &val))
		return put_sockopt_int(val, optval, optlen);
	switch (optname) {
	case SO_LINGER: {
		struct linger l = { sock_flag(sk, SOCK_LINGER),
				    (s32)(sk->sk_lingertime_ns / (s64)NSEC_PER_SEC) };

		return put_sockopt(&l, sizeof(l), optval, optlen);
	}
	case SO_RCVTIMEO:
	case SO_RCVTIMEO_NEW:
		return sock_get_timeout(sk->sk_rcvtimeo_ns, optval, optlen);
	case SO_SNDTIMEO:
	case SO_SNDTIMEO_NEW:
		return sock_get_timeout(sk->sk_sndtimeo_ns, optval, optlen);
	case SO_PEERCRED:
		return put_sockopt(&sk->sk_peer, sizeof(sk->sk_peer), optval, optlen);
	case SO_PEERNAME:
		return sock_get_peername(sock, optval, optlen);
	case SO_BINDTODEVICE:
		return sock_get_bindtodevice(sk, optval, optlen);
	case SO_COOKIE:
		return sock_get_cookie(sk, optval, optlen);
	default:
		return -ENOPROTOOPT;
	}
}

/* --- control messages ---------------------------------------------------------------------- */

static void sock_recv_timestamp(struct msghdr *msg, struct sock *sk, const struct sk_buff *skb)
{
	u64 ns = skb->tstamp_ns ? skb->tstamp_ns : ktime_get_real_ns();

	if (sock_flag(sk, SOCK_TIMESTAMPNS)) {
		struct timespec64 ts = ns_to_timespec64(ns);

		put_cmsg(msg, SOL_SOCKET, SO_TIMESTAMPNS, sizeof(ts), &ts);
	} else {
		struct timeval64 tv = { (s64)(ns / NSEC_PER_SEC),
					(s64)(ns % NSEC_PER_SEC / NSEC_PER_USEC) };

		put_cmsg(msg, SOL_SOCKET, SO_TIMESTAMP, sizeof(tv), &tv);
	}
}

void sock_recv_cmsgs_slow(struct msghdr *msg, struct sock *sk, const struct sk_buff *skb)
{
	if (sock_flag(sk, SOCK_TIMESTAMP) || sock_flag(sk, SOCK_TIMESTAMPNS))
		sock_recv_timestamp(msg, sk, skb);
	u32 drops = (u32)atomic_read(&sk->sk_drops);

	if (sock_flag(sk, SOCK_RXQ_OVFL_F) && drops)
		put_cmsg(msg, SOL_SOCKET, SO_RXQ_OVFL, sizeof(drops), &drops);
}

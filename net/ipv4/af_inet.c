/*
 * net/ipv4/af_inet.c - the Internet family: sockets made, bound, connected; the tables of
 * protocols.
 *
 * Linux:   net/ipv4/af_inet.c, protocol.c (6.1)
 * Same:    inetsw has one row per (type, protocol), searched as in Linux; the checks of bind,
 *          connect, listen and shutdown in their order.
 * Differs: 1. both tables are const: protocols are not added at run time.
 * Locks:   SOCK_OWNER.
 * Walk:    __sock_create() -> inet_create() -> sock_init_data(); sys_connect ->
 *          inet_stream_connect() -> tcp_v4_connect().
 */
#include "kernel/process.h"
#include "kernel/random.h"
#include "kernel/string.h"
#include "kernel/uaccess.h"
#include "net/ipv4/ip.h"
#include "net/sockios.h"

enum { IPPROTO_NR = 263, PROT_SOCK = 1024, SIOCPROTOPRIVATE = 0x89e0 };

int sysctl_ip_local_port_range[2] = { 32768, 60999 };

const struct net_protocol *const inet_protos[256] = {
	[IPPROTO_ICMP] = &icmp_protocol,
	[IPPROTO_TCP] = &tcp_protocol,
	[IPPROTO_UDP] = &udp_protocol,
};

struct inet_protosw { short type; u16 protocol; struct proto *prot; const struct proto_ops *ops; };
static const struct inet_protosw inetsw[] = {
	{ SOCK_STREAM, IPPROTO_TCP, &tcp_prot, &inet_stream_ops },
	{ SOCK_DGRAM, IPPROTO_UDP, &udp_prot, &inet_dgram_ops },
	{ SOCK_DGRAM, IPPROTO_ICMP, &ping_prot, &inet_sockraw_ops },
	{ SOCK_RAW, IPPROTO_IP, &raw_prot, &inet_sockraw_ops },	/* any protocol but 0 */
};

/* --- making and ending --------------------------------------------------------------------- */

/*
 * The row for (type, *protocol); protocol 0 means the first of the type. -ESOCKTNOSUPPORT or
 * -EPROTONOSUPPORT.
 */
static const struct inet_protosw *inetsw_find(int type, int *protocol, int *err)
{
	*err = -ESOCKTNOSUPPORT;
	for (size_t i = 0; i < ARRAY_SIZE(inetsw); i++) {
		const struct inet_protosw *row = &inetsw[i];

		if (row->type != type)
			continue;
		*err = -EPROTONOSUPPORT;
		if (*protocol == row->protocol && *protocol != IPPROTO_IP)
			return row;
		if (*protocol != IPPROTO_IP && row->protocol == IPPROTO_IP)
			return row;
		if (*protocol == IPPROTO_IP && row->protocol != IPPROTO_IP) {
			*protocol = row->protocol;
			return row;
		}
	}
	return NULL;
}

static void inet_init_sock(struct inet_sock *inet, int protocol)
{
	struct sock *sk = &inet->sk;

	sk->sk_protocol = (u8)protocol;
	sk->sk_destruct = inet_sock_destruct;
	inet->is_icsk = sk->sk_type == SOCK_STREAM;
	inet->pmtudisc = IP_PMTUDISC_WANT;
	inet->mc_ttl = 1;
	inet->mc_loop = true;
	inet->inet_id = (u16)get_random_u32();
	if (sk->sk_type == SOCK_RAW) {
		sk->sk_num = (u16)protocol;
		inet->inet_sport = cpu_to_be16((u16)protocol);
		inet->hdrincl = protocol == IPPROTO_RAW;
	}
}

int inet_create(struct socket *sock, int protocol)
{
	int err;

	if (protocol < 0 || protocol >= IPPROTO_NR)
		return -EINVAL;
	const struct inet_protosw *row = inetsw_find(sock->type, &protocol, &err);

	if (!row)
		return err;
	if (sock->type == SOCK_RAW && !capable_root())
		return -EPERM;
	struct sock *sk = sk_alloc(AF_INET, GFP_KERNEL, row->prot);

	if (!sk)
		return -ENOBUFS;
	sock->ops = row->ops;
	sock_init_data(sock, sk);
	inet_init_sock(inet_sk(sk), protocol);
	err = sk->sk_num ? sk->sk_prot->hash(sk) : 0;
	if (!err && sk->sk_prot->init)
		err = sk->sk_prot->init(sk);
	if (err) {
		if (sk->sk_prot->unhash)
			sk->sk_prot->unhash(sk);
		sock_orphan(sk);
		sock->sk = NULL;
		sock_put(sk);
	}
	return err;
}

void inet_sock_destruct(struct sock *sk)
{
	skb_queue_purge(&sk->sk_receive_queue, SKB_DROP_REASON_SOCKET_CLOSED);
	skb_queue_purge(&sk->sk_error_queue, SKB_DROP_REASON_SOCKET_CLOSED);
}

int inet_release(struct socket *sock)
{
	struct sock *sk = sock->sk;

	if (!sk)
		return 0;
	/* An exiting process does not linger. */
	s64 timeout = sock_flag(sk, SOCK_LINGER) && !(current->flags & PF_EXITING)
			      ? sk->sk_lingertime_ns
			      : 0;

	sk->sk_prot->close(sk, timeout);
	sock->sk = NULL;
	return 0;
}

/* --- names --------------------------------------------------------------------------------- */

int inet_autobind(struct sock *sk)
{
	struct inet_sock *inet = inet_sk(sk);
	int err = 0;

	lock_sock(sk);
	if (!sk->sk_num) {
		if (sk->sk_prot->get_port(sk, 0))
			err = -EAGAIN;
		else
			inet->inet_sport = cpu_to_be16(sk->sk_num);
	}
	release_sock(sk);
	return err;
}

/* The rest of bind(), with the sock owned. */
static int inet_bind_locked(struct sock *sk, be32 addr, u16 port, enum inet_addr_type type)
{
	struct inet_sock *inet = inet_sk(sk);

	if (sk->sk_state != TCP_CLOSE || sk->sk_num)
		return -EINVAL;
	sk->sk_rcv_saddr = addr;
	inet->inet_saddr = type == RTN_MULTICAST || type == RTN_BROADCAST ? INADDR_ANY : addr;
	if (sk->sk_prot->get_port(sk, port)) {
		sk->sk_rcv_saddr = INADDR_ANY;
		inet->inet_saddr = INADDR_ANY;
		return -EADDRINUSE;
	}
	if (addr.raw)
		sk->sk_userlocks |= SOCK_BINDADDR_LOCK;
	if (port)
		sk->sk_userlocks |= SOCK_BINDPORT_LOCK;
	inet->inet_sport = cpu_to_be16(sk->sk_num);
	sk->sk_daddr = INADDR_ANY;
	sk->sk_dport = cpu_to_be16(0);
	return 0;
}

int inet_bind(struct socket *sock, const struct sockaddr_storage_k *uaddr, int addr_len)
{
	struct sock *sk = sock->sk;
	const struct sockaddr_in *in = (const struct sockaddr_in *)uaddr;

	if (sk->sk_prot->bind)
		return sk->sk_prot->bind(sk, in, addr_len);
	if (addr_len < (int)sizeof(*in))
		return -EINVAL;
	if (in->sin_family != AF_INET && (in->sin_family != AF_UNSPEC || in->sin_addr.raw))
		return -EAFNOSUPPORT;
	enum inet_addr_type type = inet_addr_type(in->sin_addr);
	u16 port = be16_to_cpu(in->sin_port);

	if (in->sin_addr.raw && type == RTN_UNICAST && !inet_sk(sk)->freebind &&
	    !inet_sk(sk)->transparent)
		return -EADDRNOTAVAIL;
	if (port && port < PROT_SOCK && sk->sk_protocol != IPPROTO_ICMP && !capable_root())
		return -EACCES;
	lock_sock(sk);
	int err = inet_bind_locked(sk, in->sin_addr, port, type);

	release_sock(sk);
	return err;
}

int inet_getname(struct socket *sock, struct sockaddr_storage_k *uaddr, bool peer)
{
	struct sock *sk = sock->sk;
	struct inet_sock *inet = inet_sk(sk);
	struct sockaddr_in sin = { .sin_family = AF_INET };
	int err = 0;

	lock_sock(sk);
	if (peer) {
		if (!sk->sk_dport.raw || TCPF(sk->sk_state) & (TCPF_CLOSE | TCPF_SYN_SENT))
			err = -ENOTCONN;
		sin.sin_port = sk->sk_dport;
		sin.sin_addr = sk->sk_daddr;
	} else {
		sin.sin_port = inet->inet_sport;
		sin.sin_addr = sk->sk_rcv_saddr.raw ? sk->sk_rcv_saddr : inet->inet_saddr;
	}
	release_sock(sk);
	*(struct sockaddr_in *)uaddr = sin;
	return err ? err : (int)sizeof(sin);
}

/* --- connect, listen, accept, shutdown ----------------------------------------------------- */

int inet_dgram_connect(struct socket *sock, const struct sockaddr_storage_k *uaddr, int addr_len,
		       __unused int flags)
{
	struct sock *sk = sock->sk;

	if (addr_len < (int)sizeof(uaddr->sa_family))
		return -EINVAL;
	if (uaddr->sa_family == AF_UNSPEC)
		return sk->sk_prot->disconnect(sk, 0);
	if (!sk->sk_num && sk->sk_prot->get_port && inet_autobind(sk))
		return -EAGAIN;
	return sk->sk_prot->connect(sk, (const struct sockaddr_in *)uaddr, addr_len);
}

/*
 * Sleep until the handshake is over or @timeo is up. Sock owned, given up meanwhile. Return: ns
 * left.
 */
static s64 inet_wait_for_connect(struct sock *sk, s64 timeo)
{
	DEFINE_WAIT_FUNC(wait, woken_wake_function);

	add_wait_queue(sk_sleep(sk), &wait);
	while (TCPF(sk->sk_state) & (TCPF_SYN_SENT | TCPF_SYN_RECV)) {
		release_sock(sk);
		timeo = wait_woken(&wait, TASK_INTERRUPTIBLE, timeo);
		lock_sock(sk);
		if (signal_pending(current) || !timeo)
			break;
	}
	remove_wait_queue(sk_sleep(sk), &wait);
	return timeo;
}

/* The attempt is over and failed. */
static int inet_connect_failed(struct socket *sock, int flags)
{
	struct sock *sk = sock->sk;
	int err = sock_error(sk);

	sock->state = SS_UNCONNECTED;
	if (sk->sk_prot->disconnect(sk, flags))
		sock->state = SS_DISCONNECTING;
	return err ? err : -ECONNABORTED;
}

/* The first half: 0: wait for the handshake, 1: do not, -errno. */
static int inet_connect_begin(struct socket *sock, const struct sockaddr_in *addr, int addr_len,
			      int *err)
{
	struct sock *sk = sock->sk;

	switch (sock->state) {
	case SS_CONNECTED:
		return -EISCONN;
	case SS_CONNECTING:
		*err = -EALREADY;
		return 0;
	case SS_UNCONNECTED:
		if (sk->sk_state != TCP_CLOSE)
			return -EISCONN;
		*err = sk->sk_prot->connect(sk, addr, addr_len);
		if (*err < 0)
			return *err;
		sock->state = SS_CONNECTING;
		*err = -EINPROGRESS;
		return 0;
	default:
		return -EINVAL;
	}
}

static int inet_stream_connect_locked(struct socket *sock, const struct sockaddr_in *addr,
				      int addr_len, int flags)
{
	struct sock *sk = sock->sk;
	int pending;
	int err = inet_connect_begin(sock, addr, addr_len, &pending);

	if (err)
		return err;
	s64 timeo = sock_sndtimeo(sk, flags & SOCK_NONBLOCK);

	if (TCPF(sk->sk_state) & (TCPF_SYN_SENT | TCPF_SYN_RECV)) {
		if (!timeo)
			return pending;
		timeo = inet_wait_for_connect(sk, timeo);
		if (TCPF(sk->sk_state) & (TCPF_SYN_SENT | TCPF_SYN_RECV))
			return signal_pending(current) ? sock_intr_errno(timeo) : pending;
		if (signal_pending(current) && sk->sk_state == TCP_CLOSE && !sk->sk_err)
			return sock_intr_errno(timeo);
	}
	/* Reset, timed out or refused: the state tells, and sk_err why. */
	if (sk->sk_state == TCP_CLOSE)
		return inet_connect_failed(sock, flags);
	sock->state = SS_CONNECTED;
	return 0;
}

int inet_stream_connect(struct socket *sock, const struct sockaddr_storage_k *uaddr, int addr_len,
			int flags)
{
	struct sock *sk = sock->sk;
	int err;

	if (addr_len < (int)sizeof(uaddr->sa_family))
		return -EINVAL;
	lock_sock(sk);
	if (uaddr->sa_family == AF_UNSPEC) {
		err = sk->sk_prot->disconnect(sk, flags);
		sock->state = err ? SS_DISCONNECTING : SS_UNCONNECTED;
	} else {
		err = inet_stream_connect_locked(sock, (const struct sockaddr_in *)uaddr, addr_len,
						 flags);
	}
	release_sock(sk);
	return err;
}

int inet_listen(struct socket *sock, int backlog)
{
	struct sock *sk = sock->sk;
	int err = -EINVAL;

	lock_sock(sk);
	if (sock->state == SS_UNCONNECTED && sock->type == SOCK_STREAM &&
	    TCPF(sk->sk_state) & (TCPF_CLOSE | TCPF_LISTEN)) {
		WRITE_ONCE(sk->sk_max_ack_backlog, (u32)backlog);
		err = sk->sk_state == TCP_LISTEN ? 0 : inet_csk_listen_start(sk);
	}
	release_sock(sk);
	return err;
}

int inet_accept(struct socket *sock, struct socket *newsock, int flags)
{
	struct sock *sk = sock->sk;
	int err = -EINVAL;

	if (!sk->sk_prot->accept)
		return -EOPNOTSUPP;
	struct sock *child = sk->sk_prot->accept(sk, flags, &err);

	if (!child)
		return err;
	lock_sock_nested(child, 0);
	sock_graft(child, newsock);
	newsock->state = SS_CONNECTED;
	release_sock(child);
	return 0;
}

int inet_shutdown(struct socket *sock, int how)
{
	struct sock *sk = sock->sk;
	int err = 0;

	if (how < SHUT_RD || how > SHUT_RDWR)
		return -EINVAL;
	int mask = how + 1; /* RCV_SHUTDOWN, SEND_SHUTDOWN, or both */

	lock_sock(sk);
	if (sock->state == SS_CONNECTING)
		sock->state = TCPF(sk->sk_state) & (TCPF_SYN_SENT | TCPF_SYN_RECV | TCPF_CLOSE)
				      ? SS_DISCONNECTING
				      : SS_CONNECTED;
	if (sk->sk_state == TCP_SYN_SENT || (sk->sk_state == TCP_LISTEN && mask & RCV_SHUTDOWN)) {
		err = sk->sk_prot->disconnect(sk, 0);
		sock->state = err ? SS_DISCONNECTING : SS_UNCONNECTED;
	} else if (sk->sk_state != TCP_LISTEN) {
		/* Not connected is an error, but whoever polls is told all the same. */
		if (sk->sk_state == TCP_CLOSE)
			err = -ENOTCONN;
		WRITE_ONCE(sk->sk_shutdown, sk->sk_shutdown | mask);
		if (sk->sk_prot->shutdown)
			sk->sk_prot->shutdown(sk, mask);
	}
	sk->sk_state_change(sk);
	release_sock(sk);
	return err;
}

/* --- data and ioctls ----------------------------------------------------------------------- */

ssize_t inet_sendmsg(struct socket *sock, struct msghdr *msg, size_t len)
{
	struct sock *sk = sock->sk;

	if (unlikely(!sk->sk_num) && sk->sk_type == SOCK_DGRAM && inet_autobind(sk))
		return -EAGAIN;
	return sk->sk_prot->sendmsg(sk, msg, len);
}

ssize_t inet_recvmsg(struct socket *sock, struct msghdr *msg, size_t len, int flags)
{
	struct sock *sk = sock->sk;
	int addr_len = 0;
	ssize_t n = sk->sk_prot->recvmsg(sk, msg, len, flags, &addr_len);

	if (n >= 0)
		msg->msg_namelen = addr_len;
	return n;
}

static int sock_gettstamp(struct sock *sk, uptr arg, bool ns)
{
	if (!sk->sk_stamp_ns)
		return -ENOENT;
	s64 out[2] = { (s64)(sk->sk_stamp_ns / NSEC_PER_SEC),
		       (s64)(sk->sk_stamp_ns % NSEC_PER_SEC) };

	if (!ns)
		out[1] /= (s64)NSEC_PER_USEC;
	return copy_to_user(arg, out, sizeof(out)) ? -EFAULT : 0;
}

int inet_sock_ioctl(struct socket *sock, unsigned int cmd, unsigned long arg)
{
	struct sock *sk = sock->sk;

	switch (cmd) {
	case SIOCGSTAMP_OLD:
	case SIOCGSTAMPNS_OLD:
		return sock_gettstamp(sk, UPTR(arg), cmd == SIOCGSTAMPNS_OLD);
	case SIOCADDRT:
	case SIOCDELRT:
		return ip_rt_ioctl(cmd, UPTR(arg));
	case SIOCDARP:
	case SIOCGARP:
	case SIOCSARP:
		return arp_ioctl(cmd, UPTR(arg));
	case SIOCGIFADDR:
	case SIOCSIFADDR:
	case SIOCGIFBRDADDR:
	case SIOCSIFBRDADDR:
	case SIOCGIFNETMASK:
	case SIOCSIFNETMASK:
	case SIOCGIFDSTADDR:
		return inet_ioctl_ifreq(cmd, UPTR(arg));
	default:
		return sk->sk_prot->ioctl ? sk->sk_prot->ioctl(sk, cmd, UPTR(arg)) : -ENOIOCTLCMD;
	}
}

/* --- tables -------------------------------------------------------------------------------- */

const struct proto_ops inet_stream_ops = {
	.family = AF_INET,
	.release = inet_release,
	.bind = inet_bind,
	.connect = inet_stream_connect,
	.socketpair = sock_no_socketpair,
	.accept = inet_accept,
	.getname = inet_getname,
	.poll = tcp_poll,
	.ioctl = inet_sock_ioctl,
	.listen = inet_listen,
	.shutdown = inet_shutdown,
	.setsockopt = sock_common_setsockopt,
	.getsockopt = sock_common_getsockopt,
	.sendmsg = inet_sendmsg,
	.recvmsg = inet_recvmsg,
};

const struct proto_ops inet_dgram_ops = {
	.family = AF_INET,
	.release = inet_release,
	.bind = inet_bind,
	.connect = inet_dgram_connect,
	.socketpair = sock_no_socketpair,
	.accept = sock_no_accept,
	.getname = inet_getname,
	.poll = datagram_poll,
	.ioctl = inet_sock_ioctl,
	.listen = sock_no_listen,
	.shutdown = inet_shutdown,
	.setsockopt = sock_common_setsockopt,
	.getsockopt = sock_common_getsockopt,
	.sendmsg = inet_sendmsg,
	.recvmsg = inet_recvmsg,
};

const struct proto_ops inet_sockraw_ops = {
	.family = AF_INET,
	.release = inet_release,
	.bind = inet_bind,
	.connect = inet_dgram_connect,
	.socketpair = sock_no_socketpair,
	.accept = sock_no_accept,
	.getname = inet_getname,
	.poll = datagram_poll,
	.ioctl = inet_sock_ioctl,
	.listen = sock_no_listen,
	.shutdown = inet_shutdown,
	.setsockopt = sock_common_setsockopt,
	.getsockopt = sock_common_getsockopt,
	.sendmsg = inet_sendmsg,
	.recvmsg = inet_recvmsg,
};

static const struct net_proto_family inet_family_ops = { .family = AF_INET, .create = inet_create };
static struct packet_type ip_packet_type = { .func = ip_rcv };

void inet_init(void)
{
	static struct proto *const protos[] = { &tcp_prot, &udp_prot, &raw_prot, &ping_prot };

	for (size_t i = 0; i < ARRAY_SIZE(protos); i++)
		if (proto_register(protos[i]))
			panic("inet: too many protocols");
	if (sock_register(&inet_family_ops))
		panic("inet: AF_INET is taken");
	/* First, as it is what nearly every packet is for. */
	ip_packet_type.type = cpu_to_be16(ETH_P_IP);
	ip_rt_init();
	ipfrag_init();
	dev_add_pack(&ip_packet_type);
	arp_init();
	icmp_init();
	udp_init();
	tcp_init();
	ip_proc_init();
}

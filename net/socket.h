/*
 * net/socket.h - where system calls and socket families meet.
 *
 * Linux:   include/linux/net.h, socket.h (6.1)
 * Same:    struct socket is the file's side, struct sock (net/sock.h) the protocol's; proto_ops
 *          between; net_families[].
 * Differs: 1. kernel code that needs a socket uses these functions directly.
 * Locks:   none of its own; the link to the sock changes with the sock owned.
 * Walk:    sys_socket -> sock_create() -> net_families[family]->create; sock_poll() -> ops->poll.
 *
 * Contract: user memory is touched here (through iov_iter) and above, never below.
 */
#pragma once
#include "fs/poll.h"
#include "fs/uio.h"
#include "kernel/err.h"
#include "kernel/wait.h"

struct file;
struct inode;
struct sock;
struct vm_area_struct;
struct page;

enum {
	AF_UNSPEC = 0,
	AF_UNIX = 1,
	AF_INET = 2,
	AF_INET6 = 10,
	AF_NETLINK = 16,
	AF_PACKET = 17,
	NPROTO = 46
};
#define PF_INET AF_INET
#define PF_UNIX AF_UNIX
enum {
	SOCK_STREAM = 1,
	SOCK_DGRAM = 2,
	SOCK_RAW = 3,
	SOCK_SEQPACKET = 5,
	SOCK_MAX = 11,
	SOCK_TYPE_MASK = 0xf,
	SOCK_NONBLOCK = 04000,
	SOCK_CLOEXEC = 02000000
};
typedef enum {
	SS_FREE,
	SS_UNCONNECTED,
	SS_CONNECTING,
	SS_CONNECTED,
	SS_DISCONNECTING
} socket_state;
enum { SHUT_RD, SHUT_WR, SHUT_RDWR };
enum { RCV_SHUTDOWN = 1, SEND_SHUTDOWN = 2, SHUTDOWN_MASK = 3 };

/* sockaddr of any family, kernel copy */
struct sockaddr_storage_k { u16 sa_family; u8 data[126]; };
struct sockaddr_in { u16 sin_family; be16 sin_port; be32 sin_addr; u8 sin_zero[8]; };
static_assert(sizeof(struct sockaddr_in) == 16, "ABI");

enum {
	MSG_OOB = 1,
	MSG_PEEK = 2,
	MSG_DONTROUTE = 4,
	MSG_CTRUNC = 8,
	MSG_TRUNC = 0x20,
	MSG_DONTWAIT = 0x40,
	MSG_EOR = 0x80,
	MSG_WAITALL = 0x100,
	MSG_CONFIRM = 0x800,
	MSG_ERRQUEUE = 0x2000,
	MSG_NOSIGNAL = 0x4000,
	MSG_MORE = 0x8000,
	MSG_WAITFORONE = 0x10000,
	MSG_FASTOPEN = 0x20000000,
	MSG_CMSG_CLOEXEC = 0x40000000,
};
/* One sendmsg or recvmsg under way. */
struct msghdr {
	/* kernel; NULL: no address (in), not wanted (out) */
	struct sockaddr_storage_k *msg_name;
	int msg_namelen;
	struct iov_iter msg_iter;
	unsigned int msg_flags;
	/* control messages: in: kernel copy; out: user buffer, filled by put_cmsg() */
	void *msg_control;
	uptr msg_control_user;
	size_t msg_controllen;
};

enum {
	SOL_SOCKET = 1,
	SOL_IP = 0,
	SOL_TCP = 6,
	SOL_UDP = 17,
	SOL_RAW = 255,
	SO_DEBUG = 1,
	SO_REUSEADDR = 2,
	SO_TYPE = 3,
	SO_ERROR = 4,
	SO_DONTROUTE = 5,
	SO_BROADCAST = 6,
	SO_SNDBUF = 7,
	SO_RCVBUF = 8,
	SO_KEEPALIVE = 9,
	SO_OOBINLINE = 10,
	SO_PRIORITY = 12,
	SO_LINGER = 13,
	SO_REUSEPORT = 15,
	SO_PASSCRED = 16,
	SO_PEERCRED = 17,
	SO_RCVLOWAT = 18,
	SO_SNDLOWAT = 19,
	SO_RCVTIMEO = 20,
	SO_SNDTIMEO = 21,
	SO_BINDTODEVICE = 25,
	SO_ATTACH_FILTER = 26,
	SO_DETACH_FILTER = 27,
	SO_TIMESTAMP = 29,
	SO_ACCEPTCONN = 30,
	SO_SNDBUFFORCE = 32,
	SO_RCVBUFFORCE = 33,
	SO_MARK = 36,
	SO_PROTOCOL = 38,
	SO_DOMAIN = 39,
	SO_LOCK_FILTER = 44,
	SO_RXQ_OVFL = 40,
	SO_INCOMING_CPU = 49,
	SO_COOKIE = 57,
	SO_NO_CHECK = 11,
	SO_BSDCOMPAT = 14,
	SO_PEERNAME = 28,
	SO_TIMESTAMPNS = 35,
	SO_BINDTOIFINDEX = 62,
	SO_RCVTIMEO_NEW = 66,
	SO_SNDTIMEO_NEW = 67,
	SO_TIMESTAMP_NEW = 63,
	SO_TIMESTAMPNS_NEW = 64,
	SCM_RIGHTS = 1,
	SCM_CREDENTIALS = 2,
};

struct proto_ops;
struct seq_file;
/* The file's side of a connection. */
struct socket {
	socket_state state;		/* lock_sock(sk) */
	short type;			/* immutable */
	unsigned long flags;
	u64 ino;			/* immutable: its number under /proc */
	struct inode *inode;		/* immutable: what fstat shows */
	struct file *file;		/* back pointer, not a reference */
	struct sock *sk;
	const struct proto_ops *ops;
};
struct proto_ops {
	int family;
	int (*release)(struct socket *sock);
	int (*bind)(struct socket *sock, const struct sockaddr_storage_k *addr, int addr_len);
	int (*connect)(struct socket *sock, const struct sockaddr_storage_k *addr, int addr_len,
		       int flags);
	int (*socketpair)(struct socket *a, struct socket *b);
	int (*accept)(struct socket *sock, struct socket *newsock, int flags);
	/* length or -errno */
	int (*getname)(struct socket *sock, struct sockaddr_storage_k *addr, bool peer);
	__poll_t (*poll)(struct file *file, struct socket *sock, poll_table *wait);
	int (*ioctl)(struct socket *sock, unsigned int cmd, unsigned long arg);
	int (*listen)(struct socket *sock, int backlog);
	int (*shutdown)(struct socket *sock, int how);
	int (*setsockopt)(struct socket *sock, int level, int optname, uptr optval,
			  unsigned int optlen);
	int (*getsockopt)(struct socket *sock, int level, int optname, uptr optval, uptr optlen);
	ssize_t (*sendmsg)(struct socket *sock, struct msghdr *m, size_t len);
	ssize_t (*recvmsg)(struct socket *sock, struct msghdr *m, size_t len, int flags);
	/* lines of its own in /proc/PID/fdinfo; NULL: none */
	void (*show_fdinfo)(struct seq_file *seq, struct socket *sock);
};
/* Entries that a family does not have: -EOPNOTSUPP and its kin. */
int sock_no_bind(struct socket *sock, const struct sockaddr_storage_k *addr, int addr_len);
int sock_no_connect(struct socket *sock, const struct sockaddr_storage_k *addr, int addr_len,
		    int flags);
int sock_no_socketpair(struct socket *a, struct socket *b);
int sock_no_accept(struct socket *sock, struct socket *newsock, int flags);
int sock_no_listen(struct socket *sock, int backlog);
int sock_no_shutdown(struct socket *sock, int how);

struct net_proto_family { int family; int (*create)(struct socket *sock, int protocol); };
/* sock_register - Return: 0 or -EEXIST. Context: boot. */
int __must_check sock_register(const struct net_proto_family *ops);
/*
 * sock_create - Return: 0 and *@res, or -EAFNOSUPPORT, -EPROTONOSUPPORT, -ESOCKTNOSUPPORT, -ENOMEM.
 * Context: task.
 */
int __must_check sock_create(int family, int type, int protocol, struct socket **res);
void sock_release(struct socket *sock);
/*
 * sock_alloc_file - the file of a socket (takes it over, also on failure). sockfd_lookup - by
 * descriptor: NULL with *@err -EBADF, -ENOTSOCK; fput(sock->file) after.
 */
struct file *sock_alloc_file(struct socket *sock, int flags);
/* sock_alloc - an unconnected socket without family or sock, or NULL. Context: task. */
struct socket *sock_alloc(void);
struct socket *sockfd_lookup(int fd, int *err);
struct socket *sock_from_file(struct file *file);
/*
 * put_cmsg - append a control message to the user's buffer; sets MSG_CTRUNC when it does not fit. 0
 * or -EFAULT. Context: task.
 */
int put_cmsg(struct msghdr *msg, int level, int type, size_t len, const void *data);
/*
 * for_each_cmsghdr - walk the kernel copy of the control messages a sendmsg() brought. Each must
 * pass cmsg_ok() before it is used or left.
 */
struct cmsghdr { u64 cmsg_len; s32 cmsg_level, cmsg_type; };
#define CMSG_ALIGN(n) ALIGN((size_t)(n), sizeof(u64))
#define CMSG_LEN(n) (sizeof(struct cmsghdr) + (n))
static inline struct cmsghdr *cmsg_first(const struct msghdr *m)
{
	return m->msg_controllen >= sizeof(struct cmsghdr) ? m->msg_control : NULL;
}
static inline void *cmsg_data(struct cmsghdr *c) { return c + 1; }
/* Does @c have a sane length that ends inside the buffer? */
static inline bool cmsg_ok(const struct msghdr *m, const struct cmsghdr *c)
{
	size_t off = (size_t)((const u8 *)c - (const u8 *)m->msg_control);

	return c->cmsg_len >= sizeof(*c) && c->cmsg_len <= m->msg_controllen - off;
}
static inline struct cmsghdr *cmsg_next(const struct msghdr *m, struct cmsghdr *c)
{
	size_t next = (size_t)((u8 *)c - (u8 *)m->msg_control) + CMSG_ALIGN(c->cmsg_len);

	return next + sizeof(*c) <= m->msg_controllen
		       ? (struct cmsghdr *)((u8 *)m->msg_control + next)
		       : NULL;
}
#define for_each_cmsghdr(c, m) for ((c) = cmsg_first(m); (c); (c) = cmsg_next(m, c))
void sock_init(void);
/*
 * inet_init - the TCP/IP family and its devices' addresses; ip_auto_config - ip= of the command
 * line. Context: boot, task.
 */
void inet_init(void);
void ip_auto_config(void);
void unix_init(void);
void packet_init(void);

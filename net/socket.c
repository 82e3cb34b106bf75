/*
 * net/socket.c - sockets as files, and the system calls that are theirs alone.
 *
 * Linux:   net/socket.c (6.1)
 * Same:    the order of checks; socket() -> sock_create() -> net_families[family]->create;
 *          addresses are copied in and out here, so that no family touches user memory for them.
 * Differs: 1. a socket's file has an inode but no dentry: nothing ever looks a socket up by a path
 *             in sockfs.
 *          2. no compatibility calls (socketcall, 32-bit layouts).
 * Locks:   none of its own.
 * Walk:    sys_recvfrom -> sock_recvmsg() -> inet_recvmsg() -> tcp_recvmsg(); vfs_poll() ->
 *          sock_poll() -> tcp_poll().
 */
#include "net/socket.h"
#include "fs/file.h"
#include "fs/fs.h"
#include "kernel/process.h"
#include "kernel/string.h"
#include "kernel/syscall.h"
#include "kernel/trace.h"
#include "kernel/uaccess.h"
#include "net/sock.h"
#include "net/sockios.h"

enum {
	MAX_SOCK_ADDR = 128,
	/* control messages of one sendmsg(), as Linux's net.core.optmem_max */
	OPTMEM_MAX = 20480,
	MSG_CMSG_COMPAT_BIT = 31,
};

static const struct net_proto_family *net_families[NPROTO];
static struct kmem_cache *socket_cache;
static const struct file_operations socket_file_ops;

/* --- sockets and their files --------------------------------------------------------------- */

int sock_register(const struct net_proto_family *ops)
{
	if (ops->family < 0 || ops->family >= NPROTO)
		return -ENOBUFS;
	if (net_families[ops->family])
		return -EEXIST;
	net_families[ops->family] = ops;
	return 0;
}

struct socket *sock_alloc(void)
{
	struct socket *sock = kmem_cache_zalloc(socket_cache, GFP_KERNEL);

	if (!sock)
		return NULL;
	sock->inode = alloc_pseudo_inode(S_IFSOCK | S_IRWXUGO);
	if (!sock->inode) {
		kmem_cache_free(socket_cache, sock);
		return NULL;
	}
	sock->ino = sock->inode->i_ino;
	sock->state = SS_UNCONNECTED;
	return sock;
}

void sock_release(struct socket *sock)
{
	if (sock->ops)
		sock->ops->release(sock);
	iput(sock->inode);
	kmem_cache_free(socket_cache, sock);
}

static int __sock_create(int family, int type, int protocol, struct socket **res)
{
	if (family < 0 || family >= NPROTO)
		return -EAFNOSUPPORT;
	if (type < 0 || type >= SOCK_MAX)
		return -EINVAL;
	if (!net_families[family])
		return -EAFNOSUPPORT;
	struct socket *sock = sock_alloc();

	if (!sock)
		return -ENFILE;
	sock->type = (short)type;
	int err = net_families[family]->create(sock, protocol);

	if (err) {
		sock->ops = NULL;
		sock_release(sock);
		return err;
	}
	*res = sock;
	return 0;
}

int sock_create(int family, int type, int protocol, struct socket **res)
{
	return __sock_create(family, type, protocol, res);
}

struct file *sock_alloc_file(struct socket *sock, int flags)
{
	unsigned int f_flags = O_RDWR | ((unsigned int)flags & O_NONBLOCK);

	ihold(sock->inode);
	struct file *file = alloc_file_pseudo(sock->inode, f_flags, &socket_file_ops);

	if (IS_ERR(file)) {
		iput(sock->inode);
		sock_release(sock);
		return file;
	}
	file->private_data = sock;
	sock->file = file;
	return file;
}

/* A descriptor for @sock, which it takes over also on failure. */
static int sock_map_fd(struct socket *sock, int flags)
{
	int fd = get_unused_fd_flags((unsigned int)flags & O_CLOEXEC);

	if (fd < 0) {
		sock_release(sock);
		return fd;
	}
	struct file *file = sock_alloc_file(sock, flags);

	if (IS_ERR(file)) {
		put_unused_fd((unsigned int)fd);
		return (int)PTR_ERR(file);
	}
	fd_install((unsigned int)fd, file);
	return fd;
}

struct socket *sock_from_file(struct file *file)
{
	return likely(file->f_op == &socket_file_ops) ? file->private_data : NULL;
}

struct socket *sockfd_lookup(int fd, int *err)
{
	struct file *file = fget((unsigned int)fd);

	if (!file) {
		*err = -EBADF;
		return NULL;
	}
	struct socket *sock = sock_from_file(file);

	if (!sock) {
		*err = -ENOTSOCK;
		fput(file);
	}
	return sock;
}

/* The same as a loan for the length of a system call: ended by fdput(*f). */
static inline struct socket *sockfd_lookup_light(int fd, struct fd *f, int *err)
{
	*f = fdget((unsigned int)fd);
	if (unlikely(!f->file)) {
		*err = -EBADF;
		return NULL;
	}
	struct socket *sock = sock_from_file(f->file);

	if (unlikely(!sock)) {
		*err = -ENOTSOCK;
		fdput(*f);
	}
	return sock;
}

/* --- file operations ----------------------------------------------------------------------- */

static inline ssize_t sock_recvmsg(struct socket *sock, struct msghdr *msg, int flags)
{
	return sock->ops->recvmsg(sock, msg, iov_iter_count(&msg->msg_iter), flags);
}

static inline ssize_t sock_sendmsg(struct socket *sock, struct msghdr *msg)
{
	return sock->ops->sendmsg(sock, msg, iov_iter_count(&msg->msg_iter));
}

static inline unsigned int sock_nonblock_flag(const struct file *file)
{
	return READ_ONCE(file->f_flags) & O_NONBLOCK ? MSG_DONTWAIT : 0;
}

/* For a call without name and control messages. */
static inline void msghdr_init(struct msghdr *msg, const struct iov_iter *i)
{
	msg->msg_name = NULL;
	msg->msg_namelen = 0;
	msg->msg_iter = *i;
	msg->msg_flags = 0;
	msg->msg_control = NULL;
	msg->msg_control_user = UPTR_NULL;
	msg->msg_controllen = 0;
}

static ssize_t sock_read_iter(struct kiocb *iocb, struct iov_iter *to)
{
	struct file *file = iocb->ki_filp;
	struct socket *sock = file->private_data;
	struct msghdr msg;
	int flags = (int)sock_nonblock_flag(file) |
		    (iocb->ki_flags & IOCB_NOWAIT ? MSG_DONTWAIT : 0);

	if (iocb->ki_pos)
		return -ESPIPE;
	if (!iov_iter_count(to)) /* read(fd, buf, 0) takes nothing, not even an empty datagram */
		return 0;
	msghdr_init(&msg, to);
	ssize_t n = sock_recvmsg(sock, &msg, flags);

	*to = msg.msg_iter;
	return n;
}

static ssize_t sock_write_iter(struct kiocb *iocb, struct iov_iter *from)
{
	struct file *file = iocb->ki_filp;
	struct socket *sock = file->private_data;
	struct msghdr msg;

	if (iocb->ki_pos)
		return -ESPIPE;
	msghdr_init(&msg, from);
	msg.msg_flags = sock_nonblock_flag(file) |
			(iocb->ki_flags & IOCB_NOWAIT ? MSG_DONTWAIT : 0) |
			(iocb->ki_flags & IOCB_MORE ? MSG_MORE : 0);
	if (sock->type == SOCK_SEQPACKET)
		msg.msg_flags |= MSG_EOR;
	ssize_t n = sock_sendmsg(sock, &msg);

	*from = msg.msg_iter;
	return n;
}

static __poll_t sock_poll(struct file *file, poll_table *wait)
{
	struct socket *sock = file->private_data;

	trace(sock_poll);
	return sock->ops->poll(file, sock, wait);
}

static int sock_set_owner(struct file *file, uptr arg)
{
	s32 pid;

	if (get_user(pid, arg))
		return -EFAULT;
	spin_lock(&file->f_lock);
	file->f_owner = pid;
	spin_unlock(&file->f_lock);
	return 0;
}

static long sock_ioctl(struct file *file, unsigned int cmd, unsigned long arg)
{
	struct socket *sock = file->private_data;

	switch (cmd) {
	case FIOSETOWN:
	case SIOCSPGRP:
		return sock_set_owner(file, UPTR(arg));
	case FIOGETOWN:
	case SIOCGPGRP:
		return put_user((s32)file->f_owner, UPTR(arg));
	default:
		break;
	}
	int err = sock->ops->ioctl ? sock->ops->ioctl(sock, cmd, arg) : -ENOIOCTLCMD;

	return err == -ENOIOCTLCMD ? dev_ioctl(cmd, UPTR(arg)) : err;
}

static int sock_close(__unused struct inode *inode, struct file *file)
{
	sock_release(file->private_data);
	return 0;
}

static void sock_show_fdinfo(struct seq_file *m, struct file *file)
{
	struct socket *sock = file->private_data;

	if (sock->ops->show_fdinfo)
		sock->ops->show_fdinfo(m, sock);
}

static const struct file_operations socket_file_ops = {
	.read_iter = sock_read_iter,
	.write_iter = sock_write_iter,
	.poll = sock_poll,
	.unlocked_ioctl = sock_ioctl,
	.release = sock_close,
	.show_fdinfo = sock_show_fdinfo,
};

/* --- addresses ----------------------------------------------------------------------------- */

static int move_addr_to_kernel(uptr uaddr, int ulen, struct sockaddr_storage_k *kaddr)
{
	if (ulen < 0 || ulen > MAX_SOCK_ADDR)
		return -EINVAL;
	if (ulen && copy_from_user(kaddr, uaddr, (size_t)ulen))
		return -EFAULT;
	return 0;
}

/* As much of @kaddr as the user has room for; *ulen becomes its whole length. */
static int move_addr_to_user(const struct sockaddr_storage_k *kaddr, int klen, uptr uaddr,
			     uptr ulen)
{
	s32 len;

	if (get_user(len, ulen))
		return -EFAULT;
	if (len > klen)
		len = klen;
	if (len < 0)
		return -EINVAL;
	if (len && copy_to_user(uaddr, kaddr, (size_t)len))
		return -EFAULT;
	return put_user((s32)klen, ulen);
}

/* --- socket, socketpair -------------------------------------------------------------------- */

static_assert((int)SOCK_CLOEXEC == (int)O_CLOEXEC && (int)SOCK_NONBLOCK == (int)O_NONBLOCK,
	      "the flags need no translation");

static int __sys_socket(int family, int type, int protocol)
{
	int flags = type & ~SOCK_TYPE_MASK;
	struct socket *sock;

	if (flags & ~(SOCK_CLOEXEC | SOCK_NONBLOCK))
		return -EINVAL;
	int err = sock_create(family, type & SOCK_TYPE_MASK, protocol, &sock);

	return err ? err : sock_map_fd(sock, flags);
}

/* Two connected sockets, as files. */
static int sock_create_pair(int family, int type, int protocol, int flags, struct file *files[2])
{
	struct socket *a, *b;
	int err = sock_create(family, type, protocol, &a);

	if (err)
		return err;
	err = sock_create(family, type, protocol, &b);
	if (err) {
		sock_release(a);
		return err;
	}
	err = a->ops->socketpair(a, b);
	if (err) {
		sock_release(b);
		sock_release(a);
		return err;
	}
	files[0] = sock_alloc_file(a, flags);
	if (IS_ERR(files[0])) {
		sock_release(b);
		return (int)PTR_ERR(files[0]);
	}
	files[1] = sock_alloc_file(b, flags);
	if (IS_ERR(files[1])) {
		fput(files[0]);
		return (int)PTR_ERR(files[1]);
	}
	return 0;
}

static int __sys_socketpair(int family, int type, int protocol, uptr usockvec)
{
	int flags = type & ~SOCK_TYPE_MASK;
	struct file *files[2] = { NULL, NULL };
	int fd[2];

	if (flags & ~(SOCK_CLOEXEC | SOCK_NONBLOCK))
		return -EINVAL;
	fd[0] = get_unused_fd_flags((unsigned int)flags & O_CLOEXEC);
	if (fd[0] < 0)
		return fd[0];
	fd[1] = get_unused_fd_flags((unsigned int)flags & O_CLOEXEC);
	int err = fd[1];

	if (fd[1] < 0)
		goto out_put_first;
	/* Told before the sockets exist: a bad pointer costs nothing. */
	err = copy_to_user(usockvec, fd, sizeof(fd)) ? -EFAULT : 0;
	if (!err)
		err = sock_create_pair(family, type & SOCK_TYPE_MASK, protocol, flags, files);
	if (err)
		goto out_put_both;
	fd_install((unsigned int)fd[0], files[0]);
	fd_install((unsigned int)fd[1], files[1]);
	return 0;
out_put_both:
	put_unused_fd((unsigned int)fd[1]);
out_put_first:
	put_unused_fd((unsigned int)fd[0]);
	return err;
}

/* --- bind, listen, accept, connect, names, shutdown ---------------------------------------- */

static int __sys_bind(int fd, uptr umyaddr, int addrlen)
{
	struct sockaddr_storage_k addr;
	struct fd f;
	int err;
	struct socket *sock = sockfd_lookup_light(fd, &f, &err);

	if (!sock)
		return err;
	err = move_addr_to_kernel(umyaddr, addrlen, &addr);
	if (!err)
		err = sock->ops->bind(sock, &addr, addrlen);
	fdput(f);
	return err;
}

static int __sys_listen(int fd, int backlog)
{
	struct fd f;
	int err;
	struct socket *sock = sockfd_lookup_light(fd, &f, &err);

	if (!sock)
		return err;
	if ((unsigned int)backlog > (unsigned int)READ_ONCE(sysctl_somaxconn))
		backlog = READ_ONCE(sysctl_somaxconn);
	err = sock->ops->listen(sock, backlog);
	fdput(f);
	return err;
}

/* The accepted connection as a file, its peer's name told to the user. */
static struct file *do_accept(struct socket *sock, unsigned int file_flags, uptr upeer,
			      uptr upeerlen, int flags)
{
	struct sockaddr_storage_k addr;
	struct socket *newsock = sock_alloc();

	if (!newsock)
		return ERR_PTR(-ENFILE);
	newsock->type = sock->type;
	newsock->ops = sock->ops;
	struct file *file = sock_alloc_file(newsock, flags);

	if (IS_ERR(file))
		return file;
	int err = sock->ops->accept(sock, newsock, (int)file_flags);

	if (!err && !uptr_is_null(upeer)) {
		int len = newsock->ops->getname(newsock, &addr, true);

		err = len < 0 ? -ECONNABORTED : move_addr_to_user(&addr, len, upeer, upeerlen);
	}
	if (err) {
		fput(file);
		return ERR_PTR(err);
	}
	return file;
}

static int __sys_accept4(int fd, uptr upeer, uptr upeerlen, int flags)
{
	struct fd f;
	int err;

	if (flags & ~(SOCK_CLOEXEC | SOCK_NONBLOCK))
		return -EINVAL;
	struct socket *sock = sockfd_lookup_light(fd, &f, &err);

	if (!sock)
		return err;
	int newfd = get_unused_fd_flags((unsigned int)flags & O_CLOEXEC);

	if (newfd >= 0) {
		struct file *file = do_accept(sock, READ_ONCE(f.file->f_flags), upeer, upeerlen,
					      flags);

		if (IS_ERR(file)) {
			put_unused_fd((unsigned int)newfd);
			newfd = (int)PTR_ERR(file);
		} else {
			fd_install((unsigned int)newfd, file);
		}
	}
	fdput(f);
	return newfd;
}

static int __sys_connect(int fd, uptr uservaddr, int addrlen)
{
	struct sockaddr_storage_k addr;
	struct fd f;
	int err;
	struct socket *sock = sockfd_lookup_light(fd, &f, &err);

	if (!sock)
		return err;
	err = move_addr_to_kernel(uservaddr, addrlen, &addr);
	if (!err)
		err = sock->ops->connect(sock, &addr, addrlen, (int)READ_ONCE(f.file->f_flags));
	fdput(f);
	return err;
}

static int do_getname(int fd, uptr uaddr, uptr ulen, bool peer)
{
	struct sockaddr_storage_k addr;
	struct fd f;
	int err;
	struct socket *sock = sockfd_lookup_light(fd, &f, &err);

	if (!sock)
		return err;
	int len = sock->ops->getname(sock, &addr, peer);

	fdput(f);
	return len < 0 ? len : move_addr_to_user(&addr, len, uaddr, ulen);
}

static int __sys_shutdown(int fd, int how)
{
	struct fd f;
	int err;
	struct socket *sock = sockfd_lookup_light(fd, &f, &err);

	if (!sock)
		return err;
	err = sock->ops->shutdown(sock, how);
	fdput(f);
	return err;
}

static int __sys_setsockopt(int fd, int level, int optname, uptr optval, int optlen)
{
	struct fd f;
	int err;

	if (optlen < 0)
		return -EINVAL;
	struct socket *sock = sockfd_lookup_light(fd, &f, &err);

	if (!sock)
		return err;
	if (level == SOL_SOCKET)
		err = sock_setsockopt(sock, optname, optval, (unsigned int)optlen);
	else if (sock->ops->setsockopt)
		err = sock->ops->setsockopt(sock, level, optname, optval, (unsigned int)optlen);
	else
		err = -EOPNOTSUPP;
	fdput(f);
	return err;
}

static int __sys_getsockopt(int fd, int level, int optname, uptr optval, uptr optlen)
{
	struct fd f;
	int err;
	struct socket *sock = sockfd_lookup_light(fd, &f, &err);

	if (!sock)
		return err;
	if (level == SOL_SOCKET)
		err = sock_getsockopt(sock, optname, optval, optlen);
	else if (sock->ops->getsockopt)
		err = sock->ops->getsockopt(sock, level, optname, optval, optlen);
	else
		err = -EOPNOTSUPP;
	fdput(f);
	return err;
}

/* --- send and receive: one buffer ---------------------------------------------------------- */

static int import_single_range(bool data_source, uptr buf, size_t len, struct iov_iter *i)
{
	if (len > MAX_RW_COUNT)
		len = MAX_RW_COUNT;
	if (unlikely(!access_ok(buf, len)))
		return -EFAULT;
	iov_iter_ubuf(i, data_source, buf, len);
	return 0;
}

static ssize_t __sys_sendto(int fd, uptr buf, size_t len, unsigned int flags, uptr uaddr,
			    int addr_len)
{
	struct sockaddr_storage_k addr;
	struct msghdr msg;
	struct fd f;
	int err = import_single_range(true, buf, len, &msg.msg_iter);

	if (unlikely(err))
		return err;
	struct socket *sock = sockfd_lookup_light(fd, &f, &err);

	if (unlikely(!sock))
		return err;
	ssize_t n;

	msg.msg_name = NULL;
	msg.msg_namelen = 0;
	msg.msg_control = NULL;
	msg.msg_controllen = 0;
	if (!uptr_is_null(uaddr)) {
		n = move_addr_to_kernel(uaddr, addr_len, &addr);
		if (unlikely(n < 0))
			goto out;
		msg.msg_name = &addr;
		msg.msg_namelen = addr_len;
	}
	msg.msg_flags = flags | sock_nonblock_flag(f.file);
	n = sock_sendmsg(sock, &msg);
out:
	fdput(f);
	return n;
}

static ssize_t __sys_recvfrom(int fd, uptr buf, size_t len, unsigned int flags, uptr uaddr,
			      uptr addr_len)
{
	struct sockaddr_storage_k addr;
	struct msghdr msg;
	struct fd f;
	int err = import_single_range(false, buf, len, &msg.msg_iter);

	if (unlikely(err))
		return err;
	struct socket *sock = sockfd_lookup_light(fd, &f, &err);

	if (unlikely(!sock))
		return err;
	msg.msg_name = uptr_is_null(uaddr) ? NULL : &addr;
	msg.msg_namelen = 0;
	msg.msg_flags = 0;
	msg.msg_control = NULL;
	msg.msg_control_user = UPTR_NULL;
	msg.msg_controllen = 0;
	ssize_t n = sock_recvmsg(sock, &msg, (int)(flags | sock_nonblock_flag(f.file)));

	if (n >= 0 && msg.msg_name) {
		err = move_addr_to_user(&addr, msg.msg_namelen, uaddr, addr_len);
		if (err)
			n = err;
	}
	fdput(f);
	return n;
}

/* --- send and receive: messages ------------------------------------------------------------ */

struct user_msghdr {
	uptr msg_name;
	s32 msg_namelen;
	u32 __pad;
	uptr msg_iov;
	u64 msg_iovlen;
	uptr msg_control;
	u64 msg_controllen;
	u32 msg_flags;
	u32 __pad2;
};
static_assert(sizeof(struct user_msghdr) == 56, "ABI");
struct user_mmsghdr { struct user_msghdr msg_hdr; u32 msg_len; u32 __pad; };
static_assert(sizeof(struct user_mmsghdr) == 64, "ABI");

/* What one sendmsg() or recvmsg() needs beside the msghdr. */
struct msg_import {
	struct user_msghdr u;
	struct sockaddr_storage_k addr;
	struct iovec fast[UIO_FASTIOV];
	struct iovec *iov;		/* to be kfree()d, or NULL */
};

static ssize_t import_msghdr(struct msghdr *msg, struct msg_import *im, uptr umsg, bool sending)
{
	if (copy_from_user(&im->u, umsg, sizeof(im->u)))
		return -EFAULT;
	struct user_msghdr *u = &im->u;

	im->iov = NULL;
	if (uptr_is_null(u->msg_name))
		u->msg_namelen = 0;
	if (u->msg_namelen < 0)
		return -EINVAL;
	if (u->msg_namelen > MAX_SOCK_ADDR)
		u->msg_namelen = MAX_SOCK_ADDR;
	msg->msg_name = NULL;
	msg->msg_namelen = 0;
	if (sending && u->msg_namelen) {
		int err = move_addr_to_kernel(u->msg_name, u->msg_namelen, &im->addr);

		if (err)
			return err;
		msg->msg_name = &im->addr;
		msg->msg_namelen = u->msg_namelen;
	}
	if (u->msg_iovlen > UIO_MAXIOV)
		return -EMSGSIZE;
	msg->msg_control = NULL;
	msg->msg_control_user = u->msg_control;
	msg->msg_controllen = uptr_is_null(u->msg_control) ? 0 : u->msg_controllen;
	return import_iovec(sending, u->msg_iov, (unsigned int)u->msg_iovlen, im->fast, &im->iov,
			    &msg->msg_iter);
}

/*
 * The control messages of a sendmsg() come to the kernel whole. msg->msg_control is to be kfree()d.
 */
static int copy_control_in(struct msghdr *msg)
{
	if (msg->msg_controllen > S32_MAX)
		return -ENOBUFS;
	if (!msg->msg_controllen)
		return 0;
	if (msg->msg_controllen > OPTMEM_MAX)
		return -ENOBUFS;
	msg->msg_control = kmalloc(msg->msg_controllen, GFP_KERNEL);
	if (!msg->msg_control)
		return -ENOBUFS;
	if (copy_from_user(msg->msg_control, msg->msg_control_user, msg->msg_controllen)) {
		kfree(msg->msg_control);
		msg->msg_control = NULL;
		return -EFAULT;
	}
	return 0;
}

static ssize_t ___sys_sendmsg(struct socket *sock, struct file *file, uptr umsg, unsigned int flags)
{
	struct msg_import im;
	struct msghdr msg;
	ssize_t n = import_msghdr(&msg, &im, umsg, true);

	if (n < 0)
		return n;
	n = copy_control_in(&msg);
	if (n < 0)
		goto out_free_iov;
	msg.msg_flags = flags | sock_nonblock_flag(file);
	n = sock_sendmsg(sock, &msg);
	kfree(msg.msg_control);
out_free_iov:
	kfree(im.iov);
	return n;
}

/* The results that go back into the user's msghdr. */
static int export_msghdr(const struct msghdr *msg, const struct msg_import *im, uptr umsg)
{
	if (!uptr_is_null(im->u.msg_name)) {
		uptr ulen = uptr_add(umsg, offsetof(struct user_msghdr, msg_namelen));
		int err = move_addr_to_user(&im->addr, msg->msg_namelen, im->u.msg_name, ulen);

		if (err)
			return err;
	}
	if (put_user(msg->msg_flags & ~BIT(MSG_CMSG_COMPAT_BIT),
		     uptr_add(umsg, offsetof(struct user_msghdr, msg_flags))))
		return -EFAULT;
	u64 used = msg->msg_control_user.addr - im->u.msg_control.addr;

	return put_user(used, uptr_add(umsg, offsetof(struct user_msghdr, msg_controllen)));
}

static ssize_t ___sys_recvmsg(struct socket *sock, struct file *file, uptr umsg, unsigned int flags)
{
	struct msg_import im;
	struct msghdr msg;
	ssize_t n = import_msghdr(&msg, &im, umsg, false);

	if (n < 0)
		return n;
	if (!uptr_is_null(im.u.msg_name))
		msg.msg_name = &im.addr;
	msg.msg_flags = flags & MSG_CMSG_CLOEXEC;
	n = sock_recvmsg(sock, &msg, (int)(flags | sock_nonblock_flag(file)));
	if (n >= 0) {
		int err = export_msghdr(&msg, &im, umsg);

		if (err)
			n = err;
	}
	kfree(im.iov);
	return n;
}

static ssize_t __sys_sendmsg(int fd, uptr umsg, unsigned int flags)
{
	struct fd f;
	int err;

	if (flags & BIT(MSG_CMSG_COMPAT_BIT))
		return -EINVAL;
	struct socket *sock = sockfd_lookup_light(fd, &f, &err);

	if (!sock)
		return err;
	ssize_t n = ___sys_sendmsg(sock, f.file, umsg, flags);

	fdput(f);
	return n;
}

static ssize_t __sys_recvmsg(int fd, uptr umsg, unsigned int flags)
{
	struct fd f;
	int err;

	if (flags & BIT(MSG_CMSG_COMPAT_BIT))
		return -EINVAL;
	struct socket *sock = sockfd_lookup_light(fd, &f, &err);

	if (!sock)
		return err;
	ssize_t n = ___sys_recvmsg(sock, f.file, umsg, flags);

	fdput(f);
	return n;
}

static ssize_t __sys_sendmmsg(int fd, uptr mmsg, unsigned int vlen, unsigned int flags)
{
	struct fd f;
	int err;

	if (flags & BIT(MSG_CMSG_COMPAT_BIT))
		return -EINVAL;
	struct socket *sock = sockfd_lookup_light(fd, &f, &err);

	if (!sock)
		return err;
	ssize_t done = 0;

	vlen = min_t(unsigned int, vlen, UIO_MAXIOV);
	for (; done < (ssize_t)vlen; done++) {
		uptr entry = uptr_add(mmsg, (u64)done * sizeof(struct user_mmsghdr));
		ssize_t n = ___sys_sendmsg(sock, f.file, entry, flags);

		if (n >= 0 &&
		    put_user((u32)n, uptr_add(entry, offsetof(struct user_mmsghdr, msg_len))))
			n = -EFAULT;
		if (n < 0) {
			if (!done)
				done = n;
			break;
		}
		cond_resched();
	}
	fdput(f);
	return done;
}

/*
 * Return: messages received, or the first one's error. @deadline_ns is looked at after each
 * message, as in Linux.
 */
static ssize_t do_recvmmsg(struct socket *sock, struct file *file, uptr mmsg, unsigned int vlen,
			   unsigned int flags, u64 deadline_ns)
{
	ssize_t done = 0;

	for (; done < (ssize_t)vlen; done++) {
		uptr entry = uptr_add(mmsg, (u64)done * sizeof(struct user_mmsghdr));
		ssize_t n = ___sys_recvmsg(sock, file, entry,
					   flags & ~(unsigned int)MSG_WAITFORONE);

		if (n >= 0 &&
		    put_user((u32)n, uptr_add(entry, offsetof(struct user_mmsghdr, msg_len))))
			n = -EFAULT;
		if (n < 0) {
			if (!done)
				return n;
			/* told by the next call: this one has messages to report */
			if (n != -EAGAIN)
				WRITE_ONCE(sock->sk->sk_err, (int)-n);
			return done;
		}
		if (flags & MSG_WAITFORONE)
			flags |= MSG_DONTWAIT;
		if (deadline_ns != U64_MAX && ktime_get_ns() >= deadline_ns)
			return done + 1;
		cond_resched();
	}
	return done;
}

static ssize_t __sys_recvmmsg(int fd, uptr mmsg, unsigned int vlen, unsigned int flags,
			      uptr utimeout)
{
	struct timespec64 ts;
	u64 deadline = U64_MAX;
	struct fd f;
	int err;

	if (flags & BIT(MSG_CMSG_COMPAT_BIT))
		return -EINVAL;
	if (!uptr_is_null(utimeout)) {
		if (copy_from_user(&ts, utimeout, sizeof(ts)))
			return -EFAULT;
		if (!timespec64_valid(&ts))
			return -EINVAL;
		deadline = ktime_get_ns() + timespec64_to_ns(&ts);
	}
	struct socket *sock = sockfd_lookup_light(fd, &f, &err);

	if (!sock)
		return err;
	ssize_t n = flags & MSG_ERRQUEUE ? 0 : sock_error(sock->sk);

	if (!n)
		n = do_recvmmsg(sock, f.file, mmsg, min_t(unsigned int, vlen, UIO_MAXIOV), flags,
				deadline);
	fdput(f);
	if (n > 0 && deadline != U64_MAX) {
		u64 now = ktime_get_ns();

		ts = ns_to_timespec64(deadline > now ? deadline - now : 0);
		if (copy_to_user(utimeout, &ts, sizeof(ts)))
			n = -EFAULT;
	}
	return n;
}

/* --- boot and system calls ----------------------------------------------------------------- */

void sock_init(void)
{
	socket_cache = kmem_cache_create("socket", sizeof(struct socket), 64);
}

SYSCALL_DEFINE3(socket, int, family, int, type, int, protocol) { return __sys_socket(family, type, protocol); }
SYSCALL_DEFINE4(socketpair, int, family, int, type, int, protocol, uptr, usockvec)
{
	return __sys_socketpair(family, type, protocol, usockvec);
}
SYSCALL_DEFINE3(bind, int, fd, uptr, addr, int, addrlen) { return __sys_bind(fd, addr, addrlen); }
SYSCALL_DEFINE2(listen, int, fd, int, backlog) { return __sys_listen(fd, backlog); }
SYSCALL_DEFINE4(accept4, int, fd, uptr, addr, uptr, addrlen, int, flags)
{
	return __sys_accept4(fd, addr, addrlen, flags);
}
SYSCALL_DEFINE3(accept, int, fd, uptr, addr, uptr, addrlen) { return __sys_accept4(fd, addr, addrlen, 0); }
SYSCALL_DEFINE3(connect, int, fd, uptr, addr, int, addrlen) { return __sys_connect(fd, addr, addrlen); }
SYSCALL_DEFINE3(getsockname, int, fd, uptr, addr, uptr, addrlen) { return do_getname(fd, addr, addrlen, false); }
SYSCALL_DEFINE3(getpeername, int, fd, uptr, addr, uptr, addrlen) { return do_getname(fd, addr, addrlen, true); }
SYSCALL_DEFINE2(shutdown, int, fd, int, how) { return __sys_shutdown(fd, how); }
SYSCALL_DEFINE5(setsockopt, int, fd, int, level, int, optname, uptr, optval, int, optlen)
{
	return __sys_setsockopt(fd, level, optname, optval, optlen);
}
SYSCALL_DEFINE5(getsockopt, int, fd, int, level, int, optname, uptr, optval, uptr, optlen)
{
	return __sys_getsockopt(fd, level, optname, optval, optlen);
}
SYSCALL_DEFINE6(sendto, int, fd, uptr, buf, size_t, len, unsigned int, flags, uptr, addr, int, addr_len)
{
	return __sys_sendto(fd, buf, len, flags, addr, addr_len);
}
SYSCALL_DEFINE6(recvfrom, int, fd, uptr, buf, size_t, len, unsigned int, flags, uptr, addr, uptr, addr_len)
{
	return __sys_recvfrom(fd, buf, len, flags, addr, addr_len);
}
SYSCALL_DEFINE3(sendmsg, int, fd, uptr, msg, unsigned int, flags) { return __sys_sendmsg(fd, msg, flags); }
SYSCALL_DEFINE3(recvmsg, int, fd, uptr, msg, unsigned int, flags) { return __sys_recvmsg(fd, msg, flags); }
SYSCALL_DEFINE4(sendmmsg, int, fd, uptr, mmsg, unsigned int, vlen, unsigned int, flags)
{
	return __sys_sendmmsg(fd, mmsg, vlen, flags);
}
SYSCALL_DEFINE5(recvmmsg, int, fd, uptr, mmsg, unsigned int, vlen, unsigned int, flags, uptr,
		timeout)
{ return __sys_recvmmsg(fd, mmsg, vlen, flags, timeout); }

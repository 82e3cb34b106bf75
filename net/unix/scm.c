/*
 * net/unix/scm.c - what travels beside the data: open files and credentials.
 *
 * Linux:   net/core/scm.c, net/unix/scm.c (6.1)
 * Same:    SCM_RIGHTS and SCM_CREDENTIALS; at most 253 files a message; MSG_CTRUNC and the rest
 *          closed when the reader has too little room.
 * Differs: 1. no limit on files in flight but each message's.
 * Locks:   UNIX_IO, SKQUEUE for unix_show_fdinfo().
 * Walk:    unix_stream_sendmsg() -> scm_send(); unix_stream_recvmsg() -> scm_recv().
 */
#include "fs/file.h"
#include "fs/procfs.h"
#include "kernel/process.h"
#include "kernel/uaccess.h"
#include "net/unix/unix.h"

static void scm_fp_free(struct scm_fp_list *fpl)
{
	for (int i = 0; fpl && i < fpl->count; i++)
		fput(fpl->fp[i]);
	kfree(fpl);
}

void scm_free_files(struct scm_cookie *scm)
{
	scm_fp_free(scm->fp);
	scm->fp = NULL;
}

static int scm_fp_copy(struct cmsghdr *c, struct scm_cookie *scm)
{
	const s32 *fds = cmsg_data(c);
	size_t n = (c->cmsg_len - sizeof(*c)) / sizeof(s32);

	if (!n)
		return 0;
	if (!scm->fp) {
		scm->fp = kmalloc(sizeof(*scm->fp), GFP_KERNEL);
		if (!scm->fp)
			return -ENOMEM;
		scm->fp->count = 0;
	}
	if (n > (size_t)(SCM_MAX_FD - scm->fp->count))
		return -EINVAL;
	for (size_t i = 0; i < n; i++) {
		struct file *file = fds[i] < 0 ? NULL : fget((unsigned int)fds[i]);

		if (!file)
			return -EBADF;
		scm->fp->fp[scm->fp->count++] = file;
	}
	return 0;
}

/* Only root may speak for others. */
static int scm_check_creds(const struct ucred *c)
{
	const struct cred *me = &current->cred;

	if (capable_root())
		return 0;
	if (c->pid == current->tgid &&
	    (c->uid == me->uid || c->uid == me->euid || c->uid == me->suid) &&
	    (c->gid == me->gid || c->gid == me->egid || c->gid == me->sgid))
		return 0;
	return -EPERM;
}

static int scm_one(struct cmsghdr *c, struct scm_cookie *scm)
{
	switch (c->cmsg_type) {
	case SCM_RIGHTS:
		return scm_fp_copy(c, scm);
	case SCM_CREDENTIALS: {
		const struct ucred *creds = cmsg_data(c);

		if (c->cmsg_len != CMSG_LEN(sizeof(*creds)))
			return -EINVAL;
		int err = scm_check_creds(creds);

		if (!err)
			scm->creds = *creds;
		return err;
	}
	default:
		return -EINVAL;
	}
}

int scm_send_cmsgs(struct msghdr *msg, struct scm_cookie *scm)
{
	struct cmsghdr *c;
	int err = 0;

	for_each_cmsghdr(c, msg) {
		err = -EINVAL;
		if (!cmsg_ok(msg, c))
			break;
		err = c->cmsg_level == SOL_SOCKET ? scm_one(c, scm) : 0;
		if (err)
			break;
	}
	if (err)
		scm_destroy(scm);
	return err;
}

/* An skb dies with files in it: nobody received them. */
void unix_destruct_scm(struct sk_buff *skb)
{
	struct scm_fp_list *fpl = UNIXCB(skb)->fp;

	if (fpl) {
		unix_notinflight(fpl);
		scm_fp_free(fpl);
	}
	sock_wfree(skb);
}

void unix_detach_fds(struct scm_cookie *scm, struct sk_buff *skb)
{
	scm->fp = UNIXCB(skb)->fp;
	UNIXCB(skb)->fp = NULL;
	if (scm->fp)
		unix_notinflight(scm->fp);
}

int unix_peek_fds(struct scm_cookie *scm, const struct sk_buff *skb)
{
	const struct scm_fp_list *from = UNIXCB(skb)->fp;

	if (!from)
		return 0;
	scm->fp = kmalloc(sizeof(*scm->fp), GFP_KERNEL);
	if (!scm->fp)
		return -ENOMEM;
	scm->fp->count = from->count;
	for (int i = 0; i < from->count; i++)
		scm->fp->fp[i] = get_file(from->fp[i]);
	unix_gc_barrier();
	return 0;
}

/* One file becomes a descriptor whose number stands at @where. The reference goes over. */
static int receive_fd(struct file *file, uptr where, unsigned int o_flags)
{
	int fd = get_unused_fd_flags(o_flags);

	if (fd < 0)
		return fd;
	if (put_user((s32)fd, where)) {
		put_unused_fd((unsigned int)fd);
		return -EFAULT;
	}
	fd_install((unsigned int)fd, get_file(file));
	return 0;
}

static void scm_recv_fds(struct msghdr *msg, struct scm_cookie *scm, int flags)
{
	struct cmsghdr head = { 0, SOL_SOCKET, SCM_RIGHTS };
	size_t room = msg->msg_controllen > sizeof(head)
			      ? (msg->msg_controllen - sizeof(head)) / sizeof(s32)
			      : 0;
	uptr data = uptr_add(msg->msg_control_user, sizeof(head));
	int n = 0;

	while (n < scm->fp->count && (size_t)n < room) {
		uptr where = uptr_add(data, (u64)n * sizeof(s32));

		if (receive_fd(scm->fp->fp[n], where, flags & MSG_CMSG_CLOEXEC ? O_CLOEXEC : 0))
			break;
		n++;
	}
	if (n) {
		head.cmsg_len = CMSG_LEN((size_t)n * sizeof(s32));
		if (!copy_to_user(msg->msg_control_user, &head, sizeof(head))) {
			size_t space = min_t(size_t, CMSG_ALIGN(head.cmsg_len),
					     msg->msg_controllen);

			msg->msg_control_user = uptr_add(msg->msg_control_user, space);
			msg->msg_controllen -= space;
		}
	}
	if (n < scm->fp->count)
		msg->msg_flags |= MSG_CTRUNC;
	scm_destroy(scm);
}

void scm_recv_cmsgs(struct sock *sk, struct msghdr *msg, struct scm_cookie *scm, int flags)
{
	if (sock_flag(sk, SOCK_PASSCRED_F))
		put_cmsg(msg, SOL_SOCKET, SCM_CREDENTIALS, sizeof(scm->creds), &scm->creds);
	if (scm->fp)
		scm_recv_fds(msg, scm, flags);
}

void unix_show_fdinfo(struct seq_file *m, struct socket *sock)
{
	struct sock *sk = sock->sk;
	struct sk_buff *skb;
	unsigned long flags;
	int count = 0;

	/* No reader takes files out of a message meanwhile. */
	mutex_lock(&unix_sk(sk)->iolock);
	spin_lock_irqsave(&sk->sk_receive_queue.lock, flags);
	skb_queue_walk(&sk->sk_receive_queue, skb) {
		/* a listener's queue holds connections, not messages */
		if (sk->sk_state != TCP_LISTEN && UNIXCB(skb)->fp)
			count += UNIXCB(skb)->fp->count;
	}
	spin_unlock_irqrestore(&sk->sk_receive_queue.lock, flags);
	mutex_unlock(&unix_sk(sk)->iolock);
	seq_printf(m, "scm_fds: %d\n", count);
}

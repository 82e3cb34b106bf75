/*
 * net/core/scm.c - control messages on their way to the user.
 *
 * Linux:   net/core/scm.c (6.1)
 * Same:    a message that does not fit is cut, and MSG_CTRUNC says so.
 * Differs: 1. files and credentials, which only AF_UNIX carries, are in net/unix/scm.c.
 * Locks:   none.
 * Walk:    datagram_recv() -> ip_cmsg_recv() -> put_cmsg().
 */
#include "kernel/uaccess.h"
#include "net/socket.h"

int put_cmsg(struct msghdr *msg, int level, int type, size_t len, const void *data)
{
	struct cmsghdr c = { CMSG_LEN(len), level, type };

	if (msg->msg_controllen < sizeof(c)) {
		msg->msg_flags |= MSG_CTRUNC;
		return 0;
	}
	if (msg->msg_controllen < c.cmsg_len) {
		msg->msg_flags |= MSG_CTRUNC;
		c.cmsg_len = msg->msg_controllen;
	}
	if (copy_to_user(msg->msg_control_user, &c, sizeof(c)) ||
	    copy_to_user(uptr_add(msg->msg_control_user, sizeof(c)), data, c.cmsg_len - sizeof(c)))
		return -EFAULT;
	size_t space = min_t(size_t, CMSG_ALIGN(CMSG_LEN(len)), msg->msg_controllen);

	msg->msg_control_user = uptr_add(msg->msg_control_user, space);
	msg->msg_controllen -= space;
	return 0;
}

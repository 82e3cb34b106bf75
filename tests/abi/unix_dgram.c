/* tests/abi/unix_dgram.c - AF_UNIX datagrams, and what travels beside the data: descriptors and credentials. */
#include "tests/abi/tap.h"
#include <stddef.h>
#include <sys/epoll.h>
#include <sys/un.h>

static socklen_t name(struct sockaddr_un *a, const char *text)
{
	memset(a, 0, sizeof(*a));
	a->sun_family = AF_UNIX;
	snprintf(a->sun_path + 1, sizeof(a->sun_path) - 1, "%s-%d", text, getpid());
	return (socklen_t)(offsetof(struct sockaddr_un, sun_path) + 1 + strlen(a->sun_path + 1));
}

static int bound(struct sockaddr_un *a, socklen_t *len, const char *text)
{
	int fd = socket(AF_UNIX, SOCK_DGRAM, 0);

	*len = name(a, text);
	CHECK(fd >= 0 && bind(fd, (struct sockaddr *)a, *len) == 0);
	return fd;
}

TEST(unix_dgram_names_the_sender)
{
	struct sockaddr_un a, b, from;
	socklen_t alen, blen, len = sizeof(from);
	int fa = bound(&a, &alen, "a"), fb = bound(&b, &blen, "b"),
	    anon = socket(AF_UNIX, SOCK_DGRAM, 0);
	char buf[10];

	CHECK_EQ(sendto(fa, "hi", 2, 0, (struct sockaddr *)&b, blen), 2);
	CHECK_EQ(recvfrom(fb, buf, sizeof(buf), 0, (struct sockaddr *)&from, &len), 2);
	CHECK(len == alen && memcmp(&from, &a, alen) == 0);
	CHECK_EQ(sendto(anon, "x", 1, 0, (struct sockaddr *)&b, blen), 1);
	len = sizeof(from);
	CHECK_EQ(recvfrom(fb, buf, sizeof(buf), MSG_PEEK, (struct sockaddr *)&from, &len), 1);
	CHECK_EQ(len, 0);
	CHECK_EQ(recvfrom(fb, buf, sizeof(buf), 0, (struct sockaddr *)&from, &len), 1);
}

TEST(unix_dgram_errors)
{
	struct sockaddr_un a, b, none;
	socklen_t alen, blen, nlen = name(&none, "none");
	int fa = bound(&a, &alen, "a"), fb = bound(&b, &blen, "b"),
	    fc = socket(AF_UNIX, SOCK_DGRAM, 0);

	CHECK_ERRNO(send(fa, "x", 1, 0), ENOTCONN);
	CHECK_ERRNO(sendto(fa, "x", 1, 0, (struct sockaddr *)&none, nlen), ECONNREFUSED);
	CHECK(connect(fb, (struct sockaddr *)&a, alen) == 0);
	/* b listens to a alone */
	CHECK_ERRNO(sendto(fc, "x", 1, 0, (struct sockaddr *)&b, blen), EPERM);
	CHECK_ERRNO(connect(fc, (struct sockaddr *)&b, blen), EPERM);
	CHECK_EQ(send(fb, "x", 1, 0), 1);
	close(fa);
	CHECK_ERRNO(send(fb, "x", 1, 0), ECONNREFUSED);
	CHECK_ERRNO(send(fb, "x", 1, 0), ENOTCONN); /* forgotten */
	CHECK_ERRNO(listen(fb, 1), EOPNOTSUPP);
}

TEST(unix_dgram_too_large)
{
	static char buf[300000];
	int fd[2];

	CHECK(socketpair(AF_UNIX, SOCK_DGRAM, 0, fd) == 0);
	CHECK_ERRNO(send(fd[0], buf, sizeof(buf), 0), EMSGSIZE);
	CHECK_EQ(send(fd[0], buf, 100000, 0), 100000);
	CHECK_EQ(recv(fd[1], buf, sizeof(buf), 0), 100000);
}

TEST(unix_dgram_full_queue)
{
	struct sockaddr_un a;
	socklen_t len;
	int r = bound(&a, &len, "r"), s = socket(AF_UNIX, SOCK_DGRAM | SOCK_NONBLOCK, 0), sent = 0;
	struct pollfd p = { .fd = s, .events = POLLOUT };
	struct epoll_event ev = { .events = EPOLLOUT | EPOLLET };
	int ep = epoll_create1(0);
	char buf[10];

	CHECK(connect(s, (struct sockaddr *)&a, len) == 0);
	while (send(s, "x", 1, 0) == 1)
		sent++;
	CHECK_EQ(errno, EAGAIN);
	CHECK(sent >= 1 && sent < 1000);
	CHECK_EQ(poll(&p, 1, 0), 0);
	CHECK(epoll_ctl(ep, EPOLL_CTL_ADD, s, &ev) == 0);
	CHECK_EQ(epoll_wait(ep, &ev, 1, 0), 0);
	for (int i = 0; i < sent; i++)
		CHECK_EQ(recv(r, buf, sizeof(buf), 0), 1);
	CHECK_EQ(poll(&p, 1, 0), 1);
	CHECK_EQ(epoll_wait(ep, &ev, 1, 1000), 1);
}

TEST(unix_dgram_sender_waits_for_room)
{
	struct sockaddr_un a;
	socklen_t len;
	int r = bound(&a, &len, "r"), status, sent = 0;
	int s = socket(AF_UNIX, SOCK_DGRAM, 0);
	char buf[10];

	CHECK(connect(s, (struct sockaddr *)&a, len) == 0);
	while (send(s, "x", 1, MSG_DONTWAIT) == 1)
		sent++;
	pid_t pid = fork();

	if (pid == 0)
		_exit(send(s, "y", 1, 0) != 1);
	sleep_ms(50);
	CHECK_EQ(waitpid(pid, &status, WNOHANG), 0);
	for (int i = 0; i < sent; i++)
		CHECK_EQ(recv(r, buf, sizeof(buf), 0), 1);
	CHECK(waitpid(pid, &status, 0) == pid && status == 0);
	CHECK_EQ(recv(r, buf, sizeof(buf), 0), 1);
	CHECK_EQ(buf[0], 'y');
}

/* --- descriptors --- */

static void send_fds(int sock, const int *fds, int n, const char *text)
{
	char control[CMSG_SPACE(sizeof(int) * 253)] = { 0 };
	struct iovec iov = { (char *)text, strlen(text) };
	struct msghdr m = { .msg_iov = &iov, .msg_iovlen = 1, .msg_control = control,
			    .msg_controllen = CMSG_SPACE(sizeof(int) * (size_t)n) };
	struct cmsghdr *c = CMSG_FIRSTHDR(&m);

	c->cmsg_level = SOL_SOCKET;
	c->cmsg_type = SCM_RIGHTS;
	c->cmsg_len = CMSG_LEN(sizeof(int) * (size_t)n);
	memcpy(CMSG_DATA(c), fds, sizeof(int) * (size_t)n);
	CHECK_EQ(sendmsg(sock, &m, 0), strlen(text));
}

/* Return: how many descriptors came; room for @max. */
static int recv_fds(int sock, int *fds, int max, int flags, int *out_flags, char *text, size_t size)
{
	char control[CMSG_SPACE(sizeof(int) * 253)];
	struct iovec iov = { text, size };
	struct msghdr m = { .msg_iov = &iov, .msg_iovlen = 1, .msg_control = control,
			    .msg_controllen = CMSG_LEN(sizeof(int) * (size_t)max) };
	ssize_t n = recvmsg(sock, &m, flags);

	CHECK(n >= 0);
	*out_flags = m.msg_flags;
	struct cmsghdr *c = CMSG_FIRSTHDR(&m);

	if (!c)
		return 0;
	CHECK(c->cmsg_level == SOL_SOCKET && c->cmsg_type == SCM_RIGHTS);
	int got = (int)((c->cmsg_len - CMSG_LEN(0)) / sizeof(int));

	memcpy(fds, CMSG_DATA(c), sizeof(int) * (size_t)got);
	return got;
}

TEST(scm_rights_passes_an_open_file)
{
	int fd[2], p[2], got, flags;
	char buf[10];

	CHECK(socketpair(AF_UNIX, SOCK_STREAM, 0, fd) == 0 && pipe(p) == 0);
	send_fds(fd[0], &p[1], 1, "t");
	close(p[1]);
	CHECK_EQ(recv_fds(fd[1], &got, 1, MSG_CMSG_CLOEXEC, &flags, buf, sizeof(buf)), 1);
	CHECK_EQ(fcntl(got, F_GETFD), FD_CLOEXEC);
	CHECK_EQ(write(got, "abc", 3), 3);
	CHECK_EQ(read(p[0], buf, sizeof(buf)), 3);
	close(got);
	CHECK_EQ(read(p[0], buf, sizeof(buf)), 0); /* nobody holds the writing end any more */
}

TEST(scm_rights_unread_is_closed_with_the_socket)
{
	int fd[2], p[2];
	char buf[10];

	CHECK(socketpair(AF_UNIX, SOCK_DGRAM, 0, fd) == 0 && pipe(p) == 0);
	send_fds(fd[0], &p[1], 1, "t");
	close(p[1]);
	close(fd[1]);
	close(fd[0]);
	CHECK_EQ(read(p[0], buf, sizeof(buf)), 0);
}

TEST(scm_rights_too_little_room)
{
	int fd[2], fds[3] = { 0, 1, 2 }, got[3], flags;
	char buf[10];

	CHECK(socketpair(AF_UNIX, SOCK_STREAM, 0, fd) == 0);
	send_fds(fd[0], fds, 3, "t");
	CHECK_EQ(recv_fds(fd[1], got, 2, 0, &flags, buf, sizeof(buf)), 2);
	CHECK(flags & MSG_CTRUNC);
	send_fds(fd[0], fds, 1, "t");
	CHECK_EQ(read(fd[1], buf, sizeof(buf)), 1); /* not asked for: closed */
}

TEST(scm_rights_separates_stream_reads)
{
	int fd[2], got, flags, zero = 0;
	char buf[10];

	CHECK(socketpair(AF_UNIX, SOCK_STREAM, 0, fd) == 0);
	CHECK_EQ(write(fd[0], "aa", 2), 2);
	send_fds(fd[0], &zero, 1, "bb");
	CHECK_EQ(write(fd[0], "cc", 2), 2);
	CHECK_EQ(recv_fds(fd[1], &got, 1, 0, &flags, buf, sizeof(buf)), 1);
	CHECK(memcmp(buf, "aabb", 4) == 0);
	CHECK_EQ(read(fd[1], buf, sizeof(buf)), 2);
}

TEST(scm_rights_peek_gives_a_copy)
{
	int fd[2], got, flags, zero = 0;
	char buf[10];

	CHECK(socketpair(AF_UNIX, SOCK_DGRAM, 0, fd) == 0);
	send_fds(fd[0], &zero, 1, "t");
	CHECK_EQ(recv_fds(fd[1], &got, 1, MSG_PEEK, &flags, buf, sizeof(buf)), 1);
	CHECK(fcntl(got, F_GETFD) >= 0);
	CHECK_EQ(recv_fds(fd[1], &got, 1, 0, &flags, buf, sizeof(buf)), 1);
}

TEST(scm_rights_bad_descriptors)
{
	char control[CMSG_SPACE(sizeof(int))] = { 0 };
	struct iovec iov = { "x", 1 };
	struct msghdr m = { .msg_iov = &iov, .msg_iovlen = 1, .msg_control = control,
			    .msg_controllen = sizeof(control) };
	struct cmsghdr *c = CMSG_FIRSTHDR(&m);
	int fd[2], bad = 999;

	CHECK(socketpair(AF_UNIX, SOCK_STREAM, 0, fd) == 0);
	c->cmsg_level = SOL_SOCKET;
	c->cmsg_type = SCM_RIGHTS;
	c->cmsg_len = CMSG_LEN(sizeof(int));
	memcpy(CMSG_DATA(c), &bad, sizeof(bad));
	CHECK_ERRNO(sendmsg(fd[0], &m, 0), EBADF);
	c->cmsg_type = 77;
	CHECK_ERRNO(sendmsg(fd[0], &m, 0), EINVAL);
	c->cmsg_type = SCM_RIGHTS;
	c->cmsg_len = 5;
	CHECK_ERRNO(sendmsg(fd[0], &m, 0), EINVAL);
	c->cmsg_len = sizeof(control) + 1;
	CHECK_ERRNO(sendmsg(fd[0], &m, 0), EINVAL);
}

/* --- sockets that hold each other --- */

/* A collection runs when a socket is released. */
static void release_a_socket(void)
{
	int fd[2];

	CHECK(socketpair(AF_UNIX, SOCK_STREAM, 0, fd) == 0);
	close(fd[0]);
	close(fd[1]);
}

TEST(scm_rights_cycle_is_collected)
{
	struct pollfd pfd;
	int a[2], b[2], p[2];
	char buf[10];

	CHECK(socketpair(AF_UNIX, SOCK_STREAM, 0, a) == 0 &&
	      socketpair(AF_UNIX, SOCK_DGRAM, 0, b) == 0);
	CHECK(pipe(p) == 0);
	send_fds(a[0], &p[1], 1, "p");	/* a[1] holds the pipe */
	send_fds(a[0], &b[1], 1, "b");	/* and b[1] */
	send_fds(b[0], &a[1], 1, "a");	/* which holds a[1] */
	close(p[1]);
	for (int i = 0; i < 2; i++) {
		close(b[i]);
		close(a[i]);
	}
	release_a_socket();
	pfd = (struct pollfd){ .fd = p[0], .events = POLLIN };
	CHECK_EQ(poll(&pfd, 1, 5000), 1);
	CHECK_EQ(read(p[0], buf, sizeof(buf)), 0);
}

TEST(scm_rights_cycle_that_is_reachable_survives)
{
	int a[2], got[2], flags, p[2];
	char buf[10];

	CHECK(socketpair(AF_UNIX, SOCK_STREAM, 0, a) == 0 && pipe(p) == 0);
	int both[2] = { a[1], p[1] };

	send_fds(a[0], both, 2, "x");	/* a[1] in its own queue, but we have it too */
	close(p[1]);
	for (int i = 0; i < 20; i++) {
		release_a_socket();
		sleep_ms(2);
	}
	CHECK_EQ(recv_fds(a[1], got, 2, 0, &flags, buf, sizeof(buf)), 2);
	CHECK_EQ(write(got[1], "alive", 5), 5);
	CHECK_EQ(read(p[0], buf, sizeof(buf)), 5);
}

TEST(scm_rights_cycle_through_a_listener_is_collected)
{
	struct sockaddr_un n;
	socklen_t len = name(&n, "gc");
	int l = socket(AF_UNIX, SOCK_STREAM, 0), c = socket(AF_UNIX, SOCK_STREAM, 0), p[2];
	struct pollfd pfd;
	char buf[10];

	CHECK(bind(l, (struct sockaddr *)&n, len) == 0 && listen(l, 5) == 0 && pipe(p) == 0);
	CHECK(connect(c, (struct sockaddr *)&n, len) == 0);
	int both[2] = { l, p[1] };

	send_fds(c, both, 2, "x");	/* the listener waits in a connection nobody has accepted */
	close(p[1]);
	close(c);
	close(l);
	release_a_socket();
	pfd = (struct pollfd){ .fd = p[0], .events = POLLIN };
	CHECK_EQ(poll(&pfd, 1, 5000), 1);
	CHECK_EQ(read(p[0], buf, sizeof(buf)), 0);
}

/* --- credentials --- */

TEST(scm_credentials_when_asked_for)
{
	char control[CMSG_SPACE(sizeof(struct ucred))], buf[10];
	struct iovec iov = { buf, sizeof(buf) };
	struct msghdr m = { .msg_iov = &iov, .msg_iovlen = 1, .msg_control = control,
			    .msg_controllen = sizeof(control) };
	struct ucred cred;
	int fd[2], on = 1, status;

	CHECK(socketpair(AF_UNIX, SOCK_STREAM, 0, fd) == 0);
	CHECK(setsockopt(fd[1], SOL_SOCKET, SO_PASSCRED, &on, sizeof(on)) == 0);
	pid_t pid = fork();

	if (pid == 0)
		_exit(write(fd[0], "x", 1) != 1);
	CHECK(waitpid(pid, &status, 0) == pid && status == 0);
	CHECK_EQ(recvmsg(fd[1], &m, 0), 1);
	struct cmsghdr *c = CMSG_FIRSTHDR(&m);

	CHECK(c && c->cmsg_level == SOL_SOCKET && c->cmsg_type == SCM_CREDENTIALS);
	memcpy(&cred, CMSG_DATA(c), sizeof(cred));
	CHECK(cred.pid == pid && cred.uid == getuid() && cred.gid == getgid());
}

TEST(scm_credentials_cannot_be_forged)
{
	char control[CMSG_SPACE(sizeof(struct ucred))] = { 0 };
	struct iovec iov = { "x", 1 };
	struct msghdr m = { .msg_iov = &iov, .msg_iovlen = 1, .msg_control = control,
			    .msg_controllen = sizeof(control) };
	struct cmsghdr *c = CMSG_FIRSTHDR(&m);
	struct ucred cred = { getpid(), getuid(), getgid() };
	int fd[2];

	CHECK(socketpair(AF_UNIX, SOCK_STREAM, 0, fd) == 0);
	c->cmsg_level = SOL_SOCKET;
	c->cmsg_type = SCM_CREDENTIALS;
	c->cmsg_len = CMSG_LEN(sizeof(cred));
	memcpy(CMSG_DATA(c), &cred, sizeof(cred));
	CHECK_EQ(sendmsg(fd[0], &m, 0), 1);
	if (getuid() == 0)
		CHECK(setresuid(1000, 1000, 1000) == 0);
	cred.uid = 0;
	memcpy(CMSG_DATA(c), &cred, sizeof(cred));
	CHECK_ERRNO(sendmsg(fd[0], &m, 0), EPERM);
}

/* Flags and time limits of send() and recv(), and many messages in one call, over every kind of socket. */
#include "tests/abi/tcp_pair.h"
#include <stddef.h>
#include <sys/uio.h>
#include <sys/un.h>

/* The system calls: musl makes one sendmsg() for each message. What musl pads in msghdr is zero here. */
#define sendmmsg(fd, m, n, flags) syscall(SYS_sendmmsg, fd, m, n, flags)
#define recvmmsg(fd, m, n, flags, timeout) syscall(SYS_recvmmsg, fd, m, n, flags, timeout)

enum { STREAM, DGRAM, SEQPACKET, TCP, UDP, KINDS };
static const char *const kind_name[KINDS] = { "unix stream", "unix dgram", "unix seqpacket", "tcp", "udp" };

/* Connected to each other. */
static void make(int kind, int s[2])
{
	static const int type[] = { SOCK_STREAM, SOCK_DGRAM, SOCK_SEQPACKET };

	if (kind <= SEQPACKET) {
		CHECK_EQ(socketpair(AF_UNIX, type[kind], 0, s), 0);
	} else if (kind == TCP) {
		struct pair p = tcp_pair();

		s[0] = p.c;
		s[1] = p.s;
	} else {
		for (int i = 0; i < 2; i++) {
			s[i] = socket(AF_INET, SOCK_DGRAM, 0);
			CHECK_EQ(bind_to(s[i], 0), 0);
		}
		CHECK_EQ(connect_to(s[0], port_of(s[1])), 0);
		CHECK_EQ(connect_to(s[1], port_of(s[0])), 0);
	}
}
static bool is_stream(int kind) { return kind == STREAM || kind == TCP; }
#define FAIL(kind, ...) do { printf("# on %s: ", kind_name[kind]); TAP_FAIL(__VA_ARGS__); } while (0)
#define SAME(kind, got, want) do {								\
	long __g = (long)(got), __w = (long)(want);						\
	if (__g != __w)										\
		FAIL(kind, "%s is %ld, not %ld (errno %d)", #got, __g, __w, errno);		\
} while (0)
#define FAILS(kind, call, e) do { errno = 0; SAME(kind, call, -1); SAME(kind, errno, e); } while (0)

/* Limits of sockets are whole ticks in Linux, the first of which may be short: 4 ms. */
static bool is_early(int64_t start) { return now_ns() - start < (30 - 4) * 1000000LL; }

static void limit(int fd, int option, int ms)
{
	struct timeval tv = { ms / 1000, ms % 1000 * 1000 };

	CHECK_EQ(setsockopt(fd, SOL_SOCKET, option, &tv, sizeof(tv)), 0);
}

TEST(recv_dontwait_on_a_blocking_socket)
{
	char c;

	for (int k = 0; k < KINDS; k++) {
		int s[2];

		make(k, s);
		FAILS(k, recv(s[0], &c, 1, MSG_DONTWAIT), EAGAIN);
		SAME(k, send(s[1], "x", 1, MSG_DONTWAIT), 1);
		struct pollfd p = { .fd = s[0], .events = POLLIN };

		SAME(k, poll(&p, 1, 2000), 1);
		SAME(k, recv(s[0], &c, 1, MSG_DONTWAIT), 1);
	}
}

TEST(recv_timeout_is_eagain_and_never_early)
{
	char c;

	for (int k = 0; k < KINDS; k++) {
		int s[2];

		make(k, s);
		limit(s[0], SO_RCVTIMEO, 30);
		int64_t start = now_ns();

		FAILS(k, recv(s[0], &c, 1, 0), EAGAIN);
		if (is_early(start))
			FAIL(k, "early");
		/* read() knows the limit, too. */
		start = now_ns();
		FAILS(k, read(s[0], &c, 1), EAGAIN);
		if (is_early(start))
			FAIL(k, "read early");
		limit(s[0], SO_RCVTIMEO, 0);
	}
}

TEST(send_timeout_is_eagain_and_never_early)
{
	static char junk[4096];

	for (int k = 0; k < KINDS; k++) {
		int s[2];

		if (k == UDP)
			continue;	/* never waits on the loopback */
		make(k, s);
		while (send(s[0], junk, sizeof(junk), MSG_DONTWAIT) > 0)
			;
		SAME(k, errno, EAGAIN);
		/* The receiver's side of TCP may still take some. */
		sleep_ms(50);
		while (send(s[0], junk, sizeof(junk), MSG_DONTWAIT) > 0)
			;
		limit(s[0], SO_SNDTIMEO, 30);
		int64_t start = now_ns();

		FAILS(k, send(s[0], junk, sizeof(junk), 0), EAGAIN);
		if (is_early(start))
			FAIL(k, "early");
	}
}

TEST(send_timeout_with_a_part_sent_gives_the_part)
{
	static char junk[8 << 20];
	static const int kinds[] = { STREAM, TCP };

	for (int i = 0; i < 2; i++) {
		int k = kinds[i], s[2];

		make(k, s);
		limit(s[0], SO_SNDTIMEO, 50);
		ssize_t n = send(s[0], junk, sizeof(junk), 0);

		if (n <= 0 || n >= (ssize_t)sizeof(junk))
			FAIL(k, "%zd", n);
	}
}

TEST(recv_timeout_with_waitall_gives_the_part)
{
	static const int kinds[] = { STREAM, TCP };
	char buf[16];

	for (int i = 0; i < 2; i++) {
		int k = kinds[i], s[2];

		make(k, s);
		SAME(k, send(s[1], "abc", 3, 0), 3);
		limit(s[0], SO_RCVTIMEO, 30);
		int64_t start = now_ns();

		SAME(k, recv(s[0], buf, 10, MSG_WAITALL), 3);
		if (is_early(start))
			FAIL(k, "early");
		FAILS(k, recv(s[0], buf, 10, MSG_WAITALL), EAGAIN);
	}
}

static void nothing(int sig) { (void)sig; }
TEST(recv_waitall_interrupted_gives_the_part)
{
	static const int kinds[] = { STREAM, TCP };
	struct sigaction sa = { .sa_handler = nothing, .sa_flags = SA_RESTART };
	char buf[16];

	sigaction(SIGALRM, &sa, NULL);
	for (int i = 0; i < 2; i++) {
		struct itimerval it = { .it_value = { 0, 50000 } };
		int k = kinds[i], s[2];

		make(k, s);
		SAME(k, send(s[1], "abc", 3, 0), 3);
		setitimer(ITIMER_REAL, &it, NULL);
		SAME(k, recv(s[0], buf, 10, MSG_WAITALL), 3);
	}
}

TEST(waits_with_a_time_limit_are_not_restarted)
{
	struct sigaction sa = { .sa_handler = nothing, .sa_flags = SA_RESTART };
	char c;

	sigaction(SIGALRM, &sa, NULL);
	for (int k = 0; k < KINDS; k++) {
		struct itimerval it = { .it_value = { 0, 30000 } };
		int s[2];

		make(k, s);
		limit(s[0], SO_RCVTIMEO, 20000);
		setitimer(ITIMER_REAL, &it, NULL);
		FAILS(k, recv(s[0], &c, 1, 0), EINTR);
	}
}

TEST(recv_peek_leaves_it)
{
	char buf[16];

	for (int k = 0; k < KINDS; k++) {
		int s[2];

		make(k, s);
		SAME(k, send(s[1], "abcdef", 6, 0), 6);
		SAME(k, recv(s[0], buf, 3, MSG_PEEK), 3);
		SAME(k, recv(s[0], buf, 16, MSG_PEEK), 6);
		SAME(k, recv(s[0], buf, 16, 0), 6);
		SAME(k, memcmp(buf, "abcdef", 6), 0);
		FAILS(k, recv(s[0], buf, 16, MSG_PEEK | MSG_DONTWAIT), EAGAIN);
	}
}

TEST(recv_trunc_tells_the_length_of_a_datagram)
{
	char buf[16];

	for (int k = 0; k < KINDS; k++) {
		int s[2];

		if (is_stream(k))
			continue;
		make(k, s);
		SAME(k, send(s[1], "abcdef", 6, 0), 6);
		struct iovec iov = { buf, 2 };
		struct msghdr m = { .msg_iov = &iov, .msg_iovlen = 1 };

		SAME(k, recvmsg(s[0], &m, MSG_PEEK), 2);
		SAME(k, m.msg_flags & MSG_TRUNC, MSG_TRUNC);
		m.msg_flags = 0;
		SAME(k, recvmsg(s[0], &m, MSG_PEEK | MSG_TRUNC), 6);
		SAME(k, m.msg_flags & MSG_TRUNC, MSG_TRUNC);
		SAME(k, recv(s[0], NULL, 0, MSG_PEEK | MSG_TRUNC), 6);
		SAME(k, recv(s[0], buf, 2, MSG_TRUNC), 6);
		/* The rest went with it. */
		FAILS(k, recv(s[0], buf, 16, MSG_DONTWAIT), EAGAIN);
		/* Room for all: no flag. */
		SAME(k, send(s[1], "ab", 2, 0), 2);
		SAME(k, recvmsg(s[0], &m, MSG_TRUNC), 2);
		SAME(k, m.msg_flags & MSG_TRUNC, 0);
	}
}

TEST(empty_datagrams_arrive)
{
	char c;

	for (int k = 0; k < KINDS; k++) {
		int s[2];

		if (is_stream(k))
			continue;
		make(k, s);
		SAME(k, send(s[1], NULL, 0, 0), 0);
		SAME(k, send(s[1], "x", 1, 0), 1);
		SAME(k, recv(s[0], &c, 1, 0), 0);
		SAME(k, recv(s[0], &c, 1, 0), 1);
	}
}

TEST(send_nosignal_after_the_peer_is_gone)
{
	static const int kinds[] = { STREAM, SEQPACKET, TCP };

	for (int i = 0; i < 3; i++) {
		int k = kinds[i], s[2], status;

		make(k, s);
		close(s[1]);
		/* TCP learns of it by the answer to the first. */
		if (k == TCP) {
			send(s[0], "x", 1, MSG_NOSIGNAL);
			sleep_ms(30);
			send(s[0], "x", 1, MSG_NOSIGNAL);
		}
		FAILS(k, send(s[0], "x", 1, MSG_NOSIGNAL), EPIPE);
		pid_t child = fork();

		if (child == 0) {
			send(s[0], "x", 1, 0);
			_exit(0);
		}
		CHECK_EQ(waitpid(child, &status, 0), child);
		/* A seqpacket socket gives the error without the signal. */
		SAME(k, WIFSIGNALED(status) ? WTERMSIG(status) : 0, k == SEQPACKET ? 0 : SIGPIPE);
	}
}

TEST(connect_to_a_full_unix_listener_obeys_the_time_limit)
{
	struct sockaddr_un a = { .sun_family = AF_UNIX };
	socklen_t len = sizeof(a);
	int l = socket(AF_UNIX, SOCK_STREAM, 0), c;

	CHECK_EQ(bind(l, (struct sockaddr *)&a, sizeof(sa_family_t)), 0);
	CHECK_EQ(listen(l, 0), 0);
	CHECK_EQ(getsockname(l, (struct sockaddr *)&a, &len), 0);
	for (int i = 0; i < 10; i++) {
		c = socket(AF_UNIX, SOCK_STREAM, 0);
		limit(c, SO_SNDTIMEO, 30);
		int64_t start = now_ns();

		if (connect(c, (struct sockaddr *)&a, len) < 0) {
			CHECK_EQ(errno, EAGAIN);
			CHECK(!is_early(start));
			return;
		}
	}
	TAP_FAIL("the queue has no end");
}

TEST(accept_obeys_the_time_limit)
{
	struct sockaddr_un a = { .sun_family = AF_UNIX };
	int l = socket(AF_UNIX, SOCK_STREAM, 0);

	CHECK_EQ(bind(l, (struct sockaddr *)&a, sizeof(sa_family_t)), 0);
	CHECK_EQ(listen(l, 1), 0);
	limit(l, SO_RCVTIMEO, 30);
	int64_t start = now_ns();

	CHECK_ERRNO(accept(l, NULL, NULL), EAGAIN);
	CHECK(!is_early(start));
}

/* --- many in one call --- */

struct many {
	struct mmsghdr m[4];
	struct iovec iov[4];
	char buf[4][16];
};
static void prepare(struct many *t, const char *text)
{
	memset(t, 0, sizeof(*t));
	for (int i = 0; i < 4; i++) {
		t->iov[i] = (struct iovec){ t->buf[i], sizeof(t->buf[i]) };
		t->m[i].msg_hdr.msg_iov = &t->iov[i];
		t->m[i].msg_hdr.msg_iovlen = 1;
		if (text) {
			t->iov[i].iov_len = (size_t)i + 1;
			memset(t->buf[i], text[i], (size_t)i + 1);
		}
	}
}

TEST(sendmmsg_and_recvmmsg_carry_them_in_order)
{
	for (int k = 0; k < KINDS; k++) {
		struct many t;
		int s[2];

		make(k, s);
		prepare(&t, "abcd");
		SAME(k, sendmmsg(s[0], t.m, 4, 0), 4);
		for (int i = 0; i < 4; i++)
			SAME(k, t.m[i].msg_len, i + 1);
		prepare(&t, NULL);
		if (is_stream(k)) {
			/* Without boundaries: the first takes all of it. */
			SAME(k, recvmmsg(s[1], t.m, 4, MSG_WAITFORONE, NULL), 1);
			SAME(k, t.m[0].msg_len, 10);
			SAME(k, memcmp(t.buf[0], "abbcccdddd", 10), 0);
			continue;
		}
		SAME(k, recvmmsg(s[1], t.m, 4, 0, NULL), 4);
		for (int i = 0; i < 4; i++) {
			SAME(k, t.m[i].msg_len, i + 1);
			SAME(k, t.buf[i][i], "abcd"[i]);
		}
	}
}

TEST(recvmmsg_waits_for_one_or_for_none)
{
	for (int k = 0; k < KINDS; k++) {
		struct many t;
		int s[2];

		make(k, s);
		prepare(&t, NULL);
		FAILS(k, recvmmsg(s[1], t.m, 4, MSG_DONTWAIT, NULL), EAGAIN);
		SAME(k, recvmmsg(s[1], t.m, 0, 0, NULL), 0);
		SAME(k, send(s[0], "x", 1, 0), 1);
		SAME(k, recvmmsg(s[1], t.m, 4, MSG_WAITFORONE, NULL), 1);
		SAME(k, t.m[0].msg_len, 1);
	}
}

TEST(recvmmsg_timeout_is_looked_at_after_each_message)
{
	struct many t;
	struct timespec ts = { 0, 1 }, bad = { 0, 1000000000 }, negative = { -1, 0 };
	int s[2];

	make(DGRAM, s);
	prepare(&t, NULL);
	CHECK_ERRNO(recvmmsg(s[1], t.m, 4, 0, &bad), EINVAL);
	CHECK_ERRNO(recvmmsg(s[1], t.m, 4, 0, &negative), EINVAL);
	CHECK_EQ(send(s[0], "x", 1, 0), 1);
	CHECK_EQ(send(s[0], "x", 1, 0), 1);
	/* Over when the first has come, though there is a second. */
	CHECK_EQ(recvmmsg(s[1], t.m, 4, 0, &ts), 1);
	CHECK(ts.tv_sec == 0 && ts.tv_nsec == 0);
	ts = (struct timespec){ 100, 0 };
	CHECK_EQ(send(s[0], "x", 1, 0), 1);
	CHECK_EQ(recvmmsg(s[1], t.m, 2, 0, &ts), 2);
	/* What is left is written back. */
	CHECK(ts.tv_sec == 99 && ts.tv_nsec > 0);
}

TEST(sendmmsg_stops_at_the_first_error_and_tells_how_many)
{
	for (int k = 0; k < KINDS; k++) {
		struct many t;
		int s[2];

		make(k, s);
		prepare(&t, "abcd");
		t.iov[2].iov_base = (void *)8;
		SAME(k, sendmmsg(s[0], t.m, 4, 0), 2);
		/* By itself it is the error. */
		FAILS(k, sendmmsg(s[0], t.m + 2, 2, 0), EFAULT);
	}
}

TEST(recvmmsg_keeps_an_error_for_the_next_call)
{
	struct many t;
	int s[2], err = -1;
	socklen_t len = sizeof(err);

	make(DGRAM, s);
	prepare(&t, NULL);
	for (int i = 0; i < 3; i++)
		CHECK_EQ(send(s[0], "abc", 3, 0), 3);
	t.m[1].msg_hdr.msg_iov = (void *)8;
	CHECK_EQ(recvmmsg(s[1], t.m, 3, 0, NULL), 1);
	CHECK_EQ(getsockopt(s[1], SOL_SOCKET, SO_ERROR, &err, &len), 0);
	CHECK_EQ(err, EFAULT);
}

TEST(recvmmsg_and_sendmmsg_take_at_most_1024)
{
	static struct mmsghdr m[1100];
	static struct iovec iov = { "x", 1 };
	int s[2];

	make(UDP, s);
	for (int i = 0; i < 1100; i++)
		m[i].msg_hdr = (struct msghdr){ .msg_iov = &iov, .msg_iovlen = 1 };
	CHECK_EQ(sendmmsg(s[0], m, 1100, 0), 1024);
}

TEST(message_calls_check_their_arguments)
{
	struct many t;
	char c;
	int s[2], p[2];

	make(STREAM, s);
	CHECK_EQ(pipe(p), 0);
	prepare(&t, "abcd");
	CHECK_ERRNO(recvmmsg(p[0], t.m, 1, 0, NULL), ENOTSOCK);
	CHECK_ERRNO(sendmmsg(-1, t.m, 1, 0), EBADF);
	CHECK_ERRNO(recv(p[0], &c, 1, 0), ENOTSOCK);
	CHECK_ERRNO(sendmmsg(s[0], (void *)8, 1, 0), EFAULT);
	t.m[0].msg_hdr.msg_iovlen = 1025;
	CHECK_ERRNO(sendmmsg(s[0], t.m, 1, 0), EMSGSIZE);
	CHECK_ERRNO(recvmsg(s[0], &t.m[0].msg_hdr, MSG_DONTWAIT), EMSGSIZE);
}

TEST(msg_cmsg_cloexec_marks_what_arrives)
{
	char byte = 'f', control[CMSG_SPACE(sizeof(int))] = { 0 };
	struct iovec iov = { &byte, 1 };
	struct msghdr m = { .msg_iov = &iov, .msg_iovlen = 1, .msg_control = control,
			    .msg_controllen = sizeof(control) };
	struct cmsghdr *c = CMSG_FIRSTHDR(&m);
	int s[2], fd = 0;

	make(STREAM, s);
	c->cmsg_level = SOL_SOCKET;
	c->cmsg_type = SCM_RIGHTS;
	c->cmsg_len = CMSG_LEN(sizeof(int));
	memcpy(CMSG_DATA(c), &fd, sizeof(int));
	for (int cloexec = 0; cloexec < 2; cloexec++) {
		CHECK_EQ(sendmsg(s[0], &m, 0), 1);
		CHECK_EQ(recvmsg(s[1], &m, cloexec ? MSG_CMSG_CLOEXEC : 0), 1);
		memcpy(&fd, CMSG_DATA(CMSG_FIRSTHDR(&m)), sizeof(int));
		CHECK_EQ(fcntl(fd, F_GETFD), cloexec ? FD_CLOEXEC : 0);
		CHECK_EQ(m.msg_flags & MSG_CMSG_CLOEXEC, cloexec ? MSG_CMSG_CLOEXEC : 0);
	}
}

TEST(unix_datagrams_have_no_out_of_band_byte)
{
	char c;
	int s[2];

	for (int k = DGRAM; k <= SEQPACKET; k++) {
		make(k, s);
		FAILS(k, send(s[0], "u", 1, MSG_OOB), EOPNOTSUPP);
		FAILS(k, recv(s[1], &c, 1, MSG_OOB), EOPNOTSUPP);
	}
}

TEST(unix_peek_looks_over_several_writes)
{
	char buf[32];
	int s[2];

	make(STREAM, s);
	CHECK_EQ(send(s[1], "12345678", 8, 0), 8);
	CHECK_EQ(send(s[1], "abcdefgh", 8, 0), 8);
	CHECK_EQ(recv(s[0], buf, sizeof(buf), MSG_PEEK), 16);
	CHECK_EQ(memcmp(buf, "12345678abcdefgh", 16), 0);
	CHECK_EQ(recv(s[0], buf, 10, MSG_PEEK), 10);
	/* It does not wait for more, as reading would. */
	CHECK_EQ(recv(s[0], buf, sizeof(buf), MSG_PEEK | MSG_WAITALL), 16);
	CHECK_EQ(recv(s[0], buf, sizeof(buf), 0), 16);
}

TEST(recv_of_a_shut_socket_at_once_and_asleep)
{
	char c;

	for (int k = STREAM; k <= SEQPACKET; k++) {
		int s[2];

		make(k, s);
		CHECK_EQ(shutdown(s[0], SHUT_RD), 0);
		if (k == DGRAM)
			FAILS(k, recv(s[0], &c, 1, MSG_DONTWAIT), EAGAIN);
		else
			SAME(k, recv(s[0], &c, 1, MSG_DONTWAIT), 0);
		SAME(k, recv(s[0], &c, 1, 0), 0);
	}
}

TEST(unix_error_and_data_which_is_told_first)
{
	char c;
	int s[2];

	/* Ours is unread when the peer goes: a reset. What the peer had sent is there, too. */
	make(STREAM, s);
	CHECK_EQ(send(s[0], "x", 1, 0), 1);
	CHECK_EQ(send(s[1], "y", 1, 0), 1);
	close(s[1]);
	CHECK_EQ(recv(s[0], &c, 1, 0), 1);
	CHECK_ERRNO(recv(s[0], &c, 1, 0), ECONNRESET);
	CHECK_EQ(recv(s[0], &c, 1, 0), 0);
	make(SEQPACKET, s);
	CHECK_EQ(send(s[0], "x", 1, 0), 1);
	CHECK_EQ(send(s[1], "y", 1, 0), 1);
	close(s[1]);
	CHECK_ERRNO(recv(s[0], &c, 1, 0), ECONNRESET);
	CHECK_EQ(recv(s[0], &c, 1, 0), 1);
	CHECK_EQ(recv(s[0], &c, 1, 0), 0);
}

TEST(unix_empty_message_left_unread_is_no_reset)
{
	struct pollfd p = { .events = POLLIN };
	int s[2];

	make(SEQPACKET, s);
	CHECK_EQ(send(s[0], NULL, 0, 0), 0);
	close(s[1]);
	p.fd = s[0];
	CHECK_EQ(poll(&p, 1, 0), 1);
	CHECK_EQ(p.revents & POLLERR, 0);
	make(SEQPACKET, s);
	CHECK_EQ(send(s[0], NULL, 0, 0), 0);
	CHECK_EQ(send(s[0], "x", 1, 0), 1);
	close(s[1]);
	p.fd = s[0];
	CHECK_EQ(poll(&p, 1, 0), 1);
	CHECK_EQ(p.revents & POLLERR, POLLERR);
}

TEST(unix_datagrams_of_a_peer_that_is_gone_are_dropped_when_that_is_noticed)
{
	char c;
	int s[2];

	make(DGRAM, s);
	CHECK_EQ(send(s[1], "y", 1, 0), 1);
	close(s[1]);
	struct pollfd p = { .fd = s[0], .events = POLLIN };

	CHECK_EQ(poll(&p, 1, 0), 1);
	CHECK_ERRNO(send(s[0], "x", 1, 0), ECONNREFUSED);
	CHECK_EQ(poll(&p, 1, 0), 0);
	CHECK_ERRNO(recv(s[0], &c, 1, MSG_DONTWAIT), EAGAIN);
}

TEST(unix_datagram_peer_hears_that_it_was_left)
{
	struct sockaddr_un a = { .sun_family = AF_UNIX };
	socklen_t len = sizeof(a);
	int s[2], other = socket(AF_UNIX, SOCK_DGRAM, 0);
	char c;

	CHECK_EQ(bind(other, (struct sockaddr *)&a, sizeof(sa_family_t)), 0);
	CHECK_EQ(getsockname(other, (struct sockaddr *)&a, &len), 0);
	make(DGRAM, s);
	CHECK_EQ(send(s[1], "y", 1, 0), 1);
	/* With something unread of it. */
	CHECK_EQ(connect(s[0], (struct sockaddr *)&a, len), 0);
	CHECK_ERRNO(recv(s[0], &c, 1, MSG_DONTWAIT), EAGAIN);
	CHECK_ERRNO(recv(s[1], &c, 1, MSG_DONTWAIT), ECONNRESET);
	CHECK_ERRNO(recv(s[1], &c, 1, MSG_DONTWAIT), EAGAIN);
}

/* tests/abi/unix_stream.c - AF_UNIX streams and packet streams: pairs, names, connections, ends. */
#include "tests/abi/tap.h"
#include <netinet/in.h>
#include <stddef.h>
#include <sys/ioctl.h>
#include <sys/un.h>
#include <sys/uio.h>

static socklen_t abstract(struct sockaddr_un *a, const char *name)
{
	memset(a, 0, sizeof(*a));
	a->sun_family = AF_UNIX;
	snprintf(a->sun_path + 1, sizeof(a->sun_path) - 1, "%s-%d", name, getpid());
	return (socklen_t)(offsetof(struct sockaddr_un, sun_path) + 1 + strlen(a->sun_path + 1));
}

static int listener(struct sockaddr_un *a, socklen_t *len, int type, int backlog)
{
	int fd = socket(AF_UNIX, type, 0);

	*len = abstract(a, "listener");
	CHECK(fd >= 0);
	CHECK(bind(fd, (struct sockaddr *)a, *len) == 0);
	CHECK(listen(fd, backlog) == 0);
	return fd;
}

TEST(unix_pair_carries_bytes_both_ways)
{
	char buf[10];
	int fd[2];

	CHECK(socketpair(AF_UNIX, SOCK_STREAM, 0, fd) == 0);
	CHECK_EQ(write(fd[0], "hello", 5), 5);
	CHECK_EQ(write(fd[1], "you", 3), 3);
	CHECK_EQ(read(fd[1], buf, sizeof(buf)), 5);
	CHECK(memcmp(buf, "hello", 5) == 0);
	CHECK_EQ(read(fd[0], buf, sizeof(buf)), 3);
	CHECK_ERRNO(recv(fd[0], buf, sizeof(buf), MSG_DONTWAIT), EAGAIN);
}

TEST(unix_stream_has_no_boundaries)
{
	char buf[10];
	int fd[2];

	CHECK(socketpair(AF_UNIX, SOCK_STREAM, 0, fd) == 0);
	CHECK_EQ(write(fd[0], "abc", 3), 3);
	CHECK_EQ(write(fd[0], "defg", 4), 4);
	CHECK_EQ(read(fd[1], buf, 5), 5);
	CHECK(memcmp(buf, "abcde", 5) == 0);
	CHECK_EQ(read(fd[1], buf, 10), 2);
}

TEST(unix_stream_waitall_and_peek)
{
	char buf[10];
	int fd[2];

	CHECK(socketpair(AF_UNIX, SOCK_STREAM, 0, fd) == 0);
	CHECK_EQ(write(fd[0], "ab", 2), 2);
	CHECK_EQ(recv(fd[1], buf, sizeof(buf), MSG_PEEK), 2);
	if (fork() == 0) {
		sleep_ms(50);
		_exit(write(fd[0], "cd", 2) != 2);
	}
	CHECK_EQ(recv(fd[1], buf, 4, MSG_WAITALL), 4);
	CHECK(memcmp(buf, "abcd", 4) == 0);
}

TEST(unix_seqpacket_keeps_boundaries)
{
	char buf[10];
	int fd[2];

	CHECK(socketpair(AF_UNIX, SOCK_SEQPACKET, 0, fd) == 0);
	CHECK_EQ(write(fd[0], "abc", 3), 3);
	CHECK_EQ(write(fd[0], "defg", 4), 4);
	CHECK_EQ(read(fd[1], buf, 10), 3);
	CHECK_EQ(read(fd[1], buf, 2), 2);
	CHECK_ERRNO(recv(fd[1], buf, sizeof(buf), MSG_DONTWAIT), EAGAIN);
	close(fd[0]);
	CHECK_EQ(read(fd[1], buf, sizeof(buf)), 0);
}

TEST(unix_close_is_end_of_file_and_epipe)
{
	char buf[10];
	int fd[2];

	signal(SIGPIPE, SIG_IGN);
	CHECK(socketpair(AF_UNIX, SOCK_STREAM, 0, fd) == 0);
	CHECK_EQ(write(fd[0], "bye", 3), 3);
	close(fd[0]);
	CHECK_EQ(read(fd[1], buf, sizeof(buf)), 3);
	CHECK_EQ(read(fd[1], buf, sizeof(buf)), 0);
	CHECK_ERRNO(write(fd[1], "x", 1), EPIPE);
}

static volatile sig_atomic_t pipes;
static void count_pipe(int sig) { (void)sig; pipes++; }

TEST(unix_sigpipe_unless_nosignal)
{
	int fd[2];

	signal(SIGPIPE, count_pipe);
	CHECK(socketpair(AF_UNIX, SOCK_STREAM, 0, fd) == 0);
	close(fd[0]);
	CHECK_ERRNO(send(fd[1], "x", 1, MSG_NOSIGNAL), EPIPE);
	CHECK_EQ(pipes, 0);
	CHECK_ERRNO(send(fd[1], "x", 1, 0), EPIPE);
	CHECK_EQ(pipes, 1);
}

TEST(unix_close_with_unread_data_resets)
{
	char buf[10];
	int fd[2];

	CHECK(socketpair(AF_UNIX, SOCK_STREAM, 0, fd) == 0);
	CHECK_EQ(write(fd[0], "unread", 6), 6);
	close(fd[1]);
	CHECK_ERRNO(read(fd[0], buf, sizeof(buf)), ECONNRESET);
	CHECK_EQ(read(fd[0], buf, sizeof(buf)), 0);
}

TEST(unix_shutdown_halves)
{
	struct pollfd p;
	char buf[10];
	int fd[2];

	CHECK(socketpair(AF_UNIX, SOCK_STREAM, 0, fd) == 0);
	CHECK(shutdown(fd[0], SHUT_WR) == 0);
	CHECK_EQ(read(fd[1], buf, sizeof(buf)), 0);
	CHECK_ERRNO(send(fd[0], "x", 1, MSG_NOSIGNAL), EPIPE);
	CHECK_EQ(write(fd[1], "back", 4), 4);
	CHECK_EQ(read(fd[0], buf, sizeof(buf)), 4);
	p = (struct pollfd){ .fd = fd[1], .events = POLLIN | POLLOUT | POLLRDHUP };
	CHECK_EQ(poll(&p, 1, 0), 1);
	CHECK_EQ(p.revents, POLLIN | POLLOUT | POLLRDHUP);
	CHECK(shutdown(fd[1], SHUT_WR) == 0);
	p = (struct pollfd){ .fd = fd[1], .events = POLLIN | POLLOUT | POLLRDHUP };
	CHECK_EQ(poll(&p, 1, 0), 1);
	CHECK_EQ(p.revents, POLLIN | POLLOUT | POLLRDHUP | POLLHUP);
	CHECK_ERRNO(shutdown(fd[0], 3), EINVAL);
}

TEST(unix_full_buffer_blocks_and_wakes)
{
	struct pollfd p;
	static char buf[4096];
	int fd[2];
	long total = 0, got = 0;

	CHECK(socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK, 0, fd) == 0);
	for (;;) {
		ssize_t n = write(fd[0], buf, sizeof(buf));

		if (n < 0) {
			CHECK_EQ(errno, EAGAIN);
			break;
		}
		total += n;
	}
	p = (struct pollfd){ .fd = fd[0], .events = POLLOUT };
	CHECK_EQ(poll(&p, 1, 0), 0);
	while (got < total) {
		ssize_t n = read(fd[1], buf, sizeof(buf));

		CHECK(n > 0);
		got += n;
	}
	CHECK_EQ(poll(&p, 1, 0), 1);
	CHECK_EQ(p.revents, POLLOUT);
}

TEST(unix_large_transfer_between_processes)
{
	enum { SIZE = 1 << 20 };
	static unsigned char out[SIZE], in[SIZE];
	int fd[2], status;

	CHECK(socketpair(AF_UNIX, SOCK_STREAM, 0, fd) == 0);
	for (int i = 0; i < SIZE; i++)
		out[i] = (unsigned char)(i * 13 + (i >> 11));
	pid_t pid = fork();

	if (pid == 0) {
		close(fd[1]);
		size_t done = 0;

		while (done < SIZE) {
			ssize_t n = write(fd[0], out + done, SIZE - done);

			if (n <= 0)
				_exit(1);
			done += (size_t)n;
		}
		_exit(0);
	}
	close(fd[0]);
	size_t got = 0;
	ssize_t n;

	while ((n = read(fd[1], in + got, SIZE - got > 7777 ? 7777 : SIZE - got)) > 0)
		got += (size_t)n;
	CHECK_EQ(got, SIZE);
	CHECK(memcmp(in, out, SIZE) == 0);
	CHECK(waitpid(pid, &status, 0) == pid && status == 0);
}

TEST(unix_connect_and_accept)
{
	struct sockaddr_un a, peer;
	socklen_t len, plen = sizeof(peer);
	int l = listener(&a, &len, SOCK_STREAM, 5), c = socket(AF_UNIX, SOCK_STREAM, 0);
	char buf[10];

	CHECK(connect(c, (struct sockaddr *)&a, len) == 0);
	CHECK_EQ(write(c, "early", 5), 5); /* before accept() */
	int s = accept(l, (struct sockaddr *)&peer, &plen);

	CHECK(s >= 0);
	CHECK_EQ(plen, 2); /* the client has no name */
	CHECK_EQ(peer.sun_family, AF_UNIX);
	CHECK_EQ(read(s, buf, sizeof(buf)), 5);
	plen = sizeof(peer);
	CHECK(getsockname(s, (struct sockaddr *)&peer, &plen) == 0);
	CHECK(plen == len && memcmp(&peer, &a, len) == 0);
	plen = sizeof(peer);
	CHECK(getpeername(c, (struct sockaddr *)&peer, &plen) == 0);
	CHECK(plen == len && memcmp(&peer, &a, len) == 0);
	CHECK_ERRNO(connect(c, (struct sockaddr *)&a, len), EISCONN);
}

TEST(unix_connect_errors)
{
	struct sockaddr_un a;
	socklen_t len = abstract(&a, "nobody");
	int c = socket(AF_UNIX, SOCK_STREAM, 0);

	CHECK_ERRNO(connect(c, (struct sockaddr *)&a, len), ECONNREFUSED);
	CHECK_ERRNO(connect(c, (struct sockaddr *)&a, 2), EINVAL);
	CHECK_ERRNO(connect(c, (struct sockaddr *)&a, sizeof(a) + 1), EINVAL);
	a.sun_family = AF_INET;
	CHECK_ERRNO(connect(c, (struct sockaddr *)&a, len), EINVAL);
	a.sun_family = AF_UNIX;
	strcpy(a.sun_path, "/no/such/path");
	CHECK_ERRNO(connect(c, (struct sockaddr *)&a, sizeof(a)), ENOENT);
	strcpy(a.sun_path, "/dev/null");
	CHECK_ERRNO(connect(c, (struct sockaddr *)&a, sizeof(a)), ECONNREFUSED);
	int bound = socket(AF_UNIX, SOCK_STREAM, 0);

	len = abstract(&a, "not-listening");
	CHECK(bind(bound, (struct sockaddr *)&a, len) == 0);
	CHECK_ERRNO(connect(c, (struct sockaddr *)&a, len), ECONNREFUSED);
	CHECK_ERRNO(accept(bound, NULL, NULL), EINVAL);
	CHECK_ERRNO(listen(c, 1), EINVAL); /* no name */
	CHECK_ERRNO(write(c, "x", 1), ENOTCONN);
}

TEST(unix_wrong_type_is_refused)
{
	struct sockaddr_un a;
	socklen_t len;
	char dir[] = "/tmp/unixXXXXXX";
	int d = socket(AF_UNIX, SOCK_DGRAM, 0), s = socket(AF_UNIX, SOCK_STREAM, 0);

	CHECK(mkdtemp(dir) != NULL);
	memset(&a, 0, sizeof(a));
	a.sun_family = AF_UNIX;
	snprintf(a.sun_path, sizeof(a.sun_path), "%s/s", dir);
	CHECK(bind(d, (struct sockaddr *)&a, sizeof(a)) == 0);
	CHECK_ERRNO(connect(s, (struct sockaddr *)&a, sizeof(a)), EPROTOTYPE);
	unlink(a.sun_path);
	rmdir(dir);
	len = abstract(&a, "dgram"); /* abstract names are separate for each type */
	int d2 = socket(AF_UNIX, SOCK_DGRAM, 0);

	CHECK(bind(d2, (struct sockaddr *)&a, len) == 0);
	CHECK_ERRNO(connect(s, (struct sockaddr *)&a, len), ECONNREFUSED);
}

TEST(unix_path_names)
{
	struct sockaddr_un a, name;
	socklen_t len = sizeof(name);
	struct stat st;
	char dir[] = "/tmp/unixXXXXXX";
	int l = socket(AF_UNIX, SOCK_STREAM, 0), c = socket(AF_UNIX, SOCK_STREAM, 0);

	CHECK(mkdtemp(dir) != NULL);
	memset(&a, 0, sizeof(a));
	a.sun_family = AF_UNIX;
	snprintf(a.sun_path, sizeof(a.sun_path), "%s/sock", dir);
	CHECK(bind(l, (struct sockaddr *)&a, sizeof(a)) == 0);
	CHECK(lstat(a.sun_path, &st) == 0 && S_ISSOCK(st.st_mode));
	CHECK_ERRNO(open(a.sun_path, O_RDWR), ENXIO);
	CHECK(getsockname(l, (struct sockaddr *)&name, &len) == 0);
	CHECK_EQ(len, offsetof(struct sockaddr_un, sun_path) + strlen(a.sun_path) + 1);
	CHECK(listen(l, 1) == 0);
	CHECK(connect(c, (struct sockaddr *)&a, sizeof(a)) == 0);
	int other = socket(AF_UNIX, SOCK_STREAM, 0);

	CHECK_ERRNO(bind(other, (struct sockaddr *)&a, sizeof(a)), EADDRINUSE);
	close(l);
	CHECK(lstat(a.sun_path, &st) == 0); /* the node outlives the socket */
	CHECK_ERRNO(connect(other, (struct sockaddr *)&a, sizeof(a)), ECONNREFUSED);
	unlink(a.sun_path);
	CHECK_ERRNO(connect(other, (struct sockaddr *)&a, sizeof(a)), ENOENT);
	rmdir(dir);
}

TEST(unix_abstract_names_are_free_again)
{
	struct sockaddr_un a;
	socklen_t len = abstract(&a, "again");
	int one = socket(AF_UNIX, SOCK_STREAM, 0), two = socket(AF_UNIX, SOCK_STREAM, 0);

	CHECK(bind(one, (struct sockaddr *)&a, len) == 0);
	CHECK_ERRNO(bind(two, (struct sockaddr *)&a, len), EADDRINUSE);
	CHECK_ERRNO(bind(one, (struct sockaddr *)&a, len), EINVAL);
	CHECK(bind(two, (struct sockaddr *)&a, len - 1) == 0); /* another length, another name */
	close(one);
	one = socket(AF_UNIX, SOCK_STREAM, 0);
	CHECK(bind(one, (struct sockaddr *)&a, len) == 0);
}

TEST(unix_autobind)
{
	struct sockaddr_un a = { .sun_family = AF_UNIX };
	socklen_t len = sizeof(a);
	int fd = socket(AF_UNIX, SOCK_DGRAM, 0);

	CHECK(bind(fd, (struct sockaddr *)&a, 2) == 0);
	CHECK(getsockname(fd, (struct sockaddr *)&a, &len) == 0);
	CHECK_EQ(len, 8);
	CHECK_EQ(a.sun_path[0], 0);
	for (int i = 1; i < 6; i++)
		CHECK(strchr("0123456789abcdef", a.sun_path[i]) != NULL);
}

TEST(unix_backlog_is_a_limit)
{
	struct sockaddr_un a;
	socklen_t len;
	int l = listener(&a, &len, SOCK_STREAM, 1), connected = 0;

	for (int i = 0; i < 10; i++) {
		int c = socket(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK, 0);

		if (connect(c, (struct sockaddr *)&a, len) == 0)
			connected++;
		else
			CHECK_EQ(errno, EAGAIN);
	}
	CHECK_EQ(connected, 2);
	CHECK(accept(l, NULL, NULL) >= 0);
	int c = socket(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK, 0);

	CHECK(connect(c, (struct sockaddr *)&a, len) == 0);
}

TEST(unix_connect_waits_for_room)
{
	struct sockaddr_un a;
	socklen_t len;
	int l = listener(&a, &len, SOCK_STREAM, 0), first = socket(AF_UNIX, SOCK_STREAM, 0), status;

	CHECK(connect(first, (struct sockaddr *)&a, len) == 0);
	pid_t pid = fork();

	if (pid == 0) {
		int c = socket(AF_UNIX, SOCK_STREAM, 0);

		_exit(connect(c, (struct sockaddr *)&a, len) != 0);
	}
	sleep_ms(50);
	CHECK_EQ(waitpid(pid, &status, WNOHANG), 0);
	CHECK(accept(l, NULL, NULL) >= 0);
	CHECK(waitpid(pid, &status, 0) == pid && status == 0);
}

TEST(unix_listener_polls_readable)
{
	struct sockaddr_un a;
	socklen_t len;
	int l = listener(&a, &len, SOCK_STREAM, 5), c = socket(AF_UNIX, SOCK_STREAM, 0);
	struct pollfd p = { .fd = l, .events = POLLIN | POLLOUT };

	CHECK_EQ(poll(&p, 1, 0), 0);
	CHECK(connect(c, (struct sockaddr *)&a, len) == 0);
	CHECK_EQ(poll(&p, 1, 0), 1);
	CHECK_EQ(p.revents, POLLIN);
	CHECK(accept4(l, NULL, NULL, SOCK_CLOEXEC) >= 0);
	CHECK(fcntl(l, F_SETFL, O_NONBLOCK) == 0);
	CHECK_ERRNO(accept(l, NULL, NULL), EAGAIN);
}

TEST(unix_closing_a_listener_ends_what_waits)
{
	struct sockaddr_un a;
	socklen_t len;
	int l = listener(&a, &len, SOCK_STREAM, 5), c = socket(AF_UNIX, SOCK_STREAM, 0);
	char buf[10];

	CHECK(connect(c, (struct sockaddr *)&a, len) == 0);
	close(l);
	CHECK_ERRNO(recv(c, buf, sizeof(buf), MSG_DONTWAIT), ECONNRESET);
	CHECK_EQ(recv(c, buf, sizeof(buf), MSG_DONTWAIT), 0);
}

TEST(unix_peercred)
{
	struct sockaddr_un a;
	socklen_t len, clen;
	struct ucred cred;
	int l = listener(&a, &len, SOCK_STREAM, 5), c = socket(AF_UNIX, SOCK_STREAM, 0), fd[2];

	clen = sizeof(cred);
	CHECK(connect(c, (struct sockaddr *)&a, len) == 0);
	int s = accept(l, NULL, NULL);

	CHECK(getsockopt(s, SOL_SOCKET, SO_PEERCRED, &cred, &clen) == 0);
	CHECK(clen == sizeof(cred) && cred.pid == getpid() && cred.uid == geteuid() &&
	      cred.gid == getegid());
	CHECK(getsockopt(c, SOL_SOCKET, SO_PEERCRED, &cred, &clen) == 0);
	CHECK_EQ(cred.pid, getpid());
	CHECK(socketpair(AF_UNIX, SOCK_STREAM, 0, fd) == 0);
	CHECK(getsockopt(fd[0], SOL_SOCKET, SO_PEERCRED, &cred, &clen) == 0);
	CHECK_EQ(cred.pid, getpid());
	int alone = socket(AF_UNIX, SOCK_STREAM, 0);

	CHECK(getsockopt(alone, SOL_SOCKET, SO_PEERCRED, &cred, &clen) == 0);
	CHECK(cred.pid == 0 && cred.uid == (uid_t)-1);
}

TEST(unix_fionread_counts_all_bytes)
{
	int fd[2], n;
	char buf[4];

	CHECK(socketpair(AF_UNIX, SOCK_STREAM, 0, fd) == 0);
	CHECK_EQ(write(fd[0], "abc", 3), 3);
	CHECK_EQ(write(fd[0], "defg", 4), 4);
	CHECK(ioctl(fd[1], FIONREAD, &n) == 0);
	CHECK_EQ(n, 7);
	CHECK_EQ(read(fd[1], buf, 4), 4);
	CHECK(ioctl(fd[1], FIONREAD, &n) == 0);
	CHECK_EQ(n, 3);
}

TEST(unix_socket_arguments)
{
	int fd[2];

	CHECK_ERRNO(socket(AF_UNIX, SOCK_STREAM, 5), EPROTONOSUPPORT);
	CHECK_ERRNO(socket(AF_UNIX, 9, 0), ESOCKTNOSUPPORT);
	CHECK_ERRNO(socket(AF_UNIX, 11, 0), EINVAL);
	CHECK_ERRNO(socket(200, SOCK_STREAM, 0), EAFNOSUPPORT);
	CHECK_ERRNO(socket(AF_UNIX, SOCK_STREAM | 0x100, 0), EINVAL);
	CHECK_ERRNO(socketpair(AF_INET, SOCK_STREAM, 0, fd), EOPNOTSUPP);
	CHECK_ERRNO(syscall(SYS_socketpair, AF_UNIX, SOCK_STREAM, 0, 8L), EFAULT);
	CHECK_ERRNO(setsockopt(socket(AF_UNIX, SOCK_STREAM, 0), IPPROTO_TCP, 1, fd, 4), EOPNOTSUPP);
	int flags = socket(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);

	CHECK_EQ(fcntl(flags, F_GETFL) & O_NONBLOCK, O_NONBLOCK);
	CHECK_EQ(fcntl(flags, F_GETFD), FD_CLOEXEC);
}

TEST(unix_socket_is_a_file)
{
	struct stat st;
	char link[64], path[64];
	int fd[2];

	CHECK(socketpair(AF_UNIX, SOCK_STREAM, 0, fd) == 0);
	CHECK(fstat(fd[0], &st) == 0 && S_ISSOCK(st.st_mode));
	CHECK_ERRNO(lseek(fd[0], 0, SEEK_CUR), ESPIPE);
	CHECK_ERRNO(pread(fd[0], link, 1, 0), ESPIPE);
	CHECK_ERRNO(ftruncate(fd[0], 0), EINVAL);
	snprintf(path, sizeof(path), "/proc/self/fd/%d", fd[0]);
	ssize_t n = readlink(path, link, sizeof(link) - 1);

	CHECK(n > 0);
	link[n] = 0;
	snprintf(path, sizeof(path), "socket:[%llu]", (unsigned long long)st.st_ino);
	CHECK(strcmp(link, path) == 0);
}

TEST(unix_not_a_socket)
{
	int fd = open("/dev/null", O_RDWR), n = 0;
	struct sockaddr_un a = { .sun_family = AF_UNIX };

	CHECK_ERRNO(send(fd, "x", 1, 0), ENOTSOCK);
	CHECK_ERRNO(bind(fd, (struct sockaddr *)&a, sizeof(a)), ENOTSOCK);
	CHECK_ERRNO(listen(fd, 1), ENOTSOCK);
	CHECK_ERRNO(accept(fd, NULL, NULL), ENOTSOCK);
	CHECK_ERRNO(setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &n, sizeof(n)), ENOTSOCK);
	CHECK_ERRNO(send(999, "x", 1, 0), EBADF);
	CHECK_ERRNO(shutdown(fd, SHUT_RD), ENOTSOCK);
}

static void *pong(void *arg)
{
	int fd = *(int *)arg;
	char c;

	while (read(fd, &c, 1) == 1)
		if (write(fd, &c, 1) != 1)
			break;
	return NULL;
}

TEST(unix_many_round_trips)
{
	pthread_t t;
	char c;
	int fd[2];

	CHECK(socketpair(AF_UNIX, SOCK_STREAM, 0, fd) == 0);
	pthread_create(&t, NULL, pong, &fd[1]);
	for (int i = 0; i < 5000; i++) {
		CHECK_EQ(write(fd[0], "x", 1), 1);
		CHECK_EQ(read(fd[0], &c, 1), 1);
	}
	shutdown(fd[0], SHUT_RDWR);
	pthread_join(t, NULL);
}

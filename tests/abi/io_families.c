/* readv, preadv2, sendfile, splice and their kin on every kind of file: which take what, and what else is an error. */
#include "tests/abi/tcp_pair.h"
#include <pty.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <sys/inotify.h>
#include <sys/sendfile.h>
#include <sys/signalfd.h>
#include <sys/timerfd.h>
#include <sys/uio.h>

enum kind {
	FILE_, APPEND, PIPE_READ, PIPE_WRITE, UNIX, UDP, TCP, EVENTFD, TIMERFD, SIGNALFD, EPOLL, INOTIFY,
	PTY_MASTER, PTY_SLAVE, DEV_NULL, DEV_ZERO, DIRECTORY, FIFO, PIDFD, MEMFD, KINDS
};
static const char *const kind_name[KINDS] = {
	"file", "append", "pipe read", "pipe write", "unix", "udp", "tcp", "eventfd", "timerfd", "signalfd", "epoll",
	"inotify", "pty master", "pty slave", "null", "zero", "directory", "fifo", "pidfd", "memfd"
};
/* Open for reading and writing where it can be. Sockets have a peer; nothing blocks; files hold 11 bytes. */
static int fds[KINDS];

static void make_file(void)
{
	char name[] = "/tmp/io_families.XXXXXX";

	fds[FILE_] = mkstemp(name);
	CHECK_EQ(write(fds[FILE_], "hello world", 11), 11);
	CHECK_EQ(lseek(fds[FILE_], 0, SEEK_SET), 0);
	fds[APPEND] = open(name, O_RDWR | O_APPEND);
	unlink(name);
}

static void make_sockets(void)
{
	struct pair p = tcp_pair();
	int s[2];

	CHECK_EQ(socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK, 0, s), 0);
	fds[UNIX] = s[0];
	fds[UDP] = socket(AF_INET, SOCK_DGRAM | SOCK_NONBLOCK, 0);
	CHECK_EQ(bind_to(fds[UDP], 0), 0);
	int to = socket(AF_INET, SOCK_DGRAM, 0);

	CHECK_EQ(bind_to(to, 0), 0);
	CHECK_EQ(connect_to(fds[UDP], port_of(to)), 0);
	fds[TCP] = p.c;
	nonblocking(p.c);
}

static void make_all(void)
{
	char name[64];
	int p[2];
	sigset_t set;

	for (int i = 3; i < 100; i++)
		close(i);
	make_file();
	make_sockets();
	CHECK_EQ(pipe2(p, O_NONBLOCK), 0);
	fds[PIPE_READ] = p[0];
	fds[PIPE_WRITE] = p[1];
	fds[EVENTFD] = eventfd(0, EFD_NONBLOCK);
	fds[TIMERFD] = timerfd_create(CLOCK_MONOTONIC, TFD_NONBLOCK);
	sigemptyset(&set);
	sigaddset(&set, SIGUSR2);
	fds[SIGNALFD] = signalfd(-1, &set, SFD_NONBLOCK);
	fds[EPOLL] = epoll_create1(0);
	fds[INOTIFY] = inotify_init1(IN_NONBLOCK);
	CHECK_EQ(openpty(&fds[PTY_MASTER], &fds[PTY_SLAVE], NULL, NULL, NULL), 0);
	nonblocking(fds[PTY_MASTER]);
	nonblocking(fds[PTY_SLAVE]);
	fds[DEV_NULL] = open("/dev/null", O_RDWR);
	fds[DEV_ZERO] = open("/dev/zero", O_RDWR);
	fds[DIRECTORY] = open("/tmp", O_RDONLY);
	snprintf(name, sizeof(name), "/tmp/io_families-%d", getpid());
	CHECK_EQ(mkfifo(name, 0600), 0);
	fds[FIFO] = open(name, O_RDWR | O_NONBLOCK);
	unlink(name);
	fds[PIDFD] = (int)syscall(SYS_pidfd_open, getpid(), 0);
	fds[MEMFD] = (int)syscall(SYS_memfd_create, "m", 0);
	for (int k = 0; k < KINDS; k++)
		CHECK(fds[k] >= 0);
}

/* A row of what should come: bytes, or -errno. */
static void expect(enum kind k, const char *what, long want, long got)
{
	if (got < 0)
		got = -errno;
	if (got != want)
		TAP_FAIL("%s on %s: %ld, not %ld", what, kind_name[k], got, want);
}
#define EXPECT(k, want, call) do { errno = 0; long __got = (long)(call); expect(k, #call, want, __got); } while (0)

static long preadv2_(int fd, int flags)
{
	char buf[8];
	struct iovec iov = { buf, sizeof(buf) };

	return syscall(SYS_preadv2, fd, &iov, 1, -1L, -1L, flags);
}
static long pwritev2_(int fd, int flags)
{
	struct iovec iov = { "12345678", 8 };

	return syscall(SYS_pwritev2, fd, &iov, 1, -1L, -1L, flags);
}
enum { HIPRI = 1, DSYNC = 2, NOWAIT = 8, APPENDING = 16, UNKNOWN = 0x80 };

TEST(preadv2_flags_by_kind_of_file)
{
	/* without, DSYNC, NOWAIT, unknown; HIPRI is taken by all */
	static const short want[KINDS][4] = {
		[FILE_] = { 8, 3, -EOPNOTSUPP, -EOPNOTSUPP }, [APPEND] = { 8, 3, -EOPNOTSUPP, -EOPNOTSUPP },
		[PIPE_READ] = { -EAGAIN, -EAGAIN, -EOPNOTSUPP, -EOPNOTSUPP },
		[PIPE_WRITE] = { -EBADF, -EBADF, -EBADF, -EBADF },
		[UNIX] = { -EAGAIN, -EAGAIN, -EOPNOTSUPP, -EOPNOTSUPP },
		[UDP] = { -EAGAIN, -EAGAIN, -EOPNOTSUPP, -EOPNOTSUPP },
		[TCP] = { -EAGAIN, -EAGAIN, -EOPNOTSUPP, -EOPNOTSUPP },
		[EVENTFD] = { -EAGAIN, -EAGAIN, -EAGAIN, -EOPNOTSUPP },
		[TIMERFD] = { -EAGAIN, -EOPNOTSUPP, -EOPNOTSUPP, -EOPNOTSUPP },
		[SIGNALFD] = { -EINVAL, -EOPNOTSUPP, -EOPNOTSUPP, -EOPNOTSUPP },
		[EPOLL] = { -EINVAL, -EINVAL, -EINVAL, -EINVAL },
		[INOTIFY] = { -EAGAIN, -EOPNOTSUPP, -EOPNOTSUPP, -EOPNOTSUPP },
		[PTY_MASTER] = { -EAGAIN, -EAGAIN, -EOPNOTSUPP, -EOPNOTSUPP },
		[PTY_SLAVE] = { -EAGAIN, -EAGAIN, -EOPNOTSUPP, -EOPNOTSUPP },
		[DEV_NULL] = { 0, 0, 0, -EOPNOTSUPP }, [DEV_ZERO] = { 8, 8, 8, -EOPNOTSUPP },
		[DIRECTORY] = { -EISDIR, -EOPNOTSUPP, -EOPNOTSUPP, -EOPNOTSUPP },
		[FIFO] = { -EAGAIN, -EAGAIN, -EOPNOTSUPP, -EOPNOTSUPP },
		[PIDFD] = { -EINVAL, -EINVAL, -EINVAL, -EINVAL }, [MEMFD] = { 0, 0, -EOPNOTSUPP, -EOPNOTSUPP },
	};

	make_all();
	for (enum kind k = 0; k < KINDS; k++) {
		EXPECT(k, want[k][0], preadv2_(fds[k], 0));
		EXPECT(k, want[k][1], preadv2_(fds[k], DSYNC));
		EXPECT(k, want[k][2], preadv2_(fds[k], NOWAIT));
		EXPECT(k, want[k][3], preadv2_(fds[k], UNKNOWN));
		EXPECT(k, k == FILE_ || k == APPEND ? 0 : want[k][0], preadv2_(fds[k], HIPRI));
	}
}

TEST(pwritev2_flags_by_kind_of_file)
{
	/* without and HIPRI; APPEND; NOWAIT */
	static const short want[KINDS][3] = {
		[FILE_] = { 8, 8, -EOPNOTSUPP }, [APPEND] = { 8, 8, -EOPNOTSUPP },
		[PIPE_READ] = { -EBADF, -EBADF, -EBADF }, [PIPE_WRITE] = { 8, 8, -EOPNOTSUPP },
		[UNIX] = { 8, 8, -EOPNOTSUPP }, [UDP] = { 8, 8, -EOPNOTSUPP }, [TCP] = { 8, 8, -EOPNOTSUPP },
		[EVENTFD] = { 8, -EOPNOTSUPP, -EOPNOTSUPP },
		[TIMERFD] = { -EINVAL, -EINVAL, -EINVAL }, [SIGNALFD] = { -EINVAL, -EINVAL, -EINVAL },
		[EPOLL] = { -EINVAL, -EINVAL, -EINVAL }, [INOTIFY] = { -EBADF, -EBADF, -EBADF },
		[PTY_MASTER] = { 8, 8, -EOPNOTSUPP }, [PTY_SLAVE] = { 8, 8, -EOPNOTSUPP },
		[DEV_NULL] = { 8, 8, 8 }, [DEV_ZERO] = { 8, 8, 8 }, [DIRECTORY] = { -EBADF, -EBADF, -EBADF },
		[FIFO] = { 8, 8, -EOPNOTSUPP }, [PIDFD] = { -EINVAL, -EINVAL, -EINVAL },
		[MEMFD] = { 8, 8, -EOPNOTSUPP },
	};

	make_all();
	for (enum kind k = 0; k < KINDS; k++) {
		EXPECT(k, want[k][0], pwritev2_(fds[k], 0));
		EXPECT(k, want[k][1], pwritev2_(fds[k], APPENDING));
		EXPECT(k, want[k][2], pwritev2_(fds[k], NOWAIT));
		if (k == EVENTFD) {
			uint64_t v;

			CHECK_EQ(read(fds[k], &v, 8), 8);
		}
		EXPECT(k, want[k][0], pwritev2_(fds[k], HIPRI));
	}
}

TEST(pwritev2_append_writes_at_the_end_and_moves_the_position)
{
	struct iovec iov = { "XY", 2 };
	char buf[16];

	make_all();
	CHECK_EQ(syscall(SYS_pwritev2, fds[FILE_], &iov, 1, 3L, 0L, APPENDING), 2);
	CHECK_EQ(lseek(fds[FILE_], 0, SEEK_CUR), 0);
	CHECK_EQ(syscall(SYS_pwritev2, fds[FILE_], &iov, 1, -1L, 0L, APPENDING), 2);
	CHECK_EQ(lseek(fds[FILE_], 0, SEEK_CUR), 15);
	CHECK_EQ(pread(fds[FILE_], buf, sizeof(buf), 0), 15);
	CHECK_EQ(memcmp(buf, "hello worldXYXY", 15), 0);
}

TEST(positions_by_kind_of_file)
{
	char buf[8] = "";

	make_all();
	for (enum kind k = 0; k < KINDS; k++) {
		bool seekable = k == FILE_ || k == APPEND || k == DEV_NULL || k == DEV_ZERO || k == MEMFD;
		bool fixed = k == EVENTFD || k == TIMERFD || k == SIGNALFD || k == EPOLL || k == INOTIFY;

		if (!seekable && k != DIRECTORY) {
			EXPECT(k, -ESPIPE, pread(fds[k], buf, 8, 0));
			EXPECT(k, -ESPIPE, pwrite(fds[k], buf, 8, 0));
			EXPECT(k, fixed ? 0 : -ESPIPE, lseek(fds[k], 5, SEEK_SET));
			EXPECT(k, fixed ? 0 : -ESPIPE, lseek(fds[k], 0, SEEK_END));
		}
		EXPECT(k, -EINVAL, pread(fds[k], buf, 8, -1));
		EXPECT(k, k == FILE_ || k == APPEND || k == MEMFD ? 0 : -EINVAL, ftruncate(fds[k], 20));
	}
	EXPECT(DIRECTORY, -EISDIR, pread(fds[DIRECTORY], buf, 8, 0));
	EXPECT(DIRECTORY, -EBADF, pwrite(fds[DIRECTORY], buf, 8, 0));
}

TEST(fallocate_by_kind_of_file)
{
	make_all();
	for (enum kind k = 0; k < KINDS; k++) {
		long want = k == FILE_ || k == APPEND || k == MEMFD ? 0 :
			    k == PIPE_READ || k == INOTIFY || k == DIRECTORY ? -EBADF :
			    k == PIPE_WRITE || k == FIFO ? -ESPIPE : -ENODEV;

		EXPECT(k, want, syscall(SYS_fallocate, fds[k], 0, 0L, 10L));
	}
}

TEST(vector_is_checked_before_the_file)
{
	struct iovec iov[2] = { { "", 0 }, { "", 0 } };

	make_all();
	for (enum kind k = 0; k < KINDS; k++) {
		bool no_read = k == EPOLL || k == PIDFD;
		long nothing = k == PIPE_WRITE ? -EBADF : no_read ? -EINVAL : 0;

		EXPECT(k, -EINVAL, readv(fds[k], iov, 1025));
		EXPECT(k, -EINVAL, writev(fds[k], iov, 1025));
		EXPECT(k, -EFAULT, syscall(SYS_preadv2, fds[k], 8L, 2, -1L, -1L, UNKNOWN));
		EXPECT(k, nothing, readv(fds[k], iov, 2));
		EXPECT(k, nothing, readv(fds[k], iov, 0));
		/* With nothing to read nobody looks at the flags. */
		EXPECT(k, nothing, syscall(SYS_preadv2, fds[k], iov, 2, -1L, -1L, UNKNOWN));
	}
}

TEST(reading_nothing_by_kind_of_file)
{
	char c;

	make_all();
	for (enum kind k = 0; k < KINDS; k++) {
		long want = k == PIPE_WRITE ? -EBADF : k == DIRECTORY ? -EISDIR : k == INOTIFY ? -EAGAIN :
			    k == EVENTFD || k == TIMERFD || k == SIGNALFD || k == EPOLL || k == PIDFD ? -EINVAL : 0;

		EXPECT(k, want, read(fds[k], &c, 0));
	}
}

TEST(eventfd_vector_is_one_write_for_each_piece)
{
	uint64_t v[2] = { 3, 4 };
	struct iovec iov[2] = { { &v[0], 8 }, { &v[1], 8 } };

	make_all();
	EXPECT(EVENTFD, 16, writev(fds[EVENTFD], iov, 2));
	/* Reading is one read, of the first eight bytes. */
	v[0] = v[1] = 99;
	EXPECT(EVENTFD, 8, readv(fds[EVENTFD], iov, 2));
	CHECK(v[0] == 7 && v[1] == 99);
	iov[1].iov_len = 4;
	v[0] = 1;
	EXPECT(EVENTFD, 8, writev(fds[EVENTFD], iov, 2));
}

TEST(timerfd_vector_is_one_read_for_each_piece)
{
	struct itimerspec s = { .it_value = { 0, 1 } };
	uint64_t v[2] = { 0, 99 };
	struct iovec iov[2] = { { &v[0], 8 }, { &v[1], 8 } };

	make_all();
	CHECK_EQ(timerfd_settime(fds[TIMERFD], 0, &s, NULL), 0);
	sleep_ms(5);
	/* The second would have to wait: what the first brought counts. */
	EXPECT(TIMERFD, 8, readv(fds[TIMERFD], iov, 2));
	CHECK(v[0] == 1 && v[1] == 99);
}

TEST(signalfd_vector_reads_one_signal_into_each_piece)
{
	struct signalfd_siginfo info[2];
	struct iovec iov[2] = { { &info[0], sizeof(info[0]) }, { &info[1], sizeof(info[1]) } };
	sigset_t set;

	sigemptyset(&set);
	sigaddset(&set, SIGUSR1);
	sigaddset(&set, SIGUSR2);
	sigprocmask(SIG_BLOCK, &set, NULL);
	int fd = signalfd(-1, &set, SFD_NONBLOCK);

	kill(getpid(), SIGUSR1);
	kill(getpid(), SIGUSR2);
	CHECK_EQ(readv(fd, iov, 2), 2 * sizeof(info[0]));
	CHECK(info[0].ssi_signo == SIGUSR1 && info[1].ssi_signo == SIGUSR2);
}

/* --- sendfile --- */

static bool takes_no_bytes(enum kind k)
{
	return k == APPEND || k == EVENTFD || k == TIMERFD || k == SIGNALFD || k == EPOLL || k == DEV_ZERO ||
	       k == PIDFD;
}

TEST(sendfile_from_each_kind_of_file)
{
	make_all();
	for (enum kind k = 0; k < KINDS; k++) {
		/* To a pipe: also from what gives its bytes piece by piece. */
		bool stream = k == UNIX || k == UDP || k == TCP || k == PTY_MASTER || k == PTY_SLAVE;
		long data = k == FILE_ || k == APPEND ? 8 : k == MEMFD ? 0 : k == PIPE_WRITE ? -EBADF : -EINVAL;

		EXPECT(k, stream ? -EAGAIN : data, sendfile(fds[PIPE_WRITE], fds[k], NULL, 8));
		lseek(fds[FILE_], 0, SEEK_SET);
		lseek(fds[APPEND], 0, SEEK_SET);
		EXPECT(k, data, sendfile(fds[UNIX], fds[k], NULL, 8));
		lseek(fds[FILE_], 0, SEEK_SET);
		lseek(fds[APPEND], 0, SEEK_SET);
	}
}

TEST(sendfile_to_each_kind_of_file)
{
	for (enum kind k = 0; k < KINDS; k++) {
		bool not_open = k == PIPE_READ || k == INOTIFY || k == DIRECTORY;
		bool refuses = takes_no_bytes(k);

		make_all();
		EXPECT(k, not_open ? -EBADF : refuses ? -EINVAL : 8,
		       sendfile(fds[k], fds[k == FILE_ ? APPEND : FILE_], NULL, 8));
		/* Nothing can be sent to any file that is open for writing, but one that appends. */
		EXPECT(k, not_open ? -EBADF : k == APPEND ? -EINVAL : 0, sendfile(fds[k], fds[MEMFD], NULL, 8));
	}
}

TEST(sendfile_from_a_socket_to_a_pipe)
{
	int p[2], s[2];
	char buf[16];
	off_t off = 0;

	CHECK_EQ(pipe2(p, O_NONBLOCK), 0);
	CHECK_EQ(socketpair(AF_UNIX, SOCK_STREAM, 0, s), 0);
	CHECK_EQ(write(s[1], "hello", 5), 5);
	CHECK_EQ(sendfile(p[1], s[0], NULL, 16), 5);
	CHECK_EQ(read(p[0], buf, 16), 5);
	CHECK_EQ(memcmp(buf, "hello", 5), 0);
	CHECK_ERRNO(sendfile(p[1], s[0], &off, 16), ESPIPE);
}

TEST(sendfile_to_a_full_socket_tells_what_was_sent)
{
	static char junk[65536];
	char name[] = "/tmp/io_families.XXXXXX";
	int f = mkstemp(name), s[2];
	off_t off = 0;
	long sum = 0, n;

	unlink(name);
	for (int i = 0; i < 64; i++)
		CHECK_EQ(write(f, junk, sizeof(junk)), sizeof(junk));
	CHECK_EQ(socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK, 0, s), 0);
	while ((n = sendfile(s[0], f, &off, 4 << 20)) > 0) {
		sum += n;
		CHECK_EQ(off, sum);
	}
	CHECK_EQ(errno, EAGAIN);
	CHECK(sum > 0 && sum < 4 << 20);
	CHECK_EQ(off, sum);
	CHECK_EQ(lseek(f, 0, SEEK_CUR), 4 << 20);
	/* What arrives is what was said. */
	fcntl(s[1], F_SETFL, O_NONBLOCK);
	while ((n = read(s[1], junk, sizeof(junk))) > 0)
		sum -= n;
	CHECK_EQ(sum, 0);
}

TEST(sendfile_to_a_closed_socket_is_epipe_with_sigpipe)
{
	int s[2];
	pid_t child;
	int status;

	make_all();
	CHECK_EQ(socketpair(AF_UNIX, SOCK_STREAM, 0, s), 0);
	close(s[1]);
	child = fork();
	if (child == 0) {
		sendfile(s[0], fds[FILE_], NULL, 5);
		_exit(0);
	}
	CHECK_EQ(waitpid(child, &status, 0), child);
	CHECK(WIFSIGNALED(status) && WTERMSIG(status) == SIGPIPE);
	signal(SIGPIPE, SIG_IGN);
	CHECK_ERRNO(sendfile(s[0], fds[FILE_], NULL, 5), EPIPE);
}

/* --- splice, tee --- */

static int full_pipe[2];
static void pipe_with_eight(void)
{
	CHECK_EQ(pipe2(full_pipe, O_NONBLOCK), 0);
	CHECK_EQ(write(full_pipe[1], "abcdefgh", 8), 8);
}

TEST(splice_to_each_kind_of_file)
{
	for (enum kind k = 0; k < KINDS; k++) {
		bool not_open = k == PIPE_READ || k == INOTIFY || k == DIRECTORY;
		bool refuses = takes_no_bytes(k);
		bool positions = k == FILE_ || k == MEMFD || k == DEV_NULL;
		bool is_pipe = k == PIPE_READ || k == PIPE_WRITE || k == FIFO;
		loff_t off = 0;

		make_all();
		pipe_with_eight();
		EXPECT(k, not_open ? -EBADF : refuses ? -EINVAL : 8,
		       splice(full_pipe[0], NULL, fds[k], NULL, 8, SPLICE_F_NONBLOCK));
		/* What was refused is still there. */
		if (refuses || not_open)
			CHECK_EQ(read(full_pipe[0], (char[8]){ 0 }, 8), 8);
		CHECK_EQ(write(full_pipe[1], "abcdefgh", 8), 8);
		EXPECT(k, is_pipe ? -ESPIPE : not_open ? -EBADF : positions ? 8 : -EINVAL,
		       splice(full_pipe[0], NULL, fds[k], &off, 8, SPLICE_F_NONBLOCK));
	}
}

TEST(splice_from_each_kind_of_file)
{
	make_all();
	pipe_with_eight();
	for (enum kind k = 0; k < KINDS; k++) {
		bool waits = k == PIPE_READ || k == UNIX || k == UDP || k == TCP || k == PTY_MASTER || k == PTY_SLAVE ||
			     k == FIFO;
		bool is_pipe = k == PIPE_READ || k == PIPE_WRITE || k == FIFO;
		long data = k == FILE_ || k == APPEND ? 8 : k == MEMFD ? 0 : waits ? -EAGAIN :
			    k == PIPE_WRITE ? -EBADF : -EINVAL;
		loff_t off = 0;

		EXPECT(k, data, splice(fds[k], NULL, full_pipe[1], NULL, 8, SPLICE_F_NONBLOCK));
		EXPECT(k, is_pipe ? -ESPIPE : data >= 0 ? data : -EINVAL,
		       splice(fds[k], &off, full_pipe[1], NULL, 8, SPLICE_F_NONBLOCK));
		EXPECT(k, data == -EBADF || !is_pipe ? (is_pipe ? -EBADF : -EINVAL) : -EAGAIN,
		       tee(fds[k], full_pipe[1], 8, SPLICE_F_NONBLOCK));
		EXPECT(k, -EINVAL, splice(fds[k], NULL, full_pipe[1], NULL, 8, 0x80));
		EXPECT(k, 0, splice(fds[k], NULL, full_pipe[1], NULL, 0, 0));
	}
}

TEST(splice_wants_a_pipe)
{
	make_all();
	EXPECT(FILE_, -EINVAL, splice(fds[FILE_], NULL, fds[UNIX], NULL, 8, 0));
	EXPECT(FILE_, -EINVAL, tee(fds[FILE_], fds[UNIX], 8, 0));
}

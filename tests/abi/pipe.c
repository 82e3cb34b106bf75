/* Pipes and FIFOs: whole writes, full and empty, ends that close, and what poll says. */
#include "tests/abi/tap.h"
#include <sys/epoll.h>
#include <sys/ioctl.h>
#include <sys/uio.h>

static int p[2];
static volatile sig_atomic_t got_sigpipe;
static void on_sigpipe(int sig) { (void)sig; got_sigpipe++; }
static int poll_of(int fd)
{
	struct pollfd f = { fd, POLLIN | POLLOUT, 0 };

	poll(&f, 1, 0);
	return f.revents;
}
static int fill(int fd)
{
	char buf[4096] = "";
	int n = 0;

	fcntl(fd, F_SETFL, O_NONBLOCK);
	while (write(fd, buf, 4096) == 4096)
		n += 4096;
	fcntl(fd, F_SETFL, 0);
	return n;
}

TEST(pipe_reads_what_was_written_in_order)
{
	char buf[32];

	CHECK_EQ(pipe(p), 0);
	CHECK_EQ(write(p[1], "abc", 3), 3);
	CHECK_EQ(write(p[1], "defg", 4), 4);
	CHECK_EQ(read(p[0], buf, 2), 2);
	CHECK_EQ(read(p[0], buf + 2, 30), 5);
	CHECK_EQ(memcmp(buf, "abcdefg", 7), 0);
	CHECK_EQ(read(p[0], buf, 0), 0);
	CHECK_EQ(write(p[1], buf, 0), 0);
	CHECK_ERRNO(write(p[0], "x", 1), EBADF);
	CHECK_ERRNO(read(p[1], buf, 1), EBADF);
}

TEST(pipe_end_of_file_without_writers)
{
	char c;

	CHECK_EQ(pipe(p), 0);
	CHECK_EQ(write(p[1], "x", 1), 1);
	CHECK_EQ(close(p[1]), 0);
	CHECK_EQ(poll_of(p[0]), POLLIN | POLLHUP);
	CHECK_EQ(read(p[0], &c, 1), 1);
	CHECK_EQ(read(p[0], &c, 1), 0);
	CHECK_EQ(poll_of(p[0]), POLLHUP);
}

TEST(pipe_without_readers_is_epipe_and_sigpipe)
{
	CHECK_EQ(pipe(p), 0);
	signal(SIGPIPE, on_sigpipe);
	CHECK_EQ(close(p[0]), 0);
	CHECK_EQ(poll_of(p[1]), POLLOUT | POLLERR);
	CHECK_ERRNO(write(p[1], "x", 1), EPIPE);
	CHECK_EQ(got_sigpipe, 1);
	CHECK_EQ(write(p[1], "", 0), 0);
}

TEST(pipe_holds_64k_and_then_is_full)
{
	char buf[5000];

	CHECK_EQ(pipe2(p, O_NONBLOCK), 0);
	CHECK_EQ(fcntl(p[1], F_GETPIPE_SZ), 65536);
	CHECK_EQ(fill(p[1]), 65536);
	CHECK_EQ(fcntl(p[1], F_SETFL, O_NONBLOCK), 0);
	CHECK_ERRNO(write(p[1], "x", 1), EAGAIN);
	CHECK_EQ(poll_of(p[1]), 0);
	CHECK_EQ(read(p[0], buf, 4095), 4095);
	CHECK_EQ(poll_of(p[1]), 0);		/* not a whole page yet */
	CHECK_EQ(read(p[0], buf, 1), 1);
	CHECK_EQ(poll_of(p[1]), POLLOUT);
	CHECK_EQ(write(p[1], buf, 5000), 4096);
}

TEST(pipe_writes_up_to_pipe_buf_are_whole)
{
	char buf[8192] = "";
	int n;

	CHECK_EQ(pipe2(p, O_NONBLOCK), 0);
	CHECK_EQ(fill(p[1]), 65536);
	CHECK_EQ(read(p[0], buf, 4096), 4096);
	CHECK_EQ(fcntl(p[1], F_SETFL, O_NONBLOCK), 0);
	CHECK_EQ(write(p[1], buf, 4000), 4000);
	CHECK_ERRNO(write(p[1], buf, 200), EAGAIN);
	CHECK_EQ(ioctl(p[0], FIONREAD, &n), 0);
	CHECK_EQ(n, 61440 + 4000);
}

TEST(pipe_small_writes_share_pages)
{
	char c[10] = "";
	int n = 0;

	CHECK_EQ(pipe2(p, O_NONBLOCK), 0);
	while (write(p[1], c, 10) == 10)
		n += 10;
	CHECK(n > 60000);
}

TEST(pipe_blocking_write_goes_on_when_read)
{
	char buf[65536];
	int st;
	size_t got = 0;

	CHECK_EQ(pipe(p), 0);
	pid_t child = fork();

	if (child == 0) {
		static char big[200000];

		for (int i = 0; i < 200000; i++)
			big[i] = (char)(i * 7);
		_exit(write(p[1], big, 200000) == 200000 ? 0 : 1);
	}
	close(p[1]);
	for (;;) {
		ssize_t n = read(p[0], buf, sizeof(buf));

		CHECK(n >= 0);
		if (!n)
			break;
		for (ssize_t i = 0; i < n; i++)
			CHECK_EQ(buf[i], (char)((got + i) * 7));
		got += n;
	}
	CHECK_EQ(got, 200000);
	CHECK_EQ(waitpid(child, &st, 0), child);
	CHECK_EQ(st, 0);
}

static void on_alarm(int sig) { (void)sig; }

TEST(pipe_blocking_read_ends_by_signal)
{
	struct sigaction sa = { .sa_handler = on_alarm };
	struct itimerval it = { .it_value.tv_usec = 20000 };
	char c;

	CHECK_EQ(pipe(p), 0);
	sigaction(SIGALRM, &sa, NULL);
	setitimer(ITIMER_REAL, &it, NULL);
	CHECK_ERRNO(read(p[0], &c, 1), EINTR);
}

TEST(pipe_partial_write_then_signal_gives_the_part)
{
	struct sigaction sa = { .sa_handler = on_alarm };
	struct itimerval it = { .it_value.tv_usec = 20000 };
	static char big[100000];

	CHECK_EQ(pipe(p), 0);
	sigaction(SIGALRM, &sa, NULL);
	setitimer(ITIMER_REAL, &it, NULL);
	CHECK_EQ(write(p[1], big, sizeof(big)), 65536);
}

TEST(pipe2_flags)
{
	CHECK_EQ(pipe2(p, O_CLOEXEC | O_NONBLOCK), 0);
	CHECK_EQ(fcntl(p[0], F_GETFD), FD_CLOEXEC);
	CHECK_EQ(fcntl(p[1], F_GETFD), FD_CLOEXEC);
	CHECK_EQ(fcntl(p[0], F_GETFL), O_RDONLY | O_NONBLOCK);
	CHECK_EQ(fcntl(p[1], F_GETFL), O_WRONLY | O_NONBLOCK);
	CHECK_ERRNO(pipe2(p, O_TRUNC), EINVAL);
	CHECK_ERRNO(syscall(SYS_pipe, 1), EFAULT);
}

TEST(pipe_size_can_change)
{
	char buf[8192] = "";

	CHECK_EQ(pipe(p), 0);
	CHECK_EQ(fcntl(p[0], F_SETPIPE_SZ, 100000), 131072);
	CHECK_EQ(fcntl(p[1], F_GETPIPE_SZ), 131072);
	CHECK_EQ(fill(p[1]), 131072);
	CHECK_ERRNO(fcntl(p[0], F_SETPIPE_SZ, 4096), EBUSY);
	for (int i = 0; i < 16; i++)
		CHECK_EQ(read(p[0], buf, 8192), 8192);
	CHECK_EQ(fcntl(p[0], F_SETPIPE_SZ, 1), 4096);
	CHECK_ERRNO(fcntl(open("/dev/null", O_RDONLY), F_GETPIPE_SZ), EBADF);
}

TEST(pipe_edge_triggered_epoll_sees_every_write)
{
	struct epoll_event e = { .events = EPOLLIN | EPOLLET };
	int ep = epoll_create1(0);

	CHECK_EQ(pipe(p), 0);
	CHECK_EQ(epoll_ctl(ep, EPOLL_CTL_ADD, p[0], &e), 0);
	CHECK_EQ(epoll_wait(ep, &e, 1, 0), 0);
	for (int i = 0; i < 3; i++) {	/* unread data waits, and a new write is news all the same */
		CHECK_EQ(write(p[1], "x", 1), 1);
		CHECK_EQ(epoll_wait(ep, &e, 1, 0), 1);
		CHECK_EQ(epoll_wait(ep, &e, 1, 0), 0);
	}
	close(p[1]);
	CHECK_EQ(epoll_wait(ep, &e, 1, 0), 1);
	CHECK_EQ(e.events, EPOLLIN | EPOLLHUP);
}

TEST(pipe_vectors)
{
	char a[3], b[3];
	struct iovec w[2] = { { "abc", 3 }, { "de", 2 } }, r[2] = { { a, 3 }, { b, 3 } };

	CHECK_EQ(pipe(p), 0);
	CHECK_EQ(writev(p[1], w, 2), 5);
	CHECK_EQ(readv(p[0], r, 2), 5);
	CHECK_EQ(memcmp(a, "abc", 3), 0);
	CHECK_EQ(memcmp(b, "de", 2), 0);
}

TEST(splice_and_tee_move_between_pipes)
{
	int q[2], fd = open("/tmp", O_TMPFILE | O_RDWR, 0600);
	char buf[32];
	loff_t off = 1;

	if (fd < 0)
		SKIP("no O_TMPFILE");
	CHECK_EQ(pipe(p), 0);
	CHECK_EQ(pipe(q), 0);
	CHECK_EQ(write(fd, "abcdefgh", 8), 8);
	CHECK_EQ(splice(fd, &off, p[1], NULL, 5, 0), 5);
	CHECK_EQ(off, 6);
	CHECK_EQ(tee(p[0], q[1], 100, 0), 5);
	CHECK_EQ(read(q[0], buf, 32), 5);
	CHECK_EQ(memcmp(buf, "bcdef", 5), 0);
	CHECK_EQ(splice(p[0], NULL, q[1], NULL, 3, 0), 3);
	CHECK_EQ(read(q[0], buf, 32), 3);
	CHECK_EQ(memcmp(buf, "bcd", 3), 0);
	off = 20;
	CHECK_EQ(splice(p[0], NULL, fd, &off, 100, 0), 2);
	CHECK_EQ(pread(fd, buf, 2, 20), 2);
	CHECK_EQ(memcmp(buf, "ef", 2), 0);
	CHECK_ERRNO(splice(p[0], NULL, fd, NULL, 1, SPLICE_F_NONBLOCK), EAGAIN);
	CHECK_ERRNO(splice(fd, NULL, fd, NULL, 1, 0), EINVAL);
	CHECK_ERRNO(splice(p[0], &off, q[1], NULL, 1, 0), ESPIPE);
	CHECK_ERRNO(splice(fd, NULL, p[1], NULL, 1, 256), EINVAL);
}

/* --- FIFOs --- */

static char fifo[64];
static void new_fifo(void)
{
	snprintf(fifo, sizeof(fifo), "/tmp/abi-fifo-%d", getpid());
	unlink(fifo);
	CHECK_EQ(mkfifo(fifo, 0600), 0);
}

TEST(fifo_nonblocking_open)
{
	char c;

	new_fifo();
	CHECK_ERRNO(open(fifo, O_WRONLY | O_NONBLOCK), ENXIO);
	int r = open(fifo, O_RDONLY | O_NONBLOCK);

	CHECK(r >= 0);
	CHECK_EQ(poll_of(r), 0);		/* no hang-up before anyone wrote */
	CHECK_EQ(read(r, &c, 1), 0);
	int w = open(fifo, O_WRONLY | O_NONBLOCK);

	CHECK(w >= 0);
	CHECK_ERRNO(read(r, &c, 1), EAGAIN);
	CHECK_EQ(write(w, "x", 1), 1);
	close(w);
	CHECK_EQ(poll_of(r), POLLIN | POLLHUP);
	CHECK_EQ(read(r, &c, 1), 1);
	CHECK_EQ(read(r, &c, 1), 0);
	CHECK(open(fifo, O_RDWR) >= 0);
	unlink(fifo);
}

TEST(fifo_open_waits_for_the_other_side)
{
	char buf[8];
	int st;

	new_fifo();
	pid_t child = fork();

	if (child == 0) {
		sleep_ms(30);
		int w = open(fifo, O_WRONLY);

		_exit(w >= 0 && write(w, "hello", 5) == 5 ? 0 : 1);
	}
	int r = open(fifo, O_RDONLY);

	CHECK(r >= 0);
	CHECK_EQ(read(r, buf, 8), 5);
	CHECK_EQ(read(r, buf, 8), 0);
	CHECK_EQ(waitpid(child, &st, 0), child);
	CHECK_EQ(st, 0);
	unlink(fifo);
}

TEST(fifo_open_ends_by_signal)
{
	struct sigaction sa = { .sa_handler = on_alarm };
	struct itimerval it = { .it_value.tv_usec = 20000 };

	new_fifo();
	sigaction(SIGALRM, &sa, NULL);
	setitimer(ITIMER_REAL, &it, NULL);
	CHECK_ERRNO(open(fifo, O_RDONLY), EINTR);
	unlink(fifo);
}

TEST(pipe_opened_again_through_proc)
{
	char name[64], c;

	CHECK_EQ(pipe(p), 0);
	snprintf(name, sizeof(name), "/proc/self/fd/%d", p[1]);
	int w = open(name, O_WRONLY);

	CHECK(w >= 0);
	CHECK_EQ(write(w, "x", 1), 1);
	CHECK_EQ(read(p[0], &c, 1), 1);
	close(p[1]);
	fcntl(p[0], F_SETFL, O_NONBLOCK);
	CHECK_ERRNO(read(p[0], &c, 1), EAGAIN);	/* w still writes */
	close(w);
	CHECK_EQ(read(p[0], &c, 1), 0);
	snprintf(name, sizeof(name), "/proc/self/fd/%d", p[0]);
	int r = open(name, O_RDONLY);	/* does not wait for a writer, as a FIFO would */

	CHECK_EQ(read(r, &c, 1), 0);
}

/* --- buffers that end in a hole: a pipe moves a page's worth whole, or not at all ------------------------------- */

static char *before_hole(void)
{
	char *m = mmap(NULL, 4 * 4096, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

	CHECK(m != MAP_FAILED);
	CHECK_EQ(munmap(m + 3 * 4096, 4096), 0);
	for (int i = 0; i < 3 * 4096; i++)
		m[i] = (char)(i * 31 + (i >> 8));
	return m + 3 * 4096;
}

static int unread(void)
{
	int n = -1;

	CHECK_EQ(ioctl(p[0], FIONREAD, &n), 0);
	return n;
}

TEST(pipe_read_into_a_hole_is_efault_and_takes_nothing)
{
	char *hole = before_hole(), buf[16];

	CHECK_EQ(pipe(p), 0);
	CHECK_EQ(write(p[1], "0123456789", 10), 10);
	CHECK_ERRNO(read(p[0], hole - 4, 10), EFAULT);
	CHECK_EQ(unread(), 10);
	/* No more is asked for than fits: no fault. */
	CHECK_EQ(read(p[0], hole - 4, 4), 4);
	CHECK_EQ(read(p[0], buf, sizeof(buf)), 6);
	CHECK_EQ(memcmp(buf, "456789", 6), 0);
}

TEST(pipe_read_into_a_hole_returns_the_pages_before_it)
{
	char *hole = before_hole(), buf[16], data[4096];

	CHECK_EQ(pipe(p), 0);
	memset(data, 'd', sizeof(data));
	CHECK_EQ(write(p[1], data, sizeof(data)), sizeof(data));
	CHECK_EQ(write(p[1], "0123456789", 10), 10);
	CHECK_EQ(read(p[0], hole - 4096 - 4, 4096 + 10), 4096);
	CHECK_EQ(memcmp(hole - 4096 - 4, data, 4096), 0);
	CHECK_EQ(read(p[0], buf, sizeof(buf)), 10);
	CHECK_EQ(memcmp(buf, "0123456789", 10), 0);
}

TEST(pipe_write_out_of_a_hole_is_efault_and_writes_nothing)
{
	char *hole = before_hole(), buf[16];

	CHECK_EQ(pipe2(p, O_NONBLOCK), 0);
	CHECK_ERRNO(write(p[1], hole - 4, 10), EFAULT);
	CHECK_EQ(unread(), 0);
	CHECK_ERRNO(read(p[0], buf, sizeof(buf)), EAGAIN);
	/* Nor to a page that has bytes already. */
	CHECK_EQ(write(p[1], "abc", 3), 3);
	CHECK_ERRNO(write(p[1], hole - 4, 10), EFAULT);
	CHECK_EQ(unread(), 3);
	CHECK_EQ(read(p[0], buf, sizeof(buf)), 3);
}

TEST(pipe_write_out_of_a_hole_returns_the_pages_before_it)
{
	char *hole = before_hole(), *from = hole - 4096 - 4;
	static char buf[8192];

	CHECK_EQ(pipe2(p, O_NONBLOCK), 0);
	CHECK_EQ(write(p[1], from, 4096 + 10), 4096);
	CHECK_EQ(unread(), 4096);
	CHECK_EQ(read(p[0], buf, sizeof(buf)), 4096);
	CHECK_EQ(memcmp(buf, from, 4096), 0);
}

TEST(pipe_vector_with_a_bad_piece)
{
	char *hole = before_hole(), buf[16];
	struct iovec iov[2] = { { "good", 4 }, { hole, 4 } };

	CHECK_EQ(pipe2(p, O_NONBLOCK), 0);
	CHECK_ERRNO(writev(p[1], iov, 2), EFAULT);
	CHECK_EQ(unread(), 0);
	CHECK_EQ(write(p[1], "01234567", 8), 8);
	iov[0].iov_base = buf;
	CHECK_ERRNO(readv(p[0], iov, 2), EFAULT);
	CHECK_EQ(unread(), 8);
	CHECK_EQ(readv(p[0], iov, 1), 4);
	CHECK_EQ(unread(), 4);
}

/* --- edges that a state alone does not show -------------------------------------------------------------------- */

static unsigned int next_edge(int ep)
{
	struct epoll_event e;

	return epoll_wait(ep, &e, 1, 0) == 1 ? e.events : 0;
}

TEST(pipe_write_that_finds_no_room_is_an_edge_for_the_reader)
{
	static char junk[65536];
	struct epoll_event e = { .events = EPOLLIN | EPOLLET };
	int ep = epoll_create1(0);

	CHECK_EQ(pipe2(p, O_NONBLOCK), 0);
	CHECK_EQ(write(p[1], junk, sizeof(junk)), sizeof(junk));
	CHECK_EQ(epoll_ctl(ep, EPOLL_CTL_ADD, p[0], &e), 0);
	CHECK_EQ(next_edge(ep), EPOLLIN);
	CHECK_EQ(next_edge(ep), 0);
	CHECK_ERRNO(write(p[1], junk, 1), EAGAIN);
	CHECK_EQ(next_edge(ep), EPOLLIN);
}

TEST(pipe_new_size_is_an_edge_for_the_writer)
{
	struct epoll_event e = { .events = EPOLLOUT | EPOLLET };
	int ep = epoll_create1(0);

	CHECK_EQ(pipe(p), 0);
	CHECK_EQ(epoll_ctl(ep, EPOLL_CTL_ADD, p[1], &e), 0);
	CHECK_EQ(next_edge(ep), EPOLLOUT);
	CHECK_EQ(next_edge(ep), 0);
	CHECK_EQ(fcntl(p[1], F_SETPIPE_SZ, 16384), 16384);
	CHECK_EQ(next_edge(ep), EPOLLOUT);
}

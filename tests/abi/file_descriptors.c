/* Descriptors: which number is given, what dup shares, what close-on-exec means. */
#include "tests/abi/tap.h"
#include <sys/ioctl.h>
#include <sys/resource.h>
#ifndef CLOSE_RANGE_CLOEXEC
#define CLOSE_RANGE_CLOEXEC 4
#endif

static int tmp_file(void)
{
	char name[] = "/tmp/abi-fd-XXXXXX";
	int fd = mkstemp(name);

	CHECK(fd >= 0);
	unlink(name);
	return fd;
}

TEST(fd_lowest_free_number_is_given)
{
	int a = dup(0), b = dup(0), c = dup(0);

	CHECK_EQ(b, a + 1);
	CHECK_EQ(c, b + 1);
	CHECK_EQ(close(b), 0);
	CHECK_EQ(dup(0), b);
	CHECK_EQ(dup(0), c + 1);
}

TEST(fd_closed_twice_is_ebadf)
{
	int fd = dup(0);

	CHECK_EQ(close(fd), 0);
	CHECK_ERRNO(close(fd), EBADF);
	CHECK_ERRNO(close(-1), EBADF);
	CHECK_ERRNO(fcntl(fd, F_GETFD), EBADF);
	CHECK_ERRNO(dup(fd), EBADF);
}

TEST(dup_shares_the_position)
{
	int a = tmp_file(), b = dup(a);

	CHECK_EQ(write(a, "hello", 5), 5);
	CHECK_EQ(lseek(b, 0, SEEK_CUR), 5);
	CHECK_EQ(lseek(b, 1, SEEK_SET), 1);
	CHECK_EQ(lseek(a, 0, SEEK_CUR), 1);
}

TEST(dup_shares_status_flags_but_not_cloexec)
{
	int a = tmp_file(), b = dup(a);

	CHECK_EQ(fcntl(a, F_SETFL, O_APPEND | O_NONBLOCK), 0);
	CHECK_EQ(fcntl(b, F_GETFL) & (O_APPEND | O_NONBLOCK), O_APPEND | O_NONBLOCK);
	CHECK_EQ(fcntl(a, F_SETFD, FD_CLOEXEC), 0);
	CHECK_EQ(fcntl(b, F_GETFD), 0);
	CHECK_EQ(fcntl(dup(a), F_GETFD), 0);
}

TEST(dup2_replaces_and_same_fd_is_kept)
{
	int a = tmp_file(), b = dup(0);

	CHECK_EQ(dup2(a, b), b);
	CHECK_EQ(write(b, "x", 1), 1);
	CHECK_EQ(lseek(a, 0, SEEK_CUR), 1);
	CHECK_EQ(dup2(a, a), a);
	CHECK_ERRNO(dup2(999, 999), EBADF);
	CHECK_ERRNO(dup2(a, -1), EBADF);
	CHECK_EQ(dup2(a, 200), 200);
	CHECK_EQ(write(200, "y", 1), 1);
}

TEST(dup3_wants_different_numbers_and_known_flags)
{
	int a = dup(0);

	CHECK_ERRNO(dup3(a, a, 0), EINVAL);
	CHECK_ERRNO(syscall(SYS_dup3, a, 100, O_APPEND), EINVAL);	/* musl checks nothing */
	CHECK_EQ(dup3(a, 100, O_CLOEXEC), 100);
	CHECK_EQ(fcntl(100, F_GETFD), FD_CLOEXEC);
	CHECK_ERRNO(dup3(555, 100, 0), EBADF);
}

TEST(fcntl_dupfd_starts_at_its_argument)
{
	int a = fcntl(0, F_DUPFD, 50), b = fcntl(0, F_DUPFD, 50), c = fcntl(0, F_DUPFD_CLOEXEC, 50);

	CHECK_EQ(a, 50);
	CHECK_EQ(b, 51);
	CHECK_EQ(c, 52);
	CHECK_EQ(fcntl(c, F_GETFD), FD_CLOEXEC);
	CHECK_EQ(dup(0) < 50, 1);
	CHECK_ERRNO(fcntl(0, F_DUPFD, -1), EINVAL);
	CHECK_ERRNO(fcntl(0, F_DUPFD, 1 << 30), EINVAL);
}

TEST(fd_limit_is_emfile)
{
	struct rlimit r;

	CHECK_EQ(getrlimit(RLIMIT_NOFILE, &r), 0);
	r.rlim_cur = 10;
	CHECK_EQ(setrlimit(RLIMIT_NOFILE, &r), 0);
	while (dup(0) >= 0)
		;
	CHECK_EQ(errno, EMFILE);
	CHECK_ERRNO(open("/dev/null", O_RDONLY), EMFILE);
	CHECK_ERRNO(dup2(0, 10), EBADF);
	CHECK_ERRNO(fcntl(0, F_DUPFD, 10), EINVAL);
}

TEST(fd_table_grows)
{
	int i;

	for (i = 0; i < 300; i++)
		CHECK(dup(0) >= 0);
	CHECK_EQ(close(150), 0);
	CHECK_EQ(dup(0), 150);
	pid_t p = fork();

	if (p == 0)
		_exit(fcntl(290, F_GETFD) == 0 && close(290) == 0 ? 0 : 1);
	int st;
	CHECK_EQ(waitpid(p, &st, 0), p);
	CHECK_EQ(st, 0);
	CHECK_EQ(fcntl(290, F_GETFD), 0);
}

TEST(open_flags_are_reported)
{
	int fd = open("/tmp", O_RDONLY | O_DIRECTORY | O_CLOEXEC);

	CHECK_EQ(fcntl(fd, F_GETFD), FD_CLOEXEC);
	CHECK_EQ(fcntl(fd, F_GETFL) & O_ACCMODE, O_RDONLY);
	CHECK_EQ(fcntl(fd, F_GETFL) & O_CLOEXEC, 0);
	fd = open("/dev/null", O_WRONLY | O_APPEND | O_CREAT);
	CHECK_EQ(fcntl(fd, F_GETFL) & (O_ACCMODE | O_APPEND | O_CREAT), O_WRONLY | O_APPEND);
}

TEST(setfl_cannot_change_the_access_mode)
{
	int fd = open("/dev/null", O_RDONLY);

	CHECK_EQ(fcntl(fd, F_SETFL, O_RDWR | O_NONBLOCK), 0);
	CHECK_EQ(fcntl(fd, F_GETFL) & (O_ACCMODE | O_NONBLOCK), O_RDONLY | O_NONBLOCK);
	CHECK_ERRNO(write(fd, "x", 1), EBADF);
}

TEST(fionbio_sets_nonblock_and_fioclex_cloexec)
{
	int p[2], on = 1, off = 0;
	char c;

	CHECK_EQ(pipe(p), 0);
	CHECK_EQ(ioctl(p[0], FIONBIO, &on), 0);
	CHECK_EQ(fcntl(p[0], F_GETFL) & O_NONBLOCK, O_NONBLOCK);
	CHECK_ERRNO(read(p[0], &c, 1), EAGAIN);
	CHECK_EQ(ioctl(p[0], FIONBIO, &off), 0);
	CHECK_EQ(fcntl(p[0], F_GETFL) & O_NONBLOCK, 0);
	CHECK_EQ(ioctl(p[0], FIOCLEX), 0);
	CHECK_EQ(fcntl(p[0], F_GETFD), FD_CLOEXEC);
	CHECK_EQ(ioctl(p[0], FIONCLEX), 0);
	CHECK_EQ(fcntl(p[0], F_GETFD), 0);
	CHECK_ERRNO(ioctl(p[0], 0x12345, 0), ENOTTY);
	CHECK_ERRNO(ioctl(p[0], FIONBIO, NULL), EFAULT);
	CHECK_ERRNO(ioctl(999, FIONBIO, &on), EBADF);
}

TEST(close_range_closes_and_marks)
{
	for (int i = 0; i < 6; i++)
		CHECK_EQ(dup2(0, 20 + i), 20 + i);
	CHECK_EQ(syscall(SYS_close_range, 21, 23, 0), 0);
	CHECK_EQ(fcntl(20, F_GETFD), 0);
	CHECK_ERRNO(fcntl(21, F_GETFD), EBADF);
	CHECK_ERRNO(fcntl(23, F_GETFD), EBADF);
	CHECK_EQ(fcntl(24, F_GETFD), 0);
	CHECK_EQ(syscall(SYS_close_range, 24, ~0U, CLOSE_RANGE_CLOEXEC), 0);
	CHECK_EQ(fcntl(24, F_GETFD), FD_CLOEXEC);
	CHECK_EQ(fcntl(20, F_GETFD), 0);
	CHECK_ERRNO(syscall(SYS_close_range, 5, 4, 0), EINVAL);
	CHECK_ERRNO(syscall(SYS_close_range, 5, 6, 128), EINVAL);
}

TEST(o_path_descriptor_is_only_a_place)
{
	int fd = open("/tmp", O_PATH), f;
	struct stat st;
	char c;

	CHECK(fd >= 0);
	CHECK_ERRNO(read(fd, &c, 1), EBADF);
	CHECK_ERRNO(fcntl(fd, F_SETFL, O_NONBLOCK), EBADF);
	CHECK_ERRNO(ioctl(fd, FIONBIO, &fd), EBADF);
	CHECK_EQ(fstat(fd, &st), 0);
	CHECK(S_ISDIR(st.st_mode));
	CHECK_EQ(fcntl(fd, F_GETFL) & O_PATH, O_PATH);
	f = openat(fd, ".", O_RDONLY);
	CHECK(f >= 0);
	CHECK_EQ(fchdir(fd), 0);
	CHECK_EQ(dup(fd) >= 0, 1);
}

TEST(setown_is_kept)
{
	int p[2];

	CHECK_EQ(pipe(p), 0);
	CHECK_EQ(fcntl(p[0], F_GETOWN), 0);
	CHECK_EQ(fcntl(p[0], F_SETOWN, getpid()), 0);
	CHECK_EQ(fcntl(p[0], F_GETOWN), getpid());
	CHECK_ERRNO(fcntl(p[0], F_SETOWN, 0x3fffffff), ESRCH);
	CHECK_ERRNO(fcntl(p[0], 12345, 0), EINVAL);
}

static volatile sig_atomic_t got_sigio;
static void on_sigio(int sig) { (void)sig; got_sigio++; }

static siginfo_t sigio_info;
static void keep_info(int sig, siginfo_t *info, void *ctx)
{
	(void)ctx;
	sigio_info = *info;
	got_sigio = sig;
}
static void ask_for_signal(int fd, int sig)
{
	struct sigaction sa = { .sa_sigaction = keep_info, .sa_flags = SA_SIGINFO };

	sigaction(sig ? sig : SIGIO, &sa, NULL);
	CHECK_EQ(fcntl(fd, F_SETOWN, getpid()), 0);
	CHECK_EQ(fcntl(fd, 10 /* F_SETSIG */, sig), 0);
	CHECK_EQ(fcntl(fd, F_SETFL, O_ASYNC), 0);
}
static void wait_for_signal(void)
{
	for (int i = 0; i < 400 && !got_sigio; i++)
		sleep_ms(5);
	CHECK(got_sigio > 0);
}

TEST(o_async_signal_comes_from_the_kernel)
{
	int p[2];

	CHECK_EQ(pipe(p), 0);
	ask_for_signal(p[0], 0);
	CHECK_EQ(write(p[1], "x", 1), 1);
	wait_for_signal();
	CHECK_EQ(got_sigio, SIGIO);
	CHECK_EQ(sigio_info.si_code, SI_KERNEL);
	CHECK_EQ(sigio_info.si_pid, 0);
}

TEST(f_setsig_tells_which_descriptor_and_why)
{
	int p[2];

	CHECK_EQ(pipe(p), 0);
	ask_for_signal(p[0], SIGRTMIN + 3);
	CHECK_EQ(write(p[1], "x", 1), 1);
	wait_for_signal();
	CHECK_EQ(got_sigio, SIGRTMIN + 3);
	CHECK_EQ(sigio_info.si_code, POLL_IN);
	CHECK_EQ(sigio_info.si_fd, p[0]);
	CHECK_EQ(sigio_info.si_band, POLLIN | POLLRDNORM);
}

TEST(o_async_sends_sigio_when_data_comes)
{
	int s[2];

	CHECK_EQ(socketpair(AF_UNIX, SOCK_STREAM, 0, s), 0);
	signal(SIGIO, on_sigio);
	CHECK_EQ(fcntl(s[0], F_SETOWN, getpid()), 0);
	CHECK_EQ(fcntl(s[0], F_SETFL, O_ASYNC), 0);
	CHECK_EQ(fcntl(s[0], F_GETFL) & O_ASYNC, O_ASYNC);
	CHECK_EQ(write(s[1], "x", 1), 1);
	for (int i = 0; i < 200 && !got_sigio; i++)
		sleep_ms(5);
	CHECK(got_sigio > 0);
	CHECK_EQ(fcntl(s[0], F_SETFL, 0), 0);
}

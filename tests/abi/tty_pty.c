/* Terminals, seen through a pseudo terminal: the line discipline, its signals, sessions and hang-up. */
#include "tests/abi/tap.h"
#include <sys/ioctl.h>
#include <termios.h>

static int m, s;
static char slave_name[32];

static void open_pair(void)
{
	int n, zero = 0;

	m = open("/dev/ptmx", O_RDWR | O_NOCTTY);
	if (m < 0)
		SKIP("no /dev/ptmx");
	CHECK_EQ(ioctl(m, TIOCGPTN, &n), 0);
	snprintf(slave_name, sizeof(slave_name), "/dev/pts/%d", n);
	CHECK_ERRNO(open(slave_name, O_RDWR | O_NOCTTY), EIO);	/* locked */
	CHECK_EQ(ioctl(m, TIOCSPTLCK, &zero), 0);
	s = open(slave_name, O_RDWR | O_NOCTTY);
	CHECK(s >= 0);
}
static void set_flags(tcflag_t lflag, int min, int time)
{
	struct termios t;

	CHECK_EQ(tcgetattr(s, &t), 0);
	t.c_lflag = lflag;
	t.c_cc[VMIN] = min;
	t.c_cc[VTIME] = time;
	CHECK_EQ(tcsetattr(s, TCSANOW, &t), 0);
}
/* Read from the master until @want has come. */
static void expect_output(const char *want)
{
	char buf[256];
	size_t got = 0, len = strlen(want);

	while (got < len) {
		struct pollfd f = { m, POLLIN, 0 };

		CHECK_EQ(poll(&f, 1, 2000), 1);
		ssize_t n = read(m, buf + got, len - got);

		CHECK(n > 0);
		got += n;
	}
	if (memcmp(buf, want, len))
		TAP_FAIL("output is not \"%s\" but \"%.*s\"", want, (int)got, buf);
}
static void type(const char *text)
{
	CHECK_EQ(write(m, text, strlen(text)), (ssize_t)strlen(text));
}

TEST(tty_line_comes_whole_and_is_echoed)
{
	char buf[64];

	open_pair();
	type("hello\n");
	CHECK_EQ(read(s, buf, 64), 6);
	CHECK_EQ(memcmp(buf, "hello\n", 6), 0);
	expect_output("hello\r\n");
	type("abc\r");
	CHECK_EQ(read(s, buf, 2), 2);
	CHECK_EQ(read(s, buf, 64), 2);
	CHECK_EQ(buf[1], '\n');
}

TEST(tty_no_line_no_read)
{
	struct pollfd f;
	char c;

	open_pair();
	f = (struct pollfd){ s, POLLIN, 0 };
	type("abc");
	CHECK_EQ(poll(&f, 1, 50), 0);
	fcntl(s, F_SETFL, O_NONBLOCK);
	CHECK_ERRNO(read(s, &c, 1), EAGAIN);
	type("\n");
	CHECK_EQ(poll(&f, 1, 2000), 1);
	CHECK_EQ(read(s, &c, 1), 1);
}

TEST(tty_erase_kill_and_werase)
{
	char buf[64];

	open_pair();
	type("abx\177c\n");
	CHECK_EQ(read(s, buf, 64), 4);
	CHECK_EQ(memcmp(buf, "abc\n", 4), 0);
	expect_output("abx\b \bc\r\n");
	type("junk\025good\n");
	CHECK_EQ(read(s, buf, 64), 5);
	CHECK_EQ(memcmp(buf, "good\n", 5), 0);
	type("one two  \027three\n");
	CHECK_EQ(read(s, buf, 64), 10);
	CHECK_EQ(memcmp(buf, "one three\n", 10), 0);
	type("a\026\177b\n");			/* the next one as it is */
	CHECK_EQ(read(s, buf, 64), 4);
	CHECK_EQ(memcmp(buf, "a\177b\n", 4), 0);
}

TEST(tty_eof_gives_zero)
{
	char buf[64];

	open_pair();
	type("\004");
	CHECK_EQ(read(s, buf, 64), 0);
	type("ab\004");
	CHECK_EQ(read(s, buf, 64), 2);
	type("\n");
	CHECK_EQ(read(s, buf, 64), 1);
	type("xyz\004");
	CHECK_EQ(read(s, buf, 3), 3);
	type("\n");
	CHECK_EQ(read(s, buf, 64), 1);	/* the EOF behind a full read is not another one */
}

TEST(tty_raw_min_and_time)
{
	char buf[64];
	int64_t t;

	open_pair();
	set_flags(0, 1, 0);
	type("ab\003\n");
	CHECK_EQ(read(s, buf, 64), 4);
	set_flags(0, 0, 0);
	CHECK_EQ(read(s, buf, 64), 0);
	set_flags(0, 0, 1);
	t = now_ns();
	CHECK_EQ(read(s, buf, 64), 0);
	CHECK(now_ns() - t >= 90000000);
	set_flags(0, 3, 0);
	type("ab");
	struct pollfd f = { s, POLLIN, 0 };

	CHECK_EQ(poll(&f, 1, 50), 0);
	type("c");
	CHECK_EQ(poll(&f, 1, 2000), 1);
	CHECK_EQ(read(s, buf, 64), 3);
	set_flags(0, 10, 1);
	type("xy");
	CHECK_EQ(read(s, buf, 64), 2);
}

TEST(tty_output_processing)
{
	struct termios t;

	open_pair();
	CHECK_EQ(write(s, "a\nb", 3), 3);
	expect_output("a\r\nb");
	CHECK_EQ(tcgetattr(s, &t), 0);
	t.c_oflag &= ~OPOST;
	CHECK_EQ(tcsetattr(s, TCSADRAIN, &t), 0);
	CHECK_EQ(write(s, "a\nb", 3), 3);
	expect_output("a\nb");
}

TEST(tty_icanon_off_gives_what_was_typed)
{
	char buf[64];

	open_pair();
	type("abc");
	sleep_ms(50);
	set_flags(0, 1, 0);
	CHECK_EQ(read(s, buf, 64), 3);
}

TEST(tty_window_size)
{
	struct winsize w = { 24, 80, 0, 0 }, v;

	open_pair();
	CHECK_EQ(ioctl(s, TIOCGWINSZ, &v), 0);
	CHECK_EQ(v.ws_row, 0);
	CHECK_EQ(ioctl(m, TIOCSWINSZ, &w), 0);
	CHECK_EQ(ioctl(s, TIOCGWINSZ, &v), 0);
	CHECK_EQ(v.ws_col, 80);
}

/* In a session of its own with the slave as controlling terminal. */
static pid_t in_session(int (*fn)(void))
{
	pid_t p = fork();

	if (p)
		return p;
	/* A shell that has become this program may have ignored them. */
	signal(SIGINT, SIG_DFL);
	signal(SIGQUIT, SIG_DFL);
	setsid();
	CHECK_EQ(ioctl(s, TIOCSCTTY, 0), 0);
	_exit(fn());
}
static int wait_for(pid_t p)
{
	int st;

	CHECK_EQ(waitpid(p, &st, 0), p);
	return WIFSIGNALED(st) ? 1000 + WTERMSIG(st) : WEXITSTATUS(st);
}

static int just_wait(void)
{
	pause();
	return 0;
}

TEST(tty_ctrl_c_is_sigint_for_the_foreground)
{
	open_pair();
	pid_t p = in_session(just_wait);

	sleep_ms(100);
	type("\003");
	CHECK_EQ(wait_for(p), 1000 + SIGINT);
	expect_output("^C");
	p = in_session(just_wait);
	sleep_ms(100);
	type("\034");
	CHECK_EQ(wait_for(p) & 0xfff, 1000 + SIGQUIT);
}

static int check_session(void)
{
	pid_t pg;

	if (tcgetpgrp(s) != getpid() || tcgetsid(s) != getpid())
		return 1;
	int t = open("/dev/tty", O_RDWR);

	if (t < 0 || tcgetpgrp(t) != getpid())
		return 2;
	pid_t c = fork();

	if (c == 0) {
		setpgid(0, 0);
		char b;

		/* in the background: reading stops the group */
		read(t, &b, 1);
		_exit(7);
	}
	setpgid(c, c);
	int st;

	if (waitpid(c, &st, WUNTRACED) != c || !WIFSTOPPED(st) || WSTOPSIG(st) != SIGTTIN)
		return 3;
	signal(SIGTTOU, SIG_IGN);
	if (tcsetpgrp(t, c) || ioctl(t, TIOCGPGRP, &pg) || pg != c)
		return 4;
	kill(c, SIGCONT);
	write(m, "x\n", 2);
	if (waitpid(c, &st, 0) != c || !WIFEXITED(st) || WEXITSTATUS(st) != 7)
		return 5;
	if (ioctl(t, TIOCNOTTY) || open("/dev/tty", O_RDWR) >= 0 || errno != ENXIO)
		return 6;
	return 0;
}

static int check_session_hup_safe(void)
{
	signal(SIGHUP, SIG_IGN);
	return check_session();
}

TEST(tty_job_control)
{
	open_pair();
	CHECK_EQ(wait_for(in_session(check_session_hup_safe)), 0);
}

/* A session leader without a terminal gets the first that it opens, unless it says O_NOCTTY. */
static int opens_first_terminal(void)
{
	int noctty = open(slave_name, O_RDWR | O_NOCTTY);

	if (noctty < 0 || (fcntl(noctty, F_GETFL) & O_NOCTTY) || open("/dev/tty", O_RDWR) >= 0)
		return 1;
	int t = open(slave_name, O_RDWR);

	if (t < 0 || tcgetpgrp(t) != getpid() || open("/dev/tty", O_RDWR) < 0)
		return 2;
	return 0;
}
TEST(tty_o_noctty_is_heeded)
{
	open_pair();
	pid_t p = fork();

	if (p == 0) {
		setsid();
		_exit(opens_first_terminal());
	}
	CHECK_EQ(wait_for(p), 0);
}

TEST(tty_without_session_is_enotty)
{
	pid_t pg;

	open_pair();
	CHECK_ERRNO(ioctl(s, TIOCGPGRP, &pg), ENOTTY);
	CHECK_ERRNO(ioctl(s, TIOCNOTTY), ENOTTY);
	CHECK_EQ(isatty(s), 1);
	CHECK_EQ(isatty(m), 1);
	CHECK_ERRNO(tcgetattr(open("/dev/null", O_RDONLY), (struct termios[1]){ }), ENOTTY);
}

TEST(tty_master_close_hangs_up)
{
	char c;

	open_pair();
	pid_t p = fork();

	if (p == 0) {
		close(m);
		setsid();
		CHECK_EQ(ioctl(s, TIOCSCTTY, 0), 0);
		pause();
		_exit(0);
	}
	sleep_ms(100);
	close(m);
	CHECK_EQ(wait_for(p), 1000 + SIGHUP);
	CHECK_EQ(read(s, &c, 1), 0);
	CHECK_ERRNO(write(s, "x", 1), EIO);
	CHECK_ERRNO(open(slave_name, O_RDWR | O_NOCTTY), ENOENT);
}

TEST(tty_slave_close_is_eio_for_the_master)
{
	char buf[8];
	struct pollfd f;

	open_pair();
	CHECK_EQ(write(s, "x", 1), 1);
	close(s);
	CHECK_EQ(read(m, buf, 8), 1);
	CHECK_ERRNO(read(m, buf, 8), EIO);
	f = (struct pollfd){ m, POLLIN, 0 };
	CHECK_EQ(poll(&f, 1, 0), 1);
	CHECK_EQ(f.revents & POLLHUP, POLLHUP);
	s = open(slave_name, O_RDWR | O_NOCTTY);
	CHECK(s >= 0);
	type("y\n");
	CHECK_EQ(read(s, buf, 8), 2);
}

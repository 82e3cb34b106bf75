/* timerfd: a timer that is a file. */
#include "tests/abi/tap.h"
#include <sys/epoll.h>
#include <sys/timerfd.h>

#define MS 1000000LL

static struct itimerspec spec(int64_t value_ns, int64_t interval_ns)
{
	return (struct itimerspec){ .it_value = { value_ns / 1000000000, value_ns % 1000000000 },
				    .it_interval = { interval_ns / 1000000000, interval_ns % 1000000000 } };
}

static int64_t ns(struct timespec t) { return t.tv_sec * 1000000000LL + t.tv_nsec; }

static int armed(int clock, int flags, int64_t value_ns, int64_t interval_ns)
{
	int fd = timerfd_create(clock, flags);
	struct itimerspec s = spec(value_ns, interval_ns);

	CHECK(fd >= 0);
	CHECK_EQ(timerfd_settime(fd, 0, &s, NULL), 0);
	return fd;
}

TEST(timerfd_read_waits_for_the_expiry)
{
	int64_t t = now_ns();
	uint64_t v;

	CHECK_EQ(read(armed(CLOCK_MONOTONIC, 0, 20 * MS, 0), &v, 8), 8);
	CHECK_EQ(v, 1);
	CHECK(now_ns() - t >= 20 * MS);
}

TEST(timerfd_every_clock)
{
	static const int clocks[] = { CLOCK_REALTIME, CLOCK_MONOTONIC, CLOCK_BOOTTIME };
	uint64_t v;

	for (int i = 0; i < 3; i++) {
		CHECK_EQ(read(armed(clocks[i], 0, 5 * MS, 0), &v, 8), 8);
		CHECK_EQ(v, 1);
	}
}

TEST(timerfd_other_clocks_are_einval)
{
	CHECK_ERRNO(timerfd_create(CLOCK_PROCESS_CPUTIME_ID, 0), EINVAL);
	CHECK_ERRNO(timerfd_create(CLOCK_MONOTONIC_RAW, 0), EINVAL);
	CHECK_ERRNO(timerfd_create(77, 0), EINVAL);
	CHECK_ERRNO(timerfd_create(-1, 0), EINVAL);
}

TEST(timerfd_create_flags)
{
	int fd = timerfd_create(CLOCK_MONOTONIC, TFD_CLOEXEC | TFD_NONBLOCK);

	CHECK_EQ(fcntl(fd, F_GETFD), FD_CLOEXEC);
	CHECK_EQ(fcntl(fd, F_GETFL), O_RDWR | O_NONBLOCK);
	CHECK_ERRNO(timerfd_create(CLOCK_MONOTONIC, 1), EINVAL);
}

TEST(timerfd_periodic_counts_unread_expiries)
{
	int64_t t = now_ns();
	uint64_t v;
	int fd = armed(CLOCK_MONOTONIC, 0, 10 * MS, 10 * MS);

	sleep_ms(55);
	CHECK_EQ(read(fd, &v, 8), 8);
	CHECK(v >= 5);
	CHECK(v <= (uint64_t)((now_ns() - t) / (10 * MS)));
}

TEST(timerfd_periodic_goes_on_after_a_read)
{
	uint64_t v, sum = 0;
	int64_t t = now_ns();
	int fd = armed(CLOCK_MONOTONIC, 0, 5 * MS, 5 * MS);

	while (sum < 10) {
		CHECK_EQ(read(fd, &v, 8), 8);
		sum += v;
	}
	CHECK(now_ns() - t >= 50 * MS);
}

TEST(timerfd_nonblocking_read_is_eagain)
{
	uint64_t v;

	CHECK_ERRNO(read(armed(CLOCK_MONOTONIC, TFD_NONBLOCK, 10000 * MS, 0), &v, 8), EAGAIN);
	CHECK_ERRNO(read(timerfd_create(CLOCK_MONOTONIC, TFD_NONBLOCK), &v, 8), EAGAIN);
}

TEST(timerfd_short_buffer_is_einval)
{
	uint64_t v;

	CHECK_ERRNO(read(armed(CLOCK_MONOTONIC, 0, 1, 0), &v, 7), EINVAL);
}

TEST(timerfd_cannot_be_written)
{
	uint64_t v = 1;

	CHECK_ERRNO(write(timerfd_create(CLOCK_MONOTONIC, 0), &v, 8), EINVAL);
}

TEST(timerfd_absolute_in_the_past_expires_at_once)
{
	int fd = timerfd_create(CLOCK_MONOTONIC, 0);
	struct itimerspec s = spec(1, 0);
	uint64_t v;

	CHECK_EQ(timerfd_settime(fd, TFD_TIMER_ABSTIME, &s, NULL), 0);
	CHECK_EQ(read(fd, &v, 8), 8);
	CHECK_EQ(v, 1);
}

TEST(timerfd_absolute_periodic_counts_from_its_start)
{
	int fd = timerfd_create(CLOCK_MONOTONIC, 0);
	struct itimerspec s = spec(now_ns() - 100 * MS, 10 * MS);
	uint64_t v;

	CHECK_EQ(timerfd_settime(fd, TFD_TIMER_ABSTIME, &s, NULL), 0);
	CHECK_EQ(read(fd, &v, 8), 8);
	CHECK(v >= 11);
}

TEST(timerfd_absolute_realtime)
{
	int fd = timerfd_create(CLOCK_REALTIME, 0);
	struct timespec now;
	uint64_t v;

	clock_gettime(CLOCK_REALTIME, &now);
	struct itimerspec s = spec(ns(now) + 20 * MS, 0);

	CHECK_EQ(timerfd_settime(fd, TFD_TIMER_ABSTIME, &s, NULL), 0);
	CHECK_EQ(read(fd, &v, 8), 8);
	struct timespec then;

	clock_gettime(CLOCK_REALTIME, &then);
	CHECK(ns(then) >= ns(now) + 20 * MS);
}

TEST(timerfd_gettime_tells_what_is_left)
{
	struct itimerspec s;
	int fd = armed(CLOCK_MONOTONIC, 0, 10000 * MS, 3 * MS);

	CHECK_EQ(timerfd_gettime(fd, &s), 0);
	CHECK(ns(s.it_value) > 5000 * MS && ns(s.it_value) <= 10000 * MS);
	CHECK_EQ(ns(s.it_interval), 3 * MS);
}

TEST(timerfd_gettime_of_a_disarmed_timer_is_zero)
{
	struct itimerspec s = spec(1, 1);

	CHECK_EQ(timerfd_gettime(timerfd_create(CLOCK_MONOTONIC, 0), &s), 0);
	CHECK_EQ(ns(s.it_value), 0);
	CHECK_EQ(ns(s.it_interval), 0);
}

TEST(timerfd_gettime_of_an_expired_timer_is_zero)
{
	struct itimerspec s;
	int fd = armed(CLOCK_MONOTONIC, 0, 1, 0);

	sleep_ms(5);
	CHECK_EQ(timerfd_gettime(fd, &s), 0);
	CHECK_EQ(ns(s.it_value), 0);
}

TEST(timerfd_settime_returns_the_old_setting)
{
	struct itimerspec s = spec(0, 0), old;
	int fd = armed(CLOCK_MONOTONIC, 0, 10000 * MS, 7 * MS);

	CHECK_EQ(timerfd_settime(fd, 0, &s, &old), 0);
	CHECK(ns(old.it_value) > 5000 * MS);
	CHECK_EQ(ns(old.it_interval), 7 * MS);
}

TEST(timerfd_disarm_forgets_expiries)
{
	struct itimerspec s = spec(0, 0);
	uint64_t v;
	int fd = armed(CLOCK_MONOTONIC, TFD_NONBLOCK, 1, 0);

	sleep_ms(5);
	CHECK_EQ(timerfd_settime(fd, 0, &s, NULL), 0);
	CHECK_ERRNO(read(fd, &v, 8), EAGAIN);
	sleep_ms(20);
	CHECK_ERRNO(read(fd, &v, 8), EAGAIN);
}

TEST(timerfd_rearm_moves_the_expiry)
{
	struct itimerspec s = spec(60 * MS, 0);
	int64_t t = now_ns();
	uint64_t v;
	int fd = armed(CLOCK_MONOTONIC, 0, 10 * MS, 0);

	CHECK_EQ(timerfd_settime(fd, 0, &s, NULL), 0);
	CHECK_EQ(read(fd, &v, 8), 8);
	CHECK(now_ns() - t >= 60 * MS);
}

TEST(timerfd_settime_errors)
{
	int fd = timerfd_create(CLOCK_MONOTONIC, 0);
	struct itimerspec s = spec(1, 0), bad = { .it_value = { 0, 1000000000 } };
	struct itimerspec negative = { .it_interval = { -1, 0 } };

	CHECK_ERRNO(timerfd_settime(-1, 0, &s, NULL), EBADF);
	CHECK_ERRNO(timerfd_settime(0, 0, &s, NULL), EINVAL);
	CHECK_ERRNO(timerfd_settime(fd, 4, &s, NULL), EINVAL);
	CHECK_ERRNO(timerfd_settime(fd, 0, &bad, NULL), EINVAL);
	CHECK_ERRNO(timerfd_settime(fd, 0, &negative, NULL), EINVAL);
	CHECK_ERRNO(syscall(SYS_timerfd_settime, fd, 0, 8, NULL), EFAULT);
	CHECK_ERRNO(syscall(SYS_timerfd_gettime, fd, 8), EFAULT);
	CHECK_ERRNO(timerfd_gettime(-1, &s), EBADF);
}

TEST(timerfd_poll_tells_of_the_expiry)
{
	int fd = armed(CLOCK_MONOTONIC, 0, 20 * MS, 0);
	struct pollfd p = { .fd = fd, .events = POLLIN | POLLOUT };

	CHECK_EQ(poll(&p, 1, 0), 0);
	CHECK_EQ(poll(&p, 1, 10000), 1);
	CHECK_EQ(p.revents, POLLIN);
}

TEST(timerfd_cancel_on_set_flag_is_accepted)
{
	int fd = timerfd_create(CLOCK_REALTIME, TFD_NONBLOCK);
	struct timespec now;
	uint64_t v;

	clock_gettime(CLOCK_REALTIME, &now);
	struct itimerspec s = spec(ns(now) + 10000 * MS, 0);

	CHECK_EQ(timerfd_settime(fd, TFD_TIMER_ABSTIME | TFD_TIMER_CANCEL_ON_SET, &s, NULL), 0);
	CHECK_ERRNO(read(fd, &v, 8), EAGAIN);
}

/* --- the wall clock is set: only where this is a machine of the tests' own ------------------------------------ */

static struct timespec wall, started;

static void begin_clock_changes(void)
{
	char comm[32] = "";
	int fd = open("/proc/1/comm", O_RDONLY);

	if (fd < 0 || read(fd, comm, sizeof(comm) - 1) <= 0 || strcmp(comm, "runner\n") != 0 || geteuid() != 0)
		SKIP("sets the clock");
	close(fd);
	clock_gettime(CLOCK_REALTIME, &wall);
	clock_gettime(CLOCK_MONOTONIC, &started);
}
/* By the clock as it would be without us, plus @seconds. */
static void move_clock(int seconds)
{
	struct timespec now, t;

	clock_gettime(CLOCK_MONOTONIC, &now);
	t = (struct timespec){ wall.tv_sec + now.tv_sec - started.tv_sec + seconds, wall.tv_nsec };
	CHECK_EQ(clock_settime(CLOCK_REALTIME, &t), 0);
}
static int wall_timer(int flags, int seconds)
{
	struct itimerspec s = { .it_value = { wall.tv_sec + seconds, 0 } };
	int fd = timerfd_create(CLOCK_REALTIME, TFD_NONBLOCK);

	CHECK_EQ(timerfd_settime(fd, flags, &s, NULL), 0);
	return fd;
}

TEST(timerfd_cancelled_when_the_clock_is_set)
{
	uint64_t v;

	begin_clock_changes();
	int fd = wall_timer(TFD_TIMER_ABSTIME | TFD_TIMER_CANCEL_ON_SET, 1000);
	struct pollfd p = { .fd = fd, .events = POLLIN };

	CHECK_EQ(poll(&p, 1, 0), 0);
	move_clock(-50);
	CHECK_EQ(poll(&p, 1, 0), 1);
	CHECK_EQ(p.revents, POLLIN);
	CHECK_ERRNO(read(fd, &v, 8), ECANCELED);
	/* Told once; the timer goes on. */
	CHECK_EQ(poll(&p, 1, 0), 0);
	CHECK_ERRNO(read(fd, &v, 8), EAGAIN);
	move_clock(0);
	CHECK_ERRNO(read(fd, &v, 8), ECANCELED);
	CHECK_ERRNO(read(fd, &v, 8), EAGAIN);
}

static pid_t move_clock_soon(void)
{
	pid_t child = fork();

	if (child == 0) {
		sleep_ms(50);
		move_clock(-20);
		_exit(0);
	}
	return child;
}

TEST(timerfd_cancel_wakes_a_sleeping_reader)
{
	uint64_t v;

	begin_clock_changes();
	int fd = wall_timer(TFD_TIMER_ABSTIME | TFD_TIMER_CANCEL_ON_SET, 1000);

	fcntl(fd, F_SETFL, 0);
	pid_t child = move_clock_soon();

	CHECK_ERRNO(read(fd, &v, 8), ECANCELED);
	CHECK_EQ(waitpid(child, NULL, 0), child);
	move_clock(0);
}

TEST(timerfd_cancel_wakes_epoll)
{
	uint64_t v;

	begin_clock_changes();
	int fd = wall_timer(TFD_TIMER_ABSTIME | TFD_TIMER_CANCEL_ON_SET, 1000), ep = epoll_create1(0);
	struct epoll_event e = { .events = EPOLLIN | EPOLLET };

	CHECK_EQ(epoll_ctl(ep, EPOLL_CTL_ADD, fd, &e), 0);
	pid_t child = move_clock_soon();

	CHECK_EQ(epoll_wait(ep, &e, 1, 5000), 1);
	CHECK_EQ(e.events, EPOLLIN);
	CHECK_ERRNO(read(fd, &v, 8), ECANCELED);
	CHECK_EQ(epoll_wait(ep, &e, 1, 0), 0);
	CHECK_EQ(waitpid(child, NULL, 0), child);
	move_clock(0);
}

TEST(timerfd_settime_tells_that_the_clock_was_set)
{
	struct itimerspec s;

	begin_clock_changes();
	s = (struct itimerspec){ .it_value = { wall.tv_sec + 1000, 0 } };
	int fd = wall_timer(TFD_TIMER_ABSTIME | TFD_TIMER_CANCEL_ON_SET, 1000);

	move_clock(-5);
	CHECK_ERRNO(timerfd_settime(fd, TFD_TIMER_ABSTIME | TFD_TIMER_CANCEL_ON_SET, &s, NULL), ECANCELED);
	CHECK_EQ(timerfd_settime(fd, TFD_TIMER_ABSTIME | TFD_TIMER_CANCEL_ON_SET, &s, NULL), 0);
	move_clock(0);
}

TEST(timerfd_of_the_wall_clock_follows_it)
{
	uint64_t v;

	begin_clock_changes();
	int absolute = wall_timer(TFD_TIMER_ABSTIME, 1000), relative = wall_timer(0, 1000),
	    monotonic = timerfd_create(CLOCK_MONOTONIC, TFD_NONBLOCK);
	struct itimerspec s = { .it_value = { 1000, 0 } };

	CHECK_EQ(timerfd_settime(monotonic, 0, &s, NULL), 0);
	struct pollfd p = { .fd = absolute, .events = POLLIN };

	move_clock(1001);
	CHECK_EQ(poll(&p, 1, 5000), 1);
	CHECK_EQ(read(absolute, &v, 8), 8);
	CHECK_EQ(v, 1);
	/* A length of time is the same by every clock. */
	CHECK_ERRNO(read(relative, &v, 8), EAGAIN);
	CHECK_ERRNO(read(monotonic, &v, 8), EAGAIN);
	move_clock(0);
}

TEST(timerfd_cancel_needs_an_absolute_time_of_the_wall_clock)
{
	uint64_t v;

	begin_clock_changes();
	/* Relative: the flag has no effect. */
	int relative = wall_timer(TFD_TIMER_CANCEL_ON_SET, 1000);
	struct itimerspec s = { .it_value = { 100000, 0 } };
	int monotonic = timerfd_create(CLOCK_MONOTONIC, TFD_NONBLOCK);

	CHECK_EQ(timerfd_settime(monotonic, TFD_TIMER_ABSTIME | TFD_TIMER_CANCEL_ON_SET, &s, NULL), 0);
	move_clock(-7);
	CHECK_ERRNO(read(relative, &v, 8), EAGAIN);
	CHECK_ERRNO(read(monotonic, &v, 8), EAGAIN);
	move_clock(0);
}

/* eventfd: a counter that is a file. */
#include "tests/abi/tap.h"
#include <sys/eventfd.h>

#define MOST 0xfffffffffffffffeULL

static short revents(int fd)
{
	struct pollfd p = { .fd = fd, .events = POLLIN | POLLOUT };

	poll(&p, 1, 0);
	return p.revents;
}

TEST(eventfd_read_returns_the_count_and_clears)
{
	uint64_t v;
	int fd = eventfd(5, EFD_NONBLOCK);

	CHECK_EQ(read(fd, &v, 8), 8);
	CHECK_EQ(v, 5);
	CHECK_ERRNO(read(fd, &v, 8), EAGAIN);
}

TEST(eventfd_writes_add_up)
{
	uint64_t v = 3;
	int fd = eventfd(1, 0);

	CHECK_EQ(write(fd, &v, 8), 8);
	v = 4;
	CHECK_EQ(write(fd, &v, 8), 8);
	CHECK_EQ(read(fd, &v, 8), 8);
	CHECK_EQ(v, 8);
}

TEST(eventfd_semaphore_gives_one_at_a_time)
{
	uint64_t v;
	int fd = eventfd(2, EFD_SEMAPHORE | EFD_NONBLOCK);

	for (int i = 0; i < 2; i++) {
		CHECK_EQ(read(fd, &v, 8), 8);
		CHECK_EQ(v, 1);
	}
	CHECK_ERRNO(read(fd, &v, 8), EAGAIN);
}

TEST(eventfd_short_buffer_is_einval)
{
	uint64_t v = 1;
	int fd = eventfd(1, 0);

	CHECK_ERRNO(read(fd, &v, 7), EINVAL);
	CHECK_ERRNO(write(fd, &v, 7), EINVAL);
	CHECK_ERRNO(write(fd, &v, 0), EINVAL);
}

TEST(eventfd_long_buffer_takes_eight_bytes)
{
	uint64_t v[2] = { 0, 0 };
	int fd = eventfd(1, 0);

	CHECK_EQ(read(fd, v, 16), 8);
	CHECK_EQ(v[0], 1);
}

TEST(eventfd_writing_all_ones_is_einval)
{
	uint64_t v = ~0ULL;

	CHECK_ERRNO(write(eventfd(0, 0), &v, 8), EINVAL);
}

TEST(eventfd_overflow_is_eagain)
{
	uint64_t v = MOST;
	int fd = eventfd(0, EFD_NONBLOCK);

	CHECK_EQ(write(fd, &v, 8), 8);
	v = 1;
	CHECK_ERRNO(write(fd, &v, 8), EAGAIN);
	v = 0;
	CHECK_EQ(write(fd, &v, 8), 8);
	CHECK_EQ(read(fd, &v, 8), 8);
	CHECK(v == MOST);
}

TEST(eventfd_poll_says_what_would_not_block)
{
	uint64_t v = MOST;
	int fd = eventfd(0, 0);

	CHECK_EQ(revents(fd), POLLOUT);
	eventfd_write(fd, 1);
	CHECK_EQ(revents(fd), POLLIN | POLLOUT);
	CHECK_EQ(read(fd, &v, 8), 8);
	v = MOST;
	CHECK_EQ(write(fd, &v, 8), 8);
	CHECK_EQ(revents(fd), POLLIN);
}

TEST(eventfd_write_wakes_a_reader)
{
	uint64_t v;
	int fd = eventfd(0, 0);

	if (fork() == 0) {
		sleep_ms(50);
		_exit(eventfd_write(fd, 7));
	}
	CHECK_EQ(read(fd, &v, 8), 8);
	CHECK_EQ(v, 7);
}

TEST(eventfd_read_wakes_a_writer)
{
	uint64_t v = MOST;
	int fd = eventfd(0, 0), status;

	CHECK_EQ(write(fd, &v, 8), 8);
	if (fork() == 0)
		_exit(eventfd_write(fd, 5));
	sleep_ms(50);
	CHECK_EQ(waitpid(-1, &status, WNOHANG), 0);
	CHECK_EQ(read(fd, &v, 8), 8);
	CHECK(v == MOST);
	CHECK(wait(&status) > 0 && status == 0);
	CHECK_EQ(read(fd, &v, 8), 8);
	CHECK_EQ(v, 5);
}

static void handler(int sig) { (void)sig; }

TEST(eventfd_read_is_interrupted)
{
	uint64_t v;
	struct sigaction sa = { .sa_handler = handler };
	struct itimerval it = { .it_value = { 0, 50000 } };

	sigaction(SIGALRM, &sa, NULL);
	setitimer(ITIMER_REAL, &it, NULL);
	CHECK_ERRNO(read(eventfd(0, 0), &v, 8), EINTR);
}

TEST(eventfd_read_restarts_with_sa_restart)
{
	uint64_t v;
	int fd = eventfd(0, 0);
	struct sigaction sa = { .sa_handler = handler, .sa_flags = SA_RESTART };
	struct itimerval it = { .it_value = { 0, 30000 } };

	sigaction(SIGALRM, &sa, NULL);
	if (fork() == 0) {
		sleep_ms(150);
		_exit(eventfd_write(fd, 1));
	}
	setitimer(ITIMER_REAL, &it, NULL);
	CHECK_EQ(read(fd, &v, 8), 8);
}

TEST(eventfd_bad_buffer_is_efault)
{
	int fd = eventfd(1, 0);

	CHECK_ERRNO(write(fd, (void *)8, 8), EFAULT);
	CHECK_ERRNO(read(fd, (void *)8, 8), EFAULT);
}

TEST(eventfd_flags)
{
	int fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);

	CHECK_EQ(fcntl(fd, F_GETFD), FD_CLOEXEC);
	CHECK_EQ(fcntl(fd, F_GETFL), O_RDWR | O_NONBLOCK);
	CHECK_ERRNO(syscall(SYS_eventfd2, 0, 2), EINVAL);
	CHECK(syscall(SYS_eventfd, 0) >= 0);
}

TEST(eventfd_nonblock_can_be_set_later)
{
	uint64_t v;
	int fd = eventfd(0, 0);

	CHECK_EQ(fcntl(fd, F_SETFL, O_NONBLOCK), 0);
	CHECK_ERRNO(read(fd, &v, 8), EAGAIN);
}

TEST(eventfd_cannot_be_mapped_or_positioned)
{
	uint64_t v = 1;
	int fd = eventfd(1, 0);

	CHECK_ERRNO(pread(fd, &v, 8, 0), ESPIPE);
	CHECK_ERRNO(pwrite(fd, &v, 8, 0), ESPIPE);
	CHECK_EQ(lseek(fd, 5, SEEK_SET), 0);
	CHECK(mmap(NULL, 4096, PROT_READ, MAP_SHARED, fd, 0) == MAP_FAILED);
	CHECK_EQ(errno, ENODEV);
}

static void *semaphore_user(void *arg)
{
	int *s = arg;
	uint64_t v;

	for (int i = 0; i < 500; i++) {
		if (read(s[0], &v, 8) != 8)
			return (void *)1;
		s[1]++;
		eventfd_write(s[0], 1);
	}
	return NULL;
}

TEST(eventfd_semaphore_excludes)
{
	int s[2] = { eventfd(1, EFD_SEMAPHORE), 0 };
	pthread_t t[3];
	void *r;

	for (int i = 0; i < 3; i++)
		CHECK_EQ(pthread_create(&t[i], NULL, semaphore_user, s), 0);
	for (int i = 0; i < 3; i++) {
		pthread_join(t[i], &r);
		CHECK(r == NULL);
	}
	CHECK_EQ(s[1], 1500);
}

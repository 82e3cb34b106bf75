/* /dev/demo: the pattern of a pollable file. Pollux only: elsewhere there is none. */
#include "tests/abi/tap.h"
#include <sys/epoll.h>

static int demo(int flags)
{
	int fd = open("/dev/demo", O_RDWR | flags);

	if (fd < 0 && errno == ENOENT)
		SKIP("no /dev/demo");
	CHECK(fd >= 0);
	return fd;
}

static ssize_t put(int fd, uint64_t n) { return write(fd, &n, sizeof(n)); }
static uint64_t get(int fd)
{
	uint64_t n = 0;

	CHECK_EQ(read(fd, &n, sizeof(n)), sizeof(n));
	return n;
}
static int events(int fd, int timeout)
{
	struct pollfd p = { .fd = fd, .events = POLLIN | POLLOUT };

	CHECK(poll(&p, 1, timeout) >= 0);
	return p.revents;
}

TEST(demo_is_writable_at_first)
{
	CHECK_EQ(events(demo(0), 0), POLLOUT);
}

TEST(demo_is_readable_once_written)
{
	int fd = demo(0);

	CHECK_EQ(put(fd, 7), 8);
	CHECK_EQ(events(fd, 0), POLLIN);
	CHECK_EQ(get(fd), 7);
	CHECK_EQ(events(fd, 0), POLLOUT);
}

TEST(demo_each_open_has_its_number)
{
	int a = demo(0), b = demo(0);

	CHECK_EQ(put(a, 7), 8);
	CHECK_EQ(events(b, 0), POLLOUT);
}

TEST(demo_nonblocking_says_eagain)
{
	uint64_t n;
	int fd = demo(O_NONBLOCK);

	CHECK_ERRNO(read(fd, &n, 8), EAGAIN);
	CHECK_EQ(put(fd, 1), 8);
	CHECK_ERRNO(put(fd, 2), EAGAIN);
	CHECK_EQ(get(fd), 1);
}

TEST(demo_checks_its_arguments)
{
	uint64_t n = 1;
	int fd = demo(0);

	CHECK_ERRNO(read(fd, &n, 7), EINVAL);
	CHECK_ERRNO(write(fd, &n, 7), EINVAL);
	CHECK_ERRNO(put(fd, 0), EINVAL);
	CHECK_ERRNO(write(fd, (void *)8, 8), EFAULT);
	CHECK_ERRNO(lseek(fd, 0, SEEK_SET), ESPIPE);
	CHECK_EQ(events(fd, 0), POLLOUT);
}

static void *put_later(void *fd)
{
	sleep_ms(50);
	put((int)(long)fd, 5);
	return NULL;
}
static void *get_later(void *fd)
{
	sleep_ms(50);
	get((int)(long)fd);
	return NULL;
}
static void start(void *(*fn)(void *), int fd)
{
	pthread_t t;

	CHECK_EQ(pthread_create(&t, NULL, fn, (void *)(long)fd), 0);
}

TEST(demo_read_waits_for_a_number)
{
	int fd = demo(0);

	start(put_later, fd);
	CHECK_EQ(get(fd), 5);
}

TEST(demo_write_waits_for_room)
{
	int fd = demo(0);

	CHECK_EQ(put(fd, 1), 8);
	start(get_later, fd);
	CHECK_EQ(put(fd, 2), 8);
	CHECK_EQ(get(fd), 2);
}

TEST(demo_poll_is_woken_either_way)
{
	struct pollfd p = { .fd = demo(0), .events = POLLIN };

	start(put_later, p.fd);
	CHECK_EQ(poll(&p, 1, 5000), 1);
	p.events = POLLOUT;
	start(get_later, p.fd);
	CHECK_EQ(poll(&p, 1, 5000), 1);
	CHECK_EQ(p.revents, POLLOUT);
}

static void nothing(int sig) { (void)sig; }
TEST(demo_read_is_interrupted)
{
	struct sigaction sa = { .sa_handler = nothing };
	struct itimerval t = { .it_value.tv_usec = 50000 };
	uint64_t n;

	int fd = demo(0);

	sigaction(SIGALRM, &sa, NULL);
	setitimer(ITIMER_REAL, &t, NULL);
	CHECK_ERRNO(read(fd, &n, 8), EINTR);
}

TEST(demo_epoll_level)
{
	struct epoll_event e = { .events = EPOLLIN };
	int fd = demo(0), ep = epoll_create1(0);

	CHECK_EQ(epoll_ctl(ep, EPOLL_CTL_ADD, fd, &e), 0);
	CHECK_EQ(epoll_wait(ep, &e, 1, 0), 0);
	start(put_later, fd);
	CHECK_EQ(epoll_wait(ep, &e, 1, 5000), 1);
	CHECK_EQ(e.events, EPOLLIN);
	CHECK_EQ(epoll_wait(ep, &e, 1, 0), 1);
	get(fd);
	CHECK_EQ(epoll_wait(ep, &e, 1, 0), 0);
}

TEST(demo_epoll_edge)
{
	struct epoll_event e = { .events = EPOLLIN | EPOLLOUT | EPOLLET };
	int fd = demo(0), ep = epoll_create1(0);

	CHECK_EQ(epoll_ctl(ep, EPOLL_CTL_ADD, fd, &e), 0);
	CHECK_EQ(epoll_wait(ep, &e, 1, 0), 1);
	CHECK_EQ(e.events, EPOLLOUT);
	CHECK_EQ(epoll_wait(ep, &e, 1, 0), 0);
	CHECK_EQ(put(fd, 1), 8);
	CHECK_EQ(epoll_wait(ep, &e, 1, 0), 1);
	CHECK_EQ(e.events, EPOLLIN);
	CHECK_EQ(epoll_wait(ep, &e, 1, 0), 0);
	get(fd);
	CHECK_EQ(epoll_wait(ep, &e, 1, 0), 1);
	CHECK_EQ(e.events, EPOLLOUT);
}

/* Numbers through one file from two writers to two readers: each arrives once. */
static int passed_fd, sum;
static void *reader(void *arg)
{
	(void)arg;
	for (int i = 0; i < 50; i++)
		__atomic_fetch_add(&sum, (int)get(passed_fd), __ATOMIC_SEQ_CST);
	return NULL;
}
static void *writer(void *arg)
{
	for (int i = 1; i <= 50; i++)
		CHECK_EQ(put(passed_fd, (uint64_t)i + (uint64_t)(long)arg), 8);
	return NULL;
}
TEST(demo_passes_each_number_once)
{
	pthread_t t[4];

	passed_fd = demo(0);
	for (long i = 0; i < 4; i++)
		CHECK_EQ(pthread_create(&t[i], NULL, i & 1 ? reader : writer, (void *)(i * 50)), 0);
	for (int i = 0; i < 4; i++)
		pthread_join(t[i], NULL);
	CHECK_EQ(sum, 2 * (50 * 51 / 2) + 50 * 100);
}

/* Arguments in memory that is not there, or ends in the middle; and what other CPUs see when mappings change. */
#include "tests/abi/tap.h"

static char *page_before_hole(void)
{
	char *p = mmap(NULL, 8192, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

	CHECK(p != MAP_FAILED);
	CHECK_EQ(munmap(p + 4096, 4096), 0);
	return p;
}

/* A name that ends at, or runs into, the hole, at every alignment. */
TEST(names_may_end_at_the_end_of_memory)
{
	char *end = page_before_hole() + 4096;

	for (int len = 1; len < 40; len++) {
		memset(end - len, 'a', (size_t)len);
		CHECK_ERRNO(open(end - len, O_RDONLY), EFAULT);
		end[-1] = '\0';
		CHECK_ERRNO(open(end - len, O_RDONLY), ENOENT);
	}
	CHECK_ERRNO(open(end, O_RDONLY), EFAULT);
}

TEST(a_read_that_meets_a_hole_returns_what_fitted)
{
	char *end = page_before_hole() + 4096, name[] = "/tmp/user_memory.XXXXXX", data[600];
	int fd = mkstemp(name);

	CHECK(fd >= 0);
	unlink(name);
	for (size_t i = 0; i < sizeof(data); i++)
		data[i] = (char)(i * 7 + 1);
	CHECK_EQ(write(fd, data, sizeof(data)), (long)sizeof(data));
	for (int n = 1; n < 300; n += 1 + n / 7) {
		memset(end - n, 0, (size_t)n);
		CHECK_EQ(pread(fd, end - n, 500, 0), n);
		CHECK_EQ(memcmp(end - n, data, (size_t)n), 0);
	}
	CHECK_ERRNO(pread(fd, end, 500, 0), EFAULT);
}

TEST(kernel_addresses_are_refused)
{
	static const unsigned long bad[] = {
		0xffff888000000000, 0xffffffff80100000, 0x7ffffffff000, 0x800000000000, 0x8000000000000000, ~0UL,
	};
	int p[2];

	CHECK_EQ(pipe(p), 0);
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		CHECK_ERRNO(write(p[1], (void *)bad[i], 1), EFAULT);
		CHECK_ERRNO(open((char *)bad[i], O_RDONLY), EFAULT);
		CHECK_ERRNO(syscall(SYS_clock_gettime, CLOCK_MONOTONIC, bad[i]), EFAULT); /* not the vDSO's */
	}
}

/* One thread changes the mapping, another reads through it: after the call has returned, nobody sees the old page. */
static volatile int *shared;
static volatile int wanted, stop;
static volatile long stale;

static void *watch(void *arg)
{
	while (!stop) {
		int floor = wanted; /* the page that @shared shows is at least as new as this */

		if (*shared < floor)
			stale++;
	}
	return arg;
}

TEST(a_replaced_page_is_seen_by_all_threads_at_once)
{
	enum { WATCHERS = 2, ROUNDS = 60 };
	char name[] = "/tmp/user_memory.XXXXXX";
	int fd = mkstemp(name);
	pthread_t t[WATCHERS];

	CHECK(fd >= 0);
	unlink(name);
	for (int i = 0; i < ROUNDS; i++)
		CHECK_EQ(pwrite(fd, &i, sizeof(i), i * 4096L), (long)sizeof(i));
	CHECK_EQ(ftruncate(fd, ROUNDS * 4096L), 0);
	shared = mmap(NULL, 4096, PROT_READ, MAP_SHARED, fd, 0);
	CHECK((void *)shared != MAP_FAILED);
	for (int i = 0; i < WATCHERS; i++)
		CHECK_EQ(pthread_create(&t[i], NULL, watch, NULL), 0);
	for (int i = 1; i < ROUNDS; i++) {
		CHECK(mmap((void *)shared, 4096, PROT_READ, MAP_SHARED | MAP_FIXED, fd, i * 4096L) == (void *)shared);
		wanted = i;
		usleep(1000);
	}
	stop = 1;
	for (int i = 0; i < WATCHERS; i++)
		pthread_join(t[i], NULL);
	CHECK_EQ(stale, 0);
}

static void *sleep_a_little(void *arg)
{
	usleep(100);
	return arg;
}

TEST(many_threads_come_and_go)
{
	enum { THREADS = 50, ROUNDS = 4 };
	pthread_attr_t attr;

	pthread_attr_init(&attr);
	pthread_attr_setstacksize(&attr, 16384);
	for (int r = 0; r < ROUNDS; r++) {
		pthread_t t[THREADS];

		for (int i = 0; i < THREADS; i++)
			CHECK_EQ(pthread_create(&t[i], &attr, sleep_a_little, NULL), 0);
		for (int i = 0; i < THREADS; i++)
			CHECK_EQ(pthread_join(t[i], NULL), 0);
	}
}

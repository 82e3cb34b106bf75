/* Processes, threads, memory maps and timers whose every allocation fails once. */
#include "tests/abi/each_fails.h"
#include <pthread.h>
#include <sched.h>
#include <sys/mman.h>
#include <sys/wait.h>

static int fork_and_wait(void)
{
	pid_t pid = fork();
	int status;

	if (pid == 0)
		_exit(7);
	if (pid < 0)
		return -1;
	while (waitpid(pid, &status, 0) < 0)
		CHECK(is_shortage(errno));
	CHECK(WIFEXITED(status) && WEXITSTATUS(status) == 7);
	return 0;
}

/*
 * An exec that fails before the point of no return says so; after it, the program dies by SIGKILL or SIGSEGV, or lacks
 * memory itself.
 */
static int exec_and_wait(void)
{
	static char *const argv[] = { "true", NULL }, *const env[] = { NULL };
	int left = get_nth(), status;

	set_nth(0);
	pid_t pid = fork();

	if (pid == 0) {
		nth = open("/proc/self/fail-nth", O_RDWR);
		set_nth(left);
		execve("/bin/true", argv, env);
		/* No page for the arguments: Linux says that they are too long. */
		if (is_shortage(errno) || errno == E2BIG)
			_exit(100);
		printf("# allocation %d: errno %d %s\n", left, errno, strerror(errno));
		fflush(stdout);
		_exit(99);
	}
	CHECK(pid > 0);
	CHECK_EQ(waitpid(pid, &status, 0), pid);
	if (WIFEXITED(status) && WEXITSTATUS(status) == 0) {
		set_nth(1);	/* the child needed fewer: this was the last round */
		return 0;
	}
	if (WIFSIGNALED(status))
		CHECK(WTERMSIG(status) == SIGSEGV || WTERMSIG(status) == SIGKILL);
	else
		CHECK(WEXITSTATUS(status) != 99);
	errno = ENOMEM;
	return -1;
}

static void *nothing(void *arg) { return arg; }
static int one_thread(void)
{
	pthread_t t;
	int e = pthread_create(&t, NULL, nothing, NULL);

	if (e) {
		errno = e;
		return -1;
	}
	CHECK_EQ(pthread_join(t, NULL), 0);
	return 0;
}

static int map_split_and_unmap(void)
{
	char *p = mmap(NULL, 64 << 12, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	int r = 0, e = 0;

	if (p == MAP_FAILED)
		return -1;
	memset(p, 1, 64 << 12);
	if (mprotect(p + (8 << 12), 8 << 12, PROT_READ) || munmap(p + (24 << 12), 8 << 12) ||
	    mremap(p + (40 << 12), 4 << 12, 16 << 12, MREMAP_MAYMOVE) == MAP_FAILED)
		r = -1, e = errno;
	/* Nothing but what was asked for may have changed. */
	CHECK_EQ(p[0], 1);
	CHECK_EQ(p[63 << 12], 1);
	for (int i = 0; i < 64; i++)
		while (munmap(p + (i << 12), 1 << 12) && errno == ENOMEM)
			;
	errno = e;
	return r;
}

static int map_file(void)
{
	int fd = open("/proc/self/exe", O_RDONLY), e;

	if (fd < 0)
		return -1;
	char *p = mmap(NULL, 8192, PROT_READ | PROT_WRITE, MAP_PRIVATE, fd, 0);

	e = errno;
	close(fd);
	errno = e;
	if (p == MAP_FAILED)
		return -1;
	p[0] = 1;
	while (munmap(p, 8192))
		CHECK_EQ(errno, ENOMEM);
	return 0;
}

static void nobody(int sig) { (void)sig; }
static int queued_signal(void)
{
	union sigval v = { .sival_int = 7 };

	signal(SIGRTMIN, nobody);
	return sigqueue(getpid(), SIGRTMIN, v);
}

static int posix_timer(void)
{
	timer_t t;
	struct sigevent ev = { .sigev_notify = SIGEV_SIGNAL, .sigev_signo = SIGRTMIN };
	struct itimerspec soon = { .it_value.tv_nsec = 1 };

	signal(SIGRTMIN, nobody);
	if (timer_create(CLOCK_MONOTONIC, &ev, &t))
		return -1;
	int r = timer_settime(t, 0, &soon, NULL), e = errno;

	timer_delete(t);
	errno = e;
	return r;
}

TEST(out_of_memory_fork) { EACH_FAILS(fork_and_wait); }
TEST(out_of_memory_exec) { EACH_FAILS(exec_and_wait); }
TEST(out_of_memory_threads) { EACH_FAILS(one_thread); }
TEST(out_of_memory_maps)
{
	EACH_FAILS(map_split_and_unmap);
	EACH_FAILS(map_file);
}
TEST(out_of_memory_signals)
{
	EACH_FAILS(queued_signal);
	EACH_FAILS(posix_timer);
}

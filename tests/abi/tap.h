/*
 * tests/abi/tap.h - a case is TEST(name) { ... }; each runs in a process of its own and is reported in TAP.
 *
 *   prog            runs all cases         prog NAME...    runs those
 *   prog --list     prints their names
 *
 * CHECK(cond) and its kin end the case at the first failure. CHECK_ERRNO(call, e): the call fails with errno e.
 * SKIP(why) ends it without a verdict. A case that takes over CASE_SECONDS is killed with its process group.
 */
#pragma once
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/time.h>
#include <sys/types.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#define CASE_SECONDS 60
#define EXIT_SKIP 77

struct tap_case {
	const char *name;
	void (*run)(void);
	struct tap_case *next;
};
static struct tap_case *tap_first, **tap_last = &tap_first;

#define TEST(n)											\
	static void test_##n(void);								\
	static struct tap_case case_##n = { .name = #n, .run = test_##n };			\
	static void __attribute__((constructor)) register_##n(void)				\
	{ *tap_last = &case_##n; tap_last = &case_##n.next; }					\
	static void test_##n(void)

#define TAP_FAIL(...) do {									\
	printf("# %s:%d: ", __FILE__, __LINE__);						\
	printf(__VA_ARGS__);									\
	printf("\n");										\
	fflush(stdout);										\
	_exit(1);										\
} while (0)
#define CHECK(cond) do { if (!(cond)) TAP_FAIL("%s (errno %d %s)", #cond, errno, strerror(errno)); } while (0)
#define CHECK_EQ(a, b)                                                                                         \
	do {                                                                                                   \
		long long __a = (long long)(a), __b = (long long)(b);                                          \
		if (__a != __b)                                                                                \
			TAP_FAIL("%s is %lld, not %s = %lld (errno %d %s)", #a, __a, #b, __b, errno,           \
				 strerror(errno));                                                             \
	} while (0)
#define CHECK_ERRNO(call, e) do { errno = 0; long long __r = (long long)(call); int __e = errno;	\
	if (__r != -1 || __e != (e))								\
		TAP_FAIL("%s gave %lld, errno %d %s, not %s", #call, __r, __e, strerror(__e), #e); } while (0)
#define SKIP(why) do { printf("# SKIP %s\n", why); fflush(stdout); _exit(EXIT_SKIP); } while (0)

/* Nanoseconds of CLOCK_MONOTONIC. */
static inline int64_t __attribute__((unused)) now_ns(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return t.tv_sec * 1000000000LL + t.tv_nsec;
}
static inline void __attribute__((unused)) sleep_ms(int ms)
{
	struct timespec t = { ms / 1000, ms % 1000 * 1000000L };

	while (nanosleep(&t, &t) < 0 && errno == EINTR)
		;
}

static volatile sig_atomic_t tap_timed_out;
static pid_t tap_child;
static void tap_alarm(int sig)
{
	(void)sig;
	tap_timed_out = 1;
	kill(-tap_child, SIGKILL);
	kill(tap_child, SIGKILL);
}

static void tap_run(struct tap_case *c, int number)
{
	int status = 0;

	fflush(stdout);
	tap_timed_out = 0;
	tap_child = fork();
	if (tap_child == 0) {
		setpgid(0, 0);
		signal(SIGALRM, SIG_DFL);
		c->run();
		fflush(stdout);
		_exit(0);
	}
	alarm(CASE_SECONDS);
	while (tap_child > 0 && waitpid(tap_child, &status, 0) < 0 && errno == EINTR)
		;
	alarm(0);
	/* What the case started and left behind must not disturb the next one. */
	kill(-tap_child, SIGKILL);
	if (tap_timed_out)
		printf("# killed after %d s\nnot ok %d - %s\n", CASE_SECONDS, number, c->name);
	else if (WIFSIGNALED(status))
		printf("# ended by signal %d\nnot ok %d - %s\n", WTERMSIG(status), number, c->name);
	else if (WEXITSTATUS(status) == EXIT_SKIP)
		printf("ok %d - %s # SKIP\n", number, c->name);
	else
		printf("%sok %d - %s\n", WEXITSTATUS(status) ? "not " : "", number, c->name);
	fflush(stdout);
}

int main(int argc, char **argv)
{
	bool list = argc > 1 && strcmp(argv[1], "--list") == 0;
	int number = 0;

	signal(SIGALRM, tap_alarm);
	for (struct tap_case *c = tap_first; c; c = c->next) {
		bool wanted = argc < 2;

		for (int i = 1; i < argc; i++)
			wanted |= strcmp(argv[i], c->name) == 0;
		if (list)
			printf("%s\n", c->name);
		else if (wanted)
			tap_run(c, ++number);
	}
	if (!list)
		printf("1..%d\n", number);
	return 0;
}

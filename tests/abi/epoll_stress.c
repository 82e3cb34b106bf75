/*
 * epoll with everything at once: writers, waiters, changes of the set, closes, nested epolls. Nothing may hang or be
 * lost.
 */
#include "tests/abi/tap.h"
#include <sys/epoll.h>
#include <sys/eventfd.h>

#define NR_FILES 24
#define NR_EPOLLS 4
#define RUN_NS 1500000000LL

static int files[NR_FILES], epolls[NR_EPOLLS];
static int64_t end_ns;

static unsigned int next_random(unsigned int *seed)
{
	*seed = *seed * 1664525 + 1013904223;
	return *seed >> 8;
}

static int ctl(int ep, int op, int fd, uint32_t events)
{
	struct epoll_event e = { .events = events, .data.fd = fd };

	return epoll_ctl(ep, op, fd, &e);
}

static void *writer(void *arg)
{
	unsigned int seed = (unsigned int)(long)arg;
	uint64_t one = 1, v;

	while (now_ns() < end_ns) {
		int fd = files[next_random(&seed) % NR_FILES];

		if (write(fd, &one, 8) != 8 && read(fd, &v, 8) != 8)
			sched_yield();
	}
	return NULL;
}

static void *reader(void *arg)
{
	unsigned int seed = (unsigned int)(long)arg;
	struct epoll_event e[7];
	uint64_t v;

	while (now_ns() < end_ns) {
		int n = epoll_wait(epolls[next_random(&seed) % NR_EPOLLS], e, 1 + (int)(next_random(&seed) % 7), 5);

		for (int i = 0; i < n; i++)
			if (read(e[i].data.fd, &v, 8) < 0)
				sched_yield();
	}
	return NULL;
}

static void *changer(void *arg)
{
	static const uint32_t kinds[] = { EPOLLIN, EPOLLIN | EPOLLET, EPOLLIN | EPOLLONESHOT,
					  EPOLLIN | EPOLLEXCLUSIVE, 0 };
	unsigned int seed = (unsigned int)(long)arg;

	while (now_ns() < end_ns) {
		int ep = epolls[next_random(&seed) % NR_EPOLLS], fd = files[next_random(&seed) % NR_FILES];
		int op = 1 + (int)(next_random(&seed) % 3);

		ctl(ep, op, fd, kinds[next_random(&seed) % 5]);
		/* Now and then an epoll instead; most of these would make a loop. */
		if (next_random(&seed) % 8 == 0)
			ctl(ep, op, epolls[next_random(&seed) % NR_EPOLLS], EPOLLIN);
	}
	return NULL;
}

/* A file or an epoll goes and another takes its number. */
static void *closer(void *arg)
{
	unsigned int seed = (unsigned int)(long)arg;

	while (now_ns() < end_ns) {
		bool epoll = next_random(&seed) % 16 == 0;
		int *slot = epoll ? &epolls[next_random(&seed) % NR_EPOLLS] : &files[next_random(&seed) % NR_FILES];
		int fresh = epoll ? epoll_create1(0) : eventfd(0, EFD_NONBLOCK);

		if (fresh >= 0) {
			dup2(fresh, *slot);
			close(fresh);
		}
	}
	return NULL;
}

static void run_all(void *(*const kinds[])(void *), int n)
{
	pthread_t t[16];

	end_ns = now_ns() + RUN_NS;
	for (int i = 0; i < NR_FILES; i++)
		CHECK((files[i] = eventfd(0, EFD_NONBLOCK)) >= 0);
	for (int i = 0; i < NR_EPOLLS; i++)
		CHECK((epolls[i] = epoll_create1(0)) >= 0);
	for (int i = 0; i < n; i++)
		CHECK_EQ(pthread_create(&t[i], NULL, kinds[i], (void *)(long)(i + 1)), 0);
	for (int i = 0; i < n; i++)
		pthread_join(t[i], NULL);
}

TEST(epoll_stress_changes_of_the_set)
{
	static void *(*const kinds[])(void *) = { writer, writer, reader, reader, changer, changer };

	run_all(kinds, 6);
}

TEST(epoll_stress_closes)
{
	static void *(*const kinds[])(void *) = { writer, reader, reader, changer, changer, closer, closer };

	run_all(kinds, 7);
}

TEST(epoll_stress_still_works_afterwards)
{
	static void *(*const kinds[])(void *) = { writer, reader, changer, closer };
	struct epoll_event e;
	int fd = eventfd(0, 0), ep = epoll_create1(0);

	run_all(kinds, 4);
	CHECK_EQ(ctl(ep, EPOLL_CTL_ADD, fd, EPOLLIN), 0);
	CHECK_EQ(epoll_wait(ep, &e, 1, 0), 0);
	eventfd_write(fd, 1);
	CHECK_EQ(epoll_wait(ep, &e, 1, 0), 1);
}

/* Every token given is taken exactly once, by whichever thread: the wake-ups of one epoll reach all who wait. */
static int tokens, given, taken;
static void *taker(void *arg)
{
	int ep = (int)(long)arg;
	struct epoll_event e;
	uint64_t v;

	while (__atomic_load_n(&taken, __ATOMIC_SEQ_CST) < given) {
		if (epoll_wait(ep, &e, 1, 50) == 1 && read(e.data.fd, &v, 8) == 8)
			__atomic_fetch_add(&taken, 1, __ATOMIC_SEQ_CST);
	}
	return NULL;
}

TEST(epoll_stress_tokens_are_taken_once_each)
{
	int ep = epoll_create1(0);
	pthread_t t[4];

	given = 500;
	tokens = eventfd(0, EFD_NONBLOCK | EFD_SEMAPHORE);
	CHECK_EQ(ctl(ep, EPOLL_CTL_ADD, tokens, EPOLLIN), 0);
	for (int i = 0; i < 4; i++)
		CHECK_EQ(pthread_create(&t[i], NULL, taker, (void *)(long)ep), 0);
	for (int i = 0; i < given; i++)
		CHECK_EQ(eventfd_write(tokens, 1), 0);
	for (int i = 0; i < 4; i++)
		pthread_join(t[i], NULL);
	CHECK_EQ(taken, given);
}

/* epoll, edge-triggered and one-shot: what counts as news, and what arms it again. */
#include "tests/abi/tap.h"
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <sys/resource.h>

static int ctl(int ep, int op, int fd, uint32_t events)
{
	struct epoll_event e = { .events = events, .data.fd = fd };

	return epoll_ctl(ep, op, fd, &e);
}

static int ready(int ep)
{
	struct epoll_event e[8];

	return epoll_wait(ep, e, 8, 0);
}

TEST(epoll_edge_reports_once)
{
	int ep = epoll_create1(0), fd = eventfd(1, 0);

	CHECK_EQ(ctl(ep, EPOLL_CTL_ADD, fd, EPOLLIN | EPOLLET), 0);
	CHECK_EQ(ready(ep), 1);
	CHECK_EQ(ready(ep), 0);
}

TEST(epoll_edge_reports_again_on_each_write)
{
	int ep = epoll_create1(0), fd = eventfd(0, 0);

	CHECK_EQ(ctl(ep, EPOLL_CTL_ADD, fd, EPOLLIN | EPOLLET), 0);
	for (int i = 0; i < 3; i++) {
		eventfd_write(fd, 1);
		CHECK_EQ(ready(ep), 1);
		CHECK_EQ(ready(ep), 0);
	}
}

TEST(epoll_edge_partial_read_is_no_news)
{
	int ep = epoll_create1(0), p[2];
	char buf[8];

	CHECK_EQ(pipe(p), 0);
	CHECK_EQ(ctl(ep, EPOLL_CTL_ADD, p[0], EPOLLIN | EPOLLET), 0);
	CHECK_EQ(write(p[1], "abcdef", 6), 6);
	CHECK_EQ(ready(ep), 1);
	CHECK_EQ(read(p[0], buf, 3), 3);
	CHECK_EQ(ready(ep), 0);
}

TEST(epoll_edge_write_to_nonempty_pipe_is_news)
{
	int ep = epoll_create1(0), p[2];

	CHECK_EQ(pipe(p), 0);
	CHECK_EQ(ctl(ep, EPOLL_CTL_ADD, p[0], EPOLLIN | EPOLLET), 0);
	CHECK_EQ(write(p[1], "a", 1), 1);
	CHECK_EQ(ready(ep), 1);
	CHECK_EQ(write(p[1], "b", 1), 1);
	CHECK_EQ(ready(ep), 1);
}

TEST(epoll_edge_two_writes_between_waits_are_one_event)
{
	int ep = epoll_create1(0), fd = eventfd(0, 0);

	CHECK_EQ(ctl(ep, EPOLL_CTL_ADD, fd, EPOLLIN | EPOLLET), 0);
	eventfd_write(fd, 1);
	eventfd_write(fd, 1);
	CHECK_EQ(ready(ep), 1);
	CHECK_EQ(ready(ep), 0);
}

TEST(epoll_edge_read_before_wait_takes_the_event_away)
{
	int ep = epoll_create1(0), fd = eventfd(0, 0);
	uint64_t v;

	CHECK_EQ(ctl(ep, EPOLL_CTL_ADD, fd, EPOLLIN | EPOLLET), 0);
	eventfd_write(fd, 1);
	CHECK_EQ(read(fd, &v, 8), 8);
	CHECK_EQ(ready(ep), 0);
}

TEST(epoll_edge_mod_reports_again_if_still_ready)
{
	int ep = epoll_create1(0), fd = eventfd(1, 0);

	CHECK_EQ(ctl(ep, EPOLL_CTL_ADD, fd, EPOLLIN | EPOLLET), 0);
	CHECK_EQ(ready(ep), 1);
	CHECK_EQ(ctl(ep, EPOLL_CTL_MOD, fd, EPOLLIN | EPOLLET), 0);
	CHECK_EQ(ready(ep), 1);
	CHECK_EQ(ready(ep), 0);
}

TEST(epoll_edge_write_space_is_news)
{
	int ep = epoll_create1(0), p[2];
	static char buf[65536];
	struct epoll_event e;

	CHECK_EQ(pipe2(p, O_NONBLOCK), 0);
	while (write(p[1], buf, sizeof(buf)) > 0)
		;
	CHECK_EQ(ctl(ep, EPOLL_CTL_ADD, p[1], EPOLLOUT | EPOLLET), 0);
	CHECK_EQ(ready(ep), 0);
	CHECK(read(p[0], buf, sizeof(buf)) > 0);
	CHECK_EQ(epoll_wait(ep, &e, 1, 0), 1);
	CHECK_EQ(e.events, EPOLLOUT);
	CHECK_EQ(ready(ep), 0);
}

TEST(epoll_edge_hangup_after_data)
{
	struct epoll_event e;
	int ep = epoll_create1(0), p[2];

	CHECK_EQ(pipe(p), 0);
	CHECK_EQ(ctl(ep, EPOLL_CTL_ADD, p[0], EPOLLIN | EPOLLET), 0);
	CHECK_EQ(write(p[1], "x", 1), 1);
	CHECK_EQ(ready(ep), 1);
	close(p[1]);
	CHECK_EQ(epoll_wait(ep, &e, 1, 0), 1);
	CHECK_EQ(e.events, EPOLLIN | EPOLLHUP);
}

TEST(epoll_edge_socketpair_rdhup)
{
	struct epoll_event e;
	int ep = epoll_create1(0), s[2];

	CHECK_EQ(socketpair(AF_UNIX, SOCK_STREAM, 0, s), 0);
	CHECK_EQ(ctl(ep, EPOLL_CTL_ADD, s[0], EPOLLIN | EPOLLRDHUP | EPOLLET), 0);
	CHECK_EQ(ready(ep), 0);
	CHECK_EQ(shutdown(s[1], SHUT_WR), 0);
	CHECK_EQ(epoll_wait(ep, &e, 1, 0), 1);
	CHECK_EQ(e.events, EPOLLIN | EPOLLRDHUP);
}

TEST(epoll_oneshot_disarms)
{
	int ep = epoll_create1(0), fd = eventfd(1, 0);

	CHECK_EQ(ctl(ep, EPOLL_CTL_ADD, fd, EPOLLIN | EPOLLONESHOT), 0);
	CHECK_EQ(ready(ep), 1);
	CHECK_EQ(ready(ep), 0);
	eventfd_write(fd, 1);
	CHECK_EQ(ready(ep), 0);
}

TEST(epoll_oneshot_rearms_on_mod)
{
	int ep = epoll_create1(0), fd = eventfd(1, 0);

	CHECK_EQ(ctl(ep, EPOLL_CTL_ADD, fd, EPOLLIN | EPOLLONESHOT), 0);
	CHECK_EQ(ready(ep), 1);
	CHECK_EQ(ctl(ep, EPOLL_CTL_MOD, fd, EPOLLIN | EPOLLONESHOT), 0);
	CHECK_EQ(ready(ep), 1);
	CHECK_EQ(ready(ep), 0);
}

TEST(epoll_oneshot_disarmed_hides_hangup)
{
	int ep = epoll_create1(0), p[2];

	CHECK_EQ(pipe(p), 0);
	CHECK_EQ(write(p[1], "x", 1), 1);
	CHECK_EQ(ctl(ep, EPOLL_CTL_ADD, p[0], EPOLLIN | EPOLLONESHOT), 0);
	CHECK_EQ(ready(ep), 1);
	close(p[1]);
	CHECK_EQ(ready(ep), 0);
	CHECK_EQ(ctl(ep, EPOLL_CTL_MOD, p[0], 0), 0);
	CHECK_EQ(ready(ep), 1);
}

TEST(epoll_oneshot_disarmed_is_still_in_the_set)
{
	int ep = epoll_create1(0), fd = eventfd(1, 0);

	CHECK_EQ(ctl(ep, EPOLL_CTL_ADD, fd, EPOLLIN | EPOLLONESHOT), 0);
	CHECK_EQ(ready(ep), 1);
	CHECK_ERRNO(ctl(ep, EPOLL_CTL_ADD, fd, EPOLLIN), EEXIST);
	CHECK_EQ(ctl(ep, EPOLL_CTL_DEL, fd, 0), 0);
}

TEST(epoll_oneshot_beyond_maxevents_stays_armed)
{
	struct epoll_event e;
	int ep = epoll_create1(0);

	CHECK_EQ(ctl(ep, EPOLL_CTL_ADD, eventfd(1, 0), EPOLLIN | EPOLLONESHOT), 0);
	CHECK_EQ(ctl(ep, EPOLL_CTL_ADD, eventfd(1, 0), EPOLLIN | EPOLLONESHOT), 0);
	CHECK_EQ(epoll_wait(ep, &e, 1, 0), 1);
	CHECK_EQ(epoll_wait(ep, &e, 1, 0), 1);
	CHECK_EQ(epoll_wait(ep, &e, 1, 0), 0);
}

TEST(epoll_level_after_edge_mod)
{
	int ep = epoll_create1(0), fd = eventfd(1, 0);

	CHECK_EQ(ctl(ep, EPOLL_CTL_ADD, fd, EPOLLIN | EPOLLET), 0);
	CHECK_EQ(ready(ep), 1);
	CHECK_EQ(ready(ep), 0);
	CHECK_EQ(ctl(ep, EPOLL_CTL_MOD, fd, EPOLLIN), 0);
	CHECK_EQ(ready(ep), 1);
	CHECK_EQ(ready(ep), 1);
}

struct shared { int ep, fd, hits; };
static void *waiter(void *arg)
{
	struct shared *s = arg;
	struct epoll_event e;

	if (epoll_wait(s->ep, &e, 1, 300) == 1)
		__atomic_fetch_add(&s->hits, 1, __ATOMIC_SEQ_CST);
	return NULL;
}

TEST(epoll_edge_wakes_one_of_several_waiters)
{
	struct shared s = { epoll_create1(0), eventfd(0, 0), 0 };
	pthread_t t[4];

	CHECK_EQ(ctl(s.ep, EPOLL_CTL_ADD, s.fd, EPOLLIN | EPOLLET), 0);
	for (int i = 0; i < 4; i++)
		CHECK_EQ(pthread_create(&t[i], NULL, waiter, &s), 0);
	sleep_ms(60);
	eventfd_write(s.fd, 1);
	for (int i = 0; i < 4; i++)
		pthread_join(t[i], NULL);
	CHECK_EQ(s.hits, 1);
}

/* Takes what comes until it is told to stop; counts how often it slept. */
#define STOP_FD_DATA 77
struct served { int ep, fd, ack; long sleeps; };
static void *server(void *arg)
{
	struct served *s = arg;
	struct epoll_event e;
	struct rusage u;
	eventfd_t v;

	while (epoll_wait(s->ep, &e, 1, -1) == 1 && e.data.fd != STOP_FD_DATA) {
		eventfd_read(s->fd, &v);
		eventfd_write(s->ack, 1);
	}
	getrusage(RUSAGE_THREAD, &u);
	__atomic_fetch_add(&s->sleeps, u.ru_nvcsw, __ATOMIC_SEQ_CST);
	return NULL;
}

TEST(epoll_one_event_disturbs_one_task)
{
	struct served s = { epoll_create1(0), eventfd(0, EFD_NONBLOCK), eventfd(0, 0), 0 };
	struct epoll_event stop = { .events = EPOLLIN, .data.fd = STOP_FD_DATA };
	int stop_fd = eventfd(0, 0);
	pthread_t t[4];
	eventfd_t v;

	CHECK_EQ(ctl(s.ep, EPOLL_CTL_ADD, s.fd, EPOLLIN | EPOLLET), 0);
	for (int i = 0; i < 4; i++)
		CHECK_EQ(pthread_create(&t[i], NULL, server, &s), 0);
	for (int i = 0; i < 40; i++) {
		sleep_ms(3);
		eventfd_write(s.fd, 1);
		CHECK_EQ(eventfd_read(s.ack, &v), 0);
	}
	CHECK_EQ(epoll_ctl(s.ep, EPOLL_CTL_ADD, stop_fd, &stop), 0);
	eventfd_write(stop_fd, 1);
	for (int i = 0; i < 4; i++)
		pthread_join(t[i], NULL);
	/* 40 for the events, a few for the beginning and the end; all four for each event would be 160. */
	CHECK(s.sleeps < 80);
}

TEST(epoll_level_event_left_unread_reaches_the_other_waiters)
{
	struct shared s = { epoll_create1(0), eventfd(0, 0), 0 };
	pthread_t t[4];

	CHECK_EQ(ctl(s.ep, EPOLL_CTL_ADD, s.fd, EPOLLIN), 0);
	for (int i = 0; i < 4; i++)
		CHECK_EQ(pthread_create(&t[i], NULL, waiter, &s), 0);
	sleep_ms(60);
	eventfd_write(s.fd, 1);
	for (int i = 0; i < 4; i++)
		pthread_join(t[i], NULL);
	CHECK_EQ(s.hits, 4);
}

TEST(epoll_two_events_wake_two_waiters)
{
	struct shared s = { epoll_create1(0), eventfd(0, 0), 0 };
	int other = eventfd(0, 0);
	pthread_t t[3];

	CHECK_EQ(ctl(s.ep, EPOLL_CTL_ADD, s.fd, EPOLLIN | EPOLLET), 0);
	CHECK_EQ(ctl(s.ep, EPOLL_CTL_ADD, other, EPOLLIN | EPOLLET), 0);
	for (int i = 0; i < 3; i++)
		CHECK_EQ(pthread_create(&t[i], NULL, waiter, &s), 0);
	sleep_ms(60);
	eventfd_write(s.fd, 1);
	eventfd_write(other, 1);
	for (int i = 0; i < 3; i++)
		pthread_join(t[i], NULL);
	CHECK_EQ(s.hits, 2);
}

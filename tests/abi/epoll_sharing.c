/* Who is in the set, and how long: fork, descriptors sent away, numbers used again, nests, limits by user. */
#include "tests/abi/tap.h"
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <sys/un.h>

static int ctl(int ep, int op, int fd, uint32_t events)
{
	struct epoll_event e = { .events = events, .data.fd = fd };

	return epoll_ctl(ep, op, fd, &e);
}
static int add(int ep, int fd, uint32_t events) { return ctl(ep, EPOLL_CTL_ADD, fd, events); }

static int ready(int ep)
{
	struct epoll_event e[8];

	return epoll_wait(ep, e, 8, 0);
}
static int ended(pid_t child)
{
	int status;

	CHECK_EQ(waitpid(child, &status, 0), child);
	return status;
}

/* SCM_RIGHTS, one descriptor. */
static void send_fd(int s, int fd)
{
	char byte = 'f', control[CMSG_SPACE(sizeof(int))] = { 0 };
	struct iovec iov = { &byte, 1 };
	struct msghdr m = { .msg_iov = &iov, .msg_iovlen = 1, .msg_control = control,
			    .msg_controllen = sizeof(control) };
	struct cmsghdr *c = CMSG_FIRSTHDR(&m);

	c->cmsg_level = SOL_SOCKET;
	c->cmsg_type = SCM_RIGHTS;
	c->cmsg_len = CMSG_LEN(sizeof(int));
	memcpy(CMSG_DATA(c), &fd, sizeof(int));
	CHECK_EQ(sendmsg(s, &m, 0), 1);
}
static int receive_fd(int s)
{
	char byte, control[CMSG_SPACE(sizeof(int))];
	struct iovec iov = { &byte, 1 };
	struct msghdr m = { .msg_iov = &iov, .msg_iovlen = 1, .msg_control = control,
			    .msg_controllen = sizeof(control) };
	int fd;

	CHECK_EQ(recvmsg(s, &m, 0), 1);
	CHECK(CMSG_FIRSTHDR(&m) != NULL);
	memcpy(&fd, CMSG_DATA(CMSG_FIRSTHDR(&m)), sizeof(int));
	return fd;
}

TEST(epoll_closed_by_the_parent_but_open_in_a_child_stays)
{
	int ep = epoll_create1(0), fd = eventfd(1, 0), sync[2];
	char c;

	CHECK_EQ(pipe(sync), 0);
	CHECK_EQ(add(ep, fd, EPOLLIN), 0);
	pid_t child = fork();

	if (child == 0) {
		close(sync[1]);
		_exit((int)read(sync[0], &c, 1));
	}
	close(fd);
	CHECK_EQ(ready(ep), 1);
	close(sync[1]);
	CHECK_EQ(ended(child), 0);
	CHECK_EQ(ready(ep), 0);
}

TEST(epoll_del_in_a_child_is_felt_by_the_parent)
{
	int ep = epoll_create1(0), fd = eventfd(1, 0);

	CHECK_EQ(add(ep, fd, EPOLLIN), 0);
	pid_t child = fork();

	if (child == 0)
		_exit(ctl(ep, EPOLL_CTL_DEL, fd, 0) != 0);
	CHECK_EQ(ended(child), 0);
	CHECK_EQ(ready(ep), 0);
	CHECK_EQ(add(ep, fd, EPOLLIN), 0);
}

TEST(epoll_child_adds_a_file_the_parent_does_not_have)
{
	int ep = epoll_create1(0), sync[2];
	struct epoll_event e;
	char c = 0;

	CHECK_EQ(pipe(sync), 0);
	pid_t child = fork();

	if (child == 0) {
		int fd = eventfd(1, 0);

		CHECK_EQ(add(ep, fd, EPOLLIN), 0);
		close(sync[1]);
		sleep_ms(100);
		_exit(0);
	}
	close(sync[1]);
	CHECK_EQ(read(sync[0], &c, 1), 0);
	CHECK_EQ(epoll_wait(ep, &e, 1, 0), 1);
	CHECK_EQ(e.events, EPOLLIN);
	CHECK_EQ(ended(child), 0);
	/* Its only descriptor went with the child. */
	CHECK_EQ(ready(ep), 0);
}

TEST(epoll_works_in_the_process_it_was_sent_to)
{
	int ep = epoll_create1(0), fd = eventfd(0, 0), s[2];

	CHECK_EQ(socketpair(AF_UNIX, SOCK_STREAM, 0, s), 0);
	pid_t child = fork();

	if (child == 0) {
		close(ep);
		close(fd);
		struct epoll_event e;
		int got = receive_fd(s[1]);

		CHECK_EQ(epoll_wait(got, &e, 1, 10000), 1);
		CHECK_EQ(e.data.fd, 4711);
		_exit(0);
	}
	struct epoll_event e = { .events = EPOLLIN, .data.fd = 4711 };

	CHECK_EQ(epoll_ctl(ep, EPOLL_CTL_ADD, fd, &e), 0);
	send_fd(s[0], ep);
	close(ep);
	sleep_ms(30);
	eventfd_write(fd, 1);
	CHECK_EQ(ended(child), 0);
}

/* An epoll whose only file is ready, and no process has it, but a message from s[0] to s[1] does. */
static int watches_what_is_in_flight(int s[2])
{
	int ep = epoll_create1(0), fd = eventfd(1, 0);

	CHECK_EQ(socketpair(AF_UNIX, SOCK_STREAM, 0, s), 0);
	CHECK_EQ(add(ep, fd, EPOLLIN), 0);
	send_fd(s[0], fd);
	close(fd);
	return ep;
}

TEST(epoll_file_in_flight_stays_in_the_set)
{
	int s[2], ep = watches_what_is_in_flight(s);

	CHECK_EQ(ready(ep), 1);
	int got = receive_fd(s[1]);

	CHECK_EQ(ready(ep), 1);
	close(got);
	CHECK_EQ(ready(ep), 0);
}

TEST(epoll_file_in_an_unread_message_leaves_with_the_socket)
{
	int s[2], ep = watches_what_is_in_flight(s);

	CHECK_EQ(ready(ep), 1);
	close(s[1]);
	CHECK_EQ(ready(ep), 0);
}

TEST(epoll_number_used_again_is_another_item)
{
	int ep = epoll_create1(0), fd = eventfd(1, 0), keep = dup(fd), number = fd;
	struct epoll_event e[4];

	CHECK_EQ(add(ep, fd, EPOLLIN), 0);
	close(fd);
	fd = eventfd(0, 0);
	CHECK_EQ(fd, number);
	/* The old file under the same number is still watched; the new one is not, and can be added. */
	CHECK_ERRNO(ctl(ep, EPOLL_CTL_DEL, fd, 0), ENOENT);
	CHECK_ERRNO(ctl(ep, EPOLL_CTL_MOD, fd, EPOLLIN), ENOENT);
	CHECK_EQ(add(ep, fd, EPOLLIN), 0);
	CHECK_EQ(epoll_wait(ep, e, 4, 0), 1);
	CHECK_EQ(e[0].data.fd, number);
	eventfd_write(fd, 1);
	CHECK_EQ(ready(ep), 2);
	/* Nobody can name the old item any more: it ends with its file. */
	CHECK_ERRNO(ctl(ep, EPOLL_CTL_DEL, keep, 0), ENOENT);
	close(keep);
	CHECK_EQ(ready(ep), 1);
}

TEST(epoll_item_of_a_moved_number_comes_back_with_it)
{
	int ep = epoll_create1(0), fd = eventfd(1, 0), keep = dup(fd), number = fd;

	CHECK_EQ(add(ep, fd, EPOLLIN), 0);
	close(fd);
	CHECK_EQ(dup2(keep, number), number);
	CHECK_EQ(ctl(ep, EPOLL_CTL_DEL, number, 0), 0);
	CHECK_EQ(ready(ep), 0);
}

TEST(epoll_dup2_over_the_last_descriptor_removes)
{
	int ep = epoll_create1(0), fd = eventfd(1, 0), other = eventfd(0, 0);

	CHECK_EQ(add(ep, fd, EPOLLIN), 0);
	CHECK_EQ(dup2(other, fd), fd);
	CHECK_EQ(ready(ep), 0);
	CHECK_EQ(add(ep, fd, EPOLLIN), 0);
}

TEST(epoll_exec_closes_what_is_marked_and_removes_it)
{
	int ep = epoll_create1(0), fd = eventfd(1, EFD_CLOEXEC), sync[2];
	char c;

	CHECK_EQ(pipe(sync), 0);
	CHECK_EQ(add(ep, fd, EPOLLIN), 0);
	pid_t child = fork();

	if (child == 0) {
		close(sync[1]);
		CHECK_EQ(read(sync[0], &c, 1), 0);
		execl("/bin/busybox", "sleep", "60", (char *)NULL);
		_exit(127);
	}
	close(fd);
	CHECK_EQ(ready(ep), 1);	/* the child's is another descriptor of the same file */
	close(sync[1]);
	while (ready(ep))
		sleep_ms(2);
	CHECK_EQ(waitpid(child, NULL, WNOHANG), 0);
	kill(child, SIGKILL);
	CHECK_EQ(ended(child), SIGKILL);
}

/* --- nests --- */

static int levels[3], leaf;

static void nest(uint32_t low, uint32_t middle, uint32_t high)
{
	leaf = eventfd(0, 0);
	for (int i = 0; i < 3; i++)
		levels[i] = epoll_create1(0);
	CHECK_EQ(add(levels[0], leaf, low), 0);
	CHECK_EQ(add(levels[1], levels[0], middle), 0);
	CHECK_EQ(add(levels[2], levels[1], high), 0);
	CHECK_EQ(ready(levels[2]), 0);
}

TEST(epoll_three_levels_level_triggered)
{
	uint64_t v;

	nest(EPOLLIN, EPOLLIN, EPOLLIN);
	eventfd_write(leaf, 1);
	for (int round = 0; round < 2; round++)
		for (int i = 2; i >= 0; i--)
			CHECK_EQ(ready(levels[i]), 1);
	CHECK_EQ(read(leaf, &v, 8), 8);
	for (int i = 2; i >= 0; i--)
		CHECK_EQ(ready(levels[i]), 0);
}

TEST(epoll_three_levels_edge_at_the_top)
{
	nest(EPOLLIN, EPOLLIN, EPOLLIN | EPOLLET);
	eventfd_write(leaf, 1);
	CHECK_EQ(ready(levels[2]), 1);
	CHECK_EQ(ready(levels[2]), 0);
	CHECK_EQ(ready(levels[1]), 1);
	CHECK_EQ(ready(levels[1]), 1);
	eventfd_write(leaf, 1);
	CHECK_EQ(ready(levels[2]), 1);
	CHECK_EQ(ready(levels[2]), 0);
}

TEST(epoll_three_levels_edge_in_the_middle)
{
	nest(EPOLLIN, EPOLLIN | EPOLLET, EPOLLIN);
	eventfd_write(leaf, 1);
	CHECK_EQ(ready(levels[2]), 1);
	CHECK_EQ(ready(levels[2]), 1);	/* nobody has taken the middle's edge */
	CHECK_EQ(ready(levels[1]), 1);
	CHECK_EQ(ready(levels[1]), 0);
	CHECK_EQ(ready(levels[2]), 0);
	CHECK_EQ(ready(levels[0]), 1);
}

TEST(epoll_three_levels_edge_at_the_bottom)
{
	nest(EPOLLIN | EPOLLET, EPOLLIN, EPOLLIN);
	eventfd_write(leaf, 1);
	CHECK_EQ(ready(levels[2]), 1);
	CHECK_EQ(ready(levels[1]), 1);
	CHECK_EQ(ready(levels[2]), 1);
	CHECK_EQ(ready(levels[0]), 1);
	for (int i = 2; i >= 0; i--)
		CHECK_EQ(ready(levels[i]), 0);
}

TEST(epoll_three_levels_edge_everywhere)
{
	nest(EPOLLIN | EPOLLET, EPOLLIN | EPOLLET, EPOLLIN | EPOLLET);
	for (int round = 0; round < 3; round++) {
		eventfd_write(leaf, 1);
		for (int i = 2; i >= 0; i--) {
			CHECK_EQ(ready(levels[i]), 1);
			CHECK_EQ(ready(levels[i]), 0);
		}
	}
}

TEST(epoll_three_levels_oneshot_in_the_middle)
{
	nest(EPOLLIN, EPOLLIN | EPOLLONESHOT, EPOLLIN);
	eventfd_write(leaf, 1);
	CHECK_EQ(ready(levels[2]), 1);
	CHECK_EQ(ready(levels[1]), 1);
	CHECK_EQ(ready(levels[2]), 0);
	CHECK_EQ(ctl(levels[1], EPOLL_CTL_MOD, levels[0], EPOLLIN | EPOLLONESHOT), 0);
	CHECK_EQ(ready(levels[2]), 1);
}

TEST(epoll_three_levels_wake_all_the_way_up)
{
	struct epoll_event e;

	nest(EPOLLIN, EPOLLIN, EPOLLIN);
	pid_t child = fork();

	if (child == 0) {
		sleep_ms(50);
		_exit(eventfd_write(leaf, 1));
	}
	CHECK_EQ(epoll_wait(levels[2], &e, 1, 10000), 1);
	CHECK_EQ(e.data.fd, levels[1]);
	CHECK_EQ(e.events, EPOLLIN);
	CHECK_EQ(ended(child), 0);
}

TEST(epoll_three_levels_close_of_the_middle)
{
	nest(EPOLLIN, EPOLLIN, EPOLLIN);
	eventfd_write(leaf, 1);
	CHECK_EQ(ready(levels[2]), 1);
	close(levels[1]);
	CHECK_EQ(ready(levels[2]), 0);
	CHECK_EQ(ready(levels[0]), 1);
	CHECK_EQ(add(levels[2], levels[0], EPOLLIN), 0);
	CHECK_EQ(ready(levels[2]), 1);
}

/* --- limits --- */

static long max_watches(long set)
{
	static const char name[] = "/proc/sys/fs/epoll/max_user_watches";
	char buf[32] = "";
	int fd = open(name, set >= 0 ? O_RDWR : O_RDONLY);

	if (fd < 0 || read(fd, buf, sizeof(buf) - 1) <= 0)
		return -1;
	if (set >= 0 && pwrite(fd, buf, (size_t)snprintf(buf, sizeof(buf), "%ld\n", set), 0) <= 0)
		return -1;
	close(fd);
	return atol(buf);
}

/* As a user without watches but the case's own. Whoever changes the limit changes it for all: put back at once. */
static int with_limit(long limit, int (*body)(void))
{
	long old = max_watches(-1);
	pid_t child;
	int status;

	CHECK(old > 0);
	if (geteuid() != 0)
		SKIP("needs root");
	CHECK(max_watches(limit) >= 0);
	child = fork();
	if (child == 0) {
		if (setuid(54321) != 0)
			_exit(99);
		_exit(body());
	}
	status = ended(child);
	CHECK(max_watches(old) >= 0);
	CHECK_EQ(max_watches(-1), old);
	return status;
}

#define EXPECT(n, cond) do { if (!(cond)) return n; } while (0)

static int over_several_epolls(void)
{
	int a = epoll_create1(0), b = epoll_create1(0), fd[4];

	for (int i = 0; i < 4; i++)
		fd[i] = eventfd(0, 0);
	EXPECT(1, add(a, fd[0], EPOLLIN) == 0 && add(b, fd[0], EPOLLIN) == 0 && add(a, fd[1], EPOLLIN) == 0);
	EXPECT(2, add(a, fd[2], EPOLLIN) == -1 && errno == ENOSPC);
	EXPECT(3, add(b, fd[2], EPOLLIN) == -1 && errno == ENOSPC);
	/* That it is there already is said first. */
	EXPECT(4, add(a, fd[0], EPOLLIN) == -1 && errno == EEXIST);
	EXPECT(5, ctl(a, EPOLL_CTL_MOD, fd[0], EPOLLOUT) == 0);
	EXPECT(6, ctl(a, EPOLL_CTL_DEL, fd[0], 0) == 0 && add(b, fd[2], EPOLLIN) == 0);
	EXPECT(7, add(b, fd[3], EPOLLIN) == -1 && errno == ENOSPC);
	/* The end of a file gives back one for each epoll, the end of an epoll all of its. */
	close(fd[2]);
	EXPECT(8, add(a, fd[3], EPOLLIN) == 0);
	EXPECT(9, add(b, fd[3], EPOLLIN) == -1 && errno == ENOSPC);
	close(a);
	EXPECT(10, add(b, fd[3], EPOLLIN) == 0 && add(b, fd[1], EPOLLIN) == 0);
	a = epoll_create1(0);
	EXPECT(11, a >= 0 && add(a, fd[0], EPOLLIN) == -1 && errno == ENOSPC);
	return 0;
}

TEST(epoll_max_user_watches_counts_over_all_epolls_of_a_user)
{
	CHECK_EQ(with_limit(3, over_several_epolls) >> 8, 0);
}

TEST(epoll_max_user_watches_belongs_to_who_made_the_epoll)
{
	long old = max_watches(-1);
	int ep, fd = eventfd(0, 0);

	if (geteuid() != 0)
		SKIP("needs root");
	pid_t child = fork();

	if (child == 0) {
		/* The epoll is made as 54322, used as root. */
		CHECK_EQ(seteuid(54322), 0);
		ep = epoll_create1(0);
		CHECK_EQ(seteuid(0), 0);
		CHECK_EQ(add(ep, fd, EPOLLIN), 0);
		CHECK(max_watches(1) >= 0);
		int r = add(ep, eventfd(0, 0), EPOLLIN), e = errno;

		CHECK(max_watches(old) >= 0);
		CHECK_EQ(r, -1);
		CHECK_EQ(e, ENOSPC);
		_exit(0);
	}
	CHECK_EQ(ended(child), 0);
}

/* TCP: bytes arrive exactly, whatever the pieces, and the flags of send() and recv(). */
#include "tests/abi/tcp_pair.h"
#include <sys/uio.h>

static void transfer(int from, int to, size_t total, size_t wpiece, size_t rpiece)
{
	int status;
	pid_t pid = fork();

	if (pid == 0) {
		close(to);
		send_stream(from, total, wpiece);
		_exit(0);
	}
	receive_stream(to, total, rpiece);
	CHECK_EQ(waitpid(pid, &status, 0), pid);
	CHECK_EQ(status, 0);
}

TEST(tcp_one_byte_at_a_time)
{
	struct pair p = tcp_pair();

	transfer(p.c, p.s, 3000, 1, 1);
}

TEST(tcp_small_writes_large_reads)
{
	struct pair p = tcp_pair();

	transfer(p.c, p.s, 200000, 7, 65536);
}

TEST(tcp_large_writes_small_reads)
{
	struct pair p = tcp_pair();

	transfer(p.c, p.s, 500000, 250000, 13);
}

TEST(tcp_odd_sizes)
{
	struct pair p = tcp_pair();

	transfer(p.c, p.s, 1000003, 1461, 1459);
}

TEST(tcp_megabytes_from_client_to_server)
{
	struct pair p = tcp_pair();

	transfer(p.c, p.s, 8 << 20, 65536, 65536);
}

TEST(tcp_megabytes_from_server_to_client)
{
	struct pair p = tcp_pair();

	transfer(p.s, p.c, 8 << 20, 100000, 30000);
}

TEST(tcp_both_directions_at_once)
{
	struct pair p = tcp_pair();
	int status;
	pid_t pid = fork();

	if (pid == 0) {
		transfer(p.s, p.c, 2 << 20, 40000, 50000);
		_exit(0);
	}
	transfer(p.c, p.s, 2 << 20, 50000, 40000);
	CHECK_EQ(waitpid(pid, &status, 0), pid);
	CHECK_EQ(status, 0);
}

TEST(tcp_slow_reader_closes_the_window_and_opens_it_again)
{
	int l = tcp_socket(0);
	size_t total = 2 << 20;
	struct pair p;
	pid_t pid;

	CHECK_EQ(set_int(l, SOL_SOCKET, SO_RCVBUF, 30000), 0);
	CHECK_EQ(bind_to(l, 0), 0);
	CHECK_EQ(listen(l, 1), 0);
	p = pair_of(l);
	pid = fork();
	if (pid == 0) {
		close(p.s);
		send_stream(p.c, total, 65536);
		_exit(0);
	}
	close(p.c);
	sleep_ms(300);
	receive_stream(p.s, total / 2, 65536);
	sleep_ms(300);
	receive_rest(p.s, total / 2, total, 30000);
}

TEST(tcp_small_buffers_on_both_sides)
{
	int l = tcp_socket(0);
	struct pair p;

	CHECK_EQ(set_int(l, SOL_SOCKET, SO_RCVBUF, 2000), 0);
	CHECK_EQ(set_int(l, SOL_SOCKET, SO_SNDBUF, 2000), 0);
	CHECK_EQ(bind_to(l, 0), 0);
	CHECK_EQ(listen(l, 1), 0);
	p = pair_of(l);
	transfer(p.c, p.s, 300000, 5000, 700);
	transfer(p.s, p.c, 300000, 5000, 700);
}

TEST(tcp_writev_and_readv)
{
	struct pair p = tcp_pair();
	char a[3], b[5], c[4];
	struct iovec out[3] = { { "abc", 3 }, { "defgh", 5 }, { "ijkl", 4 } };
	struct iovec in[3] = { { c, 4 }, { b, 5 }, { a, 3 } };

	CHECK_EQ(writev(p.c, out, 3), 12);
	CHECK_EQ(recv(p.s, NULL, 0, MSG_DONTWAIT), 0);
	CHECK_EQ(readv(p.s, in, 3), 12);
	CHECK_EQ(memcmp(c, "abcd", 4), 0);
	CHECK_EQ(memcmp(b, "efghi", 5), 0);
	CHECK_EQ(memcmp(a, "jkl", 3), 0);
}

TEST(tcp_msg_peek_leaves_the_data)
{
	struct pair p = tcp_pair();
	char buf[8];

	CHECK_EQ(write(p.c, "peek", 4), 4);
	CHECK_EQ(recv(p.s, buf, 2, MSG_PEEK), 2);
	CHECK_EQ(recv(p.s, buf, 8, MSG_PEEK), 4);
	CHECK_EQ(recv(p.s, buf, 8, 0), 4);
	CHECK_EQ(memcmp(buf, "peek", 4), 0);
	CHECK_ERRNO(recv(p.s, buf, 8, MSG_PEEK | MSG_DONTWAIT), EAGAIN);
}

TEST(tcp_msg_peek_across_segments)
{
	struct pair p = tcp_pair();
	char buf[8];

	CHECK_EQ(set_int(p.c, IPPROTO_TCP, TCP_NODELAY, 1), 0);
	CHECK_EQ(write(p.c, "ab", 2), 2);
	CHECK_EQ(write(p.c, "cd", 2), 2);
	CHECK_EQ(recv(p.s, buf, 4, MSG_PEEK | MSG_WAITALL), 4);
	CHECK_EQ(memcmp(buf, "abcd", 4), 0);
	CHECK_EQ(recv(p.s, buf, 8, 0), 4);
}

TEST(tcp_msg_waitall_waits_for_all)
{
	struct pair p = tcp_pair();
	char buf[8];

	if (fork() == 0) {
		for (int i = 0; i < 8; i++) {
			sleep_ms(10);
			write(p.c, "abcdefgh" + i, 1);
		}
		_exit(0);
	}
	CHECK_EQ(recv(p.s, buf, 8, MSG_WAITALL), 8);
	CHECK_EQ(memcmp(buf, "abcdefgh", 8), 0);
}

TEST(tcp_msg_waitall_ends_with_the_connection)
{
	struct pair p = tcp_pair();
	char buf[8];

	CHECK_EQ(write(p.c, "abc", 3), 3);
	close(p.c);
	CHECK_EQ(recv(p.s, buf, 8, MSG_WAITALL), 3);
}

TEST(tcp_msg_trunc_discards)
{
	struct pair p = tcp_pair();
	char buf[4] = "";

	CHECK_EQ(write(p.c, "12345678", 8), 8);
	CHECK_EQ(recv(p.s, NULL, 5, MSG_TRUNC | MSG_WAITALL), 5);
	CHECK_EQ(recv(p.s, buf, 3, 0), 3);
	CHECK_EQ(memcmp(buf, "678", 3), 0);
}

TEST(tcp_msg_dontwait)
{
	struct pair p = tcp_pair();
	char c;

	CHECK_ERRNO(recv(p.s, &c, 1, MSG_DONTWAIT), EAGAIN);
	CHECK_ERRNO(recv(p.s, &c, 0, MSG_DONTWAIT), EAGAIN);
	CHECK_EQ(read(p.s, &c, 0), 0);
}

TEST(tcp_rcvtimeo)
{
	struct timeval tv = { 0, 50000 };
	struct pair p = tcp_pair();
	int64_t t0 = now_ns();
	char c;

	CHECK_EQ(setsockopt(p.s, SOL_SOCKET, SO_RCVTIMEO, &tv, sizeof(tv)), 0);
	CHECK_ERRNO(read(p.s, &c, 1), EAGAIN);
	CHECK(now_ns() - t0 >= 45000000);
}

TEST(tcp_sndtimeo)
{
	struct timeval tv = { 0, 50000 };
	static char buf[1 << 20];
	struct pair p = tcp_pair();
	ssize_t n;

	CHECK_EQ(setsockopt(p.c, SOL_SOCKET, SO_SNDTIMEO, &tv, sizeof(tv)), 0);
	while ((n = write(p.c, buf, sizeof(buf))) > 0)
		;
	CHECK_EQ(errno, EAGAIN);
}

static void on_alarm(int sig) { (void)sig; }

TEST(tcp_read_is_interrupted_by_a_signal)
{
	struct sigaction sa = { .sa_handler = on_alarm };
	struct itimerval it = { .it_value = { 0, 50000 } };
	struct pair p = tcp_pair();
	char c;

	sigaction(SIGALRM, &sa, NULL);
	setitimer(ITIMER_REAL, &it, NULL);
	CHECK_ERRNO(read(p.c, &c, 1), EINTR);
}

TEST(tcp_read_restarts_with_sa_restart)
{
	struct sigaction sa = { .sa_handler = on_alarm, .sa_flags = SA_RESTART };
	struct itimerval it = { .it_value = { 0, 30000 } };
	struct pair p = tcp_pair();
	char c;

	if (fork() == 0) {
		sleep_ms(100);
		write(p.s, "x", 1);
		_exit(0);
	}
	sigaction(SIGALRM, &sa, NULL);
	setitimer(ITIMER_REAL, &it, NULL);
	CHECK_EQ(read(p.c, &c, 1), 1);
}

TEST(tcp_read_of_unconnected_is_enotconn)
{
	char c;
	int fd = tcp_socket(0);

	CHECK_ERRNO(recv(fd, &c, 1, 0), ENOTCONN);
	CHECK_ERRNO(send(fd, &c, 1, MSG_NOSIGNAL), EPIPE);
}

TEST(tcp_faults_in_user_memory)
{
	struct pair p = tcp_pair();
	char *page = mmap(NULL, 8192, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

	munmap(page + 4096, 4096);
	CHECK_ERRNO(write(p.c, page + 4096, 10), EFAULT);
	CHECK_EQ(write(p.c, "0123456789", 10), 10);
	CHECK_EQ(wait_events(p.s, POLLIN), POLLIN);
	CHECK_ERRNO(read(p.s, page + 4096, 10), EFAULT);
	/* Nothing was lost. */
	CHECK_EQ(read(p.s, page, 10), 10);
	CHECK_EQ(memcmp(page, "0123456789", 10), 0);
}

TEST(tcp_oob_byte_out_of_line)
{
	struct pair p = tcp_pair();
	char buf[16];
	int mark;

	CHECK_EQ(send(p.c, "abc", 3, 0), 3);
	CHECK_EQ(send(p.c, "X", 1, MSG_OOB), 1);
	CHECK_EQ(send(p.c, "def", 3, 0), 3);
	CHECK_EQ(wait_events(p.s, POLLPRI), POLLPRI);
	CHECK_EQ(recv(p.s, buf, 1, MSG_OOB), 1);
	CHECK_EQ(buf[0], 'X');
	CHECK_ERRNO(recv(p.s, buf, 1, MSG_OOB), EINVAL);
	/* A read stops at the mark. */
	CHECK_EQ(recv(p.s, buf, 16, 0), 3);
	CHECK_EQ(memcmp(buf, "abc", 3), 0);
	CHECK_EQ(ioctl(p.s, SIOCATMARK, &mark), 0);
	CHECK_EQ(mark, 1);
	CHECK_EQ(recv(p.s, buf, 3, MSG_WAITALL), 3);
	CHECK_EQ(memcmp(buf, "def", 3), 0);
}

TEST(tcp_oob_byte_inline)
{
	struct pair p = tcp_pair();
	char buf[16];

	CHECK_EQ(set_int(p.s, SOL_SOCKET, SO_OOBINLINE, 1), 0);
	CHECK_EQ(send(p.c, "ab", 2, 0), 2);
	CHECK_EQ(send(p.c, "X", 1, MSG_OOB), 1);
	CHECK_EQ(send(p.c, "c", 1, 0), 1);
	CHECK_EQ(wait_events(p.s, POLLPRI), POLLPRI);
	CHECK_ERRNO(recv(p.s, buf, 1, MSG_OOB), EINVAL);
	CHECK_EQ(recv(p.s, buf, 16, 0), 2);
	CHECK_EQ(recv(p.s, buf, 2, MSG_WAITALL), 2);
	CHECK_EQ(memcmp(buf, "Xc", 2), 0);
}

TEST(tcp_oob_without_urgent_data_is_einval)
{
	struct pair p = tcp_pair();
	char c;

	CHECK_ERRNO(recv(p.s, &c, 1, MSG_OOB), EINVAL);
}

TEST(tcp_fionread_and_siocoutq)
{
	struct pair p = tcp_pair();
	int n = -1;

	CHECK_EQ(ioctl(p.s, FIONREAD, &n), 0);
	CHECK_EQ(n, 0);
	CHECK_EQ(write(p.c, "12345", 5), 5);
	CHECK_EQ(wait_events(p.s, POLLIN), POLLIN);
	CHECK_EQ(ioctl(p.s, FIONREAD, &n), 0);
	CHECK_EQ(n, 5);
	close(p.c);
	CHECK_EQ(wait_events(p.s, POLLRDHUP), POLLRDHUP);
	CHECK_EQ(ioctl(p.s, FIONREAD, &n), 0);
	CHECK_EQ(n, 5);
	CHECK_EQ(ioctl(p.s, TIOCOUTQ, &n), 0);
	CHECK_EQ(n, 0);
}

TEST(tcp_cork_holds_partial_segments)
{
	struct pair p = tcp_pair();
	char buf[8];

	CHECK_EQ(set_int(p.c, IPPROTO_TCP, TCP_CORK, 1), 0);
	CHECK_EQ(write(p.c, "abc", 3), 3);
	sleep_ms(50);
	CHECK_ERRNO(recv(p.s, buf, 8, MSG_DONTWAIT), EAGAIN);
	CHECK_EQ(write(p.c, "def", 3), 3);
	CHECK_EQ(set_int(p.c, IPPROTO_TCP, TCP_CORK, 0), 0);
	CHECK_EQ(recv(p.s, buf, 6, MSG_WAITALL), 6);
	CHECK_EQ(memcmp(buf, "abcdef", 6), 0);
}

TEST(tcp_cork_gives_up_after_200_ms)
{
	struct pair p = tcp_pair();
	int64_t t0;
	char c;

	CHECK_EQ(set_int(p.c, IPPROTO_TCP, TCP_CORK, 1), 0);
	t0 = now_ns();
	CHECK_EQ(write(p.c, "x", 1), 1);
	CHECK_EQ(read(p.s, &c, 1), 1);
	CHECK(now_ns() - t0 >= 100000000);
}

TEST(tcp_msg_more_holds_until_the_next_write)
{
	struct pair p = tcp_pair();
	char buf[8];

	CHECK_EQ(send(p.c, "abc", 3, MSG_MORE), 3);
	sleep_ms(50);
	CHECK_ERRNO(recv(p.s, buf, 8, MSG_DONTWAIT), EAGAIN);
	CHECK_EQ(send(p.c, "d", 1, 0), 1);
	CHECK_EQ(recv(p.s, buf, 4, MSG_WAITALL), 4);
	CHECK_EQ(memcmp(buf, "abcd", 4), 0);
}

TEST(tcp_recvmsg_sets_no_name)
{
	struct sockaddr_in a = { 0 };
	char buf[8];
	struct iovec iov = { buf, 8 };
	struct msghdr m = { .msg_name = &a, .msg_namelen = sizeof(a), .msg_iov = &iov, .msg_iovlen = 1 };
	struct pair p = tcp_pair();

	CHECK_EQ(write(p.c, "abc", 3), 3);
	CHECK_EQ(recvmsg(p.s, &m, 0), 3);
	CHECK_EQ(m.msg_namelen, 0);
	CHECK_EQ(m.msg_flags, 0);
}

TEST(tcp_sendto_with_an_address_is_ignored_when_connected)
{
	struct sockaddr_in a = loopback(1);
	struct pair p = tcp_pair();
	char c;

	CHECK_EQ(sendto(p.c, "x", 1, 0, (struct sockaddr *)&a, sizeof(a)), 1);
	CHECK_EQ(read(p.s, &c, 1), 1);
}

TEST(tcp_two_readers_share_the_stream)
{
	struct pair p = tcp_pair();
	unsigned char seen[256] = { 0 }, b;
	int status, pipefd[2];

	CHECK_EQ(pipe(pipefd), 0);
	for (int r = 0; r < 2; r++) {
		if (fork() == 0) {
			close(p.c);
			while (read(p.s, &b, 1) == 1)
				write(pipefd[1], &b, 1);
			_exit(0);
		}
	}
	close(pipefd[1]);
	for (int i = 0; i < 256; i++) {
		b = i;
		CHECK_EQ(write(p.c, &b, 1), 1);
	}
	close(p.c);
	for (int i = 0; i < 256; i++) {
		CHECK_EQ(read(pipefd[0], &b, 1), 1);
		CHECK_EQ(seen[b]++, 0);
	}
	while (wait(&status) > 0)
		CHECK_EQ(status, 0);
}

TEST(tcp_echo_round_trips)
{
	struct pair p = tcp_pair();
	char c;
	int status;
	pid_t pid = fork();

	if (pid == 0) {
		close(p.c);
		while (read(p.s, &c, 1) == 1)
			if (write(p.s, &c, 1) != 1)
				_exit(1);
		_exit(0);
	}
	close(p.s);
	for (int i = 0; i < 1000; i++) {
		char out = (char)i;

		CHECK_EQ(write(p.c, &out, 1), 1);
		CHECK_EQ(read(p.c, &c, 1), 1);
		CHECK_EQ(c, out);
	}
	close(p.c);
	CHECK_EQ(waitpid(pid, &status, 0), pid);
	CHECK_EQ(status, 0);
}

/* Advisory locks: who holds what, who waits, and when they fall. */
#include "tests/abi/tap.h"
#include <sys/file.h>

static char name[64];
static int new_file(void)
{
	snprintf(name, sizeof(name), "/tmp/abi-lock-%d", getpid());
	int fd = open(name, O_CREAT | O_RDWR, 0644);

	CHECK(fd >= 0);
	return fd;
}
static int lock(int fd, int cmd, int type, off_t start, off_t len)
{
	struct flock l = { .l_type = type, .l_whence = SEEK_SET, .l_start = start, .l_len = len };

	return fcntl(fd, cmd, &l);
}
/* What a child sees at [start, start + 1): the type of the lock in its way. */
static int seen_by_child(int fd, off_t start)
{
	int st;
	pid_t p = fork();

	if (p == 0) {
		struct flock l = { .l_type = F_WRLCK, .l_whence = SEEK_SET, .l_start = start, .l_len = 1 };

		if (fcntl(fd, F_GETLK, &l))
			_exit(99);
		_exit(l.l_type);
	}
	waitpid(p, &st, 0);
	return WEXITSTATUS(st);
}

TEST(posix_locks_split_and_merge)
{
	int fd = new_file();

	CHECK_EQ(lock(fd, F_SETLK, F_WRLCK, 0, 100), 0);
	CHECK_EQ(seen_by_child(fd, 50), F_WRLCK);
	CHECK_EQ(seen_by_child(fd, 100), F_UNLCK);
	CHECK_EQ(lock(fd, F_SETLK, F_UNLCK, 40, 20), 0);
	CHECK_EQ(seen_by_child(fd, 39), F_WRLCK);
	CHECK_EQ(seen_by_child(fd, 40), F_UNLCK);
	CHECK_EQ(seen_by_child(fd, 60), F_WRLCK);
	CHECK_EQ(lock(fd, F_SETLK, F_RDLCK, 0, 0), 0);
	CHECK_EQ(seen_by_child(fd, 100000), F_RDLCK);
	CHECK_EQ(lock(fd, F_SETLK, F_UNLCK, 0, 0), 0);
	CHECK_EQ(seen_by_child(fd, 0), F_UNLCK);
	unlink(name);
}

TEST(posix_lock_conflicts_are_eagain)
{
	int fd = new_file(), st;

	CHECK_EQ(lock(fd, F_SETLK, F_RDLCK, 0, 10), 0);
	pid_t p = fork();

	if (p == 0) {
		if (lock(fd, F_SETLK, F_RDLCK, 0, 10))
			_exit(1);
		if (lock(fd, F_SETLK, F_WRLCK, 0, 10) != -1 || (errno != EAGAIN && errno != EACCES))
			_exit(2);
		if (lock(fd, F_SETLK, F_WRLCK, 10, 10))
			_exit(3);
		_exit(0);
	}
	CHECK_EQ(waitpid(p, &st, 0), p);
	CHECK_EQ(st, 0);
	CHECK_EQ(lock(fd, F_SETLK, F_WRLCK, 0, 100), 0);	/* the child's are gone with it */
	unlink(name);
}

TEST(posix_locks_fall_with_any_close)
{
	int fd = new_file(), other = open(name, O_RDWR);

	CHECK_EQ(lock(fd, F_SETLK, F_WRLCK, 0, 10), 0);
	CHECK_EQ(seen_by_child(fd, 0), F_WRLCK);
	close(other);
	CHECK_EQ(seen_by_child(fd, 0), F_UNLCK);
	unlink(name);
}

TEST(posix_lock_wait_and_deadlock)
{
	int fd = new_file(), st, sync[2];
	char c;

	CHECK_EQ(pipe(sync), 0);
	CHECK_EQ(lock(fd, F_SETLK, F_WRLCK, 0, 1), 0);
	pid_t p = fork();

	if (p == 0) {
		if (lock(fd, F_SETLK, F_WRLCK, 1, 1))
			_exit(1);
		write(sync[1], "x", 1);
		_exit(lock(fd, F_SETLKW, F_WRLCK, 0, 1) ? 2 : 0);
	}
	CHECK_EQ(read(sync[0], &c, 1), 1);
	sleep_ms(50);
	CHECK_ERRNO(lock(fd, F_SETLKW, F_WRLCK, 1, 1), EDEADLK);
	CHECK_EQ(lock(fd, F_SETLK, F_UNLCK, 0, 1), 0);
	CHECK_EQ(waitpid(p, &st, 0), p);
	CHECK_EQ(st, 0);
	unlink(name);
}

TEST(posix_lock_argument_errors)
{
	int fd = new_file(), ro = open(name, O_RDONLY), wo = open(name, O_WRONLY);

	CHECK_ERRNO(lock(ro, F_SETLK, F_WRLCK, 0, 1), EBADF);
	CHECK_ERRNO(lock(wo, F_SETLK, F_RDLCK, 0, 1), EBADF);
	CHECK_ERRNO(lock(fd, F_SETLK, 7, 0, 1), EINVAL);
	CHECK_ERRNO(lock(fd, F_SETLK, F_RDLCK, -1, 1), EINVAL);
	CHECK_ERRNO(lock(fd, F_SETLK, F_RDLCK, 0, -1), EINVAL);
	CHECK_ERRNO(lock(fd, F_GETLK, F_UNLCK, 0, 1), EINVAL);
	CHECK_EQ(lock(fd, F_SETLK, F_RDLCK, 10, -5), 0);
	CHECK_EQ(seen_by_child(fd, 5), F_RDLCK);
	CHECK_EQ(seen_by_child(fd, 4), F_UNLCK);
	CHECK_EQ(seen_by_child(fd, 10), F_UNLCK);
	unlink(name);
}

TEST(ofd_locks_belong_to_the_open_file)
{
	int a = new_file(), b = open(name, O_RDWR), c = dup(a);

	CHECK_EQ(lock(a, 37, F_WRLCK, 0, 10), 0);
	CHECK_ERRNO(lock(b, 37, F_WRLCK, 0, 10), EAGAIN);
	close(b);
	b = open(name, O_RDWR);
	CHECK_ERRNO(lock(b, 37, F_WRLCK, 0, 10), EAGAIN);
	close(a);
	CHECK_ERRNO(lock(b, 37, F_WRLCK, 0, 10), EAGAIN);
	close(c);
	CHECK_EQ(lock(b, 37, F_WRLCK, 0, 10), 0);
	unlink(name);
}

TEST(flock_excludes_other_open_files)
{
	int a = new_file(), b = open(name, O_RDWR), c = dup(a);

	CHECK_EQ(flock(a, LOCK_SH), 0);
	CHECK_EQ(flock(b, LOCK_SH), 0);
	CHECK_ERRNO(flock(a, LOCK_EX | LOCK_NB), EWOULDBLOCK);
	CHECK_EQ(flock(b, LOCK_UN), 0);
	CHECK_EQ(flock(a, LOCK_EX | LOCK_NB), 0);
	CHECK_EQ(flock(c, LOCK_EX | LOCK_NB), 0);
	CHECK_ERRNO(flock(b, LOCK_SH | LOCK_NB), EWOULDBLOCK);
	close(a);
	CHECK_ERRNO(flock(b, LOCK_SH | LOCK_NB), EWOULDBLOCK);
	close(c);
	CHECK_EQ(flock(b, LOCK_EX | LOCK_NB), 0);
	CHECK_ERRNO(flock(b, 0), EINVAL);
	CHECK_ERRNO(flock(999, LOCK_SH), EBADF);
	unlink(name);
}

TEST(flock_waits)
{
	int a = new_file(), st;

	CHECK_EQ(flock(a, LOCK_EX), 0);
	pid_t p = fork();

	if (p == 0) {
		int b = open(name, O_RDWR);

		_exit(flock(b, LOCK_EX) ? 1 : 0);
	}
	sleep_ms(30);
	CHECK_EQ(waitpid(p, &st, WNOHANG), 0);
	CHECK_EQ(flock(a, LOCK_UN), 0);
	CHECK_EQ(waitpid(p, &st, 0), p);
	CHECK_EQ(st, 0);
	unlink(name);
}

/* Every allocation of a call fails once: the call says ENOMEM (or its kin) and leaves nothing behind. */
#include "tests/abi/each_fails.h"
#include <sys/epoll.h>
#include <sys/inotify.h>
#include <sys/mount.h>
#include <sys/sendfile.h>
#include <sys/uio.h>

static int undo(int r, int (*call)(const char *), const char *name)
{
	int e = errno;

	call(name);
	errno = e;
	return r;
}

#define LONG "/tmp/oom-a-name-that-does-not-fit-into-the-dentry-itself-but-needs-memory-of-its-own"
static int create_file(void)
{
	int fd = open(LONG, O_CREAT | O_RDWR, 0644), r;

	if (fd < 0)
		return -1;
	r = write(fd, "x", 1) == 1 && pwrite(fd, "x", 1, 1 << 20) == 1 ? 0 : -1;
	int e = errno;

	close(fd);
	unlink(LONG);
	errno = e;
	return r;
}
static int make_dir(void) { return undo(mkdir(LONG, 0755), rmdir, LONG); }
static int make_link(void) { return undo(symlink(LONG LONG LONG, LONG), unlink, LONG); }
static int make_fifo(void) { return undo(mkfifo(LONG, 0644), unlink, LONG); }
static int follow_link(void)
{
	struct stat st;

	return stat("/tmp/oom-link/oom-link/.", &st);
}
static int two_pipes(void)
{
	int p[2];
	char c;

	if (pipe(p))
		return -1;
	int r = write(p[1], "x", 1) == 1 && read(p[0], &c, 1) == 1 ? 0 : -1, e = errno;

	if (!r)
		r = fcntl(p[0], F_SETPIPE_SZ, 1 << 17) > 0 ? 0 : -1, e = errno;
	close(p[0]);
	close(p[1]);
	errno = e;
	return r;
}
static int read_proc(void)
{
	static const char *const names[] = { "/proc/self/status", "/proc/self/maps", "/proc/self/fd/0",
					     "/proc/meminfo", "/proc/mounts" };
	char buf[512];

	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
		int fd = open(names[i], O_RDONLY);

		if (fd < 0)
			return -1;
		if (i != 2 && read(fd, buf, sizeof(buf)) < 0) {
			int e = errno;

			close(fd);
			errno = e;
			return -1;
		}
		close(fd);
	}
	return readlink("/proc/self/exe", buf, sizeof(buf)) > 0 ? 0 : -1;
}
static int move_file(void)
{
	if (rename("/tmp/oom-from", LONG))
		return -1;
	while (rename(LONG, "/tmp/oom-from") && errno == ENOMEM)
		;
	return 0;
}
static int lock_file(void)
{
	static int fd = -1;
	struct flock l = { .l_type = F_WRLCK, .l_whence = SEEK_SET, .l_start = 10, .l_len = 20 };

	if (fd < 0)
		fd = open("/tmp/oom-from", O_RDWR);
	if (fd < 0 || fcntl(fd, F_SETLK, &l))
		return -1;
	l.l_start = 15, l.l_len = 5, l.l_type = F_UNLCK;
	return fcntl(fd, F_SETLK, &l);
}
static int watch_file(void)
{
	int in = inotify_init1(0);

	if (in < 0)
		return -1;
	int r = inotify_add_watch(in, "/tmp", IN_ALL_EVENTS) > 0 ? 0 : -1, e = errno;

	close(in);
	errno = e;
	return r;
}
static int big_vector(void)
{
	static char c;
	struct iovec v[100];
	int fd = open("/dev/null", O_WRONLY);

	if (fd < 0)
		return -1;
	for (int i = 0; i < 100; i++)
		v[i] = (struct iovec){ &c, 1 };
	int r = writev(fd, v, 100) == 100 ? 0 : -1, e = errno;

	close(fd);
	errno = e;
	return r;
}
static int many_fds(void)
{
	int r = dup2(0, 500), e = errno;

	close(500);
	errno = e;
	return r == 500 ? 0 : -1;
}
static int memfd(void)
{
	int fd = syscall(SYS_memfd_create, "oom", 0);

	if (fd < 0)
		return -1;
	int r = write(fd, "x", 1) == 1 ? 0 : -1, e = errno;
	void *m = r ? MAP_FAILED : mmap(NULL, 8192, PROT_READ, MAP_SHARED, fd, 0);

	if (!r && m == MAP_FAILED)
		r = -1, e = errno;
	if (m != MAP_FAILED)
		munmap(m, 8192);
	close(fd);
	errno = e;
	return r;
}
static int mount_tmpfs(void)
{
	if (mount("oom", "/tmp", "tmpfs", 0, "size=1m"))
		return -1;
	while (umount("/tmp") && errno == ENOMEM)
		;
	return 0;
}
static int open_pty(void)
{
	int m = open("/dev/ptmx", O_RDWR | O_NOCTTY);

	if (m < 0)
		return -1;
	close(m);
	return 0;
}

TEST(out_of_memory_names)
{
	CHECK_EQ(symlink("/tmp", "/tmp/oom-link") == 0 || errno == EEXIST, 1);
	CHECK(open("/tmp/oom-from", O_CREAT | O_RDWR, 0644) >= 0);
	EACH_FAILS(create_file);
	EACH_FAILS(make_dir);
	EACH_FAILS(make_link);
	EACH_FAILS(make_fifo);
	EACH_FAILS(follow_link);
	EACH_FAILS(move_file);
	unlink("/tmp/oom-link");
	unlink("/tmp/oom-from");
}

TEST(out_of_memory_files)
{
	CHECK(open("/tmp/oom-from", O_CREAT | O_RDWR, 0644) >= 0);
	EACH_FAILS(two_pipes);
	EACH_FAILS(read_proc);
	EACH_FAILS(lock_file);
	EACH_FAILS(watch_file);
	EACH_FAILS(big_vector);
	EACH_FAILS(memfd);
	EACH_FAILS(open_pty);
	unlink("/tmp/oom-from");
}

TEST(out_of_memory_tables)
{
	EACH_FAILS(many_fds);
	if (getuid() == 0)
		EACH_FAILS(mount_tmpfs);
}

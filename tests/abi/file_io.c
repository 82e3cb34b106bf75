/* Reading and writing regular files: positions, holes, vectors, sizes, and what is refused. */
#include "tests/abi/tap.h"
#include <sys/sendfile.h>
#include <sys/uio.h>

static char name[64];
static int new_file(int flags)
{
	snprintf(name, sizeof(name), "/tmp/abi-io-%d", getpid());
	unlink(name);
	int fd = open(name, O_CREAT | O_EXCL | flags, 0644);

	CHECK(fd >= 0);
	return fd;
}

TEST(file_reads_what_was_written)
{
	int fd = new_file(O_RDWR);
	char buf[16] = "";

	CHECK_EQ(write(fd, "hello world", 11), 11);
	CHECK_EQ(read(fd, buf, 16), 0);
	CHECK_EQ(lseek(fd, 6, SEEK_SET), 6);
	CHECK_EQ(read(fd, buf, 16), 5);
	CHECK_EQ(memcmp(buf, "world", 5), 0);
	CHECK_EQ(pread(fd, buf, 5, 0), 5);
	CHECK_EQ(memcmp(buf, "hello", 5), 0);
	CHECK_EQ(lseek(fd, 0, SEEK_CUR), 11);
	unlink(name);
}

TEST(file_hole_reads_as_zeros)
{
	int fd = new_file(O_RDWR);
	char buf[100];
	struct stat st;

	CHECK_EQ(pwrite(fd, "x", 1, 100000), 1);
	CHECK_EQ(fstat(fd, &st), 0);
	CHECK_EQ(st.st_size, 100001);
	CHECK(st.st_blocks * 512 < 100001);
	CHECK_EQ(pread(fd, buf, 100, 50000), 100);
	for (int i = 0; i < 100; i++)
		CHECK_EQ(buf[i], 0);
	CHECK_EQ(pread(fd, buf, 100, 99990), 11);
	CHECK_EQ(buf[10], 'x');
	unlink(name);
}

TEST(file_append_writes_at_the_end)
{
	int fd = new_file(O_RDWR | O_APPEND);
	char buf[8];

	CHECK_EQ(write(fd, "abc", 3), 3);
	CHECK_EQ(lseek(fd, 0, SEEK_SET), 0);
	CHECK_EQ(write(fd, "def", 3), 3);
	CHECK_EQ(lseek(fd, 0, SEEK_CUR), 6);
	CHECK_EQ(pread(fd, buf, 8, 0), 6);
	CHECK_EQ(memcmp(buf, "abcdef", 6), 0);
	unlink(name);
}

TEST(file_truncate_cuts_and_extends_with_zeros)
{
	int fd = new_file(O_RDWR);
	char buf[16];

	CHECK_EQ(write(fd, "0123456789", 10), 10);
	CHECK_EQ(ftruncate(fd, 4), 0);
	CHECK_EQ(ftruncate(fd, 10), 0);
	CHECK_EQ(pread(fd, buf, 16, 0), 10);
	CHECK_EQ(memcmp(buf, "0123\0\0\0\0\0\0", 10), 0);
	CHECK_EQ(truncate(name, 2), 0);
	CHECK_EQ(pread(fd, buf, 16, 0), 2);
	CHECK_ERRNO(ftruncate(fd, -1), EINVAL);
	CHECK_ERRNO(truncate("/tmp", 0), EISDIR);
	CHECK_ERRNO(truncate("/tmp/nothing/here", 0), ENOENT);
	int ro = open(name, O_RDONLY);

	CHECK_ERRNO(ftruncate(ro, 0), EINVAL);
	unlink(name);
}

TEST(file_o_trunc_empties)
{
	int fd = new_file(O_RDWR);
	struct stat st;

	CHECK_EQ(write(fd, "data", 4), 4);
	CHECK(open(name, O_WRONLY | O_TRUNC) >= 0);
	CHECK_EQ(fstat(fd, &st), 0);
	CHECK_EQ(st.st_size, 0);
	unlink(name);
}

TEST(file_mode_of_the_descriptor_counts)
{
	int fd = new_file(O_WRONLY);
	char c;

	CHECK_ERRNO(read(fd, &c, 1), EBADF);
	CHECK_ERRNO(pread(fd, &c, 1, 0), EBADF);
	fd = open(name, O_RDONLY);
	CHECK_ERRNO(write(fd, &c, 1), EBADF);
	unlink(name);
}

TEST(file_lseek_whence)
{
	int fd = new_file(O_RDWR), p[2];

	CHECK_EQ(write(fd, "0123456789", 10), 10);
	CHECK_EQ(lseek(fd, -3, SEEK_END), 7);
	CHECK_EQ(lseek(fd, 2, SEEK_CUR), 9);
	CHECK_EQ(lseek(fd, 5, SEEK_END), 15);
	CHECK_ERRNO(lseek(fd, -1, SEEK_SET), EINVAL);
	CHECK_ERRNO(lseek(fd, 0, 17), EINVAL);
	CHECK_EQ(lseek(fd, 0, SEEK_HOLE), 10);
	CHECK_EQ(lseek(fd, 3, SEEK_DATA), 3);
	CHECK_ERRNO(lseek(fd, 10, SEEK_DATA), ENXIO);
	CHECK_EQ(pipe(p), 0);
	CHECK_ERRNO(lseek(p[0], 0, SEEK_CUR), ESPIPE);
	CHECK_ERRNO(pread(p[0], name, 0, 0), ESPIPE);
	unlink(name);
}

TEST(file_vectors)
{
	int fd = new_file(O_RDWR);
	char a[3], b[4], c[8];
	struct iovec w[3] = { { "abc", 3 }, { "", 0 }, { "defgh", 5 } };
	struct iovec r[3] = { { a, 3 }, { b, 4 }, { c, 8 } };

	CHECK_EQ(writev(fd, w, 3), 8);
	CHECK_EQ(preadv(fd, r, 3, 0), 8);
	CHECK_EQ(memcmp(a, "abc", 3), 0);
	CHECK_EQ(memcmp(b, "defg", 4), 0);
	CHECK_EQ(c[0], 'h');
	CHECK_ERRNO(writev(fd, w, -1), EINVAL);
	CHECK_ERRNO(writev(fd, w, 1025), EINVAL);
	CHECK_EQ(writev(fd, w, 0), 0);
	w[1].iov_len = (size_t)-1;
	CHECK_ERRNO(writev(fd, w, 3), EINVAL);
	CHECK_EQ(pwritev(fd, r, 1, 100), 3);
	unlink(name);
}

TEST(file_bad_addresses_are_efault)
{
	int fd = new_file(O_RDWR);
	char *page = mmap(NULL, 8192, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

	CHECK_EQ(munmap(page + 4096, 4096), 0);
	CHECK_ERRNO(write(fd, (void *)1, 10), EFAULT);
	CHECK_EQ(write(fd, page + 4090, 100), 6);	/* as far as it goes */
	CHECK_ERRNO(pread(fd, (void *)1, 6, 0), EFAULT);
	CHECK_EQ(pread(fd, page, 100, 0), 6);
	CHECK_ERRNO(write(fd, page + 4096, 1), EFAULT);
	unlink(name);
}

TEST(file_sendfile_and_copy_file_range)
{
	int in = new_file(O_RDWR), out = open("/tmp", O_TMPFILE | O_RDWR, 0600), p[2];
	char buf[10000];
	off_t off = 3;

	if (out < 0)
		SKIP("no O_TMPFILE on /tmp");
	for (int i = 0; i < 10000; i++)
		buf[i] = (char)i;
	CHECK_EQ(write(in, buf, 10000), 10000);
	CHECK_EQ(sendfile(out, in, &off, 5000), 5000);
	CHECK_EQ(off, 5003);
	CHECK_EQ(lseek(in, 0, SEEK_CUR), 10000);
	CHECK_EQ(lseek(out, 0, SEEK_CUR), 5000);
	CHECK_EQ(sendfile(out, in, NULL, 10), 0);
	CHECK_EQ(lseek(in, 9000, SEEK_SET), 9000);
	CHECK_EQ(sendfile(out, in, NULL, 5000), 1000);
	CHECK_EQ(pread(out, buf, 6000, 0), 6000);
	CHECK_EQ(buf[0], 3);
	CHECK_EQ(buf[5000], (char)9000);
	CHECK_EQ(pipe(p), 0);
	off = 0;
	CHECK_EQ(sendfile(p[1], in, &off, 5), 5);
	CHECK_EQ(read(p[0], buf, 10), 5);
	CHECK_ERRNO(sendfile(out, p[0], &off, 5), ESPIPE);
	loff_t a = 0, b = 6000;

	CHECK_EQ(syscall(SYS_copy_file_range, in, &a, out, &b, 100, 0), 100);
	CHECK_EQ(a, 100);
	CHECK_EQ(b, 6100);
	CHECK_ERRNO(syscall(SYS_copy_file_range, in, &a, out, &b, 100, 1), EINVAL);
	CHECK_ERRNO(syscall(SYS_copy_file_range, p[0], NULL, out, NULL, 1, 0), EINVAL);
	unlink(name);
}

TEST(file_mmap_shared_shows_writes)
{
	int fd = new_file(O_RDWR);
	char c;

	CHECK_EQ(ftruncate(fd, 8192), 0);
	char *m = mmap(NULL, 8192, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);

	CHECK(m != MAP_FAILED);
	CHECK_EQ(pwrite(fd, "A", 1, 5000), 1);
	CHECK_EQ(m[5000], 'A');
	m[10] = 'B';
	CHECK_EQ(pread(fd, &c, 1, 10), 1);
	CHECK_EQ(c, 'B');
	char *q = mmap(NULL, 8192, PROT_READ | PROT_WRITE, MAP_PRIVATE, fd, 0);

	q[10] = 'C';
	CHECK_EQ(m[10], 'B');
	CHECK_EQ(msync(m, 8192, MS_SYNC), 0);
	int ro = open(name, O_RDONLY);

	CHECK(mmap(NULL, 4096, PROT_WRITE, MAP_SHARED, ro, 0) == MAP_FAILED && errno == EACCES);
	int wo = open(name, O_WRONLY);

	CHECK(mmap(NULL, 4096, PROT_WRITE, MAP_SHARED, wo, 0) == MAP_FAILED && errno == EACCES);
	CHECK(mmap(NULL, 4096, PROT_READ, MAP_SHARED, open("/tmp", O_RDONLY), 0) == MAP_FAILED && errno == ENODEV);
	unlink(name);
}

TEST(file_mmap_behind_the_end_is_sigbus)
{
	int fd = new_file(O_RDWR), st;

	CHECK_EQ(ftruncate(fd, 100), 0);
	volatile char *m = mmap(NULL, 8192, PROT_READ, MAP_SHARED, fd, 0);
	pid_t p = fork();

	if (p == 0) {
		char c = m[4000];	/* zeros behind the end, in the last page */

		c += m[5000];
		_exit(c);
	}
	CHECK_EQ(waitpid(p, &st, 0), p);
	CHECK(WIFSIGNALED(st) && WTERMSIG(st) == SIGBUS);
	unlink(name);
}

TEST(file_fallocate_and_punch)
{
	int fd = new_file(O_RDWR);
	struct stat st;
	char buf[4];

	CHECK_EQ(fallocate(fd, 0, 0, 10000), 0);
	CHECK_EQ(fstat(fd, &st), 0);
	CHECK_EQ(st.st_size, 10000);
	CHECK(st.st_blocks * 512 >= 10000);
	CHECK_EQ(pwrite(fd, "abcd", 4, 4094), 4);
	CHECK_EQ(fallocate(fd, 1 | 2, 4095, 2), 0);
	CHECK_EQ(pread(fd, buf, 4, 4094), 4);
	CHECK_EQ(memcmp(buf, "a\0\0d", 4), 0);
	CHECK_ERRNO(fallocate(fd, 0, 0, 0), EINVAL);
	CHECK_ERRNO(fallocate(fd, 0, -1, 5), EINVAL);
	CHECK_ERRNO(fallocate(fd, 2, 0, 5), EOPNOTSUPP);
	unlink(name);
}

TEST(file_rlimit_fsize_is_efbig)
{
	int fd = new_file(O_RDWR);
	struct { unsigned long cur, max; } r = { 1000, 1000 };
	char buf[600] = "";

	signal(SIGXFSZ, SIG_IGN);
	CHECK_EQ(syscall(SYS_setrlimit, 1, &r), 0);
	CHECK_EQ(write(fd, buf, 600), 600);
	CHECK_EQ(write(fd, buf, 600), 400);
	CHECK_ERRNO(write(fd, buf, 1), EFBIG);
	unlink(name);
}

TEST(memfd_seals)
{
	int fd = syscall(SYS_memfd_create, "x", 2U /* MFD_ALLOW_SEALING */);
	char link[64], path[64];

	CHECK(fd >= 0);
	CHECK_EQ(write(fd, "abc", 3), 3);
	CHECK_EQ(fcntl(fd, 1034), 0);
	CHECK_EQ(fcntl(fd, 1033, 4), 0);		/* GROW */
	CHECK_ERRNO(write(fd, "x", 1), EPERM);
	CHECK_ERRNO(ftruncate(fd, 10), EPERM);
	CHECK_EQ(ftruncate(fd, 2), 0);
	CHECK_EQ(fcntl(fd, 1033, 1), 0);		/* SEAL */
	CHECK_ERRNO(fcntl(fd, 1033, 2), EPERM);
	CHECK_EQ(fcntl(fd, 1034), 5);
	snprintf(path, sizeof(path), "/proc/self/fd/%d", fd);
	ssize_t n = readlink(path, link, sizeof(link) - 1);

	CHECK(n > 0);
	link[n] = 0;
	CHECK_EQ(strcmp(link, "/memfd:x (deleted)"), 0);
	fd = syscall(SYS_memfd_create, "y", 0U);
	CHECK_EQ(fcntl(fd, 1034), 1);
	CHECK_ERRNO(syscall(SYS_memfd_create, "y", 0x100U), EINVAL);
	CHECK_ERRNO(fcntl(0, 1034), EINVAL);
}

TEST(running_program_cannot_be_written)
{
	char copy[64], buf[4096];
	ssize_t n;
	int in = open("/proc/self/exe", O_RDONLY), st, full[2];

	snprintf(copy, sizeof(copy), "/tmp/abi-exe-%d", getpid());
	int out = open(copy, O_CREAT | O_WRONLY | O_TRUNC, 0755);

	while ((n = read(in, buf, sizeof(buf))) > 0)
		CHECK_EQ(write(out, buf, n), n);
	CHECK_ERRNO(execl(copy, copy, "--list", NULL), ETXTBSY);	/* still open for writing */
	close(out);
	/* It runs until it has written its list, which it cannot: the pipe is full. */
	CHECK_EQ(pipe2(full, O_NONBLOCK), 0);
	while (write(full[1], buf, 4096) == 4096)
		;
	CHECK_EQ(fcntl(full[1], F_SETFL, 0), 0);
	pid_t p = fork();

	if (p == 0) {
		dup2(full[1], 1);
		execl(copy, copy, "--list", NULL);
		_exit(9);
	}
	sleep_ms(100);
	CHECK_ERRNO(open(copy, O_WRONLY), ETXTBSY);
	CHECK_ERRNO(truncate(copy, 0), ETXTBSY);
	CHECK(open(copy, O_RDONLY) >= 0);
	kill(p, SIGKILL);
	CHECK_EQ(waitpid(p, &st, 0), p);
	CHECK(WIFSIGNALED(st));
	CHECK(open(copy, O_WRONLY) >= 0);
	unlink(copy);
}

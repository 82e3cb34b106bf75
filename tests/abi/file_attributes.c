/* Modes, owners, times, and who may do what. */
#include "tests/abi/tap.h"
#include <sys/statfs.h>
#include <sys/sysmacros.h>

static char name[64];
static int new_file(void)
{
	snprintf(name, sizeof(name), "/tmp/abi-attr-%d", getpid());
	unlink(name);
	int fd = open(name, O_CREAT | O_EXCL | O_RDWR, 0644);

	CHECK(fd >= 0);
	return fd;
}

/* Become an ordinary user, for good. */
static void drop_root(void)
{
	if (getuid() != 0)
		SKIP("needs root to begin with");
	CHECK_EQ(syscall(SYS_setgroups, 0, NULL), 0);
	CHECK_EQ(syscall(SYS_setresgid, 1000, 1000, 1000), 0);
	CHECK_EQ(syscall(SYS_setresuid, 1000, 1000, 1000), 0);
}

TEST(stat_of_a_new_file)
{
	umask(027);
	int fd = new_file();
	struct stat st, st2;

	CHECK_EQ(fstat(fd, &st), 0);
	CHECK_EQ(st.st_mode, S_IFREG | 0640);
	CHECK_EQ(st.st_nlink, 1);
	CHECK_EQ(st.st_size, 0);
	CHECK_EQ(st.st_uid, geteuid());
	CHECK(llabs((long long)st.st_mtime - (long long)time(NULL)) < 100);
	CHECK_EQ(stat(name, &st2), 0);
	CHECK_EQ(st.st_ino, st2.st_ino);
	CHECK_EQ(st.st_dev, st2.st_dev);
	CHECK_EQ(fstatat(fd, "", &st2, AT_EMPTY_PATH), 0);
	CHECK_EQ(st.st_ino, st2.st_ino);
	CHECK_ERRNO(fstatat(fd, "", &st2, 0), ENOENT);
	CHECK_ERRNO(fstatat(AT_FDCWD, name, &st2, 1), EINVAL);
	CHECK_ERRNO(fstat(999, &st), EBADF);
	CHECK_ERRNO(syscall(SYS_stat, name, 1), EFAULT);
	unlink(name);
}

TEST(stat_of_other_kinds)
{
	struct stat st;
	int p[2];

	CHECK_EQ(pipe(p), 0);
	CHECK_EQ(fstat(p[0], &st), 0);
	CHECK(S_ISFIFO(st.st_mode));
	CHECK_EQ(stat("/dev/null", &st), 0);
	CHECK(S_ISCHR(st.st_mode));
	CHECK_EQ(major(st.st_rdev), 1);
	CHECK_EQ(minor(st.st_rdev), 3);
	int s = socket(AF_UNIX, SOCK_STREAM, 0);

	CHECK_EQ(fstat(s, &st), 0);
	CHECK(S_ISSOCK(st.st_mode));
	CHECK_EQ(fstatat(s, "", &st, AT_EMPTY_PATH), 0);
	CHECK(S_ISSOCK(st.st_mode));
}

TEST(statx_agrees_with_stat)
{
	int fd = new_file();
	struct stat st;
	struct {
		uint32_t mask, blksize;
		uint64_t attr;
		uint32_t nlink, uid, gid;
		uint16_t mode, pad;
		uint64_t ino, size, rest[26];
	} x;

	CHECK_EQ(write(fd, "12345", 5), 5);
	CHECK_EQ(fstat(fd, &st), 0);
	CHECK_EQ(syscall(SYS_statx, AT_FDCWD, name, 0, 0x7ff, &x), 0);
	CHECK_EQ(x.mode, st.st_mode);
	CHECK_EQ(x.ino, st.st_ino);
	CHECK_EQ(x.size, 5);
	CHECK_EQ(x.mask & 0x7ff, 0x7ff);
	CHECK_EQ(syscall(SYS_statx, fd, "", AT_EMPTY_PATH, 0x7ff, &x), 0);
	CHECK_EQ(x.ino, st.st_ino);
	CHECK_ERRNO(syscall(SYS_statx, AT_FDCWD, name, 0x6000, 0x7ff, &x), EINVAL);
	CHECK_ERRNO(syscall(SYS_statx, AT_FDCWD, name, 0, 0x80000000U, &x), EINVAL);
	unlink(name);
}

TEST(chmod_changes_mode_and_ctime)
{
	int fd = new_file();
	struct stat st;

	CHECK_EQ(chmod(name, 01751), 0);
	CHECK_EQ(fstat(fd, &st), 0);
	CHECK_EQ(st.st_mode, S_IFREG | 01751);
	CHECK_EQ(fchmod(fd, 0400), 0);
	CHECK_EQ(stat(name, &st), 0);
	CHECK_EQ(st.st_mode & 07777, 0400);
	CHECK_ERRNO(chmod("/tmp/nothing-here", 0), ENOENT);
	unlink(name);
}

TEST(chown_drops_set_id_bits)
{
	int fd = new_file();
	struct stat st;

	if (getuid() != 0)
		SKIP("needs root");
	CHECK_EQ(fchmod(fd, 06755), 0);
	CHECK_EQ(chown(name, 12, 34), 0);
	CHECK_EQ(fstat(fd, &st), 0);
	CHECK_EQ(st.st_uid, 12);
	CHECK_EQ(st.st_gid, 34);
	CHECK_EQ(st.st_mode & 07777, 0755);
	CHECK_EQ(fchown(fd, -1, 56), 0);
	CHECK_EQ(fstat(fd, &st), 0);
	CHECK_EQ(st.st_uid, 12);
	CHECK_EQ(st.st_gid, 56);
	unlink(name);
}

TEST(permissions_of_an_ordinary_user)
{
	int fd = new_file();
	char d[] = "/tmp/abi-perm-XXXXXX", p[64];

	CHECK(mkdtemp(d));
	CHECK_EQ(chmod(d, 0755), 0);
	CHECK_EQ(fchmod(fd, 0600), 0);
	drop_root();
	CHECK_ERRNO(open(name, O_RDONLY), EACCES);
	CHECK_ERRNO(access(name, R_OK), EACCES);
	CHECK_EQ(access(name, F_OK), 0);
	CHECK_ERRNO(chmod(name, 0777), EPERM);
	CHECK_ERRNO(chown(name, 1000, 1000), EPERM);
	CHECK_ERRNO(truncate(name, 0), EACCES);
	snprintf(p, sizeof(p), "%s/x", d);
	CHECK_ERRNO(open(p, O_CREAT | O_RDWR, 0644), EACCES);
	CHECK_ERRNO(mkdir(p, 0755), EACCES);
	CHECK_ERRNO(rmdir(d), EPERM);		/* /tmp is sticky */
	CHECK_ERRNO(unlink(name), EPERM);
	CHECK_ERRNO(rename(name, "/tmp/abi-moved"), EPERM);
	CHECK_ERRNO(mknod("/tmp/abi-dev", S_IFCHR | 0600, makedev(1, 3)), EPERM);
	CHECK_ERRNO(chroot("/tmp"), EPERM);
	CHECK_ERRNO(utimensat(AT_FDCWD, name, NULL, 0), EACCES);
}

TEST(directory_without_search_permission)
{
	char d[] = "/tmp/abi-srch-XXXXXX", p[64];
	struct stat st;

	CHECK(mkdtemp(d));
	snprintf(p, sizeof(p), "%s/f", d);
	CHECK(open(p, O_CREAT | O_RDWR, 0666) >= 0);
	CHECK_EQ(chmod(d, 0744), 0);
	drop_root();
	CHECK_ERRNO(stat(p, &st), EACCES);
	CHECK(open(d, O_RDONLY) >= 0);
	CHECK_ERRNO(chdir(d), EACCES);
}

TEST(access_checks_the_real_user)
{
	int fd = new_file();

	if (getuid() != 0)
		SKIP("needs root");
	CHECK_EQ(fchmod(fd, 0644), 0);
	CHECK_ERRNO(access(name, X_OK), EACCES);	/* not even root executes it */
	CHECK_EQ(access(name, R_OK | W_OK), 0);
	CHECK_ERRNO(access(name, 8), EINVAL);
	CHECK_EQ(syscall(SYS_setresuid, 1000, 0, 0), 0);
	CHECK_ERRNO(access(name, W_OK), EACCES);
	CHECK_EQ(syscall(SYS_faccessat2, AT_FDCWD, name, W_OK, AT_EACCESS), 0);
	CHECK_ERRNO(syscall(SYS_faccessat2, AT_FDCWD, name, W_OK, 0x8000), EINVAL);
	unlink(name);
}

TEST(setgid_directory_gives_its_group)
{
	char d[] = "/tmp/abi-sgid-XXXXXX", p[64], q[64];
	struct stat st;

	if (getuid() != 0)
		SKIP("needs root");
	CHECK(mkdtemp(d));
	CHECK_EQ(chown(d, 0, 77), 0);
	CHECK_EQ(chmod(d, 02777), 0);
	snprintf(p, sizeof(p), "%s/f", d);
	snprintf(q, sizeof(q), "%s/d", d);
	CHECK(open(p, O_CREAT | O_RDWR, 0644) >= 0);
	CHECK_EQ(mkdir(q, 0755), 0);
	CHECK_EQ(stat(p, &st), 0);
	CHECK_EQ(st.st_gid, 77);
	CHECK_EQ(stat(q, &st), 0);
	CHECK_EQ(st.st_gid, 77);
	CHECK_EQ(st.st_mode & S_ISGID, S_ISGID);
	unlink(p);
	rmdir(q);
	rmdir(d);
}

TEST(utimensat_sets_times)
{
	int fd = new_file();
	struct timespec t[2] = { { 1000, 5 }, { 2000, 7 } };
	struct stat st;

	CHECK_EQ(utimensat(AT_FDCWD, name, t, 0), 0);
	CHECK_EQ(fstat(fd, &st), 0);
	CHECK_EQ(st.st_atim.tv_sec, 1000);
	CHECK_EQ(st.st_atim.tv_nsec, 5);
	CHECK_EQ(st.st_mtim.tv_sec, 2000);
	t[0].tv_nsec = UTIME_OMIT;
	t[1].tv_nsec = UTIME_NOW;
	CHECK_EQ(futimens(fd, t), 0);
	CHECK_EQ(fstat(fd, &st), 0);
	CHECK_EQ(st.st_atim.tv_sec, 1000);
	CHECK(llabs((long long)st.st_mtime - (long long)time(NULL)) < 100);
	t[0].tv_nsec = 1000000000;
	CHECK_ERRNO(syscall(SYS_utimensat, AT_FDCWD, name, t, 0), EINVAL);
	CHECK_ERRNO(syscall(SYS_utimensat, AT_FDCWD, name, NULL, 1), EINVAL);
	CHECK_ERRNO(syscall(SYS_utimensat, 999, NULL, NULL, 0), EBADF);
	unlink(name);
}

TEST(times_move_with_changes)
{
	int fd = new_file();
	struct timespec t[2] = { { 1000, 0 }, { 1000, 0 } };
	struct stat st;
	char c;

	CHECK_EQ(futimens(fd, t), 0);
	CHECK_EQ(write(fd, "x", 1), 1);
	CHECK_EQ(fstat(fd, &st), 0);
	CHECK(st.st_mtime > 1000);
	CHECK_EQ(futimens(fd, t), 0);
	CHECK_EQ(pread(fd, &c, 1, 0), 1);
	CHECK_EQ(fstat(fd, &st), 0);
	CHECK_EQ(st.st_mtime, 1000);
	CHECK(st.st_ctime > 1000);
	unlink(name);
}

TEST(umask_is_inherited_and_returned)
{
	int st;

	umask(077);
	CHECK_EQ(umask(0123), 077);
	pid_t p = fork();

	if (p == 0)
		_exit(umask(0) == 0123 ? 0 : 1);
	CHECK_EQ(waitpid(p, &st, 0), p);
	CHECK_EQ(st, 0);
	CHECK_EQ(umask(0), 0123);
}

TEST(statfs_of_the_root)
{
	struct statfs s;

	CHECK_EQ(statfs("/", &s), 0);
	CHECK_EQ(s.f_namelen, 255);
	CHECK(s.f_bsize > 0);
	CHECK_EQ(fstatfs(open("/proc", O_RDONLY), &s), 0);
	CHECK_ERRNO(statfs("/nothing", &s), ENOENT);
	CHECK_ERRNO(fstatfs(999, &s), EBADF);
}

TEST(mknod_makes_fifos_and_devices)
{
	char n[64];
	struct stat st;
	char c = 1;

	snprintf(n, sizeof(n), "/tmp/abi-node-%d", getpid());
	CHECK_EQ(mknod(n, S_IFIFO | 0644, 0), 0);
	CHECK_EQ(stat(n, &st), 0);
	CHECK(S_ISFIFO(st.st_mode));
	CHECK_ERRNO(mknod(n, S_IFIFO | 0644, 0), EEXIST);
	unlink(n);
	CHECK_ERRNO(mknod(n, S_IFDIR | 0755, 0), EPERM);
	CHECK_EQ(mknod(n, 0644, 0), 0);
	CHECK_EQ(stat(n, &st), 0);
	CHECK(S_ISREG(st.st_mode));
	unlink(n);
	if (getuid() == 0 && mknod(n, S_IFCHR | 0666, makedev(1, 5)) == 0) {
		int fd = open(n, O_RDONLY);

		if (fd >= 0) {		/* some containers forbid it */
			CHECK_EQ(read(fd, &c, 1), 1);
			CHECK_EQ(c, 0);
		}
		unlink(n);
	}
	CHECK_EQ(mknod(n, S_IFSOCK | 0644, 0), 0);
	CHECK_ERRNO(open(n, O_RDWR), ENXIO);
	unlink(n);
}

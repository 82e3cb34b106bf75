/* Names: walking, links, and the errors of each step. */
#include "tests/abi/tap.h"
#include <dirent.h>
#include <limits.h>

static char dir[64];
static void enter_new_dir(void)
{
	snprintf(dir, sizeof(dir), "/tmp/abi-path-XXXXXX");
	CHECK(mkdtemp(dir));
	CHECK_EQ(chdir(dir), 0);
}
static int touch(const char *n)
{
	int fd = open(n, O_CREAT | O_WRONLY, 0644);

	if (fd < 0)
		return -1;
	return close(fd);
}
static int leave(void)
{
	char cmd[128];

	snprintf(cmd, sizeof(cmd), "rm -rf %s", dir);
	return chdir("/") || system(cmd);
}

TEST(path_errors_of_a_walk)
{
	char longname[300], longpath[5000];
	struct stat st;

	enter_new_dir();
	CHECK_EQ(touch("f"), 0);
	CHECK_ERRNO(stat("nothing", &st), ENOENT);
	CHECK_ERRNO(stat("nothing/x", &st), ENOENT);
	CHECK_ERRNO(stat("f/x", &st), ENOTDIR);
	CHECK_ERRNO(stat("f/", &st), ENOTDIR);
	CHECK_ERRNO(stat("f/.", &st), ENOTDIR);
	CHECK_ERRNO(stat("f/..", &st), ENOTDIR);
	CHECK_ERRNO(stat("", &st), ENOENT);
	CHECK_ERRNO(stat((char *)1, &st), EFAULT);
	memset(longname, 'a', 299);
	longname[299] = 0;
	CHECK_ERRNO(stat(longname, &st), ENAMETOOLONG);
	longname[255] = 0;
	CHECK_EQ(touch(longname), 0);
	CHECK_EQ(stat(longname, &st), 0);
	memset(longpath, '/', 4999);
	longpath[4999] = 0;
	CHECK_ERRNO(stat(longpath, &st), ENAMETOOLONG);
	longpath[4095] = 0;
	CHECK_EQ(stat(longpath, &st), 0);
	CHECK_EQ(leave(), 0);
}

TEST(path_dots_and_slashes)
{
	struct stat a, b;

	enter_new_dir();
	CHECK_EQ(mkdir("d", 0755), 0);
	CHECK_EQ(mkdir("d/e", 0755), 0);
	CHECK_EQ(stat("d", &a), 0);
	CHECK_EQ(stat("./d//e/../e/.././/../d/", &b), 0);
	CHECK_EQ(a.st_ino, b.st_ino);
	CHECK_EQ(stat("/..", &a), 0);
	CHECK_EQ(stat("/", &b), 0);
	CHECK_EQ(a.st_ino, b.st_ino);
	CHECK_EQ(leave(), 0);
}

TEST(path_symlinks_are_followed)
{
	char buf[32];
	struct stat st;

	enter_new_dir();
	CHECK_EQ(mkdir("d", 0755), 0);
	CHECK_EQ(touch("d/f"), 0);
	CHECK_EQ(symlink("d", "l"), 0);
	CHECK_EQ(symlink("l/f", "lf"), 0);
	CHECK_EQ(symlink("../l/./f", "d/up"), 0);
	CHECK_EQ(stat("l/f", &st), 0);
	CHECK_EQ(stat("lf", &st), 0);
	CHECK(S_ISREG(st.st_mode));
	CHECK_EQ(stat("l/up", &st), 0);
	CHECK(S_ISREG(st.st_mode));
	CHECK_EQ(lstat("l", &st), 0);
	CHECK(S_ISLNK(st.st_mode));
	CHECK_EQ(st.st_size, 1);
	CHECK_EQ(lstat("l/", &st), 0);
	CHECK(S_ISDIR(st.st_mode));
	CHECK_ERRNO(stat("lf/", &st), ENOTDIR);
	CHECK_EQ(readlink("lf", buf, 32), 3);
	CHECK_EQ(memcmp(buf, "l/f", 3), 0);
	CHECK_EQ(readlink("lf", buf, 2), 2);
	CHECK_ERRNO(readlink("d", buf, 32), EINVAL);
	CHECK_ERRNO(syscall(SYS_readlink, "lf", buf, 0), EINVAL);
	CHECK_ERRNO(symlink("x", "l"), EEXIST);
	CHECK_ERRNO(symlink("", "empty"), ENOENT);
	CHECK_EQ(leave(), 0);
}

TEST(path_too_many_links_are_eloop)
{
	char a[16], b[16];
	struct stat st;

	enter_new_dir();
	CHECK_EQ(symlink("self", "self"), 0);
	CHECK_ERRNO(stat("self", &st), ELOOP);
	CHECK_ERRNO(open("self", O_CREAT | O_RDWR, 0644), ELOOP);
	CHECK_EQ(touch("l0"), 0);
	for (int i = 1; i <= 41; i++) {
		snprintf(a, sizeof(a), "l%d", i - 1);
		snprintf(b, sizeof(b), "l%d", i);
		CHECK_EQ(symlink(a, b), 0);
	}
	CHECK_EQ(stat("l40", &st), 0);
	CHECK_ERRNO(stat("l41", &st), ELOOP);
	CHECK_EQ(leave(), 0);
}

TEST(open_creat_through_a_dangling_link)
{
	struct stat st;

	enter_new_dir();
	CHECK_EQ(symlink("target", "l"), 0);
	CHECK_ERRNO(open("l", O_RDONLY), ENOENT);
	CHECK_ERRNO(open("l", O_CREAT | O_EXCL | O_RDWR, 0600), EEXIST);
	CHECK_ERRNO(open("l", O_CREAT | O_NOFOLLOW | O_RDWR, 0600), ELOOP);
	CHECK(open("l", O_CREAT | O_RDWR, 0600) >= 0);
	CHECK_EQ(lstat("target", &st), 0);
	CHECK_EQ(st.st_mode & 07777, 0600);
	CHECK_EQ(leave(), 0);
}

TEST(open_flags_and_types)
{
	enter_new_dir();
	CHECK_EQ(touch("f"), 0);
	CHECK_EQ(mkdir("d", 0755), 0);
	CHECK_EQ(symlink("d", "ld"), 0);
	CHECK_EQ(symlink("f", "lf"), 0);
	CHECK_ERRNO(open("d", O_WRONLY), EISDIR);
	CHECK_ERRNO(open("d", O_RDWR), EISDIR);
	CHECK_ERRNO(open("d", O_RDONLY | O_CREAT, 0644), EISDIR);
	CHECK_ERRNO(open("f", O_DIRECTORY), ENOTDIR);
	CHECK_ERRNO(open("f", O_CREAT | O_EXCL, 0644), EEXIST);
	CHECK_ERRNO(open("f/", O_RDONLY), ENOTDIR);
	CHECK_ERRNO(open("new/", O_CREAT | O_RDWR, 0644), EISDIR);
	CHECK_ERRNO(open("lf", O_NOFOLLOW), ELOOP);
	CHECK_ERRNO(open("ld", O_NOFOLLOW | O_DIRECTORY), ENOTDIR);
	CHECK(open("ld", O_DIRECTORY) >= 0);
	CHECK(open("lf", O_NOFOLLOW | O_PATH) >= 0);
	CHECK_ERRNO(open("nodir/f", O_CREAT, 0644), ENOENT);
	CHECK_ERRNO(open(".", O_CREAT | O_RDWR, 0644), EISDIR);
	CHECK_ERRNO(open(".", O_TMPFILE, 0644), EINVAL);
	char c;
	CHECK_ERRNO(read(open("d", O_RDONLY), &c, 1), EISDIR);
	CHECK_EQ(leave(), 0);
}

TEST(openat_starts_at_its_directory)
{
	enter_new_dir();
	CHECK_EQ(mkdir("d", 0755), 0);
	CHECK_EQ(touch("d/f"), 0);
	int d = open("d", O_RDONLY), f = openat(d, "f", O_RDONLY);

	CHECK(f >= 0);
	CHECK_ERRNO(openat(f, "x", O_RDONLY), ENOTDIR);
	CHECK_ERRNO(openat(999, "x", O_RDONLY), EBADF);
	CHECK(openat(999, "/tmp", O_RDONLY) >= 0);
	CHECK(openat(d, "../d/f", O_RDONLY) >= 0);
	CHECK_EQ(leave(), 0);
}

TEST(mkdir_and_rmdir)
{
	struct stat st;

	enter_new_dir();
	umask(022);
	CHECK_EQ(mkdir("d", 0777), 0);
	CHECK_EQ(stat("d", &st), 0);
	CHECK_EQ(st.st_mode, S_IFDIR | 0755);
	CHECK_ERRNO(mkdir("d", 0777), EEXIST);
	CHECK_ERRNO(mkdir("d/.", 0777), EEXIST);
	CHECK_ERRNO(mkdir("x/y", 0777), ENOENT);
	CHECK_EQ(mkdir("d/e/", 0777), 0);
	CHECK_ERRNO(rmdir("d"), ENOTEMPTY);
	CHECK_ERRNO(rmdir("d/e/."), EINVAL);
	CHECK_ERRNO(rmdir("d/e/.."), ENOTEMPTY);
	CHECK_ERRNO(unlink("d/e"), EISDIR);
	CHECK_EQ(rmdir("d/e/"), 0);
	CHECK_EQ(touch("f"), 0);
	CHECK_ERRNO(rmdir("f"), ENOTDIR);
	CHECK_ERRNO(unlink("f/"), ENOTDIR);
	CHECK_ERRNO(rmdir("/"), EBUSY);
	CHECK_ERRNO(mkdir("/", 0777), EEXIST);
	CHECK_ERRNO(unlink("nothing"), ENOENT);
	CHECK_EQ(stat("d", &st), 0);
	CHECK_EQ(rmdir("d"), 0);
	CHECK_EQ(leave(), 0);
}

TEST(removed_directory_takes_no_files)
{
	char buf[64];

	enter_new_dir();
	CHECK_EQ(mkdir("d", 0755), 0);
	CHECK_EQ(chdir("d"), 0);
	CHECK_EQ(rmdir("../d"), 0);
	CHECK_ERRNO(open("f", O_CREAT | O_RDWR, 0644), ENOENT);
	CHECK_ERRNO(mkdir("x", 0755), ENOENT);
	CHECK_ERRNO(syscall(SYS_getcwd, buf, sizeof(buf)), ENOENT);
	CHECK_EQ(chdir(".."), 0);
	CHECK_EQ(leave(), 0);
}

TEST(unlinked_file_lives_while_open)
{
	char c = 0;

	enter_new_dir();
	int fd = open("f", O_CREAT | O_RDWR, 0644);
	struct stat st;

	CHECK_EQ(write(fd, "x", 1), 1);
	CHECK_EQ(unlink("f"), 0);
	CHECK_ERRNO(open("f", O_RDONLY), ENOENT);
	CHECK_EQ(fstat(fd, &st), 0);
	CHECK_EQ(st.st_nlink, 0);
	CHECK_EQ(pread(fd, &c, 1, 0), 1);
	CHECK_EQ(c, 'x');
	CHECK_EQ(leave(), 0);
}

TEST(link_makes_a_second_name)
{
	struct stat a, b;

	enter_new_dir();
	CHECK_EQ(touch("f"), 0);
	CHECK_EQ(link("f", "g"), 0);
	CHECK_EQ(stat("f", &a), 0);
	CHECK_EQ(stat("g", &b), 0);
	CHECK_EQ(a.st_ino, b.st_ino);
	CHECK_EQ(a.st_nlink, 2);
	CHECK_ERRNO(link("f", "g"), EEXIST);
	CHECK_ERRNO(link("nothing", "h"), ENOENT);
	CHECK_ERRNO(link(".", "h"), EPERM);
	CHECK_EQ(symlink("f", "l"), 0);
	CHECK_EQ(link("l", "l2"), 0);
	CHECK_EQ(lstat("l2", &b), 0);
	CHECK(S_ISLNK(b.st_mode));
	CHECK_EQ(linkat(AT_FDCWD, "l", AT_FDCWD, "l3", AT_SYMLINK_FOLLOW), 0);
	CHECK_EQ(lstat("l3", &b), 0);
	CHECK_EQ(a.st_ino, b.st_ino);
	CHECK_ERRNO(linkat(AT_FDCWD, "f", AT_FDCWD, "z", 1), EINVAL);
	CHECK_EQ(leave(), 0);
}

TEST(rename_replaces_and_refuses)
{
	struct stat a, b;

	enter_new_dir();
	CHECK_EQ(touch("a"), 0);
	CHECK_EQ(touch("b"), 0);
	CHECK_EQ(stat("a", &a), 0);
	CHECK_EQ(rename("a", "b"), 0);
	CHECK_EQ(stat("b", &b), 0);
	CHECK_EQ(a.st_ino, b.st_ino);
	CHECK_ERRNO(stat("a", &a), ENOENT);
	CHECK_ERRNO(rename("a", "c"), ENOENT);
	CHECK_EQ(mkdir("d", 0755), 0);
	CHECK_EQ(mkdir("d/e", 0755), 0);
	CHECK_EQ(mkdir("x", 0755), 0);
	CHECK_ERRNO(rename("b", "d"), EISDIR);
	CHECK_ERRNO(rename("d", "b"), ENOTDIR);
	CHECK_ERRNO(rename("x", "d"), ENOTEMPTY);
	CHECK_ERRNO(rename("d", "d/e/f"), EINVAL);
	CHECK_ERRNO(rename("d/e", "d"), ENOTEMPTY);
	CHECK_EQ(rename("d/e", "x"), 0);
	CHECK_EQ(rename("x", "x"), 0);
	CHECK_ERRNO(rename("d/.", "y"), EBUSY);
	CHECK_ERRNO(rename("b/", "y"), ENOTDIR);
	CHECK_ERRNO(rename("b", "y/"), ENOTDIR);
	CHECK_EQ(rename("x/", "y/"), 0);
	CHECK_EQ(link("b", "b2"), 0);
	CHECK_EQ(rename("b", "b2"), 0);
	CHECK_EQ(stat("b", &a), 0);		/* one file: nothing happens */
	CHECK_EQ(leave(), 0);
}

TEST(renameat2_flags)
{
	struct stat a, b, c;

	enter_new_dir();
	CHECK_EQ(touch("a"), 0);
	CHECK_EQ(mkdir("d", 0755), 0);
	CHECK_EQ(stat("a", &a), 0);
	CHECK_EQ(stat("d", &b), 0);
	CHECK_ERRNO(syscall(SYS_renameat2, AT_FDCWD, "a", AT_FDCWD, "d", 1), EEXIST);
	CHECK_EQ(syscall(SYS_renameat2, AT_FDCWD, "a", AT_FDCWD, "n", 1), 0);
	CHECK_EQ(syscall(SYS_renameat2, AT_FDCWD, "n", AT_FDCWD, "d", 2), 0);
	CHECK_EQ(stat("n", &c), 0);
	CHECK_EQ(c.st_ino, b.st_ino);
	CHECK_EQ(stat("d", &c), 0);
	CHECK_EQ(c.st_ino, a.st_ino);
	CHECK_ERRNO(syscall(SYS_renameat2, AT_FDCWD, "n", AT_FDCWD, "zz", 2), ENOENT);
	CHECK_ERRNO(syscall(SYS_renameat2, AT_FDCWD, "n", AT_FDCWD, "d", 3), EINVAL);
	CHECK_ERRNO(syscall(SYS_renameat2, AT_FDCWD, "n", AT_FDCWD, "d", 64), EINVAL);
	CHECK_EQ(leave(), 0);
}

TEST(nlink_of_directories)
{
	struct stat st;

	enter_new_dir();
	CHECK_EQ(mkdir("d", 0755), 0);
	CHECK_EQ(stat("d", &st), 0);
	if (st.st_nlink == 1)
		SKIP("this file system does not count");
	CHECK_EQ(st.st_nlink, 2);
	CHECK_EQ(mkdir("d/e", 0755), 0);
	CHECK_EQ(mkdir("d/g", 0755), 0);
	CHECK_EQ(touch("d/f"), 0);
	CHECK_EQ(stat("d", &st), 0);
	CHECK_EQ(st.st_nlink, 4);
	CHECK_EQ(rename("d/e", "e"), 0);
	CHECK_EQ(rmdir("d/g"), 0);
	CHECK_EQ(stat("d", &st), 0);
	CHECK_EQ(st.st_nlink, 2);
	CHECK_EQ(leave(), 0);
}

TEST(getcwd_and_fchdir)
{
	char buf[PATH_MAX];

	enter_new_dir();
	CHECK_EQ(mkdir("d", 0755), 0);
	CHECK_EQ(chdir("d/../d/."), 0);
	CHECK(getcwd(buf, sizeof(buf)));
	CHECK_EQ(strncmp(buf, dir, strlen(dir)), 0);
	CHECK_EQ(strcmp(buf + strlen(dir), "/d"), 0);
	CHECK_ERRNO(syscall(SYS_getcwd, buf, 3), ERANGE);
	CHECK_EQ(chdir("/"), 0);
	CHECK(getcwd(buf, sizeof(buf)));
	CHECK_EQ(strcmp(buf, "/"), 0);
	CHECK_ERRNO(chdir("/etc/passwd"), ENOTDIR);
	CHECK_ERRNO(fchdir(0), ENOTDIR);
	CHECK_EQ(leave(), 0);
}

TEST(readdir_lists_all_once)
{
	char n[16], seen[200] = "";
	struct dirent *e;
	int dots = 0, count = 0;

	enter_new_dir();
	for (int i = 0; i < 200; i++) {
		snprintf(n, sizeof(n), "f%d", i);
		CHECK_EQ(touch(n), 0);
	}
	DIR *d = opendir(".");

	CHECK(d != NULL);
	while ((e = readdir(d))) {
		if (e->d_name[0] == '.') {
			dots++;
			CHECK_EQ(e->d_type, DT_DIR);
			continue;
		}
		int i = atoi(e->d_name + 1);

		CHECK_EQ(seen[i], 0);
		seen[i] = 1;
		CHECK_EQ(e->d_type, DT_REG);
		count++;
	}
	CHECK_EQ(dots, 2);
	CHECK_EQ(count, 200);
	rewinddir(d);
	count = 0;
	while ((e = readdir(d))) {
		if (e->d_name[0] != '.')
			CHECK_EQ(unlink(e->d_name), 0);	/* removing while listing loses nothing */
		count++;
	}
	CHECK_EQ(count, 202);
	CHECK_EQ(rmdir(dir), 0);
}

TEST(getdents_wants_room_and_a_directory)
{
	char buf[16];

	CHECK_ERRNO(syscall(SYS_getdents64, open("/tmp", O_RDONLY), buf, 8), EINVAL);
	CHECK_ERRNO(syscall(SYS_getdents64, open("/dev/null", O_RDONLY), buf, 16), ENOTDIR);
	CHECK_ERRNO(syscall(SYS_getdents64, 999, buf, 16), EBADF);
}

TEST(o_tmpfile_can_be_linked)
{
	char p[64];
	struct stat st;

	enter_new_dir();
	int fd = open(".", O_TMPFILE | O_RDWR, 0600);

	if (fd < 0)
		SKIP("no O_TMPFILE here");
	CHECK_EQ(write(fd, "abc", 3), 3);
	CHECK_EQ(fstat(fd, &st), 0);
	CHECK_EQ(st.st_nlink, 0);
	snprintf(p, sizeof(p), "/proc/self/fd/%d", fd);
	CHECK_EQ(linkat(AT_FDCWD, p, AT_FDCWD, "named", AT_SYMLINK_FOLLOW), 0);
	CHECK_EQ(stat("named", &st), 0);
	CHECK_EQ(st.st_nlink, 1);
	CHECK_EQ(st.st_size, 3);
	CHECK_EQ(leave(), 0);
}

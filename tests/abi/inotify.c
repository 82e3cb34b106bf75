/* inotify: what is told of a watched file and directory, and how a watch ends. */
#include "tests/abi/tap.h"
#include <sys/inotify.h>
#include <sys/ioctl.h>

static char dir[64];
static int in;
static void begin(void)
{
	snprintf(dir, sizeof(dir), "/tmp/abi-in-XXXXXX");
	CHECK(mkdtemp(dir));
	CHECK_EQ(chdir(dir), 0);
	in = inotify_init1(IN_NONBLOCK);
	CHECK(in >= 0);
}
static void end(void)
{
	char cmd[128];

	snprintf(cmd, sizeof(cmd), "rm -rf %s", dir);
	CHECK_EQ(chdir("/"), 0);
	CHECK_EQ(system(cmd), 0);
}
/* The next event; its name, if any, must be @name. Return: cookie. */
static char evbuf[4096] __attribute__((aligned(8)));
static size_t have, at;
static uint32_t expect(int wd, uint32_t mask, const char *name)
{
	if (at == have) {
		ssize_t n = read(in, evbuf, sizeof(evbuf));

		if (n <= 0)
			TAP_FAIL("no event, but %#x %s expected", mask, name ? name : "");
		have = n;
		at = 0;
	}
	struct inotify_event *e = (void *)(evbuf + at);

	at += sizeof(*e) + e->len;
	if (e->wd != wd || e->mask != mask || strcmp(name ? name : "", e->len ? e->name : ""))
		TAP_FAIL("event wd %d mask %#x \"%s\", not %d %#x \"%s\"", e->wd, e->mask, e->len ? e->name : "",
			 wd, mask, name ? name : "");
	CHECK_EQ(e->len % 16, 0);
	return e->cookie;
}
static void expect_none(void)
{
	CHECK_EQ(at, have);
	CHECK_ERRNO(read(in, evbuf, sizeof(evbuf)), EAGAIN);
}

TEST(inotify_directory_events)
{
	begin();
	int w = inotify_add_watch(in, dir, IN_ALL_EVENTS);
	char c;

	CHECK_EQ(w, 1);
	int fd = open("f", O_CREAT | O_RDWR, 0644);

	expect(w, IN_CREATE, "f");
	expect(w, IN_OPEN, "f");
	CHECK_EQ(write(fd, "x", 1), 1);
	expect(w, IN_MODIFY, "f");
	CHECK_EQ(pread(fd, &c, 1, 0), 1);
	expect(w, IN_ACCESS, "f");
	CHECK_EQ(fchmod(fd, 0600), 0);
	expect(w, IN_ATTRIB, "f");
	close(fd);
	expect(w, IN_CLOSE_WRITE, "f");
	CHECK_EQ(mkdir("d", 0755), 0);
	expect(w, IN_CREATE | IN_ISDIR, "d");
	CHECK_EQ(rename("f", "d/g"), 0);
	expect(w, IN_MOVED_FROM, "f");
	CHECK_EQ(rename("d/g", "h"), 0);
	expect(w, IN_MOVED_TO, "h");
	CHECK_EQ(rename("h", "i"), 0);
	uint32_t a = expect(w, IN_MOVED_FROM, "h"), b = expect(w, IN_MOVED_TO, "i");

	CHECK(a == b && a != 0);
	CHECK_EQ(unlink("i"), 0);
	expect(w, IN_DELETE, "i");
	CHECK_EQ(rmdir("d"), 0);
	expect(w, IN_DELETE | IN_ISDIR, "d");
	expect_none();
	end();
}

TEST(inotify_file_watch_ends_with_the_file)
{
	begin();
	int fd = open("f", O_CREAT | O_RDWR, 0644), w = inotify_add_watch(in, "f", IN_ALL_EVENTS);

	CHECK_EQ(unlink("f"), 0);
	expect(w, IN_ATTRIB, NULL);
	expect_none();
	close(fd);
	expect(w, IN_CLOSE_WRITE, NULL);
	expect(w, IN_DELETE_SELF, NULL);
	expect(w, IN_IGNORED, NULL);
	expect_none();
	CHECK_ERRNO(inotify_rm_watch(in, w), EINVAL);
	end();
}

TEST(inotify_masks_and_removal)
{
	begin();
	int w = inotify_add_watch(in, dir, IN_CREATE), v;

	CHECK_EQ(mkdir("a", 0755), 0);
	CHECK_EQ(rmdir("a"), 0);
	expect(w, IN_CREATE | IN_ISDIR, "a");
	expect_none();
	CHECK_EQ(inotify_add_watch(in, ".", IN_DELETE | IN_MASK_ADD), w);
	CHECK_EQ(mkdir("a", 0755), 0);
	CHECK_EQ(rmdir("a"), 0);
	expect(w, IN_CREATE | IN_ISDIR, "a");
	expect(w, IN_DELETE | IN_ISDIR, "a");
	CHECK_ERRNO(inotify_add_watch(in, dir, IN_CREATE | IN_MASK_CREATE), EEXIST);
	CHECK_EQ(inotify_rm_watch(in, w), 0);
	expect(w, IN_IGNORED, NULL);
	v = inotify_add_watch(in, dir, IN_CREATE | IN_ONESHOT);
	CHECK_EQ(v, w + 1);
	CHECK_EQ(mkdir("a", 0755), 0);
	CHECK_EQ(mkdir("b", 0755), 0);
	expect(v, IN_CREATE | IN_ISDIR, "a");
	expect(v, IN_IGNORED, NULL);
	expect_none();
	CHECK_ERRNO(inotify_add_watch(in, dir, 0), EINVAL);
	CHECK_ERRNO(inotify_add_watch(in, "nothing", IN_CREATE), ENOENT);
	CHECK_ERRNO(inotify_add_watch(0, dir, IN_CREATE), EINVAL);
	CHECK_ERRNO(inotify_add_watch(999, dir, IN_CREATE), EBADF);
	CHECK(open("f", O_CREAT | O_RDWR, 0644) >= 0);
	CHECK_ERRNO(inotify_add_watch(in, "f", IN_CREATE | IN_ONLYDIR), ENOTDIR);
	CHECK_ERRNO(inotify_init1(1), EINVAL);
	end();
}

TEST(inotify_equal_events_are_joined_and_polled)
{
	struct pollfd p;
	int n;

	begin();
	int fd = open("f", O_CREAT | O_RDWR, 0644), w = inotify_add_watch(in, "f", IN_MODIFY);

	p = (struct pollfd){ in, POLLIN, 0 };
	CHECK_EQ(poll(&p, 1, 0), 0);
	for (int i = 0; i < 5; i++)
		CHECK_EQ(write(fd, "x", 1), 1);
	CHECK_EQ(poll(&p, 1, 0), 1);
	CHECK_EQ(ioctl(in, FIONREAD, &n), 0);
	CHECK_EQ(n, 16);
	CHECK_ERRNO(read(in, evbuf, 15), EINVAL);
	expect(w, IN_MODIFY, NULL);
	expect_none();
	end();
}

/* tests/unit/string.c - memory and string functions against the plainest way to do the same. */
#include "tests/unit/host.h"

/* The kernel's under names of their own: the program itself runs on the C library's. */
#define memcpy k_memcpy
#define memmove k_memmove
#define memset k_memset
#define memcmp k_memcmp
#define memchr k_memchr
#define strlen k_strlen
#define strnlen k_strnlen
#define strcmp k_strcmp
#define strncmp k_strncmp
#define strchr k_strchr
#define strrchr k_strrchr
#define strstr k_strstr
#include "kernel/lib/string.c"

enum { SIZE = 300 };
static u8 area[SIZE], want[SIZE];

static void fill(void)
{
	for (int i = 0; i < SIZE; i++)
		area[i] = want[i] = (u8)host_random();
}

static void check_area(const char *what, size_t to, size_t from, size_t n)
{
	for (int i = 0; i < SIZE; i++)
		if (area[i] != want[i])
			FAIL("%s(%zu, %zu, %zu): byte %d is %#x, not %#x", what, to, from, n, i,
			     area[i], want[i]);
}

TEST(memcpy_copies_exactly_n_bytes_at_any_alignment)
{
	for (size_t n = 0; n < 140; n++) {
		for (size_t to = 0; to < 9; to++) {
			size_t from = 150 + n % 9;

			fill();
			for (size_t i = 0; i < n; i++)
				want[to + i] = area[from + i];
			CHECK(k_memcpy(area + to, area + from, n) == area + to);
			check_area("memcpy", to, from, n);
		}
	}
}

TEST(memmove_is_right_for_every_overlap)
{
	u8 copy[SIZE];

	for (size_t n = 0; n < 100; n++) {
		for (size_t from = 40; from < 60; from++) {
			for (size_t to = 0; to < 150; to += 1 + to % 3) {
				fill();
				for (size_t i = 0; i < n; i++)
					copy[i] = area[from + i];
				for (size_t i = 0; i < n; i++)
					want[to + i] = copy[i];
				k_memmove(area + to, area + from, n);
				check_area("memmove", to, from, n);
			}
		}
	}
}

TEST(memset_sets_exactly_n_bytes)
{
	for (size_t n = 0; n < 280; n++) {
		fill();
		for (size_t i = 0; i < n; i++)
			want[7 + i] = 0xa5;
		k_memset(area + 7, 0x1a5, n);
		check_area("memset", 7, 0, n);
	}
}

TEST(pages_are_copied_and_cleared_whole)
{
	u8 *a = malloc(4096), *b = malloc(4096);

	for (int i = 0; i < 4096; i++)
		a[i] = (u8)host_random();
	copy_page(b, a);
	CHECK_EQ(k_memcmp(a, b, 4096), 0);
	clear_page(b);
	for (int i = 0; i < 4096; i++)
		CHECK_EQ(b[i], 0);
	free(a);
	free(b);
}

static int sign(int v) { return (v > 0) - (v < 0); }

TEST(memcmp_orders_by_the_first_byte_that_differs)
{
	u8 a[40], b[40];

	for (size_t n = 1; n < 40; n++) {
		for (size_t at = 0; at < n; at++) {
			for (size_t i = 0; i < n; i++)
				a[i] = b[i] = (u8)i;
			CHECK_EQ(k_memcmp(a, b, n), 0);
			a[at] = 0x80;
			b[at] = 0x7f;
			/* what follows must not count */
			if (at + 1 < n)
				b[at + 1] = 0xff;
			CHECK_EQ(sign(k_memcmp(a, b, n)), 1);
			CHECK_EQ(sign(k_memcmp(b, a, n)), -1);
		}
	}
}

TEST(strings_are_searched_and_compared)
{
	CHECK_EQ(k_strlen(""), 0);
	CHECK_EQ(k_strlen("pollux"), 6);
	CHECK_EQ(k_strnlen("pollux", 3), 3);
	CHECK_EQ(k_strcmp("a", "a"), 0);
	CHECK(k_strcmp("a", "b") < 0 && k_strcmp("ab", "a") > 0 && k_strcmp("\xff", "a") > 0);
	CHECK_EQ(k_strncmp("abc", "abd", 2), 0);
	CHECK(k_strncmp("abc", "abd", 3) < 0);
	const char *s = "a/b/c";

	CHECK(k_strchr(s, '/') == s + 1 && k_strrchr(s, '/') == s + 3 && !k_strchr(s, 'x') &&
	      k_strchr(s, 0) == s + 5);
	CHECK(k_strstr(s, "b/c") == s + 2 && !k_strstr(s, "c/b") && k_strstr(s, "") == s);
	CHECK(k_memchr(s, 'c', 5) == s + 4 && !k_memchr(s, 'c', 4));
}

TEST(strscpy_ends_with_nul_and_says_when_it_cut)
{
	char buf[8];

	CHECK_EQ(strscpy(buf, "pollux", 8), 6);
	CHECK_EQ(k_strcmp(buf, "pollux"), 0);
	CHECK_EQ(strscpy(buf, "castor and", 8), -E2BIG);
	CHECK_EQ(k_strcmp(buf, "castor "), 0);
	CHECK_EQ(strscpy(buf, "1234567", 8), 7);
	CHECK_EQ(strscpy(buf, "x", 0), -E2BIG);
}

TEST(glob_match_knows_stars_and_question_marks)
{
	CHECK(glob_match("*", "") && glob_match("*", "tcp_v4_rcv"));
	CHECK(glob_match("tcp_*", "tcp_v4_rcv") && !glob_match("tcp_*", "udp_rcv"));
	CHECK(glob_match("*_rcv", "tcp_v4_rcv") && glob_match("*v*v", "tcp_v4_rcv"));
	CHECK(glob_match("a?c", "abc") && !glob_match("a?c", "ac") && !glob_match("", "a") &&
	      glob_match("", ""));
	CHECK(glob_match("a*b*c", "aXbXbXc") && !glob_match("a*b*c", "aXbXbX"));
}

TEST(kstrtou64_takes_whole_numbers_only)
{
	u64 v;

	CHECK(kstrtou64("42", 10, &v) == 0 && v == 42);
	CHECK(kstrtou64("0x2a\n", 0, &v) == 0 && v == 42);
	CHECK(kstrtou64("052", 0, &v) == 0 && v == 42);
	CHECK(kstrtou64("2a", 16, &v) == 0 && v == 42);
	CHECK(kstrtou64("18446744073709551615", 10, &v) == 0 && v == U64_MAX);
	CHECK_EQ(kstrtou64("18446744073709551616", 10, &v), -ERANGE);
	CHECK_EQ(kstrtou64("", 10, &v), -EINVAL);
	CHECK_EQ(kstrtou64("4 2", 10, &v), -EINVAL);
	CHECK_EQ(kstrtou64("42x", 10, &v), -EINVAL);
	CHECK_EQ(kstrtou64("-1", 10, &v), -EINVAL);
}

TEST(kstrtos64_knows_its_limits)
{
	s64 v;

	CHECK(kstrtos64("-9223372036854775808", 10, &v) == 0 && v == (s64)(1ULL << 63));
	CHECK_EQ(kstrtos64("-9223372036854775809", 10, &v), -ERANGE);
	CHECK_EQ(kstrtos64("9223372036854775808", 10, &v), -ERANGE);
	CHECK(kstrtos64("-7", 0, &v) == 0 && v == -7);
}

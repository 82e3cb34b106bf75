/*
 * tests/unit/vsprintf.c - formatted text: the C library's answer is the right one; then this
 * kernel's extensions.
 */
#include "tests/unit/host.h"

int snprintf(char *buf, size_t size, const char *fmt, ...);
int strcmp(const char *a, const char *b);
void *memcpy(void *dst, const void *src, size_t n);
#define vsnprintf k_vsnprintf
#define vscnprintf k_vscnprintf
#define scnprintf k_scnprintf
#define snprintf k_snprintf
#include "kernel/lib/vsprintf.c"
#undef snprintf

#pragma GCC diagnostic ignored "-Wformat"
#pragma GCC diagnostic ignored "-Wformat-truncation"

#define SAME(...) do {										\
	char __a[128], __b[128];								\
	int __n = k_snprintf(__a, sizeof(__a), __VA_ARGS__), __m = snprintf(__b, sizeof(__b), __VA_ARGS__); \
	if (__n != __m || strcmp(__a, __b))							\
		FAIL("%s: \"%s\" (%d), not \"%s\" (%d)", #__VA_ARGS__, __a, __n, __b, __m);	\
} while (0)
#define GIVES(want, ...) do {									\
	char __a[128];										\
	int __n = k_snprintf(__a, sizeof(__a), __VA_ARGS__);					\
	if (strcmp(__a, want) || __n != (int)sizeof(want) - 1)					\
		FAIL("%s: \"%s\" (%d), not \"%s\"", #__VA_ARGS__, __a, __n, want);		\
} while (0)

TEST(integers_as_in_c)
{
	static const char *const formats[] = {
		"%d",	   "%5d",    "%-5d|", "%05d", "%+d",   "% d",  "%.3d",	 "%8.3d",
		"%-8.3d|", "%08.3d", "%u",    "%x",   "%X",    "%#x",  "%#X",	 "%#010x",
		"%o",	   "%#o",    "%.0d",  "%i",   "%#.5x", "%+5d", "%-+5d|", "%5u",
	};
	static const int values[] = { 0, 1, -1, 42, -42, 12345678, 2147483647, -2147483647 - 1 };

	for (size_t f = 0; f < ARRAY_SIZE(formats); f++)
		for (size_t v = 0; v < ARRAY_SIZE(values); v++)
			SAME(formats[f], values[v]);
}

TEST(lengths_as_in_c)
{
	SAME("%hhd %hd %ld %lld %zd %jd %td", (signed char)-3, (short)-4, -5L, -6LL, (size_t)7,
	     (intmax_t)-8, (ptrdiff_t)-9);
	SAME("%hhx %hx %lx %llx %zx", 0x1ff, 0x1ffff, ~0UL, ~0ULL, (size_t)0xdead);
	SAME("%ld %lu", (long)(1UL << 63), ~0UL);
}

TEST(text_as_in_c)
{
	SAME("%s|%10s|%-10s|%.2s|%10.2s|%-10.2s|", "abc", "abc", "abc", "abc", "abc", "abc");
	SAME("%c%5c%-5c|%%", 'a', 'b', 'c');
	SAME("%*d|%-*d|%.*s|%*s", 6, 42, 6, 42, 2, "abcdef", -8, "x");
	SAME("no conversions at all");
}

TEST(short_buffers_are_cut_and_counted)
{
	char buf[8] = "unharmd";

	CHECK_EQ(k_snprintf(buf, 4, "%d", 123456), 6);
	CHECK_EQ(strcmp(buf, "123"), 0);
	CHECK_EQ(buf[4], 'r');
	CHECK_EQ(k_scnprintf(buf, 4, "%d", 123456), 3);
	CHECK_EQ(k_scnprintf(buf, 4, "12"), 2);
	CHECK_EQ(k_snprintf(NULL, 0, "%s", "12345"), 5);
	CHECK_EQ(k_scnprintf(buf, 0, "%s", "12345"), 0);
}

TEST(addresses_of_the_network)
{
	be32 ip = cpu_to_be32(0x0a00020f);
	u8 mac[6] = { 0x52, 0x54, 0, 0x12, 0x34, 0xff };

	GIVES("10.0.2.15:80", "%pI4:%d", &ip, 80);
	GIVES("       10.0.2.15|", "%16pI4|", &ip);
	GIVES("52:54:00:12:34:ff", "%pM", mac);
}

TEST(pointers_symbols_and_errors)
{
	GIVES("ffffffff80100000", "%p", (void *)0xffffffff80100000);
	GIVES("0000000000000000", "%p", NULL);
	GIVES("0x1234", "%pS", (void *)0x1234);
	GIVES("-12", "%pe", ERR_PTR(-12));
	const char *volatile none = NULL;

	GIVES("(null)", "%s", none);
}

TEST(a_mistake_in_the_format_shows)
{
	GIVES("%q 1", "%q %d", 1);
}

/*
 * tests/unit/cmdline.c - boot options: quotes, repeats, numbers, and what is left over for init.
 */
#include "tests/unit/host.h"

int strcmp(const char *a, const char *b);
int strncmp(const char *a, const char *b, size_t n);
size_t strlen(const char *s);
char *strchr(const char *s, int c);
void *memchr(const void *s, int c, size_t n);
void *memcpy(void *dst, const void *src, size_t n);
void *memset(void *dst, int c, size_t n);
#include "kernel/init/cmdline.c"

ssize_t strscpy(char *dst, const char *src, size_t size)
{
	size_t n = strlen(src);

	if (n >= size)
		n = size - 1;
	memcpy(dst, src, n);
	dst[n] = '\0';
	return (ssize_t)n;
}

int kstrtou64(const char *s, unsigned int base, u64 *res)
{
	(void)base;
	*res = 0;
	for (; *s; s++) {
		if (*s < '0' || *s > '9')
			return -1;
		*res = *res * 10 + (u64)(*s - '0');
	}
	return 0;
}

static char value[64];
static const char *argv[8], *envp[8];
static int argc, envc;

static void parse(const char *s)
{
	nr_options = nr_kernel_options = 0;
	argc = envc = 0;
	memset(argv, 0, sizeof(argv));
	memset(envp, 0, sizeof(envp));
	cmdline_init(s);
}

TEST(a_value_is_found_by_its_whole_name)
{
	parse("tracer=no trace=yes  tr");
	CHECK(cmdline_get("trace", value, sizeof(value)) && !strcmp(value, "yes"));
	CHECK(cmdline_get("tr", value, sizeof(value)) && !strcmp(value, ""));
	CHECK(!cmdline_get("t", value, sizeof(value)));
	CHECK(!strcmp(cmdline_text(), "tracer=no trace=yes  tr"));
}

TEST(the_last_of_several_counts)
{
	parse("n=1 n=2 n=3");
	CHECK(cmdline_get_u64("n", 9) == 3);
}

TEST(quotes_keep_blanks)
{
	parse("a=\"one two\" \"b=three four\" c");
	CHECK(cmdline_get("a", value, sizeof(value)) && !strcmp(value, "one two"));
	CHECK(cmdline_get("b", value, sizeof(value)) && !strcmp(value, "three four"));
	CHECK(cmdline_has("c"));
}

TEST(malformed_numbers_are_the_default)
{
	parse("n=12x m= k");
	CHECK(cmdline_get_u64("n", 7) == 7);
	CHECK(cmdline_get_u64("absent", 8) == 8);
}

TEST(init_gets_what_nobody_asked_for)
{
	parse("quiet known=1 HOME=/x word mod.param=1 -- trace=2 --flag");
	CHECK(cmdline_has("known"));
	CHECK(!cmdline_has("trace")); /* behind the dashes */
	cmdline_for_init(argv, &argc, envp, &envc, 8);
	CHECK(argc == 3 && !strcmp(argv[0], "word"));
	CHECK(!strcmp(argv[1], "trace=2") && !strcmp(argv[2], "--flag"));
	CHECK(envc == 1 && !strcmp(envp[0], "HOME=/x"));
}

TEST(too_much_is_cut_not_overrun)
{
	static char line_of_words[4096];

	for (size_t i = 0; i + 2 < sizeof(line_of_words); i += 2)
		memcpy(line_of_words + i, "w ", 2);
	parse(line_of_words);
	CHECK(nr_options == MAX_OPTIONS);
	cmdline_for_init(argv, &argc, envp, &envc, 8);
	CHECK(argc == 8);
}

/*
 * kernel/lib/string.c - memory and string functions.
 *
 * Linux:   lib/string.c, lib/kstrtox.c, lib/glob.c, arch/x86/lib/mem*_64.S (6.1)
 * Same:    contracts.
 * Differs: 1. no assembly and one strategy for all processors: 8-byte words, four or sixteen to a
 *             turn of the loop. rep movsb would be shortest to write; under emulation it is ten
 *             times slower, and on hardware no faster at the sizes that are copied here.
 * Locks:   none.
 * Walk:    skb_copy_datagram_iter(), fork, exec; everywhere.
 */
#include "kernel/errno.h"
#include "kernel/string.h"

/*
 * Or the compiler would recognise the loops below as memcpy() and memset(), and call them from
 * inside themselves.
 */
#pragma GCC optimize("no-tree-loop-distribute-patterns")

enum { WORD = 8, COPY_STEP = 32, SET_STEP = 128, PAGE_BYTES = 4096 };

/* A word at any address, aliasing anything. */
struct word { u64 v; } __packed __attribute__((may_alias));
static __always_inline u64 load(const u8 *p) { return ((const struct word *)p)->v; }
static __always_inline void store(u8 *p, u64 v) { ((struct word *)p)->v = v; }

static __always_inline void copy_step(u8 *d, const u8 *s)
{
	u64 a = load(s), b = load(s + 8), c = load(s + 16), e = load(s + 24);

	store(d, a);
	store(d + 8, b);
	store(d + 16, c);
	store(d + 24, e);
}

/*
 * Forwards; right also if @d lies below @s in an overlap, since each turn reads before it writes.
 */
static __always_inline void copy_forwards(u8 *d, const u8 *s, size_t n)
{
	u64 last;

	if (n < WORD) {
		for (; n; n--)
			*d++ = *s++;
		return;
	}
	/* The last word may overlap the one before: read now, it is what it was. */
	last = load(s + n - WORD);
	for (; n > COPY_STEP; n -= COPY_STEP, d += COPY_STEP, s += COPY_STEP)
		copy_step(d, s);
	for (; n > WORD; n -= WORD, d += WORD, s += WORD)
		store(d, load(s));
	store(d + n - WORD, last);
}

void *(memcpy)(void *dst, const void *src, size_t n)
{
	copy_forwards(dst, src, n);
	return dst;
}

static void copy_backwards(u8 *d, const u8 *s, size_t n)
{
	for (; n >= WORD; n -= WORD)
		store(d + n - WORD, load(s + n - WORD));
	for (; n; n--)
		d[n - 1] = s[n - 1];
}

void *(memmove)(void *dst, const void *src, size_t n)
{
	if ((u64)dst - (u64)src >= n)
		copy_forwards(dst, src, n);
	else
		copy_backwards(dst, src, n);
	return dst;
}

static __always_inline u8 *set_step(u8 *d, u64 v)
{
#pragma GCC unroll 16
	for (int i = 0; i < SET_STEP; i += WORD)
		store(d + i, v);
	return d + SET_STEP;
}

void *(memset)(void *dst, int c, size_t n)
{
	u64 v = (u8)c * 0x0101010101010101UL;
	u8 *d = dst;

	for (; n >= SET_STEP; n -= SET_STEP)
		d = set_step(d, v);
	for (; n >= WORD; n -= WORD, d += WORD)
		store(d, v);
	for (; n; n--)
		*d++ = (u8)c;
	return dst;
}

void copy_page(void *dst, const void *src)
{
	u8 *d = dst;
	const u8 *s = src;

	for (const u8 *end = s + PAGE_BYTES; s < end; s += 2 * COPY_STEP, d += 2 * COPY_STEP) {
		copy_step(d, s);
		copy_step(d + COPY_STEP, s + COPY_STEP);
	}
}

void clear_page(void *page)
{
	u8 *d = page, *end = d + PAGE_BYTES;

	while (d < end)
		d = set_step(d, 0);
}

int (memcmp)(const void *a, const void *b, size_t n)
{
	const u8 *p = a, *q = b;

	for (; n >= WORD && load(p) == load(q); n -= WORD) {
		p += WORD;
		q += WORD;
	}
	for (; n; n--, p++, q++)
		if (*p != *q)
			return *p - *q;
	return 0;
}

void *memchr(const void *s, int c, size_t n)
{
	for (const u8 *p = s; n; n--, p++)
		if (*p == (u8)c)
			return (void *)p;
	return NULL;
}

size_t (strlen)(const char *s)
{
	const char *p = s;

	while (*p)
		p++;
	return (size_t)(p - s);
}

size_t strnlen(const char *s, size_t max)
{
	size_t n = 0;

	while (n < max && s[n])
		n++;
	return n;
}

int (strcmp)(const char *a, const char *b)
{
	for (; *a && *a == *b; a++)
		b++;
	return (u8)*a - (u8)*b;
}

int strncmp(const char *a, const char *b, size_t n)
{
	for (; n && *a && *a == *b; n--, a++)
		b++;
	return n ? (u8)*a - (u8)*b : 0;
}

char *strchr(const char *s, int c)
{
	for (; *s != (char)c; s++)
		if (!*s)
			return NULL;
	return (char *)s;
}

char *strrchr(const char *s, int c)
{
	const char *found = NULL;

	for (;; s++) {
		if (*s == (char)c)
			found = s;
		if (!*s)
			return (char *)found;
	}
}

char *strstr(const char *hay, const char *needle)
{
	size_t n = strlen(needle);

	for (; ; hay++) {
		if (strncmp(hay, needle, n) == 0)
			return (char *)hay;
		if (!*hay)
			return NULL;
	}
}

ssize_t strscpy(char *dst, const char *src, size_t size)
{
	size_t n = strnlen(src, size);

	if (!size)
		return -E2BIG;
	if (n < size) {
		memcpy(dst, src, n + 1);
		return (ssize_t)n;
	}
	memcpy(dst, src, size - 1);
	dst[size - 1] = '\0';
	return -E2BIG;
}

/* On a mismatch the last star takes one character more: no earlier one need be tried again. */
bool glob_match(const char *pattern, const char *s)
{
	const char *star = NULL, *resume = NULL;

	for (;;) {
		if (*pattern == '*') {
			star = ++pattern;
			resume = s;
		} else if (*s && (*pattern == '?' || *pattern == *s)) {
			pattern++;
			s++;
		} else if (!*s && !*pattern) {
			return true;
		} else if (star && *resume) {
			pattern = star;
			s = ++resume;
		} else {
			return false;
		}
	}
}

static unsigned int digit_value(char c)
{
	if (c >= '0' && c <= '9')
		return (unsigned int)(c - '0');
	c |= 0x20;
	return c >= 'a' && c <= 'f' ? (unsigned int)(c - 'a') + 10 : 99;
}

static const char *number_prefix(const char *s, unsigned int *base)
{
	bool hex = s[0] == '0' && (s[1] | 0x20) == 'x' && digit_value(s[2]) < 16;

	if (*base == 0)
		*base = hex ? 16 : s[0] == '0' ? 8 : 10;
	return *base == 16 && hex ? s + 2 : s;
}

/* Digits up to the end of @s or a final newline. */
static int parse_digits(const char *s, unsigned int base, u64 *res)
{
	u64 v = 0;

	if (digit_value(*s) >= base)
		return -EINVAL;
	for (; digit_value(*s) < base; s++)
		if (__builtin_mul_overflow(v, (u64)base, &v) ||
		    __builtin_add_overflow(v, (u64)digit_value(*s), &v))
			return -ERANGE;
	if (*s == '\n')
		s++;
	if (*s)
		return -EINVAL;
	*res = v;
	return 0;
}

int kstrtou64(const char *s, unsigned int base, u64 *res)
{
	if (*s == '+')
		s++;
	s = number_prefix(s, &base);
	return parse_digits(s, base, res);
}

int kstrtos64(const char *s, unsigned int base, s64 *res)
{
	bool negative = *s == '-';
	u64 v;
	int err = kstrtou64(negative ? s + 1 : s, base, &v);

	if (err)
		return err;
	if (v > (u64)0x7fffffffffffffff + negative)
		return -ERANGE;
	*res = negative ? (s64)(0 - v) : (s64)v;
	return 0;
}

/*
 * kernel/string.h - memory and string functions, and formatted text.
 *
 * Linux:   include/linux/string.h, kernel.h (6.1)
 * Same:    names and contracts; %p extensions below.
 * Differs: 1. the subset this kernel uses. 2. copies are loops of 8-byte words: right on every
 *             processor, where the string instructions of some are slow to start.
 * Locks:   none.
 * Walk:    everywhere.
 */
#pragma once
#include <stdarg.h>
#include "kernel/types.h"

void *memcpy(void *dst, const void *src, size_t n);
void *memmove(void *dst, const void *src, size_t n);
void *memset(void *dst, int c, size_t n);
int memcmp(const void *a, const void *b, size_t n);
void *memchr(const void *s, int c, size_t n);
size_t strlen(const char *s);
size_t strnlen(const char *s, size_t max);
int strcmp(const char *a, const char *b);
int strncmp(const char *a, const char *b, size_t n);
char *strchr(const char *s, int c);
char *strrchr(const char *s, int c);
char *strstr(const char *hay, const char *needle);
/*
 * strscpy - copy at most @size - 1 characters and end with NUL. Return: length, or -E2BIG if it was
 * cut.
 */
ssize_t strscpy(char *dst, const char *src, size_t size);
/* copy_page, clear_page - PAGE_SIZE bytes, both aligned to it. Context: any. */
void copy_page(void *dst, const void *src);
void clear_page(void *page);
/*
 * glob_match - does @s match @pattern, in which * stands for any text and ? for any character?
 * Context: any.
 */
bool glob_match(const char *pattern, const char *s);
/*
 * kstrtou64 - the whole of @s as a number (base 0: by prefix); a final newline may follow. Return:
 * 0, -EINVAL, -ERANGE.
 */
int __must_check kstrtou64(const char *s, unsigned int base, u64 *res);
int __must_check kstrtos64(const char *s, unsigned int base, s64 *res);

/*
 * vsnprintf, snprintf - as in C99, and: %pI4 (be32 *), %pM (MAC), %pS (symbol+offset), %pe (errno
 * in a pointer). scnprintf - returns what was written, not what would have been. Context: any.
 */
int vsnprintf(char *buf, size_t size, const char *fmt, va_list ap) __printf(3, 0);
int vscnprintf(char *buf, size_t size, const char *fmt, va_list ap) __printf(3, 0);
int snprintf(char *buf, size_t size, const char *fmt, ...) __printf(3, 4);
int scnprintf(char *buf, size_t size, const char *fmt, ...) __printf(3, 4);

/*
 * The kernel is compiled for no C library, so the compiler takes these names for strangers. Under
 * their built-in names it knows them, and copies a few bytes of constant number without a call.
 */
#ifndef POLLUX_HOST
#define memcpy(d, s, n)	__builtin_memcpy(d, s, n)
#define memset(d, c, n)	__builtin_memset(d, c, n)
#define memcmp(a, b, n)	__builtin_memcmp(a, b, n)
#define strlen(s)	__builtin_strlen(s)
#define strcmp(a, b)	__builtin_strcmp(a, b)
#endif

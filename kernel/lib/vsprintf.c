/*
 * kernel/lib/vsprintf.c - numbers, strings and addresses into text.
 *
 * Linux:   lib/vsprintf.c (6.1)
 * Same:    C99's conversions but floating point and %n; %p extensions by the letter that follows.
 * Differs: 1. of the extensions only %pI4, %pM, %pS, %ps, %pe. 2. a plain %p prints the address:
 *             the people who run this kernel are those who debug it.
 * Locks:   none.
 * Walk:    printk(), seq_printf(), trace_format().
 */
#include "kernel/err.h"
#include "kernel/printk.h"
#include "kernel/string.h"

enum { LEFT = 1, PLUS = 2, SPACE = 4, ALT = 8, ZERO = 16, UPPER = 32, NEGATIVE = 64 };
struct spec { int flags, width, precision; /* -1: none given */ };

/* Where text goes: @pos counts on past the end, as the return value wants it. */
struct out { char *buf; size_t size, pos; };

static void put(struct out *o, char c)
{
	if (o->pos < o->size)
		o->buf[o->pos] = c;
	o->pos++;
}

static void put_repeated(struct out *o, char c, int n)
{
	while (n-- > 0)
		put(o, c);
}

static void put_text(struct out *o, const char *s, size_t len, const struct spec *sp)
{
	int pad = sp->width - (int)len;

	if (!(sp->flags & LEFT))
		put_repeated(o, ' ', pad);
	while (len--)
		put(o, *s++);
	if (sp->flags & LEFT)
		put_repeated(o, ' ', pad);
}

static void put_string(struct out *o, const char *s, const struct spec *sp)
{
	if (!s)
		s = "(null)";
	put_text(o, s, sp->precision < 0 ? strlen(s) : strnlen(s, (size_t)sp->precision), sp);
}

/* The digits of @v, last first, into @rev. */
static int reverse_digits(char *rev, u64 v, unsigned int base, bool upper)
{
	const char *digits = upper ? "0123456789ABCDEF" : "0123456789abcdef";
	int n = 0;

	for (; v; v /= base)
		rev[n++] = digits[v % base];
	return n;
}

/* What stands before the digits: sign or base. */
static const char *number_sign(u64 v, unsigned int base, int flags)
{
	if (flags & NEGATIVE)
		return "-";
	if (base == 10)
		return flags & PLUS ? "+" : flags & SPACE ? " " : "";
	if (!(flags & ALT) || !v || base == 8)
		return "";
	return flags & UPPER ? "0X" : "0x";
}

static void put_number(struct out *o, u64 v, unsigned int base, const struct spec *sp)
{
	char rev[24];
	int n = reverse_digits(rev, v, base, sp->flags & UPPER);
	int zeros = (sp->precision < 0 ? 1 : sp->precision) - n;
	const char *sign = number_sign(v, base, sp->flags);
	int pad;

	if (base == 8 && (sp->flags & ALT) && zeros < 1)
		zeros = 1;
	zeros = max(zeros, 0);
	pad = sp->width - n - zeros - (int)strlen(sign);
	if (!(sp->flags & LEFT) && (sp->flags & ZERO) && sp->precision < 0 && pad > 0) {
		zeros += pad;
		pad = 0;
	}
	if (!(sp->flags & LEFT))
		put_repeated(o, ' ', pad);
	while (*sign)
		put(o, *sign++);
	put_repeated(o, '0', zeros);
	while (n)
		put(o, rev[--n]);
	if (sp->flags & LEFT)
		put_repeated(o, ' ', pad);
}

static void put_ip4(struct out *o, const u8 *a, const struct spec *sp)
{
	char text[16];
	int len = scnprintf(text, sizeof(text), "%u.%u.%u.%u", a[0], a[1], a[2], a[3]);

	put_text(o, text, (size_t)len, sp);
}

static void put_mac(struct out *o, const u8 *a, const struct spec *sp)
{
	char text[18];
	int len = scnprintf(text, sizeof(text), "%02x:%02x:%02x:%02x:%02x:%02x", a[0], a[1], a[2],
			    a[3], a[4], a[5]);

	put_text(o, text, (size_t)len, sp);
}

static void put_symbol(struct out *o, const void *p, bool offset, const struct spec *sp)
{
	unsigned long off;
	const char *name = kallsyms_lookup((unsigned long)p, &off);
	char text[96];
	int len;

	if (!name)
		len = scnprintf(text, sizeof(text), "0x%lx", (unsigned long)p);
	else if (offset)
		len = scnprintf(text, sizeof(text), "%s+0x%lx", name, off);
	else
		len = scnprintf(text, sizeof(text), "%s", name);
	put_text(o, text, (size_t)len, sp);
}

/* Return: how many letters of the format belonged to the conversion. */
static int put_pointer(struct out *o, const char *fmt, const void *p, struct spec *sp)
{
	struct spec plain = *sp;

	if (fmt[0] == 'I' && fmt[1] == '4') {
		put_ip4(o, p, sp);
		return 2;
	}
	switch (fmt[0]) {
	case 'M':
		put_mac(o, p, sp);
		return 1;
	case 'S':
	case 's':
		put_symbol(o, p, fmt[0] == 'S', sp);
		return 1;
	case 'e':
		if (IS_ERR(p)) {
			put_number(o, (u64)-PTR_ERR(p), 10,
				   &(struct spec){ sp->flags | NEGATIVE, sp->width, -1 });
			return 1;
		}
		break;
	}
	plain.precision = 16;
	put_number(o, (u64)p, 16, &plain);
	return fmt[0] == 'e';
}

static const char *parse_flags(const char *fmt, int *flags)
{
	for (;; fmt++) {
		switch (*fmt) {
		case '-': *flags |= LEFT; break;
		case '+': *flags |= PLUS; break;
		case ' ': *flags |= SPACE; break;
		case '#': *flags |= ALT; break;
		case '0': *flags |= ZERO; break;
		default: return fmt;
		}
	}
}

static const char *parse_count(const char *fmt, int *n, va_list *ap)
{
	*n = 0;
	if (*fmt == '*') {
		*n = va_arg(*ap, int);
		return fmt + 1;
	}
	for (; *fmt >= '0' && *fmt <= '9'; fmt++)
		*n = *n * 10 + (*fmt - '0');
	return fmt;
}

static const char *parse_spec(const char *fmt, struct spec *sp, va_list *ap)
{
	*sp = (struct spec){ 0, 0, -1 };
	fmt = parse_flags(fmt, &sp->flags);
	fmt = parse_count(fmt, &sp->width, ap);
	if (sp->width < 0) {
		sp->width = -sp->width;
		sp->flags |= LEFT;
	}
	if (*fmt == '.')
		fmt = parse_count(fmt + 1, &sp->precision, ap);
	return fmt;
}

/* Bytes of the integer that a length modifier announces. */
static const char *parse_length(const char *fmt, unsigned int *bytes)
{
	*bytes = sizeof(int);
	switch (*fmt) {
	case 'h':
		*bytes = fmt[1] == 'h' ? 1 : 2;
		return fmt + (fmt[1] == 'h' ? 2 : 1);
	case 'l':
		*bytes = sizeof(long);
		return fmt + (fmt[1] == 'l' ? 2 : 1);
	case 'z': case 'j': case 't':
		*bytes = sizeof(long);
		return fmt + 1;
	default:
		return fmt;
	}
}

static void put_signed(struct out *o, s64 v, struct spec *sp)
{
	if (v < 0)
		sp->flags |= NEGATIVE;
	put_number(o, v < 0 ? 0 - (u64)v : (u64)v, 10, sp);
}

/* Promoted as C's variable arguments are, then cut to @bytes. */
static s64 arg_signed(va_list *ap, unsigned int bytes)
{
	s64 v = bytes == sizeof(long) ? va_arg(*ap, long) : va_arg(*ap, int);

	return bytes == 1 ? (s8)v : bytes == 2 ? (s16)v : v;
}

static u64 arg_unsigned(va_list *ap, unsigned int bytes)
{
	u64 v = bytes == sizeof(long) ? va_arg(*ap, unsigned long) : va_arg(*ap, unsigned int);

	return bytes == 1 ? (u8)v : bytes == 2 ? (u16)v : v;
}

/* One conversion, @fmt behind its percent sign. Return: the rest of the format. */
static const char *convert(struct out *o, const char *fmt, va_list *ap)
{
	struct spec sp;
	unsigned int bytes;
	char c;

	fmt = parse_length(parse_spec(fmt, &sp, ap), &bytes);
	switch (*fmt) {
	case 'd': case 'i':
		put_signed(o, arg_signed(ap, bytes), &sp);
		break;
	case 'u':
		put_number(o, arg_unsigned(ap, bytes), 10,
			   &(struct spec){ sp.flags & ~(PLUS | SPACE), sp.width, sp.precision });
		break;
	case 'X':
		sp.flags |= UPPER;
		fallthrough;
	case 'x':
		put_number(o, arg_unsigned(ap, bytes), 16, &sp);
		break;
	case 'o':
		put_number(o, arg_unsigned(ap, bytes), 8, &sp);
		break;
	case 'c':
		c = (char)va_arg(*ap, int);
		put_text(o, &c, 1, &sp);
		break;
	case 's':
		put_string(o, va_arg(*ap, const char *), &sp);
		break;
	case 'p':
		return fmt + 1 + put_pointer(o, fmt + 1, va_arg(*ap, void *), &sp);
	case '%':
		put(o, '%');
		break;
	default:
		put(o, '%'); /* a mistake in the format shows in the output */
		return fmt;
	}
	return fmt + 1;
}

int vsnprintf(char *buf, size_t size, const char *fmt, va_list ap)
{
	struct out o = { buf, size, 0 };
	va_list args;

	va_copy(args, ap);
	while (*fmt) {
		if (*fmt == '%')
			fmt = convert(&o, fmt + 1, &args);
		else
			put(&o, *fmt++);
	}
	va_end(args);
	if (size)
		buf[min(o.pos, size - 1)] = '\0';
	return (int)o.pos;
}

int vscnprintf(char *buf, size_t size, const char *fmt, va_list ap)
{
	int n = vsnprintf(buf, size, fmt, ap);

	if (!size)
		return 0;
	return min(n, (int)size - 1);
}

int snprintf(char *buf, size_t size, const char *fmt, ...)
{
	va_list ap;
	int n;

	va_start(ap, fmt);
	n = vsnprintf(buf, size, fmt, ap);
	va_end(ap);
	return n;
}

int scnprintf(char *buf, size_t size, const char *fmt, ...)
{
	va_list ap;
	int n;

	va_start(ap, fmt);
	n = vscnprintf(buf, size, fmt, ap);
	va_end(ap);
	return n;
}

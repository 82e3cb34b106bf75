/*
 * kernel/types.h - the integer types, and the one-word types that keep unlike numbers apart.
 *
 * Linux:   include/linux/types.h, byteorder, container_of.h (6.1)
 * Same:    u8..u64, container_of, the names of the conversions.
 * Differs: 1. be16/be32/uptr are structs of one word: mixing them with integers does not compile, with plain
 *             gcc and without sparse; they cost nothing at run time.
 * Locks:   none.
 * Walk:    included by everything.
 */
#pragma once
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include "kernel/compiler.h"

typedef uint8_t u8;
typedef uint16_t u16;
typedef uint32_t u32;
typedef uint64_t u64;
typedef int8_t s8;
typedef int16_t s16;
typedef int32_t s32;
typedef int64_t s64;
typedef long ssize_t;
typedef s64 loff_t;
typedef int pid_t;
typedef u32 uid_t;
typedef u32 gid_t;
typedef u32 umode_t;
typedef u32 dev_t;
typedef u64 phys_addr_t;
/* Event bits of poll and epoll (EPOLLIN ...); a type of its own in Linux (with sparse), a name here. */
typedef u32 __poll_t;

/* Numbers as they travel on the wire: most significant byte first. */
typedef struct { u16 raw; } be16;
typedef struct { u32 raw; } be32;

static inline be16 cpu_to_be16(u16 v) { return (be16){ __builtin_bswap16(v) }; }
static inline be32 cpu_to_be32(u32 v) { return (be32){ __builtin_bswap32(v) }; }
static inline u16 be16_to_cpu(be16 v) { return __builtin_bswap16(v.raw); }
static inline u32 be32_to_cpu(be32 v) { return __builtin_bswap32(v.raw); }
static inline bool be16_eq(be16 a, be16 b) { return a.raw == b.raw; }
static inline bool be32_eq(be32 a, be32 b) { return a.raw == b.raw; }
#define htons cpu_to_be16
#define htonl cpu_to_be32
#define ntohs be16_to_cpu
#define ntohl be32_to_cpu

/* An address in user space. It cannot be dereferenced; kernel/uaccess.h copies through it. */
typedef struct { u64 addr; } uptr;
#define UPTR(a)		((uptr){ (u64)(a) })
#define UPTR_NULL	((uptr){ 0 })
static inline uptr uptr_add(uptr p, u64 n) { return (uptr){ p.addr + n }; }
static inline bool uptr_is_null(uptr p) { return p.addr == 0; }

#define container_of(ptr, type, member) ({					\
	const typeof(((type *)0)->member) *__mptr = (ptr);			\
	(type *)((char *)__mptr - offsetof(type, member)); })

#ifndef static_assert
#define static_assert _Static_assert
#endif

#define ARRAY_SIZE(a)		(sizeof(a) / sizeof((a)[0]))
#define ALIGN(x, a)		(((x) + ((typeof(x))(a) - 1)) & ~((typeof(x))(a) - 1))
#define ALIGN_DOWN(x, a)	((x) & ~((typeof(x))(a) - 1))
#define IS_ALIGNED(x, a)	(((x) & ((typeof(x))(a) - 1)) == 0)
#define DIV_ROUND_UP(n, d)	(((n) + (d) - 1) / (d))
/* Each use has names of its own, so that uses can be nested. */
#define __PASTE2(a, b)		a##b
#define __PASTE(a, b)		__PASTE2(a, b)
#define __pick(op, ta, a, tb, b, x, y) ({ ta x = (a); tb y = (b); (void)(&x == &y); x op y ? x : y; })
#define __pick_id(op, ta, a, tb, b, id) __pick(op, ta, a, tb, b, __PASTE(__pa, id), __PASTE(__pb, id))
#define min(a, b)		__pick_id(<, typeof(a), a, typeof(b), b, __COUNTER__)
#define max(a, b)		__pick_id(>, typeof(a), a, typeof(b), b, __COUNTER__)
#define min_t(t, a, b)		__pick_id(<, t, a, t, b, __COUNTER__)
#define max_t(t, a, b)		__pick_id(>, t, a, t, b, __COUNTER__)
#define clamp(v, lo, hi)	min(max(v, lo), hi)
#define swap(a, b) do { typeof(a) __t = (a); (a) = (b); (b) = __t; } while (0)
#define BIT(n)			(1UL << (n))
#define U64_MAX			(~(u64)0)
#define U32_MAX			(~(u32)0)
#define S32_MAX			((s32)(U32_MAX >> 1))
#define LONG_MAX		((long)(~0UL >> 1))

#define KIB			1024UL
#define MIB			(1024UL * KIB)
#define GIB			(1024UL * MIB)

/*
 * kernel/uaccess.h - the only ways to touch user memory.
 *
 * Linux:   include/linux/uaccess.h (6.1)
 * Same:    copy_from_user(), copy_to_user() return the number of bytes NOT copied; get_user(), put_user()
 *          0 or -EFAULT.
 * Differs: 1. a user address is a uptr: it cannot be dereferenced. 2. get_user(x, p) and put_user(x, p) take
 *             the size from x.
 * Locks:   none may be spun on: all of these may sleep (page faults take MMAP_MTX).
 * Walk:    tcp_recvmsg() -> copy_to_iter() -> copy_to_user().
 */
#pragma once
#include "kernel/arch.h"
#include "kernel/errno.h"
#include "kernel/types.h"

/* access_ok - does [p, p + n) lie in user space? (Says nothing of what is mapped.) */
static inline bool access_ok(uptr p, size_t n) { return n <= TASK_SIZE && p.addr <= TASK_SIZE - n; }
/* copy_from_user - Return: bytes not copied; the rest of @dst is zeroed then. Context: task, may sleep. */
size_t __must_check copy_from_user(void *dst, uptr src, size_t n);
size_t __must_check copy_to_user(uptr dst, const void *src, size_t n);
/* clear_user - zero. Return: bytes not cleared. */
size_t __must_check clear_user(uptr dst, size_t n);
/* strncpy_from_user - Return: length without NUL (== @max: no NUL found), or -EFAULT. */
ssize_t __must_check strncpy_from_user(char *dst, uptr src, size_t max);
/* strnlen_user - Return: length with the NUL, 0 on a fault, @max + 1 if none was found. */
size_t __must_check strnlen_user(uptr src, size_t max);
/* futex_cmpxchg_user etc.: *@uval = what was there. Return: 0 or -EFAULT. */
int __must_check cmpxchg_user_u32(uptr p, u32 old, u32 new, u32 *uval);

/* Copies that do not fault pages in: for callers that hold spinlocks. Return: bytes not copied. Context: any. */
size_t __must_check copy_from_user_nofault(void *dst, uptr src, size_t n);

/* The inline part: 1, 2, 4 and 8 bytes. */
int __must_check __get_user_1(u8 *x, uptr p);
int __must_check __get_user_2(u16 *x, uptr p);
int __must_check __get_user_4(u32 *x, uptr p);
int __must_check __get_user_8(u64 *x, uptr p);
int __must_check __put_user_1(u8 x, uptr p);
int __must_check __put_user_2(u16 x, uptr p);
int __must_check __put_user_4(u32 x, uptr p);
int __must_check __put_user_8(u64 x, uptr p);
#define get_user(x, p) ({ int __e; switch (sizeof(x)) {						\
	case 1: __e = __get_user_1((u8 *)&(x), p); break;					\
	case 2: __e = __get_user_2((u16 *)&(x), p); break;					\
	case 4: __e = __get_user_4((u32 *)&(x), p); break;					\
	default: static_assert(sizeof(x) <= 8, "get_user"); __e = __get_user_8((u64 *)&(x), p); } __e; })
#define put_user(x, p) ({ int __e; typeof(x) __v = (x); switch (sizeof(x)) {			\
	case 1: __e = __put_user_1((u8)(u64)__v, p); break;					\
	case 2: __e = __put_user_2((u16)(u64)__v, p); break;					\
	case 4: __e = __put_user_4((u32)(u64)__v, p); break;					\
	default: __e = __put_user_8((u64)__v, p); } __e; })

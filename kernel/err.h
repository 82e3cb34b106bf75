/*
 * kernel/err.h - an errno in place of a pointer.
 *
 * Linux:   include/linux/err.h (6.1)
 * Same:    all.
 * Differs: none.
 * Locks:   none.
 * Walk:    anon_inode_getfile() and whatever can fail in several ways.
 */
#pragma once
#include "kernel/errno.h"
#include "kernel/types.h"

#define MAX_ERRNO 4095
#define IS_ERR_VALUE(x) ((unsigned long)(x) >= (unsigned long)-MAX_ERRNO)
static inline void *ERR_PTR(long err) { return (void *)err; }
static inline long PTR_ERR(const void *p) { return (long)p; }
static inline bool IS_ERR(const void *p) { return unlikely(IS_ERR_VALUE(p)); }
static inline bool IS_ERR_OR_NULL(const void *p) { return !p || IS_ERR(p); }
#define ERR_CAST(p) ((void *)(p))

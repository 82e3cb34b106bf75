/*
 * fs/stat.h - file types, modes, and the structures stat(2) fills.
 *
 * Linux:   uapi/linux/stat.h, asm/stat.h (6.1)
 * Same:    values and layouts.
 * Differs: none.
 * Locks:   none.
 * Walk:    newfstatat() -> vfs_getattr().
 */
#pragma once
#include "kernel/time.h"

enum {
	S_IFMT = 0170000, S_IFSOCK = 0140000, S_IFLNK = 0120000, S_IFREG = 0100000, S_IFBLK = 0060000,
	S_IFDIR = 0040000, S_IFCHR = 0020000, S_IFIFO = 0010000,
	S_ISUID = 04000, S_ISGID = 02000, S_ISVTX = 01000, S_IALLUGO = 07777, S_IRWXUGO = 0777,
	S_IRWXU = 0700, S_IRUSR = 0400, S_IWUSR = 0200, S_IXUSR = 0100,
};
#define S_ISLNK(m) (((m) & S_IFMT) == S_IFLNK)
#define S_ISREG(m) (((m) & S_IFMT) == S_IFREG)
#define S_ISDIR(m) (((m) & S_IFMT) == S_IFDIR)
#define S_ISCHR(m) (((m) & S_IFMT) == S_IFCHR)
#define S_ISBLK(m) (((m) & S_IFMT) == S_IFBLK)
#define S_ISFIFO(m) (((m) & S_IFMT) == S_IFIFO)
#define S_ISSOCK(m) (((m) & S_IFMT) == S_IFSOCK)

#define MKDEV(ma, mi) (((ma) << 20) | (mi))
#define MAJOR(d) ((d) >> 20)
#define MINOR(d) ((d) & 0xfffff)
/* The encoding stat shows. */
static inline u64 new_encode_dev(dev_t d)
{
	return (MINOR(d) & 0xff) | (MAJOR(d) << 8) | ((u64)(MINOR(d) & ~0xffU) << 12);
}
static inline dev_t new_decode_dev(u32 d) { return MKDEV((d & 0xfff00) >> 8, (d & 0xff) | ((d >> 12) & 0xfff00)); }

/* What getattr fills; times in ns since 1970. */
struct kstat {
	u64 ino; dev_t dev, rdev; umode_t mode; u32 nlink; uid_t uid; gid_t gid;
	loff_t size; u32 blksize; u64 blocks;
	u64 atime_ns, mtime_ns, ctime_ns, btime_ns;
};
struct stat_abi {
	u64 st_dev, st_ino, st_nlink;
	u32 st_mode, st_uid, st_gid, __pad0;
	u64 st_rdev;
	s64 st_size, st_blksize, st_blocks;
	u64 st_atime, st_atime_nsec, st_mtime, st_mtime_nsec, st_ctime, st_ctime_nsec;
	s64 __unused_[3];
};
static_assert(sizeof(struct stat_abi) == 144, "ABI");

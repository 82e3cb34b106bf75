/*
 * fs/notify.h - telling whoever watches (inotify) what happens to files.
 *
 * Linux:   include/linux/fsnotify.h, uapi/linux/inotify.h (6.1)
 * Same:    the events and where they are reported: to watches of the file, and of its directory with the name.
 * Differs: 1. while nobody watches anything an event costs one test of one word.
 * Locks:   none to call; TASK_MTX inside.
 * Walk:    vfs_unlink() -> fsnotify_dir() -> inotify's queue.
 */
#pragma once
#include "fs/fs.h"
#include "kernel/barrier.h"

enum {
	IN_ACCESS = 0x1, IN_MODIFY = 0x2, IN_ATTRIB = 0x4, IN_CLOSE_WRITE = 0x8, IN_CLOSE_NOWRITE = 0x10,
	IN_OPEN = 0x20,
	IN_MOVED_FROM = 0x40, IN_MOVED_TO = 0x80, IN_CREATE = 0x100, IN_DELETE = 0x200, IN_DELETE_SELF = 0x400,
	IN_MOVE_SELF = 0x800, IN_ALL_EVENTS = 0xfff, IN_UNMOUNT = 0x2000, IN_Q_OVERFLOW = 0x4000, IN_IGNORED = 0x8000,
	IN_ISDIR = 0x40000000,
};

extern int inotify_watches;	/* how many there are; read without a lock */
void __fsnotify_dentry(struct dentry *dentry, u32 mask);
void __fsnotify_dir(struct inode *dir, const char *name, u32 mask, u32 cookie);
void __fsnotify_inode(struct inode *inode, u32 mask);
void __inotify_inode_gone(struct inode *inode);

/* fsnotify_dentry - @mask happened to the file @dentry names: its watchers hear, and its directory's. Context: task. */
static inline void fsnotify_dentry(struct dentry *dentry, u32 mask)
{
	if (unlikely(READ_ONCE(inotify_watches)))
		__fsnotify_dentry(dentry, mask);
}
/* fsnotify_dir - the entry @name of @dir came or went; @cookie joins the halves of a move. Context: task. */
static inline void fsnotify_dir(struct inode *dir, const char *name, u32 mask, u32 cookie)
{
	if (unlikely(READ_ONCE(inotify_watches)))
		__fsnotify_dir(dir, name, mask, cookie);
}
/* fsnotify_inode - @mask happened to the file itself (IN_MOVE_SELF, IN_ATTRIB for a link count). Context: task. */
static inline void fsnotify_inode(struct inode *inode, u32 mask)
{
	if (unlikely(READ_ONCE(inotify_watches)))
		__fsnotify_inode(inode, mask);
}
/* inotify_inode_gone - nothing names or uses @inode any more: IN_DELETE_SELF, and its watches end. Context: task. */
static inline void inotify_inode_gone(struct inode *inode)
{
	if (unlikely(READ_ONCE(inotify_watches)))
		__inotify_inode_gone(inode);
}

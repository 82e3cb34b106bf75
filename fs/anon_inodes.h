/*
 * fs/anon_inodes.h - files that have no name in any directory.
 *
 * Linux:   include/linux/anon_inodes.h (6.1)
 * Same:    all such files share one inode.
 * Differs: none.
 * Locks:   none.
 * Walk:    epoll_create1(), eventfd2() -> anon_inode_getfile().
 */
#pragma once
struct file;
struct file_operations;
/*
 * anon_inode_getfile - @name shows in /proc/PID/fd as "anon_inode:NAME". @flags: O_RDWR, O_NONBLOCK... Return: a
 * file or ERR_PTR. Context: task.
 */
struct file *anon_inode_getfile(const char *name, const struct file_operations *fops, void *priv, int flags);
/*
 * anon_inode_getfd - the same, installed at a descriptor (O_CLOEXEC in @flags). Return: fd or -errno; on failure
 * @priv is the caller's.
 */
int anon_inode_getfd(const char *name, const struct file_operations *fops, void *priv, int flags);
/* anon_inode_name - the @name that @file was made with, NULL if it is no such file. Context: any. */
const char *anon_inode_name(const struct file *file);

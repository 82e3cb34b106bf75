/*
 * fs/xattr.c - extended attributes, which no file system here keeps: each call finds the file and says so.
 *
 * Linux:   fs/xattr.c (6.1)
 * Same:    errors of the path come first; then EOPNOTSUPP, as on Linux's ramfs; an empty list is a list.
 * Differs: none of note.
 * Locks:   none of its own.
 * Walk:    getxattr(2) -> no_xattr_at().
 */
#include "fs/file.h"
#include "fs/internal.h"
#include "kernel/syscall.h"
#include "kernel/uaccess.h"

#define XATTR_NAME_MAX 255

/* Is the attribute's name one? Return: 0, -ERANGE or -EFAULT. */
static long check_name(uptr name)
{
	char buf[XATTR_NAME_MAX + 1];
	ssize_t len = strncpy_from_user(buf, name, sizeof(buf));

	if (len < 0)
		return len;
	return len == 0 || len == sizeof(buf) ? -ERANGE : 0;
}

/* @ret, if the file is there and @name (null: a list is asked for) could be an attribute's. */
static long no_xattr_at(uptr pathname, unsigned int lookup, uptr name, long ret)
{
	struct path path;
	long err = user_path_at(AT_FDCWD, pathname, lookup, &path);

	if (err)
		return err;
	path_put(&path);
	if (!uptr_is_null(name))
		err = check_name(name);
	return err ? err : ret;
}

static long no_xattr_fd(unsigned int fd, uptr name, long ret)
{
	struct fd f = fdget(fd);

	if (!f.file)
		return -EBADF;
	fdput(f);
	long err = uptr_is_null(name) ? 0 : check_name(name);

	return err ? err : ret;
}

SYSCALL_DEFINE5(setxattr, uptr, path, uptr, name, __unused uptr, value, __unused size_t, size, __unused int, flags)
{
	return no_xattr_at(path, LOOKUP_FOLLOW, name, -EOPNOTSUPP);
}

SYSCALL_DEFINE5(lsetxattr, uptr, path, uptr, name, __unused uptr, value, __unused size_t, size, __unused int, flags)
{
	return no_xattr_at(path, 0, name, -EOPNOTSUPP);
}

SYSCALL_DEFINE5(fsetxattr, unsigned int, fd, uptr, name, __unused uptr, value, __unused size_t, size,
		__unused int, flags)
{
	return no_xattr_fd(fd, name, -EOPNOTSUPP);
}

SYSCALL_DEFINE4(getxattr, uptr, path, uptr, name, __unused uptr, value, __unused size_t, size)
{
	return no_xattr_at(path, LOOKUP_FOLLOW, name, -EOPNOTSUPP);
}

SYSCALL_DEFINE4(lgetxattr, uptr, path, uptr, name, __unused uptr, value, __unused size_t, size)
{
	return no_xattr_at(path, 0, name, -EOPNOTSUPP);
}

SYSCALL_DEFINE4(fgetxattr, unsigned int, fd, uptr, name, __unused uptr, value, __unused size_t, size)
{
	return no_xattr_fd(fd, name, -EOPNOTSUPP);
}

SYSCALL_DEFINE3(listxattr, uptr, path, __unused uptr, list, __unused size_t, size)
{
	return no_xattr_at(path, LOOKUP_FOLLOW, UPTR_NULL, 0);
}

SYSCALL_DEFINE3(llistxattr, uptr, path, __unused uptr, list, __unused size_t, size)
{
	return no_xattr_at(path, 0, UPTR_NULL, 0);
}

SYSCALL_DEFINE3(flistxattr, unsigned int, fd, __unused uptr, list, __unused size_t, size)
{
	return no_xattr_fd(fd, UPTR_NULL, 0);
}

SYSCALL_DEFINE2(removexattr, uptr, path, uptr, name)
{
	return no_xattr_at(path, LOOKUP_FOLLOW, name, -EOPNOTSUPP);
}

SYSCALL_DEFINE2(lremovexattr, uptr, path, uptr, name)
{
	return no_xattr_at(path, 0, name, -EOPNOTSUPP);
}

SYSCALL_DEFINE2(fremovexattr, unsigned int, fd, uptr, name)
{
	return no_xattr_fd(fd, name, -EOPNOTSUPP);
}

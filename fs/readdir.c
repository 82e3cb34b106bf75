/*
 * fs/readdir.c - listing a directory.
 *
 * Linux:   fs/readdir.c (6.1)
 * Same:    getdents64's records with d_off; a record that does not fit ends the call; EINVAL if not one fits.
 * Differs: none.
 * Locks:   FPOS, then the directory's INODE_MTX.
 * Walk:    getdents64() -> iterate_dir() -> f_op->iterate_shared() -> dir_emit() -> filldir64().
 */
#include "fs/file.h"
#include "fs/internal.h"
#include "fs/notify.h"
#include "kernel/string.h"
#include "kernel/syscall.h"
#include "kernel/uaccess.h"

struct linux_dirent64 {
	u64 d_ino;
	s64 d_off;
	u16 d_reclen;
	u8 d_type;
	char d_name[];
};
struct linux_dirent {
	u64 d_ino, d_off;
	u16 d_reclen;
	char d_name[];
};

struct getdents_callback {
	struct dir_context ctx;
	uptr current_dir;	/* where the next record goes */
	uptr prev;		/* the record before, whose d_off is not known yet */
	u64 off_at;		/* offset of d_off in a record */
	int count, error;
};

bool dir_emit(struct dir_context *ctx, const char *name, int len, u64 ino, unsigned int type)
{
	return ctx->actor(ctx, name, len, ctx->pos, ino, type);
}

/*
 * A listing that ends early is told by @error; a record is written whole, then the d_off of the one before
 * it.
 */
static bool add_record(struct getdents_callback *buf, void *rec, int reclen, loff_t pos)
{
	buf->error = -EINVAL;
	if (reclen > buf->count)
		return false;
	buf->error = -EFAULT;
	if (!uptr_is_null(buf->prev) && put_user(pos, uptr_add(buf->prev, buf->off_at)))
		return false;
	if (copy_to_user(buf->current_dir, rec, (size_t)reclen))
		return false;
	buf->error = 0;
	buf->prev = buf->current_dir;
	buf->current_dir = uptr_add(buf->current_dir, (u64)reclen);
	buf->count -= reclen;
	return true;
}

static bool filldir64(struct dir_context *ctx, const char *name, int len, loff_t pos, u64 ino, unsigned int type)
{
	struct getdents_callback *buf = container_of(ctx, struct getdents_callback, ctx);
	union {
		struct linux_dirent64 d;
		u8 bytes[ALIGN(offsetof(struct linux_dirent64, d_name) + NAME_MAX + 1, 8)];
	} rec;
	int reclen = (int)ALIGN(offsetof(struct linux_dirent64, d_name) + (size_t)len + 1, 8);

	/* the padding behind the name first: nothing of this stack may leave with it */
	memset(rec.bytes + reclen - 8, 0, 8);
	rec.d.d_ino = ino;
	rec.d.d_off = 0;
	rec.d.d_reclen = (u16)reclen;
	rec.d.d_type = (u8)type;
	memcpy(rec.d.d_name, name, (size_t)len);
	return add_record(buf, &rec, reclen, pos);
}

/* The old record: the type stands in the last byte. */
static bool filldir(struct dir_context *ctx, const char *name, int len, loff_t pos, u64 ino, unsigned int type)
{
	struct getdents_callback *buf = container_of(ctx, struct getdents_callback, ctx);
	union { struct linux_dirent d; u8 bytes[ALIGN(offsetof(struct linux_dirent, d_name) + NAME_MAX + 2, 8)]; } rec;
	int reclen = (int)ALIGN(offsetof(struct linux_dirent, d_name) + (size_t)len + 2, 8);

	memset(rec.bytes, 0, (size_t)reclen);
	rec.d.d_ino = ino;
	rec.d.d_reclen = (u16)reclen;
	memcpy(rec.d.d_name, name, (size_t)len);
	rec.bytes[reclen - 1] = (u8)type;
	return add_record(buf, &rec, reclen, pos);
}

static int iterate_dir(struct file *file, struct dir_context *ctx)
{
	struct inode *inode = file->f_inode;
	int err = -ENOENT;

	if (!file->f_op->iterate_shared)
		return -ENOTDIR;
	mutex_lock(&inode->i_rwsem);
	if (!file->f_path.dentry->d_unlinked) {
		ctx->pos = file->f_pos;
		err = file->f_op->iterate_shared(file, ctx);
		file->f_pos = ctx->pos;
		touch_atime(file);
		fsnotify_dentry(file->f_path.dentry, IN_ACCESS);
	}
	mutex_unlock(&inode->i_rwsem);
	return err;
}

static long do_getdents(unsigned int fd, struct getdents_callback *buf, unsigned int count)
{
	struct fd f = fdget(fd);

	if (!f.file)
		return -EBADF;
	bool shared = atomic_long_read(&f.file->f_count) > 1;

	buf->count = (int)min(count, (unsigned int)S32_MAX);
	if (shared)
		mutex_lock(&f.file->f_pos_lock);
	int start = buf->count;
	long err = iterate_dir(f.file, &buf->ctx);

	if (!err)
		err = buf->error;
	if (!uptr_is_null(buf->prev)) {
		/* records were written: those count, the error comes back with the next call */
		err = put_user(f.file->f_pos, uptr_add(buf->prev, buf->off_at)) ? -EFAULT : start - buf->count;
	}
	if (shared)
		mutex_unlock(&f.file->f_pos_lock);
	fdput(f);
	return err;
}

SYSCALL_DEFINE3(getdents64, unsigned int, fd, uptr, dirent, unsigned int, count)
{
	struct getdents_callback buf = { .ctx.actor = filldir64, .current_dir = dirent,
					 .off_at = offsetof(struct linux_dirent64, d_off) };

	return do_getdents(fd, &buf, count);
}

SYSCALL_DEFINE3(getdents, unsigned int, fd, uptr, dirent, unsigned int, count)
{
	struct getdents_callback buf = { .ctx.actor = filldir, .current_dir = dirent,
					 .off_at = offsetof(struct linux_dirent, d_off) };

	return do_getdents(fd, &buf, count);
}

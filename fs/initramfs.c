/*
 * fs/initramfs.c - unpacking the archive the boot loader brought into the root file system.
 *
 * Linux:   init/initramfs.c, Documentation/driver-api/early-userspace/buffer-format.rst (6.1)
 * Same:    cpio "newc" (070701 and 070702), several archives behind one another with zeros between; hard links by
 *          inode number; directories, links, device nodes, FIFOs.
 * Differs: 1. no compressed archives: -EINVAL. 2. a checksum (070702) is not verified.
 * Locks:   none held.
 * Walk:    kernel_init() -> initramfs_unpack() -> do_filp_open(), kernel_write().
 */
#include "fs/file.h"
#include "fs/internal.h"
#include "kernel/printk.h"
#include "kernel/slab.h"
#include "kernel/string.h"

#define CPIO_HEADER 110
#define TRAILER "TRAILER!!!"

enum {
	C_INO, C_MODE, C_UID, C_GID, C_NLINK, C_MTIME, C_FILESIZE, C_MAJ, C_MIN, C_RMAJ, C_RMIN,
	C_NAMESIZE, C_CHECK, C_NR,
};

/* A file with several names: the later ones become links to the first. */
struct seen_inode { struct seen_inode *next; u32 ino, maj, min; char name[]; };

struct unpacker {
	const u8 *p, *end;
	struct seen_inode *seen;
	u32 f[C_NR];
	const char *name;	/* with a slash in front, from the root on */
	const u8 *data;
};

static int parse_hex(const u8 *s, u32 *v)
{
	*v = 0;
	for (int i = 0; i < 8; i++) {
		u8 c = s[i] | 0x20;

		if (c >= '0' && c <= '9')
			*v = *v * 16 + (c - '0');
		else if (c >= 'a' && c <= 'f')
			*v = *v * 16 + (c - 'a' + 10);
		else
			return -EINVAL;
	}
	return 0;
}

/* Read the next header and move behind its data. Return: 1 an entry, 0 no more, or -EINVAL. */
static int next_entry(struct unpacker *u, char *name, size_t name_size)
{
	while (u->p < u->end && !*u->p)
		u->p++;
	if (u->p == u->end)
		return 0;
	if ((size_t)(u->end - u->p) < CPIO_HEADER || memcmp(u->p, "07070", 5) || (u->p[5] != '1' && u->p[5] != '2'))
		return -EINVAL;
	for (int i = 0; i < C_NR; i++) {
		if (parse_hex(u->p + 6 + i * 8, &u->f[i]))
			return -EINVAL;
	}
	size_t left = (size_t)(u->end - u->p), name_end = ALIGN(CPIO_HEADER + (size_t)u->f[C_NAMESIZE], 4);

	if (u->f[C_NAMESIZE] < 1 || u->f[C_NAMESIZE] + 1 > name_size || name_end > left ||
	    u->f[C_FILESIZE] > left - name_end)
		return -EINVAL;
	name[0] = '/';
	memcpy(name + 1, u->p + CPIO_HEADER, u->f[C_NAMESIZE]);
	name[u->f[C_NAMESIZE]] = '\0';
	u->name = name;
	u->data = u->p + name_end;
	u->p = u->data + min_t(size_t, ALIGN((size_t)u->f[C_FILESIZE], 4), left - name_end);
	return 1;
}

static void free_seen(struct unpacker *u)
{
	while (u->seen) {
		struct seen_inode *s = u->seen;

		u->seen = s->next;
		kfree(s);
	}
}

/* Return: the first name of this inode, or NULL after noting this one. */
static const char *first_name(struct unpacker *u)
{
	struct seen_inode *s;

	if (u->f[C_NLINK] < 2)
		return NULL;
	for (s = u->seen; s; s = s->next) {
		if (s->ino == u->f[C_INO] && s->maj == u->f[C_MAJ] && s->min == u->f[C_MIN])
			return s->name;
	}
	s = kmalloc(sizeof(*s) + strlen(u->name) + 1, GFP_KERNEL);
	if (!s)
		return NULL;
	s->ino = u->f[C_INO];
	s->maj = u->f[C_MAJ];
	s->min = u->f[C_MIN];
	strscpy(s->name, u->name, strlen(u->name) + 1);
	s->next = u->seen;
	u->seen = s;
	return NULL;
}

static int set_attributes(const struct unpacker *u)
{
	struct path path;
	int err = kern_path(u->name, 0, &path);

	if (err)
		return err;
	struct inode *inode = path.dentry->d_inode;

	inode->i_uid = u->f[C_UID];
	inode->i_gid = u->f[C_GID];
	if (!S_ISLNK(inode->i_mode))
		inode->i_mode = (inode->i_mode & S_IFMT) | (u->f[C_MODE] & S_IALLUGO);
	inode->i_mtime_ns = (u64)u->f[C_MTIME] * NSEC_PER_SEC;
	path_put(&path);
	return 0;
}

static int write_content(const struct unpacker *u, const char *name, unsigned int flags)
{
	struct file *f = do_filp_open(AT_FDCWD, name, O_WRONLY | flags, u->f[C_MODE] & S_IALLUGO);
	loff_t pos = 0;
	int err = 0;

	if (IS_ERR(f))
		return (int)PTR_ERR(f);
	while (pos < (loff_t)u->f[C_FILESIZE]) {
		ssize_t n = kernel_write(f, u->data + pos, (size_t)u->f[C_FILESIZE] - (size_t)pos, &pos);

		if (n <= 0) {
			err = n ? (int)n : -EIO;
			break;
		}
	}
	fput_now(f);
	return err;
}

static int make_regular(struct unpacker *u)
{
	const char *first = first_name(u);
	struct path old;

	if (!first)
		return write_content(u, u->name, O_CREAT | O_TRUNC);
	int err = kern_path(first, 0, &old);

	if (err)
		return err;
	err = kern_link(&old, u->name);
	path_put(&old);
	if (err)
		return err;
	/* the content comes with the last of the names */
	return u->f[C_FILESIZE] ? write_content(u, u->name, O_TRUNC) : 0;
}

static int make_symlink(const struct unpacker *u)
{
	char *target = __getname();

	if (!target)
		return -ENOMEM;
	int err = -EINVAL;

	if (u->f[C_FILESIZE] < PATH_MAX) {
		memcpy(target, u->data, u->f[C_FILESIZE]);
		target[u->f[C_FILESIZE]] = '\0';
		err = do_symlinkat(target, AT_FDCWD, u->name);
	}
	__putname(target);
	return err;
}

static int make_node(const struct unpacker *u)
{
	struct path path;
	int err = kern_mknod(u->name, u->f[C_MODE] & (S_IFMT | S_IALLUGO), MKDEV(u->f[C_RMAJ], u->f[C_RMIN]), &path);

	if (!err)
		path_put(&path);
	return err;
}

static int make_entry(struct unpacker *u)
{
	int err;

	switch (u->f[C_MODE] & S_IFMT) {
	case S_IFREG:
		err = make_regular(u);
		break;
	case S_IFDIR:
		err = do_mkdirat(AT_FDCWD, u->name, u->f[C_MODE] & S_IALLUGO);
		break;
	case S_IFLNK:
		err = make_symlink(u);
		break;
	case S_IFCHR:
	case S_IFBLK:
	case S_IFIFO:
	case S_IFSOCK:
		err = make_node(u);
		break;
	default:
		return 0;
	}
	/* What is there already stays: /dev has its nodes, and a later archive may list a directory again. */
	if (err == -EEXIST)
		return 0;
	return err ? err : set_attributes(u);
}

int initramfs_unpack(const void *start, const void *end)
{
	struct unpacker u = { .p = start, .end = end };
	char *name = __getname();
	int err = 0, more;

	if (!name)
		return -ENOMEM;
	while ((more = next_entry(&u, name, PATH_MAX)) > 0) {
		if (!strcmp(u.name + 1, TRAILER)) {
			free_seen(&u);
			continue;
		}
		err = make_entry(&u);
		if (err) {
			pr_err("initramfs: %s: error %d\n", u.name, -err);
			break;
		}
	}
	free_seen(&u);
	__putname(name);
	return more < 0 ? more : err;
}

/*
 * fs/fs_struct.c - where a process stands: its root, its working directory, its umask.
 *
 * Linux:   fs/fs_struct.c (6.1)
 * Same:    shared by CLONE_FS, copied by fork.
 * Differs: none.
 * Locks:   FS_STRUCT.
 * Walk:    chdir() -> set_fs_pwd(); fork -> copy_fs().
 */
#include "fs/internal.h"
#include "kernel/slab.h"
#include "kernel/task.h"

static void replace_path(struct fs_struct *fs, struct path *slot, const struct path *path)
{
	path_get(path);
	spin_lock(&fs->lock);
	struct path old = *slot;

	*slot = *path;
	spin_unlock(&fs->lock);
	path_put(&old);
}

void set_fs_pwd(struct fs_struct *fs, const struct path *path)
{
	replace_path(fs, &fs->pwd, path);
}

void set_fs_root(struct fs_struct *fs, const struct path *path)
{
	replace_path(fs, &fs->root, path);
}

static struct fs_struct *alloc_fs(void)
{
	struct fs_struct *fs = kmalloc(sizeof(*fs), GFP_KERNEL);

	if (!fs)
		return NULL;
	refcount_set(&fs->count, 1);
	spin_lock_init(&fs->lock, LC_FS_STRUCT);
	return fs;
}

struct fs_struct *copy_fs(struct fs_struct *old)
{
	struct fs_struct *fs = alloc_fs();

	if (!fs)
		return NULL;
	spin_lock(&old->lock);
	fs->umask = old->umask;
	fs->root = old->root;
	fs->pwd = old->pwd;
	path_get(&fs->root);
	path_get(&fs->pwd);
	spin_unlock(&old->lock);
	return fs;
}

void put_fs(struct fs_struct *fs)
{
	if (!refcount_dec_and_test(&fs->count))
		return;
	path_put(&fs->root);
	path_put(&fs->pwd);
	kfree(fs);
}

struct fs_struct *init_fs(void)
{
	struct fs_struct *fs = alloc_fs();

	if (!fs)
		return NULL;
	fs->umask = 022;
	fs->root = (struct path){ root_mnt, root_mnt->mnt_root };
	fs->pwd = fs->root;
	path_get(&fs->root);
	path_get(&fs->pwd);
	return fs;
}

void get_fs_root_pwd(struct fs_struct *fs, struct path *root, struct path *pwd)
{
	spin_lock(&fs->lock);
	*root = fs->root;
	*pwd = fs->pwd;
	path_get(root);
	path_get(pwd);
	spin_unlock(&fs->lock);
}

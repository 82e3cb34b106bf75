/*
 * fs/dcache.c - the dentry cache: names in directories, and the tree they form.
 *
 * Linux:   fs/dcache.c, fs/libfs.c (6.1)
 * Same:    a hash table over (parent, name); dget()/dput(); d_add(), d_move(), d_path().
 * Differs: 1. one lock (DCACHE) instead of RCU and a lock per dentry: a path walk takes it once and counts only
 *             the dentry it ends at.
 *          2. the last dput() frees a dentry at once: file systems in memory pin theirs with a reference, as
 *             ramfs does in Linux, and the others make theirs quickly; so nothing has to be shrunk.
 *          3. a directory's d_subdirs holds hashed children only, and listings are numbered by d_pos, so
 *             reading a directory needs no cursor in the list.
 * Locks:   DCACHE; a directory's i_rwsem (INODE_MTX) is held by whoever changes or lists its children.
 * Walk:    link_path_walk() -> __d_lookup(); dput() -> iput().
 */
#include "fs/internal.h"
#include "kernel/slab.h"
#include "kernel/string.h"

DEFINE_SPINLOCK(dcache_lock, LC_DCACHE);

static struct kmem_cache *dentry_cache;
struct hlist_head *dentry_hashtable;		/* DCACHE */
unsigned int dentry_hash_shift;
static u64 next_pos = 2;			/* DCACHE; "." and ".." are 0 and 1 */

void dcache_init(void)
{
	unsigned int hash_bits = totalram_pages() > 16384 ? 12 : 10;

	dentry_hash_shift = 64 - hash_bits;
	dentry_cache = kmem_cache_create("dentry", sizeof(struct dentry), 64);
	dentry_hashtable = kcalloc(BIT(hash_bits), sizeof(struct hlist_head), GFP_KERNEL);
	ASSERT(dentry_hashtable);
}

/* As the path walk computes it: word by word, the last one cut. */
u32 name_hash(const char *name, size_t len)
{
	u64 h = 0, w = 0;

	for (; len >= 8; len -= 8, name += 8)
		h = name_hash_mix(h, load_word(name));
	memcpy(&w, name, len);
	return (u32)name_hash_mix(h, w);
}

struct dentry *d_alloc(struct dentry *parent, const char *name, int len)
{
	struct dentry *d = kmem_cache_alloc(dentry_cache, GFP_KERNEL);

	if (!d)
		return NULL;
	d->d_name = d->d_iname;
	if (len > (int)sizeof(d->d_iname) - NAME_SLACK) {
		d->d_name = kmalloc((size_t)len + NAME_SLACK, GFP_KERNEL);
		if (!d->d_name) {
			kmem_cache_free(dentry_cache, d);
			return NULL;
		}
	}
	memcpy(d->d_name, name, (size_t)len);
	d->d_name[len] = '\0';
	d->d_len = (u16)len;
	d->d_hashval = name_hash(name, (size_t)len);
	d->d_parent = parent ? dget(parent) : d;
	d->d_inode = NULL;
	INIT_HLIST_NODE(&d->d_hash);
	INIT_LIST_HEAD(&d->d_child);
	INIT_LIST_HEAD(&d->d_subdirs);
	d->d_mounted = NULL;
	d->d_unlinked = false;
	d->d_pos = 0;
	d->d_sb = parent ? parent->d_sb : NULL;
	refcount_set(&d->d_count, 1);
	return d;
}

struct dentry *d_make_root(struct super_block *sb, struct inode *inode)
{
	if (!inode)
		return NULL;
	struct dentry *d = d_alloc(NULL, "/", 1);

	if (!d) {
		iput(inode);
		return NULL;
	}
	d->d_sb = sb;
	d->d_inode = inode;
	return d;
}

static void hash_locked(struct dentry *d)
{
	hlist_add_head(&d->d_hash, d_bucket(d->d_parent, d->d_hashval));
	list_add_tail(&d->d_child, &d->d_parent->d_subdirs);
	d->d_pos = next_pos++;
}

static void unhash_locked(struct dentry *d)
{
	if (hlist_unhashed(&d->d_hash))
		return;
	hlist_del_init(&d->d_hash);
	list_del_init(&d->d_child);
}

void d_instantiate(struct dentry *dentry, struct inode *inode)
{
	dentry->d_inode = inode;
}

void d_add(struct dentry *dentry, struct inode *inode)
{
	spin_lock(&dcache_lock);
	dentry->d_inode = inode;
	hash_locked(dentry);
	spin_unlock(&dcache_lock);
}

void d_drop(struct dentry *dentry)
{
	spin_lock(&dcache_lock);
	unhash_locked(dentry);
	spin_unlock(&dcache_lock);
}

void d_delete(struct dentry *dentry)
{
	spin_lock(&dcache_lock);
	unhash_locked(dentry);
	dentry->d_unlinked = true;
	spin_unlock(&dcache_lock);
}

static void d_free(struct dentry *d)
{
	if (d->d_name != d->d_iname)
		kfree(d->d_name);
	kmem_cache_free(dentry_cache, d);
}

/*
 * One reference less, unless it is the last: the last goes under DCACHE, where the cache cannot hand it out
 * again.
 */
static bool dec_unless_last(refcount_t *r)
{
	int old = refcount_read(r);

	while (old > 1) {
		int seen = atomic_cmpxchg(&r->refs, old, old - 1);

		if (seen == old)
			return true;
		old = seen;
	}
	return false;
}

void dput(struct dentry *d)
{
	while (d && !dec_unless_last(&d->d_count)) {
		spin_lock(&dcache_lock);
		if (!refcount_dec_and_test(&d->d_count)) {
			spin_unlock(&dcache_lock);
			return;
		}
		unhash_locked(d);
		spin_unlock(&dcache_lock);

		struct dentry *parent = d->d_parent == d ? NULL : d->d_parent;
		struct inode *inode = d->d_inode;

		d_free(d);
		if (inode)
			iput(inode);
		d = parent;
	}
}

void path_get(const struct path *path)
{
	mnt_get(path->mnt);
	dget(path->dentry);
}

void path_put(const struct path *path)
{
	dput(path->dentry);
	mnt_put(path->mnt);
}

static void swap_names(struct dentry *a, struct dentry *b)
{
	char tmp[sizeof(a->d_iname)];
	bool a_inline = a->d_name == a->d_iname, b_inline = b->d_name == b->d_iname;
	char *a_name = a->d_name;

	memcpy(tmp, a->d_iname, sizeof(tmp));
	memcpy(a->d_iname, b->d_iname, sizeof(tmp));
	memcpy(b->d_iname, tmp, sizeof(tmp));
	a->d_name = b_inline ? a->d_iname : b->d_name;
	b->d_name = a_inline ? b->d_iname : a_name;
	swap(a->d_len, b->d_len);
	swap(a->d_hashval, b->d_hashval);
}

void d_move(struct dentry *dentry, struct dentry *target)
{
	spin_lock(&dcache_lock);
	unhash_locked(dentry);
	unhash_locked(target);
	swap_names(dentry, target);
	swap(dentry->d_parent, target->d_parent);
	hash_locked(dentry);
	if (target->d_inode)
		target->d_unlinked = true;
	spin_unlock(&dcache_lock);
}

void d_exchange(struct dentry *a, struct dentry *b)
{
	spin_lock(&dcache_lock);
	unhash_locked(a);
	unhash_locked(b);
	swap_names(a, b);
	swap(a->d_parent, b->d_parent);
	hash_locked(a);
	hash_locked(b);
	spin_unlock(&dcache_lock);
}

bool d_is_ancestor(const struct dentry *ancestor, const struct dentry *d)
{
	bool yes = false;

	spin_lock(&dcache_lock);
	for (;; d = d->d_parent) {
		yes = d == ancestor;
		if (yes || d->d_parent == d)
			break;
	}
	spin_unlock(&dcache_lock);
	return yes;
}

void d_genocide(struct dentry *root)
{
	struct dentry *d = root;

	/*
	 * Leaves first: a dentry without children loses the reference that pinned it. Nobody else can reach
	 * them.
	 */
	for (;;) {
		if (!list_empty(&d->d_subdirs)) {
			d = list_first_entry(&d->d_subdirs, struct dentry, d_child);
			continue;
		}
		if (d == root)
			break;
		struct dentry *parent = d->d_parent;

		d_delete(d);
		dput(d);
		d = parent;
	}
	dput(root);
}

bool simple_empty(struct dentry *dir)
{
	spin_lock(&dcache_lock);
	bool empty = list_empty(&dir->d_subdirs);

	spin_unlock(&dcache_lock);
	return empty;
}

static bool prepend(char **end, const char *start, const char *s, size_t len)
{
	if ((size_t)(*end - start) < len)
		return false;
	*end -= len;
	memcpy(*end, s, len);
	return true;
}

char *d_path_locked(const struct path *path, const struct path *root, char *buf, int size)
{
	const struct dentry *d = path->dentry;
	const struct vfsmount *mnt = path->mnt;
	char *p = buf + size;
	bool ok = prepend(&p, buf, "", 1), reached = false;

	assert_held(&dcache_lock);
	if (d->d_unlinked)
		ok = ok && prepend(&p, buf, " (deleted)", 10);
	char *text_end = p;

	while (ok) {
		reached = root && d == root->dentry && mnt == root->mnt;
		if (reached)
			break;
		if (d == mnt->mnt_root || d->d_parent == d) {
			reached = mnt == root_mnt;
			if (!mnt->mnt_parent.mnt)
				break;
			d = mnt->mnt_parent.dentry;
			mnt = mnt->mnt_parent.mnt;
			continue;
		}
		ok = prepend(&p, buf, d->d_name, d->d_len) && prepend(&p, buf, "/", 1);
		d = d->d_parent;
	}
	if (ok && p == text_end)
		ok = prepend(&p, buf, "/", 1);
	if (ok && root && !reached)
		ok = prepend(&p, buf, "(unreachable)", 13);
	return ok ? p : ERR_PTR(-ENAMETOOLONG);
}

char *d_path(const struct path *path, char *buf, int size)
{
	struct path root = { NULL, NULL }, pwd;
	struct fs_struct *fs = current->fs;

	if (fs)
		get_fs_root_pwd(fs, &root, &pwd);
	spin_lock(&dcache_lock);
	char *p = d_path_locked(path, NULL, buf, size);

	/* Below the root of a chroot, names begin there; what lies outside is shown whole. */
	if (fs && (root.dentry != root_mnt->mnt_root || root.mnt != root_mnt)) {
		char *q = d_path_locked(path, &root, buf, size);

		p = IS_ERR(q) || q[0] == '/' ? q : d_path_locked(path, NULL, buf, size);
	}
	spin_unlock(&dcache_lock);
	if (fs) {
		path_put(&root);
		path_put(&pwd);
	}
	return p;
}

static unsigned int inode_dt(const struct inode *inode)
{
	return (inode->i_mode & S_IFMT) >> 12;
}

/* "." and "..", for any directory. Return: false when the buffer is full. */
bool dir_emit_dots(struct file *file, struct dir_context *ctx)
{
	struct dentry *d = file->f_path.dentry;

	if (ctx->pos == 0) {
		if (!dir_emit(ctx, ".", 1, d->d_inode->i_ino, DT_DIR))
			return false;
		ctx->pos = 1;
	}
	if (ctx->pos == 1) {
		if (!dir_emit(ctx, "..", 2, d->d_parent->d_inode->i_ino, DT_DIR))
			return false;
		ctx->pos = 2;
	}
	return true;
}

/*
 * The children of a file system in memory: their dentries are the directory. The caller holds the directory's
 * i_rwsem, and only its holders change d_subdirs here, so the list stands still without DCACHE while names are
 * copied to the user.
 */
int dcache_readdir(struct file *file, struct dir_context *ctx)
{
	struct dentry *dir = file->f_path.dentry, *d;

	assert_held(&dir->d_inode->i_rwsem);
	if (!dir_emit_dots(file, ctx))
		return 0;
	list_for_each_entry(d, &dir->d_subdirs, d_child) {
		if ((loff_t)d->d_pos < ctx->pos || !d->d_inode)
			continue;
		ctx->pos = (loff_t)d->d_pos;
		if (!dir_emit(ctx, d->d_name, d->d_len, d->d_inode->i_ino, inode_dt(d->d_inode)))
			return 0;
		ctx->pos = (loff_t)d->d_pos + 1;
	}
	return 0;
}

loff_t dcache_dir_lseek(struct file *file, loff_t off, int whence)
{
	if (whence == 1)
		off += file->f_pos;
	else if (whence != 0)
		return -EINVAL;
	if (off < 0)
		return -EINVAL;
	file->f_pos = off;
	return off;
}

/*
 * fs/namei.c - from the text of a path to a dentry, and open(2) at the end of it.
 *
 * Linux:   fs/namei.c (6.1)
 * Same:    components, "..", mounts and symbolic links (at most 40, else ELOOP); the order of errors; O_CREAT,
 *          O_EXCL, O_NOFOLLOW, O_PATH, O_TMPFILE.
 * Differs: 1. the walk runs under the one DCACHE lock without counting what it passes; only when it must sleep
 *             (a directory that has to ask its file system, a link to read) does it pin where it stands. Linux
 *             gets the same from RCU.
 *          2. the rest of a path behind a link is kept with the link's text: no recursion.
 * Locks:   FS_STRUCT, then DCACHE; INODE_MTX of a directory that is asked for a name.
 * Walk:    openat() -> do_filp_open() -> link_path_walk() -> __d_lookup(); open_last() -> do_open().
 */
#include "fs/file.h"
#include "fs/internal.h"
#include "fs/notify.h"
#include "kernel/process.h"
#include "kernel/slab.h"
#include "kernel/string.h"
#include "kernel/uaccess.h"

#define MAXSYMLINKS 40

/* The text of a link being followed, and where to go on when it ends. */
struct link_text {
	struct link_text *outer;
	const char *rest;
	char text[PATH_MAX];
	char slack[NAME_SLACK];
};

struct nameidata {
	/* where the walk stands; DCACHE held or covered by pin */
	struct path path;
	struct path root;
	/* references: what keeps path alive across a sleep; owned until walk_end() */
	struct path pin;
	struct dentry *held;		/* the child an uncached lookup gave */
	const char *s;			/* what is left of the current text */
	struct link_text *links;	/* innermost first */
	unsigned int flags;		/* LOOKUP_* */
	int nr_links, nr_rests;		/* links followed; texts waiting with something left */
	bool want_dir;			/* slashes stood at the end of a text that a link ended */
	struct last_name last;		/* LOOKUP_PARENT */
	u32 last_hash;
};
enum { LOOKUP_PARENT = 16 };

static struct kmem_cache *names_cachep, *link_cachep;

void namei_init(void)
{
	names_cachep = kmem_cache_create("names_cache", PATH_MAX + NAME_SLACK, 64);
	link_cachep = kmem_cache_create("link_text", sizeof(struct link_text), 64);
}

char *__getname(void)
{
	return kmem_cache_alloc(names_cachep, GFP_KERNEL);
}

void __putname(char *name)
{
	kmem_cache_free(names_cachep, name);
}

static noinline int getname_long(struct filename *fn, uptr uname)
{
	fn->name = __getname();
	if (!fn->name)
		return -ENOMEM;
	ssize_t len = strncpy_from_user(fn->name, uname, PATH_MAX);

	if (len < 0 || len == PATH_MAX) {
		__putname(fn->name);
		return len < 0 ? (int)len : -ENAMETOOLONG;
	}
	return 0;
}

int getname_flags(struct filename *fn, uptr uname, unsigned int flags)
{
	ssize_t len = strncpy_from_user(fn->small, uname, sizeof(fn->small));

	fn->name = fn->small;
	if (unlikely(len <= 0)) {
		if (len < 0)
			return (int)len;
		return flags & LOOKUP_EMPTY ? 0 : -ENOENT;
	}
	if (unlikely(len == sizeof(fn->small)))
		return getname_long(fn, uname);
	return 0;
}

char *getname(uptr uname)
{
	char *name = __getname();

	if (!name)
		return ERR_PTR(-ENOMEM);
	ssize_t len = strncpy_from_user(name, uname, PATH_MAX);

	if (len > 0 && len < PATH_MAX)
		return name;
	__putname(name);
	return ERR_PTR(len < 0 ? len : len == 0 ? -ENOENT : -ENAMETOOLONG);
}

void putname(char *name)
{
	__putname(name);
}

/* DCACHE, and the root as it is now. With one user of fs_struct nobody else can change it. */
static __always_inline void nd_lock(struct nameidata *nd)
{
	struct fs_struct *fs = current->fs;

	if (unlikely(!fs)) {	/* at boot */
		nd->root = (struct path){ root_mnt, root_mnt->mnt_root };
		spin_lock(&dcache_lock);
		return;
	}
	if (likely(refcount_read(&fs->count) == 1)) {
		nd->root = fs->root;
		spin_lock(&dcache_lock);
		return;
	}
	spin_lock(&fs->lock);
	nd->root = fs->root;
	/*
	 * Whoever replaces the root drops the old one under DCACHE, after it has changed fs under fs->lock.
	 */
	spin_lock(&dcache_lock);
	spin_unlock(&fs->lock);
}

/* Leave DCACHE with references to where the walk stands. What an earlier pin held is not needed any more. */
static void nd_unlock_pinned(struct nameidata *nd)
{
	struct path old = nd->pin;
	struct dentry *held = nd->held;

	path_get(&nd->path);
	nd->pin = nd->path;
	nd->held = NULL;
	spin_unlock(&dcache_lock);
	dput(held);
	if (old.dentry)
		path_put(&old);
}

/* Give back all the walk holds. DCACHE not held. */
static inline void walk_end(struct nameidata *nd)
{
	while (unlikely(nd->links)) {
		struct link_text *l = nd->links;

		nd->links = l->outer;
		kmem_cache_free(link_cachep, l);
	}
	dput(nd->held);
	if (unlikely(nd->pin.dentry))
		path_put(&nd->pin);
}

/* Start from descriptor @dfd: DCACHE is held on success, the start is pinned. */
static noinline int walk_start_fd(struct nameidata *nd, int dfd)
{
	struct fd f = fdget_raw((unsigned int)dfd);
	int err = 0;

	if (!f.file)
		return -EBADF;
	if (!f.file->f_path.dentry)
		err = -ENOTDIR;
	else if (*nd->s && !S_ISDIR(f.file->f_inode->i_mode))
		err = -ENOTDIR;
	if (!err) {
		nd->path = f.file->f_path;
		path_get(&nd->path);
		nd->pin = nd->path;
		nd_lock(nd);
	}
	fdput(f);
	return err;
}

/* Where @name begins. On success DCACHE is held. */
static __always_inline int walk_start(struct nameidata *nd, int dfd, const char *name, unsigned int flags)
{
	nd->s = name;
	nd->flags = flags;
	nd->links = NULL;
	nd->pin.dentry = NULL;
	nd->held = NULL;
	nd->nr_links = nd->nr_rests = 0;
	nd->want_dir = false;
	if (*name != '/' && dfd != AT_FDCWD)
		return walk_start_fd(nd, dfd);
	struct fs_struct *fs = current->fs;

	if (*name != '/' && fs) {
		if (likely(refcount_read(&fs->count) == 1)) {
			nd_lock(nd);
			nd->path = fs->pwd;
			return 0;
		}
		spin_lock(&fs->lock);
		nd->path = fs->pwd;
		nd->root = fs->root;
		spin_lock(&dcache_lock);
		spin_unlock(&fs->lock);
		return 0;
	}
	nd_lock(nd);
	nd->path = nd->root;
	return 0;
}

/* Down onto whatever is mounted here. */
static inline void follow_mount(struct path *path)
{
	while (unlikely(path->dentry->d_mounted)) {
		path->mnt = path->dentry->d_mounted;
		path->dentry = path->mnt->mnt_root;
	}
}

static void follow_dotdot(struct nameidata *nd)
{
	struct path *p = &nd->path;

	for (;;) {
		if (p->dentry == nd->root.dentry && p->mnt == nd->root.mnt)
			break;
		if (p->dentry != p->mnt->mnt_root) {
			p->dentry = p->dentry->d_parent;
			break;
		}
		if (!p->mnt->mnt_parent.mnt)
			break;
		*p = p->mnt->mnt_parent;
	}
	follow_mount(p);
}

struct dentry *lookup_one(struct dentry *dir, const char *name, int len)
{
	const struct inode_operations *op = dir->d_inode->i_op;
	u32 hash = name_hash(name, (size_t)len);

	assert_held(&dir->d_inode->i_rwsem);
	spin_lock(&dcache_lock);
	struct dentry *d = __d_lookup(dir, name, (unsigned int)len, hash);

	if (d)
		dget(d);
	spin_unlock(&dcache_lock);
	if (d)
		return d;
	if (len > NAME_MAX)
		return ERR_PTR(-ENAMETOOLONG);
	d = d_alloc(dir, name, len);
	if (!d)
		return ERR_PTR(-ENOMEM);
	if (!op->lookup)
		return d;
	struct dentry *err = op->lookup(dir->d_inode, d);

	if (err) {
		dput(d);
		return err;
	}
	return d;
}

/*
 * The dentry of a name the cache does not have, asked of the file system. DCACHE is left and taken again. Return:
 * a dentry that nd->held keeps, or ERR_PTR.
 */
static noinline struct dentry *lookup_slow(struct nameidata *nd, const struct last_name *c)
{
	struct dentry *dir = nd->path.dentry;

	if (!dir->d_inode->i_op->lookup)
		return ERR_PTR(c->len > NAME_MAX ? -ENAMETOOLONG : -ENOENT);
	nd_unlock_pinned(nd);
	mutex_lock(&dir->d_inode->i_rwsem);
	struct dentry *child = lookup_one(dir, c->name, c->len);

	mutex_unlock(&dir->d_inode->i_rwsem);
	nd_lock(nd);
	if (!IS_ERR(child))
		nd->held = child;
	return child;
}

/* A link whose target is not text: jump there. */
static int follow_magic(struct nameidata *nd, struct inode *inode)
{
	struct path old = nd->pin;
	int err = inode->i_op->get_link_path(inode, &nd->pin);

	if (err) {
		nd->pin = old;
		return err;
	}
	nd->path = nd->pin;
	path_put(&old);
	return 0;
}

/* Push the text of @link; the walk goes on with it. */
static int follow_text(struct nameidata *nd, struct inode *inode)
{
	struct link_text *l = kmem_cache_alloc(link_cachep, GFP_KERNEL);

	if (!l)
		return -ENOMEM;
	int len = inode->i_op->readlink(inode, l->text, sizeof(l->text) - 1);

	if (len <= 0) {
		kmem_cache_free(link_cachep, l);
		return len ? len : -ENOENT;
	}
	l->text[len] = '\0';
	l->rest = nd->s;
	if (*nd->s)
		nd->nr_rests++;
	l->outer = nd->links;
	nd->links = l;
	nd->s = l->text;
	return 0;
}

/*
 * The walk stands in the directory of symbolic link @link: follow it. nd->s is what stands behind the link, slashes
 * skipped. DCACHE held on entry and return.
 */
static noinline int follow_link(struct nameidata *nd, struct dentry *link, bool trailing)
{
	struct inode *inode = link->d_inode;
	int err;

	if (++nd->nr_links > MAXSYMLINKS)
		return -ELOOP;
	if (nd->path.mnt->mnt_flags & MS_NOSYMFOLLOW)
		return -ELOOP;
	if (trailing && !*nd->s && !nd->nr_rests)
		nd->want_dir = true;
	dget(link);
	nd_unlock_pinned(nd);
	if (inode->i_op->get_link_path)
		err = follow_magic(nd, inode);
	else
		err = inode->i_op->readlink ? follow_text(nd, inode) : -EINVAL;
	dput(link);
	nd_lock(nd);
	if (!err && nd->links && nd->s == nd->links->text && *nd->s == '/')
		nd->path = nd->root;
	return err;
}

/* The end of a text: go on behind the link it came from. Return: false when the whole path is done. */
static bool pop_rest(struct nameidata *nd)
{
	while (unlikely(nd->links)) {
		struct link_text *l = nd->links;
		const char *rest = l->rest;

		/* the text may still be pointed into by nd->last; it goes when the walk ends */
		if (!rest) {
			nd->links = nd->links->outer;
			kmem_cache_free(link_cachep, l);
			continue;
		}
		l->rest = NULL;
		if (!*rest)
			continue;
		nd->nr_rests--;
		nd->s = rest;
		return true;
	}
	return false;
}

/*
 * Is @d, the child the walk has come to, a link to be followed? @last: nothing but slashes stands behind
 * it.
 */
static inline bool wants_follow(const struct nameidata *nd, const struct dentry *d, bool last, bool trailing)
{
	return d->d_inode && unlikely(S_ISLNK(d->d_inode->i_mode)) &&
	       (!last || trailing || (nd->flags & LOOKUP_FOLLOW));
}

/* Enter the child @c of where the walk stands, or begin to follow it. */
static __always_inline int walk_component(struct nameidata *nd, const struct last_name *c, u32 hash, bool last)
{
	struct dentry *d = __d_lookup(nd->path.dentry, c->name, (unsigned int)c->len, hash);

	if (unlikely(!d)) {
		d = lookup_slow(nd, c);
		if (IS_ERR(d))
			return (int)PTR_ERR(d);
	}
	if (wants_follow(nd, d, last, c->trailing || nd->want_dir))
		return follow_link(nd, d, c->trailing);
	if (unlikely(!d->d_inode))
		return -ENOENT;
	nd->path.dentry = d;
	follow_mount(&nd->path);
	return 0;
}

/* A bit in the first byte of @w that is NUL or '/'; bits of later bytes may be wrong. */
static inline u64 end_bits(u64 w)
{
	u64 slash = w ^ WORD_ONES * '/';

	return (((w - WORD_ONES) & ~w) | ((slash - WORD_ONES) & ~slash)) & WORD_HIGHS;
}

/* Cut the component at @s off. Return: what stands behind it and its slashes; *@h is the hash. */
static __always_inline const char *next_component(const char *s, struct last_name *c, u32 *h)
{
	u64 hash = 0, w = load_word(s), end;

	c->name = s;
	while (!(end = end_bits(w))) {
		hash = name_hash_mix(hash, w);
		s += 8;
		w = load_word(s);
	}
	unsigned int bits = (unsigned int)__builtin_ctzl(end) & 0x38;

	*h = (u32)name_hash_mix(hash, w & ((1UL << bits) - 1));
	s += bits / 8;
	c->len = (int)(s - c->name);
	c->trailing = *s == '/';
	while (*s == '/')
		s++;
	c->type = LAST_NORM;
	if (unlikely(c->name[0] == '.')) {
		if (c->len == 1)
			c->type = LAST_DOT;
		else if (c->len == 2 && c->name[1] == '.')
			c->type = LAST_DOTDOT;
	}
	return s;
}

/*
 * Walk nd->s to its end, or (LOOKUP_PARENT) to the directory of its last component. DCACHE held on entry and
 * return. Return: 0 with nd->path, which nothing keeps once DCACHE is released, or -errno.
 */
static int link_path_walk(struct nameidata *nd)
{
	bool root = current->cred.fsuid == 0;	/* who may search every directory */
	struct last_name c;
	u32 hash;

	for (;;) {
		const char *s = nd->s;

		while (*s == '/')
			s++;
		if (!*s) {
			if (pop_rest(nd))
				continue;
			break;
		}
		struct inode *dir = nd->path.dentry->d_inode;

		if (unlikely(!S_ISDIR(dir->i_mode)))
			return -ENOTDIR;
		int err = likely(root) ? 0 : inode_permission(dir, MAY_EXEC);

		if (err)
			return err;
		s = next_component(s, &c, &hash);
		nd->s = s;
		bool last = !*s && !nd->nr_rests;

		if (last && (nd->flags & LOOKUP_PARENT)) {
			nd->last = c;
			nd->last.trailing |= nd->want_dir;
			nd->last_hash = hash;
			return 0;
		}
		if (last && c.trailing)
			nd->want_dir = true;
		if (likely(c.type == LAST_NORM))
			err = walk_component(nd, &c, hash, last);
		else if (c.type == LAST_DOTDOT)
			follow_dotdot(nd);
		if (err)
			return err;
	}
	nd->last.type = LAST_ROOT;
	if (unlikely((nd->want_dir || (nd->flags & LOOKUP_DIRECTORY)) && !S_ISDIR(nd->path.dentry->d_inode->i_mode)))
		return -ENOTDIR;
	return 0;
}

int filename_lookup(int dfd, const char *name, unsigned int flags, struct path *path)
{
	struct nameidata nd;
	int err = walk_start(&nd, dfd, name, flags);

	if (err)
		return err;
	err = link_path_walk(&nd);
	if (!err) {
		*path = nd.path;
		path_get(path);
	}
	spin_unlock(&dcache_lock);
	walk_end(&nd);
	return err;
}

/* stat(2): where the file system has no say in the attributes they are read while DCACHE keeps the inode. */
int filename_getattr(int dfd, const char *name, unsigned int flags, struct kstat *st)
{
	struct nameidata nd;
	int err = walk_start(&nd, dfd, name, flags);

	if (unlikely(err))
		return err;
	err = link_path_walk(&nd);
	if (likely(!err)) {
		struct inode *inode = nd.path.dentry->d_inode;

		if (likely(!inode->i_op || !inode->i_op->getattr)) {
			generic_fillattr(inode, st);
		} else {
			nd_unlock_pinned(&nd);
			err = inode->i_op->getattr(inode, st);
			nd_lock(&nd);
		}
	}
	spin_unlock(&dcache_lock);
	walk_end(&nd);
	return err;
}

int filename_parentat(int dfd, const char *name, struct path *path, struct last_name *last)
{
	struct nameidata nd;
	int err = walk_start(&nd, dfd, name, LOOKUP_PARENT);

	if (err)
		return err;
	err = link_path_walk(&nd);
	if (!err) {
		*path = nd.path;
		path_get(path);
		*last = nd.last;
	}
	spin_unlock(&dcache_lock);
	walk_end(&nd);
	return err;
}

int user_path_at(int dfd, uptr name, unsigned int flags, struct path *path)
{
	struct filename fn;
	int err = getname_flags(&fn, name, flags);

	if (err)
		return err;
	err = filename_lookup(dfd, fn.name, flags, path);
	putname_fn(&fn);
	return err;
}

int kern_path(const char *name, unsigned int flags, struct path *path)
{
	return filename_lookup(AT_FDCWD, name, flags, path);
}

/* Linux's may_open(): may a file of this type and mode be opened so? */
static int may_open(const struct path *path, unsigned int flags, int acc_mode)
{
	struct inode *inode = path->dentry->d_inode;

	switch (inode->i_mode & S_IFMT) {
	case S_IFLNK:
		return -ELOOP;
	case S_IFDIR:
		if (acc_mode & MAY_WRITE)
			return -EISDIR;
		break;
	case S_IFCHR:
	case S_IFBLK:
		if (path->mnt->mnt_flags & MS_NODEV)
			return -EACCES;
		break;
	case S_IFREG:
		if ((acc_mode & MAY_WRITE) && mnt_want_write(path->mnt))
			return -EROFS;
		break;
	}
	int err = acc_mode ? inode_permission(inode, acc_mode) : 0;

	if (err)
		return err;
	if ((flags & O_NOATIME) && !inode_owner_or_root(inode))
		return -EPERM;
	return 0;
}

/* Make the file and let its kind open it. Takes: @path's references, also on failure. */
static struct file *do_dentry_open(const struct path *path, unsigned int flags)
{
	static const struct file_operations no_fops;
	struct inode *inode = path->dentry->d_inode;
	struct file *f = alloc_file(path, flags, inode->i_fop ? inode->i_fop : &no_fops);
	int err = 0;

	if (IS_ERR(f)) {
		path_put(path);
		return f;
	}
	if (S_ISREG(inode->i_mode) || S_ISDIR(inode->i_mode))
		f->f_mode |= FMODE_ATOMIC_POS;
	if ((f->f_mode & FMODE_WRITE) && S_ISREG(inode->i_mode)) {
		err = get_write_access(inode);
		f->f_mode |= err ? 0 : FMODE_WRITER;
	}
	if (!err && f->f_op->open)
		err = f->f_op->open(inode, f);
	if (unlikely(err)) {
		file_free(f);
		return ERR_PTR(err);
	}
	f->f_flags &= ~(unsigned int)O_NOCTTY;	/* a wish for open() alone */
	return f;
}

static int acc_mode_of(unsigned int flags)
{
	int acc = "\004\002\006\006"[flags & O_ACCMODE];

	return flags & O_TRUNC ? acc | MAY_WRITE : acc;
}

/* The end of every open: @path is what the name stands for. Takes: @path's references. */
static struct file *do_open(const struct path *path, unsigned int flags, bool created)
{
	static const struct file_operations path_fops;
	struct inode *inode = path->dentry->d_inode;
	int err = 0;

	if (unlikely(flags & O_PATH)) {
		struct file *f = alloc_file(path, flags & (O_PATH | O_DIRECTORY | O_NOFOLLOW), &path_fops);

		if (IS_ERR(f))
			path_put(path);
		else
			f->f_mode = FMODE_PATH;
		return f;
	}
	if ((flags & O_CREAT) && S_ISDIR(inode->i_mode))
		err = -EISDIR;
	else if ((flags & O_DIRECTORY) && !S_ISDIR(inode->i_mode))
		err = -ENOTDIR;
	else
		err = may_open(path, flags, created ? 0 : acc_mode_of(flags));
	if (err) {
		path_put(path);
		return ERR_PTR(err);
	}
	struct file *f = do_dentry_open(path, flags);

	if (!IS_ERR(f))
		fsnotify_dentry(f->f_path.dentry, IN_OPEN);
	if (!IS_ERR(f) && unlikely(flags & O_TRUNC) && !created && S_ISREG(inode->i_mode)) {
		err = do_truncate(inode, 0);
		if (err) {
			fput(f);
			return ERR_PTR(err);
		}
		fsnotify_dentry(f->f_path.dentry, IN_MODIFY);
	}
	return f;
}

int may_create(struct dentry *dir)
{
	if (dir->d_unlinked)
		return -ENOENT;
	return inode_permission(dir->d_inode, MAY_WRITE | MAY_EXEC);
}

/*
 * The last component is not in the cache: look under the directory's lock and make it if it is not there.
 * DCACHE is left. Return: 1 made (*path has references), 0 it is there now (nd->held keeps it), or -errno.
 */
static int open_create(struct nameidata *nd, umode_t mode, struct path *path)
{
	nd_unlock_pinned(nd);
	struct dentry *dir = nd->pin.dentry;
	struct inode *inode = dir->d_inode;

	mutex_lock(&inode->i_rwsem);
	struct dentry *d = lookup_one(dir, nd->last.name, nd->last.len);
	int err = 0;

	if (IS_ERR(d)) {
		err = (int)PTR_ERR(d);
		goto out_unlock;
	}
	nd->held = d;
	if (d->d_inode)
		goto out_unlock;
	err = mnt_want_write(nd->pin.mnt);
	if (!err)
		err = may_create(dir);
	if (!err)
		err = inode->i_op->create ? inode->i_op->create(inode, d, mode) : -EACCES;
	if (!err) {
		*path = (struct path){ nd->pin.mnt, d };
		path_get(path);
		fsnotify_dir(inode, d->d_name, IN_CREATE, 0);
		err = 1;
	}
out_unlock:
	mutex_unlock(&inode->i_rwsem);
	return err;
}

/*
 * O_CREAT at the directory of the last component. DCACHE held on entry and return. Return: 0 or 1 (made) and
 * references in *@path, -EAGAIN after a link has been pushed (walk on), or -errno.
 */
static int open_last(struct nameidata *nd, unsigned int flags, umode_t mode, struct path *path)
{
	struct dentry *d;
	int made;

	if (nd->last.type == LAST_DOTDOT)
		follow_dotdot(nd);
	if (nd->last.type != LAST_NORM) {
		*path = nd->path;
		path_get(path);
		return 0;
	}
	if (nd->last.trailing)
		return -EISDIR;
	for (;;) {
		d = __d_lookup(nd->path.dentry, nd->last.name, (unsigned int)nd->last.len, nd->last_hash);
		if (d && d->d_inode)
			break;
		made = open_create(nd, mode, path);
		nd_lock(nd);
		if (made)
			return made;
	}
	if (flags & O_EXCL)
		return -EEXIST;
	if (S_ISLNK(d->d_inode->i_mode)) {
		if (flags & O_NOFOLLOW)
			return -ELOOP;
		int err = follow_link(nd, d, false);

		return err ? err : -EAGAIN;
	}
	*path = (struct path){ nd->path.mnt, d };
	follow_mount(path);
	path_get(path);
	return 0;
}

static struct file *open_creating(int dfd, const char *name, unsigned int flags, umode_t mode)
{
	struct nameidata nd;
	struct path path;
	int err = walk_start(&nd, dfd, name, LOOKUP_PARENT);

	if (err)
		return ERR_PTR(err);
	do {
		err = link_path_walk(&nd);
		if (!err)
			err = open_last(&nd, flags, mode, &path);
	} while (err == -EAGAIN);
	spin_unlock(&dcache_lock);
	walk_end(&nd);
	if (err < 0)
		return ERR_PTR(err);
	return do_open(&path, flags, err == 1);
}

/* O_TMPFILE: a regular file in the file system of directory @name, with no name. */
static struct file *open_tmpfile(int dfd, const char *name, unsigned int flags, umode_t mode)
{
	struct path dir;
	int err = filename_lookup(dfd, name, LOOKUP_FOLLOW | LOOKUP_DIRECTORY, &dir);

	if (err)
		return ERR_PTR(err);
	struct inode *inode = dir.dentry->d_inode;
	struct path path = { dir.mnt, NULL };

	err = mnt_want_write(dir.mnt);
	if (!err)
		err = inode_permission(inode, MAY_WRITE | MAY_EXEC);
	if (!err && !inode->i_op->tmpfile)
		err = -EOPNOTSUPP;
	if (!err) {
		path.dentry = d_alloc(dir.dentry, "", 0);
		err = path.dentry ? inode->i_op->tmpfile(inode, path.dentry, mode) : -ENOMEM;
	}
	if (!err) {
		path.dentry->d_unlinked = true;
		mnt_get(path.mnt);
		path_put(&dir);
		return do_open(&path, flags & ~(unsigned int)O_TMPFILE, true);
	}
	dput(path.dentry);
	path_put(&dir);
	return ERR_PTR(err);
}

struct file *do_filp_open(int dfd, const char *name, unsigned int flags, umode_t mode)
{
	unsigned int lookup = 0;
	struct path path;

	if (flags & (O_CREAT | (O_TMPFILE & ~O_DIRECTORY))) {
		mode = (mode & S_IALLUGO & ~(current->fs ? current->fs->umask : 0)) | S_IFREG;
		if (!(flags & O_CREAT))
			return open_tmpfile(dfd, name, flags, mode);
		return open_creating(dfd, name, flags, mode);
	}
	if (!(flags & O_NOFOLLOW))
		lookup |= LOOKUP_FOLLOW;
	if (flags & O_DIRECTORY)
		lookup |= LOOKUP_DIRECTORY;
	int err = filename_lookup(dfd, name, lookup, &path);

	if (err)
		return ERR_PTR(err);
	return do_open(&path, flags, false);
}

struct file *filp_open(const char *name, unsigned int flags, umode_t mode)
{
	return do_filp_open(AT_FDCWD, name, flags, mode);
}

struct file *dentry_open(const struct path *path, unsigned int flags)
{
	path_get(path);
	return do_dentry_open(path, flags);
}

struct file *dentry_open_exec(const struct path *path)
{
	struct inode *inode = path->dentry->d_inode;
	struct file *f = dentry_open(path, O_RDONLY);
	int old = atomic_read(&inode->i_writecount), seen;

	if (IS_ERR(f))
		return f;
	while (old <= 0) {
		seen = atomic_cmpxchg(&inode->i_writecount, old, old - 1);
		if (seen == old) {
			f->f_mode |= FMODE_EXEC;
			return f;
		}
		old = seen;
	}
	fput(f);
	return ERR_PTR(-ETXTBSY);
}

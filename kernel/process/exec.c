/*
 * kernel/process/exec.c - replace the program of a process: arguments, scripts, and the moment of no return.
 *
 * Linux:   fs/exec.c, fs/binfmt_script.c (6.1)
 * Same:    struct linux_binprm; strings are copied from the end of the new stack downwards; limits on them; other
 *          threads are killed and the caller becomes the leader; what is reset and what is kept.
 * Differs: 1. the new address space is complete before the point of no return: what can fail has failed by then,
 *             and an execve() that returns has changed nothing. Only writing the new stack can fail later; that
 *             ends the process by SIGSEGV.
 *          2. set-user-ID programs run without a tracer to guard against.
 * Locks:   PIDTAB and SIGHAND, at the point of no return; MMAP_MTX of the new address space.
 * Walk:    execve(2) -> do_execveat() -> load_elf_binary() -> begin_new_exec() -> start_thread().
 */
#include "fs/file.h"
#include "fs/fs.h"
#include "fs/namei.h"
#include "kernel/mm.h"
#include "kernel/process/binfmt.h"
#include "kernel/process/internal.h"
#include "kernel/slab.h"
#include "kernel/string.h"
#include "kernel/syscall.h"
#include "kernel/trace.h"
#include "kernel/uaccess.h"

enum {
	MAX_ARG_STRLEN = 32 * 4096,	/* of one string */
	ARG_MAX = 128 * 1024,		/* of all: guaranteed, whatever the stack's limit */
	ARG_MAX_TOTAL = 6 * 1024 * 1024,
	MAX_SCRIPT_DEPTH = 5,
	STACK_INITIAL = 128 * 1024,
	STACK_RANDOM_PAGES = 0x1000,	/* 16 MiB: the gap below the stack that mmap() leaves is 128 MiB */
	MS_NOSUID = 2, MS_NOEXEC = 8,
};

/* --- strings on the new stack -------------------------------------------------------------------------------- */

/* The kernel's view of the stack page that holds @addr. */
static u8 *stack_page(struct linux_binprm *b, u64 addr)
{
	u64 base = addr & PAGE_MASK;

	if (b->page && b->page_base == base)
		return page_address(b->page);
	if (b->page)
		put_page(b->page);
	b->page = get_user_page(b->mm, base, true);
	b->page_base = base;
	return b->page ? page_address(b->page) : NULL;
}

/* @len bytes from user memory @src or, if that is NULL, from @ksrc, below what is there. */
static int push_bytes(struct linux_binprm *b, uptr src, const char *ksrc, size_t len)
{
	if (b->p < b->p_min + len)
		return -E2BIG;
	while (len) {
		size_t n = min(len, (size_t)((b->p - 1) & ~PAGE_MASK) + 1);
		u8 *page;

		b->p -= n;
		len -= n;
		page = stack_page(b, b->p);
		if (!page)
			return -E2BIG;
		page += b->p & ~PAGE_MASK;
		if (ksrc)
			memcpy(page, ksrc + len, n);
		else if (copy_from_user(page, uptr_add(src, len), n))
			return -EFAULT;
	}
	return 0;
}

int bprm_push_string(struct linux_binprm *b, const char *s) { return push_bytes(b, UPTR_NULL, s, strlen(s) + 1); }

static int push_user_string(struct linux_binprm *b, uptr s)
{
	size_t len = strnlen_user(s, MAX_ARG_STRLEN);

	if (!len)
		return -EFAULT;
	if (len > MAX_ARG_STRLEN)
		return -E2BIG;
	return push_bytes(b, s, NULL, len);
}

/* argv or envp, the user's or (user.addr == 0) the kernel's. */
struct string_list { uptr user; const char *const *kernel; };

/* Return: how many, -EFAULT, -E2BIG. */
static int count_strings(const struct string_list *l)
{
	enum { MAX_ARG_STRINGS = 0x7fffffff };
	int n = 0;

	if (l->kernel) {
		while (l->kernel[n])
			n++;
		return n;
	}
	if (uptr_is_null(l->user))
		return 0;
	for (;;) {
		u64 s;

		if (get_user(s, uptr_add(l->user, (u64)n * sizeof(s))))
			return -EFAULT;
		if (!s)
			return n;
		if (n == MAX_ARG_STRINGS)
			return -E2BIG;
		n++;
		if (fatal_signal_pending(current))
			return -ERESTARTNOHAND;
	}
}

/* The last one first: in memory they ascend. */
static int push_strings(struct linux_binprm *b, const struct string_list *l, int n)
{
	while (n-- > 0) {
		uptr s;
		int err;

		if (l->kernel) {
			err = bprm_push_string(b, l->kernel[n]);
		} else {
			if (get_user(s, uptr_add(l->user, (u64)n * sizeof(s))))
				return -EFAULT;
			err = push_user_string(b, s);
		}
		if (err)
			return err;
	}
	return 0;
}

/* Strings and pointers may take a quarter of the stack. */
static int set_stack_limit(struct linux_binprm *b)
{
	u64 limit = clamp(min(rlimit(RLIMIT_STACK) / 4, (u64)ARG_MAX_TOTAL), (u64)ARG_MAX, (u64)ARG_MAX_TOTAL);
	u64 pointers = ((u64)max(b->argc, 1) + (u64)b->envc) * sizeof(u64);

	if (limit <= pointers)
		return -E2BIG;
	b->p_min = b->p - (limit - pointers);
	return 0;
}

static int bprm_mm_init(struct linux_binprm *b)
{
	u64 top = TASK_SIZE;
	s64 at;

	b->mm = mm_alloc();
	if (!b->mm)
		return -ENOMEM;
	get_random_bytes(&b->random, sizeof(b->random));
	if (current->personality & ADDR_NO_RANDOMIZE)
		b->random.pie = b->random.stack = b->random.sp = 0;
	top -= (b->random.stack % STACK_RANDOM_PAGES) * PAGE_SIZE;
	at = mm_map(b->mm, NULL, top - STACK_INITIAL, STACK_INITIAL, PROT_READ | PROT_WRITE,
		    MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED | MAP_GROWSDOWN | MAP_STACK, 0);
	if (at < 0)
		return (int)at;
	b->stack_top = top;
	b->p = top - sizeof(u64); /* a word of zeros at the end, as in Linux */
	return 0;
}

static int copy_arguments(struct linux_binprm *b, const struct string_list *argv, const struct string_list *envp)
{
	int err;

	b->argc = count_strings(argv);
	if (b->argc < 0)
		return b->argc;
	b->envc = count_strings(envp);
	if (b->envc < 0)
		return b->envc;
	err = set_stack_limit(b);
	if (err)
		return err;
	err = bprm_push_string(b, b->filename);
	if (err)
		return err;
	b->exec_p = b->p;
	err = push_strings(b, envp, b->envc);
	if (err)
		return err;
	err = push_strings(b, argv, b->argc);
	if (err)
		return err;
	if (b->argc)
		return 0;
	/* Programs take argv[0] for granted; since 5.18 Linux gives them one. */
	b->argc = 1;
	return bprm_push_string(b, "");
}

/* --- the file ------------------------------------------------------------------------------------------------ */

struct file *open_exec(const struct path *path)
{
	struct inode *inode = path->dentry->d_inode;
	int err;

	if (!S_ISREG(inode->i_mode) || path->mnt->mnt_flags & MS_NOEXEC)
		return ERR_PTR(-EACCES);
	err = inode_permission(inode, MAY_EXEC);
	if (err)
		return ERR_PTR(err);
	/* Even root needs somebody to have meant it as a program. */
	if (!(inode->i_mode & (S_IXUSR | S_IXUSR >> 3 | S_IXUSR >> 6)))
		return ERR_PTR(-EACCES);
	return dentry_open_exec(path);
}

struct file *open_exec_name(const char *name)
{
	struct path path;
	struct file *file;
	int err = kern_path(name, LOOKUP_FOLLOW, &path);

	if (err)
		return ERR_PTR(err);
	file = open_exec(&path);
	path_put(&path);
	return file;
}

/* The file named by execveat()'s arguments. */
static struct file *open_exec_at(int dfd, uptr uname, const char *name, int flags)
{
	unsigned int lookup = (flags & AT_SYMLINK_NOFOLLOW ? 0 : LOOKUP_FOLLOW) |
			      (flags & AT_EMPTY_PATH ? LOOKUP_EMPTY : 0);
	struct path path;
	struct file *file;
	int err;

	if (flags & ~(AT_EMPTY_PATH | AT_SYMLINK_NOFOLLOW))
		return ERR_PTR(-EINVAL);
	if (uptr_is_null(uname) || (dfd == AT_FDCWD && lookup == LOOKUP_FOLLOW))
		return open_exec_name(name);
	err = user_path_at(dfd, uname, lookup, &path);
	if (err)
		return ERR_PTR(err);
	file = S_ISLNK(path.dentry->d_inode->i_mode) ? ERR_PTR(-ELOOP) : open_exec(&path);
	path_put(&path);
	return file;
}

/* Set-user-ID and set-group-ID bits. */
static void bprm_fill_cred(struct linux_binprm *b)
{
	const struct inode *inode = b->file->f_inode;
	umode_t mode = READ_ONCE(inode->i_mode);

	b->cred = current->cred;
	if (!(b->file->f_path.mnt->mnt_flags & MS_NOSUID) && !current->no_new_privs) {
		if (mode & S_ISUID)
			b->cred.euid = inode->i_uid;
		if ((mode & (S_ISGID | S_IXUSR >> 3)) == (S_ISGID | S_IXUSR >> 3))
			b->cred.egid = inode->i_gid;
	}
	b->cred.suid = b->cred.fsuid = b->cred.euid;
	b->cred.sgid = b->cred.fsgid = b->cred.egid;
	b->secure = b->cred.euid != b->cred.uid || b->cred.egid != b->cred.gid;
}

static int read_header(struct linux_binprm *b)
{
	loff_t pos = 0;
	ssize_t n = kernel_read(b->file, b->buf, sizeof(b->buf) - 1, &pos);

	if (n < 0)
		return (int)n;
	memset(b->buf + n, 0, sizeof(b->buf) - (size_t)n);
	b->buf_len = (size_t)n;
	return 0;
}

/* --- #! ------------------------------------------------------------------------------------------------------ */

static bool is_blank(char c) { return c == ' ' || c == '\t'; }

/* "#! interpreter argument": at most one argument, with what blanks there are inside. Return: 0, -ENOEXEC, -EACCES. */
static int parse_script(char *line, char **interp, char **arg)
{
	char *end = memchr(line, '\n', SCRIPT_LINE_MAX), *s;
	bool complete = end;

	/* Without a newline the name of the interpreter, at least, must be complete. */
	if (!end) {
		for (s = line + 2; is_blank(*s); s++)
			;
		for (; *s && !is_blank(*s); s++)
			if (s >= line + SCRIPT_LINE_MAX)
				return -ENOEXEC;
		end = line + strnlen(line, SCRIPT_LINE_MAX);
	}
	while (end > line + 2 && is_blank(end[-1]))
		end--;
	*end = '\0';
	for (s = line + 2; is_blank(*s); s++)
		;
	if (!*s)
		return complete ? -ENOEXEC : -EACCES; /* Linux then takes the empty name, which is a directory */
	*interp = s;
	while (*s && !is_blank(*s))
		s++;
	while (is_blank(*s))
		*s++ = '\0';
	*arg = *s ? s : NULL;
	return 0;
}

/* argv[0] off the stack: the script's name comes in its place. */
static int remove_arg_zero(struct linux_binprm *b)
{
	u8 *page, c;

	do {
		page = stack_page(b, b->p);
		if (!page)
			return -EFAULT;
		c = page[b->p & ~PAGE_MASK];
		b->p++;
	} while (c);
	b->argc--;
	return 0;
}

static int load_script(struct linux_binprm *b)
{
	char *interp, *arg, *name;
	struct file *file;
	int err = parse_script(b->buf, &interp, &arg);

	if (err)
		return err;
	if (b->inaccessible)
		return -ENOENT; /* the interpreter could not open /dev/fd/N: it will be closed */
	err = remove_arg_zero(b);
	if (!err)
		err = bprm_push_string(b, b->interp);
	if (!err && arg)
		err = bprm_push_string(b, arg);
	if (!err)
		err = bprm_push_string(b, interp);
	if (err)
		return err;
	b->argc += arg ? 3 : 2;
	name = kstrdup(interp, GFP_KERNEL);
	if (!name)
		return -ENOMEM;
	if (b->interp != b->filename)
		kfree(b->interp);
	b->interp = name;
	file = open_exec_name(name);
	if (IS_ERR(file))
		return (int)PTR_ERR(file);
	fput(b->file);
	b->file = file;
	return 0;
}

/* The file's kind by its first bytes. */
static int search_binary_handler(struct linux_binprm *b)
{
	for (int depth = 0; depth <= MAX_SCRIPT_DEPTH; depth++) {
		int err = read_header(b);

		if (err)
			return err;
		if (b->buf[0] != '#' || b->buf[1] != '!') {
			bprm_fill_cred(b);
			return load_elf_binary(b);
		}
		err = load_script(b);
		if (err)
			return err;
	}
	return -ELOOP;
}

/* --- the point of no return ---------------------------------------------------------------------------------- */

/* Wait until the other threads are gone; a fatal signal, which they would share, ends the wait. */
static int wait_for_count(struct signal_struct *sig)
{
	for (;;) {
		set_current_state(TASK_KILLABLE);
		if (!READ_ONCE(sig->notify_count) || fatal_signal_pending(current))
			break;
		schedule();
	}
	__set_current_state(TASK_RUNNING);
	return READ_ONCE(sig->notify_count) ? -EAGAIN : 0;
}

/*
 * Current takes the leader's place: its id, its parent, its children. pidtab_lock and siglock held; the leader is a
 * zombie.
 */
static void take_leadership_locked(struct task_struct *leader)
{
	struct task_struct *p;
	pid_t tid = current->pid;

	unhash_pid_locked(leader);
	unhash_pid_locked(current);
	current->pid = leader->pid;
	leader->pid = tid;
	hash_pid_locked(leader);
	hash_pid_locked(current);
	list_for_each_entry(p, &current->signal->thread_head, thread_node)
		p->group_leader = current;
	current->real_parent = leader->real_parent;
	list_add(&current->sibling, &leader->sibling);
	list_del_init(&leader->sibling);
	list_add(&current->tasks, &leader->tasks);
	list_del_init(&leader->tasks);
	list_for_each_entry(p, &leader->children, sibling)
		p->real_parent = current;
	list_splice_tail_init(&leader->children, &current->children);
	current->exit_signal = SIGCHLD;
	current->pdeath_signal = 0;
	current->start_time_ns = leader->start_time_ns;
	leader->exit_signal = -1;
	leader->exit_state = EXIT_DEAD;
}

static int become_leader(struct signal_struct *sig)
{
	struct task_struct *leader = current->group_leader;
	bool dead = false;

	while (!dead) {
		spin_lock_irq(&pidtab_lock);
		sig->notify_count = -1; /* exit_notify() of the leader wakes us */
		dead = leader->exit_state != 0;
		if (!dead)
			__set_current_state(TASK_KILLABLE);
		else
			sig->notify_count = 0;
		spin_unlock_irq(&pidtab_lock);
		if (fatal_signal_pending(current)) {
			__set_current_state(TASK_RUNNING);
			return -EAGAIN;
		}
		if (!dead)
			schedule();
	}
	spin_lock_irq(&pidtab_lock);
	spin_lock(&current->sighand->siglock);
	take_leadership_locked(leader);
	spin_unlock(&current->sighand->siglock);
	leader = release_task_locked(leader) ? NULL : leader; /* it is no leader any more, and waits for nobody */
	spin_unlock_irq(&pidtab_lock);
	if (leader)
		put_task_struct(leader);
	return 0;
}

/* All other threads end. Return: 0: current is the only one, and the leader; -EAGAIN: the process is ending anyway. */
static int de_thread(void)
{
	struct signal_struct *sig = current->signal;
	int err;

	if (thread_group_empty(current))
		return 0;
	spin_lock_irq(&current->sighand->siglock);
	if (sig->group_exit || sig->group_exec_task) {
		spin_unlock_irq(&current->sighand->siglock);
		return -EAGAIN;
	}
	sig->group_exec_task = current;
	sig->notify_count = zap_other_threads();
	if (!thread_group_leader(current))
		sig->notify_count--; /* the leader stays until it is replaced */
	spin_unlock_irq(&current->sighand->siglock);
	err = wait_for_count(sig);
	if (!err && !thread_group_leader(current))
		err = become_leader(sig);
	spin_lock_irq(&current->sighand->siglock);
	sig->group_exec_task = NULL;
	sig->notify_count = 0;
	spin_unlock_irq(&current->sighand->siglock);
	return err;
}

static void nothing(__unused void *arg) {}

/* A sighand that another process shares is left to that one. */
static void replace_sighand(struct sighand_struct *new)
{
	struct sighand_struct *old = current->sighand;

	copy_sighand_actions(new, old);
	spin_lock_irq(&pidtab_lock);
	spin_lock(&old->siglock);
	WRITE_ONCE(current->sighand, new);
	spin_unlock(&old->siglock);
	spin_unlock_irq(&pidtab_lock);
	/* Whoever found the old one in lock_task_sighand() has interrupts off until it has seen the new one. */
	smp_call_function_all(nothing, NULL);
	put_sighand(old);
}

static void exec_mmap(struct mm_struct *mm)
{
	struct mm_struct *old = current->mm;

	if (old)
		mm_release(current);
	spin_lock_irq(&pidtab_lock);
	current->mm = mm;
	switch_mm(mm);
	spin_unlock_irq(&pidtab_lock);
	if (!old)
		return;
	current->signal->dead.maxrss_pages = max(current->signal->dead.maxrss_pages, (u64)atomic_long_read(&old->rss));
	mmput(old);
}

static void reset_signals(void)
{
	spin_lock_irq(&current->sighand->siglock);
	flush_signal_handlers(current);
	spin_unlock_irq(&current->sighand->siglock);
	current->sas_ss_sp = current->sas_ss_size = 0;
	current->restart_block.fn = NULL;
}

static const char *base_name(const char *path)
{
	const char *slash = strrchr(path, '/');

	return slash ? slash + 1 : path;
}

int begin_new_exec(struct linux_binprm *b)
{
	struct sighand_struct *sighand = NULL;
	int err;

	if (refcount_read(&current->sighand->count) > 1) {
		sighand = alloc_sighand();
		if (!sighand)
			return -ENOMEM;
	}
	err = unshare_files();
	if (!err)
		err = de_thread();
	if (err) {
		if (sighand)
			put_sighand(sighand);
		return err;
	}
	/* From here on there is no way back, and nothing that fails. */
	b->point_of_no_return = true;
	if (sighand && refcount_read(&current->sighand->count) > 1)
		replace_sighand(sighand);
	else if (sighand)
		put_sighand(sighand);
	exec_mmap(b->mm);
	b->mm = NULL;
	exit_itimers(current->signal);
	reset_signals();
	arch_flush_thread();
	do_close_on_exec(current->files);
	if (b->secure) {
		current->pdeath_signal = 0;
		current->personality &= ~(u32)PER_CLEAR_ON_SETID;
	}
	current->signal->dumpable = !b->secure;
	current->cred = b->cred;
	current->flags &= ~(u32)PF_FORKNOEXEC;
	current->exit_signal = SIGCHLD;
	set_task_comm(current, base_name(b->filename));
	trace(exec, current->pid);
	return 0;
}

/* --- calls --------------------------------------------------------------------------------------------------- */

static void free_bprm(struct linux_binprm *b)
{
	if (b->page)
		put_page(b->page);
	if (b->mm)
		mmput(b->mm);
	if (b->file)
		fput(b->file);
	if (b->interp && b->interp != b->filename)
		kfree(b->interp);
	kfree(b);
}

/* What a program started from a descriptor is called. */
static char *fd_name(int dfd, const char *name)
{
	enum { FD_NAME_ROOM = sizeof("/dev/fd/") + 12 };
	size_t size = FD_NAME_ROOM + strlen(name);
	char *s = kmalloc(size, GFP_KERNEL);

	if (s)
		snprintf(s, size, *name ? "/dev/fd/%d/%s" : "/dev/fd/%d", dfd, name);
	return s;
}

struct exec_file { int dfd; uptr uname; const char *name; int flags; };

/* @filename: how the program will find itself called; equal to what the file is opened by, but for execveat(). */
static int do_execve_file(const struct exec_file *f, char *filename, const struct string_list *argv,
			  const struct string_list *envp)
{
	struct linux_binprm *b = kmalloc(sizeof(*b), GFP_KERNEL);
	int err;

	if (!b)
		return -ENOMEM;
	memset(b, 0, offsetof(struct linux_binprm, buf)); /* read_header() fills the rest */
	b->filename = b->interp = filename;
	err = bprm_mm_init(b);
	if (!err)
		err = copy_arguments(b, argv, envp);
	if (err)
		goto out_free;
	b->file = open_exec_at(f->dfd, f->uname, f->name, f->flags);
	if (IS_ERR(b->file)) {
		err = (int)PTR_ERR(b->file);
		b->file = NULL;
		goto out_free;
	}
	b->inaccessible = filename != f->name && f->dfd >= 0 && get_close_on_exec((unsigned int)f->dfd);
	err = search_binary_handler(b);
	if (err && b->point_of_no_return && !fatal_signal_pending(current))
		force_fatal_sig(SIGSEGV);
out_free:
	free_bprm(b);
	return err;
}

static char empty_name[] = "";

/* With AT_EMPTY_PATH there may be no name: the descriptor itself is the file. */
static char *copy_name(uptr uname, int flags)
{
	u8 first;

	if (flags & AT_EMPTY_PATH && !get_user(first, uname) && !first)
		return empty_name;
	return getname(uname);
}

static void free_name(char *name)
{
	if (name != empty_name)
		putname(name);
}

static int do_execveat(int dfd, uptr uname, uptr uargv, uptr uenvp, int flags)
{
	struct string_list argv = { .user = uargv }, envp = { .user = uenvp };
	char *name, *filename;
	int err;

	name = copy_name(uname, flags);
	if (IS_ERR(name))
		return (int)PTR_ERR(name);
	filename = name;
	if (dfd != AT_FDCWD && *name != '/') {
		filename = fd_name(dfd, name);
		if (!filename) {
			free_name(name);
			return -ENOMEM;
		}
	}
	struct exec_file f = { .dfd = dfd, .uname = uname, .name = name, .flags = flags };

	err = do_execve_file(&f, filename, &argv, &envp);
	if (filename != name)
		kfree(filename);
	free_name(name);
	return err;
}

int kernel_execve(const char *path, const char *const *argv, const char *const *envp)
{
	struct string_list a = { .kernel = argv }, e = { .kernel = envp };
	char *name = kstrdup(path, GFP_KERNEL);
	int err;

	if (!name)
		return -ENOMEM;
	struct exec_file f = { .dfd = AT_FDCWD, .name = name };

	err = do_execve_file(&f, name, &a, &e);
	kfree(name);
	return err;
}

SYSCALL_DEFINE3(execve, uptr, filename, uptr, argv, uptr, envp)
{
	return do_execveat(AT_FDCWD, filename, argv, envp, 0);
}

SYSCALL_DEFINE5(execveat, int, dfd, uptr, filename, uptr, argv, uptr, envp, int, flags)
{
	return do_execveat(dfd, filename, argv, envp, flags);
}

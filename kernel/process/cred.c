/*
 * kernel/process/cred.c - who a task acts as: user and group ids.
 *
 * Linux:   kernel/sys.c, kernel/groups.c, kernel/capability.c (6.1)
 * Same:    real, effective, saved and file-system ids and what may become what; errors in Linux's order.
 * Differs: 1. an effective uid of 0 is all capabilities at once: they cannot be given up one by one.
 *          2. at most 32 supplementary groups (NGROUPS_MAX is 65536 there).
 * Locks:   none: a task changes only its own; others read words that may be a moment old.
 * Walk:    login programs; generic_permission() reads fsuid.
 */
#include "kernel/process/internal.h"
#include "kernel/string.h"
#include "kernel/syscall.h"
#include "kernel/uaccess.h"

bool capable_root(void) { return current->cred.euid == 0; }

static bool is_uid_of(uid_t id, const struct cred *c) { return id == c->uid || id == c->euid || id == c->suid; }
static bool is_gid_of(gid_t id, const struct cred *c) { return id == c->gid || id == c->egid || id == c->sgid; }

/* New effective ids: the process is another subject now, and what it may leave behind is not its old owner's. */
static void commit_creds(const struct cred *new)
{
	if (new->euid != current->cred.euid || new->egid != current->cred.egid) {
		current->signal->dumpable = 0;
		current->pdeath_signal = 0;
	}
	current->cred = *new;
}

SYSCALL_DEFINE0(getuid) { return current->cred.uid; }
SYSCALL_DEFINE0(geteuid) { return current->cred.euid; }
SYSCALL_DEFINE0(getgid) { return current->cred.gid; }
SYSCALL_DEFINE0(getegid) { return current->cred.egid; }

SYSCALL_DEFINE1(setuid, uid_t, uid)
{
	struct cred c = current->cred;

	if (uid == (uid_t)-1)
		return -EINVAL;
	if (capable_root())
		c.uid = c.suid = uid;
	else if (uid != c.uid && uid != c.suid)
		return -EPERM;
	c.fsuid = c.euid = uid;
	commit_creds(&c);
	return 0;
}

SYSCALL_DEFINE1(setgid, gid_t, gid)
{
	struct cred c = current->cred;

	if (gid == (gid_t)-1)
		return -EINVAL;
	if (capable_root())
		c.gid = c.sgid = gid;
	else if (gid != c.gid && gid != c.sgid)
		return -EPERM;
	c.fsgid = c.egid = gid;
	commit_creds(&c);
	return 0;
}

SYSCALL_DEFINE2(setreuid, uid_t, ruid, uid_t, euid)
{
	struct cred c = current->cred, old = c;

	if (ruid != (uid_t)-1) {
		if (ruid != old.uid && ruid != old.euid && !capable_root())
			return -EPERM;
		c.uid = ruid;
	}
	if (euid != (uid_t)-1) {
		if (!is_uid_of(euid, &old) && !capable_root())
			return -EPERM;
		c.euid = euid;
	}
	if (ruid != (uid_t)-1 || (euid != (uid_t)-1 && euid != old.uid))
		c.suid = c.euid;
	c.fsuid = c.euid;
	commit_creds(&c);
	return 0;
}

SYSCALL_DEFINE2(setregid, gid_t, rgid, gid_t, egid)
{
	struct cred c = current->cred, old = c;

	if (rgid != (gid_t)-1) {
		if (rgid != old.gid && rgid != old.egid && !capable_root())
			return -EPERM;
		c.gid = rgid;
	}
	if (egid != (gid_t)-1) {
		if (!is_gid_of(egid, &old) && !capable_root())
			return -EPERM;
		c.egid = egid;
	}
	if (rgid != (gid_t)-1 || (egid != (gid_t)-1 && egid != old.gid))
		c.sgid = c.egid;
	c.fsgid = c.egid;
	commit_creds(&c);
	return 0;
}

SYSCALL_DEFINE3(setresuid, uid_t, ruid, uid_t, euid, uid_t, suid)
{
	const uid_t keep = (uid_t)-1;
	struct cred c = current->cred;

	if (!capable_root() && ((ruid != keep && !is_uid_of(ruid, &c)) || (euid != keep && !is_uid_of(euid, &c)) ||
				(suid != keep && !is_uid_of(suid, &c))))
		return -EPERM;
	if (ruid != keep)
		c.uid = ruid;
	if (euid != keep)
		c.euid = euid;
	if (suid != keep)
		c.suid = suid;
	c.fsuid = c.euid;
	commit_creds(&c);
	return 0;
}

SYSCALL_DEFINE3(setresgid, gid_t, rgid, gid_t, egid, gid_t, sgid)
{
	const gid_t keep = (gid_t)-1;
	struct cred c = current->cred;

	if (!capable_root() && ((rgid != keep && !is_gid_of(rgid, &c)) || (egid != keep && !is_gid_of(egid, &c)) ||
				(sgid != keep && !is_gid_of(sgid, &c))))
		return -EPERM;
	if (rgid != keep)
		c.gid = rgid;
	if (egid != keep)
		c.egid = egid;
	if (sgid != keep)
		c.sgid = sgid;
	c.fsgid = c.egid;
	commit_creds(&c);
	return 0;
}

static long put_three(u32 a, uptr pa, u32 b, uptr pb, u32 c, uptr pc)
{
	if (put_user(a, pa) || put_user(b, pb) || put_user(c, pc))
		return -EFAULT;
	return 0;
}

SYSCALL_DEFINE3(getresuid, uptr, ruid, uptr, euid, uptr, suid)
{
	const struct cred *c = &current->cred;

	return put_three(c->uid, ruid, c->euid, euid, c->suid, suid);
}

SYSCALL_DEFINE3(getresgid, uptr, rgid, uptr, egid, uptr, sgid)
{
	const struct cred *c = &current->cred;

	return put_three(c->gid, rgid, c->egid, egid, c->sgid, sgid);
}

/* These two answer with the old id, whatever comes of it. */
SYSCALL_DEFINE1(setfsuid, uid_t, uid)
{
	struct cred *c = &current->cred;
	uid_t old = c->fsuid;

	if (uid != (uid_t)-1 && (is_uid_of(uid, c) || uid == old || capable_root()))
		c->fsuid = uid;
	return old;
}

SYSCALL_DEFINE1(setfsgid, gid_t, gid)
{
	struct cred *c = &current->cred;
	gid_t old = c->fsgid;

	if (gid != (gid_t)-1 && (is_gid_of(gid, c) || gid == old || capable_root()))
		c->fsgid = gid;
	return old;
}

SYSCALL_DEFINE2(getgroups, int, size, uptr, list)
{
	const struct cred *c = &current->cred;

	if (size < 0)
		return -EINVAL;
	if (size) {
		if (c->ngroups > size)
			return -EINVAL;
		if (copy_to_user(list, c->groups, (size_t)c->ngroups * sizeof(gid_t)))
			return -EFAULT;
	}
	return c->ngroups;
}

SYSCALL_DEFINE2(setgroups, int, size, uptr, list)
{
	struct cred c = current->cred;

	if (!capable_root())
		return -EPERM;
	if ((unsigned int)size > ARRAY_SIZE(c.groups))
		return -EINVAL;
	if (copy_from_user(c.groups, list, (size_t)size * sizeof(gid_t)))
		return -EFAULT;
	c.ngroups = size;
	current->cred = c;
	return 0;
}

/* Capabilities, as uid 0 and all others have them. include/uapi/linux/capability.h */
#define LINUX_CAPABILITY_VERSION_1 0x19980330U
#define LINUX_CAPABILITY_VERSION_2 0x20071026U
#define LINUX_CAPABILITY_VERSION_3 0x20080522U
#define CAP_FULL_SET ((1ULL << 41) - 1)
struct cap_header { u32 version; s32 pid; };
struct cap_data { u32 effective, permitted, inheritable; };

/* Return: how many words of data the header's version has; -EINVAL (with the version to use written back), -EFAULT. */
static int cap_words(uptr header, struct cap_header *h)
{
	u32 best = LINUX_CAPABILITY_VERSION_3;

	if (copy_from_user(h, header, sizeof(*h)))
		return -EFAULT;
	switch (h->version) {
	case LINUX_CAPABILITY_VERSION_1:
		return 1;
	case LINUX_CAPABILITY_VERSION_2:
	case LINUX_CAPABILITY_VERSION_3:
		return 2;
	default:
		return put_user(best, header) ? -EFAULT : -EINVAL;
	}
}

static void cap_of(const struct cred *c, struct cap_data data[2])
{
	u64 eff = c->euid == 0 ? CAP_FULL_SET : 0;
	u64 perm = c->uid == 0 || c->euid == 0 || c->suid == 0 ? CAP_FULL_SET : 0;

	for (int i = 0; i < 2; i++)
		data[i] = (struct cap_data){
			.effective = (u32)(eff >> (32 * i)), .permitted = (u32)(perm >> (32 * i)),
		};
}

SYSCALL_DEFINE2(capget, uptr, header, uptr, udata)
{
	struct cap_data data[2];
	struct cap_header h;
	int words = cap_words(header, &h);

	/* Asking for the version, with no place for an answer, is not an error. */
	if (words < 0)
		return words == -EINVAL && uptr_is_null(udata) ? 0 : words;
	if (h.pid < 0)
		return -EINVAL;
	if (h.pid && h.pid != current->pid) {
		struct task_struct *p = find_get_task(h.pid);

		if (!p)
			return -ESRCH;
		cap_of(&p->cred, data);
		put_task_struct(p);
	} else {
		cap_of(&current->cred, data);
	}
	return copy_to_user(udata, data, (size_t)words * sizeof(data[0])) ? -EFAULT : 0;
}

SYSCALL_DEFINE2(capset, uptr, header, uptr, udata)
{
	struct cap_data have[2], want[2] = { { 0 } };
	struct cap_header h;
	int words = cap_words(header, &h);

	if (words < 0)
		return words;
	if (h.pid && h.pid != current->pid)
		return -EPERM;
	if (copy_from_user(want, udata, (size_t)words * sizeof(want[0])))
		return -EFAULT;
	cap_of(&current->cred, have);
	return memcmp(want, have, (size_t)words * sizeof(want[0])) ? -EPERM : 0;
}

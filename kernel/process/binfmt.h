/*
 * kernel/process/binfmt.h - an execve() under way, between exec.c and the loader of a file format.
 *
 * Linux:   include/linux/binfmts.h (6.1)
 * Same:    struct linux_binprm and its life: filled by exec.c, used up by the loader.
 * Differs: none of note.
 * Locks:   none: it belongs to one task.
 * Walk:    do_execveat() -> load_elf_binary() -> begin_new_exec().
 */
#pragma once
#include "kernel/random.h"
#include "kernel/task.h"

struct file;
struct page;
struct path;

enum { SCRIPT_LINE_MAX = 256, EXEC_BUF_SIZE = 1024, ADDR_NO_RANDOMIZE = 0x0040000, PER_CLEAR_ON_SETID = 0x0d40000 };

struct linux_binprm {
	struct file *file;
	struct mm_struct *mm;		/* the new address space, until it is current's */
	char *filename;			/* as execve() was told; AT_EXECFN */
	char *interp;			/* of a script: the interpreter; else filename */
	int argc, envc;
	u64 p;				/* lowest byte of the strings on the new stack */
	u64 p_min;			/* they must not go below */
	u64 stack_top, exec_p;		/* end of the stack; where the file name stands */
	struct page *page;		/* the stack page in hand, with a reference */
	u64 page_base;
	/* Drawn at once: each draw costs a block of the generator. */
	struct { u8 at_random[16]; u64 pie; u32 stack, sp; } random;
	struct cred cred;
	bool secure;			/* AT_SECURE */
	bool inaccessible;		/* a descriptor that execve() closes names the file */
	bool point_of_no_return;
	size_t buf_len;
	char buf[EXEC_BUF_SIZE];	/* the first bytes of the file, with zeros behind */
};

/* open_exec - the file at @path, as a program. Return: ERR_PTR(-EACCES) and what opening gives. Context: task. */
struct file *open_exec(const struct path *path) __must_check;
struct file *open_exec_name(const char *name) __must_check;
/* bprm_push_string - below the strings that are there. Return: 0, -E2BIG. Context: task. */
int bprm_push_string(struct linux_binprm *b, const char *s) __must_check;
/*
 * begin_new_exec - the old program is gone: other threads, memory, handlers, descriptors to be closed. b->mm is
 * current's.
 * Return: 0, or -ENOMEM, -EAGAIN with nothing changed. Context: task.
 */
int begin_new_exec(struct linux_binprm *b) __must_check;
/* binfmt_elf.c. Return: 0: user mode will begin in the new program; -ENOEXEC and others. */
int load_elf_binary(struct linux_binprm *b) __must_check;

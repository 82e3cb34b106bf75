/*
 * kernel/cmdline.h - options given at boot, "name" or "name=value" separated by blanks.
 *
 * Linux:   init/main.c's parameter parsing, Documentation/admin-guide/kernel-parameters (6.1)
 * Same:    what stands after "--", and what nobody knows, goes to init.
 * Differs: 1. code asks for its option instead of registering it.
 * Locks:   none: written once at boot.
 * Walk:    start_kernel() -> cmdline_init().
 */
#pragma once
#include "kernel/types.h"

/* cmdline_init - keep a copy of @s. */
void cmdline_init(const char *s);
/* cmdline_get - copy the value of @name into @buf ("" if it has none). Return: false if it was not given. */
bool cmdline_get(const char *name, char *buf, size_t size);
/* cmdline_get_u64 - the value as a number, @def if absent or malformed. cmdline_has - was @name given? */
u64 cmdline_get_u64(const char *name, u64 def);
bool cmdline_has(const char *name);
/* cmdline_text - the whole line, for /proc/cmdline. */
const char *cmdline_text(void);
/*
 * cmdline_for_init - what is not for the kernel: append to @argv and @envp, up to @max entries each, counted in
 * *@argc and *@envc. Options with a dot in the name belong to modules, and go nowhere. Context: boot.
 */
void cmdline_for_init(const char **argv, int *argc, const char **envp, int *envc, int max);

/*
 * kernel/init/cmdline.c - the options given at boot.
 *
 * Linux:   init/main.c, kernel/params.c (6.1)
 * Same:    double quotes keep blanks; the last of several values counts; what follows "--", and options nobody asked
 *          for, go to init: "name=value" into its environment, the rest into its arguments.
 * Differs: 1. an option is known if code has asked for it by the time init starts, or if it is one that other
 *             kernels and loaders know (see foreign[]).
 * Locks:   none: written once at boot.
 * Walk:    start_kernel() -> cmdline_init();  kernel_init() -> cmdline_for_init().
 */
#include "kernel/cmdline.h"
#include "kernel/string.h"

enum { CMDLINE_SIZE = 1024, MAX_OPTIONS = 64 };

struct option { const char *text; size_t name_len; bool known; };

static char line[CMDLINE_SIZE];		/* as given */
static char words[CMDLINE_SIZE];	/* cut into options */
static struct option options[MAX_OPTIONS];
static int nr_options, nr_kernel_options;	/* from nr_kernel_options on: what followed "--" */

/* Options of Linux that ask for nothing this kernel does not do anyway. */
static const char *const foreign[] = {
	"console", "root", "rootfstype", "ro", "rw", "quiet", "initrd", "BOOT_IMAGE", "panic", "reboot",
};

/* Cut one word off *@p, in place, without its quotes. Return: NULL at the end. */
static char *next_word(char **p)
{
	char *from = *p, *to, *start;
	bool quoted = false;

	while (*from == ' ' || *from == '\t' || *from == '\n')
		from++;
	if (!*from)
		return NULL;
	start = to = from;
	for (; *from && (quoted || (*from != ' ' && *from != '\t' && *from != '\n')); from++) {
		if (*from == '"')
			quoted = !quoted;
		else
			*to++ = *from;
	}
	*p = *from ? from + 1 : from;
	*to = '\0';
	return start;
}

static bool is_foreign(const struct option *o)
{
	for (size_t i = 0; i < ARRAY_SIZE(foreign); i++)
		if (strlen(foreign[i]) == o->name_len && !strncmp(foreign[i], o->text, o->name_len))
			return true;
	return false;
}

void cmdline_init(const char *s)
{
	char *p = words, *w;
	bool after = false;

	strscpy(line, s, sizeof(line));
	strscpy(words, s, sizeof(words));
	while (nr_options < MAX_OPTIONS && (w = next_word(&p))) {
		struct option *o = &options[nr_options];
		const char *eq = strchr(w, '=');

		if (!after && !strcmp(w, "--")) {
			after = true;
			continue;
		}
		o->text = w;
		o->name_len = eq ? (size_t)(eq - w) : strlen(w);
		o->known = is_foreign(o);
		nr_options++;
		nr_kernel_options += !after;
	}
}

static const struct option *find(const char *name)
{
	const struct option *found = NULL;

	for (int i = 0; i < nr_kernel_options; i++) {
		struct option *o = &options[i];

		if (strlen(name) != o->name_len || strncmp(name, o->text, o->name_len))
			continue;
		o->known = true;
		found = o;
	}
	return found;
}

bool cmdline_get(const char *name, char *buf, size_t size)
{
	const struct option *o = find(name);

	if (!o)
		return false;
	strscpy(buf, o->text[o->name_len] ? o->text + o->name_len + 1 : "", size);
	return true;
}

u64 cmdline_get_u64(const char *name, u64 def)
{
	char buf[32];
	u64 v;

	return cmdline_get(name, buf, sizeof(buf)) && !kstrtou64(buf, 0, &v) ? v : def;
}

bool cmdline_has(const char *name) { return find(name) != NULL; }
const char *cmdline_text(void) { return line; }

void cmdline_for_init(const char **argv, int *argc, const char **envp, int *envc, int max)
{
	for (int i = 0; i < nr_options; i++) {
		const struct option *o = &options[i];

		if (i >= nr_kernel_options || (!o->known && !o->text[o->name_len])) {
			if (*argc < max)
				argv[(*argc)++] = o->text;
		} else if (!o->known && !memchr(o->text, '.', o->name_len) && *envc < max) {
			envp[(*envc)++] = o->text;
		}
	}
}

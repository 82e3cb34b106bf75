/* user/hello.c - the first user program: proves that a process runs, and what machine it runs on. */
#include <stdio.h>
#include <sys/utsname.h>

int main(void)
{
	struct utsname u;

	if (uname(&u) < 0)
		return 1;
	printf("hello from %s %s on %s\n", u.sysname, u.release, u.machine);
	return 0;
}

/* The second form must not compile: that is what the one-word types are for. */
#include "net/wire/tcp.h"

void probe(void);
void probe(void)
{
	char buf[4];
#ifndef MISUSE
	uptr p = UPTR(buf); (void)p;
#else
	uptr p = buf; (void)p;
#endif
}

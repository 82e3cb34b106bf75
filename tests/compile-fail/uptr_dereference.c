/* The second form must not compile: that is what the one-word types are for. */
#include "net/wire/tcp.h"

void probe(void);
void probe(void)
{
	uptr p = UPTR(4096);
#ifndef MISUSE
	u64 v = p.addr; (void)v;
#else
	u64 v = *p; (void)v;
#endif
}

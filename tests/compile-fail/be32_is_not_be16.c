/* The second form must not compile: that is what the one-word types are for. */
#include "net/wire/tcp.h"

void probe(void);
void probe(void)
{
	be32 a = cpu_to_be32(1);
#ifndef MISUSE
	be32 b = a; (void)b;
#else
	be16 b = a; (void)b;
#endif
}

/* The second form must not compile: that is what the one-word types are for. */
#include "net/wire/tcp.h"

void probe(void);
void probe(void)
{
	be32 w = cpu_to_be32(7);
#ifndef MISUSE
	seq32 s = be32_to_seq(w); (void)s;
#else
	seq32 s = w; (void)s;
#endif
}

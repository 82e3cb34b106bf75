/* The second form must not compile: that is what the one-word types are for. */
#include "net/wire/tcp.h"

void probe(void);
void probe(void)
{
	seq32 a = SEQ(1), b = SEQ(2);
#ifndef MISUSE
	bool x = seq_before(a, b); (void)x;
#else
	bool x = a < b; (void)x;
#endif
}

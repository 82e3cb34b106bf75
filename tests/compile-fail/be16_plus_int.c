/* The second form must not compile: that is what the one-word types are for. */
#include "net/wire/tcp.h"

void probe(void);
void probe(void)
{
	be16 port = cpu_to_be16(80);
#ifndef MISUSE
	u16 x = be16_to_cpu(port) + 1; (void)x;
#else
	u16 x = port + 1; (void)x;
#endif
}

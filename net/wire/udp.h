/*
 * net/wire/udp.h - the UDP header as it travels (RFC 768).
 *
 * Linux:   uapi/linux/udp.h (6.1)
 * Same:    struct udphdr.
 * Differs: none.
 * Locks:   none.
 * Walk:    udp_rcv(), udp_sendmsg().
 */
#pragma once
#include "kernel/types.h"

struct udphdr {
	be16 source, dest;
	be16 len;	/* header and data */
	u16 check;	/* 0: the sender made none */
};
static_assert(sizeof(struct udphdr) == 8, "RFC 768");

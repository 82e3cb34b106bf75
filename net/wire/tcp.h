/*
 * net/wire/tcp.h - the TCP header and its options as they travel (RFC 9293 3.1, 3.2), and sequence numbers.
 *
 * Linux:   uapi/linux/tcp.h, include/net/tcp.h (6.1)
 * Same:    flag and option names.
 * Differs: 1. sequence numbers are a type of their own (seq32): "less than" is seq_before(), which is right
 *             across the wrap; plain comparison does not compile.
 * Locks:   none.
 * Walk:    tcp_v4_rcv() -> tcp_parse_options().
 */
#pragma once
#include "kernel/types.h"

typedef struct { u32 v; } seq32;
#define SEQ(x) ((seq32){ (u32)(x) })
static inline seq32 seq_add(seq32 a, u32 n) { return SEQ(a.v + n); }
/* a - b as a distance; meaningful when they are less than 2^31 apart. */
static inline s32 seq_diff(seq32 a, seq32 b) { return (s32)(a.v - b.v); }
static inline bool seq_before(seq32 a, seq32 b) { return seq_diff(a, b) < 0; }
static inline bool seq_after(seq32 a, seq32 b) { return seq_diff(a, b) > 0; }
static inline bool seq_before_eq(seq32 a, seq32 b) { return seq_diff(a, b) <= 0; }
static inline bool seq_after_eq(seq32 a, seq32 b) { return seq_diff(a, b) >= 0; }
static inline bool seq_eq(seq32 a, seq32 b) { return a.v == b.v; }
/* lo <= s <= hi */
static inline bool seq_between(seq32 s, seq32 lo, seq32 hi) { return hi.v - lo.v >= s.v - lo.v; }
static inline seq32 seq_max(seq32 a, seq32 b) { return seq_after(a, b) ? a : b; }
static inline seq32 seq_min(seq32 a, seq32 b) { return seq_before(a, b) ? a : b; }
static inline seq32 be32_to_seq(be32 x) { return SEQ(be32_to_cpu(x)); }
static inline be32 seq_to_be32(seq32 s) { return cpu_to_be32(s.v); }

struct tcphdr {
	be16 source, dest;
	be32 seq, ack_seq;
	u8 doff_res;	/* data offset in words << 4 */
	u8 flags;	/* TCPHDR_* */
	be16 window;
	u16 check;
	be16 urg_ptr;
};
static_assert(sizeof(struct tcphdr) == 20, "RFC 9293 3.1");
enum {
	TCPHDR_FIN = 1, TCPHDR_SYN = 2, TCPHDR_RST = 4, TCPHDR_PSH = 8, TCPHDR_ACK = 16, TCPHDR_URG = 32,
	TCPHDR_ECE = 64, TCPHDR_CWR = 128,
};
static inline unsigned int tcp_hdrlen_of(const struct tcphdr *th) { return (th->doff_res >> 4) * 4U; }

/* RFC 9293 3.2, RFC 2018, RFC 7323. */
enum {
	TCPOPT_EOL = 0, TCPOPT_NOP = 1, TCPOPT_MSS = 2, TCPOPT_WINDOW = 3, TCPOPT_SACK_PERM = 4, TCPOPT_SACK = 5,
	TCPOPT_TIMESTAMP = 8,
	TCPOLEN_MSS = 4, TCPOLEN_WINDOW = 3, TCPOLEN_SACK_PERM = 2, TCPOLEN_TIMESTAMP = 10,
	TCPOLEN_SACK_BASE = 2, TCPOLEN_SACK_PERBLOCK = 8,
	TCPOLEN_TSTAMP_ALIGNED = 12,	/* with two NOPs in front */
	TCP_MAX_WSCALE = 14, TCP_MSS_DEFAULT = 536,
};

/*
 * net/ipv4/tcp_options.c - TCP's options, read and written.
 *
 * Linux:   tcp_parse_options() in net/ipv4/tcp_input.c, tcp_options_write() in tcp_output.c (6.1)
 * Same:    which options are understood, where (SYN or not), and the order and padding in which they are sent.
 * Differs: 1. these functions see bytes only, no sock: the unit tests feed them every truncation.
 *          2. what the sysctls forbid is decided by the caller, not while parsing.
 * Locks:   none.
 * Walk:    tcp_v4_rcv() has checked that the header lies in the linear part; tcp_conn_request(),
 *          tcp_rcv_established() and tcp_check_req() parse; tcp_transmit_skb() and tcp_make_synack() write.
 */
#include "net/ipv4/tcp.h"

static u16 get_be16(const u8 *p) { return (u16)(p[0] << 8 | p[1]); }
static u32 get_be32(const u8 *p) { return (u32)p[0] << 24 | (u32)p[1] << 16 | (u32)p[2] << 8 | p[3]; }

static u8 *put_be32(u8 *p, u32 v)
{
	p[0] = (u8)(v >> 24);
	p[1] = (u8)(v >> 16);
	p[2] = (u8)(v >> 8);
	p[3] = (u8)v;
	return p + 4;
}

/* Options that only a SYN may carry. @p points at the kind byte, @len is the option's whole length. */
static void tcp_parse_syn_option(const u8 *p, unsigned int len, struct tcp_options_received *rx)
{
	switch (p[0]) {
	case TCPOPT_MSS:
		if (len == TCPOLEN_MSS && get_be16(p + 2)) {
			u16 mss = get_be16(p + 2);

			rx->mss_clamp = rx->user_mss && rx->user_mss < mss ? rx->user_mss : mss;
		}
		break;
	case TCPOPT_WINDOW:
		if (len == TCPOLEN_WINDOW) {
			rx->wscale_ok = true;
			/* RFC 7323 2.3: larger shifts are taken as 14. */
			rx->snd_wscale = min_t(u8, p[2], TCP_MAX_WSCALE);
		}
		break;
	case TCPOPT_SACK_PERM:
		if (len == TCPOLEN_SACK_PERM)
			rx->sack_ok = true;
		break;
	default:
		break;
	}
}

static void tcp_parse_option(const struct tcphdr *th, const u8 *p, unsigned int len,
			     struct tcp_options_received *rx, bool established)
{
	if (p[0] == TCPOPT_TIMESTAMP && len == TCPOLEN_TIMESTAMP) {
		rx->saw_tstamp = true;
		rx->rcv_tsval = get_be32(p + 2);
		rx->rcv_tsecr = get_be32(p + 6);
	} else if (p[0] == TCPOPT_SACK && len >= TCPOLEN_SACK_BASE + TCPOLEN_SACK_PERBLOCK &&
		   (len - TCPOLEN_SACK_BASE) % TCPOLEN_SACK_PERBLOCK == 0) {
		rx->sack_off = (u8)(p + 2 - (const u8 *)th);
		rx->nr_sacks = (u8)((len - TCPOLEN_SACK_BASE) / TCPOLEN_SACK_PERBLOCK);
	} else if ((th->flags & TCPHDR_SYN) && !established) {
		tcp_parse_syn_option(p, len, rx);
	}
}

/*
 * tcp_parse_options - what the options of @th say, into @rx; all tcp_hdrlen_of(th) bytes are readable.
 * @established: the connection exists, so options of a SYN mean nothing any more.
 * A malformed option ends the list: what came before it counts (RFC 9293 3.2).
 */
void tcp_parse_options(const struct tcphdr *th, struct tcp_options_received *rx, bool established)
{
	const u8 *p = (const u8 *)(th + 1);
	int left = (int)tcp_hdrlen_of(th) - (int)sizeof(*th);

	rx->saw_tstamp = false;
	rx->sack_off = 0;
	rx->nr_sacks = 0;
	while (left > 0) {
		unsigned int len;

		if (p[0] == TCPOPT_EOL)
			return;
		if (p[0] == TCPOPT_NOP) {
			p++;
			left--;
			continue;
		}
		if (left < 2)
			return;
		len = p[1];
		if (len < 2 || (int)len > left)
			return;
		tcp_parse_option(th, p, len, rx, established);
		p += len;
		left -= (int)len;
	}
}

/* tcp_parse_aligned_timestamp - NOP NOP TIMESTAMP and nothing before it, as every stack sends it. */
bool tcp_parse_aligned_timestamp(const struct tcphdr *th, struct tcp_options_received *rx)
{
	const u8 *p = (const u8 *)(th + 1);

	if (get_be32(p) != (TCPOPT_NOP << 24 | TCPOPT_NOP << 16 | TCPOPT_TIMESTAMP << 8 | TCPOLEN_TIMESTAMP))
		return false;
	rx->saw_tstamp = true;
	rx->rcv_tsval = get_be32(p + 4);
	rx->rcv_tsecr = get_be32(p + 8);
	return true;
}

/* tcp_fast_parse_options - of an established connection. Return: whether there is a timestamp. */
bool tcp_fast_parse_options(const struct tcphdr *th, struct tcp_options_received *rx, u32 header_len)
{
	if (tcp_hdrlen_of(th) == sizeof(*th)) {
		rx->saw_tstamp = false;
		rx->nr_sacks = 0;
		return false;
	}
	if (rx->tstamp_ok && tcp_hdrlen_of(th) == sizeof(*th) + TCPOLEN_TSTAMP_ALIGNED &&
	    header_len >= tcp_hdrlen_of(th) && tcp_parse_aligned_timestamp(th, rx)) {
		rx->nr_sacks = 0;
		return true;
	}
	tcp_parse_options(th, rx, true);
	return rx->saw_tstamp;
}

/* tcp_get_sack - block @i of the SACK option whose blocks begin @off bytes into the header. */
struct tcp_sack_block tcp_get_sack(const struct tcphdr *th, u8 off, int i)
{
	const u8 *p = (const u8 *)th + off + i * TCPOLEN_SACK_PERBLOCK;

	return (struct tcp_sack_block){ SEQ(get_be32(p)), SEQ(get_be32(p + 4)) };
}

unsigned int tcp_options_size(const struct tcp_out_options *o)
{
	unsigned int size = 0;

	if (o->options & OPTION_MSS)
		size += TCPOLEN_MSS;
	if (o->options & OPTION_TS)
		size += TCPOLEN_TSTAMP_ALIGNED;
	else if (o->options & OPTION_SACK_ADVERTISE)
		size += 4;
	if (o->options & OPTION_WSCALE)
		size += 4;
	if (o->num_sack_blocks)
		size += 4U + o->num_sack_blocks * TCPOLEN_SACK_PERBLOCK;
	return size;
}

/* tcp_options_write - tcp_options_size(o) bytes at @p, in words, as Linux orders them. */
void tcp_options_write(u8 *p, const struct tcp_out_options *o)
{
	if (o->options & OPTION_MSS)
		p = put_be32(p, TCPOPT_MSS << 24 | TCPOLEN_MSS << 16 | o->mss);
	if (o->options & OPTION_TS) {
		/* SACK-permitted fills the two bytes that would be NOPs. */
		u32 lead = o->options & OPTION_SACK_ADVERTISE ? TCPOPT_SACK_PERM << 24 | TCPOLEN_SACK_PERM << 16
							      : TCPOPT_NOP << 24 | TCPOPT_NOP << 16;

		p = put_be32(p, lead | TCPOPT_TIMESTAMP << 8 | TCPOLEN_TIMESTAMP);
		p = put_be32(p, o->tsval);
		p = put_be32(p, o->tsecr);
	} else if (o->options & OPTION_SACK_ADVERTISE) {
		p = put_be32(p,
			     TCPOPT_NOP << 24 | TCPOPT_NOP << 16 | TCPOPT_SACK_PERM << 8 | TCPOLEN_SACK_PERM);
	}
	if (o->options & OPTION_WSCALE)
		p = put_be32(p, TCPOPT_NOP << 24 | TCPOPT_WINDOW << 16 | TCPOLEN_WINDOW << 8 | o->ws);
	if (!o->num_sack_blocks)
		return;
	p = put_be32(p, TCPOPT_NOP << 24 | TCPOPT_NOP << 16 | TCPOPT_SACK << 8 |
			(u32)(TCPOLEN_SACK_BASE + o->num_sack_blocks * TCPOLEN_SACK_PERBLOCK));
	for (int i = 0; i < o->num_sack_blocks; i++) {
		p = put_be32(p, o->sacks[i].start.v);
		p = put_be32(p, o->sacks[i].end.v);
	}
}

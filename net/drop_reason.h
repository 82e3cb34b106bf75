/*
 * net/drop_reason.h - every reason for which a packet may die before it reached its goal.
 *
 * Linux:   include/net/dropreason.h (6.1)
 * Same:    kfree_skb() with a reason; names where Linux has one.
 * Differs: 1. there is no "not specified".
 * Locks:   none: counted per CPU.
 * Walk:    kfree_skb(skb, reason).
 *
 * DROP_REASON(name, what happened). Shown with counts in /proc/net/drops; docs/drops.md is
 * generated from it.
 */
#pragma once
#define DROP_REASONS(DROP_REASON)							\
	DROP_REASON(NO_SOCKET,		"no socket wants this packet")			\
	DROP_REASON(PKT_TOO_SMALL,	"shorter than its headers")			\
	DROP_REASON(HDR_TRUNC,		"a header's length field points past the packet") \
	DROP_REASON(UNHANDLED_PROTO,	"no handler for this protocol")			\
	DROP_REASON(OTHERHOST,		"not addressed to this machine")		\
	DROP_REASON(IP_INHDR,		"malformed IP header")				\
	DROP_REASON(IP_CSUM,		"IP header checksum is wrong")			\
	DROP_REASON(IP_INADDRERRORS,	"impossible source or destination address")	\
	DROP_REASON(IP_INNOROUTES,	"no route, and not for us")			\
	DROP_REASON(IP_OUTNOROUTES,	"no route to the destination")			\
	DROP_REASON(IP_TTL,		"it had no hop left to go")			\
	DROP_REASON(IP_FRAG,		"a fragment that could not be reassembled")	\
	DROP_REASON(IP_RPFILTER,	"arrived where its source is not reached")	\
	DROP_REASON(PKT_TOO_BIG,	"larger than the MTU and may not be fragmented")	\
	DROP_REASON(ICMP_CSUM,		"ICMP checksum is wrong")			\
	DROP_REASON(ICMP_IGNORED,	"an ICMP message nobody waits for")		\
	DROP_REASON(ICMP_RATELIMIT,	"an ICMP error over the rate limit")		\
	DROP_REASON(UDP_CSUM,		"UDP checksum is wrong")			\
	DROP_REASON(TCP_CSUM,		"TCP checksum is wrong")			\
	DROP_REASON(TCP_HDR,		"malformed TCP header or options")		\
	DROP_REASON(TCP_FLAGS,		"flags that make no sense in this state")	\
	DROP_REASON(TCP_OLD_ACK,	"acknowledges less than is acknowledged")	\
	DROP_REASON(TCP_ACK_UNSENT,	"acknowledges what was never sent")		\
	DROP_REASON(TCP_INVALID_SEQUENCE, "sequence number outside the window")		\
	DROP_REASON(TCP_RESET,		"a RST ended the connection")			\
	DROP_REASON(TCP_INVALID_SYN,	"a SYN in a synchronized state")		\
	DROP_REASON(TCP_OLD_DATA,	"data that had been received already")		\
	DROP_REASON(TCP_OVERWINDOW,	"data beyond the offered window")		\
	DROP_REASON(TCP_OFOMERGE,	"data that is in the out-of-order queue already") \
	DROP_REASON(TCP_OFO_QUEUE_PRUNE, "out-of-order data given up for lack of memory") \
	DROP_REASON(TCP_RFC7323_PAWS,	"timestamp older than the last (PAWS)")		\
	DROP_REASON(TCP_CLOSE,		"data for a socket that is closed")		\
	DROP_REASON(TCP_ZERO_WINDOW,	"data while the window is closed")		\
	DROP_REASON(TCP_LISTEN_OVERFLOW, "the accept queue is full")			\
	DROP_REASON(TCP_REQQ_FULL,	"the SYN backlog is full")			\
	DROP_REASON(TCP_ABORT,		"the connection was aborted here")		\
	DROP_REASON(TCP_TIME_WAIT,	"for a connection in TIME_WAIT")		\
	DROP_REASON(TCP_LISTEN_BAD,	"neither SYN nor a known request on a listener")	\
	DROP_REASON(TCP_MINTTL,		"TTL below the socket's minimum")		\
	DROP_REASON(SOCKET_RCVBUFF,	"the socket's receive buffer is full")		\
	DROP_REASON(SOCKET_BACKLOG,	"the owned socket's backlog is full")		\
	DROP_REASON(SOCKET_FILTER,	"the socket's filter refused it")		\
	DROP_REASON(SOCKET_CLOSED,	"still queued when its socket was closed")	\
	DROP_REASON(PROTO_MEM,		"the protocol's memory limit is reached")	\
	DROP_REASON(NOMEM,		"out of memory")				\
	DROP_REASON(NEIGH_FAILED,	"nobody answered for the next hop's address")	\
	DROP_REASON(NEIGH_QUEUEFULL,	"too many packets wait for an address")		\
	DROP_REASON(NEIGH_DEAD,		"waited for an address when its device went away") \
	DROP_REASON(ARP_BAD,		"malformed ARP packet")				\
	DROP_REASON(ARP_IGNORED,	"an ARP packet that concerns nobody here")	\
	DROP_REASON(CPU_BACKLOG,	"this CPU's input queue is full")		\
	DROP_REASON(QDISC_DROP,		"the transmit queue is full")			\
	DROP_REASON(FULL_RING,		"the program behind a tun device reads too slowly") \
	DROP_REASON(DEV_DOWN,		"the device is down or gone")			\
	DROP_REASON(DEV_HDR,		"malformed frame header")			\
	DROP_REASON(RX_LENGTH,		"the device reported an impossible length")	\
	DROP_REASON(LOOPBACK_FAIL,	"the loopback could not queue it")

#define __DROP_ENUM(name, what) SKB_DROP_REASON_##name,
enum skb_drop_reason { SKB_NOT_DROPPED_YET, DROP_REASONS(__DROP_ENUM) SKB_DROP_REASON_NR };
#undef __DROP_ENUM

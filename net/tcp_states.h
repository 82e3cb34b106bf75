/*
 * net/tcp_states.h - the states a sock can be in, as /proc/net/tcp and struct tcp_info number them.
 *
 * Linux:   include/net/tcp_states.h (6.1)
 * Same:    names and numbers. UDP uses TCP_ESTABLISHED for "connected" and TCP_CLOSE for "not connected".
 * Differs: none.
 * Locks:   none.
 * Walk:    sk->sk_state; TCP's is written by tcp_set_state() alone.
 */
#pragma once

enum tcp_state {
	TCP_ESTABLISHED = 1,
	TCP_SYN_SENT,
	TCP_SYN_RECV,
	TCP_FIN_WAIT1,
	TCP_FIN_WAIT2,
	TCP_TIME_WAIT,
	TCP_CLOSE,
	TCP_CLOSE_WAIT,
	TCP_LAST_ACK,
	TCP_LISTEN,
	TCP_CLOSING,
	TCP_NEW_SYN_RECV,	/* a request sock: a SYN has come, the child does not exist yet */
	TCP_MAX_STATES
};
/* A set of states, as bits. */
#define TCPF(state) (1U << (state))
enum {
	TCPF_ESTABLISHED = 1 << TCP_ESTABLISHED,
	TCPF_SYN_SENT = 1 << TCP_SYN_SENT,
	TCPF_SYN_RECV = 1 << TCP_SYN_RECV,
	TCPF_FIN_WAIT1 = 1 << TCP_FIN_WAIT1,
	TCPF_FIN_WAIT2 = 1 << TCP_FIN_WAIT2,
	TCPF_TIME_WAIT = 1 << TCP_TIME_WAIT,
	TCPF_CLOSE = 1 << TCP_CLOSE,
	TCPF_CLOSE_WAIT = 1 << TCP_CLOSE_WAIT,
	TCPF_LAST_ACK = 1 << TCP_LAST_ACK,
	TCPF_LISTEN = 1 << TCP_LISTEN,
	TCPF_CLOSING = 1 << TCP_CLOSING,
	TCPF_NEW_SYN_RECV = 1 << TCP_NEW_SYN_RECV,
};

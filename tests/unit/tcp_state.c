/* tests/unit/tcp_state.c - the table of transitions: the picture of RFC 9293 3.3.2, and nothing else. */
#include "tests/unit/host.h"

void *memcpy(void *dst, const void *src, size_t n);
void *memset(void *dst, int c, size_t n);
int strcmp(const char *a, const char *b);
#include "net/ipv4/tcp_state.c"

struct tcp_sysctl tcp_sysctl;
u8 trace_enabled[TP_NR];
u64 snmp_counters[SNMP_NR];
static int unhashed, ports_put;
void inet_put_port(__unused struct sock *sk) { ports_put++; }
struct rb_node *rb_first(__unused const struct rb_root *r) { return NULL; }
struct rb_node *rb_next(__unused const struct rb_node *n) { return NULL; }
void trace_record_slow(__unused enum trace_point p, __unused u64 a, __unused u64 b, __unused u64 c,
		       __unused u64 d)
{
}
static void unhash(__unused struct sock *sk) { unhashed++; }

static int legal_ways(u8 from, u8 to)
{
	int n = 0;

	for (int e = 0; e < TCP_EV_NR; e++)
		n += tcp_transition_is_legal(from, to, (enum tcp_event)e);
	return n;
}

TEST(state_names)
{
	CHECK(!strcmp(tcp_state_name(TCP_ESTABLISHED), "ESTABLISHED"));
	CHECK(!strcmp(tcp_state_name(TCP_NEW_SYN_RECV), "NEW_SYN_RECV"));
	CHECK(!strcmp(tcp_state_name(0), "?") && !strcmp(tcp_state_name(200), "?"));
}

TEST(state_active_open_and_close)
{
	CHECK(tcp_transition_is_legal(TCP_CLOSE, TCP_SYN_SENT, TCP_EV_CONNECT));
	CHECK(tcp_transition_is_legal(TCP_SYN_SENT, TCP_ESTABLISHED, TCP_EV_SYN_ACK));
	CHECK(tcp_transition_is_legal(TCP_ESTABLISHED, TCP_FIN_WAIT1, TCP_EV_CLOSE));
	CHECK(tcp_transition_is_legal(TCP_FIN_WAIT1, TCP_FIN_WAIT2, TCP_EV_ACK_OF_FIN));
	CHECK(tcp_transition_is_legal(TCP_FIN_WAIT2, TCP_CLOSE, TCP_EV_TIME_WAIT));
}

TEST(state_the_event_matters)
{
	CHECK(!tcp_transition_is_legal(TCP_CLOSE, TCP_SYN_SENT, TCP_EV_LISTEN));
	CHECK(!tcp_transition_is_legal(TCP_ESTABLISHED, TCP_FIN_WAIT1, TCP_EV_FIN));
	CHECK(!tcp_transition_is_legal(TCP_SYN_SENT, TCP_ESTABLISHED, TCP_EV_ACK_OF_SYN));
}

TEST(state_what_must_never_happen)
{
	/* Nothing leads out of the middle of a close back to data. */
	static const u8 closing[] = { TCP_FIN_WAIT1, TCP_FIN_WAIT2, TCP_CLOSE_WAIT, TCP_LAST_ACK, TCP_CLOSING };

	for (size_t i = 0; i < ARRAY_SIZE(closing); i++) {
		CHECK_EQ(legal_ways(closing[i], TCP_ESTABLISHED), 0);
		CHECK_EQ(legal_ways(closing[i], TCP_SYN_SENT), 0);
		CHECK_EQ(legal_ways(closing[i], TCP_LISTEN), 0);
	}
	/* No sock is ever in TIME_WAIT or NEW_SYN_RECV: records are. */
	for (u8 s = TCP_ESTABLISHED; s < TCP_MAX_STATES; s++) {
		CHECK_EQ(legal_ways(s, TCP_TIME_WAIT), 0);
		CHECK_EQ(legal_ways(s, TCP_NEW_SYN_RECV), 0);
	}
	CHECK_EQ(legal_ways(TCP_LISTEN, TCP_ESTABLISHED), 0);
	CHECK_EQ(legal_ways(TCP_CLOSE, TCP_ESTABLISHED), 0);
	CHECK_EQ(legal_ways(TCP_CLOSE_WAIT, TCP_FIN_WAIT1), 0);
}

TEST(state_every_connected_state_can_end_at_once)
{
	static const u8 states[] = { TCP_ESTABLISHED, TCP_SYN_SENT,   TCP_SYN_RECV, TCP_FIN_WAIT1,
				     TCP_FIN_WAIT2,   TCP_CLOSE_WAIT, TCP_LAST_ACK, TCP_CLOSING };
	static const enum tcp_event ends[] = { TCP_EV_RESET, TCP_EV_TIMEOUT, TCP_EV_ABORT, TCP_EV_ERROR };

	for (size_t i = 0; i < ARRAY_SIZE(states); i++)
		for (size_t j = 0; j < ARRAY_SIZE(ends); j++)
			CHECK(tcp_transition_is_legal(states[i], TCP_CLOSE, ends[j]));
	CHECK(!tcp_transition_is_legal(TCP_LISTEN, TCP_CLOSE, TCP_EV_RESET));
}

TEST(state_close_leaves_the_tables_and_gives_the_port_back)
{
	static struct proto prot = { .unhash = unhash };
	static struct tcp_sock tp;
	static struct inet_bind_bucket tb;
	struct sock *sk = (struct sock *)&tp;

	sk->sk_prot = &prot;
	sk->sk_state = TCP_ESTABLISHED;
	sk->icsk_bind_hash = &tb;
	tcp_set_state(sk, TCP_CLOSE, TCP_EV_RESET);
	CHECK_EQ(sk->sk_state, TCP_CLOSE);
	CHECK_EQ(unhashed, 1);
	CHECK_EQ(ports_put, 1);
	sk->sk_state = TCP_ESTABLISHED;
	sk->sk_userlocks = SOCK_BINDPORT_LOCK;
	tcp_set_state(sk, TCP_CLOSE, TCP_EV_RESET);
	CHECK_EQ(unhashed, 2);
	CHECK_EQ(ports_put, 1);
}

TEST(state_an_illegal_move_panics_in_test_builds)
{
	static struct proto prot = { .unhash = unhash };
	static struct tcp_sock tp;
	struct sock *sk = (struct sock *)&tp;

	sk->sk_prot = &prot;
	sk->sk_state = TCP_LISTEN;
	CHECK_PANICS(tcp_set_state(sk, TCP_ESTABLISHED, TCP_EV_SYN_ACK));
}

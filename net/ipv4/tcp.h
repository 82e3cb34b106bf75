/*
 * net/ipv4/tcp.h - TCP's control block and what the files of TCP offer each other.
 *
 * Linux:   include/net/tcp.h, include/linux/tcp.h, uapi/linux/tcp.h (6.1)
 * Same:    tcp_sock, tcp_skb_cb, the counters of a connection (packets_out, sacked_out, lost_out, retrans_out),
 *          the congestion states and operations, constants.
 * Differs: 1. the retransmit queue is a list, not a tree: SACK blocks are walked in one pass from the left.
 *          2. no fast open, ECN, MTU probing, TCP-AO/MD5, repair mode. 3. no pacing: tcp_internal_pacing is not
 *          needed.
 * Locks:   the sock's owner, or its slock in softirq, protects everything in struct tcp_sock that is not
 *          marked.
 * Walk:    tcp_v4_rcv() -> tcp_rcv_established() -> tcp_data_queue(); tcp_sendmsg() -> tcp_write_xmit().
 */
#pragma once
#include "kernel/string.h"
#include "kernel/trace.h"
#include "net/ipv4/inet_connection_sock.h"
#include "net/ipv4/inet_hashtables.h"

/* Times and limits; Linux's values, with their source where it is a standard. */
#define TCP_RTO_MIN_NS		(200 * NSEC_PER_MSEC)
#define TCP_RTO_MAX_NS		(120 * NSEC_PER_SEC)	/* RFC 6298 2.5 */
#define TCP_TIMEOUT_INIT_NS	NSEC_PER_SEC		/* RFC 6298 2.1 */
#define TCP_DELACK_MIN_NS	(40 * NSEC_PER_MSEC)
#define TCP_DELACK_MAX_NS	(200 * NSEC_PER_MSEC)	/* RFC 1122 4.2.3.2 allows 500 */
#define TCP_ATO_MIN_NS		(40 * NSEC_PER_MSEC)
#define TCP_TIMEOUT_MIN_NS	(8 * NSEC_PER_MSEC)	/* two ticks of Linux at 250 Hz */
#define TCP_RESOURCE_PROBE_NS	(NSEC_PER_SEC / 2)
#define TCP_TIMEWAIT_LEN_NS	(60 * NSEC_PER_SEC)	/* 2 MSL, RFC 9293 3.4.2 with MSL 30 s */
#define TCP_PAWS_24DAYS_NS	(24ULL * 86400 * NSEC_PER_SEC)	/* RFC 7323 5.5 */
#define TCP_PAWS_MSL_NS		(60 * NSEC_PER_SEC)
enum {
	TCP_PAWS_WINDOW = 1,
	TCP_MIN_MSS = 88,
	TCP_MIN_SND_MSS = 48,
	TCP_INIT_CWND = 10, /* RFC 6928 */
	TCP_MIN_RCVMSS = 536,
	TCP_MAX_QUICKACKS = 16,
	TCP_MAX_SACKS = 4,          /* RFC 2018 3 */
	TCP_FASTRETRANS_THRESH = 3, /* RFC 5681 3.2 */
	TCP_INFINITE_SSTHRESH = 0x7fffffff,
	MAX_TCP_WINDOW = 32767,
	MAX_TCP_SYNCNT = 127,
	MAX_TCP_KEEPIDLE = 32767,
	MAX_TCP_KEEPINTVL = 32767,
	MAX_TCP_KEEPCNT = 127,
	TCP_HEADER_MAX = 60,
	TCP_GSO_MAX_SIZE = 65535 - 20 - 60, /* what one IP packet can carry */
	TCP_NAGLE_OFF = 1,
	TCP_NAGLE_CORK = 2,
	TCP_NAGLE_PUSH = 4,
};
enum { TCP_CA_Open, TCP_CA_Disorder, TCP_CA_CWR, TCP_CA_Recovery, TCP_CA_Loss };
enum {
	TCP_NODELAY = 1,
	TCP_MAXSEG,
	TCP_CORK,
	TCP_KEEPIDLE,
	TCP_KEEPINTVL,
	TCP_KEEPCNT,
	TCP_SYNCNT,
	TCP_LINGER2,
	TCP_DEFER_ACCEPT,
	TCP_WINDOW_CLAMP,
	TCP_INFO,
	TCP_QUICKACK,
	TCP_CONGESTION,
	TCP_USER_TIMEOUT = 18,
	TCP_NOTSENT_LOWAT = 25,
	TCP_CC_INFO = 26,
	TCP_INQ = 36,
};

/* tcp_skb_cb - TCP's part of skb->cb, on both sides. */
struct tcp_skb_cb {
	seq32 seq, end_seq;	/* end_seq counts SYN and FIN */
	seq32 ack_seq;		/* in: acknowledgment; out: unused */
	u32 tw_isn;		/* in: a SYN that reopens a TIME_WAIT: the ISN to answer with; 0: none */
	u16 gso_segs, gso_size;	/* out: packets this skb will be, and their size (0: one) */
	u8 tcp_flags;		/* TCPHDR_* */
	u8 sacked;		/* out: TCPCB_* */
	bool eor;		/* out: nothing may be appended (MSG_EOR) */
	u8 sack_off;		/* in: where in the header the SACK option's blocks begin; 0: none */
	u8 nr_sacks;
};
static_assert(sizeof(struct tcp_skb_cb) <= 48, "lives in skb->cb");
#define TCP_SKB_CB(skb) ((struct tcp_skb_cb *)&((skb)->cb[0]))
enum {
	TCPCB_SACKED_ACKED = 1,
	TCPCB_SACKED_RETRANS = 2,
	TCPCB_LOST = 4,
	TCPCB_TAGBITS = 7,
	TCPCB_EVER_RETRANS = 0x80,
	TCPCB_RETRANS = 0x82
};
static inline struct tcphdr *tcp_hdr(const struct sk_buff *skb)
{
	return (struct tcphdr *)skb_transport_header(skb);
}
static inline unsigned int tcp_hdrlen(const struct sk_buff *skb) { return tcp_hdrlen_of(tcp_hdr(skb)); }
static inline int tcp_skb_pcount(const struct sk_buff *skb) { return TCP_SKB_CB(skb)->gso_segs; }

/* What the peer's options said. */
struct tcp_options_received {
	u64 ts_recent_stamp_ns;	/* when ts_recent was set (0: never), for the age limit of PAWS */
	u32 ts_recent;		/* the timestamp to echo */
	u32 rcv_tsval, rcv_tsecr;
	bool saw_tstamp;	/* the last segment had one */
	bool tstamp_ok, sack_ok, wscale_ok;	/* the SYNs agreed */
	u8 snd_wscale, rcv_wscale;
	u8 sack_off, nr_sacks;	/* of the last segment, as in tcp_skb_cb */
	u16 user_mss;		/* TCP_MAXSEG; 0: none */
	u16 mss_clamp;		/* the peer's MSS option */
};
struct tcp_sack_block { seq32 start, end; };
/* What goes out. */
struct tcp_out_options {
	u8 options;		/* OPTION_* */
	u8 ws, num_sack_blocks;
	u16 mss;
	u32 tsval, tsecr;
	const struct tcp_sack_block *sacks;
};
enum { OPTION_SACK_ADVERTISE = 1, OPTION_TS = 2, OPTION_WSCALE = 4, OPTION_MSS = 8 };

struct tcp_sock {
	struct inet_connection_sock inet_conn;	/* first */
	/* receiving: the fast path's line */
	u32 pred_flags;		/* the header word a segment must have to take the fast path; 0: none can */
	u16 tcp_header_len;	/* 20 plus the options of every segment */
	u8 nonagle;		/* TCP_NAGLE_* */
	bool is_cwnd_limited;
	seq32 rcv_nxt, copied_seq,
		rcv_wup; /* next expected; next for the user; rcv_nxt when a window was last sent */
	u32 rcv_wnd;
	u32 rcv_ssthresh;	/* window we would offer now */
	u32 window_clamp;	/* and the most we ever do */
	u32 advmss;
	u64 tcp_mstamp_ns;	/* the time of this event */
	/* sending */
	seq32 snd_una, snd_nxt, snd_sml, snd_wl1, write_seq, pushed_seq;
	u32 snd_wnd, max_window, mss_cache;
	u32 packets_out, retrans_out, sacked_out, lost_out;
	u32 snd_cwnd, snd_ssthresh, snd_cwnd_cnt, snd_cwnd_clamp, snd_cwnd_used;
	u32 max_packets_out, prior_cwnd, prr_delivered, prr_out, delivered, lost;
	seq32 max_packets_seq;
	u64 snd_cwnd_stamp_ns, lsndtime_ns, rcv_tstamp_ns;	/* window checked; data sent; ACK received */
	struct sk_buff_head tcp_rtx_queue;	/* sent, not acknowledged, in order */
	seq32 highest_sack; /* end of the highest SACKed skb; means something while sacked_out > 0 */
	/* round trip */
	u32 srtt_us, mdev_us, mdev_max_us, rttvar_us;	/* srtt << 3, mdev << 2 (RFC 6298) */
	seq32 rtt_seq;
	struct { u64 t_ns; u32 v_us; } rtt_min;
	u32 tsoffset;
	/* loss recovery */
	seq32 high_seq, undo_marker;	/* snd_nxt when it began; snd_una then (undo_valid) */
	bool undo_valid, frto;		/* frto: the RTO may turn out to be spurious (RFC 5682) */
	u8 reordering, tlp_retrans;
	int undo_retrans;
	seq32 tlp_high_seq;
	bool tlp_pending;
	bool fin_deferred;		/* our FIN has its number, but there was no memory to send it */
	u32 prior_ssthresh;
	u64 retrans_stamp_ns;		/* first retransmission of this episode */
	struct {			/* RFC 8985: of what arrived, what was sent last */
		u64 mstamp_ns;		/* when that was; 0: nothing yet */
		seq32 end_seq, dsack_round;	/* a DSACK up to this snd_una counts once */
		u32 rtt_us;		/* of what arrived last */
		u8 reo_wnd_mult, reo_wnd_persist;	/* quarters of the least RTT; recoveries until 1 again */
		bool advanced, dsack_pending;	/* something arrived since losses were looked for; dsack_round is set */
	} rack;
	u32 total_retrans, syn_retrans_total;
	/* options */
	struct tcp_options_received rx_opt;
	struct tcp_sack_block duplicate_sack[1], selective_acks[TCP_MAX_SACKS];
	u8 num_sacks;			/* in selective_acks */
	bool have_dsack;		/* duplicate_sack is to be sent */
	bool recvmsg_inq;
	u8 write_pending;		/* tasks that wait in SYN_SENT to send */
	/* out of order */
	struct rb_root out_of_order_queue;
	struct sk_buff *ooo_last_skb;
	/* urgent data: urg_data is the byte, or TCP_URG_* */
	u16 urg_data;
	seq32 urg_seq, snd_up;
	bool snd_urg;			/* snd_up is ahead of snd_una */
	/* receive buffer tuning */
	struct { u32 space; seq32 seq; u64 time_ns; } rcvq_space;
	struct { u32 rtt_us; seq32 seq; u64 time_ns; } rcv_rtt_est;
	u32 rcv_rtt_last_tsecr;
	/* user's settings */
	u32 notsent_lowat;		/* 0: sysctl */
	u64 keepalive_time_ns, keepalive_intvl_ns;	/* 0: sysctl */
	u8 keepalive_probes;
	s64 linger2_ns;			/* 0: sysctl; negative: no FIN_WAIT2 */
	u64 last_oow_ack_ns;
	/* counts for struct tcp_info */
	u64 bytes_received, bytes_acked, bytes_sent, bytes_retrans;
	u32 segs_in, segs_out, data_segs_in, data_segs_out, dsack_dups, reord_seen, rcv_ooopack;
	u64 chrono_ns[3], chrono_start_ns;	/* spent on each TCP_CHRONO_* but NONE; the present one since then */
	u8 chrono_type;
	/* atomic */
	unsigned long tsq_flags;	/* what release_sock() must do: TCP_*_DEFERRED */
	u32 mtu_info;
};
static inline struct tcp_sock *tcp_sk(const struct sock *sk) { return (struct tcp_sock *)sk; }
/* tcp_segs_in - count an arriving @skb, header still on (RFC 4898: tcpEStatsPerfSegsIn, DataSegsIn). */
static inline void tcp_segs_in(struct tcp_sock *tp, const struct sk_buff *skb)
{
	u32 segs = max_t(u32, 1, skb_shinfo(skb)->gso_segs);

	tp->segs_in += segs;
	if (skb->len > tcp_hdrlen(skb))
		tp->data_segs_in += segs;
}
enum { TCP_URG_VALID = 0x0100, TCP_URG_NOTYET = 0x0200, TCP_URG_READ = 0x0400 };
enum { TCP_WRITE_TIMER_DEFERRED, TCP_DELACK_TIMER_DEFERRED, TCP_MTU_REDUCED_DEFERRED };

/* /proc/sys/net/ipv4/tcp_*, by the same names. */
struct tcp_sysctl {
	int syn_retries, synack_retries, retries1, retries2, orphan_retries, fin_timeout, keepalive_time,
		keepalive_probes, keepalive_intvl;
	int max_syn_backlog, timestamps, sack, window_scaling, tw_reuse, abort_on_overflow, max_orphans,
		max_tw_buckets, dsack;
	int moderate_rcvbuf, slow_start_after_idle, challenge_ack_limit, invalid_ratelimit_ms, notsent_lowat,
		reordering;
	int early_retrans, rfc1337, stdurg, syncookies;
	int rmem[3], wmem[3];
	int mem[3];			/* pages of all TCP socks: pressure ends, begins, and no more */
};
extern struct tcp_sysctl tcp_sysctl;

/* Why the state changes: the events of the transition table. */
#define TCP_EVENTS(X)									\
	X(CONNECT,	"connect() sends a SYN")					\
	X(LISTEN,	"listen()")							\
	X(SYN_ACK,	"SYN-ACK for our SYN")						\
	X(SYN,		"SYN in SYN_SENT: simultaneous open")				\
	X(CHILD,	"a listener's child for the ACK of its SYN-ACK")		\
	X(ACK_OF_SYN,	"ACK of our SYN")						\
	X(CLOSE,	"close() or shutdown() sends a FIN")				\
	X(FIN,		"FIN received")							\
	X(ACK_OF_FIN,	"ACK of our FIN")						\
	X(TIME_WAIT,	"a TIME_WAIT record takes over")				\
	X(RESET,	"RST received")							\
	X(TIMEOUT,	"no answer")							\
	X(ABORT,	"ended here by a RST or without one")				\
	X(ERROR,	"a hard error from the network")				\
	X(STOP,		"listener closed, or connect() given up")
#define __TCP_EV(name, what) TCP_EV_##name,
enum tcp_event { TCP_EVENTS(__TCP_EV) TCP_EV_NR };
#undef __TCP_EV

/* --- tcp_state.c */
void tcp_set_state(struct sock *sk, u8 to, enum tcp_event why);
const char *tcp_state_name(u8 state);
bool tcp_transition_is_legal(u8 from, u8 to, enum tcp_event why);
/* tcp_assert_invariants - what holds between events; test builds only. */
void tcp_assert_invariants_slow(const struct sock *sk);
static inline void tcp_assert_invariants(const struct sock *sk)
{
	if (CONFIG_DEBUG)
		tcp_assert_invariants_slow(sk);
}

/* --- tcp_options.c: bytes only, no sock */
void tcp_parse_options(const struct tcphdr *th, struct tcp_options_received *rx, bool established);
bool tcp_parse_aligned_timestamp(const struct tcphdr *th, struct tcp_options_received *rx);
bool tcp_fast_parse_options(const struct tcphdr *th, struct tcp_options_received *rx, u32 header_len);
void tcp_options_write(u8 *p, const struct tcp_out_options *o);
unsigned int tcp_options_size(const struct tcp_out_options *o);
/* tcp_timestamp_write - the 12 bytes of a timestamp alone, as tcp_options_write() writes them. */
static inline void tcp_timestamp_write(u8 *p, u32 tsval, u32 tsecr)
{
	be32 words[3] = { cpu_to_be32((u32)TCPOPT_NOP << 24 | TCPOPT_NOP << 16 | TCPOPT_TIMESTAMP << 8 |
				      TCPOLEN_TIMESTAMP),
			  cpu_to_be32(tsval), cpu_to_be32(tsecr) };

	memcpy(p, words, sizeof(words));
}
struct tcp_sack_block tcp_get_sack(const struct tcphdr *th, u8 off, int i);

/* --- tcp_rtt.c */
void tcp_rtt_init(struct tcp_sock *tp);
void tcp_rtt_estimator(struct tcp_sock *tp, u32 rtt_us);
void tcp_set_rto(struct tcp_sock *tp);
void tcp_update_rtt_min(struct tcp_sock *tp, u32 rtt_us, u64 now_ns);
static inline u64 tcp_rto_min_ns(const struct tcp_sock *tp) { return tp->inet_conn.icsk_rto_min_ns; }
static inline u32 tcp_min_rtt_us(const struct tcp_sock *tp) { return tp->rtt_min.v_us; }

/*
 * --- tcp_input.c. A step returns TCP_GO_ON, TCP_TAKEN (the skb is somebody else's now) or the reason to drop
 * it (enum skb_drop_reason, positive).
 */
enum { TCP_GO_ON = 0, TCP_TAKEN = -1 };
/* tcp_rcv_established - a segment for an ESTABLISHED connection. Takes @skb. */
void tcp_rcv_established(struct sock *sk, struct sk_buff *skb);
/* tcp_rcv_state_process - in any other state. Takes @skb, and answers with a RST if need be. */
void tcp_rcv_state_process(struct sock *sk, struct sk_buff *skb);
/* tcp_conn_request - a SYN for the listener @sk. Keeps @skb. Return: TCP_GO_ON, or why it was refused. */
int tcp_conn_request(struct sock *sk, struct sk_buff *skb);
void tcp_reset(struct sock *sk);
void tcp_init_transfer(struct sock *sk);
/* tcp_send_challenge_ack - RFC 5961: answer what looks forged with an ACK, at a limited rate. */
void tcp_send_challenge_ack(struct sock *sk, const struct sk_buff *skb);
bool tcp_oow_rate_limited(u64 *last_ns, const struct sk_buff *skb);
void tcp_incr_quickack(struct sock *sk, unsigned int max_quickacks);
void tcp_enter_quickack_mode(struct sock *sk, unsigned int max_quickacks);
void tcp_parse_syn_options(const struct sk_buff *skb, struct tcp_options_received *rx);

/* --- tcp_rcvbuf.c */
/*
 * tcp_mem_charge - make sure @size bytes for the receive queue can be taken from sk_forward_alloc. False: TCP has used
 * its share of memory. tcp_mem_force - the same, whatever the limits say: for what must be taken to make progress.
 * tcp_wmem_schedule - for the write queue. Return: of @size, the bytes that may be taken; tcp_wmem[0] of them always.
 * tcp_mem_uncharge - a queue has let go of @size bytes. tcp_mem_reclaim - the sock ends.
 * Locks: the sock's owner, or its slock.
 */
bool tcp_mem_charge(struct sock *sk, u32 size);
void tcp_mem_force(struct sock *sk, u32 size);
u32 tcp_wmem_schedule(struct sock *sk, u32 size);
void tcp_mem_uncharge(struct sock *sk, u32 size);
void tcp_mem_reclaim(struct sock *sk);
/* tcp_memory_allocated - bytes. tcp_under_memory_pressure - buffers and windows do not grow now. Context: any. */
long tcp_memory_allocated(void);
bool tcp_under_memory_pressure(void);
/* tcp_mem_init - once, after the limits are known. */
void tcp_mem_init(void);
void tcp_skb_set_owner_r(struct sk_buff *skb, struct sock *sk);
void tcp_initialize_rcv_mss(struct sock *sk);
void tcp_measure_rcv_mss(struct sock *sk, const struct sk_buff *skb);
void tcp_event_data_recv(struct sock *sk, struct sk_buff *skb);
void tcp_grow_window(struct sock *sk, const struct sk_buff *skb);
void tcp_init_buffer_space(struct sock *sk);
void tcp_sndbuf_expand(struct sock *sk);
void tcp_check_space(struct sock *sk);
void tcp_rcv_space_adjust(struct sock *sk);
void tcp_rcv_rtt_measure(struct tcp_sock *tp);
void tcp_rcv_rtt_measure_ts(struct sock *sk, const struct sk_buff *skb);

/* --- tcp_reassembly.c */
/*
 * tcp_data_queue - step 7: the text of a segment (data at the TCP header). Return: TCP_TAKEN or the drop
 * reason.
 */
int tcp_data_queue(struct sock *sk, struct sk_buff *skb);
/*
 * tcp_queue_rcv - append in-order data (header pulled). Return: true if its bytes were merged into the tail:
 * @skb stays the caller's.
 */
bool __must_check tcp_queue_rcv(struct sock *sk, struct sk_buff *skb);
void tcp_fin(struct sock *sk);
/* tcp_send_dupack - tell the peer where we are, and what came twice. */
void tcp_send_dupack(struct sock *sk, const struct sk_buff *skb);
void tcp_ofo_purge(struct sock *sk);
void tcp_data_ready(struct sock *sk);

/* --- tcp_ack.c */
void tcp_synack_rtt_meas(struct sock *sk, u64 synack_ns);
/* tcp_ack - Return: 1 processed, 0 old, negative: the drop reason of an ACK that is no good. */
int tcp_ack(struct sock *sk, struct sk_buff *skb, int flag);
enum {
	FLAG_DATA = 0x01,
	FLAG_WIN_UPDATE = 0x02,
	FLAG_DATA_ACKED = 0x04,
	FLAG_RETRANS_DATA_ACKED = 0x08,
	FLAG_SYN_ACKED = 0x10,
	FLAG_DATA_SACKED = 0x20,
	FLAG_LOST_RETRANS = 0x80,
	FLAG_SLOWPATH = 0x100,
	FLAG_ORIG_SACK_ACKED = 0x200,
	FLAG_SND_UNA_ADVANCED = 0x400,
	FLAG_DSACKING_ACK = 0x800,
	FLAG_SET_XMIT_TIMER = 0x1000,
	FLAG_SACK_RENEGING = 0x2000,
	FLAG_UPDATE_TS_RECENT = 0x4000,
	FLAG_NO_CHALLENGE_ACK = 0x8000,
	FLAG_ACKED = FLAG_DATA_ACKED | FLAG_SYN_ACKED,
	FLAG_NOT_DUP = FLAG_DATA | FLAG_WIN_UPDATE | FLAG_ACKED,
};
/* What one ACK has done so far. */
struct tcp_ack_state {
	int flag;			/* FLAG_* */
	seq32 prior_snd_una, prior_fack;	/* prior_fack: up to where something had been SACKed */
	u32 prior_packets, prior_delivered, prior_lost, prior_in_flight;
	int num_dupack;
	bool rexmit;			/* the queue of lost segments is to be looked at */
	bool send_new;			/* F-RTO: new data first, if there is any */
	seq32 reord;			/* the lowest new segment that arrived above its place */
	u64 first_sackt_ns,
		last_sackt_ns; /* when the first and last newly SACKed segments were sent; 0: none */
};
void tcp_rearm_rto(struct sock *sk);
void tcp_init_metrics(struct sock *sk);

/* --- tcp_sack.c */
void tcp_sacktag_write_queue(struct sock *sk, const struct sk_buff *ack_skb, struct tcp_ack_state *st);
void tcp_check_sack_reordering(struct sock *sk, seq32 low_seq);
void tcp_mark_skb_lost(struct tcp_sock *tp, struct sk_buff *skb);
void tcp_add_reno_sack(struct sock *sk, int num_dupack);
void tcp_remove_reno_sacks(struct sock *sk, int acked);
void tcp_timeout_mark_lost(struct sock *sk);

/* --- tcp_rack.c; locks: sock owned or slock */
/* tcp_rack_advance - a segment with these tags, last sent at @sent_ns, has arrived now. */
void tcp_rack_advance(struct tcp_sock *tp, u8 sacked, seq32 end_seq, u64 sent_ns);
/* tcp_rack_mark_lost - after an ACK. Return: true if the timer is set for what may be lost soon. */
bool tcp_rack_mark_lost(struct sock *sk);
/* tcp_rack_reo_timeout - that timer. */
void tcp_rack_reo_timeout(struct sock *sk);
/* tcp_rack_is_recent - has @skb not yet been on its way for a round trip? */
bool tcp_rack_is_recent(const struct tcp_sock *tp, const struct sk_buff *skb);
/*
 * tcp_rack_update_reo_wnd - an ACK with @flag: a DSACK says that we had not waited long enough.
 * tcp_rack_recovery_ends - and that of a recovery without one, that we wait too long.
 */
void tcp_rack_update_reo_wnd(struct tcp_sock *tp, int flag);
void tcp_rack_recovery_ends(struct tcp_sock *tp);

/* --- tcp_recovery.c */
void tcp_enter_recovery(struct sock *sk);
/* tcp_xmit_recovery - what an ACK during recovery lets us send: lost segments, or new data to test a time-out. */
void tcp_xmit_recovery(struct sock *sk, const struct tcp_ack_state *st);
void tcp_fastretrans_alert(struct sock *sk, struct tcp_ack_state *st);
void tcp_enter_loss(struct sock *sk);
void tcp_enter_cwr(struct sock *sk);
void tcp_simple_retransmit(struct sock *sk);
void tcp_clear_retrans(struct tcp_sock *tp);
void tcp_process_tlp_ack(struct sock *sk, seq32 ack, int flag);
void tcp_cwnd_reduction(struct sock *sk, int newly_acked_sacked, int newly_lost, int flag);
void tcp_try_keep_open(struct sock *sk);

/* --- tcp_output.c */
void tcp_write_queue_purge(struct sock *sk);
/*
 * tcp_write_xmit - send what windows and Nagle allow. @push_one: 1 one skb, 2 one even beyond cwnd, 0 all.
 * Return: true if nothing is in flight though there is data.
 */
bool tcp_write_xmit(struct sock *sk, unsigned int mss_now, int nonagle, int push_one);
int tcp_send_head_now(struct sock *sk, struct sk_buff *skb, unsigned int mss_now);
bool tcp_snd_wnd_test(const struct tcp_sock *tp, const struct sk_buff *skb, unsigned int cur_mss);
void __tcp_push_pending_frames(struct sock *sk, unsigned int cur_mss, int nonagle);
void tcp_push_one(struct sock *sk, unsigned int mss_now);
/*
 * tcp_transmit_skb - send a copy of @skb, which stays in its queue. tcp_transmit_once - send @skb itself; takes
 * it. 0 or -errno.
 */
int tcp_transmit_skb(struct sock *sk, struct sk_buff *skb);
int tcp_transmit_once(struct sock *sk, struct sk_buff *skb);
int tcp_retransmit_skb(struct sock *sk, struct sk_buff *skb, int segs);
int __tcp_retransmit_skb(struct sock *sk, struct sk_buff *skb, int segs);
void tcp_xmit_retransmit_queue(struct sock *sk);
void tcp_send_fin(struct sock *sk);
void tcp_send_active_reset(struct sock *sk);
int tcp_connect(struct sock *sk);
int tcp_send_synack(struct sock *sk);
struct sk_buff *tcp_make_synack(const struct sock *sk, struct rtable *rt, struct request_sock *req);
void tcp_send_ack(struct sock *sk);
void tcp_send_delayed_ack(struct sock *sk);
int tcp_write_wakeup(struct sock *sk);
void tcp_send_probe0(struct sock *sk);
void tcp_send_loss_probe(struct sock *sk);
bool tcp_schedule_loss_probe(struct sock *sk, bool advancing_rto);
unsigned int tcp_current_mss(struct sock *sk);
unsigned int tcp_sync_mss(struct sock *sk, u32 pmtu);
u32 tcp_mtu(const struct sock *sk);
u32 tcp_advertise_mss(const struct sock *sk, const struct rtable *rt);
bool tcp_can_gso(const struct sock *sk);
u16 tcp_select_window(struct sock *sk);
u32 __tcp_select_window(struct sock *sk);
struct tcp_initial_window { u32 rcv_wnd, window_clamp; u8 rcv_wscale; };
/* tcp_select_initial_window - what to offer in a SYN, given @space bytes of buffer and a clamp (0: none). */
struct tcp_initial_window tcp_select_initial_window(int space, u32 clamp, u32 mss, bool wscale_ok);
/* tcp_fragment - cut @skb of queue @q after @len bytes. 0 or -ENOMEM (nothing changed). */
int __must_check tcp_fragment(struct sock *sk, struct sk_buff_head *q, struct sk_buff *skb, u32 len,
			      unsigned int mss_now);
int __must_check tcp_trim_head(struct sock *sk, struct sk_buff *skb, u32 len);
void tcp_set_skb_tso_segs(struct sk_buff *skb, unsigned int mss_now);
struct sk_buff *tcp_stream_alloc_skb(struct sock *sk, u32 linear, gfp_t gfp) __must_check;
void tcp_skb_entail(struct sock *sk, struct sk_buff *skb);
void tcp_wmem_free_skb(struct sock *sk, struct sk_buff *skb);
void tcp_cwnd_validate(struct sock *sk, bool is_cwnd_limited);
void tcp_release_cb(struct sock *sk);

void tcp_adjust_pcount(struct tcp_sock *tp, const struct sk_buff *skb, int decr);
void tcp_cwnd_restart(struct sock *sk, u64 idle_ns);
/*
 * tcp_chrono_start - what holds the sender up from now on, if it is more than what does already. tcp_chrono_stop - no
 * more. Linux: the same; struct tcp_info shows the sums.
 */
enum { TCP_CHRONO_NONE, TCP_CHRONO_BUSY, TCP_CHRONO_RWND_LIMITED, TCP_CHRONO_SNDBUF_LIMITED };
void tcp_chrono_start(struct tcp_sock *tp, u8 type);
void tcp_chrono_stop(struct sock *sk, u8 type);

/* --- tcp_timer.c */
void tcp_init_xmit_timers(struct sock *sk);
void tcp_write_timer_handler(struct sock *sk);
void tcp_delack_timer_handler(struct sock *sk);
void tcp_set_keepalive(struct sock *sk, bool on);
void tcp_reset_xmit_timer(struct sock *sk, u8 what, u64 when_ns);
u64 tcp_probe0_when_ns(const struct sock *sk, u64 max_ns);
void tcp_write_err(struct sock *sk);
u64 keepalive_time_when_ns(const struct tcp_sock *tp);
u64 keepalive_intvl_when_ns(const struct tcp_sock *tp);
int keepalive_probes(const struct tcp_sock *tp);

/* --- tcp_minisocks.c */
enum tcp_tw_status { TCP_TW_SUCCESS, TCP_TW_KILL, TCP_TW_RST, TCP_TW_ACK, TCP_TW_FIN, TCP_TW_SYN };
/*
 * tcp_timewait_state_process - a segment for @tw: what the caller must do (nothing, end it, RST, ACK, ACK of the FIN
 * that was awaited, treat as a new SYN).
 */
enum tcp_tw_status tcp_timewait_state_process(struct inet_timewait_sock *tw, struct sk_buff *skb);
/* tcp_time_wait - a record takes over for @timeo_ns (TIME_WAIT: 2 MSL); the sock goes to CLOSE. */
void tcp_time_wait(struct sock *sk, u8 substate, u64 timeo_ns);
struct tcp_check_result { bool req_stolen; enum skb_drop_reason reason; };
/*
 * tcp_check_req - a segment for the request @req of listener @sk. Return: the child, its slock held, @req
 * taken;
 * @sk if the listener is to answer; NULL: dropped for res->reason (res->req_stolen: @req is gone, look up
 * again).
 */
struct sock *tcp_check_req(struct sock *sk, struct sk_buff *skb, struct request_sock *req,
			   struct tcp_check_result *res);
/* tcp_child_process - the first segment of a child; gives back its slock and a reference. Takes @skb. */
void tcp_child_process(struct sock *parent, struct sock *child, struct sk_buff *skb);
struct sock *tcp_create_openreq_child(const struct sock *sk, struct request_sock *req,
				      struct sk_buff *skb) __must_check;

void tcp_openreq_init(struct request_sock *req, const struct tcp_options_received *rx, const struct sk_buff *skb);
void tcp_openreq_init_rwin(struct request_sock *req, const struct sock *listener, const struct rtable *rt);

/* --- syncookies.c */
void cookie_setup(void);
bool cookie_wanted(const struct sock *sk);
void cookie_init(struct sock *sk, struct request_sock *req, const struct sk_buff *skb);
u32 cookie_timestamp(const struct request_sock *req, u32 now);
/*
 * cookie_v4_check - is the ACK @skb for listener @sk the answer to a cookie? Return: the child, its slock held and a
 * reference for tcp_child_process(); NULL: no, for *@why (LISTEN_BAD: to be answered with a RST).
 */
struct sock *cookie_v4_check(struct sock *sk, struct sk_buff *skb, enum skb_drop_reason *why);

/* --- tcp_ipv4.c */
/* tcp_v4_send_reset - answer @skb with a RST, unless it is one. @sk: NULL or a connection. Keeps @skb. */
void tcp_v4_send_reset(const struct sock *sk, const struct sk_buff *skb, enum skb_drop_reason why);
void tcp_v4_reqsk_send_ack(const struct sk_buff *skb, const struct request_sock *req);
int tcp_v4_connect(struct sock *sk, const struct sockaddr_in *addr, int addr_len);
/* tcp_v4_send_synack - takes the reference to @rt. 0 or -errno. */
int tcp_v4_send_synack(const struct sock *sk, struct request_sock *req, struct rtable *rt);
void tcp_rtx_synack(struct sock *sk, struct request_sock *req);
/*
 * tcp_v4_syn_recv_sock - the child of @req, hashed, its slock held; NULL: no room (accept queue, memory).
 * *@own_req: it took the request's place.
 */
struct sock *tcp_v4_syn_recv_sock(struct sock *sk, struct sk_buff *skb, struct request_sock *req,
				  bool *own_req);
/*
 * tcp_v4_init_seq - initial sequence number (RFC 6528). tcp_v4_init_ts_off - where the timestamp clock of a
 * pair of hosts begins.
 */
seq32 tcp_v4_init_seq(be32 saddr, be32 daddr, be16 sport, be16 dport);
u32 tcp_v4_init_ts_off(be32 saddr, be32 daddr);
void tcp_v4_mtu_reduced(struct sock *sk);
void tcp_v4_do_rcv(struct sock *sk, struct sk_buff *skb);
int tcp_twsk_unique(struct sock *sk, struct sock *sktw);

/* --- tcp_sysctl.c, tcp_proc.c */
void tcp_sysctl_init(void);
void tcp_proc_init(void);

/* --- tcp.c */
/*
 * tcp_done - the sock goes to CLOSE because of @why; an orphan is destroyed. Locks: sock owned or slock held.
 */
void tcp_done(struct sock *sk, enum tcp_event why);
void tcp_close(struct sock *sk, s64 timeout_ns);
void tcp_shutdown(struct sock *sk, int how);
int tcp_disconnect(struct sock *sk, int flags);
/*
 * tcp_init_sock_queues - what a fresh sock and the copy of a listener have in common: empty queues, no timers,
 * nothing measured.
 */
void tcp_init_sock_queues(struct sock *sk);
bool tcp_too_many_orphans(const struct sock *sk);
/*
 * tcp_stream_memory_free - may the writer go on? @wake 1: with half of TCP_NOTSENT_LOWAT in hand, for those who
 * wait.
 */
bool tcp_stream_memory_free(const struct sock *sk, int wake);
/* tcp_epollin_ready - are there @target bytes to read, or is waiting for more pointless? */
bool tcp_epollin_ready(const struct sock *sk, int target);
int tcp_inq(struct sock *sk);
/*
 * tcp_wait_connect - sleep until the handshake is over. tcp_wait_memory - until there is room to write. 0 or
 * -errno. Sock owned.
 */
int tcp_wait_connect(struct sock *sk, s64 *timeo);
int tcp_wait_memory(struct sock *sk, s64 *timeo);

/* --- tcp_sendmsg.c, tcp_recvmsg.c, tcp_sockopt.c */
ssize_t tcp_sendmsg(struct sock *sk, struct msghdr *msg, size_t len);
ssize_t tcp_recvmsg(struct sock *sk, struct msghdr *msg, size_t len, int flags, int *addr_len);
void tcp_cleanup_rbuf(struct sock *sk, int copied);
int tcp_setsockopt(struct sock *sk, int level, int optname, uptr optval, unsigned int optlen);
int tcp_getsockopt(struct sock *sk, int level, int optname, uptr optval, uptr optlen);

/* --- tcp_cong.c */
struct ack_sample { u32 pkts_acked; s32 rtt_us; u32 in_flight; };
enum tcp_ca_event { CA_EVENT_TX_START, CA_EVENT_CWND_RESTART, CA_EVENT_COMPLETE_CWR, CA_EVENT_LOSS };
struct tcp_congestion_ops {
	const char *name;
	/* sock owned or slock; NULL: nothing to do (the first three and undo_cwnd must exist) */
	u32 (*ssthresh)(struct sock *sk);			/* after a loss */
	void (*cong_avoid)(struct sock *sk, u32 ack, u32 acked);	/* @acked packets arrived */
	u32 (*undo_cwnd)(struct sock *sk);			/* the loss was none */
	void (*init)(struct sock *sk);
	void (*set_state)(struct sock *sk, u8 new_state);	/* TCP_CA_* */
	void (*cwnd_event)(struct sock *sk, enum tcp_ca_event ev);
	void (*pkts_acked)(struct sock *sk, const struct ack_sample *sample);
};
extern const struct tcp_congestion_ops tcp_reno, tcp_cubic;
void tcp_assign_congestion_control(struct sock *sk);
void tcp_init_congestion_control(struct sock *sk);
int tcp_set_congestion_control(struct sock *sk, const char *name);
int tcp_set_default_congestion_control(const char *name);
const char *tcp_default_congestion_control(void);
const struct tcp_congestion_ops *tcp_ca_nth(unsigned int i);
bool tcp_is_cwnd_limited(const struct tcp_sock *tp);
u32 tcp_slow_start(struct tcp_sock *tp, u32 acked);
void tcp_cong_avoid_ai(struct tcp_sock *tp, u32 w, u32 acked);
u32 tcp_reno_ssthresh(struct sock *sk);
u32 tcp_reno_undo_cwnd(struct sock *sk);
void tcp_reno_cong_avoid(struct sock *sk, u32 ack, u32 acked);
void tcp_set_ca_state(struct sock *sk, u8 ca_state);
void tcp_ca_event(struct sock *sk, enum tcp_ca_event event);

/* --- small things everybody uses */
static inline void tcp_mstamp_refresh(struct tcp_sock *tp) { tp->tcp_mstamp_ns = ktime_get_ns(); }
/*
 * The timestamp clock: milliseconds (RFC 7323 5.4 wants 1 ms .. 1 s), from an offset of each connection's own.
 */
static inline u32 tcp_ns_to_ts(u64 ns) { return (u32)(ns / NSEC_PER_MSEC); }
static inline u32 tcp_time_stamp(const struct tcp_sock *tp)
{
	return tcp_ns_to_ts(tp->tcp_mstamp_ns) + tp->tsoffset;
}
static inline u32 tcp_left_out(const struct tcp_sock *tp) { return tp->sacked_out + tp->lost_out; }
static inline u32 tcp_packets_in_flight(const struct tcp_sock *tp)
{
	return tp->packets_out - tcp_left_out(tp) + tp->retrans_out;
}
static inline bool tcp_is_sack(const struct tcp_sock *tp) { return tp->rx_opt.sack_ok; }
static inline bool tcp_is_reno(const struct tcp_sock *tp) { return !tp->rx_opt.sack_ok; }
static inline bool tcp_in_slow_start(const struct tcp_sock *tp) { return tp->snd_cwnd < tp->snd_ssthresh; }
static inline bool tcp_in_cwnd_reduction(const struct sock *sk)
{
	return (TCPF(inet_csk(sk)->icsk_ca_state) & (BIT(TCP_CA_CWR) | BIT(TCP_CA_Recovery))) != 0;
}
static inline bool tcp_in_initial_slowstart(const struct tcp_sock *tp)
{
	return tp->snd_ssthresh >= TCP_INFINITE_SSTHRESH;
}
static inline seq32 tcp_wnd_end(const struct tcp_sock *tp) { return seq_add(tp->snd_una, tp->snd_wnd); }
static inline u32 tcp_receive_window(const struct tcp_sock *tp)
{
	s32 win = seq_diff(seq_add(tp->rcv_wup, tp->rcv_wnd), tp->rcv_nxt);

	return win < 0 ? 0 : (u32)win;
}
static inline int tcp_win_from_space(int space) { return space - (space >> 1); }
static inline int tcp_space(const struct sock *sk)
{
	return tcp_win_from_space(READ_ONCE(sk->sk_rcvbuf) - sk_rmem_alloc_get(sk));
}
static inline int tcp_full_space(const struct sock *sk) { return tcp_win_from_space(READ_ONCE(sk->sk_rcvbuf)); }
static inline bool tcp_rmem_pressure(const struct sock *sk)
{
	return sk_rmem_alloc_get(sk) > (READ_ONCE(sk->sk_rcvbuf) - (READ_ONCE(sk->sk_rcvbuf) >> 3));
}
static inline struct sk_buff *tcp_rtx_queue_head(const struct sock *sk)
{
	return skb_peek(&tcp_sk(sk)->tcp_rtx_queue);
}
static inline struct sk_buff *tcp_rtx_queue_tail(const struct sock *sk)
{
	return skb_peek_tail(&tcp_sk(sk)->tcp_rtx_queue);
}
static inline bool tcp_rtx_queue_empty(const struct sock *sk)
{
	return skb_queue_empty(&tcp_sk(sk)->tcp_rtx_queue);
}
static inline struct sk_buff *tcp_send_head(const struct sock *sk) { return skb_peek(&sk->sk_write_queue); }
static inline bool tcp_write_queue_empty(const struct sock *sk)
{
	return seq_eq(tcp_sk(sk)->write_seq, tcp_sk(sk)->snd_nxt);
}
static inline struct sk_buff *tcp_write_queue_tail(const struct sock *sk)
{
	return skb_peek_tail(&sk->sk_write_queue);
}
static inline void tcp_push_pending_frames(struct sock *sk)
{
	if (tcp_send_head(sk))
		__tcp_push_pending_frames(sk, tcp_current_mss(sk), tcp_sk(sk)->nonagle);
}
static inline u64 __tcp_set_rto(const struct tcp_sock *tp)
{
	return ((u64)(tp->srtt_us >> 3) + tp->rttvar_us) * NSEC_PER_USEC;
}
/* The word of the header with length, flags and window, as the fast path compares it (memory order). */
static inline u32 tcp_flag_word(const struct tcphdr *th)
{
	u32 w;

	memcpy(&w, &th->doff_res, sizeof(w));
	return w;
}
static inline void __tcp_fast_path_on(struct tcp_sock *tp, u32 snd_wnd)
{
	tp->pred_flags = cpu_to_be32((u32)tp->tcp_header_len << 26 | (u32)TCPHDR_ACK << 16 | snd_wnd).raw;
}
static inline void tcp_fast_path_on(struct tcp_sock *tp)
{
	__tcp_fast_path_on(tp, tp->snd_wnd >> tp->rx_opt.snd_wscale);
}
static inline void tcp_fast_path_check(struct sock *sk)
{
	struct tcp_sock *tp = tcp_sk(sk);

	if (!tp->out_of_order_queue.rb_node && tp->rcv_wnd &&
	    sk_rmem_alloc_get(sk) < READ_ONCE(sk->sk_rcvbuf) && !tp->urg_data)
		tcp_fast_path_on(tp);
}
/* RFC 7323 5: PAWS. */
static inline bool tcp_paws_check(const struct tcp_options_received *rx, int window, u64 now_ns)
{
	if ((s32)(rx->ts_recent - rx->rcv_tsval) <= window)
		return true;
	/* A connection idle for 24 days: the peer's clock may have wrapped. */
	if (now_ns >= rx->ts_recent_stamp_ns + TCP_PAWS_24DAYS_NS)
		return true;
	/* Some stacks send a SYN-ACK with timestamp 0 and real ones later. */
	return !rx->ts_recent;
}
static inline bool tcp_urg_mode(const struct tcp_sock *tp)
{
	return tp->snd_urg && seq_after(tp->snd_up, tp->snd_una);
}
static inline void tcp_update_wl(struct tcp_sock *tp, seq32 seq) { tp->snd_wl1 = seq; }
static inline u64 tcp_fin_time_ns(const struct sock *sk)
{
	s64 t = tcp_sk(sk)->linger2_ns ? tcp_sk(sk)->linger2_ns : tcp_sysctl.fin_timeout * (s64)NSEC_PER_SEC;
	u64 rto = inet_csk(sk)->icsk_rto_ns;

	return (u64)max_t(s64, t, (s64)((rto << 2) - (rto >> 1)));
}
static inline u32 tcp_notsent_lowat(const struct tcp_sock *tp)
{
	return tp->notsent_lowat ? tp->notsent_lowat : (u32)tcp_sysctl.notsent_lowat;
}
static inline void tcp_dec_quickack_mode(struct sock *sk, unsigned int pkts)
{
	struct inet_connection_sock *icsk = inet_csk(sk);

	if (!icsk->icsk_ack.quick)
		return;
	if (pkts >= icsk->icsk_ack.quick) {
		icsk->icsk_ack.quick = 0;
		icsk->icsk_ack.ato_ns = TCP_ATO_MIN_NS;
	} else {
		icsk->icsk_ack.quick -= (u8)pkts;
	}
}
static inline u32 tcp_init_cwnd(const struct tcp_sock *tp) { (void)tp; return TCP_INIT_CWND; }

/*
 * tests/unit/ip_parse.c - what arrives from the wire: every truncation and many mutations of good
 * packets, and fragments in every order. Nothing may be read outside the packet (ASan sees it) and
 * every packet ends exactly once.
 */
#include "tests/unit/host.h"

void *memcpy(void *dst, const void *src, size_t n);
void *memmove(void *dst, const void *src, size_t n);
void *memset(void *dst, int c, size_t n);
int memcmp(const void *a, const void *b, size_t n);
size_t strlen(const char *s);
char *strchr(const char *s, int c);
#include "tests/unit/net_host.h"
#include "kernel/lib/hash.c"
#include "net/ipv4/icmp.c"
#include "net/ipv4/ip_fragment.c"
#include "net/ipv4/ip_input.c"
#include "net/ipv4/ip_output.c"
#include "net/ipv4/udp.c"

/* --- the surroundings --- */
static u64 host_now;
static struct net_device host_dev = { .mtu = 1500, .hard_header_len = 14, .ifindex = 1 };
static struct rtable host_rt = { .refs = REFCOUNT_INIT(1000000), .dev = &host_dev, .mtu = 1500 };
static struct sock *host_sock;	/* bound to port 7 */
static int delivered;		/* datagrams that reached it */
static u32 delivered_len;
static int sent;		/* packets we answered with */
static int asked_for_errors;	/* errors about our packets that UDP heard of */
u64 snmp_counters[SNMP_NR];
int sysctl_ip_local_port_range[2] = { 32768, 60999 };
u32 rt_genid;

u64 arch_clock_ns(void) { return host_now; }
u64 ktime_get_real_ns(void) { return host_now; }
void get_random_bytes(void *buf, size_t len) { memset(buf, 7, len); }
u32 get_random_u32(void) { return (u32)host_random(); }
u64 get_random_u64(void) { return host_random(); }
void timer_setup(struct timer_list *t, void (*fn)(struct timer_list *))
{
	t->function = fn;
	t->entry.pprev = NULL;
}
bool mod_timer(struct timer_list *t, u64 when)
{
	bool was = timer_pending(t);

	t->expires_ns = when;
	t->entry.pprev = &t->entry.next;
	return was;
}
bool del_timer(struct timer_list *t)
{
	bool was = timer_pending(t);

	t->entry.pprev = NULL;
	return was;
}
int sysctl_ip_forward;
void ip_forward(struct sk_buff *skb) { kfree_skb(skb, SKB_DROP_REASON_IP_INNOROUTES); }
enum inet_addr_type inet_addr_type(be32 addr)
{
	switch (be32_to_cpu(addr)) {
	case 0x0a000001: return RTN_LOCAL;
	case 0x0a0000ff:
	case 0xffffffff:
	case 0: return RTN_BROADCAST;
	default: return ipv4_is_multicast(addr) ? RTN_MULTICAST : RTN_UNICAST;
	}
}
struct rtable *ip_route_output(be32 daddr, be32 saddr, __unused int oif)
{
	host_rt.dst = daddr;
	host_rt.src = saddr.raw ? saddr : cpu_to_be32(0x0a000001);
	rt_get(&host_rt);
	return &host_rt;
}
void ip_rt_update_pmtu(__unused be32 daddr, __unused u32 mtu) { }
int neigh_output(struct sk_buff *skb)
{
	/* Whatever we send is itself in order. */
	const struct iphdr *iph = ip_hdr(skb);

	CHECK(skb->len >= 20 && be16_to_cpu(iph->tot_len) == skb->len && ip_fast_csum(iph, 5) == 0);
	sent++;
	consume_skb(skb);
	return 0;
}
u32 raw_count[256];
bool raw_deliver(__unused struct sk_buff *skb, __unused int protocol) { return false; }
void raw_icmp_error(__unused struct sk_buff *skb, __unused int protocol, __unused u32 info) { }
void ping_rcv(struct sk_buff *skb) { consume_skb(skb); }
void ping_err(__unused struct sk_buff *skb, __unused u32 info) { }
void ping_init(void) { }
const struct net_protocol *const inet_protos[256] = {
	[IPPROTO_ICMP] = &icmp_protocol, [IPPROTO_UDP] = &udp_protocol
};

int sock_queue_rcv_skb(__unused struct sock *sk, struct sk_buff *skb)
{
	delivered++;
	delivered_len = skb->len;
	consume_skb(skb);
	return 0;
}
void sock_put(__unused struct sock *sk) { }
int datagram_err(__unused const struct inet_sock *inet, __unused u8 type, __unused u8 code,
		 bool *hard)
{
	asked_for_errors++;
	*hard = false;
	return 0;
}
/* Sending and options are not under test. */
void sock_wfree(__unused struct sk_buff *skb) { }
void skb_set_owner_w(__unused struct sk_buff *skb, __unused struct sock *sk) { }
struct sk_buff *sock_alloc_send_pskb(__unused struct sock *sk, __unused u32 h, __unused u32 l,
				     __unused bool n, int *err)
{
	*err = -ENOMEM;
	return NULL;
}
void lock_sock_nested(__unused struct sock *sk, __unused unsigned int depth) { }
void release_sock(__unused struct sock *sk) { }
struct rtable *sk_dst_check(__unused struct sock *sk) { return NULL; }
void sk_dst_set(__unused struct sock *sk, __unused struct rtable *rt) { }
int ip_setsockopt(__unused struct sock *sk, __unused int o, __unused uptr v,
		  __unused unsigned int l)
{
	return 0;
}
int ip_getsockopt(__unused struct sock *sk, __unused int o, __unused uptr v, __unused uptr l)
{
	return 0;
}
int ip_cmsg_send(__unused struct msghdr *msg, __unused struct ipcm_cookie *ipc) { return 0; }
void ip_icmp_error(__unused struct sock *sk, __unused struct sk_buff *skb, __unused int e,
		   __unused be16 p, __unused u32 i, __unused u32 o)
{
}
void ip_local_error(__unused struct sock *sk, __unused int err, __unused be32 daddr,
		    __unused be16 port, __unused u32 info)
{
}
int put_sockopt_int(__unused int val, __unused uptr optval, __unused uptr optlen) { return 0; }
int __get_user_4(__unused u32 *x, __unused uptr p) { return 0; }
int ip4_datagram_connect(__unused struct sock *sk, __unused const struct sockaddr_in *a,
			 __unused int l)
{
	return 0;
}
int ip4_datagram_disconnect(__unused struct sock *sk, __unused int flags) { return 0; }
int datagram_dest(__unused struct sock *sk, __unused const struct msghdr *msg,
		  __unused struct sockaddr_in *dst)
{
	return -1;
}
struct rtable *datagram_route(__unused struct sock *sk, __unused const struct ipcm_cookie *ipc,
			      __unused be32 d, __unused bool c)
{
	return NULL;
}
ssize_t datagram_recv(__unused struct sock *sk, __unused struct msghdr *m, __unused size_t l,
		      __unused int f, __unused int *a, __unused u32 h)
{
	return 0;
}
void datagram_close(__unused struct sock *sk, __unused s64 timeout_ns) { }
int datagram_ioctl(__unused struct sock *sk, __unused unsigned int cmd, __unused uptr arg,
		   __unused u32 hdr)
{
	return 0;
}

static void setup(void)
{
	net_host_init();
	if (!ipq_cache) {
		ipfrag_init();
		udp_init();
		host_sock = malloc(sizeof(struct udp_sock));
		memset(host_sock, 0, sizeof(struct udp_sock));
		refcount_set(&host_sock->sk_refcnt, 1000000);
		host_sock->sk_num = 7;
		hlist_add_head(&host_sock->sk_node, &udp_bucket(7)->head);
	}
	host_now += NSEC_PER_SEC;
	delivered = sent = asked_for_errors = 0;
	delivered_len = 0;
}

/* --- packets --- */
static u8 pattern_byte(size_t i) { return (u8)(i * 7); }
static size_t put_ip(u8 *p, u8 protocol, size_t payload, u16 id, u16 frag_off)
{
	struct iphdr h = { .ver_ihl = 0x45,
			   .ttl = 64,
			   .protocol = protocol,
			   .tot_len = cpu_to_be16((u16)(20 + payload)),
			   .id = cpu_to_be16(id),
			   .frag_off = cpu_to_be16(frag_off),
			   .saddr = cpu_to_be32(0x0a000002),
			   .daddr = cpu_to_be32(0x0a000001) };

	h.check = ip_fast_csum(&h, 5);
	memcpy(p, &h, 20);
	return 20 + payload;
}

static void udp_csum(u8 *udp, size_t len)
{
	udp[6] = udp[7] = 0;
	u16 sum = csum_tcpudp_magic(cpu_to_be32(0x0a000002), cpu_to_be32(0x0a000001), (u32)len,
				    IPPROTO_UDP, csum_partial(udp, len, 0));

	memcpy(udp + 6, &sum, 2);
}

static size_t put_udp(u8 *p, u16 port, size_t data)
{
	struct udphdr u = { cpu_to_be16(5000), cpu_to_be16(port), cpu_to_be16((u16)(8 + data)), 0 };

	memcpy(p + 20, &u, 8);
	for (size_t i = 0; i < data; i++)
		p[28 + i] = pattern_byte(i);
	udp_csum(p + 20, 8 + data);
	return put_ip(p, IPPROTO_UDP, 8 + data, 1, 0);
}

static size_t put_icmp(u8 *p, u8 type, u8 code, size_t data)
{
	struct icmphdr h = { .type = type, .code = code };

	memcpy(p + 20, &h, 8);
	h.checksum = csum_fold(csum_partial(p + 20, 8 + data, 0));
	memcpy(p + 22, &h.checksum, 2);
	return put_ip(p, IPPROTO_ICMP, 8 + data, 1, 0);
}

/* An error that quotes a UDP packet from our port 7. */
static size_t put_icmp_error(u8 *p, u8 type, u8 code, size_t quoted)
{
	struct iphdr h = { .ver_ihl = 0x45,
			   .ttl = 64,
			   .protocol = IPPROTO_UDP,
			   .tot_len = cpu_to_be16(100),
			   .saddr = cpu_to_be32(0x0a000001),
			   .daddr = cpu_to_be32(0x0a000002) };
	struct udphdr u = { cpu_to_be16(7), cpu_to_be16(5000), cpu_to_be16(80), 0 };
	u8 both[64] = { 0 };

	memcpy(both, &h, 20);
	memcpy(both + 20, &u, 8);
	memcpy(p + 28, both, quoted);
	return put_icmp(p, type, code, quoted);
}

void __asan_poison_memory_region(const volatile void *addr, size_t size);

/*
 * @len bytes as one received packet. The room behind them is poisoned, so that ASan sees a step too
 * far.
 */
static void receive(const u8 *bytes, size_t len)
{
	struct sk_buff *skb = netdev_alloc_skb(&host_dev, ETH_HLEN + (u32)len);

	skb_reserve(skb, ETH_HLEN);
	memcpy(skb_put(skb, (u32)len), bytes, len);
	skb->protocol = cpu_to_be16(ETH_P_IP);
	skb_reset_network_header(skb);
	__asan_poison_memory_region(skb->tail, (size_t)(skb->end - skb->tail));
	local_bh_disable();
	ip_rcv(skb, &host_dev, NULL);
	local_bh_enable();
}

static void expire_fragments(void)
{
	for (int i = 0; i < 1 << FRAG_BITS; i++)
		while (!hlist_empty(&frag_table[i])) {
			struct ipq *q = hlist_entry(frag_table[i].first, struct ipq, link);

			q->timer.entry.pprev = NULL;
			ipq_expire(&q->timer);
		}
}

static void check_nothing_lives(void)
{
	expire_fragments();
	CHECK_EQ(frag_mem, 0);
	CHECK_EQ(nr_ipq, 0);
	CHECK_EQ(host_objects, 0);
}

TEST(udp_datagram_is_delivered)
{
	u8 p[200];

	setup();
	receive(p, put_udp(p, 7, 100));
	CHECK_EQ(delivered, 1);
	CHECK_EQ(delivered_len, 108);
	check_nothing_lives();
}

TEST(udp_link_padding_is_cut)
{
	u8 p[200] = { 0 };

	setup();
	put_udp(p, 7, 4);
	receive(p, 46);
	CHECK_EQ(delivered, 1);
	CHECK_EQ(delivered_len, 12);
	check_nothing_lives();
}

TEST(udp_without_socket_is_answered_by_port_unreachable)
{
	u8 p[200];
	u64 before = skb_drop_count(SKB_DROP_REASON_NO_SOCKET);

	setup();
	receive(p, put_udp(p, 9, 10));
	CHECK_EQ(delivered, 0);
	CHECK_EQ(sent, 1);
	CHECK_EQ(skb_drop_count(SKB_DROP_REASON_NO_SOCKET), before + 1);
	check_nothing_lives();
}

TEST(udp_bad_checksum_is_dropped_and_counted)
{
	u8 p[200];
	u64 before = skb_drop_count(SKB_DROP_REASON_UDP_CSUM);

	setup();
	size_t n = put_udp(p, 7, 10);

	p[30] ^= 1;
	receive(p, n);
	CHECK_EQ(delivered, 0);
	CHECK_EQ(skb_drop_count(SKB_DROP_REASON_UDP_CSUM), before + 1);
	check_nothing_lives();
}

TEST(every_truncation_of_every_packet)
{
	u8 p[256];

	setup();
	for (int kind = 0; kind < 6; kind++) {
		size_t n = kind == 0   ? put_udp(p, 7, 60)
			   : kind == 1 ? put_udp(p, 9, 60)
			   : kind == 2 ? put_icmp(p, ICMP_ECHO, 0, 60)
			   : kind == 3 ? put_icmp_error(p, ICMP_DEST_UNREACH, ICMP_PORT_UNREACH, 28)
			   : kind == 4 ? put_icmp(p, ICMP_TIMESTAMP, 0, 12)
				       : put_ip(p, 99, 30, 1, 0);

		for (size_t cut = 0; cut < n; cut++)
			receive(p, cut);
		/* The same with an IP length that agrees with the cut. */
		for (size_t cut = 20; cut < n; cut++) {
			put_ip(p, p[9], cut - 20, 1, 0);
			receive(p, cut);
		}
	}
	check_nothing_lives();
}

TEST(icmp_errors_with_every_length_of_quote)
{
	u8 p[256];

	setup();
	for (size_t quoted = 0; quoted < 40; quoted++)
		receive(p, put_icmp_error(p, ICMP_DEST_UNREACH, ICMP_PORT_UNREACH, quoted));
	CHECK_EQ(asked_for_errors, 40 - 28);
	check_nothing_lives();
}

TEST(icmp_errors_are_not_answered)
{
	u8 p[256];

	setup();
	size_t n = put_icmp_error(p, ICMP_DEST_UNREACH, ICMP_PORT_UNREACH, 28);

	p[28 + 22] = 0; /* a port of ours nobody has */
	p[28 + 23] = 99;
	put_icmp(p, ICMP_DEST_UNREACH, ICMP_PORT_UNREACH, 28);
	receive(p, n);
	CHECK_EQ(sent, 0);
	check_nothing_lives();
}

TEST(icmp_echo_is_answered_with_the_same_bytes)
{
	u8 p[1500];

	setup();
	for (size_t data = 0; data < 1400; data += 77)
		receive(p, put_icmp(p, ICMP_ECHO, 0, data));
	CHECK_EQ(sent, 19);
	check_nothing_lives();
}

TEST(packets_shorter_than_they_say_are_dropped)
{
	u8 p[200];

	setup();
	size_t n = put_icmp(p, ICMP_ECHO, 0, 40);
	u64 before = skb_drop_count(SKB_DROP_REASON_PKT_TOO_SMALL);

	put_ip(p, IPPROTO_ICMP, n - 20 + 4, 1, 0);
	receive(p, n);
	CHECK_EQ(sent, 0);
	CHECK_EQ(skb_drop_count(SKB_DROP_REASON_PKT_TOO_SMALL), before + 1);
	/* A datagram without checksum has nothing but its length to betray it. */
	n = put_udp(p, 7, 10);
	p[25] = 30;
	p[26] = p[27] = 0;
	receive(p, n);
	CHECK_EQ(delivered, 0);
	p[25] = 18;
	receive(p, n);
	CHECK_EQ(delivered, 1);
	check_nothing_lives();
}

TEST(impossible_addresses_are_dropped)
{
	static const u32 sources[] = {
		0x0a000001, 0x7f000001, 0xe0000001, 0xffffffff, 0x0a0000ff, 0
	};
	u8 p[200];

	setup();
	u64 before = skb_drop_count(SKB_DROP_REASON_IP_INADDRERRORS);

	for (size_t i = 0; i < ARRAY_SIZE(sources); i++) {
		size_t n = put_udp(p, 7, 10);
		struct iphdr *h = (struct iphdr *)p;

		h->saddr = cpu_to_be32(sources[i]);
		h->check = 0;
		h->check = ip_fast_csum(h, 5);
		receive(p, n);
	}
	CHECK_EQ(skb_drop_count(SKB_DROP_REASON_IP_INADDRERRORS), before + ARRAY_SIZE(sources));
	CHECK_EQ(delivered, 0);
	check_nothing_lives();
}

TEST(ip_options_are_walked_safely)
{
	u8 p[256];

	setup();
	for (int round = 0; round < 20000; round++) {
		size_t words = 6 + host_random() % 10;

		memset(p, 0, sizeof(p));
		for (size_t i = 20; i < words * 4; i++)
			p[i] = (u8)(host_random() % 3 ? host_random() % 12 : host_random());
		/* Every other packet ends with its options. */
		size_t payload = round & 1 ? 8 : 0;

		put_ip(p, IPPROTO_UDP, words * 4 - 20 + payload, 1, 0);
		struct iphdr *h = (struct iphdr *)p;

		h->ver_ihl = (u8)(0x40 | words);
		h->check = 0;
		h->check = ip_fast_csum(h, (unsigned int)words);
		receive(p, words * 4 + payload);
	}
	check_nothing_lives();
}

TEST(mutated_packets_do_no_harm)
{
	u8 good[256], p[256];

	setup();
	for (int round = 0; round < 200000; round++) {
		size_t n = round % 3 == 0 ? put_udp(good, 7, 40)
			   : round % 3 == 1
				   ? put_icmp(good, ICMP_ECHO, 0, 40)
				   : put_icmp_error(good, ICMP_DEST_UNREACH, (u8)(round % 20), 28);

		memcpy(p, good, n);
		for (u64 k = host_random() % 4; k; k--)
			p[host_random() % n] = (u8)host_random();
		if (round & 1) { /* let it get past the header checksum */
			((struct iphdr *)p)->check = 0;
			((struct iphdr *)p)->check = ip_fast_csum(p, 5);
		}
		receive(p, n - host_random() % 3);
	}
	check_nothing_lives();
}

/* --- fragments --- */

/* A UDP datagram of @data bytes, sent in pieces of @step in the order @order. */
static void send_fragments(size_t data, size_t step, const int *order, int nr)
{
	static u8 whole[70000], p[70000];

	put_udp(whole, 7, data);
	size_t payload = 8 + data;

	for (int i = 0; i < nr; i++) {
		size_t pos = (size_t)order[i] * step,
		       n = pos + step < payload ? step : payload - pos;

		memcpy(p + 20, whole + 20 + pos, n);
		receive(p, put_ip(p, IPPROTO_UDP, n, 42,
				  (u16)(pos / 8 | (pos + n < payload ? IP_MF : 0))));
	}
}

TEST(fragments_in_every_order)
{
	int order[4];

	setup();
	for (int code = 0; code < 256; code++) {
		int seen = 0;

		for (int i = 0; i < 4; i++) {
			order[i] = code >> 2 * i & 3;
			seen |= 1 << order[i];
		}
		if (seen != 15)
			continue;
		delivered = 0;
		send_fragments(3000, 800, order, 4);
		CHECK_EQ(delivered, 1);
		CHECK_EQ(delivered_len, 3008);
	}
	check_nothing_lives();
}

TEST(fragments_of_the_largest_datagram)
{
	static int order[200];

	setup();
	for (int i = 0; i < 200; i++)
		order[i] = i;
	send_fragments(65507, 1480, order, 45);
	CHECK_EQ(delivered, 1);
	CHECK_EQ(delivered_len, 65515);
	check_nothing_lives();
}

TEST(fragment_sent_twice_is_harmless)
{
	static const int order[] = { 0, 0, 1, 1, 2, 2, 3 };

	setup();
	send_fragments(3000, 800, order, 7);
	CHECK_EQ(delivered, 1);
	check_nothing_lives();
}

TEST(fragments_that_overlap_end_the_datagram)
{
	u8 p[2000] = { 0 };

	setup();
	receive(p, put_ip(p, IPPROTO_UDP, 800, 43, IP_MF));
	/* begins inside the first */
	receive(p, put_ip(p, IPPROTO_UDP, 800, 43, 50 | IP_MF));
	CHECK_EQ(nr_ipq, 0);
	receive(p, put_ip(p, IPPROTO_UDP, 800, 44, IP_MF));
	/* the "last" one ends inside the first */
	receive(p, put_ip(p, IPPROTO_UDP, 16, 44, 10));
	CHECK_EQ(nr_ipq, 0);
	CHECK_EQ(delivered, 0);
	check_nothing_lives();
}

TEST(fragments_beyond_the_largest_packet_are_refused)
{
	u8 p[2000] = { 0 };

	setup();
	receive(p, put_ip(p, IPPROTO_UDP, 1480, 45, 8100));		/* 64800 + 1480 */
	/* not a multiple of eight */
	receive(p, put_ip(p, IPPROTO_UDP, 7, 46, IP_MF));
	receive(p, put_ip(p, IPPROTO_UDP, 0, 47, 10));			/* nothing in it */
	CHECK_EQ(nr_ipq, 0);
	check_nothing_lives();
}

TEST(fragments_that_stay_alone_expire)
{
	u8 p[2000] = { 0 };

	setup();
	receive(p, put_ip(p, IPPROTO_UDP, 800, 48, IP_MF));
	CHECK_EQ(nr_ipq, 1);
	expire_fragments();
	CHECK_EQ(sent, 1); /* "time exceeded", as the first fragment was there */
	receive(p, put_ip(p, IPPROTO_UDP, 800, 49, 100 | IP_MF));
	expire_fragments();
	CHECK_EQ(sent, 1);
	check_nothing_lives();
}

TEST(fragments_of_an_icmp_error_expire_silently)
{
	u8 p[200] = { 0 };

	setup();
	size_t n = put_icmp(p, ICMP_DEST_UNREACH, ICMP_PORT_UNREACH, 32);

	put_ip(p, IPPROTO_ICMP, n - 20, 50, IP_MF);
	receive(p, n);
	CHECK_EQ(nr_ipq, 1);
	expire_fragments();
	CHECK_EQ(sent, 0);
	check_nothing_lives();
}

TEST(fragments_stop_at_the_memory_limit)
{
	u8 p[2000] = { 0 };

	setup();
	for (u16 id = 0; id < 10000; id++)
		receive(p, put_ip(p, IPPROTO_UDP, 1480, id, IP_MF));
	CHECK(frag_mem <= FRAG_HIGH_THRESH + 4096);
	CHECK(nr_ipq < 3000);
	check_nothing_lives();
}

TEST(random_fragments_do_no_harm)
{
	u8 p[2000] = { 0 };

	setup();
	for (int round = 0; round < 100000; round++) {
		size_t n = host_random() % 100;

		receive(p, put_ip(p, IPPROTO_UDP, n, (u16)(host_random() % 50),
				  (u16)(host_random() % 64 | (host_random() & 1 ? IP_MF : 0))));
	}
	check_nothing_lives();
}

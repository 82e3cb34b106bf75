/*
 * net/ipv4/ip.h - what the files of this folder offer each other: IP above the devices, below the
 * transports.
 *
 * Linux:   include/net/ip.h, route.h, inet_sock.h, protocol.h, icmp.h, arp.h, inetdevice.h (6.1)
 * Same:    inet_sock, rtable, ip_queue_xmit(), icmp_send(), net_protocol.
 * Differs: 1. one header for the folder. 2. routes are looked up for each packet of a datagram
 *             socket and cached in sk_dst for TCP; a generation number tells when a cached route is
 *             stale.
 * Locks:   ROUTE, NEIGH.
 * Walk:    ip_local_deliver() -> net_protocol.handler = tcp_v4_rcv(); ip_queue_xmit() ->
 *          neigh_output().
 */
#pragma once
#include "net/netdevice.h"
#include "net/sock.h"
#include "net/wire/checksum.h"
#include "net/wire/icmp.h"
#include "net/wire/ipv4.h"

/* A route to one destination, as the lookup made it: immutable, counted. */
struct rtable {
	refcount_t refs;
	u32 genid;		/* rt_genid when made */
	struct net_device *dev;
	be32 dst, gateway;	/* gateway 0: on link. next hop = gateway or dst */
	be32 src;		/* preferred source address */
	u32 mtu;
	bool local, broadcast;	/* for this machine; to all on the link */
	struct neighbour *neigh;	/* a reference, once resolved; NEIGH */
	/* single word: when a transport last saw that packets get through here, to the second; 0: never */
	u64 confirmed_ns;
};
/*
 * ip_route_output - Return: a route with a reference, or ERR_PTR(-ENETUNREACH, -EHOSTUNREACH,
 * -EINVAL, -ENOMEM). @saddr 0: any. Context: any but hardirq.
 */
struct rtable *ip_route_output(be32 daddr, be32 saddr, int oif);
static inline void rt_get(struct rtable *rt) { refcount_inc(&rt->refs); }
/* rt_genid - changes whenever any route, address or path MTU does. */
extern u32 rt_genid;
static inline bool rt_is_stale(const struct rtable *rt) { return rt->genid != READ_ONCE(rt_genid); }
/*
 * rt_confirm - at @now_ns the other end was known to receive what goes by @rt (may be NULL), so the next hop does, too.
 * Many sockets share a route: it is written once a second only.
 */
static inline void rt_confirm(struct rtable *rt, u64 now_ns)
{
	if (rt && READ_ONCE(rt->confirmed_ns) + NSEC_PER_SEC < now_ns)
		WRITE_ONCE(rt->confirmed_ns, now_ns);
}
/* The next hop's address. */
static inline be32 rt_nexthop(const struct rtable *rt)
{
	return rt->gateway.raw ? rt->gateway : rt->dst;
}
/*
 * ip_rt_update_pmtu - a router said that packets to @daddr may have @mtu bytes (RFC 1191);
 * forgotten after ten minutes. Context: softirq.
 */
void ip_rt_update_pmtu(be32 daddr, u32 mtu);
/*
 * rt_cache_flush - every cached route is looked up anew. fib_local_rebuild - an address or a
 * device's state changed. Locks: RTNL held.
 */
void rt_cache_flush(void);
void fib_local_rebuild(void);
/*
 * fib_add_connected, fib_del_connected - the route to @dev's own network, preferring source @addr.
 * fib_dev_down - all routes through @dev go. Locks: RTNL held.
 */
int fib_add_connected(struct net_device *dev, be32 addr, be32 mask);
void fib_del_connected(struct net_device *dev, be32 addr, be32 mask);
void fib_dev_down(struct net_device *dev);
struct seq_file;
void fib_route_show(struct seq_file *m, void *arg);
/*
 * sk_dst_check - the cached route of @sk if still good, else NULL (and dropped). sk_dst_set takes
 * @rt over. Locks: sock owned or slock.
 */
struct rtable *sk_dst_check(struct sock *sk);
void sk_dst_set(struct sock *sk, struct rtable *rt);
/* inet_addr_type - is @addr ours (or loopback net), broadcast, multicast, or somebody else's? */
enum inet_addr_type { RTN_UNSPEC, RTN_UNICAST, RTN_LOCAL, RTN_BROADCAST, RTN_MULTICAST };
enum inet_addr_type inet_addr_type(be32 addr);

/* The IP part of a sock; TCP's and UDP's begin with it. */
struct inet_sock {
	struct sock sk;		/* first */
	be32 inet_saddr;	/* source for sending; sk_rcv_saddr is what we bound */
	be16 inet_sport;
	u16 inet_id;		/* counter for the IP id */
	u8 tos, ttl;		/* ttl 0: default */
	u8 mc_ttl; bool mc_loop;
	u8 pmtudisc;		/* IP_PMTUDISC_* */
	bool recverr, is_icsk, hdrincl, freebind, transparent, pktinfo, recvttl, recvtos;
};
static inline struct inet_sock *inet_sk(const struct sock *sk) { return (struct inet_sock *)sk; }

/* A transport protocol over IP: the protocol table of af_inet.c has one row each. */
struct net_protocol {
	/* softirq; takes the skb; data at the transport header */
	void (*handler)(struct sk_buff *skb);
	/* an ICMP error quotes one of ours: data at the quoted IP header; keeps the skb */
	void (*err_handler)(struct sk_buff *skb, u32 info);
};
extern const struct net_protocol tcp_protocol, udp_protocol, icmp_protocol;

static inline struct iphdr *ip_hdr(const struct sk_buff *skb)
{
	return (struct iphdr *)skb_network_header(skb);
}

/*
 * ip_queue_xmit - a connected sock sends: adds the IP header, finds the route. 0 or -errno. Takes
 * the skb. Context: any but hardirq.
 */
int ip_queue_xmit(struct sock *sk, struct sk_buff *skb);
/*
 * ip_send_skb - a packet with transport header, explicit route (taken over into the skb) and
 * addresses. Fragments if it must and may.
 */
/*
 * ip_finish_output - a whole packet with skb->rt set goes to the next hop, in pieces if need be. ip_forward - a
 * received packet that is for somebody else. Both take the skb. Context: softirqs off; softirq.
 */
int ip_finish_output(struct sk_buff *skb);
void ip_forward(struct sk_buff *skb);
extern int sysctl_ip_forward;	/* one word */
struct ip_params { be32 saddr, daddr; u8 protocol, tos, ttl; bool df; };
int ip_send_skb(struct sk_buff *skb, struct rtable *rt, const struct ip_params *p);
/*
 * icmp_send - an error about received @skb (RFC 792, 1122 3.2.2: never about errors, broadcasts,
 * fragments). Rate limited. Keeps the skb. softirq.
 */
void icmp_send(struct sk_buff *skb, u8 type, u8 code, u32 info);
/* icmp_err_convert - ICMP_DEST_UNREACH code to errno; *@fatal: hard error. */
int icmp_err_convert(u8 code, bool *fatal);
void ip_rcv(struct sk_buff *skb, struct net_device *dev, struct packet_type *pt);
/*
 * inet_protos - by number, who takes a packet (data at the transport header); NULL: nobody.
 */
extern const struct net_protocol *const inet_protos[256];
/*
 * ip_defrag - one more fragment. Return: the whole datagram once it is there, else NULL. Takes the
 * skb. softirq.
 */
struct sk_buff *ip_defrag(struct sk_buff *skb);
void ipfrag_init(void);
/* ip_frag_mem - bytes held, and datagrams begun, for /proc/net/sockstat. */
void ip_frag_stats(int *nr, long *mem);
/*
 * raw_local_deliver - copies for raw sockets. Return: did any want it? raw_icmp_error - they learn
 * of an ICMP error. softirq; keep the skb.
 */
extern u32 raw_count[256];	/* raw socks of each protocol; read without their lock */
bool raw_deliver(struct sk_buff *skb, int protocol);
static inline bool raw_local_deliver(struct sk_buff *skb, int protocol)
{
	return unlikely(READ_ONCE(raw_count[protocol])) && raw_deliver(skb, protocol);
}
void raw_icmp_error(struct sk_buff *skb, int protocol, u32 info);
/*
 * ping_rcv - an echo reply. Takes the skb. ping_err - an error about an echo request of ours: data
 * at the quoted IP header. softirq.
 */
void ping_rcv(struct sk_buff *skb);
void ping_err(struct sk_buff *skb, u32 info);
void ping_init(void);

/* Ports (inet_hashtables.c is TCP's; UDP has its own table). local port range for port 0. */
extern int sysctl_ip_local_port_range[2];
extern int sysctl_ip_default_ttl;

/* Addresses of devices (devinet.c). RTNL to change, ROUTE to read. */
struct in_ifaddr { be32 addr, mask, broadcast; };
struct in_device { struct in_ifaddr ifa[4]; int nr; };
/* RTNL; 0 removes; adds the link route. */
int inet_set_addr(struct net_device *dev, be32 addr, be32 mask);
be32 inet_select_addr(const struct net_device *dev);
/* RTNL; 0, -EEXIST, -ENOMEM */
int ip_route_add(be32 dst, be32 mask, be32 gateway, struct net_device *dev, u32 metric);
int ip_route_del(be32 dst, be32 mask, be32 gateway, struct net_device *dev);
int inet_ioctl_ifreq(unsigned int cmd, uptr arg);	/* SIOC[GS]IF*; -ENOTTY for others */
int ip_rt_ioctl(unsigned int cmd, uptr arg);		/* SIOCADDRT, SIOCDELRT */

/*
 * Neighbours (arp.c). neigh_output - resolve skb->rt's next hop and send; queues while it is asked
 * for. Takes the skb.
 */
struct neighbour;
int neigh_output(struct sk_buff *skb);
void neigh_put(struct neighbour *n);
void arp_init(void);
void arp_send_gratuitous(struct net_device *dev);
int arp_ioctl(unsigned int cmd, uptr arg);
void neigh_ifdown(struct net_device *dev);
/* neigh_dev_gone - @dev is leaving: the table forgets its entries. Locks: RTNL held. */
void neigh_dev_gone(struct net_device *dev);

/* af_inet.c: shared by TCP and UDP. */
int inet_create(struct socket *sock, int protocol);
void inet_sock_destruct(struct sock *sk);
int inet_autobind(struct sock *sk);
int inet_release(struct socket *sock);
int inet_bind(struct socket *sock, const struct sockaddr_storage_k *addr, int addr_len);
int inet_dgram_connect(struct socket *sock, const struct sockaddr_storage_k *addr, int addr_len,
		       int flags);
int inet_stream_connect(struct socket *sock, const struct sockaddr_storage_k *addr, int addr_len,
			int flags);
int inet_accept(struct socket *sock, struct socket *newsock, int flags);
int inet_listen(struct socket *sock, int backlog);
int inet_shutdown(struct socket *sock, int how);
int inet_getname(struct socket *sock, struct sockaddr_storage_k *addr, bool peer);
int inet_sock_ioctl(struct socket *sock, unsigned int cmd, unsigned long arg);
ssize_t inet_sendmsg(struct socket *sock, struct msghdr *msg, size_t len);
ssize_t inet_recvmsg(struct socket *sock, struct msghdr *msg, size_t len, int flags);
/* SOL_IP options (ip_sockglue.c). */
int ip_setsockopt(struct sock *sk, int optname, uptr optval, unsigned int optlen);
int ip_getsockopt(struct sock *sk, int optname, uptr optval, uptr optlen);
/* ip_cmsg_recv - the control messages about a datagram that its socket asked for. */
void ip_cmsg_recv_slow(struct msghdr *msg, struct sock *sk, struct sk_buff *skb);
static inline void ip_cmsg_recv(struct msghdr *msg, struct sock *sk, struct sk_buff *skb)
{
	const struct inet_sock *inet = inet_sk(sk);

	if (unlikely(inet->pktinfo || inet->recvttl || inet->recvtos))
		ip_cmsg_recv_slow(msg, sk, skb);
}
/*
 * What one sendmsg() says beside the data; ip_cmsg_send() fills in from control messages. 0 or
 * -EINVAL.
 */
struct ipcm_cookie { be32 saddr; int oif; int ttl, tos; /* -1: the socket's */ };
static inline void ipcm_init_sk(struct ipcm_cookie *ipc, const struct inet_sock *inet)
{
	*ipc = (struct ipcm_cookie){ inet->inet_saddr, inet->sk.sk_bound_dev_if, -1, -1 };
}
int __must_check ip_cmsg_send(struct msghdr *msg, struct ipcm_cookie *ipc);
enum {
	IP_PMTUDISC_DONT,
	IP_PMTUDISC_WANT,
	IP_PMTUDISC_DO,
	IP_PMTUDISC_PROBE,
	IP_PMTUDISC_INTERFACE,
	IP_PMTUDISC_OMIT
};
/*
 * ip_params_for - what goes into the IP header of a packet of @len bytes that @sk sends along @rt.
 */
static inline struct ip_params ip_params_for(const struct inet_sock *inet, const struct rtable *rt,
					     const struct ipcm_cookie *ipc, be32 daddr, u8 protocol,
					     u32 len)
{
	struct ip_params p = { .saddr = rt->src, .daddr = daddr, .protocol = protocol };

	p.tos = likely(ipc->tos < 0) ? inet->tos : (u8)ipc->tos;
	if (unlikely(ipc->ttl >= 0))
		p.ttl = (u8)ipc->ttl;
	else if (unlikely(ipv4_is_multicast(daddr)))
		p.ttl = inet->mc_ttl;
	else
		p.ttl = inet->ttl ? inet->ttl : (u8)sysctl_ip_default_ttl;
	p.df = likely(inet->pmtudisc == IP_PMTUDISC_WANT) ?
		       len + sizeof(struct iphdr) <= rt->mtu :
		       inet->pmtudisc == IP_PMTUDISC_DO || inet->pmtudisc == IP_PMTUDISC_PROBE;
	return p;
}
/*
 * ip_icmp_error - queue an error for MSG_ERRQUEUE if IP_RECVERR is on: @skb has data at the quoted
 * IP header, @payload_off beyond its transport header. ip_recv_error - read one.
 */
void ip_icmp_error(struct sock *sk, struct sk_buff *skb, int err, be16 port, u32 info,
		   u32 payload_off);
void ip_local_error(struct sock *sk, int err, be32 daddr, be16 port, u32 info);
ssize_t ip_recv_error(struct sock *sk, struct msghdr *msg, size_t len, int *addr_len);
/*
 * datagram.c: what UDP, raw and ping socks share. ip4_datagram_connect - remember the peer.
 * datagram_dest - whom a sendmsg() means: 0, or -EINVAL, -EAFNOSUPPORT, -EDESTADDRREQ.
 */
int ip4_datagram_connect(struct sock *sk, const struct sockaddr_in *addr, int addr_len);
int ip4_datagram_disconnect(struct sock *sk, int flags);
int datagram_dest(struct sock *sk, const struct msghdr *msg, struct sockaddr_in *dst);
/*
 * datagram_route - the route of one datagram, with a reference, or ERR_PTR; checks the right to
 * broadcast. @connected: dst is the connected peer.
 */
struct rtable *datagram_route(struct sock *sk, const struct ipcm_cookie *ipc, be32 daddr,
			      bool connected);
/*
 * datagram_recv - the tail of recvmsg(): copies what lies behind @hdr bytes of the next datagram,
 * fills name (a port if @hdr is UDP's) and control messages.
 */
ssize_t datagram_recv(struct sock *sk, struct msghdr *msg, size_t len, int flags, int *addr_len,
		      u32 hdr);
/*
 * datagram_close - unhash, orphan, drop the socket's reference. datagram_ioctl - SIOCINQ (less @hdr
 * bytes) and SIOCOUTQ.
 */
void datagram_close(struct sock *sk, s64 timeout_ns);
int datagram_ioctl(struct sock *sk, unsigned int cmd, uptr arg, u32 hdr);
/*
 * datagram_err - what an ICMP error (type and code) means to a datagram sock. Return: errno, 0:
 * nothing; *@hard: sticks without IP_RECVERR.
 */
int datagram_err(const struct inet_sock *inet, u8 type, u8 code, bool *hard);
/* IPCB - IP's scratch in a received skb, good until it is queued to a socket and there. */
struct inet_skb_parm { int iif; };
#define IPCB(skb) ((struct inet_skb_parm *)(skb)->cb)

/* The rows of inetsw: one per (type, protocol). */
extern struct proto tcp_prot, udp_prot, raw_prot, ping_prot;
/* For /proc/net: every UDP, raw and ping sock. @fn: no lock but the table's bucket is held. */
void udp_for_each(void (*fn)(struct sock *sk, void *arg), void *arg);
void raw_for_each(void (*fn)(struct sock *sk, void *arg), void *arg);
extern const struct proto_ops inet_stream_ops, inet_dgram_ops, inet_sockraw_ops;
void tcp_init(void);
void udp_init(void);
void icmp_init(void);
void ip_rt_init(void);
void ip_proc_init(void);
/* TCP's half of inet_listen, inet_shutdown and poll (tcp.c). */
int inet_csk_listen_start(struct sock *sk);
void tcp_listen_stop(struct sock *sk);
__poll_t tcp_poll(struct file *file, struct socket *sock, poll_table *wait);
/* /proc/net/snmp counters: SNMP_INC(IP_INRECEIVES). */
#define SNMP_COUNTERS(X) \
	X(IP_INRECEIVES) X(IP_INHDRERRORS) X(IP_INADDRERRORS) X(IP_INDISCARDS) \
	X(IP_INDELIVERS) X(IP_FORWDATAGRAMS) X(IP_INNOROUTES) \
	X(IP_OUTREQUESTS) X(IP_OUTNOROUTES) X(IP_REASMREQDS) X(IP_REASMOKS) \
	X(IP_REASMFAILS) X(IP_FRAGOKS) X(IP_FRAGFAILS) X(IP_FRAGCREATES) \
	X(IP_INUNKNOWNPROTOS) X(IP_OUTDISCARDS) X(IP_REASMTIMEOUT) \
	X(ICMP_INMSGS) X(ICMP_INERRORS) X(ICMP_OUTMSGS) X(ICMP_INCSUMERRORS) \
	X(ICMP_INDESTUNREACHS) X(ICMP_INTIMEEXCDS) X(ICMP_INECHOS) X(ICMP_INECHOREPS) \
	X(ICMP_OUTDESTUNREACHS) X(ICMP_OUTTIMEEXCDS) X(ICMP_OUTECHOS) X(ICMP_OUTECHOREPS) \
	X(ICMP_OUTRATELIMIT) \
	X(TCP_ACTIVEOPENS) X(TCP_PASSIVEOPENS) X(TCP_ATTEMPTFAILS) X(TCP_ESTABRESETS) \
	X(TCP_INSEGS) X(TCP_OUTSEGS) X(TCP_RETRANSSEGS) X(TCP_INERRS) X(TCP_OUTRSTS) \
	X(TCP_INCSUMERRORS) X(TCP_SYNCOOKIESSENT) X(TCP_SYNCOOKIESRECV) X(TCP_SYNCOOKIESFAILED) \
	X(TCP_LISTENOVERFLOWS) X(TCP_LISTENDROPS) X(TCP_TIMEWAITED) \
	X(TCP_DELAYEDACKS) X(TCP_TIMEOUTS) X(TCP_FASTRETRANS) X(TCP_CHALLENGEACK) \
	X(UDP_INDATAGRAMS) X(UDP_NOPORTS) X(UDP_INERRORS) X(UDP_OUTDATAGRAMS) \
	X(UDP_RCVBUFERRORS) X(UDP_INCSUMERRORS)
#define __SNMP_ENUM(n) n,
enum snmp_counter { SNMP_COUNTERS(__SNMP_ENUM) SNMP_NR };
#undef __SNMP_ENUM
DECLARE_PER_CPU(u64, snmp_counters[SNMP_NR]);
#define SNMP_INC(n) this_cpu_inc(snmp_counters[n])

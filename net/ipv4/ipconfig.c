/*
 * net/ipv4/ipconfig.c - the machine's own address at boot: from the command line, or by DHCP.
 *
 * Linux:   net/ipv4/ipconfig.c (6.1)
 * Same:    ip= on the command line; what DHCP said about names stands in /proc/net/pnp, fit for
 *          resolv.conf.
 * Differs: 1. ip=dhcp is the default and runs in a kernel thread, so boot does not wait for it; the
 *             thread also renews the lease. 2. the forms are ip=dhcp, ip=off and
 *             ip=ADDRESS/LENGTH[:GATEWAY].
 *          3. DHCP goes through an ordinary UDP socket: with the broadcast flag set the server's
 *             answers reach a host that has no address yet (RFC 2131 4.1).
 * Locks:   RTNL while an address is set.
 * Walk:    kernel_init() -> ip_auto_config() -> dhcp_thread().
 */
#include "fs/procfs.h"
#include "kernel/bitops.h"
#include "kernel/cmdline.h"
#include "kernel/printk.h"
#include "kernel/random.h"
#include "kernel/string.h"
#include "net/ipv4/ip.h"

enum {
	DHCP_SERVER_PORT = 67,
	DHCP_CLIENT_PORT = 68,
	DHCP_OPTIONS_MAX = 312,
	DHCP_BROADCAST_FLAG = 0x8000
};
enum { BOOTREQUEST = 1, BOOTREPLY = 2 };
enum { DHCPDISCOVER = 1, DHCPOFFER = 2, DHCPREQUEST = 3, DHCPACK = 5, DHCPNAK = 6 };
enum { /* RFC 2132 */
       OPT_PAD = 0,
       OPT_MASK = 1,
       OPT_ROUTER = 3,
       OPT_DNS = 6,
       OPT_DOMAIN = 15,
       OPT_REQUESTED_IP = 50,
       OPT_LEASE = 51,
       OPT_TYPE = 53,
       OPT_SERVER = 54,
       OPT_PARAMS = 55,
       OPT_END = 255,
};
#define DHCP_MAGIC		0x63825363U
#define DHCP_FIRST_WAIT_NS	NSEC_PER_SEC
#define DHCP_LONGEST_WAIT_NS	(64 * NSEC_PER_SEC)	/* RFC 2131 4.1 */

struct dhcp_packet {
	u8 op, htype, hlen, hops;
	be32 xid;
	be16 secs, flags;
	be32 ciaddr, yiaddr, siaddr, giaddr;
	u8 chaddr[16], sname[64], file[128];
	be32 magic;
	u8 options[DHCP_OPTIONS_MAX - 4];
};
static_assert(offsetof(struct dhcp_packet, options) == 240, "RFC 2131 2");

struct dhcp_lease {
	be32 addr, mask, router, server, dns[2];
	u32 seconds;
	char domain[64];
};
struct dhcp_client {
	struct net_device *dev;
	struct socket *sock;
	u32 xid;
	struct dhcp_lease lease;	/* offered, then agreed */
	struct dhcp_packet pkt;		/* sent and received */
};

static struct net_device *boot_dev;
static struct dhcp_client *dhcp;
/* Written by dhcp_thread() before pnp_ready is set. */
static struct dhcp_lease pnp_lease;
static bool pnp_ready;

static void pnp_show(struct seq_file *m, __unused void *arg)
{
	seq_puts(m, smp_load_acquire(&pnp_ready) ? "#PROTO: DHCP\n" : "#MANUAL\n");
	if (!pnp_ready)
		return;
	if (pnp_lease.domain[0])
		seq_printf(m, "domain %s\n", pnp_lease.domain);
	for (int i = 0; i < 2; i++)
		if (pnp_lease.dns[i].raw)
			seq_printf(m, "nameserver %pI4\n", &pnp_lease.dns[i]);
	seq_printf(m, "bootserver %pI4\n", &pnp_lease.server);
}

/* --- setting an address -------------------------------------------------------------------- */

static int configure(struct net_device *dev, be32 addr, be32 mask, be32 gateway)
{
	rtnl_lock();
	int err = dev_open(dev);

	if (!err)
		err = inet_set_addr(dev, addr, mask);
	if (!err && gateway.raw)
		err = ip_route_add(INADDR_ANY, INADDR_ANY, gateway, dev, 0);
	rtnl_unlock();
	return err == -EEXIST ? 0 : err;
}

static void unconfigure(struct net_device *dev)
{
	rtnl_lock();
	ip_route_del(INADDR_ANY, INADDR_ANY, INADDR_ANY, dev);
	inet_set_addr(dev, INADDR_ANY, INADDR_ANY);
	rtnl_unlock();
}

/* --- DHCP packets -------------------------------------------------------------------------- */

static u8 *opt_put(u8 *p, u8 code, const void *val, u8 len)
{
	*p++ = code;
	*p++ = len;
	memcpy(p, val, len);
	return p + len;
}

/* @renewing: for the address we have. Return: bytes of c->pkt. */
static size_t dhcp_build(struct dhcp_client *c, u8 type, bool renewing)
{
	static const u8 params[] = { OPT_MASK,	 OPT_ROUTER, OPT_DNS,
				     OPT_DOMAIN, OPT_LEASE,  OPT_SERVER };
	struct dhcp_packet *d = &c->pkt;
	u8 *p = d->options;

	memset(d, 0, sizeof(*d));
	d->op = BOOTREQUEST;
	d->htype = ARPHRD_ETHER;
	d->hlen = ETH_ALEN;
	d->xid = cpu_to_be32(c->xid);
	d->flags = cpu_to_be16(renewing ? 0 : DHCP_BROADCAST_FLAG);
	d->ciaddr = renewing ? c->lease.addr : INADDR_ANY;
	memcpy(d->chaddr, c->dev->dev_addr, ETH_ALEN);
	d->magic = cpu_to_be32(DHCP_MAGIC);
	p = opt_put(p, OPT_TYPE, &type, 1);
	/* RFC 2131 4.3.2: these two name the offer that is accepted; a renewal has neither. */
	if (type == DHCPREQUEST && !renewing) {
		p = opt_put(p, OPT_REQUESTED_IP, &c->lease.addr, 4);
		p = opt_put(p, OPT_SERVER, &c->lease.server, 4);
	}
	p = opt_put(p, OPT_PARAMS, params, sizeof(params));
	*p++ = OPT_END;
	/* RFC 1542 2.1: some servers want the 300 bytes of a BOOTP packet. */
	return max_t(size_t, (size_t)(p - (u8 *)d), 300);
}

static be32 opt_addr(const u8 *val, u8 len, unsigned int index)
{
	be32 a = INADDR_ANY;

	if (len >= 4 * (index + 1))
		memcpy(&a, val + 4 * index, 4);
	return a;
}

static void dhcp_take_option(struct dhcp_lease *l, u8 code, const u8 *val, u8 len)
{
	switch (code) {
	case OPT_MASK: {
		u32 host = ~be32_to_cpu(opt_addr(val, len, 0));

		if (!(host & (host + 1))) /* a mask with holes is none */
			l->mask = opt_addr(val, len, 0);
		break;
	}
	case OPT_ROUTER: l->router = opt_addr(val, len, 0); break;
	case OPT_SERVER: l->server = opt_addr(val, len, 0); break;
	case OPT_LEASE: l->seconds = be32_to_cpu(opt_addr(val, len, 0)); break;
	case OPT_DNS:
		l->dns[0] = opt_addr(val, len, 0);
		l->dns[1] = opt_addr(val, len, 1);
		break;
	case OPT_DOMAIN:
		memcpy(l->domain, val, min_t(size_t, len, sizeof(l->domain) - 1));
		l->domain[min_t(size_t, len, sizeof(l->domain) - 1)] = '\0';
		break;
	default:
		break;
	}
}

/* What the @len bytes of c->pkt say. Return: the message's type, 0 if it is not an answer to us. */
static u8 dhcp_parse(const struct dhcp_client *c, size_t len, struct dhcp_lease *l)
{
	const struct dhcp_packet *d = &c->pkt;
	u8 type = 0;

	if (len < offsetof(struct dhcp_packet, options) || d->op != BOOTREPLY ||
	    be32_to_cpu(d->xid) != c->xid || be32_to_cpu(d->magic) != DHCP_MAGIC ||
	    memcmp(d->chaddr, c->dev->dev_addr, ETH_ALEN) != 0)
		return 0;
	memset(l, 0, sizeof(*l));
	l->addr = d->yiaddr;
	size_t n = len - offsetof(struct dhcp_packet, options);

	for (size_t i = 0; i < n && d->options[i] != OPT_END;) {
		u8 code = d->options[i++];

		if (code == OPT_PAD)
			continue;
		if (i >= n || d->options[i] > n - i - 1)
			break; /* cut off: what came before stands */
		u8 olen = d->options[i++];

		if (code == OPT_TYPE && olen == 1)
			type = d->options[i];
		else
			dhcp_take_option(l, code, d->options + i, olen);
		i += olen;
	}
	return type;
}

static int dhcp_send(struct dhcp_client *c, u8 type, bool renewing)
{
	struct sockaddr_in to = {
		.sin_family = AF_INET, .sin_port = cpu_to_be16(DHCP_SERVER_PORT),
		.sin_addr = renewing ? c->lease.server : INADDR_BROADCAST,
	};
	struct msghdr msg = { .msg_name = (struct sockaddr_storage_k *)&to,
			      .msg_namelen = sizeof(to) };
	size_t len = dhcp_build(c, type, renewing);

	iov_iter_kbuf(&msg.msg_iter, true, &c->pkt, len);
	ssize_t n = c->sock->ops->sendmsg(c->sock, &msg, len);

	return n < 0 ? (int)n : 0;
}

/*
 * Wait until @deadline_ns for an answer of type @want (or a NAK). Return: its type, 0: none came.
 */
static u8 dhcp_await(struct dhcp_client *c, u8 want, u64 deadline_ns)
{
	for (;;) {
		struct msghdr msg = { .msg_flags = 0 };
		struct dhcp_lease l;
		u64 now = ktime_get_ns();

		if (now >= deadline_ns)
			return 0;
		c->sock->sk->sk_rcvtimeo_ns = (s64)(deadline_ns - now);
		iov_iter_kbuf(&msg.msg_iter, false, &c->pkt, sizeof(c->pkt));
		ssize_t n = c->sock->ops->recvmsg(c->sock, &msg, sizeof(c->pkt), 0);

		if (n < 0)
			return 0;
		u8 type = dhcp_parse(c, (size_t)n, &l);

		if (type == want && l.addr.raw) {
			c->lease = l;
			return type;
		}
		if (type == DHCPNAK && want == DHCPACK)
			return type;
	}
}

/* --- the client ---------------------------------------------------------------------------- */

static int dhcp_open(struct dhcp_client *c)
{
	struct sockaddr_in any = { .sin_family = AF_INET,
				   .sin_port = cpu_to_be16(DHCP_CLIENT_PORT) };
	int err = sock_create(AF_INET, SOCK_DGRAM, IPPROTO_UDP, &c->sock);

	if (err)
		return err;
	struct sock *sk = c->sock->sk;

	sk->sk_bound_dev_if = c->dev->ifindex;
	sk->sk_reuse = 1;
	sock_set_flag(sk, SOCK_BROADCAST);
	err = c->sock->ops->bind(c->sock, (struct sockaddr_storage_k *)&any, sizeof(any));
	if (err)
		sock_release(c->sock);
	return err;
}

static void dhcp_sleep(u64 ns)
{
	__set_current_state(TASK_UNINTERRUPTIBLE);
	schedule_timeout_ns((s64)ns);
}

/* From nothing to a lease. Tries for ever, at growing intervals. */
static void dhcp_acquire(struct dhcp_client *c)
{
	for (u64 wait = DHCP_FIRST_WAIT_NS;; wait = min_t(u64, 2 * wait, DHCP_LONGEST_WAIT_NS)) {
		u64 deadline = ktime_get_ns() + wait;

		c->xid = get_random_u32();
		if (!dhcp_send(c, DHCPDISCOVER, false) &&
		    dhcp_await(c, DHCPOFFER, deadline) == DHCPOFFER &&
		    !dhcp_send(c, DHCPREQUEST, false) &&
		    dhcp_await(c, DHCPACK, ktime_get_ns() + wait) == DHCPACK)
			return;
		u64 now = ktime_get_ns();

		if (now < deadline)
			dhcp_sleep(deadline - now);
	}
}

/*
 * Ask for the same again, from half of the lease on (RFC 2131 4.4.5). Return: false if it is over.
 */
static bool dhcp_renew(struct dhcp_client *c, u64 expires_ns)
{
	for (;;) {
		u64 now = ktime_get_ns();

		if (now >= expires_ns)
			return false;
		u64 wait = max_t(u64, (expires_ns - now) / 2, DHCP_FIRST_WAIT_NS);

		c->xid = get_random_u32();
		u8 type = dhcp_send(c, DHCPREQUEST, true)
				  ? 0
				  : dhcp_await(c, DHCPACK,
					       min_t(u64, now + 4 * NSEC_PER_SEC, expires_ns));

		if (type)
			return type == DHCPACK;
		dhcp_sleep(min(wait, expires_ns - now));
	}
}

static void dhcp_apply(const struct dhcp_client *c)
{
	const struct dhcp_lease *l = &c->lease;
	int err = configure(c->dev, l->addr, l->mask, l->router);

	if (err) {
		pr_err("%s: cannot use %pI4: error %d\n", c->dev->name, &l->addr, err);
		return;
	}
	pnp_lease = *l;
	smp_store_release(&pnp_ready, true); /* pairs with pnp_show() */
	pr_info("%s: %pI4/%d, gateway %pI4, from %pI4\n", c->dev->name, &l->addr,
		hweight32(l->mask.raw), &l->router, &l->server);
}

/*
 * Keep the lease as long as the server lets us. The socket is open on return unless *@err says why
 * not.
 */
static void dhcp_hold_lease(struct dhcp_client *c, int *err)
{
	bool ours = true;

	while (ours) {
		u64 lease_ns = (u64)c->lease.seconds * NSEC_PER_SEC, begin = ktime_get_ns();

		/* Meanwhile the port is anybody's. */
		sock_release(c->sock);
		dhcp_sleep(c->lease.seconds == U32_MAX || !lease_ns ? (u64)MAX_SCHEDULE_TIMEOUT
								    : lease_ns / 2);
		*err = dhcp_open(c);
		ours = !*err && dhcp_renew(c, begin + lease_ns);
	}
	unconfigure(c->dev);
}

static int dhcp_thread(void *arg)
{
	struct dhcp_client *c = arg;

	rtnl_lock();
	int err = dev_open(c->dev);

	rtnl_unlock();
	if (!err)
		err = dhcp_open(c);
	while (!err) {
		dhcp_acquire(c);
		dhcp_apply(c);
		dhcp_hold_lease(c, &err);
	}
	pr_err("%s: no DHCP: error %d\n", c->dev->name, err);
	while (err) /* a kernel thread does not end */
		dhcp_sleep((u64)MAX_SCHEDULE_TIMEOUT);
	return err;
}

/* --- boot ---------------------------------------------------------------------------------- */

static void find_boot_dev(struct net_device *dev, __unused void *arg)
{
	if (!boot_dev && dev->type == ARPHRD_ETHER)
		boot_dev = dev;
}

/* A dotted quad at *@s, which moves behind it. */
static bool parse_ip(const char **s, be32 *addr)
{
	u32 a = 0;

	for (int i = 0; i < 4; i++) {
		u32 byte = 0;
		int digits = 0;

		for (; **s >= '0' && **s <= '9' && digits < 3; (*s)++, digits++)
			byte = byte * 10 + (u32)(**s - '0');
		if (!digits || byte > 255 || (i < 3 && *(*s)++ != '.'))
			return false;
		a = a << 8 | byte;
	}
	*addr = cpu_to_be32(a);
	return true;
}

/* ADDRESS/LENGTH[:GATEWAY] */
static bool parse_static(const char *s, be32 *addr, be32 *mask, be32 *gateway)
{
	u32 len = 0;

	*gateway = INADDR_ANY;
	if (!parse_ip(&s, addr) || *s++ != '/')
		return false;
	for (; *s >= '0' && *s <= '9' && len <= 32; s++)
		len = len * 10 + (u32)(*s - '0');
	if (!len || len > 32)
		return false;
	*mask = cpu_to_be32(U32_MAX << (32 - len));
	if (!*s)
		return true;
	return *s++ == ':' && parse_ip(&s, gateway) && !*s;
}

static void loopback_up(void)
{
	if (configure(loopback_dev, INADDR_LOOPBACK, cpu_to_be32(0xff000000), INADDR_ANY))
		pr_err("lo: cannot be configured\n");
}

void ip_auto_config(void)
{
	char text[64] = "dhcp";
	be32 addr, mask, gateway;

	loopback_up();
	proc_create_single("net/pnp", pnp_show, NULL);
	cmdline_get("ip", text, sizeof(text));
	rtnl_lock();
	for_each_netdev(find_boot_dev, NULL);
	rtnl_unlock();
	if (!boot_dev || !strcmp(text, "off") || !strcmp(text, "none"))
		return;
	if (!strcmp(text, "dhcp") || !strcmp(text, "on") || !text[0]) {
		dhcp = kzalloc(sizeof(*dhcp), GFP_KERNEL);
		if (dhcp)
			dhcp->dev = boot_dev;
		if (!dhcp || IS_ERR(kthread_run(dhcp_thread, dhcp, -1, "dhcp")))
			pr_err("no DHCP: out of memory\n");
		return;
	}
	if (!parse_static(text, &addr, &mask, &gateway))
		pr_err("ip=%s is neither dhcp, off nor ADDRESS/LENGTH[:GATEWAY]\n", text);
	else if (configure(boot_dev, addr, mask, gateway))
		pr_err("%s: cannot use ip=%s\n", boot_dev->name, text);
}

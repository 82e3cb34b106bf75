/*
 * net/ipv4/inet_hashtables.c - the tables that say which socket a segment belongs to, and which ports are in
 * use.
 *
 * Linux:   net/ipv4/inet_hashtables.c (6.1)
 * Same:    connections hashed by all four numbers, listeners by port and chosen by score; connect() walks the
 *          port range from an offset that depends on the destination (RFC 6056, algorithm 4) and prefers even
 *          ports.
 * Differs: 1. a look-up takes the bucket's lock and a reference, where Linux uses RCU. 2. the tables hold a
 *             reference to what is in them. 3. one bind table, by port alone.
 * Locks:   EHASH, BHASH (outside EHASH).
 * Walk:    tcp_v4_rcv() -> __inet_lookup_skb() -> __inet_lookup_established(), __inet_lookup_listener().
 */
#include "kernel/random.h"
#include "net/ipv4/tcp.h"

struct inet_hashinfo tcp_hashinfo;

/* RFC 6056 3.3.4: one counter per group of destinations. */
enum { INET_TABLE_PERTURB = 256 };
static u32 table_perturb[INET_TABLE_PERTURB];	/* racy on purpose: a lost increment costs nothing */

void inet_hashinfo_init(void)
{
	struct inet_hashinfo *h = &tcp_hashinfo;
	u64 want = totalram_pages() / 4;	/* one bucket for 16 KiB of memory */
	u32 size = 512;

	while (size < want && size < 65536)
		size <<= 1;
	h->ehash = kmalloc(size * sizeof(*h->ehash), GFP_KERNEL);
	h->bhash = kmalloc(INET_BHTABLE_SIZE * sizeof(*h->bhash), GFP_KERNEL);
	if (!h->ehash || !h->bhash)
		panic("TCP: no memory for the connection table");
	h->ehash_mask = size - 1;
	for (u32 i = 0; i < size; i++) {
		spin_lock_init(&h->ehash[i].lock, LC_EHASH);
		h->ehash[i].chain.first = NULL;
	}
	for (int i = 0; i < INET_BHTABLE_SIZE; i++) {
		spin_lock_init(&h->bhash[i].lock, LC_BHASH);
		h->bhash[i].chain.first = NULL;
	}
	for (int i = 0; i < INET_LHTABLE_SIZE; i++) {
		spin_lock_init(&h->lhash[i].lock, LC_EHASH);
		h->lhash[i].chain.first = NULL;
	}
	h->bind_bucket_cachep = kmem_cache_create("tcp_bind_bucket", sizeof(struct inet_bind_bucket), 0);
	get_random_bytes(h->secret, sizeof(h->secret));
	get_random_bytes(&h->port_secret, sizeof(h->port_secret));
	get_random_bytes(table_perturb, sizeof(table_perturb));
}

/* Two multiplications keyed by a secret: peers choose three of the four numbers, but cannot see the bucket. */
u32 inet_ehashfn(be32 laddr, u16 lport, be32 faddr, be16 fport)
{
	u64 a = ((u64)laddr.raw << 32 | faddr.raw) ^ tcp_hashinfo.secret[0];
	u64 b = ((u64)lport << 16 | fport.raw) ^ tcp_hashinfo.secret[1];

	a *= 0x9E3779B97F4A7C15ULL;
	a ^= a >> 32;
	a = (a + b) * 0xD6E8FEB86659FD93ULL;
	return (u32)(a >> 32);
}

static u32 sk_ehashfn(const struct sock *sk)
{
	return inet_ehashfn(sk->sk_rcv_saddr, sk->sk_num, sk->sk_daddr, sk->sk_dport);
}

/* Is @sk the connection of @t? Any of the three kinds of record. */
static bool inet_match(const struct sock *sk, const struct inet_tuple *t)
{
	return be32_eq(sk->sk_daddr, t->saddr) && be32_eq(sk->sk_rcv_saddr, t->daddr) &&
	       be16_eq(sk->sk_dport, t->sport) && sk->sk_num == t->hnum &&
	       (!sk->sk_bound_dev_if || sk->sk_bound_dev_if == t->dif);
}

struct sock *__inet_lookup_established(const struct inet_tuple *t)
{
	struct inet_ehash_bucket *head = inet_ehash_bucket(inet_ehashfn(t->daddr, t->hnum, t->saddr, t->sport));
	struct sock *sk;

	spin_lock(&head->lock);
	hlist_for_each_entry(sk, &head->chain, skc_node) {
		if (inet_match(sk, t)) {
			sock_hold(sk);
			break;
		}
	}
	spin_unlock(&head->lock);
	return sk;
}

/* How well a listener fits; 0: not at all. Linux: the same function. */
static int compute_score(const struct sock *sk, const struct inet_tuple *t)
{
	if (sk->sk_num != t->hnum)
		return 0;
	if (sk->sk_rcv_saddr.raw && !be32_eq(sk->sk_rcv_saddr, t->daddr))
		return 0;
	if (sk->sk_bound_dev_if && sk->sk_bound_dev_if != t->dif)
		return 0;
	return 1 + 2 * (sk->sk_rcv_saddr.raw != 0) + (sk->sk_bound_dev_if != 0);
}

/*
 * Among listeners that share a port by SO_REUSEPORT and fit equally well, the connection's hash decides: each
 * of n gets one n-th, and a SYN sent again meets the same one.
 */
struct sock *__inet_lookup_listener(const struct inet_tuple *t)
{
	struct inet_ehash_bucket *head = &tcp_hashinfo.lhash[t->hnum & (INET_LHTABLE_SIZE - 1)];
	struct sock *sk, *best = NULL;
	int hiscore = 0;
	u32 matches = 0, phash = 0;

	spin_lock(&head->lock);
	hlist_for_each_entry(sk, &head->chain, skc_node) {
		int score = compute_score(sk, t);

		if (score > hiscore) {
			best = sk;
			hiscore = score;
			matches = 1;
			if (sk->sk_reuseport)
				phash = inet_ehashfn(t->daddr, t->hnum, t->saddr, t->sport);
		} else if (score == hiscore && best && sk->sk_reuseport) {
			matches++;
			if ((u32)((u64)phash * matches >> 32) == 0)
				best = sk;
			phash = phash * 1664525U + 1013904223U;
		}
	}
	if (best)
		sock_hold(best);
	spin_unlock(&head->lock);
	return best;
}

struct sock *__inet_lookup_skb(const struct sk_buff *skb, be16 sport, be16 dport)
{
	const struct iphdr *iph = ip_hdr(skb);
	struct inet_tuple t = { iph->saddr, iph->daddr, sport, be16_to_cpu(dport), skb->dev->ifindex };
	struct sock *sk = __inet_lookup_established(&t);

	return sk ? sk : __inet_lookup_listener(&t);
}

/* The other record in @head with @sk's four numbers, or NULL. Locks: head->lock. */
static struct sock *inet_ehash_find_dup(struct inet_ehash_bucket *head, const struct sock *sk)
{
	struct sock *sk2;

	assert_held(&head->lock);
	hlist_for_each_entry(sk2, &head->chain, skc_node) {
		if (sk2->skc_hash == sk->skc_hash && be32_eq(sk2->sk_daddr, sk->sk_daddr) &&
		    be32_eq(sk2->sk_rcv_saddr, sk->sk_rcv_saddr) && be16_eq(sk2->sk_dport, sk->sk_dport) &&
		    sk2->sk_num == sk->sk_num && sk2->sk_bound_dev_if == sk->sk_bound_dev_if)
			return sk2;
	}
	return NULL;
}

/* An entry of ehash leaves while others may still hold references: never the last one. */
static void ehash_put(struct sock *sk)
{
	if (sk->sk_state == TCP_NEW_SYN_RECV)
		reqsk_put(inet_reqsk(sk));
	else if (sk->sk_state == TCP_TIME_WAIT)
		inet_twsk_put(inet_twsk(sk));
	else
		sock_put(sk);
}

bool inet_ehash_nolisten(struct sock *sk, struct sock *osk)
{
	struct inet_ehash_bucket *head;
	bool ok;

	sk->skc_hash = sk_ehashfn(sk);
	head = inet_ehash_bucket(sk->skc_hash);
	spin_lock_bh(&head->lock);
	ok = osk ? !hlist_unhashed(&osk->skc_node) : !inet_ehash_find_dup(head, sk);
	if (ok) {
		if (osk)
			hlist_del_init(&osk->skc_node);
		sock_hold(sk);
		hlist_add_head(&sk->skc_node, &head->chain);
	}
	spin_unlock_bh(&head->lock);
	if (ok && osk)
		ehash_put(osk);
	return ok;
}

/* The bucket that @sk is in, or belongs in. */
static struct inet_ehash_bucket *inet_bucket_of(const struct sock *sk)
{
	return sk->sk_state == TCP_LISTEN ? &tcp_hashinfo.lhash[sk->sk_num & (INET_LHTABLE_SIZE - 1)]
					  : inet_ehash_bucket(sk->skc_hash);
}

int inet_hash(struct sock *sk)
{
	struct inet_ehash_bucket *head;

	if (sk->sk_state == TCP_CLOSE)
		return 0;
	if (sk->sk_state != TCP_LISTEN)
		return inet_ehash_nolisten(sk, NULL) ? 0 : -EADDRNOTAVAIL;
	head = inet_bucket_of(sk);
	spin_lock_bh(&head->lock);
	sock_hold(sk);
	hlist_add_head(&sk->skc_node, &head->chain);
	spin_unlock_bh(&head->lock);
	return 0;
}

void inet_unhash(struct sock *sk)
{
	struct inet_ehash_bucket *head;
	bool was_hashed;

	if (hlist_unhashed(&sk->skc_node))
		return;
	head = inet_bucket_of(sk);
	spin_lock_bh(&head->lock);
	was_hashed = !hlist_unhashed(&sk->skc_node);
	hlist_del_init(&sk->skc_node);
	spin_unlock_bh(&head->lock);
	if (was_hashed)
		sock_put(sk);
}

struct inet_bind_bucket *inet_bind_bucket_find(struct inet_bind_hashbucket *head, u16 port)
{
	struct inet_bind_bucket *tb;

	assert_held(&head->lock);
	hlist_for_each_entry(tb, &head->chain, node) {
		if (tb->port == port)
			return tb;
	}
	return NULL;
}

struct inet_bind_bucket *inet_bind_bucket_create(struct inet_bind_hashbucket *head, u16 port)
{
	struct inet_bind_bucket *tb = kmem_cache_alloc(tcp_hashinfo.bind_bucket_cachep, GFP_ATOMIC);

	assert_held(&head->lock);
	if (!tb)
		return NULL;
	tb->port = port;
	tb->by_connect = false;
	tb->owners.first = NULL;
	hlist_add_head(&tb->node, &head->chain);
	return tb;
}

void inet_bind_bucket_destroy_if_empty(struct inet_bind_bucket *tb)
{
	if (!hlist_empty(&tb->owners))
		return;
	hlist_del_init(&tb->node);
	kmem_cache_free(tcp_hashinfo.bind_bucket_cachep, tb);
}

void inet_bind_hash(struct sock *sk, struct inet_bind_bucket *tb, u16 port)
{
	sk->sk_num = port;
	hlist_add_head(&sk->skc_bind_node, &tb->owners);
	sk->icsk_bind_hash = tb;
}

void inet_put_port(struct sock *sk)
{
	struct inet_bind_hashbucket *head = inet_bhash_bucket(sk->sk_num);
	struct inet_bind_bucket *tb;

	spin_lock_bh(&head->lock);
	tb = sk->icsk_bind_hash;
	if (tb) {
		hlist_del_init(&sk->skc_bind_node);
		sk->icsk_bind_hash = NULL;
		inet_bind_bucket_destroy_if_empty(tb);
	}
	spin_unlock_bh(&head->lock);
	if (sk->sk_state != TCP_TIME_WAIT)
		sk->sk_num = 0;
}

int __inet_inherit_port(const struct sock *sk, struct sock *child)
{
	struct inet_bind_hashbucket *head = inet_bhash_bucket(child->sk_num);
	struct inet_bind_bucket *tb;

	spin_lock_bh(&head->lock);
	tb = sk->icsk_bind_hash;	/* NULL: the listener was closed meanwhile */
	if (tb)
		inet_bind_hash(child, tb, child->sk_num);
	spin_unlock_bh(&head->lock);
	return tb ? 0 : -ENOENT;
}

/*
 * __inet_check_established - may @sk be the connection from local port @lport to its peer? If so it is put into
 * ehash. A TIME_WAIT record may have to go (tcp_twsk_unique() decides): then it is *@twp, out of ehash, its
 * reference ours.
 */
static int __inet_check_established(struct sock *sk, u16 lport, struct inet_timewait_sock **twp)
{
	struct inet_ehash_bucket *head;
	struct sock *sk2;
	u16 old_num = sk->sk_num;
	int err = 0;

	sk->sk_num = lport;
	sk->skc_hash = sk_ehashfn(sk);
	head = inet_ehash_bucket(sk->skc_hash);
	spin_lock(&head->lock);
	sk2 = inet_ehash_find_dup(head, sk);
	if (sk2 && sk2->sk_state == TCP_TIME_WAIT && tcp_twsk_unique(sk, sk2)) {
		hlist_del_init(&sk2->skc_node);
		*twp = inet_twsk(sk2);
	} else if (sk2) {
		err = -EADDRNOTAVAIL;
		sk->sk_num = old_num;
	}
	if (!err) {
		inet_sk(sk)->inet_sport = cpu_to_be16(lport);
		sock_hold(sk);
		hlist_add_head(&sk->skc_node, &head->chain);
	}
	spin_unlock(&head->lock);
	return err;
}

/* connect() on a port that bind() chose. */
static int inet_hash_connect_bound(struct sock *sk)
{
	struct inet_bind_hashbucket *head = inet_bhash_bucket(sk->sk_num);
	struct inet_timewait_sock *tw = NULL;
	int err;

	spin_lock_bh(&head->lock);
	err = __inet_check_established(sk, sk->sk_num, &tw);
	spin_unlock_bh(&head->lock);
	if (tw)
		inet_twsk_deschedule_put(tw);
	return err;
}

/* Try one port. 0: it is ours; -EADDRNOTAVAIL: try another; -ENOMEM. */
static int inet_try_port(struct sock *sk, u16 port)
{
	struct inet_bind_hashbucket *head = inet_bhash_bucket(port);
	struct inet_timewait_sock *tw = NULL;
	struct inet_bind_bucket *tb;
	int err = -EADDRNOTAVAIL;

	spin_lock_bh(&head->lock);
	tb = inet_bind_bucket_find(head, port);
	if (tb && !tb->by_connect)
		goto out_unlock;	/* bind() chose it: not for sharing */
	if (!tb) {
		err = -ENOMEM;
		tb = inet_bind_bucket_create(head, port);
		if (!tb)
			goto out_unlock;
		tb->by_connect = true;
	}
	err = __inet_check_established(sk, port, &tw);
	if (err)
		inet_bind_bucket_destroy_if_empty(tb);
	else
		inet_bind_hash(sk, tb, port);
out_unlock:
	spin_unlock_bh(&head->lock);
	if (tw)
		inet_twsk_deschedule_put(tw);
	return err;
}

/* RFC 6056 3.3.4: where in the range to begin, for this source, destination and destination port. */
static u64 inet_sk_port_offset(const struct sock *sk)
{
	struct {
		be32 saddr, daddr;
		be16 dport;
	} __packed key = { inet_sk(sk)->inet_saddr, sk->sk_daddr, sk->sk_dport };

	return siphash(&key, sizeof(key), &tcp_hashinfo.port_secret);
}

int inet_hash_connect(struct sock *sk)
{
	u32 low = (u32)sysctl_ip_local_port_range[0];
	u32 remaining = ((u32)sysctl_ip_local_port_range[1] + 1 - low) & ~1U;
	u64 port_offset;
	u32 *perturb, offset;

	if (sk->sk_num)
		return inet_hash_connect_bound(sk);
	if (remaining < 2)
		remaining = 1;
	port_offset = inet_sk_port_offset(sk);
	perturb = &table_perturb[port_offset % INET_TABLE_PERTURB];
	offset = (u32)((READ_ONCE(*perturb) + (port_offset >> 32)) % remaining) & ~1U;
	/* Even ports first: bind() prefers odd ones. */
	for (u32 parity = 0; parity < 2; parity++) {
		for (u32 i = 0; i < remaining; i += 2) {
			int err = inet_try_port(sk, (u16)(low + (offset + parity + i) % remaining));

			if (err != -EADDRNOTAVAIL) {
				WRITE_ONCE(*perturb, *perturb + i + 2);
				return err;
			}
		}
	}
	return -EADDRNOTAVAIL;
}

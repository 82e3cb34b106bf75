/*
 * net/ipv4/ip_fragment.c - datagrams put together again from their fragments.
 *
 * Linux:   net/ipv4/ip_fragment.c, inet_fragment.c (6.1)
 * Same:    key of source, destination, id and protocol; 30 seconds; a limit on memory; a fragment
 *          that overlaps another ends the whole datagram (RFC 5722's rule, applied to IPv4 as Linux
 *          does), an exact duplicate is only dropped.
 * Differs: 1. the fragments are copied into one new packet: skbs have no list of skbs here.
 *          2. above the memory limit new datagrams are refused; nothing is evicted.
 * Locks:   IPFRAG.
 * Walk:    ip_local_deliver() -> ip_defrag().
 */
#include "kernel/hash.h"
#include "kernel/random.h"
#include "kernel/string.h"
#include "net/ipv4/ip.h"

enum { FRAG_BITS = 6, FRAG_HIGH_THRESH = 4 << 20, FRAG_MAX_DATAGRAM = 65535 };
#define FRAG_TIMEOUT_NS (30 * NSEC_PER_SEC)

struct ipq {
	/* immutable */
	be32 saddr, daddr;
	be16 id;
	u8 protocol;
	u32 hash;
	/* IPFRAG */
	struct hlist_node link;
	struct sk_buff *frags;		/* by offset, chained by ->next */
	/* of the whole payload; 0: the last fragment has not come */
	u32 len;
	u32 meat;			/* payload bytes here */
	long mem;
	/* atomic */
	struct timer_list timer;
	refcount_t refs;		/* one for the table, one while the timer is armed */
};
struct frag_cb { struct inet_skb_parm parm; u32 offset; u32 len; };
#define FRAG_CB(skb) ((struct frag_cb *)(skb)->cb)

static DEFINE_SPINLOCK(frag_lock, LC_IPFRAG);
/* IPFRAG */
static struct hlist_head frag_table[1 << FRAG_BITS];
static int nr_ipq;
static long frag_mem;
static siphash_key_t frag_key;
static struct kmem_cache *ipq_cache;

static void ipq_put(struct ipq *q)
{
	if (refcount_dec_and_test(&q->refs))
		kmem_cache_free(ipq_cache, q);
}

/* Out of the table; its fragments become the caller's. Locks: IPFRAG held. */
static struct sk_buff *ipq_unlink(struct ipq *q)
{
	struct sk_buff *frags = q->frags;

	hlist_del_init(&q->link);
	nr_ipq--;
	frag_mem -= q->mem;
	q->frags = NULL;
	if (del_timer(&q->timer))
		ipq_put(q);
	ipq_put(q);
	return frags;
}

static void free_frags(struct sk_buff *skb, bool reassembled)
{
	while (skb) {
		struct sk_buff *next = skb->next;

		skb->next = NULL;
		if (reassembled)
			consume_skb(skb);
		else
			kfree_skb(skb, SKB_DROP_REASON_IP_FRAG);
		skb = next;
	}
}

static void ipq_expire(struct timer_list *timer)
{
	struct ipq *q = container_of(timer, struct ipq, timer);
	struct sk_buff *frags = NULL;

	spin_lock_bh(&frag_lock);
	if (!hlist_unhashed(&q->link))
		frags = ipq_unlink(q);
	spin_unlock_bh(&frag_lock);
	if (frags) {
		SNMP_INC(IP_REASMTIMEOUT);
		SNMP_INC(IP_REASMFAILS);
		/* RFC 1122 3.3.2: only if the first fragment came; icmp_send() quotes no other. */
		icmp_send(frags, ICMP_TIME_EXCEEDED, ICMP_EXC_FRAGTIME, 0);
		free_frags(frags, false);
	}
	ipq_put(q);
}

static struct ipq *ipq_find_or_create(const struct iphdr *iph)
{
	struct {
		be32 saddr, daddr;
		be16 id;
		u8 protocol, zero;
	} key = { iph->saddr, iph->daddr, iph->id, iph->protocol, 0 };
	u32 hash = (u32)siphash(&key, sizeof(key), &frag_key);
	struct hlist_head *bucket = &frag_table[hash & ((1 << FRAG_BITS) - 1)];
	struct ipq *q;

	assert_held(&frag_lock);
	hlist_for_each_entry(q, bucket,
			     link) if (q->hash == hash && be32_eq(q->saddr, iph->saddr) &&
				       be32_eq(q->daddr, iph->daddr) && be16_eq(q->id, iph->id) &&
				       q->protocol == iph->protocol) return q;
	if (frag_mem >= FRAG_HIGH_THRESH)
		return NULL;
	q = kmem_cache_zalloc(ipq_cache, GFP_ATOMIC);
	if (!q)
		return NULL;
	q->saddr = iph->saddr;
	q->daddr = iph->daddr;
	q->id = iph->id;
	q->protocol = iph->protocol;
	q->hash = hash;
	timer_setup(&q->timer, ipq_expire);
	refcount_set(&q->refs, 2);
	mod_timer(&q->timer, ktime_get_ns() + FRAG_TIMEOUT_NS);
	hlist_add_head(&q->link, bucket);
	nr_ipq++;
	return q;
}

enum frag_verdict { FRAG_QUEUED, FRAG_DUPLICATE, FRAG_BAD };

/* Does the end that this fragment shows agree with what is known of the whole? */
static bool ipq_end_ok(struct ipq *q, u32 end, bool last)
{
	const struct sk_buff *f = q->frags;

	if (!last)
		return !q->len || end <= q->len;
	if (q->len && q->len != end)
		return false;
	for (; f; f = f->next)
		if (FRAG_CB(f)->offset + FRAG_CB(f)->len > end)
			return false;
	q->len = end;
	return true;
}

/* Put @skb, whose data is its payload, in its place. Locks: IPFRAG held. */
static enum frag_verdict ipq_insert(struct ipq *q, struct sk_buff *skb, u32 offset, bool last)
{
	struct sk_buff **at = &q->frags;
	u32 end = offset + skb->len;

	if (!ipq_end_ok(q, end, last))
		return FRAG_BAD;
	while (*at && FRAG_CB(*at)->offset + FRAG_CB(*at)->len <= offset)
		at = &(*at)->next;
	struct sk_buff *next = *at;

	if (next && FRAG_CB(next)->offset == offset && FRAG_CB(next)->len == skb->len)
		return FRAG_DUPLICATE;
	if (next && FRAG_CB(next)->offset < end)
		return FRAG_BAD;
	FRAG_CB(skb)->offset = offset;
	FRAG_CB(skb)->len = skb->len;
	skb->next = next;
	*at = skb;
	q->meat += skb->len;
	q->mem += (long)skb->truesize;
	frag_mem += (long)skb->truesize;
	return FRAG_QUEUED;
}

/* The whole from its parts, which stay the caller's. NULL: out of memory. */
static struct sk_buff *ip_frag_reasm(const struct sk_buff *frags, u32 len, struct net_device *dev)
{
	const struct iphdr *first = ip_hdr(frags);
	u32 hlen = iph_hdrlen(first);
	struct sk_buff *skb = alloc_skb_with_frags(MAX_HEADER, hlen + len, GFP_ATOMIC);

	if (!skb)
		return NULL;
	skb_reset_network_header(skb);
	memcpy(skb->data, first, hlen);
	for (const struct sk_buff *f = frags; f; f = f->next) {
		for (u32 done = 0; done < f->len;) {
			u8 buf[256];
			u32 n = min_t(u32, f->len - done, sizeof(buf));

			if (skb_copy_bits(f, done, buf, n) ||
			    skb_store_bits(skb, hlen + FRAG_CB(f)->offset + done, buf, n))
				BUG();
			done += n;
		}
	}
	struct iphdr *iph = ip_hdr(skb);

	iph->tot_len = cpu_to_be16((u16)(hlen + len));
	iph->frag_off = cpu_to_be16(0);
	iph->check = 0;
	iph->check = ip_fast_csum(iph, hlen / 4);
	skb->dev = dev;
	skb->protocol = frags->protocol;
	skb->pkt_type = frags->pkt_type;
	skb->id = frags->id;
	*IPCB(skb) = *IPCB(frags);
	return skb;
}

/* Are all bytes here? Then the fragments, else NULL. Locks: IPFRAG held. */
static struct sk_buff *ipq_take_if_complete(struct ipq *q, u32 *len)
{
	if (!q->len || q->meat != q->len)
		return NULL;
	*len = q->len;
	return ipq_unlink(q);
}

/* Queue the fragment. Return: all of them if it was the missing one. Takes the skb. */
static struct sk_buff *ip_frag_queue(struct sk_buff *skb, const struct iphdr *iph, u32 offset,
				     bool more, u32 *len)
{
	struct sk_buff *whole = NULL, *dead = NULL;
	enum frag_verdict verdict = FRAG_DUPLICATE;

	spin_lock_bh(&frag_lock);
	struct ipq *q = ipq_find_or_create(iph);

	if (q) {
		verdict = ipq_insert(q, skb, offset, !more);
		if (verdict == FRAG_QUEUED)
			whole = ipq_take_if_complete(q, len);
		else if (verdict == FRAG_BAD)
			dead = ipq_unlink(q);
	}
	spin_unlock_bh(&frag_lock);
	if (verdict != FRAG_QUEUED) {
		SNMP_INC(IP_REASMFAILS);
		kfree_skb(skb, SKB_DROP_REASON_IP_FRAG);
		free_frags(dead, false);
	}
	return whole;
}

struct sk_buff *ip_defrag(struct sk_buff *skb)
{
	const struct iphdr *iph = ip_hdr(skb);
	u32 hlen = iph_hdrlen(iph), frag = be16_to_cpu(iph->frag_off), len = 0;
	u32 offset = (frag & IP_OFFSET) << 3;
	bool more = frag & IP_MF;
	struct net_device *dev = skb->dev;

	skb->dev = NULL;	/* a fragment that waits must not keep its device */
	SNMP_INC(IP_REASMREQDS);
	if (skb->rt) {
		rt_put(skb->rt);
		skb->rt = NULL;
	}
	/*
	 * The header stays in front of the data, for the reassembled packet and for an ICMP error.
	 */
	skb_pull(skb, hlen);
	if ((more && (skb->len & 7)) || !skb->len || hlen + offset + skb->len > FRAG_MAX_DATAGRAM) {
		SNMP_INC(IP_REASMFAILS);
		kfree_skb(skb, SKB_DROP_REASON_IP_FRAG);
		return NULL;
	}
	struct sk_buff *frags = ip_frag_queue(skb, iph, offset, more, &len);

	if (!frags)
		return NULL;
	struct sk_buff *whole = ip_frag_reasm(frags, len, dev);

	free_frags(frags, whole != NULL);
	if (whole)
		SNMP_INC(IP_REASMOKS);
	else
		SNMP_INC(IP_REASMFAILS);
	return whole;
}

void ip_frag_stats(int *nr, long *mem)
{
	*nr = READ_ONCE(nr_ipq);
	*mem = READ_ONCE(frag_mem);
}

void ipfrag_init(void)
{
	get_random_bytes(&frag_key, sizeof(frag_key));
	ipq_cache = kmem_cache_create("ipq", sizeof(struct ipq), 64);
}

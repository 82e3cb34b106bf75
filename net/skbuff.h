/*
 * net/skbuff.h - the packet: one buffer that travels from the driver to the socket, and back.
 *
 * Linux:   include/linux/skbuff.h (6.1)
 * Same:    head, data, tail and end; page fragments; skb_push() and skb_pull() as layers come and
 *          go; clones share the data; queues of packets.
 * Differs: 1. no frag_list, no shared skbs (users is always 1: a clone is the way to have two).
 *          2. every skb has a number, so that traces can name it. 3. kfree_skb() wants a reason.
 * Locks:   SKQUEUE for queues; none for an skb: who holds the pointer owns it.
 * Walk:    virtnet_receive() makes it, tcp_recvmsg() consumes it.
 *
 *   head          data                    tail           end
 *    |  headroom   |   linear data (len - data_len)  | tailroom | skb_shared_info: frags[] |
 *
 * len counts linear data and fragments. Ownership: it ends in consume_skb() (it did its job) or
 * kfree_skb(skb, reason), nowhere else.
 */
#pragma once
#include "kernel/err.h"
#include "kernel/list.h"
#include "kernel/mm.h"
#include "kernel/spinlock.h"
#include "net/drop_reason.h"

struct sock;
struct net_device;
struct rtable;
struct iov_iter;

#define MAX_SKB_FRAGS 17
typedef struct { struct page *page; u32 off; u32 size; } skb_frag_t;
struct skb_shared_info {
	atomic_t dataref;	/* skbs that share head */
	u8 nr_frags;
	u16 gso_size, gso_segs;	/* 0: not a super-packet */
	u8 gso_type;		/* SKB_GSO_* */
	skb_frag_t frags[MAX_SKB_FRAGS];
};
enum { SKB_GSO_TCPV4 = 1, SKB_GSO_DODGY = 2 };
/*
 * ip_summed. In: NONE: software checks; UNNECESSARY: verified; COMPLETE unused. Out: PARTIAL:
 * device (or skb_checksum_help) completes from csum_start at csum_offset.
 */
enum { CHECKSUM_NONE, CHECKSUM_UNNECESSARY, CHECKSUM_COMPLETE, CHECKSUM_PARTIAL };
enum {
	PACKET_HOST,
	PACKET_BROADCAST,
	PACKET_MULTICAST,
	PACKET_OTHERHOST,
	PACKET_OUTGOING,
	PACKET_LOOPBACK
};

struct sk_buff {
	/*
	 * queue links; SKQUEUE of the queue it is in, or an rb node in TCP's out-of-order and
	 * retransmit trees
	 */
	union {
		struct { struct sk_buff *next, *prev; };
		struct rb_node rbnode;
		struct list_head list;
	};
	/* the owner's */
	struct sock *sk;
	struct net_device *dev;
	char cb[48] __aligned(8);	/* the current layer's scratch: TCP_SKB_CB() ... */
	void (*destructor)(struct sk_buff *skb);	/* gives memory accounting back to sk */
	struct rtable *rt;		/* a reference, or NULL */
	u32 len, data_len;
	u32 truesize;			/* memory it holds, for accounting */
	u32 id;				/* for traces */
	u16 csum_start, csum_offset;	/* from head; from csum_start */
	be16 protocol;			/* ETH_P_* */
	u16 mac_header, network_header, transport_header;	/* from head */
	u8 ip_summed, pkt_type;
	u8 cloned : 1, fclone_unused : 1, peeked : 1, nohdr : 1;
	u64 tstamp_ns;
	unsigned char *head, *data, *tail, *end;
};

struct sk_buff_head {
	struct sk_buff *next, *prev;	/* layout of the first words as in sk_buff */
	u32 qlen;
	spinlock_t lock;
};

static inline struct skb_shared_info *skb_shinfo(const struct sk_buff *skb)
{
	return (struct skb_shared_info *)skb->end;
}
static inline u32 skb_headlen(const struct sk_buff *skb) { return skb->len - skb->data_len; }
static inline u32 skb_headroom(const struct sk_buff *skb) { return (u32)(skb->data - skb->head); }
static inline u32 skb_tailroom(const struct sk_buff *skb)
{
	return skb->data_len ? 0 : (u32)(skb->end - skb->tail);
}
static inline bool skb_is_nonlinear(const struct sk_buff *skb) { return skb->data_len; }
static inline bool skb_is_gso(const struct sk_buff *skb) { return skb_shinfo(skb)->gso_size; }
static inline bool skb_cloned(const struct sk_buff *skb)
{
	return skb->cloned && atomic_read(&skb_shinfo(skb)->dataref) != 1;
}
static inline void skb_reset_mac_header(struct sk_buff *skb)
{
	skb->mac_header = (u16)(skb->data - skb->head);
}
static inline void skb_reset_network_header(struct sk_buff *skb)
{
	skb->network_header = (u16)(skb->data - skb->head);
}
static inline void skb_reset_transport_header(struct sk_buff *skb)
{
	skb->transport_header = (u16)(skb->data - skb->head);
}
static inline void skb_set_transport_header(struct sk_buff *skb, int off)
{
	skb->transport_header = (u16)(skb->data - skb->head + off);
}
static inline unsigned char *skb_mac_header(const struct sk_buff *skb)
{
	return skb->head + skb->mac_header;
}
static inline unsigned char *skb_network_header(const struct sk_buff *skb)
{
	return skb->head + skb->network_header;
}
static inline unsigned char *skb_transport_header(const struct sk_buff *skb)
{
	return skb->head + skb->transport_header;
}
static inline int skb_transport_offset(const struct sk_buff *skb)
{
	return (int)(skb_transport_header(skb) - skb->data);
}

/*
 * alloc_skb - @size bytes of linear room, empty, one owner. NULL when out of memory. Context: any
 * with GFP_ATOMIC.
 */
struct sk_buff *alloc_skb(u32 size, gfp_t gfp) __must_check;
/*
 * build_skb_pages etc.: netdev_alloc_skb - room for @len received bytes with headroom, aligned so
 * that the IP header is at a multiple of 4.
 */
struct sk_buff *netdev_alloc_skb(struct net_device *dev, u32 len) __must_check;
/*
 * alloc_skb_with_frags - @headroom reserved, then @len bytes already counted in skb->len: linear
 * while they fit one small head, the rest in pages. Content undefined.
 */
struct sk_buff *alloc_skb_with_frags(u32 headroom, u32 len, gfp_t gfp) __must_check;
/*
 * kfree_skb - it died of @reason (counted, traced). consume_skb - it did its job. NULL is nothing.
 * Context: any. Takes the skb.
 */
void kfree_skb(struct sk_buff *skb, enum skb_drop_reason reason);
void consume_skb(struct sk_buff *skb);
/*
 * skb_clone - a second skb over the same data (read only for both), same id, without sk and rt.
 * skb_copy - private linear copy. pskb_copy - private header, shared frags. NULL: out of memory.
 */
struct sk_buff *skb_clone(struct sk_buff *skb, gfp_t gfp) __must_check;
struct sk_buff *skb_copy(const struct sk_buff *skb, gfp_t gfp) __must_check;
struct sk_buff *pskb_copy(struct sk_buff *skb, gfp_t gfp) __must_check;
/*
 * skb_cow_head - the headers become writable with @headroom bytes in front. 0 or -ENOMEM. Pointers
 * into the skb move.
 */
int __must_check skb_cow_head(struct sk_buff *skb, u32 headroom);
/*
 * skb_put - @len more at the tail; skb_push - in front; skb_pull - off the front (NULL: shorter
 * than that, unchanged). ASSERT that the room is there.
 */
static inline void *skb_put(struct sk_buff *skb, u32 len)
{
	unsigned char *p = skb->tail;

	skb->tail += len;
	skb->len += len;
	ASSERT(skb->tail <= skb->end);
	return p;
}
static inline void *skb_push(struct sk_buff *skb, u32 len)
{
	skb->data -= len;
	skb->len += len;
	ASSERT(skb->data >= skb->head);
	return skb->data;
}
static inline void *skb_pull(struct sk_buff *skb, u32 len)
{
	if (unlikely(len > skb_headlen(skb)))
		return NULL;
	skb->len -= len;
	return skb->data += len;
}
static inline void skb_reserve(struct sk_buff *skb, u32 len) { skb->data += len; skb->tail += len; }
/*
 * pskb_may_pull - are the first @len bytes linear (pulling them out of frags if need be)? false:
 * shorter, or out of memory.
 */
bool __must_check pskb_pull_tail(struct sk_buff *skb, u32 len);
static inline bool __must_check pskb_may_pull(struct sk_buff *skb, u32 len)
{
	return likely(len <= skb_headlen(skb)) || pskb_pull_tail(skb, len);
}
/* skb_linearize - all bytes into the head. 0 or -ENOMEM. */
static inline int __must_check skb_linearize(struct sk_buff *skb)
{
	return pskb_may_pull(skb, skb->len) ? 0 : -ENOMEM;
}
/* skb_trim - cut to @len bytes, fragments too. pskb_trim_rcsum the same for received data. */
void skb_cut(struct sk_buff *skb, u32 len);
static inline void skb_trim(struct sk_buff *skb, u32 len)
{
	if (unlikely(len < skb->len))
		skb_cut(skb, len);
}
/* skb_split - bytes from @len on move to the empty @skb1 (frags move, linear bytes are copied). */
void skb_split(struct sk_buff *skb, struct sk_buff *skb1, u32 len);
/* skb_copy_bits - @len bytes from @offset to @to. 0 or -EFAULT if out of range. */
int __must_check skb_copy_bits(const struct sk_buff *skb, u32 offset, void *to, u32 len);
/* skb_copy_datagram_iter - to a user's iterator. 0 or -EFAULT. Context: task, may sleep. */
int __must_check skb_copy_datagram_iter(const struct sk_buff *skb, u32 offset, struct iov_iter *to,
					u32 len);
/*
 * skb_copy_datagram_from_iter - the other way: @len bytes at @offset from the user. 0 or -EFAULT.
 * Context: task, may sleep.
 */
int __must_check skb_copy_datagram_from_iter(struct sk_buff *skb, u32 offset, struct iov_iter *from,
					     u32 len);
/* skb_store_bits - @len bytes of @from to @offset. 0 or -EFAULT if out of range. */
int __must_check skb_store_bits(struct sk_buff *skb, u32 offset, const void *from, u32 len);
/*
 * skb_checksum - one's complement sum of @len bytes from @offset, folded into @csum (32 bits, not
 * folded to 16).
 */
u32 skb_checksum(const struct sk_buff *skb, u32 offset, u32 len, u32 csum);
/* skb_checksum_help - complete CHECKSUM_PARTIAL in software. 0 or -ENOMEM. */
int __must_check skb_checksum_help(struct sk_buff *skb);
/*
 * skb_csum_unnecessary - has somebody vouched for the transport checksum: the device, or, on the
 * loopback, the sender itself?
 */
static inline bool skb_csum_unnecessary(const struct sk_buff *skb)
{
	return skb->ip_summed == CHECKSUM_UNNECESSARY || skb->ip_summed == CHECKSUM_PARTIAL;
}
/*
 * skb_gso_segment - cut the super-packet @skb (data at the IP header or at a link header before it)
 * into packets of gso_size payload bytes each. Return: a list chained by ->next, or
 * ERR_PTR(-ENOMEM, -EINVAL). Keeps @skb.
 */
struct sk_buff *skb_gso_segment(struct sk_buff *skb);
/* rt_put - end a reference to a route (net/ipv4/route.c); skbs hold one in ->rt. Context: any. */
void rt_put(struct rtable *rt);
void skb_fill_page_desc(struct sk_buff *skb, int i, struct page *page, u32 off, u32 size);
static inline void skb_frag_ref(struct sk_buff *skb, int i)
{
	get_page(skb_shinfo(skb)->frags[i].page);
}
/* skb_orphan - give the accounting back now: nobody charges it any more. */
static inline void skb_orphan(struct sk_buff *skb)
{
	if (skb->destructor) {
		skb->destructor(skb);
		skb->destructor = NULL;
	}
	skb->sk = NULL;
}
#define SKB_TRUESIZE(n) \
	((u32)(ALIGN((n), 16U) + sizeof(struct sk_buff) + sizeof(struct skb_shared_info)))
#define MAX_HEADER 128	/* room for link, IP and TCP headers with options */

/* Queues. The __ forms want queue->lock held, or a queue nobody else sees. */
static inline void __skb_queue_head_init(struct sk_buff_head *q)
{
	q->next = q->prev = (struct sk_buff *)q;
	q->qlen = 0;
}
static inline void skb_queue_head_init(struct sk_buff_head *q)
{
	spin_lock_init(&q->lock, LC_SKQUEUE);
	__skb_queue_head_init(q);
}
static inline bool skb_queue_empty(const struct sk_buff_head *q)
{
	return READ_ONCE(q->next) == (const struct sk_buff *)q;
}
static inline u32 skb_queue_len(const struct sk_buff_head *q) { return READ_ONCE(q->qlen); }
static inline struct sk_buff *skb_peek(const struct sk_buff_head *q)
{
	struct sk_buff *s = q->next;
	return s == (const struct sk_buff *)q ? NULL : s;
}
static inline struct sk_buff *skb_peek_tail(const struct sk_buff_head *q)
{
	struct sk_buff *s = READ_ONCE(q->prev);
	return s == (const struct sk_buff *)q ? NULL : s;
}
static inline void __skb_insert(struct sk_buff *n, struct sk_buff *prev, struct sk_buff *next,
				struct sk_buff_head *q)
{
	n->next = next;
	n->prev = prev;
	WRITE_ONCE(next->prev, n);
	WRITE_ONCE(prev->next, n);
	WRITE_ONCE(q->qlen, q->qlen + 1);
}
static inline void __skb_queue_tail(struct sk_buff_head *q, struct sk_buff *n)
{
	__skb_insert(n, q->prev, (struct sk_buff *)q, q);
}
static inline void __skb_queue_head(struct sk_buff_head *q, struct sk_buff *n)
{
	__skb_insert(n, (struct sk_buff *)q, q->next, q);
}
static inline void __skb_queue_after(struct sk_buff_head *q, struct sk_buff *prev,
				     struct sk_buff *n)
{
	__skb_insert(n, prev, prev->next, q);
}
static inline void __skb_unlink(struct sk_buff *s, struct sk_buff_head *q)
{
	WRITE_ONCE(q->qlen, q->qlen - 1);
	WRITE_ONCE(s->next->prev, s->prev);
	WRITE_ONCE(s->prev->next, s->next);
	s->next = NULL;
	s->prev = NULL;
}
static inline struct sk_buff *__skb_dequeue(struct sk_buff_head *q)
{
	struct sk_buff *s = skb_peek(q);

	if (s)
		__skb_unlink(s, q);
	return s;
}
void skb_queue_tail(struct sk_buff_head *q, struct sk_buff *n);
void skb_queue_head(struct sk_buff_head *q, struct sk_buff *n);
struct sk_buff *skb_dequeue(struct sk_buff_head *q);
void skb_unlink(struct sk_buff *skb, struct sk_buff_head *q);
/* skb_queue_purge - free all with @reason. Context: any. */
void skb_queue_purge(struct sk_buff_head *q, enum skb_drop_reason reason);
#define skb_queue_walk(q, s) for ((s) = (q)->next; (s) != (struct sk_buff *)(q); (s) = (s)->next)
#define skb_queue_walk_safe(q, s, t) \
	for ((s) = (q)->next, (t) = (s)->next; (s) != (struct sk_buff *)(q); \
	     (s) = (t), (t) = (s)->next)
void skb_init(void);
/* skb_drop_count - packets that died of @reason so far, on all CPUs. */
u64 skb_drop_count(enum skb_drop_reason reason);

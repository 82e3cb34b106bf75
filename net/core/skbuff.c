/*
 * net/core/skbuff.c - packets: made, copied, cut, counted when they die.
 *
 * Linux:   net/core/skbuff.c (6.1)
 * Same:    the descriptor and the head buffer are two allocations; clones share the head and its
 *          fragments by dataref; the shared info stands at the end of the head.
 * Differs: 1. heads come from two caches that fit what travels: a small one (headers and little
 *             data) and one for a full frame; larger heads are kmalloc()ed. The room of a head
 *             tells where it came from.
 *          2. large datagrams keep their bytes in pages (alloc_skb_with_frags()), single ones up to
 *             70 KiB, so no packet of the network needs a large block of contiguous memory.
 * Locks:   SKQUEUE for the queue functions.
 * Walk:    netdev_alloc_skb() in the driver; consume_skb() in recvmsg.
 */
#include "net/skbuff.h"
#include "fs/uio.h"
#include "kernel/percpu.h"
#include "kernel/string.h"
#include "kernel/trace.h"
#include "net/netdevice.h"
#include "net/wire/checksum.h"

enum {
	SHINFO_SIZE = sizeof(struct skb_shared_info),
	SMALL_ROOM = 640 - SHINFO_SIZE,	/* six to a page */
	FRAME_ROOM = 2048 - SHINFO_SIZE, /* 1514 bytes of frame, headroom, and some to spare */
	RX_HEADROOM = 66,		/* 64, and 2 that bring the IP header to a multiple of 4 */
};
static_assert(SMALL_ROOM % 8 == 0 && FRAME_ROOM % 8 == 0, "the shared info is aligned");
static_assert(FRAME_ROOM >= MAX_HEADER + 1460 &&
		      FRAME_ROOM >= RX_HEADROOM + ETH_HLEN + ETH_DATA_LEN,
	      "a frame fits");

static struct kmem_cache *skb_cache, *small_head_cache, *frame_head_cache;
static DEFINE_PER_CPU(u32, skb_next_id);
static DEFINE_PER_CPU(u64, skb_drops[SKB_DROP_REASON_NR]);

/* @room: bytes wanted; becomes the bytes there are before the shared info. */
static __always_inline void *skb_head_alloc(u32 *room, gfp_t gfp)
{
	if (*room <= SMALL_ROOM) {
		*room = SMALL_ROOM;
		return kmem_cache_alloc(small_head_cache, gfp);
	}
	if (*room <= FRAME_ROOM) {
		*room = FRAME_ROOM;
		return kmem_cache_alloc(frame_head_cache, gfp);
	}
	*room = ALIGN(*room, 16U);
	return kmalloc(*room + SHINFO_SIZE, gfp);
}

static void skb_head_free(void *head, u32 room)
{
	if (room == SMALL_ROOM)
		kmem_cache_free(small_head_cache, head);
	else if (room == FRAME_ROOM)
		kmem_cache_free(frame_head_cache, head);
	else
		kfree(head);
}

static inline u32 skb_room(const struct sk_buff *skb) { return (u32)(skb->end - skb->head); }
static inline void shinfo_init(struct skb_shared_info *si)
{
	memset(si, 0, offsetof(struct skb_shared_info, frags));
	atomic_set(&si->dataref, 1);
}
/*
 * Unique while in use, and never 0: a CPU counts in steps of NR_CPUS. Atomic, as the task may move
 * or be interrupted between.
 */
static inline u32 skb_new_id(void)
{
	return __atomic_add_fetch(this_cpu_ptr(&skb_next_id), NR_CPUS, __ATOMIC_RELAXED);
}

struct sk_buff *alloc_skb(u32 size, gfp_t gfp)
{
	struct sk_buff *skb = kmem_cache_alloc(skb_cache, gfp);

	if (unlikely(!skb))
		return NULL;
	u8 *head = skb_head_alloc(&size, gfp);

	if (unlikely(!head)) {
		kmem_cache_free(skb_cache, skb);
		return NULL;
	}
	memset(skb, 0, offsetof(struct sk_buff, head));
	skb->head = skb->data = skb->tail = head;
	skb->end = head + size;
	skb->truesize = size + SHINFO_SIZE + (u32)sizeof(*skb);
	skb->id = skb_new_id();
	shinfo_init(skb_shinfo(skb));
	return skb;
}

struct sk_buff *netdev_alloc_skb(struct net_device *dev, u32 len)
{
	struct sk_buff *skb = alloc_skb(len + RX_HEADROOM, GFP_ATOMIC);

	if (likely(skb)) {
		skb_reserve(skb, RX_HEADROOM);
		skb->dev = dev;
	}
	return skb;
}

/* The part of alloc_skb_with_frags() that does not fit the head. */
static noinline struct sk_buff *skb_add_pages(struct sk_buff *skb, u32 len, gfp_t gfp)
{
	unsigned int order = 0;

	while (len > MAX_SKB_FRAGS * (PAGE_SIZE << order))
		order++;
	for (int i = 0; len; i++) {
		u32 n = min_t(u32, len, PAGE_SIZE << order);
		struct page *page = alloc_pages(gfp, order);

		if (!page) {
			consume_skb(skb);
			return NULL;
		}
		skb_fill_page_desc(skb, i, page, 0, n);
		skb->len += n;
		skb->data_len += n;
		skb->truesize += (u32)(PAGE_SIZE << order);
		len -= n;
	}
	return skb;
}

struct sk_buff *alloc_skb_with_frags(u32 headroom, u32 len, gfp_t gfp)
{
	u32 linear = likely(headroom + len <= FRAME_ROOM) ? len : FRAME_ROOM - headroom;
	struct sk_buff *skb = alloc_skb(headroom + linear, gfp);

	if (unlikely(!skb))
		return NULL;
	skb->data += headroom;
	skb->tail += headroom + linear;
	skb->len = linear;
	return likely(len == linear) ? skb : skb_add_pages(skb, len - linear, gfp);
}

static void skb_release_data(struct sk_buff *skb)
{
	struct skb_shared_info *si = skb_shinfo(skb);

	if (skb->cloned && atomic_dec_return(&si->dataref))
		return;
	for (int i = 0; i < si->nr_frags; i++)
		put_page(si->frags[i].page);
	skb_head_free(skb->head, skb_room(skb));
}

static void __kfree_skb(struct sk_buff *skb)
{
	if (skb->rt)
		rt_put(skb->rt);
	if (skb->destructor)
		skb->destructor(skb);
	skb_release_data(skb);
	kmem_cache_free(skb_cache, skb);
}

void consume_skb(struct sk_buff *skb)
{
	if (likely(skb))
		__kfree_skb(skb);
}

void kfree_skb(struct sk_buff *skb, enum skb_drop_reason reason)
{
	if (unlikely(!skb))
		return;
	trace(kfree_skb, skb->id, _RET_IP_, reason);
	this_cpu_inc(skb_drops[reason]);
	__kfree_skb(skb);
}

u64 skb_drop_count(enum skb_drop_reason reason)
{
	u64 sum = 0;
	int cpu;

	for_each_online_cpu(cpu)
		sum += per_cpu(skb_drops[reason], cpu);
	return sum;
}

struct sk_buff *skb_clone(struct sk_buff *skb, gfp_t gfp)
{
	struct sk_buff *n = kmem_cache_alloc(skb_cache, gfp);

	if (unlikely(!n))
		return NULL;
	*n = *skb;
	n->next = NULL;
	n->prev = NULL;
	n->sk = NULL;
	n->destructor = NULL;
	n->rt = NULL;
	/* The mark first: whoever frees either skb from now on has to count. */
	skb->cloned = 1;
	n->cloned = 1;
	atomic_inc(&skb_shinfo(skb)->dataref);
	return n;
}

/* What a copy takes over from the skb it is a copy of; the head pointers are not among it. */
static void skb_copy_header(struct sk_buff *n, const struct sk_buff *skb, int head_moved)
{
	n->dev = skb->dev;
	memcpy(n->cb, skb->cb, sizeof(n->cb));
	n->id = skb->id;
	n->csum_start = (u16)(skb->csum_start + head_moved);
	n->csum_offset = skb->csum_offset;
	n->protocol = skb->protocol;
	n->mac_header = (u16)(skb->mac_header + head_moved);
	n->network_header = (u16)(skb->network_header + head_moved);
	n->transport_header = (u16)(skb->transport_header + head_moved);
	n->ip_summed = skb->ip_summed;
	n->pkt_type = skb->pkt_type;
	n->tstamp_ns = skb->tstamp_ns;
	skb_shinfo(n)->gso_size = skb_shinfo(skb)->gso_size;
	skb_shinfo(n)->gso_segs = skb_shinfo(skb)->gso_segs;
	skb_shinfo(n)->gso_type = skb_shinfo(skb)->gso_type;
}

struct sk_buff *skb_copy(const struct sk_buff *skb, gfp_t gfp)
{
	u32 headroom = skb_headroom(skb);
	struct sk_buff *n = alloc_skb(headroom + skb->len, gfp);

	if (!n)
		return NULL;
	skb_reserve(n, headroom);
	memcpy(n->head, skb->head, headroom);
	ASSERT(skb_copy_bits(skb, 0, skb_put(n, skb->len), skb->len) == 0);
	skb_copy_header(n, skb, 0);
	return n;
}

/* The fragments of @from, each with one more reference, become those of @to. */
static void skb_share_frags(struct skb_shared_info *to, const struct skb_shared_info *from)
{
	to->nr_frags = from->nr_frags;
	for (int i = 0; i < from->nr_frags; i++) {
		to->frags[i] = from->frags[i];
		get_page(to->frags[i].page);
	}
}

struct sk_buff *pskb_copy(struct sk_buff *skb, gfp_t gfp)
{
	u32 headroom = max_t(u32, skb_headroom(skb), MAX_HEADER);
	struct sk_buff *n = alloc_skb(headroom + skb_headlen(skb), gfp);

	if (!n)
		return NULL;
	skb_reserve(n, headroom);
	memcpy(skb_put(n, skb_headlen(skb)), skb->data, skb_headlen(skb));
	skb_share_frags(skb_shinfo(n), skb_shinfo(skb));
	n->data_len = skb->data_len;
	n->len = skb->len;
	n->truesize += skb->data_len;
	skb_copy_header(n, skb, (int)headroom - (int)skb_headroom(skb));
	return n;
}

/*
 * A head of our own with @nhead more bytes in front and @ntail behind. truesize stays: the skb may
 * be charged to a sock.
 */
static int pskb_expand_head(struct sk_buff *skb, u32 nhead, u32 ntail, gfp_t gfp)
{
	u32 used = (u32)(skb->tail - skb->head);
	u32 room = nhead + used + ntail;
	u8 *head = skb_head_alloc(&room, gfp);

	if (!head)
		return -ENOMEM;
	struct skb_shared_info *si = (struct skb_shared_info *)(head + room);

	memcpy(head + nhead, skb->head, used);
	shinfo_init(si);
	skb_share_frags(si, skb_shinfo(skb));
	si->gso_size = skb_shinfo(skb)->gso_size;
	si->gso_segs = skb_shinfo(skb)->gso_segs;
	si->gso_type = skb_shinfo(skb)->gso_type;
	u32 data_off = skb_headroom(skb) + nhead;

	skb_release_data(skb);
	skb->cloned = 0;
	skb->head = head;
	skb->end = head + room;
	skb->data = head + data_off;
	skb->tail = head + nhead + used;
	skb->mac_header = (u16)(skb->mac_header + nhead);
	skb->network_header = (u16)(skb->network_header + nhead);
	skb->transport_header = (u16)(skb->transport_header + nhead);
	skb->csum_start = (u16)(skb->csum_start + nhead);
	return 0;
}

int skb_cow_head(struct sk_buff *skb, u32 headroom)
{
	u32 have = skb_headroom(skb);

	if (have >= headroom && !skb_cloned(skb))
		return 0;
	return pskb_expand_head(skb, have >= headroom ? 0 : ALIGN(headroom - have, 16U), 0,
				GFP_ATOMIC);
}

/* Drop @n bytes from the front of the fragments. */
static void skb_eat_frags(struct sk_buff *skb, u32 n)
{
	struct skb_shared_info *si = skb_shinfo(skb);
	int gone = 0;

	skb->data_len -= n;
	while (n) {
		skb_frag_t *f = &si->frags[gone];

		if (n < f->size) {
			f->off += n;
			f->size -= n;
			break;
		}
		n -= f->size;
		put_page(f->page);
		gone++;
	}
	si->nr_frags = (u8)(si->nr_frags - gone);
	memmove(si->frags, si->frags + gone, si->nr_frags * sizeof(si->frags[0]));
}

bool pskb_pull_tail(struct sk_buff *skb, u32 len)
{
	if (len <= skb_headlen(skb))
		return true;
	if (len > skb->len)
		return false;
	u32 more = len - skb_headlen(skb);

	if ((u32)(skb->end - skb->tail) < more || skb_cloned(skb)) {
		if (pskb_expand_head(skb, 0, more, GFP_ATOMIC))
			return false;
	}
	if (skb_copy_bits(skb, skb_headlen(skb), skb->tail, more))
		return false;
	skb->tail += more;
	skb_eat_frags(skb, more);
	return true;
}

/* The work of skb_trim(): @len is less than skb->len. */
void skb_cut(struct sk_buff *skb, u32 len)
{
	u32 headlen = skb_headlen(skb);

	if (len <= headlen) {
		skb->tail = skb->data + len;
		headlen = len;
	}
	struct skb_shared_info *si = skb_shinfo(skb);
	u32 keep = len - headlen;

	skb->len = len;
	if (!skb->data_len)
		return;
	skb->data_len = keep;
	/*
	 * A clone shares the list of fragments: it stays as it is, len alone says where this one
	 * ends.
	 */
	if (skb_cloned(skb))
		return;
	int i = 0;

	for (; i < si->nr_frags && keep; i++) {
		si->frags[i].size = min(si->frags[i].size, keep);
		keep -= si->frags[i].size;
	}
	for (int k = i; k < si->nr_frags; k++)
		put_page(si->frags[k].page);
	si->nr_frags = (u8)i;
}

/* The fragments from byte @pos of them on move to @skb1. */
static void skb_split_frags(struct sk_buff *skb, struct sk_buff *skb1, u32 pos)
{
	struct skb_shared_info *a = skb_shinfo(skb), *b = skb_shinfo(skb1);
	int kept = 0, moved = 0;

	for (int i = 0; i < a->nr_frags; i++) {
		skb_frag_t f = a->frags[i];

		if (pos >= f.size) {
			pos -= f.size;
			kept++;
			continue;
		}
		b->frags[moved] = f;
		if (pos) {
			get_page(f.page);
			b->frags[moved].off += pos;
			b->frags[moved].size -= pos;
			a->frags[i].size = pos;
			kept++;
			pos = 0;
		}
		moved++;
	}
	a->nr_frags = (u8)kept;
	b->nr_frags = (u8)moved;
}

void skb_split(struct sk_buff *skb, struct sk_buff *skb1, u32 len)
{
	u32 headlen = skb_headlen(skb);
	u32 total = skb->len;

	ASSERT(len <= total && !skb_cloned(skb));
	if (len < headlen) {
		memcpy(skb_put(skb1, headlen - len), skb->data + len, headlen - len);
		skb->tail = skb->data + len;
	}
	u32 frag_pos = len > headlen ? len - headlen : 0;

	if (skb->data_len)
		skb_split_frags(skb, skb1, frag_pos);
	skb1->data_len = skb->data_len - frag_pos;
	skb1->len = total - len;
	skb->data_len = frag_pos;
	skb->len = len;
}

/* A contiguous run of an skb's bytes. */
struct piece { u8 *p; u32 len; };
static struct piece skb_piece_at(const struct sk_buff *skb, u32 offset)
{
	u32 headlen = skb_headlen(skb);

	if (offset < headlen)
		return (struct piece){ skb->data + offset, headlen - offset };
	offset -= headlen;
	for (const skb_frag_t *f = skb_shinfo(skb)->frags;; f++) {
		if (offset < f->size)
			return (struct piece){ (u8 *)page_address(f->page) + f->off + offset,
					       f->size - offset };
		offset -= f->size;
	}
}

static inline bool skb_has_range(const struct sk_buff *skb, u32 offset, u32 len)
{
	return offset <= skb->len && len <= skb->len - offset;
}

int skb_copy_bits(const struct sk_buff *skb, u32 offset, void *to, u32 len)
{
	if (!skb_has_range(skb, offset, len))
		return -EFAULT;
	while (len) {
		struct piece s = skb_piece_at(skb, offset);
		u32 n = min(s.len, len);

		memcpy(to, s.p, n);
		to = (u8 *)to + n;
		offset += n;
		len -= n;
	}
	return 0;
}

int skb_store_bits(struct sk_buff *skb, u32 offset, const void *from, u32 len)
{
	if (!skb_has_range(skb, offset, len))
		return -EFAULT;
	while (len) {
		struct piece s = skb_piece_at(skb, offset);
		u32 n = min(s.len, len);

		memcpy(s.p, from, n);
		from = (const u8 *)from + n;
		offset += n;
		len -= n;
	}
	return 0;
}

int skb_copy_datagram_iter(const struct sk_buff *skb, u32 offset, struct iov_iter *to, u32 len)
{
	if (likely((u64)offset + len <= skb_headlen(skb)))
		return likely(copy_to_iter(skb->data + offset, len, to) == len) ? 0 : -EFAULT;
	if (!skb_has_range(skb, offset, len))
		return -EFAULT;
	while (len) {
		struct piece s = skb_piece_at(skb, offset);
		u32 n = min(s.len, len);

		if (copy_to_iter(s.p, n, to) != n)
			return -EFAULT;
		offset += n;
		len -= n;
	}
	return 0;
}

int skb_copy_datagram_from_iter(struct sk_buff *skb, u32 offset, struct iov_iter *from, u32 len)
{
	if (likely((u64)offset + len <= skb_headlen(skb)))
		return likely(copy_from_iter(skb->data + offset, len, from) == len) ? 0 : -EFAULT;
	if (!skb_has_range(skb, offset, len))
		return -EFAULT;
	while (len) {
		struct piece s = skb_piece_at(skb, offset);
		u32 n = min(s.len, len);

		if (copy_from_iter(s.p, n, from) != n)
			return -EFAULT;
		offset += n;
		len -= n;
	}
	return 0;
}

u32 skb_checksum(const struct sk_buff *skb, u32 offset, u32 len, u32 csum)
{
	u32 done = 0;

	ASSERT(skb_has_range(skb, offset, len));
	while (done < len) {
		struct piece s = skb_piece_at(skb, offset + done);
		u32 n = min(s.len, len - done);

		csum = csum_block_add(csum, csum_partial(s.p, n, 0), done);
		done += n;
	}
	return csum;
}

int skb_checksum_help(struct sk_buff *skb)
{
	if (skb->ip_summed != CHECKSUM_PARTIAL)
		return 0;
	u32 start = skb->csum_start - skb_headroom(skb);

	if (!pskb_may_pull(skb, start + skb->csum_offset + 2) || skb_cow_head(skb, 0))
		return -ENOMEM;
	u16 *field = (u16 *)(skb->head + skb->csum_start + skb->csum_offset);
	/*
	 * The field holds the sum of the pseudo header, so it is simply part of what is added up.
	 */
	u16 sum = csum_fold(skb_checksum(skb, start, skb->len - start, 0));

	*field = sum ? sum : 0xffff; /* RFC 768: 0 would say "no checksum"; TCP takes either */
	skb->ip_summed = CHECKSUM_NONE;
	return 0;
}

void skb_fill_page_desc(struct sk_buff *skb, int i, struct page *page, u32 off, u32 size)
{
	ASSERT(i < MAX_SKB_FRAGS);
	skb_shinfo(skb)->frags[i] = (skb_frag_t){ page, off, size };
	skb_shinfo(skb)->nr_frags = (u8)(i + 1);
}

void skb_queue_tail(struct sk_buff_head *q, struct sk_buff *n)
{
	unsigned long flags;

	spin_lock_irqsave(&q->lock, flags);
	__skb_queue_tail(q, n);
	spin_unlock_irqrestore(&q->lock, flags);
}

void skb_queue_head(struct sk_buff_head *q, struct sk_buff *n)
{
	unsigned long flags;

	spin_lock_irqsave(&q->lock, flags);
	__skb_queue_head(q, n);
	spin_unlock_irqrestore(&q->lock, flags);
}

struct sk_buff *skb_dequeue(struct sk_buff_head *q)
{
	unsigned long flags;

	spin_lock_irqsave(&q->lock, flags);
	struct sk_buff *skb = __skb_dequeue(q);

	spin_unlock_irqrestore(&q->lock, flags);
	return skb;
}

void skb_unlink(struct sk_buff *skb, struct sk_buff_head *q)
{
	unsigned long flags;

	spin_lock_irqsave(&q->lock, flags);
	__skb_unlink(skb, q);
	spin_unlock_irqrestore(&q->lock, flags);
}

void skb_queue_purge(struct sk_buff_head *q, enum skb_drop_reason reason)
{
	struct sk_buff *skb;

	while ((skb = skb_dequeue(q)) != NULL)
		kfree_skb(skb, reason);
}

void skb_init(void)
{
	int cpu;

	skb_cache = kmem_cache_create("skbuff", sizeof(struct sk_buff), 64);
	small_head_cache = kmem_cache_create("skb_small_head", SMALL_ROOM + SHINFO_SIZE, 0);
	frame_head_cache = kmem_cache_create("skb_frame_head", FRAME_ROOM + SHINFO_SIZE, 0);
	for_each_online_cpu(cpu)
		per_cpu(skb_next_id, cpu) = (u32)cpu;
}

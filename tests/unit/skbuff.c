/* tests/unit/skbuff.c - the geometry of packets: room, pulling, cutting, sharing, copying, and that nothing leaks. */
#include "tests/unit/host.h"

void *memcpy(void *dst, const void *src, size_t n);
void *memmove(void *dst, const void *src, size_t n);
void *memset(void *dst, int c, size_t n);
int memcmp(const void *a, const void *b, size_t n);
#include "tests/unit/net_host.h"
#include "net/core/gso.c"

static u8 pattern(u32 i) { return (u8)(i * 7 + (i >> 8)); }

static struct sk_buff *filled(u32 headroom, u32 len)
{
	struct sk_buff *skb = alloc_skb_with_frags(headroom, len, GFP_KERNEL);

	for (u32 i = 0; i < len; i++) {
		u8 b = pattern(i);

		CHECK_EQ(skb_store_bits(skb, i, &b, 1), 0);
	}
	return skb;
}

static void check_bytes(const struct sk_buff *skb, u32 from)
{
	for (u32 i = 0; i < skb->len; i++) {
		u8 b = 0;

		CHECK_EQ(skb_copy_bits(skb, i, &b, 1), 0);
		CHECK_EQ(b, pattern(from + i));
	}
}

static void check_geometry(const struct sk_buff *skb)
{
	u32 in_frags = 0;

	CHECK(skb->head <= skb->data && skb->data <= skb->tail && skb->tail <= skb->end);
	CHECK_EQ(skb->tail - skb->data, skb_headlen(skb));
	for (int i = 0; i < skb_shinfo(skb)->nr_frags; i++)
		in_frags += skb_shinfo(skb)->frags[i].size;
	CHECK(in_frags >= skb->data_len);
}

static void check_nothing_lives(void) { CHECK_EQ(host_objects, 0); }

TEST(skb_put_push_pull)
{
	net_host_init();
	struct sk_buff *skb = alloc_skb(200, GFP_KERNEL);

	skb_reserve(skb, 50);
	CHECK_EQ(skb_headroom(skb), 50);
	memset(skb_put(skb, 100), 1, 100);
	CHECK_EQ(skb->len, 100);
	skb_push(skb, 50);
	CHECK_EQ(skb->len, 150);
	CHECK(skb_pull(skb, 151) == NULL);
	CHECK(skb_pull(skb, 150) != NULL);
	CHECK_EQ(skb->len, 0);
	consume_skb(skb);
	check_nothing_lives();
}

TEST(skb_put_and_push_beyond_the_room_panic)
{
	net_host_init();
	struct sk_buff *skb = alloc_skb(10, GFP_KERNEL);
	u32 room = skb_tailroom(skb);

	CHECK_PANICS(skb_put(skb, room + 1));
	skb->tail -= room + 1;
	skb->len -= room + 1;
	CHECK_PANICS(skb_push(skb, 1));
	skb->data += 1;
	skb->len -= 1;
	consume_skb(skb);
	check_nothing_lives();
}

TEST(skb_sizes_around_the_caches)
{
	net_host_init();
	for (u32 size = 0; size < 5000; size += 13) {
		struct sk_buff *skb = alloc_skb(size, GFP_KERNEL);

		CHECK(skb_tailroom(skb) >= size);
		memset(skb_put(skb, size), 0xee, size);
		CHECK(skb->truesize >= size + sizeof(*skb));
		consume_skb(skb);
	}
	check_nothing_lives();
}

TEST(skb_ids_differ_and_are_not_zero)
{
	net_host_init();
	struct sk_buff *a = alloc_skb(0, GFP_KERNEL), *b = alloc_skb(0, GFP_KERNEL),
		       *c = skb_clone(a, GFP_KERNEL);

	CHECK(a->id && b->id && a->id != b->id && c->id == a->id);
	consume_skb(a);
	consume_skb(b);
	consume_skb(c);
	check_nothing_lives();
}

TEST(skb_with_frags_holds_any_length)
{
	static const u32 lengths[] = { 0,    1,	    1759,  1760,  1761,	 5856,
				       5857, 65535, 71392, 71393, 200000 };

	net_host_init();
	for (size_t i = 0; i < ARRAY_SIZE(lengths); i++) {
		struct sk_buff *skb = filled(0, lengths[i]);

		CHECK_EQ(skb->len, lengths[i]);
		check_geometry(skb);
		check_bytes(skb, 0);
		consume_skb(skb);
	}
	check_nothing_lives();
}

TEST(skb_copy_bits_rejects_what_is_outside)
{
	u8 b[4];

	net_host_init();
	struct sk_buff *skb = filled(0, 3000);

	CHECK_EQ(skb_copy_bits(skb, 2999, b, 1), 0);
	CHECK_EQ(skb_copy_bits(skb, 2999, b, 2), -EFAULT);
	CHECK_EQ(skb_copy_bits(skb, 3000, b, 0), 0);
	CHECK_EQ(skb_copy_bits(skb, 3001, b, 0), -EFAULT);
	CHECK_EQ(skb_copy_bits(skb, 1, b, U32_MAX), -EFAULT);
	consume_skb(skb);
	check_nothing_lives();
}

TEST(skb_pull_tail_brings_bytes_into_the_head)
{
	net_host_init();
	for (u32 want = 1700; want <= 9000; want += 311) {
		struct sk_buff *skb = filled(20, 9000);

		CHECK(pskb_may_pull(skb, want));
		CHECK(skb_headlen(skb) >= want);
		check_geometry(skb);
		check_bytes(skb, 0);
		CHECK(!pskb_may_pull(skb, 9001));
		consume_skb(skb);
	}
	check_nothing_lives();
}

TEST(skb_linearize_keeps_the_bytes)
{
	net_host_init();
	struct sk_buff *skb = filled(0, 40000);

	CHECK_EQ(skb_linearize(skb), 0);
	CHECK(!skb_is_nonlinear(skb));
	CHECK_EQ(skb_shinfo(skb)->nr_frags, 0);
	check_bytes(skb, 0);
	consume_skb(skb);
	check_nothing_lives();
}

TEST(skb_trim_at_every_length)
{
	net_host_init();
	for (u32 len = 0; len <= 12000; len += 97) {
		struct sk_buff *skb = filled(8, 12000);

		skb_trim(skb, len);
		CHECK_EQ(skb->len, len);
		check_geometry(skb);
		check_bytes(skb, 0);
		consume_skb(skb);
	}
	check_nothing_lives();
}

TEST(skb_clone_shares_and_outlives)
{
	net_host_init();
	struct sk_buff *skb = filled(0, 9000);
	struct sk_buff *clone = skb_clone(skb, GFP_KERNEL);

	CHECK(skb_cloned(skb) && skb_cloned(clone));
	CHECK(clone->head == skb->head);
	consume_skb(skb);
	CHECK(!skb_cloned(clone));
	check_bytes(clone, 0);
	consume_skb(clone);
	check_nothing_lives();
}

TEST(skb_trim_of_a_clone_leaves_the_other_whole)
{
	net_host_init();
	struct sk_buff *skb = filled(0, 9000);
	struct sk_buff *clone = skb_clone(skb, GFP_KERNEL);

	skb_trim(clone, 2500);
	CHECK_EQ(clone->len, 2500);
	check_bytes(clone, 0);
	CHECK_EQ(skb->len, 9000);
	check_bytes(skb, 0);
	CHECK_EQ(skb_linearize(clone), 0);
	check_bytes(clone, 0);
	consume_skb(clone);
	consume_skb(skb);
	check_nothing_lives();
}

TEST(skb_pull_tail_of_a_clone_does_not_write_into_the_other)
{
	net_host_init();
	struct sk_buff *skb = filled(0, 4000);
	struct sk_buff *clone = skb_clone(skb, GFP_KERNEL);

	CHECK(pskb_may_pull(clone, 4000));
	CHECK(clone->head != skb->head);
	memset(clone->data, 0, 4000);
	check_bytes(skb, 0);
	consume_skb(clone);
	consume_skb(skb);
	check_nothing_lives();
}

TEST(skb_pull_tail_into_shared_tailroom_leaves_the_other_its_fragments)
{
	net_host_init();
	struct sk_buff *skb = alloc_skb(600, GFP_KERNEL);
	struct page *page = alloc_page(GFP_KERNEL);

	for (u32 i = 0; i < 100; i++)
		*(u8 *)skb_put(skb, 1) = pattern(i);
	for (u32 i = 0; i < 1000; i++)
		((u8 *)page_address(page))[i] = pattern(100 + i);
	skb_fill_page_desc(skb, 0, page, 0, 1000);
	skb->len += 1000;
	skb->data_len += 1000;
	struct sk_buff *clone = skb_clone(skb, GFP_KERNEL);

	CHECK(pskb_may_pull(clone, 300));
	check_bytes(clone, 0);
	check_bytes(skb, 0);
	CHECK_EQ(skb_shinfo(skb)->frags[0].size, 1000);
	consume_skb(clone);
	consume_skb(skb);
	check_nothing_lives();
}

TEST(skb_cow_head_gives_room_and_privacy)
{
	net_host_init();
	struct sk_buff *skb = filled(10, 100);
	struct sk_buff *clone = skb_clone(skb, GFP_KERNEL);

	skb_reset_network_header(clone);
	skb_set_transport_header(clone, 20);
	CHECK_EQ(skb_cow_head(clone, 64), 0);
	CHECK(skb_headroom(clone) >= 64);
	CHECK(skb_network_header(clone) == clone->data && skb_transport_offset(clone) == 20);
	memset(skb_push(clone, 64), 0, 64);
	clone->data[64] = 0xff;
	check_bytes(skb, 0);
	consume_skb(clone);
	consume_skb(skb);
	check_nothing_lives();
}

TEST(skb_copies_are_independent)
{
	net_host_init();
	struct sk_buff *skb = filled(30, 6000);

	skb_reset_network_header(skb);
	struct sk_buff *whole = skb_copy(skb, GFP_KERNEL), *head = pskb_copy(skb, GFP_KERNEL);

	CHECK(!skb_is_nonlinear(whole) && skb_is_nonlinear(head));
	CHECK(skb_network_header(whole) == whole->data && skb_network_header(head) == head->data);
	check_bytes(whole, 0);
	check_bytes(head, 0);
	memset(whole->data, 0, 6000);
	memset(head->data, 0, skb_headlen(head));
	check_bytes(skb, 0);
	consume_skb(whole);
	consume_skb(skb);
	CHECK_EQ(head->len, 6000);
	consume_skb(head);
	check_nothing_lives();
}

TEST(skb_split_at_every_place)
{
	net_host_init();
	for (u32 at = 0; at <= 9000; at += 113) {
		struct sk_buff *skb = filled(0, 9000), *rest = alloc_skb(9000, GFP_KERNEL);

		skb_split(skb, rest, at);
		CHECK_EQ(skb->len, at);
		CHECK_EQ(rest->len, 9000 - at);
		check_geometry(skb);
		check_geometry(rest);
		check_bytes(skb, 0);
		check_bytes(rest, at);
		consume_skb(skb);
		consume_skb(rest);
	}
	check_nothing_lives();
}

TEST(skb_checksum_does_not_depend_on_fragments)
{
	net_host_init();
	struct sk_buff *skb = filled(0, 12345), *flat = skb_copy(skb, GFP_KERNEL);

	for (u32 off = 0; off < 12000; off += 997)
		for (u32 len = 0; len < 12345 - off; len += 1237)
			CHECK_EQ(csum_fold(skb_checksum(skb, off, len, 0)),
				 csum_fold(csum_partial(flat->data + off, len, 0)));
	consume_skb(skb);
	consume_skb(flat);
	check_nothing_lives();
}

TEST(skb_queue_order_and_purge)
{
	struct sk_buff_head q;

	net_host_init();
	skb_queue_head_init(&q);
	struct sk_buff *a = alloc_skb(0, GFP_KERNEL), *b = alloc_skb(0, GFP_KERNEL),
		       *c = alloc_skb(0, GFP_KERNEL);

	skb_queue_tail(&q, a);
	skb_queue_tail(&q, b);
	skb_queue_head(&q, c);
	CHECK_EQ(skb_queue_len(&q), 3);
	CHECK(skb_peek(&q) == c && skb_peek_tail(&q) == b);
	CHECK(skb_dequeue(&q) == c);
	consume_skb(c);
	skb_unlink(b, &q);
	consume_skb(b);
	u64 before = skb_drop_count(SKB_DROP_REASON_SOCKET_CLOSED);

	skb_queue_purge(&q, SKB_DROP_REASON_SOCKET_CLOSED);
	CHECK_EQ(skb_drop_count(SKB_DROP_REASON_SOCKET_CLOSED), before + 1);
	CHECK(skb_queue_empty(&q) && skb_dequeue(&q) == NULL);
	check_nothing_lives();
}

TEST(skb_allocation_failures_leave_nothing)
{
	net_host_init();
	for (long n = 1; n < 12; n++) {
		host_fail_after = n;
		struct sk_buff *skb = alloc_skb_with_frags(0, 20000, GFP_KERNEL);

		host_fail_after = 0;
		consume_skb(skb);
		check_nothing_lives();
	}
}

/* A super-packet as TCP makes it: IP and TCP headers, then @payload bytes. */
static struct sk_buff *super_packet(u32 payload, u16 mss)
{
	struct sk_buff *skb = alloc_skb_with_frags(MAX_HEADER, 40 + payload, GFP_KERNEL);
	struct iphdr *iph = (struct iphdr *)skb->data;
	struct tcphdr *th = (struct tcphdr *)(skb->data + 20);

	memset(skb->data, 0, 40);
	for (u32 i = 0; i < payload; i++) {
		u8 b = pattern(i);

		CHECK_EQ(skb_store_bits(skb, 40 + i, &b, 1), 0);
	}
	*iph = (struct iphdr){ .ver_ihl = 0x45, .ttl = 64, .protocol = IPPROTO_TCP, .id = cpu_to_be16(0xfffe),
			       .saddr = cpu_to_be32(0x0a000001), .daddr = cpu_to_be32(0x0a000002) };
	th->seq = cpu_to_be32(0xffffff00);
	th->doff_res = 0x50;
	th->flags = TCPHDR_ACK | TCPHDR_PSH | TCPHDR_FIN | TCPHDR_CWR;
	skb_reset_network_header(skb);
	skb_set_transport_header(skb, 20);
	skb->ip_summed = CHECKSUM_PARTIAL;
	skb_shinfo(skb)->gso_size = mss;
	skb_shinfo(skb)->gso_type = SKB_GSO_TCPV4;
	return skb;
}

TEST(gso_segments_carry_the_whole)
{
	net_host_init();
	for (u32 payload = 1; payload < 10000; payload += 1379) {
		struct sk_buff *skb = super_packet(payload, 1448), *seg = skb_gso_segment(skb),
			       *next;
		u32 pos = 0;

		CHECK(!IS_ERR(seg));
		for (u16 i = 0; seg; seg = next, i++) {
			next = seg->next;
			struct iphdr *iph = (struct iphdr *)skb_network_header(seg);
			struct tcphdr *th = (struct tcphdr *)skb_transport_header(seg);
			bool last = pos + 1448 >= payload;

			CHECK_EQ(seg->len, 40 + (last ? payload - pos : 1448));
			CHECK_EQ(be16_to_cpu(iph->tot_len), seg->len);
			CHECK_EQ(be16_to_cpu(iph->id), (u16)(0xfffe + i));
			CHECK_EQ(ip_fast_csum(iph, 5), 0);
			CHECK_EQ(be32_to_cpu(th->seq), (u32)(0xffffff00 + pos));
			CHECK_EQ((th->flags & (TCPHDR_FIN | TCPHDR_PSH)) != 0, last);
			CHECK_EQ((th->flags & TCPHDR_CWR) != 0, i == 0);
			CHECK_EQ(skb_checksum_help(seg), 0);
			CHECK_EQ(csum_tcpudp_magic(iph->saddr, iph->daddr, seg->len - 20,
						   IPPROTO_TCP, csum_partial(th, seg->len - 20, 0)),
				 0);
			for (u32 k = 40; k < seg->len; k++)
				CHECK_EQ(seg->data[k], pattern(pos + k - 40));
			pos += seg->len - 40;
			seg->next = NULL;
			consume_skb(seg);
		}
		CHECK_EQ(pos, payload);
		consume_skb(skb);
	}
	check_nothing_lives();
}

TEST(gso_out_of_memory_leaves_nothing)
{
	net_host_init();
	struct sk_buff *skb = super_packet(8000, 1000);

	for (long n = 1; n <= 16; n++) {
		host_fail_after = n;
		CHECK(IS_ERR(skb_gso_segment(skb)));
		host_fail_after = 0;
	}
	consume_skb(skb);
	check_nothing_lives();
}

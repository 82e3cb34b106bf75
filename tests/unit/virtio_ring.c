/* tests/unit/virtio_ring.c - the split ring against a model of a device, honest and not. */
#include "tests/unit/host.h"
#include "kernel/mm.h"

void *memset(void *dst, int c, size_t n);
void *memcpy(void *dst, const void *src, size_t n);
void *aligned_alloc(size_t align, size_t size);
/* Ring memory comes from the host's heap: a struct page is a handle for it. */
static void *host_page;
static void *host_page_address(const struct page *p) { (void)p; return host_page; }
#define page_address(p) host_page_address(p)
#define alloc_pages(gfp, order) ((host_page = aligned_alloc(PAGE_SIZE, PAGE_SIZE << (order))), (struct page *)host_page)
#define free_pages(p, order) free(host_page)
#define kcalloc(n, size, gfp) memset(malloc((n) * (size)), 0, (n) * (size))
#define kfree(p) free((void *)(p))
#define arch_device_mb() smp_mb()
#include "drivers/virtio/virtio_ring.c"

enum { NUM = 8 };
static u16 notified;
static int resets;
static void set_status(__unused struct virtio_device *vdev, u8 status) { resets += status == 0; }
static const struct virtio_config_ops ops = { .set_status = set_status };
static const struct virtio_driver driver = { .name = "test" };
static struct virtio_device vdev;
static struct virtqueue vq;
/* The device's own notes. */
static u16 dev_avail, dev_used;

static void start_ring(bool event_idx)
{
	host_quiet = true;
	vdev = (struct virtio_device){ .config = &ops, .driver = &driver, .vqs = &vq, .nr_vqs = 1,
				       .features = event_idx ? BIT(VIRTIO_F_EVENT_IDX) : 0 };
	free(host_page);
	free(vq.chain);
	CHECK_EQ(virtqueue_init(&vq, &vdev, 3, NUM, "test"), 0);
	vq.notify = &notified;
	notified = 0;
	resets = 0;
	dev_avail = dev_used = 0;
}

/* The model: the head of the next offered chain, or -1. */
static int dev_take(void)
{
	return dev_avail == vq.avail->idx ? -1 : vq.avail->ring[dev_avail++ % NUM];
}

static void dev_give(u32 id, u32 len)
{
	vq.used->ring[dev_used % NUM] = (struct vring_used_elem){ id, len };
	vq.used->idx = ++dev_used;
}

static int add(unsigned int out, unsigned int in, long token)
{
	struct virtio_buf bufs[NUM];

	for (unsigned int i = 0; i < out + in; i++)
		bufs[i] = (struct virtio_buf){ 0x1000 * (u64)token + i, 100 + i };
	return virtqueue_add(&vq, bufs, out, in, (void *)token);
}

static long get(u32 *len) { return (long)virtqueue_get_buf(&vq, len); }

TEST(a_chain_is_what_was_offered)
{
	start_ring(true);
	CHECK_EQ(add(2, 1, 5), 0);
	int head = dev_take();
	const struct vring_desc *d = &vq.desc[head];

	CHECK(d->addr == 0x5000 && d->len == 100 && d->flags == VRING_DESC_F_NEXT);
	d = &vq.desc[d->next];
	CHECK(d->addr == 0x5001 && d->len == 101 && d->flags == VRING_DESC_F_NEXT);
	d = &vq.desc[d->next];
	CHECK(d->addr == 0x5002 && d->len == 102 && d->flags == VRING_DESC_F_WRITE);
	CHECK_EQ(dev_take(), -1);
	CHECK_EQ(vq.num_free, NUM - 3);
}

TEST(a_single_buffer_to_write_is_a_chain_of_one)
{
	u32 len;

	start_ring(true);
	CHECK_EQ(virtqueue_add_inbuf(&vq, 0x7000, 77, (void *)6), 0);
	int head = dev_take();

	CHECK(vq.desc[head].addr == 0x7000 && vq.desc[head].len == 77 && vq.desc[head].flags == VRING_DESC_F_WRITE);
	CHECK_EQ(vq.num_free, NUM - 1);
	dev_give((u32)head, 77);
	CHECK_EQ(get(&len), 6);
	CHECK_EQ(len, 77);
}

TEST(nothing_comes_back_before_the_device_gives_it)
{
	u32 len;

	start_ring(true);
	CHECK_EQ(get(&len), 0);
	CHECK_EQ(add(1, 0, 1), 0);
	CHECK_EQ(get(&len), 0);
	dev_give((u32)dev_take(), 0);
	CHECK_EQ(get(&len), 1);
	CHECK_EQ(get(&len), 0);
}

TEST(a_full_ring_refuses_and_stays_whole)
{
	start_ring(true);
	for (int i = 0; i < NUM / 2; i++)
		CHECK_EQ(add(1, 1, i + 1), 0);
	CHECK_EQ(add(1, 0, 99), -ENOSPC);
	CHECK_EQ(vq.num_free, 0);
	for (int i = 0; i < NUM / 2; i++)
		CHECK(dev_take() >= 0);
	CHECK_EQ(dev_take(), -1);
}

TEST(chains_of_all_sizes_in_any_order_for_longer_than_the_indexes_last)
{
	long pending[NUM];
	u32 in_len[NUM], len;
	int heads[NUM], n = 0;

	start_ring(true);
	for (long step = 1; step < 300000; step++) {
		unsigned int out = host_random() % 3, in = out ? host_random() % 3 : 1;

		if (out + in <= vq.num_free && n < NUM) {
			CHECK_EQ(add(out, in, step), 0);
			heads[n] = dev_take();
			pending[n] = step;
			in_len[n++] = in == 0 ? 0 : in == 1 ? 100 + out : 201 + 2 * out;
		} else {
			CHECK_EQ(add(vq.num_free + 1U, 0, 1), -ENOSPC);
		}
		if (host_random() % 2 && n) {
			int i = (int)(host_random() % (u64)n);

			dev_give((u32)heads[i], in_len[i]);
			CHECK_EQ(get(&len), pending[i]);
			CHECK_EQ(len, in_len[i]);
			heads[i] = heads[--n];
			pending[i] = pending[n];
			in_len[i] = in_len[n];
		}
	}
	CHECK(!vq.broken);
}

TEST(the_device_is_notified_once_for_a_batch)
{
	start_ring(false);
	CHECK_EQ(add(1, 0, 1), 0);
	CHECK_EQ(add(1, 0, 2), 0);
	CHECK_EQ(notified, 0);
	virtqueue_kick(&vq);
	CHECK_EQ(notified, 3);
	notified = 0;
	virtqueue_kick(&vq);
	CHECK_EQ(notified, 0);
}

TEST(a_device_that_does_not_want_to_know_is_not_notified)
{
	start_ring(false);
	vq.used->flags = VRING_USED_F_NO_NOTIFY;
	CHECK_EQ(add(1, 0, 1), 0);
	virtqueue_kick(&vq);
	CHECK_EQ(notified, 0);
}

TEST(the_event_index_decides_about_notifications)
{
	start_ring(true);
	*virtqueue_avail_event(&vq) = 1;	/* when the second is there */
	CHECK_EQ(add(1, 0, 1), 0);
	virtqueue_kick(&vq);
	CHECK_EQ(notified, 0);
	CHECK_EQ(add(1, 0, 2), 0);
	virtqueue_kick(&vq);
	CHECK_EQ(notified, 3);
}

TEST(enable_cb_asks_for_the_next_and_tells_if_it_is_there)
{
	u32 len;

	start_ring(true);
	CHECK_EQ(add(1, 0, 1), 0);
	CHECK_EQ(add(1, 0, 2), 0);
	CHECK(virtqueue_enable_cb(&vq));
	CHECK_EQ(*virtqueue_used_event(&vq), 0);
	dev_give((u32)dev_take(), 0);
	CHECK(!virtqueue_enable_cb(&vq));
	CHECK_EQ(get(&len), 1);
	CHECK(virtqueue_enable_cb(&vq));
	CHECK_EQ(*virtqueue_used_event(&vq), 1);
}

TEST(a_wish_made_before_the_queue_is_given_up_keeps_a_later_one)
{
	u32 len;

	start_ring(true);
	CHECK_EQ(add(1, 0, 1), 0);
	CHECK_EQ(add(1, 0, 2), 0);
	/* One CPU asks and gives the queue up; the other takes what comes, and asks for what comes next. */
	u16 seen = virtqueue_enable_cb_prepare(&vq);

	dev_give((u32)dev_take(), 0);
	CHECK_EQ(get(&len), 1);
	CHECK(virtqueue_enable_cb(&vq));
	CHECK(virtqueue_poll(&vq, seen));
	CHECK_EQ(*virtqueue_used_event(&vq), 1);
}

TEST(enable_cb_delayed_asks_for_most_of_them)
{
	start_ring(true);
	for (int i = 0; i < NUM; i++)
		CHECK_EQ(add(1, 0, i + 1), 0);
	CHECK(virtqueue_enable_cb_delayed(&vq));
	CHECK_EQ(*virtqueue_used_event(&vq), NUM * 3 / 4);
	for (int i = 0; i < NUM; i++)
		dev_give((u32)dev_take(), 0);
	CHECK(!virtqueue_enable_cb_delayed(&vq));
}

TEST(a_buffer_number_out_of_range_breaks_the_queue)
{
	u32 len;

	start_ring(true);
	CHECK_EQ(add(1, 0, 1), 0);
	dev_give(NUM, 0);
	CHECK_EQ(get(&len), 0);
	CHECK(vq.broken);
	CHECK_EQ(resets, 1);
	CHECK_EQ(add(1, 0, 2), -EIO);
}

TEST(a_buffer_given_twice_breaks_the_queue)
{
	u32 len;
	int head;

	start_ring(true);
	CHECK_EQ(add(1, 1, 1), 0);
	head = dev_take();
	dev_give((u32)head, 0);
	dev_give((u32)head, 0);
	CHECK_EQ(get(&len), 1);
	CHECK_EQ(get(&len), 0);
	CHECK(vq.broken);
}

TEST(the_middle_of_a_chain_is_not_its_head)
{
	u32 len;

	start_ring(true);
	CHECK_EQ(add(2, 0, 1), 0);
	dev_give(vq.desc[dev_take()].next, 0);
	CHECK_EQ(get(&len), 0);
	CHECK(vq.broken);
}

TEST(more_bytes_than_the_buffer_has_break_the_queue)
{
	u32 len;

	start_ring(true);
	CHECK_EQ(add(1, 1, 1), 0);
	dev_give((u32)dev_take(), 102);
	CHECK_EQ(get(&len), 0);
	CHECK(vq.broken);
}

TEST(descriptors_scribbled_over_by_the_device_do_no_harm)
{
	u32 len;

	start_ring(true);
	CHECK_EQ(add(2, 1, 1), 0);
	for (int i = 0; i < NUM; i++)
		vq.desc[i].next = 0xffff;
	dev_give((u32)dev_take(), 0);
	CHECK_EQ(get(&len), 1);
	for (int i = 0; i < NUM; i++)
		CHECK_EQ(add(1, 0, i + 1), 0);
	CHECK_EQ(add(1, 0, 99), -ENOSPC);
}

TEST(a_broken_queue_gives_its_tokens_back)
{
	long sum = 0, t;

	start_ring(true);
	CHECK_EQ(add(2, 1, 1), 0);
	CHECK_EQ(add(1, 0, 2), 0);
	CHECK_EQ(add(0, 1, 4), 0);
	virtqueue_break(&vq, "for the test");
	while ((t = (long)virtqueue_detach(&vq)) != 0)
		sum += t;
	CHECK_EQ(sum, 7);
	CHECK_EQ(vq.num_free, NUM);
}

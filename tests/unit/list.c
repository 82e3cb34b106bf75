/* tests/unit/list.c - doubly linked lists and hash buckets. */
#include "tests/unit/host.h"
#include "kernel/list.h"

struct item { int n; struct list_head list; struct hlist_node hash; };
static struct item items[8];

static void check_list(struct list_head *head, const char *digits)
{
	struct item *it;
	const char *d = digits;

	list_for_each_entry(it, head, list) {
		CHECK(*d);
		CHECK_EQ(it->n, *d++ - '0');
	}
	CHECK_EQ(*d, 0);
	list_for_each_entry_reverse(it, head, list)
		CHECK_EQ(it->n, *--d - '0');
	CHECK(d == digits);
}

static void fill(struct list_head *head, int from, int to)
{
	INIT_LIST_HEAD(head);
	for (int i = from; i < to; i++) {
		items[i].n = i;
		list_add_tail(&items[i].list, head);
	}
}

TEST(adding_at_both_ends)
{
	LIST_HEAD(head);

	CHECK(list_empty(&head));
	fill(&head, 0, 3);
	check_list(&head, "012");
	items[7].n = 7;
	list_add(&items[7].list, &head);
	check_list(&head, "7012");
	CHECK(!list_is_singular(&head) && list_is_last(&items[2].list, &head));
	CHECK(list_first_entry(&head, struct item, list) == &items[7]);
}

TEST(removal_leaves_links_that_fault)
{
	LIST_HEAD(head);

	fill(&head, 0, 3);
	list_del(&items[1].list);
	check_list(&head, "02");
	CHECK(!items[1].list.next && !items[1].list.prev);
	list_del_init(&items[0].list);
	CHECK(list_empty(&items[0].list) && list_is_singular(&head));
	list_del_init_careful(&items[2].list);
	CHECK(list_empty_careful(&head) && list_empty_careful(&items[2].list));
	CHECK(!list_first_entry_or_null(&head, struct item, list));
}

TEST(moving_and_splicing)
{
	LIST_HEAD(a);
	LIST_HEAD(b);

	fill(&a, 0, 3);
	fill(&b, 3, 6);
	list_move(&items[2].list, &a);
	check_list(&a, "201");
	list_move_tail(&items[2].list, &b);
	check_list(&b, "3452");
	list_splice_tail_init(&a, &b);
	check_list(&b, "345201");
	CHECK(list_empty(&a));
	list_splice_init(&b, &a);
	check_list(&a, "345201");
	CHECK(list_empty(&b));
	list_splice_init(&b, &a);
	check_list(&a, "345201");
}

TEST(safe_iteration_survives_removal)
{
	struct item *it, *next;
	LIST_HEAD(head);

	fill(&head, 0, 6);
	list_for_each_entry_safe(it, next, &head, list)
		if (it->n % 2)
			list_del(&it->list);
	check_list(&head, "024");
}

TEST(hash_buckets)
{
	struct hlist_head head = HLIST_HEAD_INIT;
	struct hlist_node *n;
	struct item *it;
	int sum = 0;

	for (int i = 0; i < 5; i++) {
		items[i].n = i;
		INIT_HLIST_NODE(&items[i].hash);
		CHECK(hlist_unhashed(&items[i].hash));
		hlist_add_head(&items[i].hash, &head);
	}
	hlist_del_init(&items[4].hash);
	hlist_del_init(&items[2].hash);
	hlist_del_init(&items[2].hash);
	hlist_del_init(&items[0].hash);
	hlist_for_each_entry(it, &head, hash)
		sum = sum * 10 + it->n;
	CHECK_EQ(sum, 31);
	hlist_for_each_entry_safe(it, n, &head, hash)
		hlist_del_init(&it->hash);
	CHECK(hlist_empty(&head));
}

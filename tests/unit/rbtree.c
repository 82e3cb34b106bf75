/*
 * tests/unit/rbtree.c - red-black trees: the rules hold after every step of long random sequences.
 */
#include "tests/unit/host.h"
#include "kernel/lib/rbtree.c"

struct item { struct rb_node node; u64 key; bool in; };
enum { ITEMS = 400 };
static struct item items[ITEMS];

static bool insert(struct rb_root_cached *root, struct item *item)
{
	struct rb_node **link = &root->rb_root.rb_node, *parent = NULL;
	bool leftmost = true;

	while (*link) {
		parent = *link;
		if (item->key < rb_entry(parent, struct item, node)->key) {
			link = &parent->rb_left;
		} else {
			link = &parent->rb_right;
			leftmost = false;
		}
	}
	rb_link_node(&item->node, parent, link);
	rb_insert_color_cached(&item->node, root, leftmost);
	return leftmost;
}

/* Return: the number of black nodes on every way down from @n. */
static int check_node(const struct rb_node *n, const struct rb_node *parent)
{
	int left, right;

	if (!n)
		return 1;
	CHECK(parent_of(n) == parent);
	if (is_red(n))
		CHECK(!is_red(n->rb_left) && !is_red(n->rb_right));
	left = check_node(n->rb_left, n);
	right = check_node(n->rb_right, n);
	CHECK_EQ(left, right);
	return left + !is_red(n);
}

static void check_tree(const struct rb_root_cached *root, int count)
{
	struct rb_node *n, *prev = NULL;
	int seen = 0;

	CHECK(!is_red(root->rb_root.rb_node));
	check_node(root->rb_root.rb_node, NULL);
	CHECK(rb_first(&root->rb_root) == root->rb_leftmost);
	for (n = rb_first(&root->rb_root); n; prev = n, n = rb_next(n)) {
		CHECK(rb_prev(n) == prev);
		CHECK(!prev || rb_entry(prev, struct item, node)->key <=
				       rb_entry(n, struct item, node)->key);
		seen++;
	}
	CHECK(rb_last(&root->rb_root) == prev);
	CHECK_EQ(seen, count);
}

static void churn(u64 key_range, int steps)
{
	struct rb_root_cached root = RB_ROOT_CACHED;
	int count = 0;

	for (int i = 0; i < ITEMS; i++)
		items[i].in = false;
	for (int step = 0; step < steps; step++) {
		struct item *item = &items[host_random() % ITEMS];

		if (item->in) {
			rb_erase_cached(&item->node, &root);
			count--;
		} else {
			item->key = host_random() % key_range;
			insert(&root, item);
			count++;
		}
		item->in = !item->in;
		check_tree(&root, count);
	}
	for (int i = 0; i < ITEMS; i++)
		if (items[i].in)
			rb_erase_cached(&items[i].node, &root);
	CHECK(RB_EMPTY_ROOT(&root.rb_root) && !root.rb_leftmost);
}

TEST(rules_hold_under_random_insertion_and_erasure) { churn(U64_MAX, 4000); }
TEST(equal_keys_keep_the_rules) { churn(5, 2000); }

static void ordered(bool ascending)
{
	struct rb_root_cached root = RB_ROOT_CACHED;

	for (int i = 0; i < ITEMS; i++) {
		items[i].key = (u64)(ascending ? i : ITEMS - i);
		insert(&root, &items[i]);
		check_tree(&root, i + 1);
	}
	for (int i = 0; i < ITEMS; i++) {
		rb_erase_cached(&items[i].node, &root);
		check_tree(&root, ITEMS - 1 - i);
	}
}

TEST(ascending_insertion_stays_balanced) { ordered(true); }
TEST(descending_insertion_stays_balanced) { ordered(false); }

TEST(a_cleared_node_is_in_no_tree)
{
	RB_CLEAR_NODE(&items[0].node);
	CHECK(RB_EMPTY_NODE(&items[0].node));
	CHECK(!rb_next(&items[0].node) && !rb_prev(&items[0].node));
}

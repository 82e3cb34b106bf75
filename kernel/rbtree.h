/*
 * kernel/rbtree.h - red-black trees: ordered sets with insert, erase and walk in log n.
 *
 * Linux:   include/linux/rbtree.h (6.1)
 * Same:    the caller descends and compares; rb_link_node() and rb_insert_color() finish the
 *          insertion. rb_root_cached remembers the leftmost node.
 * Differs: 1. no augmented trees.
 * Locks:   none: the owner of the tree has one.
 * Walk:    epoll's interest set, VMAs, hrtimers, the out-of-order queue of TCP.
 */
#pragma once
#include "kernel/types.h"

struct rb_node {
	unsigned long __rb_parent_color;
	struct rb_node *rb_right;
	struct rb_node *rb_left;
} __aligned(8);
struct rb_root { struct rb_node *rb_node; };
struct rb_root_cached { struct rb_root rb_root; struct rb_node *rb_leftmost; };

#define RB_ROOT (struct rb_root){ NULL }
#define RB_ROOT_CACHED (struct rb_root_cached){ { NULL }, NULL }
#define rb_entry(p, type, m) container_of(p, type, m)
#define rb_entry_safe(p, type, m) ({ typeof(p) __p = (p); __p ? rb_entry(__p, type, m) : NULL; })
#define RB_EMPTY_ROOT(r) ((r)->rb_node == NULL)
#define RB_EMPTY_NODE(n) ((n)->__rb_parent_color == (unsigned long)(n))
#define RB_CLEAR_NODE(n) ((n)->__rb_parent_color = (unsigned long)(n))
#define rb_first_cached(r) ((r)->rb_leftmost)

/*
 * rb_insert_color - rebalance after rb_link_node(). rb_erase - take @node out; it stays the
 * caller's.
 */
void rb_insert_color(struct rb_node *node, struct rb_root *root);
void rb_erase(struct rb_node *node, struct rb_root *root);
/* rb_first, rb_last, rb_next, rb_prev - walk in order; NULL past the end. */
struct rb_node *rb_first(const struct rb_root *root);
struct rb_node *rb_last(const struct rb_root *root);
struct rb_node *rb_next(const struct rb_node *node);
struct rb_node *rb_prev(const struct rb_node *node);

static inline void rb_link_node(struct rb_node *node, struct rb_node *parent, struct rb_node **link)
{
	node->__rb_parent_color = (unsigned long)parent;
	node->rb_left = NULL;
	node->rb_right = NULL;
	*link = node;
}
/*
 * Trees with a cached leftmost node are queues (run queue, timers), and often hold one node: then there
 * is nothing to balance.
 */
#define RB_ONLY_NODE 1UL	/* __rb_parent_color of a root: no parent, black */
static inline void rb_insert_color_cached(struct rb_node *node, struct rb_root_cached *root,
					  bool leftmost)
{
	if (leftmost)
		root->rb_leftmost = node;
	if (root->rb_root.rb_node == node)
		node->__rb_parent_color = RB_ONLY_NODE;
	else
		rb_insert_color(node, &root->rb_root);
}
static inline void rb_erase_cached(struct rb_node *node, struct rb_root_cached *root)
{
	if (root->rb_leftmost == node) {
		if (root->rb_root.rb_node == node && !node->rb_right) {
			*root = RB_ROOT_CACHED;
			return;
		}
		root->rb_leftmost = rb_next(node);
	}
	rb_erase(node, &root->rb_root);
}

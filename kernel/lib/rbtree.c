/*
 * kernel/lib/rbtree.c - red-black trees: insert, erase, walk.
 *
 * Linux:   lib/rbtree.c (6.1)
 * Same:    interface; the parent's address and the colour share a word.
 * Differs: 1. the textbook's algorithm (Cormen et al., ch. 13), one rotation function for both
 *             sides.
 * Locks:   none: the owner of the tree has one.
 * Walk:    ep_insert(), find_vma(), hrtimers.
 *
 * The rules: the root is black; a red node has no red child; every way from a node down to a
 * missing child passes the same number of black nodes. So no way is more than twice as long as
 * another.
 */
#include "kernel/rbtree.h"

enum { RB_RED = 0, RB_BLACK = 1 };
enum side { LEFT, RIGHT };

static struct rb_node *parent_of(const struct rb_node *n)
{
	return (struct rb_node *)(n->__rb_parent_color & ~3UL);
}
static bool is_red(const struct rb_node *n) { return n && !(n->__rb_parent_color & RB_BLACK); }
static void set_red(struct rb_node *n) { n->__rb_parent_color &= ~(unsigned long)RB_BLACK; }
static void set_black(struct rb_node *n) { n->__rb_parent_color |= RB_BLACK; }
static void set_parent(struct rb_node *n, struct rb_node *parent)
{
	n->__rb_parent_color = (unsigned long)parent | (n->__rb_parent_color & RB_BLACK);
}
static struct rb_node **child(struct rb_node *n, enum side s)
{
	return s == LEFT ? &n->rb_left : &n->rb_right;
}
static enum side side_of(const struct rb_node *n, const struct rb_node *parent)
{
	return parent->rb_left == n ? LEFT : RIGHT;
}

/* What @old's parent (or the root) points to becomes @new, which may be NULL. */
static void replace_child(struct rb_node *parent, struct rb_node *old, struct rb_node *new,
			  struct rb_root *root)
{
	if (!parent)
		root->rb_node = new;
	else
		*child(parent, side_of(old, parent)) = new;
	if (new)
		set_parent(new, parent);
}

/* @n sinks to its side @s; its other child takes its place. Colours stay with the nodes. */
static void rotate(struct rb_node *n, enum side s, struct rb_root *root)
{
	struct rb_node *up = *child(n, !s);
	struct rb_node *moved = *child(up, s);

	replace_child(parent_of(n), n, up, root);
	*child(n, !s) = moved;
	if (moved)
		set_parent(moved, n);
	*child(up, s) = n;
	set_parent(n, up);
}

void rb_insert_color(struct rb_node *n, struct rb_root *root)
{
	struct rb_node *parent, *grand, *uncle;

	while ((parent = parent_of(n)) && is_red(parent)) {
		enum side s;

		grand = parent_of(parent); /* there is one: the root is black */
		s = side_of(parent, grand);
		uncle = *child(grand, !s);
		if (is_red(uncle)) {
			set_black(parent);
			set_black(uncle);
			set_red(grand);
			n = grand;
			continue;
		}
		if (side_of(n, parent) != s) {
			rotate(parent, s, root);
			parent = n;
		}
		set_black(parent);
		set_red(grand);
		rotate(grand, !s, root);
		break;
	}
	set_black(root->rb_node);
}

/* The way through @n, a child (or the missing child) of @parent, has one black node too few. */
static void erase_fixup(struct rb_node *n, struct rb_node *parent, struct rb_root *root)
{
	while (parent && !is_red(n)) {
		enum side s = n ? side_of(n, parent) : parent->rb_left ? RIGHT : LEFT;
		struct rb_node *sib = *child(parent, !s);

		if (is_red(sib)) {
			set_black(sib);
			set_red(parent);
			rotate(parent, s, root);
			sib = *child(parent, !s);
		}
		if (!is_red(sib->rb_left) && !is_red(sib->rb_right)) {
			set_red(sib);
			n = parent;
			parent = parent_of(n);
			continue;
		}
		if (!is_red(*child(sib, !s))) {
			set_black(*child(sib, s));
			set_red(sib);
			rotate(sib, !s, root);
			sib = *child(parent, !s);
		}
		if (is_red(parent))
			set_red(sib);
		else
			set_black(sib);
		set_black(parent);
		set_black(*child(sib, !s));
		rotate(parent, s, root);
		n = root->rb_node;
		break;
	}
	if (n)
		set_black(n);
}

/* @next, the successor of @node inside its right subtree, takes over @node's place and colour. */
static void take_place(struct rb_node *node, struct rb_node *next, struct rb_root *root)
{
	replace_child(parent_of(node), node, next, root);
	next->__rb_parent_color = node->__rb_parent_color;
	next->rb_left = node->rb_left;
	set_parent(next->rb_left, next);
	next->rb_right = node->rb_right;
	if (next->rb_right)
		set_parent(next->rb_right, next);
}

void rb_erase(struct rb_node *node, struct rb_root *root)
{
	struct rb_node *gone = node, *rest, *parent;
	bool lost_black;

	/* A node with two children swaps places with its successor, which has no left child. */
	if (node->rb_left && node->rb_right)
		for (gone = node->rb_right; gone->rb_left; )
			gone = gone->rb_left;
	rest = gone->rb_left ? gone->rb_left : gone->rb_right;
	parent = parent_of(gone);
	lost_black = !is_red(gone);
	replace_child(parent, gone, rest, root);
	if (gone != node) {
		if (parent == node)
			parent = gone;
		take_place(node, gone, root);
	}
	if (lost_black)
		erase_fixup(rest, parent, root);
}

static struct rb_node *outermost(struct rb_node *n, enum side s)
{
	while (n && *child(n, s))
		n = *child(n, s);
	return n;
}

struct rb_node *rb_first(const struct rb_root *root) { return outermost(root->rb_node, LEFT); }
struct rb_node *rb_last(const struct rb_root *root) { return outermost(root->rb_node, RIGHT); }

static struct rb_node *neighbor(const struct rb_node *node, enum side s)
{
	struct rb_node *n = (struct rb_node *)node, *parent;

	if (*child(n, s))
		return outermost(*child(n, s), !s);
	while ((parent = parent_of(n)) && side_of(n, parent) == s)
		n = parent;
	return parent;
}

struct rb_node *rb_next(const struct rb_node *node)
{
	return RB_EMPTY_NODE(node) ? NULL : neighbor(node, RIGHT);
}
struct rb_node *rb_prev(const struct rb_node *node)
{
	return RB_EMPTY_NODE(node) ? NULL : neighbor(node, LEFT);
}

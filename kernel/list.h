/*
 * kernel/list.h - doubly linked lists whose links live inside the elements.
 *
 * Linux:   include/linux/list.h (6.1)
 * Same:    list_head with its operations; hlist for hash buckets (a head of one pointer).
 * Differs: 1. list_del() leaves NULL links, so that a second list_del() faults at once.
 * Locks:   none: the owner of the list has one.
 * Walk:    wait queues, ready lists, sk_buff queues.
 */
#pragma once
#include "kernel/barrier.h"

struct list_head { struct list_head *next, *prev; };
#define LIST_HEAD_INIT(n) { &(n), &(n) }
#define LIST_HEAD(n) struct list_head n = LIST_HEAD_INIT(n)

static inline void INIT_LIST_HEAD(struct list_head *l)
{
	l->next = l;
	l->prev = l;
}
static inline void __list_add(struct list_head *n, struct list_head *prev, struct list_head *next)
{
	next->prev = n;
	n->next = next;
	n->prev = prev;
	WRITE_ONCE(prev->next, n);
}
static inline void list_add(struct list_head *n, struct list_head *head) { __list_add(n, head, head->next); }
static inline void list_add_tail(struct list_head *n, struct list_head *head) { __list_add(n, head->prev, head); }
static inline void __list_del(struct list_head *prev, struct list_head *next)
{
	next->prev = prev;
	WRITE_ONCE(prev->next, next);
}
static inline void list_del(struct list_head *e)
{
	__list_del(e->prev, e->next);
	e->next = NULL;
	e->prev = NULL;
}
static inline void list_del_init(struct list_head *e)
{
	__list_del(e->prev, e->next);
	INIT_LIST_HEAD(e);
}
static inline void list_move(struct list_head *e, struct list_head *head)
{
	__list_del(e->prev, e->next);
	list_add(e, head);
}
static inline void list_move_tail(struct list_head *e, struct list_head *head)
{
	__list_del(e->prev, e->next);
	list_add_tail(e, head);
}
static inline bool list_empty(const struct list_head *h) { return READ_ONCE(h->next) == h; }
/* Empty, and no list_del_init() under way on another CPU. */
static inline bool list_empty_careful(const struct list_head *h)
{
	struct list_head *next = smp_load_acquire(&h->next);

	return next == h && next == READ_ONCE(h->prev);
}
/* list_del_init() that pairs with list_empty_careful(): the element may be reused once that says true. */
static inline void list_del_init_careful(struct list_head *e)
{
	__list_del(e->prev, e->next);
	WRITE_ONCE(e->prev, e);
	smp_store_release(&e->next, e);
}
static inline bool list_is_singular(const struct list_head *h) { return !list_empty(h) && h->next == h->prev; }
static inline bool list_is_last(const struct list_head *e, const struct list_head *h) { return e->next == h; }
static inline void __list_splice(const struct list_head *l, struct list_head *prev, struct list_head *next)
{
	l->next->prev = prev;
	prev->next = l->next;
	l->prev->next = next;
	next->prev = l->prev;
}
static inline void list_splice(const struct list_head *l, struct list_head *head)
{
	if (!list_empty(l))
		__list_splice(l, head, head->next);
}
static inline void list_splice_init(struct list_head *l, struct list_head *head)
{
	list_splice(l, head);
	INIT_LIST_HEAD(l);
}
static inline void list_splice_tail_init(struct list_head *l, struct list_head *head)
{
	if (!list_empty(l))
		__list_splice(l, head->prev, head);
	INIT_LIST_HEAD(l);
}
#define list_entry(p, type, m) container_of(p, type, m)
#define list_first_entry(h, type, m) list_entry((h)->next, type, m)
#define list_last_entry(h, type, m) list_entry((h)->prev, type, m)
#define list_next_entry(p, m) list_entry((p)->m.next, typeof(*(p)), m)
#define list_first_entry_or_null(h, type, m) (list_empty(h) ? NULL : list_first_entry(h, type, m))
#define list_for_each(p, h) for ((p) = (h)->next; (p) != (h); (p) = (p)->next)
#define list_for_each_safe(p, n, h) for ((p) = (h)->next, (n) = (p)->next; (p) != (h); (p) = (n), (n) = (p)->next)
#define list_for_each_entry(p, h, m)								\
	for ((p) = list_first_entry(h, typeof(*(p)), m); &(p)->m != (h); (p) = list_next_entry(p, m))
#define list_for_each_entry_reverse(p, h, m)							\
	for ((p) = list_last_entry(h, typeof(*(p)), m); &(p)->m != (h); (p) = list_entry((p)->m.prev, typeof(*(p)), m))
#define list_for_each_entry_safe(p, n, h, m)							\
	for ((p) = list_first_entry(h, typeof(*(p)), m), (n) = list_next_entry(p, m);		\
	     &(p)->m != (h); (p) = (n), (n) = list_next_entry(n, m))

struct hlist_node { struct hlist_node *next, **pprev; };
struct hlist_head { struct hlist_node *first; };
#define HLIST_HEAD_INIT { NULL }
static inline void INIT_HLIST_NODE(struct hlist_node *n)
{
	n->next = NULL;
	n->pprev = NULL;
}
static inline bool hlist_unhashed(const struct hlist_node *n) { return !n->pprev; }
static inline bool hlist_empty(const struct hlist_head *h) { return !READ_ONCE(h->first); }
static inline void hlist_add_head(struct hlist_node *n, struct hlist_head *h)
{
	n->next = h->first;
	if (h->first)
		h->first->pprev = &n->next;
	h->first = n;
	n->pprev = &h->first;
}
static inline void hlist_del_init(struct hlist_node *n)
{
	if (hlist_unhashed(n))
		return;
	*n->pprev = n->next;
	if (n->next)
		n->next->pprev = n->pprev;
	INIT_HLIST_NODE(n);
}
#define hlist_entry(p, type, m) container_of(p, type, m)
#define hlist_entry_safe(p, type, m) ({ typeof(p) __p = (p); __p ? hlist_entry(__p, type, m) : NULL; })
#define hlist_for_each_entry(p, h, m)								\
	for ((p) = hlist_entry_safe((h)->first, typeof(*(p)), m); (p);				\
	     (p) = hlist_entry_safe((p)->m.next, typeof(*(p)), m))
#define hlist_for_each_entry_safe(p, n, h, m)							\
	for ((p) = hlist_entry_safe((h)->first, typeof(*(p)), m); (p) && ({ (n) = (p)->m.next; 1; });	\
	     (p) = hlist_entry_safe(n, typeof(*(p)), m))

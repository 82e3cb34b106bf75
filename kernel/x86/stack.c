/*
 * kernel/x86/stack.c - kernel stacks, each with an unmapped page below it.
 *
 * Linux:   kernel/fork.c with VMAP_STACK (6.1)
 * Same:    a stack that overflows faults instead of writing over its neighbour; a few freed ones are kept at hand.
 * Differs: 1. places are fixed slots of an area of their own; a bit map says which are taken.
 *          2. what is kept beyond KEEP_GLOBAL is unmapped by a work item, with one TLB flush for all.
 * Locks:   LEAF for slots and the common list; the stacks kept per CPU need interrupts off.
 * Walk:    kernel_clone() -> alloc_thread_stack();  put_task_struct() -> free_thread_stack().
 */
#include "kernel/errno.h"
#include "kernel/irqflags.h"
#include "kernel/lockdep.h"
#include "kernel/mm.h"
#include "kernel/preempt.h"
#include "kernel/spinlock.h"
#include "kernel/workqueue.h"
#include "kernel/x86/x86.h"

enum {
	NR_SLOTS = 32768, SLOT_SIZE = 2 * THREAD_SIZE, STACK_PAGES = THREAD_SIZE / 4096,
	KEEP_PER_CPU = 4, KEEP_GLOBAL = 16,
};

#define STACK_FLAGS (PTE_PRESENT | PTE_WRITE | PTE_NX)

/* The first words of a free stack. */
struct free_stack { struct free_stack *next; };
struct stack_cache { int count; void *stack[KEEP_PER_CPU]; };

static DEFINE_PER_CPU(struct stack_cache, stack_cache);
static DEFINE_SPINLOCK(stack_lock, LC_LEAF);
/* stack_lock */
static u64 slots_taken[NR_SLOTS / 64];
static unsigned int slot_hint;		/* words below are full */
static struct free_stack *free_stacks;
static int nr_free_stacks;

static void shrink_work_fn(struct work_struct *work);
static struct work_struct shrink_work = { .entry = LIST_HEAD_INIT(shrink_work.entry), .func = shrink_work_fn };

static void *slot_stack(unsigned int slot) { return (void *)(KSTACK_START + (u64)slot * SLOT_SIZE + THREAD_SIZE); }
static unsigned int stack_slot(const void *stack) { return (unsigned int)(((u64)stack - KSTACK_START) / SLOT_SIZE); }

/* Return: a slot, or -1 when all are taken. */
static int take_slot(void)
{
	unsigned long flags;
	int slot = -1;

	spin_lock_irqsave(&stack_lock, flags);
	for (unsigned int w = slot_hint; w < ARRAY_SIZE(slots_taken); w++) {
		if (~slots_taken[w] == 0)
			continue;
		slot = (int)(w * 64) + __builtin_ctzl(~slots_taken[w]);
		slots_taken[w] |= BIT(slot % 64);
		slot_hint = w;
		break;
	}
	spin_unlock_irqrestore(&stack_lock, flags);
	return slot;
}

static void give_slot(unsigned int slot)
{
	unsigned long flags;

	spin_lock_irqsave(&stack_lock, flags);
	slots_taken[slot / 64] &= ~BIT(slot % 64);
	slot_hint = min(slot_hint, slot / 64);
	spin_unlock_irqrestore(&stack_lock, flags);
}

/* The first @nr pages of @stack: out of the map. They go on @pages, for when no CPU remembers them. */
static void unmap_stack(void *stack, int nr, struct list_head *pages)
{
	for (int i = 0; i < nr; i++) {
		u64 va = (u64)stack + (u64)i * PAGE_SIZE;

		list_add(&phys_to_page(virt_to_phys_any((void *)va))->lru, pages);
		kernel_unmap_page(va);
	}
}

static void free_pages_list(struct list_head *pages)
{
	struct page *page, *next;

	list_for_each_entry_safe(page, next, pages, lru)
		free_pages(page, 0);
}

static void *map_new_stack(void)
{
	LIST_HEAD(pages);
	int slot = take_slot(), i;
	void *stack;

	if (slot < 0)
		return NULL;
	stack = slot_stack((unsigned int)slot);
	for (i = 0; i < STACK_PAGES; i++) {
		struct page *page = alloc_page(GFP_KERNEL);

		if (!page)
			goto out_unmap;
		if (kernel_map_page((u64)stack + (u64)i * PAGE_SIZE, page_to_phys(page), STACK_FLAGS)) {
			free_pages(page, 0);
			goto out_unmap;
		}
	}
	return stack;

out_unmap:
	/* Nobody has touched them through this mapping: no translation is cached, no flush needed. */
	unmap_stack(stack, i, &pages);
	free_pages_list(&pages);
	give_slot((unsigned int)slot);
	return NULL;
}

static void *pop_global(void)
{
	struct free_stack *s;
	unsigned long flags;

	spin_lock_irqsave(&stack_lock, flags);
	s = free_stacks;
	if (s) {
		free_stacks = s->next;
		nr_free_stacks--;
	}
	spin_unlock_irqrestore(&stack_lock, flags);
	return s;
}

/* Return: how many are on the common list now. */
static int push_global(struct free_stack *s)
{
	unsigned long flags;
	int n;

	spin_lock_irqsave(&stack_lock, flags);
	s->next = free_stacks;
	free_stacks = s;
	n = ++nr_free_stacks;
	spin_unlock_irqrestore(&stack_lock, flags);
	return n;
}

/* All but KEEP_GLOBAL / 2 of the common list, as a list. */
static struct free_stack *take_surplus(void)
{
	struct free_stack *list = NULL, *s;
	unsigned long flags;

	spin_lock_irqsave(&stack_lock, flags);
	while (nr_free_stacks > KEEP_GLOBAL / 2) {
		s = free_stacks;
		free_stacks = s->next;
		nr_free_stacks--;
		s->next = list;
		list = s;
	}
	spin_unlock_irqrestore(&stack_lock, flags);
	return list;
}

/*
 * A slot becomes free only when no CPU remembers its pages: until the flush its number waits in the index of the
 * struct page of its lowest page (plus one; 0 in the other pages).
 */
static void shrink_work_fn(__unused struct work_struct *work)
{
	struct free_stack *s, *next;
	struct page *page;
	LIST_HEAD(pages);

	for (s = take_surplus(); s; s = next) {
		next = s->next;
		for (int i = 0; i < STACK_PAGES; i++)
			phys_to_page(virt_to_phys_any((u8 *)s + (u64)i * PAGE_SIZE))->index = i ? 0 : stack_slot(s) + 1;
		unmap_stack(s, STACK_PAGES, &pages);
	}
	flush_tlb_kernel();
	list_for_each_entry(page, &pages, lru)
		if (page->index)
			give_slot((unsigned int)page->index - 1);
	free_pages_list(&pages);
}

void *alloc_thread_stack(void)
{
	struct stack_cache *c;
	unsigned long flags;
	void *stack = NULL;

	local_irq_save(flags);
	c = this_cpu_ptr(&stack_cache);
	if (c->count)
		stack = c->stack[--c->count];
	local_irq_restore(flags);
	if (!stack)
		stack = pop_global();
	return stack ? stack : map_new_stack();
}

void free_thread_stack(void *stack)
{
	struct stack_cache *c;
	unsigned long flags;

	local_irq_save(flags);
	c = this_cpu_ptr(&stack_cache);
	if (c->count < KEEP_PER_CPU) {
		c->stack[c->count++] = stack;
		stack = NULL;
	}
	local_irq_restore(flags);
	if (stack && push_global(stack) > KEEP_GLOBAL)
		schedule_work(&shrink_work);
}

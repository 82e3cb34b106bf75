/*
 * kernel/boot/boot_info.c - what the boot loader told, from either of its two formats, as one plain struct.
 *
 * Linux:   arch/x86/kernel/e820.c, setup.c, arch/x86/platform/pvh/enlighten.c (6.1)
 * Same:    the memory map is sorted, and what overlaps or touches is merged, before anybody reads it.
 * Differs: 1. only usable ranges are kept: nothing here asks what the others are.
 *          2. GRUB's copy of the RSDP is copied once more, since the memory it lies in will be used.
 * Locks:   none.
 * Walk:    x86_start() -> boot_info_init();  mem_init() reads boot_info.
 */
#include "kernel/boot.h"
#include "kernel/boot/multiboot2.h"
#include "kernel/boot/pvh.h"
#include "kernel/bug.h"
#include "kernel/sections.h"
#include "kernel/string.h"

enum { RSDP_MAX = 36 };			/* ACPI 6.4, 5.2.5.3 */
#define BOOT_MAPPED_END (4 * GIB)	/* kernel/boot/start.asm */

struct boot_info boot_info;
static u8 rsdp_copy[RSDP_MAX] __aligned(8);

static u64 range_size(int i) { return boot_info.mem[i].end - boot_info.mem[i].start; }

static void remove_range(int i)
{
	struct boot_mem_range *r = &boot_info.mem[i];

	boot_info.nr_mem--;
	memmove(r, r + 1, (size_t)(boot_info.nr_mem - i) * sizeof(*r));
}

static int smallest_range(void)
{
	int least = 0;

	for (int i = 1; i < boot_info.nr_mem; i++)
		if (range_size(i) < range_size(least))
			least = i;
	return least;
}

/* Room for a range at @i; when the table is full, the smallest range is given up for it. */
static int insert_range(int i, phys_addr_t start, phys_addr_t end)
{
	struct boot_mem_range *r;

	if (boot_info.nr_mem == (int)ARRAY_SIZE(boot_info.mem)) {
		int least = smallest_range();

		remove_range(least);
		if (least < i)
			i--;
	}
	r = &boot_info.mem[i];
	memmove(r + 1, r, (size_t)(boot_info.nr_mem - i) * sizeof(*r));
	*r = (struct boot_mem_range){ start, end };
	boot_info.nr_mem++;
	return i;
}

/* Whole pages only, and nothing of what firmware and the start of the other CPUs need at the bottom. */
static void add_range(u64 addr, u64 size)
{
	phys_addr_t start = max(ALIGN(addr, PAGE_SIZE), (u64)LOW_MEMORY_END);
	phys_addr_t end = ALIGN_DOWN(addr + size, PAGE_SIZE);
	int i = 0;

	if (addr + size < addr || start >= end)
		return;
	while (i < boot_info.nr_mem && boot_info.mem[i].end < start)
		i++;
	if (i == boot_info.nr_mem || boot_info.mem[i].start > end) {
		insert_range(i, start, end);
		return;
	}
	boot_info.mem[i].start = min(boot_info.mem[i].start, start);
	boot_info.mem[i].end = max(boot_info.mem[i].end, end);
	while (i + 1 < boot_info.nr_mem && boot_info.mem[i + 1].start <= boot_info.mem[i].end) {
		boot_info.mem[i].end = max(boot_info.mem[i].end, boot_info.mem[i + 1].end);
		remove_range(i + 1);
	}
}

/* [@start, @end) lies inside range @i: cut it out. */
static void cut_range(int i, phys_addr_t start, phys_addr_t end)
{
	struct boot_mem_range old = boot_info.mem[i];

	remove_range(i);
	if (end < old.end)
		i = insert_range(i, end, old.end);
	if (old.start < start)
		insert_range(i, old.start, start);
}

/* The highest address in [@start, @end) where @size bytes are free of kernel and initrd; 0 if there is none. */
static phys_addr_t find_room(phys_addr_t start, phys_addr_t end, size_t size)
{
	phys_addr_t at;

	if (end > BOOT_MAPPED_END)
		end = BOOT_MAPPED_END;
	for (;;) {
		if (end < start + size)
			return 0;
		at = end - size;
		if (at < boot_info.initrd_end && end > boot_info.initrd_start)
			end = ALIGN_DOWN(boot_info.initrd_start, PAGE_SIZE);
		else if (at < boot_info.kernel_end && end > boot_info.kernel_start)
			end = boot_info.kernel_start;
		else
			return at;
	}
}

phys_addr_t boot_mem_take(size_t size)
{
	for (int i = boot_info.nr_mem - 1; i >= 0; i--) {
		phys_addr_t at = find_room(boot_info.mem[i].start, boot_info.mem[i].end, size);

		if (!at)
			continue;
		cut_range(i, at, at + size);
		return (phys_addr_t)virt_to_phys(memset(phys_to_virt(at), 0, size));
	}
	panic("no memory for the first page tables");
}

static void read_pvh(const struct pvh_start_info *si)
{
	const struct pvh_memmap_entry *map = phys_to_virt(si->memmap_pa);

	if (si->magic != PVH_START_MAGIC || si->version < 1 || !si->memmap_pa)
		panic("PVH start information without a memory map");
	for (u32 i = 0; i < si->memmap_entries; i++)
		if (map[i].type == PVH_MEMMAP_TYPE_RAM)
			add_range(map[i].addr, map[i].size);
	if (si->cmdline_pa)
		strscpy(boot_info.cmdline, phys_to_virt(si->cmdline_pa), sizeof(boot_info.cmdline));
	if (si->nr_modules) {
		const struct pvh_module *m = phys_to_virt(si->modlist_pa);

		boot_info.initrd_start = m->pa;
		boot_info.initrd_end = m->pa + m->size;
	}
	boot_info.rsdp = si->rsdp_pa;
}

static void read_mb2_memmap(const struct mb2_memmap *m)
{
	const u8 *end = (const u8 *)m + m->tag.size;

	for (const u8 *p = m->entries; p + m->entry_size <= end; p += m->entry_size) {
		const struct mb2_memmap_entry *e = (const struct mb2_memmap_entry *)p;

		if (e->type == MB2_MEMMAP_TYPE_RAM)
			add_range(e->addr, e->size);
	}
}

static void copy_rsdp(const struct mb2_rsdp *r)
{
	memcpy(rsdp_copy, r->rsdp, min(r->tag.size - sizeof(r->tag), sizeof(rsdp_copy)));
	boot_info.rsdp = virt_to_phys(rsdp_copy);
}

static void read_mb2_tag(const struct mb2_tag *tag)
{
	const struct mb2_module *m = (const struct mb2_module *)tag;

	switch (tag->type) {
	case MB2_CMDLINE:
		strscpy(boot_info.cmdline, ((const struct mb2_cmdline *)tag)->text, sizeof(boot_info.cmdline));
		break;
	case MB2_MODULE:
		if (boot_info.initrd_end)
			break;
		boot_info.initrd_start = m->start_pa;
		boot_info.initrd_end = m->end_pa;
		break;
	case MB2_MEMMAP:
		read_mb2_memmap((const struct mb2_memmap *)tag);
		break;
	case MB2_RSDP_V1:
	case MB2_RSDP_V2:
		/* The newer one comes last, and is the better one. */
		copy_rsdp((const struct mb2_rsdp *)tag);
		break;
	}
}

static void read_multiboot2(const struct mb2_info *info)
{
	const u8 *p = (const u8 *)(info + 1), *end = (const u8 *)info + info->total_size;

	while (p + sizeof(struct mb2_tag) <= end) {
		const struct mb2_tag *tag = (const struct mb2_tag *)p;

		if (tag->type == MB2_END || tag->size < sizeof(*tag))
			break;
		read_mb2_tag(tag);
		p += ALIGN(tag->size, 8U);
	}
}

void boot_info_init(u32 magic, phys_addr_t info_pa)
{
	boot_info.kernel_start = virt_to_phys(__kernel_start);
	boot_info.kernel_end = virt_to_phys(__kernel_end);
	if (magic == MB2_BOOT_MAGIC)
		read_multiboot2(phys_to_virt(info_pa));
	else
		read_pvh(phys_to_virt(info_pa));
	if (!boot_info.nr_mem)
		panic("the boot loader reports no memory");
}

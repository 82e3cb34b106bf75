/*
 * kernel/io.h - device registers: ports and memory-mapped.
 *
 * Linux:   asm/io.h (6.1)
 * Same:    names.
 * Differs: 1. write-back memory and uncached MMIO only: nothing is write-combining.
 * Locks:   none.
 * Walk:    drivers.
 */
#pragma once
#include "kernel/barrier.h"

static inline void outb(u8 v, u16 port) { __asm__ __volatile__("outb %0, %1" :: "a"(v), "Nd"(port)); }
static inline void outw(u16 v, u16 port) { __asm__ __volatile__("outw %0, %1" :: "a"(v), "Nd"(port)); }
static inline void outl(u32 v, u16 port) { __asm__ __volatile__("outl %0, %1" :: "a"(v), "Nd"(port)); }
static inline u8 inb(u16 port) { u8 v; __asm__ __volatile__("inb %1, %0" : "=a"(v) : "Nd"(port)); return v; }
static inline u16 inw(u16 port) { u16 v; __asm__ __volatile__("inw %1, %0" : "=a"(v) : "Nd"(port)); return v; }
static inline u32 inl(u16 port) { u32 v; __asm__ __volatile__("inl %1, %0" : "=a"(v) : "Nd"(port)); return v; }

static inline u8 readb(const volatile void *a) { return *(const volatile u8 *)a; }
static inline u16 readw(const volatile void *a) { return *(const volatile u16 *)a; }
static inline u32 readl(const volatile void *a) { return *(const volatile u32 *)a; }
static inline u64 readq(const volatile void *a) { return *(const volatile u64 *)a; }
static inline void writeb(u8 v, volatile void *a) { barrier(); *(volatile u8 *)a = v; }
static inline void writew(u16 v, volatile void *a) { barrier(); *(volatile u16 *)a = v; }
static inline void writel(u32 v, volatile void *a) { barrier(); *(volatile u32 *)a = v; }
static inline void writeq(u64 v, volatile void *a) { barrier(); *(volatile u64 *)a = v; }

/*
 * ioremap - @size bytes of device memory at @pa, uncached, not executable. Return: NULL when out of
 * memory. Context: task. Never unmapped.
 */
void *ioremap(phys_addr_t pa, size_t size);

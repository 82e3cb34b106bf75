;
; kernel/boot/header.asm - how boot loaders recognise the kernel: a Multiboot2 header for GRUB, a PVH note for QEMU.
;
; Linux:   arch/x86/boot/header.S, the Xen notes of arch/x86/platform/pvh/head.S (6.1)
; Same:    the PVH note.
; Differs: 1. Multiboot2 instead of the bzImage protocol: one ELF file serves both, and needs no unpacking.
; Locks:   none.
; Walk:    GRUB -> multiboot2_entry;  QEMU -kernel -> pvh_entry.
;
%include "kernel/boot/layout.inc"
bits 32
extern multiboot2_entry
extern pvh_entry

MB2_MAGIC	equ 0xe85250d6		; Multiboot2 specification 3.1.1
MB2_ARCH_I386	equ 0			; 32-bit protected mode, from BIOS and from UEFI alike
MB2_TAG_ENTRY	equ 3
MB2_TAG_ALIGN	equ 6

section .boot.header progbits alloc noexec nowrite align=8
header:
	dd MB2_MAGIC, MB2_ARCH_I386, header_end - header
	dd -(MB2_MAGIC + MB2_ARCH_I386 + (header_end - header))
	dw MB2_TAG_ENTRY, 0
	dd 12
	dd PA(multiboot2_entry)
	align 8, db 0
	dw MB2_TAG_ALIGN, 0		; modules on page borders
	dd 8
	dw 0, 0				; the end tag
	dd 8
header_end:

XEN_ELFNOTE_PHYS32_ENTRY equ 18		; xen/include/public/elfnote.h
section .note.pvh note alloc noexec nowrite align=4
	dd 4, 4, XEN_ELFNOTE_PHYS32_ENTRY
	db "Xen", 0
	dd PA(pvh_entry)

;
; kernel/boot/start.asm - from the boot loader's 32-bit mode to C in the higher half.
;
; Linux:   arch/x86/kernel/head_64.S, arch/x86/platform/pvh/head.S (6.1)
; Same:    page tables that map the start both where it is loaded and where it is linked.
; Differs: 1. one path for both loaders: they hand over the same machine state and differ in what ebx points to.
; Locks:   none: one CPU, interrupts off.
; Walk:    multiboot2_entry or pvh_entry -> x86_start() (kernel/x86/setup.c).
;
; The first tables map physical 0 .. 4 GiB three times: at 0, at PAGE_OFFSET, and its first GiB at KERNEL_BASE. All
; that a loader hands over lies below 4 GiB. paging_init() replaces them; CPUs that start later use them for a moment.
;
%include "kernel/boot/layout.inc"
extern x86_start

global multiboot2_entry:function
global pvh_entry:function
global boot_pml4:data
global boot_stack:data
global boot_stack_guard:data

BOOT_PDS		equ 4		; GiB mapped
ENTRY_TABLE		equ 3		; present, writable
ENTRY_2M		equ 0x83	; present, writable, 2 MiB page
COM1			equ 0x3f8

section .boot.text progbits alloc exec nowrite align=16
bits 32

; Multiboot2: eax = 0x36d76289, ebx = its information. Interrupts off, paging off, no stack.
multiboot2_entry:
	mov	ebp, eax
	jmp	start32

; PVH: ebx = struct hvm_start_info. The same state; the magic number 0 tells x86_start() which it was.
pvh_entry:
	xor	ebp, ebp

start32:
	cli
	cld
	mov	esp, PA(boot_stack_end)
	mov	edi, ebx
	mov	eax, 0x80000000
	cpuid
	cmp	eax, 0x80000001
	jb	no_long_mode
	mov	eax, 0x80000001
	cpuid
	and	edx, CPUID_BITS
	cmp	edx, CPUID_BITS
	jne	no_long_mode
	call	make_tables

	mov	eax, cr4
	or	eax, CR4_PAE
	mov	cr4, eax
	mov	eax, PA(boot_pml4)
	mov	cr3, eax
	mov	ecx, MSR_EFER
	rdmsr
	or	eax, EFER_BITS
	wrmsr
	mov	eax, cr0
	or	eax, CR0_PG | CR0_PE
	mov	cr0, eax
	lgdt	[PA(boot_gdtr32)]
	jmp	0x10:PA(start64)

; In: nothing. Changes eax, ecx, edx.
make_tables:
	mov	dword [PA(boot_pml4)], PA(boot_pdpt) + ENTRY_TABLE
	mov	dword [PA(boot_pml4) + PAGE_OFFSET_PML4_INDEX * 8], PA(boot_pdpt) + ENTRY_TABLE
	mov	dword [PA(boot_pml4) + KERNEL_PML4_INDEX * 8], PA(boot_pdpt_high) + ENTRY_TABLE
	mov	dword [PA(boot_pdpt_high) + KERNEL_PDPT_INDEX * 8], PA(boot_pd) + ENTRY_TABLE
	mov	eax, PA(boot_pd) + ENTRY_TABLE
	xor	ecx, ecx
.pdpt:
	mov	[PA(boot_pdpt) + ecx * 8], eax
	add	eax, 4096
	inc	ecx
	cmp	ecx, BOOT_PDS
	jb	.pdpt
	mov	eax, ENTRY_2M
	xor	ecx, ecx
.pd:
	mov	[PA(boot_pd) + ecx * 8], eax
	add	eax, 1 << 21
	inc	ecx
	cmp	ecx, BOOT_PDS * 512
	jb	.pd
	ret

no_long_mode:
	mov	esi, PA(no_long_mode_text)
.next:
	lodsb
	test	al, al
	jz	.stop
	mov	edx, COM1
	out	dx, al
	jmp	.next
.stop:
	hlt
	jmp	.stop

no_long_mode_text:
	db	"Pollux needs a 64-bit processor with NX (qemu-system-x86_64).", 10, 0

bits 64
start64:
	mov	eax, 0x18
	mov	ds, eax
	mov	es, eax
	mov	ss, eax
	xor	eax, eax
	mov	fs, eax
	mov	gs, eax
	mov	rax, start_high
	jmp	rax
start_high:
	mov	rsp, boot_stack_end
	mov	esi, edi		; 32 bits wide: the upper half becomes 0
	mov	edi, ebp
	xor	ebp, ebp		; back-traces end here
	call	x86_start
	ud2

align 8
boot_gdt:
	dq	0
	dq	0
	dq	0x00af9a000000ffff	; 0x10 kernel code, 64 bits: the selectors of kernel/arch.h
	dq	0x00cf92000000ffff	; 0x18 kernel data
boot_gdt_end:
boot_gdtr32:
	dw	boot_gdt_end - boot_gdt - 1
	dd	PA(boot_gdt)

section .bss.page nobits alloc noexec write align=4096
boot_pml4:		resb 4096
boot_pdpt:		resb 4096
boot_pdpt_high:		resb 4096
boot_pd:		resb 4096 * BOOT_PDS
boot_stack_guard:	resb 4096	; not mapped once paging_init() has run
boot_stack:		resb BOOT_STACK_SIZE
boot_stack_end:

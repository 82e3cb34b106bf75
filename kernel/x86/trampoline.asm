;
; kernel/x86/trampoline.asm - a CPU's way from its first instruction to C, for all CPUs but the first.
;
; Linux:   arch/x86/realmode/rm/trampoline_64.S, arch/x86/kernel/head_64.S (6.1)
; Same:    16-bit code in a page below 1 MiB, straight to long mode.
; Differs: 1. the boot CPU's first page tables serve again: they map this page where it lies.
; Locks:   none; any number of CPUs may run this at once.
; Walk:    start-up message -> trampoline_start (a copy at TRAMPOLINE_PA) -> ap_entry -> ap_start().
;
default abs
%include "kernel/boot/layout.inc"
extern ap_start
extern ap_stack_top
extern ap_apic_id
extern boot_pml4
extern kernel_pgd

NR_CPUS		equ 8			; kernel/config.h

section .rodata progbits alloc noexec nowrite align=16

; In: real mode, cs = TRAMPOLINE_PA >> 4, ip = 0, interrupts off. Copied there by smp.c's start_aps().
global trampoline_start:data
global trampoline_end:data
bits 16
trampoline_start:
	cli
	mov	ax, cs
	mov	ds, ax
	o32 lgdt [gdtr - trampoline_start]
	mov	eax, CR4_PAE
	mov	cr4, eax
	mov	eax, [pml4_pa - trampoline_start]
	mov	cr3, eax
	mov	ecx, MSR_EFER
	rdmsr
	or	eax, EFER_BITS
	wrmsr
	mov	eax, cr0
	and	eax, ~(3 << 29)		; caches on (CD, NW)
	or	eax, CR0_PG | CR0_WP | CR0_PE
	mov	cr0, eax
	jmp	dword 0x10:(TRAMPOLINE_PA + start64 - trampoline_start)
bits 64
start64:
	mov	rax, ap_entry
	jmp	rax

align 8
gdt:
	dq	0
	dq	0
	dq	0x00af9a000000ffff	; 0x10
gdt_end:
gdtr:
	dw	gdt_end - gdt - 1
	dd	TRAMPOLINE_PA + gdt - trampoline_start
pml4_pa:
	dd	PA(boot_pml4)
trampoline_end:

section .text.entry progbits alloc exec nowrite align=16
; In: long mode, boot_pml4 loaded, no stack. Finds its number by its APIC id; calls ap_start(cpu). The stack lies in the
; mapped area, which only the kernel's own tables show.
ap_entry:
	mov	eax, PA(kernel_pgd)
	mov	cr3, rax
	mov	eax, 1
	cpuid
	shr	ebx, 24
	xor	edi, edi
.next:
	inc	edi
	cmp	edi, NR_CPUS
	jae	.unknown
	cmp	[ap_apic_id + rdi * 4], ebx
	jne	.next
	mov	rsp, [ap_stack_top + rdi * 8]
	test	rsp, rsp
	jz	.unknown
	xor	ebp, ebp
	call	ap_start
.unknown:
	hlt
	jmp	.unknown

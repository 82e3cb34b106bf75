;
; kernel/x86/trap_entry.asm - the first and last instructions of exceptions and interrupts.
;
; Linux:   arch/x86/entry/entry_64.S (6.1)
; Same:    swapgs when the trap came from user mode; entries that can come anywhere (NMI, double fault, machine
;          check) use stacks of their own and find the gs base without trusting gs.
; Differs: 1. orig_rax is -1 in every trap and interrupt: it is no system call, nothing is restarted.
;          2. one C function for all rare exceptions, do_trap(); page faults and interrupts have their own.
; Locks:   none.
; Walk:    CPU -> irq_stubs -> do_irq() -> (preempt_schedule_irq() or exit_to_user_mode()) -> interrupted code.
;
default abs
bits 64
%include "kernel/x86/entry.inc"
extern do_trap
extern do_irq
extern do_page_fault
extern do_nmi
extern do_double_fault
extern do_machine_check
extern fixup_bad_iret
extern preempt_schedule_irq
extern return_to_user
extern user_iret

MSR_GS_BASE	equ 0xc0000101
STUB_SIZE	equ 16			; TRAP_STUB_SIZE
FIRST_IRQ	equ 32
TRAPS_WITH_ERROR equ 1 << 8 | 1 << 10 | 1 << 11 | 1 << 12 | 1 << 13 | 1 << 14 | 1 << 17 | 1 << 21 | 1 << 29 | 1 << 30

section .text.entry progbits alloc exec nowrite align=64

; trap_stubs[vector], 16 bytes each: the CPU has pushed ss, rsp, rflags, cs, rip and, for some, an error code. They
; leave in its place one word: the error code (or 0) in the lower half, the vector in the upper.
global trap_stubs:function (trap_stubs.end - trap_stubs)
align STUB_SIZE
trap_stubs:
%assign vector 0
%rep 32
	align STUB_SIZE
%if !(TRAPS_WITH_ERROR & (1 << vector))
	push	0
%endif
	mov	dword [rsp + 4], vector
	jmp	near trap_common
%assign vector vector + 1
%endrep
.end:

; Interrupts are off (all gates are interrupt gates). Calls do_trap(regs, vector, error).
trap_common:
	cld
	CLAC
	SAVE_REGS
	test	byte [rsp + REGS_CS], 3
	jz	.kernel
	swapgs
.have_gs:
	mov	rdi, rsp
	mov	esi, [rsp + REGS_ORIG_RAX + 4]
	mov	edx, [rsp + REGS_ORIG_RAX]
	mov	qword [rsp + REGS_ORIG_RAX], -1
	call	do_trap
	jmp	return_from_trap
.kernel:
	cmp	qword [rsp + REGS_RIP], user_iret
	jne	.have_gs
	; iretq to user mode failed: gs is the user's already, and the frame it wanted lies above ours. Put the
	; registers back there and take it as a trap of the user's.
	swapgs
	mov	rbx, [rsp + REGS_ORIG_RAX]
	mov	rdi, rsp
	call	fixup_bad_iret
	mov	rsp, rax
	mov	[rsp + REGS_ORIG_RAX], rbx
	jmp	.have_gs

; #PF: do_page_fault(regs, address, error), with interrupts on if they were.
global page_fault_entry:function (page_fault_entry.end - page_fault_entry)
align 16
page_fault_entry:
	cld
	CLAC
	SAVE_REGS
	test	byte [rsp + REGS_CS], 3
	jz	.kernel
	swapgs
.have_gs:
	mov	rdi, rsp
	mov	rsi, cr2
	mov	edx, [rsp + REGS_ORIG_RAX]
	mov	qword [rsp + REGS_ORIG_RAX], -1
	test	dword [rsp + REGS_RFLAGS], EFLAGS_IF
	jz	.call
	sti
.call:
	call	do_page_fault
	cli
	jmp	return_from_trap
.kernel:
	cmp	qword [rsp + REGS_RIP], user_iret
	jne	.have_gs
	mov	dword [rsp + REGS_ORIG_RAX + 4], 14
	jmp	trap_common.kernel
.end:

; irq_stubs[vector - 32], 16 bytes each: the vector in the place of an error code.
global irq_stubs:function (irq_stubs.end - irq_stubs)
align STUB_SIZE
irq_stubs:
%assign vector FIRST_IRQ
%rep 256 - FIRST_IRQ
	align STUB_SIZE
	push	vector
	jmp	near irq_common
%assign vector vector + 1
%endrep
.end:

irq_common:
	cld
	CLAC
	SAVE_REGS
	test	byte [rsp + REGS_CS], 3
	jz	.have_gs
	swapgs
.have_gs:
	mov	rdi, rsp
	mov	esi, [rsp + REGS_ORIG_RAX]
	mov	qword [rsp + REGS_ORIG_RAX], -1
	call	do_irq
	test	byte [rsp + REGS_CS], 3
	jnz	return_to_user
	; The kernel was interrupted: if it may be preempted there and somebody should run, let him.
	cmp	dword [gs:__preempt_count], 0
	jne	return_to_kernel
	cmp	byte [gs:__need_resched], 0
	je	return_to_kernel
	call	preempt_schedule_irq
	jmp	return_to_kernel

return_from_trap:
	test	byte [rsp + REGS_CS], 3
	jnz	return_to_user
return_to_kernel:
	RESTORE_REGS
	iretq

; Entries that may come at any instruction. %1: C function, %2: has an error code. The stack is an IST stack, whose last
; words hold this CPU's gs base. r12 keeps the gs base that was in force.
%macro PARANOID_ENTRY 2
%if %2 == 0
	push	0
%endif
	cld
	CLAC
	SAVE_REGS
	mov	ecx, MSR_GS_BASE
	rdmsr
	mov	r12d, eax
	shl	rdx, 32
	or	r12, rdx
	mov	rbx, rsp
	or	rbx, IST_STACK_MASK
	mov	eax, [rbx - 15]		; struct ist_stack: gs_base, pad
	mov	edx, [rbx - 11]
	wrmsr
	mov	rdi, rsp
	mov	esi, [rsp + REGS_ORIG_RAX]
	mov	qword [rsp + REGS_ORIG_RAX], -1
	call	%1
	mov	ecx, MSR_GS_BASE
	mov	eax, r12d
	mov	rdx, r12
	shr	rdx, 32
	wrmsr
	RESTORE_REGS
	iretq
%endmacro

global nmi_entry:function (nmi_entry.end - nmi_entry)
align 16
nmi_entry:
	PARANOID_ENTRY do_nmi, 0
.end:
global double_fault_entry:function (double_fault_entry.end - double_fault_entry)
align 16
double_fault_entry:
	PARANOID_ENTRY do_double_fault, 1
.end:
global machine_check_entry:function (machine_check_entry.end - machine_check_entry)
align 16
machine_check_entry:
	PARANOID_ENTRY do_machine_check, 0
.end:

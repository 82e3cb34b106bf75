;
; kernel/x86/switch.asm - from one task's kernel stack to another's.
;
; Linux:   arch/x86/entry/entry_64.S, __switch_to_asm (6.1)
; Same:    only what a C function must keep is saved: the caller has given up the rest.
; Differs: none.
; Locks:   none; interrupts are off.
; Walk:    schedule() -> arch_switch_to() -> __switch_to_asm -> the other task's arch_switch_to(), or ret_from_fork.
;
default abs
bits 64
%include "kernel/x86/asm_offsets.inc"

section .text.entry progbits alloc exec nowrite align=16

; struct task_struct *__switch_to_asm(struct task_struct *prev, struct task_struct *next)
; In: rdi = prev, rsi = next. Out, on next's stack: rax = prev. Clobbers what C allows.
; Stack of a task that is switched out, from thread.sp up: struct switch_frame (process.c).
global __switch_to_asm:function (__switch_to_asm.end - __switch_to_asm)
__switch_to_asm:
	push	rbp
	push	rbx
	push	r12
	push	r13
	push	r14
	push	r15
	mov	[rdi + TASK_SP], rsp
	mov	rsp, [rsi + TASK_SP]
	pop	r15
	pop	r14
	pop	r13
	pop	r12
	pop	rbx
	pop	rbp
	mov	rax, rdi
	ret
.end:

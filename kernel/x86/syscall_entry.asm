;
; kernel/x86/syscall_entry.asm - the system call instruction, and the way back to user mode.
;
; Linux:   arch/x86/entry/entry_64.S (6.1)
; Same:    a whole struct pt_regs for every call; sysret when the registers allow it, iret otherwise.
; Differs: 1. the stack pointer comes from the TSS, and user rsp waits in its unused sp2, as in Linux; but there is no
;             entry trampoline and no page table switch.
; Locks:   none.
; Walk:    user mode -> syscall_entry -> do_syscall_64() -> (exit_to_user_mode()) -> user mode.
;
default abs
bits 64
%include "kernel/x86/entry.inc"
extern do_syscall_64
extern schedule_tail
extern kernel_thread_returned

TSS_SCRATCH	equ TSS_SP0 + 16	; sp2: the CPU never reads it, nothing in this kernel runs in ring 2

section .text.entry progbits alloc exec nowrite align=64

; void syscall_entry(void) - target of the syscall instruction (MSR_LSTAR).
; In: rax = number, rdi rsi rdx r10 r8 r9 = arguments, rcx = user rip, r11 = user rflags, user rsp and gs.
;     Interrupts are off (MSR_SYSCALL_MASK).
; Out: rax = result; rcx and r11 are lost, all else is kept.
global syscall_entry:function (syscall_entry.end - syscall_entry)
syscall_entry:
	swapgs
	mov	[gs:cpu_tss + TSS_SCRATCH], rsp
	mov	rsp, [gs:cpu_tss + TSS_SP0]
	push	USER_DS
	push	qword [gs:cpu_tss + TSS_SCRATCH]
	push	r11
	push	USER_CS
	push	rcx
	push	rax			; orig_rax
	push	rdi
	push	rsi
	push	rdx
	push	rcx
	push	-ENOSYS
	push	r8
	push	r9
	push	r10
	push	r11
	push	rbx
	push	rbp
	push	r12
	push	r13
	push	r14
	push	r15
	mov	rdi, rsp
	xor	ebp, ebp		; back-traces end here
	sti
	call	do_syscall_64
	cli
	JUMP_IF_EXIT_WORK .work
.leave:
	; sysret takes rip from rcx and rflags from r11, and cannot set TF or RF. A rip that is not below
	; TASK_SIZE would fault in the kernel, with the user's stack (Intel's sysret checks too late).
	mov	rcx, [rsp + REGS_RCX]
	cmp	rcx, [rsp + REGS_RIP]
	jne	return_to_user_iret
	mov	r11, [rsp + REGS_R11]
	cmp	r11, [rsp + REGS_RFLAGS]
	jne	return_to_user_iret
	test	r11d, EFLAGS_SYSRET_BAD
	jnz	return_to_user_iret
	cmp	byte [rsp + REGS_CS], USER_CS
	jne	return_to_user_iret
	cmp	byte [rsp + REGS_SS], USER_DS
	jne	return_to_user_iret
	mov	rax, rcx
	shr	rax, 47
	jnz	return_to_user_iret
	pop	r15
	pop	r14
	pop	r13
	pop	r12
	pop	rbp
	pop	rbx
	add	rsp, 8			; r11 is loaded
	pop	r10
	pop	r9
	pop	r8
	pop	rax
	add	rsp, 8			; rcx is loaded
	pop	rdx
	pop	rsi
	pop	rdi
	mov	rsp, [rsp + REGS_RSP - REGS_ORIG_RAX]
	swapgs
	o64 sysret
.work:
	mov	rdi, rsp
	call	exit_to_user_mode
	jmp	.leave
.end:

; return_to_user - leave the kernel with all registers as in the pt_regs at rsp, after exit_to_user_mode().
; return_to_user_iret - the same, when there is nothing left to do there. Interrupts are off.
global return_to_user:function
global return_to_user_iret:function
global user_iret:function
return_to_user:
	JUMP_IF_EXIT_WORK exit_work_iret
return_to_user_iret:
	swapgs
	RESTORE_REGS
user_iret:				; a fault here goes to fixup_bad_iret()
	iretq
exit_work_iret:
	mov	rdi, rsp
	call	exit_to_user_mode
	jmp	return_to_user_iret

; void ret_from_fork(void) - where a new task wakes up (arch_copy_thread() made its stack).
; In: rax = the task that ran before, rbx = function of a kernel thread or 0, r12 = its argument. Interrupts are off.
; Stack: struct pt_regs.
global ret_from_fork:function (ret_from_fork.end - ret_from_fork)
ret_from_fork:
	mov	rdi, rax
	call	schedule_tail
	test	rbx, rbx
	jz	.user
	sti
	mov	rdi, r12
	call	rbx
	test	eax, eax
	jnz	.failed
.user:
	cli
	jmp	return_to_user
.failed:
	mov	edi, eax
	call	kernel_thread_returned
	ud2
.end:

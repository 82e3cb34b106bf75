;
; kernel/x86/uaccess.asm - reads and writes of user memory that may fault, and where each goes on if it does.
;
; Linux:   arch/x86/lib/{copy_user_64,getuser,putuser}.S, lib/strncpy_from_user.c (6.1)
; Same:    an exception table: fault address, address to go on at. Counts are exact to the byte: after a fault the
;          rest is tried byte by byte.
; Differs: 1. one strategy for all CPUs: words for short copies, rep movsq for long ones. rep movsb would be the best
;             on new processors, but is eight times slower under emulation.
; Locks:   none; may sleep in do_page_fault(), but for the _nofault ones.
; Walk:    copy_to_iter() -> copy_to_user() -> (page fault -> fixup_exception()).
;
; A uptr is passed like the integer inside it. stac and clac are nops on CPUs without SMAP (entry.inc).
;
default abs
bits 64
%include "kernel/x86/entry.inc"

REP_THRESHOLD	equ 128			; bytes from which rep movsq is worth its start

; A fault at label %1 goes on at %2.
%macro EX 2
[section __ex_table]
	dq	%1, %2
__SECT__
%endmacro

section __ex_table progbits alloc noexec nowrite align=8
section .smap_sites progbits alloc noexec nowrite align=8
section .text progbits alloc exec nowrite align=16

; Go to %3 unless [%1, %1 + %2) lies below TASK_SIZE. Changes r8, r9.
%macro CHECK_RANGE 3
	mov	r9, TASK_SIZE_MAX
	mov	r8, %1
	add	r8, %2
	jc	%3
	cmp	r8, r9
	ja	%3
%endmacro

; copy_user: the common half. In: rdi = to, rsi = from, rdx = bytes. Out: rax = bytes not copied, rdi behind the last
; byte written. Clobbers rcx, rdx, rsi. The caller has opened user memory.
copy_user:
	mov	rcx, rdx
	and	edx, 7
	shr	rcx, 3
	cmp	rcx, REP_THRESHOLD / 8
	jae	.long
	test	ecx, ecx
	jz	.tail
.load:
	mov	rax, [rsi]
.store:
	mov	[rdi], rax
	add	rsi, 8
	add	rdi, 8
	dec	ecx
	jnz	.load
.tail:
	test	edx, edx
	jz	.done
.bytes:					; rdx > 0 bytes one by one; the place of retry after a fault
	mov	al, [rsi]
.byte:
	mov	[rdi], al
	inc	rsi
	inc	rdi
	dec	rdx
	jnz	.bytes
.done:
	xor	eax, eax
	ret
.long:
	rep movsq
	jmp	.tail
.word_fault:				; rcx words and rdx bytes are left
	lea	rdx, [rcx * 8 + rdx]
	jmp	.bytes
.byte_fault:
	mov	rax, rdx
	ret
.end:
	EX copy_user.load, copy_user.word_fault
	EX copy_user.store, copy_user.word_fault
	EX copy_user.long, copy_user.word_fault
	EX copy_user.bytes, copy_user.byte_fault
	EX copy_user.byte, copy_user.byte_fault

; size_t copy_from_user(void *dst, uptr src, size_t n) - rdi, rsi, rdx; rax = bytes not copied.
global copy_from_user:function (copy_from_user.end - copy_from_user)
align 16
copy_from_user:
	CHECK_RANGE rsi, rdx, .bad
	STAC
	call	copy_user
	CLAC
	test	rax, rax
	jnz	.clear
	ret
.bad:
	mov	rax, rdx
.clear:					; nobody shall see what was in dst before
	mov	rdx, rax
	mov	rcx, rax
	xor	eax, eax
	rep stosb
	mov	rax, rdx
	ret
.end:

; size_t copy_to_user(uptr dst, const void *src, size_t n) - rdi, rsi, rdx; rax = bytes not copied.
global copy_to_user:function (copy_to_user.end - copy_to_user)
align 16
copy_to_user:
	CHECK_RANGE rdi, rdx, .bad
	STAC
	call	copy_user
	CLAC
	ret
.bad:
	mov	rax, rdx
	ret
.end:

; size_t copy_from_user_nofault(void *dst, uptr src, size_t n) - as copy_from_user, but do_page_fault() sees that
; preemption is off, and does not sleep to bring the page in. dst is not cleared.
global copy_from_user_nofault:function (copy_from_user_nofault.end - copy_from_user_nofault)
align 16
copy_from_user_nofault:
	CHECK_RANGE rsi, rdx, .bad
	inc	dword [gs:__preempt_count]
	STAC
	call	copy_user
	CLAC
	dec	dword [gs:__preempt_count]
	ret
.bad:
	mov	rax, rdx
	ret
.end:

; size_t clear_user(uptr dst, size_t n) - rdi, rsi; rax = bytes not cleared.
global clear_user:function (clear_user.end - clear_user)
align 16
clear_user:
	CHECK_RANGE rdi, rsi, .bad
	mov	rcx, rsi
	mov	edx, esi
	shr	rcx, 3
	and	edx, 7
	xor	eax, eax
	STAC
.words:
	rep stosq
	test	edx, edx
	jz	.done
.bytes:
	mov	[rdi], al
	inc	rdi
	dec	rdx
	jnz	.bytes
.done:
	CLAC
	ret
.word_fault:
	lea	rdx, [rcx * 8 + rdx]
	jmp	.bytes
.byte_fault:
	CLAC
	mov	rax, rdx
	ret
.bad:
	mov	rax, rsi
	ret
.end:
	EX clear_user.words, clear_user.word_fault
	EX clear_user.bytes, clear_user.byte_fault

; int __get_user_N(uN *x, uptr p) - rdi, rsi; rax = 0 or -EFAULT, then *x = 0. Clobbers rcx, r9.
%macro GET_USER 3			; bytes, size word, register
global __get_user_%1:function (__get_user_%1.end - __get_user_%1)
align 16
__get_user_%1:
	mov	r9, TASK_SIZE_MAX - %1
	cmp	rsi, r9
	ja	.bad
	STAC
.load:
	mov	%3, %2 [rsi]
	CLAC
	mov	[rdi], %3
	xor	eax, eax
	ret
.fault:
	CLAC
.bad:
	xor	ecx, ecx
	mov	[rdi], %3
	mov	rax, -EFAULT
	ret
.end:
	EX __get_user_%1.load, __get_user_%1.fault
%endmacro
	GET_USER 1, byte, cl
	GET_USER 2, word, cx
	GET_USER 4, dword, ecx
	GET_USER 8, qword, rcx

; int __put_user_N(uN x, uptr p) - rdi, rsi; rax = 0 or -EFAULT. Clobbers r9.
%macro PUT_USER 3
global __put_user_%1:function (__put_user_%1.end - __put_user_%1)
align 16
__put_user_%1:
	mov	r9, TASK_SIZE_MAX - %1
	cmp	rsi, r9
	ja	.bad
	STAC
.store:
	mov	%2 [rsi], %3
	CLAC
	xor	eax, eax
	ret
.fault:
	CLAC
.bad:
	mov	rax, -EFAULT
	ret
.end:
	EX __put_user_%1.store, __put_user_%1.fault
%endmacro
	PUT_USER 1, byte, dil
	PUT_USER 2, word, di
	PUT_USER 4, dword, edi
	PUT_USER 8, qword, rdi

; int cmpxchg_user_u32(uptr p, u32 old, u32 new, u32 *uval) - rdi, esi, edx, rcx; rax = 0 or -EFAULT.
global cmpxchg_user_u32:function (cmpxchg_user_u32.end - cmpxchg_user_u32)
align 16
cmpxchg_user_u32:
	mov	r9, TASK_SIZE_MAX - 4
	cmp	rdi, r9
	ja	.bad
	mov	eax, esi
	STAC
.exchange:
	lock cmpxchg [rdi], edx
	CLAC
	mov	[rcx], eax
	xor	eax, eax
	ret
.fault:
	CLAC
.bad:
	mov	rax, -EFAULT
	ret
.end:
	EX cmpxchg_user_u32.exchange, cmpxchg_user_u32.fault

; Bytes that may be read from user address %1, at most %2, into r11; go to %3 if there are none. Changes r9.
%macro USER_LIMIT 3
	mov	r9, TASK_SIZE_MAX
	mov	r11, r9
	sub	r11, %1
	jbe	%3
	cmp	r11, %2
	cmova	r11, %2
%endmacro

; In %1 the lowest byte that is 0 gets its top bit set; jump to %2 if there is one (it is then in r10). Needs r8 =
; 0x0101..., r9 = 0x8080...; changes r10 and %1.
%macro JUMP_IF_ZERO_BYTE 2
	mov	r10, %1
	sub	r10, r8
	not	%1
	and	r10, %1
	and	r10, r9
	jnz	%2
%endmacro

; ssize_t strncpy_from_user(char *dst, uptr src, size_t max) - rdi, rsi, rdx; rax = length or -EFAULT.
; Eight bytes at a time: what follows the NUL in the last word is written too, but never beyond dst[max - 1].
global strncpy_from_user:function (strncpy_from_user.end - strncpy_from_user)
align 16
strncpy_from_user:
	USER_LIMIT rsi, rdx, .bad
	xor	eax, eax
	mov	r8, 0x0101010101010101
	mov	r9, 0x8080808080808080
	STAC
.next:
	lea	rcx, [rax + 8]
	cmp	rcx, r11
	ja	.bytes
.word:
	mov	rcx, [rsi + rax]
	mov	[rdi + rax], rcx
	JUMP_IF_ZERO_BYTE rcx, .found
	add	rax, 8
	jmp	.next
.found:
	bsf	r10, r10
	shr	r10, 3
	add	rax, r10
	CLAC
	ret
.bytes:
	cmp	rax, r11
	je	.limit
.byte:
	mov	cl, [rsi + rax]
	mov	[rdi + rax], cl
	test	cl, cl
	jz	.done
	inc	rax
	jmp	.bytes
.limit:
	cmp	r11, rdx
	jne	.fault			; the end of user space, not of the buffer
.done:
	CLAC
	ret
.fault:
	CLAC
.bad:
	mov	rax, -EFAULT
	ret
.end:
	EX strncpy_from_user.word, strncpy_from_user.bytes
	EX strncpy_from_user.byte, strncpy_from_user.fault

; size_t strnlen_user(uptr src, size_t max) - rdi, rsi; rax = length with the NUL, 0 on a fault, max + 1 if none.
global strnlen_user:function (strnlen_user.end - strnlen_user)
align 16
strnlen_user:
	USER_LIMIT rdi, rsi, .bad
	xor	eax, eax
	mov	r8, 0x0101010101010101
	mov	r9, 0x8080808080808080
	STAC
.next:
	lea	rcx, [rax + 8]
	cmp	rcx, r11
	ja	.bytes
.word:
	mov	rcx, [rdi + rax]
	JUMP_IF_ZERO_BYTE rcx, .found
	add	rax, 8
	jmp	.next
.found:
	bsf	r10, r10
	shr	r10, 3
	lea	rax, [rax + r10 + 1]
	CLAC
	ret
.bytes:
	cmp	rax, r11
	je	.limit
.byte:
	mov	cl, [rdi + rax]
	inc	rax
	test	cl, cl
	jnz	.bytes
	CLAC
	ret
.limit:
	cmp	r11, rsi
	jne	.fault
	inc	rax
	CLAC
	ret
.fault:
	CLAC
.bad:
	xor	eax, eax
	ret
.end:
	EX strnlen_user.word, strnlen_user.bytes
	EX strnlen_user.byte, strnlen_user.fault

; int copy_from_kernel_nofault(u64 *dst, const void *src) - rdi, rsi; rax = 0 or -EFAULT.
global copy_from_kernel_nofault:function (copy_from_kernel_nofault.end - copy_from_kernel_nofault)
align 16
copy_from_kernel_nofault:
	mov	rcx, [rsi]
	mov	[rdi], rcx
	xor	eax, eax
	ret
.fault:
	mov	rax, -EFAULT
	ret
.end:
	EX copy_from_kernel_nofault, copy_from_kernel_nofault.fault

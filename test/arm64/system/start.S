// SPDX-License-Identifier: MIT
// Start of every image, exception vectors, and the way to EL0 and back.

	.section .text.start, "ax"
	.global _start
_start:
	adrp	x0, stack_top
	mov	sp, x0
	adrp	x0, vectors
	add	x0, x0, :lo12:vectors
	msr	vbar_el1, x0
	isb
	// SPAN, and what is 1; floating point is not trapped: it is not there.
	mov	x0, #0x0980
	movk	x0, #0x30d0, lsl #16
	msr	sctlr_el1, x0
	mov	x0, #(3 << 20)
	msr	cpacr_el1, x0
	isb
	bl	main
	// PSCI SYSTEM_OFF.
	mov	x0, #8
	movk	x0, #0x8400, lsl #16
	hvc	#0
	b	.

	.text
	// A vector tells its offset in the table. struct frame (image.h): X0 to X30, ELR, SPSR, SP_EL0.
	.macro	vector, offset
	.balign	128
	sub	sp, sp, #272
	stp	x0, x1, [sp]
	mov	x0, #\offset
	b	enter
	.endm

	.balign	2048
	.global vectors
vectors:
	vector	0x000
	vector	0x080
	vector	0x100
	vector	0x180
	vector	0x200
	vector	0x280
	vector	0x300
	vector	0x380
	vector	0x400
	vector	0x480
	vector	0x500
	vector	0x580
	vector	0x600
	vector	0x680
	vector	0x700
	vector	0x780

enter:
	stp	x2, x3, [sp, #16]
	stp	x4, x5, [sp, #32]
	stp	x6, x7, [sp, #48]
	stp	x8, x9, [sp, #64]
	stp	x10, x11, [sp, #80]
	stp	x12, x13, [sp, #96]
	stp	x14, x15, [sp, #112]
	stp	x16, x17, [sp, #128]
	stp	x18, x19, [sp, #144]
	stp	x20, x21, [sp, #160]
	stp	x22, x23, [sp, #176]
	stp	x24, x25, [sp, #192]
	stp	x26, x27, [sp, #208]
	stp	x28, x29, [sp, #224]
	mrs	x1, elr_el1
	stp	x30, x1, [sp, #240]
	mrs	x1, spsr_el1
	mrs	x2, sp_el0
	stp	x1, x2, [sp, #256]
	mov	x1, sp
	bl	on_exception
	ldp	x1, x2, [sp, #256]
	msr	spsr_el1, x1
	msr	sp_el0, x2
	ldp	x30, x1, [sp, #240]
	msr	elr_el1, x1
	ldp	x28, x29, [sp, #224]
	ldp	x26, x27, [sp, #208]
	ldp	x24, x25, [sp, #192]
	ldp	x22, x23, [sp, #176]
	ldp	x20, x21, [sp, #160]
	ldp	x18, x19, [sp, #144]
	ldp	x16, x17, [sp, #128]
	ldp	x14, x15, [sp, #112]
	ldp	x12, x13, [sp, #96]
	ldp	x10, x11, [sp, #80]
	ldp	x8, x9, [sp, #64]
	ldp	x6, x7, [sp, #48]
	ldp	x4, x5, [sp, #32]
	ldp	x2, x3, [sp, #16]
	ldp	x0, x1, [sp]
	add	sp, sp, #272
	eret

	// u64 call_kernel(u64 pc, u64 x0, u64 x1), with flags that no compiler has left.
	.global call_kernel
call_kernel:
	mov	x9, x0
	mov	x0, x1
	mov	x1, x2
	msr	nzcv, xzr
	br	x9

	// u64 enter_user(u64 pc, u64 x0, u64 x1, u64 spsr, u64 link): returns by leave_user.
	.global enter_user
enter_user:
	stp	x29, x30, [sp, #-96]!
	stp	x19, x20, [sp, #16]
	stp	x21, x22, [sp, #32]
	stp	x23, x24, [sp, #48]
	stp	x25, x26, [sp, #64]
	stp	x27, x28, [sp, #80]
	adrp	x9, kernel_sp
	mov	x10, sp
	str	x10, [x9, :lo12:kernel_sp]
	msr	elr_el1, x0
	msr	spsr_el1, x3
	mov	x30, x4
	mov	x0, x1
	mov	x1, x2
	eret

	// void leave_user(u64 result): the call of enter_user returns it.
	.global leave_user
leave_user:
	adrp	x9, kernel_sp
	ldr	x10, [x9, :lo12:kernel_sp]
	mov	sp, x10
	ldp	x27, x28, [sp, #80]
	ldp	x25, x26, [sp, #64]
	ldp	x23, x24, [sp, #48]
	ldp	x21, x22, [sp, #32]
	ldp	x19, x20, [sp, #16]
	ldp	x29, x30, [sp], #96
	ret

	// Where what runs at EL0 returns to.
	.global user_done
user_done:
	svc	#0xffff

	.bss
	.balign	8
kernel_sp:
	.skip	8
	.balign	4096
	.skip	0x4000
stack_top:
	.skip	16

// SPDX-License-Identifier: MIT
// Debug exceptions at EL0 and EL1 with the MMU off, one after the other: each prints ESR_EL1, ELR_EL1 as an offset in the
// image, SPSR_EL1, and FAR_EL1 as an offset where the exception has one. debug-image.log is what QEMU 7.2 prints.

// Where the handler goes on.
.macro CONT  label
  adr x28, \label
.endm
.macro NAME c
  mov w0, #\c
  bl putc
.endm
// MDSCR_EL1: 1 SS, 0x2000 KDE, 0x8000 MDE.
.macro SETDBG mdscr
  mov x0, #\mdscr
  msr mdscr_el1, x0
  isb
.endm
// ERET with a value of SPSR_EL1: 0x200000 SS, 0x3c0 EL0, 0x1c5 EL1 with PSTATE.D clear.
.macro GO spsr, target
  ldr x0, =\spsr
  msr spsr_el1, x0
  adr x0, \target
  msr elr_el1, x0
  eret
.endm
.text
.global _start
_start:
  b start
  .balign 2048
vectors:
.rept 16
  b handler
  .balign 128
.endr
handler:
  mrs x20, esr_el1
  mrs x21, elr_el1
  mrs x22, spsr_el1
  mrs x23, far_el1
  mov x0, xzr
  msr mdscr_el1, x0
  isb
  mov x0, x20
  bl hex
  adr x0, _start
  sub x0, x21, x0
  bl hex
  mov x0, x22
  bl hex
  lsr x0, x20, #27
  cmp x0, #0x1a          // EC 0x34, 0x35
  b.eq 1f
  lsr x0, x20, #26
  cmp x0, #0x24
  b.eq 1f
  cmp x0, #0x25
  b.eq 1f
  mov x0, xzr
  b 2f
1: adr x0, _start
  sub x0, x23, x0
2: bl hex
  mov w0, #10
  bl putc
  ldr x0, =0x3c5
  msr spsr_el1, x0
  msr elr_el1, x28
  eret
putc:
  ldr x1, =0x9000000
  strb w0, [x1]
  ret
hex:
  mov x5, x30
  mov x6, x0
  mov w0, #32
  bl putc
  mov x7, #60
3: lsr x0, x6, x7
  and x0, x0, #15
  cmp x0, #10
  add x0, x0, #48
  b.lo 4f
  add x0, x0, #39
4: bl putc
  subs x7, x7, #4
  b.pl 3b
  mov x30, x5
  ret
start:
  adr x0, vectors
  msr vbar_el1, x0
  adr x0, stack
  mov sp, x0
  msr oslar_el1, xzr
  isb
  adr x25, data
  NAME 'A'               // step at EL0, one instruction
  CONT b0
  SETDBG 1
  GO 0x2003c0, nops
b0: NAME 'B'           // step pending at EL0
  CONT c0
  SETDBG 1
  GO 0x3c0, nops
c0: NAME 'C'           // LDXR
  CONT d0
  SETDBG 1
  GO 0x2003c0, ldxrs
d0: NAME 'D'           // SVC stepped
  CONT e0
  SETDBG 1
  GO 0x2003c0, svcs
e0: NAME 'E'           // UDF stepped
  CONT f0
  SETDBG 1
  GO 0x2003c0, udfs
f0: NAME 'F'           // BRK stepped
  CONT g0
  SETDBG 1
  GO 0x2003c0, brks
g0: NAME 'G'           // EL1 step by ERET with SS, D clear, KDE
  CONT h0
  SETDBG 0x2001
  GO 0x2001c5, nops
h0: NAME 'H'           // EL1 DAIFClr
  CONT i0
  SETDBG 0x2001
  msr daifclr, #8
  nop
  nop
i0: NAME 'I'           // breakpoint EL0
  CONT j0
  adr x0, nops+4
  msr dbgbvr0_el1, x0
  mov x0, #0x1e7
  msr dbgbcr0_el1, x0
  mov x0, #0x8000
  msr mdscr_el1, x0
  isb
  GO 0x3c0, nops
j0: NAME 'J'           // breakpoint EL1 KDE
  CONT k0
  mov x0, #0xa000
  msr mdscr_el1, x0
  isb
  GO 0x1c5, nops
k0: NAME 'K'           // breakpoint and step pending: step first
  CONT l0
  ldr x0, =0x8001
  msr mdscr_el1, x0
  isb
  adr x1, nops+4
  msr elr_el1, x1
  ldr x0, =0x3c0
  msr spsr_el1, x0
  eret
l0: NAME 'L'           // breakpoint with active step
  CONT m0
  ldr x0, =0x8001
  msr mdscr_el1, x0
  isb
  adr x1, nops+4
  msr elr_el1, x1
  ldr x0, =0x2003c0
  msr spsr_el1, x0
  eret
m0: msr dbgbcr0_el1, xzr
  isb
// An access with DBGWCR0_EL1 at what DBGWVR0_EL1 has.
.macro WATCH n, wcr, next, code
  NAME \n
  CONT \next
  ldr x0, =\wcr
  msr dbgwcr0_el1, x0
  adr x0, data
  msr dbgwvr0_el1, x0
  mov x0, #0x8000
  msr mdscr_el1, x0
  isb
  GO 0x3c0, \code
.endm
  WATCH 'M', 0x1fef, n0, loads
n0: WATCH 'N', 0x1ff7, o0, stores
o0: WATCH 'O', 0x1ff7, p0, pairs
p0: WATCH 'P', 0x1fff, q0, swps
q0: WATCH 'Q', 0x1ff7, r0, swps
r0: WATCH 'R', 0x80f, s0, bytes
s0: WATCH 'S', 0xc001fff, t0, loads
t0: WATCH 'T', 0x1ff7, u0, stxrs
u0:
  ldr x0, =0x84000008    // SYSTEM_OFF
  hvc #0
  b .
nops: nop
  nop
  nop
  brk #1
ldxrs: ldxr x0, [x25]
  nop
  brk #2
svcs: svc #3
  nop
udfs: .word 0
  nop
brks: brk #4
  nop
loads: nop
  ldr x0, [x25]
  brk #5
stores: nop
  str x0, [x25]
  brk #6
pairs: sub x1, x25, #8
  stp x0, x2, [x1]
  brk #7
swps: add x1, x25, #0
  ldadd x1, x0, [x25]
  brk #8
bytes: add x1, x25, #4
  ldr x0, [x25]
  brk #9
stxrs: ldxr x0, [x25]
  stxr w1, x0, [x25]
  brk #10
  .ltorg
  .balign 64
  .skip 64
data: .skip 64
  .skip 4096
stack:

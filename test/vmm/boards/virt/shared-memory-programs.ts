// SPDX-License-Identifier: MIT
// Programs for machines `virt` whose vCPUs share memory, with their MMUs on. vCPU 0
// starts the others; shared data is at 0x40810000, translation tables are from 0x40800000
// on.

import { image, NOP } from './virt-programs.ts';

const WFE = 0xd503205f;

/**
 * Four vCPUs add 5,000 each, in five ways: LDAXR and STLXR, LDXP and STXP, CASAL,
 * LDADDAL, CASPAL. Prints how many of four comparisons of the sums are true, from '0' on.
 */
export const COUNTERS = image({
  0: [
    0xd2a81001, // mov x1, #0x40800000
    0xd28080a2, // mov x2, #0x405
    0xf9000022, // str x2, [x1]
    0xd280e022, // mov x2, #0x701
    0xf2a80002, // movk x2, #0x4000, lsl #16
    0xf9000422, // str x2, [x1, #8]
    0xd2800033, // mov x19, #0x1
    0xaa1303e1, // mov x1, x19
    0x10000122, // adr x2, 0x44
    0xaa1303e3, // mov x3, x19
    0xd2b88000, // mov x0, #0xc4000000
    0xf2800060, // movk x0, #0x3
    0xd4000002, // hvc #0x0
    0x91000673, // add x19, x19, #0x1
    0xf1000e7f, // cmp x19, #0x3
    0x54ffff09, // b.ls 0x1c
    0x14000001, // b 0x44
    0xd2a81001, // mov x1, #0x40800000
    0xd5182001, // msr ttbr0_el1, x1
    0xd2801fe2, // mov x2, #0xff
    0xd518a202, // msr mair_el1, x2
    0xd2800322, // mov x2, #0x19
    0xf2a01002, // movk x2, #0x80, lsl #16
    0xf2c00042, // movk x2, #0x2, lsl #32
    0xd5182042, // msr tcr_el1, x2
    0xd5033fdf, // isb
    0xd5381002, // mrs x2, sctlr_el1
    0xb2400042, // orr x2, x2, #0x1
    0xd5181002, // msr sctlr_el1, x2
    0xd5033fdf, // isb
    0xd2a81035, // mov x21, #0x40810000
    0x52827116, // mov w22, #0x1388
    0x52800037, // mov w23, #0x1
    0x885ffea1, // ldaxr w1, [x21]
    0x11000421, // add w1, w1, #0x1
    0x8802fea1, // stlxr w2, w1, [x21]
    0x35ffffa2, // cbnz w2, 0x84
    0x910102a3, // add x3, x21, #0x40
    0xc87f1464, // ldxp x4, x5, [x3]
    0x91000484, // add x4, x4, #0x1
    0xd10004a5, // sub x5, x5, #0x1
    0xc8221464, // stxp w2, x4, x5, [x3]
    0x35ffff82, // cbnz w2, 0x98
    0x910202a3, // add x3, x21, #0x80
    0xb9400064, // ldr w4, [x3]
    0x2a0403e5, // mov w5, w4
    0x11000486, // add w6, w4, #0x1
    0x88e4fc66, // casal w4, w6, [x3]
    0x6b05009f, // cmp w4, w5
    0x54ffff81, // b.ne 0xb4
    0x910302a3, // add x3, x21, #0xc0
    0xb8f70064, // ldaddal w23, w4, [x3]
    0x910402a3, // add x3, x21, #0x100
    0xd2800006, // mov x6, #0x0
    0xd2800007, // mov x7, #0x0
    0xaa0603e8, // mov x8, x6
    0xaa0703e9, // mov x9, x7
    0x910004ca, // add x10, x6, #0x1
    0x910008eb, // add x11, x7, #0x2
    0x4866fc6a, // caspal x6, x7, x10, x11, [x3]
    0xeb0800df, // cmp x6, x8
    0xfa4900e0, // ccmp x7, x9, #0x0, eq
    0x54ffff21, // b.ne 0xdc
    0x710006d6, // subs w22, w22, #0x1
    0x54fffc21, // b.ne 0x84
    0x910502a3, // add x3, x21, #0x140
    0xb8f70064, // ldaddal w23, w4, [x3]
    0x71000c9f, // cmp w4, #0x3
    0x540003c1, // b.ne 0x188
    0x5289c418, // mov w24, #0x4e20
    0xb94002a1, // ldr w1, [x21]
    0xf94022a2, // ldr x2, [x21, #64]
    0xf94026a3, // ldr x3, [x21, #72]
    0xb94082a4, // ldr w4, [x21, #128]
    0xb940c2a5, // ldr w5, [x21, #192]
    0xf94082a6, // ldr x6, [x21, #256]
    0xf94086a7, // ldr x7, [x21, #264]
    0x6b18003f, // cmp w1, w24
    0x7a580040, // ccmp w2, w24, #0x0, eq
    0x1a9f17e8, // cset w8, eq
    0x0b180063, // add w3, w3, w24
    0x7100007f, // cmp w3, #0x0
    0x7a580080, // ccmp w4, w24, #0x0, eq
    0x1a9f17e9, // cset w9, eq
    0x6b1800bf, // cmp w5, w24
    0x7a5800c0, // ccmp w6, w24, #0x0, eq
    0x1a9f17ea, // cset w10, eq
    0x6b1804ff, // cmp w7, w24, lsl #1
    0x1a9f17eb, // cset w11, eq
    0x0b090108, // add w8, w8, w9
    0x0b0a0108, // add w8, w8, w10
    0x0b0b0108, // add w8, w8, w11
    0x1100c108, // add w8, w8, #0x30
    0xd2a12012, // mov x18, #0x9000000
    0x39000248, // strb w8, [x18]
    0xd2b08000, // mov x0, #0x84000000
    0xf2800100, // movk x0, #0x8
    0xd4000002, // hvc #0x0
    0xd503207f, // wfi
    0x17ffffff, // b 0x188
  ],
});

/**
 * Four vCPUs acquire a ticket lock 300 times each. Prints 'K' when the lock was exclusive
 * and no wait took 100 us, 'M' for one below 2 ms, 'L' for a longer one, and 'X' for a
 * lost increment.
 * @param wait how they wait: like Linux, by SEVL, WFE and LDAXR, or without WFE.
 */
export const lock = (wait: 'wfe' | 'spin') =>
  image({
    0: [
      0xd2a81001, // mov x1, #0x40800000
      0xd28080a2, // mov x2, #0x405
      0xf9000022, // str x2, [x1]
      0xd280e022, // mov x2, #0x701
      0xf2a80002, // movk x2, #0x4000, lsl #16
      0xf9000422, // str x2, [x1, #8]
      0xd2800033, // mov x19, #0x1
      0xaa1303e1, // mov x1, x19
      0x10000102, // adr x2, 0x40
      0xaa1303e3, // mov x3, x19
      0xd2b88000, // mov x0, #0xc4000000
      0xf2800060, // movk x0, #0x3
      0xd4000002, // hvc #0x0
      0x91000673, // add x19, x19, #0x1
      0xf1000e7f, // cmp x19, #0x3
      0x54ffff09, // b.ls 0x1c
      0xd2a81001, // mov x1, #0x40800000
      0xd5182001, // msr ttbr0_el1, x1
      0xd2801fe2, // mov x2, #0xff
      0xd518a202, // msr mair_el1, x2
      0xd2800322, // mov x2, #0x19
      0xf2a01002, // movk x2, #0x80, lsl #16
      0xf2c00042, // movk x2, #0x2, lsl #32
      0xd5182042, // msr tcr_el1, x2
      0xd5033fdf, // isb
      0xd5381002, // mrs x2, sctlr_el1
      0xb2400042, // orr x2, x2, #0x1
      0xd5181002, // msr sctlr_el1, x2
      0xd5033fdf, // isb
      0xd2a81035, // mov x21, #0x40810000
      0x52802596, // mov w22, #0x12c
      0x52800037, // mov w23, #0x1
      0xd2800018, // mov x24, #0x0
      0xd5033fdf, // isb
      0xd53be041, // mrs x1, cntvct_el0
      0x910012a4, // add x4, x21, #0x4
      0xb8f70082, // ldaddal w23, w2, [x4]
      0x88dffea3, // ldar w3, [x21]
      0x6b02007f, // cmp w3, w2
      0x540000c0, // b.eq 0xb4
      0xd50320bf, // sevl
      wait === 'wfe' ? WFE : NOP,
      0x885ffea3, // ldaxr w3, [x21]
      0x6b02007f, // cmp w3, w2
      0x54ffffa1, // b.ne 0xa4
      0xd5033fdf, // isb
      0xd53be045, // mrs x5, cntvct_el0
      0xcb0100a5, // sub x5, x5, x1
      0xeb1800bf, // cmp x5, x24
      0x9a9880b8, // csel x24, x5, x24, hi
      0x910102a6, // add x6, x21, #0x40
      0xb94000c7, // ldr w7, [x6]
      0x52803e88, // mov w8, #0x1f4
      0x71000508, // subs w8, w8, #0x1
      0x54ffffe1, // b.ne 0xd4
      0x110004e7, // add w7, w7, #0x1
      0xb90000c7, // str w7, [x6]
      0x11000463, // add w3, w3, #0x1
      0x889ffea3, // stlr w3, [x21]
      0x710006d6, // subs w22, w22, #0x1
      0x54fffca1, // b.ne 0x84
      0x910202a6, // add x6, x21, #0x80
      0xc85ffcc7, // ldaxr x7, [x6]
      0xeb1800ff, // cmp x7, x24
      0x9a873307, // csel x7, x24, x7, cc
      0xc808fcc7, // stlxr w8, x7, [x6]
      0x35ffff88, // cbnz w8, 0xf8
      0x910302a6, // add x6, x21, #0xc0
      0xb8f700c4, // ldaddal w23, w4, [x6]
      0x71000c9f, // cmp w4, #0x3
      0x540002e1, // b.ne 0x174
      0x52800969, // mov w9, #0x4b
      0xf94042a7, // ldr x7, [x21, #128]
      0xd290d408, // mov x8, #0x86a0
      0xf2a00028, // movk x8, #0x1, lsl #16
      0xeb0800ff, // cmp x7, x8
      0x528009aa, // mov w10, #0x4d
      0x1a892149, // csel w9, w10, w9, cs
      0xd2909008, // mov x8, #0x8480
      0xf2a003c8, // movk x8, #0x1e, lsl #16
      0xeb0800ff, // cmp x7, x8
      0x5280098a, // mov w10, #0x4c
      0x1a892149, // csel w9, w10, w9, cs
      0xb94042a7, // ldr w7, [x21, #64]
      0x52809608, // mov w8, #0x4b0
      0x6b0800ff, // cmp w7, w8
      0x52800b0a, // mov w10, #0x58
      0x1a8a0129, // csel w9, w9, w10, eq
      0xd2a12012, // mov x18, #0x9000000
      0x39000249, // strb w9, [x18]
      0xd2b08000, // mov x0, #0x84000000
      0xf2800100, // movk x0, #0x8
      0xd4000002, // hvc #0x0
      0xd503207f, // wfi
      0x17ffffff, // b 0x174
    ],
  });

/**
 * vCPU 1 calls a function repeatedly, which vCPU 0 changes, followed by IC IVAU. Prints
 * its result before and after that.
 */
export const CODE = image({
  0: [
    0xd2a81001, // mov x1, #0x40800000
    0xd28080a2, // mov x2, #0x405
    0xf9000022, // str x2, [x1]
    0xd280e022, // mov x2, #0x701
    0xf2a80002, // movk x2, #0x4000, lsl #16
    0xf9000422, // str x2, [x1, #8]
    0xd2800033, // mov x19, #0x1
    0xaa1303e1, // mov x1, x19
    0x10000482, // adr x2, 0xb0
    0xaa1303e3, // mov x3, x19
    0xd2b88000, // mov x0, #0xc4000000
    0xf2800060, // movk x0, #0x3
    0xd4000002, // hvc #0x0
    0x91000673, // add x19, x19, #0x1
    0xf100067f, // cmp x19, #0x1
    0x54ffff09, // b.ls 0x1c
    0xd2a81001, // mov x1, #0x40800000
    0xd5182001, // msr ttbr0_el1, x1
    0xd2801fe2, // mov x2, #0xff
    0xd518a202, // msr mair_el1, x2
    0xd2800322, // mov x2, #0x19
    0xf2a01002, // movk x2, #0x80, lsl #16
    0xf2c00042, // movk x2, #0x2, lsl #32
    0xd5182042, // msr tcr_el1, x2
    0xd5033fdf, // isb
    0xd5381002, // mrs x2, sctlr_el1
    0xb2400042, // orr x2, x2, #0x1
    0xd5181002, // msr sctlr_el1, x2
    0xd5033fdf, // isb
    0xd2a81035, // mov x21, #0x40810000
    0xb94002a0, // ldr w0, [x21]
    0x34ffffe0, // cbz w0, 0x78
    0x10000561, // adr x1, 0x12c
    0xb9400022, // ldr w2, [x1]
    0x100004e3, // adr x3, 0x124
    0xb9000062, // str w2, [x3]
    0xd50b7b23, // dc cvau, x3
    0xd5033b9f, // dsb ish
    0xd50b7523, // ic ivau, x3
    0xd5033b9f, // dsb ish
    0x52800020, // mov w0, #0x1
    0xb90006a0, // str w0, [x21, #4]
    0xd503207f, // wfi
    0x17ffffff, // b 0xa8
    0xd2a81001, // mov x1, #0x40800000
    0xd5182001, // msr ttbr0_el1, x1
    0xd2801fe2, // mov x2, #0xff
    0xd518a202, // msr mair_el1, x2
    0xd2800322, // mov x2, #0x19
    0xf2a01002, // movk x2, #0x80, lsl #16
    0xf2c00042, // movk x2, #0x2, lsl #32
    0xd5182042, // msr tcr_el1, x2
    0xd5033fdf, // isb
    0xd5381002, // mrs x2, sctlr_el1
    0xb2400042, // orr x2, x2, #0x1
    0xd5181002, // msr sctlr_el1, x2
    0xd5033fdf, // isb
    0xd2a81035, // mov x21, #0x40810000
    0x9400000f, // bl 0x124
    0xd2a12012, // mov x18, #0x9000000
    0x39000240, // strb w0, [x18]
    0x52800021, // mov w1, #0x1
    0xb90002a1, // str w1, [x21]
    0x9400000a, // bl 0x124
    0xb94006a1, // ldr w1, [x21, #4]
    0x34ffffc1, // cbz w1, 0xfc
    0xd5033fdf, // isb
    0x94000006, // bl 0x124
    0xd2a12012, // mov x18, #0x9000000
    0x39000240, // strb w0, [x18]
    0xd2b08000, // mov x0, #0x84000000
    0xf2800100, // movk x0, #0x8
    0xd4000002, // hvc #0x0
    0x52800820, // mov w0, #0x41
    0xd65f03c0, // ret
    0x52800840, // mov w0, #0x42
  ],
});

/** TLBI for the Inner Shareable domain. */
export const TLBIS = {
  VMALLE1IS: 0xd508831f,
  VAE1IS: 0xd5088320, // x0
  VAAE1IS: 0xd5088360, // x0
  VALE1IS: 0xd50883a0, // x0
  VAALE1IS: 0xd50883e0, // x0
  ASIDE1IS: 0xd508835f, // xzr
} as const;

/**
 * VA 0x80000000 is a page that vCPU 1 reads and prints repeatedly; vCPU 0 maps another
 * one there and invalidates. Prints the contents of each page, 'A' and 'B'.
 * @param invalidation the instruction; X0 has VA[55:12] of the page and ASID 0.
 */
export const invalidate = (invalidation: number) =>
  image({
    0: [
      0xd2a81001, // mov x1, #0x40800000
      0xd28080a2, // mov x2, #0x405
      0xf9000022, // str x2, [x1]
      0xd280e022, // mov x2, #0x701
      0xf2a80002, // movk x2, #0x4000, lsl #16
      0xf9000422, // str x2, [x1, #8]
      0xd2a81001, // mov x1, #0x40800000
      0xd2800062, // mov x2, #0x3
      0xf2a81042, // movk x2, #0x4082, lsl #16
      0xf9000822, // str x2, [x1, #16]
      0xd2a81043, // mov x3, #0x40820000
      0xd2820064, // mov x4, #0x1003
      0xf2a81044, // movk x4, #0x4082, lsl #16
      0xf9000064, // str x4, [x3]
      0xd2a81045, // mov x5, #0x40820000
      0x914004a5, // add x5, x5, #0x1, lsl #12
      0xd284e066, // mov x6, #0x2703
      0xf2a81046, // movk x6, #0x4082, lsl #16
      0xb27500c6, // orr x6, x6, #0x800
      0xf90000a6, // str x6, [x5]
      0x52800827, // mov w7, #0x41
      0x914004a8, // add x8, x5, #0x1, lsl #12
      0xb9000107, // str w7, [x8]
      0x52800847, // mov w7, #0x42
      0x914008a8, // add x8, x5, #0x2, lsl #12
      0xb9000107, // str w7, [x8]
      0xd2800033, // mov x19, #0x1
      0xaa1303e1, // mov x1, x19
      0x10000442, // adr x2, 0xf8
      0xaa1303e3, // mov x3, x19
      0xd2b88000, // mov x0, #0xc4000000
      0xf2800060, // movk x0, #0x3
      0xd4000002, // hvc #0x0
      0x91000673, // add x19, x19, #0x1
      0xf100067f, // cmp x19, #0x1
      0x54ffff09, // b.ls 0x6c
      0xd2a81001, // mov x1, #0x40800000
      0xd5182001, // msr ttbr0_el1, x1
      0xd2801fe2, // mov x2, #0xff
      0xd518a202, // msr mair_el1, x2
      0xd2800322, // mov x2, #0x19
      0xf2a01002, // movk x2, #0x80, lsl #16
      0xf2c00042, // movk x2, #0x2, lsl #32
      0xd5182042, // msr tcr_el1, x2
      0xd5033fdf, // isb
      0xd5381002, // mrs x2, sctlr_el1
      0xb2400042, // orr x2, x2, #0x1
      0xd5181002, // msr sctlr_el1, x2
      0xd5033fdf, // isb
      0xd2a81035, // mov x21, #0x40810000
      0xb94002a0, // ldr w0, [x21]
      0x34ffffe0, // cbz w0, 0xc8
      0x914004c6, // add x6, x6, #0x1, lsl #12
      0xf90000a6, // str x6, [x5]
      0xd5033a9f, // dsb ishst
      0xd2a00100, // mov x0, #0x80000
      invalidation,
      0xd5033b9f, // dsb ish
      0x52800020, // mov w0, #0x1
      0xb90006a0, // str w0, [x21, #4]
      0xd503207f, // wfi
      0x17ffffff, // b 0xf0
      0xd2a81001, // mov x1, #0x40800000
      0xd5182001, // msr ttbr0_el1, x1
      0xd2801fe2, // mov x2, #0xff
      0xd518a202, // msr mair_el1, x2
      0xd2800322, // mov x2, #0x19
      0xf2a01002, // movk x2, #0x80, lsl #16
      0xf2c00042, // movk x2, #0x2, lsl #32
      0xd5182042, // msr tcr_el1, x2
      0xd5033fdf, // isb
      0xd5381002, // mrs x2, sctlr_el1
      0xb2400042, // orr x2, x2, #0x1
      0xd5181002, // msr sctlr_el1, x2
      0xd5033fdf, // isb
      0xd2a81035, // mov x21, #0x40810000
      0xd2b00016, // mov x22, #0x80000000
      0xb94002c0, // ldr w0, [x22]
      0xd2a12012, // mov x18, #0x9000000
      0x39000240, // strb w0, [x18]
      0x52800021, // mov w1, #0x1
      0xb90002a1, // str w1, [x21]
      0xb94002c0, // ldr w0, [x22]
      0xb94006a1, // ldr w1, [x21, #4]
      0x34ffffc1, // cbz w1, 0x148
      0xb94002c0, // ldr w0, [x22]
      0xd2a12012, // mov x18, #0x9000000
      0x39000240, // strb w0, [x18]
      0xd2b08000, // mov x0, #0x84000000
      0xf2800100, // movk x0, #0x8
      0xd4000002, // hvc #0x0
    ],
  });

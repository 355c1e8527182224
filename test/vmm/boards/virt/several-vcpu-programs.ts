// SPDX-License-Identifier: MIT
// Programs for machines `virt` with several vCPUs: PSCI, interrupts and sleep. vCPU 0
// starts the others, with their numbers in X0; shared data is at 0x40810000.

import { image, NOP } from './virt-programs.ts';

const SEV = 0xd503209f;

/**
 * CPU_ON and AFFINITY_INFO in every state of vCPU 1, and their refusals; CPU_OFF, also of
 * the last one. Prints '0' - result of CPU_ON, '0' + that of AFFINITY_INFO; vCPU 1 its
 * affinity and its context, 'x'.
 */
export const POWER = image({
  0: [
    0xd2800001, // mov x1, #0x0
    0x10000e42, // adr x2, 0x1cc
    0xd2800f03, // mov x3, #0x78
    0xd2b88000, // mov x0, #0xc4000000
    0xf2800060, // movk x0, #0x3
    0xd4000002, // hvc #0x0
    0xcb0003f1, // neg x17, x0
    0x1100c231, // add w17, w17, #0x30
    0xd2a12012, // mov x18, #0x9000000
    0x39000251, // strb w17, [x18]
    0xd2802001, // mov x1, #0x100
    0x10000d02, // adr x2, 0x1cc
    0xd2800f03, // mov x3, #0x78
    0xd2b88000, // mov x0, #0xc4000000
    0xf2800060, // movk x0, #0x3
    0xd4000002, // hvc #0x0
    0xcb0003f1, // neg x17, x0
    0x1100c231, // add w17, w17, #0x30
    0xd2a12012, // mov x18, #0x9000000
    0x39000251, // strb w17, [x18]
    0xd2800041, // mov x1, #0x2
    0x10000bc2, // adr x2, 0x1cc
    0xd2800f03, // mov x3, #0x78
    0xd2b88000, // mov x0, #0xc4000000
    0xf2800060, // movk x0, #0x3
    0xd4000002, // hvc #0x0
    0xcb0003f1, // neg x17, x0
    0x1100c231, // add w17, w17, #0x30
    0xd2a12012, // mov x18, #0x9000000
    0x39000251, // strb w17, [x18]
    0xd2800021, // mov x1, #0x1
    0x10000a82, // adr x2, 0x1cc
    0x91000842, // add x2, x2, #0x2
    0xd2b88000, // mov x0, #0xc4000000
    0xf2800060, // movk x0, #0x3
    0xd4000002, // hvc #0x0
    0xcb0003f1, // neg x17, x0
    0x1100c231, // add w17, w17, #0x30
    0xd2a12012, // mov x18, #0x9000000
    0x39000251, // strb w17, [x18]
    0xd2800021, // mov x1, #0x1
    0xd2a12002, // mov x2, #0x9000000
    0xd2b88000, // mov x0, #0xc4000000
    0xf2800060, // movk x0, #0x3
    0xd4000002, // hvc #0x0
    0xcb0003f1, // neg x17, x0
    0x1100c231, // add w17, w17, #0x30
    0xd2a12012, // mov x18, #0x9000000
    0x39000251, // strb w17, [x18]
    0xd2800021, // mov x1, #0x1
    0xd2800002, // mov x2, #0x0
    0xd2b88000, // mov x0, #0xc4000000
    0xf2800080, // movk x0, #0x4
    0xd4000002, // hvc #0x0
    0x1100c011, // add w17, w0, #0x30
    0xd2a12012, // mov x18, #0x9000000
    0x39000251, // strb w17, [x18]
    0xd2a81035, // mov x21, #0x40810000
    0xd2800021, // mov x1, #0x1
    0x10000702, // adr x2, 0x1cc
    0xd2800f03, // mov x3, #0x78
    0xd2b88000, // mov x0, #0xc4000000
    0xf2800060, // movk x0, #0x3
    0xd4000002, // hvc #0x0
    0xcb0003f1, // neg x17, x0
    0x1100c231, // add w17, w17, #0x30
    0xd2a12012, // mov x18, #0x9000000
    0x39000251, // strb w17, [x18]
    0xb94002a0, // ldr w0, [x21]
    0x34ffffe0, // cbz w0, 0x110
    0xd2800021, // mov x1, #0x1
    0xd2800002, // mov x2, #0x0
    0xd2b88000, // mov x0, #0xc4000000
    0xf2800080, // movk x0, #0x4
    0xd4000002, // hvc #0x0
    0x1100c011, // add w17, w0, #0x30
    0xd2a12012, // mov x18, #0x9000000
    0x39000251, // strb w17, [x18]
    0xd2800021, // mov x1, #0x1
    0x10000482, // adr x2, 0x1cc
    0xd2800f03, // mov x3, #0x78
    0xd2b88000, // mov x0, #0xc4000000
    0xf2800060, // movk x0, #0x3
    0xd4000002, // hvc #0x0
    0xcb0003f1, // neg x17, x0
    0x1100c231, // add w17, w17, #0x30
    0xd2a12012, // mov x18, #0x9000000
    0x39000251, // strb w17, [x18]
    0x52800020, // mov w0, #0x1
    0xb90006a0, // str w0, [x21, #4]
    0xd2800021, // mov x1, #0x1
    0xd2800002, // mov x2, #0x0
    0xd2b88000, // mov x0, #0xc4000000
    0xf2800080, // movk x0, #0x4
    0xd4000002, // hvc #0x0
    0x34ffff60, // cbz w0, 0x168
    0x1100c011, // add w17, w0, #0x30
    0xd2a12012, // mov x18, #0x9000000
    0x39000251, // strb w17, [x18]
    0xd2800021, // mov x1, #0x1
    0x10000422, // adr x2, 0x214
    0xd2800f03, // mov x3, #0x78
    0xd2b88000, // mov x0, #0xc4000000
    0xf2800060, // movk x0, #0x3
    0xd4000002, // hvc #0x0
    0xcb0003f1, // neg x17, x0
    0x1100c231, // add w17, w17, #0x30
    0xd2a12012, // mov x18, #0x9000000
    0x39000251, // strb w17, [x18]
    0xd2b08000, // mov x0, #0x84000000
    0xf2800040, // movk x0, #0x2
    0xd4000002, // hvc #0x0
    0x52800431, // mov w17, #0x21
    0xd2a12012, // mov x18, #0x9000000
    0x39000251, // strb w17, [x18]
    0xd53800a1, // mrs x1, mpidr_el1
    0x53001c31, // uxtb w17, w1
    0x1100c231, // add w17, w17, #0x30
    0xd2a12012, // mov x18, #0x9000000
    0x39000251, // strb w17, [x18]
    0xd2a12012, // mov x18, #0x9000000
    0x39000240, // strb w0, [x18]
    0xd2a81035, // mov x21, #0x40810000
    0x52800020, // mov w0, #0x1
    0xb90002a0, // str w0, [x21]
    0xb94006a0, // ldr w0, [x21, #4]
    0x34ffffe0, // cbz w0, 0x1f4
    0xd2b08000, // mov x0, #0x84000000
    0xf2800040, // movk x0, #0x2
    0xd4000002, // hvc #0x0
    0x52800431, // mov w17, #0x21
    0xd2a12012, // mov x18, #0x9000000
    0x39000251, // strb w17, [x18]
    0xd2800001, // mov x1, #0x0
    0xd2800002, // mov x2, #0x0
    0xd2b88000, // mov x0, #0xc4000000
    0xf2800080, // movk x0, #0x4
    0xd4000002, // hvc #0x0
    0x34ffff60, // cbz w0, 0x214
    0x1100c011, // add w17, w0, #0x30
    0xd2a12012, // mov x18, #0x9000000
    0x39000251, // strb w17, [x18]
    0xd2b08000, // mov x0, #0x84000000
    0xf2800040, // movk x0, #0x2
    0xd4000002, // hvc #0x0
    0x52800431, // mov w17, #0x21
    0xd2a12012, // mov x18, #0x9000000
    0x39000251, // strb w17, [x18]
  ],
});

/**
 * vCPU 0 sends SGI 1 to vCPU 3, then 2 to all others; each prints its number and the
 * INTID and replies with SGI 4 + its number, which wakes vCPU 0. It checks for the last
 * one with IRQs masked: if taken between the check and the WFI, that SGI would wake
 * nobody.
 */
export const SGIS = image({
  0: [
    0x10004001, // adr x1, 0x800
    0xd518c001, // msr vbar_el1, x1
    0xd2a10001, // mov x1, #0x8000000
    0x52800262, // mov w2, #0x13
    0xb9000022, // str w2, [x1]
    0xd2a00143, // mov x3, #0xa0000
    0x8b030023, // add x3, x1, x3
    0x8b1f4463, // add x3, x3, xzr, lsl #17
    0xb900147f, // str wzr, [x3, #20]
    0x91404063, // add x3, x3, #0x10, lsl #12
    0x12800002, // mov w2, #0xffffffff
    0xb9008062, // str w2, [x3, #128]
    0x529fffe2, // mov w2, #0xffff
    0x72a10002, // movk w2, #0x800, lsl #16
    0xb9010062, // str w2, [x3, #256]
    0xd2801e02, // mov x2, #0xf0
    0xd5184602, // msr icc_pmr_el1, x2
    0xd2800022, // mov x2, #0x1
    0xd518cce2, // msr icc_igrpen1_el1, x2
    0xd2800033, // mov x19, #0x1
    0xaa1303e1, // mov x1, x19
    0x10000442, // adr x2, 0xdc
    0xaa1303e3, // mov x3, x19
    0xd2b88000, // mov x0, #0xc4000000
    0xf2800060, // movk x0, #0x3
    0xd4000002, // hvc #0x0
    0x91000673, // add x19, x19, #0x1
    0xf1000e7f, // cmp x19, #0x3
    0x54ffff09, // b.ls 0x50
    0xd2a81035, // mov x21, #0x40810000
    0xb94002a0, // ldr w0, [x21]
    0x71000c1f, // cmp w0, #0x3
    0x54ffffc1, // b.ne 0x78
    0xd50342ff, // msr daifclr, #0x2
    0xd2800100, // mov x0, #0x8
    0xf2a02000, // movk x0, #0x100, lsl #16
    0xd518cba0, // msr icc_sgi1r_el1, x0
    0xb94006a0, // ldr w0, [x21, #4]
    0x7100041f, // cmp w0, #0x1
    0x54ffffc1, // b.ne 0x94
    0xd50342df, // msr daifset, #0x2
    0xd2a04000, // mov x0, #0x2000000
    0xf2c02000, // movk x0, #0x100, lsl #32
    0xd518cba0, // msr icc_sgi1r_el1, x0
    0xb94006a0, // ldr w0, [x21, #4]
    0x7100101f, // cmp w0, #0x4
    0x540000c0, // b.eq 0xd0
    0xd503207f, // wfi
    0xd50342ff, // msr daifclr, #0x2
    0xd5033fdf, // isb
    0xd50342df, // msr daifset, #0x2
    0x17fffff9, // b 0xb0
    0xd2b08000, // mov x0, #0x84000000
    0xf2800100, // movk x0, #0x8
    0xd4000002, // hvc #0x0
    0xaa0003f4, // mov x20, x0
    0x10003901, // adr x1, 0x800
    0xd518c001, // msr vbar_el1, x1
    0xd2a10001, // mov x1, #0x8000000
    0x52800262, // mov w2, #0x13
    0xb9000022, // str w2, [x1]
    0xd2a00143, // mov x3, #0xa0000
    0x8b030023, // add x3, x1, x3
    0x8b144463, // add x3, x3, x20, lsl #17
    0xb900147f, // str wzr, [x3, #20]
    0x91404063, // add x3, x3, #0x10, lsl #12
    0x12800002, // mov w2, #0xffffffff
    0xb9008062, // str w2, [x3, #128]
    0x529fffe2, // mov w2, #0xffff
    0x72a10002, // movk w2, #0x800, lsl #16
    0xb9010062, // str w2, [x3, #256]
    0xd2801e02, // mov x2, #0xf0
    0xd5184602, // msr icc_pmr_el1, x2
    0xd2800022, // mov x2, #0x1
    0xd518cce2, // msr icc_igrpen1_el1, x2
    0xd2a81035, // mov x21, #0x40810000
    0x52800021, // mov w1, #0x1
    0xb8e102a2, // ldaddal w1, w2, [x21]
    0xd50342ff, // msr daifclr, #0x2
    0xd503207f, // wfi
    0x17ffffff, // b 0x13c
  ],
  2688: [
    0xd2a81035, // mov x21, #0x40810000
    0xd538cc00, // mrs x0, icc_iar1_el1
    0xd53800a1, // mrs x1, mpidr_el1
    0x72001c21, // ands w1, w1, #0xff
    0x540000a1, // b.ne 0xaa4
    0x52800022, // mov w2, #0x1
    0x910012a4, // add x4, x21, #0x4
    0xb8e20083, // ldaddal w2, w3, [x4]
    0x1400000b, // b 0xacc
    0x1100c022, // add w2, w1, #0x30
    0xd2a12012, // mov x18, #0x9000000
    0x39000242, // strb w2, [x18]
    0x1100c002, // add w2, w0, #0x30
    0xd2a12012, // mov x18, #0x9000000
    0x39000242, // strb w2, [x18]
    0x11001022, // add w2, w1, #0x4
    0x53081c42, // lsl w2, w2, #24
    0x91000442, // add x2, x2, #0x1
    0xd518cba2, // msr icc_sgi1r_el1, x2
    0xd518cc20, // msr icc_eoir1_el1, x0
    0xd69f03e0, // eret
  ],
});

/**
 * Three vCPUs spin with interrupts masked and without WFE; vCPU 0 sleeps for 409,600
 * ticks, three times, and prints its delay, in units of 64 ticks from '0' on.
 */
export const STARVE = image({
  0: [
    0xd2800033, // mov x19, #0x1
    0xaa1303e1, // mov x1, x19
    0x10000622, // adr x2, 0xcc
    0xaa1303e3, // mov x3, x19
    0xd2b88000, // mov x0, #0xc4000000
    0xf2800060, // movk x0, #0x3
    0xd4000002, // hvc #0x0
    0x91000673, // add x19, x19, #0x1
    0xf1000e7f, // cmp x19, #0x3
    0x54ffff09, // b.ls 0x4
    0x10003ec1, // adr x1, 0x800
    0xd518c001, // msr vbar_el1, x1
    0xd2a10001, // mov x1, #0x8000000
    0x52800262, // mov w2, #0x13
    0xb9000022, // str w2, [x1]
    0xd2a00143, // mov x3, #0xa0000
    0x8b030023, // add x3, x1, x3
    0x8b1f4463, // add x3, x3, xzr, lsl #17
    0xb900147f, // str wzr, [x3, #20]
    0x91404063, // add x3, x3, #0x10, lsl #12
    0x12800002, // mov w2, #0xffffffff
    0xb9008062, // str w2, [x3, #128]
    0x529fffe2, // mov w2, #0xffff
    0x72a10002, // movk w2, #0x800, lsl #16
    0xb9010062, // str w2, [x3, #256]
    0xd2801e02, // mov x2, #0xf0
    0xd5184602, // msr icc_pmr_el1, x2
    0xd2800022, // mov x2, #0x1
    0xd518cce2, // msr icc_igrpen1_el1, x2
    0x52800077, // mov w23, #0x3
    0xd53be044, // mrs x4, cntvct_el0
    0x91419084, // add x4, x4, #0x64, lsl #12
    0xd51be344, // msr cntv_cval_el0, x4
    0xd2800022, // mov x2, #0x1
    0xd51be322, // msr cntv_ctl_el0, x2
    0xd503207f, // wfi
    0xd53be045, // mrs x5, cntvct_el0
    0xd51be33f, // msr cntv_ctl_el0, xzr
    0xcb0400a5, // sub x5, x5, x4
    0xd346fca5, // lsr x5, x5, #6
    0xd2800946, // mov x6, #0x4a
    0xeb0600bf, // cmp x5, x6
    0x9a8630a5, // csel x5, x5, x6, cc
    0x1100c0a5, // add w5, w5, #0x30
    0xd2a12012, // mov x18, #0x9000000
    0x39000245, // strb w5, [x18]
    0x710006f7, // subs w23, w23, #0x1
    0x54fffde1, // b.ne 0x78
    0xd2b08000, // mov x0, #0x84000000
    0xf2800100, // movk x0, #0x8
    0xd4000002, // hvc #0x0
    0x14000000, // b 0xcc
  ],
  2048: [
    0x14000000, // b 0x800
  ],
});

/**
 * CPU_SUSPEND with its interrupt 409,600 ticks ahead: prints '0' - result, '1' when it
 * slept that long, '0' - result with a reserved bit.
 */
export const SUSPEND = image({
  0: [
    0x10004001, // adr x1, 0x800
    0xd518c001, // msr vbar_el1, x1
    0xd2a10001, // mov x1, #0x8000000
    0x52800262, // mov w2, #0x13
    0xb9000022, // str w2, [x1]
    0xd2a00143, // mov x3, #0xa0000
    0x8b030023, // add x3, x1, x3
    0x8b1f4463, // add x3, x3, xzr, lsl #17
    0xb900147f, // str wzr, [x3, #20]
    0x91404063, // add x3, x3, #0x10, lsl #12
    0x12800002, // mov w2, #0xffffffff
    0xb9008062, // str w2, [x3, #128]
    0x529fffe2, // mov w2, #0xffff
    0x72a10002, // movk w2, #0x800, lsl #16
    0xb9010062, // str w2, [x3, #256]
    0xd2801e02, // mov x2, #0xf0
    0xd5184602, // msr icc_pmr_el1, x2
    0xd2800022, // mov x2, #0x1
    0xd518cce2, // msr icc_igrpen1_el1, x2
    0xd53be044, // mrs x4, cntvct_el0
    0x91419084, // add x4, x4, #0x64, lsl #12
    0xd51be344, // msr cntv_cval_el0, x4
    0xd2800022, // mov x2, #0x1
    0xd51be322, // msr cntv_ctl_el0, x2
    0xd2800001, // mov x1, #0x0
    0xd2b88000, // mov x0, #0xc4000000
    0xf2800020, // movk x0, #0x1
    0xd4000002, // hvc #0x0
    0xd53be045, // mrs x5, cntvct_el0
    0x4b0003e0, // neg w0, w0
    0x1100c000, // add w0, w0, #0x30
    0xd2a12012, // mov x18, #0x9000000
    0x39000240, // strb w0, [x18]
    0xeb0400bf, // cmp x5, x4
    0x1a9f37e0, // cset w0, cs
    0x1100c000, // add w0, w0, #0x30
    0xd2a12012, // mov x18, #0x9000000
    0x39000240, // strb w0, [x18]
    0xd2a00041, // mov x1, #0x20000
    0xd2b08000, // mov x0, #0x84000000
    0xf2800020, // movk x0, #0x1
    0xd4000002, // hvc #0x0
    0x4b0003e0, // neg w0, w0
    0x1100c000, // add w0, w0, #0x30
    0xd2a12012, // mov x18, #0x9000000
    0x39000240, // strb w0, [x18]
    0xd2b08000, // mov x0, #0x84000000
    0xf2800100, // movk x0, #0x8
    0xd4000002, // hvc #0x0
  ],
  2048: [
    0x14000000, // b 0x800
  ],
});

/**
 * WFE of vCPU 1, which has no exclusive monitor: prints 'S' when it ends within 65,536
 * ticks, otherwise 'T'.
 * @param event whether vCPU 0 executes SEV in the meantime.
 */
export const waitForEvent = (event: 'sev' | 'none') =>
  image({
    0: [
      0xd2800033, // mov x19, #0x1
      0xaa1303e1, // mov x1, x19
      0x100001c2, // adr x2, 0x40
      0xaa1303e3, // mov x3, x19
      0xd2b88000, // mov x0, #0xc4000000
      0xf2800060, // movk x0, #0x3
      0xd4000002, // hvc #0x0
      0x91000673, // add x19, x19, #0x1
      0xf100067f, // cmp x19, #0x1
      0x54ffff09, // b.ls 0x4
      0xd2a81035, // mov x21, #0x40810000
      0xb94002a0, // ldr w0, [x21]
      0x34ffffe0, // cbz w0, 0x2c
      event === 'sev' ? SEV : NOP,
      0xd503207f, // wfi
      0x17ffffff, // b 0x38
      0xd2a81035, // mov x21, #0x40810000
      0xd50320bf, // sevl
      0xd503205f, // wfe
      0x52800021, // mov w1, #0x1
      0xb90002a1, // str w1, [x21]
      0xd53be041, // mrs x1, cntvct_el0
      0xd503205f, // wfe
      0xd53be042, // mrs x2, cntvct_el0
      0xcb010042, // sub x2, x2, x1
      0x52800a63, // mov w3, #0x53
      0x52800a84, // mov w4, #0x54
      0xd350fc42, // lsr x2, x2, #16
      0xf100005f, // cmp x2, #0x0
      0x1a840063, // csel w3, w3, w4, eq
      0xd2a12012, // mov x18, #0x9000000
      0x39000243, // strb w3, [x18]
      0xd2b08000, // mov x0, #0x84000000
      0xf2800100, // movk x0, #0x8
      0xd4000002, // hvc #0x0
    ],
  });

/**
 * vCPUs 0 and 3 count to 2^18; 1 and 2 wait by WFE for each event of a stream of 4,096
 * ticks. Prints 'F' when the lower counter has reached more than half of the other,
 * otherwise 'U'; and the longest delay of a WFE, in units of 64 ticks from '0' on.
 */
export const STREAMS = image({
  0: [
    0xd2800033, // mov x19, #0x1
    0xaa1303e1, // mov x1, x19
    0x10000122, // adr x2, 0x2c
    0xaa1303e3, // mov x3, x19
    0xd2b88000, // mov x0, #0xc4000000
    0xf2800060, // movk x0, #0x3
    0xd4000002, // hvc #0x0
    0x91000673, // add x19, x19, #0x1
    0xf1000e7f, // cmp x19, #0x3
    0x54ffff09, // b.ls 0x4
    0xd2800000, // mov x0, #0x0
    0xaa0003f4, // mov x20, x0
    0xd2a81035, // mov x21, #0x40810000
    0xf100069f, // cmp x20, #0x1
    0x54000460, // b.eq 0xc4
    0xf1000a9f, // cmp x20, #0x2
    0x54000420, // b.eq 0xc4
    0x8b141ab6, // add x22, x21, x20, lsl #6
    0x52a00097, // mov w23, #0x40000
    0xb94002c1, // ldr w1, [x22]
    0x11000421, // add w1, w1, #0x1
    0xb90002c1, // str w1, [x22]
    0x6b17003f, // cmp w1, w23
    0x54ffff81, // b.ne 0x4c
    0x910802a4, // add x4, x21, #0x200
    0x52800025, // mov w5, #0x1
    0xb8e50086, // ldaddal w5, w6, [x4]
    0x350002a6, // cbnz w6, 0xc0
    0xd2400687, // eor x7, x20, #0x3
    0x8b071ab6, // add x22, x21, x7, lsl #6
    0xb94002c1, // ldr w1, [x22]
    0x528008c2, // mov w2, #0x46
    0x52800aa3, // mov w3, #0x55
    0x531f7821, // lsl w1, w1, #1
    0x6b17003f, // cmp w1, w23
    0x1a838042, // csel w2, w2, w3, hi
    0xd2a12012, // mov x18, #0x9000000
    0x39000242, // strb w2, [x18]
    0xf94182a1, // ldr x1, [x21, #768]
    0xd346fc21, // lsr x1, x1, #6
    0x52800942, // mov w2, #0x4a
    0x6b02003f, // cmp w1, w2
    0x1a829021, // csel w1, w1, w2, ls
    0x1100c021, // add w1, w1, #0x30
    0x39000241, // strb w1, [x18]
    0xd2b08000, // mov x0, #0x84000000
    0xf2800100, // movk x0, #0x8
    0xd4000002, // hvc #0x0
    0x14000000, // b 0xc0
    0xd2801681, // mov x1, #0xb4
    0xd518e101, // msr cntkctl_el1, x1
    0xd50320bf, // sevl
    0xd503205f, // wfe
    0xd503205f, // wfe
    0xd5033fdf, // isb
    0xd53be041, // mrs x1, cntvct_el0
    0xd1200021, // sub x1, x1, #0x800
    0x92402c21, // and x1, x1, #0xfff
    0x910c02a4, // add x4, x21, #0x300
    0xf8e16082, // ldumaxal x1, x2, [x4]
    0xd503205f, // wfe
    0x17fffff9, // b 0xd8
  ],
});

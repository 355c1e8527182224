// SPDX-License-Identifier: MIT
// Litmus tests of the memory model for machines `virt` with several vCPUs (Alglave,
// Maranget, Tautschnig: Herding cats, 2014): the accesses of each vCPU to x and y, and
// the outcomes that the architecture forbids (Arm ARM, B2.3).

/**
 * Instructions of a vCPU. X1 is the address of x, X2 that of y, W3 is 1; W4 and W5,
 * initially 0, are its results.
 */
const STORE_X = 0xb9000023; // str w3, [x1]
const STORE_Y = 0xb9000043; // str w3, [x2]
const RELEASE_X = 0x889ffc23; // stlr w3, [x1]
const RELEASE_Y = 0x889ffc43; // stlr w3, [x2]
const LOAD_X4 = 0xb9400024; // ldr w4, [x1]
const LOAD_Y4 = 0xb9400044; // ldr w4, [x2]
const LOAD_X5 = 0xb9400025; // ldr w5, [x1]
const LOAD_Y5 = 0xb9400045; // ldr w5, [x2]
const ACQUIRE_X4 = 0x88dffc24; // ldar w4, [x1]
const ACQUIRE_Y4 = 0x88dffc44; // ldar w4, [x2]
const ACQUIRE_X5 = 0x88dffc25; // ldar w5, [x1]
const DMB = 0xd5033bbf; // dmb ish
const DMB_ST = 0xd5033abf; // dmb ishst
const DMB_LD = 0xd50339bf; // dmb ishld
/** Adds 1 to x by exclusives; the old value is a result. */
const EXCLUSIVE_INCREMENT = [
  0x885f7c24, // ldxr w4, [x1]
  0x11000486, // add w6, w4, #1
  0x88077c26, // stxr w7, w6, [x1]
  0x35ffffa7, // cbnz w7, -12
];
const COMPARE_AND_SWAP = [0x88a47c23]; // cas w4, w3, [x1]

/**
 * @typedef {object} LitmusTest
 * @property {string} name
 * @property {readonly (readonly number[])[]} vcpus at most 8 instructions each
 * @property {(outcome: readonly (readonly [number, number])[]) => boolean} forbidden W4
 *   and W5 of each vCPU
 * @property {(outcome: readonly (readonly [number, number])[]) => boolean} [weak]
 *   allowed, but not in program order
 */

/** @type {readonly LitmusTest[]} */
export const LITMUS_TESTS = [
  {
    name: 'message passing, DMB ISHST and DMB ISHLD',
    vcpus: [
      [STORE_X, DMB_ST, STORE_Y],
      [LOAD_Y4, DMB_LD, LOAD_X5],
    ],
    forbidden: ([, [y = 0, x = 0] = []]) => y === 1 && x === 0,
  },
  {
    name: 'message passing, STLR and LDAR',
    vcpus: [
      [STORE_X, RELEASE_Y],
      [ACQUIRE_Y4, LOAD_X5],
    ],
    forbidden: ([, [y = 0, x = 0] = []]) => y === 1 && x === 0,
  },
  {
    name: 'store buffering, DMB',
    vcpus: [
      [STORE_X, DMB, LOAD_Y4],
      [STORE_Y, DMB, LOAD_X4],
    ],
    forbidden: ([[y] = [1, 0], [x] = [1, 0]]) => x === 0 && y === 0,
  },
  {
    name: 'store buffering, STLR and LDAR',
    vcpus: [
      [RELEASE_X, ACQUIRE_Y4],
      [RELEASE_Y, ACQUIRE_X4],
    ],
    forbidden: ([[y] = [1, 0], [x] = [1, 0]]) => x === 0 && y === 0,
  },
  {
    name: 'store buffering',
    vcpus: [
      [STORE_X, LOAD_Y4],
      [STORE_Y, LOAD_X4],
    ],
    forbidden: () => false,
    weak: ([[y] = [1, 0], [x] = [1, 0]]) => x === 0 && y === 0,
  },
  {
    name: 'load buffering, DMB',
    vcpus: [
      [LOAD_X4, DMB, STORE_Y],
      [LOAD_Y4, DMB, STORE_X],
    ],
    forbidden: ([[x] = [0, 0], [y] = [0, 0]]) => x === 1 && y === 1,
  },
  {
    name: 'coherence of two loads',
    vcpus: [[STORE_X], [LOAD_X4, LOAD_X5]],
    forbidden: ([, [first = 0, second = 0] = []]) => first === 1 && second === 0,
  },
  {
    name: 'independent reads of independent writes, DMB',
    vcpus: [[STORE_X], [STORE_Y], [LOAD_X4, DMB, LOAD_Y5], [LOAD_Y4, DMB, LOAD_X5]],
    forbidden: ([, , [x1 = 0, y1 = 0] = [], [y2 = 0, x2 = 0] = []]) =>
      x1 === 1 && y1 === 0 && y2 === 1 && x2 === 0,
  },
  {
    name: 'independent reads of independent writes, LDAR',
    vcpus: [
      [RELEASE_X],
      [RELEASE_Y],
      [ACQUIRE_X4, 0x88dffc45], // ldar w5, [x2]
      [ACQUIRE_Y4, ACQUIRE_X5],
    ],
    forbidden: ([, , [x1 = 0, y1 = 0] = [], [y2 = 0, x2 = 0] = []]) =>
      x1 === 1 && y1 === 0 && y2 === 1 && x2 === 0,
  },
  {
    name: 'two increments by LDXR and STXR',
    vcpus: [EXCLUSIVE_INCREMENT, EXCLUSIVE_INCREMENT],
    forbidden: ([[a] = [0, 0], [b] = [1, 0]]) => a === b,
  },
  {
    name: 'two CAS of which one succeeds',
    vcpus: [COMPARE_AND_SWAP, COMPARE_AND_SWAP],
    forbidden: ([[a] = [0, 0], [b] = [1, 0]]) => a === b,
  },
];

/** Pairs of x and y that the vCPUs process between two barriers. */
export const CELLS = 4096;
/**
 * Address of the program's counts of outcomes: u32 by outcome, two bits for each vCPU.
 */
export const HISTOGRAM = 0x40811000;

const SLOT = 8;
const SLOTS_AT = 0x200;
/** Offset in bytes at which execution continues after a slot. */
const BACK = 0x104;
const NOP = 0xd503201f;

/**
 * The loop of a vCPU: waits for the others; for each cell waits for them, for a short
 * time at most, waits a random time, and executes the vCPU's instructions; waits for the
 * others again; vCPU 0 counts.
 */
const harness = (/** @type {number} */ vcpus, /** @type {number} */ batches) => [
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
  0xf100027f | ((vcpus - 1) << 10), // cmp x19, #(vcpus - 1)
  0x54ffff09, // b.ls 0x1c
  0xd2800000, // mov x0, #0x0
  0xaa0003f4, // mov x20, x0
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
  0x52800013 | (batches << 5), // mov w19, #batches
  0x52800012 | (vcpus << 5), // mov w18, #vcpus
  0x52800016 | (CELLS << 5), // mov w22, #CELLS
  0x52800017, // mov w23, #0x0
  0x10000b9b, // adr x27, 0x200
  0x8b141b7b, // add x27, x27, x20, lsl #6
  0x9400003f, // bl 0x194
  0x528cc1be, // mov w30, #0x660d
  0x72a0033e, // movk w30, #0x19, lsl #16
  0x0b1403bd, // add w29, w29, w20
  0xd2a81218, // mov x24, #0x40900000
  0xd2a81059, // mov x25, #0x40820000
  0x8b144339, // add x25, x25, x20, lsl #16
  0x2a1603fa, // mov w26, w22
  0xaa1803e1, // mov x1, x24
  0x91010302, // add x2, x24, #0x40
  0x52800023, // mov w3, #0x1
  0x91020306, // add x6, x24, #0x80
  0xb8e300c7, // ldaddal w3, w7, [x6]
  0x52801907, // mov w7, #0xc8
  0x88dffcc4, // ldar w4, [x6]
  0x6b12009f, // cmp w4, w18
  0x54000062, // b.cs 0xe4
  0x710004e7, // subs w7, w7, #0x1
  0x54ffff81, // b.ne 0xd0
  0x1b1e7bbd, // madd w29, w29, w30, w30
  0x531b7fa7, // lsr w7, w29, #27
  0x34000067, // cbz w7, 0xf8
  0x710004e7, // subs w7, w7, #0x1
  0x54ffffe1, // b.ne 0xf0
  0x52800004, // mov w4, #0x0
  0x52800005, // mov w5, #0x0
  0xd61f0360, // br x27
  0x2a050484, // orr w4, w4, w5, lsl #1
  0x38001724, // strb w4, [x25], #1
  0x91030318, // add x24, x24, #0xc0
  0x7100075a, // subs w26, w26, #0x1
  0x54fffd21, // b.ne 0xb8
  0x9400001f, // bl 0x194
  0xb50002d4, // cbnz x20, 0x174
  0xd2a81218, // mov x24, #0x40900000
  0xd2a81059, // mov x25, #0x40820000
  0x914006bc, // add x28, x21, #0x1, lsl #12
  0x2a1603fa, // mov w26, w22
  0x52800009, // mov w9, #0x0
  0x5100064a, // sub w10, w18, #0x1
  0x8b0a432b, // add x11, x25, x10, lsl #16
  0x3940016c, // ldrb w12, [x11]
  0x2a090989, // orr w9, w12, w9, lsl #2
  0x7100054a, // subs w10, w10, #0x1
  0x54ffff85, // b.pl 0x138
  0xb8695b8c, // ldr w12, [x28, w9, uxtw #2]
  0x1100058c, // add w12, w12, #0x1
  0xb8295b8c, // str w12, [x28, w9, uxtw #2]
  0xb900031f, // str wzr, [x24]
  0xb900431f, // str wzr, [x24, #64]
  0xb900831f, // str wzr, [x24, #128]
  0x91000739, // add x25, x25, #0x1
  0x91030318, // add x24, x24, #0xc0
  0x7100075a, // subs w26, w26, #0x1
  0x54fffe01, // b.ne 0x130
  0x71000673, // subs w19, w19, #0x1
  0x54fff901, // b.ne 0x98
  0xb5000094, // cbnz x20, 0x18c
  0xd2b08000, // mov x0, #0x84000000
  0xf2800100, // movk x0, #0x8
  0xd4000002, // hvc #0x0
  0xd503207f, // wfi
  0x17ffffff, // b 0x18c
  0x0b1202f7, // add w23, w23, w18
  0x52800023, // mov w3, #0x1
  0xb8e302a4, // ldaddal w3, w4, [x21]
  0x11000484, // add w4, w4, #0x1
  0x6b17009f, // cmp w4, w23
  0x540000c2, // b.cs 0x1c0
  0xd50320bf, // sevl
  0xd503205f, // wfe
  0x885ffea4, // ldaxr w4, [x21]
  0x6b17009f, // cmp w4, w23
  0x54ffffa3, // b.cc 0x1b0
  0xd65f03c0, // ret
  0xd503201f, // nop
  0xd503201f, // nop
  0xd503201f, // nop
  0xd503201f, // nop
  0xd503201f, // nop
  0xd503201f, // nop
  0xd503201f, // nop
  0xd503201f, // nop
  0xd503201f, // nop
  0xd503201f, // nop
  0xd503201f, // nop
  0xd503201f, // nop
  0xd503201f, // nop
  0xd503201f, // nop
  0xd503201f, // nop
];

/**
 * A flat binary that executes a test `batches` times with CELLS cells each, and powers
 * off.
 * @param {LitmusTest} test
 * @param {number} batches at most 65535
 */
export function litmusImage({ vcpus }, batches) {
  const words = new Uint32Array(0x400);
  words.set(harness(vcpus.length, batches));
  vcpus.forEach((body, vcpu) => {
    const at = SLOTS_AT / 4 + 2 * SLOT * vcpu;
    words.fill(NOP, at, at + SLOT);
    words.set(body, at);
    const distance = BACK / 4 - (at + SLOT);
    words[at + SLOT] = 0x14000000 | (distance & 0x3ffffff);
  });
  return new Uint8Array(words.buffer);
}

/**
 * Evaluates the histogram.
 * @param {LitmusTest} test
 * @param {Uint32Array} histogram
 */
export function litmusOutcomes({ vcpus, forbidden, weak }, histogram) {
  const found = { outcomes: 0, kinds: 0, forbidden: 0, weak: 0 };
  histogram.forEach((count, index) => {
    if (count === 0) return;
    const outcome = vcpus.map((_, vcpu) => {
      const bits = index >> (2 * vcpu);
      return /** @type {const} */ ([bits & 1, (bits >> 1) & 1]);
    });
    found.outcomes += count;
    found.kinds++;
    if (forbidden(outcome)) found.forbidden += count;
    if (weak?.(outcome)) found.weak += count;
  });
  return found;
}

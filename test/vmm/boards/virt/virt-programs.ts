// SPDX-License-Identifier: MIT
// Programs for a machine `virt`, as flat binaries: words of A64, at their offsets. They
// begin at the image's start, where VBAR_EL1 can point.

/** A flat binary of words and texts by their offsets. */
export function image(parts: Readonly<Record<number, readonly number[] | string>>) {
  const bytes = new Uint8Array(0x1000);
  for (const [offset, part] of Object.entries(parts)) {
    const data =
      typeof part === 'string'
        ? new TextEncoder().encode(part)
        : new Uint8Array(Uint32Array.from(part).buffer);
    bytes.set(data, Number(offset));
  }
  return bytes;
}

/** Vectors of exceptions taken from EL1 with its own stack pointer. */
const SYNCHRONOUS = 0x200;
const IRQ = 0x280;

export const NOP = 0xd503201f;
const WFI = 0xd503207f;

/** SYSTEM_OFF of PSCI. */
const OFF = [
  0xd2b08000, // mov x0, #0x84000000
  0xf2800100, // movk x0, #8
  0xd4000002, // hvc #0
];

/** Prints "hello" and powers off. */
export const HELLO = image({
  0: [
    0xd2a12001, // mov x1, #0x9000000
    0x10000102, // adr x2, 0x24
    0x38401443, // ldrb w3, [x2], #1
    0x34000063, // cbz w3, 0x18
    0x39000023, // strb w3, [x1]
    0x17fffffd, // b 0x8
    ...OFF,
  ],
  36: 'hello\n\0',
});

/** Prints "hello" and runs forever. */
export const SPEAKS = image({
  0: [
    0xd2a12001, // mov x1, #0x9000000
    0x10000102, // adr x2, 0x24
    0x38401443, // ldrb w3, [x2], #1
    0x34000063, // cbz w3, 0x18
    0x39000023, // strb w3, [x1]
    0x17fffffd, // b 0x8
    0x14000000, // b .
  ],
  36: 'hello\n\0',
});

/** Accesses system registers that do not exist, and a read-only one, and powers off. */
export const UNKNOWN_REGISTERS = image({
  0: [
    0x10000000, // adr x0, 0
    0xd518c000, // msr vbar_el1, x0
    0xd53bfa60, // mrs x0, s3_3_c15_c10_3
    0xd518f240, // msr s3_0_c15_c2_2, x0
    0xd5180000, // msr midr_el1, x0
    ...OFF,
  ],
  [SYNCHRONOUS]: [
    0xd538403e, // mrs x30, elr_el1
    0x910013de, // add x30, x30, #4
    0xd518403e, // msr elr_el1, x30
    0xd69f03e0, // eret
  ],
});

/** Their records in a trace. */
export const UNKNOWN_RECORDS = [
  ['vCPU 0', { name: 'unknown MRS', register: 'S3_3_C15_C10_3', pc: '0x40080008' }],
  ['vCPU 0', { name: 'unknown MSR', register: 'S3_0_C15_C2_2', pc: '0x4008000c' }],
];

/**
 * Arms the virtual timer 409,600 ticks ahead and waits for its interrupt. Prints 'A' +
 * INTID - 27, '0' + ticks from the compare value to the end of the handler's first
 * instruction, '1' if nothing is left to acknowledge, and powers off.
 */
export const timer = (wait: 'asleep' | 'awake') =>
  image({
    0: [
      0x10000000, // adr x0, 0
      0xd518c000, // msr vbar_el1, x0
      0xd2a10001, // mov x1, #0x8000000
      0x52800262, // mov w2, #0x13
      0xb9000022, // str w2, [x1]         GICD_CTLR
      0xd2a00143, // mov x3, #0xa0000
      0x8b030023, // add x3, x1, x3
      0xb900147f, // str wzr, [x3, #0x14] GICR_WAKER
      0x91404063, // add x3, x3, #0x10000
      0x52a10002, // mov w2, #0x8000000
      0xb9008062, // str w2, [x3, #0x80]  GICR_IGROUPR0
      0xb9010062, // str w2, [x3, #0x100] GICR_ISENABLER0
      0xd2801e02, // mov x2, #0xf0
      0xd5184602, // msr icc_pmr_el1, x2
      0xd2800022, // mov x2, #1
      0xd518cce2, // msr icc_igrpen1_el1, x2
      0xd53be044, // mrs x4, cntvct_el0
      0x91419084, // add x4, x4, #0x64000
      0xd51be344, // msr cntv_cval_el0, x4
      0xd51be322, // msr cntv_ctl_el0, x2
      wait === 'asleep' ? WFI : NOP,
      0xd50342ff, // msr daifclr, #2
      0x14000000, // b .
    ],
    [IRQ]: [
      0xd53be045, // mrs x5, cntvct_el0
      0xd2a12001, // mov x1, #0x9000000
      0xd538cc06, // mrs x6, icc_iar1_el1
      0x110098c7, // add w7, w6, #'A' - 27
      0x39000027, // strb w7, [x1]
      0xcb0400a7, // sub x7, x5, x4
      0x9100c0e7, // add x7, x7, #'0'
      0x39000027, // strb w7, [x1]
      0xd51be33f, // msr cntv_ctl_el0, xzr
      0xd518cc26, // msr icc_eoir1_el1, x6
      0xd538cc06, // mrs x6, icc_iar1_el1
      0x710ffcdf, // cmp w6, #1023
      0x1a9f17e7, // cset w7, eq
      0x1100c0e7, // add w7, w7, #'0'
      0x39000027, // strb w7, [x1]
      ...OFF,
    ],
  });

/**
 * Takes exceptions, each at its own address, and prints '0' + ESR_EL1.EC and '0' +
 * ESR_EL1.{WnR, DFSC} of each: a load and a store at an unmapped address, SMC, HLT, MRS
 * of a register that does not exist.
 */
export const FAULTS = image({
  0: [
    0x10000000, // adr x0, 0
    0xd518c000, // msr vbar_el1, x0
    0xd2a12001, // mov x1, #0x9000000
    0xd2a20002, // mov x2, #0x10000000
    0xb9400043, // ldr w3, [x2]
    0xb9000043, // str w3, [x2]
    0xd4000003, // smc #0
    0xd4400000, // hlt #0
    0xd538b004, // mrs x4, s3_0_c11_c0_0
    ...OFF,
  ],
  [SYNCHRONOUS]: [
    0xd5385205, // mrs x5, esr_el1
    0xd35afca6, // lsr x6, x5, #26
    0x1100c0c6, // add w6, w6, #'0'
    0x39000026, // strb w6, [x1]
    0x120018a5, // and w5, w5, #0x7f
    0x1100c0a5, // add w5, w5, #'0'
    0x39000025, // strb w5, [x1]
    0xd5384025, // mrs x5, elr_el1
    0x910010a5, // add x5, x5, #4
    0xd5184025, // msr elr_el1, x5
    0xd69f03e0, // eret
  ],
});

/**
 * Prints a byte of its own, changes it to '?', changes UARTIBRD, and resets the machine
 * by PSCI.
 */
export const RESET = image({
  0: [
    0xd2a12001, // mov x1, #0x9000000
    0x10000122, // adr x2, 0x28
    0x39400043, // ldrb w3, [x2]
    0x39000023, // strb w3, [x1]
    0x528007e3, // mov w3, #'?'
    0x39000043, // strb w3, [x2]
    0xb9002423, // str w3, [x1, #0x24]
    0xd2b08000, // mov x0, #0x84000000
    0xf2800120, // movk x0, #9
    0xd4000002, // hvc #0
  ],
  40: 'R',
});

/** Prints Linux's message before it spins forever, and spins. */
export const PANIC = image({
  0: [
    0xd2a12001, // mov x1, #0x9000000
    0x100000c2, // adr x2, 0x1c
    0x38401443, // ldrb w3, [x2], #1
    0x34000063, // cbz w3, 0x18
    0x39000023, // strb w3, [x1]
    0x17fffffd, // b 0x8
    0x14000000, // b .
  ],
  28: '[    1.0] Kernel panic - not syncing: no root\r\nand more\n\0',
});

/** Waits for a byte from the console, sends the next one, and powers off. */
export const ECHO = image({
  0: [
    0xd2a12001, // mov x1, #0x9000000
    0xb9401822, // ldr w2, [x1, #0x18]
    0x3727ffe2, // tbnz w2, #4, 0x4
    0x39400022, // ldrb w2, [x1]
    0x11000442, // add w2, w2, #1
    0x39000022, // strb w2, [x1]
    ...OFF,
  ],
});

/** Sleeps until its UART's receive interrupt, sends the byte, and powers off. */
export const AWAITS_INPUT = image({
  0: [
    0xd2a10001, // mov x1, #0x8000000
    0x52800262, // mov w2, #0x13
    0xb9000022, // str w2, [x1]
    0x52800042, // mov w2, #0x2
    0xb9008422, // str w2, [x1, #132]
    0xb9010422, // str w2, [x1, #260]
    0xd2801e02, // mov x2, #0xf0
    0xd5184602, // msr icc_pmr_el1, x2
    0xd2800022, // mov x2, #0x1
    0xd518cce2, // msr icc_igrpen1_el1, x2
    0xd2a12001, // mov x1, #0x9000000
    0x52800a02, // mov w2, #0x50
    0xb9003822, // str w2, [x1, #56]
    0xd503207f, // wfi
    0xb9401822, // ldr w2, [x1, #24]
    0x3727ffc2, // tbnz w2, #4, 0x34
    0x39400022, // ldrb w2, [x1]
    0x39000022, // strb w2, [x1]
    ...OFF,
  ],
});

/** Waits for an interrupt, forever: none is enabled. */
export const IDLE = image({
  0: [
    WFI,
    0x17ffffff, // b 0
  ],
});

/** Runs forever. */
export const BUSY = image({
  0: [
    0x14000000, // b 0
  ],
});

/**
 * A VCMDQ of 256 entries at 0x40100000 for LVCMDQ 0 of VINTF 0. x5: logical page 0 of the
 * VINTF.
 */
const QUEUE = [
  0xd2a16001, // mov x1, #0xb000000
  0xd2a80202, // mov x2, #0x40100000
  0x52800023, // mov w3, #1
  0xb9100023, // str w3, [x1, #0x1000]    VINTF0_CONFIG
  0xb9020023, // str w3, [x1, #0x200]     CMDQ_ALLOC(0)
  0xb27d0044, // orr x4, x2, #8
  0x91410026, // add x6, x1, #0x40, lsl #12
  0xf90000c4, // str x4, [x6]             VI_VCMDQ0_BASE
  0x9140c025, // add x5, x1, #0x30, lsl #12
  0xd2800227, // mov x7, #0x11            TLBI_NH_ASID
  0xd28008c8, // mov x8, #0x46            CMD_SYNC
];

/**
 * Batches of a TLBI and a CMD_SYNC, each awaited by polling CONS. Prints 'K' when all
 * have been executed, 'T' when one took more than 1,000 polls.
 */
export const batches = (count: number) =>
  image({
    0: [
      ...QUEUE,
      0xb90008a3, // str w3, [x5, #8]         CONFIG
      0x52800006, // mov w6, #0
      0x52800009 | (count << 5), // mov w9, #count
      0x12001cca, // and w10, w6, #0xff
      0x8b2a504b, // add x11, x2, w10, uxtw #4
      0xa9007d67, // stp x7, xzr, [x11]
      0xa9017d68, // stp x8, xzr, [x11, #16]
      0x110008c6, // add w6, w6, #2
      0x120020c6, // and w6, w6, #0x1ff
      0xd50332bf, // dmb oshst
      0xb90004a6, // str w6, [x5, #4]         PROD
      0x52807d0c, // mov w12, #1000
      0xb94000ad, // ldr w13, [x5]            CONS
      0x6b0601bf, // cmp w13, w6
      0x540000a0, // b.eq +20
      0x7100058c, // subs w12, w12, #1
      0x54ffff81, // b.ne -16
      0x52800a8e, // mov w14, #'T'
      0x14000004, // b +16
      0x71000529, // subs w9, w9, #1
      0x54fffde1, // b.ne -68
      0x5280096e, // mov w14, #'K'
      0xd2a1200f, // mov x15, #0x9000000
      0x390001ee, // strb w14, [x15]
      ...OFF,
    ],
  });

/**
 * Enables the VINTF, executes a batch, disables the VINTF and reads the queue's STATUS,
 * this many times. Prints 'K' when every CONS and STATUS was right, otherwise 'F'.
 */
export const flips = (count: number) =>
  image({
    0: [
      ...QUEUE,
      0x52800009 | (count << 5), // mov w9, #count
      0xb9100023, // str w3, [x1, #4096]
      0xb94000a6, // ldr w6, [x5]
      0xb90004a6, // str w6, [x5, #4]
      0xb90008a3, // str w3, [x5, #8]
      0x12001cca, // and w10, w6, #0xff
      0x8b2a504b, // add x11, x2, w10, uxtw #4
      0xa9007d67, // stp x7, xzr, [x11]
      0xa9017d68, // stp x8, xzr, [x11, #16]
      0x110008c6, // add w6, w6, #0x2
      0x120020c6, // and w6, w6, #0x1ff
      0xb90004a6, // str w6, [x5, #4]
      0xb94000ad, // ldr w13, [x5]
      0x6b0601bf, // cmp w13, w6
      0x54000101, // b.ne 80 <failed>
      0xb910003f, // str wzr, [x1, #4096]
      0xb9400cad, // ldr w13, [x5, #12]
      0x350000ad, // cbnz w13, 80 <failed>
      0x71000529, // subs w9, w9, #0x1
      0x54fffdc1, // b.ne 2c <outer>
      0x5280096e, // mov w14, #0x4b
      0x14000002, // b 84 <print>
      0x528008ce, // mov w14, #0x46
      0xd2a1200f, // mov x15, #0x9000000
      0x390001ee, // strb w14, [x15]
      ...OFF,
    ],
  });

/** mov w0, #operation; hlt #0xf000 */
const semihostingCall = (operation: number) => [0x52800000 + operation * 32, 0xd45e0000];

/**
 * Semihosting: prints "hi!" and "n", checks that SYS_WRITE returns -1, and makes a call
 * with a block of two words, or with the first of them instead.
 */
export const semihosted = (operation: number, reason: number, subcode: number, hasBlock = true) =>
  image({
    0: [
      0x10000401, // adr x1, 0x80
      ...semihostingCall(4),
      0x100003c1, // adr x1, 0x84
      ...semihostingCall(3),
      ...semihostingCall(5),
      0xb100041f, // cmn x0, #1
      0x54000001, // b.ne .
      ...(hasBlock
        ? [0x100006c1, NOP] // adr x1, 0x100
        : [0xd2800001 + (reason % 0x10000) * 32, 0xf2a00001 + Math.floor(reason / 0x10000) * 32]),
      ...semihostingCall(operation),
      0x14000000, // b .
    ],
    128: 'hi!\0no',
    256: [reason, 0, subcode, 0],
  });

/** Address at which a flat binary is loaded. */
const LOADED = 0x40080000;

/** Writes a text to the console of tests, by the legacy interface, and runs forever. */
export const testdev = (text: string) =>
  image({
    0: [
      0xd2a14001, // mov x1, #0xa000000
      0xf2880001, // movk x1, #0x4000
      0x100007c2, // adr x2, 0x100
      0xb8404443, // ldr w3, [x2], #4
      0xb8404444, // ldr w4, [x2], #4
      0x34000063, // cbz w3, 0x20
      0xb8236824, // str w4, [x1, x3]
      0x17fffffc, // b 0xc
      0x14000000, // b .
    ],
    // Registers and their values: size of pages, queue, its size, alignment and page,
    // notification.
    256: [0x28, 0x100, 0x30, 1, 0x38, 4, 0x3c, 0x10, 0x40, (LOADED + 0x200) / 0x100, 0x50, 1],
    // A descriptor and, after four of them, the available ring, whose first entry is that
    // one.
    512: [LOADED + 0x300, 0, text.length, 0],
    576: [0x10000],
    768: text,
  });

/**
 * Stores an instruction, twice, executes it with and without IC and ISB, and powers off.
 */
export const STALE = image({
  0: [
    0x10000801, // adr x1, 0x100
    0x18000780, // ldr w0, 0xf4
    0xd63f0020, // blr x1
    0xb9000020, // str w0, [x1]
    0xd50b7521, // ic ivau, x1
    0xd5033fdf, // isb
    0xd63f0020, // blr x1
    0x180006e0, // ldr w0, 0xf8
    0xb9000020, // str w0, [x1]
    0xd63f0020, // blr x1
    ...OFF,
  ],
  244: [0xd503203f, NOP],
  256: [NOP, 0xd65f03c0], // ret
});

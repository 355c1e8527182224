// SPDX-License-Identifier: MIT
// SP alignment faults (Arm ARM D1.8.2, EC 0x26): which accesses take one, and that no
// write of SP escapes the check, although the interpreter's loops check SP only where it
// may become misaligned.

import { describe, expect, it } from 'vitest';
import {
  ARM64_BANK,
  ARM64_COUNT,
  ARM64_PC,
  ARM64_SP,
  ARM64_X,
  BANK_ELR,
  BANK_ESR,
  BANK_FAR,
  BANK_SCTLR,
  BANK_SP,
  BANK_SPSR,
} from '../../assembly/layout/arm64-state.ts';
import {
  type Arm64Machine,
  FLAT_EL0,
  FLAT_EL1,
  FLAT_READ_ONLY,
  mapAgain,
  write,
} from './el0-machine.ts';
import { DATA, machineWith, NOP, PROGRAM, VECTORS } from './program-machine.ts';

const SA = 1n << 3n;
const SA0 = 1n << 4n;
const ESR = 0x9a000000n;
const STACK = BigInt(DATA + 0x800);
const STR_X0_SP = 0xf90003e0;
const LOOP = 0x14000000;

/** Memory that EL1 can write. */
function machine(
  words: readonly number[],
  { el = 1, checked = SA | SA0, sp = STACK, attributes = FLAT_EL1 } = {},
) {
  const made = machineWith(words, { el, attributes });
  made.setEl1(BANK_SCTLR, (made.el1(BANK_SCTLR) & ~(SA | SA0)) | checked);
  made.setU64(ARM64_SP, sp);
  for (const vector of [0, 0x200, 0x400]) write(made, VECTORS + vector, [LOOP]);
  return made;
}

const fault = (made: Arm64Machine) => ({
  esr: made.el1(BANK_ESR),
  elr: made.el1(BANK_ELR),
  far: made.el1(BANK_FAR),
});

describe('accesses with a misaligned SP', () => {
  it.each([
    ['LDR X0, [SP]', 0xf94003e0],
    ['STR X0, [SP]', STR_X0_SP],
    ['LDRB W0, [SP, #1]', 0x394007e0],
    ['LDR X0, [SP, X1]', 0xf8616be0],
    ['STUR X0, [SP, #8]', 0xf80083e0],
    ['LDR XZR, [SP]', 0xf94003ff],
    ['STP X0, X1, [SP, #-16]!', 0xa9bf07e0],
    ['LDP X0, X1, [SP], #16', 0xa8c107e0],
    ['LDNP X0, X1, [SP]', 0xa84007e0],
    ['LDAR X0, [SP]', 0xc8dfffe0],
    ['LDXR X0, [SP]', 0xc85f7fe0],
    ['STXR W2, X0, [SP]', 0xc8027fe0],
    ['SWP X0, X1, [SP]', 0xf82083e1],
    ['CAS X0, X1, [SP]', 0xc8a07fe1],
    ['LDTR X0, [SP]', 0xf8400be0],
  ])('%s faults, and does nothing', (_, word) => {
    for (const el of [0, 1]) {
      const made = machine([word], { el, sp: STACK + 8n });
      made.setU64(ARM64_X, 0x55n);
      made.exports.step(made.cpu);
      expect(fault(made)).toEqual({ esr: ESR, elr: BigInt(PROGRAM), far: 0n });
      expect(made.u64(el === 0 ? ARM64_BANK + BANK_SP : ARM64_SP)).toBe(STACK + 8n);
      expect(made.u64(ARM64_X)).toBe(0x55n);
      expect(made.u64(ARM64_COUNT)).toBe(1n);
    }
  });

  it.each([
    ['LDR X0, [X1]', 0xf9400020],
    ['LDR X0, a literal whose field is 31', 0x580003e0],
    ['PRFM PLDL1KEEP, [SP]', 0xf98003e0],
    ['ADD X0, SP, #1', 0x910007e0],
    ['LDXR X0, [X1], at an SP that is as good as any', 0xc85f7c20],
  ])('%s does not', (_, word) => {
    const made = machine([word], { sp: STACK + 8n });
    made.setU64(ARM64_X + 8, STACK);
    made.exports.step(made.cpu);
    expect(made.el1(BANK_ESR)).toBe(0n);
    expect(made.u64(ARM64_PC)).toBe(BigInt(PROGRAM + 4));
  });

  it('an instruction that is UNDEFINED is that first', () => {
    const made = machine([0x3dc003e0], { sp: STACK + 8n }); // LDR Q0, [SP]
    made.exports.step(made.cpu);
    expect(made.el1(BANK_ESR)).toBe(0x2000000n);
  });

  it.each([
    [0, SA],
    [1, SA0],
  ])('EL%i goes by its own bit of SCTLR_EL1', (el, checked) => {
    const attributes = el === 0 ? FLAT_EL0 : FLAT_EL1;
    const made = machine([STR_X0_SP, LOOP], { el, checked, sp: STACK + 8n, attributes });
    made.setU64(ARM64_X, 0x77n);
    made.exports.run(made.cpu, 100);
    expect(made.el1(BANK_ESR)).toBe(0n);
    expect(made.u64(ARM64_COUNT)).toBeGreaterThanOrEqual(100n);
    expect(made.view.getBigUint64(made.at(DATA + 0x808), true)).toBe(0x77n);
  });
});

describe('writes of SP', () => {
  const store = PROGRAM + 0x40;
  /** One instruction and, 15 later, a store to the stack. */
  const program = (word: number) => [word, ...Array<number>(15).fill(NOP), STR_X0_SP, LOOP];

  it.each([
    ['ADD SP, SP, #8', 0x910023ff, 8n],
    ['SUB SP, SP, #8', 0xd10023ff, -8n],
    ['ADD SP, SP, #1, LSL #12', 0x914007ff, 0x1000n],
    ['MOV SP, X2', 0x9100005f, 0x28n],
    ['ADD WSP, W2, #1', 0x1100045f, 0x29n],
    ['SUB SP, SP, X1', 0xcb2163ff, -8n],
    ['ADD SP, SP, W1, SXTW', 0x8b21c3ff, 8n],
    ['ADD WSP, WSP, W1', 0x0b2143ff, 8n],
    ['AND SP, X2, #~7', 0x927df05f, 0x28n],
    ['AND SP, X2, #~15', 0x927cec5f, 0x20n],
    ['AND WSP, W2, #~7', 0x121d705f, 0x28n],
    ['ORR SP, X2, #1', 0xb240005f, 0x29n],
    ['EOR SP, X2, #8', 0xd27d005f, 0x20n],
    ['STR X0, [SP, #-8]!', 0xf81f8fe0, -8n],
    ['LDR X0, [SP], #8', 0xf84087e0, 8n],
    ['LDRSB X0, [SP], #1', 0x388017e0, 1n],
    ['LDR XZR, [SP], #8', 0xf84087ff, 8n],
    ['STR X0, [SP], #16', 0xf80107e0, 16n],
    ['STP X0, X1, [SP, #-8]!', 0xa9bf87e0, -8n],
    ['STP W0, W1, [SP], #4', 0x288087e0, 4n],
    ['LDP X0, X1, [SP], #8', 0xa8c087e0, 8n],
    ['LDP W0, W1, [SP], #16', 0x28c207e0, 16n],
    ['LDPSW X0, X1, [SP], #4', 0x68c087e0, 4n],
  ])('%s', (_, word, change) => {
    for (const checked of [SA, 0n]) {
      const made = machine(program(word), { checked });
      made.setU64(ARM64_X, 0x33n);
      made.setU64(ARM64_X + 8, 8n);
      made.setU64(ARM64_X + 16, STACK + 0x28n);
      made.exports.run(made.cpu, 18);
      expect(made.u64(ARM64_SP)).toBe(STACK + change);
      const faults = checked !== 0n && change % 16n !== 0n;
      expect(made.el1(BANK_ESR)).toBe(faults ? ESR : 0n);
      if (faults) expect(made.el1(BANK_ELR)).toBe(BigInt(store));
    }
  });

  it('a pair is stored at its address', () => {
    const made = machine([0xa9bf87e0, 0x288087e0], { checked: 0n });
    made.setU64(ARM64_X, 0x1111_2222_3333n);
    made.setU64(ARM64_X + 8, 0x4444_5555_6666n);
    made.exports.runTo(made.cpu, 1n);
    const at = made.at(DATA + 0x800 - 8);
    expect(made.view.getBigUint64(at, true)).toBe(0x1111_2222_3333n);
    expect(made.view.getBigUint64(at + 8, true)).toBe(0x4444_5555_6666n);
    made.exports.runTo(made.cpu, 2n);
    expect(made.view.getBigUint64(at, true)).toBe(0x5555_6666_2222_3333n);
  });

  it('SPSel, SCTLR_EL1, exceptions and their return', () => {
    // MSR SPSel, #0, with a misaligned SP_EL0.
    const select = machine(program(0xd50040bf));
    select.setU64(ARM64_BANK + BANK_SP, STACK + 4n);
    select.exports.run(select.cpu, 18);
    expect(select.el1(BANK_ELR)).toBe(BigInt(store));
    // MSR SCTLR_EL1, X3.
    const control = machine(program(0xd5181003), { checked: 0n, sp: STACK + 4n });
    control.setU64(ARM64_X + 24, control.el1(BANK_SCTLR) | SA);
    control.exports.run(control.cpu, 18);
    expect(control.el1(BANK_ESR)).toBe(ESR);
    expect(control.el1(BANK_ELR)).toBe(BigInt(store));
    // SVC from EL0 to a handler that uses a misaligned SP_EL1.
    const call = machine([0xd4000001], { el: 0, attributes: FLAT_READ_ONLY });
    call.setU64(ARM64_BANK + 0x100 + BANK_SP, STACK + 4n);
    write(call, VECTORS + 0x400, [NOP, STR_X0_SP]);
    call.exports.run(call.cpu, 4);
    expect(call.el1(BANK_ESR)).toBe(ESR);
    expect(call.el1(BANK_ELR)).toBe(BigInt(VECTORS + 0x404));
    // ERET to an EL0 program with a misaligned SP_EL0, in the second GiB.
    const back = machine(program(0xd69f03e0));
    mapAgain(back);
    back.setEl1(BANK_ELR, BigInt(PROGRAM + 0x4000_0004));
    back.setEl1(BANK_SPSR, 0n);
    back.setU64(ARM64_BANK + BANK_SP, STACK + 4n);
    back.exports.run(back.cpu, 18);
    expect(back.el1(BANK_ESR)).toBe(ESR);
    expect(back.el1(BANK_ELR)).toBe(BigInt(store + 0x4000_0000));
  });
});

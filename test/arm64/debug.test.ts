// SPDX-License-Identifier: MIT
// Debug exceptions (Arm ARM D2.8 to D2.12): software step, breakpoints, watchpoints, and
// their ESR, ELR, SPSR and FAR. Numbers are those of the architecture.

import { describe, expect, it } from 'vitest';
import { ARM64_REGISTER_TABLE } from '../../assembly/layout/a64/arm64-registers.ts';
import {
  ARM64_BREAKPOINTS,
  ARM64_COUNT,
  ARM64_DAIF,
  ARM64_EL,
  ARM64_OS_LOCK,
  ARM64_PC,
  ARM64_PENDING,
  ARM64_PENDING_IRQ,
  ARM64_SPSEL,
  ARM64_SS,
  ARM64_WATCHPOINTS,
  ARM64_X,
  BANK_CONTEXTIDR,
  BANK_ELR,
  BANK_ESR,
  BANK_FAR,
  BANK_SPSR,
} from '../../assembly/layout/arm64-state.ts';
import { storageOffset } from '../../vmm/vcpu/arm64/arm64-block.ts';
import { type Arm64Machine, FLAT_EL1, FLAT_READ_ONLY, mapAgain, write } from './el0-machine.ts';
import { DATA, machineWith, NOP, PROGRAM, VECTORS } from './program-machine.ts';

const SS = 1n;
const KDE = 1n << 13n;
const MDE = 1n << 15n;
const PSTATE_SS = 1 << 21;
const D = 0x200;

const LOOP = 0x14000000;
const ERET = 0xd69f03e0;
const SVC = 0xd4000001;
const UDF = 0;
const LDXR = 0xc85f7c20; // LDXR X0, [X1]
const STXR = 0xc8027c20; // STXR W2, X0, [X1]
const LDR = 0xf9400020; // LDR X0, [X1]
const STR = 0xf9000020; // STR X0, [X1]
const ADD = 0x91000400; // ADD X0, X0, #1
const back = (words: number) => 0x14000000 + (0x4000000 - words); // B .-4 * words

type Registers = Readonly<Record<string, bigint>>;

/** The second GiB maps the first, writable by EL0, for programs that request it. */
const USER = 0x4000_0000;

/**
 * A machine whose OS Lock is unlocked and whose PSTATE.D is clear; its vectors loop.
 * `writes`: the program's exception level can write to the memory.
 */
function debugged(
  words: readonly number[],
  registers: Registers,
  { el = 0, writes = false } = {},
): Arm64Machine {
  const machine = machineWith(words, { el, attributes: writes ? FLAT_EL1 : FLAT_READ_ONLY });
  const user = writes && el === 0 ? USER : 0;
  mapAgain(machine);
  machine.setU64(ARM64_PC, BigInt(PROGRAM + user));
  for (const vector of [0x200, 0x280, 0x400, 0x480]) write(machine, VECTORS + vector, [LOOP]);
  machine.setU32(ARM64_DAIF, 0);
  machine.setU64(ARM64_OS_LOCK, 0n);
  for (const [name, value] of Object.entries(registers))
    machine.setU64(storageOffset(`${name}_EL1`), value);
  machine.exports.flushAll(machine.cpu);
  machine.setU64(ARM64_X + 8, BigInt(DATA + user));
  return machine;
}

const taken = (machine: Arm64Machine) => ({
  esr: machine.el1(BANK_ESR).toString(16),
  elr: (Number(machine.el1(BANK_ELR)) % USER) - PROGRAM,
  ss: (Number(machine.el1(BANK_SPSR)) & PSTATE_SS) !== 0,
});

/** Runs until the first exception. Returns its registers. */
function run(machine: Arm64Machine, instructions = 50) {
  machine.exports.run(machine.cpu, instructions);
  return taken(machine);
}

describe('software step', () => {
  const stepped = (words: readonly number[], registers: Registers = { MDSCR: SS }) => {
    const machine = debugged(words, registers, { writes: true });
    machine.setU32(ARM64_SS, PSTATE_SS);
    return machine;
  };

  it('takes its exception after one instruction', () => {
    const machine = stepped([ADD, ADD]);
    machine.setU64(ARM64_X, 5n);
    machine.exports.step(machine.cpu);
    expect(machine.u64(ARM64_PC)).toBe(BigInt(PROGRAM + USER + 4));
    expect(machine.u32(ARM64_SS)).toBe(0);
    machine.exports.step(machine.cpu);
    expect(taken(machine)).toEqual({ esr: 'cb000022', elr: 4, ss: false });
    expect(machine.u64(ARM64_X)).toBe(6n);
    expect(machine.el1(BANK_FAR)).toBe(0n);
  });

  it.each([
    ['a load-exclusive', LDXR, 'cb000062'],
    ['a pair of them', 0xc87f0820, 'cb000062'],
    ['CASP, which is none', 0x08207c22, 'cb000022'],
    ['a branch', 0x14000001, 'cb000022'],
  ])('says what it has stepped: %s', (_, word, esr) => {
    expect(run(stepped([word, NOP]))).toEqual({ esr, elr: 4, ss: false });
  });

  it('is pending at once where PSTATE.SS is clear', () => {
    const machine = stepped([ADD]);
    machine.setU32(ARM64_SS, 0);
    expect(run(machine)).toEqual({ esr: 'ca000022', elr: 0, ss: false });
    expect(machine.u64(ARM64_X)).toBe(0n);
  });

  it.each([
    ['SVC has been executed', SVC, '56000000', 4, false],
    ['an UNDEFINED instruction has not', UDF, '2000000', 0, true],
    ['BRK has not', 0xd4200000, 'f2000000', 0, true],
    ['a load that faults has not', 0xf9400040, '92000005', 0, true],
  ])('is kept in SPSR: %s', (_, word, esr, elr, ss) => {
    const machine = stepped([word, NOP]);
    machine.setU64(ARM64_X + 16, 0x7_0000_0000n);
    expect(run(machine)).toEqual({ esr, elr, ss });
  });

  it('comes before the fault of a fetch', () => {
    // BR X2, to an address that is not mapped.
    const machine = stepped([0xd61f0040]);
    machine.setU64(ARM64_X + 16, 0x7_0000_0000n);
    run(machine);
    expect(machine.el1(BANK_ESR)).toBe(0xcb000022n);
    expect(machine.el1(BANK_ELR)).toBe(0x7_0000_0000n);
  });

  it('is not started again by an interrupt that arrives after the instruction', () => {
    const machine = stepped([NOP, NOP]);
    machine.exports.step(machine.cpu);
    machine.setU32(ARM64_PENDING, ARM64_PENDING_IRQ);
    machine.exports.step(machine.cpu);
    expect(machine.u64(ARM64_PC)).toBe(BigInt(VECTORS + 0x480));
    expect(taken(machine)).toMatchObject({ elr: 4, ss: false });
  });

  it('begins by ERET, ends in each exception, and leaves EL1 alone', () => {
    // EL1 at the vectors: counts in X5, sets SPSR.SS, and returns.
    const machine = stepped([ADD, ADD, ADD, LOOP]);
    write(machine, VECTORS + 0x400, [
      0x910004a5, // ADD X5, X5, #1
      0xd5384006, // MRS X6, SPSR_EL1
      0xb26b00c6, // ORR X6, X6, #1 << 21
      0xd5184006, // MSR SPSR_EL1, X6
      ERET,
    ]);
    machine.exports.run(machine.cpu, 5 * 6 + 1);
    expect(machine.u64(ARM64_X + 40)).toBeGreaterThanOrEqual(5n);
    expect(machine.u64(ARM64_X)).toBe(3n);
    expect(machine.el1(BANK_ESR)).toBe(0xcb000022n);
  });

  it('is for EL1 with MDSCR_EL1.KDE, once PSTATE.D is clear', () => {
    const words = [NOP, 0xd50348ff, NOP, NOP]; // MSR DAIFClr, #8
    const off = debugged(words, { MDSCR: SS }, { el: 1 });
    off.setU32(ARM64_DAIF, D);
    off.exports.runTo(off.cpu, 4n);
    expect(off.el1(BANK_ESR)).toBe(0n);
    const machine = debugged(words, { MDSCR: SS | KDE }, { el: 1 });
    machine.setU32(ARM64_DAIF, D);
    expect(run(machine)).toEqual({ esr: 'ce000022', elr: 8, ss: false });
    expect(machine.u64(ARM64_PC)).toBe(BigInt(VECTORS + 0x200));
    expect(machine.u32(ARM64_DAIF)).toBe(0x3c0);
  });

  it.each([
    ['the OS Lock', (machine: Arm64Machine) => machine.setU64(ARM64_OS_LOCK, 1n)],
    [
      'the OS Double Lock',
      (machine: Arm64Machine) => machine.setU64(storageOffset('OSDLR_EL1'), 1n),
    ],
  ])('does not happen under %s', (_, lock) => {
    const machine = stepped([NOP, NOP, LOOP]);
    lock(machine);
    expect(run(machine).esr).toBe('0');
  });

  it('the OS Lock is closed out of reset, and OSLAR_EL1 opens it', () => {
    const machine = machineWith([0xd5101083, NOP]); // MSR OSLAR_EL1, X3
    expect(machine.u64(ARM64_OS_LOCK)).toBe(1n);
    machine.exports.step(machine.cpu);
    expect(machine.u64(ARM64_OS_LOCK)).toBe(0n);
  });

  it('clears the monitor, so that a sequence of exclusives fails', () => {
    const machine = stepped([LDXR, STXR, LOOP]);
    machine.exports.step(machine.cpu);
    machine.exports.step(machine.cpu);
    expect(machine.el1(BANK_ESR)).toBe(0xcb000062n);
    machine.setU64(storageOffset('MDSCR_EL1'), 0n);
    machine.setU32(ARM64_EL, 0);
    machine.setU32(ARM64_SPSEL, 0);
    machine.setU64(ARM64_PC, BigInt(PROGRAM + USER + 4));
    machine.exports.step(machine.cpu);
    expect(machine.u64(ARM64_X + 16)).toBe(1n);
  });
});

/** Enabled, of an address, for EL1 and EL0. */
const BCR = 0x1e7n;
const at = (offset: number) => BigInt(PROGRAM + offset);

describe('breakpoints', () => {
  it.each([
    [0, 'c2000022'],
    [1, 'c6000022'],
  ])('at EL%i stop before their instruction', (el, esr) => {
    const registers = { MDSCR: MDE | KDE, DBGBVR0: at(8), DBGBCR0: BCR };
    const machine = debugged([ADD, ADD, ADD, LOOP], registers, { el });
    expect(run(machine)).toEqual({ esr, elr: 8, ss: false });
    expect(machine.u64(ARM64_X)).toBe(2n);
    expect(machine.el1(BANK_FAR)).toBe(0n);
  });

  it('are found in a page that is entered from another one, at the exact count', () => {
    // ADD; B +1 page; there SUBS X3, X3, #1 and back, until X3 is 0: B.NE, then ADD.
    const page = [0xf1000463, 0x54000000 + ((0x80000 - 0x401) << 5) + 1, ADD, LOOP];
    const far = 0x1000;
    const machine = debugged([ADD, 0x14000000 + far / 4 - 1], {
      MDSCR: MDE,
      DBGBVR1: at(far + 8),
      DBGBCR1: BCR,
    });
    write(machine, PROGRAM + far, page);
    machine.setU64(ARM64_X + 24, 2000n);
    expect(run(machine, 20_000)).toEqual({ esr: 'c2000022', elr: far + 8, ss: false });
    expect(machine.u64(ARM64_X)).toBe(2000n);
  });

  it('apply as soon as they are enabled, in the page that enables them', () => {
    // MSR DBGBVR0_EL1, X4; MSR DBGBCR0_EL1, X5; ADD
    const words = [0xd5100084, 0xd51000a5, ADD, ADD, LOOP];
    const machine = debugged(words, { MDSCR: MDE | KDE }, { el: 1 });
    machine.setU64(ARM64_X + 32, at(12));
    machine.setU64(ARM64_X + 40, BCR);
    expect(run(machine)).toEqual({ esr: 'c6000022', elr: 12, ss: false });
  });

  it.each([
    ['MDE is clear', { MDSCR: KDE, DBGBCR0: BCR }, 0],
    ['it is not enabled', { MDSCR: MDE, DBGBCR0: BCR - 1n }, 0],
    ['it is for EL1 only', { MDSCR: MDE, DBGBCR0: 0x1e3n }, 0],
    ['it is for EL0 only', { MDSCR: MDE | KDE, DBGBCR0: 0x1e5n }, 1],
    ['KDE is clear', { MDSCR: MDE, DBGBCR0: BCR }, 1],
    ['it is for Secure state', { MDSCR: MDE, DBGBCR0: BCR | (2n << 14n) }, 0],
    // CONTEXTIDR_EL1 is 0.
    [
      'the first one would compare a context',
      { MDSCR: MDE, DBGBVR0: 0n, DBGBCR0: BCR | (2n << 20n) },
      0,
    ],
    [
      'it is linked to the first one, which would compare a context',
      {
        ...{ MDSCR: MDE, DBGBVR0: 0n, DBGBCR0: BCR | (3n << 20n) },
        ...{ DBGBVR1: at(4), DBGBCR1: BCR | (0x10n << 16n) },
      },
      0,
    ],
  ])('do not match where %s', (_, registers, el) => {
    const machine = debugged([ADD, ADD, LOOP], { DBGBVR0: at(4), ...registers }, { el });
    expect(run(machine).esr).toBe('0');
  });

  it('are masked by PSTATE.D at EL1', () => {
    const registers = { MDSCR: MDE | KDE, DBGBVR0: at(4), DBGBCR0: BCR };
    const machine = debugged([ADD, ADD, LOOP], registers, { el: 1 });
    machine.setU32(ARM64_DAIF, D);
    expect(run(machine).esr).toBe('0');
  });

  it.each([
    [7n, 'c2000022'],
    [8n, '0'],
  ])('compare CONTEXTIDR_EL1, alone and linked: %i', (context, esr) => {
    for (const registers of [
      { DBGBVR1: 7n, DBGBCR1: BCR | (2n << 20n) },
      { DBGBVR1: 7n, DBGBCR1: BCR | (3n << 20n), DBGBVR0: at(0), DBGBCR0: BCR | (0x11n << 16n) },
    ]) {
      const machine = debugged([ADD, LOOP], { MDSCR: MDE, ...registers });
      machine.setEl1(BANK_CONTEXTIDR, context);
      expect(run(machine).esr).toBe(esr);
    }
  });

  it('are as many as in ID_AA64DFR0_EL1', () => {
    const id = ARM64_REGISTER_TABLE.find(({ name }) => name === 'ID_AA64DFR0_EL1')?.bits ?? 0n;
    expect(Number((id >> 12n) & 15n) + 1).toBe(ARM64_BREAKPOINTS);
    expect(Number((id >> 20n) & 15n) + 1).toBe(ARM64_WATCHPOINTS);
    expect(Number((id >> 28n) & 15n) + 1).toBe(1);
    const count = (of: string) =>
      ARM64_REGISTER_TABLE.filter(({ name }) => name.startsWith(of)).length;
    expect([count('DBGBVR'), count('DBGBCR')]).toEqual([ARM64_BREAKPOINTS, ARM64_BREAKPOINTS]);
    expect([count('DBGWVR'), count('DBGWCR')]).toEqual([ARM64_WATCHPOINTS, ARM64_WATCHPOINTS]);
  });
});

const LOADS = 1n << 3n;
const STORES = 2n << 3n;
/** Enabled, for EL1 and EL0, all eight bytes. */
const WCR = 0x1fe7n;
const bytes = (mask: bigint) => WCR - 0x1fe0n + (mask << 5n);

describe('watchpoints', () => {
  const watch = (control: bigint, address = DATA + USER): Registers => ({
    MDSCR: MDE | KDE,
    DBGWVR0: BigInt(address),
    DBGWCR0: control,
  });

  it.each([
    ['a load', LDR, WCR | LOADS, 0, 'd2000022', DATA],
    ['a store', STR, WCR | STORES, 0, 'd2000062', DATA],
    ['a load at EL1', LDR, WCR | LOADS | STORES, 1, 'd6000022', DATA],
    ['a byte of a load', LDR, bytes(0x40n) | LOADS, 0, 'd2000022', DATA + 6],
    ['the second of a pair', 0xa9bf8820, WCR | STORES, 0, 'd2000062', DATA], // STP [X1, #-8]!
    ['a range', LDR, WCR | LOADS | (12n << 24n), 0, 'd2000022', DATA],
    ['an exclusive', LDXR, WCR | LOADS, 0, 'd2000022', DATA],
    ['a store-exclusive that would fail', STXR, WCR | STORES, 0, 'd2000062', DATA],
    ['LSE as a read', 0xf8200020, WCR | LOADS | STORES, 0, 'd2000022', DATA],
    ['LSE as a write', 0xf8200020, WCR | STORES, 0, 'd2000062', DATA],
    ['DC ZVA', 0xd50b7421, WCR | STORES, 1, 'd6000062', DATA],
    ['a release', 0xc89ffc20, WCR | STORES, 0, 'd2000062', DATA],
  ])('find %s', (_, word, control, el, esr, far) => {
    const user = el === 0 ? USER : 0;
    const machine = debugged([NOP, word, LOOP], watch(control, DATA + user), { el, writes: true });
    machine.setU64(ARM64_X, 0x1234n);
    const before = machine.view.getBigUint64(machine.at(DATA), true);
    expect(run(machine)).toEqual({ esr, elr: 4, ss: false });
    expect(machine.el1(BANK_FAR)).toBe(BigInt(far + user));
    expect(machine.u64(ARM64_X)).toBe(0x1234n);
    expect(machine.view.getBigUint64(machine.at(DATA), true)).toBe(before);
    expect(machine.u64(ARM64_X + 8)).toBe(BigInt(DATA + user));
  });

  it.each([
    ['of the other kind', LDR, WCR | STORES, 0],
    ['of bytes that are not accessed', 0x39400020, bytes(0xfen) | LOADS, 0], // LDRB W0, [X1]
    ['beside the range', LDR, WCR | LOADS | (3n << 24n), 8],
    ['for EL1 only', LDR, (WCR - 4n) | LOADS, 0],
    ['that is not enabled', LDR, (WCR - 1n) | LOADS, 0],
    ['linked to what does not match', LDR, WCR | LOADS | (0x11n << 16n), 0],
  ])('do not match one %s', (_, word, control, offset) => {
    const machine = debugged([word, LOOP], watch(control), { writes: true });
    machine.setU64(ARM64_X + 8, BigInt(DATA + USER + offset));
    expect(run(machine).esr).toBe('0');
  });

  it('match an access whose page is in the TLB already, and each of many', () => {
    // LDR; MSR DBGWCR0_EL1, X5; LDR
    const machine = debugged([LDR, 0xd51000e5, LDR, LOOP], watch(0n, DATA), { el: 1 });
    machine.setU64(ARM64_X + 40, WCR | LOADS);
    expect(run(machine)).toEqual({ esr: 'd6000022', elr: 8, ss: false });
    // X1 advances by 8 to the watched address, at full speed.
    const loop = debugged([0xf8408420, back(1)], watch(WCR | LOADS, DATA + 0x5000));
    expect(run(loop, 100_000)).toEqual({ esr: 'd2000022', elr: 0, ss: false });
    expect(loop.el1(BANK_FAR)).toBe(BigInt(DATA + 0x5000));
    expect(loop.u64(ARM64_COUNT)).toBeGreaterThan(BigInt(2 * 0x5000) / 8n);
  });

  it('find LDTR of EL1 as an access of EL0', () => {
    // LDTR X0, [X1], whose page is of EL0; code is in another one.
    const machine = debugged([0xf8400820, LOOP], watch((WCR - 2n) | LOADS, DATA), { el: 1 });
    expect(run(machine)).toEqual({ esr: 'd6000022', elr: 0, ss: false });
  });

  it('find an access that crosses pages', () => {
    const machine = debugged([LDR, LOOP], watch(bytes(1n) | LOADS, DATA));
    machine.setU64(ARM64_X + 8, BigInt(DATA - 4));
    expect(run(machine)).toEqual({ esr: 'd2000022', elr: 0, ss: false });
    expect(machine.el1(BANK_FAR)).toBe(BigInt(DATA));
  });

  it('have lower priority than translation and alignment faults', () => {
    const machine = debugged([STR, LOOP], watch(WCR | STORES, DATA));
    expect(run(machine).esr).toBe('9200004d');
    const odd = debugged([LDXR, LOOP], watch(WCR | LOADS, DATA));
    odd.setU64(ARM64_X + 8, BigInt(DATA + 1));
    expect(run(odd).esr).toBe('92000021');
  });
});

it('a store-exclusive or release to nothing is a write', () => {
  for (const word of [STXR, 0xc89ffc20]) {
    const machine = debugged([word], {});
    machine.setU64(ARM64_X + 8, 0x7_0000_0000n);
    expect(run(machine).esr).toBe('92000045');
  }
});

// SPDX-License-Identifier: MIT
// EL0 and EL1: exceptions and their ESR, FAR, ELR and SPSR, translation and its faults,
// interrupts, exact counts, and instructions that are modified. Numbers are those of the
// architecture (Arm ARM D1.10, D8, D17.2.37).

import { describe, expect, it } from 'vitest';
import {
  ARM64_BANK,
  ARM64_COUNT,
  ARM64_DAIF,
  ARM64_EL,
  ARM64_NZCV,
  ARM64_PAN,
  ARM64_PC,
  ARM64_PEER_COUNT,
  ARM64_PEERS,
  ARM64_PENDING,
  ARM64_PENDING_IRQ,
  ARM64_RECORDS_LOCK,
  ARM64_SP,
  ARM64_SPSEL,
  ARM64_THREADED,
  ARM64_X,
  BANK_ELR,
  BANK_ESR,
  BANK_FAR,
  BANK_MAIR,
  BANK_SCTLR,
  BANK_SP,
  BANK_SPSR,
  BANK_TCR,
  BANK_TTBR0,
  BANK_VBAR,
} from '../../assembly/layout/arm64-state.ts';
import { type Arm64Machine, write } from './el0-machine.ts';
import { BASE, DATA, machineWith, NOP, PROGRAM, VECTORS } from './program-machine.ts';

const SVC = 0xd4000001 | (0x1234 << 5);
const LDR_X0_X1 = 0xf9400020;
const STR_X0_X1 = 0xf9000020;
const LDP_X0_X2_X1 = 0xa9400820;

const el1State = (machine: Arm64Machine) => ({
  pc: machine.u64(ARM64_PC),
  esr: machine.el1(BANK_ESR),
  elr: machine.el1(BANK_ELR),
  spsr: machine.el1(BANK_SPSR),
});

describe('exceptions of an arm64 vCPU', () => {
  it('enters EL1 from EL0 by SVC', () => {
    const machine = machineWith([SVC], { el: 0 });
    machine.setU32(ARM64_NZCV, 0xa0000000);
    machine.setU32(ARM64_DAIF, 0x40);
    machine.setU64(ARM64_SP, 0x1111n);
    machine.setU64(ARM64_BANK + 0x100 + BANK_SP, 0x2222n);
    machine.exports.step(machine.cpu);
    expect(el1State(machine)).toEqual({
      pc: BigInt(VECTORS + 0x400),
      esr: 0x56001234n,
      elr: BigInt(PROGRAM + 4),
      spsr: 0xa0000040n,
    });
    expect(machine.u32(ARM64_EL)).toBe(1);
    expect(machine.u32(ARM64_DAIF)).toBe(0x3c0);
    expect(machine.u64(ARM64_SP)).toBe(0x2222n);
    expect(machine.u64(ARM64_BANK + BANK_SP)).toBe(0x1111n);
  });

  it.each([
    ['SVC', SVC],
    ['an UNDEFINED instruction', 0],
    ['BRK', 0xd4200000],
  ])('leaves FAR_EL1 as it is for %s, which has no address', (_name, word) => {
    const machine = machineWith([word]);
    machine.setEl1(BANK_FAR, 0x1234n);
    machine.exports.step(machine.cpu);
    expect(machine.u64(ARM64_PC)).toBe(BigInt(VECTORS + 0x200));
    expect(machine.el1(BANK_FAR)).toBe(0x1234n);
  });

  it('returns by ERET, to EL0 and its stack pointer', () => {
    const machine = machineWith([0xd69f03e0]);
    machine.setEl1(BANK_ELR, BigInt(DATA));
    machine.setEl1(BANK_SPSR, 0x600003c0n);
    machine.setU64(ARM64_BANK + BANK_SP, 0x3333n);
    machine.exports.step(machine.cpu);
    expect(machine.u64(ARM64_PC)).toBe(BigInt(DATA));
    expect(machine.u32(ARM64_EL)).toBe(0);
    expect(machine.u32(ARM64_NZCV)).toBe(0x60000000);
    expect(machine.u64(ARM64_SP)).toBe(0x3333n);
  });

  it('raises an Illegal Execution state exception for a return to AArch32', () => {
    const machine = machineWith([0xd69f03e0]);
    machine.setEl1(BANK_ELR, BigInt(DATA));
    machine.setEl1(BANK_SPSR, 0x10n);
    machine.exports.step(machine.cpu);
    expect(machine.el1(BANK_ESR)).toBe(0x3a000000n);
    expect(machine.el1(BANK_SPSR) & 0x100000n).toBe(0x100000n);
    expect(machine.u64(ARM64_PC)).toBe(BigInt(VECTORS + 0x200));
  });

  it.each([0, 1])('finds floating point and Advanced SIMD UNDEFINED at EL%i', (el) => {
    // FADD, FMOV, LDR Q, STP D, LD1, ADD V, SCVTF, AESE, LD1 (post), SHA1C, FMADD, LDR D
    // literal.
    const words = [0x1e622820, 0x9e660000, 0x3dc00000, 0x6d000000, 0x4c407000, 0x4ee08400];
    words.push(0x9e620000, 0x4e284800, 0x4cdf7000, 0x5e000000, 0x1f400000, 0x5c000000);
    for (const word of words) {
      const machine = machineWith([word >>> 0], { el });
      machine.exports.step(machine.cpu);
      expect(machine.el1(BANK_ESR), word.toString(16)).toBe(0x2000000n);
      expect(machine.el1(BANK_ELR)).toBe(BigInt(PROGRAM));
    }
  });

  it.each([
    ['MRS', 0, 0xd53bfa60, 0],
    ['MSR', 1, 0xd51bfa60, 1],
  ])('tells the board of a system register that is unknown: %s at EL%i', (_, el, word, write) => {
    const asked: number[][] = [];
    const board = {
      mmio: () => 0,
      register: (_cpu: number, encoding: number, isWrite: number) => {
        asked.push([encoding, Number(isWrite)]);
        return 0;
      },
    };
    const machine = machineWith([word], { el, board }); // S3_3_C15_C10_3
    machine.exports.step(machine.cpu);
    expect(machine.el1(BANK_ESR)).toBe(0x2000000n);
    expect(asked).toEqual([[(3 << 14) | (3 << 11) | (15 << 7) | (10 << 3) | 3, write]]);
  });

  it('reads what is not in the ID space as 0', () => {
    const machine = machineWith([0xd53806c0]); // MRS X0, S3_0_C0_C6_6
    machine.setU64(ARM64_X, 5n);
    machine.exports.step(machine.cpu);
    expect(machine.u64(ARM64_X)).toBe(0n);
    expect(machine.u64(ARM64_PC)).toBe(BigInt(PROGRAM + 4));
  });
});

/** Tables: descriptors of one level by index, in a page of their own. */
function table(
  machine: Arm64Machine,
  address: number,
  entries: Readonly<Record<number, number>>,
): void {
  for (const [index, entry] of Object.entries(entries))
    machine.view.setBigUint64(machine.at(address + 8 * Number(index)), BigInt(entry), true);
}

const VALID = 3;
const AF = 0x400;
const USER = 0x40;
const READ_ONLY = 0x80;

/**
 * VA 0x4000_0000 to 0x4000_8000 in 4 KiB pages of four kinds, with one table entry
 * missing at each level; code is mapped flat.
 */
function paged(words: readonly number[], el: number): Arm64Machine {
  const machine = machineWith(words, { el, flat: false });
  const tables = BASE + 0x10_0000;
  table(machine, tables, {
    0: (BASE & ~0x3fffffff) | AF | USER | READ_ONLY | 1,
    1: tables + 0x1000 + VALID,
  });
  table(machine, tables + 0x1000, { 0: tables + 0x2000 + VALID });
  table(machine, tables + 0x2000, {
    0: DATA | AF | VALID | USER,
    1: (DATA + 0x1000) | AF | VALID | USER | READ_ONLY,
    2: (DATA + 0x2000) | VALID | USER,
    3: (DATA + 0x3000) | AF | VALID,
  });
  machine.setEl1(BANK_TCR, (2n << 32n) | (1n << 23n) | 25n);
  machine.setEl1(BANK_TTBR0, BigInt(tables));
  machine.setEl1(BANK_MAIR, 0xffn);
  machine.setEl1(BANK_SCTLR, machine.el1(BANK_SCTLR) | 1n);
  machine.exports.flushAll(machine.cpu);
  return machine;
}

describe('faults of translation', () => {
  it.each([
    ['level 1', LDR_X0_X1, 0, 0x8000_0000n, 0x92000005n],
    ['level 2', LDR_X0_X1, 0, 0x4020_0000n, 0x92000006n],
    ['level 3', LDR_X0_X1, 0, 0x4000_4010n, 0x92000007n],
    ['level 3, a store', STR_X0_X1, 0, 0x4000_4010n, 0x92000047n],
    ['above the range', LDR_X0_X1, 0, 0x100_0000_0000n, 0x92000004n],
    ['access flag', LDR_X0_X1, 0, 0x4000_2000n, 0x9200000bn],
    ['read only', STR_X0_X1, 0, 0x4000_1008n, 0x9200004fn],
    ['page of EL1', LDR_X0_X1, 0, 0x4000_3008n, 0x9200000fn],
    ['at EL1, level 2', LDR_X0_X1, 1, 0x4020_0000n, 0x96000006n],
    ['an exclusive that is not aligned', 0xc85f7c20, 0, 0x4000_0001n, 0x92000021n],
    ['a store to nothing by LSE is a read', 0xf8200020, 0, 0x4000_4000n, 0x92000007n],
    ['STLR to nothing is a write', 0xc89ffc20, 0, 0x4000_4000n, 0x92000047n],
    ['STXR to nothing is a write', 0xc8027c20, 0, 0x4000_4000n, 0x92000047n],
    ['LSE on a page that is read only', 0xf8200020, 0, 0x4000_1000n, 0x9200004fn],
  ])('%s', (_, word, el, address, esr) => {
    const machine = paged([word >>> 0], el);
    machine.setU64(ARM64_X + 8, address);
    machine.exports.step(machine.cpu);
    expect(machine.el1(BANK_ESR).toString(16)).toBe(esr.toString(16));
    expect(machine.el1(BANK_FAR)).toBe(address);
    expect(machine.el1(BANK_ELR)).toBe(BigInt(PROGRAM));
  });

  it('names the second page of an access that crosses into it, and writes nothing', () => {
    const machine = paged([LDP_X0_X2_X1, 0xa9000820], 0);
    for (const pc of [PROGRAM, PROGRAM + 4]) {
      machine.setU64(ARM64_X + 8, 0x4000_0ff8n);
      machine.setU64(ARM64_X, 0x55n);
      machine.setU64(ARM64_PC, BigInt(pc));
      machine.setU32(ARM64_EL, 0);
      machine.setU32(ARM64_SPSEL, 0);
      machine.view.setBigUint64(machine.at(DATA + 0xff8), 0x77n, true);
      machine.exports.step(machine.cpu);
      if (pc === PROGRAM) {
        expect(machine.u64(ARM64_X)).toBe(0x77n);
        continue;
      }
      expect(machine.el1(BANK_ESR)).toBe(0x9200004fn);
      expect(machine.el1(BANK_FAR)).toBe(0x4000_1000n);
      expect(machine.view.getBigUint64(machine.at(DATA + 0xff8), true)).toBe(0x77n);
    }
  });

  // A branch looks up the PC as it is: a misaligned one must not match an empty entry.
  it.each([1n, 2n, 3n, 5n, 0xffdn])('takes a PC alignment fault at %i', (pc) => {
    const machine = machineWith([0xd61f0000]); // BR X0
    machine.setU64(ARM64_X, pc);
    machine.exports.step(machine.cpu);
    if (machine.u64(ARM64_PC) === pc) machine.exports.step(machine.cpu);
    expect(machine.el1(BANK_ESR)).toBe(0x8a000000n);
    expect(machine.el1(BANK_FAR)).toBe(pc);
  });

  it('takes an instruction abort, and PC alignment faults', () => {
    const machine = paged([0xd61f0020], 0);
    machine.setU64(ARM64_X + 8, 0x4000_4000n);
    machine.exports.step(machine.cpu);
    expect(machine.el1(BANK_ESR)).toBe(0x82000007n);
    expect(machine.el1(BANK_FAR)).toBe(0x4000_4000n);
    const odd = paged([0xd61f0020], 0);
    odd.setU64(ARM64_X + 8, 0x4000_0002n);
    odd.exports.step(odd.cpu);
    expect(odd.el1(BANK_ESR)).toBe(0x8a000000n);
    expect(odd.el1(BANK_ELR)).toBe(0x4000_0002n);
  });

  it('removes the tag of an address from the PC where it is ignored', () => {
    const machine = paged([0xd61f0020], 0);
    machine.setEl1(BANK_TCR, machine.el1(BANK_TCR) | (1n << 37n));
    machine.setU64(ARM64_X + 8, 0x5a00_0000_4000_4000n);
    machine.exports.step(machine.cpu);
    expect(machine.el1(BANK_ESR)).toBe(0x82000007n);
    expect([machine.el1(BANK_FAR), machine.el1(BANK_ELR)]).toEqual([0x4000_4000n, 0x4000_4000n]);
  });

  it('keeps EL1 out of pages of EL0 while PSTATE.PAN is set, regardless of the TLB', () => {
    const machine = paged([LDR_X0_X1, 0xd500419f, LDR_X0_X1], 1); // MSR PAN, #1
    machine.setU64(ARM64_X + 8, 0x4000_0000n);
    machine.exports.step(machine.cpu);
    expect(machine.u64(ARM64_PC)).toBe(BigInt(PROGRAM + 4));
    machine.exports.step(machine.cpu);
    expect(machine.u32(ARM64_PAN)).toBe(1 << 22);
    machine.exports.step(machine.cpu);
    expect(machine.el1(BANK_ESR)).toBe(0x9600000fn);
  });

  it.each([
    ['16 KiB', 2n, 14, 0x4000, 25n, 36],
    ['64 KiB', 1n, 16, 0x1_0000, 22n, 42],
  ])('translates with a granule of %s', (_, tg0, shift, page, size, top) => {
    const machine = machineWith([LDR_X0_X1], { flat: false });
    const tables = BASE + 0x10_0000;
    // Level 3 for the program and the data: VA = PA except for one page.
    const levels = shift === 14 ? [36, 25] : [29];
    let at = tables;
    for (const bit of levels) {
      table(machine, at, { [Math.floor(BASE / 2 ** bit) % 2 ** (shift - 3)]: at + page + VALID });
      at += page;
    }
    const index = (address: number) => Math.floor(address / 2 ** shift) % 2 ** (shift - 3);
    table(machine, at, {
      [index(PROGRAM)]: PROGRAM | AF | VALID,
      [index(DATA + 4 * page)]: DATA | AF | VALID,
    });
    expect(top).toBeGreaterThan(30);
    machine.setEl1(BANK_TCR, (2n << 32n) | (1n << 23n) | (tg0 << 14n) | size);
    machine.setEl1(BANK_TTBR0, BigInt(tables));
    machine.setEl1(BANK_MAIR, 0xffn);
    machine.setEl1(BANK_SCTLR, machine.el1(BANK_SCTLR) | 1n);
    machine.exports.flushAll(machine.cpu);
    machine.view.setBigUint64(machine.at(DATA + 0x2348), 0xabcdefn, true);
    machine.setU64(ARM64_X + 8, BigInt(DATA + 4 * page + 0x2348));
    machine.exports.step(machine.cpu);
    expect(machine.el1(BANK_ESR)).toBe(0n);
    expect(machine.u64(ARM64_X)).toBe(0xabcdefn);
  });
});

describe('time of an arm64 vCPU', () => {
  it('stops at exactly the requested instruction', () => {
    // ADD X0, X0, #1; B .-4
    for (const due of [1n, 2n, 3n, 1000n, 1025n, 1026n, 5000n, 5001n]) {
      const machine = machineWith([0x91000400, 0x17ffffff]);
      expect(machine.exports.runTo(machine.cpu, due)).toBe(0);
      expect(machine.u64(ARM64_COUNT)).toBe(due);
      expect(machine.u64(ARM64_X)).toBe((due + 1n) / 2n);
      expect(machine.u64(ARM64_PC)).toBe(BigInt(PROGRAM) + 4n * (due % 2n));
    }
  });

  it('counts across pages, and ends a slice in code without branches', () => {
    const machine = machineWith([]);
    write(machine, PROGRAM, Array<number>(4096).fill(NOP));
    expect(machine.exports.run(machine.cpu, 100)).toBe(0);
    expect(machine.u64(ARM64_COUNT)).toBe(1024n);
    expect(machine.u64(ARM64_PC)).toBe(BigInt(PROGRAM + 4096));
    machine.exports.runTo(machine.cpu, 3001n);
    expect(machine.u64(ARM64_PC)).toBe(BigInt(PROGRAM + 4 * 3001));
  });

  it('takes an interrupt before the next instruction, and where one is unmasked', () => {
    const machine = machineWith([0xd50342ff, NOP]); // MSR DAIFClr, #2
    machine.setU32(ARM64_PENDING, ARM64_PENDING_IRQ);
    machine.exports.runTo(machine.cpu, 1n);
    expect(el1State(machine)).toMatchObject({
      pc: BigInt(VECTORS + 0x280),
      elr: BigInt(PROGRAM + 4),
      spsr: 0x345n,
    });
    const unmasked = machineWith([NOP, NOP]);
    unmasked.setU32(ARM64_DAIF, 0);
    unmasked.setU32(ARM64_PENDING, ARM64_PENDING_IRQ);
    unmasked.exports.step(unmasked.cpu);
    expect(unmasked.el1(BANK_ELR)).toBe(BigInt(PROGRAM));
  });

  it('ends a slice where the exception handler cannot be fetched', () => {
    const machine = machineWith([SVC]);
    machine.setEl1(BANK_VBAR, 0x7_0000_0000n);
    for (let i = 0; i < 3; i++) expect(machine.exports.run(machine.cpu, 10)).toBe(0);
  });
});

it('a page is executed through the TLB, without its descriptor, until a TLBI', () => {
  const machine = machineWith([NOP, 0x17ffffff]); // B .-4
  machine.exports.run(machine.cpu, 10);
  // The last page of RAM has the table.
  const table = machine.at(machine.ramGpa + machine.ramSize - 0x1000);
  machine.view.setBigUint64(table, 0n, true);
  machine.exports.run(machine.cpu, 10);
  expect(machine.el1(BANK_ESR)).toBe(0n);
  machine.exports.flushAll(machine.cpu);
  machine.exports.run(machine.cpu, 10);
  // Translation fault of level 1, in the vectors as well.
  expect(machine.el1(BANK_ESR)).toBe(0x86000005n);
});

describe('the instruction cache', () => {
  it('keeps an instruction that has been changed until IC IVAU', () => {
    // MOVZ X0, #1; B .-4, and MOVZ X0, #2 instead.
    const machine = machineWith([0xd2800020, 0x17ffffff]);
    machine.exports.run(machine.cpu, 10);
    write(machine, PROGRAM, [0xd2800040]);
    machine.exports.run(machine.cpu, 10);
    expect(machine.u64(ARM64_X)).toBe(1n);
    write(machine, VECTORS, [0xd50b7521]); // IC IVAU, X1
    machine.setU64(ARM64_X + 8, BigInt(PROGRAM + 0x80));
    machine.setU64(ARM64_PC, BigInt(VECTORS));
    machine.exports.step(machine.cpu);
    machine.setU64(ARM64_PC, BigInt(PROGRAM));
    machine.exports.run(machine.cpu, 10);
    expect(machine.u64(ARM64_X)).toBe(2n);
  });

  it('IC IVAU of a vCPU on a thread of its own leaves the records unlocked for the others', () => {
    const machine = machineWith([NOP, 0xd50b7521]);
    machine.setU32(ARM64_THREADED, 1);
    machine.setU32(ARM64_PEERS, machine.cpu);
    machine.setU32(ARM64_PEER_COUNT, 1);
    machine.setU64(ARM64_X + 8, BigInt(PROGRAM));
    for (let i = 0; i < 2; i++) machine.exports.step(machine.cpu);
    expect(machine.u64(ARM64_PC)).toBe(BigInt(PROGRAM + 8));
    expect(machine.u32(ARM64_RECORDS_LOCK)).toBe(0);
  });
});

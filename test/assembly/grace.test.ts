// SPDX-License-Identifier: MIT
// What Grace's SMMU has in addition to the default one: EL2 and EL2-E2H besides NS-EL1
// (IHI 0070 sections 3.3.4, 3.17, 4.4.2), tables of either endianness (section 5.4), and
// stage 2 execute permission by privilege (DDI 0487, FEAT_XNX).

import { beforeEach, describe, expect, it } from 'vitest';
import { ACCESS_INSTRUCTION, ACCESS_PRIVILEGED } from '../../assembly/layout/access.ts';
import { QUEUE_MAIN } from '../../assembly/layout/queue-memory.ts';
import {
  SMMU_AT_CR2,
  SMMU_AT_IDR0,
  SMMU_AT_IDR3,
  SMMU_AT_IDR5,
} from '../../assembly/layout/smmu-memory.ts';
import { TRANSLATE_OK } from '../../assembly/layout/translate-results.ts';
import { ContextBlock, QueueBlock, writeActions } from '../../devices/unit/index.ts';
import { prepare } from '../reference/judge.ts';
import { Scenario } from '../reference/scenario.ts';
import { type Harness, harness, RAM_GPA } from '../support/unit-harness.ts';

const GEOMETRY = { granule: 12n, bits: 39n, start: 1, leaf: 3 };
const HYP = 0x200;
/**
 * S1P, S2P, AArch64, COHACC, HTTU 2, HYP, ATS, ASID16, VMID16, CD2L, terminate model;
 * TTENDIAN 2, and 0 without the last bit.
 */
const IDR0 = 0x0d4c349b | HYP;
const LITTLE = 0x400000;
const STRW_EL2 = 2n << 30n;
const ENDI = 1n << 15n;
const CD_HA = 1n << 43n;
const S2ENDI = 1n << 52n;
const S2HA = 1n << 56n;
const AF = 1n << 10n;
const [E2H, NOT_E2H] = [3, 2];
const offset = (pa: bigint) => Number(pa & 0xffff_ffffn);
const swapped = (value: bigint) =>
  BigInt(`0x${(value.toString(16).padStart(16, '0').match(/../g) ?? []).reverse().join('')}`);

let h: Harness;
beforeEach(async () => {
  h = await harness();
  prepare(h);
  h.set(SMMU_AT_IDR0, IDR0);
  writeActions(h.hostMemory, 0, IDR0);
});

/** Writes a scenario to memory; `encoded` returns a word of a table as it is stored. */
function place(
  scenario: Scenario,
  encoded: (pa: bigint, value: bigint) => bigint = (_, v) => v,
): void {
  for (const [pa, value] of scenario.words) h.guestRam64(offset(pa), encoded(pa, value));
}

describe('StreamWorlds', () => {
  /**
   * Streams of the same CD and tables, as NS-EL1 and as EL2; the leaf is global or not.
   */
  function streams(global: boolean): { page(sid: number): bigint; move(): void; address: bigint } {
    const scenario = new Scenario({ mode: 'stage 1', stage1: GEOMETRY, stage2: GEOMETRY });
    const leaf = scenario.slots1.get(GEOMETRY.leaf) ?? 0n;
    scenario.change(leaf, global ? 0n : 1n << 11n, global ? 1n << 11n : 0n);
    place(scenario);
    const [first = 0n, second = 0n, ...rest] = scenario.ste;
    new ContextBlock(h.hostMemory, 0, 0).vmid = Number((rest[0] ?? 0n) & 0xffffn);
    h.ste(5, [first, second, ...rest]);
    h.ste(6, [first, second | STRW_EL2, ...rest]);
    h.ste(7, [first, second | (1n << 30n), ...rest]);
    h.ste(8, [first, second | (3n << 30n), ...rest]);
    let moved = 0n;
    return {
      address: scenario.address,
      page: (sid) => h.translate(sid, scenario.address).pa & ~0xfffn,
      move: () => {
        moved += 0x1000n;
        h.guestRam64(offset(leaf), scenario.get(leaf) + moved);
      },
    };
  }
  /** Opcodes with their operands: ASID 1 or 2, the address. */
  const command = (opcode: bigint, address: bigint, asid = 1n) =>
    h.mainCommand(opcode | (asid << 48n), address & ~0xfffn);

  it.each([
    ['EL2', NOT_E2H, true],
    ['EL2', NOT_E2H, false],
    ['EL2-E2H', E2H, true],
    ['EL2-E2H', E2H, false],
  ])('NS-EL1 and %s have no pages in common, CR2 %i, global %s', (_, cr2, global) => {
    h.set(SMMU_AT_CR2, cr2);
    const { page, move } = streams(global);
    const before = page(5);
    move();
    // Another StreamWorld reads the tables as they are now. Each keeps its own
    // translation.
    expect([6, 5, 6].map((sid) => page(sid) - before)).toEqual([0x1000n, 0n, 0x1000n]);
    expect(h.missing()).not.toEqual([]);
  });

  it.each([
    // Opcode, ASID, then whether the non-global entries of NS-EL1, EL2, EL2-E2H are gone.
    ['TLBI_NH_ALL', 0x10n, 1n, [true, false, false]],
    ['TLBI_NH_VAA', 0x13n, 1n, [true, false, false]],
    ['TLBI_EL2_ALL', 0x20n, 0n, [false, true, true]],
    ['TLBI_EL2_ASID', 0x21n, 1n, [false, false, true]],
    ['TLBI_EL2_ASID of another', 0x21n, 2n, [false, false, false]],
    ['TLBI_EL2_VA', 0x22n, 1n, [false, true, true]],
    ['TLBI_EL2_VA of another ASID', 0x22n, 2n, [false, true, false]],
    ['TLBI_EL2_VAA', 0x23n, 2n, [false, true, true]],
  ] as const)('%s reaches its own', (_, opcode, asid, gone) => {
    const dropped = [5, 6, 6].map((sid, world) => {
      h.set(SMMU_AT_CR2, world === 2 ? E2H : NOT_E2H);
      h.mainCommand(0x04n, 31n);
      const { page, move, address } = streams(false);
      const before = page(sid);
      move();
      expect(page(sid)).toBe(before);
      command(opcode, address, asid);
      const result = page(sid) !== before;
      h.mainCommand(0x20n);
      h.mainCommand(0x30n);
      return result;
    });
    expect(dropped).toEqual(gone);
    h.findings();
  });

  it('a global page of EL2-E2H survives TLBI_EL2_ASID and not TLBI_EL2_VA of another ASID', () => {
    h.set(SMMU_AT_CR2, E2H);
    const { page, move, address } = streams(true);
    const before = page(6);
    move();
    command(0x21n, address);
    expect(page(6)).toBe(before);
    command(0x22n, address, 9n);
    expect(page(6)).toBe(before + 0x1000n);
    h.findings();
  });

  it('reserved STRW is C_BAD_STE with HYP, and nothing without', () => {
    const { address } = streams(false);
    for (const sid of [7, 8]) expect(h.translate(sid, address).status).not.toBe(TRANSLATE_OK);
    expect(h.events().map(([first = '']) => Number(BigInt(`0x${first}`) & 0xffn))).toEqual([4, 4]);
    h.set(SMMU_AT_IDR0, IDR0 & ~HYP);
    h.mainCommand(0x04n, 31n);
    for (const sid of [5, 6, 7, 8]) expect(h.translate(sid, address).status).toBe(TRANSLATE_OK);
  });

  it('EL2 has one half, and no privilege', () => {
    const scenario = new Scenario({ mode: 'stage 1', stage1: GEOMETRY, stage2: GEOMETRY });
    const leaf = scenario.slots1.get(GEOMETRY.leaf) ?? 0n;
    // AP[1] 0: privileged only. PXN set, XN clear.
    scenario.change(leaf, 1n << 53n, (1n << 6n) | (1n << 54n));
    place(scenario);
    const [first = 0n, second = 0n, ...rest] = scenario.ste;
    h.ste(5, [first, second, ...rest]);
    h.ste(6, [first, second | STRW_EL2, ...rest]);
    const ok = (sid: number, attributes: number) =>
      h.translate(sid, scenario.address, attributes).status === TRANSLATE_OK;
    const accesses = [
      0,
      ACCESS_PRIVILEGED,
      ACCESS_INSTRUCTION,
      ACCESS_INSTRUCTION | ACCESS_PRIVILEGED,
    ];
    expect(accesses.map((attributes) => ok(5, attributes))).toEqual([false, true, true, false]);
    expect(accesses.map((attributes) => ok(6, attributes))).toEqual([true, true, true, true]);
    // The upper half: EPD1 acts as 1, whatever the CD contains.
    expect(h.translate(6, 0xffff_ffff_ffff_0000n).status).not.toBe(TRANSLATE_OK);
  });

  /** An access by a stream of EL2 whose CD is changed: 0, or its event. */
  function el2Access(cr2: number, cd0: { set: bigint; clear?: bigint }, ttb1 = 0n): number {
    h.set(SMMU_AT_CR2, cr2);
    const scenario = new Scenario({ mode: 'stage 1', stage1: GEOMETRY, stage2: GEOMETRY });
    scenario.change(scenario.cd, cd0.set, cd0.clear);
    scenario.change(scenario.cd + 16n, ttb1);
    place(scenario);
    const [first = 0n, second = 0n, third = 0n, ...rest] = scenario.ste;
    // S2VMID is ignored in this StreamWorld, too.
    h.ste(6, [first, second | STRW_EL2, third | 0xff00n, ...rest]);
    h.mainCommand(0x04n, 31n);
    h.mainCommand(0x20n);
    if (h.translate(6, scenario.address).status === TRANSLATE_OK) return 0;
    const [record = []] = h.events().slice(-1);
    return Number(BigInt(`0x${record[0] ?? ''}`) & 0xffn);
  }
  const [EPD0, EPD1] = [1n << 14n, 1n << 30n];

  it.each([
    // The CD's field, then the result for EL2 and for EL2-E2H (IHI 0070 section 5.4:
    // EPD0, EPD1).
    ['EPD0 1', { set: EPD0 }, 0, 0x10],
    ['EPD1 0 with a reserved TG1 and T1SZ 0', { set: 0n, clear: EPD1 }, 0, 0x0a],
    ['EPD0 and EPD1 1, ENDI 1 with TTENDIAN 2', { set: EPD0 | EPD1 | ENDI }, 0x0a, 0x10],
    ['ENDI 1 with TTENDIAN 2', { set: ENDI }, 0x0a, 0x0a],
    ['T0SZ 0 with EPD0 1', { set: EPD0, clear: 0x3fn }, 0x0a, 0x10],
    ['an ASID of 16 bits without ASID16', { set: 0x100n << 48n }, 0, 0x0a],
  ] as const)('%s', (_, cd0, el2, e2h) => {
    h.set(SMMU_AT_IDR0, IDR0 & ~0x41000);
    expect(el2Access(NOT_E2H, cd0)).toBe(el2);
    expect(el2Access(E2H, cd0)).toBe(e2h);
  });

  it('TTB1 beyond IPS is ignored by EL2, and C_BAD_CD of EL2-E2H', () => {
    const half = { set: (2n << 22n) | (25n << 16n), clear: EPD1 };
    expect(el2Access(NOT_E2H, half, 1n << 50n)).toBe(0);
    expect(el2Access(E2H, half, 1n << 50n)).toBe(0x0a);
    expect(el2Access(E2H, half)).toBe(0);
  });

  it('with stage 2 STRW is ignored, also reserved values: the stream is of NS-EL1', () => {
    const scenario = new Scenario({ mode: 'nested', stage1: GEOMETRY, stage2: GEOMETRY });
    place(scenario);
    const [first = 0n, second = 0n, ...rest] = scenario.ste;
    const leaf = scenario.slots1.get(GEOMETRY.leaf) ?? 0n;
    for (const strw of [0n, 1n, 2n, 3n])
      h.ste(5 + Number(strw), [first, second | (strw << 30n), ...rest]);
    const { pa } = h.translate(5, scenario.address);
    h.guestRam64(offset(leaf), scenario.get(leaf) + 0x1000n);
    for (const sid of [5, 6, 7, 8])
      expect(h.translate(sid, scenario.address)).toMatchObject({ status: TRANSLATE_OK, pa });
    expect(h.missing()).not.toEqual([]);
  });

  it('without HYP the commands are CERROR_ILL', () => {
    writeActions(h.hostMemory, 0, IDR0 & ~HYP);
    const queue = new QueueBlock(h.hostMemory, 0, QUEUE_MAIN);
    for (const opcode of [0x20n, 0x21n, 0x22n, 0x23n]) {
      h.mainCommand(opcode);
      expect(queue.error).toBe(1);
    }
  });
});

describe('big-endian tables', () => {
  it.each([
    ['stage 1', 'stage 1', true, false],
    ['stage 2', 'stage 2', false, true],
    ['stage 1 of nested', 'nested', true, false],
    ['stage 2 of nested', 'nested', false, true],
    ['both stages', 'nested', true, true],
  ] as const)('of %s are walked and updated', (_, mode, first, second) => {
    h.set(SMMU_AT_IDR0, IDR0 & ~LITTLE);
    const scenario = new Scenario({ mode, stage1: GEOMETRY, stage2: GEOMETRY });
    const slots = (all: ReadonlyMap<number, bigint>) => new Set(all.values());
    const [tables1, tables2] = [slots(scenario.slots1), slots(scenario.slots2)];
    // The tables of stage 2 also map those of stage 1: all words of the scenario's tables
    // except those of stage 1 and of a CD.
    const cd = (pa: bigint) => pa >= scenario.cd && pa < scenario.cd + 64n;
    const ofStage2 = (pa: bigint) => tables2.has(pa) || !(tables1.has(pa) || cd(pa));
    // The leaves do not have the access flag yet; the SMMU sets it.
    const [leaf1 = 0n, leaf2 = 0n] = [scenario.slots1, scenario.slots2].map((all) =>
      all.get(GEOMETRY.leaf),
    );
    if (first) {
      scenario.change(scenario.cd, ENDI | CD_HA);
      scenario.change(leaf1, 0n, AF);
    }
    if (second) scenario.change(leaf2, 0n, AF);
    place(scenario, (pa, value) =>
      (first && tables1.has(pa)) || (second && ofStage2(pa)) ? swapped(value) : value,
    );
    const ste = [...scenario.ste];
    if (second) ste[2] = (ste[2] ?? 0n) | S2ENDI | S2HA;
    h.ste(5, ste);
    expect(h.translate(5, scenario.address).status).toBe(TRANSLATE_OK);
    const target = h.translate(5, scenario.address).pa;
    for (const leaf of [...(first ? [leaf1] : []), ...(second ? [leaf2] : [])])
      expect(h.guestBytes.getBigUint64(offset(leaf) - RAM_GPA, true)).toBe(
        swapped(scenario.get(leaf) | AF),
      );
    // The same tables in little-endian yield the same address.
    h.mainCommand(0x04n, 31n);
    h.mainCommand(0x30n);
    const other = new Scenario({ mode, stage1: GEOMETRY, stage2: GEOMETRY });
    place(other);
    h.ste(5, other.ste);
    expect(h.translate(5, other.address).pa).toBe(target);
  });

  it.each([
    ['CD.ENDI', 'stage 1', 0x0a],
    ['STE.S2ENDI', 'stage 2', 0x04],
  ] as const)('%s is illegal with TTENDIAN 2', (_, mode, event) => {
    const scenario = new Scenario({ mode, stage1: GEOMETRY, stage2: GEOMETRY });
    if (mode === 'stage 1') scenario.change(scenario.cd, ENDI);
    else scenario.ste[2] = (scenario.ste[2] ?? 0n) | S2ENDI;
    place(scenario);
    h.ste(5, scenario.ste);
    expect(h.translate(5, scenario.address).status).not.toBe(TRANSLATE_OK);
    expect(h.events().map(([first = '']) => Number(BigInt(`0x${first}`) & 0xffn))).toEqual([event]);
  });
});

it.each([
  // XN[1:0], then unprivileged and privileged execution, with XNX and without.
  [0n, [true, true], [true, true]],
  [1n, [true, false], [true, true]],
  [2n, [false, false], [false, false]],
  [3n, [false, true], [false, false]],
] as const)('stage 2 with XN[1:0] = %i', (xn, withXnx, without) => {
  h.set(SMMU_AT_IDR5, 0x75);
  const scenario = new Scenario({ mode: 'stage 2', stage1: GEOMETRY, stage2: GEOMETRY });
  const leaf = scenario.slots2.get(GEOMETRY.leaf) ?? 0n;
  scenario.change(leaf, xn << 53n, 3n << 53n);
  place(scenario);
  h.ste(5, scenario.ste);
  const executes = () =>
    [ACCESS_INSTRUCTION, ACCESS_INSTRUCTION | ACCESS_PRIVILEGED].map(
      (attributes) => h.translate(5, scenario.address, attributes).status === TRANSLATE_OK,
    );
  h.set(SMMU_AT_IDR3, 0x514);
  expect(executes()).toEqual(withXnx);
  h.mainCommand(0x30n);
  h.set(SMMU_AT_IDR3, 0x504);
  expect(executes()).toEqual(without);
});

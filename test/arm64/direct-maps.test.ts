// SPDX-License-Identifier: MIT
// Direct maps as seen by the CPU: device registers that are backed by memory.

import { describe, expect, it } from 'vitest';
import {
  ARM64_EXIT_REQUEST,
  ARM64_MAPS,
  ARM64_MMIO_ADDRESS,
  ARM64_MMIO_SIZE,
  ARM64_MMIO_VALUE,
  ARM64_PC,
  ARM64_X,
  BANK_ESR,
  BANK_FAR,
  BANK_TTBR0,
  BANK_VBAR,
} from '../../assembly/layout/arm64-state.ts';
import { Arm64DirectMaps } from '../../vmm/vcpu/arm64/index.ts';
import { Arm64Machine, FLAT_EL1, mapFlat, write } from './el0-machine.ts';

const BASE = 0x2000_0000;
const PROGRAM = BASE + 0x1_0000;
const VECTORS = BASE + 0x2_0000;
/**
 * Addresses of the table and of the registers' memory: RAM that the program does not use.
 */
const TABLE = BASE + 0x10_0000;
const PAGE = BASE + 0x11_0000;
/** Address of a device, mapped as Device memory. */
const DEVICE = 0x8000_0000;
const HLT = 0xd4400000;
const EXIT_STOP = 1;
const EXIT_HLT = 7;

function setUp(words: readonly number[], onAccess: (address: bigint) => void = () => undefined) {
  const accesses: string[] = [];
  const rung: number[][] = [];
  const machine: Arm64Machine = new Arm64Machine({
    ramGpa: BASE,
    board: {
      mmio(_cpu, isWrite) {
        const address = machine.u64(ARM64_MMIO_ADDRESS);
        accesses.push(
          `${isWrite ? 'write' : 'read'} ${address.toString(16)} ${machine.u32(ARM64_MMIO_SIZE)}`,
        );
        if (!isWrite) machine.setU64(ARM64_MMIO_VALUE, 0x77n);
        onAccess(address);
        return 1;
      },
      register: () => 0,
      doorbell: (id, offset) => {
        rung.push([id, offset]);
      },
    },
  });
  mapFlat(machine, FLAT_EL1);
  // AttrIndx 1, for which MAIR has Device-nGnRnE.
  const table = Number(machine.el1(BANK_TTBR0));
  machine.view.setBigUint64(machine.at(table + 16), BigInt(DEVICE + 0x705), true);
  machine.setEl1(BANK_VBAR, BigInt(VECTORS));
  write(machine, VECTORS + 0x200, [HLT]);
  write(machine, PROGRAM, [...words, HLT]);
  machine.setU64(ARM64_PC, BigInt(PROGRAM));
  const maps = new Arm64DirectMaps({
    memory: machine.memory,
    maps: machine.at(TABLE),
    directPages: [machine.at(PAGE)],
  });
  machine.setU32(ARM64_MAPS, machine.at(TABLE));
  const map = (offset = 0, length = 0x1000, rings = true) =>
    maps.set(0, {
      gpa: DEVICE + offset,
      length,
      memoryOffset: machine.at(PAGE) + offset,
      doorbell: 5,
      rings,
    });
  const x = (n: number) => machine.u64(ARM64_X + 8 * n);
  const setX = (n: number, value: number) => machine.setU64(ARM64_X + 8 * n, BigInt(value));
  setX(1, DEVICE);
  return { machine, maps, map, accesses, rung, x, setX };
}

const LDR_W0 = 0xb9400020; // ldr w0, [x1]
const STR_W0 = 0xb9000020; // str w0, [x1]
const LOOP = [
  LDR_W0,
  0x0b000063, // add w3, w3, w0
  0xb9400822, // ldr w2, [x1, #8]
  0x71000484, // subs w4, w4, #1
  0x54ffff81, // b.ne -16
];

describe('a direct map', () => {
  it.each<[string, number, string]>([
    ['ldr w0, [x1]', LDR_W0, ''],
    ['ldr x0, [x1]', 0xf9400020, ''],
    ['ldp w0, w2, [x1]', 0x29400820, ''],
    ['ldp x0, x2, [x1]', 0xa9400820, ''],
    ['ldrb w0, [x1]', 0x39400020, 'read 80000000 1'],
    ['ldrh w0, [x1]', 0x79400020, 'read 80000000 2'],
  ])('answers loads of 4 and 8 bytes: %s', (_name, word, access) => {
    const { machine, map, accesses, x } = setUp([word]);
    map();
    machine.view.setUint32(machine.at(PAGE), 0x12345678, true);
    expect(machine.exports.run(machine.cpu, 100)).toBe(EXIT_HLT);
    expect(accesses).toEqual(access ? [access] : []);
    expect(x(0) & 0xffffffffn).toBe(access ? 0x77n : 0x12345678n);
  });

  it.each<[string, number, number[][], string]>([
    ['str w0, [x1]', STR_W0, [[5, 0]], ''],
    ['str x0, [x1, #8]', 0xf9000420, [[5, 8]], ''],
    [
      'stp x0, x2, [x1]',
      0xa9000820,
      [
        [5, 0],
        [5, 8],
      ],
      '',
    ],
    ['strb w0, [x1]', 0x39000020, [], 'write 80000000 1'],
  ])('takes stores of 4 and 8 bytes, and rings: %s', (_name, word, expected, access) => {
    const { machine, map, accesses, rung, setX } = setUp([word]);
    map();
    setX(0, 0x4321);
    expect(machine.exports.run(machine.cpu, 100)).toBe(EXIT_HLT);
    expect(accesses).toEqual(access ? [access] : []);
    expect(rung).toEqual(expected);
    const offset = expected.at(0)?.[1] ?? 0;
    const stored = machine.view.getUint32(machine.at(PAGE) + offset, true);
    expect(stored).toBe(access ? 0 : 0x4321);
  });

  it('does not ring while the drain polls by itself', () => {
    const { machine, maps, map, rung } = setUp([STR_W0, STR_W0]);
    map(0, 0x1000, false);
    machine.exports.step(machine.cpu);
    expect(rung).toEqual([]);
    maps.setRinging(0, true);
    machine.exports.step(machine.cpu);
    expect(rung).toEqual([[5, 0]]);
  });

  it('may be smaller than a page: the rest of the page belongs to the device', () => {
    const { machine, map, accesses, rung, setX } = setUp([LDR_W0, 0xb9400822, STR_W0]);
    map(8, 8);
    setX(1, DEVICE + 4);
    machine.view.setUint32(machine.at(PAGE) + 12, 0xabcd, true);
    expect(machine.exports.run(machine.cpu, 100)).toBe(EXIT_HLT);
    expect(accesses).toEqual(['read 80000004 4', 'write 80000004 4']);
    expect(machine.u64(ARM64_X + 16)).toBe(0xabcdn);
    expect(rung).toEqual([]);
  });

  // 0x21: alignment fault; WnR of a store.
  it.each([
    ['ldur w0, [x1, #2]', 0xb8402020, 0x96000021n],
    ['stur w0, [x1, #2]', 0xb8002020, 0x96000061n],
  ])('is Device memory, of which the TLB knows too: %s', (_name, word, esr) => {
    const { machine, map } = setUp([LDR_W0, STR_W0, word]);
    map();
    expect(machine.exports.run(machine.cpu, 100)).toBe(EXIT_HLT);
    expect(machine.el1(BANK_ESR)).toBe(esr);
    expect(machine.el1(BANK_FAR)).toBe(BigInt(DEVICE + 2));
  });

  it('is removed between two accesses, while a guest polls it in a loop', () => {
    const { machine, maps, map, accesses, x, setX } = setUp(LOOP, (address) => {
      if (address === BigInt(DEVICE + 8)) flip();
    });
    let mapped = true;
    // Only the first register is mapped: an access to the other one calls the host.
    const flip = () => {
      mapped = !mapped;
      if (mapped) map(0, 8);
      else maps.clear(0);
      maps.announce();
    };
    map(0, 8);
    machine.view.setUint32(machine.at(PAGE), 1, true);
    setX(4, 10);
    expect(machine.exports.run(machine.cpu, 1000)).toBe(EXIT_HLT);
    expect(x(3)).toBe(BigInt(5 * 1 + 5 * 0x77));
    expect(accesses.filter((access) => access === 'read 80000000 4')).toHaveLength(5);
  });

  it('has its translation forgotten by TLBI', () => {
    const { machine, map, accesses } = setUp([
      LDR_W0,
      0xf9000062, // str x2, [x3]
      0xd508871f, // tlbi vmalle1
      LDR_W0,
    ]);
    map();
    // The page at 0x80000000 becomes the one at 0xc0000000; the next block stays as it
    // is.
    const table = Number(machine.el1(BANK_TTBR0));
    machine.setU64(ARM64_X + 16, 0xc0000705n);
    machine.setU64(ARM64_X + 24, BigInt(table + 16));
    expect(machine.exports.run(machine.cpu, 100)).toBe(EXIT_HLT);
    expect(accesses).toEqual(['read c0000000 4']);
  });

  it('requests an exit when a queue needs its host', () => {
    const { machine, map, rung } = setUp([STR_W0, ...LOOP]);
    map();
    machine.setU64(ARM64_X + 32, 1000n);
    // What the drain does when work is left.
    rung.push = () => {
      machine.setU32(ARM64_EXIT_REQUEST, 1);
      return 1;
    };
    expect(machine.exports.run(machine.cpu, 100_000)).toBe(EXIT_STOP);
    expect(machine.u64(ARM64_X + 32)).toBe(999n);
    machine.setU32(ARM64_EXIT_REQUEST, 0);
    expect(machine.exports.run(machine.cpu, 100_000)).toBe(EXIT_HLT);
  });
});

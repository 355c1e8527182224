// SPDX-License-Identifier: MIT
// The output of `monitor` for streams whose structures are in memory.

import { describe, expect, it } from 'vitest';
import { CD_ENDI } from '../../../assembly/layout/cd.ts';
import {
  IDR1_SIDSIZE,
  SMMU_IDR1,
  SMMU_STRTAB_BASE,
  SMMU_STRTAB_BASE_CFG,
} from '../../../assembly/layout/smmu-registers.ts';
import { setField } from '../../../devices/plugin/index.ts';
import {
  abortSte,
  bypassSte,
  contextDescriptor,
  nestedSte,
  PageTable,
  S1_READ_WRITE,
  S2_READ_WRITE,
  stage1Ste,
  storeStructure,
} from '../../../devices/tables/index.ts';
import { Random } from '../../../devices/testing/index.ts';
import { machineMonitor } from '../../../vmm/gdb/index.ts';

const SIZE = 0x100000;
const STREAM_TABLE = 0x10000;
const STE = STREAM_TABLE + 8 * 64;
const CD = 0x20000;

/** RAM from 0 on, with memory for tables from 0x40000 on. */
function memory() {
  const bytes = new Uint8Array(SIZE);
  const view = new DataView(bytes.buffer);
  let next = 0x40000;
  return {
    bytes,
    load64: (at: number) => view.getBigUint64(at, true),
    store64: (at: number, value: bigint) => view.setBigUint64(at, value, true),
    allocate(size: number, alignment: number) {
      const at = Math.ceil(next / alignment) * alignment;
      next = at + size;
      return at;
    },
  };
}

type Ram = ReturnType<typeof memory>;

/** Of an SMMU with a linear stream table of 256 STEs. */
function monitorOf(ram: Ram) {
  const idr1 = new Uint32Array(1);
  setField(idr1, IDR1_SIDSIZE, 16);
  const registers: Readonly<Record<number, number>> = {
    [SMMU_IDR1]: idr1[0] ?? 0,
    [SMMU_STRTAB_BASE]: STREAM_TABLE,
    [SMMU_STRTAB_BASE_CFG]: 8,
  };
  return machineMonitor({
    smmus: [],
    readRegister: (offset) => ({ lo: registers[offset] ?? 0, hi: 0 }),
    readRam: (gpa, length) =>
      gpa + length <= SIZE ? ram.bytes.subarray(gpa, gpa + length) : undefined,
  });
}

/**
 * Stage 1 maps 0xabc000 to 0x77000, in tables at its IPAs; the upper half is disabled.
 */
function stage1(ram: Ram): PageTable {
  const tables = new PageTable(ram, { stage: 1, inputBits: 39 });
  tables.map(0xabc000, 0x77000, 0x1000, S1_READ_WRITE);
  const lower = { ttb: tables.root, inputBits: 39 };
  storeStructure(ram, CD, contextDescriptor({ asid: 5, lower }));
  return tables;
}

function nested(ram: Ram): void {
  stage1(ram);
  const tables = new PageTable(ram, { stage: 2, inputBits: 40 });
  // The first MiB is mapped to itself, except the target of stage 1.
  tables.map(0, 0, 0x77000, S2_READ_WRITE, { blocks: false });
  tables.map(0x77000, 0x99000, 0x1000, S2_READ_WRITE);
  tables.map(0x78000, 0x78000, SIZE - 0x78000, S2_READ_WRITE, { blocks: false });
  const stage2 = { vmid: 3, ttb: tables.root, inputBits: 40 };
  storeStructure(ram, STE, nestedSte({ contextPtr: CD }, stage2));
}

describe('monitor', () => {
  it('reports its commands', () => {
    const monitor = monitorOf(memory());
    expect(monitor('help')).toContain('walk SID ADDRESS [SSID]');
    expect(monitor('')).toBe(monitor('help'));
    expect(monitor('nothing')).toContain('no such command');
    expect(monitor('toString')).toContain('no such command');
  });

  it('decodes an STE and a CD', () => {
    const ram = memory();
    stage1(ram);
    storeStructure(ram, STE, stage1Ste({ contextPtr: CD }));
    const monitor = monitorOf(ram);
    expect(monitor('ste 8')).toMatch(/^StreamID 0x8, at 0x10200\nSTE: stage 1\n {2}0\[0\] +V /);
    expect(monitor('cd 0x8')).toContain('at 0x20000\nCD: ASID 5, translates the lower half\n');
    expect(monitor('cd 8 1')).toBe('no CD: the stream has 1 of them (S1CDMax 0)\n');
    expect(monitor('ste 0x100')).toContain('no STE: the stream table does not reach it');
    expect(monitor('cd 9')).toBe('its STE has no stage 1, and so no CD\n');
  });

  it('walks stage 1, with each descriptor on the way', () => {
    const ram = memory();
    const tables = stage1(ram);
    storeStructure(ram, STE, stage1Ste({ contextPtr: CD }));
    const lines = monitorOf(ram)('walk 8 0xabc123').trimEnd().split('\n');
    const leaf = tables.leafOf(0xabc000) ?? 0;
    expect(lines).toEqual([
      '0x10200: STE, stage 1',
      '0x20000: CD, ASID 5, translates the lower half',
      `0x${tables.root.toString(16)}: 0x${ram.load64(tables.root).toString(16)}, table descriptor, stage 1, level 1: the next table`,
      expect.stringContaining('table descriptor, stage 1, level 2: the next table'),
      `0x${leaf.toString(16)}: 0x77f47, page descriptor, stage 1, level 3: maps 4 KiB`,
      '0xabc123 is 0x77123',
    ]);
  });

  it('reads tables whose descriptors are big-endian', () => {
    const ram = memory();
    stage1(ram);
    const view = new DataView(ram.bytes.buffer);
    for (let at = 0x40000; at < SIZE; at += 8) view.setBigUint64(at, ram.load64(at), false);
    const cd = new Uint32Array(ram.bytes.buffer, CD, 16);
    setField(cd, CD_ENDI, 1);
    storeStructure(ram, STE, stage1Ste({ contextPtr: CD }));
    expect(monitorOf(ram)('walk 8 0xabc123').trimEnd().split('\n').slice(-2)).toEqual([
      expect.stringContaining(': 0x77f47, page descriptor, stage 1, level 3: maps 4 KiB'),
      '0xabc123 is 0x77123',
    ]);
  });

  it.each([
    ['walk 8 0xabd000', 'faults: stage 1 does not map 0xabd000'],
    ['walk 8 0x8000000000', 'faults: the address is outside of the lower half, which has 39 bits'],
    ['walk 8 0xffffffffffffffff', 'faults: the upper half is disabled (EPD1)'],
    ['walk 9 0', 'faults: the STE is invalid'],
  ])('%s: %s', (command, why) => {
    const ram = memory();
    stage1(ram);
    storeStructure(ram, STE, stage1Ste({ contextPtr: CD }));
    expect(monitorOf(ram)(command).trimEnd().split('\n').at(-1)).toBe(why);
  });

  it('walks both stages: tables and CD of stage 1 are at IPAs', () => {
    const ram = memory();
    nested(ram);
    const lines = monitorOf(ram)('walk 8 0xabc123').trimEnd().split('\n');
    expect(lines[0]).toBe('0x10200: STE, stage 1 on top of stage 2');
    expect(lines.filter((line) => line.includes('stage 2, level'))).toHaveLength(3);
    expect(lines.at(-1)).toBe('0xabc123 is 0x99123');
  });

  it('lets a bypassing stream pass, and an aborting one fault', () => {
    const ram = memory();
    storeStructure(ram, STE, bypassSte());
    storeStructure(ram, STE + 64, abortSte());
    const monitor = monitorOf(ram);
    expect(monitor('walk 8 0x1234')).toContain('0x1234 is 0x1234');
    expect(monitor('walk 9 0x1234')).toContain('faults: the STE aborts');
  });

  it('refuses an invalid number', () => {
    const monitor = monitorOf(memory());
    expect(monitor('ste')).toBe('StreamID: a number up to 0xffffffff\n');
    expect(monitor('ste -1')).toBe('StreamID: a number up to 0xffffffff\n');
    expect(monitor('walk 8 x')).toBe('address: a number up to 0xffffffffffffffff\n');
    expect(monitor('cd 8 0x100000')).toBe('SubstreamID: a number up to 0xfffff\n');
    expect(monitor('iotlb')).toBe('the machine has no SMMUv3\n');
    expect(monitor('its')).toBe('the machine has no ITS\n');
  });

  it('has a result for any structures', () => {
    const random = new Random(5);
    const ram = memory();
    nested(ram);
    const kept = [STE, CD].map((at) => [at, ram.bytes.slice(at, at + 64)] as const);
    for (let run = 0; run < 300; run++) {
      for (const [at, bytes] of kept) ram.bytes.set(bytes, at);
      for (let i = 0; i < 8; i++) {
        const at = random.pick([STE, CD]) + random.below(64);
        ram.bytes[at] = random.below(256);
      }
      const command = `${random.pick(['walk', 'cd'])} 8 ${random.below(2 ** 32)}`;
      expect(monitorOf(ram)(command)).toMatch(/^(?!this cannot be shown).+\n$/s);
    }
  });
});

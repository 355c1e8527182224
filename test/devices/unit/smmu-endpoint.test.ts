// SPDX-License-Identifier: MIT

import { describe, expect, it } from 'vitest';
import { DeviceComplex, SYSTEM_CLOCK } from '../../../devices/bus/index.ts';
import { PhysicalSmmu } from '../../../devices/smmuv3/index.ts';
import {
  cfgiAll,
  contextDescriptor,
  PageTable,
  S1_READ_ONLY,
  S1_READ_WRITE,
  stage1Ste,
  sync,
  writeCd,
  writeCommand,
  writeSte,
} from '../../../devices/tables/index.ts';
import {
  createHostMemory,
  PhysicalRam,
  SmmuEndpoint,
  TRANSLATE_ABORT,
  Unit,
} from '../../../devices/unit/index.ts';
import { checkedModules } from '../../support/findings.ts';
import { tableMemory } from '../../support/table-memory.ts';

const modules = await checkedModules();
const SMMU = 0x10000000;
const STREAM = 3;
const IOVA = 0x1_4000_0000;
const RAM_SIZE = 0x200000;
/** Memory of the VMM, and a doorbell of its interrupt controller, outside RAM. */
const OWN = 0x90000000;
const DOORBELL = 0x90010000;

/**
 * An SMMU that translates IOVA to RAM, to the VMM's own memory, to a doorbell, and to
 * nothing.
 */
function computer() {
  const hostMemory = createHostMemory({ ramSize: RAM_SIZE });
  const unit = new Unit({ modules, hostMemory, thread: 0 });
  const ram = new PhysicalRam(hostMemory);
  const own = new Uint8Array(0x1000);
  const msis: string[] = [];
  const endpoint = new SmmuEndpoint({
    unit,
    memory: {
      bytes: (pa, length) =>
        pa >= OWN && pa + length <= OWN + own.length
          ? own.subarray(pa - OWN, pa - OWN + length)
          : ram.bytes(pa, length),
      write32(pa, data, streamId) {
        if (pa !== DOORBELL) return false;
        msis.push(`0x${data.toString(16)} of ${streamId}`);
        return true;
      },
    },
  });
  const { bus } = new DeviceComplex({
    devices: [{ device: new PhysicalSmmu({ unit, smmuIndex: 0 }), addresses: [SMMU], firstIrq: 0 }],
    memory: ram,
    interrupts: { line: () => ({ pulse: () => undefined, setLevel: () => undefined }) },
    directMaps: undefined,
    clock: SYSTEM_CLOCK,
  });
  const tables = tableMemory(ram, 0x1000);
  const table = new PageTable(tables, { stage: 1 });
  table.map(IOVA, 0x100000, 0x1000, S1_READ_WRITE);
  table.map(IOVA + 0x1000, OWN, 0x1000, S1_READ_WRITE);
  table.map(IOVA + 0x2000, DOORBELL, 0x1000, S1_READ_WRITE);
  table.map(IOVA + 0x3000, 0xf0000000, 0x1000, S1_READ_ONLY);
  const cd = tables.allocate(64, 64);
  const streams = tables.allocate(1024, 1024);
  const commands = tables.allocate(256, 256);
  writeCd(tables, cd, 0, contextDescriptor({ asid: 1, lower: { ttb: table.root, inputBits: 48 } }));
  writeSte(tables, streams, STREAM, stage1Ste({ contextPtr: cd }));
  writeCommand(tables, commands, 0, cfgiAll());
  writeCommand(tables, commands, 1, sync());
  bus.write(SMMU + 0x080, 8, streams);
  bus.write(SMMU + 0x088, 4, 4);
  bus.write(SMMU + 0x090, 8, commands | 4);
  bus.write(SMMU + 0x020, 4, 0x8);
  bus.write(SMMU + 0x098, 4, 2);
  bus.write(SMMU + 0x020, 4, 0x9);
  return { endpoint, unit, ram, own, msis };
}

describe('an SMMU’s endpoint in a VMM of one’s own', () => {
  it('translates to a PA, no further than the page', () => {
    const { endpoint } = computer();
    const at = (offset: number, length: number) =>
      endpoint.translate(STREAM, undefined, IOVA + offset, length);
    expect(at(0x10, 64)).toEqual({ ok: true, pa: 0x100010, length: 64 });
    expect(at(0xff0, 64)).toEqual({ ok: true, pa: 0x100ff0, length: 16 });
    expect(at(0x1000, 4)).toEqual({ ok: true, pa: OWN, length: 4 });
  });

  it('reports a fault with its event: F_TRANSLATION, F_PERMISSION, and none without CR2.RECINVSID', () => {
    const { endpoint } = computer();
    const fault = (sid: number, offset: number, write = false) => {
      const answer = endpoint.translate(sid, undefined, IOVA + offset, 4, { write });
      return answer.ok ? 'ok' : [answer.result, (answer.event?.[0] ?? 0) & 0xff, answer.event?.[1]];
    };
    expect(fault(STREAM, 0x10000)).toEqual([TRANSLATE_ABORT, 0x10, STREAM]);
    expect(fault(STREAM, 0x3000)).toBe('ok');
    expect(fault(STREAM, 0x3000, true)).toEqual([TRANSLATE_ABORT, 0x13, STREAM]);
    expect(fault(20, 0)).toEqual([TRANSLATE_ABORT, 0, undefined]);
  });

  it('has DMA ports that reach the memory map of the VMM, and nothing else', () => {
    const { endpoint, ram, own, msis } = computer();
    const port = endpoint.dmaPort(STREAM);
    const bytes = Uint8Array.from({ length: 32 }, (_, i) => i + 1);
    // Across the boundary of two pages that are not adjacent.
    expect(port.write(IOVA + 0xff0, bytes)).toEqual({ ok: true, done: 32 });
    expect([...(ram.bytes(0x100ff0, 16) ?? []), ...own.subarray(0, 16)]).toEqual([...bytes]);
    const read = new Uint8Array(32);
    expect(port.read(IOVA + 0xff0, read)).toEqual({ ok: true, done: 32 });
    expect(read).toEqual(bytes);
    expect(port.write(IOVA + 0x2000, Uint8Array.of(0x21, 0, 0, 0))).toEqual({ ok: true, done: 4 });
    expect(port.write(IOVA + 0x2004, Uint8Array.of(1, 0, 0, 0)).ok).toBe(false);
    expect(msis).toEqual(['0x21 of 3']);
    // The translation exists, but there is no memory at its address.
    expect(port.read(IOVA + 0x3000, read)).toEqual({ ok: false, done: 0 });
  });

  it('has DMA ports that name an invalid access, and refuse an invalid PASID', () => {
    const { endpoint } = computer();
    const port = endpoint.dmaPort(STREAM);
    const four = new Uint8Array(4);
    const read = (...args: readonly unknown[]) => Reflect.apply(port.read, port, args);
    for (const iova of [undefined, Number.NaN, -4, 0.5, '0x1000', 1n])
      expect(() => read(iova, four)).toThrow(
        /^DmaPort: iova must be (?:a number|an integer from 0)/,
      );
    for (const target of [undefined, [0], new Uint32Array(1)])
      expect(() => read(IOVA, target)).toThrow(/^DmaPort: target must be a Uint8Array/);
    for (const attributes of [{ pasd: 3 }, { instrucion: true }, { privileged: 'no' }, 5, null])
      expect(() => read(IOVA, four, attributes)).toThrow(/^DmaPort\b/);
    expect(read(IOVA, four, { pasid: 1 << 20 })).toEqual({ ok: false, done: 0 });
    // Any address that a guest programs results in an access.
    expect(read(2 ** 64 - 2048, four)).toEqual({ ok: false, done: 0 });
    expect(read(IOVA, four, { privileged: true })).toEqual({ ok: true, done: 4 });
  });

  it('reports a memory that returns other bytes than requested', () => {
    const { unit } = computer();
    for (const found of [new Uint8Array(3), 4, Promise.resolve(new Uint8Array(4))]) {
      const memory = { bytes: () => found as Uint8Array };
      const port = new SmmuEndpoint({ unit, memory }).dmaPort(STREAM);
      expect(() => port.read(IOVA, new Uint8Array(4))).toThrow('must return the 4 bytes');
    }
  });

  it('refuses an invalid access, and an invalid memory', () => {
    const { endpoint } = computer();
    expect(() => endpoint.translate(STREAM, 1 << 20, 0, 1)).toThrow(RangeError);
    expect(() => endpoint.translate(STREAM, undefined, 2 ** 53, 1)).toThrow(RangeError);
    expect(() => endpoint.translate(STREAM, undefined, 0, 0)).toThrow(RangeError);
    expect(() => Reflect.construct(SmmuEndpoint, [{ unit: {}, memory: {} }])).toThrow(
      'SmmuEndpoint: memory must have a function bytes',
    );
  });
});

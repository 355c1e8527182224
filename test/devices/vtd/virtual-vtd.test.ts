// SPDX-License-Identifier: MIT
// The invalidation queue of a guest's VT-d IOMMU: a service executes four descriptors,
// whatever they are, and the rest follows at a read of IQH or in the machine's background
// work (VT-d specification, section 6.5.2).

import { describe, expect, it } from 'vitest';
import * as VTD from '../../../assembly/layout/vtd-formats.ts';
import { maskInWord, withBits } from '../../../devices/plugin/index.ts';
import { DeviceBus, FakeHost } from '../../../devices/testing/index.ts';
import { buildInvalidation, type Invalidation, VirtualVtd } from '../../../devices/vtd/index.ts';

const RAM = 0x80000000;
const STATUS = 0x8000;
const ENTRIES = 128;
const { VTD_DESCRIPTOR_SIZE: SIZE } = VTD;

function guest() {
  const host = new FakeHost({ ramGpa: RAM });
  const dropped: number[] = [];
  const device = new VirtualVtd({
    sourceIds: [8],
    attach: () => undefined,
    invalidate: (did) => dropped.push(did),
    invalidateDeviceTlb: (sourceId) => sourceId === 8,
  });
  device.attach(host);
  device.reset();
  const bus = new DeviceBus(device);
  const words = new Uint32Array(host.ram.buffer, host.ram.byteOffset, host.ram.length / 4);
  bus.write32(VTD.VTD_IQA, withBits(RAM, VTD.VTD_IQA_DW, 1));
  bus.write32(VTD.VTD_GCMD, maskInWord(VTD.VTD_GCMD_QIE));
  return {
    ...{ host, bus, dropped },
    status: () => words[STATUS / 4],
    put: (slot: number, what: Invalidation | Uint32Array) =>
      words.set('length' in what ? what : buildInvalidation(what), (slot * SIZE) / 4),
    ring: (tail: number) => bus.write32(VTD.VTD_IQT, tail * SIZE),
    head: () => bus.read32(VTD.VTD_IQH) / SIZE,
  };
}

const domain = (did: number) => ({ kind: 'domain', did }) as const;
const wait = { kind: 'wait', address: BigInt(RAM + STATUS), data: 0x55 } as const;

describe('the invalidation queue of a guest', () => {
  it('is served in parts, in order, at reads of IQH', () => {
    const { dropped, put, ring, head, status } = guest();
    for (let i = 0; i < 14; i++) put(i, domain(i));
    put(14, wait);
    ring(15);
    expect(dropped).toEqual([0, 1, 2, 3]);
    expect([head(), head(), status()]).toEqual([8, 12, 0]);
    expect([head(), head(), status()]).toEqual([15, 15, 0x55]);
    expect(dropped).toEqual(Array.from({ length: 14 }, (_, i) => i));
  });

  it('is served to its end without another exit', () => {
    const { host, dropped, put, ring, head, status } = guest();
    for (let i = 0; i < ENTRIES - 1; i++) put(i, domain(1));
    put(ENTRIES - 2, wait);
    ring(ENTRIES - 1);
    let polls = 0;
    while (status() !== 0x55 && polls < 100) {
      host.poll();
      polls++;
    }
    expect([polls, dropped.length, head()]).toEqual([31, ENTRIES - 2, ENTRIES - 1]);
  });

  it('stops at a bad descriptor wherever a service has ended', () => {
    const { host, bus, dropped, put, ring, head } = guest();
    for (let i = 0; i < 20; i++) put(i, domain(2));
    put(8, new Uint32Array(SIZE / 4).fill(0xf));
    ring(20);
    expect([head(), head()]).toEqual([8, 8]);
    expect(bus.read32(VTD.VTD_FSTS)).toBe(maskInWord(VTD.VTD_FSTS_IQE));
    for (let i = 0; i < 10; i++) host.poll();
    expect([head(), dropped.length]).toEqual([8, 8]);
  });

  it('does not run while it is off', () => {
    const { bus, dropped, put, ring, head } = guest();
    put(0, domain(3));
    bus.write32(VTD.VTD_GCMD, 0);
    ring(1);
    expect([head(), dropped]).toEqual([0, []]);
    bus.write32(VTD.VTD_GCMD, maskInWord(VTD.VTD_GCMD_QIE));
    expect([head(), dropped]).toEqual([1, [3]]);
  });

  it('does not run after an error until IQE is cleared, even when the descriptor is replaced', () => {
    const { host, bus, dropped, put, ring, head } = guest();
    put(0, new Uint32Array(SIZE / 4).fill(0xf));
    ring(1);
    put(0, domain(4));
    host.poll();
    expect([head(), dropped]).toEqual([0, []]);
    bus.write32(VTD.VTD_FSTS, maskInWord(VTD.VTD_FSTS_IQE));
    expect([head(), dropped]).toEqual([1, [4]]);
  });
});

// SPDX-License-Identifier: MIT
// Like service-times.test.ts, for devices whose queues are in a guest's memory: virtio
// with the SMMU, and VT-d. The guest queues the most work that one service can find.

import { beforeAll, describe, expect, it } from 'vitest';
import * as VTD from '../../assembly/layout/vtd-formats.ts';
import { type HotModules, loadHotModules } from '../../assembly/load.ts';
import { maskInWord, withBits } from '../../devices/plugin/index.ts';
import { DeviceBus, FakeHost } from '../../devices/testing/index.ts';
import {
  MemoryDisk,
  VirtioBlock,
  VirtioConsole,
  VirtioEntropy,
  type VirtioFunction,
  VirtioMmio,
  VirtioNet,
} from '../../devices/virtio/index.ts';
import { buildInvalidation, type Invalidation, VirtualVtd } from '../../devices/vtd/index.ts';
import { VtdHost } from '../../vmm/nested/vtd/index.ts';
import { IOVA } from '../support/lent-vm.ts';
import { best, DATA, LIMIT_US, STREAM, serviceGuest } from './service-guest.ts';

let modules: HotModules;
beforeAll(async () => {
  modules = await loadHotModules();
});

const QUEUE_SIZE = 64;
const [NEXT, WRITE, INDIRECT] = [1, 2, 4];
/** Offsets of a queue's parts in the mapped pages. */
const [DESCRIPTORS, AVAILABLE, USED, TABLE, BUFFER] = [0, 0x1000, 0x2000, 0x3000, 0x8000];

interface Segment {
  readonly at: number;
  readonly length: number;
  readonly writable: boolean;
}

/** A guest that fills a queue of a virtio device with one request, repeatedly. */
async function virtioGuest(device: VirtioFunction, queue: number, segments: readonly Segment[]) {
  const {
    device: bus,
    memory,
    background,
  } = await serviceGuest(modules, [STREAM], new VirtioMmio('device', device));
  const put = (at: number, iova: number, length: number, flags: number, next: number) => {
    memory.store64(DATA + at, BigInt(IOVA + iova));
    memory.store64(DATA + at + 8, BigInt(length) | (BigInt(flags | (next << 16)) << 32n));
  };
  segments.forEach(({ at, length, writable }, i) => {
    const more = i + 1 < segments.length ? NEXT : 0;
    put(TABLE + 16 * i, at, length, more | (writable ? WRITE : 0), i + 1);
  });
  for (let i = 0; i < QUEUE_SIZE; i++)
    put(DESCRIPTORS + 16 * i, TABLE, 16 * segments.length, INDIRECT, 0);
  // Every entry of the ring is descriptor 0, which nothing forbids.
  for (const status of [0, 1, 3]) bus.write32(0x70, status);
  bus.write32(0x24, 0);
  bus.write32(0x20, 1 << 28);
  bus.write32(0x24, 1);
  bus.write32(0x20, 3);
  bus.write32(0x70, 11);
  bus.write32(0x30, queue);
  bus.write32(0x38, QUEUE_SIZE);
  for (const [register, at] of [
    [0x80, DESCRIPTORS],
    [0x90, AVAILABLE],
    [0xa0, USED],
  ] as const) {
    bus.write32(register, (IOVA + at) >>> 0);
    bus.write32(register + 4, Math.floor((IOVA + at) / 2 ** 32));
  }
  bus.write32(0x44, 1);
  bus.write32(0x70, 15);
  let offered = 0;
  const used = () => Number((memory.load64(DATA + USED) ?? 0n) >> 16n) & 0xffff;
  return {
    bus,
    background,
    used,
    /** Fills the queue, and notifies: the work is done in the next turn. */
    offer(): void {
      offered = (used() + QUEUE_SIZE) & 0xffff;
      memory.store64(DATA + AVAILABLE, BigInt(offered) << 16n);
      bus.write32(0x50, queue);
    },
  };
}

const segment = (at: number, length: number, writable = false): Segment => ({
  at,
  length,
  writable,
});
const many = (count: number, length: number, writable: boolean) =>
  Array.from({ length: count }, (_, i) =>
    segment(BUFFER + ((i * length) % 0x7000), length, writable),
  );

const disk = () => new VirtioBlock(new MemoryDisk(new Uint8Array(0x100000)), 'disk');
const HEADER = segment(BUFFER + 0x7000, 16);
const STATUS = segment(BUFFER + 0x7800, 1, true);
const discard = () => undefined;

describe('a turn of a virtio device', () => {
  it.each<[string, VirtioFunction, number, readonly Segment[]]>([
    ['block, 28 KiB each', disk(), 0, [HEADER, segment(BUFFER, 0x7000, true), STATUS]],
    ['block, 252 segments each', disk(), 0, [HEADER, ...many(252, 128, true), STATUS]],
    ['console, 256 segments each', new VirtioConsole(discard), 1, many(256, 16, false)],
    ['console, 28 KiB each', new VirtioConsole(discard), 1, [segment(BUFFER, 0x7000)]],
    ['entropy, 4 KiB each', new VirtioEntropy(), 0, [segment(BUFFER, 0x1000, true)]],
    ['entropy, 256 segments each', new VirtioEntropy(), 0, many(256, 16, true)],
    ['network, a frame each', new VirtioNet(), 1, [segment(BUFFER, 12 + 1514)]],
    ['network, 256 segments each', new VirtioNet(), 1, many(256, 5, false)],
  ])('%s', async (_name, device, queue, segments) => {
    const guest = await virtioGuest(device, queue, segments);
    let turns = 0;
    const time = best(
      () => {
        turns += guest.background.poll();
      },
      () => guest.offer(),
    );
    expect(turns).toBeGreaterThan(0);
    expect(guest.used()).toBeGreaterThan(0);
    expect(time).toBeLessThan(LIMIT_US);
  });
});

/** A guest whose only device has a first stage, and the registers of its VT-d IOMMU. */
function vtdGuest() {
  const host = new FakeHost();
  const { ramGpa: gpa, ramOffset: offset, ramSize: size } = host;
  const vtd = new VtdHost();
  const vm = vtd.createVm('vm', host.guestMemory, [{ gpa, offset, size }]);
  const device = new VirtualVtd(vtd.createGuestIommu(vm, [8]));
  device.attach(host);
  device.reset();
  const at = (page: number) => BigInt(gpa + 0x1000 * page);
  const present = BigInt(maskInWord(VTD.VTD_PRESENT));
  const pasid = withBits(
    withBits(1, VTD.VTD_PE_PGTT, VTD.VTD_PGTT_FIRST),
    VTD.VTD_PE_AW,
    VTD.VTD_AW_48,
  );
  // Root, context, PASID directory, PASID table with one entry: DID 5, tables at page 5.
  host.memory.store64(gpa + 0x1000, at(2) | present);
  host.memory.store64(gpa + 0x2000 + 8 * VTD.VTD_CONTEXT_SIZE, at(3) | present);
  host.memory.store64(gpa + 0x3000, at(4) | present);
  host.memory.store64(gpa + 0x4000, BigInt(pasid));
  host.memory.store64(gpa + 0x4008, 5n);
  host.memory.store64(gpa + 0x4000 + 8 * VTD.VTD_PE_FSPTPTR, at(5));
  const bus = new DeviceBus(device);
  bus.write32(VTD.VTD_IQA, withBits(gpa + 0x8000, VTD.VTD_IQA_DW, 1));
  bus.write32(VTD.VTD_RTADDR, withBits(gpa + 0x1000, VTD.VTD_RTADDR_TTM, VTD.VTD_TTM_SCALABLE));
  const on = [VTD.VTD_GCMD_SRTP, VTD.VTD_GCMD_QIE, VTD.VTD_GCMD_TE].map(maskInWord);
  bus.write32(VTD.VTD_GCMD, (on[0] ?? 0) | (on[1] ?? 0));
  bus.write32(
    VTD.VTD_GCMD,
    on.reduce((all, bit) => all | bit, 0),
  );
  const ring = new Uint32Array(host.ram.buffer, host.ram.byteOffset + 0x8000, 0x1000 / 4);
  return { bus, ring };
}

describe('a store to IQT of a VT-d IOMMU', () => {
  it.each<[string, Invalidation]>([
    ['PASID cache invalidations', { kind: 'pasid-cache', did: 5 }],
    ['IOTLB invalidations', { kind: 'pasid', did: 5, range: undefined }],
    ['device-TLB invalidations', { kind: 'device-tlb', sourceId: 8, range: undefined }],
  ])('in front of a queue full of %s', (_name, what) => {
    const { bus, ring } = vtdGuest();
    const entries = 0x1000 / VTD.VTD_DESCRIPTOR_SIZE;
    for (let i = 0; i < entries; i++)
      ring.set(buildInvalidation(what), (i * VTD.VTD_DESCRIPTOR_SIZE) / 4);
    const head = () => bus.read32(VTD.VTD_IQH) / VTD.VTD_DESCRIPTOR_SIZE;
    let before = 0;
    const time = best(
      () => bus.write32(VTD.VTD_IQT, ((before + entries - 1) % entries) * VTD.VTD_DESCRIPTOR_SIZE),
      () => {
        before = head();
      },
    );
    // The store has executed four, and this read four more.
    expect([bus.read32(VTD.VTD_FSTS), (head() - before + entries) % entries]).toEqual([0, 8]);
    expect(time).toBeLessThan(LIMIT_US);
  });
});

// SPDX-License-Identifier: MIT
// BARs that move while their function works: it continues at the new addresses, and the
// old ones are unmapped.

import { describe, expect, it } from 'vitest';
import { DmaEnginePci } from '../../../devices/dma-engine/index.ts';
import { type PcieFunction, PcieHost, PcieRootPort } from '../../../devices/pcie/index.ts';
import type { DmaPort, DmaResult } from '../../../devices/plugin/index.ts';
import { DeviceBus, FakeHost } from '../../../devices/testing/index.ts';
import {
  MemoryDisk,
  VirtioBlock,
  VirtioConsole,
  VirtioEntropy,
  type VirtioFunction,
  VirtioNet,
  VirtioPci,
} from '../../../devices/virtio/index.ts';
import { ecam, findCapability, resetAll } from '../../support/pcie-function.ts';

const WINDOW = { gpa: 0x10000000, size: 0x400000 };
const RAM = 0x80000000;
const [OLD, NEW, MSIX_OLD, MSIX_NEW] = [0x100000, 0x208000, 0x110000, 0x20f000];
const STALLED: DmaResult = { ok: false, done: 0, stalled: true };
const MESSAGE = 'msi 0x80000040 0x99 taken';

/**
 * A function at its old addresses with MSI-X enabled: on the root bus, or below a root
 * port.
 */
function plugged(device: PcieFunction, isBelowPort: boolean) {
  const host = new FakeHost({ ramGpa: RAM, ramSize: 0x20000 });
  const functions = [
    { device: 1, plugged: isBelowPort ? new PcieRootPort('port', [device]) : device },
  ];
  const bridge = new PcieHost({ buses: 4, window: WINDOW, functions });
  const direct = host.dmaPort();
  /** Whether the IOMMU stalls accesses. */
  const iommu = { stalls: false };
  const own: DmaPort = {
    ...direct,
    read: (iova, target) => (iommu.stalls ? STALLED : direct.read(iova, target)),
    write: (iova, source) => (iommu.stalls ? STALLED : direct.write(iova, source)),
  };
  device.attach(
    Object.assign(Object.create(host), { dmaPort: () => bridge.dmaPortOf(device, () => own) }),
  );
  bridge.attach(host);
  resetAll(bridge);
  const bus = new DeviceBus(bridge);
  if (isBelowPort) {
    bus.write(0, ecam(0, 1, 0x18), 4, 0x10100);
    bus.write(0, ecam(0, 1, 0x20), 4, 0x10301000);
    bus.write(0, ecam(0, 1, 0x04), 2, 6);
  }
  const at = isBelowPort ? ecam(1, 0, 0) : ecam(0, 1, 0);
  const place = (bar: number, msix: number) => {
    bus.write(0, at + 0x10, 4, WINDOW.gpa + bar);
    bus.write(0, at + 0x14, 4, WINDOW.gpa + msix);
  };
  place(OLD, MSIX_OLD);
  bus.write(0, at + 4, 2, 6);
  for (let vector = 0; vector < 2; vector++)
    for (const [i, word] of [RAM + 0x40, 0, 0x99, 0].entries())
      bus.write(1, MSIX_OLD + 16 * vector + 4 * i, 4, word);
  bus.write(0, at + findCapability(bus, at, 0x11) + 2, 2, 0x8000);
  const messages = () => host.log.filter((line) => line.startsWith('msi'));
  const poll = () => {
    for (let turn = 0; turn < 8; turn++) host.poll();
  };
  /** The old addresses do not respond; the MSI-X table is at the new one. */
  const expectMoved = () => {
    const old = [OLD, OLD + 0x14, MSIX_OLD, MSIX_OLD + 8];
    expect(old.map((offset) => bus.read(1, offset, 4).lo)).toEqual(old.map(() => 0xffffffff));
    for (const offset of old) bus.write(1, offset, 4, 0);
    expect([0, 4, 8, 12].map((offset) => bus.read(1, MSIX_NEW + offset, 4).lo)).toEqual([
      RAM + 0x40,
      0,
      0x99,
      0,
    ]);
  };
  return { host, bus, iommu, place, messages, poll, expectMoved };
}

/**
 * The functions, the queue that a test uses, and a request: what the device reads, and
 * space for what it writes.
 */
const FUNCTIONS: readonly (readonly [
  string,
  () => VirtioFunction,
  { readonly queue: number; readonly reads: Uint8Array; readonly writes: number },
])[] = [
  [
    'a disk',
    () => new VirtioBlock(new MemoryDisk(new Uint8Array(0x1000).fill(7)), 'serial'),
    { queue: 0, reads: new Uint8Array(16), writes: 513 },
  ],
  [
    'a console',
    () => new VirtioConsole(() => undefined),
    { queue: 1, reads: Uint8Array.of(65), writes: 0 },
  ],
  [
    'random numbers',
    () => new VirtioEntropy((target) => target.fill(0x11)),
    { queue: 0, reads: new Uint8Array(0), writes: 16 },
  ],
  ['a network', () => new VirtioNet(), { queue: 1, reads: new Uint8Array(72), writes: 0 }],
];

describe.each([
  ['the root bus', false],
  ['a root port', true],
])('below %s', (_, isBelowPort) => {
  it.each(FUNCTIONS)(
    '%s continues where its BAR has moved',
    (_name, make, { queue, reads, writes }) => {
      const device = new VirtioPci('device', make());
      const { host, bus, iommu, place, messages, poll, expectMoved } = plugged(device, isBelowPort);
      const { ram } = host;
      const view = new DataView(ram.buffer, ram.byteOffset, ram.length);
      const common = (offset: number, size: 1 | 2 | 4, value: number, bar = OLD) =>
        bus.write(1, bar + offset, size, value);
      for (const status of [0, 1, 3]) common(0x14, 1, status);
      common(0x08, 4, 1);
      common(0x0c, 4, 3);
      common(0x14, 1, 11);
      common(0x16, 2, queue);
      common(0x18, 2, 4);
      common(0x1a, 2, 1);
      for (const [register, page] of [
        [0x20, 0x1000],
        [0x28, 0x2000],
        [0x30, 0x3000],
      ] as const)
        common(register, 4, RAM + page);
      common(0x1c, 2, 1);
      common(0x14, 1, 15);
      const pieces = [
        [reads.length, 0],
        [writes, 2],
      ].filter(([length]) => length !== 0);
      ram.set(reads, 0x4000);
      for (const [i, [length = 0, flags = 0]] of pieces.entries()) {
        const entry = 0x1000 + 16 * i;
        view.setBigUint64(entry, BigInt(RAM + 0x4000 + (flags === 2 ? 0x1000 : 0)), true);
        view.setUint32(entry + 8, length, true);
        view.setUint16(entry + 12, flags | (i + 1 < pieces.length ? 1 : 0), true);
        view.setUint16(entry + 14, i + 1, true);
      }
      const offer = (count: number, bar: number) => {
        view.setUint16(0x2004 + 2 * ((count - 1) % 4), 0, true);
        view.setUint16(0x2002, count, true);
        bus.write(1, bar + 0x3000 + 4 * queue, 2, queue);
      };
      const used = () => view.getUint16(0x3002, true);
      // It waits for memory, in the middle of a request.
      iommu.stalls = true;
      offer(1, OLD);
      const before = [used(), messages()];
      place(NEW, MSIX_NEW);
      expect(before).toEqual([0, []]);
      expectMoved();
      poll();
      expect(used()).toBe(0);
      iommu.stalls = false;
      poll();
      expect([used(), messages()]).toEqual([1, [MESSAGE]]);
      // Its status and its queue are not those of a reset.
      expect([bus.read(1, NEW + 0x14, 1).lo, bus.read(1, NEW + 0x1c, 2).lo]).toEqual([15, 1]);
      offer(2, OLD);
      poll();
      expect(used()).toBe(1);
      offer(2, NEW);
      poll();
      expect([used(), messages()]).toEqual([2, [MESSAGE, MESSAGE]]);
    },
  );

  it('the DMA engine continues where its BAR has moved', () => {
    const { host, bus, place, messages, poll, expectMoved } = plugged(
      new DmaEnginePci('dma'),
      isBelowPort,
    );
    // Three turns; the write that starts it executes the first.
    for (const [offset, value] of [
      [0x18, RAM + 0x4000],
      [0x0c, 0x18000],
      [0x20, 0x5a5a5a5a],
      [0x34, 1],
      [0x04, 2],
    ] as const)
      bus.write(1, OLD + offset, 4, value);
    expect(bus.read(1, OLD + 8, 4).lo).toBe(8);
    place(NEW, MSIX_NEW);
    // This includes writes of CTRL, which would end the operation.
    bus.write(1, OLD + 4, 4, 0);
    expectMoved();
    expect([bus.read(1, NEW + 8, 4).lo, bus.read(1, NEW + 0x24, 4).lo]).toEqual([8, 0x8000]);
    poll();
    expect([bus.read(1, NEW + 8, 4).lo, bus.read(1, NEW + 0x24, 4).lo]).toEqual([1, 0x18000]);
    expect([host.ram[0x4000 + 0x17fff], messages()]).toEqual([0x5a, [MESSAGE]]);
  });
});

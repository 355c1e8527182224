// SPDX-License-Identifier: MIT
// A driver's actions on a virtio device over PCI, correct and wrong ones: for the
// contract of devices, and for fuzzing.

import type { DeviceBus, FakeHost, Random } from '../../devices/testing/index.ts';

const QUEUE_SIZE = 4;
const DESCRIPTORS = 0x1000;
const DRIVER = 0x1100;
const DEVICE = 0x1200;
const HEADER = 0x2000;
const MESSAGES = 0x4000;
const [CONFIG, BAR, MSIX] = [0, 1, 2];

/**
 * Enables the function and its queue, mostly with valid rings, or changes a byte of them;
 * then it notifies.
 */
export function virtioPciStep(bus: DeviceBus, random: Random, host: FakeHost): void {
  const { ram, ramGpa } = host;
  const view = new DataView(ram.buffer, ram.byteOffset, ram.length);
  const queue = random.below(2);
  if (random.below(8) === 0) {
    bus.write(CONFIG, 4, 2, 6);
    // MSI-X follows PCI Express, at 0x40.
    bus.write(CONFIG, 0x7e, 2, random.pick([0, 0x8000, 0xc000]));
    bus.write(MSIX, 0, 4, ramGpa + MESSAGES);
    bus.write(MSIX, 0xc, 4, random.below(2));
    for (const status of [0, 3]) bus.write(BAR, 0x14, 1, status);
    bus.write(BAR, 0x08, 4, 1);
    bus.write(BAR, 0x0c, 4, 3);
    bus.write(BAR, 0x10, 2, random.below(3));
    bus.write(BAR, 0x16, 2, queue);
    bus.write(BAR, 0x18, 2, QUEUE_SIZE);
    bus.write(BAR, 0x1a, 2, random.below(3));
    bus.write(BAR, 0x20, 4, ramGpa + DESCRIPTORS);
    bus.write(BAR, 0x28, 4, ramGpa + DRIVER);
    bus.write(BAR, 0x30, 4, ramGpa + DEVICE);
    bus.write(BAR, 0x1c, 2, 1);
    bus.write(BAR, 0x14, 1, 15);
    view.setUint16(DRIVER + 2, 0, true);
  }
  for (const [index, flags] of [1, 3, 2].entries()) {
    const entry = DESCRIPTORS + 16 * index;
    view.setBigUint64(entry, BigInt(ramGpa + HEADER + 0x1000 * index), true);
    view.setUint32(entry + 8, [16, 1024, 1][index] ?? 0, true);
    view.setUint16(entry + 12, flags, true);
    view.setUint16(entry + 14, index + 1, true);
  }
  view.setUint32(HEADER, random.below(10), true);
  view.setBigUint64(HEADER + 8, BigInt(random.below(8)), true);
  if (random.below(4) === 0) ram[DESCRIPTORS + random.below(0x200)] = random.below(256);
  view.setUint16(DRIVER + 2, view.getUint16(DRIVER + 2, true) + 1, true);
  bus.write(BAR, 0x3000 + 4 * queue, 2, queue);
}

// SPDX-License-Identifier: MIT
// A driver's actions on a virtio device, correct and wrong ones: for the contract of
// devices.

import type { DeviceBus, FakeHost, Random } from '../../devices/testing/index.ts';

const QUEUE_SIZE = 4;
const DESCRIPTORS = 0x1000;
const DRIVER = 0x1100;
const DEVICE = 0x1200;
const HEADER = 0x2000;

const PAGE = 0x1000;
/** The available ring of a legacy queue with the same descriptors. */
const LEGACY_DRIVER = DESCRIPTORS + 16 * QUEUE_SIZE;

/** Makes the first descriptor available again, or starts with a count of them. */
function offerLegacy({ ram }: FakeHost, count?: number): void {
  const view = new DataView(ram.buffer, ram.byteOffset, ram.length);
  const index = LEGACY_DRIVER + 2;
  view.setUint16(index, count ?? view.getUint16(index, true) + 1, true);
}

/**
 * Places a queue like a legacy driver, mostly with valid values; otherwise like the other
 * steps.
 */
export function virtioLegacyStep(bus: DeviceBus, random: Random, host: FakeHost): void {
  if (random.below(8) === 0) {
    bus.write32(0x70, 0);
    bus.write32(0x30, random.below(3));
    if (random.below(4) === 0) bus.write32(0x28, 2 ** random.below(32));
    const isSensible = random.below(4) > 0;
    if (isSensible) bus.write32(0x28, PAGE);
    bus.write32(0x38, isSensible ? QUEUE_SIZE : 2 * QUEUE_SIZE);
    // Four descriptors end at 0x40, their available ring at 0x4e.
    bus.write32(0x3c, random.pick([0x10, 0x100, PAGE, isSensible ? PAGE : 2 ** random.below(32)]));
    bus.write32(0x40, host.ramGpa / PAGE + (isSensible ? DESCRIPTORS / PAGE : random.below(6)));
    offerLegacy(host, 0);
  }
  offerLegacy(host);
  virtioStep(bus, random, host);
}

/**
 * Makes one of two queues ready, mostly with valid rings, or changes a byte of them; then
 * it notifies.
 */
export function virtioStep(bus: DeviceBus, random: Random, host: FakeHost): void {
  const { ram, ramGpa } = host;
  const view = new DataView(ram.buffer, ram.byteOffset, ram.length);
  if (random.below(8) === 0) {
    for (const status of [0, 3]) bus.write32(0x70, status);
    bus.write32(0x24, 1);
    bus.write32(0x20, 3);
    bus.write32(0x30, random.below(2));
    bus.write32(0x38, QUEUE_SIZE);
    bus.write32(0x80, ramGpa + DESCRIPTORS);
    bus.write32(0x90, ramGpa + DRIVER);
    bus.write32(0xa0, ramGpa + DEVICE);
    bus.write32(0x44, 1);
    bus.write32(0x70, 15);
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
  bus.write32(0x50, random.below(2));
}

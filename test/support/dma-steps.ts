// SPDX-License-Identifier: MIT

import {
  DMA_CTRL,
  DMA_DST,
  DMA_IRQ_ENABLE,
  DMA_LENGTH,
  DMA_OP_VERIFY,
  DMA_PASID,
  DMA_PATTERN,
  DMA_SRC,
} from '../../assembly/layout/dma-engine-registers.ts';
import type { DeviceBus, FakeHost, Random } from '../../devices/testing/index.ts';

/**
 * An operation of the DMA engine in or at the edge of RAM; now and then the first byte of
 * RAM changes.
 */
export function dmaStep(bus: DeviceBus, random: Random, host: FakeHost): void {
  host.ram[0] = random.below(4) === 0 ? random.below(2) : (host.ram[0] ?? 0);
  bus.write64(DMA_SRC, BigInt(host.ramGpa + random.below(host.ramSize)));
  bus.write64(DMA_DST, BigInt(host.ramGpa + random.below(host.ramSize)));
  bus.write32(DMA_LENGTH, 4 * random.below(0x1000));
  bus.write32(DMA_PATTERN, random.below(2));
  bus.write32(DMA_IRQ_ENABLE, random.below(2));
  bus.write32(DMA_CTRL, 1 + random.below(DMA_OP_VERIFY));
}

/**
 * Enables the engine as a PCIe endpoint with its capabilities, or starts an operation.
 */
export function dmaPciStep(bus: DeviceBus, random: Random, host: FakeHost): void {
  if (random.below(4) === 0) {
    bus.write(0, 4, 2, 2 + 4 * random.below(2));
    // MSI-X, ATS, PRI and PASID.
    bus.write(0, 0x7e, 2, random.pick([0, 0x8000, 0xc000]));
    bus.write(0, 0x106, 2, random.pick([0, 0x8000]));
    bus.write(0, 0x10c, 2, random.below(4));
    bus.write(0, 0x10e, 2, random.below(4));
    bus.write(0, 0x114, 4, random.below(3));
    bus.write(0, 0x11e, 2, random.below(8));
    for (const [i, word] of [host.ramGpa + 0x40, 0, random.below(4), random.below(2)].entries())
      bus.write(2, 4 * i, 4, word);
    // FLR, now and then.
    if (random.below(16) === 0) bus.write(0, 0x48, 2, 0x8000);
    return;
  }
  const word = (offset: number, value: number) => bus.write(1, offset, 4, value);
  word(DMA_SRC, host.ramGpa + random.below(host.ramSize));
  word(DMA_DST, host.ramGpa + random.below(host.ramSize));
  word(DMA_LENGTH, 4 * random.below(0x1000));
  word(DMA_PATTERN, random.below(2));
  word(DMA_PASID, random.pick([0, 0x80000001, 0xa0000001, 0xe0000001, 0x40000000]));
  word(DMA_IRQ_ENABLE, random.below(2));
  word(DMA_CTRL, 1 + random.below(DMA_OP_VERIFY));
}

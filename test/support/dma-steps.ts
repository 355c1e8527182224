import {
  DMA_CTRL,
  DMA_DST,
  DMA_IRQ_ENABLE,
  DMA_LENGTH,
  DMA_OP_VERIFY,
  DMA_PATTERN,
  DMA_SRC,
} from '../../assembly/layout/dma-engine-registers.ts';
import type { DeviceBus, FakeHost, Random } from '../../devices/testing/index.ts';

/** An operation of the DMA engine in or at the edge of RAM; now and then the first byte of RAM changes. */
export function dmaStep(bus: DeviceBus, random: Random, host: FakeHost): void {
  host.ram[0] = random.below(4) === 0 ? random.below(2) : (host.ram[0] ?? 0);
  bus.write64(DMA_SRC, BigInt(host.ramGpa + random.below(host.ramSize)));
  bus.write64(DMA_DST, BigInt(host.ramGpa + random.below(host.ramSize)));
  bus.write32(DMA_LENGTH, 4 * random.below(0x1000));
  bus.write32(DMA_PATTERN, random.below(2));
  bus.write32(DMA_IRQ_ENABLE, random.below(2));
  bus.write32(DMA_CTRL, 1 + random.below(DMA_OP_VERIFY));
}

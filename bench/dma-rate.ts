// DMA through the SMMU, page by page as the DMA engine makes it, against copies of the
// same bytes that nothing translates.

import type { DmaPort } from '../devices/plugin/index.ts';
import { type BenchMachine, DMA_BYTES } from './machines.ts';
import { type Measurand, measure } from './measure.ts';

/** Bytes per nanosecond, which is GB/s. */
export interface DmaResults {
  /** Through the SMMU: each page is read into a buffer and written from there, two translations. */
  readonly smmu: number;
  /** The same copies without the SMMU. */
  readonly plain: number;
  /** All of it in one copy. */
  readonly whole: number;
}

export const PAGE = 4096;

/**
 * Copies the buffer through the SMMU, page by page.
 * @throws {Error} when an access is refused.
 */
export function copyByDma(
  port: DmaPort,
  { dmaSource, dmaTarget }: BenchMachine,
  page: Uint8Array,
): void {
  for (let at = 0; at < DMA_BYTES; at += PAGE) {
    const moved =
      port.read(dmaSource.iova + at, page).ok && port.write(dmaTarget.iova + at, page).ok;
    if (!moved) throw new Error(`DMA was refused at ${at}`);
  }
}

export async function measureDma(machine: BenchMachine, rounds: number): Promise<DmaResults> {
  const { dmaSource: source, dmaTarget: target } = machine;
  const port = machine.dmaPort();
  const memory = new Uint8Array(machine.board.machine.memory.buffer);
  const from = memory.subarray(source.offset, source.offset + DMA_BYTES);
  const to = memory.subarray(target.offset, target.offset + DMA_BYTES);
  const page = new Uint8Array(PAGE);
  from.forEach((_, i) => {
    from[i] = i * 167;
  });
  const subject = (name: string, copy: () => void): Measurand => ({
    name,
    steps: DMA_BYTES,
    prepare: () => {
      to.fill(0);
    },
    run() {
      copy();
      return undefined;
    },
  });
  const copies = [
    subject('smmu', () => copyByDma(port, machine, page)),
    subject('plain', () => {
      for (let at = 0; at < DMA_BYTES; at += PAGE) {
        page.set(from.subarray(at, at + PAGE));
        to.set(page, at);
      }
    }),
    subject('whole', () => to.set(from)),
  ];
  for (const copy of copies) {
    await copy.prepare?.();
    await copy.run();
    if (Buffer.compare(from, to) !== 0) throw new Error(`${copy.name}: the copy differs`);
  }
  const results = await measure(copies, rounds);
  const speed = (name: string) => 1 / (results.get(name) ?? Number.NaN);
  return { smmu: speed('smmu'), plain: speed('plain'), whole: speed('whole') };
}

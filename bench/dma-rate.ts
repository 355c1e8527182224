// SPDX-License-Identifier: MIT
// DMA through the SMMU, transfer by transfer into a buffer and out again like a device's,
// against the same copies without an SMMU.

import type { DmaPort } from '../devices/plugin/index.ts';
import { type BenchMachine, DMA_BYTES, type DmaBuffer, scatteredPage } from './machines.ts';
import { type Measurand, measureRounds, median, ratioOf } from './measure.ts';

/** Whether consecutive pages are also adjacent in memory. */
export type DmaLayout = 'contiguous' | 'scattered';

/** Bytes per nanosecond, which is GB/s. */
export interface DmaRow {
  /** Bytes of one access of the port. */
  readonly transfer: number;
  readonly layout: DmaLayout;
  /** Through the SMMU: each transfer is read into a buffer and written from it. */
  readonly smmu: number;
  /**
   * The same copies without the SMMU, by transfers, or by pages where pages are
   * scattered.
   */
  readonly plain: number;
  /** Time through the SMMU to time without it. */
  readonly ratio: number;
}

export interface DmaResults {
  readonly rows: readonly DmaRow[];
  /** The whole buffer in one copy, without the SMMU. */
  readonly whole: number;
}

export const PAGE = 4096;
const TRANSFERS = [PAGE, 16 * PAGE];
const LAYOUTS = ['contiguous', 'scattered'] as const;

function iovaOf({ iova, scatteredIova }: DmaBuffer, layout: DmaLayout): number {
  return layout === 'contiguous' ? iova : scatteredIova;
}

/**
 * Copies the buffer through the SMMU, in transfers of the size of `bytes`.
 * @throws {Error} when an access is refused.
 */
export function copyByDma(
  port: DmaPort,
  { dmaSource, dmaTarget }: BenchMachine,
  bytes: Uint8Array,
  layout: DmaLayout = 'contiguous',
): void {
  const [source, target] = [iovaOf(dmaSource, layout), iovaOf(dmaTarget, layout)];
  for (let at = 0; at < DMA_BYTES; at += bytes.length) {
    const moved = port.read(source + at, bytes).ok && port.write(target + at, bytes).ok;
    if (!moved) throw new Error(`DMA was refused at ${at}`);
  }
}

/** Makes the same copies without the SMMU. */
function copyPlainly(from: Uint8Array, to: Uint8Array, bytes: Uint8Array, layout: DmaLayout): void {
  const step = layout === 'contiguous' ? bytes.length : PAGE;
  const placeOf = (at: number) => (layout === 'contiguous' ? at : scatteredPage(at / PAGE) * PAGE);
  for (let at = 0; at < DMA_BYTES; at += bytes.length) {
    for (let done = 0; done < bytes.length; done += step) {
      const place = placeOf(at + done);
      bytes.subarray(done, done + step).set(from.subarray(place, place + step));
    }
    for (let done = 0; done < bytes.length; done += step)
      to.set(bytes.subarray(done, done + step), placeOf(at + done));
  }
}

export async function measureDma(machine: BenchMachine, rounds: number): Promise<DmaResults> {
  const { dmaSource: source, dmaTarget: target } = machine;
  const port = machine.dmaPort();
  const memory = new Uint8Array(machine.board.machine.memory.buffer);
  const from = memory.subarray(source.offset, source.offset + DMA_BYTES);
  const to = memory.subarray(target.offset, target.offset + DMA_BYTES);
  from.forEach((_, i) => {
    from[i] = i * 167 + (i >> 12);
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
  const cells = LAYOUTS.flatMap((layout) => TRANSFERS.map((transfer) => ({ layout, transfer })));
  const nameOf = (how: string, { layout, transfer }: (typeof cells)[number]) =>
    `${how} ${layout} ${transfer}`;
  const copies = [
    ...cells.flatMap((cell) => {
      const bytes = new Uint8Array(cell.transfer);
      return [
        subject(nameOf('smmu', cell), () => copyByDma(port, machine, bytes, cell.layout)),
        subject(nameOf('plain', cell), () => copyPlainly(from, to, bytes, cell.layout)),
      ];
    }),
    subject('whole', () => to.set(from)),
  ];
  for (const copy of copies) {
    await copy.prepare?.();
    await copy.run();
    if (Buffer.compare(from, to) !== 0) throw new Error(`${copy.name}: the copy differs`);
  }
  const samples = await measureRounds(copies, rounds);
  const speed = (name: string) => 1 / median(samples.get(name) ?? []);
  return {
    rows: cells.map((cell) => ({
      ...cell,
      smmu: speed(nameOf('smmu', cell)),
      plain: speed(nameOf('plain', cell)),
      ratio: ratioOf(samples, nameOf('smmu', cell), nameOf('plain', cell)),
    })),
    whole: speed('whole'),
  };
}

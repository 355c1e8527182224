// SPDX-License-Identifier: MIT
// The cost of a trace: the same guest on two hosts, one with a trace and one without, in
// turn.

import { copyByDma, PAGE } from './dma-rate.ts';
import { type BenchMachine, DMA_BYTES } from './machines.ts';
import { type Measurand, measure } from './measure.ts';

/** Nanoseconds with the trace off and on. */
export interface TraceRow {
  readonly what: string;
  readonly off: number;
  readonly on: number;
}

/**
 * Commands of a batch, and batches of a sample as log2: in all more than fit in the ring.
 */
const BATCHES = [
  { batch: 64, log2batches: 10 },
  { batch: 1, log2batches: 14 },
] as const;
const SAMPLES = 8;
/** Translations for one copy of the buffers: a page is read and written. */
const TRANSLATIONS = 2 * (DMA_BYTES / PAGE);

function subjectsOf(machine: BenchMachine): Measurand[] {
  const port = machine.dmaPort();
  const page = new Uint8Array(PAGE);
  const copy = () => {
    copyByDma(port, machine, page);
    return undefined;
  };
  return [
    ...BATCHES.map(({ batch, log2batches }) => ({
      name: `batch of ${batch}, direct`,
      steps: 1,
      run: async () => {
        const plan = {
          path: 'direct',
          vcpus: 1,
          queues: 1,
          batch,
          log2batches,
          samples: SAMPLES,
        } as const;
        const { samples } = await machine.measure(plan);
        return samples.reduce((sum, value) => sum + value, 0) / samples.length;
      },
    })),
    { name: 'DMA of a page, IOTLB hit', steps: TRANSLATIONS, run: copy },
    {
      name: 'DMA of a page, walk',
      steps: TRANSLATIONS,
      prepare: () => machine.invalidateIommu(),
      run: copy,
    },
  ];
}

/** @param pair an inline machine without a trace, and one with. */
export async function measureTrace(
  [off, on]: readonly [BenchMachine, BenchMachine],
  rounds: number,
): Promise<TraceRow[]> {
  const [without, traced] = [subjectsOf(off), subjectsOf(on)];
  const pairs = without.flatMap((subject, i) => [
    subject,
    { ...(traced[i] ?? subject), name: `${subject.name}, traced` },
  ]);
  const results = await measure(pairs, rounds);
  const of = (name: string) => results.get(name) ?? Number.NaN;
  return without.map(({ name }) => ({ what: name, off: of(name), on: of(`${name}, traced`) }));
}

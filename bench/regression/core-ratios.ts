// SPDX-License-Identifier: MIT
// The few ratios that continuous integration compares with a baseline: the drain of each
// command to the same in C, the direct path to the trapped one, an IOTLB hit and a walk
// to a fixed loop, a DMA transfer to its copies.

import { measureDma } from '../dma-rate.ts';
import { type DrainBoard, SMMU } from '../drain-board.ts';
import { drainSubject, nativeSubject, OPCODES } from '../drain-rate.ts';
import type { BenchMachine } from '../machines.ts';
import { type Measurand, measureRounds, percentile, type Ratios, ratioOf } from '../measure.ts';
import type { NativeDrain } from '../native.ts';

const BATCH = 256;
/**
 * Batches of a sample as log2, by commands per batch: a sample is shorter than a time
 * slice of a busy machine.
 */
const PATH_BATCHES = [
  { batch: 1, direct: 10, trapped: 7 },
  { batch: 64, direct: 6, trapped: 6 },
] as const;
const SAMPLES = 32;
/**
 * Pages of which each access is a hit, or the first access a walk: few, so that other
 * processes' use of the caches matters little.
 */
const FEW_PAGES = 512;
const HITS = 8 * FEW_PAGES;
const LOOPS = 100_000;

/** The subject for a batch of the guest's driver on a path. */
function pathSubject(
  name: string,
  machine: BenchMachine,
  path: 'direct' | 'trapped',
  { batch, [path]: log2batches }: (typeof PATH_BATCHES)[number],
): Measurand {
  return {
    name,
    steps: 1,
    async run() {
      const plan = { path, vcpus: 1, queues: 1, batch, log2batches, samples: SAMPLES };
      return percentile((await machine.measure(plan)).samples, 25);
    },
  };
}

/**
 * @param machine an inline machine.
 * @param native without it there are no ratios to C.
 */
export async function measureCore(
  board: DrainBoard,
  machine: BenchMachine,
  native: NativeDrain | undefined,
  rounds: number,
): Promise<Ratios> {
  const { loops, streams } = board;
  const stream = streams.find(({ mode, granule }) => mode === 'nested' && granule === 4096);
  if (!stream) throw new Error('the board has no nested stream');
  const access = (times: number) => {
    loops.access(times, SMMU, stream.sid, BigInt(stream.iova), stream.shift, FEW_PAGES);
    return undefined;
  };
  const cells = Object.keys(OPCODES).map(
    (opcode) => ({ opcode, batch: BATCH, iotlb: 'empty' }) as const,
  );
  const subjects: Measurand[] = [
    ...cells.flatMap((cell) => [
      drainSubject(cell.opcode, board, cell, false),
      ...(native ? [nativeSubject(`${cell.opcode} in C`, native, cell, false)] : []),
    ]),
    {
      name: 'fixed loop',
      steps: LOOPS,
      run() {
        loops.fixedLoop(LOOPS);
        return undefined;
      },
    },
    {
      name: 'IOTLB hit',
      steps: HITS,
      prepare: () => {
        access(FEW_PAGES);
      },
      run: () => access(HITS),
    },
    {
      name: 'walk',
      steps: FEW_PAGES,
      prepare: () => {
        access(FEW_PAGES);
        board.emptyTlb();
      },
      run: () => access(FEW_PAGES),
    },
    ...PATH_BATCHES.flatMap((sizes) => [
      pathSubject(`direct ${sizes.batch}`, machine, 'direct', sizes),
      pathSubject(`trapped ${sizes.batch}`, machine, 'trapped', sizes),
    ]),
  ];
  const samples = await measureRounds(subjects, rounds);
  const ratios: Record<string, number> = {};
  if (native)
    for (const { opcode } of cells)
      ratios[`${opcode}, batch ${BATCH} / C`] = ratioOf(samples, opcode, `${opcode} in C`);
  for (const name of ['IOTLB hit', 'walk'])
    ratios[`${name} / fixed loop`] = ratioOf(samples, name, 'fixed loop');
  for (const { batch } of PATH_BATCHES)
    ratios[`direct / trapped, batch ${batch}`] = ratioOf(
      samples,
      `direct ${batch}`,
      `trapped ${batch}`,
    );
  const { rows } = await measureDma(machine, rounds);
  for (const { transfer, layout, ratio } of rows)
    if (layout === 'contiguous') ratios[`DMA of ${transfer / 1024} KiB / copies`] = ratio;
  return ratios;
}

// SPDX-License-Identifier: MIT
// The time of one batch of TLBI_NH_VA and a CMD_SYNC from end to end, by path, place of
// the drain, transport, batch size, vCPUs and queues.

import type { Transport } from '../vmm/api/index.ts';
import type { IdRegisters } from '../vmm/api/settings.ts';
import type { DrainPlace } from '../vmm/threads/index.ts';
import type { BenchMachine, Path } from './machines.ts';
import { type Measurand, median, percentile } from './measure.ts';

/** Commands of a batch. */
export const BATCHES = [1, 16, 64] as const;

/** Nanoseconds per batch, over all samples of all rounds and vCPUs. */
export interface PathRow {
  readonly transport: Transport;
  readonly vcpus: number;
  /** Grace's: each page is a TLBI_NH_VA without a range. */
  readonly ids: IdRegisters;
  readonly path: Path;
  /**
   * Where the direct path's queues are drained; the trapped path's are drained in the
   * exit.
   */
  readonly drain: DrainPlace | 'exit';
  /**
   * One VCMDQ or ECMDQ for each vCPU, or one that they share; the trapped path has one
   * queue.
   */
  readonly queues: 'own' | 'shared';
  readonly batch: (typeof BATCHES)[number];
  readonly p50: number;
  readonly p99: number;
  /** Of all vCPUs together, from the mean: waiting for a lock or for a core counts. */
  readonly batchesPerSecond: number;
  readonly exitsPerBatch: number;
}

const SAMPLES = 8;
/**
 * Duration of a sample in nanoseconds. Reading the clock is an exit, and when the VMM's
 * thread sleeps it takes as long as waking it; a sample has to hide that. The batches of
 * a sample are a power of two.
 */
const SAMPLE_NS = 1e6;
const MIN_LOG2_BATCHES = 2;
const MAX_LOG2_BATCHES = 13;

type Configuration = Pick<PathRow, 'path' | 'drain' | 'queues' | 'batch'>;

interface Series extends Configuration {
  readonly machine: BenchMachine;
  log2batches: number;
  samples: number[];
  exits: number;
  batches: number;
}

function seriesOf(machine: BenchMachine): Series[] {
  const begun = { machine, log2batches: MIN_LOG2_BATCHES, exits: 0, batches: 0 };
  if (machine.board.queues === 'ecmdq') {
    const ecmdq = { ...begun, path: 'ecmdq', queues: 'own' } as const;
    return BATCHES.flatMap((batch) =>
      (['doorbell', 'thread'] as const).map((drain) => ({ ...ecmdq, drain, batch, samples: [] })),
    );
  }
  const layouts = machine.vcpus === 1 ? (['own'] as const) : (['own', 'shared'] as const);
  return BATCHES.flatMap((batch) =>
    [
      ...layouts.map((queues) => ({ path: 'direct', drain: 'doorbell', queues }) as const),
      ...layouts.map((queues) => ({ path: 'direct', drain: 'thread', queues }) as const),
      { path: 'trapped', drain: 'exit', queues: 'shared' } as const,
    ].map((configuration) => ({ ...begun, ...configuration, batch, samples: [] })),
  );
}

function rowOf(
  { transport, vcpus, ids }: BenchMachine,
  { path, drain, queues, batch, samples, exits, batches }: Series,
): PathRow {
  const mean = samples.reduce((sum, value) => sum + value, 0) / samples.length;
  const [p50, p99] = [percentile(samples, 50), percentile(samples, 99)];
  return {
    transport,
    vcpus,
    ids,
    path,
    drain,
    queues,
    batch,
    p50,
    p99,
    batchesPerSecond: (vcpus * 1e9) / mean,
    exitsPerBatch: exits / batches,
  };
}

async function sample(series: Series): Promise<void> {
  const { machine, path, queues, batch, log2batches } = series;
  const plan = {
    path,
    vcpus: machine.vcpus,
    queues: queues === 'own' ? machine.vcpus : 1,
    batch,
    log2batches,
    samples: SAMPLES,
  };
  const { samples, exits } = await machine.measure(plan);
  series.samples.push(...samples);
  series.exits += exits;
  series.batches += samples.length << log2batches;
}

/**
 * Discards the results, apart from what they say about the number of batches in a sample.
 */
function restart(series: Series): void {
  const fitting = Math.round(Math.log2(SAMPLE_NS / median(series.samples)));
  series.log2batches = Math.min(Math.max(fitting, MIN_LOG2_BATCHES), MAX_LOG2_BATCHES);
  series.samples = [];
  series.exits = 0;
  series.batches = 0;
}

export interface PathResults {
  readonly paths: readonly PathRow[];
  /** Nanoseconds of a bare handoff round trip, from the same rounds. */
  readonly trip: number;
  /** Nanoseconds of an exit by mailbox that does nothing, from the same rounds. */
  readonly exit: number;
}

/** What a path is compared with. */
export interface BareMeasurands {
  readonly handoff: Measurand;
  readonly exit: Measurand;
}

/**
 * Measures all configurations `rounds` times in turn, together with a bare handoff and a
 * bare exit, after some warm-up rounds.
 */
export async function measurePaths(
  machines: readonly BenchMachine[],
  { handoff, exit }: BareMeasurands,
  rounds: number,
  warmUp: number,
): Promise<PathResults> {
  const all = machines.map((machine) => ({ machine, series: seriesOf(machine) }));
  const bare = [handoff, exit].map((subject) => ({ subject, times: [] as number[] }));
  for (let round = -warmUp; round < rounds; round++) {
    for (const { machine, series } of all) {
      const take = async (which: readonly Series[]) => {
        for (const one of which) {
          await sample(one);
          if (round < 0) restart(one);
        }
      };
      await take(series.filter(({ drain }) => drain !== 'thread'));
      await machine.withDrainThread(() => take(series.filter(({ drain }) => drain === 'thread')));
    }
    for (const { subject, times } of bare) {
      const nanoseconds = await subject.run();
      if (round >= 0) times.push((nanoseconds ?? Number.NaN) / subject.steps);
    }
  }
  const [trip = Number.NaN, exitTime = Number.NaN] = bare.map(({ times }) => median(times));
  return {
    paths: all.flatMap(({ machine, series }) => series.map((one) => rowOf(machine, one))),
    trip,
    exit: exitTime,
  };
}

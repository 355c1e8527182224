// SPDX-License-Identifier: MIT
// Timing: every subject once per round, rounds interleaved, so that what slows the
// machine down for a while slows all of them down.

/** One thing to measure. */
export interface Measurand {
  readonly name: string;
  /** Steps of one run: results are nanoseconds for each. */
  readonly steps: number;
  /** Not timed, before each run. */
  prepare?(): void | Promise<void>;
  /** Does the steps. The nanoseconds that they took by its own clock, or nothing: it is then timed from outside. */
  run(): number | undefined | Promise<number>;
}

/** The smallest sample that is not below `percent` of all. */
export function percentile(values: readonly number[], percent: number): number {
  const sorted = [...values].sort((a, b) => a - b);
  return sorted[Math.max(Math.ceil((sorted.length * percent) / 100), 1) - 1] ?? Number.NaN;
}

export function median(values: readonly number[]): number {
  return percentile(values, 50);
}

async function timeOf({ run, prepare }: Measurand): Promise<number> {
  await prepare?.();
  const from = process.hrtime.bigint();
  const own = await run();
  return own ?? Number(process.hrtime.bigint() - from);
}

/** Runs of a subject in a round: the best counts, because on a busy machine every second one loses a time slice. */
const TRIES = 3;

/** Ratios of times by name: the less the better. */
export type Ratios = Readonly<Record<string, number>>;

/** Nanoseconds for each step, by name, in the order of the rounds. */
export type Samples = ReadonlyMap<string, readonly number[]>;

/** Measures subjects: the best of TRIES in each of the interleaved rounds. */
export async function measureRounds(
  subjects: readonly Measurand[],
  rounds: number,
): Promise<Samples> {
  const samples = new Map<string, number[]>(subjects.map(({ name }) => [name, []]));
  // Round 0 warms up and is dropped.
  for (let round = 0; round <= rounds; round++) {
    for (const subject of subjects) {
      let best = Number.POSITIVE_INFINITY;
      for (let i = 0; i < TRIES; i++) best = Math.min(best, await timeOf(subject));
      if (round > 0) samples.get(subject.name)?.push(best / subject.steps);
    }
  }
  return samples;
}

/** Measures subjects. Returns the median over the rounds by name, nanoseconds for each step. */
export async function measure(
  subjects: readonly Measurand[],
  rounds: number,
): Promise<Map<string, number>> {
  const samples = await measureRounds(subjects, rounds);
  return new Map([...samples].map(([name, values]) => [name, median(values)]));
}

/**
 * What one subject takes as a multiple of another: the median of the ratios of the rounds, so that what
 * slows one round down changes nothing.
 */
export function ratioOf(samples: Samples, name: string, reference: string): number {
  const references = samples.get(reference) ?? [];
  return median(
    (samples.get(name) ?? []).map((value, round) => value / (references[round] ?? Number.NaN)),
  );
}

// SPDX-License-Identifier: MIT
// Timing: every subject once per round, rounds interleaved, so that a temporary slowdown
// of the machine affects all of them.

/** One thing to measure. */
export interface Measurand {
  readonly name: string;
  /** Steps of one run: results are nanoseconds per step. */
  readonly steps: number;
  /** Called before each run, not timed. */
  prepare?(): void | Promise<void>;
  /**
   * Does the steps. Returns their duration in nanoseconds by its own clock, or nothing to
   * be timed from outside.
   */
  run(): number | undefined | Promise<number>;
}

/** The smallest sample that is not less than `percent` per cent of all. */
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

/**
 * Runs of a subject in a round. The best counts, because on a busy machine every second
 * run loses a time slice.
 */
const TRIES = 3;

/** Ratios of times by name: lower is better. */
export type Ratios = Readonly<Record<string, number>>;

/** Nanoseconds per step, by name, in the order of the rounds. */
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

/**
 * Measures subjects. Returns the median over the rounds by name, in nanoseconds per step.
 */
export async function measure(
  subjects: readonly Measurand[],
  rounds: number,
): Promise<Map<string, number>> {
  const samples = await measureRounds(subjects, rounds);
  return new Map([...samples].map(([name, values]) => [name, median(values)]));
}

/**
 * The time of one subject as a multiple of another's: the median of the rounds' ratios,
 * so that a slowdown of one round does not matter.
 */
export function ratioOf(samples: Samples, name: string, reference: string): number {
  const references = samples.get(reference) ?? [];
  return median(
    (samples.get(name) ?? []).map((value, round) => value / (references[round] ?? Number.NaN)),
  );
}

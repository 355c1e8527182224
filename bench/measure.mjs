// Timing: every subject once per round, rounds interleaved, so that what slows the machine down for a while slows all of them down.

/** The middle of a list of numbers. */
export function median(values) {
  const sorted = [...values].sort((a, b) => a - b);
  const middle = sorted.length >> 1;
  return sorted.length % 2 ? sorted[middle] : (sorted[middle - 1] + sorted[middle]) / 2;
}

/**
 * Times subjects in rounds.
 * @param subjects each `{ name, steps, run, prepare? }`: `run` does `steps` steps and may return the nanoseconds it took (by its own
 *   clock); else it is timed here.
 * @returns a map from the name to the median, the least and the greatest nanoseconds per step.
 */
export async function measure(subjects, rounds) {
  const samples = new Map(subjects.map(({ name }) => [name, []]));
  // Round 0 warms up and is dropped.
  for (let round = 0; round <= rounds; round++) {
    for (const { name, steps, run, prepare } of subjects) {
      await prepare?.();
      const from = process.hrtime.bigint();
      const own = await run();
      const elapsed = own ?? Number(process.hrtime.bigint() - from);
      if (round > 0) samples.get(name).push(elapsed / steps);
    }
  }
  return new Map(
    [...samples].map(([name, values]) => [name, { median: median(values), min: Math.min(...values), max: Math.max(...values) }]),
  );
}

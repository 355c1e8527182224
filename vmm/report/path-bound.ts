// SPDX-License-Identifier: MIT
// The time of the trapped path that the direct path saves, and its bound: from the
// measured times, interpolated between the measured sizes.

/** A path's times, in nanoseconds, for batches of the smallest and the largest size. */
export interface PathTimes {
  readonly small: number;
  readonly large: number;
}

/** The parts of a batch's time, on both paths. */
export interface PathBound {
  /** Nanoseconds for each command beyond the small batch's. */
  readonly perCommand: { readonly direct: number; readonly trapped: number };
  /** The share of these commands in the large direct batch's time, 0 to 1. */
  readonly share: number;
  /** Nanoseconds that a direct batch saves. */
  readonly saved: PathTimes;
}

/**
 * @param sizes commands of the small and of the large batch.
 * @returns undefined when the larger batch took no longer, so that nothing can be
 *   derived.
 */
export function pathBound(
  direct: PathTimes,
  trapped: PathTimes,
  sizes: { readonly small: number; readonly large: number },
): PathBound | undefined {
  const more = sizes.large - sizes.small;
  const rises = ({ small, large }: PathTimes) => large > small;
  if (more <= 0 || !rises(direct) || !rises(trapped)) return undefined;
  return {
    perCommand: {
      direct: (direct.large - direct.small) / more,
      trapped: (trapped.large - trapped.small) / more,
    },
    share: (direct.large - direct.small) / direct.large,
    saved: { small: trapped.small - direct.small, large: trapped.large - direct.large },
  };
}

/** The result as a sentence. */
export function boundText(
  { perCommand, share, saved }: PathBound,
  sizes: { readonly small: number; readonly large: number },
): string {
  const ns = (value: number) => `${Math.round(value)} ns`;
  return (
    `each further command takes ${ns(perCommand.direct)} direct and ${ns(perCommand.trapped)} trapped, ` +
    `${Math.round(100 * share)} % of a direct batch of ${sizes.large}; what direct saves are the exits, ` +
    `${ns(saved.small)} of a batch of ${sizes.small}, ${ns(saved.large)} of ${sizes.large}`
  );
}

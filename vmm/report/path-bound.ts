// SPDX-License-Identifier: MIT
// What the direct path can save of the trapped path's time, and what keeps it from more:
// by the times that were measured, between the sizes that were measured.

/** A path's times, in nanoseconds, for batches of the smallest and the largest size. */
export interface PathTimes {
  readonly small: number;
  readonly large: number;
}

/** How the time of a batch is made up, on both paths. */
export interface PathBound {
  /** Nanoseconds that each command beyond the small batch's takes. */
  readonly perCommand: { readonly direct: number; readonly trapped: number };
  /** The part of the large direct batch's time that these commands are, 0 to 1. */
  readonly share: number;
  /** Nanoseconds by which a direct batch is shorter. */
  readonly saved: PathTimes;
}

/**
 * @param sizes commands of the small and of the large batch.
 * @returns undefined where the times say nothing of the kind: the larger batch took no longer.
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

/** The same in a sentence. */
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

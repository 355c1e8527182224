// SPDX-License-Identifier: MIT
// Options of `npm run soak`.

import { MINUTES, numberOf, parseFlags, SEED } from './fuzz-options.ts';

export interface SoakOptions {
  readonly minutes: number;
  /** Seed of guests and faults. */
  readonly seed: number;
}

export function soakUsage(): string {
  return `npm run soak -- --minutes N [--seed S]

  --minutes N   how long; a fraction is allowed (default: 30)
  --seed S      of guests and faults (default: 1)
`;
}

/**
 * @returns undefined when help was requested.
 * @throws {FuzzUsageError}
 */
export function soakOptions(args: readonly string[]): SoakOptions | undefined {
  const {
    minutes = '30',
    seed = '1',
    help,
  } = parseFlags(args, {
    minutes: { type: 'string' },
    seed: { type: 'string' },
    help: { type: 'boolean' },
  });
  if (help === true) return undefined;
  return {
    minutes: numberOf('minutes', String(minutes), MINUTES),
    seed: numberOf('seed', String(seed), SEED),
  };
}

// SPDX-License-Identifier: MIT
// Options of `npm run fuzz`.

import { type ParseArgsConfig, parseArgs } from 'node:util';
import { printable } from '../../devices/plugin/index.ts';

export interface FuzzOptions {
  /** Names of targets. */
  readonly targets: readonly string[];
  /** For each target; undefined when `runs` limits it. */
  readonly minutes: number | undefined;
  readonly runs: number | undefined;
  /** The first seed; undefined: the one after those of the results. */
  readonly seed: number | undefined;
  /** Add this run to the results. */
  readonly record: boolean;
}

/** A mistake in the options, in one line. */
export class FuzzUsageError extends Error {
  override readonly name = 'FuzzUsageError';
}

/** A number that a flag accepts: its syntax, its limit, and its name. */
interface NumberKind {
  readonly form: RegExp;
  readonly most: number;
  readonly what: string;
}

export const MINUTES: NumberKind = {
  form: /^(?!0*\.?0*$)\d+(\.\d+)?$/,
  most: 10_000,
  what: 'a number above 0, at most 10000',
};
export const SEED: NumberKind = {
  form: /^\d+$/,
  most: 2 ** 32 - 1,
  what: `an integer from 0 to ${2 ** 32 - 1}`,
};
const RUNS: NumberKind = {
  form: /^[1-9]\d*$/,
  most: 1_000_000_000,
  what: 'an integer from 1 to 1000000000',
};
const FLAGS = {
  target: { type: 'string', multiple: true },
  minutes: { type: 'string' },
  runs: { type: 'string' },
  seed: { type: 'string' },
  'no-record': { type: 'boolean' },
  help: { type: 'boolean' },
} as const;

export function fuzzUsage(names: readonly string[]): string {
  return `npm run fuzz -- --target T --minutes N [--seed S]

  --target T    ${names.join(', ')}, or all; may be repeated (default: all)
  --minutes N   for all targets together, in equal shares; a fraction is allowed (default: 1)
  --runs N      so many runs of each target in place of a time
  --seed S      first seed (default: the one after those of test/fuzz/results.json)
  --no-record   do not add what was done to test/fuzz/results.json
`;
}

/**
 * The number of a flag.
 * @throws {FuzzUsageError}
 */
export function numberOf(flag: string, text: string, { form, most, what }: NumberKind): number {
  const value = Number(text);
  if (form.test(text) && value <= most) return value;
  throw new FuzzUsageError(`--${flag} must be ${what}, not "${printable(text)}"`);
}

type FlagValues<T extends ParseArgsConfig['options']> = ReturnType<
  typeof parseArgs<{ args: string[]; options: T; strict: true }>
>['values'];

/**
 * The values of flags.
 * @throws {FuzzUsageError}
 */
export function parseFlags<const T extends NonNullable<ParseArgsConfig['options']>>(
  args: readonly string[],
  options: T,
): FlagValues<T> {
  try {
    return parseArgs({ args: [...args], options, strict: true }).values;
  } catch (error) {
    // Node's messages continue with advice about positional arguments.
    const [line = ''] = (error as Error).message.split(/[.\n]/);
    throw new FuzzUsageError(printable(line));
  }
}

/**
 * @param names of the existing targets.
 * @returns undefined when help was requested.
 * @throws {FuzzUsageError}
 */
export function fuzzOptions(
  args: readonly string[],
  names: readonly string[],
): FuzzOptions | undefined {
  const {
    target = ['all'],
    minutes,
    runs,
    seed,
    help,
    'no-record': silent,
  } = parseFlags(args, FLAGS);
  if (help) return undefined;
  const unknown = target.find((name) => name !== 'all' && !names.includes(name));
  if (unknown !== undefined)
    throw new FuzzUsageError(
      `there is no target "${printable(unknown)}": there are ${names.join(', ')}, all`,
    );
  if (minutes !== undefined && runs !== undefined)
    throw new FuzzUsageError('--minutes and --runs exclude each other');
  const targets = target.includes('all') ? names : [...new Set(target)];
  const time = numberOf('minutes', minutes ?? '1', MINUTES);
  return {
    targets,
    minutes: runs === undefined ? time / targets.length : undefined,
    runs: runs === undefined ? undefined : numberOf('runs', runs, RUNS),
    seed: seed === undefined ? undefined : numberOf('seed', seed, SEED),
    record: silent !== true,
  };
}

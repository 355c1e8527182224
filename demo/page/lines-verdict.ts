// SPDX-License-Identifier: MIT
// The result of the user's own lines.

import type { Picture } from '../protocol.ts';

/**
 * The check with which the toy reports the end of its program, or why it failed
 * (guest-driver/toy/program.ts).
 */
const PROGRAM_CHECK = 'program';

export interface LinesVerdict {
  /**
   * No invalidation is missing; the sanitizer has a finding; or not all lines were
   * executed.
   */
  readonly what: 'clean' | 'found' | 'failed';
  readonly text: string;
}

/** @param picture of the machines with the lines. @returns undefined while they run. */
export function verdictOf({ state, vms, checks, suspects }: Picture): LinesVerdict | undefined {
  if (state !== 'ended') return undefined;
  if (suspects.some((suspect) => suspect.state === 'found'))
    return {
      what: 'found',
      text: 'The sanitizer has found an invalidation that is missing: see below.',
    };
  const reason = vms.find((vm) => vm.reason !== '')?.reason;
  const failed = checks.find(({ ok }) => !ok);
  const why = reason ?? (failed && `${failed.name}: ${failed.detail}`);
  if (why === undefined && checks.some(({ name }) => name === PROGRAM_CHECK))
    return {
      what: 'clean',
      text: 'All lines have run, and no invalidation is missing. Delete one and run them again.',
    };
  const cause = why ?? 'the machine has been switched off before';
  return { what: 'failed', text: `Not all lines have run: ${cause}.` };
}

// SPDX-License-Identifier: MIT
// What lines of the user's own have come to.

import type { Picture } from '../protocol.ts';

/** The check by which the toy says that its program is at its end, or why not (guest-driver/toy/program.ts). */
const PROGRAM_CHECK = 'program';

export interface LinesVerdict {
  /** Nothing is missing; the sanitizer has found something; the lines have not all run. */
  readonly what: 'clean' | 'found' | 'failed';
  readonly text: string;
}

/** @param picture of the machines that have the lines. @returns undefined while they go on. */
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

// SPDX-License-Identifier: MIT
// The result of the user's own lines.

import { wordsOf } from '../edit/parse-lines.ts';
import type { Picture } from '../protocol.ts';

/**
 * The check with which the toy reports the end of its program, or why it failed
 * (guest-driver/toy/program.ts).
 */
const PROGRAM_CHECK = 'program';

export interface LinesVerdict {
  /**
   * The sanitizer has no finding; it has one; or not all lines were executed.
   */
  readonly what: 'clean' | 'found' | 'failed';
  readonly text: string;
}

/** What the device has used, without a finding. */
const used = (suspects: Picture['suspects']): string =>
  suspects.length === 0
    ? 'the device has used no stale entry'
    : 'each stale entry that the device used was invalidated after it';

/**
 * What a device that used no stale entry does not show: lines that no driver may leave
 * out all the same.
 */
function unseen(lines: string): string {
  const operations = wordsOf(lines);
  const last = (verb: string) => operations.findLastIndex(({ words }) => words[0] === verb);
  const [unmap, tlbi, sync] = [last('unmap'), last('tlbi'), last('sync')];
  if (unmap > tlbi)
    return (
      ' No TLBI follows the last unmap: its entry may still be cached, and the sanitizer speaks ' +
      'only when a device uses it.'
    );
  if (tlbi > sync)
    return ' No sync follows the last TLBI: only CMD_SYNC says that the commands before it are done.';
  return '';
}

/**
 * @param picture of the machines with the lines.
 * @param lines that they execute, as the user has written them.
 * @returns undefined while they run.
 */
export function verdictOf(
  { state, vms, checks, suspects }: Picture,
  lines: string,
): LinesVerdict | undefined {
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
      text:
        `All lines have run, and ${used(suspects)}.${unseen(lines)} ` +
        'Delete a line and run them again.',
    };
  const cause = why ?? 'the machine has been switched off before';
  return { what: 'failed', text: `Not all lines have run: ${cause}.` };
}

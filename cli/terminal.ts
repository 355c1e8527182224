// SPDX-License-Identifier: MIT
// What a stream may be sent beside plain text.

import { workerData } from 'node:worker_threads';

/** What the supervising thread knows of the streams (supervisor.ts): in a worker they are no terminals. */
export interface Supervised {
  readonly terminals: { readonly stdout: boolean; readonly stderr: boolean };
}

/** Which of the program's streams are terminals. */
export function terminals(): Supervised['terminals'] {
  const supervised = (workerData as Supervised | null)?.terminals;
  return (
    supervised ?? { stdout: process.stdout.isTTY === true, stderr: process.stderr.isTTY === true }
  );
}

const GREEN = 32;
const RED = 31;

/** Colours of standard output: on a terminal only, and not where NO_COLOR is set to anything (no-color.org). */
export function colours(
  terminal = terminals().stdout,
  env = process.env,
): { good(text: string): string; bad(text: string): string } {
  const on = terminal && !env.NO_COLOR && env.TERM !== 'dumb';
  const paint = (colour: number) => (text: string) =>
    on ? `\u001b[${colour}m${text}\u001b[39m` : text;
  return { good: paint(GREEN), bad: paint(RED) };
}

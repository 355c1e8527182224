// SPDX-License-Identifier: MIT
// Whether a stream is a terminal, and whether it gets colours.

import { workerData } from 'node:worker_threads';

/** The streams as the supervising thread sees them (supervisor.ts): a worker's are no terminals. */
export interface Supervised {
  readonly terminals: { readonly stdout: boolean; readonly stderr: boolean };
}

/** Which streams of the program are terminals. */
export function terminals(): Supervised['terminals'] {
  const supervised = (workerData as Supervised | null)?.terminals;
  return (
    supervised ?? { stdout: process.stdout.isTTY === true, stderr: process.stderr.isTTY === true }
  );
}

const GREEN = 32;
const RED = 31;

/** Colours of standard output: only on a terminal, and only if NO_COLOR is unset (no-color.org). */
export function colours(
  terminal = terminals().stdout,
  env = process.env,
): { good(text: string): string; bad(text: string): string } {
  const on = terminal && !env.NO_COLOR && env.TERM !== 'dumb';
  const paint = (colour: number) => (text: string) =>
    on ? `\u001b[${colour}m${text}\u001b[39m` : text;
  return { good: paint(GREEN), bad: paint(RED) };
}

// The command as a user starts it: the built program, in a process of its own.

import { spawn } from 'node:child_process';
import { fileURLToPath } from 'node:url';

const MAIN = fileURLToPath(new URL('../../dist/cli/main.js', import.meta.url));

export interface Outcome {
  readonly status: number | null;
  readonly stdout: string;
  readonly stderr: string;
  /** Pieces of output in the order in which they came. */
  readonly pieces: number;
}

export function vsmmu(...args: string[]): Promise<Outcome> {
  return new Promise((resolve, reject) => {
    const child = spawn(process.execPath, [MAIN, ...args]);
    const output = { stdout: '', stderr: '' };
    let pieces = 0;
    for (const name of ['stdout', 'stderr'] as const) {
      child[name].setEncoding('utf8').on('data', (text: string) => {
        output[name] += text;
        pieces++;
      });
    }
    child.on('error', reject);
    child.on('close', (status) => resolve({ status, ...output, pieces }));
  });
}

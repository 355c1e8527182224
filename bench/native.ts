// SPDX-License-Identifier: MIT
// The drain in C (drain.c), compiled when a compiler is found, as a process that handles
// one request after another.

import { execFile, spawn } from 'node:child_process';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { promisify } from 'node:util';
import { PROJECT } from './guest-module.ts';

export interface NativeDrain {
  /** Nanoseconds of `batches` batches. */
  run(opcode: string, batch: number, batches: number, full: boolean): Promise<number>;
  end(): Promise<void>;
}

/** The error that execFile rejects with. */
interface CommandError {
  readonly code?: string | number;
  readonly stderr?: string;
}

/**
 * Compiles and starts the native drain. Returns a line with the reason when that is not
 * possible.
 */
export async function startNative(): Promise<NativeDrain | string> {
  const folder = await mkdtemp(join(tmpdir(), 'vsmmu-bench-'));
  const program = join(folder, 'drain');
  let why = 'no C compiler (cc, gcc)';
  for (const compiler of ['cc', 'gcc']) {
    try {
      await promisify(execFile)(compiler, ['-O2', '-o', program, join(PROJECT, 'bench/drain.c')]);
    } catch (thrown) {
      const error = thrown as CommandError;
      if (error.code !== 'ENOENT') why = `${compiler}: ${String(error.stderr).split('\n')[0]}`;
      continue;
    }
    const child = spawn(program, { stdio: ['pipe', 'pipe', 'inherit'] });
    const lines = createInterface(child.stdout)[Symbol.asyncIterator]();
    return {
      async run(opcode, batch, batches, full) {
        child.stdin.write(`${opcode} ${batch} ${batches} ${full ? 1 : 0}\n`);
        const { value, done } = await lines.next();
        if (done) throw new Error('the native drain ended');
        return Number(value);
      },
      async end() {
        child.stdin.end();
        await rm(folder, { recursive: true });
      },
    };
  }
  await rm(folder, { recursive: true });
  return why;
}

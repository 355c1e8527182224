// The drain in C (drain.c), compiled when a compiler is found, as a process that runs one request after another.

import { execFile, spawn } from 'node:child_process';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';

/**
 * Compiles and starts the native drain.
 * @returns `{ run(opcode, batch, batches, full), end() }`, or a line that says why there is none.
 */
export async function startNative() {
  const folder = await mkdtemp(join(tmpdir(), 'vsmmu-bench-'));
  const source = fileURLToPath(new URL('./drain.c', import.meta.url));
  const program = join(folder, 'drain');
  let why = 'no C compiler (cc, gcc)';
  for (const compiler of ['cc', 'gcc']) {
    try {
      await promisify(execFile)(compiler, ['-O2', '-o', program, source]);
    } catch (error) {
      if (error.code !== 'ENOENT') why = `${compiler}: ${String(error.stderr).split('\n')[0]}`;
      continue;
    }
    const child = spawn(program, { stdio: ['pipe', 'pipe', 'inherit'] });
    const lines = createInterface(child.stdout)[Symbol.asyncIterator]();
    return {
      /** Nanoseconds of `batches` batches. */
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

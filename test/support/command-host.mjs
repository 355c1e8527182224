// SPDX-License-Identifier: MIT
// A process that executes command lines of the built command, one after the other, as
// sent by its parent: a start of the command mostly loads it. Its argument: the path of
// cli/command-line.js.

import { setTimeout as delay } from 'node:timers/promises';

/** @type {typeof import('../../cli/command-line.ts')} */
const { runCommandLine } = await import(process.argv[2] ?? '');

/**
 * Milliseconds after which resources that a command has left would keep its process
 * alive.
 */
const PATIENCE_MS = 5000;

/** Resources that keep the process alive, by name. */
function resources() {
  /** @type {Record<string, number>} */
  const counts = {};
  for (const name of process.getActiveResourcesInfo()) counts[name] = (counts[name] ?? 0) + 1;
  return counts;
}
/**
 * Between two commands: the channel to the parent. @type {ReturnType<typeof resources> |
 * undefined}
 */
let atRest;

/** Resources that a command has left, once it has had time to end. */
async function leftRunning() {
  const end = performance.now() + PATIENCE_MS;
  while (true) {
    const left = Object.entries(resources()).filter(([name, n]) => n > (atRest?.[name] ?? 0));
    if (left.length === 0 || performance.now() > end) return left.map(([name]) => name);
    await delay(1, undefined, { ref: false });
  }
}

/** @param {readonly string[]} argv */
async function carryOut(argv) {
  /** @type {{ stdout: Uint8Array[], stderr: Uint8Array[] }} */
  const written = { stdout: [], stderr: [] };
  const writes = { stdout: process.stdout.write, stderr: process.stderr.write };
  // Not before the streams exist: Node.js creates them at their first use.
  atRest ??= resources();
  for (const name of /** @type {const} */ (['stdout', 'stderr'])) {
    process[name].write = (/** @type {string | Uint8Array} */ piece) => {
      written[name].push(Buffer.from(piece));
      return true;
    };
  }
  try {
    const status = await runCommandLine(argv);
    const text = (/** @type {Uint8Array[]} */ pieces) => Buffer.concat(pieces).toString();
    return { status, stdout: text(written.stdout), stderr: text(written.stderr) };
  } finally {
    process.stdout.write = writes.stdout;
    process.stderr.write = writes.stderr;
  }
}

process.on('message', async (/** @type {readonly string[]} */ argv) => {
  try {
    const outcome = await carryOut(argv);
    process.send?.({ outcome, left: await leftRunning() });
  } catch (error) {
    process.send?.({ crash: error instanceof Error ? error.stack : String(error) });
  }
});

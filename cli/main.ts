#!/usr/bin/env node
// SPDX-License-Identifier: MIT
// Entry point of the vsmmu command. If the rest cannot be loaded (too many open files), it prints one
// line as well.

import { setFlagsFromString } from 'node:v8';
import { EXIT_FAILED, EXIT_USAGE } from './status.ts';

// With Maglev, Node.js 24 may hang at exit: the main thread waits for the compiler's thread, which
// waits for a garbage collection of the main thread (nodejs/node issue 54918). One `process.exit`
// in 40 did.
setFlagsFromString('--no-maglev');

let command: typeof import('./command-line.ts') | undefined;

let hasHungUp = false;
// The reader of the output may have closed the pipe (`vsmmu boot toy | head`).
process.stdout.on('error', (error: NodeJS.ErrnoException) => {
  if (error.code === 'EPIPE') process.exit(EXIT_FAILED);
  // The terminal has been closed: SIGHUP ends the run, which may still write its trace.
  hasHungUp ||= error.code === 'EIO' && process.stdout.isTTY;
  if (hasHungUp) return;
  const reason = command?.fileReason(error) ?? error.code;
  process.stderr.write(`vsmmu: cannot write to standard output: ${reason}\n`);
  process.exit(EXIT_USAGE);
});
// The error cannot be reported; the exit status still gives the result of the run.
process.stderr.on('error', () => undefined);

/** The command, or undefined if it cannot be loaded, which has then been reported. */
async function commandLine() {
  try {
    return await import('./command-line.ts');
  } catch (error) {
    const { code, message } = error as { readonly code?: unknown; readonly message?: unknown };
    // An error without a code is a bug: it is reported with its stack.
    if (typeof code !== 'string') throw error;
    process.stderr.write(`vsmmu: cannot start: ${String(message).split('\n')[0]}\n`);
    return undefined;
  }
}

command = await commandLine();
process.exitCode = command ? await command.runCommandLine(process.argv.slice(2)) : EXIT_USAGE;

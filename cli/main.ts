#!/usr/bin/env node
// SPDX-License-Identifier: MIT
// The vsmmu command starts here. What keeps the rest from being loaded (too many open files) is a line too.

import { setFlagsFromString } from 'node:v8';
import { EXIT_FAILED, EXIT_USAGE } from './status.ts';

// With it, Node.js 24 may wait for ever at its end: main waits for the compiler's thread, and that for main to
// collect garbage (nodejs/node issue 54918). One `process.exit` in 40 did.
setFlagsFromString('--no-maglev');

// Whoever reads the output may have had enough of it (`vsmmu boot toy | head`).
process.stdout.on('error', ({ code }: NodeJS.ErrnoException) => {
  if (code === 'EPIPE') process.exit(EXIT_FAILED);
  process.stderr.write(`vsmmu: cannot write to standard output: ${code}\n`);
  process.exit(EXIT_USAGE);
});
// Nobody is there to be told; what the run has come to is in its status.
process.stderr.on('error', () => undefined);

/** The command, or undefined when it cannot be loaded, which has been said then. */
async function commandLine() {
  try {
    return await import('./command-line.ts');
  } catch (error) {
    const { code, message } = error as { readonly code?: unknown; readonly message?: unknown };
    // Errors of ours have a stack to be reported with.
    if (typeof code !== 'string') throw error;
    process.stderr.write(`vsmmu: cannot start: ${String(message).split('\n')[0]}\n`);
    return undefined;
  }
}

const command = await commandLine();
process.exitCode = command ? await command.runCommandLine(process.argv.slice(2)) : EXIT_USAGE;

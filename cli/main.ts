#!/usr/bin/env node
// The vsmmu command starts here. The rest is loaded by it, so that what keeps it from being loaded (too many open files) is a line too.

import { EXIT_USAGE } from './status.ts';

try {
  await import('./command-line.ts');
} catch (error) {
  const { code, message } = error as { readonly code?: unknown; readonly message?: unknown };
  // Errors of ours have a stack to be reported with.
  if (typeof code !== 'string') throw error;
  process.stderr.write(`vsmmu: cannot start: ${String(message).split('\n')[0]}\n`);
  process.exitCode = EXIT_USAGE;
}

#!/usr/bin/env node
// The vsmmu command.

import { runCommandLine } from './command-line.ts';
import { EXIT_FAILED } from './status.ts';

// Whoever reads the output may have had enough of it (`vsmmu boot toy | head`).
process.stdout.on('error', (error: NodeJS.ErrnoException) => {
  if (error.code !== 'EPIPE') throw error;
  process.exit(EXIT_FAILED);
});
process.exitCode = await runCommandLine(process.argv.slice(2));

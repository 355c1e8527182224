// SPDX-License-Identifier: MIT
// `node scripts/build.mjs` brings the WebAssembly modules (asc) and dist/ (tsc) up to
// date. With `--debug` it also builds dist-debug/: the same program, with modules that
// have names and source maps.

import { buildStale } from './build-parts.mjs';
import { BuildError } from './build-record.mjs';

try {
  await buildStale({ debug: process.argv.includes('--debug') });
} catch (error) {
  if (!(error instanceof BuildError)) throw error;
  console.error(`build failed: ${error.message}`);
  process.exitCode = 1;
}

// SPDX-License-Identifier: MIT
// Prints the files that the AssemblyScript compiler reads for each entry file in its
// arguments, as JSON. It only parses.

import { readFile } from 'node:fs/promises';
import { posix } from 'node:path';

/** The compiler's type declarations conflict with Node's. */
const COMPILER = 'assemblyscript/asc';
const { default: asc } = await import(/** @type {string} */ (COMPILER));

/** @type {Record<string, string[]>} */
const read = {};
for (const entry of process.argv.slice(2)) {
  const files = new Set();
  await asc.main([entry, '--config', 'none', '--noEmit'], {
    readFile: async (/** @type {string} */ name, /** @type {string} */ base) => {
      const text = await readFile(posix.resolve(base, name), 'utf8').catch(() => null);
      if (text !== null) files.add(posix.normalize(name));
      return text;
    },
    stderr: { write: () => true },
    transforms: [
      {
        afterParse: () => {
          throw new Error('parsed');
        },
      },
    ],
  });
  read[entry] = [...files];
}
console.log(JSON.stringify(read));

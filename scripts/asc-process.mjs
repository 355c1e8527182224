// SPDX-License-Identifier: MIT
// A process that compiles AssemblyScript, one command line after the other, as its parent sends them (asc.mjs).

/** The compiler's type declarations cannot be read next to Node's. */
const COMPILER = 'assemblyscript/asc';

process.on('message', async (/** @type {readonly string[]} */ args) => {
  let output = '';
  const stream = {
    write: (/** @type {string | Uint8Array} */ piece) => {
      output += typeof piece === 'string' ? piece : Buffer.from(piece).toString();
      return true;
    },
  };
  const { default: asc } = await import(/** @type {string} */ (COMPILER));
  const { error } = await asc.main(args, { stdout: stream, stderr: stream });
  if (error && output === '') output = `${error.stack}\n`;
  process.send?.({ ok: !error, output });
});

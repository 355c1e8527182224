// SPDX-License-Identifier: MIT
// A process that compiles AssemblyScript: its parent (asc.mjs) sends one command line
// after the other.

/** The compiler's type declarations cannot be loaded together with Node's. */
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

// SPDX-License-Identifier: MIT
// The AssemblyScript compiler in long-lived processes: most of its start-up time is for
// loading it, and after its first compilation it takes a fraction of the time for the
// next.

import { fork } from 'node:child_process';
import { fileURLToPath } from 'node:url';

const PROGRAM = fileURLToPath(new URL('./asc-process.mjs', import.meta.url));
/** Number of compilers that run at once: most machines that run this have two cores. */
const PARALLEL = 2;

/**
 * @typedef {object} Compiled
 * @property {boolean} ok
 * @property {string} output What it wrote to stdout and stderr.
 */

/** Idle compilers. @type {Set<import('node:child_process').ChildProcess>} */
const idle = new Set();
let running = 0;
/** Command lines that wait for a compiler. @type {(() => void)[]} */
const waiting = [];

/**
 * Runs the compiler.
 * @param {readonly string[]} args The compiler's arguments.
 * @param {string} root Folder of the sources: names in the arguments are relative to it.
 * @returns {Promise<Compiled>}
 */
export async function compileWithAsc(args, root) {
  if (running < PARALLEL) running++;
  else await new Promise((/** @type {(turn: void) => void} */ turn) => waiting.push(turn));
  try {
    return await ask([...args, '--baseDir', root]);
  } finally {
    const next = waiting.shift();
    if (next) next();
    else running--;
  }
}

/**
 * @param {readonly string[]} args
 * @returns {Promise<Compiled>}
 */
function ask(args) {
  const [compiler = start()] = idle;
  idle.delete(compiler);
  compiler.ref();
  compiler.channel?.ref();
  return new Promise((done, fail) => {
    const onExit = (/** @type {number | null} */ status) =>
      fail(new Error(`the compiler ended with ${status}`));
    compiler.once('exit', onExit);
    compiler.once('message', (/** @type {any} */ compiled) => {
      compiler.off('exit', onExit);
      // An idle compiler does not keep its parent process alive, and ends with it.
      compiler.channel?.unref();
      compiler.unref();
      idle.add(compiler);
      done(compiled);
    });
    compiler.send(args);
  });
}

function start() {
  const compiler = fork(PROGRAM, { execArgv: [] });
  compiler.once('exit', () => idle.delete(compiler));
  return compiler;
}

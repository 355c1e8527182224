// SPDX-License-Identifier: MIT
// Runs the tools of the build.

import { spawn } from 'node:child_process';

/**
 * Runs a Node.js program to its end.
 * @param {readonly string[]} args
 * @param {string} cwd
 * @returns {Promise<{ ok: boolean, output: string }>} Its output to stdout and stderr.
 */
export function runNode(args, cwd) {
  return new Promise((done, fail) => {
    const child = spawn(process.execPath, args, { cwd });
    let output = '';
    for (const stream of [child.stdout, child.stderr])
      stream.setEncoding('utf8').on('data', (text) => (output += text));
    child.on('error', fail);
    child.on('close', (code) => done({ ok: code === 0, output }));
  });
}

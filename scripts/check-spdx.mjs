#!/usr/bin/env node
// SPDX-License-Identifier: MIT
// Checks the licence of each source file, on its first line in the form that licence
// scanners read (https://spdx.dev/learn/handling-license-info). The name is that of
// package.json.
//
// `node scripts/check-spdx.mjs` prints one line for each file without it, and exits with
// 1; with `--fix` it adds the line. Templates and examples do not have the line: users
// start their own files from them, and pages show them unchanged.

import { readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath, pathToFileURL } from 'node:url';
import { parseArgs } from 'node:util';

const ROOT = fileURLToPath(new URL('..', import.meta.url));
const LEFT_OUT = ['.git', 'templates', 'docs/examples'];

/**
 * Beginning and end of a comment line, by the last word of a file's name.
 * @type {ReadonlyMap<string, readonly [begin: string, end: string]>}
 */
const COMMENTS = new Map([
  ['ts', ['// ', '']],
  ['mjs', ['// ', '']],
  ['js', ['// ', '']],
  ['c', ['// ', '']],
  ['h', ['// ', '']],
  ['S', ['// ', '']],
  ['sh', ['# ', '']],
  ['run', ['# ', '']],
  ['css', ['/* ', ' */']],
  ['lds', ['/* ', ' */']],
  ['pml', ['/* ', ' */']],
  ['html', ['<!-- ', ' -->']],
]);
/** Lines that have to come first in a file. */
const BEFORE = /^(?:#!|<!doctype )/;
const IDENTIFIER = /SPDX-License-Identifier: (.*?)(?: \*\/| -->)?$/;

/**
 * Folders and files of .gitignore; its patterns match no source files.
 * @param {string} root
 */
const ignoredIn = (root) =>
  readFileSync(join(root, '.gitignore'), 'utf8')
    .split('\n')
    .filter((line) => /^[^#!*]+$/.test(line))
    .map((line) => line.replace(/\/$/, ''));

/**
 * @param {string} root
 * @param {string} folder relative to the root, with a slash at its end unless it is the
 *   root.
 * @param {ReadonlySet<string>} leftOut
 * @returns {string[]}
 */
function sourcesIn(root, folder, leftOut) {
  return readdirSync(join(root, folder), { withFileTypes: true }).flatMap((entry) => {
    const path = `${folder}${entry.name}`;
    if (leftOut.has(path) || leftOut.has(entry.name)) return [];
    if (entry.isDirectory()) return sourcesIn(root, `${path}/`, leftOut);
    const isSource = entry.isFile() && commentOf(path) !== undefined;
    return isSource ? [path] : [];
  });
}

/** @param {string} path */
const commentOf = (path) => COMMENTS.get(/\w*$/.exec(path)?.[0] ?? '');

/**
 * A file's text with the missing line added. The following text stays a separate
 * paragraph unless it is a comment of the same kind.
 * @param {string} path
 * @param {string} text
 * @param {string} licence
 */
function withLine(path, text, licence) {
  const [begin, end] = commentOf(path) ?? ['', ''];
  const first = BEFORE.test(text) ? text.indexOf('\n') + 1 : 0;
  const rest = text.slice(first);
  const gap = end === '' && rest !== '' && !rest.startsWith(begin.trimEnd()) ? '\n' : '';
  return `${text.slice(0, first)}${begin}SPDX-License-Identifier: ${licence}${end}\n${gap}${rest}`;
}

/**
 * Problems, one line for each file.
 * @param {string} root
 * @param {boolean} [fix] adds missing lines; the remaining problems are other licences.
 * @returns {string[]}
 */
export function checkSpdx(root, fix = false) {
  const { license } = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8'));
  const leftOut = new Set([...LEFT_OUT, ...ignoredIn(root)]);
  return sourcesIn(root, '', leftOut)
    .sort()
    .flatMap((path) => {
      const text = readFileSync(join(root, path), 'utf8');
      const [first = '', second = ''] = text.split('\n', 2);
      const [, stated] = IDENTIFIER.exec(BEFORE.test(first) ? second : first) ?? [];
      if (stated === license) return [];
      if (stated !== undefined) return [`${path} states the licence ${stated}, not ${license}`];
      if (!fix)
        return [`${path} has no line "SPDX-License-Identifier: ${license}" at its beginning`];
      writeFileSync(join(root, path), withLine(path, text, license));
      return [];
    });
}

function main() {
  try {
    const { values } = parseArgs({ options: { fix: { type: 'boolean' } } });
    const problems = checkSpdx(ROOT, values.fix);
    for (const problem of problems) console.error(problem);
    process.exitCode = problems.length > 0 ? 1 : 0;
  } catch (error) {
    if (!(error instanceof TypeError)) throw error;
    console.error(`check-spdx: ${error.message}`);
    process.exitCode = 2;
  }
}

const [, program] = process.argv;
if (program && import.meta.url === pathToFileURL(program).href) main();

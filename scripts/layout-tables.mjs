// SPDX-License-Identifier: MIT
// Layout tables for scripts: Node.js 20 does not read TypeScript.

import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { hashOfFiles } from './build-record.mjs';

const FOLDER = 'assembly/layout';

/**
 * Imports files of assembly/layout, given by their paths without extension. Returns the
 * exports of the last one, which may import the others.
 * @param {string} root
 * @param {readonly string[]} names
 * @returns {Promise<any>}
 */
export async function importLayout(root, names) {
  const { transformWithOxc } = await import('vite');
  const hash = hashOfFiles(
    root,
    names.map((name) => `${FOLDER}/${name}.ts`),
  );
  const folder = join(root, 'build', 'layout-tables', hash.slice(0, 16));
  for (const name of names) {
    const { code } = await transformWithOxc(
      readFileSync(join(root, FOLDER, `${name}.ts`), 'utf8'),
      `${name}.ts`,
    );
    const file = join(folder, `${name}.mjs`);
    mkdirSync(dirname(file), { recursive: true });
    writeFileSync(file, code.replaceAll(/(from ['"]\.\/[\w-]+)\.ts/g, '$1.mjs'));
  }
  return await import(pathToFileURL(join(folder, `${names.at(-1)}.mjs`)).href);
}

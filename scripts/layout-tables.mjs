// Layout tables for scripts: Node.js 20 does not read TypeScript.

import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { hashOfFiles } from './build-record.mjs';

const FOLDER = 'assembly/layout';

/**
 * Imports files of assembly/layout, whose names are given without ending; the last one's
 * exports are returned, and it may import the others.
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
  mkdirSync(folder, { recursive: true });
  for (const name of names) {
    const { code } = await transformWithOxc(
      readFileSync(join(root, FOLDER, `${name}.ts`), 'utf8'),
      `${name}.ts`,
    );
    writeFileSync(
      join(folder, `${name}.mjs`),
      code.replaceAll(/(from ['"]\.\/[\w-]+)\.ts/g, '$1.mjs'),
    );
  }
  return await import(pathToFileURL(join(folder, `${names.at(-1)}.mjs`)).href);
}

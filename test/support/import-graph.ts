// SPDX-License-Identifier: MIT
// The files that programs reach by imports, in an installed package.

import { readFileSync } from 'node:fs';
import { join, posix } from 'node:path';

export interface ImportGraph {
  /** Code by path, relative to the root. */
  readonly files: ReadonlyMap<string, string>;
  /** Names of packages and of modules of the runtime, sorted. */
  readonly packages: readonly string[];
}

/** @param specifiersOf the imports of a file's code. */
export function importGraph(
  root: string,
  entries: readonly string[],
  specifiersOf: (code: string) => readonly string[],
): ImportGraph {
  const files = new Map<string, string>();
  const packages = new Set<string>();
  const open = entries.map((entry) => posix.normalize(entry));
  for (let file = open.pop(); file !== undefined; file = open.pop()) {
    if (files.has(file)) continue;
    const code = readFileSync(join(root, file), 'utf8');
    files.set(file, code);
    for (const specifier of specifiersOf(code)) {
      if (!specifier.startsWith('.')) packages.add(specifier);
      else if (specifier.endsWith('.js')) open.push(posix.join(file, '..', specifier));
    }
  }
  return { files, packages: [...packages].sort() };
}

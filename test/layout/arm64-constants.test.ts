// SPDX-License-Identifier: MIT
// The layouts of the arm64 CPU have no unused constant.

import { readdirSync, readFileSync } from 'node:fs';
import { expect, it } from 'vitest';

const ROOT = new URL('../../', import.meta.url);
const ROOMS = ['assembly', 'devices', 'vmm', 'bench'];
const COMMENTS = /\/\*[\s\S]*?\*\/|\/\/.*$/gm;
const IMPORTS = /^import [^;]*;$/gm;

/** The code of the sources that can use them, without imports and comments. */
const sources = ROOMS.flatMap((room) =>
  readdirSync(new URL(room, ROOT), { recursive: true, encoding: 'utf8' })
    .filter((name) => /\.(ts|mjs)$/.test(name))
    .map((name) => ({
      name: `${room}/${name}`,
      text: readFileSync(new URL(`${room}/${name}`, ROOT), 'utf8')
        .replace(COMMENTS, '')
        .replace(IMPORTS, ''),
    })),
);
const words = new Map<string, number>();
for (const { text } of sources)
  for (const [word] of text.matchAll(/\b[A-Z][A-Z0-9_]+\b/g))
    words.set(word, (words.get(word) ?? 0) + 1);

it('each constant of the layouts of arm64 is used', () => {
  const layouts = sources.filter(({ name }) => name.startsWith('assembly/layout/arm64-'));
  const constants = layouts.flatMap(({ text }) =>
    [...text.matchAll(/^export const (\w+)/gm)].map(([, name = '']) => name),
  );
  expect(constants.length).toBeGreaterThan(100);
  expect(constants.filter((name) => (words.get(name) ?? 0) < 2)).toEqual([]);
});

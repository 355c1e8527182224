// SPDX-License-Identifier: MIT
// Constants that pages for users name can be imported.

import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { PROJECT } from '../support/project.ts';

const textOf = (path: string) => readFileSync(join(PROJECT, path), 'utf8');
const ROOMS = ['assembly/layout', 'devices', 'guest-driver', 'host', 'vmm'];

/**
 * Names of all constants of the rooms with an underscore: others are ordinary words as
 * well.
 */
function constants(): Set<string> {
  const names = new Set<string>();
  for (const room of ROOMS)
    for (const file of readdirSync(join(PROJECT, room), { recursive: true, encoding: 'utf8' }))
      if (file.endsWith('.ts'))
        for (const [, name = ''] of textOf(`${room}/${file}`).matchAll(
          /^export const ([A-Z][A-Z0-9]*_[A-Z0-9_]+)\b/gm,
        ))
          names.add(name);
  return names;
}

describe('the pages for users', () => {
  it('name no constant that the package does not export', () => {
    // Of the built package: test/package/api-report.test.ts.
    const [exported = ''] = textOf('docs/internals/api-report.txt').split(
      '## named by signatures, exported by none of these',
    );
    const names = constants();
    const unknown: string[] = [];
    let seen = 0;
    for (const page of readdirSync(join(PROJECT, 'docs')).filter((one) => one.endsWith('.md')))
      for (const [, name = ''] of textOf(`docs/${page}`).matchAll(/`([A-Z][A-Z0-9_]+)`/g)) {
        if (!names.has(name)) continue;
        seen++;
        if (!new RegExp(`^(?:const )?${name}\\b`, 'm').test(exported))
          unknown.push(`${name}, ${page}`);
      }
    expect(unknown).toEqual([]);
    expect(seen).toBeGreaterThan(20);
  });
});

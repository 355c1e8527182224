// SPDX-License-Identifier: MIT
// No two types have the same name, so a name is unambiguous.

import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, it } from 'vitest';
import { PROJECT } from '../support/project.ts';

const FOLDERS = ['assembly', 'bench', 'cli', 'demo', 'devices', 'guest-driver', 'host', 'vmm'];
const TYPE = /^export (?:abstract )?(?:class|interface|type|enum) (\w+)/gm;

it('an exported type has its name to itself', () => {
  const places = new Map<string, string[]>();
  for (const folder of FOLDERS)
    for (const name of readdirSync(join(PROJECT, folder), { recursive: true, encoding: 'utf8' })) {
      if (!name.endsWith('.ts') || name.endsWith('.d.ts')) continue;
      const file = join(folder, name);
      for (const [, type = ''] of readFileSync(join(PROJECT, file), 'utf8').matchAll(TYPE))
        places.set(type, [...(places.get(type) ?? []), file]);
    }
  expect(places.size).toBeGreaterThan(200);
  expect([...places].filter(([, files]) => files.length > 1)).toEqual([]);
});

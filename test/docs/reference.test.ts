// SPDX-License-Identifier: MIT
// Pages that are generated from declarations are up to date, complete, and linked.

import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import * as CHECKPOINT from '../../assembly/layout/checkpoint-registers.ts';
import * as DMA from '../../assembly/layout/dma-engine-registers.ts';
import * as tables from '../../devices/tables/index.ts';
import { OPTIONS, PAGES } from '../../scripts/reference-tables.mjs';
import { HOST_SETTINGS, MACHINE_SETTINGS } from '../../vmm/api/settings.ts';
import { PROJECT } from '../support/project.ts';

const textOf = (path: string) => readFileSync(join(PROJECT, path), 'utf8');

/** The rows of a page's tables, by the name in their first cell. */
function rows(path: string): Map<string, string[]> {
  return new Map(
    textOf(path)
      .split('\n')
      .filter((line) => line.startsWith('| `'))
      .map((line): [string, string[]] => {
        const cells = line.split(/(?<!\\)\|/).map((cell) => cell.trim());
        return [/^`(\w+)/.exec(cells[1] ?? '')?.[1] ?? '', cells.slice(2, -1)];
      }),
  );
}

describe('pages made from declarations', () => {
  it.each([...PAGES])('%s is what node scripts/reference-tables.mjs writes', (path, page) => {
    expect(textOf(path)).toBe(page());
  });

  it('have a table for each public type of options', () => {
    const [exported = ''] = textOf('docs/internals/api-report.txt').split(
      '\n## named by signatures',
    );
    const types = [...exported.matchAll(/^interface (\w+(?:Options|Settings|Faults|Quirks))\b/gm)];
    expect(types.length).toBeGreaterThan(25);
    const shown = OPTIONS.flatMap(([, ...interfaces]) => interfaces.map(([, name]) => name));
    for (const [, name] of types) expect(shown).toContain(name);
  });

  it('have a row for every option, register and builder, and a meaning in each', () => {
    const options = rows('docs/options.md');
    for (const name of [...Object.keys(HOST_SETTINGS), ...Object.keys(MACHINE_SETTINGS)])
      expect(options.get(name)?.at(-1), name).toMatch(/\w/);
    const registers = rows('docs/registers.md');
    for (const [name, value] of Object.entries({ ...DMA, ...CHECKPOINT })) {
      const [shown = '', meaning] = registers.get(name) ?? [];
      expect(meaning, name).toMatch(/\w/);
      const digits = shown.replaceAll('`', '');
      if (!digits.includes('<')) expect(Number(digits), name).toBe(value);
    }
    const builders = rows('docs/tables.md');
    for (const [name, value] of Object.entries(tables)) {
      if (typeof value !== 'function' || name === tables.PageTable.name) continue;
      expect(builders.get(name)?.at(-1), name).toMatch(/\w/);
    }
  });

  it('are linked from where a reader begins', () => {
    const start = textOf('README.md') + textOf('docs/api.md');
    for (const page of ['options', 'registers', 'tables', 'json', 'troubleshooting'])
      expect(start).toMatch(new RegExp(`\\]\\((?:docs/)?${page}\\.md\\)`));
  });
});

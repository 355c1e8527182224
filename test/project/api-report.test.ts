// SPDX-License-Identifier: MIT
// scripts/api-report.mjs on a small package: what counts as public, its format, and how a
// change of it appears.

import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { apiReport, differences } from '../../scripts/api-report.mjs';

type Files = Readonly<Record<string, string>>;

const MANIFEST = {
  exports: {
    '.': { types: './dist/index.d.ts', default: './dist/index.js' },
    './more': { types: './dist/more.d.ts', default: './dist/more.js' },
    './source': { types: './source.ts' },
    './layout/*': { types: './layout/*.d.ts' },
    './wasm/*.wasm': './dist/*.wasm',
    './package.json': './package.json',
  },
};

const FILES: Files = {
  'package.json': JSON.stringify(MANIFEST),
  'dist/index.d.ts': `
    import type { Outside } from 'other';
    import { type Hidden, Base as Under } from './inner.ts';
    /** Not shown. */
    export declare class Shown extends Under {
        #private;
        private secret;
        /** @internal */
        inner(): Secret;
        /** Shown. */
        readonly value: Hidden; // of it
        private constructor();
        read(Hidden: string, x?: import("./far.ts").Far): Outside;
    }
    interface Secret {
        x: 1;
    }
    declare function local(a: string): void;
    declare function local(a: number): void;
    export { local as renamed };
    export type { Base } from './inner.ts';
    export * from './inner.ts';
`,
  'dist/inner.d.ts': `
    export interface Hidden {
        deep: Deep;
    }
    export declare class Base {
    }
    export declare const LIMIT = 4;
    interface Deep {
        self: Deep;
        deeper: Deeper;
    }
    interface Deeper {
    }
`,
  'dist/far.d.ts': 'export type Far = 1;\n',
  'dist/more.d.ts': "export { LIMIT as MOST } from './inner.ts';\nexport type More = 2;\n",
  'source.ts': `
    // @ts-ignore: decorator
@inline
    export function add(a: i32, b: i32): i32 {
      return a + b;
    }
    export class Pair {
      first: u32 = 0;
      sum(): u32 {
        return this.first;
      }
    }
`,
  'layout/b.d.ts': 'export declare const B = 1;\n',
  'layout/a.d.ts': 'export declare const A = 1;\n',
};
const PACKED = ['dist/b.wasm', 'dist/a.wasm', 'layout/b.d.ts', 'layout/a.d.ts', 'dist/main.js'];

/** The part of a report below a heading, without indentation. */
const section = (report: string, heading: string) =>
  (report.split(`## ${heading}\n\n`)[1] ?? '')
    .split('\n\n')[0]
    ?.split('\n')
    .map((line) => line.trim())
    .filter((line) => line !== '');

let root: string;
const reportOf = (changed: Files = {}) => {
  for (const [path, text] of Object.entries({ ...FILES, ...changed })) {
    mkdirSync(dirname(join(root, path)), { recursive: true });
    writeFileSync(join(root, path), text);
  }
  return apiReport(root, PACKED);
};

beforeEach(() => {
  root = mkdtempSync(join(tmpdir(), 'vsmmu-report-'));
});
afterEach(() => rmSync(root, { recursive: true }));

describe('the report', () => {
  it('has the signatures of an import name, without comments and private members', () => {
    expect(section(reportOf(), 'vsmmu')).toEqual([
      'type class Base {',
      '}',
      'interface Hidden {',
      'deep: Deep;',
      '}',
      'const LIMIT = 4;',
      'class Shown extends Under {',
      'readonly value: Hidden;',
      'private constructor();',
      'read(Hidden: string, x?: import("./far.ts").Far): Outside;',
      '}',
      'renamed: function local(a: string): void;',
      'renamed: function local(a: number): void;',
    ]);
  });

  it('prints once what two import names have', () => {
    expect(section(reportOf(), 'vsmmu/more')).toEqual(['MOST: vsmmu', 'type More = 2;']);
  });

  it('has AssemblyScript without the bodies of its functions', () => {
    expect(section(reportOf(), 'vsmmu/source')).toEqual([
      'class Pair {',
      'first: u32 = 0;',
      'sum(): u32;',
      '}',
      'function add(a: i32, b: i32): i32;',
    ]);
  });

  it('lists types that signatures name and nothing exports', () => {
    expect(section(reportOf(), 'named by signatures, exported by none of these')).toEqual([
      'interface Deep {',
      'self: Deep;',
      'deeper: Deeper;',
      '}',
      'interface Deeper {',
      '}',
      'type Far = 1;',
    ]);
  });

  it('has the modules and files of patterns that are packed, in order', () => {
    const report = reportOf();
    expect(report.indexOf('## vsmmu/layout/a\n')).toBeLessThan(
      report.indexOf('## vsmmu/layout/b\n'),
    );
    expect(section(report, 'files')).toEqual([
      'vsmmu/wasm/a.wasm',
      'vsmmu/wasm/b.wasm',
      'vsmmu/package.json',
    ]);
    expect(apiReport(root, PACKED.toReversed())).toBe(report);
  });

  it.each<[what: string, changed: Files, lines: string[]]>([
    ['no change', {}, []],
    [
      'another comment, another private member',
      {
        'dist/index.d.ts': (FILES['dist/index.d.ts'] ?? '')
          .replace('Not shown.', 'Not seen.')
          .replace('private secret;', 'private other;')
          .replace('x: 1', 'x: 2'),
      },
      [],
    ],
    [
      'another parameter',
      { 'dist/far.d.ts': 'export type Far = 2;\n' },
      ['- type Far = 1;', '+ type Far = 2;'],
    ],
    [
      'a name that goes',
      { 'dist/more.d.ts': "export { LIMIT as MOST } from './inner.ts';\n" },
      ['- type More = 2;'],
    ],
    [
      'a class of which the type alone is left',
      {
        'dist/more.d.ts':
          "export type { Base as Core } from './inner.ts';\nexport type More = 2;\n",
      },
      ['- MOST: vsmmu', '+ type Core: vsmmu'],
    ],
  ])('shows %s', (_, changed, lines) => {
    const before = reportOf();
    const [first, ...rest] = differences(before, reportOf(changed));
    expect(rest).toEqual(lines);
    if (lines.length > 0)
      expect(first).toMatch(/^the public surface is not .*: npm run api:report$/);
    else expect(first).toBeUndefined();
  });

  it('states how many lines it does not show', () => {
    const lines = Array.from({ length: 45 }, (_, i) => `const A${i} = 0;`).join('\n');
    expect(differences('', lines).at(-1)).toBe('… and 6 lines more');
    expect(differences('a\nb', 'b\na').at(-1)).toBe('the order of its lines has changed');
  });

  it.each<[string, Files, string]>([
    ['a module that is not there', { 'dist/more.d.ts': "export * from './gone.ts';" }, 'gone'],
    ['a name that is not there', { 'dist/more.d.ts': "export { X } from './far.ts';" }, 'X'],
    ['a default export', { 'dist/far.d.ts': 'declare const a: 1;\nexport default a;' }, 'default'],
    ['a syntax error', { 'dist/far.d.ts': 'export type = ;' }, 'dist/far.d.ts'],
  ])('refuses %s', (_, changed, message) => {
    expect(() => reportOf(changed)).toThrow(message);
  });
});

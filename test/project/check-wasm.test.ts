// The build's check of hot modules, against small modules put together byte by byte from the WebAssembly binary format: each breaks
// one rule.

import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { checkFile, checkHotModule, HOT_MODULES } from '../../scripts/check-wasm.mjs';
import { PROJECT } from '../support/project.ts';

type Bytes = readonly number[];

const text = (value: string): Bytes => [value.length, ...Buffer.from(value)];
const section = (id: number, ...bytes: Bytes): Bytes => [id, bytes.length, ...bytes];
const list = (...items: Bytes[]): Bytes => [items.length, ...items.flat()];

const FUNC_TYPE: Bytes = [0x60, 0, 0]; // () -> ()
const I32 = 0x7f;
const END = 0x0b;

const SHARED_MEMORY: Bytes = [...text('env'), ...text('memory'), 2, 3, 1, 1];
const PLAIN_MEMORY: Bytes = [...text('env'), ...text('memory'), 2, 1, 1, 1];
const CONSTANT_IMPORT: Bytes = [...text('unit'), ...text('THREAD'), 3, I32, 0];
const MUTABLE_IMPORT: Bytes = [...text('unit'), ...text('THREAD'), 3, I32, 1];
const FUNCTION_IMPORT: Bytes = [...text('port'), ...text('load32'), 0, 0];

/** Function body without locals. */
const body = (...code: Bytes): Bytes => [code.length + 2, 0, ...code, END];
// i32.const 0, i64.const -1, f64.const 0, drops, and an atomic load: instructions whose immediates could hide a br_table's opcode.
const DECOYS: Bytes = [
  0x41, 0x0e, 0x1a, 0x42, 0x0e, 0x1a, 0x44, 0, 0, 0, 0x0e, 0, 0, 0, 0, 0x1a, 0x41, 0, 0xfe, 0x10, 2,
  0x0e, 0x1a, 0x41, 0, 0x28, 2, 0x0e, 0x1a,
];
const jumpTable = (targets: number): Bytes => [
  0x02,
  0x40,
  0x41,
  0,
  0x0e,
  targets,
  ...Array<number>(targets + 1).fill(0),
  END,
];

interface Parts {
  readonly imports?: readonly Bytes[];
  readonly extra?: readonly Bytes[];
  readonly globals?: readonly Bytes[];
  readonly exports?: readonly Bytes[];
  readonly code?: Bytes;
  readonly after?: readonly Bytes[];
}

/** A module with one function, sections in the order of the format. */
function moduleOf({
  imports = [SHARED_MEMORY, CONSTANT_IMPORT],
  extra = [],
  globals = [],
  exports = [],
  code = DECOYS,
  after = [],
}: Parts) {
  return Uint8Array.from([
    ...[0, 0x61, 0x73, 0x6d, 1, 0, 0, 0],
    ...section(1, ...list(FUNC_TYPE)),
    ...section(2, ...list(...imports)),
    ...section(3, ...list([0])),
    ...extra.flat(),
    ...section(6, ...list(...globals)),
    ...section(7, ...list(...exports)),
    ...after.filter(([id]) => id === 8 || id === 9 || id === 12).flat(),
    ...section(10, ...list(body(...code))),
    ...after.filter(([id]) => id === 11).flat(),
  ]);
}

describe('check of hot modules', () => {
  it('passes a module that keeps every rule', () => {
    const good = moduleOf({
      imports: [FUNCTION_IMPORT, SHARED_MEMORY, CONSTANT_IMPORT],
      globals: [[I32, 0, 0x41, 0x2a, END]],
      exports: [[...text('serve'), 0, 1]],
      code: [...DECOYS, ...jumpTable(12)],
    });
    expect(WebAssembly.validate(good)).toBe(true);
    expect(checkHotModule(good, 12)).toEqual([]);
  });

  const dataCount = section(12, 1);
  const data = section(11, ...list([0, 0x41, 0, END, 1, 0x2a]));
  const table = section(4, ...list([0x70, 0, 1]));
  const element = section(9, ...list([0, 0x41, 0, END, 1, 0]));
  it.each<[string, Parts, string[]]>([
    [
      'a data segment',
      { after: [dataCount, data] },
      ['has the section data', 'has the section dataCount'],
    ],
    [
      'an element segment',
      { extra: [table], after: [element] },
      ['has the section element', 'defines a table'],
    ],
    ['a start function', { after: [section(8, 0)] }, ['has the section start']],
    [
      'a memory that is not shared',
      { imports: [PLAIN_MEMORY] },
      ['does not import exactly one memory, and that shared'],
    ],
    [
      'no memory',
      { imports: [], code: [] },
      ['does not import exactly one memory, and that shared'],
    ],
    [
      'a memory of its own',
      { imports: [], extra: [section(5, ...list([3, 1, 1]))] },
      ['defines a memory of its own', 'does not import exactly one memory, and that shared'],
    ],
    [
      'an imported mutable global',
      { imports: [SHARED_MEMORY, MUTABLE_IMPORT] },
      ['has 1 mutable global'],
    ],
    [
      'mutable globals',
      {
        globals: [
          [I32, 1, 0x41, 0x2a, END],
          [I32, 0, 0x41, 1, END],
          [I32, 1, 0x41, 2, END],
        ],
      },
      ['has 2 mutable globals'],
    ],
    ['an exported memory', { exports: [[...text('mem'), 2, 0]] }, ['exports its memory as mem']],
  ])('refuses %s', (_, parts, problems) => {
    const bad = moduleOf(parts);
    expect(WebAssembly.validate(bad)).toBe(true);
    expect(checkHotModule(bad, 0)).toEqual(problems);
  });

  it.each([
    ['compares', DECOYS, 0],
    ['too small a table', jumpTable(11), 11],
  ])('refuses dispatch by %s', (_, code, found) => {
    const bad = moduleOf({ code });
    expect(checkHotModule(bad, 12)).toEqual([
      `dispatches without a jump table: its largest br_table has ${found} targets, not 12 or more`,
    ]);
  });

  it('throws at what is no module', () => {
    expect(() => checkHotModule(Uint8Array.from(Buffer.from('not wasm')), 0)).toThrow(
      'not a WebAssembly module',
    );
    expect(() => checkHotModule(moduleOf({}).subarray(0, 30), 0)).toThrow('ends too early');
  });

  it.each(Object.keys(HOT_MODULES))('passes %s as built', async (name) => {
    const folder = name === 'secondary' ? 'guest-driver' : 'assembly';
    expect(await checkFile(join(PROJECT, folder, `${name}.wasm`))).toEqual([]);
  });
});

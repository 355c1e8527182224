// SPDX-License-Identifier: MIT
// The build's check of hot modules, against small modules built byte by byte from the
// WebAssembly binary format: each breaks one rule.

import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { hasMultiMemory } from '../../assembly/load.ts';
import {
  checkBounds,
  checkFile,
  checkHotModule,
  checkPort,
  HOT_MODULES,
} from '../../scripts/check-wasm.mjs';
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
// i32.const 0, i64.const -1, f64.const 0, drops, and an atomic load: instructions whose
// immediates could hide a br_table's opcode.
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
      ['imports the memories (env private), not (env shared)'],
    ],
    ['no memory', { imports: [], code: [] }, ['imports the memories (), not (env shared)']],
    [
      'a memory of its own',
      { imports: [], extra: [section(5, ...list([3, 1, 1]))] },
      ['defines a memory of its own', 'imports the memories (), not (env shared)'],
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

  it('throws for an invalid module', () => {
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

const GUEST_MEMORY: Bytes = [...text('guest'), ...text('memory'), 2, 3, 1, 1];
const MEMORY_SIZE: Bytes = [...text('regions'), ...text('MEMORY_SIZE'), 3, I32, 0];
const UNIT = [SHARED_MEMORY, GUEST_MEMORY, CONSTANT_IMPORT, MEMORY_SIZE];
/** Alignment of 4, a memory index, no offset. */
const onHost: Bytes = [2, 0];
const onGuest: Bytes = [0x42, 1, 0];
const get = (local: number): Bytes => [0x20, local];
const ATOMIC_LOAD: Bytes = [0xfe, 0x10];
const ATOMIC_STORE: Bytes = [0xfe, 0x17];

interface Check {
  readonly aligned?: number;
  readonly offset?: number;
  readonly compared?: number;
  readonly size?: number;
  readonly compare?: number;
  readonly global?: number;
}

/** (offset & (4 - 1)) == 0 && offset <= MEMORY_SIZE - 4, or a variation of it. */
const check = ({
  aligned = 0,
  offset = 3,
  compared = 0,
  size = 4,
  compare = 0x4d,
  global = 1,
}: Check = {}): Bytes => [
  ...[...get(aligned), 0x41, offset, 0x71, 0x45],
  ...[...get(compared), 0x23, global, 0x41, size, 0x6b, compare, 0x71],
];
const then = (...code: Bytes): Bytes => [0x04, 0x40, ...code, END];
/** i32.sub, i32.le_u, i32.and. */
const LE_U = Buffer.from([0x6b, 0x4d, 0x71]);
const store: Bytes = then(...get(0), ...get(1), ...ATOMIC_STORE, ...onGuest);

/** A module with two memories and a function of two locals. */
function unitOf(code: Bytes, name?: string): Uint8Array<ArrayBuffer> {
  const locals: Bytes = [1, 2, I32, ...code, END];
  const namesOf = list([0, ...text(name ?? '')]);
  const names = section(0, ...text('name'), 1, namesOf.length, ...namesOf);
  return Uint8Array.from([
    ...[0, 0x61, 0x73, 0x6d, 1, 0, 0, 0],
    ...section(1, ...list(FUNC_TYPE)),
    ...section(2, ...list(...UNIT)),
    ...section(3, ...list([0])),
    ...section(10, ...list([locals.length, ...locals])),
    ...(name === undefined ? [] : names),
  ]);
}

describe('check of a unit with two memories', () => {
  const good = [...check(), ...store];
  it.each<[string, Bytes]>([
    ['the check of the guest port', good],
    ['any access to the memory of the host', [...get(0), ...ATOMIC_LOAD, ...onHost, 0x1a]],
  ])('passes %s', (_, code) => {
    expect(checkBounds(unitOf(code))).toEqual([]);
  });

  it.each<[string, Bytes]>([
    ['no check', [...get(0), ...get(1), ...ATOMIC_STORE, ...onGuest]],
    ['a check of another offset', [...check({ aligned: 1, compared: 1 }), ...store]],
    ['a check of bounds of another offset', [...check({ compared: 1 }), ...store]],
    ['a check of alignment to less', [...check({ offset: 1 }), ...store]],
    ['a check for fewer bytes', [...check({ size: 2 }), ...store]],
    ['a signed comparison', [...check({ compare: 0x4c }), ...store]],
    ['a comparison with another constant', [...check({ global: 0 }), ...store]],
    [
      'an access after the one that is checked',
      [...check(), ...then(...get(0), ...get(1), ...ATOMIC_STORE, 0x42, 1, 4)],
    ],
    [
      'an offset that is set after the check',
      [...check(), ...then(0x41, 0, 0x21, 0, ...get(0), ...get(1), ...ATOMIC_STORE, ...onGuest)],
    ],
    [
      'an access in the other branch',
      [...check(), ...[0x04, 0x40, 0x05, ...get(0), ...get(1), ...ATOMIC_STORE, ...onGuest, END]],
    ],
    ['an access that the port has not', [...check(), ...then(...get(0), 0x28, ...onGuest, 0x1a)]],
    ['a fill', [0x41, 0, 0x41, 0, 0x41, 4, 0xfc, 11, 1]],
    ['a copy from it', [0x41, 0, 0x41, 0, 0x41, 4, 0xfc, 10, 0, 1]],
    ['its size', [0x3f, 1, 0x1a]],
  ])('refuses %s', (_, code) => {
    const bad = unitOf(code);
    // Node.js 20 does not support modules with two memories.
    expect(WebAssembly.validate(bad)).toBe(hasMultiMemory());
    expect(checkBounds(bad)).toEqual([
      "touches guest memory 1 times where the port's check of bounds does not dominate",
    ]);
  });

  it('identifies the functions of the guest port before anything is inlined', () => {
    expect(checkPort(unitOf(good, 'assembly/guest-port/index/store32'))).toEqual([]);
    expect(checkPort(unitOf(good, 'assembly/smmu-core/walk/step'))).toEqual([
      'assembly/smmu-core/walk/step accesses guest memory outside the guest port',
      'no function of the guest port accesses guest memory',
    ]);
    expect(checkPort(unitOf([], 'assembly/smmu-core/walk/step'))).toEqual([
      'no function of the guest port accesses guest memory',
    ]);
  });

  it.each(['smmu-unit', 'smmu-unit-checked', 'amd-unit'])(
    '%s: each access counts, its check taken out byte by byte',
    async (name) => {
      const bytes = await readFile(join(PROJECT, 'assembly', `${name}.wasm`));
      expect(WebAssembly.validate(bytes)).toBe(hasMultiMemory());
      expect(checkBounds(bytes)).toEqual([]);
      // i32.sub; i32.le_u; i32.and of a check becomes a signed comparison.
      let checks = 0;
      for (let at = bytes.indexOf(LE_U); at >= 0; at = bytes.indexOf(LE_U, at + 1)) {
        const broken = Uint8Array.from(bytes);
        broken[at + 1] = 0x4c;
        if (checkBounds(broken).length > 0) checks++;
      }
      expect(checks).toBeGreaterThan(5);
    },
  );
});

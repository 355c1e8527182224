// SPDX-License-Identifier: MIT
// Binaries that are made to do harm while they are read, compiled or instantiated: each
// is refused by name, before any engine sees it.

import { afterEach, describe, expect, it } from 'vitest';
import { Random } from '../../../../devices/bus/index.ts';
import {
  GuestImageError,
  loadGuestImage,
  loadSecondaryProgram,
} from '../../../../vmm/vcpu/wasm/index.ts';
import { outlineOf } from '../../../../vmm/vcpu/wasm/wasm-binary.ts';
import { WasmFormatError } from '../../../../vmm/vcpu/wasm/wasm-reader.ts';
import {
  binary,
  command,
  HEADER,
  IMPORT_MEMORY,
  leb,
  name,
  section,
  vector,
} from '../../../support/wasm-bytes.ts';

type Load = (bytes: Uint8Array<ArrayBuffer>) => Promise<unknown>;

async function refusal(bytes: Uint8Array<ArrayBuffer>, load: Load = loadGuestImage) {
  try {
    await load(bytes);
  } catch (error) {
    expect(error).toBeInstanceOf(GuestImageError);
    const { code, message } = error as GuestImageError;
    // biome-ignore lint/suspicious/noControlCharactersInRegex: that there are none is the point.
    expect(message).not.toMatch(/[\u0000-\u001f\u007f-\u009f]/);
    expect(message.length).toBeLessThan(600);
    return `${code}: ${message}`;
  }
  return 'accepted';
}

const MEMORY_32 = [0x02, 0x03, 0x20, 0x20];
const FUNCTION = 0x00;
const imported = (...list: number[][]) => command({ imports: [IMPORT_MEMORY, ...list] });
const vsmmu = (call: string, type: number) => [...name('vsmmu'), ...name(call), FUNCTION, type];

/** No prototype has gained a property. */
const prototype = Object.getOwnPropertyNames(Object.prototype);
afterEach(() => expect(Object.getOwnPropertyNames(Object.prototype)).toEqual(prototype));

describe('the import section', () => {
  it('has the ABI, WASI, and one memory', async () => {
    expect(await refusal(command())).toBe('accepted');
    const abi = command({
      imports: [vsmmu('mmio_read32', 2), IMPORT_MEMORY, vsmmu('wait', 1), vsmmu('wait', 1)],
      functions: 3,
    });
    expect(await refusal(abi)).toBe('accepted');
  });

  it.each<[string, number[], string]>([
    [
      'a memory for Object.prototype',
      [...name('__proto__'), ...name('get'), ...MEMORY_32],
      'unknown-import: the guest imports a second memory, __proto__.get: it has one, env.memory',
    ],
    [
      'env.memory again',
      IMPORT_MEMORY,
      'unknown-import: the guest imports a second memory, env.memory: it has one, env.memory',
    ],
    [
      'a table',
      [...name('env'), ...name('memory'), 0x01, 0x70, 0x01, 0x00, 0x01],
      'unknown-import: the guest imports env.memory, which no machine provides: there are vsmmu.* and wasi_snapshot_preview1.*',
    ],
    [
      'a global',
      [...name('env'), ...name('__stack_pointer'), 0x03, 0x7f, 0x01],
      'unknown-import: the guest imports env.__stack_pointer, which no machine provides: there are vsmmu.* and wasi_snapshot_preview1.*',
    ],
    [
      'a tag',
      [...name('env'), ...name('__cpp_exception'), 0x04, 0x00, 0x01],
      'unknown-import: the guest imports env.__cpp_exception, which no machine provides: there are vsmmu.* and wasi_snapshot_preview1.*',
    ],
    [
      'the ABI with another type',
      vsmmu('mmio_read32', 1),
      'import-type: the guest imports vsmmu.mmio_read32 as (i32): it is (i32) -> i32',
    ],
    [
      'WASI with another type',
      [...name('wasi_snapshot_preview1'), ...name('fd_write'), FUNCTION, 3],
      'import-type: the guest imports wasi_snapshot_preview1.fd_write as (i32, i32): it is (i32, i32, i32, i32) -> i32',
    ],
  ])('has not %s', async (_, bytes, expected) => {
    expect(await refusal(imported(bytes))).toBe(expected);
  });

  it.each(['__proto__', 'constructor', 'toString', 'hasOwnProperty', 'valueOf', ''])(
    'has no function "%s"',
    async (word) => {
      for (const module of ['vsmmu', 'wasi_snapshot_preview1', 'env', '__proto__', 'constructor'])
        expect(await refusal(imported([...name(module), ...name(word), FUNCTION, 0x00]))).toMatch(
          /^unknown-import: /,
        );
    },
  );

  it('has names that harm no terminal', async () => {
    const sequence = imported([...name('\u001b[2J'), ...name('\n\u202e\u0000'), FUNCTION, 0x00]);
    expect(await refusal(sequence)).toContain('\\u{1b}[2J.\\u{a}\\u{202e}\\u{0}, which no machine');
    const long = imported([...name('x'.repeat(100_000)), ...name('y'), FUNCTION, 0x00]);
    expect(await refusal(long)).toMatch(/^unknown-import: the guest imports x{200}…,/);
    // A lone surrogate is not UTF-8; a byte order mark is part of the name.
    const lone = imported([...name([0xed, 0xa0, 0x80]), ...name('f'), FUNCTION, 0x00]);
    expect(await refusal(lone)).toContain('a name is not UTF-8');
    const marked = command({ imports: [[...name('\ufeffenv'), ...name('memory'), ...MEMORY_32]] });
    expect(await refusal(marked)).toMatch(/^no-memory-import: /);
  });
});

/** Tables of some entries. */
const tables = (...entries: number[]) =>
  section(4, vector(...entries.map((count) => [0x70, 0x01, ...leb(count), ...leb(count)])));
const typed = (...types: number[][]) => command({ types });

/** Binaries that are refused before they are compiled, in every program of a guest. */
const ALLOCATIONS: readonly [string, Uint8Array<ArrayBuffer>, string][] = [
  ['60 tables', command({ before: [tables(...new Array(60).fill(10_000_000))] }), 'table-limits'],
  ['one entry too many', command({ before: [tables(65_530, 7)] }), 'table-limits'],
  [
    'a table that may grow',
    command({ before: [section(4, vector([0x70, 0x00, 0x01]))] }),
    'table-limits',
  ],
  [
    'a table of 64 bits',
    command({ before: [section(4, vector([0x70, 0x05, 0x01, 0x01]))] }),
    'table-limits',
  ],
  [
    'elements beyond the tables',
    command({
      before: [tables(1)],
      between: [
        section(9, vector([0x01, 0x00, ...leb(65_536), ...new Array<number>(65_536).fill(0)])),
      ],
    }),
    'table-limits',
  ],
  ['a memory of its own', command({ before: [section(5, vector([0x00, 0x01]))] }), 'own-memory'],
  [
    'a memory of 64 bits',
    command({ imports: [[...name('env'), ...name('memory'), 0x02, 0x07, 0x20, 0x20]] }),
    'memory-size',
  ],
  ['a struct', typed([0x5f, 0x01, 0x7f, 0x01]), 'gc-types'],
  ['an array', typed([0x5e, 0x7f, 0x01]), 'gc-types'],
  ['an array in a rec group', typed([0x4e, 0x01, 0x50, 0x00, 0x5e, 0x7f, 0x01]), 'gc-types'],
  [
    'exceptions with references',
    command({ types: [[0x60, 0x01, 0x6f, 0x00]], before: [section(13, vector([0x00, 0x04]))] }),
    'gc-types',
  ],
];

describe('what a guest would have the engine allocate', () => {
  it.each(ALLOCATIONS)('is refused: %s', async (_, bytes, code) => {
    const compile = WebAssembly.compile;
    // Refused without the engine, which may allocate before it refuses.
    WebAssembly.compile = () => Promise.reject(new Error('it was compiled'));
    try {
      expect((await refusal(bytes)).split(':')[0]).toBe(code);
      expect((await refusal(bytes, loadSecondaryProgram)).split(':')[0]).toBe(code);
    } finally {
      WebAssembly.compile = compile;
    }
  });

  it('is allowed up to the limit', async () => {
    expect(await refusal(command({ before: [tables(65_530, 6)] }))).toBe('accepted');
  });

  it('may be objects for a guest that is trusted', async () => {
    const struct = typed([0x5f, 0x01, 0x7f, 0x01]);
    const trusted: Load = (bytes) => loadGuestImage(bytes, { allowGc: true });
    // Node 20 does not support such types, and the error says so.
    expect(await refusal(struct, trusted)).toMatch(/^accepted$|^invalid-wasm: /);
    expect(await refusal(ALLOCATIONS[0]?.[1] ?? command(), trusted)).toMatch(/^table-limits/);
  });
});

/** Damaged binaries, by their error. */
const DAMAGED: readonly [string, Uint8Array<ArrayBuffer>][] = [
  ['a number of six bytes', binary([0x01, 0x80, 0x80, 0x80, 0x80, 0x80, 0x00])],
  [
    'a number of 33 bits',
    binary(section(4, vector([0x70, 0x01, 0x01, 0x81, 0x80, 0x80, 0x80, 0x10]))),
  ],
  [
    'an address of 33 bits',
    binary(section(11, vector([0x00, 0x41, 0x81, 0x80, 0x80, 0x80, 0x10, 0x0b, 0x00]))),
  ],
  ['a number without an end', binary(new Array<number>(100).fill(0xff))],
  ['a section that ends past the file', binary([0x01, 0x10, 0x00])],
  ['a section without a size', binary([0x01])],
  ['a section of 4 GiB', binary([0x01, 0xff, 0xff, 0xff, 0xff, 0x0f])],
  ['sections out of order', binary(section(2, [0x00]), section(1, [0x00]))],
  ['a section twice', binary(section(1, [0x00]), section(1, [0x00]))],
  ['two import sections', binary(section(2, vector(IMPORT_MEMORY)), section(2, [0x00]))],
  ['an unknown section', binary(section(14, [0x00]))],
  ['a section that is longer than its contents', binary(section(1, [0x00, 0x00]))],
  ['4 billion types', binary(section(1, [0xff, 0xff, 0xff, 0xff, 0x0f]))],
  ['4 billion parameters', binary(section(1, [0x01, 0x60, 0xff, 0xff, 0xff, 0xff, 0x0f]))],
  ['4 billion imports', binary(section(2, [0xff, 0xff, 0xff, 0xff, 0x0f]))],
  ['4 billion elements', binary(section(9, [0x01, 0x01, 0x00, 0xff, 0xff, 0xff, 0xff, 0x0f]))],
  ['a name of 4 GiB', binary(section(2, [0x01, 0xff, 0xff, 0xff, 0xff, 0x0f]))],
  ['an unknown form of type', binary(section(1, [0x01, 0x5d, 0x00]))],
  ['an unknown value type', binary(section(1, [0x01, 0x60, 0x01, 0x01, 0x00]))],
  ['an import of an unknown kind', imported([...name('a'), ...name('x'), 0x09])],
  ['an import of an unknown type', imported([...name('a'), ...name('x'), 0x00, 0x63])],
  [
    'limits with unknown flags',
    command({ before: [section(4, vector([0x70, 0x09, 0x01, 0x01]))] }),
  ],
  [
    'an expression without an end',
    command({ before: [section(6, vector([0x7f, 0x00, 0x41, 0x00]))] }),
  ],
  [
    'an expression that calls',
    command({ before: [section(6, vector([0x7f, 0x00, 0x10, 0x00, 0x0b]))] }),
  ],
  ['data of an unknown kind', command({ after: [section(11, vector([0x03, 0x00]))] })],
  ['a custom section without a name', binary([0x00, 0x00])],
  ['a custom section whose name is no UTF-8', binary(section(0, name([0xff])))],
  ['version 2', Uint8Array.from([...HEADER.slice(0, 4), 0x02, 0x00, 0x00, 0x00])],
];

/** A length in five bytes, whatever it is. */
const leb5 = (value: number) =>
  [0, 7, 14, 21, 28].map((shift, i) => ((value >>> shift) & 0x7f) | (i < 4 ? 0x80 : 0));

describe('damaged binaries', () => {
  it.each(DAMAGED)('are refused: %s', async (_, bytes) => {
    // Refused by us, not by an engine that may decide otherwise.
    expect(() => outlineOf(bytes)).toThrow(WasmFormatError);
    const expected = /^(invalid-wasm: not a valid WebAssembly binary: |not-wasm)/;
    expect(await refusal(bytes)).toMatch(expected);
    expect(await refusal(bytes, loadSecondaryProgram)).toMatch(/^(invalid-wasm|not-wasm): /);
  });

  const whole = command({
    types: [[0x60, 0x01, 0x7e, 0x00]],
    before: [tables(3), section(6, vector([0x7f, 0x00, 0x41, 0x05, 0x0b]))],
    between: [section(9, vector([0x00, 0x41, 0x00, 0x0b, 0x01, 0x00]))],
  });

  it('are refused, whole ones as well, above 64 MiB: nothing cuts their compilation short', async () => {
    const filled = (size: number) => {
      const bytes = new Uint8Array(size);
      bytes.set(whole);
      // One custom section with an empty name, which extends to the end.
      const rest = size - whole.length - 1 - 5;
      bytes.set([0x00, ...leb5(rest), 0x00], whole.length);
      return bytes;
    };
    expect(await refusal(filled(64 * 2 ** 20))).toBe('accepted');
    expect(await refusal(filled(64 * 2 ** 20 + 1))).toBe(
      'too-large: the guest is larger than 64 MiB',
    );
  });

  it('are refused wherever they are cut short', async () => {
    expect(await refusal(whole)).toBe('accepted');
    for (let length = 0; length < whole.length; length++)
      expect(await refusal(whole.slice(0, length))).not.toBe('accepted');
  });

  it('never throw anything else, whichever bytes are changed', async () => {
    const random = new Random(13);
    for (let i = 0; i < 3000; i++) {
      const bytes = whole.slice();
      for (let changes = 1 + (random.word() % 3); changes > 0; changes--)
        bytes[8 + (random.word() % (bytes.length - 8))] = random.word();
      await refusal(bytes);
    }
  });
});

describe('programs of secondary vCPUs', () => {
  const secondary = (entry: string, imports: number[][] = [IMPORT_MEMORY], functions = 0) =>
    binary(
      section(1, vector([0x60, 0x02, 0x7f, 0x7f, 0x00], [0x60, 0x00, 0x01, 0x7f])),
      section(2, vector(...imports)),
      section(3, [0x01, 0x00]),
      section(7, vector([...name(entry), 0x00, ...leb(functions)])),
      section(10, [0x01, 0x02, 0x00, 0x0b]),
    );
  const WASI = [...name('wasi_snapshot_preview1'), ...name('sched_yield'), FUNCTION, 0x01];

  it.each<[string, Uint8Array<ArrayBuffer>, string]>([
    ['one', secondary('vsmmu_secondary'), 'accepted'],
    [
      'one without an entry',
      secondary('main'),
      'missing-export: the program of the secondary vCPUs: it exports no function "vsmmu_secondary"',
    ],
    [
      'one without a memory',
      secondary('vsmmu_secondary', []),
      'no-memory-import: the program of the secondary vCPUs: the guest imports no memory: let it import env.memory (wasm-ld --import-memory, asc --importMemory)',
    ],
    [
      'one with two memories',
      secondary('vsmmu_secondary', [
        IMPORT_MEMORY,
        [...name('__proto__'), ...name('get'), ...MEMORY_32],
      ]),
      'unknown-import: the program of the secondary vCPUs: the guest imports a second memory, __proto__.get: it has one, env.memory',
    ],
    [
      'one with WASI',
      secondary('vsmmu_secondary', [IMPORT_MEMORY, WASI], 1),
      'unknown-import: the program of the secondary vCPUs: it imports wasi_snapshot_preview1.sched_yield: only vCPU 0 has WASI',
    ],
    [
      'a script',
      new TextEncoder().encode('#!/bin/sh'),
      'not-wasm: the program of the secondary vCPUs: not a WebAssembly binary',
    ],
  ])('are read: %s', async (_, bytes, expected) => {
    expect(await refusal(bytes, loadSecondaryProgram)).toBe(expected);
  });
});

// SPDX-License-Identifier: MIT

import { describe, expect, it } from 'vitest';
import { looksLikeWasm, outlineOf } from '../../../../vmm/vcpu/wasm/wasm-binary.ts';
import { WasmFormatError } from '../../../../vmm/vcpu/wasm/wasm-reader.ts';
import { binary, HEADER, leb, name, section, vector } from '../../../support/wasm-bytes.ts';

const VOID = [0x60, 0x00, 0x00];
const types = (...list: number[][]) => section(1, vector(...list));
const imports = (...list: number[][]) => binary(types(VOID), section(2, vector(...list)));
const memory = (...limits: number[]) => [...name('env'), ...name('memory'), 0x02, ...limits];
const limitsOf = (...limits: number[]) => outlineOf(imports(memory(...limits))).imports[0];

describe('limits of the memory import', () => {
  it('reads initial, maximum and the shared flag', () => {
    // 0x03: maximum and shared; 512 is 0x80 0x04 in LEB128.
    expect(limitsOf(0x03, 0x80, 0x04, 0x80, 0x04)).toEqual({
      ...{ module: 'env', name: 'memory', kind: 'memory' },
      limits: { initial: 512, maximum: 512, shared: true, wide: false },
    });
    expect(limitsOf(0x00, 0x01)).toMatchObject({
      limits: { initial: 1, maximum: undefined, shared: false },
    });
    expect(limitsOf(0x01, 0x01, 0xff, 0xff, 0x03)).toMatchObject({
      limits: { initial: 1, maximum: 65535, shared: false },
    });
    expect(limitsOf(0x07, 0x01, 0x02)).toMatchObject({ limits: { wide: true, shared: true } });
  });

  it('passes over imports of every other kind', () => {
    const others = [
      [...name('a'), ...name('f'), 0x00, 0x00],
      [...name('a'), ...name('t'), 0x01, 0x70, 0x01, 0x00, 0x10],
      [...name('a'), ...name('u'), 0x01, 0x63, 0x70, 0x00, 0x00],
      [...name('a'), ...name('g'), 0x03, 0x7f, 0x00],
      [...name('a'), ...name('e'), 0x04, 0x00, 0x00],
    ];
    const outline = outlineOf(imports(...others, memory(0x03, 0x20, 0x20)));
    expect(outline.imports.map(({ kind }) => kind)).toEqual(
      'function table table global tag memory'.split(' '),
    );
    expect(outline.imports[0]).toMatchObject({ type: { params: [], results: [] } });
    expect(outline.collected).toBeUndefined();
  });

  it('recognizes a Wasm header', () => {
    expect(looksLikeWasm(Uint8Array.from(HEADER))).toBe(true);
    expect(looksLikeWasm(Uint8Array.from([0x7f, 0x45, 0x4c, 0x46]))).toBe(false);
    expect(looksLikeWasm(new Uint8Array())).toBe(false);
    expect(() => outlineOf(new Uint8Array())).toThrow(WasmFormatError);
  });
});

describe('where data is', () => {
  const data = (...segments: number[][]) =>
    binary(section(5, [0x01, 0x00, 0x10]), section(11, vector(...segments)));
  const lowest = (...segments: number[][]) => outlineOf(data(...segments)).lowestData;
  const bytes = [0x02, 0xaa, 0xbb];

  it('is the lowest constant address', () => {
    // 0x80 0x80 0xc0 0x00 is 0x100000, 0x80 0x08 is 0x400, 0x7f is -1.
    const high = [0x00, 0x41, 0x80, 0x80, 0xc0, 0x00, 0x0b, ...bytes];
    const low = [0x02, 0x00, 0x41, 0x80, 0x08, 0x0b, ...bytes];
    expect(lowest(high)).toBe(0x100000);
    expect(lowest(high, low)).toBe(0x400);
    expect(lowest(low, [0x01, ...bytes], high)).toBe(0x400);
    expect(lowest([0x00, 0x41, 0x7f, 0x0b, ...bytes])).toBe(0xffffffff);
    // After one whose address is not a constant.
    expect(lowest([0x00, 0x23, 0x00, 0x0b, ...bytes], low)).toBe(0x400);
  });

  it('is found after globals with constants of every kind', () => {
    const END = 0x0b;
    const outline = outlineOf(
      binary(
        section(5, [0x01, 0x00, 0x10]),
        section(
          6,
          vector(
            [0x7f, 0x00, 0x41, 0x8b, END, END],
            [0x7e, 0x00, 0x42, 0x8b, 0x8b, END, END],
            [0x7d, 0x00, 0x43, ...new Array<number>(4).fill(END), END],
            [0x7c, 0x01, 0x44, ...new Array<number>(8).fill(END), END],
            [0x7b, 0x00, 0xfd, 0x0c, ...new Array<number>(16).fill(END), END],
            [0x70, 0x00, 0xd0, 0x70, END],
            [0x70, 0x00, 0xd2, END, END],
            [0x7f, 0x00, 0x23, END, END],
            // i64.add
            [0x7e, 0x00, 0x42, END, 0x42, 0x7f, 0x7c, END],
          ),
        ),
        section(11, vector([0x00, 0x41, 0x80, 0x08, 0x0b, ...bytes])),
      ),
    );
    expect([outline.memories, outline.lowestData]).toEqual([1, 0x400]);
  });

  it('is unknown without data, for passive data, and at an address that is no constant', () => {
    expect(outlineOf(binary()).lowestData).toBeUndefined();
    expect(lowest([0x01, ...bytes])).toBeUndefined();
    expect(lowest([0x00, 0x23, 0x00, 0x0b, ...bytes])).toBeUndefined();
    expect(lowest([0x00, 0x41, 0x01, 0x41, 0x01, 0x6a, 0x0b, ...bytes])).toBeUndefined();
  });
});

describe('what a module has the engine allocate', () => {
  it('counts tables, memories and elements of every form', () => {
    const outline = outlineOf(
      binary(
        types(VOID),
        section(3, vector([0x00])),
        section(
          4,
          vector(
            [0x70, 0x00, 0x05],
            [0x6f, 0x01, 0x01, 0x07],
            [0x40, 0x00, 0x70, 0x01, 0x02, 0x03, 0xd2, 0x00, 0x0b],
            [0x70, 0x05, 0x01, 0x02],
          ),
        ),
        section(5, vector([0x00, 0x01], [0x01, 0x01, 0x02])),
        section(
          9,
          vector(
            [0x00, 0x41, 0x00, 0x0b, 0x01, 0x00],
            [0x01, 0x00, 0x02, 0x00, 0x00],
            [0x02, 0x00, 0x41, 0x00, 0x0b, 0x00, 0x01, 0x00],
            [0x03, 0x00, 0x01, 0x00],
            [0x04, 0x41, 0x00, 0x0b, 0x01, 0xd2, 0x00, 0x0b],
            [0x05, 0x70, 0x01, 0xd0, 0x70, 0x0b],
            [0x06, 0x00, 0x41, 0x00, 0x0b, 0x70, 0x00],
            [0x07, 0x70, 0x00],
          ),
        ),
      ),
    );
    expect(outline).toMatchObject({ memories: 2, elements: 7, collected: undefined });
    expect(outline.tables.map(({ initial, maximum, wide }) => [initial, maximum, wide])).toEqual([
      [5, undefined, false],
      [1, 7, false],
      [2, 3, false],
      [Number.POSITIVE_INFINITY, Number.POSITIVE_INFINITY, true],
    ]);
  });

  it.each<[string, number[][], string | undefined]>([
    ['functions only', [VOID, [0x60, 0x01, 0x70, 0x01, 0x6f]], undefined],
    ['functions in a rec group', [[0x4e, 0x02, ...VOID, 0x50, 0x00, ...VOID]], undefined],
    ['a struct', [[0x5f, 0x00]], 'struct types'],
    ['a struct with fields', [[0x5f, 0x02, 0x78, 0x00, 0x64, 0x00, 0x01]], 'struct types'],
    ['an array', [[0x5e, 0x77, 0x01]], 'array types'],
    ['a struct in a rec group', [[0x4e, 0x02, ...VOID, 0x5f, 0x00]], 'struct types'],
    ['an array below a subtype', [[0x4f, 0x01, 0x00, 0x5e, 0x7f, 0x01]], 'array types'],
    ['a function of any', [[0x60, 0x01, 0x6e, 0x00]], 'references to objects'],
    ['a function of (ref null eq)', [[0x60, 0x01, 0x63, 0x6d, 0x00]], 'references to objects'],
    ['a function of exnref', [[0x60, 0x00, 0x01, 0x69]], 'references to objects'],
  ])('knows whether %s need a garbage-collected heap', (_, list, collected) => {
    expect(outlineOf(binary(types(...list))).collected).toBe(collected);
  });

  it('recognizes exceptions that make lists, or are large', () => {
    const tagged = (...params: number[]) =>
      outlineOf(
        binary(
          types([0x60, ...leb(params.length), ...params, 0x00]),
          section(13, vector([0x00, 0x00])),
        ),
      ).collected;
    expect(tagged(0x7f, 0x7b)).toBeUndefined();
    expect(tagged(0x6f)).toBe('exceptions with references');
    expect(tagged(...new Array<number>(17).fill(0x7f))).toBe('exceptions of many values');
  });
});

// SPDX-License-Identifier: MIT
// The layout tables have one source for two compilers. This test compiles it with both,
// and compares every constant and every image.

import { readdirSync, readFileSync } from 'node:fs';
import { beforeAll, describe, expect, it } from 'vitest';
import { bitsOf, type Field, withBits } from '../../devices/plugin/index.ts';
import { compileAssembly } from '../support/compile-assembly.ts';

const LAYOUT = new URL('../../assembly/layout/', import.meta.url);
const FILES = readdirSync(LAYOUT).filter((name) => name.endsWith('.ts'));

interface Probe {
  insert(word: number, field: Field, value: number): number;
  extract(word: number, field: Field): number;
  readonly [constant: string]: unknown;
}

async function compileProbe(): Promise<Probe> {
  const binary = await compileAssembly('test/layout/as-probe.ts', [
    '--runtime',
    'stub',
    '-O1',
    '--config',
    'none',
  ]);
  const { instance } = await WebAssembly.instantiate(binary);
  return instance.exports as unknown as Probe;
}

describe('layout tables', () => {
  it.each(FILES)('%s is a leaf', (file) => {
    const code = readFileSync(new URL(file, LAYOUT), 'utf8').replace(
      /\/\*[\s\S]*?\*\/|\/\/.*/g,
      '',
    );
    expect(code).not.toMatch(/\bimport\b|\bfrom\b|\brequire\b/);
    expect(code.match(/^export const /gm)?.length).toBeGreaterThan(0);
  });
});

describe('layout tables in AssemblyScript', () => {
  let probe: Probe;
  const constants = new Map<string, number>();

  beforeAll(async () => {
    probe = await compileProbe();
    for (const file of FILES) {
      const layout = (await import(new URL(file, LAYOUT).href)) as Record<string, number>;
      for (const [name, value] of Object.entries(layout)) constants.set(name, value);
    }
  }, 60_000);

  // As 32-bit words: one of the two may have a number from 0x80000000 up as a negative
  // one.
  it('has every constant, with the same 32 bits', () => {
    expect(
      [...constants.keys()].filter((name) => !(probe[name] instanceof WebAssembly.Global)),
    ).toEqual([]);
    const seen = [...constants.keys()].map(
      (name) => [name, Number((probe[name] as WebAssembly.Global).value) >>> 0] as const,
    );
    expect(Object.fromEntries(seen)).toEqual(
      Object.fromEntries([...constants].map(([name, value]) => [name, value >>> 0])),
    );
    expect(constants.size).toBeGreaterThan(400);
  });

  // A command derived by hand (TLBI_NH_VA, VMID 3, ASID 5, 00000000_12345000, leaf;
  // test/layout/commands.test.ts).
  it('builds and reads the literal image of a command', () => {
    const field = (name: string) => constants.get(name) ?? 0;
    const words = [0, 0, 0, 0];
    const fields = {
      CMD_OP: 0x12,
      TLBI_VMID: 3,
      TLBI_ASID: 5,
      TLBI_LEAF: 1,
      TLBI_ADDR_LO: 0x12345,
      TLBI_ADDR_HI: 0,
    };
    for (const [name, value] of Object.entries(fields)) {
      const word = field(name) >>> 16;
      words[word] = probe.insert(words[word] ?? 0, field(name), value) >>> 0;
    }
    expect(words).toEqual([0x00000012, 0x00050003, 0x12345001, 0x00000000]);
    for (const [name, value] of Object.entries(fields))
      expect(probe.extract(words[field(name) >>> 16] ?? 0, field(name))).toBe(value);
  });

  it.each([
    [0, 1],
    [0, 32],
    [31, 1],
    [12, 20],
    [4, 28],
    [6, 5],
    [16, 16],
  ])('agrees with TypeScript on a field at bit %i of %i bits', (shift, width) => {
    const packed = (shift << 8) | width;
    for (const word of [0, 0xffffffff, 0x12345678, 0x80000001]) {
      for (const value of [0, 1, 0x5a5a5a5a, 0xffffffff]) {
        expect(probe.insert(word, packed, value) >>> 0).toBe(withBits(word, packed, value));
        expect(probe.extract(word, packed) >>> 0).toBe(bitsOf(word, packed));
      }
    }
  });
});

import { describe, expect, it } from 'vitest';
import {
  importedMemory,
  looksLikeWasm,
  lowestData,
} from '../../../../vmm/vcpu/wasm/wasm-binary.ts';

const HEADER = [0x00, 0x61, 0x73, 0x6d, 0x01, 0x00, 0x00, 0x00];
const text = (value: string) => [value.length, ...new TextEncoder().encode(value)];
const importSection = (...imports: number[][]) => {
  const contents = [imports.length, ...imports.flat()];
  return Uint8Array.from([...HEADER, 0x01, 0x01, 0x00, 0x02, contents.length, ...contents]);
};
const memory = (...limits: number[]) => [...text('env'), ...text('memory'), 0x02, ...limits];

describe('limits of the memory import', () => {
  it('reads initial, maximum and the shared flag', () => {
    // 0x03: maximum and shared; 512 is 0x80 0x04 in LEB128.
    expect(importedMemory(importSection(memory(0x03, 0x80, 0x04, 0x80, 0x04)))).toEqual({
      module: 'env',
      name: 'memory',
      initial: 512,
      maximum: 512,
      shared: true,
      wide: false,
    });
    expect(importedMemory(importSection(memory(0x00, 0x01)))).toMatchObject({
      initial: 1,
      maximum: undefined,
      shared: false,
    });
    expect(importedMemory(importSection(memory(0x01, 0x01, 0xff, 0xff, 0x03)))).toMatchObject({
      initial: 1,
      maximum: 65535,
      shared: false,
    });
    expect(importedMemory(importSection(memory(0x07, 0x01, 0x02)))).toMatchObject({
      wide: true,
      shared: true,
    });
  });

  it('passes over imports of every other kind', () => {
    const others = [
      [...text('a'), ...text('f'), 0x00, 0x80, 0x01],
      [...text('a'), ...text('t'), 0x01, 0x70, 0x01, 0x00, 0x10],
      [...text('a'), ...text('u'), 0x01, 0x63, 0x70, 0x00, 0x00],
      [...text('a'), ...text('g'), 0x03, 0x7f, 0x00],
      [...text('a'), ...text('e'), 0x04, 0x00, 0x00],
    ];
    expect(importedMemory(importSection(...others, memory(0x03, 0x20, 0x20)))).toMatchObject({
      initial: 32,
      maximum: 32,
    });
  });

  it('finds none where there is none', () => {
    expect(importedMemory(Uint8Array.from(HEADER))).toBeUndefined();
    expect(importedMemory(importSection([...text('a'), ...text('f'), 0x00, 0x00]))).toBeUndefined();
  });

  it('rejects a section that ends early or has an unknown kind', () => {
    const whole = importSection(memory(0x03, 0x20, 0x20));
    for (let length = HEADER.length + 4; length < whole.length; length++)
      expect(() => importedMemory(whole.subarray(0, length))).toThrow(RangeError);
    expect(() => importedMemory(importSection([...text('a'), ...text('x'), 0x09]))).toThrow(
      RangeError,
    );
  });

  it('knows a Wasm header', () => {
    expect(looksLikeWasm(Uint8Array.from(HEADER))).toBe(true);
    expect(looksLikeWasm(Uint8Array.from([0x7f, 0x45, 0x4c, 0x46]))).toBe(false);
    expect(looksLikeWasm(new Uint8Array())).toBe(false);
  });
});

describe('where data lies', () => {
  const data = (...segments: number[][]) => {
    const contents = [segments.length, ...segments.flat()];
    return Uint8Array.from([
      ...HEADER,
      0x05,
      0x03,
      0x01,
      0x00,
      0x10,
      0x0b,
      contents.length,
      ...contents,
    ]);
  };
  const bytes = [0x02, 0xaa, 0xbb];

  it('is the lowest constant address', () => {
    // 0x80 0x80 0xc0 0x00 is 0x100000, 0x80 0x08 is 0x400, 0x7f is -1.
    const high = [0x00, 0x41, 0x80, 0x80, 0xc0, 0x00, 0x0b, ...bytes];
    const low = [0x02, 0x00, 0x41, 0x80, 0x08, 0x0b, ...bytes];
    expect(lowestData(data(high))).toBe(0x100000);
    expect(lowestData(data(high, low))).toBe(0x400);
    expect(lowestData(data(low, [0x01, ...bytes], high))).toBe(0x400);
    expect(lowestData(data([0x00, 0x41, 0x7f, 0x0b, ...bytes]))).toBe(0xffffffff);
  });

  it('is unknown without data, for passive data, and behind an address that is no constant', () => {
    expect(lowestData(Uint8Array.from(HEADER))).toBeUndefined();
    expect(lowestData(data([0x01, ...bytes]))).toBeUndefined();
    expect(lowestData(data([0x00, 0x23, 0x00, 0x0b, ...bytes]))).toBeUndefined();
  });

  it('is refused in a module that is cut short', () => {
    const whole = data([0x00, 0x41, 0x80, 0x08, 0x0b, ...bytes]);
    for (let length = 14; length < whole.length - bytes.length; length++)
      expect(() => lowestData(whole.subarray(0, length))).toThrow(RangeError);
  });
});

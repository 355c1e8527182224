// SPDX-License-Identifier: MIT
// How the demo handles files that are picked or dropped.

import { describe, expect, it } from 'vitest';
import { fileNames, guestOf, type PickedFile, readFiles } from '../../demo/guest-files.ts';

const bytesOf = (...values: number[]) => {
  const bytes = new Uint8Array(128);
  bytes.set(values);
  return bytes;
};
const file = (name: string, bytes: Uint8Array<ArrayBuffer>): PickedFile => ({ name, bytes });
const IMAGE = bytesOf();
IMAGE.set([0x41, 0x52, 0x4d, 0x64], 56);
const KERNELS: readonly (readonly [string, Uint8Array<ArrayBuffer>])[] = [
  ['an Image', IMAGE],
  ['an ELF executable', bytesOf(0x7f, 0x45, 0x4c, 0x46)],
  ['a gzip file', bytesOf(0x1f, 0x8b)],
  ['an EFI zboot file', bytesOf(0x4d, 0x5a, 0, 0, 0x7a, 0x69, 0x6d, 0x67)],
];
const WASM = file('guest.wasm', bytesOf(0x00, 0x61, 0x73, 0x6d));
const CPIO = file('disk.img', new TextEncoder().encode('070701and so on'));

describe('files that are picked', () => {
  it.each(KERNELS)('are a kernel when one is %s', (_, bytes) => {
    const kernel = file('kernel', bytes);
    expect(guestOf([kernel])).toEqual({ kind: 'arm64', ...kernel, initrd: undefined });
  });

  it.each([
    ['an archive of cpio', CPIO],
    ['initrd.img-7.2, packed', file('initrd.img-7.2', bytesOf(0x1f, 0x8b))],
    ['initramfs.cpio.gz, packed', file('initramfs.cpio.gz', bytesOf(0x1f, 0x8b))],
  ])('are a kernel with its initial RAM disk when the other one is %s', (_, disk) => {
    const kernel = file('vmlinuz', bytesOf(0x1f, 0x8b));
    const expected = { kind: 'arm64', ...kernel, initrd: disk.bytes };
    expect(guestOf([kernel, disk])).toEqual(expected);
    expect(guestOf([disk, kernel])).toEqual(expected);
  });

  it('are passed to the WebAssembly machine, which reports their errors', () => {
    expect(guestOf([WASM])).toEqual({ kind: 'wasm', ...WASM });
    const text = file('text', new TextEncoder().encode('text'));
    expect(guestOf([text])).toEqual({ kind: 'wasm', ...text });
  });

  it('are refused when they do not make up one guest', () => {
    const kernel = file('kernel', IMAGE);
    const together = 'give one guest, or an arm64 kernel and its initial RAM disk';
    expect(() => guestOf([CPIO])).toThrow('an initial RAM disk needs its kernel: give both');
    for (const files of [
      [kernel, kernel],
      [WASM, CPIO],
      [kernel, CPIO, CPIO],
      [kernel, WASM],
    ])
      expect(() => guestOf(files)).toThrow(together);
  });
});

describe('names of files', () => {
  it('leave room in a line for what is wrong with them', () => {
    const named = (...names: string[]) => fileNames(names.map((name) => ({ name })));
    expect(named('a'.repeat(300))).toBe(`${'a'.repeat(40)}\u2026`);
    expect(named('a\u202eb\n.wasm', 'c', 'd')).toBe('ab.wasm, c, d');
    expect(named('a', 'b', 'c', 'd', 'e')).toBe('a, b, c and 2 more');
  });

  it('have nothing invisible, and their length', async () => {
    const name = `${'a'.repeat(300)}.cpio`;
    const [read] = await readFiles([new File(['x'], `\u202e${name}\n`)]);
    expect(read?.name).toBe(name);
  });
});

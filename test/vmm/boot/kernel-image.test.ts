// SPDX-License-Identifier: MIT

import { describe, expect, it } from 'vitest';
import {
  hasNoFormat,
  KernelImageError,
  loadKernel,
  looksLikeKernel,
  placeBootFiles,
} from '../../../vmm/boot/index.ts';
import { arm64Image, elf, gzip, zboot } from './kernel-files.ts';

const RAM = { base: 0x40000000, size: 0x4000000 };

/** The error for the file: its code, and its one line. */
async function refusal(file: Uint8Array<ArrayBuffer>, ram = RAM): Promise<string> {
  try {
    await loadKernel(file, ram);
  } catch (error) {
    if (!(error instanceof KernelImageError)) throw error;
    expect(error.message).not.toContain('\n');
    return `${error.code}: ${error.message}`;
  }
  return 'accepted';
}

function with32(file: Uint8Array<ArrayBuffer>, offset: number, value: number) {
  const copy = file.slice();
  new DataView(copy.buffer).setUint32(offset, value, true);
  return copy;
}

describe('an Image', () => {
  it('is loaded at the base of RAM, with the space that its header requests', async () => {
    const file = arm64Image();
    expect(await loadKernel(file, RAM)).toEqual({
      format: 'image',
      entry: 0x40000000,
      segments: [{ gpa: 0x40000000, bytes: file }],
      end: 0x40030000,
    });
  });

  it('is loaded at its text offset', async () => {
    const kernel = await loadKernel(with32(arm64Image(), 8, 0x80000), RAM);
    expect([kernel.entry, kernel.end]).toEqual([0x40080000, 0x400b0000]);
  });

  it('of before Linux 3.17 has neither size nor offset', async () => {
    const kernel = await loadKernel(with32(arm64Image(), 16, 0), RAM);
    expect([kernel.entry, kernel.end]).toEqual([0x40080000, 0x40081000]);
  });

  it.each([
    ['gzipped', async () => await gzip(arm64Image())],
    ['gzipped twice', async () => await gzip(await gzip(arm64Image()))],
    ['EFI zboot', async () => zboot(await gzip(arm64Image()))],
  ])('%s is unpacked', async (_what, packed) => {
    const kernel = await loadKernel(await packed(), RAM);
    expect(kernel.format).toBe('image');
    expect(kernel.segments[0]?.bytes).toEqual(arm64Image());
  });

  it.each<[string, () => Uint8Array<ArrayBuffer> | Promise<Uint8Array<ArrayBuffer>>, string]>([
    ['big-endian', () => with32(arm64Image(), 24, 0x0b), 'unsupported: the kernel is big-endian'],
    [
      'with a text offset of 2 MiB',
      () => with32(arm64Image(), 8, 0x200000),
      "damaged: the kernel's text offset is 0x200000, not below 2 MiB",
    ],
    [
      'larger than RAM',
      () => with32(arm64Image(), 20, 0xffffffff),
      'too-large: the kernel needs 18446744069414780928 bytes of memory: the machine has 67108864',
    ],
    [
      'gzipped and cut off',
      async () => (await gzip(arm64Image())).slice(0, -9),
      'damaged: cannot unpack the gzip file: ',
    ],
    [
      'gzipped with a flipped bit',
      async () => {
        const file = await gzip(arm64Image());
        file[file.length - 8] = (file[file.length - 8] ?? 0) ^ 1;
        return file;
      },
      'damaged: cannot unpack the gzip file: ',
    ],
    [
      'packed three times',
      async () => await gzip(await gzip(await gzip(arm64Image()))),
      'unsupported: the kernel is packed more than twice',
    ],
    [
      'packed by zstd',
      () => zboot(arm64Image(), 'zstd'),
      'unsupported: the kernel is packed by "zstd": unpack it, or take one packed by gzip',
    ],
    [
      'zboot with a name of control characters',
      () => zboot(arm64Image(), '\u001b[2J\n'),
      'unsupported: the kernel is packed by "\\u001b[2J\\n": unpack it, or take one packed by gzip',
    ],
    [
      'zboot that says gzip and is none',
      () => zboot(arm64Image()),
      "damaged: the kernel's packed part is not a gzip file",
    ],
    [
      'zboot that ends early',
      async () => with32(zboot(await gzip(arm64Image())), 12, 0xffffffff),
      "damaged: the kernel's file ends within its packed part",
    ],
  ])('%s is refused in one line', async (_what, file, message) => {
    const line = await refusal(await file());
    expect(line.slice(0, message.length)).toBe(message);
  });

  // Truncated at its end: only unpacking all of it finds that first.
  it('that unpacks to more than RAM is refused before all of it is unpacked', async () => {
    const bomb = (await gzip(new Uint8Array(0x800000))).slice(0, -20);
    expect(await refusal(bomb, { base: 0x40000000, size: 0x200000 })).toBe(
      'too-large: the gzip file unpacks to more than 2097152 bytes',
    );
    expect(await refusal(bomb)).toMatch(/^damaged: cannot unpack the gzip file: /);
  });
});

describe('an ELF executable', () => {
  const text = {
    virtual: 0x40080000n,
    physical: 0x40080000n,
    offset: 0x180n,
    fileSize: 0x40n,
    memorySize: 0x1000n,
  };

  it('is loaded at the physical addresses of its segments', async () => {
    const data = { ...text, virtual: 0x40100000n, physical: 0x40100000n, fileSize: 0x10n };
    const kernel = await loadKernel(elf(0x40080010n, [text, data]), RAM);
    expect(kernel).toEqual({
      format: 'elf',
      entry: 0x40080010,
      segments: [
        { gpa: 0x40080000, bytes: new Uint8Array(0x40).fill(0xa5) },
        { gpa: 0x40100000, bytes: new Uint8Array(0x10).fill(0xa5) },
      ],
      end: 0x40101000,
    });
  });

  it('has the declared number of program headers, whatever follows them', async () => {
    const data = { ...text, physical: 0x40100000n };
    const one = with32(elf(0x40080010n, [text, data]), 54, 0x00010038);
    const { segments, end } = await loadKernel(one, RAM);
    expect([segments.map(({ gpa }) => gpa), end]).toEqual([[0x40080000], 0x40081000]);
  });

  it('enters at a physical address when it is linked for others', async () => {
    const high = { ...text, virtual: 0xffff_8000_0000_0000n };
    expect((await loadKernel(elf(0xffff_8000_0000_0010n, [high]), RAM)).entry).toBe(0x40080010);
  });

  it('that is a vmlinux is loaded where its Image would be', async () => {
    const base = 0xffff_8000_8000_0000n;
    const head = { ...text, virtual: base, physical: base };
    const rest = { ...text, virtual: base + 0x10000n, physical: base + 0x10000n };
    const kernel = await loadKernel(elf(base, [head, rest]), RAM);
    expect(kernel.entry).toBe(0x40000000);
    expect(kernel.segments.map(({ gpa }) => gpa)).toEqual([0x40000000, 0x40010000]);
    expect(kernel.end).toBe(0x40011000);
  });

  it.each<[string, Uint8Array<ArrayBuffer>, string]>([
    ['cut off', elf(0n, [text]).slice(0, 40), 'damaged: the kernel is a damaged ELF file: it ends'],
    [
      'for x86-64',
      with32(elf(0n, [text]), 16, 0x003e0002),
      'unsupported: the kernel is an ELF file, but not for arm64',
    ],
    [
      'of 32 bits',
      (() => {
        const file = elf(0n, [text]);
        file[4] = 1;
        return file;
      })(),
      'unsupported: the kernel is an ELF file, but not for arm64',
    ],
    [
      'an object file',
      with32(elf(0n, [text]), 16, 0x00b70001),
      'unsupported: the kernel is an ELF file, but not an executable',
    ],
    [
      'with 65535 program headers',
      with32(elf(0n, [text]), 54, 0xffff0038),
      'damaged: the kernel is a damaged ELF file: it has 65535 program headers',
    ],
    [
      'with program headers of 0 bytes',
      with32(elf(0n, [text]), 54, 0x00010000),
      'damaged: the kernel is a damaged ELF file: its program headers have 0 bytes',
    ],
    [
      'with program headers beyond the file',
      with32(elf(0n, [text]), 36, 1),
      'damaged: the kernel is a damaged ELF file: it ends before its program headers',
    ],
    [
      'without segments',
      elf(0n, []),
      'damaged: the kernel is a damaged ELF file: it has nothing to load',
    ],
    [
      'with a segment beyond the file',
      elf(0n, [{ ...text, offset: 0xffff_ffff_ffff_ffffn }]),
      'damaged: the kernel is a damaged ELF file: segment 0 reaches beyond the file',
    ],
    [
      'with more bytes in the file than in memory',
      elf(0n, [{ ...text, memorySize: 0x3fn }]),
      'damaged: the kernel is a damaged ELF file: segment 0 has more bytes in the file than in memory',
    ],
    [
      'with a segment that wraps',
      elf(0n, [{ ...text, physical: 0xffff_ffff_ffff_f001n }]),
      'damaged: the kernel is a damaged ELF file: segment 0 reaches beyond the address space',
    ],
    [
      'entered outside of its segments',
      elf(0x40081000n, [text]),
      'damaged: the kernel is a damaged ELF file: its entry point lies in no segment',
    ],
    [
      'below RAM',
      elf(0x40080000n, [{ ...text, physical: 0x3ffff000n }]),
      "too-large: the kernel's segment at 0x3ffff000 to 0x40000000 lies outside of RAM, 0x40000000 to 0x44000000",
    ],
    [
      'across the end of RAM',
      elf(0x40080000n, [{ ...text, physical: 0x43fff001n }]),
      "too-large: the kernel's segment at 0x43fff001 to 0x44000001 lies outside of RAM, 0x40000000 to 0x44000000",
    ],
  ])('%s is refused in one line', async (_what, file, message) => {
    expect((await refusal(file)).slice(0, message.length)).toBe(message);
  });
});

describe('a flat binary', () => {
  it('is loaded at 512 KiB from the base of RAM', async () => {
    const file = Uint8Array.of(0x14, 0, 0, 0x14);
    expect(await loadKernel(file, RAM)).toEqual({
      format: 'flat',
      entry: 0x40080000,
      segments: [{ gpa: 0x40080000, bytes: file }],
      end: 0x40080004,
    });
  });

  // An ELF file begins with 7f 45 4c 46.
  it.each([
    [0x7e, 0x45, 0x4c, 0x46],
    [0x7f, 0x44, 0x4c, 0x46],
    [0x7f, 0x45, 0x4d, 0x46],
    [0x7f, 0x45, 0x4c, 0x47],
    [0x7f, 0x00, 0x00, 0x00],
    [0x00, 0x00, 0x00, 0x46],
  ])('may have a part of what an ELF file begins with: %i %i %i %i', async (...head) => {
    const file = Uint8Array.of(...head, 0, 0, 0, 0x14);
    const { format, segments } = await loadKernel(file, RAM);
    expect([format, segments]).toEqual(['flat', [{ gpa: 0x40080000, bytes: file }]]);
    expect(looksLikeKernel(file)).toBe(false);
  });

  it('that is a guest in WebAssembly is refused in one line, packed or not', async () => {
    const guest = Uint8Array.of(0x00, 0x61, 0x73, 0x6d, 1, 0, 0, 0);
    const line =
      'unsupported: the kernel is a WebAssembly module: a guest of the standard board, not of an arm64 machine';
    expect([await refusal(guest), await refusal(await gzip(guest))]).toEqual([line, line]);
  });

  // Each begins as the format's own documents say.
  it.each([
    [
      'xz',
      [0, 0xfd, 0x37, 0x7a, 0x58, 0x5a, 0x00],
      'packed by xz: unpack it, or take one packed by gzip',
    ],
    ['zstd', [0, 0x28, 0xb5, 0x2f, 0xfd], 'packed by zstd: unpack it, or take one packed by gzip'],
    [
      'bzip2',
      [0, 0x42, 0x5a, 0x68, 0x39, 0x31, 0x41, 0x59, 0x26, 0x53, 0x59],
      'packed by bzip2: unpack it, or take one packed by gzip',
    ],
    ['lz4', [0, 0x02, 0x21, 0x4c, 0x18], 'packed by lz4: unpack it, or take one packed by gzip'],
    [
      'lzma of unknown size',
      [0, 0x5d, 0, 0, 0x80, 0, ...Array.from({ length: 8 }, () => 0xff)],
      'packed by lzma: unpack it, or take one packed by gzip',
    ],
    [
      'lzma of 16 MiB, with a dictionary of 48 MiB',
      [0, 0x5d, 0, 0, 0, 3, 0, 0, 0, 1, 0, 0, 0, 0],
      'packed by lzma: unpack it, or take one packed by gzip',
    ],
    ['an ext4 file system', [0x438, 0x53, 0xef, 1, 0, 1, 0], 'a file system'],
    ['an x86 kernel', [0x202, 0x48, 0x64, 0x72, 0x53], 'for x86 (a bzImage)'],
    ['a zImage', [0x24, 0x18, 0x28, 0x6f, 0x01], 'for 32-bit Arm (a zImage)'],
    ['a RISC-V kernel', [0x38, 0x52, 0x53, 0x43, 0x05], 'for RISC-V'],
    [
      'a uImage',
      [0, 0x27, 0x05, 0x19, 0x56],
      'a uImage for U-Boot: take the Image that it was made of',
    ],
    [
      'a device tree',
      [0, 0xd0, 0x0d, 0xfe, 0xed],
      'a device tree or a FIT image: take the Image in it',
    ],
    ['an initrd', [0, 0x30, 0x37, 0x30, 0x37, 0x30, 0x31], 'an initial RAM disk'],
    [
      'a Debian package',
      [0, ...new TextEncoder().encode('!<arch>\n')],
      'a package or a library: unpack it',
    ],
    ['a tar archive', [257, 0x75, 0x73, 0x74, 0x61, 0x72], 'a tar archive: unpack it'],
  ])('that is %s is refused in one line, packed or not', async (_, [offset = 0, ...magic], is) => {
    const file = new Uint8Array(0x1000);
    file.set(magic, offset);
    const line = `unsupported: the kernel is ${is}`;
    expect([await refusal(file), await refusal(await gzip(file))]).toEqual([line, line]);
  });

  it.each([
    ['a branch over a header of 0x174 bytes', 0, [0x5d, 0, 0, 0x14]],
    ['such a branch, and what may be a size', 0, [0x5d, 0, 0, 0x14, 0, 0, 0, 0, 1]],
    ['three letters of bzip2', 0, [0x42, 0x5a, 0x68, 0x91, 0, 0, 0, 0x14]],
    ['an instruction like the magic of ext4', 0x438, [0x53, 0xef, 0x41, 0xd3]],
  ])('is accepted with %s', async (_, offset, code) => {
    const file = new Uint8Array(0x1000);
    file.set(code, offset);
    expect((await loadKernel(file, RAM)).format).toBe('flat');
    expect((await loadKernel(file.slice(0, offset + code.length), RAM)).format).toBe('flat');
  });

  it('that is an EFI application is refused, but not one that only begins like it', async () => {
    const file = new Uint8Array(0x1000);
    file.set([0x4d, 0x5a]);
    file.set([0x80], 0x3c);
    expect(await refusal(file)).toBe('accepted');
    file.set([0x50, 0x45, 0, 0], 0x80);
    expect(await refusal(file)).toBe(
      'unsupported: the kernel is an EFI application, but not an arm64 Image',
    );
  });

  it('that is empty, or too large, is refused in one line', async () => {
    expect(await refusal(new Uint8Array())).toBe("damaged: the kernel's file is empty");
    expect(await refusal(new Uint8Array(0x200001), { base: 0x40000000, size: 0x280000 })).toBe(
      'too-large: the kernel needs 2621441 bytes of memory: the machine has 2621440',
    );
  });
});

describe('hasNoFormat', () => {
  const noise = new Uint8Array(0x8000).fill(0x14);
  it.each<[string, () => Uint8Array<ArrayBuffer> | Promise<Uint8Array<ArrayBuffer>>]>([
    ['code', () => noise],
    ['gzipped code', async () => await gzip(noise)],
    ['code that is gzipped twice', async () => await gzip(await gzip(noise))],
    ['code in a zboot file', async () => zboot(await gzip(noise))],
    ['gzipped text', async () => await gzip(new TextEncoder().encode('a page'))],
  ])('is true of %s', async (_, file) => {
    expect(await hasNoFormat(await file())).toBe(true);
  });

  it.each<[string, () => Uint8Array<ArrayBuffer> | Promise<Uint8Array<ArrayBuffer>>]>([
    ['an Image', () => arm64Image()],
    ['an Image in a zboot file', async () => zboot(await gzip(arm64Image()))],
    ['an ELF file that is gzipped twice', async () => await gzip(await gzip(elf(0n, [])))],
    ['a gzipped file for others', async () => await gzip(Uint8Array.of(0x28, 0xb5, 0x2f, 0xfd))],
    ['a damaged gzip file', async () => (await gzip(noise)).fill(0xff, 10)],
    ['a gzip file in three others', async () => await gzip(await gzip(await gzip(noise)))],
    ['an empty file', () => new Uint8Array()],
  ])('is false of %s', async (_, file) => {
    expect(await hasNoFormat(await file())).toBe(false);
  });

  it('unpacks only the beginning', async () => {
    const large = new Uint8Array(0x200000).fill(0x14);
    // Cut off: unpacking all of it fails.
    expect(await hasNoFormat((await gzip(large)).slice(0, -20))).toBe(true);
    large.set(arm64Image());
    expect(await hasNoFormat((await gzip(large)).slice(0, -20))).toBe(false);
  });
});

describe('any file', () => {
  it('is accepted within RAM, or refused in one line', async () => {
    const seeds = [arm64Image(), elf(0x40080000n, []), zboot(arm64Image())];
    let random = 1;
    const next = (below: number) => {
      random = (Math.imul(random, 1664525) + 1013904223) >>> 0;
      return Math.floor((random / 2 ** 32) * below);
    };
    const outcomes = new Set<string>();
    for (let i = 0; i < 3000; i++) {
      const file = (seeds[i % seeds.length] ?? new Uint8Array()).slice(0, 1 + next(0x1000));
      for (let j = next(20); j > 0; j--)
        file[next(Math.min(file.length, 0x100))] = [0, 1, 0x7f, 0xff, next(256)][next(5)] ?? 0;
      const kernel = await loadKernel(file, RAM).catch((error: unknown) => {
        if (!(error instanceof KernelImageError)) throw error;
        outcomes.add(error.code);
        return undefined;
      });
      if (!kernel) continue;
      outcomes.add(kernel.format);
      for (const { gpa, bytes } of kernel.segments) {
        expect(gpa).toBeGreaterThanOrEqual(RAM.base);
        expect(gpa + bytes.length).toBeLessThanOrEqual(kernel.end);
      }
      expect(kernel.end).toBeLessThanOrEqual(RAM.base + RAM.size);
    }
    expect([...outcomes].sort()).toEqual(['damaged', 'flat', 'image', 'too-large', 'unsupported']);
  });
});

describe('placeBootFiles', () => {
  it('puts initrd and device tree into the middle of RAM', () => {
    expect(placeBootFiles(RAM, { end: 0x40030000 }, 0x1234)).toEqual({
      initrd: { gpa: 0x42000000, end: 0x42001234 },
      deviceTree: 0x42200000,
    });
  });

  it('puts them 128 MiB from the base of larger RAM', () => {
    const ram = { base: 0x40000000, size: 0x40000000 };
    expect(placeBootFiles(ram, { end: 0x40030000 }, 0)).toEqual({
      initrd: undefined,
      deviceTree: 0x48000000,
    });
  });

  it('places them after a kernel that extends further', () => {
    expect(placeBootFiles(RAM, { end: 0x42300001 }, 1)).toEqual({
      initrd: { gpa: 0x42301000, end: 0x42301001 },
      deviceTree: 0x42400000,
    });
  });

  it('fills RAM to the last byte, and refuses one more in one line', () => {
    expect(placeBootFiles(RAM, { end: RAM.base }, 0x1e00000).deviceTree).toBe(0x43e00000);
    expect(() => placeBootFiles(RAM, { end: RAM.base }, 0x1e00001)).toThrow(
      'kernel, initrd and device tree need 69206016 bytes of memory: the machine has 67108864',
    );
    // Which file is refused: the initrd, if the kernel alone would have fitted.
    const file = (end: number, initrd: number) => {
      try {
        placeBootFiles(RAM, { end }, initrd);
        return 'none';
      } catch (error) {
        return (error as KernelImageError).file;
      }
    };
    expect([
      file(RAM.base, 0x1e00001),
      file(0x43e00000, 1),
      file(0x43e00000, 0),
      file(0x43e00001, 0x1000),
    ]).toEqual(['initrd', 'initrd', 'none', 'kernel']);
  });
});

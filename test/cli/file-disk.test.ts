// SPDX-License-Identifier: MIT
// The disks that `--disk FILE[,rw][,pci]` opens.

import {
  mkdirSync,
  mkdtempSync,
  readFileSync,
  rmSync,
  symlinkSync,
  truncateSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { diskFile, openDisks } from '../../cli/file-disk.ts';

let folder = '';
let file = '';
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'vsmmu-disk-'));
  file = join(folder, 'a,b.img');
  writeFileSync(file, new Uint8Array(1024));
});
afterEach(() => rmSync(folder, { recursive: true }));

describe('a disk of the command line', () => {
  it.each([
    ['disk.img', 'disk.img'],
    ['disk.img,rw', 'disk.img'],
    ['disk.img,pci,rw', 'disk.img'],
    ['disk.img,rw,pci', 'disk.img'],
    // A word may occur once, and an unknown word is part of the name.
    ['disk.img,rw,rw', 'disk.img,rw'],
    ['disk.img,usb', 'disk.img,usb'],
  ])('%s is the file %s', (option, name) => {
    expect(diskFile(option)).toBe(name);
  });

  it('is a device over MMIO, or a PCIe function with its own name', async () => {
    const other = join(folder, 'other.img');
    writeFileSync(other, new Uint8Array(512));
    const { disks, close } = await openDisks([file, `${file},pci`, `${other},pci,rw`]);
    close();
    expect(disks.disks.map(({ size }) => size)).toEqual([1024]);
    expect(disks.pcie.map(({ name }) => name)).toEqual(['pci-disk1', 'pci-disk2']);
  });

  it.each([
    [',rw', ',rw,pci'],
    ['', ',rw'],
    [',rw', ''],
  ])(
    'is not a file that another disk has under any name, if one writes (%s, %s)',
    async (...words) => {
      const link = join(folder, 'link.img');
      symlinkSync(file, link);
      await expect(openDisks([`${file}${words[0]}`, `${link}${words[1]}`])).rejects.toThrow(
        /link\.img is given as two disks, and one of them writes to it$/,
      );
    },
  );

  it.each(['', ',rw'])(
    'whose file (%s) shrinks fails where bytes are missing, and works otherwise',
    async (words) => {
      writeFileSync(file, new Uint8Array(0x3000).fill(7));
      const { disks, close } = await openDisks([`${file}${words}`]);
      const [disk] = disks.disks;
      const read = (offset: number) => {
        const target = new Uint8Array(512);
        disk?.read(offset, target);
        return target[511];
      };
      // Bytes 0x1100 to 0x1fff share a block with others, of which a copy needs all.
      truncateSync(file, 0x1100);
      expect(() => read(0x1000)).toThrow('truncated');
      expect(() => read(0x2000)).toThrow('truncated');
      if (words === '') expect(() => disk?.write(0x1200, new Uint8Array(512))).toThrow('truncated');
      expect([read(0), read(0xe00)]).toEqual([7, 7]);
      // It grows again, beyond its size when it was opened, which stays the disk's.
      truncateSync(file, 0x8000);
      expect([disk?.size, read(0x2e00)]).toEqual([0x3000, 0]);
      rmSync(file);
      disk?.write(0x1200, new Uint8Array(512).fill(9));
      disk?.flush();
      expect([read(0), read(0x1200)]).toEqual([7, 9]);
      close();
    },
  );

  it('is a regular file of whole sectors, and not empty', async () => {
    const folderName = join(folder, 'folder');
    mkdirSync(folderName);
    for (const [name, size] of [['empty', 0] as const, ['odd', 1000] as const])
      writeFileSync(join(folder, name), new Uint8Array(size));
    for (const [name, why] of [
      [folderName, 'it is a directory'],
      [join(folder, 'empty'), 'it is empty'],
      [join(folder, 'odd'), 'it has 1000 bytes, which is not a multiple of 512'],
      [join(folder, 'none'), 'no such file'],
    ] as const)
      for (const words of ['', ',rw', ',pci'])
        await expect(openDisks([file, `${name}${words}`])).rejects.toThrow(why);
    await expect(openDisks(['/dev/zero'])).rejects.toThrow('it is not a regular file');
  });

  it.each(['', ',rw', ',pci', ',rw,pci'])('has a file (%j)', async (option) => {
    await expect(openDisks([option])).rejects.toThrow(
      `the file of --disk '${option}' must not be empty: FILE[,rw][,pci]`,
    );
  });

  it('is written to with rw alone', async () => {
    for (const [words, first] of [['', 0] as const, [',rw', 2] as const]) {
      const { disks, close } = await openDisks([`${file}${words}`]);
      const [disk] = disks.disks;
      disk?.write(0, Uint8Array.of(2));
      disk?.flush();
      close();
      expect(readFileSync(file)[0]).toBe(first);
    }
  });
});

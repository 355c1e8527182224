// SPDX-License-Identifier: MIT
// The disks that `--disk FILE[,rw][,pci]` opens.

import { mkdtempSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
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
    const { disks, close } = await openDisks([file, `${file},pci`, `${file},pci,rw`]);
    close();
    expect(disks.disks.map(({ size }) => size)).toEqual([1024]);
    expect(disks.pcie.map(({ name }) => name)).toEqual(['pci-disk1', 'pci-disk2']);
  });

  it('is not a file that another one also writes to, under any name', async () => {
    const link = join(folder, 'link.img');
    symlinkSync(file, link);
    await expect(openDisks([`${file},rw`, `${link},rw,pci`])).rejects.toThrow(
      /link\.img is given as two disks that are both written to$/,
    );
  });

  it('is written to with rw alone', async () => {
    const { disks, close } = await openDisks([file, `${file},rw`]);
    const [kept, written] = disks.disks;
    kept?.write(0, Uint8Array.of(1));
    expect(readFileSync(file)[0]).toBe(0);
    written?.write(0, Uint8Array.of(2));
    written?.flush();
    close();
    expect(readFileSync(file)[0]).toBe(2);
  });
});

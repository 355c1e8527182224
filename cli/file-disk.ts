// SPDX-License-Identifier: MIT
// A disk that is stored in a file, and the options of --disk.

import { closeSync, fstatSync, fsyncSync, openSync, readSync, writeSync } from 'node:fs';
import {
  CopyOnWriteDisk,
  type Disk,
  SECTOR_SIZE,
  VirtioBlock,
  VirtioPci,
} from '../devices/virtio/index.ts';
import type { VirtBoardOptions } from '../vmm/api/index.ts';
import { fileReason, requireRegularFile } from '../vmm/api/regular-file.ts';
import { UsageError } from './cli-error.ts';

/** Words after a file's name: writes go to the file; the disk is a PCIe function. */
const WRITABLE = 'rw';
const PCI = 'pci';
const WORDS: readonly string[] = [WRITABLE, PCI];

/** A parsed option `--disk FILE[,rw][,pci]`. */
function parsed(option: string): { readonly name: string; readonly words: readonly string[] } {
  const words: string[] = [];
  let name = option;
  for (;;) {
    const comma = name.lastIndexOf(',');
    const word = name.slice(comma + 1);
    if (comma < 0 || !WORDS.includes(word) || words.includes(word)) return { name, words };
    words.push(word);
    name = name.slice(0, comma);
  }
}

/** Disks in the form of the options of the board `virt`. */
export type BoardDisks = {
  readonly [option in 'disks' | 'pcie']: NonNullable<VirtBoardOptions[option]>;
};

class FileDisk implements Disk {
  readonly readOnly = false;
  readonly size: number;
  readonly #file: number;

  constructor(file: number, size: number) {
    this.#file = file;
    this.size = size;
  }

  read(offset: number, target: Uint8Array): void {
    for (let done = 0; done < target.length; ) {
      const count = readSync(this.#file, target, done, target.length - done, offset + done);
      if (count === 0) throw new Error('the file has been truncated');
      done += count;
    }
  }

  write(offset: number, source: Uint8Array): void {
    for (let done = 0; done < source.length; )
      done += writeSync(this.#file, source, done, source.length - done, offset + done);
  }

  flush(): void {
    fsyncSync(this.#file);
  }
}

/** The file of an option `--disk`, without the words after its name. */
export const diskFile = (option: string): string => parsed(option).name;

/**
 * Opens the disks of options `--disk FILE[,rw][,pci]`. Without rw, a guest's writes are lost with its
 * machine, and the file does not change.
 * @returns the disks, and a function that closes their files.
 * @throws {UsageError} if a file cannot be opened, or its size is not that of a disk.
 */
export async function openDisks(
  options: readonly string[],
): Promise<{ readonly disks: BoardDisks; close(): void }> {
  const files: number[] = [];
  const close = () => {
    for (const file of files.splice(0)) closeSync(file);
  };
  try {
    const disks: Disk[] = [];
    const pcie: VirtioPci[] = [];
    /** Whether a file is written to, by device and inode: no other disk may share it then. */
    const known = new Map<string, boolean>();
    for (const [i, option] of options.entries()) {
      const { name, words } = parsed(option);
      const isWritable = words.includes(WRITABLE);
      if (name === '')
        throw new UsageError(`the file of --disk '${option}' must not be empty: FILE[,rw][,pci]`);
      const file = await openFile(name, isWritable);
      files.push(file);
      const { size, dev, ino } = fstatSync(file);
      const place = `${dev} ${ino}`;
      if (known.has(place) && (isWritable || known.get(place)))
        throw new UsageError(`${name} is given as two disks, and one of them writes to it`);
      known.set(place, isWritable);
      if (size === 0) throw new UsageError(`${name} is not a disk: it is empty`);
      if (size % SECTOR_SIZE !== 0)
        throw new UsageError(
          `${name} is not a disk: it has ${size} bytes, which is not a multiple of ${SECTOR_SIZE}`,
        );
      const own = new FileDisk(file, size);
      const disk = isWritable ? own : new CopyOnWriteDisk(own);
      if (words.includes(PCI))
        pcie.push(new VirtioPci(`pci-disk${i}`, new VirtioBlock(disk, `vsmmu-disk${i}`)));
      else disks.push(disk);
    }
    return { disks: { disks, pcie }, close };
  } catch (error) {
    close();
    throw error;
  }
}

/** A hint for an unknown word after the name, which is taken as part of the name. */
function unknownWord(name: string): string {
  const [, word] = /,(\w+)$/.exec(name) ?? [];
  return word === undefined
    ? ''
    : `; after its name, a disk takes ",rw" and ",pci", not ",${word}"`;
}

async function openFile(name: string, isWritable: boolean): Promise<number> {
  try {
    await requireRegularFile(name);
    return openSync(name, isWritable ? 'r+' : 'r');
  } catch (error) {
    throw new UsageError(
      `cannot ${isWritable ? 'write' : 'read'} ${name}: ${fileReason(error)}${unknownWord(name)}`,
    );
  }
}

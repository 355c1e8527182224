// SPDX-License-Identifier: MIT
// Makes one guest of picked or dropped files.

import { looksLikeKernel } from '../vmm/boot/index.ts';
import { cut } from './link/cut-text.ts';
import { visibleName } from './link/guest-name.ts';
import type { PickedGuest } from './protocol.ts';

/** Number of files that a line names. */
const NAMED = 3;

/** The names of files for a line, which has room for what is wrong with them. */
export function fileNames(files: readonly { readonly name: string }[]): string {
  const named = files.slice(0, NAMED).map(({ name }) => cut(visibleName(name)));
  const more = files.length - named.length;
  return `${named.join(', ')}${more > 0 ? ` and ${more} more` : ''}`;
}

/** A file and its contents. */
export interface PickedFile {
  readonly name: string;
  readonly bytes: Uint8Array<ArrayBuffer>;
}

/** @throws {Error} one line, when a file cannot be read. */
export function readFiles(files: readonly File[]): Promise<PickedFile[]> {
  const unreadable = () => Promise.reject(new Error('it cannot be read'));
  const read = files.map(async (file) => ({
    name: visibleName(file.name),
    bytes: new Uint8Array(await file.arrayBuffer().catch(unreadable)),
  }));
  return Promise.all(read);
}

/** Start of an unpacked initial RAM disk: a "newc" archive of cpio. */
const CPIO = '07070';

function isRamDisk({ name, bytes }: PickedFile): boolean {
  const start = String.fromCharCode(...bytes.subarray(0, CPIO.length));
  return start === CPIO || /initr|\.cpio/i.test(name);
}

/**
 * A WebAssembly guest, an arm64 kernel, or one with its initial RAM disk, in any order.
 * @throws {Error} one line, when the files are none of these.
 */
export function guestOf(files: readonly PickedFile[]): PickedGuest {
  const disks = files.filter(isRamDisk);
  const others = files.filter((file) => !disks.includes(file));
  const [guest, ...more] = others;
  const [initrd, ...moreDisks] = disks;
  if (!guest) throw new Error('an initial RAM disk needs its kernel: give both');
  const isKernel = looksLikeKernel(guest.bytes);
  if (more.length > 0 || moreDisks.length > 0 || (initrd && !isKernel))
    throw new Error('give one guest, or an arm64 kernel and its initial RAM disk');
  return isKernel ? { kind: 'arm64', ...guest, initrd: initrd?.bytes } : { kind: 'wasm', ...guest };
}

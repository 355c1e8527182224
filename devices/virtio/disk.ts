// SPDX-License-Identifier: MIT

import { typeOf } from '../plugin/known-names.ts';
import { checkMethods } from '../plugin/known-values.ts';

/**
 * The storage of a block device. Offsets are in bytes; nothing beyond `size` is accessed.
 */
export interface Disk {
  /** In bytes, a multiple of 512. */
  readonly size: number;
  readonly readOnly: boolean;
  /** Fills `target`. @throws {Error} when it cannot: the guest gets an I/O error. */
  read(offset: number, target: Uint8Array): void;
  /** @throws {Error} when it cannot: the guest gets an I/O error. */
  write(offset: number, source: Uint8Array): void;
  /** Makes all writes persistent. @throws {Error} when it cannot. */
  flush(): void;
}

/** @throws {TypeError} when it lacks a function, or `readOnly`. */
export function checkDisk(disk: Disk, what: string): void {
  checkMethods(disk, ['read', 'write', 'flush'], what);
  if (typeof disk.readOnly !== 'boolean')
    throw new TypeError(`${what}.readOnly must be true or false, not ${typeOf(disk.readOnly)}`);
}

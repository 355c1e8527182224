// SPDX-License-Identifier: MIT
// A disk in a Blob, such as a file that was selected in a page. Parts of it are read when
// the guest reads them; it is never loaded as a whole.

import { checkBytes, checkInteger } from '../plugin/known-values.ts';
import type { Disk } from './disk.ts';

/** Reads without a Promise, in workers alone (W3C File API, section 6.4). */
interface SyncReader {
  readAsArrayBuffer(blob: Blob): ArrayBuffer;
}

/**
 * Bytes that are read at once, and kept until the next such read: most guests continue
 * where their last access ended.
 */
const PIECE = 0x10000;

/** A read-only disk in a Blob; a `CopyOnWriteDisk` over it can be written to. */
export class BlobDisk implements Disk {
  readonly readOnly = true;
  readonly size: number;
  readonly #blob: Blob;
  readonly #reader: SyncReader;
  #piece: { readonly at: number; readonly bytes: Uint8Array } = { at: 0, bytes: new Uint8Array() };

  /**
   * @param blob its bytes, a multiple of 512.
   * @throws {TypeError} when it is no Blob, or when the thread has no FileReaderSync,
   *   which only workers have: use a `MemoryDisk` of the Blob's bytes there.
   */
  constructor(blob: Blob) {
    if (!(blob instanceof Blob)) throw new TypeError('BlobDisk: blob must be a Blob');
    const { FileReaderSync } = globalThis as { FileReaderSync?: new () => SyncReader };
    if (!FileReaderSync)
      throw new TypeError('BlobDisk: a Blob is a disk in workers of a page alone');
    this.#blob = blob;
    this.size = blob.size;
    this.#reader = new FileReaderSync();
  }

  /** @throws {Error} when the file is not there any more, has changed or has shrunk. */
  read(offset: number, target: Uint8Array): void {
    checkBytes(target, 'BlobDisk.read: target');
    checkInteger(offset, 0, this.size - target.length, 'BlobDisk.read: offset');
    for (let done = 0; done < target.length; ) {
      const { at, bytes } = this.#pieceOf(offset + done);
      const part = bytes.subarray(offset + done - at, offset + target.length - at);
      if (part.length === 0) throw new Error('BlobDisk: the Blob has fewer bytes than its size');
      target.set(part, done);
      done += part.length;
    }
  }

  /**
   * The piece that has an offset; shorter when the file has shrunk and the browser has
   * not noticed.
   * @throws {DOMException} when the file is not there any more, or has changed.
   */
  #pieceOf(offset: number): { readonly at: number; readonly bytes: Uint8Array } {
    const at = offset - (offset % PIECE);
    if (this.#piece.at !== at || this.#piece.bytes.length === 0) {
      const blob = this.#blob.slice(at, at + PIECE);
      this.#piece = { at, bytes: new Uint8Array(this.#reader.readAsArrayBuffer(blob)) };
    }
    return this.#piece;
  }

  write(): void {
    throw new Error('BlobDisk: a Blob cannot be written to');
  }

  flush(): void {
    // Nothing is written.
  }
}

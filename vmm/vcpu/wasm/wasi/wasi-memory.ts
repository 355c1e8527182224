// SPDX-License-Identifier: MIT
// The memory of a guest for WASI: every address and length is checked, and one call works
// on a bounded part of it.

/**
 * Maximum number of buffers that one call uses, and of bytes that it moves, because
 * others wait for it. The rest is left over: reads and writes may be short.
 */
const MAX_IOVECS = 512;
export const MAX_CALL_BYTES = 2 ** 16;
const IOVEC_SIZE = 8;

/** A part of guest memory. */
export interface GuestBuffer {
  readonly start: number;
  readonly length: number;
}

export class WasiMemory {
  readonly #memory: WebAssembly.Memory;
  #bytes: Uint8Array;
  #view: DataView;

  constructor(memory: WebAssembly.Memory) {
    this.#memory = memory;
    this.#bytes = new Uint8Array(memory.buffer);
    this.#view = new DataView(memory.buffer);
  }

  /**
   * True when all of these bytes are in memory. Addresses and lengths are 32-bit, of
   * either sign.
   */
  inside(address: number, length: number): boolean {
    // The memory of a command may have grown.
    if (this.#memory.buffer !== this.#bytes.buffer) {
      this.#bytes = new Uint8Array(this.#memory.buffer);
      this.#view = new DataView(this.#memory.buffer);
    }
    return length <= this.#bytes.length && address >>> 0 <= this.#bytes.length - length;
  }

  /** A view of all of it, valid after `inside`. */
  get view(): DataView {
    return this.#view;
  }

  /** A copy: the guest may continue to write, and decoders refuse shared memory. */
  read(address: number, length: number): Uint8Array<ArrayBuffer> {
    return this.#bytes.slice(address >>> 0, (address >>> 0) + length) as Uint8Array<ArrayBuffer>;
  }

  write(address: number, bytes: Uint8Array): void {
    this.#bytes.set(bytes, address >>> 0);
  }

  clear(address: number, length: number): void {
    this.#bytes.fill(0, address >>> 0, (address >>> 0) + length);
  }

  /**
   * The buffers of a vector, each word read once, up to the limits of one call.
   * @returns undefined when the vector, or one of these buffers, is not completely in
   *   memory.
   */
  buffers(iovs: number, count: number): readonly GuestBuffer[] | undefined {
    if (!this.inside(iovs, (count >>> 0) * IOVEC_SIZE)) return undefined;
    const found: GuestBuffer[] = [];
    let left = MAX_CALL_BYTES;
    for (let i = 0; i < Math.min(count >>> 0, MAX_IOVECS) && left > 0; i++) {
      const at = (iovs >>> 0) + i * IOVEC_SIZE;
      const start = this.#view.getUint32(at, true);
      const length = this.#view.getUint32(at + 4, true);
      if (!this.inside(start, length)) return undefined;
      found.push({ start, length: Math.min(length, left) });
      left -= Math.min(length, left);
    }
    return found;
  }

  /** The memory of a buffer, not a copy; valid after `inside`. */
  part({ start, length }: GuestBuffer): Uint8Array {
    return this.#bytes.subarray(start, start + length);
  }

  /** The concatenated contents of buffers. */
  gather(buffers: readonly GuestBuffer[]): Uint8Array<ArrayBuffer> {
    const bytes = new Uint8Array(sizeOf(buffers));
    let done = 0;
    for (const buffer of buffers) {
      bytes.set(this.part(buffer), done);
      done += buffer.length;
    }
    return bytes;
  }

  /** Fills buffers in order with the available bytes. */
  scatter(buffers: readonly GuestBuffer[], bytes: Uint8Array): void {
    let done = 0;
    for (const { start, length } of buffers) {
      const part = bytes.subarray(done, done + length);
      this.#bytes.set(part, start);
      done += part.length;
    }
  }
}

/** Total size of buffers in bytes. */
export function sizeOf(buffers: readonly { readonly length: number }[]): number {
  return buffers.reduce((sum, { length }) => sum + length, 0);
}

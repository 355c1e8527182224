// SPDX-License-Identifier: MIT
// Reads the encodings of WebAssembly binaries (core specification, section 5.2), as
// strictly as an engine does: what an engine would read differently, or refuse, is
// refused here.

/** The binary is damaged, or contains something that this reader does not know. */
export class WasmFormatError extends RangeError {
  override readonly name = 'WasmFormatError';
}

const U32_BYTES = 5;
const S64_BYTES = 10;
const UTF8 = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true });

export class WasmReader {
  readonly #bytes: Uint8Array;
  /** End of the data to read: the end of the section. */
  readonly #end: number;
  #at: number;

  constructor(bytes: Uint8Array, at: number, end: number) {
    this.#bytes = bytes;
    this.#at = at;
    this.#end = end;
  }

  get at(): number {
    return this.#at;
  }

  get left(): number {
    return this.#end - this.#at;
  }

  byte(): number {
    if (this.#at >= this.#end) throw new WasmFormatError('it ends in the middle of a section');
    return this.#bytes[this.#at++] as number;
  }

  skip(length: number): void {
    if (length > this.left) throw new WasmFormatError('it ends in the middle of a section');
    this.#at += length;
  }

  /** Unsigned LEB128 of at most 32 bits. */
  number(): number {
    let value = 0;
    for (let i = 0; i < U32_BYTES; i++) {
      const byte = this.byte();
      value += (byte & 0x7f) * 2 ** (7 * i);
      if (byte < 0x80) {
        if (value > 0xffffffff) break;
        return value;
      }
    }
    throw new WasmFormatError('a number has more than 32 bits');
  }

  /**
   * The number of following items. Each takes at least one byte, so there cannot be more
   * of them than bytes.
   */
  count(): number {
    const count = this.number();
    if (count > this.left) throw new WasmFormatError(`${count} things do not fit into the section`);
    return count;
  }

  /** Signed LEB128 of at most 32 bits, as an unsigned word. */
  word(): number {
    let value = 0;
    for (let i = 0; i < U32_BYTES; i++) {
      const byte = this.byte();
      value |= (byte & 0x7f) << (7 * i);
      if (byte >= 0x80) continue;
      const last = i === U32_BYTES - 1;
      // In the last byte, bits 3 to 6 repeat the sign.
      if (last && (byte & 0x78) !== 0 && (byte & 0x78) !== 0x78) break;
      return (!last && byte & 0x40 ? value | (-1 << (7 * (i + 1))) : value) >>> 0;
    }
    throw new WasmFormatError('a number has more than 32 bits');
  }

  /** Skips a signed LEB128 of at most 64 bits. */
  skipSigned(): void {
    for (let i = 0; i < S64_BYTES; i++) if (this.byte() < 0x80) return;
    throw new WasmFormatError('a number has more than 64 bits');
  }

  /** A name in UTF-8. */
  text(): string {
    const length = this.number();
    const start = this.#at;
    this.skip(length);
    try {
      // A copy: decoders refuse views of shared memory.
      return UTF8.decode(this.#bytes.slice(start, start + length));
    } catch {
      throw new WasmFormatError('a name is not UTF-8');
    }
  }

  /** A reader for the next `length` bytes. */
  part(length: number): WasmReader {
    const start = this.#at;
    this.skip(length);
    return new WasmReader(this.#bytes, start, start + length);
  }
}
